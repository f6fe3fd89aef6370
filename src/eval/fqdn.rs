//! Option 81 (RFC 4702) seen as the options of the space `fqdn`, both ways, with ISC's peculiarities: an ASCII name that
//! ends in NUL sets `no-client-update`, and the domain name of an encoded name keeps its leading dot.

use super::message;
use super::value::Data;
use crate::log::Sink;
use smallvec::SmallVec;

pub const NO_CLIENT_UPDATE: u32 = 1;
pub const SERVER_UPDATE: u32 = 2;
pub const ENCODED: u32 = 3;
pub const RCODE1: u32 = 4;
pub const RCODE2: u32 = 5;
pub const HOSTNAME: u32 = 6;
pub const DOMAINNAME: u32 = 7;
pub const FQDN: u32 = 8;

/// Flag octet: who updates, and whether the name is in DNS form.
const SERVER: u8 = 1;
const NO_CLIENT: u8 = 2;
const DNS_FORM: u8 = 4;
/// Octets before the name.
const HEADER: usize = 3;

enum Fault {
    LabelTooLong,
    LabelBeyondEnd,
}

/// The name's text, the length of its first label, and whether the root label ended it.
struct Name {
    text: SmallVec<[u8; 64]>,
    first: usize,
}

/// Labels joined with dots. ISC lets a label reach two octets beyond the option; they read as zeros.
fn dotted(octets: &[u8]) -> Result<Name, Fault> {
    let mut text: SmallVec<[u8; 64]> = SmallVec::new();
    let mut first = 0;
    let mut at = 0;
    let mut ended = false;
    while let Some(length) = octets.get(at).copied() {
        if length > 63 {
            return Err(Fault::LabelTooLong);
        }
        if length == 0 {
            ended = true;
            break;
        }
        let length = usize::from(length);
        if at + length > octets.len() + 1 {
            return Err(Fault::LabelBeyondEnd);
        }
        if at > 0 {
            text.push(b'.');
        } else {
            first = length;
        }
        text.extend((at + 1..=at + length).map(|i| octets.get(i).copied().unwrap_or(0)));
        at += length + 1;
    }
    if !ended {
        first = text.len();
    }
    Ok(Name { text, first })
}

/// What the decoder says of an option that it does not like.
pub(super) fn tell_faults(option: &[u8], say: &mut Sink<'_>) {
    if option.len() < HEADER || option.first().is_none_or(|flags| flags & DNS_FORM == 0) {
        return;
    }
    match dotted(option.get(HEADER..).unwrap_or_default()) {
        Ok(_) => {}
        Err(Fault::LabelTooLong) => say(message::fqdn_label_too_long()),
        Err(Fault::LabelBeyondEnd) => say(message::fqdn_label_beyond_end()),
    }
}

/// One virtual option of a received option 81.
pub(super) fn field(option: &[u8], code: u32) -> Option<Data> {
    let [flags, rcode1, rcode2, name @ ..] = option else { return None };
    let octet = |value: u8| Some(Data::from(&[value][..]));
    let flag = |bit: u8| octet(u8::from(flags & bit != 0));
    if code == ENCODED {
        return flag(DNS_FORM);
    }
    if flags & DNS_FORM != 0 {
        let Name { text, first } = dotted(name).ok()?;
        return match code {
            NO_CLIENT_UPDATE => flag(NO_CLIENT),
            SERVER_UPDATE => flag(SERVER),
            RCODE1 => octet(*rcode1),
            RCODE2 => octet(*rcode2),
            HOSTNAME => piece(text.get(..first)?),
            DOMAINNAME => piece(text.get(first..)?),
            FQDN => piece(&text),
            _ => None,
        };
    }
    let ends_in_nul = option.last() == Some(&0);
    let name = if ends_in_nul { name.split_last().map_or(name, |(_, rest)| rest) } else { name };
    let dot = name.iter().position(|octet| *octet == b'.').unwrap_or(name.len());
    match code {
        NO_CLIENT_UPDATE if ends_in_nul => octet(1),
        NO_CLIENT_UPDATE => flag(NO_CLIENT),
        SERVER_UPDATE => flag(SERVER),
        RCODE1 => octet(*rcode1),
        RCODE2 => octet(*rcode2),
        HOSTNAME => piece(name.get(..dot)?),
        DOMAINNAME => piece(name.get(dot + 1..)?),
        FQDN => piece(name),
        _ => None,
    }
}

/// A part of the name, NULs behind it dropped; an empty one is absent.
fn piece(text: &[u8]) -> Option<Data> {
    if text.is_empty() {
        return None;
    }
    let kept = text.iter().rposition(|octet| *octet != 0).map_or(0, |last| last + 1);
    text.get(..kept).map(Data::from)
}

/// Option 81 from its virtual options, indexed by code.
pub(super) fn encode(fields: &[Option<Data>; 9]) -> SmallVec<[u8; 48]> {
    let octets = |code: u32| fields.get(code as usize).and_then(Option::as_deref).unwrap_or_default();
    let octet = |code: u32| octets(code).first().copied().unwrap_or(0);
    let name = octets(FQDN);
    let mut flags = 0;
    for (code, bit) in [(NO_CLIENT_UPDATE, NO_CLIENT), (SERVER_UPDATE, SERVER), (ENCODED, DNS_FORM)] {
        flags |= if octet(code) != 0 { bit } else { 0 };
    }
    let mut out = SmallVec::from_slice(&[flags, octet(RCODE1), octet(RCODE2)]);
    if flags & DNS_FORM == 0 {
        out.extend_from_slice(name);
    } else if !name.is_empty() {
        encode_name(name, &mut out);
    }
    out
}

/// Labels with their lengths, one root label at the end. A NUL or an empty label ends the name.
fn encode_name(name: &[u8], out: &mut SmallVec<[u8; 48]>) {
    for label in name.split(|octet| matches!(octet, b'.' | 0)) {
        if label.is_empty() {
            break;
        }
        out.push(label.len() as u8);
        out.extend_from_slice(label);
    }
    out.push(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(option: &[u8], code: u32) -> Option<Vec<u8>> {
        field(option, code).map(|data| data.to_vec())
    }

    #[test]
    fn an_ascii_name() {
        let option = b"\x01\x00\x00pc.example.org";
        assert_eq!(text(option, HOSTNAME).unwrap(), b"pc");
        assert_eq!(text(option, DOMAINNAME).unwrap(), b"example.org");
        assert_eq!(text(option, FQDN).unwrap(), b"pc.example.org");
        assert_eq!(text(option, SERVER_UPDATE).unwrap(), [1]);
        assert_eq!(text(option, NO_CLIENT_UPDATE).unwrap(), [0]);
        let nul = b"\x00\x00\x00pc\0";
        assert_eq!(text(nul, FQDN).unwrap(), b"pc");
        assert_eq!(text(nul, DOMAINNAME), None);
        assert_eq!(text(nul, NO_CLIENT_UPDATE).unwrap(), [1]);
        assert_eq!(text(b"\0\0", ENCODED), None);
    }

    #[test]
    fn a_name_in_dns_form() {
        let option = b"\x05\xff\xff\x02pc\x07example\x00";
        assert_eq!(text(option, HOSTNAME).unwrap(), b"pc");
        assert_eq!(text(option, DOMAINNAME).unwrap(), b".example");
        assert_eq!(text(option, FQDN).unwrap(), b"pc.example");
        let open = b"\x05\xff\xff\x02pc\x07example";
        assert_eq!(text(open, HOSTNAME).unwrap(), b"pc.example");
        assert_eq!(text(open, DOMAINNAME), None);
        let bad = b"\x05\xff\xff\x42pc";
        assert_eq!(text(bad, SERVER_UPDATE), None);
        assert_eq!(text(bad, ENCODED).unwrap(), [1]);
    }

    #[test]
    fn encoded_again() {
        let mut fields: [Option<Data>; 9] = Default::default();
        fields[FQDN as usize] = Some(Data::from(&b"pc.example."[..]));
        fields[SERVER_UPDATE as usize] = Some(Data::from(&[1][..]));
        fields[RCODE1 as usize] = Some(Data::from(&[255][..]));
        assert_eq!(encode(&fields)[..], *b"\x01\xff\x00pc.example.");
        fields[ENCODED as usize] = Some(Data::from(&[1][..]));
        assert_eq!(encode(&fields)[..], *b"\x05\xff\x00\x02pc\x07example\x00");
    }
}
