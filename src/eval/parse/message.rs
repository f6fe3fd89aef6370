//! Texts that are said from more than one place.

/// ISC has no such limit; it would exhaust its stack.
pub const TOO_DEEP: &str = "statements or expressions nested too deeply.";
