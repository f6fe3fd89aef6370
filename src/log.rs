//! A line of the operator's log: its priority and its text. The texts themselves stand in a `message` file of the
//! module that says them, one function or variant a text.

use std::borrow::Cow;

/// syslog(3) priorities that ISC dhcpd uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// `log_error` and `log_fatal`.
    Error = 3,
    Info = 6,
    Debug = 7,
}

/// Which of the two places a line goes to. Nearly all go to both, as far as the command line asks for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    #[default]
    Both,
    /// The caret of a diagnostic that lies beyond column 80.
    StandardErrorOnly,
}

/// One line, without a newline.
///
/// Most text is plain ASCII. Octets that are no UTF-8 (a configuration in Latin-1 that a diagnostic echoes, a client's host name)
/// are carried in `text` as private characters; [`Line::octets`] gives them back as they were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub priority: Priority,
    pub text: String,
    pub reach: Reach,
}

/// ISC formats a line into 1,024 octets, a located message of the parser apart.
const TEXT_MAX: usize = 1_023;

impl Line {
    pub fn error(text: impl Into<String>) -> Self {
        Line::new(Priority::Error, text.into())
    }

    pub fn info(text: impl Into<String>) -> Self {
        Line::new(Priority::Info, text.into())
    }

    pub fn debug(text: impl Into<String>) -> Self {
        Line::new(Priority::Debug, text.into())
    }

    fn new(priority: Priority, mut text: String) -> Self {
        if text.len() > TEXT_MAX {
            text = cut(&text, TEXT_MAX);
        }
        Line { priority, text, reach: Reach::Both }
    }

    /// The octets to write.
    pub fn octets(&self) -> Cow<'_, [u8]> {
        if !self.text.bytes().any(|octet| octet == PRIVATE_LEAD) {
            return Cow::Borrowed(self.text.as_bytes());
        }
        let mut out = Vec::with_capacity(self.text.len());
        let mut buffer = [0; 4];
        for character in self.text.chars() {
            match u32::from(character).checked_sub(PRIVATE).and_then(|octet| u8::try_from(octet).ok()) {
                Some(octet) => out.push(octet),
                None => out.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes()),
            }
        }
        Cow::Owned(out)
    }
}

/// First of 256 characters, the last of Unicode's private planes, that stand for single octets.
const PRIVATE: u32 = 0x10_ff00;
/// First octet of their UTF-8 form.
const PRIVATE_LEAD: u8 = 0xf4;

/// The text of the first `most` octets that `text` stands for.
pub fn cut(text: &str, most: usize) -> String {
    let octets =
        Line { priority: Priority::Info, text: text.to_owned(), reach: Reach::Both }.octets().into_owned();
    text_of(octets.get(..most).unwrap_or(&octets)).into_owned()
}

/// Text that carries these octets through a [`Line`] unchanged.
pub fn text_of(octets: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(octets) {
        Ok(text) if !octets.contains(&PRIVATE_LEAD) => Cow::Borrowed(text),
        _ => Cow::Owned(carried(octets)),
    }
}

fn carried(octets: &[u8]) -> String {
    let mut out = String::with_capacity(octets.len() + 8);
    let single =
        |octet: u8| char::from_u32(PRIVATE + u32::from(octet)).unwrap_or(char::REPLACEMENT_CHARACTER);
    for chunk in octets.utf8_chunks() {
        for character in chunk.valid().chars() {
            if u32::from(character) >= PRIVATE {
                let mut buffer = [0; 4];
                out.extend(character.encode_utf8(&mut buffer).bytes().map(single));
            } else {
                out.push(character);
            }
        }
        out.extend(chunk.invalid().iter().map(|&octet| single(octet)));
    }
    out
}

/// Where lines go while something is being read or checked: standard error and syslog at run time, a vector in tests.
pub type Sink<'a> = dyn FnMut(Line) + 'a;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_octets_pass_through_a_line() {
        let every: Vec<u8> = (0..=255).collect();
        let private = "\u{10ff41}x\u{10ffff}".as_bytes();
        for octets in [&every[..], b"plain", "h\u{e9}".as_bytes(), private, b"\xf4\x8f"] {
            assert_eq!(&*Line::error(text_of(octets)).octets(), octets);
        }
    }
}
