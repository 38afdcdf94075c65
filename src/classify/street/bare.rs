//! Streets without a street word: «Гагарина 12», «по адресу: Мира, 5», «дом 3 по Кирова», «по
//! Чкалова».
//!
//! Place in the flow: the second pass, over words that no street word claimed. Invariant: the shape
//! of the word and what stands beside it must agree; a surname alone is a person, never a street.

use std::ops::Range;

use super::reader::{Reader, is_adjective, is_feminine, is_surname};
use super::{house, words};
use crate::text::tokens::NUMBER;

/// Most words of a name.
const WORDS_MAX: usize = 3;

/// Names that a house, a place or a preposition betrays. `taken` are tokens that are something
/// else.
pub(super) fn find(
    reader: Reader<'_>,
    settlements: &[Range<usize>],
    taken: &mut Vec<Range<usize>>,
    out: &mut Vec<Range<usize>>,
) {
    let near = words::ALONG | words::ADDRESS | words::MARK | words::FROM;
    if reader.seen.flags & NUMBER == 0 && !reader.seen.any(near) {
        return;
    }
    for at in 0..reader.len() {
        if out.len() >= super::STREETS_MAX {
            return;
        }
        let name = if reader.number(at) {
            before_house(reader, at, settlements)
        } else if reader.capital(at) && reader.has(at.wrapping_sub(1), words::ALONG) {
            behind_preposition(reader, at)
        } else if reader.capital(at) {
            behind_address(reader, at)
        } else {
            None
        };
        if let Some(name) = name.filter(|name| is_free(name, taken)) {
            taken.push(name.clone());
            out.push(name);
        }
    }
}

pub(super) fn is_free(name: &Range<usize>, taken: &[Range<usize>]) -> bool {
    !taken.iter().any(|other| other.start < name.end && name.start < other.end)
}

/// «Гагарина 12», «Толе би, дом 5», «ленина 3а»: the name before the number at `at`.
fn before_house(
    reader: Reader<'_>,
    at: usize,
    settlements: &[Range<usize>],
) -> Option<Range<usize>> {
    let mut last = at.checked_sub(1)?;
    let mut word_of_house = false;
    while reader.has(last, words::HOUSE) {
        word_of_house = true;
        last = last.checked_sub(1)?;
    }
    if reader.hyphen(at) && !is_surname(reader.word(last)) || !reader.letters(last) {
        return None;
    }
    let near = ["около", "возле", "напротив", "у"];
    let past = word_of_house && near.contains(&reader.word(last));
    last = last.checked_sub(usize::from(past))?;
    let token = reader.token(last)?;
    let houses = house::behind(reader.text, token.end as usize);
    let house = houses.first()?;
    if house.start != reader.token(at)?.start as usize {
        return None;
    }
    // «Федерации 83, 89а»: one house with a letter makes the list houses.
    let lettered = houses
        .iter()
        .any(|house| reader.text[house.clone()].contains(|c: char| c.is_alphabetic() || c == '/'));
    let comma = reader.gap(last + 1).contains(',');
    let name = backwards(reader, last)?;
    let follows = settlements.iter().any(|place| place.end == name.start);
    let sure = (word_of_house || lettered || follows) && !past;
    let opens = reader.starts_sentence(name.start) || reader.clause_start(name.start) == name.start;
    let closes = closes(reader.text, houses.last()?.end);
    fits(reader, &name, sure, comma && opens && closes).then_some(name)
}

/// Whether nothing or a break follows byte `at`.
fn closes(text: &str, at: usize) -> bool {
    let rest = text[at..].trim_start_matches(' ');
    rest.is_empty()
        || rest.starts_with("и ")
        || rest.starts_with(['.', ',', '—', '–', '-', '\n', ':', '!', '?', ')', ';', '('])
}

/// The words before and at `last` that make one name.
fn backwards(reader: Reader<'_>, last: usize) -> Option<Range<usize>> {
    if reader.has(last, words::NOT_NAME) || reader.kind(last) > 0 {
        return None;
    }
    let mut first = last;
    if let Some(number) = dated(reader, last) {
        return Some(number..last + 1);
    }
    while first > 0 && last - first < WORDS_MAX - 1 && belongs_before(reader, first) {
        first -= 1;
    }
    // «К. Маркса»: initials belong to the name.
    while first > 0 && reader.letters_count(first - 1) == 1 && reader.gap(first).starts_with('.') {
        if !reader.capital(first - 1) {
            break;
        }
        first -= 1;
    }
    Some(first..last + 1)
}

/// The number that a name of a day begins with: «9 мая», «50 лет Октября».
fn dated(reader: Reader<'_>, last: usize) -> Option<usize> {
    if !matches!(
        reader.word(last),
        "мая" | "марта" | "января" | "октября" | "победы" | "влксм" | "комсомола"
    ) {
        return None;
    }
    let before = last.checked_sub(1)?;
    if reader.number(before) && reader.word(last) != "октября" {
        return Some(before);
    }
    let years = reader.word(before).starts_with("лет");
    (years && reader.number(before.checked_sub(1)?)).then(|| before - 1)
}

/// Whether the word before `at` begins the name that `at` continues.
fn belongs_before(reader: Reader<'_>, at: usize) -> bool {
    let before = at - 1;
    if !reader.letters(before)
        || reader.caps(before) && !reader.caps(at)
        || !reader.joined(at)
        || reader.gap(at).contains('.')
        || reader.has(before, words::NOT_NAME | words::CROSS | words::MARK | words::ALONG)
        || reader.kind(before) > 0
    {
        return false;
    }
    if reader.hyphen(at) || reader.has(at, words::TITLE) {
        return !(is_surname(reader.word(before)) && is_surname(reader.word(at)));
    }
    if !reader.capital(before) || !reader.capital(at) {
        return reader.has(before, words::FIRST) && reader.has(at, words::KNOWN);
    }
    reader.has(before, words::FIRST)
        || !is_surname(reader.word(before))
            && !is_adjective(reader.word(before))
            && !reader.has(before, words::NUMBERED)
            && !reader.starts_sentence(before)
        || is_adjective(reader.word(before)) && is_adjective(reader.word(at))
        || !is_surname(reader.word(at)) && !is_adjective(reader.word(at))
}

/// Whether the words look like a street. `sure`: «дом» or a letter stands at the number; `alone`:
/// name, comma, number and nothing else make the clause.
fn fits(reader: Reader<'_>, name: &Range<usize>, sure: bool, alone: bool) -> bool {
    let last = name.end - 1;
    let word = reader.word(last);
    if reader.has(name.start, words::NUMBERED) || reader.has(last, words::NUMBERED) {
        return false;
    }
    if reader.number(name.start) {
        return true;
    }
    let initials = name.len() > 1 && reader.letters_count(name.start) == 1;
    if initials && reader.letters_count(last) > 3 {
        return true;
    }
    if reader.has(last, words::KNOWN) {
        return sure || reader.capital(name.start) || !is_adjective(word);
    }
    if reader.has(last, words::FALSE_NAME | words::CROSS | words::MARK) {
        return false;
    }
    let capital = reader.capital(name.start);
    let title = reader.has(last, words::TITLE);
    let shaped = is_feminine(word) || is_surname(word) || title;
    if title && name.len() > 1 {
        return true;
    }
    if capital {
        return shaped || (sure || alone) && reader.letters_count(last) > 3;
    }
    // «жилого дома 5» is no street.
    let of_house = ["ого", "ому", "ом", "ый", "ий", "ой"].iter().any(|end| word.ends_with(end));
    shaped
        && sure
        && reader.letters_count(last) > 4
        && !(of_house && reader.has(last + 1, words::HOUSE))
}

/// «по Чкалова», «на Гагарина от моста»: a surname in the genitive behind a preposition that takes
/// none.
fn behind_preposition(reader: Reader<'_>, at: usize) -> Option<Range<usize>> {
    let name = super::typed::name_from(reader, at, false)?;
    let last = name.end - 1;
    let word = reader.word(last);
    let title = reader.has(last, words::TITLE);
    let surname = is_surname(word) && !reader.has(last, words::FALSE_NAME);
    let known = reader.has(last, words::KNOWN) && !is_adjective(word);
    let along = matches!(reader.word(at - 1), "по" | "вдоль");
    let housed = {
        let before = at.wrapping_sub(2);
        reader.number(before) || reader.glued(before) && reader.number(before.wrapping_sub(1))
    };
    let steered = housed && surname
        || reader.has(name.end, words::MARK | words::CROSS)
        || matches!(reader.word(name.end), "от" | "напротив" | "возле" | "около")
        || reader.gap(name.end).trim_start().starts_with('/');
    (title || known || surname && (along || steered) || steered && along).then_some(name)
}

/// «Адрес: Мира 5», «ниже Жамбыла», «дом 15 по Кирова».
fn behind_address(reader: Reader<'_>, at: usize) -> Option<Range<usize>> {
    let before = at.wrapping_sub(1);
    let address = reader.has(before, words::ADDRESS);
    let mark = reader.has(before, words::MARK) && reader.joined(at);
    if !address && !mark && !reader.seen.any(words::FROM) {
        return None;
    }
    let ranged = |name: &Range<usize>| {
        reader.word(name.end) == "от"
            && reader.capital(name.end + 1)
            && (name.end + 2..name.end + 6).any(|at| reader.word(at) == "до")
    };
    let range_ends = matches!(reader.word(before), "от" | "до");
    if !address && !mark && (range_ends || reader.has(at, words::NUMBERED)) {
        return None;
    }
    let name = super::typed::name_from(reader, at, false)?;
    if !address && !mark && !ranged(&name) {
        return None;
    }
    let last = name.end - 1;
    let shaped = is_surname(reader.word(last))
        || is_adjective(reader.word(last))
        || reader.has(last, words::TITLE | words::KNOWN);
    (shaped && !reader.has(last, words::FALSE_NAME) || mark && reader.letters_count(last) > 3)
        .then_some(name)
}
