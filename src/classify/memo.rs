//! Remembers what words mean, so that the stemmer sees each word of a stream about once.
//!
//! Place in the flow: inside a `Scratch`, between tokens and terms. Invariants: bounded memory (one
//! table, a newer word takes an older one's place); an answer is always the one [`Terms`] would
//! give, because the word itself is compared, not only its hash.

use super::terms::{Meaning, Terms};

/// Entries at first, and at most: powers of two. A table doubles when it has missed as often as it
/// is long.
const ENTRIES_MIN: usize = 1 << 9;
const ENTRIES_MAX: usize = 1 << 15;
/// Bytes of the longest word that is remembered.
const BYTES: usize = 36;

#[derive(Clone, Copy)]
struct Entry {
    word: [u8; BYTES],
    length: u8,
    meaning: Meaning,
}

const EMPTY: Entry = Entry { word: [0; BYTES], length: 0, meaning: Meaning::NOTHING };

/// A table of words and their meanings.
pub struct Memo {
    entries: Vec<Entry>,
    misses: usize,
}

impl std::fmt::Debug for Memo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memo").field("entries", &self.entries.len()).finish()
    }
}

impl Default for Memo {
    fn default() -> Self {
        Self { entries: vec![EMPTY; ENTRIES_MIN], misses: 0 }
    }
}

impl Memo {
    /// Forgets everything: the terms changed.
    pub fn clear(&mut self) {
        for entry in &mut self.entries {
            entry.length = 0;
        }
    }

    /// What `word` (folded, not empty) means.
    #[inline]
    pub fn meaning(&mut self, word: &str, terms: &Terms) -> Meaning {
        let bytes = word.as_bytes();
        let Ok(length) = u8::try_from(bytes.len()) else { return terms.meaning(word) };
        if bytes.len() > BYTES || bytes.is_empty() {
            return terms.meaning(word);
        }
        let at = (hash(bytes) >> 40) as usize & (self.entries.len() - 1);
        let entry = &mut self.entries[at];
        if entry.length == length && entry.word[..bytes.len()] == *bytes {
            return entry.meaning;
        }
        let meaning = terms.meaning(word);
        entry.word[..bytes.len()].copy_from_slice(bytes);
        entry.length = length;
        entry.meaning = meaning;
        self.misses += 1;
        if self.misses > self.entries.len() && self.entries.len() < ENTRIES_MAX {
            self.entries = vec![EMPTY; self.entries.len() * 2];
            self.misses = 0;
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
    let mut last = [0; 8];
    last[..chunks.remainder().len()].copy_from_slice(chunks.remainder());
    (state ^ u64::from_le_bytes(last)).wrapping_mul(FACTOR)
}
