//! Who gets an alert: its outbox rows.
//!
//! Place in the flow: behind a decision, within the commit that stores it. Invariant: every alert
//! has the rows of everybody whom the routes name, also where nothing is to be sent.

use super::district::District;
use crate::alert::{self, RouteFacts};
use crate::model::{Alert, Delivery, DeliveryState, Problem};

/// The outbox rows of an alert of `problem`: one a receiver, on its first channel.
pub(super) fn rows(
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
    };
    let receivers = alert::route(&facts, &district.routes);
    alert::outbox(&format!("alert:{}", alert.id), receivers, state, alert.at)
}
