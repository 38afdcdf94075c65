//! Alerts as rows.
//!
//! Place in the flow: written by a group commit, read when a message is rendered, listed or
//! exported. Invariant: an alert refers to posts and never holds their text.

use jiff::Timestamp;
use rusqlite::{Row, params};

use super::column::{At, Json, Word};
use super::error::Result;
use super::export::TimeMark;
use super::{Store, Tx};
use crate::model::{Alert, AlertId, ProblemId};

impl Store {
    /// One alert.
    pub async fn alert(&self, id: &AlertId) -> Result<Option<Alert>> {
        let id = id.clone();
        self.read(move |tx| read(tx, &id)).await
    }

    /// Up to `limit` alerts by (at, id), decided at `since` or later, behind `after`.
    pub async fn alerts(
        &self,
        since: Option<Timestamp>,
        after: Option<&TimeMark>,
        limit: u32,
    ) -> Result<Vec<Alert>> {
        let mark = TimeMark::or_start(after);
        self.read(move |tx| {
            tx.rows(
                "SELECT id, problem, reason, at, facts FROM alert
                 WHERE district = ?1 AND at >= ?2 AND (at, id) > (?3, ?4) ORDER BY at, id LIMIT ?5",
                params![
                    tx.district,
                    At(since.unwrap_or(Timestamp::MIN)),
                    At(mark.at),
                    mark.id,
                    limit
                ],
                alert_of,
            )
        })
        .await
    }
}

/// One alert.
pub(super) fn read(tx: &Tx<'_>, id: &AlertId) -> Result<Option<Alert>> {
    tx.row(
        "SELECT id, problem, reason, at, facts FROM alert WHERE district = ?1 AND id = ?2",
        params![tx.district, id.as_str()],
        alert_of,
    )
}

fn alert_of(row: &Row<'_>) -> rusqlite::Result<Alert> {
    Ok(Alert {
        id: AlertId(row.get(0)?),
        problem: ProblemId(row.get(1)?),
        reason: row.get::<_, Word<_>>(2)?.0,
        at: row.get::<_, At>(3)?.0,
        facts: row.get::<_, Json<_>>(4)?.0,
    })
}

/// Stores an alert; one that is known by its id stays as it is.
pub(super) fn insert(tx: &Tx<'_>, alert: &Alert) -> Result<()> {
    tx.exec(
        "INSERT INTO alert (district, id, problem, reason, at, facts)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (district, id) DO NOTHING",
        params![
            tx.district,
            alert.id.as_str(),
            alert.problem.as_str(),
            Word(alert.reason),
            At(alert.at),
            Json(&alert.facts),
        ],
    )?;
    Ok(())
}
