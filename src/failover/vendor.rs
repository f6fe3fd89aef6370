//! What only servers of our kind tell each other, in `vendor-options` (29) of a binding update: relay agent options, host
//! name and the variables of DNS updates, so that either of them can answer a leasequery and clean up DNS.
//!
//! A list of items: type (one octet), length (two), value. 1: relay agent sub-options as the lease keeps them. 2: the
//! client's host name. 3: a variable, its name with a length octet before it, then its octets. What is not in the list the
//! lease does not have.

use crate::eval::ast::Name;
use crate::lease::binding::{Binding, Value};

const AGENT_OPTIONS: u8 = 1;
const HOST_NAME: u8 = 2;
const VARIABLE: u8 = 3;

/// Octets of the list, at most: the rest of a message needs fewer than 400.
const LONGEST: usize = 1600;
/// Names of the variables that go along.
const PREFIX: &str = "ddns-";

/// Appends the list for a binding. What has no room is left out.
pub fn write(out: &mut Vec<u8>, binding: &Binding) {
    let start = out.len();
    item(out, start, AGENT_OPTIONS, &[binding.agent_options()]);
    item(out, start, HOST_NAME, &[binding.client_hostname().unwrap_or_default()]);
    for (name, value) in binding.variables() {
        if let (true, Value::Data(octets), Ok(length)) =
            (name.starts_with(PREFIX), value, u8::try_from(name.len()))
        {
            item(out, start, VARIABLE, &[&[length], name.as_bytes(), octets]);
        }
    }
}

fn item(out: &mut Vec<u8>, start: usize, kind: u8, parts: &[&[u8]]) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let room = LONGEST.saturating_sub(out.len() - start);
    if let (1.., Ok(field)) = (length, u16::try_from(length))
        && length + 3 <= room
    {
        out.push(kind);
        out.extend_from_slice(&field.to_be_bytes());
        parts.iter().for_each(|part| out.extend_from_slice(part));
    }
}

/// Takes over a list. Items of unknown types, and a rest that is no item, are skipped.
pub fn read(mut rest: &[u8], binding: &mut Binding) {
    binding.set_agent_options(&[]);
    binding.set_client_hostname(None);
    if let Some(extra) = &mut binding.extra {
        extra.variables.retain(|(name, _)| !name.starts_with(PREFIX));
    }
    let mut variables = Vec::new();
    while let Some((&[kind, high, low], behind)) = rest.split_first_chunk::<3>() {
        let length = usize::from(u16::from_be_bytes([high, low]));
        let Some((value, behind)) = behind.split_at_checked(length) else { break };
        rest = behind;
        match kind {
            AGENT_OPTIONS => binding.set_agent_options(value),
            HOST_NAME => binding.set_client_hostname(Some(value)),
            VARIABLE => variables.extend(variable(value)),
            _ => {}
        }
    }
    if !variables.is_empty() {
        binding.extra_mut().variables.extend(variables);
    }
    binding.trim();
}

fn variable(value: &[u8]) -> Option<(Name, Value)> {
    let (&length, rest) = value.split_first()?;
    let (name, octets) = rest.split_at_checked(usize::from(length))?;
    let name = std::str::from_utf8(name).ok().filter(|name| name.starts_with(PREFIX))?;
    Some((name.into(), Value::Data(octets.into())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn what_is_written_is_read() {
        let mut binding = Binding::never_used(Ipv4Addr::LOCALHOST);
        binding.set_agent_options(&[1, 3, b'e', b't', b'h']);
        binding.set_client_hostname(Some(b"pc"));
        binding.set_variable(&"ddns-fwd-name".into(), Value::Data(b"pc.example".as_slice().into()));
        binding.set_variable(&"secret".into(), Value::Data(b"x".as_slice().into()));
        let mut list = Vec::new();
        write(&mut list, &binding);
        let mut other = Binding::never_used(Ipv4Addr::LOCALHOST);
        other.set_variable(&"ddns-txt".into(), Value::Data(b"old".as_slice().into()));
        read(&list, &mut other);
        assert_eq!(other.agent_options(), binding.agent_options());
        assert_eq!(other.client_hostname(), Some(&b"pc"[..]));
        assert_eq!(other.variables().len(), 1);
        assert!(other.variable("ddns-fwd-name").is_some());
        for end in 0..list.len() {
            read(&list[..end], &mut other);
        }
    }

    #[test]
    fn a_list_has_a_bound() {
        let mut binding = Binding::never_used(Ipv4Addr::LOCALHOST);
        for n in 0..20 {
            let name = format!("ddns-{n}");
            binding.set_variable(&name.as_str().into(), Value::Data(vec![0; 200].into()));
        }
        let mut list = Vec::new();
        write(&mut list, &binding);
        assert!(list.len() <= LONGEST && list.len() > 1000, "{}", list.len());
    }
}
