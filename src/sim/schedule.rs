//! The schedule of looks on simulated pages, against equal intervals at the same calls a day.
//!
//! Place in the flow: a test runs a small one, `benches/schedule.rs` the whole. Invariant: the
//! schedule sees what a daemon sees, posts it has collected and nothing else; no wall time.
//!
//! The pages: rates are log-normal (σ = 1.5) about [`MEDIAN_A_DAY`] posts and comments a day; the
//! day's rhythm is that of a village's community (quiet from one to six, busiest about eight in the
//! evening), moved by up to two hours from page to page; weekends have their own factor. Posts are
//! a Poisson process. The schedule begins with a week of history (the backfill) and learns on.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use jiff::Timestamp;

use super::rng::Rng;
use crate::rhythm::plan::{Plan, Purse, Subject, plan};
use crate::rhythm::{History, Rhythm, learn};

/// Median page: posts and comments a day.
const MEDIAN_A_DAY: f64 = 12.0;
/// Spread of the rates' logarithms.
const SIGMA: f64 = 1.5;
/// Normal numbers drawn for each quantile.
const SAMPLE: usize = 201;
/// Hours of history before the schedule begins.
const BACKFILL_HOURS: i64 = 7 * 24;
/// Posts of an hour of the day against the mean.
const DAY: [f64; 24] = [
    0.30, 0.17, 0.10, 0.08, 0.08, 0.12, 0.32, 0.70, 1.00, 1.15, 1.22, 1.25, 1.30, 1.25, 1.20, 1.18,
    1.20, 1.32, 1.55, 1.80, 1.90, 1.70, 1.25, 0.66,
];
/// Civil time of the pages: eight hours before UTC; the quota's day ends at Moscow's midnight.
const OFFSET_SECS: i64 = 8 * 3_600;
const QUOTA_OFFSET_SECS: i64 = 3 * 3_600;
/// The schedule is made anew so often.
const REPLAN_SECS: i64 = 3_600;

/// What is simulated.
#[derive(Debug, Clone, Copy)]
pub struct Trial {
    /// Seed of everything.
    pub seed: u64,
    /// Pages.
    pub sources: usize,
    /// Calls a day.
    pub calls_a_day: u32,
    /// Days that are measured.
    pub days: i64,
    /// Whether the rates are drawn. If not, they are the quantiles of the distribution, so that the
    /// spread of the pages does not hang on the seed.
    pub drawn: bool,
}

/// Delays from publication to collection, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Delays {
    /// Posts.
    pub posts: usize,
    /// Mean.
    pub mean: f64,
    /// 99 of 100 are collected within.
    pub p99: f64,
    /// The slowest.
    pub worst: f64,
    /// The most calls of one day.
    pub calls_a_day: u32,
}

/// Both schedules on the same posts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// Every page after the same time.
    pub equal: Delays,
    /// By rhythm.
    pub adaptive: Delays,
    /// The gain that no schedule can beat on these pages, even if it knew every rate beforehand:
    /// N·∫Σλ / (∫Σ√λ)².
    pub bound: f64,
}

impl Outcome {
    /// How many times shorter the mean delay is.
    #[must_use]
    pub fn gain(&self) -> f64 {
        self.equal.mean / self.adaptive.mean
    }

    /// How many times longer the slowest hundredth waits.
    #[must_use]
    pub fn tail(&self) -> f64 {
        self.adaptive.p99 / self.equal.p99
    }
}

/// Runs both schedules.
#[must_use]
pub fn compare(trial: &Trial) -> Outcome {
    let mut rng = Rng::new(trial.seed);
    let start = 1_772_380_800 - QUOTA_OFFSET_SECS;
    let end = start + trial.days * 86_400;
    let pages: Vec<Page> = spreads(&mut rng, trial)
        .into_iter()
        .map(|spread| Page::new(&mut rng, MEDIAN_A_DAY / 24.0 * (SIGMA * spread).exp()))
        .collect();
    let posts: Vec<Vec<i64>> = pages.iter().map(|it| it.write(&mut rng, start, end)).collect();
    Outcome {
        bound: bound(&pages),
        equal: equal(trial, &posts, start, end),
        adaptive: Adaptive::new(trial, &posts, start).run(end),
    }
}

/// Standard normal by Box and Muller.
fn normal(rng: &mut Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.unit()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.unit()).cos()
}

/// Normal numbers, one a page: drawn, or the medians of as many equal parts of a large sample.
fn spreads(rng: &mut Rng, trial: &Trial) -> Vec<f64> {
    if trial.drawn {
        return (0..trial.sources).map(|_| normal(rng)).collect();
    }
    let mut sample: Vec<f64> = (0..trial.sources * SAMPLE).map(|_| normal(rng)).collect();
    sample.sort_by(f64::total_cmp);
    sample.chunks(SAMPLE).filter_map(|part| part.get(SAMPLE / 2).copied()).collect()
}

/// A page, as nobody knows it.
struct Page {
    /// Posts an hour.
    rate: f64,
    /// Hours by which its day is moved.
    moved: i64,
    weekend: f64,
}

impl Page {
    fn new(rng: &mut Rng, rate: f64) -> Self {
        let moved = i64::try_from(rng.below(5)).unwrap_or(0) - 2;
        Self { rate, moved, weekend: 0.6 + 0.8 * rng.unit() }
    }

    /// Posts an hour at a second since 1970.
    fn rate_at(&self, second: i64) -> f64 {
        let local = second + OFFSET_SECS + self.moved * 3_600;
        let hour = usize::try_from(local.rem_euclid(86_400) / 3_600).unwrap_or(0);
        // The first of January 1970 was a Thursday.
        let weekend = matches!(local.div_euclid(86_400).rem_euclid(7), 2 | 3);
        let factor = if weekend { self.weekend } else { 1.0 };
        self.rate * DAY[hour] * 24.0 / DAY.iter().sum::<f64>() * factor
    }

    /// Its posts, in seconds since 1970, in order: by thinning (Lewis and Shedler, 1979).
    fn write(&self, rng: &mut Rng, start: i64, end: i64) -> Vec<i64> {
        let most = (0..168).map(|hour| self.rate_at(hour * 3_600)).fold(0.0, f64::max);
        let mut posts = Vec::new();
        let mut at = seconds(start - BACKFILL_HOURS * 3_600);
        loop {
            at += -(1.0 - rng.unit()).ln() / most * 3_600.0;
            if at >= seconds(end) {
                return posts;
            }
            #[expect(clippy::cast_possible_truncation, reason = "an instant of this century")]
            let second = at as i64;
            if rng.chance(self.rate_at(second) / most) {
                posts.push(second);
            }
        }
    }
}

fn bound(pages: &[Page]) -> f64 {
    let (mut rates, mut roots, mut hours) = (0.0, 0.0, 0.0);
    for page in pages {
        for hour in 0..168 {
            let rate = page.rate_at(hour * 3_600);
            rates += rate;
            roots += rate.sqrt();
            hours += 1.0;
        }
    }
    hours * rates / (roots * roots)
}

#[expect(clippy::cast_precision_loss, reason = "seconds of some weeks or of this century")]
fn seconds(secs: i64) -> f64 {
    secs as f64
}

fn delays(mut waits: Vec<f64>, calls_a_day: u32) -> Delays {
    waits.sort_by(f64::total_cmp);
    let posts = waits.len();
    let at = |share: usize| waits.get(posts.saturating_sub(1) * share / 100).copied();
    #[expect(clippy::cast_precision_loss, reason = "a few million")]
    let mean = waits.iter().sum::<f64>() / posts.max(1) as f64;
    Delays { posts, mean, p99: at(99).unwrap_or(0.0), worst: at(100).unwrap_or(0.0), calls_a_day }
}

/// Every page after the same time, one behind the other.
fn equal(trial: &Trial, posts: &[Vec<i64>], start: i64, end: i64) -> Delays {
    let sources = i64::try_from(trial.sources).unwrap_or(1);
    let step = 86_400.0 / f64::from(trial.calls_a_day);
    let every = step * seconds(sources);
    let mut waits = Vec::new();
    for (number, posts) in (0..).zip(posts) {
        let phase = seconds(start) + step * seconds(number);
        for post in posts.iter().filter(|post| (start..end).contains(*post)) {
            let passed = (seconds(*post) - phase) / every;
            waits.push(phase + passed.ceil() * every - seconds(*post));
        }
    }
    delays(waits, trial.calls_a_day)
}

/// The daemon's schedule, with what the daemon knows.
struct Adaptive<'a> {
    trial: &'a Trial,
    posts: &'a [Vec<i64>],
    /// Posts collected of each page.
    taken: Vec<usize>,
    histories: Vec<History>,
    rhythms: Vec<Rhythm>,
    plan: Option<Plan>,
    planned: i64,
    /// The quota's day and the calls made in it.
    day: (i64, u32),
    most: u32,
    looks: BinaryHeap<Reverse<(i64, usize)>>,
    rng: Rng,
    waits: Vec<f64>,
}

impl<'a> Adaptive<'a> {
    fn new(trial: &'a Trial, posts: &'a [Vec<i64>], start: i64) -> Self {
        let since = start.div_euclid(3_600) - BACKFILL_HOURS;
        let known = History { since, until: instant(start), hours: Vec::new() };
        let mut adaptive = Self {
            trial,
            posts,
            taken: vec![0; posts.len()],
            histories: vec![known; posts.len()],
            rhythms: Vec::new(),
            plan: None,
            planned: start - REPLAN_SECS,
            day: (0, 0),
            most: 0,
            looks: BinaryHeap::new(),
            rng: Rng::new(trial.seed ^ 0x5EED),
            waits: Vec::new(),
        };
        for page in 0..posts.len() {
            adaptive.collect(page, start, false);
            adaptive.looks.push(Reverse((start, page)));
        }
        adaptive
    }

    fn run(mut self, end: i64) -> Delays {
        while let Some(Reverse((now, page))) = self.looks.pop() {
            let day = (now + QUOTA_OFFSET_SECS).div_euclid(86_400);
            if self.day.0 != day {
                self.day = (day, 0);
            }
            if self.day.1 >= self.trial.calls_a_day {
                // The platform says no until its day ends.
                self.looks.push(Reverse(((day + 1) * 86_400 - QUOTA_OFFSET_SECS, page)));
                continue;
            }
            self.day.1 += 1;
            self.most = self.most.max(self.day.1);
            // Looks go on behind the end, until the last post is collected.
            let measured = self.posts[page].get(self.taken[page]).is_some_and(|post| *post < end);
            self.collect(page, now, true);
            if now < end || measured {
                self.replan(now);
                let next = self.next(page, now);
                self.looks.push(Reverse((next.max(now + 1), page)));
            }
        }
        delays(self.waits, self.most)
    }

    /// Takes over what was published up to `now`.
    fn collect(&mut self, page: usize, now: i64, measured: bool) {
        let history = &mut self.histories[page];
        history.until = instant(now);
        while let Some(post) = self.posts[page].get(self.taken[page]).filter(|at| **at <= now) {
            self.taken[page] += 1;
            let hour = post.div_euclid(3_600);
            match history.hours.last_mut() {
                Some(last) if last.0 == hour => last.1 += 1,
                _ => history.hours.push((hour, 1)),
            }
            if measured {
                self.waits.push(seconds(now - post));
            }
        }
    }

    fn replan(&mut self, now: i64) {
        if now - self.planned < REPLAN_SECS {
            return;
        }
        self.planned = now;
        self.rhythms = learn(&self.histories, OFFSET_SECS);
        let purse = Purse {
            left: Some(f64::from(self.trial.calls_a_day - self.day.1)),
            per_day: f64::from(self.trial.calls_a_day),
            day_ends: instant((self.day.0 + 1) * 86_400 - QUOTA_OFFSET_SECS),
            cost: 1.0,
        };
        self.plan =
            Some(plan(&self.rhythms.iter().map(subject).collect::<Vec<_>>(), &purse, instant(now)));
    }

    fn next(&mut self, page: usize, now: i64) -> i64 {
        let jitter = 2.0 * self.rng.unit() - 1.0;
        let Some(plan) = self.plan else { return now + EVERY_SECS };
        plan.next(&subject(&self.rhythms[page]), instant(now), jitter).at.as_second()
    }
}

fn subject(rhythm: &Rhythm) -> Subject<'_> {
    Subject { rhythm, every_secs: EVERY_SECS, floor_secs: 60, weight: 1.0 }
}

/// Wished interval of every page: shorter than the quota allows.
const EVERY_SECS: i64 = 900;

fn instant(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rhythm_beats_equal_intervals_at_the_same_calls() {
        for seed in [1, 4] {
            let trial = Trial { seed, sources: 30, calls_a_day: 2_500, days: 3, drawn: false };
            let outcome = compare(&trial);
            assert!(outcome.adaptive.calls_a_day <= 2_500, "seed {seed}: {outcome:?}");
            assert_eq!(outcome.adaptive.posts, outcome.equal.posts, "seed {seed}: all collected");
            assert!(outcome.gain() >= 0.9 * outcome.bound, "seed {seed}: {outcome:?}");
            assert!(outcome.gain() >= 1.5, "seed {seed}: {outcome:?}");
            assert!(outcome.tail() <= 2.0, "seed {seed}: {outcome:?}");
            assert_eq!(compare(&trial), outcome, "seed {seed}: the same again");
        }
    }
}
