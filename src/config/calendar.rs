//! `calendar.toml`: when people work.
//!
//! Place in the flow: read at start and when the file changes; receivers with working hours and the
//! ladder of reminders count by it. Invariants: Saturdays, Sundays and the public holidays of the
//! Labour Code's article 112 are days off without a file; what a year's table names wins; hours
//! always open on some day, so that a wait for them ends.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::civil::{Date, Time, Weekday};
use serde::Deserialize;
use toml::Spanned;

use super::fault::{Fault, parse_toml};

/// Public holidays of article 112 as (month, first day, last day).
const HOLIDAYS: [(i8, i8, i8); 7] =
    [(1, 1, 8), (2, 23, 23), (3, 8, 8), (5, 1, 1), (5, 9, 9), (6, 12, 12), (11, 4, 4)];

/// Most days that one span of days off may have.
const SPAN_DAYS_MAX: usize = 31;

/// A part of a day; `until` at or before `from` means that it ends on the next day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayHours {
    /// First moment.
    pub from: Time,
    /// First moment that does not belong to it.
    pub until: Time,
}

impl DayHours {
    /// Reads `08:30-17:30`. The error is the fix in Russian.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("часы «{}» не понятны: нужно так: \"08:30-17:30\"", text.trim());
        let (from, until) = text.split_once(['-', '–']).ok_or_else(wrong)?;
        let time = |text: &str| {
            let (hour, minute) = text.trim().split_once(':')?;
            Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
        };
        let (from, until) = time(from).zip(time(until)).ok_or_else(wrong)?;
        if from == until {
            return Err("начало и конец совпадают: круглые сутки пишутся \"always\"".to_owned());
        }
        Ok(Self { from, until })
    }
}

/// Days off and working hours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    /// Hours of a working day.
    pub hours: DayHours,
    /// Hours of a weekday that has its own.
    pub own_hours: BTreeMap<i8, DayHours>,
    /// Years that the file names, with what is odd in them.
    pub years: BTreeMap<i16, YearDays>,
}

/// What is odd in a year.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct YearDays {
    /// Days off beside weekends and public holidays.
    pub off: BTreeSet<Date>,
    /// Weekend days and holidays on which people work.
    pub working: BTreeSet<Date>,
}

impl Default for Calendar {
    fn default() -> Self {
        let hours =
            DayHours { from: Time::constant(8, 30, 0, 0), until: Time::constant(17, 30, 0, 0) };
        Self { hours, own_hours: BTreeMap::new(), years: BTreeMap::new() }
    }
}

impl Calendar {
    /// Reads `source`, the content of `file`; all faults at once.
    pub fn parse(file: &Path, source: &str) -> Result<Self, Vec<Fault>> {
        let typed: CalendarFile = parse_toml(file, source).map_err(|fault| vec![fault])?;
        let mut faults = Vec::new();
        let mut fault = |at: usize, text: String, fix: &str| {
            faults.push(Fault::at(file, source, at, text, fix));
        };
        let mut calendar = Self::default();
        if let Some(hours) = &typed.work.hours {
            match day_hours(hours) {
                Ok(hours) => calendar.hours = hours,
                Err(text) => fault(hours.span().start, text, ""),
            }
        }
        for (day, typed) in typed.work.own() {
            let Some(typed) = typed else { continue };
            match day_hours(typed) {
                Ok(hours) => drop(calendar.own_hours.insert(day.to_monday_one_offset(), hours)),
                Err(text) => fault(typed.span().start, text, ""),
            }
        }
        for year in &typed.year {
            let number = *year.year.get_ref();
            let mut days = YearDays::default();
            for (list, into) in
                [(&year.days_off, &mut days.off), (&year.workdays, &mut days.working)]
            {
                for typed in list {
                    match span_of(typed.get_ref(), number) {
                        Ok(dates) => into.extend(dates),
                        Err(text) => fault(typed.span().start, text, DATES_FIX),
                    }
                }
            }
            if let Some(both) = days.off.intersection(&days.working).next() {
                let text = format!("день {both} назван и рабочим, и выходным");
                fault(year.year.span().start, text, "оставьте в одном списке");
            }
            if calendar.years.insert(number, days).is_some() {
                let text = format!("год {number} назван дважды");
                fault(year.year.span().start, text, "объедините списки");
            }
        }
        if faults.is_empty() { Ok(calendar) } else { Err(faults) }
    }

    /// Whether people work on `date`.
    #[must_use]
    pub fn is_workday(&self, date: Date) -> bool {
        let days = self.years.get(&date.year());
        if days.is_some_and(|days| days.working.contains(&date)) {
            return true;
        }
        let weekend = matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
        let holiday = HOLIDAYS.iter().any(|(month, first, last)| {
            date.month() == *month && (*first..=*last).contains(&date.day())
        });
        !weekend && !holiday && !days.is_some_and(|days| days.off.contains(&date))
    }

    /// Hours of a working day with this date; `None` for a day off.
    #[must_use]
    pub fn hours_of(&self, date: Date) -> Option<DayHours> {
        let own = self.own_hours.get(&date.weekday().to_monday_one_offset());
        self.is_workday(date).then(|| own.copied().unwrap_or(self.hours))
    }

    /// In December, the year that the file says nothing of yet.
    #[must_use]
    pub fn lacks(&self, today: Date) -> Option<i16> {
        let next = today.year() + 1;
        (today.month() == 12 && !self.years.contains_key(&next)).then_some(next)
    }
}

const DATES_FIX: &str = "дата \"2026-02-18\" или промежуток \"2026-01-01..2026-01-11\"";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CalendarFile {
    #[serde(default)]
    work: WorkTable,
    #[serde(default)]
    year: Vec<YearTable>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct WorkTable {
    hours: Option<Spanned<String>>,
    monday: Option<Spanned<String>>,
    tuesday: Option<Spanned<String>>,
    wednesday: Option<Spanned<String>>,
    thursday: Option<Spanned<String>>,
    friday: Option<Spanned<String>>,
}

impl WorkTable {
    fn own(&self) -> [(Weekday, Option<&Spanned<String>>); 5] {
        [
            (Weekday::Monday, self.monday.as_ref()),
            (Weekday::Tuesday, self.tuesday.as_ref()),
            (Weekday::Wednesday, self.wednesday.as_ref()),
            (Weekday::Thursday, self.thursday.as_ref()),
            (Weekday::Friday, self.friday.as_ref()),
        ]
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct YearTable {
    year: Spanned<i16>,
    #[serde(default)]
    days_off: Vec<Spanned<String>>,
    #[serde(default)]
    workdays: Vec<Spanned<String>>,
}

/// Working hours lie within one day.
fn day_hours(typed: &Spanned<String>) -> Result<DayHours, String> {
    let hours = DayHours::parse(typed.get_ref())?;
    if hours.until < hours.from {
        return Err("рабочее время кончается раньше, чем начинается".to_owned());
    }
    Ok(hours)
}

/// The dates of `2026-02-18` or `2026-01-01..2026-01-11`, all of `year`.
fn span_of(text: &str, year: i16) -> Result<Vec<Date>, String> {
    let wrong = || format!("дата «{}» не понятна", text.trim());
    let date = |text: &str| text.trim().parse::<Date>().map_err(|_| wrong());
    let (from, to) = match text.split_once("..") {
        Some((from, to)) => (date(from)?, date(to)?),
        None => (date(text)?, date(text)?),
    };
    if from.year() != year || to.year() != year {
        return Err(format!("день не из года {year}"));
    }
    let dates: Vec<Date> =
        from.series(jiff::Span::new().days(1)).take_while(|day| *day <= to).collect();
    match dates.len() {
        0 => Err("конец промежутка раньше начала".to_owned()),
        days if days > SPAN_DAYS_MAX => Err(format!("промежуток длиннее {SPAN_DAYS_MAX} дней")),
        _ => Ok(dates),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(source: &str) -> Result<Calendar, Vec<String>> {
        Calendar::parse(Path::new("calendar.toml"), source)
            .map_err(|faults| faults.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn weekends_holidays_and_what_a_year_names() {
        let calendar = read(
            "[work]\nhours = \"09:00-18:00\"\nfriday = \"09:00-17:00\"\n[[year]]\nyear = 2026\n\
             days_off = [\"2026-02-18\", \"2026-12-28..2026-12-31\"]\nworkdays = [\"2026-02-21\"]\n",
        )
        .expect("a good file");
        for (date, works) in [
            ("2026-02-17", true),
            ("2026-02-18", false),
            ("2026-02-21", true),
            ("2026-02-22", false),
            ("2026-02-23", false),
            ("2026-12-30", false),
            ("2027-01-08", false),
            ("2027-01-11", true),
        ] {
            assert_eq!(calendar.is_workday(date.parse().unwrap()), works, "{date}");
        }
        let until = |date: &str| calendar.hours_of(date.parse().unwrap()).map(|it| it.until);
        assert_eq!(until("2026-02-20"), Some(Time::constant(17, 0, 0, 0)));
        assert_eq!(until("2026-02-19"), Some(Time::constant(18, 0, 0, 0)));
        assert_eq!(until("2026-02-18"), None);
        assert_eq!(calendar.lacks("2026-11-30".parse().unwrap()), None);
        assert_eq!(calendar.lacks("2026-12-01".parse().unwrap()), Some(2027));
        assert_eq!(calendar.lacks("2025-12-01".parse().unwrap()), None);
    }

    #[test]
    fn faults_name_their_place() {
        for (source, expected) in [
            ("[work]\nhours = \"9-18\"\n", "calendar.toml:2:9: часы «9-18» не понятны"),
            ("[work]\nfriday = \"17:00-09:00\"\n", "calendar.toml:2:10: рабочее время кончается"),
            ("[work]\nhours = \"09:00-09:00\"\n", "calendar.toml:2:9: начало и конец совпадают"),
            ("[[year]]\nyear = 2026\ndays_off = [\"18.02\"]\n", "calendar.toml:3:13: дата «18.02»"),
            (
                "[[year]]\nyear = 2026\ndays_off = [\"2027-02-18\"]\n",
                "calendar.toml:3:13: день не из",
            ),
            (
                "[[year]]\nyear = 2026\ndays_off = [\"2026-05-02..2026-05-01\"]\n",
                "calendar.toml:3:13: конец промежутка раньше",
            ),
            (
                "[[year]]\nyear = 2026\ndays_off = [\"2026-05-02\"]\nworkdays = [\"2026-05-02\"]\n",
                "calendar.toml:2:8: день 2026-05-02 назван и рабочим",
            ),
            (
                "[[year]]\nyear = 2026\n[[year]]\nyear = 2026\n",
                "calendar.toml:4:8: год 2026 назван",
            ),
        ] {
            let faults = read(source).expect_err(source);
            assert!(faults[0].starts_with(expected), "{faults:?}");
        }
    }

    #[test]
    fn the_shipped_file_is_good() {
        let shipped = read(include_str!("../../config/calendar.toml")).expect("good");
        assert!(shipped.years.contains_key(&2026));
    }
}
