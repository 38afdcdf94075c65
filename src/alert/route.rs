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

/// A receiver with why it is told, or why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weighed<'a> {
    /// Who.
    pub receiver: &'a Receiver,
    /// Whether it is told.
    pub told: bool,
    /// Why or why not, in Russian.
    pub because: String,
}

/// Receivers of a problem, in the order of the file.
#[must_use]
pub fn route(facts: &RouteFacts<'_>, routes: &Routes) -> Vec<RoutedReceiver> {
    let told = weigh(facts, routes).into_iter().filter(|weighed| weighed.told);
    told.map(|weighed| routed(weighed.receiver, weighed.because)).collect()
}

/// Every receiver, in the order of the file, with why it is told or not.
#[must_use]
pub fn weigh<'a>(facts: &RouteFacts<'_>, routes: &'a Routes) -> Vec<Weighed<'a>> {
    let mut all: Vec<Weighed<'a>> = routes
        .receivers
        .iter()
        .map(|receiver| {
            let (told, because) = match matches(facts, receiver) {
                Ok(because) => (true, because),
                Err(because) => (false, because),
            };
            Weighed { receiver, told, because }
        })
        .collect();
    if !all.iter().any(|weighed| weighed.told) {
        for weighed in all.iter_mut().filter(|it| facts.level >= it.receiver.min_level) {
            weighed.told = true;
            weighed.because = "никому не подошло по отборам: сообщаем всем".to_owned();
        }
    }
    all
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

/// Why the filters of this receiver let the problem through, or which one does not.
fn matches(facts: &RouteFacts<'_>, receiver: &Receiver) -> Result<String, String> {
    if facts.level < receiver.min_level {
        return Err(format!("уровень ниже {}", receiver.min_level.name()));
    }
    let mut because = Vec::new();
    if !receiver.kinds.is_empty() {
        if !receiver.kinds.contains(&facts.kind) {
            return Err("не тот вид темы".to_owned());
        }
        because.push("вид темы".to_owned());
    }
    if !receiver.topics.is_empty() {
        if !receiver.topics.contains(facts.topic) {
            return Err(format!("тема {} не в его списке", facts.topic));
        }
        because.push(format!("тема {}", facts.topic));
    }
    if !receiver.departments.is_empty() {
        match facts.department {
            Some(own) if receiver.departments.contains(own) => {
                because.push(format!("отдел {own}"));
            }
            Some(own) => return Err(format!("это дело отдела {own}")),
            None => return Err("у темы нет отдела".to_owned()),
        }
    }
    if !receiver.places.is_empty() {
        match facts.place {
            Some(place) if receiver.places.contains(place) => {
                because.push(format!("место {place}"));
            }
            Some(place) => return Err(format!("место {place} не в его списке")),
            None => return Err("место не названо".to_owned()),
        }
    }
    if because.is_empty() {
        because.push("получает все темы".to_owned());
    }
    Ok(because.join(", "))
}
