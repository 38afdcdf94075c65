//! Finds streets and houses in a text.
//!
//! Place in the flow: behind the settlements of `place`, inside `classify`. Invariant: a street needs a
//! type word («ул.», «улица», «переулок», …) beside it, or a settlement or house word next to it;
//! spans lie in the given text.

use std::ops::Range;

use super::place::STREET_WORDS;
use crate::text::tokens::{CAPITAL, GLUED, HYPHEN, LATIN, NUMBER, Tokens};

/// A street with its house, if one is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreetHit {
    /// Name without the type word, feminine adjectives in the nominative.
    pub street: String,
    /// House as written.
    pub house: Option<String>,
    /// Bytes of name and house in the text.
    pub start: usize,
    /// Behind them.
    pub end: usize,
}

const HOUSE_WORDS: &[&str] = &["д", "дом", "дома", "доме", "дому", "домов", "домах", "№"];
/// Most words of a street's name.
const NAME_WORDS_MAX: usize = 3;
/// Most digits of a house number.
const HOUSE_DIGITS_MAX: usize = 4;
/// Words that never belong to a street's name.
const NOT_NAMES: &[&str] = &[
    "и",
    "на",
    "в",
    "у",
    "по",
    "с",
    "от",
    "до",
    "за",
    "нет",
    "не",
    "где",
    "вся",
    "весь",
    "возле",
    "около",
    "напротив",
    "между",
    "дом",
    "д",
    "вчера",
    "сегодня",
    "опять",
    "уже",
    "очень",
    "все",
    "это",
    "эта",
    "там",
    "тут",
    "к",
    "из",
    "без",
    "под",
    "что",
    "как",
    "темно",
    "будет",
    "была",
    "наша",
    "нашей",
    "нашу",
    "этой",
    "эту",
    "одной",
    "другой",
    "каждой",
    "всей",
    "самой",
];

/// Finds the streets of `text`, in text order. `after` holds the tokens behind settlements that were
/// found: «Онохой, Гагарина 12» needs no type word.
#[must_use]
pub fn find(text: &str, tokens: &Tokens, settlements: &[Range<usize>]) -> Vec<StreetHit> {
    let mut hits: Vec<StreetHit> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let found = behind_type_word(tokens, at)
            .or_else(|| before_type_word(tokens, at))
            .or_else(|| behind_settlement(tokens, at, settlements));
        match found {
            Some(name) if !settlements.iter().any(|s| s.start < name.end && name.start < s.end) => {
                let (hit, last) = with_house(text, tokens, &name);
                at = last.max(at + 1);
                hits.push(hit);
            }
            _ => at += 1,
        }
    }
    hits
}

fn is_street_word(tokens: &Tokens, at: usize) -> bool {
    STREET_WORDS.contains(&tokens.text(at))
}

/// «ул. Гагарина», «улица 50 лет Октября», «переулок Школьный».
fn behind_type_word(tokens: &Tokens, at: usize) -> Option<Range<usize>> {
    if !is_street_word(tokens, at) {
        return None;
    }
    let first = at + 1;
    let sentence = tokens.sentence_of(at);
    let mut last = first;
    while last < tokens.len()
        && last - first < NAME_WORDS_MAX
        && tokens.sentence_of(last) == sentence
    {
        let token = tokens.list()[last];
        let word = tokens.text(last);
        let belongs = if last == first {
            name_word(tokens, last)
                || (token.is(NUMBER) && tokens.text(last + 1).starts_with("лет"))
                || (token.is(NUMBER) && tokens.list().get(last + 1).is_some_and(|t| t.is(CAPITAL)))
        } else {
            word.starts_with("лет")
                || (token.is(CAPITAL)
                    && tokens.list()[last].clause == tokens.list()[first].clause
                    && !STREET_WORDS.contains(&word)
                    && !HOUSE_WORDS.contains(&word))
                || (token.is(HYPHEN) && !token.is(NUMBER))
        };
        if !belongs {
            break;
        }
        last += 1;
    }
    (last > first).then_some(first..last)
}

/// «Советская улица», «на Школьной улице», «Ленинский проспект».
fn before_type_word(tokens: &Tokens, at: usize) -> Option<Range<usize>> {
    if !is_street_word(tokens, at + 1) || tokens.sentence_of(at) != tokens.sentence_of(at + 1) {
        return None;
    }
    let word = tokens.text(at);
    let adjective = ["ая", "ой", "ую", "ий", "ый", "ого", "ому", "ом", "яя", "ей", "юю"]
        .iter()
        .any(|end| word.ends_with(end));
    (adjective && tokens.list()[at].is(CAPITAL) && !NOT_NAMES.contains(&word)).then_some(at..at + 1)
}

/// «Онохой, Гагарина 12»: a capitalised word between a settlement and a house number.
fn behind_settlement(
    tokens: &Tokens,
    at: usize,
    settlements: &[Range<usize>],
) -> Option<Range<usize>> {
    let token = tokens.list().get(at)?;
    let follows = settlements.iter().any(|s| s.end == at);
    let house = tokens.list().get(at + 1).is_some_and(|next| next.is(NUMBER))
        || (HOUSE_WORDS.contains(&tokens.text(at + 1))
            && tokens.list().get(at + 2).is_some_and(|next| next.is(NUMBER)));
    (follows && house && token.is(CAPITAL) && name_word(tokens, at)).then_some(at..at + 1)
}

/// Whether a word may begin a street's name: a capital, or lower case with an ending names have.
fn name_word(tokens: &Tokens, at: usize) -> bool {
    let Some(token) = tokens.list().get(at) else { return false };
    let word = tokens.text(at);
    if token.is(NUMBER) || token.is(LATIN) || NOT_NAMES.contains(&word) {
        return false;
    }
    let ending = ["ая", "ой", "ую", "ского", "ова", "ева", "ина", "ей", "ый", "ий", "ыха", "ича"];
    token.is(CAPITAL) || (word.chars().count() > 4 && ending.iter().any(|end| word.ends_with(end)))
}

/// Adds the house that follows a street's name. Returns the hit and the token behind it.
fn with_house(text: &str, tokens: &Tokens, name: &Range<usize>) -> (StreetHit, usize) {
    let list = tokens.list();
    let (start, name_end) = (list[name.start].start as usize, list[name.end - 1].end as usize);
    let street = nominative(&text[start..name_end]);
    let house = house_behind(tokens, name.end);
    let (end, last) = match &house {
        Some(house) => (list[house.end - 1].end as usize, house.end),
        None => (name_end, name.end),
    };
    let house =
        house.map(|h| text[list[h.start].start as usize..list[h.end - 1].end as usize].to_owned());
    (StreetHit { street, house, start, end }, last)
}

/// Tokens of the house number behind `from`: «5», «д. 5», «дом 5а», «5/2», «18–24», «5 к. 2».
fn house_behind(tokens: &Tokens, from: usize) -> Option<Range<usize>> {
    let list = tokens.list();
    let mut at = from;
    if HOUSE_WORDS.contains(&tokens.text(at)) {
        at += 1;
    }
    let number = |at: usize| {
        list.get(at).is_some_and(|t| t.is(NUMBER) && tokens.text(at).len() <= HOUSE_DIGITS_MAX)
    };
    if !number(at) || tokens.sentence_of(at) != tokens.sentence_of(from.saturating_sub(1)) {
        return None;
    }
    // «Гагарина 12 числа», «Гагарина 5 минут»: a count of something, not a house.
    let unit = tokens.text(at + 1);
    if ["час", "минут", "руб", "числ", "лет", "год", "дн", "мая", "июн"]
        .iter()
        .any(|u| unit.starts_with(u))
    {
        return None;
    }
    let first = at;
    at += 1;
    let touches = |at: usize| list.get(at).is_some_and(|t| t.start == list[at - 1].end);
    let one_letter = |at: usize| {
        let word = tokens.text(at);
        word.chars().count() == 1 && list.get(at).is_some_and(|t| !t.is(NUMBER))
    };
    if one_letter(at) && (touches(at) || list[at].is(GLUED)) {
        at += 1;
    }
    let near =
        |at: usize| list.get(at).is_some_and(|t| t.start.saturating_sub(list[at - 1].end) <= 4);
    if number(at) && near(at) && list[at].start > list[at - 1].end && !spaced(tokens, at) {
        at += 1;
        if one_letter(at) && touches(at) {
            at += 1;
        }
    } else if ["к", "корп", "корпус", "стр", "строение"].contains(&tokens.text(at))
        && number(at + 1)
    {
        at += 2;
    }
    Some(first..at)
}

/// Whether only a blank or comma stands before a token: then it is another number.
fn spaced(tokens: &Tokens, at: usize) -> bool {
    let list = tokens.list();
    list[at].start.saturating_sub(list[at - 1].end) == 1
        && !list[at].is(HYPHEN)
        && list[at].clause != list[at - 1].clause
}

/// A feminine adjective in the nominative («Советской» → «Советская»); other names as written.
fn nominative(name: &str) -> String {
    for (end, replaced) in [("ской", "ская"), ("скую", "ская"), ("ной", "ная"), ("ную", "ная")]
    {
        if let Some(stem) = name.strip_suffix(end) {
            return format!("{stem}{replaced}");
        }
    }
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, settlements: &[Range<usize>]) -> String {
        let tokens = Tokens::of(text);
        let hits = find(text, &tokens, settlements);
        let shown = |hit: &StreetHit| {
            let house = hit.house.as_deref().map(|h| format!(" {h}")).unwrap_or_default();
            format!("{}{house}", hit.street)
        };
        hits.iter().map(shown).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn streets_and_houses() {
        for (text, expected) in [
            ("ул. Гагарина, 12 нет воды", "Гагарина 12"),
            ("улица Советская дом 5а темно", "Советская 5а"),
            ("на Советской улице яма", "Советская"),
            ("по ул Школьной 18-24", "Школьная 18-24"),
            ("переулок Северный, д. 5/2", "Северный 5/2"),
            ("улица 50 лет Октября, дом 3", "50 лет Октября 3"),
            ("ул.Ленина 7", "Ленина 7"),
            ("проспект Юрия Гагарина", "Юрия Гагарина"),
            ("на нашей улице темно", ""),
            ("улица вся в снегу", ""),
            ("ул. Заречная и ул. Новая", "Заречная; Новая"),
            ("ул. Гагарина 12 числа отключат", "Гагарина"),
        ] {
            assert_eq!(found(text, &[]), expected, "{text}");
        }
    }

    #[test]
    fn a_settlement_before_it_replaces_the_type_word() {
        assert_eq!(found("Онохой, Советская, 5", std::slice::from_ref(&(0..1))), "Советская 5");
        assert_eq!(found("Онохой, Вчера 5 раз звонили", std::slice::from_ref(&(0..1))), "");
    }

    #[test]
    fn spans_lie_in_the_text() {
        let text = "Онохой, Советская, 5 мёрзнем";
        let tokens = Tokens::of(text);
        let hits = find(text, &tokens, std::slice::from_ref(&(0..1)));
        assert_eq!(
            hits.iter().map(|h| &text[h.start..h.end]).collect::<Vec<_>>(),
            ["Советская, 5"]
        );
    }
}
