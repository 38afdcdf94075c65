//! One person's open work goes to another: who was ill, left, or has a holiday.
//!
//! Place in the flow: behind a command. Invariants: what was taken into work is taken by the other,
//! what nobody answered is told to the other, each with a mark of its own, so that the trail stays
//! true; a message that waits leaves once.

use jiff::Timestamp;

use super::district::District;
use super::mark::{self, Answer};
use super::{together, words};
use crate::alert::{self, route};
use crate::model::{AlertId, Channel, CommandReply, Mark, RiskLevel, told_alert};
use crate::store::{GivenMessage, Store, StoreError};

/// Gives the open work of `from` to `to`, and names what else hangs on that person.
pub(super) async fn hand_over(
    store: &Store,
    district: &District,
    from: &str,
    to: &str,
    now: Timestamp,
) -> Result<CommandReply, StoreError> {
    let refused = |text: String| Ok(CommandReply { done: false, text });
    let known = |name: &str| district.routes.receivers.iter().any(|it| it.name == name);
    if let Some(unknown) = [from, to].into_iter().find(|name| !known(name)) {
        return refused(words::no_receiver(unknown));
    }
    let target = route::named(to, &district.roster(), now).filter(|target| target.name != from);
    let Some(target) = target else { return refused(words::same_person(from, to)) };
    let Some(way) = target.channels.first().cloned() else {
        return refused(words::no_receiver(to));
    };
    // Read before anything is taken: what is in work waits for nobody.
    let (taken, passed) = open_work(store, district, from).await?;
    for alert in &taken {
        let by = target.name.as_str();
        let answer = Answer { alert, mark: Mark::Taken, to: None, by, channel: None };
        mark::take(store, district, answer, now).await?;
    }
    for alert in &passed {
        let (mark, to) = (Mark::Passed, Some(target.name.as_str()));
        let answer = Answer { alert, mark, to, by: from, channel: None };
        mark::take(store, district, answer, now).await?;
    }
    let trouble = words::has_it(&target.name);
    let given = waiting(store, district, from, (&target.name, way), now).await?;
    let messages = store.give_messages(from, given, &trouble, now).await?;
    let silences = store.give_silences(from, &target.name, now).await?;
    let tokens: Vec<&str> = district
        .duties
        .tokens
        .iter()
        .filter(|(_, owner)| *owner == from)
        .map(|(key, _)| key.as_str())
        .collect();
    let counts = (messages, silences);
    let text = words::handed_over(from, &target.name, &taken, &passed, counts, &tokens);
    Ok(CommandReply { done: true, text })
}

/// What a receiver took into work and has there, and what was told to it and waits for anybody.
async fn open_work(
    store: &Store,
    district: &District,
    from: &str,
) -> Result<(Vec<AlertId>, Vec<AlertId>), StoreError> {
    let (mut taken, mut unanswered) = (Vec::new(), Vec::new());
    for alert in store.in_hand(from).await? {
        if mark::has_it(&store.marks_of(&alert).await?, from) {
            taken.push(alert);
        }
    }
    for alert in store.unanswered_by(from).await? {
        if mark::is_theirs(district, &store.marks_of(&alert).await?, from) {
            unanswered.push(alert);
        }
    }
    Ok((taken, unanswered))
}

/// Messages of a receiver that wait, as rows of another one: what is critical leaves now, news of
/// ourselves when they would have, anything else in the hours of whoever takes over.
async fn waiting(
    store: &Store,
    district: &District,
    from: &str,
    (to, way): (&str, (Channel, String)),
    now: Timestamp,
) -> Result<Vec<GivenMessage>, StoreError> {
    let open = route::open_from(to, &district.roster(), now);
    let mut given = Vec::new();
    for row in store.waiting_of(from).await? {
        let mut subject = row.subject.clone();
        if together::is_roll_up(&subject) && store.roll_up(&subject, to).await?.is_some() {
            subject = format!("{subject}/{from}");
        }
        let due = if subject.starts_with("health:") {
            row.due
        } else if is_critical(store, &subject).await? {
            now
        } else {
            open
        };
        let new = alert::outbox_row(&subject, to, way.clone(), due);
        given.push(GivenMessage { old: row, new });
    }
    Ok(given)
}

async fn is_critical(store: &Store, subject: &str) -> Result<bool, StoreError> {
    let Some(id) = told_alert(subject) else { return Ok(false) };
    let Some(alert) = store.alert(&id.into()).await? else { return Ok(false) };
    let problem = store.living_problem(&alert.problem).await?;
    let level = problem.map_or(alert.facts.level, |it| it.level.max(alert.facts.level));
    Ok(level == RiskLevel::Critical)
}
