//! One connection to an OMAPI server, as the client: greeting, authenticator, one request at a time.

use super::object::Object;
use crate::omapi::codec::{Decoder, Message, Operation, Proof, Received, Values, greeting};
use crate::omapi::key::{Algorithm, Key};
use crate::omapi::result::Code;
use std::io;

/// Octets of an answer, at most.
const LARGEST: usize = 1 << 20;

/// What ISC says when a connection ends before it is ready.
pub const NO_MORE: Code = Code(29);
const OUT_OF_MEMORY: Code = Code(1);

/// Octets to and from the server. Both calls may wait.
pub trait Stream {
    fn send(&mut self, octets: &[u8]) -> io::Result<()>;
    /// 0: the server has closed it.
    fn receive(&mut self, into: &mut [u8]) -> io::Result<usize>;
}

/// The key that a session signs with, as it was typed.
#[derive(Clone, Debug)]
pub struct Credentials {
    pub name: Vec<u8>,
    /// As in `key-algorithm`; a domain is put behind one without a dot.
    pub algorithm: Vec<u8>,
    pub secret: Vec<u8>,
}

impl Credentials {
    fn full_algorithm(&self) -> Vec<u8> {
        let mut name = self.algorithm.clone();
        if !name.contains(&b'.') {
            name.extend_from_slice(b".SIG-ALG.REG.INT.");
        }
        name
    }

    fn key(&self) -> Option<Key> {
        let name = String::from_utf8(self.full_algorithm()).ok()?;
        Some(Key::new(Algorithm::from_full_name(&name)?, &self.secret))
    }
}

/// The signing key once the server has accepted its name.
struct Signer {
    /// The server's number of the key.
    authenticator: u32,
    key: Option<Key>,
}

/// What the server answered.
enum Answer {
    Object { handle: u32, values: Values },
    Status(Code),
}

/// A connection, open until something goes wrong on it.
pub struct Client {
    stream: Option<Box<dyn Stream>>,
    decoder: Decoder,
    signer: Option<Signer>,
    next_id: u32,
}

impl Client {
    /// Greets, and shows the server the key. `first_id` numbers the first message.
    pub fn connect(
        stream: Box<dyn Stream>,
        credentials: Option<&Credentials>,
        first_id: u32,
    ) -> Result<Client, Code> {
        let stream = Some(stream);
        let mut client = Client { stream, decoder: Decoder::new(LARGEST), signer: None, next_id: first_id };
        client.send(&greeting()).map_err(|_| NO_MORE)?;
        while client.decoder.next(|_| None).map_err(|_| NO_MORE)?.is_none() {
            if client.decoder.is_greeted() {
                break;
            }
            client.receive().map_err(|_| NO_MORE)?;
        }
        if let Some(credentials) = credentials {
            client.authenticate(credentials)?;
        }
        Ok(client)
    }

    fn authenticate(&mut self, credentials: &Credentials) -> Result<(), Code> {
        let mut message = self.message(Operation::Open);
        message.values.set(b"type", Some(b"authenticator"));
        message.object.set(b"name", Some(&credentials.name));
        message.object.set(b"algorithm", Some(&credentials.full_algorithm()));
        match self.request(&message) {
            Ok(Answer::Object { handle, .. }) => {
                self.signer = Some(Signer { authenticator: handle, key: credentials.key() });
                Ok(())
            }
            Ok(Answer::Status(code)) => Err(code),
            Err(_) => Err(NO_MORE),
        }
    }

    /// Looks the object up by what has been set; `create`: makes it, and it must not be there.
    pub fn open(&mut self, object: &mut Object, create: bool) -> Code {
        let mut message = self.message(Operation::Open);
        if create {
            message.values.set_u32("create", 1);
            message.values.set_u32("exclusive", 1);
        }
        message.values.set(b"type", Some(object.kind()));
        message.object = object.changed();
        self.about(object, &message)
    }

    pub fn update(&mut self, object: &mut Object) -> Code {
        let mut message = self.message(Operation::Update);
        message.handle = object.handle();
        message.object = object.changed();
        self.about(object, &message)
    }

    pub fn refresh(&mut self, object: &mut Object) -> Code {
        // ISC's overlooks that this request could not be sent, and finds nothing to wait for.
        if self.stream.is_none() {
            return NO_MORE;
        }
        let mut message = self.message(Operation::Refresh);
        message.handle = object.handle();
        self.about(object, &message)
    }

    /// The server forgets the object.
    pub fn remove(&mut self, object: &Object) -> Code {
        let mut message = self.message(Operation::Delete);
        message.handle = object.handle();
        match self.request(&message) {
            Ok(Answer::Status(code)) => code,
            // Nobody tells ISC's omshell that such a request is lost.
            Ok(Answer::Object { .. }) | Err(Code::CONNECTION_RESET) => NO_MORE,
            Err(code) => code,
        }
    }

    /// Whether the connection has not been lost yet, as far as it is known.
    pub fn is_open(&self) -> bool {
        self.stream.is_some()
    }

    fn message(&mut self, operation: Operation) -> Message {
        let message = Message::new(operation, self.next_id);
        self.next_id = self.next_id.wrapping_add(1);
        message
    }

    fn about(&mut self, object: &mut Object, message: &Message) -> Code {
        match self.request(message) {
            // ISC's cannot take over an object without values.
            Ok(Answer::Object { values, .. }) if values.is_empty() => Code::INVALID_ARGUMENT,
            Ok(Answer::Object { handle, values }) => {
                object.update(handle, &values);
                Code::SUCCESS
            }
            Ok(Answer::Status(code)) | Err(code) => code,
        }
    }

    /// An error ends the connection.
    fn request(&mut self, message: &Message) -> Result<Answer, Code> {
        if self.stream.is_none() {
            return Err(Code::INVALID_ARGUMENT);
        }
        let answer = self.exchange(message);
        if answer.is_err() {
            self.stream = None;
        }
        answer
    }

    fn exchange(&mut self, message: &Message) -> Result<Answer, Code> {
        let mut message = message.clone();
        let mut octets = Vec::new();
        match &self.signer {
            Some(Signer { key: None, .. }) => return Err(OUT_OF_MEMORY),
            Some(Signer { authenticator, key }) => {
                message.authenticator = *authenticator;
                message.encode(key.as_ref(), &mut octets);
            }
            None => message.encode(None, &mut octets),
        }
        self.send(&octets)?;
        loop {
            let signer = self.signer.as_ref();
            let key_of = |number: u32| {
                signer.filter(|signer| signer.authenticator == number).and_then(|signer| signer.key.as_ref())
            };
            match self.decoder.next(key_of).map_err(|_| Code::CONNECTION_RESET)? {
                Some(received) => {
                    if let Some(answer) = judge(&message, received)? {
                        return Ok(answer);
                    }
                }
                None => self.receive()?,
            }
        }
    }

    fn send(&mut self, octets: &[u8]) -> Result<(), Code> {
        let stream = self.stream.as_mut().ok_or(Code::CONNECTION_RESET)?;
        stream.send(octets).map_err(|_| Code::CONNECTION_RESET)
    }

    fn receive(&mut self) -> Result<(), Code> {
        let stream = self.stream.as_mut().ok_or(Code::CONNECTION_RESET)?;
        let mut buffer = [0; 4096];
        match stream.receive(&mut buffer) {
            Ok(length @ 1..) => {
                self.decoder.push(buffer.get(..length).unwrap_or_default());
                Ok(())
            }
            Ok(0) | Err(_) => Err(Code::CONNECTION_RESET),
        }
    }
}

/// What a message means for the request; none: it is not the answer. What answers something else, or under another key, is
/// not to be trusted, and neither is the connection.
fn judge(request: &Message, received: Received) -> Result<Option<Answer>, Code> {
    let Received { message, proof, .. } = received;
    if message.response_to == 0 {
        return Ok(None);
    }
    let proven = matches!(proof, Proof::Good | Proof::None);
    if !proven || message.response_to != request.id || message.authenticator != request.authenticator {
        return Err(Code::CONNECTION_RESET);
    }
    match message.operation {
        Operation::Update => Ok(Some(Answer::Object { handle: message.handle, values: message.object })),
        Operation::Status => {
            Ok(Some(Answer::Status(message.values.get_u32("result").map_or(Code::UNEXPECTED, Code))))
        }
        Operation::Unknown(_) => Err(Code::CONNECTION_RESET),
        _ => Ok(None),
    }
}
