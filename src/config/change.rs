//! Changes of the model while the server runs: what OMAPI adds and takes back. A thing is put together first, checked, and entered
//! whole (`enter_host`, `delete_host`, `supersede_group`, `enter_class` of ISC).

use super::model::{
    Class, ClassId, Config, FixedAddresses, Hardware, Host, HostExtra, HostId, NamedGroup, Provenance, ROOT,
    Scope, ScopeId,
};
use super::parse::host::client_identifier;
use crate::eval::ast::{Expr, Name, Statement};
use crate::eval::parse::text::host_name;
use crate::eval::parse::{Context, Parsed, Parser};
use crate::log::Line;
use crate::syntax::cursor::Cursor;
use crate::syntax::source::{Source, SourceId, Span};
use crate::syntax::token::Kind;
use rustc_hash::FxHashSet;
use std::sync::Arc;

/// A host that is made or changed.
#[derive(Clone, Debug, PartialEq)]
pub struct HostDraft {
    pub name: Option<Name>,
    /// Octet 0 is the type, and stands alone as long as there is no address.
    pub hardware: Hardware,
    pub client_identifier: Option<Arc<[u8]>>,
    pub fixed_addresses: Option<FixedAddresses>,
    pub named_group: Option<Name>,
    /// Statements of its own; none when it never had any.
    pub statements: Option<Vec<Statement>>,
    pub provenance: Provenance,
    /// Where its statements stand when they are none of its own.
    outside: ScopeId,
}

/// Orphaned scopes that are kept without a look at who uses them.
const ORPHANS: usize = 256;

impl HostDraft {
    /// A dynamic host that has nothing yet.
    pub fn new() -> HostDraft {
        HostDraft {
            name: None,
            hardware: Hardware([0].into_iter().collect()),
            client_identifier: None,
            fixed_addresses: None,
            named_group: None,
            statements: None,
            provenance: Provenance { dynamic: true, ..Provenance::default() },
            outside: ROOT,
        }
    }

    pub fn has_hardware_address(&self) -> bool {
        self.hardware.0.len() > 1
    }
}

impl Default for HostDraft {
    fn default() -> HostDraft {
        HostDraft::new()
    }
}

impl Config {
    /// Reads executable statements, as far as the text has any; None: what is wrong with them has been said.
    pub fn read_statements(&mut self, text: &[u8], say: &mut dyn FnMut(Line)) -> Option<Vec<Statement>> {
        let mut say = |line: Line| say(line);
        let mut cursor = Cursor::new(Source::new("network client", text, SourceId(0)), &mut say);
        let mut statements = Vec::new();
        let mut parser = Parser::new(&mut cursor, self);
        loop {
            match parser.statement(Context::Any) {
                Parsed::Statement(statement) => statements.push(statement),
                Parsed::Done => {}
                Parsed::Failed => break,
            }
        }
        (!parser.lose).then_some(statements)
    }

    /// What a host is, to be changed.
    pub fn draft_of(&self, id: HostId) -> HostDraft {
        let host = self.host(id);
        let own = self.has_own_scope(host);
        HostDraft {
            name: Some(host.name.clone()),
            hardware: host.hardware.clone().unwrap_or_else(|| HostDraft::new().hardware),
            client_identifier: host.client_identifier.clone(),
            fixed_addresses: host.fixed_addresses.clone(),
            named_group: host.extra.as_ref().and_then(|extra| extra.named_group.clone()),
            statements: own.then(|| self.scope(host.scope).statements.to_vec()),
            provenance: host.provenance,
            outside: if own { self.scope(host.scope).parent.unwrap_or(ROOT) } else { host.scope },
        }
    }

    /// A host's scope is its own when it is not that of its surroundings.
    fn has_own_scope(&self, host: &Host) -> bool {
        !self.own_statements(host).is_empty()
    }

    /// Enters a host that has a name, in place of the one of this name if there is one. What is said of it goes to `say`.
    pub fn enter_host(&mut self, draft: HostDraft, say: &mut dyn FnMut(Line)) -> Option<HostId> {
        let name = draft.name?;
        let group = draft.named_group.as_ref().and_then(|group| self.groups.get(group)).map(|g| g.scope);
        let statements = draft.statements.filter(|statements| !statements.is_empty());
        let around = group.unwrap_or(draft.outside);
        let searched = match &statements {
            Some(own) => Some(Arc::from(own.as_slice())),
            None => group.map(|scope| self.scope(scope).statements.clone()),
        };
        let client_identifier =
            client_identifier(self, &name, draft.client_identifier, searched.as_deref(), say);
        let replaced = self.hosts.by_name(&name).map(|id| self.host(id).clone());
        if replaced.is_some() {
            self.remove_host(&name);
        }
        let scope = match statements {
            Some(own) => self.add_scope_of_host(around, own),
            None => around,
        };
        let identifier = replaced.and_then(|old| old.extra).unwrap_or_default();
        let extra = HostExtra { named_group: draft.named_group, ..*identifier };
        let is_plain =
            extra.identifier.is_none() && extra.named_group.is_none() && extra.fixed_prefixes.is_empty();
        self.hosts.insert(Host {
            name,
            scope,
            hardware: (draft.hardware.0.len() > 1).then_some(draft.hardware),
            client_identifier,
            fixed_addresses: draft.fixed_addresses,
            provenance: draft.provenance,
            extra: (!is_plain).then(|| Box::new(extra)),
            span: Span::default(),
        })
    }

    /// Takes a host back. False when there is none of this name.
    pub fn remove_host(&mut self, name: &str) -> bool {
        let Some(id) = self.hosts.by_name(name) else { return false };
        let host = self.host(id).clone();
        if host.provenance.dynamic && self.has_own_scope(&host) {
            self.free_scope(host.scope);
        }
        self.hosts.remove(name)
    }

    /// Enters a dynamic group in place of what had its name.
    pub fn enter_group(&mut self, name: Name, statements: Vec<Statement>) {
        let old = self.groups.get(&name).map(|group| (group.provenance, group.scope));
        let fixed = old.is_some_and(|(old, _)| old.fixed || !old.dynamic);
        if let Some((Provenance { dynamic: true, .. }, scope)) = old {
            self.orphan(scope);
        }
        let provenance = Provenance { dynamic: true, deleted: false, fixed };
        let scope = self.add_scope(ROOT, statements);
        self.groups.insert(name, NamedGroup { scope, provenance });
    }

    /// Takes a group back: no host can be put into it any more; those in it keep what it says.
    pub fn remove_group(&mut self, name: &str) -> bool {
        let Some(group) = self.groups.remove(name) else { return false };
        self.has_lost_groups = true;
        if group.provenance.dynamic {
            self.orphan(group.scope);
        }
        true
    }

    /// A group's scope that nothing new can refer to. From time to time those that nothing refers to at all are freed.
    fn orphan(&mut self, scope: ScopeId) {
        self.orphaned_scopes.push(scope);
        if self.orphaned_scopes.len() < ORPHANS || !self.orphaned_scopes.len().is_power_of_two() {
            return;
        }
        let hosts = self.hosts.iter().map(|(_, host)| host.scope);
        let classes = self.classes.iter().filter(|class| !class.provenance.deleted).map(|class| class.scope);
        let mut used: FxHashSet<ScopeId> = FxHashSet::default();
        for scope in hosts.chain(classes) {
            used.insert(scope);
            used.extend(self.scope(scope).parent);
        }
        let orphaned = std::mem::take(&mut self.orphaned_scopes);
        let (kept, gone) = orphaned.into_iter().partition(|scope| used.contains(scope));
        self.orphaned_scopes = kept;
        let gone: Vec<ScopeId> = gone;
        gone.into_iter().for_each(|scope| self.free_scope(scope));
    }

    /// Enters a dynamic class behind the others.
    pub fn enter_class(&mut self, name: Name, submatch: Option<Expr>) -> ClassId {
        let scope = self.add_scope(ROOT, Vec::new());
        let id = self.add_class(Class { submatch, ..dynamic_class(scope) });
        if let Some(class) = self.classes.get_mut(id.0 as usize) {
            class.name = Some(name.clone());
        }
        self.class_order.push(id);
        self.class_names.insert(name, id);
        id
    }

    /// Enters a dynamic subclass; of a value that has one already, the new one is not found.
    pub fn enter_subclass(
        &mut self,
        superclass: ClassId,
        value: Arc<[u8]>,
        scope: Option<ScopeId>,
    ) -> ClassId {
        let (parent, limit) = (self.class(superclass), self.class(superclass).lease_limit);
        let scope = scope.unwrap_or(parent.scope);
        let class = Class {
            superclass: Some(superclass),
            value: Some(value.clone()),
            lease_limit: limit,
            ..dynamic_class(scope)
        };
        let id = self.add_class(class);
        if let Some(parent) = self.classes.get_mut(superclass.0 as usize) {
            parent.subclasses.insert(value, id);
        }
        id
    }

    /// Takes a class, with its subclasses, or a subclass back.
    pub fn remove_class(&mut self, id: ClassId) {
        let Some(class) = self.classes.get_mut(id.0 as usize) else { return };
        class.provenance.deleted = true;
        let subclasses = std::mem::take(&mut class.subclasses);
        let (superclass, value, name) = (class.superclass, class.value.clone(), class.name.clone());
        let (dynamic, scope) = (class.provenance.dynamic, class.scope);
        if let (Some(superclass), Some(value)) = (superclass, value)
            && let Some(superclass) = self.classes.get_mut(superclass.0 as usize)
        {
            superclass.subclasses.remove(&value);
        }
        subclasses.into_values().for_each(|subclass| self.remove_class(subclass));
        if let Some(name) = name {
            self.class_order.retain(|other| *other != id);
            self.class_names.remove(&name);
            if dynamic && scope != ROOT {
                self.free_scope(scope);
            }
        }
        // A permit of a pool can only refer to a class that was declared.
        if dynamic {
            self.free_classes.push(id);
        }
    }

    fn add_class(&mut self, class: Class) -> ClassId {
        if let Some(free) = self.free_classes.pop()
            && let Some(place) = self.classes.get_mut(free.0 as usize)
        {
            *place = class;
            return free;
        }
        let id = ClassId(self.classes.len() as u32);
        self.classes.push(class);
        id
    }

    fn add_scope_of_host(&mut self, parent: ScopeId, statements: Vec<Statement>) -> ScopeId {
        let id = self.add_scope(parent, statements);
        if let Some(scope) = self.scopes.get_mut(id.0 as usize) {
            scope.is_of_host = true;
        }
        id
    }

    fn add_scope(&mut self, parent: ScopeId, statements: Vec<Statement>) -> ScopeId {
        let authoritative = self.scope(parent).authoritative;
        let scope = Scope {
            parent: Some(parent),
            statements: Arc::from(statements),
            authoritative,
            is_of_host: false,
        };
        if let Some(free) = self.free_scopes.pop()
            && let Some(place) = self.scopes.get_mut(free.0 as usize)
        {
            *place = scope;
            return free;
        }
        let id = ScopeId(self.scopes.len() as u32);
        self.scopes.push(scope);
        id
    }

    fn free_scope(&mut self, id: ScopeId) {
        if let Some(scope) = self.scopes.get_mut(id.0 as usize) {
            scope.statements = Arc::from([]);
            self.free_scopes.push(id);
        }
    }
}

fn dynamic_class(scope: ScopeId) -> Class {
    let provenance = Provenance { dynamic: true, ..Provenance::default() };
    Class { provenance, ..Class::new(None, scope, Span::default()) }
}

/// Whether a name stands in the lease file, unquoted as ISC writes it there, and is read back as the same host.
pub fn is_host_name(name: &str) -> bool {
    is_plain_word(name) || reads_as_host_name(name)
}

fn reads_as_host_name(name: &str) -> bool {
    reads_back(name, |cursor| host_name(cursor).as_deref() == Some(name))
}

/// One word of the grammar, as most names are: the grammar need not be asked.
fn is_plain_word(name: &str) -> bool {
    let is_of_word = |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
    name.len() < 256
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|b| is_of_word(&b))
}

/// The same for the one word that names a group.
pub fn is_group_name(name: &str) -> bool {
    reads_back(name, |cursor| cursor.next().is_identifier() && *cursor.name() == *name)
}

fn reads_back(name: &str, read: impl FnOnce(&mut Cursor) -> bool) -> bool {
    let mut nobody = |_: Line| {};
    let text = format!("{name} {{");
    let mut cursor = Cursor::new(Source::new("", text.into_bytes(), SourceId(0)), &mut nobody);
    read(&mut cursor) && cursor.next().is('{') && cursor.peek() == Kind::Eof
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        let (family, interfaces) = (crate::config::Family::V4, &[][..]);
        let input = crate::config::Input { name: "C", text: text.into(), family, interfaces };
        let mut none = |_: &str| Err(std::io::Error::other("no includes"));
        crate::config::parse(input, &mut none, &mut |line: Line| panic!("{}", line.text)).expect("sound")
    }

    #[test]
    fn what_comes_and_goes_leaves_no_room_behind() {
        let mut config = config("subnet 10.9.0.0 netmask 255.255.255.0 { }");
        let say = &mut |line: Line| panic!("{}", line.text);
        let statements = config.read_statements(b"option domain-name \"x\";", say).expect("statements");
        let (mut scopes, mut classes) = (0, 0);
        for round in 0..4_000 {
            config.enter_group("g".into(), statements.clone());
            let draft = HostDraft {
                name: Some("h".into()),
                named_group: Some("g".into()),
                statements: Some(statements.clone()),
                ..HostDraft::new()
            };
            assert!(config.enter_host(draft, say).is_some());
            let class = config.enter_class("c".into(), Some(Expr::Hardware));
            config.enter_subclass(class, Arc::from(*b"v"), None);
            config.remove_class(class);
            assert!(config.remove_group("g") && config.remove_host("h"));
            if round == 2_000 {
                (scopes, classes) = (config.scopes.len(), config.classes.len());
            }
        }
        assert_eq!((config.scopes.len(), config.classes.len(), config.hosts.len()), (scopes, classes, 1));
    }

    proptest::proptest! {
        #[test]
        fn a_plain_word_reads_back(name in "[a-zA-Z][a-zA-Z0-9_-]{0,20}") {
            proptest::prop_assert!(is_plain_word(&name) && reads_as_host_name(&name));
        }
    }

    #[test]
    fn names_that_can_be_written() {
        for keyword in ["host", "range", "true", "if", "null", "x1", "deadbeef", "a", "not", "option", "MCLT"]
        {
            assert!(is_plain_word(keyword) && reads_as_host_name(keyword), "{keyword}");
        }
        let longest = "a".repeat(255);
        assert!(is_plain_word(&longest) && reads_as_host_name(&longest));
        for name in ["alpha", "a-1", "1a", "a.b.c", "A_b", "7"] {
            assert!(is_host_name(name), "{name}");
        }
        for name in ["", "a b", "a;", "a{", "a\"", "ä", "a\n", "#a", "a..b c"] {
            assert!(!is_host_name(name), "{name}");
        }
        assert!(
            is_group_name("staff") && !is_group_name("a.b c") && !is_group_name("a b") && !is_group_name("")
        );
    }
}
