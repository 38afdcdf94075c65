//! What the store counts for the weekly digest, and the digests that were made.
//!
//! Place in the flow: counted by a weekly job, arranged and rendered by `digest`, put into the
//! outbox in one transaction. Invariants: a week's digest is made once; no quote, no post, only
//! numbers.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::params;

use super::column::At;
use super::coverage::{self, WatchedSource};
use super::error::Result;
use super::problem::{problem_columns, problem_of};
use super::voice::count_voices;
use super::{Store, Tx, attitude, delivery};
use crate::model::digest::{CellCount, DigestCounts, DigestProblem, DigestSource};
use crate::model::{Delivery, HealthState, PlaceId, Problem, TopicId};

/// The week a digest is about: [from, to), compared with [before, from).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestSpan {
    /// ISO name of the week, `2026-W47`.
    pub week: String,
    /// Begin of the week before.
    pub before: Timestamp,
    /// Begin of the week.
    pub from: Timestamp,
    /// End of the week.
    pub to: Timestamp,
}

/// A digest as it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDigest {
    /// ISO name of the week.
    pub week: String,
    /// When it was made.
    pub made: Timestamp,
    /// The text form.
    pub text: String,
    /// The HTML form.
    pub html: String,
}

impl Store {
    /// Counts one week; what sources are worth is counted at `now`.
    pub async fn digest_counts(&self, span: &DigestSpan, now: Timestamp) -> Result<DigestCounts> {
        let span = span.clone();
        self.read(move |tx| counts(tx, &span, now)).await
    }

    /// Stores a digest together with its messages. False, and nothing is stored, if this week's
    /// digest was made before.
    pub async fn commit_digest(
        &self,
        digest: StoredDigest,
        deliveries: Vec<Delivery>,
    ) -> Result<bool> {
        self.write(move |tx| {
            let stored = tx.exec(
                "INSERT INTO digest (district, week, made, text, html) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (district, week) DO NOTHING",
                params![tx.district, digest.week, At(digest.made), digest.text, digest.html],
            )?;
            if stored == 0 {
                return Ok(false);
            }
            for message in &deliveries {
                delivery::insert(tx, message, digest.made)?;
            }
            Ok(true)
        })
        .await
    }

    /// The digest of a week, if it was made.
    pub async fn digest(&self, week: &str) -> Result<Option<StoredDigest>> {
        let week = week.to_owned();
        self.read(move |tx| {
            tx.row(
                "SELECT week, made, text, html FROM digest WHERE district = ?1 AND week = ?2",
                params![tx.district, week],
                |row| {
                    Ok(StoredDigest {
                        week: row.get(0)?,
                        made: row.get::<_, At>(1)?.0,
                        text: row.get(2)?,
                        html: row.get(3)?,
                    })
                },
            )
        })
        .await
    }
}

fn counts(tx: &Tx<'_>, span: &DigestSpan, now: Timestamp) -> Result<DigestCounts> {
    let sources = coverage::watched(tx, now)?;
    let pictures: u64 = sources.iter().map(|it| it.completeness.stored.pictures_only).sum();
    Ok(DigestCounts {
        read: read_posts(tx, span)?,
        matched: matched_posts(tx, span)?,
        cells: cells(tx, span)?,
        problems: problems(tx, span)?,
        alerts: alerts(tx, span)?,
        attitude: attitude::week_counts(tx, &span.week)?,
        pictures_only: u32::try_from(pictures).unwrap_or(u32::MAX),
        sources: sources.into_iter().map(digest_source).collect(),
        places_heard: places_heard(tx, span)?,
    })
}

fn digest_source(watched: WatchedSource) -> DigestSource {
    let row = watched.row;
    DigestSource {
        id: row.source.id.0,
        trouble: row.health.text.filter(|_| row.health.state != HealthState::Ok),
        last_ok: row.health.last_ok,
        completeness: watched.completeness,
        comments: row.source.comments,
    }
}

/// The number of a query in the week and in the week before; the query names the span as ?2 and ?3.
fn twice(tx: &Tx<'_>, span: &DigestSpan, sql: &str) -> Result<(u32, u32)> {
    let within = |from: Timestamp, to: Timestamp| -> Result<u32> {
        let number = tx.number(sql, params![tx.district, At(from), At(to)])?;
        Ok(u32::try_from(number).unwrap_or(u32::MAX))
    };
    Ok((within(span.from, span.to)?, within(span.before, span.from)?))
}

fn read_posts(tx: &Tx<'_>, span: &DigestSpan) -> Result<(u32, u32)> {
    twice(
        tx,
        span,
        "SELECT COUNT(*) FROM post WHERE district = ?1 AND published >= ?2 AND published < ?3",
    )
}

fn matched_posts(tx: &Tx<'_>, span: &DigestSpan) -> Result<(u32, u32)> {
    twice(
        tx,
        span,
        "SELECT COUNT(*) FROM post WHERE district = ?1 AND published >= ?2 AND published < ?3
             AND EXISTS (SELECT 1 FROM finding WHERE finding.district = post.district
                 AND finding.source = post.source AND finding.post = post.id)",
    )
}

fn alerts(tx: &Tx<'_>, span: &DigestSpan) -> Result<u32> {
    let number = tx.number(
        "SELECT COUNT(*) FROM alert WHERE district = ?1 AND at >= ?2 AND at < ?3",
        params![tx.district, At(span.from), At(span.to)],
    )?;
    Ok(u32::try_from(number).unwrap_or(u32::MAX))
}

type Cell = (TopicId, Option<PlaceId>);

/// Topic × place: a post counts once for each of its places, without one for none; a text about
/// elsewhere only counts nowhere.
fn cells(tx: &Tx<'_>, span: &DigestSpan) -> Result<Vec<CellCount>> {
    let mut counted: BTreeMap<Cell, (u32, u32)> = BTreeMap::new();
    for (cell, number) in cell_counts(tx, span.from, span.to)? {
        counted.entry(cell).or_default().0 = number;
    }
    for (cell, number) in cell_counts(tx, span.before, span.from)? {
        counted.entry(cell).or_default().1 = number;
    }
    let mut cells: Vec<CellCount> = counted
        .into_iter()
        .map(|((topic, place), (posts, before))| CellCount { topic, place, posts, before })
        .collect();
    cells.sort_by(|a, b| {
        (b.posts, b.before)
            .cmp(&(a.posts, a.before))
            .then_with(|| (&a.topic, &a.place).cmp(&(&b.topic, &b.place)))
    });
    Ok(cells)
}

fn cell_counts(tx: &Tx<'_>, from: Timestamp, to: Timestamp) -> Result<Vec<(Cell, u32)>> {
    tx.rows(
        "SELECT topic, place, COUNT(*) FROM (
             SELECT DISTINCT post.source, post.id, finding.topic, place_finding.place
             FROM post
             JOIN finding ON finding.district = post.district AND finding.source = post.source
                 AND finding.post = post.id
             JOIN place_finding ON place_finding.district = post.district
                 AND place_finding.source = post.source AND place_finding.post = post.id
                 AND place_finding.place IS NOT NULL AND place_finding.elsewhere = 0
             WHERE post.district = ?1 AND post.published >= ?2 AND post.published < ?3
             UNION ALL
             SELECT post.source, post.id, finding.topic, NULL
             FROM post
             JOIN finding ON finding.district = post.district AND finding.source = post.source
                 AND finding.post = post.id
             WHERE post.district = ?1 AND post.published >= ?2 AND post.published < ?3
                 AND NOT EXISTS (SELECT 1 FROM place_finding
                     WHERE place_finding.district = post.district
                         AND place_finding.source = post.source AND place_finding.post = post.id
                         AND place_finding.place IS NOT NULL)
         ) counted GROUP BY topic, place",
        params![tx.district, At(from), At(to)],
        |row| {
            let place = row.get::<_, Option<String>>(1)?.map(PlaceId);
            Ok(((row.get(0)?, place), row.get(2)?))
        },
    )
}

fn problems(tx: &Tx<'_>, span: &DigestSpan) -> Result<Vec<DigestProblem>> {
    let alive = tx.rows(
        concat!(
            "SELECT ",
            problem_columns!(),
            " FROM problem WHERE district = ?1 AND opened < ?3 AND last >= ?2
             ORDER BY score DESC, opened, id"
        ),
        params![tx.district, At(span.from), At(span.to)],
        problem_of,
    )?;
    alive.into_iter().map(|problem| digest_problem(tx, problem)).collect()
}

fn digest_problem(tx: &Tx<'_>, problem: Problem) -> Result<DigestProblem> {
    let voices = count_voices(tx, &problem)?;
    Ok(DigestProblem {
        since: problem.since(),
        posts: problem.posts_since(),
        id: problem.id,
        topic: problem.topic,
        kind: problem.kind,
        place: problem.place,
        level: problem.level,
        state: problem.state,
        opened: problem.opened,
        last: problem.last,
        voices: voices.voices,
        voices_at_least: voices.at_least,
        answered: problem.answered.is_some(),
    })
}

fn places_heard(tx: &Tx<'_>, span: &DigestSpan) -> Result<Vec<PlaceId>> {
    tx.rows(
        "SELECT DISTINCT place_finding.place FROM post
         JOIN place_finding ON place_finding.district = post.district
             AND place_finding.source = post.source AND place_finding.post = post.id
         WHERE post.district = ?1 AND post.published >= ?2 AND post.published < ?3
             AND place_finding.found_by = 'text' AND place_finding.elsewhere = 0
             AND place_finding.place IS NOT NULL
         ORDER BY place_finding.place",
        params![tx.district, At(span.from), At(span.to)],
        |row| Ok(PlaceId(row.get(0)?)),
    )
}
