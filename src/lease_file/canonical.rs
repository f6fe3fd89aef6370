//! Lease records in the form in which a server writes them, read without the grammar.
//!
//! Whatever is not exactly in that form, or would give a message, is left to the grammar, from the start of the record.
//! A property test holds the two readings together.

use super::date;
use super::lease::{Seen, complete, decimal, set_state};
use crate::clock::Wall;
use crate::eval::ast::Name;
use crate::lease::binding::{Binding, ClientIdentifier, State, Value};
use crate::syntax::keyword::Keyword;
use smallvec::SmallVec;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// Variable names met so far, shared between records.
#[derive(Debug, Default)]
pub(super) struct Names(Vec<Name>);

/// More different names than this are not remembered.
const REMEMBERED: usize = 32;

impl Names {
    fn get(&mut self, name: &[u8]) -> Option<Name> {
        if let Some(known) = self.0.iter().find(|known| known.as_bytes() == name) {
            return Some(known.clone());
        }
        let [first, rest @ ..] = name else { return None };
        let plain = |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
        if !first.is_ascii_alphabetic() || !rest.iter().all(plain) || Keyword::find(name).is_some() {
            return None;
        }
        let name: Name = std::str::from_utf8(name).ok()?.into();
        if self.0.len() < REMEMBERED {
            self.0.push(name.clone());
        }
        Some(name)
    }
}

/// Longest line looked at; the grammar has limits of its own that show in messages.
const LONGEST: usize = 1024;

/// The record that starts here, its octets and its lines.
pub(super) fn lease(text: &[u8], now: Wall, names: &mut Names) -> Option<(Binding, usize, u32)> {
    let rest = text.strip_prefix(b"lease ")?;
    let end = line_end(rest)?;
    let mut binding = Binding::never_used(address(rest.get(..end)?.strip_suffix(b" {")?)?);
    let mut at = 6 + end + 1;
    let mut lines = 1;
    let mut seen = Seen::default();
    loop {
        let rest = text.get(at..)?;
        let end = line_end(rest)?;
        let line = rest.get(..end)?;
        at += end + 1;
        lines += 1;
        if line == b"}" {
            break;
        }
        let now_seen = statement(line.strip_prefix(b"  ")?, &mut binding, seen, names)?;
        if seen.has(now_seen) {
            return None;
        }
        seen.add(now_seen);
    }
    complete(&mut binding, seen, now);
    binding.trim();
    Some((binding, at, lines))
}

fn line_end(text: &[u8]) -> Option<usize> {
    text.iter().take(LONGEST).position(|&octet| octet == b'\n')
}

fn address(text: &[u8]) -> Option<Ipv4Addr> {
    let mut octets = [0u8; 4];
    let mut parts = text.split(|&octet| octet == b'.');
    for octet in &mut octets {
        let part = parts.next()?;
        let plain = matches!(part, [b'0'] | [b'1'..=b'9', ..]) && part.len() <= 3;
        if !plain || !part.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let value = part.iter().fold(0u32, |value, digit| value * 10 + u32::from(digit - b'0'));
        *octet = u8::try_from(value).ok()?;
    }
    parts.next().is_none().then(|| Ipv4Addr::from(octets))
}

fn statement(line: &[u8], binding: &mut Binding, seen: Seen, names: &mut Names) -> Option<Seen> {
    let space = line.iter().position(|&octet| octet == b' ').unwrap_or(line.len());
    let (word, rest) = line.split_at_checked(space)?;
    let rest = rest.strip_prefix(b" ").unwrap_or(rest);
    match word {
        b"starts" => {
            binding.starts = date::canonical(rest)?;
            Some(Seen::STARTS)
        }
        b"ends" => {
            binding.ends = date::canonical(rest)?;
            Some(Seen::ENDS)
        }
        b"tstp" => {
            binding.tstp = date::canonical(rest)?;
            Some(Seen::TSTP)
        }
        b"tsfp" => {
            binding.rare_mut().tsfp = date::canonical(rest)?;
            Some(Seen::TSFP)
        }
        b"atsfp" => {
            binding.rare_mut().atsfp = date::canonical(rest)?;
            Some(Seen::ATSFP)
        }
        b"cltt" => {
            binding.cltt = date::canonical(rest)?;
            Some(Seen::CLTT)
        }
        b"binding" => {
            set_state(binding, seen, state(rest.strip_prefix(b"state ")?)?);
            Some(Seen::STATE)
        }
        b"next" => {
            binding.next_state = state(rest.strip_prefix(b"binding state ")?)?;
            Some(Seen::NEXT_STATE)
        }
        b"rewind" => {
            binding.rewind_state = state(rest.strip_prefix(b"binding state ")?)?;
            Some(Seen::REWIND_STATE)
        }
        b"hardware" => {
            hardware(rest.strip_suffix(b";")?, binding)?;
            Some(Seen::HARDWARE)
        }
        b"uid" => {
            binding.uid = identifier(rest.strip_suffix(b";")?)?;
            Some(Seen::UID)
        }
        b"client-hostname" => {
            let name = quoted(rest.strip_suffix(b";")?)?;
            if name.contains(&0) {
                return None;
            }
            binding.set_client_hostname(Some(&name));
            Some(Seen::CLIENT_HOSTNAME)
        }
        b"set" => {
            set(rest.strip_suffix(b";")?, binding, names)?;
            Some(Seen::NOTHING)
        }
        b"option" => {
            agent_option(rest.strip_suffix(b";")?, binding)?;
            Some(Seen::NOTHING)
        }
        b"reserved;" if rest.is_empty() => {
            binding.reserved = true;
            Some(Seen::NOTHING)
        }
        b"dynamic-bootp;" if rest.is_empty() => {
            binding.bootp = true;
            Some(Seen::NOTHING)
        }
        _ => None,
    }
}

fn state(text: &[u8]) -> Option<State> {
    State::from_name(text.strip_suffix(b";")?)
}

fn nibble(octet: u8) -> Option<u8> {
    match octet {
        b'0'..=b'9' => Some(octet - b'0'),
        b'a'..=b'f' => Some(octet - b'a' + 10),
        _ => None,
    }
}

/// Pairs of digits joined by colons, at least one.
fn hexadecimal<const N: usize>(mut text: &[u8], out: &mut SmallVec<[u8; N]>) -> Option<()>
where
    [u8; N]: smallvec::Array<Item = u8>,
{
    loop {
        let [high, low, rest @ ..] = text else { return None };
        out.push(nibble(*high)? << 4 | nibble(*low)?);
        match rest {
            [] => return Some(()),
            [b':', more @ ..] => text = more,
            _ => return None,
        }
    }
}

fn hardware(text: &[u8], binding: &mut Binding) -> Option<()> {
    let (kind, text) = [(1, &b"ethernet "[..]), (6, b"token-ring "), (8, b"fddi "), (32, b"infiniband ")]
        .into_iter()
        .find_map(|(kind, word)| Some((kind, text.strip_prefix(word)?)))?;
    binding.hardware.push(kind);
    hexadecimal(text, &mut binding.hardware)?;
    (binding.hardware.len() <= 21).then_some(())
}

fn identifier(text: &[u8]) -> Option<ClientIdentifier> {
    if text.first() == Some(&b'"') {
        return quoted(text).filter(|uid| !uid.is_empty()).map(|uid| ClientIdentifier::from_slice(&uid));
    }
    let mut uid = ClientIdentifier::new();
    hexadecimal(text, &mut uid)?;
    Some(uid)
}

/// A string in quotes, with the escapes a server writes.
fn quoted(text: &[u8]) -> Option<SmallVec<[u8; 64]>> {
    let mut text = text.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    let mut out = SmallVec::new();
    while let Some((&octet, rest)) = text.split_first() {
        text = rest;
        match octet {
            b'\\' => match rest {
                [c @ (b'"' | b'\\'), rest @ ..] => {
                    out.push(*c);
                    text = rest;
                }
                [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', rest @ ..] => {
                    out.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                    text = rest;
                }
                _ => return None,
            },
            b' ' | b'!' | b'#'..=b'~' => out.push(octet),
            _ => return None,
        }
    }
    Some(out)
}

fn set(text: &[u8], binding: &mut Binding, names: &mut Names) -> Option<()> {
    let space = text.iter().position(|&octet| octet == b' ')?;
    let (name, value) = text.split_at_checked(space)?;
    let value = value.strip_prefix(b" = ")?;
    let name = names.get(name)?;
    if binding.variables().iter().any(|(other, _)| other.eq_ignore_ascii_case(&name)) {
        return None;
    }
    let value = match value {
        [b'"', ..] => Value::Data(Arc::from(quoted(value)?.as_slice())),
        [b'%', number @ ..] => {
            let digits = number.strip_prefix(b"-").unwrap_or(number);
            if !(1..=18).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
                return None;
            }
            Value::Number(decimal(number))
        }
        b"true" => Value::Boolean(true),
        b"false" => Value::Boolean(false),
        _ => return None,
    };
    binding.extra_mut().variables.insert(0, (name, value));
    Some(())
}

/// The two sub-options nearly every relay sends; both are opaque.
fn agent_option(text: &[u8], binding: &mut Binding) -> Option<()> {
    let text = text.strip_prefix(b"agent.")?;
    let (code, value) = match text.strip_prefix(b"circuit-id ") {
        Some(value) => (1, value),
        None => (2, text.strip_prefix(b"remote-id ")?),
    };
    let mut octets = SmallVec::<[u8; 64]>::new();
    if value.first() == Some(&b'"') {
        octets = quoted(value)?;
    } else {
        hexadecimal(value, &mut octets)?;
    }
    if octets.is_empty() || octets.len() > 255 {
        return None;
    }
    let mut options = binding.agent_options().to_vec();
    options.extend_from_slice(&[code, octets.len() as u8]);
    options.extend_from_slice(&octets);
    binding.set_agent_options(&options);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Found by mutation: digits were added up before their number was looked at.
    #[test]
    fn numbers_of_many_digits_are_none() {
        assert_eq!(address(b"99999999999999999999.0.0.1"), None);
        assert_eq!(address(b"10.9.0.100"), Some(Ipv4Addr::new(10, 9, 0, 100)));
        assert_eq!(date::canonical(b"epoch 99999999999999999999;"), None);
    }
}
