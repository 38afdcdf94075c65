//! When each source writes, when to look at it next, and when its silence is odd.
//!
//! Place in the flow: before a look. The store counts posts by hour, [`learn`] makes a [`Rhythm`]
//! of each source, [`plan`] shares out the calls of a quota, and its [`plan::Plan`] names the next
//! look with a reason. Invariant: values in, values out: no clock, no store, no randomness; the
//! same history gives the same look.
//!
//! Model. Posts of a source are a Poisson process of rate λ(t) = r · hour(t) · day(t) · recent(t):
//!
//! - r, posts an hour, is the mean of a gamma posterior over the last four weeks, whose older hours
//!   count less (half-life [`HALF_LIFE_HOURS`]); the prior is one post at the typical rate of all
//!   sources, so that a page with few data is neither forgotten nor asked all the time;
//! - hour and day are factors of the civil hour and the weekday, shrunk towards those of all
//!   sources together;
//! - recent is what the last hours had against what was expected, and fades within hours.

pub mod plan;
mod silence;

use jiff::Timestamp;

pub use silence::odd_silence;

/// Hours that the past is known by.
pub const HISTORY_HOURS: i64 = 28 * 24;
/// After so many hours an hour counts half.
const HALF_LIFE_HOURS: f64 = 240.0;
/// Posts that the pooled factors weigh against a source's own.
const HOUR_PRIOR: f64 = 48.0;
const DAY_PRIOR: f64 = 40.0;
/// Posts that an even spread weighs against the pooled factors.
const POOL_PRIOR: f64 = 40.0;
/// Hours that are recent, posts that stand against their noise, and how fast they fade.
const RECENT_HOURS: i64 = 3;
const RECENT_PRIOR: f64 = 6.0;
const RECENT_FADES_HOURS: f64 = 2.0;
/// Bounds of the recent factor.
const RECENT: (f64, f64) = (0.5, 4.0);
/// Least rate, posts an hour: one in four weeks.
const RATE_MIN: f64 = 1.0 / 672.0;

/// Posts of one source by hour.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// First hour that is known, in hours since 1970.
    pub since: i64,
    /// The instant up to which posts are known: the last look.
    pub until: Timestamp,
    /// Hours with posts, in order, with their number.
    pub hours: Vec<(i64, u32)>,
}

/// Hours since 1970.
#[must_use]
pub fn hour_of(at: Timestamp) -> i64 {
    at.as_second().div_euclid(3_600)
}

/// When one source writes.
#[derive(Debug, Clone, PartialEq)]
pub struct Rhythm {
    /// Posts an hour, over a whole week.
    pub rate: f64,
    /// Posts that the rate rests on, older ones counted less.
    pub strength: f64,
    hours: [f64; 24],
    days: [f64; 7],
    recent: f64,
    until: Timestamp,
    offset_secs: i64,
}

impl Rhythm {
    /// Posts an hour expected at `at`.
    #[must_use]
    pub fn expected(&self, at: Timestamp) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "hours are small")]
        let passed = at.duration_since(self.until).as_secs().max(0) as f64 / 3_600.0;
        let recent = 1.0 + (self.recent - 1.0) * (-passed / RECENT_FADES_HOURS).exp();
        self.usual(hour_of(at)) * recent
    }

    /// Posts expected in an hour of the past or the future, without what is recent.
    fn usual(&self, hour: i64) -> f64 {
        let (hour, day) = civil(hour, self.offset_secs);
        self.rate * self.hours[hour] * self.days[day]
    }
}

/// Hour of the day and day of the week (0 = Thursday, as in 1970) in civil time.
fn civil(hour: i64, offset_secs: i64) -> (usize, usize) {
    let local = hour + offset_secs.div_euclid(3_600);
    let hour = usize::try_from(local.rem_euclid(24)).unwrap_or(0);
    (hour, usize::try_from(local.div_euclid(24).rem_euclid(7)).unwrap_or(0))
}

/// What one source wrote against how long it was watched, by hour of the day and day of the week;
/// older hours count less.
#[derive(Default)]
struct Tally {
    posts: f64,
    watched: f64,
    posts_by_hour: [f64; 24],
    watched_by_hour: [f64; 24],
    posts_by_day: [f64; 7],
    watched_by_day: [f64; 7],
}

impl Tally {
    fn of(history: &History, offset_secs: i64) -> Self {
        let mut tally = Tally::default();
        let last = hour_of(history.until);
        let first = history.since.max(last - HISTORY_HOURS);
        #[expect(clippy::cast_precision_loss, reason = "some hundreds of hours")]
        let weight = |hour: i64| (-((last - hour) as f64) / HALF_LIFE_HOURS).exp2();
        for hour in first..=last {
            let (of_day, of_week) = civil(hour, offset_secs);
            let mut watched = weight(hour);
            if hour == last {
                #[expect(clippy::cast_precision_loss, reason = "less than an hour")]
                let part = (history.until.as_second() - last * 3_600) as f64 / 3_600.0;
                watched *= part;
            }
            tally.watched += watched;
            tally.watched_by_hour[of_day] += watched;
            tally.watched_by_day[of_week] += watched;
        }
        for &(hour, posts) in history.hours.iter().filter(|(hour, _)| (first..=last).contains(hour))
        {
            let (of_day, of_week) = civil(hour, offset_secs);
            let posts = f64::from(posts) * weight(hour);
            tally.posts += posts;
            tally.posts_by_hour[of_day] += posts;
            tally.posts_by_day[of_week] += posts;
        }
        tally
    }

    fn rate(&self) -> f64 {
        if self.watched > 0.0 { self.posts / self.watched } else { 0.0 }
    }
}

/// The rhythms of all sources, in the order of their histories. `offset_secs`: civil time's
/// distance from UTC.
#[must_use]
pub fn learn(histories: &[History], offset_secs: i64) -> Vec<Rhythm> {
    let tallies: Vec<Tally> = histories.iter().map(|it| Tally::of(it, offset_secs)).collect();
    let mut rates: Vec<f64> = tallies.iter().map(Tally::rate).filter(|rate| *rate > 0.0).collect();
    rates.sort_by(f64::total_cmp);
    let typical = rates.get(rates.len() / 2).copied().unwrap_or(RATE_MIN).max(RATE_MIN);
    let pooled_hours = factors(
        &sum(&tallies, |tally, hour| (tally.posts_by_hour[hour], tally.watched_by_hour[hour])),
        &[1.0; 24],
        POOL_PRIOR,
    );
    let pooled_days = factors(
        &sum(&tallies, |tally, day| (tally.posts_by_day[day], tally.watched_by_day[day])),
        &[1.0; 7],
        POOL_PRIOR,
    );
    let rhythm = |(tally, history): (&Tally, &History)| {
        let rate = tally.rate();
        let own = |posts: f64, watched: f64| (posts, watched * rate);
        let hours: [(f64, f64); 24] =
            std::array::from_fn(|h| own(tally.posts_by_hour[h], tally.watched_by_hour[h]));
        let days: [(f64, f64); 7] =
            std::array::from_fn(|d| own(tally.posts_by_day[d], tally.watched_by_day[d]));
        let mut rhythm = Rhythm {
            rate: ((tally.posts + 1.0) / (tally.watched + 1.0 / typical)).max(RATE_MIN),
            strength: tally.posts,
            hours: factors(&hours, &pooled_hours, HOUR_PRIOR),
            days: factors(&days, &pooled_days, DAY_PRIOR),
            recent: 1.0,
            until: history.until,
            offset_secs,
        };
        rhythm.recent = recent(&rhythm, history);
        rhythm
    };
    tallies.iter().zip(histories).map(rhythm).collect()
}

/// Posts, and posts expected of an even spread, of all sources together.
fn sum<const N: usize>(
    tallies: &[Tally],
    slot: impl Fn(&Tally, usize) -> (f64, f64),
) -> [(f64, f64); N] {
    std::array::from_fn(|number| {
        tallies.iter().fold((0.0, 0.0), |(posts, even), tally| {
            let (more, watched) = slot(tally, number);
            (posts + more, even + watched * tally.rate())
        })
    })
}

/// Factors of slots, of mean 1: posts against those of an even spread, drawn towards `prior` by
/// `weight` posts in all.
fn factors<const N: usize>(slots: &[(f64, f64); N], prior: &[f64; N], weight: f64) -> [f64; N] {
    #[expect(clippy::cast_precision_loss, reason = "24 or 7")]
    let (each, count) = (weight / N as f64, N as f64);
    let raw: [f64; N] = std::array::from_fn(|number| {
        let (posts, even) = slots[number];
        (posts + each * prior[number]) / (even + each)
    });
    let mean = raw.iter().sum::<f64>() / count;
    raw.map(|factor| (factor / mean).clamp(0.02, 20.0))
}

/// What the last hours before the last look had against what was expected of them.
fn recent(rhythm: &Rhythm, history: &History) -> f64 {
    let last = hour_of(history.until);
    #[expect(clippy::cast_precision_loss, reason = "less than an hour")]
    let part = (history.until.as_second() - last * 3_600) as f64 / 3_600.0;
    let hours = last - RECENT_HOURS + 1..=last;
    let expected: f64 =
        hours.clone().map(|hour| rhythm.usual(hour) * if hour == last { part } else { 1.0 }).sum();
    let came = history.hours.iter().filter(|(hour, _)| hours.contains(hour));
    let came: f64 = came.map(|(_, posts)| f64::from(*posts)).sum();
    ((came + RECENT_PRIOR) / (expected + RECENT_PRIOR)).clamp(RECENT.0, RECENT.1)
}

#[cfg(test)]
mod tests;
