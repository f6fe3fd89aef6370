//! Octet strings of our own formats (exported state, recordings): big-endian numbers, counted octets. Reading never panics,
//! and takes no more memory than what is there.

use std::net::{Ipv4Addr, SocketAddrV4};

/// What was read is not what was written: too short, or a value that does not exist. The text names what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damaged(pub &'static str);

impl std::fmt::Display for Damaged {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} expected", self.0)
    }
}

impl std::error::Error for Damaged {}

pub type Result<T> = std::result::Result<T, Damaged>;

/// Appends to octets.
pub trait Put {
    fn put(&mut self, octets: &[u8]);

    fn u8(&mut self, value: u8) {
        self.put(&[value]);
    }

    fn u16(&mut self, value: u16) {
        self.put(&value.to_be_bytes());
    }

    fn u32(&mut self, value: u32) {
        self.put(&value.to_be_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.put(&value.to_be_bytes());
    }

    fn i64(&mut self, value: i64) {
        self.put(&value.to_be_bytes());
    }

    fn bool(&mut self, value: bool) {
        self.u8(u8::from(value));
    }

    /// A count; what does not fit 32 bits cannot be held in memory either.
    fn count(&mut self, count: usize) {
        self.u32(u32::try_from(count).unwrap_or(u32::MAX));
    }

    /// Their number, then the octets.
    fn octets(&mut self, octets: &[u8]) {
        self.count(octets.len());
        self.put(octets);
    }

    fn text(&mut self, text: &str) {
        self.octets(text.as_bytes());
    }

    fn option<T>(&mut self, value: Option<T>, put: impl FnOnce(&mut Self, T))
    where
        Self: Sized,
    {
        self.bool(value.is_some());
        if let Some(value) = value {
            put(self, value);
        }
    }

    fn address(&mut self, address: Ipv4Addr) {
        self.put(&address.octets());
    }

    fn socket(&mut self, socket: SocketAddrV4) {
        self.address(*socket.ip());
        self.u16(socket.port());
    }
}

impl Put for Vec<u8> {
    fn put(&mut self, octets: &[u8]) {
        self.extend_from_slice(octets);
    }
}

/// Reads what [`Put`] appended.
#[derive(Clone, Copy, Debug)]
pub struct Octets<'a> {
    rest: &'a [u8],
}

impl<'a> Octets<'a> {
    pub fn new(octets: &'a [u8]) -> Self {
        Octets { rest: octets }
    }

    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Everything that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    pub fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Damaged("more octets"))?;
        self.rest = rest;
        Ok(taken)
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(Damaged("more octets"))?;
        self.rest = rest;
        Ok(*taken)
    }

    pub fn u8(&mut self) -> Result<u8> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    pub fn u16(&mut self) -> Result<u16> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    pub fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    pub fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    pub fn i64(&mut self) -> Result<i64> {
        Ok(i64::from_be_bytes(self.array()?))
    }

    pub fn bool(&mut self) -> Result<bool> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Damaged("0 or 1")),
        }
    }

    /// How many things follow, of which each takes at least `least` octets: never more than can be there.
    pub fn count(&mut self, least: usize) -> Result<usize> {
        let count = self.u32()? as usize;
        match count.checked_mul(least.max(1)) {
            Some(octets) if octets <= self.rest.len() => Ok(count),
            _ => Err(Damaged("a smaller count")),
        }
    }

    pub fn octets(&mut self) -> Result<&'a [u8]> {
        let count = self.count(1)?;
        self.take(count)
    }

    pub fn text(&mut self) -> Result<&'a str> {
        std::str::from_utf8(self.octets()?).map_err(|_| Damaged("text"))
    }

    pub fn option<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<Option<T>> {
        match self.bool()? {
            true => read(self).map(Some),
            false => Ok(None),
        }
    }

    /// A list of things of at least `least` octets each.
    pub fn list<T>(&mut self, least: usize, mut read: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let count = self.count(least)?;
        let mut list = Vec::new();
        for _ in 0..count {
            list.push(read(self)?);
        }
        Ok(list)
    }

    pub fn address(&mut self) -> Result<Ipv4Addr> {
        Ok(Ipv4Addr::from(self.array::<4>()?))
    }

    pub fn socket(&mut self) -> Result<SocketAddrV4> {
        Ok(SocketAddrV4::new(self.address()?, self.u16()?))
    }

    /// Nothing may be left.
    pub fn end(&self) -> Result<()> {
        match self.rest {
            [] => Ok(()),
            _ => Err(Damaged("the end")),
        }
    }
}

/// FNV-1a, 64 bits: tells damage by accident, not by intent.
pub fn checksum(parts: &[&[u8]]) -> u64 {
    let octets = parts.iter().flat_map(|part| part.iter());
    octets.fold(0xcbf2_9ce4_8422_2325, |sum, octet| (sum ^ u64::from(*octet)).wrapping_mul(0x100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_is_read() {
        let mut out = Vec::new();
        out.u8(1);
        out.u16(2);
        out.u32(3);
        out.u64(4);
        out.i64(-5);
        out.bool(true);
        out.text("six");
        out.option(Some(7), Vec::u8);
        out.option(None, Vec::u8);
        out.socket(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 67));
        let mut octets = Octets::new(&out);
        assert_eq!((octets.u8(), octets.u16(), octets.u32()), (Ok(1), Ok(2), Ok(3)));
        assert_eq!((octets.u64(), octets.i64(), octets.bool()), (Ok(4), Ok(-5), Ok(true)));
        assert_eq!(octets.text(), Ok("six"));
        assert_eq!(octets.option(Octets::u8), Ok(Some(7)));
        assert_eq!(octets.option(Octets::u8), Ok(None));
        assert_eq!(octets.socket(), Ok(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 67)));
        assert_eq!(octets.end(), Ok(()));
    }

    #[test]
    fn a_count_beyond_what_is_there_is_damage() {
        let mut out = Vec::new();
        out.u32(u32::MAX);
        out.u8(0);
        assert!(Octets::new(&out).octets().is_err());
        assert!(Octets::new(&out).list(1, Octets::u8).is_err());
        assert!(Octets::new(&[2]).bool().is_err());
    }

    /// Published values of the function.
    #[test]
    fn the_checksum_is_fnv() {
        assert_eq!(checksum(&[b""]), 0xcbf2_9ce4_8422_2325);
        assert_eq!(checksum(&[b"foo", b"bar"]), 0x8594_4171_f739_67e8);
    }
}
