//! Every line the engine says: ISC's texts (ledger `logs.tsv`, category v4).

use crate::log::Line;
use smallvec::SmallVec;
use std::fmt::{self, Display, Formatter, Write as _};
use std::net::Ipv4Addr;

/// Octets in lower-case hex, two digits each, joined by colons.
#[derive(Clone, Copy, Debug)]
pub struct Hardware<'a>(pub &'a [u8]);

impl Display for Hardware<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = SmallVec::<[u8; 64]>::new();
        for (index, octet) in self.0.iter().enumerate() {
            if index > 0 {
                text.push(b':');
            }
            text.extend(
                [octet >> 4, octet & 15].iter().filter_map(|digit| DIGITS.get(usize::from(*digit))).copied(),
            );
        }
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

/// A lease's client identifier: in quotes when all of it is printable, else in hex; empty when it is long.
#[derive(Clone, Copy, Debug)]
pub struct Identifier<'a>(pub &'a [u8]);

impl Display for Identifier<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        const LIMIT: usize = 60;
        let looked_at = self.0.get(..self.0.len().min(LIMIT - 3)).unwrap_or_default();
        match std::str::from_utf8(looked_at) {
            Ok(text) if looked_at.iter().all(|octet| (32..127).contains(octet)) => write!(f, "\"{text}\""),
            _ if self.0.len() * 3 > LIMIT => Ok(()),
            _ => Hardware(self.0).fmt(f),
        }
    }
}

/// Who a client is, for the lines that know a lease.
#[derive(Clone, Copy, Debug)]
pub enum Who<'a> {
    Hardware(Hardware<'a>),
    Lease(Identifier<'a>),
    Nobody,
}

impl Display for Who<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Who::Hardware(hardware) => hardware.fmt(f),
            Who::Lease(identifier) => identifier.fmt(f),
            Who::Nobody => f.write_str("<no identifier>"),
        }
    }
}

/// A name a client gave, as ISC dares to print it, with what comes around it; empty without a name.
#[derive(Clone, Copy, Debug)]
pub struct HostName<'a>(pub Option<&'a [u8]>);

impl Display for HostName<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Some(name) = self.0 else { return Ok(()) };
        let name = name.split(|octet| *octet == 0).next().unwrap_or_default();
        let printable = name.len() <= 64
            && name.iter().all(|octet| (32..127).contains(octet) && !b"\"\\".contains(octet));
        match std::str::from_utf8(name) {
            Ok(text) if printable => write!(f, "({text}) "),
            _ => f.write_str("(Hostname Unsuitable for Printing) "),
        }
    }
}

/// giaddr, or the name of the interface.
#[derive(Clone, Copy, Debug)]
pub enum Via<'a> {
    Relay(Ipv4Addr),
    Interface(&'a str),
}

impl Display for Via<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Via::Relay(giaddr) => giaddr.fmt(f),
            Via::Interface(name) => f.write_str(name),
        }
    }
}

/// Into a text that was used before, so that the lines of every exchange need no memory.
fn put(mut text: String, arguments: fmt::Arguments<'_>) -> String {
    // A String takes everything.
    let _ = text.write_fmt(arguments);
    text
}

/// Names of message types, as ISC's table has them.
pub fn message_type(kind: u8) -> String {
    const NAMES: [&str; 13] = [
        "DHCPDISCOVER",
        "DHCPOFFER",
        "DHCPREQUEST",
        "DHCPDECLINE",
        "DHCPACK",
        "DHCPNAK",
        "DHCPRELEASE",
        "DHCPINFORM",
        "type 9",
        "DHCPLEASEQUERY",
        "DHCPLEASEUNASSIGNED",
        "DHCPLEASEUNKNOWN",
        "DHCPLEASEACTIVE",
    ];
    match usize::from(kind).checked_sub(1).and_then(|at| NAMES.get(at)) {
        Some(name) => (*name).into(),
        None => format!("type {kind}"),
    }
}

pub fn bad_packet(kind: u8, client: impl Display, via: impl Display, fault: &str) -> Line {
    Line::info(format!("{} from {client} via {via}: {fault}", message_type(kind)))
}

/// How the lines of a DHCPDISCOVER begin.
pub fn discover(text: String, client: impl Display, name: impl Display, via: impl Display) -> String {
    put(text, format_args!("DHCPDISCOVER from {client} {name}via {via}"))
}

/// How the lines of a DHCPREQUEST begin; `server` is the address of option 54.
pub fn request(
    text: String,
    address: Ipv4Addr,
    server: Option<Ipv4Addr>,
    client: impl Display,
    name: impl Display,
    via: impl Display,
) -> String {
    let text = put(text, format_args!("DHCPREQUEST for {address}"));
    let text = match server {
        Some(server) => put(text, format_args!(" ({server})")),
        None => text,
    };
    put(text, format_args!(" from {client} {name}via {via}"))
}

/// How the lines of a DHCPDECLINE begin.
pub fn decline(address: Ipv4Addr, client: impl Display, name: impl Display, via: impl Display) -> String {
    format!("DHCPDECLINE of {address} from {client} {name}via {via}")
}

pub fn release(
    ciaddr: Ipv4Addr,
    client: impl Display,
    name: impl Display,
    via: impl Display,
    found: bool,
) -> Line {
    let found = if found { "" } else { "not " };
    Line::info(format!("DHCPRELEASE of {ciaddr} from {client} {name}via {via} ({found}found)"))
}

/// How the lines of a DHCPINFORM begin.
pub fn inform(address: Ipv4Addr, via: impl Display) -> String {
    format!("DHCPINFORM from {address} via {via}")
}

/// `kind` is `client`, `source`, `relay`, `selected` or `relay link select`.
pub fn unknown_subnet(kind: &str, address: Ipv4Addr) -> String {
    format!("unknown subnet for {kind} address {address}")
}

/// How the lines of a BOOTP request begin.
pub fn bootrequest(hardware: impl Display, via: impl Display) -> String {
    format!("BOOTREQUEST from {hardware} via {via}")
}

/// Why an address is set aside.
pub const DECLINED: &str = "declined.";
pub const PINGED: &str = "pinged before offer";

pub const UNKNOWN_SEGMENT: &str = "unknown network segment";
pub const UNKNOWN_TYPE: &str = "unknown packet type";

/// ISC cannot free a function; `place` is where in its source it tries.
pub fn function_freed(place: &str) -> Line {
    Line::error(format!("{place}: invalid binding type: 4"))
}

pub fn too_many_classes(hardware: impl Display) -> Line {
    Line::error(format!("too many classes match {hardware}"))
}

/// `MESSAGE: FAULT`, where MESSAGE is the line a packet would have been logged with.
pub fn dropped(message: &str, fault: impl Display) -> Line {
    Line::info(format!("{message}: {fault}"))
}

pub fn min_secs(message: &str, configured: u8, secs: u16) -> Line {
    dropped(
        message,
        format_args!(
            "configured min-secs value ({configured}) is greater than secs field ({secs}).  message dropped."
        ),
    )
}

pub fn no_billing(message: &str, class: &str) -> Line {
    dropped(
        message,
        format_args!("no available billing: lease limit reached in all matching classes (last: '{class}')"),
    )
}

pub fn no_free_leases(message: &str, network: &str) -> Line {
    Line::error(format!("{message}: network {network}: no free leases"))
}

pub fn peer_holds_all(message: &str) -> Line {
    Line::error(format!("{message}: peer holds all free leases"))
}

/// In a failover state in which we do not answer; `reason` begins with a space.
pub fn not_responding(message: &str, reason: &str) -> Line {
    Line::info(format!("{message}: not responding{reason}"))
}

pub fn ignored(relationship: &str, reason: &str) -> Line {
    Line::info(format!("{relationship}: ignored{reason}"))
}

pub fn load_balance(message: &str, peer: &str) -> Line {
    Line::debug(format!("{message}: load balance to peer {peer}"))
}

pub fn load_balance_bootp(message: &str, peer: &str) -> Line {
    Line::info(format!("{message}: load balance to peer {peer}"))
}

pub fn cancel_load_balance(message: &str, peer: &str) -> Line {
    Line::debug(format!("{message}: cancel load balance to peer {peer} - no free leases"))
}

/// Why a DHCPREQUEST is the failover peer's to answer, or nobody's.
pub fn owned(message: &str, fault: &str) -> Line {
    Line::debug(format!("{message}: {fault}"))
}

pub fn unavailable(address: Ipv4Addr) -> String {
    format!("lease {address} unavailable.")
}

pub fn unknown_lease(address: Ipv4Addr) -> String {
    format!("unknown lease {address}.")
}

pub fn nak(address: Ipv4Addr, hardware: impl Display, via: impl Display) -> Line {
    Line::info(format!("DHCPNAK on {address} to {hardware} via {via}"))
}

/// DHCPOFFER, DHCPACK and BOOTREPLY of a lease.
pub fn granted(
    text: String,
    what: &str,
    address: Ipv4Addr,
    client: impl Display,
    name: impl Display,
    via: impl Display,
) -> Line {
    Line::info(put(text, format_args!("{what} on {address} to {client} {name}via {via}")))
}

pub fn release_with_option(hardware: impl Display) -> Line {
    Line::info(format!("DHCPRELEASE from {hardware} specified requested-address."))
}

pub fn duplicate_leases(hardware: impl Display, network: &str) -> Line {
    Line::error(format!("client {hardware} has duplicate leases on {network}"))
}

pub fn duplicate_uid_lease(address: Ipv4Addr, hardware: impl Display, network: &str) -> Line {
    Line::error(format!("uid lease {address} for client {hardware} is duplicate on {network}"))
}

pub fn dynamic_and_static(address: Ipv4Addr, host: impl Display, network: &str) -> [Line; 3] {
    [
        Line::error(format!("Dynamic and static leases present for {address}.")),
        Line::error(format!("Remove host declaration {host} or remove {address}")),
        Line::error(format!("from the dynamic address pool for {network}")),
    ]
}

pub fn reclaiming(address: Ipv4Addr) -> Line {
    Line::error(format!("Reclaiming abandoned lease {address}."))
}

pub fn reclaiming_requested(address: Ipv4Addr) -> Line {
    Line::error(format!("Reclaiming REQUESTed abandoned IP address {address}."))
}

pub fn reuse(age: i64, percent: u32, address: Ipv4Addr) -> Line {
    Line::debug(format!(
        "reuse_lease: lease age {age} (secs) under {percent}% threshold, reply with unaltered, existing lease for {address}"
    ))
}

pub fn becomes_reserved() -> Line {
    Line::debug("Cannot reuse: lease is changing to RESERVED")
}

pub fn infinite_reservation(address: Ipv4Addr) -> Line {
    Line::info(format!("Infinite-leasetime reservation made on {address}."))
}

pub fn adaptive(total: u64, free: u64, ends: i64, adaptive: i64, fill: u64, threshold: u32) -> Line {
    Line::debug(format!(
        "Adap-lease: Total: {total}, Free: {free}, Ends: {ends}, Adaptive: {adaptive}, Fill: {fill}, Threshold: {threshold}"
    ))
}

pub fn over_adaptive(address: Ipv4Addr, from: i64, to: i64) -> Line {
    Line::info(format!("Pool over threshold, time for {address} reduced from {from} to {to}."))
}

pub fn threshold_exceeded(network: &str, address: Ipv4Addr, percent: i64, used: u64, count: u64) -> Line {
    Line::error(format!(
        "Pool threshold exceeded - shared subnet: {network}; address: {address}; high threshold {percent}% {used}/{count}."
    ))
}

pub fn threshold_reset(network: &str, address: Ipv4Addr, used: u64, count: u64) -> Line {
    Line::error(format!(
        "Pool threshold reset - shared subnet: {network}; address: {address}; low threshold {used}/{count}."
    ))
}

pub fn no_host_name(address: Ipv4Addr) -> Line {
    Line::error(format!("No hostname for {address}"))
}

/// `what` is `file` or `server`.
pub fn name_truncated(what: &str, room: usize, name: &[u8]) -> Line {
    let text = String::from_utf8_lossy(name);
    Line::info(format!(
        "{what} name longer than packet field truncated - field: {room} name: {} {text}",
        name.len()
    ))
}

/// The lines that follow the first refusal of an INFORM.
pub fn authoritative_hint() -> [Line; 5] {
    [
        "If this DHCP server is authoritative for that subnet,",
        "please write an `authoritative;' directive either in the",
        "subnet declaration or in some scope that encloses the",
        "subnet declaration - for example, write it at the top",
        "of the dhcpd.conf file.",
    ]
    .map(Line::info)
}

pub fn inform_ack(address: Ipv4Addr, client: impl Display, via: impl Display) -> Line {
    Line::info(format!("DHCPACK to {address} ({client}) via {via}"))
}

pub fn bootreply(address: Ipv4Addr, host: &str, hardware: impl Display, via: impl Display) -> Line {
    Line::info(format!("BOOTREPLY for {address} to {host} ({hardware}) via {via}"))
}

pub fn no_source_address(message: &str, interface: &str) -> Line {
    Line::error(format!(
        "{message}: Interface {interface} appears to have no IPv4 addresses, and so dhcpd cannot select a source address."
    ))
}

pub fn leasequery_without_relay(ciaddr: Ipv4Addr) -> Line {
    Line::info(format!("DHCPLEASEQUERY from 0.0.0.0: missing giaddr, ciaddr is {ciaddr}, no reply sent"))
}

pub fn leasequery_not_allowed(giaddr: Ipv4Addr) -> Line {
    Line::info(format!("DHCPLEASEQUERY from {giaddr}: LEASEQUERY not allowed, query ignored"))
}

pub fn too_many_associated(count: usize, about: &str, told: usize) -> Line {
    Line::info(format!("{count} IP addresses associated with {about}, only {told} sent in reply."))
}

pub fn leasequery(giaddr: Ipv4Addr, about: &str) -> Line {
    Line::info(format!("DHCPLEASEQUERY from {giaddr} for {about}"))
}

pub fn leasequery_answer(kind: &str, giaddr: Ipv4Addr, about: &str, associated: usize) -> Line {
    Line::info(format!("{kind} to {giaddr} for {about} ({associated} associated IPs)"))
}

pub fn unexpected_echo(address: Ipv4Addr) -> Line {
    Line::debug(format!("unexpected ICMP Echo Reply from {address}"))
}

pub fn late_echo(address: Ipv4Addr) -> Line {
    Line::debug(format!("ICMP Echo Reply for {address} late or spurious."))
}

pub fn echo_while_valid(address: Ipv4Addr) -> Line {
    Line::debug(format!("ICMP Echo reply while lease {address} valid."))
}

pub const NO_DYNAMIC_BOOTP: &str = "BOOTP from dynamic client and no dynamic leases";

/// Texts of option 56 in a NAK.
pub mod nak_text {
    pub const ALL: [&str; 5] = ["", INCORRECT, BAD_SUBNET, NOT_AVAILABLE, CONFLICT];
    pub const INCORRECT: &str = "requested address is incorrect";
    pub const BAD_SUBNET: &str = "requested address on bad subnet";
    pub const NOT_AVAILABLE: &str = "requested address not available";
    pub const CONFLICT: &str = "database conflict - call for help!";
}
