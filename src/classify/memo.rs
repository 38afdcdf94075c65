//! Remembers what words mean, so that the stemmer sees each word of a stream about once.
//!
//! Place in the flow: inside a `Scratch`, between tokens and terms. Invariants: bounded memory (in
//! each line the word that was not seen for longest gives way); an answer is always the one that
//! was given first, because the word itself is compared, not only its hash.
//!
//! Words of Russian letters alone are numbers ([`crate::text::letters`]) and take little room: five
//! of up to twelve letters, or three of up to 24, fill a line of the cache. All others are compared
//! byte by byte: they are read in whole blocks, what follows them masked away.

use super::terms::Meaning;
use crate::text::tokens::{BLOCK, Tokens};
use crate::text::words::QuickMap;

/// Lines at first, and at most: powers of two. A table doubles when it had to forget a word for
/// every [`FORGOTTEN`] of its lines.
const LINES_MIN: usize = 1 << 9;
const SHORT_MAX: usize = 1 << 16;
const LONG_MAX: usize = 1 << 15;
const OTHER_MAX: usize = 1 << 11;
const FORGOTTEN: usize = 32;
/// Different meanings from which on all are forgotten together with the words.
const MEANINGS_MAX: usize = 1 << 18;
/// Bytes of the longest word that is remembered byte by byte: the last one of a block holds the
/// length.
const BYTES_MAX: usize = BLOCK - 1;

/// A word as it is compared.
trait Word: Copy + Eq {
    /// No word.
    const NONE: Self;

    fn hash(self) -> u64;
}

const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

impl Word for u64 {
    const NONE: Self = 0;

    #[inline]
    fn hash(self) -> u64 {
        (self ^ (self >> 31)).wrapping_mul(FACTOR) >> 32
    }
}

impl Word for u128 {
    const NONE: Self = 0;

    #[inline]
    fn hash(self) -> u64 {
        let (low, high) = (self as u64, (self >> 64) as u64);
        (low.wrapping_mul(FACTOR) ^ high.rotate_left(23)).hash()
    }
}

impl Word for [u64; BLOCK / 8] {
    const NONE: Self = [0; BLOCK / 8];

    #[inline]
    fn hash(self) -> u64 {
        self.iter().fold(0, |all: u64, number| (all ^ number).wrapping_mul(FACTOR).rotate_left(29))
    }
}

/// Words whose hashes end alike, the one that was learned last first, and what they mean.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line<W, const N: usize> {
    words: [W; N],
    meanings: [u32; N],
}

impl<W: Word, const N: usize> Line<W, N> {
    const EMPTY: Self = Self { words: [W::NONE; N], meanings: [0; N] };

    /// Puts a word in front; the last one goes. Returns whether there was one.
    fn put(&mut self, word: W, meaning: u32) -> bool {
        let full = self.words[N - 1] != W::NONE;
        self.words.copy_within(..N - 1, 1);
        self.meanings.copy_within(..N - 1, 1);
        (self.words[0], self.meanings[0]) = (word, meaning);
        full
    }
}

/// A table of words.
struct Table<W, const N: usize> {
    lines: Vec<Line<W, N>>,
    forgotten: usize,
    most: usize,
}

impl<W: Word, const N: usize> Table<W, N> {
    fn new(most: usize) -> Self {
        Self { lines: vec![Line::EMPTY; LINES_MIN], forgotten: 0, most }
    }

    /// The number of the meaning of a word.
    #[inline]
    fn find(&mut self, word: W) -> Option<u32> {
        let at = word.hash() as usize & (self.lines.len() - 1);
        let line = &mut self.lines[at];
        let found = (0..N).find(|at| line.words[*at] == word)?;
        let meaning = line.meanings[found];
        if found > 0 {
            line.words.swap(found, found - 1);
            line.meanings.swap(found, found - 1);
        }
        Some(meaning)
    }

    /// The first word where `word` would be, and what it means.
    #[inline]
    fn first(&self, word: W) -> (W, u32) {
        let line = &self.lines[word.hash() as usize & (self.lines.len() - 1)];
        (line.words[0], line.meanings[0])
    }

    fn keep(&mut self, word: W, meaning: u32) {
        if self.forgotten > self.lines.len() / FORGOTTEN && self.lines.len() < self.most {
            self.grow();
        }
        let at = word.hash() as usize & (self.lines.len() - 1);
        self.forgotten += usize::from(self.lines[at].put(word, meaning));
    }

    fn grow(&mut self) {
        let twice = self.lines.len() * 2;
        let old = std::mem::replace(&mut self.lines, vec![Line::EMPTY; twice]);
        self.forgotten = 0;
        for line in &old {
            let known = line.words.iter().zip(line.meanings).rev();
            for (&word, meaning) in known.filter(|(word, _)| **word != W::NONE) {
                let at = word.hash() as usize & (twice - 1);
                self.lines[at].put(word, meaning);
            }
        }
    }

    fn clear(&mut self) {
        self.lines.fill(Line::EMPTY);
    }
}

/// A word of `length` bytes at the start of `block`, its length in the last byte.
fn key(block: &[u8; BLOCK], length: usize) -> [u64; BLOCK / 8] {
    let mut key = [0; BLOCK / 8];
    for (i, (number, eight)) in key.iter_mut().zip(block.as_chunks().0).enumerate() {
        let own = length.saturating_sub(8 * i).min(8);
        let mask = if own == 8 { u64::MAX } else { (1 << (8 * own)) - 1 };
        *number = u64::from_le_bytes(*eight) & mask;
    }
    key[BLOCK / 8 - 1] |= (length as u64) << 56;
    key
}

/// Words and their meanings.
pub struct Memo {
    short: Table<u64, 5>,
    long: Table<u128, 3>,
    other: Table<[u64; BLOCK / 8], 3>,
    /// What stands first where each word of a text would be, and what it means.
    first: Vec<(u64, u32)>,
    meanings: Vec<Meaning>,
    numbers: QuickMap<Meaning, u32>,
}

impl std::fmt::Debug for Memo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memo").field("meanings", &self.meanings.len()).finish_non_exhaustive()
    }
}

impl Default for Memo {
    fn default() -> Self {
        Self {
            short: Table::new(SHORT_MAX),
            long: Table::new(LONG_MAX),
            other: Table::new(OTHER_MAX),
            first: Vec::new(),
            meanings: Vec::new(),
            numbers: QuickMap::default(),
        }
    }
}

impl Memo {
    /// Forgets everything: the terms changed.
    pub fn clear(&mut self) {
        self.short.clear();
        self.long.clear();
        self.other.clear();
        self.meanings.clear();
        self.numbers.clear();
    }

    /// What each word of a text means, in order; `ask` tells of a word that was not seen yet.
    ///
    /// All words are looked up before anything is done with one, without a branch that depends on
    /// what is found: the processor then waits for the memory of many at once.
    #[inline]
    pub fn meanings(
        &mut self,
        tokens: &Tokens,
        out: &mut Vec<Meaning>,
        ask: impl Fn(&str) -> Meaning,
    ) {
        // Not while a text is read: what was looked up must stay.
        if self.meanings.len() >= MEANINGS_MAX {
            self.clear();
        }
        let mut first = std::mem::take(&mut self.first);
        first.clear();
        first.extend(tokens.numbers().iter().map(|number| self.short.first(*number as u64)));
        out.clear();
        out.reserve(tokens.len());
        for (at, (number, (word, meaning))) in tokens.numbers().iter().zip(&first).enumerate() {
            // What stands first in its line is there but for few words.
            let known = (u128::from(*word) == *number) & (*word != 0);
            out.push(match self.meanings.get(*meaning as usize) {
                Some(meaning) if known => *meaning,
                _ => self.ask(tokens, at, &ask),
            });
        }
        self.first = first;
    }

    /// What the word of a token means that is no short one, or not known.
    fn ask(&mut self, tokens: &Tokens, at: usize, ask: &impl Fn(&str) -> Meaning) -> Meaning {
        let number = tokens.numbers()[at];
        let block = || tokens.block(at).filter(|(_, length)| *length <= BYTES_MAX);
        let other =
            if number == 0 { block().map(|(block, length)| key(block, length)) } else { None };
        let found = match (u64::try_from(number), other) {
            (_, Some(other)) => self.other.find(other),
            (Ok(0), None) => None,
            (Ok(short), None) => self.short.find(short),
            (Err(_), None) => self.long.find(number),
        };
        if let Some(meaning) = found {
            return self.meanings[meaning as usize];
        }
        let meaning = ask(tokens.text(at));
        let known = self.number_of(meaning);
        match (u64::try_from(number), other) {
            (_, Some(other)) => self.other.keep(other, known),
            (Ok(0), None) => {}
            (Ok(short), None) => self.short.keep(short, known),
            (Err(_), None) => self.long.keep(number, known),
        }
        meaning
    }

    /// The number of a meaning, given to it if it has none.
    fn number_of(&mut self, meaning: Meaning) -> u32 {
        let next = u32::try_from(self.meanings.len()).unwrap_or(u32::MAX);
        let number = *self.numbers.entry(meaning).or_insert(next);
        if number == next {
            self.meanings.push(meaning);
        }
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::terms::Terms;

    /// Asks for the only word of `text`.
    fn ask(memo: &mut Memo, terms: &Terms, text: &str) -> Meaning {
        let tokens = Tokens::of(text);
        assert_eq!((tokens.len(), tokens.text(0)), (1, text));
        let mut found = Vec::new();
        memo.meanings(&tokens, &mut found, |word| terms.meaning(word));
        found[0]
    }

    #[test]
    fn beginnings_of_a_word_are_other_words() {
        let mut terms = Terms::new();
        let russian = "абвгдежзиклмнопрстуфхцчшэюяабвгдежзик";
        let buryat = "абвгдежзиклмнопрүтуфхцчшэюяабвгдежзик";
        let words =
            |word: &'static str| (2..=word.len()).step_by(2).filter_map(move |end| word.get(..end));
        let words: Vec<&str> = words(russian).chain(words(&buryat[28..])).collect();
        for (at, word) in words.iter().enumerate().filter(|(at, _)| at % 2 == 0) {
            terms.form(&format!("{word}{at}"));
            terms.form(word);
        }
        terms.seal();
        let mut memo = Memo::default();
        for _ in 0..2 {
            for word in &words {
                assert_eq!(ask(&mut memo, &terms, word), terms.meaning(word), "{word}");
            }
        }
    }

    #[test]
    fn a_remembered_answer_is_the_first_one() {
        let mut terms = Terms::new();
        let word = |number: usize| {
            let letter = |part: usize| char::from_u32(0x430 + (part % 7) as u32 * 3).unwrap_or('а');
            let digits = [number, number / 7, number / 49, number / 343, number / 2401];
            let letters: String = digits.into_iter().flat_map(|it| [letter(it), 'ь']).collect();
            match number % 3 {
                0 => format!("{letters}ов"),
                1 => format!("оченьдлинное{letters}"),
                _ => format!("{letters}өв"),
            }
        };
        for number in (0..9_000).step_by(7) {
            terms.stem(&word(number));
        }
        terms.seal();
        let mut memo = Memo::default();
        // Far more words than the tables hold at first: they grow, and words give way.
        for round in 0..3 {
            for number in 0..9_000 {
                let word = word(number);
                assert_eq!(ask(&mut memo, &terms, &word), terms.meaning(&word), "{round} {word}");
            }
        }
        assert!(memo.short.lines.len() > LINES_MIN && memo.long.lines.len() > LINES_MIN);
        assert!(memo.other.lines.len() <= OTHER_MAX);
        let endless = "ао".repeat(200);
        assert_eq!(ask(&mut memo, &terms, &endless), terms.meaning(&endless));
    }
}
