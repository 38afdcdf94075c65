//! Local servers of MAX, of VK's messages and of a webhook's receiver.
//!
//! Place in the flow: see the folder. Invariant: each answers with the envelope, the status and the
//! error codes that its service documents, and refuses what the service would refuse: a wrong
//! token, an empty or too long text, a token in the address.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::http::{Ask, Reply, listen};
use super::updates::{Updates, person, rows};
use super::{Running, Shared, lock};

/// Which service a gate plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// MAX's bot API.
    Max,
    /// VK's `messages.send`.
    Vk,
    /// Somebody's own receiver.
    Hook,
}

/// What goes wrong with one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateFault {
    /// The service says wait, so many seconds where it names them.
    TooMany(i64),
    /// The chat, the peer or the right to write is missing: an HTTP status, or VK's code.
    No(i64),
    /// A page of a gateway with this status.
    Gateway(u16),
    /// Never answers.
    Hang,
    /// Closes without an answer; the message is not kept.
    Reset,
    /// Keeps the message, but the answer is lost.
    LostAnswer,
}

/// A message that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateMessage {
    /// Chat, peer or path it went to.
    pub to: String,
    /// Text, or the whole body of a webhook.
    pub text: String,
    /// What it answers.
    pub answers: Option<String>,
    /// VK's `random_id`; the delivery of a webhook.
    pub copy: Option<String>,
    /// Signature of a webhook.
    pub signature: Option<String>,
    /// Time in the head of a webhook.
    pub at: Option<String>,
}

struct State {
    service: Service,
    token: String,
    faults: VecDeque<GateFault>,
    messages: Vec<GateMessage>,
    copies: BTreeMap<String, usize>,
    updates: Updates,
    update_faults: VecDeque<GateFault>,
}

/// A running server on a loopback port; stops when dropped.
pub struct LocalGate {
    addr: SocketAddr,
    state: Shared<State>,
    _running: Running,
}

impl LocalGate {
    /// Starts one that knows this token.
    pub async fn start(service: Service, token: &str) -> io::Result<Self> {
        let state = State {
            service,
            token: token.to_owned(),
            faults: VecDeque::new(),
            messages: Vec::new(),
            copies: BTreeMap::new(),
            updates: Updates::default(),
            update_faults: VecDeque::new(),
        };
        let state: Shared<State> = Arc::new(Mutex::new(state));
        let (addr, running) = listen(&state, serve).await?;
        Ok(Self { addr, state, _running: running })
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Lets the next call go wrong like this.
    pub fn fail(&self, fault: GateFault) {
        lock(&self.state).faults.push_back(fault);
    }

    /// Lets the next question for updates go wrong like this.
    pub fn fail_updates(&self, fault: GateFault) {
        let mut state = lock(&self.state);
        state.update_faults.push_back(fault);
        state.updates.ring();
    }

    /// Somebody presses the button that carries `payload` under message `mid` of a MAX chat;
    /// returns the question's id.
    pub fn press(&self, chat: i64, mid: &str, payload: &str) -> String {
        let mut state = lock(&self.state);
        let query = format!("query&{}", state.updates.next());
        state.updates.add(json!({ "update_type": "message_callback", "timestamp": 0,
            "callback": { "callback_id": query, "payload": payload, "user": person() },
            "message": { "recipient": { "chat_id": chat, "chat_type": "chat" },
                "body": { "mid": mid, "seq": 1, "text": "" } } }));
        query
    }

    /// Somebody writes to the bot in a MAX chat of this type.
    pub fn says(&self, chat: i64, kind: &str, text: &str) {
        lock(&self.state).updates.add(json!({ "update_type": "message_created", "timestamp": 0,
            "message": { "sender": person(), "recipient": { "chat_id": chat, "chat_type": kind },
                "body": { "mid": "mid.0", "seq": 1, "text": text } } }));
    }

    /// Tells the bot anything at all.
    pub fn tell(&self, update: Value) {
        lock(&self.state).updates.add(update);
    }

    /// What presses were answered with: the question's id and the text.
    #[must_use]
    pub fn answers(&self) -> Vec<(String, String)> {
        lock(&self.state).updates.answers.clone()
    }

    /// The buttons under a MAX message now: title and what it carries.
    #[must_use]
    pub fn buttons(&self, mid: &str) -> Vec<Vec<(String, String)>> {
        let state = lock(&self.state);
        let found = state.updates.buttons.get(mid);
        found.map(|it| rows(it, "text", "payload")).unwrap_or_default()
    }

    /// How many updates the bot has not confirmed.
    #[must_use]
    pub fn unheard(&self) -> usize {
        lock(&self.state).updates.waiting().count()
    }

    /// Everything accepted so far; copies that the service itself dropped are not among them.
    #[must_use]
    pub fn messages(&self) -> Vec<GateMessage> {
        lock(&self.state).messages.clone()
    }
}

fn serve(ask: &Ask, state: &Shared<State>) -> Reply {
    let (fault, service) = {
        let mut state = lock(state);
        let hears = state.service == Service::Max && ask.path.starts_with("/updates");
        let faults = if hears { &mut state.update_faults } else { &mut state.faults };
        (faults.pop_front(), state.service)
    };
    let keep = match fault {
        Some(GateFault::Hang) => return Reply::Hang,
        Some(GateFault::Reset) => return Reply::Close,
        Some(GateFault::Gateway(status)) => {
            return Reply::say(status, "<html><h1>Bad Gateway</h1></html>");
        }
        Some(GateFault::TooMany(secs)) => return too_many(service, secs),
        Some(GateFault::No(code)) => return no(service, code),
        Some(GateFault::LostAnswer) | None => match service {
            Service::Max => max(ask, &mut lock(state)),
            Service::Vk => vk(ask, &mut lock(state)),
            Service::Hook => hook(ask, &mut lock(state)),
        },
    };
    if fault == Some(GateFault::LostAnswer) { Reply::Close } else { keep }
}

fn too_many(service: Service, secs: i64) -> Reply {
    let after = format!("retry-after: {secs}\r\n");
    match service {
        Service::Max => {
            let body = json!({ "code": "too.many.requests", "message": "Too many requests" });
            Reply::Say(429, after, body.to_string())
        }
        Service::Vk => vk_error(6, "Too many requests per second"),
        Service::Hook => Reply::Say(429, after, String::new()),
    }
}

fn no(service: Service, code: i64) -> Reply {
    let status = u16::try_from(code).unwrap_or(500);
    match service {
        Service::Max => max_error(status, "chat.denied"),
        Service::Vk => vk_error(code, "refused"),
        Service::Hook => Reply::say(status, ""),
    }
}

fn max_error(status: u16, code: &str) -> Reply {
    Reply::say(status, json!({ "code": code, "message": "canary words of MAX" }).to_string())
}

fn vk_error(code: i64, text: &str) -> Reply {
    let error = json!({ "error_code": code, "error_msg": text, "request_params": [] });
    Reply::say(200, json!({ "error": error }).to_string())
}

fn max(ask: &Ask, state: &mut State) -> Reply {
    if ask.header("authorization") != Some(state.token.as_str()) {
        return max_error(401, "verify.token");
    }
    let (path, query) = ask.path.split_once('?').unwrap_or((&ask.path, ""));
    if path == "/me" {
        return Reply::say(
            200,
            json!({ "user_id": 1, "is_bot": true, "username": "otklik_max_bot" }).to_string(),
        );
    }
    let fields: BTreeMap<String, String> =
        form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let field = |name: &str| fields.get(name).map(String::as_str);
    let body: Value = serde_json::from_slice(&ask.body).unwrap_or_default();
    let text = body.get("text").and_then(Value::as_str).unwrap_or_default();
    let written = ask.method() != "GET" && path == "/messages";
    if written && (text.trim().is_empty() || text.chars().count() > 4_000) {
        return max_error(400, "proto.payload");
    }
    match (ask.method(), path) {
        ("POST", "/messages") => max_message(field("chat_id"), text, &body, state),
        ("PUT", "/messages") => max_edit(field("message_id").unwrap_or_default(), &body, state),
        ("GET", "/updates") => max_updates(&fields, &mut state.updates),
        ("POST", "/answers") => {
            let text = body.get("notification").and_then(Value::as_str).unwrap_or_default();
            let query = field("callback_id").unwrap_or_default().to_owned();
            state.updates.answers.push((query, text.to_owned()));
            Reply::say(200, json!({ "success": true }).to_string())
        }
        _ => max_error(404, "not.found"),
    }
}

fn max_message(chat: Option<&str>, text: &str, body: &Value, state: &mut State) -> Reply {
    let Some(chat) = chat else { return max_error(404, "chat.not.found") };
    state.messages.push(GateMessage {
        to: chat.to_owned(),
        text: text.to_owned(),
        answers: body.pointer("/link/mid").and_then(Value::as_str).map(str::to_owned),
        copy: None,
        signature: None,
        at: None,
    });
    let mid = format!("mid.{}", state.messages.len());
    keep_buttons(&mid, body, state);
    let message = json!({ "timestamp": 0, "body": { "mid": mid, "seq": 1, "text": text } });
    Reply::say(200, json!({ "message": message }).to_string())
}

/// Attachments that are sent stand in the place of those before.
fn keep_buttons(mid: &str, body: &Value, state: &mut State) {
    let Some(attachments) = body.get("attachments") else { return };
    let rows = attachments.pointer("/0/payload/buttons").cloned().unwrap_or_default();
    state.updates.buttons.insert(mid.to_owned(), rows);
}

fn max_edit(mid: &str, body: &Value, state: &mut State) -> Reply {
    let number = mid.strip_prefix("mid.").and_then(|it| it.parse::<usize>().ok());
    let message = number.and_then(|it| state.messages.get_mut(it.checked_sub(1)?));
    let Some(message) = message else { return max_error(404, "message.not.found") };
    message.text = body.get("text").and_then(Value::as_str).unwrap_or_default().to_owned();
    keep_buttons(mid, body, state);
    state.updates.edits.push(mid.to_owned());
    Reply::say(200, json!({ "success": true }).to_string())
}

/// Without a marker only the latest update is given; a marker confirms everything up to it.
fn max_updates(fields: &BTreeMap<String, String>, updates: &mut Updates) -> Reply {
    let number = |name: &str| fields.get(name).and_then(|it| it.parse::<i64>().ok());
    match number("marker") {
        Some(marker) => updates.confirm(marker + 1),
        None => updates.confirm(updates.last()),
    }
    let types = fields.get("types").map(String::as_str).unwrap_or_default();
    let wanted = |update: &Value| {
        let kind = update.get("update_type").and_then(Value::as_str).unwrap_or_default();
        types.split(',').any(|it| it == kind)
    };
    let given: Vec<Value> = updates.waiting().map(|(_, it)| it.clone()).filter(wanted).collect();
    let answer = json!({ "updates": given, "marker": updates.last() });
    if given.is_empty() {
        let secs = number("timeout").and_then(|it| u64::try_from(it).ok()).unwrap_or(0);
        return updates.hold(secs, &answer);
    }
    Reply::say(200, answer.to_string())
}

fn vk(ask: &Ask, state: &mut State) -> Reply {
    let form: BTreeMap<String, String> = form_urlencoded::parse(&ask.body).into_owned().collect();
    let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    if field("access_token") != state.token || ask.path.contains("access_token") {
        return vk_error(5, "User authorization failed");
    }
    match ask.path.as_str() {
        "/groups.getById" => {
            return Reply::say(200, json!({ "response": { "groups": [{ "id": 1 }] } }).to_string());
        }
        "/messages.send" => {}
        _ => return vk_error(3, "Unknown method passed"),
    }
    let text = field("message");
    if text.trim().is_empty() {
        return vk_error(100, "One of the parameters specified was missing or invalid");
    }
    if text.chars().count() > 4_096 {
        return vk_error(914, "Message is too long");
    }
    let copy = field("random_id").to_owned();
    let number = match state.copies.get(&copy) {
        Some(number) => *number,
        None => {
            let answers = serde_json::from_str::<Value>(field("forward")).ok();
            let answers = answers.as_ref().and_then(|it| it.pointer("/conversation_message_ids/0"));
            state.messages.push(GateMessage {
                to: field("peer_ids").to_owned(),
                text: text.to_owned(),
                answers: answers.map(Value::to_string),
                copy: Some(copy.clone()),
                signature: None,
                at: None,
            });
            state.copies.insert(copy, state.messages.len());
            state.messages.len()
        }
    };
    let sent = json!({ "peer_id": 1, "message_id": 0, "conversation_message_id": number });
    Reply::say(200, json!({ "response": [sent] }).to_string())
}

fn hook(ask: &Ask, state: &mut State) -> Reply {
    let own = |name: &str| ask.header(name).map(str::to_owned);
    state.messages.push(GateMessage {
        to: ask.path.clone(),
        text: String::from_utf8_lossy(&ask.body).into_owned(),
        answers: None,
        copy: own("x-otklik-delivery"),
        signature: own("x-otklik-signature"),
        at: own("x-otklik-at"),
    });
    Reply::say(200, "ok")
}
