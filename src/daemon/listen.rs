//! Opening the sockets of the interfaces that are served, each with its two lines (`discover_interfaces`).

use super::discover::{self, Candidate, Networks};
use super::{Fatal, trace};
use crate::config::Config;
use crate::config::model::{NetworkId, SubnetId};
use crate::net::interface;
use crate::net::message as net_message;
use crate::net::outbox::Sockets;
use crate::net::packet_socket::PacketSocket;
use crate::net::udp::UdpSocket;
use crate::server::event::Interface;
use std::net::Ipv4Addr;

/// Where to listen.
pub struct Place<'a> {
    pub config: &'a Config,
    /// Interfaces of the command line.
    pub requested: &'a [String],
    pub port: u16,
    /// `local-address`
    pub local: Ipv4Addr,
    pub quiet: bool,
}

/// Finds the interfaces, opens a packet socket on each that a subnet is declared for, and the UDP socket. The interfaces
/// are numbered as the sockets are.
pub fn listen(place: &Place<'_>) -> Result<(Sockets, Vec<Interface>), Fatal> {
    let entries = interface::list().map_err(|e| net_message::no_interface_list(&e))?;
    let candidates =
        discover::discover(&entries, place.requested, &place.config, &mut |line| trace::say(&line))?;
    let (mut packet, mut interfaces) = (Vec::new(), Vec::new());
    for candidate in candidates {
        let Some(network) = candidate.network else {
            discover::message::no_subnet(&candidate).iter().for_each(trace::say);
            continue;
        };
        let socket = PacketSocket::open(&candidate.name, place.port)?;
        say_open(place, &socket, network);
        interfaces.push(described(candidate, &socket));
        packet.push(socket);
    }
    if packet.is_empty() {
        let (empty, fatal) = discover::message::nothing_to_serve();
        trace::say(&empty);
        return Err(Fatal::Text(fatal));
    }
    let udp = UdpSocket::open(place.local, place.port)?;
    if !place.quiet {
        trace::say(&discover::message::fallback());
    }
    Ok((Sockets { packet, udp }, interfaces))
}

fn say_open(place: &Place<'_>, socket: &PacketSocket, network: NetworkId) {
    if place.quiet {
        return;
    }
    let network = &place.config.network(network).name;
    for verb in ["Listening on", "Sending on  "] {
        trace::say(&discover::message::on_link(verb, &socket.name, &socket.hardware.address, network));
    }
}

fn described(candidate: Candidate, socket: &PacketSocket) -> Interface {
    Interface {
        name: candidate.name,
        htype: socket.hardware.htype,
        hardware: socket.hardware.address.to_vec(),
        addresses: candidate.addresses,
    }
}

impl Networks for &Config {
    fn find(&self, address: Ipv4Addr) -> Option<(SubnetId, NetworkId)> {
        let subnet = self.find_subnet(address)?;
        Some((subnet, self.subnet(subnet).network))
    }

    fn bound(&self) -> Vec<(String, NetworkId)> {
        let numbered = self.networks.iter().zip(0..);
        numbered
            .filter_map(|(network, at)| Some((network.interface.as_ref()?.to_string(), NetworkId(at))))
            .collect()
    }
}
