//! DHCPNAK (rule 4.6).

use super::Engine;
use super::client::Client;
use super::message;
use super::options::{self, Packing};
use super::parameter::{self, dhcp};
use super::scope;
use super::send::{Reply, Route, Send};
use crate::config::model::{ROOT, ScopeId};
use crate::eval::machine::Machine;
use crate::eval::options::OptionState;
use crate::option::definition::{AGENT, OptionId};
use crate::wire::dhcp4::{BROADCAST, Header};
use smallvec::SmallVec;
use std::net::{Ipv4Addr, SocketAddrV4};

impl Engine {
    /// `scope` is run when the client's network is unknown.
    pub(super) fn nak(&mut self, client: &Client<'_>, address: Ipv4Addr, scope: Option<ScopeId>) {
        let source = self.first_address(client.interface);
        let mut configured = self.take_options();
        let mut header = Header::reply_to(&client.packet.message);
        header.flags |= BROADCAST;
        let (variables, outcome) = (&mut self.variables, &mut self.out.outcome);
        let context = scope::context(client, &self.hosts, None);
        let mut machine = Machine::new(context, variables, &mut configured, outcome);
        run_network(&mut machine, client, scope);
        let identifier = machine
            .option_value(OptionId::dhcp(dhcp::SERVER_IDENTIFIER))
            .and_then(|value| Some(Ipv4Addr::from(*value.first_chunk::<4>()?)))
            .or(source);
        scope::run_classes(&mut machine, client, None);
        let echo = machine.is_on(parameter::ECHO_CLIENT_ID, false);
        machine.options.clear();
        set_contents(machine.options, client, self.nak_text, identifier, echo);
        let packing = Packing { echo_client_id: echo, ..Packing::default() };
        let payload = options::build(&mut machine, client, &mut header, &packing, &mut self.out.bytes);
        configured.clear();
        self.options = Some(configured);
        let line = message::nak(address, client.hardware_text(), self.via(client));
        let (route, destination) = self.nak_destination(client);
        let send = Send {
            route,
            source: identifier.unwrap_or(Ipv4Addr::UNSPECIFIED),
            source_port: self.settings.local_port,
            destination,
            payload,
        };
        let after = self.out.outcome.acts.len();
        self.out.replies.push(Reply { after, sequence: self.journal.sequence(), line, send });
    }

    fn nak_destination(&self, client: &Client<'_>) -> (Route, SocketAddrV4) {
        let giaddr = client.packet.message.giaddr();
        match giaddr.is_unspecified() {
            true => (
                Route::Link { interface: client.interface, hardware: SmallVec::new() },
                SocketAddrV4::new(self.settings.limited_broadcast, self.settings.remote_port),
            ),
            false => self.to_relay(client, giaddr),
        }
    }

    /// Through the routed socket to a relay; one on this very machine is for tests and is answered as a client.
    pub(super) fn to_relay(&self, client: &Client<'_>, giaddr: Ipv4Addr) -> (Route, SocketAddrV4) {
        let port = match giaddr {
            Ipv4Addr::LOCALHOST => self.settings.remote_port,
            _ => self.settings.local_port,
        };
        (Route::Socket { interface: Some(client.interface) }, SocketAddrV4::new(giaddr, port))
    }
}

/// The client's network as ISC takes it for a NAK: its first subnet, then its first pool.
pub(super) fn run_network(machine: &mut Machine<'_>, client: &Client<'_>, scope: Option<ScopeId>) {
    let Some(network) = client.network else {
        return scope::run(machine, client, scope.unwrap_or(ROOT), None);
    };
    let network = client.config.network(network);
    let first = network.subnets.first().map(|subnet| client.config.subnet(*subnet).scope);
    scope::run(machine, client, first.unwrap_or(network.scope), None);
    if let Some(pool) = network.pools.first() {
        scope::run(machine, client, client.config.pool(*pool).scope, Some(network.scope));
    }
}

fn set_contents(
    options: &mut OptionState,
    client: &Client<'_>,
    text: &str,
    identifier: Option<Ipv4Addr>,
    echo: bool,
) {
    const NAK: u8 = 6;
    options.set_data(OptionId::dhcp(dhcp::MESSAGE_TYPE), &[NAK]);
    options.set_data(OptionId::dhcp(dhcp::MESSAGE), text.as_bytes());
    if let Some(address) = identifier {
        options.set_data(OptionId::dhcp(dhcp::SERVER_IDENTIFIER), &address.octets());
    }
    // Here ISC gives back also what only the lease remembers.
    for (code, value) in client.packet.agent_options() {
        options.set_data(OptionId { space: AGENT, code: u32::from(code) }, &value);
    }
    if let (true, Some(uid)) = (echo, &client.identifier) {
        options.set_data(OptionId::dhcp(dhcp::CLIENT_IDENTIFIER), uid);
    }
}
