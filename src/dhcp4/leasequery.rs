//! DHCPLEASEQUERY (RFC 4388; section 11): a relay asks who has an address, or which address a client has.

use super::Engine;
use super::client::Client;
use super::message;
use super::options::{self, Packing};
use super::parameter::{self, dhcp};
use super::reply::server_identifier;
use super::scope;
use super::send::{Reply, Send};
use crate::clock::Wall;
use crate::config::model::ROOT;
use crate::eval::context::Lease;
use crate::eval::machine::Machine;
use crate::eval::options::OptionState;
use crate::lease::binding::{Binding, State, Value};
use crate::lease::queue::BindingId;
use crate::option::definition::{AGENT, OptionId};
use crate::wire::dhcp4::{Header, copy_field};
use crate::wire::option_area::{Options, Shape};
use smallvec::SmallVec;
use std::net::Ipv4Addr;

const UNASSIGNED: u8 = 11;
const UNKNOWN: u8 = 12;
const ACTIVE: u8 = 13;

/// Addresses of one client that are told, at most.
const ASSOCIATED: usize = 40;

/// What was found.
struct Answer {
    /// What was asked about, for the log.
    about: String,
    kind: u8,
    address: Ipv4Addr,
    /// `ends` of the lease that was found, whatever its state: option values that are told see it.
    ends: Option<Wall>,
    /// Of an active lease.
    binding: Option<Binding>,
    /// Other addresses of the same client; how many there are, and the first of them.
    associated: (usize, SmallVec<[Ipv4Addr; 4]>),
}

impl Engine {
    pub(super) fn leasequery(&mut self, client: Client<'_>) {
        let header = &client.packet.message;
        let giaddr = header.giaddr();
        if giaddr.is_unspecified() {
            return self.out.say(message::leasequery_without_relay(header.ciaddr()));
        }
        let mut options = self.take_options();
        let variables = &mut self.variables;
        let context = scope::context(&client, &self.hosts, None);
        let mut machine = Machine::new(context, variables, &mut options, &mut self.out.outcome);
        let scope = client.config.find_subnet(giaddr).map_or(ROOT, |id| client.config.subnet(id).scope);
        scope::run(&mut machine, &client, scope, None);
        scope::run_classes(&mut machine, &client, Some(scope));
        if machine.is_on(parameter::LEASEQUERY, false) {
            self.answer_leasequery(&client, &mut options);
        } else {
            self.out.say(message::leasequery_not_allowed(giaddr));
        }
        options.clear();
        self.options = Some(options);
    }

    fn answer_leasequery(&mut self, client: &Client<'_>, configured: &mut OptionState) {
        let header = &client.packet.message;
        let giaddr = header.giaddr();
        let answer = self.find_queried(client);
        if answer.associated.0 > ASSOCIATED {
            self.out.say(message::too_many_associated(answer.associated.0, &answer.about, ASSOCIATED));
        }
        let own = self.first_address(client.interface);
        let context = scope::context(client, &self.hosts, None);
        let mut machine = Machine::new(context, &mut self.variables, configured, &mut self.out.outcome);
        // The request itself is turned round: what the answer has no word for stays in it.
        let mut reply = Header::reply_to(header);
        reply.yiaddr = header.yiaddr();
        reply.siaddr = header.siaddr();
        reply.ciaddr = answer.address;
        copy_field(&mut reply.sname, header.sname());
        copy_field(&mut reply.file, header.file());
        if let Some(binding) = &answer.binding {
            describe(&mut machine, client, binding, &answer.associated.1, &mut reply);
        }
        machine.options.set_data(OptionId::dhcp(dhcp::MESSAGE_TYPE), &[answer.kind]);
        machine.outcome.say(message::leasequery(giaddr, &answer.about));
        let source = server_identifier(&mut machine, own);
        let list = machine.option_value(OptionId::dhcp(dhcp::PARAMETER_REQUEST_LIST));
        let packing = Packing { request_list: list.as_deref(), is_unpadded: true, ..Packing::default() };
        let lease = answer.ends.map(|ends| Lease {
            address: answer.address,
            ends,
            hardware: &client.hardware,
            is_static: false,
            host_name: None,
        });
        let context = scope::context(client, &self.hosts, lease);
        let mut machine = Machine::new(context, &mut self.variables, configured, &mut self.out.outcome);
        let payload = options::build(&mut machine, client, &mut reply, &packing, &mut self.out.bytes);
        let name = message::message_type(answer.kind);
        let line = message::leasequery_answer(&name, giaddr, &answer.about, answer.associated.0);
        let (route, destination) = self.to_relay(client, giaddr);
        let source_port = self.settings.local_port;
        let send = Send { route, source, source_port, destination, payload };
        let after = self.out.outcome.acts.len();
        // What is told of a lease must not be taken back by a crash; nor that there is none.
        let sequence = answer.binding.map_or(self.journal.sequence(), |binding| binding.sequence);
        self.out.replies.push(Reply { after, sequence, line, send });
    }

    fn find_queried(&self, client: &Client<'_>) -> Answer {
        let ciaddr = client.packet.message.ciaddr();
        if !ciaddr.is_unspecified() {
            let kind = match self.store.by_address(ciaddr) {
                Some(id) if self.store.get(id).state == State::Active => ACTIVE,
                Some(_) => UNASSIGNED,
                None if self.pool_of(ciaddr).is_some() => UNASSIGNED,
                None => UNKNOWN,
            };
            let binding = self.store.by_address(ciaddr).filter(|_| kind == ACTIVE);
            let binding = binding.map(|id| self.store.get(id).clone());
            let about = format!("IP {ciaddr}");
            let known = self.store.by_address(ciaddr).map(|id| self.store.get(id).ends);
            let ends = known.or_else(|| self.pool_of(ciaddr).map(|_| 0));
            return Answer { about, kind, address: ciaddr, ends, binding, associated: (0, SmallVec::new()) };
        }
        let (about, leases): (String, SmallVec<[BindingId; 4]>) = match &client.identifier {
            Some(uid) => {
                (format!("client-id {}", message::Identifier(uid)), self.store.by_uid(uid).collect())
            }
            None => (
                format!("MAC address {}", client.hardware_text()),
                self.store.by_hardware(&client.hardware).collect(),
            ),
        };
        let newest = self.newest(&leases);
        let mut associated: SmallVec<[Ipv4Addr; 4]> = SmallVec::new();
        let mut count = 0;
        for id in leases.iter().copied().filter(|id| Some(*id) != newest) {
            let binding = self.store.get(id);
            if binding.state == State::Active {
                count += 1;
                if associated.len() < ASSOCIATED {
                    associated.push(binding.address);
                }
            }
        }
        let found = newest.map(|id| self.store.get(id));
        let kind = match found {
            None => UNKNOWN,
            Some(binding) if binding.state == State::Active => ACTIVE,
            Some(_) => UNASSIGNED,
        };
        Answer {
            about,
            kind,
            address: found.map_or(ciaddr, |binding| binding.address),
            ends: found.map(|binding| binding.ends),
            binding: found.filter(|_| kind == ACTIVE).cloned(),
            associated: (count, associated),
        }
    }

    /// Of a client's leases the active one it spoke of last, else the one that ended last.
    fn newest(&self, leases: &[BindingId]) -> Option<BindingId> {
        leases.iter().copied().reduce(|newest, id| {
            let (old, new) = (self.store.get(newest), self.store.get(id));
            let is_newer = match old.state {
                State::Active => new.state == State::Active && new.cltt > old.cltt,
                _ => new.ends > old.ends,
            };
            if is_newer { id } else { newest }
        })
    }
}

/// What RFC 4388 section 6.4.2 tells of a lease. Nothing configured is told.
fn describe(
    machine: &mut Machine<'_>,
    client: &Client<'_>,
    binding: &Binding,
    associated: &[Ipv4Addr],
    reply: &mut Header,
) {
    machine.options.clear();
    let hardware = &binding.hardware;
    reply.htype = hardware.first().copied().unwrap_or(0);
    reply.hlen = hardware.len().saturating_sub(1).min(16) as u8;
    reply.chaddr = [0; 16];
    copy_field(&mut reply.chaddr, hardware.get(1..).unwrap_or_default());
    let now = client.now;
    let mut set = |code: u8, octets: &[u8]| machine.options.set_data(OptionId::dhcp(code), octets);
    if !binding.uid.is_empty() {
        set(dhcp::CLIENT_IDENTIFIER, &binding.uid);
    }
    let length = binding.ends - binding.starts;
    let renewal = binding.starts + length / 2;
    let rebinding = binding.starts + length / 2 + length / 4 + length / 8;
    let times =
        [(dhcp::RENEWAL_TIME, renewal), (dhcp::REBINDING_TIME, rebinding), (dhcp::LEASE_TIME, binding.ends)];
    for (code, when) in times {
        if when > now {
            set(code, &((when - now) as u32).to_be_bytes());
        }
    }
    if let Some(Value::Data(class)) = binding.variable("vendor-class-identifier") {
        set(dhcp::VENDOR_CLASS_IDENTIFIER, class);
    }
    if binding.cltt != 0 {
        let ago = (now - binding.cltt).max(0) as u32;
        set(dhcp::CLIENT_LAST_TRANSACTION_TIME, &ago.to_be_bytes());
    }
    if !associated.is_empty() {
        let octets: SmallVec<[u8; 64]> = associated.iter().flat_map(|address| address.octets()).collect();
        set(dhcp::ASSOCIATED_IP, &octets);
    }
    for (code, _, value) in Options::new(binding.agent_options(), Shape::BYTES).flatten() {
        machine.options.set_data(OptionId { space: AGENT, code }, value);
    }
}
