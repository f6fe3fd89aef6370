//! `pool6 { .. }`

use super::super::message;
use super::super::model::{NetworkId, Pond, PondId, Range6, ScopeId, Subnet6Id};
use super::permit::Permits;
use super::{Body, Frame, Place, Reader};
use crate::log::Line;
use crate::syntax::keyword::Keyword;
use crate::syntax::source::Span;
use crate::syntax::token::Kind;

pub(super) struct Draft {
    network: NetworkId,
    /// None: it stands in a v4 subnet, where no range fits.
    pub subnet: Option<Subnet6Id>,
    permits: Permits,
    pub ranges: Vec<Range6>,
    /// There was a range, though none that can be served.
    pub has_range: bool,
}

impl Reader<'_, '_> {
    pub(super) fn pool6(&mut self) {
        self.cursor.next();
        let start = self.cursor.span();
        let (network, subnet) = match self.frames.last().map(|frame| &frame.body) {
            Some(&Body::Subnet { network, .. }) => (network, None),
            Some(&Body::Subnet6 { network, subnet }) => (network, Some(subnet)),
            _ => {
                let inside = self.place() == Place::Pool;
                return self.reject(if inside { message::POOL6_IN_POOL } else { message::POOL6_OUTSIDE });
            }
        };
        let scope = self.new_scope(self.here());
        if !self.left_brace() {
            return;
        }
        let draft =
            Draft { network, subnet, permits: Permits::default(), ranges: Vec::new(), has_range: false };
        self.push(Body::Pool6(Box::new(draft)), scope, start);
    }

    pub(super) fn pool6_draft(&mut self) -> Option<&mut Draft> {
        match self.frames.last_mut() {
            Some(Frame { body: Body::Pool6(draft), .. }) => Some(draft),
            _ => None,
        }
    }

    pub(super) fn in_pool6(&mut self, token: Kind) {
        match token {
            Kind::Keyword(keyword @ (Keyword::Range6 | Keyword::Prefix6)) => {
                self.cursor.next();
                self.range_in_pool6(keyword);
            }
            Kind::Keyword(keyword @ (Keyword::Allow | Keyword::Deny)) => {
                self.cursor.next();
                let Some(draft) = self.pool6_draft() else { return };
                let mut permits = std::mem::take(&mut draft.permits);
                self.permit(&mut permits, keyword == Keyword::Allow);
                if let Some(draft) = self.pool6_draft() {
                    draft.permits = permits;
                }
            }
            Kind::Char(b'}') => {
                self.cursor.next();
                self.close_pool6();
            }
            Kind::Eof => {
                self.cursor.warn(message::END_OF_FILE);
                self.pop();
            }
            _ => self.statement(false),
        }
    }

    fn close_pool6(&mut self) {
        let Some(Frame { body: Body::Pool6(draft), scope, start, .. }) = self.pop() else { return };
        let empty = draft.ranges.is_empty() && !draft.has_range;
        let id = self.add_pond(draft.network, scope, draft.permits, start);
        for range in draft.ranges {
            self.add_range6(id, range);
        }
        if empty {
            self.cursor.warn(message::EMPTY_POOL6);
            self.say(Line::error(message::EMPTY_POOL6_2));
            self.say(Line::error(message::EMPTY_POOL6_3));
        }
    }

    pub(super) fn add_pond(
        &mut self,
        network: NetworkId,
        scope: ScopeId,
        permits: Permits,
        span: Span,
    ) -> PondId {
        let id = PondId(self.config.ponds.len() as u32);
        let Permits { allow, deny, valid_from, valid_until } = permits;
        self.config.ponds.push(Pond {
            network,
            scope,
            ranges: Vec::new(),
            allow,
            deny,
            valid_from,
            valid_until,
            total: 0,
            jumbo: false,
            span,
        });
        if let Some(network) = self.network_mut(network) {
            network.ponds.push(id);
        }
        id
    }

    /// Adds a range and counts what it holds, as far as 64 bits go.
    pub(super) fn add_range6(&mut self, pond: PondId, range: Range6) {
        let Some(pond) = self.config.ponds.get_mut(pond.0 as usize) else { return };
        pond.ranges.push(Range6 { declared: self.ranges, ..range });
        self.ranges += 1;
        if pond.jumbo {
            return;
        }
        // ISC's shift by 64 is a shift by nothing on the machines it runs on.
        let bits = u32::from(range.unit.saturating_sub(range.length));
        let count = if bits > 64 { None } else { Some(1u64 << (bits % 64)) };
        match count.and_then(|count| pond.total.checked_add(count)).filter(|total| *total <= TRACKED) {
            Some(total) => pond.total = total,
            None => {
                pond.jumbo = true;
                pond.total = TRACKED;
            }
        }
    }
}

/// ISC's POND_TRACK_MAX.
const TRACKED: u64 = i64::MAX as u64;
