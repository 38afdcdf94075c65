//! When to look next: joins what the store counts to the rhythms and plans.
//!
//! Place in the flow: asked at the end of each look. Invariants: a plan is made anew after
//! [`FRESH_MINUTES`] or when the sources change, out of rows alone, so a restart forgets nothing;
//! sources of one platform share its quota.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::budget::{day_of, next_day};
use super::district::District;
use super::services::Services;
use crate::model::{RiskLevel, Source, SourceId};
use crate::rhythm::plan::{Next, Plan, Purse, Subject, plan};
use crate::rhythm::{HISTORY_HOURS, History, Rhythm, hour_of, learn, odd_silence};
use crate::store::{PostHours, QuotaUse, SourceRow, StoreError};

/// After so many minutes plans are made anew.
const FRESH_MINUTES: i64 = 30;
/// A problem is current for so many hours since somebody wrote about it last.
const CURRENT_HOURS: i64 = 72;
/// What a source weighs by the level of its gravest open problem.
const WEIGHT_HIGH: f64 = 4.0;
const WEIGHT_CRITICAL: f64 = 9.0;
/// Least seconds between two looks, out of courtesy: an API, and somebody's own small server.
const FLOOR_SECS: i64 = 60;
const FLOOR_SITE_SECS: i64 = 300;
/// Looks from which on their mean cost is believed.
const COST_LOOKS: u32 = 8;

/// Rhythms and plans in force.
#[derive(Default)]
pub struct Watch(Mutex<Desk>);

#[derive(Default)]
struct Desk {
    made: Option<Timestamp>,
    known: BTreeMap<SourceId, Known>,
    plans: BTreeMap<String, Plan>,
    costs: BTreeMap<String, Cost>,
}

/// What is known of one source.
struct Known {
    history: History,
    rhythm: Rhythm,
    weight: f64,
}

/// What a look costs on one platform.
#[derive(Debug, Clone, Copy)]
struct Cost {
    calls: f64,
    /// Looks begun, and calls counted, since the last plan.
    looks: u32,
    day: u32,
    taken: u32,
}

/// When and why the next look is, and since which hour nobody has written, if that is odd.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outlook {
    /// The next look.
    pub next: Next,
    /// Begin of an odd silence.
    pub silent: Option<Timestamp>,
}

impl Watch {
    /// What comes behind a look at `source` that ends `now`; `newest`: its newest post as far as
    /// the look has seen.
    pub async fn outlook(
        &self,
        services: &Services,
        district: &District,
        source: &Source,
        newest: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Outlook, StoreError> {
        if self.is_stale(source, now) {
            self.refresh(services, district, now).await?;
        }
        let mut desk = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cost) = desk.costs.get_mut(&source.platform) {
            cost.looks += 1;
        }
        Ok(desk.outlook(source, newest, now))
    }

    fn is_stale(&self, source: &Source, now: Timestamp) -> bool {
        let desk = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = SignedDuration::from_mins(FRESH_MINUTES);
        desk.made.is_none_or(|made| now.duration_since(made) > fresh || made > now)
            || !desk.known.contains_key(&source.id)
    }

    async fn refresh(
        &self,
        services: &Services,
        district: &District,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let store = &services.store;
        let before =
            |hours| now.saturating_sub(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::MIN);
        let rows = store.sources().await?;
        let hours = store.post_hours(before(HISTORY_HOURS)).await?;
        let risks = store.open_risks(before(CURRENT_HOURS)).await?;
        let used = store.quota_use(day_of(now)).await?;
        let offset = district.zone.to_offset(now).seconds();
        let listed: Vec<&SourceRow> = rows.iter().filter(|row| row.listed).collect();
        let histories: Vec<History> = listed.iter().map(|row| history(row, &hours, now)).collect();
        let rhythms = learn(&histories, i64::from(offset));
        let known = listed.iter().zip(histories).zip(rhythms).map(|((row, history), rhythm)| {
            let weight = weight(risks.get(&row.source.id).copied());
            (row.source.id.clone(), Known { history, rhythm, weight })
        });
        let mut desk = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        desk.known = known.collect();
        desk.made = Some(now);
        desk.plans.clear();
        for row in &listed {
            let platform = &row.source.platform;
            if !desk.plans.contains_key(platform) {
                let sources = listed.iter().map(|row| &row.source);
                let sources = sources.filter(|source| source.platform == *platform).collect();
                let host = services.settings.platform_host(platform);
                let quota = host.and_then(|host| tightest(&used, &host));
                let made = desk.plan(platform, sources, quota, now);
                desk.plans.insert(platform.clone(), made);
            }
        }
        Ok(())
    }
}

impl Desk {
    fn plan(
        &mut self,
        platform: &str,
        sources: Vec<&Source>,
        quota: Option<&QuotaUse>,
        now: Timestamp,
    ) -> Plan {
        let taken = quota.map_or(0, |quota| quota.taken);
        let cost = self.costs.entry(platform.to_owned()).or_insert(Cost {
            calls: 1.0,
            looks: 0,
            day: day_of(now),
            taken,
        });
        cost.learn(day_of(now), taken);
        let limit = quota.and_then(|quota| quota.day_max).map(f64::from);
        let purse = Purse {
            left: limit.map(|limit| (limit - f64::from(taken)).max(0.0)),
            per_day: limit.unwrap_or(0.0),
            day_ends: next_day(now),
            cost: cost.calls,
        };
        let subjects: Vec<Subject<'_>> = sources
            .into_iter()
            .filter_map(|source| Some(subject(source, self.known.get(&source.id)?)))
            .collect();
        plan(&subjects, &purse, now)
    }

    fn outlook(&self, source: &Source, newest: Option<Timestamp>, now: Timestamp) -> Outlook {
        let (Some(known), Some(plan)) =
            (self.known.get(&source.id), self.plans.get(&source.platform))
        else {
            let wished = SignedDuration::from_secs(source.every_secs);
            let at = now.saturating_add(wished).unwrap_or(now);
            return Outlook { next: Next { at, why: Default::default() }, silent: None };
        };
        let next = plan.next(&subject(source, known), now, jitter(source, now));
        let mut history = known.history.clone();
        if let Some(hour) = newest.map(hour_of)
            && history.hours.last().is_none_or(|(last, _)| *last < hour)
        {
            history.hours.push((hour, 1));
        }
        Outlook { next, silent: odd_silence(&known.rhythm, &history, now) }
    }
}

impl Cost {
    /// Takes over what the looks since the last plan have cost.
    fn learn(&mut self, day: u32, taken: u32) {
        if self.day == day && self.looks >= COST_LOOKS {
            let mean = f64::from(taken.saturating_sub(self.taken)) / f64::from(self.looks);
            self.calls = f64::midpoint(self.calls, mean.clamp(0.5, 50.0));
        }
        *self = Cost { calls: self.calls, looks: 0, day, taken };
    }
}

fn subject<'a>(source: &Source, known: &'a Known) -> Subject<'a> {
    let floor_secs = if source.platform == "rss" { FLOOR_SITE_SECS } else { FLOOR_SECS };
    Subject {
        rhythm: &known.rhythm,
        every_secs: source.every_secs,
        // Who wishes to look more often than is polite has said so.
        floor_secs: floor_secs.min(source.every_secs),
        weight: known.weight,
    }
}

fn history(row: &SourceRow, hours: &PostHours, now: Timestamp) -> History {
    let backfill = SignedDuration::from_secs(row.source.backfill_secs);
    let first = row.first_look.unwrap_or(now).saturating_sub(backfill).unwrap_or(Timestamp::MIN);
    History {
        since: hour_of(first),
        until: row.health.last_ok.unwrap_or(now).min(now),
        hours: hours.get(&row.source.id).cloned().unwrap_or_default(),
    }
}

fn weight(score: Option<u8>) -> f64 {
    match score.map(RiskLevel::of) {
        Some(RiskLevel::Critical) => WEIGHT_CRITICAL,
        Some(RiskLevel::High) => WEIGHT_HIGH,
        _ => 1.0,
    }
}

/// The quota of a host that leaves the smallest part of its day.
fn tightest<'a>(used: &'a [QuotaUse], host: &str) -> Option<&'a QuotaUse> {
    let part = |it: &QuotaUse| it.day_max.map(|most| f64::from(it.taken) / f64::from(most.max(1)));
    let of_host = used.iter().filter(|it| it.host == host);
    of_host
        .filter_map(|it| Some((part(it)?, it)))
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, it)| it)
}

/// A number in -1..1 that hangs on the source and the instant alone (FNV-1a).
fn jitter(source: &Source, now: Timestamp) -> f64 {
    let bytes = source.id.as_str().bytes().chain(now.as_second().to_le_bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    f64::from(u16::try_from(hash >> 48).unwrap_or(0)) / f64::from(u16::MAX) * 2.0 - 1.0
}
