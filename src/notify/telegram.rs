//! Telegram by the Bot API.
//!
//! Place in the flow: one of the notifiers. Invariant: the token stands in every address, so no
//! error of the HTTP client is ever printed and redirects are not followed; a message is sent whole
//! or split, never cut.

use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};

use super::pieces::split;
use super::wire::{self, BotSettings, WAIT, Wire, is_plain_token, refused, unset};
use super::{Attachment, Batch, Ear, Heard, Message, Notifier, Press, Said};
use crate::alert::render::words::escape;
use crate::model::{Channel, Keyboard, SendOutcome};

/// Longest message, in UTF-16 units after entity parsing.
pub const UNITS_MAX: usize = 4_096;
/// Longest answer to a press, in characters.
const ANSWER_CHARS_MAX: usize = 200;
/// Updates of one answer.
const UPDATES_MAX: u32 = 100;

/// The Telegram notifier.
pub struct Telegram {
    wire: Wire,
    /// Base address with the token: secret.
    base: String,
    /// How long the server may hold a question for updates, in seconds.
    hold_secs: u64,
}

/// How a call failed.
enum Trouble {
    /// The HTML was not understood.
    Entities,
    /// Everything else, as the worker should see it.
    Outcome(SendOutcome),
}

impl From<SendOutcome> for Trouble {
    fn from(outcome: SendOutcome) -> Self {
        Trouble::Outcome(outcome)
    }
}

#[derive(Deserialize)]
struct Answer {
    ok: bool,
    #[serde(default)]
    result: Value,
    error_code: Option<u16>,
    #[serde(default)]
    description: String,
    parameters: Option<Parameters>,
}

#[derive(Deserialize)]
struct Parameters {
    retry_after: Option<i64>,
    migrate_to_chat_id: Option<i64>,
}

impl Telegram {
    /// Checks the settings; calls nothing. Errors are Russian sentences without the settings'
    /// values.
    pub fn new(settings: &BotSettings<'_>) -> Result<Self, String> {
        Self::with_wait(settings, WAIT)
    }

    /// The same, waiting at most `wait` for each answer.
    pub fn with_wait(settings: &BotSettings<'_>, wait: Duration) -> Result<Self, String> {
        if !is_plain_token(settings.token) {
            return Err("[telegram_bot] token: неверный вид, нужен 123456:AA…".to_owned());
        }
        let key = "[telegram_bot] api_url";
        let api_url = wire::base(key, settings.api_url, "https://api.telegram.org")?;
        let wire = Wire::new("Telegram", settings.way, wait)?;
        let base = format!("{api_url}/bot{}", settings.token);
        Ok(Self { wire, base, hold_secs: wire::hold_secs(wait) })
    }

    /// One call with a JSON body.
    async fn call(&self, method: &str, body: &Value) -> Result<Value, Trouble> {
        let bytes = serde_json::to_vec(body).unwrap_or_default();
        self.post(method, "application/json", bytes).await
    }

    async fn post(&self, method: &str, mime: &str, body: Vec<u8>) -> Result<Value, Trouble> {
        let url = format!("{}/{method}", self.base);
        let reply = self.wire.post(&url, &[("content-type", mime)], body).await?;
        match serde_json::from_slice::<Answer>(&reply.bytes) {
            Ok(answer) if answer.ok => Ok(answer.result),
            Ok(answer) => Err(refusal(&answer, reply.status, reply.retry_after)),
            Err(_) => Err(self.wire.odd(&reply).into()),
        }
    }

    /// Sends one message; if its HTML is not understood, its plain text.
    async fn message(
        &self,
        chat: &str,
        html: &str,
        answers: Option<i64>,
        buttons: Option<&Keyboard>,
    ) -> Result<Value, Trouble> {
        let mut body = json!({
            "chat_id": chat_of(chat),
            "text": html,
            "parse_mode": "HTML",
            "link_preview_options": { "is_disabled": true },
        });
        if let Some(id) = answers {
            body["reply_parameters"] =
                json!({ "message_id": id, "allow_sending_without_reply": true });
        }
        if let Some(buttons) = buttons {
            body["reply_markup"] = markup(buttons);
        }
        match self.call("sendMessage", &body).await {
            Err(Trouble::Entities) => {
                body["text"] = Value::String(plain_of(html));
                if let Some(body) = body.as_object_mut() {
                    body.remove("parse_mode");
                }
                self.call("sendMessage", &body).await
            }
            other => other,
        }
    }

    /// Sends one file.
    async fn file(&self, chat: &str, id: &str, file: &Attachment) -> Result<Value, Trouble> {
        let boundary = format!("otklik-{id}-7d1c0e52");
        let name: String =
            file.name.chars().filter(|c| !c.is_control() && !"\"\\".contains(*c)).collect();
        let mut body = format!(
            "--{boundary}\r\ncontent-disposition: form-data; name=\"chat_id\"\r\n\r\n{chat}\r\n\
             --{boundary}\r\ncontent-disposition: form-data; name=\"document\"; \
             filename=\"{name}\"\r\ncontent-type: application/octet-stream\r\n\r\n"
        )
        .into_bytes();
        body.extend_from_slice(&file.bytes);
        body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        let mime = format!("multipart/form-data; boundary={boundary}");
        self.post("sendDocument", &mime, body).await
    }

    async fn send_all(&self, message: &Message, chat: &str) -> Result<Option<String>, Trouble> {
        let answers = message.thread.as_ref().and_then(|it| it.receipt.as_ref()?.parse().ok());
        let pieces = pieces(message);
        let mut receipt = None;
        for (left, piece) in (0..pieces.len()).rev().zip(&pieces) {
            // The last piece has the buttons; its number is kept, so that they can be changed.
            let buttons = (left == 0 && !message.buttons.is_empty()).then_some(&message.buttons);
            let sent = self.message(chat, piece, answers, buttons).await?;
            let id = sent.get("message_id").and_then(Value::as_i64);
            receipt = id.map(|id| id.to_string()).or(receipt);
        }
        for file in &message.attachments {
            self.file(chat, message.id.as_str(), file).await?;
        }
        Ok(receipt)
    }
}

#[async_trait]
impl Notifier for Telegram {
    async fn send(&self, message: &Message, address: &str) -> SendOutcome {
        match self.send_all(message, address).await {
            Ok(receipt) => SendOutcome::Sent { receipt },
            Err(Trouble::Outcome(outcome)) => outcome,
            Err(Trouble::Entities) => {
                let text = "Telegram не понял сообщение даже как простой текст".to_owned();
                SendOutcome::Refused { text }
            }
        }
    }

    async fn edit(&self, message: &Message, address: &str, receipt: &str) -> SendOutcome {
        let Ok(id) = receipt.parse::<i64>() else {
            return refused("Telegram: номер сообщения неизвестен");
        };
        let body = json!({
            "chat_id": chat_of(address),
            "message_id": id,
            "reply_markup": markup(&message.buttons),
        });
        outcome(self.call("editMessageReplyMarkup", &body).await)
    }

    async fn handle(&self) -> Option<String> {
        let me = self.call("getMe", &json!({})).await.ok()?;
        me.get("username").and_then(Value::as_str).map(|name| format!("@{}", one_word(name)))
    }

    async fn prove(&self) -> Result<String, String> {
        match self.call("getMe", &json!({})).await {
            Ok(me) => {
                let name = me.get("username").and_then(Value::as_str).unwrap_or("без имени");
                Ok(format!("Telegram: бот @{} отвечает", one_word(name)))
            }
            Err(Trouble::Outcome(outcome)) => Err(wire::sentence(outcome)),
            Err(Trouble::Entities) => Err("Telegram ответил непонятно".to_owned()),
        }
    }
}

#[async_trait]
impl Ear for Telegram {
    async fn hear(&self, from: Option<&str>) -> Result<Batch, SendOutcome> {
        let mut body = json!({
            "timeout": self.hold_secs,
            "limit": UPDATES_MAX,
            "allowed_updates": ["message", "callback_query", "my_chat_member"],
        });
        if let Some(from) = from.and_then(|it| it.parse::<i64>().ok()) {
            body["offset"] = from.into();
        }
        let updates = match self.call("getUpdates", &body).await {
            Ok(updates) => updates,
            Err(trouble) => return Err(outcome(Err(trouble))),
        };
        let Some(updates) = updates.as_array() else {
            let text = "Telegram ответил непонятно".to_owned();
            return Err(SendOutcome::Retry { after_secs: None, text });
        };
        // One odd update does not stop the others; its number is passed all the same.
        let number = |update: &Value| update.get("update_id").and_then(Value::as_i64);
        let last = updates.iter().filter_map(number).max();
        Ok(Batch {
            heard: updates.iter().filter_map(heard).collect(),
            next: last.map(|last| last.saturating_add(1).to_string()),
        })
    }

    async fn answer(&self, query: &str, text: &str) -> SendOutcome {
        let text: String = text.chars().take(ANSWER_CHARS_MAX).collect();
        let body = json!({ "callback_query_id": query, "text": text });
        outcome(self.call("answerCallbackQuery", &body).await)
    }
}

/// An update without anything about who caused it.
fn heard(update: &Value) -> Option<Heard> {
    let text = |at: &str| update.pointer(at).and_then(Value::as_str);
    let number = |at: &str| update.pointer(at).and_then(Value::as_i64).map(|it| it.to_string());
    let channel = Channel::Telegram;
    if let Some(query) = text("/callback_query/id") {
        return Some(Heard::Press(Press {
            channel,
            address: number("/callback_query/message/chat/id").unwrap_or_default(),
            tap: text("/callback_query/data").unwrap_or_default().to_owned(),
            query: query.to_owned(),
            message: number("/callback_query/message/message_id"),
        }));
    }
    if let Some(address) = number("/message/chat/id") {
        let private = text("/message/chat/type") == Some("private");
        let said = Said::new(channel, address, text("/message/text")?, private);
        return Some(Heard::Said(said));
    }
    let gone = matches!(text("/my_chat_member/new_chat_member/status"), Some("left" | "kicked"));
    let address = number("/my_chat_member/chat/id").filter(|_| gone)?;
    Some(Heard::Left { address })
}

fn markup(buttons: &Keyboard) -> Value {
    let rows: Vec<Vec<Value>> = buttons
        .iter()
        .map(|row| {
            let shown = row.iter();
            shown.map(|it| json!({ "text": it.title, "callback_data": it.tap.text() })).collect()
        })
        .collect();
    json!({ "inline_keyboard": rows })
}

/// How a call ended, as everybody else says it.
fn outcome(ended: Result<Value, Trouble>) -> SendOutcome {
    match ended {
        Ok(_) => SendOutcome::Sent { receipt: None },
        Err(Trouble::Outcome(outcome)) => outcome,
        Err(Trouble::Entities) => refused("Telegram не понял сообщение"),
    }
}

/// What a "no" of the Bot API means. Its words are only recognised here, never repeated.
fn refusal(answer: &Answer, status: u16, retry_after: Option<i64>) -> Trouble {
    let code = answer.error_code.unwrap_or(status);
    let parameters = answer.parameters.as_ref();
    if let Some(chat) = parameters.and_then(|it| it.migrate_to_chat_id) {
        return SendOutcome::Moved { address: chat.to_string() }.into();
    }
    let words = answer.description.to_ascii_lowercase();
    let says = |text: &str| words.contains(text);
    if code == 400 && says("can't parse entities") {
        return Trouble::Entities;
    }
    let outcome = match code {
        429 => SendOutcome::Retry {
            after_secs: parameters.and_then(|it| it.retry_after).or(retry_after).or(Some(30)),
            text: "Telegram просит подождать (429)".to_owned(),
        },
        401 | 404 => unset(
            "Telegram не принял токен бота: возьмите новый у @BotFather и обновите \
             [telegram_bot] token",
        ),
        403 if says("blocked") => refused("Получатель заблокировал бота (403)"),
        403 if says("kicked") => refused("Бота удалили из чата (403)"),
        403 => refused("Боту нельзя писать в этот чат (403)"),
        400 if says("chat not found") => {
            refused("Telegram не знает этого чата (400): получатель должен первым написать боту")
        }
        400 if says("rights") => refused("У бота нет права писать в этот канал (400)"),
        400 if says("deactivated") => refused("Группа Telegram закрыта (400)"),
        400 if says("too long") => refused("Telegram: сообщение слишком длинное (400)"),
        // The same buttons again: what was wished is there.
        400 if says("not modified") => SendOutcome::Sent { receipt: None },
        400 if says("query is too old") => refused("Telegram: нажатие устарело (400)"),
        409 if says("webhook") => refused(
            "Telegram: нажатия и коды забирает чужой адрес (webhook этого бота): снимите его \
             (deleteWebhook) или возьмите для otklik отдельного бота",
        ),
        409 if says("getupdates") => refused(
            "Telegram: этого же бота слушает ещё одна программа (409): остановите её или возьмите \
             для otklik отдельного бота",
        ),
        409 | 500.. => SendOutcome::Retry {
            after_secs: retry_after,
            text: format!("Telegram временно не принимает сообщения ({code})"),
        },
        _ => refused(format!("Telegram отказал ({code})")),
    };
    Trouble::Outcome(outcome)
}

/// Chat numbers are numbers in JSON, names are strings.
fn chat_of(chat: &str) -> Value {
    chat.parse::<i64>().map_or_else(|_| Value::String(chat.to_owned()), Value::from)
}

/// A foreign name inside our sentence.
fn one_word(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(64).collect()
}

/// The messages to send: as rendered, or the plain text split where there is no rendering that
/// fits.
fn pieces(message: &Message) -> Vec<String> {
    let plain = |text: &str| {
        let pieces = split(text, UNITS_MAX, char::len_utf16);
        pieces.iter().map(|it| escape(it)).collect::<Vec<_>>()
    };
    if message.telegram.is_empty() {
        return plain(&message.text);
    }
    let fits = |html: &str| plain_of(html).encode_utf16().count() <= UNITS_MAX;
    let all = message.telegram.iter();
    all.flat_map(|html| if fits(html) { vec![html.clone()] } else { plain(&plain_of(html)) })
        .collect()
}

/// The plain text of our own HTML.
fn plain_of(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut inside = false;
    for c in html.chars() {
        match c {
            '<' => inside = true,
            '>' if inside => inside = false,
            _ if inside => {}
            _ => text.push(c),
        }
    }
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}
