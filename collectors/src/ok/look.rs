//! The order of a look: topics, other discussions, the comments that changed below them, what was
//! missed.
//!
//! Place in the flow: `mod` asks [`Pass::next`] for the next call, makes it and hands the answer to
//! the methods here, in `listing` and in `reading`. Pure: no call, no clock in here.
//!
//! Invariants: a topic is gone only when it was asked for by id in an answer that proved itself by
//! showing topics known to live, a photo or film when OK said twice that there is none; OK's
//! anchors cannot be stepped back, so a long walk that met something new deep down is made again.

use jiff::Timestamp;

use super::adapt::Adapter;
use super::cursor::{Known, Look, Reading, State, THINGS_MAX, Walk};
use super::ids::{Kind, Thing};
use crate::raw::{Facts, Hole, HoleCause, RawPost};

/// Topics asked for by id at once, and those of them that are known to live.
const BY_ID: usize = 50;
pub(super) const PROOFS: usize = 3;
/// A look this old (seconds) walks the topics anew before it goes on with comments.
const STALE_SECS: i64 = 3_600;
/// How often (seconds) a photo or film that the list does not show is asked for by id.
const ASK_SECS: i64 = 86_400;
/// How long comments or the list of discussions are not asked for after they were refused.
pub(super) const REFUSED_SECS: i64 = 6 * 3_600;

/// The next call of a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// A page of topics.
    Topics { anchor: Option<String> },
    /// A page of what people talk below: photos and films.
    Discussions { anchor: Option<String> },
    /// Topics by id: the missed ones and some that live.
    ByIds { missed: Vec<i64>, proofs: Vec<i64> },
    /// One photo or film that the list no longer shows.
    Discussion { thing: Thing },
    /// A page of comments.
    Comments { thing: Thing, anchor: Option<String>, back: bool },
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
    /// Unix seconds.
    pub now: i64,
}

impl<'a> Pass<'a> {
    /// Goes on with the look in `state`, or begins one.
    pub(super) fn begin(
        mut state: State,
        adapter: Adapter<'a>,
        now: Timestamp,
        horizon: Timestamp,
    ) -> Self {
        let mut look = match state.look.take() {
            Some(look) if look.horizon <= horizon.as_second() => look,
            _ => Look::new(now, horizon),
        };
        let now = now.as_second();
        let stuck = now - look.touched >= STALE_SECS;
        if stuck && let Some(reading) = look.reading.take() {
            if let Some(known) = state.things.get_mut(&reading.thing) {
                known.remember(&reading);
            }
            // Whatever stood in the way: the others go first.
            look.queue.push_back(reading.thing);
        }
        let walked = look.topics.done && look.photos.done;
        if stuck || (walked && now - look.walked >= STALE_SECS) {
            look.topics = Walk::default();
            look.photos = Walk::default();
            look.walked = now;
            look.urgent = true;
            look.mute = false;
            look.singly = false;
            look.seen.clear();
            look.old.clear();
            look.cut.clear();
            look.asked.clear();
        }
        look.touched = now;
        look.mute |= state.no_comments_until > now;
        let mut pass = Pass { state, look, adapter, draft: Draft::default(), now };
        let unwanted = !pass.adapter.source.comments || pass.state.no_list_until > now;
        pass.look.photos.done |= unwanted;
        pass
    }

    /// The next call. Changes the look only in ways that need no answer.
    pub(super) fn next(&mut self) -> Step {
        loop {
            if !self.look.urgent {
                if let Some(reading) = &self.look.reading {
                    if !reading.done {
                        return comments_step(reading);
                    }
                    self.close_reading();
                    continue;
                }
                if let Some(thing) = self.look.queue.pop_front() {
                    self.open_reading(thing);
                    continue;
                }
            }
            if !self.look.topics.done {
                return Step::Topics { anchor: self.look.topics.anchor.clone() };
            }
            if !self.look.photos.done {
                return Step::Discussions { anchor: self.look.photos.anchor.clone() };
            }
            if self.look.urgent {
                self.look.urgent = false;
                continue;
            }
            return self.missed();
        }
    }

    /// Ends the look; what remains is the memory for the next one.
    pub(super) fn finish(self) -> (State, Draft) {
        let (mut state, mut draft) = (self.state, self.draft);
        state.forget(self.look.horizon, self.now);
        let ends = (Timestamp::from_second(self.look.horizon), self.look.walked);
        if let (Ok(from), Ok(to)) = (ends.0, Timestamp::from_second(ends.1))
            && from < to
        {
            draft.facts.coverage.read = Some((from, to));
            draft.facts.coverage.holes.extend(unwatched(&state, self.look.horizon, to));
            draft.facts.coverage.holes.extend(dropped(&state, from));
            // A group has older topics, and nobody tells what is written below them now.
            let late = self.adapter.source.comments && !self.look.old.is_empty();
            let late = late.then_some(Hole { from, to, cause: HoleCause::Late, posts: None });
            draft.facts.coverage.holes.extend(late);
            draft.facts.coverage.holes.extend(cut(&state, &self.look, (from, to)));
        }
        (state, draft)
    }

    /// Breaks off between two pages.
    pub(super) fn pause(self) -> (State, Draft) {
        let mut state = self.state;
        state.look = Some(self.look);
        (state, self.draft)
    }

    /// Asks for what the walks did not show: topics together, photos and films one by one.
    fn missed(&self) -> Step {
        let look = &self.look;
        // What nobody talks below any more stands in no list, and is asked for once a day.
        let listed = |thing: &Thing, known: &Known| {
            let again = known.missed || self.now - known.asked >= ASK_SECS;
            thing.kind == Kind::Topic || (self.lists() && again)
        };
        let mut missed = self.state.things.iter().filter(|(thing, known)| {
            known.lively() >= look.horizon
                && !look.seen.contains(thing)
                && !look.asked.contains(thing)
                && listed(thing, known)
        });
        let Some((first, _)) = missed.next() else { return Step::Finish };
        if first.kind != Kind::Topic {
            return Step::Discussion { thing: *first };
        }
        let most = if look.singly { 1 } else { BY_ID - PROOFS };
        let topics = missed.map(|(thing, _)| thing).filter(|thing| thing.kind == Kind::Topic);
        let missed = [first].into_iter().chain(topics).take(most).map(|thing| thing.id).collect();
        let proofs = if look.singly { Vec::new() } else { self.proofs() };
        Step::ByIds { missed, proofs }
    }

    /// Whether the list of photo and film discussions is read at all.
    fn lists(&self) -> bool {
        self.adapter.source.comments && self.state.no_list_until <= self.now
    }

    /// Some topics that the walk has just shown alive: young ones, or the old ones below them, so
    /// that a group in which nothing but the missed was written lately proves its answers too.
    fn proofs(&self) -> Vec<i64> {
        let seen = self.look.seen.iter().rev().filter(|thing| thing.kind == Kind::Topic);
        let old = self.look.old.iter().copied();
        seen.map(|thing| thing.id).chain(old).take(PROOFS).collect()
    }

    /// Notes how the comments of a thing are counted now and queues them if they are to be read.
    /// True if they are.
    pub(super) fn weigh(&mut self, thing: Thing) -> bool {
        let due = self.due(thing);
        let reading = self.look.reading.as_ref().map(|reading| reading.thing);
        if due && !self.look.queue.contains(&thing) && reading != Some(thing) {
            self.look.queue.push_back(thing);
        }
        due
    }

    /// Whether the comments of a thing are to be read now.
    fn due(&self, thing: Thing) -> bool {
        let Some(known) = self.state.things.get(&thing) else { return false };
        if !self.adapter.source.comments || self.look.mute {
            return false;
        }
        match known.read_count {
            None => known.count > 0 || !known.ids.0.is_empty() || !known.absent.0.is_empty(),
            Some(read) if read != known.count => true,
            Some(_) => !known.closed && (!known.absent.0.is_empty() || known.faded(self.now)),
        }
    }

    /// A thing is gone, and what stood below it can no longer be read by anybody.
    pub(super) fn gone(&mut self, thing: Thing) {
        self.draft.gone.push(self.adapter.id(thing));
        self.draft.gone_below.push(self.adapter.id(thing));
        self.look.queue.retain(|queued| *queued != thing);
        if let Some(reading) = self.look.reading.take_if(|reading| reading.thing == thing)
            && let Some(known) = self.state.things.get_mut(&thing)
        {
            known.remember(&reading);
        }
        let Some(known) = self.state.things.remove(&thing) else { return };
        let comments = known.ids.0.union(&known.absent.0);
        self.draft.gone.extend(comments.map(|id| self.adapter.comment_id(thing, id)));
    }

    /// Comments are not given to us now, and are not asked for in the next `secs` seconds: the look
    /// goes on without them and says how many wait.
    pub(super) fn mute(&mut self, secs: i64) {
        let waiting: Vec<Thing> =
            self.look.queue.drain(..).chain(self.look.reading.iter().map(|it| it.thing)).collect();
        if let Some(reading) = self.look.reading.take()
            && let Some(known) = self.state.things.get_mut(&reading.thing)
        {
            known.remember(&reading);
        }
        for thing in waiting {
            self.unread(thing);
        }
        self.look.mute = true;
        self.state.no_comments_until = self.now + secs;
    }

    /// The comments below a thing stay unread, and it is said where.
    pub(super) fn unread(&mut self, thing: Thing) {
        self.draft.facts.comments_closed += 1;
        let Some(known) = self.state.things.get(&thing) else { return };
        let from = Timestamp::from_second(known.lively().min(self.now));
        let (Ok(from), Ok(to)) = (from, Timestamp::from_second(self.now)) else { return };
        let posts = u32::try_from(known.count).ok();
        let cause = HoleCause::CommentsRefused;
        self.draft.facts.coverage.holes.push(Hole { from, to, cause, posts });
    }
}

/// Comments of which there are too many to remember them.
fn unwatched(state: &State, horizon: i64, to: Timestamp) -> Option<Hole> {
    let window = state.things.values().filter(|known| known.lively() >= horizon);
    let big = window.filter(|known| known.big);
    let first = big.clone().map(Known::lively).min()?.min(to.as_second());
    let comments: u64 = big.map(|known| known.count).sum();
    let posts = Some(u32::try_from(comments).unwrap_or(u32::MAX));
    Some(Hole { from: Timestamp::from_second(first).ok()?, to, cause: HoleCause::Unwatched, posts })
}

/// Topics of which OK gave only the first blocks: the rest of their text was not read.
fn cut(state: &State, look: &Look, (from, to): (Timestamp, Timestamp)) -> Option<Hole> {
    let known = |id: &i64| state.things.get(&Thing::topic(*id)).map(|known| known.date);
    let dates: Vec<i64> = look.cut.iter().filter_map(known).collect();
    let first = Timestamp::from_second(*dates.iter().min()?).ok()?.max(from).min(to);
    let posts = u32::try_from(dates.len()).ok();
    Some(Hole { from: first, to, cause: HoleCause::Cut, posts })
}

/// More things than are remembered: those below are handed over and not watched.
fn dropped(state: &State, from: Timestamp) -> Option<Hole> {
    let full = state.things.len() >= THINGS_MAX;
    let oldest = state.things.values().filter(|known| !known.pinned).map(Known::lively).min()?;
    let to = Timestamp::from_second(oldest).ok()?;
    let hole = Hole { from, to, cause: HoleCause::Unwatched, posts: None };
    Some(hole).filter(|_| full && from < to)
}

fn comments_step(reading: &Reading) -> Step {
    Step::Comments { thing: reading.thing, anchor: reading.anchor.clone(), back: reading.back }
}

impl Known {
    /// Whether the comments were read so long ago, against the time since something happened
    /// below, that they are read again though their number is the same: an edit, or one deleted
    /// and one written, does not change the number. Half an hour after the last event, then at
    /// three times the distance each time, and every two days.
    pub(super) fn faded(&self, now: i64) -> bool {
        const FIRST_SECS: i64 = 1_800;
        const LAST_SECS: i64 = 2 * 86_400;
        const PARTLY_SECS: i64 = 3 * 3_600;
        let since = now - self.happened;
        let read_after = (self.read - self.happened).max(0);
        let read_ago = now - self.read;
        // What was handed on and is counted no more may still wait for its proof.
        (self.count > 0 || !self.ids.0.is_empty())
            && ((since >= FIRST_SECS && since >= 3 * read_after)
                || read_ago >= LAST_SECS
                || (self.happened > self.read && read_ago >= PARTLY_SECS))
    }
}
