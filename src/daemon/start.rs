//! Start-up in ISC's order (ledger `cli.tsv`, start-up order).

use super::command_line::Flags;
use super::operator_log::OperatorLog;
use super::path::Paths;
use super::{Fatal, detach};

/// What the command line decided.
pub struct Start {
    pub flags: Flags,
    /// Of `-p`.
    pub port: Option<u16>,
    pub paths: Paths,
    pub parent: Option<detach::Parent>,
    pub log: OperatorLog,
}

pub fn start(_start: Start) -> Result<i32, Fatal> {
    Ok(0)
}
