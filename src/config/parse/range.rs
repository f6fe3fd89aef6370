//! `range [dynamic-bootp] LOW [HIGH];`

use super::super::message;
use super::super::model::{AddressRange, Family, NetworkId, Permit, PoolId, SubnetId};
use super::permit::Permits;
use super::{Body, Frame, Reader};
use crate::eval::parse::address::{ip_address, ip6_address};
use crate::log::Line;
use crate::syntax::keyword::Keyword;
use crate::syntax::source::Span;
use crate::syntax::token::Kind;
use std::net::Ipv4Addr;

/// What ISC needs for one address. Its products are reckoned in 32 bits; where they do not come out even the range is too
/// large.
const LEASE_SIZE: u32 = 304;

/// A range as written.
struct Written {
    dynamic_bootp: bool,
    low: Ipv4Addr,
    high: Ipv4Addr,
}

impl Reader<'_, '_> {
    /// `range`, `range6` or `prefix6` outside a pool.
    pub(super) fn range_in_subnet(&mut self, keyword: Keyword) {
        self.cursor.next();
        let start = self.cursor.span();
        let body = self.frames.last().map(|frame| &frame.body);
        match (keyword, body) {
            (Keyword::Range, Some(&Body::Subnet { network, subnet })) => {
                let Some(written) = self.range() else { return };
                let pool = self.pool_for(network, written.dynamic_bootp, start);
                self.warn_of_bootp(self.config.pool(pool).failover_peer.is_some() && written.dynamic_bootp);
                if let Some(range) = self.new_range(subnet, &written)
                    && let Some(pool) = self.config.pools.get_mut(pool.0 as usize)
                {
                    pool.ranges.push(range);
                }
            }
            (Keyword::Range6, Some(&Body::Subnet6 { subnet, .. })) => self.range6(subnet),
            (Keyword::Prefix6, Some(&Body::Subnet6 { subnet, .. })) => self.prefix6(subnet),
            (Keyword::Range, Some(Body::Subnet6 { .. })) => {
                if self.range().is_some() {
                    self.cursor.die(message::FAMILIES);
                }
            }
            // ISC takes these in a v4 subnet as well, and then asks for the family.
            (Keyword::Range6, Some(Body::Subnet { .. })) => self.range6_in_subnet4(message::ONLY_V6_RANGE),
            (Keyword::Prefix6, Some(Body::Subnet { .. })) => self.prefix6_in_subnet4(),
            (Keyword::Range, _) => self.reject(message::RANGE_NOT_HERE),
            (Keyword::Range6, _) => self.reject(message::RANGE6_NOT_HERE),
            _ => self.reject(message::PREFIX6_NOT_HERE),
        }
    }

    pub(super) fn range_in_pool(&mut self) {
        let Some(written) = self.range() else { return };
        let Some(Frame { body: Body::Pool(draft), .. }) = self.frames.last() else { return };
        let (network, failover) = (draft.network, draft.failover_peer.is_some());
        if draft.in_subnet6 {
            return self.cursor.die(message::FAMILIES);
        }
        let subnet = match draft.subnet {
            Some(subnet) => subnet,
            None => match self.config.find_subnet_of(network, written.low) {
                Some(subnet) => subnet,
                None => {
                    let text = message::not_on_network(&self.config.network(network).name);
                    self.cursor.warn(text);
                    return self.say(Line::error(message::NOT_ON_NETWORK_2));
                }
            },
        };
        self.warn_of_bootp(failover && written.dynamic_bootp);
        if let Some(range) = self.new_range(subnet, &written)
            && let Some(Frame { body: Body::Pool(draft), .. }) = self.frames.last_mut()
        {
            draft.ranges.push(range);
        }
    }

    fn range(&mut self) -> Option<Written> {
        let dynamic_bootp = self.cursor.peek() == Kind::Keyword(Keyword::DynamicBootp);
        if dynamic_bootp {
            self.cursor.next();
        }
        let low = ip_address(self.cursor)?;
        let high = match self.cursor.peek().is(';') {
            true => low,
            false => ip_address(self.cursor)?,
        };
        self.cursor.semicolon().then_some(Written { dynamic_bootp, low, high })
    }

    /// The pool for a range outside any: one without statements of its own to tell apart, made when there is none. When
    /// one is found ISC takes the pool before it in the list, if there is one.
    fn pool_for(&mut self, network: NetworkId, dynamic_bootp: bool, span: Span) -> PoolId {
        let fits = |id: &PoolId| {
            let pool = self.config.pool(*id);
            match dynamic_bootp {
                true => pool.deny.is_empty() && pool.allow == [Permit::AllClients],
                false => pool.allow.is_empty() && pool.deny == [Permit::DynamicBootpClients],
            }
        };
        let pools = &self.config.network(network).pools;
        if let Some(at) = pools.iter().position(fits)
            && let Some(&pool) = pools.get(at.saturating_sub(1))
        {
            return pool;
        }
        let mut permits = Permits::default();
        match dynamic_bootp {
            true => permits.allow.push(Permit::AllClients),
            false => permits.deny.push(Permit::DynamicBootpClients),
        }
        self.add_ad_hoc_pool(network, permits, span)
    }

    fn warn_of_bootp(&mut self, with_failover: bool) {
        if with_failover {
            self.cursor.warn(message::BOOTP_WITH_FAILOVER);
            for line in message::BOOTP_WITH_FAILOVER_MORE {
                self.say(Line::error(line));
            }
        }
    }

    fn new_range(&mut self, subnet_id: SubnetId, written: &Written) -> Option<AddressRange> {
        let subnet = self.config.subnet(subnet_id);
        let (net, mask) = (subnet.net, subnet.mask);
        for address in [written.low, written.high] {
            if !subnet.contains(address) {
                self.cursor.die(message::bad_range(address, net, mask));
                return None;
            }
        }
        let (low, high) = (written.low.min(written.high), written.low.max(written.high));
        // One more than there are addresses; all of them would be 2^32 + 1, which ISC's counter wraps to 1.
        let places = (u32::from(high) - u32::from(low)).wrapping_add(2);
        if places.checked_mul(LEASE_SIZE).is_none() {
            self.cursor.warn(message::large_range(written.low, written.high));
            self.cursor.die(message::MEMORY_OVERFLOW);
            return None;
        }
        self.enter_leases(low, high);
        self.ranges += 1;
        Some(AddressRange { subnet: subnet_id, low, high, declared: self.ranges })
    }

    /// Notes the addresses, and says which of them were there already.
    fn enter_leases(&mut self, low: Ipv4Addr, high: Ipv4Addr) {
        let (low, high) = (u32::from(low), u32::from(high));
        let mut next = Some(low);
        while let Some(at) = next.filter(|at| *at <= high) {
            let before = self.leases.range(..=at).next_back().map(|(_, end)| *end).filter(|end| *end >= at);
            next = match before {
                Some(end) => {
                    for address in at..=end.min(high) {
                        self.cursor.warn(message::declared_twice(Ipv4Addr::from(address)));
                    }
                    end.checked_add(1)
                }
                None => {
                    let until = self.leases.range(at..=high).next().map_or(high, |(start, _)| start - 1);
                    self.leases.insert(at, until);
                    until.checked_add(1)
                }
            };
        }
    }

    /// With `-6` a v4 subnet may be declared, but no v6 address lies in it.
    pub(super) fn range6_in_subnet4(&mut self, only_v6: &str) {
        if self.config.family != Family::V6 {
            return self.reject(only_v6);
        }
        if ip6_address(self.cursor).is_some() {
            self.cursor.die(message::FAMILIES);
        }
    }
}
