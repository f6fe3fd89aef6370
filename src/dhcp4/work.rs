//! One grant while it is worked out: the lease as it was found, and what the statements have set so far.

use super::Engine;
use super::client::Client;
use super::lease_ref::LeaseRef;
use super::message;
use super::scope::{self, Place};
use crate::clock::Wall;
use crate::config::model::HostId;
use crate::eval::context::Lease;
use crate::eval::machine::{Machine, Outcome};
use crate::eval::options::OptionState;
use crate::eval::parameter::Flag;
use crate::eval::value::Variables;
use crate::lease::binding::Binding;
use crate::lease::queue::BindingId;

/// What the client gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answering {
    Offer,
    Ack,
    Bootp,
}

impl Answering {
    /// Value of option 53; BOOTP has none.
    pub fn message_type(self) -> Option<u8> {
        match self {
            Answering::Offer => Some(2),
            Answering::Ack => Some(5),
            Answering::Bootp => None,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Answering::Offer => "DHCPOFFER",
            Answering::Ack => "DHCPACK",
            Answering::Bootp => "BOOTREPLY",
        }
    }
}

/// What is to be given to whom.
#[derive(Debug)]
pub struct Grant {
    pub lease: LeaseRef,
    /// The host declaration the lease hangs on already.
    pub host: Option<HostId>,
    pub offer: Answering,
    /// The line the message is logged with.
    pub text: String,
    /// When an offer is forgotten.
    pub when: Option<Wall>,
}

/// The lease as it was found.
pub struct Current {
    pub id: Option<BindingId>,
    pub binding: Binding,
    /// Of a fixed address.
    pub fixed: Option<HostId>,
}

/// The state of one grant while it is worked out.
pub struct Work<'c, 'p> {
    pub client: &'c Client<'p>,
    pub grant: Grant,
    pub current: Current,
    pub place: Place,
    pub variables: Variables,
    pub options: OptionState,
    pub outcome: Outcome,
    pub host: Option<HostId>,
}

impl Work<'_, '_> {
    /// The evaluator over what was found: the lease, its variables, the options set so far.
    pub fn machine<'m>(&'m mut self, engine: &'m Engine) -> Machine<'m> {
        let client = self.client;
        let host = self.host.or(self.current.fixed);
        let lease = Lease {
            address: self.current.binding.address,
            ends: self.current.binding.ends,
            hardware: &self.current.binding.hardware,
            is_static: self.current.fixed.is_some(),
            host_name: host.map(|host| &*client.config.host(host).name),
        };
        let context = scope::context(client, &engine.hosts, Some(lease));
        Machine::new(context, &mut self.variables, &mut self.options, &mut self.outcome)
    }

    pub fn refuse(&mut self, flag: Option<Flag>, fault: &str) -> bool {
        if flag == Some(Flag::No) {
            self.outcome.say(message::dropped(&self.grant.text, fault));
        }
        !scope::is_allowed(flag)
    }
}
