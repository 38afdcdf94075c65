//! What becomes of an alert with time: reminders, the next on the ladder, an answer that does not
//! come, a rumour that proves true.
//!
//! Place in the flow: an alert begins it, the group task asks [`next`] when a row is due.
//! Invariants: a problem that somebody has in work, that was answered or that is over climbs no
//! ladder; every step is done once, also after a restart, because the row moves on in the
//! transaction of its messages; each wait is bounded below by the configuration, so nothing turns
//! in a circle.

use jiff::{SignedDuration, Timestamp};

use super::hours::after_open;
use super::route::{Roster, hours_of};
use crate::config::routes::Hours;
use crate::model::{
    Alert, AlertId, AlertReason, Follow, Matter, Problem, ProblemId, ProblemState, RiskLevel,
    RumourState,
};

/// While nobody writes, a missing answer is looked at so often.
const LOOK_HOURS: i64 = 24;
/// Each wait for an answer is so many times as long as the one before.
const WAIT_GROWS: u32 = 3;
/// Most times that a missing answer is told.
const WAITS_MAX: u32 = 3;

/// What is due now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Nothing any more.
    Over,
    /// Nothing yet: look again then.
    Later(Follow),
    /// Nobody took the alert into work.
    Remind {
        /// Receivers by name; empty = those who got the alert.
        tell: Vec<String>,
        /// The next step.
        then: Option<Follow>,
    },
    /// An alert of its own.
    Tell {
        /// Why.
        reason: AlertReason,
        /// When to look again.
        then: Option<Follow>,
    },
}

/// What an alert begins, `first` being the receiver told first: the ladder from its foot, and the
/// wait for an answer unless one is under way.
#[must_use]
pub fn begin(alert: &Alert, first: Option<&str>, roster: &Roster<'_>) -> Vec<Follow> {
    let level = alert.facts.level;
    let foot = Climb { problem: &alert.problem, alert: Some(&alert.id), level, first };
    let ladder = climb(&foot, 0, alert.at, alert.at, roster);
    let waits = matches!(
        alert.reason,
        AlertReason::NewProblem | AlertReason::Reopened | AlertReason::RumourSpreads
    );
    let waiting = roster.routes.alert.waiting.filter(|_| waits).map(|wait| Follow {
        problem: alert.problem.clone(),
        matter: Matter::Waiting,
        alert: Some(alert.id.clone()),
        step: 0,
        since: alert.at,
        due: later(alert.at, wait),
    });
    ladder.into_iter().chain(waiting).collect()
}

/// The ladder of an alert that was handed over to `to` at `now`, from its foot; nothing if its
/// level climbs none.
#[must_use]
pub fn anew(alert: &Alert, to: &str, roster: &Roster<'_>, now: Timestamp) -> Option<Follow> {
    let (level, first) = (alert.facts.level, Some(to));
    let foot = Climb { problem: &alert.problem, alert: Some(&alert.id), level, first };
    climb(&foot, 0, now, now, roster)
}

/// What is due of `follow` at `now`. `first`: the receiver that got its alert first.
#[must_use]
pub fn next(
    follow: &Follow,
    problem: &Problem,
    first: Option<&str>,
    roster: &Roster<'_>,
    now: Timestamp,
) -> Next {
    if problem.state == ProblemState::Closed {
        return Next::Over;
    }
    match follow.matter {
        Matter::Ladder => next_step(follow, problem, first, roster, now),
        Matter::Waiting => next_wait(follow, problem, roster, now),
        Matter::Rumour if problem.rumour == Some(RumourState::CheckedTrue) => {
            Next::Tell { reason: AlertReason::RumourConfirmed, then: None }
        }
        Matter::Rumour => Next::Over,
    }
}

fn next_step(
    follow: &Follow,
    problem: &Problem,
    first: Option<&str>,
    roster: &Roster<'_>,
    now: Timestamp,
) -> Next {
    if problem.in_work() || problem.answered.is_some_and(|at| at >= follow.since) {
        return Next::Over;
    }
    let Some(step) = roster.routes.ladder.get(follow.step as usize) else { return Next::Over };
    let level = problem.told.map_or(problem.level, |(_, level, _)| level);
    let foot = Climb { problem: &problem.id, alert: follow.alert.as_ref(), level, first };
    let then = climb(&foot, follow.step + 1, follow.since, now, roster);
    Next::Remind { tell: step.tell.clone(), then }
}

fn next_wait(follow: &Follow, problem: &Problem, roster: &Roster<'_>, now: Timestamp) -> Next {
    let Some(wait) = roster.routes.alert.waiting else { return Next::Over };
    if problem.answered.is_some_and(|at| at >= follow.since) || follow.step >= WAITS_MAX {
        return Next::Over;
    }
    let wait = times(wait, WAIT_GROWS.saturating_pow(follow.step));
    let fresh = problem.told.is_none_or(|(told, ..)| problem.last > told);
    let grave = problem.level >= roster.routes.alert.level;
    if problem.state == ProblemState::Quiet || !fresh || !grave {
        // Nobody has written since: that is no news, and may mean that it is over.
        let due = now.saturating_add(SignedDuration::from_hours(LOOK_HOURS)).unwrap_or(now);
        return Next::Later(Follow { due, ..follow.clone() });
    }
    let longer = later(now, times(wait, WAIT_GROWS));
    let step = follow.step + 1;
    let then = Follow { step, due: longer, ..follow.clone() };
    Next::Tell { reason: AlertReason::WaitsTooLong, then: (step < WAITS_MAX).then_some(then) }
}

/// Whose ladder is climbed.
struct Climb<'a> {
    problem: &'a ProblemId,
    alert: Option<&'a AlertId>,
    level: RiskLevel,
    first: Option<&'a str>,
}

/// The next step at or above `step` that this level climbs, due when its wait has passed from `now`
/// in the open hours of the receiver told first; a critical problem waits in plain time.
fn climb(
    who: &Climb<'_>,
    step: u32,
    since: Timestamp,
    now: Timestamp,
    roster: &Roster<'_>,
) -> Option<Follow> {
    let steps = (0..).zip(&roster.routes.ladder).skip(step as usize);
    let (step, rung) = steps.into_iter().find(|(_, rung)| rung.level <= who.level)?;
    let (hours, zone) = who.first.map_or((Hours::Always, roster.zone), |it| hours_of(it, roster));
    let hours = if who.level == RiskLevel::Critical { Hours::Always } else { hours };
    let due = after_open(hours, roster.calendar, zone, now, rung.after);
    let (problem, alert) = (who.problem.clone(), who.alert.cloned());
    Some(Follow { problem, matter: Matter::Ladder, alert, step, since, due })
}

fn later(from: Timestamp, wait: SignedDuration) -> Timestamp {
    from.saturating_add(wait).unwrap_or(Timestamp::MAX)
}

fn times(wait: SignedDuration, times: u32) -> SignedDuration {
    let times = i32::try_from(times).unwrap_or(i32::MAX);
    wait.checked_mul(times).unwrap_or(SignedDuration::MAX)
}
