//! The cursor: what earlier looks left behind and how far the present look came.
//!
//! Place in the flow: read at the start of every page, changed by `look` and `reading`, written
//! into the page's cursor. Invariant: numbers, fingerprints and, while a look is under way, OK's
//! own anchors; no text and no person; bounded; whatever is not a cursor of ours reads as "nothing
//! known".

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::{Ids, Thing};
use crate::raw::Cursor;

/// Form of the cursor; another number means: start again.
const FORM: u8 = 1;
/// Most things kept between looks; the oldest are dropped first.
pub(super) const THINGS_MAX: usize = 5_000;
/// Things older than this (seconds) are forgotten.
const KEEP_SECS: i64 = 31 * 24 * 3600;

/// Everything the collector remembers of one source.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    form: u8,
    /// The source's handle, so that a source that was pointed elsewhere starts anew.
    pub handle: String,
    /// The group's number.
    pub group: i64,
    /// When the group was last found open to everybody, Unix seconds.
    #[serde(default, skip_serializing_if = "is_default")]
    pub admitted: i64,
    /// Topics, photos and movies of the window.
    pub things: BTreeMap<Thing, Known>,
    /// Until when (Unix seconds) the list of photo and movie discussions is not asked for, because
    /// it was refused.
    #[serde(default, skip_serializing_if = "is_default")]
    pub no_list_until: i64,
    /// The same of comments.
    #[serde(default, skip_serializing_if = "is_default")]
    pub no_comments_until: i64,
    /// The look in progress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look: Option<Look>,
}

/// What is known of one thing.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(default)]
pub(super) struct Known {
    /// When it was published, Unix seconds; 0 if OK does not say.
    #[serde(rename = "d")]
    pub date: i64,
    /// Of a photo or movie: when somebody last wrote below it.
    #[serde(rename = "v", skip_serializing_if = "is_default")]
    pub active: i64,
    /// Comments as the listing counts them now.
    #[serde(rename = "c", skip_serializing_if = "is_default")]
    pub count: u64,
    /// What the listing counted when the comments were last read; none: they must be read.
    #[serde(rename = "n", skip_serializing_if = "is_default")]
    pub read_count: Option<u64>,
    /// The two counts (listing, comments themselves) met at the last whole reading.
    #[serde(rename = "p", skip_serializing_if = "is_default")]
    pub pair: Option<(u64, u64)>,
    /// When the comments were last read as a whole.
    #[serde(rename = "r", skip_serializing_if = "is_default")]
    pub read: i64,
    /// When something last happened below, as far as known.
    #[serde(rename = "h", skip_serializing_if = "is_default")]
    pub happened: i64,
    /// Living comments that were handed on.
    #[serde(rename = "i", skip_serializing_if = "is_default")]
    pub ids: Ids,
    /// Comments that the last whole reading did not show.
    #[serde(rename = "a", skip_serializing_if = "is_default")]
    pub absent: Ids,
    /// Comments are closed here.
    #[serde(rename = "x", skip_serializing_if = "is_default")]
    pub closed: bool,
    /// Too many comments to remember them all.
    #[serde(rename = "b", skip_serializing_if = "is_default")]
    pub big: bool,
    /// Held at the top of the group.
    #[serde(rename = "f", skip_serializing_if = "is_default")]
    pub pinned: bool,
    /// Was missing once when nothing else proved the answer good.
    #[serde(rename = "m", skip_serializing_if = "is_default")]
    pub missed: bool,
    /// Of a photo or film: when it was last asked for by id, Unix seconds.
    #[serde(rename = "k", skip_serializing_if = "is_default")]
    pub asked: i64,
}

/// One pass over the topics, the other discussions, what they missed, and the comments that
/// changed.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Look {
    /// Instant before which nothing is wanted, Unix seconds.
    pub horizon: i64,
    /// When the last page of this look came.
    pub touched: i64,
    /// When the walk over the topics began.
    pub walked: i64,
    /// The walk goes before comments that still wait.
    #[serde(default, skip_serializing_if = "is_default")]
    pub urgent: bool,
    /// Comments are not given to us now.
    #[serde(default, skip_serializing_if = "is_default")]
    pub mute: bool,
    /// Topics missed are asked for one by one.
    #[serde(default, skip_serializing_if = "is_default")]
    pub singly: bool,
    pub topics: Walk,
    #[serde(default, skip_serializing_if = "is_default")]
    pub photos: Walk,
    /// Things that this look has seen alive.
    #[serde(default, skip_serializing_if = "is_default")]
    pub seen: BTreeSet<Thing>,
    /// The first few old topics that the walk has shown alive.
    #[serde(default, skip_serializing_if = "is_default")]
    pub old: Vec<i64>,
    /// Topics of the window of which the walk showed only the first blocks.
    #[serde(default, skip_serializing_if = "is_default")]
    pub cut: BTreeSet<i64>,
    /// Things already asked for by id.
    #[serde(default, skip_serializing_if = "is_default")]
    pub asked: BTreeSet<Thing>,
    /// Things whose comments are to be read.
    #[serde(default, skip_serializing_if = "is_default")]
    pub queue: VecDeque<Thing>,
    /// Things whose reading was repeated to make sure of vanished comments.
    #[serde(default, skip_serializing_if = "is_default")]
    pub repeated: BTreeSet<Thing>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub reading: Option<Reading>,
}

/// How far a listing came. OK's anchors are opaque: they cannot be stepped back, and where pages
/// move apart between two calls nothing in them tells.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Walk {
    /// What the page before gave to go on with.
    #[serde(default, skip_serializing_if = "is_default")]
    pub anchor: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub pages: u32,
    /// Elements in a row at the end that are older than the horizon.
    #[serde(default, skip_serializing_if = "is_default")]
    pub old: u32,
    /// Pages after the first showed something never seen before.
    #[serde(default, skip_serializing_if = "is_default")]
    pub news: bool,
    /// How often the walk began again.
    #[serde(default, skip_serializing_if = "is_default")]
    pub again: u8,
    #[serde(default, skip_serializing_if = "is_default")]
    pub done: bool,
}

/// The reading of the comments below one thing.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reading {
    pub thing: Thing,
    /// What the listing counted when the reading began.
    pub expected: u64,
    /// From the newest back.
    #[serde(default, skip_serializing_if = "is_default")]
    pub back: bool,
    /// Ends at the first comment that is known already.
    #[serde(default, skip_serializing_if = "is_default")]
    pub tail_only: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    pub anchor: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub pages: u32,
    #[serde(default, skip_serializing_if = "is_default")]
    pub done: bool,
    /// How often the reading began again because an anchor was no longer taken.
    #[serde(default, skip_serializing_if = "is_default")]
    pub again: u8,
    /// Comments shown.
    #[serde(default, skip_serializing_if = "is_default")]
    pub shown: u64,
    /// Comments on the page before.
    #[serde(default, skip_serializing_if = "is_default")]
    pub last: Ids,
    /// Nothing may be concluded from what was not shown.
    #[serde(default, skip_serializing_if = "is_default")]
    pub unsure: bool,
    /// Newest comment, Unix seconds.
    #[serde(default, skip_serializing_if = "is_default")]
    pub newest: i64,
    /// Living comments that were handed on, now or earlier.
    #[serde(default, skip_serializing_if = "is_default")]
    pub ids: Ids,
}

impl State {
    /// Nothing known yet of a page that was admitted at `admitted` (Unix seconds).
    pub(super) fn new(handle: &str, group: i64, admitted: i64) -> Self {
        State {
            form: FORM,
            handle: handle.to_owned(),
            group,
            admitted,
            things: BTreeMap::new(),
            no_list_until: 0,
            no_comments_until: 0,
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
        Cursor(serde_json::to_string(self).expect("numbers, texts and maps keyed by texts"))
    }

    /// Forgets what is out of the window. `horizon` and `now` are Unix seconds.
    pub(super) fn forget(&mut self, horizon: i64, now: i64) {
        let oldest = horizon.max(now - KEEP_SECS);
        self.things.retain(|_, known| known.pinned || known.lively() >= oldest);
        while self.things.len() > THINGS_MAX {
            let oldest = self.things.iter().min_by_key(|(id, known)| (known.lively(), **id));
            let Some(thing) = oldest.map(|(thing, _)| *thing) else { return };
            self.things.remove(&thing);
        }
    }
}

impl Known {
    /// When it last drew attention by itself: published, or, of a photo, talked about.
    pub(super) fn lively(&self) -> i64 {
        self.date.max(self.active)
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
    use crate::ok::ids::{CommentId, Kind};

    #[test]
    fn states_survive_writing() {
        let mut state = State::new("gorod", 55, 7);
        let known = Known {
            date: 7,
            read_count: Some(2),
            pair: Some((2, 1)),
            ids: Ids([CommentId::Number(5), CommentId::Print("ab".to_owned())].into()),
            ..Known::default()
        };
        state.things.insert(Thing { kind: Kind::Photo, id: 9 }, known);
        let mut look = Look { seen: [Thing::topic(4)].into(), ..Look::default() };
        look.reading = Some(Reading { anchor: Some("QQ==".to_owned()), ..Reading::default() });
        state.look = Some(look);
        assert_eq!(State::read(Some(&state.write()), "gorod"), Some(state));
    }

    #[test]
    fn odd_cursors_read_as_nothing_known() {
        let good = State::new("name", 5, 7).write();
        assert_eq!(State::read(Some(&good), "name"), Some(State::new("name", 5, 7)));
        assert_eq!(State::read(Some(&good), "other"), None);
        let other_form = good.0.replace("\"form\":1", "\"form\":9");
        for text in ["", "{}", "null", "[1]", "12", &other_form, &good.0[..good.0.len() - 1]] {
            assert_eq!(State::read(Some(&Cursor(text.to_owned())), "name"), None, "{text}");
        }
        assert_eq!(State::read(None, "name"), None);
    }
}
