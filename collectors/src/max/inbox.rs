//! What MAX tells the bot by itself, kept for all sources of the bot until each has stored its own.
//!
//! Place in the flow: filled by `GET /updates` at the start of a look, or by what MAX pushes
//! (`webhook`), emptied by the looks.
//!
//! MAX gives updates to the bot as a whole and forgets what is older than the marker that is handed
//! back, so one source must not receive for itself alone. An update stays here until the source it
//! belongs to comes with a cursor that says it was stored.
//!
//! Invariants: what is lost here (a crash, an overflow, a webhook that somebody set) is no loss:
//! each source knows the inbox it was continued from, and walks the history when it is another
//! one; nothing here outlives the process.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::call::Api;
use super::wire::{self, Odd, Update};
use crate::error::{Class, CollectError, Scope};

/// Updates of one request.
const LIMIT: usize = 1_000;
/// Most updates kept for one chat; one more and its history is walked instead.
const KEPT_MAX: usize = 5_000;
/// Most updates kept in all: of chats that are no source nobody takes them out.
const KEPT_IN_ALL: usize = 20_000;
/// Most requests in a row.
const ROUNDS_MAX: u32 = 20;
/// Kinds of updates that change what is stored.
pub(super) const TYPES: &str =
    "message_created,message_edited,message_removed,bot_added,bot_removed";

/// Updates that nobody has stored yet.
pub(super) struct Inbox {
    name: AtomicI64,
    kept: Mutex<Kept>,
    /// Held by the one who receives; the others take what is there.
    receiving: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Kept {
    marker: Option<i64>,
    /// A first request was answered: from there on nothing is missed.
    open: bool,
    /// Number of the last update.
    last: u64,
    chats: BTreeMap<i64, Chat>,
}

/// Updates of one chat.
#[derive(Default)]
struct Chat {
    updates: BTreeMap<u64, Update>,
    /// Everything up to this number was thrown away unread.
    lost: u64,
}

/// What one source takes out.
pub(super) struct Taken<'i> {
    kept: MutexGuard<'i, Kept>,
    chat: i64,
    after: u64,
}

impl Inbox {
    pub(super) fn new(name: i64) -> Self {
        let name = AtomicI64::new(name);
        Inbox { name, kept: Mutex::default(), receiving: tokio::sync::Mutex::new(()) }
    }

    /// Its name: the instant it was opened, in nanoseconds.
    pub(super) fn name(&self) -> i64 {
        self.name.load(Ordering::Relaxed)
    }

    /// Something was told to nobody: it is another inbox from now on, and every source that was
    /// continued from the one before walks its history.
    pub(super) fn renew(&self, now: Timestamp) {
        let at = i64::try_from(now.as_nanosecond()).unwrap_or(i64::MAX);
        let later = |name: i64| Some(at.max(name.saturating_add(1)));
        self.name.fetch_update(Ordering::Relaxed, Ordering::Relaxed, later).ok();
    }

    /// Takes in one update; the number of its chat, if it has one.
    pub(super) fn pushed(&self, update: Update) -> Option<i64> {
        self.kept().put(update)
    }

    /// Whether something came for a chat after the update number `after`.
    pub(super) fn waits(&self, chat: i64, after: u64) -> bool {
        let kept = self.kept();
        let of_chat = kept.chats.get(&chat);
        of_chat.is_some_and(|it| it.updates.keys().next_back().is_some_and(|last| *last > after))
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Receives what MAX has. `marker` is what an earlier process was given; it is used once. False
    /// if MAX gives no updates now, because a webhook takes them.
    pub(super) async fn receive(
        &self,
        api: &Api<'_>,
        marker: Option<i64>,
    ) -> Result<bool, CollectError> {
        let Ok(_guard) = self.receiving.try_lock() else { return Ok(self.kept().open) };
        for _ in 0..ROUNDS_MAX {
            let mut params = vec![
                ("limit", LIMIT.to_string()),
                ("timeout", "0".to_owned()),
                ("types", TYPES.to_owned()),
            ];
            let mark = self.kept().marker.or(marker);
            params.extend(mark.map(|mark| ("marker", mark.to_string())));
            let answer: wire::Updates = match api.get("updates", "/updates", &params).await {
                Ok(answer) => answer,
                Err(error) if elsewhere(&error) => {
                    *self.kept() = Kept::default();
                    self.renew(api.ports.clock.now());
                    return Ok(false);
                }
                Err(error) => return Err(error),
            };
            let full = answer.updates.len() >= LIMIT;
            self.kept().take_in(answer);
            if !full {
                break;
            }
        }
        Ok(true)
    }

    /// What is there for a chat after the update number `after`, which was stored.
    pub(super) fn take(&self, chat: i64, after: u64) -> Taken<'_> {
        let mut kept = self.kept();
        if let Some(of_chat) = kept.chats.get_mut(&chat) {
            of_chat.updates = of_chat.updates.split_off(&(after + 1));
        }
        Taken { kept, chat, after }
    }

    /// MAX's own mark, for the cursor.
    pub(super) fn marker(&self) -> Option<i64> {
        self.kept().marker
    }
}

/// Whether updates alone are not to be had, because a webhook takes them.
fn elsewhere(error: &CollectError) -> bool {
    matches!(error.class, Class::Ours | Class::NoAccess | Class::Gone)
        || error.scope == Scope::Method
}

impl Kept {
    fn take_in(&mut self, answer: wire::Updates) {
        self.open = true;
        self.marker = answer.marker.or(self.marker);
        for update in answer.updates {
            if let Odd::Good(update) = update {
                self.put(update);
            }
        }
    }

    fn put(&mut self, update: Update) -> Option<i64> {
        let of_message = update.message.as_ref().and_then(|it| it.recipient.chat_id);
        let chat = update.chat_id.or(of_message)?;
        self.last += 1;
        let of_chat = self.chats.entry(chat).or_default();
        of_chat.updates.insert(self.last, update);
        let full = of_chat.updates.len() > KEPT_MAX;
        let all: usize = self.chats.values().map(|of_chat| of_chat.updates.len()).sum();
        if full || all > KEPT_IN_ALL {
            let largest = self.chats.values_mut().max_by_key(|of_chat| of_chat.updates.len());
            if let Some(largest) = largest {
                largest.updates.clear();
                largest.lost = self.last;
            }
        }
        Some(chat)
    }
}

impl Taken<'_> {
    /// Whether something after the stored number is no longer there.
    pub(super) fn torn(&self) -> bool {
        self.kept.chats.get(&self.chat).is_some_and(|of_chat| of_chat.lost > self.after)
    }

    /// The updates, oldest first.
    pub(super) fn updates(&self) -> impl Iterator<Item = &Update> {
        self.kept.chats.get(&self.chat).into_iter().flat_map(|of_chat| of_chat.updates.values())
    }

    /// The number of the last update received for anybody.
    pub(super) fn last(&self) -> u64 {
        self.kept.last
    }
}
