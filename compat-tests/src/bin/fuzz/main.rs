//! `fuzz TARGET SECONDS [SEED]`: mutated inputs into a reader until the time is over. Targets: `configuration` (dhcpd.conf, with
//! the advice that `--explain` gives), `leases` (dhcpd.leases), `packet` (a datagram as expressions see it), `core` (datagrams
//! to a server with a rich configuration, which lives on from one to the next), `recording` (of `-tf`), `omapi` (octets of a
//! management client; what they write to the lease file is read back), `omshell` (what a server sends to omshell), `session`
//! (what is typed into it), `peer` (what a failover peer sends). Seeds are the
//! scenarios of this package. Whatever panics is written to `fuzz-input` in the folder of temporary files first.

use compat_tests::dice::Dice;
use compat_tests::hostile_peer::{self, Victim};
use compat_tests::scenario;
use dhcpd::config::{CommandLine, Config, Family, Input, advice, parse};
use dhcpd::eval::context::HostTable;
use dhcpd::lease::store::Store;
use dhcpd::lease_file::reader;
use dhcpd::log::Line;
use dhcpd::omshell::fuzz as omshell;
use dhcpd::option::Spaces;
use dhcpd::syntax::source::{Source, SourceId};
use dhcpd::transition::load::{Kept, Loader, pools};
use std::cell::RefCell;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// No input may take longer.
const SLOWEST: Duration = Duration::from_secs(5);
static CURRENT: Mutex<Vec<u8>> = Mutex::new(Vec::new());

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (Some(target), Some(seconds)) = (words.first(), words.get(1).and_then(|word| word.parse().ok()))
    else {
        eprintln!(
            "usage: fuzz configuration|leases|packet|core|recording|omapi|omshell|session|peer SECONDS [SEED]"
        );
        return ExitCode::FAILURE;
    };
    let run: fn(&[u8]) = match target.as_str() {
        "configuration" => configuration,
        "leases" => leases,
        "packet" => packet,
        "core" => core::datagram,
        "recording" => compat_tests::replays::replay_damaged,
        "omshell" => |octets| assert!(omshell::fuzz_server(octets) < 1 << 22),
        "session" => omshell::fuzz_session,
        "omapi" => compat_tests::management::fuzz::octets,
        "peer" => |octets| VICTIM.with_borrow_mut(|victim| victim.suffer(octets)),
        _ => return ExitCode::FAILURE,
    };
    let seed = words.get(2).and_then(|word| word.parse().ok()).unwrap_or(1);
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let path = std::env::temp_dir().join("fuzz-input");
        if let Ok(input) = CURRENT.try_lock() {
            let _ = std::fs::write(&path, &*input);
            eprintln!("the input is in {}", path.display());
        }
        before(info);
    }));
    let seeds = seeds(target);
    let mut random = Dice::new(seed);
    let (began, mut count, mut slowest) = (Instant::now(), 0u64, Duration::ZERO);
    while began.elapsed() < Duration::from_secs(seconds) {
        let input = mutated(&seeds, &mut random);
        if let Ok(mut current) = CURRENT.lock() {
            current.clone_from(&input);
        }
        let at = Instant::now();
        run(&input);
        slowest = slowest.max(at.elapsed());
        count += 1;
        assert!(at.elapsed() < SLOWEST, "too slow: {:?}", at.elapsed());
    }
    println!(
        "{target}: {count} inputs in {} s, slowest {} ms, seed {seed}: no panic",
        began.elapsed().as_secs(),
        slowest.as_millis()
    );
    ExitCode::SUCCESS
}

mod core;

thread_local!(static VICTIM: RefCell<Victim> = RefCell::default());

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let scenarios = scenario::all().expect("scenarios");
    let mut seeds: Vec<Vec<u8>> = Vec::new();
    for scenario in &scenarios {
        match target {
            "configuration" => seeds.extend(scenario.configs.values().map(|text| text.clone().into_bytes())),
            "leases" => {
                seeds.push(compat_tests::lease_text::expand(&scenario.lease_file, 1_700_000_000).into_bytes())
            }
            "session" => seeds.extend(scenario.sessions.values().map(|text| text.clone().into_bytes())),
            _ => {}
        }
    }
    if target == "omshell" {
        seeds.extend(omshell::seeds());
    }
    if target == "configuration" {
        seeds.extend(ledger_examples());
    }
    if target == "leases" {
        seeds.push(ASSOCIATIONS.to_vec());
    }
    if target == "packet" {
        let head = [&[1, 1, 6, 0][..], &[0; 232]].concat();
        let options = b"\x63\x82\x53\x63\x35\x01\x01\x37\x04\x01\x03\x06\x0f\x3d\x07\x01\x02\x00\x00\x00\x00\x01\x52\x06\x01\x04slot\x51\x04\x00\x00\x00x\x0c\x04host\xff";
        seeds.push([&head[..], options].concat());
    }
    if target == "peer" {
        seeds = hostile_peer::seeds();
    }
    if target == "core" {
        seeds.extend(core::seeds());
    }
    if target == "omapi" {
        seeds.extend(compat_tests::management::fuzz::seeds());
    }
    if target == "recording" {
        seeds.extend(compat_tests::replays::all().iter().filter_map(|path| std::fs::read(path).ok()));
    }
    seeds.retain(|seed| !seed.is_empty());
    seeds
}

/// The examples of every statement, option and expression, in the scopes where they belong.
fn ledger_examples() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for file in ["statements.tsv", "options4.tsv", "options6.tsv", "expressions.tsv"] {
        let text =
            std::fs::read_to_string(compat_tests::here().join("ledger").join(file)).expect("the ledger");
        for field in text.lines().skip(1).flat_map(|line| line.split('\t')) {
            let (prefix, body) = field.split_once(':').unwrap_or(("", field));
            all.push(match prefix {
                "S" => format!("subnet 10.9.0.0 netmask 255.255.255.0 {{ {body} }}\n"),
                "P" => format!(
                    "subnet 10.9.0.0 netmask 255.255.255.0 {{ pool {{ range 10.9.0.10; {body} }} }}\n"
                ),
                "H" => format!("host hh {{ {body} }}\n"),
                "C" => format!("class \"cc\" {{ {body} }}\n"),
                "S6" => format!("subnet6 2001:db8:1::/64 {{ {body} }}\n"),
                "X" => format!("if known {{ {body} }}\n"),
                "B" => format!("if {body} {{ option domain-name \"x\"; }}"),
                "D" => format!("option domain-name = {body};"),
                "N" => format!("option domain-name = encode-int({body}, 32);"),
                "G" | "6" => body.to_owned(),
                _ if field.ends_with(';') => field.to_owned(),
                _ => continue,
            });
        }
    }
    all.into_iter().map(String::into_bytes).collect()
}

/// Records of a DHCPv6 server.
const ASSOCIATIONS: &[u8] = b"authoring-byte-order little-endian;
server-duid 00:01:00:01:1e:68:b3:db:0a:00:27:00:00:02;
ia-na \"\\001\\000\\000\\000\\000\\001\\000\\001\\034\\367\\020\\245\\000'\\\"3+4\" {
  cltt 3 2016/01/06 14:50:34;
  iaaddr 2001:db8:1::106 {
    binding state active;
    preferred-life 540;
    max-life 864;
    ends 3 2026/01/06 15:04:58;
    set iana = \"2001:db8:1:0:0:0:0:106\";
    set n = %12;
    on expiry { log (debug, \"===EXPIRY===\"); }
    on release { log (debug, \"===RELEASE===\"); }
  }
}
ia-pd 01:00:00:00:00:01:00:01:1d:35 {
  iaprefix 2001:db8:1:300::/56 {
    binding state abandoned; preferred-life 540; max-life 864; ends never;
  }
}
ia-ta \"\\001\\000\\000\\000aaa\" { iaaddr 2001:db8:1:5::1 { binding state released; ends epoch 5; } }
";

fn mutated(seeds: &[Vec<u8>], random: &mut Dice) -> Vec<u8> {
    let mut input = seeds[random.below(seeds.len())].clone();
    let other = &seeds[random.below(seeds.len())];
    for _ in 0..=random.below(6) {
        let at = random.below(input.len() + 1);
        match random.below(6) {
            0 if at < input.len() => input[at] = random.below(256) as u8,
            1 if at < input.len() => drop(input.drain(at..(at + 1 + random.below(8)).min(input.len()))),
            2 => {
                let from = random.below(other.len());
                let piece = other[from..(from + random.below(60)).min(other.len())].to_vec();
                input.splice(at..at, piece);
            }
            3 => input.truncate(at),
            4 => input.insert(at, b"{};()\"=.,:#\\\n-0a"[random.below(16)]),
            _ => {
                let piece = input[at..(at + random.below(40)).min(input.len())].to_vec();
                for _ in 0..random.below(20) {
                    input.splice(at..at, piece.iter().copied());
                }
            }
        }
    }
    input.truncate(100_000);
    input
}

fn configuration(text: &[u8]) {
    let mut ignore = |_: Line| {};
    let mut listener = advice::Listener { forward: &mut ignore, diagnostics: Vec::new() };
    let mut none = |_: &str| Err(std::io::Error::other("no includes"));
    for family in [Family::V4, Family::V6] {
        let input = Input { name: "F", text: text.to_vec(), family, interfaces: &[] };
        let config = parse(input, &mut none, &mut listener).ok();
        let sources = [Source::new("F", text, SourceId(0))];
        if let Some(config) = &config {
            start(config);
        }
        let findings = advice::findings(&listener.diagnostics, config.as_ref(), &sources);
        let _ = (advice::text(&findings), advice::json(&findings));
    }
}

/// Global statements act, as with `-t`.
fn start(config: &Config) {
    let command_line = CommandLine { config_file: "F", lease_file: "L", pid_file: "P", quiet: true };
    let _ = config.start_up(&command_line, &HostTable::default(), 1_700_000_000, &mut |_| {});
}

fn leases(text: &[u8]) {
    let v4 = "class \"c\" { match hardware; lease limit 2; } subnet 10.9.0.0 netmask 255.255.0.0 { range 10.9.0.10 10.9.9.250; }";
    let v6 = "class \"c\" { match hardware; } subnet6 2001:db8:1::/48 { range6 2001:db8:1::/64; \
              prefix6 2001:db8:1:100:: 2001:db8:1:f00:: /56; range6 2001:db8:1:5::/64 temporary; }";
    leases_of(v4, Family::V4, text);
    leases_of(v6, Family::V6, text);
}

fn leases_of(conf: &str, family: Family, text: &[u8]) {
    let mut none = |_: &str| Err(std::io::Error::other("no includes"));
    let input = Input { name: "C", text: conf.as_bytes().to_vec(), family, interfaces: &[] };
    let mut config = parse(input, &mut none, &mut |_: Line| {}).expect("a good configuration");
    let mut store = Store::new(&pools(&config));
    let mut kept = Kept::new(&config);
    let mut loader = Loader { store: &mut store, kept: &mut kept };
    let source = Source::new("F", text, SourceId(1));
    reader::read(source, 1_700_000_000, &mut config, &mut loader, &mut |_: Line| {});
    store.finish_loading();
}

fn packet(octets: &[u8]) {
    let spaces = Spaces::predefined();
    if let Some(packet) = dhcpd::eval::packet::Packet::read(octets, &spaces, &mut |_| {}) {
        let _ = packet.agent_options();
        for code in 0..=255 {
            let _ = packet.option(dhcpd::option::definition::OptionId::dhcp(code));
        }
    }
}
