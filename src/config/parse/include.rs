//! `include "FILE";`: the file is read in the scope the statement stands in.

use super::super::message;
use super::{File, Reader};
use crate::syntax::source::{Source, SourceId};
use crate::syntax::token::Kind;
use std::io;
use std::sync::Arc;

/// Files inside files. ISC has no bound and crashes when a file includes itself.
const DEEPEST: usize = 1000;

impl Reader<'_, '_> {
    pub(super) fn include(&mut self) {
        self.cursor.next();
        *self.declaration() = true;
        if self.cursor.next() != Kind::Str {
            return self.reject(message::FILE_NAME_EXPECTED);
        }
        let name = self.cursor.name();
        if self.waiting.len() >= DEEPEST {
            return self.cursor.die(message::cannot_open(&name, "Too many levels of includes"));
        }
        match (self.open)(&name) {
            Ok(text) => self.enter(name, text),
            Err(error) => {
                let reason = reason(&error);
                self.cursor.die(match error.kind() {
                    io::ErrorKind::IsADirectory => message::cannot_read(&name, reason),
                    _ => message::cannot_open(&name, reason),
                });
            }
        }
    }

    fn enter(&mut self, name: Arc<str>, text: Vec<u8>) {
        let id = SourceId(u16::try_from(self.config.sources.len()).unwrap_or(u16::MAX));
        let source = Source::new(name.clone(), text, id);
        self.config.sources.push(Source::new(name.clone(), Vec::new(), id));
        let enclosing = self.cursor.enter(source);
        let file = File { name, depth: self.frames.len(), declaration: false };
        let outer = std::mem::replace(&mut self.file, file);
        self.waiting.push((outer, enclosing));
    }

    /// Back to the file that has the `include` statement, which now ends.
    pub(super) fn end_of_include(&mut self) {
        let faulty = self.cursor.warned();
        let Some((outer, enclosing)) = self.waiting.pop() else { return };
        self.cursor.leave(enclosing);
        let inner = std::mem::replace(&mut self.file, outer);
        if faulty {
            self.cursor.warn(message::bad_parse(&inner.name));
        }
        self.cursor.semicolon();
    }
}

/// What strerror(3) says, without the number that the standard library adds.
pub(in crate::config) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error ") {
        Some((reason, _)) => reason.to_owned(),
        None => text,
    }
}
