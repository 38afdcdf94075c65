//! Reading Telegram by an account: closed previews, public groups, comments.
//!
//! Place in the flow: beside the preview, behind [`super::Telegram`]. Every request is counted by
//! the budget first; waits that Telegram orders go there and outlive a restart. Invariants: it only
//! reads; it joins nothing, looks up nobody but channels and groups that the operator named, and
//! asks for no update, so private messages of the account never come here.

mod errors;
mod line;
mod login;
mod read;
mod session;
mod tunnel;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use grammers_client::tl::{Deserializable, RemoteCall, enums, functions, types};
use jiff::{SignedDuration, Timestamp};

pub use errors::{Trouble, explain};
pub use line::{Carrier, Line, LineSettings};
pub use login::{Login, LoginStep};
pub use session::SessionFile;
pub use tunnel::Proxy;

use super::message::{Listing, Replies};
use super::{missing, no_person, nonsense, private};
use crate::error::{Class, CollectError, Scope};
use crate::ports::{Call, KnownRoom, Ports, SessionStore};

/// The name under which calls are counted.
const HOST: &str = "telegram";
const TOKEN: &str = "account";
/// One call a second is what an account is known to bear for hours.
const SPACING_MS: u32 = 1_000;
/// Names that may be looked up in a day; beyond some two hundred Telegram closes for a day.
const RESOLVES_PER_DAY: u32 = 150;
/// A room that was looked up is not looked up again sooner.
const FOUND_HOURS: i64 = 24;
/// How long an account that was refused is left alone.
const REFUSED: SignedDuration = SignedDuration::from_hours(1);

/// `invokeWithoutUpdates`: the answer comes, nothing else.
const WITHOUT_UPDATES: u32 = 0xbf94_59b7;

/// An account that reads.
pub struct Account {
    carrier: Arc<dyn Carrier>,
    store: Arc<dyn SessionStore>,
    /// Until when nothing is asked, because a person is needed.
    refused: Mutex<Option<(Timestamp, CollectError)>>,
    /// How many requests in a row brought no answer.
    dark: Mutex<u32>,
}

/// Comments of a post: the group they live in, how many there are, one page of them.
pub(super) struct Comments {
    pub group: Option<i64>,
    pub count: u32,
    pub listing: Listing,
}

/// An answer that may also be a refusal of this very request.
type Called<T> = Result<T, Failed>;

struct Failed {
    trouble: Option<Trouble>,
    error: CollectError,
}

impl From<CollectError> for Failed {
    fn from(error: CollectError) -> Self {
        Failed { trouble: None, error }
    }
}

impl Account {
    /// An account over a connection; `store` keeps the rooms it has found.
    #[must_use]
    pub fn new(carrier: Arc<dyn Carrier>, store: Arc<dyn SessionStore>) -> Self {
        Self { carrier, store, refused: Mutex::default(), dark: Mutex::default() }
    }

    /// Whether Telegram has been silent for a while, so that asking again soon is useless.
    pub(super) fn is_dark(&self) -> bool {
        *self.dark.lock().unwrap_or_else(PoisonError::into_inner) >= 3
    }

    /// The channel or group of a name.
    pub(super) async fn find(&self, ports: &Ports, name: &str) -> Result<KnownRoom, CollectError> {
        match self.store.room(name).await {
            Some(room) => Ok(room),
            None => self.look_up(ports, name).await,
        }
    }

    /// Looks a name up that gave a room which does not open any more; at most once a day.
    async fn find_again(
        &self,
        ports: &Ports,
        room: &KnownRoom,
        failed: Failed,
    ) -> Result<KnownRoom, CollectError> {
        let old = SignedDuration::from_hours(FOUND_HOURS);
        let closed = ["CHANNEL_INVALID", "CHANNEL_PRIVATE", "PEER_ID_INVALID"];
        let stale = closed.iter().any(|name| failed.trouble.as_ref().is_some_and(|t| t.is(name)));
        if !stale || ports.clock.now().duration_since(room.found) < old {
            return Err(failed.error);
        }
        let again = self.look_up(ports, &room.name).await?;
        // Under another number it is another channel: not ours to read.
        if again.id != room.id || again.hash == room.hash {
            return Err(failed.error);
        }
        Ok(again)
    }

    async fn look_up(&self, ports: &Ports, name: &str) -> Result<KnownRoom, CollectError> {
        let request =
            functions::contacts::ResolveUsername { username: name.to_owned(), referer: None };
        let called = self.call(ports, "contacts.resolveUsername", &request).await;
        let enums::contacts::ResolvedPeer::Peer(found) = called.map_err(|failed| failed.error)?;
        let enums::Peer::Channel(peer) = found.peer else { return Err(no_person()) };
        let channel = found.chats.into_iter().find_map(|chat| match chat {
            enums::Chat::Channel(channel) if channel.id == peer.channel_id => Some(channel),
            _ => None,
        });
        let Some(channel) = channel else { return Err(nonsense()) };
        let Some(hash) = channel.access_hash else { return Err(missing()) };
        let room = KnownRoom {
            name: name.to_owned(),
            id: channel.id,
            hash,
            channel: channel.broadcast,
            found: ports.clock.now(),
        };
        self.store.keep_room(&room).await;
        Ok(room)
    }

    /// Messages of a room below `before`, the newest if `None`.
    pub(super) async fn history(
        &self,
        ports: &Ports,
        room: &KnownRoom,
        before: Option<i64>,
    ) -> Result<Listing, CollectError> {
        let request = |room: &KnownRoom| functions::messages::GetHistory {
            peer: peer(room),
            offset_id: offset(before),
            offset_date: 0,
            add_offset: 0,
            limit: read::PAGE,
            max_id: 0,
            min_id: 0,
            hash: 0,
        };
        let method = "messages.getHistory";
        let answer = match self.call(ports, method, &request(room)).await {
            Ok(answer) => answer,
            Err(failed) => {
                let again = self.find_again(ports, room, failed).await?;
                self.call(ports, method, &request(&again)).await.map_err(|failed| failed.error)?
            }
        };
        let read = read::page(answer).ok_or_else(nonsense)?;
        if read.room.is_some_and(|found| found != room.id) {
            return Err(nonsense());
        }
        if read.is_closed(room.id) {
            return Err(private());
        }
        Ok(read.listing)
    }

    /// Comments of a channel's post below `before`; `None` if Telegram says that there is no such
    /// discussion.
    pub(super) async fn comments(
        &self,
        ports: &Ports,
        room: &KnownRoom,
        post: i64,
        before: Option<i64>,
    ) -> Result<Option<Comments>, CollectError> {
        let request = functions::messages::GetReplies {
            peer: peer(room),
            msg_id: offset(Some(post)),
            offset_id: offset(before),
            offset_date: 0,
            add_offset: 0,
            limit: read::PAGE,
            max_id: 0,
            min_id: 0,
            hash: 0,
        };
        let answer = match self.call(ports, "messages.getReplies", &request).await {
            Ok(answer) => answer,
            Err(Failed { trouble: Some(trouble), .. })
                if ["MSG_ID_INVALID", "MESSAGE_ID_INVALID"].iter().any(|n| trouble.is(n)) =>
            {
                return Ok(None);
            }
            Err(failed) => return Err(failed.error),
        };
        let read = read::page(answer).ok_or_else(nonsense)?;
        Ok(Some(Comments { group: read.room, count: read.count, listing: read.listing }))
    }

    /// Which messages of a room are there; one that the answer leaves out stays undecided.
    pub(super) async fn ask(
        &self,
        ports: &Ports,
        room: &KnownRoom,
        ids: &[i64],
    ) -> Result<BTreeMap<i64, bool>, CollectError> {
        let answer = self.messages(ports, room, ids).await?;
        read::there(answer, room.id).ok_or_else(nonsense)
    }

    /// What is told of the comments of a channel's posts; one without comments is left out.
    pub(super) async fn counters(
        &self,
        ports: &Ports,
        room: &KnownRoom,
        ids: &[i64],
    ) -> Result<BTreeMap<i64, Option<Replies>>, CollectError> {
        let answer = self.messages(ports, room, ids).await?;
        let read = read::page(answer).ok_or_else(nonsense)?;
        if read.room.is_some_and(|found| found != room.id) {
            return Err(nonsense());
        }
        let messages = read.listing.messages.into_iter();
        Ok(messages.map(|message| (message.id, message.replies)).collect())
    }

    async fn messages(
        &self,
        ports: &Ports,
        room: &KnownRoom,
        ids: &[i64],
    ) -> Result<enums::messages::Messages, CollectError> {
        let id = |id: &i64| types::InputMessageId { id: offset(Some(*id)) }.into();
        let request = functions::channels::GetMessages {
            channel: types::InputChannel { channel_id: room.id, access_hash: room.hash }.into(),
            id: ids.iter().map(id).collect(),
        };
        let called = self.call(ports, "channels.getMessages", &request).await;
        called.map_err(|failed| failed.error)
    }

    /// Proves by one harmless call that the account is accepted.
    pub(super) async fn prove(&self, ports: &Ports) -> Result<(), CollectError> {
        let called = self.call(ports, "updates.getState", &functions::updates::GetState {}).await;
        called.map(drop).map_err(|failed| failed.error)
    }

    /// Counts, asks, and puts a refusal where it belongs.
    async fn call<R: RemoteCall>(
        &self,
        ports: &Ports,
        method: &str,
        request: &R,
    ) -> Called<R::Return> {
        self.not_refused(ports.clock.now())?;
        let call = Call {
            host: HOST.to_owned(),
            token: TOKEN.to_owned(),
            fingerprint: String::new(),
            method: method.to_owned(),
            spacing_ms: SPACING_MS,
            per_day_max: (method == "contacts.resolveUsername").then_some(RESOLVES_PER_DAY),
        };
        ports.budget.take(&call).await?;
        let mut body = WITHOUT_UPDATES.to_le_bytes().to_vec();
        request.serialize(&mut body);
        let carried = self.carrier.carry(body).await;
        let now = ports.clock.now();
        let trouble = match carried {
            Ok(answer) => match R::Return::from_bytes(&answer) {
                Ok(answer) => {
                    self.answered(true);
                    return Ok(answer);
                }
                Err(_) => Trouble::Garbled,
            },
            Err(trouble) => trouble,
        };
        self.answered(!trouble.is_line());
        let error = explain(&trouble, now);
        match error.class {
            // A line that breaks is counted and mended below, by the carrier.
            Class::RateLimited => ports.budget.heard(&call, Err(&error)).await,
            Class::NeedsPerson if error.scope == Scope::Token => {
                let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
                *refused = Some((now + REFUSED, error.clone()));
            }
            _ => {}
        }
        Err(Failed { trouble: Some(trouble), error })
    }

    fn not_refused(&self, now: Timestamp) -> Result<(), CollectError> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        match &*refused {
            Some((until, error)) if *until > now => Err(error.clone()),
            _ => Ok(()),
        }
    }

    fn answered(&self, answered: bool) {
        let mut dark = self.dark.lock().unwrap_or_else(PoisonError::into_inner);
        *dark = if answered { 0 } else { dark.saturating_add(1) };
    }
}

fn peer(room: &KnownRoom) -> enums::InputPeer {
    types::InputPeerChannel { channel_id: room.id, access_hash: room.hash }.into()
}

/// A message's number as Telegram takes it; zero is the newest page.
fn offset(id: Option<i64>) -> i32 {
    id.map_or(0, |id| i32::try_from(id).unwrap_or(i32::MAX))
}
