//! What the operator was told about sources, so that a restart tells nothing twice.
//!
//! Place in the flow: read and written by a fixed job. Invariant: a notice, the marks of what it
//! told and its outbox rows are one transaction.

use jiff::Timestamp;
use rusqlite::params;

use super::column::{At, Json, Word, time};
use super::error::Result;
use super::{Store, delivery};
use crate::model::{Delivery, HealthNews, HealthNotice, HealthState, SourceId};

impl Store {
    /// What the operator was told last about the trouble of each source, and when.
    pub async fn told_troubles(&self) -> Result<Vec<(SourceId, HealthState, Timestamp)>> {
        self.read(|tx| {
            let told = tx.rows(
                "SELECT source, told, told_at FROM source_state
                 WHERE district = ?1 AND told IS NOT NULL ORDER BY source",
                params![tx.district],
                |row| {
                    let at = time(row.get(2)?).unwrap_or(Timestamp::MIN);
                    Ok((SourceId(row.get(0)?), row.get::<_, Word<_>>(1)?.0, at))
                },
            )?;
            Ok(told)
        })
        .await
    }

    /// Stores a notice with its messages, and marks what it told.
    pub async fn commit_notice(
        &self,
        id: &str,
        notice: HealthNotice,
        deliveries: Vec<Delivery>,
    ) -> Result<()> {
        let id = id.to_owned();
        self.write(move |tx| {
            tx.exec(
                "INSERT INTO notice (district, id, at, facts) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (district, id) DO NOTHING",
                params![tx.district, id, At(notice.at), Json(&notice)],
            )?;
            for line in &notice.lines {
                let over = line.news == HealthNews::Over;
                tx.exec(
                    "UPDATE source_state SET told = CASE WHEN ?5 THEN NULL ELSE ?3 END,
                         told_at = CASE WHEN ?5 THEN NULL ELSE ?4 END
                     WHERE district = ?1 AND source = ?2",
                    params![
                        tx.district,
                        line.source.as_str(),
                        Word(line.state),
                        At(notice.at),
                        over,
                    ],
                )?;
            }
            deliveries.iter().try_for_each(|message| delivery::insert(tx, message, notice.at))
        })
        .await
    }

    /// A notice, if it is known.
    pub async fn notice(&self, id: &str) -> Result<Option<HealthNotice>> {
        let id = id.to_owned();
        self.read(move |tx| {
            let found = tx.row(
                "SELECT facts FROM notice WHERE district = ?1 AND id = ?2",
                params![tx.district, id],
                |row| row.get::<_, Json<HealthNotice>>(0),
            )?;
            Ok(found.map(|facts| facts.0))
        })
        .await
    }
}
