//! All bindings as octets, with their places on queues and in indexes: what a lease file does not say. The store that reads
//! them has the same pools, and then does as the one that wrote them would have done.

use super::{BindingId, Store, kind_of};
use crate::eval::ast::{Action, Block, Expr, Function, Name, Statement};
use crate::lease::binding::{Billing, Binding, Extra, Rare, State, Value};
use crate::lease::order::Order;
use crate::lease::pool::{Alarm, PoolNumber, Timing};
use crate::octets::{Damaged, Octets, Put, Result};
use crate::syntax::source::Span;
use rustc_hash::FxHashSet;
use std::sync::Arc;

/// Octets that a binding takes at least.
const LEAST: usize = 60;

/// Gives a block its number in a table that is kept elsewhere.
pub type Number<'a> = dyn FnMut(&Block) -> u32 + 'a;

impl Store {
    /// The number of a binding, for who keeps one.
    pub fn number(id: BindingId) -> u32 {
        id.0
    }

    /// The binding of a number that was read.
    pub fn numbered(&self, number: u32) -> Result<BindingId> {
        (number < self.count).then_some(BindingId(number)).ok_or(Damaged("a binding"))
    }

    pub fn export(&self, out: &mut Vec<u8>, number: &mut Number<'_>) {
        out.u32(self.count);
        for id in (0..self.count).map(BindingId) {
            let slot = self.slot(id);
            out.u32(slot.tie);
            put_binding(out, &slot.binding, number);
        }
        for index in [&self.by_uid, &self.by_hardware] {
            let lists: Vec<_> = index.lists().collect();
            out.count(lists.len());
            for list in lists {
                out.count(list.len());
                list.iter().for_each(|id| out.u32(id.0));
            }
        }
        out.u64(self.alarms_set);
        out.count(self.pools.len());
        for pool in &self.pools {
            out.bool(pool.timing.active);
            out.option(pool.timing.expired_from, Vec::i64);
            out.option(pool.alarm, |out, alarm| {
                out.i64(alarm.at);
                out.u64(alarm.rank);
            });
            pool.order.put(out);
        }
    }

    /// Reads into a store that has the same pools and no binding yet.
    pub fn import(&mut self, octets: &mut Octets<'_>, blocks: &[Block]) -> Result<()> {
        let count = octets.count(LEAST)?;
        for _ in 0..count {
            let tie = octets.u32()?;
            let binding = binding(octets, blocks)?;
            if self.by_address(binding.address).is_some() {
                return Err(Damaged("an address once"));
            }
            let id = self.allocate(binding);
            self.slot_mut(id).tie = tie;
            self.queue_imported(id);
        }
        self.index_imported(octets)?;
        self.alarms_set = octets.u64()?;
        if octets.u32()? as usize != self.pools.len() {
            return Err(Damaged("the same number of pools"));
        }
        for number in (0..self.pools.len() as u32).map(PoolNumber) {
            let timing = Timing { active: octets.bool()?, expired_from: octets.option(Octets::i64)? };
            let alarm = octets.option(|octets| Ok(Alarm { at: octets.i64()?, rank: octets.u64()? }))?;
            let order = Order::read(octets)?;
            if let Some(pool) = self.pools.get_mut(number.0 as usize) {
                (pool.timing, pool.order) = (timing, order);
            }
            self.set_alarm(number, alarm);
        }
        Ok(())
    }

    fn queue_imported(&mut self, id: BindingId) {
        let slot = self.slot(id);
        let (kind, time, tie) = (kind_of(&slot.binding), slot.binding.ends, slot.tie);
        let billing = slot.binding.billing().cloned();
        if let Some(billing) = billing {
            *self.billed.entry(billing).or_default() += 1;
        }
        let Some(number) = self.pool_of(self.get(id).address) else { return };
        let Some(pool) = self.pools.get_mut(number.0 as usize) else { return };
        pool.bound += 1;
        pool.queue_mut(kind).put_back(time, tie, id);
    }

    /// First who is alone under its key, then each list in its order.
    fn index_imported(&mut self, octets: &mut Octets<'_>) -> Result<()> {
        for by_uid in [true, false] {
            let lists = octets.list(4, |octets| octets.list(4, Octets::u32))?;
            let listed: FxHashSet<u32> = lists.iter().flatten().copied().collect();
            let alone = (0..self.count).filter(|number| !listed.contains(number));
            for number in alone.chain(lists.iter().flatten().copied()) {
                let id = self.numbered(number)?;
                self.index_last(id, by_uid);
            }
        }
        Ok(())
    }

    /// In front of all that are indexed under the same key.
    fn index_last(&mut self, id: BindingId, by_uid: bool) {
        let blocks = &self.blocks;
        let at = id.0 as usize;
        let Some(slot) = blocks.get(at / super::BLOCK).and_then(|block| block.get(at % super::BLOCK)) else {
            return;
        };
        let Binding { uid, hardware, .. } = &slot.binding;
        match by_uid {
            true if !uid.is_empty() => self.by_uid.insert(uid, id, |_| true),
            false if super::is_hashed(hardware) => self.by_hardware.insert(hardware, id, |_| true),
            _ => {}
        }
    }
}

pub fn put_binding(out: &mut Vec<u8>, binding: &Binding, number: &mut Number<'_>) {
    out.address(binding.address);
    [binding.state, binding.next_state, binding.rewind_state].iter().for_each(|state| out.u8(*state as u8));
    out.u8(u8::from(binding.reserved) | u8::from(binding.bootp) << 1);
    [binding.starts, binding.ends, binding.tstp, binding.cltt].iter().for_each(|time| out.i64(*time));
    out.octets(&binding.hardware);
    out.octets(&binding.uid);
    out.option(binding.client_hostname.as_deref(), Vec::octets);
    out.u64(binding.sequence);
    out.option(binding.extra.as_deref(), |out, extra| put_extra(out, extra, number));
}

pub fn binding(octets: &mut Octets<'_>, blocks: &[Block]) -> Result<Binding> {
    let mut binding = Binding::never_used(octets.address()?);
    for place in [&mut binding.state, &mut binding.next_state, &mut binding.rewind_state] {
        *place = state(octets.u8()?)?;
    }
    let flags = octets.u8()?;
    (binding.reserved, binding.bootp) = (flags & 1 != 0, flags & 2 != 0);
    for place in [&mut binding.starts, &mut binding.ends, &mut binding.tstp, &mut binding.cltt] {
        *place = octets.i64()?;
    }
    binding.hardware = octets.octets()?.into();
    binding.uid = octets.octets()?.into();
    binding.client_hostname = octets.option(|octets| Ok(octets.octets()?.into()))?;
    binding.sequence = octets.u64()?;
    binding.extra = octets.option(|octets| Ok(Box::new(extra(octets, blocks)?)))?;
    Ok(binding)
}

fn state(number: u8) -> Result<State> {
    State::from_number(number).ok_or(Damaged("a binding state"))
}

/// A function travels as a block that sets it.
pub fn put_function(out: &mut Vec<u8>, name: &Name, function: &Arc<Function>, number: &mut Number<'_>) {
    let action = Action::Set { name: name.clone(), value: Expr::Function(function.clone()) };
    out.u32(number(&[Statement { span: Span::default(), action }].into()));
}

pub fn function(octets: &mut Octets<'_>, blocks: &[Block]) -> Result<Arc<Function>> {
    match blocks.get(octets.u32()? as usize).and_then(|block| block.first()) {
        Some(Statement { action: Action::Set { value: Expr::Function(function), .. }, .. }) => {
            Ok(function.clone())
        }
        _ => Err(Damaged("a function")),
    }
}

fn put_extra(out: &mut Vec<u8>, extra: &Extra, number: &mut Number<'_>) {
    out.count(extra.variables.len());
    for (name, value) in &extra.variables {
        out.text(name);
        match value {
            Value::Data(data) => {
                out.u8(0);
                out.octets(data);
            }
            Value::Number(value) => {
                out.u8(1);
                out.i64(*value);
            }
            Value::Boolean(value) => {
                out.u8(2);
                out.bool(*value);
            }
            Value::Null => out.u8(3),
            Value::Hollow => out.u8(4),
            Value::Function(function) => {
                out.u8(5);
                put_function(out, name, function, number);
            }
        }
    }
    out.octets(&extra.agent_options);
    out.option(extra.rare.as_deref(), |out, rare| {
        out.i64(rare.tsfp);
        out.i64(rare.atsfp);
        for block in [&rare.on_expiry, &rare.on_release, &rare.on_commit] {
            let number = block.as_ref().map(&mut *number);
            out.option(number, Vec::u32);
        }
        out.option(rare.billing.as_ref(), |out, billing| {
            out.text(&billing.class);
            out.option(billing.subclass.as_deref(), Vec::octets);
        });
    });
}

fn extra(octets: &mut Octets<'_>, blocks: &[Block]) -> Result<Extra> {
    let variables = octets.list(5, |octets| {
        let name = Name::from(octets.text()?);
        let value = match octets.u8()? {
            0 => Value::Data(octets.octets()?.into()),
            1 => Value::Number(octets.i64()?),
            2 => Value::Boolean(octets.bool()?),
            3 => Value::Null,
            4 => Value::Hollow,
            5 => Value::Function(function(octets, blocks)?),
            _ => return Err(Damaged("a value")),
        };
        Ok((name, value))
    })?;
    let agent_options = octets.octets()?.into();
    let rare = octets.option(|octets| Ok(Box::new(rare(octets, blocks)?)))?;
    Ok(Extra { variables, agent_options, rare })
}

fn rare(octets: &mut Octets<'_>, blocks: &[Block]) -> Result<Rare> {
    let (tsfp, atsfp) = (octets.i64()?, octets.i64()?);
    let mut block =
        || octets.option(|octets| blocks.get(octets.u32()? as usize).cloned().ok_or(Damaged("a block")));
    let (on_expiry, on_release, on_commit) = (block()?, block()?, block()?);
    let billing = octets.option(|octets| {
        let class = Name::from(octets.text()?);
        Ok(Billing { class, subclass: octets.option(|octets| Ok(octets.octets()?.into()))? })
    })?;
    Ok(Rare { tsfp, atsfp, on_expiry, on_release, on_commit, billing })
}
