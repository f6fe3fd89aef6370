//! A client's message: who it is and what is known of the client so far, and which message leads where (rules 1.1 to 1.6).

use super::interface::InterfaceId;
use super::lease_ref::LeaseRef;
use super::member::Classes;
use super::message::{self, Hardware, HostName, Identifier, Via, Who};
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
    /// The classes it was found to match, before statements added any.
    pub matched: Classes,
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
            matched: Classes::new(),
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
    pub fn hardware_text(&self) -> Hardware<'_> {
        Hardware(self.packet.message.chaddr())
    }

    /// Who it is, for the lines that know a lease: chaddr, or with htype 0 the lease's client identifier.
    pub fn text<'a>(&'a self, lease_uid: Option<&'a [u8]>) -> Who<'a> {
        if self.packet.message.htype() != 0 {
            return Who::Hardware(self.hardware_text());
        }
        lease_uid.map_or(Who::Nobody, |uid| Who::Lease(Identifier(uid)))
    }

    /// Relay agent options came with the packet itself.
    pub fn has_agent_options(&self) -> bool {
        self.has(dhcp::AGENT) && !self.packet.agent_options().is_empty()
    }
}

impl Engine {
    pub(super) fn via(&self, client: &Client<'_>) -> Via<'_> {
        let giaddr = client.packet.message.giaddr();
        match giaddr.is_unspecified() {
            true => Via::Interface(self.interface_name(client.interface)),
            false => Via::Relay(giaddr),
        }
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
        client.matched = self.classify(&client);
        client.classes = client.matched.clone().into();
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
        let line = message::bad_packet(client.kind, client.text(None), self.via(client), fault);
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

    /// The host name of a stored lease, as the log shows it.
    pub(super) fn name_of(&self, lease: Option<&LeaseRef>) -> HostName<'_> {
        HostName(match lease {
            Some(LeaseRef::Stored(id)) => self.store.get(*id).client_hostname(),
            _ => None,
        })
    }

    pub(super) fn uid_of<'a>(&'a self, lease: Option<&'a LeaseRef>) -> Option<&'a [u8]> {
        Some(match lease? {
            LeaseRef::Stored(id) => &self.store.get(*id).uid,
            LeaseRef::Fixed(fixed) => &fixed.uid,
            LeaseRef::Fresh(_) => &[],
        })
    }
}
