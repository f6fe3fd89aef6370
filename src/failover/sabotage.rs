//! Safety rules switched off one at a time, so that the simulator in compat-tests can show that it would notice. Without the
//! cargo feature `sabotage` nothing can be switched off.

/// A rule that keeps an address from two clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// An answer waits until its record is durable.
    HoldUntilDurable,
    /// No lease is longer than the peer knows of plus MCLT.
    LeadTime,
    /// In partner-down the peer's addresses are left alone until it can have no say any more.
    WaitForPeer,
    /// What a client has left is free only when the peer has agreed.
    AcknowledgedExpiry,
}

/// The rule that is broken, if any.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sabotage {
    #[cfg(feature = "sabotage")]
    rule: Option<Rule>,
}

impl Sabotage {
    #[cfg(feature = "sabotage")]
    pub fn of(rule: Rule) -> Self {
        Sabotage { rule: Some(rule) }
    }

    #[cfg(feature = "sabotage")]
    pub fn breaks(self, rule: Rule) -> bool {
        self.rule == Some(rule)
    }

    #[cfg(not(feature = "sabotage"))]
    pub const fn breaks(self, _: Rule) -> bool {
        false
    }
}
