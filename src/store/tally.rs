//! Counts of the past by topic and place, as the statistics keep them.
//!
//! Place in the flow: read before a batch is grouped, written with its decisions. Invariant: rows
//! hold counts alone; the store does not look into them.

use std::collections::BTreeMap;

use rusqlite::params;

use super::error::Result;
use super::{Store, Tx};

/// Topic and place of a row; `*` is all of them.
pub type TallyCell = (String, String);

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// Topic and place.
    pub cell: TallyCell,
    /// Day up to which it counts, as days since 1970.
    pub day: i32,
    /// The counts, as the statistics write them.
    pub history: String,
}

impl Store {
    /// The rows of these cells, as far as there are any.
    pub async fn tallies(&self, cells: Vec<TallyCell>) -> Result<BTreeMap<TallyCell, String>> {
        self.read(move |tx| {
            let mut found = BTreeMap::new();
            for cell in &cells {
                let history = tx.row(
                    "SELECT history FROM tally WHERE district = ?1 AND topic = ?2 AND place = ?3",
                    params![tx.district, cell.0, cell.1],
                    |row| row.get::<_, String>(0),
                )?;
                found.extend(history.map(|history| (cell.clone(), history)));
            }
            Ok(found)
        })
        .await
    }
}

/// Writes a row over what was there.
pub(super) fn write(tx: &Tx<'_>, tally: &Tally) -> Result<()> {
    tx.exec(
        "INSERT INTO tally (district, topic, place, day, history) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (district, topic, place) DO UPDATE SET day = excluded.day,
             history = excluded.history",
        params![tx.district, tally.cell.0, tally.cell.1, tally.day, tally.history],
    )?;
    Ok(())
}
