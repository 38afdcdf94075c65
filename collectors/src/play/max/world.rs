//! What the local MAX holds: chats with their messages, made-up people, and what happened.
//!
//! Place in the flow: changed by tests and the simulated district, read by the server. Invariant:
//! every change is also an update in the order in which it was made.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::play::life::Life;

/// All chats and people.
#[derive(Default)]
pub struct World {
    /// Chats by number (negative).
    pub chats: BTreeMap<i64, Chat>,
    /// Names of people; unknown people are made up from their number.
    pub names: BTreeMap<i64, String>,
    /// What happened: when, and the update without its message.
    pub(super) updates: Vec<(Timestamp, Happened)>,
    next: i64,
}

/// An update as it is kept: its message is shown as it is when asked for.
#[derive(Debug, Clone)]
pub(super) enum Happened {
    /// A message came or changed.
    Message(&'static str, i64, String),
    /// Anything else, whole.
    Other(Value),
}

/// A channel, chat or dialog.
#[derive(Clone)]
pub struct Chat {
    /// `channel`, `chat` or `dialog`.
    pub kind: String,
    /// Short name of its link.
    pub link: String,
    /// Anybody may join.
    pub public: bool,
    /// `active`, `removed`, `left`, `closed`.
    pub status: String,
    /// The bot is an administrator.
    pub admin: bool,
    /// Its rights.
    pub permissions: Vec<String>,
    /// Messages by name.
    pub messages: BTreeMap<String, Message>,
}

/// A message.
#[derive(Clone)]
pub struct Message {
    /// Its place in the order of all messages.
    pub seq: i64,
    /// Author; none in channels.
    pub from: Option<i64>,
    /// The message that it answers.
    pub reply_to: Option<String>,
    /// It is nothing but a forward of this name and text.
    pub forward: Option<(String, String)>,
    /// Dates and texts.
    pub life: Life,
    /// Further fields of the answer, which win over the usual ones.
    pub extra: Map<String, Value>,
}

impl World {
    /// Adds a channel or chat in which the bot is an administrator with all rights.
    pub fn add(&mut self, chat: i64, kind: &str, link: &str) {
        let added = Chat {
            kind: kind.to_owned(),
            link: link.to_owned(),
            public: true,
            status: "active".to_owned(),
            admin: true,
            permissions: ["read_all_messages", "write"].map(str::to_owned).into(),
            messages: BTreeMap::new(),
        };
        self.chats.insert(chat, added);
    }

    /// A chat that must exist.
    ///
    /// # Panics
    /// If nobody added it.
    pub fn chat(&mut self, chat: i64) -> &mut Chat {
        self.chats.get_mut(&chat).expect("the chat was added before")
    }

    /// Writes a message at `date`; returns its name.
    pub fn message(
        &mut self,
        chat: i64,
        from: Option<i64>,
        date: Timestamp,
        text: &str,
        reply_to: Option<&str>,
    ) -> String {
        self.next += 1;
        let seq = 116_000_000_000_000_000 + self.next;
        let mid = format!("mid.{:016x}", self.next);
        let message = Message {
            seq,
            from,
            reply_to: reply_to.map(str::to_owned),
            forward: None,
            life: Life::new(date, text),
            extra: Map::new(),
        };
        self.chat(chat).messages.insert(mid.clone(), message);
        self.happened(date, "message_created", chat, &mid);
        mid
    }

    /// Forwards something without a word; returns the message's hidden name.
    pub fn forward(
        &mut self,
        chat: i64,
        from: Option<i64>,
        date: Timestamp,
        origin: (&str, &str),
    ) -> String {
        let mid = self.message(chat, from, date, "", None);
        let message = self.chat(chat).messages.get_mut(&mid);
        if let Some(message) = message {
            message.forward = Some((origin.0.to_owned(), origin.1.to_owned()));
        }
        mid
    }

    /// Changes a text at `at`.
    pub fn edit(&mut self, chat: i64, mid: &str, at: Timestamp, text: &str) {
        if let Some(message) = self.chat(chat).messages.get_mut(mid) {
            message.life.edit(at, text);
            self.happened(at, "message_edited", chat, mid);
        }
    }

    /// Removes a message at `at`.
    pub fn delete(&mut self, chat: i64, mid: &str, at: Timestamp) {
        if let Some(message) = self.chat(chat).messages.get_mut(mid) {
            message.life.turn(at, false);
            self.tell(
                at,
                json!({
                    "update_type": "message_removed",
                    "timestamp": at.as_millisecond(),
                    "message_id": mid,
                    "chat_id": chat,
                    "user_id": 100_001,
                }),
            );
        }
    }

    /// Tells of something at `at` by an update of any kind.
    pub fn tell(&mut self, at: Timestamp, update: Value) {
        self.updates.push((at, Happened::Other(update)));
    }

    fn happened(&mut self, at: Timestamp, kind: &'static str, chat: i64, mid: &str) {
        self.updates.push((at, Happened::Message(kind, chat, mid.to_owned())));
    }

    /// The name of a person.
    #[must_use]
    pub fn name(&self, id: i64) -> String {
        self.names.get(&id).cloned().unwrap_or_else(|| format!("Имя{id}"))
    }
}

impl Chat {
    /// Living messages, newest first.
    #[must_use]
    pub fn shown(&self, now: Timestamp) -> Vec<&str> {
        let mut alive: Vec<(Timestamp, i64, &str)> = self
            .messages
            .iter()
            .filter(|(_, message)| message.life.alive(now))
            .map(|(mid, message)| (message.life.date, message.seq, mid.as_str()))
            .collect();
        alive.sort_unstable();
        alive.into_iter().rev().map(|(_, _, mid)| mid).collect()
    }
}
