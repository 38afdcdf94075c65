//! Problems: the event list, and the row that copies its fold.
//!
//! Place in the flow: grouping appends events, alerts and digests read rows. Invariants: a row
//! equals the fold of its events after every commit; voices are counted, never listed by voice.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rusqlite::{Row, params};

use super::column::{At, Json, Word, at, span, time};
use super::error::{Result, StoreError};
use super::{Store, Tx};
use crate::model::{
    PlaceId, PostId, PostKey, Problem, ProblemEvent, ProblemEventKind, ProblemId, ProblemState,
    QuoteRef, RiskLevel, SourceId, TopicId,
};

/// How many distinct people wrote about a problem.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct VoiceCount {
    /// The largest month's number.
    pub voices: u32,
    /// Whether there were more months («не менее»).
    pub at_least: bool,
}

/// A problem with what the next decision about it needs.
#[derive(Clone)]
pub struct LoadedProblem {
    /// The problem.
    pub problem: Problem,
    /// Voices of each month (yyyymm).
    pub voices: BTreeMap<u32, BTreeSet<[u8; 8]>>,
    /// Voices counted before their rows passed their retention; a lower bound.
    pub voices_kept: u32,
    /// Fingerprints of texts that pages published in their own name: a text that several pages
    /// repeat is one text.
    pub own_texts: BTreeSet<Vec<u8>>,
    /// Sources that carry it.
    pub sources: BTreeSet<SourceId>,
    /// Clauses that may be quoted, oldest post first.
    pub quotes: Vec<QuoteRef>,
}

impl Store {
    /// Problems of these topics and places that are not closed, or whose last post is not older
    /// than `since`; by id. A place of `None` means problems without a place.
    pub async fn open_problems(
        &self,
        subjects: &[(TopicId, Option<PlaceId>)],
        since: Timestamp,
    ) -> Result<Vec<LoadedProblem>> {
        let subjects: BTreeSet<_> = subjects.iter().cloned().collect();
        self.read(move |tx| {
            let mut found = Vec::new();
            for (topic, place) in &subjects {
                for problem in about(tx, topic, place.as_ref(), since)? {
                    found.push(complete(tx, problem)?);
                }
            }
            found.sort_by(|a, b| a.problem.id.cmp(&b.problem.id));
            Ok(found)
        })
        .await
    }

    /// These problems, by id; unknown ones are left out.
    pub async fn problems(&self, ids: &[ProblemId]) -> Result<Vec<LoadedProblem>> {
        let ids: BTreeSet<_> = ids.iter().cloned().collect();
        self.read(move |tx| {
            let mut found = Vec::new();
            for id in &ids {
                if let Some((problem, _)) = read(tx, id)? {
                    found.push(complete(tx, problem)?);
                }
            }
            Ok(found)
        })
        .await
    }

    /// Candidates for going quiet (last post before `quiet_before`) or being closed (quiet already,
    /// last post before `close_before`), by id.
    pub async fn quiet_problems(
        &self,
        quiet_before: Timestamp,
        close_before: Timestamp,
    ) -> Result<Vec<Problem>> {
        self.read(move |tx| {
            tx.rows(
                concat!(
                    "SELECT ",
                    problem_columns!(),
                    " FROM problem WHERE district = ?1
                         AND ((state IN ('open', 'reopened') AND last < ?2)
                             OR (state = 'quiet' AND last < ?3))
                     ORDER BY id"
                ),
                params![tx.district, At(quiet_before), At(close_before)],
                problem_of,
            )
        })
        .await
    }

    /// Events of a problem, in order.
    pub async fn problem_events(&self, id: &ProblemId) -> Result<Vec<ProblemEvent>> {
        let id = id.clone();
        self.read(move |tx| {
            tx.rows(
                "SELECT at, event FROM problem_event WHERE district = ?1 AND problem = ?2
                 ORDER BY seq",
                params![tx.district, id.as_str()],
                |row| {
                    Ok(ProblemEvent {
                        at: row.get::<_, At>(0)?.0,
                        kind: row.get::<_, Json<ProblemEventKind>>(1)?.0,
                    })
                },
            )
        })
        .await
    }

    /// Appends events to problems in one transaction; the rows follow.
    pub async fn append_events(&self, events: &[(ProblemId, ProblemEvent)]) -> Result<()> {
        let events = events.to_vec();
        self.write(move |tx| append(tx, &events)).await
    }
}

/// The problem table's columns, in the order [`problem_of`] reads them.
macro_rules! problem_columns {
    () => {
        "id, topic, kind, place, state, score, reasons, opened, last, posts, told_at,
         told_level, told_voices, alerts, acknowledged, answered, returns, events"
    };
}
pub(super) use problem_columns;

/// A problem out of its columns.
pub(super) fn problem_of(row: &Row<'_>) -> rusqlite::Result<Problem> {
    let score = row.get(5)?;
    let told = match row.get::<_, Option<At>>(10)? {
        Some(when) => Some((when.0, row.get::<_, Word<RiskLevel>>(11)?.0, row.get(12)?)),
        None => None,
    };
    Ok(Problem {
        id: ProblemId(row.get(0)?),
        topic: TopicId(row.get(1)?),
        kind: row.get::<_, Word<_>>(2)?.0,
        place: row.get::<_, Option<String>>(3)?.map(PlaceId),
        state: row.get::<_, Word<ProblemState>>(4)?.0,
        score,
        level: RiskLevel::of(score),
        reasons: row.get::<_, Json<_>>(6)?.0,
        opened: row.get::<_, At>(7)?.0,
        last: row.get::<_, At>(8)?.0,
        posts: row.get(9)?,
        told,
        alerts: row.get(13)?,
        acknowledged: time(row.get(14)?),
        answered: time(row.get(15)?),
        returns: row.get(16)?,
    })
}

fn read(tx: &Tx<'_>, id: &ProblemId) -> Result<Option<(Problem, u32)>> {
    tx.row(
        concat!("SELECT ", problem_columns!(), " FROM problem WHERE district = ?1 AND id = ?2"),
        params![tx.district, id.as_str()],
        |row| Ok((problem_of(row)?, row.get(17)?)),
    )
}

fn about(
    tx: &Tx<'_>,
    topic: &TopicId,
    place: Option<&PlaceId>,
    since: Timestamp,
) -> Result<Vec<Problem>> {
    tx.rows(
        concat!(
            "SELECT ",
            problem_columns!(),
            " FROM problem WHERE district = ?1 AND topic = ?2 AND place IS NOT DISTINCT FROM ?3
                 AND (state <> 'closed' OR last >= ?4)
             ORDER BY id"
        ),
        params![tx.district, topic.as_str(), place.map(PlaceId::as_str), At(since)],
        problem_of,
    )
}

fn complete(tx: &Tx<'_>, problem: Problem) -> Result<LoadedProblem> {
    let mut loaded = LoadedProblem {
        voices: BTreeMap::new(),
        voices_kept: voices_kept(tx, &problem.id)?,
        own_texts: BTreeSet::new(),
        sources: BTreeSet::new(),
        quotes: Vec::new(),
        problem,
    };
    let problem = &loaded.problem;
    let voices = tx.rows(
        "SELECT DISTINCT voice.month, voice.voice FROM membership
         JOIN voice ON voice.district = membership.district AND voice.source = membership.source
             AND voice.post = membership.post AND voice.topic = ?3
         WHERE membership.district = ?1 AND membership.problem = ?2",
        params![tx.district, problem.id.as_str(), problem.topic.as_str()],
        |row| Ok((row.get::<_, u32>(0)?, row.get::<_, [u8; 8]>(1)?)),
    )?;
    for (month, voice) in voices {
        loaded.voices.entry(month).or_default().insert(voice);
    }
    let members = tx.rows(
        "SELECT post.source, post.id, membership.quote_start, membership.quote_end,
             CASE WHEN post.own_name = 1 THEN post.fingerprint END
         FROM membership
         JOIN post ON post.district = membership.district AND post.source = membership.source
             AND post.id = membership.post
         WHERE membership.district = ?1 AND membership.problem = ?2
         ORDER BY post.published, post.source, post.id",
        params![tx.district, problem.id.as_str()],
        |row| {
            let post = PostKey { source: SourceId(row.get(0)?), id: PostId(row.get(1)?) };
            Ok((post, span(row.get(2)?, row.get(3)?), row.get::<_, Option<Vec<u8>>>(4)?))
        },
    )?;
    for (post, quote, own_text) in members {
        loaded.sources.insert(post.source.clone());
        loaded.own_texts.extend(own_text);
        loaded.quotes.extend(quote.map(|span| QuoteRef { post, span }));
    }
    Ok(loaded)
}

/// Counts the voices of a problem.
pub(super) fn count_voices(tx: &Tx<'_>, id: &ProblemId, topic: &TopicId) -> Result<VoiceCount> {
    let months = tx.rows(
        "SELECT COUNT(DISTINCT voice.voice) FROM membership
         JOIN voice ON voice.district = membership.district AND voice.source = membership.source
             AND voice.post = membership.post AND voice.topic = ?3
         WHERE membership.district = ?1 AND membership.problem = ?2
         GROUP BY voice.month",
        params![tx.district, id.as_str(), topic.as_str()],
        |row| row.get::<_, u32>(0),
    )?;
    let kept = voices_kept(tx, id)?;
    Ok(VoiceCount {
        voices: months.iter().copied().max().unwrap_or(0).max(kept),
        at_least: months.len() > 1 || kept > 0,
    })
}

fn voices_kept(tx: &Tx<'_>, id: &ProblemId) -> Result<u32> {
    let kept = tx.row(
        "SELECT voices_kept FROM problem WHERE district = ?1 AND id = ?2",
        params![tx.district, id.as_str()],
        |row| row.get(0),
    )?;
    Ok(kept.unwrap_or(0))
}

/// Appends events in their order and rewrites the rows of their problems.
pub(super) fn append(tx: &Tx<'_>, events: &[(ProblemId, ProblemEvent)]) -> Result<()> {
    let mut touched: BTreeMap<&ProblemId, (Problem, u32)> = BTreeMap::new();
    for (id, event) in events {
        let mut known = match touched.remove(id) {
            Some(known) => known,
            None => match read(tx, id)? {
                Some(known) => known,
                None => (opened(id, event)?, 0),
            },
        };
        known.0.apply(event);
        tx.exec(
            "INSERT INTO problem_event (district, problem, seq, at, event)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![tx.district, id.as_str(), known.1, At(event.at), Json(&event.kind)],
        )?;
        known.1 += 1;
        touched.insert(id, known);
    }
    touched.into_values().try_for_each(|(problem, events)| write(tx, &problem, events))
}

fn opened(id: &ProblemId, event: &ProblemEvent) -> Result<Problem> {
    match &event.kind {
        ProblemEventKind::Opened { topic, kind, place } => {
            Ok(Problem::open(id.clone(), topic.clone(), *kind, place.clone(), event.at))
        }
        _ => Err(StoreError::Unknown(format!("проблема {id}"))),
    }
}

fn write(tx: &Tx<'_>, problem: &Problem, events: u32) -> Result<()> {
    tx.exec(
        "INSERT INTO problem (district, id, topic, kind, place, state, score, reasons, opened, last,
             posts, told_at, told_level, told_voices, alerts, acknowledged, answered,
             returns, events, voices_kept)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,
             ?19, 0)
         ON CONFLICT (district, id) DO UPDATE SET state = excluded.state, score = excluded.score,
             reasons = excluded.reasons, opened = excluded.opened, last = excluded.last,
             posts = excluded.posts, told_at = excluded.told_at,
             told_level = excluded.told_level, told_voices = excluded.told_voices,
             alerts = excluded.alerts, acknowledged = excluded.acknowledged,
             answered = excluded.answered, returns = excluded.returns, events = excluded.events",
        params![
            tx.district,
            problem.id.as_str(),
            problem.topic.as_str(),
            Word(problem.kind),
            problem.place.as_ref().map(PlaceId::as_str),
            Word(problem.state),
            problem.score,
            Json(&problem.reasons),
            At(problem.opened),
            At(problem.last),
            problem.posts,
            at(problem.told.map(|told| told.0)),
            problem.told.map(|told| Word(told.1)),
            problem.told.map(|told| told.2),
            problem.alerts,
            at(problem.acknowledged),
            at(problem.answered),
            problem.returns,
            events,
        ],
    )?;
    Ok(())
}
