//! Problems: the event list, and the row that copies its fold.
//!
//! Place in the flow: grouping appends events, alerts and digests read rows. Invariants: a row
//! equals the fold of its events after every commit; voices are counted, never listed by voice.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rusqlite::{Row, params};

use super::column::{At, Json, Word, at, span, time};
use super::error::{Result, StoreError};
use super::voice::{self, Said};
use super::{Store, Tx};
use crate::model::{
    PlaceId, PostId, PostKey, Problem, ProblemEvent, ProblemEventKind, ProblemId, ProblemKey,
    ProblemState, QuoteRef, RiskLevel, SourceId,
};

/// A problem with what the next decision about it needs.
#[derive(Clone)]
pub struct LoadedProblem {
    /// The problem.
    pub problem: Problem,
    /// Voices of each month (yyyymm) since the horizon and since it opened or last came back.
    pub voices: BTreeMap<u32, BTreeSet<[u8; 8]>>,
    /// Fingerprints of texts that pages published in their own name since the horizon, with their
    /// last time: a text that several pages repeat is one text.
    pub own_texts: BTreeMap<Vec<u8>, Timestamp>,
    /// The latest posts, last first.
    pub recent: Vec<RecentMember>,
    /// Sources that carry it.
    pub sources: BTreeSet<SourceId>,
    /// Clauses that may be quoted, oldest post first.
    pub quotes: Vec<QuoteRef>,
}

/// One of the latest posts of a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecentMember {
    /// Which.
    pub post: PostKey,
    /// When it was published.
    pub published: Timestamp,
    /// Its sketch, if it has one.
    pub sketch: Option<Vec<u8>>,
    /// Street and house that it names.
    pub address: Option<String>,
    /// Its voice for the problem's topic, if it is no copy.
    pub voice: Option<[u8; 8]>,
}

/// Which problems to load, and how much of each.
#[derive(Debug, Clone)]
pub struct ProblemsWanted {
    /// Problems of these keys …
    pub keys: Vec<ProblemKey>,
    /// … whose last post is not older than this.
    pub since: Timestamp,
    /// Of each key this many at most, those with the latest posts.
    pub each_max: usize,
    /// These problems, whatever their age.
    pub ids: Vec<ProblemId>,
    /// How far back voices and own texts are needed.
    pub horizon: Timestamp,
    /// How many of the latest posts are needed.
    pub recent_max: usize,
}

/// Most problems of one key that its history is told from.
const SAME_KEY_MAX: usize = 200;

impl Store {
    /// The problems wanted, and those that have the posts of merged ones among them; by id.
    pub async fn wanted_problems(&self, wanted: ProblemsWanted) -> Result<Vec<LoadedProblem>> {
        self.read(move |tx| {
            let mut found: BTreeMap<ProblemId, ProblemRow> = BTreeMap::new();
            for key in &wanted.keys {
                let met = of_key(tx, key, wanted.since, wanted.each_max)?;
                found.extend(met.into_iter().map(|row| (row.problem.id.clone(), row)));
            }
            let mut open: Vec<ProblemId> = wanted.ids.clone();
            open.extend(found.values().filter_map(|row| row.problem.merged.clone()));
            // Ends: what was found is not looked at again.
            while let Some(id) = open.pop() {
                if found.contains_key(&id) {
                    continue;
                }
                if let Some(row) = read(tx, &id)? {
                    open.extend(row.problem.merged.clone());
                    found.insert(id, row);
                }
            }
            let complete = |row| complete(tx, row, wanted.horizon, wanted.recent_max);
            found.into_values().map(complete).collect()
        })
        .await
    }

    /// A problem as its events left it; nothing if it is not known.
    pub async fn problem(&self, id: &ProblemId) -> Result<Option<Problem>> {
        let id = id.clone();
        self.read(move |tx| Ok(read(tx, &id)?.map(|row| row.problem))).await
    }

    /// These problems with all that belongs to them, by id; unknown ones are left out.
    pub async fn problems(&self, ids: &[ProblemId]) -> Result<Vec<LoadedProblem>> {
        let ids: BTreeSet<_> = ids.iter().cloned().collect();
        self.read(move |tx| {
            let mut found = Vec::new();
            for id in &ids {
                if let Some(row) = read(tx, id)? {
                    found.push(complete(tx, row, Timestamp::MIN, usize::MAX)?);
                }
            }
            Ok(found)
        })
        .await
    }

    /// Problems of the same key as this one, it among them, the latest first.
    pub async fn same_key(&self, problem: &Problem) -> Result<Vec<Problem>> {
        let key = ProblemKey {
            aspect: problem.aspect().to_owned(),
            place: problem.place.clone(),
            address: problem.address.clone(),
        };
        self.read(move |tx| {
            let rows = of_key(tx, &key, Timestamp::MIN, SAME_KEY_MAX)?;
            Ok(rows.into_iter().map(|row| row.problem).collect())
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

/// A row of the problem table.
pub(super) struct ProblemRow {
    pub problem: Problem,
    /// Number of its events.
    pub events: u32,
}

impl ProblemRow {
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { problem: problem_of(row)?, events: row.get(17)? })
    }
}

/// The problem table's columns, in the order [`problem_of`] and [`ProblemRow::of`] read them.
macro_rules! problem_columns {
    () => {
        "id, topic, kind, place, state, score, reasons, opened, last, posts, told_at,
         told_level, told_voices, alerts, acknowledged, answered, returns, events, address, object,
         voices, merged, rumour, ended, back, posts_before"
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
        topic: row.get(1)?,
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
        address: row.get(18)?,
        object: row.get(19)?,
        voices: row.get(20)?,
        merged: row.get::<_, Option<String>>(21)?.map(ProblemId),
        rumour: row.get::<_, Option<Word<_>>>(22)?.map(|word| word.0),
        ended: time(row.get(23)?),
        back: time(row.get(24)?),
        posts_before: row.get(25)?,
    })
}

/// The row of a problem.
pub(super) fn read(tx: &Tx<'_>, id: &ProblemId) -> Result<Option<ProblemRow>> {
    tx.row(
        concat!("SELECT ", problem_columns!(), " FROM problem WHERE district = ?1 AND id = ?2"),
        params![tx.district, id.as_str()],
        ProblemRow::of,
    )
}

/// Problems of a key: those with the latest posts, and those that a person merged away.
fn of_key(
    tx: &Tx<'_>,
    key: &ProblemKey,
    since: Timestamp,
    each_max: usize,
) -> Result<Vec<ProblemRow>> {
    let place = key.place.as_ref().map(PlaceId::as_str);
    let limit = i64::try_from(each_max).unwrap_or(i64::MAX);
    let mut found = tx.rows(
        concat!(
            "SELECT ",
            problem_columns!(),
            " FROM problem WHERE district = ?1 AND aspect = ?2 AND place IS NOT DISTINCT FROM ?3
                 AND address IS NOT DISTINCT FROM ?4 AND last >= ?5
             ORDER BY last DESC, id LIMIT ?6"
        ),
        params![tx.district, key.aspect, place, key.address, At(since), limit],
        ProblemRow::of,
    )?;
    found.extend(tx.rows(
        concat!(
            "SELECT ",
            problem_columns!(),
            " FROM problem WHERE district = ?1 AND aspect = ?2 AND place IS NOT DISTINCT FROM ?3
                 AND address IS NOT DISTINCT FROM ?4 AND merged IS NOT NULL
             ORDER BY last DESC, id LIMIT ?5"
        ),
        params![tx.district, key.aspect, place, key.address, limit],
        ProblemRow::of,
    )?);
    Ok(found)
}

/// Everything that belongs to a problem, voices and own texts since `horizon` only. What is asked
/// lies together by time: the problem's older members are not touched.
fn complete(
    tx: &Tx<'_>,
    row: ProblemRow,
    horizon: Timestamp,
    recent_max: usize,
) -> Result<LoadedProblem> {
    let problem = row.problem;
    let Said { voices, own_texts } = voice::said(tx, &problem, horizon)?;
    Ok(LoadedProblem {
        voices,
        own_texts,
        recent: recent(tx, &problem.id, recent_max)?,
        sources: sources(tx, &problem.id)?,
        quotes: quotes(tx, &problem.id)?,
        problem,
    })
}

fn recent(tx: &Tx<'_>, id: &ProblemId, limit: usize) -> Result<Vec<RecentMember>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    tx.rows(
        "SELECT source, post, published, sketch, address, voice FROM membership
         WHERE district = ?1 AND problem = ?2
         ORDER BY published DESC, source DESC, post DESC LIMIT ?3",
        params![tx.district, id.as_str(), limit],
        |row| {
            Ok(RecentMember {
                post: PostKey { source: SourceId(row.get(0)?), id: PostId(row.get(1)?) },
                published: row.get::<_, At>(2)?.0,
                sketch: row.get(3)?,
                address: row.get(4)?,
                voice: row.get(5)?,
            })
        },
    )
}

/// Sources that carry a problem: as many as are watched at most.
fn sources(tx: &Tx<'_>, id: &ProblemId) -> Result<BTreeSet<SourceId>> {
    let found = tx.rows(
        "SELECT source FROM problem_source WHERE district = ?1 AND problem = ?2",
        params![tx.district, id.as_str()],
        |row| Ok(SourceId(row.get(0)?)),
    )?;
    Ok(found.into_iter().collect())
}

fn quotes(tx: &Tx<'_>, id: &ProblemId) -> Result<Vec<QuoteRef>> {
    let found = tx.rows(
        "SELECT source, post, quote_start, quote_end FROM membership
         WHERE district = ?1 AND problem = ?2 AND quote_start IS NOT NULL
         ORDER BY published, source, post",
        params![tx.district, id.as_str()],
        |row| {
            let post = PostKey { source: SourceId(row.get(0)?), id: PostId(row.get(1)?) };
            Ok(span(row.get(2)?, row.get(3)?).map(|span| QuoteRef { post, span }))
        },
    )?;
    Ok(found.into_iter().flatten().collect())
}

/// Appends events in their order and rewrites the rows of their problems.
pub(super) fn append(tx: &Tx<'_>, events: &[(ProblemId, ProblemEvent)]) -> Result<()> {
    let mut touched: BTreeMap<&ProblemId, (Problem, u32)> = BTreeMap::new();
    for (id, event) in events {
        let mut known = match touched.remove(id) {
            Some(known) => known,
            None => match read(tx, id)? {
                Some(row) => (row.problem, row.events),
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
        ProblemEventKind::Opened { topic, kind, place, .. } => {
            Ok(Problem::open(id.clone(), topic.clone(), *kind, place.clone(), event.at))
        }
        _ => Err(StoreError::Unknown(format!("проблема {id}"))),
    }
}

fn write(tx: &Tx<'_>, problem: &Problem, events: u32) -> Result<()> {
    tx.exec(
        "INSERT INTO problem (district, id, topic, kind, place, state, score, reasons, opened, last,
             posts, told_at, told_level, told_voices, alerts, acknowledged, answered,
             returns, events, aspect, address, object, voices, merged, rumour, back, posts_before,
             ended)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,
             ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28)
         ON CONFLICT (district, id) DO UPDATE SET state = excluded.state, score = excluded.score,
             reasons = excluded.reasons, opened = excluded.opened, last = excluded.last,
             posts = excluded.posts, told_at = excluded.told_at,
             told_level = excluded.told_level, told_voices = excluded.told_voices,
             alerts = excluded.alerts, acknowledged = excluded.acknowledged,
             answered = excluded.answered, returns = excluded.returns, events = excluded.events,
             aspect = excluded.aspect, address = excluded.address, object = excluded.object,
             voices = excluded.voices, merged = excluded.merged, rumour = excluded.rumour,
             back = excluded.back, posts_before = excluded.posts_before, ended = excluded.ended",
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
            problem.aspect(),
            problem.address,
            problem.object,
            problem.voices,
            problem.merged.as_ref().map(ProblemId::as_str),
            problem.rumour.map(Word),
            at(problem.back),
            problem.posts_before,
            at(problem.ended),
        ],
    )?;
    Ok(())
}
