//! The object at hand: attributes with their values, which of them the server has not seen yet, and how they are shown.

use crate::omapi::codec::Values;

/// Attributes kept. A server that sends more is not believed.
const MOST: usize = 4096;
/// Octets of data that are shown as text, and as hexadecimal digits with colons between; more digits show as nothing.
const LONGEST_TEXT: usize = 1022;
const LONGEST_DIGITS: usize = 341;

/// A value, by how it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Number(i32),
    /// A string of the command line.
    Text(Vec<u8>),
    /// Octets of the command line or the server.
    Data(Vec<u8>),
}

impl Value {
    fn to_wire(&self) -> Vec<u8> {
        match self {
            Value::Number(number) => number.to_be_bytes().to_vec(),
            Value::Text(octets) | Value::Data(octets) => octets.clone(),
        }
    }

    /// A number, or four octets as one.
    fn number(&self) -> Option<u32> {
        match self {
            Value::Number(number) => Some(number.cast_unsigned()),
            Value::Text(octets) | Value::Data(octets) => {
                Some(u32::from_be_bytes(octets.as_slice().try_into().ok()?))
            }
        }
    }

    fn show(&self, out: &mut Vec<u8>) {
        match self {
            Value::Number(number) => out.extend_from_slice(number.to_string().as_bytes()),
            Value::Text(octets) => quote(octets, out),
            Value::Data(octets) => show_data(octets, out),
        }
    }
}

fn quote(octets: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(octets);
    out.push(b'"');
}

/// Text when the part that would be shown is printable, else digits, as far as ISC's buffer goes.
fn show_data(octets: &[u8], out: &mut Vec<u8>) {
    let text = octets.get(..LONGEST_TEXT).unwrap_or(octets);
    if text.iter().all(|octet| octet.is_ascii_graphic() || *octet == b' ') {
        quote(text, out);
    } else if octets.len() <= LONGEST_DIGITS {
        for (at, octet) in octets.iter().enumerate() {
            let colon = if at == 0 { "" } else { ":" };
            out.extend_from_slice(format!("{colon}{octet:02x}").as_bytes());
        }
    }
}

/// Up to the first zero, as C prints it.
fn until_zero(octets: &[u8]) -> &[u8] {
    octets.split(|&octet| octet == 0).next().unwrap_or_default()
}

#[derive(Clone, Debug)]
struct Attribute {
    name: Vec<u8>,
    value: Option<Value>,
    /// Set since the server last sent the object.
    changed: bool,
}

/// An object of a type that only the server knows.
#[derive(Clone, Debug)]
pub struct Object {
    kind: Vec<u8>,
    handle: u32,
    attributes: Vec<Attribute>,
}

impl Object {
    pub fn new(kind: &[u8]) -> Object {
        Object { kind: kind.to_vec(), handle: 0, attributes: Vec::new() }
    }

    pub fn kind(&self) -> &[u8] {
        &self.kind
    }

    /// The server's number of it; 0 before it is opened.
    pub fn handle(&self) -> u32 {
        self.handle
    }

    /// None is null, which asks the server to remove the value. `remote-handle` is the handle itself, not an attribute.
    pub fn set(&mut self, name: &[u8], value: Option<Value>) {
        if name == b"remote-handle" {
            self.handle = value.and_then(|value| value.number()).unwrap_or(self.handle);
            return;
        }
        if let Some(attribute) = self.attributes.iter_mut().find(|attribute| attribute.name == name) {
            (attribute.value, attribute.changed) = (value, true);
        } else if self.attributes.len() < MOST {
            self.attributes.push(Attribute { name: name.to_vec(), value, changed: true });
        }
    }

    /// The object as the server has it now: nothing is changed any more, and what is null is gone.
    pub fn update(&mut self, handle: u32, values: &Values) {
        for (name, value) in values.iter() {
            self.set(name, value.map(|octets| Value::Data(octets.to_vec())));
        }
        if handle != 0 {
            self.handle = handle;
        }
        self.attributes.retain_mut(|attribute| {
            attribute.changed = false;
            attribute.value.is_some()
        });
    }

    /// What the server has not seen.
    pub fn changed(&self) -> Values {
        let mut out = Values::new();
        for attribute in self.attributes.iter().filter(|attribute| attribute.changed) {
            let octets = attribute.value.as_ref().map(Value::to_wire);
            out.set(&attribute.name, octets.as_deref());
        }
        out
    }

    /// `obj: TYPE` and a line for each attribute.
    pub fn show(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"obj: ");
        out.extend_from_slice(until_zero(&self.kind));
        out.push(b'\n');
        for attribute in &self.attributes {
            out.extend_from_slice(until_zero(&attribute.name));
            out.extend_from_slice(b" = ");
            match &attribute.value {
                Some(value) => value.show(out),
                None => out.extend_from_slice(b"<null>"),
            }
            out.push(b'\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(object: &Object) -> String {
        let mut out = Vec::new();
        object.show(&mut out);
        String::from_utf8(out).expect("ASCII")
    }

    /// Lines of the recordings omapi-odd-input and omapi-host-create.
    #[test]
    fn values_are_shown_by_how_they_came() {
        let mut object = Object::new(b"host");
        object.set(b"a", Some(Value::Number(-1)));
        object.set(b"b", Some(Value::Text(b"x\"y".to_vec())));
        object.set(b"c", Some(Value::Data(vec![1, 2, 255])));
        object.set(b"d", Some(Value::Data(b"beta-id".to_vec())));
        object.set(b"e", None);
        assert_eq!(
            shown(&object),
            "obj: host\na = -1\nb = \"x\"y\"\nc = 01:02:ff\nd = \"beta-id\"\ne = <null>\n"
        );
        let mut answer = Values::new();
        answer.set(b"a", Some(&[0, 0, 0, 1]));
        object.update(7, &answer);
        assert_eq!(
            shown(&object),
            "obj: host\na = 00:00:00:01\nb = \"x\"y\"\nc = 01:02:ff\nd = \"beta-id\"\n"
        );
        assert!(object.changed().is_empty());
        assert_eq!(object.handle(), 7);
    }

    #[test]
    fn long_data_is_cut_as_by_the_real_program() {
        let show = |octets: &[u8]| {
            let mut out = Vec::new();
            show_data(octets, &mut out);
            out.len()
        };
        assert_eq!(show(&[b'x'; 2000]), 1024);
        assert_eq!(show(&[0; 341]), 1022);
        assert_eq!(show(&[0; 342]), 0);
        // What is not shown does not count.
        assert_eq!(show(&[&[b'x'; 1022][..], &[0]].concat()), 1024);
    }
}
