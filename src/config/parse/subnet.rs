//! `subnet NET netmask MASK { .. }`

use super::super::message;
use super::super::model::{Family, NetworkId, Subnet, SubnetId};
use super::{Body, Place, Reader};
use crate::eval::parse::address::{ip_address, ip_address_over};
use crate::log::Line;
use crate::syntax::keyword::Keyword;
use crate::syntax::source::Span;
use crate::syntax::token::Kind;
use std::net::{Ipv4Addr, Ipv6Addr};

/// The subnet entered last: the only one that ISC compares a new one with.
#[derive(Clone, Copy)]
pub(super) enum Last {
    V4(Ipv4Addr, Ipv4Addr),
    V6(Ipv6Addr, u8),
}

impl Reader<'_, '_> {
    /// `subnet` and `subnet6`: inside a shared network, or alone and then with a network made for it.
    pub(super) fn any_subnet(&mut self, token: Kind) {
        self.cursor.next();
        let start = self.cursor.span();
        if matches!(self.place(), Place::Host | Place::Subnet | Place::Class) {
            *self.declaration() = true;
            return self.reject(message::SUBNET_NOT_HERE);
        }
        let around = match self.frames.last().map(|frame| &frame.body) {
            Some(&Body::SharedNetwork(network)) => Some(network),
            _ => None,
        };
        *self.declaration() = around.is_none();
        let v6 = token == Kind::Keyword(Keyword::Subnet6);
        if v6 && self.config.family != Family::V6 {
            return self.reject(message::ONLY_V6_SUBNET);
        }
        if v6 {
            self.subnet6(around, start);
        } else {
            self.subnet(around, start);
        }
    }

    fn subnet(&mut self, around: Option<NetworkId>, start: Span) -> Option<()> {
        let net = ip_address(self.cursor)?;
        if self.cursor.next() != Kind::Keyword(Keyword::Netmask) {
            self.reject(message::NETMASK);
            return None;
        }
        let mask = ip_address_over(self.cursor, net)?;
        if net & !mask != Ipv4Addr::UNSPECIFIED {
            self.reject(message::bad_subnet(net, mask));
            return None;
        }
        self.warn_of_overlap(Last::V4(net, mask));
        if !self.left_brace() {
            return None;
        }
        let (network, scope) = self.network_for(around, start, || {
            let bits = 32 - u32::from(mask).trailing_zeros();
            format!("{net}/{bits}")
        });
        let subnet = SubnetId(self.config.subnets.len() as u32);
        self.config.subnets.push(Subnet { network, net, mask, scope, span: start });
        self.config.subnet_index.insert(net, mask, subnet);
        self.push(Body::Subnet { network, subnet }, scope, start);
        Some(())
    }

    /// The network of a subnet and the scope of its statements: a network made for it shares its own.
    pub(super) fn network_for(
        &mut self,
        around: Option<NetworkId>,
        start: Span,
        name: impl Fn() -> String,
    ) -> (NetworkId, super::ScopeId) {
        match around {
            Some(network) => {
                let scope = self.new_scope(self.config.network(network).scope);
                (network, scope)
            }
            None => {
                let scope = self.new_scope(self.here());
                (self.new_network(name().into(), scope, true, start), scope)
            }
        }
    }

    pub(super) fn in_subnet(&mut self, token: Kind, network: NetworkId) {
        match token {
            Kind::Char(b'}') => {
                self.cursor.next();
                self.close_subnet();
            }
            Kind::Eof => {
                self.cursor.next();
                self.cursor.warn(message::END_OF_FILE);
                self.close_subnet();
            }
            Kind::Keyword(Keyword::Interface) => {
                if !self.interface(network) {
                    self.close_subnet();
                }
            }
            _ => self.statement(false),
        }
    }

    fn close_subnet(&mut self) {
        match self.pop().map(|frame| frame.body) {
            Some(Body::Subnet { network, subnet }) => {
                let new = self.config.subnet(subnet);
                let new = Last::V4(new.net, new.mask);
                let at = self.config.network(network).subnets.split_last().and_then(|(_, others)| {
                    others.iter().position(|other| {
                        let other = self.config.subnet(*other);
                        inner(new, Last::V4(other.net, other.mask)).is_some_and(|found| found)
                    })
                });
                if let Some(network) = self.network_mut(network) {
                    network.subnets.insert(at.unwrap_or(network.subnets.len()), subnet);
                }
            }
            Some(Body::Subnet6 { network, subnet }) => {
                let new = self.config.subnet6(subnet);
                let new = Last::V6(new.net, new.prefix_length);
                let at = self.config.network(network).subnets6.split_last().and_then(|(_, others)| {
                    others.iter().position(|other| {
                        let other = self.config.subnet6(*other);
                        inner(new, Last::V6(other.net, other.prefix_length)).is_some_and(|found| found)
                    })
                });
                if let Some(network) = self.network_mut(network) {
                    network.subnets6.insert(at.unwrap_or(network.subnets6.len()), subnet);
                }
            }
            _ => {}
        }
    }

    /// ISC says so about the subnet before, though it means to look at all of them.
    pub(super) fn warn_of_overlap(&mut self, new: Last) {
        if let Some(last) = self.last_subnet.replace(new)
            && inner(new, last).is_some()
        {
            let (bits, last_bits) = (shown_bits(new), shown_bits(last));
            let text = match (new, last) {
                (Last::V4(net, _), Last::V4(other, _)) => message::overlap(net, bits, other, last_bits),
                (Last::V6(net, _), Last::V6(other, _)) => message::overlap(net, bits, other, last_bits),
                // ISC cannot compare addresses of two families, and says no more than that.
                _ => return self.cursor.die(message::FAMILIES),
            };
            self.say(Line::error(text));
        }
    }
}

/// Whether a subnet lies inside another one; `None` when they do not overlap.
fn inner(new: Last, other: Last) -> Option<bool> {
    let overlap = match (new, other) {
        (Last::V4(net, mask), Last::V4(other, other_mask)) => {
            net & other_mask == other || other & mask == net
        }
        (Last::V6(net, length), Last::V6(other, other_length)) => {
            let (mask, other_mask) = (mask6(length), mask6(other_length));
            net.to_bits() & other_mask == other.to_bits() || other.to_bits() & mask == net.to_bits()
        }
        _ => true,
    };
    overlap.then(|| shown_bits(new) > shown_bits(other))
}

use super::super::network::mask6;

/// The prefix length that ISC works out from the first four octets of a mask. It finds nothing in an empty one and then
/// reads on into the octet before, which holds the length of an address.
fn shown_bits(subnet: Last) -> i32 {
    let (mask, beyond) = match subnet {
        Last::V4(_, mask) => (u32::from(mask), 58),
        Last::V6(_, length) => ((mask6(length) >> 96) as u32, 60),
    };
    let zeros = if mask == 0 { beyond } else { mask.trailing_zeros() as i32 };
    32 - zeros
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seen on the real program: `/-26` for 0.0.0.0/0, `/-28` for ::/0, 32 for any longer v6 prefix.
    #[test]
    fn lengths_as_isc_shows_them() {
        assert_eq!(shown_bits(Last::V4(Ipv4Addr::UNSPECIFIED, Ipv4Addr::UNSPECIFIED)), -26);
        assert_eq!(shown_bits(Last::V4(Ipv4Addr::UNSPECIFIED, Ipv4Addr::new(255, 255, 255, 0))), 24);
        assert_eq!(shown_bits(Last::V6(Ipv6Addr::UNSPECIFIED, 0)), -28);
        assert_eq!(shown_bits(Last::V6(Ipv6Addr::UNSPECIFIED, 16)), 16);
        assert_eq!(shown_bits(Last::V6(Ipv6Addr::UNSPECIFIED, 64)), 32);
    }
}
