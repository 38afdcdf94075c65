//! Pauses: who may not be called until when, and why.
//!
//! Place in the flow: part of the limits that are asked before every call to a platform.
//! Invariants: a pause that the platform ordered is kept to its end; one of our own, after a
//! trouble that a person or time has to mend, ends with the call that is answered. When its time
//! has come one call tries that, and nobody else calls until it is known how that went.

use jiff::{SignedDuration, Timestamp};
use rusqlite::params;

use super::budget::BudgetCall;
use super::column::{At, at, time};
use super::error::Result;
use super::{Store, Tx};

/// How long the one that tries is waited for before another may: longer than any call lasts.
const PROBE_SECS: i64 = 90;
/// How soon those who wait for it ask again.
const ASK_AGAIN_SECS: i64 = 10;
/// Pauses that ended longer ago are forgotten.
const KEEP_DAYS: i64 = 30;

/// What calls are forbidden by a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PauseOf {
    /// Those of one method with one token.
    Method,
    /// All with one token.
    Token,
    /// All on one host.
    Host,
}

/// Why calls are forbidden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PauseCause {
    /// What to do next, in the collectors' words.
    pub class: String,
    /// Code of the failure, `vk 14`.
    pub code: String,
    /// One Russian sentence for the operator.
    pub text: String,
}

/// A pause that stands in a call's way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// What it forbids.
    pub of: PauseOf,
    /// Until when.
    pub until: Timestamp,
    /// Why.
    pub cause: PauseCause,
}

/// How a call that tried whether a pause is over has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probed {
    /// Whether the host answered.
    pub answered: bool,
    /// Whether the token was accepted as well.
    pub accepted: bool,
}

impl Store {
    /// Forbids calls like `call` until `until`; a longer pause that is known already stays.
    /// `ordered`: the platform wants it, whatever changes on our side.
    pub async fn budget_pause(
        &self,
        call: BudgetCall,
        pause: Pause,
        ordered: bool,
        now: Timestamp,
    ) -> Result<()> {
        self.write(move |tx| {
            forget(tx, now)?;
            keep(tx, &call, &pause, ordered)
        })
        .await
    }

    /// A host that cannot be reached: nobody calls it for the least of `secs`, longer after each
    /// further failure, at most the other. `sure`: a first failure is enough.
    pub async fn budget_outage(
        &self,
        host: &str,
        cause: PauseCause,
        secs: (i64, i64),
        sure: bool,
        now: Timestamp,
    ) -> Result<()> {
        let host = host.to_owned();
        self.write(move |tx| outage(tx, &host, &cause, secs, sure, now)).await
    }

    /// Ends what a call has tried; see [`Probed`].
    pub async fn budget_probed(&self, call: BudgetCall, end: Probed) -> Result<()> {
        self.write(move |tx| probed(tx, &call, end)).await
    }

    /// Lets pauses of our own be tried at `now`: a person says that the trouble may be over.
    pub async fn budget_probe_now(&self, now: Timestamp) -> Result<()> {
        self.write(move |tx| {
            tx.exec(
                "UPDATE pause SET until = ?2, probed = NULL
                 WHERE district = ?1 AND ordered = 0 AND until > ?2",
                params![tx.district, At(now)],
            )?;
            Ok(())
        })
        .await
    }
}

/// What a call meets at `now`: the gravest pause in its way, until the end of the last of them;
/// else whether it is the first after a pause of our own.
pub(super) fn meet(
    tx: &Tx<'_>,
    call: &BudgetCall,
    now: Timestamp,
) -> Result<std::result::Result<bool, Pause>> {
    let rows = rows(tx, call)?;
    match in_the_way(&rows, now) {
        Some(pause) => Ok(Err(pause)),
        None => Ok(Ok(rows.iter().any(|row| !row.ordered))),
    }
}

/// The pause that forbids a call at `now`, be it one that tries whether others are over.
pub(super) fn forbids(tx: &Tx<'_>, call: &BudgetCall, now: Timestamp) -> Result<Option<Pause>> {
    let mut rows = rows(tx, call)?;
    rows.retain(|row| row.pause.until > now);
    Ok(in_the_way(&rows, now))
}

/// Marks the pauses of our own that `call` tries from `now` on.
pub(super) fn probe(tx: &Tx<'_>, call: &BudgetCall, now: Timestamp) -> Result<()> {
    let until = now.saturating_add(SignedDuration::from_secs(PROBE_SECS)).unwrap_or(now);
    mark(tx, call, Some(until), true)
}

struct Row {
    pause: Pause,
    ordered: bool,
    probed: Option<Timestamp>,
}

fn rows(tx: &Tx<'_>, call: &BudgetCall) -> Result<Vec<Row>> {
    tx.rows(
        "SELECT token, method, ordered, until, class, code, trouble, probed FROM pause
         WHERE district = ?1 AND host = ?2 AND (token = '' OR token = ?3)
             AND (fingerprint = '' OR fingerprint = ?4) AND (method = '' OR method = ?5)
         ORDER BY token, method, ordered",
        params![tx.district, call.host, call.token, call.fingerprint, call.method],
        |row| {
            let (token, method): (String, String) = (row.get(0)?, row.get(1)?);
            let of = match (token.as_str(), method.as_str()) {
                ("", _) => PauseOf::Host,
                (_, "") => PauseOf::Token,
                _ => PauseOf::Method,
            };
            let cause = PauseCause { class: row.get(4)?, code: row.get(5)?, text: row.get(6)? };
            Ok(Row {
                pause: Pause { of, until: row.get::<_, At>(3)?.0, cause },
                ordered: row.get(2)?,
                probed: time(row.get::<_, Option<At>>(7)?),
            })
        },
    )
}

fn in_the_way(rows: &[Row], now: Timestamp) -> Option<Pause> {
    let soon = now.saturating_add(SignedDuration::from_secs(ASK_AGAIN_SECS)).unwrap_or(now);
    let ends = rows.iter().filter_map(|row| {
        let tried = row.probed.filter(|probed| *probed > now).map(|probed| probed.min(soon));
        let until = if row.pause.until > now { Some(row.pause.until) } else { tried };
        Some((until?, &row.pause))
    });
    let ends: Vec<(Timestamp, &Pause)> = ends.collect();
    let last = ends.iter().map(|(until, _)| *until).max()?;
    // What a person must mend is never hidden behind what passes by itself.
    let person = |pause: &Pause| pause.cause.class == "needs_person";
    let (_, gravest) = ends.iter().max_by_key(|(until, pause)| (person(pause), *until))?;
    Some(Pause { until: last, ..(*gravest).clone() })
}

fn keep(tx: &Tx<'_>, call: &BudgetCall, pause: &Pause, ordered: bool) -> Result<()> {
    let token = if pause.of == PauseOf::Host { "" } else { call.token.as_str() };
    let method = if pause.of == PauseOf::Method { call.method.as_str() } else { "" };
    // An order concerns whoever holds the token's place; a trouble of ours that very token.
    let fingerprint = if ordered || token.is_empty() { "" } else { call.fingerprint.as_str() };
    tx.exec(
        "INSERT INTO pause (district, host, token, fingerprint, method, ordered, until, class, code,
             trouble, failures)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 1)
         ON CONFLICT (district, host, token, fingerprint, method, ordered) DO UPDATE SET
             until = excluded.until, class = excluded.class, code = excluded.code,
             trouble = excluded.trouble, failures = pause.failures + 1, probed = NULL
         WHERE pause.until < excluded.until",
        params![
            tx.district,
            call.host,
            token,
            fingerprint,
            method,
            ordered,
            At(pause.until),
            pause.cause.class,
            pause.cause.code,
            pause.cause.text,
        ],
    )?;
    Ok(())
}

fn outage(
    tx: &Tx<'_>,
    host: &str,
    cause: &PauseCause,
    (least, most): (i64, i64),
    sure: bool,
    now: Timestamp,
) -> Result<()> {
    let known = tx.row(
        "SELECT until, failures FROM pause WHERE district = ?1 AND host = ?2 AND token = ''
             AND fingerprint = '' AND method = '' AND ordered = 0",
        params![tx.district, host],
        |row| Ok((row.get::<_, At>(0)?.0, row.get::<_, u32>(1)?)),
    )?;
    let failures = match known {
        // Calls that were under way when the first of them failed tell nothing new.
        Some((until, _)) if until > now => return Ok(()),
        Some((_, failures)) => failures.saturating_add(1),
        None if sure => 1,
        None => return Ok(()),
    };
    let wait = (least << (failures - 1).min(16)).min(most);
    let until = now.saturating_add(SignedDuration::from_secs(wait)).unwrap_or(now);
    tx.exec(
        "INSERT INTO pause (district, host, token, fingerprint, method, ordered, until, class, code,
             trouble, failures)
         VALUES (?1, ?2, '', '', '', 0, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (district, host, token, fingerprint, method, ordered) DO UPDATE SET
             until = excluded.until, class = excluded.class, code = excluded.code,
             trouble = excluded.trouble, failures = excluded.failures, probed = NULL",
        params![tx.district, host, At(until), cause.class, cause.code, cause.text, failures],
    )?;
    Ok(())
}

fn probed(tx: &Tx<'_>, call: &BudgetCall, end: Probed) -> Result<()> {
    if end.answered {
        tx.exec(
            "DELETE FROM pause WHERE district = ?1 AND host = ?2 AND token = '' AND ordered = 0",
            params![tx.district, call.host],
        )?;
    }
    if !end.accepted {
        return mark(tx, call, None, false);
    }
    tx.exec(
        "DELETE FROM pause WHERE district = ?1 AND host = ?2 AND token = ?3 AND fingerprint = ?4
             AND (method = '' OR method = ?5) AND ordered = 0",
        params![tx.district, call.host, call.token, call.fingerprint, call.method],
    )?;
    Ok(())
}

/// Notes on the pauses of our own in the way of a call until when it is awaited; `host`: on that of
/// the host as well.
fn mark(tx: &Tx<'_>, call: &BudgetCall, until: Option<Timestamp>, host: bool) -> Result<()> {
    tx.exec(
        "UPDATE pause SET probed = ?6
         WHERE district = ?1 AND host = ?2 AND ordered = 0
             AND ((?7 = 1 AND token = '') OR (token = ?3 AND fingerprint = ?4
                 AND (method = '' OR method = ?5)))",
        params![
            tx.district,
            call.host,
            call.token,
            call.fingerprint,
            call.method,
            at(until),
            host,
        ],
    )?;
    Ok(())
}

fn forget(tx: &Tx<'_>, now: Timestamp) -> Result<()> {
    let old = now.saturating_sub(SignedDuration::from_hours(24 * KEEP_DAYS)).unwrap_or(now);
    tx.exec("DELETE FROM pause WHERE district = ?1 AND until < ?2", params![tx.district, At(old)])?;
    Ok(())
}
