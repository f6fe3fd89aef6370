//! Expressions and executable statements from a seed, each with a `log` that shows what it came to. A batch of them is one
//! configuration: at the top level `dhcpd -t` evaluates it, in a subnet the packets of a scenario do.

use crate::dice::Dice;
use std::fmt::Write;

/// What every batch declares: variables and functions that expressions use, options of several kinds.
pub const DECLARATIONS: &str = "\
option space vend;
option vend.one code 1 = text;
option vend.two code 2 = unsigned integer 16;
option rfc code 210 = string;
option flag code 211 = boolean;
option pair code 212 = { unsigned integer 8, ip-address };
option list code 213 = array of unsigned integer 16;
";

/// Run first, in the same scope as the expressions.
pub const VARIABLES: &str = "\
set text1 = \"Some Text\";
set text2 = 00:ff:10:7f;
set empty1 = \"\";
set num1 = extract-int(07, 8);
set num2 = extract-int(ff:ff:ff:fe, 32) * extract-int(01:00:01:00, 32);
set bool1 = \"a\" = \"a\";
set bool2 = \"a\" = \"b\";
set none1 = null;
define join (left, right) { return concat (left, \"|\", right); }
define twice (number) { return extract-int(02, 8) * number; }
define same (left, right) { if left = right { return \"same\"; } return null; }
define nothing (one) { set one = \"x\"; }
";

const TEXTS: [&str; 18] = [
    "\"\"",
    "\"a\"",
    "\"abc\"",
    "\"ABC\"",
    "\"A\\tb\\101\\x41\\\\\\\"q\"",
    "\"x\\000y\"",
    "\"\\377\\200\\001\"",
    "\"0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz\"",
    "01:02:03:04",
    "0:ff:a:10",
    "7f",
    "\"10.9.0.1\"",
    "\"%s%n\"",
    "\"\\n\"",
    "\"one two\"",
    "ff:ff:ff:ff:ff:ff:ff:ff",
    "80:0:0:0",
    "\"caf\\303\\251\"",
];

const OPTIONS: [&str; 24] = [
    "host-name",
    "dhcp-client-identifier",
    "agent.circuit-id",
    "agent.remote-id",
    "agent.link-selection",
    "vendor-class-identifier",
    "user-class",
    "dhcp-parameter-request-list",
    "dhcp-requested-address",
    "dhcp-message-type",
    "dhcp-max-message-size",
    "dhcp-lease-time",
    "fqdn.fqdn",
    "fqdn.hostname",
    "fqdn.encoded",
    "unknown-200",
    "rfc",
    "pair",
    "vendor-encapsulated-options",
    "vend.one",
    "vend.two",
    "relay-agent-information",
    "domain-name",
    "subnet-mask",
];

const CONFIGURED: [&str; 12] = [
    "domain-name",
    "rfc",
    "flag",
    "pair",
    "list",
    "routers",
    "vend.one",
    "server.filename",
    "server.default-lease-time",
    "server.next-server",
    "host-name",
    "dhcp-lease-time",
];

const NUMBERS: [&str; 26] = [
    "0",
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "8",
    "10",
    "16",
    "32",
    "64",
    "240",
    "255",
    "256",
    "300",
    "65535",
    "65536",
    "2147483647",
    "2147483648",
    "4294967295",
    "4294967296",
    "99999999999",
    "010",
    "0x1f",
];

const CONSTANTS: [&str; 9] =
    ["nxdomain", "noerror", "servfail", "notzone", "yxdomain", "bound", "booting", "renew", "select"];

const PATTERNS: [&str; 28] = [
    "^a",
    "b$",
    "[a-z]+",
    "[^a-z]",
    "^[[:upper:]]{1,3}",
    "a|b",
    "(ab)?c",
    ".",
    "^$",
    "",
    "x*",
    "a{2}",
    "[0-9]+:[0-9a-f]+",
    "(",
    "[",
    "a**",
    "\\\\.",
    "[.]",
    "T",
    "some text",
    "\\\\w+",
    "[[:space:]]",
    "\\303\\251",
    "10\\\\.9\\\\.(0|1)\\\\.[0-9]{1,3}",
    "(a|b|c)+$",
    "^.{3}$",
    "a.c",
    "[]a]",
];

/// Writes expressions of a kind, no deeper than asked.
pub struct Writer {
    pub dice: Dice,
}

impl Writer {
    pub fn new(seed: u64) -> Self {
        Writer { dice: Dice::of_scenario(seed) }
    }

    pub fn data(&mut self, depth: usize) -> String {
        if depth == 0 || self.dice.percent(10) {
            return self.plain_data();
        }
        let depth = depth - 1;
        match self.dice.below(17) {
            0 | 1 => {
                let (data, from, length) = (self.data(depth), self.small(depth), self.small(depth));
                format!("substring({data}, {from}, {length})")
            }
            2 => format!("suffix({}, {})", self.data(depth), self.small(depth)),
            3 => format!("lcase({})", self.data(depth)),
            4 => format!("ucase({})", self.data(depth)),
            5 | 6 => {
                let parts: Vec<_> = (0..2 + self.dice.below(3)).map(|_| self.data(depth)).collect();
                format!("concat({})", parts.join(", "))
            }
            7 | 8 => self.binary_to_ascii(depth),
            9 => {
                let width = self.dice.of(&["1", "2", "3", "4", "8"]);
                format!("reverse({width}, {})", self.data(depth))
            }
            10 | 11 => {
                let word = self.dice.of(&["pick", "pick-first-value"]);
                let parts: Vec<_> = (0..1 + self.dice.below(3)).map(|_| self.data(depth)).collect();
                format!("{word}({})", parts.join(", "))
            }
            12 | 13 => {
                let bits = self.dice.of(&["8", "16", "32"]);
                format!("encode-int({}, {bits})", self.number(depth))
            }
            // ISC crashes on a length near 2^64.
            14 => format!("packet({}, {})", self.number(depth), self.dice.below(400)),
            15 => format!("({})", self.data(depth)),
            _ => format!("v6relay({}, {})", self.dice.below(3), self.data(depth)),
        }
    }

    fn binary_to_ascii(&mut self, depth: usize) -> String {
        let base = match self.dice.percent(90) {
            true => self.dice.of(&["2", "8", "10", "16", "3"]).to_string(),
            false => self.dice.of(&["1", "17", "36", "256"]).to_string(),
        };
        let width = match self.dice.percent(90) {
            true => self.dice.of(&["8", "8", "8", "16", "32"]).to_string(),
            false => self.dice.of(&["0", "1", "24", "64", "num1"]).to_string(),
        };
        let separator = match self.dice.percent(80) {
            true => self.dice.of(&["\":\"", "\".\"", "\"\"", "\", \""]).to_string(),
            false => self.data(depth.min(1)),
        };
        format!("binary-to-ascii({base}, {width}, {separator}, {})", self.data(depth))
    }

    fn plain_data(&mut self) -> String {
        match self.dice.below(20) {
            0..=6 => self.dice.of(&TEXTS).into(),
            7..=10 => format!("option {}", self.dice.of(&OPTIONS)),
            11 => format!("config-option {}", self.dice.of(&CONFIGURED)),
            12 => "hardware".into(),
            13 => "leased-address".into(),
            14 => self.dice.of(&["host-decl-name", "filename", "server-name", "gethostname()"]).into(),
            15 => "null".into(),
            16 => self.dice.of(&["num1", "bool1", "missing1", "join"]).into(),
            _ => self.dice.of(&["text1", "text2", "empty1", "none1"]).into(),
        }
    }

    /// Mostly a number that a length or an offset may be.
    fn small(&mut self, depth: usize) -> String {
        match self.dice.percent(75) {
            true => self.dice.below(9).to_string(),
            false => self.number(depth),
        }
    }

    pub fn number(&mut self, depth: usize) -> String {
        if depth == 0 || self.dice.percent(20) {
            return self.plain_number();
        }
        let depth = depth - 1;
        match self.dice.below(10) {
            0..=2 => {
                let bits = self.dice.of(&["8", "16", "32"]);
                let data = self.data(depth);
                match bits {
                    // Of nothing it is whatever lies there, or a crash.
                    "8" => format!("extract-int(concat({data}, 2a), 8)"),
                    _ => format!("extract-int({data}, {bits})"),
                }
            }
            3 => format!("({})", self.number(depth)),
            _ => {
                // Without parentheses: precedence is what is asked about.
                let mut text = self.number(depth.min(1));
                for _ in 0..1 + self.dice.below(3) {
                    let sign = self.dice.of(&["+", "*", "/", "%", "&", "|", "^", "+", "*"]);
                    let _ = write!(text, " {sign} {}", self.number(depth.min(1)));
                }
                text
            }
        }
    }

    fn plain_number(&mut self) -> String {
        match self.dice.below(12) {
            0..=7 => self.dice.of(&NUMBERS).into(),
            8 => self.dice.of(&CONSTANTS).into(),
            9 => self.dice.of(&["lease-time", "client-state"]).into(),
            10 => self.dice.of(&["num1", "num2", "none1", "text1", "missing1"]).into(),
            _ => self.dice.of(&["num1", "num2"]).into(),
        }
    }

    pub fn boolean(&mut self, depth: usize) -> String {
        if depth == 0 || self.dice.percent(15) {
            return self.plain_boolean();
        }
        let depth = depth - 1;
        match self.dice.below(10) {
            0..=2 => {
                let sign = self.dice.of(&["=", "!="]);
                let kinds = self.dice.below(10);
                let (left, right) = match kinds {
                    0..=5 => (self.data(depth), self.data(depth)),
                    6..=8 => {
                        (format!("extract-int({}, 16)", self.data(depth.min(1))), self.number(depth.min(1)))
                    }
                    _ => (self.plain_boolean(), self.plain_boolean()),
                };
                format!("{left} {sign} {right}")
            }
            3 | 4 => {
                let sign = self.dice.of(&["~=", "~~"]);
                let pattern = self.dice.of(&PATTERNS);
                let left = self.data(depth);
                match self.dice.percent(90) {
                    true => format!("{left} {sign} \"{pattern}\""),
                    // ISC reads a pattern up to a NUL, beyond the end of a part: only what is made anew ends in one.
                    false => format!("{left} {sign} concat({}, {})", self.data(depth), self.data(depth)),
                }
            }
            5 => format!("not ({})", self.boolean(depth)),
            6 => format!("not {}", self.plain_boolean()),
            _ => {
                let mut text = self.boolean(depth.min(1));
                for _ in 0..1 + self.dice.below(3) {
                    let word = self.dice.of(&["and", "or"]);
                    let _ = write!(text, " {word} {}", self.boolean(depth.min(1)));
                }
                text
            }
        }
    }

    fn plain_boolean(&mut self) -> String {
        match self.dice.below(12) {
            0 => "known".into(),
            1 => "static".into(),
            2 => "check \"default\"".into(),
            3..=5 => format!("exists {}", self.dice.of(&OPTIONS)),
            6 | 7 => {
                let name = self.dice.of(&["text1", "none1", "missing1", "bool1", "join", "num1"]);
                format!("defined ({name})")
            }
            8 => self.dice.of(&["none1", "text1", "missing1", "num1"]).into(),
            _ => self.dice.of(&["bool1", "bool2"]).into(),
        }
    }

    /// One case: statements on one line, of which `log` says what came out, after `number`.
    pub fn case(&mut self, number: usize) -> String {
        let depth = 1 + self.dice.below(4);
        match self.dice.below(20) {
            0..=6 => {
                let data = self.data(depth);
                format!(
                    "log(info, concat(\"{number} \", pick(binary-to-ascii(16, 8, \":\", {data}), \"null\")));"
                )
            }
            7..=10 => {
                let value = self.boolean(depth);
                format!(
                    "if {value} {{ log(info, \"{number} true\"); }} elsif not ({value}) {{ log(info, \"{number} false\"); }} else {{ log(info, \"{number} null\"); }}"
                )
            }
            11..=14 => {
                let value = self.number(depth);
                format!(
                    "log(info, concat(\"{number} \", pick(binary-to-ascii(10, 32, \"\", encode-int({value}, 32)), \"null\")));"
                )
            }
            15 => {
                let priority = self.dice.of(&["info, ", "debug, ", "error, ", ""]);
                format!("log({priority}{});", self.data(depth))
            }
            16 => self.switch(number, depth),
            17 => self.variable(number, depth),
            18 => self.call(number, depth),
            _ => self.nested(number, depth),
        }
    }

    fn switch(&mut self, number: usize, depth: usize) -> String {
        let numeric = self.dice.percent(40);
        let value = |writer: &mut Self, depth: usize| match numeric {
            true => writer.number(depth),
            false => writer.data(depth),
        };
        let mut text = format!("switch ({}) {{", value(self, depth.min(2)));
        for case in 0..self.dice.below(4) {
            let _ = write!(text, " case {}: log(info, \"{number} case {case}\");", value(self, 1));
            if self.dice.percent(60) {
                text += " break;";
            }
        }
        if self.dice.percent(60) {
            let _ = write!(text, " default: log(info, \"{number} default\");");
        }
        text + " }"
    }

    fn variable(&mut self, number: usize, depth: usize) -> String {
        let value = match self.dice.below(4) {
            0 => self.number(depth),
            1 => self.boolean(depth),
            _ => self.data(depth),
        };
        let mut text = format!("set var{number} = {value};");
        match self.dice.below(4) {
            0 => {
                let _ = write!(text, " unset var{number};");
            }
            1 => {
                let _ = write!(text, " set var{number} = concat(var{number}, \"more\");");
            }
            _ => {}
        }
        let _ = write!(
            text,
            " if defined(var{number}) {{ log(info, \"{number} defined\"); }} log(info, concat(\"{number} \", pick(var{number}, \"null\")));"
        );
        text
    }

    fn call(&mut self, number: usize, depth: usize) -> String {
        let depth = depth.min(2);
        let call = match self.dice.below(9) {
            0..=2 => format!("join({}, {})", self.data(depth), self.data(depth)),
            3 => format!("twice({})", self.number(depth)),
            4 => format!("same({}, {})", self.data(depth), self.data(depth)),
            5 => format!("nothing({})", self.data(depth)),
            6 => format!("join({})", self.data(depth)),
            7 => format!("join({}, {}, \"c\")", self.data(depth), self.boolean(depth)),
            _ => format!("{}({})", self.dice.of(&["missing1", "text1", "same"]), self.data(depth)),
        };
        match self.dice.below(6) {
            0 => format!("log(info, {call});"),
            1 => format!("eval {call};"),
            2 => format!(
                "if {call} {{ log(info, \"{number} true\"); }} else {{ log(info, \"{number} not\"); }}"
            ),
            3 => format!(
                "log(info, concat(\"{number} \", pick(binary-to-ascii(10, 8, \".\", encode-int({call}, 32)), \"null\")));"
            ),
            _ => format!(
                "set var{number} = {call}; if defined(var{number}) {{ log(info, \"{number} defined\"); }} log(info, var{number});"
            ),
        }
    }

    fn nested(&mut self, number: usize, depth: usize) -> String {
        let (first, second, third) = (self.boolean(depth), self.boolean(depth), self.boolean(1));
        let (left, right) = (self.data(depth), self.data(1));
        format!(
            "if {first} {{ if {third} {{ log(info, {left}); }} log(info, \"{number} first\"); }} elsif {second} {{ set var{number} = {right}; log(info, var{number}); }} else {{ let loc{number} = {left}; log(info, concat(\"{number} \", loc{number})); }}"
        )
    }
}

/// So many cases, one a line.
pub fn cases(seed: u64, count: usize) -> Vec<String> {
    let mut writer = Writer::new(seed);
    (0..count).map(|number| writer.case(number)).collect()
}

/// Regular expressions, sound and odd ones, each with a text: one a line.
pub fn patterns(seed: u64, count: usize) -> Vec<String> {
    const PIECES: [&str; 44] = [
        "a",
        "b",
        "c",
        "A",
        ".",
        "*",
        "+",
        "?",
        "^",
        "$",
        "|",
        "(",
        ")",
        "[",
        "]",
        "[^",
        "-",
        "{",
        "}",
        "{2}",
        "{1,2}",
        "{,2}",
        "{1,}",
        "\\\\",
        "\\\\.",
        "\\\\w",
        "\\\\b",
        "\\\\<",
        "[[:alpha:]]",
        "[[:digit:]x]",
        "[:",
        ":]",
        "[[.a.]]",
        "[[=b=]]",
        "[a-c]",
        "[c-]",
        "[]a]",
        "[^]a]",
        "1",
        ",",
        "(a|b)",
        "(ab)*",
        " ",
        "\\\"",
    ];
    const TEXTS: [&str; 12] =
        ["", "a", "b", "ab", "abc", "aab", "ABC", "a.b", "a1 b", "x-y", "a]b[c", "aa{2}\\\\b+c"];
    let mut dice = Dice::of_scenario(seed ^ 0x7265);
    (0..count)
        .map(|number| {
            let pattern: String = (0..1 + dice.below(6)).map(|_| dice.of(&PIECES)).collect();
            let (text, sign) = (dice.of(&TEXTS), dice.of(&["~=", "~=", "~~"]));
            // A back reference is a listed difference, and none is among the pieces.
            format!(
                "if concat(\"{text}\", \"\") {sign} \"{pattern}\" {{ log(info, \"{number} matches\"); }} else {{ log(info, \"{number} does not\"); }}"
            )
        })
        .collect()
}

/// Does it call a function?
pub fn calls(case: &str) -> bool {
    ["join(", "twice(", "same(", "nothing("].iter().any(|name| case.contains(name))
}

/// Options of a reply, codes from 224 on, with expressions for values.
pub fn options(seed: u64, count: usize) -> Vec<String> {
    let mut writer = Writer::new(seed ^ 0x6f70);
    (0..count)
        .map(|_| {
            let depth = 1 + writer.dice.below(2);
            // No calls: in the value of an option they break the real program's memory.
            let value = writer.data(depth);
            let word =
                writer.dice.of(&["option", "option", "option", "append", "prepend", "default", "supersede"]);
            let code = 224 + writer.dice.below(16);
            format!("{word} reply{code} = {value};")
        })
        .collect()
}

/// A configuration for `dhcpd -t`: everything at the top level. The cases begin at line [`first_line`].
pub fn top_level(cases: &[String]) -> String {
    format!("{DECLARATIONS}{VARIABLES}{}\n", cases.join("\n"))
}

/// Of the first case in [`top_level`].
pub fn first_line() -> usize {
    1 + DECLARATIONS.lines().count() + VARIABLES.lines().count()
}

/// A scenario in which packets of many kinds meet the cases in a subnet, some of them in `on commit`.
pub fn scenario(seed: u64, cases: &[String], options: &[String]) -> String {
    let mut text =
        format!("title: expressions, seed {seed}\nroute: 10.9.5.0/24 10.9.0.2\n== config\n{DECLARATIONS}");
    for code in 224..240 {
        let _ = writeln!(text, "option reply{code} code {code} = string;");
    }
    text += "option domain-name \"configured.example\";\noption rfc 01:02;\noption flag on;\noption pair 7 10.1.2.3;\n\
             option list 1, 2, 65535;\noption vend.one \"one\";\nfilename \"boot\";\nnext-server 10.9.0.3;\n\
             ping-check false;\ndefault-lease-time 600;\n\
             class \"some\" { match if option host-name = \"Alpha\"; }\n\
             host named { hardware ethernet 02:00:00:00:00:62; }\n\
             host fixed { hardware ethernet 02:00:00:00:00:63; fixed-address 10.9.0.50; }\n";
    let late = cases.len() - cases.len() / 6;
    let (now, late) = cases.split_at(late);
    for (net, from) in [(0, 100), (5, 100)] {
        let _ = writeln!(
            text,
            "subnet 10.9.{net}.0 netmask 255.255.255.0 {{\nrange 10.9.{net}.{from} 10.9.{net}.120;"
        );
        let _ = writeln!(text, "{VARIABLES}{}\n{}", now.join("\n"), options.join("\n"));
        let _ = writeln!(text, "on commit {{ {} }}\n}}", late.join("\n"));
    }
    let asks = "prl=224,225,226,227,228,229,230,231,232,233,234,235,236,237,238,239 max-size=1500";
    // A reply to a relay that is longer than a frame comes in fragments, which nobody here puts together.
    let relayed = asks.replace("1500", "1200");
    let _ = write!(
        text,
        "== steps\n\
         exchange client=a {asks} hostname=\"Alpha\" vendor=\"vendor x\" uid=0041424300 200=0102\n\
         exchange client=b {asks} hostname=\"b\" user-class=\"blue\"\n\
         wait 1\n\
         exchange client=c {asks} file=\"the file\" sname=\"the server\" 210=61626300ff 212=070a010203\n\
         exchange client=d {relayed} giaddr=10.9.5.1 agent=0104+\"port\"+0203+\"id\"+00+0504+10.9.5.1 fqdn=050000+\"d.example\"\n\
         wait 1\n\
         exchange client=e {asks} hostname=61+0a+62 43=0103+\"one\"+02020102 fqdn=040000+0164076578616d706c6500\n\
         wait 1\n\
         send INFORM client=f {asks} ciaddr=10.9.0.60 from=10.9.0.60 hostname=\"Some Text\"\n\
         send BOOTP client=c\n\
         wait 1\n\
         send REQUEST client=a ciaddr=10.9.0.100 {asks} hostname=\"\"\n\
         wait 2\n\
         send REQUEST client=b ciaddr=10.9.0.101 {asks} lease=77\n"
    );
    text
}
