//! What a receiver has in hand, and its messages that have not left.
//!
//! Place in the flow: read and moved when one person's work goes to another. Invariant: a message
//! goes to one of the two, never to both and never to none.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rusqlite::params;

use super::column::{At, Json, Word};
use super::error::Result;
use super::{Store, alert, person};
use crate::model::{
    AlertId, Channel, Mark, ProblemId, ProblemState, RiskLevel, SilenceFacts, told_alert,
};

/// Messages that go from one receiver to another.
#[derive(Debug, Clone)]
pub struct GivenMessages<'a> {
    /// Whose they are.
    pub from: &'a str,
    /// Whose they become.
    pub to: &'a str,
    /// Over which channel, to which address.
    pub way: (Channel, String),
    /// Why some of them are not sent.
    pub trouble: &'a str,
    /// From when on the other may be told what is not critical.
    pub open: Timestamp,
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
                     AND NOT EXISTS (SELECT 1 FROM mark later WHERE later.district = m.district
                         AND later.problem = m.problem AND later.mark = ?3 AND later.at > m.at)
                 ORDER BY m.alert",
                params![tx.district, receiver, Word(Mark::Taken), Word(ProblemState::Closed)],
                |row| Ok(AlertId(row.get(0)?)),
            )
        })
        .await
    }

    /// The latest alert of each problem that was sent to this receiver, that nobody has in work and
    /// that it has not answered, by id.
    pub async fn unanswered_by(&self, receiver: &str) -> Result<Vec<AlertId>> {
        let receiver = receiver.to_owned();
        self.read(move |tx| {
            let sent = tx.rows(
                "SELECT a.id, a.problem FROM alert a JOIN delivery d
                     ON d.district = a.district AND d.subject = 'alert:' || a.id
                 WHERE a.district = ?1 AND d.receiver = ?2 AND d.state = 'sent'
                     AND NOT EXISTS (SELECT 1 FROM mark WHERE mark.district = a.district
                         AND mark.alert = a.id AND mark.marked_by = ?2)
                 ORDER BY a.at, a.id",
                params![tx.district, receiver],
                |row| Ok((ProblemId(row.get(1)?), AlertId(row.get(0)?))),
            )?;
            let latest: BTreeMap<ProblemId, AlertId> = sent.into_iter().collect();
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

    /// Gives messages that wait to another receiver; what it has already is not sent again, and the
    /// copies for chats that the first one joined are not sent. What is critical leaves now,
    /// anything else not before `open`. Returns how many were given.
    pub async fn give_messages(&self, given: GivenMessages<'_>, now: Timestamp) -> Result<u32> {
        let GivenMessages { from, to, way, trouble, open } = given;
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
            let waiting = tx.rows(
                "SELECT id, subject FROM delivery
                 WHERE district = ?1 AND receiver = ?2 AND state = 'pending' ORDER BY id",
                params![tx.district, from],
                |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)),
            )?;
            for (id, subject) in &waiting {
                let alert = match told_alert(subject) {
                    Some(alert) => alert::read(tx, &alert.into())?,
                    None => None,
                };
                let urgent = alert.is_some_and(|it| it.facts.level == RiskLevel::Critical);
                let due = if urgent { now } else { open };
                tx.exec(
                    "UPDATE delivery SET receiver = ?3, channel = ?4, address = ?5, tries = 0,
                         unreachable_since = NULL, due = ?6
                     WHERE district = ?1 AND id = ?2",
                    params![tx.district, id, to, Word(way.0), way.1, At(due)],
                )?;
            }
            Ok(u32::try_from(waiting.len()).unwrap_or(u32::MAX))
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
