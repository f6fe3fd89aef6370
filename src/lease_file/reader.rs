//! The file as a whole: which record comes next, and what ISC does when none does.

use super::server::ByteOrder;
use super::{
    Consumer, DeclarationKind, Known, association, canonical, declaration, failover, lease, message, server,
};
use crate::clock::Wall;
use crate::lease::association::Kind as IaKind;
use crate::log::Line;
use crate::syntax::cursor::{Cursor, Pieces};
use crate::syntax::diagnostic::Report;
use crate::syntax::keyword::Keyword as K;
use crate::syntax::source::Source;
use crate::syntax::token::Kind;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// What a reading came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Text that ISC drops: damaged records, and leases outside every range. For `NAME.rejected`.
    pub rejected: Vec<u8>,
    /// There were messages.
    pub warned: bool,
    /// The reader gave up on the rest, for a reason that ends ISC; the closing block of the log belongs behind it.
    pub fatal: Option<String>,
}

/// What the reader works with.
pub(super) struct Reader<'a> {
    pub now: Wall,
    pub declarations: &'a mut dyn Known,
    pub consumer: &'a mut dyn Consumer,
    /// That of the integers in the file, once it is known: said by the file, or assumed at the first integer.
    pub byte_order: Option<ByteOrder>,
    pub names: canonical::Names,
    /// Leases whose last record has a state that cannot be read.
    pub stateless: BTreeSet<Ipv4Addr>,
}

/// How records are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Canonical lease records by their own reader, the rest through the grammar.
    Fast,
    /// Everything through the grammar; for comparison.
    Grammar,
}

/// With fewer octets than this left of a piece the next is brought: more than a record has, but for odd ones, which the
/// grammar reads across pieces.
const MARGIN: usize = 16 << 10;

/// Reads a whole file. `now` decides about records without a state.
pub fn read(
    source: Source,
    now: Wall,
    declarations: &mut dyn Known,
    consumer: &mut dyn Consumer,
    report: &mut dyn Report,
) -> Outcome {
    read_by(Way::Fast, source, now, declarations, consumer, report)
}

/// [`read`] in either way.
pub fn read_by(
    way: Way,
    source: Source,
    now: Wall,
    declarations: &mut dyn Known,
    consumer: &mut dyn Consumer,
    report: &mut dyn Report,
) -> Outcome {
    read_pieces(way, source, &mut || None, now, declarations, consumer, report)
}

/// [`read_by`] of a file of which `source` is the beginning, and the rest comes in pieces. Only what is being read of it is
/// kept in memory.
pub fn read_pieces<'r>(
    way: Way,
    source: Source,
    more: &'r mut Pieces<'r>,
    now: Wall,
    declarations: &mut dyn Known,
    consumer: &mut dyn Consumer,
    report: &mut dyn Report,
) -> Outcome {
    let mut forward = |line: Line| report.line(line);
    let mut cursor = Cursor::in_pieces(source, more, &mut forward);
    let names = canonical::Names::default();
    let mut reader =
        Reader { now, declarations, consumer, byte_order: None, names, stateless: BTreeSet::new() };
    let mut rejected = Vec::new();
    loop {
        cursor.refill(MARGIN);
        if way == Way::Fast {
            reader.canonical(&mut cursor, &mut rejected);
        }
        let kind = cursor.next();
        if kind == Kind::Eof {
            break;
        }
        let from = cursor.span().start as usize;
        if !reader.statement(kind, &mut cursor) {
            let to = cursor.position().unwrap_or_else(|| cursor.span().end as usize);
            let text = &cursor.source().text;
            rejected.extend_from_slice(text.get(from..to.max(from)).unwrap_or_default());
            if rejected.last() != Some(&b'\n') {
                rejected.push(b'\n');
            }
        }
    }
    for _ in &reader.stateless {
        cursor.report().line(Line::error(message::NO_STATE));
    }
    let fatal = cursor.fatal().map(str::to_owned);
    Outcome { rejected, warned: cursor.warned(), fatal }
}

impl Reader<'_> {
    /// One record. False when it is dropped.
    fn statement(&mut self, kind: Kind, cursor: &mut Cursor) -> bool {
        let Kind::Keyword(keyword) = kind else { return corrupt(cursor) };
        match keyword {
            K::Lease => self.lease(cursor),
            K::Class => declaration::read(self, cursor, DeclarationKind::Class),
            K::Subclass => declaration::read(self, cursor, DeclarationKind::Subclass),
            K::Host => declaration::read(self, cursor, DeclarationKind::Host),
            K::Group => declaration::read(self, cursor, DeclarationKind::Group),
            K::Failover => failover::state(self, cursor),
            K::ServerDuid => server::duid(self, cursor),
            K::AuthoringByteOrder => server::byte_order(self, cursor),
            K::IaNa => association::read(self, cursor, IaKind::NonTemporary),
            K::IaTa => association::read(self, cursor, IaKind::Temporary),
            K::IaPd => association::read(self, cursor, IaKind::Prefix),
            _ => corrupt(cursor),
        }
    }

    fn lease(&mut self, cursor: &mut Cursor) -> bool {
        let Some((binding, state)) = lease::lease(self, cursor) else {
            cursor.warn(message::POSSIBLY_CORRUPT);
            return false;
        };
        let address = binding.address;
        if !state && self.consumer.serves(address) {
            self.stateless.insert(address);
            return false;
        }
        self.stateless.remove(&address);
        match self.consumer.lease(binding) {
            Ok(()) => true,
            Err(binding) => {
                cursor.report().line(Line::error(message::no_subnet(binding.address)));
                false
            }
        }
    }

    /// Canonical lease records one after another, as many as there are.
    fn canonical(&mut self, cursor: &mut Cursor, rejected: &mut Vec<u8>) {
        loop {
            let text = cursor.source().text.clone();
            self.canonical_of(&text, cursor, rejected);
            drop(text);
            if !cursor.refill(MARGIN) {
                return;
            }
        }
    }

    /// Of what is there of the file.
    fn canonical_of(&mut self, text: &[u8], cursor: &mut Cursor, rejected: &mut Vec<u8>) {
        let Some(start) = cursor.position() else { return };
        let (mut at, mut lines) = (start, 0u32);
        // The rest of the line of the record before.
        if at > 0 && text.get(at - 1) != Some(&b'\n') {
            if text.get(at) != Some(&b'\n') {
                return;
            }
            at += 1;
            lines += 1;
        }
        let first = at;
        while let Some((binding, length, count)) =
            canonical::lease(text.get(at..).unwrap_or_default(), self.now, &mut self.names)
        {
            self.stateless.remove(&binding.address);
            if let Err(binding) = self.consumer.lease(binding) {
                cursor.report().line(Line::error(message::no_subnet(binding.address)));
                rejected.extend_from_slice(text.get(at..at + length).unwrap_or_default());
            }
            at += length;
            lines += count;
        }
        if at > first {
            // To the last line end and not beyond: white space ahead of a token shows in the column of a message.
            cursor.jump(at - 1, lines - 1);
        }
    }
}

fn corrupt(cursor: &mut Cursor) -> bool {
    cursor.report().line(Line::error(message::CORRUPT));
    cursor.skip_to_semicolon();
    false
}
