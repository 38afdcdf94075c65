//! Small facts the program keeps about itself, by name (the last good lexicon's hash).
//!
//! Place in the flow: read at start, written when they change. Invariant: nothing secret, nothing
//! about a post.

use rusqlite::params;

use super::error::Result;
use super::{Store, Tx};

impl Store {
    /// The value kept under `name`.
    pub async fn setting(&self, name: &str) -> Result<Option<String>> {
        let name = name.to_owned();
        self.read(move |tx| {
            tx.row(
                "SELECT value FROM setting WHERE district = ?1 AND name = ?2",
                params![tx.district, name],
                |row| row.get(0),
            )
        })
        .await
    }

    /// Keeps `value` under `name`.
    pub async fn keep_setting(&self, name: &str, value: &str) -> Result<()> {
        let (name, value) = (name.to_owned(), value.to_owned());
        self.write(move |tx| keep(tx, &name, &value)).await
    }
}

/// Keeps `value` under `name`.
pub(super) fn keep(tx: &Tx<'_>, name: &str, value: &str) -> Result<()> {
    tx.exec(
        "INSERT INTO setting (district, name, value) VALUES (?1, ?2, ?3)
         ON CONFLICT (district, name) DO UPDATE SET value = excluded.value",
        params![tx.district, name, value],
    )?;
    Ok(())
}
