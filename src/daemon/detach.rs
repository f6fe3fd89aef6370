//! Becoming a daemon: the fork happens first, before any thread; the parent stays until the child says how it went, so
//! that its exit status and what it wrote on standard error are the truth about the start.
#![allow(unsafe_code)]

use super::message;
use crate::net::message::reason;
use nix::unistd::{ForkResult, chdir, dup2_stderr, dup2_stdin, dup2_stdout, fork, pipe, setsid};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};

/// Which process this is.
pub enum Side {
    /// The start's result is in: leave with this status.
    Parent(i32),
    Child(Parent),
}

/// The child's end of the pipe to the waiting parent.
pub struct Parent(File);

/// Why there is no child.
pub enum Failed {
    Pipe(io::Error),
    Fork(io::Error),
}

/// Forks. In the parent it returns when the child has reported or died.
///
/// Must be called while the process has one thread.
pub fn split() -> Result<Side, Failed> {
    let (read, write) = pipe().map_err(|e| Failed::Pipe(e.into()))?;
    // SAFETY: the process has one thread, so the child may do anything the parent could.
    match unsafe { fork() }.map_err(|e| Failed::Fork(e.into()))? {
        ForkResult::Child => {
            drop(read);
            Ok(Side::Child(Parent(File::from(write))))
        }
        ForkResult::Parent { .. } => {
            drop(write);
            let mut status = [0];
            // No octet: the child died.
            let told = File::from(read).read_exact(&mut status).is_ok();
            Ok(Side::Parent(if told { i32::from(status[0]) } else { 1 }))
        }
    }
}

impl Parent {
    /// Lets the parent leave with success.
    pub fn started(mut self) -> io::Result<()> {
        self.0.write_all(&[0])
    }
}

/// A session of its own, standard streams on /dev/null, working directory `/`. What fails here fails silently, as in ISC.
pub fn leave_terminal() {
    let _ = setsid();
    if let Ok(null) = OpenOptions::new().read(true).write(true).open("/dev/null") {
        let _ = dup2_stdin(&null);
        let _ = dup2_stdout(&null);
        let _ = dup2_stderr(&null);
    }
    let _ = chdir("/");
}

impl Failed {
    pub fn text(&self) -> String {
        match self {
            Failed::Pipe(error) => message::no_pipe(&reason(error)),
            Failed::Fork(error) => message::no_fork(&reason(error)),
        }
    }
}
