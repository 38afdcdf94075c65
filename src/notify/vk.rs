//! Messages of a VK community.
//!
//! Place in the flow: one of the notifiers. Invariant: the token travels in the body, never in the
//! address; `random_id` is made of the delivery's id, so VK itself drops the copy that a crash
//! would send.

use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::wire::{self, BotSettings, WAIT, Wire, is_plain_token, refused, unset};
use super::{Message, Notifier, pieces};
use crate::model::SendOutcome;

/// Longest text of one message, in characters.
const TEXT_CHARS_MAX: usize = 4_096;
/// Version of the API that this file speaks.
const VERSION: &str = "5.199";
/// Pause after an error that VK names a flood, in seconds.
const FLOOD_SECS: i64 = 60;
/// Pause after a used-up quota, in seconds.
const QUOTA_SECS: i64 = 3_600;

/// The VK notifier.
pub struct Vk {
    wire: Wire,
    base: String,
    /// Secret.
    token: String,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    response: Value,
    error: Option<Refusal>,
}

/// A "no" of VK: of the whole call, or of one peer.
#[derive(Deserialize)]
struct Refusal {
    #[serde(alias = "code")]
    error_code: i64,
}

impl Vk {
    /// Checks the settings; calls nothing. Errors are Russian sentences without the settings'
    /// values.
    pub fn new(settings: &BotSettings<'_>) -> Result<Self, String> {
        Self::with_wait(settings, WAIT)
    }

    /// The same, waiting at most `wait` for each answer.
    pub fn with_wait(settings: &BotSettings<'_>, wait: Duration) -> Result<Self, String> {
        if !is_plain_token(settings.token) {
            return Err("[vk_bot] token: неверный вид".to_owned());
        }
        let example = "https://api.vk.ru/method";
        let base = wire::base("[vk_bot] api_url", settings.api_url, example)?.to_owned();
        let wire = Wire::new("VK", settings.way, wait)?;
        Ok(Self { wire, base, token: settings.token.to_owned() })
    }

    async fn call(&self, method: &str, form: &[(&str, &str)]) -> Result<Value, SendOutcome> {
        let common = [("access_token", self.token.as_str()), ("v", VERSION)];
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form.iter().chain(&common))
            .finish();
        let url = format!("{}/{method}", self.base);
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let reply = self.wire.post(&url, &headers, body.into_bytes()).await?;
        match serde_json::from_slice::<Answer>(&reply.bytes) {
            Ok(Answer { error: Some(no), .. }) => Err(refusal(no.error_code)),
            Ok(answer) if !answer.response.is_null() => Ok(answer.response),
            _ => Err(self.wire.odd(&reply)),
        }
    }

    /// One message to one peer; its number in the conversation.
    async fn text(
        &self,
        peer: &str,
        text: &str,
        random: i32,
        answers: Option<&str>,
    ) -> Result<Option<String>, SendOutcome> {
        let random = random.to_string();
        let reply = answers.and_then(|number| number.parse::<i64>().ok()).map(|number| {
            json!({ "peer_id": peer.parse::<i64>().unwrap_or_default(),
                "conversation_message_ids": [number], "is_reply": 1 })
            .to_string()
        });
        let mut form = vec![
            ("peer_ids", peer),
            ("random_id", &random),
            ("message", text),
            ("dont_parse_links", "1"),
            ("disable_mentions", "1"),
        ];
        form.extend(reply.as_deref().map(|reply| ("forward", reply)));
        let sent = self.call("messages.send", &form).await?;
        let Some(one) = sent.get(0) else {
            return Err(refused("VK не сказал, что стало с сообщением"));
        };
        if let Some(no) = one.get("error")
            && let Ok(no) = serde_json::from_value::<Refusal>(no.clone())
        {
            return Err(refusal(no.error_code));
        }
        let number = one.get("conversation_message_id").and_then(Value::as_i64);
        Ok(number.map(|number| number.to_string()))
    }

    async fn send_all(&self, message: &Message, peer: &str) -> Result<Option<String>, SendOutcome> {
        if peer.parse::<i64>().is_err() {
            return Err(refused("VK: в routes.toml нужен номер получателя vk_peer"));
        }
        let answers = message.thread.as_ref().and_then(|thread| thread.receipt.as_deref());
        let mut receipt = None;
        for (order, piece) in pieces::plain(message, TEXT_CHARS_MAX).iter().enumerate() {
            let random = random_id(message.id.as_str(), peer, order);
            let sent = self.text(peer, piece, random, answers).await?;
            receipt = receipt.or(sent);
        }
        Ok(receipt)
    }
}

#[async_trait]
impl Notifier for Vk {
    async fn send(&self, message: &Message, address: &str) -> SendOutcome {
        match self.send_all(message, address).await {
            Ok(receipt) => SendOutcome::Sent { receipt },
            Err(outcome) => outcome,
        }
    }

    async fn prove(&self) -> Result<String, String> {
        match self.call("groups.getById", &[]).await {
            Ok(_) => Ok("VK: ключ сообщества действует".to_owned()),
            Err(outcome) => Err(wire::sentence(outcome)),
        }
    }
}

/// The number by which VK knows a copy: the same for the same piece of the same delivery to the
/// same peer, never zero.
fn random_id(delivery: &str, peer: &str, order: usize) -> i32 {
    let hash = Sha256::new()
        .chain_update(delivery)
        .chain_update([0])
        .chain_update(peer)
        .chain_update(order.to_be_bytes())
        .finalize();
    let number = i32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]);
    if number == 0 { 1 } else { number }
}

/// What an error code means.
fn refusal(code: i64) -> SendOutcome {
    let wait = |secs: i64, text: &str| SendOutcome::Retry {
        after_secs: Some(secs),
        text: format!("{text} ({code})"),
    };
    match code {
        6 => wait(1, "VK просит реже"),
        9 => wait(FLOOD_SECS, "VK принял сообщения за назойливые"),
        29 => wait(QUOTA_SECS, "VK: суточный предел сообщений"),
        1 | 10 => {
            let text = format!("VK временно не принимает сообщения ({code})");
            SendOutcome::Retry { after_secs: None, text }
        }
        4 | 5 | 27 | 28 => unset(format!(
            "VK не принял ключ сообщества: выпустите новый с правом на сообщения и обновите \
             [vk_bot] token ({code})"
        )),
        7 | 15 => unset(format!("У ключа VK нет права на сообщения ({code})")),
        14 => unset("VK просит ввести код с картинки: войдите в сообщество (14)"),
        900 => refused("Получатель в чёрном списке сообщества VK (900)"),
        901 | 902 => refused(format!(
            "Получатель не разрешил сообщения: пусть первым напишет сообществу VK ({code})"
        )),
        914 => refused("VK: сообщение слишком длинное (914)"),
        917 | 945 | 946 => refused(format!("Сообществу VK нельзя писать в эту беседу ({code})")),
        _ => refused(format!("VK отказал ({code})")),
    }
}
