//! One `lease` record through the grammar: ISC's checks in ISC's order.

use super::reader::Reader;
use super::{DeclarationKind, declaration, message};
use crate::clock::Wall;
use crate::eval::ast::{Action, Block, Name};
use crate::eval::parse::Parser;
use crate::eval::parse::date::date;
use crate::eval::parse::number::{Count, octets};
use crate::eval::parse::{address, text};
use crate::lease::binding::{Billing, Binding, HardwareAddress, State, Value};
use crate::log::Line;
use crate::option::definition::AGENT;
use crate::syntax::cursor::Cursor;
use crate::syntax::diagnostic::Report;
use crate::syntax::keyword::Keyword as K;
use crate::syntax::token::Kind;
use std::net::Ipv4Addr;

/// Which parts have been seen, for "Too many".
#[derive(Clone, Copy, Default)]
pub(super) struct Seen(u32);

impl Seen {
    pub const STARTS: Seen = Seen(1);
    pub const ENDS: Seen = Seen(2);
    pub const UID: Seen = Seen(8);
    pub const CLASS: Seen = Seen(32);
    pub const HARDWARE: Seen = Seen(64);
    pub const NEXT_STATE: Seen = Seen(128);
    pub const STATE: Seen = Seen(256);
    pub const REWIND_STATE: Seen = Seen(512);
    pub const CLIENT_HOSTNAME: Seen = Seen(1024);
    pub const BILLING: Seen = Seen(2048);
    pub const FORWARD_NAME: Seen = Seen(4096);
    pub const REVERSE_NAME: Seen = Seen(8192);
    pub const ON_EXPIRY: Seen = Seen(16384);
    pub const ON_RELEASE: Seen = Seen(32768);
    pub const TSTP: Seen = Seen(65536);
    pub const TSFP: Seen = Seen(131_072);
    pub const ATSFP: Seen = Seen(262_144);
    pub const CLTT: Seen = Seen(524_288);
    pub const NOTHING: Seen = Seen(0);

    pub fn has(self, other: Seen) -> bool {
        self.0 & other.0 != 0
    }

    pub fn add(&mut self, other: Seen) {
        self.0 |= other.0;
    }
}

/// `binding state`, with the defaults that go with it.
pub(super) fn set_state(binding: &mut Binding, seen: Seen, state: State) {
    binding.state = state;
    if !seen.has(Seen::NEXT_STATE) {
        binding.next_state = state;
    }
    if !seen.has(Seen::REWIND_STATE) {
        binding.rewind_state = state;
    }
}

/// What a record that is silent about it means.
pub(super) fn complete(binding: &mut Binding, seen: Seen, now: Wall) {
    if !seen.has(Seen::STATE) {
        let lasts =
            binding.ends > now || binding.rare().on_expiry.is_some() || binding.rare().on_release.is_some();
        binding.state = if lasts { State::Active } else { State::Free };
        binding.next_state = State::Free;
        binding.rewind_state = binding.state;
    }
    if !seen.has(Seen::TSTP) {
        binding.tstp = binding.ends;
    }
}

/// Behind the word `lease`: the binding, and whether its state is known; a damaged `binding` statement hides it. None, and a
/// message given, when the record is lost.
pub(super) fn lease(reader: &mut Reader, cursor: &mut Cursor) -> Option<(Binding, bool)> {
    let at = octets(cursor, Count::Exactly(4), b'.', 10)?;
    let at: [u8; 4] = at.try_into().ok()?;
    if !cursor.next().is('{') {
        cursor.warn(message::LEFT_BRACE_EXPECTED);
        cursor.skip_to_semicolon();
        return None;
    }
    let mut record = Record {
        reader,
        binding: Binding::never_used(Ipv4Addr::from(at)),
        seen: Seen::default(),
        state: false,
    };
    loop {
        let kind = cursor.next();
        if kind.is('}') {
            break;
        }
        if kind == Kind::Eof {
            cursor.warn(message::END_OF_FILE);
            break;
        }
        // ISC keeps 31 octets of the word for its message.
        let word: String = cursor.word().chars().take(31).collect();
        let now_seen = record.statement(kind, cursor)?;
        if record.seen.has(now_seen) {
            cursor.warn(message::too_many(&word, record.binding.address));
        } else {
            record.seen.add(now_seen);
        }
    }
    let Record { reader, mut binding, seen, state } = record;
    complete(&mut binding, seen, reader.now);
    binding.trim();
    Some((binding, state || !seen.has(Seen::STATE)))
}

struct Record<'a, 'b> {
    reader: &'a mut Reader<'b>,
    binding: Binding,
    seen: Seen,
    /// A state has been read.
    state: bool,
}

impl Record<'_, '_> {
    /// One statement; what it counts as. None: the record is lost.
    fn statement(&mut self, kind: Kind, cursor: &mut Cursor) -> Option<Seen> {
        let Kind::Keyword(keyword) = kind else { return self.unnamed(cursor) };
        match keyword {
            K::Starts | K::Ends | K::Timestamp | K::Tstp | K::Tsfp | K::Atsfp | K::Cltt => {
                Some(self.time(keyword, date(cursor)))
            }
            K::Uid => self.uid(cursor),
            K::Class => {
                let kind = cursor.next();
                if !kind.is_identifier() {
                    if !kind.is(';') {
                        cursor.skip_to_right_brace(1);
                    }
                    return None;
                }
                cursor.semicolon();
                Some(Seen::CLASS)
            }
            K::Hardware => {
                if let Some(hardware) = address::hardware(cursor) {
                    self.binding.hardware = HardwareAddress::from_slice(&hardware);
                }
                Some(Seen::HARDWARE)
            }
            K::Reserved => {
                self.binding.reserved = true;
                cursor.semicolon();
                Some(Seen::NOTHING)
            }
            K::DynamicBootp => {
                self.binding.bootp = true;
                cursor.semicolon();
                Some(Seen::NOTHING)
            }
            K::Abandoned => {
                // Neither form of the default applies to this old word; a rewind state it leaves unknown.
                self.state = true;
                self.binding.state = State::Abandoned;
                self.binding.next_state = State::Abandoned;
                if !self.seen.has(Seen::REWIND_STATE) {
                    self.binding.rewind_state = State::Abandoned;
                }
                cursor.semicolon();
                Some(Seen::STATE)
            }
            K::Binding => self.state(Seen::STATE, cursor),
            K::Next | K::Rewind => {
                let which = if keyword == K::Next { Seen::NEXT_STATE } else { Seen::REWIND_STATE };
                if cursor.next() != Kind::Keyword(K::Binding) {
                    cursor.warn(message::BINDING_EXPECTED);
                    cursor.skip_to_semicolon();
                    return Some(which);
                }
                self.state(which, cursor)
            }
            K::ClientHostname => self.client_hostname(cursor),
            K::Billing => Some(self.billing(cursor)),
            K::On => self.on(cursor),
            K::Option | K::Supersede => {
                self.agent_option(cursor);
                Some(Seen::NOTHING)
            }
            K::Set => {
                if !cursor.next().is_variable() {
                    let text = message::not_a_variable(&cursor.word());
                    cursor.warn(text);
                    cursor.skip_to_semicolon();
                    return None;
                }
                self.set(cursor, true, Seen::NOTHING)
            }
            _ => self.unnamed(cursor),
        }
    }

    fn time(&mut self, keyword: K, when: Wall) -> Seen {
        let binding = &mut self.binding;
        match keyword {
            K::Starts => {
                binding.starts = when;
                Seen::STARTS
            }
            K::Ends => {
                binding.ends = when;
                Seen::ENDS
            }
            K::Tstp => {
                binding.tstp = when;
                Seen::TSTP
            }
            K::Tsfp => {
                binding.rare_mut().tsfp = when;
                Seen::TSFP
            }
            K::Atsfp => {
                binding.rare_mut().atsfp = when;
                Seen::ATSFP
            }
            K::Cltt => {
                binding.cltt = when;
                Seen::CLTT
            }
            // `timestamp`: ISC reads the date and then ends with "Impossible error"; here it has no effect.
            _ => Seen::NOTHING,
        }
    }

    fn uid(&mut self, cursor: &mut Cursor) -> Option<Seen> {
        if cursor.peek() == Kind::Str {
            cursor.next();
            self.binding.uid = cursor.octets().into();
        } else {
            let uid = octets(cursor, Count::Any, b':', 16)?;
            if uid.is_empty() {
                cursor.warn(message::ZERO_LENGTH_UID);
                cursor.semicolon();
                return Some(Seen::NOTHING);
            }
            self.binding.uid = uid.as_slice().into();
        }
        cursor.semicolon();
        Some(Seen::UID)
    }

    fn state(&mut self, which: Seen, cursor: &mut Cursor) -> Option<Seen> {
        if cursor.next() != Kind::Keyword(K::State) {
            cursor.warn(message::STATE_EXPECTED);
            cursor.skip_to_semicolon();
            return Some(which);
        }
        let state = match cursor.next() {
            Kind::Keyword(K::Abandoned) => State::Abandoned,
            Kind::Keyword(K::Free) => State::Free,
            Kind::Keyword(K::Active) => State::Active,
            Kind::Keyword(K::Expired) => State::Expired,
            Kind::Keyword(K::Released) => State::Released,
            Kind::Keyword(K::Reset) => State::Reset,
            Kind::Keyword(K::Backup) => State::Backup,
            // Older versions wrote these.
            Kind::Keyword(K::Reserved) => {
                self.binding.reserved = true;
                State::Active
            }
            Kind::Keyword(K::Bootp) => {
                self.binding.bootp = true;
                State::Active
            }
            _ => {
                let text = message::state_word_expected(&cursor.word());
                cursor.warn(text);
                cursor.skip_to_semicolon();
                return None;
            }
        };
        if which.has(Seen::STATE) {
            self.state = true;
            set_state(&mut self.binding, self.seen, state);
        } else if which.has(Seen::NEXT_STATE) {
            self.binding.next_state = state;
        } else {
            self.binding.rewind_state = state;
        }
        cursor.semicolon();
        Some(which)
    }

    fn client_hostname(&mut self, cursor: &mut Cursor) -> Option<Seen> {
        let name = if cursor.peek() == Kind::Str {
            let name = text::string(cursor)?;
            name.split(|&octet| octet == 0).next().map(<[u8]>::to_vec)?
        } else {
            let Some(name) = text::host_name(cursor) else {
                cursor.warn(message::HOST_NAME_EXPECTED);
                cursor.skip_to_semicolon();
                return None;
            };
            cursor.semicolon();
            name.as_bytes().to_vec()
        };
        self.binding.set_client_hostname(Some(&name));
        Some(Seen::CLIENT_HOSTNAME)
    }

    fn billing(&mut self, cursor: &mut Cursor) -> Seen {
        let kind = cursor.next();
        let billing = match kind {
            Kind::Keyword(K::Class) => {
                let kind = cursor.next();
                if kind != Kind::Str {
                    cursor.warn(message::STRING_EXPECTED);
                    if !kind.is(';') {
                        cursor.skip_to_semicolon();
                    }
                    return Seen::BILLING;
                }
                let name = cursor.name();
                let known = self.reader.declarations.has_class(&name);
                if !known {
                    cursor.warn(message::unknown_class(&name));
                }
                cursor.semicolon();
                self.binding.set_billing(None);
                known.then_some(Billing { class: name, subclass: None })
            }
            Kind::Keyword(K::Subclass) => {
                self.binding.set_billing(None);
                self.billing_subclass(cursor)
            }
            _ => {
                cursor.warn(message::CLASS_EXPECTED);
                if !kind.is(';') {
                    cursor.skip_to_semicolon();
                }
                None
            }
        };
        if billing.is_some() {
            self.binding.set_billing(billing);
        }
        Seen::BILLING
    }

    /// Behind `billing subclass`. It may have a body, and is then declared here.
    fn billing_subclass(&mut self, cursor: &mut Cursor) -> Option<Billing> {
        let start = cursor.save();
        let (class, value) = declaration::subclass(self.reader, cursor)?;
        if !cursor.take(';') {
            cursor.restore(start);
            self.reader.declarations.declare(DeclarationKind::Subclass, cursor).then_some(())?;
        }
        Some(Billing { class, subclass: Some(value.into()) })
    }

    fn on(&mut self, cursor: &mut Cursor) -> Option<Seen> {
        let action = Parser::new(cursor, &mut Borrowed(self.reader.declarations)).on();
        let Some(Some(Action::On { events, body })) = action else {
            cursor.skip_to_right_brace(1);
            return None;
        };
        let mut seen = Seen::NOTHING;
        if events.expiry && !body.is_empty() {
            seen.add(Seen::ON_EXPIRY);
            if self.binding.rare_mut().on_expiry.replace(Block::clone(&body)).is_some() {
                cursor.report().line(Line::error(message::SECOND_ON[0]));
            }
        }
        if events.release && !body.is_empty() {
            seen.add(Seen::ON_RELEASE);
            if self.binding.rare_mut().on_release.replace(body).is_some() {
                cursor.report().line(Line::error(message::SECOND_ON[1]));
            }
        }
        Some(seen)
    }

    fn agent_option(&mut self, cursor: &mut Cursor) {
        let mut declarations = Borrowed(self.reader.declarations);
        let Some((id, value)) = Parser::new(cursor, &mut declarations).constant_option() else { return };
        if id.space != AGENT {
            cursor.warn(message::AGENT_OPTION_EXPECTED);
            return;
        }
        let mut options = self.binding.agent_options().to_vec();
        // A sub-option has one length octet.
        let value = value.get(..255).unwrap_or(&value);
        options.push(id.code as u8);
        options.push(value.len() as u8);
        options.extend_from_slice(value);
        self.binding.set_agent_options(&options);
    }

    /// Behind the name of a variable. Old files leave out `set` and the equals sign for two of them.
    fn set(&mut self, cursor: &mut Cursor, equals: bool, seen: Seen) -> Option<Seen> {
        let name = cursor.name();
        if equals && !cursor.next().is('=') {
            cursor.warn(message::EQUAL_EXPECTED);
            cursor.skip_to_semicolon();
            return None;
        }
        let value = value(cursor)?;
        // Variables are found without regard to case.
        let old = self.binding.variables().iter().find(|(n, _)| n.eq_ignore_ascii_case(&name));
        let name: Name = old.map_or(name, |(n, _)| n.clone());
        self.binding.set_variable(&name, value);
        cursor.semicolon();
        Some(seen)
    }

    fn unnamed(&mut self, cursor: &mut Cursor) -> Option<Seen> {
        let word = cursor.word_octets();
        let seen = if word.eq_ignore_ascii_case(b"ddns-fwd-name") {
            Seen::FORWARD_NAME
        } else if word.eq_ignore_ascii_case(b"ddns-rev-name") {
            Seen::REVERSE_NAME
        } else {
            cursor.warn(message::UNEXPECTED_DIRECTIVE);
            cursor.skip_to_semicolon();
            return None;
        };
        self.set(cursor, false, seen)
    }
}

/// The value of a variable: a string, hexadecimal octets, a number behind `%`, or a boolean.
pub(super) fn value(cursor: &mut Cursor) -> Option<Value> {
    let lost = |cursor: &mut Cursor, kind: Kind, text: &str| {
        cursor.warn(text);
        if !kind.is(';') {
            cursor.skip_to_semicolon();
        }
        None
    };
    match cursor.peek() {
        Kind::Str => {
            cursor.next();
            Some(Value::Data(cursor.octets().into()))
        }
        Kind::NumberOrName => {
            let Some(octets) = octets(cursor, Count::Any, b':', 16) else {
                cursor.skip_to_semicolon();
                return None;
            };
            Some(Value::Data(octets.into()))
        }
        Kind::Char(b'%') => {
            cursor.next();
            let kind = cursor.next();
            if kind != Kind::Number {
                return lost(cursor, kind, message::DECIMAL_EXPECTED);
            }
            Some(Value::Number(decimal(cursor.word_octets())))
        }
        Kind::Name => {
            let kind = cursor.next();
            let word = cursor.word_octets();
            if word.eq_ignore_ascii_case(b"true") {
                Some(Value::Boolean(true))
            } else if word.eq_ignore_ascii_case(b"false") {
                Some(Value::Boolean(false))
            } else {
                lost(cursor, kind, message::BOOLEAN_EXPECTED)
            }
        }
        kind => lost(cursor, kind, message::CONSTANT_EXPECTED),
    }
}

/// 64-bit, with an optional minus sign, saturating.
pub(super) fn decimal(word: &[u8]) -> i64 {
    let (negative, digits) = match word {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    digits.iter().take_while(|octet| octet.is_ascii_digit()).fold(0i64, |value, octet| {
        let digit = i64::from(octet - b'0');
        let value = value.saturating_mul(10);
        if negative { value.saturating_sub(digit) } else { value.saturating_add(digit) }
    })
}

/// The expression parser wants the narrower trait.
pub(super) struct Borrowed<'a>(pub &'a mut dyn super::Known);

impl crate::eval::parse::Declarations for Borrowed<'_> {
    fn spaces(&self) -> &crate::option::space::Spaces {
        self.0.spaces()
    }

    fn spaces_mut(&mut self) -> &mut crate::option::space::Spaces {
        self.0.spaces_mut()
    }

    fn has_class(&self, name: &str) -> bool {
        self.0.has_class(name)
    }

    fn has_key(&self, name: &str) -> bool {
        self.0.has_key(name)
    }

    fn enter_key(&mut self, key: crate::eval::ast::Key, report: &mut dyn Report) -> Result<(), String> {
        self.0.enter_key(key, report)
    }

    fn enter_zone(&mut self, zone: crate::eval::ast::Zone) -> Result<(), String> {
        self.0.enter_zone(zone)
    }

    fn set_local_time(&mut self, local: bool) {
        self.0.set_local_time(local);
    }
}
