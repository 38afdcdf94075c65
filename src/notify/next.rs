//! What to do after a try: wait, move to the next channel, or stop.
//!
//! Place in the flow: pure; the outbox worker stores the step with the end of the lease. Invariant:
//! a delivery ends sent or failed, never silently; a host that cannot be reached for two minutes
//! costs the channel its turn like a refusal, and so do faults of our own settings; the last
//! channel is tried for three days, unless it refused this very receiver.

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use crate::model::{Channel, Delivery, DeliveryId, DeliveryState, SendOutcome};

/// How long a channel's host may be out of reach while another channel waits.
const UNREACHABLE_SECS_MAX: i64 = 120;
/// Tries on one channel (about half an hour) while another channel waits.
const TRIES_BEFORE_NEXT: u32 = 5;
/// How long the last channel is tried.
const LIFETIME_HOURS: i64 = 72;
/// Longest pause a channel may order.
const PAUSE_SECS_MAX: i64 = 24 * 3_600;

/// What becomes of a delivery after a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextStep {
    /// Done.
    Sent {
        /// The channel's own id of the message.
        receipt: Option<String>,
    },
    /// Same channel, later.
    Again {
        /// When.
        due: Timestamp,
        /// What went wrong.
        text: String,
        /// Since when the host is out of reach, if it is.
        unreachable_since: Option<Timestamp>,
    },
    /// Same channel, new address, now.
    Readdress {
        /// New address; worth telling the operator, routes.toml has the old one.
        address: String,
    },
    /// Next channel, now.
    NextChannel {
        /// Channel.
        channel: Channel,
        /// Address there.
        address: String,
        /// What went wrong with the one before.
        text: String,
    },
    /// Given up.
    Failed {
        /// What went wrong last.
        text: String,
    },
}

/// Pause before try number `tries` + 1: 1, 2, 5, 15, 30, then 60 minutes, up to a fifth longer by a
/// hash of the delivery, so that a volley does not come back as a volley.
#[must_use]
pub fn backoff(id: &DeliveryId, tries: u32) -> SignedDuration {
    const MINUTES: [i64; 6] = [1, 2, 5, 15, 30, 60];
    let step = usize::try_from(tries.saturating_sub(1)).unwrap_or(usize::MAX);
    let secs = MINUTES[step.min(MINUTES.len() - 1)] * 60;
    let hash = Sha256::new().chain_update(id.as_str()).chain_update(tries.to_be_bytes());
    let jitter = secs * i64::from(hash.finalize()[0]) / (5 * 255);
    SignedDuration::from_secs(secs + jitter)
}

/// The step after a try of `delivery` (whose `tries` counts this try) ended with `outcome` at
/// `now`. `queued`: when the delivery was decided; `channels`: the receiver's channels in order.
#[must_use]
pub fn next_step(
    delivery: &Delivery,
    queued: Timestamp,
    outcome: &SendOutcome,
    now: Timestamp,
    channels: &[(Channel, String)],
) -> NextStep {
    let next = next_channel(delivery.channel, channels);
    let onward = |text: &str| match next {
        Some((channel, address)) => NextStep::NextChannel {
            channel: *channel,
            address: address.clone(),
            text: text.to_owned(),
        },
        None => NextStep::Failed { text: text.to_owned() },
    };
    match outcome {
        SendOutcome::Sent { receipt } => NextStep::Sent { receipt: receipt.clone() },
        SendOutcome::Refused { text } => onward(text),
        SendOutcome::Unset { text } => {
            if next.is_some() || is_over(queued, now) {
                return onward(text);
            }
            let due = now + backoff(&delivery.id, delivery.tries);
            NextStep::Again { due, text: text.clone(), unreachable_since: None }
        }
        SendOutcome::Moved { address } if *address == delivery.address => {
            onward("Чат переехал сам в себя: проверьте номер чата")
        }
        SendOutcome::Moved { address } => NextStep::Readdress { address: address.clone() },
        SendOutcome::Retry { after_secs, text } => {
            let tired = next.is_some() && delivery.tries >= TRIES_BEFORE_NEXT;
            if tired || is_over(queued, now) {
                return onward(text);
            }
            let ordered = after_secs.map(|secs| secs.clamp(1, PAUSE_SECS_MAX));
            // A pause longer than the other channel would take is no reason to be silent meanwhile.
            if next.is_some() && ordered.is_some_and(|secs| secs > 30 * 60) {
                return onward(text);
            }
            let pause = ordered.map(SignedDuration::from_secs);
            let due = now + pause.unwrap_or_else(|| backoff(&delivery.id, delivery.tries));
            NextStep::Again { due, text: text.clone(), unreachable_since: None }
        }
        SendOutcome::Unreachable { text } | SendOutcome::Lost { text } => {
            let since = delivery.unreachable_since.unwrap_or(now);
            let limit = since + SignedDuration::from_secs(UNREACHABLE_SECS_MAX);
            if (next.is_some() && now >= limit) || is_over(queued, now) {
                return onward(text);
            }
            let mut due = now + backoff(&delivery.id, delivery.tries);
            if next.is_some() {
                due = due.min(limit);
            }
            NextStep::Again { due, text: text.clone(), unreachable_since: Some(since) }
        }
    }
}

/// Whether the last channel has been tried long enough.
fn is_over(queued: Timestamp, now: Timestamp) -> bool {
    now.duration_since(queued) >= SignedDuration::from_hours(LIFETIME_HOURS)
}

/// The channel behind `channel`; the first one if the receiver no longer has `channel`.
fn next_channel(channel: Channel, channels: &[(Channel, String)]) -> Option<&(Channel, String)> {
    match channels.iter().position(|(it, _)| *it == channel) {
        Some(place) => channels.get(place + 1),
        None => channels.first(),
    }
}

/// Writes a step into the delivery's row. The row keeps its id over channels and addresses.
pub fn apply_step(delivery: &mut Delivery, step: &NextStep, now: Timestamp) {
    match step {
        NextStep::Sent { .. } => {
            delivery.state = DeliveryState::Sent;
            delivery.unreachable_since = None;
            delivery.trouble = None;
        }
        NextStep::Again { due, text, unreachable_since } => {
            delivery.state = DeliveryState::Pending;
            delivery.due = *due;
            delivery.unreachable_since = *unreachable_since;
            delivery.trouble = Some(text.clone());
        }
        NextStep::Readdress { address } => {
            delivery.state = DeliveryState::Pending;
            delivery.due = now;
            delivery.address.clone_from(address);
        }
        NextStep::NextChannel { channel, address, text } => {
            delivery.state = DeliveryState::Pending;
            delivery.due = now;
            delivery.channel = *channel;
            delivery.address.clone_from(address);
            delivery.tries = 0;
            delivery.unreachable_since = None;
            delivery.trouble = Some(text.clone());
        }
        NextStep::Failed { text } => {
            delivery.state = DeliveryState::Failed;
            delivery.trouble = Some(text.clone());
        }
    }
}
