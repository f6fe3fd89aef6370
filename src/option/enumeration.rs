//! Named values of `N` formats. Names are compared exactly.

/// A set of named values.
#[derive(Debug)]
pub struct Enumeration {
    pub name: &'static str,
    /// Octets of the value on the wire: 1 or 2.
    pub width: u8,
    pub values: &'static [(&'static str, u32)],
}

impl Enumeration {
    /// By the name in the format: `Nddns-styles.` asks for `ddns-styles`.
    pub fn named(name: &str) -> Option<&'static Enumeration> {
        ALL.iter().find(|e| e.name == name)
    }

    pub fn value(&self, name: &str) -> Option<u32> {
        self.values.iter().find(|(n, _)| *n == name).map(|(_, value)| *value)
    }

    pub fn name_of(&self, value: u32) -> Option<&'static str> {
        self.values.iter().find(|(_, v)| *v == value).map(|(name, _)| *name)
    }
}

const ALL: &[Enumeration] = &[
    Enumeration {
        name: "ddns-styles",
        width: 1,
        values: &[("none", 0), ("ad-hoc", 1), ("interim", 2), ("standard", 3)],
    },
    // syslog(3): the facility times eight
    Enumeration {
        name: "syslog-facilities",
        width: 1,
        values: &[
            ("kern", 0),
            ("user", 8),
            ("mail", 16),
            ("daemon", 24),
            ("auth", 32),
            ("syslog", 40),
            ("lpr", 48),
            ("news", 56),
            ("uucp", 64),
            ("cron", 72),
            ("authpriv", 80),
            ("ftp", 88),
            ("local0", 128),
            ("local1", 136),
            ("local2", 144),
            ("local3", 152),
            ("local4", 160),
            ("local5", 168),
            ("local6", 176),
            ("local7", 184),
        ],
    },
    Enumeration {
        name: "prefix_length_modes",
        width: 1,
        values: &[("ignore", 0), ("prefer", 1), ("exact", 2), ("minimum", 3), ("maximum", 4)],
    },
    Enumeration {
        name: "duid-types",
        width: 2,
        values: &[("duid-llt", 1), ("duid-en", 2), ("duid-ll", 3), ("duid-uuid", 4)],
    },
    Enumeration {
        name: "status-codes",
        width: 2,
        values: &[
            ("success", 0),
            ("UnspecFail", 1),
            ("NoAddrsAvail", 2),
            ("NoBinding", 3),
            ("NotOnLink", 4),
            ("UseMulticast", 5),
            ("NoPrefixAvail", 6),
            ("UnknownQueryType", 7),
            ("MalformedQuery", 8),
            ("NotConfigured", 9),
            ("NotAllowed", 10),
            ("QueryTerminated", 11),
        ],
    },
    Enumeration {
        name: "dhcpv6-messages",
        width: 1,
        values: &[
            ("SOLICIT", 1),
            ("ADVERTISE", 2),
            ("REQUEST", 3),
            ("CONFIRM", 4),
            ("RENEW", 5),
            ("REBIND", 6),
            ("REPLY", 7),
            ("RELEASE", 8),
            ("DECLINE", 9),
            ("RECONFIGURE", 10),
            ("INFORMATION-REQUEST", 11),
            ("RELAY-FORW", 12),
            ("RELAY-REPL", 13),
            ("LEASEQUERY", 14),
            ("LEASEQUERY-REPLY", 15),
            ("LEASEQUERY-DONE", 16),
            ("LEASEQUERY-DATA", 17),
            ("RECONFIGURE-REQUEST", 18),
            ("RECONFIGURE-REPLY", 19),
            ("DHCPV4-QUERY", 20),
            ("DHCPV4-RESPONSE", 21),
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::Enumeration;

    #[test]
    fn local7_and_its_neighbours() {
        let facilities = Enumeration::named("syslog-facilities").unwrap();
        assert_eq!(facilities.value("local7"), Some(184));
        assert_eq!(facilities.value("LOCAL7"), None);
        assert_eq!(facilities.name_of(24), Some("daemon"));
        assert!(Enumeration::named("ldap-methods").is_none());
    }
}
