//! One connection and its task.

use super::{Arrived, Place, READ};
use crate::server::effect::StreamId;
use nix::errno::Errno;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::io::{self, ErrorKind};
use std::net::SocketAddrV4;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
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

/// For a connection's task. The queue is bounded by who fills it ([`Connection::unsent`]).
pub(super) enum Command {
    Write(Vec<u8>),
    Finish,
}

/// Dropped, it closes at once.
pub(super) struct Connection {
    commands: UnboundedSender<Command>,
    unsent: Arc<AtomicUsize>,
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
        Connection::start(|commands, unsent| async move {
            let _place = place;
            serve(id, stream, commands, unsent, to_loop).await;
        })
    }

    /// `socket`: from [`begin`].
    pub(super) fn connecting(id: StreamId, socket: Socket, to_loop: ToLoop) -> Connection {
        Connection::start(move |commands, unsent| async move {
            match established(socket).await {
                Ok(stream) => {
                    if to_loop.send((id, Arrived::Connected)).await.is_ok() {
                        serve(id, stream, commands, unsent, to_loop).await;
                    }
                }
                // The loop has ended: nobody is left to hear it.
                Err(error) => drop(to_loop.send((id, Arrived::ConnectFailed(error.kind()))).await),
            }
        })
    }

    fn start<F>(task: impl FnOnce(UnboundedReceiver<Command>, Arc<AtomicUsize>) -> F) -> Connection
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (commands, queue) = unbounded_channel();
        let unsent = Arc::new(AtomicUsize::new(0));
        let task = tokio::spawn(task(queue, unsent.clone())).abort_handle();
        Connection { commands, unsent, task: Some(task) }
    }

    /// Octets that were given to it and not to the kernel yet.
    pub(super) fn unsent(&self) -> usize {
        self.unsent.load(Ordering::Relaxed)
    }

    pub(super) fn command(&self, command: Command) {
        if let Command::Write(octets) = &command {
            self.unsent.fetch_add(octets.len(), Ordering::Relaxed);
        }
        // A task that has ended has reported `Closed`.
        let _ = self.commands.send(command);
    }

    /// Sends what was written, then closes.
    pub(super) fn finish(mut self) {
        self.command(Command::Finish);
        if let Some(task) = self.task.take() {
            tokio::spawn(async move {
                tokio::time::sleep(LAST_OCTETS).await;
                task.abort();
            });
        }
    }
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
    stream: TcpStream,
    mut commands: UnboundedReceiver<Command>,
    unsent: Arc<AtomicUsize>,
    to_loop: ToLoop,
) {
    // An answer is written whole; to wait for more would only delay it.
    let _ = stream.set_nodelay(true);
    let (mut reader, mut writer) = stream.into_split();
    // Both ways at the same time: neither may wait for the other when both sides have much to say.
    let closed = tokio::select! {
        reason = read(id, &mut reader, &to_loop) => Some(reason),
        reason = write(&mut writer, &mut commands, &unsent) => reason,
    };
    match closed {
        // The loop has ended when nobody takes it.
        Some(reason) => drop(to_loop.send((id, Arrived::Closed(reason))).await),
        None => finish(reader, writer).await,
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

/// Writes what comes. None: it is to be closed, and everything has been given to the kernel.
async fn write(
    writer: &mut OwnedWriteHalf,
    commands: &mut UnboundedReceiver<Command>,
    unsent: &AtomicUsize,
) -> Option<Option<ErrorKind>> {
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
        let written = writer.write_all(&octets).await;
        unsent.fetch_sub(octets.len(), Ordering::Relaxed);
        match written {
            _ if finishing => return None,
            Ok(()) => {}
            Err(error) => return Some(Some(error.kind())),
        }
    }
    None
}

/// After the last octets: says that nothing more comes, and hears the other side out for a moment.
async fn finish(mut reader: OwnedReadHalf, mut writer: OwnedWriteHalf) {
    if writer.shutdown().await.is_err() {
        return;
    }
    let mut buffer = [0; READ];
    let rest = async { while matches!(reader.read(&mut buffer).await, Ok(1..)) {} };
    // Either way it is over.
    let _ = tokio::time::timeout(LINGER, rest).await;
}
