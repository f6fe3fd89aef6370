//! The messages of the failover protocol as ISC dhcpd 4.4.3-P1 sends and takes them (draft-ietf-dhc-failover-12 with
//! ISC's numbers).
//!
//! A message is a header of 12 octets (length, type, offset of the first option, time, transaction) and options, each a
//! code, a length and a value, all big-endian. Reading borrows from the receive buffer and allocates nothing.

use std::net::Ipv4Addr;

/// Octets of the header.
pub const HEADER: usize = 12;
/// The longest message anybody sends or takes.
pub const LONGEST: usize = 2048;

/// What a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    PoolRequest = 1,
    PoolResponse = 2,
    BindingUpdate = 3,
    BindingAck = 4,
    Connect = 5,
    ConnectAck = 6,
    UpdateRequestAll = 7,
    UpdateDone = 8,
    UpdateRequest = 9,
    State = 10,
    Contact = 11,
    Disconnect = 12,
}

impl Kind {
    pub fn from_number(number: u8) -> Option<Kind> {
        use Kind::*;
        [
            PoolRequest,
            PoolResponse,
            BindingUpdate,
            BindingAck,
            Connect,
            ConnectAck,
            UpdateRequestAll,
            UpdateDone,
            UpdateRequest,
            State,
            Contact,
            Disconnect,
        ]
        .get(usize::from(number).checked_sub(1)?)
        .copied()
    }

    /// Options that this message carries; others are skipped unseen.
    fn takes(self, code: u16) -> bool {
        use Kind::*;
        match self {
            PoolRequest | UpdateRequestAll | UpdateDone | UpdateRequest | Contact => false,
            PoolResponse => code == code::ADDRESSES_TRANSFERRED,
            BindingUpdate | BindingAck => {
                matches!(code, 2..=9 | 12 | 13 | 18 | 25 | 29)
                    || (self == BindingAck && matches!(code, code::MESSAGE | code::REJECT_REASON))
            }
            Connect => matches!(code, 11 | 14 | 15 | 19 | 20 | 22 | 27 | 28 | 29),
            ConnectAck => matches!(code, 14 | 16 | 19 | 20 | 21 | 22 | 26 | 28 | 29),
            State => matches!(code, code::SERVER_FLAGS | code::SERVER_STATE | code::STOS),
            Disconnect => matches!(code, code::MESSAGE | code::REJECT_REASON),
        }
    }
}

/// Option numbers.
pub mod code {
    pub const ADDRESSES_TRANSFERRED: u16 = 1;
    pub const ASSIGNED_ADDRESS: u16 = 2;
    pub const BINDING_STATUS: u16 = 3;
    pub const CLIENT_IDENTIFIER: u16 = 4;
    pub const CHADDR: u16 = 5;
    pub const CLTT: u16 = 6;
    pub const HBA: u16 = 11;
    pub const IP_FLAGS: u16 = 12;
    pub const LEASE_EXPIRY: u16 = 13;
    pub const MAX_UNACKED: u16 = 14;
    pub const MCLT: u16 = 15;
    pub const MESSAGE: u16 = 16;
    pub const MESSAGE_DIGEST: u16 = 17;
    pub const POTENTIAL_EXPIRY: u16 = 18;
    pub const RECEIVE_TIMER: u16 = 19;
    pub const PROTOCOL_VERSION: u16 = 20;
    pub const REJECT_REASON: u16 = 21;
    pub const RELATIONSHIP_NAME: u16 = 22;
    pub const SERVER_FLAGS: u16 = 23;
    pub const SERVER_STATE: u16 = 24;
    pub const STOS: u16 = 25;
    pub const TLS_REPLY: u16 = 26;
    pub const TLS_REQUEST: u16 = 27;
    pub const VENDOR_CLASS: u16 = 28;
    pub const VENDOR_OPTIONS: u16 = 29;
}

/// Why a connection or an update is refused.
pub mod reason {
    pub const ILLEGAL_ADDRESS: u8 = 1;
    pub const FATAL_CONFLICT: u8 = 2;
    pub const MISSING_BINDING_INFORMATION: u8 = 3;
    pub const TIME_MISMATCH: u8 = 4;
    pub const INVALID_MCLT: u8 = 5;
    pub const UNKNOWN: u8 = 6;
    pub const DUPLICATE_CONNECTION: u8 = 7;
    pub const INVALID_PARTNER: u8 = 8;
    pub const LESS_CRITICAL: u8 = 16;
    pub const HBA_CONFLICT: u8 = 18;
    pub const NOT_RESERVED: u8 = 19;
}

/// Bits of `ip_flags`.
pub const RESERVED: u16 = 1;
pub const BOOTP: u16 = 2;

/// Bit of `server_flags`: the sender has not left its startup yet.
pub const STARTUP: u8 = 1;

/// Names of the options as ISC logs them, by number from 1.
const NAMES: [&str; 29] = [
    "addresses-transferred",
    "assigned-IP-address",
    "binding-status",
    "client-identifier",
    "client-hardware-address",
    "client-last-transaction-time",
    "client-reply-options",
    "client-request-options",
    "DDNS",
    "delayed-service",
    "hash-bucket-assignment",
    "IP-flags",
    "lease-expiration-time",
    "max-unacked-bndupd",
    "MCLT",
    "message",
    "message-digest",
    "potential-expiration-time",
    "receive-timer",
    "protocol-version",
    "reject-reason",
    "relationship-name",
    "server-flags",
    "server-state",
    "start-time-of-state",
    "TLS-reply",
    "TLS-request",
    "vendor-class-identifier",
    "vendor-specific-options",
];

fn name(code: u16) -> &'static str {
    usize::from(code).checked_sub(1).and_then(|at| NAMES.get(at)).copied().unwrap_or("unknown option")
}

/// What is wrong with a message; the connection does not survive it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The length field: below 12 or above 2,048.
    Length,
    /// The offset of the first option lies inside the header; ISC reads on at a wrong place.
    Offset,
    OverflowAtCode,
    OverflowAtLength,
    OverflowAtData,
    InvalidType(u8),
    Duplicate(&'static str),
    Size {
        got: usize,
        wanted: usize,
        option: &'static str,
    },
}

/// One received message. Times are those of the sender's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Message<'a> {
    /// None: a number that means nothing; such a message without options is ignored.
    pub kind: Option<Kind>,
    pub time: u32,
    pub xid: u32,
    pub addresses_transferred: Option<u32>,
    pub assigned_address: Option<Ipv4Addr>,
    pub binding_status: Option<u8>,
    pub client_identifier: Option<&'a [u8]>,
    /// Hardware type octet, then the address.
    pub chaddr: Option<&'a [u8]>,
    pub cltt: Option<u32>,
    pub hba: Option<&'a [u8]>,
    pub ip_flags: Option<u16>,
    pub lease_expiry: Option<u32>,
    pub max_unacked: Option<u32>,
    /// Seconds.
    pub mclt: Option<u32>,
    pub message: Option<&'a [u8]>,
    pub potential_expiry: Option<u32>,
    /// Seconds.
    pub receive_timer: Option<u32>,
    pub reject_reason: Option<u8>,
    pub relationship_name: Option<&'a [u8]>,
    pub server_flags: Option<u8>,
    pub server_state: Option<u8>,
    pub stos: Option<u32>,
    pub tls_request: bool,
    pub vendor_options: Option<&'a [u8]>,
}

/// How long the message at the start of `octets` is; None: not enough has come to tell.
pub fn length(octets: &[u8]) -> Result<Option<usize>, Fault> {
    let Some(length) = octets.first_chunk::<2>() else { return Ok(None) };
    match usize::from(u16::from_be_bytes(*length)) {
        length @ HEADER..=LONGEST => Ok(Some(length)),
        _ => Err(Fault::Length),
    }
}

fn u32_at(octets: &[u8], at: usize) -> u32 {
    octets.get(at..).and_then(|rest| rest.first_chunk::<4>()).map_or(0, |value| u32::from_be_bytes(*value))
}

fn u16_of(octets: &[u8]) -> Option<u16> {
    octets.first_chunk::<2>().map(|value| u16::from_be_bytes(*value))
}

impl<'a> Message<'a> {
    /// Reads one whole message, its length field included.
    pub fn read(octets: &'a [u8]) -> Result<Message<'a>, Fault> {
        let (Some(&number), Some(&offset)) = (octets.get(2), octets.get(3)) else {
            return Err(Fault::Length);
        };
        if octets.len() < HEADER {
            return Err(Fault::Length);
        }
        if usize::from(offset) < HEADER {
            return Err(Fault::Offset);
        }
        let mut message = Message {
            kind: Kind::from_number(number),
            time: u32_at(octets, 4),
            xid: u32_at(octets, 8),
            ..Message::default()
        };
        let mut rest = octets.get(usize::from(offset)..).unwrap_or_default();
        let mut seen = 0u32;
        while !rest.is_empty() {
            let code = u16_of(rest).ok_or(Fault::OverflowAtCode)?;
            if number > Kind::Disconnect as u8 {
                return Err(Fault::InvalidType(number));
            }
            rest = rest.get(2..).unwrap_or_default();
            let length = usize::from(u16_of(rest).ok_or(Fault::OverflowAtLength)?);
            rest = rest.get(2..).unwrap_or_default();
            let (value, behind) = rest.split_at_checked(length).ok_or(Fault::OverflowAtData)?;
            rest = behind;
            if !(1..=code::VENDOR_OPTIONS).contains(&code) || code == code::MESSAGE_DIGEST {
                continue;
            }
            if seen & 1 << code != 0 {
                return Err(Fault::Duplicate(name(code)));
            }
            if message.kind.is_some_and(|kind| kind.takes(code)) {
                seen |= 1 << code;
                message.take(code, value)?;
            }
        }
        Ok(message)
    }

    fn take(&mut self, code: u16, value: &'a [u8]) -> Result<(), Fault> {
        let wanted = match code {
            3 | 10 | 20 | 21 | 23 | 24 | 26 | 27 => Some(1),
            12 => Some(2),
            1 | 2 | 6 | 13 | 14 | 15 | 18 | 19 | 25 => Some(4),
            // ISC expects nothing in it.
            9 => Some(0),
            _ => None,
        };
        if let Some(wanted) = wanted
            && wanted != value.len()
        {
            return Err(Fault::Size { got: value.len(), wanted, option: name(code) });
        }
        let octet = value.first().copied();
        let word = Some(u32_at(value, 0));
        match code {
            code::ADDRESSES_TRANSFERRED => self.addresses_transferred = word,
            code::ASSIGNED_ADDRESS => self.assigned_address = word.map(Ipv4Addr::from_bits),
            code::BINDING_STATUS => self.binding_status = octet,
            code::CLIENT_IDENTIFIER => self.client_identifier = Some(value),
            code::CHADDR => self.chaddr = Some(value),
            code::CLTT => self.cltt = word,
            code::HBA => self.hba = Some(value),
            code::IP_FLAGS => self.ip_flags = u16_of(value),
            code::LEASE_EXPIRY => self.lease_expiry = word,
            code::MAX_UNACKED => self.max_unacked = word,
            code::MCLT => self.mclt = word,
            code::MESSAGE => self.message = Some(value),
            code::POTENTIAL_EXPIRY => self.potential_expiry = word,
            code::RECEIVE_TIMER => self.receive_timer = word,
            code::REJECT_REASON => self.reject_reason = octet,
            code::RELATIONSHIP_NAME => self.relationship_name = Some(value),
            code::SERVER_FLAGS => self.server_flags = octet,
            code::SERVER_STATE => self.server_state = octet,
            code::STOS => self.stos = word,
            code::TLS_REQUEST => self.tls_request = true,
            code::VENDOR_OPTIONS => self.vendor_options = Some(value),
            _ => {}
        }
        Ok(())
    }
}

/// A message being written to the end of a buffer.
pub struct Writer<'b> {
    out: &'b mut Vec<u8>,
    start: usize,
}

impl<'b> Writer<'b> {
    /// `time`: the sender's clock, seconds since 1970.
    pub fn new(out: &'b mut Vec<u8>, kind: Kind, time: u32, xid: u32) -> Self {
        let start = out.len();
        out.extend_from_slice(&[0, 0, kind as u8, HEADER as u8]);
        out.extend_from_slice(&time.to_be_bytes());
        out.extend_from_slice(&xid.to_be_bytes());
        Writer { out, start }
    }

    /// An option. One that would make the message too long is left out: false.
    pub fn put(&mut self, code: u16, value: &[u8]) -> bool {
        let room = LONGEST.saturating_sub(self.out.len() - self.start);
        let Some(length) = u16::try_from(value.len()).ok().filter(|_| value.len() + 4 <= room) else {
            return false;
        };
        self.out.extend_from_slice(&code.to_be_bytes());
        self.out.extend_from_slice(&length.to_be_bytes());
        self.out.extend_from_slice(value);
        true
    }

    /// An option whose value is appended, and fits.
    pub fn put_with(&mut self, code: u16, write: impl FnOnce(&mut Vec<u8>)) {
        let at = self.out.len();
        self.out.extend_from_slice(&code.to_be_bytes());
        self.out.extend_from_slice(&[0, 0]);
        write(self.out);
        let length = self.out.len() - at - 4;
        match u16::try_from(length).ok().filter(|_| self.out.len() - self.start <= LONGEST) {
            Some(length) => {
                if let Some(field) = self.out.get_mut(at + 2..at + 4) {
                    field.copy_from_slice(&length.to_be_bytes());
                }
            }
            None => self.out.truncate(at),
        }
    }

    pub fn put_octet(&mut self, code: u16, value: u8) {
        self.put(code, &[value]);
    }

    pub fn put_word(&mut self, code: u16, value: u32) {
        self.put(code, &value.to_be_bytes());
    }

    /// Room left, option header not counted.
    pub fn room(&self) -> usize {
        LONGEST.saturating_sub(self.out.len() - self.start)
    }

    /// Fills in the length.
    pub fn finish(self) {
        let length = (self.out.len() - self.start) as u16;
        if let Some(field) = self.out.get_mut(self.start..self.start + 2) {
            field.copy_from_slice(&length.to_be_bytes());
        }
    }
}

/// What a reject reason means, in ISC's words.
pub fn reason_text(reason: u8) -> String {
    let text = match reason {
        1 => "Illegal IP address (not part of any address pool).",
        2 => "Fatal conflict exists: address in use by other client.",
        3 => "Missing binding information.",
        4 => "Connection rejected, time mismatch too great.",
        5 => "Connection rejected, invalid MCLT.",
        6 => "Connection rejected, unknown reason.",
        7 => "Connection rejected, duplicate connection.",
        8 => "Connection rejected, invalid failover partner.",
        9 => "TLS not supported.",
        10 => "TLS supported but not configured.",
        11 => "TLS required but not supported by partner.",
        12 => "Message digest not supported.",
        13 => "Message digest not configured.",
        14 => "Protocol version mismatch.",
        15 => "Outdated binding information.",
        16 => "Less critical binding information.",
        17 => "No traffic within sufficient time.",
        18 => "Hash bucket assignment conflict.",
        19 => "IP not reserved on this server.",
        20 => "Message digest failed to compare.",
        21 => "Missing message digest.",
        254 => "Unknown Error.",
        other => {
            return format!("Undefined-{other}: This reason code is not defined in the protocol standard.");
        }
    };
    text.into()
}
