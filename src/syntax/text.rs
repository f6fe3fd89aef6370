//! The buffer in which ISC's lexer leaves the text of a token, and the meaning of escapes in strings.

use super::lexer::FALSE_END;

/// Octets of a token, a closing zero included.
pub const ROOM: usize = 1500;

/// Text of the last token. Shorter tokens leave the end of longer ones standing, and ISC shows it in a few messages (a bad
/// escape keeps the octet that was there, the end of the file has the text of the token before), so that it is kept here as well.
#[derive(Clone)]
pub struct Text {
    buffer: [u8; ROOM],
    length: usize,
    /// A single character has a place of its own.
    single: Option<u8>,
}

impl Text {
    pub fn new() -> Self {
        Text { buffer: [0; ROOM], length: 0, single: None }
    }

    /// All octets, for strings with zeros in them.
    pub fn octets(&self) -> &[u8] {
        match &self.single {
            Some(octet) if self.length > 0 => std::slice::from_ref(octet),
            _ => self.buffer.get(..self.length).unwrap_or_default(),
        }
    }

    /// Up to the first zero, as messages and comparisons see it. After the end of the file: what stood there before.
    pub fn until_zero(&self) -> &[u8] {
        let all = match &self.single {
            Some(octet) => std::slice::from_ref(octet),
            None => &self.buffer[..],
        };
        all.split(|&octet| octet == 0).next().unwrap_or_default()
    }

    pub fn set_single(&mut self, octet: u8) {
        self.single = Some(octet);
        self.length = 1;
    }

    pub fn set_empty(&mut self) {
        self.length = 0;
    }

    /// Takes over a word or white space; more than the room is cut off, and said so by `false`.
    pub fn set(&mut self, octets: &[u8]) -> bool {
        self.single = None;
        let fits = octets.len() < ROOM;
        let taken = octets.get(..ROOM).unwrap_or(octets);
        if let Some(place) = self.buffer.get_mut(..taken.len()) {
            place.copy_from_slice(taken);
        }
        self.close(taken.len().min(ROOM - 1));
        fits
    }

    /// Leaves white space that the end of the file cut off: the pointer and length of the token before stay.
    pub fn overwrite(&mut self, octets: &[u8]) {
        if let Some(place) = self.buffer.get_mut(..octets.len()) {
            place.copy_from_slice(octets);
        }
    }

    fn close(&mut self, length: usize) {
        self.length = length;
        if let Some(place) = self.buffer.get_mut(length) {
            *place = 0;
        }
    }
}

/// What the reader of a string has to say about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Complaint {
    EndOfFile,
    HexDigit(u8),
    OctalDigit(u8),
    TooLong,
}

#[derive(Clone, Copy)]
enum Escape {
    None,
    Opened,
    /// `\x`, `\0` to `\3` and this many of its digits; what they make so far.
    Digits {
        base: u8,
        count: u8,
        value: u8,
    },
}

/// What one octet of a string does.
enum Effect {
    Store(u8),
    /// The same, but the next octet takes its place.
    Replaced(u8),
    Nothing,
    /// A wrong digit: what stood in the buffer stays and counts.
    Wrong(Complaint),
    End,
}

impl Escape {
    /// ISC's state machine, faults included: a wrong octal digit after a non-zero one stays inside the escape, after a zero it
    /// turns the next octet into an escaped one.
    fn step(&mut self, octet: u8) -> Effect {
        match *self {
            Escape::None if octet == b'"' => Effect::End,
            Escape::None if octet == b'\\' => self.becomes(Escape::Opened, Effect::Nothing),
            Escape::None => Effect::Store(octet),
            Escape::Opened => match octet {
                b'0'..=b'3' => {
                    self.becomes(Escape::Digits { base: 8, count: 1, value: octet - b'0' }, Effect::Nothing)
                }
                b'x' => self.becomes(Escape::Digits { base: 16, count: 1, value: 0 }, Effect::Nothing),
                _ => self.becomes(Escape::None, Effect::Store(control(octet))),
            },
            Escape::Digits { base, count, value } => {
                let Some(digit) = char::from(octet).to_digit(u32::from(base)) else {
                    return self.wrong_digit(base, value, octet);
                };
                let value = value.wrapping_mul(base).wrapping_add(digit as u8);
                if count == 2 {
                    return self.becomes(Escape::None, Effect::Store(value));
                }
                self.becomes(Escape::Digits { base, count: count + 1, value }, Effect::Nothing)
            }
        }
    }

    fn wrong_digit(&mut self, base: u8, value: u8, octet: u8) -> Effect {
        if base == 16 {
            self.becomes(Escape::None, Effect::Wrong(Complaint::HexDigit(octet)))
        } else if value != 0 {
            Effect::Wrong(Complaint::OctalDigit(octet))
        } else {
            self.becomes(Escape::Opened, Effect::Replaced(0))
        }
    }

    fn becomes(&mut self, next: Escape, effect: Effect) -> Effect {
        *self = next;
        effect
    }
}

/// `\t`, `\r`, `\n`, `\b`; any other octet is itself.
fn control(octet: u8) -> u8 {
    match octet {
        b't' => b'\t',
        b'r' => b'\r',
        b'n' => b'\n',
        b'b' => 8,
        other => other,
    }
}

impl Text {
    /// Reads the inside of a string, escapes resolved, from after the opening quote to after the closing one; returns how many
    /// octets that were. `complain` gets each complaint with the number of octets read by then.
    pub fn read_string(&mut self, inside: &[u8], mut complain: impl FnMut(Complaint, usize)) -> usize {
        self.single = None;
        let mut input = inside.iter().copied().take_while(|&octet| octet != FALSE_END).enumerate();
        let (mut at, mut read) = (0, 0);
        let mut escape = Escape::None;
        while at < ROOM {
            let Some((index, octet)) = input.next() else {
                complain(Complaint::EndOfFile, read);
                break;
            };
            read = index + 1;
            let effect = escape.step(octet);
            if let (Effect::Store(what) | Effect::Replaced(what), Some(place)) =
                (&effect, self.buffer.get_mut(at))
            {
                *place = *what;
            }
            match effect {
                Effect::Store(_) => at += 1,
                Effect::Replaced(_) | Effect::Nothing => {}
                Effect::Wrong(complaint) => {
                    complain(complaint, read);
                    at += 1;
                }
                Effect::End => break,
            }
        }
        if at == ROOM {
            complain(Complaint::TooLong, read);
        }
        self.close(at.min(ROOM - 1));
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(inside: &[u8]) -> (Vec<u8>, usize, Vec<Complaint>) {
        let (mut text, mut complaints) = (Text::new(), Vec::new());
        let read = text.read_string(inside, |complaint, _| complaints.push(complaint));
        (text.octets().to_vec(), read, complaints)
    }

    #[test]
    fn escapes() {
        let (text, used, complaints) = read(br#"a\tb\n\r\b\\\"\q\101\x41\x4a\0001" rest"#);
        assert_eq!(text, b"a\tb\n\r\x08\\\"qAAJ\x001");
        assert_eq!(used, 34);
        assert!(complaints.is_empty());
    }

    #[test]
    fn bad_digits() {
        assert_eq!(read(b"\\x4g\"").2, [Complaint::HexDigit(b'g')]);
        // As `dhcpd -T` says about `uid "\001\110\18..`.
        assert_eq!(read(b"\\18\"").2[0], Complaint::OctalDigit(b'8'));
        // A zero followed by anything else escapes the octet after that.
        assert_eq!(read(b"\\0abc\"").0, b"\x08c");
    }

    #[test]
    fn too_long_or_cut_off() {
        let (text, used, complaints) = read(&[b'x'; 2000]);
        assert_eq!((text.len(), used, complaints), (1499, 1500, vec![Complaint::TooLong]));
        assert_eq!(read(b"ab").2, [Complaint::EndOfFile]);
    }
}
