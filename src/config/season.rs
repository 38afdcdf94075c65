//! A part of the year, written as people say it: `09-15..05-15`.
//!
//! Place in the flow: packs name their season with it, `risk.toml` its frost. Invariant: both ends
//! belong to the season; an end before the start means that the season runs over New Year.

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, de::Error};

/// Days of the year from `from` to `to`, both included, each as (month, day).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Season {
    from: (i8, i8),
    to: (i8, i8),
}

impl Season {
    /// Reads `MM-DD..MM-DD`; the error says in Russian what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("сезон «{text}» не понятен: нужно так: \"09-15..05-15\" (месяц-день)");
        let (from, to) = text.split_once("..").ok_or_else(wrong)?;
        let from = month_day(from).ok_or_else(wrong)?;
        let to = month_day(to).ok_or_else(wrong)?;
        Ok(Self { from, to })
    }

    /// Whether `date` lies in the season.
    #[must_use]
    pub fn contains(self, date: Date) -> bool {
        let day = (date.month(), date.day());
        if self.from <= self.to {
            self.from <= day && day <= self.to
        } else {
            day >= self.from || day <= self.to
        }
    }
}

/// `09-15` as (9, 15); 29 February counts as a day.
fn month_day(text: &str) -> Option<(i8, i8)> {
    let (month, day) = text.trim().split_once('-')?;
    let (month, day) = (month.parse().ok()?, day.parse().ok()?);
    // 2024 is a leap year: every day that some year has is accepted.
    Date::new(2024, month, day).ok().map(|_| (month, day))
}

impl<'de> Deserialize<'de> for Season {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_season_may_run_over_new_year() {
        let check = |season: &str, month, day, expected| {
            let season = Season::parse(season).unwrap();
            let date = Date::constant(2026, month, day);
            assert_eq!(season.contains(date), expected, "{season:?} {date}");
        };
        check("09-15..05-15", 1, 10, true);
        check("09-15..05-15", 9, 15, true);
        check("09-15..05-15", 5, 15, true);
        check("09-15..05-15", 7, 1, false);
        check("03-15..09-30", 6, 1, true);
        check("03-15..09-30", 12, 1, false);
    }

    #[test]
    fn nonsense_is_refused_with_an_example() {
        for text in ["", "зима", "09-15", "13-01..02-01", "02-30..03-01", "09-15..05-15..06-01"]
        {
            let error = Season::parse(text).unwrap_err();
            assert!(error.contains("09-15..05-15"), "{text}: {error}");
        }
        assert!(Season::parse("02-29..03-01").is_ok());
    }
}
