//! What a topic, a place, a cell of both or the whole district remembers of its posts.
//!
//! Place in the flow: under `usual`; the pipeline stores the values as they are. Invariants: a
//! memory has a bound, so a post costs the same after ten years; it holds counts and times, no post
//! and no person; what is read back is to the last bit what was written.

use jiff::civil::{Date, DateTime};
use serde::{Deserialize, Serialize};

/// Days after which a post counts half.
pub const HALF_LIFE_DAYS: f64 = 180.0;

/// The same for what a topic has done lately.
const LATELY_HALF_LIFE_DAYS: f64 = 7.0;

/// Days kept one by one.
pub(super) const DAYS: usize = 7;

/// Posts whose time is kept.
const MARKS_MAX: usize = 16;

/// Counts of one cell, one topic, one place or the district. Vectors are empty where nobody asks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// Day of the first of `counts`, as days since 1970.
    pub day: i32,
    /// Posts of that day and of the days before it, without reactions.
    pub counts: [u32; DAYS],
    /// Posts before those days, bursts cut, fading.
    pub sum: f64,
    /// Posts before those days and what was expected, both fading fast; topics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lately: Option<[f64; 2]>,
    /// Fading posts by weekday from Monday; the district.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weekdays: Vec<f64>,
    /// Fading posts by quarter of the day; the district.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quarters: Vec<f64>,
    /// Posts by month of past years, from January; topics. Days observed; the district.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub months: Vec<f64>,
    /// The same of the year under way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub year: Vec<f64>,
    /// Days observed, fading; the district.
    #[serde(default)]
    pub observed: f64,
    /// First day observed; the district.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<i32>,
    /// Posts outside bursts, and reactions to them; the district.
    #[serde(default)]
    pub told: [u32; 2],
    /// Minutes since 1970 of the latest posts, oldest first; cells.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub posts: Vec<i64>,
    /// The same of the latest reactions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reactions: Vec<i64>,
    /// Minutes since 1970 of the last post that was a burst; cells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<i64>,
}

/// What a history is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    District,
    Topic,
    Place,
    Cell,
}

impl History {
    /// Nothing yet, from this day on.
    pub(super) fn new(kind: Kind, day: i32) -> Self {
        let zeros =
            |wanted: bool, length: usize| if wanted { vec![0.0; length] } else { Vec::new() };
        let district = kind == Kind::District;
        let months = district || kind == Kind::Topic;
        Self {
            day,
            lately: (kind == Kind::Topic).then_some([0.0; 2]),
            weekdays: zeros(district, DAYS),
            quarters: zeros(district, 4),
            months: zeros(months, 12),
            year: zeros(months, 12),
            since: district.then_some(day),
            ..Self::default()
        }
    }

    /// Moves on by one day: the oldest day kept enters the history with at most `most` posts;
    /// `expected` were expected on it.
    pub(super) fn end_day(&mut self, expected: f64, most: u32) {
        let oldest = self.day - 6;
        let count = f64::from(self.counts[DAYS - 1].min(most));
        let observed = self.since.is_none_or(|since| oldest >= since);
        let fade = 0.5_f64.powf(1.0 / HALF_LIFE_DAYS);
        self.sum = kept(self.sum * fade + count);
        if let Some([posts, usual]) = &mut self.lately {
            let fast = 0.5_f64.powf(1.0 / LATELY_HALF_LIFE_DAYS);
            *posts = kept(*posts * fast + count);
            *usual = kept(*usual * fast + expected);
        }
        for (at, sum) in self.weekdays.iter_mut().enumerate() {
            *sum = kept(*sum * fade + if at == weekday(oldest) { count } else { 0.0 });
        }
        for sum in &mut self.quarters {
            *sum = kept(*sum * fade);
        }
        if self.since.is_some() && observed {
            self.observed = kept(self.observed * fade + 1.0);
        }
        let date = date_of(oldest);
        if date.month() == 1 && date.day() == 1 {
            for (past, year) in self.months.iter_mut().zip(&mut self.year) {
                *past += std::mem::take(year);
            }
        }
        let seen = if self.since.is_some() { f64::from(u8::from(observed)) } else { count };
        if let Some(sum) = self.year.get_mut(month(oldest)) {
            *sum += seen;
        }
        self.counts.rotate_right(1);
        self.counts[0] = 0;
        self.day += 1;
    }

    /// Remembers when a post or a reaction was published.
    pub(super) fn remember(&mut self, minute: i64, reaction: bool) {
        let marks = if reaction { &mut self.reactions } else { &mut self.posts };
        let at = marks.partition_point(|other| *other <= minute);
        marks.insert(at, minute);
        if marks.len() > MARKS_MAX {
            marks.remove(0);
        }
    }

    /// Posts of the days that ended before `today`, known one by one or faded.
    pub(super) fn before(&self, today: i32) -> f64 {
        let current = usize::from(self.day >= today);
        self.sum + self.counts.iter().skip(current).map(|count| f64::from(*count)).sum::<f64>()
    }

    /// Posts of the day `today` so far.
    pub(super) fn on(&self, today: i32) -> f64 {
        if self.day >= today { f64::from(self.counts[0]) } else { 0.0 }
    }
}

/// A sum to six decimals: what is read back is to the last bit what was written.
pub(super) fn kept(sum: f64) -> f64 {
    (sum * 1e6).round() / 1e6
}

/// Days since 1970 of a date.
pub(super) fn day_number(date: Date) -> i32 {
    let since = date.since((jiff::Unit::Day, jiff::civil::date(1970, 1, 1)));
    since.map_or(0, |span| span.get_days())
}

/// Minutes since 1970 of a civil time.
pub(super) fn minute_number(at: DateTime) -> i64 {
    let inside = i64::from(at.hour()) * 60 + i64::from(at.minute());
    i64::from(day_number(at.date())) * DAY_MINUTES + inside
}

/// Minutes of a day.
pub(super) const DAY_MINUTES: i64 = 1_440;

fn date_of(day: i32) -> Date {
    let start = jiff::civil::date(1970, 1, 1);
    start.checked_add(jiff::Span::new().days(day)).unwrap_or(start)
}

/// Weekday of a day, from Monday.
pub(super) fn weekday(day: i32) -> usize {
    // 1 January 1970 was a Thursday.
    usize::try_from((day + 3).rem_euclid(7)).unwrap_or(0)
}

/// Month of a day, from January.
pub(super) fn month(day: i32) -> usize {
    usize::try_from(date_of(day).month() - 1).unwrap_or(0)
}
