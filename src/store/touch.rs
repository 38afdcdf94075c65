//! Sent messages whose buttons no longer say what is true.
//!
//! Place in the flow: asked for by a mark and by a newer message of the same conversation, emptied
//! by the daemon. Invariants: asking again while a message is being changed is not lost; nothing
//! here carries what the buttons say, it is made anew from the marks when the message is changed.

use jiff::Timestamp;
use rusqlite::params;

use super::column::At;
use super::delivery::{self, delivery_columns, delivery_of};
use super::error::Result;
use super::{Store, Tx};
use crate::model::{AlertId, Channel, Delivery, DeliveryId, DeliveryState, told_alert};

/// A message to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touch {
    /// The message.
    pub delivery: Delivery,
    /// The channel's id of it.
    pub receipt: String,
    /// When it was asked for last.
    pub asked: Timestamp,
    /// Tries so far.
    pub tries: u32,
    /// Whether a later message of the same conversation has the buttons now.
    pub overtaken: bool,
}

impl Store {
    /// Up to `limit` messages to be changed, longest due first. What has no receipt cannot be
    /// changed and is dropped.
    pub async fn due_touches(&self, now: Timestamp, limit: u32) -> Result<Vec<Touch>> {
        self.write(move |tx| {
            tx.exec(
                "DELETE FROM touch WHERE district = ?1 AND due <= ?2 AND NOT EXISTS
                     (SELECT 1 FROM delivery_try t WHERE t.district = touch.district
                         AND t.delivery = touch.delivery AND t.state = 'sent'
                         AND t.receipt IS NOT NULL)",
                params![tx.district, At(now)],
            )?;
            due(tx, now, limit)
        })
        .await
    }

    /// Asks for every sent message about a subject to be changed.
    pub async fn show_anew(&self, subject: &str, now: Timestamp) -> Result<()> {
        let subject = subject.to_owned();
        self.write(move |tx| ask_all(tx, delivery::of(tx, &subject)?, now)).await
    }

    /// Ends a try to change a message: done (`next` is none) or to be tried again. A message that
    /// was asked for again meanwhile stays due.
    pub async fn finish_touch(
        &self,
        id: &DeliveryId,
        asked: Timestamp,
        next: Option<Timestamp>,
    ) -> Result<()> {
        let id = id.clone();
        self.write(move |tx| {
            match next {
                None => tx.exec(
                    "DELETE FROM touch WHERE district = ?1 AND delivery = ?2 AND asked = ?3",
                    params![tx.district, id.as_str(), At(asked)],
                )?,
                Some(next) => tx.exec(
                    "UPDATE touch SET due = ?4, tries = tries + 1
                     WHERE district = ?1 AND delivery = ?2 AND asked = ?3",
                    params![tx.district, id.as_str(), At(asked), At(next)],
                )?,
            };
            Ok(())
        })
        .await
    }
}

fn due(tx: &Tx<'_>, now: Timestamp, limit: u32) -> Result<Vec<Touch>> {
    let found = tx.rows(
        "SELECT delivery, asked, tries FROM touch WHERE district = ?1 AND due <= ?2
         ORDER BY due, delivery LIMIT ?3",
        params![tx.district, At(now), limit],
        |row| {
            let asked = row.get::<_, At>(1)?.0;
            Ok((DeliveryId(row.get(0)?), asked, row.get::<_, u32>(2)?))
        },
    )?;
    let mut touches = Vec::with_capacity(found.len());
    for (id, asked, tries) in found {
        let Some((delivery, Some(receipt))) = sent(tx, &id)? else { continue };
        let overtaken = conversation(tx, &delivery)?.last() != Some(&delivery.id);
        touches.push(Touch { delivery, receipt, asked, tries, overtaken });
    }
    Ok(touches)
}

/// A message and the channel's id of it, if it gave one.
fn sent(tx: &Tx<'_>, id: &DeliveryId) -> Result<Option<(Delivery, Option<String>)>> {
    tx.row(
        concat!(
            "SELECT ",
            delivery_columns!(),
            ", (SELECT t.receipt FROM delivery_try t WHERE t.district = delivery.district
                   AND t.delivery = delivery.id AND t.state = 'sent' AND t.receipt IS NOT NULL
                ORDER BY t.seq DESC LIMIT 1)
             FROM delivery WHERE district = ?1 AND id = ?2"
        ),
        params![tx.district, id.as_str()],
        |row| Ok((delivery_of(row)?, row.get(12)?)),
    )
}

/// The messages of the conversation to which a sent message belongs, in the order they were sent:
/// those about the same problem, to the same chat.
fn conversation(tx: &Tx<'_>, delivery: &Delivery) -> Result<Vec<DeliveryId>> {
    let Some(alert) = told_alert(&delivery.subject) else { return Ok(Vec::new()) };
    let alerts = tx.rows(
        "SELECT a.id FROM alert own JOIN alert a
             ON a.district = own.district AND a.problem = own.problem
         WHERE own.district = ?1 AND own.id = ?2",
        params![tx.district, alert],
        |row| Ok(AlertId(row.get(0)?)),
    )?;
    let mut sent = Vec::new();
    for alert in &alerts {
        for other in delivery::about(tx, alert)? {
            let same = other.receiver == delivery.receiver
                && (other.channel, &other.address) == (delivery.channel, &delivery.address);
            if same && other.state == DeliveryState::Sent {
                sent.push((sent_at(tx, &other.id)?, other.id));
            }
        }
    }
    sent.sort();
    Ok(sent.into_iter().map(|(_, id)| id).collect())
}

fn sent_at(tx: &Tx<'_>, id: &DeliveryId) -> Result<Option<At>> {
    let at = tx.row(
        "SELECT MAX(at) FROM delivery_try
         WHERE district = ?1 AND delivery = ?2 AND state = 'sent'",
        params![tx.district, id.as_str()],
        |row| row.get::<_, Option<At>>(0),
    )?;
    Ok(at.flatten())
}

/// Asks for a message to be changed.
fn ask(tx: &Tx<'_>, id: &DeliveryId, now: Timestamp) -> Result<()> {
    tx.exec(
        "INSERT INTO touch (district, delivery, asked, due, tries) VALUES (?1, ?2, ?3, ?3, 0)
         ON CONFLICT (district, delivery) DO UPDATE
             SET asked = MAX(excluded.asked, touch.asked + 1), due = excluded.due, tries = 0",
        params![tx.district, id.as_str(), At(now)],
    )?;
    Ok(())
}

/// Whether a channel's messages carry buttons that can be changed.
fn changeable(channel: Channel) -> bool {
    matches!(channel, Channel::Telegram | Channel::Max)
}

/// All messages of an alert show its marks.
pub(super) fn alert(tx: &Tx<'_>, alert: &AlertId, now: Timestamp) -> Result<()> {
    ask_all(tx, delivery::about(tx, alert)?, now)
}

/// Asks for those that were sent, and can be, to be changed.
pub(super) fn ask_all(tx: &Tx<'_>, rows: Vec<Delivery>, now: Timestamp) -> Result<()> {
    let sent = |row: &Delivery| row.state == DeliveryState::Sent && changeable(row.channel);
    rows.into_iter().filter(sent).try_for_each(|row| ask(tx, &row.id, now))
}

/// A message about an alert was sent: the one before it in its conversation gives its buttons away,
/// and it shows the marks that came while it was on its way.
pub(super) fn after(tx: &Tx<'_>, id: &DeliveryId, now: Timestamp) -> Result<()> {
    let Some((delivery, _receipt)) = sent(tx, id)? else { return Ok(()) };
    let Some(alert) = told_alert(&delivery.subject) else { return Ok(()) };
    if !changeable(delivery.channel) {
        return Ok(());
    }
    let marks = tx.number(
        "SELECT COUNT(*) FROM mark WHERE district = ?1 AND alert = ?2",
        params![tx.district, alert],
    )?;
    if marks > 0 {
        ask(tx, id, now)?;
    }
    let before = conversation(tx, &delivery)?.into_iter().rev().find(|other| other != id);
    before.map_or(Ok(()), |before| ask(tx, &before, now))
}

/// When the next message is to be changed.
pub(super) fn next_due(tx: &Tx<'_>) -> Result<Option<Timestamp>> {
    let next =
        tx.row("SELECT MIN(due) FROM touch WHERE district = ?1", params![tx.district], |row| {
            row.get::<_, Option<At>>(0)
        })?;
    Ok(next.flatten().map(|at| at.0))
}
