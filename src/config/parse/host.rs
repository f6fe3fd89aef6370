//! `host NAME { .. }`

use super::super::message;
use super::super::model::{
    Config, FixedAddresses, Hardware, Host, HostExtra, HostIdentifier, Provenance, ScopeId,
};
use super::{Body, Frame, Place, Reader};
use crate::eval::ast::{Action, Expr, Name, OptionOp, Statement};
use crate::eval::parse::address::ip6_address;
use crate::eval::parse::number::{Count, atoi, octets};
use crate::eval::parse::text::host_name;
use crate::log::Line;
use crate::option::definition::OptionId;
use crate::syntax::keyword::Keyword;
use crate::syntax::token::Kind;
use std::net::Ipv6Addr;
use std::sync::Arc;

/// `dhcp-client-identifier`
const CLIENT_IDENTIFIER: OptionId = OptionId::dhcp(61);

pub(super) struct Draft {
    pub name: Name,
    pub hardware: Option<Hardware>,
    pub fixed_addresses: Option<FixedAddresses>,
    pub fixed_prefixes: Vec<(Ipv6Addr, u8)>,
    uid: Vec<u8>,
    identifier: Option<HostIdentifier>,
    named_group: Option<(Name, ScopeId)>,
    provenance: Provenance,
}

/// How a statement between the braces left things.
enum After {
    /// On to the next one.
    Next,
    /// The brace counts as closed where the reader stands.
    Closed,
}

impl Reader<'_, '_> {
    pub(super) fn host(&mut self) {
        self.cursor.next();
        self.host_declaration();
    }

    /// Behind the keyword.
    pub(in crate::config) fn host_declaration(&mut self) {
        let start = self.cursor.span();
        *self.declaration() = true;
        let place = self.place();
        if matches!(place, Place::Host | Place::Class) {
            return self.reject(message::HOST_NOT_HERE);
        }
        if matches!(place, Place::Subnet | Place::SharedNetwork) && !self.warned_of_global_hosts {
            self.warned_of_global_hosts = true;
            self.say(Line::error(message::HOSTS_ARE_GLOBAL));
        }
        let Some(name) = host_name(self.cursor) else {
            return self.reject(message::HOST_NAME);
        };
        if !self.left_brace() {
            return;
        }
        let scope = self.new_scope(self.here());
        let draft = Draft {
            name,
            hardware: None,
            fixed_addresses: None,
            fixed_prefixes: Vec::new(),
            uid: Vec::new(),
            identifier: None,
            named_group: None,
            provenance: Provenance::default(),
        };
        self.push(Body::Host(Box::new(draft)), scope, start);
    }

    pub(super) fn in_host(&mut self, token: Kind) {
        let after = match token {
            Kind::Char(b'}') => {
                self.cursor.next();
                After::Closed
            }
            Kind::Eof => {
                self.cursor.next();
                self.cursor.warn(message::END_OF_FILE);
                After::Closed
            }
            Kind::Keyword(keyword @ (Keyword::Dynamic | Keyword::Deleted)) => {
                self.cursor.next();
                if let Some(draft) = self.host_draft() {
                    match keyword {
                        Keyword::Dynamic => draft.provenance.dynamic = true,
                        _ => draft.provenance.deleted = true,
                    }
                }
                self.ended_here()
            }
            Kind::Keyword(Keyword::Group) => self.group_of_host(),
            Kind::Keyword(Keyword::Uid) => self.uid(),
            Kind::Keyword(Keyword::HostIdentifier) => self.host_identifier(),
            _ => {
                self.statement(true);
                After::Next
            }
        };
        if matches!(after, After::Closed) {
            self.close_host();
        }
    }

    /// The semicolon; without one the host counts as closed.
    fn ended_here(&mut self) -> After {
        if self.cursor.semicolon() { After::Next } else { After::Closed }
    }

    fn give_up(&mut self, text: impl std::fmt::Display) -> After {
        self.cursor.warn(text);
        self.cursor.skip_to_right_brace(1);
        After::Closed
    }

    fn group_of_host(&mut self) -> After {
        self.cursor.next();
        let token = self.cursor.next();
        if token != Kind::Str && !token.is_identifier() {
            return self.give_up(message::STRING_OR_IDENTIFIER);
        }
        let name = self.cursor.name();
        let group = self.config.groups.get(&name).map(|group| (name.clone(), group.scope));
        let Some(draft) = self.host_draft() else { return After::Closed };
        match group {
            Some(group) => draft.named_group = Some(group),
            None => {
                let text = message::unknown_group(&name, &draft.name);
                self.cursor.warn(text);
            }
        }
        self.ended_here()
    }

    fn uid(&mut self) -> After {
        self.cursor.next();
        let Some(draft) = self.host_draft() else { return After::Closed };
        if !draft.uid.is_empty() {
            let text = message::uid_already(&draft.name, &hex_or_string(&draft.uid));
            return self.give_up(text);
        }
        let uid = if self.cursor.peek() == Kind::Str {
            self.cursor.next();
            self.cursor.octets().to_vec()
        } else {
            octets(self.cursor, Count::Any, b':', 16).unwrap_or_else(|| {
                self.reject(message::HEX_LIST);
                Vec::new()
            })
        };
        if let Some(draft) = self.host_draft() {
            draft.uid = uid;
        }
        self.ended_here()
    }

    fn host_identifier(&mut self) -> After {
        if self.host_draft().is_some_and(|draft| draft.identifier.is_some()) {
            return self.give_up(message::ONE_IDENTIFIER);
        }
        self.cursor.next();
        let mut relay_hops = 0;
        match self.cursor.next() {
            Kind::Keyword(Keyword::V6relopt) => {
                if self.cursor.next() != Kind::Number {
                    return self.give_up(message::RELAY_NUMBER);
                }
                let Ok(hops) = u32::try_from(atoi(self.cursor.word_octets())) else {
                    return self.give_up(message::RELAY_POSITIVE);
                };
                relay_hops = hops;
            }
            Kind::Keyword(Keyword::Option) => {}
            _ => return self.give_up(message::IDENTIFIER_KIND),
        }
        let Some(option) = self.parser().option_name(true) else { return After::Closed };
        let id = option.definition.id;
        if !option.known {
            let space = self.config.spaces.space(id.space).name.clone();
            return self.give_up(message::unknown_option(&space, &option.definition.name));
        }
        let Some(value) = self.parser().option_value(&option.definition) else {
            self.cursor.skip_to_right_brace(1);
            return After::Closed;
        };
        if !self.cursor.semicolon() {
            self.cursor.skip_to_right_brace(1);
            return After::Closed;
        }
        // ISC takes the octets of a constant; of anything else there are none.
        let value = match value {
            Expr::Const(octets) => octets,
            _ => Arc::from([]),
        };
        if let Some(draft) = self.host_draft() {
            draft.identifier = Some(HostIdentifier { option: id, relay_hops, value });
        }
        After::Next
    }

    /// `fixed-prefix6 ADDRESS / LENGTH;`
    pub(super) fn fixed_prefix(&mut self, in_host: bool) {
        self.cursor.next();
        if !in_host {
            return self.reject(message::PREFIX_NOT_HERE);
        }
        let Some(address) = ip6_address(self.cursor) else { return };
        let token = self.cursor.next();
        if !token.is('/') {
            return self.reject_at(token, message::SLASH_SMALL);
        }
        let token = self.cursor.next();
        if token != Kind::Number {
            return self.reject_at(token, message::NUMBER);
        }
        let bits = atoi(self.cursor.word_octets());
        let token = self.cursor.next();
        if !token.is(';') {
            return self.reject(message::SEMICOLON);
        }
        match u8::try_from(bits) {
            Ok(bits) if bits <= 128 => {
                if !super::subnet6::is_prefix(address, bits) {
                    self.cursor.warn(message::MASK_SHORT);
                } else if let Some(draft) = self.host_draft() {
                    draft.fixed_prefixes.push((address, bits));
                }
            }
            _ => self.cursor.warn(message::RANGE6_BITS),
        }
    }

    fn close_host(&mut self) {
        let Some(Frame { body: Body::Host(draft), scope, start, .. }) = self.pop() else { return };
        if draft.provenance.deleted {
            self.config.hosts.delete(&draft.name);
            return;
        }
        if self.config.hosts.by_name(&draft.name).is_some() {
            return self.cursor.warn(message::host_exists(&draft.name));
        }
        let own = !self.config.scope(scope).statements.is_empty();
        let named = draft.named_group.as_ref().map(|(_, scope)| *scope);
        let (scope, identified) = self.scope_of_host(scope, named, own);
        let client_identifier = self.client_identifier(&draft, identified);
        let extra = HostExtra {
            identifier: draft.identifier,
            named_group: draft.named_group.map(|(name, _)| name),
            fixed_prefixes: draft.fixed_prefixes,
        };
        let plain =
            extra.identifier.is_none() && extra.named_group.is_none() && extra.fixed_prefixes.is_empty();
        let host = Host {
            name: draft.name.clone(),
            scope,
            hardware: draft.hardware,
            client_identifier,
            fixed_addresses: draft.fixed_addresses,
            provenance: Provenance { fixed: !draft.provenance.dynamic, ..draft.provenance },
            extra: (!plain).then(|| Box::new(extra)),
            span: start,
        };
        self.config.hosts.insert(host);
    }

    /// The scope a host's statements are executed in, and the one that may name its client identifier.
    fn scope_of_host(
        &mut self,
        own: ScopeId,
        named: Option<ScopeId>,
        statements: bool,
    ) -> (ScopeId, Option<ScopeId>) {
        if statements {
            if let Some(scope) = self.config.scopes.get_mut(own.0 as usize) {
                scope.is_of_host = true;
                scope.parent = named.or(scope.parent);
            }
            return (own, Some(own));
        }
        let around = self.config.scope(own).parent.unwrap_or(super::ROOT);
        // An empty scope is no scope; a million of them would be a million too many.
        if own.0 as usize + 1 == self.config.scopes.len() {
            self.config.scopes.pop();
        }
        (named.unwrap_or(around), named)
    }

    /// `uid`, else the one `option dhcp-client-identifier` of its scope.
    fn client_identifier(&mut self, draft: &Draft, scope: Option<ScopeId>) -> Option<Arc<[u8]>> {
        let uid = (!draft.uid.is_empty()).then(|| Arc::from(draft.uid.as_slice()));
        let statements = scope.map(|scope| self.config.scope(scope).statements.clone());
        let mut lines = Vec::new();
        let say = &mut |line| lines.push(line);
        let found = client_identifier(self.config, &draft.name, uid, statements.as_deref(), say);
        lines.into_iter().for_each(|line| self.say(line));
        found
    }
}

/// What a host is known by: its `uid`, else what the first `option dhcp-client-identifier` of its statements says.
pub(in crate::config) fn client_identifier(
    config: &Config,
    host: &Name,
    uid: Option<Arc<[u8]>>,
    statements: Option<&[Statement]>,
    say: &mut dyn FnMut(Line),
) -> Option<Arc<[u8]>> {
    let Some(statements) = statements else { return uid };
    let mut found = Found { value: None, lines: Vec::new() };
    found.search(statements, false);
    for line in found.lines {
        say(Line::error(line));
    }
    let Some(value) = found.value else { return uid };
    let (value, lines) = config.constant(&value);
    lines.into_iter().for_each(&mut *say);
    let value = value.filter(|octets| !octets.is_empty());
    match (&uid, &value) {
        (Some(uid_octets), Some(value)) => {
            let text = message::uid_ignored(host, &hex_or_string(uid_octets), &hex_or_string(value));
            say(Line::error(text));
            uid
        }
        _ => value,
    }
}

/// The search for `option dhcp-client-identifier` among a host's statements.
struct Found {
    value: Option<Expr>,
    lines: Vec<&'static str>,
}

impl Found {
    fn search(&mut self, statements: &[Statement], conditional: bool) {
        for statement in statements {
            match &statement.action {
                Action::Option { op: OptionOp::Supersede, option, value } if *option == CLIENT_IDENTIFIER => {
                    if conditional {
                        self.lines.push(message::UID_CONDITIONAL);
                    } else if self.value.is_none() {
                        self.value = Some(value.clone());
                    } else {
                        self.lines.push(message::UID_TWICE);
                    }
                }
                Action::If { then, otherwise, .. } => {
                    self.search(then, true);
                    self.search(otherwise, true);
                }
                Action::On { body, .. } | Action::Switch { body, .. } => self.search(body, true),
                Action::Let { body, .. } => self.search(body, false),
                _ => {}
            }
        }
    }
}

/// Quoted when every octet is printable, colon-separated hexadecimal otherwise; cut to ISC's buffer, or left out where the
/// hexadecimal form does not fit.
fn hex_or_string(octets: &[u8]) -> String {
    const LIMIT: usize = 255;
    let shown = octets.get(..octets.len().min(LIMIT - 3)).unwrap_or_default();
    if shown.iter().all(|octet| (0x20..0x7f).contains(octet)) {
        return format!("\"{}\"", String::from_utf8_lossy(shown));
    }
    if octets.len() * 3 > LIMIT {
        return String::new();
    }
    let pairs: Vec<String> = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    pairs.join(":")
}
