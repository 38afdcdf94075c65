//! What is usual: how often every topic is written about in every place, and what is far above it.
//!
//! Place in the flow: the pipeline keeps one [`History`] a cell and asks [`Usual::observe`] for
//! each post that joined a problem; `alert` tells what it says. Works from the first day: what a
//! cell has not seen itself it takes from its topic, its place and the district.
//!
//! Expected posts (empirical Bayes, gamma-Poisson; `docs/ru/problemy.md` says it in words):
//! - the district's posts a day, its topics' and places' shares of them, each shrunk towards an
//!   even share, give a cell's prior mean `m`; the fewer posts stand behind them, the smaller its
//!   weight `κ`: `1/κ = 1/PRIOR_POSTS + 1/(n + ½) + 1/(t + ½) + 1/(p + ½)`. The day under way
//!   counts for them as far as it has come, without the cell's own posts: a loud district is known
//!   for one before its first evening;
//! - with the cell's own posts `s` in `e` days (both fading) its daily rate is gamma with shape
//!   `κ + s` and mean `(κ + s) / (κ/m + e)`;
//! - weekday and quarter of the day (of the district), month of past years and the last weeks up to
//!   yesterday (of the topic) multiply the rate; all of them shrink to 1;
//! - days differ beyond chance: a day's own gamma factor of variance [`DAY_VARIANCE`]. So a count
//!   over `d` days is negative binomial with `1/size = 1/(κ + s) + DAY_VARIANCE/√max(d, 1)`.
//!
//! The test: each post asks whether it meets too many others, back to the second, third … last
//! post of its cell. A post from such a gamma-mixed process meets a count of the size-biased law
//! (negative binomial of size + 1), whatever the cell's rate: so the chance under chance is the
//! same for a hamlet and for the town. Reactions below posts of the cell are no posts of their own:
//! they come with them. Their number is tested against the district's usual number a post, and the
//! two chances are multiplied.
//!
//! The bound: `budget / (posts expected a week · TESTS)`. The test of calibration below holds that
//! posts without any burst give as many false ones as the budget allows.
//!
//! Invariant: what is said about a post depends on the posts before it in their order alone.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::DateTime;

use super::chance::{at_least, met, seldom};
use super::history::{DAY_MINUTES, DAYS, Kind, day_number, kept, minute_number, month, weekday};

pub use super::history::{HALF_LIFE_DAYS, History};

/// Variance of a day's own factor.
pub const DAY_VARIANCE: f64 = 0.5;

/// Most weight of the prior of a cell, in posts.
const PRIOR_POSTS: f64 = 1.0;

/// Posts that join problems in a district a day, before anything is known …
const DISTRICT_PRIOR: f64 = 6.0;

/// … and how many days of its own history weigh as much: districts differ a hundredfold.
const DISTRICT_PRIOR_DAYS: f64 = 1.0;

/// Posts with which shares and factors of weekday, quarter and month are shrunk.
const SHRINK_POSTS: f64 = 20.0;

/// The same for the last weeks of a topic.
const LATELY_POSTS: f64 = 10.0;

/// Reactions a post, before anything is known, and how many posts of its own history weigh as much.
const REACTIONS_PRIOR: f64 = 0.1;
const REACTIONS_PRIOR_POSTS: f64 = 50.0;

/// More reactions than this say no more.
const REACTIONS_MOST: usize = 3;

/// Share of days that a day may exceed before it is cut on its way into the history.
const CUT: f64 = 0.01;

/// False bursts a week that a whole district may have: one in four weeks. A duty that hears of a
/// false one more often stops listening; `benches/year.rs` shows what they cost and find.
pub const DISTRICT_BUDGET: f64 = 0.25;

/// Back to which of the cell's last posts a post looks, itself counted.
const LOOKS: [usize; 5] = [2, 3, 4, 6, 9];

/// What the looks of one post weigh together: they overlap, so less than their number.
const TESTS: f64 = 2.5;

/// The bound where next to nothing is written.
const LEVEL_MOST: f64 = 0.01;

/// How far back a post looks: what takes longer is no burst.
const BACK_MINUTES: i64 = 48 * 60;

/// What comes at once counts as coming within so long: sources are not read more often.
const SPAN_MINUTES_LEAST: i64 = 60;

/// Two people may be one household: a burst has so many posts and reactions at least.
const COUNT_LEAST: usize = 3;

/// A cell tells of one burst in so long.
const AGAIN_MINUTES: i64 = 7 * DAY_MINUTES;

/// For so long after a burst its posts and reactions say nothing about usual reactions.
const AFTER_MINUTES: i64 = 3 * DAY_MINUTES;

/// Cell of everything: all topics or all places.
pub const ALL: &str = "*";

/// Topic and place of a cell; `""` is no place, [`ALL`] all of them.
pub type Cell = (String, String);

/// A post as it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard {
    /// When it was published, by the district's clock.
    pub at: DateTime,
    /// Whether it stands below another post of its problem.
    pub reaction: bool,
}

/// What is far above the usual.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Burst {
    /// Hours looked back, rounded up.
    pub hours: u32,
    /// Posts and reactions in them.
    pub count: u32,
    /// Posts and reactions expected in them.
    pub expected: f64,
    /// Chance that a post meets so many.
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
    touched: BTreeSet<Cell>,
}

/// The day under way, and how much of it has passed.
#[derive(Debug, Clone, Copy)]
struct Now {
    day: i32,
    passed: f64,
}

/// A cell's daily rate before weekday and quarter, and the shape of what is known about it.
#[derive(Debug, Clone, Copy)]
struct Rate {
    mean: f64,
    shape: f64,
}

impl Rate {
    /// Size of a count over so many days.
    fn size(self, days: f64) -> f64 {
        1.0 / (1.0 / self.shape + DAY_VARIANCE / days.max(1.0).sqrt())
    }
}

impl Usual {
    /// Rows that [`Usual::observe`] needs for a post of this cell.
    #[must_use]
    pub fn cells(topic: &str, place: &str) -> [Cell; 4] {
        let cell = |topic: &str, place: &str| (topic.to_owned(), place.to_owned());
        [cell(ALL, ALL), cell(topic, ALL), cell(ALL, place), cell(topic, place)]
    }

    /// Adds a stored row.
    pub fn load(&mut self, cell: Cell, history: History) {
        self.rows.insert(cell, history);
    }

    /// Rows that changed since they were loaded.
    pub fn changed(&self) -> impl Iterator<Item = (&Cell, &History)> {
        self.touched.iter().filter_map(|cell| self.rows.get_key_value(cell))
    }

    /// Counts one post of a cell, and says whether its cell is now far above the usual; a cell says
    /// so once a week. Its four rows must be loaded. A post older than a week is not counted.
    pub fn observe(
        &mut self,
        topic: &str,
        place: &str,
        heard: Heard,
        rules: &UsualRules,
    ) -> Option<Burst> {
        let day = day_number(heard.at.date());
        let cells = Self::cells(topic, place);
        let today = self.row(ALL, ALL).map_or(day, |row| row.day.max(day));
        let ago = usize::try_from(today - day).ok().filter(|ago| *ago < DAYS)?;
        let minute = minute_number(heard.at);
        // Of a day that a later post has begun already, nothing is known but that it has begun.
        let passed = if ago == 0 { day_share(minute) } else { 1.0 };
        let now = Now { day: today, passed };
        for cell in &cells {
            let row = self.caught_up(cell, now, rules);
            if !heard.reaction {
                row.counts[ago] = row.counts[ago].saturating_add(1);
            }
            self.touched.insert(cell.clone());
        }
        let row = self.rows.get_mut(&cells[3])?;
        row.remember(minute, heard.reaction);
        let burst = row.burst;
        if let Some(district) = self.rows.get_mut(&cells[0]) {
            if let Some(sum) =
                district.quarters.get_mut(quarter(minute)).filter(|_| !heard.reaction)
            {
                *sum = kept(*sum + 1.0);
            }
            if burst.is_none_or(|at| minute - at > AFTER_MINUTES) {
                let told = &mut district.told[usize::from(heard.reaction)];
                *told = told.saturating_add(1);
            }
        }
        let found = self.test(topic, place, minute, now, rules)?;
        let row = self.rows.get_mut(&cells[3])?;
        row.burst = Some(minute.max(burst.unwrap_or(minute)));
        burst.is_none_or(|at| minute - at >= AGAIN_MINUTES).then_some(found)
    }

    fn row(&self, topic: &str, place: &str) -> Option<&History> {
        self.rows.get(&(topic.to_owned(), place.to_owned()))
    }

    /// The row of a cell, with the days before today moved into its history.
    fn caught_up(&mut self, cell: &Cell, now: Now, rules: &UsualRules) -> &mut History {
        let kind = match (cell.0 == ALL, cell.1 == ALL) {
            (true, true) => Kind::District,
            (true, false) => Kind::Place,
            (false, true) => Kind::Topic,
            (false, false) => Kind::Cell,
        };
        let today = now.day;
        let known = self.rows.get(cell).map_or(today, |row| row.day);
        let rate = self.rate(cell, now, rules);
        let usual = |n: i32| {
            let day = known + n - 6;
            let mean = rate.mean * self.season(cell, day, now, rules) * self.weekday_factor(day);
            // Only the days kept one by one can have too many posts.
            (mean, if n < 7 { seldom(CUT, mean, rate.size(1.0)) } else { 0 })
        };
        let days: Vec<(f64, u32)> = (0..(today - known).max(0)).map(usual).collect();
        let row = self.rows.entry(cell.clone()).or_insert_with(|| History::new(kind, today));
        for (mean, most) in days {
            row.end_day(mean, most);
        }
        row
    }

    /// Daily rate of a row, before the season.
    fn rate(&self, cell: &Cell, now: Now, rules: &UsualRules) -> Rate {
        let (topic, place) = (cell.0.as_str(), cell.1.as_str());
        let sum = self.row(topic, place).map_or(0.0, |row| row.sum);
        let observed = self.row(ALL, ALL).map_or(0.0, |row| row.observed);
        if topic != ALL && place != ALL {
            let prior = self.prior(topic, place, now, rules);
            let shape = prior.shape + sum;
            let mean = shape / (prior.shape / prior.mean.max(1e-9) + observed);
            return Rate { mean, shape };
        }
        // All topics together are the district's; one topic or place is an even share at first.
        let parts = match (topic == ALL, place == ALL) {
            (true, true) => return self.whole_rate(now, 0.0),
            (false, _) => rules.topics,
            (true, false) => rules.places,
        };
        let prior = DISTRICT_PRIOR * DISTRICT_PRIOR_DAYS / number(parts.max(1));
        let mean = (sum + prior) / (observed + DISTRICT_PRIOR_DAYS);
        Rate { mean, shape: sum + PRIOR_POSTS }
    }

    /// Daily rate of the district up to now, `without` some of today's posts.
    fn whole_rate(&self, now: Now, without: f64) -> Rate {
        let posts = self.up_to_now(ALL, ALL, now, without);
        let days = self.row(ALL, ALL).map_or(0.0, |row| {
            let one_by_one = row.since.map_or(0, |since| (now.day - since).clamp(0, 6));
            row.observed + f64::from(one_by_one)
        });
        let prior = DISTRICT_PRIOR * DISTRICT_PRIOR_DAYS;
        let mean = (posts + prior) / (days + now.passed + DISTRICT_PRIOR_DAYS);
        Rate { mean, shape: posts + PRIOR_POSTS }
    }

    /// Posts of a row up to now, `without` some of today's.
    fn up_to_now(&self, topic: &str, place: &str, now: Now, without: f64) -> f64 {
        let Some(row) = self.row(topic, place) else { return 0.0 };
        row.before(now.day) + (row.on(now.day) - without).max(0.0)
    }

    /// What the time of the year does to the rate of a row on a day.
    fn season(&self, (topic, place): &Cell, day: i32, now: Now, rules: &UsualRules) -> f64 {
        match (topic == ALL, place == ALL) {
            (true, _) => 1.0,
            (false, true) => self.month_factor(topic, day),
            (false, false) => self.month_factor(topic, day) * self.lately_factor(topic, now, rules),
        }
    }

    /// Prior of a cell, from its topic, its place and the district up to now.
    fn prior(&self, topic: &str, place: &str, now: Now, rules: &UsualRules) -> Rate {
        let own = self.row(topic, place).map_or(0.0, |row| row.on(now.day));
        let all = self.up_to_now(ALL, ALL, now, own);
        let rate = self.whole_rate(now, own).mean;
        let share =
            |sum: f64, of: usize| (sum + SHRINK_POSTS / number(of.max(1))) / (all + SHRINK_POSTS);
        let of_topic = self.up_to_now(topic, ALL, now, own);
        let of_place = self.up_to_now(ALL, place, now, own);
        let unsure = [all, of_topic, of_place].map(|posts| 1.0 / (posts + 0.5));
        let mean = rate * share(of_topic, rules.topics) * share(of_place, rules.places);
        Rate { mean, shape: 1.0 / (1.0 / PRIOR_POSTS + unsure.iter().sum::<f64>()) }
    }

    fn weekday_factor(&self, day: i32) -> f64 {
        let Some(district) = self.row(ALL, ALL) else { return 1.0 };
        let Some(&own) = district.weekdays.get(weekday(day)) else { return 1.0 };
        let usual = district.weekdays.iter().sum::<f64>() / 7.0;
        (own + SHRINK_POSTS) / (usual + SHRINK_POSTS)
    }

    /// Share of a day's posts that come in one of its quarters.
    fn quarter_share(&self, quarter: usize) -> f64 {
        let Some(district) = self.row(ALL, ALL) else { return 0.25 };
        let Some(&own) = district.quarters.get(quarter) else { return 0.25 };
        (own + SHRINK_POSTS / 4.0) / (district.quarters.iter().sum::<f64>() + SHRINK_POSTS)
    }

    /// How much more of a topic than usual past years had in this month.
    fn month_factor(&self, topic: &str, day: i32) -> f64 {
        let Some(district) = self.row(ALL, ALL) else { return 1.0 };
        let Some(row) = self.row(topic, ALL) else { return 1.0 };
        let at = month(day);
        let (Some(&own), Some(&days)) = (row.months.get(at), district.months.get(at)) else {
            return 1.0;
        };
        let all_days: f64 = district.months.iter().sum();
        let usual = row.months.iter().sum::<f64>() / all_days.max(1.0) * days;
        (own + SHRINK_POSTS) / (usual + SHRINK_POSTS)
    }

    /// How much more of a topic than expected the last weeks had, up to yesterday.
    fn lately_factor(&self, topic: &str, now: Now, rules: &UsualRules) -> f64 {
        let Some(row) = self.row(topic, ALL) else { return 1.0 };
        let Some([mut posts, mut usual]) = row.lately else { return 1.0 };
        let rate = self.rate(&(topic.to_owned(), ALL.to_owned()), now, rules);
        let most = seldom(CUT, rate.mean, rate.size(1.0));
        let since = self.row(ALL, ALL).and_then(|row| row.since).unwrap_or(row.day);
        // Days that are still kept one by one, today left out.
        for (day, count) in (1..).map(|ago| row.day - ago).zip(row.counts.iter().skip(1)) {
            if day < since {
                break;
            }
            posts += f64::from((*count).min(most));
            usual += rate.mean * self.month_factor(topic, day) * self.weekday_factor(day);
        }
        (posts + LATELY_POSTS) / (usual + LATELY_POSTS)
    }

    /// Days between two minutes, weighed by weekday and quarter.
    fn exposure(&self, from: i64, to: i64) -> f64 {
        const QUARTER: i64 = DAY_MINUTES / 4;
        let (mut at, mut days) = (from, 0.0);
        while at < to {
            let end = ((at.div_euclid(QUARTER) + 1) * QUARTER).min(to);
            let day = i32::try_from(at.div_euclid(DAY_MINUTES)).unwrap_or(0);
            let part = minutes(end - at) / minutes(QUARTER);
            days += part * self.quarter_share(quarter(at)) * self.weekday_factor(day);
            at = end;
        }
        days
    }

    /// What chance explains least of what a post meets, if it is a burst.
    fn test(
        &self,
        topic: &str,
        place: &str,
        minute: i64,
        now: Now,
        rules: &UsualRules,
    ) -> Option<Burst> {
        let row = self.row(topic, place)?;
        let latest = row.posts.last().max(row.reactions.last()).copied()?;
        if latest - minute > BACK_MINUTES {
            return None;
        }
        let level = rules.budget / (7.0 * self.whole_rate(now, 0.0).mean * TESTS);
        let level = level.min(LEVEL_MOST);
        let cell = (topic.to_owned(), place.to_owned());
        let rate = self.rate(&cell, now, rules);
        let season = self.season(&cell, row.day, now, rules);
        let reactions = self.usual_reactions();
        let mut best: Option<Burst> = None;
        for posts in LOOKS {
            let Some(from) = row.posts.len().checked_sub(posts).map(|at| row.posts[at]) else {
                break;
            };
            let span = (latest - from).max(SPAN_MINUTES_LEAST);
            if span > BACK_MINUTES {
                break;
            }
            let below = row.reactions.iter().filter(|at| **at >= from).count();
            if posts + below < COUNT_LEAST {
                continue;
            }
            let expected = rate.mean * season * self.exposure(latest - span, latest);
            let size = rate.size(minutes(span) / minutes(DAY_MINUTES));
            let own = number(posts);
            let chance = met(whole_number(posts), expected, size)
                * at_least(whole_number(below.min(REACTIONS_MOST)), reactions * own, own);
            if chance <= level && best.is_none_or(|best| chance < best.chance) {
                best = Some(Burst {
                    hours: u32::try_from((span + 59) / 60).unwrap_or(u32::MAX),
                    count: whole_number(posts + below),
                    expected: expected * (1.0 + reactions),
                    chance,
                    level,
                });
            }
        }
        best
    }

    /// Reactions that a post usually has.
    fn usual_reactions(&self) -> f64 {
        let [posts, reactions] = self.row(ALL, ALL).map_or([0; 2], |row| row.told);
        let prior = REACTIONS_PRIOR * REACTIONS_PRIOR_POSTS;
        (f64::from(reactions) + prior) / (f64::from(posts) + REACTIONS_PRIOR_POSTS)
    }
}

/// Share of its day that has passed at a minute.
fn day_share(minute: i64) -> f64 {
    minutes(minute.rem_euclid(DAY_MINUTES)) / minutes(DAY_MINUTES)
}

/// Quarter of the day of a minute.
fn quarter(minute: i64) -> usize {
    usize::try_from(minute.rem_euclid(DAY_MINUTES) / (DAY_MINUTES / 4)).unwrap_or(0)
}

fn whole_number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "topics, settlements and posts of two days are few")]
fn number(count: usize) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "minutes of two days are few")]
fn minutes(span: i64) -> f64 {
    span as f64
}
