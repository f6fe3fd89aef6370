//! Dates of the lease file: `4 2026/02/12 11:00:00`, `epoch 1770894000`, `never`.

use super::number::atoi;
use crate::clock::{NEVER, Wall};
use crate::syntax::cursor::Cursor;
use crate::syntax::keyword::Keyword;
use crate::syntax::token::Kind;

/// A date and the semicolon behind it. 0 after an error, which has been reported.
pub fn date(cursor: &mut Cursor) -> Wall {
    let when = date_without_semicolon(cursor);
    if cursor.semicolon() { when } else { 0 }
}

/// A date. 0 after an error, which has been reported.
pub fn date_without_semicolon(cursor: &mut Cursor) -> Wall {
    match cursor.peek() {
        Kind::Keyword(Keyword::Never) => {
            cursor.next();
            NEVER
        }
        Kind::Keyword(Keyword::Epoch) => {
            cursor.next();
            Wall::from(number(cursor, "Seconds since epoch expected.").unwrap_or(0))
        }
        // Looked at once: a zero octet is no token the second time.
        kind => civil(cursor, kind).unwrap_or(0),
    }
}

/// The token wanted next is missing: ISC takes it all the same, unless it ends the statement.
fn miss(cursor: &mut Cursor, message: &str) {
    if !cursor.peek().is(';') {
        cursor.next();
    }
    cursor.warn(message);
}

fn number(cursor: &mut Cursor, otherwise: &str) -> Option<i32> {
    let kind = cursor.peek();
    number_at(cursor, kind, otherwise)
}

/// [`number`], the next token known.
fn number_at(cursor: &mut Cursor, kind: Kind, otherwise: &str) -> Option<i32> {
    if kind != Kind::Number {
        miss(cursor, otherwise);
        return None;
    }
    cursor.next();
    Some(atoi(cursor.word_octets()))
}

fn mark(cursor: &mut Cursor, character: char, otherwise: &str) -> Option<()> {
    if cursor.take(character) {
        return Some(());
    }
    miss(cursor, otherwise);
    None
}

fn civil(cursor: &mut Cursor, first: Kind) -> Option<Wall> {
    number_at(cursor, first, "numeric day of week expected.")?;
    let year = number(cursor, "numeric year expected.")?;
    let year = if year > 1900 { year - 1900 } else { year };
    mark(cursor, '/', "expected slash separating year from month.")?;
    let month = number(cursor, "numeric month expected.")?.wrapping_sub(1);
    mark(cursor, '/', "expected slash separating month from day.")?;
    let day = number(cursor, "numeric day of month expected.")?;
    let hour = number(cursor, "numeric hour expected.")?;
    mark(cursor, ':', "expected colon separating hour from minute.")?;
    let minute = number(cursor, "numeric minute expected.")?;
    mark(cursor, ':', "expected colon separating minute from second.")?;
    let second = number(cursor, "numeric second expected.")?;
    let offset = match cursor.peek() {
        Kind::Number => {
            cursor.next();
            atoi(cursor.word_octets())
        }
        Kind::Char(b';') => 0,
        _ => {
            miss(cursor, "Time zone offset or semicolon expected.");
            return None;
        }
    };
    if year >= 138 {
        return Some(NEVER);
    }
    Some(Wall::from(seconds([year, month, day, hour, minute, second, offset])))
}

/// Days of the year before each month but the first.
const DAYS_BEFORE: [i32; 11] = [31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

/// ISC's arithmetic in 32 bits: a leap year every four years (good until 2099), the offset is added, nothing is range-checked.
fn seconds([year, month, day, hour, minute, second, offset]: [i32; 7]) -> i32 {
    let add = i32::wrapping_add;
    let mul = i32::wrapping_mul;
    let before = match month {
        0 => 0,
        _ => usize::try_from(month - 1).ok().and_then(|index| DAYS_BEFORE.get(index)).copied().unwrap_or(0),
    };
    let leap = i32::from(month > 1 && (year.wrapping_sub(72) & 3) == 0);
    let mut days = add(mul(365, year.wrapping_sub(70)), year.wrapping_sub(69) / 4);
    days = add(add(add(days, before), leap), day.wrapping_sub(1));
    let minutes = add(mul(add(mul(days, 24), hour), 60), minute);
    add(add(mul(minutes, 60), second), offset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Line;
    use crate::syntax::source::{Source, SourceId};

    fn read(text: &str) -> (Wall, Vec<String>) {
        let mut lines = Vec::new();
        let mut report = |line: Line| lines.push(line.text);
        let mut cursor = Cursor::new(Source::new("F", text.as_bytes(), SourceId(0)), &mut report);
        let when = date(&mut cursor);
        (when, lines)
    }

    #[test]
    fn the_three_forms() {
        assert_eq!(read("4 2026/02/12 11:00:00;"), (1_770_894_000, vec![]));
        assert_eq!(read("4 2026/02/12 11:00:00 60;").0, 1_770_894_060);
        assert_eq!(read("4 2024/03/01 00:00:00;").0, 1_709_251_200);
        assert_eq!(read("epoch 1770894000; # c").0, 1_770_894_000);
        assert_eq!(read("never;").0, NEVER);
        assert_eq!(read("2 2038/01/19 00:00:00;").0, NEVER);
    }

    #[test]
    fn what_is_missing_is_named() {
        // Recorded from `dhcpd -T`.
        let (when, lines) = read("4 2026/02/12 11:00:00 UTC;");
        assert_eq!((when, lines[0].as_str()), (0, "F line 1: Time zone offset or semicolon expected."));
        assert_eq!(read("4 2026-02-12;").1[0], "F line 1: numeric year expected.");
    }
}
