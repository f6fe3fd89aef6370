//! The DHCPv4 engine: RFC 2131, 2132, 3046, 951/1542 and 4388 as ISC dhcpd 4.4.3-P1 does them (ledger
//! `dhcp4-behaviour.md`). One file for each message, and one for each step that messages share.

mod allocate;
mod bootp;
mod classify;
mod client;
mod decline;
mod discover;
pub mod export;
mod failover;
mod find;
mod grant;
mod host;
mod inform;
pub mod interface;
mod lease_name;
mod lease_ref;
mod lease_time;
mod leasequery;
mod member;
pub mod message;
mod nak;
mod network;
mod options;
mod parameter;
mod permit;
mod ping;
mod release;
mod reply;
mod request;
mod reuse;
mod scope;
pub mod send;
mod work;

use crate::clock::{Now, Wall};
use crate::config::Config;
use crate::config::model::NetworkId;
use crate::eval::context::HostTable;
use crate::eval::machine::Outcome;
use crate::eval::options::OptionState;
use crate::eval::packet::Packet;
use crate::eval::value::Variables;
use crate::failover::Failover;
use crate::lease::queue::BindingId;
use crate::lease::store::Store;
use crate::lease_file::writer::Format;
use crate::log::Line;
use crate::option::definition::SpaceId;
use crate::transition::{Around, Journal};
use crate::wire::dhcp4::FIXED;
use interface::{Interface, InterfaceId};
use lease_name::LeaseNames;
use ping::Pings;
use rustc_hash::FxHashSet;
use send::Reply;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;

/// Seconds east of UTC at a moment, for `db-time-format local`.
pub type LocalOffset = Box<dyn Fn(Wall) -> i32 + std::marker::Send>;

/// Values of the top level that the engine needs (ledger `statements.tsv`).
#[derive(Clone, Debug)]
pub struct Settings {
    /// UDP port we listen on; relays are answered there.
    pub local_port: u16,
    /// UDP port of clients.
    pub remote_port: u16,
    /// `limited-broadcast-address`
    pub limited_broadcast: Ipv4Addr,
    /// `abandon-lease-time`, seconds.
    pub abandon_lease_time: u32,
    /// Variables that global `set` statements left.
    pub variables: Variables,
}

/// A datagram and how it came.
pub struct Incoming<'a> {
    pub interface: InterfaceId,
    pub source: SocketAddrV4,
    pub payload: &'a [u8],
}

/// The engine: configuration, bindings, and what lives between packets.
pub struct Engine {
    pub config: Arc<Config>,
    pub store: Store,
    pub journal: Journal,
    pub failover: Failover,
    pub hosts: HostTable,
    interfaces: Vec<Interface>,
    /// The shared network of each.
    interface_networks: Vec<Option<NetworkId>>,
    pub settings: Settings,
    local_offset: Option<LocalOffset>,
    /// Global variables, which option values see.
    variables: Variables,
    pings: Pings,
    lease_names: LeaseNames,
    /// Leases offered anew: their next ACK is a full renewal (ledger section 7).
    cannot_reuse: FxHashSet<BindingId>,
    /// Pools whose high threshold was reported, with the count at which that is taken back.
    over_threshold: rustc_hash::FxHashMap<u32, u64>,
    /// Text of the next NAK. ISC keeps it from one packet to the next, and so it is seen.
    nak_text: &'static str,
    /// Site option spaces with low codes that were complained about.
    site_spaces_warned: FxHashSet<SpaceId>,
    /// INFORMs refused since the hint lines were said.
    informs_refused: u32,
    /// Scratch, kept for its memory.
    options: Option<OptionState>,
    /// What has happened during this event.
    pub out: Output,
}

/// Parts of the engine, borrowed together.
pub struct Parts<'a> {
    pub config: &'a mut Arc<Config>,
    pub store: &'a mut Store,
    pub journal: &'a mut Journal,
    pub failover: &'a mut Failover,
    pub hosts: &'a HostTable,
    pub outcome: &'a mut Outcome,
    pub local_offset: Option<&'a dyn Fn(Wall) -> i32>,
}

/// What an event led to, in order.
#[derive(Debug, Default)]
pub struct Output {
    pub outcome: Outcome,
    pub replies: Vec<Reply>,
    /// Payloads of `replies`.
    pub bytes: Vec<u8>,
    /// Addresses to ping, each with the number of acts that come before.
    pub pings: Vec<(usize, Ipv4Addr)>,
    /// Addresses whose names are wanted.
    pub lookups: Vec<Ipv4Addr>,
    /// Texts of lines that were said, for new ones.
    pub spare: Vec<String>,
}

impl Output {
    pub fn clear(&mut self) {
        self.outcome.clear();
        self.replies.clear();
        self.bytes.clear();
        self.pings.clear();
        self.lookups.clear();
    }

    fn say(&mut self, line: Line) {
        self.outcome.say(line);
    }

    /// An empty text to write a line into.
    fn text(&mut self) -> String {
        let mut text = self.spare.pop().unwrap_or_default();
        text.clear();
        text
    }
}

impl Engine {
    pub fn new(
        config: Arc<Config>,
        store: Store,
        hosts: HostTable,
        settings: Settings,
        local_offset: Option<LocalOffset>,
    ) -> Self {
        let variables = settings.variables.clone();
        let failover = Failover::new(&config, &hosts);
        Engine {
            config,
            store,
            journal: Journal::default(),
            failover,
            hosts,
            interfaces: Vec::new(),
            interface_networks: Vec::new(),
            settings,
            local_offset,
            variables,
            pings: Pings::default(),
            lease_names: LeaseNames::default(),
            cannot_reuse: FxHashSet::default(),
            over_threshold: rustc_hash::FxHashMap::default(),
            nak_text: "",
            site_spaces_warned: FxHashSet::default(),
            informs_refused: 0,
            options: None,
            out: Output::default(),
        }
    }

    /// The interfaces, once they are known. The shared network of one is what an `interface` statement says, else the one
    /// its addresses lie in.
    pub fn set_interfaces(&mut self, interfaces: Vec<Interface>) {
        let config = &self.config;
        let network = |interface: &Interface| {
            let addresses = interface.addresses.iter();
            config
                .network_of_interface(&interface.name)
                .or_else(|| addresses.copied().find_map(|address| config.find_network(address)))
        };
        self.interface_networks = interfaces.iter().map(network).collect();
        self.interfaces = interfaces;
    }

    /// Each interface with the name of its shared network.
    pub fn interfaces(&self) -> impl Iterator<Item = (&Interface, &str)> {
        let networks = self.interface_networks.iter();
        let name = |network: &Option<NetworkId>| network.map_or("", |id| &*self.config.network(id).name);
        self.interfaces.iter().zip(networks.map(name))
    }

    /// One received datagram. What follows from it is in [`Engine::out`] and [`Engine::journal`].
    pub fn receive(&mut self, now: Now, incoming: &Incoming<'_>) {
        // ISC has not taken messages without sname and file for long.
        if incoming.payload.len() < FIXED {
            return;
        }
        let config = self.config.clone();
        let Some(packet) = Packet::read(incoming.payload, &config.spaces, &mut |line| self.out.say(line))
        else {
            return;
        };
        let client = client::Client::new(&config, packet, incoming, now.wall);
        self.dispatch(now, client);
    }

    /// Makes the steps that are due, at most `limit`; true when there may be more.
    pub fn expire(&mut self, now: Wall, limit: usize) -> bool {
        let Some(pool) = self.store.due_pool(now) else { return false };
        let (store, mut around) = self.without_packet(now);
        crate::transition::expire(store, pool, limit, &mut around) == limit
            || self.store.due_pool(now).is_some()
    }

    /// What management changes of it.
    pub fn parts(&mut self) -> Parts<'_> {
        Parts {
            config: &mut self.config,
            store: &mut self.store,
            journal: &mut self.journal,
            failover: &mut self.failover,
            hosts: &self.hosts,
            outcome: &mut self.out.outcome,
            local_offset: self.local_offset.as_ref().map(|offset| &**offset as &dyn Fn(Wall) -> i32),
        }
    }

    /// The scratch option state, empty; to be put back.
    fn take_options(&mut self) -> OptionState {
        let mut options = self.options.take().unwrap_or_default();
        options.clear();
        options
    }

    /// How records are written.
    pub fn with_format<R>(&self, use_it: impl FnOnce(&Format<'_>) -> R) -> R {
        use_it(&format(&self.config, self.local_offset.as_ref()))
    }

    /// Everything a transition needs, for a packet of this client.
    fn around<'a>(&'a mut self, client: &'a client::Client<'_>) -> (&'a mut Store, Around<'a>) {
        let around = Around {
            now: client.now,
            format: format(client.config, self.local_offset.as_ref()),
            hosts: &self.hosts,
            packet: Some(&client.packet),
            journal: &mut self.journal,
            failover: &mut self.failover,
            outcome: &mut self.out.outcome,
        };
        (&mut self.store, around)
    }

    /// Everything a transition needs that no packet causes.
    pub fn without_packet(&mut self, now: Wall) -> (&mut Store, Around<'_>) {
        let around = Around {
            now,
            format: format(&self.config, self.local_offset.as_ref()),
            hosts: &self.hosts,
            packet: None,
            journal: &mut self.journal,
            failover: &mut self.failover,
            outcome: &mut self.out.outcome,
        };
        (&mut self.store, around)
    }

    fn release_lease(&mut self, id: BindingId, client: &client::Client<'_>) {
        let (store, mut around) = self.around(client);
        crate::transition::release(store, id, &mut around);
    }

    fn abandon_lease(&mut self, id: BindingId, reason: &str, client: &client::Client<'_>) {
        let seconds = Wall::from(self.settings.abandon_lease_time);
        let (store, mut around) = self.around(client);
        crate::transition::abandon(store, id, seconds, reason, &mut around);
    }
}

fn format<'a>(config: &'a Config, local_offset: Option<&'a LocalOffset>) -> Format<'a> {
    Format {
        hexadecimal: config.lease_file_format.hex_ids,
        local: match local_offset {
            Some(offset) if config.lease_file_format.local_time => Some(&**offset as &dyn Fn(Wall) -> i32),
            _ => None,
        },
        spaces: &config.spaces,
    }
}
