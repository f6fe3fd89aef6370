//! Lease files with faults through `dhcpd -T` of the real program and ours: verdict and every line. DHCPv4 and DHCPv6, from
//! files of our own and of the corpus. The seed is fixed (`COMPAT_SEED`), `COMPAT_LEASE_FILES` (100) says how many. Without
//! the real program nothing is compared, and that is said.

use compat_tests::generator::{Generator, examples};
use compat_tests::ground;
use compat_tests::here;
use compat_tests::judge::{REAL, budget, harmless, program, shown};
use regex::bytes::Regex;
use std::fs;
use std::path::Path;

struct Seed {
    v6: bool,
    configuration: Vec<u8>,
    leases: Vec<u8>,
}

/// Ours, often enough that they are half of what is tried, and those of the corpus, if it is there.
fn seeds() -> Vec<Seed> {
    let mut seeds = Vec::new();
    let corpus = here().join("../../shared/corpus");
    for line in fs::read_to_string(corpus.join("MANIFEST.tsv")).unwrap_or_default().lines() {
        let mut columns = line.split('\t');
        let (Some(file), Some(family)) = (columns.next(), columns.next()) else { continue };
        let read = |name: &str| fs::read(corpus.join(name)).ok();
        if let (true, Some(leases), Some(configuration)) =
            (file.starts_with("leases/"), read(file), read(&format!("{file}.cover.conf")))
        {
            seeds.push(Seed { v6: family == "6", configuration, leases });
        }
    }
    for _ in 0..(seeds.len() / 2).max(1) {
        for (v6, name) in [(false, "v4"), (true, "v6")] {
            let read =
                |ending: &str| fs::read(here().join(format!("lease-seeds/{name}.{ending}"))).expect("a seed");
            seeds.push(Seed { v6, configuration: read("conf"), leases: read("leases") });
        }
    }
    seeds
}

/// Longer files are cut.
const PIECE: usize = 6000;

#[test]
fn lease_files_with_faults() {
    let real = Path::new(REAL);
    let (true, Ok(ours)) = (real.exists(), ground::ours()) else {
        println!("{REAL} is not installed, or dhcpd not built: nothing compared");
        return;
    };
    // Months that are none: ISC reads memory beyond its table.
    let no_month =
        Regex::new(r"/(0+|1[3-9]|[2-9]\d|\d{3,}|-\d*|\d*[a-zA-Z]\w*|::|[\d.]*\.[\d.]*)/").expect("a pattern");
    let (seeds, mut generator) = (seeds(), Generator::new(&examples()));
    let folder = tempfile::tempdir().expect("a folder for lease files");
    let (mut crashed, mut accepted, mut listed, mut different) = (0, 0, 0, Vec::new());
    let mut left = budget("COMPAT_LEASE_FILES", 100);
    while left > 0 {
        let Seed { v6, configuration, leases } = generator.random.pick(&seeds);
        let lines: Vec<&[u8]> = leases.split_inclusive(|octet| *octet == b'\n').collect();
        let from = if leases.len() > PIECE { generator.random.below(lines.len()) } else { 0 };
        let piece: Vec<u8> = lines[from..].concat().into_iter().take(PIECE).collect();
        let text = generator.faulty(&piece);
        if !harmless(&text) || no_month.is_match(&text) {
            continue;
        }
        left -= 1;
        fs::write(folder.path().join("t.conf"), configuration).expect("the folder is writable");
        fs::write(folder.path().join("t.leases"), &text).expect("the folder is writable");
        let isc = program(real, *v6, true, folder.path());
        let Some(our) = program(&ours, *v6, true, folder.path()) else {
            panic!("ours crashed: {}", String::from_utf8_lossy(&text));
        };
        match isc {
            None => crashed += 1,
            Some(isc) => {
                accepted += usize::from(isc.accepted);
                // Listed differences: a rewrite that ISC breaks off, and what it forgets with a damaged state.
                let lines = String::from_utf8_lossy(&isc.lines);
                let whole = lines.ends_with(" leases to leases file.\n")
                    || lines.ends_with(" leases to lease file.\n");
                if isc.accepted == our.accepted
                    && (!whole || lines.contains("Lease with bogus binding state"))
                {
                    listed += 1;
                } else if isc != our {
                    different.push(shown(*v6, &text, &isc, &our));
                }
            }
        }
    }
    println!(
        "accepted {accepted}, the real program crashed {crashed} times; different {}, of listed kinds {listed}",
        different.len()
    );
    different.iter().take(20).for_each(|difference| println!("{difference}"));
    assert!(different.is_empty(), "{} differences", different.len());
}

/// ISC runs a program that stands at the top level, or in an `on expiry` of the file, also when it only checks. Ours does not;
/// `log` is said all the same.
#[test]
fn a_check_runs_no_program() {
    let ours = ground::ours().expect("dhcpd is built");
    let folder = tempfile::tempdir().expect("a folder");
    let witness = folder.path().join("ran");
    let execute = format!("execute (\"/usr/bin/touch\", \"{}\");", witness.display());
    let configuration = format!(
        "{execute} log (info, \"at the top\");\nsubnet 10.9.0.0 netmask 255.255.255.0 {{ range 10.9.0.10 10.9.0.20; }}\n"
    );
    let leases = format!(
        "lease 10.9.0.10 {{ ends 3 2016/01/06 15:50:34; binding state active; next binding state free; \
         hardware ethernet 1:2:3:4:5:6; on expiry {{ {execute} log (info, \"expired\"); }} }}\n"
    );
    fs::write(folder.path().join("t.conf"), configuration).expect("written");
    fs::write(folder.path().join("t.leases"), leases).expect("written");
    for with_leases in [false, true] {
        let judgement = program(&ours, false, with_leases, folder.path()).expect("it ends");
        let said = String::from_utf8_lossy(&judgement.lines).into_owned();
        assert!(judgement.accepted && said.contains("at the top\n"), "{said}");
        assert_eq!(with_leases, said.contains("expired\n"), "{said}");
        assert!(!witness.exists(), "a program was run: {said}");
    }
}

/// What makes ISC crash is refused in one of its forms, with status 1.
#[test]
fn what_crashes_isc_is_refused() {
    let ours = ground::ours().expect("dhcpd is built");
    let folder = tempfile::tempdir().expect("a folder");
    let cases = [
        ("key k { algorithm hmac-md5; }\n", "t.conf line 1: tsig key k: no secret\n"),
        ("key k { }\n", "t.conf line 1: tsig key k: no algorithm\n"),
        (
            "class \"foo\" { match if known; }\nadd \"foo\";\n",
            "add: foo: no raw packet or lease is available\n",
        ),
        (
            "option domain-name = config-option domain-name;\nlog (info, config-option domain-name);\n",
            "expression nested too deeply or too long to evaluate; taken as null\n",
        ),
    ];
    for (configuration, text) in cases {
        fs::write(folder.path().join("t.conf"), configuration).expect("written");
        let judgement = program(&ours, false, false, folder.path()).expect("it ends");
        let said = String::from_utf8_lossy(&judgement.lines).into_owned();
        assert!(!judgement.accepted && said.starts_with(text), "{configuration}: {said}");
        let real = Path::new(REAL);
        assert!(!real.exists() || program(real, false, false, folder.path()).is_none(), "{configuration}");
    }
}
