//! Words that part a sentence: «но», «зато».
//!
//! Place in the flow: `tokens` asks for every word. Invariant: what the table says is what a walk
//! through the list would.

use crate::text::letters;

/// Words that begin a clause of their own.
const CONTRASTS: [&str; 5] = ["а", "но", "зато", "хотя", "однако"];
/// «12 а» is a house.
pub(super) const A: u128 = letters::number("а");

/// The numbers of [`CONTRASTS`] by their [`contrast_at`]: one look for every word.
static CONTRAST_NUMBERS: [u64; 32] = contrast_numbers();

const fn contrast_numbers() -> [u64; 32] {
    let mut table = [0; 32];
    let mut at = 0;
    while at < CONTRASTS.len() {
        let number = letters::number(CONTRASTS[at]) as u64;
        assert!(table[contrast_at(number)] == 0, "two words at one place");
        table[contrast_at(number)] = number;
        at += 1;
    }
    table
}

/// Told by the count of letters and the highest bit of the first.
const fn contrast_at(number: u64) -> usize {
    (number >> 60 << 1 | number >> 4 & 1) as usize
}

/// Whether a word begins a clause of its own.
#[inline]
pub(super) fn is_contrast(number: u128) -> bool {
    let short = number as u64;
    (CONTRAST_NUMBERS[contrast_at(short)] == short) & (number != 0) & (number >> 64 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_words_of_the_list() {
        for word in CONTRASTS {
            assert!(is_contrast(letters::number(word)), "{word}");
        }
        for word in ["", "и", "на", "он", "зачем", "хота", "хотят", "авантюризма", "ноябрь"]
        {
            assert!(!is_contrast(letters::number(word)), "{word}");
        }
        assert!(!is_contrast(letters::number("электрооборудование")));
    }
}
