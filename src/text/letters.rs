//! A word of Russian letters as one number.
//!
//! Place in the flow: `tokens` makes it while a word is read, `classify` remembers words by it.
//! Invariant: two words have the same number only if they are the same word; a word that is too
//! long or has any other letter has none.
//!
//! A letter takes five bits, the first one lowest; above them stands how many there are.

/// Bits of a letter.
const BITS: u32 = 5;
/// Letters of the longest word whose number is below 2⁶⁴.
pub const SHORT_LETTERS: usize = 12;
/// Letters of the longest word that has a number.
pub const LETTERS_MAX: usize = 24;
/// Where the count of letters stands: in the upper bits of 64, or of 128.
const SHORT_COUNT_AT: u32 = 60;
const LONG_COUNT_AT: u32 = 120;

/// A word being read, letter by letter.
#[derive(Debug, Clone, Copy, Default)]
pub struct Spelling {
    letters: u128,
    count: u32,
}

impl Spelling {
    /// Adds `count` letters, at most four: the lowest bits of `letters`, five a letter.
    #[inline]
    pub fn push(&mut self, letters: u64, count: u32) {
        let known = (1_u64 << (BITS * count)) - 1;
        let at = (BITS * self.count).min(127);
        self.letters |= u128::from(letters & known) << at;
        self.count += count;
    }

    /// The number of the word; 0 if it has none.
    #[inline]
    #[must_use]
    pub fn number(self) -> u128 {
        counted(self.letters, self.count as usize)
    }
}

/// The number of a word of `count` letters, at most [`SHORT_LETTERS`] and not none, that are the
/// lowest bits of `letters`.
#[inline]
#[must_use]
pub fn short(letters: u64, count: u32) -> u64 {
    let own = (1 << (BITS * count)) - 1;
    letters & own | u64::from(count) << SHORT_COUNT_AT
}

/// The number of a folded word; 0 if it has none.
#[must_use]
pub const fn number(word: &str) -> u128 {
    let bytes = word.as_bytes();
    let count = bytes.len() / 2;
    if bytes.len() % 2 == 1 || count > LETTERS_MAX {
        return 0;
    }
    let (mut letters, mut at) = (0_u128, 0);
    while at < count {
        let letter = match (bytes[2 * at], bytes[2 * at + 1]) {
            (0xD0, last @ 0xB0..=0xBF) => last - 0xB0,
            (0xD1, last @ 0x80..=0x8F) => last - 0x80 + 0x10,
            _ => return 0,
        };
        letters |= (letter as u128) << (BITS as usize * at);
        at += 1;
    }
    counted(letters, count)
}

/// Letters with their count above them; 0 if there are none or too many.
const fn counted(letters: u128, count: usize) -> u128 {
    if count > LETTERS_MAX {
        0
    } else if count > SHORT_LETTERS {
        letters | (count as u128) << LONG_COUNT_AT
    } else {
        letters | (count as u128) << SHORT_COUNT_AT
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn words_with_a_number_and_words_without() {
        for (word, has) in [
            ("а", true),
            ("ааа", true),
            ("вода", true),
            ("достопримечател", true),
            ("абвгдежзийклмнопрстуфхцч", true),
            ("абвгдежзийклмнопрстуфхцчш", false),
            ("", false),
            ("уһан", false),
            ("wifi", false),
            ("12", false),
            ("і", false),
        ] {
            assert_eq!(number(word) != 0, has, "{word}");
        }
    }

    #[test]
    fn different_words_have_different_numbers() {
        let letters: Vec<char> = "абвгдежзийклмнопрстуфхцч".chars().collect();
        let mut words: BTreeSet<String> = BTreeSet::new();
        for length in 1..=letters.len() {
            for from in 0..=letters.len() - length {
                words.insert(letters[from..from + length].iter().collect());
            }
            words.insert("а".repeat(length));
            words.insert("я".repeat(length));
        }
        let numbers: BTreeSet<u128> = words.iter().map(|word| number(word)).collect();
        assert_eq!(numbers.len(), words.len());
    }
}
