//! Names of things in OK: what people talk below, and comments.
//!
//! Place in the flow: between `wire`, the cursor and our stable ids. Invariant: an id that is no
//! plain number is kept as a fingerprint, because OK's opaque ids may hold the author's number.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::wire::Text;
use crate::hash::fingerprint;

/// What kind of thing people talk below.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// A post of the group.
    Topic,
    /// A photo in an album of the group.
    Photo,
    /// A film of the group.
    Movie,
}

impl Kind {
    /// The kind that OK means by a type of discussion.
    pub(super) fn of(object_type: &str) -> Option<Self> {
        match object_type {
            "GROUP_TOPIC" => Some(Kind::Topic),
            "GROUP_PHOTO" => Some(Kind::Photo),
            "GROUP_MOVIE" => Some(Kind::Movie),
            _ => None,
        }
    }

    /// OK's name of it.
    pub(super) fn object_type(self) -> &'static str {
        match self {
            Kind::Topic => "GROUP_TOPIC",
            Kind::Photo => "GROUP_PHOTO",
            Kind::Movie => "GROUP_MOVIE",
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Kind::Topic => "",
            Kind::Photo => "photo",
            Kind::Movie => "movie",
        }
    }
}

/// One thing of the group that people talk below. Written as `150000000000001`,
/// `photo900000000001`, `movie700000000001`: topics, photos and movies have numbers of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Thing {
    pub kind: Kind,
    pub id: i64,
}

impl Thing {
    pub(super) fn topic(id: i64) -> Self {
        Thing { kind: Kind::Topic, id }
    }
}

impl Default for Thing {
    fn default() -> Self {
        Thing::topic(0)
    }
}

impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.kind.prefix(), self.id)
    }
}

impl FromStr for Thing {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let named = [Kind::Photo, Kind::Movie]
            .into_iter()
            .find_map(|kind| Some((kind, text.strip_prefix(kind.prefix())?)));
        let (kind, digits) = named.unwrap_or((Kind::Topic, text));
        digits.parse().map(|id| Thing { kind, id }).map_err(|_| "no thing of OK".to_owned())
    }
}

impl Serialize for Thing {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Thing {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// A comment's name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum CommentId {
    /// Its number.
    Number(i64),
    /// The fingerprint of an id that is no number.
    Print(String),
}

impl CommentId {
    pub(super) fn of(id: &Text) -> Self {
        match id.number() {
            Some(number) => CommentId::Number(number),
            None => CommentId::Print(fingerprint(&["ok comment", &id.0])),
        }
    }
}

impl fmt::Display for CommentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CommentId::Number(number) => write!(f, "{number}"),
            CommentId::Print(print) => f.write_str(print),
        }
    }
}

/// A set of comments; numbers are written as distances because neighbours are close.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ids(pub BTreeSet<CommentId>);

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Distance(i64),
    Print(String),
}

impl Serialize for Ids {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut before = 0;
        serializer.collect_seq(self.0.iter().map(|id| match id {
            CommentId::Number(number) => {
                let distance = number - before;
                before = *number;
                Written::Distance(distance)
            }
            CommentId::Print(print) => Written::Print(print.clone()),
        }))
    }
}

impl<'de> Deserialize<'de> for Ids {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut at = 0_i64;
        let named = |written| match written {
            Written::Distance(distance) => {
                at = at.saturating_add(distance);
                CommentId::Number(at)
            }
            Written::Print(print) => CommentId::Print(print),
        };
        let written = Vec::<Written>::deserialize(deserializer)?;
        Ok(Ids(written.into_iter().map(named).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_and_comments_survive_writing() {
        for (text, kind, id) in
            [("15", Kind::Topic, 15), ("photo7", Kind::Photo, 7), ("movie9", Kind::Movie, 9)]
        {
            let thing: Thing = text.parse().expect("a thing");
            assert_eq!((thing, thing.to_string().as_str()), (Thing { kind, id }, text));
        }
        for odd in ["", "photo", "album5", "x"] {
            assert!(odd.parse::<Thing>().is_err(), "{odd}");
        }
        let text = |text: &str| CommentId::of(&Text(text.to_owned()));
        let opaque = text("MTM0ODIzMTI0OTQ3NzotMTgxMzo1MDAwMDAwMDAwMDE=");
        let ids = Ids([text("1600000000002"), text("1600000000001"), opaque.clone()].into());
        let written = serde_json::to_string(&ids).expect("writes");
        assert!(written.starts_with("[1600000000001,1,\""), "{written}");
        assert_eq!(serde_json::from_str::<Ids>(&written).expect("reads"), ids);
        let print = opaque.to_string();
        assert!(print.len() == 20 && print.bytes().all(|b| b.is_ascii_hexdigit()), "{print}");
    }
}
