//! Which interfaces are served, in ISC's order (`discover_interfaces` and the set-up hook of dhcpd.c).
//!
//! ISC keeps a list whose head is the newest: interfaces named on the command line first, then those bound by `interface`
//! statements, then those found; and works through it from the head. So do we.

use crate::config::model::{NetworkId, SubnetId};
use crate::log::Line;
use crate::net::interface::Entry;
use std::net::Ipv4Addr;

/// An interface that may be served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub name: String,
    /// In the kernel's order.
    pub addresses: Vec<Ipv4Addr>,
    /// The shared network it is attached to; none: not served.
    pub network: Option<NetworkId>,
}

/// The configuration, as far as it matters here.
pub trait Networks {
    fn find(&self, address: Ipv4Addr) -> Option<(SubnetId, NetworkId)>;
    /// Interfaces that `interface` statements bind, in the order of the statements.
    fn bound(&self) -> Vec<(String, NetworkId)>;
}

/// The interfaces to look at, in order. `requested` as given on the command line; `say` gets error lines. An error is
/// fatal.
pub fn discover(
    entries: &[Entry],
    requested: &[String],
    networks: &impl Networks,
    say: &mut dyn FnMut(Line),
) -> Result<Vec<Candidate>, String> {
    let mut list = List::default();
    for name in requested {
        // ISC makes a twin, which nothing ever finds.
        if list.position(name).is_none() {
            list.push_front(name, None);
        }
    }
    for (name, network) in networks.bound() {
        // A name that is known already is bound to nothing.
        if list.position(&name).is_none() {
            let at = list.push_front(&name, Some(network));
            list.networks_taken.push((network, at));
        }
    }
    let only_requested = !list.items.is_empty();
    for entry in entries {
        list.take(entry, only_requested, networks, say)?;
    }
    let List { mut items, .. } = list;
    items.reverse();
    Ok(items.into_iter().filter(|item| item.wanted).map(|item| item.candidate).collect())
}

struct Item {
    candidate: Candidate,
    /// Requested, or found when nothing was requested.
    wanted: bool,
}

/// Newest last.
#[derive(Default)]
struct List {
    items: Vec<Item>,
    /// First interface on each subnet and network, by position.
    subnets_taken: Vec<(SubnetId, usize)>,
    networks_taken: Vec<(NetworkId, usize)>,
}

impl List {
    fn position(&self, name: &str) -> Option<usize> {
        self.items.iter().position(|item| item.candidate.name == name)
    }

    fn push_front(&mut self, name: &str, network: Option<NetworkId>) -> usize {
        let candidate = Candidate { name: name.to_owned(), addresses: Vec::new(), network };
        self.items.push(Item { candidate, wanted: true });
        self.items.len() - 1
    }

    fn take(
        &mut self,
        entry: &Entry,
        only_requested: bool,
        networks: &impl Networks,
        say: &mut dyn FnMut(Line),
    ) -> Result<(), String> {
        let known = self.position(&entry.name);
        let servable = entry.broadcast && !entry.loopback && !entry.point_to_point;
        if !entry.up || (!servable && known.is_none()) {
            return Ok(());
        }
        let at = match known {
            Some(at) => at,
            None => {
                let at = self.push_front(&entry.name, None);
                if let Some(item) = self.items.get_mut(at) {
                    item.wanted = !only_requested;
                }
                at
            }
        };
        let Some(address) = entry.address else { return Ok(()) };
        if let Some(item) = self.items.get_mut(at) {
            item.candidate.addresses.push(address);
        }
        match networks.find(address) {
            Some((subnet, network)) => self.attach(at, subnet, network, say),
            None => Ok(()),
        }
    }

    fn attach(
        &mut self,
        at: usize,
        subnet: SubnetId,
        network: NetworkId,
        say: &mut dyn FnMut(Line),
    ) -> Result<(), String> {
        let name = |list: &List, at: usize| {
            list.items.get(at).map_or_else(String::new, |item| item.candidate.name.clone())
        };
        match self.subnets_taken.iter().find(|(taken, _)| *taken == subnet) {
            None => self.subnets_taken.push((subnet, at)),
            Some(&(_, other)) if other != at => {
                say(message::same_subnet(&name(self, other), &name(self, at)));
            }
            Some(_) => {}
        }
        let own = self.items.get(at).and_then(|item| item.candidate.network);
        if own.is_some_and(|own| own != network) {
            return Err(message::several_networks(&name(self, at)));
        }
        if let Some(item) = self.items.get_mut(at) {
            item.candidate.network = Some(network);
        }
        match self.networks_taken.iter().find(|(taken, _)| *taken == network) {
            None => self.networks_taken.push((network, at)),
            Some(&(_, other)) if other != at => {
                say(message::same_network(&name(self, other), &name(self, at)));
            }
            Some(_) => {}
        }
        Ok(())
    }
}

/// Texts of interface discovery (ledger `logs.tsv`, discover.c, dhcpd.c, lpf.c).
pub mod message {
    use super::Candidate;
    use crate::log::Line;
    use std::fmt::Write;

    pub fn same_subnet(first: &str, second: &str) -> Line {
        Line::error(format!("Multiple interfaces match the same subnet: {first} {second}"))
    }

    pub fn same_network(first: &str, second: &str) -> Line {
        Line::error(format!("Multiple interfaces match the same shared network: {first} {second}"))
    }

    pub fn several_networks(name: &str) -> String {
        format!("Interface {name} matches multiple shared networks")
    }

    pub fn no_subnet(candidate: &Candidate) -> [Line; 7] {
        let name = &candidate.name;
        let address = match candidate.addresses.first() {
            Some(address) => address.to_string(),
            None => "no IPv4 addresses".to_owned(),
        };
        [
            Line::error(""),
            Line::error(format!("No subnet declaration for {name} ({address}).")),
            Line::error(format!("** Ignoring requests on {name}.  If this is not what")),
            Line::error("   you want, please write a subnet declaration"),
            Line::error("   in your dhcpd.conf file for the network segment"),
            Line::error(format!("   to which interface {name} is attached. **")),
            Line::error(""),
        ]
    }

    /// `Listening on` and `Sending on  `.
    pub fn on_link(verb: &str, name: &str, hardware: &[u8], network: &str) -> Line {
        let mut address = String::new();
        for (at, octet) in hardware.iter().enumerate() {
            let colon = if at > 0 { ":" } else { "" };
            let _ = write!(address, "{colon}{octet:02x}");
        }
        Line::info(format!("{verb} LPF/{name}/{address}/{network}"))
    }

    pub fn fallback() -> Line {
        Line::info("Sending on   Socket/fallback/fallback-net")
    }

    /// The last is fatal.
    pub fn nothing_to_serve() -> (Line, String) {
        (Line::info(""), "Not configured to listen on any interfaces!".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 10.N.0.0/16 is subnet N of network N / 10; `interface "eth5"` binds network 5.
    struct Sixteen {
        bound: bool,
    }

    impl Networks for Sixteen {
        fn find(&self, address: Ipv4Addr) -> Option<(SubnetId, NetworkId)> {
            let [10, n, ..] = address.octets() else { return None };
            Some((SubnetId(n.into()), NetworkId(u32::from(n) / 10)))
        }

        fn bound(&self) -> Vec<(String, NetworkId)> {
            if self.bound { vec![("eth5".to_owned(), NetworkId(5))] } else { Vec::new() }
        }
    }

    fn entry(name: &str, address: Option<[u8; 4]>) -> Entry {
        Entry {
            name: name.to_owned(),
            up: true,
            broadcast: true,
            loopback: false,
            point_to_point: false,
            address: address.map(Ipv4Addr::from),
        }
    }

    fn machine() -> Vec<Entry> {
        vec![
            Entry { loopback: true, broadcast: false, ..entry("lo", Some([127, 0, 0, 1])) },
            entry("eth0", None),
            entry("eth1", None),
            Entry { up: false, ..entry("eth2", None) },
            entry("eth0", Some([10, 1, 0, 1])),
            entry("eth0", Some([10, 2, 0, 1])),
            entry("eth1", Some([192, 168, 0, 1])),
        ]
    }

    type Outcome = (Result<Vec<Candidate>, String>, Vec<String>);

    fn run(entries: &[Entry], requested: &[&str], bound: bool) -> Outcome {
        let requested: Vec<String> = requested.iter().map(|name| (*name).to_owned()).collect();
        let mut said = Vec::new();
        let result = discover(entries, &requested, &Sixteen { bound }, &mut |line| said.push(line.text));
        (result, said)
    }

    fn names(outcome: &Outcome) -> Vec<&str> {
        outcome.0.as_ref().expect("candidates").iter().map(|candidate| candidate.name.as_str()).collect()
    }

    #[test]
    fn newest_first_and_only_what_can_be_served() {
        let outcome = run(&machine(), &[], false);
        assert_eq!(names(&outcome), ["eth1", "eth0"]);
        let candidates = outcome.0.expect("candidates");
        assert_eq!(candidates[0].network, None);
        assert_eq!(candidates[1].network, Some(NetworkId(0)));
        assert_eq!(candidates[1].addresses, [Ipv4Addr::new(10, 1, 0, 1), Ipv4Addr::new(10, 2, 0, 1)]);
    }

    #[test]
    fn requested_ones_alone_last_named_first() {
        assert_eq!(names(&run(&machine(), &["eth0", "eth1"], false)), ["eth1", "eth0"]);
        assert_eq!(names(&run(&machine(), &["lo", "eth0"], false)), ["eth0", "lo"]);
        assert_eq!(names(&run(&machine(), &["nosuch"], false)), ["nosuch"]);
    }

    #[test]
    fn an_interface_statement_counts_as_a_request() {
        let outcome = run(&machine(), &[], true);
        assert_eq!(names(&outcome), ["eth5"]);
        assert_eq!(outcome.0.expect("candidates")[0].network, Some(NetworkId(5)));
    }

    #[test]
    fn two_interfaces_of_one_subnet_are_said() {
        let mut entries = machine();
        entries.push(entry("eth1", Some([10, 1, 0, 2])));
        let (result, said) = run(&entries, &[], false);
        assert!(result.is_ok());
        assert_eq!(
            said,
            [
                "Multiple interfaces match the same subnet: eth0 eth1",
                "Multiple interfaces match the same shared network: eth0 eth1"
            ]
        );
    }

    #[test]
    fn one_interface_of_two_networks_is_fatal() {
        let mut entries = machine();
        entries.push(entry("eth0", Some([10, 30, 0, 1])));
        let (result, _) = run(&entries, &[], false);
        assert_eq!(result, Err("Interface eth0 matches multiple shared networks".to_owned()));
    }

    /// Text observed on the real program.
    #[test]
    fn the_hint_of_the_real_program() {
        let candidate = Candidate { name: "vd".to_owned(), addresses: Vec::new(), network: None };
        let texts = message::no_subnet(&candidate).map(|line| line.text);
        assert_eq!(
            texts.join("\n"),
            "\nNo subnet declaration for vd (no IPv4 addresses).\n** Ignoring requests on vd.  If this is not what\n   \
             you want, please write a subnet declaration\n   in your dhcpd.conf file for the network segment\n   to \
             which interface vd is attached. **\n"
        );
    }
}
