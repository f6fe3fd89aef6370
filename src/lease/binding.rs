//! One address and what is known of it: the `lease` record of dhcpd.leases(5).

use crate::clock::{NEVER, Wall};
use crate::eval::ast::{Block, Function, Name};
use smallvec::SmallVec;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// Binding states of dhcpd.leases(5), numbered as on the failover wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    #[default]
    Free = 1,
    Active = 2,
    Expired = 3,
    Released = 4,
    Abandoned = 5,
    Reset = 6,
    Backup = 7,
}

impl State {
    /// The word of the lease file and of the log.
    pub const fn name(self) -> &'static str {
        match self {
            State::Free => "free",
            State::Active => "active",
            State::Expired => "expired",
            State::Released => "released",
            State::Abandoned => "abandoned",
            State::Reset => "reset",
            State::Backup => "backup",
        }
    }

    /// The state with this number.
    pub fn from_number(number: u8) -> Option<State> {
        use State::{Abandoned, Active, Backup, Expired, Free, Released, Reset};
        let all = [Free, Active, Expired, Released, Abandoned, Reset, Backup];
        all.into_iter().find(|state| *state as u8 == number)
    }

    /// The state a name of the lease file stands for; exact spelling.
    pub fn from_name(name: &[u8]) -> Option<State> {
        Some(match name {
            b"free" => State::Free,
            b"active" => State::Active,
            b"expired" => State::Expired,
            b"released" => State::Released,
            b"abandoned" => State::Abandoned,
            b"reset" => State::Reset,
            b"backup" => State::Backup,
            _ => return None,
        })
    }
}

/// A value kept by `set` on a binding.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Data(Arc<[u8]>),
    Number(i64),
    Boolean(bool),
    /// Set to nothing: not written, but the variable keeps its place in the file for when it has a value again.
    Null,
    /// An empty value that ISC has no memory for: not written.
    Hollow,
    /// From `define`: not written.
    Function(Arc<Function>),
}

impl Value {
    pub fn is_written(&self) -> bool {
        matches!(self, Value::Data(_) | Value::Number(_) | Value::Boolean(_))
    }
}

/// Hardware type octet and address, at most 1 + 20 octets.
pub type HardwareAddress = SmallVec<[u8; 16]>;

/// A client's name as sent; most are short.
pub type HostName = SmallVec<[u8; 16]>;

/// A client identifier as sent, type octet included.
pub type ClientIdentifier = SmallVec<[u8; 16]>;

/// A binding that exists in memory. A never-used address has none. 144 octets, plus [`Extra`] where there is more.
#[derive(Clone, Debug, PartialEq)]
pub struct Binding {
    pub address: Ipv4Addr,
    pub state: State,
    pub next_state: State,
    pub rewind_state: State,
    pub reserved: bool,
    pub bootp: bool,
    /// 0: not set, and not written.
    pub starts: Wall,
    pub ends: Wall,
    pub tstp: Wall,
    pub cltt: Wall,
    /// Empty: unknown.
    pub hardware: HardwareAddress,
    /// Empty: none.
    pub uid: ClientIdentifier,
    pub client_hostname: Option<HostName>,
    /// Sequence number of the last journal record of this binding; 0: none.
    pub sequence: u64,
    /// What few bindings have, boxed together so that the rest stay small.
    pub extra: Option<Box<Extra>>,
}

/// The rarer parts of a binding.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Extra {
    /// `set` variables, newest first, as the file lists them.
    pub variables: Vec<(Name, Value)>,
    /// Stashed relay agent sub-options in packet order: code, length, data, repeated.
    pub agent_options: Box<[u8]>,
    pub rare: Option<Box<Rare>>,
}

/// What hardly any binding has.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rare {
    /// Failover times; 0: not set.
    pub tsfp: Wall,
    pub atsfp: Wall,
    pub on_expiry: Option<Block>,
    pub on_release: Option<Block>,
    pub on_commit: Option<Block>,
    /// `billing class "NAME"` or `billing subclass "CLASS" "VALUE"`.
    pub billing: Option<Billing>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Billing {
    pub class: Name,
    pub subclass: Option<Arc<[u8]>>,
}

/// Read access to absent parts.
static NO_RARE: Rare =
    Rare { tsfp: 0, atsfp: 0, on_expiry: None, on_release: None, on_commit: None, billing: None };

impl Binding {
    /// What a never-used address would look like as a binding: free, nothing known.
    pub fn never_used(address: Ipv4Addr) -> Self {
        Binding {
            address,
            state: State::Free,
            next_state: State::Free,
            rewind_state: State::Free,
            reserved: false,
            bootp: false,
            starts: 0,
            ends: 0,
            tstp: 0,
            cltt: 0,
            hardware: SmallVec::new(),
            uid: SmallVec::new(),
            client_hostname: None,
            sequence: 0,
            extra: None,
        }
    }

    /// Never given to a client, as far as anybody remembers: no uid and no hardware address (rule 3.3).
    pub fn is_unused(&self) -> bool {
        self.uid.is_empty() && self.hardware.is_empty()
    }

    /// A time before 1970, which only a damaged record has.
    pub fn has_negative_time(&self) -> bool {
        let times = [self.starts, self.ends, self.tstp, self.cltt, self.tsfp(), self.atsfp()];
        times.iter().any(|&time| time < 0)
    }

    /// The peer has never heard of a use of this address, or knows all there is to know.
    pub fn is_settled(&self) -> bool {
        self.atsfp() != 0 || (self.tsfp() == 0 && self.tstp == 0)
    }

    /// Until when a client may take the address for its own, whatever it was granted since: the answer that said less may be
    /// lost. A lease without end counts as replaced, or it could never be made shorter; one that begins after now is of a
    /// clock that was wrong, and counts for as long as it was meant to last.
    pub fn promised(&self, now: Wall) -> Wall {
        match self.state == State::Active && self.ends < NEVER - 1 {
            true => self.ends.min(now.saturating_add((self.ends - self.starts).max(0))),
            false => 0,
        }
    }

    pub fn client_hostname(&self) -> Option<&[u8]> {
        self.client_hostname.as_deref()
    }

    pub fn variables(&self) -> &[(Name, Value)] {
        self.extra.as_ref().map_or(&[], |extra| &extra.variables)
    }

    pub fn variable(&self, name: &str) -> Option<&Value> {
        self.variables().iter().find(|(n, _)| &**n == name).map(|(_, value)| value)
    }

    /// Names of the functions among the variables.
    pub fn functions(&self) -> impl Iterator<Item = &Name> {
        let is_function = |value: &Value| matches!(value, Value::Function(_));
        self.variables().iter().filter(move |(_, value)| is_function(value)).map(|(name, _)| name)
    }

    pub fn agent_options(&self) -> &[u8] {
        self.extra.as_ref().map_or(&[], |extra| &extra.agent_options)
    }

    /// The rare parts; all empty when there are none.
    pub fn rare(&self) -> &Rare {
        self.extra.as_ref().and_then(|extra| extra.rare.as_deref()).unwrap_or(&NO_RARE)
    }

    pub fn tsfp(&self) -> Wall {
        self.rare().tsfp
    }

    pub fn atsfp(&self) -> Wall {
        self.rare().atsfp
    }

    pub fn billing(&self) -> Option<&Billing> {
        self.rare().billing.as_ref()
    }

    /// The rarer parts, made when missing. [`Binding::trim`] gives the memory back.
    pub fn extra_mut(&mut self) -> &mut Extra {
        self.extra.get_or_insert_default()
    }

    pub fn rare_mut(&mut self) -> &mut Rare {
        self.extra_mut().rare.get_or_insert_default()
    }

    /// `set NAME = value`: replaces where it stands, or becomes the newest.
    pub fn set_variable(&mut self, name: &Name, value: Value) {
        let variables = &mut self.extra_mut().variables;
        match variables.iter_mut().find(|(n, _)| n == name) {
            Some(entry) => entry.1 = value,
            None => variables.insert(0, (name.clone(), value)),
        }
    }

    /// `unset NAME`
    pub fn unset_variable(&mut self, name: &str) {
        if let Some(extra) = &mut self.extra {
            extra.variables.retain(|(n, _)| &**n != name);
        }
    }

    pub fn set_client_hostname(&mut self, name: Option<&[u8]>) {
        if self.client_hostname() != name {
            self.client_hostname = name.map(SmallVec::from_slice);
        }
    }

    pub fn set_agent_options(&mut self, options: &[u8]) {
        if self.agent_options() != options {
            self.extra_mut().agent_options = options.into();
        }
    }

    pub fn set_billing(&mut self, billing: Option<Billing>) {
        if self.billing() != billing.as_ref() {
            self.rare_mut().billing = billing;
        }
    }

    /// Drops boxes whose content is empty, and spare room.
    pub fn trim(&mut self) {
        if let Some(extra) = &mut self.extra {
            if extra.rare.as_deref() == Some(&NO_RARE) {
                extra.rare = None;
            }
            extra.variables.shrink_to_fit();
            if **extra == Extra::default() {
                self.extra = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binding_is_small() {
        assert!(size_of::<Binding>() <= 144, "{}", size_of::<Binding>());
        assert!(size_of::<Extra>() <= 48, "{}", size_of::<Extra>());
    }

    #[test]
    fn what_was_promised() {
        let mut binding = Binding::never_used(Ipv4Addr::LOCALHOST);
        (binding.starts, binding.ends) = (1000, 1600);
        assert_eq!(binding.promised(1100), 0);
        binding.state = State::Active;
        assert_eq!(binding.promised(1100), 1600);
        // The clock was 500 seconds ahead.
        assert_eq!(binding.promised(500), 1100);
        binding.ends = NEVER;
        assert_eq!(binding.promised(1100), 0);
    }

    #[test]
    fn variables_keep_their_place_and_new_ones_come_first() {
        let mut binding = Binding::never_used(Ipv4Addr::LOCALHOST);
        let (a, b): (Name, Name) = ("a".into(), "b".into());
        binding.set_variable(&a, Value::Number(1));
        binding.set_variable(&b, Value::Number(2));
        binding.set_variable(&a, Value::Number(3));
        assert_eq!(binding.variables(), &[(b, Value::Number(2)), (a, Value::Number(3))]);
        binding.unset_variable("a");
        binding.unset_variable("b");
        binding.trim();
        assert!(binding.extra.is_none());
    }
}
