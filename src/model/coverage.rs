//! What of a source was read, and what was not: its gap ledger.
//!
//! Place in the flow: each page of a look says what it proves ([`Noted`]); the store folds that
//! into the source's [`Ledger`] and keeps it; `sources`, `status` and the digest print its
//! [`Completeness`]. Invariants: stretches that were read are merged and never overlap; a hole is
//! closed by a later look that read it, never by time; a hole that stays is never forgotten within
//! [`KEPT_DAYS`], it is explained.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The days that completeness is about: today and the four weeks before.
pub const WINDOW_DAYS: i64 = 28;
/// How long the ledger remembers, in days.
pub const KEPT_DAYS: i64 = 400;
/// Whole looks that may leave a queued hole open before it is explained as not given to us.
pub const LOOKS_MAX: u32 = 3;
/// Most holes of one source; beyond them the oldest go, closed ones first.
const HOLES_MAX: usize = 200;

/// Why something was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoleCause {
    /// Pages moved apart while they were read, or the history broke off; it can be read again.
    PageMissed,
    /// The platform gives no more history than this.
    HistoryEnds,
    /// Numbers that nobody gave us: removed before we came, or hidden from everybody.
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

impl HoleCause {
    /// The word in files and output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            HoleCause::PageMissed => "page_missed",
            HoleCause::HistoryEnds => "history_ends",
            HoleCause::Numbers => "numbers",
            HoleCause::CommentsRefused => "comments_refused",
            HoleCause::Unreadable => "unreadable",
            HoleCause::TooMany => "too_many",
            HoleCause::Unwatched => "unwatched",
            HoleCause::Late => "late",
            HoleCause::Cut => "cut",
        }
    }

    /// Whether nothing at all was read between its ends.
    #[must_use]
    pub fn is_dark(self) -> bool {
        matches!(self, HoleCause::PageMissed | HoleCause::HistoryEnds | HoleCause::TooMany)
    }
}

/// What becomes of a hole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoleState {
    /// The next look goes back for it.
    Queued,
    /// A later look read it.
    BackFilled,
    /// It stays; its cause says why.
    Explained,
}

/// From one instant to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Stretch {
    /// Begin.
    pub from: Timestamp,
    /// End, not before the begin.
    pub to: Timestamp,
}

impl Stretch {
    /// A stretch between two instants in either order.
    #[must_use]
    pub fn new(a: Timestamp, b: Timestamp) -> Self {
        Self { from: a.min(b), to: a.max(b) }
    }

    /// Whole seconds.
    #[must_use]
    pub fn secs(self) -> u64 {
        u64::try_from(self.to.duration_since(self.from).as_secs()).unwrap_or(0)
    }

    /// Whether the two have an instant in common.
    #[must_use]
    pub fn touches(self, other: Stretch) -> bool {
        self.from <= other.to && other.from <= self.to
    }

    /// Whether all of `other` lies inside.
    #[must_use]
    pub fn covers(self, other: Stretch) -> bool {
        self.from <= other.from && other.to <= self.to
    }

    /// What of this lies inside `frame`.
    #[must_use]
    pub fn within(self, frame: Stretch) -> Option<Stretch> {
        let (from, to) = (self.from.max(frame.from), self.to.min(frame.to));
        (from <= to).then_some(Stretch { from, to })
    }

    /// What of this lies outside `other`: nothing, one piece or two.
    fn without(self, other: Stretch) -> Vec<Stretch> {
        if !self.touches(other) {
            return vec![self];
        }
        let before = (self.from < other.from).then(|| Stretch::new(self.from, other.from));
        let behind = (other.to < self.to).then(|| Stretch::new(other.to, self.to));
        before.into_iter().chain(behind).collect()
    }
}

/// Stretches in order, those that touch joined.
#[must_use]
pub fn merged(mut stretches: Vec<Stretch>) -> Vec<Stretch> {
    stretches.sort();
    let mut merged: Vec<Stretch> = Vec::with_capacity(stretches.len());
    for next in stretches {
        match merged.last_mut() {
            Some(last) if last.touches(next) => last.to = last.to.max(next.to),
            _ => merged.push(next),
        }
    }
    merged
}

/// Seconds of `frame` that none of `stretches` (merged) covers.
fn uncovered_secs(frame: Stretch, stretches: &[Stretch]) -> u64 {
    let covered: u64 = stretches.iter().filter_map(|s| s.within(frame)).map(Stretch::secs).sum();
    frame.secs().saturating_sub(covered)
}

/// A hole as a page noted it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotedHole {
    /// Between which instants.
    pub stretch: Stretch,
    /// Why.
    pub cause: HoleCause,
    /// How many posts are missing, if anybody knows.
    pub posts: Option<u32>,
}

/// What one page proves about the completeness of its source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Noted {
    /// Said at the end of a look: everything between was read, except its holes.
    pub read: Option<Stretch>,
    /// Holes noticed on this page.
    pub holes: Vec<NotedHole>,
}

/// A hole as the ledger keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hole {
    /// Between which instants.
    pub stretch: Stretch,
    /// Why.
    pub cause: HoleCause,
    /// How many posts are missing, if anybody knows.
    pub posts: Option<u32>,
    /// What becomes of it.
    pub state: HoleState,
    /// When it was noticed first.
    pub noticed: Timestamp,
    /// Whole looks since then that left it open.
    pub looks: u32,
    /// When a look read it.
    pub closed: Option<Timestamp>,
    /// Noticed by the look that is under way: its own end does not close it.
    pub fresh: bool,
}

impl Hole {
    fn is_open(&self) -> bool {
        self.state != HoleState::BackFilled
    }
}

/// What of one source was read and what was not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Stretches that were read, merged, oldest first.
    pub read: Vec<Stretch>,
    /// Holes, oldest first.
    pub holes: Vec<Hole>,
}

impl Ledger {
    /// Takes down what a page proves. A look that broke off proves nothing but its holes.
    pub fn note(&mut self, noted: &Noted, now: Timestamp) {
        self.holes.extend(noted.holes.iter().map(|hole| Hole {
            stretch: hole.stretch,
            cause: hole.cause,
            posts: hole.posts,
            state: match hole.cause {
                HoleCause::PageMissed => HoleState::Queued,
                _ => HoleState::Explained,
            },
            noticed: now,
            looks: 0,
            closed: None,
            fresh: true,
        }));
        self.join_alike();
        if let Some(read) = noted.read {
            self.end_look(read, now);
        }
        self.forget(now);
    }

    /// A look ended that read `read` except its fresh holes: older holes inside are closed, those
    /// it did not reach count the look.
    fn end_look(&mut self, read: Stretch, now: Timestamp) {
        let (fresh, old): (Vec<Hole>, Vec<Hole>) = self.holes.drain(..).partition(|h| h.fresh);
        let mut left: Vec<Hole> = Vec::with_capacity(old.len() + fresh.len());
        for hole in old {
            if !hole.is_open() {
                left.push(hole);
                continue;
            }
            let again = fresh.iter().filter(|it| it.cause == hole.cause);
            let noted: Vec<Stretch> = again.map(|it| it.stretch).collect();
            if noted.is_empty() && read.covers(hole.stretch) {
                left.push(Hole { state: HoleState::BackFilled, closed: Some(now), ..hole });
                continue;
            }
            let mut pieces = hole.stretch.without(read);
            pieces.extend(noted.iter().filter_map(|it| it.within(hole.stretch)));
            let whole = pieces == [hole.stretch];
            left.extend(merged(pieces).into_iter().map(|stretch| Hole {
                stretch,
                posts: hole.posts.filter(|_| whole || !hole.cause.is_dark()),
                looks: hole.looks + 1,
                ..hole.clone()
            }));
        }
        left.extend(fresh.into_iter().map(|hole| Hole { fresh: false, ..hole }));
        self.holes = left;
        self.join_alike();
        for hole in &mut self.holes {
            if hole.state == HoleState::Queued && hole.looks >= LOOKS_MAX {
                hole.state = HoleState::Explained;
            }
        }
        self.read.push(read);
        self.read = merged(std::mem::take(&mut self.read));
    }

    /// Joins holes that touch and are told alike. How many posts miss in both together nobody
    /// knows: at least as many as in the larger one.
    fn join_alike(&mut self) {
        let order = |hole: &Hole| (hole.cause, hole.is_open(), hole.fresh, hole.stretch);
        self.holes.sort_by_key(order);
        let mut joined: Vec<Hole> = Vec::with_capacity(self.holes.len());
        for next in self.holes.drain(..) {
            let alike = |last: &&mut Hole| {
                last.cause == next.cause
                    && last.is_open()
                    && next.is_open()
                    && last.fresh == next.fresh
                    && last.stretch.touches(next.stretch)
            };
            match joined.last_mut().filter(alike) {
                Some(last) => {
                    last.stretch.to = last.stretch.to.max(next.stretch.to);
                    last.posts = last.posts.max(next.posts);
                    last.noticed = last.noticed.min(next.noticed);
                    last.looks = last.looks.max(next.looks);
                    last.state = last.state.max(next.state);
                }
                None => joined.push(next),
            }
        }
        joined.sort_by_key(|hole| (hole.stretch, hole.cause, hole.noticed));
        self.holes = joined;
    }

    fn forget(&mut self, now: Timestamp) {
        let past = days_before(now, KEPT_DAYS);
        self.read.retain(|stretch| stretch.to >= past);
        self.holes.retain(|hole| hole.stretch.to >= past);
        while self.holes.len() > HOLES_MAX {
            let closed = self.holes.iter().position(|hole| !hole.is_open());
            self.holes.remove(closed.unwrap_or(0));
        }
    }

    /// How far back the next look has to go for what is queued.
    #[must_use]
    pub fn owed(&self) -> Option<Timestamp> {
        let queued = self.holes.iter().filter(|hole| hole.state == HoleState::Queued);
        queued.map(|hole| hole.stretch.from).min()
    }

    /// Until when everything was read: the end of the last look.
    #[must_use]
    pub fn read_until(&self) -> Option<Timestamp> {
        self.read.last().map(|stretch| stretch.to)
    }

    /// The frame that completeness at `now` is about: the last [`WINDOW_DAYS`] days, from the first
    /// instant we ever asked for. What was published since the last look is not missed yet, unless
    /// the look is overdue by its wished interval. `None` before the first look has ended.
    #[must_use]
    pub fn frame(&self, every_secs: i64, now: Timestamp) -> Option<Stretch> {
        let first = self.read.first()?.from;
        let first = self.holes.iter().map(|hole| hole.stretch.from).fold(first, Timestamp::min);
        let patience = SignedDuration::from_secs(every_secs.saturating_mul(2).max(0));
        let due = now.saturating_sub(patience).unwrap_or(now);
        let to = self.read_until()?.max(due).min(now);
        Some(Stretch { from: days_before(now, WINDOW_DAYS).max(first).min(to), to })
    }

    /// How complete the source is, see [`Completeness`].
    #[must_use]
    pub fn completeness(&self, every_secs: i64, stored: &Stored, now: Timestamp) -> Completeness {
        let mut told = Completeness { stored: *stored, ..Completeness::default() };
        let Some(frame) = self.frame(every_secs, now) else { return told };
        let inside = |hole: &&Hole| hole.stretch.touches(frame);
        let mut dark = self.read.clone();
        for hole in self.holes.iter().filter(inside) {
            let gap = match told.gaps.iter_mut().find(|gap| gap.cause == hole.cause) {
                Some(gap) => gap,
                None => {
                    told.gaps.push(Gap { cause: hole.cause, ..Gap::default() });
                    let last = told.gaps.len() - 1;
                    &mut told.gaps[last]
                }
            };
            gap.take(hole);
            if hole.is_open() && hole.cause.is_dark() && hole.posts.is_none() {
                dark = dark.into_iter().flat_map(|it| it.without(hole.stretch)).collect();
            }
        }
        told.gaps.sort_by_key(|gap| gap.cause);
        told.window_secs = frame.secs();
        told.not_looked_secs = uncovered_secs(frame, &merged(self.with_holes()));
        told.dark_secs = uncovered_secs(frame, &merged(dark));
        told.weigh();
        told
    }

    /// What was read or is known to be a hole: the rest nobody ever looked at.
    fn with_holes(&self) -> Vec<Stretch> {
        let holes = self.holes.iter().map(|hole| hole.stretch);
        self.read.iter().copied().chain(holes).collect()
    }
}

fn days_before(now: Timestamp, days: i64) -> Timestamp {
    now.saturating_sub(SignedDuration::from_hours(24 * days)).unwrap_or(Timestamp::MIN)
}

/// What the store counts beside the ledger.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stored {
    /// Posts and comments published in the frame that are or were stored.
    pub posts: u64,
    /// Those of them that say what they say in a picture: known, not readable.
    pub pictures_only: u64,
    /// Elements that no parser could read, in the last whole look.
    pub unreadable: u64,
    /// Posts whose comments are closed or not given to us, in the last whole look.
    pub comments_closed: u64,
}

/// All holes of one cause in the frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// Why.
    pub cause: HoleCause,
    /// Open holes.
    pub open: u32,
    /// Those of them that the next look goes back for.
    pub queued: u32,
    /// Holes that a later look read.
    pub back_filled: u32,
    /// Posts known to be missing in the open ones, if anybody knows any.
    pub posts: Option<u32>,
    /// First and last instant of the open ones.
    pub stretch: Option<Stretch>,
}

impl Default for Gap {
    fn default() -> Self {
        let cause = HoleCause::PageMissed;
        Self { cause, open: 0, queued: 0, back_filled: 0, posts: None, stretch: None }
    }
}

impl Gap {
    fn take(&mut self, hole: &Hole) {
        if !hole.is_open() {
            self.back_filled += 1;
            return;
        }
        self.open += 1;
        self.queued += u32::from(hole.state == HoleState::Queued);
        if let Some(posts) = hole.posts {
            self.posts = Some(self.posts.unwrap_or(0).saturating_add(posts));
        }
        let so_far = self.stretch.unwrap_or(hole.stretch);
        let (from, to) = (so_far.from.min(hole.stretch.from), so_far.to.max(hole.stretch.to));
        self.stretch = Some(Stretch { from, to });
    }
}

/// How complete a source is.
///
/// `share = time × posts`, in thousandths, rounded down:
///
/// - `time` = the part of the frame (see [`Ledger::frame`]) that was read: not counted are
///   stretches that no look reached, and open holes of pages or history of which nobody knows how
///   many posts they hold;
/// - `posts` = readable ÷ known. Known = stored posts and comments + posts that open holes are
///   known to miss + elements that no parser could read. Readable = stored less picture-only
///   posts and those of which only the beginning was given to us.
///
/// Not in the share: numbers that nobody was given (removed before we came), comments that are
/// closed or stand below posts too old to be watched, as nobody knows how many there would be, and
/// what was read and is only not watched for removals. They are named beside it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Completeness {
    /// Thousandths; `None` as long as no look has told what it read.
    pub share: Option<u16>,
    /// Seconds of the frame.
    pub window_secs: u64,
    /// Seconds of the frame that were not read.
    pub dark_secs: u64,
    /// Seconds of the frame that no look ever reached and no hole explains: we were not there.
    pub not_looked_secs: u64,
    /// What the store counts.
    pub stored: Stored,
    /// Holes by cause.
    pub gaps: Vec<Gap>,
}

impl Completeness {
    /// The holes of a cause.
    #[must_use]
    pub fn gap(&self, cause: HoleCause) -> Option<&Gap> {
        self.gaps.iter().find(|gap| gap.cause == cause)
    }

    fn missing(&self, cause: HoleCause) -> u64 {
        self.gap(cause).and_then(|gap| gap.posts).map_or(0, u64::from)
    }

    /// Posts and comments that are known to be there and were not read; pictures apart.
    #[must_use]
    pub fn unread(&self) -> u64 {
        let unreadable = self.stored.unreadable.max(self.missing(HoleCause::Unreadable));
        self.missing(HoleCause::PageMissed)
            + self.missing(HoleCause::HistoryEnds)
            + self.missing(HoleCause::CommentsRefused)
            + self.missing(HoleCause::TooMany)
            + unreadable
    }

    fn weigh(&mut self) {
        let time = (self.window_secs.max(1), self.dark_secs.min(self.window_secs));
        let known = u128::from(self.stored.posts + self.unread()).max(1);
        let lacking = self.unread() + self.stored.pictures_only + self.missing(HoleCause::Cut);
        let lacking = u128::from(lacking).min(known);
        let share =
            1_000 * u128::from(time.0 - time.1) * (known - lacking) / (u128::from(time.0) * known);
        self.share = u16::try_from(share).ok();
    }
}

#[cfg(test)]
mod tests;
