//! Fixed jobs: the weekly digest, and what must pass with time.
//!
//! Place in the flow: the daemon runs a job when its row is due. Invariants: a digest is made once
//! a week whatever happened (its key is the week), by period and not by "now"; what is past its
//! retention goes, keys are destroyed on time, a closed week keeps numbers only.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::calendar::next_after;
use super::district::District;
use super::health;
use super::hold;
use super::services::Services;
use super::words;
use crate::alert::{self, route};
use crate::cluster;
use crate::digest::{self, Digest, Titles};
use crate::model::digest::Week;
use crate::model::{Delivery, DeliveryState, ProblemEvent};
use crate::notify::{Attachment, Message};
use crate::store::{DigestSpan, RetentionPolicy, Store, StoreError, StoredDigest};

/// Name of the job that makes the weekly digest.
pub const DIGEST: &str = "digest";
/// Name of the job that lets things pass.
pub const CLEANUP: &str = "cleanup";

/// Name of the job that tells the operator about sources.
pub const HEALTH: &str = "health";
/// How often it looks.
const HEALTH_MINUTES: i64 = 30;

/// Voices outlive their month by this long, so that the digest of a month's last week can count
/// them.
const VOICE_DAYS: u32 = 100;

/// Makes the fixed jobs known; a job whose schedule changed gets a new time.
pub async fn plan(services: &Services, district: &District) -> Result<(), StoreError> {
    let now = services.clock.now();
    let schedule = &services.settings.schedule;
    for (name, cron) in [(DIGEST, &schedule.digest), (CLEANUP, &schedule.cleanup)] {
        let Some(due) = next_after(cron, &district.zone, now) else { continue };
        let key = format!("schedule:{name}");
        let known = services.store.setting(&key).await?;
        let anew = known.as_deref().is_some_and(|known| known != cron);
        services.store.plan_job(name, due, anew).await?;
        services.store.keep_setting(&key, cron).await?;
    }
    services.store.plan_job(hold::RESTRAINTS, now, false).await?;
    services.store.plan_job(HEALTH, now, false).await
}

/// Runs a fixed job that was due at `due`; returns when it is due again.
pub async fn run_job(
    services: &Services,
    district: &District,
    name: &str,
    due: Timestamp,
) -> Result<Timestamp, StoreError> {
    let now = services.clock.now();
    let schedule = &services.settings.schedule;
    let cron = match name {
        hold::RESTRAINTS => return hold::pass(&services.store, district, now).await,
        HEALTH => {
            if health::tell(&services.store, district, now).await? {
                tracing::info!("operator told about sources");
            }
            let next = SignedDuration::from_mins(HEALTH_MINUTES);
            return Ok(now.saturating_add(next).unwrap_or(now));
        }
        DIGEST => {
            let week = week_before(due, &district.zone);
            make_digest(services, district, week).await?;
            &schedule.digest
        }
        _ => {
            cleanup(services, district, now).await?;
            &schedule.cleanup
        }
    };
    Ok(next_time(cron, &district.zone, due, now))
}

/// The next time behind `due`. After a long absence at most two missed ones are made up for.
fn next_time(cron: &str, zone: &TimeZone, due: Timestamp, now: Timestamp) -> Timestamp {
    let week = now.saturating_add(168.hours()).unwrap_or(Timestamp::MAX);
    let mut next = next_after(cron, zone, due).unwrap_or(week);
    while let Some(second) = next_after(cron, zone, next)
        && second <= now
        && next_after(cron, zone, second).is_some_and(|third| third <= now)
    {
        next = second;
    }
    next
}

/// The ISO week before the one that `at` lies in.
#[must_use]
pub fn week_before(at: Timestamp, zone: &TimeZone) -> Week {
    let date = at.to_zoned(zone.clone()).date();
    Week::of(date.checked_sub(7.days()).unwrap_or(date))
}

/// The digest of a week as values, from what is stored `now`.
pub async fn build_digest(
    store: &Store,
    district: &District,
    week: Week,
    now: Timestamp,
) -> Result<Digest, StoreError> {
    let start = |days: i64| {
        week.monday
            .checked_add(days.days())
            .and_then(|date| date.to_zoned(district.zone.clone()))
            .map_or(Timestamp::MIN, |zoned| zoned.timestamp())
    };
    let span = DigestSpan { week: week.name(), before: start(-7), from: start(0), to: start(7) };
    let counts = store.digest_counts(&span, now).await?;
    let titles = Titles {
        district: district.name.clone(),
        zone: district.zone.clone(),
        topics: district.topic_titles(),
        places: district
            .lexicon
            .gazetteer()
            .ours()
            .map(|(id, title)| (id.clone(), title.to_owned()))
            .collect::<BTreeMap<_, _>>(),
    };
    Ok(digest::build(week, &counts, &titles))
}

/// Makes the digest of a week and queues it to its receivers; false if it was made before.
pub async fn make_digest(
    services: &Services,
    district: &District,
    week: Week,
) -> Result<bool, StoreError> {
    let now = services.clock.now();
    let made = build_digest(&services.store, district, week, now).await?;
    let subject = format!("digest:{}", week.name());
    let receivers = route::digest_receivers(&district.routes, now);
    let deliveries = alert::outbox(&subject, receivers, DeliveryState::Pending);
    let stored = StoredDigest {
        week: week.name(),
        made: now,
        text: digest::text(&made),
        html: digest::html(&made),
    };
    services.store.commit_digest(stored, deliveries).await
}

/// The digest in words for one delivery; `None` if that week was never made.
pub async fn word_digest(
    services: &Services,
    district: &District,
    delivery: &Delivery,
    week: &str,
) -> Result<Option<Message>, StoreError> {
    let Some(stored) = services.store.digest(week).await? else { return Ok(None) };
    let mut attachments = Vec::new();
    let mut telegram = Vec::new();
    let mut subject = words::digest_subject(week);
    if let Some(week) = parse_week(week) {
        // As it was when it was made, whenever it leaves.
        let made = build_digest(&services.store, district, week, stored.made).await?;
        subject = digest::subject(&made);
        telegram.push(digest::telegram(&made));
        if let Ok(bytes) = digest::sheet(&made) {
            attachments.push(Attachment {
                name: format!("digest-{}.xlsx", week.name()),
                mime: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
                    .to_owned(),
                bytes,
            });
        }
        if let Ok(bytes) = digest::document(&made) {
            attachments.push(Attachment {
                name: format!("digest-{}.docx", week.name()),
                mime: "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
                    .to_owned(),
                bytes,
            });
        }
    }
    Ok(Some(Message {
        id: delivery.id.clone(),
        at: stored.made,
        subject,
        text: stored.text,
        html: stored.html,
        telegram,
        attachments,
        thread: None,
        buttons: Vec::new(),
    }))
}

/// The week of its ISO name, for example `2026-W47`.
#[must_use]
pub fn parse_week(name: &str) -> Option<Week> {
    let (year, week) = name.split_once("-W")?;
    let (year, week) = (year.parse().ok()?, week.parse().ok()?);
    let iso = jiff::civil::ISOWeekDate::new(year, week, jiff::civil::Weekday::Monday).ok()?;
    Some(Week { monday: iso.date() })
}

/// Lets pass what must pass: texts beyond their retention, month keys, voices of closed weeks,
/// problems nobody writes about any more.
pub async fn cleanup(
    services: &Services,
    district: &District,
    now: Timestamp,
) -> Result<(), StoreError> {
    age_problems(&services.store, district, now).await?;
    let this_week = Week::of(now.to_zoned(district.zone.clone()).date());
    services.store.close_attitude_weeks(&this_week.name()).await?;
    let kept = &services.settings.retention;
    let policy = RetentionPolicy {
        unmatched_text_days: kept.unmatched_days,
        matched_text_days: kept.matched_days,
        textless_post_days: kept.problems_days,
        version_days: kept.matched_days,
        voice_days: VOICE_DAYS.min(kept.matched_days),
        delivery_days: kept.alerts_days,
        dead_letter_days: kept.dead_letters_days,
    };
    let removed = services.store.retention(&policy, now).await?;
    tracing::info!(texts = removed.texts, posts = removed.posts, "retention done");
    match services.keys.destroy_expired() {
        Ok(0) => {}
        Ok(keys) => tracing::info!(keys, "month keys destroyed"),
        Err(error) => tracing::error!(%error, "month keys not destroyed, trying again tomorrow"),
    }
    Ok(())
}

/// Appends what silence does to problems: quiet, then closed.
pub async fn age_problems(
    store: &Store,
    district: &District,
    now: Timestamp,
) -> Result<u32, StoreError> {
    let before = |days: u32| {
        now.saturating_sub(SignedDuration::from_hours(24 * i64::from(days)))
            .unwrap_or(Timestamp::MIN)
    };
    let rules = &district.cluster;
    let silent = store.quiet_problems(before(rules.quiet_days), before(rules.reopen_days)).await?;
    let events: Vec<_> = silent
        .iter()
        .filter_map(|problem| {
            let kind = cluster::age(problem, now, rules)?;
            Some((problem.id.clone(), ProblemEvent { at: now, kind }))
        })
        .collect();
    store.append_events(&events).await?;
    Ok(u32::try_from(events.len()).unwrap_or(u32::MAX))
}
