//! DHCPINFORM (section 11): configuration for a client that has its address already.

use super::Engine;
use super::client::Client;
use super::message;
use super::options::{self, Packing};
use super::parameter::{self, dhcp};
use super::reply::server_identifier;
use super::scope;
use super::send::{Reply, Route, Send};
use crate::config::model::{HostId, SubnetId};
use crate::eval::machine::Machine;
use crate::option::definition::OptionId;
use crate::wire::dhcp4::{BROADCAST, Header, copy_field};
use std::net::{Ipv4Addr, SocketAddrV4};

/// The hint is said with the first refusal and then with every so many more.
const REFUSALS_A_HINT: u32 = 101;

impl Engine {
    pub(super) fn inform(&mut self, client: Client<'_>) {
        let header = &client.packet.message;
        let own = header.ciaddr();
        let address = if own.is_unspecified() { *client.source.ip() } else { own };
        let text = message::inform(address, self.via(&client));
        if address.is_unspecified() {
            return self.out.say(message::dropped(&text, "ignored (null source address)."));
        }
        let Some(subnet) = self.inform_subnet(&client, &text, address) else { return };
        let scope = client.config.subnet(subnet).scope;
        if !client.config.scope(scope).authoritative {
            return self.refuse_inform(&text, client.config.subnet(subnet).net);
        }
        self.answer_inform(&client, text, address, subnet);
    }

    fn inform_subnet(&mut self, client: &Client<'_>, text: &str, address: Ipv4Addr) -> Option<SubnetId> {
        let header = &client.packet.message;
        let relayed = header.ciaddr().is_unspecified() && !header.giaddr().is_unspecified();
        let (mut asked, mut kind) = match (header.ciaddr().is_unspecified(), relayed) {
            (_, true) => (header.giaddr(), "relay"),
            (true, false) => (address, "source"),
            (false, false) => (address, "client"),
        };
        if let Some((_, selected)) = client.selected_subnet() {
            let Ok(octets) = <[u8; 4]>::try_from(&*selected) else {
                let fault = "ignored (invalid subnet selection option).";
                self.out.say(message::dropped(text, fault));
                return None;
            };
            asked = Ipv4Addr::from(octets);
            kind = if relayed { "relay link select" } else { "selected" };
        }
        let subnet = client.config.find_subnet(asked);
        if subnet.is_none() {
            let fault = message::unknown_subnet(kind, asked);
            self.out.say(message::dropped(text, fault));
        }
        subnet
    }

    fn refuse_inform(&mut self, text: &str, net: Ipv4Addr) {
        self.out.say(message::dropped(text, format_args!("not authoritative for subnet {net}")));
        if self.informs_refused == 0 {
            for line in message::authoritative_hint() {
                self.out.say(line);
            }
        }
        self.informs_refused = (self.informs_refused + 1) % REFUSALS_A_HINT;
    }

    /// A host with the client's address, by identifier or else by hardware; else one without any (the same order).
    fn inform_host(&self, client: &Client<'_>, address: Ipv4Addr) -> Option<HostId> {
        let heads = [client.host_by_identifier(), client.host_by_hardware()];
        let with_address = heads.into_iter().flatten().find_map(|head| {
            let mut chain = client.config.hosts.chain(head);
            chain.find(|(_, host)| self.fixed_addresses(client, host).contains(&address)).map(|(id, _)| id)
        });
        with_address.or_else(|| heads.into_iter().find_map(|head| client.without_address(head)))
    }

    fn answer_inform(&mut self, client: &Client<'_>, text: String, address: Ipv4Addr, subnet: SubnetId) {
        let host = self.inform_host(client, address);
        let own = self.first_address(client.interface);
        let relayed = client.packet.message.ciaddr().is_unspecified()
            && !client.packet.message.giaddr().is_unspecified();
        let mut header = Header::reply_to(&client.packet.message);
        header.ciaddr = client.packet.message.ciaddr();
        if relayed {
            header.flags |= BROADCAST;
        }
        let pool = match header.ciaddr.is_unspecified() {
            true => None,
            false => self.pool_of(address),
        };
        let mut configured = self.take_options();
        options::return_agent_options(&mut configured, client);
        if let Some((code, selected)) = client.selected_subnet() {
            configured.set_data(OptionId::dhcp(code), &selected);
        }
        let context = scope::context(client, &self.hosts, None);
        let (variables, outcome) = (&mut self.variables, &mut self.out.outcome);
        let mut machine = Machine::new(context, variables, &mut configured, outcome);
        let scope = client.config.subnet(subnet).scope;
        scope::run(&mut machine, client, scope, None);
        if let Some(pool) = pool {
            let pool = client.config.pool(pool);
            scope::run(&mut machine, client, pool.scope, Some(client.config.network(pool.network).scope));
        }
        scope::run_classes(&mut machine, client, Some(scope));
        if let Some(host) = host {
            scope::run(&mut machine, client, client.config.host(host).scope, Some(scope));
        }
        set_names(&mut machine, &mut header);
        let from = set_contents(&mut machine, client, subnet, own);
        let sent = machine.take_site_space(&mut self.site_spaces_warned).then(|| {
            let list = request_list(&mut machine, client);
            machine.outcome.say(crate::log::Line::info(text));
            if let Some(value) = machine.option_value(parameter::NEXT_SERVER) {
                header.siaddr = super::options::first_address(&value).unwrap_or(Ipv4Addr::UNSPECIFIED);
            }
            for code in [dhcp::LEASE_TIME, dhcp::RENEWAL_TIME, dhcp::REBINDING_TIME] {
                machine.options.delete(OptionId::dhcp(code));
            }
            let packing = Packing {
                null_terminate: client.packet.had_nulls(dhcp::HOST_NAME),
                request_list: list.as_deref(),
                ..Packing::default()
            };
            options::build(&mut machine, client, &mut header, &packing, &mut self.out.bytes)
        });
        configured.clear();
        self.options = Some(configured);
        let Some(payload) = sent else { return };
        self.send_inform_ack(client, address, relayed, from, payload);
    }

    fn send_inform_ack(
        &mut self,
        client: &Client<'_>,
        address: Ipv4Addr,
        relayed: bool,
        source: Ipv4Addr,
        payload: std::ops::Range<usize>,
    ) {
        let header = &client.packet.message;
        let (destination, via) = match relayed {
            true => {
                let to = SocketAddrV4::new(header.giaddr(), self.settings.local_port);
                (to, header.giaddr().to_string())
            }
            false => {
                let via = self.interface_name(client.interface).to_string();
                (SocketAddrV4::new(address, self.settings.remote_port), via)
            }
        };
        let who = match header.htype() != 0 && header.hlen() != 0 {
            true => client.hardware_text().to_string(),
            false => "<no client hardware address>".into(),
        };
        let line = message::inform_ack(address, who, via);
        let route = Route::Socket { interface: Some(client.interface) };
        let source_port = self.settings.local_port;
        let send = Send { route, source, source_port, destination, payload };
        let after = self.out.outcome.acts.len();
        self.out.replies.push(Reply { after, sequence: 0, line, send });
    }
}

fn set_names(machine: &mut Machine<'_>, header: &mut Header) {
    let names = [
        (parameter::FILENAME, &mut header.file[..], "file"),
        (parameter::SERVER_NAME, &mut header.sname[..], "server"),
    ];
    for (id, field, what) in names {
        let Some(name) = machine.option_value(id) else { continue };
        if name.len() >= field.len() {
            machine.outcome.say(message::name_truncated(what, field.len(), &name));
        }
        copy_field(field, &name);
    }
}

/// Type, server identifier and mask; gives the address the answer comes from.
fn set_contents(
    machine: &mut Machine<'_>,
    client: &Client<'_>,
    subnet: SubnetId,
    own: Option<Ipv4Addr>,
) -> Ipv4Addr {
    const ACK: u8 = 5;
    machine.options.set_data(OptionId::dhcp(dhcp::MESSAGE_TYPE), &[ACK]);
    let from = server_identifier(machine, own);
    let mask = OptionId::dhcp(dhcp::SUBNET_MASK);
    if !machine.options.contains(mask) {
        machine.options.set_data(mask, &client.config.subnet(subnet).mask.octets());
    }
    from
}

/// A configured list, else the client's.
fn request_list(machine: &mut Machine<'_>, client: &Client<'_>) -> Option<crate::eval::value::Data> {
    let id = OptionId::dhcp(dhcp::PARAMETER_REQUEST_LIST);
    match machine.options.contains(id) {
        true => machine.option_value(id),
        false => client.packet.option(id),
    }
}
