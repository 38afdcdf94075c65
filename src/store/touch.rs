//! Sent messages whose buttons no longer say what is true.
//!
//! Place in the flow: asked for by a mark and by a newer message of the same conversation, emptied
//! by the daemon. Invariants: asking again while a message is being changed is not lost; nothing
//! here carries what the buttons say, it is made anew from the marks when the message is changed.

use jiff::Timestamp;
use rusqlite::params;

use super::column::{At, Word};
use super::delivery::{delivery_columns, delivery_of};
use super::error::Result;
use super::{Store, Tx};
use crate::model::{AlertId, Channel, Delivery, DeliveryId};

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
        let Some((delivery, receipt)) = sent(tx, &id)? else { continue };
        let overtaken = overtaken(tx, &delivery)?;
        touches.push(Touch { delivery, receipt, asked, tries, overtaken });
    }
    Ok(touches)
}

fn sent(tx: &Tx<'_>, id: &DeliveryId) -> Result<Option<(Delivery, String)>> {
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

fn overtaken(tx: &Tx<'_>, delivery: &Delivery) -> Result<bool> {
    let Some(alert) = delivery.subject.strip_prefix("alert:") else { return Ok(false) };
    let later = tx.number(
        "SELECT COUNT(*) FROM alert own
         JOIN alert later ON later.district = own.district AND later.problem = own.problem
             AND (later.at, later.id) > (own.at, own.id)
         JOIN delivery d ON d.district = later.district AND d.subject = 'alert:' || later.id
         WHERE own.district = ?1 AND own.id = ?2 AND d.receiver = ?3 AND d.channel = ?4
             AND d.address = ?5 AND d.state = 'sent'",
        params![tx.district, alert, delivery.receiver, Word(delivery.channel), delivery.address],
    )?;
    Ok(later > 0)
}

/// Channels whose messages carry buttons that can be changed.
const CHANGEABLE: [Channel; 2] = [Channel::Telegram, Channel::Max];

/// All messages of an alert show its marks.
pub(super) fn alert(tx: &Tx<'_>, alert: &AlertId, now: Timestamp) -> Result<()> {
    let [telegram, max] = CHANGEABLE.map(Word);
    tx.exec(
        "INSERT INTO touch (district, delivery, asked, due, tries)
         SELECT district, id, ?3, ?3, 0 FROM delivery
         WHERE district = ?1 AND subject = 'alert:' || ?2 AND state = 'sent'
             AND channel IN (?4, ?5)
         ON CONFLICT (district, delivery) DO UPDATE
             SET asked = MAX(excluded.asked, touch.asked + 1), due = excluded.due, tries = 0",
        params![tx.district, alert.as_str(), At(now), telegram, max],
    )?;
    Ok(())
}

/// A message about an alert was sent: the one before it in its conversation gives its buttons away,
/// and it shows the marks that came while it was on its way.
pub(super) fn after(tx: &Tx<'_>, id: &DeliveryId, now: Timestamp) -> Result<()> {
    let [telegram, max] = CHANGEABLE.map(Word);
    tx.exec(
        "INSERT INTO touch (district, delivery, asked, due, tries)
         SELECT d.district, d.id, ?3, ?3, 0 FROM delivery d
         JOIN mark m ON m.district = d.district AND d.subject = 'alert:' || m.alert
         WHERE d.district = ?1 AND d.id = ?2 AND d.channel IN (?4, ?5) LIMIT 1
         ON CONFLICT (district, delivery) DO UPDATE
             SET asked = MAX(excluded.asked, touch.asked + 1), due = excluded.due, tries = 0",
        params![tx.district, id.as_str(), At(now), &telegram, &max],
    )?;
    tx.exec(
        "INSERT INTO touch (district, delivery, asked, due, tries)
         SELECT d.district, d.id, ?3, ?3, 0 FROM delivery sent
         JOIN alert own ON own.district = sent.district AND sent.subject = 'alert:' || own.id
         JOIN alert a ON a.district = own.district AND a.problem = own.problem
             AND (a.at, a.id) < (own.at, own.id)
         JOIN delivery d ON d.district = a.district AND d.subject = 'alert:' || a.id
         WHERE sent.district = ?1 AND sent.id = ?2 AND d.state = 'sent'
             AND d.receiver = sent.receiver AND d.channel IN (?4, ?5)
             AND d.address = sent.address
         ORDER BY a.at DESC, a.id DESC LIMIT 1
         ON CONFLICT (district, delivery) DO UPDATE
             SET asked = MAX(excluded.asked, touch.asked + 1), due = excluded.due, tries = 0",
        params![tx.district, id.as_str(), At(now), &telegram, &max],
    )?;
    Ok(())
}

/// When the next message is to be changed.
pub(super) fn next_due(tx: &Tx<'_>) -> Result<Option<Timestamp>> {
    let next =
        tx.row("SELECT MIN(due) FROM touch WHERE district = ?1", params![tx.district], |row| {
            row.get::<_, Option<At>>(0)
        })?;
    Ok(next.flatten().map(|at| at.0))
}
