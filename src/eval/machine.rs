//! Runs executable statements and evaluates expressions. One [`Machine`] serves one scope: it holds what can be seen, the
//! variables, the options set so far, and collects what should happen.

use super::ast::{Action, Block, Expr, Function, LogPriority, Name, OnEvents, Statement};
use super::context::Context;
use super::message;
use super::options::{OptionState, Setting};
use super::value::{Data, Value, Variables};
use crate::log::{Line, text_of};
use crate::option::definition::{DHCP, OptionId, SERVER};
use std::sync::Arc;

/// Expressions within expressions, calls within calls.
const DEPTH: u16 = 200;
/// Statements and expressions evaluated by one machine.
const STEPS: u32 = 100_000;
/// `vendor-option-space`
const VENDOR_OPTION_SPACE: OptionId = OptionId { space: SERVER, code: 19 };

/// What statements want done, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    Say(Line),
    /// `log (fatal, ..)`: say it and end the program with status 1. Nothing is executed after it.
    Fatal(Line),
    /// `execute`: the command and its arguments.
    Execute(Vec<Vec<u8>>),
    /// `add CLASS`
    AddClass(Name),
    /// `check`: the client is put into its classes once more.
    ClassifyAgain,
}

/// The `on` blocks a lease gets. An empty block takes an older one away.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OnBlocks {
    pub commit: Option<Block>,
    pub release: Option<Block>,
    pub expiry: Option<Block>,
}

/// Collected by a [`Machine`]; meant to be drained and used again.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    pub acts: Vec<Act>,
    /// `None` for an event: no statement named it. Only looked at when there is a lease.
    pub on: OnBlocks,
}

impl Outcome {
    pub fn say(&mut self, line: Line) {
        self.acts.push(Act::Say(line));
    }

    pub fn clear(&mut self) {
        self.acts.clear();
        self.on = OnBlocks::default();
    }
}

/// The evaluator.
pub struct Machine<'m> {
    pub context: Context<'m>,
    /// Of the scope: the binding's variables, or the global ones.
    pub variables: &'m mut Variables,
    /// Options configured so far; statements add to them, `config-option` looks here.
    pub options: &'m mut OptionState,
    pub outcome: &'m mut Outcome,
    /// Variables of function calls and `let`, innermost last.
    frames: Vec<Variables>,
    /// In a function: what it has returned so far.
    result: Option<Option<Value>>,
    depth: u16,
    steps: u32,
    /// The current evaluation went too deep; it is null as a whole.
    broken: bool,
    complained: bool,
    stopped: bool,
}

impl<'m> Machine<'m> {
    pub fn new(
        context: Context<'m>,
        variables: &'m mut Variables,
        options: &'m mut OptionState,
        outcome: &'m mut Outcome,
    ) -> Self {
        Machine {
            context,
            variables,
            options,
            outcome,
            frames: Vec::new(),
            result: None,
            depth: 0,
            steps: 0,
            broken: false,
            complained: false,
            stopped: false,
        }
    }

    /// Runs statements. A `log (fatal, ..)` among them stops this and every later run.
    pub fn run(&mut self, block: &Block) {
        self.run_from(block, 0);
    }

    /// `return` outside a function is evaluated and has no other effect, as in ISC.
    fn run_from(&mut self, block: &Block, first: usize) {
        if !self.enter() {
            return;
        }
        for (index, statement) in block.iter().enumerate().skip(first) {
            self.steps += 1;
            let returned = matches!(self.result, Some(Some(_)));
            if self.stopped || returned || self.steps > STEPS || matches!(statement.action, Action::Break) {
                break;
            }
            if self.result.is_none() {
                self.broken = false;
            }
            self.execute(block, index, statement);
        }
        self.leave();
    }

    fn execute(&mut self, block: &Block, index: usize, statement: &Statement) {
        match &statement.action {
            Action::Option { op, option, .. } => {
                let setting = Setting::Statement { block: block.clone(), index: index as u32 };
                self.options.apply(*op, *option, setting, self.context.spaces);
            }
            Action::If { .. } => {
                if let Some(chosen) = self.branch(&statement.action) {
                    self.run_from(chosen, 0);
                }
            }
            Action::Switch { value, body } => {
                if let Some(first) = self.matching_case(value, body) {
                    self.run_from(body, first);
                }
            }
            Action::Case(_) | Action::DefaultCase | Action::Break => {}
            Action::On { events, body } => self.keep_on_block(*events, body),
            Action::Eval(expression) => {
                self.value(expression);
            }
            Action::Return(expression) => {
                let value = expression.as_ref().and_then(|e| self.value(e));
                if let Some(result) = &mut self.result {
                    *result = value;
                }
            }
            Action::Log { priority, text } => self.log(*priority, text),
            Action::Set { name, value } => self.set(name, |machine| machine.value(value)),
            Action::Unset(name) => self.unset(name),
            Action::Define { name, value } => self.set(name, |_| match value {
                Expr::Function(function) => Some(Value::Function(function.clone())),
                // ISC takes the expression for a function and crashes on its use
                _ => None,
            }),
            Action::Let { .. } => self.run_let(statement),
            Action::AddClass(name) => self.outcome.acts.push(Act::AddClass(name.clone())),
            Action::Execute { command, arguments } => self.execute_command(command, arguments),
            Action::VendorOption => self.read_vendor_option(),
        }
    }

    /// The block that an `if` comes to, along its `elsif`s.
    fn branch<'s>(&mut self, mut action: &'s Action) -> Option<&'s Block> {
        while let Action::If { condition, then, otherwise } = action {
            if self.boolean(condition) == Some(true) {
                return Some(then);
            }
            match &**otherwise {
                [Statement { action: next @ Action::If { .. }, .. }] => action = next,
                _ => return Some(otherwise),
            }
        }
        None
    }

    /// The statement behind the matching `case`, or behind `default`.
    fn matching_case(&mut self, value: &Expr, body: &Block) -> Option<usize> {
        let mut cases = body.iter().enumerate().filter_map(|(at, statement)| match &statement.action {
            Action::Case(case) => Some((at + 1, case)),
            _ => None,
        });
        let found = if value.is_data() {
            let wanted = self.data(value);
            wanted
                .and_then(|wanted| cases.find(|(_, case)| self.data(case).is_some_and(|data| data == wanted)))
        } else {
            let wanted = self.number(value);
            wanted.and_then(|wanted| cases.find(|(_, case)| self.number(case) == Some(wanted)))
        };
        let default = || body.iter().position(|s| matches!(s.action, Action::DefaultCase)).map(|at| at + 1);
        found.map(|(at, _)| at).or_else(default)
    }

    fn keep_on_block(&mut self, events: OnEvents, body: &Block) {
        let on = &mut self.outcome.on;
        for (named, place) in [
            (events.commit, &mut on.commit),
            (events.release, &mut on.release),
            (events.expiry, &mut on.expiry),
        ] {
            if named {
                *place = Some(body.clone());
            }
        }
    }

    fn log(&mut self, priority: LogPriority, text: &Expr) {
        let Some(text) = self.data(text) else { return };
        // ISC prints with %.*s, which stops at a NUL
        let text = text_of(text.split(|octet| *octet == 0).next().unwrap_or_default()).into_owned();
        let act = match priority {
            LogPriority::Fatal => {
                self.stopped = true;
                Act::Fatal(Line::error(text))
            }
            LogPriority::Error => Act::Say(Line::error(text)),
            LogPriority::Debug => Act::Say(Line::debug(text)),
            LogPriority::Info => Act::Say(Line::info(text)),
        };
        self.outcome.acts.push(act);
    }

    /// The old value is gone before the new one is evaluated: `set x = concat (x, "a")` sees no `x`.
    fn set(&mut self, name: &Name, value: impl FnOnce(&mut Self) -> Option<Value>) {
        match self.slot(name).map(Option::take) {
            Some(Some(Value::Function(_))) => self.outcome.say(message::function_replaced()),
            Some(_) => {}
            None => self.innermost().push(name.clone(), None),
        }
        let value = value(self);
        if let Some(slot) = self.slot(name) {
            *slot = value;
        }
    }

    fn unset(&mut self, name: &str) {
        if let Some(Some(Value::Function(_))) = self.slot(name).map(Option::take) {
            self.outcome.say(message::function_unset());
        }
    }

    fn innermost(&mut self) -> &mut Variables {
        self.frames.last_mut().unwrap_or(self.variables)
    }

    fn slot(&mut self, name: &str) -> Option<&mut Option<Value>> {
        let frame = self.frames.iter_mut().rev().find_map(|frame| frame.slot(name));
        frame.or_else(|| self.variables.slot(name))
    }

    /// A variable's value, from the innermost scope that has the variable.
    pub(super) fn variable(&self, name: &str) -> Option<&Value> {
        let frame = self.frames.iter().rev().find_map(|frame| frame.get(name));
        frame.or_else(|| self.variables.get(name)).flatten()
    }

    /// A `let` that begins with another `let` shares its scope, and only the innermost body is run; values are evaluated
    /// outside of it.
    fn run_let(&mut self, statement: &Statement) {
        let mut frame = Variables::default();
        let mut current = &statement.action;
        while let Action::Let { name, value, body } = current {
            let value = self.value(value);
            frame.push(name.clone(), value);
            match body.first() {
                Some(Statement { action: inner @ Action::Let { .. }, .. }) => current = inner,
                Some(_) => {
                    self.frames.push(frame);
                    self.run_from(body, 0);
                    self.frames.pop();
                    return;
                }
                None => return,
            }
        }
    }

    /// A null argument: nothing is executed.
    fn execute_command(&mut self, command: &str, arguments: &[Expr]) {
        let mut words = vec![command.as_bytes().to_vec()];
        self.outcome.say(message::argument(0, command.as_bytes()));
        for (index, argument) in arguments.iter().enumerate() {
            let Some(data) = self.data(argument) else {
                self.outcome.say(message::bad_argument(index + 1));
                return;
            };
            let word = data.split(|octet| *octet == 0).next().unwrap_or_default();
            self.outcome.say(message::argument(index + 1, word));
            words.push(word.to_vec());
        }
        self.outcome.acts.push(Act::Execute(words));
    }

    /// Option 43 of the packet is read as the space that `vendor-option-space` names so far.
    fn read_vendor_option(&mut self) {
        let Some(packet) = self.context.packet else { return };
        let Some(name) = self.option_value(VENDOR_OPTION_SPACE).filter(|name| !name.is_empty()) else {
            return;
        };
        let space = std::str::from_utf8(&name).ok().and_then(|name| self.context.spaces.space_by_name(name));
        if let Some(space) = space.filter(|space| *space != DHCP) {
            packet.read_vendor_option_as(space, &mut |line| self.outcome.say(line));
        }
    }

    /// Calls a user's function. `None`: it could not be called; `Some(None)`: it returned nothing.
    pub(super) fn call(&mut self, name: &Name, arguments: &[Expr]) -> Option<Option<Value>> {
        let function = match self.variable(name) {
            Some(Value::Function(function)) => Arc::clone(function),
            Some(_) => {
                self.outcome.say(message::not_a_function(name));
                return None;
            }
            None => {
                self.outcome.say(message::no_such_function(name));
                return None;
            }
        };
        let frame = self.bind(name, &function, arguments)?;
        self.frames.push(frame);
        let outer = self.result.replace(None);
        self.run_from(&function.body, 0);
        self.frames.pop();
        Some(std::mem::replace(&mut self.result, outer).flatten())
    }

    fn bind(&mut self, name: &str, function: &Function, arguments: &[Expr]) -> Option<Variables> {
        let mut frame = Variables::default();
        for (parameter, argument) in function.parameters.iter().zip(arguments) {
            let value = self.value(argument);
            frame.push(parameter.clone(), value);
        }
        if arguments.len() != function.parameters.len() {
            let too_many = arguments.len() > function.parameters.len();
            self.outcome.say(message::argument_count(name, too_many));
            return None;
        }
        Some(frame)
    }

    /// The value an option is set to, evaluated now. `None`: not set, or null.
    pub fn option_value(&mut self, id: OptionId) -> Option<Data> {
        let setting = match self.options.get(id)? {
            Setting::Data(octets) => return Some(Data::from(&octets[..])),
            setting => match setting.expression() {
                Some(Expr::Const(octets)) => return Some(Data::constant(octets)),
                _ => setting.clone(),
            },
        };
        self.setting_value(&setting)
    }

    /// The value of an option as a reply gets it: what a user's function returned is sent although the evaluation ends in an
    /// error and counts as null everywhere else.
    pub(super) fn sent_value(&mut self, id: OptionId) -> Option<Data> {
        let setting = self.options.get(id)?;
        if !matches!(setting.expression(), Some(Expr::Call { .. } | Expr::PickFirst(_))) {
            return self.option_value(id);
        }
        let setting = setting.clone();
        let mut leftover = None;
        let value = self.data_or_leftover(setting.expression()?, &mut leftover);
        value.or(leftover)
    }

    /// The value of a setting taken from an [`OptionState`].
    pub fn setting_value(&mut self, setting: &Setting) -> Option<Data> {
        if !self.enter() {
            return None;
        }
        let value = match setting {
            Setting::Data(octets) => Some(Data::from(&octets[..])),
            Setting::Statement { .. } => setting.expression().and_then(|expression| self.data(expression)),
            Setting::Joined(parts) => {
                let (first, second) = (self.setting_value(&parts.0), self.setting_value(&parts.1));
                first.zip(second).map(|(first, second)| super::data::concatenated(first, &second))
            }
            Setting::DomainLists(parts) => {
                let (first, second) = (self.setting_value(&parts.0), self.setting_value(&parts.1));
                first.zip(second).and_then(|(first, second)| self.domain_lists(&first, &second))
            }
            Setting::Absent => None,
        };
        self.leave();
        value
    }

    /// Whether something was too deep or took too long, and so was taken as null.
    pub fn overran(&self) -> bool {
        self.complained
    }

    /// One level deeper; `false` when that is too deep, or when it has taken too long. Who entered must leave again.
    pub(super) fn enter(&mut self) -> bool {
        self.steps += 1;
        if self.depth == 0 {
            self.broken = false;
        }
        if self.depth < DEPTH && self.steps <= STEPS {
            self.depth += 1;
            return true;
        }
        self.broken = true;
        if !self.complained {
            self.complained = true;
            self.outcome.say(message::too_deep());
        }
        false
    }

    pub(super) fn leave(&mut self) {
        self.depth -= 1;
    }

    /// Nothing was cut off on the way to the value at hand.
    pub(super) fn is_sound(&self) -> bool {
        !self.broken
    }
}
