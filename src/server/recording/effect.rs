//! Effects as octets: to be compared, and to be shown when they differ.

use crate::dhcp4::export::{line, put_line, put_send, send};
use crate::octets::{Damaged, Octets, Put, Result, checksum};
use crate::server::effect::{Effect, Effects, Route};
use crate::stream::StreamEffect;
use std::fmt::Write as _;

mod tag {
    pub const SEND: u8 = 1;
    pub const APPEND: u8 = 2;
    pub const LOG: u8 = 3;
    pub const PING: u8 = 4;
    pub const FIND_NAME: u8 = 5;
    pub const REWRITE_BEGIN: u8 = 6;
    pub const REWRITE_CHUNK: u8 = 7;
    pub const REWRITE_END: u8 = 8;
    pub const STREAM: u8 = 9;
    pub const EXECUTE: u8 = 10;
    pub const EXIT: u8 = 11;
}

/// Appends the effects from number `from` on, each as counted octets, and says where each ends.
pub fn effects(out: &mut Vec<u8>, all: &Effects, from: usize, mut ends: impl FnMut(&mut Vec<u8>)) {
    for effect in all.list.get(from..).unwrap_or_default() {
        let start = out.len();
        out.u32(0);
        put(out, effect, &all.bytes);
        let length = (out.len() - start - 4) as u32;
        if let Some(place) = out.get_mut(start..start + 4) {
            place.copy_from_slice(&length.to_be_bytes());
        }
        ends(out);
    }
}

fn put(out: &mut Vec<u8>, effect: &Effect, bytes: &[u8]) {
    let octets = |range: &std::ops::Range<usize>| bytes.get(range.clone()).unwrap_or_default();
    match effect {
        Effect::Send(send) => {
            out.u8(tag::SEND);
            put_send(out, send);
            out.put(octets(&send.payload));
        }
        Effect::Append { sequence, record } => {
            out.u8(tag::APPEND);
            out.u64(*sequence);
            out.put(octets(record));
        }
        Effect::Log(line) => {
            out.u8(tag::LOG);
            put_line(out, line);
        }
        Effect::Ping(address) => {
            out.u8(tag::PING);
            out.address(*address);
        }
        Effect::FindName(address) => {
            out.u8(tag::FIND_NAME);
            out.address(*address);
        }
        Effect::RewriteBegin => out.u8(tag::REWRITE_BEGIN),
        Effect::RewriteChunk(range) => {
            out.u8(tag::REWRITE_CHUNK);
            let text = octets(range);
            // Comments name the version that wrote them.
            let lines = text.split_inclusive(|octet| *octet == b'\n');
            let lines: Vec<&[u8]> = lines.filter(|line| !line.starts_with(b"#")).collect();
            out.count(lines.iter().map(|line| line.len()).sum());
            out.u64(checksum(&lines));
        }
        Effect::RewriteEnd => out.u8(tag::REWRITE_END),
        Effect::Stream { stream, effect } => {
            out.u8(tag::STREAM);
            out.u64(stream.0);
            match effect {
                StreamEffect::Connect { local, remote } => {
                    out.u8(1);
                    out.socket(*local);
                    out.socket(*remote);
                }
                StreamEffect::Write(range) => {
                    out.u8(2);
                    out.put(octets(range));
                }
                StreamEffect::Close => out.u8(3),
                StreamEffect::Abort => out.u8(4),
                StreamEffect::WriteOnceDurable { sequence, octets: range } => {
                    out.u8(5);
                    out.u64(*sequence);
                    out.put(octets(range));
                }
            }
        }
        Effect::Execute(words) => {
            out.u8(tag::EXECUTE);
            out.count(words.len());
            words.iter().for_each(|word| out.octets(word));
        }
        Effect::Exit(status) => {
            out.u8(tag::EXIT);
            out.u32(status.cast_unsigned());
        }
    }
}

/// Where two lists of effects begin to differ: what stands there in each, if anything does.
pub fn first_difference(recorded: &[u8], replayed: &[u8]) -> Option<(Option<String>, Option<String>)> {
    let (mut recorded, mut replayed) = (Octets::new(recorded), Octets::new(replayed));
    loop {
        let (left, right) = (next(&mut recorded), next(&mut replayed));
        match (left, right) {
            (None, None) => return None,
            (left, right) if left == right => {}
            (left, right) => return Some((left.map(describe), right.map(describe))),
        }
    }
}

fn next<'a>(octets: &mut Octets<'a>) -> Option<&'a [u8]> {
    if octets.is_empty() {
        return None;
    }
    // A damaged list is one effect that is like no other.
    let whole = *octets;
    Some(octets.octets().unwrap_or_else(|_| {
        let mut whole = whole;
        octets.rest();
        whole.rest()
    }))
}

/// An effect in words.
pub fn describe(effect: &[u8]) -> String {
    described(effect).unwrap_or_else(|_| format!("no effect: {}", hexadecimal(effect)))
}

fn described(effect: &[u8]) -> Result<String> {
    let mut octets = Octets::new(effect);
    let octets = &mut octets;
    Ok(match octets.u8()? {
        tag::SEND => {
            let (send, payload) = (send(octets)?, octets.rest());
            let (source, port, to) = (send.source, send.source_port, send.destination);
            let way = match &send.route {
                Route::Link { interface, hardware } => {
                    format!("interface {} to <{}>", interface.0, hexadecimal(hardware))
                }
                Route::Socket { .. } => "the routed socket".to_owned(),
            };
            format!("send by {way} from {source}:{port} to {to}: {}", hexadecimal(payload))
        }
        tag::APPEND => format!("append record {}: {}", octets.u64()?, escaped(octets.rest())),
        tag::LOG => {
            let line = line(octets)?;
            format!("log {:?}: {}", line.priority, line.text)
        }
        tag::PING => format!("ping {}", octets.address()?),
        tag::FIND_NAME => format!("find the name of {}", octets.address()?),
        tag::REWRITE_BEGIN => "begin a new lease file".to_owned(),
        tag::REWRITE_CHUNK => {
            format!("{} octets of the new lease file, checksum {:016x}", octets.u32()?, octets.u64()?)
        }
        tag::REWRITE_END => "end the new lease file".to_owned(),
        tag::STREAM => format!("stream {}: {}", octets.u64()?, hexadecimal(octets.rest())),
        tag::EXECUTE => {
            let words = octets.list(4, |octets| Ok(escaped(octets.octets()?)))?;
            format!("execute {}", words.join(" "))
        }
        tag::EXIT => format!("exit {}", octets.u32()?.cast_signed()),
        _ => return Err(Damaged("an effect")),
    })
}

fn hexadecimal(octets: &[u8]) -> String {
    octets.iter().fold(String::with_capacity(octets.len() * 2), |mut out, octet| {
        // Writing to a string does not fail.
        let _ = write!(out, "{octet:02x}");
        out
    })
}

fn escaped(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).escape_debug().to_string()
}
