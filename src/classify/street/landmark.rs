//! Places without an address: «возле школы», «напротив ФАПа», «на 15 км трассы», «третий подъезд».
//!
//! Place in the flow: shown by `explain` beside settlements and streets; nothing decides by it.
//! Invariant: spans lie in the given text and do not overlap.

use std::ops::Range;

use crate::text::tokens::{HYPHEN, NUMBER, Tokens};

/// What kind of mark it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LandmarkKind {
    /// Beside something that everybody knows.
    Beside,
    /// A kilometre of a road.
    Kilometre,
    /// An entrance of a house.
    Entrance,
}

/// A mark by which people find the spot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Landmark {
    /// What kind of mark.
    pub kind: LandmarkKind,
    /// Bytes of the words in the text.
    pub bytes: Range<usize>,
}

const BESIDE: &[&str] =
    &["возле", "около", "у", "напротив", "рядом", "перед", "позади", "вблизи", "недалеко"];
/// Beginnings of words for what stands in every village.
const THINGS: &[&str] = &[
    "школ",
    "фап",
    "магазин",
    "сад",
    "детсад",
    "больниц",
    "клуб",
    "дк",
    "администрац",
    "почт",
    "мост",
    "остановк",
    "котельн",
    "вокзал",
    "дацан",
    "церк",
    "храм",
    "аптек",
    "водокачк",
    "колонк",
    "переезд",
    "библиотек",
    "памятник",
    "стадион",
    "площадк",
    "кладбищ",
    "амбулатор",
    "поликлиник",
    "свалк",
    "рынк",
    "ферм",
    "пилорам",
    "заправк",
    "азс",
];
/// Most words between the preposition and the thing.
const BETWEEN_MAX: usize = 3;

/// The marks of a text, in text order.
#[must_use]
pub fn landmarks(tokens: &Tokens) -> Vec<Landmark> {
    let mut found: Vec<Landmark> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let hit = beside(tokens, at)
            .map(|last| (LandmarkKind::Beside, last))
            .or_else(|| kilometre(tokens, at).map(|last| (LandmarkKind::Kilometre, last)))
            .or_else(|| entrance(tokens, at).map(|last| (LandmarkKind::Entrance, last)));
        let Some((kind, last)) = hit else {
            at += 1;
            continue;
        };
        let list = tokens.list();
        let bytes = list[at].start as usize..list[last - 1].end as usize;
        found.push(Landmark { kind, bytes });
        at = last;
    }
    found
}

fn is_number(tokens: &Tokens, at: usize) -> bool {
    tokens.list().get(at).is_some_and(|token| token.is(NUMBER))
}

fn same_clause(tokens: &Tokens, one: usize, two: usize) -> bool {
    let clause = |at: usize| tokens.list().get(at).map(|token| token.clause);
    clause(one).is_some() && clause(one) == clause(two)
}

/// «рядом с новой школой»: the token behind the thing.
fn beside(tokens: &Tokens, at: usize) -> Option<usize> {
    if !BESIDE.contains(&tokens.text(at)) {
        return None;
    }
    let thing = (at + 1..=at + BETWEEN_MAX)
        .take_while(|next| same_clause(tokens, at, *next))
        .find(|next| THINGS.iter().any(|thing| tokens.text(*next).starts_with(thing)))?;
    Some(thing + 1 + usize::from(is_number(tokens, thing + 1)))
}

/// «15 км», «23-м километре трассы»: the token behind the road.
fn kilometre(tokens: &Tokens, at: usize) -> Option<usize> {
    if !is_number(tokens, at) {
        return None;
    }
    let ordinal = tokens.list().get(at + 1).is_some_and(|token| token.is(HYPHEN));
    let unit = at + 1 + usize::from(ordinal);
    let word = tokens.text(unit);
    if !(word == "км" || word.starts_with("километр")) {
        return None;
    }
    let road = ["трасс", "дорог", "автодорог", "шоссе", "тракт"];
    let named = road.iter().any(|road| tokens.text(unit + 1).starts_with(road));
    let placed = at > 0 && tokens.text(at - 1) == "на";
    (named || placed).then_some(unit + 1 + usize::from(named))
}

/// «3 подъезд», «подъезд 3».
fn entrance(tokens: &Tokens, at: usize) -> Option<usize> {
    let word = |at: usize| {
        tokens.text(at).starts_with("подьезд") || tokens.text(at).starts_with("подъезд")
    };
    if word(at) && is_number(tokens, at + 1) {
        return Some(at + 2);
    }
    if !is_number(tokens, at) {
        return None;
    }
    let ordinal = tokens.list().get(at + 1).is_some_and(|token| token.is(HYPHEN));
    let thing = at + 1 + usize::from(ordinal);
    word(thing).then_some(thing + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_by_which_people_find_the_spot() {
        for (text, expected) in [
            ("возле школы темно", "возле школы"),
            ("напротив ФАПа яма", "напротив ФАПа"),
            ("рядом с новой школой 5 свалка", "рядом с новой школой 5"),
            ("авария на 15 км", "15 км"),
            ("на 23-м километре трассы фура", "23-м километре трассы"),
            ("Мира 5, 3 подъезд", "3 подъезд"),
            ("в подъезде 2 темно", "подъезде 2"),
            ("прошли 15 км пешком", ""),
            ("за неделю школа не открылась", ""),
            ("у нас темно", ""),
            ("возле дома, школа закрыта", ""),
        ] {
            let found = landmarks(&Tokens::of(text));
            let shown: Vec<&str> = found.iter().map(|mark| &text[mark.bytes.clone()]).collect();
            assert_eq!(shown.join("; "), expected, "{text}");
        }
    }
}
