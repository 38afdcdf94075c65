//! Fixed jobs (digest, retention, closing of weeks) as rows with a next due time and a lease.
//!
//! Place in the flow: the daemon claims due jobs and names the next time when it finishes one.
//! Invariant: a job is run by one at a time, and a job broken off by a kill is due again when its
//! lease ends.

use jiff::Timestamp;
use rusqlite::params;

use super::column::{At, time};
use super::error::{Result, StoreError};
use super::{Store, Tx};

/// A fixed job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its name.
    pub name: String,
    /// When it is or was due.
    pub next_due: Timestamp,
}

impl Store {
    /// Makes a job known; one that is known keeps its time unless `anew` is set (a changed
    /// schedule).
    pub async fn plan_job(&self, name: &str, next_due: Timestamp, anew: bool) -> Result<()> {
        let name = name.to_owned();
        self.write(move |tx| {
            tx.exec(
                "INSERT INTO job (district, name, next_due) VALUES (?1, ?2, ?3)
                 ON CONFLICT (district, name) DO UPDATE SET
                     next_due = CASE WHEN ?4 THEN excluded.next_due ELSE job.next_due END",
                params![tx.district, name, At(next_due), anew],
            )?;
            Ok(())
        })
        .await
    }

    /// Jobs whose time has come and that nobody holds, longest due first; nothing is claimed.
    pub async fn due_jobs(&self, now: Timestamp) -> Result<Vec<Job>> {
        self.read(move |tx| due(tx, now)).await
    }

    /// Claims all due jobs.
    pub async fn claim_jobs(
        &self,
        now: Timestamp,
        lease: &str,
        lease_until: Timestamp,
    ) -> Result<Vec<Job>> {
        let lease = lease.to_owned();
        self.write(move |tx| {
            let jobs = due(tx, now)?;
            for job in &jobs {
                tx.exec(
                    "UPDATE job SET lease = ?3, lease_until = ?4 WHERE district = ?1 AND name = ?2",
                    params![tx.district, job.name, lease, At(lease_until)],
                )?;
            }
            Ok(jobs)
        })
        .await
    }

    /// Ends a claimed job and says when it is due again.
    pub async fn finish_job(&self, name: &str, lease: &str, next_due: Timestamp) -> Result<()> {
        let (name, lease) = (name.to_owned(), lease.to_owned());
        self.write(move |tx| {
            let finished = tx.exec(
                "UPDATE job SET next_due = ?4, lease = NULL, lease_until = NULL
                 WHERE district = ?1 AND name = ?2 AND lease = ?3",
                params![tx.district, name, lease, At(next_due)],
            )?;
            if finished == 1 { Ok(()) } else { Err(StoreError::LeaseLost) }
        })
        .await
    }

    /// When the next job may be claimed, if any is known: one that is held when its lease ends.
    pub async fn next_job_due(&self) -> Result<Option<Timestamp>> {
        self.read(|tx| {
            let next = tx.row(
                "SELECT MIN(CASE WHEN lease_until > next_due THEN lease_until ELSE next_due END)
                 FROM job WHERE district = ?1",
                params![tx.district],
                |row| row.get::<_, Option<At>>(0),
            )?;
            Ok(time(next.flatten()))
        })
        .await
    }
}

fn due(tx: &Tx<'_>, now: Timestamp) -> Result<Vec<Job>> {
    tx.rows(
        "SELECT name, next_due FROM job
         WHERE district = ?1 AND next_due <= ?2 AND (lease_until IS NULL OR lease_until <= ?2)
         ORDER BY next_due, name",
        params![tx.district, At(now)],
        |row| Ok(Job { name: row.get(0)?, next_due: row.get::<_, At>(1)?.0 }),
    )
}

/// All jobs, by name.
pub(super) fn all(tx: &Tx<'_>) -> Result<Vec<Job>> {
    tx.rows(
        "SELECT name, next_due FROM job WHERE district = ?1 ORDER BY name",
        params![tx.district],
        |row| Ok(Job { name: row.get(0)?, next_due: row.get::<_, At>(1)?.0 }),
    )
}
