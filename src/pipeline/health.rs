//! Tells the operator about sources in trouble, about messages that no channel took and about edits
//! that cannot be used.
//!
//! Place in the flow: a fixed job, every half hour and after each edit that changes what is wrong.
//! Invariants: only receivers with `operator = true` are told; what was told is a row, so a restart
//! tells nothing twice.

use jiff::Timestamp;

use super::district::District;
use super::message;
use super::services::Services;
use crate::alert::health::{Told, decide_health, decide_rules, with_rules};
use crate::alert::render::health::render_health;
use crate::alert::{self, route};
use crate::model::{Delivery, DeliveryState};
use crate::notify::Message;
use crate::store::{Store, StoreError};

/// What is wrong with the files that people edit; empty if nothing is.
pub const RULES_FAULT: &str = "rules:fault";
/// What was told of that last.
const RULES_TOLD: &str = "rules:told";
/// Until when given-up messages were told.
const UNSENT_TOLD: &str = "unsent:told";

/// Looks at the health of all listed sources and queues what is news; true if something was.
pub async fn tell(store: &Store, district: &District, now: Timestamp) -> Result<bool, StoreError> {
    let operators = route::operators(&district.routes, now);
    if operators.is_empty() {
        return Ok(false);
    }
    let told = store.told_troubles().await?;
    let sources: Vec<Told> = store
        .sources()
        .await?
        .into_iter()
        .filter(|row| row.listed)
        .map(|row| {
            let last = told.iter().find(|(id, ..)| *id == row.source.id);
            let told = last.map(|(_, state, at)| (*state, *at));
            Told { source: row.source.id, health: row.health, told }
        })
        .collect();
    let mark = store.setting(UNSENT_TOLD).await?.and_then(|mark| mark.parse().ok());
    let unsent = store.unsent_since(mark.unwrap_or(Timestamp::MIN)).await?;
    let until = unsent.iter().map(|line| line.until).max();
    let fault = store.setting(RULES_FAULT).await?.unwrap_or_default();
    let rules = decide_rules(&fault, &store.setting(RULES_TOLD).await?.unwrap_or_default());
    let notice = with_rules(decide_health(&sources, unsent, now), rules, now);
    let Some(notice) = notice else { return Ok(false) };
    let id = now.to_string();
    let subject = format!("health:{id}");
    let deliveries = alert::outbox(&subject, operators, DeliveryState::Pending);
    let mut marks = vec![(RULES_TOLD, fault)];
    marks.extend(until.map(|until| (UNSENT_TOLD, until.to_string())));
    store.commit_notice(&id, notice, deliveries, marks).await?;
    Ok(true)
}

/// A notice in words for one delivery; `None` if it is not known.
pub async fn word_notice(
    services: &Services,
    district: &District,
    delivery: &Delivery,
    id: &str,
) -> Result<Option<Message>, StoreError> {
    let Some(notice) = services.store.notice(id).await? else { return Ok(None) };
    let text = render_health(&notice, &district.name, &district.zone);
    Ok(Some(message(delivery, notice.at, text)))
}
