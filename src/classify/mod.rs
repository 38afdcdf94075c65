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
// TEMPORARY
use crate::config::Fault;
use crate::model::*;
#[derive(Default)]
pub struct Scratch;
pub struct Lexicon {
    places: Gazetteer,
}
impl Lexicon {
    pub fn compile(
        _f: &[crate::config::packs::PackFile],
        places: Gazetteer,
    ) -> Result<Self, Vec<Fault>> {
        Ok(Self { places })
    }
    pub fn hash(&self) -> &str {
        ""
    }
    pub fn places(&self) -> &Gazetteer {
        &self.places
    }
    pub fn department(&self, _t: &TopicId) -> Option<&str> {
        None
    }
    pub fn advice(&self, _t: &TopicId) -> &[String] {
        &[]
    }
    pub fn title(&self, _t: &TopicId) -> Option<&str> {
        None
    }
    pub fn topics(&self) -> impl Iterator<Item = &TopicId> {
        std::iter::empty()
    }
    pub fn kind(&self, _t: &TopicId) -> Option<TopicKind> {
        None
    }
    pub fn severity(&self, _t: &TopicId) -> Option<u8> {
        None
    }
    pub fn season(&self, _t: &TopicId) -> Option<crate::config::Season> {
        None
    }
}
pub fn classify(_t: &str, _l: &Lexicon, _s: &mut Scratch) -> Classified {
    Classified {
        language: Language("und".into()),
        findings: vec![],
        places: vec![],
        signals: vec![],
        attitude: vec![],
    }
}
