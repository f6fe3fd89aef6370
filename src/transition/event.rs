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
    binding.extra_mut().variables =
        variables.iter().map(|(name, value)| (name.clone(), kept(value))).collect();
}

/// A binding's variable as expressions see it.
pub fn evaluated(value: &Value) -> Option<Evaluated> {
    Some(match value {
        Value::Data(octets) => Evaluated::Data(octets.clone()),
        Value::Number(number) => Evaluated::Number(*number),
        Value::Boolean(boolean) => Evaluated::Boolean(*boolean),
        Value::Hollow => Evaluated::Hollow,
        Value::Function(function) => Evaluated::Function(function.clone()),
        Value::Null => return None,
    })
}

/// A value as a binding keeps it.
pub fn kept(value: Option<&Evaluated>) -> Value {
    match value {
        Some(Evaluated::Data(octets)) => Value::Data(octets.clone()),
        Some(Evaluated::Number(number)) => Value::Number(*number),
        Some(Evaluated::Boolean(boolean)) => Value::Boolean(*boolean),
        Some(Evaluated::Hollow) => Value::Hollow,
        Some(Evaluated::Function(function)) => Value::Function(function.clone()),
        None => Value::Null,
    }
}
