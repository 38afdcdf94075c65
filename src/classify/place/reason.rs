//! Why a place was found: the words, and how sure they are.
//!
//! Place in the flow: for `explain` only; nothing decides by it. Invariant: the same code that
//! finds places says why.

use super::{Cue, Gazetteer, Rank, Sort, is_passing};
use crate::classify::street::{LandmarkKind, landmarks};
use crate::model::{PlaceId, Span};
use crate::text::points::Points;
use crate::text::tokens::Tokens;

/// One name in a text, with the reason why it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceReason {
    /// Settlement, `None` for the district or a place without settlement.
    pub place: Option<PlaceId>,
    /// Its official name.
    pub title: String,
    /// The words as written.
    pub text: String,
    /// Where they stand, in code points.
    pub span: Span,
    /// One Russian phrase.
    pub why: String,
    /// How sure, 0–100.
    pub confidence: u8,
}

impl Gazetteer {
    /// All names and marks that `text` holds, in text order.
    #[must_use]
    pub fn reasons(&self, text: &str) -> Vec<PlaceReason> {
        let tokens = Tokens::of(text);
        let mut points = Points::new(text);
        let mut reasons = Vec::new();
        self.each(
            &tokens,
            text,
            |_| true,
            |hit, candidate, cue| {
                let range = hit.start as usize..hit.end as usize;
                let settlement = self.settlement_of(hit.entry);
                let district = self.entries.get(hit.entry as usize).is_some_and(|e| e.district);
                let elsewhere = settlement.is_some_and(|s| s.elsewhere);
                let at = tokens.range(range.start, range.end).start;
                let (mut why, confidence) = reason(candidate.sort, candidate.rank, cue);
                if district {
                    why = "назван район целиком".to_owned();
                } else if elsewhere && is_passing(&tokens, at) {
                    why.push_str(", но лишь как направление или адресат");
                } else if settlement.is_none() {
                    why.push_str(", населённый пункт при нём не указан");
                }
                reasons.push(PlaceReason {
                    place: settlement.map(|s| s.id.clone()),
                    title: settlement.map_or_else(
                        || if district { self.district.clone() } else { String::new() },
                        |s| s.title.clone(),
                    ),
                    text: text.get(range.clone()).unwrap_or("").to_owned(),
                    span: points.span(range.start, range.end),
                    why,
                    confidence,
                });
            },
        );
        let marks = landmarks(&tokens).into_iter().map(|mark| PlaceReason {
            place: None,
            title: String::new(),
            text: text.get(mark.bytes.clone()).unwrap_or("").to_owned(),
            span: points.span(mark.bytes.start, mark.bytes.end),
            why: match mark.kind {
                LandmarkKind::Beside => "ориентир",
                LandmarkKind::Kilometre => "километр дороги",
                LandmarkKind::Entrance => "подъезд",
            }
            .to_owned(),
            confidence: 40,
        });
        reasons.extend(marks);
        reasons.sort_by_key(|reason| reason.span);
        reasons
    }
}

fn reason(sort: Sort, rank: Rank, cue: Cue) -> (String, u8) {
    let what = match (sort, rank) {
        (Sort::Adjective, _) => ("прилагательное от названия", 90),
        (Sort::People, _) => ("так зовут жителей", 90),
        (_, Rank::Nickname) => ("другое или сокращённое имя", 90),
        (_, Rank::Landmark) => ("река, станция, дорога или дачи", 80),
        (_, Rank::Organisation) => ("организация", 75),
        (_, Rank::Elsewhere) => ("место вне района", 95),
        (_, Rank::Name | Rank::Adjective) => ("назван в тексте", 98),
    };
    let (cue, less) = match cue {
        Cue::Itself => ("", 0),
        Cue::Kind => (", перед именем стоит слово «село» или подобное", 1),
        Cue::Preposition => (", имя двойное, место видно по предлогу и падежу", 8),
        Cue::Position => (", имя двойное, место видно по положению во фразе", 15),
    };
    (format!("{}{cue}", what.0), what.1 - less)
}
