//! A scripted failover peer: it speaks the protocol on a socket of its own, keeps no leases, and says what a healthy peer
//! never would. It writes down what it is told.

use super::place::Place;
use super::scenario::{Result, Side};
use crate::ground::say;
use nix::sched::{CloneFlags, setns};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::time::{Duration, Instant, SystemTime};

pub const POOLREQ: u8 = 1;
pub const POOLRESP: u8 = 2;
pub const BNDUPD: u8 = 3;
pub const BNDACK: u8 = 4;
pub const CONNECT: u8 = 5;
pub const CONNECTACK: u8 = 6;
pub const UPDREQALL: u8 = 7;
pub const UPDDONE: u8 = 8;
pub const UPDREQ: u8 = 9;
pub const STATE: u8 = 10;
pub const CONTACT: u8 = 11;
pub const DISCONNECT: u8 = 12;

/// Of message types.
pub const NAMES: [&str; 13] = [
    "0",
    "POOLREQ",
    "POOLRESP",
    "BNDUPD",
    "BNDACK",
    "CONNECT",
    "CONNECTACK",
    "UPDREQALL",
    "UPDDONE",
    "UPDREQ",
    "STATE",
    "CONTACT",
    "DISCONNECT",
];

/// Option codes.
pub mod code {
    pub const TRANSFERRED: u16 = 1;
    pub const ADDRESS: u16 = 2;
    pub const STATUS: u16 = 3;
    pub const CLIENT_ID: u16 = 4;
    pub const CHADDR: u16 = 5;
    pub const CLTT: u16 = 6;
    pub const HBA: u16 = 11;
    pub const IP_FLAGS: u16 = 12;
    pub const LEASE_EXPIRY: u16 = 13;
    pub const MAX_UNACKED: u16 = 14;
    pub const MCLT: u16 = 15;
    pub const MESSAGE: u16 = 16;
    pub const DIGEST: u16 = 17;
    pub const POTENTIAL_EXPIRY: u16 = 18;
    pub const RECEIVE_TIMER: u16 = 19;
    pub const VERSION: u16 = 20;
    pub const REJECT: u16 = 21;
    pub const NAME: u16 = 22;
    pub const FLAGS: u16 = 23;
    pub const STATE: u16 = 24;
    pub const STOS: u16 = 25;
    pub const TLS_REPLY: u16 = 26;
    pub const TLS_REQUEST: u16 = 27;
    pub const VENDOR_CLASS: u16 = 28;
    pub const VENDOR_OPTIONS: u16 = 29;
}

pub type Option_ = (u16, Vec<u8>);

/// A message that arrived.
#[derive(Clone, Debug)]
pub struct Heard {
    pub kind: u8,
    pub xid: u32,
    pub options: Vec<Option_>,
}

impl Heard {
    pub fn option(&self, code: u16) -> Option<&[u8]> {
        self.options.iter().find(|(known, _)| *known == code).map(|(_, value)| value.as_slice())
    }
}

/// What waiting for a message led to.
#[derive(Debug)]
pub enum Next {
    Message(Heard),
    Nothing,
    Closed,
}

/// Whom it plays, and what it has heard and seen.
pub struct Peer {
    /// The server it speaks to.
    server: Side,
    listener: Option<TcpListener>,
    stream: Option<TcpStream>,
    kept: Vec<u8>,
    pub xid: u32,
    pub seen: Vec<String>,
}

pub fn now() -> u32 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs() as u32)
}

pub fn long(value: u32) -> Vec<u8> {
    value.to_be_bytes().to_vec()
}

fn port(side: Side) -> u16 {
    if side == Side::Primary { 847 } else { 647 }
}

fn socket(side: Side, port: u16) -> SocketAddrV4 {
    SocketAddrV4::new(side.address().parse().unwrap_or(Ipv4Addr::UNSPECIFIED), port)
}

/// Runs `script` as the peer of `server`, in the other side's namespace.
pub fn play<T: Send + 'static>(
    place: &Place,
    server: Side,
    script: impl FnOnce(&mut Peer) -> Result<T> + Send + 'static,
) -> Result<(T, Vec<String>)> {
    let side = other(server);
    let namespace = File::open(format!("/proc/{}/ns/net", place.pid(side))).map_err(say("namespace"))?;
    std::thread::spawn(move || {
        setns(namespace, CloneFlags::CLONE_NEWNET).map_err(say("setns"))?;
        let mut peer =
            Peer { server, listener: None, stream: None, kept: Vec::new(), xid: 0, seen: Vec::new() };
        let value = script(&mut peer)?;
        Ok((value, peer.seen))
    })
    .join()
    .map_err(|_| "the scripted peer panicked".to_string())?
}

pub fn other(side: Side) -> Side {
    if side == Side::Primary { Side::Secondary } else { Side::Primary }
}

impl Peer {
    pub fn note(&mut self, text: impl Into<String>) {
        self.seen.push(text.into());
    }

    /// A connection to the server, from the peer's own address.
    pub fn connect(&mut self) -> Result<()> {
        self.close();
        let until = Instant::now() + Duration::from_secs(5);
        loop {
            match TcpStream::connect_timeout(
                &SocketAddr::V4(socket(self.server, port(self.server))),
                Duration::from_secs(5),
            ) {
                Ok(stream) => {
                    self.take(stream);
                    return Ok(());
                }
                Err(error) if Instant::now() > until => return Err(format!("connect: {error}")),
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    fn take(&mut self, stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        self.stream = Some(stream);
        self.kept.clear();
    }

    pub fn listen(&mut self) -> Result<()> {
        let side = other(self.server);
        let listener = TcpListener::bind(socket(side, port(side))).map_err(say("listen"))?;
        listener.set_nonblocking(true).map_err(say("listen"))?;
        self.listener = Some(listener);
        Ok(())
    }

    pub fn accept(&mut self) -> Result<()> {
        self.close();
        let listener = self.listener.as_ref().ok_or("it does not listen")?;
        let until = Instant::now() + Duration::from_secs(120);
        while Instant::now() < until {
            if let Ok((stream, _)) = listener.accept() {
                stream.set_nonblocking(false).map_err(say("accept"))?;
                self.take(stream);
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Err("nobody connects".into())
    }

    pub fn close(&mut self) {
        self.stream = None;
    }

    pub fn raw(&mut self, octets: &[u8]) {
        if let Some(stream) = &mut self.stream {
            let _ = stream.write_all(octets);
        }
    }

    pub fn send(&mut self, kind: u8, options: &[Option_]) -> u32 {
        self.send_at(kind, options, now())
    }

    pub fn send_at(&mut self, kind: u8, options: &[Option_], time: u32) -> u32 {
        let xid = self.xid;
        self.xid += 1;
        self.raw(&encode(kind, options, time, xid));
        xid
    }

    /// With the number of what it answers.
    pub fn answer(&mut self, kind: u8, options: &[Option_], xid: u32) {
        self.raw(&encode(kind, options, now(), xid));
    }

    pub fn next(&mut self, patience: Duration) -> Next {
        let until = Instant::now() + patience;
        loop {
            if let Some(message) = self.cut() {
                if message.kind != CONTACT {
                    self.note(describe(&message));
                }
                return Next::Message(message);
            }
            let left = until.saturating_duration_since(Instant::now());
            let Some(stream) = &mut self.stream else { return Next::Closed };
            if left.is_zero() {
                return Next::Nothing;
            }
            let _ = stream.set_read_timeout(Some(left));
            let mut buffer = [0; 65_536];
            match stream.read(&mut buffer) {
                Ok(0) => {
                    self.note("closed");
                    self.stream = None;
                    return Next::Closed;
                }
                Ok(length) => self.kept.extend_from_slice(buffer.get(..length).unwrap_or_default()),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    return Next::Nothing;
                }
                Err(_) => {
                    self.note("closed");
                    self.stream = None;
                    return Next::Closed;
                }
            }
        }
    }

    fn cut(&mut self) -> Option<Heard> {
        let length = usize::from(u16::from_be_bytes(self.kept.get(..2)?.try_into().ok()?));
        let message: Vec<u8> = self.kept.get(..length.max(12))?.to_vec();
        self.kept.drain(..length.max(12));
        let mut options = Vec::new();
        let mut rest = message.get(usize::from(message[3])..).unwrap_or_default();
        while let [a, b, c, d, tail @ ..] = rest {
            let length = usize::from(u16::from_be_bytes([*c, *d])).min(tail.len());
            options.push((u16::from_be_bytes([*a, *b]), tail[..length].to_vec()));
            rest = &tail[length..];
        }
        let xid = u32::from_be_bytes(message.get(8..12)?.try_into().ok()?);
        Some(Heard { kind: message[2], xid, options })
    }

    /// Everything until there was a pause.
    pub fn drain(&mut self, pause: f64) {
        while let Next::Message(_) = self.next(Duration::from_secs_f64(pause)) {}
    }

    /// Acknowledges updates and ends requests for so long.
    pub fn acknowledge(&mut self, seconds: f64) {
        let until = Instant::now() + Duration::from_secs_f64(seconds);
        while Instant::now() < until {
            match self.next(Duration::from_millis(300)) {
                Next::Message(message) if message.kind == BNDUPD => {
                    let address = message.option(code::ADDRESS).unwrap_or_default().to_vec();
                    self.answer(BNDACK, &[(code::ADDRESS, address)], message.xid);
                }
                Next::Message(message) if matches!(message.kind, UPDREQ | UPDREQALL) => {
                    self.answer(UPDDONE, &[], message.xid);
                }
                Next::Closed => return,
                _ => {}
            }
        }
    }

    pub fn state(&mut self, state: u8) {
        self.send(STATE, &[(code::STATE, vec![state]), (code::FLAGS, vec![0]), (code::STOS, long(now()))]);
    }
}

pub fn encode(kind: u8, options: &[Option_], time: u32, xid: u32) -> Vec<u8> {
    let mut body = Vec::new();
    for (code, value) in options {
        body.extend(code.to_be_bytes());
        body.extend((value.len() as u16).to_be_bytes());
        body.extend(value);
    }
    let mut out = ((12 + body.len()) as u16).to_be_bytes().to_vec();
    out.extend([kind, 12]);
    out.extend(time.to_be_bytes());
    out.extend(xid.to_be_bytes());
    out.extend(body);
    out
}

/// Options that are times count as given or 0. By vendor-options servers of our kind know each other; the real one has none.
fn describe(message: &Heard) -> String {
    let mut out = format!("< {}", NAMES.get(usize::from(message.kind)).unwrap_or(&"?"));
    for (code, value) in message.options.iter().filter(|(code, _)| *code != code::VENDOR_OPTIONS) {
        let number = value.iter().fold(0u64, |sum, octet| sum << 8 | u64::from(*octet));
        let _ = match *code {
            code::CLTT | code::LEASE_EXPIRY | code::POTENTIAL_EXPIRY | code::STOS => {
                write!(out, " {code}={}", if number == 0 { "0" } else { "time" })
            }
            code::ADDRESS => {
                write!(out, " {}", value.iter().map(u8::to_string).collect::<Vec<_>>().join("."))
            }
            code::MESSAGE | code::NAME | code::VENDOR_CLASS => {
                write!(out, " {code}={:?}", String::from_utf8_lossy(value))
            }
            _ if value.len() <= 4 => write!(out, " {code}={number}"),
            _ => write!(out, " {code}={}", crate::wire::hex(value)),
        };
    }
    out
}
