//! Remembers what words mean, so that the stemmer sees each word of a stream about once.
//!
//! Place in the flow: inside a `Scratch`, between tokens and terms. Invariants: bounded memory (two
//! tables of pairs, the older word of a pair gives way); an answer is always the one that was
//! given first, because the word itself is compared, not only its hash.
//!
//! An entry of the first table is half a line of the cache and holds words up to 13 Russian
//! letters, nearly all of a text; the second, smaller one holds the longer ones. A word is compared
//! as a few numbers: it is read in whole blocks, what follows it masked away.

use super::terms::Meaning;
use crate::text::tokens::{BLOCK, Tokens};
use crate::text::words::QuickMap;

/// Entries at first, and at most: powers of two. A table doubles when it had to forget a word for
/// every [`FORGOTTEN`] of its entries.
const ENTRIES_MIN: usize = 1 << 9;
const SHORT_MAX: usize = 1 << 18;
const LONG_MAX: usize = 1 << 13;
const FORGOTTEN: usize = 32;
/// Different meanings that are kept; more are forgotten together with the words.
const MEANINGS_MAX: usize = 1 << 18;
/// Numbers of eight bytes in an entry of each table.
const SHORT: usize = 4;
const LONG: usize = BLOCK / 8;
/// Bytes of the last number that belong to the word, and where its length stands in there; the
/// upper half is the number of its meaning.
const LAST_BYTES: usize = 3;
const LENGTH_AT: u32 = 24;
const MEANING_AT: u32 = 32;
/// Bytes of the longest word of each table.
const SHORT_BYTES: usize = 8 * (SHORT - 1) + LAST_BYTES;
const LONG_FROM: usize = SHORT_BYTES + 1;
const LONG_BYTES: usize = 8 * (LONG - 1) + LAST_BYTES;

/// A word and, in the upper half of the last number, what it means.
#[derive(Clone, Copy)]
#[repr(C, align(32))]
struct Entry<const N: usize>([u64; N]);

/// A table of words up to `8 * N - 5` bytes.
struct Table<const N: usize> {
    entries: Vec<Entry<N>>,
    forgotten: usize,
    most: usize,
}

impl<const N: usize> Table<N> {
    fn new(most: usize) -> Self {
        Self { entries: vec![Entry([0; N]); ENTRIES_MIN], forgotten: 0, most }
    }

    fn place(&self, key: &[u64; N]) -> usize {
        hash(key) as usize & (self.entries.len() - 1)
    }

    /// The number of the meaning of a word.
    #[inline]
    fn find(&mut self, key: &[u64; N]) -> Option<u32> {
        let at = self.place(key);
        let is = |entry: &Entry<N>| {
            let same = (0..N - 1).fold(0, |all, i| all | (entry.0[i] ^ key[i]));
            same | (entry.0[N - 1] ^ key[N - 1]) << MEANING_AT == 0
        };
        if is(&self.entries[at]) {
            return Some(self.entries[at].meaning());
        }
        // The other of the pair; whichever was asked last stands first.
        if is(&self.entries[at ^ 1]) {
            self.entries.swap(at, at ^ 1);
            return Some(self.entries[at].meaning());
        }
        None
    }

    fn keep(&mut self, key: &[u64; N], meaning: u32) {
        let at = self.place(key);
        let full = [at, at ^ 1].iter().all(|at| !self.entries[*at].is_empty());
        self.forgotten += usize::from(full);
        if self.forgotten > self.entries.len() / FORGOTTEN && self.entries.len() < self.most {
            self.grow();
        }
        let mut entry = Entry(*key);
        entry.0[N - 1] |= u64::from(meaning) << MEANING_AT;
        self.put(entry);
    }

    fn put(&mut self, entry: Entry<N>) {
        let at = self.place(&entry.key());
        if !self.entries[at].is_empty() {
            self.entries[at ^ 1] = self.entries[at];
        }
        self.entries[at] = entry;
    }

    fn grow(&mut self) {
        let twice = self.entries.len() * 2;
        let old = std::mem::replace(&mut self.entries, vec![Entry([0; N]); twice]);
        self.forgotten = 0;
        // The older of each pair first.
        for pair in old.chunks_exact(2) {
            for entry in pair.iter().rev().filter(|entry| !entry.is_empty()) {
                self.put(*entry);
            }
        }
    }

    fn clear(&mut self) {
        self.entries.fill(Entry([0; N]));
    }
}

impl<const N: usize> Entry<N> {
    /// Whether no word stands here: a word has a length.
    fn is_empty(&self) -> bool {
        self.0[N - 1] == 0
    }

    fn meaning(&self) -> u32 {
        (self.0[N - 1] >> MEANING_AT) as u32
    }

    fn key(&self) -> [u64; N] {
        let mut key = self.0;
        key[N - 1] &= (1 << MEANING_AT) - 1;
        key
    }
}

/// A word of `length` bytes at the start of `block`, its length beside it.
#[inline]
fn key<const N: usize>(block: &[u8; BLOCK], length: usize) -> [u64; N] {
    let mut key = [0; N];
    for (i, (number, eight)) in key.iter_mut().zip(block.chunks_exact(8)).enumerate() {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(eight);
        *number = u64::from_le_bytes(bytes) & MASKS[length.saturating_sub(8 * i).min(8)];
    }
    key[N - 1] |= (length as u64) << LENGTH_AT;
    key
}

/// What so many bytes leave of eight.
const MASKS: [u64; 9] = [
    0,
    0xFF,
    0xFFFF,
    0xFF_FFFF,
    0xFFFF_FFFF,
    0xFF_FFFF_FFFF,
    0xFFFF_FFFF_FFFF,
    0xFF_FFFF_FFFF_FFFF,
    u64::MAX,
];

#[inline]
fn hash<const N: usize>(key: &[u64; N]) -> u64 {
    const FACTORS: [u64; 4] = [
        0x9E37_79B9_7F4A_7C15,
        0xD6E8_FEB8_6659_FD93,
        0xBF58_476D_1CE4_E5B9,
        0x94D0_49BB_1331_11EB,
    ];
    let mixed = key.iter().enumerate().fold(0, |all: u64, (i, number)| {
        let number = (number ^ (number >> 32)).wrapping_mul(FACTORS[i % 4]);
        all.rotate_left(17) ^ number
    });
    (mixed ^ (mixed >> 29)).wrapping_mul(FACTORS[0]) >> 32
}

/// Words and their meanings.
pub struct Memo {
    short: Table<SHORT>,
    long: Table<LONG>,
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

    /// What each word of a text means, in order; `ask` tells of a word that was not seen yet.
    ///
    /// All words are looked up before anything is done with one: the processor then waits for the
    /// memory of several at once.
    #[inline]
    pub fn meanings(
        &mut self,
        tokens: &Tokens,
        out: &mut Vec<Meaning>,
        ask: impl Fn(&str) -> Meaning,
    ) {
        out.clear();
        for at in 0..tokens.len() {
            let Some((block, length)) = tokens.block(at) else { break };
            out.push(self.meaning(block, length, || ask(tokens.text(at))));
        }
    }

    /// What the word of `length` bytes (folded, not empty) at the start of `block` means.
    #[inline]
    fn meaning(
        &mut self,
        block: &[u8; BLOCK],
        length: usize,
        ask: impl FnOnce() -> Meaning,
    ) -> Meaning {
        let found = match length {
            1..=SHORT_BYTES => self.short.find(&key(block, length)),
            LONG_FROM..=LONG_BYTES => self.long.find(&key(block, length)),
            _ => None,
        };
        match found {
            Some(number) => self.meanings[number as usize],
            None => self.learn(block, length, ask()),
        }
    }

    #[cold]
    fn learn(&mut self, block: &[u8; BLOCK], length: usize, meaning: Meaning) -> Meaning {
        if self.meanings.len() >= MEANINGS_MAX {
            self.clear();
        }
        let next = u32::try_from(self.meanings.len()).unwrap_or(u32::MAX);
        let number = *self.numbers.entry(meaning).or_insert(next);
        if number == next {
            self.meanings.push(meaning);
        }
        match length {
            1..=SHORT_BYTES => self.short.keep(&key(block, length), number),
            LONG_FROM..=LONG_BYTES => self.long.keep(&key(block, length), number),
            _ => {}
        }
        meaning
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::terms::Terms;

    /// Asks for `word` with something else behind it.
    fn ask(memo: &mut Memo, terms: &Terms, word: &str) -> Meaning {
        let mut block = [b'x'; BLOCK];
        for (to, from) in block.iter_mut().zip(word.bytes()) {
            *to = from;
        }
        memo.meaning(&block, word.len(), || terms.meaning(word))
    }

    #[test]
    fn beginnings_of_a_word_are_other_words() {
        let mut terms = Terms::new();
        let word: String = "абвгдежзиклмнопрстуфхцчшэюя".into();
        let words: Vec<&str> = (2..=54).step_by(2).map(|end| &word[..end]).collect();
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
                assert_eq!(ask(&mut memo, &terms, &word), terms.meaning(&word), "{round} {word}");
            }
        }
        assert!(memo.short.entries.len() > ENTRIES_MIN && memo.long.entries.len() <= LONG_MAX);
        let endless = "а".repeat(400);
        assert_eq!(ask(&mut memo, &terms, &endless), terms.meaning(&endless));
    }
}
