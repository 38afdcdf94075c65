//! Reads the houses of a dispatcher's list: «Полбина ул, д. 1, 4а, 7корп.2, 0/ул.Отрадная, 9».
//!
//! Place in the flow: behind a name that «ул, д.» follows. Invariant: what stands in the list
//! belongs to it; every house is a piece of the text as written, without its flat.

use std::ops::Range;

use super::house::{DIGITS_LISTED_MAX, HOUSES_MAX, Lead, PARTS, Scan};
use super::words;

/// Most remarks in a row between the houses of a dispatcher's list, and most words of one.
const REMARKS_MAX: usize = 2;
const REMARK_WORDS_MAX: usize = 4;

/// The houses of a dispatcher's list («Полбина ул, д. 1, 4а, 7корп.2 …») that follow byte `from`,
/// and the byte where the list ends. What dispatchers write between and behind houses («западнее
/// д.№77», «0/ул.Отрадная») belongs to the list and is no other street.
pub(super) fn houses(text: &str, from: usize) -> (Vec<Range<usize>>, usize) {
    let mut scan = Scan { text, at: from };
    let mut houses: Vec<Range<usize>> = Vec::new();
    if scan.lead() != Some(Lead::Word) {
        return (houses, from);
    }
    let mut ends = from;
    let mut remarks = 0;
    while houses.len() < HOUSES_MAX && remarks <= REMARKS_MAX {
        scan.blanks();
        let rest = scan.rest();
        let length = rest.find([',', ';', '\n']).unwrap_or(rest.len());
        let item = rest[..length].trim_end();
        let behind = match listed_house(scan.at, item) {
            Some(house) if !opens_street(&text[house.end..scan.at + item.len()]) => {
                (ends, remarks) = (house.end, 0);
                let behind = &text[house.end..scan.at + item.len()];
                houses.push(house);
                behind
            }
            Some(_) => break,
            None => {
                remarks += 1;
                item
            }
        };
        if ends_list(behind) || rest[length..].is_empty() || rest[length..].starts_with('\n') {
            break;
        }
        scan.at += length + 1;
    }
    (houses, ends)
}

/// Whether what stands behind a house is the next street: «2 пер.Нариманова».
fn opens_street(behind: &str) -> bool {
    let word = behind.trim_start().split(['.', ' ']).next().unwrap_or("");
    behind.starts_with(' ') && words::class(word) & words::KIND != 0
}

/// Whether an item holds the head of the next street («7 Ульяновск г») or a sentence of its own.
fn ends_list(behind: &str) -> bool {
    const SETTLEMENTS: &[&str] = &["г", "с", "п", "рп", "пгт", "д", "х", "ст", "р-н"];
    let mut words = behind.split_whitespace();
    let last = words.next_back().unwrap_or("").trim_end_matches('.');
    SETTLEMENTS.contains(&last) || words.count() >= REMARK_WORDS_MAX
}

/// The house that an item of a dispatcher's list begins with, as written: «36восточнее» is not
/// house 36. A flat is left out.
fn listed_house(at: usize, item: &str) -> Option<Range<usize>> {
    let digits = item.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 || digits > DIGITS_LISTED_MAX {
        return None;
    }
    let glued = item.find([' ', '\u{A0}', '(', '№']).unwrap_or(item.len());
    let flat = item[digits..glued].find("кв").map_or(glued, |at| digits + at);
    let spaced = if flat == glued { spaced_part(item, digits, glued) } else { flat };
    let mut bare = item[..flat].trim_end_matches(['-', '.', '/']).len();
    // «1уч.» is short for a plot; a full stop behind «5а.» ends the sentence.
    let letters = item[digits..bare].chars().rev().take_while(|c| c.is_alphabetic()).count();
    if letters > 1 && &item[bare..flat] == "." {
        bare = flat;
    }
    Some(at..at + if spaced > flat { spaced } else { bare })
}

/// Bytes of a house with the part that a blank sets off: «13корпус 2», «17 кор. 2», «20/ 12»,
/// «20 А». `digits` and `glued` are the bytes of its number and of its first word.
fn spaced_part(item: &str, digits: usize, glued: usize) -> usize {
    let lower = |text: &str| text.trim_end_matches('.').to_lowercase();
    let after = item[glued..].trim_start();
    let skipped = item.len() - after.len();
    let first = after.split([' ', '\u{A0}', '(']).next().unwrap_or("");
    let is_number =
        |word: &str| word.chars().all(|c| c.is_ascii_digit()) && (1..=3).contains(&word.len());
    let tail = lower(item[digits..glued].trim_start_matches(['/', '-']));
    if PARTS.contains(&tail.as_str()) && is_number(first) {
        return skipped + first.len();
    }
    let one = first.chars().count() == 1 && first.chars().all(|c| ('А'..='Ж').contains(&c));
    let slash = item[..glued].ends_with('/');
    if slash && (one || is_number(first)) || one && after.len() == first.len() {
        return skipped + first.len();
    }
    // «0/Набережная 1», «24офис 3»
    let named = tail.chars().any(char::is_alphabetic) && tail.chars().count() > 1;
    if named && is_number(first) && after.len() == first.len() {
        return item.len();
    }
    if PARTS.contains(&lower(first).as_str()) {
        let number = after[first.len()..].trim_start();
        let word = number.split(' ').next().unwrap_or("");
        if is_number(word) {
            return item.len() - number.len() + word.len();
        }
    }
    glued
}
