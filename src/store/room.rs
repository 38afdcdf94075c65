//! Channels and groups of Telegram that our account has found, by name.
//!
//! Place in the flow: read before every look by account, written when a name was looked up, because
//! looking up is what Telegram limits most. Invariants: public channels and groups only, no person;
//! what is kept opens nothing without the account's key, which is not here.

use jiff::Timestamp;
use rusqlite::params;

use super::Store;
use super::column::At;
use super::error::Result;

/// A channel or group and what opens it for our account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TelegramRoom {
    /// The name it was found under.
    pub name: String,
    /// Its number.
    pub id: i64,
    /// What Telegram wants to see with the number.
    pub hash: i64,
    /// Whether it is a channel; a group otherwise.
    pub channel: bool,
    /// When it was looked up.
    pub found: Timestamp,
}

impl Store {
    /// The room that was found under a name.
    pub async fn telegram_room(&self, name: &str) -> Result<Option<TelegramRoom>> {
        let name = name.to_owned();
        self.read(move |tx| {
            tx.row(
                "SELECT name, id, hash, channel, found FROM telegram_room
                 WHERE district = ?1 AND name = ?2",
                params![tx.district, name],
                |row| {
                    Ok(TelegramRoom {
                        name: row.get(0)?,
                        id: row.get(1)?,
                        hash: row.get(2)?,
                        channel: row.get(3)?,
                        found: row.get::<_, At>(4)?.0,
                    })
                },
            )
        })
        .await
    }

    /// Keeps a room, in the place of the one known under its name.
    pub async fn keep_telegram_room(&self, room: &TelegramRoom) -> Result<()> {
        let room = room.clone();
        self.write(move |tx| {
            tx.exec(
                "INSERT INTO telegram_room (district, name, id, hash, channel, found)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (district, name) DO UPDATE SET id = excluded.id,
                     hash = excluded.hash, channel = excluded.channel, found = excluded.found",
                params![tx.district, room.name, room.id, room.hash, room.channel, At(room.found)],
            )?;
            Ok(())
        })
        .await
    }

    /// Forgets all rooms: another account opens none of them with what this one knew.
    pub async fn forget_telegram_rooms(&self) -> Result<()> {
        self.write(move |tx| {
            tx.exec("DELETE FROM telegram_room WHERE district = ?1", params![tx.district])?;
            Ok(())
        })
        .await
    }
}
