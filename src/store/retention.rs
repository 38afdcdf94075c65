//! How long what is kept, by class.
//!
//! Place in the flow: a nightly job. Invariants: time counts from storage, not from publication; a
//! problem's counts outlive the words and voices they were made of; each step is one short
//! transaction, so that collecting goes on beside it.

use jiff::{SignedDuration, Timestamp};
use rusqlite::params;

use super::column::At;
use super::error::Result;
use super::post::PostState;
use super::{Store, Tx, blank, finding};
use crate::model::{PostId, PostKey, SourceId, month_of};

/// Posts handled in one transaction.
const BATCH: u32 = 500;

/// How long each class is kept, in days since it was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetentionPolicy {
    /// Texts of posts that joined no problem.
    pub unmatched_text_days: u32,
    /// Texts of posts in a problem.
    pub matched_text_days: u32,
    /// Rows of posts without text that joined no problem.
    pub textless_post_days: u32,
    /// Hashes and assessments of older versions, since they were replaced.
    pub version_days: u32,
    /// Voices, since the last day of their month.
    pub voice_days: u32,
    /// Messages that were sent or given up, and their tries.
    pub delivery_days: u32,
    /// What could not be read, since it came last.
    pub dead_letter_days: u32,
}

impl Default for RetentionPolicy {
    fn default() -> Self {
        Self {
            unmatched_text_days: 90,
            matched_text_days: 365,
            textless_post_days: 730,
            version_days: 365,
            voice_days: 180,
            delivery_days: 730,
            dead_letter_days: 30,
        }
    }
}

/// What one run removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RetentionReport {
    /// Texts.
    pub texts: u64,
    /// Rows of posts.
    pub posts: u64,
    /// Older versions.
    pub versions: u64,
    /// Voices.
    pub voices: u64,
    /// Messages.
    pub deliveries: u64,
    /// Dead letters.
    pub dead_letters: u64,
}

impl Store {
    /// Removes what is past its time at `now`. Runs as many short transactions as it takes; broken
    /// off, it goes on next time.
    pub async fn retention(
        &self,
        policy: &RetentionPolicy,
        now: Timestamp,
    ) -> Result<RetentionReport> {
        let before = |days: u32| {
            let span = SignedDuration::from_hours(24 * i64::from(days));
            now.saturating_sub(span).unwrap_or(Timestamp::MIN)
        };
        let mut report = RetentionReport::default();
        let unmatched = before(policy.unmatched_text_days);
        let matched = before(policy.matched_text_days);
        report.texts = self.in_batches(move |tx| expire_texts(tx, unmatched, matched)).await?;
        let textless = before(policy.textless_post_days);
        self.write(move |tx| forget_parents(tx, textless)).await?;
        report.posts = self.in_batches(move |tx| delete_posts(tx, textless)).await?;
        let voices = before(policy.voice_days);
        report.voices = self.write(move |tx| delete_voices(tx, voices)).await?;
        let (versions, letters) = (before(policy.version_days), before(policy.dead_letter_days));
        (report.versions, report.dead_letters) = self
            .write(move |tx| {
                let versions = tx.exec(
                    "DELETE FROM post_version WHERE district = ?1 AND replaced < ?2",
                    params![tx.district, At(versions)],
                )?;
                let letters = tx.exec(
                    "DELETE FROM dead_letter WHERE district = ?1 AND last_at < ?2",
                    params![tx.district, At(letters)],
                )?;
                Ok((versions as u64, letters as u64))
            })
            .await?;
        let deliveries = before(policy.delivery_days);
        report.deliveries = self.write(move |tx| delete_deliveries(tx, deliveries)).await?;
        Ok(report)
    }

    /// Repeats a step, each time in its own transaction, until it finds less than a batch.
    async fn in_batches(
        &self,
        step: impl Fn(&Tx<'_>) -> Result<u64> + Send + Clone + 'static,
    ) -> Result<u64> {
        let mut sum = 0;
        loop {
            let done = self.write(step.clone()).await?;
            sum += done;
            if done < u64::from(BATCH) {
                return Ok(sum);
            }
        }
    }
}

fn keys(row: &rusqlite::Row<'_>) -> rusqlite::Result<PostKey> {
    Ok(PostKey { source: SourceId(row.get(0)?), id: PostId(row.get(1)?) })
}

fn expire_texts(tx: &Tx<'_>, unmatched: Timestamp, matched: Timestamp) -> Result<u64> {
    let past = tx.rows(
        "SELECT source, id FROM post WHERE district = ?1 AND state = 'live'
             AND stored < CASE WHEN EXISTS (SELECT 1 FROM membership
                 WHERE membership.district = post.district AND membership.source = post.source
                     AND membership.post = post.id) THEN ?3 ELSE ?2 END
         ORDER BY stored LIMIT ?4",
        params![tx.district, At(unmatched), At(matched), BATCH],
        keys,
    )?;
    for key in &past {
        blank::remove_text(tx, key, PostState::Expired)?;
    }
    Ok(past.len() as u64)
}

fn delete_posts(tx: &Tx<'_>, before: Timestamp) -> Result<u64> {
    let past = tx.rows(
        "SELECT source, id FROM post
         WHERE district = ?1 AND state IN ('gone', 'expired') AND stored < ?2
             AND NOT EXISTS (SELECT 1 FROM membership
                 WHERE membership.district = post.district AND membership.source = post.source
                     AND membership.post = post.id)
         ORDER BY stored LIMIT ?3",
        params![tx.district, At(before), BATCH],
        keys,
    )?;
    for key in &past {
        finding::delete(tx, key)?;
        let parts = params![tx.district, key.source.as_str(), key.id.as_str()];
        tx.exec(
            "DELETE FROM post_version WHERE district = ?1 AND source = ?2 AND post = ?3",
            parts,
        )?;
        tx.exec("DELETE FROM post WHERE district = ?1 AND source = ?2 AND id = ?3", parts)?;
    }
    Ok(past.len() as u64)
}

/// Comments that outlive the posts of [`delete_posts`] name them no more.
fn forget_parents(tx: &Tx<'_>, before: Timestamp) -> Result<()> {
    tx.exec(
        "UPDATE post SET parent = NULL
         WHERE district = ?1 AND parent IS NOT NULL AND EXISTS (SELECT 1 FROM post AS above
             WHERE above.district = post.district AND above.source = post.source
                 AND above.id = post.parent AND above.state IN ('gone', 'expired')
                 AND above.stored < ?2 AND NOT EXISTS (SELECT 1 FROM membership
                     WHERE membership.district = above.district
                         AND membership.source = above.source AND membership.post = above.id))",
        params![tx.district, At(before)],
    )?;
    Ok(())
}

/// Deletes voices of months that ended before `before`; their problems keep the number, since it is
/// part of their state.
fn delete_voices(tx: &Tx<'_>, before: Timestamp) -> Result<u64> {
    let month = month_of(before);
    tx.exec(
        "UPDATE membership SET month = NULL, voice = NULL
         WHERE district = ?1 AND month < ?2 AND month IS NOT NULL",
        params![tx.district, month],
    )?;
    let deleted = tx.exec(
        "DELETE FROM voice WHERE district = ?1 AND month < ?2",
        params![tx.district, month],
    )?;
    Ok(deleted as u64)
}

fn delete_deliveries(tx: &Tx<'_>, before: Timestamp) -> Result<u64> {
    tx.exec(
        "DELETE FROM delivery_try WHERE district = ?1 AND delivery IN
             (SELECT id FROM delivery WHERE district = ?1 AND created < ?2
                 AND state NOT IN ('pending', 'claimed'))",
        params![tx.district, At(before)],
    )?;
    let deleted = tx.exec(
        "DELETE FROM delivery WHERE district = ?1 AND created < ?2
             AND state NOT IN ('pending', 'claimed')",
        params![tx.district, At(before)],
    )?;
    for sql in [
        "DELETE FROM roll_up WHERE district = ?1 AND at < ?2",
        "DELETE FROM held WHERE district = ?1 AND at < ?2",
        "DELETE FROM silence WHERE district = ?1 AND until < ?2",
        "DELETE FROM works WHERE district = ?1 AND until < ?2",
    ] {
        tx.exec(sql, params![tx.district, At(before)])?;
    }
    Ok(deleted as u64)
}
