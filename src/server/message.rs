//! Lines of the core itself.

use crate::log::Line;

/// The disk refused a record. `withheld` answers are not sent.
pub fn journal_failed(reason: &str, withheld: usize) -> Line {
    Line::error(format!(
        "Cannot keep leases: {reason}. {withheld} answers withheld; no lease is acknowledged until the lease file is written anew."
    ))
}

pub fn rewrite_failed() -> Line {
    Line::error(
        "The lease file could not be written anew and is tried again; no lease is acknowledged until then.",
    )
}

pub fn journal_mended() -> Line {
    Line::info("The lease file is written anew and complete; leases are acknowledged again.")
}
