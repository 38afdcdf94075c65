//! What a post is about, place by place: the keys under which it looks for its problems.
//!
//! Place in the flow: the first step of `assign`; the pipeline asks for the same keys to load what
//! may be joined. Invariant: the keys of a post follow from the post and the rules alone.

use std::collections::BTreeSet;

use super::{ClusterRules, Newcomer};
use crate::model::{Finding, PlaceFinding, PlaceId, ProblemKey, TopicId, TopicKind};

/// How wide a failure of a topic usually is: which part of an address tells problems apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// A settlement: heating, water, power. Two houses may well have one cause.
    Settlement,
    /// A street: its roadway.
    Street,
    /// A house: its entrance, its yard.
    House,
}

/// One matter that a post is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Where its problems meet.
    pub key: ProblemKey,
    /// Topic that a new problem gets.
    pub topic: TopicId,
    /// Kind of the topic.
    pub kind: TopicKind,
    /// How wide it is.
    pub reach: Reach,
    /// Street and house that the post names there, whatever the reach.
    pub named: Option<String>,
}

impl Subject {
    /// Whether its problems are those of one house.
    #[must_use]
    pub fn is_at_house(&self) -> bool {
        self.key.address.as_deref().is_some_and(|address| address.contains(", "))
    }
}

/// A settlement with street and house, as far as the post names them.
struct Spot<'a> {
    place: Option<&'a PlaceId>,
    street: Option<String>,
    house: Option<String>,
}

impl Spot<'_> {
    fn address(&self) -> Option<String> {
        match (&self.street, &self.house) {
            (Some(street), Some(house)) => Some(format!("{street}, {house}")),
            (street, _) => street.clone(),
        }
    }
}

/// Subjects of a topic of a post, in the order of its places; nothing if all places lie elsewhere.
pub(super) fn subjects(item: &Newcomer, finding: &Finding, rules: &ClusterRules) -> Vec<Subject> {
    // A danger is never part of something smaller.
    let object = item.objects.get(&finding.topic).filter(|_| finding.kind == TopicKind::Problem);
    match object {
        Some(object) => of_aspect(item, &object.name, &object.topic, TopicKind::Problem, rules),
        None => of_aspect(item, finding.topic.as_str(), &finding.topic, finding.kind, rules),
    }
}

/// Subjects of an object that no topic was found beside, at the houses that the post names.
pub(super) fn lone_subjects(item: &Newcomer, rules: &ClusterRules) -> Vec<Subject> {
    let mut found = Vec::new();
    for object in item.objects.values() {
        found.extend(of_aspect(item, &object.name, &object.topic, TopicKind::Problem, rules));
    }
    found.retain(Subject::is_at_house);
    found
}

fn of_aspect(
    item: &Newcomer,
    aspect: &str,
    topic: &TopicId,
    kind: TopicKind,
    rules: &ClusterRules,
) -> Vec<Subject> {
    let reach = rules.reach(topic);
    let mut known: BTreeSet<ProblemKey> = BTreeSet::new();
    let mut found = Vec::new();
    for spot in spots(&item.places) {
        let named = spot.address();
        let address = match reach {
            // A street without a settlement is all that is known of the place.
            Reach::Settlement => named.clone().filter(|_| spot.place.is_none()),
            Reach::Street => spot.street.clone(),
            Reach::House => named.clone(),
        };
        let key = ProblemKey { aspect: aspect.to_owned(), place: spot.place.cloned(), address };
        if found.len() < rules.places_max && known.insert(key.clone()) {
            found.push(Subject { key, topic: topic.clone(), kind, reach, named });
        }
    }
    found
}

/// Our places of a post; one without settlement and street if nothing is known; none if all lie
/// elsewhere.
fn spots(places: &[PlaceFinding]) -> Vec<Spot<'_>> {
    let spot = |place: &PlaceFinding| Spot {
        place: None,
        street: place.street.as_deref().map(folded),
        house: place.street.as_ref().and(place.house.as_deref()).map(house),
    };
    let ours = places.iter().filter(|place| !place.elsewhere);
    let placed: Vec<Spot<'_>> = ours
        .clone()
        .filter(|place| place.place.is_some())
        .map(|place| Spot { place: place.place.as_ref(), ..spot(place) })
        .collect();
    if !placed.is_empty() {
        return placed;
    }
    let lone: Vec<Spot<'_>> =
        ours.filter(|place| place.street.is_some()).take(1).map(spot).collect();
    if !lone.is_empty() {
        return lone;
    }
    if places.iter().any(|place| place.elsewhere) {
        return Vec::new();
    }
    vec![Spot { place: None, street: None, house: None }]
}

/// Small letters, one kind of е, single spaces.
fn folded(name: &str) -> String {
    let words: Vec<String> = name
        .split_whitespace()
        .map(|word| word.chars().map(crate::text::fold::lower).collect())
        .collect();
    words.join(" ")
}

/// A house number however it is written: digits, fractions, and the first letter of each word, so
/// that "5, корпус 2", "5 к. 2" and "5К2" are one.
fn house(written: &str) -> String {
    let mut number = String::new();
    let mut inside = false;
    for c in written.chars().map(crate::text::fold::lower) {
        let first = c.is_alphabetic() && !inside;
        if c.is_ascii_digit() || matches!(c, '/' | '-') || first {
            number.push(c);
        }
        inside = c.is_alphabetic();
    }
    number
}

#[cfg(test)]
mod tests {
    use super::house;

    #[test]
    fn a_house_has_one_number() {
        for written in ["17, строение 1", "17 стр. 1", "17С1"] {
            assert_eq!(house(written), "17с1", "{written}");
        }
        assert_eq!(house("4а"), "4а");
        assert_eq!(house("23/1"), "23/1");
        assert_eq!(house("5, корпус 2, строение 1"), "5к2с1");
    }
}
