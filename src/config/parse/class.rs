//! `class`, `subclass`, and the older `vendor-class` and `user-class`.

use super::super::message;
use super::super::model::{Class, ClassId};
use super::{Body, Frame, Place, Reader};
use crate::eval::ast::Name;
use crate::eval::parse::number::{atoi, colon_separated_hex};
use crate::syntax::keyword::Keyword;
use crate::syntax::source::Span;
use crate::syntax::token::Kind;
use std::sync::Arc;

pub(super) struct Draft {
    id: ClassId,
    superclass: Option<ClassId>,
    /// Not declared before.
    new: bool,
    matched: bool,
    submatched: bool,
}

impl Reader<'_, '_> {
    pub(super) fn class(&mut self, keyword: Keyword) {
        self.cursor.next();
        self.class_declaration(keyword);
    }

    /// Behind the keyword. The class or subclass, as far as it came to be.
    pub(in crate::config) fn class_declaration(&mut self, keyword: Keyword) -> Option<ClassId> {
        let start = self.cursor.span();
        if self.place() == Place::Class {
            *self.declaration() = false;
            self.reject(message::CLASS_NOT_HERE);
            return None;
        }
        *self.declaration() = true;
        if self.cursor.next() != Kind::Str {
            self.reject(message::CLASS_NAME);
            return None;
        }
        let name = self.cursor.name();
        let known = self.config.find_class(&name);
        if keyword == Keyword::Class {
            return self.open_class(name, known, start);
        }
        let Some(superclass) = known else {
            self.reject(message::no_class(&name));
            return None;
        };
        // The older forms are subclasses whose value is the class name itself.
        let value = match keyword {
            Keyword::Subclass => self.subclass_value(),
            _ => Some(self.cursor.word_octets().to_vec()),
        };
        self.open_subclass(superclass, Arc::from(value?), start)
    }

    fn subclass_value(&mut self) -> Option<Vec<u8>> {
        match self.cursor.peek() {
            Kind::Str => {
                self.cursor.next();
                Some(self.cursor.octets().to_vec())
            }
            Kind::Number | Kind::NumberOrName => colon_separated_hex(self.cursor),
            _ => {
                self.cursor.warn(message::STRING_OR_HEX);
                None
            }
        }
    }

    fn open_class(&mut self, name: Name, known: Option<ClassId>, start: Span) -> Option<ClassId> {
        let (id, scope) = match known {
            Some(id) => (id, self.config.class(id).scope),
            None => {
                let scope = self.new_scope(self.here());
                (self.new_class(Some(name), scope, start), scope)
            }
        };
        if !self.left_brace() {
            return None;
        }
        let new = known.is_none();
        self.push_class(Draft { id, superclass: None, new, matched: false, submatched: false }, scope, start);
        Some(id)
    }

    fn open_subclass(&mut self, superclass: ClassId, value: Arc<[u8]>, start: Span) -> Option<ClassId> {
        let parent = self.config.class(superclass);
        let known = parent.subclasses.get(&value).copied();
        let (scope, limit) = (parent.scope, parent.lease_limit);
        let id = known.unwrap_or_else(|| {
            let id = self.new_class(None, scope, start);
            if let Some(class) = self.class_mut(id) {
                class.superclass = Some(superclass);
                class.lease_limit = limit;
                class.value = Some(value.clone());
            }
            if let Some(parent) = self.class_mut(superclass) {
                parent.subclasses.insert(value, id);
            }
            id
        });
        if self.cursor.take(';') {
            return Some(id);
        }
        // Statements of its own need a scope of its own, inside the one it had.
        let scope = self.new_scope(self.config.class(id).scope);
        if let Some(class) = self.class_mut(id) {
            class.scope = scope;
        }
        if !self.left_brace() {
            return None;
        }
        let (new, matched, submatched) = (known.is_none(), false, false);
        self.push_class(Draft { id, superclass: Some(superclass), new, matched, submatched }, scope, start);
        Some(id)
    }

    fn push_class(&mut self, draft: Draft, scope: super::ScopeId, start: Span) {
        self.push(Body::Class(draft), scope, start);
    }

    fn new_class(&mut self, name: Option<Name>, scope: super::ScopeId, span: Span) -> ClassId {
        let id = ClassId(self.config.classes.len() as u32);
        self.config.classes.push(Class::new(name, scope, span));
        id
    }

    fn class_mut(&mut self, id: ClassId) -> Option<&mut Class> {
        self.config.classes.get_mut(id.0 as usize)
    }

    fn class_draft(&mut self) -> Option<&mut Draft> {
        match self.frames.last_mut() {
            Some(Frame { body: Body::Class(draft), .. }) => Some(draft),
            _ => None,
        }
    }

    pub(super) fn in_class(&mut self, token: Kind) {
        let open = match token {
            Kind::Char(b'}') => {
                self.cursor.next();
                false
            }
            Kind::Eof => {
                self.cursor.next();
                self.cursor.warn(message::END_OF_FILE);
                false
            }
            Kind::Keyword(keyword @ (Keyword::Dynamic | Keyword::Deleted)) => {
                self.cursor.next();
                let id = self.class_draft().map(|draft| draft.id);
                if let Some(class) = id.and_then(|id| self.class_mut(id)) {
                    match keyword {
                        Keyword::Dynamic => class.provenance.dynamic = true,
                        _ => class.provenance.deleted = true,
                    }
                }
                self.cursor.semicolon()
            }
            Kind::Keyword(Keyword::Match) => self.class_match(),
            Kind::Keyword(Keyword::Spawn) => self.spawn(),
            Kind::Keyword(Keyword::Lease) => self.lease_limit(),
            _ => {
                self.statement(false);
                true
            }
        };
        if !open {
            self.close_class();
        }
    }

    /// `match if CONDITION;` or `match DATA;`. False where ISC takes the class as closed.
    fn class_match(&mut self) -> bool {
        if self.class_draft().is_some_and(|draft| draft.superclass.is_some()) {
            self.reject(message::MATCH_IN_SUBCLASS);
            return false;
        }
        self.cursor.next();
        if self.cursor.peek() != Kind::Keyword(Keyword::If) {
            return self.submatch();
        }
        self.cursor.next();
        let Some(draft) = self.class_draft() else { return false };
        if std::mem::replace(&mut draft.matched, true) {
            self.reject(message::MATCH_ONCE);
            return false;
        }
        let id = draft.id;
        let mut parser = self.parser();
        let condition = parser.boolean_expression();
        let lose = parser.lose;
        match &condition {
            Some(_) => {
                self.cursor.semicolon();
            }
            None if !lose => self.reject(message::BOOLEAN),
            None => {}
        }
        if let Some(class) = self.class_mut(id) {
            class.condition = condition;
        }
        true
    }

    fn spawn(&mut self) -> bool {
        self.cursor.next();
        let Some(draft) = self.class_draft() else { return false };
        if draft.superclass.is_some() {
            self.reject(message::SPAWN_IN_SUBCLASS);
            return false;
        }
        let id = draft.id;
        if let Some(class) = self.class_mut(id) {
            class.spawning = true;
        }
        if self.cursor.next() != Kind::Keyword(Keyword::With) {
            self.reject(message::SPAWN_WITH);
            return false;
        }
        self.submatch()
    }

    fn submatch(&mut self) -> bool {
        let Some(draft) = self.class_draft() else { return false };
        if std::mem::replace(&mut draft.submatched, true) {
            self.reject(message::SUBMATCH_ONCE);
            return false;
        }
        let id = draft.id;
        let mut parser = self.parser();
        let value = parser.data_expression();
        let lose = parser.lose;
        match &value {
            Some(_) => {
                self.cursor.semicolon();
            }
            None if !lose => self.reject(message::DATA),
            None => {}
        }
        if let Some(class) = self.class_mut(id) {
            class.submatch = value;
        }
        true
    }

    fn lease_limit(&mut self) -> bool {
        self.cursor.next();
        let token = self.cursor.next();
        if token != Kind::Keyword(Keyword::Limit) {
            self.reject_at(token, message::LIMIT);
            return false;
        }
        let token = self.cursor.next();
        if token != Kind::Number {
            self.reject_at(token, message::A_NUMBER);
            return false;
        }
        let Ok(limit) = u32::try_from(atoi(self.cursor.word_octets())) else {
            self.cursor.die("no memory for billed leases.");
            return false;
        };
        let id = self.class_draft().map(|draft| draft.id);
        if let Some(class) = id.and_then(|id| self.class_mut(id)) {
            class.lease_limit = limit;
        }
        self.config.has_billing_classes = true;
        self.cursor.semicolon();
        true
    }

    fn close_class(&mut self) {
        let Some(Frame { body: Body::Class(draft), .. }) = self.pop() else { return };
        let class = self.config.class(draft.id);
        let (name, value, deleted) = (class.name.clone(), class.value.clone(), class.provenance.deleted);
        match (draft.superclass, name) {
            (Some(superclass), _) if deleted => {
                if let (Some(value), Some(parent)) = (value, self.class_mut(superclass)) {
                    parent.subclasses.remove(&value);
                }
            }
            (None, Some(name)) if deleted => {
                if let Some(id) = self.config.class_names.remove(&name) {
                    self.config.class_order.retain(|other| *other != id);
                }
            }
            (None, Some(name)) if draft.new => {
                self.config.class_order.push(draft.id);
                // Only the first of a name is ever found.
                self.config.class_names.entry(name).or_insert(draft.id);
            }
            _ => {}
        }
    }
}
