//! Texts of start-up, the command line and the operating system's refusals (ledger `cli.tsv`, `logs.tsv`). ISC's words,
//! except where the program names itself.

use crate::log::Line;
use crate::server::recording::{NoRecording, VERSION};
use nix::errno::Errno;
use std::io;
use std::path::Path;

/// The name and version by which the program is known; decided once in DESIGN.md.
pub const IDENTITY: &str =
    concat!("dhcpd-rs ", env!("CARGO_PKG_VERSION"), " (isc-dhcpd-4.4.3-P1 compatible)");

/// Four lines, as ISC's.
pub fn banner() -> [Line; 4] {
    [
        Line::info(IDENTITY),
        Line::info("Copyright 2026 the dhcpd-rs authors."),
        Line::info("Licensed under MIT or Apache-2.0."),
        Line::info("For info, please see the dhcpd(8) manual page."),
    ]
}

/// What `--help` prints and a usage error ends with; `program` is its file name.
pub fn usage(program: &str) -> String {
    format!(
        "Usage: {program} [-p <UDP port #>] [-f] [-d] [-q] [-t|-T]\n\
         {INDENT}[-4|-6] [-cf config-file] [-lf lease-file]\n\
         {INDENT}[-user user] [-group group] [-chroot dir]\n\
         {INDENT}[-tf trace-output-file]\n\
         {INDENT}[-play trace-input-file]\n\
         {INDENT}[-pf pid-file] [--no-pid] [-s server]\n\
         {INDENT}[if0 [...ifN]]\n       {program} {{--version|--help|-h}}"
    )
}

const INDENT: &str = "             ";

/// What follows every fatal text.
pub fn closing() -> [Line; 8] {
    [
        Line::error(""),
        Line::error("If you think you have received this message due to a bug rather"),
        Line::error("than a configuration issue please read the section on submitting"),
        Line::error("bugs on either our web page at www.isc.org or in the README file"),
        Line::error("before submitting a bug.  These pages explain the proper"),
        Line::error("process and the information we find helpful for debugging."),
        Line::error(""),
        Line::error("exiting."),
    ]
}

pub fn broadcast_needs_v4() -> String {
    "You can only specify address to send replies to when running an IPv4 server.".into()
}

pub fn unknown_command(word: &str) -> Line {
    Line::error(format!("Unknown command {word}"))
}

/// ISC's text ends in a blank.
pub fn no_argument(word: &str) -> Line {
    Line::error(format!("No argument for command: {word} "))
}

pub fn user_port(port: u16) -> Line {
    Line::debug(format!("binding to user-specified port {port}"))
}

pub fn environment_port(port: u16) -> Line {
    Line::debug(format!("binding to environment-specified port {port}"))
}

pub fn invalid_port(text: &str) -> String {
    format!("Invalid port number specification: {text}")
}

pub fn port_out_of_range() -> String {
    "Port number specified is out of range (1-65535).".to_owned()
}

pub fn both_families() -> String {
    "Server cannot run in both IPv4 and IPv6 mode at the same time.".to_owned()
}

pub fn interface_name_too_long(name: &str, length: usize) -> String {
    format!("{name}: interface name too long (is {length})")
}

/// Ours: what this version refuses rather than ignores.
pub fn not_supported(flag: &str, what: &str) -> String {
    format!("{flag}: {what} is not supported by this version of dhcpd-rs.")
}

pub fn no_real_path(path: &Path, reason: &str) -> String {
    format!("Failed to get realpath for {}: {reason}", path.display())
}

pub fn already_running() -> String {
    "There's already a DHCP server running.".to_owned()
}

/// Three error lines of which the last is fatal.
pub fn no_lease_database(path: &Path, reason: &str) -> ([Line; 3], String) {
    (
        [
            Line::error(format!("Can't open lease database {}: {reason} --", path.display())),
            Line::error("  check for failed database rewrite attempt!"),
            Line::error("Please read the dhcpd.leases manual page if you"),
        ],
        "don't know what to do about this.".to_owned(),
    )
}

pub fn cannot_seek(path: &Path, reason: &str) -> String {
    format!("Can't lseek on {}: {reason}", path.display())
}

pub fn cannot_append(path: &Path) -> String {
    format!("Can't open {} for append.", path.display())
}

pub fn cannot_create_pid_file(path: &Path, reason: &str) -> Line {
    Line::error(format!("Can't create PID file {}: {reason}.", path.display()))
}

pub fn starting() -> Line {
    Line::info("Server starting service.")
}

pub fn no_pipe(reason: &str) -> String {
    format!("Can't get pipe: {reason}")
}

pub fn no_fork(reason: &str) -> String {
    format!("Can't fork daemon: {reason}")
}

pub fn parent_is_gone(reason: &str) -> String {
    format!("write to parent: {reason}")
}

/// Ours.
pub fn no_thread(what: &str, reason: &str) -> String {
    format!("Can't start the {what} thread: {reason}")
}

/// Ours: said when the log flows again.
pub fn lines_lost(count: u64) -> Line {
    Line::error(format!("{count} log lines were lost: the log did not keep up."))
}

/// Ours.
pub fn no_event_loop(reason: &str) -> String {
    format!("Can't start the event loop: {reason}")
}

/// What of a damaged lease file is kept where.
pub fn rejected_kept(path: &Path) -> Line {
    Line::error(format!("What could not be read of the lease file is kept in {}", path.display()))
}

pub fn rejected_lost(path: &Path, reason: &str) -> Line {
    Line::error(format!(
        "What could not be read of the lease file cannot be kept in {}: {reason}",
        path.display()
    ))
}

pub fn cannot_create_lease_file(path: &Path, reason: &str) -> String {
    format!("Can't create new lease file: {reason} ({})", path.display())
}

pub fn lease_test_successful(path: &Path) -> Line {
    Line::debug(format!("Lease file test successful, removing temp lease file: {}", path.display()))
}

/// The socket cannot be opened; it is tried again.
pub fn no_omapi(error: &io::Error) -> Line {
    Line::error(format!("Can't start OMAPI protocol: {}", listen_reason(error)))
}

pub fn no_failover_socket(peer: &str, error: &io::Error) -> Line {
    Line::info(format!("failover peer {peer}: {}", listen_reason(error)))
}

/// In the words of ISC's library, which knows few reasons (`omapi_listen_addr`).
fn listen_reason(error: &io::Error) -> &'static str {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::EADDRINUSE) => "address not available",
        Some(Errno::EPERM) => "permission denied",
        Some(Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS) => "not enough free resources",
        _ => "unexpected error",
    }
}

/// ISC's word for a recording is trace.
pub fn overwriting_trace(path: &Path) -> Line {
    Line::error(format!("WARNING: Overwriting trace file \"{}\"", path.display()))
}

/// Begins as in ISC, which names a line of its source.
pub fn no_trace(path: &Path, reason: &str) -> Line {
    Line::error(format!("dhcpd.c(625): trace_begin: {}: {reason}", path.display()))
}

pub fn trace_not_begun() -> String {
    "Unable to begin trace: unexpected error".to_owned()
}

/// Ours, as all that follow.
pub fn recording_failed(path: &Path, reason: &str) -> Line {
    Line::error(format!("The recording in {} ends here: {reason}. Service goes on.", path.display()))
}

pub fn recording_too_slow(path: &Path) -> Line {
    recording_failed(path, "the disk is slower than what happens")
}

/// Four lines, of which the last is fatal.
pub fn play_needs_lease_file() -> ([Line; 3], String) {
    (
        [
            Line::error(""),
            Line::error("** You must specify a lease file with -lf."),
            Line::error("   Dhcpd will not overwrite your default"),
        ],
        "   lease file when playing back a trace. **".to_owned(),
    )
}

/// As in ISC.
pub fn cannot_open_trace(path: &Path, reason: &str) -> String {
    format!("Can't open tracefile {}: {reason}", path.display())
}

pub fn no_recording(path: &Path, why: NoRecording) -> String {
    let path = path.display();
    match why {
        NoRecording::Isc => {
            format!(
                "{path}: a trace of ISC dhcpd. Only ISC dhcpd plays it; -play wants a recording of dhcpd-rs."
            )
        }
        NoRecording::Newer(version) => format!("{path}: tracefile version {version} > current {VERSION}."),
        NoRecording::Other => format!("{path}: not a dhcp trace file."),
    }
}

pub fn recording_without_start() -> String {
    "The recording ends before service began.".to_owned()
}

pub fn recording_torn(at: u64) -> Line {
    Line::error(format!("The recording is torn at octet {at}; it is replayed up to there."))
}

pub fn recording_unfinished() -> Line {
    Line::info("The recording has no end: the server was killed, or there is more in it than was replayed.")
}

pub fn lease_copy_failed(path: &Path, reason: &str) -> Line {
    Line::error(format!("Can't write the replayed leases to {}: {reason}", path.display()))
}

pub fn replayed(inputs: u64, effects: u64, differences: u64) -> Line {
    match differences {
        0 => {
            Line::info(format!("Replayed {inputs} inputs: all {effects} effects are those of the recording."))
        }
        _ => Line::error(format!("Replayed {inputs} inputs: {differences} of them led to something else.")),
    }
}

pub fn difference(number: u64, input: &str, recorded: Option<String>, replayed: Option<String>) -> [Line; 3] {
    let nothing = || "nothing more".to_owned();
    [
        Line::error(format!("Input {number} ({input}) leads to something else.")),
        Line::error(format!("  recorded: {}", recorded.unwrap_or_else(nothing))),
        Line::error(format!("  replayed: {}", replayed.unwrap_or_else(nothing))),
    ]
}
