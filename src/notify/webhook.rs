//! A signed POST to an address of the receiver: an SMS gateway, a duty board, another program.
//!
//! Place in the flow: one of the notifiers. Invariant: the address may hold a key and is never
//! repeated; the signature covers the time and the whole body, so neither can be changed on the way
//! or sent again later unseen.

use std::time::Duration;

use async_trait::async_trait;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::wire::{Reply, WAIT, Way, Wire, refused, unset};
use super::{Message, Notifier};
use crate::config::hook::{HookBody, HookValues};
use crate::model::SendOutcome;

/// How messages are posted.
#[derive(Clone)]
pub struct WebhookSettings<'a> {
    /// What is sent.
    pub body: HookBody,
    /// Key of the signature; without one nothing is signed.
    pub secret: Option<&'a str>,
    /// The way there.
    pub way: Way<'a>,
}

/// The webhook notifier.
pub struct Webhook {
    wire: Wire,
    body: HookBody,
    /// Secret.
    secret: Option<String>,
}

impl Webhook {
    /// Checks the settings; calls nothing. Errors are Russian sentences.
    pub fn new(settings: &WebhookSettings<'_>) -> Result<Self, String> {
        Self::with_wait(settings, WAIT)
    }

    /// The same, waiting at most `wait` for each answer.
    pub fn with_wait(settings: &WebhookSettings<'_>, wait: Duration) -> Result<Self, String> {
        if settings.secret.is_some_and(str::is_empty) {
            return Err("[webhook] secret: пустой ключ".to_owned());
        }
        Ok(Self {
            wire: Wire::new("Приёмник webhook", settings.way, wait)?,
            body: settings.body.clone(),
            secret: settings.secret.map(str::to_owned),
        })
    }

    async fn post(&self, message: &Message, address: &str) -> SendOutcome {
        let (url, to) = address.split_once('#').unwrap_or((address, ""));
        let at = message.at.to_string();
        let values = HookValues {
            id: message.id.as_str(),
            at: &at,
            subject: &message.subject,
            text: &message.text,
            to,
        };
        let body = self.body.fill(&values);
        let signature = self.secret.as_deref().map(|secret| sign(secret, &at, &body));
        let mut headers = vec![
            ("content-type", self.body.mime()),
            ("x-otklik-delivery", message.id.as_str()),
            ("x-otklik-at", &at),
        ];
        headers.extend(signature.as_deref().map(|signature| ("x-otklik-signature", signature)));
        match self.wire.post(url, &headers, body.into_bytes()).await {
            Ok(reply) => outcome(&reply),
            Err(outcome) => outcome,
        }
    }
}

#[async_trait]
impl Notifier for Webhook {
    async fn send(&self, message: &Message, address: &str) -> SendOutcome {
        self.post(message, address).await
    }

    async fn prove(&self) -> Result<String, String> {
        Ok("webhook: настроен; приёмник проверит первая отправка".to_owned())
    }
}

/// `sha256=` and the HMAC-SHA-256 in hex of the time, a full stop and the body.
fn sign(secret: &str, at: &str, body: &str) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(at.as_bytes());
    mac.update(b".");
    mac.update(body.as_bytes());
    let hex: String =
        mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={hex}")
}

/// What an answer means; its body is not looked at.
fn outcome(reply: &Reply) -> SendOutcome {
    let retry = |after_secs: Option<i64>, text: String| SendOutcome::Retry { after_secs, text };
    match reply.status {
        200..300 => SendOutcome::Sent { receipt: None },
        408 | 425 | 429 => retry(
            reply.retry_after.or(Some(30)),
            format!("Приёмник webhook просит подождать ({})", reply.status),
        ),
        500.. => retry(
            reply.retry_after,
            format!("Приёмник webhook временно не принимает ({})", reply.status),
        ),
        300..=399 => refused("Приёмник webhook отсылает на другой адрес: укажите конечный"),
        401 | 403 => {
            unset(format!("Приёмник webhook не признал подпись или ключ ({})", reply.status))
        }
        status => refused(format!("Приёмник webhook отказал ({status})")),
    }
}
