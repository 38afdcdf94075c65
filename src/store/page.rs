//! One page of posts, committed whole: posts, findings, voices, tallies, work and the cursor.
//!
//! Place in the flow: between assessing and grouping; collecting and importing both end here.
//! Invariants: one transaction a page, refused when the lease is lost; the same page twice changes
//! nothing; what the page does not name is not touched; an erased post does not come back.

use jiff::Timestamp;
use rusqlite::params;

use super::column::{At, Count};
use super::error::Result;
use super::post::{PostCommit, PostRow, PostState};
use super::source::{self, LookFacts};
use super::{Store, Tx, attitude, blank, coverage, erase, finding, post, version, work};
use crate::model::{Counts, Health, Noted, PostKey, SourceId};

/// The look a page belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookPage {
    /// Source that is looked at.
    pub source: SourceId,
    /// Lease under which.
    pub lease: String,
    /// Until when the lease is renewed; `None` leaves it.
    pub lease_until: Option<Timestamp>,
    /// Where to go on.
    pub cursor: String,
    /// Number of the community or channel, if the page told it.
    pub platform_id: Option<String>,
    /// What else the page told.
    pub facts: LookFacts,
    /// What the page proves about the completeness of its source.
    pub noted: Noted,
    /// Set with the last page: ends the look in the same transaction.
    pub end: Option<Health>,
}

/// Something no parser could read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Source it came from.
    pub source: SourceId,
    /// Its id, if that could be read.
    pub id: Option<String>,
    /// Hash of what came.
    pub hash: Vec<u8>,
    /// Where the parser stopped.
    pub position: String,
}

/// A post as it stands in the store already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenPost {
    /// Which post.
    pub key: PostKey,
    /// Hash of its text.
    pub fingerprint: Vec<u8>,
    /// Its counters now.
    pub counts: Counts,
}

/// A page to be stored.
pub struct PageCommit {
    /// The look it belongs to; `None` for imported lines.
    pub look: Option<LookPage>,
    /// Posts, known or not.
    pub posts: Vec<PostCommit>,
    /// Posts that were stored with this very text when the page was assessed: only their counters
    /// are taken over.
    pub seen: Vec<SeenPost>,
    /// Posts that the platform, asked by id, said are gone.
    pub gone: Vec<PostKey>,
    /// Posts whose talk ended with them: all that hangs below them is gone too.
    pub gone_below: Vec<PostKey>,
    /// What could not be read.
    pub dead_letters: Vec<DeadLetter>,
    /// The present instant.
    pub now: Timestamp,
}

/// What a page changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PageOutcome {
    /// Posts seen for the first time.
    pub new: u32,
    /// Known posts whose text changed.
    pub edited: u32,
    /// Known posts as they were.
    pub known: u32,
    /// Posts whose text was removed now.
    pub gone: u32,
    /// Posts that were gone and are there again.
    pub revived: u32,
    /// Posts that were erased here and therefore not stored.
    pub erased: u32,
}

impl Store {
    /// Stores a page in one transaction. Fails with [`super::StoreError::LeaseLost`] if the look's
    /// lease is no longer held; nothing is stored then.
    pub async fn commit_page(&self, page: PageCommit) -> Result<PageOutcome> {
        self.write(move |tx| commit(tx, &page)).await
    }
}

fn commit(tx: &Tx<'_>, page: &PageCommit) -> Result<PageOutcome> {
    if let Some(look) = &page.look {
        source::hold(tx, &look.source, &look.lease)?;
    }
    let mut outcome = PageOutcome::default();
    for post in &page.posts {
        *match commit_post(tx, post, page.now)? {
            Change::New => &mut outcome.new,
            Change::Edited => &mut outcome.edited,
            Change::Known => &mut outcome.known,
            Change::Revived => &mut outcome.revived,
            Change::Erased => &mut outcome.erased,
        } += 1;
    }
    for seen in &page.seen {
        // Changed or removed meanwhile: the next look meets it as it is then.
        let stored = post::read(tx, &seen.key)?;
        if let Some(stored) = stored.filter(|stored| stored.fingerprint == seen.fingerprint) {
            refresh_counts(tx, &seen.key, &stored.post.counts, &seen.counts)?;
            outcome.known += 1;
        }
    }
    let below = post::below(tx, &page.gone_below)?;
    for key in page.gone.iter().chain(&below) {
        outcome.gone += u32::from(blank::remove_text(tx, key, PostState::Gone)?);
    }
    for letter in &page.dead_letters {
        bury(tx, letter, page.now)?;
    }
    if let Some(look) = &page.look {
        source::advance(tx, look)?;
        coverage::note(tx, &look.source, &look.noted, page.now)?;
        if let Some(health) = &look.end {
            source::finish(tx, &look.source, health)?;
        }
    }
    Ok(outcome)
}

enum Change {
    New,
    Edited,
    Known,
    Revived,
    Erased,
}

fn commit_post(tx: &Tx<'_>, commit: &PostCommit, now: Timestamp) -> Result<Change> {
    let key = &commit.post.key;
    let Some(stored) = post::read(tx, key)? else {
        if erase::was_erased(tx, key)? {
            return Ok(Change::Erased);
        }
        post::write(tx, commit, 1, now)?;
        for tally in &commit.attitude {
            attitude::tally(tx, tally)?;
        }
        work::queue(tx, commit, 1)?;
        return Ok(Change::New);
    };
    let same = stored.fingerprint == commit.fingerprint;
    match stored.state {
        PostState::Live | PostState::Expired if same || is_older(&stored, commit) => {
            refresh_counts(tx, key, &stored.post.counts, &commit.post.counts)?;
            Ok(Change::Known)
        }
        PostState::Gone if same => {
            finding::delete(tx, key)?;
            post::write(tx, commit, stored.version, stored.stored)?;
            if post::joined(tx, key)?.is_empty() {
                // It may have gone before it was grouped.
                work::queue(tx, commit, stored.version)?;
            }
            Ok(Change::Revived)
        }
        state => {
            replace(tx, &stored, commit, now)?;
            Ok(if state == PostState::Gone { Change::Revived } else { Change::Edited })
        }
    }
}

/// An answer out of some cache: it must not undo an edit that is stored already.
fn is_older(stored: &PostRow, commit: &PostCommit) -> bool {
    stored.post.edited.is_some_and(|known| commit.post.edited.is_some_and(|came| came < known))
}

/// Puts a new text in the place of the old one, of which hash and bare assessment stay.
fn replace(tx: &Tx<'_>, stored: &PostRow, commit: &PostCommit, now: Timestamp) -> Result<()> {
    let key = &stored.post.key;
    version::keep(tx, stored, now)?;
    blank::forget_words(tx, stored, &commit.post.text)?;
    finding::delete(tx, key)?;
    post::write(tx, commit, stored.version + 1, stored.stored)?;
    work::queue(tx, commit, stored.version + 1)
}

fn refresh_counts(tx: &Tx<'_>, key: &PostKey, known: &Counts, came: &Counts) -> Result<()> {
    let merged = Counts {
        views: came.views.or(known.views),
        likes: came.likes.or(known.likes),
        reposts: came.reposts.or(known.reposts),
        comments: came.comments.or(known.comments),
    };
    if merged == *known {
        return Ok(());
    }
    tx.exec(
        "UPDATE post SET views = ?4, likes = ?5, reposts = ?6, comments = ?7
         WHERE district = ?1 AND source = ?2 AND id = ?3",
        params![
            tx.district,
            key.source.as_str(),
            key.id.as_str(),
            merged.views.map(Count),
            merged.likes.map(Count),
            merged.reposts.map(Count),
            merged.comments.map(Count),
        ],
    )?;
    Ok(())
}

fn bury(tx: &Tx<'_>, letter: &DeadLetter, now: Timestamp) -> Result<()> {
    tx.exec(
        "INSERT INTO dead_letter (district, source, hash, post, position, first_at, last_at, times)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, 1)
         ON CONFLICT (district, source, hash) DO UPDATE SET position = excluded.position,
             last_at = excluded.last_at, times = dead_letter.times + 1",
        params![
            tx.district,
            letter.source.as_str(),
            letter.hash,
            letter.id,
            letter.position,
            At(now),
        ],
    )?;
    Ok(())
}
