//! From a decision to everything that is stored of it: the alert, its event, its outbox rows, and
//! what must be looked at again.
//!
//! Place in the flow: within the commit of the posts, or of the row, that made the decision.
//! Invariants: every alert has the rows of everybody whom the routes name, also where nothing is to
//! be sent; only what is sent is followed up.

use super::district::District;
use crate::alert::{self, Decision, RouteFacts, Weight, follow, route};
use crate::model::{
    Alert, AlertId, Delivery, DeliveryState, Follow, Problem, ProblemEvent, QuoteRef,
};

/// What is stored of a decision.
pub(super) struct Telling {
    pub(super) alert: Alert,
    pub(super) event: ProblemEvent,
    pub(super) deliveries: Vec<Delivery>,
    pub(super) follows: Vec<Follow>,
}

/// Carries out a decision about `problem`. `live`: it is to be sent.
pub(super) fn tell(
    district: &District,
    problem: &Problem,
    weight: &Weight,
    decision: &Decision,
    quotes: Vec<QuoteRef>,
    live: bool,
) -> Telling {
    let alert = alert::alert_of(decision, problem, weight, quotes, district.lexicon.hash());
    let state = if live { DeliveryState::Pending } else { DeliveryState::Suppressed };
    let deliveries = rows(district, problem, &alert, state);
    let first = deliveries.first().map(|row| row.receiver.as_str());
    let follows = match live {
        true => follow::begin(&alert, first, &district.roster()),
        false => Vec::new(),
    };
    let event = ProblemEvent { at: decision.at, kind: alert::told(&alert) };
    Telling { alert, event, deliveries, follows }
}

/// The outbox rows of an alert of `problem`: one a receiver, on its first channel.
fn rows(
    district: &District,
    problem: &Problem,
    alert: &Alert,
    state: DeliveryState,
) -> Vec<Delivery> {
    let topic = district.lexicon.topic(problem.topic.as_str());
    let facts = RouteFacts {
        topic: &problem.topic,
        kind: problem.kind,
        department: topic.and_then(|topic| topic.department.as_deref()),
        level: alert.facts.level,
        place: problem.place.as_ref(),
        object: problem.object.as_deref(),
    };
    let receivers = alert::route(&facts, &district.roster(), alert.at);
    alert::outbox(&format!("alert:{}", alert.id), receivers, state)
}

/// The outbox rows of a reminder of `alert`: to the receivers named, a post's to whoever holds it
/// now; outside their hours they wait, unless the matter is `urgent`.
pub(super) fn reminders(
    district: &District,
    alert: &AlertId,
    step: u32,
    names: &[String],
    urgent: bool,
    now: jiff::Timestamp,
) -> Vec<Delivery> {
    let roster = district.roster();
    let mut receivers = Vec::new();
    for name in names {
        let Some(mut receiver) = route::named(name, &roster, now) else { continue };
        if !urgent {
            receiver.due = route::open_from(&receiver.name, &roster, now);
        }
        if !receivers.iter().any(|other: &alert::RoutedReceiver| other.name == receiver.name) {
            receivers.push(receiver);
        }
    }
    alert::outbox(&format!("reminder:{alert}:{step}"), receivers, DeliveryState::Pending)
}
