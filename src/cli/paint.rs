//! Colours for people at a terminal; plain text in a pipe.
//!
//! Place in the flow: `explain`. Invariant: with `NO_COLOR` set, with a terminal that cannot, or
//! without a terminal, not one byte is added.

use std::io::IsTerminal as _;

use crate::model::RiskLevel;

/// A colour or weight of letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// Headings.
    Bold,
    /// What matters less.
    Dim,
    /// Words that matched.
    Match,
    /// Words of places.
    Place,
    /// Words that the door masks.
    Masked,
    /// The lowest level.
    Low,
    /// The second level.
    Elevated,
    /// The two highest levels.
    High,
}

impl Ink {
    fn code(self) -> &'static str {
        match self {
            Ink::Bold => "1",
            Ink::Dim => "2",
            Ink::Match => "1;33",
            Ink::Place => "36",
            Ink::Masked => "9;2",
            Ink::Low => "32",
            Ink::Elevated => "33",
            Ink::High => "1;31",
        }
    }

    /// The ink of a level.
    #[must_use]
    pub fn of(level: RiskLevel) -> Self {
        match level {
            RiskLevel::Low => Ink::Low,
            RiskLevel::Elevated => Ink::Elevated,
            RiskLevel::High | RiskLevel::Critical => Ink::High,
        }
    }
}

/// Paints, or does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint {
    on: bool,
}

impl Paint {
    /// As the standard output and the person want it.
    #[must_use]
    pub fn of_stdout() -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self::new(std::io::stdout().is_terminal() && !refused && !dumb)
    }

    /// Always, or never.
    #[must_use]
    pub fn new(on: bool) -> Self {
        Self { on }
    }

    /// `text` in `ink`.
    #[must_use]
    pub fn ink(self, ink: Ink, text: &str) -> String {
        match self.on && !text.is_empty() {
            true => format!("\u{1b}[{}m{text}\u{1b}[0m", ink.code()),
            false => text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_added_to_plain_text() {
        assert_eq!(Paint::new(false).ink(Ink::High, "текст"), "текст");
        assert_eq!(Paint::new(true).ink(Ink::Bold, "текст"), "\u{1b}[1mтекст\u{1b}[0m");
        assert_eq!(Paint::new(true).ink(Ink::Bold, ""), "");
    }
}
