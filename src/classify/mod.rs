//! What a text is about.

pub mod declension;
pub mod place;
pub mod street;

pub use place::Gazetteer;

/// A place or organisation that a text names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlaceHit {
    /// First byte in the text.
    pub start: u32,
    /// Behind the last byte in the text.
    pub end: u32,
    /// Whether it is an organisation (`@орг`), not a place (`@место`).
    pub is_org: bool,
    /// Number of the entry in the gazetteer that made the hit; its meaning belongs to the gazetteer.
    pub entry: u32,
}
