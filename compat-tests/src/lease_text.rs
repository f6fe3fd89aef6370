//! A lease file with its times made relative to the start of the scenario, so that two runs compare.

use chrono::{NaiveDate, TimeZone, Utc};
use regex::Regex;
use std::sync::LazyLock;

/// `T+5`, `T-100`, or `T` itself.
pub fn relative(seconds: i64) -> String {
    if seconds == 0 { "T".into() } else { format!("T{seconds:+}") }
}

/// ISC's default form, `W YYYY/MM/DD HH:MM:SS`, UTC.
pub fn absolute(seconds: i64) -> String {
    match Utc.timestamp_opt(seconds, 0) {
        chrono::LocalResult::Single(time) => time.format("%w %Y/%m/%d %H:%M:%S").to_string(),
        _ => "never".into(),
    }
}

/// The end of an infinite lease, which ISC tells as the seconds left until it.
const NEVER: i64 = 0x7fff_ffff;

/// `option 51 N` where N reaches from `now` to the end of an infinite lease, or to the second before, which is the longest
/// that a finite one can be: a number that is another in every run.
pub fn until_never(line: String, now: i64) -> String {
    let mut words = line.split_whitespace();
    let (Some("option"), Some(code), Some(seconds), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return line;
    };
    match seconds.parse::<i64>() {
        Ok(seconds) if seconds + now == NEVER => format!("  option {code} until never"),
        Ok(seconds) if seconds + now == NEVER - 1 => format!("  option {code} until a second before never"),
        _ => line,
    }
}

/// Puts dates where a scenario has `@T`, `@T+60` or `@T-60` (in ISC's form) or `@epoch+60` (a bare number).
pub fn expand(text: &str, start: i64) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('@') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let (word, epoch) = match rest {
            _ if rest.starts_with("@epoch") => ("@epoch", true),
            _ if rest.starts_with("@T") => ("@T", false),
            _ => {
                out.push('@');
                rest = &rest[1..];
                continue;
            }
        };
        rest = &rest[word.len()..];
        let digits = rest
            .char_indices()
            .take_while(|(at, c)| c.is_ascii_digit() || (*at == 0 && (*c == '+' || *c == '-')))
            .count();
        let offset: i64 = rest[..digits].parse().unwrap_or(0);
        rest = &rest[digits..];
        out.push_str(&if epoch { (start + offset).to_string() } else { absolute(start + offset) });
    }
    out + rest
}

/// Times relative to `start`, the random `server-duid` and made-up host names masked, the author's name left as it is.
pub fn normalise(text: &str, start: i64) -> Vec<String> {
    text.lines().map(|line| normalise_line(line, start)).collect()
}

fn normalise_line(line: &str, start: i64) -> String {
    if line.starts_with("server-duid ") {
        return "server-duid DUID;".into();
    }
    let words: Vec<&str> = line.split(' ').collect();
    for at in 0..words.len() {
        if let Some(found) = parse_date(&words[at..]) {
            let mut out: Vec<String> = words[..at].iter().map(ToString::to_string).collect();
            let tail = words[at + 2].get(8..).unwrap_or("");
            let when =
                if found == NEVER - 1 { "a second before never".into() } else { relative(found - start) };
            out.push(format!("{when}{tail}"));
            out.extend(words[at + 3..].iter().map(ToString::to_string));
            return out.join(" ");
        }
        if words[at] == "epoch"
            && words.len() > at + 1
            && let Ok(seconds) = words[at + 1].trim_end_matches(';').parse::<i64>()
        {
            return format!("{}epoch {};", words[..at].join(" ") + " ", relative(seconds - start));
        }
    }
    mask_made_up(line)
}

fn parse_date(words: &[&str]) -> Option<i64> {
    let [day, date, time, ..] = words else { return None };
    if day.len() != 1 || !day.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let date: Vec<u32> = date.split('/').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let time: Vec<u32> = time.get(..8)?.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let ([year, month, day], [hour, minute, second]) = (&date[..], &time[..]) else { return None };
    let moment = NaiveDate::from_ymd_opt(i32::try_from(*year).ok()?, *month, *day)?
        .and_hms_opt(*hour, *minute, *second)?;
    Some(moment.and_utc().timestamp())
}

/// Names that the server made up, of hosts (`nh6a…`) and groups (`ng6a…`): the time in hex.
pub fn mask_made_up(text: &str) -> String {
    static NAME: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\b(n[hg])[0-9a-f]{12,}\b").expect("a fixed pattern"));
    NAME.replace_all(text, "${1}TIME").into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_infinite_lease_is_told_as_what_is_left_of_it() {
        let line = |seconds: i64| format!("  option 51 {seconds}");
        assert_eq!(until_never(line(NEVER - 1_700_000_000), 1_700_000_000), "  option 51 until never");
        assert_eq!(until_never(line(5), 1_700_000_001), line(5));
        assert_eq!(
            until_never(line(NEVER - 1_700_000_000), 1_699_999_999),
            "  option 51 until a second before never"
        );
        assert_eq!(
            until_never("  option 1 255.0.0.0 [ff000000]".into(), 5),
            "  option 1 255.0.0.0 [ff000000]"
        );
    }

    #[test]
    fn dates_become_relative_and_back() {
        let text = expand("  starts @T-100;\n  ends @T+5;\n  tstp epoch @epoch+7; # x", 1_700_000_000);
        assert!(text.starts_with("  starts 2 2023/11/14 22:11:40;"), "{text}");
        assert_eq!(normalise(&text, 1_700_000_000), ["  starts T-100;", "  ends T+5;", "  tstp epoch T+7;"]);
    }
}
