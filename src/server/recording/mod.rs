//! A recording of the core: every input it had, and the effects that followed, so that they can be brought about again
//! without network, disk or clock (`-tf`, `-play`).
//!
//! The file begins with [`MAGIC`] and the version of the format, two octets. Then come frames:
//!
//! | octets | what |
//! |---|---|
//! | 4 | length of the body, at most [`FRAME_MAX`] |
//! | 1 | kind: a constant of [`kind`] |
//! | n | body |
//! | 8 | FNV-1a checksum of length, kind and body |
//!
//! All numbers are big-endian. A file that ends inside a frame, or whose frame does not have its checksum, counts up to
//! the frame before. First the start: [`Start`], the configuration and each of its includes (`FILE`, then `CHUNK`s), the
//! resolved names and the second at which they were used (`NAMES`), the lease file as read. Then the inputs of
//! [`super::Server`] in order, each followed by its effects (`EFFECTS`, more than one frame when there are many). `END`
//! stands at the end of a recording that was ended in order.
//!
//! Text of a rewritten lease file is not kept: it follows from the rest; a checksum of it is.

mod effect;
mod event;
mod start;
#[cfg(test)]
mod tests;

pub use crate::dhcp4::export::{interfaces, put_interfaces};
pub use effect::{describe, effects, first_difference};
pub use event::{event, put_event};
pub use start::{FileRole, Start, names_at, put_names_at};

use super::management::Settings;
use crate::clock::{Now, Wall};
use crate::octets::{Damaged, Octets, Put, Result, checksum};

/// How a recording begins.
pub const MAGIC: &[u8] = b"dhcpd-rs recording\n";
/// Of the format. One that is newer than the reader is refused.
pub const VERSION: u16 = 1;
/// Octets before the first frame.
pub const HEAD: usize = MAGIC.len() + 2;
/// How ISC's trace files begin.
pub const ISC_MAGIC: &[u8] = b"dHCp";

/// Longest body of a frame: a table of a million host names fits.
pub const FRAME_MAX: usize = 256 << 20;
/// Longest piece of a file, and how many octets of effects fill a frame.
pub const PIECE: usize = 1 << 20;
/// Octets of a frame around its body.
pub const FRAME_AROUND: usize = 4 + 1 + 8;

/// Kinds of frames.
pub mod kind {
    pub const START: u8 = 1;
    pub const FILE: u8 = 2;
    pub const CHUNK: u8 = 3;
    pub const NAMES: u8 = 4;
    pub const OPEN: u8 = 16;
    pub const SAY_WRITTEN: u8 = 17;
    pub const INTERFACES: u8 = 18;
    pub const DUID: u8 = 19;
    pub const EVENT: u8 = 20;
    pub const SAY_WHEN_WRITTEN: u8 = 21;
    pub const OMAPI: u8 = 22;
    pub const FAILOVER: u8 = 23;
    pub const EFFECTS: u8 = 64;
    pub const END: u8 = 255;
}

/// Appends a frame whose body `write` appends.
pub fn frame(out: &mut Vec<u8>, kind: u8, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.u32(0);
    out.u8(kind);
    let body = out.len();
    write(out);
    let length = (out.len() - body) as u32;
    if let Some(place) = out.get_mut(start..start + 4) {
        place.copy_from_slice(&length.to_be_bytes());
    }
    let sum = checksum(&[out.get(start..).unwrap_or_default()]);
    out.u64(sum);
}

/// The head of a file.
pub fn head() -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.u16(VERSION);
    out
}

/// Why a file is no recording that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRecording {
    /// A trace of ISC dhcpd.
    Isc,
    Newer(u16),
    Other,
}

/// Checks the first [`HEAD`] octets of a file, or all it has.
pub fn check_head(head: &[u8]) -> std::result::Result<(), NoRecording> {
    if head.starts_with(ISC_MAGIC) {
        return Err(NoRecording::Isc);
    }
    let mut octets = Octets::new(head.strip_prefix(MAGIC).ok_or(NoRecording::Other)?);
    match octets.u16() {
        Ok(VERSION) => Ok(()),
        Ok(newer) => Err(NoRecording::Newer(newer)),
        Err(_) => Err(NoRecording::Other),
    }
}

/// Length of the body and kind of a frame, from its first five octets.
pub fn frame_head(head: [u8; 5]) -> Result<(usize, u8)> {
    let [a, b, c, d, kind] = head;
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    match length <= FRAME_MAX {
        true => Ok((length, kind)),
        false => Err(Damaged("a shorter frame")),
    }
}

/// The body of a frame, from what follows its head: body and checksum.
pub fn frame_body(head: [u8; 5], rest: &[u8]) -> Result<&[u8]> {
    let (body, sum) = rest.split_last_chunk::<8>().ok_or(Damaged("a checksum"))?;
    match u64::from_be_bytes(*sum) == checksum(&[&head, body]) {
        true => Ok(body),
        false => Err(Damaged("a frame with its checksum")),
    }
}

pub fn put_now(out: &mut Vec<u8>, now: Now) {
    out.i64(now.wall);
    out.u64(now.mono);
}

/// A moment that a clock can show: sums with it do not overflow.
pub fn now(octets: &mut Octets<'_>) -> Result<Now> {
    let (wall, mono) = (wall(octets)?, octets.u64()?);
    match mono < 1 << 62 {
        true => Ok(Now { wall, mono }),
        false => Err(Damaged("a time")),
    }
}

fn wall(octets: &mut Octets<'_>) -> Result<Wall> {
    let wall = octets.i64()?;
    match (0..1 << 40).contains(&wall) {
        true => Ok(wall),
        false => Err(Damaged("a time")),
    }
}

pub fn put_management(out: &mut Vec<u8>, settings: &Settings) {
    out.u16(settings.port);
    out.option(settings.key.as_deref(), Vec::text);
    out.u32(settings.seed);
}

pub fn management(octets: &mut Octets<'_>) -> Result<Settings> {
    let (port, key) = (octets.u16()?, octets.option(|octets| Ok(octets.text()?.into()))?);
    Ok(Settings { port, key, seed: octets.u32()? })
}
