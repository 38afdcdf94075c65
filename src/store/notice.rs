//! What the operator was told about sources, so that a restart tells nothing twice.
//!
//! Place in the flow: read and written by a fixed job. Invariant: a notice, the marks of what it
//! told and its outbox rows are one transaction.

use jiff::Timestamp;
use rusqlite::params;

use super::column::{At, Json, Word, time};
use super::error::Result;
use super::{Store, delivery};
use crate::model::{Delivery, HealthNews, HealthNotice, HealthState, SourceId, UnsentLine};

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

    /// Messages given up after `after`, by receiver; those about our own state aside, and those to
    /// chats that receivers joined beside the address that the routes name.
    pub async fn unsent_since(&self, after: Timestamp) -> Result<Vec<UnsentLine>> {
        self.read(move |tx| {
            tx.rows(
                "SELECT d.receiver, COUNT(*), MIN(d.created), MAX(t.at), MAX(d.trouble)
                 FROM delivery_try t JOIN delivery d
                     ON d.district = t.district AND d.id = t.delivery
                 WHERE t.district = ?1 AND t.state = 'failed' AND d.state = 'failed' AND t.at > ?2
                     AND d.subject NOT LIKE 'health:%' AND d.id NOT LIKE '%.%'
                 GROUP BY d.receiver ORDER BY d.receiver",
                params![tx.district, At(after)],
                |row| {
                    Ok(UnsentLine {
                        receiver: row.get(0)?,
                        messages: row.get(1)?,
                        since: row.get::<_, At>(2)?.0,
                        until: row.get::<_, At>(3)?.0,
                        text: row.get(4)?,
                    })
                },
            )
        })
        .await
    }

    /// Stores a notice with its messages, and marks what it told; `marks`: settings that say how
    /// far.
    pub async fn commit_notice(
        &self,
        id: &str,
        notice: HealthNotice,
        deliveries: Vec<Delivery>,
        marks: Vec<(&'static str, String)>,
    ) -> Result<()> {
        let id = id.to_owned();
        self.write(move |tx| {
            for (name, value) in &marks {
                super::setting::keep(tx, name, value)?;
            }
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
