//! Time as an argument. The core never reads a clock; whoever calls it says what time it is.

/// Seconds since 1970-01-01 00:00:00 UTC. Lease times are wall time, as in dhcpd.leases(5).
pub type Wall = i64;

/// ISC's MAX_TIME: "never" in the lease file, 2^31-1.
pub const NEVER: Wall = 0x7fff_ffff;

/// One reading of both clocks. Every decision of one event sees the same reading, as in ISC, which samples once per wake-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Wall clock, whole seconds.
    pub wall: Wall,
    /// Monotonic clock, microseconds from an arbitrary start. Timers count in it, so a stepped wall clock moves none.
    pub mono: u64,
}
