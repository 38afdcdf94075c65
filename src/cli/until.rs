//! Instants as people type them after `--until`, `--from` and `--to`.
//!
//! Place in the flow: between the command line and a command. Invariant: the zone is the
//! district's; a text that can be read in two ways is refused with examples.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use crate::config::duration;

use super::{Failure, Result};

/// `6h`, `3d`, `18:00`, `14.03.2026`, `14.03.2026 18:00`, `2026-03-14T18:00`, or an instant with
/// its zone. A time alone is the next such time; a day alone ends with it.
pub fn instant(text: &str, zone: &TimeZone, now: Timestamp) -> Result<Timestamp> {
    let text = text.trim();
    if let Ok(secs) = duration::parse(text) {
        return Ok(now.saturating_add(SignedDuration::from_secs(secs)).unwrap_or(Timestamp::MAX));
    }
    if let Ok(exact) = text.parse::<Timestamp>() {
        return Ok(exact);
    }
    let local = now.to_zoned(zone.clone()).datetime();
    civil(text, local)
        .and_then(|civil| civil.to_zoned(zone.clone()).ok())
        .map(|zoned| zoned.timestamp())
        .ok_or_else(|| {
            Failure::usage(format!(
                "«{text}» не время: пишите 6h, 3d, 18:00, \"14.03.2026 18:00\" или 2026-03-14T18:00"
            ))
        })
}

/// Like [`instant`], but a time alone is today's, be it over: works that began in the morning are
/// entered at noon.
pub fn begin(text: &str, zone: &TimeZone, now: Timestamp) -> Result<Timestamp> {
    let today = now.to_zoned(zone.clone()).date();
    let typed = time(text.trim())
        .and_then(|time| today.at(time.hour(), time.minute(), 0, 0).to_zoned(zone.clone()).ok());
    typed.map_or_else(|| instant(text, zone, now), |begins| Ok(begins.timestamp()))
}

fn civil(text: &str, now: DateTime) -> Option<DateTime> {
    if let Some(time) = time(text) {
        let today = now.date().to_datetime(time);
        return if today > now { Some(today) } else { today.checked_add(1.day()).ok() };
    }
    let (day, rest) = text.split_once([' ', 'T']).unwrap_or((text, ""));
    let date = day.parse::<Date>().ok().or_else(|| russian(day))?;
    match rest.trim() {
        "" => Some(date.tomorrow().ok()?.to_datetime(Time::midnight())),
        rest => Some(date.to_datetime(time(rest)?)),
    }
}

fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
}

/// `14.03.2026`.
fn russian(text: &str) -> Option<Date> {
    let parts: Vec<&str> = text.split('.').collect();
    let [day, month, year] = parts[..] else { return None };
    Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_is_understood() {
        let zone = TimeZone::get("Asia/Irkutsk").expect("a zone");
        // 11:00 there.
        let now: Timestamp = "2026-03-14T03:00:00Z".parse().expect("an instant");
        let check = |text: &str, expected: Option<&str>| {
            let read = instant(text, &zone, now).ok().map(|at| at.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        };
        check("6h", Some("2026-03-14T09:00:00Z"));
        check("18:00", Some("2026-03-14T10:00:00Z"));
        let begins = |text: &str| begin(text, &zone, now).expect("read").to_string();
        assert_eq!(begins("10:00"), "2026-03-14T02:00:00Z", "it began an hour ago");
        assert_eq!(begins("15.03.2026 10:00"), "2026-03-15T02:00:00Z");
        check("10:00", Some("2026-03-15T02:00:00Z"));
        check("15.03.2026 18:30", Some("2026-03-15T10:30:00Z"));
        check("15.03.2026", Some("2026-03-15T16:00:00Z"));
        check("2026-03-15T18:30", Some("2026-03-15T10:30:00Z"));
        check("2026-03-15T18:30:00Z", Some("2026-03-15T18:30:00Z"));
        check("завтра", None);
        check("31.02.2026", None);
        check("25:00", None);
    }
}
