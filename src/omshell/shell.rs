//! The session: what has been typed so far, and what each command does and prints.
//!
//! Checks and their order are ISC's: scripts see in which order mistakes are reported.

use super::client::{Client, Credentials, Stream};
use super::message;
use super::object::{Object, Value};
use crate::eval::parse::number::{atoi, base64, convert_text};
use crate::eval::parse::text::host_name;
use crate::log::{Line, text_of};
use crate::omapi::result::Code;
use crate::syntax::cursor::Cursor;
use crate::syntax::keyword::Keyword;
use crate::syntax::source::{Source, SourceId};
use crate::syntax::token::Kind;

/// ISC reads lines into a buffer; what does not fit is a line of its own.
pub const LINE_MAX: usize = 1023;

/// Everything outside a session.
pub trait Outside {
    /// Connects; waits until that is decided.
    fn connect(&mut self, server: &str, port: u16) -> Result<Box<dyn Stream>, Code>;
    /// The port of a TCP service by name.
    fn service(&mut self, name: &str) -> Option<u16>;
    /// What messages of a new connection are numbered from.
    fn first_id(&mut self) -> u32;
    /// To standard output.
    fn print(&mut self, octets: &[u8]);
    /// A line to standard error alone.
    fn complain(&mut self, text: &str);
    /// To standard error and syslog.
    fn log(&mut self, line: Line);
}

/// One session.
pub struct Shell {
    server: String,
    port: i32,
    algorithm: Vec<u8>,
    key: Option<(Vec<u8>, Vec<u8>)>,
    connected: bool,
    client: Option<Client>,
    object: Option<Object>,
    failed: bool,
}

impl Default for Shell {
    fn default() -> Self {
        Shell {
            server: "127.0.0.1".into(),
            port: 7911,
            algorithm: b"hmac-md5".to_vec(),
            key: None,
            connected: false,
            client: None,
            object: None,
            failed: false,
        }
    }
}

/// Whether a command was carried out. What went wrong has been said.
type Done = Result<(), Failed>;
struct Failed;

fn is_end(kind: Kind) -> bool {
    matches!(kind, Kind::Eof | Kind::Char(b'\n'))
}

impl Shell {
    /// Whether a command has failed so far.
    pub fn has_failed(&self) -> bool {
        self.failed
    }

    /// What stands before the prompt.
    pub fn show(&self, outside: &mut dyn Outside) {
        let mut out = Vec::new();
        match &self.object {
            _ if !self.connected => {}
            None => out.extend_from_slice(message::NO_OBJECT_SHOWN.as_bytes()),
            Some(object) => object.show(&mut out),
        }
        outside.print(&out);
    }

    /// One line, its end included, of at most [`LINE_MAX`] octets.
    pub fn line(&mut self, line: &[u8], outside: &mut dyn Outside) {
        let line = line.split(|&octet| octet == 0).next().unwrap_or_default();
        let mut said: Vec<Line> = Vec::new();
        let mut report = |line: Line| said.push(line);
        let mut cursor = Cursor::by_line(Source::new("<STDIN>", line, SourceId(0)), &mut report);
        let done = self.command(&mut cursor, outside);
        self.failed |= done.is_err() || cursor.warned();
        for line in said {
            outside.log(line);
        }
    }

    fn command(&mut self, cursor: &mut Cursor<'_>, outside: &mut dyn Outside) -> Done {
        let kind = cursor.next();
        let Kind::Keyword(keyword) = kind else {
            return match kind {
                Kind::Eof | Kind::Char(b'\n') => Ok(()),
                Kind::Char(b'?') => help(cursor, outside),
                _ => unknown(cursor),
            };
        };
        match keyword {
            Keyword::Help => help(cursor, outside),
            Keyword::Port => self.port(cursor, outside),
            Keyword::Server => self.server(cursor, outside),
            Keyword::KeyAlgorithm => self.algorithm(cursor, outside),
            Keyword::Key => self.key(cursor, outside),
            Keyword::Connect => self.connect(cursor, outside),
            Keyword::Disconnect => self.disconnect(cursor, outside),
            // `new` has the number of this one.
            Keyword::ClientUpdates => self.new_object(cursor, outside),
            Keyword::Close => self.close(cursor, outside),
            Keyword::Set => self.set(cursor, outside),
            Keyword::Unset => self.unset(cursor, outside),
            Keyword::Create | Keyword::Open => self.open(cursor, outside, keyword == Keyword::Create),
            Keyword::Update => self.update(cursor, outside),
            Keyword::Remove => self.remove(cursor, outside),
            Keyword::Refresh => self.refresh(cursor, outside),
            _ => unknown(cursor),
        }
    }
}

fn help(cursor: &mut Cursor<'_>, outside: &mut dyn Outside) -> Done {
    outside.print(message::HELP.as_bytes());
    cursor.skip_to_semicolon();
    Ok(())
}

fn unknown(cursor: &mut Cursor<'_>) -> Done {
    let word = cursor.word().into_owned();
    cursor.warn(message::unknown_token(&word));
    cursor.skip_to_semicolon();
    Err(Failed)
}

/// Says what is wrong and passes over the rest of the line.
fn refuse(cursor: &mut Cursor<'_>, outside: &mut dyn Outside, text: impl AsRef<[u8]>) -> Done {
    outside.print(text.as_ref());
    cursor.skip_to_semicolon();
    Err(Failed)
}

/// Says what is wrong; the rest of the line is not looked at.
fn fail(outside: &mut dyn Outside, text: impl AsRef<[u8]>) -> Done {
    outside.print(text.as_ref());
    Err(Failed)
}

/// The line must end here.
fn end(cursor: &mut Cursor<'_>, outside: &mut dyn Outside, usage: &str) -> Done {
    if is_end(cursor.next()) { Ok(()) } else { refuse(cursor, outside, usage) }
}

fn outcome(code: Code, what: &str, outside: &mut dyn Outside) -> Done {
    if code == Code::SUCCESS { Ok(()) } else { fail(outside, message::cannot(what, code)) }
}

/// Where to connect, and who is asking.
impl Shell {
    fn port(&mut self, cursor: &mut Cursor<'_>, outside: &mut dyn Outside) -> Done {
        let kind = cursor.next();
        if kind.is_identifier() {
            match outside.service(&cursor.word()) {
                Some(port) => self.port = i32::from(port),
                None => return fail(outside, message::unknown_service(cursor.word_octets())),
            }
        } else if kind == Kind::Number {
            self.port = atoi(cursor.word_octets());
        } else {
            cursor.skip_to_semicolon();
            return fail(outside, message::PORT_USAGE);
        }
        end(cursor, outside, message::PORT_EXTRA)
    }

    fn server(&mut self, cursor: &mut Cursor<'_>, outside: &mut dyn Outside) -> Done {
        let kind = cursor.next();
        let mut name = cursor.word().into_owned();
        if kind == Kind::Number {
            for _ in 0..3 {
                if !cursor.next().is('.') || cursor.next() != Kind::Number {
                    return refuse(cursor, outside, message::SERVER_USAGE);
                }
                name.push('.');
                name.push_str(&cursor.word());
            }
        } else if !kind.is_identifier() {
            return refuse(cursor, outside, message::SERVER_USAGE);
        }
        self.server = name;
        end(cursor, outside, message::SERVER_USAGE)
    }

    fn algorithm(&mut self, cursor: &mut Cursor<'_>, outside: &mut dyn Outside) -> Done {
        if cursor.next() != Kind::Name {
            return refuse(cursor, outside, message::ALGORITHM_USAGE);
        }
        self.algorithm = cursor.word_octets().to_vec();
        if is_end(cursor.next()) {
            return Ok(());
        }
        refuse(cursor, outside, message::algorithm_extra(&self.algorithm))
    }

    fn key(&mut self, cursor: &mut Cursor<'_>, outside: &mut dyn Outside) -> Done {
        let name = match cursor.peek() {
            Kind::Str => None,
            _ => host_name(cursor),
        };
        let Some(name) = name else {
            cursor.next();
            return refuse(cursor, outside, message::KEY_USAGE);
        };
        let name = Line::error(&*name).octets().into_owned();
        let secret = base64(cursor);
        let (_, secret) = self.key.insert((name, secret.unwrap_or_default()));
        if secret.is_empty() {
            cursor.skip_to_semicolon();
            return Err(Failed);
        }
        end(cursor, outside, message::KEY_USAGE)
    }

    fn connect(&mut self, cursor: &mut Cursor<'_>, outside: &mut dyn Outside) -> Done {
        end(cursor, outside, message::CONNECT_USAGE)?;
        let credentials = self.key.clone().map(|(name, secret)| Credentials {
            name,
            algorithm: self.algorithm.clone(),
            secret,
        });
        // As htons(3) does, ISC takes what fits into a port.
        let port = self.port as u16;
        let first_id = outside.first_id();
        let client = outside
            .connect(&self.server, port)
            .and_then(|stream| Client::connect(stream, credentials.as_ref(), first_id));
        match client {
            Ok(client) => {
                self.client = Some(client);
                self.connected = true;
                Ok(())
            }
            Err(code) => {
                self.client = None;
                outside.complain(&message::connect_failed(code));
                Err(Failed)
            }
        }
    }

    fn disconnect(&mut self, cursor: &mut Cursor<'_>, outside: &mut dyn Outside) -> Done {
        end(cursor, outside, message::DISCONNECT_USAGE)?;
        let open = self.client.as_ref().map(Client::is_open);
        match open.filter(|_| self.connected) {
            Some(true) => {
                self.client = None;
                self.connected = false;
                return Ok(());
            }
            Some(false) => {
                outside.log(Line::debug(message::DISCONNECTED_ALREADY));
                outside.complain(&message::disconnect_failed(Code::INVALID_ARGUMENT));
            }
            None => outside.complain(message::NOTHING_TO_DISCONNECT),
        }
        Err(Failed)
    }
}

/// The object before the server is asked about it.
impl Shell {
    fn new_object(&mut self, cursor: &mut Cursor<'_>, outside: &mut dyn Outside) -> Done {
        let kind = cursor.next();
        if !kind.is_identifier() && kind != Kind::Str {
            return fail(outside, message::NEW_USAGE);
        }
        let name = cursor.word_octets().to_vec();
        if self.object.is_some() {
            return refuse(cursor, outside, message::ALREADY_OPEN);
        }
        if !self.connected {
            return refuse(cursor, outside, message::NOT_CONNECTED);
        }
        self.object = Some(Object::new(&name));
        end(cursor, outside, message::NEW_USAGE)
    }

    fn close(&mut self, cursor: &mut Cursor<'_>, outside: &mut dyn Outside) -> Done {
        end(cursor, outside, message::CLOSE_USAGE)?;
        if !self.connected {
            return refuse(cursor, outside, message::NOT_CONNECTED);
        }
        match self.object.take() {
            Some(_) => Ok(()),
            None => refuse(cursor, outside, message::NOT_OPEN),
        }
    }

    /// The name of an attribute, when there is an object that may have it.
    fn attribute(
        &self,
        cursor: &mut Cursor<'_>,
        outside: &mut dyn Outside,
        usage: &str,
    ) -> Result<Vec<u8>, Failed> {
        let kind = cursor.next();
        if !kind.is_identifier() && kind != Kind::Str {
            refuse(cursor, outside, usage)?;
        }
        let name = cursor.word_octets().to_vec();
        if self.object.is_none() {
            refuse(cursor, outside, message::NO_OPEN_OBJECT)?;
        }
        if !self.connected {
            refuse(cursor, outside, message::NOT_CONNECTED)?;
        }
        Ok(name)
    }

    fn set(&mut self, cursor: &mut Cursor<'_>, outside: &mut dyn Outside) -> Done {
        let name = self.attribute(cursor, outside, message::SET_USAGE)?;
        if !cursor.next().is('=') {
            return refuse(cursor, outside, message::SET_USAGE);
        }
        let (value, last) = value(cursor, outside);
        if let (Some(value), Some(object)) = (value, &mut self.object) {
            object.set(&name, Some(value));
        }
        if is_end(last) { Ok(()) } else { refuse(cursor, outside, message::SET_USAGE) }
    }

    fn unset(&mut self, cursor: &mut Cursor<'_>, outside: &mut dyn Outside) -> Done {
        let name = self.attribute(cursor, outside, message::UNSET_USAGE)?;
        end(cursor, outside, message::UNSET_USAGE)?;
        if let Some(object) = &mut self.object {
            object.set(&name, None);
        }
        Ok(())
    }
}

/// A value, and the token that ended it; none after what is no value.
fn value(cursor: &mut Cursor<'_>, outside: &mut dyn Outside) -> (Option<Value>, Kind) {
    let kind = cursor.next();
    match kind {
        Kind::Str => {
            let text = cursor.word_octets().to_vec();
            (Some(Value::Text(text)), cursor.next())
        }
        Kind::Number => {
            let digits = cursor.word_octets().to_vec();
            match cursor.peek() {
                Kind::Char(b':') => colons(cursor, digits),
                Kind::Char(b'.') => dots(cursor, digits),
                _ => (Some(Value::Number(atoi(&digits))), cursor.next()),
            }
        }
        Kind::NumberOrName => {
            let digits = cursor.word_octets().to_vec();
            colons(cursor, digits)
        }
        _ => {
            let _ = refuse(cursor, outside, message::INVALID_VALUE);
            (None, kind)
        }
    }
}

/// Hexadecimal octets with colons between; one may also stand at the end.
fn colons(cursor: &mut Cursor<'_>, first: Vec<u8>) -> (Option<Value>, Kind) {
    let (mut octets, mut digits) = (Vec::new(), first);
    let last = loop {
        octets.push(convert_text(cursor, &digits, 16, 8) as u8);
        let kind = cursor.next();
        if !kind.is(':') {
            break kind;
        }
        let kind = cursor.next();
        if !matches!(kind, Kind::Number | Kind::NumberOrName) {
            break kind;
        }
        digits = cursor.word_octets().to_vec();
    };
    (Some(Value::Data(octets)), last)
}

/// Decimal octets with dots between; between two dots a zero is missing.
fn dots(cursor: &mut Cursor<'_>, first: Vec<u8>) -> (Option<Value>, Kind) {
    let (mut octets, mut digits) = (Vec::new(), first);
    // The dot behind the first number has been looked at, which is the token a complaint is followed by.
    let mut last = Kind::Char(b'.');
    loop {
        let octet = atoi(&digits);
        if octet > 255 {
            cursor.warn(message::octet_too_large(&text_of(&digits)));
            cursor.skip_to_semicolon();
            return (None, last);
        }
        octets.push(octet as u8);
        last = cursor.next();
        if !last.is('.') {
            break;
        }
        last = cursor.next();
        while last.is('.') {
            octets.push(0);
            last = cursor.next();
        }
        if last != Kind::Number {
            break;
        }
        digits = cursor.word_octets().to_vec();
    }
    (Some(Value::Data(octets)), last)
}

/// What the server is asked for.
impl Shell {
    /// The object and the connection for a request; the words for when there is no object differ.
    fn at_hand(
        &mut self,
        outside: &mut dyn Outside,
        without: &str,
    ) -> Result<(&mut Object, Option<&mut Client>), Failed> {
        if !self.connected {
            fail(outside, message::NOT_CONNECTED)?;
        }
        match &mut self.object {
            Some(object) => Ok((object, self.client.as_mut())),
            None => {
                outside.print(without.as_bytes());
                Err(Failed)
            }
        }
    }

    fn open(&mut self, cursor: &mut Cursor<'_>, outside: &mut dyn Outside, create: bool) -> Done {
        named_end(cursor, outside)?;
        let (object, client) = self.at_hand(outside, message::MAKE_FIRST)?;
        let code = client.map_or(Code::INVALID_ARGUMENT, |client| client.open(object, create));
        outcome(code, "open", outside)
    }

    fn update(&mut self, cursor: &mut Cursor<'_>, outside: &mut dyn Outside) -> Done {
        named_end(cursor, outside)?;
        let (object, client) = self.at_hand(outside, message::OPEN_FIRST)?;
        let code = client.map_or(Code::INVALID_ARGUMENT, |client| client.update(object));
        outcome(code, "update", outside)
    }

    fn refresh(&mut self, cursor: &mut Cursor<'_>, outside: &mut dyn Outside) -> Done {
        end(cursor, outside, message::REFRESH_USAGE)?;
        let (object, client) = self.at_hand(outside, message::NO_OBJECT)?;
        let code = client.map_or(Code::INVALID_ARGUMENT, |client| client.refresh(object));
        outcome(code, "refresh", outside)
    }

    fn remove(&mut self, cursor: &mut Cursor<'_>, outside: &mut dyn Outside) -> Done {
        end(cursor, outside, message::REMOVE_USAGE)?;
        let (object, client) = self.at_hand(outside, message::NO_OBJECT)?;
        let code = client.map_or(Code::INVALID_ARGUMENT, |client| client.remove(object));
        outcome(code, "destroy", outside)?;
        self.object = None;
        Ok(())
    }
}

/// The line must end here; what stands here instead is shown.
fn named_end(cursor: &mut Cursor<'_>, outside: &mut dyn Outside) -> Done {
    if is_end(cursor.next()) {
        return Ok(());
    }
    let usage = message::usage(cursor.word_octets());
    refuse(cursor, outside, usage)
}
