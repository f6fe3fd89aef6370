//! Dynamic hosts, groups and classes as records of the lease file, in ISC's order: that of its hash tables, and within one
//! place of a table the newest first (ledger `leases.tsv`).

use crate::config::Config;
use crate::config::model::{Class, Host};
use crate::eval::print;
use crate::lease_file::writer::{GroupRecord, HostRecord};
use crate::lease_file::{Declaration, DeclarationKind, writer};

/// Places of ISC's tables of hosts, groups and subclasses.
const HOST_PLACES: u32 = 22_501;
const GROUP_PLACES: u32 = 9_973;
const SUBCLASS_PLACES: u32 = 12_007;

/// What the lease file has to say of the configuration's declarations.
pub(super) fn in_force(config: &Config) -> Vec<Declaration> {
    let mut all = Vec::new();
    classes(config, &mut all);
    groups(config, &mut all);
    hosts(config.deleted_hosts(), config, &mut all);
    hosts(config.dynamic_hosts().map(|(_, host)| host), config, &mut all);
    all
}

/// In the order of a table with so many places.
fn in_order<T>(items: impl Iterator<Item = T>, places: u32, key: impl Fn(&T) -> &[u8]) -> Vec<T> {
    let mut items: Vec<T> = items.collect();
    items.reverse();
    items.sort_by_key(|item| place(key(item)) % places);
    items
}

/// ISC's hash of a string, before it is taken modulo the size of the table.
fn place(key: &[u8]) -> u32 {
    key.iter().fold(0u32, |sum, octet| {
        let mut sum = (sum << 1) + u32::from(*octet);
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        sum
    })
}

fn hosts<'c>(found: impl Iterator<Item = &'c Host>, config: &Config, all: &mut Vec<Declaration>) {
    for host in in_order(found, HOST_PLACES, |host| host.name.as_bytes()) {
        let addresses = config.fixed_addresses(host);
        let record = HostRecord {
            name: &host.name,
            dynamic: host.provenance.dynamic,
            deleted: host.provenance.deleted,
            hardware: host.hardware.as_ref().map_or(&[], |hardware| &hardware.0),
            uid: host.client_identifier.as_deref().unwrap_or_default(),
            fixed_addresses: addresses.as_deref(),
            group: host.extra.as_ref().and_then(|extra| extra.named_group.as_deref()),
            statements: config.own_statements(host),
        };
        let mut text = Vec::new();
        if writer::host(&mut text, &record, &config.spaces) {
            let Host { name, provenance, .. } = host;
            let (dynamic, deleted) = (provenance.dynamic, provenance.deleted);
            all.push(declaration(DeclarationKind::Host, name.clone(), dynamic, deleted, text));
        }
    }
}

fn groups(config: &Config, all: &mut Vec<Declaration>) {
    for (name, group) in in_order(config.dynamic_groups(), GROUP_PLACES, |(name, _)| name.as_bytes()) {
        let record = GroupRecord {
            name,
            dynamic: group.provenance.dynamic,
            fixed: group.provenance.fixed,
            deleted: group.provenance.deleted,
            statements: &config.scope(group.scope).statements,
        };
        let mut text = Vec::new();
        if writer::group(&mut text, &record, &config.spaces) {
            all.push(declaration(DeclarationKind::Group, name.clone(), true, false, text));
        }
    }
}

fn classes(config: &Config, all: &mut Vec<Declaration>) {
    for id in &config.class_order {
        let class = config.class(*id);
        let Some(name) = &class.name else { continue };
        if class.provenance.dynamic {
            let text = class_text(config, class, format!("class \"{name}\"").into_bytes());
            all.push(declaration(DeclarationKind::Class, name.clone(), true, false, text));
        }
        let subclasses = class.subclasses.iter().map(|(value, id)| (value, config.class(*id)));
        let dynamic = subclasses.filter(|(_, subclass)| subclass.provenance.dynamic);
        for (value, subclass) in in_order(dynamic, SUBCLASS_PLACES, |(value, _)| value) {
            let mut head = format!("subclass \"{name}\"").into_bytes();
            writer::class_value(&mut head, value);
            let text = class_text(config, subclass, head);
            let mut record = declaration(DeclarationKind::Subclass, name.clone(), true, false, text);
            record.value = Some(value.to_vec());
            all.push(record);
        }
    }
}

fn class_text(config: &Config, class: &Class, head: Vec<u8>) -> Vec<u8> {
    let mut text = head;
    text.extend_from_slice(b" {\n  dynamic;\n");
    if class.lease_limit > 0 {
        text.extend_from_slice(format!("  lease limit {};\n", class.lease_limit).as_bytes());
    }
    // ISC leaves the "with" out, and cannot read such a record back.
    let submatch = if class.spawning { "spawn with" } else { "match" };
    for (word, expression) in [("match if", &class.condition), (submatch, &class.submatch)] {
        if let Some(expression) = expression {
            text.extend_from_slice(format!("  {word} ").as_bytes());
            print::expression(&mut text, expression, 5, &config.spaces);
            text.extend_from_slice(b";\n");
        }
    }
    text.push(b'}');
    text
}

fn declaration(
    kind: DeclarationKind,
    name: crate::eval::ast::Name,
    dynamic: bool,
    deleted: bool,
    mut text: Vec<u8>,
) -> Declaration {
    while text.last() == Some(&b'\n') {
        text.pop();
    }
    Declaration { kind, name, value: None, dynamic, deleted, text }
}
