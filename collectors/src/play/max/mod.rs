//! A local MAX: chats, history, updates, limits and faults of the true bot API.
//!
//! Place in the flow: outside it; model tests and the simulated district ask it instead of MAX.
//! Invariants: answers depend on the world, the request and `now` alone; history comes newest first
//! and is bounded by `from` above and `to` below; an update that was acknowledged is given never
//! again.

mod world;

pub use world::{Chat, Message, World};

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use self::world::Happened;
use super::{Ask, Play, Reply};
use crate::http::Method;
use crate::play::Fault;
use crate::play::log::{busiest, second_before};

/// One call as it was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Number of the call, from 1.
    pub number: usize,
    /// Path.
    pub path: String,
    /// Parameters.
    pub params: Vec<(String, String)>,
    /// When.
    pub at: Timestamp,
    /// HTTP status of the answer; 0 if there was none.
    pub status: u16,
}

/// What happens in the world just before a call is answered: the world, the number of the call,
/// now.
pub type OnCall = Box<dyn FnMut(&mut World, usize, Timestamp) + Send>;

/// The server.
pub struct PlayMax {
    /// Chats and people.
    pub world: World,
    /// The token that is taken.
    pub token: String,
    /// Calls a second; more answer with 429.
    pub per_second: usize,
    /// Somebody else set a webhook: updates are not given.
    pub webhook: bool,
    /// Addresses that updates are pushed to, and the secret of each.
    pub subscriptions: BTreeMap<String, String>,
    /// Subscriptions are not taken.
    pub no_webhooks: bool,
    /// Most messages of one answer, whatever is asked for.
    pub count_max: usize,
    /// What goes wrong, by number of the call.
    pub faults: BTreeMap<usize, Fault>,
    /// Hook before each call.
    pub on_call: Option<OnCall>,
    /// All calls so far.
    pub log: Vec<Logged>,
    recent: VecDeque<Timestamp>,
    acknowledged: usize,
}

impl Default for PlayMax {
    fn default() -> Self {
        Self::new()
    }
}

/// A failure: status, code, message.
type Refusal = (u16, &'static str, &'static str);

impl PlayMax {
    /// An empty MAX with the token `MADEUPTOKEN` and MAX's limits.
    #[must_use]
    pub fn new() -> Self {
        PlayMax {
            world: World::default(),
            token: "MADEUPTOKEN".to_owned(),
            per_second: 30,
            webhook: false,
            subscriptions: BTreeMap::new(),
            no_webhooks: false,
            count_max: 100,
            faults: BTreeMap::new(),
            on_call: None,
            log: Vec::new(),
            recent: VecDeque::new(),
            acknowledged: 0,
        }
    }

    /// Lets the next call that has no fault yet go wrong.
    pub fn fail_next(&mut self, fault: Fault) {
        let mut number = self.log.len() + 1;
        while self.faults.contains_key(&number) {
            number += 1;
        }
        self.faults.insert(number, fault);
    }

    /// Calls of a path so far.
    #[must_use]
    pub fn calls(&self, path: &str) -> usize {
        self.log.iter().filter(|call| call.path == path).count()
    }

    /// The most calls that fell into one second, both ends included.
    #[must_use]
    pub fn busiest_second(&self) -> usize {
        busiest(self.log.iter().map(|call| call.at))
    }

    fn respond(&mut self, ask: &Ask, now: Timestamp) -> Result<Value, Refusal> {
        // No "Bearer", and the query no longer counts.
        if ask.header("authorization") != Some(self.token.as_str()) {
            return Err((401, "verify.token", "Invalid access_token"));
        }
        while self.recent.front().is_some_and(|at| second_before(now) >= *at) {
            self.recent.pop_front();
        }
        if self.recent.len() >= self.per_second {
            return Err((429, "too.many.requests", "Too many requests"));
        }
        self.recent.push_back(now);
        let parts: Vec<&str> = ask.path.trim_matches('/').split('/').collect();
        if parts == ["subscriptions"] {
            return self.subscribe(ask, now);
        }
        if ask.method != Method::Get {
            return Err((405, "method.not.allowed", "Method not allowed"));
        }
        match parts.as_slice() {
            ["me"] => Ok(json!({
                "user_id": 900_001,
                "first_name": "Бот-пример",
                "username": "primer_bot",
                "is_bot": true,
                "last_activity_time": now.as_millisecond(),
            })),
            ["updates"] => self.updates(ask, now),
            ["messages"] => self.messages(ask, now),
            ["chats", chat] => {
                let (id, chat) = self.find(chat)?;
                Ok(chat_body(id, chat))
            }
            ["chats", chat, "members", "me"] => {
                let (_, chat) = self.find(chat)?;
                let rights = chat.admin.then(|| chat.permissions.clone());
                Ok(json!({
                    "user_id": 900_001,
                    "first_name": "Бот-пример",
                    "is_bot": true,
                    "is_owner": false,
                    "is_admin": chat.admin,
                    "permissions": rights,
                }))
            }
            _ => Err((404, "not.found", "Unknown path")),
        }
    }

    /// Lists, sets or ends subscriptions.
    fn subscribe(&mut self, ask: &Ask, now: Timestamp) -> Result<Value, Refusal> {
        match ask.method {
            Method::Get => {
                let told = |url: &String| {
                    json!({
                        "url": url,
                        "time": now.as_millisecond(),
                        "update_types": ["message_created"],
                    })
                };
                let all: Vec<Value> = self.subscriptions.keys().map(told).collect();
                Ok(json!({ "subscriptions": all }))
            }
            Method::Post => {
                let body: Value = serde_json::from_str(&ask.body)
                    .map_err(|_| (400, "proto.payload", "Invalid JSON"))?;
                let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
                let (url, secret) = (text("url"), text("secret"));
                let plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
                let sound = url.starts_with("https://")
                    && (5..=256).contains(&secret.len())
                    && secret.chars().all(plain)
                    && body["update_types"].as_array().is_some_and(|types| !types.is_empty());
                if !sound || self.no_webhooks {
                    return Err((400, "proto.payload", "Invalid webhook"));
                }
                self.subscriptions.insert(url, secret);
                Ok(json!({ "success": true }))
            }
            Method::Delete => {
                let gone = ask.param("url").and_then(|url| self.subscriptions.remove(url));
                Ok(json!({ "success": gone.is_some() }))
            }
        }
    }

    /// The bodies that are pushed for what happened up to `now`, from the update number `from` on,
    /// and the number to go on with.
    #[must_use]
    pub fn pushes(&self, from: usize, now: Timestamp) -> (Vec<String>, usize) {
        let there: Vec<_> = self.world.updates.iter().filter(|(at, _)| *at <= now).collect();
        let shown = there.iter().skip(from);
        let shown = shown.filter_map(|(at, happened)| self.update(*at, happened, now));
        (shown.map(|update| update.to_string()).collect(), there.len())
    }

    /// A chat by number, or a channel by the name of its link.
    fn find(&self, name: &str) -> Result<(i64, &Chat), Refusal> {
        let not_found = (404, "chat.not.found", "Chat not found");
        let found = match name.parse::<i64>() {
            Ok(id) => self.world.chats.get_key_value(&id),
            Err(_) => {
                let mut channels = self.world.chats.iter();
                channels.find(|(_, chat)| chat.kind == "channel" && chat.link == name)
            }
        };
        found.map(|(id, chat)| (*id, chat)).ok_or(not_found)
    }

    fn messages(&self, ask: &Ask, now: Timestamp) -> Result<Value, Refusal> {
        if let Some(names) = ask.param("message_ids") {
            let all = self.world.chats.iter().filter(|(_, chat)| reads(chat));
            let mut found = Vec::new();
            for (id, chat) in all {
                for mid in names.split(',') {
                    let alive = chat.messages.get(mid).filter(|it| it.life.alive(now));
                    found.extend(alive.map(|it| self.message(*id, chat, mid, it, now)));
                }
            }
            return Ok(json!({ "messages": found }));
        }
        let (id, chat) = self.find(ask.param("chat_id").unwrap_or_default())?;
        if !reads(chat) {
            return Err((403, "chat.denied", "No right to read messages"));
        }
        let number = |name: &str| match ask.param(name) {
            None => Ok(None),
            Some(text) => text
                .parse::<i64>()
                .map(Some)
                .map_err(|_| (400, "proto.payload", "Invalid parameter")),
        };
        let count = number("count")?.unwrap_or(50);
        if !(1..=100).contains(&count) {
            return Err((400, "proto.payload", "count must be from 1 to 100"));
        }
        let (above, below) = (number("to")?, number("from")?);
        let inside = |mid: &&str| {
            let at = chat.messages[*mid].life.date.as_millisecond();
            above.is_none_or(|above| at >= above) && below.is_none_or(|below| at <= below)
        };
        let count = usize::try_from(count).unwrap_or(0).min(self.count_max);
        let page = chat.shown(now).into_iter().filter(inside).take(count);
        let page: Vec<Value> =
            page.map(|mid| self.message(id, chat, mid, &chat.messages[mid], now)).collect();
        Ok(json!({ "messages": page }))
    }

    /// Updates after the marker, which acknowledges all before it; without one the latest alone.
    fn updates(&mut self, ask: &Ask, now: Timestamp) -> Result<Value, Refusal> {
        if self.webhook || !self.subscriptions.is_empty() {
            return Err((405, "updates.disabled", "Long polling is off while a webhook is set"));
        }
        let there = self.world.updates.iter().filter(|(at, _)| *at <= now).count();
        let limit = ask.param("limit").and_then(|it| it.parse().ok()).unwrap_or(100);
        let start = match ask.param("marker").and_then(|it| it.parse::<usize>().ok()) {
            Some(marker) => {
                self.acknowledged = self.acknowledged.max(marker.min(there));
                self.acknowledged
            }
            None => there.saturating_sub(1).max(self.acknowledged),
        };
        let end = there.min(start + limit);
        let wanted: Option<Vec<&str>> = ask.param("types").map(|types| types.split(',').collect());
        let given = self.world.updates.iter().filter(|(at, _)| *at <= now).skip(start);
        let updates: Vec<Value> = given
            .take(end - start)
            .filter_map(|(at, happened)| self.update(*at, happened, now))
            .filter(|update| {
                let kind = update["update_type"].as_str().unwrap_or_default();
                wanted.as_ref().is_none_or(|wanted| wanted.contains(&kind))
            })
            .collect();
        Ok(json!({ "updates": updates, "marker": end }))
    }

    fn update(&self, at: Timestamp, happened: &Happened, now: Timestamp) -> Option<Value> {
        match happened {
            Happened::Other(update) => Some(update.clone()),
            Happened::Message(kind, id, mid) => {
                let chat = self.world.chats.get(id).filter(|chat| reads(chat))?;
                let message = chat.messages.get(mid)?;
                // As it was when it happened, whatever became of it since.
                let shown = self.message(*id, chat, mid, message, at.min(now));
                Some(json!({
                    "update_type": kind,
                    "timestamp": at.as_millisecond(),
                    "message": shown,
                }))
            }
        }
    }

    fn message(&self, id: i64, chat: &Chat, mid: &str, it: &Message, now: Timestamp) -> Value {
        let person = |id: i64| {
            json!({
                "user_id": id,
                "first_name": self.world.name(id),
                "username": format!("user{id}"),
                "is_bot": id >= 900_000,
                "last_activity_time": now.as_millisecond(),
            })
        };
        let mut body = json!({
            "recipient": { "chat_id": id, "chat_type": chat.kind, "user_id": null },
            "timestamp": it.life.date.as_millisecond(),
            "body": {
                "mid": mid,
                "seq": it.seq,
                "text": it.life.text(now),
                "attachments": null,
                "markup": null,
            },
        });
        if let Some(from) = it.from {
            body["sender"] = person(from);
        }
        if chat.kind == "channel" {
            body["stat"] = json!({ "views": 12 });
            if chat.public {
                body["url"] = json!(format!("https://max.ru/{}/AZ{:x}", chat.link, it.seq));
            }
        }
        if let Some(to) = &it.reply_to {
            let answered = chat.messages.get(to);
            body["link"] = json!({
                "type": "reply",
                "sender": person(answered.and_then(|it| it.from).unwrap_or(100_009)),
                "message": {
                    "mid": to,
                    "seq": answered.map_or(1, |it| it.seq),
                    "text": answered.map_or("", |it| it.life.text(now)),
                    "attachments": null,
                },
            });
        }
        if let Some((origin, text)) = &it.forward {
            body["body"] = Value::Null;
            body["link"] = json!({
                "type": "forward",
                "sender": person(100_008),
                "chat_id": -70_000_000_000_099_i64,
                "message": { "mid": origin, "seq": 2, "text": text, "attachments": null },
            });
        }
        merged(body, &it.extra)
    }
}

impl Play for PlayMax {
    fn answer(&mut self, ask: &Ask, now: Timestamp) -> Reply {
        let number = self.log.len() + 1;
        if let Some(mut hook) = self.on_call.take() {
            hook(&mut self.world, number, now);
            self.on_call = Some(hook);
        }
        let fault = self.faults.remove(&number);
        let kind = "application/json; charset=utf-8";
        let proper = match self.respond(ask, now) {
            Ok(body) => Reply::ok(kind, body.to_string()),
            Err((status, code, message)) => {
                Reply::status(status, kind, json!({ "code": code, "message": message }).to_string())
            }
        };
        let reply = match fault {
            None => proper,
            Some(fault) => fault.spoil(proper),
        };
        let status = match &reply {
            Reply::Answer(response) | Reply::Cut(response, _) => response.status,
            Reply::Reset | Reply::Hang => 0,
        };
        let path = ask.path.clone();
        self.log.push(Logged { number, path, params: ask.params.clone(), at: now, status });
        reply
    }
}

fn reads(chat: &Chat) -> bool {
    chat.admin && chat.permissions.iter().any(|right| right == "read_all_messages")
}

fn chat_body(id: i64, chat: &Chat) -> Value {
    json!({
        "chat_id": id,
        "type": chat.kind,
        "status": chat.status,
        "title": "Канал-пример",
        "is_public": chat.public,
        "link": format!("https://max.ru/{}", chat.link),
        "participants_count": 120,
        "last_event_time": 0,
    })
}

fn merged(mut body: Value, extra: &Map<String, Value>) -> Value {
    if let Value::Object(fields) = &mut body {
        fields.extend(extra.clone());
    }
    body
}
