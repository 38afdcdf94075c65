//! Alerts told together: what the outbox is asked for, and the words of a roll-up.
//!
//! Place in the flow: `dispatch` claims through it and words by it. Invariant: the decision is
//! `alert::rollup`'s and is carried out in the transaction that claims.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::district::District;
use super::message;
use crate::alert::render::rollup::{self as render, RollUpView, Rolled};
use crate::alert::{buttons, rollup, route};
use crate::model::{Absence, AlertId, Channel, Delivery, DeliveryId, ProblemId, RollUp};
use crate::notify::Message;
use crate::store::{ClaimedDelivery, Store, StoreError};

/// The last time without the program, as JSON.
const ABSENCE: &str = "absence";
/// The last sign of life.
const ALIVE: &str = "alive";
/// How often life is noted.
const ALIVE_SECS: i64 = 5 * 60;

/// Notes that the program runs at `now`; `last` is when it noted so before, nothing at its start.
/// Returns when it noted so last. A store that is busy or full is no reason to stop.
pub async fn alive(
    store: &Store,
    last: Option<Timestamp>,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    if last.is_some_and(|last| now.duration_since(last) < SignedDuration::from_secs(ALIVE_SECS)) {
        return Ok(last);
    }
    match note_alive(store, now).await {
        Ok(()) => Ok(Some(now)),
        Err(error) if error.is_transient() => {
            tracing::warn!(%error, "sign of life not noted");
            Ok(last)
        }
        Err(error) => Err(error),
    }
}

async fn note_alive(store: &Store, now: Timestamp) -> Result<(), StoreError> {
    let kept = store.setting(ALIVE).await?.and_then(|at| at.parse().ok());
    if let Some(absence) = kept.and_then(|last| rollup::absence(last, now)) {
        tracing::warn!(from = %absence.from, until = %absence.until, "the program did not run");
        let absence = serde_json::to_string(&absence).unwrap_or_default();
        store.keep_setting(ABSENCE, &absence).await?;
    }
    store.keep_setting(ALIVE, &now.to_string()).await
}

/// The last time without the program, if it ever was.
pub async fn absence(store: &Store) -> Result<Option<Absence>, StoreError> {
    let kept = store.setting(ABSENCE).await?;
    Ok(kept.and_then(|kept| serde_json::from_str(&kept).ok()))
}

/// Claims the next message of a channel, after deciding which alerts go together.
pub(super) async fn claim(
    store: &Store,
    district: &Arc<District>,
    channel: Channel,
    (lease, until): (&str, Timestamp),
    now: Timestamp,
) -> Result<Option<ClaimedDelivery>, StoreError> {
    let absence = absence(store).await?;
    let district = Arc::clone(district);
    let shift = rollup::shift(&district.routes.alert);
    store
        .claim_allotted(channel, now, (lease, until), shift, move |outstanding| {
            let rules = &district.routes.alert;
            let opens = |at| route::open_from(&outstanding.receiver, &district.roster(), at);
            rollup::allot(outstanding, rules, absence.as_ref(), &opens, now)
        })
        .await
}

/// A roll-up in words for one delivery; `None` if it is not known.
pub(super) async fn word(
    store: &Store,
    district: &District,
    delivery: &Delivery,
) -> Result<Option<Message>, StoreError> {
    let Some(found) = store.roll_up(&delivery.subject, &delivery.receiver).await? else {
        return Ok(None);
    };
    let text = view(store, district, &delivery.subject, &found, render::render).await?;
    let told = problems_in(store, std::slice::from_ref(&found)).await?;
    let open = told.iter().filter(|told| told.open).count();
    let buttons = buttons::under_roll_up(&delivery.id, open);
    Ok(Some(Message { buttons, ..message(delivery, found.at, text) }))
}

/// Whether a message stands for many alerts.
pub(super) fn is_roll_up(subject: &str) -> bool {
    subject.starts_with("rollup:") || subject.starts_with("catchup:")
}

/// A problem that roll-ups told.
pub(super) struct ToldProblem {
    /// Whether it still waits for somebody: nobody has it in work, and it is not over.
    pub(super) open: bool,
    /// Its alerts in them.
    pub(super) alerts: Vec<AlertId>,
}

/// The problems that roll-ups told, as they stand now.
pub(super) async fn problems_in(
    store: &Store,
    roll_ups: &[RollUp],
) -> Result<Vec<ToldProblem>, StoreError> {
    let told = roll_ups.iter().flat_map(|it| it.alerts.iter().chain(&it.reminders));
    let ids: BTreeSet<AlertId> = told.map(|(alert, _)| alert.clone()).collect();
    let ids: Vec<AlertId> = ids.into_iter().collect();
    let mut problems: BTreeMap<ProblemId, Vec<AlertId>> = BTreeMap::new();
    for alert in store.alerts_by_id(&ids).await? {
        problems.entry(alert.problem).or_default().push(alert.id);
    }
    let mut found = Vec::with_capacity(problems.len());
    for (id, alerts) in problems {
        let Some(problem) = store.living_problem(&id).await? else { continue };
        found.push(ToldProblem { open: problem.waits(), alerts });
    }
    Ok(found)
}

/// All alerts of a roll-up, a line each.
pub async fn listed(
    store: &Store,
    district: &District,
    subject: &str,
    found: &RollUp,
) -> Result<Vec<String>, StoreError> {
    view(store, district, subject, found, render::lines).await
}

async fn view<T>(
    store: &Store,
    district: &District,
    subject: &str,
    found: &RollUp,
    say: impl Fn(&RollUpView<'_>) -> T,
) -> Result<T, StoreError> {
    let ids = |told: &[(AlertId, DeliveryId)]| -> Vec<AlertId> {
        told.iter().map(|(alert, _)| alert.clone()).collect()
    };
    let alerts = store.alerts_by_id(&ids(&found.alerts)).await?;
    let reminders = store.alerts_by_id(&ids(&found.reminders)).await?;
    let told = alerts.iter().map(|alert| (alert, false));
    let rolled = told.chain(reminders.iter().map(|alert| (alert, true)));
    let rolled = rolled.map(|(alert, reminds)| Rolled {
        alert,
        topic: district.topic_title(&alert.facts.topic),
        place: alert.facts.place.as_ref().map(|place| district.place_title(place)),
        reminds,
    });
    Ok(say(&RollUpView {
        subject,
        reason: found.reason,
        at: found.at,
        alerts: rolled.collect(),
        rows: (found.alerts.len(), found.reminders.len()),
        district: &district.name,
        zone: &district.zone,
    }))
}
