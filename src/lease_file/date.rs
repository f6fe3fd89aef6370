//! Dates of the lease file. Reading here is for canonical dates only; the rest goes through the grammar.

use crate::clock::{NEVER, Wall};

const DAY: i64 = 86_400;

/// Days since 1970-01-01 of a day of the proleptic Gregorian calendar, and back: Howard Hinnant's algorithms, in the public
/// domain.
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// A moment taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    pub year: i64,
    /// 1 to 12
    pub month: u8,
    pub day: u8,
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
    /// 0 is Sunday.
    pub weekday: u8,
}

impl Civil {
    /// In UTC; add an offset to the seconds for anything else.
    pub fn from_seconds(seconds: i64) -> Civil {
        let (days, rest) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
        let z = days + 719_468;
        let of_era = z.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * of_year + 2) / 153;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        Civil {
            year: year_of_era + z.div_euclid(146_097) * 400 + i64::from(month <= 2),
            month: month as u8,
            day: (of_year - (153 * shifted + 2) / 5 + 1) as u8,
            hour: (rest / 3600) as u8,
            minute: (rest / 60 % 60) as u8,
            second: (rest % 60) as u8,
            weekday: (days + 4).rem_euclid(7) as u8,
        }
    }
}

fn digits(text: &[u8]) -> Option<i64> {
    text.iter().try_fold(0i64, |value, octet| match octet {
        b'0'..=b'9' => value.checked_mul(10)?.checked_add(i64::from(octet - b'0')),
        _ => None,
    })
}

/// A date as a server writes it, up to the line end: `4 2026/02/12 11:00:00;`, `epoch 1770894000; # ...` or `never;`.
/// Anything else, and what the two readers might see differently, is none.
pub(super) fn canonical(text: &[u8]) -> Option<Wall> {
    if text == b"never;" {
        return Some(NEVER);
    }
    if let Some(rest) = text.strip_prefix(b"epoch ") {
        let end = rest.iter().position(|&octet| octet == b';')?;
        let (number, comment) = rest.split_at_checked(end)?;
        let plain = |text: &[u8]| text.iter().all(|octet| matches!(octet, b' '..=b'~'));
        let ends_here = comment == b";" || comment.strip_prefix(b"; # ").is_some_and(plain);
        let fits =
            (1..10).contains(&number.len()) || number.len() == 10 && number <= b"2147483646".as_slice();
        return (ends_here && fits).then(|| digits(number))?;
    }
    let &[
        w,
        b' ',
        y1,
        y2,
        y3,
        y4,
        b'/',
        m1,
        m2,
        b'/',
        d1,
        d2,
        b' ',
        h1,
        h2,
        b':',
        n1,
        n2,
        b':',
        s1,
        s2,
        b';',
    ] = text
    else {
        return None;
    };
    digits(&[w])?;
    let (year, month, day) = (digits(&[y1, y2, y3, y4])?, digits(&[m1, m2])?, digits(&[d1, d2])?);
    let (hour, minute, second) = (digits(&[h1, h2])?, digits(&[n1, n2])?, digits(&[s1, s2])?);
    let fits = (1970..2038).contains(&year) && (1..=12).contains(&month) && hour < 24;
    if !fits || minute > 59 || second > 59 || !(1..=28).contains(&day) && !is_day(year, month, day) {
        return None;
    }
    Some(days_of(year, month, day) * DAY + hour * 3600 + minute * 60 + second)
}

fn is_day(year: i64, month: i64, day: i64) -> bool {
    let back = Civil::from_seconds(days_of(year, month, day) * DAY);
    (i64::from(back.month), i64::from(back.day)) == (month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_there_and_back() {
        assert_eq!(canonical(b"4 2026/02/12 11:00:00;"), Some(1_770_894_000));
        assert_eq!(canonical(b"epoch 1770894000; # Thu Feb 12 11:00:00 2026"), Some(1_770_894_000));
        assert_eq!(canonical(b"never;"), Some(NEVER));
        for other in [
            "4 2026/02/30 11:00:00;",
            "4 2026/2/12 11:00:00;",
            "4 2026/02/12 11:00:00 3600;",
            "epoch x;",
            "epoch 5; group",
            "epoch 5;# x",
            "epoch 5;  # x",
        ] {
            assert_eq!(canonical(other.as_bytes()), None, "{other}");
        }
        for seconds in (0..2_000_000_000).step_by(7_654_321) {
            let civil = Civil::from_seconds(seconds);
            let days = days_of(civil.year, civil.month.into(), civil.day.into());
            let second =
                i64::from(civil.hour) * 3600 + i64::from(civil.minute) * 60 + i64::from(civil.second);
            assert_eq!(days * DAY + second, seconds);
        }
        assert_eq!(Civil::from_seconds(1_770_894_000).weekday, 4);
    }
}
