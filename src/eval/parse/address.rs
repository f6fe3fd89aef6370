//! Addresses of both families, prefixes, host names in the place of addresses, hardware addresses.

use super::super::ast::Expr;
use super::number::{Count, atoi, octets, octets_at_hand};
use super::text::host_name;
use crate::log::Line;
use crate::syntax::cursor::Cursor;
use crate::syntax::keyword::Keyword;
use crate::syntax::token::Kind;
use smallvec::SmallVec;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

/// A dotted quad.
pub fn ip_address(cursor: &mut Cursor) -> Option<Ipv4Addr> {
    ip_address_over(cursor, Ipv4Addr::UNSPECIFIED)
}

/// A dotted quad; where the file ends in it the rest is that of `before`, as where ISC reads a mask into the place of the address
/// before it.
pub fn ip_address_over(cursor: &mut Cursor, before: Ipv4Addr) -> Option<Ipv4Addr> {
    let read = octets_at_hand(cursor, Count::Exactly(4), b'.', 10)?;
    let mut octets = before.octets();
    for (place, octet) in octets.iter_mut().zip(read) {
        *place = octet;
    }
    Some(Ipv4Addr::from(octets))
}

/// A dotted quad, or a host name that is looked up whenever the expression is evaluated. A name yields all its addresses where a
/// list is wanted (`list`), else the first.
pub fn ip_address_or_host_name(cursor: &mut Cursor, list: bool) -> Option<Expr> {
    let mut kind = cursor.peek();
    if kind == Kind::Number {
        // A host name may start with digits; two numbers with a dot between them may not.
        let saved = cursor.save();
        cursor.next();
        let address = cursor.next().is('.') && cursor.next() == Kind::Number;
        cursor.restore(saved);
        if address {
            // In ISC a bad quad has been skipped and what follows is tried as a host name.
            if let Some(address) = ip_address(cursor) {
                return Some(Expr::Const(Arc::from(address.octets())));
            }
        }
    }
    if kind.is_identifier() || kind == Kind::Number {
        let lookup = Expr::HostLookup(host_name(cursor)?);
        if list {
            return Some(lookup);
        }
        return Some(Expr::Substring(Box::new([lookup, Expr::Integer(0), Expr::Integer(4)])));
    }
    if !kind.is('{') && !kind.is('}') {
        kind = cursor.next();
    }
    let shown = cursor.word().into_owned();
    cursor.warn(format_args!("{shown} ({}): expecting IP address or hostname", kind.number()));
    if !kind.is(';') {
        cursor.skip_to_semicolon();
    }
    None
}

/// Room ISC has for the text of an IPv6 address, closing zero included.
const IP6_ROOM: usize = 46;

/// An IPv6 address: words, colons and dots without white space between them, read as inet_pton(3) does.
pub fn ip6_address(cursor: &mut Cursor) -> Option<Ipv6Addr> {
    let mut text = Vec::new();
    let mut kind = cursor.peek();
    loop {
        let part = match kind {
            Kind::Name | Kind::NumberOrName => cursor.word_octets().iter().all(u8::is_ascii_hexdigit),
            Kind::Number | Kind::Keyword(Keyword::Add) | Kind::Char(b'.' | b':') => true,
            _ => false,
        };
        if !part {
            break;
        }
        cursor.next_raw();
        if text.len() + cursor.word_octets().len() >= IP6_ROOM {
            return invalid_ip6(cursor);
        }
        text.extend_from_slice(cursor.word_octets());
        kind = cursor.peek_raw();
    }
    match std::str::from_utf8(&text).ok().and_then(|text| text.parse().ok()) {
        Some(address) => Some(address),
        None => invalid_ip6(cursor),
    }
}

fn invalid_ip6<T>(cursor: &mut Cursor) -> Option<T> {
    cursor.warn("Invalid IPv6 address.");
    cursor.skip_to_semicolon();
    None
}

/// `address/length`.
pub fn ip6_prefix(cursor: &mut Cursor) -> Option<(Ipv6Addr, u8)> {
    let address = ip6_address(cursor)?;
    for (wanted, message) in [(Kind::Char(b'/'), "Slash expected."), (Kind::Number, "Number expected.")] {
        let kind = cursor.next();
        if kind != wanted {
            cursor.warn(message);
            if !kind.is(';') {
                cursor.skip_to_semicolon();
            }
            return None;
        }
    }
    let length = atoi(cursor.word_octets());
    let Some(length) = u8::try_from(length).ok().filter(|&length| length <= 128) else {
        cursor.warn("Invalid IPv6 prefix length.");
        cursor.skip_to_semicolon();
        return None;
    };
    let host = u128::MAX.checked_shr(u32::from(length)).unwrap_or(0);
    if u128::from(address) & host != 0 {
        cursor.warn("network mask too short.");
        cursor.skip_to_semicolon();
        return None;
    }
    Some((address, length))
}

/// An address with an optional prefix length: the network and its mask. Host bits are removed with a warning.
pub fn ip_address_with_prefix(cursor: &mut Cursor) -> Option<(Ipv4Addr, Ipv4Addr)> {
    let Some(address) = ip_address(cursor) else {
        cursor.warn("expecting ip-address or ip-address/prefixlen");
        return None;
    };
    let mut length = 32;
    if cursor.take('/') {
        if cursor.next() != Kind::Number {
            cursor.warn("Invalid CIDR prefix length: expecting a number.");
            return None;
        }
        let given = u32::try_from(atoi(cursor.word_octets())).ok().filter(|&length| length <= 32);
        let Some(given) = given else {
            cursor.warn("subnet prefix is out of range [0..32].");
            return None;
        };
        length = given;
    }
    let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
    let network = u32::from(address) & mask;
    if network != u32::from(address) {
        let removed = format!("Warning: Extraneous bits removed in address component of {address}/{length}.");
        cursor.report().line(Line::error(removed));
        cursor.report().line(Line::error(format!("New value: {}/{length}.", Ipv4Addr::from(network))));
    }
    Some((Ipv4Addr::from(network), Ipv4Addr::from(mask)))
}

/// Most octets of a hardware address, the type ahead of it included.
const HARDWARE_ROOM: usize = 21;

/// What stands behind `hardware`: type, address, semicolon. Octet 0 is the type (RFC 1700), the address follows; a bad address leaves
/// the type alone. `None`: no such type.
pub fn hardware(cursor: &mut Cursor) -> Option<SmallVec<[u8; 7]>> {
    let kind = match cursor.next() {
        Kind::Keyword(Keyword::Ethernet) => 1,
        Kind::Keyword(Keyword::TokenRing) => 6,
        Kind::Keyword(Keyword::Fddi) => 8,
        Kind::Keyword(Keyword::Infiniband) => 32,
        _ => match cursor.word_octets().strip_prefix(b"unknown-") {
            Some(number) => atoi(number) as u8,
            None => {
                cursor.warn("expecting a network hardware type");
                cursor.skip_to_semicolon();
                return None;
            }
        },
    };
    let mut hardware = SmallVec::from_slice(&[kind]);
    if !cursor.peek().is(';') {
        let Some(address) = octets(cursor, Count::Any, b':', 16) else { return Some(hardware) };
        if address.len() + 1 > HARDWARE_ROOM {
            cursor.warn("hardware address too long");
        } else {
            hardware.extend_from_slice(&address);
        }
    }
    if !cursor.next().is(';') {
        cursor.warn("expecting semicolon.");
        cursor.skip_to_semicolon();
    }
    Some(hardware)
}
