//! What an exchange costs the core: allocations, counted here, and instructions, counted by callgrind in the full tier.

use compat_tests::in_process::{Core, PLAIN, message};
use std::net::Ipv4Addr;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

#[test]
fn a_steady_exchange_allocates_nothing() {
    let _profiler = dhat::Profiler::builder().testing().build();
    let mut core = Core::new(PLAIN, Ipv4Addr::new(10, 255, 255, 1));
    let clients = 0..500u16;
    let discovers: Vec<_> = clients.clone().map(|client| message(1, client, None)).collect();
    let mut requests = Vec::new();
    for (client, discover) in clients.zip(&discovers) {
        let offered = core.ask(discover).expect("an offer");
        let request = message(3, client, Some(offered));
        assert_eq!(core.ask(&request), Some(offered));
        requests.push(request);
    }
    let count = |what: &str, each: &mut dyn FnMut()| {
        // Buffers grow to their size.
        each();
        let before = dhat::HeapStats::get().total_blocks;
        each();
        let per = (dhat::HeapStats::get().total_blocks - before) as f64 / 500.0;
        println!("{what}: {per:.2} allocations");
        per
    };
    let offers = count("DISCOVER and OFFER", &mut || {
        for discover in &discovers {
            assert!(core.ask(discover).is_some());
        }
    });
    let renewals = count("REQUEST and ACK", &mut || {
        for request in &requests {
            assert!(core.ask(request).is_some());
        }
    });
    // What is left: a node of the queue's tree now and then.
    assert!(offers < 0.2 && renewals < 0.2, "{offers} and {renewals} allocations");
}
