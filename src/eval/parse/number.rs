//! Numbers: a single one in any base, lists of octets, and base64.

use crate::log::text_of;
use crate::syntax::cursor::Cursor;
use crate::syntax::token::Kind;

/// atoi(3) on x86-64: a leading sign and digits, out of range wraps as the C library's long does when cut to 32 bits.
pub fn atoi(text: &[u8]) -> i32 {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let mut value: i64 = 0;
    for octet in digits.iter().take_while(|octet| octet.is_ascii_digit()) {
        let digit = i64::from(octet - b'0');
        let next = value
            .checked_mul(10)
            .and_then(|value| if negative { value.checked_sub(digit) } else { value.checked_add(digit) });
        let Some(next) = next else {
            value = if negative { i64::MIN } else { i64::MAX };
            break;
        };
        value = next;
    }
    value as i32
}

/// The number under the cursor (the token last read) in `bits` (8, 16 or 32) bits; base 0 asks the text: `0x` is 16, a leading 0
/// is 8, else 10. Complains about bad digits and about values out of range, and returns what is left of it all the same.
pub fn convert(cursor: &mut Cursor, base: u32, bits: u32) -> u32 {
    let text = cursor.word_octets().to_vec();
    convert_text(cursor, &text, base, bits)
}

/// [`convert`] of a text read earlier.
pub fn convert_text(cursor: &mut Cursor, text: &[u8], base: u32, bits: u32) -> u32 {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let (base, digits) = match (base, digits) {
        (0, [b'0', b'x', rest @ ..]) => (16, rest),
        (0, [b'0', rest @ ..]) if rest.first().is_some_and(u8::is_ascii_digit) => (8, rest),
        (0, rest) => (10, rest),
        (base, rest) => (base, rest),
    };
    let mut value: u32 = 0;
    let shown = || text_of(text);
    // A text without digits still counts as one bad digit.
    let digits = if digits.is_empty() { &[0][..] } else { digits };
    for &octet in digits {
        let digit = match octet {
            b'a'.. => u32::from(octet - b'a') + 10,
            b'A'.. => u32::from(octet - b'A') + 10,
            b'0'.. => u32::from(octet - b'0'),
            _ => {
                cursor.warn(format_args!("Bogus number: {}.", shown()));
                break;
            }
        };
        if digit >= base {
            cursor.warn(format_args!("Bogus number {}: digit {digit} not in base {base}", shown()));
            break;
        }
        value = value.wrapping_mul(base).wrapping_add(digit);
    }
    let half = 1u32 << (bits - 1);
    let max = if negative { half } else { half + (half - 1) };
    if value > max {
        let sign = if negative { "-" } else { "" };
        let max = max as i32;
        match base {
            8 => cursor.warn(format_args!("{sign}{value:o} exceeds max ({max}) for precision.")),
            16 => cursor.warn(format_args!("{sign}{value:x} exceeds max ({max}) for precision.")),
            _ => cursor.warn(format_args!("{sign}{value} exceeds max ({max}) for precision.")),
        }
    }
    let value = if negative { value.wrapping_neg() } else { value };
    value & (u32::MAX >> (32 - bits))
}

/// How many numbers [`octets`] reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// As many as there are.
    Any,
    Exactly(usize),
}

/// 8-bit numbers joined by `separator`: dotted quads, hardware addresses.
pub fn octets(cursor: &mut Cursor, count: Count, separator: u8, base: u32) -> Option<Vec<u8>> {
    let mut values = octets_at_hand(cursor, count, separator, base)?;
    if let Count::Exactly(wanted) = count {
        values.resize(wanted, 0);
    }
    Some(values)
}

/// [`octets`], but fewer where the file ends among them.
pub(super) fn octets_at_hand(cursor: &mut Cursor, count: Count, separator: u8, base: u32) -> Option<Vec<u8>> {
    let mut values = Vec::new();
    // With an open count ISC converts at the end, the last number first, which shows in its messages.
    let mut texts: Vec<Vec<u8>> = Vec::new();
    let mut read = 0;
    loop {
        if read > 0 {
            if cursor.peek() != Kind::Char(separator) {
                if count == Count::Any {
                    break;
                }
                too_few(cursor);
                return None;
            }
            cursor.next();
        }
        match cursor.next() {
            Kind::Eof => {
                cursor.warn("unexpected end of file");
                break;
            }
            Kind::Number => {}
            Kind::NumberOrName if base == 16 => {}
            _ => {
                cursor.warn("expecting numeric value.");
                cursor.skip_to_semicolon();
                return None;
            }
        }
        if count == Count::Any {
            texts.push(cursor.word_octets().to_vec());
        } else {
            values.push(convert(cursor, base, 8) as u8);
        }
        read += 1;
        if count == Count::Exactly(read) {
            break;
        }
    }
    if count != Count::Any {
        return Some(values);
    }
    if texts.is_empty() {
        return None;
    }
    values.extend(texts.iter().rev().map(|text| convert_text(cursor, text, base, 8) as u8));
    values.reverse();
    Some(values)
}

fn too_few(cursor: &mut Cursor) {
    let mut kind = cursor.peek();
    if !kind.is('{') && !kind.is('}') {
        kind = cursor.next();
    }
    cursor.warn("too few numbers.");
    if !kind.is(';') {
        cursor.skip_to_semicolon();
    }
}

/// Hexadecimal octets joined by colons, as in expressions and option values.
pub fn colon_separated_hex(cursor: &mut Cursor) -> Option<Vec<u8>> {
    let mut values = Vec::new();
    loop {
        if !matches!(cursor.next(), Kind::Number | Kind::NumberOrName) {
            cursor.warn("expecting hexadecimal number.");
            cursor.skip_to_semicolon();
            return None;
        }
        values.push(convert(cursor, 16, 8) as u8);
        if !cursor.take(':') {
            return Some(values);
        }
    }
}

/// Hexadecimal octets or a string, at most `room` octets; `uid` and opaque option values of the lease file. An error has been
/// reported and gives no octets, as in ISC.
pub fn octets_or_string(cursor: &mut Cursor, room: usize) -> Vec<u8> {
    let fail = |cursor: &mut Cursor, text: &str| {
        cursor.warn(text);
        cursor.skip_to_semicolon();
        Vec::new()
    };
    match cursor.peek() {
        Kind::Number | Kind::NumberOrName => {
            let mut values = Vec::new();
            loop {
                if !matches!(cursor.next(), Kind::Number | Kind::NumberOrName) {
                    return fail(cursor, "expecting hexadecimal constant.");
                }
                if values.len() >= room {
                    return fail(cursor, "hexadecimal constant too long.");
                }
                values.push(convert(cursor, 16, 8) as u8);
                if !cursor.take(':') {
                    return values;
                }
            }
        }
        Kind::Str => {
            cursor.next();
            if cursor.octets().len() + 1 > room {
                return fail(cursor, "string constant too long.");
            }
            cursor.octets().to_vec()
        }
        _ => fail(cursor, "expecting string or hexadecimal data"),
    }
}

/// Value of a base64 digit; `None` for anything else.
fn base64_digit(octet: u8) -> Option<u32> {
    let value = match octet {
        b'A'..=b'Z' => octet - b'A',
        b'a'..=b'z' => octet - b'a' + 26,
        b'0'..=b'9' => octet - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

/// A base64 value, quoted or not. `+`, `/` and `=` split it into several tokens; the tokens that look like base64 are joined.
/// Nothing at all counts as failure, with or without a message.
pub fn base64(cursor: &mut Cursor) -> Option<Vec<u8>> {
    let mut pieces = Vec::new();
    loop {
        cursor.next();
        pieces.push(cursor.word_octets().to_vec());
        let end = cursor.peek() == Kind::Eof;
        let next = cursor.word_octets();
        if end || !next.iter().all(|&octet| base64_digit(octet).is_some() || octet == b'=') {
            break;
        }
    }
    let mut values = Vec::new();
    let (mut accumulator, mut digits, mut ended) = (0u32, 0u32, false);
    for piece in &pieces {
        for (index, &octet) in piece.iter().enumerate() {
            if ended && octet != b'=' {
                let rest = piece.get(index..).unwrap_or_default();
                cursor.warn(format_args!("stuff after base64 '=' terminator: {}.", text_of(rest)));
                return None;
            }
            if octet == b'=' {
                ended = true;
            } else {
                let Some(digit) = base64_digit(octet) else {
                    cursor.warn(format_args!("invalid base64 character {}.", octet as i8));
                    return None;
                };
                accumulator = (accumulator << 6) + digit;
                let (shift, kept) = match digits % 4 {
                    0 => (None, u32::MAX),
                    1 => (Some(4), 0x0f),
                    2 => (Some(2), 0x03),
                    _ => (Some(0), 0),
                };
                if let Some(shift) = shift {
                    values.push((accumulator >> shift) as u8);
                }
                accumulator &= kept;
            }
            digits += 1;
        }
    }
    if digits % 4 != 0 && accumulator != 0 {
        cursor.warn(format_args!("partial base64 value left over: {accumulator}."));
    }
    (!values.is_empty()).then_some(values)
}
