//! Connections to a server, and names of services. The result codes are those that ISC's library makes of the system's errors.

use crate::omapi::result::Code;
use crate::omshell::client::{NO_MORE, Stream};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::fs;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::AsFd;

struct Connection(TcpStream);

impl Stream for Connection {
    fn send(&mut self, octets: &[u8]) -> io::Result<()> {
        self.0.write_all(octets)
    }

    fn receive(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(into) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }
}

/// To the first IPv4 address that takes the connection.
pub fn connect(server: &str, port: u16) -> Result<Box<dyn Stream>, Code> {
    let addresses: Vec<SocketAddr> = (server, port)
        .to_socket_addrs()
        .map_err(|_| Code::HOST_UNKNOWN)?
        .filter(SocketAddr::is_ipv4)
        .collect();
    if addresses.is_empty() {
        return Err(Code::HOST_UNKNOWN);
    }
    for address in addresses {
        if let Some(stream) = try_one(address)? {
            return Ok(Box::new(Connection(stream)));
        }
    }
    // ISC finds nothing left to wait for.
    Err(NO_MORE)
}

/// None: the other side refuses, or does not answer. What this machine knows at once is an error.
fn try_one(address: SocketAddr) -> Result<Option<TcpStream>, Code> {
    let socket =
        Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).map_err(|_| Code::UNEXPECTED)?;
    socket.set_nonblocking(true).map_err(|_| Code::UNEXPECTED)?;
    match socket.connect(&SockAddr::from(address)) {
        Ok(()) => {}
        Err(error) if error.raw_os_error() == Some(Errno::EINPROGRESS as i32) => {
            let mut wait = [PollFd::new(socket.as_fd(), PollFlags::POLLOUT)];
            while poll(&mut wait, PollTimeout::NONE) == Err(Errno::EINTR) {}
            if !matches!(socket.take_error(), Ok(None)) {
                return Ok(None);
            }
        }
        Err(error) => return Err(code(&error)),
    }
    let ready = socket.set_nonblocking(false).and_then(|()| socket.set_tcp_nodelay(true));
    ready.map_err(|_| Code::UNEXPECTED)?;
    Ok(Some(socket.into()))
}

fn code(error: &io::Error) -> Code {
    match Errno::from_raw(error.raw_os_error().unwrap_or(0)) {
        Errno::EACCES | Errno::EPERM => Code::NO_PERMISSION,
        Errno::EADDRNOTAVAIL => Code(4),
        Errno::EADDRINUSE => Code(5),
        Errno::ENETUNREACH => Code(8),
        Errno::EHOSTUNREACH => Code(9),
        Errno::ENETDOWN => Code(10),
        Errno::EHOSTDOWN => Code(11),
        Errno::ECONNREFUSED => Code::CONNECTION_REFUSED,
        Errno::EINVAL => Code::INVALID_ARGUMENT,
        _ => Code::UNEXPECTED,
    }
}

/// The port of a TCP service, from services(5).
pub fn service(name: &str) -> Option<u16> {
    let text = String::from_utf8_lossy(&fs::read("/etc/services").ok()?).into_owned();
    text.lines().find_map(|line| {
        let mut words = line.split('#').next()?.split_whitespace();
        let (own, entry) = (words.next()?, words.next()?);
        let port = entry.strip_suffix("/tcp")?;
        (own == name || words.any(|alias| alias == name)).then(|| port.parse().ok())?
    })
}
