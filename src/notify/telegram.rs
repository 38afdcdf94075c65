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
use super::wire::{self, BotSettings, WAIT, Wire, is_plain_token, refused};
use super::{Attachment, Message, Notifier};
use crate::alert::render::words::escape;
use crate::model::SendOutcome;

/// Longest message, in UTF-16 units after entity parsing.
pub const UNITS_MAX: usize = 4_096;
/// The Telegram notifier.
pub struct Telegram {
    wire: Wire,
    /// Base address with the token: secret.
    base: String,
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
        Ok(Self { wire, base: format!("{api_url}/bot{}", settings.token) })
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
        for piece in &pieces {
            let sent = self.message(chat, piece, answers).await?;
            let id = sent.get("message_id").and_then(Value::as_i64);
            receipt = receipt.or(id.map(|id| id.to_string()));
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
        401 | 404 => refused(
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
