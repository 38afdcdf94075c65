//! The reading of one post's comments: roots, threads, and what is no longer there.
//!
//! Place in the flow: the second half of [`Pass`], called by `mod` through it. Pure like `look`.
//!
//! Invariants: a comment is gone when VK marks it deleted, or when two whole listings of its post,
//! one after the other, did not show it; a listing that is torn, partial or odd concludes nothing.

use std::collections::BTreeSet;

use super::cursor::{Known, Long, Reading, ThreadWalk, Walk};
use super::ids::Ids;
use super::look::{Pass, advance};
use super::talk::{Side, Spot};
use super::wire::{self, Odd};

/// Comments remembered below one post: some 130 kB of cursor. Below a longer one vanished comments
/// are not noticed, and every look says so.
const IDS_MAX: usize = 100_000;
/// A post with more roots than this is read from near its end while it only grows.
const ROOTS_LONG: u64 = 300;
/// So many known roots are read again then.
const ROOTS_AGAIN: u64 = 100;

/// How VK refuses the comments of one post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// They are closed: not asked for again until their number changes.
    Closed,
    /// Access denied, perhaps because the post is just gone: asked for again in a while.
    Denied,
    /// VK finds fault with the request.
    Odd,
}

impl Pass<'_> {
    /// Begins to read below `post`.
    pub(super) fn open_reading(&mut self, post: i64) {
        let Some(known) = self.state.posts.get(&post) else { return };
        let thorough = known.thorough(self.now);
        let offset = known.first_offset(self.now);
        let tail_only = offset > 0;
        self.look.reading = Some(Reading {
            post,
            expected: known.count,
            thorough,
            tail_only,
            roots: Walk { offset, ..Walk::default() },
            ..Reading::default()
        });
    }

    /// Takes a page of roots.
    pub(super) fn roots(&mut self, answer: wire::Comments) {
        let Some(mut reading) = self.look.reading.take() else { return };
        let listed = answer.current_level_count.unwrap_or(answer.count);
        reading.counted.get_or_insert((answer.count, listed));
        let length = answer.items.len() as u64;
        let mut page = Ids::default();
        let mut old = false;
        for element in answer.items {
            let Some(root) = self.sound(element, &mut reading, &mut page) else { continue };
            old |= root.date.is_some_and(|date| date < self.look.horizon);
            let again = reading.roots.last.0.contains(&root.id);
            let replies = root.thread.as_ref().map_or(0, |thread| thread.count);
            if !again {
                reading.roots_seen += 1;
                reading.replies += replies;
            }
            self.root(root, &mut reading);
        }
        reading.torn |= advance(&mut reading.roots, page, length, listed, false);
        // The newest come first: what is older than the window ends the listing.
        reading.roots.done |= reading.backwards && old && reading.roots.slips == 0;
        self.look.reading = Some(reading);
    }

    /// A comment that makes sense; any other is counted and makes the listing unsure.
    fn sound(
        &mut self,
        element: Odd<wire::Comment>,
        reading: &mut Reading,
        page: &mut Ids,
    ) -> Option<wire::Comment> {
        let (number, came) = match element {
            Odd::Good(comment)
                if self.ours(comment.owner_id)
                    && comment.post_id.is_none_or(|post| post == reading.post) =>
            {
                page.0.insert(comment.id);
                return Some(comment);
            }
            Odd::Good(comment) => (None, format!("{} {}", reading.post, comment.id)),
            Odd::Bad(odd) => (wire::number(&odd), odd.to_string()),
        };
        let wall = number.filter(|_| reading.talk.is_none());
        let id = wall.map(|number| self.adapter.id(number));
        self.draft.facts.spoil(id, &came, "comments");
        reading.unsure = true;
        reading.odd += 1;
        page.0.extend(number);
        if reading.talk.is_none() {
            self.state.settled.0.extend(number);
        }
        None
    }

    fn root(&mut self, root: wire::Comment, reading: &mut Reading) {
        let post = reading.post;
        let given = self.comment(&root, None, post, reading);
        if !root.deleted {
            keep(&mut reading.ids, root.id);
        }
        let Some(thread) = root.thread else { return };
        let parent = if given { root.id } else { post };
        let shown = thread.items.unwrap_or_default();
        let whole = shown.len() as u64 >= thread.count;
        let mut unused = Ids::default();
        for element in shown {
            let Some(reply) = self.sound(element, reading, &mut unused) else { continue };
            self.comment(&reply, Some(root.id), parent, reading);
            if !reply.deleted {
                let ids = if whole { &mut reading.ids } else { &mut reading.handed };
                keep(ids, reply.id);
            }
        }
        if whole {
            return;
        }
        let before = self.state.posts.get(&post).and_then(|known| known.long.get(&root.id));
        match before.filter(|long| long.count == thread.count && !reading.thorough) {
            Some(same) => {
                reading.long.insert(root.id, same.clone());
            }
            None if reading.threads.iter().any(|thread| thread.root == root.id) => {}
            None => reading.threads.push_back(ThreadWalk {
                root: root.id,
                count: thread.count,
                parent,
                ..ThreadWalk::default()
            }),
        }
    }

    /// Hands a comment over; false if there is nothing to hand over.
    fn comment(
        &mut self,
        comment: &wire::Comment,
        root: Option<i64>,
        parent: i64,
        reading: &mut Reading,
    ) -> bool {
        if comment.deleted {
            self.removed(reading.talk, [comment.id]);
            return false;
        }
        let date = comment.date.unwrap_or_default();
        reading.newest = reading.newest.max(date);
        if date < self.look.horizon {
            return false;
        }
        let adapted = match reading.talk {
            None => self.adapter.comment(reading.post, root, parent, comment),
            Some(spot) => self.adapter.said(spot, comment),
        };
        let Some(adapted) = adapted else { return false };
        self.draft.facts.pictures_only += u32::from(adapted.pictures_only);
        self.draft.posts.push(adapted.post);
        true
    }

    /// Takes a page of the thread that is being listed.
    pub(super) fn thread(&mut self, answer: wire::Comments) {
        let Some(mut reading) = self.look.reading.take() else { return };
        if let Some(mut thread) = reading.threads.pop_front() {
            let length = answer.items.len() as u64;
            let mut page = Ids::default();
            for element in answer.items {
                let Some(reply) = self.sound(element, &mut reading, &mut page) else { continue };
                self.comment(&reply, Some(thread.root), thread.parent, &mut reading);
                if !reply.deleted {
                    keep(&mut thread.ids, reply.id);
                }
            }
            let listed = answer.current_level_count.unwrap_or(answer.count).max(thread.count);
            reading.torn |= advance(&mut thread.walk, page, length, listed, false);
            if thread.walk.done {
                let long = Long { count: thread.count, ids: thread.ids };
                reading.long.insert(thread.root, long);
            } else {
                reading.threads.push_front(thread);
            }
        }
        self.look.reading = Some(reading);
    }

    /// VK does not show what is below this post, or below this root of it.
    pub(super) fn refused(&mut self, root: Option<i64>, refusal: Refusal) {
        let Some(mut reading) = self.look.reading.take() else { return };
        if root.is_some() {
            // What it has shown so far stays known: the whole post may just have been removed.
            let shown = reading.threads.pop_front().unwrap_or_default().ids;
            reading.handed.0.extend(shown.0);
            reading.unsure = true;
            self.draft.facts.unreadable += 1;
            self.look.reading = Some(reading);
            return;
        }
        match refusal {
            Refusal::Closed | Refusal::Denied => self.draft.facts.comments_closed += 1,
            Refusal::Odd => self.draft.facts.unreadable += 1,
        }
        let now = self.now;
        if let Some(known) = self.known_of(&reading) {
            known.remember(&reading);
            if known.read == 0 {
                known.happened = known.date;
            }
            known.closed = refusal == Refusal::Closed;
            known.shut = true;
            known.off = false;
            known.read = now;
            known.read_count = Some(reading.expected);
        }
    }

    /// Ends the reading and compares it with the one before.
    pub(super) fn close_reading(&mut self) {
        let Some(reading) = self.look.reading.take() else { return };
        let now = self.now;
        let Some(known) = self.known_of(&reading) else { return };
        let torn = reading.torn.then(|| (known.date, Known::lacking(&reading)));
        let gone = known.close(&reading, now);
        let doubtful = !known.absent.is_empty();
        match reading.talk {
            None if doubtful && self.look.repeated.0.insert(reading.post) => {
                self.look.queue.push_back(reading.post);
            }
            Some(spot) if doubtful && self.look.talks_repeated.insert(spot) => {
                self.look.talk_queue.push_back(spot);
            }
            _ => {}
        }
        self.removed(reading.talk, gone);
        if let Some((from, lacking)) = torn {
            self.torn_below(from, lacking);
        }
    }

    /// Comments are gone.
    pub(super) fn removed(&mut self, talk: Option<Spot>, gone: impl IntoIterator<Item = i64>) {
        for id in gone {
            match talk {
                None => {
                    self.draft.gone.push(self.adapter.id(id));
                    self.state.settled.0.insert(id);
                }
                Some(spot) => self.draft.gone.push(self.adapter.said_id(spot, id)),
            }
        }
    }
}

impl Known {
    /// Where a reading of the comments begins: near the end where only new roots are wanted.
    pub(super) fn first_offset(&self, now: i64) -> u64 {
        let grew = self.read_count.is_some_and(|read| read < self.count);
        let tail_only = !self.thorough(now) && grew && self.roots > ROOTS_LONG;
        if tail_only { self.roots - ROOTS_AGAIN } else { 0 }
    }

    /// Whether everything below is read, not only what changed.
    pub(super) fn thorough(&self, now: i64) -> bool {
        self.read_count.is_none() || self.faded(now) || !self.absent.is_empty()
    }

    /// Takes over a finished reading; returns the comments that are gone.
    fn close(&mut self, reading: &Reading, now: i64) -> Vec<i64> {
        let (counted, listed) = reading.counted.unwrap_or_default();
        let pair = (reading.expected, counted);
        // Two counts that differ may mean a comment in between; the same distance twice is a habit.
        let distance = |(wall, list): (u64, u64)| i128::from(wall) - i128::from(list);
        // Below photos nobody counts; the newest comment stands for the count.
        let uncounted = reading.talk.is_some_and(|spot| spot.side == Side::Photos);
        let steady =
            uncounted || distance(pair) == 0 || self.pair.map(distance) == Some(distance(pair));
        let first = self.read == 0;
        let changed = self.read_count.is_some_and(|read| read != reading.expected);
        self.read_count = (steady && !reading.torn).then_some(reading.expected);
        self.pair = Some(pair);
        self.closed = false;
        self.shut = false;
        self.off = false;
        self.odd = if reading.tail_only { self.odd.max(reading.odd) } else { reading.odd };
        if changed {
            self.happened = now;
        }
        if reading.backwards {
            return self.close_backwards(reading, now);
        }
        if reading.tail_only {
            self.ids.0.extend(&reading.ids.0);
            self.long.extend(reading.long.clone());
            self.bound();
            return Vec::new();
        }
        if first {
            self.happened = reading.newest.max(self.date).min(now);
        }
        self.read = now;
        self.roots = reading.roots_seen;
        let before: BTreeSet<i64> = self.all().union(&reading.handed.0).copied().collect();
        self.ids = reading.ids.clone();
        self.long = reading.long.clone();
        let whole = !reading.torn
            && !reading.unsure
            && !reading.overflowed()
            && (reading.roots_seen >= listed || reading.roots_seen + reading.replies >= counted);
        let mut gone = Vec::new();
        if whole {
            self.big = false;
            let shown = self.all_shown();
            let missing: BTreeSet<i64> = before.difference(&shown).copied().collect();
            gone = missing.intersection(&self.absent.0).copied().collect();
            self.absent = Ids(missing.difference(&self.absent.0).copied().collect());
        } else {
            let threads = self.threads();
            self.ids.0.extend(before.difference(&threads));
        }
        self.bound();
        gone
    }

    /// The same of a reading from the newest comment back to the window's begin. Numbers ascend in
    /// a talk, so what is above the lowest one shown was to be shown.
    fn close_backwards(&mut self, reading: &Reading, now: i64) -> Vec<i64> {
        self.happened = self.happened.max(reading.newest).min(now);
        self.read = now;
        let before = self.all();
        let lowest = reading.ids.0.first().copied().unwrap_or(i64::MAX);
        let mut gone = Vec::new();
        if reading.torn || reading.unsure {
            self.ids.0.extend(&reading.ids.0);
        } else {
            let missing = before.range(lowest..).filter(|id| !reading.ids.0.contains(*id));
            let (again, first): (Vec<i64>, Vec<i64>) =
                missing.partition(|id| self.absent.0.contains(*id));
            gone = again;
            self.absent = Ids(first.into_iter().collect());
            self.ids = reading.ids.clone();
        }
        self.bound();
        gone
    }

    /// Takes over what a reading has handed on that cannot be finished.
    pub(super) fn remember(&mut self, reading: &Reading) {
        self.ids.0.extend(reading.ids.0.iter().chain(&reading.handed.0));
        let listed = reading.threads.iter().map(|thread| &thread.ids);
        let long = reading.long.values().map(|long| &long.ids);
        self.ids.0.extend(listed.chain(long).flat_map(|ids| ids.0.iter()));
        self.bound();
    }

    /// Replies of the long threads.
    fn threads(&self) -> BTreeSet<i64> {
        self.long.values().flat_map(|long| long.ids.0.iter().copied()).collect()
    }

    fn all_shown(&self) -> BTreeSet<i64> {
        self.ids.0.union(&self.threads()).copied().collect()
    }

    /// All comments remembered, the absent ones too.
    pub(super) fn all(&self) -> BTreeSet<i64> {
        self.all_shown().union(&self.absent.0).copied().collect()
    }

    /// How many comments a reading did not show that VK counted: at least one if it is torn.
    fn lacking(reading: &Reading) -> u64 {
        let (counted, _) = reading.counted.unwrap_or_default();
        counted.saturating_sub(reading.roots_seen + reading.replies).max(1)
    }

    /// Forgets the comments of a post that has too many of them.
    fn bound(&mut self) {
        let threads: usize = self.long.values().map(|long| long.ids.0.len()).sum();
        if self.ids.0.len() + threads + self.absent.0.len() >= IDS_MAX {
            self.big = true;
            self.ids = Ids::default();
            self.absent = Ids::default();
            self.long.values_mut().for_each(|long| long.ids = Ids::default());
        }
    }
}

impl Reading {
    /// Whether some comments could not be remembered: then nothing is missing.
    fn overflowed(&self) -> bool {
        let full = |ids: &Ids| ids.0.len() >= IDS_MAX;
        full(&self.ids) || full(&self.handed) || self.long.values().any(|long| full(&long.ids))
    }
}

fn keep(ids: &mut Ids, id: i64) {
    if ids.0.len() < IDS_MAX {
        ids.0.insert(id);
    }
}
