//! Streets with a street word: «ул. Гагарина», «Советская улица», «Полбина ул, д. 5».
//!
//! Place in the flow: the first and surest pass over a text. Invariant: an ordinary word in lower
//! case is no name («улица вся в снегу», «большая площадь»).

use std::ops::Range;

use super::reader::{Reader, is_adjective, is_surname};
use super::{house, words};

/// Most words of a name behind its street word, and before one in a list.
const BEHIND_MAX: usize = 5;
const BEFORE_MAX: usize = 9;

/// Names with a street word beside them, as tokens, in text order.
pub(super) fn find(reader: Reader<'_>, out: &mut Vec<Range<usize>>) {
    let mut at = 0;
    while at < reader.len() && out.len() < super::STREETS_MAX {
        let length = reader.kind(at);
        if length == 0 {
            if reader.has(at, words::LISTED) && is_listed(reader, at + 1) {
                let kind = at.saturating_sub(usize::from(reader.word(at) == "т"));
                out.extend(in_list(reader, kind));
            }
            at += 1;
            continue;
        }
        if let Some(kind) = listed_kind(reader, at) {
            out.extend(in_list(reader, kind));
            at = kind + reader.kind(kind).max(1);
            continue;
        }
        let before = before(reader, at, length);
        if let Some(name) = before {
            out.push(name);
            at += length;
            continue;
        }
        at += length;
        if let Some(name) = behind(reader, at, length) {
            at = name.end;
            let many = reader.has(name.start.saturating_sub(length), words::MANY);
            out.push(name);
            more(reader, &mut at, many, out);
        }
    }
}

/// Further names of «улиц Заречной, Новой и Садовой».
fn more(reader: Reader<'_>, at: &mut usize, many: bool, out: &mut Vec<Range<usize>>) {
    loop {
        let and = reader.word(*at) == "и" && reader.joined(*at);
        let comma = reader.gap(*at).trim() == ",";
        let slash = reader.gap(*at).trim() == "/";
        let first = *at + usize::from(and);
        if !(and || comma || slash) || !reader.capital(first) || reader.kind(first) > 0 {
            return;
        }
        let Some(name) = name_from(reader, first, false) else { return };
        let last = reader.word(name.end - 1);
        let sure = is_adjective(last) || is_surname(last) || reader.has(name.end - 1, words::KNOWN);
        // «ул. Ленина, Иванова пришла»: without «улиц» only an adjective or a name everyone knows.
        let known = reader.has(name.end - 1, words::KNOWN | words::TITLE);
        if !sure || !(many || slash || known || and) {
            return;
        }
        *at = name.end;
        out.push(name);
    }
}

/// The name behind a street word that ends at token `first`.
fn behind(reader: Reader<'_>, first: usize, length: usize) -> Option<Range<usize>> {
    let kind = first - length;
    let class = reader.class(kind);
    let gap = reader.gap(first);
    let near = gap.chars().all(|c| matches!(c, ' ' | '\u{A0}' | '.' | ',' | ':' | '-' | '«' | '"'))
        && !gap.contains("..");
    if !near {
        return None;
    }
    let whole_word = class & words::SHORT == 0 && length == 1;
    if whole_word && gap.contains('.') {
        return None;
    }
    let comma = gap.contains([',', ':']);
    let loose = class & words::LOOSE != 0 || comma || reader.word(kind) == "ш";
    let loose = loose || class & words::MANY != 0;
    let name = name_from(reader, first, !loose)?;
    let housed = !house::behind(reader.text, reader.token(name.end - 1)?.end as usize).is_empty();
    (!comma || housed).then_some(name)
}

/// The name that starts at token `first`; in lower case too if `any` is set.
pub(super) fn name_from(reader: Reader<'_>, first: usize, any: bool) -> Option<Range<usize>> {
    let mut at = first;
    if matches!(reader.word(at), "им" | "имени") {
        at += 1;
    }
    let begins = at;
    if reader.number(at) {
        at = numbered(reader, at)?;
        if at > begins + 1 && !reader.capital(at) {
            return Some(begins..at);
        }
    }
    if !starts_name(reader, at, any) {
        return (at > begins + 1).then_some(begins..at);
    }
    at += 1;
    while at < reader.len() && at - begins < BEHIND_MAX && goes_on(reader, begins, at) {
        at += 1;
    }
    if reader.number(at)
        && reader.joined(at)
        && reader.hyphen(at + 1)
        && is_ordinal(reader.word(at + 1))
        && !reader.word(at + 2).starts_with("дом")
        && !reader.word(at + 2).starts_with("под")
    {
        at += 2;
    }
    Some(begins..at)
}

/// «50 лет Октября», «8 Марта», «1-я Садовая», «3 Интернационала»: the tokens of the number and
/// what belongs to it. Returns the first token behind them.
fn numbered(reader: Reader<'_>, at: usize) -> Option<usize> {
    let next = at + 1;
    let ordinal = reader.hyphen(next) && is_ordinal(reader.word(next));
    if ordinal || reader.glued(next) && is_ordinal(reader.word(next)) {
        return reader.letters(next + 1).then_some(next + 1);
    }
    let word = reader.word(next);
    if word.starts_with("лет") {
        return Some(next + 2).filter(|end| *end <= reader.len());
    }
    let month = ["марта", "мая", "января", "октября", "ноября", "августа", "декабря", "апреля"];
    if month.contains(&word) {
        return Some(next + 1);
    }
    (reader.capital(next) && reader.joined(next)).then_some(next)
}

fn is_ordinal(word: &str) -> bool {
    matches!(word, "й" | "я" | "е" | "ая" | "ый" | "ой" | "го" | "ю")
}

fn starts_name(reader: Reader<'_>, at: usize, any: bool) -> bool {
    if !reader.letters(at)
        || reader.has(at, words::NOT_NAME | words::NUMBERED | words::CROSS)
            && !reader.has(at, words::KNOWN)
        || reader.kind(at) > 0
    {
        return false;
    }
    if reader.capital(at) {
        return reader.letters_count(at) > 1 || reader.gap(at + 1).starts_with('.');
    }
    if !any {
        return false;
    }
    let word = reader.word(at);
    let shaped = is_adjective(word) || is_surname(word) || word.ends_with("ого");
    let house = {
        let next = usize::from(reader.has(at + 1, words::HOUSE)) + at + 1;
        reader.number(next) && reader.same_clause(at, at + 1)
    };
    let two = reader.has(at + 1, words::TITLE) || reader.has(at, words::FIRST);
    (reader.has(at, words::KNOWN) || shaped && !reader.has(at, words::FALSE_NAME) || house || two)
        && reader.letters_count(at) > 2
}

/// Whether token `at` belongs to the name that began at `first`.
fn goes_on(reader: Reader<'_>, first: usize, at: usize) -> bool {
    if !reader.letters(at) || reader.kind(at) > 0 || reader.has(at, words::HOUSE) {
        return false;
    }
    let before = reader.word(at - 1);
    if reader.hyphen(at) {
        let both = reader.capital(at) && is_surname(before) && is_surname(reader.word(at));
        return !both && !reader.has(at, words::FALSE_NAME);
    }
    // «В.И. Ленина»: initials.
    if reader.letters_count(at - 1) == 1 && reader.gap(at).starts_with('.') {
        return true;
    }
    if !reader.joined(at) || reader.gap(at).contains('.') {
        return false;
    }
    if reader.has(at, words::TITLE) && at == first + 1 {
        return true;
    }
    if reader.has(at, words::NOT_NAME | words::CROSS | words::MARK) {
        return false;
    }
    let first_name = reader.has(at - 1, words::FIRST);
    if reader.caps(at) && !reader.caps(at - 1) && !reader.number(at - 1) {
        return false;
    }
    if !reader.capital(at) {
        return first_name && !reader.capital(at - 1) && reader.letters_count(at) > 3;
    }
    // A surname or an adjective ends a name: «ул. Ленина Иванов сказал».
    let whole = is_surname(before) || is_adjective(before) || reader.has(at - 1, words::KNOWN);
    first_name || !whole && reader.capital(at - 1) || reader.number(at - 1)
}

/// The name before a street word: «Советская улица», «Светлый 3-й пер, д. 5».
fn before(reader: Reader<'_>, at: usize, length: usize) -> Option<Range<usize>> {
    let last = at.checked_sub(1)?;
    if !reader.joined(at) || reader.gap(at).contains('.') && reader.letters_count(last) > 1 {
        return None;
    }
    if reader.word(at) == "ш" && reader.capital(at) {
        return None;
    }
    let behind = at + length;
    let short = length == 2 || reader.has(at, words::SHORT) || reader.has(at, words::LOOSE);
    let gap = reader.gap(behind).trim_start();
    let closes = behind >= reader.len()
        || gap.starts_with([',', '.'])
            && (reader.has(behind, words::HOUSE) || reader.number(behind))
        || reader.number(behind);
    if short && !closes && reader.capital(behind) {
        return None;
    }
    let word = reader.word(last);
    let capital = reader.capital(last);
    let ordinal = reader.hyphen(last) && is_ordinal(word) && last >= 2;
    if ordinal && reader.capital(last - 2) && closes {
        return Some(last - 2..last + 1);
    }
    if reader.has(last, words::NOT_NAME | words::FALSE_NAME) || !reader.letters(last) {
        return None;
    }
    let loose = reader.has(at, words::LOOSE) && length == 1;
    let adjective = is_adjective(word) && !(loose && reader.starts_sentence(last));
    let surname = short && closes && (is_surname(word) || reader.has(last, words::KNOWN));
    if capital && (adjective || surname) || reader.has(last, words::KNOWN) && adjective {
        let mut first = last;
        if reader.hyphen(last) || first > 0 && reader.capital(first - 1) && reader.joined(first) {
            let word = reader.word(first - 1);
            let part =
                reader.hyphen(last) || reader.has(first - 1, words::FIRST) || is_adjective(word);
            first -= usize::from(part && !reader.has(first - 1, words::NOT_NAME));
        }
        if first >= 2 && reader.hyphen(first - 1) && is_ordinal(reader.word(first - 1)) {
            first -= 2;
        }
        return Some(first..at);
    }
    None
}

/// The street word that ends the clause of `at` before «, д. 5», as dispatchers' lists have it.
fn listed_kind(reader: Reader<'_>, at: usize) -> Option<usize> {
    let mut last = at;
    for next in at..reader.len().min(at + BEFORE_MAX) {
        if next > at && reader.gap(next).contains([',', ';', '\n']) {
            break;
        }
        if reader.kind(next) > 0 {
            last = next;
        }
    }
    let behind = last + reader.kind(last);
    let begins = last > 0 && !reader.gap(last).contains([',', '\n', '.', ';']);
    (begins && is_listed(reader, behind)).then_some(last)
}

/// Whether «, д. 5» stands at a token.
fn is_listed(reader: Reader<'_>, at: usize) -> bool {
    reader.word(at) == "д" && reader.gap(at).trim_start().starts_with(',')
}

/// «Ульяновск г, 50-летия ВЛКСМ пр-кт, д. 7»: everything from the comma to the street word.
fn in_list(reader: Reader<'_>, at: usize) -> Option<Range<usize>> {
    let mut first = at;
    while first > 0 && at - first < BEFORE_MAX {
        let gap = reader.gap(first);
        if first < at && gap.contains([',', ';', '\n']) || first == at && gap.contains([',', '\n'])
        {
            break;
        }
        first -= 1;
    }
    let named = (first..at).any(|at| reader.letters(at));
    (named && first < at).then_some(first..at)
}
