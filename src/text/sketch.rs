//! A small number picture of a text, by which copies and retellings are told from other texts.
//!
//! Place in the flow: grouping makes one of each post and keeps it with the membership; `cluster`
//! compares them. Invariants: the sketch of a text never changes between versions of the program,
//! because stored rows carry it; it holds hashes of word beginnings only, so no word can be read
//! out of it; comparing two costs at most `2 · HASHES` steps.

use super::fold::{self, Kind};

/// Hashes kept of a text: the smallest of its words.
pub const HASHES: usize = 64;

/// Letters of a word that count: endings differ from case to case.
const LETTERS: usize = 5;

/// Words shorter than this say nothing about a text's subject.
const LETTERS_MIN: usize = 3;

/// Two texts this alike are copies of each other, as far as [`Sketch::telling`] goes.
pub const COPY: f64 = 0.8;

/// Two longer texts this alike tell the same story in their own words (`benches/likeness.rs`).
pub const SAME_STORY: f64 = 0.26;

/// Distinct words from which on likeness says something: short complaints are all alike.
const TELLING_WORDS: u32 = 8;

/// The picture: the smallest hashes of distinct words (bottom-k sketch, Broder 1997) and how many
/// distinct words there were.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sketch {
    hashes: Vec<u32>,
    words: u32,
}

impl Sketch {
    /// The sketch of `text`.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut hashes = Vec::new();
        let mut word = Word::default();
        for c in text.chars() {
            match fold::kind(c) {
                Kind::Mark => {}
                Kind::Cyrillic | Kind::Foreign | Kind::Digit => word.add(fold::lower(c)),
                Kind::Other => hashes.extend(word.end()),
            }
        }
        hashes.extend(word.end());
        hashes.sort_unstable();
        hashes.dedup();
        let words = u32::try_from(hashes.len()).unwrap_or(u32::MAX);
        hashes.truncate(HASHES);
        Self { hashes, words }
    }

    /// Whether the text has words enough for a likeness to mean something.
    #[must_use]
    pub fn telling(&self) -> bool {
        self.words >= TELLING_WORDS
    }

    /// How alike two texts are, 0–1: shared words over the geometric mean of the numbers of words
    /// (cosine of the word sets), estimated from the smallest hashes of both. Exact for texts of at
    /// most [`HASHES`] distinct words.
    #[must_use]
    pub fn likeness(&self, other: &Self) -> f64 {
        if self.words == 0 || other.words == 0 {
            return 0.0;
        }
        let (mut a, mut b) = (self.hashes.iter().peekable(), other.hashes.iter().peekable());
        let (mut shared, mut seen) = (0_u32, 0_u32);
        while (seen as usize) < HASHES {
            match (a.peek(), b.peek()) {
                (None, None) => break,
                (Some(x), Some(y)) if x == y => {
                    shared += 1;
                    a.next();
                    b.next();
                }
                (Some(x), Some(y)) if x < y => {
                    a.next();
                }
                (Some(_), None) => {
                    a.next();
                }
                (_, Some(_)) => {
                    b.next();
                }
            }
            seen += 1;
        }
        let jaccard = f64::from(shared) / f64::from(seen.max(1));
        let (left, right) = (f64::from(self.words), f64::from(other.words));
        let common = jaccard * (left + right) / (1.0 + jaccard);
        (common / (left * right).sqrt()).min(1.0)
    }

    /// Whether one is a copy of the other: both say enough, and nearly the same.
    #[must_use]
    pub fn copies(&self, other: &Self) -> bool {
        self.telling() && other.telling() && self.likeness(other) >= COPY
    }

    /// As stored: the number of words, then the hashes, big-endian.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.words.to_be_bytes().to_vec();
        bytes.extend(self.hashes.iter().flat_map(|hash| hash.to_be_bytes()));
        bytes
    }

    /// Reads what [`Sketch::to_bytes`] wrote; anything else is a text without words.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut numbers =
            bytes.chunks_exact(4).map(|part| part.iter().fold(0, |n, &b| n << 8 | u32::from(b)));
        let words = numbers.next().unwrap_or(0);
        Self { hashes: numbers.take(HASHES).collect(), words }
    }
}

/// A word on its way to its hash (FNV-1a over the first letters).
struct Word {
    hash: u32,
    letters: usize,
}

impl Default for Word {
    fn default() -> Self {
        Self { hash: 0x811c_9dc5, letters: 0 }
    }
}

impl Word {
    fn add(&mut self, c: char) {
        self.letters += 1;
        if self.letters <= LETTERS {
            for byte in (c as u32).to_be_bytes() {
                self.hash = (self.hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
            }
        }
    }

    fn end(&mut self) -> Option<u32> {
        let done = std::mem::take(self);
        (done.letters >= LETTERS_MIN).then(|| mixed(done.hash))
    }
}

/// Spreads the bits (finaliser of MurmurHash3), so that the smallest hashes are a fair sample.
fn mixed(mut hash: u32) -> u32 {
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alike(a: &str, b: &str) -> f64 {
        Sketch::of(a).likeness(&Sketch::of(b))
    }

    #[test]
    fn numbers_stay_the_same_for_ever() {
        let sketch = Sketch::of("Нет воды");
        assert_eq!(sketch.to_bytes(), [0, 0, 0, 2, 187, 75, 10, 160, 253, 118, 127, 130]);
        assert_eq!(Sketch::from_bytes(&sketch.to_bytes()), sketch);
        assert_eq!(Sketch::from_bytes(&[]), Sketch::default());
    }

    #[test]
    fn likeness_is_the_share_of_common_words() {
        let check = |a: &str, b: &str, expected: f64| {
            assert!((alike(a, b) - expected).abs() < 1e-9, "{a} / {b}: {}", alike(a, b));
            assert!((alike(b, a) - expected).abs() < 1e-9, "{b} / {a}");
        };
        check("нет воды третий день", "НЕТ ВОДЫ, третий день!!!", 1.0);
        check("батареи холодные", "батарея холодная", 1.0);
        check("вода свет газ тепло", "вода свет дорога снег", 0.5);
        check("вода", "снег", 0.0);
        check("", "вода", 0.0);
    }

    #[test]
    fn short_texts_are_no_copies() {
        assert!(!Sketch::of("нет воды").copies(&Sketch::of("нет воды")));
        let long = "Уважаемая администрация, третий день нет холодной воды на улице Садовой, \
                    дети сидят без горячего, примите меры";
        assert!(Sketch::of(long).copies(&Sketch::of(&format!("{long}! Репост"))));
    }

    #[test]
    fn long_texts_are_estimated() {
        let word = |n: u32| {
            let letter = |n: u32| char::from_u32(0x430 + n % 32).unwrap_or('а');
            [n, n / 32, n / 7, n / 3, n / 5].map(letter).iter().collect::<String>()
        };
        let text = |from: u32, to: u32| (from..to).map(word).collect::<Vec<_>>().join(" ");
        let found = alike(&text(0, 600), &text(300, 900));
        assert!((found - 0.5).abs() < 0.2, "{found}");
    }
}
