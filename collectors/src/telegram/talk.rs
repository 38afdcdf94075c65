//! Where the reading of comments stands: which threads changed, and how far each was read.
//!
//! Place in the flow: pure; [`super::Telegram`] asks what to request next and hands in what came.
//! First the posts of the window tell how many comments they have (the roll), then the threads
//! that changed are walked as a channel is ([`super::walk`]): new comments down to what was
//! listed, the whole thread when comments are missing, and once a day for edits. Invariants: a
//! thread counts as read only up to what the roll told before the reading began; a comment counts
//! as gone only when asking for it by number, two complete walks, or the end of its discussion
//! proves it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::message::{Listing, Replies};
use super::walk::{Change, Position, Step};

/// Edits change no counter: each thread is read again as a whole so often.
const RECHECK: SignedDuration = SignedDuration::from_hours(24);
/// Whole readings in a row that may find fewer comments than remembered; then the next day's
/// decides.
const STUBBORN_MAX: u8 = 3;
/// How long after its post a discussion is looked after, asked once a day for its counter.
const KEEP: SignedDuration = SignedDuration::from_hours(31 * 24);
/// Counters asked for at once: fewer than fill a page, which would prove nothing.
const COUNTERS_MAX: usize = 90;
/// Most comments remembered over all threads; those of the oldest posts are forgotten first, and
/// every look says so.
const SEEN_MAX: usize = 20_000;

/// How many comments there are, and the newest.
type Told = (u32, i64);

/// The comments below one post.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Thread {
    /// When the post was published, in seconds.
    #[serde(skip_serializing_if = "is_default")]
    date: i64,
    /// What the roll told last.
    #[serde(skip_serializing_if = "is_default")]
    told: Told,
    /// What it had told when the thread was read last; none: never.
    #[serde(skip_serializing_if = "is_default")]
    read: Option<Told>,
    /// When the last reading of the whole began that came to its end, in seconds.
    #[serde(skip_serializing_if = "is_default")]
    checked: i64,
    /// How many comments there were at the end of the last reading.
    #[serde(skip_serializing_if = "is_default")]
    base: u32,
    /// Whether it is to be read.
    #[serde(skip_serializing_if = "is_default")]
    due: bool,
    /// Whether as a whole.
    #[serde(skip_serializing_if = "is_default")]
    whole: bool,
    /// Whether its post is older than the window: only new comments are read.
    #[serde(skip_serializing_if = "is_default")]
    old: bool,
    /// Whether its post is no longer among those that may be commented.
    #[serde(skip_serializing_if = "is_default")]
    lost: bool,
    /// Whether its comments had to be forgotten because there are too many in all.
    #[serde(skip_serializing_if = "is_default")]
    forgotten: bool,
    #[serde(skip_serializing_if = "is_default")]
    stubborn: u8,
    /// The reading in progress: what the roll had told, new comments met so far.
    #[serde(skip_serializing_if = "is_default")]
    reading: Option<(Told, u32)>,
    /// When the reading began that came last, in seconds.
    #[serde(skip_serializing_if = "is_default")]
    began: i64,
    #[serde(skip_serializing_if = "is_default")]
    position: Position,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The roll in progress.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Roll {
    before: Option<i64>,
    /// Threads met so far.
    met: Vec<i64>,
    messages: u32,
}

/// What to request next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TalkStep {
    /// Posts below a number, with their counters.
    Roll(Option<i64>),
    /// Counters of posts that are older than the window.
    Counters(Vec<i64>),
    /// Something of the thread below a post.
    Thread(i64, Step),
    /// Nothing: all is read.
    Done,
}

/// The comments of a channel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Talk {
    /// Whether comments are being read in this look.
    pub on: bool,
    /// Number of the discussion group, once known.
    pub group: Option<i64>,
    /// Until when the channel is not asked, because nobody can comment there, in seconds.
    mute_until: i64,
    /// When the counters of older posts were asked for, in seconds.
    counted: i64,
    /// The lowest post of those asked for so far: the older ones follow.
    #[serde(skip_serializing_if = "is_default")]
    counted_to: Option<i64>,
    /// Whether there are posts that may be commented and are too old to be watched.
    #[serde(skip_serializing_if = "is_default")]
    beyond: bool,
    roll: Option<Roll>,
    threads: BTreeMap<i64, Thread>,
}

impl Talk {
    /// Whether the channel was found to have no discussion a short time ago.
    pub fn is_mute(&self, now: Timestamp) -> bool {
        now.as_second() < self.mute_until
    }

    /// The posts of this look bring their counters along: takes them in from the newest on.
    pub fn open_roll(&mut self) {
        self.roll = Some(Roll::default());
    }

    /// Begins with the roll, or goes on with the threads if the posts were seen anyway.
    pub fn begin(&mut self, rolled: bool) {
        self.on = true;
        self.roll = (!rolled).then(Roll::default);
    }

    /// Ends for this look; what is due stays due.
    pub fn end(&mut self) {
        self.on = false;
        self.roll = None;
    }

    /// What to request next.
    pub fn step(&mut self, now: Timestamp) -> TalkStep {
        if let Some(roll) = &self.roll {
            return TalkStep::Roll(roll.before);
        }
        let asked = self.old_ones();
        if !asked.is_empty() && now.as_second() - self.counted >= RECHECK.as_secs() {
            return TalkStep::Counters(asked);
        }
        let under_way = self.threads.iter().find(|(_, thread)| thread.reading.is_some());
        let next = under_way.or_else(|| self.threads.iter().rev().find(|(_, thread)| thread.due));
        let Some(post) = next.map(|(post, _)| *post) else { return TalkStep::Done };
        let thread = self.threads.get_mut(&post).expect("just found");
        if thread.reading.is_none() {
            thread.reading = Some((thread.told, 0));
            thread.began = now.as_second();
            thread.position.start(now, !thread.whole);
        }
        TalkStep::Thread(post, thread.position.step(now))
    }

    /// Takes in a page of posts that was asked for below `before`.
    pub fn roll(&mut self, listing: &Listing, horizon: Timestamp, now: Timestamp) {
        let Some(mut roll) = self.roll.take() else { return };
        for message in listing.messages.iter().filter(|message| !message.service) {
            let (Some(published), Some(replies)) = (message.published, message.replies) else {
                continue;
            };
            if published >= horizon {
                roll.met.push(message.id);
                self.told(message.id, published, replies, now);
            } else {
                self.beyond |= !self.threads.contains_key(&message.id);
            }
        }
        let oldest = listing.messages.iter().filter_map(|message| message.published).min();
        let (total, taken) = listing.total.unwrap_or((u32::MAX, 0));
        roll.messages = roll.messages.saturating_add(taken);
        let ended = roll.messages >= total || oldest.is_none_or(|oldest| oldest < horizon);
        let lowest = listing.ids().min();
        match lowest.filter(|lowest| !ended && *lowest > 1) {
            Some(lowest) => {
                roll.before = Some(lowest);
                self.roll = Some(roll);
            }
            None => {
                let none = roll.met.is_empty() && roll.messages > 0 && self.threads.is_empty();
                self.mute_until = if none { (now + RECHECK).as_second() } else { 0 };
                self.close_roll(&roll.met, horizon, now);
            }
        }
    }

    fn told(&mut self, post: i64, published: Timestamp, replies: Replies, now: Timestamp) {
        let told = (replies.count, replies.newest);
        let thread = self.threads.entry(post).or_default();
        thread.date = published.as_second();
        thread.told = told;
        (thread.lost, thread.old) = (false, false);
        let changed = thread.read.map_or(replies.count > 0, |read| read != told);
        let old = now.as_second() - thread.checked >= RECHECK.as_secs();
        let some = replies.count > 0 || thread.position.known() > 0;
        if old && some && thread.reading.is_none() {
            (thread.due, thread.whole, thread.stubborn) = (true, true, 0);
        } else if changed {
            thread.due = true;
        }
    }

    /// Takes in what is told of posts older than the window. One that is told to be nowhere, or
    /// without a discussion, is gone; one that is not told of is asked for again the next day.
    pub fn counted(
        &mut self,
        asked: &[i64],
        told: &BTreeMap<i64, Option<Replies>>,
        now: Timestamp,
    ) {
        self.counted_to = asked.iter().min().copied().or(self.counted_to);
        if self.old_ones().is_empty() {
            (self.counted, self.counted_to) = (now.as_second(), None);
        }
        for post in asked {
            match (told.get(post), self.threads.get_mut(post)) {
                (Some(Some(replies)), Some(thread)) => {
                    thread.told = (replies.count, replies.newest);
                    thread.due |= thread.read != Some(thread.told);
                }
                (Some(None), _) => drop(self.threads.remove(post)),
                _ => {}
            }
        }
    }

    /// Posts that are older than the window, from the newest on: as many as one request takes.
    fn old_ones(&self) -> Vec<i64> {
        let below = self.counted_to.unwrap_or(i64::MAX);
        let old = self.threads.range(..below).rev().filter(|(_, thread)| thread.old);
        old.map(|(post, _)| *post).take(COUNTERS_MAX).collect()
    }

    /// Threads out of the window only wait for new comments, and are forgotten in the end; one
    /// whose post was not met is asked for.
    fn close_roll(&mut self, met: &[i64], horizon: Timestamp, now: Timestamp) {
        let oldest = (now.as_second() - KEEP.as_secs()).min(horizon.as_second());
        let before = self.threads.len();
        self.threads.retain(|_, thread| thread.date >= oldest);
        self.beyond |= self.threads.len() < before;
        for (post, thread) in &mut self.threads {
            thread.old = thread.date < horizon.as_second();
            if thread.old {
                (thread.lost, thread.whole) = (false, false);
                thread.position.forget();
            } else if !met.contains(post) {
                (thread.lost, thread.due) = (true, true);
                thread.whole |= thread.reading.is_none();
            }
        }
        let mut seen: usize = self.threads.values().map(|thread| thread.position.known()).sum();
        for thread in self.threads.values_mut() {
            if seen > SEEN_MAX && thread.position.known() > 0 {
                seen -= thread.position.known();
                thread.position.forget();
                thread.forgotten = true;
            }
        }
    }

    /// Takes in a page of a thread; `count` is how many comments there are in all.
    pub fn list(
        &mut self,
        post: i64,
        count: u32,
        listing: &Listing,
        texts: &[String],
        horizon: Timestamp,
        now: Timestamp,
    ) -> Change {
        let Some(thread) = self.threads.get_mut(&post) else { return Change::default() };
        let high = thread.position.high();
        let new = listing.ids().filter(|id| *id > high).count();
        if let Some((_, fresh)) = &mut thread.reading {
            *fresh = fresh.saturating_add(u32::try_from(new).unwrap_or(u32::MAX));
        }
        let change = thread.position.list(listing, texts, horizon, now);
        thread.close(count);
        change
    }

    /// Takes in whether a comment is there. An answer without a single comment is no proof while
    /// the post tells of some: then nothing is certain, and the post's own count holds.
    pub fn answered(
        &mut self,
        post: i64,
        count: u32,
        id: i64,
        there: bool,
        now: Timestamp,
    ) -> Change {
        let Some(thread) = self.threads.get_mut(&post) else { return Change::default() };
        let doubted = !there && count == 0 && thread.told.0 > 0;
        let change = thread.position.answered(id, (!doubted).then_some(there), now);
        thread.close(if doubted { thread.told.0 } else { count });
        change
    }

    /// Telegram says that there is no discussion below this post: its comments are gone, those
    /// returned and all others, unless the post was there a moment ago (then the next look
    /// decides).
    pub fn gone(&mut self, post: i64) -> Option<Vec<i64>> {
        let thread = self.threads.get_mut(&post)?;
        if thread.lost {
            let thread = self.threads.remove(&post)?;
            return Some(thread.position.remembered().collect());
        }
        (thread.reading, thread.due) = (None, false);
        None
    }

    /// Whether comments may be written that nobody reads: below posts too old to be watched.
    pub fn is_late(&self) -> bool {
        self.beyond
    }

    /// Comments that are not remembered because there are too many: the date of the oldest post,
    /// and how many.
    pub fn unwatched(&self) -> Option<(i64, u32)> {
        let forgotten = self.threads.values().filter(|thread| thread.forgotten && !thread.old);
        let oldest = forgotten.clone().map(|thread| thread.date).min()?;
        Some((oldest, forgotten.map(|thread| thread.told.0).fold(0, u32::saturating_add)))
    }
}

impl Thread {
    /// If the reading has come to its end: what it proves.
    fn close(&mut self, count: u32) {
        if self.position.more() {
            return;
        }
        let Some((told, fresh)) = self.reading.take() else { return };
        let missing = match self.whole {
            false => count != self.base.saturating_add(fresh),
            true => (count as usize) < self.position.known(),
        };
        self.base = count;
        if missing && !self.old && self.stubborn < STUBBORN_MAX {
            // Fewer than there should be: the whole thread tells which.
            self.stubborn += 1;
            self.whole = true;
            return;
        }
        self.read = Some(told);
        if self.whole {
            // A reading may have been broken off for a day: its first pages are as old as that.
            self.checked = self.began;
            self.forgotten = false;
        }
        (self.due, self.whole, self.stubborn) = (self.told != told, false, 0);
    }
}
