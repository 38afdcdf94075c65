//! The folded text as one string, for regular expressions.
//!
//! Place in the flow: filled when the first regular expression of a text runs; most texts need
//! none. Invariant: what stands between words is kept as written, words are folded, and every byte
//! can be traced to its token.

use std::cell::{Cell, Ref, RefCell};

use crate::text::Tokens;

/// A folded text and where its tokens stand in it.
#[derive(Debug, Default)]
pub struct Folded {
    text: String,
    /// For each token its bytes in `text`.
    spans: Vec<(usize, usize)>,
}

/// The folded text, once somebody asks for it.
#[derive(Debug, Default)]
pub struct Haystack {
    folded: RefCell<Folded>,
    is_filled: Cell<bool>,
}

impl Haystack {
    /// Forgets the text before.
    pub fn forget(&mut self) {
        self.is_filled.set(false);
    }

    /// The folded `text`, which `tokens` were read from.
    pub fn folded(&self, text: &str, tokens: &Tokens) -> Ref<'_, Folded> {
        if !self.is_filled.replace(true) {
            self.folded.borrow_mut().fill(text, tokens);
        }
        self.folded.borrow()
    }
}

impl Folded {
    fn fill(&mut self, text: &str, tokens: &Tokens) {
        self.text.clear();
        self.spans.clear();
        let mut behind = 0;
        for (at, token) in tokens.list().iter().enumerate() {
            self.text.push_str(&text[behind..token.start as usize]);
            let from = self.text.len();
            self.text.push_str(tokens.text(at));
            self.spans.push((from, self.text.len()));
            behind = token.end as usize;
        }
        self.text.push_str(&text[behind..]);
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The tokens that bytes `start..end` touch.
    #[must_use]
    pub fn tokens(&self, start: usize, end: usize) -> (u32, u32) {
        let first = self.spans.partition_point(|span| span.1 <= start);
        let last = self.spans.partition_point(|span| span.0 < end);
        let short = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        (short(first), short(last))
    }
}
