//! The kernel's interfaces with their IPv4 addresses, and their hardware addresses.

use super::message::{self, Refusal};
use super::system;
use nix::net::if_::InterfaceFlags;
use std::io;
use std::net::Ipv4Addr;

/// One entry of getifaddrs(3): every interface appears at least once, and once more for each address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Without the label of an address (`eth0:1` is `eth0`): one packet socket must not be opened twice.
    pub name: String,
    pub up: bool,
    pub broadcast: bool,
    pub loopback: bool,
    pub point_to_point: bool,
    pub address: Option<Ipv4Addr>,
}

/// In the kernel's order.
pub fn list() -> io::Result<Vec<Entry>> {
    let entries = nix::ifaddrs::getifaddrs().map_err(io::Error::from)?;
    Ok(entries
        .map(|entry| {
            let flags = entry.flags;
            let name = entry.interface_name;
            Entry {
                name: name.split(':').next().unwrap_or_default().to_owned(),
                up: flags.contains(InterfaceFlags::IFF_UP),
                broadcast: flags.contains(InterfaceFlags::IFF_BROADCAST),
                loopback: flags.contains(InterfaceFlags::IFF_LOOPBACK),
                point_to_point: flags.contains(InterfaceFlags::IFF_POINTOPOINT),
                address: entry.address.and_then(|a| a.as_sockaddr_in().map(|a| a.ip())),
            }
        })
        .collect())
}

/// ARP hardware type as DHCP numbers it, and address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hardware {
    pub htype: u8,
    pub address: [u8; 6],
}

/// Ethernet, IEEE 802 (with Token Ring) and FDDI; others ISC's packet sockets do not serve either.
pub fn hardware(name: &str) -> Result<Hardware, Refusal> {
    let (kernel_type, address) = system::hardware_address(name)
        .map_err(|e| Refusal::new(message::no_hardware_address(name, &message::reason(&e))))?;
    let htype = match kernel_type {
        nix::libc::ARPHRD_ETHER => 1,
        nix::libc::ARPHRD_IEEE802 | nix::libc::ARPHRD_IEEE802_TR => 6,
        nix::libc::ARPHRD_FDDI => 8,
        other => return Err(Refusal::new(message::unsupported_device(other, name))),
    };
    Ok(Hardware { htype, address })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_listed_and_not_served() {
        let entries = list().expect("a list");
        let lo = entries.iter().find(|entry| entry.name == "lo").expect("lo");
        assert!(lo.loopback && !lo.broadcast);
        assert_eq!(hardware("lo"), Err(Refusal::new("Unsupported device type 772 for \"lo\"")));
    }

    #[test]
    fn an_unknown_interface_has_no_hardware_address() {
        let text = "Error getting hardware address for \"nosuch0\": No such device";
        assert_eq!(hardware("nosuch0"), Err(Refusal::new(text)));
    }
}
