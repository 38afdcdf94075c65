//! Sending one message to one receiver over one channel.
//!
//! Place in the flow: the outbox worker hands over a claimed delivery and stores what came of it; a
//! channel is one file here and one arm in [`Notifiers`]. Invariant: a notifier remembers nothing,
//! never retries by itself, and no text it returns contains a token, a password or an address of a
//! server.

mod ear;
mod email;
mod max;
mod next;
mod pieces;
pub mod play;
mod telegram;
mod vk;
mod webhook;
mod wire;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::alert::render::words::escape;
use crate::model::{Channel, DeliveryId, Keyboard, SendOutcome};

pub use ear::{Batch, Ear, Heard, Press, Said};
pub use email::{Email, EmailSettings};
pub use max::Max;
pub use next::{NextStep, apply_step, backoff, next_step};
pub use telegram::{Telegram, UNITS_MAX};
pub use vk::Vk;
pub use webhook::{Webhook, WebhookSettings};
pub use wire::{BotSettings, Way};

/// A file that goes with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// File name, for example `digest-2026-W47.xlsx`.
    pub name: String,
    /// Media type, for example `text/plain`.
    pub mime: String,
    /// Content.
    pub bytes: Vec<u8>,
}

/// The conversation a message belongs to: one problem, one conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thread {
    /// First delivery of the conversation to this receiver: names the Message-ID that is answered.
    pub first: DeliveryId,
    /// Id that the channel gave the first message, if any.
    pub receipt: Option<String>,
}

/// What is sent, in the forms that channels need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Stable id of the delivery; copies after a crash carry the same.
    pub id: DeliveryId,
    /// When it was decided: the mail's date, so that copies are equal.
    pub at: Timestamp,
    /// One line.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// A whole HTML page.
    pub html: String,
    /// Telegram messages in order, each whole HTML; empty = the plain text is sent.
    pub telegram: Vec<String>,
    /// Files.
    pub attachments: Vec<Attachment>,
    /// The conversation, if it goes on.
    pub thread: Option<Thread>,
    /// Buttons under the message, where the channel has such.
    pub buttons: Keyboard,
}

impl Message {
    /// A message of plain text alone.
    #[must_use]
    pub fn plain(id: &str, at: Timestamp, text: String) -> Self {
        Self {
            id: id.into(),
            at,
            subject: text.lines().next().unwrap_or_default().to_owned(),
            html: format!(
                "<!doctype html><html lang=\"ru\"><meta charset=\"utf-8\"><body>\
                 <p style=\"white-space: pre-line\">{}</p></body></html>",
                escape(&text)
            ),
            telegram: Vec::new(),
            attachments: Vec::new(),
            thread: None,
            buttons: Keyboard::new(),
            text,
        }
    }
}

/// A channel that can send.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// Sends `message` to `address` once. Ends within a few minutes, whatever the other side does.
    async fn send(&self, message: &Message, address: &str) -> SendOutcome;

    /// Shows the buttons of `message` under the message that was sent to `address` as `receipt`.
    async fn edit(&self, message: &Message, address: &str, receipt: &str) -> SendOutcome {
        let _ = (message, address, receipt);
        SendOutcome::Refused {
            text: "На этом канале отправленное не меняется".to_owned()
        }
    }

    /// What people type to find the bot, for example `@otklik_bot`; none where there is no bot or
    /// it does not answer.
    async fn handle(&self) -> Option<String> {
        None
    }

    /// Proves without sending that the channel works (login, token), for `check --online`: one
    /// Russian sentence, good or bad.
    async fn prove(&self) -> Result<String, String>;
}

/// The channels that are set up.
#[derive(Clone, Default)]
pub struct Notifiers {
    channels: BTreeMap<Channel, Arc<dyn Notifier>>,
    ears: BTreeMap<Channel, Arc<dyn Ear>>,
    deaf: BTreeMap<Channel, &'static str>,
}

impl Notifiers {
    /// The same with `notifier` for `channel`.
    #[must_use]
    pub fn with(mut self, channel: Channel, notifier: Arc<dyn Notifier>) -> Self {
        self.channels.insert(channel, notifier);
        self
    }

    /// The same, hearing presses and codes of `channel` by `ear`.
    #[must_use]
    pub fn hearing(mut self, channel: Channel, ear: Arc<dyn Ear>) -> Self {
        self.ears.insert(channel, ear);
        self
    }

    /// The same with a channel that sends but cannot be heard; `text` says why.
    #[must_use]
    pub fn deafened(mut self, channel: Channel, text: &'static str) -> Self {
        self.deaf.insert(channel, text);
        self
    }

    /// Everything that can be heard.
    pub fn ears(&self) -> impl Iterator<Item = (Channel, &Arc<dyn Ear>)> {
        self.ears.iter().map(|(channel, ear)| (*channel, ear))
    }

    /// Channels that cannot be heard, and why.
    pub fn deaf(&self) -> impl Iterator<Item = (Channel, &'static str)> {
        self.deaf.iter().map(|(channel, text)| (*channel, *text))
    }

    /// The notifier of a channel, if it is set up.
    #[must_use]
    pub fn of(&self, channel: Channel) -> Option<&Arc<dyn Notifier>> {
        self.channels.get(&channel)
    }

    /// Sends over `channel`. One that is not set up is a fault of our own settings.
    pub async fn send(&self, channel: Channel, message: &Message, address: &str) -> SendOutcome {
        match self.of(channel) {
            Some(notifier) => notifier.send(message, address).await,
            None => {
                let text = format!("Канал {} не настроен в otklik.toml", channel.name());
                SendOutcome::Unset { text }
            }
        }
    }
}
