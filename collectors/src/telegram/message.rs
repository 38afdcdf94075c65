//! A message of a channel or group as the readers of this folder understand it, before the door.
//!
//! Place in the flow: made by [`super::preview`] and by the account's reader, kept track of by
//! [`super::walk`], turned into posts by [`super::adapt`]. Invariant: it never leaves this folder;
//! no name is in it, and the number of a person only until the door makes a seed of it.

use jiff::Timestamp;

/// Who wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Writer {
    /// The channel or group in its own name.
    #[default]
    Room,
    /// A person, by number.
    Person(i64),
    /// Another channel, by number.
    Channel(i64),
    /// Nobody is told.
    Nobody,
}

/// What is told of the comments below a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Replies {
    /// How many there are.
    pub count: u32,
    /// Number of the newest.
    pub newest: i64,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Message {
    /// Number within the channel or group.
    pub id: i64,
    /// When it was sent.
    pub published: Option<Timestamp>,
    /// When it was last edited, if that is told.
    pub edited: Option<Timestamp>,
    /// Its own text: no reply quote, no link preview.
    pub text: String,
    /// Who wrote it.
    pub writer: Writer,
    /// The message of the same room that it answers.
    pub reply_to: Option<i64>,
    /// Whether the text belongs to somebody else (forwarded).
    pub forwarded: bool,
    /// Whether it only tells that something happened (pinned, renamed).
    pub service: bool,
    /// Views; the preview rounds them.
    pub views: Option<u64>,
    /// How often it was forwarded.
    pub forwards: Option<u64>,
    /// Reactions of all kinds together, paid stars left out; the preview rounds them.
    pub reactions: Option<u64>,
    /// What is told of its comments; nothing where nobody may comment.
    pub replies: Option<Replies>,
}

/// One whole page of a channel, a group or the comments of a post.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// Messages with a number and a date, ascending; service messages may lack the date.
    pub messages: Vec<Message>,
    /// Numbers of messages that are there but could not be read.
    pub unread: Vec<i64>,
    /// Messages without even a number.
    pub unreadable: u32,
    /// Whether the page says that older messages exist.
    pub older: bool,
    /// How many messages there are in all, if that is told, and how many of them this page took.
    pub total: Option<(u32, u32)>,
}

impl Listing {
    /// Numbers of all messages that the page shows.
    pub fn ids(&self) -> impl Iterator<Item = i64> {
        self.messages.iter().map(|m| m.id).chain(self.unread.iter().copied())
    }
}
