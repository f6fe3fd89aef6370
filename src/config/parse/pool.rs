//! `pool { .. }`

use super::super::message;
use super::super::model::{AddressRange, NetworkId, Pool, PoolId, ScopeId, SubnetId};
use super::permit::Permits;
use super::{Body, Frame, Place, Reader};
use crate::eval::ast::Name;
use crate::log::Line;
use crate::syntax::keyword::Keyword;
use crate::syntax::source::Span;
use crate::syntax::token::Kind;

pub(super) struct Draft {
    pub network: NetworkId,
    /// The subnet around it, if it stands in one.
    pub subnet: Option<SubnetId>,
    pub in_subnet6: bool,
    pub permits: Permits,
    pub failover_peer: Option<Name>,
    pub ranges: Vec<AddressRange>,
}

impl Reader<'_, '_> {
    pub(super) fn pool(&mut self) {
        self.cursor.next();
        let start = self.cursor.span();
        let (network, subnet, in_subnet6) = match self.frames.last().map(|frame| &frame.body) {
            Some(&Body::SharedNetwork(network)) => (network, None, false),
            Some(&Body::Subnet { network, subnet }) => (network, Some(subnet), false),
            Some(&Body::Subnet6 { network, .. }) => (network, None, true),
            _ => {
                let inside = self.place() == Place::Pool;
                return self.reject(if inside { message::POOL_IN_POOL } else { message::POOL_OUTSIDE });
            }
        };
        let around = self.config.network(network);
        let (parent, failover_peer) = (around.scope, around.failover_peer.clone());
        let scope = self.new_scope(parent);
        if !self.left_brace() {
            return;
        }
        let permits = Permits::default();
        let draft = Draft { network, subnet, in_subnet6, permits, failover_peer, ranges: Vec::new() };
        self.push(Body::Pool(Box::new(draft)), scope, start);
    }

    fn pool_draft(&mut self) -> Option<&mut Draft> {
        match self.frames.last_mut() {
            Some(Frame { body: Body::Pool(draft), .. }) => Some(draft),
            _ => None,
        }
    }

    pub(super) fn in_pool(&mut self, token: Kind) {
        match token {
            Kind::Keyword(Keyword::No) => self.no_failover_peer(),
            Kind::Keyword(Keyword::Failover) => self.pool_failover_peer(),
            Kind::Keyword(Keyword::Range) => {
                self.cursor.next();
                self.range_in_pool();
            }
            Kind::Keyword(keyword @ (Keyword::Allow | Keyword::Deny)) => {
                self.cursor.next();
                let Some(draft) = self.pool_draft() else { return };
                let mut permits = std::mem::take(&mut draft.permits);
                self.permit(&mut permits, keyword == Keyword::Allow);
                if let Some(draft) = self.pool_draft() {
                    draft.permits = permits;
                }
            }
            Kind::Char(b'}') => {
                self.cursor.next();
                self.close_pool();
            }
            Kind::Eof => {
                self.cursor.warn(message::END_OF_FILE);
                self.pop();
            }
            _ => self.statement(false),
        }
    }

    /// `no failover peer`, without a semicolon: ISC takes none.
    fn no_failover_peer(&mut self) {
        self.cursor.next();
        for wanted in [Keyword::Failover, Keyword::Peer] {
            if self.cursor.next() != Kind::Keyword(wanted) {
                return self.reject(message::FAILOVER_PEER);
            }
        }
        if let Some(draft) = self.pool_draft() {
            draft.failover_peer = None;
        }
    }

    fn pool_failover_peer(&mut self) {
        self.cursor.next();
        if self.cursor.next() != Kind::Keyword(Keyword::Peer) {
            return self.reject(message::PEER);
        }
        if self.cursor.next() != Kind::Str {
            return self.reject(message::STRING);
        }
        let name = self.cursor.name();
        let found = match self.config.failover_peers.iter_mut().find(|peer| peer.name == name) {
            Some(peer) => {
                peer.pool_count += 1;
                Some(name)
            }
            None => {
                self.cursor.warn(message::peer_status(&name, "not found"));
                None
            }
        };
        if let Some(draft) = self.pool_draft() {
            draft.failover_peer = found;
        }
        self.cursor.semicolon();
    }

    fn close_pool(&mut self) {
        let Some(Frame { body: Body::Pool(draft), scope, start, .. }) = self.pop() else { return };
        let Draft { network, permits, failover_peer, ranges, .. } = *draft;
        if ranges.is_empty() {
            self.cursor.warn(message::EMPTY_POOL);
            self.say(Line::error(message::EMPTY_POOL_2));
            self.say(Line::error(message::EMPTY_POOL_3));
        }
        let own_statements = !self.config.scope(scope).statements.is_empty();
        let twin = self.config.network(network).pools.iter().copied().find(|id| {
            let other = self.config.pool(*id);
            // Two scopes are the same to ISC only when both are empty.
            !own_statements
                && self.config.scope(other.scope).statements.is_empty()
                && other.failover_peer == failover_peer
                && permits.same(&other.allow, &other.deny)
        });
        match twin.and_then(|id| self.config.pools.get_mut(id.0 as usize)) {
            Some(twin) => twin.ranges.extend(ranges),
            None => {
                let Permits { allow, deny, valid_from, valid_until } = permits;
                let ad_hoc = false;
                let pool = Pool {
                    network,
                    scope,
                    ranges,
                    allow,
                    deny,
                    valid_from,
                    valid_until,
                    failover_peer,
                    ad_hoc,
                    span: start,
                };
                self.add_pool(pool);
            }
        }
    }

    pub(super) fn add_pool(&mut self, pool: Pool) -> PoolId {
        let id = PoolId(self.config.pools.len() as u32);
        if let Some(network) = self.config.networks.get_mut(pool.network.0 as usize) {
            network.pools.push(id);
        }
        self.config.pools.push(pool);
        id
    }

    /// A pool for ranges that stand outside any; its scope is the network's, not the subnet's.
    pub(super) fn add_ad_hoc_pool(&mut self, network: NetworkId, permits: Permits, span: Span) -> PoolId {
        let parent: ScopeId = self.config.network(network).scope;
        let scope = self.new_scope(parent);
        let Permits { allow, deny, .. } = permits;
        self.add_pool(Pool {
            network,
            scope,
            ranges: Vec::new(),
            allow,
            deny,
            valid_from: 0,
            valid_until: 0,
            failover_peer: None,
            ad_hoc: true,
            span,
        })
    }
}
