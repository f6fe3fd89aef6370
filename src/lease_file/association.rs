//! `ia-na`, `ia-ta` and `ia-pd` records of a DHCPv6 server: ISC's checks in ISC's order.

use super::lease::{Borrowed, value};
use super::message::{self, IaWords};
use super::reader::Reader;
use super::server::integer;
use crate::eval::ast::{Action, Block, OnEvents};
use crate::eval::parse::Parser;
use crate::eval::parse::address::{ip6_address, ip6_prefix};
use crate::eval::parse::date::date;
use crate::eval::parse::number::{atoi, octets_or_string};
use crate::lease::association::{Extra6, Key, Kind as IaKind, Lease6, Placed};
use crate::lease::binding::State;
use crate::log::Line;
use crate::syntax::cursor::Cursor;
use crate::syntax::keyword::Keyword as K;
use crate::syntax::token::Kind;
use smallvec::SmallVec;
use std::net::Ipv6Addr;

/// Longest IAID and DUID together.
const ROOM: usize = 132;

/// A message has been given, and the record is given up.
struct Lost;

/// A date that is none, as ISC marks it.
const NO_DATE: i64 = -1;

/// Behind the keyword. False when something of the record is dropped.
pub(super) fn read(reader: &mut Reader, cursor: &mut Cursor, kind: IaKind) -> bool {
    let words = message::ia_words(kind);
    if !reader.declarations.serves_v6() {
        cursor.warn(words.only_in_v6());
        cursor.skip_to_semicolon();
        return false;
    }
    let octets = octets_or_string(cursor, ROOM);
    let (Some((iaid, duid)), false) = (octets.split_first_chunk(), octets.len() <= 5) else {
        cursor.warn(message::KEY_SHORT);
        cursor.skip_to_semicolon();
        return false;
    };
    let key = Key { kind, iaid: integer(reader, cursor, *iaid), duid: duid.into() };
    let mut record = Record { reader, cursor, kind, words };
    record.association(key).unwrap_or(false)
}

/// What a lease holds that is still being read.
#[derive(Default)]
struct Draft {
    state: Option<State>,
    preferred_life: u32,
    max_life: u32,
    ends: Option<i64>,
    extra: Extra6,
    /// Of more than two `on` statements the first and the last count.
    on: SmallVec<[(OnEvents, Block); 2]>,
}

struct Record<'a, 'b, 'c, 'r> {
    reader: &'a mut Reader<'b>,
    cursor: &'c mut Cursor<'r>,
    kind: IaKind,
    words: IaWords,
}

impl Record<'_, '_, '_, '_> {
    /// Says what is wrong and goes on behind the next semicolon; the record is lost.
    fn lost<T>(&mut self, text: impl std::fmt::Display) -> Result<T, Lost> {
        self.cursor.warn(text);
        self.cursor.skip_to_semicolon();
        Err(Lost)
    }

    fn association(&mut self, key: Key) -> Result<bool, Lost> {
        if !self.cursor.next().is('{') {
            return self.lost(message::IA_LEFT_BRACE);
        }
        let id = self.reader.consumer.association(key);
        let (mut cltt, mut whole) = (0, true);
        let member = if self.kind == IaKind::Prefix { K::Iaprefix } else { K::Iaaddr };
        loop {
            match self.cursor.next() {
                Kind::Char(b'}') => break,
                Kind::Keyword(K::Cltt) => cltt = date(self.cursor),
                Kind::Keyword(word) if word == member => {
                    let lease = self.lease()?;
                    let (address, length) = (lease.address, lease.prefix_length);
                    match self.reader.consumer.lease6(id, lease) {
                        Placed::Kept => {}
                        Placed::NoPool => {
                            let text = message::no_pool(self.kind, address, length);
                            self.cursor.report().line(Line::error(text));
                            whole = false;
                        }
                        Placed::Duplicate => self.cursor.warn(self.words.duplicate(address)),
                    }
                }
                _ => return self.lost(self.words.member_expected()),
            }
        }
        self.reader.consumer.association_ends(id, cltt);
        Ok(whole)
    }

    /// Behind `iaaddr` or `iaprefix`.
    fn lease(&mut self) -> Result<Lease6, Lost> {
        let (address, prefix_length) = self.place()?;
        if !self.cursor.next().is('{') {
            return self.lost(message::IA_LEFT_BRACE);
        }
        let mut draft = Draft::default();
        loop {
            match self.cursor.next() {
                Kind::Char(b'}') => break,
                Kind::Eof => {
                    self.cursor.warn(message::IA_END_OF_FILE);
                    return Err(Lost);
                }
                kind => self.statement(kind, &mut draft)?,
            }
        }
        let missing = match (draft.state, draft.ends) {
            (None, _) => "state",
            (_, None) => "end time",
            (Some(state), Some(ends)) => {
                let Draft { preferred_life, max_life, mut extra, on, .. } = draft;
                self.settle(on, &mut extra);
                let extra = (extra != Extra6::default()).then(|| Box::new(extra));
                return Ok(Lease6 { address, prefix_length, state, preferred_life, max_life, ends, extra });
            }
        };
        self.cursor.warn(self.words.missing(missing));
        Err(Lost)
    }

    fn place(&mut self) -> Result<(Ipv6Addr, u8), Lost> {
        if self.kind == IaKind::Prefix {
            return ip6_prefix(self.cursor).map_or_else(|| self.lost(message::IA_PREFIX), Ok);
        }
        match ip6_address(self.cursor) {
            Some(address) => Ok((address, 128)),
            None => self.lost(message::IA_ADDRESS),
        }
    }

    fn statement(&mut self, kind: Kind, draft: &mut Draft) -> Result<(), Lost> {
        match kind {
            Kind::Keyword(K::Binding) => draft.state = Some(self.state()?),
            Kind::Keyword(K::PreferredLife) => self.seconds("preferred", &mut draft.preferred_life),
            Kind::Keyword(K::MaxLife) => self.seconds("max", &mut draft.max_life),
            Kind::Keyword(K::Ends) => {
                draft.ends = Some(date(self.cursor)).filter(|&ends| ends != NO_DATE);
            }
            Kind::Keyword(K::Set) => self.set(draft)?,
            Kind::Keyword(K::On) => self.on(draft)?,
            _ => {
                let text = self.words.not_a_statement(&self.cursor.word());
                self.cursor.warn(text);
                self.cursor.skip_to_semicolon();
            }
        }
        Ok(())
    }

    fn state(&mut self) -> Result<State, Lost> {
        if self.cursor.next() != Kind::Keyword(K::State) {
            return self.lost(message::IA_STATE);
        }
        let state = match self.cursor.next() {
            Kind::Keyword(K::Abandoned) => State::Abandoned,
            Kind::Keyword(K::Free) => State::Free,
            Kind::Keyword(K::Active) => State::Active,
            Kind::Keyword(K::Expired) => State::Expired,
            Kind::Keyword(K::Released) => State::Released,
            _ => return self.lost(message::IA_STATE_WORD),
        };
        if !self.cursor.next().is(';') {
            self.cursor.warn(message::IA_SEMICOLON);
        }
        Ok(state)
    }

    /// A number of seconds; very old files have no semicolon behind it.
    fn seconds(&mut self, which: &str, into: &mut u32) {
        if self.cursor.next() != Kind::Number {
            let text = message::not_a_time(&self.cursor.word(), which);
            self.cursor.warn(text);
            self.cursor.skip_to_semicolon();
            return;
        }
        *into = atoi(self.cursor.word_octets()) as u32;
        if !self.cursor.take(';') {
            self.cursor.warn(message::IA_SEMICOLON);
        }
    }

    fn set(&mut self, draft: &mut Draft) -> Result<(), Lost> {
        if !matches!(self.cursor.next(), Kind::Name | Kind::NumberOrName) {
            let text = message::not_a_variable_name(&self.cursor.word());
            self.cursor.warn(text);
            self.cursor.skip_to_semicolon();
            return Ok(());
        }
        let name = self.cursor.name();
        if !self.cursor.next().is('=') {
            self.cursor.warn(message::EQUAL_EXPECTED);
            return Err(Lost);
        }
        let value = value(self.cursor).ok_or(Lost)?;
        let variables = &mut draft.extra.variables;
        // Variables are found without regard to case.
        match variables.iter_mut().find(|(old, _)| old.eq_ignore_ascii_case(&name)) {
            Some(entry) => entry.1 = value,
            None => variables.insert(0, (name, value)),
        }
        self.cursor.semicolon();
        Ok(())
    }

    fn on(&mut self, draft: &mut Draft) -> Result<(), Lost> {
        if draft.on.len() == 2 {
            draft.on.pop();
            self.cursor.report().line(Line::error(message::THIRD_ON));
        }
        let action = Parser::new(self.cursor, &mut Borrowed(self.reader.declarations)).on();
        let Some(Some(Action::On { events, body })) = action else {
            self.cursor.warn(message::IA_ON);
            self.cursor.skip_to_right_brace(1);
            return Err(Lost);
        };
        draft.on.push((events, body));
        Ok(())
    }

    /// Sorts the `on` statements by event.
    fn settle(&mut self, on: SmallVec<[(OnEvents, Block); 2]>, extra: &mut Extra6) {
        let [second_expiry, second_release] = self.words.second_on;
        for (events, body) in on.into_iter().filter(|(_, body)| !body.is_empty()) {
            if events.expiry && extra.on_expiry.replace(body.clone()).is_some() {
                self.cursor.report().line(Line::error(second_expiry));
            }
            if events.release && extra.on_release.replace(body).is_some() {
                self.cursor.report().line(Line::error(second_release));
            }
        }
    }
}
