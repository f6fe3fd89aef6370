//! OMAPI on its streams: octets go to the protocol, and its answers wait for the records they depend on.

use super::effect::{Effect, Effects, StreamEffect, StreamId};
use super::event::{Listener, StreamEvent};
use super::failover::state_object::StateObjects;
use super::{Server, message};
use crate::clock::Now;
use crate::dhcp4::Engine;
use crate::eval::ast::Name;
use crate::octets::{Octets, Put, Result};
use crate::omapi::{self, Interfaces, Omapi, Replies, Reply, World};
use crate::stream::Wanted;
use std::net::{Ipv4Addr, SocketAddrV4};

/// `omapi-port` and `omapi-key`.
#[derive(Clone, Debug)]
pub struct Settings {
    pub port: u16,
    pub key: Option<Name>,
    /// Where the numbers of messages and of handles begin.
    pub seed: u32,
}

/// OMAPI and where it is offered.
pub(super) struct Management {
    port: u16,
    omapi: Omapi,
    pub interfaces: Interfaces,
    /// Scratch, kept for its memory.
    replies: Replies,
}

impl Server {
    /// Offers OMAPI. Says it when everybody may use it.
    pub fn offer_omapi(&mut self, settings: Settings, out: &mut Effects) {
        if settings.key.is_none() {
            out.list.push(Effect::Log(omapi::message::no_key()));
        }
        let omapi = Omapi::new(settings.key, settings.seed);
        let (interfaces, replies) = (Interfaces::default(), Replies::default());
        self.management = Some(Management { port: settings.port, omapi, interfaces, replies });
    }

    /// OMAPI as octets, when it is offered.
    pub(super) fn put_management(&self, out: &mut Vec<u8>) {
        out.option(self.management.as_ref(), |out, management| {
            out.u16(management.port);
            management.omapi.export(&self.engine.config, out);
            let Interfaces { names, closed } = &management.interfaces;
            out.count(names.len());
            names.iter().for_each(|name| out.octets(name));
            out.count(closed.len());
            closed.iter().for_each(|at| out.count(*at));
        });
    }

    pub(super) fn read_management(
        &mut self,
        octets: &mut Octets<'_>,
        moved: &dyn Fn(u64) -> u64,
    ) -> Result<()> {
        let config = &self.engine.config;
        self.management = octets.option(|octets| {
            Ok(Management {
                port: octets.u16()?,
                omapi: Omapi::import(octets, config, moved)?,
                interfaces: Interfaces {
                    names: octets.list(4, |octets| Ok(octets.octets()?.to_vec()))?,
                    closed: octets.list(4, |octets| Ok(octets.u32()? as usize))?,
                },
                replies: Replies::default(),
            })
        })?;
        Ok(())
    }

    pub(super) fn omapi_listener(&self) -> Option<Wanted> {
        let port = self.management.as_ref()?.port;
        let address = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port);
        Some(Wanted { listener: Listener::Omapi, address, peer: String::new() })
    }

    /// Whether it was about OMAPI.
    pub(super) fn omapi_event(
        &mut self,
        now: Now,
        stream: StreamId,
        event: &StreamEvent<'_>,
        out: &mut Effects,
    ) -> bool {
        let Some(mut management) = self.management.take() else { return false };
        let Management { omapi, replies, interfaces, .. } = &mut management;
        let closed = interfaces.closed.len();
        let is_ours = match event {
            StreamEvent::Accepted { listener: Listener::Omapi, source } => {
                omapi.accepted(now.mono, stream.0, *source.ip(), replies);
                true
            }
            _ if !omapi.has(stream.0) => false,
            StreamEvent::Received(octets) if !self.failed && !self.shutting_down => {
                let Server { engine, kept, .. } = self;
                let mut states = StateObjects::new(&engine.failover);
                let mut world = world(engine, kept, interfaces, now);
                world.elsewhere = Some(&mut states);
                omapi.received(now.mono, stream.0, octets, &mut world, replies);
                for (index, state) in states.wanted() {
                    self.peers(now).set_state(index, state);
                }
                true
            }
            // The disk takes nothing, or the end is near: nothing could be answered.
            StreamEvent::Received(_) => {
                omapi.abort(stream.0, replies);
                true
            }
            _ => {
                omapi.closed(stream.0);
                self.held.forget(stream);
                true
            }
        };
        for at in interfaces.closed.get(closed..).unwrap_or_default() {
            self.disable(*at, out);
        }
        self.management = Some(management);
        // Records first, then what waits for them.
        self.drain(out);
        self.omapi_replies(now, out);
        is_ours
    }

    pub(super) fn omapi_timer(&mut self, now: Now, out: &mut Effects) {
        if let Some(management) = &mut self.management
            && management.omapi.next_deadline().is_some_and(|at| at <= now.mono)
        {
            management.omapi.timer(now.mono, &mut management.replies);
            self.omapi_replies(now, out);
        }
    }

    pub(super) fn omapi_deadline(&self) -> Option<u64> {
        self.management.as_ref()?.omapi.next_deadline()
    }

    fn omapi_replies(&mut self, now: Now, out: &mut Effects) {
        let Some(management) = &mut self.management else { return };
        let sequence = self.engine.journal.sequence();
        let Replies { list, bytes, shutdown } = &mut management.replies;
        for (stream, reply) in list.drain(..) {
            let stream = StreamId(stream);
            match reply {
                Reply::Abort => {
                    self.held.forget(stream);
                    out.list.push(Effect::Stream { stream, effect: StreamEffect::Abort });
                }
                Reply::Write(range) => {
                    let octets = bytes.get(range).unwrap_or_default();
                    if !self.held.answer(sequence, stream, octets, out) {
                        management.omapi.closed(stream.0);
                        out.list.push(Effect::Stream { stream, effect: StreamEffect::Abort });
                    }
                }
            }
        }
        bytes.clear();
        if std::mem::take(shutdown) {
            self.shutting_down = true;
            for at in (0..self.engine.interfaces().count()).filter(|at| !self.is_closed(*at)) {
                self.disable(at, out);
            }
            self.farewell = self.peers(now).shut_down();
            self.drain(out);
        }
    }

    /// Nothing is heard on this interface any more.
    fn disable(&self, at: usize, out: &mut Effects) {
        let Some((interface, network)) = self.engine.interfaces().nth(at) else { return };
        for verb in ["output", "input"] {
            out.list.push(Effect::Log(message::disabling(verb, interface, network)));
        }
    }

    /// Whether it was removed over OMAPI.
    pub(super) fn is_closed(&self, at: usize) -> bool {
        self.management.as_ref().is_some_and(|management| management.interfaces.closed.contains(&at))
    }

    /// A held answer was withdrawn: its client must not wait for it.
    pub(super) fn omapi_lost(&mut self, streams: Vec<StreamId>, out: &mut Effects) {
        for stream in streams {
            if let Some(management) = &mut self.management {
                management.omapi.closed(stream.0);
            }
            out.list.push(Effect::Stream { stream, effect: StreamEffect::Abort });
        }
    }
}

fn world<'a>(
    engine: &'a mut Engine,
    kept: &'a mut crate::transition::load::Kept,
    interfaces: &'a mut Interfaces,
    now: Now,
) -> World<'a> {
    let parts = engine.parts();
    World {
        now: now.wall,
        config: parts.config,
        store: parts.store,
        kept,
        hosts: parts.hosts,
        journal: parts.journal,
        failover: parts.failover,
        outcome: parts.outcome,
        local_offset: parts.local_offset,
        interfaces,
        elsewhere: None,
    }
}

#[cfg(test)]
mod tests;
