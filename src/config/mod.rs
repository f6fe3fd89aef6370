//! dhcpd.conf(5): the checked configuration model and the statement parser that builds it.

pub mod model;
