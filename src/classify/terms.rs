//! The vocabulary of all packs: stems, exact forms and prefixes as small numbers.
//!
//! Place in the flow: filled while rules are compiled, asked once for each new word of a text.
//! Invariant: numbers are given in the order of the packs, so the same packs always compile the
//! same.

use super::buryat::Buryat;
use super::slips::Slips;
use crate::text::words::QuickMap;
use crate::text::{Stems, fold, language, numeral};

/// Number of a term.
pub type TermId = u32;

/// `@место`.
pub const PLACE: TermId = 0;
/// `@орг`.
pub const ORG: TermId = 1;
/// `@число`.
pub const NUMBER: TermId = 2;
/// No term.
pub const NONE: TermId = TermId::MAX;

/// The word is a number.
pub const IS_NUMBER: u8 = 1;
/// The word may stand beside a bare marker.
pub const IS_FILLER: u8 = 1 << 1;
/// «не» in front of the word takes it back.
pub const IS_TROUBLE: u8 = 1 << 2;
/// The word is «не» or «ни».
pub const IS_NEGATION: u8 = 1 << 3;

/// The stem was guessed: the word is one slip of the finger away from it.
pub const IS_GUESS: u8 = 1 << 4;

/// A name of a place may begin with the word.
pub const IS_PLACE: u8 = 1 << 5;

/// What a word means to the packs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Meaning {
    /// Term of its stem, or [`NONE`].
    pub stem: TermId,
    /// Term of its exact form, or [`NONE`].
    pub form: TermId,
    /// Longest prefix it starts with, or [`NONE`]: an index for [`Terms::prefix`].
    pub prefix: u32,
    /// [`IS_NUMBER`], …
    pub flags: u8,
    /// What it is to an address.
    pub class: u32,
    /// What it says about the language of its text.
    pub signs: language::Signs,
}

/// All terms.
#[derive(Debug, Default)]
pub struct Terms {
    stemmer: Stems,
    stems: QuickMap<Box<str>, TermId>,
    /// Words whose stem was asked for while rules are compiled: rules repeat their words.
    asked: QuickMap<Box<str>, TermId>,
    forms: QuickMap<Box<str>, TermId>,
    prefixes: QuickMap<Box<str>, u32>,
    /// For each prefix its term and the next shorter prefix it starts with.
    chain: Vec<(TermId, u32)>,
    prefix_chars_max: usize,
    flags: QuickMap<Box<str>, u8>,
    /// Buryat words.
    buryat: Buryat,
    /// Long stems, to be found in spite of a slip.
    slips: Slips,
    count: TermId,
}

impl Terms {
    /// No terms but the three marks.
    #[must_use]
    pub fn new() -> Self {
        Self { count: NUMBER + 1, ..Self::default() }
    }

    /// Number of terms.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Term of the stem of a folded word. A Buryat word is known by its letters.
    pub fn stem(&mut self, word: &str) -> TermId {
        if let Some(&term) = self.asked.get(word) {
            return term;
        }
        let term = match Buryat::key(word) {
            Some(key) => self.buryat.number(key, &mut self.count),
            None => number(&mut self.stems, &mut self.count, self.stemmer.stem(word)),
        };
        self.asked.insert(word.into(), term);
        term
    }

    /// Term of one exact form.
    pub fn form(&mut self, word: &str) -> TermId {
        number(&mut self.forms, &mut self.count, fold::squeeze(word))
    }

    /// Term of all words that start with `start`.
    pub fn prefix_of(&mut self, start: &str) -> TermId {
        let start = fold::squeeze(start);
        self.prefix_chars_max = self.prefix_chars_max.max(start.chars().count());
        if let Some(&index) = self.prefixes.get(start.as_str()) {
            return self.chain[index as usize].0;
        }
        let term = self.count;
        self.count += 1;
        let index = u32::try_from(self.chain.len()).unwrap_or(NONE);
        self.prefixes.insert(start.into(), index);
        self.chain.push((term, NONE));
        term
    }

    /// Marks the stems of `words` (separated by spaces) with `flag`.
    pub fn flag(&mut self, words: &str, flag: u8) {
        let tokens = crate::text::Tokens::of(words);
        for at in 0..tokens.len() {
            let stem = self.stemmer.stem(tokens.text(at));
            *self.flags.entry(stem.into()).or_default() |= flag;
        }
    }

    /// Ties each prefix to the next shorter one. Call once, when all terms are there.
    pub fn seal(&mut self) {
        self.asked = QuickMap::default();
        self.slips = Slips::of(self.stems.iter().map(|(stem, term)| (&**stem, *term)));
        let links: Vec<(u32, u32)> = self
            .prefixes
            .iter()
            .map(|(start, &index)| {
                let shorter = start.char_indices().next_back().map_or("", |(at, _)| &start[..at]);
                (index, self.longest(shorter))
            })
            .collect();
        for (index, parent) in links {
            self.chain[index as usize].1 = parent;
        }
    }

    /// Term and next shorter prefix of prefix number `index`.
    #[must_use]
    pub fn prefix(&self, index: u32) -> (TermId, u32) {
        self.chain.get(index as usize).copied().unwrap_or((NONE, NONE))
    }

    fn longest(&self, word: &str) -> u32 {
        let ends = word.char_indices().map(|(at, c)| at + c.len_utf8());
        let mut longest = NONE;
        for end in ends.take(self.prefix_chars_max) {
            if let Some(&index) = self.prefixes.get(&word[..end]) {
                longest = index;
            }
        }
        longest
    }

    /// What a folded word means. Costs a stemmer call: remember the answer.
    #[must_use]
    pub fn meaning(&self, word: &str) -> Meaning {
        let squeezed = fold::squeeze(word);
        let stem = self.stemmer.stem(word);
        let mut flags = self.flags.get(stem.as_str()).copied().unwrap_or(0);
        if numeral::value(word).is_some() {
            flags |= IS_NUMBER;
        }
        if matches!(word, "не" | "ни") {
            flags |= IS_NEGATION;
        }
        let known = self.stems.get(stem.as_str()).copied().or_else(|| self.buryat.find(word));
        let form = self.forms.get(squeezed.as_str()).copied().unwrap_or(NONE);
        let prefix = self.longest(&squeezed);
        let strange = known.is_none() && form == NONE && prefix == NONE && flags == 0;
        let guess = if strange { self.slips.find(word, &stem) } else { None };
        if guess.is_some() {
            flags |= IS_GUESS;
        }
        let stem = known.or(guess).unwrap_or(NONE);
        Meaning { stem, form, prefix, flags, class: 0, signs: language::signs(word) }
    }
}

fn number(map: &mut QuickMap<Box<str>, TermId>, count: &mut TermId, key: String) -> TermId {
    *map.entry(key.into()).or_insert_with(|| {
        *count += 1;
        *count - 1
    })
}
