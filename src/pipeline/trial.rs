//! The trial: messages that go to analysts instead, and the page at its end.
//!
//! Place in the flow: whatever bodies are told gets its rows here, `dispatch` words by it, a fixed
//! job ends it. Invariant: every row that the trial kept back stands in the outbox with its reason.

use jiff::Timestamp;

use super::district::District;
use super::message;
use crate::alert::render::{AlertText, trial as render};
use crate::alert::trial::{self, TRIAL};
use crate::alert::{self, RoutedReceiver, route};
use crate::model::{Delivery, DeliveryState};
use crate::notify::Message;
use crate::store::{Store, StoreError};

/// The trial whose page was made last, by the day it ended.
const TOLD: &str = "trial:told";

/// The rows of a message to bodies. While the trial runs analysts get it, the others would have.
pub(super) fn outbox(
    district: &District,
    subject: &str,
    receivers: Vec<RoutedReceiver>,
    at: Timestamp,
) -> Vec<Delivery> {
    let mut rows = alert::outbox(subject, receivers, DeliveryState::Pending);
    if !trial::runs(&district.routes.alert, &district.zone, at) {
        return rows;
    }
    let analysts = route::analysts(&district.routes, at);
    let is_analyst = |row: &Delivery| analysts.iter().any(|it| it.name == row.receiver);
    for row in rows.iter_mut().filter(|row| !is_analyst(row)) {
        row.state = DeliveryState::Suppressed;
        row.trouble = Some(TRIAL.to_owned());
    }
    let missing: Vec<RoutedReceiver> = analysts
        .iter()
        .filter(|it| !rows.iter().any(|row| row.receiver == it.name))
        .cloned()
        .collect();
    rows.extend(alert::outbox(subject, missing, DeliveryState::Pending));
    rows
}

/// Puts «отправил бы» in front of an alert's words, if the trial kept it from anybody.
pub(super) async fn head(
    store: &Store,
    subject: &str,
    text: AlertText,
) -> Result<AlertText, StoreError> {
    let rows = store.deliveries_of(subject).await?;
    let kept: Vec<_> = rows
        .into_iter()
        .filter(|row| row.trouble.as_deref() == Some(TRIAL))
        .map(|row| (row.receiver, row.channel))
        .collect();
    if kept.is_empty() {
        return Ok(text);
    }
    Ok(render::headed(text, &render::head(&kept)))
}

/// Queues the page at the end of a trial, once.
pub(super) async fn end(
    store: &Store,
    district: &District,
    now: Timestamp,
) -> Result<(), StoreError> {
    let rules = &district.routes.alert;
    let (Some(until), Some(end)) = (rules.trial_until, trial::end(rules, &district.zone)) else {
        return Ok(());
    };
    let day = until.to_string();
    if now < end || store.setting(TOLD).await?.as_deref() == Some(day.as_str()) {
        return Ok(());
    }
    let subject = format!("trial:{day}");
    let analysts = route::analysts(&district.routes, now);
    let rows = alert::outbox(&subject, analysts, DeliveryState::Pending);
    store.queue_deliveries(&rows, now).await?;
    store.keep_setting(TOLD, &day).await
}

/// The page in words.
pub(super) async fn word(
    store: &Store,
    district: &District,
    delivery: &Delivery,
) -> Result<Option<Message>, StoreError> {
    let Some(day) = delivery.subject.strip_prefix("trial:") else { return Ok(None) };
    let would = store.would_go(TRIAL).await?;
    let first = would.iter().map(|it| it.at).min().unwrap_or(delivery.due);
    let hours = delivery.due.duration_since(first).as_hours();
    let days = u32::try_from((hours + 23) / 24).unwrap_or(1).max(1);
    let lines = trial::summary(&would, days, &district.zone);
    let text = render::page(&lines, days, &district.name, day);
    Ok(Some(message(delivery, delivery.due, text)))
}
