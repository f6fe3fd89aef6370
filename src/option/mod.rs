//! Option spaces, definitions and formats: dhcp-options(5), ledger `options4.tsv` and `options6.tsv`.

pub mod definition;
