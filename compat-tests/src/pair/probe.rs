//! What the scripted peer does: `k1` probes a secondary, `k2` a primary, `k3` and `k4` announce every state to a server
//! in every state.

use super::aspect::Aspects;
use super::peer::{self, *};
use super::place::Place;
use super::run::finish_logs;
use super::scenario::{Result, Side};
use crate::ground::say;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// Every state with its number, as a peer may announce it; those that a lease file may hold come with `true`.
const STATES: [(&str, u8, bool); 13] = [
    ("unknown-state", 0, false),
    ("startup", 1, false),
    ("normal", 2, true),
    ("communications-interrupted", 3, true),
    ("partner-down", 4, true),
    ("potential-conflict", 5, true),
    ("recover", 6, true),
    ("paused", 7, true),
    ("shutdown", 8, true),
    ("recover-done", 9, true),
    ("resolution-interrupted", 10, true),
    ("conflict-done", 11, true),
    ("recover-wait", 254, true),
];

fn connect_options() -> Vec<Option_> {
    let mut hba = vec![0xff; 16];
    hba.resize(32, 0);
    vec![
        (code::NAME, b"digitalairlines".to_vec()),
        (code::MAX_UNACKED, long(100)),
        (code::RECEIVE_TIMER, long(12)),
        (code::VENDOR_CLASS, b"isc-4.4.3-P1".to_vec()),
        (code::VERSION, vec![1]),
        (code::TLS_REQUEST, vec![0]),
        (code::MCLT, long(20)),
        (code::HBA, hba),
    ]
}

fn without(options: Vec<Option_>, codes: &[u16]) -> Vec<Option_> {
    options.into_iter().filter(|(code, _)| !codes.contains(code)).collect()
}

fn with(mut options: Vec<Option_>, code: u16, value: &[u8]) -> Vec<Option_> {
    for (known, old) in &mut options {
        if *known == code {
            *old = value.to_vec();
        }
    }
    options
}

fn ack_options() -> Vec<Option_> {
    let mut options = without(connect_options(), &[code::TLS_REQUEST, code::MCLT, code::HBA]);
    options.push((code::TLS_REPLY, vec![0]));
    options
}

fn pause(seconds: f64) {
    std::thread::sleep(Duration::from_secs_f64(seconds));
}

fn hello(peer: &mut Peer, options: &[Option_]) -> Result<()> {
    peer.connect()?;
    peer.send(CONNECT, options);
    peer.drain(1.0);
    Ok(())
}

/// From recover to normal: its questions are answered.
fn to_normal(peer: &mut Peer) {
    peer.state(6);
    pause(0.2);
    peer.acknowledge(2.0);
    peer.state(9);
    peer.acknowledge(1.0);
    peer.state(2);
    peer.acknowledge(2.0);
}

struct Update {
    last: u8,
    status: u8,
    hardware: Vec<u8>,
    client: Vec<u8>,
    ends: i64,
    potential: i64,
    flags: Option<u16>,
    times: bool,
}

fn update(last: u8, status: u8) -> Update {
    Update {
        last,
        status,
        hardware: vec![1, 2, 0, 0, 0, 0, 0x77],
        client: Vec::new(),
        ends: 60,
        potential: 90,
        flags: None,
        times: true,
    }
}

impl Update {
    fn no_hardware(self) -> Self {
        Update { hardware: Vec::new(), ..self }
    }

    fn over(self) -> Self {
        Update { ends: 0, potential: 0, ..self }
    }

    fn flags(self, flags: u16) -> Self {
        Update { flags: Some(flags), ..self }
    }

    fn of(self, last: u8) -> Self {
        Update { hardware: vec![1, 2, 0, 0, 0, 0, last], ..self }
    }

    fn send(self, peer: &mut Peer) {
        let at = |offset: i64| long((i64::from(now()) + offset) as u32);
        let mut options = vec![(code::ADDRESS, vec![10, 0, 0, self.last]), (code::STATUS, vec![self.status])];
        if !self.client.is_empty() {
            options.push((code::CLIENT_ID, self.client.clone()));
        }
        if !self.hardware.is_empty() {
            options.push((code::CHADDR, self.hardware.clone()));
        }
        if self.times {
            options.extend([
                (code::LEASE_EXPIRY, at(self.ends)),
                (code::POTENTIAL_EXPIRY, at(self.potential)),
                (code::STOS, at(0)),
                (code::CLTT, at(0)),
            ]);
        }
        if let Some(flags) = self.flags {
            options.push((code::IP_FLAGS, flags.to_be_bytes().to_vec()));
        }
        peer.send(BNDUPD, &options);
    }
}

/// `k1`: connections that must be refused, framing, updates of every kind, wrong acknowledgements.
fn secondary(peer: &mut Peer) -> Result<()> {
    refused_connections(peer)?;
    peer.note("=== good CONNECT, to normal");
    hello(peer, &connect_options())?;
    to_normal(peer);
    updates(peer);
    requests(peer);
    peer.close();
    pause(2.0);
    peer.note("=== DISCONNECT with reason 17");
    hello(peer, &connect_options())?;
    peer.send(DISCONNECT, &[(code::REJECT, vec![17]), (code::MESSAGE, b"bye".to_vec())]);
    peer.drain(1.0);
    peer.close();
    pause(2.0);
    peer.note("=== STATE before CONNECT");
    peer.connect()?;
    peer.state(2);
    peer.drain(2.0);
    peer.close();
    pause(1.5);
    peer.note("=== STATE with state 77");
    hello(peer, &connect_options())?;
    peer.state(77);
    peer.drain(2.0);
    peer.close();
    Ok(())
}

fn refused_connections(peer: &mut Peer) -> Result<()> {
    let good = connect_options;
    let cases: Vec<(&str, Vec<Option_>, i64)> = vec![
        ("CONNECT without relationship-name", without(good(), &[code::NAME]), 0),
        ("CONNECT with unknown relationship-name", with(good(), code::NAME, b"nosuch"), 0),
        ("CONNECT without HBA", without(good(), &[code::HBA]), 0),
        ("CONNECT with 16-byte HBA", with(good(), code::HBA, &[0xff; 16]), 0),
        ("CONNECT without MCLT", without(good(), &[code::MCLT]), 0),
        ("CONNECT with time 100 s ahead", good(), 100),
        ("CONNECT with time 50 s behind", good(), -50),
        (
            "CONNECT with version 2, TLS, MCLT 0",
            with(with(with(good(), code::VERSION, &[2]), code::TLS_REQUEST, &[1]), code::MCLT, &[0; 4]),
            0,
        ),
        ("CONNECT with two-byte TLS-request", with(good(), code::TLS_REQUEST, &[0, 0]), 0),
        (
            "CONNECT with name, MCLT and HBA only",
            without(
                good(),
                &[
                    code::MAX_UNACKED,
                    code::RECEIVE_TIMER,
                    code::VENDOR_CLASS,
                    code::VERSION,
                    code::TLS_REQUEST,
                ],
            ),
            0,
        ),
        ("duplicate option", [good(), vec![(code::MCLT, long(20))]].concat(), 0),
        (
            "unknown option 77, and cltt",
            [vec![(77, b"abc".to_vec()), (code::CLTT, long(1))], good()].concat(),
            0,
        ),
        ("message-digest in front", [vec![(code::DIGEST, vec![1; 17])], good()].concat(), 0),
    ];
    for (text, options, skew) in cases {
        peer.note(format!("=== {text}"));
        peer.connect()?;
        peer.send_at(CONNECT, &options, (i64::from(now()) + skew) as u32);
        peer.drain(1.0);
        peer.close();
        pause(1.5);
    }
    let header = |length: u16, kind: u8| {
        let mut out = length.to_be_bytes().to_vec();
        out.extend([kind, 12]);
        out.extend(now().to_be_bytes());
        out.extend([0; 4]);
        out
    };
    let raw = [
        ("length 5", vec![0, 5]),
        ("length 3000", [vec![0x0b, 0xb8], vec![0; 3000]].concat()),
        ("type 13 before CONNECT", header(12, 13)),
        ("CONTACT before CONNECT", header(12, CONTACT)),
    ];
    for (text, octets) in raw {
        peer.note(format!("=== {text}"));
        peer.connect()?;
        peer.raw(&octets);
        peer.drain(1.0);
        peer.close();
        pause(1.5);
    }
    peer.note("=== a connection without CONNECT");
    peer.connect()?;
    peer.drain(20.0);
    peer.close();
    peer.note("=== second CONNECT on the established connection");
    hello(peer, &connect_options())?;
    peer.send(CONNECT, &connect_options());
    peer.drain(1.0);
    peer.close();
    pause(2.0);
    Ok(())
}

fn updates(peer: &mut Peer) {
    let client = |update: Update| Update { client: vec![1, 2, 3], ..update };
    let cases: Vec<(&str, Update)> = vec![
        ("unknown address", update(200, 2)),
        ("active without chaddr", update(101, 2).no_hardware()),
        ("abandoned with chaddr", update(101, 5)),
        ("abandoned with client-id", client(update(101, 5).no_hardware())),
        ("chaddr of 22 octets", Update { hardware: vec![1; 22], ..update(101, 2) }),
        ("free to active", update(101, 2)),
        ("active to active, other client", update(101, 2).of(0x78)),
        ("active to free", update(101, 1)),
        ("active to expired, not over", update(101, 3)),
        ("active to released", update(101, 4).over()),
        ("free to backup, reserved", update(102, 7).no_hardware().over().flags(1)),
        ("free to active, reserved", update(103, 2).flags(1)),
        ("free to active, bootp", update(104, 2).flags(2)),
        ("free to active, flags 0x8000", update(105, 2).flags(0x8000)),
        ("free to active without times", Update { times: false, ..update(106, 2) }),
        ("free to abandoned", update(107, 5).no_hardware()),
        ("free to reset", update(108, 6)),
        ("free to backup", update(109, 7).no_hardware().over()),
        ("backup to active", update(109, 2)),
    ];
    peer.note("=== BNDUPD without binding-status");
    peer.send(BNDUPD, &[(code::ADDRESS, vec![10, 0, 0, 101])]);
    peer.drain(2.6);
    peer.note("=== BNDUPD without address");
    peer.send(BNDUPD, &[(code::STATUS, vec![2])]);
    peer.drain(2.6);
    for (text, update) in cases {
        peer.note(format!("=== BNDUPD {text}"));
        update.send(peer);
        peer.drain(2.6);
    }
}

fn requests(peer: &mut Peer) {
    peer.note("=== POOLREQ");
    peer.send(POOLREQ, &[]);
    peer.drain(1.0);
    peer.note("=== POOLRESP 7");
    peer.send(POOLRESP, &[(code::TRANSFERRED, long(7))]);
    peer.drain(1.0);
    peer.note("=== UPDREQ");
    peer.send(UPDREQ, &[]);
    peer.acknowledge(2.0);
    peer.note("=== UPDREQALL");
    peer.send(UPDREQALL, &[]);
    peer.acknowledge(3.0);
    peer.note("=== UPDDONE unasked");
    peer.answer(UPDDONE, &[], 5);
    peer.drain(1.0);
    for (text, last) in [("no such lease", 200), ("known lease", 110)] {
        peer.note(format!("=== BNDACK unasked, {text}"));
        peer.answer(BNDACK, &[(code::ADDRESS, vec![10, 0, 0, last])], 5);
        peer.drain(1.0);
    }
    peer.note("=== UPDREQALL, acknowledged wrongly");
    peer.send(UPDREQALL, &[]);
    let mut count = 0;
    while let Next::Message(message) = peer.next(Duration::from_secs(1)) {
        if message.kind != BNDUPD {
            continue;
        }
        let address = (code::ADDRESS, message.option(code::ADDRESS).unwrap_or_default().to_vec());
        let reject = |reason: u8| (code::REJECT, vec![reason]);
        match count {
            0 => peer.answer(BNDACK, &[address], message.xid + 5_000),
            1 => peer.answer(
                BNDACK,
                &[address, reject(2), (code::MESSAGE, b"no thanks".to_vec())],
                message.xid,
            ),
            2 => peer.answer(BNDACK, &[address, reject(15)], message.xid),
            3 => peer.answer(BNDACK, &[address, reject(99)], message.xid),
            _ => peer.answer(BNDACK, &[address], message.xid),
        }
        count += 1;
    }
    peer.note("=== type 13");
    peer.send(13, &[]);
    peer.drain(1.0);
}

/// `k2`: answers to CONNECT that must be refused, every reject reason, updates, silence.
fn primary(peer: &mut Peer) -> Result<()> {
    peer.listen()?;
    let mut cases: Vec<(String, u8, Vec<Option_>, i64)> = vec![
        ("CONNECTACK without relationship-name".into(), CONNECTACK, without(ack_options(), &[code::NAME]), 0),
        ("CONNECTACK with another name".into(), CONNECTACK, with(ack_options(), code::NAME, b"other"), 0),
        ("CONNECTACK with time 100 s behind".into(), CONNECTACK, ack_options(), -100),
    ];
    for reason in (1..=22).chain([254]) {
        let mut options = ack_options();
        options.extend([(code::REJECT, vec![reason]), (code::MESSAGE, b"because".to_vec())]);
        cases.push((format!("CONNECTACK rejected, reason {reason}"), CONNECTACK, options, 0));
    }
    cases.push(("DISCONNECT in answer to CONNECT".into(), DISCONNECT, vec![(code::REJECT, vec![8])], 0));
    cases.push(("good CONNECTACK".into(), CONNECTACK, ack_options(), 0));
    for (text, kind, options, skew) in cases {
        peer.note(format!("=== {text}"));
        peer.accept()?;
        if let Next::Message(message) = peer.next(Duration::from_secs(10)) {
            let time = (i64::from(now()) + skew) as u32;
            peer.raw(&encode(kind, &options, time, message.xid));
            peer.drain(1.5);
        }
    }
    to_normal(peer);
    peer.note("=== BNDUPD active for a free lease of the primary's");
    update(102, 2).send(peer);
    peer.drain(3.0);
    let backup = || update(120, 2).of(0x79);
    for (text, update) in [
        ("active for a lease given to the secondary", backup()),
        ("expired by the secondary", Update { status: 3, ..backup() }.over()),
        ("released by the secondary", Update { status: 4, ..backup() }.over()),
    ] {
        peer.note(format!("=== BNDUPD {text}"));
        update.send(peer);
        peer.drain(3.0);
    }
    for _ in 0..2 {
        peer.note("=== POOLREQ");
        peer.send(POOLREQ, &[]);
        peer.acknowledge(3.0);
    }
    peer.note("=== silence");
    peer.drain(40.0);
    peer.close();
    Ok(())
}

fn prepare(place: &Place, side: Side) -> Result<()> {
    let base = super::scenario::find("a1_first_start")?;
    for (of, name, text) in &base.files {
        if *of == side {
            fs::write(place.files(side).join(name), text).map_err(say("file"))?;
        }
    }
    Ok(())
}

/// `k1` and `k2`.
pub fn probe(side: Side, program: &Path) -> Result<Aspects> {
    let place = Place::new()?;
    prepare(&place, side)?;
    let mut child = place.start(side, program)?;
    pause(0.3);
    let script = if side == Side::Secondary { secondary } else { primary };
    let played = peer::play(&place, side, script);
    let alive = matches!(child.try_wait(), Ok(None));
    let _ = child.kill();
    let _ = child.wait();
    let (_, mut seen) = played?;
    // When it asks for addresses depends on the second; that it does is in its log.
    seen.retain(|line| line != "< POOLREQ");
    let mut aspects = Aspects::new();
    aspects.insert("peer".into(), seen);
    aspects.insert("alive".into(), vec![alive.to_string()]);
    finish_logs(&place, &name(side), &mut aspects);
    Ok(aspects)
}

fn name(side: Side) -> String {
    if side == Side::Secondary { "k1_probe_secondary" } else { "k2_probe_primary" }.into()
}

/// `k3` and `k4`: a server whose lease file says `stored` hears every state, one start each.
pub fn row(side: Side, program: &Path, stored: &'static str) -> Result<Aspects> {
    let place = Place::new()?;
    prepare(&place, side)?;
    let mut rows = Vec::new();
    for (announced, number, _) in STATES {
        let from = side.of(&place.logs).lock().map_or(0, |log| log.len());
        lease_file(&place, side, stored)?;
        let mut child = place.start(side, program)?;
        let played = peer::play(&place, side, move |peer| announce(peer, side, number));
        pause(0.2);
        let _ = child.kill();
        let _ = child.wait();
        played?;
        pause(0.05);
        let said = side.of(&place.logs).lock().map(|log| log.get(from..).unwrap_or_default().to_vec());
        let (mut moves, mut complaints) = (Vec::new(), Vec::new());
        for line in said.unwrap_or_default() {
            if let Some((_, rest)) = line.text.split_once(": I move from ") {
                if !rest.ends_with(" to startup") {
                    moves.push(rest.replace(" to ", ">"));
                }
            } else if line.priority == "err"
                && ["Peer ", "Both servers have "].iter().any(|start| line.text.starts_with(start))
            {
                complaints.push(format!("!! {}", line.text.lines().next().unwrap_or_default()));
            }
        }
        // As in the recording: complaints stand behind.
        moves.append(&mut complaints);
        rows.push(format!("{announced}: {}", moves.join(" ; ")));
    }
    let mut aspects = Aspects::new();
    aspects.insert(format!("row {stored}"), rows);
    Ok(aspects)
}

/// States that a lease file may hold.
pub fn stored_states() -> impl Iterator<Item = &'static str> {
    STATES.into_iter().filter(|(_, _, stored)| *stored).map(|(name, _, _)| name)
}

fn lease_file(place: &Place, side: Side, stored: &str) -> Result<()> {
    let now = crate::lease_text::absolute(chrono::Utc::now().timestamp());
    let mclt = if side == Side::Secondary { "  mclt 20;\n" } else { "" };
    let text = format!(
        "failover peer \"digitalairlines\" state {{\n  my state {stored} at {now};\n  \
         partner state unknown-state at {now};\n{mclt}}}\n"
    );
    fs::write(place.files(side).join("dhcpd.leases"), text).map_err(say("lease file"))
}

fn announce(peer: &mut Peer, side: Side, number: u8) -> Result<()> {
    if side == Side::Secondary {
        hello(peer, &connect_options())?;
    } else {
        peer.listen()?;
        peer.accept()?;
        if let Next::Message(message) = peer.next(Duration::from_secs(10)) {
            peer.answer(CONNECTACK, &ack_options(), message.xid);
        }
    }
    peer.drain(0.4);
    peer.state(number);
    peer.acknowledge(1.6);
    peer.close();
    Ok(())
}

/// `matrix.txt` of a recording: rows by stored state.
pub fn matrix(text: &str) -> Aspects {
    let mut out = Aspects::new();
    for line in text.lines().skip(1) {
        let (stored, rest) = line.split_at_checked(28).unwrap_or((line, ""));
        let (announced, moves) = rest.split_at_checked(28).unwrap_or((rest, ""));
        // What the program says when it dies follows the reason.
        let moves = moves.trim().replace("- [DIED]", "").replace("  !! ", " ; !! ");
        let moves = moves.split(" |").next().unwrap_or_default().trim_start_matches(" ; ").trim();
        out.entry(format!("row {}", stored.trim()))
            .or_default()
            .push(format!("{}: {moves}", announced.trim()));
    }
    out
}

/// By its name in the recordings; none: no such probe. Rows of a matrix run side by side.
pub fn by_name(name: &str, program: &Path) -> Option<Result<Aspects>> {
    let side = match name.get(..2)? {
        "k1" | "k3" => Side::Secondary,
        "k2" | "k4" => Side::Primary,
        _ => return None,
    };
    if matches!(name.get(..2)?, "k1" | "k2") {
        return Some(probe(side, program));
    }
    let mut all = Aspects::new();
    let rows: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            stored_states().map(|stored| scope.spawn(move || row(side, program, stored))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err("panic".into()))).collect()
    });
    for row in rows {
        match row {
            Ok(row) => all.extend(row),
            Err(error) => return Some(Err(error)),
        }
    }
    Some(Ok(all))
}

/// The probes by name.
pub const PROBES: [&str; 4] =
    ["k1_probe_secondary", "k2_probe_primary", "k3_matrix_secondary", "k4_matrix_primary"];
