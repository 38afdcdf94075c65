//! Remembers what words mean, so that the stemmer sees each word of a stream about once.
//!
//! Place in the flow: inside a `Scratch`, between tokens and terms. Invariants: bounded memory (two
//! tables of pairs, the older word of a pair gives way); an answer is always the one that was
//! given first, because the word itself is compared, not only its hash.
//!
//! An entry of the first table is half a line of the cache and holds words up to 13 Russian
//! letters, nearly all of a text; the second, smaller one holds the longer ones.

use super::terms::Meaning;
use crate::text::words::QuickMap;

/// Entries at first, and at most: powers of two. A table doubles when it has missed half as often
/// as it is long.
const ENTRIES_MIN: usize = 1 << 9;
const SHORT_MAX: usize = 1 << 17;
const LONG_MAX: usize = 1 << 12;
/// Different meanings that are kept; more are forgotten together with the words.
const MEANINGS_MAX: usize = 1 << 18;

/// A word and the number of its meaning.
#[derive(Clone, Copy)]
#[repr(C, align(32))]
struct Entry<const BYTES: usize> {
    meaning: u32,
    length: u8,
    word: [u8; BYTES],
}

/// A table of words up to `BYTES` bytes.
struct Table<const BYTES: usize> {
    entries: Vec<Entry<BYTES>>,
    misses: usize,
    most: usize,
}

impl<const BYTES: usize> Table<BYTES> {
    const EMPTY: Entry<BYTES> = Entry { meaning: 0, length: 0, word: [0; BYTES] };

    fn new(most: usize) -> Self {
        Self { entries: vec![Self::EMPTY; ENTRIES_MIN], misses: 0, most }
    }

    fn place(&self, hash: u64) -> usize {
        (hash >> 40) as usize & (self.entries.len() - 1)
    }

    /// The number of the meaning of a word.
    #[inline]
    fn find(&mut self, bytes: &[u8], hash: u64) -> Option<u32> {
        let at = self.place(hash);
        let is = |entry: &Entry<BYTES>| {
            usize::from(entry.length) == bytes.len() && entry.word[..bytes.len()] == *bytes
        };
        if is(&self.entries[at]) {
            return Some(self.entries[at].meaning);
        }
        // The other of the pair; whichever was asked last stands first.
        if is(&self.entries[at ^ 1]) {
            self.entries.swap(at, at ^ 1);
            return Some(self.entries[at].meaning);
        }
        None
    }

    fn keep(&mut self, bytes: &[u8], hash: u64, meaning: u32) {
        self.misses += 1;
        if self.misses > self.entries.len() / 2 && self.entries.len() < self.most {
            self.grow();
        }
        let mut entry = Self::EMPTY;
        entry.word[..bytes.len()].copy_from_slice(bytes);
        (entry.length, entry.meaning) = (u8::try_from(bytes.len()).unwrap_or(0), meaning);
        self.put(entry, hash);
    }

    fn put(&mut self, entry: Entry<BYTES>, hash: u64) {
        let at = self.place(hash);
        self.entries[at ^ 1] = self.entries[at];
        self.entries[at] = entry;
    }

    fn grow(&mut self) {
        let twice = self.entries.len() * 2;
        let old = std::mem::replace(&mut self.entries, vec![Self::EMPTY; twice]);
        self.misses = 0;
        // The older of each pair first.
        for pair in old.chunks_exact(2) {
            for entry in pair.iter().rev().filter(|entry| entry.length > 0) {
                let hash = hash(&entry.word[..usize::from(entry.length)]);
                self.put(*entry, hash);
            }
        }
    }

    fn clear(&mut self) {
        self.entries.iter_mut().for_each(|entry| entry.length = 0);
    }
}

/// Words and their meanings.
pub struct Memo {
    short: Table<27>,
    long: Table<59>,
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
        self.meanings.clear();
        self.numbers.clear();
    }

    /// What `word` (folded, not empty) means.
    #[inline]
    pub fn meaning(&mut self, word: &str, ask: impl FnOnce(&str) -> Meaning) -> Meaning {
        let bytes = word.as_bytes();
        let hash = hash(bytes);
        let found = match bytes.len() {
            1..=27 => self.short.find(bytes, hash),
            28..=59 => self.long.find(bytes, hash),
            _ => None,
        };
        match found {
            Some(number) => self.meanings[number as usize],
            None => self.learn(word, hash, ask(word)),
        }
    }

    #[cold]
    fn learn(&mut self, word: &str, hash: u64, meaning: Meaning) -> Meaning {
        if self.meanings.len() >= MEANINGS_MAX {
            self.clear();
        }
        let next = u32::try_from(self.meanings.len()).unwrap_or(u32::MAX);
        let number = *self.numbers.entry(meaning).or_insert(next);
        if number == next {
            self.meanings.push(meaning);
        }
        let bytes = word.as_bytes();
        match bytes.len() {
            1..=27 => self.short.keep(bytes, hash, number),
            28..=59 => self.long.keep(bytes, hash, number),
            _ => {}
        }
        meaning
    }
}

#[inline]
fn hash(bytes: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut state = bytes.len() as u64;
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        let mut eight = [0; 8];
        eight.copy_from_slice(chunk);
        state = (state ^ u64::from_le_bytes(eight)).wrapping_mul(FACTOR).rotate_left(29);
    }
    let mut last = 0;
    for &byte in chunks.remainder() {
        last = last << 8 | u64::from(byte);
    }
    (state ^ last).wrapping_mul(FACTOR)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::terms::Terms;

    #[test]
    fn a_remembered_answer_is_the_first_one() {
        let mut terms = Terms::new();
        for number in 0..400 {
            terms.stem(&format!("слово{number}в"));
        }
        terms.seal();
        let mut memo = Memo::default();
        let word = |number: usize| match number % 3 {
            0 => format!("слово{}в", number % 400),
            1 => format!("чужое{number}"),
            _ => format!("оченьдлинноеслово{number}ещёдлиннее"),
        };
        // Far more words than the tables hold at first: they grow, and words give way.
        for round in 0..3 {
            for number in 0..9_000 {
                let word = word(number);
                assert_eq!(
                    memo.meaning(&word, |word| terms.meaning(word)),
                    terms.meaning(&word),
                    "{round} {word}"
                );
            }
        }
        assert!(memo.short.entries.len() > ENTRIES_MIN && memo.long.entries.len() <= LONG_MAX);
        let endless = "а".repeat(400);
        assert_eq!(memo.meaning(&endless, |word| terms.meaning(word)), terms.meaning(&endless));
    }
}
