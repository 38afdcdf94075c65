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
    /// Default place of the source.
    pub source: Option<(PlaceId, String)>,
}

/// Decides the places of a post: its own text, else the place given with it, else its parent's,
/// else the source's default. Empty: the district as a whole, if the source is about the district.
#[must_use]
pub fn resolve(text: &[PlaceFinding], around: &Surroundings) -> Vec<PlaceFinding> {
    let bare = |id: &PlaceId, title: &str, by| PlaceFinding {
        place: Some(id.clone()),
        title: title.to_owned(),
        by,
        ..nowhere()
    };
    if text.iter().any(|place| place.place.is_some()) {
        return text.to_vec();
    }
    let from_around = if let Some((id, title)) = &around.given {
        vec![bare(id, title, PlaceBy::Text)]
    } else if around.parent.iter().any(|place| place.place.is_some()) {
        let parents = around.parent.iter().filter(|place| place.place.is_some());
        parents
            .map(|place| PlaceFinding {
                by: if place.by == PlaceBy::Text { PlaceBy::Parent } else { place.by },
                span: None,
                street_start: None,
                street_end: None,
                ..place.clone()
            })
            .collect()
    } else if let Some((id, title)) = &around.source {
        vec![bare(id, title, PlaceBy::Source)]
    } else {
        return text.to_vec();
    };
    merge_streets(from_around, text)
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
