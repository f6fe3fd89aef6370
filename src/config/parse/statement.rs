//! What may stand where a statement is wanted.

use super::super::message;
use super::super::model::FixedAddresses;
use super::{Body, Frame, Place, Reader};
use crate::eval::ast::Expr;
use crate::eval::parse::address::{hardware, ip_address_or_host_name, ip6_address};
use crate::eval::parse::{Context, Parsed};
use crate::log::Line;
use crate::syntax::keyword::Keyword;
use crate::syntax::token::Kind;
use std::net::Ipv4Addr;
use std::sync::Arc;

impl Reader<'_, '_> {
    /// One statement of any kind, or one brace opened. `in_host`: directly between the braces of a host.
    pub(super) fn statement(&mut self, in_host: bool) {
        // One look: a zero octet is gone at the next.
        let keyword = match self.cursor.peek() {
            Kind::Keyword(keyword) => keyword,
            Kind::Char(b'%') => {
                *self.declaration() = false;
                return self.cursor.skip_to_semicolon();
            }
            _ => return self.executable(),
        };
        match keyword {
            Keyword::Include => self.include(),
            Keyword::Host => self.host(),
            Keyword::Group => self.group(),
            Keyword::SharedNetwork => self.shared_network(),
            Keyword::Subnet | Keyword::Subnet6 => self.any_subnet(Kind::Keyword(keyword)),
            Keyword::Class | Keyword::Subclass | Keyword::VendorClass | Keyword::UserClass => {
                self.class(keyword)
            }
            Keyword::Pool => self.pool(),
            Keyword::Pool6 => self.pool6(),
            Keyword::Range | Keyword::Range6 | Keyword::Prefix6 => self.range_in_subnet(keyword),
            Keyword::Option => self.option(),
            Keyword::ServerIdentifier => self.server_identifier(),
            _ => self.parameter(keyword, in_host),
        }
    }

    /// The statements after which ISC counts no declaration.
    fn parameter(&mut self, keyword: Keyword, in_host: bool) {
        match keyword {
            Keyword::Hardware => self.hardware(in_host),
            Keyword::FixedAddress | Keyword::FixedAddress6 => self.fixed_address(keyword, in_host),
            Keyword::FixedPrefix6 => self.fixed_prefix(in_host),
            Keyword::Not | Keyword::Authoritative => self.authoritative(keyword),
            Keyword::Failover => self.failover(),
            Keyword::ServerDuid => self.server_duid(),
            Keyword::LeaseIdFormat => self.lease_id_format(),
            _ => return self.executable(),
        }
        *self.declaration() = false;
    }

    /// An executable statement of dhcp-eval(5), a server parameter, or nothing that ISC knows.
    fn executable(&mut self) {
        let mut parser = self.parser();
        let parsed = parser.statement(Context::Any);
        let lose = parser.lose;
        match parsed {
            Parsed::Statement(statement) => self.add_statement(statement),
            Parsed::Done => {}
            Parsed::Failed if lose => {}
            Parsed::Failed => {
                let text = match *self.declaration() {
                    true => message::EXPECTING_DECLARATION,
                    false => message::EXPECTING_PARAMETER,
                };
                self.reject(text);
            }
        }
    }

    fn authoritative(&mut self, keyword: Keyword) {
        self.cursor.next();
        let value = keyword == Keyword::Authoritative;
        if !value && self.cursor.next() != Kind::Keyword(Keyword::Authoritative) {
            return self.reject(message::EXPECTING_ASSERTION);
        }
        let here = self.here();
        if let Some(scope) = self.config.scopes.get_mut(here.0 as usize) {
            scope.authoritative = value;
        }
        if self.place() == Place::Host {
            self.cursor.warn(message::NO_AUTHORITY);
        }
        self.cursor.semicolon();
    }

    fn hardware(&mut self, in_host: bool) {
        self.cursor.next();
        if in_host
            && let Some(draft) = self.host_draft()
            && draft.hardware.is_some()
        {
            let text = message::hardware_twice(&draft.name);
            return self.cursor.warn(text);
        }
        let address = hardware(self.cursor);
        match self.host_draft() {
            Some(draft) if in_host => draft.hardware = address.map(super::super::model::Hardware),
            _ => self.cursor.warn(message::HARDWARE_NOT_HERE),
        }
    }

    fn fixed_address(&mut self, keyword: Keyword, in_host: bool) {
        self.cursor.next();
        let Some(addresses) = self.address_list(keyword == Keyword::FixedAddress6) else { return };
        match self.host_draft() {
            Some(draft) if in_host => {
                if draft.fixed_addresses.is_none() {
                    draft.fixed_addresses = Some(addresses);
                } else {
                    self.cursor.warn(message::ONE_ADDRESS);
                }
            }
            _ => self.cursor.warn(message::ADDRESS_NOT_HERE),
        }
    }

    fn address_list(&mut self, v6: bool) -> Option<FixedAddresses> {
        let mut list = Vec::new();
        loop {
            list.push(match v6 {
                false => ip_address_or_host_name(self.cursor, true)?,
                true => Expr::Const(Arc::from(ip6_address(self.cursor)?.octets())),
            });
            if !self.cursor.take(',') {
                break;
            }
        }
        if !self.cursor.semicolon() {
            return None;
        }
        let only = match list.as_slice() {
            [Expr::Const(octets)] => <[u8; 4]>::try_from(&**octets).ok().map(Ipv4Addr::from),
            _ => None,
        };
        Some(match only {
            Some(address) => FixedAddresses::One(address),
            None if list.len() == 1 => FixedAddresses::Expression(Box::new(list.pop()?)),
            None => FixedAddresses::Expression(Box::new(Expr::Concat(list))),
        })
    }

    fn lease_id_format(&mut self) {
        self.cursor.next();
        let hex = match self.cursor.next() {
            Kind::Keyword(Keyword::Octal) => false,
            Kind::Keyword(Keyword::Hex) => true,
            _ => return self.reject(message::LEASE_ID_FORMAT),
        };
        self.config.lease_file_format.hex_ids = hex;
        self.say(Line::debug(message::lease_id_format(hex)));
        if !self.cursor.next().is(';') {
            self.reject(message::LEASE_SEMICOLON);
        }
    }

    pub(super) fn host_draft(&mut self) -> Option<&mut super::host::Draft> {
        match self.frames.last_mut() {
            Some(Frame { body: Body::Host(draft), .. }) => Some(draft),
            _ => None,
        }
    }
}
