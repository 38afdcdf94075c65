//! VK's answers as they come, read tolerantly.
//!
//! Place in the flow: filled by `call`, read by `adapt` and `look`, never seen outside this folder.
//! Invariant: no field for a name, an avatar or any other thing about a person, except author
//! numbers that `adapt` turns into seeds; one odd element spoils itself alone, an odd frame the
//! whole answer.

use serde::de::{IgnoredAny, Visitor};
use serde::{Deserialize, Deserializer};

/// Every answer of VK, with HTTP status 200 in both cases.
#[derive(Deserialize)]
#[serde(bound = "T: Deserialize<'de>")]
pub(super) struct Envelope<T> {
    pub response: Option<T>,
    pub error: Option<ApiError>,
    /// Calls inside an `execute` that failed, in their order.
    #[serde(default)]
    pub execute_errors: Vec<ApiError>,
}

/// An error; the other fields (the request's own parameters, captcha) are never read.
#[derive(Deserialize)]
pub(super) struct ApiError {
    pub error_code: i64,
    #[serde(default)]
    pub error_subcode: Option<i64>,
    #[serde(default)]
    pub error_msg: String,
}

/// An element that is as expected, or at most has a number.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Odd<T> {
    Good(T),
    Bad(serde_json::Value),
}

/// `wall.get`.
#[derive(Deserialize)]
pub(super) struct Wall {
    pub count: u64,
    pub items: Vec<Odd<Post>>,
}

/// `wall.getById`: an object today, a bare array in older versions.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum ById {
    Object { items: Vec<Odd<Post>> },
    Array(Vec<Odd<Post>>),
}

impl ById {
    pub(super) fn items(self) -> Vec<Odd<Post>> {
        match self {
            ById::Object { items } | ById::Array(items) => items,
        }
    }
}

/// A post.
#[derive(Deserialize)]
pub(super) struct Post {
    pub id: i64,
    pub owner_id: Option<i64>,
    pub from_id: Option<i64>,
    pub date: i64,
    pub edited: Option<i64>,
    pub text: Option<String>,
    pub post_type: Option<String>,
    pub attachments: Option<Vec<Attachment>>,
    pub copy_history: Option<Vec<Odd<Original>>>,
    #[serde(default, deserialize_with = "flag")]
    pub is_pinned: bool,
    #[serde(default, deserialize_with = "flag")]
    pub is_deleted: bool,
    pub comments: Option<Count>,
    pub likes: Option<Count>,
    pub reposts: Option<Count>,
    pub views: Option<Count>,
    pub donut: Option<Donut>,
}

/// The post that a repost shows.
#[derive(Deserialize)]
pub(super) struct Original {
    pub text: Option<String>,
    pub attachments: Option<Vec<Attachment>>,
}

/// Any attachment: only its type is of use.
#[derive(Deserialize)]
pub(super) struct Attachment {
    #[serde(rename = "type", default)]
    pub kind: String,
}

/// A counter.
#[derive(Deserialize)]
pub(super) struct Count {
    pub count: Option<u64>,
}

/// Paid content: with a placeholder the text is hidden.
#[derive(Deserialize)]
pub(super) struct Donut {
    pub placeholder: Option<IgnoredAny>,
}

/// `wall.getComments`.
#[derive(Deserialize)]
pub(super) struct Comments {
    pub count: u64,
    pub items: Vec<Odd<Comment>>,
    pub current_level_count: Option<u64>,
}

/// A comment; a deleted one has hardly more than its number.
#[derive(Deserialize)]
pub(super) struct Comment {
    pub id: i64,
    pub owner_id: Option<i64>,
    pub post_id: Option<i64>,
    pub from_id: Option<i64>,
    pub date: Option<i64>,
    pub text: Option<String>,
    pub attachments: Option<Vec<Attachment>>,
    pub likes: Option<Count>,
    pub donut: Option<Donut>,
    #[serde(default, deserialize_with = "flag")]
    pub deleted: bool,
    pub thread: Option<Thread>,
}

/// The replies below a comment, as far as shown.
#[derive(Deserialize)]
pub(super) struct Thread {
    pub count: u64,
    pub items: Option<Vec<Odd<Comment>>>,
}

/// A page of topics, videos or photo comments.
#[derive(Deserialize)]
#[serde(bound = "T: Deserialize<'de>")]
pub(super) struct Talks<T> {
    pub count: u64,
    pub items: Vec<Odd<T>>,
}

/// A topic of the board, a video, or a photo as one of its comments shows it.
pub(super) struct Talk {
    pub id: i64,
    pub owner_id: Option<i64>,
    /// When it was made, Unix seconds.
    pub date: i64,
    /// When something last happened there, where that is told.
    pub updated: Option<i64>,
    pub from_id: Option<i64>,
    /// Title and description.
    pub text: String,
    /// Comments, where they are counted.
    pub comments: Option<u64>,
    /// The comment that a photo was shown by.
    pub comment: Option<i64>,
    /// Held at the top.
    pub is_fixed: bool,
}

/// A topic of the board.
#[derive(Deserialize)]
pub(super) struct Topic {
    id: i64,
    title: String,
    created: i64,
    created_by: Option<i64>,
    updated: i64,
    comments: u64,
    #[serde(default, deserialize_with = "flag")]
    is_fixed: bool,
}

/// A video.
#[derive(Deserialize)]
pub(super) struct Video {
    id: i64,
    owner_id: i64,
    title: Option<String>,
    description: Option<String>,
    date: i64,
    comments: Option<u64>,
}

/// A comment with the photo it stands below.
#[derive(Deserialize)]
pub(super) struct PhotoComment {
    id: i64,
    pid: i64,
    date: i64,
}

impl From<Topic> for Talk {
    fn from(topic: Topic) -> Self {
        Talk {
            id: topic.id,
            owner_id: None,
            date: topic.created,
            updated: Some(topic.updated),
            from_id: topic.created_by,
            text: topic.title,
            comments: Some(topic.comments),
            comment: None,
            is_fixed: topic.is_fixed,
        }
    }
}

impl From<Video> for Talk {
    fn from(video: Video) -> Self {
        let lines = [video.title, video.description];
        let lines: Vec<String> = lines.into_iter().flatten().filter(|it| !it.is_empty()).collect();
        Talk {
            id: video.id,
            owner_id: Some(video.owner_id),
            date: video.date,
            updated: None,
            from_id: Some(video.owner_id),
            text: lines.join("\n"),
            comments: video.comments,
            comment: None,
            is_fixed: false,
        }
    }
}

impl From<PhotoComment> for Talk {
    fn from(comment: PhotoComment) -> Self {
        Talk {
            id: comment.pid,
            owner_id: None,
            date: comment.date,
            updated: None,
            from_id: None,
            text: String::new(),
            comments: None,
            comment: Some(comment.id),
            is_fixed: false,
        }
    }
}

/// `groups.getLongPollServer`.
#[derive(Deserialize)]
pub(super) struct PollServer {
    pub key: String,
    pub server: String,
    pub ts: Number,
}

/// What a Long Poll server says: events, or why there are none.
#[derive(Deserialize)]
pub(super) struct Polled {
    pub ts: Option<Number>,
    #[serde(default)]
    pub updates: Vec<Odd<Update>>,
    pub failed: Option<i64>,
}

/// One event.
#[derive(Deserialize)]
pub(super) struct Update {
    #[serde(rename = "type")]
    pub kind: String,
    pub object: serde_json::Value,
    pub group_id: Option<i64>,
}

/// A number that VK writes now as a number, now as a text.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Number {
    Plain(u64),
    Text(String),
}

impl Number {
    pub(super) fn number(&self) -> Option<u64> {
        match self {
            Number::Plain(number) => Some(*number),
            Number::Text(text) => text.parse().ok(),
        }
    }
}

/// `utils.resolveScreenName`: an object, or an empty array when there is no such name.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Resolved {
    Found {
        #[serde(rename = "type")]
        kind: String,
        object_id: i64,
    },
    Nothing([IgnoredAny; 0]),
}

/// `groups.getById`: an object today, a bare array in older versions.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Groups {
    Object { groups: Vec<Group> },
    Array(Vec<Group>),
}

impl Groups {
    pub(super) fn list(self) -> Vec<Group> {
        match self {
            Groups::Object { groups } | Groups::Array(groups) => groups,
        }
    }
}

/// A community, as far as the door asks.
#[derive(Deserialize)]
pub(super) struct Group {
    pub id: i64,
    #[serde(default)]
    pub is_closed: i64,
    pub deactivated: Option<IgnoredAny>,
}

/// A personal page, as far as the door asks.
#[derive(Deserialize)]
pub(super) struct User {
    pub id: i64,
    #[serde(default)]
    pub followers_count: u64,
    #[serde(default, deserialize_with = "flag")]
    pub is_closed: bool,
    pub deactivated: Option<IgnoredAny>,
}

/// The number of an element that could not be read otherwise.
pub(super) fn number(odd: &serde_json::Value) -> Option<i64> {
    odd.get("id").and_then(serde_json::Value::as_i64)
}

/// A flag that VK writes as true/false or as 0/1; anything else means no.
fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    struct Flag;
    impl Visitor<'_> for Flag {
        type Value = bool;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a flag")
        }
        fn visit_bool<E>(self, yes: bool) -> Result<bool, E> {
            Ok(yes)
        }
        fn visit_i64<E>(self, number: i64) -> Result<bool, E> {
            Ok(number != 0)
        }
        fn visit_u64<E>(self, number: u64) -> Result<bool, E> {
            Ok(number != 0)
        }
        fn visit_unit<E>(self) -> Result<bool, E> {
            Ok(false)
        }
    }
    deserializer.deserialize_any(Flag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_bools_or_numbers() {
        #[derive(Deserialize)]
        struct One {
            #[serde(default, deserialize_with = "flag")]
            flag: bool,
        }
        for (text, expected) in [
            ("{}", false),
            (r#"{"flag":true}"#, true),
            (r#"{"flag":false}"#, false),
            (r#"{"flag":1}"#, true),
            (r#"{"flag":0}"#, false),
            (r#"{"flag":null}"#, false),
        ] {
            let one: One = serde_json::from_str(text).expect("reads");
            assert_eq!(one.flag, expected, "{text}");
        }
    }

    #[test]
    fn nothing_found_is_an_empty_array_and_only_that() {
        let read = |text| serde_json::from_str::<Resolved>(text);
        assert!(matches!(read("[]"), Ok(Resolved::Nothing(_))));
        assert!(matches!(
            read(r#"{"type":"group","object_id":5}"#),
            Ok(Resolved::Found { object_id: 5, .. })
        ));
        assert!(read("[1]").is_err());
        assert!(read("{}").is_err());
    }
}
