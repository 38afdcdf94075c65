//! Problems that are looked at again at a set time.
//!
//! Place in the flow: an alert's commit begins a row, the commit of what was due moves it on or
//! ends it. Invariants: a row goes only in the transaction that did what it stood for; a problem
//! has at most one row of each matter.

use jiff::Timestamp;
use rusqlite::{Row, params};

use super::column::{At, Word, time};
use super::error::Result;
use super::{Store, Tx};
use crate::model::{AlertId, Follow, Matter, ProblemId};

impl Store {
    /// Up to `limit` rows that are due, longest due first.
    pub async fn due_follows(&self, now: Timestamp, limit: u32) -> Result<Vec<Follow>> {
        self.read(move |tx| {
            tx.rows(
                "SELECT problem, matter, alert, step, since, due FROM follow
                 WHERE district = ?1 AND due <= ?2 ORDER BY due, problem, matter LIMIT ?3",
                params![tx.district, At(now), limit],
                follow_of,
            )
        })
        .await
    }

    /// What stands open about a problem, by matter.
    pub async fn follows_of(&self, problem: &ProblemId) -> Result<Vec<Follow>> {
        let problem = problem.clone();
        self.read(move |tx| {
            tx.rows(
                "SELECT problem, matter, alert, step, since, due FROM follow
                 WHERE district = ?1 AND problem = ?2 ORDER BY matter",
                params![tx.district, problem.as_str()],
                follow_of,
            )
        })
        .await
    }
}

fn follow_of(row: &Row<'_>) -> rusqlite::Result<Follow> {
    Ok(Follow {
        problem: ProblemId(row.get(0)?),
        matter: row.get::<_, Word<_>>(1)?.0,
        alert: row.get::<_, Option<String>>(2)?.map(AlertId),
        step: row.get(3)?,
        since: row.get::<_, At>(4)?.0,
        due: row.get::<_, At>(5)?.0,
    })
}

/// Keeps a row. A wait that stands already stays; any other matter begins anew.
pub(super) fn keep(tx: &Tx<'_>, row: &Follow) -> Result<()> {
    tx.exec(
        "INSERT INTO follow (district, problem, matter, alert, step, since, due)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (district, problem, matter) DO UPDATE SET alert = excluded.alert,
             step = excluded.step, since = excluded.since, due = excluded.due
         WHERE follow.matter <> ?8",
        params![
            tx.district,
            row.problem.as_str(),
            Word(row.matter),
            row.alert.as_ref().map(AlertId::as_str),
            row.step,
            At(row.since),
            At(row.due),
            Word(Matter::Waiting),
        ],
    )?;
    Ok(())
}

/// What stands open about a problem is asked about the one that it was merged into; what stands
/// open about both is asked once, as soon as it would be asked about either.
pub(super) fn go_over(tx: &Tx<'_>, from: &ProblemId, into: &ProblemId) -> Result<()> {
    tx.exec(
        "DELETE FROM follow WHERE district = ?1 AND problem = ?3
             AND EXISTS (SELECT 1 FROM follow other WHERE other.district = follow.district
                 AND other.problem = ?2 AND other.matter = follow.matter
                 AND other.due < follow.due)",
        params![tx.district, from.as_str(), into.as_str()],
    )?;
    tx.exec(
        "UPDATE follow SET problem = ?3 WHERE district = ?1 AND problem = ?2
             AND NOT EXISTS (SELECT 1 FROM follow other WHERE other.district = follow.district
                 AND other.problem = ?3 AND other.matter = follow.matter)",
        params![tx.district, from.as_str(), into.as_str()],
    )?;
    end_all(tx, from)?;
    Ok(())
}

/// Whether the row is still as it was read.
pub(super) fn stands(tx: &Tx<'_>, row: &Follow) -> Result<bool> {
    let found = tx.row(
        "SELECT due, step FROM follow WHERE district = ?1 AND problem = ?2 AND matter = ?3",
        params![tx.district, row.problem.as_str(), Word(row.matter)],
        |found| Ok((found.get::<_, At>(0)?, found.get::<_, u32>(1)?)),
    )?;
    Ok(found == Some((At(row.due), row.step)))
}

/// Takes a row away.
pub(super) fn end(tx: &Tx<'_>, row: &Follow) -> Result<()> {
    tx.exec(
        "DELETE FROM follow WHERE district = ?1 AND problem = ?2 AND matter = ?3",
        params![tx.district, row.problem.as_str(), Word(row.matter)],
    )?;
    Ok(())
}

/// Takes all rows of a problem away.
pub(super) fn end_all(tx: &Tx<'_>, problem: &ProblemId) -> Result<()> {
    tx.exec(
        "DELETE FROM follow WHERE district = ?1 AND problem = ?2",
        params![tx.district, problem.as_str()],
    )?;
    Ok(())
}

/// When the next row is due.
pub(super) fn next_due(tx: &Tx<'_>) -> Result<Option<Timestamp>> {
    let next =
        tx.row("SELECT MIN(due) FROM follow WHERE district = ?1", params![tx.district], |row| {
            row.get::<_, Option<At>>(0)
        })?;
    Ok(time(next.flatten()))
}
