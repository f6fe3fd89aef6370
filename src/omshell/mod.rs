//! omshell(1) without its terminal and sockets: lines go in, what ISC's omshell prints comes out.
//!
//! [`shell::Shell`] holds what one session knows and carries out its commands; [`object::Object`] is the object that is being
//! looked at; [`client::Client`] speaks OMAPI over a [`client::Stream`]. Commands are read with ISC's lexer. Facts: ledger
//! `omapi.tsv`, rows "omshell", and the recordings of sessions.

pub mod client;
pub mod fuzz;
mod message;
pub mod object;
pub mod shell;
