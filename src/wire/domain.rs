//! Domain names: RFC 1035 labels, the text form with its escapes, and lists of names with and without compression (RFC 3397).

/// Octets of a name on the wire at most.
const LONGEST: usize = 255;
/// Both bits set in a length octet: a pointer.
const POINTER: u8 = 0xc0;

/// A name's labels in wire form, root label included, pointers followed; and the octets it took at `at`. `None`: malformed.
pub fn unpack(message: &[u8], at: usize) -> Option<(Vec<u8>, usize)> {
    let mut name = Vec::new();
    let mut position = at;
    let mut taken = None;
    let mut checked = 0;
    loop {
        let length = *message.get(position)?;
        position += 1;
        match length & POINTER {
            _ if length == 0 => {
                name.push(0);
                return Some((name, taken.unwrap_or(position - at)));
            }
            0 => {
                let end = position + usize::from(length);
                if name.len() + usize::from(length) + 1 >= LONGEST || end >= message.len() {
                    return None;
                }
                name.push(length);
                name.extend_from_slice(message.get(position..end)?);
                checked += usize::from(length) + 1;
                position = end;
            }
            POINTER => {
                let low = *message.get(position)?;
                taken = taken.or(Some(position + 1 - at));
                position = usize::from(length & 0x3f) << 8 | usize::from(low);
                checked += 2;
                if checked >= message.len() {
                    return None;
                }
            }
            _ => return None,
        }
    }
}

/// The text form without the final dot; the root is `.`. Dots, quotes and the like inside labels are escaped, what does not
/// print becomes `\ddd`.
pub fn to_text(name: &[u8]) -> Option<String> {
    let mut text = String::new();
    let mut rest = name;
    loop {
        let (length, after) = rest.split_first()?;
        if *length == 0 {
            break;
        }
        if length & POINTER != 0 {
            return None;
        }
        let (label, next) = after.split_at_checked(usize::from(*length))?;
        if !text.is_empty() {
            text.push('.');
        }
        for octet in label {
            match octet {
                b'"' | b'.' | b';' | b'\\' | b'@' | b'$' => {
                    text.push('\\');
                    text.push(char::from(*octet));
                }
                0x21..=0x7e => text.push(char::from(*octet)),
                _ => text.push_str(&format!("\\{octet:03}")),
            }
        }
        rest = next;
    }
    if text.is_empty() {
        text.push('.');
    }
    Some(text)
}

/// Wire form, root label included, of a name in text form. `None`: an empty or too long label, a bad escape, too long.
pub fn from_text(text: &[u8]) -> Option<Vec<u8>> {
    let mut name = vec![0];
    let mut label = 0;
    let mut input = text.iter().copied().peekable();
    while let Some(octet) = input.next() {
        let octet = match octet {
            b'\\' => match input.next() {
                // a trailing backslash is dropped
                None => break,
                Some(digit @ b'0'..=b'9') => {
                    let mut value = u32::from(digit - b'0');
                    for _ in 0..2 {
                        let next = input.next().filter(u8::is_ascii_digit)?;
                        value = value * 10 + u32::from(next - b'0');
                    }
                    u8::try_from(value).ok()?
                }
                Some(other) => other,
            },
            b'.' => {
                let length = close(&mut name, label)?;
                match input.peek() {
                    None => {
                        if length != 0 {
                            name.push(0);
                        }
                        return (name.len() <= LONGEST).then_some(name);
                    }
                    Some(b'.') => return None,
                    Some(_) if length == 0 => return None,
                    Some(_) => {}
                }
                label = name.len();
                name.push(0);
                continue;
            }
            other => other,
        };
        name.push(octet);
    }
    if close(&mut name, label)? != 0 {
        name.push(0);
    }
    (name.len() <= LONGEST).then_some(name)
}

/// Fills in the length of the label that starts at `label`.
fn close(name: &mut [u8], label: usize) -> Option<u8> {
    let length = u8::try_from(name.len() - label - 1).ok().filter(|length| length & POINTER == 0)?;
    *name.get_mut(label)? = length;
    Some(length)
}

/// The names of a list, compressed or not, each in wire form without pointers. A list that is empty or starts with the
/// root has none. `None`: malformed.
pub fn names(list: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    if list.first().is_none_or(|length| *length == 0) {
        return Some(found);
    }
    let mut at = 0;
    while at < list.len() {
        let (name, taken) = unpack(list, at)?;
        found.push(name);
        at += taken;
    }
    Some(found)
}

/// A list with compression: each name points into earlier ones where its tail has been written already.
pub fn compress(names: &[Vec<u8>]) -> Vec<u8> {
    let mut list = Vec::new();
    let mut known: Vec<(Vec<u8>, usize)> = Vec::new();
    for name in names {
        let mut rest = name.as_slice();
        while let Some(length) = rest.first().copied().filter(|length| *length != 0) {
            let tail = rest.to_ascii_lowercase();
            if let Some((_, offset)) = known.iter().find(|(other, _)| *other == tail) {
                list.push(POINTER | (offset >> 8) as u8);
                list.push(*offset as u8);
                rest = &[];
                break;
            }
            // ISC remembers 254 tails
            if known.len() < 254 && list.len() < 0x4000 {
                known.push((tail, list.len()));
            }
            let (label, next) = rest.split_at(rest.len().min(usize::from(length) + 1));
            list.extend_from_slice(label);
            rest = next;
        }
        if !rest.is_empty() {
            list.push(0);
        }
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compressed_list() {
        // the example in RFC 3397 and in ISC's description of the format
        let names: Vec<_> =
            [&b"one.two.com"[..], b"three.four.com"].map(|name| from_text(name).unwrap()).into();
        let list = compress(&names);
        assert_eq!(list, b"\x03one\x03two\x03com\x00\x05three\x04four\xc0\x08");
        assert_eq!(super::names(&list).unwrap(), names);
        assert_eq!(to_text(&names[1]).unwrap(), "three.four.com");
    }

    #[test]
    fn texts() {
        assert_eq!(from_text(b"a.b.").unwrap(), b"\x01a\x01b\x00");
        assert_eq!(from_text(b".").unwrap(), b"\x00");
        assert_eq!(from_text(b"a..b"), None);
        assert_eq!(from_text(b".a"), None);
        assert_eq!(from_text(&[b'a'; 64]), None);
        assert_eq!(from_text(br"a\.b\065").unwrap(), b"\x04a.bA\x00");
        assert_eq!(to_text(b"\x04a.b\x07\x00").unwrap(), r"a\.b\007");
        assert_eq!(to_text(b"\x00").unwrap(), ".");
    }

    #[test]
    fn loops_end() {
        assert_eq!(unpack(b"\xc0\x00", 0), None);
        assert_eq!(unpack(b"\x01a\xc0\x00", 0), None);
        assert_eq!(unpack(b"\x01a", 0), None);
    }
}
