//! Bots Long Poll of communities we run ourselves: hints what changed since the last look.
//!
//! Place in the flow: the first steps of a look at such a community; the rest of the look goes on
//! from what they say. The state half is pure like `look`; [`Poller`] asks the server.
//!
//! Invariants: a hint only makes us faster. What it shows is handed over at once and costs no call;
//! the listing confirms it when the wall is next walked and counts otherwise, or when the post's
//! last reading has faded. While hints flow without a gap the wall itself is listed every half
//! hour, and at once when history was lost, a post is new, or anything about the poll goes wrong.
//! The key of the poll lives in this process only, the cursor keeps nothing but the number of the
//! last event.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use super::call::{Api, Fault};
use super::cursor::Known;
use super::look::Pass;
use super::talk::{Side, Spot};
use super::wire::{self, Odd};
use crate::error::CollectError;

/// The wall is listed at least so often (seconds), whatever the hints say.
const WHOLE_SECS: i64 = 1_800;
/// After a fault of the poll nobody asks for so long (seconds).
const FAULT_SECS: i64 = 3_600;
/// Most answers with events read in one look; what comes after waits for the next.
const ANSWERS_MAX: u32 = 20;

/// Where a community's events are asked for.
#[derive(Clone)]
struct Server {
    address: String,
    key: String,
}

/// What the server said.
pub(super) enum Hints {
    /// Events since the number in the cursor, and the number to go on with.
    Events { ts: u64, updates: Vec<Odd<wire::Update>> },
    /// There is no telling what happened; events flow again from here.
    Lost { ts: u64 },
}

/// Asks for events; keeps servers and keys, by the community's number.
#[derive(Default)]
pub(super) struct Poller(Mutex<BTreeMap<i64, Server>>);

impl Poller {
    fn known(&self, group: i64) -> Option<Server> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&group).cloned()
    }

    fn keep(&self, group: i64, server: Option<Server>) {
        let mut servers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match server {
            Some(server) => drop(servers.insert(group, server)),
            None => drop(servers.remove(&group)),
        }
    }

    /// Events of the community after `ts`. `api` speaks with the community's own token.
    pub(super) async fn ask(
        &self,
        api: &Api<'_>,
        group: i64,
        ts: Option<u64>,
    ) -> Result<Hints, Fault> {
        // A key may have run out: one more try with a new one.
        for fresh in [false, true] {
            let kept = self.known(group).filter(|_| !fresh);
            let (server, begin) = match kept {
                Some(server) => (server, None),
                None => {
                    let params = [("group_id", group.to_string())];
                    let given: wire::PollServer =
                        api.call("groups.getLongPollServer", &params).await?;
                    let begin = given.ts.number();
                    let server = Server { address: given.server, key: given.key };
                    self.keep(group, Some(server.clone()));
                    (server, begin)
                }
            };
            // Without a number of ours nothing is known of what was before the server's.
            let Some(from) = ts.or(begin) else { continue };
            let answer = api.events(&server.address, &server.key, from).await;
            let answer = answer.inspect_err(|_| self.keep(group, None))?;
            let next = answer.ts.and_then(|ts| ts.number());
            match (answer.failed, next) {
                (None, Some(next)) => {
                    return Ok(match ts {
                        Some(_) => Hints::Events { ts: next, updates: answer.updates },
                        None => Hints::Lost { ts: from },
                    });
                }
                (Some(1), Some(next)) => return Ok(Hints::Lost { ts: next }),
                (Some(2), _) => self.keep(group, None),
                (Some(_), _) => {
                    // The number is lost with the key: begin where the new server stands.
                    self.keep(group, None);
                    let params = [("group_id", group.to_string())];
                    let given: wire::PollServer =
                        api.call("groups.getLongPollServer", &params).await?;
                    if let Some(ts) = given.ts.number() {
                        let server = Server { address: given.server, key: given.key };
                        self.keep(group, Some(server));
                        return Ok(Hints::Lost { ts });
                    }
                }
                (None, None) => return Err(api.odd("vk odd events").into()),
            }
        }
        Err(api.odd("vk no events").into())
    }
}

impl Pass<'_> {
    /// Whether the poll is to be asked before anything else.
    pub(super) fn polls(&self) -> bool {
        self.own && !self.look.polled && self.now >= self.state.poll_next
    }

    /// Takes what the poll said.
    pub(super) fn hints(&mut self, hints: Hints) {
        let (ts, updates) = match hints {
            Hints::Lost { ts } => {
                self.state.ts = Some(ts);
                self.look.polled = true;
                return;
            }
            Hints::Events { ts, updates } => (ts, updates),
        };
        self.state.ts = Some(ts);
        self.look.answers += 1;
        let more = !updates.is_empty() && self.look.answers < ANSWERS_MAX;
        let mut whole = self.look.whole || self.look.answers >= ANSWERS_MAX;
        for update in updates {
            match update {
                Odd::Good(update) if self.concerns(&update) => whole |= !self.hint(&update),
                Odd::Good(_) => {}
                Odd::Bad(_) => whole = true,
            }
        }
        self.look.whole = whole;
        if more {
            return;
        }
        self.look.polled = true;
        if !whole && self.now - self.state.walked < WHOLE_SECS {
            self.look.brief = true;
            self.look.wall.done = true;
        }
    }

    /// The poll cannot be had: the look is a whole one, as if there were none.
    pub(super) fn no_hints(&mut self, error: &CollectError) {
        let asked = error.until.map_or(0, |until| until.as_second());
        self.state.poll_next = asked.max(self.now + FAULT_SECS);
        // What happens meanwhile is not waiting for us: the next answer is no whole history.
        self.state.ts = None;
        self.look.polled = true;
    }

    fn concerns(&self, update: &wire::Update) -> bool {
        update.group_id.is_none_or(|group| -group == self.state.owner)
    }

    /// Takes one event; false if only the whole wall tells what it means.
    fn hint(&mut self, update: &wire::Update) -> bool {
        let Some((what, how)) = update.kind.rsplit_once('_') else { return true };
        match what {
            "wall_post" => false,
            "wall_reply" => self.reply(how, &update.object),
            "board_post" => self.said_somewhere(Side::Board, "topic_id", how, &update.object),
            "photo_comment" => self.said_somewhere(Side::Photos, "photo_id", how, &update.object),
            "video_comment" => self.said_somewhere(Side::Videos, "video_id", how, &update.object),
            _ => true,
        }
    }

    /// A comment of the wall was written, changed, removed or brought back.
    fn reply(&mut self, how: &str, object: &Value) -> bool {
        let number = |name: &str| object.get(name).and_then(Value::as_i64);
        let owner = number("owner_id").or_else(|| number("post_owner_id"));
        let (Some(post), Some(id)) = (number("post_id"), number("id")) else { return false };
        if !self.ours(owner) || !self.adapter.source.comments {
            return true;
        }
        let name = self.adapter.id(id);
        if how == "delete" {
            // Never handed over now: what answers it hangs on the post.
            let above = self.adapter.id(post);
            self.draft.posts.retain(|post| post.id != name);
            for answer in &mut self.draft.posts {
                if answer.parent.as_deref() == Some(name.as_str()) {
                    answer.parent = Some(above.clone());
                }
            }
            self.removed(None, [id]);
            if let Some(known) = self.state.posts.get_mut(&post) {
                known.lose(id);
                known.happened = self.now;
            }
            return true;
        }
        // A post that is not of the window is looked up first: a comment needs one to hang on.
        let fresh = number("date").is_none_or(|date| date >= self.look.horizon);
        if fresh && !self.state.posts.contains_key(&post) {
            self.look.called.0.insert(post);
        }
        if self.state.posts.contains_key(&post) && !self.told(post, id, object) {
            // The event does not tell it all: the listing is asked.
            if let Some(known) = self.state.posts.get_mut(&post) {
                known.happened = self.now;
                known.read_count = None;
                known.count = known.count.max(1);
            }
            if !self.look.queue.contains(&post) {
                self.look.queue.push_back(post);
            }
        }
        true
    }

    /// Hands over the comment that an event shows; false if it does not show all of it.
    fn told(&mut self, post: i64, id: i64, object: &Value) -> bool {
        let Ok(comment) = serde_json::from_value::<wire::Comment>(object.clone()) else {
            return false;
        };
        let Some(known) = self.state.posts.get(&post) else { return false };
        let stack = object.get("parents_stack").and_then(Value::as_array);
        let root = stack.and_then(|stack| stack.first()).and_then(Value::as_i64);
        // What it answers was handed over, or is not of the window.
        let parent = root.filter(|_| known.date >= self.look.horizon).unwrap_or(post);
        let stored = parent == post || known.holds(parent);
        let Some(date) = comment.date.filter(|_| stored && !comment.deleted) else { return false };
        if date < self.look.horizon {
            return true;
        }
        let Some(adapted) = self.adapter.comment(post, root, parent, &comment) else { return true };
        // The last event is right: a comment brought back is not gone.
        self.draft.gone.retain(|gone| *gone != adapted.post.id);
        self.draft.facts.pictures_only += u32::from(adapted.pictures_only);
        self.draft.posts.push(adapted.post);
        if let Some(known) = self.state.posts.get_mut(&post) {
            known.gain(id);
            known.happened = self.now;
        }
        true
    }

    /// Something was said besides the wall: that side is listed in this look.
    fn said_somewhere(&mut self, side: Side, name: &str, how: &str, object: &Value) -> bool {
        let number = |name: &str| object.get(name).and_then(Value::as_i64);
        let (Some(talk), Some(id)) = (number(name), number("id")) else { return false };
        let spot = Spot { side, number: talk };
        if !self.sides.contains(&side) {
            return true;
        }
        if how == "delete" {
            self.removed(Some(spot), [id]);
        }
        let now = self.now;
        // No listing shows an old video because somebody speaks below it: it is asked for by
        // number.
        if how != "delete" {
            self.state.talks.entry(spot).or_default();
        }
        if let Some(known) = self.state.talks.get_mut(&spot) {
            if how == "delete" {
                known.lose(id);
            } else {
                known.date = known.date.max(now);
            }
            known.happened = now;
            known.read_count = None;
            known.count = known.count.max(1);
        }
        // A side that is refused stays so: events must not make us ask in vain.
        self.hasten(side);
        true
    }
}

impl Known {
    /// Whether a comment was handed over and not called gone since.
    fn holds(&self, id: i64) -> bool {
        self.absent.0.contains(&id) || self.counts(id)
    }

    /// Whether the wall counts it, as far as we know: what a listing did not show it does not.
    fn counts(&self, id: i64) -> bool {
        self.ids.0.contains(&id) || self.long.values().any(|long| long.ids.0.contains(&id))
    }

    /// Takes a comment that an event told. What was handed over is looked for in the next listing,
    /// and gone if it is not there; the wall is expected to count it.
    fn gain(&mut self, id: i64) {
        if !self.counts(id) {
            self.count += 1;
            self.read_count = self.read_count.map(|read| read + 1);
        }
        self.absent.0.remove(&id);
        self.ids.0.insert(id);
    }

    /// Forgets a comment that is said to be removed; the wall is expected to count it no more.
    fn lose(&mut self, id: i64) {
        if self.counts(id) {
            self.count = self.count.saturating_sub(1);
            self.read_count = self.read_count.map(|read| read.saturating_sub(1));
        }
        self.ids.0.remove(&id);
        self.absent.0.remove(&id);
        for long in self.long.values_mut() {
            long.ids.0.remove(&id);
        }
    }
}
