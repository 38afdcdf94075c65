//! A number for the content of a text: equal texts, equal numbers.
//!
//! Place in the flow: `normalise` and the store use it to see edits and copies. Invariant: the
//! number of a text never changes between versions of the program, because stored rows carry it.

use sha2::{Digest, Sha256};

use super::fold::{self, Kind};

/// The first 8 bytes (big-endian) of SHA-256 over the text as it stands.
#[must_use]
pub fn fingerprint(text: &str) -> u64 {
    short(&Sha256::digest(text.as_bytes()))
}

/// Like [`fingerprint`], but over the folded letters and digits alone: copies that differ in case,
/// punctuation, spaces or emoji get one number. A text without letters and digits gives `None`.
#[must_use]
pub fn fingerprint_of_words(text: &str) -> Option<u64> {
    let mut letters = String::with_capacity(text.len());
    for c in text.chars() {
        match fold::kind(c) {
            Kind::Mark | Kind::Other => {}
            Kind::Cyrillic | Kind::Foreign | Kind::Digit => letters.push(fold::lower(c)),
        }
    }
    (!letters.is_empty()).then(|| fingerprint(&letters))
}

fn short(hash: &[u8]) -> u64 {
    hash.iter().take(8).fold(0, |number, &byte| number << 8 | u64::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_the_same_for_ever() {
        assert_eq!(fingerprint(""), 0xe3b0_c442_98fc_1c14);
        assert_eq!(fingerprint("abc"), 0xba78_16bf_8f01_cfea);
    }

    #[test]
    fn copies_have_one_number() {
        let first = fingerprint_of_words("Нет воды! Третий день…");
        assert_eq!(first, fingerprint_of_words("НЕТ ВОДЫ третий день 😡"));
        assert_ne!(first, fingerprint_of_words("Нет воды четвёртый день"));
        assert_eq!(fingerprint_of_words("😡!!!"), None);
    }
}
