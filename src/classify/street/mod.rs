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
mod reader;
mod typed;
pub(super) mod words;

use std::ops::Range;

use crate::text::tokens::{CAPITAL, HYPHEN, NUMBER, STARTS, Tokens};
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
pub(super) fn classes(tokens: &Tokens) -> Vec<u16> {
    (0..tokens.len()).map(|at| words::class(tokens.text(at))).collect()
}

/// [`find`] where the classes of the words are known already.
pub(super) fn find_classed(
    text: &str,
    tokens: &Tokens,
    classes: &[u16],
    settlements: &[Range<usize>],
) -> Vec<StreetHit> {
    let reader = Reader { text, tokens, classes };
    if !worth_reading(reader) {
        return Vec::new();
    }
    let mut names = Vec::new();
    typed::find(reader, &mut names);
    let mut taken: Vec<Range<usize>> = settlements.to_vec();
    names.retain(|name| bare::is_free(name, &taken));
    taken.extend_from_slice(&names);
    bare::find(reader, settlements, &mut taken, &mut names);
    crossing::find(reader, &mut taken, &mut names);
    names.sort_by_key(|name| name.start);
    names.truncate(STREETS_MAX);
    names.iter().map(|name| hit(reader, name)).collect()
}

/// Whether any word could belong to an address: most texts have none.
fn worth_reading(reader: Reader<'_>) -> bool {
    let list = reader.tokens.list();
    let flags = list.iter().fold(0, |all, token| all | token.flags);
    let class = reader.classes.iter().fold(0, |all, class| all | class);
    // A preposition alone says nothing: a name must stand somewhere.
    let named = || list.iter().any(|token| token.is(CAPITAL) && !token.is(STARTS));
    let cues = words::KIND | words::CROSS | words::MARK | words::TITLE;
    flags & (NUMBER | HYPHEN) != 0
        || class & cues != 0
        || class & words::ALONG != 0 && named()
        || reader.text.contains('/')
}

/// Adds houses to a name.
fn hit(reader: Reader<'_>, name: &Range<usize>) -> StreetHit {
    let list = reader.tokens.list();
    let (first, last) = (list[name.start], list[name.end - 1]);
    let bytes = first.start as usize..last.end as usize;
    let mut houses = house::behind(reader.text, behind_kind(reader, name.end));
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
    let listed = behind && {
        let next = name.end + reader.kind(name.end);
        reader.word(next) == "д" && reader.gap(next).contains(',')
    };
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
