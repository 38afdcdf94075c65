//! Empties the outbox: claims what is due, words it, sends it, notes how it ended.
//!
//! Place in the flow: last stage; runs whenever a delivery is due. Invariants: sent is written
//! after the channel accepted, so a crash between the two costs an extra copy with the same
//! Message-ID and never a silence; texts are worded when they leave, so what was erased is not
//! sent.

use jiff::{SignedDuration, Timestamp};

use super::district::District;
use super::health;
use super::press;
use super::report;
use super::services::Services;
use super::{hold, message, together, trial, unsent, words};
use crate::alert::render::{Again, AlertText, AlertView, QuoteView, render};
use crate::model::{Alert, AlertId, Channel, Delivery, DeliveryState, ProblemState, SendOutcome};
use crate::notify::{Message, NextStep, Thread, apply_step, next_step};
use crate::store::{ClaimedDelivery, DeliveryEnd, Store, StoreError, enrol::is_twin};

/// How long one claim holds: longer than any channel takes for one message.
const LEASE_SECS: i64 = 5 * 60;

/// What dispatching did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DispatchReport {
    /// Accepted by a channel.
    pub sent: u32,
    /// To be tried again.
    pub again: u32,
    /// Given up.
    pub failed: u32,
}

/// Sends everything that is due now, one message after the other, as long as `goes_on` says so.
pub async fn dispatch(
    services: &Services,
    district: &District,
    lease: &str,
    goes_on: &(dyn Fn() -> bool + Send + Sync),
) -> Result<DispatchReport, StoreError> {
    let mut report = DispatchReport::default();
    let absence = together::absence(&services.store).await?;
    while goes_on() {
        let now = services.clock.now();
        let lease = (lease, lease_end(now));
        let claimed = together::claim(&services.store, district, absence, lease, now).await?;
        if claimed.is_empty() {
            break;
        }
        for claim in claimed {
            match send_one(services, district, lease.0, claim).await? {
                DeliveryState::Sent => report.sent += 1,
                DeliveryState::Failed => report.failed += 1,
                DeliveryState::Suppressed => {}
                _ => report.again += 1,
            }
        }
    }
    Ok(report)
}

fn lease_end(now: Timestamp) -> Timestamp {
    now.saturating_add(SignedDuration::from_secs(LEASE_SECS)).unwrap_or(now)
}

async fn send_one(
    services: &Services,
    district: &District,
    lease: &str,
    claim: ClaimedDelivery,
) -> Result<DeliveryState, StoreError> {
    let mut delivery = claim.delivery;
    let Some(message) = word(services, district, &delivery).await? else {
        let end = end_of(&delivery, DeliveryState::Suppressed, words::NOTHING_TO_TELL, None);
        let now = services.clock.now();
        services.store.finish_delivery(&delivery.id, lease, end, now).await?;
        return Ok(DeliveryState::Suppressed);
    };
    delivery.tries += 1;
    let outcome = services.notifiers.send(delivery.channel, &message, &delivery.address).await;
    let now = services.clock.now();
    let channels = channels_of(district, &delivery);
    let step = next_step(&delivery, claim.created, &outcome, now, &channels);
    let receipt = match &step {
        NextStep::Sent { receipt } => receipt.clone(),
        _ => None,
    };
    if let NextStep::Failed { text } | NextStep::Again { text, .. } = &step {
        tracing::warn!(delivery = %delivery.id, trouble = %text, "delivery not accepted");
    }
    if let NextStep::Failed { text } = &step {
        unsent::note(&services.settings.store, &delivery, text, now);
    }
    if let NextStep::Readdress { address } = &step {
        // A press comes from the new chat, the routes name the old one.
        let key = press::moved_key(delivery.channel, &delivery.address);
        services.store.keep_setting(&key, address).await?;
    }
    apply_step(&mut delivery, &step, now);
    let state = delivery.state;
    let end = DeliveryEnd {
        state,
        due: delivery.due,
        channel: delivery.channel,
        address: delivery.address.clone(),
        tries: delivery.tries,
        unreachable_since: delivery.unreachable_since,
        trouble: delivery.trouble.clone(),
        receipt,
        may_have_left: matches!(outcome, SendOutcome::Sent { .. } | SendOutcome::Lost { .. }),
    };
    services.store.finish_delivery(&delivery.id, lease, end, now).await?;
    Ok(state)
}

fn end_of(
    delivery: &Delivery,
    state: DeliveryState,
    trouble: &str,
    receipt: Option<String>,
) -> DeliveryEnd {
    DeliveryEnd {
        state,
        due: delivery.due,
        channel: delivery.channel,
        address: delivery.address.clone(),
        tries: delivery.tries,
        unreachable_since: delivery.unreachable_since,
        trouble: Some(trouble.to_owned()),
        receipt,
        may_have_left: false,
    }
}

/// The receiver's channels as routes.toml has them now; a receiver that was removed keeps this one,
/// and so does a chat that the receiver joined: the others have a message of their own.
fn channels_of(district: &District, delivery: &Delivery) -> Vec<(Channel, String)> {
    if is_twin(&delivery.id) {
        return vec![(delivery.channel, delivery.address.clone())];
    }
    district
        .routes
        .receivers
        .iter()
        .find(|receiver| receiver.name == delivery.receiver)
        .map_or_else(
            || vec![(delivery.channel, delivery.address.clone())],
            |receiver| receiver.channels.clone(),
        )
}

/// The message of a delivery in words; `None` if its subject is no longer known.
async fn word(
    services: &Services,
    district: &District,
    delivery: &Delivery,
) -> Result<Option<Message>, StoreError> {
    if let Some(id) = delivery.subject.strip_prefix("alert:") {
        return word_told(services, district, delivery, id, None).await;
    }
    if let Some((id, _step)) =
        delivery.subject.strip_prefix("reminder:").and_then(|it| it.split_once(':'))
    {
        return word_told(services, district, delivery, id, Some(services.clock.now())).await;
    }
    if let Some(id) = delivery.subject.strip_prefix("health:") {
        return health::word_notice(services, district, delivery, id).await;
    }
    if delivery.subject.starts_with("silence:") || delivery.subject.starts_with("works:") {
        return hold::word(&services.store, district, delivery).await;
    }
    if delivery.subject.starts_with("trial:") {
        return trial::word(&services.store, district, delivery).await;
    }
    if together::is_roll_up(&delivery.subject) {
        return together::word(&services.store, district, delivery).await;
    }
    match delivery.subject.strip_prefix("digest:") {
        Some(week) => report::word_digest(services, district, delivery, week).await,
        None => Ok(None),
    }
}

/// The message of an alert, or of a reminder of it at `again`; `None` if it is not known, or if the
/// reminder came too late: somebody has taken it into work meanwhile.
async fn word_told(
    services: &Services,
    district: &District,
    delivery: &Delivery,
    id: &str,
    again: Option<Timestamp>,
) -> Result<Option<Message>, StoreError> {
    let store = &services.store;
    let Some(alert) = store.alert(&AlertId(id.to_owned())).await? else { return Ok(None) };
    let begun = store.conversation(&alert.problem, delivery).await?;
    let Some(problem) = store.living_problem(&alert.problem).await? else { return Ok(None) };
    // Solved while its message waited: that is no news any more.
    if problem.state == ProblemState::Closed {
        return Ok(None);
    }
    let mut at = alert.at;
    let again = match again {
        None => None,
        Some(now) => {
            if problem.in_work() || problem.state == ProblemState::Closed {
                return Ok(None);
            }
            at = delivery.due;
            Some(Again { now, new_to_reader: begun.is_none() })
        }
    };
    let text = word_alert(store, district, &alert, again).await?;
    let text = trial::head(store, &delivery.subject, text).await?;
    let buttons = press::buttons_of(services, district, &alert, &delivery.receiver, false).await?;
    let thread = begun.map(|begun| Thread { first: begun.first, receipt: begun.receipt });
    Ok(Some(Message { thread, buttons, ..message(delivery, at, text) }))
}

/// The alert that a message is about, if it is an alert's or a reminder's.
fn alert_in(subject: &str) -> Option<AlertId> {
    let id = subject.strip_prefix("alert:").or_else(|| {
        let (id, _step) = subject.strip_prefix("reminder:")?.split_once(':')?;
        Some(id)
    })?;
    Some(AlertId(id.to_owned()))
}

/// A message that was sent, as it reads now, with its alert; `None` if it is about no alert. It has
/// no buttons: which ones it shall have hangs on what it is changed for.
pub(super) async fn reworded(
    services: &Services,
    district: &District,
    delivery: &Delivery,
) -> Result<Option<(Alert, Message)>, StoreError> {
    let Some(id) = alert_in(&delivery.subject) else { return Ok(None) };
    let Some(alert) = services.store.alert(&id).await? else { return Ok(None) };
    let reminds = delivery.subject.starts_with("reminder:");
    let again = reminds.then_some(Again { now: delivery.due, new_to_reader: false });
    let text = word_alert(&services.store, district, &alert, again).await?;
    let message = message(delivery, alert.at, text);
    Ok(Some((alert, message)))
}

/// An alert in words, from what is stored now; `again`: it is told once more.
pub async fn word_alert(
    store: &Store,
    district: &District,
    alert: &Alert,
    again: Option<Again>,
) -> Result<AlertText, StoreError> {
    let texts = store.quotes_text(&alert.facts.quotes).await?;
    let mut quotes = Vec::with_capacity(texts.len());
    for (quote, words) in alert.facts.quotes.iter().zip(texts) {
        let url = match &words {
            Some(_) => store.post(&quote.post).await?.and_then(|post| post.post.url),
            None => None,
        };
        quotes.push(QuoteView { words, url });
    }
    let problem = store.living_problem(&alert.problem).await?;
    let mut also = hold::effects(store, district, alert).await?;
    let marks = store.marks_of(&alert.id).await?;
    let handed =
        marks.iter().filter_map(|marked| Some(words::handed(&marked.by, marked.to.as_deref()?)));
    also.extend(handed);
    let view = AlertView {
        alert,
        topic: district.topic_title(&alert.facts.topic),
        place: alert.facts.place.as_ref().map(|place| district.place_title(place)),
        district: &district.name,
        zone: &district.zone,
        quotes: &quotes,
        advice: district
            .lexicon
            .topic(alert.facts.topic.as_str())
            .map_or(&[], |topic| topic.advice.as_slice()),
        answered: problem.as_ref().and_then(|problem| problem.answered),
        acknowledged: problem.and_then(|problem| problem.acknowledged),
        also: &also,
        again,
    };
    Ok(render(&view))
}
