//! Buffers of one thread that classifies: reused for every text.
//!
//! Place in the flow: passed to `classify`. Invariant: nothing in it changes an answer; a scratch
//! that meets another lexicon forgets what it remembered.

use crate::text::Tokens;

use super::PlaceHit;
use super::haystack::Haystack;
use super::lexicon::Lexicon;
use super::memo::Memo;
use super::run::Range;
use super::seen::{Present, Seen};
use super::terms::{Meaning, TermId};

/// Buffers of one thread. Not shared; cheap to keep, not cheap to make.
#[derive(Debug, Default)]
pub struct Scratch {
    /// Serial number of the lexicon that the memo belongs to.
    lexicon: u64,
    pub(super) memo: Memo,
    pub(super) tokens: Tokens,
    pub(super) haystack: Haystack,
    /// What each token's word means.
    pub(super) meanings: Vec<Meaning>,
    /// Flags of each token's word.
    pub(super) flags: Vec<u8>,
    /// What each token's word is to an address.
    pub(super) classes: Vec<u32>,
    /// Terms and tokens of the whole text, sorted.
    pub(super) pairs: Vec<(TermId, u32)>,
    /// Which terms stand in it, marks too.
    pub(super) present: Present,
    /// The same as `pairs` without hidden tokens.
    pub(super) open: Vec<(TermId, u32)>,
    /// Bytes of places.
    pub(super) place_hits: Vec<PlaceHit>,
    /// Tokens of places.
    pub(super) places: Vec<(u32, u32, bool)>,
    /// The same without hidden ones.
    pub(super) open_places: Vec<(u32, u32, bool)>,
    /// Tokens in settled clauses and negated troubles; empty if there are none.
    pub(super) hidden: Vec<bool>,
    /// Clauses that are settled.
    pub(super) settled: Vec<bool>,
    /// The marker that settled something, if one did.
    pub(super) marker: Option<Range>,
    pub(super) candidates: Vec<u32>,
    /// For each candidate its rule and whether something keeps that from matching.
    pub(super) rules: Vec<(u32, bool)>,
    /// Rules that matched, and where.
    pub(super) matched: Vec<(u32, Range)>,
    pub(super) hits: Vec<Range>,
    /// Rules that would have matched, had the text not said that all is well.
    pub(super) cancelled: Vec<u32>,
    /// Rules that matched, had their `unless` not matched too.
    pub(super) excluded: Vec<u32>,
}

impl Scratch {
    /// Fresh buffers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes ready for a text and a lexicon.
    pub(super) fn prepare(&mut self, lexicon: &Lexicon) {
        if self.lexicon != lexicon.serial {
            self.lexicon = lexicon.serial;
            self.memo.clear();
        }
        self.present.clear();
        self.haystack.forget();
        self.flags.clear();
        self.classes.clear();
        self.pairs.clear();
        self.place_hits.clear();
        self.places.clear();
        self.candidates.clear();
        self.matched.clear();
        self.cancelled.clear();
        self.excluded.clear();
        self.marker = None;
    }

    /// What the whole text has.
    pub(super) fn all(&self) -> Seen<'_> {
        let Self { pairs, places, present, .. } = self;
        Seen { pairs, places, hidden: &[], present }
    }

    /// What it has outside hidden tokens.
    pub(super) fn open(&self) -> Seen<'_> {
        if self.hidden.is_empty() {
            return self.all();
        }
        let Self { open, open_places, hidden, present, .. } = self;
        Seen { pairs: open, places: open_places, hidden, present }
    }

    /// Names of the rules of the last text that matched only what is settled or negated.
    #[must_use]
    pub fn cancelled<'l>(&self, lexicon: &'l Lexicon) -> Vec<&'l str> {
        names(&self.cancelled, lexicon)
    }

    /// Names of the rules of the last text that matched together with their `unless`.
    #[must_use]
    pub fn excluded<'l>(&self, lexicon: &'l Lexicon) -> Vec<&'l str> {
        names(&self.excluded, lexicon)
    }
}

fn names<'l>(rules: &[u32], lexicon: &'l Lexicon) -> Vec<&'l str> {
    let name = |rule: &u32| lexicon.rules().get(*rule as usize).map(|rule| rule.name.as_str());
    rules.iter().filter_map(name).collect()
}
