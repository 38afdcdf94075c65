//! When something on a played platform exists and what it says.
//!
//! Place in the flow: inside the plays whose stories may be planned ahead. Invariant: what is dated
//! after the instant asked for does not exist yet.

use jiff::Timestamp;

/// Dates and texts of one post or comment.
#[derive(Clone, Debug)]
pub struct Life {
    /// When it appears.
    pub date: Timestamp,
    /// Texts with the instant from which each is shown.
    versions: Vec<(Timestamp, String)>,
    /// Deletions (false) and restorations (true).
    turns: Vec<(Timestamp, bool)>,
}

impl Life {
    pub(super) fn new(date: Timestamp, text: &str) -> Self {
        Life { date, versions: vec![(date, text.to_owned())], turns: Vec::new() }
    }

    pub(super) fn edit(&mut self, at: Timestamp, text: &str) {
        self.versions.push((at, text.to_owned()));
    }

    pub(super) fn turn(&mut self, at: Timestamp, alive: bool) {
        self.turns.push((at, alive));
    }

    /// Whether it is to be seen.
    #[must_use]
    pub fn alive(&self, now: Timestamp) -> bool {
        let last = self.turns.iter().filter(|(at, _)| *at <= now).max_by_key(|(at, _)| *at);
        self.date <= now && last.is_none_or(|(_, alive)| *alive)
    }

    /// The text shown.
    #[must_use]
    pub fn text(&self, now: Timestamp) -> &str {
        let shown = self.versions.iter().filter(|(at, _)| *at <= now);
        shown.max_by_key(|(at, _)| *at).map_or("", |(_, text)| text.as_str())
    }

    /// When the text shown was written, if it is not the first.
    #[must_use]
    pub fn edited(&self, now: Timestamp) -> Option<Timestamp> {
        self.versions.iter().skip(1).map(|(at, _)| *at).filter(|at| *at <= now).max()
    }
}
