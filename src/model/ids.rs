//! Names of things, each a type of its own so that they cannot be mixed up.
//!
//! Place in the flow: everywhere. Invariant: an id is made once and never changes its meaning.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }
    )*};
}

ids! {
    /// A district: first part of every key in the store.
    DistrictId;
    /// A source, as the operator named it.
    SourceId;
    /// A post or comment within its source, for example `vk:-200001_765`.
    PostId;
    /// A settlement of the gazetteer, for example `onohoy`.
    PlaceId;
    /// A problem: `p` and 12 hex digits, made from its key and first post.
    ProblemId;
    /// An alert: `a` and 12 hex digits, made from problem, reason and order.
    AlertId;
    /// One alert to one receiver over one channel: `d` and 12 hex digits; names the Message-ID.
    DeliveryId;
}

/// A topic = the id of its pack. Every finding of a stream bears one: to copy it makes nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct TopicId(Arc<str>);

impl TopicId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for TopicId {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for TopicId {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<TopicId> for String {
    fn from(id: TopicId) -> Self {
        id.as_str().to_owned()
    }
}

/// A post's full name: ids are unique together with their source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PostKey {
    /// Source it was read from.
    pub source: SourceId,
    /// Its id there.
    pub id: PostId,
}

/// Name of a rule: `pack:rule`. The names of all rules stand in one text that their matches share:
/// to copy one touches nothing that belongs to its rule alone.
#[derive(Clone)]
pub struct RuleName {
    names: Arc<str>,
    start: u32,
    end: u32,
}

impl RuleName {
    /// The name at bytes `start..end` of `names`.
    #[inline]
    #[must_use]
    pub fn within(names: &Arc<str>, (start, end): (u32, u32)) -> Self {
        Self { names: Arc::clone(names), start, end }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.names.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

impl From<&str> for RuleName {
    fn from(name: &str) -> Self {
        let end = u32::try_from(name.len()).unwrap_or(u32::MAX);
        Self { names: name.into(), start: 0, end }
    }
}

impl fmt::Debug for RuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RuleName").field(&self.as_str()).finish()
    }
}

impl PartialEq for RuleName {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for RuleName {}

impl PartialOrd for RuleName {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for RuleName {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl std::hash::Hash for RuleName {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl PartialEq<str> for RuleName {
    fn eq(&self, name: &str) -> bool {
        self.as_str() == name
    }
}

impl PartialEq<&str> for RuleName {
    fn eq(&self, name: &&str) -> bool {
        self.as_str() == *name
    }
}

impl fmt::Display for RuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for RuleName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for RuleName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|name| Self::from(name.as_str()))
    }
}

impl fmt::Display for PostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.source, self.id)
    }
}

/// Year and month of UTC, for example 202611: for so long one key of voices lives.
#[must_use]
pub fn month_of(at: jiff::Timestamp) -> u32 {
    let date = at.to_zoned(jiff::tz::TimeZone::UTC).date();
    let year = u32::try_from(date.year().max(0)).unwrap_or(0);
    year * 100 + u32::try_from(date.month()).unwrap_or(1)
}
