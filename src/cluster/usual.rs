//! What is usual: expected counts of every topic in every place, and what is far above them.
//!
//! Place in the flow: the pipeline keeps one [`History`] a cell and asks [`Usual::observe`] for
//! each post that joined a problem; `alert` tells what it says. Works from the first day: what a
//! cell has not seen itself it takes from its topic, its place and the district.
//!
//! Expected counts (empirical Bayes, gamma-Poisson):
//! - the district's posts a day, its topics' and places' shares of them, each shrunk towards an
//!   even share, give a cell's prior mean `m`;
//! - with the cell's own posts `s` in `e` days (both fading with [`HALF_LIFE_DAYS`]) its daily rate
//!   is gamma with shape `κ + s` and mean `(κ + s) / (κ/m + e)`;
//! - weekday (of the district) and month (of the topic) multiply the rate; both shrink to 1;
//! - days differ beyond chance: a day's own gamma factor of variance [`DAY_VARIANCE`]. So a count
//!   is negative binomial with `1/size = 1/(κ + s) + DAY_VARIANCE`.
//!
//! The bound: a count over 1, 2 or 7 days is a burst if the chance of so many is at most `level`.
//! `level` is the largest for which the expected number of false bursts of the whole district in a
//! week, the sum over all cells, days and windows of the chance each test really has (counts are
//! whole numbers, so it is often far below `level`), stays within one budget.
//!
//! Past bursts count as what was barely usual then: a day enters the history with at most the count
//! that only one day in a hundred exceeds.
//!
//! Invariant: what is said about a post depends on the posts before it in their order alone.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::chance::{at_least, bound};

/// Days after which a post in the history counts half.
pub const HALF_LIFE_DAYS: f64 = 180.0;

/// Variance of a day's own factor.
pub const DAY_VARIANCE: f64 = 0.5;

/// Weight of the prior of a cell, in posts.
const PRIOR_POSTS: f64 = 1.0;

/// Posts that join problems in a district a day, before anything is known …
const DISTRICT_PRIOR: f64 = 6.0;

/// … and how many days of its own history weigh as much.
const DISTRICT_PRIOR_DAYS: f64 = 7.0;

/// Posts with which shares and factors are shrunk.
const SHRINK_POSTS: f64 = 20.0;

/// Share of days that a day may exceed before it is cut on its way into the history.
const CUT: f64 = 0.01;

/// False bursts a week that a whole district may have: one in four weeks. A duty that hears of a
/// false one more often stops listening; `benches/year.rs` shows what a larger budget would find.
pub const DISTRICT_BUDGET: f64 = 0.25;

/// Days of the windows that are tested.
const WINDOWS: [usize; 3] = [1, 2, 7];

/// Days kept one by one.
const DAYS: usize = 7;

/// Cell of everything: all topics or all places.
pub const ALL: &str = "*";

/// Topic and place of a cell; `""` is no place, [`ALL`] all of them.
pub type Cell = (String, String);

/// Counts of one cell, one topic, one place or the district.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// Day of the first of `counts`, as days since 1970.
    pub day: i32,
    /// Posts of that day and of the days before it.
    pub counts: [u32; DAYS],
    /// Posts before those days, bursts cut, fading.
    pub sum: f64,
    /// The same by weekday from Monday; the district only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weekdays: Vec<f64>,
    /// The same by month from January, not fading; topics only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub months: Vec<f64>,
    /// Days observed: all fading, then by month, not fading; the district only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub observed: Vec<f64>,
    /// The bound of the day, as chance; the district only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<f64>,
    /// Day of the last burst told by this cell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<i32>,
}

/// What is far above the usual.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Burst {
    /// Days of the window that shows it best.
    pub days: u32,
    /// Posts in them.
    pub count: u32,
    /// Posts expected in them.
    pub expected: f64,
    /// Chance of so many.
    pub chance: f64,
    /// The bound it stays under.
    pub level: f64,
}

/// What the bound is made for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UsualRules {
    /// False bursts a week that the whole district may have.
    pub budget: f64,
    /// Topics there are.
    pub topics: usize,
    /// Settlements there are.
    pub places: usize,
}

/// Histories at hand.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Usual {
    rows: BTreeMap<Cell, History>,
    touched: BTreeMap<Cell, ()>,
}

/// Days since 1970 of a date.
#[must_use]
pub fn day_number(date: Date) -> i32 {
    let since = date.since((jiff::Unit::Day, jiff::civil::date(1970, 1, 1)));
    since.map_or(0, |span| span.get_days())
}

fn date_of(day: i32) -> Date {
    jiff::civil::date(1970, 1, 1)
        .checked_add(jiff::Span::new().days(day))
        .unwrap_or(jiff::civil::date(1970, 1, 1))
}

fn weekday(day: i32) -> usize {
    // 1 January 1970 was a Thursday.
    usize::try_from((day + 3).rem_euclid(7)).unwrap_or(0)
}

fn month(day: i32) -> usize {
    usize::try_from(date_of(day).month() - 1).unwrap_or(0)
}

impl Usual {
    /// Rows that [`Usual::observe`] needs for a post of this cell.
    #[must_use]
    pub fn cells(topic: &str, place: &str) -> [Cell; 4] {
        let cell = |topic: &str, place: &str| (topic.to_owned(), place.to_owned());
        [cell(topic, place), cell(topic, ALL), cell(ALL, place), cell(ALL, ALL)]
    }

    /// Adds a stored row.
    pub fn load(&mut self, cell: Cell, history: History) {
        self.rows.insert(cell, history);
    }

    /// The day up to which the district has been observed.
    #[must_use]
    pub fn day(&self) -> Option<i32> {
        self.row(ALL, ALL).map(|row| row.day)
    }

    /// Rows that changed since they were loaded.
    pub fn changed(&self) -> impl Iterator<Item = (&Cell, &History)> {
        self.touched.keys().filter_map(|cell| self.rows.get_key_value(cell))
    }

    fn row(&self, topic: &str, place: &str) -> Option<&History> {
        self.rows.get(&(topic.to_owned(), place.to_owned()))
    }

    /// Counts one post of a cell on a day of the district's calendar, and says whether its cell is
    /// now far above the usual. Each cell says so once a week. All rows must be loaded when the day
    /// is a new one for the district; a post older than a week is not counted.
    pub fn observe(
        &mut self,
        topic: &str,
        place: &str,
        date: Date,
        rules: &UsualRules,
    ) -> Option<Burst> {
        let day = day_number(date);
        self.turn(day, rules);
        let today = self.day().unwrap_or(day);
        let ago = usize::try_from(today - day).ok().filter(|ago| *ago < DAYS)?;
        for cell in Self::cells(topic, place) {
            let at = self.caught_up(&cell, today);
            at.counts[ago] = at.counts[ago].saturating_add(1);
            self.touched.insert(cell, ());
        }
        if ago > 0 {
            return None;
        }
        let found = self.test(topic, place, today, rules)?;
        let cell = (topic.to_owned(), place.to_owned());
        let row = self.rows.get_mut(&cell)?;
        let told = row.burst.is_some_and(|told| today - told < i32::try_from(DAYS).unwrap_or(7));
        row.burst = Some(today);
        (!told).then_some(found)
    }

    /// Ends the days before `day`: the district's own history, and the bound.
    fn turn(&mut self, day: i32, rules: &UsualRules) {
        let cell = (ALL.to_owned(), ALL.to_owned());
        let known = self.rows.get(&cell).map(|row| row.day);
        if known.is_some_and(|known| known >= day) {
            return;
        }
        self.caught_up(&cell, day);
        self.touched.insert(cell.clone(), ());
        let level = self.level(day, rules);
        if let Some(row) = self.rows.get_mut(&cell) {
            row.level = Some((level * 1e12).round() / 1e12);
        }
    }

    /// The row of a cell, with the days before `day` moved into its history.
    fn caught_up(&mut self, cell: &Cell, day: i32) -> &mut History {
        let known = self.rows.get(cell).map_or(day, |row| row.day);
        let expected: Vec<(f64, f64)> = (0..(day - known).clamp(0, 7))
            .map(|n| {
                let oldest = known + n - i32::try_from(DAYS).unwrap_or(7) + 1;
                self.expected_of(cell, oldest)
            })
            .collect();
        let row = self.rows.entry(cell.clone()).or_insert_with(|| History::new(cell, day));
        for n in 0..(day - row.day).max(0) {
            let usual = usize::try_from(n).ok().and_then(|n| expected.get(n)).copied();
            row.end_day(usual.unwrap_or((1.0, 1.0)));
        }
        row
    }

    /// Mean and size of the count of a row on a day.
    fn expected_of(&self, cell: &Cell, day: i32) -> (f64, f64) {
        let observed = self.observed();
        let sum = self.rows.get(cell).map_or(0.0, |row| row.sum);
        let rate = (sum + DISTRICT_PRIOR) / (observed + DISTRICT_PRIOR_DAYS);
        let topic = Some(cell.0.as_str()).filter(|topic| *topic != ALL);
        let mean =
            rate * self.weekday_factor(day) * topic.map_or(1.0, |it| self.month_factor(it, day));
        (mean, 1.0 / (1.0 / (sum + PRIOR_POSTS) + DAY_VARIANCE))
    }

    /// Days of history, fading.
    fn observed(&self) -> f64 {
        self.row(ALL, ALL).and_then(|row| row.observed.first()).copied().unwrap_or(0.0)
    }

    fn sum(&self, topic: &str, place: &str) -> f64 {
        self.row(topic, place).map_or(0.0, |row| row.sum)
    }

    /// Prior mean of a cell, from its topic, its place and the district.
    fn prior(&self, topic: &str, place: &str, rules: &UsualRules) -> f64 {
        let all = self.sum(ALL, ALL);
        let rate =
            (all + DISTRICT_PRIOR * DISTRICT_PRIOR_DAYS) / (self.observed() + DISTRICT_PRIOR_DAYS);
        let share = |sum: f64, of: usize| {
            #[expect(clippy::cast_precision_loss, reason = "topics and settlements are few")]
            let even = SHRINK_POSTS / of.max(1) as f64;
            (sum + even) / (all + SHRINK_POSTS)
        };
        rate * share(self.sum(topic, ALL), rules.topics) * share(self.sum(ALL, place), rules.places)
    }

    /// Daily rate of a cell and the shape of what is known about it.
    fn rate(&self, sum: f64, prior: f64) -> (f64, f64) {
        let shape = PRIOR_POSTS + sum;
        (shape / (PRIOR_POSTS / prior.max(1e-9) + self.observed()), shape)
    }

    fn weekday_factor(&self, day: i32) -> f64 {
        let Some(district) = self.row(ALL, ALL) else { return 1.0 };
        let Some(&own) = district.weekdays.get(weekday(day)) else { return 1.0 };
        let usual = district.weekdays.iter().sum::<f64>() / 7.0;
        (own + SHRINK_POSTS) / (usual + SHRINK_POSTS)
    }

    fn month_factor(&self, topic: &str, day: i32) -> f64 {
        let Some(district) = self.row(ALL, ALL) else { return 1.0 };
        let Some(row) = self.row(topic, ALL) else { return 1.0 };
        let at = month(day);
        let (Some(&own), Some(&days)) = (row.months.get(at), district.observed.get(at + 1)) else {
            return 1.0;
        };
        let all_days: f64 = district.observed.iter().skip(1).sum();
        let usual = row.months.iter().sum::<f64>() / all_days.max(1.0) * days;
        (own + SHRINK_POSTS) / (usual + SHRINK_POSTS)
    }

    /// The window of a cell that chance explains least, if it is a burst.
    fn test(&self, topic: &str, place: &str, day: i32, rules: &UsualRules) -> Option<Burst> {
        let level = self.row(ALL, ALL)?.level?;
        let row = self.row(topic, place)?;
        let (rate, shape) = self.rate(row.sum, self.prior(topic, place, rules));
        let size = 1.0 / (1.0 / shape + DAY_VARIANCE);
        let season = self.month_factor(topic, day);
        let mut best: Option<Burst> = None;
        for days in WINDOWS {
            let span = || row.counts.iter().take(days);
            let count: u32 = span().sum();
            let weekdays = (0..days).filter_map(|n| i32::try_from(n).ok());
            let expected: f64 =
                weekdays.map(|n| rate * season * self.weekday_factor(day - n)).sum();
            let chance = at_least(count, expected, size);
            if count >= 2 && chance <= level && best.is_none_or(|best| chance < best.chance) {
                let days = u32::try_from(days).unwrap_or(1);
                best = Some(Burst { days, count, expected, chance, level });
            }
        }
        best
    }

    /// The largest chance for which the false bursts expected in a week keep within the budget.
    fn level(&self, day: i32, rules: &UsualRules) -> f64 {
        let mut cells: Vec<(f64, f64, f64)> = Vec::new();
        let known = self.rows.iter().filter(|((topic, place), _)| topic != ALL && place != ALL);
        for ((topic, place), row) in known {
            let (rate, shape) = self.rate(row.sum, self.prior(topic, place, rules));
            cells.push((1.0, rate * self.month_factor(topic, day), shape));
        }
        // Cells that nobody has written about are alike: one stands for all.
        #[expect(clippy::cast_precision_loss, reason = "topics and settlements are few")]
        let unseen = (rules.topics * rules.places) as f64 - cells.len() as f64;
        if unseen > 0.0 {
            #[expect(clippy::cast_precision_loss, reason = "topics and settlements are few")]
            let places = rules.places.max(1) as f64;
            let even = self.prior("\u{0}", "\u{0}", rules).max(DISTRICT_PRIOR / places * 1e-3);
            let (rate, shape) = self.rate(0.0, even);
            cells.push((unseen, rate, shape));
        }
        let false_bursts = |level: f64| -> f64 {
            let each = cells.iter().map(|(number, rate, shape)| {
                let size = 1.0 / (1.0 / shape + DAY_VARIANCE);
                let windows = WINDOWS.iter().map(|&days| {
                    #[expect(clippy::cast_precision_loss, reason = "at most seven")]
                    let mean = rate * days as f64;
                    bound(level, mean, size).1
                });
                7.0 * number * windows.sum::<f64>()
            });
            each.sum()
        };
        let (mut low, mut high) = (1e-12_f64.ln(), 0.05_f64.ln());
        for _ in 0..30 {
            let middle = f64::midpoint(low, high);
            if false_bursts(middle.exp()) <= rules.budget {
                low = middle;
            } else {
                high = middle;
            }
        }
        low.exp()
    }
}

/// A sum to six decimals: what is read back is to the last bit what was written.
fn kept(sum: f64) -> f64 {
    (sum * 1e6).round() / 1e6
}

impl History {
    fn new(cell: &Cell, day: i32) -> Self {
        let district = cell.0 == ALL && cell.1 == ALL;
        let zeros =
            |wanted: bool, length: usize| if wanted { vec![0.0; length] } else { Vec::new() };
        Self {
            day,
            weekdays: zeros(district, 7),
            months: zeros(cell.1 == ALL && !district, 12),
            observed: zeros(district, 13),
            ..Self::default()
        }
    }

    /// Moves on by one day: the oldest day kept enters the history, cut to what is barely usual.
    fn end_day(&mut self, (mean, size): (f64, f64)) {
        let oldest = self.day - i32::try_from(DAYS).unwrap_or(7) + 1;
        let count = self.counts[DAYS - 1];
        let cut = f64::from(count.min(bound(CUT, mean, size).0));
        let fade = 0.5_f64.powf(1.0 / HALF_LIFE_DAYS);
        self.sum = kept(self.sum * fade + cut);
        for (at, sum) in self.weekdays.iter_mut().enumerate() {
            *sum = kept(*sum * fade + if at == weekday(oldest) { cut } else { 0.0 });
        }
        if let Some(sum) = self.months.get_mut(month(oldest)) {
            *sum += cut;
        }
        if let Some((all, months)) = self.observed.split_first_mut() {
            *all = kept(*all * fade + 1.0);
            if let Some(days) = months.get_mut(month(oldest)) {
                *days += 1.0;
            }
        }
        self.counts.rotate_right(1);
        self.counts[0] = 0;
        self.day += 1;
    }
}
