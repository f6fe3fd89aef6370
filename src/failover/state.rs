//! The states of a failover server and what moves it from one to another (PROTOCOL sections 7.1 to 7.5 of the recordings;
//! draft-ietf-dhc-failover-12 section 9).
//!
//! Where ISC's table leads to shutdown, to the end of the process, or to where nothing leads out, ISC's line is said and
//! the pair goes on in potential-conflict, recover or partner-down; each such place is marked `better`.

use super::log;
use crate::log::Line;
use smallvec::SmallVec;

/// Primary or secondary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Primary,
    Secondary,
}

/// Numbered as on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    Unknown = 0,
    Startup = 1,
    Normal = 2,
    CommunicationsInterrupted = 3,
    PartnerDown = 4,
    PotentialConflict = 5,
    Recover = 6,
    Paused = 7,
    Shutdown = 8,
    RecoverDone = 9,
    ResolutionInterrupted = 10,
    ConflictDone = 11,
    RecoverWait = 254,
}

impl State {
    pub const ALL: [State; 13] = [
        State::Unknown,
        State::Startup,
        State::Normal,
        State::CommunicationsInterrupted,
        State::PartnerDown,
        State::PotentialConflict,
        State::Recover,
        State::Paused,
        State::Shutdown,
        State::RecoverDone,
        State::ResolutionInterrupted,
        State::ConflictDone,
        State::RecoverWait,
    ];

    pub fn from_number(number: u8) -> Option<State> {
        State::ALL.into_iter().find(|state| state.number() == number)
    }

    pub fn number(self) -> u8 {
        self as u8
    }

    /// The word of the log and of the lease file.
    pub fn name(self) -> &'static str {
        match self {
            State::Unknown => "unknown-state",
            State::Startup => "startup",
            State::Normal => "normal",
            State::CommunicationsInterrupted => "communications-interrupted",
            State::PartnerDown => "partner-down",
            State::PotentialConflict => "potential-conflict",
            State::Recover => "recover",
            State::Paused => "paused",
            State::Shutdown => "shutdown",
            State::RecoverDone => "recover-done",
            State::ResolutionInterrupted => "resolution-interrupted",
            State::ConflictDone => "conflict-done",
            State::RecoverWait => "recover-wait",
        }
    }

    /// What the peer did up to now is known; it must not take that for known which it does later.
    pub fn has_recovered(self) -> bool {
        matches!(self, State::RecoverWait | State::RecoverDone)
    }

    fn has_served_alone(self) -> bool {
        matches!(self, State::PartnerDown | State::CommunicationsInterrupted)
    }

    pub fn from_name(name: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// What is to be done, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Say(Line),
    Move(State),
    /// Ask for what the peer has changed.
    RequestUpdate,
    /// Ask for everything the peer knows.
    RequestFullUpdate,
    SendUpdates,
    /// See whether the pools want balancing sooner.
    CheckPools,
}

pub type Steps = SmallVec<[Step; 3]>;

fn steps<const N: usize>(list: [Step; N]) -> Steps {
    list.into_iter().collect()
}

/// Where a server stands.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// The relationship's name.
    pub name: &'a str,
    pub role: Role,
    pub my: State,
    /// The state it had before its startup.
    pub stored: State,
    /// The peer's last known state.
    pub partner: State,
}

impl Standing<'_> {
    /// The state that counts: in startup, the stored one.
    pub fn lasting(&self) -> State {
        if self.my == State::Startup { self.stored } else { self.my }
    }
}

/// The connection is lost, or nobody answered during startup.
pub fn on_disconnect(standing: &Standing<'_>) -> Option<State> {
    use State::*;
    match standing.lasting() {
        Normal => Some(CommunicationsInterrupted),
        PotentialConflict | Unknown => Some(ResolutionInterrupted),
        _ if standing.my == Startup => Some(standing.stored),
        _ => None,
    }
}

/// Whether a STATE tells something: the same state again is only looked at in some of ours.
pub fn is_news(standing: &Standing<'_>, announced: State) -> bool {
    use State::*;
    standing.partner != announced
        || matches!(
            standing.my,
            PartnerDown | CommunicationsInterrupted | ResolutionInterrupted | Recover | ConflictDone
        )
}

/// How startup ends when the peer's state is the one that was known: the peer is there, so a conflict is resolved.
pub fn out_of_startup(stored: State, partner: State) -> State {
    match stored {
        State::ResolutionInterrupted => State::PotentialConflict,
        stored if stored.has_recovered() && partner.has_served_alone() => State::Recover,
        // better: nothing leads out of these.
        State::Unknown | State::Shutdown | State::Paused | State::Startup => State::Recover,
        stored => stored,
    }
}

/// What the peer's new state asks for; `standing.partner` is the one before. `starting`: its STARTUP flag.
pub fn on_announcement(standing: &Standing<'_>, announced: State, starting: bool) -> Steps {
    use State::*;
    let in_startup = standing.my == Startup;
    let name = standing.name;
    let moves = |state| steps([Step::Move(state)]);
    match (standing.lasting(), announced) {
        (Normal, Normal) => steps([Step::CheckPools]),
        (Normal, PartnerDown) if in_startup => moves(Recover),
        (Normal, PartnerDown) => moves(PotentialConflict),
        // better: ISC shuts down.
        (Normal, PotentialConflict | ResolutionInterrupted | ConflictDone) => steps([
            Step::Say(log::invalid_transition(name, standing.partner, announced)),
            Step::Move(PotentialConflict),
        ]),
        (Normal, Recover | Shutdown) => moves(PartnerDown),
        (Normal, Paused) => moves(CommunicationsInterrupted),

        (CommunicationsInterrupted, Recover | Shutdown) => moves(PartnerDown),
        (CommunicationsInterrupted, Normal | CommunicationsInterrupted | RecoverDone | RecoverWait) => {
            steps([Step::SendUpdates, Step::Move(Normal)])
        }
        (
            CommunicationsInterrupted,
            PotentialConflict | PartnerDown | ResolutionInterrupted | ConflictDone,
        ) => moves(PotentialConflict),

        (PartnerDown, _) if starting => Steps::new(),
        (PartnerDown, RecoverDone) => moves(Normal),
        (
            PartnerDown,
            Normal
            | PotentialConflict
            | PartnerDown
            | CommunicationsInterrupted
            | ResolutionInterrupted
            | ConflictDone,
        ) => moves(PotentialConflict),

        // better: ISC shuts down.
        (PotentialConflict, Normal) => {
            steps([Step::Say(log::normal_during_conflict(name)), Step::Move(Recover)])
        }
        (PotentialConflict, ConflictDone) if standing.partner == PotentialConflict => {
            steps([Step::RequestUpdate])
        }
        // better: ISC asks for nothing, and waits for ever.
        (PotentialConflict, ConflictDone) => {
            steps([Step::Say(log::unexpected_conflict_done(name)), Step::RequestUpdate])
        }
        // better: a peer that has recovered waits for us as we would for it.
        (PotentialConflict, Recover | RecoverDone) => moves(Recover),
        (PotentialConflict, Shutdown) => moves(PartnerDown),

        (Recover, Recover) if in_startup => steps([Step::Say(log::requesting_full_update(name))]),
        (Recover, Recover) => steps([Step::Say(log::requesting_full_update(name)), Step::RequestFullUpdate]),
        (Recover, PotentialConflict | ResolutionInterrupted | ConflictDone | Normal) => {
            moves(PotentialConflict)
        }
        (Recover, PartnerDown | CommunicationsInterrupted) if !in_startup => steps([Step::RequestFullUpdate]),
        // better: a peer that has recovered waits for us, and what we asked for before may be lost.
        (Recover, RecoverDone) if !in_startup => steps([Step::RequestFullUpdate]),
        (Recover, Shutdown) => moves(PartnerDown),

        // better: what the peer gave away since the update is not known, and it would take us for recovered.
        (RecoverWait | RecoverDone, PartnerDown | CommunicationsInterrupted) if in_startup => moves(Recover),

        (RecoverDone, RecoverDone) => steps([Step::Say(log::both_recover_done()), Step::Move(Normal)]),
        (RecoverDone, Normal) => moves(Normal),
        (RecoverDone, Shutdown) => moves(PartnerDown),
        // better: the peer waits for a conflict to be resolved that we know nothing of.
        (RecoverDone, PotentialConflict | ResolutionInterrupted | ConflictDone) if !in_startup => {
            moves(PotentialConflict)
        }

        (ResolutionInterrupted, Shutdown) => moves(PartnerDown),
        (ResolutionInterrupted, Unknown | Startup | Paused) => Steps::new(),
        (ResolutionInterrupted, _) => moves(PotentialConflict),

        (ConflictDone, Normal) => moves(Normal),
        (ConflictDone, PotentialConflict | ResolutionInterrupted) => Steps::new(),
        // better: ISC shuts down, or ends.
        (ConflictDone, Shutdown) => moves(PartnerDown),
        (ConflictDone, other) => {
            let next = if other == Recover { Recover } else { PotentialConflict };
            steps([
                Step::Say(log::invalid_move_in_conflict_done(name, standing.partner, other)),
                Step::Move(next),
            ])
        }

        // better: nothing leads out of these in ISC; an operator may have put us there, so only a start does.
        (Unknown | Shutdown | Paused, _) if in_startup => moves(Recover),
        _ => Steps::new(),
    }
}

/// What follows when the peer has sent all that was asked for. `must_wait`: MCLT has not passed since the state before
/// was entered.
pub fn on_update_done(standing: &Standing<'_>, must_wait: bool) -> Steps {
    use State::*;
    match (standing.my, standing.role, standing.partner) {
        (PotentialConflict, Role::Secondary, ConflictDone) => steps([Step::Move(Normal)]),
        // better: ISC shuts down.
        (PotentialConflict, Role::Primary, ConflictDone) => {
            steps([Step::Say(log::secondary_in_conflict_done()), Step::Move(Recover)])
        }
        (PotentialConflict, Role::Primary, _) => steps([Step::Move(ConflictDone)]),
        (PotentialConflict, Role::Secondary, _) | (ConflictDone, ..) => {
            steps([Step::Say(log::spurious_update_done())])
        }
        (Recover, _, Recover | RecoverDone) => steps([Step::Move(RecoverDone)]),
        (Recover, ..) if must_wait => steps([Step::Move(RecoverWait)]),
        (Recover, ..) => steps([Step::Move(RecoverDone)]),
        _ => Steps::new(),
    }
}
