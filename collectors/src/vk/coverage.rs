//! What a look proves about the completeness of its wall, and what it owes.
//!
//! Place in the flow: the end of a [`Pass`]. Pure like `look`.
//!
//! Invariants: a look says what it read only when it came to its end; holes that stay are told anew
//! by every look, because a look that does not tell them again says that they are closed; a number
//! is missing only after VK was asked for it in an answer that proved itself.
//!
//! Posts and comments of a wall share one sequence of numbers, given in the order of creation. So a
//! number between two that we hold is a post or comment that we were not shown: removed before we
//! came, hidden, or a comment below a post that is older than the window. `wall.getById` tells
//! whether it is a post after all.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::cursor::{Known, POSTS_MAX};
use super::late::Older;
use super::look::{PAGES_MAX, Pass};
use super::talk::Spot;
use crate::raw::{Hole, HoleCause};

/// Look-ups of numbers that were jumped over, in one look. Those that are left are asked for by the
/// looks that follow, so nothing is lost by this bound.
const JUMP_CALLS_MAX: u32 = 10;
/// Least time, in seconds, between two looks that ask for them.
const JUMPS_EVERY_SECS: i64 = 3_600;
/// Most numbers kept of those whose fate is known.
const SETTLED_MAX: usize = 5_000;

impl Pass<'_> {
    /// Notes the dates of a page of the wall: where pages moved apart for good, and between which
    /// dates something could not be read.
    pub(super) fn dated(&mut self, dates: Option<(i64, i64)>, torn: bool, odd: bool) {
        let Some((oldest, newest)) = dates else { return };
        let wall = &mut self.look.wall;
        if torn && wall.oldest > 0 {
            self.draft.facts.coverage.holes.extend(hole(
                newest,
                wall.oldest,
                HoleCause::PageMissed,
                None,
            ));
        }
        let above = if wall.oldest > 0 { wall.oldest } else { self.look.walked };
        wall.oldest = if wall.oldest > 0 { wall.oldest.min(oldest) } else { oldest };
        if odd {
            let odds = &mut self.look.odd;
            odds.from = if odds.to > 0 { odds.from.min(oldest) } else { oldest };
            odds.to = odds.to.max(above);
        }
    }

    /// Comments were missed below a post of this date: the next look reads them again.
    pub(super) fn torn_below(&mut self, from: i64, lacking: u64) {
        let lacking = u32::try_from(lacking).unwrap_or(u32::MAX);
        let missed = hole(from, self.now, HoleCause::PageMissed, Some(lacking));
        self.draft.facts.coverage.holes.extend(missed);
    }

    /// Numbers of the window that nothing explains yet, the newest first.
    pub(super) fn jumps(&self, most: usize) -> Vec<i64> {
        let asked_lately = self.look.jumps == 0 && self.now - self.state.jumped < JUMPS_EVERY_SECS;
        let enough = asked_lately || self.look.brief || self.look.jumps >= JUMP_CALLS_MAX;
        if enough || !self.adapter.source.comments || self.look.mute || most == 0 {
            return Vec::new();
        }
        let Some((lowest, highest)) = self.numbered() else { return Vec::new() };
        let held = self.held();
        let explained = |id: &i64| {
            held.contains(id)
                || self.state.settled.0.contains(id)
                || self.state.missing.0.contains(id)
                || self.look.asked.0.contains(id)
                || self.look.odd.ids.0.contains(id)
        };
        let jumped = (lowest..highest).rev().filter(|id| !explained(id));
        jumped.take(most).collect()
    }

    /// The range of numbers in which every comment is known to us: from the oldest post of the
    /// window up to the first post whose comments we could not read or remember.
    fn numbered(&self) -> Option<(i64, i64)> {
        let window = || {
            let posts = self.state.posts.iter();
            posts.filter(|(_, known)| known.date >= self.look.horizon)
        };
        let (lowest, _) = window().min_by_key(|(id, known)| (known.date, **id))?;
        let last =
            |(id, known): (&i64, &Known)| known.all().last().copied().unwrap_or(*id).max(*id);
        let highest = window().map(last).max()?;
        let opaque = window().filter(|(_, known)| known.opaque()).map(|(id, _)| *id).min();
        Some((*lowest, opaque.map_or(highest, |id| id.min(highest))))
    }

    /// Every number that we hold.
    fn held(&self) -> BTreeSet<i64> {
        let posts = self.state.posts.iter();
        posts.flat_map(|(id, known)| known.all().into_iter().chain([*id])).collect()
    }

    /// Says what this look, which is at its end, read and what it did not.
    pub(super) fn cover(&mut self) {
        self.explain();
        let look = &self.look;
        let stopped = look.wall.pages >= PAGES_MAX;
        let from = if stopped { look.wall.oldest.max(look.horizon) } else { look.horizon };
        // Without a walk the look knows what happened since the last one.
        let from = if look.brief { self.state.walked.max(from) } else { from };
        let read = instant(from.min(look.walked)).zip(instant(look.walked));
        let stopped =
            hole(look.horizon, from, HoleCause::TooMany, None).filter(|_| from > look.horizon);
        let stopped = stopped.filter(|_| look.wall.pages >= PAGES_MAX);
        let standing = [
            self.refused_hole(),
            self.aside_hole(),
            self.odd_hole(),
            self.unwatched_hole(),
            self.dropped_hole(),
            self.late_hole(),
            stopped,
        ];
        let mut holes: Vec<Hole> = standing.into_iter().flatten().collect();
        holes.extend(self.number_holes());
        let coverage = &mut self.draft.facts.coverage;
        coverage.read = read;
        coverage.holes.extend(holes);
        if !self.look.brief {
            self.state.walked = self.look.walked;
        }
    }

    /// Forgets numbers that are out of the window, or came to light. The oldest post need not have
    /// the lowest number: when it leaves the window, lower numbers are of interest again, and what
    /// VK said of them is not to be asked for twice.
    fn explain(&mut self) {
        let held = self.held();
        let lowest = self.numbered().map_or(i64::MAX, |(lowest, _)| lowest);
        let horizon = self.look.horizon;
        let state = &mut self.state;
        let mut window = state.posts.iter().filter(|(_, known)| known.date >= horizon);
        let least = window.next().map_or(i64::MAX, |(id, _)| *id);
        state.settled.0.extend(state.missing.0.range(..lowest));
        state.missing.0.retain(|id| *id >= lowest && !held.contains(id));
        state.settled.0.retain(|id| *id >= least);
        state.missing.0.retain(|id| !state.settled.0.contains(id));
        while state.settled.0.len() > SETTLED_MAX {
            state.settled.0.pop_first();
        }
    }

    /// Comments that are not given to us: one hole for the whole wall, so that their numbers add
    /// up.
    fn refused_hole(&self) -> Option<Hole> {
        let look = &self.look;
        let refused = self.state.posts.iter().filter(|(id, known)| {
            known.date >= look.horizon && (known.shut || look.waiting.0.contains(id))
        });
        let mut first = None;
        let mut posts = 0_u64;
        for (_, known) in refused {
            let lacking = known.count.saturating_sub(known.all().len() as u64);
            if lacking > 0 {
                first = Some(first.unwrap_or(known.date).min(known.date));
                posts += lacking;
            }
        }
        let posts = u32::try_from(posts).unwrap_or(u32::MAX);
        hole(first?, look.walked, HoleCause::CommentsRefused, Some(posts))
    }

    /// Elements that could not be read, on the wall in this look and below posts at their last
    /// reading.
    fn odd_hole(&self) -> Option<Hole> {
        let odds = &self.look.odd;
        let below = self.state.posts.values().filter(|known| known.odd > 0);
        let comments: u32 = below.clone().map(|known| known.odd).sum();
        let first = below.map(|known| known.date).min();
        let wall = u32::try_from(odds.ids.0.len()).unwrap_or(u32::MAX) + odds.nameless;
        let from = match (first, odds.to > 0) {
            (Some(first), true) => first.min(odds.from),
            (Some(first), false) => first,
            (None, true) => odds.from,
            (None, false) => self.look.horizon,
        };
        let to = if first.is_some() || odds.to == 0 { self.look.walked } else { odds.to };
        let all = comments.saturating_add(wall);
        (all > 0).then(|| hole(from, to, HoleCause::Unreadable, Some(all))).flatten()
    }

    /// A side that is refused though people were seen to talk there.
    fn aside_hole(&self) -> Option<Hole> {
        let refused = |spot: &Spot| {
            self.state.turns.get(&spot.side).is_some_and(|turn| turn.refused(self.now))
        };
        let talks = self.state.talks.iter().filter(|(spot, _)| refused(spot));
        let first = talks.map(|(_, known)| known.date).filter(|date| *date >= self.look.horizon);
        hole(first.min()?, self.look.walked, HoleCause::CommentsRefused, None)
    }

    /// More posts than are remembered: those below are handed over and not watched.
    fn dropped_hole(&self) -> Option<Hole> {
        let full = self.state.posts.len() >= POSTS_MAX;
        let oldest = self.state.posts.values().filter(|known| !known.pinned && known.late == 0);
        let oldest = oldest.map(|known| known.date).min()?;
        hole(self.look.horizon, oldest, HoleCause::Unwatched, None).filter(|_| full)
    }

    /// Posts below the end of the walk that are not remembered: what is said there now goes unseen,
    /// unless events tell it.
    fn late_hole(&self) -> Option<Hole> {
        let (look, state) = (&self.look, &self.state);
        let told = self.own && state.ts.is_some();
        let older = state.older.values().map(|Older(date, _)| *date);
        let late = state.posts.values().filter(|known| known.late > 0 && !known.pinned);
        let watched = older.chain(late.map(|known| known.date));
        let watched = watched.filter(|date| *date < look.wall.oldest).count() as u64;
        let unseen = self.adapter.source.comments && !told && look.wall.below > watched;
        hole(look.horizon, look.walked, HoleCause::Late, None).filter(|_| unseen)
    }

    /// Comments of which there are too many to remember them.
    fn unwatched_hole(&self) -> Option<Hole> {
        let oldest = self.look.horizon;
        let posts = self.state.posts.values().filter(|known| known.date >= oldest);
        let big = posts.chain(self.state.talks.values()).filter(|known| known.big);
        let first = big.clone().map(|known| known.date).min()?;
        let comments: u64 = big.map(|known| known.count).sum();
        let comments = u32::try_from(comments).unwrap_or(u32::MAX);
        hole(first, self.look.walked, HoleCause::Unwatched, Some(comments))
    }

    /// Numbers that VK did not show, each stretch between two posts of the window; stretches that
    /// touch are one.
    fn number_holes(&self) -> Vec<Hole> {
        let window = self.state.posts.iter().filter(|(_, known)| known.date >= self.look.horizon);
        let mut posts: Vec<(i64, i64)> = window.map(|(id, known)| (*id, known.date)).collect();
        posts.push((i64::MAX, self.look.walked));
        let mut stretches: Vec<(i64, i64, usize)> = Vec::new();
        let mut touching = false;
        for pair in posts.windows(2) {
            let [(low, below), (high, above)] = pair else { continue };
            let (from, to) = ((*below).min(*above), (*below).max(*above));
            let missing = self.state.missing.0.range(*low..*high).count();
            match stretches.last_mut().filter(|_| touching) {
                Some(last) if missing > 0 => {
                    *last = (last.0.min(from), last.1.max(to), last.2 + missing);
                }
                _ if missing > 0 => stretches.push((from, to, missing)),
                _ => {}
            }
            touching = missing > 0;
        }
        let made =
            |(from, to, missing)| hole(from, to, HoleCause::Numbers, u32::try_from(missing).ok());
        stretches.into_iter().filter_map(made).collect()
    }
}

impl Known {
    /// Whether there may be comments below the post whose numbers we do not know.
    fn opaque(&self) -> bool {
        self.big || (self.shut && self.count > 0) || (self.read_count.is_none() && self.count > 0)
    }
}

fn instant(secs: i64) -> Option<Timestamp> {
    Timestamp::from_second(secs).ok()
}

fn hole(from: i64, to: i64, cause: HoleCause, posts: Option<u32>) -> Option<Hole> {
    Some(Hole { from: instant(from.min(to))?, to: instant(from.max(to))?, cause, posts })
}
