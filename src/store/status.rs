//! How much of everything there is, for `status`.
//!
//! Place in the flow: read by the command line and the daily brief. Invariant: one snapshot, so
//! that the numbers agree with each other.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::params;

use super::column::{At, Count, Word, time};
use super::coverage::{self, WatchedSource};
use super::delivery::{self, DeliveryStats};
use super::error::Result;
use super::hold;
use super::job::{self, Job};
use super::post::PostState;
use super::{Store, Tx};
use crate::model::{Hidden, ProblemState, Silence};

/// Everything counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusCounts {
    /// Posts in each state.
    pub posts: BTreeMap<PostState, u64>,
    /// When the last post was stored.
    pub last_stored: Option<Timestamp>,
    /// Posts that wait to be grouped.
    pub waiting: u64,
    /// Problems in each state.
    pub problems: BTreeMap<ProblemState, u64>,
    /// Alerts decided.
    pub alerts: u64,
    /// The outbox.
    pub deliveries: DeliveryStats,
    /// Silences that hold, and what they hid.
    pub silences: Vec<(Silence, Hidden)>,
    /// Listed sources with their health and completeness.
    pub sources: Vec<WatchedSource>,
    /// Fixed jobs.
    pub jobs: Vec<Job>,
    /// What could not be read.
    pub dead_letters: u64,
    /// Posts erased on request.
    pub erased: u64,
    /// Version of the schema.
    pub schema: u32,
    /// Size of the file.
    pub bytes: u64,
}

impl Store {
    /// Counts everything as it is at `now`.
    pub async fn status(&self, now: Timestamp) -> Result<StatusCounts> {
        self.read(move |tx| {
            Ok(StatusCounts {
                posts: by_state(
                    tx,
                    "SELECT state, COUNT(*) FROM post WHERE district = ?1 GROUP BY state",
                )?,
                last_stored: last_stored(tx)?,
                waiting: count(tx, "SELECT COUNT(*) FROM work WHERE district = ?1")?,
                problems: by_state(
                    tx,
                    "SELECT state, COUNT(*) FROM problem WHERE district = ?1 GROUP BY state",
                )?,
                alerts: count(tx, "SELECT COUNT(*) FROM alert WHERE district = ?1")?,
                deliveries: delivery::stats(tx, now)?,
                silences: hold::active(tx, now)?,
                sources: coverage::watched(tx, now)?,
                jobs: job::all(tx)?,
                dead_letters: count(tx, "SELECT COUNT(*) FROM dead_letter WHERE district = ?1")?,
                erased: count(tx, "SELECT COUNT(*) FROM erased WHERE district = ?1")?,
                schema: u32::try_from(tx.number("PRAGMA user_version", [])?).unwrap_or(u32::MAX),
                bytes: tx.number("PRAGMA page_count", [])? * tx.number("PRAGMA page_size", [])?,
            })
        })
        .await
    }
}

fn by_state<S>(tx: &Tx<'_>, sql: &str) -> Result<BTreeMap<S, u64>>
where
    S: Ord + for<'de> serde::Deserialize<'de>,
{
    let counts = tx.rows(sql, params![tx.district], |row| {
        Ok((row.get::<_, Word<S>>(0)?.0, row.get::<_, Count>(1)?.0))
    })?;
    Ok(counts.into_iter().collect())
}

fn count(tx: &Tx<'_>, sql: &str) -> Result<u64> {
    tx.number(sql, params![tx.district])
}

fn last_stored(tx: &Tx<'_>) -> Result<Option<Timestamp>> {
    let last = tx.row(
        "SELECT MAX(last) FROM (SELECT MAX(stored) AS last FROM post
             WHERE district = ?1 AND state = 'live') newest",
        params![tx.district],
        |row| row.get::<_, Option<At>>(0),
    )?;
    Ok(time(last.flatten()))
}
