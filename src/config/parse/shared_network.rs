//! `shared-network NAME { .. }`, and the `interface` statement of networks and subnets.

use super::super::message;
use super::super::model::{NetworkId, ScopeId, SharedNetwork};
use super::{Body, Place, Reader};
use crate::eval::ast::Name;
use crate::eval::parse::text::host_name;
use crate::syntax::keyword::Keyword;
use crate::syntax::source::Span;
use crate::syntax::token::Kind;

impl Reader<'_, '_> {
    pub(super) fn shared_network(&mut self) {
        self.cursor.next();
        let start = self.cursor.span();
        if matches!(self.place(), Place::SharedNetwork | Place::Host | Place::Subnet | Place::Class) {
            *self.declaration() = false;
            return self.reject(message::NETWORK_NOT_HERE);
        }
        *self.declaration() = true;
        let Some(name) = self.network_name() else {
            return self.reject(message::NETWORK_NAME);
        };
        if !self.left_brace() {
            return;
        }
        let scope = self.new_scope(self.here());
        let network = self.new_network(name, scope, false, start);
        self.push(Body::SharedNetwork(network), scope, start);
    }

    fn network_name(&mut self) -> Option<Name> {
        if self.cursor.peek() != Kind::Str {
            return host_name(self.cursor);
        }
        self.cursor.next();
        let name = self.cursor.name();
        if !name.is_empty() {
            return Some(name);
        }
        self.cursor.warn(message::ZERO_LENGTH_NAME);
        Some(message::NO_NAME.into())
    }

    pub(super) fn new_network(
        &mut self,
        name: Name,
        scope: ScopeId,
        implicit: bool,
        span: Span,
    ) -> NetworkId {
        let id = NetworkId(self.config.networks.len() as u32);
        self.config.networks.push(SharedNetwork {
            name,
            scope,
            implicit,
            interface: None,
            subnets: Vec::new(),
            subnets6: Vec::new(),
            pools: Vec::new(),
            ponds: Vec::new(),
            failover_peer: None,
            span,
        });
        id
    }

    pub(super) fn network_mut(&mut self, id: NetworkId) -> Option<&mut SharedNetwork> {
        self.config.networks.get_mut(id.0 as usize)
    }

    pub(super) fn in_shared_network(&mut self, token: Kind, network: NetworkId) {
        match token {
            Kind::Char(b'}') => {
                self.cursor.next();
                let network = self.config.network(network);
                if network.subnets.is_empty() && network.subnets6.is_empty() {
                    self.cursor.warn(message::EMPTY_NETWORK);
                }
                self.pop();
            }
            Kind::Eof => {
                self.cursor.next();
                self.cursor.warn(message::END_OF_FILE);
                self.pop();
            }
            Kind::Keyword(Keyword::Interface) => {
                if !self.interface(network) {
                    self.pop();
                }
            }
            _ => self.statement(false),
        }
    }

    /// Binds a network to an interface, unless that one is spoken for. False when the statement is not ended.
    pub(super) fn interface(&mut self, network: NetworkId) -> bool {
        self.cursor.next();
        self.cursor.next();
        let name = self.cursor.name();
        let taken = self.interfaces.contains(&name);
        match self.network_mut(network) {
            Some(network) if network.interface.is_none() => {
                if !taken {
                    network.interface = Some(name.clone());
                    self.interfaces.push(name);
                }
            }
            _ => self.cursor.warn(message::TWO_INTERFACES),
        }
        self.cursor.semicolon()
    }
}
