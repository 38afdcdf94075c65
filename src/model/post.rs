//! A post or comment, normalised, with people masked.
//!
//! Place in the flow: made by `text::normalise` from what came through the door; classified,
//! stored, exported. Invariant: nothing in it tells who wrote it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::{PlaceId, PostId, PostKey};

/// Post or comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PostKind {
    /// A post of the page.
    Post,
    /// A comment; has a parent.
    Comment,
}

/// Counters of a post; absent is not zero. Never part of a risk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Views.
    pub views: Option<u64>,
    /// Likes.
    pub likes: Option<u64>,
    /// Reposts.
    pub reposts: Option<u64>,
    /// Comments.
    pub comments: Option<u64>,
}

/// A normalised post.
#[derive(Debug, Clone, PartialEq)]
pub struct Post {
    /// Source and id.
    pub key: PostKey,
    /// `vk`, `telegram`, `rss`, or what an imported line said.
    pub platform: String,
    /// Post or comment.
    pub kind: PostKind,
    /// Id of what it answers, within the same source.
    pub parent: Option<PostId>,
    /// Masked text, cleaned of control characters.
    pub text: String,
    /// How many places the door masked.
    pub masked: u32,
    /// When it was published (first seen, if the platform does not say).
    pub published: Timestamp,
    /// When it was last edited.
    pub edited: Option<Timestamp>,
    /// Whether a body speaks here.
    pub official: bool,
    /// Whether the page itself wrote in its own name.
    pub own_name: bool,
    /// Whether the text was taken over from another page.
    pub repost: bool,
    /// Link to it.
    pub url: Option<String>,
    /// Counters.
    pub counts: Counts,
    /// Place that came with the line or with the source, used when the text names none.
    pub place: Option<PlaceId>,
}
