//! Everything stored, page by page, in a stable order.
//!
//! Place in the flow: read by `export` and by the registers. Invariants: posts by (published,
//! source, id); a page goes on behind the last row of the page before, so rows that come meanwhile
//! are neither doubled nor in the way; never a voice, never an attitude.

use jiff::Timestamp;
use rusqlite::params;

use super::column::{At, Word};
use super::delivery::{delivery_columns, delivery_of};
use super::error::Result;
use super::post::{PostMark, PostRow, StoredPost, VoiceMark, post_columns};
use super::problem::{problem_columns, problem_of};
use super::voice::{VoiceCount, count_voices};
use super::work::voices;
use super::{Store, Tx};
use crate::model::{Delivery, PostId, PostKey, Problem, ProblemState, SourceId};

/// Where a list goes on: behind this row, by (time, id).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeMark {
    /// Time of the last row.
    pub at: Timestamp,
    /// Id of the last row.
    pub id: String,
}

impl TimeMark {
    pub(super) fn or_start(mark: Option<&Self>) -> Self {
        mark.cloned().unwrap_or_else(|| Self { at: Timestamp::MIN, id: String::new() })
    }
}

/// A problem with its voices counted.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredProblem {
    /// The problem.
    pub problem: Problem,
    /// How many people wrote about it.
    pub voices: VoiceCount,
}

/// A message with the time it was put into the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDelivery {
    /// The message.
    pub delivery: Delivery,
    /// When it was put into the outbox.
    pub created: Timestamp,
}

impl Store {
    /// Up to `limit` posts published at `since` or later, behind `after`, by (published, source,
    /// id).
    pub async fn export_posts(
        &self,
        since: Option<Timestamp>,
        after: Option<&PostMark>,
        limit: u32,
    ) -> Result<Vec<StoredPost>> {
        let mark = after.cloned().unwrap_or_else(|| PostMark {
            published: Timestamp::MIN,
            key: PostKey { source: SourceId(String::new()), id: PostId(String::new()) },
        });
        self.read(move |tx| {
            let rows = tx.rows(
                concat!(
                    "SELECT ",
                    post_columns!(),
                    " FROM post WHERE district = ?1 AND published >= ?2
                         AND (published, source, id) > (?3, ?4, ?5)
                     ORDER BY published, source, id LIMIT ?6"
                ),
                params![
                    tx.district,
                    At(since.unwrap_or(Timestamp::MIN)),
                    At(mark.published),
                    mark.key.source.as_str(),
                    mark.key.id.as_str(),
                    limit
                ],
                PostRow::of,
            )?;
            rows.into_iter().map(|row| row.complete(tx)).collect()
        })
        .await
    }

    /// The same posts with their voices, to be grouped again by other rules.
    pub async fn replay_posts(
        &self,
        since: Option<Timestamp>,
        after: Option<&PostMark>,
        limit: u32,
    ) -> Result<Vec<(StoredPost, Vec<VoiceMark>)>> {
        let posts = self.export_posts(since, after, limit).await?;
        self.read(move |tx| {
            let with = |post: &StoredPost| Ok((post.clone(), voices(tx, &post.post.key)?));
            posts.iter().map(with).collect()
        })
        .await
    }

    /// Up to `limit` problems by (opened, id), behind `after`, with a post at `since` or later.
    pub async fn export_problems(
        &self,
        since: Option<Timestamp>,
        after: Option<&TimeMark>,
        limit: u32,
    ) -> Result<Vec<StoredProblem>> {
        let mark = TimeMark::or_start(after);
        self.read(move |tx| {
            let problems = tx.rows(
                concat!(
                    "SELECT ",
                    problem_columns!(),
                    " FROM problem WHERE district = ?1 AND last >= ?2 AND (opened, id) > (?3, ?4)
                     ORDER BY opened, id LIMIT ?5"
                ),
                params![
                    tx.district,
                    At(since.unwrap_or(Timestamp::MIN)),
                    At(mark.at),
                    mark.id,
                    limit
                ],
                problem_of,
            )?;
            problems.into_iter().map(|problem| counted(tx, problem)).collect()
        })
        .await
    }

    /// Up to `limit` problems in one of `states`, the highest score first.
    pub async fn problems_in(
        &self,
        states: &[ProblemState],
        limit: u32,
    ) -> Result<Vec<StoredProblem>> {
        let states = states.to_vec();
        self.read(move |tx| {
            let mut found = Vec::new();
            for state in &states {
                found.extend(tx.rows(
                    concat!(
                        "SELECT ",
                        problem_columns!(),
                        " FROM problem WHERE district = ?1 AND state = ?2
                         ORDER BY score DESC, last DESC, id LIMIT ?3"
                    ),
                    params![tx.district, Word(*state), limit],
                    problem_of,
                )?);
            }
            found.sort_by(|a, b| {
                (b.score, b.last).cmp(&(a.score, a.last)).then_with(|| a.id.cmp(&b.id))
            });
            found.truncate(limit as usize);
            found.into_iter().map(|problem| counted(tx, problem)).collect()
        })
        .await
    }

    /// Up to `limit` messages put into the outbox at `since` or later, behind `after`, by (created,
    /// id).
    pub async fn export_deliveries(
        &self,
        since: Option<Timestamp>,
        after: Option<&TimeMark>,
        limit: u32,
    ) -> Result<Vec<StoredDelivery>> {
        let mark = TimeMark::or_start(after);
        self.read(move |tx| {
            tx.rows(
                concat!(
                    "SELECT ",
                    delivery_columns!(),
                    " FROM delivery WHERE district = ?1 AND created >= ?2
                         AND (created, id) > (?3, ?4)
                     ORDER BY created, id LIMIT ?5"
                ),
                params![
                    tx.district,
                    At(since.unwrap_or(Timestamp::MIN)),
                    At(mark.at),
                    mark.id,
                    limit
                ],
                |row| {
                    Ok(StoredDelivery {
                        delivery: delivery_of(row)?,
                        created: row.get::<_, At>(11)?.0,
                    })
                },
            )
        })
        .await
    }
}

fn counted(tx: &Tx<'_>, problem: Problem) -> Result<StoredProblem> {
    let voices = count_voices(tx, &problem)?;
    Ok(StoredProblem { problem, voices })
}
