//! Posts that wait to be grouped into problems.
//!
//! Place in the flow: queued in the transaction that stores a post, taken by grouping, deleted in
//! the transaction that groups. Invariant: the marks that an attitude leaves on a post (`ground`,
//! `quotable`) live in this row only and die with it.

use jiff::Timestamp;
use rusqlite::params;

use super::column::{At, Json};
use super::error::Result;
use super::post::{
    Assessment, POST_COLUMNS, PostCommit, PostRow, VoiceMark, WorkMarks, post_columns,
};
use super::{Store, Tx, post, source};
use crate::model::{Post, PostKey, ProblemId};

/// A stored post as it waited: grouping it counts only as long as this version is the stored one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkTicket {
    /// Which post.
    pub post: PostKey,
    /// Which version of its text.
    pub version: u32,
}

/// A post to be grouped, with everything grouping needs.
pub struct WorkItem {
    /// To be handed back in [`super::GroupCommit::done`].
    pub ticket: WorkTicket,
    /// The post.
    pub post: Post,
    /// Hash of its text.
    pub fingerprint: Vec<u8>,
    /// What was said about it.
    pub assessment: Assessment,
    /// Its voices.
    pub voices: Vec<VoiceMark>,
    /// How it may join.
    pub marks: WorkMarks,
    /// Problems that an earlier version of it joined; it must not be counted there again.
    pub joined: Vec<ProblemId>,
    /// Problems of the post it answers, the main one first.
    pub parent_joined: Vec<ProblemId>,
    /// Problems that a person took it out of.
    pub parted: Vec<ProblemId>,
    /// When it was first stored.
    pub stored: Timestamp,
    /// When the first look at its source began, if it was ever looked at.
    pub first_look: Option<Timestamp>,
}

impl Store {
    /// Up to `limit` waiting posts by (published, source, id). They wait on until a group commit.
    pub async fn take_work(&self, limit: u32) -> Result<Vec<WorkItem>> {
        self.read(move |tx| take(tx, limit)).await
    }
}

/// Queues a stored post, or takes back an earlier version's wait.
pub(super) fn queue(tx: &Tx<'_>, commit: &PostCommit, version: u32) -> Result<()> {
    let key = &commit.post.key;
    let Some(marks) = &commit.work else {
        finish(tx, key)?;
        return Ok(());
    };
    tx.exec(
        "INSERT INTO work (district, source, post, version, published, ground, quotable, risks,
             objects, echo)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         ON CONFLICT (district, source, post) DO UPDATE SET version = excluded.version,
             published = excluded.published, ground = excluded.ground,
             quotable = excluded.quotable, risks = excluded.risks, objects = excluded.objects,
             echo = excluded.echo",
        params![
            tx.district,
            key.source.as_str(),
            key.id.as_str(),
            version,
            At(commit.post.published),
            marks.ground,
            marks.quotable,
            Json(&marks.risks),
            Json(&marks.objects),
            marks.echo,
        ],
    )?;
    Ok(())
}

/// Whether a post still waits in this version.
pub(super) fn waits(tx: &Tx<'_>, ticket: &WorkTicket) -> Result<bool> {
    let waiting = tx.number(
        "SELECT COUNT(*) FROM work
         WHERE district = ?1 AND source = ?2 AND post = ?3 AND version = ?4",
        params![tx.district, ticket.post.source.as_str(), ticket.post.id.as_str(), ticket.version],
    )?;
    Ok(waiting == 1)
}

/// Ends the wait of a post.
pub(super) fn finish(tx: &Tx<'_>, post: &PostKey) -> Result<u64> {
    let deleted = tx.exec(
        "DELETE FROM work WHERE district = ?1 AND source = ?2 AND post = ?3",
        params![tx.district, post.source.as_str(), post.id.as_str()],
    )?;
    Ok(deleted as u64)
}

fn take(tx: &Tx<'_>, limit: u32) -> Result<Vec<WorkItem>> {
    let waiting = tx.rows(
        concat!(
            "SELECT ",
            post_columns!(),
            ", work.version, work.ground, work.quotable, work.risks, work.objects, work.echo
             FROM work JOIN post ON post.district = work.district AND post.source = work.source
                 AND post.id = work.post
             WHERE work.district = ?1 ORDER BY work.published, work.source, work.post LIMIT ?2"
        ),
        params![tx.district, limit],
        |row| {
            let version: u32 = row.get(POST_COLUMNS)?;
            let marks = WorkMarks {
                ground: row.get(POST_COLUMNS + 1)?,
                quotable: row.get(POST_COLUMNS + 2)?,
                risks: row.get::<_, Json<_>>(POST_COLUMNS + 3)?.0,
                objects: row.get::<_, Json<_>>(POST_COLUMNS + 4)?.0,
                echo: row.get(POST_COLUMNS + 5)?,
            };
            Ok((PostRow::of(row)?, version, marks))
        },
    )?;
    waiting.into_iter().map(|(row, version, marks)| item(tx, row, version, marks)).collect()
}

fn item(tx: &Tx<'_>, row: PostRow, version: u32, marks: WorkMarks) -> Result<WorkItem> {
    let ids = |key: &PostKey| -> Result<Vec<ProblemId>> {
        Ok(post::joined(tx, key)?.into_iter().map(|(id, _)| id).collect())
    };
    let parent_joined = match &row.post.parent {
        Some(parent) => ids(&PostKey { source: row.post.key.source.clone(), id: parent.clone() })?,
        None => Vec::new(),
    };
    Ok(WorkItem {
        ticket: WorkTicket { post: row.post.key.clone(), version },
        assessment: row.assessment(tx)?,
        voices: voices(tx, &row.post.key)?,
        marks,
        joined: ids(&row.post.key)?,
        parent_joined,
        parted: parted(tx, &row.post.key)?,
        fingerprint: row.fingerprint,
        stored: row.stored,
        first_look: source::first_look(tx, &row.post.key.source)?,
        post: row.post,
    })
}

/// Problems that a person took a post out of.
pub(super) fn parted(tx: &Tx<'_>, key: &PostKey) -> Result<Vec<ProblemId>> {
    tx.rows(
        "SELECT problem FROM parted WHERE district = ?1 AND source = ?2 AND post = ?3
         ORDER BY problem",
        params![tx.district, key.source.as_str(), key.id.as_str()],
        |row| Ok(ProblemId(row.get(0)?)),
    )
}

/// Voices of a post.
pub(super) fn voices(tx: &Tx<'_>, key: &PostKey) -> Result<Vec<VoiceMark>> {
    tx.rows(
        "SELECT topic, month, voice FROM voice
         WHERE district = ?1 AND source = ?2 AND post = ?3 ORDER BY topic",
        params![tx.district, key.source.as_str(), key.id.as_str()],
        |row| Ok(VoiceMark { topic: row.get(0)?, month: row.get(1)?, voice: row.get(2)? }),
    )
}
