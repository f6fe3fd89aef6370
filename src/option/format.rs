//! What a format says about the length of a value, without looking at the value.

use super::enumeration::Enumeration;

/// Ends in text of any length: a client may have put a NUL behind it (RFC 2132 section 2), and a server may.
pub fn has_text(format: &str) -> bool {
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        match letter {
            't' | 'k' => return true,
            'A' | 'a' | 'X' | 'x' | 'D' | 'd' => return false,
            'E' | 'N' => letters.by_ref().take_while(|c| *c != '.').for_each(drop),
            _ => {}
        }
    }
    false
}

/// Octets before the first part of variable length; `usize::MAX` when the format makes no sense.
pub fn minimum_length(format: &str) -> usize {
    let mut length = 0usize;
    let mut last = 0;
    let mut rest = format;
    while let Some(letter) = rest.chars().next() {
        rest = rest.get(letter.len_utf8()..).unwrap_or_default();
        last = match letter {
            '6' => 16,
            'I' | 'l' | 'L' | 'T' => 4,
            's' | 'S' => 2,
            'b' | 'B' | 'F' | 'f' => 1,
            'N' => {
                let Some((name, after)) = rest.split_once('.') else { return usize::MAX };
                rest = after;
                match Enumeration::named(name) {
                    Some(found) => usize::from(found.width),
                    None => return usize::MAX,
                }
            }
            'o' => return length.saturating_sub(last),
            'e' | 'E' | 'd' | 'D' | 't' | 'X' | 'x' | 'A' | 'a' | 'Z' | 'k' => return length,
            _ => return usize::MAX,
        };
        length += last;
    }
    length
}

/// The value of a text option without the NULs a client put behind it.
pub fn without_nulls<'a>(format: &str, value: &'a [u8]) -> &'a [u8] {
    if value.last() != Some(&0) || !has_text(format) {
        return value;
    }
    let minimum = minimum_length(format);
    let kept = value.iter().rposition(|octet| *octet != 0).map_or(0, |last| last + 1);
    value.get(..kept.max(minimum).min(value.len())).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_of_the_ledger() {
        for (format, text, minimum) in [
            ("t", true, 0),
            ("fto", true, 1),
            ("Nstatus-codes.to", true, 2),
            ("IIA", false, 8),
            ("BX", false, 1),
            ("Dc", false, 0),
            ("Efqdn.", false, 0),
            ("BB6Ia", false, 22),
            ("o", false, 0),
        ] {
            assert_eq!((has_text(format), minimum_length(format)), (text, minimum), "{format}");
        }
        assert_eq!(without_nulls("t", b"abc\0\0"), b"abc");
        assert_eq!(without_nulls("t", b"\0"), b"");
        assert_eq!(without_nulls("fto", b"\0\0"), b"\0");
        assert_eq!(without_nulls("X", b"a\0"), b"a\0");
    }
}
