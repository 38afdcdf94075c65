//! Chats that receivers joined by themselves, and the invitations to do so.
//!
//! Place in the flow: a code that was sent to a bot becomes an address here; every message to the
//! receiver then has a twin to that address. Invariants: a code is kept as a salted hash and works
//! once; an address belongs to a receiver, never to a person.

use jiff::Timestamp;
use rusqlite::params;
use sha2::{Digest, Sha256};

use super::column::{At, Word};
use super::error::Result;
use super::{Store, Tx};
use crate::model::{Channel, Delivery, DeliveryId};

/// A chat that a receiver joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolled {
    /// The receiver's name.
    pub receiver: String,
    /// Channel.
    pub channel: Channel,
    /// Address there.
    pub address: String,
    /// Since when.
    pub since: Timestamp,
}

/// An invitation as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invite {
    /// Whom it invites.
    pub receiver: String,
    /// Random bytes of its own.
    pub salt: Vec<u8>,
    /// Hash of salt and code.
    pub hash: Vec<u8>,
    /// Until when it is good.
    pub until: Timestamp,
}

impl Invite {
    /// The invitation of `receiver` by `code`, which is not kept.
    #[must_use]
    pub fn new(receiver: &str, code: &str, salt: &[u8], until: Timestamp) -> Self {
        Self { receiver: receiver.to_owned(), salt: salt.to_vec(), hash: hash(salt, code), until }
    }
}

fn hash(salt: &[u8], code: &str) -> Vec<u8> {
    Sha256::new().chain_update(salt).chain_update(code).finalize().to_vec()
}

impl Store {
    /// Keeps an invitation; those that are past their time go.
    pub async fn invite(&self, invite: Invite, now: Timestamp) -> Result<()> {
        self.write(move |tx| {
            tx.exec(
                "DELETE FROM invite WHERE district = ?1 AND until <= ?2",
                params![tx.district, At(now)],
            )?;
            tx.exec(
                "INSERT INTO invite (district, hash, salt, receiver, until)
                 VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (district, hash) DO NOTHING",
                params![tx.district, invite.hash, invite.salt, invite.receiver, At(invite.until)],
            )?;
            Ok(())
        })
        .await
    }

    /// Takes up an invitation: the chat is the receiver's from now on and the code is spent. `None`
    /// if no invitation has this code now. A code that is sent again from the chat that it brought
    /// in answers as before, so that a question that was lost half-way can be repeated.
    pub async fn enrol(
        &self,
        code: &str,
        channel: Channel,
        address: &str,
        now: Timestamp,
    ) -> Result<Option<String>> {
        let (code, address) = (code.to_owned(), address.to_owned());
        self.write(move |tx| {
            let chat = format!("{}:{address}", channel.name());
            let Some(receiver) = spend(tx, &code, &chat, now)? else { return Ok(None) };
            tx.exec(
                "INSERT INTO address (district, receiver, channel, address, since)
                 VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (district, receiver, channel, address) DO NOTHING",
                params![tx.district, receiver, Word(channel), address, At(now)],
            )?;
            Ok(Some(receiver))
        })
        .await
    }

    /// All chats that receivers joined, by receiver, channel, address.
    pub async fn enrolled(&self) -> Result<Vec<Enrolled>> {
        self.read(|tx| {
            tx.rows(
                "SELECT receiver, channel, address, since FROM address WHERE district = ?1
                 ORDER BY receiver, channel, address",
                params![tx.district],
                |row| {
                    Ok(Enrolled {
                        receiver: row.get(0)?,
                        channel: row.get::<_, Word<_>>(1)?.0,
                        address: row.get(2)?,
                        since: row.get::<_, At>(3)?.0,
                    })
                },
            )
        })
        .await
    }

    /// Forgets the chats of a receiver on a channel; returns how many there were. What waits to be
    /// sent there is given up.
    pub async fn forget_addresses(&self, receiver: &str, channel: Channel) -> Result<u32> {
        let receiver = receiver.to_owned();
        self.write(move |tx| {
            tx.exec(
                "UPDATE delivery SET state = 'failed', trouble = 'Чат отключён от получателя'
                 WHERE district = ?1 AND state = 'pending' AND receiver = ?2 AND channel = ?3
                     AND id LIKE '%.%' AND address IN (SELECT address FROM address
                         WHERE district = ?1 AND receiver = ?2 AND channel = ?3)",
                params![tx.district, receiver, Word(channel)],
            )?;
            let gone = tx.exec(
                "DELETE FROM address WHERE district = ?1 AND receiver = ?2 AND channel = ?3",
                params![tx.district, receiver, Word(channel)],
            )?;
            Ok(u32::try_from(gone).unwrap_or(u32::MAX))
        })
        .await
    }
}

/// The receiver whom `code` invites, if nobody but `chat` has used it; `chat` has now.
fn spend(tx: &Tx<'_>, code: &str, chat: &str, now: Timestamp) -> Result<Option<String>> {
    let open = tx.rows(
        "SELECT salt, hash, receiver FROM invite
         WHERE district = ?1 AND until > ?2 AND (used_by IS NULL OR used_by = ?3)",
        params![tx.district, At(now), chat],
        |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?, row.get::<_, String>(2)?)),
    )?;
    let meant = open.into_iter().find(|(salt, kept, _)| hash(salt, code) == *kept);
    let Some((_, spent, receiver)) = meant else { return Ok(None) };
    tx.exec(
        "UPDATE invite SET used_by = ?3 WHERE district = ?1 AND hash = ?2",
        params![tx.district, spent, chat],
    )?;
    Ok(Some(receiver))
}

/// The chat of a twin has a new address: what is told next goes there.
pub(super) fn moved(tx: &Tx<'_>, id: &DeliveryId, channel: Channel, address: &str) -> Result<()> {
    if !is_twin(id) {
        return Ok(());
    }
    let old = tx.row(
        "SELECT receiver, address FROM delivery
         WHERE district = ?1 AND id = ?2 AND channel = ?3 AND address <> ?4",
        params![tx.district, id.as_str(), Word(channel), address],
        |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)),
    )?;
    let Some((receiver, old)) = old else { return Ok(()) };
    tx.exec(
        "INSERT INTO address (district, receiver, channel, address, since)
         SELECT district, receiver, channel, ?5, since FROM address
         WHERE district = ?1 AND receiver = ?2 AND channel = ?3 AND address = ?4
         ON CONFLICT (district, receiver, channel, address) DO NOTHING",
        params![tx.district, receiver, Word(channel), old, address],
    )?;
    tx.exec(
        "DELETE FROM address
         WHERE district = ?1 AND receiver = ?2 AND channel = ?3 AND address = ?4",
        params![tx.district, receiver, Word(channel), old],
    )?;
    Ok(())
}

/// A message of the outbox, once more for each chat that its receiver joined.
pub(super) fn twins(tx: &Tx<'_>, delivery: &Delivery) -> Result<Vec<Delivery>> {
    let chats = tx.rows(
        "SELECT channel, address FROM address WHERE district = ?1 AND receiver = ?2
         ORDER BY channel, address",
        params![tx.district, delivery.receiver],
        |row| Ok((row.get::<_, Word<Channel>>(0)?.0, row.get::<_, String>(1)?)),
    )?;
    let own = |(channel, address): &(Channel, String)| {
        *channel == delivery.channel && *address == delivery.address
    };
    let twin = |(channel, address): (Channel, String)| Delivery {
        id: twin_id(&delivery.id, channel, &address),
        channel,
        address,
        ..delivery.clone()
    };
    Ok(chats.into_iter().filter(|chat| !own(chat)).map(twin).collect())
}

/// Id of the twin of a message to a chat: says by its dot that it is one.
fn twin_id(id: &DeliveryId, channel: Channel, address: &str) -> DeliveryId {
    let hash = Sha256::new().chain_update(channel.name()).chain_update([0]).chain_update(address);
    let hash = hash.finalize();
    let short: String = hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    DeliveryId(format!("{id}.{short}"))
}

/// Whether a message goes to a chat that its receiver joined, beside the message that the routes
/// name: it has no other channel to turn to.
#[must_use]
pub fn is_twin(id: &DeliveryId) -> bool {
    id.as_str().contains('.')
}
