//! What a configuration asks of a server that cannot do everything yet: refused at start where an answer would be wrong or
//! unsafe without it, otherwise named in a line at start.

use super::model::{Config, Permit};
use crate::eval::ast::{Action, Expr, Statement};
use crate::option::definition::SERVER;
use crate::syntax::source::Span;
use std::collections::BTreeSet;

/// What the server can do.
#[derive(Clone, Copy, Debug, Default)]
pub struct Capabilities {
    pub failover: bool,
    /// Packets are classified, and permits by class hold.
    pub classes: bool,
    /// `lease limit`
    pub billing: bool,
    pub omapi: bool,
    pub dns_updates: bool,
}

/// Server parameters that act only through DNS updates.
const DNS_PARAMETERS: &[&str] = &[
    "ddns-domainname",
    "ddns-hostname",
    "ddns-rev-domainname",
    "ddns-updates",
    "ddns-ttl",
    "ddns-update-style",
    "update-optimization",
    "update-static-leases",
    "do-forward-updates",
    "update-conflict-detection",
    "do-reverse-updates",
    "ddns-local-address4",
    "ddns-local-address6",
    "ddns-dual-stack-mixed-mode",
    "ddns-guard-id-must-match",
    "ddns-other-guard-is-dynamic",
];

const OMAPI_PARAMETERS: &[&str] = &["omapi-port", "omapi-key"];

impl Config {
    /// Why this server must not serve this configuration; empty when it may. One line each.
    pub fn refusals(&self, can: &Capabilities) -> Vec<String> {
        let mut lines = Vec::new();
        for pool in &self.pools {
            if let (false, Some(peer)) = (can.failover, &pool.failover_peer) {
                let text =
                    format!("the pool has failover peer \"{peer}\", and failover is not supported yet");
                lines.push(self.placed(pool.span, &text));
            }
            let by_class =
                pool.allow.iter().chain(&pool.deny).any(|permit| matches!(permit, Permit::MembersOf(_)));
            if !can.classes && by_class {
                lines.push(
                    self.placed(
                        pool.span,
                        "the pool has a permit by class, and classes are not supported yet",
                    ),
                );
            }
        }
        for class in self.classes.iter().filter(|class| class.lease_limit > 0 && class.superclass.is_none()) {
            if !can.billing {
                lines.push(self.placed(class.span, "lease limits of classes are not supported yet"));
            }
        }
        lines
    }

    /// What is accepted and has no effect yet, a line for each kind of statement, at its first place.
    pub fn without_effect(&self, can: &Capabilities) -> Vec<String> {
        let mut found = Findings { config: self, can, seen: BTreeSet::new(), lines: Vec::new() };
        for scope in &self.scopes {
            found.statements(&scope.statements);
        }
        if !can.dns_updates {
            for zone in &self.zones {
                found.add("zone", zone.span);
            }
        }
        if !can.failover {
            for peer in &self.failover_peers {
                found.add("failover peer", peer.span);
            }
        }
        found.lines
    }

    fn placed(&self, span: Span, text: &str) -> String {
        let name = self.sources.get(usize::from(span.source.0)).map_or("", |source| &*source.name);
        format!("{name} line {}: {text}", span.line)
    }
}

struct Findings<'c> {
    config: &'c Config,
    can: &'c Capabilities,
    seen: BTreeSet<String>,
    lines: Vec<String>,
}

impl Findings<'_> {
    fn statements(&mut self, statements: &[Statement]) {
        for statement in statements {
            match &statement.action {
                Action::Option { option, value, .. } if option.space == SERVER => {
                    let name = self.config.spaces.option_name(*option);
                    let waits = !self.can.dns_updates
                        && DNS_PARAMETERS.contains(&&*name)
                        && !switches_off(&name, value)
                        || !self.can.omapi && OMAPI_PARAMETERS.contains(&&*name);
                    if waits {
                        self.add(&name, statement.span);
                    }
                }
                Action::If { then, otherwise, .. } => {
                    self.statements(then);
                    self.statements(otherwise);
                }
                Action::Switch { body, .. } | Action::On { body, .. } | Action::Let { body, .. } => {
                    self.statements(body);
                }
                _ => {}
            }
        }
    }

    fn add(&mut self, what: &str, span: Span) {
        // The statements that ISC puts ahead of every configuration stand in no line of it.
        if span.end > 0 && self.seen.insert(what.to_owned()) {
            self.lines.push(self.config.placed(span, &format!("{what} has no effect yet")));
        }
    }
}

/// `ddns-update-style none;` and `ddns-updates off;` ask for what happens anyway.
fn switches_off(name: &str, value: &Expr) -> bool {
    matches!(name, "ddns-update-style" | "ddns-updates" | "do-forward-updates" | "do-reverse-updates")
        && matches!(value, Expr::Const(octets) if **octets == [0])
}
