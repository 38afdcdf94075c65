//! What a trial would have sent.
//!
//! Place in the flow: read once, when the trial is over. Invariant: counted from the outbox rows
//! that the trial left behind.

use rusqlite::params;

use super::Store;
use super::column::{At, Json};
use super::error::Result;
use crate::model::{AlertFacts, WouldGo};

impl Store {
    /// Rows of alerts that did not go for `why`, by (receiver, time).
    pub async fn would_go(&self, why: &str) -> Result<Vec<WouldGo>> {
        let why = why.to_owned();
        self.read(move |tx| {
            tx.rows(
                "SELECT d.receiver, a.at, a.facts, EXISTS (SELECT 1 FROM problem_event e
                     WHERE e.district = a.district AND e.problem = a.problem AND e.at >= a.at
                         AND e.event LIKE '%\"judged\"%\"noise\"%')
                 FROM delivery d JOIN alert a
                     ON a.district = d.district AND d.subject = 'alert:' || a.id
                 WHERE d.district = ?1 AND d.state = 'suppressed' AND d.trouble = ?2
                 ORDER BY d.receiver, a.at, a.id",
                params![tx.district, why],
                |row| {
                    let facts: AlertFacts = row.get::<_, Json<_>>(2)?.0;
                    Ok(WouldGo {
                        receiver: row.get(0)?,
                        at: row.get::<_, At>(1)?.0,
                        level: facts.level,
                        voices: facts.voices,
                        noise: row.get(3)?,
                    })
                },
            )
        })
        .await
    }
}
