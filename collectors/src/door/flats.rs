//! Finds flat numbers: «кв. 12», «12-й квартире», the 12 of «ул. Ленина, 5-12».
//!
//! Place in the flow: after numbers, before names. Invariant: the house stays readable; square
//! metres («45 кв. м»), quarters («3 кв. 2026»), kilovolts and house ranges are no flats.

use super::tokens::{Found, Kind, Shape, Text, What};

const FLAT: [&str; 10] = [
    "кв",
    "квартира",
    "квартиры",
    "квартире",
    "квартиру",
    "квартирой",
    "квартирах",
    "квартирам",
    "кварт",
    "апартаменты",
];
/// Beginnings of words which show that the number before them is a size or a price, even after
/// «кв.».
const SIZES: [&str; 9] = ["комн", "м", "метр", "кв", "руб", "тыс", "млн", "процент", "градус"];
/// The same in forms that only follow a count: a flat and its number are followed by other words.
const COUNTS: [&str; 22] = [
    "лет",
    "года",
    "часа",
    "часов",
    "дня",
    "дней",
    "дн",
    "суток",
    "сутки",
    "месяца",
    "месяцев",
    "недел",
    "минут",
    "чел",
    "ребен",
    "детей",
    "семей",
    "раза",
    "собак",
    "кош",
    "шт",
    "штук",
];
/// Further words that explain a number which is only one of a list.
const PLACES: [&str; 8] = ["эт", "этаж", "дом", "год", "час", "ден", "мес", "подъезд"];
const STREETS: [&str; 30] = [
    "ул",
    "улица",
    "улице",
    "улицы",
    "улицу",
    "пер",
    "переулок",
    "переулке",
    "переулка",
    "пр",
    "просп",
    "проспект",
    "проспекте",
    "проспекта",
    "мкр",
    "мкрн",
    "микрорайон",
    "микрорайоне",
    "микрорайона",
    "бульвар",
    "бульваре",
    "бульвара",
    "пл",
    "площадь",
    "площади",
    "шоссе",
    "квартал",
    "квартале",
    "проезд",
    "проезде",
];
const HOUSE: [&str; 4] = ["д", "дом", "доме", "дома"];
/// Most tokens between a street's word and the house number.
const STREET_MAX: usize = 12;

/// Flats; a place never holds the house.
pub(super) fn find(text: &Text<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    let mut i = 0;
    while i < text.tokens.len() {
        let end = match text.kind(i) {
            Kind::Word(_) => after_word(text, i).map(|end| (i, end)),
            Kind::Number => before_word(text, i)
                .map(|end| (i, end))
                .or_else(|| after_house(text, i).map(|end| (end - 1, end))),
            _ => None,
        };
        match end {
            Some((from, end)) => {
                found.push(Found { from, to: end, what: What::Flat });
                i = end;
            }
            None => i += 1,
        }
    }
    found
}

/// The word that the number at token `i` belongs to, if one of `units` begins it.
fn has_unit(text: &Text<'_>, i: usize, units: &[&str]) -> bool {
    let next = text.past_space(i + 1);
    let next = if text.is_mark(next, '-') { next + 1 } else { next };
    if matches!(text.kind(next), Kind::Mark('%' | '²' | '₽' | '°')) {
        return true;
    }
    if !text.is_word(next) {
        return false;
    }
    let word = text.folded(next);
    // One letter right behind a number belongs to it: «кв. 12а».
    let letter =
        next == i + 1 && text.chars(next) == 1 && !["м", "с", "c"].contains(&word.as_str());
    if next == i + 1 && text.chars(next) == 1 && !letter {
        return true;
    }
    let begins = |unit: &str| match unit.chars().count() {
        1 | 2 => word == unit,
        _ => word.starts_with(unit),
    };
    !letter && units.iter().any(|unit| begins(unit))
}

/// Whether the number at token `i` counts or measures something.
pub(super) fn counts(text: &Text<'_>, i: usize) -> bool {
    has_unit(text, i, &SIZES) || has_unit(text, i, &COUNTS)
}

/// A number that can be a flat at `i`, with a letter behind it: the token after.
fn flat_number(text: &Text<'_>, i: usize) -> Option<usize> {
    if text.kind(i) != Kind::Number || text.chars(i) > 4 || has_unit(text, i, &SIZES) {
        return None;
    }
    if matches!(text.kind(i + 1), Kind::Mark('.' | ',')) && text.kind(i + 2) == Kind::Number {
        // A decimal fraction; a list has a space behind its comma or is told by more numbers.
        let list = text.is_mark(i + 1, ',') && text.is_mark(i + 3, ',');
        if !list && text.chars(i + 2) <= 1 {
            return None;
        }
    }
    let letter = text.is_word(i + 1) && text.chars(i + 1) == 1;
    Some(i + 1 + usize::from(letter))
}

/// «кв. 12», «квартиры № 12, 14 и 15».
fn after_word(text: &Text<'_>, i: usize) -> Option<usize> {
    if text.chars(i) > 11 || matches!(text.before(i), Kind::Number | Kind::Word(_)) {
        return None;
    }
    let kilovolt = matches!(text.kind(i), Kind::Word(Shape::Mixed)) && text.chars(i) == 2;
    let word = text.folded(i);
    let hyphened = word == "кв"
        && text.is_mark(i + 1, '-')
        && text.is_one_of(i + 2, &["ра", "ры", "ре", "ру", "рой", "рах"]);
    if kilovolt || !FLAT.contains(&word.as_str()) {
        return None;
    }
    let from = if hyphened { i + 3 } else { i + 1 };
    let joins =
        |j: usize| matches!(text.kind(j), Kind::Space(false) | Kind::Mark('.' | '№' | ':' | '#'));
    let number = (from..from + 5).find(|j| !joins(*j))?;
    let year = text.number(number).is_some_and(|n| (1900..2100).contains(&n));
    if word == "кв" && year {
        return None;
    }
    if text.chars(i) > 5 && has_unit(text, number, &COUNTS) {
        return None;
    }
    let mut end = flat_number(text, number)?;
    while let Some(next) = listed(text, end) {
        end = next;
    }
    Some(end)
}

/// The next flat of a list «12, 14 и 15», «12-14».
fn listed(text: &Text<'_>, end: usize) -> Option<usize> {
    if matches!(text.kind(end), Kind::Mark('-' | '–' | '—' | '/'))
        && text.kind(end + 1) == Kind::Number
    {
        return flat_number(text, end + 1);
    }
    let at = text.past_space(end);
    if text.is_one_of(at, &["и"]) {
        return further(text, text.past_space(at + 1));
    }
    if !text.is_mark(end, ',') {
        return None;
    }
    let next = further(text, text.past_space(end + 1))?;
    let behind = text.past_space(next);
    let closed = matches!(text.kind(next), Kind::Mark(',' | '.' | ';' | ')') | Kind::Space(true));
    (closed || text.is_one_of(behind, &["и"])).then_some(next)
}

fn further(text: &Text<'_>, i: usize) -> Option<usize> {
    let counted = has_unit(text, i, &COUNTS) || has_unit(text, i, &PLACES);
    if counted { None } else { flat_number(text, i) }
}

/// «12-я квартира», «в 12 квартире»; not «22 квартиры», which counts them.
fn before_word(text: &Text<'_>, i: usize) -> Option<usize> {
    let number = text.number(i).filter(|_| text.chars(i) <= 4)?;
    let (mut at, mut ordinal) = (i + 1, false);
    let dash = usize::from(text.is_mark(at, '-'));
    if text.is_one_of(at + dash, &["я", "ая", "й", "ой", "ю", "ую"]) {
        (at, ordinal) = (at + dash + 1, true);
    }
    let word = text.past_space(at);
    if word == i + 1 || !text.is_word(word) {
        return None;
    }
    // «корпус 2 квартира 12»: the number behind the word is its own.
    let own = text.past_space(word + 1);
    if matches!(text.kind(own), Kind::Number | Kind::Mark('№' | '#' | '[')) {
        return None;
    }
    let ends = match text.folded(word).as_str() {
        "квартире" | "квартирой" => true,
        "квартира" | "квартиру" => {
            ordinal || number % 10 != 1 || number % 100 == 11
        }
        "квартиры" => ordinal,
        _ => false,
    };
    ends.then_some(word + 1)
}

/// The flat of «ул. Ленина, 5-12» or «дом 5а-12», given the token of the house: the token after the
/// flat.
fn after_house(text: &Text<'_>, i: usize) -> Option<usize> {
    if text.chars(i) > 3 {
        return None;
    }
    let mut at = i + 1;
    if text.is_word(at) && text.chars(at) == 1 {
        at += 1;
    }
    if text.is_mark(at, '/') && text.kind(at + 1) == Kind::Number {
        at += 2;
    }
    let spaced = text.past_space(at);
    if !text.is_mark(spaced, '-') {
        return None;
    }
    let flat = text.past_space(spaced + 1);
    let fits = text.kind(flat) == Kind::Number && text.chars(flat) <= 4;
    let zero = text.number(flat) == Some(0);
    let longer = matches!(text.kind(flat + 1), Kind::Mark('-' | '–' | ':'))
        && text.kind(flat + 2) == Kind::Number;
    let counted = || counts(text, flat) || has_unit(text, flat, &PLACES);
    // «д. 22-24» is one building on two plots.
    let double = text.number(i).map(|house| house + 2) == text.number(flat);
    (fits && !zero && !double && !longer && !counted() && house_before(text, i, flat + 1))
        .then_some(flat + 1)
}

/// Whether a house number is expected at `i`: «дом», or a street shortly before and nothing else.
/// `end` is the token after the would-be flat.
fn house_before(text: &Text<'_>, i: usize, end: usize) -> bool {
    let (mut at, mut words, mut lower) = (i, 0, 0);
    while at > 0 && i - at < STREET_MAX {
        at -= 1;
        match text.kind(at) {
            Kind::Space(false) | Kind::Mark('.' | '№' | '«' | '»' | '"') => {}
            Kind::Mark(',') if words == 0 => {}
            Kind::Mark('-') if text.is_word(at + 1) && text.is_word(at.wrapping_sub(1)) => {}
            Kind::Number if words > 0 => {}
            Kind::Word(shape) if text.chars(at) <= 20 => {
                let word = text.folded(at);
                if HOUSE.contains(&word.as_str()) {
                    // «дома 18-24» is a range.
                    return words == 0 && word != "дома";
                }
                let hyphened = ["т", "кт", "н", "р"].contains(&word.as_str())
                    && text.is_mark(at.wrapping_sub(1), '-');
                if hyphened || STREETS.contains(&word.as_str()) {
                    let named = words > 0 && lower < 3;
                    return named && (lower < 2 || !text.is_word(text.past_space(end)));
                }
                // «ул. Ленина отключение 10-15 августа»: a word behind the name is no part of it.
                let title = !matches!(shape, Shape::Lower);
                if (title && lower > 0) || text.chars(at) <= 2 || words == 4 {
                    return false;
                }
                lower += usize::from(!title);
                words += 1;
            }
            _ => return false,
        }
    }
    false
}
