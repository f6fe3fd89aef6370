//! `group [NAME] { .. }`

use super::super::message;
use super::super::model::{NamedGroup, Provenance};
use super::{Body, Frame, Place, Reader};
use crate::eval::ast::Name;
use crate::syntax::keyword::Keyword;
use crate::syntax::token::Kind;

pub(super) struct Draft {
    pub name: Option<Name>,
    pub provenance: Provenance,
}

impl Reader<'_, '_> {
    pub(super) fn group(&mut self) {
        self.cursor.next();
        self.group_declaration();
    }

    /// Behind the keyword.
    pub(in crate::config) fn group_declaration(&mut self) {
        let start = self.cursor.span();
        *self.declaration() = true;
        if matches!(self.place(), Place::Host | Place::Class) {
            return self.reject(message::GROUP_NOT_HERE);
        }
        let token = self.cursor.peek();
        let name = if token.is_identifier() || token == Kind::Str {
            self.cursor.next();
            Some(self.cursor.name())
        } else {
            None
        };
        if !self.left_brace() {
            return;
        }
        let scope = self.new_scope(self.here());
        self.push(Body::Group(Draft { name, provenance: Provenance::default() }), scope, start);
    }

    pub(super) fn in_group(&mut self, token: Kind) {
        match token {
            Kind::Char(b'}') => {
                self.cursor.next();
                return self.close_group();
            }
            Kind::Eof => {
                self.cursor.next();
                self.cursor.warn(message::END_OF_FILE);
                return self.close_group();
            }
            Kind::Keyword(Keyword::Deleted | Keyword::Dynamic | Keyword::Static) => {
                self.cursor.next();
                self.cursor.semicolon();
                if let Some(Frame { body: Body::Group(draft), .. }) = self.frames.last_mut() {
                    let given = &mut draft.provenance;
                    match token {
                        Kind::Keyword(Keyword::Deleted) => given.deleted = true,
                        Kind::Keyword(Keyword::Dynamic) => given.dynamic = true,
                        _ => given.fixed = true,
                    }
                }
                // ISC goes on with a statement at once, so that a brace here is a fault.
            }
            _ => {}
        }
        self.statement(false);
    }

    fn close_group(&mut self) {
        let Some(Frame { body: Body::Group(draft), scope, .. }) = self.pop() else { return };
        let Some(name) = draft.name else { return };
        if draft.provenance.deleted {
            self.config.remove_group(&name);
            return;
        }
        // A name declared again is out of reach until it is declared once more.
        if !self.config.remove_group(&name) {
            self.config.groups.insert(name, NamedGroup { scope, provenance: draft.provenance });
        }
    }
}
