//! `NAME` and `SPACE.NAME` of options.

use super::Parser;
use crate::log::Line;
use crate::option::definition::{DHCP, Definition, OptionId};
use crate::option::space::Lookup;
use std::sync::Arc;

/// An option as named in the source.
#[derive(Clone, Debug)]
pub struct OptionName {
    pub definition: Arc<Definition>,
    /// It was defined before, or is called `unknown-N`. If not, `definition` has neither code nor format yet.
    pub known: bool,
}

impl Parser<'_, '_> {
    /// The name of an option. With `new` one that is not defined is no error: a code definition may follow. After an error, which
    /// has been reported and skipped, `None`; [`Parser::lose`] is the caller's business.
    pub fn option_name(&mut self, new: bool) -> Option<OptionName> {
        let kind = self.cursor.next();
        if !kind.is_identifier() {
            self.cursor.warn("expecting identifier after option keyword.");
            if !kind.is(';') {
                self.cursor.skip_to_semicolon();
            }
            return None;
        }
        let mut name = self.cursor.name();
        let mut space = DHCP;
        if self.cursor.take('.') {
            let kind = self.cursor.next();
            if !kind.is_identifier() {
                self.cursor.warn("expecting identifier after '.'");
                if !kind.is(';') {
                    self.cursor.skip_to_semicolon();
                }
                return None;
            }
            let Some(found) = self.declarations.spaces().space_by_name(&name) else {
                self.cursor.warn(format_args!("no option space named {name}."));
                self.cursor.skip_to_semicolon();
                return None;
            };
            space = found;
            name = self.cursor.name();
        }
        let known = |definition| Some(OptionName { definition, known: true });
        let spaces = self.declarations.spaces();
        match spaces.lookup(space, &name) {
            Lookup::Known(definition) | Lookup::Unknown(definition) => known(definition),
            Lookup::Renamed(definition) => {
                self.cursor.report().line(Line::info(format!(
                    "option {name} has been redefined as option {}.  Please update your configs if necessary.",
                    definition.name
                )));
                known(definition)
            }
            Lookup::Illegal => {
                let space = spaces.space(space);
                let text =
                    format!("Option codes 0 and {} are illegal in the {} space.", space.end, space.name);
                self.cursor.warn(text);
                self.cursor.skip_to_semicolon();
                None
            }
            Lookup::Absent if new => {
                let definition = Definition::new(OptionId { space, code: 0 }, &name, "");
                Some(OptionName { definition: Arc::new(definition), known: false })
            }
            Lookup::Absent => {
                let text = format!("no option named {name} in space {}", spaces.space(space).name);
                self.cursor.warn(text);
                self.cursor.skip_to_semicolon();
                None
            }
        }
    }
}
