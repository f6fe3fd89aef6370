use super::*;
use crate::lease::pool::RangeSpec;

fn ip(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}

fn pool(network: u32, low: &str, high: &str, declared: u64) -> PoolSpec {
    PoolSpec { network, shared: false, ranges: vec![RangeSpec { low: ip(low), high: ip(high), declared }] }
}

fn small() -> Store {
    Store::new(&[pool(0, "10.0.0.10", "10.0.0.13", 0)])
}

const P: PoolNumber = PoolNumber(0);

fn take(store: &mut Store, now: Wall) -> BindingId {
    match store.candidate(P, now).unwrap() {
        Candidate::Fresh(address) => store.materialise(address).unwrap(),
        Candidate::Known(id) => id,
    }
}

fn activate(store: &mut Store, id: BindingId, mac: u8, ends: Wall) {
    store.set_client(id, Default::default(), [1, 2, 0, 0, 0, 0, mac].as_slice().into());
    store.update(id, 0, |b| {
        b.state = State::Active;
        b.next_state = State::Free;
        b.ends = ends;
    });
}

fn free(store: &mut Store, id: BindingId, ends: Wall) {
    store.update(id, 0, |b| {
        b.state = State::Free;
        b.next_state = State::Free;
        b.ends = ends;
    });
}

#[test]
fn never_used_addresses_come_first_and_freed_ones_last_in_first_out() {
    // Rules 3.4 and 3.5, measured.
    let mut store = small();
    let ids: Vec<_> = (0..3u8)
        .map(|n| {
            let id = take(&mut store, 100);
            activate(&mut store, id, n, 1000);
            id
        })
        .collect();
    for &id in &ids {
        free(&mut store, id, 500);
    }
    let last = take(&mut store, 600);
    assert_eq!(store.get(last).address, ip("10.0.0.13"));
    activate(&mut store, last, 9, 5000);
    for &id in ids.iter().rev() {
        assert_eq!(take(&mut store, 600), id);
        activate(&mut store, id, 1, 5000);
    }
    assert_eq!(store.candidate(P, 600), None);
    assert_eq!(store.counts(P), Counts { total: 4, free: 0, backup: 0, active: 4, abandoned: 0 });
}

#[test]
fn an_offered_address_is_passed_over_for_its_two_minutes() {
    // Rule 3.6.
    let mut store = Store::new(&[pool(0, "10.0.0.10", "10.0.0.10", 0)]);
    let id = take(&mut store, 100);
    store.update(id, 0, |b| b.ends = 220);
    assert_eq!(store.candidate(P, 219), None);
    assert_eq!(store.candidate(P, 220), Some(Candidate::Known(id)));
}

#[test]
fn a_client_finds_its_active_binding_before_its_free_ones() {
    let mut store = small();
    let (a, b) = (take(&mut store, 0), store.materialise(ip("10.0.0.11")).unwrap());
    let uid = |store: &mut Store, id| store.set_client(id, b"\x01abc".as_slice().into(), Default::default());
    uid(&mut store, a);
    store.update(a, 0, |x| x.state = State::Active);
    uid(&mut store, b);
    assert_eq!(store.by_uid(b"\x01abc").collect::<Vec<_>>(), [a, b]);
    store.update(b, 0, |x| {
        x.state = State::Active;
        x.ends = 10;
    });
    uid(&mut store, b);
    assert_eq!(store.by_uid(b"\x01abc").collect::<Vec<_>>(), [b, a]);
    store.set_client(b, Default::default(), Default::default());
    assert_eq!(store.by_uid(b"\x01abc").collect::<Vec<_>>(), [a]);
    assert_eq!(store.by_uid(b"").count(), 0);
}

#[test]
fn what_is_due_is_found_by_time() {
    let mut store = small();
    let (a, b) = (take(&mut store, 0), store.materialise(ip("10.0.0.11")).unwrap());
    activate(&mut store, a, 1, 50);
    activate(&mut store, b, 2, 40);
    assert_eq!(store.next_change(), Some(40));
    assert_eq!(store.due_pool(39), None);
    assert_eq!(store.due_pool(60), Some(P));
    assert_eq!(store.due(P, 60, 10), [b, a]);
    assert_eq!(store.due(P, 60, 1), [b]);
    // The alarm of a binding that has moved away stays, as in ISC, and finds nothing.
    free(&mut store, b, 40);
    assert_eq!(store.next_change(), Some(40));
    assert_eq!(store.due(P, 40, 10), []);
    store.rearm(P, 40);
    assert_eq!(store.next_change(), Some(50));
    activate(&mut store, a, 1, NEVER);
    store.rearm(P, 50);
    assert_eq!(store.next_change(), None);
}

#[test]
fn pools_due_in_one_second_go_in_the_order_their_alarms_were_set() {
    // Measured: random seed 20314.
    let mut store = Store::new(&[pool(0, "10.0.0.10", "10.0.0.11", 0), pool(0, "10.0.0.20", "10.0.0.21", 1)]);
    let (a, b) = (store.materialise(ip("10.0.0.10")).unwrap(), store.materialise(ip("10.0.0.20")).unwrap());
    activate(&mut store, b, 1, 50);
    activate(&mut store, a, 2, 50);
    assert_eq!(store.due_pool(50), Some(PoolNumber(1)));
    store.rearm(PoolNumber(1), 50);
    assert_eq!(store.due_pool(50), Some(P));
}

#[test]
fn an_overlapping_range_keeps_only_what_was_free() {
    let store = Store::new(&[pool(0, "10.0.0.10", "10.0.0.20", 0), pool(0, "10.0.0.5", "10.0.0.30", 1)]);
    assert_eq!(store.pool_of(ip("10.0.0.15")), Some(P));
    assert_eq!(store.pool_of(ip("10.0.0.5")), Some(PoolNumber(1)));
    assert_eq!(store.pool_of(ip("10.0.0.30")), Some(PoolNumber(1)));
    assert_eq!(store.pool_of(ip("10.0.0.31")), None);
    assert_eq!((store.counts(P).total, store.counts(PoolNumber(1)).total), (11, 15));
}

#[test]
fn a_rewrite_meets_networks_newest_first_and_queues_in_order() {
    let mut store = Store::new(&[pool(0, "10.0.0.10", "10.0.0.20", 0), pool(1, "10.0.1.10", "10.0.1.20", 1)]);
    for (address, state, ends) in [
        ("10.0.0.10", State::Active, 20),
        ("10.0.0.11", State::Active, 10),
        ("10.0.0.12", State::Free, 30),
        ("10.0.1.10", State::Abandoned, 5),
    ] {
        let mut binding = Binding::never_used(ip(address));
        binding.state = state;
        binding.ends = ends;
        binding.hardware = [1, 0, 0, 0, 0, 0, 1].as_slice().into();
        store.load(binding).unwrap();
    }
    assert!(store.load(Binding::never_used(ip("10.9.0.1"))).is_err());
    store.finish_loading();
    let mut walk = RewriteWalk::new(&store);
    let order: Vec<_> = std::iter::from_fn(|| store.next_in_rewrite(&mut walk))
        .map(|id| store.get(id).address.to_string())
        .collect();
    assert_eq!(order, ["10.0.1.10", "10.0.0.12", "10.0.0.11", "10.0.0.10"]);
    assert_eq!(store.counts(P).free, 9);
}

#[test]
fn running_leases_are_prolonged_and_no_others() {
    let mut store = small();
    let ids: Vec<_> = (10..14).map(|n| store.materialise(Ipv4Addr::new(10, 0, 0, n)).unwrap()).collect();
    for (n, (id, (starts, ends))) in
        (0..).zip(ids.iter().zip([(10, 150), (10, 150), (10, NEVER), (200, 300)]))
    {
        activate(&mut store, *id, n, ends);
        store.amend(*id, |binding| binding.starts = starts);
    }
    let order = store.queue(P, Kind::Active);
    // At 100 the clock was set to 1100. The last one comes of another clock.
    assert_eq!(store.prolong(100, 1100, 1000), 2);
    let ends: Vec<Wall> = ids.iter().map(|id| store.get(*id).ends).collect();
    assert_eq!(ends, [1150, 1150, NEVER, 300]);
    let after = store.queue(P, Kind::Active);
    assert_eq!((after[0], &after[1..3]), (ids[3], &order[..2]));
    assert_eq!(store.due(P, 1100, 10), [ids[3]]);
}
