//! The state machine at work: own transitions, and what the peer announces (PROTOCOL sections 7.2 to 7.5).

use super::Peers;
use crate::clock::Wall;
use crate::dhcp4::Engine;
use crate::failover::log;
use crate::failover::message::{self, Kind, Message};
use crate::failover::relationship::{Relationship, STARTUP_SECONDS};
use crate::failover::state::{self, Role, State, Step, Steps};
use crate::lease::pool::Timing;
use crate::transition::peer;

/// Which leases of a relationship's pools move on by themselves in its present state (PROTOCOL section 10).
pub(super) fn set_timing(engine: &mut Engine, index: usize) {
    let Some(relationship) = engine.failover.relationships.get(index) else { return };
    let down = relationship.my == State::PartnerDown;
    let lasting = relationship.standing().lasting();
    // A secondary that hears from its primary, or will in a moment, lets that say what has ended: the primary may have given
    // the address to another client since. (ISC's expires in every state but normal; mostly it sleeps then.)
    let is_alone = matches!(
        lasting,
        State::CommunicationsInterrupted | State::PartnerDown | State::ResolutionInterrupted
    );
    let timing = Timing {
        // In startup what it was before counts.
        active: relationship.role == Role::Primary || is_alone,
        expired_from: down.then_some(relationship.my_since + Wall::from(relationship.mclt)),
    };
    for pool in engine.failover.pools_of(index) {
        engine.store.set_timing(pool, timing);
    }
}

impl Peers<'_> {
    /// Own transition, and all that belongs to it.
    pub(in crate::server) fn move_to(&mut self, index: usize, new: State) {
        let now = self.now;
        let Some(relationship) = self.relationship(index) else { return };
        let old = relationship.my;
        if matches!(old, State::Normal | State::PotentialConflict | State::PartnerDown) {
            relationship.rescind_updates();
        }
        // Who recovers anew has granted nothing since he waited.
        let recovers_anew = new == State::Recover && old.has_recovered();
        let goes_on = recovers_anew || new == State::RecoverWait || old == State::Startup;
        if !goes_on && new != State::Startup {
            relationship.my_since = now.wall;
        }
        let is_told = relationship.has_no_updates();
        if new == State::Recover
            && old == State::Shutdown
            && relationship.partner == State::PartnerDown
            && is_told
        {
            // The peer has known all for as long as it took to shut down.
            relationship.my_since = now.wall - Wall::from(relationship.mclt);
        }
        relationship.my = new;
        if new == State::Startup && old != State::Startup {
            relationship.stored = old;
        }
        let both_normal = new == State::Normal && relationship.partner == State::Normal;
        if old == State::Startup {
            relationship.timers.startup = None;
        }
        relationship.timers.auto_partner_down = None;
        relationship.timers.recover_wait = None;
        relationship.set_service();
        let name = relationship.name.clone();
        self.record_state(index);
        self.say(log::i_move(&name, old, new));
        if both_normal {
            self.say(log::both_normal(&name));
        }
        set_timing(self.engine, index);
        self.engine.failover.send_state(index);
        self.entered(index, new);
        if both_normal {
            self.tell_all(index);
        }
    }

    fn entered(&mut self, index: usize, new: State) {
        let now = self.now;
        let Some(relationship) = self.relationship(index) else { return };
        match new {
            State::Startup => relationship.timers.startup = Relationship::after(now, STARTUP_SECONDS),
            State::CommunicationsInterrupted if relationship.parameters.auto_partner_down > 0 => {
                let seconds = u64::from(relationship.parameters.auto_partner_down);
                relationship.timers.auto_partner_down = Relationship::after(now, seconds);
            }
            State::Normal => self.enter_normal(index),
            State::PotentialConflict
                if relationship.role == Role::Primary || relationship.partner == State::ConflictDone =>
            {
                self.request_update(index, false);
            }
            State::RecoverWait => {
                let left = relationship.my_since + Wall::from(relationship.mclt) - now.wall;
                match u64::try_from(left) {
                    Ok(seconds @ 1..) => relationship.timers.recover_wait = Relationship::after(now, seconds),
                    _ => self.move_to(index, State::RecoverDone),
                }
            }
            State::Recover => self.request_update(index, true),
            State::PartnerDown => {
                for pool in self.engine.failover.pools_of(index) {
                    let Some(relationship) = self.engine.failover.relationships.get(index) else { return };
                    peer::enter_partner_down(&mut self.engine.store, pool, relationship);
                }
            }
            _ => {}
        }
    }

    fn enter_normal(&mut self, index: usize) {
        self.balance(index, false);
        self.queue_changed(index, false);
        if self.relationship(index).is_some_and(|relationship| relationship.last_update().is_some()) {
            self.send_updates(index);
            let name = self.name(index);
            self.say(log::sending_updates(&name));
        }
    }

    /// The connection is gone, or nobody answered in startup.
    pub(super) fn disconnected(&mut self, index: usize) {
        let Some(relationship) = self.relationship(index) else { return };
        relationship.timers.contact = None;
        relationship.timers.receive = None;
        relationship.timers.startup = None;
        relationship.timers.acknowledge = None;
        relationship.timers.refused = None;
        relationship.to_acknowledge.clear();
        relationship.refused.clear();
        // What was on its way may be lost; what was asked for on this connection is asked for again.
        relationship.rescind_updates();
        relationship.update_done_after = None;
        relationship.tell_all |= relationship.telling.take().is_some();
        relationship.is_our_kind = false;
        if let Some(next) = state::on_disconnect(&relationship.standing()) {
            self.move_to(index, next);
        }
    }

    /// The peer tells its state.
    pub(super) fn announcement(&mut self, index: usize, message: &Message<'_>) {
        let number = message.server_state.unwrap_or(0);
        let starting = message.server_flags.unwrap_or(0) & message::STARTUP != 0;
        let name = self.name(index);
        let Some(announced) = State::from_number(number) else {
            self.say(log::invalid_state(&name, number));
            let link = self.relationship(index).and_then(|relationship| relationship.link);
            if let Some(id) = link {
                self.engine.failover.end(id, crate::stream::StreamEffect::Abort);
                self.lost(id);
            }
            return;
        };
        let now = self.now;
        let Some(relationship) = self.relationship(index) else { return };
        let before = relationship.partner;
        if relationship.my == State::Startup && before == announced {
            let next = state::out_of_startup(relationship.stored, announced);
            return self.move_to(index, next);
        }
        if !state::is_news(&relationship.standing(), announced) {
            return;
        }
        let steps = state::on_announcement(&relationship.standing(), announced, starting);
        relationship.partner = announced;
        relationship.partner_since = now.wall;
        let both_normal = relationship.my == State::Normal && announced == State::Normal;
        self.say(log::peer_moves(&name, before, announced));
        if both_normal {
            self.say(log::both_normal(&name));
        }
        self.record_state(index);
        // Less service counts at once.
        self.set_service(index);
        self.take(index, steps);
        if let Some(relationship) = self.relationship(index)
            && relationship.my == State::Startup
            && relationship.stored != State::Startup
        {
            let stored = relationship.stored;
            self.move_to(index, stored);
        }
        self.set_service(index);
        if both_normal {
            self.tell_all(index);
        }
    }

    fn set_service(&mut self, index: usize) {
        if let Some(relationship) = self.relationship(index) {
            relationship.set_service();
        }
    }

    fn take(&mut self, index: usize, steps: Steps) {
        for step in steps {
            match step {
                Step::Say(line) => self.say(line),
                Step::Move(state) => self.move_to(index, state),
                Step::RequestUpdate => self.request_update(index, false),
                Step::RequestFullUpdate => self.request_update(index, true),
                Step::SendUpdates => self.send_updates(index),
                Step::CheckPools => self.check_pools(index),
            }
        }
    }

    pub(super) fn request_update(&mut self, index: usize, all: bool) {
        let Some(relationship) = self.relationship(index) else { return };
        relationship.asked_for_all |= all;
        // One for everything that was interrupted is made again, whatever would do now.
        let all = relationship.asked_for_all;
        let sequence = relationship.sequence;
        let kind = if all { Kind::UpdateRequestAll } else { Kind::UpdateRequest };
        if self.engine.failover.send(index, kind, None, sequence, |_| {}).is_some() {
            let name = self.name(index);
            self.say(log::sent_update_request(&name, all));
        }
    }

    pub(super) fn update_done(&mut self, index: usize) {
        let name = self.name(index);
        self.say(log::update_completed(&name));
        let now = self.now;
        let Some(relationship) = self.relationship(index) else { return };
        relationship.asked_for_all = false;
        let steps = state::on_update_done(&relationship.standing(), relationship.must_wait(now.wall));
        self.take(index, steps);
    }
}
