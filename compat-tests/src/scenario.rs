//! The scenario format, `scenarios/**/*.scn`.
//!
//! ```text
//! title: what it shows
//! rules: 2.3 4.2            rules of ledger/dhcp4-behaviour.md
//! logs: L0001 L0002         lines of ledger/logs.tsv
//! leases: lease/starts      rows of ledger/leases.tsv, `record/item`, separated by ` | `
//! expressions: data/null    rows of ledger/expressions.tsv, `kind/syntax`, separated by ` && `
//! server: s0 10.9.0.1/24    an interface of the server (this one when none is named); its other end is c0
//! route: 10.9.5.0/24 10.9.0.2   a route of the server
//! ping: 10.9.0.100          a station that answers ICMP echo
//! silent: 10.9.0.101        one that does not answer ARP; all others do
//! args: -s 10.9.0.255       further arguments of the server; listen: s0
//! tier: live REASON         not run in virtual time
//! == config [NAME]          dhcpd.conf
//! == leases [torn]          dhcpd.leases; @T+60 is a date; torn: without a newline at the end
//! == file /etc/dhcp/x       any other file below /etc, /var/lib/dhcp or /run
//! == omshell NAME           what a person types into omshell, see [`crate::shell`]
//! == steps                  one a line, see [`Step`]
//! ```

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::Path;

#[derive(Clone, Debug)]
pub struct Port {
    /// Name at the server's side, `sN`; the other end is `cN`.
    pub name: String,
    /// Address and prefix length; none: up without an address.
    pub addresses: Vec<String>,
}

impl Port {
    pub fn other_end(&self) -> String {
        self.name.replacen('s', "c", 1)
    }
}

#[derive(Clone, Debug)]
pub struct Packet {
    /// `DISCOVER`, `REQUEST`, ..., `BOOTP`, or a number.
    pub kind: String,
    pub fields: Vec<(String, String)>,
}

#[derive(Clone, Debug)]
pub enum Step {
    /// `send KIND field=value ...`
    Send(Packet),
    /// `exchange field=value ...`: DISCOVER, then REQUEST of what was offered.
    Exchange(Packet),
    /// `wait N`: whole seconds.
    Wait(u64),
    /// `kill`: SIGKILL and wait.
    Kill,
    /// `stop`: SIGTERM, wait for the end.
    Stop,
    /// `start [CONFIG]`
    Start(Option<String>),
    /// `echo-reply ADDRESS`: an ICMP echo reply nobody waits for, to the server's first address.
    EchoReply(Ipv4Addr),
    /// `leases`: the lease file as it is now.
    Leases,
    /// `run [VAR=value ...] ARGUMENT ...`: the program with these arguments, to its end.
    Run(Vec<String>),
    /// `show PATH`
    Show(String),
    /// `omshell NAME [SECONDS]`: the session of that name, piped into omshell; the next step is a second later, or so many.
    Omshell(String, u64),
    /// `shell COMMAND`: in the server's world, for what only a machine can do (an interface goes down).
    Shell(String),
}

#[derive(Clone, Debug, Default)]
pub struct Scenario {
    pub name: String,
    pub title: String,
    pub rules: Vec<String>,
    pub logs: Vec<String>,
    pub leases: Vec<String>,
    pub expressions: Vec<String>,
    pub ports: Vec<Port>,
    pub routes: Vec<(String, String)>,
    /// Stations that answer ICMP echo, and stations that do not even answer ARP.
    pub echo: Vec<Ipv4Addr>,
    pub silent: Vec<Ipv4Addr>,
    pub arguments: Vec<String>,
    pub listen: Vec<String>,
    /// Why it cannot run in virtual time.
    pub live_only: Option<String>,
    pub configs: BTreeMap<String, String>,
    pub lease_file: String,
    pub files: Vec<(String, String)>,
    /// Sessions with omshell by name.
    pub sessions: BTreeMap<String, String>,
    pub steps: Vec<(String, Step)>,
}

impl Scenario {
    pub fn load(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Self::parse(&name, &text).map_err(|error| format!("{}: {error}", path.display()))
    }

    pub fn parse(name: &str, text: &str) -> Result<Self, String> {
        let mut out = Scenario { name: name.into(), ..Scenario::default() };
        let mut block: Option<(String, String)> = None;
        for line in text.lines() {
            if let Some(heading) = line.strip_prefix("== ") {
                if let Some((heading, body)) = block.replace((heading.trim().into(), String::new())) {
                    out.block(&heading, body)?;
                }
            } else if let Some((_, body)) = &mut block {
                body.push_str(line);
                body.push('\n');
            } else {
                out.header(line)?;
            }
        }
        if let Some((heading, body)) = block {
            out.block(&heading, body)?;
        }
        if out.ports.is_empty() {
            out.ports.push(Port { name: "s0".into(), addresses: vec!["10.9.0.1/24".into()] });
        }
        if out.listen.is_empty() {
            out.listen = out.ports.iter().map(|port| port.name.clone()).collect();
        }
        if out.title.is_empty() || out.steps.is_empty() {
            return Err("a title and steps are needed".into());
        }
        Ok(out)
    }

    /// True when the steps only use what the core sees: packets and time.
    pub fn fits_virtual_time(&self) -> bool {
        self.live_only.is_none()
            && self.arguments.is_empty()
            && self
                .steps
                .iter()
                .all(|(_, step)| !matches!(step, Step::Run(_) | Step::Show(_) | Step::Stop | Step::Shell(_)))
            && self.sessions.is_empty()
    }

    fn header(&mut self, line: &str) -> Result<(), String> {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        let (key, value) = line.split_once(':').ok_or_else(|| format!("no colon in {line:?}"))?;
        let value = value.trim();
        let words = || value.split_whitespace().map(String::from).collect::<Vec<_>>();
        match key {
            "title" => self.title = value.into(),
            "rules" => self.rules.extend(words()),
            "logs" => self.logs.extend(words()),
            "leases" => {
                self.leases.extend(value.split(" | ").map(|row| row.trim().into()));
            }
            "expressions" => {
                self.expressions.extend(value.split(" && ").map(|row| row.trim().into()));
            }
            "server" => {
                let mut words = words().into_iter();
                let name = words.next().ok_or("server needs a name")?;
                self.ports.push(Port { name, addresses: words.collect() });
            }
            "route" => {
                let [to, via] = &words()[..] else { return Err("route: NET GATEWAY".into()) };
                self.routes.push((to.clone(), via.clone()));
            }
            "ping" | "silent" => {
                let list = if key == "ping" { &mut self.echo } else { &mut self.silent };
                for word in value.split_whitespace() {
                    list.push(word.parse().map_err(|_| format!("{word}: no address"))?);
                }
            }
            "args" => self.arguments = words(),
            "listen" => self.listen = words(),
            "tier" => self.live_only = Some(value.strip_prefix("live").unwrap_or(value).trim().into()),
            _ => return Err(format!("unknown header {key}")),
        }
        Ok(())
    }

    fn block(&mut self, heading: &str, body: String) -> Result<(), String> {
        match heading.split_once(' ').unwrap_or((heading, "")) {
            ("config", name) => {
                self.configs.insert(name.trim().into(), body);
            }
            ("leases", "torn") => self.lease_file = body.trim_end_matches('\n').into(),
            ("leases", _) => self.lease_file = body,
            ("file", path) => self.files.push((path.trim().into(), body)),
            ("omshell", name) => {
                self.sessions.insert(name.trim().into(), body);
            }
            ("steps", _) => {
                for line in
                    body.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
                {
                    self.steps.push((line.into(), step(line)?));
                }
            }
            _ => return Err(format!("unknown block {heading}")),
        }
        Ok(())
    }
}

fn step(line: &str) -> Result<Step, String> {
    let words = words(line);
    let (verb, rest) = words.split_first().ok_or("an empty step")?;
    let first = rest.first().cloned();
    Ok(match verb.as_str() {
        "send" => Step::Send(Packet {
            kind: first.ok_or("send what?")?,
            fields: fields(rest.get(1..).unwrap_or(&[]))?,
        }),
        "exchange" => Step::Exchange(Packet { kind: "DISCOVER".into(), fields: fields(rest)? }),
        "wait" => Step::Wait(first.and_then(|text| text.parse().ok()).ok_or("wait how long?")?),
        "kill" => Step::Kill,
        "stop" => Step::Stop,
        "start" => Step::Start(first),
        "echo-reply" => Step::EchoReply(first.and_then(|text| text.parse().ok()).ok_or("from whom?")?),
        "leases" => Step::Leases,
        "run" => Step::Run(rest.to_vec()),
        "show" => Step::Show(first.ok_or("show what?")?),
        "omshell" => {
            let seconds = rest.get(1).map_or(Ok(1), |text| text.parse()).map_err(|_| "how long?")?;
            Step::Omshell(first.ok_or("which session?")?, seconds)
        }
        "shell" => Step::Shell(line.trim_start_matches("shell").trim().into()),
        _ => return Err(format!("unknown step {line:?}")),
    })
}

fn fields(words: &[String]) -> Result<Vec<(String, String)>, String> {
    words
        .iter()
        .map(|word| {
            word.split_once('=')
                .map(|(key, value)| (key.into(), value.into()))
                .ok_or_else(|| format!("{word}: field=value"))
        })
        .collect()
}

/// Blanks separate words; double quotes hold a word together and stay in it.
fn words(line: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            ' ' if !quoted => out.push(String::new()),
            _ => {
                quoted ^= c == '"';
                out.last_mut().expect("never empty").push(c);
            }
        }
    }
    out.retain(|word| !word.is_empty());
    out
}

/// Every scenario of the package, by name.
pub fn all() -> Result<Vec<Scenario>, String> {
    let mut out = Vec::new();
    let mut folders = vec![crate::here().join("scenarios")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))? {
            let path = entry.map_err(|error| error.to_string())?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "scn") {
                out.push(Scenario::load(&path)?);
            }
        }
    }
    out.sort_by(|a: &Scenario, b| a.name.cmp(&b.name));
    for pair in out.windows(2) {
        if pair[0].name == pair[1].name {
            return Err(format!("two scenarios are called {}", pair[0].name));
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_blocks_and_steps_are_read() {
        let text = "title: t\nrules: 2.3 4.2\nping: 10.9.0.7\n== config\na;\n== steps\n# no step\nsend DISCOVER hostname=\"a b\"\nwait 2\n";
        let scenario = Scenario::parse("x", text).unwrap();
        assert_eq!(scenario.rules, ["2.3", "4.2"]);
        assert_eq!(scenario.configs[""], "a;\n");
        assert_eq!(scenario.echo.len(), 1);
        let Step::Send(packet) = &scenario.steps[0].1 else { panic!() };
        assert_eq!(packet.fields, [("hostname".to_string(), "\"a b\"".to_string())]);
        assert!(Scenario::parse("x", "title: t\n== steps\nfly\n").is_err());
    }
}
