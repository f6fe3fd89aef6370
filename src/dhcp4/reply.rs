//! The contents of an OFFER, an ACK or a BOOTREPLY, and where it goes (sections 9 and 10).

use super::Engine;
use super::client::Client;
use super::lease_ref::LeaseRef;
use super::lease_time::Times;
use super::message;
use super::options::first_address;
use super::options::{self, Packing};
use super::parameter::{self, dhcp};
use super::scope;
use super::send::{Reply, Route, Send};
use super::work::{Answering, Work};
use crate::clock::Now;
use crate::eval::context::Lease;
use crate::eval::machine::Machine;
use crate::eval::value::Data;
use crate::option::definition::OptionId;
use crate::transition;
use crate::wire::dhcp4::{BROADCAST, Header, copy_field};
use smallvec::SmallVec;
use std::net::{Ipv4Addr, SocketAddrV4};

/// `filename` and `server-name`.
pub struct Names {
    pub file: Option<Data>,
    pub server: Option<Data>,
}

/// What a reply is made of beside the options.
pub struct Answer {
    pub names: Names,
    pub times: Times,
    pub same_client: bool,
    /// The record that must be durable first.
    pub sequence: u64,
    /// The binding was recorded for this answer.
    pub written: bool,
}

/// Where the message goes, and the server's address in it.
struct Addresses {
    from: Ipv4Addr,
    next_server: Ipv4Addr,
}

impl Engine {
    pub(super) fn answer(&mut self, now: Now, work: &mut Work<'_, '_>, answer: Answer) {
        let client = work.client;
        let mut header = Header::reply_to(&client.packet.message);
        if work.machine(self).is_on(parameter::ALWAYS_BROADCAST, false) {
            header.flags |= BROADCAST;
        }
        let max_message = self.max_message(work);
        let Some(addresses) = self.set_options(work, &answer) else { return };
        let Some(list) = self.request_list(work) else { return };
        let echo = work.machine(self).is_on(parameter::ECHO_CLIENT_ID, false);
        let wait = self.ping_wait(work, answer.same_client);
        work.outcome.say(crate::log::Line::info(std::mem::take(&mut work.grant.text)));
        if let (true, Some(id)) = (answer.written, work.current.id) {
            transition::say_unwritten(self.store.get(id), &mut work.outcome);
        }
        header.ciaddr = client.packet.message.ciaddr();
        header.yiaddr = work.current.binding.address;
        header.siaddr = addresses.next_server;
        copy_names(&mut header, &answer.names, work);
        let packing = Packing {
            max_message,
            file_is_free: answer.names.file.is_none(),
            sname_is_free: answer.names.server.is_none(),
            null_terminate: client.packet.had_nulls(dhcp::HOST_NAME) && work.grant.offer != Answering::Bootp,
            is_bootp: work.grant.offer == Answering::Bootp,
            request_list: list.as_deref(),
            echo_client_id: echo,
            is_unpadded: false,
        };
        let payload = self.build_reply(work, &mut header, &packing);
        let (route, destination) = self.destination(work, &header);
        let send = Send {
            route,
            source: addresses.from,
            source_port: self.settings.local_port,
            destination,
            payload,
        };
        let line = self.granted_line(work);
        let after = work.outcome.acts.len();
        let sequence = answer.sequence.max(self.state_record(work.current.binding.address));
        self.out.replies.push(Reply { after, sequence, line, send });
        if let (Some(wait), Some(id)) = (wait, work.current.id) {
            self.wait_for_echo(work.current.binding.address, id, now.mono + wait);
        }
    }

    /// Options are evaluated in the global scope (ledger README 4).
    fn build_reply(
        &mut self,
        work: &mut Work<'_, '_>,
        header: &mut Header,
        packing: &Packing<'_>,
    ) -> std::ops::Range<usize> {
        let client = work.client;
        let stored = work.current.id.map(|id| self.store.get(id));
        let lease = Lease {
            address: work.current.binding.address,
            ends: stored.map_or(work.current.binding.ends, |binding| binding.ends),
            hardware: &client.hardware,
            is_static: work.current.fixed.is_some(),
            host_name: work.host.map(|host| &*client.config.host(host).name),
        };
        let context = scope::context(client, &self.hosts, Some(lease));
        let mut machine = Machine::new(context, &mut self.variables, &mut work.options, &mut work.outcome);
        options::build(&mut machine, client, header, packing, &mut self.out.bytes)
    }

    fn granted_line(&mut self, work: &Work<'_, '_>) -> crate::log::Line {
        let client = work.client;
        let lease = work.current.id.map(LeaseRef::Stored);
        let text = self.out.text();
        message::granted(
            text,
            work.grant.offer.name(),
            work.current.binding.address,
            client.hardware_text(),
            self.name_of(lease.as_ref()),
            self.via(client),
        )
    }

    fn max_message(&mut self, work: &mut Work<'_, '_>) -> u16 {
        let id = OptionId::dhcp(dhcp::MAX_MESSAGE_SIZE);
        let value = work.client.packet.option(id).or_else(|| work.machine(self).option_value(id));
        value.and_then(|value| Some(u16::from_be_bytes((*value).try_into().ok()?))).unwrap_or(0)
    }

    /// The options that the engine itself puts in. None: `site-option-space` names no space, and nothing is sent.
    fn set_options(&mut self, work: &mut Work<'_, '_>, answer: &Answer) -> Option<Addresses> {
        let client = work.client;
        if let Some(subnet) = client.packet.option(OptionId::dhcp(dhcp::SUBNET_SELECTION)) {
            work.options.set_data(OptionId::dhcp(dhcp::SUBNET_SELECTION), &subnet);
        }
        let own = self.first_address(client.interface);
        let mut from = own.unwrap_or(Ipv4Addr::UNSPECIFIED);
        if let Some(kind) = work.grant.offer.message_type() {
            work.options.set_data(OptionId::dhcp(dhcp::MESSAGE_TYPE), &[kind]);
            from = server_identifier(&mut work.machine(self), own);
            let left = answer.times.expiry - client.now;
            work.options.set_data(OptionId::dhcp(dhcp::LEASE_TIME), &(left as u32).to_be_bytes());
            check_renewal_times(&mut work.machine(self), left);
        }
        let value = work.machine(self).option_value(parameter::NEXT_SERVER);
        let next_server = value.as_deref().and_then(first_address).unwrap_or(Ipv4Addr::UNSPECIFIED);
        let subnet = client.config.subnet(work.place.subnet);
        set_default(work, dhcp::SUBNET_MASK, &subnet.mask.octets());
        self.set_host_name(work);
        if work.machine(self).is_on(parameter::ECHO_CLIENT_ID, false)
            && let Some(uid) = &client.identifier
        {
            work.options.set_data(OptionId::dhcp(dhcp::CLIENT_IDENTIFIER), uid);
        }
        if work.machine(self).is_on(parameter::USE_LEASE_ADDRESS_FOR_DEFAULT_ROUTE, false) {
            let address = work.current.binding.address;
            set_default(work, dhcp::ROUTERS, &address.octets());
        }
        self.select_site_space(work).then_some(Addresses { from, next_server })
    }

    /// `use-host-decl-names`; and what `get-lease-hostnames` has found.
    fn set_host_name(&mut self, work: &mut Work<'_, '_>) {
        let host = work.host.filter(|_| work.current.fixed.is_some() || work.current.id.is_some());
        if let Some(host) = host
            && work.machine(self).is_on(parameter::USE_HOST_DECL_NAMES, false)
        {
            let name = work.client.config.host(host).name.clone();
            set_default(work, dhcp::HOST_NAME, name.as_bytes());
        }
        let address = work.current.binding.address;
        let wanted = !work.options.contains(OptionId::dhcp(dhcp::HOST_NAME))
            && work.machine(self).is_on(parameter::GET_LEASE_HOSTNAMES, false);
        match self.lease_names.found(address) {
            _ if !wanted => {}
            Some(name) => {
                // With the NUL behind it, as ISC sends it.
                let text: SmallVec<[u8; 64]> = name.iter().copied().chain([0]).collect();
                work.options.set_data(OptionId::dhcp(dhcp::HOST_NAME), &text);
            }
            None => work.outcome.say(message::no_host_name(address)),
        }
    }

    /// The list that says which options are wanted: a configured one, else the client's. `Some(None)`: there is none.
    fn request_list(&mut self, work: &mut Work<'_, '_>) -> Option<Option<Data>> {
        let id = OptionId::dhcp(dhcp::PARAMETER_REQUEST_LIST);
        Some(match work.options.contains(id) {
            true => work.machine(self).option_value(id),
            false => work.client.packet.option(id),
        })
    }

    /// False: there is no such space.
    fn select_site_space(&mut self, work: &mut Work<'_, '_>) -> bool {
        let mut warned = std::mem::take(&mut self.site_spaces_warned);
        let found = work.machine(self).take_site_space(&mut warned);
        self.site_spaces_warned = warned;
        found
    }

    fn destination(&self, work: &Work<'_, '_>, header: &Header) -> (Route, SocketAddrV4) {
        let client = work.client;
        if !header.giaddr.is_unspecified() {
            return self.to_relay(client, header.giaddr);
        }
        let remote = self.settings.remote_port;
        let broadcast = header.flags & BROADCAST != 0;
        let is_here = self.interface_network(client) == Some(client.config.subnet(work.place.subnet).network);
        let misled = (client.has(dhcp::SERVER_IDENTIFIER) || broadcast) && is_here;
        if !header.ciaddr.is_unspecified() && !misled && work.grant.offer == Answering::Ack {
            let route = Route::Socket { interface: Some(client.interface) };
            return (route, SocketAddrV4::new(header.ciaddr, remote));
        }
        self.to_client(client, header, broadcast)
    }

    /// On the client's own wire.
    pub(super) fn to_client(
        &self,
        client: &Client<'_>,
        header: &Header,
        broadcast: bool,
    ) -> (Route, SocketAddrV4) {
        let (hardware, address) = match broadcast {
            true => (SmallVec::new(), self.settings.limited_broadcast),
            false => (SmallVec::from_slice(client.packet.message.chaddr()), header.yiaddr),
        };
        let route = Route::Link { interface: client.interface, hardware };
        (route, SocketAddrV4::new(address, self.settings.remote_port))
    }
}

fn set_default(work: &mut Work<'_, '_>, code: u8, value: &[u8]) {
    let id = OptionId::dhcp(code);
    if !work.options.contains(id) {
        work.options.set_data(id, value);
    }
}

/// The configured server identifier, else the interface's first address, which then becomes it (rule 9.8).
pub(super) fn server_identifier(machine: &mut Machine<'_>, own: Option<Ipv4Addr>) -> Ipv4Addr {
    let id = OptionId::dhcp(dhcp::SERVER_IDENTIFIER);
    let configured =
        machine.option_value(id).and_then(|value| Some(Ipv4Addr::from(<[u8; 4]>::try_from(&*value).ok()?)));
    if let (None, Some(own)) = (configured, own) {
        machine.options.set_data(id, &own.octets());
    }
    configured.or(own).unwrap_or(Ipv4Addr::UNSPECIFIED)
}

/// Rule 6.8: T1 and T2 that make no sense are not sent.
fn check_renewal_times(machine: &mut Machine<'_>, mut left: i64) {
    for code in [dhcp::REBINDING_TIME, dhcp::RENEWAL_TIME] {
        let id = OptionId::dhcp(code);
        let Some(value) = machine.option_value(id) else { continue };
        // ISC reads four octets whatever the length: what is missing counts as 0 here.
        let mut octets = [0; 4];
        copy_field(&mut octets, &value);
        let time = i64::from(u32::from_be_bytes(octets));
        match time >= left {
            true => machine.options.delete(id),
            false if code == dhcp::REBINDING_TIME => left = time,
            false => {}
        }
    }
}

fn copy_names(header: &mut Header, names: &Names, work: &mut Work<'_, '_>) {
    for (name, field, what) in
        [(&names.file, &mut header.file[..], "file"), (&names.server, &mut header.sname[..], "server")]
    {
        let Some(name) = name else { continue };
        if name.len() >= field.len() {
            work.outcome.say(message::name_truncated(what, field.len(), name));
        }
        copy_field(field, name);
    }
}
