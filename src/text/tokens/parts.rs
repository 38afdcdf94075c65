//! What a text consists of: tokens, clauses, sentences.
//!
//! Place in the flow: plain values that `tokens` makes. Invariant: indexes point into the lists of
//! the same [`super::Tokens`].

/// A token is made of digits.
pub const NUMBER: u16 = 1;
/// A token is made of letters of another script than Cyrillic.
pub const LATIN: u16 = 1 << 1;
/// The first letter is a capital.
pub const CAPITAL: u16 = 1 << 2;
/// Two letters or more, all capitals.
pub const CAPS: u16 = 1 << 3;
/// First token of its sentence.
pub const STARTS: u16 = 1 << 4;
/// Joined to the token before by a hyphen.
pub const HYPHEN: u16 = 1 << 5;
/// Stands directly behind the token before («12а»).
pub const GLUED: u16 = 1 << 6;
/// Look-alike letters or digits were replaced.
pub const REPAIRED: u16 = 1 << 7;

/// One word or number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// First byte in the original text.
    pub start: u32,
    /// Behind the last byte in the original text.
    pub end: u32,
    /// First byte in the folded buffer.
    pub from: u32,
    /// Behind the last byte in the folded buffer.
    pub to: u32,
    /// Index of its clause.
    pub clause: u32,
    /// What it is: [`NUMBER`], [`LATIN`], …
    pub flags: u16,
}

impl Token {
    /// Whether all of `flags` are set.
    #[must_use]
    pub fn is(&self, flags: u16) -> bool {
        self.flags & flags == flags
    }
}

/// Part of a sentence between commas, brackets, «но», «а»: the reach of a negation or a settlement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clause {
    /// First token.
    pub first: u32,
    /// Behind the last token.
    pub last: u32,
    /// Index of its sentence.
    pub sentence: u32,
    /// Whether it starts with «а», «но», «зато», «однако», «хотя».
    pub contrast: bool,
}

/// A sentence: the reach of a phrase or a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sentence {
    /// First token.
    pub first: u32,
    /// Behind the last token.
    pub last: u32,
    /// First clause.
    pub clause: u32,
    /// Whether it ends with a question mark.
    pub question: bool,
}
