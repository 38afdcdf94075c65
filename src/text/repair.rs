//! Puts together words whose letters were swapped for look-alikes, digits or signs.
//!
//! Place in the flow: under `tokens`, for the rare word that mixes kinds of characters. Invariant:
//! a number stays a number: «12а», «5мин», «Ленина3кв10» are cut, never read as words.

use super::fold::{self, Kind};
use super::work;

/// A character of a word that mixes scripts or digits, kept while it is taken apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    pub(super) original: char,
    pub(super) folded: char,
    pub(super) kind: Kind,
    pub(super) start: u32,
    pub(super) end: u32,
}

/// Replaces look-alikes of the other script if that makes the whole word one script.
pub(super) fn repair_letters(pieces: &mut [Piece]) -> bool {
    let count = |kind| pieces.iter().filter(|piece| piece.kind == kind).count();
    let (cyrillic, foreign) = (count(Kind::Cyrillic), count(Kind::Foreign));
    if cyrillic == 0 || foreign == 0 {
        return false;
    }
    let all = |kind, twin: fn(char) -> Option<char>| {
        pieces.iter().filter(|p| p.kind == kind).all(|p| twin(p.original).is_some())
    };
    let to_cyrillic = all(Kind::Foreign, fold::cyrillic_twin);
    let to_latin = foreign > cyrillic && all(Kind::Cyrillic, fold::latin_twin);
    let (from, to, twin): (Kind, Kind, fn(char) -> Option<char>) = match (to_cyrillic, to_latin) {
        (true, _) => (Kind::Foreign, Kind::Cyrillic, fold::cyrillic_twin),
        (false, true) => (Kind::Cyrillic, Kind::Foreign, fold::latin_twin),
        (false, false) => return false,
    };
    for piece in pieces.iter_mut().filter(|piece| piece.kind == from) {
        if let Some(folded) = twin(piece.original) {
            piece.folded = folded;
            piece.kind = to;
        }
    }
    true
}

/// Letters beside a `0` at the edge of a word that make it a letter.
const EDGE_LETTERS: usize = 3;

/// Replaces a lone digit by the letter it stands for: between Cyrillic letters, and `0` also at the
/// start or end of three letters or more. «12а», «5мин», «Ленина3кв10» stay numbers.
pub(super) fn repair_digits(pieces: &mut [Piece]) -> bool {
    let mut repaired = false;
    for at in 0..pieces.len() {
        if pieces[at].kind != Kind::Digit {
            continue;
        }
        let Some(folded) = fold::digit_twin(pieces[at].original) else { continue };
        // What was repaired before is letters now: counted further back than anybody asks, a long
        // «а0а0а0…» would be counted again at every digit.
        let before = letters(pieces[..at].iter().rev().take(EDGE_LETTERS));
        let after = letters(pieces[at + 1..].iter());
        let ends = at + 1 + after == pieces.len();
        let zero = pieces[at].original == '0';
        let inside = before > 0
            && if ends { after > 1 } else { after > 0 && next_is_twin(pieces, at + 1 + after) };
        let edge = zero
            && (at == 0 && after >= EDGE_LETTERS && ends
                || before >= EDGE_LETTERS && at + 1 == pieces.len());
        if inside || edge {
            pieces[at].folded = folded;
            pieces[at].kind = Kind::Cyrillic;
            repaired = true;
        }
    }
    repaired
}

/// How many Cyrillic letters `pieces` begin with.
fn letters<'p>(pieces: impl Iterator<Item = &'p Piece>) -> usize {
    pieces.take_while(|piece| is_letter(piece)).count()
}

fn is_letter(piece: &Piece) -> bool {
    work::step();
    piece.kind == Kind::Cyrillic
}

/// Whether the digit at `at` stands for a letter too: a lone one with a letter behind it.
fn next_is_twin(pieces: &[Piece], at: usize) -> bool {
    let letter = |at: usize| pieces.get(at).is_some_and(|piece| piece.kind == Kind::Cyrillic);
    pieces.get(at).is_some_and(|piece| fold::digit_twin(piece.original).is_some()) && letter(at + 1)
}

pub(super) fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’' | '`' | 'ʼ')
}

/// The letter that a sign between two Cyrillic letters stands for: «об'явление», «п@дик».
pub(super) fn inner_letter(prev: char, c: char, rest: &str) -> Option<char> {
    let letter = match c {
        c if is_apostrophe(c) => 'ъ',
        '@' => 'а',
        _ => return None,
    };
    let cyrillic = |c: char| fold::kind(c) == Kind::Cyrillic;
    (cyrillic(prev) && rest.chars().next().is_some_and(cyrillic)).then_some(letter)
}

/// How many bytes to skip if a hyphen breaks a word at the end of a line.
pub(super) fn broken_word(prev: char, c: char, rest: &str) -> Option<usize> {
    if !matches!(c, '-' | '\u{2010}' | '\u{2011}') || fold::kind(prev) != Kind::Cyrillic {
        return None;
    }
    let after = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n'))?;
    let lower = |c: char| fold::kind(c) == Kind::Cyrillic && !fold::is_upper(c);
    after.chars().next().is_some_and(lower).then_some(rest.len() - after.len())
}
