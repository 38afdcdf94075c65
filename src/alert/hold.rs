//! Whether an alert that was decided goes, or is held back with a named reason.
//!
//! Place in the flow: between the decision and the outbox rows. Invariants: what is held is stored
//! with its reason and counted, never dropped; a critical alert is held by nothing, and a danger
//! that got worse by no silence; what passes through says so.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::render::words;
use crate::config::routes::Inhibit;
use crate::model::{
    Alert, AlertReason, Cause, Held, HeldBy, Problem, ProblemId, Restraints, RiskLevel, TopicKind,
    Works, WorksState,
};

/// What becomes of an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It goes. What it passed through is said in it.
    Go(Vec<String>),
    /// It does not go, and why.
    Hold(Held),
}

/// Decides about an alert of `problem` at `now`.
#[must_use]
pub fn verdict(
    problem: &Problem,
    alert: &Alert,
    restraints: &Restraints,
    inhibits: &[Inhibit],
    zone: &TimeZone,
    now: Timestamp,
) -> Verdict {
    let held = |by, holder: &str, text| {
        let (alert, problem) = (alert.id.clone(), problem.id.clone());
        Verdict::Hold(Held { alert, problem, by, holder: holder.to_owned(), at: now, text })
    };
    let critical = alert.facts.level == RiskLevel::Critical;
    let mut passed = Vec::new();
    if let Some(works) = works_of(problem, restraints, now)
        && alert.reason != AlertReason::WorksOverdue
    {
        let text = format!("плановые работы до {}", words::clock(works.until, now, zone));
        if !critical {
            return held(HeldBy::Works, &works.id, text);
        }
        passed.push(format!("{text}, но уровень критический"));
    }
    let silence = restraints.silences.iter().find(|it| it.is_active(now) && it.covers(problem));
    if let Some(silence) = silence {
        let until = words::moment(silence.end(), now, zone);
        let text = format!("тишина {} до {until}: {}", silence.id, silence.facts.reason);
        let worse = problem.kind == TopicKind::Danger && alert.reason == AlertReason::LevelRaised;
        match (critical, worse) {
            (false, false) => return held(HeldBy::Silence, &silence.id, text),
            (true, _) => passed.push(format!("{text}; прошло: уровень критический")),
            (false, true) => passed.push(format!("{text}; прошло: опасность стала серьёзнее")),
        }
    }
    if !critical && let Some((cause, inhibit)) = cause_of(problem, restraints, inhibits, now) {
        let told = words::moment(cause.told, now, zone);
        let text = format!("следствие: о причине ({}) сообщено {told}", inhibit.cause);
        return held(HeldBy::Cause, cause.problem.as_str(), text);
    }
    Verdict::Go(passed)
}

/// Accepted works that a problem is to be expected of now.
fn works_of<'a>(
    problem: &Problem,
    restraints: &'a Restraints,
    now: Timestamp,
) -> Option<&'a Works> {
    restraints.works.iter().find(|works| {
        works.state == WorksState::Accepted
            && works.begins <= now
            && now < works.until
            && is_about(works, problem)
    })
}

/// Topics that one outage makes people complain of: without current there is no water from the
/// pump and no light in the street.
const FAMILIES: [(&str, &[&str]); 4] = [
    ("electricity", &["electricity", "lighting", "communications"]),
    ("water", &["water"]),
    ("heating", &["heating"]),
    ("gas", &["gas"]),
];

/// Whether a problem is what these works lead to expect.
#[must_use]
pub fn is_about(works: &Works, problem: &Problem) -> bool {
    let topic = works.facts.topic.as_str();
    let family = FAMILIES.iter().find(|(head, _)| *head == topic).map(|(_, members)| *members);
    let same = match family {
        Some(members) => members.contains(&problem.topic.as_str()),
        None => works.facts.topic == problem.topic,
    };
    let place = works.facts.place.is_none() || works.facts.place == problem.place;
    same && place && is_on_street(works, problem)
}

/// Whether the problem names no street, or one of the works' streets.
fn is_on_street(works: &Works, problem: &Problem) -> bool {
    let Some(address) = &problem.address else { return true };
    let address = address.to_lowercase();
    works.facts.streets.is_empty()
        || works.facts.streets.iter().any(|street| address.contains(&street.to_lowercase()))
}

/// The works of which `problem` was expected, if their announced end has passed.
#[must_use]
pub fn overdue<'a>(
    problem: &ProblemId,
    restraints: &'a Restraints,
    now: Timestamp,
) -> Option<&'a Works> {
    let (_, id) = restraints.expected.iter().find(|(expected, _)| expected == problem)?;
    restraints
        .works
        .iter()
        .find(|works| works.id == *id && works.state == WorksState::Accepted && works.until <= now)
}

/// Why an alert about overdue works goes, as it says itself.
#[must_use]
pub fn overdue_text(works: &Works, now: Timestamp, zone: &TimeZone) -> String {
    format!("работы должны были кончиться в {}", words::clock(works.until, now, zone))
}

/// The told problem that this one follows from.
fn cause_of<'a>(
    problem: &Problem,
    restraints: &'a Restraints,
    inhibits: &'a [Inhibit],
    now: Timestamp,
) -> Option<(&'a Cause, &'a Inhibit)> {
    inhibits.iter().filter(|it| it.effects.contains(&problem.topic)).find_map(|inhibit| {
        let since = SignedDuration::from_hours(i64::from(inhibit.hours));
        let cause = restraints.causes.iter().find(|cause| {
            cause.topic == inhibit.cause
                && cause.place.is_some()
                && cause.place == problem.place
                && now.duration_since(cause.told) < since
        })?;
        Some((cause, inhibit))
    })
}
