//! Limits of the platforms as rows: spacing and daily quotas; for pauses see [`super::pause`].
//!
//! Place in the flow: asked before every call to a platform. Invariant: kept over restarts, so that
//! a crash loop cannot call more often than a running daemon; a call that is refused is not
//! counted.

use jiff::{SignedDuration, Timestamp};
use rusqlite::params;

use super::column::{At, time};
use super::error::Result;
use super::pause::{self, Pause};
use super::{Store, Tx};

/// A call that wants to be counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetCall {
    /// Host that answers.
    pub host: String,
    /// Which token pays, by a name that tells nothing about it.
    pub token: String,
    /// What tells this token from the one that may stand in its place later; empty where none pays.
    pub fingerprint: String,
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BudgetAnswer {
    /// Counted; may be made at this instant.
    At(Timestamp),
    /// The same, the first after a trouble: whoever else would call waits for how it ends.
    Probe(Timestamp),
    /// A pause forbids it.
    Paused(Pause),
    /// The day's quota of the method is used up.
    Spent,
}

impl Store {
    /// Takes the next turn for a call, or says why there is none.
    pub async fn budget_take(&self, call: BudgetCall, now: Timestamp) -> Result<BudgetAnswer> {
        self.write(move |tx| take(tx, &call, now)).await
    }

    /// The pause that forbids a call though its turn was given; nothing if none does.
    pub async fn budget_paused(&self, call: BudgetCall, now: Timestamp) -> Result<Option<Pause>> {
        self.read(move |tx| pause::forbids(tx, &call, now)).await
    }

    /// Takes back the count of a call that was not made after all.
    pub async fn budget_refund(&self, call: BudgetCall) -> Result<()> {
        self.write(move |tx| {
            tx.exec(
                "UPDATE budget SET taken = taken - 1
                 WHERE district = ?1 AND host = ?2 AND token = ?3 AND method = ?4 AND day = ?5
                     AND taken > 0",
                params![tx.district, call.host, call.token, call.method, call.day],
            )?;
            Ok(())
        })
        .await
    }
}

fn take(tx: &Tx<'_>, call: &BudgetCall, now: Timestamp) -> Result<BudgetAnswer> {
    let shared = bucket(tx, call, "")?;
    let own = bucket(tx, call, &call.method)?;
    let tries = match pause::meet(tx, call, now)? {
        Ok(tries) => tries,
        Err(pause) => return Ok(BudgetAnswer::Paused(pause)),
    };
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
    if tries {
        pause::probe(tx, call, turn)?;
        return Ok(BudgetAnswer::Probe(turn));
    }
    Ok(BudgetAnswer::At(turn))
}

#[derive(Default)]
struct Bucket {
    next_allowed: Option<Timestamp>,
    day: Option<u32>,
    taken: u32,
}

fn bucket(tx: &Tx<'_>, call: &BudgetCall, method: &str) -> Result<Bucket> {
    let found = tx.row(
        "SELECT next_allowed, day, taken FROM budget
         WHERE district = ?1 AND host = ?2 AND token = ?3 AND method = ?4",
        params![tx.district, call.host, call.token, method],
        |row| {
            Ok(Bucket {
                next_allowed: time(row.get::<_, Option<At>>(0)?),
                day: row.get(1)?,
                taken: row.get(2)?,
            })
        },
    )?;
    Ok(found.unwrap_or_default())
}
