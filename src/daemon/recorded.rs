//! The core with its recorder: what goes in and what comes out passes here, at start and in service.

use super::record::Recorder;
use super::turn::Core;
use crate::clock::Now;
use crate::server::Server;
use crate::server::effect::Effects;
use crate::server::event::{Event, Interface};
use crate::server::management::Settings;
use crate::server::recording::{self, PIECE, kind};

pub struct Recorded {
    pub server: Server,
    recorder: Option<Recorder>,
    /// Octets of the effects of one input.
    effects: Vec<u8>,
}

impl Recorded {
    pub fn new(server: Server, recorder: Option<Recorder>) -> Recorded {
        Recorded { server, recorder, effects: Vec::new() }
    }

    /// [`Server::open`]
    pub fn open(&mut self, now: Now, out: &mut Effects) {
        self.input(kind::OPEN, |body| recording::put_now(body, now));
        let before = out.list.len();
        self.server.open(now, out);
        self.output(out, before);
    }

    /// [`Server::say_written`]
    pub fn say_written(&mut self, out: &mut Effects) {
        self.input(kind::SAY_WRITTEN, |_| {});
        let before = out.list.len();
        self.server.say_written(out);
        self.output(out, before);
    }

    /// [`Server::say_when_written`]
    pub fn say_when_written(&mut self) {
        self.input(kind::SAY_WHEN_WRITTEN, |_| {});
        self.server.say_when_written();
    }

    /// [`Server::offer_omapi`]
    pub fn offer_omapi(&mut self, settings: Settings, out: &mut Effects) {
        self.input(kind::OMAPI, |body| recording::put_management(body, &settings));
        let before = out.list.len();
        self.server.offer_omapi(settings, out);
        self.output(out, before);
    }

    /// [`Server::set_interfaces`]
    pub fn set_interfaces(&mut self, interfaces: Vec<Interface>) {
        self.input(kind::INTERFACES, |body| recording::put_interfaces(body, &interfaces));
        self.server.set_interfaces(interfaces);
    }

    /// [`Server::append_duid`]
    pub fn append_duid(&mut self, now: Now, duid: &[u8], out: &mut Effects) {
        self.input(kind::DUID, |body| {
            recording::put_now(body, now);
            body.extend_from_slice(duid);
        });
        let before = out.list.len();
        self.server.append_duid(duid, out);
        self.output(out, before);
    }

    /// [`Server::start_failover`]
    pub fn start_failover(&mut self, now: Now, seed: u64, out: &mut Effects) {
        self.input(kind::FAILOVER, |body| {
            recording::put_now(body, now);
            body.extend(seed.to_be_bytes());
        });
        let before = out.list.len();
        self.server.start_failover(now, seed, out);
        self.output(out, before);
    }

    /// The start is over: from now on the recording waits for nothing.
    pub fn serving(&mut self) {
        if let Some(recorder) = &mut self.recorder {
            recorder.serving();
        }
    }

    fn input(&mut self, kind: u8, body: impl FnOnce(&mut Vec<u8>)) {
        if let Some(recorder) = &mut self.recorder {
            recorder.frame(kind, body);
        }
    }

    fn output(&mut self, out: &Effects, before: usize) {
        let Some(recorder) = self.recorder.as_mut().filter(|recorder| !recorder.is_over()) else { return };
        let mut flush = |octets: &mut Vec<u8>, at_least: usize| {
            if octets.len() >= at_least {
                recorder.frame(kind::EFFECTS, |body| body.extend_from_slice(octets));
                octets.clear();
            }
        };
        recording::effects(&mut self.effects, out, before, |octets| flush(octets, PIECE));
        flush(&mut self.effects, 1);
    }
}

impl Core for Recorded {
    fn handle(&mut self, now: Now, event: Event<'_>, out: &mut Effects) {
        self.input(kind::EVENT, |body| {
            recording::put_now(body, now);
            recording::put_event(body, &event);
        });
        let before = out.list.len();
        self.server.handle(now, event, out);
        self.output(out, before);
    }

    fn next_deadline(&self) -> Option<u64> {
        self.server.next_deadline()
    }
}
