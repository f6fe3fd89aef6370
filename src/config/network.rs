//! Which subnet and network an address belongs to.

use super::model::{Config, NetworkId, Subnet6Id, SubnetId};
use rustc_hash::FxHashMap;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Subnets by mask and network number. ISC searches its subnets from the last declared to the first; so the highest
/// number that matches wins, which is the most specific one as long as outer subnets are declared first.
#[derive(Clone, Debug, Default)]
pub(super) struct SubnetIndex {
    v4: Vec<(u32, FxHashMap<u32, SubnetId>)>,
    v6: Vec<(u128, FxHashMap<u128, Subnet6Id>)>,
}

impl SubnetIndex {
    pub(super) fn insert(&mut self, net: Ipv4Addr, mask: Ipv4Addr, id: SubnetId) {
        insert(&mut self.v4, net.to_bits(), mask.to_bits(), id);
    }

    pub(super) fn insert6(&mut self, net: Ipv6Addr, prefix_length: u8, id: Subnet6Id) {
        insert(&mut self.v6, net.to_bits(), mask6(prefix_length), id);
    }
}

fn insert<N: std::hash::Hash + Eq, I>(tables: &mut Vec<(N, FxHashMap<N, I>)>, net: N, mask: N, id: I) {
    match tables.iter_mut().find(|(known, _)| *known == mask) {
        Some((_, table)) => {
            table.insert(net, id);
        }
        None => tables.push((mask, [(net, id)].into_iter().collect())),
    }
}

/// A mask of so many leading ones.
pub(super) fn mask6(prefix_length: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(prefix_length.min(128))).unwrap_or(0)
}

impl Config {
    /// The subnet an address lies in: of several, the one declared last.
    pub fn find_subnet(&self, address: Ipv4Addr) -> Option<SubnetId> {
        let bits = address.to_bits();
        self.subnet_index.v4.iter().filter_map(|(mask, table)| table.get(&(bits & mask)).copied()).max()
    }

    pub fn find_subnet6(&self, address: Ipv6Addr) -> Option<Subnet6Id> {
        let bits = address.to_bits();
        self.subnet_index.v6.iter().filter_map(|(mask, table)| table.get(&(bits & mask)).copied()).max()
    }

    /// The shared network of [`Config::find_subnet`].
    pub fn find_network(&self, address: Ipv4Addr) -> Option<NetworkId> {
        self.find_subnet(address).map(|id| self.subnet(id).network)
    }

    /// The first subnet of this network that the address lies in.
    pub fn find_subnet_of(&self, network: NetworkId, address: Ipv4Addr) -> Option<SubnetId> {
        const FEW: usize = 8;
        let subnets = &self.network(network).subnets;
        if subnets.len() > FEW {
            let bits = address.to_bits();
            let tables = self.subnet_index.v4.iter();
            let mut here = tables
                .filter_map(|(mask, table)| table.get(&(bits & mask)).copied())
                .filter(|id| self.subnet(*id).network == network);
            // Subnets within subnets have an order of their own.
            if let (Some(only), None) = (here.next(), here.next()) {
                return Some(only);
            }
        }
        subnets.iter().copied().find(|id| self.subnet(*id).contains(address))
    }

    /// The network that an `interface` statement bound to this interface.
    pub fn network_of_interface(&self, name: &str) -> Option<NetworkId> {
        let at = self.networks.iter().position(|network| network.interface.as_deref() == Some(name))?;
        Some(NetworkId(at as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_of_both_ends() {
        assert_eq!(mask6(0), 0);
        assert_eq!(mask6(128), u128::MAX);
        assert_eq!(mask6(16).to_be_bytes().first_chunk::<3>(), Some(&[0xff, 0xff, 0]));
    }
}
