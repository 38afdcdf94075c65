//! What classification finds in one text.
//!
//! Place in the flow: made by `classify`, scored by `risk`, stored with the post, exported.
//! Invariant: a [`Finding`] is never an attitude: [`TopicKind`] has no such member. Attitude
//! towards officials is an [`Attitude`], a value that no store verb for posts, problems or alerts
//! accepts.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::ids::{PlaceId, RuleName, TopicId};
use super::wording::Wording;

/// Half-open range of Unicode code points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    /// First code point.
    pub start: u32,
    /// Behind the last code point.
    pub end: u32,
}

/// What a topic is about. Attitude packs have no kind here, on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TopicKind {
    /// A service that fails.
    Problem,
    /// A danger to life, health or property.
    Danger,
    /// An unverified claim of danger.
    Rumour,
}

/// One rule that matched.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Match {
    /// `pack:rule`.
    pub rule: RuleName,
    /// The words that matched, as written.
    pub text: Wording,
    /// Where, in code points of the classified text.
    #[serde(flatten)]
    pub span: Span,
}

/// A topic found in a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Topic.
    pub topic: TopicId,
    /// Points of its matched rules, 0–100.
    pub score: u8,
    /// Kind of the topic.
    pub kind: TopicKind,
    /// Matched rules, in text order.
    pub matches: Vec<Match>,
    /// Clause around the best match (code points): the only part an alert may quote.
    #[serde(skip)]
    pub clause: Option<Span>,
}

/// An attitude pack that matched: resident feedback. Shown by `classify` and `explain` for the text
/// just given, counted by week, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attitude {
    /// Id of the attitude pack.
    pub pack: TopicId,
    /// Points, 0–100.
    pub score: u8,
    /// Matched rules.
    pub matches: Vec<Match>,
}

/// How a place was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PlaceBy {
    /// Named in the text itself.
    Text,
    /// Named in the post it answers.
    Parent,
    /// Named elsewhere in the thread.
    Thread,
    /// Default place of the source.
    Source,
    /// The district as a whole.
    District,
}

/// A place found for a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceFinding {
    /// Settlement, or `None` for a street without a known settlement.
    pub place: Option<PlaceId>,
    /// Official name without the type word; empty for a lone street.
    pub title: String,
    /// How it was found.
    pub by: PlaceBy,
    /// Whether it lies outside the district.
    pub elsewhere: bool,
    /// Where the name stands, in code points (`None` unless `by` is text).
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
    /// Street, as its name without the type word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub street: Option<String>,
    /// House, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub house: Option<String>,
    /// First code point of the street.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub street_start: Option<u32>,
    /// Behind the last code point of the street and house.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub street_end: Option<u32>,
}

/// Language of a text: `ru`, `bua`, another ISO 639 code, or `und`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Language(pub Cow<'static, str>);

/// Everything classification says about one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Classified {
    /// Language.
    pub language: Language,
    /// Topics, best first, ties by id.
    pub findings: Vec<Finding>,
    /// Places named in the text: settlements in text order, then lone streets.
    pub places: Vec<PlaceFinding>,
    /// Named signals for the risk table (`danger_to_life`, `children`, `frost`, `days:3`, …),
    /// sorted.
    pub signals: Vec<Signal>,
    /// Attitude packs that matched: never stored with the post.
    pub attitude: Vec<Attitude>,
}

/// A named circumstance in the text that the risk table may weigh.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Signal {
    /// Name, for example `children`, `bedridden`, `hospital`, `days`, `repeated`, `resolved`.
    pub name: Wording,
    /// A number where one belongs to it (days without heat), else 1.
    pub amount: u32,
    /// The words, as written.
    pub text: Wording,
    /// Where they stand, in code points.
    pub span: Span,
}
