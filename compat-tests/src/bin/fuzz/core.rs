//! The core's entry under mutated datagrams: one server, one client after another, time that passes, a disk that is durable
//! a little later.

use compat_tests::in_process::{Core, START};
use dhcpd::server::event::{Event, InterfaceId};
use std::cell::RefCell;
use std::net::{Ipv4Addr, SocketAddrV4};

const CONFIGURATION: &str = include_str!("../../../../src/server/every_part.conf");

thread_local!(static CORE: RefCell<Core> = RefCell::new(core()));

fn core() -> Core {
    // More addresses, so that a long run goes on giving some.
    let text = CONFIGURATION.replace(
        "range dynamic-bootp 10.9.0.108 10.9.0.109",
        "ping-check false; range dynamic-bootp 10.9.0.108 10.9.0.129",
    );
    Core::new(&text, Ipv4Addr::new(10, 9, 0, 1))
}

/// One of each message, for several clients.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for kind in [0, 1, 1, 3, 3, 3, 4, 7, 8, 10] {
        for client in [1, 5, 7, 8, 9] {
            let mut payload = vec![0; 240];
            payload[..3].copy_from_slice(&[1, 1, 6]);
            payload[28..34].copy_from_slice(&[2, 0, 0, 0, 0, client]);
            payload[236..].copy_from_slice(b"\x63\x82\x53\x63");
            payload.extend([53, 1, kind]);
            payload.extend([50, 4, 10, 9, 0, 100 + client]);
            payload.extend(
                b"\x3d\x03\x01ab\x0c\x04host\x37\x05\x01\x03\x06\x0f\x2b\x52\x06\x01\x04slot\x51\x04\0\0\0x",
            );
            payload.push(255);
            if kind != 3 || client > 5 {
                payload[12..16].copy_from_slice(&[10, 9, 0, 100 + client]);
            }
            if client == 9 {
                payload[24..28].copy_from_slice(&[10, 9, 0, 2]);
            }
            seeds.push(payload);
        }
    }
    seeds
}

pub fn datagram(payload: &[u8]) {
    let sum: usize = payload.iter().map(|octet| usize::from(*octet)).sum();
    CORE.with_borrow_mut(|core| {
        core.now.mono += (sum as u64 % 1000) * 1000;
        core.now.wall = START + (core.now.mono / 1_000_000) as i64;
        core.handle(Event::Datagram {
            interface: Some(InterfaceId((sum % 2) as u16)),
            source: SocketAddrV4::new(Ipv4Addr::from(sum as u32), 68),
            destination: Ipv4Addr::BROADCAST,
            link_source: &[],
            payload,
        });
        match sum % 16 {
            0..8 => core.handle(Event::Durable(core.written)),
            8 => core.handle(Event::EchoReply(Ipv4Addr::new(10, 9, 0, 95 + (sum % 40) as u8))),
            9 | 10 => core.handle(Event::Timer),
            11 if sum.is_multiple_of(400) => core.handle(Event::JournalFailed("full".into())),
            _ => {}
        }
        let bindings = core.server.engine().store.len();
        assert!(bindings <= 30, "only addresses of the pools have bindings, here are {bindings}");
    });
}
