//! `on expiry` and `on release`.

use super::Around;
use crate::eval::context::{Context, Lease};
use crate::eval::machine::Machine;
use crate::eval::options::OptionState;
use crate::eval::value::{Value as Evaluated, Variables};
use crate::lease::binding::{Binding, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Expiry,
    Release,
}

/// Runs the statements for an event, if the binding has some. They see its variables and may change them.
pub(super) fn run(binding: &mut Binding, event: Event, around: &mut Around) {
    let rare = binding.rare();
    let block = match event {
        Event::Expiry => &rare.on_expiry,
        Event::Release => &rare.on_release,
    };
    let Some(block) = block.clone() else { return };
    let mut variables = Variables::from_newest_first(
        binding.variables().iter().map(|(name, value)| (name.clone(), evaluated(value))),
    );
    let context = Context {
        spaces: around.format.spaces,
        packet: if event == Event::Release { around.packet } else { None },
        lease: Some(Lease {
            address: binding.address,
            ends: binding.ends,
            hardware: &binding.hardware,
            is_static: false,
            host_name: None,
        }),
        known: false,
        in_a_class: false,
        now: around.now,
        hosts: around.hosts,
    };
    let mut options = OptionState::new();
    Machine::new(context, &mut variables, &mut options, around.outcome).run(&block);
    let kept = variables.iter().filter_map(|(name, value)| Some((name.clone(), kept(value?)?)));
    binding.extra_mut().variables = kept.collect();
}

/// A binding's variable as expressions see it.
pub fn evaluated(value: &Value) -> Evaluated {
    match value {
        Value::Data(octets) => Evaluated::Data(octets.clone()),
        Value::Number(number) => Evaluated::Number(*number),
        Value::Boolean(boolean) => Evaluated::Boolean(*boolean),
    }
}

/// A value as a binding keeps it; a function is not kept.
pub fn kept(value: &Evaluated) -> Option<Value> {
    match value {
        Evaluated::Data(octets) => Some(Value::Data(octets.clone())),
        Evaluated::Number(number) => Some(Value::Number(*number)),
        Evaluated::Boolean(boolean) => Some(Value::Boolean(*boolean)),
        Evaluated::Function(_) => None,
    }
}
