//! Streets that meet: «угол Мира и Кирова», «на пересечении Гоголя с Чкалова», «Гоголя / Абая, 5».
//!
//! Place in the flow: the last pass over names; extends what the passes before it found. Invariant:
//! without a word for a crossing two surnames joined by «и» are people.

use std::ops::Range;

use super::bare::is_free;
use super::reader::{Reader, is_adjective, is_surname};
use super::{typed, words};
use crate::text::tokens::HYPHEN;

/// Names around words for a crossing, and partners of the names in `out`.
pub(super) fn find(reader: Reader<'_>, taken: &mut Vec<Range<usize>>, out: &mut Vec<Range<usize>>) {
    let mut add = |name: Range<usize>, out: &mut Vec<Range<usize>>| {
        let free = is_free(&name, taken);
        if free {
            taken.push(name.clone());
            out.push(name);
        }
        free
    };
    let crossed = if reader.seen.any(words::CROSS) { reader.len() } else { 0 };
    for at in 0..crossed {
        if reader.has(at, words::CROSS) {
            let mut next = at + 1;
            while reader.has(next, words::KIND) {
                next += 1;
            }
            if let Some(one) = plain(reader, next) {
                next = one.end;
                add(one, out);
            } else if let Some(one) = out.iter().find(|name| name.start == next) {
                next = one.end;
            }
            if let Some(two) = partner(reader, next) {
                add(two, out);
            }
        }
    }
    between(reader, &mut add, out);
    pairs(reader, &mut add, out);
    let mut at = 0;
    while at < out.len() {
        let end = out[at].end;
        if is_crossed(reader, end)
            && let Some(two) = partner(reader, end)
        {
            add(two, out);
        }
        at += 1;
    }
}

/// «между Жамбыла и Кирова»: people would stand in the instrumental.
fn between(
    reader: Reader<'_>,
    add: &mut impl FnMut(Range<usize>, &mut Vec<Range<usize>>) -> bool,
    out: &mut Vec<Range<usize>>,
) {
    if !reader.seen.any(words::BETWEEN) {
        return;
    }
    for at in (1..reader.len()).filter(|at| reader.has(at - 1, words::BETWEEN)) {
        let Some(one) = plain(reader, at) else { continue };
        let Some(two) = (reader.word(one.end) == "и").then(|| partner(reader, one.end)).flatten()
        else {
            continue;
        };
        // «между Ивановой и Петровой» may be people.
        let sure = |name: &Range<usize>| {
            let last = name.end - 1;
            is_shaped(reader, name)
                && (reader.has(last, words::KNOWN) || !reader.word(last).ends_with("ой"))
        };
        if sure(&one) && sure(&two)
            || reader.has(two.end - 1, words::TITLE)
            || reader.has(one.end - 1, words::TITLE)
        {
            add(one, out);
            add(two, out);
        }
    }
}

/// «Мира и Кирова — на перекрёстке», «Гоголя-Абая»: both names before the word for a crossing, or
/// joined by a stroke.
fn pairs(
    reader: Reader<'_>,
    add: &mut impl FnMut(Range<usize>, &mut Vec<Range<usize>>) -> bool,
    out: &mut Vec<Range<usize>>,
) {
    let seen = reader.seen;
    let anywhere = seen.any(words::CROSS) || seen.stroke || seen.flags & HYPHEN != 0;
    if !anywhere && !seen.any(words::TITLE | words::ROAD) {
        return;
    }
    for at in 0..reader.len() {
        // Things and titles count only where a sentence starts with them.
        if !anywhere && !reader.starts_sentence(at) {
            continue;
        }
        if !reader.capital(at) || reader.kind(at) > 0 || out.len() >= super::STREETS_MAX {
            continue;
        }
        let Some(one) = plain(reader, at) else { continue };
        let Some(two) = partner(reader, one.end) else { continue };
        let title = |name: &Range<usize>| reader.has(name.end - 1, words::TITLE);
        let shaped = |name: &Range<usize>| is_shaped(reader, name);
        let sentence = reader.tokens.sentence_of(at);
        let crossed = (two.end..reader.len().min(two.end + 12))
            .take_while(|next| reader.tokens.sentence_of(*next) == sentence)
            .any(|next| reader.has(next, words::CROSS));
        let stroke = reader.gap(one.end).trim() == "/" || reader.hyphen(one.end);
        let both = shaped(&one) && shaped(&two);
        let starts = reader.starts_sentence(at);
        let things = (two.end..reader.len().min(two.end + 12))
            .take_while(|next| reader.tokens.sentence_of(*next) == sentence)
            .any(|next| reader.has(next, words::ROAD));
        let parted = reader.gap(two.end).trim_start().starts_with(['—', '–', '-', ',', ':']);
        let in_road = things && parted && reader.starts_sentence(at);
        if both && (crossed || stroke || in_road) || (title(&one) || title(&two)) && starts {
            add(one, out);
            add(two, out);
        }
    }
}

fn is_shaped(reader: Reader<'_>, name: &Range<usize>) -> bool {
    let last = name.end - 1;
    let word = reader.word(last);
    !reader.has(last, words::FALSE_NAME)
        && (is_surname(word) || is_adjective(word) || reader.has(last, words::TITLE | words::KNOWN))
}

/// A capitalised name at `at` without a street word.
fn plain(reader: Reader<'_>, at: usize) -> Option<Range<usize>> {
    (reader.capital(at) && !reader.has(at, words::NUMBERED))
        .then(|| typed::name_from(reader, at, false))
        .flatten()
}

/// Whether what follows token `end - 1` says that another street meets this one.
fn is_crossed(reader: Reader<'_>, end: usize) -> bool {
    reader.gap(end).trim() == "/"
        || reader.has(end, words::CROSS)
        || reader.hyphen(end)
        || matches!(reader.word(end), "и") && reader.has(end + 1, words::TITLE)
}

/// The second street: «… и Кирова», «… / Кирова», «… с улицей Кирова», «…, угол Кирова».
fn partner(reader: Reader<'_>, end: usize) -> Option<Range<usize>> {
    let gap = reader.gap(end).trim();
    let stroke = matches!(gap, "/" | "-" | "–" | "—" | "\\");
    let mut at = end;
    if matches!(reader.word(at), "и" | "с" | "со") || reader.has(at, words::CROSS) {
        at += 1;
    } else if !stroke && gap != "," {
        return None;
    }
    while reader.has(at, words::KIND | words::CROSS) && at < end + 4 {
        at += 1;
    }
    plain(reader, at)
        .filter(|name| is_shaped(reader, name) || !reader.has(name.start, words::NOT_NAME))
}
