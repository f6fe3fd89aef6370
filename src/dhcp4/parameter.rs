//! Codes of the `server` space: the server's own parameters (ledger `statements.tsv`, column `value`).

use crate::option::definition::OptionId;

macro_rules! parameters {
    ($($name:ident = $code:literal;)*) => {$(
        pub const $name: OptionId = OptionId::server($code);
    )*};
}

parameters! {
    DEFAULT_LEASE_TIME = 1;
    MAX_LEASE_TIME = 2;
    MIN_LEASE_TIME = 3;
    BOOTP_LEASE_CUTOFF = 4;
    BOOTP_LEASE_LENGTH = 5;
    BOOT_UNKNOWN_CLIENTS = 6;
    ALLOW_BOOTP = 8;
    ALLOW_BOOTING = 9;
    ONE_LEASE_PER_CLIENT = 10;
    GET_LEASE_HOSTNAMES = 11;
    USE_HOST_DECL_NAMES = 12;
    USE_LEASE_ADDRESS_FOR_DEFAULT_ROUTE = 13;
    MIN_SECS = 14;
    FILENAME = 15;
    SERVER_NAME = 16;
    NEXT_SERVER = 17;
    ALWAYS_REPLY_RFC1048 = 20;
    ALWAYS_BROADCAST = 22;
    DUPLICATES = 28;
    DECLINES = 29;
    STASH_AGENT_OPTIONS = 37;
    PING_CHECK = 42;
    PING_TIMEOUT = 46;
    INFINITE_IS_RESERVED = 47;
    LEASEQUERY = 49;
    ADAPTIVE_LEASE_TIME_THRESHOLD = 50;
    CACHE_THRESHOLD = 78;
    IGNORE_CLIENT_UIDS = 82;
    LOG_THRESHOLD_LOW = 83;
    LOG_THRESHOLD_HIGH = 84;
    ECHO_CLIENT_ID = 85;
    PING_CLTT_SECS = 99;
    PING_TIMEOUT_MS = 100;
}

/// Codes of the `dhcp` space that the engine itself sets or reads.
pub mod dhcp {
    pub const SUBNET_MASK: u8 = 1;
    pub const ROUTERS: u8 = 3;
    pub const HOST_NAME: u8 = 12;
    pub const REQUESTED_ADDRESS: u8 = 50;
    pub const LEASE_TIME: u8 = 51;
    pub const MESSAGE_TYPE: u8 = 53;
    pub const SERVER_IDENTIFIER: u8 = 54;
    pub const PARAMETER_REQUEST_LIST: u8 = 55;
    pub const MESSAGE: u8 = 56;
    pub const MAX_MESSAGE_SIZE: u8 = 57;
    pub const RENEWAL_TIME: u8 = 58;
    pub const REBINDING_TIME: u8 = 59;
    pub const VENDOR_CLASS_IDENTIFIER: u8 = 60;
    pub const CLIENT_IDENTIFIER: u8 = 61;
    pub const AGENT: u8 = 82;
    pub const CLIENT_LAST_TRANSACTION_TIME: u8 = 91;
    pub const ASSOCIATED_IP: u8 = 92;
    pub const SUBNET_SELECTION: u8 = 118;
}
