//! Classes at scale: a subclass is found by its value, however many there are.

use compat_tests::in_process::{Core, message};
use std::fmt::Write;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

/// A class of clients by hardware address, all of clients 0 to `count` and many that never ask.
fn configuration(count: u32) -> String {
    let mut text = String::from(
        "ping-check false;\nclass \"macs\" { match hardware; }\nclass \"made\" { spawn with option host-name; lease limit 9; }\n",
    );
    for number in 0..count {
        let [_, a, b, c] = number.to_be_bytes();
        let (low, high) = if number < 1000 { (9, 0) } else { (10, a) };
        let _ = writeln!(
            text,
            "subclass \"macs\" 1:2:0:{high:x}:{low:x}:{b:x}:{c:x} {{ option domain-name \"d{number}\"; }}"
        );
    }
    text + "subnet 10.0.0.0 netmask 255.0.0.0 { range 10.1.0.0 10.1.63.255; }\n"
}

/// The quickest of five rounds of a thousand DISCOVERs.
fn thousand_offers(core: &mut Core) -> Duration {
    let messages: Vec<_> = (0..1000u16).map(|client| message(1, client, None)).collect();
    let round = || {
        let began = Instant::now();
        for message in &messages {
            assert!(core.ask(message).is_some());
        }
        began.elapsed()
    };
    std::iter::repeat_with(round).take(5).min().expect("five rounds")
}

#[test]
fn fifty_thousand_subclasses_cost_no_more_than_a_thousand() {
    let of = |count| {
        let text = configuration(count);
        let began = Instant::now();
        let mut core = Core::new(&text, Ipv4Addr::new(10, 255, 255, 1));
        let read = began.elapsed();
        (read, thousand_offers(&mut core))
    };
    let ((_, few), (read, many)) = (of(1_000), of(50_000));
    println!(
        "50,000 subclasses: read in {read:?}; an offer takes {:?}, with 1,000 of them {:?}",
        many / 1000,
        few / 1000
    );
    // A walk would take fifty times as long.
    assert!(many < few * 3, "{many:?} against {few:?}");
}
