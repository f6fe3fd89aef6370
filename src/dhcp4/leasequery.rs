//! DHCPLEASEQUERY (RFC 4388; section 11): a relay asks who has an address, or which address a client has.

use super::Engine;
use super::message;
use super::options::{self, Packing};
use super::parameter::{self, dhcp};
use super::reply::server_identifier;
use super::request::Client;
use super::scope;
use super::send::{Reply, Send};
use crate::config::model::ROOT;
use crate::eval::machine::Machine;
use crate::lease::binding::{Binding, State, Value};
use crate::lease::queue::BindingId;
use crate::log::Line;
use crate::option::definition::{AGENT, OptionId};
use crate::wire::dhcp4::Header;
use smallvec::SmallVec;
use std::net::Ipv4Addr;

const UNASSIGNED: u8 = 11;
const UNKNOWN: u8 = 12;
const ACTIVE: u8 = 13;

/// The lease that answers, and other addresses of the same client.
#[derive(Default)]
struct Answer {
    lease: Option<BindingId>,
    associated: SmallVec<[Ipv4Addr; 4]>,
}

impl Engine {
    pub(super) fn leasequery(&mut self, client: Client<'_>) {
        let text = self.leasequery_text(&client);
        let header = &client.packet.message;
        if header.giaddr().is_unspecified() {
            return self.out.say(Line::info(format!(
                "{text}: missing giaddr, ciaddr is {}, no reply sent",
                header.ciaddr()
            )));
        }
        let own = self.first_address(client.interface);
        let mut configured = std::mem::take(&mut self.options);
        let answered = self.find_queried(&client);
        let (kind, answer) = answered;
        let binding = answer.lease.map(|id| self.store.get(id).clone());
        let context = scope::context(&client, &self.hosts, None);
        let mut machine = Machine::new(context, &mut self.variables, &mut configured, &mut self.out.outcome);
        let scope =
            client.config.find_subnet(header.giaddr()).map_or(ROOT, |id| client.config.subnet(id).scope);
        scope::run(&mut machine, &client, scope, None);
        if !machine.is_on(parameter::LEASEQUERY, false) {
            machine.outcome.say(Line::info(format!("{text}: LEASEQUERY not allowed, query ignored")));
            configured.clear();
            self.options = configured;
            return;
        }
        let mut reply = Header::reply_to(header);
        machine.options.clear();
        machine.options.set_data(OptionId::dhcp(dhcp::MESSAGE_TYPE), &[kind]);
        let source = server_identifier(&mut machine, own);
        if let (ACTIVE, Some(binding)) = (kind, &binding) {
            describe(&mut machine, &client, binding, &answer.associated, &mut reply);
        } else {
            reply.ciaddr = header.ciaddr();
        }
        machine.outcome.say(Line::info(text));
        let list = client.packet.option(OptionId::dhcp(dhcp::PARAMETER_REQUEST_LIST));
        let packing = Packing { request_list: list.as_deref(), ..Packing::default() };
        let payload = options::build(&mut machine, &client, &mut reply, &packing, &mut self.out.bytes);
        configured.clear();
        self.options = configured;
        self.send_leasequery_answer(&client, kind, &reply, source, payload, binding);
    }

    fn send_leasequery_answer(
        &mut self,
        client: &Client<'_>,
        kind: u8,
        reply: &Header,
        source: Ipv4Addr,
        payload: std::ops::Range<usize>,
        binding: Option<Binding>,
    ) {
        let giaddr = client.packet.message.giaddr();
        let address = reply.ciaddr;
        let hardware = match &binding {
            Some(binding) if kind == ACTIVE => {
                message::hardware(binding.hardware.get(1..).unwrap_or_default())
            }
            _ => client.hardware_text(),
        };
        let associated = if kind == ACTIVE { 1 } else { 0 };
        let line = Line::info(format!(
            "{} to {giaddr} for {} ({associated} associated IPs)",
            message::message_type(kind),
            if address.is_unspecified() { hardware } else { format!("IP {address}") },
        ));
        let (route, destination) = self.to_relay(client, giaddr);
        let source_port = self.settings.local_port;
        let send = Send { route, source, source_port, destination, payload };
        let after = self.out.outcome.acts.len();
        let sequence = binding.map_or(0, |binding| binding.sequence);
        self.out.replies.push(Reply { after, sequence, line, send });
    }

    fn leasequery_text(&self, client: &Client<'_>) -> String {
        let header = &client.packet.message;
        let about = if !header.ciaddr().is_unspecified() {
            format!("IP {}", header.ciaddr())
        } else if let Some(uid) = &client.identifier {
            format!("client-id {}", message::hardware(uid))
        } else {
            format!("MAC address {}", client.hardware_text())
        };
        format!("DHCPLEASEQUERY from {} for {about}", header.giaddr())
    }

    fn find_queried(&self, client: &Client<'_>) -> (u8, Answer) {
        let header = &client.packet.message;
        if !header.ciaddr().is_unspecified() {
            let lease = self.store.by_address(header.ciaddr());
            let kind = match (lease, self.pool_of(header.ciaddr())) {
                (Some(id), _) if self.store.get(id).state == State::Active => ACTIVE,
                (_, Some(_)) => UNASSIGNED,
                (_, None) => UNKNOWN,
            };
            return (kind, Answer { lease, associated: SmallVec::new() });
        }
        let is_active = |id: &BindingId| self.store.get(*id).state == State::Active;
        let leases: SmallVec<[BindingId; 4]> = match &client.identifier {
            Some(uid) => self.store.by_uid(uid).filter(is_active).collect(),
            None => self.store.by_hardware(&client.hardware).filter(is_active).collect(),
        };
        let latest = leases.iter().copied().max_by_key(|id| self.store.get(*id).cltt);
        let associated = leases.iter().map(|id| self.store.get(*id).address).collect();
        let kind = if latest.is_some() { ACTIVE } else { UNKNOWN };
        (kind, Answer { lease: latest, associated })
    }
}

/// What RFC 4388 section 6.4.2 tells of a lease, as far as it was asked for.
fn describe(
    machine: &mut Machine<'_>,
    client: &Client<'_>,
    binding: &Binding,
    associated: &[Ipv4Addr],
    reply: &mut Header,
) {
    reply.ciaddr = binding.address;
    let hardware = &binding.hardware;
    reply.htype = hardware.first().copied().unwrap_or(0);
    reply.hlen = hardware.len().saturating_sub(1).min(16) as u8;
    reply.chaddr = [0; 16];
    crate::wire::dhcp4::copy_field(&mut reply.chaddr, hardware.get(1..).unwrap_or_default());
    let now = client.now;
    let mut set = |code: u8, octets: &[u8]| machine.options.set_data(OptionId::dhcp(code), octets);
    if !binding.uid.is_empty() {
        set(dhcp::CLIENT_IDENTIFIER, &binding.uid);
    }
    if binding.ends > now {
        set(dhcp::LEASE_TIME, &((binding.ends - now) as u32).to_be_bytes());
    }
    if binding.cltt != 0 && binding.cltt <= now {
        set(dhcp::CLIENT_LAST_TRANSACTION_TIME, &((now - binding.cltt) as u32).to_be_bytes());
    }
    if let Some(Value::Data(class)) = binding.variable("vendor-class-identifier") {
        set(dhcp::VENDOR_CLASS_IDENTIFIER, class);
    }
    let others: Vec<u8> =
        associated.iter().filter(|a| **a != binding.address).flat_map(|a| a.octets()).collect();
    if !others.is_empty() {
        set(dhcp::ASSOCIATED_IP, &others);
    }
    let shape = crate::wire::option_area::Shape::BYTES;
    for (code, _, value) in crate::wire::option_area::Options::new(binding.agent_options(), shape).flatten() {
        machine.options.set_data(OptionId { space: AGENT, code }, value);
    }
}
