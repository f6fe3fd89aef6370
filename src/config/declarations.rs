//! What statements see and change of the configuration while it is read.

use super::message;
use super::model::Config;
use crate::eval::ast::{Expr, Key, Zone};
use crate::eval::context::{Context, HostTable};
use crate::eval::machine::{Act, Machine};
use crate::eval::parse::Declarations;
use crate::eval::value::Data;
use crate::log::Line;
use crate::option::space::Spaces;
use crate::syntax::diagnostic::Report;
use std::sync::Arc;

/// TSIG algorithms that ISC's DNS library knows, in the form in which a key keeps them.
const ALGORITHMS: [&str; 6] = [
    "hmac-md5.sig-alg.reg.int.",
    "hmac-sha1.sig-alg.reg.int.",
    "hmac-sha224.sig-alg.reg.int.",
    "hmac-sha256.sig-alg.reg.int.",
    "hmac-sha384.sig-alg.reg.int.",
    "hmac-sha512.sig-alg.reg.int.",
];

impl Declarations for Config {
    fn spaces(&self) -> &Spaces {
        &self.spaces
    }

    fn spaces_mut(&mut self) -> &mut Spaces {
        &mut self.spaces
    }

    fn has_class(&self, name: &str) -> bool {
        self.find_class(name).is_some()
    }

    fn has_key(&self, name: &str) -> bool {
        self.find_key(name).is_some()
    }

    /// A key of the same name gives way. ISC crashes on one that lacks its algorithm or its secret.
    fn enter_key(&mut self, key: Key, report: &mut dyn Report) -> Result<(), String> {
        let Some(algorithm) = key.algorithm.as_deref() else { return Err(message::NO_ALGORITHM.to_owned()) };
        if key.secret.is_none() {
            return Err(message::NO_SECRET.to_owned());
        }
        if !ALGORITHMS.iter().any(|known| known.eq_ignore_ascii_case(algorithm)) {
            report.line(Line::error(message::no_tsec(&key.name)));
        }
        self.keys.insert(key.name.to_ascii_lowercase().into(), key);
        Ok(())
    }

    /// A zone of the same name gives way.
    fn enter_zone(&mut self, zone: Zone) -> Result<(), String> {
        self.zones.retain(|other| !other.name.eq_ignore_ascii_case(&zone.name));
        self.zones.push(zone);
        Ok(())
    }

    fn set_local_time(&mut self, local: bool) {
        self.lease_file_format.local_time = local;
    }
}

impl Config {
    /// Names of keys are compared without regard to case.
    pub fn find_key(&self, name: &str) -> Option<&Key> {
        self.keys.get(name.to_ascii_lowercase().as_str())
    }
}

impl Config {
    /// The value of an expression that is taken while the configuration is read, with no packet and no binding at hand, and
    /// what evaluating it says.
    pub(crate) fn constant(&self, value: &Expr) -> (Option<Arc<[u8]>>, Vec<Line>) {
        if let Expr::Const(octets) = value {
            return (Some(octets.clone()), Vec::new());
        }
        let hosts = HostTable::default();
        let (mut variables, mut options, mut outcome) = Default::default();
        let context = Context::bare(&self.spaces, &hosts, 0);
        let value = Machine::new(context, &mut variables, &mut options, &mut outcome).data(value);
        let lines = outcome.acts.into_iter().filter_map(|act| match act {
            Act::Say(line) => Some(line),
            _ => None,
        });
        (value.map(Data::into_arc), lines.collect())
    }
}
