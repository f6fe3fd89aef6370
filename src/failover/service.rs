//! Who may serve, allocate and renew what in which state (PROTOCOL sections 7.1 and 10).

use super::state::{Role, State};
use crate::clock::Wall;
use crate::lease::binding::{self, Binding};

/// How a server serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    Startup,
    NotResponding,
    /// Clients are shared by load balancing.
    Cooperating,
    /// The peer is not heard of: all clients, from our own addresses.
    NotCooperating,
    /// The peer is down: all clients, and in time its addresses.
    PartnerDown,
}

impl Service {
    pub fn answers(self) -> bool {
        !matches!(self, Service::Startup | Service::NotResponding)
    }
}

/// The service in these states, and what follows `not responding` in the log.
pub fn service(my: State, partner: State) -> (Service, &'static str) {
    let (service, reason) = match my {
        State::Unknown => (Service::NotResponding, " (my state unknown)"),
        State::PartnerDown => (Service::PartnerDown, ""),
        State::Normal => (Service::Cooperating, ""),
        State::CommunicationsInterrupted => (Service::NotCooperating, ""),
        State::ResolutionInterrupted | State::PotentialConflict | State::ConflictDone => {
            (Service::NotResponding, " (resolving conflicts)")
        }
        State::Recover => (Service::NotResponding, " (recovering)"),
        State::Shutdown => (Service::NotResponding, " (shut down)"),
        State::Paused => (Service::NotResponding, " (paused)"),
        State::RecoverWait => (Service::NotResponding, " (recover wait)"),
        State::RecoverDone => (Service::NotResponding, " (recover done)"),
        State::Startup => (Service::Startup, " (startup)"),
    };
    if service == Service::NotResponding {
        return (service, reason);
    }
    match partner {
        State::PartnerDown => (Service::NotResponding, " (peer demands: recovering)"),
        State::PotentialConflict | State::ConflictDone | State::ResolutionInterrupted => {
            (Service::NotResponding, " (peer demands: resolving conflicts)")
        }
        _ => (service, reason),
    }
}

impl Role {
    /// The state of the free addresses that this server may hand out.
    pub fn own_free(self) -> binding::State {
        match self {
            Role::Primary => binding::State::Free,
            Role::Secondary => binding::State::Backup,
        }
    }

    /// The same of its peer.
    pub fn peers_free(self) -> binding::State {
        match self {
            Role::Primary => binding::State::Backup,
            Role::Secondary => binding::State::Free,
        }
    }
}

/// What a server needs to know to decide about an address.
#[derive(Clone, Copy, Debug)]
pub struct Rights {
    pub role: Role,
    pub service: Service,
    /// Since when its state holds.
    pub since: Wall,
    /// Seconds.
    pub mclt: Wall,
}

impl Rights {
    /// May this address go to any client?
    pub fn may_allocate(&self, binding: &Binding, now: Wall) -> bool {
        use binding::State::*;
        let peer_is_down = self.service == Service::PartnerDown;
        match binding.state {
            Active => false,
            Free if self.role == Role::Primary => true,
            // A peer that has not heard of it may still take the client that declined it for its holder.
            Abandoned if self.role == Role::Primary && binding.is_settled() => true,
            Backup if self.role == Role::Secondary => true,
            // The peer may have given it away until MCLT after it was last heard.
            Free | Abandoned | Backup => {
                let told = if binding.state == Abandoned { binding.tstp } else { 0 };
                peer_is_down && binding.tsfp().max(told).max(self.since) + self.mclt < now
            }
            // As the peer knows it, it is ours.
            Expired | Released if binding.rewind_state == self.role.own_free() => true,
            Expired | Released | Reset => peer_is_down && binding.tsfp() < now,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn binding(state: binding::State, rewind: binding::State, tsfp: Wall) -> Binding {
        let mut binding = Binding::never_used(Ipv4Addr::LOCALHOST);
        binding.state = state;
        binding.rewind_state = rewind;
        binding.rare_mut().tsfp = tsfp;
        binding
    }

    #[test]
    fn the_table_of_section_10() {
        use binding::State::*;
        let rights = |role, service| Rights { role, service, since: 1000, mclt: 60 };
        let (primary, secondary) = (Role::Primary, Role::Secondary);
        let normal = Service::Cooperating;
        let free = binding(Free, Free, 0);
        let backup = binding(Backup, Backup, 0);
        assert!(rights(primary, normal).may_allocate(&free, 2000));
        assert!(!rights(secondary, normal).may_allocate(&free, 2000));
        assert!(rights(secondary, normal).may_allocate(&backup, 2000));
        assert!(!rights(primary, normal).may_allocate(&backup, 2000));
        let down = Service::PartnerDown;
        assert!(!rights(primary, down).may_allocate(&backup, 1060));
        assert!(rights(primary, down).may_allocate(&backup, 1061));
        assert!(!rights(primary, down).may_allocate(&binding(Backup, Backup, 1500), 1560));
        assert!(rights(primary, down).may_allocate(&binding(Backup, Backup, 1500), 1561));
        assert!(rights(primary, normal).may_allocate(&binding(Expired, Free, 0), 0));
        assert!(!rights(primary, normal).may_allocate(&binding(Expired, Active, 0), 0));
        assert!(rights(secondary, normal).may_allocate(&binding(Released, Backup, 0), 0));
        assert!(rights(primary, down).may_allocate(&binding(Reset, Free, 1), 2));
        assert!(!rights(primary, down).may_allocate(&binding(Active, Free, 1), 2));
    }

    #[test]
    fn the_peer_can_forbid_service() {
        assert_eq!(service(State::Normal, State::Normal), (Service::Cooperating, ""));
        assert_eq!(
            service(State::Normal, State::PartnerDown),
            (Service::NotResponding, " (peer demands: recovering)")
        );
        assert_eq!(service(State::Startup, State::ConflictDone).0, Service::NotResponding);
        assert_eq!(service(State::Recover, State::PartnerDown).1, " (recovering)");
    }
}
