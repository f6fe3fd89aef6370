use super::*;
use crate::eval::ast::Block;
use crate::lease::binding::Value;
use crate::lease::pool::{PoolSpec, RangeSpec};
use crate::lease::store::Candidate;
use std::net::Ipv4Addr;

/// A store of one pool, and what surrounds it.
struct Bench {
    store: Store,
    journal: Journal,
    failover: Failover,
    outcome: Outcome,
    spaces: crate::option::Spaces,
    hosts: HostTable,
}

impl Bench {
    fn new() -> Self {
        let address = |n| Ipv4Addr::new(10, 0, 0, n);
        let range = RangeSpec { low: address(10), high: address(12), declared: 0 };
        Bench {
            store: Store::new(&[PoolSpec { network: 0, shared: false, ranges: vec![range] }]),
            journal: Journal::default(),
            failover: Failover::default(),
            outcome: Outcome::default(),
            spaces: crate::option::Spaces::predefined(),
            hosts: HostTable::default(),
        }
    }

    fn at<R>(&mut self, now: Wall, f: impl FnOnce(&mut Store, &mut Around) -> R) -> R {
        let format = Format { hexadecimal: false, local: None, spaces: &self.spaces };
        let mut around = Around {
            now,
            format,
            hosts: &self.hosts,
            packet: None,
            journal: &mut self.journal,
            failover: &mut self.failover,
            outcome: &mut self.outcome,
        };
        f(&mut self.store, &mut around)
    }

    fn ack(&mut self, now: Wall, seconds: Wall) -> BindingId {
        let Some(Candidate::Fresh(address)) = self.store.candidate(PoolNumber(0), now) else { panic!() };
        let id = self.store.materialise(address).unwrap();
        let mut proposed = self.store.get(id).clone();
        proposed.starts = now;
        proposed.cltt = now;
        proposed.ends = now + seconds;
        proposed.next_state = State::Active;
        proposed.hardware = [1, 2, 0, 0, 0, 0, 1].as_slice().into();
        proposed.set_client_hostname(Some(b"pc"));
        proposed.set_variable(&"x".into(), Value::Data(b"y".as_slice().into()));
        self.at(now, |store, around| supersede(store, id, proposed, Keep::Recorded, around));
        id
    }

    fn written(&mut self) -> String {
        let text = String::from_utf8(self.journal.bytes.clone()).unwrap();
        self.journal.clear();
        text
    }
}

const NOON: Wall = 1_770_894_000;

#[test]
fn an_ack_a_release_and_an_expiry_are_written_as_isc_writes_them() {
    // Rows "lease", "released lease" and "expired lease" of leases.tsv.
    let mut bench = Bench::new();
    let id = bench.ack(NOON, 600);
    assert_eq!(
        bench.written(),
        "lease 10.0.0.10 {\n  starts 4 2026/02/12 11:00:00;\n  ends 4 2026/02/12 11:10:00;\n  \
         cltt 4 2026/02/12 11:00:00;\n  binding state active;\n  next binding state free;\n  \
         rewind binding state free;\n  hardware ethernet 02:00:00:00:00:01;\n  set x = \"y\";\n  \
         client-hostname \"pc\";\n}\n"
    );
    assert_eq!(bench.at(NOON + 60, |store, around| release(store, id, around)), 2);
    assert_eq!(
        bench.written(),
        "lease 10.0.0.10 {\n  starts 4 2026/02/12 11:00:00;\n  ends 4 2026/02/12 11:01:00;\n  \
         tstp 4 2026/02/12 11:01:00;\n  cltt 4 2026/02/12 11:00:00;\n  binding state free;\n  \
         hardware ethernet 02:00:00:00:00:01;\n}\n"
    );
    assert_eq!(bench.at(NOON + 61, |store, around| release(store, id, around)), 0);
    let id = bench.ack(NOON, 600);
    bench.journal.clear();
    assert!(bench.at(NOON + 599, |store, around| expire_due(store, 10, around)));
    assert_eq!(bench.written(), "");
    bench.at(NOON + 600, |store, around| expire_due(store, 10, around));
    assert_eq!(
        bench.written(),
        "lease 10.0.0.11 {\n  starts 4 2026/02/12 11:00:00;\n  ends 4 2026/02/12 11:10:00;\n  \
         tstp 4 2026/02/12 11:10:00;\n  cltt 4 2026/02/12 11:00:00;\n  binding state free;\n  \
         hardware ethernet 02:00:00:00:00:01;\n  set x = \"y\";\n}\n"
    );
    assert_eq!(bench.store.get(id).sequence, 4);
}

#[test]
fn an_abandoned_address_keeps_nothing_of_its_client() {
    let mut bench = Bench::new();
    let id = bench.ack(NOON, 600);
    bench.journal.clear();
    bench.at(NOON + 10, |store, around| abandon(store, id, 86_400, "declined.", around));
    assert_eq!(
        bench.written(),
        "lease 10.0.0.10 {\n  starts 4 2026/02/12 11:00:00;\n  ends 5 2026/02/13 11:00:10;\n  \
         tstp 5 2026/02/13 11:00:10;\n  cltt 4 2026/02/12 11:00:00;\n  binding state abandoned;\n  \
         next binding state free;\n  rewind binding state free;\n}\n"
    );
    let expected =
        crate::eval::machine::Act::Say(message::abandoning(Ipv4Addr::new(10, 0, 0, 10), "declined."));
    assert_eq!(bench.outcome.acts, [expected]);
    assert_eq!(bench.store.by_hardware(&[1, 2, 0, 0, 0, 0, 1]).count(), 0);
    bench.at(NOON + 90_000, |store, around| expire_due(store, 10, around));
    assert_eq!(bench.store.get(id).state, State::Free);
}

#[test]
fn an_offer_is_not_written() {
    let mut bench = Bench::new();
    let id = bench.store.materialise(Ipv4Addr::new(10, 0, 0, 11)).unwrap();
    let mut proposed = bench.store.get(id).clone();
    proposed.ends = NOON + 120;
    proposed.hardware = [1, 2, 0, 0, 0, 0, 9].as_slice().into();
    let number = bench.at(NOON, |store, around| supersede(store, id, proposed, Keep::InMemory, around));
    assert_eq!((number, bench.written().len()), (0, 0));
    assert_eq!(bench.store.by_hardware(&[1, 2, 0, 0, 0, 0, 9]).collect::<Vec<_>>(), [id]);
    assert_eq!(bench.store.get(id).state, State::Free);
    assert_eq!(bench.store.counts(PoolNumber(0)).free, 3);
}

#[test]
fn blocks_stay_until_their_event() {
    let mut bench = Bench::new();
    let id = bench.ack(NOON, 600);
    let block = Block::from([]);
    bench.store.amend(id, |binding| binding.rare_mut().on_expiry = Some(block));
    let proposed = {
        let mut proposed = bench.store.get(id).clone();
        proposed.rare_mut().on_expiry = None;
        proposed.next_state = State::Active;
        proposed
    };
    bench.at(NOON + 1, |store, around| supersede(store, id, proposed, Keep::Recorded, around));
    assert!(bench.store.get(id).rare().on_expiry.is_some());
    bench.at(NOON + 600, |store, around| expire_due(store, 10, around));
    assert!(bench.store.get(id).rare().on_expiry.is_none());
}
