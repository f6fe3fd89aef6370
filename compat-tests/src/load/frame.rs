//! Frames of the clients. Every frame is 342 octets: a BOOTP message of 300 octets with its UDP, IPv4 and Ethernet headers.

use std::net::Ipv4Addr;

pub const LENGTH: usize = 342;
const BOOTP: usize = 42;
const OPTIONS: usize = BOOTP + 240;

pub const OFFER: u8 = 2;
pub const ACK: u8 = 5;
pub const NAK: u8 = 6;

/// Hardware address of client N.
pub fn hardware(client: u32) -> [u8; 6] {
    let [a, b, c, d] = client.to_be_bytes();
    [0x02, 0x4c, a, b, c, d]
}

/// What a client says beside its identity.
#[derive(Clone, Copy)]
pub enum Say {
    Discover,
    /// SELECTING: the offered address and the server's identifier.
    Request(Ipv4Addr, Ipv4Addr),
    /// RENEWING, unicast to the server.
    Renew(Ipv4Addr, Ipv4Addr),
    /// REBINDING.
    Rebind(Ipv4Addr),
    Release(Ipv4Addr, Ipv4Addr),
}

/// Writes a frame. `server_mac` is used for unicast only.
pub fn write(frame: &mut [u8; LENGTH], client: u32, xid: u32, say: Say, server_mac: [u8; 6]) {
    frame.fill(0);
    let mac = hardware(client);
    let (to_mac, from, to) = match say {
        Say::Discover | Say::Request(..) => ([0xff; 6], Ipv4Addr::UNSPECIFIED, Ipv4Addr::BROADCAST),
        Say::Rebind(own) => ([0xff; 6], own, Ipv4Addr::BROADCAST),
        Say::Renew(own, server) | Say::Release(own, server) => (server_mac, own, server),
    };
    frame[..6].copy_from_slice(&to_mac);
    frame[6..12].copy_from_slice(&mac);
    frame[12..14].copy_from_slice(&[0x08, 0x00]);
    let ip = &mut frame[14..34];
    ip[..12].copy_from_slice(&[0x45, 0, 0x01, 0x48, 0, 0, 0, 0, 64, 17, 0, 0]);
    ip[12..16].copy_from_slice(&from.octets());
    ip[16..20].copy_from_slice(&to.octets());
    let sum: u32 = ip.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    ip[10..12].copy_from_slice(&(!(folded as u16)).to_be_bytes());
    // UDP 68 -> 67, 308 octets, without a checksum.
    frame[34..42].copy_from_slice(&[0, 68, 0, 67, 0x01, 0x34, 0, 0]);
    frame[BOOTP..BOOTP + 4].copy_from_slice(&[1, 1, 6, 0]);
    frame[BOOTP + 4..BOOTP + 8].copy_from_slice(&xid.to_be_bytes());
    frame[BOOTP + 28..BOOTP + 34].copy_from_slice(&mac);
    frame[BOOTP + 236..OPTIONS].copy_from_slice(&[99, 130, 83, 99]);
    let mut at = OPTIONS;
    let mut put = |octets: &[u8]| {
        frame[at..at + octets.len()].copy_from_slice(octets);
        at += octets.len();
    };
    let kind = match say {
        Say::Discover => 1,
        Say::Release(..) => 7,
        _ => 3,
    };
    put(&[53, 1, kind, 61, 7, 1]);
    put(&mac);
    if let Say::Request(address, server) = say {
        put(&[50, 4]);
        put(&address.octets());
        put(&[54, 4]);
        put(&server.octets());
    }
    if let Say::Release(_, server) = say {
        put(&[54, 4]);
        put(&server.octets());
    }
    put(&[55, 4, 1, 3, 6, 15, 255]);
    if let Say::Renew(own, _) | Say::Rebind(own) | Say::Release(own, _) = say {
        frame[BOOTP + 12..BOOTP + 16].copy_from_slice(&own.octets());
    }
}

/// How long the client has been trying.
pub fn set_secs(frame: &mut [u8; LENGTH], secs: u16) {
    frame[BOOTP + 8..BOOTP + 10].copy_from_slice(&secs.to_be_bytes());
}

/// What the generator reads from an answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answer {
    pub xid: u32,
    pub kind: u8,
    pub address: Ipv4Addr,
    pub server: Ipv4Addr,
    /// Of the lease.
    pub seconds: u32,
    pub hardware: [u8; 6],
}

pub fn read(frame: &[u8]) -> Option<Answer> {
    if frame.get(12..14)? != [8, 0] || *frame.get(23)? != 17 || frame.get(36..38)? != [0, 68] {
        return None;
    }
    let bootp = frame.get(BOOTP..)?;
    if bootp.first() != Some(&2) {
        return None;
    }
    let four = |at: usize| -> Option<[u8; 4]> { bootp.get(at..at + 4)?.try_into().ok() };
    let xid = u32::from_be_bytes(four(4)?);
    let address = four(16)?.into();
    let hardware = bootp.get(28..34)?.try_into().ok()?;
    let (mut kind, mut server, mut seconds) = (0, Ipv4Addr::UNSPECIFIED, 0);
    let mut options = bootp.get(240..)?;
    while let [code, rest @ ..] = options {
        options = rest;
        match code {
            0 => continue,
            255 => break,
            _ => {}
        }
        let length = usize::from(*options.first()?);
        let value = options.get(1..=length)?;
        options = options.get(length + 1..)?;
        match (code, value) {
            (53, [octet]) => kind = *octet,
            (51, &[a, b, c, d]) => seconds = u32::from_be_bytes([a, b, c, d]),
            (54, &[a, b, c, d]) => server = Ipv4Addr::new(a, b, c, d),
            _ => {}
        }
    }
    Some(Answer { xid, kind, address, server, seconds, hardware })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_checksum_is_right_and_an_answer_is_read() {
        let mut frame = [0; LENGTH];
        let (own, server) = (Ipv4Addr::new(10, 1, 2, 3), Ipv4Addr::new(10, 0, 0, 1));
        write(&mut frame, 0x0102_0304, 0xdead_beef, Say::Renew(own, server), [2; 6]);
        let sum: u32 = frame[14..34].chunks(2).map(|p| u32::from(u16::from_be_bytes([p[0], p[1]]))).sum();
        assert_eq!((sum & 0xffff) + (sum >> 16), 0xffff);
        frame[BOOTP] = 2;
        frame[37] = 68;
        frame[BOOTP + 16..BOOTP + 20].copy_from_slice(&own.octets());
        let answer = read(&frame).expect("an answer");
        assert_eq!((answer.xid, answer.kind, answer.address), (0xdead_beef, 3, own));
        assert_eq!(answer.hardware, hardware(0x0102_0304));
    }
}
