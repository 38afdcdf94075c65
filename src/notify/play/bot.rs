//! A local Bot API server.
//!
//! Place in the flow: see the folder. Invariant: answers have the envelope and status the Bot API
//! documents; a message it would refuse (too long, bad HTML, empty, wrong token) is refused here
//! too.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::http::{Ask, Reply, listen};
use super::updates::{PERSON, Updates, person, rows};
use super::{Running, Shared, lock, parsed_units};

/// What goes wrong with one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BotFault {
    /// 429 with these seconds to wait.
    TooMany(i64),
    /// 403: the person blocked the bot.
    Blocked,
    /// 403: the bot was removed from the group.
    Kicked,
    /// 400: the chat is unknown.
    NoChat,
    /// 400: the group became a supergroup of this number.
    Migrate(i64),
    /// 400: the HTML is not understood, whatever it is.
    CantParse,
    /// 5xx with a page of HTML, as a gateway sends it.
    Gateway(u16),
    /// Never answers.
    Hang,
    /// Closes without an answer; the message is not kept.
    Reset,
    /// Keeps the message, but the answer is lost.
    LostAnswer,
    /// 409: another program asks for updates too.
    Conflict,
    /// 409: a webhook takes the updates.
    Webhook,
    /// 400: the press was too long ago.
    TooOld,
}

/// A message or file that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BotMessage {
    /// Message id within the server.
    pub id: i64,
    /// Chat, as given.
    pub chat: String,
    /// Text as given (HTML or plain); file name for a file.
    pub text: String,
    /// Whether the text is HTML.
    pub html: bool,
    /// Message it answers.
    pub answers: Option<i64>,
    /// Content of a file.
    pub file: Option<Vec<u8>>,
}

#[derive(Default)]
struct State {
    token: String,
    faults: VecDeque<BotFault>,
    chat_faults: BTreeMap<String, BotFault>,
    messages: Vec<BotMessage>,
    calls: usize,
    method_faults: BTreeMap<String, VecDeque<BotFault>>,
    updates: Updates,
}

/// A running Bot API server on a loopback port; stops when dropped.
pub struct LocalBot {
    addr: SocketAddr,
    state: Shared<State>,
    _running: Running,
}

impl LocalBot {
    /// Starts one that knows this token.
    pub async fn start(token: &str) -> io::Result<Self> {
        let state = State { token: token.to_owned(), ..State::default() };
        let state: Shared<State> = Arc::new(Mutex::new(state));
        let (addr, running) = listen(&state, serve).await?;
        Ok(Self { addr, state, _running: running })
    }

    /// Address for `[telegram_bot] api_url`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Lets the next call go wrong like this.
    pub fn fail(&self, fault: BotFault) {
        lock(&self.state).faults.push_back(fault);
    }

    /// Lets every message to this chat go wrong like this.
    pub fn fail_chat(&self, chat: &str, fault: BotFault) {
        lock(&self.state).chat_faults.insert(chat.to_owned(), fault);
    }

    /// Lets the next call of this method go wrong like this. Questions for updates go wrong in no
    /// other way.
    pub fn fail_at(&self, method: &str, fault: BotFault) {
        let mut state = lock(&self.state);
        state.method_faults.entry(method.to_owned()).or_default().push_back(fault);
        state.updates.ring();
    }

    /// Somebody presses the button that carries `data` under a message; returns the question's id.
    pub fn press(&self, chat: i64, message: i64, data: &str) -> String {
        let mut state = lock(&self.state);
        let query = format!("query{}", state.updates.next());
        state.updates.add(json!({ "callback_query": {
            "id": query, "from": person(), "data": data, "chat_instance": "1",
            "message": { "message_id": message, "date": 0, "chat": { "id": chat,
                "type": "supergroup" } } } }));
        query
    }

    /// Somebody writes to the bot in a chat of this type.
    pub fn says(&self, chat: i64, kind: &str, text: &str) {
        lock(&self.state).updates.add(json!({ "message": {
            "message_id": 1, "date": 0, "from": person(), "text": text,
            "chat": { "id": chat, "type": kind, "first_name": PERSON } } }));
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

    /// The buttons under a message now: title and what it carries.
    #[must_use]
    pub fn buttons(&self, message: i64) -> Vec<Vec<(String, String)>> {
        let state = lock(&self.state);
        let found = state.updates.buttons.get(&message.to_string());
        found.map(|it| rows(it, "text", "callback_data")).unwrap_or_default()
    }

    /// How many times messages were changed.
    #[must_use]
    pub fn edits(&self) -> usize {
        lock(&self.state).updates.edits.len()
    }

    /// How many updates the bot has not confirmed.
    #[must_use]
    pub fn unheard(&self) -> usize {
        lock(&self.state).updates.waiting().count()
    }

    /// Everything accepted so far.
    #[must_use]
    pub fn messages(&self) -> Vec<BotMessage> {
        lock(&self.state).messages.clone()
    }

    /// How many calls came.
    #[must_use]
    pub fn calls(&self) -> usize {
        lock(&self.state).calls
    }
}

/// Answers one request, or lets it go wrong.
fn serve(ask: &Ask, state: &Shared<State>) -> Reply {
    let call = Call::read(&ask.path, ask.header("content-type").unwrap_or_default(), &ask.body);
    let fault = {
        let mut state = lock(state);
        let own = state.method_faults.get_mut(&call.method).and_then(VecDeque::pop_front);
        if call.method == "getUpdates" {
            own
        } else {
            state.calls += 1;
            let of_chat = state.chat_faults.get(&call.chat).copied();
            own.or_else(|| state.faults.pop_front()).or(of_chat)
        }
    };
    match fault {
        Some(BotFault::Hang) => Reply::Hang,
        _ => answer(&call, fault, state),
    }
}

/// A call as the Bot API sees it.
struct Call {
    token: String,
    method: String,
    chat: String,
    text: String,
    html: bool,
    answers: Option<i64>,
    file: Option<Vec<u8>>,
    /// The whole body, for what is not read apart.
    body: Value,
}

impl Call {
    fn read(path: &str, mime: &str, body: &[u8]) -> Self {
        let path = path.trim_start_matches("/bot");
        let (token, method) = path.split_once('/').unwrap_or((path, ""));
        let mut call = Call {
            token: token.to_owned(),
            method: method.split('?').next().unwrap_or_default().to_owned(),
            chat: String::new(),
            text: String::new(),
            html: false,
            answers: None,
            file: None,
            body: Value::Null,
        };
        if let Some(boundary) = mime.strip_prefix("multipart/form-data; boundary=") {
            call.read_parts(boundary, body);
        } else if let Ok(json) = serde_json::from_slice::<Value>(body) {
            let text = |key: &str| json.get(key).and_then(Value::as_str).unwrap_or_default();
            call.chat = match json.get("chat_id") {
                Some(Value::Number(number)) => number.to_string(),
                _ => text("chat_id").to_owned(),
            };
            call.text = text("text").to_owned();
            call.html = text("parse_mode") == "HTML";
            call.answers = json.pointer("/reply_parameters/message_id").and_then(Value::as_i64);
            call.body = json;
        }
        call
    }

    /// Fields of a form with a file.
    fn read_parts(&mut self, boundary: &str, body: &[u8]) {
        let mark = format!("--{boundary}");
        for part in pieces(body, mark.as_bytes()) {
            let mut halves = pieces(part, b"\r\n\r\n");
            let head = String::from_utf8_lossy(halves.next().unwrap_or_default()).into_owned();
            let skip = head.len() + 4;
            let content = part.get(skip..part.len().saturating_sub(2)).unwrap_or_default();
            if head.contains("name=\"chat_id\"") {
                self.chat = String::from_utf8_lossy(content).into_owned();
            } else if let Some((_, name)) = head.split_once("filename=\"") {
                self.text = name.split('"').next().unwrap_or_default().to_owned();
                self.file = Some(content.to_vec());
            }
        }
    }
}

/// `bytes` between the occurrences of `mark`.
fn pieces<'a>(bytes: &'a [u8], mark: &[u8]) -> impl Iterator<Item = &'a [u8]> {
    let found = |at: &usize| bytes[*at..].starts_with(mark);
    let marks: Vec<usize> = (0..bytes.len()).filter(found).collect();
    let mut starts = vec![0];
    starts.extend(marks.iter().map(|at| at + mark.len()));
    let ends = marks.into_iter().chain([bytes.len()]);
    starts.into_iter().zip(ends).map(|(start, end)| &bytes[start.min(end)..end])
}

fn error(code: u16, description: &str) -> Reply {
    let body = json!({ "ok": false, "error_code": code, "description": description });
    Reply::say(code, body.to_string())
}

/// What the Bot API answers to a call.
fn answer(call: &Call, fault: Option<BotFault>, state: &Shared<State>) -> Reply {
    if call.token != lock(state).token {
        return error(401, "Unauthorized");
    }
    match fault {
        None | Some(BotFault::Hang | BotFault::LostAnswer) => {}
        Some(BotFault::CantParse) if !call.html => {}
        Some(fault) => return fault_answer(fault),
    }
    let answer = match call.method.as_str() {
        "getMe" => ok(&json!({ "id": 1, "is_bot": true, "username": "otklik_local_bot" })),
        "sendMessage" | "sendDocument" => take(call, state),
        "getUpdates" => updates(call, &mut lock(state).updates),
        "answerCallbackQuery" => note_answer(call, &mut lock(state).updates),
        "editMessageReplyMarkup" => edit(call, state),
        _ => error(404, "Not Found"),
    };
    if fault == Some(BotFault::LostAnswer) { Reply::Close } else { answer }
}

fn ok(result: &Value) -> Reply {
    Reply::say(200, json!({ "ok": true, "result": result }).to_string())
}

fn fault_answer(fault: BotFault) -> Reply {
    match fault {
        BotFault::TooMany(secs) => {
            let body = json!({ "ok": false, "error_code": 429,
                "description": format!("Too Many Requests: retry after {secs}"),
                "parameters": { "retry_after": secs } });
            Reply::say(429, body.to_string())
        }
        BotFault::Migrate(chat) => {
            let body = json!({ "ok": false, "error_code": 400,
                "description": "Bad Request: group chat was upgraded to a supergroup chat",
                "parameters": { "migrate_to_chat_id": chat } });
            Reply::say(400, body.to_string())
        }
        BotFault::Blocked => error(403, "Forbidden: bot was blocked by the user"),
        BotFault::Kicked => error(403, "Forbidden: bot was kicked from the supergroup chat"),
        BotFault::NoChat => error(400, "Bad Request: chat not found"),
        BotFault::CantParse => error(400, "Bad Request: can't parse entities: byte 5"),
        BotFault::Conflict => error(
            409,
            "Conflict: terminated by other getUpdates request; make sure that only one bot \
             instance is running",
        ),
        BotFault::Webhook => {
            error(409, "Conflict: can't use getUpdates method while webhook is active")
        }
        BotFault::TooOld => {
            error(400, "Bad Request: query is too old and response timeout expired")
        }
        BotFault::Gateway(status) => Reply::say(status, "<html><h1>Bad Gateway</h1></html>"),
        BotFault::Reset | BotFault::Hang | BotFault::LostAnswer => Reply::Close,
    }
}

/// Accepts a message or file, if the Bot API would.
fn take(call: &Call, state: &Shared<State>) -> Reply {
    if call.chat.is_empty() {
        return error(400, "Bad Request: chat_id is empty");
    }
    if call.method == "sendMessage" {
        let units = if call.html {
            match parsed_units(&call.text) {
                Ok(units) => units,
                Err(why) => {
                    return error(400, &format!("Bad Request: can't parse entities: {why}"));
                }
            }
        } else {
            call.text.encode_utf16().count()
        };
        if call.text.trim().is_empty() || units == 0 {
            return error(400, "Bad Request: message text is empty");
        }
        if units > 4_096 {
            return error(400, "Bad Request: message is too long");
        }
    }
    if let Err(why) = check_markup(&call.body) {
        return error(400, why);
    }
    let mut state = lock(state);
    let id = i64::try_from(state.messages.len()).unwrap_or(i64::MAX - 1) + 1;
    state.messages.push(BotMessage {
        id,
        chat: call.chat.clone(),
        text: call.text.clone(),
        html: call.html,
        answers: call.answers,
        file: call.file.clone(),
    });
    if let Some(rows) = call.body.pointer("/reply_markup/inline_keyboard") {
        state.updates.buttons.insert(id.to_string(), rows.clone());
    }
    ok(&json!({ "message_id": id, "chat": { "id": call.chat }, "date": 0 }))
}

/// What the Bot API refuses of buttons: nothing to press, more than 64 bytes.
fn check_markup(body: &Value) -> Result<(), &'static str> {
    let Some(keyboard) = body.pointer("/reply_markup/inline_keyboard") else { return Ok(()) };
    for (title, data) in rows(keyboard, "text", "callback_data").into_iter().flatten() {
        if title.is_empty() {
            return Err("Bad Request: text must be non-empty");
        }
        if !(1..=64).contains(&data.len()) {
            return Err("Bad Request: BUTTON_DATA_INVALID");
        }
    }
    Ok(())
}

fn updates(call: &Call, updates: &mut Updates) -> Reply {
    let number = |key: &str| call.body.get(key).and_then(Value::as_i64);
    if let Some(offset) = number("offset") {
        updates.confirm(offset);
    }
    let most = usize::try_from(number("limit").unwrap_or(100)).unwrap_or(100);
    let given: Vec<Value> = updates
        .waiting()
        .take(most)
        .map(|(number, update)| {
            let mut update = update.clone();
            if let Some(update) = update.as_object_mut() {
                update.insert("update_id".to_owned(), number.into());
            }
            update
        })
        .collect();
    if given.is_empty() {
        let secs = number("timeout").and_then(|it| u64::try_from(it).ok()).unwrap_or(0);
        return updates.hold(secs, &json!({ "ok": true, "result": [] }));
    }
    ok(&Value::Array(given))
}

fn note_answer(call: &Call, updates: &mut Updates) -> Reply {
    let text = |key: &str| call.body.get(key).and_then(Value::as_str).unwrap_or_default();
    if text("text").chars().count() > 200 {
        return error(400, "Bad Request: MESSAGE_TOO_LONG");
    }
    updates.answers.push((text("callback_query_id").to_owned(), text("text").to_owned()));
    ok(&Value::Bool(true))
}

fn edit(call: &Call, state: &Shared<State>) -> Reply {
    if let Err(why) = check_markup(&call.body) {
        return error(400, why);
    }
    let mut state = lock(state);
    let number = call.body.get("message_id").and_then(Value::as_i64).unwrap_or_default();
    if !state.messages.iter().any(|it| it.id == number && it.chat == call.chat) {
        return error(400, "Bad Request: message to edit not found");
    }
    let empty = json!([]);
    let rows = call.body.pointer("/reply_markup/inline_keyboard").unwrap_or(&empty);
    if state.updates.buttons.get(&number.to_string()).unwrap_or(&empty) == rows {
        return error(400, "Bad Request: message is not modified");
    }
    state.updates.buttons.insert(number.to_string(), rows.clone());
    state.updates.edits.push(number.to_string());
    ok(&json!({ "message_id": number, "chat": { "id": call.chat }, "date": 0 }))
}
