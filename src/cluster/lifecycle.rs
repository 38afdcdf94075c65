//! What time alone does to a problem.
//!
//! Place in the flow: a fixed job walks over living problems and appends what [`age`] says.
//! Invariant: `assign` looks at the gap between posts only, so it does not matter to the problems
//! when, or whether, this job ran.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::{ClusterRules, days};
use crate::model::{CloseReason, Problem, ProblemEventKind, ProblemState};

/// The event that silence until `now` brings, if any: quiet after `quiet_days`, closed after
/// `reopen_days` without a post.
#[must_use]
pub fn age(problem: &Problem, now: Timestamp, rules: &ClusterRules) -> Option<ProblemEventKind> {
    if problem.state == ProblemState::Closed {
        return None;
    }
    let silence = now.duration_since(problem.last);
    if silence > days(rules.reopen_days) {
        return Some(ProblemEventKind::Closed { reason: CloseReason::Silence });
    }
    let speaks = matches!(problem.state, ProblemState::Open | ProblemState::Reopened);
    (speaks && silence > days(rules.quiet_days)).then_some(ProblemEventKind::Quieted)
}

/// How a problem behaves over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    /// It lasts or returns, rather than breaking out and ending.
    pub chronic: bool,
    /// Earlier problems of the same key.
    pub before: u32,
    /// Whether one of them was in the same months of an earlier year.
    pub season: bool,
}

/// A problem that lives this long, or came back this often, is chronic.
const CHRONIC_DAYS: i64 = 60;
const CHRONIC_RETURNS: u32 = 2;

/// What the past of a problem says: `past` holds problems of the same key, in any order.
#[must_use]
pub fn life(problem: &Problem, past: &[Problem], zone: &TimeZone) -> Life {
    let earlier = |other: &&Problem| other.id != problem.id && other.last < problem.opened;
    let earlier: Vec<&Problem> = past.iter().filter(earlier).collect();
    let before = u32::try_from(earlier.len()).unwrap_or(u32::MAX);
    let lasts = problem.last.duration_since(problem.opened).as_hours() / 24;
    let months = months_of(problem, zone);
    let year = problem.opened.to_zoned(zone.clone()).year();
    let season = earlier.iter().any(|other| {
        let same = months_of(other, zone).intersection(&months).next().is_some();
        same && other.opened.to_zoned(zone.clone()).year() < year
    });
    let chronic = lasts >= CHRONIC_DAYS || problem.returns + before >= CHRONIC_RETURNS;
    Life { chronic, before, season }
}

/// Months of the year in which a problem was written about, from its first to its last post.
fn months_of(problem: &Problem, zone: &TimeZone) -> BTreeSet<i8> {
    let first = problem.opened.to_zoned(zone.clone()).date().first_of_month();
    let last = problem.last.to_zoned(zone.clone()).date();
    let mut months = BTreeSet::new();
    let mut at = first;
    while at <= last && months.len() < 12 {
        months.insert(at.month());
        at = at.saturating_add(1.month());
    }
    months
}
