//! The frames of a recording, one after another, up to its end or to where it is torn.

use crate::server::recording::{self, FRAME_AROUND, HEAD, NoRecording};
use std::io::{Read, Result};

/// See the module.
pub struct Frames<R> {
    file: R,
    /// Octets of whole frames that were read.
    at: u64,
    /// Where the last whole frame ends, when more follows that is none.
    torn: Option<u64>,
    /// A frame that was read ahead.
    ahead: Option<(u8, Vec<u8>)>,
    buffer: Vec<u8>,
}

impl<R: Read> Frames<R> {
    /// Reads the head.
    pub fn new(mut file: R) -> std::result::Result<Frames<R>, NoRecording> {
        let mut head = Vec::new();
        // What cannot be read is not there.
        let _ = file.by_ref().take(HEAD as u64).read_to_end(&mut head);
        recording::check_head(&head)?;
        Ok(Frames { file, at: HEAD as u64, torn: None, ahead: None, buffer: Vec::new() })
    }

    /// Where the recording is torn, once [`Frames::next`] has come there.
    pub fn torn(&self) -> Option<u64> {
        self.torn
    }

    /// Octets up to the end of the last frame.
    pub fn position(&self) -> u64 {
        self.at
    }

    /// The kind of the next frame.
    pub fn peek(&mut self) -> Option<u8> {
        if self.ahead.is_none() {
            self.ahead = self.next();
        }
        self.ahead.as_ref().map(|(kind, _)| *kind)
    }

    /// Kind and body; none at the end and from the tear on.
    pub fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        if let Some(frame) = self.ahead.take() {
            return Some(frame);
        }
        if self.torn.is_some() {
            return None;
        }
        match self.read() {
            Ok(Some(frame)) => Some(frame),
            Ok(None) => None,
            Err(()) => {
                self.torn = Some(self.at);
                None
            }
        }
    }

    fn read(&mut self) -> std::result::Result<Option<(u8, Vec<u8>)>, ()> {
        if self.fill(5).map_err(drop)? == 0 {
            return Ok(None);
        }
        let head: [u8; 5] = self.buffer.as_slice().try_into().map_err(drop)?;
        let (length, kind) = recording::frame_head(head).map_err(drop)?;
        self.fill(length as u64 + 8).map_err(drop)?;
        let body = recording::frame_body(head, &self.buffer).map_err(drop)?.to_vec();
        self.at += (length + FRAME_AROUND) as u64;
        Ok(Some((kind, body)))
    }

    /// Takes memory for what is there, not for what was announced.
    fn fill(&mut self, count: u64) -> Result<usize> {
        self.buffer.clear();
        self.file.by_ref().take(count).read_to_end(&mut self.buffer)
    }
}
