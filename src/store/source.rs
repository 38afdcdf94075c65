//! Sources as rows: what the operator listed, where the next look goes on, how each is doing.
//!
//! Place in the flow: config syncs them, the collect loop claims due ones under a lease, a look
//! ends with a health. Invariant: whoever finishes a look holds its lease; a source that changed
//! its address forgets the cursor of the old one.

use jiff::Timestamp;
use rusqlite::{Row, params};

use super::column::{At, Word, at, time};
use super::error::{Result, StoreError};
use super::{Store, Tx, coverage};
use crate::model::{Health, HealthState, LookReason, PlaceId, Source, SourceId};

/// What a look learned besides posts, as counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LookFacts {
    /// Posts with pictures and no text.
    pub pictures_only: u32,
    /// Posts whose comments are closed or not given to us.
    pub comments_closed: u32,
    /// Items that could not be read.
    pub unreadable: u32,
}

/// A source that was claimed for a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueSource {
    /// Which.
    pub id: SourceId,
    /// Where to go on; `None` = never read.
    pub cursor: Option<String>,
    /// Number of the community or channel, once it is known.
    pub platform_id: Option<String>,
    /// How it is doing.
    pub health: Health,
    /// When the look that goes on now began, also one that was broken off; else the instant of the
    /// claim.
    pub began: Timestamp,
    /// Until when everything was read, if any look has told that.
    pub read_until: Option<Timestamp>,
    /// How far back the look has to go for holes that can be read again.
    pub owed: Option<Timestamp>,
}

/// Everything about one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRow {
    /// As the operator listed it.
    pub source: Source,
    /// Whether the operator still lists it.
    pub listed: bool,
    /// Where to go on.
    pub cursor: Option<String>,
    /// Number of the community or channel.
    pub platform_id: Option<String>,
    /// Counts of the last finished look.
    pub facts: LookFacts,
    /// How it is doing.
    pub health: Health,
    /// Smoothed seconds between the ends of two looks, as they really are.
    pub interval_secs: Option<i64>,
    /// When the first look began.
    pub first_look: Option<Timestamp>,
}

impl Store {
    /// Makes the rows agree with what the operator lists. New sources are due at `now`; those no
    /// longer listed stay known and are never due.
    pub async fn sync_sources(&self, sources: &[Source], now: Timestamp) -> Result<()> {
        let sources = sources.to_vec();
        self.write(move |tx| sync(tx, &sources, now)).await
    }

    /// Claims up to `limit` listed sources whose time has come and that nobody holds, longest due
    /// first.
    pub async fn claim_due_sources(
        &self,
        now: Timestamp,
        lease: &str,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<DueSource>> {
        let lease = lease.to_owned();
        self.write(move |tx| {
            let ids = due(tx, now, limit)?;
            let mut claimed = Vec::new();
            for id in ids {
                claimed.extend(claim(tx, &id, now, &lease, lease_until)?);
            }
            Ok(claimed)
        })
        .await
    }

    /// Listed sources whose time has come and that nobody holds, longest due first.
    pub async fn due_sources(&self, now: Timestamp, limit: u32) -> Result<Vec<SourceId>> {
        self.read(move |tx| due(tx, now, limit)).await
    }

    /// When the next listed source may be claimed, if any is known: one that is held when its lease
    /// ends.
    pub async fn next_source_due(&self) -> Result<Option<Timestamp>> {
        self.read(|tx| next_due(tx, Timestamp::MIN)).await
    }

    /// Claims one source, due or not; `None` if it is unknown, unlisted or held by somebody else.
    pub async fn claim_source(
        &self,
        id: &SourceId,
        now: Timestamp,
        lease: &str,
        lease_until: Timestamp,
    ) -> Result<Option<DueSource>> {
        let (id, lease) = (id.clone(), lease.to_owned());
        self.write(move |tx| claim(tx, &id, now, &lease, lease_until)).await
    }

    /// Ends a look: stores its health, makes the source due again at `health.next`, frees the
    /// lease.
    pub async fn finish_look(&self, id: &SourceId, lease: &str, health: &Health) -> Result<()> {
        let (id, lease, health) = (id.clone(), lease.to_owned(), health.clone());
        self.write(move |tx| {
            hold(tx, &id, &lease)?;
            finish(tx, &id, &health)
        })
        .await
    }

    /// Breaks a look off between two pages, so that others get their turn: the source is due again
    /// at `now`, behind all that have been due for longer.
    pub async fn yield_look(&self, id: &SourceId, lease: &str, now: Timestamp) -> Result<()> {
        let (id, lease) = (id.clone(), lease.to_owned());
        self.write(move |tx| {
            hold(tx, &id, &lease)?;
            tx.exec(
                "UPDATE source_state SET next_due = ?3, lease = NULL, lease_until = NULL
                 WHERE district = ?1 AND source = ?2",
                params![tx.district, id.as_str(), At(now)],
            )?;
            Ok(())
        })
        .await
    }

    /// Makes these sources due at `now`, if they are not due sooner (all listed ones if empty);
    /// returns how many. Where a look is under way another one follows it, which sees what is there
    /// by `now`.
    pub async fn hasten_sources(&self, ids: &[SourceId], now: Timestamp) -> Result<u32> {
        let ids = ids.to_vec();
        self.write(move |tx| {
            let all = if ids.is_empty() { listed(tx)? } else { ids.clone() };
            let mut hastened = 0;
            for id in &all {
                hastened += tx.exec(
                    "UPDATE source_state SET
                         asked = CASE WHEN look_began IS NULL OR asked > ?3 THEN asked
                             ELSE ?3 END,
                         next_due = CASE WHEN next_due < ?3 THEN next_due ELSE ?3 END
                     WHERE district = ?1 AND source = ?2",
                    params![tx.district, id.as_str(), At(now)],
                )?;
            }
            Ok(u32::try_from(hastened).unwrap_or(u32::MAX))
        })
        .await
    }

    /// All sources ever listed, by id.
    pub async fn sources(&self) -> Result<Vec<SourceRow>> {
        self.read(all).await
    }
}

fn sync(tx: &Tx<'_>, sources: &[Source], now: Timestamp) -> Result<()> {
    tx.exec("UPDATE source SET listed = 0 WHERE district = ?1", params![tx.district])?;
    for source in sources {
        forget_cursor_of_old_address(tx, source)?;
        tx.exec(
            "INSERT INTO source (district, id, platform, handle, kind, scope, place, every_secs,
                 comments, backfill_secs, listed, pictures_only, comments_closed, unreadable)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 1, 0, 0, 0)
             ON CONFLICT (district, id) DO UPDATE SET platform = excluded.platform,
                 handle = excluded.handle, kind = excluded.kind, scope = excluded.scope,
                 place = excluded.place, every_secs = excluded.every_secs,
                 comments = excluded.comments, backfill_secs = excluded.backfill_secs, listed = 1",
            params![
                tx.district,
                source.id.as_str(),
                source.platform,
                source.handle,
                Word(source.kind),
                Word(source.scope),
                source.place.as_ref().map(PlaceId::as_str),
                source.every_secs,
                source.comments,
                source.backfill_secs,
            ],
        )?;
        tx.exec(
            "INSERT INTO source_state (district, source, next_due, health, since, failures,
                 look_pictures_only, look_comments_closed, look_unreadable)
             VALUES (?1, ?2, ?3, ?4, ?3, 0, 0, 0, 0)
             ON CONFLICT (district, source) DO NOTHING",
            params![tx.district, source.id.as_str(), At(now), Word(HealthState::Ok)],
        )?;
    }
    Ok(())
}

fn forget_cursor_of_old_address(tx: &Tx<'_>, source: &Source) -> Result<()> {
    let moved = tx.exec(
        "UPDATE source SET cursor = NULL, platform_id = NULL
         WHERE district = ?1 AND id = ?2 AND (platform <> ?3 OR handle <> ?4)",
        params![tx.district, source.id.as_str(), source.platform, source.handle],
    )?;
    if moved == 0 {
        return Ok(());
    }
    tx.exec(
        "UPDATE source_state SET look_began = NULL, first_look = NULL, interval_secs = NULL
         WHERE district = ?1 AND source = ?2",
        params![tx.district, source.id.as_str()],
    )?;
    coverage::forget(tx, &source.id)
}

fn listed(tx: &Tx<'_>) -> Result<Vec<SourceId>> {
    tx.rows(
        "SELECT id FROM source WHERE district = ?1 AND listed = 1 ORDER BY id",
        params![tx.district],
        |row| Ok(SourceId(row.get(0)?)),
    )
}

/// When the next listed source may be claimed, of those that may be later than `after`.
pub(super) fn next_due(tx: &Tx<'_>, after: Timestamp) -> Result<Option<Timestamp>> {
    tx.row(
        "SELECT MIN(CASE WHEN state.lease_until > state.next_due THEN state.lease_until
             ELSE state.next_due END) FROM source_state state
         JOIN source ON source.district = state.district AND source.id = state.source
         WHERE state.district = ?1 AND source.listed = 1
             AND (state.next_due > ?2 OR state.lease_until > ?2)",
        params![tx.district, At(after)],
        |row| row.get::<_, Option<At>>(0),
    )
    .map(|found| time(found.flatten()))
}

fn due(tx: &Tx<'_>, now: Timestamp, limit: u32) -> Result<Vec<SourceId>> {
    tx.rows(
        "SELECT state.source FROM source_state state
         JOIN source ON source.district = state.district AND source.id = state.source
         WHERE state.district = ?1 AND source.listed = 1 AND state.next_due <= ?2
             AND (state.lease_until IS NULL OR state.lease_until <= ?2)
         ORDER BY state.next_due, state.source LIMIT ?3",
        params![tx.district, At(now), limit],
        |row| Ok(SourceId(row.get(0)?)),
    )
}

fn claim(
    tx: &Tx<'_>,
    id: &SourceId,
    now: Timestamp,
    lease: &str,
    lease_until: Timestamp,
) -> Result<Option<DueSource>> {
    let claimed = tx.exec(
        "UPDATE source_state SET lease = ?3, lease_until = ?4,
             look_pictures_only = CASE WHEN look_began IS NULL THEN 0
                 ELSE look_pictures_only END,
             look_comments_closed = CASE WHEN look_began IS NULL THEN 0
                 ELSE look_comments_closed END,
             look_unreadable = CASE WHEN look_began IS NULL THEN 0 ELSE look_unreadable END,
             look_began = COALESCE(look_began, ?5), first_look = COALESCE(first_look, ?5),
             next_due = CASE WHEN next_due > COALESCE(look_began, ?5)
                 THEN COALESCE(look_began, ?5) ELSE next_due END
         WHERE district = ?1 AND source = ?2 AND (lease_until IS NULL OR lease_until <= ?5)
             AND EXISTS (SELECT 1 FROM source
                 WHERE source.district = ?1 AND source.id = ?2 AND source.listed = 1)",
        params![tx.district, id.as_str(), lease, At(lease_until), At(now)],
    )?;
    if claimed == 0 {
        return Ok(None);
    }
    let ledger = coverage::ledger(tx, id)?;
    tx.row(
        "SELECT source.cursor, source.platform_id, state.health, state.since, state.code,
             state.trouble, state.failures, state.last_ok, state.next_due, state.why,
             state.look_began
         FROM source JOIN source_state state
             ON state.district = source.district AND state.source = source.id
         WHERE source.district = ?1 AND source.id = ?2",
        params![tx.district, id.as_str()],
        |row| {
            Ok(DueSource {
                id: id.clone(),
                cursor: row.get(0)?,
                platform_id: row.get(1)?,
                health: health(row, 2)?,
                began: row.get::<_, At>(10)?.0,
                read_until: ledger.read_until(),
                owed: ledger.owed(),
            })
        },
    )
}

/// When the first look at a source began.
pub(super) fn first_look(tx: &Tx<'_>, id: &SourceId) -> Result<Option<Timestamp>> {
    let found = tx.row(
        "SELECT first_look FROM source_state WHERE district = ?1 AND source = ?2",
        params![tx.district, id.as_str()],
        |row| row.get::<_, Option<At>>(0),
    )?;
    Ok(time(found.flatten()))
}

/// Fails unless `lease` still holds the source.
pub(super) fn hold(tx: &Tx<'_>, id: &SourceId, lease: &str) -> Result<()> {
    let held = tx.number(
        "SELECT COUNT(*) FROM source_state WHERE district = ?1 AND source = ?2 AND lease = ?3",
        params![tx.district, id.as_str(), lease],
    )?;
    if held == 1 { Ok(()) } else { Err(StoreError::LeaseLost) }
}

/// Stores where the look goes on and what its page counted; keeps the lease until `lease_until`.
pub(super) fn advance(tx: &Tx<'_>, look: &super::LookPage) -> Result<()> {
    tx.exec(
        "UPDATE source SET cursor = ?3, platform_id = COALESCE(?4, platform_id)
         WHERE district = ?1 AND id = ?2",
        params![tx.district, look.source.as_str(), look.cursor, look.platform_id],
    )?;
    tx.exec(
        "UPDATE source_state SET look_pictures_only = look_pictures_only + ?3,
             look_comments_closed = look_comments_closed + ?4,
             look_unreadable = look_unreadable + ?5, lease_until = COALESCE(?6, lease_until)
         WHERE district = ?1 AND source = ?2",
        params![
            tx.district,
            look.source.as_str(),
            look.facts.pictures_only,
            look.facts.comments_closed,
            look.facts.unreadable,
            at(look.lease_until),
        ],
    )?;
    Ok(())
}

/// Ends the look under way: its health, its counts, its lease.
pub(super) fn finish(tx: &Tx<'_>, id: &SourceId, health: &Health) -> Result<()> {
    let ended = health.last_ok.filter(|_| health.state.is_read());
    if ended.is_some() {
        // A look that broke off saw only a part: the counts of the last whole one stay.
        tx.exec(
            "UPDATE source SET pictures_only = state.look_pictures_only,
                 comments_closed = state.look_comments_closed, unreadable = state.look_unreadable
             FROM source_state state
             WHERE source.district = ?1 AND source.id = ?2
                 AND state.district = source.district AND state.source = source.id",
            params![tx.district, id.as_str()],
        )?;
    }
    tx.exec(
        "UPDATE source_state SET
             next_due = CASE WHEN ?10 < ?11 AND asked > look_began AND asked < ?3 THEN asked
                 ELSE ?3 END,
             asked = CASE WHEN ?10 < ?11 THEN NULL ELSE asked END,
             lease = NULL, lease_until = NULL, health = ?4, since = ?5,
             code = ?6, trouble = ?7, failures = ?8, last_ok = ?9, why = ?12,
             look_began = CASE WHEN ?10 < ?11 THEN NULL ELSE look_began END,
             interval_secs = CASE WHEN ?10 = ?11 OR last_ok IS NULL THEN interval_secs
                 WHEN interval_secs IS NULL THEN (?10 - last_ok) / 1000000
                 ELSE (4 * interval_secs + (?10 - last_ok) / 1000000) / 5 END
         WHERE district = ?1 AND source = ?2",
        params![
            tx.district,
            id.as_str(),
            At(health.next),
            Word(health.state),
            At(health.since),
            health.code,
            health.text,
            health.failures,
            at(health.last_ok),
            At(ended.unwrap_or(Timestamp::MAX)),
            At(Timestamp::MAX),
            Word(health.why),
        ],
    )?;
    Ok(())
}

/// All sources ever listed, by id.
pub(super) fn all(tx: &Tx<'_>) -> Result<Vec<SourceRow>> {
    tx.rows(
        "SELECT source.id, platform, handle, kind, scope, place, every_secs, comments,
             backfill_secs, listed, cursor, platform_id, pictures_only, comments_closed, unreadable,
             state.health, state.since, state.code, state.trouble, state.failures, state.last_ok,
             state.next_due, state.why, state.interval_secs, state.first_look
         FROM source JOIN source_state state
             ON state.district = source.district AND state.source = source.id
         WHERE source.district = ?1 ORDER BY source.id",
        params![tx.district],
        |row| {
            Ok(SourceRow {
                source: Source {
                    id: SourceId(row.get(0)?),
                    platform: row.get(1)?,
                    handle: row.get(2)?,
                    kind: row.get::<_, Word<_>>(3)?.0,
                    scope: row.get::<_, Word<_>>(4)?.0,
                    place: row.get::<_, Option<String>>(5)?.map(PlaceId),
                    every_secs: row.get(6)?,
                    comments: row.get(7)?,
                    backfill_secs: row.get(8)?,
                },
                listed: row.get(9)?,
                cursor: row.get(10)?,
                platform_id: row.get(11)?,
                facts: LookFacts {
                    pictures_only: row.get(12)?,
                    comments_closed: row.get(13)?,
                    unreadable: row.get(14)?,
                },
                health: health(row, 15)?,
                interval_secs: row.get(23)?,
                first_look: time(row.get(24)?),
            })
        },
    )
}

/// A health out of eight columns from `first` on.
fn health(row: &Row<'_>, first: usize) -> rusqlite::Result<Health> {
    Ok(Health {
        state: row.get::<_, Word<_>>(first)?.0,
        since: row.get::<_, At>(first + 1)?.0,
        code: row.get(first + 2)?,
        text: row.get(first + 3)?,
        failures: row.get(first + 4)?,
        last_ok: time(row.get(first + 5)?),
        next: row.get::<_, At>(first + 6)?.0,
        why: row.get::<_, Option<Word<_>>>(first + 7)?.map_or_else(LookReason::default, |it| it.0),
    })
}
