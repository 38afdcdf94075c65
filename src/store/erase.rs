//! Erasing a post on request: out of every table, for good, with a receipt.
//!
//! Place in the flow: a person's command. Invariants: afterwards no byte of the file holds the
//! text, the post's id or its link; its counts in problems stay; the receipt knows the post only as
//! a hash, by which it is refused when it is collected again.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::params;
use sha2::{Digest, Sha256};

use super::column::{At, Json};
use super::error::Result;
use super::{Store, Tx, blank, finding, post, work, works};
use crate::model::PostKey;

/// Proof that a post was erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErasureReceipt {
    /// SHA-256 of the post's key, in hex.
    pub key_hash: String,
    /// When.
    pub at: Timestamp,
    /// Rows removed (or, for alerts and comments, freed of the post's name), by table.
    pub removed: BTreeMap<String, u64>,
}

impl Store {
    /// Erases a post everywhere in the store. A post that is not there yet is refused from now on;
    /// one that was erased before keeps its first receipt.
    pub async fn erase(&self, key: &PostKey, now: Timestamp) -> Result<ErasureReceipt> {
        let key = key.clone();
        let receipt = self.write(move |tx| erase(tx, &key, now)).await?;
        // The log of changes still holds the pages as they were.
        self.checkpoint().await?;
        Ok(receipt)
    }

    /// Receipts of all erasures, oldest first.
    pub async fn erasures(&self) -> Result<Vec<ErasureReceipt>> {
        self.read(|tx| {
            tx.rows(
                "SELECT key_hash, at, removed FROM erased WHERE district = ?1
                 ORDER BY at, key_hash",
                params![tx.district],
                receipt_of,
            )
        })
        .await
    }
}

/// Whether this post was erased and must not come back.
pub(super) fn was_erased(tx: &Tx<'_>, key: &PostKey) -> Result<bool> {
    let found = tx.number(
        "SELECT COUNT(*) FROM erased WHERE district = ?1 AND key_hash = ?2",
        params![tx.district, hash(tx, key)],
    )?;
    Ok(found > 0)
}

fn hash(tx: &Tx<'_>, key: &PostKey) -> Vec<u8> {
    let mut hasher = Sha256::new();
    for part in [tx.district, key.source.as_str(), key.id.as_str()] {
        // The length keeps two parts from running into each other.
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().to_vec()
}

fn erase(tx: &Tx<'_>, key: &PostKey, now: Timestamp) -> Result<ErasureReceipt> {
    let mut removed = BTreeMap::new();
    let mut alerts = 0;
    if let Some(row) = post::read(tx, key)? {
        blank::forget_words(tx, &row, "")?;
        for (problem, _) in post::joined(tx, key)? {
            alerts += blank::forget_key(tx, &problem, key)?;
        }
        let [findings, places, voices] = finding::delete(tx, key)?;
        removed.insert("finding".to_owned(), findings);
        removed.insert("place_finding".to_owned(), places);
        removed.insert("voice".to_owned(), voices);
    }
    removed.insert("alert".to_owned(), alerts);
    removed.insert("work".to_owned(), work::finish(tx, key)?);
    removed.insert("works".to_owned(), works::forget_notice(tx, key)?);
    let statements = [
        ("post", "DELETE FROM post WHERE district = ?1 AND source = ?2 AND id = ?3"),
        (
            "post_version",
            "DELETE FROM post_version WHERE district = ?1 AND source = ?2 AND post = ?3",
        ),
        ("membership", "DELETE FROM membership WHERE district = ?1 AND source = ?2 AND post = ?3"),
        ("parted", "DELETE FROM parted WHERE district = ?1 AND source = ?2 AND post = ?3"),
        (
            "dead_letter",
            "DELETE FROM dead_letter WHERE district = ?1 AND source = ?2 AND post = ?3",
        ),
        (
            "comment",
            "UPDATE post SET parent = NULL WHERE district = ?1 AND source = ?2 AND parent = ?3",
        ),
    ];
    for (table, sql) in statements {
        let rows = tx.exec(sql, params![tx.district, key.source.as_str(), key.id.as_str()])?;
        removed.insert(table.to_owned(), rows as u64);
    }
    removed.retain(|_, rows| *rows > 0);
    keep_receipt(tx, key, now, removed)
}

fn keep_receipt(
    tx: &Tx<'_>,
    key: &PostKey,
    now: Timestamp,
    removed: BTreeMap<String, u64>,
) -> Result<ErasureReceipt> {
    let key_hash = hash(tx, key);
    tx.exec(
        "INSERT INTO erased (district, key_hash, at, removed) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (district, key_hash) DO NOTHING",
        params![tx.district, key_hash, At(now), Json(&removed)],
    )?;
    let kept = tx.row(
        "SELECT key_hash, at, removed FROM erased WHERE district = ?1 AND key_hash = ?2",
        params![tx.district, key_hash],
        receipt_of,
    )?;
    kept.ok_or_else(|| super::StoreError::damaged("a receipt just written is not there"))
}

fn receipt_of(row: &rusqlite::Row<'_>) -> rusqlite::Result<ErasureReceipt> {
    let hash: Vec<u8> = row.get(0)?;
    Ok(ErasureReceipt {
        key_hash: hash.iter().map(|byte| format!("{byte:02x}")).collect(),
        at: row.get::<_, At>(1)?.0,
        removed: row.get::<_, Json<_>>(2)?.0,
    })
}
