//! `option`: a space, a definition, or a value.

use super::super::message;
use super::{Place, Reader};
use crate::eval::ast::OptionOp;
use crate::option::definition::{Definition, OptionId};
use crate::syntax::keyword::Keyword;
use crate::syntax::token::Kind;
use std::sync::Arc;

/// `dhcp-server-identifier`
const SERVER_IDENTIFIER: OptionId = OptionId::dhcp(54);

impl Reader<'_, '_> {
    pub(super) fn option(&mut self) {
        self.cursor.next();
        if self.cursor.peek() == Kind::Keyword(Keyword::Space) {
            if self.place() != Place::Root {
                *self.declaration() = false;
                return self.reject(message::SPACE_SCOPED);
            }
            return self.parser().option_space_declaration();
        }
        let Some(option) = self.parser().option_name(true) else { return };
        if self.cursor.peek() == Kind::Keyword(Keyword::Code) {
            return self.definition(&option.definition, option.known);
        }
        if !option.known {
            let space = self.config.spaces.space(option.definition.id.space).name.clone();
            return self.reject(message::unknown_option(&space, &option.definition.name));
        }
        self.option_value(&option.definition);
    }

    fn definition(&mut self, option: &Definition, known: bool) {
        if self.place() != Place::Root {
            *self.declaration() = false;
            return self.reject(message::DEFINITION_SCOPED);
        }
        self.cursor.next();
        if known {
            self.config.spaces.forget(option);
        }
        self.parser().option_code_definition(option.id.space, &option.name);
    }

    /// `server-identifier` is another name of an option.
    pub(super) fn server_identifier(&mut self) {
        let Some(definition) = self.config.spaces.by_code(SERVER_IDENTIFIER).cloned() else { return };
        self.cursor.next();
        self.option_value(&definition);
    }

    fn option_value(&mut self, definition: &Arc<Definition>) {
        if let Some(statement) = self.parser().option_statement(OptionOp::Supersede, definition, true) {
            self.add_statement(statement);
        }
    }
}
