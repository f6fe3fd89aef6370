//! The order in which never-used addresses are handed out (rule 3.5), computed from the ranges.
//!
//! ISC hangs every address of every range into one hash table of 100,003 buckets and, at start, walks the table from
//! bucket 0, queueing each address on its pool. Address A is in bucket A mod 100003; inside a bucket the one added last
//! comes first, so later ranges, and higher addresses of one range, precede; an address with a record in the lease file
//! was added last of all. As long as the walk stays in one pool the next address goes behind the last; once something
//! else came between (an address of another pool, or one with a record) it goes to the front of the queue. So the
//! queue is the walk cut into *runs*, the last run first.
//!
//! Here the walk is not made. Ranges are cut into [`Segment`]s that do not wrap around the table, the table into
//! stretches of buckets over which the set of segments does not change, and runs are kept as [`Piece`]s of such
//! stretches: a few for each range, at most two for each bucket in the worst case.

use crate::octets::{Damaged, Octets, Put, Result};
use std::cmp::Reverse;
use std::collections::BTreeMap;

pub(super) const BUCKETS: u32 = 100_003;

pub(super) fn bucket(address: u32) -> u32 {
    address % BUCKETS
}

/// Addresses that lie in consecutive buckets: `base` is the one that would lie in bucket 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Segment {
    /// Address minus bucket; may be negative below the first bucket of address 0.
    base: i64,
    first: u32,
    last: u32,
    pool: u32,
}

/// Part of a pool's queue of never-used addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Piece {
    first: u32,
    last: u32,
    /// Bases of the addresses of one bucket, in the order of the walk.
    bases: Box<[i64]>,
    /// Each bucket is a run of its own, so they are read from the last to the first.
    descending: bool,
}

/// The never-used addresses of one pool in the order they are handed out, and how far that has gone.
#[derive(Clone, Debug, Default)]
pub struct Order {
    pieces: Vec<Piece>,
    piece: usize,
    bucket: u32,
    base: usize,
}

impl Order {
    /// The next address that is not `used`; it stays the next until it is.
    pub(super) fn peek(&mut self, mut used: impl FnMut(u32) -> bool) -> Option<u32> {
        loop {
            let piece = self.pieces.get(self.piece)?;
            let span = piece.last - piece.first;
            if self.bucket > span {
                self.piece += 1;
                self.bucket = 0;
                self.base = 0;
                continue;
            }
            let Some(base) = piece.bases.get(self.base) else {
                self.bucket += 1;
                self.base = 0;
                continue;
            };
            let bucket = if piece.descending { piece.last - self.bucket } else { piece.first + self.bucket };
            match u32::try_from(base + i64::from(bucket)) {
                Ok(address) if !used(address) => return Some(address),
                _ => self.base += 1,
            }
        }
    }
}

impl Order {
    /// What is left of it, as octets.
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        let left = self.pieces.get(self.piece..).unwrap_or_default();
        out.count(left.len());
        for piece in left {
            out.u32(piece.first);
            out.u32(piece.last);
            out.bool(piece.descending);
            out.count(piece.bases.len());
            piece.bases.iter().for_each(|base| out.i64(*base));
        }
        out.u32(self.bucket);
        out.count(self.base);
    }

    pub(super) fn read(octets: &mut Octets<'_>) -> Result<Order> {
        let pieces = octets.list(13, |octets| {
            let (first, last) = (octets.u32()?, octets.u32()?);
            if first > last || last >= BUCKETS {
                return Err(Damaged("a stretch of the table"));
            }
            Ok(Piece { first, last, descending: octets.bool()?, bases: octets.list(8, base)?.into() })
        })?;
        Ok(Order { pieces, piece: 0, bucket: octets.u32()?, base: octets.u32()? as usize })
    }
}

/// An address less its bucket.
fn base(octets: &mut Octets<'_>) -> Result<i64> {
    let base = octets.i64()?;
    match (-i64::from(BUCKETS)..=i64::from(u32::MAX)).contains(&base) {
        true => Ok(base),
        false => Err(Damaged("an address")),
    }
}

/// A range as it was declared: `low..=high` of pool number `pool`. Ranges are given in the order of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Declared {
    pub pool: u32,
    pub low: u32,
    pub high: u32,
}

fn segments(ranges: &[Declared]) -> Vec<Segment> {
    let mut segments = Vec::new();
    for range in ranges {
        let mut low = u64::from(range.low);
        while low <= u64::from(range.high) {
            let first = (low % u64::from(BUCKETS)) as u32;
            let room = u64::from(BUCKETS - 1 - first);
            let high = (low + room).min(u64::from(range.high));
            segments.push(Segment {
                base: low as i64 - i64::from(first),
                first,
                last: first + (high - low) as u32,
                pool: range.pool,
            });
            low = high + 1;
        }
    }
    segments
}

/// Runs of one pool while the walk goes on.
#[derive(Default)]
struct Runs {
    /// Finished runs in the order of the walk, each a list of pieces.
    finished: Vec<Vec<Piece>>,
    current: Vec<Piece>,
}

impl Runs {
    fn append(&mut self, piece: Piece) {
        if let Some(last) = self.current.last_mut()
            && last.last + 1 == piece.first
            && last.bases == piece.bases
        {
            last.last = piece.last;
        } else {
            self.current.push(piece);
        }
    }

    /// Ends the current run. One that is a single bucket joins a row of such.
    fn cut(&mut self) {
        let mut run = std::mem::take(&mut self.current);
        if let [single] = &mut run[..]
            && single.first == single.last
        {
            single.descending = true;
            if let Some([row]) = self.finished.last_mut().map(Vec::as_mut_slice)
                && row.descending
                && row.last + 1 == single.first
                && row.bases == single.bases
            {
                row.last = single.first;
                return;
            }
        }
        if !run.is_empty() {
            self.finished.push(run);
        }
    }

    fn order(mut self) -> Order {
        self.cut();
        let pieces = self.finished.into_iter().rev().flatten().collect();
        Order { pieces, ..Order::default() }
    }
}

/// The walk over the whole table.
struct Walk {
    runs: Vec<Runs>,
    /// Pool of the address the walk passed last.
    at: Option<u32>,
}

impl Walk {
    /// The walk goes on to addresses of `pool`; its run ends when something came between.
    fn enter(&mut self, pool: u32) -> Option<&mut Runs> {
        let stays = self.at == Some(pool);
        self.at = Some(pool);
        let runs = self.runs.get_mut(pool as usize)?;
        if !stays {
            runs.cut();
        }
        Some(runs)
    }

    /// Buckets `first..=last`, all with the same segments in the same order.
    fn stretch(&mut self, first: u32, last: u32, groups: &[(u32, Box<[i64]>)]) {
        if let [(pool, bases)] = groups {
            if let Some(runs) = self.enter(*pool) {
                runs.append(Piece { first, last, bases: bases.clone(), descending: false });
            }
            return;
        }
        for bucket in first..=last {
            for (pool, bases) in groups {
                if let Some(runs) = self.enter(*pool) {
                    runs.append(Piece {
                        first: bucket,
                        last: bucket,
                        bases: bases.clone(),
                        descending: false,
                    });
                }
            }
        }
    }
}

/// Pools met in one bucket, and the bases of their addresses there.
type Groups = Vec<(u32, Box<[i64]>)>;

/// Adjacent segments of one pool together: they follow each other in the walk.
fn groups<'a>(active: impl Iterator<Item = &'a Segment>) -> Groups {
    let mut groups: Vec<(u32, Vec<i64>)> = Vec::new();
    for segment in active {
        match groups.last_mut() {
            Some((pool, bases)) if *pool == segment.pool => bases.push(segment.base),
            _ => groups.push((segment.pool, vec![segment.base])),
        }
    }
    groups.into_iter().map(|(pool, bases)| (pool, bases.into_boxed_slice())).collect()
}

/// The groups of a bucket in which the addresses `used` lie elsewhere. Where no other pool is met a used address does no
/// harm, and left in its place it makes buckets look alike.
fn groups_without(active: &BTreeMap<Reverse<usize>, &Segment>, bucket: u32, used: &[(u32, u32)]) -> Groups {
    let is_used = |segment: &Segment| {
        used.iter().any(|(_, address)| i64::from(*address) == segment.base + i64::from(bucket))
    };
    let mut pools = active.values().filter(|segment| !is_used(segment)).map(|segment| segment.pool);
    let Some(first) = pools.next() else { return Vec::new() };
    if pools.all(|pool| pool == first) {
        return groups(active.values().copied().filter(|segment| segment.pool == first));
    }
    groups(active.values().copied().filter(|segment| !is_used(segment)))
}

/// The orders of pools `0..pools`. `recorded` holds, ascending, the addresses with a record, each after its bucket.
pub(super) fn orders(pools: usize, ranges: &[Declared], mut recorded: &[(u32, u32)]) -> Vec<Order> {
    let segments = segments(ranges);
    // Where the set of segments changes, or the walk meets an address with a record.
    let mut changes: Vec<(u32, usize, bool)> = Vec::with_capacity(segments.len() * 2);
    for (number, segment) in segments.iter().enumerate() {
        changes.push((segment.first, number, true));
        changes.push((segment.last + 1, number, false));
    }
    changes.sort_unstable();
    let mut walk = Walk { runs: (0..pools).map(|_| Runs::default()).collect(), at: None };
    let mut active: BTreeMap<Reverse<usize>, &Segment> = BTreeMap::new();
    let mut changes = changes.into_iter().peekable();
    let mut first = 0;
    let mut here = groups(active.values().copied());
    while first < BUCKETS {
        let mut changed = false;
        while let Some((_, number, begins)) = changes.next_if(|change| change.0 <= first) {
            changed = true;
            if begins {
                if let Some(segment) = segments.get(number) {
                    active.insert(Reverse(number), segment);
                }
            } else {
                active.remove(&Reverse(number));
            }
        }
        if changed {
            here = groups(active.values().copied());
        }
        let (used, rest) = recorded.split_at(recorded.partition_point(|(bucket, _)| *bucket <= first));
        recorded = rest;
        if !used.is_empty() {
            walk.at = None;
            walk.stretch(first, first, &groups_without(&active, first, used));
            first += 1;
            continue;
        }
        let change = changes.peek().map_or(BUCKETS, |change| change.0);
        let next = recorded.first().map_or(BUCKETS, |(bucket, _)| *bucket).min(change).min(BUCKETS);
        walk.stretch(first, next - 1, &here);
        first = next;
    }
    walk.runs.into_iter().map(Runs::order).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap as Map, HashSet};

    fn address(text: &str) -> u32 {
        u32::from(text.parse::<std::net::Ipv4Addr>().unwrap())
    }

    fn all(mut order: Order) -> Vec<u32> {
        let mut used = HashSet::new();
        std::iter::from_fn(move || {
            let next = order.peek(|a| used.contains(&a))?;
            used.insert(next);
            Some(next)
        })
        .collect()
    }

    #[test]
    fn a_single_range_begins_at_the_lowest_bucket() {
        // Measured: rule 3.5.
        let ranges = [Declared { pool: 0, low: address("10.9.168.57"), high: address("10.9.168.62") }];
        let order = all(orders(1, &ranges, &[]).remove(0));
        let last: Vec<u32> = order.iter().map(|a| a & 0xff).collect();
        assert_eq!(last, [60, 61, 62, 57, 58, 59]);
    }

    #[test]
    fn a_nine_costs_little() {
        let ranges = [Declared { pool: 0, low: address("10.0.0.1"), high: address("10.127.255.254") }];
        let mut order = orders(1, &ranges, &[]).remove(0);
        assert!(order.pieces.len() < 10, "{}", order.pieces.len());
        assert!(order.peek(|_| false).is_some());
    }

    /// What ISC does, literally: every address into its bucket, newest in front; the walk; the queues.
    fn literal(pools: usize, ranges: &[Declared], recorded: &[u32]) -> Vec<Vec<u32>> {
        let mut table: Map<u32, Vec<(u32, u32, bool)>> = Map::new();
        for range in ranges {
            for a in range.low..=range.high {
                if !recorded.contains(&a) {
                    table.entry(bucket(a)).or_default().insert(0, (a, range.pool, false));
                }
            }
        }
        for &a in recorded {
            table.entry(bucket(a)).or_default().insert(0, (a, 0, true));
        }
        let mut queues = vec![Vec::new(); pools];
        let mut last: Option<(u32, usize)> = None;
        for (a, pool, record) in table.into_values().flatten() {
            if record {
                last = None;
                continue;
            }
            let place = last.filter(|l| l.0 == pool).map_or(0, |l| l.1 + 1);
            queues[pool as usize].insert(place, a);
            last = Some((pool, place));
        }
        queues
    }

    proptest! {
        #[test]
        fn the_order_is_the_one_of_the_literal_walk(
            ranges in prop::collection::vec((0u32..3, 0u32..4, 0u32..60, 0u32..30), 1..6),
            recorded in prop::collection::vec((0usize..6, 0u32..30), 0..5),
        ) {
            // Ranges a multiple of the table apart share buckets; drop those that overlap.
            let mut declared: Vec<Declared> = Vec::new();
            for (pool, layer, at, len) in ranges {
                let low = BUCKETS * (layer + 1700) - 20 + at;
                let range = Declared { pool, low, high: low + len };
                if declared.iter().all(|d| d.high < range.low || range.high < d.low) {
                    declared.push(range);
                }
            }
            let mut used: Vec<u32> = recorded
                .iter()
                .filter_map(|&(range, at)| declared.get(range).map(|d| (d.low + at).min(d.high)))
                .collect();
            used.sort_unstable();
            used.dedup();
            let mut buckets: Vec<(u32, u32)> = used.iter().map(|&a| (bucket(a), a)).collect();
            buckets.sort_unstable();
            let expected = literal(3, &declared, &used);
            for (pool, mut order) in orders(3, &declared, &buckets).into_iter().enumerate() {
                let mut gone: HashSet<u32> = used.iter().copied().collect();
                let mut got = Vec::new();
                while let Some(next) = order.peek(|a| gone.contains(&a)) {
                    gone.insert(next);
                    got.push(next);
                }
                prop_assert_eq!(&got, &expected[pool]);
            }
        }
    }
}
