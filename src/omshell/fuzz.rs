//! Whatever a server sends, for fuzzing.

use super::client::Stream;
use super::shell::{Outside, Shell};
use crate::log::Line;
use crate::omapi::codec::{Message, Operation, greeting};
use crate::omapi::result::Code;
use std::io;

/// A server that says the same on every connection, in pieces whose length its first octet gives.
struct Server {
    octets: Vec<u8>,
    at: usize,
    piece: usize,
}

impl Stream for Server {
    fn send(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn receive(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let rest = self.octets.get(self.at..).unwrap_or_default();
        let length = rest.len().min(self.piece).min(into.len());
        for (to, from) in into.iter_mut().zip(rest.iter().take(length)) {
            *to = *from;
        }
        self.at += length;
        Ok(length)
    }
}

/// Counts what is printed and keeps none of it.
struct Nobody<'a> {
    octets: &'a [u8],
    printed: usize,
}

impl Outside for Nobody<'_> {
    fn connect(&mut self, _: &str, _: u16) -> Result<Box<dyn Stream>, Code> {
        let (piece, octets) = self.octets.split_first().ok_or(Code::CONNECTION_REFUSED)?;
        Ok(Box::new(Server { octets: octets.to_vec(), at: 0, piece: usize::from(*piece) + 1 }))
    }

    fn service(&mut self, _: &str) -> Option<u16> {
        None
    }

    fn first_id(&mut self) -> u32 {
        1
    }

    fn print(&mut self, octets: &[u8]) {
        self.printed += octets.len();
    }

    fn complain(&mut self, _: &str) {}

    fn log(&mut self, _: Line) {}
}

/// Every command that talks to the server, without a key and with one.
const SESSION: &str = "connect\nnew host\nset name = \"x\"\nopen\nset ip-address = 10.0.0.1\nupdate\nrefresh\nunset name\n\
    create\nremove\nnew lease\nopen\ndisconnect\nkey k c2VjcmV0\nconnect\nopen\nrefresh\nremove\n";

/// Runs a session with a server that sends `octets`; gives how much was printed.
pub fn fuzz_server(octets: &[u8]) -> usize {
    let mut outside = Nobody { octets, printed: 0 };
    let mut shell = Shell::default();
    for line in SESSION.split_inclusive('\n') {
        shell.line(line.as_bytes(), &mut outside);
        shell.show(&mut outside);
    }
    outside.printed
}

/// Carries out `text` line by line; the server refuses to be connected to.
pub fn fuzz_session(text: &[u8]) {
    let mut outside = Nobody { octets: &[], printed: 0 };
    let mut shell = Shell::default();
    for line in text.split_inclusive(|&octet| octet == b'\n') {
        shell.line(line, &mut outside);
        shell.show(&mut outside);
    }
}

/// Answers as a server would give them to the session of [`fuzz_server`], for mutations to begin from.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    for operation in [Operation::Update, Operation::Status, Operation::Open, Operation::Unknown(77)] {
        let mut octets = vec![200];
        octets.extend_from_slice(&greeting());
        for id in 1..=12 {
            let mut message = Message::new(operation, 100 + id);
            (message.handle, message.response_to) = (id, id);
            message.values.set_u32("result", id % 3 * 23);
            message.values.set(b"message", Some(b"no object matches specification"));
            message.object.set(b"name", Some(b"alpha"));
            message.object.set(b"remote-handle", Some(&[0, 0, 0, 9]));
            message.object.set(b"hardware-address", Some(&[2, 0, 0, 0, 0, 1]));
            message.object.set(b"long", Some(&[b'x'; 700]));
            message.object.set(b"ip-address", None);
            message.encode(None, &mut octets);
        }
        out.push(octets);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// xorshift64.
    fn draw(state: &mut u64) -> usize {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state as usize
    }

    fn mutated(seed: &[u8], state: &mut u64) -> Vec<u8> {
        let mut octets = seed.to_vec();
        for _ in 0..1 + draw(state) % 6 {
            let at = draw(state) % octets.len().max(1);
            match draw(state) % 5 {
                0 => octets.truncate(at),
                1 => octets.splice(at..at, std::iter::repeat_n(0xff, draw(state) % 9)).for_each(drop),
                2 => octets.drain(at..octets.len().min(at + draw(state) % 9)).for_each(drop),
                _ => {
                    let with = draw(state) as u8;
                    octets.get_mut(at).into_iter().for_each(|octet| *octet = with);
                }
            }
        }
        octets
    }

    #[test]
    fn no_server_can_hurt() {
        let seeds = seeds();
        let mut state = 0x5eed_0005;
        for round in 0..4_000 {
            let octets = mutated(&seeds[round % seeds.len()], &mut state);
            assert!(fuzz_server(&octets) < 100_000);
        }
    }

    #[test]
    fn giants_are_refused() {
        let mut octets = vec![255];
        octets.extend_from_slice(&greeting());
        let mut message = Message::new(Operation::Update, 1);
        message.response_to = 1;
        let mut giant = octets.clone();
        message.encode(None, &mut giant);
        giant.truncate(giant.len() - 2);
        giant.extend_from_slice(&[0, 1, b'x', 0xff, 0xff, 0xff, 0xff]);
        giant.extend(std::iter::repeat_n(b'y', 1 << 21));
        assert!(fuzz_server(&giant) < 10_000);
        // Two hundred new names in every answer.
        for id in 1..=12u32 {
            message.response_to = id;
            message.object = crate::omapi::codec::Values::new();
            for name in 0..200 {
                message.object.set(format!("{id}-{name}").as_bytes(), Some(&[b'z'; 3000]));
            }
            message.encode(None, &mut octets);
        }
        assert!(fuzz_server(&octets) > 10_000);
    }

    #[test]
    fn no_line_can_hurt() {
        let mut state = 0x5eed_0006;
        let words = [
            "set",
            "unset",
            "key",
            "key-algorithm",
            "server",
            "port",
            "new",
            "open",
            "=",
            "\"",
            "\\x4",
            "1.2.3.4",
            "0x",
            "-",
            "1:2:",
            "a:b",
            "{",
            "}",
            ";",
            "#",
            "connect",
            "disconnect",
            "close",
            "help",
            "?",
            "\0",
            "\u{e9}",
            "c2VjcmV0==",
        ];
        let mut text = Vec::new();
        for _ in 0..20_000 {
            text.extend_from_slice(words[draw(&mut state) % words.len()].as_bytes());
            text.push(if draw(&mut state).is_multiple_of(6) { b'\n' } else { b' ' });
        }
        text.extend(std::iter::repeat_n(0xff, 3000));
        fuzz_session(&text);
    }
}
