//! From a decision to everything that is stored of it: the alert, its event, its outbox rows, and
//! what must be looked at again.
//!
//! Place in the flow: within the commit of the posts, or of the row, that made the decision.
//! Invariants: every alert has the rows of everybody whom the routes name, also where nothing is to
//! be sent; only what is sent is followed up.

use jiff::Timestamp;

use super::district::District;
use super::trial;
use crate::alert::hold::{self, Verdict};
use crate::alert::{self, Decision, RouteFacts, RoutedReceiver, Weight, follow, route};
use crate::model::{
    Alert, AlertId, AlertReason, Delivery, DeliveryState, Follow, Held, Problem, ProblemEvent,
    QuoteRef, Restraints, RiskLevel,
};

/// What is stored of a decision.
pub(super) struct Telling {
    pub(super) alert: Alert,
    pub(super) event: ProblemEvent,
    pub(super) deliveries: Vec<Delivery>,
    pub(super) follows: Vec<Follow>,
    /// Why it does not go, if something holds it back.
    pub(super) held: Option<Held>,
}

/// Carries out a decision about `problem`. `restraints`: what may hold it back; nothing if it is
/// about the past and goes nowhere.
pub(super) fn tell(
    district: &District,
    problem: &Problem,
    weight: &Weight,
    decision: &Decision,
    quotes: Vec<QuoteRef>,
    restraints: Option<&Restraints>,
) -> Telling {
    let mut alert = alert::alert_of(decision, problem, weight, quotes, district.lexicon.hash());
    let mut held = None;
    if let Some(restraints) = restraints {
        let (zone, now) = (&district.zone, decision.at);
        if decision.reason == AlertReason::WorksOverdue {
            let works = hold::overdue(&problem.id, restraints, now);
            alert.facts.notes.extend(works.map(|works| hold::overdue_text(works, now, zone)));
        }
        let inhibits = &district.routes.inhibits;
        match hold::verdict(problem, &alert, restraints, inhibits, zone, now) {
            Verdict::Go(passed) => alert.facts.notes.extend(passed),
            Verdict::Hold(why) => held = Some(why),
        }
    }
    let goes = restraints.is_some() && held.is_none();
    let deliveries = rows(district, problem, &alert, goes, held.as_ref());
    let sent = deliveries.iter().find(|row| row.state == DeliveryState::Pending);
    let first = sent.map(|row| row.receiver.as_str());
    let follows = match goes {
        true => follow::begin(&alert, first, &district.roster()),
        false => Vec::new(),
    };
    let event = ProblemEvent { at: decision.at, kind: alert::told(&alert) };
    Telling { alert, event, deliveries, follows, held }
}

/// The outbox rows of an alert of `problem`: one a receiver, on its first channel. What does not go
/// says why it is held, if it is.
fn rows(
    district: &District,
    problem: &Problem,
    alert: &Alert,
    goes: bool,
    held: Option<&Held>,
) -> Vec<Delivery> {
    let receivers = receivers(district, problem, alert.facts.level, alert.at);
    let subject = format!("alert:{}", alert.id);
    if goes {
        return trial::outbox(district, &subject, receivers, alert.at);
    }
    let mut rows = alert::outbox(&subject, receivers, DeliveryState::Suppressed);
    rows.iter_mut().for_each(|row| row.trouble = held.map(|held| held.text.clone()));
    rows
}

/// Who is told of `problem` at this level.
pub(super) fn receivers(
    district: &District,
    problem: &Problem,
    level: RiskLevel,
    now: Timestamp,
) -> Vec<RoutedReceiver> {
    let topic = district.lexicon.topic(problem.topic.as_str());
    let facts = RouteFacts {
        topic: &problem.topic,
        kind: problem.kind,
        department: topic.and_then(|topic| topic.department.as_deref()),
        level,
        place: problem.place.as_ref(),
        object: problem.object.as_deref(),
    };
    alert::route(&facts, &district.roster(), now)
}

/// The subject of a reminder; `which` tells it from the others of the same alert, also after the
/// ladder began anew.
pub(super) fn reminder(alert: &AlertId, which: &str) -> String {
    format!("reminder:{alert}:{which}")
}

/// The outbox rows of a reminder of `alert`, as `row` has it: to the receivers named, a post's to
/// whoever holds it now; outside their hours they wait, unless the matter is `urgent`.
pub(super) fn reminders(
    district: &District,
    alert: &AlertId,
    row: &Follow,
    names: &[String],
    urgent: bool,
    now: Timestamp,
) -> Vec<Delivery> {
    let roster = district.roster();
    let mut receivers = Vec::new();
    for name in names {
        let Some(mut receiver) = route::named(name, &roster, now) else { continue };
        if !urgent {
            receiver.due = route::open_from(&receiver.name, &roster, now);
        }
        if !receivers.iter().any(|other: &RoutedReceiver| other.name == receiver.name) {
            receivers.push(receiver);
        }
    }
    let subject = reminder(alert, &format!("{}-{}", row.since.as_second(), row.step));
    trial::outbox(district, &subject, receivers, now)
}
