//! OMAPI, the management protocol of ISC dhcpd, without I/O: octets of a connection go in, octets come out.
//!
//! [`codec`]: messages as octets; [`key`]: signatures; [`result`]: codes; [`dispatch`]: what a message leads to; one file for
//! each type of object. Facts: ledger `omapi.tsv`, `observations.md`.
//!
//! Bounded are connections, octets that wait for the rest of their message (of one connection and of all), values of a
//! message, the time a half message may take. Without a signature that is right nothing is done for who needs a key.

mod class;
pub mod codec;
mod dispatch;
mod export;
mod group;
mod handle;
mod host;
mod interface;
pub mod key;
mod lease;
pub mod message;
mod replay;
pub mod result;
mod world;

pub use interface::Interfaces;
pub use world::{Elsewhere, World};

use crate::eval::ast::Name;
use codec::{Decoder, Message, Operation, Proof, Received, Writer, greeting};
use dispatch::{Answer, Desk, Standing};
use handle::{Handles, Kind, Object};
use key::{Algorithm, Key};
use replay::Taken;
use result::Code;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::ops::Range;

/// Connections that are open at once; for one more the one that has been silent longest goes.
pub const MOST_CONNECTIONS: usize = 128;
/// Octets of a message; before a key is opened where one is needed; and those of all connections that wait for more.
const MESSAGE: usize = 512 << 10;
const MESSAGE_OF_STRANGERS: usize = 4 << 10;
const ALL_PENDING: usize = 8 << 20;
/// Keys of one connection.
const MOST_KEYS: usize = 8;
/// Microseconds that a greeting or a message may take from its first octet to its last.
const HALF_MESSAGE: u64 = 30_000_000;

/// What is to be done about connections, in order. Octets lie in `bytes`.
#[derive(Debug, Default)]
pub struct Replies {
    pub list: Vec<(u64, Reply)>,
    pub bytes: Vec<u8>,
    /// The server is to end.
    pub shutdown: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    Write(Range<usize>),
    /// Close at once.
    Abort,
}

struct Connection {
    decoder: Decoder,
    /// Keys that were opened, with the number under which the client names them.
    keys: Vec<(u32, Key)>,
    next_id: u32,
    source: Ipv4Addr,
    /// Microseconds: when it was last heard of, and since when it owes the rest of something.
    heard: u64,
    owes_since: Option<u64>,
}

/// All of it.
pub struct Omapi {
    /// `omapi-key`: who needs one must sign.
    key: Option<Name>,
    connections: BTreeMap<u64, Connection>,
    /// Octets of all connections that wait for more.
    pending: usize,
    /// Microseconds: nobody has owed the rest of something for too long before this moment.
    deadline: Option<u64>,
    handles: Handles,
    taken: Taken,
    state: u32,
    drafts: u64,
    seed: u32,
}

impl Omapi {
    /// `seed`: where the numbers of messages and handles begin.
    pub fn new(key: Option<Name>, seed: u32) -> Omapi {
        let (connections, handles, taken) = (BTreeMap::new(), Handles::new(seed), Taken::default());
        Omapi { key, connections, pending: 0, deadline: None, handles, taken, state: 0, drafts: 0, seed }
    }

    pub fn needs_key(&self) -> bool {
        self.key.is_some()
    }

    /// Whether this connection is one of OMAPI's.
    pub fn has(&self, stream: u64) -> bool {
        self.connections.contains_key(&stream)
    }

    pub fn accepted(&mut self, now: u64, stream: u64, source: Ipv4Addr, replies: &mut Replies) {
        if self.connections.len() >= MOST_CONNECTIONS {
            let stranger = |connection: &Connection| self.key.is_some() && connection.keys.is_empty();
            let silent = self.connections.iter().min_by_key(|(_, one)| (!stranger(one), one.heard));
            if let Some(stream) = silent.map(|(stream, _)| *stream) {
                self.abort(stream, replies);
            }
        }
        let limit = if self.key.is_some() { MESSAGE_OF_STRANGERS } else { MESSAGE };
        self.seed = self.seed.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        let connection = Connection {
            decoder: Decoder::new(limit),
            keys: Vec::new(),
            next_id: self.seed >> 1,
            source,
            heard: now,
            owes_since: Some(now),
        };
        self.enter(stream, connection);
        let start = replies.bytes.len();
        replies.bytes.extend_from_slice(&greeting());
        replies.list.push((stream, Reply::Write(start..replies.bytes.len())));
    }

    fn enter(&mut self, stream: u64, connection: Connection) {
        self.pending += connection.decoder.pending();
        if let Some(since) = connection.owes_since {
            let late = since + HALF_MESSAGE;
            self.deadline = Some(self.deadline.map_or(late, |deadline| deadline.min(late)));
        }
        self.connections.insert(stream, connection);
    }

    fn take(&mut self, stream: u64) -> Option<Connection> {
        let connection = self.connections.remove(&stream)?;
        self.pending -= connection.decoder.pending();
        Some(connection)
    }

    pub fn closed(&mut self, stream: u64) {
        self.take(stream);
    }

    /// Forgets a connection and closes it.
    pub fn abort(&mut self, stream: u64, replies: &mut Replies) {
        if self.take(stream).is_some() {
            replies.list.push((stream, Reply::Abort));
        }
    }

    /// Octets of a connection. Nothing of it is answered after an order to end.
    pub fn received(
        &mut self,
        now: u64,
        stream: u64,
        octets: &[u8],
        world: &mut World,
        replies: &mut Replies,
    ) {
        let Some(mut connection) = self.take(stream) else { return };
        connection.heard = now;
        connection.decoder.push(octets);
        while !replies.shutdown {
            let Connection { decoder, keys, .. } = &mut connection;
            let key_of = |number| keys.iter().find(|(known, _)| *known == number).map(|(_, key)| key);
            match decoder.next(key_of) {
                Ok(Some(received)) => {
                    if !self.message(stream, &mut connection, &received, world, replies) {
                        return replies.list.push((stream, Reply::Abort));
                    }
                    connection.owes_since = None;
                }
                Ok(None) => break,
                Err(_) => return replies.list.push((stream, Reply::Abort)),
            }
        }
        let owes = connection.decoder.pending() > 0 || !connection.decoder.is_greeted();
        connection.owes_since = owes.then(|| connection.owes_since.unwrap_or(now));
        self.enter(stream, connection);
        if self.pending > ALL_PENDING {
            self.abort(stream, replies);
        }
    }

    /// False: the connection is to be closed.
    fn message(
        &mut self,
        stream: u64,
        connection: &mut Connection,
        received: &Received,
        world: &mut World,
        replies: &mut Replies,
    ) -> bool {
        let Received { message, proof, mark } = received;
        let is_signed = match proof {
            Proof::UnknownKey => return false,
            Proof::None => false,
            Proof::Good if self.taken.is_replay(message, *mark, connection.source) => {
                let answer = Answer::Status(Code::INVALID_KEY, message::REPLAY);
                self.reply(stream, connection, message, true, &answer, world, replies);
                return true;
            }
            Proof::Good => true,
            Proof::Bad => {
                let answer = Answer::Status(Code::INVALID_KEY, "");
                self.reply(stream, connection, message, false, &answer, world, replies);
                return true;
            }
        };
        let standing = Standing { needs_key: self.key.is_some(), is_signed };
        let mut answer = self.desk().answer(world, message, standing);
        if let (Operation::Open, Answer::Object(Object::Key(name))) = (message.operation, &answer)
            && let Err(code) = self.select_key(connection, &name.clone(), world)
        {
            answer = Answer::Status(code, message::CANNOT_SELECT);
        }
        match answer {
            Answer::Close => return false,
            Answer::Shutdown => replies.shutdown = true,
            answer => self.reply(stream, connection, message, is_signed, &answer, world, replies),
        }
        true
    }

    fn desk(&mut self) -> Desk<'_> {
        Desk { handles: &mut self.handles, state: self.state, drafts: &mut self.drafts }
    }

    /// From now on messages may be signed with it.
    fn select_key(&mut self, connection: &mut Connection, name: &Name, world: &World) -> Result<(), Code> {
        let is_ours = |own: &Name| own.eq_ignore_ascii_case(name);
        if self.key.as_ref().is_some_and(|own| !is_ours(own)) {
            return Err(Code::INVALID_KEY);
        }
        let key = world.config.find_key(name).ok_or(Code::NOT_FOUND)?;
        let algorithm = key.algorithm.as_deref().and_then(Algorithm::from_full_name);
        let (algorithm, secret) = (algorithm.ok_or(Code::INVALID_ARGUMENT)?, key.secret.as_deref());
        let number = self.handles.number(&Object::Key(name.clone()));
        connection.keys.retain(|(known, _)| *known != number);
        if connection.keys.len() == MOST_KEYS {
            return Err(Code::FAILURE);
        }
        connection.keys.push((number, Key::new(algorithm, secret.unwrap_or_default())));
        connection.decoder.set_limit(MESSAGE);
        Ok(())
    }

    /// Signed as the question was.
    #[expect(clippy::too_many_arguments, reason = "each is another thing")]
    fn reply(
        &mut self,
        stream: u64,
        connection: &mut Connection,
        question: &Message,
        is_signed: bool,
        answer: &Answer,
        world: &mut World,
        replies: &mut Replies,
    ) {
        let start = replies.bytes.len();
        let mut header = Message::new(Operation::Status, connection.next_id);
        connection.next_id = connection.next_id.wrapping_add(1);
        header.response_to = question.id;
        let key = connection.keys.iter().find(|(number, _)| is_signed && *number == question.authenticator);
        let key = key.map(|(number, key)| {
            header.authenticator = *number;
            key
        });
        match answer {
            Answer::Status(code, text) => {
                let mut writer = Writer::begin(&header, key, &mut replies.bytes);
                writer.put_u32("result", code.0);
                if !text.is_empty() {
                    writer.put(b"message", text.as_bytes());
                }
                writer.begin_object();
                writer.end();
            }
            Answer::Object(object) => {
                header.operation = Operation::Update;
                header.handle = self.handles.number(object);
                let mut writer = Writer::begin(&header, key, &mut replies.bytes);
                writer.begin_object();
                self.desk().put(world, object, &mut writer);
                writer.end();
                // In ISC nothing holds on to such a class once it has been sent.
                if let Object::Draft(Kind::Class | Kind::Subclass, _) = object {
                    self.handles.forget(object);
                }
            }
            Answer::Shutdown | Answer::Close => {}
        }
        replies.list.push((stream, Reply::Write(start..replies.bytes.len())));
    }

    /// Closes whoever has owed the rest of something for too long.
    pub fn timer(&mut self, now: u64, replies: &mut Replies) {
        let late = |one: &Connection| one.owes_since.is_some_and(|since| since + HALF_MESSAGE <= now);
        let late: Vec<u64> =
            self.connections.iter().filter(|(_, one)| late(one)).map(|(stream, _)| *stream).collect();
        late.into_iter().for_each(|stream| self.abort(stream, replies));
        let since = self.connections.values().filter_map(|one| one.owes_since).min();
        self.deadline = since.map(|since| since + HALF_MESSAGE);
    }

    /// Monotonic microseconds at which [`Omapi::timer`] may have something to do.
    pub fn next_deadline(&self) -> Option<u64> {
        self.deadline
    }
}
