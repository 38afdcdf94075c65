//! How the calls of a day are shared out among sources, and when each is looked at next.
//!
//! Place in the flow: asked at the end of each look. Invariants: the looks that a plan names cost
//! no more than what is left of the quota; a source waits longer than its wish only for want of
//! quota, and then at most [`LONGEST`] times its share of an even spread. Without a shortage the
//! looks that busy sources get would be taken from quiet ones; these keep their wish all the same,
//! and where that leads to a shortage later in the day, the plan of that hour knows it.
//!
//! Model. A post that appears at t is collected at the next look, so with looks of density ρ(t) its
//! mean delay is 1/(2ρ). The delay of all posts, ∫ Σ w·λ(t)/(2ρ(t)) dt, is least under the budget
//! ∫ Σ c·ρ(t) dt = B at ρ ∝ √(w·λ/c): intervals shrink with the *root* of the rate. This is the
//! Lagrange solution of the freshness problem for an additive delay cost (J. Cho and
//! H. Garcia-Molina, «Effective page refresh policies for Web crawlers», ACM TODS 28(4), 2003,
//! where the age of a page takes the delay's place; J. Wolf, M. Squillante, P. Yu, J. Sethuraman
//! and L. Ozsen, «Optimal crawling strategies for Web search engines», WWW 2002, with bounds on
//! each page's share). w is the weight of the source's open risks, c what a look costs. `every`
//! scales a source's density against the others'; the bounds keep the tail of delays short.

use jiff::{SignedDuration, Timestamp};

use super::Rhythm;
use crate::model::LookReason;

/// Longest interval for want of quota, in even shares: a bound on the delay of the quietest page.
pub const LONGEST: f64 = 2.0;
/// Shortest interval, in even shares.
const SHORTEST: f64 = 0.05;
/// Part of a quota that is planned; the rest is for looks that people ask for and for retries.
pub const PLANNED: f64 = 0.98;
/// An interval this near to the wish (times) is the wish.
const NEAR: f64 = 1.15;
/// How much rarer than wished looks can get at most.
const STRETCH_MAX: f64 = 1_000.0;
/// Steps of the search for the scale, and its bounds as powers of two.
const STEPS: u32 = 48;
const SCALE: (f64, f64) = (-30.0, 30.0);
/// A look is never further away than this, in hours.
const HOURS_MAX: i64 = 24 * 14;

/// A source that shares a quota with others.
#[derive(Debug, Clone)]
pub struct Subject<'a> {
    /// When it writes.
    pub rhythm: &'a Rhythm,
    /// Wished seconds between two looks.
    pub every_secs: i64,
    /// Least seconds between two looks, out of courtesy.
    pub floor_secs: i64,
    /// Weight of its open risks, 1 if there are none.
    pub weight: f64,
}

/// What may be spent until when.
#[derive(Debug, Clone, Copy)]
pub struct Purse {
    /// Calls left of the quota until its day ends; `None` = there is no quota.
    pub left: Option<f64>,
    /// Calls of a whole day.
    pub per_day: f64,
    /// When the quota's day ends.
    pub day_ends: Timestamp,
    /// Mean calls of a look that count against the quota.
    pub cost: f64,
}

/// The looks of the sources that share a quota.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// Until the quota's day ends.
    today: Share,
    /// From then on.
    later: Share,
    day_ends: Timestamp,
    /// Mean of the wished looks an hour.
    wish: f64,
}

/// How much of their wishes the sources get.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Share {
    /// Looks an hour for each root of a post an hour.
    scale: f64,
    /// How many times rarer than wished the looks are for want of quota; 1 if there is enough.
    stretch: f64,
}

/// When and why.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Next {
    /// When to look.
    pub at: Timestamp,
    /// Why then.
    pub why: LookReason,
}

/// Shares out what is left of a quota at `now`, and the quota of the day behind it.
#[must_use]
pub fn plan(subjects: &[Subject<'_>], purse: &Purse, now: Timestamp) -> Plan {
    #[expect(clippy::cast_precision_loss, reason = "some hundreds of sources")]
    let count = subjects.len().max(1) as f64;
    let wishes: f64 = subjects.iter().map(wished).sum();
    let hours = hours_between(now, purse.day_ends);
    let reserve = |hours: f64| purse.per_day * (1.0 - PLANNED) * hours / 24.0;
    let looks = |calls: f64, hours: f64| (calls - reserve(hours)).max(0.0) / purse.cost.max(0.01);
    let (left, per_day) = match purse.left {
        Some(left) => (looks(left, hours), looks(purse.per_day, 24.0)),
        None => (f64::INFINITY, f64::INFINITY),
    };
    let share = |from: Timestamp, hours: f64, looks: f64| {
        let wanted = wishes * hours;
        let stretch = (wanted / looks).clamp(1.0, STRETCH_MAX);
        let share = Share { scale: 0.0, stretch };
        let plan = Plan { today: share, later: share, day_ends: from, wish: wishes / count };
        let scale = scale(subjects, &plan, from, hours, looks.min(wanted));
        Share { scale, stretch }
    };
    let later = share(purse.day_ends, 24.0, per_day);
    let today = if hours > 0.0 { share(now, hours, left) } else { later };
    Plan { today, later, day_ends: purse.day_ends, wish: wishes / count }
}

/// The scale at which the sources make so many looks within the hours from `from` on.
fn scale(subjects: &[Subject<'_>], plan: &Plan, from: Timestamp, hours: f64, looks: f64) -> f64 {
    let (mut low, mut high) = SCALE;
    for _ in 0..STEPS {
        let middle = f64::midpoint(low, high);
        let share = Share { scale: middle.exp2(), ..plan.later };
        let tried = Plan { today: share, later: share, ..*plan };
        let made: f64 = subjects.iter().map(|it| looks_until(it, &tried, from, hours)).sum();
        if made > looks {
            high = middle;
        } else {
            low = middle;
        }
    }
    low.exp2()
}

/// Wished looks an hour.
fn wished(subject: &Subject<'_>) -> f64 {
    3_600.0 / seconds(subject.every_secs.max(1))
}

#[expect(clippy::cast_precision_loss, reason = "some days in seconds")]
fn seconds(secs: i64) -> f64 {
    secs as f64
}

fn hours_between(from: Timestamp, to: Timestamp) -> f64 {
    seconds(to.duration_since(from).as_secs().max(0)) / 3_600.0
}

/// Looks an hour at `at`, at least an even share in `longest` times its interval.
fn density(subject: &Subject<'_>, plan: &Plan, at: Timestamp, longest: f64) -> f64 {
    let wish = wished(subject);
    let share = plan.share_at(at);
    let root = (subject.weight * subject.rhythm.expected(at)).sqrt();
    let even = wish / share.stretch;
    let floor = 3_600.0 / seconds(subject.floor_secs.max(1));
    let most = (even / SHORTEST).min(floor);
    (share.scale * root * wish / plan.wish).min(most).max(even / longest).min(floor.max(wish))
}

/// Hours from `from` on, cut where civil hours begin: the begin of each, and its length in hours.
/// (Quota days begin with an hour.)
fn parts(from: Timestamp) -> impl Iterator<Item = (Timestamp, f64)> {
    let begin = super::hour_of(from) + 1;
    let first = Timestamp::from_second(begin * 3_600).unwrap_or(from);
    let rest = (0..HOURS_MAX)
        .filter_map(move |hour| Some((Timestamp::from_second((begin + hour) * 3_600).ok()?, 1.0)));
    std::iter::once((from, hours_between(from, first))).chain(rest)
}

fn looks_until(subject: &Subject<'_>, plan: &Plan, from: Timestamp, hours: f64) -> f64 {
    let mut left = hours;
    let mut looks = 0.0;
    for (begin, length) in parts(from) {
        if left <= 0.0 {
            break;
        }
        looks += density(subject, plan, begin, LONGEST) * length.min(left);
        left -= length;
    }
    looks
}

impl Plan {
    /// What holds at `at`: what is left of today's quota, or the one behind it.
    fn share_at(&self, at: Timestamp) -> &Share {
        if at < self.day_ends { &self.today } else { &self.later }
    }

    /// How many times rarer than wished the looks are today for want of quota; 1 if there is
    /// enough.
    #[must_use]
    pub fn stretch(&self) -> f64 {
        self.today.stretch
    }

    /// The look behind one that ended at `now`. `jitter` in -1..1 moves it by up to a twentieth, so
    /// that sources do not walk in step.
    #[must_use]
    pub fn next(&self, subject: &Subject<'_>, now: Timestamp, jitter: f64) -> Next {
        let mut left = 1.0 + jitter.clamp(-1.0, 1.0) / 20.0;
        let mut hours = 0.0;
        for (begin, length) in parts(now) {
            let longest = if self.share_at(begin).stretch > 1.0 { LONGEST } else { 1.0 };
            let density = density(subject, self, begin, longest);
            if density * length >= left {
                hours += left / density;
                break;
            }
            left -= density * length;
            hours += length;
        }
        #[expect(clippy::cast_possible_truncation, reason = "at most two weeks")]
        let wait = SignedDuration::from_millis((hours * 3_600_000.0) as i64);
        let at = now.saturating_add(wait).unwrap_or(Timestamp::MAX);
        Next { at, why: self.why(subject, hours * wished(subject)) }
    }

    /// Why an interval of so many wishes.
    fn why(&self, subject: &Subject<'_>, wishes: f64) -> LookReason {
        if wishes * NEAR < 1.0 {
            if subject.weight > 1.0 { LookReason::Risk } else { LookReason::Busy }
        } else if wishes <= NEAR {
            LookReason::Wished
        } else if self.stretch() > NEAR {
            LookReason::Quota
        } else {
            LookReason::Quiet
        }
    }
}
