//! Dynamic hosts, groups and classes as records of the lease file (ledger `leases.tsv`).

use crate::config::Config;
use crate::config::model::{Class, Host};
use crate::eval::ast::Name;
use crate::eval::print;
use crate::lease_file::writer::{GroupRecord, HostRecord};
use crate::lease_file::{Declaration, DeclarationKind, writer};

/// What the lease file has to say of the configuration's declarations, the oldest first.
pub(super) fn in_force(config: &Config) -> impl Iterator<Item = Declaration> {
    let groups = config.dynamic_groups().filter_map(|(name, _)| group(config, name));
    let dynamic = config.dynamic_hosts().map(|(_, host)| host);
    let hosts = config.deleted_hosts().chain(dynamic).filter_map(|found| host(config, found));
    classes(config).into_iter().chain(groups).chain(hosts)
}

/// A host's record; none when its name cannot be written.
pub fn host(config: &Config, host: &Host) -> Option<Declaration> {
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
    writer::host(&mut text, &record, &config.spaces).then(|| {
        let Host { name, provenance, .. } = host;
        declaration(DeclarationKind::Host, name.clone(), provenance.dynamic, provenance.deleted, text)
    })
}

/// A dynamic group's record.
pub fn group(config: &Config, name: &Name) -> Option<Declaration> {
    let group = config.groups.get(name)?;
    let record = GroupRecord {
        name,
        dynamic: group.provenance.dynamic,
        fixed: group.provenance.fixed,
        deleted: group.provenance.deleted,
        statements: &config.scope(group.scope).statements,
    };
    let mut text = Vec::new();
    let can_be_written = writer::group(&mut text, &record, &config.spaces);
    can_be_written.then(|| declaration(DeclarationKind::Group, name.clone(), true, false, text))
}

fn classes(config: &Config) -> Vec<Declaration> {
    let mut all = Vec::new();
    for id in &config.class_order {
        let own = config.class(*id);
        if own.provenance.dynamic {
            all.extend(class(config, own));
        }
        let subclasses = own.subclasses.values().map(|id| (id, config.class(*id)));
        let mut dynamic: Vec<_> = subclasses.filter(|(_, subclass)| subclass.provenance.dynamic).collect();
        dynamic.sort_by_key(|(id, _)| **id);
        all.extend(dynamic.into_iter().filter_map(|(_, subclass)| class(config, subclass)));
    }
    all
}

/// The record of a dynamic class or subclass.
pub fn class(config: &Config, class: &Class) -> Option<Declaration> {
    let (dynamic, deleted) = (true, class.provenance.deleted);
    let Some(superclass) = class.superclass else {
        let name = class.name.clone()?;
        let text = class_text(config, class, format!("class \"{name}\"").into_bytes());
        return Some(declaration(DeclarationKind::Class, name, dynamic, deleted, text));
    };
    let name = config.class(superclass).name.clone()?;
    let value = class.value.as_deref()?;
    let mut head = format!("subclass \"{name}\"").into_bytes();
    writer::class_value(&mut head, value);
    let text = class_text(config, class, head);
    let mut record = declaration(DeclarationKind::Subclass, name, dynamic, deleted, text);
    record.value = Some(value.to_vec());
    Some(record)
}

fn class_text(config: &Config, class: &Class, head: Vec<u8>) -> Vec<u8> {
    let mut text = head;
    let flag = if class.provenance.deleted { "deleted" } else { "dynamic" };
    text.extend_from_slice(format!(" {{\n  {flag};\n").as_bytes());
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
    name: Name,
    dynamic: bool,
    deleted: bool,
    mut text: Vec<u8>,
) -> Declaration {
    while text.last() == Some(&b'\n') {
        text.pop();
    }
    Declaration { kind, name, value: None, dynamic, deleted, text }
}
