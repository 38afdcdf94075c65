//! The folded text as one string, for regular expressions.
//!
//! Place in the flow: built only when a candidate rule holds a regular expression. Invariant: what
//! stands between words is kept as written, words are folded, and every byte can be traced to its
//! token.

use crate::text::Tokens;

/// A folded text and where its tokens stand in it.
#[derive(Debug, Default)]
pub struct Haystack {
    folded: String,
    /// For each token its bytes in `folded`.
    spans: Vec<(usize, usize)>,
}

impl Haystack {
    /// Folds `text`, forgetting the text before.
    pub fn fill(&mut self, text: &str, tokens: &Tokens) {
        self.folded.clear();
        self.spans.clear();
        let mut behind = 0;
        for (at, token) in tokens.list().iter().enumerate() {
            self.folded.push_str(&text[behind..token.start as usize]);
            let from = self.folded.len();
            self.folded.push_str(tokens.text(at));
            self.spans.push((from, self.folded.len()));
            behind = token.end as usize;
        }
        self.folded.push_str(&text[behind..]);
    }

    /// The folded text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.folded
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
