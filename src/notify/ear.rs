//! Hearing what people press and write to our bots.
//!
//! Place in the flow: the daemon asks an [`Ear`] again and again; what it hears becomes commands,
//! and only then is the place kept from which the next question goes on. Invariants: nothing about
//! the person who pressed or wrote leaves the channel's file: a press is known by its chat alone;
//! one odd answer never stops the rest; an ear remembers nothing.

use async_trait::async_trait;

use crate::model::{Channel, SendOutcome};

/// Longest text that is looked at.
const WORDS_CHARS_MAX: usize = 200;

/// A press of a button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Press {
    /// Over which channel.
    pub channel: Channel,
    /// In which chat; empty if the channel does not say.
    pub address: String,
    /// What the button carried, as it came.
    pub tap: String,
    /// What the channel calls the question that waits for an answer.
    pub query: String,
    /// The message under which the button stands.
    pub message: Option<String>,
}

/// Something written to the bot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Over which channel.
    pub channel: Channel,
    /// In which chat.
    pub address: String,
    /// What, cut to a bound.
    pub words: String,
    /// Whether the chat is with one person alone: only there is anything but a code answered.
    pub private: bool,
}

impl Said {
    /// A text with its words cut to the bound.
    #[must_use]
    pub fn new(channel: Channel, address: String, words: &str, private: bool) -> Self {
        let words = words.chars().take(WORDS_CHARS_MAX).collect();
        Self { channel, address, words, private }
    }
}

/// What was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A press.
    Press(Press),
    /// A text.
    Said(Said),
    /// The bot was taken out of a chat.
    Left {
        /// Which.
        address: String,
    },
}

/// One answer: what was heard, in order, and where the next question goes on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// What.
    pub heard: Vec<Heard>,
    /// The channel's own mark; none if it gave none.
    pub next: Option<String>,
}

/// A bot that can be spoken to.
#[async_trait]
pub trait Ear: Send + Sync {
    /// Waits until something is heard, or for about half a minute. `from`: the mark of the answer
    /// before. An outcome that is `Refused` needs a person.
    async fn hear(&self, from: Option<&str>) -> Result<Batch, SendOutcome>;

    /// Answers a press by one sentence, shown once on the screen of whoever pressed.
    async fn answer(&self, query: &str, text: &str) -> SendOutcome;
}
