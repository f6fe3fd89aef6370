//! Large configurations: hosts of one group, subnets, includes. Read on a small stack, since nothing may recurse with the size
//! of the file, and within bounds of processor time and memory that a debug build keeps. The full tier has a million
//! hosts; every run has fewer.

use dhcpd::config::{Config, Family, Input, parse};
use dhcpd::log::Line;
use std::fmt::Write as _;
use std::thread;
use std::time::Duration;

/// Too little for a reader that recurses with its input, enough for one that does not.
const STACK: usize = 1 << 20;

fn full() -> bool {
    std::env::var("COMPAT_TIER").is_ok_and(|tier| tier == "full")
}

/// What this process holds in memory, in octets.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("/proc");
    let line = status.lines().find(|line| line.starts_with("VmRSS")).expect("VmRSS");
    line.split_whitespace().nth(1).and_then(|number| number.parse::<usize>().ok()).expect("a number") * 1024
}

/// How long this thread has had a processor: a busy machine does not count against the bound.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/stat").expect("/proc");
    // Behind the name, which may hold anything: user and system time are the 12th and 13th field, in hundredths of a second.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks = fields.skip(11).take(2).map(|field| field.parse::<u64>().expect("a number")).sum::<u64>();
    Duration::from_millis(ticks * 10)
}

/// Reads a configuration, and says how long it took; `files` are what it may include. Everything that was said is a failure.
fn read(text: String, files: impl Fn(&str) -> Option<String> + Send + 'static) -> (Config, Duration) {
    let reader = move || {
        let mut include = |name: &str| match files(name) {
            Some(text) => Ok(text.into_bytes()),
            None => Err(std::io::ErrorKind::NotFound.into()),
        };
        let input = Input { name: "F", text: text.into_bytes(), family: Family::V4, interfaces: &[] };
        let mut said = Vec::new();
        let config = parse(input, &mut include, &mut |line: Line| said.push(line.text));
        assert!(said.is_empty(), "{said:?}");
        (config.expect("a good configuration"), processor_time())
    };
    thread::Builder::new().stack_size(STACK).spawn(reader).expect("a thread").join().expect("it is read")
}

#[test]
fn hosts_of_one_group() {
    let count: usize = if full() { 1_000_000 } else { 50_000 };
    let mut text = String::from("group {\n  option domain-name \"example.org\";\n");
    for host in 0..count {
        let [_, a, b, c] = (host as u32).to_be_bytes();
        let _ = writeln!(
            text,
            "  host h{host} {{ hardware ethernet 52:54:00:{a:02x}:{b:02x}:{c:02x}; fixed-address 10.{a}.{b}.{c}; }}"
        );
    }
    text.push_str("}\nsubnet 10.0.0.0 netmask 255.0.0.0 { }\n");
    let (before, size) = (resident(), text.len());
    let (config, took) = read(text, |_| None);
    let grown = resident().saturating_sub(before);
    println!("{count} hosts: {took:?}, {} octets a host", grown / count);
    assert_eq!(config.hosts.iter().count(), count);
    assert!(took < Duration::from_secs(10) + Duration::from_micros(150) * count as u32, "{took:?}");
    // The text and a copy of it while it is read are part of the growth.
    assert!(grown < 64 << 20 || grown < 700 * count + 2 * size, "{grown} octets for {count} hosts");
}

#[test]
fn ten_thousand_subnets() {
    let mut text = String::new();
    for net in 0..10_000u32 {
        let [_, _, a, b] = net.to_be_bytes();
        let _ = writeln!(
            text,
            "subnet 10.{a}.{b}.0 netmask 255.255.255.0 {{ option routers 10.{a}.{b}.1; range 10.{a}.{b}.10 10.{a}.{b}.250; }}"
        );
    }
    let (config, took) = read(text, |_| None);
    println!("10000 subnets: {took:?}");
    assert_eq!((config.subnets.len(), config.pools.len()), (10_000, 10_000));
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[test]
fn a_thousand_includes_one_after_another() {
    let text = (0..1000).fold(String::new(), |text, file| text + &format!("include \"host{file}\";\n"));
    let (config, took) = read(text, |name| Some(format!("host {name} {{ }}\n")));
    println!("1000 includes: {took:?}");
    assert_eq!(config.hosts.iter().count(), 1000);
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[test]
fn includes_within_includes() {
    let text = "include \"1\";\n".to_owned();
    let (config, took) = read(text, |name| {
        let depth: u32 = name.parse().ok()?;
        let next = if depth < 999 { format!("include \"{}\";\n", depth + 1) } else { String::new() };
        Some(format!("{next}host h{depth} {{ }}\n"))
    });
    println!("999 includes within each other: {took:?}");
    assert_eq!(config.hosts.iter().count(), 999);
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[test]
fn one_block_within_another() {
    let depth = 240;
    let text = "group { ".repeat(depth) + "host h { } " + &"} ".repeat(depth) + "\n";
    let (config, _) = read(text, |_| None);
    assert_eq!(config.hosts.iter().count(), 1);
}
