//! Scenarios from a seed: a configuration, hosts, classes, a lease file and a sequence of packets, as text in the scenario
//! format, so that one that shows a difference can be kept as it is. Made of parts, so that it can be reduced.

use crate::dice::Dice;
mod wide;

use crate::live::{self, Program};
use crate::replay;
use crate::scenario::Scenario;
use crate::transcript::{self, Difference};
use crate::{lists, recording};

/// A scenario in pieces.
#[derive(Clone, Debug)]
pub struct Draft {
    pub seed: u64,
    /// Statements of the top level, hosts and classes: each can be left out.
    globals: Vec<String>,
    /// Subnet blocks: head, pieces, end.
    subnets: Vec<(String, Vec<String>)>,
    leases: Vec<String>,
    steps: Vec<String>,
    /// All subnets in one shared network.
    is_shared: bool,
}

const CLIENTS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
const UIDS: [&str; 4] = ["0041", "0042", "01+02000000006", "\"name\""];
const PRLS: [&str; 6] =
    ["1,3,6,15", "3,1", "6,15,51,58,59", "66,67,43,1", "1,3,12,15,42,119,224", "224,225,226"];

impl Draft {
    pub fn new(seed: u64) -> Self {
        let mut dice = Dice::of_scenario(seed);
        let mut draft = Draft {
            seed,
            globals: Vec::new(),
            subnets: Vec::new(),
            leases: Vec::new(),
            steps: Vec::new(),
            is_shared: false,
        };
        draft.globals.push("ping-check false;".into());
        draft.draw_globals(&mut dice);
        draft.draw_subnets(&mut dice);
        draft.draw_hosts(&mut dice);
        draft.draw_leases(&mut dice);
        draft.draw_steps(&mut dice);
        if seed >= wide::WIDE {
            draft.widen(&mut dice);
        }
        draft
    }

    fn draw_globals(&mut self, dice: &mut Dice) {
        const STATEMENTS: [&str; 48] = [
            "default-lease-time 600;",
            "max-lease-time 1200;",
            "min-lease-time 100;",
            "min-lease-time 3000;",
            "one-lease-per-client on;",
            "authoritative;",
            "deny unknown-clients;",
            "ignore unknown-clients;",
            "deny bootp;",
            "deny declines;",
            "deny duplicates;",
            "always-broadcast on;",
            "always-reply-rfc1048 on;",
            "dhcp-cache-threshold 0;",
            "dhcp-cache-threshold 60;",
            "echo-client-id on;",
            "ignore-client-uids on;",
            "use-host-decl-names on;",
            "min-secs 2;",
            "next-server 10.9.0.7;",
            "filename \"boot.img\";",
            "server-name \"tftp\";",
            "server-identifier 10.9.0.200;",
            "stash-agent-options off;",
            "infinite-is-reserved on;",
            "boot-unknown-clients off;",
            "use-lease-addr-for-default-route on;",
            "allow leasequery;",
            "abandon-lease-time 2;",
            "option domain-name \"example.org\";",
            "option domain-name-servers 10.9.0.2, 10.9.0.3;",
            "option routers 10.9.0.254;",
            "option dhcp-renewal-time 50;\noption dhcp-rebinding-time 80;",
            "option subnet-mask 255.255.0.0;",
            "option ntp-servers = concat(10.9.0.4, 0a:09:00:05);",
            "option host-name = pick-first-value(option host-name, \"none\");",
            "option dhcp-parameter-request-list 15,6,1;",
            "option vendor-encapsulated-options 01:02:03:04;",
            "option big code 224 = text;\noption big \"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\";",
            "option large code 225 = string;\noption large = concat(option dhcp-client-identifier, 00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff);",
            "option domain-search \"a.example.org\", \"b.example.org\";",
            "if exists host-name { log(info, concat(\"named \", option host-name)); option domain-name \"named\"; } else { option tftp-server-name \"nameless\"; }",
            "on commit { log(info, concat(\"commit \", binary-to-ascii(10, 8, \".\", leased-address))); set done = \"yes\"; }",
            "on release { log(info, \"released\"); }",
            "on expiry { log(info, concat(\"expired \", binary-to-ascii(10, 8, \".\", leased-address))); }",
            "if option dhcp-message-type = 3 { set seen = option host-name; }",
            "if known { option tftp-server-name \"known\"; }",
            "default-lease-time 2;\nmin-lease-time 1;",
        ];
        for statement in STATEMENTS {
            if dice.percent(12) {
                self.globals.push(statement.into());
            }
        }
        if dice.percent(25) {
            self.globals.push(
                "class \"v\" { match if substring(option vendor-class-identifier, 0, 1) = \"v\"; option domain-name \"class-v\"; }"
                    .into(),
            );
        }
        if dice.percent(20) {
            let limit = 1 + dice.below(2);
            self.globals.push(format!(
                "class \"ports\" {{ spawn with option agent.circuit-id; lease limit {limit}; }}"
            ));
        }
        if dice.percent(20) {
            self.globals.push(
                "class \"macs\" { match hardware; option routers 10.9.0.99; }\nsubclass \"macs\" 1:02:00:00:00:00:61 { default-lease-time 77; }\nsubclass \"macs\" 1:02:00:00:00:00:62;"
                    .into(),
            );
        }
    }

    fn draw_subnets(&mut self, dice: &mut Dice) {
        for net in [0, 1, 5] {
            if net == 1 && dice.percent(50) {
                continue;
            }
            let mut pieces = Vec::new();
            for _ in 0..1 + dice.below(2) {
                let low = [20, 100, 150][dice.below(3)] + dice.below(4);
                let high = low + dice.below(5);
                let permit = dice.of(&[
                    "",
                    "",
                    "",
                    "deny unknown-clients;",
                    "allow unknown-clients;",
                    "allow known-clients;",
                    "allow dynamic bootp clients;",
                    "deny dynamic bootp clients;",
                    "max-lease-time 50;",
                    "option routers 10.9.0.33;",
                ]);
                pieces.push(format!("pool {{ {permit} range 10.9.{net}.{low} 10.9.{net}.{high}; }}"));
            }
            let statement = dice.of(&[
                "",
                "",
                "authoritative;",
                "option routers 10.9.0.1;",
                "option domain-name \"subnet\";",
                "default-lease-time 400;",
                "not authoritative;",
            ]);
            if !statement.is_empty() {
                pieces.push(statement.into());
            }
            if dice.percent(20) {
                pieces
                    .push(format!("range dynamic-bootp 10.9.{net}.200 10.9.{net}.{};", 200 + dice.below(3)));
            }
            self.subnets.push((format!("subnet 10.9.{net}.0 netmask 255.255.255.0 {{"), pieces));
        }
    }

    fn draw_hosts(&mut self, dice: &mut Dice) {
        for number in 0..dice.below(4) {
            let client = CLIENTS[dice.below(4)].as_bytes()[0];
            let mut body = match dice.below(3) {
                0 => format!("option dhcp-client-identifier {};", dice.of(&["00:41", "00:42", "\"name\""])),
                1 => "host-identifier option user-class \"blue\";".into(),
                _ => format!("hardware ethernet 02:00:00:00:00:{client:02x};"),
            };
            if dice.percent(60) {
                body += &format!(
                    " fixed-address 10.9.{}.{};",
                    dice.of(&["0", "0", "1", "5"]),
                    50 + dice.below(3)
                );
            }
            body += dice.of(&[
                "",
                "",
                " option host-name \"declared\";",
                " default-lease-time 222;",
                " deny booting;",
                " option domain-name \"host\";",
            ]);
            self.globals.push(format!("host h{number} {{ {body} }}"));
        }
    }

    /// An address that is probably somebody's.
    fn address(dice: &mut Dice) -> String {
        let net = dice.of(&["0", "0", "0", "1", "5", "77"]);
        let host = [20, 50, 100, 150, 200][dice.below(5)] + dice.below(6);
        format!("10.9.{net}.{host}")
    }

    fn draw_leases(&mut self, dice: &mut Dice) {
        if dice.percent(50) {
            return;
        }
        for _ in 0..1 + dice.below(6) {
            let state = dice.of(&["active", "active", "active", "free", "expired", "released", "abandoned"]);
            let client = CLIENTS[dice.below(6)].as_bytes()[0];
            let ends = match state {
                "active" => dice.of(&["@T+500", "@T+60", "@T+2", "@T-20", "never"]),
                "abandoned" => "@T+400",
                _ => dice.of(&["@T-10", "@T-20", "@T-500"]),
            };
            let mut body =
                format!("starts @T-{};\n  ends {ends};\n  cltt @T-100;\n  binding state {state};\n", 600);
            if state != "abandoned" {
                body += &format!("  hardware ethernet 02:00:00:00:00:{client:02x};\n");
                if dice.percent(40) {
                    body += &format!("  uid {};\n", dice.of(&["00:41", "00:42", "\"name\""]));
                }
                if dice.percent(30) {
                    body += "  client-hostname \"kept\";\n";
                }
                if dice.percent(15) {
                    body += "  set vendor-class-identifier = \"vend\";\n";
                }
                if dice.percent(15) {
                    body += "  option agent.circuit-id \"port\";\n";
                }
            }
            self.leases.push(format!("lease {} {{\n  {body}}}\n", Self::address(dice)));
        }
    }

    /// What ends soon ends after two seconds and waits take three: nothing is ever due at the moment of a step.
    fn draw_steps(&mut self, dice: &mut Dice) {
        let count = 6 + dice.below(14);
        for number in 0..count {
            if number % 5 == 4 {
                self.steps.push("wait 3".into());
            }
            let step = match dice.below(20) {
                0..=5 => format!("exchange{}", Self::fields(dice, "")),
                6..=8 => format!("send DISCOVER{}", Self::fields(dice, "")),
                9..=13 => Self::request(dice),
                14 => format!("send RELEASE client={} ciaddr={}", dice.of(&CLIENTS), Self::address(dice)),
                // Only what the holder declines: a stranger's DECLINE is a listed difference.
                15 => {
                    let client = dice.of(&CLIENTS);
                    format!("exchange client={client}\nsend DECLINE client={client} request=$yiaddr")
                }
                16 => format!("send INFORM ciaddr={}{}", Self::address(dice), Self::fields(dice, "")),
                17 => format!(
                    "send BOOTP{}",
                    dice.of(&[" client=a", " client=b cookie=yes end=yes", " client=c flags=broadcast"])
                ),
                18 if dice.percent(40) => "kill\nstart".into(),
                18 => format!(
                    "send LEASEQUERY giaddr=10.9.5.1 {}",
                    dice.of(&["client=a", "uid=0041", "client=b prl=51,91,92"])
                ),
                _ => "leases".into(),
            };
            self.steps.push(step);
        }
    }

    fn request(dice: &mut Dice) -> String {
        let about = match dice.below(4) {
            0 => " request=$yiaddr".to_string(),
            1 => " request=$yiaddr server-id=$server".to_string(),
            2 => format!(" request={}", Self::address(dice)),
            _ => format!(" ciaddr={}", Self::address(dice)),
        };
        format!("send REQUEST{}", Self::fields(dice, &about))
    }

    fn fields(dice: &mut Dice, about: &str) -> String {
        let mut out = format!(" client={}{about}", dice.of(&CLIENTS));
        let mut add = |dice: &mut Dice, share, text: String| {
            if dice.percent(share) {
                out.push(' ');
                out.push_str(&text);
            }
        };
        let relayed = dice.percent(20) && !about.contains("ciaddr");
        if relayed {
            add(dice, 100, "giaddr=10.9.5.1".into());
            let port = dice.of(&["\"port\"", "\"p2\""]);
            let length = port.len() - 2;
            add(dice, 50, format!("agent=01{length:02x}+{port}"));
        } else {
            add(dice, 15, "via=c1".into());
        }
        let uid = dice.of(&UIDS).replace("01+02000000006", "01020000000061");
        add(dice, 35, format!("uid={uid}"));
        let name = dice.of(&["\"alpha\"", "\"beta\"", "\"odd name\"+00", "22"]);
        add(dice, 30, format!("hostname={name}"));
        let list = dice.of(&PRLS);
        add(dice, 40, format!("prl={list}"));
        let wish = dice.of(&["2", "100", "900", "90000", "4294967295"]);
        add(dice, 25, format!("lease={wish}"));
        let vendor = dice.of(&["\"vend\"", "\"other\""]);
        add(dice, 25, format!("vendor={vendor}"));
        add(dice, 10, "flags=broadcast".into());
        add(dice, 10, "user-class=\"blue\"".into());
        add(dice, 10, "secs=5".into());
        let size = dice.of(&["300", "576", "1000"]);
        add(dice, 10, format!("max-size={size}"));
        out
    }

    pub fn text(&self) -> String {
        let mut out = format!("title: random, seed {}\n", self.seed);
        out += "server: s0 10.9.0.1/24\nserver: s1 10.9.1.1/24\nroute: 10.9.5.0/24 10.9.0.2\n== config\n";
        for statement in &self.globals {
            out += &format!("{statement}\n");
        }
        if self.is_shared {
            out += "shared-network all {\n";
        }
        for (head, pieces) in &self.subnets {
            out += &format!("{head}\n  {}\n}}\n", pieces.join("\n  "));
        }
        if self.is_shared {
            out += "}\n";
        }
        if !self.leases.is_empty() {
            out += "== leases\n";
            out += &self.leases.concat();
        }
        out += "== steps\n";
        for step in &self.steps {
            out += &format!("{step}\n");
        }
        out
    }

    pub fn scenario(&self) -> Result<Scenario, String> {
        let mut scenario = Scenario::parse(&format!("random-{}", self.seed), &self.text())?;
        // An interface without a subnet would only say so.
        let second = !self.is_shared && self.subnets.iter().any(|(head, _)| head.contains("10.9.1.0"));
        if self.is_shared {
            scenario.ports.retain(|port| port.name == "s0");
            scenario.routes.push(("10.9.1.0/24".into(), "10.9.0.2".into()));
        }
        if !second {
            scenario.listen = vec!["s0".into()];
            for (_, step) in &mut scenario.steps {
                use crate::scenario::Step;
                if let Step::Send(packet) | Step::Exchange(packet) = step {
                    packet.fields.retain(|(key, value)| !(key == "via" && value == "c1"));
                }
            }
        }
        Ok(scenario)
    }

    /// What differs between the real program and the core in virtual time, or `ours` in namespaces.
    pub fn differences(&self, isc: &Program, ours: Option<&Program>) -> Result<Vec<Difference>, String> {
        let scenario = self.scenario()?;
        let expected = live::run(&scenario, isc)?;
        if expected
            .sections
            .first()
            .is_some_and(|start| start.lines.iter().any(|line| line.starts_with("exit ")))
        {
            return Ok(Vec::new());
        }
        let found = match ours {
            Some(program) => transcript::compare(&expected, &live::run(&scenario, program)?),
            None => transcript::compare(
                &replay::within_reach(&expected),
                &replay::run_at(&scenario, expected.start)?,
            ),
        };
        let (left, _) = lists::explain(&scenario.name, found, &lists::differences()?);
        Ok(left)
    }

    /// Leaves out whatever the difference does not need, part by part, until nothing more can go.
    pub fn reduced(&self, isc: &Program, ours: Option<&Program>) -> Draft {
        let differs =
            |draft: &Draft| draft.differences(isc, ours).is_ok_and(|differences| !differences.is_empty());
        let mut best = self.clone();
        if best.is_shared && differs(&Draft { is_shared: false, ..best.clone() }) {
            best.is_shared = false;
        }
        for at in 0..best.subnets.len() {
            best.reduce_pieces(at, &differs);
        }
        for list in [Draft::steps_mut, Draft::leases_mut, Draft::globals_mut] {
            let mut size = list(&mut best).len().max(1).div_ceil(2);
            while size > 0 {
                let mut at = 0;
                while at < list(&mut best).len() {
                    let mut shorter = best.clone();
                    let end = (at + size).min(list(&mut shorter).len());
                    list(&mut shorter).drain(at..end);
                    if differs(&shorter) {
                        best = shorter;
                    } else {
                        at += size;
                    }
                }
                size /= 2;
            }
        }
        best
    }

    fn reduce_pieces(&mut self, subnet: usize, differs: &impl Fn(&Draft) -> bool) {
        let mut at = 0;
        while at < self.subnets[subnet].1.len() {
            let mut shorter = self.clone();
            shorter.subnets[subnet].1.remove(at);
            if differs(&shorter) {
                *self = shorter;
            } else {
                at += 1;
            }
        }
    }

    fn steps_mut(&mut self) -> &mut Vec<String> {
        &mut self.steps
    }

    fn leases_mut(&mut self) -> &mut Vec<String> {
        &mut self.leases
    }

    fn globals_mut(&mut self) -> &mut Vec<String> {
        &mut self.globals
    }
}

/// Everything that can be seen of one found difference.
pub fn report(draft: &Draft, isc: &Program, ours: Option<&Program>) -> String {
    match draft.differences(isc, ours) {
        Ok(differences) => format!("{}\n{}", draft.text(), transcript::show(&differences)),
        Err(error) => format!("{}\n{error}", draft.text()),
    }
}

/// Where a found scenario is kept: beside the others, to be recorded like them.
pub fn keep(draft: &Draft) -> Result<(), String> {
    let folder = crate::here().join("scenarios/random");
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let scenario = draft.scenario()?;
    let path = folder.join(format!("{}.scn", scenario.name));
    std::fs::write(path, draft.text()).map_err(|error| error.to_string())?;
    let _ = recording::path(&scenario);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_readable_scenario_every_time() {
        for seed in 0..200 {
            let text = Draft::new(seed).text();
            assert_eq!(text, Draft::new(seed).text());
            Scenario::parse("x", &text).unwrap();
        }
    }
}
