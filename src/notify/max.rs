//! MAX by its bot API.
//!
//! Place in the flow: one of the notifiers. Invariant: the token travels in a header alone; plain
//! text is sent, so no text can break its own form; the certificate of the host comes from the
//! system's roots or from `[network] ca_file`.

use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};

use super::wire::{self, BotSettings, WAIT, Wire, is_plain_token, refused, unset};
use super::{Batch, Ear, Heard, Message, Notifier, Press, Said, pieces};
use crate::model::{Channel, Keyboard, SendOutcome};

/// Longest text of one message, in characters.
const TEXT_CHARS_MAX: usize = 4_000;
/// Updates of one answer.
const UPDATES_MAX: u32 = 100;
/// Kinds of updates that are heard.
const UPDATE_TYPES: &str = "message_callback,message_created,bot_started,bot_removed";

/// The MAX notifier.
pub struct Max {
    wire: Wire,
    base: String,
    /// Secret.
    token: String,
    /// How long the server may hold a question for updates, in seconds.
    hold_secs: u64,
    /// Whether presses are heard: else no buttons are shown.
    heard: bool,
}

/// A "no" of the bot API.
#[derive(Deserialize)]
struct Refusal {
    code: String,
}

impl Max {
    /// Checks the settings; calls nothing. Errors are Russian sentences without the settings'
    /// values.
    pub fn new(settings: &BotSettings<'_>) -> Result<Self, String> {
        Self::with_wait(settings, WAIT)
    }

    /// The same, waiting at most `wait` for each answer.
    pub fn with_wait(settings: &BotSettings<'_>, wait: Duration) -> Result<Self, String> {
        if !is_plain_token(settings.token) {
            return Err("[max_bot] token: неверный вид".to_owned());
        }
        let example = "https://platform-api2.max.ru";
        let base = wire::base("[max_bot] api_url", settings.api_url, example)?.to_owned();
        let wire = Wire::new("MAX", settings.way, wait)?;
        let (token, hold_secs) = (settings.token.to_owned(), wire::hold_secs(wait));
        Ok(Self { wire, base, token, hold_secs, heard: true })
    }

    /// The same without buttons, for a bot whose presses nobody hears.
    #[must_use]
    pub fn deaf(mut self) -> Self {
        self.heard = false;
        self
    }

    fn headers(&self) -> [(&str, &str); 2] {
        [("authorization", self.token.as_str()), ("content-type", "application/json")]
    }

    /// Reads an answer: JSON with a good status, or what its "no" means.
    fn read(&self, reply: &wire::Reply) -> Result<Value, SendOutcome> {
        if (200..300).contains(&reply.status) {
            return serde_json::from_slice(&reply.bytes).map_err(|_| self.wire.odd(reply));
        }
        match serde_json::from_slice::<Refusal>(&reply.bytes) {
            Ok(no) => Err(refusal(reply, &no.code)),
            Err(_) => Err(self.wire.odd(reply)),
        }
    }

    async fn text(
        &self,
        chat: &str,
        text: &str,
        answers: Option<&str>,
        buttons: Option<&Keyboard>,
    ) -> Result<Option<String>, SendOutcome> {
        let mut body = json!({ "text": text, "notify": true });
        if let Some(mid) = answers {
            body["link"] = json!({ "type": "reply", "mid": mid });
        }
        if let Some(buttons) = buttons {
            body["attachments"] = attachments(buttons);
        }
        let url = format!("{}/messages?chat_id={chat}", self.base);
        let bytes = serde_json::to_vec(&body).unwrap_or_default();
        let sent = self.read(&self.wire.post(&url, &self.headers(), bytes).await?)?;
        Ok(sent.pointer("/message/body/mid").and_then(Value::as_str).map(str::to_owned))
    }

    async fn send_all(&self, message: &Message, chat: &str) -> Result<Option<String>, SendOutcome> {
        if chat.parse::<i64>().is_err() {
            return Err(refused("MAX: в routes.toml нужен номер чата max_chat"));
        }
        let answers = message.thread.as_ref().and_then(|thread| thread.receipt.as_deref());
        let mut receipt = None;
        let pieces = pieces::plain(message, TEXT_CHARS_MAX);
        for (left, piece) in (0..pieces.len()).rev().zip(&pieces) {
            // The last piece has the buttons; its number is kept, so that they can be changed.
            let shown = left == 0 && self.heard && !message.buttons.is_empty();
            let buttons = shown.then_some(&message.buttons);
            let sent = self.text(chat, piece, answers, buttons).await?;
            receipt = sent.or(receipt);
        }
        Ok(receipt)
    }

    async fn change(&self, message: &Message, receipt: &str) -> Result<(), SendOutcome> {
        if !self.heard {
            return Err(refused("MAX: у этого бота нет кнопок"));
        }
        // The text goes along: a message must not lose it, and it may have more to say now.
        let text = pieces::plain(message, TEXT_CHARS_MAX).pop().unwrap_or_default();
        let body = json!({
            "text": text, "attachments": attachments(&message.buttons), "notify": false
        });
        let id = encoded(receipt);
        let url = format!("{}/messages?message_id={id}", self.base);
        let bytes = serde_json::to_vec(&body).unwrap_or_default();
        self.read(&self.wire.put(&url, &self.headers(), bytes).await?).map(drop)
    }

    async fn updates(&self, from: Option<&str>) -> Result<Batch, SendOutcome> {
        let mut url = format!(
            "{}/updates?limit={UPDATES_MAX}&timeout={}&types={UPDATE_TYPES}",
            self.base, self.hold_secs
        );
        if let Some(from) = from.and_then(|it| it.parse::<i64>().ok()) {
            url.push_str(&format!("&marker={from}"));
        }
        let answer = self.read(&self.wire.get(&url, &self.headers()[..1]).await?)?;
        let updates = answer.get("updates").and_then(Value::as_array);
        let next = answer.get("marker").and_then(Value::as_i64);
        Ok(Batch {
            heard: updates.into_iter().flatten().filter_map(heard).collect(),
            next: next.map(|next| next.to_string()),
        })
    }
}

/// An update without anything about who caused it.
fn heard(update: &Value) -> Option<Heard> {
    let text = |at: &str| update.pointer(at).and_then(Value::as_str);
    let number = |at: &str| update.pointer(at).and_then(Value::as_i64).map(|it| it.to_string());
    let channel = Channel::Max;
    match text("/update_type")? {
        "message_callback" => Some(Heard::Press(Press {
            channel,
            address: number("/message/recipient/chat_id").unwrap_or_default(),
            tap: text("/callback/payload").unwrap_or_default().to_owned(),
            query: text("/callback/callback_id")?.to_owned(),
            message: text("/message/body/mid").map(str::to_owned),
        })),
        "message_created" => {
            let private = text("/message/recipient/chat_type") == Some("dialog");
            let words = text("/message/body/text")?;
            let address = number("/message/recipient/chat_id")?;
            Some(Heard::Said(Said::new(channel, address, words, private)))
        }
        "bot_started" => {
            let words = format!("/start {}", text("/payload").unwrap_or_default());
            Some(Heard::Said(Said::new(channel, number("/chat_id")?, &words, true)))
        }
        "bot_removed" => Some(Heard::Left { address: number("/chat_id")? }),
        _ => None,
    }
}

fn attachments(buttons: &Keyboard) -> Value {
    if buttons.is_empty() {
        return json!([]);
    }
    let rows: Vec<Vec<Value>> = buttons
        .iter()
        .map(|row| {
            let shown = row.iter();
            shown
                .map(|it| json!({ "type": "callback", "text": it.title, "payload": it.tap.text() }))
                .collect()
        })
        .collect();
    json!([{ "type": "inline_keyboard", "payload": { "buttons": rows } }])
}

/// A foreign word inside an address.
fn encoded(word: &str) -> String {
    form_urlencoded::byte_serialize(word.as_bytes()).collect()
}

#[async_trait]
impl Notifier for Max {
    async fn send(&self, message: &Message, address: &str) -> SendOutcome {
        match self.send_all(message, address).await {
            Ok(receipt) => SendOutcome::Sent { receipt },
            Err(outcome) => outcome,
        }
    }

    async fn edit(&self, message: &Message, _address: &str, receipt: &str) -> SendOutcome {
        match self.change(message, receipt).await {
            Ok(()) => SendOutcome::Sent { receipt: None },
            Err(outcome) => outcome,
        }
    }

    async fn handle(&self) -> Option<String> {
        let url = format!("{}/me", self.base);
        let reply = self.wire.get(&url, &self.headers()[..1]).await.ok()?;
        let me = self.read(&reply).ok()?;
        let name = me.get("username").and_then(Value::as_str)?;
        let plain = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
        Some(format!("@{}", name.chars().filter(plain).take(64).collect::<String>()))
    }

    async fn prove(&self) -> Result<String, String> {
        let url = format!("{}/me", self.base);
        let reply = self.wire.get(&url, &[("authorization", &self.token)]).await;
        match reply.and_then(|reply| self.read(&reply)) {
            Ok(_) => Ok("MAX: бот отвечает".to_owned()),
            Err(outcome) => Err(wire::sentence(outcome)),
        }
    }
}

#[async_trait]
impl Ear for Max {
    async fn hear(&self, from: Option<&str>) -> Result<Batch, SendOutcome> {
        self.updates(from).await
    }

    async fn answer(&self, query: &str, text: &str) -> SendOutcome {
        let url = format!("{}/answers?callback_id={}", self.base, encoded(query));
        let body = json!({ "notification": text });
        let bytes = serde_json::to_vec(&body).unwrap_or_default();
        let reply = self.wire.post(&url, &self.headers(), bytes).await;
        match reply.and_then(|reply| self.read(&reply)) {
            Ok(_) => SendOutcome::Sent { receipt: None },
            Err(outcome) => outcome,
        }
    }
}

/// What a "no" means. Its words are only recognised here, never repeated.
fn refusal(reply: &wire::Reply, code: &str) -> SendOutcome {
    match (reply.status, code) {
        (429, _) | (_, "too.many.requests") => SendOutcome::Retry {
            after_secs: reply.retry_after.or(Some(2)),
            text: "MAX просит подождать (429)".to_owned(),
        },
        (500.., _) => SendOutcome::Retry {
            after_secs: reply.retry_after,
            text: format!("MAX временно не принимает сообщения ({})", reply.status),
        },
        (401, _) | (_, "verify.token") => unset(
            "MAX не принял ключ бота: возьмите новый в кабинете партнёра и обновите \
             [max_bot] token",
        ),
        (403, _) | (_, "chat.denied") => {
            refused("MAX: боту нельзя писать в этот чат, добавьте его в участники (403)")
        }
        (404, _) | (_, "chat.not.found") => {
            refused("MAX не знает этого чата: проверьте max_chat в routes.toml (404)")
        }
        (status, _) => refused(format!("MAX отказал ({status})")),
    }
}
