//! `zone` and `key`, which ISC reads among the executable statements.

use super::super::ast::{Expr, Key, Name, Zone};
use super::Parser;
use super::address::{ip_address_or_host_name, ip6_address};
use super::number::base64;
use super::text::host_name;
use crate::syntax::cursor::Cursor;
use crate::syntax::keyword::Keyword as K;
use crate::syntax::source::Span;
use crate::syntax::token::Kind;
use std::sync::Arc;

impl Parser<'_, '_> {
    /// What stands behind `zone`.
    pub(super) fn zone(&mut self, start: Span) -> Option<()> {
        let Some(name) = host_name(self.cursor) else { return self.lost_statement("expecting hostname.") };
        let name = if name.ends_with('.') { name } else { Name::from(format!("{name}.")) };
        let mut zone = Zone {
            name,
            primary: None,
            secondary: None,
            primary6: None,
            secondary6: None,
            key: None,
            span: start,
        };
        if self.zone_body(&mut zone).is_none() {
            self.lose = true;
            self.cursor.skip_to_semicolon();
            return None;
        }
        zone.span = self.cursor.span_from(start);
        let name = zone.name.clone();
        if let Err(text) = self.declarations.enter_zone(zone) {
            self.cursor.warn(format_args!("dns zone key {name}: {text}"));
            return None;
        }
        Some(())
    }

    fn zone_body(&mut self, zone: &mut Zone) -> Option<()> {
        if !self.cursor.next().is('{') {
            self.cursor.warn("expecting left brace");
            return None;
        }
        loop {
            match self.cursor.peek() {
                Kind::Keyword(K::Primary) => self.servers(&mut zone.primary, "primary")?,
                Kind::Keyword(K::Secondary) => self.servers(&mut zone.secondary, "secondary")?,
                Kind::Keyword(K::Primary6) => self.servers6(&mut zone.primary6, "primary6")?,
                Kind::Keyword(K::Secondary6) => self.servers6(&mut zone.secondary6, "secondary6")?,
                Kind::Keyword(K::Key) => self.zone_key(zone)?,
                _ => break,
            }
        }
        if !self.cursor.next().is('}') {
            self.cursor.warn("expecting right brace.");
            return None;
        }
        Some(())
    }

    fn servers(&mut self, into: &mut Option<Expr>, what: &str) -> Option<()> {
        let one = |cursor: &mut Cursor| ip_address_or_host_name(cursor, false);
        self.server_list(into, what, "expecting IP addr or hostname.", one)
    }

    fn servers6(&mut self, into: &mut Option<Expr>, what: &str) -> Option<()> {
        let one = |cursor: &mut Cursor| Some(Expr::Const(Arc::from(ip6_address(cursor)?.octets())));
        self.server_list(into, what, "expecting IPv6 addr.", one)
    }

    /// Addresses with commas between them, and the semicolon; the word ahead of them is the token ahead.
    fn server_list(
        &mut self,
        into: &mut Option<Expr>,
        what: &str,
        otherwise: &str,
        one: impl Fn(&mut Cursor) -> Option<Expr>,
    ) -> Option<()> {
        if into.is_some() {
            return self.skipped(format!("more than one {what}."));
        }
        self.cursor.next();
        let mut servers = Vec::new();
        loop {
            let Some(server) = one(self.cursor) else { return self.skipped(otherwise) };
            servers.push(server);
            match self.cursor.next() {
                Kind::Char(b',') => {}
                Kind::Char(b';') => break,
                _ => return self.skipped("expecting semicolon."),
            }
        }
        *into = if servers.len() > 1 { Some(Expr::Concat(servers)) } else { servers.pop() };
        Some(())
    }

    fn zone_key(&mut self, zone: &mut Zone) -> Option<()> {
        self.cursor.next();
        let name = self.name_of_key()?;
        if zone.key.is_some() {
            self.cursor.die(format!("Multiple key definitions for zone {}.", zone.name));
            return None;
        }
        if self.declarations.has_key(&name) {
            zone.key = Some(name);
        } else {
            self.cursor.warn(format_args!("unknown key {name}"));
        }
        self.cursor.semicolon().then_some(())
    }

    fn name_of_key(&mut self) -> Option<Arc<str>> {
        if self.cursor.peek() == Kind::Str {
            self.cursor.next();
            return Some(self.cursor.name());
        }
        host_name(self.cursor).or_else(|| self.skipped("expecting key name."))
    }

    /// What stands behind `key`. After an error, which has been reported and skipped, `false`.
    pub fn key(&mut self) -> bool {
        self.key_declaration().is_some()
    }

    fn key_declaration(&mut self) -> Option<()> {
        let start = self.cursor.span();
        let name = self.name_of_key()?;
        if !self.cursor.next().is('{') {
            self.cursor.warn("expecting left brace");
            return None;
        }
        let mut key = Key { name, algorithm: None, secret: None, span: start };
        if self.key_body(&mut key).is_none() {
            self.cursor.skip_to_right_brace(1);
            return None;
        }
        // As in BIND's configuration.
        self.cursor.take(';');
        key.span = self.cursor.span_from(start);
        let name = key.name.clone();
        if let Err(text) = self.declarations.enter_key(key, self.cursor.report()) {
            self.cursor.warn(format_args!("tsig key {name}: {text}"));
            return None;
        }
        Some(())
    }

    fn key_body(&mut self, key: &mut Key) -> Option<()> {
        loop {
            let complaint = match self.cursor.next() {
                Kind::Keyword(K::Algorithm) if key.algorithm.is_none() => match host_name(self.cursor) {
                    Some(name) => {
                        key.algorithm = Some(complete_algorithm(&name));
                        self.cursor.semicolon().then_some(())?;
                        continue;
                    }
                    None => "expecting key algorithm name.".to_owned(),
                },
                Kind::Keyword(K::Algorithm) => format!("key {}: too many algorithms", key.name),
                Kind::Keyword(K::Secret) if key.secret.is_none() => {
                    key.secret = Some(base64(self.cursor)?.into());
                    self.cursor.semicolon().then_some(())?;
                    continue;
                }
                Kind::Keyword(K::Secret) => format!("key {}: too many secrets", key.name),
                Kind::Char(b'}') => return Some(()),
                _ => "expecting right brace.".to_owned(),
            };
            self.cursor.warn(complaint);
            return None;
        }
    }
}

/// A name without a dot gets ISC's domain for algorithms, any other a dot at its end.
fn complete_algorithm(name: &str) -> Name {
    if !name.contains('.') {
        return Name::from(format!("{name}.SIG-ALG.REG.INT."));
    }
    if name.ends_with('.') { Name::from(name) } else { Name::from(format!("{name}.")) }
}
