//! A class that a packet is in, and what a lease billed to it is called.

use crate::config::Config;
use crate::config::model::{ClassId, ScopeId};
use crate::lease::binding::Billing;
use smallvec::SmallVec;
use std::sync::Arc;

/// A class a packet is in.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// A class, or a declared subclass.
    pub class: ClassId,
    /// A subclass that `spawn with` made: its value; `class` is then the spawning class.
    pub spawned: Option<Arc<[u8]>>,
}

pub type Classes = SmallVec<[Member; 2]>;

impl Member {
    /// Is it this class, or a subclass of it?
    pub fn is_of(&self, class: ClassId, config: &Config) -> bool {
        self.class == class || config.class(self.class).superclass == Some(class)
    }

    pub fn scope(&self, config: &Config) -> ScopeId {
        config.class(self.class).scope
    }

    /// 0: none.
    pub fn lease_limit(&self, config: &Config) -> u32 {
        config.class(self.class).lease_limit
    }

    /// The name that the log shows: of a subclass that of its class.
    pub fn class_name(&self, config: &Config) -> Arc<str> {
        let class = config.class(self.class);
        let named = class.superclass.map_or(class, |parent| config.class(parent));
        named.name.clone().unwrap_or_else(|| "".into())
    }

    /// How a lease billed to it is marked.
    pub fn billing(&self, config: &Config) -> Billing {
        let class = config.class(self.class);
        let subclass = self.spawned.clone().or_else(|| class.superclass.and(class.value.clone()));
        Billing { class: self.class_name(config), subclass }
    }
}
