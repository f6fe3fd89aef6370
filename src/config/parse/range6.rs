//! `range6` and `prefix6`.

use super::super::message;
use super::super::model::{Lease6Kind, Permit, PondId, Range6, Subnet6Id};
use super::permit::Permits;
use super::subnet6::is_prefix;
use super::{Body, Frame, Reader};
use crate::eval::parse::address::ip6_address;
use crate::eval::parse::number::atoi;
use crate::syntax::keyword::Keyword;
use crate::syntax::token::Kind;
use std::net::Ipv6Addr;

/// `start/length`
type Block = (Ipv6Addr, u8);

impl Reader<'_, '_> {
    pub(super) fn range_in_pool6(&mut self, keyword: Keyword) {
        let subnet = self.pool6_draft().and_then(|draft| draft.subnet);
        match (keyword, subnet) {
            (Keyword::Range6, Some(subnet)) => self.range6(subnet),
            (_, Some(subnet)) => self.prefix6(subnet),
            (Keyword::Range6, None) => self.range6_in_subnet4(message::ONLY_V6_RANGE),
            (_, None) => self.prefix6_in_subnet4(),
        }
    }

    /// Behind `range6`, in a subnet or in its `pool6`.
    pub(super) fn range6(&mut self, subnet: Subnet6Id) {
        let Some(low) = ip6_address(self.cursor) else { return };
        if !self.config.subnet6(subnet).contains(low) {
            return self.reject(message::RANGE6_START);
        }
        let blocks = match self.cursor.peek() {
            Kind::Char(b'/') => self.range6_block(subnet, low),
            Kind::Keyword(Keyword::Temporary) => {
                self.cursor.next();
                if is_prefix(low, 64) {
                    Ok((Lease6Kind::Temporary, vec![(low, 64)]))
                } else {
                    Err(Some(message::MASK_SHORT))
                }
            }
            _ => self.range6_end(subnet, low),
        };
        let (kind, blocks) = match blocks {
            Ok(found) => found,
            Err(Some(text)) => return self.reject(text),
            Err(None) => return,
        };
        self.enter_range6(subnet, kind, &blocks, 128);
        if !self.cursor.next().is(';') {
            self.reject(message::SEMICOLON);
        }
    }

    /// `/LENGTH [temporary]`
    fn range6_block(
        &mut self,
        subnet: Subnet6Id,
        low: Ipv6Addr,
    ) -> Result<(Lease6Kind, Vec<Block>), Option<&'static str>> {
        self.cursor.next();
        if self.cursor.next() != Kind::Number {
            return Err(Some(message::NUMBER));
        }
        let bits = match u8::try_from(atoi(self.cursor.word_octets())) {
            Ok(bits @ 0..=128) => bits,
            _ => return Err(Some(message::RANGE6_BITS)),
        };
        if bits < self.config.subnet6(subnet).prefix_length {
            return Err(Some(message::RANGE6_SMALLER));
        }
        if !is_prefix(low, bits) {
            return Err(Some(message::MASK_SHORT));
        }
        if self.cursor.peek() != Kind::Keyword(Keyword::Temporary) {
            return Ok((Lease6Kind::Address, vec![(low, bits)]));
        }
        if bits < 64 {
            self.cursor.warn(message::TEMPORARY_SHORT);
        }
        if bits == 128 {
            self.cursor.warn(message::TEMPORARY_SINGLE);
        }
        self.cursor.next();
        Ok((Lease6Kind::Temporary, vec![(low, bits)]))
    }

    fn range6_end(
        &mut self,
        subnet: Subnet6Id,
        low: Ipv6Addr,
    ) -> Result<(Lease6Kind, Vec<Block>), Option<&'static str>> {
        let high = ip6_address(self.cursor).ok_or(None)?;
        if !self.config.subnet6(subnet).contains(high) {
            return Err(Some(message::RANGE6_END));
        }
        Ok((Lease6Kind::Address, blocks(low, high)))
    }

    /// Behind `prefix6`: `LOW HIGH/LENGTH;`
    pub(super) fn prefix6(&mut self, subnet: Subnet6Id) {
        let Some((low, high, unit)) = self.prefixes() else { return };
        let mut kept = Vec::new();
        for (start, length) in blocks(low, high) {
            // A single address stands for one prefix.
            let length = if length == 128 { unit } else { length };
            if length > unit {
                self.cursor.warn(message::IMPOSSIBLE_MASK);
            } else {
                kept.push((start, length));
            }
        }
        self.enter_range6(subnet, Lease6Kind::Prefix, &kept, unit);
    }

    fn prefixes(&mut self) -> Option<(Ipv6Addr, Ipv6Addr, u8)> {
        let low = ip6_address(self.cursor)?;
        let high = ip6_address(self.cursor)?;
        let token = self.cursor.next();
        if !token.is('/') {
            self.reject_at(token, message::SLASH_SMALL);
            return None;
        }
        let token = self.cursor.next();
        if token != Kind::Number {
            self.reject_at(token, message::NUMBER);
            return None;
        }
        let unit = match u8::try_from(atoi(self.cursor.word_octets())) {
            Ok(bits @ 1..=127) => bits,
            _ => {
                self.cursor.warn(message::PREFIX6_BITS);
                return None;
            }
        };
        if !is_prefix(low, unit) || !is_prefix(high, unit) {
            self.reject(message::MASK_SHORT);
            return None;
        }
        if !self.cursor.next().is(';') {
            self.reject(message::SEMICOLON);
            return None;
        }
        Some((low, high, unit))
    }

    pub(super) fn prefix6_in_subnet4(&mut self) {
        if self.config.family != super::super::model::Family::V6 {
            return self.reject(message::ONLY_V6_PREFIX);
        }
        // Prefixes need not lie in the subnet, so ISC takes them here too; there is no v6 subnet to serve them in.
        if self.prefixes().is_some()
            && let Some(draft) = self.pool6_draft()
        {
            draft.has_range = true;
        }
    }

    fn enter_range6(&mut self, subnet: Subnet6Id, kind: Lease6Kind, blocks: &[Block], unit: u8) {
        let ranges =
            blocks.iter().map(|&(start, length)| Range6 { kind, subnet, start, length, unit, declared: 0 });
        if let Some(Frame { body: Body::Pool6(draft), .. }) = self.frames.last_mut() {
            draft.ranges.extend(ranges);
            return;
        }
        let pond = self.pond_for(subnet);
        for range in ranges {
            self.add_range6(pond, range);
        }
    }

    /// The pool for ranges that stand outside any: one that lets everybody in and whose scope holds the very statements of
    /// the subnet, which ISC tests by identity, so both must be empty.
    fn pond_for(&mut self, subnet: Subnet6Id) -> PondId {
        let network = self.config.subnet6(subnet).network;
        let here_empty = self.frames.last().is_none_or(|frame| frame.statements.is_empty());
        let found = self.config.network(network).ponds.iter().copied().find(|id| {
            let pond = self.config.pond(*id);
            here_empty
                && self.config.scope(pond.scope).statements.is_empty()
                && pond.deny.is_empty()
                && pond.allow == [Permit::AllClients]
        });
        found.unwrap_or_else(|| {
            let scope = self.new_scope(self.here());
            let permits = Permits { allow: vec![Permit::AllClients], ..Permits::default() };
            let span = self.cursor.span();
            self.add_pond(network, scope, permits, span)
        })
    }
}

/// The fewest aligned blocks that cover a range, the last one first, as ISC lists them. Ends may be reversed.
fn blocks(low: Ipv6Addr, high: Ipv6Addr) -> Vec<Block> {
    let (mut at, high) = (low.min(high).to_bits(), low.max(high).to_bits());
    let mut found = Vec::new();
    loop {
        let mut bits = at.trailing_zeros().min(128);
        while bits > 0 && (bits == 128 && high != u128::MAX || bits < 128 && high - at < (1 << bits) - 1) {
            bits -= 1;
        }
        found.push((Ipv6Addr::from_bits(at), (128 - bits) as u8));
        let next = if bits < 128 { at.checked_add(1 << bits) } else { None };
        match next {
            Some(next) if next <= high => at = next,
            _ => break,
        }
    }
    found.reverse();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(low: &str, high: &str) -> Vec<String> {
        let parse = |text: &str| text.parse().unwrap();
        blocks(parse(low), parse(high)).iter().map(|(start, bits)| format!("{start}/{bits}")).collect()
    }

    #[test]
    fn ranges_as_blocks() {
        assert_eq!(shown("2001:db8::10", "2001:db8::20"), ["2001:db8::20/128", "2001:db8::10/124"]);
        assert_eq!(shown("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), ["::/0"]);
        assert_eq!(shown("::1", "::1"), ["::1/128"]);
        assert_eq!(shown("::5", "::2"), ["::4/127", "::2/127"]);
    }
}
