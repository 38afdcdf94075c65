//! Fixed times: cron on civil time, instants by the zone.
//!
//! Place in the flow: the daemon asks when a fixed job is due next. Invariant: the crate `cron` and
//! its date crate are named here only; a local time that a clock change skips runs right behind the
//! gap, one that happens twice runs once.

use std::str::FromStr;

use chrono::{DateTime as CronTime, Datelike, NaiveDate, Timelike, Utc};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// The first instant after `after` at which `schedule` (six cron fields, seconds first, or seven)
/// is due in `zone`. `None` for a schedule that cannot be read or never comes.
#[must_use]
pub fn next_after(schedule: &str, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
    let schedule = cron::Schedule::from_str(schedule).ok()?;
    let mut civil = after.to_zoned(zone.clone()).datetime();
    // One step back: where the clock was set back, the civil time of `after` comes twice.
    civil = civil.checked_sub(3.hours()).unwrap_or(civil);
    schedule.after(&to_cron(civil)?).take(10_000).find_map(|due| {
        let instant = zone.to_ambiguous_zoned(from_cron(&due)?).compatible().ok()?.timestamp();
        (instant > after).then_some(instant)
    })
}

fn to_cron(civil: DateTime) -> Option<CronTime<Utc>> {
    let whole = |n: i8| u32::try_from(n).ok();
    let date = NaiveDate::from_ymd_opt(
        i32::from(civil.year()),
        whole(civil.month())?,
        whole(civil.day())?,
    )?;
    let time =
        date.and_hms_opt(whole(civil.hour())?, whole(civil.minute())?, whole(civil.second())?)?;
    Some(time.and_utc())
}

fn from_cron(time: &CronTime<Utc>) -> Option<DateTime> {
    let small = |n: u32| i8::try_from(n).ok();
    DateTime::new(
        i16::try_from(time.year()).ok()?,
        small(time.month())?,
        small(time.day())?,
        small(time.hour())?,
        small(time.minute())?,
        small(time.second())?,
        0,
    )
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_times_in_the_zone_of_the_district() {
        for (schedule, zone, after, expected) in [
            ("0 0 9 * * Mon", "Asia/Irkutsk", "2026-11-22T00:00:00Z", "2026-11-23T01:00:00Z"),
            ("0 0 9 * * Mon", "Asia/Irkutsk", "2026-11-23T01:00:00Z", "2026-11-30T01:00:00Z"),
            ("0 30 3 * * *", "Asia/Irkutsk", "2026-11-22T19:29:59Z", "2026-11-22T19:30:00Z"),
            // 02:30 is skipped in Berlin on 29 March 2026 and comes right behind the gap.
            ("0 30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T01:30:00Z"),
            // 02:30 comes twice in Berlin on 25 October 2026 and counts once.
            ("0 30 2 * * *", "Europe/Berlin", "2026-10-25T00:29:59Z", "2026-10-25T00:30:00Z"),
            ("0 30 2 * * *", "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"),
        ] {
            let zone = TimeZone::get(zone).expect("a known zone");
            let after = after.parse().expect("an instant");
            let next = next_after(schedule, &zone, after).expect("it comes");
            assert_eq!(next.to_string(), expected, "{schedule}");
        }
        assert_eq!(next_after("nonsense", &TimeZone::UTC, Timestamp::UNIX_EPOCH), None);
    }

    #[test]
    fn every_local_day_has_one_run_in_every_zone() {
        for zone in ["Asia/Irkutsk", "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe"] {
            let zone = TimeZone::get(zone).expect("a known zone");
            let mut at: Timestamp = "2014-01-01T00:00:00Z".parse().expect("an instant");
            let mut day = None;
            for _ in 0..800 {
                let next = next_after("0 15 2 * * *", &zone, at).expect("it comes");
                assert!(next > at);
                let date = next.to_zoned(zone.clone()).date();
                if let Some(before) = day {
                    assert_eq!(date, before + 1.day(), "{zone:?}");
                }
                (at, day) = (next, Some(date));
            }
        }
    }
}
