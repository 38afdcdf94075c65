//! What a platform said, as far as it may be said: posts without people, cursors, pages.
//!
//! Place in the flow: made by the platforms' `adapt` modules, read by the root crate's `text`
//! stage. Invariant: no field here can hold a person; the only trace of an author is an unprintable
//! seed.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::door::{Masked, Seed};

/// A platform that sources live on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// VK, `vk.com` and `vk.ru`.
    Vk,
    /// OK (Odnoklassniki).
    Ok,
    /// Telegram: the public preview, later MTProto.
    Telegram,
    /// MAX.
    Max,
    /// RSS and Atom feeds.
    Rss,
}

impl Platform {
    /// All platforms, in the order they are shown.
    pub const ALL: [Platform; 5] =
        [Platform::Vk, Platform::Ok, Platform::Telegram, Platform::Max, Platform::Rss];

    /// The name used in files and output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Platform::Vk => "vk",
            Platform::Ok => "ok",
            Platform::Telegram => "telegram",
            Platform::Max => "max",
            Platform::Rss => "rss",
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Platform {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        Platform::ALL.into_iter().find(|p| p.name() == s).ok_or_else(|| s.to_owned())
    }
}

/// What kind of page a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// Page of a body or institution.
    Official,
    /// News community, channel or site.
    News,
    /// Residents' community.
    Community,
    /// Page of an opinion leader: a source like a newspaper, 10,000 followers or more.
    Leader,
}

/// One watched place on a platform, as the operator named it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceSpec {
    /// The operator's id of the source.
    pub id: String,
    /// Platform it lives on.
    pub platform: Platform,
    /// Name on the platform: `zaigraevo_online`, `-200001`, `https://…/rss.xml`.
    pub handle: String,
    /// Kind of page.
    pub kind: SourceKind,
    /// Whether comments are wanted.
    pub comments: bool,
    /// Number of the community or channel, learned once and stored with the source.
    pub platform_id: Option<String>,
}

/// Where a look goes on. The text inside belongs to the platform's module alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub String);

/// Post or comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RawKind {
    /// A post of the page.
    Post,
    /// A comment below a post; has a parent.
    Comment,
}

/// Who wrote it, as far as anybody may know.
#[derive(Clone)]
pub enum Author {
    /// The page itself wrote in its own name: counts for no voice threshold.
    Source,
    /// A person: counted, never known.
    Person(Seed),
    /// A service account of a body, as the operator listed it: official, and nobody's voice.
    Service,
    /// Nobody is named: all such texts are one anonymous voice.
    Anonymous,
}

impl Author {
    /// Whether a body speaks: by its listed account, or as the official page itself.
    #[must_use]
    pub fn is_official(&self, page: SourceKind) -> bool {
        match self {
            Author::Service => true,
            Author::Source => page == SourceKind::Official,
            Author::Person(_) | Author::Anonymous => false,
        }
    }
}

/// Counters of a post; absent is not zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Views, rounded where the platform rounds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub views: Option<u64>,
    /// Likes or reactions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub likes: Option<u64>,
    /// Reposts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reposts: Option<u64>,
    /// Comments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comments: Option<u64>,
}

/// A post or comment as it came through the door.
#[derive(Clone)]
pub struct RawPost {
    /// Stable id, for example `vk:-200001_765` (DESIGN 6.1).
    pub id: String,
    /// Id of the post or comment it answers.
    pub parent: Option<String>,
    /// Post or comment.
    pub kind: RawKind,
    /// Text with people masked.
    pub text: Masked,
    /// When it was published, if the platform says so.
    pub published: Option<Timestamp>,
    /// When it was last edited, if the platform says so.
    pub edited: Option<Timestamp>,
    /// Who wrote it.
    pub author: Author,
    /// Whether a body speaks here (an official source in its own name).
    pub official: bool,
    /// Link to the post itself.
    pub url: Option<String>,
    /// Counters.
    pub counts: Counts,
    /// Whether the text was taken over from another page (repost, forward).
    pub repost: bool,
}

/// Why something between two instants was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoleCause {
    /// Pages moved apart while they were read; the next look closes it.
    PageMissed,
    /// The platform gives no more history than this.
    HistoryEnds,
    /// Numbers that nobody gave us: removed before we came, or hidden from us.
    Numbers,
    /// Comments that the platform or the page does not give to us.
    CommentsRefused,
    /// Elements that no parser could read.
    Unreadable,
    /// More than we read of one list: the rest of it is left.
    TooMany,
    /// Read, but more than we remember: what is removed among them goes unseen.
    Unwatched,
    /// Comments written in that time below posts that are too old to be watched.
    Late,
    /// Posts of which only the beginning is given to us.
    Cut,
}

/// A stretch of a source that was not read, as far as its platform lets anybody know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hole {
    /// Begins after this instant.
    pub from: Timestamp,
    /// Ends before this instant.
    pub to: Timestamp,
    /// Why.
    pub cause: HoleCause,
    /// How many posts are missing, if anybody knows.
    pub posts: Option<u32>,
}

/// What a look proves about the completeness of its source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Said by the last page of a look: everything published between these instants that the
    /// platform gives us was read, except [`Coverage::holes`].
    pub read: Option<(Timestamp, Timestamp)>,
    /// Holes noticed on this page. A hole that a later look reads is closed by its `read`.
    pub holes: Vec<Hole>,
}

/// An item that no parser could read. What it held is not kept: it may be of people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spoilt {
    /// Its id, if that could be read.
    pub id: Option<String>,
    /// What tells it from others: made of its id, else of what came.
    pub hash: String,
    /// Where reading stopped, in words of ours: `wall`, `comments`, `feed`.
    pub position: String,
}

/// What was learned about a source besides its posts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Number of the community or channel, to be stored with the source.
    pub platform_id: Option<String>,
    /// Posts with pictures or video and no text, which nobody can classify.
    pub pictures_only: u32,
    /// Posts whose comments are closed or not given to us.
    pub comments_closed: u32,
    /// Items that could not be read; the others were.
    pub unreadable: u32,
    /// Those of them that can be told from one another.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spoilt: Vec<Spoilt>,
    /// What lacks though the source is well, in Russian, for its health.
    #[serde(default)]
    pub notice: Option<String>,
    /// What was read without a gap, and what was not.
    #[serde(default)]
    pub coverage: Coverage,
}

/// Most spoilt items of one page that are named one by one; the others are counted.
const SPOILT_MAX: usize = 100;

impl Facts {
    /// Counts an item that could not be read, and names it: by its id if that could be read, else
    /// by a hash of `came`. Counters that change in `came` make another item of it.
    pub fn spoil(&mut self, id: Option<String>, came: &str, position: &str) {
        self.unreadable += 1;
        if self.spoilt.len() < SPOILT_MAX {
            let hash = crate::hash::fingerprint(&[position, id.as_deref().unwrap_or(came)]);
            self.spoilt.push(Spoilt { id, hash, position: position.to_owned() });
        }
    }
}

/// One answer: what it held and where to go on.
#[derive(Clone)]
pub struct Page {
    /// Posts and comments, in no particular order, possibly known already.
    pub posts: Vec<RawPost>,
    /// Ids that the platform, asked for them by id, said are gone.
    pub gone: Vec<String>,
    /// Posts whose talk ended with them: whatever hangs below them is gone too, remembered here or
    /// not.
    pub gone_below: Vec<String>,
    /// Where to go on.
    pub cursor: Cursor,
    /// Whether this look has more pages to read now.
    pub more: bool,
    /// What else was learned.
    pub facts: Facts,
}
