//! Planned works: announced, proposed, accepted, over.
//!
//! Place in the flow: grouping reads them out of notices, a person's tap accepts them, a fixed job
//! deals with their announced end. Invariants: a notice is entered once, whatever is read again;
//! an end is dealt with once, and only where it stands as it was read.

use jiff::Timestamp;
use rusqlite::{Row, params};

use super::column::{At, Json, Word, at, time};
use super::error::Result;
use super::hold::hidden;
use super::{Store, Tx, delivery, touch};
use crate::model::{HeldBy, Hidden, PostId, PostKey, Proposal, SourceId, Works, WorksState};

/// Columns in the order of [`works_of`].
macro_rules! works_columns {
    () => {
        "id, state, begins, until, facts, source, post, proposed, ended, proposal, decided, decided_by"
    };
}

impl Store {
    /// Enters planned works; false if they are known.
    pub async fn add_works(&self, works: &Works) -> Result<bool> {
        let works = works.clone();
        self.write(move |tx| enter(tx, &works)).await
    }

    /// All planned works that end at `since` or later, by (begin, id).
    pub async fn works(&self, since: Timestamp) -> Result<Vec<(Works, Hidden)>> {
        self.read(move |tx| {
            let all = tx.rows(
                concat!(
                    "SELECT ",
                    works_columns!(),
                    " FROM works
                 WHERE district = ?1 AND until >= ?2 ORDER BY begins, id"
                ),
                params![tx.district, At(since)],
                works_of,
            )?;
            all.into_iter()
                .map(|works| {
                    let hidden = hidden(tx, HeldBy::Works, &works.id)?;
                    Ok((works, hidden))
                })
                .collect()
        })
        .await
    }

    /// Planned works of this id, or all of this proposal, by (topic and place, begin, id).
    pub async fn works_of(&self, id: &str) -> Result<Vec<Works>> {
        let id = id.to_owned();
        self.read(move |tx| {
            tx.rows(
                concat!(
                    "SELECT ",
                    works_columns!(),
                    " FROM works
                 WHERE district = ?1 AND (id = ?2 OR proposal = ?2) ORDER BY facts, begins, id"
                ),
                params![tx.district, id],
                works_of,
            )
        })
        .await
    }

    /// Proposed works of this id, or all of this proposal, are accepted or rejected by a receiver;
    /// what was sent about them shows it. Returns how many there were.
    pub async fn decide_works(
        &self,
        id: &str,
        to: WorksState,
        by: &str,
        now: Timestamp,
    ) -> Result<usize> {
        let (id, by) = (id.to_owned(), by.to_owned());
        self.write(move |tx| {
            let decided = tx.exec(
                "UPDATE works SET state = ?3, decided = ?4, decided_by = ?5
                 WHERE district = ?1 AND (id = ?2 OR proposal = ?2) AND state = 'proposed'",
                params![tx.district, id, Word(to), At(now), by],
            )?;
            let proposals = tx.rows(
                "SELECT DISTINCT proposal FROM works
                 WHERE district = ?1 AND (id = ?2 OR proposal = ?2) AND proposal IS NOT NULL",
                params![tx.district, id],
                |row| row.get::<_, String>(0),
            )?;
            for proposal in proposals {
                touch::ask_all(tx, delivery::of(tx, &format!("works:{proposal}"))?, now)?;
            }
            Ok(decided)
        })
        .await
    }

    /// Accepted works, or all of a proposal, are over now. Returns how many there were.
    pub async fn end_works(&self, id: &str, now: Timestamp) -> Result<usize> {
        let id = id.to_owned();
        self.write(move |tx| {
            tx.exec(
                "UPDATE works SET until = ?3
                 WHERE district = ?1 AND (id = ?2 OR proposal = ?2) AND state = 'accepted'
                     AND ended IS NULL AND until > ?3",
                params![tx.district, id, At(now)],
            )
        })
        .await
    }

    /// Accepted works whose announced end has passed and was not dealt with.
    pub async fn ended_works(&self, now: Timestamp) -> Result<Vec<Works>> {
        self.read(move |tx| {
            tx.rows(
                concat!(
                    "SELECT ",
                    works_columns!(),
                    " FROM works
                 WHERE district = ?1 AND state = 'accepted' AND until <= ?2 AND ended IS NULL
                 ORDER BY until, id"
                ),
                params![tx.district, At(now)],
                works_of,
            )
        })
        .await
    }
}

/// When accepted planned works should be over that were not dealt with.
pub(super) fn next_end(tx: &Tx<'_>) -> Result<Option<Timestamp>> {
    let next = tx.row(
        "SELECT MIN(until) FROM works
         WHERE district = ?1 AND state = 'accepted' AND ended IS NULL",
        params![tx.district],
        |row| row.get::<_, Option<At>>(0),
    )?;
    Ok(time(next.flatten()))
}

/// Whether the end of planned works is still to be dealt with, and stands where it was read.
pub(super) fn awaits_end(tx: &Tx<'_>, works: &Works) -> Result<bool> {
    let found = tx.row(
        "SELECT 1 FROM works WHERE district = ?1 AND id = ?2 AND until = ?3 AND ended IS NULL",
        params![tx.district, works.id, At(works.until)],
        |_| Ok(()),
    )?;
    Ok(found.is_some())
}

/// Notes that the end of planned works was dealt with.
pub(super) fn finish(tx: &Tx<'_>, works: &Works, now: Timestamp) -> Result<()> {
    tx.exec(
        "UPDATE works SET ended = ?3 WHERE district = ?1 AND id = ?2",
        params![tx.district, works.id, At(now)],
    )?;
    Ok(())
}

/// Enters the works of a notice, and asks about them if one of them is new.
pub(super) fn propose(tx: &Tx<'_>, proposal: &Proposal, now: Timestamp) -> Result<()> {
    let mut fresh = false;
    for works in &proposal.works {
        fresh |= enter(tx, works)?;
    }
    let mut messages = proposal.messages.iter().filter(|_| fresh);
    messages.try_for_each(|message| delivery::insert(tx, message, now))
}

/// Enters planned works; false if they are known.
fn enter(tx: &Tx<'_>, works: &Works) -> Result<bool> {
    let entered = tx.exec(
        "INSERT INTO works (district, id, state, begins, until, facts, source, post, proposed,
             ended, proposal, decided, decided_by)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
         ON CONFLICT (district, id) DO NOTHING",
        params![
            tx.district,
            works.id,
            Word(works.state),
            At(works.begins),
            At(works.until),
            Json(&works.facts),
            works.notice.as_ref().map(|post| post.source.as_str()),
            works.notice.as_ref().map(|post| post.id.as_str()),
            At(works.proposed),
            at(works.ended),
            works.proposal,
            at(works.decided.as_ref().map(|decided| decided.0)),
            works.decided.as_ref().map(|decided| &decided.1),
        ],
    )?;
    Ok(entered == 1)
}

/// Forgets where planned works were announced: the notice is erased.
pub(super) fn forget_notice(tx: &Tx<'_>, post: &PostKey) -> Result<u64> {
    let forgotten = tx.exec(
        "UPDATE works SET source = NULL, post = NULL
         WHERE district = ?1 AND source = ?2 AND post = ?3",
        params![tx.district, post.source.as_str(), post.id.as_str()],
    )?;
    Ok(forgotten as u64)
}

/// Accepted works that end at `since` or later, by (begin, id).
pub(super) fn accepted(tx: &Tx<'_>, since: Timestamp) -> Result<Vec<Works>> {
    tx.rows(
        concat!(
            "SELECT ",
            works_columns!(),
            " FROM works
         WHERE district = ?1 AND state = 'accepted' AND until >= ?2 ORDER BY begins, id"
        ),
        params![tx.district, At(since)],
        works_of,
    )
}

fn works_of(row: &Row<'_>) -> rusqlite::Result<Works> {
    let (source, post): (Option<String>, Option<String>) = (row.get(5)?, row.get(6)?);
    let notice = source
        .zip(post)
        .map(|(source, post)| PostKey { source: SourceId(source), id: PostId(post) });
    Ok(Works {
        id: row.get(0)?,
        state: row.get::<_, Word<_>>(1)?.0,
        begins: row.get::<_, At>(2)?.0,
        until: row.get::<_, At>(3)?.0,
        facts: row.get::<_, Json<_>>(4)?.0,
        notice,
        proposed: row.get::<_, At>(7)?.0,
        ended: time(row.get(8)?),
        proposal: row.get(9)?,
        decided: time(row.get(10)?).zip(row.get(11)?),
    })
}
