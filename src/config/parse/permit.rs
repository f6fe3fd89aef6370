//! `allow` and `deny` of a pool.

use super::super::message;
use super::super::model::{ClassId, Permit};
use super::Reader;
use crate::clock::Wall;
use crate::eval::parse::date::date_without_semicolon;
use crate::syntax::keyword::Keyword;
use crate::syntax::token::Kind;

/// Who may use a pool, as collected between its braces.
#[derive(Default)]
pub(super) struct Permits {
    pub allow: Vec<Permit>,
    pub deny: Vec<Permit>,
    pub valid_from: Wall,
    pub valid_until: Wall,
}

impl Permits {
    /// ISC's test for two pools that are one: the same entries in any order. It does not look at times.
    pub fn same(&self, allow: &[Permit], deny: &[Permit]) -> bool {
        covers(&self.allow, allow)
            && covers(allow, &self.allow)
            && covers(&self.deny, deny)
            && covers(deny, &self.deny)
    }
}

fn covers(some: &[Permit], all: &[Permit]) -> bool {
    some.iter().all(|one| {
        all.iter().any(|other| match (one, other) {
            (Permit::After(_), Permit::After(_)) => true,
            _ => one == other,
        })
    })
}

impl Reader<'_, '_> {
    /// What stands behind `allow` or `deny`.
    pub(super) fn permit(&mut self, permits: &mut Permits, allow: bool) {
        let Some(permit) = self.permit_kind(permits, allow) else { return };
        match allow {
            true => permits.allow.push(permit),
            false => permits.deny.push(permit),
        }
        self.cursor.semicolon();
    }

    fn permit_kind(&mut self, permits: &mut Permits, allow: bool) -> Option<Permit> {
        let Kind::Keyword(keyword) = self.cursor.next() else {
            self.reject(message::PERMIT);
            return None;
        };
        let permit = match keyword {
            Keyword::KnownClients => return Some(Permit::KnownClients),
            Keyword::UnknownClients => return Some(Permit::UnknownClients),
            Keyword::Members => return self.members(),
            Keyword::After => return self.after(permits, allow),
            Keyword::Known => Permit::KnownClients,
            Keyword::Unknown => Permit::UnknownClients,
            Keyword::Authenticated => Permit::AuthenticatedClients,
            Keyword::Unauthenticated => Permit::UnauthenticatedClients,
            Keyword::All => Permit::AllClients,
            Keyword::Dynamic => {
                self.expect(Keyword::Bootp, message::BOOTP)?;
                Permit::DynamicBootpClients
            }
            _ => {
                self.reject(message::PERMIT);
                return None;
            }
        };
        self.expect(Keyword::Clients, message::CLIENTS)?;
        Some(permit)
    }

    fn members(&mut self) -> Option<Permit> {
        self.expect(Keyword::Of, message::OF)?;
        if self.cursor.next() != Kind::Str {
            self.reject(message::PERMIT_CLASS);
            return None;
        }
        let name = self.cursor.name();
        let class = self.config.find_class(&name);
        if class.is_none() {
            self.cursor.warn(message::no_such_class(&name));
        }
        Some(Permit::MembersOf(class.unwrap_or(ClassId(u32::MAX))))
    }

    fn after(&mut self, permits: &mut Permits, allow: bool) -> Option<Permit> {
        if permits.valid_from != 0 || permits.valid_until != 0 {
            self.reject(message::AFTER_TWICE);
            return None;
        }
        let time = date_without_semicolon(self.cursor);
        match allow {
            true => permits.valid_from = time,
            false => permits.valid_until = time,
        }
        Some(Permit::After(time))
    }

    fn expect(&mut self, keyword: Keyword, text: &str) -> Option<()> {
        if self.cursor.next() == Kind::Keyword(keyword) {
            return Some(());
        }
        self.reject(text);
        None
    }
}
