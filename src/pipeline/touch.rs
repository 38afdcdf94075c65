//! Shows under sent messages what was answered since.
//!
//! Place in the flow: the daemon runs it when messages are to be changed. Invariants: what a
//! message shows is made anew from what is stored, so the order of changes does not matter; a
//! change that fails is tried a few times and given up, no mark hangs on it.

use jiff::{SignedDuration, Timestamp};

use super::district::District;
use super::services::Services;
use super::{dispatch, hold, press, together};
use crate::model::SendOutcome;
use crate::notify::Message;
use crate::store::{StoreError, Touch};

/// Messages of one round.
const ROUND: u32 = 20;
/// Tries before a message stays as it is.
const TRIES_MAX: u32 = 8;
/// First pause; the next ones double.
const PAUSE_SECS: i64 = 15;
/// Longest pause that a channel may order.
const PAUSE_SECS_MAX: i64 = 3_600;

/// Changes everything that is due, as long as `goes_on` says so. Returns how many were changed.
pub async fn touch(
    services: &Services,
    district: &District,
    goes_on: &(dyn Fn() -> bool + Send + Sync),
) -> Result<u32, StoreError> {
    let mut changed = 0;
    loop {
        let due = services.store.due_touches(services.clock.now(), ROUND).await?;
        if due.is_empty() {
            return Ok(changed);
        }
        for touch in due {
            if !goes_on() {
                return Ok(changed);
            }
            let outcome = change(services, district, &touch).await?;
            changed += u32::from(matches!(outcome, Some(SendOutcome::Sent { .. })));
            let next = outcome.and_then(|it| again(&it, touch.tries, services.clock.now()));
            services.store.finish_touch(&touch.delivery.id, touch.asked, next).await?;
        }
    }
}

async fn change(
    services: &Services,
    district: &District,
    touch: &Touch,
) -> Result<Option<SendOutcome>, StoreError> {
    let delivery = &touch.delivery;
    let Some(notifier) = services.notifiers.of(delivery.channel) else { return Ok(None) };
    let Some(message) = as_it_reads(services, district, touch).await? else { return Ok(None) };
    let outcome = notifier.edit(&message, &delivery.address, &touch.receipt).await;
    if let SendOutcome::Refused { text } = &outcome {
        tracing::warn!(delivery = %delivery.id, trouble = %text, "message not changed");
    }
    Ok(Some(outcome))
}

/// A sent message with the buttons that it shall have now.
async fn as_it_reads(
    services: &Services,
    district: &District,
    touch: &Touch,
) -> Result<Option<Message>, StoreError> {
    let delivery = &touch.delivery;
    if together::is_roll_up(&delivery.subject) {
        return together::word(&services.store, district, delivery).await;
    }
    if delivery.subject.starts_with("works:") {
        return hold::word(&services.store, district, delivery).await;
    }
    let Some((alert, mut message)) = dispatch::reworded(services, district, delivery).await? else {
        return Ok(None);
    };
    let (receiver, overtaken) = (&delivery.receiver, touch.overtaken);
    message.buttons = press::buttons_of(services, district, &alert, receiver, overtaken).await?;
    Ok(Some(message))
}

/// When the same message is tried again; never, if it is changed or cannot be.
fn again(outcome: &SendOutcome, tries: u32, now: Timestamp) -> Option<Timestamp> {
    let ordered = match outcome {
        SendOutcome::Sent { .. } | SendOutcome::Refused { .. } | SendOutcome::Moved { .. } => {
            return None;
        }
        SendOutcome::Retry { after_secs, .. } => *after_secs,
        SendOutcome::Unreachable { .. } | SendOutcome::Lost { .. } | SendOutcome::Unset { .. } => {
            None
        }
    };
    let pause = ordered.unwrap_or(PAUSE_SECS << tries.min(8)).clamp(1, PAUSE_SECS_MAX);
    let next = now.saturating_add(SignedDuration::from_secs(pause)).unwrap_or(now);
    (tries + 1 < TRIES_MAX).then_some(next)
}
