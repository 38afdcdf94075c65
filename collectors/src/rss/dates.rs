//! Dates as feeds write them: by the standards, in Russian, in Moscow time, in civil order.
//!
//! Place in the flow: the time parser handed to feed-rs. Invariant: a date that is not understood
//! is no date; nothing is guessed except the zone, which is Moscow's when none is written.

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::{Offset, TimeZone};
use regex::{Captures, Regex};

macro_rules! patterns {
    ($($name:ident = $pattern:literal;)*) => {
        $(static $name: LazyLock<Regex> =
            LazyLock::new(|| Regex::new($pattern).expect("a constant pattern is valid"));)*
    };
}

patterns! {
    ISO = r"\b(\d{4})-(\d{1,2})-(\d{1,2})";
    CIVIL = r"\b(\d{1,2})[./](\d{1,2})[./](\d{4}|\d{2})\b";
    WORDS = r"\b(\d{1,2})[\s-]+(\p{L}{3,})\.?[\s,-]+(\d{4}|\d{2})\b";
    WORD_FIRST = r"\b(\p{L}{3,})\.?\s+(\d{1,2}),?\s+(\d{4})\b";
    CLOCK = r"(?x) (\d{1,2}) : (\d{2}) (?: : (\d{2}) (?:[.,]\d+)? )?
        \s* (?: (\p{L}{1,5}) \b )? \s* ( [+-]\d{1,2} (?: :?\d{2} )? )?";
}

static MOSCOW: LazyLock<TimeZone> = LazyLock::new(|| {
    TimeZone::get("Europe/Moscow").unwrap_or_else(|_| Offset::constant(3).to_time_zone())
});

/// The first three letters of the months, English and Russian.
const MONTHS: [[&str; 3]; 12] = [
    ["jan", "янв", "янв"],
    ["feb", "фев", "фев"],
    ["mar", "мар", "мар"],
    ["apr", "апр", "апр"],
    ["may", "май", "мая"],
    ["jun", "июн", "июн"],
    ["jul", "июл", "июл"],
    ["aug", "авг", "авг"],
    ["sep", "сен", "сен"],
    ["oct", "окт", "окт"],
    ["nov", "ноя", "ноя"],
    ["dec", "дек", "дек"],
];

/// Zone names in use, in hours from UTC.
const ZONES: [(&str, i8); 20] = [
    ("z", 0),
    ("utc", 0),
    ("gmt", 0),
    ("ut", 0),
    ("msk", 3),
    ("мск", 3),
    ("msd", 4),
    ("samt", 4),
    ("yekt", 5),
    ("omst", 6),
    ("novt", 7),
    ("krat", 7),
    ("irkt", 8),
    ("yakt", 9),
    ("vlat", 10),
    ("magt", 11),
    ("pett", 12),
    ("est", -5),
    ("edt", -4),
    ("pst", -8),
];

/// The instant that `text` names, `None` if it names none.
pub fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let (date, rest) = date(text)?;
    let Some(clock) = CLOCK.captures(&rest) else {
        return instant(date, Time::midnight(), None);
    };
    let number = |i| clock.get(i).map_or(Some(0), |m| m.as_str().parse::<i8>().ok());
    // Midnight is sometimes written 24:00 without moving the day.
    let hour = number(1).map(|hour| if hour == 24 { 0 } else { hour })?;
    let time = Time::new(hour, number(2)?, number(3)?.min(59), 0).ok()?;
    instant(date, time, offset(&clock))
}

/// The same for feed-rs, which speaks chrono.
pub fn parse_chrono(text: &str) -> Option<chrono::DateTime<chrono::Utc>> {
    chrono::DateTime::from_timestamp(parse(text)?.as_second(), 0)
}

fn instant(date: Date, time: Time, offset: Option<Offset>) -> Option<Timestamp> {
    let civil = date.to_datetime(time);
    match offset {
        Some(offset) => offset.to_timestamp(civil).ok(),
        None => MOSCOW.to_ambiguous_timestamp(civil).compatible().ok(),
    }
}

/// The date in `text`, and `text` without it.
fn date(text: &str) -> Option<(Date, String)> {
    let found = |pattern: &Regex, order: [usize; 3]| {
        let captures = pattern.captures(text)?;
        let part = |i: usize| captures.get(order[i]).map(|m| m.as_str());
        let date = Date::new(year(part(0)?)?, month(part(1)?)?, part(2)?.parse().ok()?).ok()?;
        let whole = captures.get(0)?.range();
        Some((date, format!("{} {}", &text[..whole.start], &text[whole.end..])))
    };
    found(&ISO, [1, 2, 3])
        .or_else(|| found(&CIVIL, [3, 2, 1]))
        .or_else(|| found(&WORDS, [3, 2, 1]))
        .or_else(|| found(&WORD_FIRST, [3, 1, 2]))
}

fn year(text: &str) -> Option<i16> {
    let year: i16 = text.parse().ok()?;
    Some(if text.len() == 2 { 2000 + year } else { year })
}

fn month(text: &str) -> Option<i8> {
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let lower = text.to_lowercase();
    let index = MONTHS.iter().position(|names| names.iter().any(|n| lower.starts_with(n)))?;
    i8::try_from(index + 1).ok()
}

/// `MSK`, `+0300`, `+03:00`, `UTC+8`, `МСК+5`: hours of the name and of the number together.
fn offset(clock: &Captures<'_>) -> Option<Offset> {
    let name = clock.get(4).map(|m| m.as_str().to_lowercase());
    let named = name.and_then(|name| ZONES.iter().find(|(zone, _)| *zone == name));
    let shift = clock.get(5).map(|m| m.as_str());
    if named.is_none() && shift.is_none() {
        return None;
    }
    let mut seconds = named.map_or(0, |(_, hours)| i32::from(*hours) * 3600);
    if let Some(shift) = shift {
        let digits: String = shift.chars().filter(char::is_ascii_digit).collect();
        let (hours, minutes) =
            digits.split_at(if digits.len() > 2 { digits.len() - 2 } else { digits.len() });
        let size = hours.parse::<i32>().ok()? * 3600 + minutes.parse::<i32>().unwrap_or(0) * 60;
        seconds += if shift.starts_with('-') { -size } else { size };
    }
    Offset::from_seconds(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_feeds_are_understood() {
        let check = |text: &str, expected: &str| {
            let expected: Timestamp = expected.parse().unwrap();
            assert_eq!(parse(text), Some(expected), "{text:?}");
        };
        check("Mon, 06 Sep 2021 10:00:00 +0300", "2021-09-06T07:00:00Z");
        check("Mon, 06 Sep 2021 10:00:00 GMT", "2021-09-06T10:00:00Z");
        check("Monday, 6 September 2021 10:00 UTC", "2021-09-06T10:00:00Z");
        check("06 Sep 21 10:00:00 -0000", "2021-09-06T10:00:00Z");
        check("Mon, 6 Sep 2021 10:00:00 MSK", "2021-09-06T07:00:00Z");
        check("Mon, 6 Sep 2021 10:00:00 IRKT", "2021-09-06T02:00:00Z");
        check("Пн, 06 сен 2021 10:00:00 +0800", "2021-09-06T02:00:00Z");
        check("6 сентября 2021 г., 10:00", "2021-09-06T07:00:00Z");
        check("1 мая 2021 00:30 МСК+5", "2021-04-30T16:30:00Z");
        check("2021-09-06T10:00:00+03:00", "2021-09-06T07:00:00Z");
        check("2021-09-06T10:00:00.123Z", "2021-09-06T10:00:00Z");
        check("2021-09-06T10:00:00", "2021-09-06T07:00:00Z");
        check("2021-09-06 10:00:00", "2021-09-06T07:00:00Z");
        check("2021-09-06", "2021-09-05T21:00:00Z");
        check("06.09.2021 10:00", "2021-09-06T07:00:00Z");
        check("06.09.2021", "2021-09-05T21:00:00Z");
        check("10:00, 06.09.2021", "2021-09-06T07:00:00Z");
        check("September 6, 2021 10:00 UTC+8", "2021-09-06T02:00:00Z");
        check("  Mon,  06 Sep 2021   9:05:00  +0300 ", "2021-09-06T06:05:00Z");
        check("Mon, 06 Sep 2021 24:00:00 +0000", "2021-09-06T00:00:00Z");
        // Moscow kept summer time until 2011.
        check("06.07.2009 10:00", "2009-07-06T06:00:00Z");
    }

    #[test]
    fn what_is_no_date_stays_none() {
        for text in ["", "вчера", "10:00", "31.02.2021 10:00", "99.99.2021", "2021", "6 foo 2021"]
        {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
