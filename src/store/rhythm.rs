//! What the schedule of looks is made of: posts by hour, open risks, calls against their quotas.
//!
//! Place in the flow: read before looks are planned. Invariant: counts only; nothing here names a
//! post.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::params;

use super::Store;
use super::column::At;
use super::error::Result;
use crate::model::SourceId;

/// Posts of each source by hour since 1970, in order of hours.
pub type PostHours = BTreeMap<SourceId, Vec<(i64, u32)>>;

/// Calls of one method today.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaUse {
    /// Host that answers.
    pub host: String,
    /// Method.
    pub method: String,
    /// Calls made.
    pub taken: u32,
    /// Most calls a day, if the platform says so.
    pub day_max: Option<u32>,
}

impl Store {
    /// Posts and comments published since `since`, by source and hour.
    pub async fn post_hours(&self, since: Timestamp) -> Result<PostHours> {
        self.read(move |tx| {
            let counted = tx.rows(
                "SELECT source, published / 3600000000 AS hour, COUNT(*) FROM post
                 WHERE district = ?1 AND published >= ?2
                 GROUP BY source, hour ORDER BY source, hour",
                params![tx.district, At(since)],
                |row| Ok((SourceId(row.get(0)?), row.get(1)?, row.get(2)?)),
            )?;
            let mut hours = PostHours::new();
            for (source, hour, posts) in counted {
                hours.entry(source).or_default().push((hour, posts));
            }
            Ok(hours)
        })
        .await
    }

    /// The score of the gravest open problem that somebody wrote about since `since`, by source.
    pub async fn open_risks(&self, since: Timestamp) -> Result<BTreeMap<SourceId, u8>> {
        self.read(move |tx| {
            let found = tx.rows(
                "SELECT problem_source.source, MAX(problem.score) FROM problem
                 JOIN problem_source ON problem_source.district = problem.district
                     AND problem_source.problem = problem.id
                 WHERE problem.district = ?1 AND problem.state IN ('open', 'reopened')
                     AND problem.last >= ?2
                 GROUP BY problem_source.source",
                params![tx.district, At(since)],
                |row| Ok((SourceId(row.get(0)?), row.get(1)?)),
            )?;
            Ok(found.into_iter().collect())
        })
        .await
    }

    /// Calls of each method on the day `day` (yyyymmdd), by host and method, all tokens together.
    pub async fn quota_use(&self, day: u32) -> Result<Vec<QuotaUse>> {
        self.read(move |tx| {
            tx.rows(
                "SELECT host, method, SUM(taken), MAX(day_max) FROM budget
                 WHERE district = ?1 AND day = ?2 AND method <> ''
                 GROUP BY host, method ORDER BY host, method",
                params![tx.district, day],
                |row| {
                    Ok(QuotaUse {
                        host: row.get(0)?,
                        method: row.get(1)?,
                        taken: row.get(2)?,
                        day_max: row.get(3)?,
                    })
                },
            )
        })
        .await
    }
}
