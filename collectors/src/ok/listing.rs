//! What the listings show: topics, discussions of photos and films, and answers about single ones.
//!
//! Place in the flow: the first half of [`Pass`], called by `mod` through it. Pure like `look`.
//!
//! Invariants: an element that makes no sense is counted and, if it has a number, taken to live; a
//! listing alone never proves that something is gone.

use jiff::Timestamp;

use super::cursor::Walk;
use super::ids::{Kind, Thing};
use super::look::{PROOFS, Pass, REFUSED_SECS};
use super::wire::{self, Odd};
use crate::raw::{Hole, HoleCause};

/// Elements asked for at once.
pub(super) const PAGE: usize = 50;
/// So many old topics in a row end the walk. Topics are ordered by date below those held on top, so
/// one would do; ten leave room for several of those.
const OLD_RUN: u32 = 10;
/// Most pages of one walk.
const PAGES_MAX: u32 = 2_000;
/// How often a walk that met something new deep down is made again in one look.
const AGAIN_MAX: u8 = 2;
/// Longest anchor that is believed to be one.
const ANCHOR_MAX: usize = 1_024;

/// A topic that makes sense.
struct Sound<'t> {
    id: i64,
    date: i64,
    published: Timestamp,
    topic: &'t wire::Topic,
}

impl Pass<'_> {
    /// Takes a page of topics.
    pub(super) fn topics(&mut self, answer: wire::Topics) {
        let first_page = self.look.topics.pages == 0;
        if self.look.queue.is_empty() && self.look.reading.is_none() {
            self.state.forget(self.look.horizon, self.now);
        }
        if first_page {
            self.state.things.values_mut().for_each(|known| known.pinned = false);
        }
        let elements = answer.media_topics.unwrap_or_default();
        let others = others(answer.entities.as_ref());
        let sound: Vec<Option<Sound<'_>>> =
            elements.iter().map(|element| self.readable(element)).collect();
        // Whatever stands above a younger topic is held there.
        let younger_below = |at: usize, date: i64| {
            first_page && sound[at + 1..].iter().flatten().any(|it| it.date > date)
        };
        let mut old_run = self.look.topics.old;
        let mut news = false;
        for (at, it) in sound.iter().enumerate() {
            let Some(it) = it else { continue };
            let pinned = younger_below(at, it.date);
            let thing = Thing::topic(it.id);
            if !pinned && !self.look.seen.contains(&thing) {
                old_run = if it.date < self.look.horizon { old_run + 1 } else { 0 };
            }
            news |= it.date >= self.look.horizon && !self.state.things.contains_key(&thing);
            self.topic(it, pinned, &others);
        }
        let walk = &mut self.look.topics;
        walk.old = old_run;
        walk.news |= news && !first_page;
        let stopped = advance(walk, &answer.onward, elements.len());
        walk.done |= walk.old >= OLD_RUN;
        let oldest = sound.iter().flatten().map(|it| it.date).min();
        if let Some(oldest) = oldest.filter(|_| stopped) {
            self.too_many(oldest, None);
        }
        self.again();
    }

    /// A listing grew too long: what is older than `oldest` (Unix seconds) is left.
    pub(super) fn too_many(&mut self, oldest: i64, posts: Option<u32>) {
        let begin = self.look.horizon;
        let ends = (Timestamp::from_second(begin), Timestamp::from_second(oldest.max(begin)));
        if let (Ok(from), Ok(to)) = ends {
            let hole = Hole { from, to, cause: HoleCause::TooMany, posts };
            self.draft.facts.coverage.holes.push(hole);
        }
    }

    /// Pages of a long walk move apart unseen when something is deleted between two calls, and
    /// what slipped through would be out of the next look's window: such a walk is made again.
    fn again(&mut self) {
        let walk = &mut self.look.topics;
        if !walk.done || !walk.news {
            return;
        }
        if walk.again < AGAIN_MAX {
            let again = walk.again + 1;
            *walk = Walk { again, ..Walk::default() };
        } else if let (Ok(from), Ok(to)) =
            (Timestamp::from_second(self.look.horizon), Timestamp::from_second(self.now))
        {
            let hole = Hole { from, to, cause: HoleCause::PageMissed, posts: None };
            self.draft.facts.coverage.holes.push(hole);
        }
    }

    fn readable<'t>(&mut self, element: &'t Odd<wire::Topic>) -> Option<Sound<'t>> {
        let number = match element {
            Odd::Good(topic) => {
                let date = wire::instant(topic.created_ms.as_ref(), None);
                match (topic.id.number(), date) {
                    (Some(id), Some(published)) => {
                        let date = published.as_second();
                        return Some(Sound { id, date, published, topic });
                    }
                    (number, _) => number,
                }
            }
            Odd::Bad(odd) => wire::number(odd),
        };
        let came = match element {
            Odd::Good(topic) => topic.id.0.clone(),
            Odd::Bad(odd) => odd.to_string(),
        };
        let id = number.map(|number| self.adapter.id(Thing::topic(number)));
        self.draft.facts.spoil(id, &came, "topics");
        self.look.seen.extend(number.map(Thing::topic));
        None
    }

    fn topic(&mut self, it: &Sound<'_>, pinned: bool, others: &[&wire::Topic]) {
        let thing = Thing::topic(it.id);
        let count = it.topic.discussion_summary.as_ref().and_then(|all| all.comments_count);
        let old = it.date < self.look.horizon;
        if old {
            // Old and not on top, or silent for months: nothing of it lies in the window.
            let silent = !self.adapter.source.comments || count.is_none_or(|count| count == 0);
            if !pinned || silent {
                let old = &mut self.look.old;
                if old.len() < PROOFS && !old.contains(&it.id) {
                    old.push(it.id);
                }
                return;
            }
        }
        let first = self.look.seen.insert(thing);
        let known = self.state.things.entry(thing).or_default();
        known.date = it.date;
        known.count = count.unwrap_or(known.count);
        known.pinned = pinned;
        known.missed = false;
        let due = self.weigh(thing);
        if old && !due {
            return;
        }
        let adapted = self.adapter.topic(it.id, it.published, it.topic, others);
        if it.topic.has_more.yes() {
            self.look.cut.insert(it.id);
        }
        if first {
            self.draft.facts.pictures_only += u32::from(adapted.pictures_only);
            self.closed(thing, due);
        }
        self.draft.posts.push(adapted.post);
    }

    /// Counts closed comments once a look.
    fn closed(&mut self, thing: Thing, due: bool) {
        let mute = self.look.mute;
        let unread = self.state.things.get(&thing).is_some_and(|known| {
            let waits = known.count > 0 && known.read_count != Some(known.count);
            known.closed || (mute && waits)
        });
        if self.adapter.source.comments && !due && unread {
            self.unread(thing);
        }
    }

    /// Takes an answer about topics asked for by id.
    pub(super) fn by_ids(&mut self, missed: &[i64], proofs: &[i64], answer: wire::Topics) {
        self.look.asked.extend(missed.iter().copied().map(Thing::topic));
        let unreadable = self.draft.facts.unreadable;
        // A list that is left out altogether tells of no topic, and least of all that it is gone.
        let Some(elements) = answer.media_topics else { return };
        let others = others(answer.entities.as_ref());
        let mut shown = Vec::new();
        for element in &elements {
            let Some(it) = self.readable(element) else { continue };
            shown.push(it.id);
            let thing = Thing::topic(it.id);
            if !missed.contains(&it.id) {
                continue;
            }
            if it.topic.has_more.yes() {
                // Only its first blocks: what is stored is more.
                self.look.seen.insert(thing);
                continue;
            }
            let pinned = self.state.things.get(&thing).is_some_and(|known| known.pinned);
            self.topic(&it, pinned, &others);
        }
        if self.draft.facts.unreadable > unreadable {
            return;
        }
        let proven = proofs.iter().any(|id| shown.contains(id));
        // Asked for one by one, OK says by an error that there is none; a blank list says nothing.
        let bare = proofs.is_empty() && !self.look.singly;
        for id in missed.iter().filter(|id| !shown.contains(id)) {
            self.absent(Thing::topic(*id), proven, bare);
        }
    }

    /// OK says of topics asked for by id that there are none: then they are asked for one by one.
    pub(super) fn no_such_topics(&mut self, missed: &[i64]) {
        match missed {
            [only] if self.look.singly => {
                self.look.asked.insert(Thing::topic(*only));
                self.absent(Thing::topic(*only), false, true);
            }
            _ => self.look.singly = true,
        }
    }

    /// OK does not answer about topics asked for by id: nothing is known of them.
    pub(super) fn not_told(&mut self, missed: &[i64]) {
        self.look.asked.extend(missed.iter().copied().map(Thing::topic));
    }

    /// Something that was asked for was not shown. Without anything that proves the answer good it
    /// takes two looks to believe it.
    fn absent(&mut self, thing: Thing, proven: bool, nothing_to_prove: bool) {
        let Some(known) = self.state.things.get_mut(&thing) else { return };
        if proven || (nothing_to_prove && known.missed) {
            self.gone(thing);
        } else if nothing_to_prove {
            known.missed = true;
        }
    }

    /// Takes a page of what people talk below.
    pub(super) fn discussions(&mut self, answer: wire::Discussions) {
        let elements = answer.discussions.unwrap_or_default();
        let mut oldest = i64::MAX;
        for element in &elements {
            let found = match element {
                Odd::Good(found) => found,
                Odd::Bad(odd) => {
                    self.draft.facts.spoil(None, &odd.to_string(), "discussions");
                    continue;
                }
            };
            let active = found.active().map(|at| at.as_second());
            oldest = oldest.min(active.unwrap_or(i64::MAX));
            let kind = Kind::of(&found.object_type).filter(|kind| *kind != Kind::Topic);
            let number = found.object_id.number();
            let (Some(kind), Some(id), true) = (kind, number, found.of(self.state.group)) else {
                continue;
            };
            self.discussed(Thing { kind, id }, active, found);
        }
        let walk = &mut self.look.photos;
        let stopped = advance(walk, &answer.onward, elements.len());
        // Ordered by what was said last.
        walk.done |= oldest < self.look.horizon;
        if stopped && (self.look.horizon..=self.now).contains(&oldest) {
            self.too_many(oldest, Some(1));
        }
    }

    /// A photo or film that people talk below.
    fn discussed(&mut self, thing: Thing, active: Option<i64>, found: &wire::Discussion) {
        let created = found.created().map_or(0, |at| at.as_second());
        let active = active.unwrap_or(created);
        if active.max(created) < self.look.horizon {
            // Seen, if it is known: then it is no longer asked for.
            if let Some(known) = self.state.things.get_mut(&thing) {
                known.active = active;
                self.look.seen.insert(thing);
            }
            return;
        }
        let first = self.look.seen.insert(thing);
        let known = self.state.things.entry(thing).or_default();
        known.date = created;
        known.active = active;
        known.count = found.total_comments_count.unwrap_or(known.count);
        known.missed = false;
        let due = self.weigh(thing);
        if created < self.look.horizon && !due {
            return;
        }
        let adapted = self.adapter.discussion(thing, found);
        if first {
            self.draft.facts.pictures_only += u32::from(adapted.pictures_only);
            self.closed(thing, due);
        }
        self.draft.posts.push(adapted.post);
    }

    /// Notes that a photo or film was asked for by id.
    fn asked(&mut self, thing: Thing) {
        self.look.asked.insert(thing);
        if let Some(known) = self.state.things.get_mut(&thing) {
            known.asked = self.now;
        }
    }

    /// Takes an answer about one photo or film.
    pub(super) fn discussion(&mut self, thing: Thing, found: &wire::Discussion) {
        self.asked(thing);
        let same = Kind::of(&found.object_type) == Some(thing.kind)
            && found.object_id.number() == Some(thing.id);
        if !same {
            self.draft.facts.unreadable += 1;
            return;
        }
        let active = found.active().map(|at| at.as_second());
        self.discussed(thing, active, found);
    }

    /// OK does not show one photo or film; `gone` if it says that there is none.
    pub(super) fn no_discussion(&mut self, thing: Thing, gone: bool) {
        self.asked(thing);
        if gone {
            self.absent(thing, false, true);
        }
    }

    /// The list of photo and film discussions is not given to us now.
    pub(super) fn no_list(&mut self) {
        self.look.photos.done = true;
        self.state.no_list_until = self.now + REFUSED_SECS;
    }

    /// An anchor was no longer taken: the walk begins again, but not for ever.
    pub(super) fn walk_again(&mut self, step_is_topics: bool) -> bool {
        let walk = if step_is_topics { &mut self.look.topics } else { &mut self.look.photos };
        let again = walk.again + 1;
        if walk.anchor.is_none() || again > AGAIN_MAX {
            return false;
        }
        *walk = Walk { again, news: walk.news, ..Walk::default() };
        true
    }
}

fn others(entities: Option<&wire::Entities>) -> Vec<&wire::Topic> {
    let topics = entities.and_then(|it| it.media_topics.as_ref());
    let mut found = Vec::new();
    for element in topics.into_iter().flatten() {
        if let Odd::Good(topic) = element {
            found.push(topic);
        }
    }
    found
}

/// Moves a walk on after a page of `length` elements. True if it ends here only because it grew too
/// long.
fn advance(walk: &mut Walk, onward: &wire::Onward, length: usize) -> bool {
    walk.pages += 1;
    let next = onward.next(walk.anchor.as_deref());
    let ended = length == 0 || next.is_none();
    walk.done = ended || walk.pages >= PAGES_MAX;
    walk.anchor = next.filter(|_| !walk.done);
    walk.done && !ended
}

impl wire::Onward {
    /// The anchor of the next page, if there is one: none when OK says so, when it gives no anchor,
    /// or the same as before.
    pub(super) fn next(&self, before: Option<&str>) -> Option<String> {
        if self.has_more.0 == Some(false) {
            return None;
        }
        let anchor = self.anchor.as_ref().map(|anchor| anchor.0.as_str());
        let fits = |anchor: &&str| !anchor.is_empty() && anchor.len() <= ANCHOR_MAX;
        anchor.filter(fits).filter(|anchor| Some(*anchor) != before).map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A listing that grows too long is not taken for a whole one.
    #[test]
    fn a_walk_that_is_stopped_says_so() {
        let onward = |json: &str| serde_json::from_str::<wire::Onward>(json).expect("reads");
        let more = onward(r#"{"anchor":"b","has_more":true}"#);
        let mut walk = Walk { pages: PAGES_MAX - 2, ..Walk::default() };
        assert!(!advance(&mut walk, &more, PAGE) && !walk.done);
        let more = onward(r#"{"anchor":"c","has_more":true}"#);
        assert!(advance(&mut walk, &more, PAGE) && walk.done);
        let mut walk = Walk { pages: PAGES_MAX - 1, ..Walk::default() };
        let last = onward(r#"{"anchor":"d","has_more":false}"#);
        assert!(!advance(&mut walk, &last, PAGE) && walk.done, "it came to its end");
    }
}
