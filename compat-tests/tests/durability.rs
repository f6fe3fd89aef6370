//! What a DHCPACK promises: the lease is on the disk before the answer leaves, whatever happens next. Root is needed; lease
//! files lie on a real disk.

use compat_tests::crowd::{self, CONFIGURATION, Crowd, SERVER};
use compat_tests::ground::{Ground, Result, Wish, ours, run, say, serve, serve_by, serve_within, wait_until};
use compat_tests::wire;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufWriter, Write as _};
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::{Duration, Instant};

fn leases_in(ground: &Ground) -> String {
    ground.directory().join("dhcpd.leases").display().to_string()
}

/// Moments that differ from run to run; printed, so that a failure can be looked into.
fn moments(count: usize) -> Vec<u64> {
    let seed =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(1, |now| now.as_nanos());
    let mut state = seed as u64 | 1;
    let moments = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        150 + state % 1000
    });
    moments.take(count).collect()
}

#[test]
fn kill_nine_loses_no_acknowledged_lease() -> Result<()> {
    let ground = Ground::new(&SERVER)?;
    let leases = leases_in(&ground);
    let mut crowd = Crowd::new(ground.link()?, 1);
    let moments = moments(6);
    println!("killed after {moments:?} ms");
    for moment in &moments {
        let mut server = serve(&ground, &ours()?, CONFIGURATION, &leases)?;
        let (before, began) = (crowd.acks, Instant::now());
        // The moment counts from the first answer on: death is to come under load.
        let mut first = None;
        crowd.take(48, |crowd| {
            if first.is_none() && crowd.acks > before {
                first = Some(Instant::now());
            }
            first.map_or(began.elapsed() < Duration::from_secs(5), |first| {
                first.elapsed() < Duration::from_millis(*moment)
            })
        })?;
        server.end(Signal::SIGKILL)?;
        crowd.drain()?;
        assert!(crowd.acks > before, "no client was served before the kill");
        crowd.distinct()?;
        let text = fs::read_to_string(&leases).map_err(say("lease file"))?;
        crowd::all_recorded(&crowd.acknowledged, &text)?;
    }
    let mut server = serve(&ground, &ours()?, CONFIGURATION, &leases)?;
    let everybody: Vec<u32> = crowd.acknowledged.keys().copied().collect();
    println!("{} leases acknowledged through {} kills", everybody.len(), moments.len());
    crowd.reboot(&everybody, Duration::from_secs(25))?;
    crowd.take_some(200, 48, Duration::from_secs(10))?;
    crowd.distinct()?;
    server.end(Signal::SIGTERM)
}

/// What strace saw of one server: the octets written to each descriptor and how many of them a returned sync covers.
#[derive(Default)]
struct Trace {
    written: BTreeMap<u32, Vec<u8>>,
    durable: BTreeMap<u32, usize>,
    /// Calls that had not returned when another thread's call was shown, and what held when they began.
    pending: BTreeMap<String, (String, Begun)>,
    acknowledged: BTreeSet<Ipv4Addr>,
}

/// What held when a call began: the octets written to its descriptor, and those durable on each.
struct Begun {
    length: usize,
    durable: BTreeMap<u32, usize>,
}

impl Trace {
    /// One line: `thread time call(arguments) = result`, or half of it.
    fn line(&mut self, line: &str) -> Result<()> {
        let mut words = line.splitn(2, ' ');
        let thread = words.next().unwrap_or_default().to_string();
        let Some((_, call)) = words.next().map(str::trim_start).and_then(|rest| rest.split_once(' ')) else {
            return Ok(());
        };
        if let Some(rest) = call.strip_prefix("<... ") {
            let Some((_, end)) = rest.split_once("resumed>") else { return Ok(()) };
            let Some((start, begun)) = self.pending.remove(&thread) else { return Ok(()) };
            return self.returned(&format!("{start}{end}"), begun);
        }
        let length = descriptor(call).and_then(|fd| self.written.get(&fd)).map_or(0, Vec::len);
        let begun = Begun { length, durable: self.durable.clone() };
        match call.strip_suffix("<unfinished ...>") {
            Some(start) => {
                self.pending.insert(thread, (start.to_string(), begun));
                Ok(())
            }
            None => self.returned(call, begun),
        }
    }

    /// sendmmsg's messages are shown only when it returns, hence all is judged then, by what held at the beginning.
    fn returned(&mut self, call: &str, begun: Begun) -> Result<()> {
        let (Some(fd), Some((_, result))) = (descriptor(call), call.rsplit_once(" = ")) else {
            return Ok(());
        };
        let Ok(result) = result.trim().parse::<usize>() else { return Ok(()) };
        if call.starts_with("write(") {
            let octets = strings(call).concat();
            let octets = octets.get(..result).ok_or_else(|| format!("strace cut a write short: {call}"))?;
            self.written.entry(fd).or_default().extend(octets);
        } else if call.starts_with("fdatasync(") || call.starts_with("fsync(") {
            self.durable.insert(fd, begun.length);
        } else if call.starts_with("send") {
            self.sent(call, &begun.durable)?;
        }
        Ok(())
    }

    /// Every ACK in a send call must have been covered when the call began.
    fn sent(&mut self, call: &str, durable: &BTreeMap<u32, usize>) -> Result<()> {
        for octets in strings(call) {
            let cookie = [99, 130, 83, 99, 53, 1, crowd::ACK];
            let Some(at) = octets.windows(cookie.len()).position(|window| window == cookie) else { continue };
            let fixed =
                at.checked_sub(236).and_then(|start| octets.get(start..at)).ok_or("a short message")?;
            let address = Ipv4Addr::new(fixed[16], fixed[17], fixed[18], fixed[19]);
            let hardware = wire::colons(&fixed[28..34]);
            let covered = durable.iter().any(|(fd, length)| {
                let durable =
                    self.written.get(fd).and_then(|octets| octets.get(..*length)).unwrap_or_default();
                let records = crowd::bindings(&String::from_utf8_lossy(durable));
                records.get(&address).is_some_and(|body| {
                    body.contains(&hardware) && body.contains("\n  binding state active;")
                })
            });
            if !covered {
                return Err(format!(
                    "the DHCPACK for {address} to {hardware} left before its lease was on the disk"
                ));
            }
            self.acknowledged.insert(address);
        }
        Ok(())
    }
}

/// The first argument, where it is a descriptor.
fn descriptor(call: &str) -> Option<u32> {
    let digits: String = call.split_once('(')?.1.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// The strings among the arguments, which `strace -xx` writes as `"\x6c\x65"`.
fn strings(call: &str) -> Vec<Vec<u8>> {
    let octets = |text: &str| {
        text.split("\\x").skip(1).filter_map(|digits| u8::from_str_radix(digits, 16).ok()).collect()
    };
    call.split('"').skip(1).step_by(2).map(octets).collect()
}

#[test]
fn every_ack_leaves_after_its_lease_is_on_the_disk() -> Result<()> {
    let ground = Ground::new(&SERVER)?;
    let trace = ground.directory().join("trace");
    let mut command = ground.at_server("strace");
    command.args([
        "-f",
        "-v",
        "-tt",
        "-xx",
        "-s",
        "100000",
        "-e",
        "trace=write,fdatasync,fsync,sendto,sendmsg,sendmmsg",
    ]);
    // The server ends with strace, however that ends.
    command.arg("-o").arg(&trace).args(["setpriv", "--pdeathsig", "KILL"]).arg(ours()?);
    let mut server = serve_by(&ground, &mut command, CONFIGURATION, &leases_in(&ground))?;
    let mut crowd = Crowd::new(ground.link()?, 1);
    // One at a time, then many that share a commit.
    crowd.take_some(20, 1, Duration::from_secs(10))?;
    crowd.take_some(60, 16, Duration::from_secs(10))?;
    let children = format!("/proc/{0}/task/{0}/children", server.pid());
    let children = fs::read_to_string(children).map_err(say("children of strace"))?;
    for child in children.split_whitespace().filter_map(|child| child.parse().ok()) {
        kill(Pid::from_raw(child), Signal::SIGTERM).map_err(say("kill"))?;
    }
    wait_until("strace ends with the server", Duration::from_secs(5), || !server.alive())?;
    let mut seen = Trace::default();
    for line in fs::read_to_string(&trace).map_err(say("trace"))?.lines() {
        seen.line(line)?;
    }
    println!("{} DHCPACKs, each after the fdatasync that covers its lease", seen.acknowledged.len());
    for address in crowd.acknowledged.values() {
        assert!(seen.acknowledged.contains(address), "strace did not see the DHCPACK for {address}");
    }
    Ok(())
}

/// An order that is broken must be found: the same trace with the send before the sync.
#[test]
fn a_trace_with_an_early_ack_is_refused() -> Result<()> {
    let hex = |octets: &[u8]| octets.iter().map(|octet| format!("\\x{octet:02x}")).collect::<String>();
    let hardware = wire::colons(&crowd::mac(7));
    let record = format!(
        "lease 10.40.1.0 {{\n  starts never;\n  binding state active;\n  hardware ethernet {hardware};\n}}\n"
    );
    let mut ack = crowd::message(7, crowd::ACK, Ipv4Addr::UNSPECIFIED, &[]);
    ack.yiaddr = Ipv4Addr::new(10, 40, 1, 0);
    let ack = ack.encode();
    let write =
        format!("12 10:00:00.000001 write(7, \"{}\", {1}) = {1}", hex(record.as_bytes()), record.len());
    let send = format!("11 10:00:00.000003 sendto(5, \"{}\", {1}, 0, NULL, 0) = {1}", hex(&ack), ack.len());
    let begins = "12 10:00:00.000002 fdatasync(7 <unfinished ...>".to_string();
    let returns = "12 10:00:00.000004 <... fdatasync resumed>) = 0".to_string();
    let verdict = |lines: [&String; 4]| {
        let mut trace = Trace::default();
        lines.into_iter().try_for_each(|line| trace.line(line)).map(|()| trace.acknowledged.len())
    };
    assert_eq!(verdict([&write, &begins, &returns, &send]), Ok(1));
    assert!(verdict([&write, &begins, &send, &returns]).is_err());
    assert!(verdict([&begins, &write, &returns, &send]).is_err());
    Ok(())
}

/// A small file system of its own for the lease file; a loop device where the kernel gives one.
const SMALL_DISK: &str = "
mkdir $DIRECTORY/disk
truncate -s 16M $DIRECTORY/image
mkfs.ext4 -q -F -m 0 $DIRECTORY/image >/dev/null
mount -o loop $DIRECTORY/image $DIRECTORY/disk 2>/dev/null || mount -t tmpfs -o size=2m none $DIRECTORY/disk
";

#[test]
fn a_full_disk_gives_no_ack_and_loses_nothing() -> Result<()> {
    let ground = Ground::new(&Wish { setup: SMALL_DISK, ..SERVER })?;
    let disk = ground.directory().join("disk").display().to_string();
    let leases = format!("{disk}/dhcpd.leases");
    let kind = run(ground.at_server("stat").args(["-f", "-c", "%T", &disk]))?;
    if kind.trim() == "tmpfs" {
        println!("no loop device here: the full disk is a tmpfs, where fdatasync does nothing");
    }
    let text = || fs::read_to_string(ground.server_file(&leases)).map_err(say("lease file"));
    let mut server = serve(&ground, &ours()?, CONFIGURATION, &leases)?;
    let mut crowd = Crowd::new(ground.link()?, 1);
    crowd.take_some(100, 16, Duration::from_secs(10))?;

    let fill = format!(
        "cat /dev/zero >{disk}/fill 2>/dev/null; sync -f {disk}; cat /dev/zero >>{disk}/fill 2>/dev/null"
    );
    let _ = ground.at_server("sh").args(["-c", &fill]).status().map_err(say("sh"))?;
    let before = crowd.acks;
    let began = Instant::now();
    crowd.take(16, |_| began.elapsed() < Duration::from_secs(5))?;
    // The last block of the lease file has room for a few.
    println!(
        "{} DHCPACKs while {} was full, the last {:?} ago",
        crowd.acks - before,
        kind.trim(),
        crowd.last.elapsed()
    );
    assert!(
        crowd.last.elapsed() > Duration::from_secs(3),
        "DHCPACKs went on leaving while the disk was full"
    );
    crowd::all_recorded(&crowd.acknowledged, &text()?)?;
    let said = server.wait_for("No space left on device", Duration::from_secs(1))?;
    println!("it says: {said}");

    fs::remove_file(ground.server_file(&format!("{disk}/fill"))).map_err(say("fill"))?;
    let began = Instant::now();
    crowd.take_some(100, 16, Duration::from_secs(12))?;
    println!("served again within {:?}", began.elapsed());
    server.end(Signal::SIGKILL)?;
    crowd.drain()?;
    crowd.distinct()?;
    crowd::all_recorded(&crowd.acknowledged, &text()?)?;
    let _again = serve(&ground, &ours()?, CONFIGURATION, &leases)?;
    let everybody: Vec<u32> = crowd.acknowledged.keys().copied().collect();
    crowd.reboot(&everybody, Duration::from_secs(8))
}

/// Records of the same addresses over and over, as a file grows between two rewrites; 300 octets each.
fn long_lease_file(path: &Path, addresses: u32, records: u32) -> Result<()> {
    let mut file = BufWriter::new(fs::File::create(path).map_err(say("lease file"))?);
    let now = chrono::Utc::now();
    for n in 0..records {
        // The last one of an address is of the client with the number of the address.
        let (round, client) = (n / addresses, n % addresses);
        let older = round + 1 < records / addresses;
        let seconds =
            i64::from(n.wrapping_mul(2_654_435_761) % 40_000) + if older { -40_000 } else { 20_000 };
        let ends = now + chrono::Duration::seconds(seconds);
        let starts = (ends - chrono::Duration::seconds(86_400)).format(DATE);
        let holder = if older { client ^ 1 } else { client };
        write!(
            file,
            "lease {} {{\n  starts {starts};\n  ends {};\n  cltt {starts};\n  binding state active;\n  next binding state free;\n  \
             rewind binding state free;\n  hardware ethernet {};\n  client-hostname \"client-{client}-of-a-name-that-is-long\";\n}}\n",
            nth_address(client),
            ends.format(DATE),
            wire::colons(&crowd::mac(holder)),
        )
        .map_err(say("lease file"))?;
    }
    file.flush().map_err(say("lease file"))
}

const DATE: &str = "%w %Y/%m/%d %H:%M:%S";

/// From the end of the pool, which new clients reach last.
fn nth_address(n: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 43, 250, 255)) - n)
}

/// A gigabyte in the full tier: read in time and without memory for it, and nobody's lease is another's.
#[test]
fn a_lease_file_of_a_gigabyte() -> Result<()> {
    let full = std::env::var("COMPAT_TIER").is_ok_and(|tier| tier == "full");
    let (addresses, records) = if full { (200_000, 3_600_000) } else { (10_000, 100_000) };
    let ground = Ground::new(&SERVER)?;
    let leases = leases_in(&ground);
    long_lease_file(Path::new(&leases), addresses, records)?;
    let size = fs::metadata(&leases).map_err(say("lease file"))?.len() >> 20;
    let began = Instant::now();
    let mut command = ground.at_server(ours()?);
    let mut server = serve_within(&ground, &mut command, CONFIGURATION, &leases, Duration::from_secs(300))?;
    let took = began.elapsed();
    let mut crowd = Crowd::new(ground.link()?, 1_000_000);
    crowd.take_some(100, 16, Duration::from_secs(10))?;
    let known: Vec<u32> = (0..addresses).step_by(addresses as usize / 500).collect();
    crowd.acknowledged.extend(known.iter().map(|client| (*client, nth_address(*client))));
    crowd.reboot(&known, Duration::from_secs(20))?;
    crowd.distinct()?;
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).map_err(say("status"))?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
    let peak = peak.and_then(|number| number.parse::<u64>().ok()).ok_or("no VmHWM")? >> 10;
    println!("{size} MB of {records} records: served after {took:?}, {peak} MB at most");
    // Some 200 octets a lease, and what a server has anyway.
    let most = 64 + u64::from(addresses) / 2_000;
    assert!(peak < most, "{peak} MB; {most} MB are enough");
    server.end(Signal::SIGTERM)
}
