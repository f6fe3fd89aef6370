//! What statements and expressions see while a message is answered, and the order in which scopes run (section 5.3).

use super::Engine;
use super::client::Client;
use super::lease_ref::LeaseRef;
use crate::config::model::{PoolId, ScopeId, SubnetId};
use crate::eval::ast::Block;
use crate::eval::context::{Context, HostTable, Lease};
use crate::eval::machine::{Act, Machine};
use crate::eval::parameter::Flag;
use crate::eval::value::Variables;
use crate::lease::binding::Binding;
use crate::transition::event::evaluated;
use smallvec::SmallVec;

pub(super) fn context<'a>(
    client: &'a Client<'_>,
    hosts: &'a HostTable,
    lease: Option<Lease<'a>>,
) -> Context<'a> {
    Context {
        spaces: &client.config.spaces,
        packet: Some(&client.packet),
        lease,
        known: client.known,
        in_a_class: !client.matched.is_empty(),
        now: client.now,
        hosts,
    }
}

/// The variables of a binding as expressions see them.
pub(super) fn variables_of(binding: &Binding) -> Variables {
    Variables::from_newest_first(
        binding.variables().iter().map(|(name, value)| (name.clone(), evaluated(value))),
    )
}

/// Where a lease stands in the configuration.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub subnet: SubnetId,
    /// None for a fixed address.
    pub pool: Option<PoolId>,
}

impl Place {
    /// The scope that class and host scopes are run against: the pool's, else the subnet's.
    pub fn inner(&self, client: &Client<'_>) -> ScopeId {
        match self.pool {
            Some(pool) => client.config.pool(pool).scope,
            None => client.config.subnet(self.subnet).scope,
        }
    }
}

impl Engine {
    /// None when the configuration has no place for it.
    pub(super) fn place(&self, client: &Client<'_>, lease: &LeaseRef) -> Option<Place> {
        let address = match lease {
            LeaseRef::Fixed(fixed) => return Some(Place { subnet: fixed.subnet, pool: None }),
            LeaseRef::Stored(id) => self.store.get(*id).address,
            LeaseRef::Fresh(address) => *address,
        };
        let pool = self.pool_of(address)?;
        let subnet = client.config.find_subnet_of(client.config.pool(pool).network, address)?;
        Some(Place { subnet, pool: Some(pool) })
    }
}

/// Runs the statements of a scope and all around it, outermost first, down from `limit`.
pub(super) fn run(machine: &mut Machine<'_>, client: &Client<'_>, scope: ScopeId, limit: Option<ScopeId>) {
    for block in client.config.statements(scope, limit) {
        run_block(machine, client, block);
    }
}

/// Runs statements; the classes they add the client to are its classes from then on.
pub(super) fn run_block(machine: &mut Machine<'_>, client: &Client<'_>, block: &Block) {
    let before = machine.outcome.acts.len();
    machine.run(block);
    let is_add = |act: &Act| matches!(act, Act::AddClass(_) | Act::ClassifyAgain);
    if !machine.outcome.acts.iter().skip(before).any(is_add) {
        return;
    }
    let acts = machine.outcome.acts.split_off(before);
    for act in acts {
        match act {
            Act::AddClass(name) => machine.outcome.acts.extend(client.join(&name).map(Act::Say)),
            Act::ClassifyAgain => machine.outcome.acts.extend(client.rejoin().map(Act::Say)),
            act => machine.outcome.acts.push(act),
        }
    }
}

/// Subnet, pool, and classes, the last one first.
pub(super) fn run_place(machine: &mut Machine<'_>, client: &Client<'_>, place: Place) {
    let subnet = client.config.subnet(place.subnet);
    run(machine, client, subnet.scope, None);
    if let Some(pool) = place.pool {
        let pool = client.config.pool(pool);
        run(machine, client, pool.scope, Some(client.config.network(pool.network).scope));
    }
    run_classes(machine, client, Some(place.inner(client)));
}

pub(super) fn run_classes(machine: &mut Machine<'_>, client: &Client<'_>, limit: Option<ScopeId>) {
    // One that a class adds comes too late for this answer's statements.
    let scopes: SmallVec<[ScopeId; 5]> =
        client.classes.borrow().iter().rev().map(|member| member.scope(client.config)).collect();
    for scope in scopes {
        run(machine, client, scope, limit);
    }
}

/// `allow`, `deny` and `ignore`: unset counts as allowed.
pub(super) fn is_allowed(flag: Option<Flag>) -> bool {
    matches!(flag, None | Some(Flag::Yes))
}

/// Variables as a binding keeps them, newest first.
pub(super) fn kept(variables: &Variables) -> Vec<(crate::eval::ast::Name, crate::lease::binding::Value)> {
    let keep = crate::transition::event::kept;
    variables.iter().map(|(name, value)| (name.clone(), keep(value))).collect()
}
