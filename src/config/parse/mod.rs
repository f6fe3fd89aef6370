//! Reads dhcpd.conf(5), statement by statement.
//!
//! Open braces and open files are two stacks of their own ([`Frame`], [`File`]), so neither nesting nor includes use the
//! machine's stack. What may stand where, what is checked first and what is skipped after a fault is ISC's (ledger
//! `statements.tsv`); so is that a file included inside braces knows the scope but not the words that belong to the
//! brace alone (`match` in a class, `hardware` in a host).

mod class;
mod duid;
mod failover;
mod group;
pub(super) mod host;
mod include;
mod option;
mod permit;
mod pool;
mod pool6;
mod range;
mod range6;
mod shared_network;
mod statement;
mod subnet;
mod subnet6;

use super::message;
use super::model::{Config, NetworkId, ROOT, Scope, ScopeId, Subnet6Id, SubnetId};
use crate::eval::ast::{Name, Statement};
use crate::eval::parse::{Context, Parsed, Parser};
use crate::log::Line;
use crate::syntax::cursor::{Cursor, Enclosing};
use crate::syntax::source::{Source, SourceId, Span};
use crate::syntax::token::Kind;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

/// What stands between a pair of braces.
enum Body {
    Root,
    Group(group::Draft),
    SharedNetwork(NetworkId),
    Subnet { network: NetworkId, subnet: SubnetId },
    Subnet6 { network: NetworkId, subnet: Subnet6Id },
    Pool(Box<pool::Draft>),
    Pool6(Box<pool6::Draft>),
    Host(Box<host::Draft>),
    Class(class::Draft),
}

/// An open brace.
struct Frame {
    body: Body,
    scope: ScopeId,
    /// Of its scope, as far as read.
    statements: Vec<Statement>,
    declaration: bool,
    start: Span,
}

/// A file being read; the innermost one is [`Reader::file`], the others wait.
struct File {
    name: Name,
    /// How many frames were open when it began.
    depth: usize,
    /// A declaration came before, so that parameters are out of place: only the words of a message depend on it.
    declaration: bool,
}

/// The kinds of scope that ISC tells apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    Group,
    Host,
    Class,
    SharedNetwork,
    Subnet,
    Pool,
}

type Include<'i> = dyn FnMut(&str) -> io::Result<Vec<u8>> + 'i;

/// `'r` is the life of whoever hears the messages, `'i` of all that the reader borrows for the time of reading.
pub(super) struct Reader<'r, 'i> {
    cursor: &'i mut Cursor<'r>,
    open: &'i mut Include<'i>,
    file: File,
    waiting: Vec<(File, Enclosing<'r>)>,
    frames: Vec<Frame>,
    config: &'i mut Config,
    /// Declared addresses, as ranges `low..=high`.
    leases: BTreeMap<u32, u32>,
    /// Ranges entered so far.
    ranges: u32,
    last_subnet: Option<subnet::Last>,
    /// Interfaces that are spoken for: by the command line or an earlier `interface` statement.
    interfaces: Vec<Name>,
    warned_of_global_hosts: bool,
}

/// How names for DNS come about unless the configuration says otherwise; ISC reads it ahead of every configuration.
const STANDARD: &str =
    "option server.ddns-hostname = pick (option fqdn.hostname, option host-name, config-option host-name);
option server.ddns-domainname = config-option domain-name;
option server.ddns-rev-domainname = \"in-addr.arpa.\";";

impl<'r, 'i> Reader<'r, 'i> {
    /// Reads what the cursor shows, into this model.
    pub(super) fn new(
        cursor: &'i mut Cursor<'r>,
        config: &'i mut Config,
        open: &'i mut Include<'i>,
        interfaces: Vec<Name>,
    ) -> Self {
        let name = cursor.source().name.clone();
        let root = Frame {
            body: Body::Root,
            scope: ROOT,
            statements: Vec::new(),
            declaration: false,
            start: Span::default(),
        };
        Reader {
            cursor,
            open,
            file: File { name, depth: 1, declaration: false },
            waiting: Vec::new(),
            frames: vec![root],
            config,
            leases: BTreeMap::new(),
            ranges: 0,
            last_subnet: None,
            interfaces,
            warned_of_global_hosts: false,
        }
    }

    /// Reads a whole configuration. Whether it was accepted is the cursor's to say.
    pub(super) fn read(mut self) {
        let source = Source::new("standard name service update routine", STANDARD.as_bytes(), SourceId(0));
        let enclosing = self.cursor.enter(source);
        while let Parsed::Statement(statement) = self.parser().statement(Context::Any) {
            // It stands in no line of the configuration.
            self.add_statement(Statement { span: Span::default(), ..statement });
        }
        self.cursor.leave(enclosing);
        self.run();
        while self.pop().is_some() {}
    }

    /// Reads one declaration of the lease file, whose keyword has been taken, in the outermost scope. Whether its brace opened.
    pub(super) fn read_one(mut self, open: impl FnOnce(&mut Self)) -> bool {
        open(&mut self);
        let opened = self.frames.len() > 1;
        while !self.cursor.is_dead() && (self.frames.len() > 1 || !self.waiting.is_empty()) {
            self.step();
        }
        opened
    }

    /// Reads to the end of the outermost file.
    fn run(&mut self) {
        while !self.cursor.is_dead() && self.step() {}
    }

    /// A statement, or the end of a brace or file. False at the end of the outermost file.
    fn step(&mut self) -> bool {
        let token = self.cursor.peek();
        if self.frames.len() > self.file.depth {
            self.in_frame(token);
        } else if token == Kind::Eof {
            self.cursor.next();
            if self.waiting.is_empty() {
                return false;
            }
            self.end_of_include();
        } else {
            self.statement(false);
        }
        true
    }

    fn in_frame(&mut self, token: Kind) {
        let Some(frame) = self.frames.last() else { return };
        match frame.body {
            Body::Root => self.statement(false),
            Body::Group(_) => self.in_group(token),
            Body::SharedNetwork(network) => self.in_shared_network(token, network),
            Body::Subnet { network, .. } | Body::Subnet6 { network, .. } => self.in_subnet(token, network),
            Body::Pool(_) => self.in_pool(token),
            Body::Pool6(_) => self.in_pool6(token),
            Body::Host(_) => self.in_host(token),
            Body::Class(_) => self.in_class(token),
        }
    }

    /// Opens a brace whose statements go to `scope`.
    fn push(&mut self, body: Body, scope: ScopeId, start: Span) {
        let statements = self.scope(scope).statements.to_vec();
        self.frames.push(Frame { body, scope, statements, declaration: false, start });
    }

    /// Closes the innermost brace: its statements are complete.
    fn pop(&mut self) -> Option<Frame> {
        let mut frame = self.frames.pop()?;
        let statements = std::mem::take(&mut frame.statements);
        if !statements.is_empty()
            && let Some(scope) = self.config.scopes.get_mut(frame.scope.0 as usize)
        {
            scope.statements = Arc::from(statements);
        }
        Some(frame)
    }

    /// A new scope inside `parent`, which passes its authority on.
    fn new_scope(&mut self, parent: ScopeId) -> ScopeId {
        let authoritative = self.scope(parent).authoritative;
        let id = ScopeId(self.config.scopes.len() as u32);
        self.config.scopes.push(Scope {
            parent: Some(parent),
            statements: Arc::from([]),
            authoritative,
            is_of_host: false,
        });
        id
    }

    fn scope(&self, id: ScopeId) -> &Scope {
        self.config.scope(id)
    }

    /// The innermost scope.
    fn here(&self) -> ScopeId {
        self.frames.last().map_or(ROOT, |frame| frame.scope)
    }

    fn place(&self) -> Place {
        match self.frames.last().map(|frame| &frame.body) {
            None | Some(Body::Root) => Place::Root,
            Some(Body::Group(_)) => Place::Group,
            Some(Body::SharedNetwork(_)) => Place::SharedNetwork,
            Some(Body::Subnet { .. } | Body::Subnet6 { .. }) => Place::Subnet,
            Some(Body::Pool(_) | Body::Pool6(_)) => Place::Pool,
            Some(Body::Host(_)) => Place::Host,
            Some(Body::Class(_)) => Place::Class,
        }
    }

    fn declaration(&mut self) -> &mut bool {
        let inner = self.frames.len() > self.file.depth;
        match self.frames.last_mut() {
            Some(frame) if inner => &mut frame.declaration,
            _ => &mut self.file.declaration,
        }
    }

    fn add_statement(&mut self, statement: Statement) {
        if let Some(frame) = self.frames.last_mut() {
            frame.statements.push(statement);
        }
    }

    /// A line without a place. After a fatal fault nothing more is said.
    fn say(&mut self, line: Line) {
        if !self.cursor.is_dead() {
            self.cursor.report().line(line);
        }
    }

    /// A message, and on to the end of the statement.
    fn reject(&mut self, text: impl std::fmt::Display) {
        self.cursor.warn(text);
        self.cursor.skip_to_semicolon();
    }

    /// The same where the token taken may itself be the `;`.
    fn reject_at(&mut self, token: Kind, text: impl std::fmt::Display) {
        self.cursor.warn(text);
        if !token.is(';') {
            self.cursor.skip_to_semicolon();
        }
    }

    /// A parser of expressions and executable statements at this place.
    fn parser(&mut self) -> Parser<'_, 'r> {
        Parser::new(self.cursor, self.config)
    }

    fn left_brace(&mut self) -> bool {
        let found = self.cursor.next().is('{');
        if !found {
            self.reject(message::LEFT_BRACE);
        }
        found
    }
}
