//! Declarations of the lease file: hosts, groups, classes and subclasses that were made or taken back over OMAPI. They are
//! read by the same statements as the configuration, in its outermost scope, and change the model they are read into: a new
//! host is found behind the declared ones, a deleted one is found no more (ledger `leases.tsv`).

use super::model::{Config, FixedAddresses, Host, HostId, NamedGroup};
use super::parse::Reader;
use crate::eval::ast::{Name, Statement};
use crate::syntax::cursor::Cursor;
use crate::syntax::keyword::Keyword;
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;

impl Config {
    /// Behind `host`. False when there is none to be read.
    pub fn read_host(&mut self, cursor: &mut Cursor) -> bool {
        self.read_one(cursor, |reader| reader.host_declaration())
    }

    /// Behind `group`.
    pub fn read_group(&mut self, cursor: &mut Cursor) -> bool {
        self.read_one(cursor, |reader| reader.group_declaration())
    }

    /// Behind `class`.
    pub fn read_class(&mut self, cursor: &mut Cursor) -> bool {
        self.read_one(cursor, |reader| {
            reader.class_declaration(Keyword::Class);
        })
    }

    /// Behind `subclass` or `billing subclass`: the class and the value, when it was accepted.
    pub fn read_subclass(&mut self, cursor: &mut Cursor) -> Option<(Name, Arc<[u8]>)> {
        let mut id = None;
        self.read_one(cursor, |reader| id = reader.class_declaration(Keyword::Subclass));
        let subclass = self.class(id?);
        let name = self.class(subclass.superclass?).name.clone()?;
        Some((name, subclass.value.clone()?))
    }

    fn read_one(&mut self, cursor: &mut Cursor, open: impl FnOnce(&mut Reader)) -> bool {
        let mut include = |_: &str| Err(io::Error::from(io::ErrorKind::NotFound));
        Reader::new(cursor, self, &mut include, Vec::new()).read_one(open)
    }

    /// Hosts of the configuration that the lease file takes back: every rewrite says so again. ISC forgets it of one whose name
    /// another one has taken that is not dynamic.
    pub fn deleted_hosts(&self) -> impl Iterator<Item = &Host> {
        let replaced = |host: &Host| {
            let id = self.hosts.by_name(&host.name);
            id.is_some_and(|id| !self.host(id).provenance.dynamic)
        };
        self.hosts.deleted().filter(move |host| host.provenance.fixed && !replaced(host))
    }

    /// Hosts that live in the lease file.
    pub fn dynamic_hosts(&self) -> impl Iterator<Item = (HostId, &Host)> {
        self.hosts.iter().filter(|(_, host)| host.provenance.dynamic)
    }

    /// A host's fixed addresses, as far as they are written as addresses. `None`: it has no `fixed-address`.
    pub fn fixed_addresses(&self, host: &Host) -> Option<Vec<Ipv4Addr>> {
        match host.fixed_addresses.as_ref()? {
            FixedAddresses::One(address) => Some(vec![*address]),
            FixedAddresses::Expression(expression) => {
                let (octets, _) = self.constant(expression);
                let (addresses, _) = octets.as_deref()?.as_chunks::<4>();
                Some(addresses.iter().copied().map(Ipv4Addr::from).collect())
            }
        }
    }

    /// The statements of a host's own braces.
    pub fn own_statements(&self, host: &Host) -> &[Statement] {
        // A host without statements has the scope of its surroundings.
        let scope = self.scope(host.scope);
        if scope.is_of_host { &scope.statements } else { &[] }
    }

    /// Groups that live in the lease file.
    pub fn dynamic_groups(&self) -> impl Iterator<Item = (&Name, &NamedGroup)> {
        self.groups.iter().filter(|(_, group)| group.provenance.dynamic)
    }
}
