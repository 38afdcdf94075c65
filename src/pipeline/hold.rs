//! Silences and planned works: what is in force, what a person changes, what falls due.
//!
//! Place in the flow: grouping asks what holds alerts back; a command changes it; a fixed job tells
//! owners and ends silences (the end of works is grouping's: it decides about problems). Invariant:
//! whatever is told is marked as told in the same transaction.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::district::District;
use super::{command, message, trial, words};
use crate::alert::render::{AlertText, hold as render};
use crate::alert::{self, buttons, route};
use crate::config::routes::Inhibit;
use crate::model::{
    Alert, CommandReply, Delivery, Held, HeldBy, Keyboard, ProblemId, Restraints, SILENCE_DAYS_MAX,
    Silence, SilenceFacts, TopicId, Works, WorksState,
};
use crate::notify::Message;
use crate::store::{Store, StoreError};

/// Name of the job that ends silences.
pub const RESTRAINTS: &str = "restraints";
/// Longest pause of that job.
const PAUSE_MINUTES: i64 = 10;
/// Most alerts listed in a message about what was hidden.
const LISTED_MAX: usize = 200;

/// What may hold alerts back at `now`.
pub async fn restraints(
    store: &Store,
    district: &District,
    now: Timestamp,
) -> Result<Restraints, StoreError> {
    let inhibits = &district.routes.inhibits;
    let mut topics: Vec<TopicId> = inhibits.iter().map(|it| it.cause.clone()).collect();
    topics.sort();
    topics.dedup();
    let longest = inhibits.iter().map(|it: &Inhibit| it.hours).max().unwrap_or(0);
    let back = SignedDuration::from_hours(i64::from(longest));
    let since = now.saturating_sub(back).unwrap_or(Timestamp::MIN);
    store.restraints(&topics, since, now).await
}

/// Makes a silence. Its end was worked out by whoever asked.
pub(super) async fn add_silence(
    store: &Store,
    facts: &SilenceFacts,
    until: Timestamp,
    now: Timestamp,
) -> Result<CommandReply, StoreError> {
    let longest = SignedDuration::from_hours(24 * SILENCE_DAYS_MAX);
    if until <= now {
        return Ok(command::refused(words::SILENCE_PAST.to_owned()));
    }
    if until.duration_since(now) > longest {
        return Ok(command::refused(words::silence_long(SILENCE_DAYS_MAX)));
    }
    let named = facts.topic.is_some() || facts.place.is_some() || facts.problem.is_some();
    let reason = facts.reason.trim();
    if !named || reason.is_empty() || reason.chars().count() > 200 {
        return Ok(command::refused(words::SILENCE_WHAT.to_owned()));
    }
    if let Some(problem) = &facts.problem
        && store.problem(problem).await?.is_none()
    {
        return Ok(command::refused(words::no_problem(problem)));
    }
    let silence = Silence {
        id: alert::silence_id(facts, now),
        begins: now,
        until,
        facts: SilenceFacts { reason: reason.to_owned(), ..facts.clone() },
        reminded: None,
        ended: None,
        told: None,
    };
    store.add_silence(&silence).await?;
    store.plan_job(RESTRAINTS, now, true).await?;
    Ok(command::done(words::silenced(&silence.id)))
}

/// Ends a silence.
pub(super) async fn end_silence(
    store: &Store,
    id: &str,
    now: Timestamp,
) -> Result<CommandReply, StoreError> {
    if !store.end_silence(id, now).await? {
        return Ok(command::refused(words::no_silence(id)));
    }
    store.plan_job(RESTRAINTS, now, true).await?;
    let hid = store.silence(id).await?.map(|(_, hidden)| hidden).unwrap_or_default();
    Ok(command::done(words::silence_ended(id, &render::hidden(hid))))
}

/// Enters planned works that a person knows of: they are in force at once.
pub(super) async fn add_works(
    store: &Store,
    mut works: Works,
    by: &str,
    now: Timestamp,
) -> Result<CommandReply, StoreError> {
    if works.until <= now || works.until <= works.begins {
        return Ok(command::refused(words::WORKS_PAST.to_owned()));
    }
    works.id = alert::works_id(&works.facts, works.begins, works.until);
    let id = works.id.clone();
    if !store.add_works(&works).await? {
        return decide_works(store, &id, WorksState::Accepted, by, now).await;
    }
    Ok(command::done(words::works_accepted(&id)))
}

/// Accepts, rejects or ends planned works, or all works of a proposal.
pub(super) async fn decide_works(
    store: &Store,
    id: &str,
    to: WorksState,
    by: &str,
    now: Timestamp,
) -> Result<CommandReply, StoreError> {
    let done = match to {
        // Their end is now: who still complains is heard at once.
        WorksState::Ended => store.end_works(id, now).await?,
        _ => store.decide_works(id, to, by, now).await?,
    };
    if done == 0 {
        let known = store.works_of(id).await?;
        return Ok(command::refused(words::works_not(id, known.first())));
    }
    Ok(command::done(match to {
        WorksState::Accepted => words::works_accepted(id),
        WorksState::Rejected => words::works_rejected(id),
        WorksState::Ended | WorksState::Proposed => words::works_ended(id),
    }))
}

/// Does what is due; returns when it is due again.
pub(super) async fn pass(
    store: &Store,
    district: &District,
    now: Timestamp,
) -> Result<Timestamp, StoreError> {
    for (silence, _) in store.untold_silences().await? {
        let over = silence.end() <= now;
        let remind = silence.reminded.is_none() && silence.reminds() <= now;
        if !over && !remind {
            continue;
        }
        let news = if over { "end" } else { "soon" };
        let subject = format!("silence:{}:{news}", silence.id);
        let owner = route::owner(&district.roster(), silence.facts.owner.as_deref(), now);
        let owner = owner.into_iter().collect();
        let messages = trial::outbox(district, &subject, owner, now);
        store.tell_silence(&silence.id, over, messages, now).await?;
    }
    trial::end(store, district, now).await?;
    let pause = SignedDuration::from_mins(PAUSE_MINUTES);
    let latest = now.saturating_add(pause).unwrap_or(now);
    let soonest = now.saturating_add(SignedDuration::from_secs(1)).unwrap_or(now);
    let next = store.next_restraint(now).await?;
    Ok(next.unwrap_or(latest).clamp(soonest, latest))
}

/// What is told in the conversation of a cause instead of by itself, as short phrases.
pub(super) async fn effects(
    store: &Store,
    district: &District,
    alert: &Alert,
) -> Result<Vec<String>, StoreError> {
    let held = store.held_by(HeldBy::Cause, alert.problem.as_str()).await?;
    let ids: Vec<_> = held.iter().take(LISTED_MAX).map(|it| it.alert.clone()).collect();
    let mut topics: BTreeMap<TopicId, (BTreeSet<ProblemId>, u32)> = BTreeMap::new();
    for effect in store.alerts_by_id(&ids).await?.into_iter().filter(|it| it.at <= alert.at) {
        let (problems, voices) = topics.entry(effect.facts.topic).or_default();
        problems.insert(effect.problem);
        *voices = (*voices).max(effect.facts.voices);
    }
    Ok(topics
        .iter()
        .map(|(topic, (problems, voices))| {
            words::effect(district.topic_title(topic), problems.len(), *voices)
        })
        .collect())
}

/// A message about a silence or planned works in words; `None` if it is not known.
pub(super) async fn word(
    store: &Store,
    district: &District,
    delivery: &Delivery,
) -> Result<Option<Message>, StoreError> {
    let text = match delivery.subject.split(':').collect::<Vec<_>>()[..] {
        ["silence", id, news] => silence_text(store, district, id, news == "end").await?,
        ["works", id] => works_text(store, district, id, delivery.due).await?,
        _ => None,
    };
    let buttons = match delivery.subject.strip_prefix("works:") {
        Some(id) => buttons::proposal(id, &store.works_of(id).await?, &district.zone),
        None => Keyboard::default(),
    };
    Ok(text.map(|text| Message { buttons, ..message(delivery, delivery.due, text) }))
}

async fn silence_text(
    store: &Store,
    district: &District,
    id: &str,
    over: bool,
) -> Result<Option<AlertText>, StoreError> {
    let Some((silence, hidden)) = store.silence(id).await? else { return Ok(None) };
    let held = store.held_by(HeldBy::Silence, id).await?;
    let lines = held_lines(store, district, &held).await?;
    let facts = &silence.facts;
    let names = names(district, facts.topic.as_ref(), facts.place.as_ref());
    let at = if over { silence.end() } else { silence.reminds() };
    Ok(Some(render::silence(&silence, hidden, &lines, over, &names, at)))
}

async fn works_text(
    store: &Store,
    district: &District,
    id: &str,
    at: Timestamp,
) -> Result<Option<AlertText>, StoreError> {
    let all = store.works_of(id).await?;
    let Some(first) = all.first() else { return Ok(None) };
    let url = match &first.notice {
        Some(post) => store.post(post).await?.and_then(|post| post.post.url),
        None => None,
    };
    let named: Vec<_> = all
        .iter()
        .map(|it| (it, names(district, Some(&it.facts.topic), it.facts.place.as_ref())))
        .collect();
    Ok(Some(render::works(id, &named, url.as_deref(), at)))
}

/// «Отопление, Онохой: стало серьёзнее. № a0123…» of each held alert.
async fn held_lines(
    store: &Store,
    district: &District,
    held: &[Held],
) -> Result<Vec<String>, StoreError> {
    let ids: Vec<_> = held.iter().take(LISTED_MAX).map(|it| it.alert.clone()).collect();
    let alerts = store.alerts_by_id(&ids).await?;
    let place = |id| district.place_title(id);
    Ok(alerts
        .iter()
        .map(|alert| {
            words::held_line(
                district.topic_title(&alert.facts.topic),
                alert.facts.place.as_ref().map(place),
                alert,
            )
        })
        .collect())
}

fn names<'a>(
    district: &'a District,
    topic: Option<&'a TopicId>,
    place: Option<&'a crate::model::PlaceId>,
) -> render::Names<'a> {
    render::Names {
        topic: topic.map(|topic| district.topic_title(topic)),
        place: place.map(|place| district.place_title(place)),
        district: &district.name,
        zone: &district.zone,
    }
}
