//! The cursor: what earlier looks left behind and how far the present look came.
//!
//! Place in the flow: read at the start of every page, changed by `look`, written into the page's
//! cursor. Invariant: names of messages and numbers, no text and no person; bounded; whatever is
//! not a cursor of ours reads as "nothing known".

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::place::Place;
use crate::raw::Cursor;

/// Form of the cursor; another number means: start again.
const FORM: u8 = 1;
/// Most messages kept between looks; the oldest are dropped first.
const MESSAGES_MAX: usize = 5_000;

/// Everything the collector remembers of one source.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    form: u8,
    /// The source's handle, so that a source that was pointed elsewhere starts anew.
    pub handle: String,
    /// The channel's or chat's number.
    pub chat: i64,
    /// Whether it is a channel.
    pub channel: bool,
    /// When the chat was last found open to everybody, Unix seconds.
    #[serde(default, skip_serializing_if = "is_default")]
    pub admitted: i64,
    /// Messages of the window, by name.
    pub messages: BTreeMap<String, Known>,
    /// When the last whole walk over the history ended, Unix seconds.
    #[serde(default, skip_serializing_if = "is_default")]
    pub walked: i64,
    /// How far back it went, Unix seconds.
    #[serde(default, skip_serializing_if = "is_default")]
    pub from: i64,
    /// Which inbox the walk was continued from, and what was taken out of it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub inbox: i64,
    #[serde(default, skip_serializing_if = "is_default")]
    pub taken: u64,
    /// MAX's own mark of what was received.
    #[serde(default, skip_serializing_if = "is_default")]
    pub marker: Option<i64>,
    /// The look in progress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look: Option<Look>,
}

/// What is known of one message.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Known {
    /// When it was published, Unix milliseconds.
    #[serde(rename = "d")]
    pub date: i64,
    /// The stored message that it answers.
    #[serde(rename = "p", default, skip_serializing_if = "is_default")]
    pub parent: Option<String>,
    /// Was missing once when nothing else proved the answer good.
    #[serde(rename = "m", default, skip_serializing_if = "is_default")]
    pub missed: bool,
}

/// One pass: what was received, and, if need be, the history and what it missed.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(default)]
pub(super) struct Look {
    /// Instant before which nothing is wanted, Unix seconds.
    pub horizon: i64,
    /// When the last page of this look came.
    pub touched: i64,
    /// When the look began.
    pub began: i64,
    /// What was received is taken.
    pub received: bool,
    /// The history is walked.
    pub whole: bool,
    /// The upper bound of the next page, Unix milliseconds; none for the newest.
    #[serde(skip_serializing_if = "is_default")]
    pub below: Option<i64>,
    #[serde(skip_serializing_if = "is_default")]
    pub pages: u32,
    #[serde(skip_serializing_if = "is_default")]
    pub done: bool,
    /// Messages that the walk has shown alive.
    #[serde(skip_serializing_if = "is_default")]
    pub seen: BTreeSet<String>,
    /// Messages already asked for by name.
    #[serde(skip_serializing_if = "is_default")]
    pub asked: BTreeSet<String>,
    /// Messages that a push spoke of, to be asked for by name.
    #[serde(skip_serializing_if = "is_default")]
    pub hints: BTreeMap<String, Hint>,
}

/// What pushes said of one message.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Hint {
    /// When it was published, Unix milliseconds; 0 if that was not said.
    #[serde(rename = "d", default, skip_serializing_if = "is_default")]
    pub date: i64,
    /// When it was changed, Unix milliseconds.
    #[serde(rename = "e", default, skip_serializing_if = "is_default")]
    pub edited: Option<i64>,
    /// That it was removed.
    #[serde(rename = "r", default, skip_serializing_if = "is_default")]
    pub removed: bool,
}

impl State {
    /// Nothing known yet.
    pub(super) fn new(handle: &str, place: Place) -> Self {
        State {
            form: FORM,
            handle: handle.to_owned(),
            chat: place.chat,
            channel: place.channel,
            admitted: 0,
            messages: BTreeMap::new(),
            walked: 0,
            from: 0,
            inbox: 0,
            taken: 0,
            marker: None,
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

    /// Forgets what is out of the window; `horizon` is in Unix seconds. Where more is in the window
    /// than can be remembered: when the oldest message of those remembered was written, Unix
    /// milliseconds.
    pub(super) fn forget(&mut self, horizon: i64) -> Option<i64> {
        self.messages.retain(|_, known| known.date >= horizon * 1_000);
        if self.messages.len() < MESSAGES_MAX {
            return None;
        }
        let mut dates: Vec<i64> = self.messages.values().map(|known| known.date).collect();
        dates.sort_unstable();
        let oldest = dates[dates.len() - MESSAGES_MAX];
        self.messages.retain(|_, known| known.date >= oldest);
        Some(oldest)
    }
}

impl Look {
    /// A look that begins now.
    pub(super) fn new(now: Timestamp, horizon: Timestamp) -> Self {
        let now = now.as_second();
        let horizon = horizon.as_second();
        Look { horizon, touched: now, began: now, ..Look::default() }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place { chat: -7, channel: true };

    #[test]
    fn states_survive_writing() {
        let mut state = State::new("onohoy", PLACE);
        let known = Known { date: 5_000, parent: Some("mid.1".to_owned()), missed: true };
        state.messages.insert("mid.2".to_owned(), known);
        state.marker = Some(7);
        state.look = Some(Look { below: Some(9), ..Look::default() });
        assert_eq!(State::read(Some(&state.write()), "onohoy"), Some(state));
    }

    #[test]
    fn odd_cursors_read_as_nothing_known() {
        let good = State::new("name", PLACE).write();
        assert_eq!(State::read(Some(&good), "name"), Some(State::new("name", PLACE)));
        assert_eq!(State::read(Some(&good), "other"), None);
        let other_form = good.0.replace("\"form\":1", "\"form\":9");
        for text in ["", "{}", "null", "[1]", "12", &other_form, &good.0[..good.0.len() - 1]] {
            assert_eq!(State::read(Some(&Cursor(text.to_owned())), "name"), None, "{text}");
        }
        assert_eq!(State::read(None, "name"), None);
    }

    #[test]
    fn the_oldest_are_forgotten_first() {
        let mut state = State::new("name", PLACE);
        for n in 0..6_000_i64 {
            let known = Known { date: n * 1_000, ..Known::default() };
            state.messages.insert(format!("mid.{n}"), known);
        }
        assert_eq!(state.forget(500), Some(1_000_000), "and that is told");
        assert_eq!(state.messages.len(), MESSAGES_MAX);
        assert!(state.messages.contains_key("mid.5999") && !state.messages.contains_key("mid.999"));
    }
}
