//! Finds streets and houses in a text.
//!
//! Place in the flow: behind the settlements of `place`, inside `classify`. Three passes, the
//! surest first: a street word («ул.»), a house or preposition («Гагарина 12», «по Чкалова»), a
//! crossing. Invariants: spans lie in the given text; a street needs something beside its name that
//! says so.

mod bare;
mod crossing;
mod house;
mod landmark;
mod listed;
mod reader;
mod typed;
pub(super) mod words;

use std::ops::Range;

use crate::text::tokens::{HYPHEN, NUMBER, Tokens};
use reader::{Reader, is_adjective};

pub use landmark::{Landmark, LandmarkKind, landmarks};

/// Most streets of one text.
const STREETS_MAX: usize = 256;

/// A street with its houses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreetHit {
    /// Name without the type word; adjectives in the nominative.
    pub street: String,
    /// Bytes of the name in the text: without type word and house.
    pub name: Range<usize>,
    /// Bytes of each house, as written: «5а/2», «18–24».
    pub houses: Vec<Range<usize>>,
}

/// Finds the streets of `text`, in text order. `settlements` are the tokens of places that were
/// found: «Онохой, Гагарина 12» needs no street word.
#[must_use]
pub fn find(text: &str, tokens: &Tokens, settlements: &[Range<usize>]) -> Vec<StreetHit> {
    find_classed(text, tokens, &classes(tokens), settlements)
}

/// What each word is to an address, looked up.
pub(super) fn classes(tokens: &Tokens) -> Vec<u32> {
    (0..tokens.len()).map(|at| words::class(tokens.text(at))).collect()
}

/// [`find`] where the classes of the words are known already.
pub(super) fn find_classed(
    text: &str,
    tokens: &Tokens,
    classes: &[u32],
    settlements: &[Range<usize>],
) -> Vec<StreetHit> {
    let reader = Reader::new(text, tokens, classes);
    if !worth_reading(reader) {
        return Vec::new();
    }
    let mut names = Vec::new();
    if reader.seen.any(words::KIND | words::LISTED) || reader.seen.flags & HYPHEN != 0 {
        typed::find(reader, &mut names);
    }
    let mut taken: Vec<Range<usize>> = settlements.to_vec();
    names.retain(|name| bare::is_free(name, &taken));
    let lists: Vec<List> = names.iter().filter_map(|name| list(reader, name)).collect();
    names.retain(|name| lists.iter().all(|list| !list.holds(name)));
    taken.extend_from_slice(&names);
    taken.extend(lists.iter().map(|list| list.tokens.clone()));
    bare::find(reader, settlements, &mut taken, &mut names);
    crossing::find(reader, &mut taken, &mut names);
    names.sort_by_key(|name| name.start);
    names.truncate(STREETS_MAX);
    names
        .iter()
        .map(|name| hit(reader, name, lists.iter().find(|list| list.name == name.start)))
        .collect()
}

/// The houses of a dispatcher's list.
struct List {
    /// First token of the street's name.
    name: usize,
    houses: Vec<Range<usize>>,
    /// Tokens behind the name up to the last house.
    tokens: Range<usize>,
}

impl List {
    /// Whether a name stands among the houses.
    fn holds(&self, name: &Range<usize>) -> bool {
        name.start < self.tokens.end && self.tokens.start < name.end
    }
}

/// The dispatcher's list behind a name: «Полбина ул, д. 1, 2».
fn list(reader: Reader<'_>, name: &Range<usize>) -> Option<List> {
    if !is_listed(reader, name) {
        return None;
    }
    let from = behind_kind(reader, name.end);
    let (houses, end) = listed::houses(reader.text, from);
    let tokens = reader.tokens.range(from, end);
    (!houses.is_empty()).then_some(List { name: name.start, houses, tokens })
}

/// Whether «ул, д.» stands behind a name.
fn is_listed(reader: Reader<'_>, name: &Range<usize>) -> bool {
    let behind = behind_kind(reader, name.end);
    let next = (name.end..reader.len())
        .find(|at| reader.token(*at).is_some_and(|token| token.start as usize >= behind));
    next.is_some_and(|next| {
        next > name.end
            && reader.word(next) == "д"
            && reader.gap(next).trim_start().starts_with(',')
    })
}

/// Whether any word could belong to an address: most texts have none.
fn worth_reading(reader: Reader<'_>) -> bool {
    let seen = reader.seen;
    let cues = words::KIND
        | words::CROSS
        | words::MARK
        | words::TITLE
        | words::ROAD
        | words::FROM
        | words::BETWEEN;
    // A preposition alone says nothing: a name must stand behind it.
    let along = |at: usize| reader.has(at - 1, words::ALONG) && reader.capital(at);
    seen.flags & (NUMBER | HYPHEN) != 0
        || seen.any(cues)
        || seen.stroke
        || seen.any(words::ALONG) && (1..reader.len()).any(along)
}

/// Adds houses to a name.
fn hit(reader: Reader<'_>, name: &Range<usize>, listed: Option<&List>) -> StreetHit {
    let list = reader.tokens.list();
    let (first, last) = (list[name.start], list[name.end - 1]);
    let mut bytes = first.start as usize..last.end as usize;
    if listed.is_some() {
        bytes.end = closed(reader.text, &bytes);
    }
    let mut houses = listed.map_or_else(
        || house::behind(reader.text, behind_kind(reader, name.end)),
        |list| list.houses.clone(),
    );
    if houses.is_empty() {
        houses.extend(house_before(reader, name.start));
    }
    let written = &reader.text[bytes.clone()];
    let street = match gender(reader, name) {
        Gender::Feminine => nominative(written),
        Gender::Masculine => masculine(written),
        Gender::Given => written.to_owned(),
    };
    StreetHit { street, name: bytes, houses }
}

/// Where a name with its closing bracket or quote ends: «Пригородная (Ленинский р-н)».
fn closed(text: &str, name: &Range<usize>) -> usize {
    let written = &text[name.clone()];
    let next = text[name.end..].chars().next();
    let closes = match next {
        Some(')') => written.contains('('),
        Some('»') => written.contains('«'),
        Some('"') => written.matches('"').count() % 2 == 1,
        _ => false,
    };
    name.end + if closes { next.map_or(0, char::len_utf8) } else { 0 }
}

/// What an adjective in a name agrees with.
enum Gender {
    Feminine,
    Masculine,
    /// A list gives the name in the nominative already.
    Given,
}

fn gender(reader: Reader<'_>, name: &Range<usize>) -> Gender {
    let masculine = |at: usize| {
        [
            "пер",
            "пр",
            "бульвар",
            "бул",
            "б",
            "проезд",
            "тупик",
            "туп",
            "тракт",
            "шоссе",
            "ш",
            "кв",
            "мк",
            "спуск",
            "пркт",
            "просп",
        ]
        .iter()
        .any(|start| {
            reader.word(at) == *start || start.len() > 6 && reader.word(at).starts_with(start)
        })
    };
    let behind = reader.joined(name.end) && reader.kind(name.end) > 0;
    let listed = behind && is_listed(reader, name);
    let before = (1..=2).any(|back| {
        name.start.checked_sub(back).is_some_and(|at| reader.kind(at) >= back && masculine(at))
    });
    if listed {
        Gender::Given
    } else if before || behind && masculine(name.end) {
        Gender::Masculine
    } else {
        Gender::Feminine
    }
}

/// «Ленинском» → «Ленинский».
fn masculine(name: &str) -> String {
    for (end, replaced) in [("ском", "ский"), ("ном", "ный"), ("цком", "цкий")]
    {
        if let Some(stem) = name.strip_suffix(end) {
            return format!("{stem}{replaced}");
        }
    }
    name.to_owned()
}

/// Behind the street word that follows a name, if one does: «Советская улица, 5», «Мира ул, д. 5».
fn behind_kind(reader: Reader<'_>, end: usize) -> usize {
    let near = reader.joined(end) || reader.gap(end).trim() == ")";
    let listed = usize::from(near && reader.has(end, words::LISTED));
    let both = listed * (1 + usize::from(reader.has(end + 1, words::LISTED)));
    let slash = usize::from(reader.gap(end + 1) == "/" && reader.word(end + 1) == "т");
    let kind = if near { reader.kind(end).max(both).max(2 * slash) } else { 0 };
    reader.token(end + kind - 1).map_or(reader.text.len(), |token| token.end as usize)
}

/// «дом 15 по улице Кирова», «возле дома 32 на Мира»: the house before the street.
fn house_before(reader: Reader<'_>, start: usize) -> Option<Range<usize>> {
    let mut at = start.checked_sub(1)?;
    while at > 0 && reader.kind(at) > 0 {
        at -= 1;
    }
    if matches!(reader.word(at), "по" | "на") {
        at = at.checked_sub(1)?;
    }
    if reader.glued(at) && !reader.number(at) {
        at = at.checked_sub(1)?;
    }
    let digits = reader.number(at) && at > 0 && reader.has(at - 1, words::HOUSE);
    let near = start - at <= 4;
    (digits && near).then(|| house::at(reader.text, reader.token(at)?.start as usize)).flatten()
}

/// A feminine adjective in the nominative («Советской» → «Советская»); other names as written.
fn nominative(name: &str) -> String {
    const ENDS: &[(&str, &str)] = &[
        ("ской", "ская"),
        ("скую", "ская"),
        ("цкой", "цкая"),
        ("ной", "ная"),
        ("ную", "ная"),
        ("вой", "вая"),
        ("вую", "вая"),
        ("лой", "лая"),
        ("рой", "рая"),
        ("хой", "хая"),
        ("ней", "няя"),
        ("шой", "шая"),
        ("той", "тая"),
    ];
    let last = name.rsplit([' ', '-']).next().unwrap_or(name).to_lowercase();
    // «ул. Терешковой» is a woman's name, «ул. Полевой» an adjective.
    let woman = matches!(last.as_str(), "крупской" | "космодемьянской" | "ковалевской")
        || last.ends_with("овой") && last != "садовой" && last != "кедровой"
        || last.ends_with("евой") && last != "полевой"
        || last.ends_with("иной") && last.len() > 12;
    if !woman && is_adjective(&last) {
        for (end, replaced) in ENDS {
            if let Some(stem) = name.strip_suffix(end) {
                return format!("{stem}{replaced}");
            }
        }
    }
    name.to_owned()
}

#[cfg(test)]
mod tests;
