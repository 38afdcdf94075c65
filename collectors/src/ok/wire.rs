//! OK's answers as they come, read tolerantly.
//!
//! Place in the flow: filled by `call`, read by `adapt` and `look`, never seen outside this folder.
//! Invariant: no field for a name, an avatar or any other thing about a person, except author
//! numbers that `adapt` turns into seeds; one odd element spoils itself alone, an odd frame the
//! whole answer.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use serde::de::Visitor;
use serde::{Deserialize, Deserializer};

/// A number or a text; OK writes ids as either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text(pub String);

impl Text {
    /// Its number, if it is a positive one.
    pub(super) fn number(&self) -> Option<i64> {
        self.0.parse().ok().filter(|number| *number > 0)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = Text;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number or a text")
            }
            fn visit_str<E>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.to_owned()))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Text, E> {
                Ok(Text(number.to_string()))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Text, E> {
                Ok(Text(number.to_string()))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// A flag that may come as true/false, as 0/1 or as a text; none if it does not come at all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Flag(pub Option<bool>);

impl Flag {
    pub(super) fn yes(self) -> bool {
        self.0 == Some(true)
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl Visitor<'_> for Any {
            type Value = Flag;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a flag")
            }
            fn visit_bool<E>(self, yes: bool) -> Result<Flag, E> {
                Ok(Flag(Some(yes)))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Flag, E> {
                Ok(Flag(Some(number != 0)))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Flag, E> {
                Ok(Flag(Some(number != 0)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Flag, E> {
                Ok(Flag(match text {
                    "true" | "1" => Some(true),
                    "false" | "0" => Some(false),
                    _ => None,
                }))
            }
            fn visit_unit<E>(self) -> Result<Flag, E> {
                Ok(Flag(None))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// An error, with HTTP status 200.
#[derive(Deserialize)]
pub(super) struct ApiError {
    pub error_code: Text,
}

/// An element that is as expected, or at most has an id.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Odd<T> {
    Good(T),
    Bad(serde_json::Value),
}

/// Where a listing goes on.
#[derive(Deserialize)]
pub(super) struct Onward {
    pub anchor: Option<Text>,
    #[serde(default)]
    pub has_more: Flag,
}

/// `mediatopic.getTopics` and `mediatopic.getByIds`.
#[derive(Deserialize)]
pub(super) struct Topics {
    pub media_topics: Option<Vec<Odd<Topic>>>,
    #[serde(flatten)]
    pub onward: Onward,
    pub entities: Option<Entities>,
}

/// What topics refer to; people are never read.
#[derive(Deserialize)]
pub(super) struct Entities {
    pub media_topics: Option<Vec<Odd<Topic>>>,
}

/// A topic: a post of a group.
#[derive(Deserialize)]
pub(super) struct Topic {
    pub id: Text,
    pub created_ms: Option<Text>,
    pub author_ref: Option<String>,
    pub media: Option<Vec<Odd<Media>>>,
    /// Not all its blocks are shown.
    #[serde(default)]
    pub has_more: Flag,
    pub discussion_summary: Option<Summary>,
    pub like_summary: Option<Count>,
    pub reshare_summary: Option<Count>,
}

/// A block of a topic.
#[derive(Deserialize)]
pub(super) struct Media {
    #[serde(rename = "type", default)]
    pub kind: String,
    pub text: Option<String>,
    pub title: Option<String>,
    pub description: Option<String>,
    /// A topic that is handed on, whole or as `media_topic:<id>`.
    pub media_topics: Option<Vec<Odd<Topic>>>,
    #[serde(alias = "media_topics_refs")]
    pub media_topic_refs: Option<Vec<String>>,
}

/// How much is said below a topic.
#[derive(Deserialize)]
pub(super) struct Summary {
    pub comments_count: Option<u64>,
}

/// A counter.
#[derive(Deserialize)]
pub(super) struct Count {
    pub count: Option<u64>,
}

/// `discussions.getComments`.
#[derive(Deserialize)]
pub(super) struct Comments {
    pub comments: Option<Vec<Odd<Comment>>>,
    #[serde(flatten)]
    pub onward: Onward,
}

/// A comment.
#[derive(Deserialize)]
pub(super) struct Comment {
    pub id: Text,
    pub text: Option<String>,
    pub date: Option<String>,
    pub date_ms: Option<Text>,
    pub author_id: Option<Text>,
    pub author_type: Option<String>,
    #[serde(rename = "type", default)]
    pub kind: String,
    pub like_count: Option<u64>,
    pub reply_to_comment_id: Option<Text>,
    pub attachments: Option<Vec<Attachment>>,
}

impl Comment {
    /// When it was written.
    pub(super) fn at(&self) -> Option<Timestamp> {
        instant(self.date_ms.as_ref(), self.date.as_deref())
    }
}

/// Any attachment: only its type is of use.
#[derive(Deserialize)]
pub(super) struct Attachment {
    #[serde(rename = "type", default)]
    pub kind: String,
}

/// `discussions.getList`.
#[derive(Deserialize)]
pub(super) struct Discussions {
    pub discussions: Option<Vec<Odd<Discussion>>>,
    #[serde(flatten)]
    pub onward: Onward,
}

/// `discussions.get`.
#[derive(Deserialize)]
pub(super) struct OneDiscussion {
    pub discussion: Discussion,
}

/// What people talk below: a topic, a photo, a movie.
#[derive(Deserialize)]
pub(super) struct Discussion {
    pub object_type: String,
    pub object_id: Text,
    pub owner_uid: Option<Text>,
    pub ref_objects: Option<Vec<RefObject>>,
    pub title: Option<String>,
    pub message: Option<String>,
    pub total_comments_count: Option<u64>,
    pub like_count: Option<u64>,
    pub last_activity_date: Option<String>,
    pub last_activity_date_ms: Option<Text>,
    pub creation_date: Option<String>,
    pub creation_date_ms: Option<Text>,
}

impl Discussion {
    /// When somebody last wrote below it.
    pub(super) fn active(&self) -> Option<Timestamp> {
        instant(self.last_activity_date_ms.as_ref(), self.last_activity_date.as_deref())
    }

    /// When it was put there.
    pub(super) fn created(&self) -> Option<Timestamp> {
        instant(self.creation_date_ms.as_ref(), self.creation_date.as_deref())
    }

    /// Whether it belongs to the group.
    pub(super) fn of(&self, group: i64) -> bool {
        let names = |id: &Text| id.number() == Some(group);
        let refs = self.ref_objects.iter().flatten();
        self.owner_uid.as_ref().is_some_and(names)
            || refs.filter(|it| it.kind == "GROUP").any(|it| names(&it.id))
    }
}

/// What a discussion hangs on.
#[derive(Deserialize)]
pub(super) struct RefObject {
    #[serde(rename = "type", default)]
    pub kind: String,
    pub id: Text,
}

/// `url.getInfo`.
#[derive(Deserialize)]
pub(super) struct UrlInfo {
    #[serde(rename = "type", default)]
    pub kind: String,
    #[serde(rename = "objectId")]
    pub id: Option<Text>,
    #[serde(rename = "objectIdStr")]
    pub id_text: Option<Text>,
}

/// An element of `group.getInfo`, which is a bare array.
#[derive(Deserialize)]
pub(super) struct Group {
    pub uid: Text,
    #[serde(default)]
    pub private: Flag,
}

/// The id of an element that could not be read otherwise.
pub(super) fn number(odd: &serde_json::Value) -> Option<i64> {
    let id = odd.get("id")?;
    id.as_i64().or_else(|| id.as_str()?.parse().ok())
}

/// Milliseconds if they are given, else a date of Moscow without a zone (UTC+3; OK has no posts of
/// use from the years when Moscow had another one).
pub(super) fn instant(ms: Option<&Text>, moscow: Option<&str>) -> Option<Timestamp> {
    let exact = ms.and_then(|ms| ms.0.parse().ok()).filter(|ms| *ms > 0);
    if let Some(at) = exact.and_then(|ms| Timestamp::from_millisecond(ms).ok()) {
        return Some(at);
    }
    let civil: DateTime = moscow?.trim().parse().ok()?;
    let zone = TimeZone::fixed(Offset::constant(3));
    civil.to_zoned(zone).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_flags_come_in_several_forms() {
        #[derive(Deserialize)]
        struct One {
            id: Text,
            #[serde(default)]
            flag: Flag,
        }
        for (text, id, flag) in [
            (r#"{"id":7}"#, "7", None),
            (r#"{"id":"7","flag":true}"#, "7", Some(true)),
            (r#"{"id":"MTY=","flag":"false"}"#, "MTY=", Some(false)),
            (r#"{"id":-7,"flag":1}"#, "-7", Some(true)),
            (r#"{"id":1,"flag":null}"#, "1", None),
        ] {
            let one: One = serde_json::from_str(text).expect("reads");
            assert_eq!((one.id.0.as_str(), one.flag.0), (id, flag), "{text}");
        }
        assert!(serde_json::from_str::<One>(r#"{"id":null}"#).is_err());
        assert!(serde_json::from_str::<One>(r#"{"id":[1]}"#).is_err());
    }

    #[test]
    fn dates_are_of_moscow() {
        let ms = |text: &str| Some(Text(text.to_owned()));
        for (exact, moscow, expected) in [
            (ms("1740821696000"), None, Some(1_740_821_696)),
            (ms("1740821696000"), Some("2001-01-01 00:00:00"), Some(1_740_821_696)),
            (None, Some("2025-03-01 12:34:56"), Some(1_740_821_696)),
            (ms("0"), Some("2025-03-01 12:34:56"), Some(1_740_821_696)),
            (ms("soon"), Some(" 2025-03-01 12:34:56 "), Some(1_740_821_696)),
            (None, Some("вчера"), None),
            (None, None, None),
        ] {
            let found = instant(exact.as_ref(), moscow).map(|at| at.as_second());
            assert_eq!(found, expected, "{exact:?} {moscow:?}");
        }
    }
}
