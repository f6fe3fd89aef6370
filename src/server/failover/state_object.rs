//! `failover-state` over OMAPI (PROTOCOL section 15): every value can be read, and `local-state` be set, which moves the
//! server as if by itself. That is how an operator says that the partner is down (4).

use super::Peers;
use crate::failover::Failover;
use crate::failover::state::{Role, State};
use crate::omapi::Elsewhere;
use crate::omapi::codec::Values;
use crate::omapi::result::Code;

/// All values of one relationship, as of the message that asks.
struct View {
    name: Vec<u8>,
    values: Vec<(&'static str, Vec<u8>)>,
}

/// What the message sees and wants of the relationships.
pub(in crate::server) struct StateObjects {
    views: Vec<View>,
    wanted: Vec<(usize, State)>,
}

const NAMES: &[&str] = &[
    "name",
    "partner-address",
    "partner-port",
    "local-address",
    "local-port",
    "max-outstanding-updates",
    "mclt",
    "load-balance-max-secs",
    "load-balance-hba",
    "partner-state",
    "local-state",
    "partner-stos",
    "local-stos",
    "hierarchy",
    "last-packet-sent",
    "last-timestamp-received",
    "skew",
    "max-response-delay",
    "cur-unacked-updates",
];

impl StateObjects {
    pub fn new(failover: &Failover) -> Self {
        let view = |relationship: &crate::failover::relationship::Relationship| {
            let number = |value: u32| value.to_be_bytes().to_vec();
            let remote = relationship.remote.first();
            // ISC shows eight octets of a pointer here; these begin with the address.
            let address = |address: Option<&std::net::SocketAddrV4>| {
                let mut octets = address.map_or([0; 4], |address| address.ip().octets()).to_vec();
                octets.resize(8, 0);
                octets
            };
            let parameters = &relationship.parameters;
            let hierarchy = u32::from(relationship.role == Role::Secondary);
            let buckets = relationship.buckets.as_ref().map(|buckets| buckets.to_vec());
            let mut values = vec![
                ("name", relationship.name.as_bytes().to_vec()),
                ("partner-address", address(remote)),
                ("partner-port", number(remote.map_or(0, |remote| u32::from(remote.port())))),
                ("local-address", address(Some(&relationship.local))),
                ("local-port", number(u32::from(relationship.local.port()))),
                ("max-outstanding-updates", number(parameters.max_unacked_updates)),
                ("mclt", number(relationship.mclt)),
                ("load-balance-max-secs", number(parameters.load_balance_max_seconds)),
            ];
            values.extend(buckets.map(|buckets| ("load-balance-hba", buckets)));
            values.extend([
                ("partner-state", number(u32::from(relationship.partner.number()))),
                ("local-state", number(u32::from(relationship.my.number()))),
                ("partner-stos", number(relationship.partner_since as u32)),
                ("local-stos", number(relationship.my_since as u32)),
                ("hierarchy", number(hierarchy)),
                ("last-packet-sent", number(0)),
                ("last-timestamp-received", number(0)),
                ("skew", number(0)),
                ("max-response-delay", number(parameters.max_response_delay)),
                ("cur-unacked-updates", number(relationship.unacked() as u32)),
            ]);
            View { name: relationship.name.as_bytes().to_vec(), values }
        };
        StateObjects { views: failover.relationships.iter().map(view).collect(), wanted: Vec::new() }
    }

    /// What was set, to be carried out.
    pub fn wanted(self) -> Vec<(usize, State)> {
        self.wanted
    }
}

impl Elsewhere for StateObjects {
    fn look_up(&self, keys: &Values) -> Result<u32, Code> {
        let name = keys.get("name").ok_or(Code::NO_KEYS)?;
        let at = self.views.iter().position(|view| view.name == name).ok_or(Code::NOT_FOUND)?;
        Ok(at as u32)
    }

    fn values(&self, object: u32, put: &mut dyn FnMut(&[u8], &[u8])) {
        for (name, value) in self.views.get(object as usize).map_or(&[][..], |view| &view.values) {
            put(name.as_bytes(), value);
        }
    }

    fn set(&mut self, object: u32, name: &[u8], value: Option<&[u8]>) -> Result<(), Code> {
        if name != b"local-state" {
            let known = NAMES.iter().any(|known| known.as_bytes() == name);
            return if known { Ok(()) } else { Err(Code::NOT_FOUND) };
        }
        let number = value.and_then(|octets| <[u8; 4]>::try_from(octets).ok()).map(u32::from_be_bytes);
        // ISC ends when the number means nothing.
        let state = number.and_then(|number| State::from_number(u8::try_from(number).ok()?));
        self.wanted.push((object as usize, state.ok_or(Code::INVALID_ARGUMENT)?));
        Ok(())
    }
}

impl Peers<'_> {
    /// An operator sets the state.
    pub fn set_state(&mut self, index: usize, state: State) {
        self.move_to(index, state);
    }
}
