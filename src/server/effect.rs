//! What the core asks for, in order. Bytes live in one arena that is reused, so that a steady exchange allocates nothing.

pub use crate::dhcp4::send::{Route, Send};
use crate::log::Line;
pub use crate::stream::{StreamEffect, StreamId};
use std::net::Ipv4Addr;
use std::ops::Range;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    Send(Send),
    /// Append these octets of [`Effects::bytes`] (whole records) to the lease file; they are record number `sequence`.
    Append {
        sequence: u64,
        record: Range<usize>,
    },
    /// A line that may be said now.
    Log(Line),
    /// Send an ICMP echo request to this address.
    Ping(Ipv4Addr),
    /// Find the host name of this address (`get-lease-hostnames`) and answer with `Event::NameFound`.
    FindName(Ipv4Addr),
    /// Start a new file beside the old one. Appends that follow go to both until `RewriteEnd`.
    RewriteBegin,
    /// More of the new file's content.
    RewriteChunk(Range<usize>),
    /// Sync the new file, keep the old one as `NAME~`, rename, sync the directory, answer with `Event::RewriteDone`.
    RewriteEnd,
    /// To a failover peer or an OMAPI client, or about the connection.
    Stream {
        stream: StreamId,
        effect: StreamEffect,
    },
    /// Run a program; not awaited. First the command, then its arguments.
    Execute(Vec<Vec<u8>>),
    /// Flush the log and leave with this status.
    Exit(i32),
}

/// A reused buffer of effects.
#[derive(Debug, Default)]
pub struct Effects {
    pub list: Vec<Effect>,
    pub bytes: Vec<u8>,
    /// How many effects were there before the present event: its own are not added to theirs, so that each event has the same
    /// effects whatever came before it in the same turn.
    pub before: usize,
    /// Texts of lines that were carried out: given back, they are used for new lines.
    pub spare: Vec<String>,
}

/// Texts kept.
const SPARE: usize = 1024;

impl Effects {
    /// Forget everything, keep the memory.
    pub fn clear(&mut self) {
        for effect in self.list.drain(..) {
            if let Effect::Log(line) = effect
                && self.spare.len() < SPARE
            {
                self.spare.push(line.text);
            }
        }
        self.bytes.clear();
        self.before = 0;
    }
}
