//! Attitude towards officials: one number a pack and ISO week, district-wide.
//!
//! Place in the flow: tallied in the transaction that first stores a post, read by the weekly
//! digest. Invariants: an [`AttitudeTally`] can be made anywhere and read only here; nothing it
//! holds is stored beside a post; when a week closes, its voices are deleted and only the number
//! stays.

use rusqlite::params;

use super::error::Result;
use super::{Store, Tx};
use crate::model::TopicId;

/// How many voices must share an attitude before its number is shown.
const VOICES_SHOWN_MIN: u32 = 5;

/// One voice for one attitude pack in one week. Opaque: only the store's weekly count reads it.
///
/// ```compile_fail
/// fn readable(tally: &otklik::store::AttitudeTally) -> &otklik::model::TopicId {
///     &tally.pack
/// }
/// ```
///
/// ```compile_fail
/// fn printable<T: std::fmt::Debug>() {}
/// printable::<otklik::store::AttitudeTally>();
/// ```
pub struct AttitudeTally {
    pack: TopicId,
    week: String,
    voice: [u8; 8],
}

impl AttitudeTally {
    /// A tally for `pack` in the ISO week named `week` (`2026-W47`).
    #[must_use]
    pub fn new(pack: TopicId, week: String, voice: [u8; 8]) -> Self {
        Self { pack, week, voice }
    }
}

impl Store {
    /// Closes all weeks before the one named `week`: keeps their numbers, deletes their voices.
    /// Returns how many voices were deleted.
    pub async fn close_attitude_weeks(&self, week: &str) -> Result<u32> {
        let week = week.to_owned();
        self.write(move |tx| close(tx, &week)).await
    }
}

/// Counts one tally. A week that is closed takes no more: its voices are gone, so nobody could tell
/// whether this one was among them.
pub(super) fn tally(tx: &Tx<'_>, tally: &AttitudeTally) -> Result<()> {
    tx.exec(
        "INSERT INTO attitude_voice (district, week, pack, voice)
         SELECT ?1, ?2, ?3, ?4 WHERE NOT EXISTS
             (SELECT 1 FROM attitude_week WHERE district = ?1 AND week = ?2)
         ON CONFLICT (district, week, pack, voice) DO NOTHING",
        params![tx.district, tally.week, tally.pack.as_str(), tally.voice],
    )?;
    Ok(())
}

/// Packs and their numbers in one week, those that enough voices share.
pub(super) fn week_counts(tx: &Tx<'_>, week: &str) -> Result<Vec<(TopicId, u32)>> {
    tx.rows(
        "SELECT pack, SUM(voices) FROM (
             SELECT pack, voices FROM attitude_week WHERE district = ?1 AND week = ?2
             UNION ALL
             SELECT pack, COUNT(*) FROM attitude_voice WHERE district = ?1 AND week = ?2
             GROUP BY pack
         ) counted GROUP BY pack HAVING SUM(voices) >= ?3 ORDER BY pack",
        params![tx.district, week, VOICES_SHOWN_MIN],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

fn close(tx: &Tx<'_>, week: &str) -> Result<u32> {
    tx.exec(
        "INSERT INTO attitude_week (district, week, pack, voices)
         SELECT district, week, pack, COUNT(*) FROM attitude_voice
         WHERE district = ?1 AND week < ?2 GROUP BY district, week, pack
         ON CONFLICT (district, week, pack) DO NOTHING",
        params![tx.district, week],
    )?;
    let deleted = tx.exec(
        "DELETE FROM attitude_voice WHERE district = ?1 AND week < ?2",
        params![tx.district, week],
    )?;
    Ok(u32::try_from(deleted).unwrap_or(u32::MAX))
}
