//! Places and organisations named in a text.
//!
//! Place in the flow: `classify` asks it once a text, before rules are verified, so that `@место` and
//! `@орг` see its answer. Invariant: hits are in text order and do not overlap.

use crate::model::PlaceFinding;
use crate::text::Tokens;

use super::PlaceHit;

/// Names of settlements, streets and organisations, compiled.
#[derive(Debug, Clone, Default)]
pub struct Gazetteer {}

impl Gazetteer {
    /// Knows no place.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// Adds to `out` what `text`, split into `tokens`, names.
    pub fn find(&self, _tokens: &Tokens, _text: &str, _out: &mut Vec<PlaceHit>) {}

    /// What the hits of [`Gazetteer::find`] mean: settlements in text order, then lone streets.
    #[must_use]
    pub fn findings(&self, _tokens: &Tokens, _text: &str, _hits: &[PlaceHit]) -> Vec<PlaceFinding> {
        Vec::new()
    }
}
