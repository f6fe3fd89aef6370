//! BOOTP (RFC 951, 1542; section 11): a fixed address from a host declaration, or a dynamic one where pools permit it.
//! BOOTP clients are in no class.

use super::Engine;
use super::client::Client;
use super::lease_ref::{Fixed, LeaseRef};
use super::message;
use super::options::first_address;
use super::options::{self, Packing};
use super::parameter::{self, dhcp};
use super::scope::{self, Place};
use super::send::{Reply, Route, Send};
use super::work::{Answering, Grant};
use crate::clock::Now;
use crate::eval::context::Lease;
use crate::eval::machine::Machine;
use crate::eval::options::OptionState;
use crate::eval::parameter::Flag;
use crate::eval::value::Variables;
use crate::option::definition::OptionId;
use crate::wire::dhcp4::{BOOTREQUEST, BROADCAST, FIXED, Header, copy_field};
use smallvec::SmallVec;
use std::net::Ipv4Addr;
use std::ops::Range;

/// A reply is at least this long.
const BOOTP_LENGTH: usize = 300;

impl Engine {
    pub(super) fn bootp(&mut self, now: Now, mut client: Client<'_>) {
        if client.packet.message.op() != BOOTREQUEST {
            return;
        }
        let text = message::bootrequest(client.hardware_text(), self.via(&client));
        let Some(network) = client.network else {
            return self.out.say(message::dropped(&text, "network unknown"));
        };
        // ISC puts no BOOTP client into a class.
        let found = self.find_lease(&mut client, network);
        if let Some(LeaseRef::Fixed(fixed)) = &found.lease {
            return self.static_bootp(&client, &text, fixed);
        }
        let host = found.host.or_else(|| client.without_address(client.host_by_hardware()));
        let lease = found.lease.or_else(|| self.allocate(&client, network, &mut false));
        let Some(lease) = lease else {
            return self.out.say(message::dropped(&text, message::NO_DYNAMIC_BOOTP));
        };
        if self.is_mute(&lease, &text) || self.is_peers_client(&client, &lease, &text, None) {
            return;
        }
        self.grant(now, client, Grant { lease, host, offer: Answering::Bootp, text, when: None });
    }

    fn static_bootp(&mut self, client: &Client<'_>, text: &str, fixed: &Fixed) {
        let mut header = Header::reply_to(&client.packet.message);
        header.ciaddr = client.packet.message.ciaddr();
        header.yiaddr = fixed.address;
        let (own, next_server) = self.bootp_addresses(client, fixed);
        header.siaddr = next_server;
        let mut configured = self.take_options();
        let mut variables = Variables::default();
        let payload = self.static_contents(client, text, fixed, &mut header, &mut configured, &mut variables);
        configured.clear();
        self.options = Some(configured);
        let Some(payload) = payload else { return };
        let Some(source) = own else {
            let name = self.interface_name(client.interface).to_string();
            return self.out.say(message::no_source_address(text, &name));
        };
        self.out.say(crate::log::Line::info(text.to_string()));
        let name = client.config.host(fixed.host).name.clone();
        let line = message::bootreply(fixed.address, &name, client.hardware_text(), self.via(client));
        let (route, destination) = match header.giaddr.is_unspecified() {
            true => {
                // The frame goes to the client even where the datagram is a broadcast.
                let (_, to) = self.to_client(client, &header, header.flags & BROADCAST != 0);
                let hardware = SmallVec::from_slice(client.packet.message.chaddr());
                (Route::Link { interface: client.interface, hardware }, to)
            }
            false => {
                let (route, mut to) = self.to_relay(client, header.giaddr);
                to.set_port(self.settings.local_port);
                (route, to)
            }
        };
        let source_port = self.settings.local_port;
        let send = Send { route, source, source_port, destination, payload };
        let after = self.out.outcome.acts.len();
        self.out.replies.push(Reply { after, sequence: 0, line, send });
        for _ in 0..variables.functions() {
            self.out.say(message::function_freed("bootp.c(461)"));
        }
    }

    /// Our own address, and the boot server when none is configured: the first address of the interface of the host's
    /// network, which an `interface` statement names, or which has an address there.
    fn bootp_addresses(&self, client: &Client<'_>, fixed: &Fixed) -> (Option<Ipv4Addr>, Ipv4Addr) {
        let own = self.first_address(client.interface);
        let id = client.config.subnet(fixed.subnet).network;
        let named = client.config.network(id).interface.as_deref();
        let is_there = |address: &Ipv4Addr| client.config.find_network(*address) == Some(id);
        let mut interfaces = self.interfaces.iter();
        let there = interfaces.find(|interface| match named {
            Some(name) => interface.name == name,
            None => interface.addresses.iter().any(is_there),
        });
        let there = there.and_then(|interface| interface.addresses.first().copied());
        (own, there.or(own).unwrap_or(Ipv4Addr::UNSPECIFIED))
    }

    /// None: not served, which has been said.
    fn static_contents(
        &mut self,
        client: &Client<'_>,
        text: &str,
        fixed: &Fixed,
        header: &mut Header,
        configured: &mut OptionState,
        variables: &mut Variables,
    ) -> Option<Range<usize>> {
        let host = client.config.host(fixed.host);
        let lease = Lease {
            address: fixed.address,
            ends: 0,
            hardware: &client.hardware,
            is_static: true,
            host_name: Some(&host.name),
        };
        let context = scope::context(client, &self.hosts, Some(lease));
        let mut machine = Machine::new(context, variables, configured, &mut self.out.outcome);
        let place = Place { subnet: fixed.subnet, pool: None };
        scope::run_place(&mut machine, client, place);
        scope::run(&mut machine, client, host.scope, Some(place.inner(client)));
        for (id, fault) in
            [(parameter::ALLOW_BOOTP, "bootp disallowed"), (parameter::ALLOW_BOOTING, "booting disallowed")]
        {
            match machine.flag(id) {
                Some(Flag::No) => {
                    machine.outcome.say(message::dropped(text, fault));
                    return None;
                }
                Some(Flag::Ignore) => return None,
                Some(Flag::Yes) | None => {}
            }
        }
        if machine.is_on(parameter::ALWAYS_BROADCAST, false) {
            header.flags |= BROADCAST;
        }
        if let Some(value) = machine.option_value(parameter::NEXT_SERVER) {
            header.siaddr = first_address(&value).unwrap_or(Ipv4Addr::UNSPECIFIED);
        }
        let request = &client.packet.message;
        let names = [
            (parameter::FILENAME, &mut header.file[..], request.file()),
            (parameter::SERVER_NAME, &mut header.sname[..], &[][..]),
        ];
        for (id, field, otherwise) in names {
            let name = machine.option_value(id);
            copy_field(field, name.as_deref().unwrap_or(otherwise));
        }
        let payload = pack(&mut machine, client, fixed, header, &mut self.out.bytes);
        if let Some(commit) = std::mem::take(&mut machine.outcome.on).commit {
            machine.run(&commit);
        }
        Some(payload)
    }
}

/// Without a cookie in the request the client gets its own vendor area back, unless told otherwise.
fn pack(
    machine: &mut Machine<'_>,
    client: &Client<'_>,
    fixed: &Fixed,
    header: &mut Header,
    out: &mut Vec<u8>,
) -> Range<usize> {
    let request = &client.packet.message;
    if !request.has_options() && !machine.is_on(parameter::ALWAYS_REPLY_RFC1048, false) {
        let start = out.len();
        header.write(out);
        out.extend_from_slice(request.payload().get(FIXED..).unwrap_or_default());
        if out.len() - start < BOOTP_LENGTH {
            out.resize(start + BOOTP_LENGTH, 0);
        }
        return start..out.len();
    }
    let mask = OptionId::dhcp(dhcp::SUBNET_MASK);
    if !machine.options.contains(mask) {
        machine.options.set_data(mask, &client.config.subnet(fixed.subnet).mask.octets());
    }
    let name = OptionId::dhcp(dhcp::HOST_NAME);
    if !machine.options.contains(name) && machine.is_on(parameter::USE_HOST_DECL_NAMES, false) {
        machine.options.set_data(name, client.config.host(fixed.host).name.as_bytes());
    }
    options::build(machine, client, header, &Packing { is_bootp: true, ..Packing::default() }, out)
}
