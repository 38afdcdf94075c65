//! Finds cards, documents, number plates and phones.
//!
//! Place in the flow: after links, before flats and names. Invariant: years, dates, sums, meter
//! readings and house numbers stay: a number is masked by its shape or by the word before it, never
//! for its length.

use super::chain::Chain;
use super::papers::{card, document, plate, vehicle_number};
use super::tokens::{Found, Kind, Text, What};

/// How far back, in tokens, the word is looked for that says what a number is.
const CONTEXT_MAX: usize = 14;

/// Cards, documents, plates and phones.
pub(super) fn find(text: &Text<'_>) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    let mut i = 0;
    while i < text.tokens.len() {
        let place = match text.kind(i) {
            Kind::Number => at_number(text, i, &found),
            Kind::Mark('+' | '(') if text.kind(text.past_space(i + 1)) == Kind::Number => {
                phone(text, i, &Chain::read(text, i), &found)
            }
            Kind::Word(_) => plate(text, i).or_else(|| vehicle_number(text, i)),
            _ => None,
        };
        i = place.map_or(i + 1, |place| place.to);
        found.extend(place);
    }
    found
}

fn at_number(text: &Text<'_>, i: usize, found: &[Found]) -> Option<Found> {
    if let Some(place) = vehicle_number(text, i) {
        return Some(place);
    }
    let joined = matches!(text.before(i), Kind::Mark(':' | '-' | '.' | '/'))
        && i >= 2
        && text.kind(i - 2) == Kind::Number
        && found.last().is_none_or(|f| f.to + 1 < i);
    if joined && text.chars(i) < 6 {
        return None;
    }
    // Single digits in a row are a phone only behind a 7 or 8.
    let single = text.chars(i) == 1 && text.chars(text.past_space(i + 1)) == 1;
    if single && !matches!(text.number(i), Some(7 | 8)) && !text.is_mark(i + 1, '-') {
        return None;
    }
    let chain = Chain::read(text, i);
    card(&chain, i)
        .or_else(|| document(text, &chain, i, found))
        .or_else(|| phone(text, i, &chain, found))
}

/// Phones in Russian and international forms; local ones after a word that says so or by their
/// dashes.
fn phone(text: &Text<'_>, i: usize, chain: &Chain, found: &[Found]) -> Option<Found> {
    let last = chain.count.checked_sub(1)?;
    let group = if text.is_mark(i, '+') {
        international(chain)?
    } else if let Some(group) = with_lead(chain).or_else(|| without_lead(chain)) {
        group
    } else if local(text, chain, i, found) {
        last
    } else {
        return None;
    };
    // A bracket that does not close inside is the sentence's, not the number's.
    let outside = text.is_mark(i, '(') && !chain.closes(group + 1);
    let from = if outside { text.past_space(i + 1) } else { i };
    Some(Found { from, to: chain.groups[group].end, what: What::Phone })
}

fn sum_like(lens: &[usize]) -> bool {
    lens.len() > 1 && lens[0] <= 3 && lens[1..].iter().all(|len| *len == 3)
}

fn international(chain: &Chain) -> Option<usize> {
    if chain.digits[0] == 7
        && let Some(group) = chain.upto(11)
    {
        return Some(group);
    }
    let group = (10..=13).rev().find_map(|digits| chain.upto(digits))?;
    (!sum_like(chain.lens(group + 1))).then_some(group)
}

/// Eleven digits that start with 7 or 8.
fn with_lead(chain: &Chain) -> Option<usize> {
    let group = chain.upto(11)?;
    let lens = chain.lens(group + 1);
    if !matches!(chain.digits[0], 7 | 8) || !matches!(chain.digits[1], 3..=9) {
        return None;
    }
    let dashes = chain.joined_by(group + 1, &['-', '(', ')']);
    let shaped = match lens {
        [1, next, ..] => *next >= 3 || dashes + 1 >= lens.len() || lens.iter().all(|len| *len == 1),
        [first, ..] => *first >= 4,
        [] => false,
    };
    shaped.then_some(group)
}

/// Ten digits without the leading 8.
fn without_lead(chain: &Chain) -> Option<usize> {
    let group = chain.upto(10)?;
    let lens = chain.lens(group + 1);
    let mobile = chain.digits[0] == 9
        && matches!(
            lens,
            [10] | [3, 7] | [3, 3, 4] | [3, 3, 2, 2] | [3, 2, 2, 3] | [3, 2, 3, 2] | [3, 4, 3]
        );
    let bracketed = chain.closes(group + 1);
    let dashes = chain.joined_by(group + 1, &['-']);
    let city = matches!(chain.digits[0], 3 | 4 | 8 | 9)
        && (3..=5).contains(&lens[0])
        && (bracketed || (dashes >= 2 && lens[1..].iter().all(|len| *len <= 3)));
    (mobile || city).then_some(group)
}

/// Words after which a short number is a phone.
const TOLD: [&str; 18] = [
    "тел",
    "тлф",
    "моб",
    "факс",
    "сот",
    "звоните",
    "звонить",
    "позвоните",
    "позвонить",
    "звони",
    "набирайте",
    "ватсап",
    "вотсап",
    "вайбер",
    "whatsapp",
    "viber",
    "дежурка",
    "дежурный",
];

/// `44-46-48`, `30-40-50`: houses or minutes in equal steps.
fn in_steps(chain: &Chain) -> bool {
    let [a, b, c] = [0, 1, 2].map(|i| chain.value(i));
    b > a && c > b && b - a == c - b
}

fn day_month_year(chain: &Chain) -> bool {
    let day = (1..=31).contains(&chain.value(0));
    day && (1..=12).contains(&chain.value(1)) && chain.lens[2] == 2
}

/// Five to seven digits: `21-12-34` unless it can be a date, or anything alike after «тел.».
fn local(text: &Text<'_>, chain: &Chain, i: usize, found: &[Found]) -> bool {
    let lens = chain.lens(chain.count);
    if !(5..=7).contains(&chain.total()) || text.is_word(chain.groups[lens.len() - 1].end) {
        return false;
    }
    let dashes = chain.joined_by(lens.len(), &['-']);
    let dots = chain.joined_by(lens.len(), &['.']);
    let three = matches!(lens, [1..=3, 2, 2] | [2, 1, 2]);
    let dated = lens.len() == 3 && day_month_year(chain);
    let odd = lens.len() == 3 && !dated && !in_steps(chain);
    let apart = !matches!(text.before(i), Kind::Word(_) | Kind::Mark('№'));
    if three && dashes == 2 && odd && apart {
        return true;
    }
    if dots > 0 && (dated || dots + 1 < lens.len()) {
        return false;
    }
    let glued = lens.len() == 1;
    let shaped = glued
        || (three && dashes + dots + 1 >= lens.len())
        || matches!(lens, [1..=3, 2, 2])
        || (lens.len() == 2 && dashes == 1 && chain.total() >= 5);
    shaped && told_before(text, i, found, if glued { 2 } else { 4 })
}

/// Whether a word shortly before says that the number at `i` is a phone.
pub(super) fn told_before(text: &Text<'_>, i: usize, found: &[Found], words_max: usize) -> bool {
    if matches!(text.kind(unit_after(text, i)), Kind::Word(_))
        && ["руб", "тыс", "млн", "куб", "квт", "чел", "шт"]
            .iter()
            .any(|unit| text.folded(unit_after(text, i)).starts_with(unit))
    {
        return false;
    }
    let (mut at, mut words) = (i, 0);
    while at > 0 && i - at < CONTEXT_MAX && words < words_max + 1 {
        at -= 1;
        if found.last().is_some_and(|f| f.to == at + 1) {
            return found.last().is_some_and(|f| f.what == What::Phone) && words <= 1;
        }
        match text.kind(at) {
            Kind::Masked(what) => return what == What::Phone && words <= 1,
            Kind::Number => return false,
            Kind::Word(_) if text.chars(at) <= 16 => {
                let word = text.folded(at);
                if TOLD.contains(&word.as_str()) || word.starts_with("телефон") {
                    return true;
                }
                words += 1;
            }
            Kind::Mark('!' | '?') => return false,
            Kind::Mark(';') if words > 0 => return false,
            _ => {}
        }
    }
    false
}

/// The token after the number at `i` and a space.
fn unit_after(text: &Text<'_>, i: usize) -> usize {
    text.past_space(i + 1)
}
