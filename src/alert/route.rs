//! Who is told about a problem, over which channels, and why.
//!
//! Place in the flow: between the decision and the outbox. Invariant: an alert whose level somebody
//! wants reaches somebody: if the filters leave nobody, everybody who wants the level gets it.

use crate::config::routes::{Receiver, Routes};
use crate::model::{Channel, PlaceId, RiskLevel, TopicId, TopicKind};

/// What routing looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteFacts<'a> {
    /// Topic.
    pub topic: &'a TopicId,
    /// Kind of the topic.
    pub kind: TopicKind,
    /// Default owner of the topic (key of `[departments]`).
    pub department: Option<&'a str>,
    /// Level of the problem.
    pub level: RiskLevel,
    /// Place, if known.
    pub place: Option<&'a PlaceId>,
}

/// A receiver that is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutedReceiver {
    /// Its name.
    pub name: String,
    /// Its channels with addresses, in the order to try.
    pub channels: Vec<(Channel, String)>,
    /// Why it is told, in Russian, for `alerts route-test` and `alerts show`.
    pub because: String,
}

/// Receivers of a problem, in the order of the file.
#[must_use]
pub fn route(facts: &RouteFacts<'_>, routes: &Routes) -> Vec<RoutedReceiver> {
    let wanting: Vec<&Receiver> =
        routes.receivers.iter().filter(|receiver| facts.level >= receiver.min_level).collect();
    let matching: Vec<RoutedReceiver> = wanting
        .iter()
        .filter_map(|receiver| matches(facts, receiver).map(|because| routed(receiver, because)))
        .collect();
    if !matching.is_empty() {
        return matching;
    }
    wanting
        .into_iter()
        .map(|receiver| routed(receiver, "никому не подошло по отборам: сообщаем всем".to_owned()))
        .collect()
}

/// Receivers of the weekly digest, in the order of the file.
#[must_use]
pub fn digest_receivers(routes: &Routes) -> Vec<RoutedReceiver> {
    let wanting = routes.receivers.iter().filter(|receiver| receiver.digest);
    wanting.map(|receiver| routed(receiver, "недельная сводка".to_owned())).collect()
}

/// Those who are told about sources in trouble, in the order of the file.
#[must_use]
pub fn operators(routes: &Routes) -> Vec<RoutedReceiver> {
    let wanting = routes.receivers.iter().filter(|receiver| receiver.operator);
    wanting.map(|receiver| routed(receiver, "состояние источников".to_owned())).collect()
}

fn routed(receiver: &Receiver, because: String) -> RoutedReceiver {
    RoutedReceiver { name: receiver.name.clone(), channels: receiver.channels.clone(), because }
}

/// Why the filters of this receiver let the problem through; `None` if one does not.
fn matches(facts: &RouteFacts<'_>, receiver: &Receiver) -> Option<String> {
    let mut because = Vec::new();
    if !receiver.kinds.is_empty() {
        receiver.kinds.contains(&facts.kind).then(|| because.push("вид темы".to_owned()))?;
    }
    if !receiver.topics.is_empty() {
        let topic = receiver.topics.contains(facts.topic);
        topic.then(|| because.push(format!("тема {}", facts.topic)))?;
    }
    if !receiver.departments.is_empty() {
        let department = facts.department?;
        let named = receiver.departments.contains(department);
        named.then(|| because.push(format!("отдел {department}")))?;
    }
    if !receiver.places.is_empty() {
        let place = facts.place?;
        receiver.places.contains(place).then(|| because.push(format!("место {place}")))?;
    }
    if because.is_empty() {
        because.push("получает все темы".to_owned());
    }
    Some(because.join(", "))
}
