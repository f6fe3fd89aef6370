//! What statements leave in the model. Where ISC's way is not the obvious one, the source of the expectation is named.

use super::model::*;
use super::*;
use crate::eval::context::HostTable;
use crate::log::Line;
use crate::option::definition::OptionId;
use crate::syntax::cursor::Cursor;
use crate::syntax::source::{Source, SourceId};
use std::io;
use std::net::Ipv4Addr;

fn read(text: &str, family: Family) -> Result<Config, Vec<String>> {
    let mut lines: Vec<String> = Vec::new();
    let mut report = |line: Line| lines.push(line.text);
    let mut include = |name: &str| match name {
        "rest" => Ok(b"range 10.0.0.5;".to_vec()),
        _ => Err(io::Error::from_raw_os_error(2)),
    };
    let input = Input { name: "t", text: text.as_bytes().to_vec(), family, interfaces: &["eth9".to_owned()] };
    parse(input, &mut include, &mut report).map_err(|Rejected| lines)
}

fn config(text: &str) -> Config {
    read(text, Family::V4).unwrap_or_else(|lines| panic!("{text}\n{}", lines.join("\n")))
}

fn config6(text: &str) -> Config {
    read(text, Family::V6).unwrap_or_else(|lines| panic!("{text}\n{}", lines.join("\n")))
}

fn fault(text: &str) -> String {
    read(text, Family::V4).expect_err(text).first().cloned().unwrap_or_default()
}

fn in_subnet(inside: &str) -> Config {
    config(&format!("subnet 10.0.0.0 netmask 255.255.255.0 {{ {inside} }}"))
}

fn ranges(config: &Config) -> Vec<String> {
    let shown = |pool: &Pool| {
        let ranges: Vec<String> =
            pool.ranges.iter().map(|range| format!("{}-{}", range.low, range.high)).collect();
        ranges.join(" ")
    };
    config.pools.iter().map(shown).collect()
}

#[test]
fn a_lone_subnet_shares_the_scope_of_its_network() {
    let config = in_subnet("authoritative; option domain-name \"x\";");
    let network = config.network(NetworkId(0));
    assert_eq!((&*network.name, network.implicit), ("10.0.0.0/24", true));
    assert_eq!(config.subnet(SubnetId(0)).scope, network.scope);
    assert!(config.scope(network.scope).authoritative);
    assert_eq!(config.scope(network.scope).statements.len(), 1);
    assert_eq!(config.find_subnet(Ipv4Addr::new(10, 0, 0, 77)), Some(SubnetId(0)));
    assert_eq!(config.find_network(Ipv4Addr::new(10, 0, 1, 77)), None);
}

#[test]
fn the_subnet_declared_last_is_found_first() {
    let config = config(
        "shared-network n { subnet 10.0.0.0 netmask 255.255.255.0 { } subnet 10.1.0.0 netmask 255.255.0.0 { }
         subnet 10.0.0.0 netmask 255.0.0.0 { } subnet 10.1.2.0 netmask 255.255.255.0 { } }",
    );
    // Seen on the real program: it compares a new subnet with the one before alone.
    assert_eq!(config.find_subnet(Ipv4Addr::new(10, 0, 0, 1)), Some(SubnetId(2)));
    assert_eq!(config.find_subnet(Ipv4Addr::new(10, 1, 2, 1)), Some(SubnetId(3)));
    let order: Vec<u32> = config.network(NetworkId(0)).subnets.iter().map(|id| id.0).collect();
    assert_eq!(order, [0, 3, 1, 2]);
    assert_eq!(config.find_subnet_of(NetworkId(0), Ipv4Addr::new(10, 1, 2, 1)), Some(SubnetId(3)));
}

#[test]
fn ranges_outside_pools_get_pools_of_their_own() {
    let config =
        in_subnet("range 10.0.0.20 10.0.0.10; range 10.0.0.30; range dynamic-bootp 10.0.0.40 10.0.0.41;");
    assert_eq!(ranges(&config), ["10.0.0.10-10.0.0.20 10.0.0.30-10.0.0.30", "10.0.0.40-10.0.0.41"]);
    let [first, second] = &config.pools[..] else { panic!() };
    assert_eq!((&first.allow[..], &first.deny[..]), (&[][..], &[Permit::DynamicBootpClients][..]));
    assert_eq!((&second.allow[..], &second.deny[..]), (&[Permit::AllClients][..], &[][..]));
}

#[test]
fn a_range_behind_a_fitting_pool_goes_to_the_pool_before_it() {
    let config = in_subnet("pool { range 10.0.0.1; allow known-clients; } range 10.0.0.2; range 10.0.0.3;");
    assert_eq!(ranges(&config), ["10.0.0.1-10.0.0.1 10.0.0.3-10.0.0.3", "10.0.0.2-10.0.0.2"]);
}

#[test]
fn pools_without_statements_and_with_equal_permits_are_one() {
    let config = config(
        "subnet 10.0.0.0 netmask 255.255.255.0 {
         pool { allow known clients; allow unknown-clients; range 10.0.0.1; }
         pool { allow unknown clients; range 10.0.0.2; allow known-clients; }
         pool { allow known-clients; range 10.0.0.3; option domain-name \"x\"; }
         pool { allow known-clients; range 10.0.0.4; } }",
    );
    assert_eq!(
        ranges(&config),
        ["10.0.0.1-10.0.0.1 10.0.0.2-10.0.0.2", "10.0.0.3-10.0.0.3", "10.0.0.4-10.0.0.4"]
    );
    assert_eq!(config.network(NetworkId(0)).pools.len(), 3);
}

#[test]
fn every_permit() {
    let config = config(
        "class \"k\" { } subnet 10.0.0.0 netmask 255.255.255.0 { pool { range 10.0.0.1;
         allow known clients; allow unknown clients; allow authenticated clients; allow unauthenticated clients;
         allow all clients; allow dynamic bootp clients; allow members of \"k\"; deny after 4 2026/11/26 10:00:00; } }",
    );
    let pool = config.pool(PoolId(0));
    let wanted = [
        Permit::KnownClients,
        Permit::UnknownClients,
        Permit::AuthenticatedClients,
        Permit::UnauthenticatedClients,
        Permit::AllClients,
        Permit::DynamicBootpClients,
        Permit::MembersOf(ClassId(0)),
    ];
    assert_eq!(pool.allow, wanted);
    assert_eq!((pool.valid_from, pool.valid_until), (0, 1_795_687_200));
    assert_eq!(pool.deny, [Permit::After(1_795_687_200)]);
}

#[test]
fn pools_of_shared_networks_find_their_subnets() {
    let config = config(
        "shared-network n { subnet 10.0.0.0 netmask 255.255.255.0 { } subnet 10.0.1.0 netmask 255.255.255.0 { }
         pool { range 10.0.1.5 10.0.1.6; } }",
    );
    assert_eq!(config.pool(PoolId(0)).ranges[0].subnet, SubnetId(1));
    let stray =
        fault("shared-network n { subnet 10.0.0.0 netmask 255.255.255.0 { } pool { range 10.9.9.9; } }");
    assert_eq!(stray, "t line 1: address range not on network n");
}

#[test]
fn interfaces_bind_once() {
    let config = config(
        "subnet 10.0.0.0 netmask 255.255.255.0 { interface eth0; } subnet 10.0.1.0 netmask 255.255.255.0 { interface eth0; }
         subnet 10.0.2.0 netmask 255.255.255.0 { interface eth9; }",
    );
    assert_eq!(config.network_of_interface("eth0"), Some(NetworkId(0)));
    // Taken by a network before, or named on the command line: ISC lets it be.
    assert_eq!(config.network(NetworkId(1)).interface, None);
    assert_eq!(config.network_of_interface("eth9"), None);
}

#[test]
fn hosts_and_their_scopes() {
    let config = config(
        "group g { option domain-name \"x\"; option dhcp-client-identifier \"id\"; }
         group { default-lease-time 60;
         host a { hardware ethernet 1:2:3:4:5:6; fixed-address 10.0.0.1; }
         host b { hardware ethernet 1:2:3:4:5:6; filename \"f\"; fixed-address 10.0.0.1, 10.0.0.2; }
         host c { group g; } host d { group g; filename \"f\"; uid 1:2; host-identifier option agent.circuit-id \"c\"; } }",
    );
    let hosts: Vec<&Host> = config.hosts.iter().map(|(_, host)| host).collect();
    let [a, b, c, d] = hosts[..] else { panic!() };
    assert_eq!(a.fixed_addresses, Some(FixedAddresses::One(Ipv4Addr::new(10, 0, 0, 1))));
    assert!(matches!(b.fixed_addresses, Some(FixedAddresses::Expression(_))));
    assert_eq!(config.scope(b.scope).parent, Some(a.scope));
    let head = config.hosts.by_hardware(&[1, 1, 2, 3, 4, 5, 6]).unwrap();
    let chain: Vec<&str> = config.hosts.chain(head).map(|(_, host)| &*host.name).collect();
    assert_eq!(chain, ["a", "b"]);
    let group = config.groups["g"].scope;
    // Without statements of its own a host is in the group itself, and the group's identifier is its own.
    assert_eq!((c.scope, c.client_identifier.as_deref()), (group, Some(&b"id"[..])));
    assert_eq!(
        (config.scope(d.scope).parent, d.client_identifier.as_deref()),
        (Some(group), Some(&[1, 2][..]))
    );
    let table = &config.hosts.identifier_tables()[0];
    assert_eq!((table.option.code, table.find(b"c")), (1, config.hosts.by_name("d")));
    assert_eq!(config.hosts.by_client_identifier(b"id"), config.hosts.by_name("c"));
}

#[test]
fn a_group_declared_again_is_out_of_reach() {
    assert_eq!(fault("group x { } group x { } host z { group x; }"), "t line 1: unknown group x in host z");
    config("group x { } group x { } group x { } host z { group x; }");
}

#[test]
fn classes_and_subclasses() {
    let config = config(
        "class \"k\" { match hardware; lease limit 4; option domain-name \"x\"; }
         subclass \"k\" 1:2:3; subclass \"k\" \"abc\" { filename \"f\"; }
         class \"j\" { match if known; } class \"k\" { spawn with hardware; server-name \"s\"; }",
    );
    let names: Vec<&str> =
        config.class_order.iter().map(|id| config.class(*id).name.as_deref().unwrap()).collect();
    assert_eq!(names, ["k", "j"]);
    let k = config.find_class("k").unwrap();
    assert!(config.class(k).spawning && config.has_billing_classes);
    assert_eq!(config.scope(config.class(k).scope).statements.len(), 2);
    let plain = config.class(config.find_subclass(k, &[1, 2, 3]).unwrap());
    assert_eq!((plain.scope, plain.lease_limit, plain.superclass), (config.class(k).scope, 4, Some(k)));
    let own = config.class(config.find_subclass(k, b"abc").unwrap());
    assert_eq!(config.scope(own.scope).parent, Some(config.class(k).scope));
    assert!(config.class(config.find_class("j").unwrap()).condition.is_some());
}

#[test]
fn failover_peers_with_what_was_not_said() {
    let config = config(
        "failover peer \"f\" { primary; address 10.0.0.1; port 519; peer address 10.0.0.2; peer port 520;
         max-response-delay 30; peer max-response-delay 40; mclt 600; split 128; load balance max seconds 3; }
         subnet 10.0.0.0 netmask 255.255.255.0 { pool { failover peer \"f\"; range 10.0.0.9; } }",
    );
    let peer = config.failover_peer("f").unwrap();
    assert_eq!((peer.primary, peer.local.port, peer.partner.port, peer.mclt), (true, 519, 520, 600));
    assert_eq!((peer.local.max_response_delay, peer.partner.max_response_delay), (30, 40));
    let defaults = (peer.max_lease_misbalance, peer.max_lease_ownership, peer.max_balance, peer.min_balance);
    assert_eq!((defaults, peer.local.max_unacked_updates, peer.pool_count), ((15, 10, 3600, 60), 100, 1));
    let hba = peer.hba.as_ref().unwrap();
    assert_eq!((hba[..16] == [0xff; 16], hba[16..] == [0; 16]), (true, true));
    assert_eq!(config.pool(PoolId(0)).failover_peer.as_deref(), Some("f"));
}

#[test]
fn keys_zones_and_server_duid() {
    let config = config(
        "key k { algorithm hmac-md5; secret AAAA; } zone example.org { primary 127.0.0.1; key k; }
         server-duid en 2495 \"id\";",
    );
    assert_eq!(config.find_key("K").and_then(|key| key.secret.as_deref()), Some(&[0, 0, 0][..]));
    assert_eq!((&*config.zones[0].name, config.zones[0].key.as_deref()), ("example.org.", Some("k")));
    assert_eq!(config.server_duid, Some(ServerDuid::Value((*b"\0\x02\0\0\x09\xbfid").into())));
}

/// Where the real program crashes, ours says why and refuses.
#[test]
fn what_crashes_the_real_program_is_refused() {
    assert_eq!(fault("key k { algorithm hmac-md5; }"), "t line 1: tsig key k: no secret");
    assert_eq!(fault("key k { secret AAAA; }"), "t line 1: tsig key k: no algorithm");
    for text in [
        "class \"k\" { match if known; } add \"k\";",
        "option domain-name = config-option domain-name; log (info, config-option domain-name);",
    ] {
        let command_line = CommandLine { config_file: "t", lease_file: "/d", pid_file: "/p", quiet: false };
        let mut said = 0;
        let mut hear = |_| said += 1;
        assert!(config(text).start_up(&command_line, &HostTable::default(), 0, &mut hear).is_err());
        assert_eq!(said, 1);
    }
}

#[test]
fn v6_subnets_and_ranges() {
    let config = config6(
        "subnet6 2001:db8::/64 { range6 2001:db8::10 2001:db8::1f; range6 2001:db8::1:0/112 temporary;
         prefix6 2001:db8:100:: 2001:db8:200:: /56; pool6 { range6 2001:db8::2:0/112; deny unknown-clients; }
         pool6 { range6 2001:db8::/64; } }",
    );
    let shown: Vec<Vec<String>> = config
        .ponds
        .iter()
        .map(|pond| {
            pond.ranges.iter().map(|r| format!("{:?} {}/{} {}", r.kind, r.start, r.length, r.unit)).collect()
        })
        .collect();
    assert_eq!(shown[0][..2], ["Address 2001:db8::10/124 128", "Temporary 2001:db8::1:0/112 128"]);
    assert_eq!(shown[1], ["Address 2001:db8::2:0/112 128"]);
    assert_eq!((config.ponds[1].total, config.ponds[1].jumbo), (65_536, false));
    assert_eq!(config.network(NetworkId(0)).name, "2001:db8::/64".into());
    assert!(config.find_subnet6("2001:db8::77".parse().unwrap()).is_some());
    let host = config6("host h { fixed-address6 2001:db8::5; fixed-prefix6 2001:db8:f::/48; }");
    let prefixes = &host.host(HostId(0)).extra.as_ref().unwrap().fixed_prefixes;
    assert_eq!(prefixes[..], [("2001:db8:f::".parse().unwrap(), 48)]);
}

#[test]
fn an_included_file_knows_the_scope_but_not_the_words_of_the_brace() {
    assert_eq!(ranges(&in_subnet("include \"rest\";")), ["10.0.0.5-10.0.0.5"]);
    let text = "subnet 10.0.0.0 netmask 255.255.255.0 { pool { include \"rest\"; range 10.0.0.9; } }";
    assert_eq!(fault(text), "rest line 1: range declaration not allowed here.");
}

#[test]
fn scopes_are_executed_once() {
    let config = in_subnet("pool { range 10.0.0.1; option domain-name \"x\"; }");
    let pool = config.pool(PoolId(0)).scope;
    let network = config.network(NetworkId(0)).scope;
    assert_eq!(config.scope_chain(pool, None)[..], [ROOT, network, pool]);
    assert_eq!(config.scope_chain(pool, Some(network))[..], [pool]);
    // ISC's own statements about DNS names stand ahead of the configuration's.
    assert_eq!(config.scope(ROOT).statements.len(), 3);
}

#[test]
fn values_of_the_top_level() {
    let config = config(
        "lease-file-name \"/l\"; local-port 1067; local-address 10.0.0.1; log-facility local7; ddns-update-style none;
         delayed-ack 28; max-ack-delay 250000; abandon-lease-time 60; server-id-check true; set x = \"y\";
         log (info, \"said\");",
    );
    let command_line = CommandLine { config_file: "t", lease_file: "/d", pid_file: "/p", quiet: false };
    let mut said = Vec::new();
    let mut hear = |event| match event {
        Event::Say(line) => said.push(line.text),
        Event::Facility(number) => said.push(format!("facility {number}")),
        _ => {}
    };
    let values = config.start_up(&command_line, &HostTable::default(), 0, &mut hear).unwrap();
    assert_eq!((&*values.lease_file, &*values.pid_file, values.local_port), ("/l", "/p", Some(1067)));
    assert_eq!((values.local_address, values.log_facility), (Some(Ipv4Addr::new(10, 0, 0, 1)), Some(184)));
    assert_eq!(
        (values.delayed_ack, values.max_ack_delay, values.abandon_lease_time),
        (Some(28), Some(250_000), 60)
    );
    let lines = ["said", "Config file: t", "Database file: /l", "PID file: /p", "facility 184"];
    assert_eq!(said[..5], lines);
    assert_eq!(said[5..], ["Setting server-id-check true"]);
}

#[test]
fn what_a_server_cannot_do_is_refused_or_named() {
    let config = config(
        "failover peer \"f\" { secondary; address 10.0.0.1; peer address 10.0.0.2; }
         class \"k\" { lease limit 1; } omapi-port 7911; ddns-updates off; ddns-domainname \"x\";
         subnet 10.0.0.0 netmask 255.255.255.0 {
         pool { failover peer \"f\"; range 10.0.0.9; allow members of \"k\"; } }",
    );
    let nothing = Capabilities::default();
    assert_eq!(config.refusals(&nothing).len(), 3);
    assert_eq!(config.without_effect(&nothing).len(), 3);
    assert_eq!(config.without_effect(&nothing)[0], "t line 2: omapi-port has no effect yet");
    let all = Capabilities { failover: true, classes: true, billing: true, omapi: true, dns_updates: true };
    assert!(config.refusals(&all).is_empty() && config.without_effect(&all).is_empty());
}

#[test]
fn declarations_of_the_lease_file() {
    let mut config = config("class \"k\" { match hardware; } host a { hardware ethernet 0:0:0:0:0:1; }");
    let mut lines: Vec<String> = Vec::new();
    let mut report = |line: Line| lines.push(line.text);
    let text =
        "a { dynamic; deleted; } b { dynamic; hardware ethernet 0:0:0:0:0:1; supersede domain-name = \"x\"; }
        b { dynamic; } \"k\" 1:2:3; g { dynamic; supersede domain-name = \"g\"; } c { dynamic; group g; }";
    let mut cursor = Cursor::new(Source::new("leases", text.as_bytes(), SourceId(0)), &mut report);
    config.read_host(&mut cursor);
    config.read_host(&mut cursor);
    config.read_host(&mut cursor);
    let billing = config.read_subclass(&mut cursor);
    config.read_group(&mut cursor);
    config.read_host(&mut cursor);
    assert_eq!(billing, Some(("k".into(), [1, 2, 3][..].into())));
    let head = config.hosts.by_hardware(&[1, 0, 0, 0, 0, 0, 1]).unwrap();
    assert_eq!(&*config.host(head).name, "b");
    assert_eq!(config.deleted_hosts().map(|host| &*host.name).collect::<Vec<_>>(), ["a"]);
    assert_eq!(config.dynamic_hosts().map(|(_, host)| &*host.name).collect::<Vec<_>>(), ["b", "c"]);
    assert_eq!(config.dynamic_groups().count(), 1);
    assert_eq!(config.scope(ROOT).statements.len(), 3);
    assert_eq!(lines[0], "leases line 2: host b: already exists");
    assert_eq!(lines.len(), 3);
    assert_eq!(config.spaces.option_name(OptionId::dhcp(15)), "domain-name".into());
}
