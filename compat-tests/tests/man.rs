//! The examples of the man pages are run, so that they stay true: configurations through `dhcpd -t`, lease records
//! through `dhcpd -T`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies below the top").to_path_buf()
}

/// The program as cargo built it beside this test.
fn dhcpd() -> PathBuf {
    let mut path = std::env::current_exe().expect("this test has a path");
    path.pop();
    if path.ends_with("deps") {
        path.pop();
    }
    path.join("dhcpd")
}

/// Texts between `.\" example: KIND` and `.\" end of example`, troff requests left out and escapes undone.
fn examples(page: &str, kind: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Option<String> = None;
    for line in page.lines() {
        if line == format!(".\\\" example: {kind}") {
            open = Some(String::new());
        } else if line == ".\\\" end of example" {
            found.extend(open.take());
        } else if let Some(text) = &mut open
            && !line.starts_with('.')
        {
            text.push_str(&line.replace("\\\\", "\\"));
            text.push('\n');
        }
    }
    found
}

fn pages() -> Vec<(String, String)> {
    let mut pages: Vec<_> = fs::read_dir(root().join("man"))
        .expect("man pages")
        .flatten()
        .map(|entry| {
            let text = fs::read_to_string(entry.path()).expect("a readable page");
            (entry.file_name().to_string_lossy().into_owned(), text)
        })
        .collect();
    pages.sort();
    pages
}

#[test]
fn configurations_are_accepted() {
    let directory = tempfile::tempdir().expect("a scratch directory");
    let mut count = 0;
    for (name, page) in pages() {
        for example in examples(&page, "dhcpd.conf") {
            let path = directory.path().join("dhcpd.conf");
            fs::write(&path, &example).expect("written");
            let run = Command::new(dhcpd()).args(["-t", "-cf"]).arg(&path).output().expect("dhcpd runs");
            let said = String::from_utf8_lossy(&run.stderr).into_owned();
            assert!(run.status.success(), "{name}: {example}\n{said}");
            count += 1;
        }
    }
    assert!(count >= 3, "only {count} examples were found");
}

#[test]
fn lease_records_of_a_v6_server_are_read() {
    let directory = tempfile::tempdir().expect("a scratch directory");
    let conf = directory.path().join("dhcpd6.conf");
    let leases = directory.path().join("dhcpd6.leases");
    let ranges = "range6 2001:db8::100 2001:db8::1ff; prefix6 2001:db8:0:100:: 2001:db8:0:f00:: /56;";
    fs::write(&conf, format!("subnet6 2001:db8::/64 {{ {ranges} }}\n")).expect("written");
    let found: Vec<String> = pages().iter().flat_map(|(_, page)| examples(page, "dhcpd6.leases")).collect();
    assert!(!found.is_empty(), "no record was found");
    for example in found {
        fs::write(&leases, &example).expect("written");
        let mut command = Command::new(dhcpd());
        let run = command.args(["-6", "-T", "-cf"]).arg(&conf).arg("-lf").arg(&leases).output();
        let run = run.expect("dhcpd runs");
        let said = String::from_utf8_lossy(&run.stderr).into_owned();
        assert!(run.status.success(), "{example}\n{said}");
        assert!(said.contains("Wrote 1 NA, 0 TA, 1 PD leases to lease file."), "{example}\n{said}");
        assert!(!said.contains(" line "), "{example}\n{said}");
    }
}

#[test]
fn lease_records_are_read() {
    let directory = tempfile::tempdir().expect("a scratch directory");
    let conf = directory.path().join("dhcpd.conf");
    let leases = directory.path().join("dhcpd.leases");
    fs::write(&conf, "subnet 192.0.2.0 netmask 255.255.255.0 { range 192.0.2.100 192.0.2.110; }\n")
        .expect("written");
    let mut count = 0;
    for (name, page) in pages() {
        for example in examples(&page, "dhcpd.leases") {
            fs::write(&leases, &example).expect("written");
            let run = Command::new(dhcpd())
                .args(["-T", "-cf"])
                .arg(&conf)
                .arg("-lf")
                .arg(&leases)
                .output()
                .expect("dhcpd runs");
            let said = String::from_utf8_lossy(&run.stderr).into_owned();
            assert!(run.status.success(), "{name}: {example}\n{said}");
            assert!(said.contains("Wrote 1 leases to leases file."), "{name}: {example}\n{said}");
            count += 1;
        }
    }
    assert!(count >= 1, "no lease record was found");
}

/// With a recording in the place of the example's.
#[test]
fn recordings_are_replayed() {
    let directory = tempfile::tempdir().expect("a scratch directory");
    let recording = root().join("compat-tests/replays/live-first-start.rec");
    fs::copy(&recording, directory.path().join("today.rec")).expect("copied");
    let mut count = 0;
    for (name, page) in pages() {
        for example in examples(&page, "play") {
            let example = example.replace("\\-", "-");
            let words = example.split_whitespace().skip(1).map(|word| match word.strip_prefix("/tmp") {
                Some(rest) => format!("{}{rest}", directory.path().display()),
                None => word.to_owned(),
            });
            let run = Command::new(dhcpd()).args(words).output().expect("dhcpd runs");
            let said = String::from_utf8_lossy(&run.stderr).into_owned();
            assert!(run.status.success(), "{name}: {example}\n{said}");
            assert!(said.contains("DHCPACK on "), "{name}: {said}");
            count += 1;
        }
    }
    assert_eq!(count, 1);
    let leases = fs::read_to_string(directory.path().join("today.leases")).expect("the lease file");
    assert!(leases.contains("binding state active;"));
}

/// Every flag of the ledger stands in dhcpd(8).
#[test]
fn every_flag_is_described() {
    let page = fs::read_to_string(root().join("man/dhcpd.8")).expect("dhcpd.8").replace('\\', "");
    for flag in [
        "-p", "-f", "-d", "-q", "-t", "-T", "-4", "-6", "-s", "-cf", "-lf", "-pf", "--no-pid", "-tf", "-play",
    ] {
        assert!(page.contains(flag), "{flag}");
    }
    for flag in ["-user", "-group", "-chroot", "--version", "--help"] {
        assert!(page.contains(flag), "{flag}");
    }
}
