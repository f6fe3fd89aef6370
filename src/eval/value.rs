//! Values of expressions and of variables.

use super::ast::{Function, Name};
use smallvec::SmallVec;
use std::ops::Deref;
use std::sync::Arc;

/// Octets: shared with a constant of the configuration, or made for the occasion. Short ones need no allocation.
#[derive(Clone, Debug)]
pub enum Data {
    Shared(Arc<[u8]>),
    Owned(SmallVec<[u8; 48]>),
    /// Empty, and ISC has no memory for it: `""`, and what lies beyond the end of a string. Not null, but nothing can be
    /// matched with it and it is not kept in the lease file.
    Hollow,
}

impl Data {
    pub fn empty() -> Self {
        Data::Owned(SmallVec::new())
    }

    pub fn into_arc(self) -> Arc<[u8]> {
        match self {
            Data::Shared(octets) => octets,
            Data::Owned(octets) => Arc::from(octets.as_slice()),
            Data::Hollow => Arc::default(),
        }
    }

    /// Octets of the configuration.
    pub(super) fn constant(octets: &Arc<[u8]>) -> Self {
        if octets.is_empty() { Data::Hollow } else { Data::Shared(octets.clone()) }
    }

    pub(super) fn is_hollow(&self) -> bool {
        matches!(self, Data::Hollow)
    }

    /// The octets, to be changed.
    pub(super) fn into_owned(self) -> SmallVec<[u8; 48]> {
        match self {
            Data::Shared(octets) => SmallVec::from_slice(&octets),
            Data::Owned(octets) => octets,
            Data::Hollow => SmallVec::new(),
        }
    }
}

impl Deref for Data {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Data::Shared(octets) => octets,
            Data::Owned(octets) => octets,
            Data::Hollow => &[],
        }
    }
}

impl From<&[u8]> for Data {
    fn from(octets: &[u8]) -> Self {
        Data::Owned(SmallVec::from_slice(octets))
    }
}

impl PartialEq for Data {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

/// A value of any kind, as a variable keeps it.
#[derive(Clone, Debug)]
pub enum Value {
    Data(Arc<[u8]>),
    /// [`Data::Hollow`]
    Hollow,
    Number(i64),
    Boolean(bool),
    /// From `define`. Not kept in the lease file ("persistent functions not supported").
    Function(Arc<Function>),
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Value::Number(left), Value::Number(right)) => left == right,
            (Value::Boolean(left), Value::Boolean(right)) => left == right,
            // by identity
            (Value::Function(left), Value::Function(right)) => Arc::ptr_eq(left, right),
            _ => self.octets().is_some() && self.octets() == other.octets(),
        }
    }
}

impl From<Data> for Value {
    fn from(data: Data) -> Self {
        if data.is_hollow() { Value::Hollow } else { Value::Data(data.into_arc()) }
    }
}

impl Value {
    fn octets(&self) -> Option<&[u8]> {
        match self {
            Value::Data(octets) => Some(octets),
            Value::Hollow => Some(&[]),
            _ => None,
        }
    }

    /// The octets of a value of that kind.
    pub(super) fn data(&self) -> Option<Data> {
        match self {
            Value::Data(octets) => Some(Data::Shared(octets.clone())),
            Value::Hollow => Some(Data::Hollow),
            _ => None,
        }
    }

    /// ISC's number for the kind, for its messages.
    pub(super) fn kind(&self) -> u8 {
        match self {
            Value::Boolean(_) => 0,
            Value::Data(_) | Value::Hollow => 1,
            Value::Number(_) => 2,
            Value::Function(_) => 4,
        }
    }
}

/// The variables of one scope: those of a binding, the global ones, or those of one function call. Names are compared
/// without regard to case. A variable may exist without a value: after `unset`, or `set` to something null.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Variables {
    /// Oldest first.
    list: Vec<(Name, Option<Value>)>,
}

impl Variables {
    /// A new list, newest first, the order of the lease file.
    pub fn from_newest_first(list: impl IntoIterator<Item = (Name, Option<Value>)>) -> Self {
        let mut list: Vec<_> = list.into_iter().collect();
        list.reverse();
        Variables { list }
    }

    /// Newest first; the lease file lists those that have a value in this order.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, Option<&Value>)> {
        self.list.iter().rev().map(|(name, value)| (name, value.as_ref()))
    }

    /// How many of them are functions.
    pub fn functions(&self) -> usize {
        self.list.iter().filter(|(_, value)| matches!(value, Some(Value::Function(_)))).count()
    }

    /// Oldest first, with those that have no value.
    pub fn all(&self) -> impl Iterator<Item = (&Name, Option<&Value>)> {
        self.list.iter().map(|(name, value)| (name, value.as_ref()))
    }

    /// What [`Variables::all`] gave.
    pub fn from_all(list: Vec<(Name, Option<Value>)>) -> Self {
        Variables { list }
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub fn clear(&mut self) {
        self.list.clear();
    }

    /// The variable's value; `None` when there is no such variable.
    pub fn get(&self, name: &str) -> Option<Option<&Value>> {
        self.list.iter().rev().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_ref())
    }

    /// The place of an existing variable's value.
    pub fn slot(&mut self, name: &str) -> Option<&mut Option<Value>> {
        self.list.iter_mut().rev().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Sets an existing variable, or makes a new one, which becomes the newest.
    pub fn set(&mut self, name: &Name, value: Option<Value>) {
        match self.slot(name) {
            Some(slot) => *slot = value,
            None => self.push(name.clone(), value),
        }
    }

    /// Adds a variable even if there is one of that name: it hides the older one.
    pub(super) fn push(&mut self, name: Name, value: Option<Value>) {
        self.list.push((name, value));
    }

    /// Takes the value away; the variable stays. ISC's `unset`.
    pub fn unset(&mut self, name: &str) {
        if let Some(slot) = self.slot(name) {
            *slot = None;
        }
    }
}
