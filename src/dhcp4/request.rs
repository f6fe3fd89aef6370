//! One message of a client: who it is, where it is, and which messages lead where (rules 1.1 to 1.6). DHCPREQUEST itself
//! follows below (section 4).

use super::classify::Classes;
use super::find::{Found, LeaseRef};
use super::grant::{Answering, Grant};
use super::interface::InterfaceId;
use super::message;
use super::parameter::dhcp;
use super::{Engine, Incoming};
use crate::clock::{Now, Wall};
use crate::config::Config;
use crate::config::model::NetworkId;
use crate::eval::packet::Packet;
use crate::eval::value::Data;
use crate::option::definition::OptionId;
use smallvec::SmallVec;
use std::cell::RefCell;
use std::net::{Ipv4Addr, SocketAddrV4};

pub const DISCOVER: u8 = 1;
pub const REQUEST: u8 = 3;
pub const DECLINE: u8 = 4;
pub const RELEASE: u8 = 7;
pub const INFORM: u8 = 8;
pub const LEASEQUERY: u8 = 10;

/// A client's message with what is known of the client so far.
pub struct Client<'p> {
    pub config: &'p Config,
    pub packet: Packet<'p>,
    pub now: Wall,
    pub interface: InterfaceId,
    pub source: SocketAddrV4,
    /// Message type; 0 for BOOTP.
    pub kind: u8,
    pub network: Option<NetworkId>,
    /// htype and chaddr.
    pub hardware: SmallVec<[u8; 16]>,
    /// Option 61.
    pub identifier: Option<Data>,
    /// A host declaration matched.
    pub known: bool,
    /// Grows while the answer is made: `add CLASS` counts at once, whoever holds the client.
    pub classes: RefCell<Classes>,
    /// The relay agent options come from the lease, not from the packet.
    pub stashed: bool,
}

impl<'p> Client<'p> {
    pub fn new(config: &'p Config, packet: Packet<'p>, incoming: &Incoming<'p>, now: Wall) -> Self {
        let mut hardware = SmallVec::new();
        hardware.push(packet.message.htype());
        hardware.extend_from_slice(packet.message.chaddr());
        let kind = packet.message.message_type();
        let identifier = packet.option(OptionId::dhcp(dhcp::CLIENT_IDENTIFIER));
        Client {
            config,
            packet,
            now,
            interface: incoming.interface,
            source: incoming.source,
            kind,
            network: None,
            hardware,
            identifier,
            known: false,
            classes: RefCell::default(),
            stashed: false,
        }
    }

    /// The same client with the relay agent options its lease remembers.
    fn with_stashed(self, octets: &'p [u8]) -> Self {
        Client { packet: self.packet.with_stashed_agent_options(octets), stashed: true, ..self }
    }

    /// An option of the packet as an address; octets that are missing are 0, an empty one is none.
    pub fn address_option(&self, code: u8) -> Option<Ipv4Addr> {
        let value = self.packet.option(OptionId::dhcp(code)).filter(|value| !value.is_empty())?;
        let mut octets = [0; 4];
        crate::wire::dhcp4::copy_field(&mut octets, &value);
        Some(Ipv4Addr::from(octets))
    }

    pub fn has(&self, code: u8) -> bool {
        self.packet.message.contains(code)
    }

    /// chaddr as the log shows it.
    pub fn hardware_text(&self) -> String {
        message::hardware(self.packet.message.chaddr())
    }

    /// Who it is, for the lines that know a lease: chaddr, or with htype 0 the lease's client identifier.
    pub fn text(&self, lease_uid: Option<&[u8]>) -> String {
        if self.packet.message.htype() != 0 {
            return self.hardware_text();
        }
        match lease_uid {
            Some(uid) => message::identifier(uid),
            None => "<no identifier>".into(),
        }
    }

    /// Relay agent options came with the packet itself.
    pub fn has_agent_options(&self) -> bool {
        self.has(dhcp::AGENT) && !self.packet.agent_options().is_empty()
    }
}

impl Engine {
    /// giaddr, or the name of the interface.
    pub(super) fn via(&self, client: &Client<'_>) -> String {
        let giaddr = client.packet.message.giaddr();
        if !giaddr.is_unspecified() {
            return giaddr.to_string();
        }
        self.interface_name(client.interface).into()
    }

    pub(super) fn interface_name(&self, id: InterfaceId) -> &str {
        self.interfaces.get(usize::from(id.0)).map_or("fallback", |interface| &interface.name)
    }

    pub(super) fn first_address(&self, id: InterfaceId) -> Option<Ipv4Addr> {
        self.interfaces.get(usize::from(id.0))?.addresses.first().copied()
    }

    pub(super) fn dispatch(&mut self, now: Now, mut client: Client<'_>) {
        client.network = self.locate_network(&client);
        if client.kind == 0 {
            return self.bootp(now, client);
        }
        let may_be_anywhere = matches!(client.kind, REQUEST | INFORM | LEASEQUERY);
        if client.network.is_none() && !may_be_anywhere {
            return self.bad_packet(&client, message::UNKNOWN_SEGMENT);
        }
        let stashed = self.stashed_agent_options(&client);
        let client = match &stashed {
            Some(octets) => client.with_stashed(octets),
            None => client,
        };
        self.dispatch_classified(now, client);
    }

    fn dispatch_classified(&mut self, now: Now, mut client: Client<'_>) {
        client.classes = self.classify(&client).into();
        match client.kind {
            DISCOVER => self.discover(now, client),
            REQUEST => self.request(now, client),
            RELEASE => self.release(client),
            DECLINE => self.decline(client),
            INFORM => self.inform(client),
            LEASEQUERY => self.leasequery(client),
            2 | 5 | 6 | 11 | 12 | 13 => {}
            _ => self.bad_packet(&client, message::UNKNOWN_TYPE),
        }
    }

    fn bad_packet(&mut self, client: &Client<'_>, fault: &str) {
        let line = message::bad_packet(client.kind, &client.text(None), self.via(client), fault);
        self.out.say(line);
    }

    /// Rule 1.5: relay agent options that the lease of a renewing client remembers.
    fn stashed_agent_options(&self, client: &Client<'_>) -> Option<Box<[u8]>> {
        let header = &client.packet.message;
        let renews =
            client.kind == REQUEST && !header.ciaddr().is_unspecified() && header.giaddr().is_unspecified();
        if !renews || client.has_agent_options() {
            return None;
        }
        let lease = self.store.get(self.store.by_address(header.ciaddr())?);
        let is_same = match lease.uid.is_empty() {
            false => client.identifier.as_deref() == Some(&lease.uid[..]),
            true => lease.hardware[..] == client.hardware[..],
        };
        let usable = !lease.agent_options().is_empty() && lease.ends >= client.now && is_same;
        usable.then(|| lease.agent_options().into())
    }

    /// DHCPREQUEST: rules 2.2, 2.8 and section 4.
    fn request(&mut self, now: Now, mut client: Client<'_>) {
        let requested = client.address_option(dhcp::REQUESTED_ADDRESS);
        let address = requested.unwrap_or_else(|| client.packet.message.ciaddr());
        let subnet = client.config.find_subnet(address);
        let found = match subnet {
            Some(subnet) => {
                let network = client.config.subnet(subnet).network;
                self.find_lease(&mut client, network)
            }
            None => Found::default(),
        };
        let text = self.request_text(&client, address, found.lease.as_ref());
        if self.is_on_wrong_network(&client, &text, address, requested.is_some()) {
            return;
        }
        match found.lease {
            None if found.ours => {
                self.out.say(message::dropped(&text, message::unavailable(address)));
                let scope = subnet.map(|subnet| client.config.subnet(subnet).scope);
                self.nak(&client, address, scope);
            }
            None => self.out.say(message::dropped(&text, message::unknown_lease(address))),
            Some(lease) => {
                let grant = Grant { lease, host: found.host, offer: Answering::Ack, text, when: None };
                self.grant(now, client, grant);
            }
        }
    }

    fn request_text(&self, client: &Client<'_>, address: Ipv4Addr, lease: Option<&LeaseRef>) -> String {
        let server = match client.packet.option(OptionId::dhcp(dhcp::SERVER_IDENTIFIER)) {
            Some(value) => match value.first_chunk::<4>() {
                Some(octets) => format!(" ({})", Ipv4Addr::from(*octets)),
                None => String::new(),
            },
            None => String::new(),
        };
        let who = client.text(self.uid_of(lease).as_deref());
        let name = self.name_of(lease);
        format!("DHCPREQUEST for {address}{server} from {who} {name}via {}", self.via(client))
    }

    /// The host name of a stored lease, as the log shows it.
    pub(super) fn name_of(&self, lease: Option<&LeaseRef>) -> String {
        match lease {
            Some(LeaseRef::Stored(id)) => message::host_name(self.store.get(*id).client_hostname()),
            _ => String::new(),
        }
    }

    pub(super) fn uid_of(&self, lease: Option<&LeaseRef>) -> Option<Box<[u8]>> {
        Some(match lease? {
            LeaseRef::Stored(id) => self.store.get(*id).uid[..].into(),
            LeaseRef::Fixed(fixed) => fixed.uid[..].into(),
            LeaseRef::Fresh(_) => Box::default(),
        })
    }

    /// Rules 4.1 and 4.4; says the line and sends the NAK.
    fn is_on_wrong_network(
        &mut self,
        client: &Client<'_>,
        text: &str,
        address: Ipv4Addr,
        requested: bool,
    ) -> bool {
        let header = &client.packet.message;
        let (ciaddr, giaddr) = (!header.ciaddr().is_unspecified(), !header.giaddr().is_unspecified());
        let config = client.config;
        let Some(network) = client.network else {
            let subnet = config.find_subnet(address);
            let authoritative = subnet.is_some_and(|s| config.scope(config.subnet(s).scope).authoritative);
            let fault = match subnet {
                Some(_) if authoritative => "wrong network.",
                Some(_) => "ignored (not authoritative).",
                None => "ignored (unknown subnet).",
            };
            self.out.say(message::dropped(text, fault));
            if authoritative {
                self.nak(client, address, None);
            }
            return true;
        };
        if !((ciaddr && giaddr) || (requested && !ciaddr))
            || config.find_subnet_of(network, address).is_some()
        {
            return false;
        }
        let authoritative = config.scope(config.network(network).scope).authoritative;
        let fault = if authoritative { "wrong network." } else { "ignored (not authoritative)." };
        self.out.say(message::dropped(text, fault));
        if authoritative {
            self.nak(client, address, None);
        }
        true
    }
}
