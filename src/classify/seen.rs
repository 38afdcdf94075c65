//! The terms of one text, ready to be asked.
//!
//! Place in the flow: `classify` fills it, `run` asks it for every part of every candidate.
//! Invariant: [`Present`] may say yes to a term that is not there, never no to one that is.

use super::run::Range;
use super::terms::{ORG, PLACE, TermId};

/// Words of the set below. Terms are numbered one by one, so their lowest bits tell them apart.
const WORDS: usize = 32;

/// Which terms a text may have: one look for the many that it has not.
#[derive(Debug, Clone, Copy, Default)]
pub struct Present {
    bits: [u64; WORDS],
}

impl Present {
    /// Forgets all terms.
    pub fn clear(&mut self) {
        self.bits = [0; WORDS];
    }

    /// Adds a term.
    #[inline]
    pub fn add(&mut self, term: TermId) {
        self.bits[(term >> 6) as usize % WORDS] |= 1 << (term & 63);
    }

    /// Whether `term` may be there.
    #[inline]
    #[must_use]
    pub fn may(&self, term: TermId) -> bool {
        self.bits[(term >> 6) as usize % WORDS] >> (term & 63) & 1 == 1
    }
}

/// The terms of a text, or of the part of it that counts.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// Terms and the tokens they stand at, sorted.
    pub pairs: &'a [(TermId, u32)],
    /// Places and organisations: first token, behind the last token, whether an organisation.
    pub places: &'a [(u32, u32, bool)],
    /// Tokens that do not count.
    pub hidden: &'a [bool],
    /// The terms of the whole text, marks too.
    pub present: &'a Present,
}

impl<'a> Seen<'a> {
    /// The tokens that `term` stands at.
    #[inline]
    #[must_use]
    pub fn at(&self, term: TermId) -> &'a [(TermId, u32)] {
        if !self.present.may(term) {
            return &[];
        }
        let from = self.pairs.partition_point(|pair| pair.0 < term);
        let rest = &self.pairs[from..];
        let count = rest.iter().take_while(|pair| pair.0 == term).count();
        &rest[..count]
    }

    /// Whether `term` stands anywhere.
    #[inline]
    #[must_use]
    pub fn is_there(&self, term: TermId) -> bool {
        if !self.present.may(term) {
            return false;
        }
        if matches!(term, PLACE | ORG) {
            return self.places.iter().any(|place| place.2 == (term == ORG));
        }
        let from = self.pairs.partition_point(|pair| pair.0 < term);
        self.pairs.get(from).is_some_and(|pair| pair.0 == term)
    }

    /// Whether `term` stands at `token`.
    #[inline]
    #[must_use]
    pub fn has(&self, term: TermId, token: u32) -> bool {
        self.present.may(term) && self.pairs.binary_search(&(term, token)).is_ok()
    }

    /// Ranges of a term or mark, in text order.
    pub fn ranges(&self, term: TermId) -> impl Iterator<Item = Range> + use<'a> {
        let places = if matches!(term, PLACE | ORG) { self.places } else { &[] };
        let words = if matches!(term, PLACE | ORG) { &[] } else { self.at(term) };
        places
            .iter()
            .filter(move |place| place.2 == (term == ORG))
            .map(|place| (place.0, place.1))
            .chain(words.iter().map(|pair| (pair.1, pair.1 + 1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_that_is_there_is_never_denied() {
        let mut present = Present::default();
        let terms = [0, 2, 63, 64, 2_047, 2_048, 99_999];
        for term in terms {
            present.add(term);
        }
        assert!(terms.iter().all(|&term| present.may(term)));
        assert!(!present.may(1) && !present.may(65) && !present.may(100_000));
        present.clear();
        assert!(!terms.iter().any(|&term| present.may(term)));
    }
}
