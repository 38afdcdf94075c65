//! The common word: nothing but Russian letters, ended by something that surely ends it.
//!
//! Place in the flow: under `tokens`, which reads every other word letter by letter. Invariant:
//! what is read here gives the same token as letter by letter (held by a test over random texts).

use super::{Break, CAPITAL, CAPS, Tokens, push_folded};
use crate::text::fold;
use crate::text::letters::{self, LETTERS_MAX, SHORT_LETTERS, Spelling};

/// Bytes of a letter, and of four.
pub(super) const LETTER: usize = 2;
const EIGHT: usize = 4 * LETTER;

impl Tokens {
    /// Reads what is plain at byte `at`, outside of words: a blank, a comma, a word of Russian
    /// letters. Returns where it ends; `None` if a closer look is needed.
    #[inline]
    pub(super) fn plain(&mut self, text: &str, at: usize) -> Option<usize> {
        match text.as_bytes().get(at..) {
            Some([b' ', ..]) => {
                self.joined = 0;
                Some(at + 1)
            }
            Some([b',', b' ', ..]) => {
                self.joined = 0;
                self.signs |= 1 << b',';
                self.split(Break::Clause);
                Some(at + 2)
            }
            _ => self.plain_word(text, at),
        }
    }

    /// Reads the word of Russian letters that starts at byte `start`: nearly every word of a
    /// stream. Returns where it ends; `None` if there is none, or if it needs a closer look.
    #[inline]
    fn plain_word(&mut self, text: &str, start: usize) -> Option<usize> {
        let run = self.marks.run(start)?;
        let end = start + run.length;
        if run.length == 0 || run.length > LETTER * LETTERS_MAX {
            return None;
        }
        if !ends_plainly(text.as_bytes().get(end..)?) {
            return None;
        }
        let mut flags = 0;
        let mut own = (start, end);
        if run.capitals != 0 {
            let upper = run.capitals.count_ones() as usize;
            flags |= if run.capitals & 1 == 1 { CAPITAL } else { 0 };
            flags |= if upper == run.length && upper > LETTER { CAPS } else { 0 };
        }
        if run.odd || run.capitals != 0 {
            own = self.fold_plain(&text[start..end], run.capitals == 3 && !run.odd);
        }
        let number = match run.odd {
            true => letters::number(&self.folded[own.0..own.1]),
            false => number(self.folded.as_bytes(), start, run.length),
        };
        self.add(start, end, own, flags, number);
        // Most words are followed by a blank, which ends nothing.
        Some(end + usize::from(text.as_bytes().get(end) == Some(&b' ')))
    }

    /// Folds the letters of a plain word with capitals; all but the first are folded already if
    /// `rest` is.
    fn fold_plain(&mut self, letters: &str, rest: bool) -> (usize, usize) {
        let from = self.folded.len();
        if rest {
            self.folded.extend(letters.chars().next().map(fold::lower));
            self.folded.push_str(&letters[LETTER..]);
        } else {
            let (mut prev, mut same) = ('\0', 0);
            for c in letters.chars() {
                push_folded(&mut self.folded, &mut prev, &mut same, fold::lower(c));
            }
        }
        (from, self.folded.len())
    }
}

/// One of each four pairs of bytes.
const LANES: u64 = 0x0001_0001_0001_0001;

/// The number of the word whose `length` bytes start at byte `start`: capitals count as small.
#[inline]
fn number(bytes: &[u8], start: usize, length: usize) -> u128 {
    let count = length / LETTER;
    let block = bytes.get(start..).and_then(|rest| rest.first_chunk::<{ 3 * EIGHT }>());
    match block.map(|block| block.as_chunks().0) {
        // Read as if it were as long as it may be: no branch asks for its length.
        Some([one, two, three]) if count <= SHORT_LETTERS => {
            let four = |eight: &[u8; EIGHT]| packed(u64::from_le_bytes(*eight));
            let letters = four(one) | four(two) << 20 | four(three) << 40;
            u128::from(letters::short(letters, count as u32))
        }
        _ => long_number(bytes, start, length),
    }
}

/// [`number`] of a word of any length.
fn long_number(bytes: &[u8], start: usize, length: usize) -> u128 {
    let mut spelling = Spelling::default();
    let mut left = length / LETTER;
    let mut at = start;
    while left > 0 {
        let Some(four) = bytes.get(at..).and_then(|rest| rest.first_chunk()) else { return 0 };
        let count = left.min(4);
        spelling.push(packed(u64::from_le_bytes(*four)), count as u32);
        left -= count;
        at += EIGHT;
    }
    spelling.number()
}

/// Four letters as [`Spelling`] takes them, five bits each: the lowest ones of their last bytes,
/// counted from а.
#[inline]
fn packed(four: u64) -> u64 {
    let letters = four >> 8 & (LANES * 0x1F) ^ (LANES * 0x10);
    let pairs = letters | letters >> 11;
    pairs & 0x3FF | (pairs >> 32 & 0x3FF) << 10
}

/// Whether what follows a word surely ends it.
#[inline]
fn ends_plainly(rest: &[u8]) -> bool {
    match rest {
        [] => true,
        [b' ', ..] => true,
        [b'-' | b'\'' | b'`' | b'@', ..] => false,
        [byte, ..] if byte.is_ascii() => !byte.is_ascii_alphanumeric(),
        // « » and the hard space; dashes, quotes and dots of print.
        [0xC2, 0xA0 | 0xAB | 0xBB, ..] => true,
        [0xE2, 0x80, 0x93 | 0x94 | 0x9C | 0x9D | 0x9E | 0xA6, ..] => true,
        _ => false,
    }
}
