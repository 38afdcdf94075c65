//! Posts out of a file, assessed as if live, told to nobody.
//!
//! Place in the flow: beside `collect`; the command line reads the lines and lets them through the
//! door. Invariants: every post is judged at its own time; a post that is stored unchanged is
//! known; batches are transactions, so a broken-off import is simply run again.

use std::collections::BTreeMap;

use jiff::Timestamp;
use otklik_collectors::RawPost;
use otklik_collectors::door::Door;

use super::assess::{Batch, Given, assess};
use super::district::District;
use super::group::{GroupReport, Sending, group_store};
use crate::classify::Scratch;
use crate::model::{PlaceId, PostId, PostKey, Source, SourceId, SourceKind, SourceScope};
use crate::store::{PageCommit, PageOutcome, PostCommit, Store, StoreError};

/// Posts in one transaction.
pub const BATCH: usize = 500;

/// One line that came through the door.
pub struct Imported {
    /// Source it names.
    pub source: SourceId,
    /// Platform it names.
    pub platform: String,
    /// The post.
    pub raw: RawPost,
    /// Settlement it names.
    pub place: Option<PlaceId>,
}

/// Stores one batch, in the order given, and groups it. `now` is the time of storing.
pub async fn import_batch(
    store: &Store,
    district: &District,
    door: &Door,
    batch: Vec<Imported>,
    now: Timestamp,
    scratch: &mut Scratch,
) -> Result<(PageOutcome, GroupReport), StoreError> {
    let posts = assess_all(store, district, door, batch, now, scratch).await?;
    let page = PageCommit {
        look: None,
        posts,
        seen: Vec::new(),
        gone: Vec::new(),
        gone_below: Vec::new(),
        dead_letters: Vec::new(),
        now,
    };
    let outcome = store.commit_page(page).await?;
    let grouped = group_store(store, district, Sending::Suppressed, || now).await?;
    Ok((outcome, grouped))
}

/// Assesses posts of one batch, whatever their sources; their order is kept.
async fn assess_all(
    store: &Store,
    district: &District,
    door: &Door,
    batch: Vec<Imported>,
    now: Timestamp,
    scratch: &mut Scratch,
) -> Result<Vec<PostCommit>, StoreError> {
    let mut by_source: BTreeMap<(SourceId, String), Vec<(usize, Imported)>> = BTreeMap::new();
    for (order, post) in batch.into_iter().enumerate() {
        let key = (post.source.clone(), post.platform.clone());
        by_source.entry(key).or_default().push((order, post));
    }
    let mut assessed: Vec<(usize, PostCommit)> = Vec::new();
    for ((id, platform), mut posts) in by_source {
        // Posts before their comments, so that a comment finds its parent's place.
        posts.sort_by_key(|(_, post)| post.raw.parent.is_some());
        let source = source_of(id, platform);
        let key = |id: &str| PostKey { source: source.id.clone(), id: PostId(id.to_owned()) };
        let asked: Vec<PostKey> =
            posts.iter().filter_map(|(_, post)| post.raw.parent.as_deref()).map(key).collect();
        let mut batch = Batch {
            district,
            door,
            source: &source,
            parents: store.places_of(&asked).await?,
            given: BTreeMap::new(),
            stored: BTreeMap::new(),
            now,
        };
        for (order, post) in posts {
            // One at a time: the same id may stand in the file twice with different texts.
            let given = Given { place: post.place, topic: None };
            batch.given = BTreeMap::from([(PostId(post.raw.id.clone()), given)]);
            let found = assess(&mut batch, vec![post.raw], scratch);
            assessed.extend(found.posts.into_iter().map(|commit| (order, commit)));
        }
    }
    assessed.sort_by_key(|(order, _)| *order);
    Ok(assessed.into_iter().map(|(_, commit)| commit).collect())
}

/// A source that nobody listed.
pub(super) fn source_of(id: SourceId, platform: String) -> Source {
    Source {
        id,
        platform,
        handle: String::new(),
        kind: SourceKind::Community,
        scope: SourceScope::District,
        place: None,
        every_secs: 0,
        comments: true,
        backfill_secs: 0,
    }
}
