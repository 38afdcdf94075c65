//! The sets of rules that went live, with who put each in force and why.
//!
//! Place in the flow: the daemon keeps a set when it accepts it; `packs history`, `rollback`,
//! `diff` and `backtest` read it; a daemon that finds bad files at its start goes on with the last
//! one. Invariant: an entry always has all its texts; the oldest entries go when there are too
//! many.

use jiff::Timestamp;
use rusqlite::params;
use sha2::{Digest, Sha256};

use super::column::At;
use super::error::Result;
use super::{Store, Tx};

/// Entries that are kept.
const ENTRIES_MAX: u64 = 200;

/// A set of rules that went live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulesEntry {
    /// Version: the same files have the same.
    pub version: String,
    /// When it went live.
    pub at: Timestamp,
    /// Who put it in force, as the operating system names the account.
    pub actor: String,
    /// Why.
    pub reason: String,
}

impl Store {
    /// Keeps a set under its version. A set that is in force already is not entered again unless
    /// `again` is set. Returns whether it was entered.
    pub async fn keep_rules(
        &self,
        entry: RulesEntry,
        named: Vec<(String, String)>,
        again: bool,
    ) -> Result<bool> {
        self.write(move |tx| {
            let last = entries(tx, 1)?.pop();
            if !again && last.is_some_and(|last| last.version == entry.version) {
                return Ok(false);
            }
            for (name, text) in &named {
                keep_file(tx, &entry.version, name, text)?;
            }
            let next = tx.number(
                "SELECT COALESCE(MAX(seq), 0) + 1 FROM rules_entry WHERE district = ?1",
                params![tx.district],
            )?;
            tx.exec(
                "INSERT INTO rules_entry (district, seq, at, version, actor, reason)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    tx.district,
                    i64::try_from(next).unwrap_or(i64::MAX),
                    At(entry.at),
                    entry.version,
                    entry.actor,
                    entry.reason
                ],
            )?;
            prune(tx, next.saturating_sub(ENTRIES_MAX))?;
            Ok(true)
        })
        .await
    }

    /// Up to `limit` sets, the one in force first.
    pub async fn rules_history(&self, limit: u32) -> Result<Vec<RulesEntry>> {
        self.read(move |tx| entries(tx, limit)).await
    }

    /// Name and text of each file of a set, by name; empty if no such set is kept.
    pub async fn rules_files(&self, version: &str) -> Result<Vec<(String, String)>> {
        let version = version.to_owned();
        self.read(move |tx| {
            tx.rows(
                "SELECT rules_file.name, rules_text.text FROM rules_file
                 JOIN rules_text ON rules_text.district = rules_file.district
                     AND rules_text.content = rules_file.content
                 WHERE rules_file.district = ?1 AND rules_file.version = ?2
                 ORDER BY rules_file.name",
                params![tx.district, version],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
        })
        .await
    }
}

fn entries(tx: &Tx<'_>, limit: u32) -> Result<Vec<RulesEntry>> {
    tx.rows(
        "SELECT version, at, actor, reason FROM rules_entry WHERE district = ?1
         ORDER BY seq DESC LIMIT ?2",
        params![tx.district, limit],
        |row| {
            Ok(RulesEntry {
                version: row.get(0)?,
                at: row.get::<_, At>(1)?.0,
                actor: row.get(2)?,
                reason: row.get(3)?,
            })
        },
    )
}

fn keep_file(tx: &Tx<'_>, version: &str, name: &str, text: &str) -> Result<()> {
    let sha = Sha256::digest(text.as_bytes());
    let content: String = sha.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    tx.exec(
        "INSERT INTO rules_text (district, content, text) VALUES (?1, ?2, ?3)
         ON CONFLICT (district, content) DO NOTHING",
        params![tx.district, content, text],
    )?;
    tx.exec(
        "INSERT INTO rules_file (district, version, name, content) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (district, version, name) DO NOTHING",
        params![tx.district, version, name, content],
    )?;
    Ok(())
}

/// Removes entries up to `seq` with what only they hold.
fn prune(tx: &Tx<'_>, seq: u64) -> Result<()> {
    let seq = i64::try_from(seq).unwrap_or(i64::MAX);
    let gone = tx.exec(
        "DELETE FROM rules_entry WHERE district = ?1 AND seq <= ?2",
        params![tx.district, seq],
    )?;
    if gone == 0 {
        return Ok(());
    }
    tx.exec(
        "DELETE FROM rules_file WHERE district = ?1 AND version NOT IN
             (SELECT version FROM rules_entry WHERE district = ?1)",
        params![tx.district],
    )?;
    tx.exec(
        "DELETE FROM rules_text WHERE district = ?1 AND content NOT IN
             (SELECT content FROM rules_file WHERE district = ?1)",
        params![tx.district],
    )?;
    Ok(())
}
