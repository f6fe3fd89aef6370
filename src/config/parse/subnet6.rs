//! `subnet6 NET/LENGTH { .. }`

use super::super::message;
use super::super::model::{NetworkId, Subnet6, Subnet6Id};
use super::super::network::mask6;
use super::subnet::Last;
use super::{Body, Reader};
use crate::eval::parse::address::ip6_address;
use crate::eval::parse::number::atoi;
use crate::syntax::source::Span;
use crate::syntax::token::Kind;
use std::net::Ipv6Addr;

/// Whether an address has no bits beyond the prefix.
pub(super) fn is_prefix(address: Ipv6Addr, bits: u8) -> bool {
    address.to_bits() & !mask6(bits) == 0
}

impl Reader<'_, '_> {
    pub(super) fn subnet6(&mut self, around: Option<NetworkId>, start: Span) -> Option<()> {
        let net = ip6_address(self.cursor)?;
        let prefix_length = self.subnet6_length();
        let prefix_length = match prefix_length {
            Ok(length) if is_prefix(net, length) => length,
            Ok(_) => {
                self.reject(message::SUBNET_MASK_SHORT);
                return None;
            }
            Err(text) => {
                self.reject(text);
                return None;
            }
        };
        self.warn_of_overlap(Last::V6(net, prefix_length));
        if !self.left_brace() {
            return None;
        }
        let (network, scope) = self.network_for(around, start, || format!("{net}/{prefix_length}"));
        let subnet = Subnet6Id(self.config.subnets6.len() as u32);
        self.config.subnets6.push(Subnet6 { network, net, prefix_length, scope, span: start });
        self.config.subnet_index.insert6(net, prefix_length, subnet);
        self.push(Body::Subnet6 { network, subnet }, scope, start);
        Some(())
    }

    fn subnet6_length(&mut self) -> Result<u8, &'static str> {
        if !self.cursor.next().is('/') {
            return Err(message::SLASH);
        }
        if self.cursor.next() != Kind::Number {
            return Err(message::NUMBER_CAPITAL);
        }
        let word = self.cursor.word_octets();
        let digits = word.strip_prefix(b"-").unwrap_or(word);
        let whole = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
        match u8::try_from(atoi(word)) {
            Ok(length @ 0..=128) if whole => Ok(length),
            _ => Err(message::PREFIX_LENGTH),
        }
    }
}
