//! Binary operators.
