//! What holds alerts back: silences, told causes, planned works; and what each of them hid.
//!
//! Place in the flow: grouping reads what is in force, a person's command changes it, a fixed job
//! ends it. Invariants: an alert is held once, with its reason; what something hid is counted from
//! those rows alone.

use jiff::Timestamp;
use rusqlite::{Row, params};

use super::column::{At, Json, Word, at, time};
use super::error::Result;
use super::{Store, Tx, delivery, works};
use crate::model::{
    AlertId, Cause, Delivery, Held, HeldBy, Hidden, PlaceId, ProblemId, Restraints, Silence,
    TopicId,
};

/// How long an accepted work is watched behind its announced end.
const WATCHED_HOURS: i64 = 24;

/// Columns in the order of [`silence_of`].
macro_rules! silence_columns {
    () => {
        "id, begins, until, facts, reminded, ended, told"
    };
}

/// Columns in the order of [`held_of`].
macro_rules! held_columns {
    () => {
        "alert, problem, held_by, holder, at, facts"
    };
}

impl Store {
    /// What may hold alerts back at `now`. `topics`: those that others may follow from; `since`:
    /// how far back they may have been told.
    pub async fn restraints(
        &self,
        topics: &[TopicId],
        since: Timestamp,
        now: Timestamp,
    ) -> Result<Restraints> {
        let topics = topics.to_vec();
        self.read(move |tx| {
            let watched = jiff::SignedDuration::from_hours(WATCHED_HOURS);
            let watched = now.saturating_sub(watched).unwrap_or(Timestamp::MIN);
            let mut causes = Vec::new();
            for topic in &topics {
                causes.extend(told_causes(tx, topic, since)?);
            }
            Ok(Restraints {
                silences: silences(tx, Some(now))?,
                works: works::accepted(tx, watched)?,
                causes,
                expected: expected(tx, watched)?,
            })
        })
        .await
    }

    /// Keeps a new silence; one that is known stays.
    pub async fn add_silence(&self, silence: &Silence) -> Result<()> {
        let silence = silence.clone();
        self.write(move |tx| {
            tx.exec(
                "INSERT INTO silence (district, id, begins, until, facts, reminded, ended, told)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                 ON CONFLICT (district, id) DO NOTHING",
                params![
                    tx.district,
                    silence.id,
                    At(silence.begins),
                    At(silence.until),
                    Json(&silence.facts),
                    at(silence.reminded),
                    at(silence.ended),
                    at(silence.told),
                ],
            )?;
            Ok(())
        })
        .await
    }

    /// Ends a silence; false if there is none that still holds.
    pub async fn end_silence(&self, id: &str, now: Timestamp) -> Result<bool> {
        let id = id.to_owned();
        self.write(move |tx| {
            let ended = tx.exec(
                "UPDATE silence SET ended = ?3
                 WHERE district = ?1 AND id = ?2 AND ended IS NULL AND until > ?3",
                params![tx.district, id, At(now)],
            )?;
            Ok(ended == 1)
        })
        .await
    }

    /// Silences with what each hid: all of them, or those that hold at an instant.
    pub async fn silences(&self, active: Option<Timestamp>) -> Result<Vec<(Silence, Hidden)>> {
        self.read(move |tx| with_hidden(tx, silences(tx, active)?)).await
    }

    /// Silences whose owner is still to be told of something, with what each hid.
    pub async fn untold_silences(&self) -> Result<Vec<(Silence, Hidden)>> {
        self.read(|tx| {
            let open = tx.rows(
                concat!(
                    "SELECT ",
                    silence_columns!(),
                    " FROM silence
                 WHERE district = ?1 AND told IS NULL ORDER BY until, id"
                ),
                params![tx.district],
                silence_of,
            )?;
            with_hidden(tx, open)
        })
        .await
    }

    /// Notes that the owner of a silence is reminded, or (`over`) told of its end, with the
    /// messages.
    pub async fn tell_silence(
        &self,
        id: &str,
        over: bool,
        messages: Vec<Delivery>,
        now: Timestamp,
    ) -> Result<()> {
        let id = id.to_owned();
        self.write(move |tx| {
            tx.exec(
                "UPDATE silence SET reminded = COALESCE(reminded, ?3),
                     told = CASE WHEN ?4 THEN ?3 ELSE told END
                 WHERE district = ?1 AND id = ?2",
                params![tx.district, id, At(now), over],
            )?;
            messages.iter().try_for_each(|message| delivery::insert(tx, message, now))
        })
        .await
    }

    /// One silence with what it hid.
    pub async fn silence(&self, id: &str) -> Result<Option<(Silence, Hidden)>> {
        let id = id.to_owned();
        self.read(move |tx| {
            let found = tx.row(
                concat!(
                    "SELECT ",
                    silence_columns!(),
                    " FROM silence
                 WHERE district = ?1 AND id = ?2"
                ),
                params![tx.district, id],
                silence_of,
            )?;
            let Some(silence) = found else { return Ok(None) };
            let hidden = hidden(tx, HeldBy::Silence, &id)?;
            Ok(Some((silence, hidden)))
        })
        .await
    }

    /// Alerts held by something, oldest first.
    pub async fn held_by(&self, by: HeldBy, holder: &str) -> Result<Vec<Held>> {
        let holder = holder.to_owned();
        self.read(move |tx| {
            tx.rows(
                concat!(
                    "SELECT ",
                    held_columns!(),
                    " FROM held
                 WHERE district = ?1 AND held_by = ?2 AND holder = ?3 ORDER BY at, alert"
                ),
                params![tx.district, Word(by), holder],
                held_of,
            )
        })
        .await
    }

    /// Every alert that was held since then, by alert.
    pub async fn held_since(&self, since: Timestamp) -> Result<Vec<Held>> {
        self.read(move |tx| {
            tx.rows(
                concat!(
                    "SELECT ",
                    held_columns!(),
                    " FROM held
                 WHERE district = ?1 AND at >= ?2 ORDER BY alert"
                ),
                params![tx.district, At(since)],
                held_of,
            )
        })
        .await
    }

    /// When something about silences is due next: a reminder, an end.
    pub async fn next_restraint(&self, now: Timestamp) -> Result<Option<Timestamp>> {
        self.read(move |tx| {
            let open = tx.rows(
                concat!(
                    "SELECT ",
                    silence_columns!(),
                    " FROM silence
                 WHERE district = ?1 AND told IS NULL"
                ),
                params![tx.district],
                silence_of,
            )?;
            let silences = open.iter().map(|silence| match silence.reminded {
                None => silence.reminds().min(silence.end()),
                Some(_) => silence.end(),
            });
            Ok(silences.min().map(|due| due.max(now)))
        })
        .await
    }
}

/// Keeps why an alert does not go; one that is held already stays as it is.
pub(super) fn keep(tx: &Tx<'_>, held: &Held) -> Result<()> {
    tx.exec(
        "INSERT INTO held (district, alert, problem, held_by, holder, at, facts)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (district, alert) DO NOTHING",
        params![
            tx.district,
            held.alert.as_str(),
            held.problem.as_str(),
            Word(held.by),
            held.holder,
            At(held.at),
            held.text,
        ],
    )?;
    Ok(())
}

/// Notes that somebody was told that works did not end in time.
pub(super) fn told_overdue(tx: &Tx<'_>, problem: &ProblemId, now: Timestamp) -> Result<()> {
    tx.exec(
        "UPDATE held SET told = ?3
         WHERE district = ?1 AND problem = ?2 AND held_by = 'works' AND told IS NULL",
        params![tx.district, problem.as_str(), At(now)],
    )?;
    Ok(())
}

/// Silences that hold at `now`, with what each hid.
pub(super) fn active(tx: &Tx<'_>, now: Timestamp) -> Result<Vec<(Silence, Hidden)>> {
    with_hidden(tx, silences(tx, Some(now))?)
}

fn with_hidden(tx: &Tx<'_>, silences: Vec<Silence>) -> Result<Vec<(Silence, Hidden)>> {
    let hid = |silence: Silence| {
        let hidden = hidden(tx, HeldBy::Silence, &silence.id)?;
        Ok((silence, hidden))
    };
    silences.into_iter().map(hid).collect()
}

/// Silences: all, or those that hold at an instant.
fn silences(tx: &Tx<'_>, active: Option<Timestamp>) -> Result<Vec<Silence>> {
    let (from, to) = active.map_or((Timestamp::MIN, Timestamp::MAX), |now| (now, now));
    tx.rows(
        concat!(
            "SELECT ",
            silence_columns!(),
            " FROM silence
         WHERE district = ?1 AND until > ?2 AND begins <= ?3 AND (ended IS NULL OR ended > ?2)
         ORDER BY until, id"
        ),
        params![tx.district, At(from), At(to)],
        silence_of,
    )
}

fn silence_of(row: &Row<'_>) -> rusqlite::Result<Silence> {
    Ok(Silence {
        id: row.get(0)?,
        begins: row.get::<_, At>(1)?.0,
        until: row.get::<_, At>(2)?.0,
        facts: row.get::<_, Json<_>>(3)?.0,
        reminded: time(row.get(4)?),
        ended: time(row.get(5)?),
        told: time(row.get(6)?),
    })
}

fn held_of(row: &Row<'_>) -> rusqlite::Result<Held> {
    Ok(Held {
        alert: AlertId(row.get(0)?),
        problem: ProblemId(row.get(1)?),
        by: row.get::<_, Word<_>>(2)?.0,
        holder: row.get(3)?,
        at: row.get::<_, At>(4)?.0,
        text: row.get(5)?,
    })
}

/// What something held back has hidden.
pub(super) fn hidden(tx: &Tx<'_>, by: HeldBy, holder: &str) -> Result<Hidden> {
    let found = tx.row(
        "SELECT COUNT(*), COUNT(DISTINCT problem) FROM held
         WHERE district = ?1 AND held_by = ?2 AND holder = ?3",
        params![tx.district, Word(by), holder],
        |row| Ok(Hidden { alerts: row.get(0)?, problems: row.get(1)? }),
    )?;
    Ok(found.unwrap_or_default())
}

fn expected(tx: &Tx<'_>, since: Timestamp) -> Result<Vec<(ProblemId, String)>> {
    tx.rows(
        "SELECT DISTINCT held.problem, held.holder FROM held
         JOIN works ON works.district = held.district AND works.id = held.holder
         WHERE held.district = ?1 AND held.held_by = 'works' AND held.told IS NULL
             AND works.until >= ?2
         ORDER BY held.problem, held.holder",
        params![tx.district, At(since)],
        |row| Ok((ProblemId(row.get(0)?), row.get(1)?)),
    )
}

/// Open problems of a topic whose alert went to somebody at `since` or later.
fn told_causes(tx: &Tx<'_>, topic: &TopicId, since: Timestamp) -> Result<Vec<Cause>> {
    tx.rows(
        "SELECT p.id, p.topic, p.place, p.told_at FROM problem p
         WHERE p.district = ?1 AND p.topic = ?2 AND p.state IN ('open', 'reopened')
             AND p.told_at >= ?3
             AND EXISTS (SELECT 1 FROM alert a JOIN delivery d
                 ON d.district = a.district AND d.subject = 'alert:' || a.id
                 WHERE a.district = p.district AND a.problem = p.id AND d.state <> 'suppressed')
         ORDER BY p.told_at, p.id",
        params![tx.district, topic.as_str(), At(since)],
        |row| {
            Ok(Cause {
                problem: ProblemId(row.get(0)?),
                topic: row.get(1)?,
                place: row.get::<_, Option<String>>(2)?.map(PlaceId),
                told: row.get::<_, At>(3)?.0,
            })
        },
    )
}
