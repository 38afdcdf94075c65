//! Talk below posts that are older than the window: somebody answers a month later.
//!
//! Place in the flow: part of a [`Pass`]; pure like `look`. A post that leaves the window, or that
//! the walk shows below it, is remembered with its number of comments. Where that number has
//! changed, on a page of the wall that was asked for anyway or on a look-up by number now and then,
//! or where the Long Poll told of it, the post is read like one of the window for as long as people
//! talk there.
//!
//! Invariants: looking up costs a tenth of what the wall does, or a look-up a day; comments older
//! than the window are not handed over; a post is gone only when an answer that proved itself did
//! not show it. Not seen: a comment below a post older than a month, unless an event tells of it,
//! and one that came while another went.

use serde::{Deserialize, Serialize};

use super::cursor::{State, Turn};
use super::ids::Ids;
use super::look::{BY_ID, PROOFS, Pass};
use super::wire;

/// Older posts are looked up at most so often, and at least so often (seconds).
const SOONEST_SECS: i64 = 6 * 3_600;
const LATEST_SECS: i64 = 24 * 3_600;
/// So many pages of the wall come to each look-up.
const WALLS_A_CALL: u64 = 10;
/// Most older posts remembered; the oldest numbers go first.
const OLDER_MAX: usize = 2_000;
/// A number of comments that nothing is equal to: they were never read.
const NEVER: u64 = u64::MAX;

/// A post older than the window: when it was published (Unix seconds) and its comments.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Older(pub i64, pub u64);

impl Pass<'_> {
    /// Whether a post older than the window is read all the same, because people talk below it.
    pub(super) fn late(&mut self, post: &wire::Post, count: Option<u64>) -> bool {
        let Some(count) = count.filter(|_| self.adapter.source.comments) else { return false };
        let now = self.now;
        self.look.glanced.0.insert(post.id);
        self.unpinned(post.id);
        if let Some(known) = self.state.posts.get_mut(&post.id).filter(|known| known.late > 0) {
            if known.read_count != Some(count) {
                known.late = now;
            }
            return true;
        }
        let called = self.look.called.0.contains(&post.id);
        let before = self.state.older.insert(post.id, Older(post.date, count));
        if !called && before.is_none_or(|Older(_, before)| before == count) {
            return false;
        }
        self.state.older.remove(&post.id);
        let known = self.state.posts.entry(post.id).or_default();
        (known.late, known.happened) = (now, now);
        true
    }

    /// A post that the window kept only because it was pinned leaves it as every other did: with
    /// the number of comments that were read, not with the one that stands there now.
    fn unpinned(&mut self, id: i64) {
        let kept = self.state.posts.get(&id).is_some_and(|known| known.late == 0);
        if kept && !self.look.queue.contains(&id) && self.reading_post() != Some(id) {
            self.state.let_go(id);
        }
    }

    /// Older posts that are to be looked up now: those of which events told, and now and then all.
    pub(super) fn older_ones(&mut self) -> Vec<i64> {
        if !self.adapter.source.comments || self.look.mute {
            return Vec::new();
        }
        let turn = self.state.glance;
        let weighed = self.now >= turn.soonest && self.state.walls >= turn.walls;
        if !self.look.brief && !self.look.glances && (weighed || self.now >= turn.latest) {
            self.look.glances = true;
            self.look.glance_calls = 0;
        }
        let open = |id: &&i64| !self.look.seen.0.contains(id) && !self.look.glanced.0.contains(id);
        let late = self.state.posts.iter().filter(|(_, known)| known.late > 0).map(|(id, _)| id);
        let all = self.state.older.keys().rev().chain(late).filter(|_| self.look.glances);
        let called = self.look.called.0.iter();
        let ids: Ids = Ids(called.chain(all).filter(open).take(BY_ID - PROOFS).copied().collect());
        if ids.is_empty() && self.look.glances && self.now >= turn.soonest {
            self.state.glance = Turn {
                soonest: self.now + SOONEST_SECS,
                latest: self.now + LATEST_SECS,
                walls: self.state.walls + WALLS_A_CALL * self.look.glance_calls,
            };
        }
        ids.0.into_iter().collect()
    }

    /// Takes an answer about older posts.
    pub(super) fn older(&mut self, asked: &[i64], proofs: &[i64], answer: wire::ById) {
        self.look.glanced.0.extend(asked);
        self.look.glance_calls += 1;
        let mut shown = Ids::default();
        let unreadable = self.draft.facts.unreadable;
        for element in answer.items() {
            let Some(post) = self.readable(element, &mut shown) else { continue };
            shown.0.insert(post.id);
            if asked.contains(&post.id) {
                self.wall_post(&post);
            }
        }
        let sound = self.draft.facts.unreadable == unreadable;
        let proven = sound && proofs.iter().any(|id| shown.0.contains(id));
        for id in asked.iter().filter(|id| !shown.0.contains(id)) {
            if proven {
                self.state.older.remove(id);
                self.gone(*id);
            } else if self.look.called.0.contains(id) {
                // What an event told is asked for again.
                self.state.older.insert(*id, Older(self.now, NEVER));
            }
        }
    }
}

impl State {
    /// Remembers a post that leaves the window.
    pub(super) fn grow_old(&mut self, id: i64, date: i64, count: u64, read: Option<u64>) {
        let read = read.unwrap_or(if count == 0 { 0 } else { NEVER });
        self.older.insert(id, Older(date, read));
    }

    /// Forgets posts published before `oldest`, in Unix seconds.
    pub(super) fn forget_older(&mut self, oldest: i64) {
        self.older.retain(|_, Older(date, _)| *date >= oldest);
        while self.older.len() > OLDER_MAX {
            self.older.pop_first();
        }
    }
}
