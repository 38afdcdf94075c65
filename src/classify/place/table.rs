//! A table of words for which most words of a text are not in it.
//!
//! Place in the flow: under the finders of streets and settlements, asked once for each word.
//! Invariant: the filter never says no to a word that is there; a miss costs one multiplication and
//! one bit.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Bits of the filter: a power of two; 8 KiB stay in the nearest cache.
const BITS: u32 = 16;
const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

/// Words with a value each.
#[derive(Debug, Clone)]
pub struct WordTable<T> {
    filter: Box<[u64]>,
    words: HashMap<Box<str>, T, BuildHasherDefault<Quick>>,
}

impl<T> Default for WordTable<T> {
    fn default() -> Self {
        let filter = vec![0; 1 << (BITS - 6)].into_boxed_slice();
        Self { filter, words: HashMap::default() }
    }
}

impl<T: Default> WordTable<T> {
    /// The value of `word`, made if it has none.
    pub fn entry(&mut self, word: &str) -> &mut T {
        let bit = bit_of(word);
        self.filter[bit >> 6] |= 1 << (bit & 63);
        self.words.entry(word.into()).or_default()
    }
}

impl<T> WordTable<T> {
    /// The value of `word`.
    #[inline]
    #[must_use]
    pub fn get(&self, word: &str) -> Option<&T> {
        let bit = bit_of(word);
        if self.filter[bit >> 6] & (1 << (bit & 63)) == 0 {
            return None;
        }
        self.words.get(word)
    }

    /// All values, in no order.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.words.values_mut()
    }

    /// All words with their values, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.words.iter().map(|(word, value)| (&**word, value))
    }
}

/// The bit of a word: from its length, its first and its last bytes.
#[inline]
fn bit_of(word: &str) -> usize {
    let bytes = word.as_bytes();
    let length = bytes.len();
    let key = match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        (Some(first), Some(last)) => {
            u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32
        }
        _ => bytes.iter().fold(0, |key, &byte| key << 8 | u64::from(byte)),
    };
    (((key ^ (length as u64) << 28).wrapping_mul(FACTOR)) >> (64 - BITS)) as usize
}

/// Hashes eight bytes at a time; words come from texts but only known words are kept, so nobody can
/// make the table degenerate.
#[derive(Debug, Clone, Default)]
pub struct Quick(u64);

impl Hasher for Quick {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut eight = [0; 8];
            eight[..chunk.len()].copy_from_slice(chunk);
            self.0 = (self.0 ^ u64::from_le_bytes(eight)).wrapping_mul(FACTOR).rotate_left(29);
        }
    }

    fn finish(&self) -> u64 {
        self.0.wrapping_mul(FACTOR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_put_in_and_nothing_else() {
        let words = ["в", "на", "онохой", "онохое", "илька", "усть", "", "брянь", "5"];
        let mut table = WordTable::<usize>::default();
        for (number, word) in words.iter().enumerate() {
            *table.entry(word) = number;
        }
        for (number, word) in words.iter().enumerate() {
            assert_eq!(table.get(word), Some(&number), "{word}");
        }
        for word in ["из", "онохоя", "онохо", "илку", "55"] {
            assert_eq!(table.get(word), None, "{word}");
        }
    }
}
