//! The reading of the comments below one thing, and what is no longer there.
//!
//! Place in the flow: the second half of [`Pass`], called by `mod` through it. Pure like `look`.
//!
//! Comments stand in one flat list, oldest first. A short list is read whole; a long one that only
//! grew is read from its end back to the first comment that is known already.
//!
//! Invariants: a comment is gone when OK marks it so, or when two whole listings, one in each
//! direction, did not show it; a listing that is partial, odd or counts otherwise than OK's own
//! number of comments concludes nothing.

use std::collections::BTreeSet;

use super::cursor::{Known, Reading};
use super::ids::{CommentId, Ids, Thing};
use super::look::Pass;
use super::wire::{self, Odd};

/// Comments asked for at once; OK gives no more.
pub(super) const PAGE: usize = 100;
/// Comments remembered below one thing, the newest: some 500 kB of cursor where their ids are no
/// numbers. Below a longer list vanished ones are not noticed, and every look says so.
const IDS_MAX: usize = 20_000;
/// A list longer than this is read from its end while it only grows.
const LONG: u64 = 100;
/// Most pages of one reading.
const PAGES_MAX: u32 = 2_000;
/// How often a reading begins again because an anchor was no longer taken.
const AGAIN_MAX: u8 = 2;

/// How OK refuses the comments of one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// They are closed: not asked for again until their number changes.
    Closed,
    /// Not given, perhaps because the thing is just gone: asked for again in a while.
    Denied,
    /// OK finds fault with the request.
    Odd,
}

impl Pass<'_> {
    /// Begins to read below `thing`.
    pub(super) fn open_reading(&mut self, thing: Thing) {
        let Some(known) = self.state.things.get(&thing) else { return };
        let whole = known.read_count.is_none()
            || known.faded(self.now)
            || !known.absent.0.is_empty()
            || known.ids.0.is_empty();
        let grew = known.read_count.is_some_and(|read| read < known.count);
        let tail_only = !whole && grew && known.count > LONG;
        // The listing that confirms another one comes from the other side, so that pages which
        // moved apart do not hide the same comment twice.
        let confirms = !known.absent.0.is_empty() && self.look.repeated.contains(&thing);
        self.look.reading = Some(Reading {
            thing,
            expected: known.count,
            back: tail_only || confirms,
            tail_only,
            ..Reading::default()
        });
    }

    /// Takes a page of comments.
    pub(super) fn comments(&mut self, answer: wire::Comments) {
        let Some(mut reading) = self.look.reading.take() else { return };
        let before = self.state.things.get(&reading.thing).cloned().unwrap_or_default();
        // A list that is left out altogether is believed only where nothing was expected.
        reading.unsure |= answer.comments.is_none() && reading.expected > 0;
        let elements = answer.comments.unwrap_or_default();
        let mut page = Ids::default();
        let mut touches = false;
        // Oldest first, so that a comment comes before its answers.
        let mut ordered: Vec<&Odd<wire::Comment>> = elements.iter().collect();
        if reading.back {
            ordered.reverse();
        }
        for element in ordered {
            let Some((id, comment)) = self.sound(element, &mut reading) else { continue };
            page.0.insert(id.clone());
            touches |= before.ids.0.contains(&id);
            if !reading.last.0.contains(&id) {
                reading.shown += 1;
            }
            self.comment(&id, comment, &before, &mut reading);
        }
        reading.pages += 1;
        let next = answer.onward.next(reading.anchor.as_deref());
        let repeats = !page.0.is_empty() && page.0.is_subset(&reading.last.0);
        let ended = answer.onward.has_more.0 == Some(false) || elements.is_empty();
        reading.unsure |= answer.onward.has_more.yes() && (elements.is_empty() || next.is_none());
        reading.unsure |= repeats || reading.pages >= PAGES_MAX;
        reading.done = ended
            || next.is_none()
            || repeats
            || reading.pages >= PAGES_MAX
            || (reading.tail_only && touches);
        reading.anchor = next;
        reading.last = page;
        self.look.reading = Some(reading);
    }

    /// A comment that makes sense and lives; any odd one is counted and makes the listing unsure.
    fn sound<'c>(
        &mut self,
        element: &'c Odd<wire::Comment>,
        reading: &mut Reading,
    ) -> Option<(CommentId, &'c wire::Comment)> {
        match element {
            Odd::Good(comment) if !comment.id.0.is_empty() => {
                let id = CommentId::of(&comment.id);
                if removed(&comment.kind) {
                    self.draft.gone.push(self.adapter.comment_id(reading.thing, &id));
                    return None;
                }
                Some((id, comment))
            }
            nameless => {
                let came = match nameless {
                    Odd::Good(_) => String::new(),
                    Odd::Bad(odd) => odd.to_string(),
                };
                self.draft.facts.spoil(None, &came, "comments");
                reading.unsure = true;
                None
            }
        }
    }

    /// Hands a comment over, if it lies in the window.
    fn comment(
        &mut self,
        id: &CommentId,
        comment: &wire::Comment,
        before: &Known,
        reading: &mut Reading,
    ) {
        let date = comment.at().map_or(0, |at| at.as_second());
        reading.newest = reading.newest.max(date);
        let stored = |id: &CommentId| before.ids.0.contains(id) || before.absent.0.contains(id);
        if date < self.look.horizon {
            if stored(id) {
                keep(&mut reading.ids, id);
            }
            return;
        }
        let answered = comment.reply_to_comment_id.as_ref().map(CommentId::of);
        let parent = answered.filter(|it| reading.ids.0.contains(it) || stored(it));
        let adapted = self.adapter.comment(reading.thing, id, parent.as_ref(), comment);
        self.draft.facts.pictures_only += u32::from(adapted.pictures_only);
        self.draft.posts.push(adapted.post);
        keep(&mut reading.ids, id);
    }

    /// OK does not show what is below this thing.
    pub(super) fn refused(&mut self, refusal: Refusal) {
        let Some(reading) = self.look.reading.take() else { return };
        match refusal {
            Refusal::Closed | Refusal::Denied => self.unread(reading.thing),
            Refusal::Odd => self.draft.facts.unreadable += 1,
        }
        if let Some(known) = self.state.things.get_mut(&reading.thing) {
            known.remember(&reading);
            if known.read == 0 {
                known.happened = known.lively();
            }
            known.closed = refusal == Refusal::Closed;
            known.read = self.now;
            known.read_count = Some(reading.expected);
        }
    }

    /// An anchor was no longer taken: the reading begins again, but not for ever.
    pub(super) fn read_again(&mut self) -> bool {
        let Some(reading) = self.look.reading.as_mut() else { return false };
        let again = reading.again + 1;
        if reading.anchor.is_none() || again > AGAIN_MAX {
            return false;
        }
        let before = std::mem::take(reading);
        *reading = Reading {
            thing: before.thing,
            expected: before.expected,
            back: before.back,
            tail_only: before.tail_only,
            again,
            ..Reading::default()
        };
        // What it handed on stays known.
        if let Some(known) = self.state.things.get_mut(&before.thing) {
            known.remember(&before);
        }
        true
    }

    /// Ends the reading and compares it with the one before.
    pub(super) fn close_reading(&mut self) {
        let Some(reading) = self.look.reading.take() else { return };
        let thing = reading.thing;
        if reading.pages >= PAGES_MAX {
            let left = reading.expected.saturating_sub(reading.shown);
            self.too_many(self.now, Some(u32::try_from(left).unwrap_or(u32::MAX)));
        }
        let Some(known) = self.state.things.get_mut(&thing) else { return };
        let gone = known.close(&reading, self.now);
        let repeat = !known.absent.0.is_empty() && self.look.repeated.insert(thing);
        if repeat {
            self.look.queue.push_back(thing);
        }
        self.draft.gone.extend(gone.iter().map(|id| self.adapter.comment_id(thing, id)));
    }
}

impl Known {
    /// Takes over a finished reading; returns the comments that are gone.
    fn close(&mut self, reading: &Reading, now: i64) -> Vec<CommentId> {
        let pair = (reading.expected, reading.shown);
        // Two counts that differ may mean a comment in between; the same distance twice is a habit.
        let distance = |(listing, shown): (u64, u64)| i128::from(listing) - i128::from(shown);
        let steady = distance(pair) == 0 || self.pair.map(distance) == Some(distance(pair));
        let first = self.read == 0;
        if self.read_count.is_some_and(|read| read != reading.expected) {
            self.happened = now;
        }
        self.closed = false;
        if reading.tail_only {
            self.ids.0.extend(reading.ids.0.iter().cloned());
            self.read_count = (!reading.unsure).then_some(reading.expected);
            self.bound();
            return Vec::new();
        }
        self.read_count = steady.then_some(reading.expected);
        self.pair = Some(pair);
        if first {
            self.happened = reading.newest.max(self.lively()).min(now);
        }
        self.read = now;
        let before: BTreeSet<CommentId> = self.ids.0.union(&self.absent.0).cloned().collect();
        let mut gone = Vec::new();
        if reading.unsure || !steady {
            self.ids.0.extend(reading.ids.0.iter().cloned());
            self.absent.0.retain(|id| !reading.ids.0.contains(id));
        } else if reading.ids.0.len() >= IDS_MAX {
            self.ids = reading.ids.clone();
            self.absent = Ids::default();
            self.big = true;
        } else {
            self.big = false;
            let missing: BTreeSet<CommentId> = before.difference(&reading.ids.0).cloned().collect();
            gone = missing.intersection(&self.absent.0).cloned().collect();
            self.absent = Ids(missing.difference(&self.absent.0).cloned().collect());
            self.ids = reading.ids.clone();
        }
        self.bound();
        gone
    }

    /// Takes over what a reading has handed on that cannot be finished.
    pub(super) fn remember(&mut self, reading: &Reading) {
        self.ids.0.extend(reading.ids.0.iter().cloned());
        self.bound();
    }

    /// Forgets the oldest comments of a thing that has too many of them.
    fn bound(&mut self) {
        while self.ids.0.len() > IDS_MAX {
            self.ids.0.pop_first();
            self.big = true;
        }
    }
}

/// Whether OK marks a comment as one that is no more.
fn removed(kind: &str) -> bool {
    ["REMOVED", "DELETED"].iter().any(|word| kind.contains(word))
}

fn keep(ids: &mut Ids, id: &CommentId) {
    ids.0.insert(id.clone());
    if ids.0.len() > IDS_MAX {
        ids.0.pop_first();
    }
}
