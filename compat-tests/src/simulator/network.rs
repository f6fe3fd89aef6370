//! The world's TCP: who may reach whom, how long it takes, and what becomes of a connection.

use super::host::Host;
use super::tcp::{Cargo, Connection, End};
use super::world::{What, World};
use super::{Micros, SECOND};
use dhcpd::server::event::{Event, Listener, StreamEvent, StreamId};
use dhcpd::stream::StreamEffect;
use std::io::ErrorKind;
use std::net::SocketAddrV4;

/// When the kernel tries again, seconds after the first attempt.
const SYNS: [u64; 7] = [0, 1, 3, 7, 15, 31, 63];

impl World<'_> {
    pub fn stream(&mut self, host: usize, stream: StreamId, effect: &StreamEffect, bytes: &[u8]) {
        let life = self.hosts[host].life;
        match effect {
            StreamEffect::Connect { remote, .. } => {
                let delay = self.link_delay();
                self.after(delay, What::Syn(host, life, stream, *remote, 0));
            }
            StreamEffect::Write(range) => {
                let octets = bytes.get(range.clone()).unwrap_or_default().to_vec();
                if let Some((connection, end)) = self.tcp.find(host, life, stream) {
                    self.send(connection, 1 - end, Cargo::Octets(octets));
                }
            }
            // Of OMAPI, which has no clients here.
            StreamEffect::WriteOnceDurable { .. } => {}
            StreamEffect::Close => self.leave(host, stream, Cargo::End),
            StreamEffect::Abort => self.leave(host, stream, Cargo::Reset),
        }
    }

    fn link_delay(&mut self) -> Micros {
        let (low, high) = self.plan.link_delay;
        self.dice.between(low, high)
    }

    fn leave(&mut self, host: usize, stream: StreamId, cargo: Cargo) {
        let life = self.hosts[host].life;
        let Some((connection, end)) = self.tcp.find(host, life, stream) else {
            // One that is still being made.
            self.tcp.given_up.push((host, life, stream));
            return;
        };
        if !std::mem::take(&mut self.tcp.connections[connection].ends[end].open) {
            return;
        }
        if cargo == Cargo::Reset {
            self.tcp.connections[connection].way[1 - end].clear();
        }
        self.send(connection, 1 - end, cargo);
    }

    /// Puts cargo on its way towards an end.
    fn send(&mut self, connection: usize, towards: usize, cargo: Cargo) {
        let delay = self.link_delay();
        let pieces = match cargo {
            Cargo::Octets(octets) if octets.len() > 1 && self.dice.one_in(8) => {
                let cut = self.dice.between(1, octets.len() as u64 - 1) as usize;
                vec![Cargo::Octets(octets[..cut].to_vec()), Cargo::Octets(octets[cut..].to_vec())]
            }
            cargo => vec![cargo],
        };
        for piece in pieces {
            let entry = &mut self.tcp.connections[connection];
            entry.way[towards].push_back(piece);
            let at = (self.now + delay).max(entry.last_arrival[towards] + 1);
            entry.last_arrival[towards] = at;
            self.at(at, What::Arrival(connection, towards));
        }
    }

    /// The first of the cargo towards an end arrives, if it can.
    pub fn arrives(&mut self, connection: usize, end: usize) {
        if self.tcp.connections[connection].stalled {
            return;
        }
        let End { host, stream, life, open } = self.tcp.connections[connection].ends[end].clone();
        let there = self.hosts[host].has_power;
        if self.partitioned || !there {
            self.tcp.connections[connection].stalled = true;
            return;
        }
        let Some(cargo) = self.tcp.connections[connection].way[end].pop_front() else { return };
        let alive = open && self.hosts[host].server.is_some() && self.hosts[host].life == life;
        if !alive {
            // Nobody there knows of it: whoever sent is told.
            if matches!(cargo, Cargo::Octets(_)) && self.tcp.connections[connection].ends[1 - end].open {
                self.tcp.connections[connection].way[end].clear();
                self.send(connection, 1 - end, Cargo::Reset);
            }
            return;
        }
        match cargo {
            Cargo::Octets(octets) => {
                let from = self.tcp.connections[connection].ends[1 - end].host;
                for message in self.checker.link(connection, end, (from, host), &octets) {
                    self.say(format_args!("{from} to {host}: {message}"));
                }
                self.handle(host, Event::Stream { stream, event: StreamEvent::Received(&octets) });
            }
            Cargo::End | Cargo::Reset => {
                self.tcp.connections[connection].ends[end].open = false;
                let error = (cargo == Cargo::Reset).then_some(ErrorKind::ConnectionReset);
                self.handle(host, Event::Stream { stream, event: StreamEvent::Closed(error) });
            }
        }
    }

    /// What has waited for a partition or a dead machine is sent again.
    pub fn unstall(&mut self, connection: usize) {
        if self.partitioned || !std::mem::take(&mut self.tcp.connections[connection].stalled) {
            return;
        }
        for end in 0..2 {
            for number in 0..self.tcp.connections[connection].way[end].len() as u64 {
                self.after(1 + number, What::Arrival(connection, end));
            }
        }
    }

    /// One attempt of the kernel to open a connection.
    pub fn syn(&mut self, host: usize, stream: StreamId, remote: SocketAddrV4, count: u32) {
        let life = self.hosts[host].life;
        if self.tcp.given_up.contains(&(host, life, stream)) {
            return;
        }
        let peer = 1 - host;
        let is_there = *remote.ip() == Host::address(peer) && self.hosts[peer].has_power && !self.partitioned;
        if !is_there {
            let next = SYNS.get(count as usize + 1);
            let pause = next.map_or(64, |next| next - SYNS[count as usize]) * SECOND;
            if next.is_some() {
                return self.after(pause, What::Syn(host, life, stream, remote, count + 1));
            }
            let event = StreamEvent::ConnectFailed { error: ErrorKind::TimedOut, is_local: false };
            return self.handle(host, Event::Stream { stream, event });
        }
        if self.hosts[peer].server.is_none() || remote.port() != Host::port(peer) {
            let event = StreamEvent::ConnectFailed { error: ErrorKind::ConnectionRefused, is_local: false };
            return self.handle(host, Event::Stream { stream, event });
        }
        self.tcp.accepted += 1;
        let accepted = StreamId(StreamId::ACCEPTED + self.tcp.accepted);
        let ends = [
            End { host, stream, life, open: true },
            End { host: peer, stream: accepted, life: self.hosts[peer].life, open: true },
        ];
        self.tcp.open(ends);
        let listener = Listener::Failover(SocketAddrV4::new(Host::address(peer), Host::port(peer)));
        let source = SocketAddrV4::new(Host::address(host), 40_000 + (self.tcp.accepted % 20_000) as u16);
        self.handle(host, Event::Stream { stream, event: StreamEvent::Connected });
        self.handle(
            peer,
            Event::Stream { stream: accepted, event: StreamEvent::Accepted { listener, source } },
        );
    }

    /// A connection that both programs have open.
    pub fn is_linked(&self) -> bool {
        self.tcp.connections.iter().any(|connection| {
            connection.ends.iter().all(|end| end.open && self.hosts[end.host].life == end.life)
        })
    }

    /// A reset from somewhere in between.
    pub fn break_off(&mut self, connection: usize) {
        let Connection { ends, .. } = self.tcp.connections[connection].clone();
        for (number, end) in ends.iter().enumerate() {
            self.tcp.connections[connection].way[number].clear();
            if end.open && self.hosts[end.host].server.is_some() && self.hosts[end.host].life == end.life {
                self.tcp.connections[connection].ends[number].open = false;
                let event = StreamEvent::Closed(Some(ErrorKind::ConnectionReset));
                self.handle(end.host, Event::Stream { stream: end.stream, event });
            }
        }
    }

    /// The kernel closes what a program that died had open.
    pub fn close_all(&mut self, host: usize) {
        for connection in 0..self.tcp.connections.len() {
            for end in 0..2 {
                let own = &mut self.tcp.connections[connection].ends[end];
                if own.host == host && std::mem::take(&mut own.open) {
                    self.send(connection, 1 - end, Cargo::End);
                }
            }
        }
    }

    /// A machine has its power again: what others still send to it is answered.
    pub fn power_returns(&mut self) {
        for connection in 0..self.tcp.connections.len() {
            if self.tcp.connections[connection].stalled {
                let delay = self.dice.between(100_000, 8 * SECOND);
                self.after(delay, What::Unstall(connection));
            }
        }
    }
}
