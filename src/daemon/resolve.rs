//! Host names in the configuration: looked up before service begins, so that the core never waits for DNS (ISC looks them
//! up at each use, and stands still meanwhile).

use crate::config::Config;
use crate::config::model::FixedAddresses;
use crate::eval::ast::{Action, Block, Expr, Name, Statement};
use rustc_hash::{FxHashMap, FxHashSet};
use std::net::{IpAddr, Ipv4Addr, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError, Weak, mpsc};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// Look-ups under way at a time.
const AT_ONCE: usize = 32;

/// All names that expressions of the configuration look up.
pub fn names(config: &Config) -> FxHashSet<Name> {
    let mut names = Names::default();
    for scope in &config.scopes {
        names.block(&scope.statements);
    }
    for (_, host) in config.hosts.iter() {
        if let Some(FixedAddresses::Expression(expression)) = &host.fixed_addresses {
            names.expression(expression);
        }
    }
    for class in &config.classes {
        class.condition.iter().chain(&class.submatch).for_each(|expression| names.expression(expression));
    }
    names.found
}

/// IPv4 addresses of those names that are known, four octets each. Comes back after `at_most`, whatever is still
/// unanswered then; such a name is null, like an unknown one.
pub fn resolve(names: FxHashSet<Name>, at_most: Duration) -> FxHashMap<Name, Arc<[u8]>> {
    let begin = Instant::now();
    let (answers, results) = mpsc::channel();
    let mut waiting: Vec<Name> = names.into_iter().collect();
    let mut under_way = 0;
    let mut table = FxHashMap::default();
    loop {
        while under_way < AT_ONCE
            && let Some(name) = waiting.pop()
        {
            let answers = answers.clone();
            let looked_up = std::thread::Builder::new().name("resolve".to_owned()).spawn(move || {
                let addresses = addresses(&name);
                // Nobody listens any more after the time is up.
                let _ = answers.send((name, addresses));
            });
            under_way += usize::from(looked_up.is_ok());
        }
        if under_way == 0 {
            return table;
        }
        let Some(left) = at_most.checked_sub(begin.elapsed()) else { return table };
        let Ok((name, addresses)) = results.recv_timeout(left) else { return table };
        under_way -= 1;
        if !addresses.is_empty() {
            table.insert(name, addresses.into());
        }
    }
}

/// How often names are looked up again: DNS records are seldom kept for less.
const REFRESH: Duration = Duration::from_secs(300);
/// How soon, while some had no address.
const REFRESH_MISSING: Duration = Duration::from_secs(30);
/// How long one round may take.
const ROUND: Duration = Duration::from_secs(60);

/// A name that could not be looked up this time keeps the addresses it had.
#[derive(Default)]
pub struct Refresh {
    table: Mutex<Option<FxHashMap<Name, Arc<[u8]>>>>,
    ready: Notify,
}

impl Refresh {
    /// Looks the names up again and again, on a thread of its own; none when there are no names. `known` is what the last
    /// look-up found.
    pub fn start(names: FxHashSet<Name>, known: FxHashMap<Name, Arc<[u8]>>) -> Arc<Refresh> {
        let refresh = Arc::new(Refresh::default());
        let shared = Arc::downgrade(&refresh);
        if !names.is_empty() {
            // Without a thread the table stays as it is.
            let _ = std::thread::Builder::new()
                .name("refresh".to_owned())
                .spawn(move || refresh_for_ever(&names, known, &shared));
        }
        refresh
    }

    /// Resolves when a new table is there.
    pub async fn ready(&self) {
        self.ready.notified().await;
    }

    /// The new table, once.
    pub fn take(&self) -> Option<FxHashMap<Name, Arc<[u8]>>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

fn refresh_for_ever(names: &FxHashSet<Name>, mut known: FxHashMap<Name, Arc<[u8]>>, shared: &Weak<Refresh>) {
    loop {
        let complete = known.len() == names.len();
        std::thread::sleep(if complete { REFRESH } else { REFRESH_MISSING });
        let mut found = resolve(names.clone(), ROUND);
        for (name, addresses) in &known {
            found.entry(name.clone()).or_insert_with(|| addresses.clone());
        }
        let Some(refresh) = shared.upgrade() else { return };
        if found != known {
            known.clone_from(&found);
            *refresh.table.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
            refresh.ready.notify_one();
        }
    }
}

/// The first address of one name; waits for it. Numbers are read as inet_aton(3) does.
pub fn address(name: &str) -> Option<Ipv4Addr> {
    addresses(name).first_chunk::<4>().map(|octets| Ipv4Addr::from(*octets))
}

fn addresses(name: &str) -> Vec<u8> {
    let Ok(found) = (name, 0).to_socket_addrs() else { return Vec::new() };
    found
        .filter_map(|address| match address.ip() {
            IpAddr::V4(address) => Some(address.octets()),
            IpAddr::V6(_) => None,
        })
        .flatten()
        .collect()
}

/// Walks expressions and statements; how deep they nest is bounded by the parser.
#[derive(Default)]
struct Names {
    found: FxHashSet<Name>,
}

impl Names {
    fn block(&mut self, block: &Block) {
        block.iter().for_each(|statement| self.statement(statement));
    }

    fn statement(&mut self, statement: &Statement) {
        match &statement.action {
            Action::Option { value, .. }
            | Action::Case(value)
            | Action::Eval(value)
            | Action::Log { text: value, .. }
            | Action::Set { value, .. }
            | Action::Define { value, .. }
            | Action::Return(Some(value)) => self.expression(value),
            Action::If { condition, then, otherwise } => {
                self.expression(condition);
                self.block(then);
                self.block(otherwise);
            }
            Action::Switch { value, body } | Action::Let { value, body, .. } => {
                self.expression(value);
                self.block(body);
            }
            Action::On { body, .. } => self.block(body),
            Action::Execute { arguments, .. } => self.all(arguments),
            Action::DefaultCase
            | Action::Break
            | Action::Return(None)
            | Action::Unset(_)
            | Action::AddClass(_)
            | Action::VendorOption => {}
        }
    }

    fn all<'e>(&mut self, expressions: impl IntoIterator<Item = &'e Expr>) {
        expressions.into_iter().for_each(|expression| self.expression(expression));
    }

    fn expression(&mut self, expression: &Expr) {
        match expression {
            Expr::HostLookup(name) => {
                self.found.insert(name.clone());
            }
            Expr::Equal(pair) | Expr::NotEqual(pair) | Expr::And(pair) | Expr::Or(pair) => self.all(&**pair),
            Expr::Suffix(pair) | Expr::Packet(pair) | Expr::Reverse(pair) | Expr::V6Relay(pair) => {
                self.all(&**pair);
            }
            Expr::Matches { operands, .. } | Expr::Arithmetic { operands, .. } => self.all(&**operands),
            Expr::Not(one)
            | Expr::Lcase(one)
            | Expr::Ucase(one)
            | Expr::EncodeInt { value: one, .. }
            | Expr::ExtractInt { data: one, .. } => self.expression(one),
            Expr::Substring(three) => self.all(&**three),
            Expr::BinaryToAscii(four) => self.all(&**four),
            Expr::Concat(list) | Expr::PickFirst(list) | Expr::Call { arguments: list, .. } => self.all(list),
            Expr::Function(function) => self.block(&function.body),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Family, Input, parse};

    #[test]
    fn names_are_found_wherever_they_stand() {
        let text = "option ntp-servers ntp.example.org, 10.0.0.1;\n\
                    host a { hardware ethernet 1:2:3:4:5:6; fixed-address a.example.org; }\n\
                    if known { option domain-name-servers ns.example.org; }\n";
        let input = Input { name: "t", text: text.as_bytes().to_vec(), family: Family::V4, interfaces: &[] };
        let mut none = |_: &str| Err(std::io::ErrorKind::NotFound.into());
        let config =
            parse(input, &mut none, &mut |line: crate::log::Line| panic!("{line:?}")).expect("accepted");
        let mut found: Vec<_> = names(&config).into_iter().collect();
        found.sort();
        let expected: [Name; 3] = ["a.example.org".into(), "ns.example.org".into(), "ntp.example.org".into()];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_known_name_has_an_address_and_an_unknown_one_none() {
        let names = ["localhost".into(), "no-such-name.invalid".into()].into_iter().collect();
        let table = resolve(names, Duration::from_secs(20));
        assert_eq!(table.get("localhost").map(|octets| octets.get(..4)), Some(Some(&[127, 0, 0, 1][..])));
        assert!(!table.contains_key("no-such-name.invalid"));
    }
}
