//! The outbox: one row a message to a receiver.
//!
//! Place in the flow: filled by group and digest commits, emptied by the sender. Invariants: a
//! message is sent at least once; whoever finishes it holds its lease; a try whose end is unknown
//! counts as a copy that may have left.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Row, params};

use super::column::{At, Count, Word, at, time};
use super::error::{Result, StoreError};
use super::{Store, Tx, enrol, rollup, touch};
use crate::model::{
    AlertId, Allotment, Channel, Delivery, DeliveryId, DeliveryState, Outstanding, ProblemId,
};

/// How long a message that was given up is spoken of.
const STUCK_HOURS: i64 = 7 * 24;

/// A message claimed for sending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedDelivery {
    /// The message, in state claimed.
    pub delivery: Delivery,
    /// When it was put into the outbox.
    pub created: Timestamp,
}

/// How a try to send ended, and where the message stands now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryEnd {
    /// New state: pending (try again), sent, failed or rolled up.
    pub state: DeliveryState,
    /// When it may be tried next.
    pub due: Timestamp,
    /// Channel it goes on with.
    pub channel: Channel,
    /// Address on that channel.
    pub address: String,
    /// Tries on that channel so far.
    pub tries: u32,
    /// Since when that channel's host has not been reachable.
    pub unreachable_since: Option<Timestamp>,
    /// What went wrong, in Russian, without secrets.
    pub trouble: Option<String>,
    /// The channel's own id of the message.
    pub receipt: Option<String>,
    /// Whether a copy left or may have left: accepted, or the end of the try is unknown.
    pub may_have_left: bool,
}

/// Where the outbox stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryStats {
    /// Messages in each state.
    pub states: BTreeMap<DeliveryState, u64>,
    /// Since when the oldest message that should be out has been waiting.
    pub waiting_since: Option<Timestamp>,
    /// When the next message may be claimed: one that is held when its lease ends.
    pub next_due: Option<Timestamp>,
    /// What did not go out: given up within a week, or tried again; messages to chats that
    /// receivers joined aside.
    pub stuck: Vec<StuckMessages>,
}

/// Messages that did not go out, by their cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StuckMessages {
    /// Failed, or pending: tried again.
    pub state: DeliveryState,
    /// The cause, in Russian.
    pub trouble: String,
    /// How many.
    pub messages: u64,
}

/// One try to send a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryTry {
    /// When it ended.
    pub at: Timestamp,
    /// Over which channel.
    pub channel: Channel,
    /// Where the message stood after it.
    pub state: DeliveryState,
    /// What went wrong.
    pub trouble: Option<String>,
    /// The channel's own id of the message.
    pub receipt: Option<String>,
}

/// The first message about a problem that a receiver got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// Its delivery.
    pub first: DeliveryId,
    /// The id that the channel gave it, if it went over the same channel to the same address.
    pub receipt: Option<String>,
}

impl Store {
    /// Claims up to `limit` due messages, longest due first. Messages whose lease ran out are due
    /// again, with one more copy that may have left.
    pub async fn claim_deliveries(
        &self,
        now: Timestamp,
        lease: &str,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<ClaimedDelivery>> {
        let lease = lease.to_owned();
        self.write(move |tx| {
            release_expired(tx, now)?;
            claim(tx, now, &lease, lease_until, limit)
        })
        .await
    }

    /// Claims the next due message of a channel, critical alerts first, after `allot` has said of
    /// each receiver's alerts which go alone, which gather and which are told together; `shift` is
    /// how far back messages that left count. One transaction: nothing can be claimed that was not
    /// allotted.
    pub async fn claim_allotted(
        &self,
        channel: Channel,
        now: Timestamp,
        (lease, lease_until): (&str, Timestamp),
        shift: SignedDuration,
        allot: impl Fn(&Outstanding) -> Allotment + Send + 'static,
    ) -> Result<Option<ClaimedDelivery>> {
        let lease = lease.to_owned();
        self.write(move |tx| {
            release_expired(tx, now)?;
            rollup::allot(tx, now, shift, &allot)?;
            // One: whatever dies, only the message that was on its way is in doubt.
            let Some(id) = rollup::next_of(tx, channel, now)? else { return Ok(None) };
            claim_one(tx, &id, &lease, lease_until)
        })
        .await
    }

    /// Ends a try. Fails with [`StoreError::LeaseLost`] if the message is no longer held under
    /// `lease`.
    pub async fn finish_delivery(
        &self,
        id: &DeliveryId,
        lease: &str,
        end: DeliveryEnd,
        now: Timestamp,
    ) -> Result<()> {
        let (id, lease) = (id.clone(), lease.to_owned());
        self.write(move |tx| {
            note_try(tx, &id, &end, now)?;
            enrol::moved(tx, &id, end.channel, &end.address)?;
            finish(tx, &id, &lease, &end, now)?;
            if end.state == DeliveryState::Sent { touch::after(tx, &id, now) } else { Ok(()) }
        })
        .await
    }

    /// Puts messages into the outbox that no alert made (a test message, a reminder). Known ids
    /// stay.
    pub async fn queue_deliveries(&self, deliveries: &[Delivery], now: Timestamp) -> Result<()> {
        let deliveries = deliveries.to_vec();
        self.write(move |tx| deliveries.iter().try_for_each(|message| insert(tx, message, now)))
            .await
    }

    /// Where the outbox stands at `now`.
    pub async fn delivery_stats(&self, now: Timestamp) -> Result<DeliveryStats> {
        self.read(move |tx| stats(tx, now)).await
    }

    /// The message that opened the conversation which `delivery`, an alert of `problem`, goes on
    /// with; nothing if it opens one.
    pub async fn conversation(
        &self,
        problem: &ProblemId,
        delivery: &Delivery,
    ) -> Result<Option<Conversation>> {
        let (problem, delivery) = (problem.clone(), delivery.clone());
        self.read(move |tx| {
            tx.row(
                "SELECT d.id, (SELECT t.receipt FROM delivery_try t
                     WHERE t.district = d.district AND t.delivery = d.id AND t.state = 'sent'
                         AND t.channel = ?5 AND d.address = ?6 LIMIT 1)
                 FROM alert a JOIN delivery d
                     ON d.district = a.district AND d.subject = 'alert:' || a.id
                 WHERE a.district = ?1 AND a.problem = ?2 AND d.receiver = ?3 AND d.id <> ?4
                     AND d.state = 'sent'
                 ORDER BY CASE WHEN d.channel = ?5 AND d.address = ?6 THEN 0 ELSE 1 END,
                     d.created, d.id LIMIT 1",
                params![
                    tx.district,
                    problem.as_str(),
                    delivery.receiver,
                    delivery.id.as_str(),
                    Word(delivery.channel),
                    delivery.address,
                ],
                |row| Ok(Conversation { first: DeliveryId(row.get(0)?), receipt: row.get(1)? }),
            )
        })
        .await
    }

    /// Every try to send a message, in order.
    pub async fn tries_of(&self, id: &DeliveryId) -> Result<Vec<DeliveryTry>> {
        let id = id.clone();
        self.read(move |tx| {
            tx.rows(
                "SELECT at, channel, state, trouble, receipt FROM delivery_try
                 WHERE district = ?1 AND delivery = ?2 ORDER BY seq",
                params![tx.district, id.as_str()],
                |row| {
                    Ok(DeliveryTry {
                        at: row.get::<_, At>(0)?.0,
                        channel: row.get::<_, Word<_>>(1)?.0,
                        state: row.get::<_, Word<_>>(2)?.0,
                        trouble: row.get(3)?,
                        receipt: row.get(4)?,
                    })
                },
            )
        })
        .await
    }

    /// Messages of an alert and its reminders, by id.
    pub async fn deliveries_about(&self, alert: &AlertId) -> Result<Vec<Delivery>> {
        let alert = alert.clone();
        self.read(move |tx| about(tx, &alert)).await
    }

    /// Messages about one subject (`alert:<id>`, `digest:<week>`), by id.
    pub async fn deliveries_of(&self, subject: &str) -> Result<Vec<Delivery>> {
        let subject = subject.to_owned();
        self.read(move |tx| of(tx, &subject)).await
    }

    /// A message.
    pub async fn delivery(&self, id: &DeliveryId) -> Result<Option<Delivery>> {
        let id = id.clone();
        self.read(move |tx| {
            tx.row(
                concat!(
                    "SELECT ",
                    delivery_columns!(),
                    " FROM delivery WHERE district = ?1 AND id = ?2"
                ),
                params![tx.district, id.as_str()],
                delivery_of,
            )
        })
        .await
    }
}

/// The delivery table's columns, in the order [`delivery_of`] reads them.
macro_rules! delivery_columns {
    () => {
        "id, subject, receiver, channel, address, state, due, tries, copies, unreachable_since,
         trouble, created"
    };
}
pub(super) use delivery_columns;

/// A message out of its columns.
pub(super) fn delivery_of(row: &Row<'_>) -> rusqlite::Result<Delivery> {
    Ok(Delivery {
        id: DeliveryId(row.get(0)?),
        subject: row.get(1)?,
        receiver: row.get(2)?,
        channel: row.get::<_, Word<_>>(3)?.0,
        address: row.get(4)?,
        state: row.get::<_, Word<_>>(5)?.0,
        due: row.get::<_, At>(6)?.0,
        tries: row.get(7)?,
        copies: row.get(8)?,
        unreachable_since: time(row.get(9)?),
        trouble: row.get(10)?,
    })
}

/// Messages about one subject, by id.
pub(super) fn of(tx: &Tx<'_>, subject: &str) -> Result<Vec<Delivery>> {
    tx.rows(
        concat!(
            "SELECT ",
            delivery_columns!(),
            " FROM delivery WHERE district = ?1 AND subject = ?2 ORDER BY id"
        ),
        params![tx.district, subject],
        delivery_of,
    )
}

/// Messages of an alert and its reminders, by id.
pub(super) fn about(tx: &Tx<'_>, alert: &AlertId) -> Result<Vec<Delivery>> {
    tx.rows(
        concat!(
            "SELECT ",
            delivery_columns!(),
            " FROM delivery WHERE district = ?1 AND (subject = 'alert:' || ?2
                 OR (subject > 'reminder:' || ?2 || ':' AND subject < 'reminder:' || ?2 || ';'))
             ORDER BY id"
        ),
        params![tx.district, alert.as_str()],
        delivery_of,
    )
}

/// Puts a message into the outbox, with one more for each chat that the receiver joined itself; one
/// that is known by its id stays as it is.
pub(super) fn insert(tx: &Tx<'_>, delivery: &Delivery, now: Timestamp) -> Result<()> {
    if insert_one(tx, delivery, now)? {
        for twin in enrol::twins(tx, delivery)? {
            insert_one(tx, &twin, now)?;
        }
    }
    Ok(())
}

/// Puts a message into the outbox that may have been given up there before: then it waits again.
pub(super) fn send_anew(tx: &Tx<'_>, delivery: &Delivery, now: Timestamp) -> Result<()> {
    let (channel, due) = (Word(delivery.channel), At(delivery.due));
    if delivery.state == DeliveryState::Pending {
        tx.exec(
            "UPDATE delivery SET state = 'pending', channel = ?3, address = ?4, due = ?5, tries = 0,
                 unreachable_since = NULL, trouble = NULL
             WHERE district = ?1 AND id = ?2 AND state IN ('failed', 'suppressed')",
            params![tx.district, delivery.id.as_str(), channel, delivery.address, due],
        )?;
    }
    insert(tx, delivery, now)
}

/// Whether it was new.
fn insert_one(tx: &Tx<'_>, delivery: &Delivery, now: Timestamp) -> Result<bool> {
    let fresh = tx.exec(
        "INSERT INTO delivery (district, id, subject, receiver, channel, address, state, due, tries,
             copies, unreachable_since, trouble, created)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
         ON CONFLICT (district, id) DO NOTHING",
        params![
            tx.district,
            delivery.id.as_str(),
            delivery.subject,
            delivery.receiver,
            Word(delivery.channel),
            delivery.address,
            Word(delivery.state),
            At(delivery.due),
            delivery.tries,
            delivery.copies,
            at(delivery.unreachable_since),
            delivery.trouble,
            At(now),
        ],
    )?;
    Ok(fresh > 0)
}

/// A claimed message whose lease ran out: its worker died or hangs, so a copy may have left.
fn release_expired(tx: &Tx<'_>, now: Timestamp) -> Result<()> {
    tx.exec(
        "UPDATE delivery SET state = 'pending', copies = copies + 1, lease = NULL,
             lease_until = NULL
         WHERE district = ?1 AND state = 'claimed' AND lease_until <= ?2",
        params![tx.district, At(now)],
    )?;
    Ok(())
}

fn claim(
    tx: &Tx<'_>,
    now: Timestamp,
    lease: &str,
    lease_until: Timestamp,
    limit: u32,
) -> Result<Vec<ClaimedDelivery>> {
    let mut claimed = tx.rows(
        concat!(
            "UPDATE delivery SET state = 'claimed', lease = ?3, lease_until = ?4
             WHERE district = ?1 AND id IN (SELECT id FROM delivery
                 WHERE district = ?1 AND state = 'pending' AND due <= ?2
                 ORDER BY due, id LIMIT ?5)
             RETURNING ",
            delivery_columns!()
        ),
        params![tx.district, At(now), lease, At(lease_until), limit],
        |row| Ok(ClaimedDelivery { delivery: delivery_of(row)?, created: row.get::<_, At>(11)?.0 }),
    )?;
    // RETURNING has no order of its own.
    claimed.sort_by(|a, b| (a.delivery.due, &a.delivery.id).cmp(&(b.delivery.due, &b.delivery.id)));
    Ok(claimed)
}

fn claim_one(
    tx: &Tx<'_>,
    id: &DeliveryId,
    lease: &str,
    lease_until: Timestamp,
) -> Result<Option<ClaimedDelivery>> {
    tx.row(
        concat!(
            "UPDATE delivery SET state = 'claimed', lease = ?3, lease_until = ?4
             WHERE district = ?1 AND id = ?2 AND state = 'pending' RETURNING ",
            delivery_columns!()
        ),
        params![tx.district, id.as_str(), lease, At(lease_until)],
        |row| Ok(ClaimedDelivery { delivery: delivery_of(row)?, created: row.get::<_, At>(11)?.0 }),
    )
}

fn finish(
    tx: &Tx<'_>,
    id: &DeliveryId,
    lease: &str,
    end: &DeliveryEnd,
    now: Timestamp,
) -> Result<()> {
    let finished = tx.exec(
        "UPDATE delivery SET state = ?4, due = ?5, channel = ?6, address = ?7, tries = ?8,
             copies = copies + ?9, unreachable_since = ?10, trouble = ?11, lease = NULL,
             lease_until = NULL, sent = ?12
         WHERE district = ?1 AND id = ?2 AND lease = ?3 AND state = 'claimed'",
        params![
            tx.district,
            id.as_str(),
            lease,
            Word(end.state),
            At(end.due),
            Word(end.channel),
            end.address,
            end.tries,
            u32::from(end.may_have_left),
            at(end.unreachable_since),
            end.trouble,
            at((end.state == DeliveryState::Sent).then_some(now)),
        ],
    )?;
    if finished == 1 { Ok(()) } else { Err(StoreError::LeaseLost) }
}

/// Notes a try with the channel it was made on, before the message moves on.
fn note_try(tx: &Tx<'_>, id: &DeliveryId, end: &DeliveryEnd, now: Timestamp) -> Result<()> {
    tx.exec(
        "INSERT INTO delivery_try (district, delivery, seq, at, channel, state, trouble, receipt)
         SELECT ?1, ?2, (SELECT COUNT(*) FROM delivery_try
             WHERE district = ?1 AND delivery = ?2), ?3, channel, ?4, ?5, ?6
         FROM delivery WHERE district = ?1 AND id = ?2",
        params![tx.district, id.as_str(), At(now), Word(end.state), end.trouble, end.receipt],
    )?;
    Ok(())
}

/// Where the outbox stands.
pub(super) fn stats(tx: &Tx<'_>, now: Timestamp) -> Result<DeliveryStats> {
    let states = tx.rows(
        "SELECT state, COUNT(*) FROM delivery WHERE district = ?1 GROUP BY state",
        params![tx.district],
        |row| Ok((row.get::<_, Word<DeliveryState>>(0)?.0, row.get::<_, Count>(1)?.0)),
    )?;
    let waiting = tx.row(
        "SELECT MIN(COALESCE(lease_until, due)),
             MIN(CASE WHEN due <= ?2 THEN created END) FROM delivery
         WHERE district = ?1 AND state IN ('pending', 'claimed')",
        params![tx.district, At(now)],
        |row| Ok((row.get::<_, Option<At>>(0)?, row.get::<_, Option<At>>(1)?)),
    )?;
    let (next_due, waiting_since) = waiting.unwrap_or((None, None));
    let week = now.saturating_sub(SignedDuration::from_hours(STUCK_HOURS));
    let stuck = tx.rows(
        "SELECT state, trouble, COUNT(*) FROM delivery
         WHERE district = ?1 AND state IN ('pending', 'failed') AND trouble IS NOT NULL
             AND (tries > 0 AND state = 'pending' OR state = 'failed' AND created > ?2)
             AND id NOT LIKE '%.%'
         GROUP BY state, trouble ORDER BY state, trouble",
        params![tx.district, At(week.unwrap_or(Timestamp::MIN))],
        |row| {
            Ok(StuckMessages {
                state: row.get::<_, Word<_>>(0)?.0,
                trouble: row.get(1)?,
                messages: row.get::<_, Count>(2)?.0,
            })
        },
    )?;
    Ok(DeliveryStats {
        states: states.into_iter().collect(),
        waiting_since: time(waiting_since),
        next_due: time(next_due),
        stuck,
    })
}
