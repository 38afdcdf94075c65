//! The query language: what an analyst types in `find` and `unless`.
//!
//! Place in the flow: packs are read, their queries parsed here, then compiled into the lexicon.
//! Invariants: parsing never panics, whatever is typed; a fault points at the character and says in
//! Russian what to do; every alternative of an accepted query needs something to be present.
//!
//! ```text
//! query  = and { "|" and }                      "|" binds weaker than the space
//! and    = { [ "-" | "НЕ" ] part }              space = all of them, anywhere in the post
//! part   = word | "!" word | word "*" | "(" query ")" | quotes [ "~" n ] | "/" regex "/" | mark
//! quotes = '"' { word | "!" word | word "*" | "(" words { "|" words } ")" | mark } '"'
//! mark   = "@место" | "@орг" | "@число"
//! ```
//!
//! Words are folded like texts are; a word with a hyphen is a phrase. Phrases and windows stay
//! within a sentence. A window `~N` is N words long, its words included.

mod parse;
mod pattern;

pub use parse::{parse, parse_with};

/// Characters a query may have.
pub const CHARS_MAX: usize = 60_000;
/// Words, marks and regular expressions a query may have.
pub const TERMS_MAX: usize = 5_000;
/// Brackets within brackets.
pub const DEPTH_MAX: usize = 16;
/// Characters a regular expression may have.
pub const REGEX_CHARS_MAX: usize = 512;
/// Words a window may be long.
pub const WINDOW_MAX: u32 = 50;
/// Parts a window may have.
pub const WINDOW_PARTS_MAX: usize = 8;
/// Parts a phrase may have.
pub const PHRASE_PARTS_MAX: usize = 32;
/// Letters a prefix must have.
pub const PREFIX_MIN: usize = 2;

/// A parsed query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Query {
    /// One word, anywhere.
    Word(Word),
    /// Parts one behind the other, within a sentence.
    Phrase(Vec<Item>),
    /// Parts in any order within so many words of one sentence.
    Window(Vec<Item>, u32),
    /// All of the first, none of the second.
    And(Vec<Query>, Vec<Query>),
    /// At least one.
    Or(Vec<Query>),
    /// A regular expression on the folded text.
    Regex(String),
    /// A place, an organisation, a number.
    Mark(Mark),
}

/// Part of a phrase or a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A word.
    Word(Word),
    /// A place, an organisation, a number.
    Mark(Mark),
    /// One of several phrases.
    Any(Vec<Vec<Item>>),
}

/// A folded word and how it matches.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Word {
    /// Folded letters, as [`crate::text::Tokens`] folds them.
    pub text: String,
    /// How it matches.
    pub how: How,
}

/// How a word matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// Every form with the same stem.
    Stem,
    /// This form only.
    Form,
    /// Every word that starts so.
    Prefix,
}

/// What is no word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// Any known place.
    Place,
    /// Any known organisation.
    Org,
    /// Any number, in digits or as a word.
    Number,
}

/// What is wrong with a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryFault {
    /// Byte of the query.
    pub offset: usize,
    /// What is wrong, in Russian.
    pub text: String,
    /// What to do, in Russian; may be empty.
    pub fix: String,
}

impl Query {
    /// Number of words, marks and regular expressions.
    #[must_use]
    pub fn terms(&self) -> usize {
        match self {
            Query::Word(_) | Query::Regex(_) | Query::Mark(_) => 1,
            Query::Phrase(items) | Query::Window(items, _) => items.iter().map(Item::terms).sum(),
            Query::And(all, none) => all.iter().chain(none).map(Query::terms).sum(),
            Query::Or(any) => any.iter().map(Query::terms).sum(),
        }
    }
}

impl Item {
    fn terms(&self) -> usize {
        match self {
            Item::Word(_) | Item::Mark(_) => 1,
            Item::Any(any) => any.iter().flatten().map(Item::terms).sum(),
        }
    }
}

/// The pattern of `/…/` as it is matched against folded text: Cyrillic letters and ё are folded,
/// and so are Latin capitals that do not belong to an escape, a class name or a flag group.
#[must_use]
pub fn fold_pattern(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut chars = pattern.chars().peekable();
    let mut name = None;
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                out.push(c);
                if let Some(escaped) = chars.next() {
                    let cyrillic = escaped as u32 > 0x3FF;
                    out.push(if cyrillic { crate::text::fold::lower(escaped) } else { escaped });
                    if matches!(escaped, 'p' | 'P' | 'x' | 'u' | 'U') && chars.peek() == Some(&'{')
                    {
                        name = Some('}');
                    }
                }
                continue;
            }
            '(' if chars.peek() == Some(&'?') => name = Some(':'),
            ')' | '>' if name == Some(':') => name = None,
            _ if name == Some(c) => name = None,
            _ => {}
        }
        let keep = name.is_some() && c.is_ascii();
        out.push(if keep { c } else { crate::text::fold::lower(c) });
    }
    out
}

/// Compiles the pattern of `/…/`: linear time, bounded in size.
pub fn regex(pattern: &str) -> Result<regex::Regex, regex::Error> {
    regex::RegexBuilder::new(&fold_pattern(pattern))
        .size_limit(1 << 20)
        .dfa_size_limit(1 << 20)
        .nest_limit(32)
        .build()
}
