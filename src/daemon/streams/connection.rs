//! One connection and its task.

use super::{Arrived, Place, READ};
use crate::server::effect::StreamId;
use nix::errno::Errno;
use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, Type};
use std::io::{self, ErrorKind};
use std::net::{Shutdown, SocketAddrV4};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc::{Sender, UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::AbortHandle;

type ToLoop = Sender<(StreamId, Arrived)>;

/// How long a closed connection may take to get its last octets out.
const LAST_OCTETS: Duration = Duration::from_secs(10);
/// How long it listens on after that, so that what the other side had sent does not make the kernel reset the connection and
/// take the last octets away.
const LINGER: Duration = Duration::from_millis(500);

/// For a connection's task. The queue is bounded by who fills it ([`Outgoing::unsent`]).
enum Command {
    Write(Vec<u8>),
    Finish,
}

/// The way out of a connection: what the kernel takes goes at once, the rest through the connection's task. May be used by
/// several threads, but not by two at the same moment.
pub(super) struct Outgoing {
    /// Once it is established.
    socket: OnceLock<OwnedWriteHalf>,
    commands: UnboundedSender<Command>,
    /// Octets that were given to it and not to the kernel yet.
    unsent: AtomicUsize,
}

impl Outgoing {
    pub(super) fn unsent(&self) -> usize {
        self.unsent.load(Ordering::Acquire)
    }

    pub(super) fn write(&self, octets: &[u8]) {
        // What the task has goes first. An error is the task's to report, which meets it too.
        let written = match self.socket.get() {
            Some(socket) if self.unsent() == 0 => socket.try_write(octets).unwrap_or(0),
            _ => 0,
        };
        let rest = octets.get(written..).unwrap_or_default();
        if !rest.is_empty() {
            self.unsent.fetch_add(rest.len(), Ordering::AcqRel);
            self.command(Command::Write(rest.to_vec()));
        }
    }

    fn command(&self, command: Command) {
        // A task that has ended has reported `Closed`.
        let _ = self.commands.send(command);
    }

    /// Waits until the kernel has taken it all.
    async fn write_all(&self, mut octets: &[u8]) -> io::Result<()> {
        let Some(socket) = self.socket.get() else { return Ok(()) };
        while !octets.is_empty() {
            socket.writable().await?;
            match socket.try_write(octets) {
                Ok(written) => octets = octets.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Dropped, it closes at once.
pub(super) struct Connection {
    outgoing: Arc<Outgoing>,
    task: Option<AbortHandle>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Connection {
    pub(super) fn accepted(id: StreamId, stream: TcpStream, to_loop: ToLoop, place: Place) -> Connection {
        let (reader, writer) = halves(stream);
        let (outgoing, commands) = outgoing(Some(writer));
        Connection::start(outgoing.clone(), async move {
            let _place = place;
            serve(id, reader, &outgoing, commands, to_loop).await;
        })
    }

    /// `socket`: from [`begin`].
    pub(super) fn connecting(id: StreamId, socket: Socket, to_loop: ToLoop) -> Connection {
        let (outgoing, commands) = outgoing(None);
        Connection::start(outgoing.clone(), async move {
            match established(socket).await {
                Ok(stream) => {
                    let (reader, writer) = halves(stream);
                    // It was empty.
                    let _ = outgoing.socket.set(writer);
                    if to_loop.send((id, Arrived::Connected)).await.is_ok() {
                        serve(id, reader, &outgoing, commands, to_loop).await;
                    }
                }
                // The loop has ended: nobody is left to hear it.
                Err(error) => drop(to_loop.send((id, Arrived::ConnectFailed(error.kind()))).await),
            }
        })
    }

    fn start(outgoing: Arc<Outgoing>, task: impl Future<Output = ()> + Send + 'static) -> Connection {
        let task = Some(tokio::spawn(task).abort_handle());
        Connection { outgoing, task }
    }

    pub(super) fn outgoing(&self) -> &Arc<Outgoing> {
        &self.outgoing
    }

    /// Sends what was written, then closes.
    pub(super) fn finish(mut self) {
        self.outgoing.command(Command::Finish);
        if let Some(task) = self.task.take() {
            tokio::spawn(async move {
                tokio::time::sleep(LAST_OCTETS).await;
                task.abort();
            });
        }
    }
}

fn halves(stream: TcpStream) -> (OwnedReadHalf, OwnedWriteHalf) {
    // An answer is written whole; to wait for more would only delay it.
    let _ = stream.set_nodelay(true);
    stream.into_split()
}

fn outgoing(socket: Option<OwnedWriteHalf>) -> (Arc<Outgoing>, UnboundedReceiver<Command>) {
    let (commands, queue) = unbounded_channel();
    let socket = socket.map_or_else(OnceLock::new, OnceLock::from);
    (Arc::new(Outgoing { socket, commands, unsent: AtomicUsize::new(0) }), queue)
}

/// A socket on its way from `local` to `remote`. An error is one of this machine.
pub(super) fn begin(local: SocketAddrV4, remote: SocketAddrV4) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM.nonblocking().cloexec(), Some(Protocol::TCP))?;
    socket.bind(&SockAddr::from(local))?;
    match socket.connect(&SockAddr::from(remote)) {
        Err(error) if error.raw_os_error() != Some(Errno::EINPROGRESS as i32) => Err(error),
        _ => Ok(socket),
    }
}

async fn established(socket: Socket) -> io::Result<TcpStream> {
    let stream = TcpStream::from_std(socket.into())?;
    stream.writable().await?;
    match stream.take_error()? {
        None => Ok(stream),
        Some(error) => Err(error),
    }
}

async fn serve(
    id: StreamId,
    mut reader: OwnedReadHalf,
    outgoing: &Outgoing,
    mut commands: UnboundedReceiver<Command>,
    to_loop: ToLoop,
) {
    // Both ways at the same time: neither may wait for the other when both sides have much to say.
    let closed = tokio::select! {
        reason = read(id, &mut reader, &to_loop) => Some(reason),
        reason = write(outgoing, &mut commands) => reason,
    };
    match closed {
        // The loop has ended when nobody takes it.
        Some(reason) => drop(to_loop.send((id, Arrived::Closed(reason))).await),
        None => finish(reader, outgoing).await,
    }
}

/// Reads until the end; why it ended.
async fn read(id: StreamId, reader: &mut OwnedReadHalf, to_loop: &ToLoop) -> Option<ErrorKind> {
    let mut buffer = [0; READ];
    loop {
        match reader.read(&mut buffer).await {
            Ok(0) => return None,
            Ok(length) => {
                let octets = buffer.get(..length).unwrap_or_default().to_vec();
                if to_loop.send((id, Arrived::Received(octets))).await.is_err() {
                    return None;
                }
            }
            Err(error) => return Some(error.kind()),
        }
    }
}

/// Writes what the kernel did not take at once. None: it is to be closed, and everything has been given to the kernel.
async fn write(outgoing: &Outgoing, commands: &mut UnboundedReceiver<Command>) -> Option<Option<ErrorKind>> {
    let mut finishing = false;
    while let Some(command) = commands.recv().await {
        let mut octets = Vec::new();
        let mut next = Some(command);
        while let Some(command) = next {
            match command {
                Command::Write(more) if octets.is_empty() => octets = more,
                Command::Write(more) => octets.extend_from_slice(&more),
                Command::Finish => finishing = true,
            }
            next = commands.try_recv().ok();
        }
        let written = outgoing.write_all(&octets).await;
        outgoing.unsent.fetch_sub(octets.len(), Ordering::AcqRel);
        match written {
            _ if finishing => return None,
            Ok(()) => {}
            Err(error) => return Some(Some(error.kind())),
        }
    }
    None
}

/// After the last octets: says that nothing more comes, and hears the other side out for a moment.
async fn finish(mut reader: OwnedReadHalf, outgoing: &Outgoing) {
    let ended = outgoing.socket.get().map(|socket| SockRef::from(socket.as_ref()).shutdown(Shutdown::Write));
    if !matches!(ended, Some(Ok(()))) {
        return;
    }
    let mut buffer = [0; READ];
    let rest = async { while matches!(reader.read(&mut buffer).await, Ok(1..)) {} };
    // Either way it is over.
    let _ = tokio::time::timeout(LINGER, rest).await;
}
