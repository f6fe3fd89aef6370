//! Messages as octets, both directions, for server and client (ledger `omapi.tsv`, rows "wire").
//!
//! A connection begins with a greeting of each side. A message is a header of six numbers, the values of the message and
//! those of an object as names and octets, each list ended by an empty name, and the signature. Signed is everything from
//! the second number on.

use super::key::Key;

/// Version of the protocol and size of the header; both sides say theirs first.
pub const VERSION: u32 = 100;
pub const HEADER: u32 = 24;

/// What a side says first.
pub fn greeting() -> [u8; 8] {
    let ([a, b, c, d], [e, f, g, h]) = (VERSION.to_be_bytes(), HEADER.to_be_bytes());
    [a, b, c, d, e, f, g, h]
}

/// What a message asks for or is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Open,
    Refresh,
    Update,
    Notify,
    Status,
    Delete,
    /// ISC closes the connection.
    Unknown(u32),
}

impl Operation {
    fn from_number(number: u32) -> Operation {
        match number {
            1 => Operation::Open,
            2 => Operation::Refresh,
            3 => Operation::Update,
            4 => Operation::Notify,
            5 => Operation::Status,
            6 => Operation::Delete,
            other => Operation::Unknown(other),
        }
    }

    fn number(self) -> u32 {
        match self {
            Operation::Open => 1,
            Operation::Refresh => 2,
            Operation::Update => 3,
            Operation::Notify => 4,
            Operation::Status => 5,
            Operation::Delete => 6,
            Operation::Unknown(other) => other,
        }
    }
}

/// Names and their octets, in order, each name once; no octets stand for null.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Values(Vec<Value>);

type Value = (Box<[u8]>, Option<Box<[u8]>>);

impl Values {
    pub fn new() -> Values {
        Values::default()
    }

    /// The octets of a name; none when it is absent or null.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        let (_, value) = self.0.iter().find(|(known, _)| **known == *name.as_bytes())?;
        value.as_deref()
    }

    /// Whether it is there, null or not.
    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| **known == *name.as_bytes())
    }

    /// A number of four octets.
    pub fn get_u32(&self, name: &str) -> Option<u32> {
        Some(u32::from_be_bytes(self.get(name)?.try_into().ok()?))
    }

    /// A name that is there already gets the new value and keeps its place. Empty octets become null on the wire.
    pub fn set(&mut self, name: &[u8], value: Option<&[u8]>) {
        let value = value.filter(|octets| !octets.is_empty()).map(Box::from);
        match self.0.iter_mut().find(|(known, _)| **known == *name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name.into(), value)),
        }
    }

    pub fn set_u32(&mut self, name: &str, value: u32) {
        self.set(name.as_bytes(), Some(&value.to_be_bytes()));
    }

    pub fn iter(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.0.iter().map(|(name, value)| (&**name, value.as_deref()))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Writes one name and its octets; a name that does not fit its length is left out.
pub fn put(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    let (Ok(name_length), Ok(length)) = (u16::try_from(name.len()), u32::try_from(value.len())) else {
        return;
    };
    out.extend_from_slice(&name_length.to_be_bytes());
    out.extend_from_slice(name);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(value);
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Number under which the receiver knows the key it is signed with; 0: none.
    pub authenticator: u32,
    pub operation: Operation,
    pub handle: u32,
    pub id: u32,
    /// The id of the message that this one answers; 0: none.
    pub response_to: u32,
    pub values: Values,
    pub object: Values,
}

impl Message {
    pub fn new(operation: Operation, id: u32) -> Message {
        let (values, object) = (Values::new(), Values::new());
        Message { authenticator: 0, operation, handle: 0, id, response_to: 0, values, object }
    }

    /// Appends it. `key`: that of `authenticator`.
    pub fn encode(&self, key: Option<&Key>, out: &mut Vec<u8>) {
        let mut writer = Writer::begin(self, key, out);
        for (name, value) in self.values.iter() {
            writer.put(name, value.unwrap_or_default());
        }
        writer.begin_object();
        for (name, value) in self.object.iter() {
            writer.put(name, value.unwrap_or_default());
        }
        writer.end();
    }
}

/// A message that is written value by value, for objects with many of them.
pub struct Writer<'a> {
    out: &'a mut Vec<u8>,
    key: Option<&'a Key>,
    signed_from: usize,
}

impl<'a> Writer<'a> {
    /// Header of `message`; its values are not written.
    pub fn begin(message: &Message, key: Option<&'a Key>, out: &'a mut Vec<u8>) -> Writer<'a> {
        out.extend_from_slice(&message.authenticator.to_be_bytes());
        let signed_from = out.len();
        let length = key.map_or(0, |key| key.algorithm().signature_length());
        for number in [length, message.operation.number(), message.handle, message.id, message.response_to] {
            out.extend_from_slice(&number.to_be_bytes());
        }
        Writer { out, key, signed_from }
    }

    pub fn put(&mut self, name: &[u8], value: &[u8]) {
        if !name.is_empty() {
            put(self.out, name, value);
        }
    }

    pub fn put_u32(&mut self, name: &str, value: u32) {
        self.put(name.as_bytes(), &value.to_be_bytes());
    }

    /// Ends the values of the message.
    pub fn begin_object(&mut self) {
        self.out.extend_from_slice(&[0, 0]);
    }

    /// Ends the values of the object and signs.
    pub fn end(self) {
        self.out.extend_from_slice(&[0, 0]);
        if let Some(key) = self.key {
            let mut signature = Vec::with_capacity(64);
            key.sign(self.out.get(self.signed_from..).unwrap_or_default(), &mut signature);
            self.out.extend_from_slice(&signature);
        }
    }
}

/// Why a connection cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// Another version of the protocol.
    Version,
    /// A header smaller than ours.
    Header,
    /// A message larger than allowed, or with more values.
    TooLarge,
}

/// Whether a message is signed, and how well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It names no key. Whatever stands where a signature would is skipped.
    None,
    /// With the key of its authenticator.
    Good,
    /// It names a key, and the signature is wrong or missing.
    Bad,
    /// It names a key that is not known.
    UnknownKey,
}

/// A message as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    pub message: Message,
    pub proof: Proof,
    /// The first octets of the signature.
    pub mark: u64,
}

/// Values of one message, at most. The largest object of ISC's has two dozen, beside what scripts add.
const MOST_VALUES: usize = 256;

/// Takes octets as they come and gives messages. Holds no more than one message and what came behind it.
#[derive(Clone, Debug)]
pub struct Decoder {
    pub(super) buffer: Vec<u8>,
    /// What has been taken of the buffer already.
    pub(super) taken: usize,
    /// Size of the other side's header, once it has said it.
    pub(super) header: Option<usize>,
    /// Where scanning of the present message goes on, behind `taken`; lists that have ended; values seen.
    pub(super) at: usize,
    pub(super) lists: u8,
    pub(super) values: usize,
    /// Octets of a message, at most.
    pub(super) limit: usize,
}

impl Decoder {
    /// `limit`: octets of a message, at most.
    pub fn new(limit: usize) -> Decoder {
        Decoder { buffer: Vec::new(), taken: 0, header: None, at: 0, lists: 0, values: 0, limit }
    }

    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Whether the other side's greeting has come.
    pub fn is_greeted(&self) -> bool {
        self.header.is_some()
    }

    /// Octets that wait for the rest of their message.
    pub fn pending(&self) -> usize {
        self.buffer.len() - self.taken
    }

    pub fn push(&mut self, octets: &[u8]) {
        if self.taken > 0 {
            self.buffer.drain(..self.taken);
            self.taken = 0;
        }
        self.buffer.extend_from_slice(octets);
        // A large message is rare; its memory is not kept.
        if self.buffer.capacity() > 1 << 16 && self.buffer.len() < 1 << 12 {
            self.buffer.shrink_to_fit();
        }
    }

    /// The next whole message; `key_of` gives the key of an authenticator. None: more octets are needed.
    pub fn next<'k>(
        &mut self,
        key_of: impl FnOnce(u32) -> Option<&'k Key>,
    ) -> Result<Option<Received>, Violation> {
        let header = match self.header {
            Some(header) => header,
            None => match self.greeting()? {
                Some(header) => header,
                None => return Ok(None),
            },
        };
        let Some(length) = self.scan(header)? else { return Ok(None) };
        let octets = self.buffer.get(self.taken..self.taken + length).unwrap_or_default();
        let received = read(octets, header, self.at, key_of);
        self.taken += length;
        (self.at, self.lists, self.values) = (0, 0, 0);
        Ok(received)
    }

    fn greeting(&mut self) -> Result<Option<usize>, Violation> {
        let (Some(version), Some(header)) =
            (number(&self.buffer, self.taken), number(&self.buffer, self.taken + 4))
        else {
            return Ok(None);
        };
        if version != VERSION {
            return Err(Violation::Version);
        }
        if header < HEADER {
            return Err(Violation::Header);
        }
        if header as usize > self.limit {
            return Err(Violation::TooLarge);
        }
        self.taken += 8;
        self.header = Some(header as usize);
        Ok(self.header)
    }

    /// Length of the message that begins at `taken`, signature included; `at` then stands at the signature.
    fn scan(&mut self, header: usize) -> Result<Option<usize>, Violation> {
        let octets = self.buffer.get(self.taken..).unwrap_or_default();
        self.at = self.at.max(header);
        while self.lists < 2 {
            let Some(name) = length16(octets, self.at) else { return Ok(None) };
            if name == 0 {
                self.lists += 1;
                self.at += 2;
                continue;
            }
            let Some(value) = number(octets, self.at + 2 + name) else { return Ok(None) };
            let end = (self.at + 6 + name).saturating_add(value as usize);
            if end > self.limit || self.values == MOST_VALUES {
                return Err(Violation::TooLarge);
            }
            if end > octets.len() {
                return Ok(None);
            }
            self.at = end;
            self.values += 1;
        }
        let signature = number(octets, 4).unwrap_or(0) as usize;
        let end = self.at.saturating_add(signature);
        if end > self.limit {
            return Err(Violation::TooLarge);
        }
        Ok((end <= octets.len()).then_some(end))
    }
}

/// A whole message whose signature begins at `signature`.
fn read<'k>(
    octets: &[u8],
    header: usize,
    signature: usize,
    key_of: impl FnOnce(u32) -> Option<&'k Key>,
) -> Option<Received> {
    let at = |index: usize| number(octets, index * 4);
    let mut message = Message::new(Operation::from_number(at(2)?), at(4)?);
    (message.authenticator, message.handle, message.response_to) = (at(0)?, at(3)?, at(5)?);
    let rest = list(octets, header, &mut message.values)?;
    list(octets, rest, &mut message.object)?;
    let proof = match message.authenticator {
        0 => Proof::None,
        authenticator => match key_of(authenticator) {
            None => Proof::UnknownKey,
            Some(key) if key.verify(octets.get(4..signature)?, octets.get(signature..)?) => Proof::Good,
            Some(_) => Proof::Bad,
        },
    };
    let mark =
        octets.get(signature..).and_then(<[u8]>::first_chunk).map_or(0, |first| u64::from_be_bytes(*first));
    Some(Received { message, proof, mark })
}

/// Reads a list of values; gives where it ends.
fn list(octets: &[u8], mut at: usize, values: &mut Values) -> Option<usize> {
    loop {
        let length = length16(octets, at)?;
        at += 2;
        if length == 0 {
            return Some(at);
        }
        let name = octets.get(at..at + length)?;
        at += length;
        let length = number(octets, at)? as usize;
        at += 4;
        values.set(name, Some(octets.get(at..at.checked_add(length)?)?));
        at += length;
    }
}

fn number(octets: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(octets.get(at..at + 4)?.try_into().ok()?))
}

fn length16(octets: &[u8], at: usize) -> Option<usize> {
    Some(usize::from(u16::from_be_bytes(octets.get(at..at + 2)?.try_into().ok()?)))
}

#[cfg(test)]
mod tests;
