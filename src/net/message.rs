//! Texts about sockets and interfaces (ledger `logs.tsv`, lpf.c, socket.c, icmp.c, dhcp.c).

use crate::log::Line;
use std::io;
use std::net::Ipv4Addr;

/// The system's text for an error, as `%m` gives it: without Rust's "(os error N)".
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error ") {
        Some(at) => text.get(..at).unwrap_or(&text).to_owned(),
        None => text,
    }
}

/// Lines before the last, and the last, which is fatal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub before: Vec<Line>,
    pub fatal: String,
}

impl Refusal {
    pub fn new(fatal: impl Into<String>) -> Refusal {
        Refusal { before: Vec::new(), fatal: fatal.into() }
    }
}

/// A kernel without packet sockets is told apart from other failures, as ISC does.
pub(super) fn packet_socket(what: &str, error: &io::Error) -> Refusal {
    use nix::libc::{EAFNOSUPPORT, EINVAL, ENOPROTOOPT, EPFNOSUPPORT, EPROTONOSUPPORT, ESOCKTNOSUPPORT};
    let missing = [ENOPROTOOPT, EPROTONOSUPPORT, ESOCKTNOSUPPORT, EPFNOSUPPORT, EAFNOSUPPORT, EINVAL];
    if error.raw_os_error().is_some_and(|code| missing.contains(&code)) {
        return Refusal {
            before: vec![
                Line::error(format!("socket: {} - make sure", reason(error))),
                Line::error("CONFIG_PACKET (Packet socket) and CONFIG_FILTER"),
                Line::error("(Socket Filtering) are enabled in your kernel"),
            ],
            fatal: "configuration!".to_owned(),
        };
    }
    Refusal::new(format!("{what}: {}", reason(error)))
}

pub(super) const OPEN: &str = "Open a socket for LPF";
pub(super) const BIND: &str = "Bind socket to interface";
pub(super) const FILTER: &str = "Can't install packet filter program";
pub(super) const AUXILIARY: &str = "Failed to set auxiliary packet data";
pub(super) const INDEX: &str = "Failed to get interface index";

pub(super) fn no_hardware_address(name: &str, reason: &str) -> String {
    format!("Error getting hardware address for \"{name}\": {reason}")
}

pub(super) fn unsupported_device(hardware_type: u16, name: &str) -> String {
    format!("Unsupported device type {hardware_type} for \"{name}\"")
}

pub fn no_interface_list(error: &io::Error) -> Refusal {
    Refusal {
        before: vec![Line::error(format!("Error getting interfaces; {}", reason(error)))],
        fatal: "Can't get list of interfaces.".to_owned(),
    }
}

pub(super) fn no_udp_socket(error: &io::Error) -> Refusal {
    Refusal::new(format!("Can't create dhcp socket for fallback: {}", reason(error)))
}

pub(super) fn no_reuse(error: &io::Error) -> Refusal {
    Refusal::new(format!("Can't set SO_REUSEADDR on dhcp socket for fallback: {}", reason(error)))
}

pub(super) fn cannot_bind(error: &io::Error) -> Refusal {
    Refusal {
        before: vec![
            Line::error(format!("Can't bind to dhcp address: {}", reason(error))),
            Line::error("Please make sure there is no other dhcp server"),
            Line::error("running and that there's no entry for dhcp or"),
            Line::error("bootp in /etc/inetd.conf.   Also make sure you"),
            Line::error("are not running HP JetAdmin software, which"),
        ],
        fatal: "includes a bootp server.".to_owned(),
    }
}

pub fn no_icmp_socket(error: &io::Error) -> Line {
    Line::error(format!("unable to create icmp socket: {}", reason(error)))
}

pub fn echo_request_failed(to: Ipv4Addr, error: &io::Error) -> Line {
    Line::error(format!("icmp_echorequest {to}: {}", reason(error)))
}

pub fn echo_reply_failed(error: &io::Error) -> Line {
    Line::error(format!("icmp_echoreply: {}", reason(error)))
}

pub fn receive_failed(interface: &str, error: &io::Error) -> Line {
    Line::error(format!("receive_packet failed on {interface}: {}", reason(error)))
}

pub(super) fn send_failed(error: &io::Error) -> Line {
    Line::error(format!("send_packet: {}", reason(error)))
}

/// Follows `send_failed` on the UDP socket when there is no route.
pub(super) fn consult_readme() -> Line {
    Line::error("send_packet: please consult README file regarding broadcast address.")
}

/// ISC names the place in its source from which the packet was sent; log parsers may know it.
pub(super) fn not_sent(place: &str, octets: usize, interface: &str) -> Line {
    Line::error(format!("{place}: Failed to send {octets} byte long packet over {interface} interface."))
}
