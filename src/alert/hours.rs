//! When a receiver may be reached, and how much working time has passed for it.
//!
//! Place in the flow: routing asks when a message may leave, the ladder when its next step is due.
//! Invariant: a wait ends: where no hours open within two months, the message goes at once.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use crate::config::calendar::{Calendar, DayHours};
use crate::config::routes::Hours;

/// Days that are searched for open hours: longer than any holidays.
const DAYS_MAX: usize = 62;

/// The first instant at or after `at` that lies within `hours`, in the civil time of `zone`.
#[must_use]
pub fn next_open(hours: Hours, calendar: &Calendar, zone: &TimeZone, at: Timestamp) -> Timestamp {
    let windows = windows(hours, calendar, zone, at);
    windows
        .into_iter()
        .flatten()
        .find(|(_, until)| *until > at)
        .map_or(at, |(from, _)| from.max(at))
}

/// The instant at which `wait` of open time has passed since `from`.
#[must_use]
pub fn after_open(
    hours: Hours,
    calendar: &Calendar,
    zone: &TimeZone,
    from: Timestamp,
    wait: SignedDuration,
) -> Timestamp {
    let plain = from.saturating_add(wait).unwrap_or(Timestamp::MAX);
    let Some(windows) = windows(hours, calendar, zone, from) else { return plain };
    let mut left = wait;
    for (opens, closes) in windows {
        let opens = opens.max(from);
        let open = closes.duration_since(opens);
        if open <= SignedDuration::ZERO {
            continue;
        }
        if left <= open {
            return opens.saturating_add(left).unwrap_or(Timestamp::MAX);
        }
        left -= open;
    }
    plain
}

/// Open windows around and after `at`, in order; `None` if it is always open.
fn windows(
    hours: Hours,
    calendar: &Calendar,
    zone: &TimeZone,
    at: Timestamp,
) -> Option<Vec<(Timestamp, Timestamp)>> {
    let of_day = |date| match hours {
        Hours::Always => None,
        Hours::Work => calendar.hours_of(date),
        Hours::Daily(hours) => Some(hours),
    };
    if hours == Hours::Always {
        return None;
    }
    let today = at.to_zoned(zone.clone()).date();
    let first = today.yesterday().unwrap_or(today);
    let instant = |civil: DateTime| zone.to_ambiguous_zoned(civil).compatible().ok();
    let window = |date: jiff::civil::Date| {
        let DayHours { from, until } = of_day(date)?;
        let ends = if until > from { date } else { date.checked_add(1.day()).ok()? };
        let (from, until) = (date.to_datetime(from), ends.to_datetime(until));
        Some((instant(from)?.timestamp(), instant(until)?.timestamp()))
    };
    Some(first.series(1.day()).take(DAYS_MAX).filter_map(window).collect())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn zone() -> TimeZone {
        TimeZone::get("Asia/Irkutsk").expect("a known zone")
    }

    fn calendar() -> Calendar {
        let source = include_str!("../../config/calendar.toml");
        Calendar::parse(Path::new("calendar.toml"), source).expect("a good file")
    }

    fn local(text: &str) -> Timestamp {
        let civil: DateTime = text.parse().expect("a civil time");
        civil.to_zoned(zone()).expect("a local time").timestamp()
    }

    fn night() -> Hours {
        Hours::Daily(DayHours::parse("20:00-08:00").expect("hours"))
    }

    #[test]
    fn a_message_waits_for_open_hours() {
        for (hours, at, expected) in [
            (Hours::Always, "2026-11-21T03:00", "2026-11-21T03:00"),
            // Saturday night: Monday morning.
            (Hours::Work, "2026-11-21T03:00", "2026-11-23T08:30"),
            (Hours::Work, "2026-11-20T16:29", "2026-11-20T16:29"),
            (Hours::Work, "2026-11-20T16:30", "2026-11-23T08:30"),
            // Sagaalgan is a Wednesday off.
            (Hours::Work, "2026-02-17T18:00", "2026-02-19T08:30"),
            (night(), "2026-11-21T12:00", "2026-11-21T20:00"),
            (night(), "2026-11-21T03:00", "2026-11-21T03:00"),
            (night(), "2026-11-21T08:00", "2026-11-21T20:00"),
        ] {
            let open = next_open(hours, &calendar(), &zone(), local(at));
            assert_eq!(open, local(expected), "{hours:?} {at}");
        }
    }

    #[test]
    fn only_open_time_counts() {
        for (hours, from, minutes, expected) in [
            (Hours::Always, "2026-11-20T16:00", 90, "2026-11-20T17:30"),
            (Hours::Work, "2026-11-20T16:00", 30, "2026-11-20T16:30"),
            (Hours::Work, "2026-11-20T16:00", 90, "2026-11-23T09:30"),
            (Hours::Work, "2026-11-21T12:00", 60, "2026-11-23T09:30"),
            // Two whole working days of nine hours.
            (Hours::Work, "2026-11-16T08:30", 18 * 60 + 1, "2026-11-18T08:31"),
            (night(), "2026-11-21T07:00", 120, "2026-11-21T21:00"),
        ] {
            let wait = SignedDuration::from_mins(minutes);
            let due = after_open(hours, &calendar(), &zone(), local(from), wait);
            assert_eq!(due, local(expected), "{hours:?} {from} {minutes}");
        }
    }
}
