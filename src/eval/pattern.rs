//! POSIX extended regular expressions (regcomp(3) with `REG_EXTENDED`) by way of the `regex` crate. Only whether there is a
//! match matters, so that leftmost-longest or not makes no difference.

use regex::bytes::{Regex, RegexBuilder};
use rustc_hash::FxHashMap;
use std::cell::RefCell;

/// Patterns kept compiled; then the memory starts over.
const REMEMBERED: usize = 256;

type Compiled = FxHashMap<Box<[u8]>, Option<Regex>>;

thread_local! {
    // a pattern is nearly always a constant of the configuration; with case, and without
    static COMPILED: RefCell<[Compiled; 2]> = RefCell::default();
}

/// Whether the text up to its first NUL has a match; a bad pattern matches nothing.
pub(super) fn matches(text: &[u8], pattern: &[u8], ignore_case: bool) -> bool {
    let text = up_to_nul(text);
    let pattern = up_to_nul(pattern);
    COMPILED.with_borrow_mut(|[exact, folded]| {
        let compiled = if ignore_case { folded } else { exact };
        if let Some(found) = compiled.get(pattern) {
            return found.as_ref().is_some_and(|regex| regex.is_match(text));
        }
        let regex = compile(pattern, ignore_case);
        let matched = regex.as_ref().is_some_and(|regex| regex.is_match(text));
        if compiled.len() >= REMEMBERED {
            compiled.clear();
        }
        compiled.insert(pattern.into(), regex);
        matched
    })
}

fn up_to_nul(octets: &[u8]) -> &[u8] {
    octets.split(|octet| *octet == 0).next().unwrap_or_default()
}

fn compile(pattern: &[u8], ignore_case: bool) -> Option<Regex> {
    RegexBuilder::new(&translate(pattern, ignore_case)?)
        .unicode(false)
        .case_insensitive(ignore_case)
        .dot_matches_new_line(true)
        .size_limit(1 << 20)
        .build()
        .ok()
}

/// The same pattern in the crate's syntax.
fn translate(pattern: &[u8], ignore_case: bool) -> Option<String> {
    let mut out = String::new();
    let mut rest = pattern;
    // nothing to repeat yet: at the start, after `(`, `|`, and after an anchor
    let mut bare = true;
    let mut groups = 0u32;
    while let Some((octet, after)) = rest.split_first() {
        rest = after;
        match octet {
            b'[' => {
                rest = bracket(rest, &mut out)?;
                bare = false;
            }
            b'\\' => {
                let (escaped, after) = rest.split_first()?;
                rest = after;
                bare = escape(*escaped, ignore_case, &mut out)?;
            }
            b'*' | b'+' | b'?' | b'{' if bare => return None,
            b'*' | b'+' | b'?' => repeat(char::from(*octet).encode_utf8(&mut [0; 4]), &mut out),
            b'{' => rest = interval(rest, &mut out)?,
            b'(' => {
                groups += 1;
                out.push('(');
                bare = true;
            }
            b')' if groups > 0 => {
                groups -= 1;
                out.push(')');
                bare = false;
            }
            b'|' => {
                out.push('|');
                bare = true;
            }
            b'^' => {
                out.push('^');
                bare = true;
            }
            b'$' => {
                out.push('$');
                bare = true;
            }
            b'.' => {
                out.push('.');
                bare = false;
            }
            other => {
                literal(*other, &mut out);
                bare = false;
            }
        }
    }
    (groups == 0).then_some(out)
}

/// A repetition; one of a repetition needs a group of its own, `a**` and `a+?` mean something else to the crate.
fn repeat(operator: &str, out: &mut String) {
    if out.ends_with(['*', '+', '?', '}']) && !ends_escaped(out) {
        wrap_last(out);
    }
    out.push_str(operator);
}

/// Whether the last character stands behind an odd number of backslashes.
fn ends_escaped(out: &str) -> bool {
    let before = out.char_indices().next_back().and_then(|(last, _)| out.get(..last)).unwrap_or_default();
    before.chars().rev().take_while(|c| *c == '\\').count() % 2 == 1
}

/// Puts the last repeated piece into a group. Its start is found by walking back over the whole pattern's pieces.
fn wrap_last(out: &mut String) {
    let start = last_piece(out);
    out.insert_str(start, "(?:");
    out.push(')');
}

/// Where the last piece, repetitions included, begins.
fn last_piece(out: &str) -> usize {
    let mut starts = Vec::new();
    let mut last = 0;
    let mut characters = out.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        match c {
            '\\' => {
                last = at;
                if let Some((_, 'x')) = characters.next() {
                    // \x{..} or \xhh: up to its end
                    for _ in 0..2 {
                        characters.next();
                    }
                }
            }
            '[' => {
                last = at;
                let mut escaped = false;
                let mut depth = 1;
                for (_, c) in characters.by_ref() {
                    match c {
                        _ if escaped => escaped = false,
                        '\\' => escaped = true,
                        '[' => depth += 1,
                        ']' => depth -= 1,
                        _ => {}
                    }
                    if depth == 0 {
                        break;
                    }
                }
            }
            '(' => starts.push(at),
            ')' => last = starts.pop().unwrap_or(0),
            '*' | '+' | '?' | '{' | '}' | ',' => {}
            '0'..='9' if out.get(..at).is_some_and(|before| before.ends_with(['{', ','])) => {}
            _ => last = at,
        }
    }
    last
}

fn literal(octet: u8, out: &mut String) {
    match octet {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b' ' => out.push(char::from(octet)),
        _ => out.push_str(&format!("\\x{octet:02x}")),
    }
}

/// An escaped character stands for itself; glibc adds `\w \W \s \S \b \B \< \>`, back references are refused. True for an
/// anchor. Without regard to case glibc makes all letters large but escaped ones, and so an escaped small one meets none.
fn escape(octet: u8, ignore_case: bool, out: &mut String) -> Option<bool> {
    let text = match octet {
        b'w' => "[0-9A-Za-z_]",
        b'W' => "[^0-9A-Za-z_]",
        b's' => "[\\t-\\r ]",
        b'S' => "[^\\t-\\r ]",
        b'b' => "\\b",
        b'B' => "\\B",
        b'<' => "\\b{start}",
        b'>' => "\\b{end}",
        b'`' => "\\A",
        b'\'' => "\\z",
        b'1'..=b'9' => return None,
        b'a'..=b'z' if ignore_case => "[a&&b]",
        other => {
            literal(other, out);
            return Some(false);
        }
    };
    out.push_str(text);
    Some(matches!(octet, b'b' | b'B' | b'<' | b'>' | b'`' | b'\''))
}

/// `{m}`, `{m,}`, `{m,n}` or `{,n}`.
fn interval<'a>(rest: &'a [u8], out: &mut String) -> Option<&'a [u8]> {
    let end = rest.iter().position(|octet| *octet == b'}')?;
    let body = std::str::from_utf8(rest.get(..end)?).ok()?;
    let number = |text: &str| text.parse::<u32>().ok().filter(|n| *n <= 32_767);
    let (low, high) = match body.split_once(',') {
        None => (number(body)?, Some(number(body)?)),
        Some(("", high)) => (0, Some(number(high)?)),
        Some((low, "")) => (number(low)?, None),
        Some((low, high)) => (number(low)?, Some(number(high)?)),
    };
    if high.is_some_and(|high| high < low) {
        return None;
    }
    repeat(&high.map_or(format!("{{{low},}}"), |high| format!("{{{low},{high}}}")), out);
    rest.get(end + 1..)
}

/// A bracket expression. A backslash in it is a backslash; `[:class:]` goes through; `[.x.]` and `[=x=]` of one character
/// stand for it.
fn bracket<'a>(mut rest: &'a [u8], out: &mut String) -> Option<&'a [u8]> {
    out.push('[');
    if let Some(after) = rest.strip_prefix(b"^") {
        out.push('^');
        rest = after;
    }
    let mut first = true;
    loop {
        let (octet, after) = rest.split_first()?;
        match (octet, after.first()) {
            (b']', _) if !first => {
                out.push(']');
                return Some(after);
            }
            (b'[', Some(b':')) => {
                let end = after.windows(2).position(|pair| pair == b":]").filter(|end| *end > 0)?;
                let name = std::str::from_utf8(after.get(1..end)?).ok()?;
                out.push_str(&format!("[:{name}:]"));
                rest = after.get(end + 2..)?;
                // a class begins no range
                if rest.first() == Some(&b'-') && rest.get(1) != Some(&b']') {
                    return None;
                }
            }
            (b'[', Some(mark @ (b'.' | b'='))) => {
                let member = *after.get(1)?;
                if after.get(2) != Some(mark) || after.get(3) != Some(&b']') {
                    return None;
                }
                member_of_set(member, out);
                rest = after.get(4..)?;
            }
            // a range, unless the hyphen is the last
            (b'-', next) if !first && next != Some(&b']') => {
                out.push('-');
                rest = after;
            }
            _ => {
                member_of_set(*octet, out);
                rest = after;
            }
        }
        first = false;
    }
}

fn member_of_set(octet: u8, out: &mut String) {
    out.push_str(&format!("\\x{octet:02x}"));
}

#[cfg(test)]
mod tests {
    use super::matches;

    /// What dhcpd 4.4.3-P1 says, but for the back reference.
    #[test]
    fn as_the_real_program_has_it() {
        for (pattern, text, expected) in [
            ("^a", "abc", true),
            ("a**b", "b", true),
            ("*a", "a", false),
            ("+a", "a", false),
            ("?a", "a", false),
            ("(*a)", "a", false),
            ("(+a)", "a", false),
            ("a|*b", "b", false),
            ("a|+b", "b", false),
            ("^*a", "a", false),
            ("(a", "a", false),
            ("a)", "a)", true),
            ("a)", "a", false),
            ("a{1", "a{1", false),
            ("a{1,2", "a{1,2", false),
            ("a{x}", "a{x}", false),
            ("{a", "{a", false),
            ("a{2,1}", "aa", false),
            ("a{,2}b", "b", true),
            ("\\d", "d", true),
            ("\\<foo\\>", "a foo b", true),
            ("(^a)", "a", true),
            ("a^b", "a^b", false),
            ("a$b", "a$b", false),
            ("x*", "zzz", true),
            ("[[:foo:]]", "a", false),
            ("[[.a.]]", "a", true),
            ("[[=a=]]", "a", true),
            ("[a-c-]", "-", true),
            ("[c-a]", "b", false),
            ("[]a]", "]", true),
            ("[a\\]]", "\\]", true),
            ("[\\]", "\\", true),
            ("a++", "aa", true),
            ("a+?", "b", true),
            ("a{2}{3}", "aaaaaa", true),
            ("a{2}{3}", "aaaaa", false),
            ("()", "x", true),
            ("(|a)", "x", true),
            ("a||b", "x", true),
            ("a\\{2", "a{2", true),
            ("\\(a", "(a", true),
            ("(a)\\1", "aa", false),
            ("[[:alpha:]-z]", "-", false),
            ("\\w+", "a_", true),
            ("\\bfoo\\b", "foo", true),
            (".", "\\t", true),
            ("\\n", "n", true),
            ("a{0}b", "b", true),
            ("^$", "x", false),
            ("$a", "a", false),
            ("a*?", "b", true),
            ("(a*)*", "b", true),
            ("(a|b)*c|d", "ac", true),
            ("a{1,65536}", "a", false),
            ("\\", "a", false),
        ] {
            assert_eq!(matches(text.as_bytes(), pattern.as_bytes(), false), expected, "{pattern} on {text}");
        }
        assert!(matches(b"HELLO", b"hello", true));
        assert!(!matches(b"ab\0c", b"c", false));
        assert!(matches(b"anything", b"", false));
        assert!(matches(&[0xff, b'a'], b"a$", false));
    }
}
