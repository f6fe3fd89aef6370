//! BOOTP and DHCPv4 messages: RFC 951, RFC 2131, RFC 3396.

use super::option_area::{Malformed, Options, Shape};
use smallvec::SmallVec;
use std::net::Ipv4Addr;

/// Octets before the option area.
pub const FIXED: usize = 236;
/// What must be there at least: everything before `sname`. Some clients send no more.
pub const SHORTEST: usize = FIXED - SNAME_LENGTH - FILE_LENGTH;
pub const SNAME: usize = 44;
pub const SNAME_LENGTH: usize = 64;
pub const FILE: usize = 108;
pub const FILE_LENGTH: usize = 128;
pub const CHADDR: usize = 28;
pub const CHADDR_LENGTH: usize = 16;
pub const COOKIE: [u8; 4] = [99, 130, 83, 99];
/// The bit of `flags` by which a client asks for a broadcast reply.
pub const BROADCAST: u16 = 0x8000;
pub const BOOTREQUEST: u8 = 1;
pub const BOOTREPLY: u8 = 2;

/// Options this module has to know.
const HOST_NAME: u8 = 12;
const OVERLOAD: u8 = 52;
const MESSAGE_TYPE: u8 = 53;

/// Why a datagram is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Shorter than [`SHORTEST`]; ISC says nothing.
    TooShort,
    /// `hlen` is more than 16: "Discarding packet with bogus hlen."
    HardwareLength,
    /// A malformed option, and no server's message type that would excuse it.
    Options(Malformed),
}

/// What [`Message::decode_watched`] comes across, in wire order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Met<'a> {
    Option(u8, &'a [u8]),
    /// Passed over.
    EmptyHostName,
    /// The end of its area.
    Malformed(Malformed),
}

/// One piece of an option where it lies in the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    code: u8,
    length: u8,
    start: u16,
}

/// A view over one datagram. Fields beyond a short datagram's end read as zero.
#[derive(Clone, Debug)]
pub struct Message<'a> {
    payload: &'a [u8],
    pieces: SmallVec<[Piece; 32]>,
    with_options: bool,
}

impl<'a> Message<'a> {
    /// Reads the fixed part and finds the options: those of the option area, then, as option 52 says, those in `file` and
    /// in `sname`. An empty host-name option counts as absent.
    pub fn decode(payload: &'a [u8]) -> Result<Self, Refused> {
        Message::decode_watched(payload, &mut |_| {})
    }

    /// The same, and tells what is met on the way, also in a message that is refused in the end.
    pub fn decode_watched(payload: &'a [u8], watch: &mut dyn FnMut(Met<'a>)) -> Result<Self, Refused> {
        if payload.len() < SHORTEST {
            return Err(Refused::TooShort);
        }
        let mut message = Message { payload, pieces: SmallVec::new(), with_options: false };
        if usize::from(message.hlen()) > CHADDR_LENGTH {
            return Err(Refused::HardwareLength);
        }
        if payload.get(FIXED..FIXED + 4) == Some(&COOKIE[..]) {
            message.find_options(watch)?;
        }
        Ok(message)
    }

    fn find_options(&mut self, watch: &mut dyn FnMut(Met<'a>)) -> Result<(), Refused> {
        if let Err(malformed) = self.scan(FIXED + 4, self.payload.len(), watch) {
            // a server's mangled packet passes, a client's does not
            if !matches!(self.message_type(), 2 | 5 | 6) {
                return Err(Refused::Options(malformed));
            }
        }
        let overload = self.pieces(OVERLOAD).find_map(|data| data.first().copied()).unwrap_or(0);
        if overload & 1 != 0 {
            self.scan(FILE, FILE + FILE_LENGTH, watch).map_err(Refused::Options)?;
        }
        if overload & 2 != 0 {
            self.scan(SNAME, SNAME + SNAME_LENGTH, watch).map_err(Refused::Options)?;
        }
        self.with_options = true;
        Ok(())
    }

    fn scan(&mut self, from: usize, to: usize, watch: &mut dyn FnMut(Met<'a>)) -> Result<(), Malformed> {
        let area = self.payload.get(from..to.min(self.payload.len())).unwrap_or_default();
        for option in Options::new(area, Shape::DHCP) {
            let (code, offset, value) = option.inspect_err(|malformed| watch(Met::Malformed(*malformed)))?;
            let (Ok(code), Ok(start), Ok(length)) =
                (u8::try_from(code), u16::try_from(from + offset), u8::try_from(value.len()))
            else {
                continue; // a payload beyond 64 KB; no datagram has one
            };
            if code == HOST_NAME && length == 0 {
                watch(Met::EmptyHostName);
                continue;
            }
            watch(Met::Option(code, value));
            self.pieces.push(Piece { code, length, start });
        }
        Ok(())
    }

    /// The datagram as it came.
    pub fn payload(&self) -> &'a [u8] {
        self.payload
    }

    fn octet(&self, at: usize) -> u8 {
        self.payload.get(at).copied().unwrap_or(0)
    }

    fn address(&self, at: usize) -> Ipv4Addr {
        Ipv4Addr::new(self.octet(at), self.octet(at + 1), self.octet(at + 2), self.octet(at + 3))
    }

    /// 1 request, 2 reply.
    pub fn op(&self) -> u8 {
        self.octet(0)
    }

    pub fn htype(&self) -> u8 {
        self.octet(1)
    }

    /// Octets of `chaddr` in use, at most 16.
    pub fn hlen(&self) -> u8 {
        self.octet(2)
    }

    pub fn hops(&self) -> u8 {
        self.octet(3)
    }

    /// Transaction id, host byte order.
    pub fn xid(&self) -> u32 {
        u32::from(self.address(4))
    }

    pub fn secs(&self) -> u16 {
        u16::from_be_bytes([self.octet(8), self.octet(9)])
    }

    pub fn flags(&self) -> u16 {
        u16::from_be_bytes([self.octet(10), self.octet(11)])
    }

    pub fn wants_broadcast(&self) -> bool {
        self.flags() & BROADCAST != 0
    }

    pub fn ciaddr(&self) -> Ipv4Addr {
        self.address(12)
    }

    pub fn yiaddr(&self) -> Ipv4Addr {
        self.address(16)
    }

    pub fn siaddr(&self) -> Ipv4Addr {
        self.address(20)
    }

    pub fn giaddr(&self) -> Ipv4Addr {
        self.address(24)
    }

    /// The `hlen` octets of the client's hardware address.
    pub fn chaddr(&self) -> &'a [u8] {
        self.payload.get(CHADDR..CHADDR + usize::from(self.hlen()).min(CHADDR_LENGTH)).unwrap_or_default()
    }

    /// `sname`, 64 octets or what is there of them.
    pub fn sname(&self) -> &'a [u8] {
        self.payload.get(SNAME..(SNAME + SNAME_LENGTH).min(self.payload.len())).unwrap_or_default()
    }

    /// `file`, 128 octets or what is there of them.
    pub fn file(&self) -> &'a [u8] {
        self.payload.get(FILE..(FILE + FILE_LENGTH).min(self.payload.len())).unwrap_or_default()
    }

    /// The magic cookie was there and the options could be read. Without, the message is plain BOOTP.
    pub fn has_options(&self) -> bool {
        self.with_options
    }

    /// Option 53; 0 when absent or empty: BOOTP.
    pub fn message_type(&self) -> u8 {
        self.pieces(MESSAGE_TYPE).find_map(|data| data.first().copied()).unwrap_or(0)
    }

    fn value(&self, piece: &Piece) -> &'a [u8] {
        let start = usize::from(piece.start);
        self.payload.get(start..start + usize::from(piece.length)).unwrap_or_default()
    }

    /// Every option as it lies there, pieces of split options apart, in wire order.
    pub fn options(&self) -> impl Iterator<Item = (u8, &'a [u8])> + '_ {
        self.pieces.iter().map(|piece| (piece.code, self.value(piece)))
    }

    /// The pieces of one option in wire order.
    pub fn pieces(&self, code: u8) -> impl Iterator<Item = &'a [u8]> + '_ {
        self.pieces.iter().filter(move |piece| piece.code == code).map(|piece| self.value(piece))
    }

    pub fn contains(&self, code: u8) -> bool {
        self.pieces.iter().any(|piece| piece.code == code)
    }

    /// The option's value, pieces joined (RFC 3396). `joined` is only written when there is more than one piece.
    pub fn option<'b>(&self, code: u8, joined: &'b mut Vec<u8>) -> Option<&'b [u8]>
    where
        'a: 'b,
    {
        let mut pieces = self.pieces(code);
        let first = pieces.next()?;
        let Some(second) = pieces.next() else { return Some(first) };
        joined.clear();
        joined.extend_from_slice(first);
        joined.extend_from_slice(second);
        pieces.for_each(|piece| joined.extend_from_slice(piece));
        Some(joined)
    }
}

/// The fixed part of a message to be written. `chaddr` may have any length; `hlen` says how much of it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub op: u8,
    pub htype: u8,
    pub hlen: u8,
    pub hops: u8,
    pub xid: u32,
    pub secs: u16,
    pub flags: u16,
    pub ciaddr: Ipv4Addr,
    pub yiaddr: Ipv4Addr,
    pub siaddr: Ipv4Addr,
    pub giaddr: Ipv4Addr,
    pub chaddr: [u8; CHADDR_LENGTH],
    pub sname: [u8; SNAME_LENGTH],
    pub file: [u8; FILE_LENGTH],
}

impl Default for Header {
    fn default() -> Self {
        Header {
            op: BOOTREPLY,
            htype: 0,
            hlen: 0,
            hops: 0,
            xid: 0,
            secs: 0,
            flags: 0,
            ciaddr: Ipv4Addr::UNSPECIFIED,
            yiaddr: Ipv4Addr::UNSPECIFIED,
            siaddr: Ipv4Addr::UNSPECIFIED,
            giaddr: Ipv4Addr::UNSPECIFIED,
            chaddr: [0; CHADDR_LENGTH],
            sname: [0; SNAME_LENGTH],
            file: [0; FILE_LENGTH],
        }
    }
}

impl Header {
    /// What a reply takes over from a request: xid, secs, flags, giaddr, hops, htype, hlen and chaddr.
    pub fn reply_to(message: &Message<'_>) -> Self {
        let mut header = Header {
            htype: message.htype(),
            hlen: message.hlen(),
            hops: message.hops(),
            xid: message.xid(),
            secs: message.secs(),
            flags: message.flags(),
            giaddr: message.giaddr(),
            ..Header::default()
        };
        let whole = message.payload().get(CHADDR..CHADDR + CHADDR_LENGTH).unwrap_or_default();
        copy_field(&mut header.chaddr, whole);
        header
    }

    /// Appends the 236 octets.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.reserve(FIXED);
        out.extend([self.op, self.htype, self.hlen, self.hops]);
        out.extend(self.xid.to_be_bytes());
        out.extend(self.secs.to_be_bytes());
        out.extend(self.flags.to_be_bytes());
        for address in [self.ciaddr, self.yiaddr, self.siaddr, self.giaddr] {
            out.extend(address.octets());
        }
        out.extend_from_slice(&self.chaddr);
        out.extend_from_slice(&self.sname);
        out.extend_from_slice(&self.file);
    }
}

/// Copies text into a field, cut to the field's length, the rest of the field left as it is.
pub fn copy_field(field: &mut [u8], text: &[u8]) {
    for (to, from) in field.iter_mut().zip(text) {
        *to = *from;
    }
}
