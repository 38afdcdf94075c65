//! Alerts and reminders told together: what waits for each receiver, and the rows that stand for
//! many.
//!
//! Place in the flow: inside the transaction that claims a message. Invariants: rows become
//! `rolled_up` in the transaction that writes the row that stands for them, and only rows that
//! nobody has tried to send; every such row stands in exactly one roll-up, but for the twins of a
//! receiver's own chats: they share the lot of the row that the routes name.

use jiff::{SignedDuration, Timestamp};
use rusqlite::params;
use serde::Deserialize;

use super::column::{At, Json, Word};
use super::error::{Result, StoreError};
use super::{Store, Tx, alert, delivery, person};
use crate::model::{
    Alert, AlertId, Allotment, Channel, Delivery, DeliveryId, DeliveryState, Outstanding,
    RiskLevel, RollUp, WaitingAlert, told_alert,
};

/// Says which rows are row `?2` and its twins, as far as nobody has tried to send them.
macro_rules! and_twins {
    () => {
        "district = ?1 AND state = 'pending' AND tries = 0 AND copies = 0
             AND receiver = (SELECT receiver FROM delivery WHERE district = ?1 AND id = ?2)
             AND subject = (SELECT subject FROM delivery WHERE district = ?1 AND id = ?2)"
    };
}

/// The one fact of an alert that is asked for here.
#[derive(Deserialize)]
struct Level {
    level: RiskLevel,
}

impl Store {
    /// What one message to a receiver stands for.
    pub async fn roll_up(&self, subject: &str, receiver: &str) -> Result<Option<RollUp>> {
        let (subject, receiver) = (subject.to_owned(), receiver.to_owned());
        self.read(move |tx| {
            let found = tx.row(
                "SELECT facts FROM roll_up
                 WHERE district = ?1 AND subject = ?2 AND receiver = ?3",
                params![tx.district, subject, receiver],
                |row| row.get::<_, Json<RollUp>>(0),
            )?;
            Ok(found.map(|facts| facts.0))
        })
        .await
    }

    /// Receivers with what one message stood for to each.
    pub async fn roll_ups_of(&self, subject: &str) -> Result<Vec<(String, RollUp)>> {
        let subject = subject.to_owned();
        self.read(move |tx| {
            tx.rows(
                "SELECT receiver, facts FROM roll_up WHERE district = ?1 AND subject = ?2
                 ORDER BY receiver",
                params![tx.district, subject],
                |row| Ok((row.get(0)?, row.get::<_, Json<RollUp>>(1)?.0)),
            )
        })
        .await
    }

    /// These alerts, in the order asked for; one that is no longer known is left out.
    pub async fn alerts_by_id(&self, ids: &[AlertId]) -> Result<Vec<Alert>> {
        let ids = ids.to_vec();
        self.read(move |tx| {
            let found = ids.iter().map(|id| alert::read(tx, id)).collect::<Result<Vec<_>>>()?;
            Ok(found.into_iter().flatten().collect())
        })
        .await
    }
}

/// Lets `allot` decide about every receiver for whom an alert is due, and carries it out.
pub(super) fn allot(
    tx: &Tx<'_>,
    now: Timestamp,
    shift: SignedDuration,
    allot: &dyn Fn(&Outstanding) -> Allotment,
) -> Result<()> {
    let receivers = tx.rows(
        "SELECT DISTINCT receiver FROM delivery
         WHERE district = ?1 AND state = 'pending' AND due <= ?2
             AND (subject LIKE 'alert:%' OR subject LIKE 'reminder:%')
             AND tries = 0 AND copies = 0
         ORDER BY receiver",
        params![tx.district, At(now)],
        |row| row.get::<_, String>(0),
    )?;
    for receiver in receivers {
        let outstanding = outstanding(tx, receiver, now, shift)?;
        carry_out(tx, &allot(&outstanding), now)?;
    }
    Ok(())
}

fn outstanding(
    tx: &Tx<'_>,
    receiver: String,
    now: Timestamp,
    shift: SignedDuration,
) -> Result<Outstanding> {
    let mut waiting = alerts_waiting(tx, &receiver, now)?;
    waiting.extend(reminders_waiting(tx, &receiver, now)?);
    waiting.sort_by(|a, b| (a.since, &a.delivery).cmp(&(b.since, &b.delivery)));
    // What is on its way, or may have left, counts from when it was decided.
    let from = now.saturating_sub(shift).unwrap_or(Timestamp::MIN);
    let mut left = tx.rows(
        "SELECT COALESCE(sent, created) FROM delivery
         WHERE district = ?1 AND receiver = ?2 AND id NOT LIKE '%.%'
             AND (subject LIKE 'alert:%' OR subject LIKE 'rollup:%' OR subject LIKE 'catchup:%'
                 OR subject LIKE 'reminder:%')
             AND (state = 'sent' AND sent > ?3
                 OR state = 'claimed'
                 OR state = 'pending' AND (tries > 0 OR copies > 0))",
        params![tx.district, receiver, At(from)],
        |row| Ok(row.get::<_, At>(0)?.0),
    )?;
    left.sort();
    let rolled = tx.row(
        "SELECT MAX(at) FROM roll_up WHERE district = ?1 AND receiver = ?2",
        params![tx.district, receiver],
        |row| row.get::<_, Option<At>>(0),
    )?;
    let rolled = rolled.flatten().map(|at| at.0);
    Ok(Outstanding { receiver, waiting, left, rolled })
}

/// What waits for a receiver, each with its alert by the alert's key: the other way round every
/// alert ever made would be looked at for each message.
const ALERTS_WAITING: &str =
    "SELECT d.id, a.id, a.facts, d.created, d.gathers, d.channel, d.address
     FROM delivery d JOIN alert a
         ON a.district = d.district AND a.id = substr(d.subject, 7)
     WHERE d.district = ?1 AND d.receiver = ?2 AND d.state = 'pending'
         AND d.subject LIKE 'alert:%' AND d.tries = 0 AND d.copies = 0
         AND (d.due <= ?3 OR d.gathers = 1) AND d.id NOT LIKE '%.%'";

/// Alerts that are due or gather.
fn alerts_waiting(tx: &Tx<'_>, receiver: &str, now: Timestamp) -> Result<Vec<WaitingAlert>> {
    tx.rows(ALERTS_WAITING, params![tx.district, receiver, At(now)], |row| {
        Ok(WaitingAlert {
            delivery: DeliveryId(row.get(0)?),
            alert: AlertId(row.get(1)?),
            reminds: false,
            level: row.get::<_, Json<Level>>(2)?.0.level,
            since: row.get::<_, At>(3)?.0,
            gathers: row.get(4)?,
            channel: row.get::<_, Word<_>>(5)?.0,
            address: row.get(6)?,
        })
    })
}

/// Reminders that are due or gather and whose problem still waits for somebody.
fn reminders_waiting(tx: &Tx<'_>, receiver: &str, now: Timestamp) -> Result<Vec<WaitingAlert>> {
    let rows = tx.rows(
        "SELECT id, subject, created, gathers, channel, address FROM delivery
         WHERE district = ?1 AND receiver = ?2 AND state = 'pending' AND tries = 0 AND copies = 0
             AND (due <= ?3 OR gathers = 1) AND subject LIKE 'reminder:%' AND id NOT LIKE '%.%'",
        params![tx.district, receiver, At(now)],
        |row| {
            let subject: String = row.get(1)?;
            let alert = told_alert(&subject).unwrap_or_default();
            Ok(WaitingAlert {
                delivery: DeliveryId(row.get(0)?),
                alert: alert.into(),
                reminds: true,
                level: RiskLevel::Low,
                since: row.get::<_, At>(2)?.0,
                gathers: row.get(3)?,
                channel: row.get::<_, Word<_>>(4)?.0,
                address: row.get(5)?,
            })
        },
    )?;
    let mut waiting = Vec::new();
    for row in rows {
        let Some(alert) = alert::read(tx, &row.alert)? else { continue };
        let Some(problem) = person::living(tx, &alert.problem)? else { continue };
        // One that came too late goes its own way and tells nothing.
        if problem.waits() {
            waiting.push(WaitingAlert { level: problem.level.max(alert.facts.level), ..row });
        }
    }
    Ok(waiting)
}

/// The message of a channel that is sent next: critical alerts and their reminders first, then what
/// has been due longest.
pub(super) fn next_of(tx: &Tx<'_>, channel: Channel, now: Timestamp) -> Result<Option<DeliveryId>> {
    let due = tx.rows(
        "SELECT id, subject FROM delivery
         WHERE district = ?1 AND state = 'pending' AND due <= ?2 AND channel = ?3
         ORDER BY due, id",
        params![tx.district, At(now), Word(channel)],
        |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)),
    )?;
    for (id, subject) in &due {
        let Some(alert) = told_alert(subject) else { continue };
        let level = tx.row(
            "SELECT facts FROM alert WHERE district = ?1 AND id = ?2",
            params![tx.district, alert],
            |row| Ok(row.get::<_, Json<Level>>(0)?.0.level),
        )?;
        if level == Some(RiskLevel::Critical) {
            return Ok(Some(DeliveryId(id.clone())));
        }
    }
    Ok(due.into_iter().next().map(|(id, _)| DeliveryId(id)))
}

fn carry_out(tx: &Tx<'_>, allotment: &Allotment, now: Timestamp) -> Result<()> {
    if let Some((rows, until)) = &allotment.gather {
        for id in rows {
            tx.exec(
                concat!("UPDATE delivery SET gathers = 1, due = ?3 WHERE ", and_twins!()),
                params![tx.district, id.as_str(), At(*until)],
            )?;
        }
    }
    match &allotment.roll_up {
        Some((row, roll_up)) => write(tx, row, roll_up, now),
        None => Ok(()),
    }
}

fn write(tx: &Tx<'_>, row: &Delivery, roll_up: &RollUp, now: Timestamp) -> Result<()> {
    delivery::insert(tx, row, now)?;
    tx.exec(
        "INSERT INTO roll_up (district, subject, receiver, at, facts)
         VALUES (?1, ?2, ?3, ?4, ?5)",
        params![tx.district, row.subject, row.receiver, At(roll_up.at), Json(roll_up)],
    )?;
    let state = Word(DeliveryState::RolledUp);
    let why = format!("в общем сообщении {}", row.subject);
    for id in roll_up.rows() {
        let rolled = tx.exec(
            concat!(
                "UPDATE delivery SET state = ?3, gathers = 0, trouble = ?4 WHERE ",
                and_twins!()
            ),
            params![tx.district, id.as_str(), state, why],
        )?;
        // A count that does not add up would be told to a person.
        if rolled == 0 {
            return Err(StoreError::Failed("a roll-up does not add up".into()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_joined_by_the_key_of_its_alert() {
        let conn = rusqlite::Connection::open_in_memory().expect("opens");
        conn.execute_batch(include_str!("schema.sql")).expect("a sound schema");
        let mut plan = conn.prepare(&format!("EXPLAIN QUERY PLAN {ALERTS_WAITING}")).expect("sql");
        let plan = plan.query_map(params!["d", "МЦУ", 0], |row| row.get::<_, String>(3));
        let plan: Vec<String> = plan.expect("a plan").map(|step| step.expect("a step")).collect();
        let by_key = "SEARCH a USING INDEX sqlite_autoindex_alert_1 (district=? AND id=?)";
        assert!(plan.iter().any(|step| step == by_key), "{plan:?}");
        let by_receiver = "SEARCH d USING INDEX delivery_receiver (district=? AND receiver=?";
        assert!(plan.iter().any(|step| step.starts_with(by_receiver)), "{plan:?}");
        assert!(!plan.iter().any(|step| step.starts_with("SCAN")), "{plan:?}");
    }
}
