//! Every text that reading a configuration can produce, word for word as ISC dhcpd 4.4.3-P1 says it (ledger `logs.tsv`,
//! `statements.tsv`). A parse message is followed by the echoed source line and the caret; the others stand alone.

use std::fmt::Display;

/// The last line of a run that had parse messages.
pub const ERRORS: &str = "Configuration file errors encountered -- exiting";

// Statements and where they may stand.
pub const FILE_NAME_EXPECTED: &str = "filename string expected.";
pub const HOST_NOT_HERE: &str = "host declarations not allowed here.";
pub const HOSTS_ARE_GLOBAL: &str =
    "WARNING: Host declarations are global.  They are not limited to the scope you declared them in.";
pub const GROUP_NOT_HERE: &str = "group declarations not allowed here.";
pub const NETWORK_NOT_HERE: &str = "shared-network parameters not allowed here.";
pub const SUBNET_NOT_HERE: &str = "subnet declarations not allowed here.";
pub const CLASS_NOT_HERE: &str = "class declarations not allowed here.";
pub const HARDWARE_NOT_HERE: &str = "hardware address parameter not allowed here.";
pub const ADDRESS_NOT_HERE: &str = "fixed-address parameter not allowed here.";
pub const PREFIX_NOT_HERE: &str = "fixed-prefix6 declaration not allowed here.";
pub const POOL_IN_POOL: &str = "pool declared within pool.";
pub const POOL_OUTSIDE: &str = "pool declared outside of network";
pub const POOL6_IN_POOL: &str = "pool6 declared within pool.";
pub const POOL6_OUTSIDE: &str = "pool6 declared outside of network";
pub const RANGE_NOT_HERE: &str = "range declaration not allowed here.";
pub const RANGE6_NOT_HERE: &str = "range6 declaration not allowed here.";
pub const PREFIX6_NOT_HERE: &str = "prefix6 declaration not allowed here.";
pub const EXPECTING_ASSERTION: &str = "expecting assertion";
pub const NO_AUTHORITY: &str = "authority makes no sense here.";
pub const SPACE_SCOPED: &str = "option space definitions may not be scoped.";
pub const DEFINITION_SCOPED: &str = "option definitions may not be scoped.";
pub const FAILOVER_NOT_HERE: &str = "failover peers may only be defined in shared-network";
pub const FAILOVER_NOT_HERE_2: &str = "declarations and the outer scope.";
pub const EXPECTING_DECLARATION: &str = "expecting a declaration";
pub const EXPECTING_PARAMETER: &str = "expecting a parameter or declaration";
pub const END_OF_FILE: &str = "unexpected end of file";
pub const LEFT_BRACE: &str = "expecting left brace.";
pub const SEMICOLON: &str = "semicolon expected.";
pub const NUMBER: &str = "expecting number";
pub const NUMBER_STOP: &str = "expecting number.";
pub const TOO_DEEP: &str = "declarations nested too deeply.";

pub fn cannot_open(name: &str, reason: impl Display) -> String {
    format!("Can't open {name}: {reason}")
}

pub fn cannot_read(name: &str, reason: impl Display) -> String {
    format!("Can't read in {name}: {reason}")
}

pub fn bad_parse(name: &str) -> String {
    format!("{name}: bad parse.")
}

pub fn unknown_option(space: &str, name: &str) -> String {
    format!("unknown option {space}.{name}")
}

// Hosts.
pub const HOST_NAME: &str = "expecting a name for host declaration.";
pub const STRING_OR_IDENTIFIER: &str = "expecting string or identifier.";
pub const HEX_LIST: &str = "expecting hex list.";
pub const ONE_IDENTIFIER: &str = "only one host-identifier allowed per host";
pub const RELAY_NUMBER: &str = "host-identifier v6relopt must have a number";
pub const RELAY_POSITIVE: &str = "host-identifier v6relopt must have a number >= 0";
pub const IDENTIFIER_KIND: &str = "host-identifier must be an option or v6relopt";
pub const ONE_ADDRESS: &str = "Only one fixed address declaration per host.";
pub const UID_CONDITIONAL: &str = "dhcp client identifier may not be specified conditionally.";
pub const UID_TWICE: &str = "only one dhcp client identifier may be specified";

pub fn hardware_twice(host: &str) -> String {
    format!("Host {host} hardware address already configured.")
}

pub fn unknown_group(group: &str, host: &str) -> String {
    format!("unknown group {group} in host {host}")
}

pub fn uid_already(host: &str, uid: &str) -> String {
    format!("Host '{host}' already has a uid '{uid}'")
}

pub fn uid_ignored(host: &str, uid: &str, ignored: &str) -> String {
    format!(
        "Warning, host declaration '{host}' already has uid '{uid}', ignoring dhcp-client-identifier '{ignored}'"
    )
}

pub fn host_exists(host: &str) -> String {
    format!("host {host}: already exists")
}

// Classes.
pub const CLASS_NAME: &str = "Expecting class name";
pub const STRING_OR_HEX: &str = "Expecting string or hex list.";
pub const MATCH_IN_SUBCLASS: &str = "invalid match in subclass.";
pub const MATCH_ONCE: &str = "A class may only have one 'match if' clause.";
pub const BOOLEAN: &str = "expecting boolean expr.";
pub const SPAWN_IN_SUBCLASS: &str = "invalid spawn in subclass.";
pub const SPAWN_WITH: &str = "expecting with after spawn";
pub const SUBMATCH_ONCE: &str = "can't override existing submatch/spawn.";
pub const DATA: &str = "expecting data expr.";
pub const LIMIT: &str = "expecting \"limit\"";
pub const A_NUMBER: &str = "expecting a number";

pub fn no_class(name: &str) -> String {
    format!("no class named {name}")
}

// Networks and subnets.
pub const ZERO_LENGTH_NAME: &str = "zero-length shared network name";
pub const NO_NAME: &str = "<no-name-given>";
pub const NETWORK_NAME: &str = "expecting a name for shared-network";
pub const EMPTY_NETWORK: &str = "empty shared-network decl";
pub const TWO_INTERFACES: &str = "A subnet or shared network can't be connected to two interfaces.";
pub const NETMASK: &str = "Expecting netmask";
pub const ONLY_V6_SUBNET: &str = "subnet6 statement is only supported in DHCPv6 mode.";
pub const ONLY_V6_RANGE: &str = "range6 statement is only supported in DHCPv6 mode.";
pub const ONLY_V6_PREFIX: &str = "prefix6 statement is only supported in DHCPv6 mode.";
pub const SLASH: &str = "Expecting a '/'.";
pub const SLASH_SMALL: &str = "expecting '/'";
pub const NUMBER_CAPITAL: &str = "Expecting a number.";
pub const PREFIX_LENGTH: &str = "Expecting a number between 0 and 128.";
pub const SUBNET_MASK_SHORT: &str = "New subnet mask too short.";

pub fn bad_subnet(net: impl Display, mask: impl Display) -> String {
    format!("subnet {net} netmask {mask}: bad subnet number/mask combination.")
}

pub fn overlap(net: impl Display, bits: i32, other: impl Display, other_bits: i32) -> String {
    format!("Warning: subnet {net}/{bits} overlaps subnet {other}/{other_bits}")
}

pub const FAMILIES: &str = "subnet_number():inet.c:45: Addr/mask length mismatch.";

// Pools and ranges.
pub const FAILOVER_PEER: &str = "expecting \"failover peer\".";
pub const PEER: &str = "expecting 'peer'.";
pub const STRING: &str = "expecting string.";
pub const EMPTY_POOL: &str = "Pool declaration with no address range.";
pub const EMPTY_POOL_2: &str = "Pool declarations must always contain at least";
pub const EMPTY_POOL_3: &str = "one range statement.";
pub const EMPTY_POOL6: &str = "Pool6 declaration with no address range6 or prefix6.";
pub const EMPTY_POOL6_2: &str = "Pool6 declarations must always contain at least";
pub const EMPTY_POOL6_3: &str = "one range6 or prefix6 statement.";
pub const BOOTP: &str = "expecting \"bootp\"";
pub const OF: &str = "expecting \"of\"";
pub const PERMIT_CLASS: &str = "expecting class name.";
pub const AFTER_TWICE: &str = "duplicate \"after\" clause.";
pub const PERMIT: &str = "expecting permit type.";
pub const CLIENTS: &str = "expecting \"clients\"";
pub const NOT_ON_NETWORK_2: &str = "Be sure to place pool statement after related subnet declarations.";
pub const BOOTP_WITH_FAILOVER: &str = "dynamic-bootp flag is not permitted for address";
pub const BOOTP_WITH_FAILOVER_MORE: [&str; 11] = [
    "range declarations where there is a failover",
    "peer in scope.   If you wish to declare an",
    "address range from which dynamic bootp leases",
    "can be allocated, please declare it within a",
    "pool declaration that also contains the \"no",
    "failover\" statement.   The failover protocol",
    "itself does not permit dynamic bootp - this",
    "is not a limitation specific to the ISC DHCP",
    "server.   Please don't ask me to defend this",
    "until you have read and really tried to understand",
    "the failover protocol specification.",
];
pub const MEMORY_OVERFLOW: &str = "Memory overflow.";
pub const RANGE6_START: &str = "range6 start address is outside the subnet";
pub const RANGE6_END: &str = "range6 end address is outside the subnet";
pub const RANGE6_BITS: &str = "networks have 0 to 128 bits";
pub const RANGE6_SMALLER: &str = "network mask smaller than subnet mask";
pub const MASK_SHORT: &str = "network mask too short";
pub const TEMPORARY_SHORT: &str = "temporary mask too short";
pub const TEMPORARY_SINGLE: &str = "temporary singleton?";
pub const PREFIX6_BITS: &str = "networks have 0 to 128 bits (exclusive)";
pub const IMPOSSIBLE_MASK: &str = "impossible mask length";

pub fn no_such_class(name: &str) -> String {
    format!("no such class: {name}")
}

pub fn peer_status(name: &str, status: &str) -> String {
    format!("failover peer {name}: {status}")
}

pub fn not_on_network(network: &str) -> String {
    format!("address range not on network {network}")
}

pub fn bad_range(address: impl Display, net: impl Display, mask: impl Display) -> String {
    format!("bad range, address {address} not in subnet {net} netmask {mask}")
}

pub fn large_range(low: impl Display, high: impl Display) -> String {
    format!("{low}-{high} is an overly large address range.")
}

pub fn declared_twice(address: impl Display) -> String {
    format!("lease {address} is declared twice!")
}

// Failover peers.
pub const FAILOVER_WORD: &str = "expecting \"peer\"";
pub const FAILOVER_NAME: &str = "expecting failover peer name.";
pub const REFERENCE_NOT_HERE: &str = "failover peer reference not in shared-network declaration";
pub const BRACE: &str = "expecting left brace";
pub const SECOND_PEER_ADDRESS: &str = "confpars.c(1014): non-null pointer";
pub const SECONDARY_BALANCE: &str = "secondary may not define load balance settings.";
pub const HBA_LENGTH: &str = "HBA must be exactly 32 bytes.";
pub const SPLIT: &str = "split must be between 0 and 256, inclusive";
pub const BALANCE: &str = "expecting 'balance'";
pub const MAX: &str = "expecting 'max'";
pub const SECS: &str = "expecting 'secs'";
pub const PEER_STATEMENT: &str = "invalid statement in peer declaration";
pub const PEER_ADDRESS: &str = "peer address may not be omitted";
pub const PRIMARY_BALANCE: &str = "primary failover server must have hba or split.";
pub const PRIMARY_MCLT: &str = "primary failover server must have mclt.";
pub const STATE_WORD: &str = "expecting 'state'";
pub const STATE_SETTING: &str = "expecting state setting.";
pub const MCLT_PRIMARY: &str = "mclt not valid for primary";
pub const A_NUMBER_STOP: &str = "expecting a number.";
pub const UNKNOWN_STATE: &str = "unknown failover state";
pub const AT: &str = "expecting \"at\"";
pub const SANITY: &str = "Failover configuration sanity check failed";

pub fn unknown_peer(name: &str) -> String {
    format!("reference to unknown failover peer {name}")
}

pub fn state_of_unknown_peer(name: &str) -> String {
    format!("state declaration for unknown failover peer {name}")
}

pub fn unknown_peer_state(name: &str) -> String {
    format!("unknown failover peer: {name}")
}

pub fn peer_again(name: &str) -> String {
    format!("redeclaration of failover peer {name}")
}

pub fn peer_without_pools(name: &str) -> String {
    format!(
        "ERROR: Failover peer, {name}, has no referring pools. You must refer to each peer in at least one pool \
         declaration."
    )
}

pub fn balancing_disabled(name: &str) -> String {
    format!(
        "WARNING: load balancing will be disabled for failover peer, {name}, because its load balance max secs is 0"
    )
}

// Keys: behind `tsig key NAME: `, and a line without place.
pub const NO_ALGORITHM: &str = "no algorithm";
pub const NO_SECRET: &str = "no secret";

pub fn no_tsec(key: &str) -> String {
    format!("Unable to create tsec structure for {key}")
}

// server-duid, lease-id-format.
pub const ENTERPRISE: &str = "enterprise number expected";
pub const IDENTIFIER: &str = "identifier expected";
pub const HARDWARE_TYPE: &str = "hardware type expected";
pub const TIMESTAMP: &str = "timestamp expected";
pub const DUID_TYPE: &str = "DUID type of LLT, EN, or LL expected";
pub const SEMICOLON_PLAIN: &str = "semicolon expected";
pub const LEASE_ID_FORMAT: &str = "lease-id-format is invalid:  it must be octal or hex.";
pub const LEASE_SEMICOLON: &str = "corrupt lease file; expecting a semicolon";

pub fn lease_id_format(hex: bool) -> String {
    format!("lease_id_format is: {}", if hex { "hex" } else { "octal" })
}

// Start-up: the values of the top level.
pub const OMAPI_PORT: &str = "invalid omapi port data length";
pub const LOCAL_ADDRESS6: &str = "invalid local address data length";
pub const LOCAL_PORT: &str = "invalid local port data length";
pub const REMOTE_PORT: &str = "invalid remote port data length";
pub const BROADCAST: &str = "invalid broadcast address data length";
pub const LOCAL_ADDRESS: &str = "invalid local address data length";
pub const DNS_STYLE: &str = "invalid dns update type";
pub const AD_HOC: &str = "ddns-update-style ad_hoc no longer supported";
pub const FACILITY: &str = "invalid log facility";
pub const ACK_COUNT: &str = "invalid max delayed ACK count ";
pub const ACK_DELAY: &str = "invalid max ack delay configuration";
pub const NO_FSYNC: &str = "Not using fsync() to flush lease writes";
pub const SERVER_ID_CHECK: &str = "Setting server-id-check true";
pub const PREFIX_MODE: &str = "invalid prefix-len-mode";
pub const ABANDON_TIME: &str = "invalid abandon-lease-time";

pub fn host_unknown(name: &str) -> String {
    format!("{name}: host unknown.")
}

pub fn omapi_key(name: &str) -> String {
    format!("OMAPI key {name}: not found")
}

/// Where ISC crashes: it has no packet to add to a class.
pub fn add_without_packet(class: &str) -> String {
    format!("add: {class}: no raw packet or lease is available")
}

pub fn config_file(path: &str) -> String {
    format!("Config file: {path}")
}

pub fn database_file(path: &str) -> String {
    format!("Database file: {path}")
}

pub fn pid_file(path: &str) -> String {
    format!("PID file: {path}")
}

pub fn jumbo_ranges(ranges: &str) -> String {
    format!("Threshold logging disabled for shared subnet of ranges: {ranges}")
}
