//! Plays Telegram's own servers (MTProto): channels, groups and their comments, logging in, and
//! everything that goes wrong there.
//!
//! Place in the flow: see [`crate::play`]. A client talks to it over a socket ([`serve`]) with a
//! key that both sides know beforehand, because the exchange of a new key needs a secret that only
//! Telegram has; or in process, request by request. Invariants: a window of messages is cut as
//! Telegram cuts it; every answer brings the names of people along, as the true ones do; a flood
//! wait that is broken is counted.

mod account;
mod near;
mod pipe;
mod server;
mod tell;
mod world;

use std::collections::{BTreeMap, VecDeque};

use grammers_client::tl::{Deserializable, Identifiable, Serializable, enums, functions, types};
use jiff::{SignedDuration, Timestamp};

pub use account::Account;
pub use near::Near;
pub use server::{MtprotoServer, serve};
pub use tell::PERSON_NAME;
pub use world::{Trim, Who, World};

use world::{Room, Window};

/// The key that client and server share in tests.
pub const KEY: [u8; 256] = [0xA5; 256];
/// A username is looked up at most this often in a day before Telegram orders a long wait.
const RESOLVES_PER_DAY: u32 = 200;

/// What goes wrong with one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// An error of the method: code and name, for example 400 `CHANNEL_PRIVATE`.
    Rpc(i32, String),
    /// A flood wait of so many seconds, which the server remembers.
    Flood(u32),
    /// The connection closes without an answer.
    Drop,
    /// Nothing ever comes.
    Silence,
    /// A transport error: 404 (unknown key) or 429.
    Transport(i32),
    /// The proper answer, cut after this many bytes.
    Cut(usize),
    /// These bytes instead of an answer.
    Garbage(Vec<u8>),
    /// These bytes as a message of their own instead of an answer.
    Bare(Vec<u8>),
    /// The request is to be sent again with another salt.
    BadSalt,
    /// The proper answer, packed.
    Packed,
    /// An answer without messages, as if the room were empty.
    Empty,
}

/// What the server does with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// A serialized answer.
    Body(Vec<u8>),
    /// The same, packed.
    Packed(Vec<u8>),
    /// A message that answers nothing.
    Bare(Vec<u8>),
    /// An error of the method.
    Error(i32, String),
    /// The connection closes.
    Drop,
    /// Nothing ever comes.
    Silence,
    /// A transport error.
    Transport(i32),
    /// The request is to be sent again with another salt.
    BadSalt,
}

/// A request as the server saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// When.
    pub at: Timestamp,
    /// Which method.
    pub method: &'static str,
    /// The message that the window begins below, or the post whose comments are wanted.
    pub numbers: Vec<i32>,
}

/// Telegram's servers.
#[derive(Default)]
pub struct PlayMtproto {
    /// Channels and groups.
    pub world: World,
    /// Who may log in and how.
    pub account: Account,
    next: VecDeque<Fault>,
    at: BTreeMap<usize, Fault>,
    always: BTreeMap<&'static str, Fault>,
    floods: BTreeMap<&'static str, Timestamp>,
    resolves: Vec<Timestamp>,
    log: Vec<Asked>,
    broken_waits: u32,
}

impl PlayMtproto {
    /// A server without channels; the account is logged in.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets the next request without a planned fault fail.
    pub fn fail_next(&mut self, fault: Fault) {
        self.next.push_back(fault);
    }

    /// Lets the request with this number fail (the first request ever has number 0).
    pub fn fail_call(&mut self, number: usize, fault: Fault) {
        self.at.insert(number, fault);
    }

    /// Lets every request of a method fail from now on; `None` heals it.
    pub fn fail_always(&mut self, method: &'static str, fault: Option<Fault>) {
        match fault {
            Some(fault) => self.always.insert(method, fault),
            None => self.always.remove(method),
        };
    }

    /// Forgets the faults that have not happened; waits that were ordered stay.
    pub fn calm(&mut self) {
        self.next.clear();
        self.at.clear();
        self.always.clear();
    }

    /// All requests so far, the first of each connection left out.
    #[must_use]
    pub fn log(&self) -> &[Asked] {
        &self.log
    }

    /// How many requests came while a wait was in force.
    #[must_use]
    pub fn broken_waits(&self) -> u32 {
        self.broken_waits
    }

    /// Answers one request at the instant `now`.
    pub fn answer(&mut self, request: &[u8], now: Timestamp) -> Reply {
        let Some((method, numbers)) = read_request(request) else {
            return Reply::Error(400, "INPUT_METHOD_INVALID".to_owned());
        };
        let number = self.log.len();
        self.log.push(Asked { at: now, method, numbers });
        if let Some(until) = self.floods.get(method).copied().filter(|until| *until > now) {
            self.broken_waits += 1;
            let left = until.duration_since(now).as_secs().max(1);
            return Reply::Error(420, format!("FLOOD_WAIT_{left}"));
        }
        let planned = self.at.remove(&number).or_else(|| self.next.pop_front());
        match planned.or_else(|| self.always.get(method).cloned()) {
            Some(fault) => self.spoil(fault, method, request, now),
            None => self.proper(request, now),
        }
    }

    fn spoil(
        &mut self,
        fault: Fault,
        method: &'static str,
        request: &[u8],
        now: Timestamp,
    ) -> Reply {
        match fault {
            Fault::Rpc(code, name) => Reply::Error(code, name),
            Fault::Flood(seconds) => {
                self.floods.insert(method, now + SignedDuration::from_secs(i64::from(seconds)));
                Reply::Error(420, format!("FLOOD_WAIT_{seconds}"))
            }
            Fault::Drop => Reply::Drop,
            Fault::Silence => Reply::Silence,
            Fault::Transport(status) => Reply::Transport(status),
            Fault::BadSalt => Reply::BadSalt,
            Fault::Garbage(bytes) => Reply::Body(bytes),
            Fault::Bare(bytes) => Reply::Bare(bytes),
            Fault::Empty => Reply::Body(no_messages()),
            Fault::Cut(bytes) => match self.proper(request, now) {
                Reply::Body(mut body) => {
                    body.truncate(bytes);
                    Reply::Body(body)
                }
                other => other,
            },
            Fault::Packed => match self.proper(request, now) {
                Reply::Body(body) => Reply::Packed(body),
                other => other,
            },
        }
    }

    fn proper(&mut self, request: &[u8], now: Timestamp) -> Reply {
        let request = unwrapped(request);
        let (id, body) = split(request);
        let answered = match id {
            _ if Account::knows(id) => return self.account.answer(id, body),
            _ if !self.account.logged_in => Err((401, "AUTH_KEY_UNREGISTERED")),
            functions::contacts::ResolveUsername::CONSTRUCTOR_ID => self.resolve(body, now),
            functions::messages::GetHistory::CONSTRUCTOR_ID => self.history(body, now),
            functions::messages::GetReplies::CONSTRUCTOR_ID => self.replies(body, now),
            functions::channels::GetMessages::CONSTRUCTOR_ID => self.messages(body, now),
            _ => Err((400, "INPUT_METHOD_INVALID")),
        };
        match answered {
            Ok(body) => Reply::Body(body),
            Err((code, name)) => Reply::Error(code, name.to_owned()),
        }
    }

    fn resolve(&mut self, body: &[u8], now: Timestamp) -> Result<Vec<u8>, (i32, &'static str)> {
        let asked = functions::contacts::ResolveUsername::from_bytes(body).map_err(|_| BROKEN)?;
        self.resolves.retain(|at| now.duration_since(*at) < SignedDuration::from_hours(24));
        self.resolves.push(now);
        if self.resolves.len() > RESOLVES_PER_DAY as usize {
            self.floods.insert("contacts.resolveUsername", now + SignedDuration::from_hours(24));
            return Err((420, "FLOOD_WAIT_86400"));
        }
        if self.account.people.contains_key(&asked.username) {
            let id = self.account.people[&asked.username];
            let peer = types::PeerUser { user_id: id }.into();
            let answer = types::contacts::ResolvedPeer {
                peer,
                chats: Vec::new(),
                users: vec![tell::person(id)],
            };
            return Ok(enums::contacts::ResolvedPeer::from(answer).to_bytes());
        }
        let room = self.world.named(&asked.username).ok_or((400, "USERNAME_NOT_OCCUPIED"))?;
        let answer = types::contacts::ResolvedPeer {
            peer: types::PeerChannel { channel_id: room.id }.into(),
            chats: vec![tell::room(room)],
            users: Vec::new(),
        };
        Ok(enums::contacts::ResolvedPeer::from(answer).to_bytes())
    }

    fn history(&self, body: &[u8], now: Timestamp) -> Result<Vec<u8>, (i32, &'static str)> {
        let asked = functions::messages::GetHistory::from_bytes(body).map_err(|_| BROKEN)?;
        let room = self.open(&asked.peer)?;
        let window = Window {
            offset_id: asked.offset_id,
            add_offset: asked.add_offset,
            limit: asked.limit,
            max_id: asked.max_id,
            min_id: asked.min_id,
        };
        let all = room.visible(now);
        Ok(self.page(room, &window.cut(&all), all.len(), now))
    }

    fn replies(&self, body: &[u8], now: Timestamp) -> Result<Vec<u8>, (i32, &'static str)> {
        let asked = functions::messages::GetReplies::from_bytes(body).map_err(|_| BROKEN)?;
        let channel = self.open(&asked.peer)?;
        let invalid = (400, "MSG_ID_INVALID");
        let group = self.world.open_discussion(channel.id, asked.msg_id, now).ok_or(invalid)?.0;
        let thread = self.world.thread(channel.id, asked.msg_id, now).ok_or(invalid)?;
        let window = Window {
            offset_id: asked.offset_id,
            add_offset: asked.add_offset,
            limit: asked.limit,
            max_id: asked.max_id,
            min_id: asked.min_id,
        };
        let group = self.world.room(group).ok_or(invalid)?;
        Ok(self.page(group, &window.cut(&thread), thread.len(), now))
    }

    fn messages(&self, body: &[u8], now: Timestamp) -> Result<Vec<u8>, (i32, &'static str)> {
        let asked = functions::channels::GetMessages::from_bytes(body).map_err(|_| BROKEN)?;
        let enums::InputChannel::Channel(channel) = &asked.channel else {
            return Err((400, "CHANNEL_INVALID"));
        };
        let room = self.entered(channel.channel_id, channel.access_hash)?;
        let numbers = asked.id.iter().filter_map(|id| match id {
            enums::InputMessage::Id(id) => Some(id.id),
            _ => None,
        });
        let messages: Vec<enums::Message> = numbers
            .map(|number| match room.said(number, now) {
                Some(said) => tell::message(&self.world, room, number, said, now),
                None => types::MessageEmpty { id: number, peer_id: None }.into(),
            })
            .collect();
        let count = messages.len();
        Ok(answer(room, messages, count))
    }

    fn page(&self, room: &Room, numbers: &[i32], count: usize, now: Timestamp) -> Vec<u8> {
        let messages = numbers
            .iter()
            .filter_map(|&n| Some(tell::message(&self.world, room, n, room.said(n, now)?, now)))
            .collect();
        answer(room, messages, count)
    }

    fn open(&self, peer: &enums::InputPeer) -> Result<&Room, (i32, &'static str)> {
        match peer {
            enums::InputPeer::Channel(peer) => self.entered(peer.channel_id, peer.access_hash),
            _ => Err((400, "PEER_ID_INVALID")),
        }
    }

    /// The room, if the caller knows its hash and it is open to everybody.
    fn entered(&self, id: i64, hash: i64) -> Result<&Room, (i32, &'static str)> {
        let room = self.world.room(id).filter(|room| room.hash == hash);
        let room = room.ok_or((400, "CHANNEL_INVALID"))?;
        // A group without a name is nobody's to read who has not joined it.
        let closed = room.closed || (room.name.is_none() && !room.joined);
        if closed { Err((400, "CHANNEL_PRIVATE")) } else { Ok(room) }
    }
}

const BROKEN: (i32, &str) = (400, "INPUT_REQUEST_INVALID");

fn answer(room: &Room, messages: Vec<enums::Message>, count: usize) -> Vec<u8> {
    enums::messages::Messages::from(types::messages::ChannelMessages {
        inexact: false,
        pts: 1,
        count: i32::try_from(count).unwrap_or(i32::MAX),
        offset_id_offset: None,
        messages,
        topics: Vec::new(),
        chats: vec![tell::room(room)],
        users: vec![tell::person(777_001)],
    })
    .to_bytes()
}

fn no_messages() -> Vec<u8> {
    enums::messages::Messages::from(types::messages::ChannelMessages {
        inexact: false,
        pts: 1,
        count: 0,
        offset_id_offset: None,
        messages: Vec::new(),
        topics: Vec::new(),
        chats: Vec::new(),
        users: Vec::new(),
    })
    .to_bytes()
}

/// Constructor and the rest.
fn split(request: &[u8]) -> (u32, &[u8]) {
    let (id, body) = request.split_at(request.len().min(4));
    (id.try_into().map_or(0, u32::from_le_bytes), body)
}

/// The request inside `invokeWithoutUpdates`.
fn unwrapped(request: &[u8]) -> &[u8] {
    match split(request) {
        (WITHOUT_UPDATES, inner) => inner,
        _ => request,
    }
}

const WITHOUT_UPDATES: u32 = 0xbf94_59b7;

/// Name and telling numbers of a request.
fn read_request(request: &[u8]) -> Option<(&'static str, Vec<i32>)> {
    let (id, body) = split(unwrapped(request));
    Some(match id {
        functions::contacts::ResolveUsername::CONSTRUCTOR_ID => {
            ("contacts.resolveUsername", Vec::new())
        }
        functions::messages::GetHistory::CONSTRUCTOR_ID => {
            let asked = functions::messages::GetHistory::from_bytes(body).ok()?;
            ("messages.getHistory", vec![asked.offset_id, asked.limit])
        }
        functions::messages::GetReplies::CONSTRUCTOR_ID => {
            let asked = functions::messages::GetReplies::from_bytes(body).ok()?;
            ("messages.getReplies", vec![asked.msg_id, asked.offset_id, asked.limit])
        }
        functions::channels::GetMessages::CONSTRUCTOR_ID => {
            let asked = functions::channels::GetMessages::from_bytes(body).ok()?;
            ("channels.getMessages", vec![i32::try_from(asked.id.len()).ok()?])
        }
        id => (Account::name(id)?, Vec::new()),
    })
}
