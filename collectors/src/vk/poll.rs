//! Bots Long Poll of communities we run ourselves: hints what changed since the last look.
//!
//! Place in the flow: the first steps of a look at such a community; the rest of the look goes on
//! from what they say. The state half is pure like `look`; [`Poller`] asks the server.
//!
//! Invariants: a hint only makes us faster. What it shows is handed over at once and read again
//! from the listing; while hints flow without a gap the wall itself is listed every half hour, and
//! at once when history was lost, a post is new, or anything about the poll goes wrong. The key of
//! the poll lives in this process only, the cursor keeps nothing but the number of the last event.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use super::call::{Api, Fault};
use super::cursor::Known;
use super::look::Pass;
use super::talk::{QUIET_SECS, Side, Spot};
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
        // Below a post that is not of the window there is nothing a comment could hang on.
        let held = self.state.posts.contains_key(&post);
        if how == "delete" {
            let name = self.adapter.id(id);
            self.draft.posts.retain(|post| post.id != name);
            self.removed(None, [id]);
        } else if held && let Ok(comment) = serde_json::from_value::<wire::Comment>(object.clone())
        {
            let stack = object.get("parents_stack").and_then(Value::as_array);
            let root = stack.and_then(|stack| stack.first()).and_then(Value::as_i64);
            let adapted = self.adapter.comment(post, root, root.unwrap_or(post), &comment);
            let recent = comment.date.is_some_and(|date| date >= self.look.horizon);
            if let Some(adapted) = adapted.filter(|_| recent && !comment.deleted) {
                // What was handed over is looked for in the listing, and gone if it is not there.
                if let Some(known) = self.state.posts.get_mut(&post) {
                    known.ids.0.insert(id);
                }
                // The last event is right: a comment brought back is not gone.
                self.draft.gone.retain(|gone| *gone != adapted.post.id);
                self.draft.facts.pictures_only += u32::from(adapted.pictures_only);
                self.draft.posts.push(adapted.post);
            }
        }
        // Below a post of the window the listing is asked what is true.
        let now = self.now;
        if let Some(known) = self.state.posts.get_mut(&post) {
            if how == "delete" {
                known.lose(id);
            }
            known.happened = now;
            known.read_count = None;
            known.count = known.count.max(1);
            if !self.look.queue.contains(&post) {
                self.look.queue.push_back(post);
            }
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
        if let Some(known) = self.state.talks.get_mut(&spot) {
            if how == "delete" {
                known.lose(id);
            }
            known.happened = now;
            known.read_count = None;
            known.count = known.count.max(1);
        }
        // A side that is refused stays so: events must not make us ask in vain.
        self.state.sides.retain(|it, next| *it != side || *next - now > QUIET_SECS);
        true
    }
}

impl Known {
    /// Forgets a comment that is said to be removed.
    fn lose(&mut self, id: i64) {
        self.ids.0.remove(&id);
        self.absent.0.remove(&id);
        for long in self.long.values_mut() {
            long.ids.0.remove(&id);
        }
    }
}
