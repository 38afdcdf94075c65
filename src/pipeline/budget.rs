//! The stored budget: spacing, daily quotas and pauses that survive a restart.
//!
//! Place in the flow: collectors ask it before each call and tell it what became of the call.
//! Invariants: a call is counted before it is made, so a crash can only make us call less; one that
//! never left us is taken back; a store that fails forbids the call; a host in trouble is called by
//! one at a time, ever more rarely, until it answers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan};
use otklik_collectors::{Budget, Call, Class, CollectError, Reach, Scope};

use super::words;
use crate::clock::Clock;
use crate::store::{
    BudgetAnswer, BudgetCall, Pause, PauseCause, PauseOf, Probed, Store, StoreError,
};

/// Longest wait for a pause inside one call; longer ones end the look.
pub(super) const PATIENCE_SECS: i64 = 5;
const PATIENCE: SignedDuration = SignedDuration::from_secs(PATIENCE_SECS);
/// Failures of a host one after another, with no answer between, before nobody calls it any more.
/// A hiccup within one call ends before that.
const OUTAGE_FAILURES: u32 = 5;
/// So many answers of a platform that it failed inside weigh as much as one call without an answer:
/// what fails for one page alone is tried again by its own call, and must not stop all the others.
const INSIDE_SHARE: u32 = 3;
/// Least and most time between two calls to a host that is in trouble.
const OUTAGE_SECS: (i64, i64) = (15, 20 * 60);
/// Daily quotas are counted by the platforms' day, which is Moscow's.
const QUOTA_OFFSET_HOURS: i8 = 3;

/// Limits kept in the store.
pub struct StoredBudget {
    store: Store,
    clock: Arc<dyn Clock>,
    under_way: Mutex<UnderWay>,
}

/// What is known of calls besides rows.
#[derive(Default)]
struct UnderWay {
    /// Failures in a row by host, in parts of [`INSIDE_SHARE`].
    failures: BTreeMap<String, u32>,
    /// Calls that try whether a pause is over: host, token, method.
    probes: BTreeSet<(String, String, String)>,
    /// Calls whose end was not heard yet, by the day they were counted in.
    counted: BTreeMap<(String, String, String), BTreeMap<u32, u32>>,
}

impl UnderWay {
    /// A call was counted in a day. One that never ends is forgotten two days later.
    fn count(&mut self, key: (String, String, String), day: u32) {
        let days = self.counted.entry(key).or_default();
        *days.entry(day).or_default() += 1;
        while days.len() > 2 {
            days.pop_first();
        }
    }

    /// A call ended: the day it was counted in. Which of several under way it is nobody knows; the
    /// oldest is meant, so that a mistake at midnight gives back too little, never too much.
    fn uncount(&mut self, key: &(String, String, String)) -> Option<u32> {
        let days = self.counted.get_mut(key)?;
        let mut oldest = days.first_entry()?;
        let day = *oldest.key();
        *oldest.get_mut() -= 1;
        if *oldest.get() == 0 {
            oldest.remove();
        }
        Some(day)
    }
}

impl StoredBudget {
    /// Limits over a store.
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, under_way: Mutex::default() }
    }
}

fn quota_zone() -> TimeZone {
    TimeZone::fixed(Offset::constant(QUOTA_OFFSET_HOURS))
}

/// The platforms' day of an instant, as yyyymmdd.
pub(super) fn day_of(at: Timestamp) -> u32 {
    let date = at.to_zoned(quota_zone()).date();
    let part = |n: i8| u32::try_from(n).unwrap_or(0);
    u32::try_from(date.year()).unwrap_or(0) * 10_000 + part(date.month()) * 100 + part(date.day())
}

/// First instant of the platforms' next day.
pub(super) fn next_day(at: Timestamp) -> Timestamp {
    let zoned = at.to_zoned(quota_zone());
    zoned
        .date()
        .checked_add(1.day())
        .and_then(|date| date.to_zoned(quota_zone()))
        .map_or(at, |zoned| zoned.timestamp())
}

fn not_counted(error: &StoreError) -> CollectError {
    tracing::error!(%error, "budget not counted, call not made");
    // A store that is busy, or a disk that is full, for a moment must not cost half a day.
    let class = if error.is_transient() { Class::Transient } else { Class::Ours };
    CollectError::new(class, Scope::Source, "store", words::NOT_COUNTED)
}

/// A call that an order of the platform forbids for longer than it may wait.
pub(super) fn paused(until: Timestamp) -> CollectError {
    let error = CollectError::new(Class::RateLimited, Scope::Token, "paused", words::WAITS);
    CollectError { held: true, ..error.until(until) }
}

/// The same with what the pause says of itself: whoever waits for a person says so as well.
fn held(pause: Pause) -> CollectError {
    let Pause { of, until, cause: PauseCause { class, code, text } } = pause;
    let (Some(class), false) = (Class::named(&class), text.is_empty()) else {
        return paused(until);
    };
    let scope = match of {
        PauseOf::Method => Scope::Method,
        PauseOf::Token => Scope::Token,
        PauseOf::Host => Scope::Host,
    };
    CollectError { held: true, ..CollectError::new(class, scope, code, text).until(until) }
}

fn cause(error: &CollectError) -> PauseCause {
    let class = error.class.name().to_owned();
    PauseCause { class, code: error.code.clone(), text: error.text.clone() }
}

/// Whether the platform ordered it: our own guess at when a person has mended something is none.
fn is_ordered(error: &CollectError) -> bool {
    error.asked || matches!(error.class, Class::RateLimited | Class::Quota)
}

fn key(call: &Call) -> (String, String, String) {
    (call.host.clone(), call.token.clone(), call.method.clone())
}

fn row(call: &Call, now: Timestamp) -> BudgetCall {
    BudgetCall {
        host: call.host.clone(),
        token: call.token.clone(),
        fingerprint: call.fingerprint.clone(),
        method: call.method.clone(),
        spacing_ms: call.spacing_ms,
        per_day_max: call.per_day_max,
        day: day_of(now),
    }
}

impl StoredBudget {
    /// Waits for the turn that was given to a counted call.
    async fn turn(
        &self,
        call: &Call,
        asked: BudgetCall,
        at: Timestamp,
    ) -> Result<(), CollectError> {
        self.under_way().count(key(call), asked.day);
        let turn = self.wait(asked, at).await;
        if turn.is_err() {
            self.under_way().uncount(&key(call));
        }
        turn
    }

    /// Another call may be told to wait meanwhile: then this one waits as well, or is not made.
    async fn wait(&self, call: BudgetCall, at: Timestamp) -> Result<(), CollectError> {
        let mut at = at;
        loop {
            self.clock.sleep_until(at).await;
            let now = self.clock.now();
            let paused = self.store.budget_paused(call.clone(), now).await;
            match paused.map_err(|error| not_counted(&error))? {
                None => return Ok(()),
                Some(pause) if pause.until.duration_since(now) <= PATIENCE => at = pause.until,
                Some(pause) => {
                    let refunded = self.store.budget_refund(call).await;
                    refunded.map_err(|error| not_counted(&error))?;
                    return Err(held(pause));
                }
            }
        }
    }

    fn under_way(&self) -> std::sync::MutexGuard<'_, UnderWay> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn note(&self, call: &Call, error: Option<&CollectError>) -> Result<(), StoreError> {
        let now = self.clock.now();
        let (failures, probe, day) = {
            let mut under_way = self.under_way();
            let day = under_way.uncount(&key(call)).unwrap_or_else(|| day_of(now));
            let probe = under_way.probes.remove(&key(call));
            let failures = under_way.failures.entry(call.host.clone()).or_default();
            *failures = match error {
                Some(error) if error.is_outage() => failures.saturating_add(INSIDE_SHARE),
                Some(error) if error.inside => failures.saturating_add(1),
                _ => 0,
            };
            (*failures, probe, day)
        };
        if probe {
            let accepted = error.is_none_or(|error| {
                use Class::{Malformed, NeedsPerson, Ours, RateLimited, Transient};
                !matches!(error.class, Malformed | NeedsPerson | Ours | RateLimited | Transient)
            });
            let end = Probed { answered: failures == 0, accepted };
            self.store.budget_probed(row(call, now), end).await?;
        }
        let Some(error) = error else { return Ok(()) };
        if error.never_sent() {
            self.store.budget_refund(BudgetCall { day, ..row(call, now) }).await?;
        }
        if failures > 0 {
            let sure = failures >= OUTAGE_FAILURES * INSIDE_SHARE;
            let outage = self.store.budget_outage(&call.host, cause(error), OUTAGE_SECS, sure, now);
            outage.await?;
        }
        let (Some(reach), Some(until)) = (error.forbids(), error.until) else { return Ok(()) };
        let of = match reach {
            Reach::Method => PauseOf::Method,
            Reach::Token => PauseOf::Token,
            Reach::Host => PauseOf::Host,
        };
        let pause = Pause { of, until, cause: cause(error) };
        self.store.budget_pause(row(call, now), pause, is_ordered(error), now).await
    }
}

#[async_trait]
impl Budget for StoredBudget {
    async fn take(&self, call: &Call) -> Result<(), CollectError> {
        loop {
            let now = self.clock.now();
            let asked = row(call, now);
            match self.store.budget_take(asked.clone(), now).await {
                Ok(BudgetAnswer::At(at)) => return self.turn(call, asked, at).await,
                Ok(BudgetAnswer::Probe(at)) => {
                    self.under_way().probes.insert(key(call));
                    return self.turn(call, asked, at).await;
                }
                Ok(BudgetAnswer::Paused(pause)) => {
                    if pause.until.duration_since(now) > PATIENCE {
                        return Err(held(pause));
                    }
                    self.clock.sleep_until(pause.until).await;
                }
                Ok(BudgetAnswer::Spent) => {
                    return Err(CollectError::new(
                        Class::Quota,
                        Scope::Method,
                        "quota",
                        words::spent(&call.method),
                    )
                    .until(next_day(now)));
                }
                Err(error) => return Err(not_counted(&error)),
            }
        }
    }

    async fn heard(&self, call: &Call, outcome: Result<(), &CollectError>) {
        if let Err(error) = self.note(call, outcome.err()).await {
            tracing::error!(%error, host = %call.host, "what became of a call is not stored");
        }
    }
}
