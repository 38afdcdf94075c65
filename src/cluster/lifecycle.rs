//! What time alone does to a problem.
//!
//! Place in the flow: a fixed job walks over living problems and appends what [`age`] says.
//! Invariant: `assign` looks at the gap between posts only, so it does not matter to the problems
//! when, or whether, this job ran.

use jiff::Timestamp;

use super::{ClusterRules, days};
use crate::model::{Problem, ProblemEventKind, ProblemState};

/// The event that silence until `now` brings, if any: quiet after `quiet_days`, closed after
/// `reopen_days` without a post.
#[must_use]
pub fn age(problem: &Problem, now: Timestamp, rules: &ClusterRules) -> Option<ProblemEventKind> {
    if problem.state == ProblemState::Closed {
        return None;
    }
    let silence = now.duration_since(problem.last);
    if silence > days(rules.reopen_days) {
        return Some(ProblemEventKind::Closed { reason: "silence".to_owned() });
    }
    let speaks = matches!(problem.state, ProblemState::Open | ProblemState::Reopened);
    (speaks && silence > days(rules.quiet_days)).then_some(ProblemEventKind::Quieted)
}
