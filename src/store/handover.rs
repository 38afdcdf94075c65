//! What a receiver has in hand, and its messages that have not left.
//!
//! Place in the flow: read and moved when one person's work goes to another. Invariant: a message
//! goes to one of the two, never to both and never to none.

use jiff::Timestamp;
use rusqlite::params;

use super::Store;
use super::column::{At, Json, Word};
use super::error::Result;
use crate::model::{AlertId, Channel, Mark, ProblemState, SilenceFacts};

impl Store {
    /// Alerts of problems that are not over and that this receiver was the last to take, by id.
    pub async fn in_hand(&self, receiver: &str) -> Result<Vec<AlertId>> {
        let receiver = receiver.to_owned();
        self.read(move |tx| {
            tx.rows(
                "SELECT m.alert FROM mark m JOIN problem p
                     ON p.district = m.district AND p.id = m.problem
                 WHERE m.district = ?1 AND m.marked_by = ?2 AND m.mark = ?3 AND p.state <> ?4
                     AND NOT EXISTS (SELECT 1 FROM mark later WHERE later.district = m.district
                         AND later.problem = m.problem AND later.mark = ?3 AND later.at > m.at)
                 ORDER BY m.alert",
                params![tx.district, receiver, Word(Mark::Taken), Word(ProblemState::Closed)],
                |row| Ok(AlertId(row.get(0)?)),
            )
        })
        .await
    }

    /// Gives messages of `from` that wait to `to`, on this channel; what `to` has already is not
    /// sent again, and the copies for chats that `from` joined are not sent. Returns how many were
    /// given.
    pub async fn give_messages(
        &self,
        from: &str,
        to: &str,
        way: (Channel, String),
        trouble: &str,
        now: Timestamp,
    ) -> Result<u32> {
        let (from, to, trouble) = (from.to_owned(), to.to_owned(), trouble.to_owned());
        self.write(move |tx| {
            tx.exec(
                "UPDATE delivery SET state = 'suppressed', trouble = ?4
                 WHERE district = ?1 AND receiver = ?2 AND state = 'pending'
                     AND (id LIKE '%.%' OR EXISTS (SELECT 1 FROM delivery other
                         WHERE other.district = ?1 AND other.receiver = ?3
                             AND other.subject = delivery.subject))",
                params![tx.district, from, to, trouble],
            )?;
            let given = tx.exec(
                "UPDATE delivery SET receiver = ?3, channel = ?4, address = ?5, tries = 0,
                     unreachable_since = NULL, due = MIN(due, ?6)
                 WHERE district = ?1 AND receiver = ?2 AND state = 'pending'",
                params![tx.district, from, to, Word(way.0), way.1, At(now)],
            )?;
            Ok(u32::try_from(given).unwrap_or(u32::MAX))
        })
        .await
    }

    /// Makes `to` the owner of silences of `from` that are not over. Returns how many.
    pub async fn give_silences(&self, from: &str, to: &str, now: Timestamp) -> Result<u32> {
        let (from, to) = (from.to_owned(), to.to_owned());
        self.write(move |tx| {
            let open = tx.rows(
                "SELECT id, facts FROM silence
                 WHERE district = ?1 AND ended IS NULL AND until > ?2 ORDER BY id",
                params![tx.district, At(now)],
                |row| Ok((row.get::<_, String>(0)?, row.get::<_, Json<SilenceFacts>>(1)?.0)),
            )?;
            let mut given = 0;
            for (id, facts) in open {
                if facts.owner.as_deref() != Some(from.as_str()) {
                    continue;
                }
                let facts = SilenceFacts { owner: Some(to.clone()), ..facts };
                tx.exec(
                    "UPDATE silence SET facts = ?3 WHERE district = ?1 AND id = ?2",
                    params![tx.district, id, Json(&facts)],
                )?;
                given += 1;
            }
            Ok(given)
        })
        .await
    }
}
