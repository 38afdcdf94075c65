//! Limits of the platforms as rows: spacing, daily quotas, pauses they ordered.
//!
//! Place in the flow: asked before every call to a platform. Invariant: kept over restarts, so that
//! a crash loop cannot call more often than a running daemon; a call that is refused is not
//! counted.

use jiff::{SignedDuration, Timestamp};
use rusqlite::params;

use super::column::{At, time};
use super::error::Result;
use super::{Store, Tx};

/// A call that wants to be counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetCall {
    /// Host that answers.
    pub host: String,
    /// Which token pays, by a name that tells nothing about it.
    pub token: String,
    /// Method with a quota of its own.
    pub method: String,
    /// Least milliseconds between two calls with the same host and token.
    pub spacing_ms: u32,
    /// Most calls of this method a day.
    pub per_day_max: Option<u32>,
    /// The day, as yyyymmdd in the platform's reckoning.
    pub day: u32,
}

/// Whether and when a call may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BudgetAnswer {
    /// Counted; may be made at this instant.
    At(Timestamp),
    /// The platform ordered a pause until this instant.
    Paused(Timestamp),
    /// The day's quota of the method is used up.
    Spent,
}

impl Store {
    /// Takes the next turn for a call, or says why there is none.
    pub async fn budget_take(&self, call: BudgetCall, now: Timestamp) -> Result<BudgetAnswer> {
        self.write(move |tx| take(tx, &call, now)).await
    }

    /// Until when a call is forbidden, though its turn was given; nothing if it is not.
    pub async fn budget_paused(
        &self,
        call: BudgetCall,
        now: Timestamp,
    ) -> Result<Option<Timestamp>> {
        self.read(move |tx| {
            let (shared, own) = (bucket(tx, &call, "")?, bucket(tx, &call, &call.method)?);
            Ok(shared.paused_until.max(own.paused_until).filter(|until| *until > now))
        })
        .await
    }

    /// Forbids calls of `method` (all if `None`) with this host and token until `until`. A longer
    /// pause that is known already stays.
    pub async fn budget_pause(
        &self,
        host: &str,
        token: &str,
        method: Option<&str>,
        until: Timestamp,
    ) -> Result<()> {
        let (host, token) = (host.to_owned(), token.to_owned());
        let method = method.unwrap_or_default().to_owned();
        self.write(move |tx| {
            tx.exec(
                "INSERT INTO budget (district, host, token, method, taken, paused_until)
                 VALUES (?1, ?2, ?3, ?4, 0, ?5)
                 ON CONFLICT (district, host, token, method) DO UPDATE SET paused_until =
                     CASE WHEN budget.paused_until > excluded.paused_until
                         THEN budget.paused_until ELSE excluded.paused_until END",
                params![tx.district, host, token, method, At(until)],
            )?;
            Ok(())
        })
        .await
    }
}

fn take(tx: &Tx<'_>, call: &BudgetCall, now: Timestamp) -> Result<BudgetAnswer> {
    let shared = bucket(tx, call, "")?;
    let own = bucket(tx, call, &call.method)?;
    if let Some(until) = shared.paused_until.max(own.paused_until).filter(|until| *until > now) {
        return Ok(BudgetAnswer::Paused(until));
    }
    let taken = if own.day == Some(call.day) { own.taken } else { 0 };
    if call.per_day_max.is_some_and(|most| taken >= most) {
        return Ok(BudgetAnswer::Spent);
    }
    let turn = shared.next_allowed.map_or(now, |next| next.max(now));
    let spacing = SignedDuration::from_millis(i64::from(call.spacing_ms));
    let next = turn.saturating_add(spacing).unwrap_or(turn);
    tx.exec(
        "INSERT INTO budget (district, host, token, method, next_allowed, taken)
         VALUES (?1, ?2, ?3, '', ?4, 0)
         ON CONFLICT (district, host, token, method) DO UPDATE SET
             next_allowed = excluded.next_allowed",
        params![tx.district, call.host, call.token, At(next)],
    )?;
    tx.exec(
        "INSERT INTO budget (district, host, token, method, day, taken, day_max)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (district, host, token, method) DO UPDATE SET day = excluded.day,
             taken = excluded.taken, day_max = excluded.day_max",
        params![
            tx.district,
            call.host,
            call.token,
            call.method,
            call.day,
            taken + 1,
            call.per_day_max,
        ],
    )?;
    Ok(BudgetAnswer::At(turn))
}

#[derive(Default)]
struct Bucket {
    next_allowed: Option<Timestamp>,
    day: Option<u32>,
    taken: u32,
    paused_until: Option<Timestamp>,
}

fn bucket(tx: &Tx<'_>, call: &BudgetCall, method: &str) -> Result<Bucket> {
    let found = tx.row(
        "SELECT next_allowed, day, taken, paused_until FROM budget
         WHERE district = ?1 AND host = ?2 AND token = ?3 AND method = ?4",
        params![tx.district, call.host, call.token, method],
        |row| {
            Ok(Bucket {
                next_allowed: time(row.get::<_, Option<At>>(0)?),
                day: row.get(1)?,
                taken: row.get(2)?,
                paused_until: time(row.get::<_, Option<At>>(3)?),
            })
        },
    )?;
    Ok(found.unwrap_or_default())
}
