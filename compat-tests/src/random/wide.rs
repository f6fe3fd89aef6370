//! Shapes that seeds from [`WIDE`] on may have beside those of the others: shared networks, permit lists, option spaces, odd
//! hardware, relays with more to say, every kind of message, packets with faults.

use super::{CLIENTS, Dice, Draft, UIDS};

/// The first seed of the wider kind: what earlier ones make stays as it was.
pub const WIDE: u64 = 100_000;

const GLOBALS: [&str; 64] = [
    "adaptive-lease-time-threshold 40;",
    "adaptive-lease-time-threshold 80;",
    "dhcp-cache-threshold 1;",
    "dhcp-cache-threshold 99;",
    "dhcp-cache-threshold 100;",
    "min-lease-time 0;",
    "max-lease-time 4294967295;",
    "max-lease-time 60;",
    "default-lease-time 4294967295;",
    "default-lease-time 0;",
    "log-threshold-high 50;\nlog-threshold-low 20;",
    "dynamic-bootp-lease-length 100;",
    "deny booting;",
    "ignore booting;",
    "ignore bootp;",
    "ignore declines;",
    "ignore duplicates;",
    "deny leasequery;",
    "deny client-updates;",
    "update-static-leases on;",
    "update-optimization off;",
    "ddns-updates off;",
    "ddns-update-style none;",
    "server-id-check on;",
    "lease-id-format hex;",
    "prefix-length-mode exact;",
    "boot-unknown-clients on;",
    "ping-cltt-secs 5;",
    "min-secs 200;",
    "not authoritative;",
    "next-server 0.0.0.0;",
    "filename \"a/long/path/that/is/longer/than/the/hundred/and/twenty/eight/octets/of/the/field/in/which/it/is/sent/and/so/must/be/cut/off/at/its/end.img\";",
    "server-name \"a-name-of-a-server-that-is-longer-than-sixty-four-octets-and-so-is-cut-off.example.org\";",
    "option dhcp-server-identifier 10.9.0.201;",
    "option dhcp-lease-time 1234;",
    "option dhcp-message \"a message\";",
    "option dhcp-max-message-size 700;",
    "option dhcp-client-identifier \"ours\";",
    "option dhcp-requested-address 10.9.0.9;",
    "option host-name = concat(\"h-\", binary-to-ascii(10, 8, \"-\", leased-address));",
    "option fqdn.fqdn \"given.example.org\";\noption fqdn.no-client-update true;",
    "option space v;\noption v.a code 1 = text;\noption v.b code 2 = ip-address;\nvendor-option-space v;\noption v.a \"vendor\";\noption v.b 10.9.0.9;",
    "option space site;\noption site.one code 128 = text;\noption site.two code 240 = integer 16;\nsite-option-space \"site\";\noption site.one \"site\";\noption site.two 500;",
    "option space inner;\noption inner.x code 1 = text;\noption carrier code 231 = encapsulate inner;\noption inner.x \"within\";",
    "option static-routes 10.1.0.1 10.9.0.7, 10.2.0.1 10.9.0.8;",
    "option bool code 232 = boolean;\noption bool true;\noption numbers code 233 = array of integer 32;\noption numbers 1, 2, 3;",
    "option records code 234 = array of { ip-address, integer 8 };\noption records 10.9.0.1 5, 10.9.0.2 6;",
    "option time-offset -3600;",
    "option broadcast-address 10.9.0.255;",
    "option log-servers 10.9.0.8;\noption cookie-servers 10.9.0.9;\noption lpr-servers 10.9.0.10;",
    "if option agent.circuit-id = \"port\" { option tftp-server-name \"port\"; } elsif exists agent.remote-id { option tftp-server-name \"remote\"; }",
    "if exists dhcp-message-type and packet(24, 4) = 0a:09:05:01 { option domain-name \"relayed\"; }",
    "if option dhcp-message-type = 8 { option domain-name \"inform\"; filename \"inform\"; }",
    "if exists dhcp-parameter-request-list { option www-server 10.9.0.4; }",
    "switch (pick-first-value(option user-class, \"none\")) { case \"blue\": option domain-name \"a\"; break; case \"green\": max-lease-time 30; default: option domain-name \"b\"; }",
    "on release or expiry { log(info, concat(\"ended \", pick-first-value(kept, \"nothing\"))); set kept = \"ended\"; }",
    "on commit { set kept = pick-first-value(option host-name, \"no name\"); if exists agent.circuit-id { set circuit = option agent.circuit-id; } }",
    "on commit { unset kept; set count = encode-int(extract-int(packet(4, 4), 32), 16); }",
    "option domain-name = pick-first-value(host-decl-name, \"undeclared\");",
    "option root-path = concat(\"/\", pick-first-value(config-option host-name, option host-name, \"x\"));",
    "append domain-name-servers 10.9.0.44;\nprepend domain-name-servers 10.9.0.45;\ndefault domain-name \"default\";",
    "supersede domain-name \"superseded\";",
    "option agent.circuit-id \"set\";",
    "append agent.remote-id \"more\";\ndefault agent.circuit-id \"default\";",
];

const CLASSES: [&str; 7] = [
    "class \"relayed\" { match if exists agent.circuit-id; option domain-name \"class-relayed\"; }",
    "class \"limited\" { match if substring(hardware, 6, 1) = 61 or substring(hardware, 6, 1) = 62; lease limit 1; }",
    "class \"vendor\" { match option vendor-class-identifier; }\nsubclass \"vendor\" \"vend\" { option domain-name \"sub-vend\"; lease limit 1; }\nsubclass \"vendor\" \"other\" { max-lease-time 70; }",
    "class \"names\" { spawn with option user-class; lease limit 1; }",
    "class \"six\" { match if known; }\nclass \"seven\" { match if not known; filename \"seven\"; }",
    "class \"added\" { option ntp-servers 10.9.0.66; }\nif exists user-class { add \"added\"; }",
    "class \"both\" { match if exists host-name; match option host-name; }\nsubclass \"both\" \"alpha\" { default-lease-time 88; }",
];

const PERMITS: [&str; 12] = [
    "allow all clients;",
    "deny all clients;",
    "allow authenticated clients;",
    "allow unauthenticated clients;",
    "deny unauthenticated clients;",
    "allow known-clients; deny dynamic bootp clients;",
    "allow unknown-clients; allow dynamic bootp clients;",
    "deny members of \"here\";",
    "allow members of \"here\";",
    "allow members of \"here\"; deny known-clients;",
    "deny after @T-4;",
    "allow after @T-100;",
];

const SUBNET: [&str; 10] = [
    "deny bootp;",
    "allow leasequery;",
    "ignore unknown-clients;",
    "always-broadcast on;",
    "min-secs 3;",
    "server-identifier 10.9.0.202;",
    "one-lease-per-client on;",
    "option dhcp-parameter-request-list 1,3,15,43,51;",
    "option subnet-mask 255.255.255.128;",
    "default-lease-time 4;\nmin-lease-time 1;",
];

const HOSTS: [&str; 9] = [
    "host w0 { hardware ethernet 02:00:00:00:00:65; fixed-address 10.9.0.60, 10.9.1.60, 10.9.5.60; }",
    "host w1 { host-identifier option agent.circuit-id \"port\"; option domain-name \"by-port\"; }",
    "host w2 { option dhcp-client-identifier \"name\"; deny duplicates; }",
    "host w3 { hardware ethernet 02:00:00:00:00:61; ignore booting; }",
    "group { use-host-decl-names on; host w4 { hardware ethernet 02:00:00:00:00:62; } host w5 { hardware ethernet 02:00:00:00:00:63; fixed-address 10.9.0.61; } }",
    "host w6 { hardware token-ring 02:00:00:00:00:61; fixed-address 10.9.0.62; }",
    "host w7 { option dhcp-client-identifier 00:41; fixed-address 10.9.99.5; }\nhost w8 { option dhcp-client-identifier 00:41; fixed-address 10.9.0.63; option domain-name \"second\"; }",
    "host w9 { hardware ethernet 02:00:00:00:00:64; option host-name \"own-name\"; option dhcp-client-identifier \"odd\"; next-server 10.9.0.3; filename \"own\"; }",
    "host wa { hardware ethernet 02:00:00:00:00:66; fixed-address 10.9.0.101; }",
];

impl Draft {
    pub(super) fn widen(&mut self, dice: &mut Dice) {
        for statement in GLOBALS {
            if dice.percent(6) {
                self.globals.push(statement.into());
            }
        }
        self.globals.push("class \"here\" { match if exists user-class; }".into());
        for class in CLASSES {
            if dice.percent(12) {
                self.globals.push(class.into());
            }
        }
        for host in HOSTS {
            if dice.percent(12) {
                self.globals.push(host.into());
            }
        }
        self.is_shared = dice.percent(30);
        for net in [0, 1, 5] {
            let head = format!("subnet 10.9.{net}.0 netmask 255.255.255.0 {{");
            let Some((_, pieces)) = self.subnets.iter_mut().find(|(known, _)| *known == head) else {
                continue;
            };
            if dice.percent(40) {
                let (low, permit) = (70 + dice.below(4), dice.of(&PERMITS));
                pieces.push(format!(
                    "pool {{ {permit} {} range 10.9.{net}.{low} 10.9.{net}.{}; }}",
                    dice.of(&[
                        "",
                        "",
                        "option domain-name \"pool\";",
                        "max-lease-time 40;",
                        "min-lease-time 700;"
                    ]),
                    low + dice.below(4)
                ));
            }
            if dice.percent(40) {
                pieces.push(dice.of(&SUBNET).into());
            }
        }
        if dice.percent(50) {
            self.widen_leases(dice);
        }
        for _ in 0..6 + dice.below(8) {
            let at = dice.below(self.steps.len() + 1);
            let step = Self::wide_step(dice);
            self.steps.insert(at, step);
        }
        self.pace();
    }

    /// A second has room for a few steps only. Waits take three: see [`Draft::draw_steps`].
    fn pace(&mut self) {
        let mut paced = Vec::new();
        let mut since = 0;
        for step in self.steps.drain(..) {
            since = if step.starts_with("wait") || step.starts_with("kill") { 0 } else { since + 1 };
            paced.push(step);
            if since == 4 {
                paced.push("wait 3".into());
                since = 0;
            }
        }
        self.steps = paced;
    }

    /// Records with more in them, of every state and of old servers.
    fn widen_leases(&mut self, dice: &mut Dice) {
        for _ in 0..1 + dice.below(5) {
            let client = dice.of(&CLIENTS).as_bytes()[0];
            let state = dice.of(&[
                "binding state active;\n",
                "binding state active;\n  next binding state free;\n  rewind binding state free;\n",
                "binding state free;\n",
                "binding state backup;\n",
                "binding state reset;\n",
                "binding state released;\n",
                "binding state abandoned;\n  next binding state free;\n",
                "binding state bootp;\n",
                "binding state reserved;\n",
                "dynamic-bootp;\n  binding state active;\n",
                "reserved;\n  binding state active;\n  next binding state free;\n",
                "",
            ]);
            let mut body = format!(
                "starts @T-600;\n  ends {};\n",
                dice.of(&["@T+500", "@T+500", "@T-50", "never", "@T+5"])
            );
            for (share, line) in [
                (50, "tstp @T+500;\n"),
                (10, "tsfp @T-10;\n"),
                (60, "cltt @T-300;\n"),
                (20, "client-hostname \"kept\";\n"),
                (10, "set kept = \"before\";\n"),
                (10, "set ddns-fwd-name = \"name.example.org\";\n"),
                (15, "option agent.circuit-id \"port\";\n  option agent.remote-id \"far\";\n"),
                (15, "on expiry { log(info, \"of the record\"); }\n"),
                (10, "on release { set kept = \"released\"; }\n"),
                (5, "billing class \"limited\";\n"),
            ] {
                if dice.percent(share) {
                    body += &format!("  {line}");
                }
            }
            body += &format!("  {state}");
            if dice.percent(85) {
                body += &format!("  hardware ethernet 02:00:00:00:00:{client:02x};\n");
            }
            if dice.percent(40) {
                body += &format!("  uid {};\n", dice.of(&["00:41", "\"name\"", "01:02:00:00:00:00:61"]));
            }
            self.leases.push(format!("lease {} {{\n  {body}}}\n", Self::address(dice)));
        }
    }

    fn wide_step(dice: &mut Dice) -> String {
        let client = dice.of(&CLIENTS);
        let address = Self::address(dice);
        let uid = dice.of(&UIDS).replace("01+02000000006", "01020000000061");
        match dice.below(24) {
            0 => format!("send INFORM client={client} giaddr=10.9.5.1 agent=010161"),
            1 => format!("send INFORM client={client} ciaddr={address} select=10.9.5.0 prl=1,15,43,51,231"),
            2 => format!("send INFORM client={client} from={address} flags=broadcast"),
            3 => format!(
                "send LEASEQUERY giaddr=10.9.5.1 ciaddr={address} from=10.9.5.1:67 prl=51,61,82,91,92"
            ),
            4 => format!("send LEASEQUERY giaddr=10.9.5.1 uid={uid}"),
            5 => format!("send LEASEQUERY giaddr=10.9.5.1 client={client} 60=\"vend\""),
            6 => format!("send BOOTP client={client} giaddr=10.9.5.1 cookie=yes end=yes"),
            7 => format!(
                "send BOOTP client={client} hostname=\"boot\"+00 file=\"wanted\"{}",
                dice.of(&["", " sname=\"server\"", " flags=broadcast", " prl=1,15,3"])
            ),
            8 => format!("exchange client={client} giaddr=10.9.5.1 agent=0104+\"port\"+0203+\"far\""),
            9 => format!("exchange client={client} giaddr=10.9.0.2 agent=0504+0a090500"),
            10 => format!("exchange client={client} select=10.9.1.0"),
            11 => format!("send DISCOVER client={client} ciaddr={address}"),
            12 => format!("send REQUEST client={client} ciaddr={address} request={address} uid={uid}"),
            13 => format!("send REQUEST client={client} request={address} server-id=10.9.0.77"),
            14 => format!("send REQUEST client={client} ciaddr={address} giaddr=10.9.5.1"),
            15 => format!("send RELEASE client={client} ciaddr={address} uid={uid}"),
            16 => format!(
                "exchange client={client} lease=30\nsend RELEASE client={client} ciaddr=$yiaddr hostname=\"bye\""
            ),
            17 => format!("exchange client={client} htype=32 hlen=0 uid={uid} flags=broadcast"),
            18 => format!("exchange client={client} htype=6 fqdn=010000+\"token\""),
            19 => format!(
                "send {} client={client} request={address}",
                dice.of(&["2", "5", "6", "9", "11", "13", "14", "18", "255"])
            ),
            20 => format!(
                "send DISCOVER client={client} {}",
                dice.of(&[
                    "op=2",
                    "hlen=17",
                    "hlen=0",
                    "cut=239",
                    "cut=240",
                    "cut=250",
                    "50=0a09",
                    "55=",
                    "57=0200ff",
                    "61=",
                    "61=05",
                    "12=",
                    "51=0001",
                    "raw=5201"
                ])
            ),
            21 => format!(
                "send DISCOVER client={client} secs={} hops=3 flags=0x8001 xid=0",
                dice.of(&["0", "3", "65535"])
            ),
            22 => format!(
                "exchange client={client} prl={} max-size={}",
                dice.of(&["1,1,3,3,255", "0,1,2", "82,61,54", "43,60,231,240,128", "6,5,4,3,2,1"]),
                dice.of(&["0", "590", "1500", "65535"])
            ),
            _ => format!(
                "exchange client={client} user-class=\"blue\" hostname={} vendor={}",
                dice.of(&["\"alpha\"", "\"under_score\"", "\"-\"", "61+00+62"]),
                dice.of(&["\"vend\"", "\"other\"", "\"v\"+00", "22+5c"])
            ),
        }
    }
}
