//! Frames in and out, many per system call.

use super::frame::LENGTH;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{LinkAddr, MsgFlags, MultiHeaders, recvmmsg, sendmmsg, setsockopt, sockopt};
use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Duration;

const MOST: usize = 128;
const BUFFER: usize = 1_024;

pub struct Batch<'a> {
    socket: &'a OwnedFd,
    headers: MultiHeaders<LinkAddr>,
    room: Vec<[u8; BUFFER]>,
    out: Vec<[u8; LENGTH]>,
}

impl<'a> Batch<'a> {
    pub fn new(socket: &'a OwnedFd) -> Self {
        for result in [
            setsockopt(socket, sockopt::RcvBufForce, &(64 << 20)),
            setsockopt(socket, sockopt::SndBufForce, &(16 << 20)),
        ] {
            // Smaller buffers are only slower.
            let _ = result;
        }
        Batch {
            socket,
            headers: MultiHeaders::preallocate(MOST, None),
            room: vec![[0; BUFFER]; MOST],
            out: Vec::with_capacity(4 * MOST),
        }
    }

    /// A frame to fill; it leaves with the next [`Self::flush`].
    pub fn fresh(&mut self) -> &mut [u8; LENGTH] {
        let at = self.out.len();
        self.out.push([0; LENGTH]);
        &mut self.out[at]
    }

    pub fn flush(&mut self) -> Result<(), String> {
        let mut sent = 0;
        while sent < self.out.len() {
            let slices: Vec<[IoSlice; 1]> =
                self.out[sent..].iter().take(MOST).map(|frame| [IoSlice::new(frame)]).collect();
            let addresses = vec![None; slices.len()];
            let done = sendmmsg(
                self.socket.as_raw_fd(),
                &mut self.headers,
                slices.iter(),
                addresses,
                [],
                MsgFlags::empty(),
            )
            .map(|results| results.count());
            match done {
                Ok(count) => sent += count.max(1),
                Err(Errno::EAGAIN | Errno::ENOBUFS | Errno::EINTR) => {
                    let mut fds = [PollFd::new(self.socket.as_fd(), PollFlags::POLLOUT)];
                    poll(&mut fds, PollTimeout::from(5u8)).map_err(|error| format!("poll: {error}"))?;
                }
                Err(error) => return Err(format!("sendmmsg: {error}")),
            }
        }
        self.out.clear();
        // The headers still point at the frames' addresses: start clean for receiving.
        self.headers = MultiHeaders::preallocate(MOST, None);
        Ok(())
    }

    /// Hands over what has arrived, without waiting; how many frames that was.
    pub fn receive(&mut self, mut each: impl FnMut(&[u8])) -> Result<usize, String> {
        let mut lengths = [0; MOST];
        let mut count = 0;
        {
            let mut slices: Vec<[IoSliceMut; 1]> =
                self.room.iter_mut().map(|buffer| [IoSliceMut::new(buffer)]).collect();
            match recvmmsg(
                self.socket.as_raw_fd(),
                &mut self.headers,
                slices.iter_mut(),
                MsgFlags::MSG_DONTWAIT,
                None,
            ) {
                Ok(messages) => {
                    for message in messages {
                        lengths[count] = message.bytes;
                        count += 1;
                    }
                }
                Err(Errno::EAGAIN | Errno::EINTR | Errno::ENETDOWN) => {}
                Err(error) => return Err(format!("recvmmsg: {error}")),
            }
        }
        for (buffer, length) in self.room.iter().zip(lengths).take(count) {
            each(buffer.get(..length).unwrap_or(buffer));
        }
        Ok(count)
    }

    pub fn wait(&self, longest: Duration) -> Result<(), String> {
        let mut fds = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        let longest =
            PollTimeout::try_from(longest.max(Duration::from_millis(1))).unwrap_or(PollTimeout::MAX);
        match poll(&mut fds, longest) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(error) => Err(format!("poll: {error}")),
        }
    }
}
