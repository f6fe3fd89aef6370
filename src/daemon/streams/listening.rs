//! Listening sockets: opened at start, and tried again later when that failed, as ISC does (`omapi_listener_start`, every
//! 5 seconds; `dhcp_failover_listen`, every 90).

use super::{ACCEPTED, Arrived};
use crate::daemon::{message, trace};
use crate::server::effect::StreamId;
use crate::server::event::Listener;
use crate::stream::Wanted;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::io;
use std::net::{SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::Sender;

/// Callers that the kernel keeps waiting. ISC's 1 loses them when several come at once.
const BACKLOG: i32 = 128;
/// How long nothing is accepted when there is no room, or no descriptor is left.
const FULL: Duration = Duration::from_millis(100);

/// The listening sockets of the server.
#[derive(Default)]
pub struct Listeners(Vec<(Wanted, Option<Socket>)>);

/// Opens them and says what fails; that is tried again while the server runs.
pub fn open(wanted: Vec<Wanted>) -> Listeners {
    Listeners(wanted.into_iter().map(|wanted| (listen_first(&wanted), wanted)).map(|(s, w)| (w, s)).collect())
}

fn listen_first(wanted: &Wanted) -> Option<Socket> {
    match listen(wanted.address) {
        Ok(socket) => Some(socket),
        Err(error) => {
            // ISC says nothing of the first failure of a failover socket.
            if wanted.listener == Listener::Omapi {
                trace::say(&message::no_omapi(&error));
            }
            None
        }
    }
}

fn listen(address: SocketAddrV4) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM.nonblocking().cloexec(), Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.bind(&SockAddr::from(address))?;
    socket.listen(BACKLOG)?;
    Ok(socket)
}

impl Listeners {
    /// A task for each.
    pub(super) fn serve(
        self,
        to_loop: &Sender<(StreamId, Arrived)>,
        accepted: &Arc<AtomicUsize>,
    ) -> io::Result<()> {
        let next = Arc::new(AtomicU64::new(StreamId::ACCEPTED));
        for (wanted, socket) in self.0 {
            let open = socket.map(|socket| TcpListener::from_std(socket.into())).transpose()?;
            let gate = Gate { to_loop: to_loop.clone(), accepted: accepted.clone(), next: next.clone() };
            tokio::spawn(async move {
                let socket = match open {
                    Some(socket) => socket,
                    None => retry(&wanted).await,
                };
                gate.accept(wanted.listener, socket).await;
            });
        }
        Ok(())
    }
}

/// Tries until it works.
async fn retry(wanted: &Wanted) -> TcpListener {
    let pause = match wanted.listener {
        Listener::Omapi => Duration::from_secs(5),
        Listener::Failover(_) => Duration::from_secs(90),
    };
    loop {
        tokio::time::sleep(pause).await;
        let line = match listen(wanted.address).and_then(|socket| TcpListener::from_std(socket.into())) {
            Ok(socket) => return socket,
            Err(error) => match wanted.listener {
                Listener::Omapi => message::no_omapi(&error),
                Listener::Failover(_) => message::no_failover_socket(&wanted.peer, &error),
            },
        };
        trace::say(&line);
    }
}

/// What lets callers in.
struct Gate {
    to_loop: Sender<(StreamId, Arrived)>,
    accepted: Arc<AtomicUsize>,
    next: Arc<AtomicU64>,
}

impl Gate {
    async fn accept(self, listener: Listener, socket: TcpListener) {
        loop {
            if self.accepted.load(Ordering::Relaxed) >= ACCEPTED {
                tokio::time::sleep(FULL).await;
                continue;
            }
            match socket.accept().await {
                Ok((stream, SocketAddr::V4(source))) => {
                    self.accepted.fetch_add(1, Ordering::Relaxed);
                    if self.tell(listener, source, stream).await.is_err() {
                        return;
                    }
                }
                Ok(_) => {}
                // No descriptor is left, most likely.
                Err(_) => tokio::time::sleep(FULL).await,
            }
        }
    }

    async fn tell(&self, listener: Listener, source: SocketAddrV4, stream: TcpStream) -> Result<(), ()> {
        let id = StreamId(self.next.fetch_add(1, Ordering::Relaxed));
        self.to_loop.send((id, Arrived::Accepted { listener, source, stream })).await.map_err(|_| ())
    }
}
