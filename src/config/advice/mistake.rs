//! What ISC accepts without a word although it is surely a mistake.

use super::nearest::nearest;
use super::{Finding, Severity, place};
use crate::config::model::{ClassId, Config, Family, FixedAddresses, Permit, Pond, Range6, Scope};
use crate::eval::ast::{Action, Expr, OptionOp, Statement};
use crate::option::definition::{OptionId, SERVER};
use crate::syntax::keyword::Keyword;
use crate::syntax::source::{Source, Span};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

pub(super) fn all(config: &Config, sources: &[Source]) -> Vec<Finding> {
    let mut found = Mistakes { config, sources, findings: Vec::new() };
    config.scopes.iter().for_each(|scope| found.scope(scope));
    found.pools();
    found.classes();
    found.hosts();
    found.keys();
    found.findings
}

struct Mistakes<'a> {
    config: &'a Config,
    sources: &'a [Source],
    findings: Vec<Finding>,
}

impl Mistakes<'_> {
    fn warn(
        &mut self,
        code: &'static str,
        span: Span,
        message: String,
        hint: Option<String>,
    ) -> &mut Finding {
        let place = place(span, self.sources);
        let severity = Severity::Warning;
        self.findings.push(Finding { severity, code, message, place, hint, related: None });
        self.findings.last_mut().expect("just pushed")
    }

    fn scope(&mut self, scope: &Scope) {
        let mut set: HashMap<OptionId, Span> = HashMap::new();
        for statement in scope.statements.iter() {
            self.unknown_word(statement);
            let Action::Option { op: OptionOp::Supersede | OptionOp::Send, option, .. } = &statement.action
            else {
                continue;
            };
            let Some(before) = set.insert(*option, statement.span) else { continue };
            let kind = if option.space == SERVER { "parameter" } else { "option" };
            let name = self.config.spaces.option_name(*option);
            let earlier = place(before, self.sources);
            let message = format!("{kind} {name} is set twice in the same block; the last one counts");
            let finding = self.warn("set-twice", statement.span, message, None);
            finding.related = earlier.map(|place| (place, "set here before".to_string()));
        }
    }

    /// A word that is no keyword, alone before a semicolon, is an expression to ISC.
    fn unknown_word(&mut self, statement: &Statement) {
        let name = match &statement.action {
            Action::Eval(Expr::Variable(name)) => name.clone(),
            Action::Eval(Expr::Const(octets)) => String::from_utf8_lossy(octets).as_ref().into(),
            _ => return,
        };
        let near = nearest(&name, Keyword::all().map(|(word, _)| word));
        let hint = near.map(|word| format!("did you mean `{word}`?"));
        let message =
            format!("`{name}` is no statement; it is read as the name of a variable and has no effect");
        self.warn("unknown-word", statement.span, message, hint);
    }

    /// Nothing can be a member: neither an expression nor subclasses to match.
    fn is_empty(&self, class: ClassId) -> bool {
        let class = self.config.class(class);
        class.condition.is_none()
            && (class.submatch.is_none() || (class.subclasses.is_empty() && !class.spawning))
    }

    fn pools(&mut self) {
        let config = self.config;
        config.pools.iter().for_each(|pool| self.permits(&pool.allow, &pool.deny, pool.span));
        config.ponds.iter().for_each(|pond| self.permits(&pond.allow, &pond.deny, pond.span));
        self.subnets_within_subnets();
        self.ranges_within_ranges();
    }

    /// Those of one pool.
    fn permits(&mut self, allow: &[Permit], deny: &[Permit], span: Span) {
        let config = self.config;
        for permit in allow.iter().chain(deny) {
            let why = match permit {
                Permit::AuthenticatedClients => "clients are never authenticated".to_string(),
                Permit::DynamicBootpClients if config.family == Family::V6 => {
                    "there is no BOOTP in IPv6".to_string()
                }
                Permit::MembersOf(class) if self.is_empty(*class) => {
                    let name = config.class(*class).name.clone().unwrap_or_default();
                    format!("nothing can be a member of class \"{name}\"")
                }
                _ => continue,
            };
            let message = format!("a permit of this pool can never apply: {why}");
            self.warn("permit-never-applies", span, message, None);
        }
        let everybody =
            |permit: &Permit| matches!(permit, Permit::AllClients | Permit::UnauthenticatedClients);
        let nobody = !allow.is_empty() && allow.iter().all(|permit| *permit == Permit::AuthenticatedClients);
        if nobody || deny.iter().any(everybody) || allow.iter().any(|permit| deny.contains(permit)) {
            let message = "no client can ever get an address of this pool".to_string();
            let hint = "what a `deny` line matches is refused whatever the `allow` lines say".to_string();
            self.warn("pool-never-used", span, message, Some(hint));
        }
    }

    /// IPv6 ranges may overlap, and then the first one declared takes what both hold. A `range` that does is an error already.
    fn ranges_within_ranges(&mut self) {
        let config = self.config;
        let ranges = config.ponds.iter().flat_map(|pond| pond.ranges.iter().map(move |range| (range, pond)));
        let mut ranges: Vec<(&Range6, &Pond)> = ranges.collect();
        ranges.sort_by_key(|(range, _)| (range.kind, range.start, range.length, range.declared));
        let Some(mut outer) = ranges.first().copied() else { return };
        for &(range, pond) in ranges.iter().skip(1) {
            if range.kind != outer.0.kind || !outer.0.contains(range.start) {
                outer = (range, pond);
                continue;
            }
            let (first, second) = if outer.0.declared < range.declared {
                (outer, (range, pond))
            } else {
                ((range, pond), outer)
            };
            let message = format!(
                "the range {}/{} overlaps {}/{}, which is declared before it",
                second.0.start, second.0.length, first.0.start, first.0.length
            );
            let earlier = place(first.1.span, self.sources);
            let finding = self.warn("range-overlaps", second.1.span, message, None);
            finding.related = earlier.map(|place| (place, "the pool that has it".to_string()));
        }
    }

    /// Ranges of an outer subnet that lie in an inner one are never on the client's subnet.
    fn subnets_within_subnets(&mut self) {
        let config = self.config;
        for pool in &config.pools {
            for range in &pool.ranges {
                let (own, low) = (config.subnet(range.subnet), config.find_subnet(range.low));
                let Some(inner) =
                    low.filter(|inner| *inner != range.subnet).map(|inner| config.subnet(inner))
                else {
                    continue;
                };
                let message = format!(
                    "the range from {} of subnet {} lies in subnet {}, which is declared inside it",
                    range.low, own.net, inner.net
                );
                self.warn("range-shadowed", pool.span, message, None);
            }
        }
    }

    fn classes(&mut self) {
        let config = self.config;
        for &id in &config.class_order {
            let class = config.class(id);
            if self.is_empty(id) && !config.scope(class.scope).statements.is_empty() {
                let name = class.name.clone().unwrap_or_default();
                let hint = Some("add `match if`, or `match` and subclasses".to_string());
                self.warn(
                    "class-matches-nothing",
                    class.span,
                    format!("no client can be in class \"{name}\""),
                    hint,
                );
            }
        }
    }

    fn hosts(&mut self) {
        let config = self.config;
        if config.subnets.is_empty() && config.subnets6.is_empty() {
            return;
        }
        for (_, host) in config.hosts.iter() {
            let outside: Option<IpAddr> = match &host.fixed_addresses {
                Some(FixedAddresses::One(address)) => {
                    config.find_subnet(*address).is_none().then_some((*address).into())
                }
                Some(FixedAddresses::Expression(list)) => self.outside6(list).map(IpAddr::V6),
                None => None,
            };
            if let Some(address) = outside {
                let message = format!(
                    "host {}: no subnet holds its fixed-address {address}, so it is never given",
                    host.name
                );
                self.warn("host-outside", host.span, message, None);
            }
        }
    }

    /// The first address of a `fixed-address6` that no subnet holds.
    fn outside6(&self, list: &Expr) -> Option<Ipv6Addr> {
        let Expr::Const(octets) = list else { return None };
        if self.config.family != Family::V6 {
            return None;
        }
        let (addresses, _) = octets.as_chunks::<16>();
        let mut addresses = addresses.iter().map(|octets| Ipv6Addr::from(*octets));
        addresses.find(|address| !self.config.subnets6.iter().any(|subnet| subnet.contains(*address)))
    }

    fn keys(&mut self) {
        let mut keys: Vec<_> = self.config.keys.values().collect();
        keys.sort_by_key(|key| (key.span.source, key.span.start));
        for key in keys {
            if key.algorithm.as_deref().is_some_and(|name| name.to_ascii_lowercase().contains("md5")) {
                let message = format!("key {} uses MD5, which is broken", key.name);
                let hint = Some("hmac-sha256 works with BIND and with omshell".to_string());
                self.warn("md5-key", key.span, message, hint);
            }
        }
    }
}
