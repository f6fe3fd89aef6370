//! Lines of the core itself.

use crate::dhcp4::interface::Interface;
use crate::log::Line;

/// The disk refused a record. `withheld` answers are not sent.
pub fn journal_failed(reason: &str, withheld: usize) -> Line {
    Line::error(format!(
        "Cannot keep leases: {reason}. {withheld} answers withheld; no lease is acknowledged until the lease file is written anew."
    ))
}

/// `running`: how many leases were running when it was set forward.
pub fn clock_set(seconds: i64, running: usize) -> Line {
    let (way, by) = (if seconds < 0 { "back" } else { "forward" }, seconds.unsigned_abs());
    let leases = match running {
        0 => String::new(),
        _ => format!(" {running} running leases keep what was left of them and end that much later."),
    };
    Line::error(format!("The system clock was set {way} by {by} seconds.{leases}"))
}

pub fn rewrite_failed() -> Line {
    Line::error(
        "The lease file could not be written anew and is tried again; no lease is acknowledged until then.",
    )
}

pub fn journal_mended() -> Line {
    Line::info("The lease file is written anew and complete; leases are acknowledged again.")
}

/// L0172, L0173: `verb` is `output` or `input`.
pub fn disabling(verb: &str, interface: &Interface, network: &str) -> Line {
    let octets: Vec<String> = interface.hardware.iter().map(|octet| format!("{octet:02x}")).collect();
    Line::info(format!("Disabling {verb} on LPF/{}/{}/{network}", interface.name, octets.join(":")))
}
