//! Finds bank cards, documents, number plates and vehicle numbers.
//!
//! Place in the flow: called by the number rules. Invariant: a number is a document by its shape,
//! its check digits or the word before it, never for its length alone.

use super::chain::Chain;
use super::numbers::told_before;
use super::tokens::{Found, Kind, Shape, Text, What};

/// How far back, in tokens, the word is looked for that says what a number is.
const CONTEXT_MAX: usize = 14;

fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(i, d)| match (i % 2, u32::from(*d) * 2) {
            (0, _) => u32::from(*d),
            (_, twice) => twice / 10 + twice % 10,
        })
        .sum();
    sum.is_multiple_of(10) && digits.iter().any(|d| *d != 0)
}

/// 13–19 digits that pass the check of card numbers, or a personal bank account of 20 digits.
pub(super) fn card(chain: &Chain, i: usize) -> Option<Found> {
    let plain = |groups: usize| chain.joined_by(groups, &['(', ')', '.']) == 0;
    for digits in [20, 19, 18, 16, 15, 13] {
        let Some(last) = chain.upto(digits).filter(|last| plain(last + 1)) else { continue };
        let lens = chain.lens(last + 1);
        let shaped = lens.len() == 1
            || (lens[..last].iter().all(|len| *len == 4) && lens[last] <= 4)
            || matches!(lens, [4, 6, 5] | [8, 8]);
        let account = digits == 20 && matches!(&chain.digits[..3], [4, 0, 8] | [4, 2, 3]);
        if account || (digits < 20 && shaped && luhn(&chain.digits[..digits])) {
            return Some(Found { from: i, to: chain.groups[last].end, what: What::Card });
        }
    }
    None
}

/// What the words before a number say it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Paper {
    Passport,
    Snils,
    Tax,
    Policy,
    Account,
}

fn paper(word: &str) -> Option<Paper> {
    Some(match word {
        "инн" => Paper::Tax,
        "омс" => Paper::Policy,
        "серия" | "серии" | "ву" => Paper::Passport,
        "лицевой" | "лицевого" | "лицевому" | "лицев" | "лиц" | "лс" | "с" => {
            Paper::Account
        }
        w if w.starts_with("паспорт") || w.starts_with("удостоверени") => {
            Paper::Passport
        }
        w if w.starts_with("свидетельств") => Paper::Passport,
        w if w.starts_with("снилс") => Paper::Snils,
        w if w.starts_with("полис") => Paper::Policy,
        _ => return None,
    })
}

/// Words that may stand between the name of a paper and its number.
const FILLERS: [&str; 22] = [
    "серия",
    "серии",
    "номер",
    "номером",
    "ном",
    "сер",
    "n",
    "no",
    "рф",
    "гражданина",
    "мой",
    "его",
    "ее",
    "у",
    "счет",
    "счета",
    "счету",
    "сч",
    "полиса",
    "омс",
    "о",
    "рождении",
];

fn paper_before(text: &Text<'_>, i: usize) -> Option<Paper> {
    let mut at = i;
    while at > 0 && i - at < CONTEXT_MAX {
        at -= 1;
        match text.kind(at) {
            Kind::Space(_)
            | Kind::Mark('№' | ':' | '.' | ',' | '-' | '#' | '–' | '—' | '/' | '_' | '*') => {
            }
            Kind::Word(_) if text.chars(at) <= 16 => {
                let word = text.folded(at);
                match (word.as_str(), paper(&word)) {
                    // «с» is the end of «л/с» only.
                    ("с", _) => {
                        let account = text.is_mark(at.wrapping_sub(1), '/')
                            && text.is_one_of(at.wrapping_sub(2), &["л"]);
                        return account.then_some(Paper::Account);
                    }
                    (_, Some(paper)) => return Some(paper),
                    (word, None) if FILLERS.contains(&word) => {}
                    _ => return None,
                }
            }
            _ => return None,
        }
    }
    None
}

/// Passport, insurance, tax and account numbers.
pub(super) fn document(text: &Text<'_>, chain: &Chain, i: usize, found: &[Found]) -> Option<Found> {
    let last = chain.count.checked_sub(1)?;
    let place = Found { from: i, to: chain.groups[last].end, what: What::Document };
    let lens = chain.lens(chain.count);
    if lens == [3, 3, 3, 2] && chain.joined_by(3, &['-']) == 2 {
        return Some(place);
    }
    if matches!(lens, [4] | [2, 2])
        && let Some(to) = number_of_series(text, chain, i)
    {
        return Some(Found { to, ..place });
    }
    let spaced = chain.joined_by(chain.count, &['-', '(', ')', '.']) == 0;
    let series = matches!(lens, [2, 2, 6]) || (lens == [4, 6] && !chain.starts_with_year());
    if series && spaced && !told_before(text, i, found, 2) {
        return Some(place);
    }
    let total = chain.total();
    let fits = match paper_before(text, i)? {
        Paper::Passport => matches!(total, 6 | 10) || (lens.len() == 1 && (7..=9).contains(&total)),
        Paper::Snils => (9..=11).contains(&total),
        Paper::Tax => matches!(total, 10 | 12),
        Paper::Policy => (6..=16).contains(&total),
        Paper::Account => (5..=15).contains(&total) && lens[0] >= 3,
    };
    fits.then_some(place)
}

/// The token after the six digits that `№` or «номер» joins to the four digits of `chain`.
fn number_of_series(text: &Text<'_>, chain: &Chain, i: usize) -> Option<usize> {
    let end = chain.groups[chain.count - 1].end;
    let (mut at, mut named) = (end, false);
    while at < end + 6 {
        match text.kind(at) {
            Kind::Space(false) | Kind::Mark('.' | ',' | ':') => {}
            Kind::Mark('№') => named = true,
            Kind::Word(_) if text.is_one_of(at, &["номер", "ном", "n", "no"]) => {
                named = true
            }
            _ => break,
        }
        at += 1;
    }
    let six = text.kind(at) == Kind::Number && text.chars(at) == 6;
    let told = || !chain.starts_with_year() || paper_before(text, i) == Some(Paper::Passport);
    (named && six && told()).then_some(at + 1)
}

/// Letters on Russian number plates, Cyrillic and Latin look-alikes.
fn plate_letters(text: &Text<'_>, i: usize, count: usize) -> bool {
    text.is_word(i)
        && text.chars(i) == count
        && text.folded(i).chars().all(|c| "авекмнорстухabekmhopctyx".contains(c))
}

/// `А123ВС03`, `А 123 ВС 03`.
pub(super) fn plate(text: &Text<'_>, i: usize) -> Option<Found> {
    if !plate_letters(text, i, 1) || matches!(text.before(i), Kind::Number | Kind::Mark('-')) {
        return None;
    }
    let number = text.past_space(i + 1);
    if text.kind(number) != Kind::Number || text.chars(number) != 3 {
        return None;
    }
    let letters = text.past_space(number + 1);
    if !plate_letters(text, letters, 2) {
        return None;
    }
    let region = text.past_space(letters + 1);
    let has_region = text.kind(region) == Kind::Number && matches!(text.chars(region), 2 | 3);
    let glued = number == i + 1 && letters == number + 1;
    let upper = matches!(text.kind(i), Kind::Word(Shape::Title))
        && matches!(text.kind(letters), Kind::Word(Shape::Upper));
    let unit = text.is_one_of(letters, &["км", "см", "мм", "ам", "км"]);
    if !(glued || (upper && has_region && !unit)) || (!has_region && !upper && unit) {
        return None;
    }
    let end = if has_region { region + 1 } else { letters + 1 };
    let country = text.past_space(end);
    let end =
        if has_region && text.is_one_of(country, &["rus", "рус"]) { country + 1 } else { end };
    Some(Found { from: i, to: end, what: What::Document })
}

/// A vehicle identification number: 17 Latin letters and digits, both in plenty.
pub(super) fn vehicle_number(text: &Text<'_>, i: usize) -> Option<Found> {
    if matches!(text.before(i), Kind::Word(_) | Kind::Number) {
        return None;
    }
    let (mut end, mut chars, mut digits, mut letters) = (i, 0, 0, 0);
    while chars < 18 && matches!(text.kind(end), Kind::Word(_) | Kind::Number) {
        let n = text.chars(end);
        match text.kind(end) {
            Kind::Number => digits += n,
            _ => letters += n,
        }
        chars += n;
        end += 1;
    }
    let fits = chars == 17 && digits >= 4 && letters >= 3;
    (fits && text.fold_range(i..end).is_ascii()).then_some(Found {
        from: i,
        to: end,
        what: What::Document,
    })
}
