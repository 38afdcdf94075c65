//! Masks people in a text and keeps the way back to the original.
//!
//! Place in the flow: the one maker of [`Masked`]. Invariants: masking a masked text changes
//! nothing; outside the masks every byte of the original stands unchanged; time grows with the
//! text, not its square.

use std::ops::Range;

use super::handles::Handles;
use super::tokens::{Kind, Text};
use super::{flats, links, names, numbers};

/// How often the rules look again: a mask can end what hid the next place from a rule.
const ROUNDS_MAX: usize = 6;

/// A text in which people are masked, with the places that were masked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Masked {
    text: String,
    masks: Vec<Mask>,
}

/// One masked place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mask {
    /// Bytes in the masked text.
    pub masked: Range<usize>,
    /// Bytes in the original text.
    pub original: Range<usize>,
}

impl Masked {
    /// The text with people masked.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What was masked, in text order, without overlaps.
    #[must_use]
    pub fn masks(&self) -> &[Mask] {
        &self.masks
    }

    /// Takes the text out.
    #[must_use]
    pub fn into_string(self) -> String {
        self.text
    }

    /// The bytes of the original text that `range` of the masked text stands for. A range that
    /// touches a mask widens to the whole place masked there; one beyond the end is cut to the
    /// text.
    #[must_use]
    pub fn original_range(&self, range: Range<usize>) -> Range<usize> {
        let start = range.start.min(self.text.len());
        let end = range.end.clamp(start, self.text.len());
        let before = self.masks.partition_point(|mask| mask.masked.start <= start);
        let from = match before.checked_sub(1).map(|i| &self.masks[i]) {
            Some(mask) if start < mask.masked.end => mask.original.start,
            Some(mask) => mask.original.end + (start - mask.masked.end),
            None => start,
        };
        let before = self.masks.partition_point(|mask| mask.masked.start < end);
        let to = match before.checked_sub(1).map(|i| &self.masks[i]) {
            Some(mask) if end <= mask.masked.end => mask.original.end,
            Some(mask) => mask.original.end + (end - mask.masked.end),
            None => end,
        };
        from..to
    }
}

/// Masks `original`; what belongs to `handles` stays readable.
pub(super) fn mask(original: &str, handles: &Handles) -> Masked {
    let mut text = Text::new(original);
    let own: Vec<usize> = places(&text).map(|token| token.start).collect();
    for _ in 0..ROUNDS_MAX {
        if !round(&mut text, handles) {
            break;
        }
    }
    let (mut out, mut masks) = (String::with_capacity(original.len()), Vec::new());
    let mut at = 0;
    for token in places(&text) {
        let Kind::Masked(what) = token.kind else { continue };
        if own.binary_search(&token.start).is_ok() {
            // It stood in the text already.
            continue;
        }
        out.push_str(&original[at..token.start]);
        let start = out.len();
        out.push_str(what.word());
        masks.push(Mask { masked: start..out.len(), original: token.start..token.end });
        at = token.end;
    }
    out.push_str(&original[at..]);
    Masked { text: out, masks }
}

fn places<'t>(text: &'t Text<'_>) -> impl Iterator<Item = &'t super::tokens::Token> {
    text.tokens.iter().filter(|token| matches!(token.kind, Kind::Masked(_)))
}

/// Applies every rule once, in the order in which they may hide people from one another.
fn round(text: &mut Text<'_>, handles: &Handles) -> bool {
    let before = text.tokens.len();
    let count = places(text).count();
    let found = links::mentions(text, handles);
    text.replace(&found);
    let found = links::mails(text);
    text.replace(&found);
    let found = links::links(text, handles);
    text.replace(&found);
    let found = links::accounts(text, handles);
    text.replace(&found);
    let found = numbers::find(text);
    text.replace(&found);
    let found = flats::find(text);
    text.replace(&found);
    let found = names::find(text);
    text.replace(&found);
    before != text.tokens.len() || count != places(text).count()
}
