//! Where a look at a channel stands: the cursor, and what one page changes in it.
//!
//! Place in the flow: pure; [`super::Telegram`] asks what to request next and hands in what came,
//! from the preview or by the account; the comments below a post are walked in the same way.
//! A look walks from the newest page back past the horizon (and never stops above what an earlier
//! look has listed), then asks by number for messages that were missing. Invariants: a message
//! counts as gone only when its own page says so or when two complete walks missed it; a page is
//! the whole truth about the numbers between its lowest and the `before` it was asked with, because
//! `before` names a number, not a position: nothing shifts while we read.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::raw::Cursor;

use super::message::{Listing, Message};

const VERSION: u32 = 1;
/// Most messages remembered for edits and deletions; every look says so where there are more.
const SEEN_MAX: usize = 5_000;
/// Most missing messages asked by number in one look; the others wait for a second listing.
const ASKS_MAX: usize = 20;
/// A look that took longer reads the newest pages again before it ends.
const LONG_LOOK: SignedDuration = SignedDuration::from_mins(5);

/// A message delivered before: fingerprint of its text, its time in seconds, listings that missed
/// it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Seen(String, i64, u8);

/// A walk that has not reached its end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Walk {
    /// Next page ends below this number; `None`: the newest page.
    before: Option<i64>,
    /// Highest number met.
    top: i64,
    /// The page above says that there are older messages.
    promised: bool,
    /// Only from the newest page down to what was listed.
    catch_up: bool,
    /// Known messages that a page should have shown.
    absent: Vec<i64>,
    /// Known messages below a page that showed nothing at all.
    doubtful: Vec<i64>,
    /// How many messages the pages of this walk held.
    met: u32,
}

/// The cursor of a channel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Position {
    v: u32,
    /// Number of the channel, once known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Everything up to this number was listed by a finished walk.
    high: i64,
    /// When the present walk began, in seconds.
    began: i64,
    /// The instant back to which this look has read everything, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    reached: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    walk: Option<Walk>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    asks: Vec<i64>,
    /// Of the messages forgotten because there are too many: when the newest was sent, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    forgot: Option<i64>,
    seen: BTreeMap<i64, Seen>,
}

/// What to request next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A page of messages: the newest, or those below a number.
    List(Option<i64>),
    /// One message by its number.
    Ask(i64),
}

/// What a page changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Numbers of messages that are new or have a new text.
    pub deliver: BTreeSet<i64>,
    /// Numbers of messages that are gone.
    pub gone: Vec<i64>,
}

impl Position {
    /// Reads a cursor. A missing, broken or foreign one starts anew from the horizon.
    pub fn parse(cursor: Option<&Cursor>) -> Self {
        cursor
            .and_then(|cursor| serde_json::from_str::<Position>(&cursor.0).ok())
            .filter(|position| position.v == VERSION)
            .unwrap_or_else(|| Position { v: VERSION, ..Position::default() })
    }

    /// What to request next; begins a look if none is under way.
    pub fn step(&mut self, now: Timestamp) -> Step {
        if self.walk.is_none() {
            if let Some(&id) = self.asks.first() {
                return Step::Ask(id);
            }
            self.start(now, false);
        }
        Step::List(self.walk.as_ref().and_then(|walk| walk.before))
    }

    /// Begins a look: back past the horizon, or with `catch_up` only down to what was listed.
    pub fn start(&mut self, now: Timestamp, catch_up: bool) {
        self.reached = None;
        self.begin(now, catch_up && self.high > 0);
    }

    /// Missing messages to be asked for by number, at once or one by one.
    pub fn asks(&self) -> &[i64] {
        &self.asks
    }

    /// Whether the walk that began last did so within `age` before `now`.
    pub fn is_fresh(&self, now: Timestamp, age: SignedDuration) -> bool {
        now.as_second() - self.began <= age.as_secs()
    }

    /// Whether a message was delivered and still stands, as far as known.
    pub fn knows(&self, id: i64) -> bool {
        self.seen.contains_key(&id)
    }

    /// How many messages are remembered.
    pub fn known(&self) -> usize {
        self.seen.len()
    }

    /// Forgets the messages, not the place: their edits and deletions go unseen from now on.
    pub fn forget(&mut self) {
        self.seen.clear();
    }

    /// Numbers of all remembered messages.
    pub fn remembered(&self) -> impl Iterator<Item = i64> + '_ {
        self.seen.keys().copied()
    }

    /// Whether a listing shows a message as it was shown before: then it is of the same channel.
    pub fn recognises(&self, listing: &Listing, texts: &[String]) -> bool {
        let shown = listing.messages.iter().zip(texts);
        let same = |(message, text): (&Message, &String)| {
            self.seen.get(&message.id).is_some_and(|seen| seen.0 == *text)
        };
        // Without a text, pictures of any channel look alike.
        shown.filter(|(message, _)| !message.text.is_empty()).any(same)
    }

    /// When the newest message was sent that had to be forgotten, in seconds.
    pub fn forgot(&self) -> Option<i64> {
        self.forgot
    }

    /// Highest number that a finished walk has listed; zero before the first.
    pub fn high(&self) -> i64 {
        self.high
    }

    /// What a look that has ended read without a gap.
    pub fn covered(&self) -> Option<(Timestamp, Timestamp)> {
        let reached = self.reached.filter(|_| !self.more())?;
        Some((Timestamp::from_second(reached).ok()?, Timestamp::from_second(self.began).ok()?))
    }

    /// Whether this look has more to request.
    pub fn more(&self) -> bool {
        self.walk.is_some() || !self.asks.is_empty()
    }

    /// Whether messages of this channel were ever listed.
    pub fn knows_messages(&self) -> bool {
        self.high > 0 || !self.seen.is_empty()
    }

    /// Whether the newest page ends below what was listed: the newest messages are gone, or the
    /// name belongs to another channel now.
    pub fn fell_back(&self, listing: &Listing) -> bool {
        self.high > 0 && listing.ids().max().is_some_and(|top| top < self.high)
    }

    /// Takes in a page that was asked with `step`'s `before`. `texts` are fingerprints of the
    /// listing's messages, in its order.
    pub fn list(
        &mut self,
        listing: &Listing,
        texts: &[String],
        horizon: Timestamp,
        now: Timestamp,
    ) -> Change {
        let mut change = Change::default();
        let Some(mut walk) = self.walk.take() else { return change };
        if listing.ids().next().is_none() && walk.promised {
            // Nothing where the page above promised messages: asked once more before it is
            // believed.
            walk.promised = false;
            self.walk = Some(walk);
            return change;
        }
        let before = walk.before.unwrap_or(i64::MAX);
        let ids: BTreeSet<i64> = listing.ids().collect();
        let low = ids.first().copied();
        let (total, taken) = listing.total.unwrap_or((u32::MAX, 0));
        walk.met = walk.met.saturating_add(taken);
        let all_met = walk.met >= total;
        if !walk.catch_up {
            // Below the last message of all there is nothing.
            let bottom = low.filter(|_| !all_met).unwrap_or(0);
            let missing = self.seen.range(bottom..before).map(|(&id, _)| id);
            let missing: Vec<i64> = missing.filter(|id| !ids.contains(id)).collect();
            let list = if low.is_some() { &mut walk.absent } else { &mut walk.doubtful };
            list.extend(missing);
        }
        for (message, text) in listing.messages.iter().zip(texts) {
            if self.note(message, text, horizon) {
                change.deliver.insert(message.id);
            }
        }
        walk.top = walk.top.max(ids.last().copied().unwrap_or(0));
        let oldest = listing.messages.iter().filter_map(|m| m.published).min();
        let past_horizon = walk.catch_up || oldest.is_some_and(|oldest| oldest < horizon);
        // On a first look nothing was listed before, so the horizon alone ends it.
        let met_listed = |low| self.high == 0 || low <= self.high;
        match low {
            Some(low) if low > 1 && !all_met && !(past_horizon && met_listed(low)) => {
                walk.before = Some(low);
                walk.promised = listing.older;
                self.walk = Some(walk);
            }
            _ => self.finish(walk, horizon, now, &mut change),
        }
        change
    }

    /// Takes in what the page of one message said: `Some(true)` it is there, `Some(false)` it is
    /// gone, `None` nothing certain.
    pub fn answered(&mut self, id: i64, there: Option<bool>, now: Timestamp) -> Change {
        let mut change = Change::default();
        self.asks.retain(|&asked| asked != id);
        match there {
            Some(false) => {
                self.seen.remove(&id);
                change.gone.push(id);
            }
            Some(true) => {
                if let Some(seen) = self.seen.get_mut(&id) {
                    seen.2 = 0;
                }
            }
            None => {}
        }
        self.end_look(now);
        change
    }

    fn begin(&mut self, now: Timestamp, catch_up: bool) {
        self.began = now.as_second();
        self.walk = Some(Walk { catch_up, ..Walk::default() });
    }

    /// Remembers a message; tells whether it is to be delivered.
    fn note(&mut self, message: &Message, text: &str, horizon: Timestamp) -> bool {
        let Some(published) = message.published.filter(|_| !message.service) else { return false };
        if let Some(seen) = self.seen.get_mut(&message.id) {
            seen.2 = 0;
            if seen.0 == text {
                return false;
            }
            text.clone_into(&mut seen.0);
            return true;
        }
        // After a long pause, what came since the last look is wanted although it is old.
        let since_last_look = self.high > 0 && message.id > self.high;
        if published < horizon && !since_last_look {
            return false;
        }
        let reached = self.reached.unwrap_or(i64::MAX).min(published.as_second());
        self.reached = Some(reached);
        self.seen.insert(message.id, Seen(text.to_owned(), published.as_second(), 0));
        true
    }

    fn finish(&mut self, walk: Walk, horizon: Timestamp, now: Timestamp, change: &mut Change) {
        self.high = self.high.max(walk.top);
        if !walk.catch_up {
            self.reached = Some(self.reached.unwrap_or(i64::MAX).min(horizon.as_second()));
        }
        self.seen.retain(|_, seen| seen.1 >= horizon.as_second());
        while self.seen.len() > SEEN_MAX {
            let first = self.seen.pop_first();
            self.forgot = self.forgot.max(first.map(|(_, seen)| seen.1));
        }
        for id in walk.absent {
            let Some(seen) = self.seen.get_mut(&id) else { continue };
            seen.2 = seen.2.saturating_add(1);
            if seen.2 >= 2 {
                self.seen.remove(&id);
                change.gone.push(id);
            } else {
                self.asks.push(id);
            }
        }
        self.asks.extend(walk.doubtful.into_iter().filter(|id| self.seen.contains_key(id)));
        self.asks.truncate(ASKS_MAX);
        self.end_look(now);
    }

    /// A look that took long (a first look, or one broken off and resumed) has an old newest page.
    fn end_look(&mut self, now: Timestamp) {
        let long = now.as_second() - self.began > LONG_LOOK.as_secs();
        if self.asks.is_empty() && self.walk.is_none() && long {
            self.begin(now, true);
        }
    }
}
