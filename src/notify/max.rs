//! MAX by its bot API.
//!
//! Place in the flow: one of the notifiers. Invariant: the token travels in a header alone; plain
//! text is sent, so no text can break its own form; the certificate of the host comes from the
//! system's roots or from `[network] ca_file`.

use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};

use super::wire::{self, BotSettings, WAIT, Wire, is_plain_token, refused};
use super::{Message, Notifier, pieces};
use crate::model::SendOutcome;

/// Longest text of one message, in characters.
const TEXT_CHARS_MAX: usize = 4_000;

/// The MAX notifier.
pub struct Max {
    wire: Wire,
    base: String,
    /// Secret.
    token: String,
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
        Ok(Self { wire, base, token: settings.token.to_owned() })
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
    ) -> Result<Option<String>, SendOutcome> {
        let mut body = json!({ "text": text, "notify": true });
        if let Some(mid) = answers {
            body["link"] = json!({ "type": "reply", "mid": mid });
        }
        let url = format!("{}/messages?chat_id={chat}", self.base);
        let headers =
            [("authorization", self.token.as_str()), ("content-type", "application/json")];
        let bytes = serde_json::to_vec(&body).unwrap_or_default();
        let sent = self.read(&self.wire.post(&url, &headers, bytes).await?)?;
        Ok(sent.pointer("/message/body/mid").and_then(Value::as_str).map(str::to_owned))
    }

    async fn send_all(&self, message: &Message, chat: &str) -> Result<Option<String>, SendOutcome> {
        if chat.parse::<i64>().is_err() {
            return Err(refused("MAX: в routes.toml нужен номер чата max_chat"));
        }
        let answers = message.thread.as_ref().and_then(|thread| thread.receipt.as_deref());
        let mut receipt = None;
        for piece in pieces::plain(message, TEXT_CHARS_MAX) {
            let sent = self.text(chat, &piece, answers).await?;
            receipt = receipt.or(sent);
        }
        Ok(receipt)
    }
}

#[async_trait]
impl Notifier for Max {
    async fn send(&self, message: &Message, address: &str) -> SendOutcome {
        match self.send_all(message, address).await {
            Ok(receipt) => SendOutcome::Sent { receipt },
            Err(outcome) => outcome,
        }
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
        (401, _) | (_, "verify.token") => refused(
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
