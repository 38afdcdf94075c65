//! Words that are typed with a space behind every letter: «в о д ы  н е т».
//!
//! Place in the flow: while `tokens` reads on. Invariant: only letters with exactly one sign
//! between them, always the same, are put together, three or more, and only if one of them is no
//! word by itself: «и в с» stays three words, and so does «м/с и».

use super::{Break, REPAIRED, Tokens};
use crate::text::letters;

/// Fewest letters of such a word.
const LETTERS_MIN: usize = 3;
/// Letters that are words by themselves.
const WORDS: &str = "абвжикосуя";

impl Tokens {
    /// Notes that a token begins at byte `start`, and whether it is a `letter` of Cyrillic alone;
    /// what was spelled out before it becomes one word if it ends here.
    #[inline]
    pub(super) fn spell(&mut self, start: usize, letter: bool) {
        if !letter && self.spelled == 0 {
            return;
        }
        let next = self.list.last().is_some_and(|last| last.end as usize + 1 == start);
        let sign = self.folded.as_bytes().get(start.wrapping_sub(1)).copied().unwrap_or(b' ');
        let same = (self.spelled < 2) | (sign == self.between);
        self.between = sign;
        let goes_on = letter & next & same & (self.pending != Break::Sentence);
        if self.spelled >= LETTERS_MIN && !goes_on {
            self.close_up();
        }
        let before = if goes_on { self.spelled } else { 0 };
        self.spelled = before + usize::from(letter);
    }

    /// Makes one word of the letters that were spelled out, if they are one.
    pub(super) fn close_up(&mut self) {
        let count = std::mem::take(&mut self.spelled);
        let Some(first) = self.list.len().checked_sub(count).filter(|_| count >= LETTERS_MIN)
        else {
            return;
        };
        let end = self.list[first..][count - 1].end;
        let lone = |letter: char| !WORDS.contains(letter);
        let word: String = (first..self.list.len()).map(|at| self.text(at)).collect();
        if !word.contains(lone) {
            return;
        }
        self.list.truncate(first + 1);
        self.numbers.truncate(first + 1);
        self.numbers[first] = letters::number(&word);
        let from = self.folded.len();
        self.folded.push_str(&word);
        let token = &mut self.list[first];
        token.end = end;
        (token.from, token.to) = (super::short(from), super::short(self.folded.len()));
        token.flags |= REPAIRED;
        // «а» inside the word began a clause of its own.
        let index = super::short(first);
        while self.clauses.last().is_some_and(|clause| clause.first > index) {
            self.clauses.pop();
        }
        while self.sentences.last().is_some_and(|sentence| sentence.first > index) {
            self.sentences.pop();
        }
    }
}
