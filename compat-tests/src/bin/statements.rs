//! Writes STATEMENTS.md from the table in the code.

use std::process::ExitCode;

fn main() -> ExitCode {
    let path = compat_tests::here().join("STATEMENTS.md");
    match std::fs::write(&path, dhcpd::config::support::page()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error}", path.display());
            ExitCode::FAILURE
        }
    }
}
