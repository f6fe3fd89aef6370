//! From the text of dhcpd.conf to the model.

use super::message;
use super::model::{Config, Family, LeaseFileFormat, Scope};
use super::parse::Reader;
use crate::eval::ast::Name;
use crate::log::Line;
use crate::option::space::Spaces;
use crate::syntax::cursor::Cursor;
use crate::syntax::diagnostic::Report;
use crate::syntax::source::{Source, SourceId};
use std::io;
use std::sync::Arc;

/// What is read, and for what.
pub struct Input<'a> {
    /// The name as given with `-cf`, which messages show.
    pub name: &'a str,
    pub text: Vec<u8>,
    pub family: Family,
    /// Interfaces named on the command line: an `interface` statement that names one of them has no effect in ISC.
    pub interfaces: &'a [String],
}

/// The configuration was refused; every line has been said, up to and without the closing block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejected;

/// Reads a configuration. `include` opens the files that it includes; `report` hears what is wrong, in ISC's words and order. Any
/// `FnMut(Line)` is a [`Report`].
pub fn parse(
    input: Input,
    include: &mut dyn FnMut(&str) -> io::Result<Vec<u8>>,
    report: &mut dyn Report,
) -> Result<Config, Rejected> {
    let source = Source::new(input.name, input.text, SourceId(0));
    let interfaces = input.interfaces.iter().map(|name| Name::from(name.as_str())).collect();
    let mut config = empty(input.name, input.family);
    let mut cursor = Cursor::new(source, report);
    Reader::new(&mut cursor, &mut config, include, interfaces).read();
    let reason = match cursor.fatal() {
        Some(text) => text.to_owned(),
        None if cursor.warned() => message::ERRORS.to_owned(),
        None => {
            config.hosts.shrink();
            return Ok(config);
        }
    };
    drop(cursor);
    report.line(Line::error(reason));
    Err(Rejected)
}

/// The model before the first statement.
fn empty(name: &str, family: Family) -> Config {
    let root = Scope { parent: None, statements: Arc::from([]), authoritative: false, is_of_host: false };
    Config {
        family,
        sources: vec![Source::new(name, Vec::new(), SourceId(0))],
        scopes: vec![root],
        networks: Vec::new(),
        subnets: Vec::new(),
        subnets6: Vec::new(),
        pools: Vec::new(),
        ponds: Vec::new(),
        hosts: Default::default(),
        classes: Vec::new(),
        class_order: Vec::new(),
        has_billing_classes: false,
        groups: Default::default(),
        has_lost_groups: false,
        failover_peers: Vec::new(),
        spaces: Spaces::predefined(),
        keys: Default::default(),
        zones: Vec::new(),
        server_duid: None,
        lease_file_format: LeaseFileFormat::default(),
        subnet_index: Default::default(),
        class_names: Default::default(),
        free_scopes: Vec::new(),
        orphaned_scopes: Vec::new(),
        free_classes: Vec::new(),
    }
}
