//! Data expressions: octets, or null.

use super::ast::{Expr, Name};
use super::machine::Machine;
use super::message::{self, Wanted};
use super::value::{Data, Value};
use crate::wire::dhcp4;
use crate::wire::domain;
use smallvec::SmallVec;

/// Longest value an expression may make; beyond lies no use, only harm.
const LONGEST: usize = 1 << 20;

impl Machine<'_> {
    /// Octets.
    pub fn data(&mut self, expression: &Expr) -> Option<Data> {
        if !self.enter() {
            return None;
        }
        let value = self.data_of(expression);
        self.leave();
        value.filter(|_| self.is_sound())
    }

    fn data_of(&mut self, expression: &Expr) -> Option<Data> {
        match expression {
            Expr::Const(octets) => Some(Data::constant(octets)),
            Expr::Option(id) => self.context.packet?.option(*id),
            Expr::ConfigOption(id) => self.option_value(*id),
            Expr::Concat(parts) => self.concat(parts),
            Expr::Substring(operands) => self.substring(operands),
            Expr::Suffix(operands) => self.suffix(operands),
            Expr::Lcase(operand) => self.mapped(operand, u8::to_ascii_lowercase),
            Expr::Ucase(operand) => self.mapped(operand, u8::to_ascii_uppercase),
            Expr::EncodeInt { bits, value } => {
                let octets = self.number(value)?.to_be_bytes();
                octets.get(octets.len() - usize::from(bits / 8).min(8)..).map(Data::from)
            }
            Expr::BinaryToAscii(operands) => self.binary_to_ascii(operands),
            Expr::Reverse(operands) => self.reverse(operands),
            Expr::PickFirst(choices) => self.pick(choices, &mut None),
            Expr::HostLookup(name) => self.context.hosts.addresses.get(name).cloned().map(Data::Shared),
            Expr::Gethostname => Some(Data::from(self.context.hosts.own_name.as_bytes())),
            Expr::Null => None,
            Expr::Variable(name) => match self.variable(name)? {
                value @ (Value::Data(_) | Value::Hollow) => value.data(),
                other => {
                    let kind = other.kind();
                    self.wrong_variable(kind, Wanted::Data)
                }
            },
            Expr::Call { .. } => self.failed_call(expression, &mut None),
            Expr::V6Relay(operands) => {
                let [hop, inner] = &**operands;
                // a DHCPv4 message has no relays around it
                if self.number(hop)? == 0 { self.data(inner) } else { None }
            }
            Expr::Hardware
            | Expr::Packet(_)
            | Expr::LeasedAddress
            | Expr::HostDeclName
            | Expr::Filename
            | Expr::ServerName => self.client_data(expression),
            _ => self.misplaced(expression, Wanted::Data),
        }
    }

    /// The value, or null and what evaluation left behind all the same.
    pub(super) fn data_or_leftover(
        &mut self,
        expression: &Expr,
        leftover: &mut Option<Data>,
    ) -> Option<Data> {
        match expression {
            Expr::PickFirst(choices) => self.pick(choices, leftover),
            Expr::Call { .. } => self.failed_call(expression, leftover),
            _ => self.data(expression),
        }
    }

    /// ISC writes each choice over what a failed call has left, and says so.
    fn pick(&mut self, choices: &[Expr], leftover: &mut Option<Data>) -> Option<Data> {
        choices.iter().find_map(|choice| {
            let had_some = leftover.as_ref().is_some_and(|data| !data.is_hollow());
            let value = self.data_or_leftover(choice, leftover);
            if had_some && value.as_ref().is_some_and(|data| !data.is_hollow()) {
                self.outcome.say(message::overwritten());
            }
            value
        })
    }

    /// Null, always: ISC takes the call for an error once it has been made.
    fn failed_call(&mut self, call: &Expr, leftover: &mut Option<Data>) -> Option<Data> {
        if let Expr::Call { name, arguments } = call
            && let Some(data) = self.data_call(name, arguments)
        {
            if !data.is_hollow() && leftover.as_ref().is_some_and(|old| !old.is_hollow()) {
                self.outcome.say(message::overwritten());
            }
            *leftover = Some(data);
        }
        self.bogus(call, Wanted::Data)
    }

    /// What a function returns where octets are wanted.
    fn data_call(&mut self, name: &Name, arguments: &[Expr]) -> Option<Data> {
        self.typed_call(name, arguments, Wanted::Data, |value| value.data().is_some())?.data()
    }

    /// What comes from the packet's fixed fields and from the lease.
    fn client_data(&mut self, expression: &Expr) -> Option<Data> {
        let context = self.context;
        match expression {
            Expr::Hardware => match (context.packet, context.lease) {
                (Some(packet), _) => {
                    let mut octets = SmallVec::from_slice(&[packet.message.htype()]);
                    octets.extend_from_slice(packet.message.chaddr());
                    Some(Data::Owned(octets))
                }
                (None, Some(lease)) => Some(Data::from(lease.hardware)),
                (None, None) => self.missing(message::no_hardware()),
            },
            Expr::Packet(operands) => {
                let Some(packet) = context.packet else { return self.missing(message::no_packet()) };
                let [offset, length] = &**operands;
                let (offset, length) = (self.number(offset), self.number(length));
                let (offset, length) = offset.zip(length)?;
                let rest = packet.message.payload().get(usize::try_from(offset).ok()?..)?;
                (!rest.is_empty()).then(|| Data::from(clipped(rest, length)))
            }
            Expr::LeasedAddress => match context.lease {
                Some(lease) => Some(Data::from(&lease.address.octets()[..])),
                None => self.missing(message::no_lease()),
            },
            Expr::HostDeclName => match context.lease.and_then(|lease| lease.host_name) {
                Some(name) => Some(Data::from(name.as_bytes())),
                None => self.missing(message::no_host_name()),
            },
            Expr::Filename => text_field(context.packet?.message.file()),
            Expr::ServerName => text_field(context.packet?.message.sname()),
            _ => None,
        }
    }

    fn missing(&mut self, line: crate::log::Line) -> Option<Data> {
        self.outcome.say(line);
        None
    }

    /// Every part is evaluated, even when one is null already.
    fn concat(&mut self, parts: &[Expr]) -> Option<Data> {
        let mut joined = Some(Data::empty());
        for part in parts {
            let value = self.data(part);
            joined = joined.zip(value).map(|(joined, value)| concatenated(joined, &value));
        }
        joined
    }

    fn substring(&mut self, [data, offset, length]: &[Expr; 3]) -> Option<Data> {
        let (data, offset, length) = (self.data(data), self.number(offset), self.number(length));
        let ((data, offset), length) = data.zip(offset).zip(length)?;
        let rest = usize::try_from(offset).ok().and_then(|offset| data.get(offset..)).unwrap_or_default();
        Some(if rest.is_empty() { Data::Hollow } else { Data::from(clipped(rest, length)) })
    }

    fn suffix(&mut self, [data, length]: &[Expr; 2]) -> Option<Data> {
        let (data, length) = (self.data(data), self.number(length));
        let (data, length) = data.zip(length)?;
        let skip = usize::try_from(length).map_or(0, |length| data.len().saturating_sub(length));
        if skip == 0 {
            return Some(data);
        }
        data.get(skip..).map(Data::from)
    }

    fn mapped(&mut self, operand: &Expr, map: fn(&u8) -> u8) -> Option<Data> {
        let mut octets = self.data(operand)?.into_owned();
        octets.iter_mut().for_each(|octet| *octet = map(octet));
        Some(Data::Owned(octets))
    }

    fn binary_to_ascii(&mut self, [base, width, separator, data]: &[Expr; 4]) -> Option<Data> {
        let (base, width) = (self.number(base), self.number(width));
        let (separator, data) = (self.data(separator), self.data(data));
        let (base, width) = base.zip(width)?;
        let (separator, data) = separator.zip(data)?;
        if !matches!(width, 8 | 16 | 32) {
            return self.missing(message::bad_width(width));
        }
        let octets = (width / 8) as usize;
        if data.len() % octets != 0 {
            return self.missing(message::not_a_multiple("binary-to-ascii", data.len(), width / 8));
        }
        // ISC takes the base as 32 bits wide; 0 makes it crash
        let base = base as u32;
        if base == 0 {
            return None;
        }
        let mut text = SmallVec::new();
        for (index, group) in data.chunks(octets).enumerate() {
            if index > 0 {
                text.extend_from_slice(&separator);
            }
            let number = group.iter().fold(0u32, |n, octet| n << 8 | u32::from(*octet));
            put_digits(number, base, &mut text);
            if text.len() > LONGEST {
                return None;
            }
        }
        Some(Data::Owned(text))
    }

    fn reverse(&mut self, [width, data]: &[Expr; 2]) -> Option<Data> {
        let (width, data) = (self.number(width), self.data(data));
        let (width, data) = width.zip(data)?;
        // a width of 0 makes ISC crash
        if width == 0 {
            return None;
        }
        if !(data.len() as u64).is_multiple_of(width) {
            return self.missing(message::not_a_multiple("reverse", data.len(), width));
        }
        let width = usize::try_from(width).ok()?;
        Some(Data::Owned(data.chunks(width).rev().flatten().copied().collect()))
    }

    /// Two compressed domain lists as one.
    pub(super) fn domain_lists(&mut self, first: &[u8], second: &[u8]) -> Option<Data> {
        let mut names = Vec::new();
        for list in [first, second] {
            match domain::names(list) {
                Some(more) => names.extend(more),
                None => {
                    message::domain_lists().into_iter().for_each(|line| self.outcome.say(line));
                    return None;
                }
            }
        }
        if names.is_empty() {
            return Some(Data::from(&[0][..]));
        }
        Some(Data::from(&domain::compress(&names)[..]))
    }
}

/// One behind the other; without copying the first where that is possible.
pub(super) fn concatenated(first: Data, second: &[u8]) -> Data {
    let mut octets = first.into_owned();
    if octets.len() + second.len() <= LONGEST {
        octets.extend_from_slice(second);
    }
    Data::Owned(octets)
}

fn clipped(octets: &[u8], length: u64) -> &[u8] {
    let length = usize::try_from(length).unwrap_or(usize::MAX).min(octets.len());
    octets.get(..length).unwrap_or(octets)
}

/// `file` and `sname` up to a NUL; null when empty.
fn text_field(field: &[u8]) -> Option<Data> {
    debug_assert!(field.len() <= dhcp4::FILE_LENGTH);
    let text = field.split(|octet| *octet == 0).next().unwrap_or_default();
    (!text.is_empty()).then(|| Data::from(text))
}

/// Digits in bases up to 16; a base beyond gives none. ISC counts them in 32 bits, so that a number beyond the largest power of
/// the base gets a leading zero too many (4294967295 becomes 04294967295), and base 1 gives zeros.
fn put_digits(mut number: u32, base: u32, out: &mut SmallVec<[u8; 48]>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    if base > 16 {
        return;
    }
    let mut digits: SmallVec<[u8; 33]> = SmallVec::new();
    for _ in 0..digit_count(number, base) {
        digits.push(DIGITS.get((number % base) as usize).copied().unwrap_or(b'0'));
        number /= base;
    }
    out.extend(digits.into_iter().rev());
}

fn digit_count(number: u32, base: u32) -> u32 {
    let mut count = 1;
    let mut limit = base;
    while number >= limit {
        count += 1;
        let next = limit.wrapping_mul(base);
        if next <= limit {
            break;
        }
        limit = next;
    }
    count
}
