//! Domain names as they go on the wire (RFC 1035), compressed within one option where the format asks for it (RFC 3397).

use super::text::host_name;
use crate::syntax::cursor::Cursor;
use crate::syntax::token::Kind;

/// Longest name, in octets.
const NAME_ROOM: usize = 255;
/// ISC's room for a list.
const LIST_ROOM: usize = 256 * NAME_ROOM;
/// Suffixes ISC remembers to point at.
const POINTERS: usize = 253;
/// Pointers reach no further.
const POINTER_REACH: usize = 0x4000;

/// The only way in which a name can be wrong, in the C library's words.
const TOO_LONG: &str = "Message too long";

/// A name in labels, with the root label at the end whether or not `text` ends in a dot. `\` takes the next octet as it is, or
/// three decimal digits as an octet. `None`: an empty or overlong label, or too long.
fn labels(text: &[u8]) -> Option<Vec<u8>> {
    let mut name = Vec::with_capacity(text.len() + 2);
    let mut label: Vec<u8> = Vec::new();
    let mut input = text.iter().copied().peekable();
    let finish = |name: &mut Vec<u8>, label: &mut Vec<u8>| {
        let length = u8::try_from(label.len()).ok().filter(|&length| length < 64)?;
        name.push(length);
        name.append(label);
        Some(())
    };
    while let Some(octet) = input.next() {
        match octet {
            b'\\' => match input.next() {
                Some(digit) if digit.is_ascii_digit() => {
                    let mut value = u32::from(digit - b'0');
                    for _ in 0..2 {
                        let digit = input.next().filter(u8::is_ascii_digit)?;
                        value = value * 10 + u32::from(digit - b'0');
                    }
                    label.push(u8::try_from(value).ok()?);
                }
                Some(octet) => label.push(octet),
                None => {}
            },
            b'.' => {
                let empty = label.is_empty();
                match input.peek() {
                    None if empty && name.is_empty() => {}
                    None => finish(&mut name, &mut label)?,
                    Some(b'.') => return None,
                    Some(_) if empty => return None,
                    Some(_) => finish(&mut name, &mut label)?,
                }
            }
            octet => label.push(octet),
        }
    }
    if !label.is_empty() {
        finish(&mut name, &mut label)?;
    }
    name.push(0);
    (name.len() <= NAME_ROOM).then_some(name)
}

/// A list of names, and what earlier ones offer to point at.
#[derive(Default)]
struct List {
    octets: Vec<u8>,
    /// Suffixes written out so far, in lower case, and where.
    suffixes: Vec<(Vec<u8>, usize)>,
}

impl List {
    fn push(&mut self, name: &[u8], compress: bool) -> Option<()> {
        let mut rest = name;
        while let Some(length) = rest.first().filter(|&&length| length > 0) {
            if compress {
                let suffix = rest.to_ascii_lowercase();
                if let Some((_, at)) = self.suffixes.iter().find(|(known, _)| *known == suffix) {
                    let pointer = u16::try_from(*at).ok()? | 0xc000;
                    self.octets.extend_from_slice(&pointer.to_be_bytes());
                    return self.fits();
                }
                if self.suffixes.len() < POINTERS && self.octets.len() < POINTER_REACH {
                    self.suffixes.push((suffix, self.octets.len()));
                }
            }
            let (label, after) = rest.split_at_checked(usize::from(*length) + 1)?;
            self.octets.extend_from_slice(label);
            rest = after;
        }
        self.octets.push(0);
        self.fits()
    }

    fn fits(&self) -> Option<()> {
        (self.octets.len() <= LIST_ROOM).then_some(())
    }
}

/// Quoted names with commas between them. An error has been reported; skipping is the caller's business.
pub fn domain_list(cursor: &mut Cursor, compress: bool) -> Option<Vec<u8>> {
    let mut list = List::default();
    loop {
        if cursor.next() != Kind::Str {
            cursor.warn("Expecting a domain string.");
            return None;
        }
        if labels(cursor.word_octets()).and_then(|name| list.push(&name, compress)).is_none() {
            let what = if compress { "compressing" } else { "assembling" };
            cursor.warn(format_args!("Error {what} domain list: {TOO_LONG}"));
            return None;
        }
        if !cursor.take(',') {
            return Some(list.octets);
        }
    }
}

/// One name, not quoted. An error has been reported, a missing name has not.
pub fn domain_name(cursor: &mut Cursor) -> Option<Vec<u8>> {
    let name = host_name(cursor)?;
    let name = labels(name.as_bytes());
    if name.is_none() {
        cursor.warn(format_args!("Error assembling domain name: {TOO_LONG}"));
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_labels() {
        assert_eq!(labels(b"a.bc").unwrap(), b"\x01a\x02bc\0");
        assert_eq!(labels(b"a.bc.").unwrap(), b"\x01a\x02bc\0");
        assert_eq!(labels(b".").unwrap(), b"\0");
        assert_eq!(labels(b"").unwrap(), b"\0");
        assert_eq!(labels(b"a\\.b\\065").unwrap(), b"\x04a.bA\0");
        assert_eq!(labels(b"a..b"), None);
        assert_eq!(labels(&[b'x'; 64]), None);
    }

    /// RFC 3397 section 2's example.
    #[test]
    fn pointers_to_earlier_suffixes() {
        let mut list = List::default();
        for name in [&b"eng.apple.com"[..], b"marketing.apple.com"] {
            list.push(&labels(name).unwrap(), true).unwrap();
        }
        assert_eq!(list.octets, b"\x03eng\x05apple\x03com\0\x09marketing\xc0\x04");
    }
}
