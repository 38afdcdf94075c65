//! The cursor: what earlier looks left behind and how far the present look came.
//!
//! Place in the flow: read at the start of every page, changed by `look` and `reading`, written
//! into the page's cursor. Invariant: numbers only, no text and no person (comment numbers are
//! numbers of comments); bounded; whatever is not a cursor of ours reads as "nothing known".

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::Ids;
use super::late::Older;
use super::talk::{Side, Spot};
use crate::raw::Cursor;

/// Form of the cursor; another number means: start again.
const FORM: u8 = 1;
/// Most posts kept between looks; the oldest are dropped first.
pub(super) const POSTS_MAX: usize = 5_000;
/// Posts older than this (seconds) are forgotten once their comments were read.
const KEEP_SECS: i64 = 31 * 24 * 3600;

/// Everything the collector remembers of one source.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    form: u8,
    /// The source's handle, so that a source that was pointed elsewhere starts anew.
    pub handle: String,
    /// The wall's number, negative for a community.
    pub owner: i64,
    /// When the page was last found open to everybody, Unix seconds.
    #[serde(default, skip_serializing_if = "is_default")]
    pub admitted: i64,
    /// Posts of the window, by number.
    pub posts: BTreeMap<i64, Known>,
    /// Talks besides the wall in which something happened in the window.
    #[serde(default, skip_serializing_if = "is_default")]
    pub talks: BTreeMap<Spot, Known>,
    /// Posts older than the window.
    #[serde(default, skip_serializing_if = "is_default")]
    pub older: BTreeMap<i64, Older>,
    /// When they are to be looked up next.
    #[serde(default, skip_serializing_if = "is_default")]
    pub glance: Turn,
    /// When each side is to be listed next.
    #[serde(default, skip_serializing_if = "is_default")]
    pub turns: BTreeMap<Side, Turn>,
    /// Pages of the wall asked for so far: what a listing of a side is weighed against.
    #[serde(default, skip_serializing_if = "is_default")]
    pub walls: u64,
    /// Numbers of the window whose fate is known though they stand for nothing we hold: removed
    /// while we watched, hidden, too old.
    #[serde(default, skip_serializing_if = "is_default")]
    pub settled: Ids,
    /// Numbers of the window that VK, asked for them, did not show.
    #[serde(default, skip_serializing_if = "is_default")]
    pub missing: Ids,
    /// When numbers that were jumped over were last asked for, Unix seconds.
    #[serde(default, skip_serializing_if = "is_default")]
    pub jumped: i64,
    /// Number of the last event that the Long Poll told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ts: Option<u64>,
    /// Not before this the Long Poll is asked, Unix seconds.
    #[serde(default, skip_serializing_if = "is_default")]
    pub poll_next: i64,
    /// When the last whole walk over the wall began, Unix seconds.
    #[serde(default, skip_serializing_if = "is_default")]
    pub walked: i64,
    /// The look in progress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look: Option<Look>,
}

/// When a side is to be listed next, in Unix seconds: not before `soonest`, then as soon as the
/// wall was asked for often enough, at `latest` anyway.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Turn {
    pub soonest: i64,
    pub latest: i64,
    /// Pages of the wall that make the listing small beside them.
    #[serde(default, skip_serializing_if = "is_default")]
    pub walls: u64,
}

/// What is known of one post.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(default)]
pub(super) struct Known {
    /// When it was published, Unix seconds.
    #[serde(rename = "d")]
    pub date: i64,
    /// Comments as the wall counts them now.
    #[serde(rename = "c", skip_serializing_if = "is_default")]
    pub count: u64,
    /// What the wall counted when the comments were last read; none: they must be read.
    #[serde(rename = "n", skip_serializing_if = "is_default")]
    pub read_count: Option<u64>,
    /// The two counts (wall, list) met at the last reading.
    #[serde(rename = "p", skip_serializing_if = "is_default")]
    pub pair: Option<(u64, u64)>,
    /// Roots at the last whole reading.
    #[serde(rename = "t", skip_serializing_if = "is_default")]
    pub roots: u64,
    /// When the comments were last read as a whole.
    #[serde(rename = "r", skip_serializing_if = "is_default")]
    pub read: i64,
    /// When something last happened below the post, as far as known.
    #[serde(rename = "h", skip_serializing_if = "is_default")]
    pub happened: i64,
    /// Living comments: roots, and replies of short threads.
    #[serde(rename = "i", skip_serializing_if = "is_default")]
    pub ids: Ids,
    /// Threads too long to be shown with their root.
    #[serde(rename = "l", skip_serializing_if = "is_default")]
    pub long: BTreeMap<i64, Long>,
    /// Comments that the last whole reading did not show.
    #[serde(rename = "a", skip_serializing_if = "is_default")]
    pub absent: Ids,
    /// Comments are closed here.
    #[serde(rename = "x", skip_serializing_if = "is_default")]
    pub closed: bool,
    /// Comments were refused when last asked for, for whatever reason.
    #[serde(rename = "s", skip_serializing_if = "is_default")]
    pub shut: bool,
    /// Comments that could not be read at the last reading.
    #[serde(rename = "o", skip_serializing_if = "is_default")]
    pub odd: u32,
    /// The last reading broke off at an answer that was none: the others go first.
    #[serde(rename = "z", skip_serializing_if = "is_default")]
    pub off: bool,
    /// Too many comments to remember their numbers.
    #[serde(rename = "b", skip_serializing_if = "is_default")]
    pub big: bool,
    /// Held at the top of the wall.
    #[serde(rename = "f", skip_serializing_if = "is_default")]
    pub pinned: bool,
    /// Older than the window, and talked below: when that was last seen, Unix seconds.
    #[serde(rename = "e", skip_serializing_if = "is_default")]
    pub late: i64,
    /// Was missing once when nothing else proved the answer good.
    #[serde(rename = "m", skip_serializing_if = "is_default")]
    pub missed: bool,
}

/// A thread that is listed on its own.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Long {
    /// Its length at the last listing.
    #[serde(rename = "n")]
    pub count: u64,
    /// Its living replies.
    #[serde(rename = "i")]
    pub ids: Ids,
}

/// One pass over the wall, the posts it missed, and the comments that changed.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Look {
    /// Instant before which nothing is wanted, Unix seconds.
    pub horizon: i64,
    /// When the last page of this look came.
    pub touched: i64,
    /// When the walk over the wall began.
    pub walked: i64,
    /// The walk goes before comments that still wait.
    #[serde(default, skip_serializing_if = "is_default")]
    pub urgent: bool,
    /// Comments are not given to us today.
    #[serde(default, skip_serializing_if = "is_default")]
    pub mute: bool,
    /// Posts whose comments had to wait because of that.
    #[serde(default, skip_serializing_if = "is_default")]
    pub waiting: Ids,
    /// Elements of the wall that could not be read.
    #[serde(default, skip_serializing_if = "is_default")]
    pub odd: Odds,
    /// Look-ups of numbers that were jumped over, made in this look.
    #[serde(default, skip_serializing_if = "is_default")]
    pub jumps: u32,
    pub wall: Walk,
    /// Known posts that this look has seen alive.
    pub seen: Ids,
    /// Posts already asked for by number.
    #[serde(default, skip_serializing_if = "is_default")]
    pub asked: Ids,
    /// Older posts of which events told.
    #[serde(default, skip_serializing_if = "is_default")]
    pub called: Ids,
    /// All older posts are looked up in this look.
    #[serde(default, skip_serializing_if = "is_default")]
    pub glances: bool,
    /// By so many calls so far.
    #[serde(default, skip_serializing_if = "is_default")]
    pub glance_calls: u64,
    /// Those asked for already.
    #[serde(default, skip_serializing_if = "is_default")]
    pub glanced: Ids,
    /// Posts whose comments are to be read.
    #[serde(default, skip_serializing_if = "is_default")]
    pub queue: VecDeque<i64>,
    /// Posts whose reading was repeated to make sure of vanished comments.
    #[serde(default, skip_serializing_if = "is_default")]
    pub repeated: Ids,
    #[serde(default, skip_serializing_if = "is_default")]
    pub reading: Option<Reading>,
    /// The Long Poll was asked, or need not be.
    #[serde(default, skip_serializing_if = "is_default")]
    pub polled: bool,
    /// Answers of the Long Poll so far.
    #[serde(default, skip_serializing_if = "is_default")]
    pub answers: u32,
    /// An event asks for the whole wall.
    #[serde(default, skip_serializing_if = "is_default")]
    pub whole: bool,
    /// The wall is not walked in this look: events told all that changed since it last was.
    #[serde(default, skip_serializing_if = "is_default")]
    pub brief: bool,
    /// The side that is being listed.
    #[serde(default, skip_serializing_if = "is_default")]
    pub aside: Option<Aside>,
    /// Talks that are to be read.
    #[serde(default, skip_serializing_if = "is_default")]
    pub talk_queue: VecDeque<Spot>,
    /// Talks whose reading was repeated to make sure of vanished comments.
    #[serde(default, skip_serializing_if = "is_default")]
    pub talks_repeated: BTreeSet<Spot>,
    /// Talks of the side at hand whose reading broke off in this look.
    #[serde(default, skip_serializing_if = "is_default")]
    pub talks_off: u32,
}

/// The listing of a side.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub(super) struct Aside {
    pub side: Side,
    pub walk: Walk,
    /// Talks that the listing showed.
    pub seen: Ids,
    /// Those it did not show and that were asked for by number.
    #[serde(default, rename = "asked_for", skip_serializing_if = "is_default")]
    pub asked: Ids,
    /// The listing told of something new.
    #[serde(default, skip_serializing_if = "is_default")]
    pub lively: bool,
}

impl Aside {
    /// A listing that begins now.
    pub(super) fn of(side: Side) -> Self {
        Aside {
            side,
            walk: Walk::default(),
            seen: Ids::default(),
            asked: Ids::default(),
            lively: false,
        }
    }
}

/// Elements that could not be read, and between which dates of their neighbours they stood.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Odds {
    /// Those with a number; pages overlap and show them again.
    pub ids: Ids,
    /// How many had none.
    pub nameless: u32,
    /// Unix seconds.
    pub from: i64,
    pub to: i64,
}

/// How far a listing came.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Walk {
    pub offset: u64,
    /// Numbers on the page before.
    pub last: Ids,
    /// Oldest date so far, Unix seconds; the pinned post does not count.
    #[serde(default, skip_serializing_if = "is_default")]
    pub oldest: i64,
    /// Elements in a row at the end that are older than the horizon.
    #[serde(default, skip_serializing_if = "is_default")]
    pub old: u64,
    /// Elements of the listing that it did not come to.
    #[serde(default, skip_serializing_if = "is_default")]
    pub below: u64,
    /// How often the pages had moved apart and a step back was needed.
    #[serde(default, skip_serializing_if = "is_default")]
    pub slips: u8,
    #[serde(default, skip_serializing_if = "is_default")]
    pub pages: u32,
    #[serde(default, skip_serializing_if = "is_default")]
    pub done: bool,
}

/// The reading of one post's comments.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reading {
    pub post: i64,
    /// The talk that is read, if it is not a post of the wall.
    #[serde(default, skip_serializing_if = "is_default")]
    pub talk: Option<Spot>,
    /// From the newest comment back to the horizon.
    #[serde(default, skip_serializing_if = "is_default")]
    pub backwards: bool,
    /// What the wall counted when the reading began.
    pub expected: u64,
    /// Every long thread is listed, not only those whose length changed.
    pub thorough: bool,
    /// Starts near the end: only new roots are wanted.
    pub tail_only: bool,
    pub roots: Walk,
    /// Roots seen, deleted ones too.
    pub roots_seen: u64,
    /// Replies that the roots announced.
    pub replies: u64,
    /// What the first page counted: (all, roots).
    pub counted: Option<(u64, u64)>,
    /// Pages had moved apart more than could be mended.
    pub torn: bool,
    /// Nothing may be concluded from what was not shown.
    pub unsure: bool,
    /// Comments that could not be read.
    #[serde(default, skip_serializing_if = "is_default")]
    pub odd: u32,
    /// Newest comment, Unix seconds.
    pub newest: i64,
    pub ids: Ids,
    /// Replies shown with the root of a long thread, which its listing may no longer show.
    pub handed: Ids,
    pub long: BTreeMap<i64, Long>,
    pub threads: VecDeque<ThreadWalk>,
}

/// A thread to be listed on its own.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ThreadWalk {
    pub root: i64,
    /// Length that the root announced.
    pub count: u64,
    /// What the replies hang on: the root, or the post when the root is not to be had.
    pub parent: i64,
    pub walk: Walk,
    pub ids: Ids,
}

impl State {
    /// Nothing known yet of a page that was admitted at `admitted` (Unix seconds).
    pub(super) fn new(handle: &str, owner: i64, admitted: i64) -> Self {
        State {
            form: FORM,
            handle: handle.to_owned(),
            owner,
            admitted,
            posts: BTreeMap::new(),
            talks: BTreeMap::new(),
            older: BTreeMap::new(),
            glance: Turn::default(),
            turns: BTreeMap::new(),
            walls: 0,
            settled: Ids::default(),
            missing: Ids::default(),
            jumped: 0,
            ts: None,
            poll_next: 0,
            walked: 0,
            look: None,
        }
    }

    /// Reads a cursor; one of another form, of another handle or of no sense is as good as none.
    pub(super) fn read(cursor: Option<&Cursor>, handle: &str) -> Option<Self> {
        let state: State = serde_json::from_str(&cursor?.0).ok()?;
        (state.form == FORM && state.handle == handle).then_some(state)
    }

    /// Writes the cursor.
    pub(super) fn write(&self) -> Cursor {
        Cursor(serde_json::to_string(self).expect("numbers and maps keyed by numbers always write"))
    }

    /// Forgets what is out of the window. `horizon` and `now` are Unix seconds.
    pub(super) fn forget(&mut self, horizon: i64, now: i64) {
        let oldest = horizon.max(now - KEEP_SECS);
        let old = self
            .posts
            .iter()
            .filter(|(_, known)| !known.pinned && known.date < oldest && known.late < oldest);
        let old: Vec<i64> = old.map(|(id, _)| *id).collect();
        old.into_iter().for_each(|id| self.let_go(id));
        self.forget_older(now - KEEP_SECS);
        while self.posts.len() > POSTS_MAX {
            let oldest = self.posts.iter().min_by_key(|(id, known)| (known.date, **id));
            let Some(id) = oldest.map(|(id, _)| *id) else { return };
            self.let_go(id);
        }
    }

    /// Forgets a post. What was written below it late has numbers of the window: nobody is to ask
    /// what became of them.
    pub(super) fn let_go(&mut self, id: i64) {
        if let Some(known) = self.posts.remove(&id) {
            self.settled.0.insert(id);
            self.settled.0.extend(known.all());
            self.grow_old(id, known.date, known.count, known.read_count);
        }
    }
}

impl Look {
    /// A look that begins now.
    pub(super) fn new(now: Timestamp, horizon: Timestamp) -> Self {
        let now = now.as_second();
        Look { horizon: horizon.as_second(), touched: now, walked: now, ..Look::default() }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_cursors_read_as_nothing_known() {
        let good = State::new("name", -5, 7).write();
        assert_eq!(State::read(Some(&good), "name"), Some(State::new("name", -5, 7)));
        assert_eq!(State::read(Some(&good), "other"), None);
        let other_form = good.0.replace("\"form\":1", "\"form\":9");
        for text in ["", "{}", "null", "[1]", "12", &other_form, &good.0[..good.0.len() - 1]] {
            assert_eq!(State::read(Some(&Cursor(text.to_owned())), "name"), None, "{text}");
        }
        assert_eq!(State::read(None, "name"), None);
    }
}
