//! Leases whose holder is gone.
//!
//! Place in the flow: called once by whoever begins to work on the store, before anything is
//! claimed. Invariant: only the holder of the store's lock calls it, so every lease found belongs
//! to a process that has ended, however it ended; nobody waits for a dead worker's time to run
//! out.

use rusqlite::params;

use super::error::Result;
use super::{Store, Tx};
use crate::model::SourceId;

/// What somebody was working on when he died.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FreedLeases {
    /// Sources whose look was broken off.
    pub sources: Vec<SourceId>,
    /// Messages that were being sent: a copy of each may have left.
    pub deliveries: u32,
    /// Fixed jobs that were being done.
    pub jobs: u32,
}

impl Store {
    /// Frees everything that an ended process held. A message it was sending is due again and
    /// counts one more copy that may have left.
    pub async fn free_leases(&self) -> Result<FreedLeases> {
        self.write(free).await
    }
}

fn free(tx: &Tx<'_>) -> Result<FreedLeases> {
    let mut sources = tx.rows(
        "UPDATE source_state SET lease = NULL, lease_until = NULL
         WHERE district = ?1 AND lease IS NOT NULL RETURNING source",
        params![tx.district],
        |row| Ok(SourceId(row.get(0)?)),
    )?;
    // RETURNING has no order of its own.
    sources.sort();
    let deliveries = tx.exec(
        "UPDATE delivery SET state = 'pending', copies = copies + 1, lease = NULL,
             lease_until = NULL
         WHERE district = ?1 AND state = 'claimed'",
        params![tx.district],
    )?;
    let jobs = tx.exec(
        "UPDATE job SET lease = NULL, lease_until = NULL
         WHERE district = ?1 AND lease IS NOT NULL",
        params![tx.district],
    )?;
    // A call that tried whether a pause is over ended with its process.
    tx.exec(
        "UPDATE pause SET probed = NULL WHERE district = ?1 AND probed IS NOT NULL",
        params![tx.district],
    )?;
    let count = |rows: usize| u32::try_from(rows).unwrap_or(u32::MAX);
    Ok(FreedLeases { sources, deliveries: count(deliveries), jobs: count(jobs) })
}
