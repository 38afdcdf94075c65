//! When the next thing of each kind may be done: all that the daemon's loop asks at a turn.
//!
//! Place in the flow: read by the loop. Invariants: one small read whatever the store holds; what
//! somebody holds counts when its lease ends.

use jiff::Timestamp;
use rusqlite::params;

use super::column::{At, time};
use super::error::Result;
use super::{Store, Tx, follow, job, source, touch, works};

/// Next times; `None` where nothing waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Agenda {
    /// A source to look at.
    pub look: Option<Timestamp>,
    /// The next source after those that are due: these may wait for a place that others need not.
    pub next_look: Option<Timestamp>,
    /// A message to send.
    pub sending: Option<Timestamp>,
    /// The next message after those that are due: these may wait for a channel that others need
    /// not.
    pub next_sending: Option<Timestamp>,
    /// A fixed job to run.
    pub job: Option<Timestamp>,
    /// A problem to look at again, or planned works that should be over.
    pub follow: Option<Timestamp>,
    /// A message whose buttons are to be shown anew.
    pub touch: Option<Timestamp>,
}

impl Store {
    /// When the next thing of each kind may be claimed.
    pub async fn agenda(&self, now: Timestamp) -> Result<Agenda> {
        self.read(move |tx| {
            Ok(Agenda {
                look: source::next_due(tx, Timestamp::MIN)?,
                next_look: source::next_due(tx, now)?,
                sending: next_sending(tx, Timestamp::MIN)?,
                next_sending: next_sending(tx, now)?,
                job: job::next_due(tx)?,
                follow: follow::next_due(tx)?.into_iter().chain(works::next_end(tx)?).min(),
                touch: touch::next_due(tx)?,
            })
        })
        .await
    }
}

/// When the first message that is not yet due at `after` may be claimed.
fn next_sending(tx: &Tx<'_>, after: Timestamp) -> Result<Option<Timestamp>> {
    let next = tx.row(
        "SELECT MIN(COALESCE(lease_until, due)) FROM delivery
         WHERE district = ?1 AND state IN ('pending', 'claimed')
             AND COALESCE(lease_until, due) > ?2",
        params![tx.district, At(after)],
        |row| row.get::<_, Option<At>>(0),
    )?;
    Ok(time(next.flatten()))
}
