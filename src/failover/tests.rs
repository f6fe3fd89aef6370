use super::message::{Fault, Kind, Message, Writer, code};
use super::state::{self, Role, Standing, State, Step};
use super::*;

/// Messages of real pairs, one of each form.
const RECORDED: &str = include_str!("recorded/messages.txt");

fn recorded() -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    RECORDED.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let [_, name, text] = *line.split(' ').collect::<Vec<_>>() else { panic!("{line}") };
        let octet = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
        (name, (0..text.len()).step_by(2).map(octet).collect())
    })
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::PoolRequest => "POOLREQ",
        Kind::PoolResponse => "POOLRESP",
        Kind::BindingUpdate => "BNDUPD",
        Kind::BindingAck => "BNDACK",
        Kind::Connect => "CONNECT",
        Kind::ConnectAck => "CONNECTACK",
        Kind::UpdateRequestAll => "UPDREQALL",
        Kind::UpdateDone => "UPDDONE",
        Kind::UpdateRequest => "UPDREQ",
        Kind::State => "STATE",
        Kind::Contact => "CONTACT",
        Kind::Disconnect => "DISCONNECT",
    }
}

#[test]
fn every_recorded_message_is_read() {
    let mut count = 0;
    for (wanted, octets) in recorded() {
        let message = Message::read(&octets).unwrap();
        assert_eq!(message.kind.map(name), Some(wanted));
        assert_eq!(message::length(&octets), Ok(Some(octets.len())));
        count += 1;
    }
    assert_eq!(count, 35);
}

/// The same binding, told by us, is the same octets.
#[test]
fn a_recorded_update_is_written_the_same() {
    let mut count = 0;
    for (kind, octets) in recorded().filter(|(kind, _)| *kind == "BNDUPD") {
        let message = Message::read(&octets).unwrap();
        let mut binding = Binding::never_used(message.assigned_address.unwrap());
        let time = |time: Option<u32>| Wall::from(time.unwrap_or(0));
        binding.uid = SmallVec::from_slice(message.client_identifier.unwrap_or_default());
        binding.hardware = SmallVec::from_slice(message.chaddr.unwrap_or_default());
        binding.ends = time(message.lease_expiry);
        binding.tstp = time(message.potential_expiry);
        binding.starts = time(message.stos);
        binding.cltt = time(message.cltt);
        let flags = message.ip_flags.unwrap_or(0);
        (binding.reserved, binding.bootp) = (flags & message::RESERVED != 0, flags & message::BOOTP != 0);
        let desired = message.binding_status.and_then(crate::lease::binding::State::from_number).unwrap();
        let mut out = Vec::new();
        update::write(&mut out, &binding, desired, false, message.time, message.xid);
        assert_eq!(out, octets, "{kind}");
        count += 1;
    }
    assert!(count > 5, "{count}");
}

#[test]
fn faults_of_k1() {
    let header = |length: u16, kind: u8, options: &[u8]| {
        let mut octets = length.to_be_bytes().to_vec();
        octets.extend([kind, 12, 0, 0, 0, 0, 0, 0, 0, 0]);
        octets.extend_from_slice(options);
        octets
    };
    let read = |octets: &[u8]| Message::read(octets).map(|message| message.kind);
    assert_eq!(message::length(&[0, 11]), Err(Fault::Length));
    assert_eq!(message::length(&[8, 1]), Err(Fault::Length));
    assert_eq!(message::length(&[8]), Ok(None));
    // TLS-request of two octets.
    let fault = Fault::Size { got: 2, wanted: 1, option: "TLS-request" };
    assert_eq!(read(&header(18, 5, &[0, 27, 0, 2, 0, 0])), Err(fault));
    let twice = [0, 27, 0, 1, 0, 0, 27, 0, 1, 0];
    assert_eq!(read(&header(22, 5, &twice)), Err(Fault::Duplicate("TLS-request")));
    assert_eq!(read(&header(12, 99, &[])), Ok(None));
    assert_eq!(read(&header(16, 99, &[0, 1, 0, 0])), Err(Fault::InvalidType(99)));
    assert_eq!(read(&header(13, 5, &[0])), Err(Fault::OverflowAtCode));
    assert_eq!(read(&header(15, 5, &[0, 1, 0])), Err(Fault::OverflowAtLength));
    assert_eq!(read(&header(16, 5, &[0, 1, 0, 9])), Err(Fault::OverflowAtData));
    // cltt and an unknown code in a CONNECT are passed over.
    let odd = [0, 6, 0, 1, 0, 0, 77, 0, 1, 0];
    assert_eq!(read(&header(22, 5, &odd)), Ok(Some(Kind::Connect)));
}

#[test]
fn a_message_stays_within_its_bound() {
    let mut out = vec![7];
    let mut writer = Writer::new(&mut out, Kind::BindingAck, 1, 2);
    assert!(!writer.put(code::MESSAGE, &[b'x'; 3000]));
    writer.put_with(code::VENDOR_OPTIONS, |out| out.extend([0; 3000]));
    assert!(writer.put(code::MESSAGE, &[b'x'; 2000]));
    writer.finish();
    assert_eq!(out.len(), 1 + 12 + 4 + 2000);
    assert!(Message::read(&out[1..]).is_ok());
}

/// What only servers of our kind tell each other reaches no other, and makes the update no different for it.
#[test]
fn only_our_kind_is_told_more() {
    let mut binding = Binding::never_used(Ipv4Addr::new(10, 0, 0, 1));
    (binding.starts, binding.ends, binding.tstp) = (1000, 1600, 1900);
    binding.hardware = SmallVec::from_slice(&[1, 2, 0, 0, 0, 0, 1]);
    binding.set_client_hostname(Some(b"one"));
    binding.set_agent_options(&[1, 2, 3, 4]);
    let write = |to_our_kind| {
        let mut out = Vec::new();
        update::write(&mut out, &binding, crate::lease::binding::State::Active, to_our_kind, 1000, 1);
        out
    };
    let (plain, more) = (write(false), write(true));
    assert_eq!(Message::read(&plain).unwrap().vendor_options, None);
    assert!(Message::read(&more).unwrap().vendor_options.is_some());
    assert_eq!(plain[12..], more[12..plain.len()]);
}

#[test]
fn a_peer_of_our_kind_is_known_again() {
    assert_eq!(our_kind(None), None);
    assert_eq!(our_kind(Some(b"something")), None);
    assert_eq!(our_kind(Some(OUR_KIND)), Some(0));
    let mut octets = Vec::new();
    write_identity(&mut octets, 7);
    assert_eq!(our_kind(Some(&octets)), Some(7));
}

/// Who ends where, for a stored and an announced state: every place where ISC's table leads on is as in the matrices.
#[test]
fn nothing_leads_to_shutdown() {
    for role in [Role::Primary, Role::Secondary] {
        for my in State::ALL {
            for announced in State::ALL {
                for partner in [State::Unknown, State::PotentialConflict] {
                    let standing = Standing { name: "x", role, my, stored: my, partner };
                    let steps = state::on_announcement(&standing, announced, false);
                    let dead = [State::Shutdown, State::Paused, State::Unknown].map(Step::Move);
                    assert!(steps.iter().all(|step| !dead.contains(step)), "{my:?} {announced:?}");
                }
            }
        }
    }
}

/// What the real server does on every announced state in startup (recordings k3 and k4), and what ours does; where the real
/// one ends up where nothing leads out, ours goes on.
#[test]
fn out_of_startup_as_recorded() {
    const MATRIX: &str = include_str!("recorded/matrix.txt");
    const NO_WAY_ON: [&str; 4] = ["end", "shutdown", "unknown-state", "paused"];
    let mut count = 0;
    for line in MATRIX.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split(' ');
        let role = if words.next() == Some("primary") { Role::Primary } else { Role::Secondary };
        let stored = State::from_name(words.next().unwrap()).unwrap();
        for word in words {
            let (announced, real) = word.split_once('>').unwrap();
            let announced = State::from_name(announced).unwrap();
            let standing = Standing { name: "x", role, my: State::Startup, stored, partner: State::Unknown };
            let ours = if announced == State::Unknown {
                state::out_of_startup(stored, State::Unknown)
            } else {
                let steps = state::on_announcement(&standing, announced, false);
                let moved = steps.iter().find_map(|step| match step {
                    Step::Move(state) => Some(*state),
                    _ => None,
                });
                moved.unwrap_or(stored)
            };
            count += 1;
            let better = NO_WAY_ON.contains(&real)
                || (stored, announced) == (State::PotentialConflict, State::RecoverDone)
                || (stored == State::RecoverDone && ours == State::PotentialConflict)
                || (stored.has_recovered() && ours == State::Recover);
            assert!(
                ours.name() == real || better,
                "{role:?} {stored:?} {announced:?}: {real}, ours {ours:?}"
            );
            assert!(!NO_WAY_ON.contains(&ours.name()), "{role:?} {stored:?} {announced:?}: {ours:?}");
        }
    }
    assert_eq!(count, 286);
}

/// A peer that has served alone must not take a server for recovered that came back after its update.
#[test]
fn a_recovered_server_that_comes_back_recovers_anew() {
    for stored in [State::RecoverDone, State::RecoverWait] {
        for alone in [State::PartnerDown, State::CommunicationsInterrupted] {
            let standing = Standing {
                name: "x",
                role: Role::Primary,
                my: State::Startup,
                stored,
                partner: State::Recover,
            };
            let steps = state::on_announcement(&standing, alone, false);
            assert_eq!(steps[..], [Step::Move(State::Recover)]);
            assert_eq!(state::out_of_startup(stored, alone), State::Recover);
        }
        assert_eq!(state::out_of_startup(stored, State::Recover), stored);
    }
}

/// What is exported and read again is exported as the same octets, moments moved by the difference of the clocks.
#[test]
fn relationships_survive_an_export() {
    use crate::config::{Family, Input, parse};
    use crate::lease::pool::{PoolSpec, RangeSpec};
    use crate::lease::store::Store;
    use crate::octets::Octets;
    let text = "failover peer \"f\" { primary; address 10.0.0.1; peer address 10.0.0.2; mclt 20; split 128; }
        subnet 10.0.0.0 netmask 255.255.255.0 { pool { failover peer \"f\"; range 10.0.0.9 10.0.0.12; } }";
    let input = Input { name: "F", text: text.as_bytes().to_vec(), family: Family::V4, interfaces: &[] };
    let mut none = |_: &str| Err(std::io::Error::other("no includes"));
    let config = parse(input, &mut none, &mut |line: crate::log::Line| drop(line)).unwrap();
    let address = |n| Ipv4Addr::new(10, 0, 0, n);
    let range = RangeSpec { low: address(9), high: address(12), declared: 0 };
    let mut store = Store::new(&[PoolSpec { network: 0, shared: true, ranges: vec![range] }]);
    let ids = [9, 10, 11].map(|n| store.materialise(address(n)).unwrap());
    let mut failover = Failover::new(&config, &HostTable::default());
    failover.begin(Now { wall: 1_000_000, mono: 5_000_000 });
    failover.seed(7);
    failover.is_started = true;
    failover.connect(0);
    let id = *failover.links.keys().next().unwrap();
    let now = failover.now();
    let link = failover.links.get_mut(&id).unwrap();
    link.stage = Stage::Established;
    link.hear(1_000_040, now);
    link.unread = vec![0, 12, 11];
    let relationship = &mut failover.relationships[0];
    (relationship.link, relationship.connecting) = (Some(id), None);
    (relationship.my, relationship.partner) = (State::Normal, State::Normal);
    relationship.set_service();
    relationship.peers_max_unacked = 2;
    relationship.restart_receive(now);
    ids.iter().for_each(|id| relationship.queue_update(*id, binding::State::Free));
    relationship.mark_sent(4);
    relationship.to_acknowledge.push((address(12), 9));
    relationship.update_done_after = Some(ids[2]);
    let mut octets = Vec::new();
    failover.export(&mut octets);
    for (later, same) in [(0, true), (1_000, false)] {
        let mut other = Failover::new(&config, &HostTable::default());
        let mut reader = Octets::new(&octets);
        other.import(&mut reader, &store, &|mono| mono + later).unwrap();
        reader.end().unwrap();
        let mut again = Vec::new();
        other.export(&mut again);
        assert_eq!(again == octets, same);
        let (before, after) = (&failover.relationships[0], &other.relationships[0]);
        assert_eq!(after.timers.receive, before.timers.receive.map(|at| at + later));
        assert_eq!((after.unacked(), after.next_update()), (1, Some(ids[1])));
        assert_eq!(other.links[&id].skew(), 40);
    }
    for end in 0..octets.len() {
        let mut other = Failover::new(&config, &HostTable::default());
        assert!(other.import(&mut Octets::new(&octets[..end]), &store, &|mono| mono).is_err());
    }
}
