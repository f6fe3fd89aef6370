//! The loop with a core that plays a script, real journal, real UDP socket.

use super::*;
use crate::daemon::operator_log::Identity;
use crate::journal::Settings;
use crate::net::udp::UdpSocket;
use crate::server::effect::{Route, Send};
use nix::sys::signal::{Signal as Number, raise};
use std::net::SocketAddrV4;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

/// Signals concern the whole process.
static ALONE: Mutex<()> = Mutex::new(());

fn shell(path: PathBuf) -> Shell {
    let ears = Ears::default();
    let journal =
        Journal::start(Settings { path, sync: true, most_per_sync: None }, ears.clone()).expect("a journal");
    let udp = UdpSocket::open(Ipv4Addr::LOCALHOST, 0).expect("a socket");
    let sockets = Sockets { packet: Vec::new(), udp };
    let nowhere = Identity { program: "test".to_owned(), pid: 0, socket: "/nonexistent/log".into() };
    let log = OperatorLog::start(nowhere).expect("a log");
    let listeners = Listeners::default();
    let (clock, names) = (Clock::new(), Arc::default());
    Shell { clock, sockets, icmp: None, listeners, journal, ears, log, names }
}

fn directory() -> tempfile::TempDir {
    let program = std::env::current_exe().expect("the test program's own path");
    tempfile::tempdir_in(program.parent().expect("a directory")).expect("a temporary directory")
}

/// Appends records, sends an answer when they are durable, and leaves when asked to.
struct Script {
    to: SocketAddrV4,
    begun: bool,
    events: Vec<String>,
}

impl Core for Script {
    fn handle(&mut self, _: Now, event: Event<'_>, out: &mut Effects) {
        match event {
            Event::Timer => {
                self.begun = true;
                for sequence in 1..=3 {
                    let start = out.bytes.len();
                    out.bytes.extend(format!("record {sequence}\n").bytes());
                    out.list.push(Effect::Append { sequence, record: start..out.bytes.len() });
                }
            }
            Event::Durable(sequence) => {
                self.events.push(format!("durable {sequence}"));
                let start = out.bytes.len();
                out.bytes.extend(b"answer");
                out.list.push(Effect::Send(Send {
                    route: Route::Socket { interface: None },
                    source: Ipv4Addr::LOCALHOST,
                    source_port: 67,
                    destination: self.to,
                    payload: start..out.bytes.len(),
                }));
                out.list.push(Effect::Execute(vec![b"/bin/true".to_vec()]));
                raise(Number::SIGTERM).expect("raised");
            }
            Event::Shutdown => {
                self.events.push("shutdown".to_owned());
                out.list.push(Effect::Exit(7));
            }
            other => self.events.push(format!("{other:?}")),
        }
    }

    fn next_deadline(&self) -> Option<u64> {
        (!self.begun).then_some(5_000)
    }
}

#[test]
fn records_are_durable_before_the_answer_and_a_signal_ends_it() {
    let _alone = ALONE.lock();
    let directory = directory();
    let path = directory.path().join("dhcpd.leases");
    let receiver = std::net::UdpSocket::bind("127.0.0.1:0").expect("bound");
    receiver.set_read_timeout(Some(Duration::from_secs(5))).expect("set");
    let Ok(std::net::SocketAddr::V4(to)) = receiver.local_addr() else { panic!("IPv4") };
    let mut core = Script { to, begun: false, events: Vec::new() };
    let mut ready = false;
    let status = run(&mut core, shell(path.clone()), || {
        ready = true;
        Ok(())
    });
    assert_eq!(status, Ok(7));
    assert!(ready);
    assert_eq!(core.events, ["durable 3", "shutdown"]);
    let mut buffer = [0; 16];
    let length = receiver.recv(&mut buffer).expect("an answer");
    assert_eq!(&buffer[..length], b"answer");
    assert_eq!(std::fs::read_to_string(path).expect("read"), "record 1\nrecord 2\nrecord 3\n");
}

#[test]
fn a_start_that_fails_at_the_last_moment_is_told() {
    let _alone = ALONE.lock();
    let directory = directory();
    let to = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 9);
    let mut core = Script { to, begun: false, events: Vec::new() };
    let shell = shell(directory.path().join("dhcpd.leases"));
    let status = run(&mut core, shell, || Err("write to parent: Broken pipe".to_owned()));
    assert_eq!(status, Err("write to parent: Broken pipe".to_owned()));
    assert!(!core.begun);
}
