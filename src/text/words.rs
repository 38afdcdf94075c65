//! Lists of words that are asked for every new word of a text: one look-up, not a walk.
//!
//! Place in the flow: under `language`, `numeral`, `stem` and `tokens`. Invariant: answers what a
//! walk through the list would.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

/// Hashes eight bytes at a time. Only for tables that are filled from lists of our own or from
/// packs: a text cannot make them degenerate, because it is never put in.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quick(u64);

impl Hasher for Quick {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            let mut eight = [0; 8];
            eight.copy_from_slice(chunk);
            self.0 = (self.0 ^ u64::from_le_bytes(eight)).wrapping_mul(FACTOR).rotate_left(29);
        }
        let rest = chunks.remainder();
        if !rest.is_empty() {
            let mut eight = [0; 8];
            eight[..rest.len()].copy_from_slice(rest);
            self.0 = (self.0 ^ u64::from_le_bytes(eight)).wrapping_mul(FACTOR).rotate_left(29);
        }
    }

    #[inline]
    fn write_u8(&mut self, byte: u8) {
        self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(FACTOR).rotate_left(29);
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0.wrapping_mul(FACTOR)
    }
}

/// A table that hashes quickly.
pub type QuickMap<K, V> = HashMap<K, V, BuildHasherDefault<Quick>>;

/// A list of words, each with a value.
#[derive(Debug, Clone)]
pub struct WordMap<V> {
    words: QuickMap<&'static str, V>,
    /// Bytes that entries are long, each length once.
    lengths: Vec<usize>,
}

impl<V: Copy> WordMap<V> {
    /// A list of words; of equal ones the first counts.
    pub fn new(words: impl IntoIterator<Item = (&'static str, V)>) -> Self {
        let mut map = QuickMap::default();
        let mut lengths = Vec::new();
        for (word, value) in words {
            map.entry(word).or_insert(value);
            lengths.push(word.len());
        }
        lengths.sort_unstable();
        lengths.dedup();
        Self { words: map, lengths }
    }

    /// The value of `word`.
    #[inline]
    #[must_use]
    pub fn get(&self, word: &str) -> Option<V> {
        self.words.get(word).copied()
    }
}

/// A list of words, endings or beginnings.
pub type WordSet = WordMap<()>;

impl WordSet {
    /// The words of a line, separated by spaces.
    #[must_use]
    pub fn of(line: &'static str) -> Self {
        Self::new(line.split(' ').map(|word| (word, ())))
    }

    /// Whether `word` is in the list.
    #[inline]
    #[must_use]
    pub fn has(&self, word: &str) -> bool {
        self.words.contains_key(word)
    }

    /// Whether `word` ends with one of the list.
    #[must_use]
    pub fn ends(&self, word: &str) -> bool {
        let tail = |length: &usize| word.len().checked_sub(*length).and_then(|at| word.get(at..));
        self.lengths.iter().filter_map(tail).any(|tail| self.has(tail))
    }

    /// Whether `word` begins with one of the list.
    #[must_use]
    pub fn begins(&self, word: &str) -> bool {
        self.lengths.iter().filter_map(|length| word.get(..*length)).any(|head| self.has(head))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_answers_what_a_walk_would() {
        let line = "ть ся ого нные a é статуэт";
        let set = WordSet::of(line);
        for word in
            ["ть", "брать", "ь", "", "ого", "много", "aé", "статуэтка", "наéa", "é", "ого ть"]
        {
            let walk = || line.split(' ');
            assert_eq!(set.has(word), walk().any(|one| one == word), "{word}");
            assert_eq!(set.ends(word), walk().any(|one| word.ends_with(one)), "{word}");
            assert_eq!(set.begins(word), walk().any(|one| word.starts_with(one)), "{word}");
        }
    }
}
