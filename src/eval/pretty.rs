//! Option values as text, by the option's format: `option agent.circuit-id "x";` in the lease file, and what is logged.

use super::message;
use crate::log::Sink;
use crate::option::definition::Definition;
use crate::option::enumeration::Enumeration;
use crate::wire::domain;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Longest text; ISC gives `<error>` beyond.
const LONGEST: usize = 32 * 1024;

/// How often the record of a format is repeated.
#[derive(Clone, Copy, PartialEq)]
enum Repeat {
    /// Once, and the data must fit exactly.
    Once,
    /// Once; the last part takes the rest.
    Rest,
    /// The whole record.
    Record,
    /// The last part.
    Last,
}

/// One part of a record.
#[derive(Clone, Copy)]
struct Part<'a> {
    letter: u8,
    enumeration: Option<&'a Enumeration>,
}

/// A format read against one value.
struct Layout<'a> {
    parts: Vec<Part<'a>>,
    /// Octets of one record.
    size: usize,
    /// Octets of those that may be missing.
    optional: usize,
    /// Octets of the last part.
    last: usize,
    repeat: Repeat,
    hex: bool,
}

/// How list items and texts are set.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Items of an array are separated by commas rather than blanks.
    pub commas: bool,
    /// Text is quoted, as the configuration parser wants it.
    pub quotes: bool,
}

impl Style {
    /// As it can be read by the configuration parser; the lease file's way.
    pub const READABLE: Style = Style { commas: true, quotes: true };
}

/// Appends the value as text. What does not fit the format gives `<error>` and a line.
pub fn option_value(
    out: &mut Vec<u8>,
    definition: &Definition,
    data: &[u8],
    style: Style,
    say: &mut Sink<'_>,
) {
    let start = out.len();
    let written = Layout::read(definition, data, say).and_then(|layout| {
        let repeats = layout.repeats(definition, data, say)?;
        layout.write(out, data, style, repeats, say)
    });
    if written.is_none() || out.len() - start > LONGEST {
        out.truncate(start);
        out.extend_from_slice(b"<error>");
    }
}

impl<'a> Layout<'a> {
    fn read(definition: &'a Definition, data: &[u8], say: &mut Sink<'_>) -> Option<Self> {
        let mut layout =
            Layout { parts: Vec::new(), size: 0, optional: 0, last: 0, repeat: Repeat::Once, hex: false };
        let mut rest: &str = &definition.format;
        while let Some(letter) = rest.bytes().next() {
            if matches!(layout.repeat, Repeat::Record | Repeat::Last) {
                say(message::extra_codes(&definition.name, rest));
                break;
            }
            rest = rest.get(1..).unwrap_or_default();
            rest = layout.part(definition, letter, rest, data, say)?;
        }
        Some(layout)
    }

    fn fixed(&mut self, letter: u8, size: usize) {
        self.parts.push(Part { letter, enumeration: None });
        self.size += size;
        self.last = size;
    }

    /// Takes one letter, and the name behind it; returns what is left of the format.
    fn part<'f>(
        &mut self,
        definition: &Definition,
        letter: u8,
        rest: &'f str,
        data: &[u8],
        say: &mut Sink<'_>,
    ) -> Option<&'f str> {
        let mut after = rest;
        match letter {
            b'A' => self.repeat = Repeat::Record,
            b'a' => self.repeat = Repeat::Last,
            b'E' | b'X' => {
                if letter == b'E' {
                    after = rest.split_once('.').map_or("", |(_, after)| after);
                }
                self.text_or_hex(data);
            }
            b'D' => {
                after = rest.strip_prefix('c').unwrap_or(rest);
                self.parts.push(Part { letter, enumeration: None });
                self.repeat = Repeat::Rest;
            }
            b'd' => {
                let Some(length) = domain_length(data.get(self.size..).unwrap_or_default()) else {
                    say(message::invalid_domain_name());
                    return None;
                };
                self.parts.push(Part { letter, enumeration: None });
                self.size += length;
            }
            b't' | b'k' => {
                self.parts.push(Part { letter, enumeration: None });
                self.repeat = Repeat::Rest;
            }
            b'N' => {
                let (name, behind) = rest.split_once('.').unwrap_or((rest, ""));
                after = behind;
                let enumeration = Enumeration::named(name);
                self.last = enumeration.map_or(1, |e| usize::from(e.width));
                self.size += self.last;
                self.parts.push(Part { letter, enumeration });
            }
            b'6' => self.fixed(letter, 16),
            b'I' | b'l' | b'L' | b'T' => self.fixed(letter, 4),
            b's' | b'S' => self.fixed(letter, 2),
            b'b' | b'B' | b'f' | b'F' => self.fixed(letter, 1),
            b'e' | b'Z' => self.parts.push(Part { letter, enumeration: None }),
            b'o' => {
                self.optional += self.last;
                self.parts.push(Part { letter, enumeration: None });
            }
            _ => {
                say(message::garbage_in_format(&definition.name, letter, rest));
                self.parts.push(Part { letter, enumeration: None });
            }
        }
        Some(after)
    }

    /// Printable all through, but for a NUL at the end: text. Else hex octets.
    fn text_or_hex(&mut self, data: &[u8]) {
        let text = data.strip_suffix(&[0]).unwrap_or(data);
        if text.iter().all(|octet| is_print(*octet)) {
            self.parts.push(Part { letter: b't', enumeration: None });
            self.repeat = Repeat::Rest;
        } else {
            self.fixed(b'x', 1);
            self.repeat = Repeat::Last;
            self.hex = true;
        }
    }

    /// How many records there are; complains about octets too few or too many.
    fn repeats(&self, definition: &Definition, data: &[u8], say: &mut Sink<'_>) -> Option<usize> {
        let name = &definition.name;
        let length = data.len();
        if self.size.saturating_sub(self.optional) > length {
            say(message::too_few_octets(name, self.size, length));
            return None;
        }
        let (records, used) = match self.repeat {
            Repeat::Once if self.size < length => {
                say(message::extra_octets(name, length - self.size));
                return Some(1);
            }
            Repeat::Once | Repeat::Rest => return Some(1),
            Repeat::Last if self.last == 0 => {
                say(message::invalid_array(name, 'a', &definition.format));
                return None;
            }
            Repeat::Last => {
                let more = length.saturating_sub(self.size) / self.last;
                (more + 1, self.size + more * self.last)
            }
            Repeat::Record if self.size == 0 => {
                say(message::invalid_array(name, 'A', &definition.format));
                return None;
            }
            Repeat::Record => (length / self.size, length / self.size * self.size),
        };
        if used < length {
            say(message::extra_octets_of_array(name, length - used));
        }
        Some(records)
    }

    fn write(
        &self,
        out: &mut Vec<u8>,
        data: &[u8],
        style: Style,
        repeats: usize,
        say: &mut Sink<'_>,
    ) -> Option<()> {
        let mut rest = data;
        for record in 0..repeats {
            let again = record > 0 && self.repeat == Repeat::Last;
            let first = if again { self.parts.len().saturating_sub(1) } else { 0 };
            for (index, part) in self.parts.iter().enumerate().skip(first) {
                rest = write_part(out, part, rest, data, style, say)?;
                if rest.is_empty() {
                    break;
                }
                if index + 1 < self.parts.len() && !self.hex {
                    out.push(b' ');
                }
            }
            if record + 1 < repeats {
                out.push(match (self.hex, style.commas) {
                    (true, _) => b':',
                    (_, true) => b',',
                    _ => b' ',
                });
            }
            if rest.is_empty() {
                break;
            }
        }
        Some(())
    }
}

/// Appends one part; returns what is left of the data.
fn write_part<'d>(
    out: &mut Vec<u8>,
    part: &Part<'_>,
    rest: &'d [u8],
    whole: &[u8],
    style: Style,
    say: &mut Sink<'_>,
) -> Option<&'d [u8]> {
    let number = |width: usize| {
        rest.get(..width).unwrap_or(rest).iter().fold(0u32, |n, octet| n << 8 | u32::from(*octet))
    };
    let (text, width) = match part.letter {
        b't' | b'k' => {
            escaped_text(out, rest, style.quotes);
            return Some(&[]);
        }
        b'd' => {
            let length = domain_length(rest)?;
            domain_name(out, rest.get(..length)?);
            return rest.get(length..);
        }
        b'D' => {
            domain_list(out, rest, whole, style.quotes, say);
            return Some(&[]);
        }
        b'N' => match part.enumeration {
            None => (number(1).to_string(), 1),
            Some(enumeration) => {
                let width = usize::from(enumeration.width);
                match enumeration.name_of(number(width)) {
                    Some(name) => (name.to_owned(), width),
                    // an unknown number does not move ISC forward
                    None => (number(width).to_string(), 0),
                }
            }
        },
        b'I' => (Ipv4Addr::from(number(4)).to_string(), 4),
        b'6' => {
            let octets: [u8; 16] = rest.get(..16)?.try_into().ok()?;
            (Ipv6Addr::from(octets).to_string(), 16)
        }
        b'l' => ((number(4) as i32).to_string(), 4),
        b'T' if number(4) == u32::MAX => ("infinite".to_owned(), 0),
        b'T' => (number(4).to_string(), 0),
        b'L' => (number(4).to_string(), 4),
        // ISC loses the sign of 16 bits
        b's' | b'S' => (number(2).to_string(), 2),
        b'b' => ((number(1) as u8 as i8).to_string(), 1),
        b'B' => (number(1).to_string(), 1),
        b'x' => (format!("{:x}", number(1)), 1),
        b'f' => ((number(1) != 0).to_string(), 1),
        b'F' => ("true".to_owned(), 0),
        b'e' | b'Z' => (String::new(), 0),
        letter => {
            say(message::unexpected_format(letter));
            (String::new(), 0)
        }
    };
    out.extend_from_slice(text.as_bytes());
    Some(rest.get(width..).unwrap_or_default())
}

fn is_print(octet: u8) -> bool {
    (b' '..=b'~').contains(&octet)
}

/// Text with quotes if wanted: `\ooo` for what does not print, a backslash before what a shell would take amiss, a NUL at
/// the end left out.
pub fn escaped_text(out: &mut Vec<u8>, text: &[u8], quotes: bool) {
    if quotes {
        out.push(b'"');
    }
    escape(out, text);
    if quotes {
        out.push(b'"');
    }
}

fn escape(out: &mut Vec<u8>, text: &[u8]) {
    for octet in text.strip_suffix(&[0]).unwrap_or(text) {
        match octet {
            b'"' | b'\'' | b'$' | b'`' | b'\\' | b'|' | b'&' => out.extend([b'\\', *octet]),
            octet if is_print(*octet) => out.push(*octet),
            octet => out.extend(format!("\\{octet:03o}").bytes()),
        }
    }
}

/// Text for the lease file: quotes around, `\ooo` for what does not print, a backslash before quotes and backslashes.
pub fn quoted(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for octet in text {
        match octet {
            b'"' | b'\\' => out.extend([b'\\', *octet]),
            octet if is_print(*octet) => out.push(*octet),
            octet => out.extend([b'\\', b'0' + (octet >> 6), b'0' + (octet >> 3 & 7), b'0' + (octet & 7)]),
        }
    }
    out.push(b'"');
}

/// Octets as `01:0a:ff`.
pub fn hex(out: &mut Vec<u8>, octets: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (index, octet) in octets.iter().enumerate() {
        if index > 0 {
            out.push(b':');
        }
        let digit = |n: u8| DIGITS.get(usize::from(n & 15)).copied().unwrap_or(b'0');
        out.extend([digit(octet >> 4), digit(*octet)]);
    }
}

/// Octets of an uncompressed name, root label included.
fn domain_length(data: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let length = usize::from(*data.get(at)?);
        at += 1;
        if length == 0 {
            return Some(at);
        }
        at += length;
        if at >= data.len() {
            return None;
        }
    }
}

/// Labels of an uncompressed name, each with a dot behind it.
fn domain_name(out: &mut Vec<u8>, mut name: &[u8]) {
    while let Some((length, after)) = name.split_first() {
        let Some((label, next)) = after.split_at_checked(usize::from(*length)) else { return };
        if *length == 0 {
            return;
        }
        escape(out, label);
        out.push(b'.');
        name = next;
    }
}

fn domain_list(out: &mut Vec<u8>, rest: &[u8], whole: &[u8], quotes: bool, say: &mut Sink<'_>) {
    let mut at = whole.len().saturating_sub(rest.len());
    let first = at;
    while at < whole.len() {
        if at > 0 {
            out.extend_from_slice(if quotes { b", " } else { b" " });
        }
        let Some((name, taken)) = domain::unpack(whole, at) else {
            say(message::invalid_domain_list());
            return;
        };
        if quotes {
            out.push(b'"');
            domain_name(out, &name);
            out.push(b'"');
        } else if let Some(text) = domain::to_text(&name) {
            out.extend_from_slice(text.as_bytes());
            out.push(b'.');
        }
        at += taken;
    }
    debug_assert!(at >= first);
}
