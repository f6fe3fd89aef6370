//! Which classes a message belongs to (rule 1.6), and what they are billed as.

use super::Engine;
use super::client::Client;
use super::member::{Classes, Member};
use super::message;
use crate::config::Config;
use crate::config::model::{ClassId, Permit};
use crate::eval::machine::Machine;
use crate::eval::options::OptionState;
use crate::log::Line;

/// Classes a packet may be in.
const MOST: usize = 5;

impl Engine {
    pub(super) fn classify(&mut self, client: &Client<'_>) -> Classes {
        let mut classes = Classes::new();
        if client.config.class_order.is_empty() {
            return classes;
        }
        let config = client.config;
        let mut too_many = 0;
        let mut options = OptionState::new();
        let context = super::scope::context(client, &self.hosts, None);
        let (variables, outcome) = (&mut self.variables, &mut self.out.outcome);
        let mut machine = Machine::new(context, variables, &mut options, outcome);
        for &id in &config.class_order {
            let Some(member) = member(config, id, &mut machine) else { continue };
            match classes.len() < MOST {
                true => classes.push(member),
                false => too_many += 1,
            }
        }
        for _ in 0..too_many {
            self.out.say(message::too_many_classes(client.hardware_text()));
        }
        classes
    }
}

fn member(config: &Config, id: ClassId, machine: &mut Machine<'_>) -> Option<Member> {
    let class = config.class(id);
    if let Some(condition) = &class.condition {
        if machine.boolean(condition) != Some(true) {
            return None;
        }
        if class.submatch.is_none() {
            return Some(Member { class: id, spawned: None });
        }
    }
    let value = machine.data(class.submatch.as_ref()?).filter(|value| !value.is_empty())?;
    match config.find_subclass(id, &value) {
        Some(subclass) => Some(Member { class: subclass, spawned: None }),
        None if class.spawning => Some(Member { class: id, spawned: Some(value.into_arc()) }),
        None => None,
    }
}

impl Client<'_> {
    pub fn is_member_of(&self, class: ClassId) -> bool {
        self.classes.borrow().iter().any(|member| member.is_of(class, self.config))
    }

    /// `add CLASS`. Gives the line when there is no room for another one.
    pub fn join(&self, name: &str) -> Option<Line> {
        self.put_into(Member { class: self.config.find_class(name)?, spawned: None })
    }

    /// `check`: it is put into the classes it matches once more, and their statements run once more. Gives a line for each
    /// that there is no room for.
    pub fn rejoin(&self) -> impl Iterator<Item = Line> {
        self.matched.iter().filter_map(|member| self.put_into(member.clone()))
    }

    fn put_into(&self, member: Member) -> Option<Line> {
        let mut classes = self.classes.borrow_mut();
        if classes.len() >= MOST {
            return Some(message::too_many_classes(self.hardware_text()));
        }
        classes.push(member);
        None
    }

    /// Does an entry of this permit list match? (ISC's clients are never authenticated.)
    pub fn matches(&self, permits: &[Permit]) -> bool {
        permits.iter().any(|permit| match permit {
            Permit::KnownClients => self.known,
            Permit::UnknownClients => !self.known,
            Permit::AuthenticatedClients => false,
            Permit::UnauthenticatedClients | Permit::AllClients => true,
            Permit::DynamicBootpClients => self.kind == 0,
            Permit::MembersOf(class) => self.is_member_of(*class),
            Permit::After(when) => self.now > *when,
        })
    }
}
