//! Connections between the two hosts: octets in order, cut anywhere; a partition stalls them, a dead machine leaves them
//! half open, a reset ends them.

use super::Micros;
use dhcpd::server::event::StreamId;
use std::collections::VecDeque;

/// One end.
#[derive(Clone, Debug)]
pub struct End {
    pub host: usize,
    pub stream: StreamId,
    /// The start of the program that owns it.
    pub life: u32,
    /// It has not closed it, and has not been told that it is closed.
    pub open: bool,
}

/// What travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cargo {
    Octets(Vec<u8>),
    End,
    Reset,
}

#[derive(Clone, Debug)]
pub struct Connection {
    pub ends: [End; 2],
    /// What travels towards each end.
    pub way: [VecDeque<Cargo>; 2],
    /// When the last of it arrives; later cargo is not faster.
    pub last_arrival: [Micros; 2],
    /// Waits for a retransmission.
    pub stalled: bool,
}

#[derive(Debug, Default)]
pub struct Tcp {
    pub connections: Vec<Connection>,
    pub accepted: u64,
    /// Closed by their owner before they were made.
    pub given_up: Vec<(usize, u32, StreamId)>,
}

impl Tcp {
    /// The connection and which end of it a host's stream is.
    pub fn find(&self, host: usize, life: u32, stream: StreamId) -> Option<(usize, usize)> {
        self.connections.iter().enumerate().rev().find_map(|(number, connection)| {
            let is = |end: &End| end.host == host && end.life == life && end.stream == stream;
            Some((number, connection.ends.iter().position(is)?))
        })
    }

    pub fn open(&mut self, ends: [End; 2]) -> usize {
        self.connections.push(Connection {
            ends,
            way: Default::default(),
            last_arrival: [0, 0],
            stalled: false,
        });
        self.connections.len() - 1
    }
}
