//! An alert, its facts, and its deliveries.
//!
//! Place in the flow: `alert::decide` makes it, the outbox carries one [`Delivery`] for each
//! receiver, `notify` sends it. Invariant: an alert keeps references to posts, never their text:
//! what was erased cannot be sent or replayed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::finding::{Span, TopicKind};
use super::ids::{AlertId, DeliveryId, PlaceId, PostKey, ProblemId, TopicId};
use super::risk::{RiskLevel, RiskReason};

/// Why somebody is told now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertReason {
    /// A new problem above the level.
    NewProblem,
    /// The level rose.
    LevelRaised,
    /// Many more people write about it.
    Burst,
    /// It was over and came back.
    Reopened,
    /// A rumour with enough voices or a danger in it.
    RumourSpreads,
    /// An analyst found a rumour to be true.
    RumourConfirmed,
    /// It was told, and no official answer has come for too long.
    WaitsTooLong,
    /// Planned works should have ended, and people still write.
    WorksOverdue,
}

impl AlertReason {
    /// The word in files and output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            AlertReason::NewProblem => "new_problem",
            AlertReason::LevelRaised => "level_raised",
            AlertReason::Burst => "burst",
            AlertReason::Reopened => "reopened",
            AlertReason::RumourSpreads => "rumour_spreads",
            AlertReason::RumourConfirmed => "rumour_confirmed",
            AlertReason::WaitsTooLong => "waits_too_long",
            AlertReason::WorksOverdue => "works_overdue",
        }
    }
}

/// A clause of a stored post that may be quoted to the body that must answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuoteRef {
    /// Which post.
    pub post: PostKey,
    /// Which code points of its text.
    pub span: Span,
}

/// The alert that an outbox subject tells of (`alert:<id>`) or reminds of (`reminder:<id>:<step>`).
#[must_use]
pub fn told_alert(subject: &str) -> Option<&str> {
    subject.strip_prefix("alert:").or_else(|| {
        let (id, _step) = subject.strip_prefix("reminder:")?.split_once(':')?;
        Some(id)
    })
}

/// An alert of a trial that a receiver would have got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WouldGo {
    /// Who.
    pub receiver: String,
    /// When.
    pub at: Timestamp,
    /// Level told.
    pub level: RiskLevel,
    /// Voices told.
    pub voices: u32,
    /// Whether somebody judged an alert of the problem noise.
    pub noise: bool,
}

/// What was told of a problem before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldBefore {
    /// When.
    pub at: Timestamp,
    /// At which level.
    pub level: RiskLevel,
    /// With how many voices.
    pub voices: u32,
}

/// What was known when the alert was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertFacts {
    /// Topic.
    pub topic: TopicId,
    /// Kind of the topic.
    pub kind: TopicKind,
    /// Place, if known.
    pub place: Option<PlaceId>,
    /// Score and level of the problem.
    pub score: u8,
    /// Level of the problem.
    pub level: RiskLevel,
    /// Reasons of the score.
    pub reasons: Vec<RiskReason>,
    /// First post's time.
    pub since: Timestamp,
    /// Posts that joined so far.
    pub posts: u32,
    /// Distinct voices so far (largest month).
    pub voices: u32,
    /// Whether voices span several months («не менее»).
    pub voices_at_least: bool,
    /// Sources that carry it.
    pub sources: u32,
    /// How many times it came back.
    pub returns: u32,
    /// Streets and houses that its posts name, the most frequent first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// What was told of it before, since it opened or came back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<ToldBefore>,
    /// First post of all, where the problem came back since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<Timestamp>,
    /// At most two clauses to quote.
    pub quotes: Vec<QuoteRef>,
    /// Hash of the packs that judged it.
    pub lexicon: String,
    /// What is unusual about the number of posts, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<BurstFacts>,
    /// What it passed through and what it follows from, each a short Russian phrase.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Far more posts than usual in one topic and place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BurstFacts {
    /// Hours looked at, rounded up.
    pub hours: u32,
    /// Posts in them.
    pub count: u32,
    /// Thousandths of the posts usual in them.
    pub usual_milli: u32,
    /// Chance that a post meets so many, in parts of a billion.
    pub chance_ppb: u32,
    /// The bound that the chance stays under, in parts of a billion.
    pub bound_ppb: u32,
}

/// A decision to tell somebody now about a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Stable id.
    pub id: AlertId,
    /// About what.
    pub problem: ProblemId,
    /// Why now.
    pub reason: AlertReason,
    /// When it was decided.
    pub at: Timestamp,
    /// What was known.
    pub facts: AlertFacts,
}

/// How a receiver is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// E-mail.
    Email,
    /// Telegram Bot API.
    Telegram,
    /// MAX bot.
    Max,
    /// Messages of a VK community.
    Vk,
    /// Signed webhook.
    Webhook,
}

impl Channel {
    /// All channels, in the order they are tried if nobody says otherwise.
    pub const ALL: [Channel; 5] =
        [Channel::Email, Channel::Telegram, Channel::Max, Channel::Vk, Channel::Webhook];

    /// The word in files and output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Channel::Email => "email",
            Channel::Telegram => "telegram",
            Channel::Max => "max",
            Channel::Vk => "vk",
            Channel::Webhook => "webhook",
        }
    }
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Waits for its time.
    Pending,
    /// A worker has it under a lease.
    Claimed,
    /// Accepted by the channel.
    Sent,
    /// Given up on this channel.
    Failed,
    /// Told as part of another message.
    RolledUp,
    /// Never to be sent: the decision was made while alerts were suppressed (import, collect
    /// --once).
    Suppressed,
}

impl DeliveryState {
    /// The word in files and output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            DeliveryState::Pending => "pending",
            DeliveryState::Claimed => "claimed",
            DeliveryState::Sent => "sent",
            DeliveryState::Failed => "failed",
            DeliveryState::RolledUp => "rolled_up",
            DeliveryState::Suppressed => "suppressed",
        }
    }
}

/// One message to one receiver: the outbox row. What is sent is an alert or a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Stable id; the Message-ID is made of it.
    pub id: DeliveryId,
    /// `alert:<id>`, `digest:<week>` or `health:<instant>`.
    pub subject: String,
    /// Receiver's name in routes.toml.
    pub receiver: String,
    /// Which of the receiver's channels is being tried.
    pub channel: Channel,
    /// Address on that channel (e-mail address, chat id).
    pub address: String,
    /// State.
    pub state: DeliveryState,
    /// When it may be tried next.
    pub due: Timestamp,
    /// Tries on this channel so far.
    pub tries: u32,
    /// Copies that may have left (tries whose end is unknown count).
    pub copies: u32,
    /// Since when the present channel's host has not been reachable.
    pub unreachable_since: Option<Timestamp>,
    /// What went wrong last, in Russian.
    pub trouble: Option<String>,
}

/// How a try to send ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendOutcome {
    /// Accepted; the channel's own id of the message, if it gave one.
    Sent {
        /// Message id on the channel.
        receipt: Option<String>,
    },
    /// Try again on this channel not before `after_secs` from now.
    Retry {
        /// Seconds to wait, if the channel named them.
        after_secs: Option<i64>,
        /// What happened, in Russian, without secrets.
        text: String,
    },
    /// The host could not be reached at all.
    Unreachable {
        /// What happened, in Russian, without secrets.
        text: String,
    },
    /// It was on its way when the answer failed to come: it may have been accepted.
    Lost {
        /// What happened, in Russian, without secrets.
        text: String,
    },
    /// Our own settings stand in the way (no such channel, a wrong login or key), whoever the
    /// receiver is: next channel, and if there is none, again until somebody has mended them.
    Unset {
        /// What happened, in Russian, without secrets.
        text: String,
    },
    /// This channel will never take it: next channel.
    Refused {
        /// What happened, in Russian, without secrets.
        text: String,
    },
    /// The same chat has a new address (group became supergroup): resend there.
    Moved {
        /// New address.
        address: String,
    },
}
