//! Words that are typed with a space behind every letter: «в о д ы  н е т».
//!
//! Place in the flow: while `tokens` reads on. Invariant: only letters with exactly one sign
//! between them are put together, three or more, and only if one of them is no word by itself: «и
//! в с» stays three words.

use super::{Break, NUMBER, REPAIRED, Tokens};

/// Fewest letters of such a word.
const LETTERS_MIN: usize = 3;
/// Letters that are words by themselves.
const WORDS: &str = "абвжикосуя";

impl Tokens {
    /// Notes that a token of `letters` bytes begins at byte `start`; what was spelled out before it
    /// becomes one word if it ends here.
    #[inline]
    pub(super) fn spell(&mut self, start: usize, bytes: usize) {
        if self.spelled == 0 && bytes != 2 {
            return;
        }
        let next = self.list.last().is_some_and(|last| last.end as usize + 1 == start);
        let goes_on = bytes == 2 && next && self.pending != Break::Sentence;
        if !goes_on {
            self.close_up();
        }
        self.spelled = if bytes == 2 { self.spelled + 1 } else { 0 };
    }

    /// Makes one word of the letters that were spelled out, if they are one.
    pub(super) fn close_up(&mut self) {
        let count = std::mem::take(&mut self.spelled);
        let Some(first) = self.list.len().checked_sub(count).filter(|_| count >= LETTERS_MIN)
        else {
            return;
        };
        let letters = &self.list[first..];
        let from = letters[0].from as usize;
        let (end, to) = (letters[count - 1].end, letters[count - 1].to);
        let lone = |letter: char| !WORDS.contains(letter);
        let word = &self.folded[from..to as usize];
        if letters.iter().any(|token| token.is(NUMBER)) || !word.contains(lone) {
            return;
        }
        self.list.truncate(first + 1);
        let word = &mut self.list[first];
        (word.end, word.to) = (end, to);
        word.flags |= REPAIRED;
        // «а» inside the word began a clause of its own.
        let index = super::short(first);
        while self.clauses.last().is_some_and(|clause| clause.first > index) {
            self.clauses.pop();
        }
        while self.sentences.last().is_some_and(|sentence| sentence.first > index) {
            self.sentences.pop();
        }
        if let Some(clause) = self.clauses.last_mut() {
            clause.last = index + 1;
        }
        if let Some(sentence) = self.sentences.last_mut() {
            sentence.last = index + 1;
        }
    }
}
