//! What a receiver has in hand, and its messages that have not left.
//!
//! Place in the flow: read and moved when one person's work goes to another. Invariant: a message
//! goes to one of the two, never to both and never to none.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rusqlite::params;

use super::column::{At, Json, Word};
use super::delivery::{delivery_columns, delivery_of};
use super::error::Result;
use super::{Store, Tx, delivery, person};
use crate::model::{AlertId, Delivery, Mark, ProblemId, ProblemState, SilenceFacts};

/// A message that goes from one receiver to another.
#[derive(Debug, Clone)]
pub struct GivenMessage {
    /// As it waits.
    pub old: Delivery,
    /// As it shall wait.
    pub new: Delivery,
}

impl Store {
    /// Alerts of problems that are not over and that this receiver was the last to take, by id.
    pub async fn in_hand(&self, receiver: &str) -> Result<Vec<AlertId>> {
        let receiver = receiver.to_owned();
        self.read(move |tx| {
            tx.rows(
                "SELECT m.alert FROM mark m JOIN problem p
                     ON p.district = m.district AND p.id = m.problem
                 WHERE m.district = ?1 AND m.marked_by = ?2 AND m.mark = ?3 AND p.state <> ?4
                     AND p.acknowledged IS NOT NULL
                     AND (p.told_at IS NULL OR p.told_at <= p.acknowledged)
                     AND NOT EXISTS (SELECT 1 FROM mark later WHERE later.district = m.district
                         AND later.problem = m.problem AND later.mark = ?3 AND later.at > m.at)
                 ORDER BY m.alert",
                params![tx.district, receiver, Word(Mark::Taken), Word(ProblemState::Closed)],
                |row| Ok(AlertId(row.get(0)?)),
            )
        })
        .await
    }

    /// The latest alert of each problem that was told to this receiver and that nobody has in work,
    /// by id.
    pub async fn unanswered_by(&self, receiver: &str) -> Result<Vec<AlertId>> {
        let receiver = receiver.to_owned();
        self.read(move |tx| {
            let told = tx.rows(
                "SELECT a.id, a.problem FROM alert a JOIN delivery d
                     ON d.district = a.district AND d.subject = 'alert:' || a.id
                 WHERE a.district = ?1 AND d.receiver = ?2 AND d.state IN ('sent', 'rolled_up')
                 ORDER BY a.at, a.id",
                params![tx.district, receiver],
                |row| Ok((ProblemId(row.get(1)?), AlertId(row.get(0)?))),
            )?;
            let latest: BTreeMap<ProblemId, AlertId> = told.into_iter().collect();
            let mut open = BTreeSet::new();
            for (problem, alert) in latest {
                if person::living(tx, &problem)?.is_some_and(|it| it.waits()) {
                    open.insert(alert);
                }
            }
            Ok(open.into_iter().collect())
        })
        .await
    }

    /// Messages of a receiver that wait; the copies for chats that it joined are left out.
    pub async fn waiting_of(&self, receiver: &str) -> Result<Vec<Delivery>> {
        let receiver = receiver.to_owned();
        self.read(move |tx| {
            tx.rows(
                concat!(
                    "SELECT ",
                    delivery_columns!(),
                    " FROM delivery WHERE district = ?1 AND receiver = ?2 AND state = 'pending'
                         AND id NOT LIKE '%.%' ORDER BY id"
                ),
                params![tx.district, receiver],
                delivery_of,
            )
        })
        .await
    }

    /// Gives messages to another receiver: the old rows are not sent, nor the copies for chats that
    /// `from` joined; what the other has already is not sent again. A roll-up takes along what it
    /// stands for. Returns how many were given.
    pub async fn give_messages(
        &self,
        from: &str,
        given: Vec<GivenMessage>,
        trouble: &str,
        now: Timestamp,
    ) -> Result<u32> {
        let (from, trouble) = (from.to_owned(), trouble.to_owned());
        self.write(move |tx| {
            let mut count = 0;
            for message in &given {
                count += u32::from(give(tx, message, &trouble, now)?);
            }
            tx.exec(
                "UPDATE delivery SET state = 'suppressed', trouble = ?3
                 WHERE district = ?1 AND receiver = ?2 AND state = 'pending' AND id LIKE '%.%'",
                params![tx.district, from, trouble],
            )?;
            Ok(count)
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

/// Whether a message goes over; it does not if it has left meanwhile, or the other has it.
fn give(tx: &Tx<'_>, message: &GivenMessage, trouble: &str, now: Timestamp) -> Result<bool> {
    let GivenMessage { old, new } = message;
    let kept = tx.exec(
        "UPDATE delivery SET state = 'suppressed', trouble = ?3
         WHERE district = ?1 AND id = ?2 AND state = 'pending'",
        params![tx.district, old.id.as_str(), trouble],
    )?;
    let known = tx.number(
        "SELECT COUNT(*) FROM delivery WHERE district = ?1 AND subject = ?2 AND receiver = ?3
             AND state IN ('pending', 'claimed', 'sent', 'rolled_up')",
        params![tx.district, new.subject, new.receiver],
    )?;
    if kept == 0 || known > 0 {
        return Ok(false);
    }
    tx.exec(
        "UPDATE roll_up SET subject = ?4, receiver = ?5
         WHERE district = ?1 AND subject = ?2 AND receiver = ?3",
        params![tx.district, old.subject, old.receiver, new.subject, new.receiver],
    )?;
    delivery::send_anew(tx, new, now)?;
    Ok(true)
}
