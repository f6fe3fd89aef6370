//! omshell as a program, beside the recorded sessions: the examples of its man page, its exit status, its arguments, a terminal.

use compat_tests::ground::{Ground, Result, Wish, ours, run, say, serve};
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

const CONFIGURATION: &str = "
omapi-port 7911;
ddns-update-style none;
subnet 10.9.0.0 netmask 255.255.255.0 { range 10.9.0.100 10.9.0.120; }
";

fn omshell() -> Result<PathBuf> {
    let path = ours()?.with_file_name("omshell");
    path.exists().then_some(path).ok_or_else(|| "omshell is not built (cargo build --workspace)".into())
}

fn pipe(command: &mut Command, input: &str) -> Result<Output> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(say("omshell"))?;
    let mut stdin = child.stdin.take().ok_or("no pipe")?;
    stdin.write_all(input.as_bytes()).map_err(say("pipe"))?;
    drop(stdin);
    child.wait_with_output().map_err(say("omshell"))
}

/// Texts between `.\" example: omshell` and `.\" end of example`.
fn examples() -> Result<Vec<String>> {
    let page = compat_tests::here().with_file_name("man").join("omshell.1");
    let page = fs::read_to_string(page).map_err(say("man/omshell.1"))?;
    let parts = page.split(".\\\" example: omshell\n").skip(1);
    Ok(parts
        .filter_map(|part| Some(part.split_once(".\\\" end of example")?.0))
        .map(|text| text.replace("\\\\", "\u{1}").replace("\\-", "-").replace('\u{1}', "\\"))
        .collect())
}

#[test]
fn examples_of_the_man_page_work_and_failures_show_in_the_status() -> Result<()> {
    let ground = Ground::new(&Wish { server: &["10.9.0.1/24"], clients: &[], setup: "" })?;
    let leases = ground.directory().join("dhcpd.leases");
    let _server = serve(&ground, &ours()?, CONFIGURATION, &leases.display().to_string())?;
    let examples = examples()?;
    assert_eq!(examples.len(), 2);
    for example in &examples {
        let done = pipe(ground.at_server(omshell()?).arg("--exit-status"), example)?;
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        assert!(done.status.success(), "{example}\n{said}{}", String::from_utf8_lossy(&done.stderr));
    }
    let text = fs::read_to_string(&leases).map_err(say("lease file"))?;
    assert!(text.contains("host printer {\n  dynamic;\n"), "{text}");
    // The host is there already; without the flag the status is ISC's.
    let first = examples.first().ok_or("no example")?;
    let told = pipe(ground.at_server(omshell()?).arg("--exit-status"), first)?;
    assert_eq!(told.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&told.stdout).contains("can't open object: already exists\n"));
    assert_eq!(pipe(&mut ground.at_server(omshell()?), first)?.status.code(), Some(0));
    for mistake in ["connect now\n", "port no-such-service\n", "fly\n", "set x = 1\n", "port 1\nconnect\n"] {
        let done = pipe(ground.at_server(omshell()?).arg("--exit-status"), mistake)?;
        assert_eq!(done.status.code(), Some(1), "{mistake}");
    }
    Ok(())
}

/// Line for line as ISC's does; it knows no arguments at all.
#[test]
fn other_arguments_are_refused() -> Result<()> {
    let done = Command::new(omshell()?).arg("--nonsense").output().map_err(say("omshell"))?;
    assert_eq!((done.status.code(), &*done.stderr), (Some(1), &b"Usage: omshell\n"[..]));
    Ok(())
}

/// script(1) gives it a terminal, on which the line is edited: what the backspace removes is not seen.
#[test]
fn lines_can_be_edited_on_a_terminal() -> Result<()> {
    if run(Command::new("script").arg("--version")).is_err() {
        println!("skipped: no script(1) here");
        return Ok(());
    }
    let program = format!("{} --exit-status", omshell()?.display());
    let mut command = Command::new("script");
    command.args(["-q", "-e", "-c", &program, "/dev/null"]).env("TERM", "xterm");
    let done = pipe(&mut command, "helpx\u{7f}\r\u{4}")?;
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(said.contains("server <server address>"), "{said:?}");
    assert_eq!(done.status.code(), Some(0), "{said:?}");
    Ok(())
}
