//! A simulated year of a district: few posts a day in many cells, with planted bursts, for
//! measuring what is called a burst.
//!
//! Place in the flow: beside it; a small year runs in the tests, `benches/year.rs` prints the table
//! of whole ones. Invariants: the same seed tells the same year; posts go through the real `assign`
//! before they are counted, so copies and comments meet what they meet in the daemon.
//!
//! A burst is what officials are told of a cell, once a week at most. It is true if at least half
//! of the posts that it counts tell of one planted problem, and that problem is found; every other
//! burst is false. The same holds for each rule, over the posts that the rule itself counts.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};

use super::Rng;
use crate::cluster::usual::{DISTRICT_BUDGET, Heard, Usual, UsualRules};
use crate::cluster::{ClusterRules, Newcomer, OpenProblems, ProblemFacts, assign};
use crate::model::{
    Finding, PlaceBy, PlaceFinding, PlaceId, PostKey, Risk, RiskLevel, RiskReason, TopicId,
    TopicKind,
};
use crate::text::Sketch;

/// What a year is made of.
#[derive(Debug, Clone, Copy)]
pub struct YearShape {
    /// Days.
    pub days: usize,
    /// Topics; the n-th is written about 1/n as much as the first.
    pub topics: usize,
    /// Settlements, likewise.
    pub places: usize,
    /// Ordinary complaints a day in the whole district.
    pub daily: f64,
    /// Planted problems.
    pub planted: usize,
}

impl YearShape {
    /// A whole year of a district like the first customer's.
    pub const WHOLE: Self = Self { days: 365, topics: 24, places: 40, daily: 12.0, planted: 100 };
}

/// What a post of the year is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Complaint,
    /// Somebody else posts the same text again.
    Copy,
    /// Somebody agrees below it.
    Comment,
}

/// One post.
#[derive(Debug, Clone, Copy)]
struct YearPost {
    at: f64,
    topic: usize,
    place: usize,
    planted: Option<usize>,
    sort: Sort,
}

/// A planted problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Plant {
    topic: usize,
    place: usize,
    day: usize,
    posts: usize,
}

/// How one rule did over a year.
#[derive(Debug, Clone, PartialEq)]
pub struct YearScore {
    /// Rule.
    pub name: &'static str,
    /// Share of planted problems that a burst told of.
    pub found: f64,
    /// Share of its bursts that told of planted problems.
    pub precision: f64,
    /// Median of the number of the planted post at which it did.
    pub delay_posts: Option<usize>,
    /// Bursts a week that told of none.
    pub false_a_week: f64,
}

/// A burst, as some rule called it: the planted problem that it tells of, with the number of that
/// problem's posts until then.
type Call = Option<(usize, usize)>;

/// Tells the year of `seed` and scores the rules on it: the daemon's own, a fixed number of posts a
/// day, and mean + 2σ of the cell's last four weeks.
#[must_use]
pub fn score_year(seed: u64, shape: YearShape) -> Vec<YearScore> {
    let mut rng = Rng::new(seed);
    let plants = plant(&mut rng, shape);
    let posts = tell(&mut rng, shape, &plants);
    let counted = through_assign(&posts);
    let usual = usual_calls(&counted, shape);
    let fixed = day_calls(&counted, |today, _| today >= 3.0);
    let sigma = day_calls(&counted, |today, past| {
        let mean = past.iter().sum::<f64>() / 28.0;
        let variance = past.iter().map(|n| (n - mean).powi(2)).sum::<f64>() / 27.0;
        today >= 2.0 && today > mean + 2.0 * variance.sqrt()
    });
    [("usual", usual), ("fixed_3_a_day", fixed), ("mean_2_sigma", sigma)]
        .into_iter()
        .map(|(name, calls)| judge(name, &calls, shape))
        .collect()
}

fn weight(n: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "topics and settlements are few")]
    let rank = (n + 1) as f64;
    1.0 / rank
}

/// Draws a number below `bound`, the n-th with weight 1/n.
fn ranked(rng: &mut Rng, bound: usize) -> usize {
    let mut left = rng.unit() * (0..bound).map(weight).sum::<f64>();
    for n in 0..bound {
        left -= weight(n);
        if left <= 0.0 {
            return n;
        }
    }
    bound.saturating_sub(1)
}

fn plant(rng: &mut Rng, shape: YearShape) -> Vec<Plant> {
    let mut plants: Vec<Plant> = Vec::new();
    while plants.len() < shape.planted {
        let (topic, place) = (ranked(rng, shape.topics), ranked(rng, shape.places));
        let day = 7 + rng.below(shape.days.saturating_sub(14));
        let near = |other: &Plant| {
            (other.topic, other.place) == (topic, place) && other.day.abs_diff(day) < 14
        };
        if !plants.iter().any(near) {
            plants.push(Plant { topic, place, day, posts: 6 + rng.below(7) });
        }
    }
    plants
}

/// Poisson count by Knuth's product, fit for small means.
fn poisson(rng: &mut Rng, mean: f64) -> usize {
    let (limit, mut product, mut count) = ((-mean).exp(), rng.unit(), 0);
    while product > limit {
        product *= rng.unit();
        count += 1;
    }
    count
}

#[expect(clippy::cast_precision_loss, reason = "days, topics and settlements are few")]
fn tell(rng: &mut Rng, shape: YearShape, plants: &[Plant]) -> Vec<YearPost> {
    let total: f64 =
        (0..shape.topics).map(weight).sum::<f64>() * (0..shape.places).map(weight).sum::<f64>();
    let mut posts = Vec::new();
    for day in 0..shape.days {
        let weekday = [1.1, 1.1, 1.05, 1.0, 1.0, 0.8, 0.7][day % 7];
        for topic in 0..shape.topics {
            // Every fourth topic belongs to the cold half of the year.
            let swing = (std::f64::consts::TAU * day as f64 / 365.0).cos();
            let season = if topic % 4 == 0 { (1.0 + 1.2 * swing).max(0.1) } else { 1.0 };
            for place in 0..shape.places {
                // A day's own factor: gamma of shape 2 and mean 1.
                let own = -(rng.unit().max(1e-12) * rng.unit().max(1e-12)).ln() / 2.0;
                let mean = shape.daily * weight(topic) * weight(place) / total;
                for _ in 0..poisson(rng, mean * weekday * season * own) {
                    let at = day as f64 + rng.unit();
                    posts.push(YearPost { at, topic, place, planted: None, sort: Sort::Complaint });
                }
            }
        }
    }
    let ordinary = posts.len();
    for number in 0..ordinary {
        // Some are copied word for word, some draw a comment.
        for (sort, share) in [(Sort::Copy, 0.15), (Sort::Comment, 0.05)] {
            if rng.chance(share) {
                let at = posts[number].at + 0.2 * rng.unit();
                posts.push(YearPost { at, sort, ..posts[number] });
            }
        }
    }
    for (number, plant) in plants.iter().enumerate() {
        let begins = plant.day as f64 + 0.2 + 0.6 * rng.unit();
        let lasts = (2.0 + 34.0 * rng.unit()) / 24.0;
        for n in 0..plant.posts {
            let at = begins + lasts * n as f64 / (plant.posts - 1) as f64;
            let sort = if n > 0 && rng.chance(0.3) { Sort::Comment } else { Sort::Complaint };
            let Plant { topic, place, .. } = *plant;
            posts.push(YearPost { at, topic, place, planted: Some(number), sort });
        }
    }
    posts.retain(|post| post.at < shape.days as f64);
    posts.sort_by(|a, b| a.at.total_cmp(&b.at));
    posts
}

fn topic_id(n: usize) -> TopicId {
    format!("topic{n}").into()
}

fn place_id(n: usize) -> PlaceId {
    PlaceId(format!("place{n}"))
}

fn instant(at: f64) -> Timestamp {
    #[expect(clippy::cast_possible_truncation, reason = "seconds of a year")]
    let seconds = (at * 86_400.0) as i64;
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
}

/// A text of its own for each complaint, long enough to be told from others and from its copies.
fn text(number: usize) -> String {
    let word = |n: usize| -> String {
        let letter = |n: usize| char::from_u32(0x430 + u32::try_from(n % 32).unwrap_or(0));
        [n, n / 32 + 7 * n, n / 5, n / 3].into_iter().filter_map(letter).collect()
    };
    (0..10).map(|n| word(number.wrapping_mul(31) + n * 97)).collect::<Vec<_>>().join(" ")
}

/// The posts that are counted: those that joined a problem and are no copies.
fn through_assign(posts: &[YearPost]) -> Vec<YearPost> {
    let rules = ClusterRules::default();
    let mut open = OpenProblems::new("sim".into());
    let mut last: BTreeMap<(usize, usize), (usize, Vec<crate::model::ProblemId>)> = BTreeMap::new();
    let mut counted = Vec::new();
    for (number, post) in posts.iter().enumerate() {
        let cell = (post.topic, post.place);
        let before = last.get(&cell).cloned();
        let source = before.as_ref().filter(|_| post.sort == Sort::Copy);
        let words = text(source.map_or(number, |(first, _)| *first));
        let mut item = newcomer(number, post, &words);
        if post.sort == Sort::Comment {
            item.thread = before.map(|(_, thread)| thread).unwrap_or_default();
            item.findings.clear();
            item.echo = true;
        }
        let joined = assign(&item, &mut open, &rules, &score);
        let fresh = joined.iter().any(|it| it.membership.as_ref().is_some_and(|m| !m.copy));
        if fresh {
            counted.push(*post);
        }
        if post.sort == Sort::Complaint {
            last.insert(cell, (number, joined.into_iter().map(|it| it.problem).collect()));
        }
    }
    counted
}

fn newcomer(number: usize, post: &YearPost, words: &str) -> Newcomer {
    let topic = topic_id(post.topic);
    let place = PlaceFinding {
        place: Some(place_id(post.place)),
        title: String::new(),
        by: PlaceBy::Text,
        elsewhere: false,
        span: None,
        street: None,
        house: None,
        street_start: None,
        street_end: None,
    };
    let finding = Finding {
        topic: topic.clone(),
        score: 80,
        kind: TopicKind::Problem,
        matches: Vec::new(),
        clause: None,
    };
    let mark = (197_001, (number as u64).to_be_bytes());
    let risk = Risk { score: 40, level: RiskLevel::Elevated, reasons: Vec::new() };
    Newcomer {
        key: PostKey { source: "sim".into(), id: format!("{number}").into() },
        published: instant(post.at),
        findings: vec![finding],
        places: vec![place],
        risks: BTreeMap::from([(topic.clone(), risk)]),
        calm: BTreeMap::new(),
        objects: BTreeMap::new(),
        echo: false,
        sketch: Sketch::of(words),
        voices: BTreeMap::from([(topic, mark)]),
        own_name: false,
        official: false,
        ground: true,
        quotable: false,
        text_hash: number as u64,
        thread: Vec::new(),
        member_of: Vec::new(),
        barred: Vec::new(),
    }
}

fn score(facts: &ProblemFacts<'_>) -> Risk {
    let reason = RiskReason { reason: "post".to_owned(), points: 40, text: String::new() };
    let score = u8::try_from(40 + facts.voices.min(20)).unwrap_or(60);
    Risk { score, level: RiskLevel::of(score), reasons: vec![reason] }
}

fn civil(at: f64) -> DateTime {
    instant(at).to_zoned(TimeZone::UTC).datetime()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "days of a year")]
fn day_of(at: f64) -> usize {
    at as usize
}

/// Posts as they come, by cell.
#[derive(Default)]
struct Come {
    cells: BTreeMap<(usize, usize), Vec<YearPost>>,
    planted: BTreeMap<usize, usize>,
}

impl Come {
    fn add(&mut self, post: &YearPost) {
        self.cells.entry((post.topic, post.place)).or_default().push(*post);
        if let Some(planted) = post.planted {
            *self.planted.entry(planted).or_default() += 1;
        }
    }

    /// A burst called now that counts the posts of a cell since `from`.
    fn call(&self, cell: (usize, usize), from: f64) -> Call {
        let posts = self.cells.get(&cell).into_iter().flatten();
        let counted: Vec<_> = posts.filter(|post| post.at >= from).collect();
        let mut by_plant: BTreeMap<usize, usize> = BTreeMap::new();
        for planted in counted.iter().filter_map(|post| post.planted) {
            *by_plant.entry(planted).or_default() += 1;
        }
        let (&planted, &most) = by_plant.iter().max_by_key(|(_, count)| **count)?;
        let come = self.planted.get(&planted).copied().unwrap_or(0);
        (2 * most >= counted.len()).then_some((planted, come))
    }
}

fn usual_calls(posts: &[YearPost], shape: YearShape) -> Vec<Call> {
    let rules = UsualRules { budget: DISTRICT_BUDGET, topics: shape.topics, places: shape.places };
    let mut usual = Usual::default();
    let mut come = Come::default();
    let mut calls = Vec::new();
    for post in posts {
        come.add(post);
        let (topic, place) = (topic_id(post.topic), place_id(post.place));
        let heard = Heard { at: civil(post.at), reaction: post.sort == Sort::Comment };
        if let Some(burst) = usual.observe(topic.as_str(), place.as_str(), heard, &rules) {
            let from = post.at - f64::from(burst.hours) / 24.0;
            calls.push(come.call((post.topic, post.place), from));
        }
    }
    calls
}

/// Calls by today's count in the cell and those of the 28 days before; once a week at most.
fn day_calls(posts: &[YearPost], rule: impl Fn(f64, &[f64]) -> bool) -> Vec<Call> {
    let mut counts: BTreeMap<(usize, usize), BTreeMap<usize, f64>> = BTreeMap::new();
    let mut told: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    let mut come = Come::default();
    let mut calls = Vec::new();
    for post in posts {
        come.add(post);
        let (cell, day) = ((post.topic, post.place), day_of(post.at));
        let days = counts.entry(cell).or_default();
        *days.entry(day).or_default() += 1.0;
        let count = |ago: usize| day.checked_sub(ago).and_then(|it| days.get(&it)).copied();
        let past: Vec<f64> = (1..=28).map(|ago| count(ago).unwrap_or(0.0)).collect();
        if rule(count(0).unwrap_or(0.0), &past) {
            if told.get(&cell).is_none_or(|told| day - told >= 7) {
                calls.push(come.call(cell, post.at.floor()));
            }
            told.insert(cell, day);
        }
    }
    calls
}

#[expect(clippy::cast_precision_loss, reason = "counts of a year")]
fn judge(name: &'static str, calls: &[Call], shape: YearShape) -> YearScore {
    let mut found: BTreeMap<usize, usize> = BTreeMap::new();
    let mut right = 0;
    for (planted, come) in calls.iter().flatten() {
        right += 1;
        found.entry(*planted).or_insert(*come);
    }
    let mut delays: Vec<usize> = found.values().copied().collect();
    delays.sort_unstable();
    YearScore {
        name,
        found: found.len() as f64 / shape.planted.max(1) as f64,
        precision: f64::from(right) / calls.len().max(1) as f64,
        delay_posts: delays.get(delays.len() / 2).copied(),
        false_a_week: (calls.len() as f64 - f64::from(right)) / (shape.days as f64 / 7.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: YearShape =
        YearShape { days: 150, topics: 8, places: 12, daily: 4.0, planted: 30 };

    #[test]
    fn a_small_year_is_told_apart_from_chance() {
        let scores = score_year(7, SMALL);
        let [usual, fixed, sigma] = scores.as_slice() else { panic!("three rules") };
        assert!(usual.found >= 0.9 && usual.precision >= 0.9, "{scores:#?}");
        // Whole years reach 3: `benches/year.rs`.
        assert!(usual.delay_posts.is_some_and(|posts| posts <= 4), "{scores:#?}");
        assert!(usual.false_a_week <= 1.0, "{scores:#?}");
        assert!(usual.precision > fixed.precision && usual.precision > sigma.precision);
        assert_eq!(score_year(7, SMALL), scores, "the same seed tells the same year");
    }

    #[test]
    fn without_bursts_the_false_ones_keep_the_budget() {
        let shape = YearShape { planted: 0, ..SMALL };
        let weeks = (1..=4).map(|seed| score_year(seed, shape)[0].false_a_week);
        let mean = weeks.sum::<f64>() / 4.0;
        // 86 weeks: three standard deviations above the budget.
        assert!(mean <= DISTRICT_BUDGET + 3.0 * (DISTRICT_BUDGET / 86.0).sqrt(), "{mean}");
    }
}
