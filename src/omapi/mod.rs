//! OMAPI, the management protocol of ISC dhcpd: messages as octets ([`codec`]), signatures ([`key`]), result codes
//! ([`result`]). Facts: ledger `omapi.tsv`.

pub mod codec;
pub mod key;
pub mod result;
