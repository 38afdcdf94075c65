//! Empties the outbox: claims what is due, words it, sends it, notes how it ended.
//!
//! Place in the flow: last stage; runs whenever a delivery is due. Each channel is a lane: one
//! message at a time, side by side with the other lanes, so that a server that hangs delays its own
//! channel alone; a message that moves to another channel wakes that lane. Invariants: work on the
//! store is done one step after the other, only the sending runs side by side; sent is written
//! after the channel accepted, so a crash between the two costs an extra copy with the same
//! Message-ID and never a silence, at most one a lane; texts are worded when they leave, so what
//! was erased is not sent.

use std::any::Any;
use std::collections::BTreeSet;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::Poll;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;

use super::district::District;
use super::health;
use super::press;
use super::report;
use super::services::Services;
use super::standing::{self, Standing};
use super::{hold, message, together, trial, unsent, words};
use crate::alert::render::{Again, AlertText, AlertView, QuoteView, render};
use crate::model::{
    Alert, Channel, Delivery, DeliveryState, ProblemState, SendOutcome, told_alert,
};
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

/// What the sending and whoever started it tell each other while it runs.
#[derive(Debug, Default)]
pub struct Pulse {
    news: Notify,
    since: AtomicI64,
}

impl Pulse {
    /// Something new may be due.
    pub fn knock(&self) {
        self.news.notify_one();
    }

    /// Since when the oldest message has been on its way; if there is none, the last step.
    #[must_use]
    pub fn since(&self) -> Timestamp {
        let since = Timestamp::from_microsecond(self.since.load(Ordering::Relaxed));
        since.unwrap_or(Timestamp::MIN)
    }

    fn keep(&self, since: Timestamp) {
        self.since.store(since.as_microsecond(), Ordering::Relaxed);
    }
}

/// Sends everything that is due, as long as `goes_on` says so; what is on its way is waited for.
pub async fn dispatch(
    services: &Services,
    lease: &str,
    pulse: &Pulse,
    goes_on: &(dyn Fn() -> bool + Send + Sync),
) -> Result<DispatchReport, StoreError> {
    let awake = Channel::ALL.into();
    let report = DispatchReport::default();
    let mut lanes = Lanes { services, lease, flights: Vec::new(), awake, landed: false, report };
    let mut broken = Ok(());
    let mut panicked: Option<Panic> = None;
    loop {
        let begun = lanes.flights.iter().map(|flight| flight.begun).min();
        pulse.keep(begun.unwrap_or_else(|| services.clock.now()));
        if broken.is_ok() && panicked.is_none() {
            broken = lanes.fill(goes_on).await;
        }
        if lanes.flights.is_empty() {
            if let Some(panic) = panicked {
                // Nothing else is on its way: one message is in doubt, not one of each lane.
                resume_unwind(panic);
            }
            // What one lane did may have made something due on another.
            if broken.is_ok() && goes_on() && std::mem::take(&mut lanes.landed) {
                lanes.awake = Channel::ALL.into();
                continue;
            }
            return broken.map(|()| lanes.report);
        }
        tokio::select! {
            biased;
            (flight, ended) = first(&mut lanes.flights) => match ended {
                Ok(outcome) => {
                    let landed = lanes.land(flight.claim, outcome).await;
                    broken = broken.and(landed);
                }
                Err(panic) => panicked = panicked.or(Some(panic)),
            },
            () = pulse.news.notified() => lanes.awake = Channel::ALL.into(),
        }
    }
}

/// A message on its way.
struct Flight<'a> {
    claim: ClaimedDelivery,
    begun: Timestamp,
    ends: Pin<Box<dyn Future<Output = SendOutcome> + Send + 'a>>,
}

/// What a channel that panicked left behind.
type Panic = Box<dyn Any + Send>;

/// The first message whose sending ends, in the order of their beginnings.
async fn first<'a>(flights: &mut Vec<Flight<'a>>) -> (Flight<'a>, Result<SendOutcome, Panic>) {
    poll_fn(|context| {
        for place in 0..flights.len() {
            let ends = &mut flights[place].ends;
            // Polled once more after a panic it would panic again; it is dropped with its flight.
            let ended = match catch_unwind(AssertUnwindSafe(|| ends.as_mut().poll(context))) {
                Ok(Poll::Pending) => continue,
                Ok(Poll::Ready(outcome)) => Ok(outcome),
                Err(panic) => Err(panic),
            };
            return Poll::Ready((flights.remove(place), ended));
        }
        Poll::Pending
    })
    .await
}

/// The channels, each with at most one message on its way.
struct Lanes<'a> {
    services: &'a Services,
    lease: &'a str,
    flights: Vec<Flight<'a>>,
    /// Channels on which something may be due.
    awake: BTreeSet<Channel>,
    /// Whether a message has ended since all lanes were last awake.
    landed: bool,
    report: DispatchReport,
}

impl Lanes<'_> {
    /// Begins the next message of every lane that has none on its way.
    async fn fill(&mut self, goes_on: &(dyn Fn() -> bool + Send + Sync)) -> Result<(), StoreError> {
        while goes_on() {
            let Some(channel) = self.free_lane() else { break };
            let services = self.services;
            let district = services.district.load_full();
            let now = services.clock.now();
            let lease = (self.lease, lease_end(now));
            let claimed = together::claim(&services.store, &district, channel, lease, now).await?;
            match claimed {
                Some(claim) => self.begin(&district, claim).await?,
                None => {
                    self.awake.remove(&channel);
                }
            }
        }
        Ok(())
    }

    /// A channel that has something to do and no message on its way.
    fn free_lane(&self) -> Option<Channel> {
        let flies = |channel| self.flights.iter().any(|it| it.claim.delivery.channel == channel);
        self.awake.iter().copied().find(|channel| !flies(*channel))
    }

    /// Words a message and begins to send it, if there is still somebody to tell and something to
    /// say.
    async fn begin(
        &mut self,
        district: &District,
        mut claim: ClaimedDelivery,
    ) -> Result<(), StoreError> {
        let services = self.services;
        let delivery = &mut claim.delivery;
        match standing::of(&services.store, district, delivery).await? {
            Standing::Stays => {}
            Standing::Over(why) => {
                tracing::warn!(delivery = %delivery.id, why, "a message has no receiver any more");
                return end_unsent(services, self.lease, delivery, DeliveryState::Suppressed, why)
                    .await;
            }
            Standing::Moves(channel, address) => {
                tracing::warn!(delivery = %delivery.id, "a message goes to its receiver's new address");
                let lane = delivery.channel;
                (delivery.channel, delivery.address) = (channel, address);
                (delivery.tries, delivery.unreachable_since) = (0, None);
                if channel != lane {
                    self.awake.insert(channel);
                    let why = words::ADDRESS_CHANGED;
                    return end_unsent(services, self.lease, delivery, DeliveryState::Pending, why)
                        .await;
                }
            }
        }
        let Some(message) = word(services, district, delivery).await? else {
            let why = words::NOTHING_TO_TELL;
            return end_unsent(services, self.lease, delivery, DeliveryState::Suppressed, why)
                .await;
        };
        delivery.tries += 1;
        let (channel, address) = (delivery.channel, delivery.address.clone());
        let sends = async move { services.notifiers.send(channel, &message, &address).await };
        let begun = services.clock.now();
        self.flights.push(Flight { claim, begun, ends: Box::pin(sends) });
        Ok(())
    }

    /// Notes how the sending of a message ended.
    async fn land(
        &mut self,
        claim: ClaimedDelivery,
        outcome: SendOutcome,
    ) -> Result<(), StoreError> {
        self.landed = true;
        let services = self.services;
        let mut delivery = claim.delivery;
        let now = services.clock.now();
        let channels = channels_of(&services.district.load(), &delivery);
        let step = next_step(&delivery, claim.created, &outcome, now, &channels);
        let receipt = match &step {
            NextStep::Sent { receipt } => receipt.clone(),
            _ => None,
        };
        self.tell(&delivery, &outcome, &step, now);
        if let NextStep::Readdress { address } = &step {
            // A press comes from the new chat, the routes name the old one.
            let key = press::moved_key(delivery.channel, &delivery.address);
            services.store.keep_setting(&key, address).await?;
        }
        apply_step(&mut delivery, &step, now);
        self.awake.insert(delivery.channel);
        match delivery.state {
            DeliveryState::Sent => self.report.sent += 1,
            DeliveryState::Failed => self.report.failed += 1,
            _ => self.report.again += 1,
        }
        let may_have_left = matches!(outcome, SendOutcome::Sent { .. } | SendOutcome::Lost { .. });
        let trouble = delivery.trouble.clone();
        let end = end_of(&delivery, delivery.state, "");
        let end = DeliveryEnd { trouble, receipt, may_have_left, ..end };
        services.store.finish_delivery(&delivery.id, self.lease, end, now).await
    }

    /// Says what did not go well: in the journal, and where nothing but the machine itself is left.
    fn tell(&self, delivery: &Delivery, outcome: &SendOutcome, step: &NextStep, now: Timestamp) {
        if let NextStep::Failed { text } | NextStep::Again { text, .. } = step {
            tracing::warn!(delivery = %delivery.id, trouble = %text, "delivery not accepted");
        }
        // The receiver's own message is another row: that one says what was lost.
        if is_twin(&delivery.id) {
            return;
        }
        let store = &self.services.settings.store;
        match step {
            NextStep::Failed { text } => unsent::note(store, delivery, text, now),
            NextStep::Again { text, .. }
                if matches!(outcome, SendOutcome::Unset { .. })
                    && delivery.trouble.as_ref() != Some(text) =>
            {
                unsent::note_waiting(store, delivery, text, now);
            }
            _ => {}
        }
    }
}

/// Ends a claim without a try.
async fn end_unsent(
    services: &Services,
    lease: &str,
    delivery: &Delivery,
    state: DeliveryState,
    why: &str,
) -> Result<(), StoreError> {
    let (end, now) = (end_of(delivery, state, why), services.clock.now());
    services.store.finish_delivery(&delivery.id, lease, end, now).await
}

fn lease_end(now: Timestamp) -> Timestamp {
    now.saturating_add(SignedDuration::from_secs(LEASE_SECS)).unwrap_or(now)
}

fn end_of(delivery: &Delivery, state: DeliveryState, trouble: &str) -> DeliveryEnd {
    DeliveryEnd {
        state,
        due: delivery.due,
        channel: delivery.channel,
        address: delivery.address.clone(),
        tries: delivery.tries,
        unreachable_since: delivery.unreachable_since,
        trouble: Some(trouble.to_owned()),
        receipt: None,
        may_have_left: false,
    }
}

/// The receiver's channels as routes.toml has them now; one that was removed while the message was
/// on its way keeps this one, and so does a chat that the receiver joined: the others have a
/// message of their own.
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
    if let Some(id) = told_alert(&delivery.subject) {
        let again = reminds(delivery).then(|| services.clock.now());
        return word_told(services, district, delivery, id, again).await;
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
    let Some(alert) = store.alert(&id.into()).await? else { return Ok(None) };
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
            if problem.in_work() {
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

fn reminds(delivery: &Delivery) -> bool {
    delivery.subject.starts_with("reminder:")
}

/// A message that was sent, as it reads now, with its alert; `None` if it is about no alert. It has
/// no buttons: which ones it shall have hangs on what it is changed for.
pub(super) async fn reworded(
    services: &Services,
    district: &District,
    delivery: &Delivery,
) -> Result<Option<(Alert, Message)>, StoreError> {
    let Some(id) = told_alert(&delivery.subject) else { return Ok(None) };
    let Some(alert) = services.store.alert(&id.into()).await? else { return Ok(None) };
    let again = Again { now: delivery.due, new_to_reader: false };
    let again = reminds(delivery).then_some(again);
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
