//! The UDP socket for replies that the kernel routes: to relays and to clients that have an address. It holds the port
//! and receives nothing: every datagram it could get, a packet socket has got already.

use super::message::{self, Refusal};
use super::{filter, system};
use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::AsFd;

/// Answers to neighbours that do not reply to ARP stay in the send buffer for seconds; it must hold many of them.
const SEND_BUFFER: usize = 64 << 20;

#[derive(Debug)]
pub struct UdpSocket {
    socket: Socket,
}

impl UdpSocket {
    /// Binds to `local-address` (or any) and the server's port.
    pub fn open(local: Ipv4Addr, port: u16) -> Result<UdpSocket, Refusal> {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM.nonblocking().cloexec(), Some(Protocol::UDP))
            .map_err(|e| message::no_udp_socket(&e))?;
        socket.set_reuse_address(true).map_err(|e| message::no_reuse(&e))?;
        // Best effort: without the filter datagrams fill the receive buffer, and no more.
        let _ = socket.attach_filter(&filter::nothing());
        socket.bind(&SockAddr::from(SocketAddrV4::new(local, port))).map_err(|e| message::cannot_bind(&e))?;
        send_buffer(&socket, SEND_BUFFER);
        Ok(UdpSocket { socket })
    }

    pub(super) fn send(&self, messages: &[system::Message<'_>]) -> io::Result<usize> {
        system::send(self.socket.as_fd(), messages)
    }
}

/// As much as asked for with the privilege, as much as the system allows without.
pub(super) fn receive_buffer(socket: &Socket, octets: usize) {
    if setsockopt(socket, sockopt::RcvBufForce, &octets).is_err() {
        let _ = socket.set_recv_buffer_size(octets);
    }
}

fn send_buffer(socket: &Socket, octets: usize) {
    if setsockopt(socket, sockopt::SndBufForce, &octets).is_err() {
        let _ = socket.set_send_buffer_size(octets);
    }
}
