//! The raw socket that pings an address before it is offered, RFC 792.

use super::{filter, udp};
use crate::wire::icmp::{echo_reply, echo_request};
use socket2::{Domain, Protocol, Socket, Type};
use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsFd, BorrowedFd};

const RECEIVE_BUFFER: usize = 4 << 20;

#[derive(Debug)]
pub struct IcmpSocket {
    socket: Socket,
    /// So that two servers on one host tell their echoes apart in a trace; replies are matched by address alone.
    identifier: u16,
}

impl IcmpSocket {
    pub fn open(identifier: u16) -> io::Result<IcmpSocket> {
        let socket = Socket::new(Domain::IPV4, Type::RAW.nonblocking().cloexec(), Some(Protocol::ICMPV4))?;
        socket.attach_filter(&filter::echo_reply())?;
        udp::receive_buffer(&socket, RECEIVE_BUFFER);
        Ok(IcmpSocket { socket, identifier })
    }

    pub fn request(&self, to: Ipv4Addr) -> io::Result<()> {
        let message = echo_request(self.identifier, 0);
        self.socket.send_to(&message, &SocketAddrV4::new(to, 0).into()).map(|_| ())
    }

    /// The next echo reply that has arrived. `WouldBlock` when there is none.
    pub fn reply(&self) -> io::Result<Option<Ipv4Addr>> {
        let mut packet = [0; 1500];
        let length = (&self.socket).read(&mut packet)?;
        Ok(packet.get(..length).and_then(echo_reply))
    }
}

impl AsFd for IcmpSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
