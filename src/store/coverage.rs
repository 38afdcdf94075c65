//! The gap ledger as rows: what of each source was read, what was not, and what became of it.
//!
//! Place in the flow: folded on in the transaction that commits a page; read by `sources`, `status`
//! and the digest. Invariants: the rows of a source are its [`Ledger`], nothing is decided here; a
//! page that is not committed leaves no trace in the ledger.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Row, params};

use super::column::{At, Word, at, time};
use super::error::Result;
use super::source::{self, SourceRow};
use super::{Store, Tx};
use crate::model::coverage::WINDOW_DAYS;
use crate::model::{Completeness, Hole, Ledger, Noted, SourceId, Stored, Stretch};

/// A source with what is known of its completeness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchedSource {
    /// The source and its health.
    pub row: SourceRow,
    /// What was read and what was not.
    pub completeness: Completeness,
}

impl Store {
    /// What of a source was read and what was not.
    pub async fn ledger(&self, id: &SourceId) -> Result<Ledger> {
        let id = id.clone();
        self.read(move |tx| ledger(tx, &id)).await
    }

    /// All listed sources with their completeness at `now`, by id.
    pub async fn watched(&self, now: Timestamp) -> Result<Vec<WatchedSource>> {
        self.read(move |tx| watched(tx, now)).await
    }
}

/// All listed sources with their completeness at `now`.
pub(super) fn watched(tx: &Tx<'_>, now: Timestamp) -> Result<Vec<WatchedSource>> {
    let counted = stored(tx, now)?;
    let mut ledgers = ledgers(tx)?;
    let listed = source::all(tx)?.into_iter().filter(|row| row.listed);
    Ok(listed
        .map(|row| {
            let mut stored = counted.get(&row.source.id).copied().unwrap_or_default();
            stored.unreadable = u64::from(row.facts.unreadable);
            stored.comments_closed = u64::from(row.facts.comments_closed);
            let ledger = ledgers.remove(&row.source.id).unwrap_or_default();
            let completeness = ledger.completeness(row.source.every_secs, &stored, now);
            WatchedSource { row, completeness }
        })
        .collect())
}

/// Takes down what a page proves.
pub(super) fn note(tx: &Tx<'_>, id: &SourceId, noted: &Noted, now: Timestamp) -> Result<()> {
    if *noted == Noted::default() {
        return Ok(());
    }
    let before = ledger(tx, id)?;
    let mut after = before.clone();
    after.note(noted, now);
    if after.read != before.read {
        forget_read(tx, id)?;
        after.read.iter().try_for_each(|stretch| write_read(tx, id, *stretch))?;
    }
    if after.holes != before.holes {
        forget_holes(tx, id)?;
        (0..).zip(&after.holes).try_for_each(|(place, hole)| write_hole(tx, id, place, hole))?;
    }
    Ok(())
}

/// Forgets everything about a source that reads another page now.
pub(super) fn forget(tx: &Tx<'_>, id: &SourceId) -> Result<()> {
    forget_read(tx, id)?;
    forget_holes(tx, id)
}

fn forget_read(tx: &Tx<'_>, id: &SourceId) -> Result<()> {
    tx.exec(
        "DELETE FROM coverage WHERE district = ?1 AND source = ?2",
        params![tx.district, id.as_str()],
    )?;
    Ok(())
}

fn forget_holes(tx: &Tx<'_>, id: &SourceId) -> Result<()> {
    tx.exec(
        "DELETE FROM hole WHERE district = ?1 AND source = ?2",
        params![tx.district, id.as_str()],
    )?;
    Ok(())
}

fn write_read(tx: &Tx<'_>, id: &SourceId, stretch: Stretch) -> Result<()> {
    tx.exec(
        "INSERT INTO coverage (district, source, from_at, to_at) VALUES (?1, ?2, ?3, ?4)",
        params![tx.district, id.as_str(), At(stretch.from), At(stretch.to)],
    )?;
    Ok(())
}

fn write_hole(tx: &Tx<'_>, id: &SourceId, place: u32, hole: &Hole) -> Result<()> {
    tx.exec(
        "INSERT INTO hole (district, source, position, cause, state, from_at, to_at, posts, noticed,
             looks, closed, fresh)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        params![
            tx.district,
            id.as_str(),
            place,
            Word(hole.cause),
            Word(hole.state),
            At(hole.stretch.from),
            At(hole.stretch.to),
            hole.posts,
            At(hole.noticed),
            hole.looks,
            at(hole.closed),
            hole.fresh,
        ],
    )?;
    Ok(())
}

/// The ledger of one source.
pub(super) fn ledger(tx: &Tx<'_>, id: &SourceId) -> Result<Ledger> {
    let read = tx.rows(
        "SELECT from_at, to_at FROM coverage WHERE district = ?1 AND source = ?2 ORDER BY from_at",
        params![tx.district, id.as_str()],
        |row| stretch(row, 0),
    )?;
    let holes = tx.rows(
        "SELECT cause, state, from_at, to_at, posts, noticed, looks, closed, fresh FROM hole
         WHERE district = ?1 AND source = ?2 ORDER BY position",
        params![tx.district, id.as_str()],
        |row| hole(row, 0),
    )?;
    Ok(Ledger { read, holes })
}

/// The ledgers of all sources.
fn ledgers(tx: &Tx<'_>) -> Result<BTreeMap<SourceId, Ledger>> {
    let mut ledgers: BTreeMap<SourceId, Ledger> = BTreeMap::new();
    let read = tx.rows(
        "SELECT source, from_at, to_at FROM coverage WHERE district = ?1 ORDER BY source, from_at",
        params![tx.district],
        |row| Ok((SourceId(row.get(0)?), stretch(row, 1)?)),
    )?;
    for (id, stretch) in read {
        ledgers.entry(id).or_default().read.push(stretch);
    }
    let holes = tx.rows(
        "SELECT source, cause, state, from_at, to_at, posts, noticed, looks, closed, fresh FROM hole
         WHERE district = ?1 ORDER BY source, position",
        params![tx.district],
        |row| Ok((SourceId(row.get(0)?), hole(row, 1)?)),
    )?;
    for (id, hole) in holes {
        ledgers.entry(id).or_default().holes.push(hole);
    }
    Ok(ledgers)
}

fn stretch(row: &Row<'_>, first: usize) -> rusqlite::Result<Stretch> {
    Ok(Stretch::new(row.get::<_, At>(first)?.0, row.get::<_, At>(first + 1)?.0))
}

/// A hole out of nine columns from `first` on.
fn hole(row: &Row<'_>, first: usize) -> rusqlite::Result<Hole> {
    Ok(Hole {
        cause: row.get::<_, Word<_>>(first)?.0,
        state: row.get::<_, Word<_>>(first + 1)?.0,
        stretch: stretch(row, first + 2)?,
        posts: row.get(first + 4)?,
        noticed: row.get::<_, At>(first + 5)?.0,
        looks: row.get(first + 6)?,
        closed: time(row.get(first + 7)?),
        fresh: row.get(first + 8)?,
    })
}

/// Posts of the window by source, and those of them that have no text to read.
fn stored(tx: &Tx<'_>, now: Timestamp) -> Result<BTreeMap<SourceId, Stored>> {
    let days = jiff::SignedDuration::from_hours(24 * WINDOW_DAYS);
    let since = now.saturating_sub(days).unwrap_or(Timestamp::MIN);
    let counted = tx.rows(
        "SELECT source, COUNT(*), SUM(CASE WHEN text = '' AND state = 'live' THEN 1 ELSE 0 END)
         FROM post WHERE district = ?1 AND published >= ?2 GROUP BY source",
        params![tx.district, At(since)],
        |row| {
            let number = |column| row.get::<_, super::column::Count>(column).map(|it| it.0);
            let stored =
                Stored { posts: number(1)?, pictures_only: number(2)?, ..Stored::default() };
            Ok((SourceId(row.get(0)?), stored))
        },
    )?;
    Ok(counted.into_iter().collect())
}
