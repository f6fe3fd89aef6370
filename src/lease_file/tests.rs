//! Reading and writing; the corpus where it is present.
