//! The stored budget: spacing, daily quotas and pauses that survive a restart.
//!
//! Place in the flow: collectors ask it before each call. Invariant: a call is counted before it is
//! made, so a crash can only make us call less; a store that fails forbids the call.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan};
use otklik_collectors::{Budget, Call, Class, CollectError, Scope};

use super::words;
use crate::clock::Clock;
use crate::store::{BudgetAnswer, BudgetCall, Store, StoreError};

/// Longest wait for a pause inside one call; longer ones end the look.
pub(super) const PATIENCE_SECS: i64 = 5;
const PATIENCE: SignedDuration = SignedDuration::from_secs(PATIENCE_SECS);
/// Daily quotas are counted by the platforms' day, which is Moscow's.
const QUOTA_OFFSET_HOURS: i8 = 3;

/// Limits kept in the store.
pub struct StoredBudget {
    store: Store,
    clock: Arc<dyn Clock>,
}

impl StoredBudget {
    /// Limits over a store.
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
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
    CollectError::new(Class::Ours, Scope::Source, "store", words::NOT_COUNTED)
}

/// A call that a pause forbids for longer than it may wait.
pub(super) fn paused(until: Timestamp) -> CollectError {
    CollectError::new(Class::RateLimited, Scope::Token, "paused", words::WAITS).until(until)
}

impl StoredBudget {
    /// Waits for a turn that was given. Another call may be told to wait meanwhile: then this one
    /// waits as well, or is not made.
    async fn turn(&self, call: BudgetCall, at: Timestamp) -> Result<(), CollectError> {
        let mut at = at;
        loop {
            self.clock.sleep_until(at).await;
            let now = self.clock.now();
            match self.store.budget_paused(call.clone(), now).await {
                Ok(None) => return Ok(()),
                Ok(Some(until)) if until.duration_since(now) <= PATIENCE => at = until,
                Ok(Some(until)) => return Err(paused(until)),
                Err(error) => return Err(not_counted(&error)),
            }
        }
    }
}

#[async_trait]
impl Budget for StoredBudget {
    async fn take(&self, call: &Call) -> Result<(), CollectError> {
        loop {
            let now = self.clock.now();
            let asked = BudgetCall {
                host: call.host.clone(),
                token: call.token.clone(),
                method: call.method.clone(),
                spacing_ms: call.spacing_ms,
                per_day_max: call.per_day_max,
                day: day_of(now),
            };
            match self.store.budget_take(asked.clone(), now).await {
                Ok(BudgetAnswer::At(at)) => return self.turn(asked, at).await,
                Ok(BudgetAnswer::Paused(until)) => {
                    if until.duration_since(now) > PATIENCE {
                        return Err(paused(until));
                    }
                    self.clock.sleep_until(until).await;
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

    async fn pause(&self, host: &str, token: &str, method: Option<&str>, until: Timestamp) {
        if let Err(error) = self.store.budget_pause(host, token, method, until).await {
            tracing::error!(%error, host, "pause not stored");
        }
    }
}
