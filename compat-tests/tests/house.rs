//! The house rules as a test: floors, the core without I/O, file and function sizes, names, `unsafe`, unfinished work.
//!
//! Each rule prints every place that breaks it, so that one run shows all there is to mend.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Module name and floor; a module imports only from floors below its own. Modules that come with later work have
/// their places here already.
const FLOORS: &[(&str, u8)] = &[
    ("clock", 0),
    ("log", 0),
    ("octets", 0),
    ("stream", 0),
    ("syntax", 1),
    ("option", 1),
    ("wire", 1),
    ("eval", 2),
    ("lease", 3),
    ("config", 4),
    ("lease_file", 4),
    ("failover", 5),
    ("ddns", 5),
    ("transition", 6),
    ("dhcp4", 7),
    ("dhcp6", 7),
    ("omapi", 7),
    ("server", 8),
    ("omshell", 8),
    ("net", 9),
    ("journal", 9),
    ("daemon", 10),
    ("console", 11),
    ("main", 11),
    ("bin", 11),
];

/// Nothing up to this floor does I/O, reads a clock or the environment, draws random numbers or starts threads.
const CORE: u8 = 8;

/// What the core may not mention.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net::TcpStream",
    "std::net::TcpListener",
    "std::net::UdpSocket",
    "std::env",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "Instant::now",
    "SystemTime::now",
    "Utc::now",
    "Local::now",
    "tokio::",
    "nix::",
    "socket2::",
    "libc::",
    "syslog::",
    "RandomState::new",
    "thread_rng",
    "println!",
    "eprintln!",
    "std::io::stdout",
    "std::io::stderr",
    "File::open",
];

const MAX_FILE_LINES: usize = 1000;
const MAX_FUNCTION_LINES: usize = 100;
const BANNED_NAMES: &[&str] = &["util", "utils", "helper", "helpers", "manager", "misc", "common", "stuff"];

struct SourceFile {
    /// Relative to `src`, with forward slashes.
    path: String,
    module: String,
    text: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies below the top").to_path_buf()
}

fn collect(directory: &Path, extension: &str, into: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "target") {
                collect(&path, extension, into);
            }
        } else if path.extension().is_some_and(|e| e == extension) {
            into.push(path);
        }
    }
}

fn sources() -> Vec<SourceFile> {
    let base = root().join("src");
    let mut paths = Vec::new();
    collect(&base, "rs", &mut paths);
    paths.sort();
    assert!(paths.len() > 20, "src was not found");
    paths
        .into_iter()
        .map(|path| {
            let relative = path.strip_prefix(&base).expect("below src").to_string_lossy().replace('\\', "/");
            let module = relative.split('/').next().expect("a name").trim_end_matches(".rs").to_string();
            SourceFile { module, path: relative, text: fs::read_to_string(&path).expect("readable source") }
        })
        .collect()
}

fn floor(module: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == module).map(|(_, floor)| *floor)
}

/// Lines of code with their numbers: comments and everything from the test module down left out.
fn code(file: &SourceFile) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    if file.path.ends_with("tests.rs") || file.path.contains("/tests/") {
        return lines;
    }
    for (number, line) in file.text.lines().enumerate() {
        if line.trim_start().starts_with("#[cfg(test)]") {
            break;
        }
        let line = match line.find("//") {
            // A string may hold `//`; only whole-line comments and trailing ones after a space are cut.
            Some(0) => "",
            Some(at) if line[..at].ends_with(' ') => &line[..at],
            _ => line,
        };
        lines.push((number + 1, line.to_string()));
    }
    lines
}

fn report(rule: &str, broken: Vec<String>) {
    assert!(broken.is_empty(), "{rule}:\n  {}", broken.join("\n  "));
}

/// First path segments after `crate::`, through `use crate::{a::.., b::..}` too.
fn imports(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = line;
    while let Some(at) = rest.find("crate::") {
        rest = &rest[at + "crate::".len()..];
        let word: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if !word.is_empty() {
            found.push(word);
        }
    }
    found
}

#[test]
fn modules_import_downward_only() {
    let mut broken = Vec::new();
    for file in sources() {
        if file.path == "lib.rs" {
            continue;
        }
        let Some(own) = floor(&file.module) else {
            broken.push(format!("src/{}: module `{}` has no floor", file.path, file.module));
            continue;
        };
        for (number, line) in code(&file) {
            for import in imports(&line) {
                let Some(other) = floor(&import) else { continue };
                if import != file.module && other >= own {
                    broken.push(format!("src/{}:{number}: {} imports {import}", file.path, file.module));
                }
            }
            if line.contains("use crate::{") {
                broken.push(format!(
                    "src/{}:{number}: one `use crate::module` a line, so that floors show",
                    file.path
                ));
            }
        }
    }
    report("a module imports only from floors below its own", broken);
}

#[test]
fn core_does_no_io() {
    let mut broken = Vec::new();
    for file in sources().iter().filter(|f| floor(&f.module).is_some_and(|floor| floor <= CORE)) {
        for (number, line) in code(file) {
            for word in IMPURE {
                if line.contains(word) {
                    broken.push(format!("src/{}:{number}: {word}", file.path));
                }
            }
        }
    }
    report("the core takes time and randomness as arguments and does no I/O", broken);
}

#[test]
fn unsafe_only_in_net_and_daemon() {
    let mut broken = Vec::new();
    for file in sources() {
        let lines = code(&file);
        for (index, (number, line)) in lines.iter().enumerate() {
            if !line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "unsafe") {
                continue;
            }
            if file.module != "net" && file.module != "daemon" {
                broken.push(format!("src/{}:{number}: unsafe", file.path));
            }
            let above = file.text.lines().take(*number).skip(number.saturating_sub(8));
            if index > 0 && !above.into_iter().any(|l| l.contains("SAFETY:")) {
                broken.push(format!("src/{}:{number}: unsafe without its SAFETY reason", file.path));
            }
        }
    }
    report("unsafe stands only in net and daemon, each with its reason", broken);
}

#[test]
fn files_and_functions_are_small() {
    let mut broken = Vec::new();
    for file in sources() {
        let count = file.text.lines().count();
        if count > MAX_FILE_LINES {
            broken.push(format!("src/{}: {count} lines", file.path));
        }
        let mut open: Option<(usize, usize, String)> = None;
        for (number, line) in code(&file) {
            let indent = line.len() - line.trim_start().len();
            if let Some((start, depth, name)) = &open
                && indent == *depth
                && line.trim_end() == format!("{}}}", " ".repeat(*depth))
            {
                let length = number - start;
                if length > MAX_FUNCTION_LINES {
                    broken.push(format!("src/{}:{start}: {length} lines: {name}", file.path));
                }
                open = None;
            }
            let start = line.trim_start();
            let is_function =
                ["fn ", "pub fn ", "pub(crate) fn ", "pub(super) fn ", "async fn ", "pub async fn "]
                    .iter()
                    .any(|prefix| start.starts_with(prefix));
            if is_function && !line.trim_end().ends_with('}') {
                open = Some((number, indent, start.trim_end().to_string()));
            }
        }
    }
    report("a file has at most 1,000 lines, a function at most 100", broken);
}

#[test]
fn names_are_the_fields() {
    let mut broken = Vec::new();
    for file in sources() {
        for part in file.path.trim_end_matches(".rs").split('/') {
            if BANNED_NAMES.contains(&part) {
                broken.push(format!("src/{}", file.path));
            }
        }
    }
    report("no utils, helpers, managers", broken);
}

#[test]
fn nothing_is_left_unfinished() {
    let mut broken = Vec::new();
    for file in sources() {
        for (number, line) in file.text.lines().enumerate() {
            for word in ["todo!(", "unimplemented!(", "TODO", "FIXME", "XXX"] {
                if line.contains(word) {
                    broken.push(format!("src/{}:{}: {word}", file.path, number + 1));
                }
            }
        }
    }
    report("no stub and no note of unfinished work", broken);
}

#[test]
fn modules_say_what_they_are() {
    let broken = sources()
        .iter()
        .filter(|file| !file.path.ends_with("tests.rs") && !file.path.contains("/tests/"))
        .filter(|file| file.path != "main.rs" && !file.text.starts_with("//!"))
        .map(|file| format!("src/{}", file.path))
        .collect();
    report("a module begins with a line that says what it is", broken);
}

#[test]
fn core_data_from_outside_is_not_indexed_unchecked() {
    // `wire` reads what strangers send: no slicing by range with computed ends outside tests.
    let mut broken = Vec::new();
    for file in sources().iter().filter(|f| f.module == "wire") {
        for (number, line) in code(file) {
            if line.contains(".unwrap()") || line.contains("unreachable!") {
                broken.push(format!("src/{}:{number}: {}", file.path, line.trim()));
            }
        }
    }
    report("wire never panics on what it reads", broken);
}

#[test]
fn no_machine_path_is_named() {
    let mut broken = Vec::new();
    let mut paths = Vec::new();
    for folder in ["src", "compat-tests", "contrib", "man", "grammar", ".ci"] {
        for extension in ["rs", "md", "pest", "conf", "scn", "toml", "sh", "8", "5"] {
            collect(&root().join(folder), extension, &mut paths);
        }
    }
    paths.push(root().join("README.md"));
    for path in paths {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        for (number, line) in text.lines().enumerate() {
            // Spelled in two pieces, so that this file does not find itself.
            if line.contains(concat!("/wo", "rk/")) || line.contains(concat!("/root/.", "cargo")) {
                broken.push(format!("{}:{}", path.display(), number + 1));
            }
        }
    }
    report("no machine path is named", broken);
}

#[test]
fn floors_are_used() {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let files = sources();
    for file in &files {
        *seen.entry(file.module.as_str()).or_default() += file.text.lines().count();
    }
    for (module, lines) in &seen {
        println!("{module:12} floor {:>2}  {lines:>6} lines", floor(module).map_or(-1, i32::from));
    }
    report(
        "a module has content",
        seen.iter()
            .filter(|(name, lines)| !matches!(**name, "main" | "bin") && **lines < 15)
            .map(|(name, _)| name.to_string())
            .collect(),
    );
}
