//! How long a lease may last under failover: never longer than the peer knows of plus the maximum client lead time
//! (PROTOCOL section 9).

use crate::clock::{NEVER, Wall};

/// ISC's INFINITE_TIME.
const INFINITE: i64 = 0xffff_ffff;

/// Seconds the client gets of the `wanted` ones. `tsfp`: until when the peer knows that the address may be in use;
/// `mclt`: seconds.
pub fn granted(wanted: i64, now: Wall, tsfp: Wall, mclt: i64) -> i64 {
    if wanted <= mclt {
        wanted
    } else if tsfp <= now {
        mclt
    } else {
        wanted.min(tsfp - now + mclt)
    }
}

/// The potential expiry to tell the peer: the wanted time, and half the granted one, when the client will renew.
pub fn potential_expiry(wanted: i64, granted: i64, now: Wall) -> Wall {
    if wanted == INFINITE {
        return NEVER;
    }
    match now.saturating_add(wanted).saturating_add(granted / 2) {
        time if time < INFINITE => time,
        _ => NEVER - 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_the_recordings() {
        // b1: 300 s wanted, MCLT 20; then the renewal after the acknowledgement.
        assert_eq!(granted(300, 1000, 990, 20), 20);
        assert_eq!(potential_expiry(300, 20, 1000), 1310);
        assert_eq!(granted(300, 1010, 1310, 20), 300);
        assert_eq!(potential_expiry(300, 300, 1010), 1460);
        // a2: a day wanted, MCLT 1800.
        assert_eq!(potential_expiry(86_400, granted(86_400, 0, 0, 1800), 0), 87_300);
        // b7: the previous binding of the address was acknowledged far into the future.
        assert_eq!(granted(600, 0, 582, 15), 597);
        assert_eq!(granted(10, 0, 0, 15), 10);
        assert_eq!(potential_expiry(INFINITE, 20, 0), NEVER);
    }
}
