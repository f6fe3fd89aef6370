//! pypureomapi, the library that many programs manage ISC dhcpd with, as it comes from PyPI: every public method against ISC's
//! server and ours, with a key and without. The answers and the lease files that are left must be the same.

use compat_tests::ground::{Ground, Result, Wish, isc, ours, run, say, serve};
use compat_tests::lease_text;
use compat_tests::lists;
use compat_tests::transcript::{Transcript, compare, show};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const CONFIGURATION: &str = r#"
omapi-port 7911;
ddns-update-style none;
class "known" { match option user-class; lease limit 3; }
subnet 10.9.0.0 netmask 255.255.255.0 { range 10.9.0.100 10.9.0.120; }
host declared { hardware ethernet 02:00:00:00:00:64; fixed-address 10.9.0.60; }
"#;
const SECRET: &str = "bXkgc2VjcmV0IGtleSBmb3Igb21hcGk=";
/// In force for years, so that the moment of the test does not matter.
const LEASES: &str = r#"
lease 10.9.0.100 {
  starts 4 2025/01/02 00:00:00;
  ends 5 2037/01/02 00:00:00;
  cltt 4 2025/01/02 00:00:00;
  binding state active;
  next binding state free;
  rewind binding state free;
  hardware ethernet 02:00:00:00:00:61;
  uid "an-id";
  client-hostname "ahost";
}
lease 10.9.0.101 {
  starts 4 2025/01/02 00:00:00;
  ends 5 2037/01/02 00:00:00;
  cltt 4 2025/01/02 00:00:00;
  binding state active;
  next binding state free;
  rewind binding state free;
  hardware ethernet 02:00:00:00:00:62;
}
"#;
/// ISC takes up to 17 seconds to shut down.
const PATIENCE: Duration = Duration::from_secs(30);

/// Made by install.sh beside the folder of the build.
fn python() -> Option<PathBuf> {
    let build = std::env::current_exe().ok()?;
    let python = build.ancestors().nth(3)?.join("pypureomapi/bin/python3");
    python.exists().then_some(python)
}

fn session(server: &Path, python: &Path, keyed: bool) -> Result<Transcript> {
    let ground = Ground::new(&Wish { server: &["10.9.0.1/24"], clients: &[], setup: "" })?;
    let leases = ground.directory().join("dhcpd.leases");
    fs::write(&leases, LEASES).map_err(say("lease file"))?;
    let mut configuration = CONFIGURATION.to_string();
    let mut words = Vec::new();
    if keyed {
        configuration += &format!("key k {{ algorithm hmac-md5; secret {SECRET}; }};\nomapi-key k;\n");
        words.extend(["k", SECRET]);
    }
    let mut server = serve(&ground, server, &configuration, &leases.display().to_string())?;
    let script = compat_tests::here().join("omapi/calls.py");
    let said = run(ground.at_server(python).arg(script).args(words))?;
    let began = Instant::now();
    while server.alive() && began.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(50));
    }
    let mut out = Transcript::default();
    let lines = out.section("calls");
    lines.extend(said.lines().map(lease_text::mask_made_up));
    lines.push(if server.alive() { "the server lives" } else { "the server has ended" }.into());
    let text = fs::read_to_string(&leases).map_err(say("lease file"))?;
    *out.section("lease file") = lease_text::normalise(&text, 0);
    Ok(out)
}

fn both(name: &str, keyed: bool) -> Result<()> {
    let Some(python) = python() else {
        println!("skipped: pypureomapi is not installed (compat-tests/install.sh installs it)");
        return Ok(());
    };
    let expected = session(&isc()?, &python, keyed)?;
    let found = session(&ours()?, &python, keyed)?;
    let calls = &expected.sections[0].lines;
    println!("{} calls", calls.len());
    assert!(calls.contains(&"methods not called: []".to_string()), "{}", calls.join("\n"));
    let (left, _) = lists::explain(name, compare(&expected, &found), &lists::differences()?);
    if left.is_empty() { Ok(()) } else { Err(show(&left)) }
}

#[test]
fn every_method_without_a_key() -> Result<()> {
    both("omapi-pypureomapi", false)
}

#[test]
fn every_method_with_a_key() -> Result<()> {
    both("omapi-pypureomapi-key", true)
}
