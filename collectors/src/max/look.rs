//! The order of a look: what MAX told by itself, and, where that may have a gap, the history.
//!
//! Place in the flow: `mod` asks [`Pass::next`] for the next call, makes it and hands the answer to
//! the methods here. Pure: no call, no clock in here.
//!
//! The history is walked at the first look, after a restart, when updates were lost, and every six
//! hours all the same; between that, a look takes what was received. Pages are cut by time, so
//! nothing that comes or goes moves them apart; they overlap by their last millisecond.
//!
//! Invariants: a message is gone when MAX says so in an update, or when it was asked for by name in
//! an answer that proved itself by showing messages known to live.

use jiff::Timestamp;

use super::adapt::Adapter;
use super::cursor::{Known, Look, State};
use super::inbox::Taken;
use super::wire::{self, Odd, Update};
use crate::raw::{Facts, Hole, HoleCause, RawPost};

/// Messages asked for at once; MAX gives no more.
pub(super) const PAGE: usize = 100;
/// So many messages at least has a full page, whatever MAX makes of the number asked for.
const BURST: usize = 50;
/// Messages asked for by name at once, and those of them that are known to live.
const BY_NAME: usize = 50;
const PROOFS: usize = 3;
/// Most pages of one walk.
const PAGES_MAX: u32 = 5_000;
/// A look this old (seconds) begins again.
const STALE_SECS: i64 = 3_600;
/// How often (seconds) the history is walked though no update was lost.
const WHOLE_SECS: i64 = 6 * 3_600;

/// The next call of a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// What MAX has for the bot.
    Updates,
    /// A page of history from the horizon on (Unix milliseconds) up to a bound.
    History { from: i64, below: Option<i64> },
    /// Messages by name: the missed ones and some that live.
    ByNames { missed: Vec<String>, proofs: Vec<String> },
    /// The look is over.
    Finish,
}

/// What a page will hold.
#[derive(Default)]
pub(super) struct Draft {
    pub posts: Vec<RawPost>,
    pub gone: Vec<String>,
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
        let fresh = |look: &Look| {
            look.horizon <= horizon.as_second() && now.as_second() - look.touched < STALE_SECS
        };
        let mut look = state.look.take().filter(fresh).unwrap_or_else(|| Look::new(now, horizon));
        look.touched = now.as_second();
        Pass { state, look, adapter, draft: Draft::default(), now: now.as_second() }
    }

    /// The next call.
    pub(super) fn next(&self) -> Step {
        let look = &self.look;
        if !look.received {
            return Step::Updates;
        }
        if !look.whole {
            return self.hinted();
        }
        if !look.done {
            return Step::History { from: look.horizon * 1_000, below: look.below };
        }
        let missed: Vec<String> = self
            .state
            .messages
            .iter()
            .filter(|(mid, known)| {
                known.date >= look.horizon * 1_000
                    && !mid.starts_with(wire::FORWARD)
                    && !look.seen.contains(*mid)
                    && !look.asked.contains(*mid)
            })
            .map(|(mid, _)| mid.clone())
            .take(BY_NAME - PROOFS)
            .collect();
        if missed.is_empty() {
            return Step::Finish;
        }
        let named = look.seen.iter().rev().filter(|mid| !mid.starts_with(wire::FORWARD));
        let proofs = named.take(PROOFS).cloned().collect();
        Step::ByNames { missed, proofs }
    }

    /// Asks for what pushes spoke of, the oldest first, so that a message comes before its answers.
    fn hinted(&self) -> Step {
        let look = &self.look;
        let open = look.hints.iter().filter(|(mid, _)| !look.asked.contains(*mid));
        let mut open: Vec<(i64, &String)> = open.map(|(mid, hint)| (hint.date, mid)).collect();
        if open.is_empty() {
            return Step::Finish;
        }
        open.sort_unstable();
        let missed: Vec<String> =
            open.into_iter().map(|(_, mid)| mid.clone()).take(BY_NAME - PROOFS).collect();
        let apt = |mid: &&String| !mid.starts_with(wire::FORWARD) && !look.hints.contains_key(*mid);
        let mut known: Vec<(i64, &String)> =
            self.state.messages.iter().map(|(mid, it)| (it.date, mid)).collect();
        known.sort_unstable();
        let alive = known.into_iter().rev().map(|(_, mid)| mid).filter(apt);
        Step::ByNames { missed, proofs: alive.take(PROOFS).cloned().collect() }
    }

    /// Ends the look; what remains is the memory for the next one.
    pub(super) fn finish(self) -> (State, Draft) {
        let (mut state, mut draft, look) = (self.state, self.draft, self.look);
        if look.whole {
            state.walked = self.now;
            state.from = look.horizon;
            let gone = unseen_forwards(&mut state, &look);
            draft.gone.extend(gone.iter().map(|mid| self.adapter.id(mid)));
        }
        if let Some(oldest) = state.forget(look.horizon) {
            let ends = (Timestamp::from_second(look.horizon), Timestamp::from_millisecond(oldest));
            if let (Ok(from), Ok(to)) = ends {
                let cause = HoleCause::Unwatched;
                draft.facts.coverage.holes.push(Hole { from, to, cause, posts: None });
            }
        }
        if state.channel && self.adapter.source.comments {
            say_unread(&mut draft, &state, &look);
        }
        let from = Timestamp::from_second(state.from.max(look.horizon));
        if let (Ok(from), Ok(to)) = (from, Timestamp::from_second(look.began))
            && from < to
        {
            draft.facts.coverage.read = Some((from, to));
        }
        (state, draft)
    }

    /// Breaks off between two pages.
    pub(super) fn pause(self) -> (State, Draft) {
        let mut state = self.state;
        state.look = Some(self.look);
        (state, self.draft)
    }

    /// Takes what was received; `inbox` names where from. Without a gap since the last whole walk
    /// that is all of the look, if it was not `pushed`: then it says what to ask for.
    pub(super) fn received(&mut self, inbox: i64, taken: &Taken<'_>, pushed: bool) {
        let goes_on = self.state.inbox == inbox && !taken.torn();
        let recent = self.now - self.state.walked < WHOLE_SECS;
        // Away and back: what happened meanwhile was not told.
        let away =
            |update: &Update| matches!(update.update_type.as_str(), "bot_added" | "bot_removed");
        self.look.whole |= !goes_on || !recent || taken.updates().any(away);
        if self.look.whole {
            // Until the walk has come to its end, there was none.
            self.state.walked = 0;
        }
        for update in taken.updates() {
            if pushed {
                self.hint(update);
            } else {
                self.update(update);
            }
        }
        self.look.received = true;
        self.state.inbox = inbox;
        self.state.taken = taken.last();
    }

    /// Nothing is received now: only the history tells.
    pub(super) fn deaf(&mut self) {
        self.look.received = true;
        self.look.whole = true;
        self.state.inbox = 0;
    }

    fn update(&mut self, update: &Update) {
        match update.update_type.as_str() {
            // The walk shows every message as it is now, and shows it after what it answers.
            "message_created" | "message_edited" if self.look.whole => {}
            "message_created" | "message_edited" => {
                let Some(message) = &update.message else { return };
                let edited = update.update_type == "message_edited";
                let at = Timestamp::from_millisecond(update.timestamp).ok();
                self.message(message, at.filter(|_| edited));
            }
            "message_removed" => {
                let Some(mid) = update.message_id.as_deref().filter(|mid| wire::sound(mid)) else {
                    return;
                };
                self.state.messages.remove(mid);
                self.draft.gone.push(self.adapter.id(mid));
            }
            _ => {}
        }
    }

    /// Notes what a push spoke of. It may be late, told before, or overtaken by a later one, so
    /// the message is asked for; what has no name to ask for it by never changes and is taken.
    fn hint(&mut self, update: &Update) {
        match update.update_type.as_str() {
            "message_created" | "message_edited" => {
                let Some(message) = &update.message else { return };
                let Some(mid) = message.name() else { return };
                if mid.starts_with(wire::FORWARD) {
                    if !self.look.whole {
                        self.message(message, None);
                    }
                    return;
                }
                let edited = update.update_type == "message_edited";
                let hint = self.look.hints.entry(mid).or_default();
                hint.date = message.timestamp;
                hint.edited = hint.edited.max(Some(update.timestamp).filter(|_| edited));
                // What it answers may have been pushed to nobody yet.
                let reply = message.link.as_ref().filter(|link| link.kind == "reply");
                if let Some(answered) = reply.and_then(|link| link.message.as_ref())
                    && wire::sound(&answered.mid)
                    && !self.state.messages.contains_key(&answered.mid)
                {
                    self.look.hints.entry(answered.mid.clone()).or_default();
                }
            }
            "message_removed" => {
                let Some(mid) = update.message_id.as_deref().filter(|mid| wire::sound(mid)) else {
                    return;
                };
                self.look.hints.entry(mid.to_owned()).or_default().removed = true;
            }
            _ => {}
        }
    }

    /// Hands a message over, if it lies in the window; its name, if it makes sense.
    fn message(&mut self, message: &wire::Message, edited: Option<Timestamp>) -> Option<String> {
        let ours = message.recipient.chat_id.is_none_or(|chat| chat == self.state.chat);
        let Some(mid) = message.name().filter(|_| ours && message.timestamp > 0) else {
            let id = message.name().filter(|_| ours).map(|mid| self.adapter.id(&mid));
            let came = message.name().unwrap_or_default();
            self.draft.facts.spoil(id, &came, "messages");
            return None;
        };
        let mid = mid.as_str();
        if message.timestamp < self.look.horizon * 1_000 {
            return Some(mid.to_owned());
        }
        let reply = message.link.as_ref().filter(|link| link.kind == "reply");
        let answered = reply.and_then(|link| link.message.as_ref()).map(|it| it.mid.clone());
        // Whether it is a comment is decided once: by then the answered one may be forgotten.
        let parent = match self.state.messages.get(mid) {
            Some(known) => known.parent.clone(),
            None => answered.filter(|it| self.state.messages.contains_key(it)),
        };
        let adapted = self.adapter.message(mid, message, parent.as_deref(), edited);
        let first = !self.look.seen.contains(mid);
        self.draft.facts.pictures_only += u32::from(first && adapted.pictures_only);
        self.draft.posts.push(adapted.post);
        let known = Known { date: message.timestamp, parent, missed: false };
        self.state.messages.insert(mid.to_owned(), known);
        Some(mid.to_owned())
    }

    /// Takes a page of history, which comes newest first.
    pub(super) fn history(&mut self, answer: &wire::Messages) {
        let mut oldest = i64::MAX;
        let mut fresh = false;
        // Oldest first, so that a message comes before its answers.
        for element in answer.messages.iter().rev() {
            let message = match element {
                Odd::Good(message) => message,
                Odd::Bad(odd) => {
                    self.draft.facts.spoil(None, &odd.to_string(), "messages");
                    continue;
                }
            };
            oldest = oldest.min(message.timestamp);
            if let Some(mid) = self.message(message, None) {
                fresh |= self.look.seen.insert(mid);
            }
        }
        let look = &mut self.look;
        look.pages += 1;
        // The last millisecond is asked for again: more may have been written in it.
        let mut next = oldest.saturating_add(1);
        let mut done = answer.messages.is_empty() || oldest < look.horizon * 1_000;
        if !fresh && !done {
            // A page of nothing new is the end, or a millisecond that holds more than one page.
            done = answer.messages.len() < BURST;
            next = oldest.saturating_sub(1);
            if !done {
                self.burst(oldest);
            }
        }
        if !done && self.look.pages >= PAGES_MAX {
            self.too_many(oldest);
        }
        let look = &mut self.look;
        look.done = done || look.pages >= PAGES_MAX;
        look.below = Some(next);
    }

    /// The history is too long for one look: what is older than `ms` is left.
    fn too_many(&mut self, ms: i64) {
        let begin = self.look.horizon.saturating_mul(1_000);
        let ends = (Timestamp::from_millisecond(begin), Timestamp::from_millisecond(ms.max(begin)));
        if let (Ok(from), Ok(to)) = ends {
            let cause = HoleCause::TooMany;
            self.draft.facts.coverage.holes.push(Hole { from, to, cause, posts: None });
        }
    }

    /// MAX cuts history by the millisecond; of a larger burst the rest is not given.
    fn burst(&mut self, ms: i64) {
        let ends = (Timestamp::from_millisecond(ms), Timestamp::from_millisecond(ms + 1));
        if let (Ok(from), Ok(to)) = ends {
            let cause = HoleCause::HistoryEnds;
            self.draft.facts.coverage.holes.push(Hole { from, to, cause, posts: None });
        }
    }

    /// Takes an answer about messages asked for by name.
    pub(super) fn by_names(
        &mut self,
        missed: &[String],
        proofs: &[String],
        answer: &wire::Messages,
    ) {
        self.look.asked.extend(missed.iter().cloned());
        let unreadable = self.draft.facts.unreadable;
        let mut found: Vec<&wire::Message> = Vec::new();
        for element in &answer.messages {
            match element {
                Odd::Good(message) => found.push(message),
                Odd::Bad(odd) => self.draft.facts.spoil(None, &odd.to_string(), "messages"),
            }
        }
        // Oldest first, so that a message comes before its answers.
        found.sort_by_key(|message| message.timestamp);
        let mut shown = Vec::new();
        for message in found {
            let hint = message.name().and_then(|mid| self.look.hints.get(&mid));
            let edited = hint.and_then(|hint| hint.edited);
            let edited = edited.and_then(|at| Timestamp::from_millisecond(at).ok());
            shown.extend(self.message(message, edited));
        }
        if self.draft.facts.unreadable > unreadable {
            return;
        }
        let proven = proofs.iter().any(|mid| shown.contains(mid));
        for mid in missed.iter().filter(|mid| !shown.contains(mid)) {
            // MAX says so itself, and shows it no longer.
            let told = self.look.hints.get(mid).is_some_and(|hint| hint.removed);
            let Some(known) = self.state.messages.get_mut(mid) else {
                // It lies before what is walked, and may be stored all the same.
                if told {
                    self.draft.gone.push(self.adapter.id(mid));
                }
                continue;
            };
            // An empty chat has nothing to prove an answer with: it takes two looks.
            if proven || told || (proofs.is_empty() && known.missed) {
                self.state.messages.remove(mid);
                self.draft.gone.push(self.adapter.id(mid));
            } else if proofs.is_empty() {
                known.missed = true;
            }
        }
    }
}

/// A bare forward has no name to ask for it by: two whole walks that do not show it are the proof.
fn unseen_forwards(state: &mut State, look: &Look) -> Vec<String> {
    let mut gone = Vec::new();
    for (mid, known) in &mut state.messages {
        let inside = known.date >= look.horizon * 1_000;
        if inside && mid.starts_with(wire::FORWARD) && !look.seen.contains(mid) {
            if known.missed {
                gone.push(mid.clone());
            }
            known.missed = true;
        }
    }
    gone.iter().for_each(|mid| drop(state.messages.remove(mid)));
    gone
}

/// The bot API gives no comments below a channel's posts: that is said with every look.
fn say_unread(draft: &mut Draft, state: &State, look: &Look) {
    if state.messages.is_empty() {
        return;
    }
    draft.facts.comments_closed = u32::try_from(state.messages.len()).unwrap_or(u32::MAX);
    let ends = (Timestamp::from_second(look.horizon), Timestamp::from_second(look.began));
    if let (Ok(from), Ok(to)) = ends {
        let cause = HoleCause::CommentsRefused;
        draft.facts.coverage.holes.push(Hole { from, to, cause, posts: None });
    }
}
