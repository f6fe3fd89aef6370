//! The pid file: "already running" check, writing, removing (ledger `cli.tsv`).

use super::message;
use crate::log::Line;
use crate::net::message::reason;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// ISC reads into 20 octets.
const READ_MAX: u64 = 19;

/// Whether the file speaks of a living server: a process other than this one, or no process number at all. An empty file
/// and one that cannot be read say nothing.
pub fn names_running_server(path: &Path) -> bool {
    let mut text = Vec::new();
    let read = File::open(path).and_then(|file| file.take(READ_MAX).read_to_end(&mut text));
    if !matches!(read, Ok(length) if length > 0) {
        return false;
    }
    let number = leading_number(&text);
    let own = i32::try_from(std::process::id()).ok();
    number == 0 || (Some(number) != own && kill(Pid::from_raw(number), None).is_ok())
}

/// atoi(3)
fn leading_number(text: &[u8]) -> i32 {
    let text = String::from_utf8_lossy(text);
    let text = text.trim_start();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let number: i64 = digits.get(..end).and_then(|digits| digits.parse().ok()).unwrap_or(0);
    (if negative { -number } else { number }) as i32
}

/// Writes this process's number. What it could not do is one line; service goes on.
pub fn write(path: &Path) -> Result<(), Line> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o644)
        .open(path)
        .and_then(|mut file| file.write_all(format!("{}\n", std::process::id()).as_bytes()))
        .map_err(|e| message::cannot_create_pid_file(path, &reason(&e)))
}

/// At an orderly end. Nobody to tell when it fails.
pub fn remove(path: &Path) {
    let _ = std::fs::remove_file(path);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_running() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("pid");
        assert!(!names_running_server(&path));
        for (text, running) in [
            ("", false),
            ("0\n", true),
            ("garbage", true),
            ("1\n", true),
            (" 1 and more", true),
            ("999999999\n", false),
        ] {
            std::fs::write(&path, text).expect("written");
            assert_eq!(names_running_server(&path), running, "{text:?}");
        }
        write(&path).expect("written");
        assert_eq!(std::fs::read_to_string(&path).expect("read"), format!("{}\n", std::process::id()));
        assert!(!names_running_server(&path));
        remove(&path);
        assert!(!path.exists());
    }

    #[test]
    fn a_file_that_cannot_be_made_is_one_line() {
        let text = "Can't create PID file /nonexistent/pid: No such file or directory.";
        assert_eq!(write(Path::new("/nonexistent/pid")), Err(Line::error(text)));
    }
}
