//! Decides which places a post is about.
//!
//! Place in the flow: called by the pipeline, which knows line, parent and source of a post.
//! Invariant: the text itself wins; what was taken over from around it says so in `by`.

use super::place::nowhere;
use crate::model::{PlaceBy, PlaceFinding, PlaceId};

/// What is known around a text when its place is decided.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// Place that came with the line.
    pub given: Option<(PlaceId, String)>,
    /// Places of the post it answers.
    pub parent: Vec<PlaceFinding>,
    /// Places that other answers to the same post name themselves.
    pub thread: Vec<PlaceFinding>,
    /// Default place of the source.
    pub source: Option<(PlaceId, String)>,
    /// Whether the text brings places elsewhere in only as a way or an addressee.
    pub in_passing: bool,
}

/// Decides the places of a post: its own text, else the place given with it, else its parent's,
/// else the one place the thread speaks of, else the source's default. Empty: the district as a
/// whole, if the source is about the district.
#[must_use]
pub fn resolve(text: &[PlaceFinding], around: &Surroundings) -> Vec<PlaceFinding> {
    let aside = |place: &&PlaceFinding| !(around.in_passing && place.elsewhere);
    let text: Vec<PlaceFinding> = text.iter().filter(aside).cloned().collect();
    // A settlement, or the district as a whole.
    if text.iter().any(|place| place.place.is_some() || place.span.is_some()) {
        return text;
    }
    let from_around = if let Some((id, title)) = &around.given {
        vec![bare(id, title, PlaceBy::Text)]
    } else if around.parent.iter().any(|place| place.place.is_some()) {
        of_parent(&around.parent)
    } else if let Some((id, title)) = only_one(&around.thread) {
        vec![bare(id, title, PlaceBy::Thread)]
    } else if let Some((id, title)) = &around.source {
        vec![bare(id, title, PlaceBy::Source)]
    } else {
        return text;
    };
    merge_streets(from_around, &text)
}

/// How sure a resolved place is, 0–100.
#[must_use]
pub fn confidence(place: &PlaceFinding) -> u8 {
    match place.by {
        PlaceBy::Text if place.place.is_none() => 60,
        PlaceBy::Text => 95,
        PlaceBy::Parent => 80,
        PlaceBy::Thread => 60,
        PlaceBy::Source => 50,
        PlaceBy::District => 20,
    }
}

fn bare(id: &PlaceId, title: &str, by: PlaceBy) -> PlaceFinding {
    PlaceFinding { place: Some(id.clone()), title: title.to_owned(), by, ..nowhere() }
}

/// The parent's settlements, each once; its street only where it names a single one there.
fn of_parent(parent: &[PlaceFinding]) -> Vec<PlaceFinding> {
    let mut places: Vec<PlaceFinding> = Vec::new();
    for place in parent.iter().filter(|place| place.place.is_some()) {
        if let Some(known) = places.iter_mut().find(|known| known.place == place.place) {
            (known.street, known.house) = (None, None);
            continue;
        }
        places.push(PlaceFinding {
            by: if place.by == PlaceBy::Text { PlaceBy::Parent } else { place.by },
            span: None,
            street_start: None,
            street_end: None,
            ..place.clone()
        });
    }
    places
}

/// The one settlement of ours that a thread names; none if it names several.
fn only_one(thread: &[PlaceFinding]) -> Option<(&PlaceId, &str)> {
    let mut named = thread
        .iter()
        .filter(|place| place.by == PlaceBy::Text && !place.elsewhere)
        .filter_map(|place| Some((place.place.as_ref()?, place.title.as_str())));
    let first = named.next()?;
    named.all(|other| other.0 == first.0).then_some(first)
}

/// Lone streets of the text belong to the settlement that was found around it.
fn merge_streets(mut places: Vec<PlaceFinding>, text: &[PlaceFinding]) -> Vec<PlaceFinding> {
    let mut streets = text.iter().filter(|place| place.street.is_some());
    if let (Some(first), [only]) = (streets.clone().next(), places.as_mut_slice()) {
        only.street.clone_from(&first.street);
        only.house.clone_from(&first.house);
        only.street_start = first.street_start;
        only.street_end = first.street_end;
        streets.next();
    }
    places.extend(streets.cloned());
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(id: &str, by: PlaceBy) -> PlaceFinding {
        PlaceFinding {
            place: Some(id.into()),
            title: id.to_owned(),
            by,
            elsewhere: false,
            span: None,
            street: None,
            house: None,
            street_start: None,
            street_end: None,
        }
    }

    #[test]
    fn the_text_wins_over_parent_over_source() {
        let text = vec![place("onohoy", PlaceBy::Text)];
        let mut around = Surroundings {
            given: None,
            parent: vec![place("ilka", PlaceBy::Text)],
            source: Some(("shabur".into(), "Шабур".to_owned())),
            ..Surroundings::default()
        };
        let decided = |text: &[PlaceFinding], around: &Surroundings| {
            resolve(text, around)
                .iter()
                .map(|p| (p.place.clone().map(|id| id.0), p.by))
                .collect::<Vec<_>>()
        };
        assert_eq!(decided(&text, &around), [(Some("onohoy".to_owned()), PlaceBy::Text)]);
        assert_eq!(decided(&[], &around), [(Some("ilka".to_owned()), PlaceBy::Parent)]);
        around.parent.clear();
        assert_eq!(decided(&[], &around), [(Some("shabur".to_owned()), PlaceBy::Source)]);
        around.source = None;
        assert_eq!(decided(&[], &around), []);
    }
}
