//! The cursor of a source: where its posts stand, where its comments stand.
//!
//! Place in the flow: read at the start of every page, written into the page's cursor. Invariants:
//! numbers and fingerprints only; a cursor of the time before comments goes on where it was;
//! whatever is no cursor of ours reads as "nothing known".

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::talk::Talk;
use super::walk::Position;
use crate::raw::{Cursor, Hole, HoleCause};

const VERSION: u32 = 2;

/// Where the reading of a source stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Place {
    v: u32,
    /// The posts of a channel, the messages of a group.
    pub posts: Position,
    /// The comments of a channel.
    pub talk: Talk,
    /// Until when the preview need not be tried because it is closed, in seconds.
    pub closed_until: i64,
    /// When the channel's number was last seen behind its name, in seconds.
    pub proven: i64,
    /// Whether the account read the posts of this look, counters of comments included.
    pub rolled: bool,
}

impl Place {
    /// Reads a cursor.
    pub fn read(cursor: Option<&Cursor>) -> Self {
        let whole = cursor.and_then(|cursor| serde_json::from_str::<Place>(&cursor.0).ok());
        whole.filter(|place| place.v == VERSION).unwrap_or_else(|| Place {
            v: VERSION,
            posts: Position::parse(cursor),
            ..Place::default()
        })
    }

    /// Writes the cursor.
    pub fn write(&self) -> Cursor {
        Cursor(serde_json::to_string(self).expect("a place is plain JSON"))
    }

    /// Whether this look has more to request.
    pub fn more(&self) -> bool {
        self.posts.more() || self.talk.on
    }

    /// What was read, and is too much to be remembered. Said at the end of a look.
    pub fn unwatched(&self) -> Vec<Hole> {
        let Some((begin, to)) = self.posts.covered() else { return Vec::new() };
        let hole = |(oldest, posts): (i64, Option<u32>)| {
            let from = Timestamp::from_second(oldest).ok()?.clamp(begin, to);
            Some(Hole { from, to, cause: HoleCause::Unwatched, posts })
        };
        let messages = self.posts.forgot().filter(|newest| *newest >= begin.as_second());
        let messages = messages.map(|_| (begin.as_second(), None));
        let comments = self.talk.unwatched().map(|(oldest, number)| (oldest, Some(number)));
        messages.into_iter().chain(comments).filter_map(hole).collect()
    }

    /// What was said below posts that are too old to be watched. Said at the end of a look.
    pub fn late(&self) -> Option<Hole> {
        let (from, to) = self.posts.covered().filter(|_| self.talk.is_late())?;
        Some(Hole { from, to, cause: HoleCause::Late, posts: None })
    }

    /// Whether the preview is known to be closed at `now`.
    pub fn is_closed(&self, now: Timestamp) -> bool {
        now.as_second() < self.closed_until
    }
}
