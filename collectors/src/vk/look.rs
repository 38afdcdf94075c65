//! The order of a look: wall pages, the comments that changed on them, the posts that were missed,
//! the numbers that were jumped over.
//!
//! Place in the flow: `mod` asks [`Pass::next`] for the next call, makes it and hands the answer to
//! [`Pass::wall`], [`Pass::by_id`] or the methods in `reading`. Pure: no call, no clock in here.
//!
//! Invariants: a post is gone only when it was asked for by number in an answer that proved itself
//! by showing posts known to live; pages overlap, and where two of them do not touch the walk steps
//! back.

use jiff::Timestamp;

use super::adapt::Adapter;
use super::cursor::{Known, Look, Reading, State, Walk};
use super::ids::Ids;
use super::talk::{Side, Spot};
use super::wire::{self, Odd};
use crate::raw::{Facts, RawPost};

/// Elements asked for at once; VK gives no more.
pub(super) const PAGE: u64 = 100;
/// Posts asked for by number at once, and those of them that are known to live.
pub(super) const BY_ID: usize = 100;
pub(super) const PROOFS: usize = 3;
/// So many old posts in a row end the walk. The wall is ordered by date, so one would do; ten are
/// the overlap, and a whole further page would double the calls of every quiet wall for nothing.
const OLD_RUN: u64 = 10;
/// Steps back in a row before a walk goes on all the same.
const SLIPS_MAX: u8 = 5;
/// Most pages of one walk: ten times the longest wall that can be of use.
pub(super) const PAGES_MAX: u32 = 20_000;
/// A look this old (seconds) walks the wall anew before it goes on with comments.
const STALE_SECS: i64 = 3_600;

/// The next call of a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// What happened since, as the Long Poll of an own community tells.
    Hints,
    /// A page of the wall.
    Wall { offset: u64 },
    /// Posts by number: the missed ones, numbers that were jumped over, and some that live.
    ById { missed: Vec<i64>, jumps: Vec<i64>, proofs: Vec<i64> },
    /// Posts older than the window by number, and some that live.
    Older { posts: Vec<i64>, proofs: Vec<i64> },
    /// A page of roots below a post.
    Roots { post: i64, offset: u64 },
    /// A page of a thread.
    Thread { post: i64, root: i64, offset: u64 },
    /// A page of what is said in a talk besides the wall.
    Said { spot: Spot, offset: u64, backwards: bool },
    /// A page of the talks of a side.
    Aside { side: Side, offset: u64 },
    /// Talks by number: the missed ones and some that live.
    AsideById { side: Side, missed: Vec<i64>, proofs: Vec<i64> },
    /// The look is over.
    Finish,
}

/// What a page will hold.
#[derive(Default)]
pub(super) struct Draft {
    pub posts: Vec<RawPost>,
    pub gone: Vec<String>,
    pub gone_below: Vec<String>,
    pub facts: Facts,
}

/// One step of a look over a source's state.
pub(super) struct Pass<'a> {
    pub state: State,
    pub look: Look,
    pub adapter: Adapter<'a>,
    pub draft: Draft,
    /// What may be read besides the wall.
    pub sides: &'a [Side],
    /// We run this community ourselves and hold its token.
    pub own: bool,
    /// Unix seconds.
    pub now: i64,
}

impl<'a> Pass<'a> {
    /// Goes on with the look in `state`, or begins one.
    pub(super) fn begin(
        mut state: State,
        adapter: Adapter<'a>,
        sides: &'a [Side],
        now: Timestamp,
        horizon: Timestamp,
    ) -> Self {
        let fresh = || Look::new(now, horizon);
        let mut look = match state.look.take() {
            Some(look) if look.horizon <= horizon.as_second() => look,
            _ => fresh(),
        };
        let now = now.as_second();
        let stuck = now - look.touched >= STALE_SECS;
        if stuck && let Some(reading) = look.reading.take() {
            // Whatever stood in the way: the others go first.
            let known = match reading.talk {
                Some(spot) => {
                    look.talk_queue.push_back(spot);
                    state.talks.get_mut(&spot)
                }
                None => {
                    look.queue.push_back(reading.post);
                    state.posts.get_mut(&reading.post)
                }
            };
            if let Some(known) = known {
                known.remember(&reading);
            }
        }
        if stuck || (look.wall.done && now - look.walked >= STALE_SECS) {
            look.wall = Walk::default();
            look.walked = now;
            look.urgent = true;
            look.brief = false;
            look.mute = false;
            look.seen = Ids::default();
            look.asked = Ids::default();
            look.glanced = Ids::default();
            look.glances = false;
        }
        look.touched = now;
        Pass { state, look, adapter, draft: Draft::default(), sides, own: false, now }
    }

    /// The next call. Changes the look only in ways that need no answer.
    pub(super) fn next(&mut self) -> Step {
        if self.polls() {
            return Step::Hints;
        }
        loop {
            if !self.look.urgent || self.look.wall.done {
                if let Some(reading) = &self.look.reading {
                    let post = reading.post;
                    if let Some(spot) = reading.talk.filter(|_| !reading.roots.done) {
                        let (offset, backwards) = (reading.roots.offset, reading.backwards);
                        return Step::Said { spot, offset, backwards };
                    }
                    if !reading.roots.done {
                        return Step::Roots { post, offset: reading.roots.offset };
                    }
                    if let Some(thread) = reading.threads.front() {
                        let (root, offset) = (thread.root, thread.walk.offset);
                        return Step::Thread { post, root, offset };
                    }
                    self.close_reading();
                    continue;
                }
                if let Some(post) = self.look.queue.pop_front() {
                    self.open_reading(post);
                    continue;
                }
            }
            if !self.look.wall.done {
                return Step::Wall { offset: self.look.wall.offset };
            }
            let missed = self.missed();
            let jumps = self.jumps(BY_ID - PROOFS - missed.len());
            if !missed.is_empty() || !jumps.is_empty() {
                return Step::ById { missed, jumps, proofs: self.proofs() };
            }
            let older = self.older_ones();
            if !older.is_empty() {
                return Step::Older { posts: older, proofs: self.proofs() };
            }
            if let Some(spot) = self.next_talk() {
                self.open_talk(spot);
                continue;
            }
            return self.next_aside().unwrap_or(Step::Finish);
        }
    }

    /// Ends the look; what remains is the memory for the next one.
    pub(super) fn finish(mut self) -> (State, Draft) {
        self.cover();
        let mut state = self.state;
        state.forget(self.look.horizon, self.now);
        (state, self.draft)
    }

    /// Breaks off between two pages.
    pub(super) fn pause(self) -> (State, Draft) {
        let mut state = self.state;
        state.look = Some(self.look);
        (state, self.draft)
    }

    /// Takes a page of the wall.
    pub(super) fn wall(&mut self, answer: wire::Wall) {
        self.state.walls += 1;
        if self.look.queue.is_empty() && self.look.reading.is_none() {
            self.state.forget(self.look.horizon, self.now);
        }
        if self.look.wall.offset == 0 {
            self.state.posts.values_mut().for_each(|known| known.pinned = false);
        }
        let length = answer.items.len() as u64;
        let mut page = Ids::default();
        let mut old_run = self.look.wall.old;
        let mut dates: Option<(i64, i64)> = None;
        let unreadable = self.draft.facts.unreadable;
        for element in answer.items {
            let Some(post) = self.readable(element, &mut page) else { continue };
            page.0.insert(post.id);
            if !post.is_pinned {
                let (oldest, newest) = dates.unwrap_or((post.date, post.date));
                dates = Some((oldest.min(post.date), newest.max(post.date)));
            }
            if !post.is_pinned && !self.look.wall.last.0.contains(&post.id) {
                old_run = if post.date < self.look.horizon { old_run + 1 } else { 0 };
            }
            self.wall_post(&post);
        }
        self.look.wall.old = old_run;
        self.look.wall.below = answer.count.saturating_sub(self.look.wall.offset + length);
        let torn = advance(&mut self.look.wall, page, length, answer.count, true);
        self.dated(dates, torn, self.draft.facts.unreadable > unreadable);
        let wall = &mut self.look.wall;
        wall.done |= wall.old >= OLD_RUN && wall.slips == 0 && !torn;
        if wall.done {
            self.look.urgent = false;
        }
    }

    /// A post that makes sense; any other is counted and, if it has a number, taken to live.
    pub(super) fn readable(
        &mut self,
        element: Odd<wire::Post>,
        page: &mut Ids,
    ) -> Option<wire::Post> {
        let (number, came) = match element {
            Odd::Good(post) if self.ours(post.owner_id) && post.date > 0 => return Some(post),
            Odd::Good(post) => {
                let came = post.id.to_string();
                (Some(post.id).filter(|_| self.ours(post.owner_id)), came)
            }
            Odd::Bad(odd) => (wire::number(&odd), odd.to_string()),
        };
        let id = number.map(|number| self.adapter.id(number));
        self.draft.facts.spoil(id, &came, "wall");
        match number {
            Some(number) => {
                page.0.insert(number);
                self.look.seen.0.insert(number);
                self.look.odd.ids.0.insert(number);
            }
            None => self.look.odd.nameless += 1,
        }
        None
    }

    pub(super) fn ours(&self, owner: Option<i64>) -> bool {
        owner.is_none_or(|owner| owner == self.state.owner)
    }

    pub(super) fn wall_post(&mut self, post: &wire::Post) {
        if post.is_deleted {
            self.gone(post.id);
            return;
        }
        let old = post.date < self.look.horizon;
        let count = post.comments.as_ref().and_then(|comments| comments.count);
        if old && !post.is_pinned && !self.late(post, count) {
            self.state.settled.0.insert(post.id);
            return;
        }
        let Some(adapted) = self.adapter.post(post) else {
            self.look.seen.0.insert(post.id);
            self.state.settled.0.insert(post.id);
            return;
        };
        let known = self.state.posts.contains_key(&post.id);
        let silent = !known && count.is_none_or(|count| count == 0);
        if old && (!self.adapter.source.comments || silent) {
            // Pinned for months and silent: nothing of it lies in the window.
            self.state.settled.0.insert(post.id);
            return;
        }
        let first = self.look.seen.0.insert(post.id);
        let known = self.state.posts.entry(post.id).or_default();
        known.date = post.date;
        known.count = count.unwrap_or(known.count);
        known.pinned = post.is_pinned;
        known.missed = false;
        let due = self.due(post.id);
        if due && !self.look.queue.contains(&post.id) && self.reading_post() != Some(post.id) {
            self.look.queue.push_back(post.id);
        }
        // A comment that an event tells hangs on it, so it is handed over whatever is counted.
        let woken = self.state.posts.get(&post.id).is_some_and(|known| known.late == self.now);
        if old && !due && !woken {
            return;
        }
        if first {
            let closed = self.adapter.source.comments
                && self.state.posts.get(&post.id).is_some_and(|known| known.closed);
            self.draft.facts.comments_closed += u32::from(closed && !due);
            self.draft.facts.pictures_only += u32::from(adapted.pictures_only);
        }
        self.draft.posts.push(adapted.post);
    }

    pub(super) fn reading_post(&self) -> Option<i64> {
        let reading = self.look.reading.as_ref().filter(|reading| reading.talk.is_none());
        reading.map(|reading| reading.post)
    }

    /// Whether the comments of a post are to be read now.
    fn due(&self, post: i64) -> bool {
        let known = self.state.posts.get(&post);
        self.adapter.source.comments
            && !self.look.mute
            && known.is_some_and(|known| self.is_due(known))
    }

    /// Whether what stands below is to be read now.
    pub(super) fn is_due(&self, known: &Known) -> bool {
        match known.read_count {
            None => known.count > 0 || !known.all().is_empty(),
            Some(read) if read != known.count => true,
            Some(_) => !known.closed && (!known.absent.is_empty() || known.faded(self.now)),
        }
    }

    /// Known posts of the window that the walk did not show.
    fn missed(&self) -> Vec<i64> {
        let look = &self.look;
        if look.brief {
            return Vec::new();
        }
        let missed = self.state.posts.iter().filter(|(id, known)| {
            known.date >= look.horizon && !look.seen.0.contains(id) && !look.asked.0.contains(id)
        });
        missed.map(|(id, _)| *id).take(BY_ID - PROOFS).collect()
    }

    /// Some posts that the walk has just shown alive, wanted or not.
    fn proofs(&self) -> Vec<i64> {
        let known = self.state.posts.keys().rev().filter(|id| self.look.seen.0.contains(id));
        let others = self.look.wall.last.0.iter().filter(|id| !self.look.seen.0.contains(id));
        known.chain(others).copied().take(PROOFS).collect()
    }

    /// Takes an answer about posts asked for by number.
    pub(super) fn by_id(
        &mut self,
        missed: &[i64],
        jumps: &[i64],
        proofs: &[i64],
        answer: wire::ById,
    ) {
        self.look.asked.0.extend(missed.iter().chain(jumps));
        if !jumps.is_empty() {
            self.look.jumps += 1;
            self.state.jumped = self.now;
        }
        let mut shown = Ids::default();
        let unreadable = self.draft.facts.unreadable;
        for element in answer.items() {
            let Some(post) = self.readable(element, &mut shown) else { continue };
            shown.0.insert(post.id);
            // A number that was jumped over and is a post of the window: the wall hid it from us.
            if missed.contains(&post.id) || jumps.contains(&post.id) {
                self.wall_post(&post);
            }
        }
        if self.draft.facts.unreadable > unreadable {
            return;
        }
        let proven = proofs.iter().any(|id| shown.0.contains(id));
        if proven {
            self.state.missing.0.extend(jumps.iter().filter(|id| !shown.0.contains(id)));
        }
        for id in missed.iter().filter(|id| !shown.0.contains(id)) {
            let Some(known) = self.state.posts.get_mut(id) else { continue };
            // An empty wall has nothing to prove an answer with: it takes two looks.
            if proven || (proofs.is_empty() && known.missed) {
                self.gone(*id);
            } else if proofs.is_empty() {
                known.missed = true;
            }
        }
    }

    /// A post is gone, and what stood below it can no longer be read by anybody.
    pub(super) fn gone(&mut self, post: i64) {
        self.draft.gone.push(self.adapter.id(post));
        self.draft.gone_below.push(self.adapter.id(post));
        let of_post = |it: &mut Reading| it.talk.is_none() && it.post == post;
        if let Some(reading) = self.look.reading.take_if(of_post)
            && let Some(known) = self.state.posts.get_mut(&post)
        {
            known.remember(&reading);
        }
        let comments = self.state.posts.remove(&post).map(|known| known.all()).unwrap_or_default();
        self.draft.gone.extend(comments.iter().map(|id| self.adapter.id(*id)));
        self.state.settled.0.insert(post);
        self.state.settled.0.extend(comments);
    }

    /// Comments are not given to us today: the look goes on without them and says how many wait.
    pub(super) fn mute(&mut self) {
        let waiting = self.look.queue.len() + usize::from(self.look.reading.is_some());
        self.draft.facts.comments_closed += u32::try_from(waiting).unwrap_or(u32::MAX);
        self.look.waiting.0.extend(self.look.queue.drain(..));
        if let Some(reading) = self.look.reading.take() {
            self.look.waiting.0.insert(reading.post);
            if let Some(known) = self.state.posts.get_mut(&reading.post) {
                known.remember(&reading);
            }
        }
        self.look.mute = true;
    }
}

impl Known {
    /// Whether the comments were read so long ago, against the time since something happened below
    /// the post, that they are read again though their number is the same: an edit, or one deleted
    /// and one written, does not change the number. Half an hour after the last event, then at
    /// three times the distance each time, and every two days.
    pub(super) fn faded(&self, now: i64) -> bool {
        const FIRST_SECS: i64 = 1_800;
        const LAST_SECS: i64 = 2 * 86_400;
        const PARTLY_SECS: i64 = 3 * 3_600;
        let since = now - self.happened;
        let read_after = (self.read - self.happened).max(0);
        let read_ago = now - self.read;
        // What was handed on and is counted no more still waits for its proof.
        (self.count > 0 || !self.ids.is_empty())
            && ((since >= FIRST_SECS && since >= 3 * read_after)
                || read_ago >= LAST_SECS
                || (self.happened > self.read && read_ago >= PARTLY_SECS))
    }
}

/// Moves a walk on after a page of `length` elements. `total` is what the answer counts in all;
/// only where it is `trusted` it ends the walk after a full page. True if pages moved apart for
/// good, or if the walk ends here only because it grew too long.
pub(super) fn advance(walk: &mut Walk, page: Ids, length: u64, total: u64, trusted: bool) -> bool {
    walk.pages += 1;
    let touches = walk.last.is_empty() || page.is_empty() || !walk.last.0.is_disjoint(&page.0);
    if !touches && walk.slips < SLIPS_MAX {
        walk.slips += 1;
        walk.offset = walk.offset.saturating_sub(PAGE - PAGE / 10);
        return false;
    }
    walk.slips = 0;
    let fresh = !page.0.is_subset(&walk.last.0);
    let next = walk.offset + length;
    let full = length >= PAGE && !trusted;
    let ended = length == 0 || !fresh || (next >= total && !full);
    let stopped = !ended && walk.pages >= PAGES_MAX;
    walk.done = ended || stopped;
    walk.offset = next - length.div_ceil(10);
    walk.last = page;
    !touches || stopped
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A listing that grows too long is not taken for a whole one.
    #[test]
    fn a_walk_that_is_stopped_is_torn() {
        let page = |first: i64| Ids((first..first + 100).collect());
        let mut walk = Walk { pages: PAGES_MAX - 2, last: page(0), ..Walk::default() };
        assert!(!advance(&mut walk, page(90), 100, u64::MAX, true) && !walk.done);
        assert!(advance(&mut walk, page(180), 100, u64::MAX, true) && walk.done);
        let mut walk = Walk { pages: PAGES_MAX - 1, last: page(0), ..Walk::default() };
        assert!(!advance(&mut walk, page(90), 100, 50, true) && walk.done, "it came to its end");
    }
}
