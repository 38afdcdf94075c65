//! A complaint that came by telephone or at the reception, in the official's own words.
//!
//! Place in the flow: behind the command line or the socket; the text goes through the door and the
//! same stages as a collected post. Invariants: it speaks with the anonymous voice and can be
//! joined to nobody; a place or topic that the official names is taken as named.

use std::collections::BTreeMap;

use jiff::Timestamp;
use otklik_collectors::door::Door;
use otklik_collectors::{Author, Counts, RawKind, RawPost};

use super::assess::{Batch, Given, assess};
use super::district::District;
use super::import::source_of;
use super::words;
use crate::classify::{PackKind, Scratch};
use crate::model::{CommandReply, PlaceId, PostId, TopicId};
use crate::store::{PageCommit, PostCommit, Store, StoreError};

/// Source and platform of what was noted by hand.
pub const SOURCE: &str = "reception";
/// Longest text in characters.
pub const TEXT_CHARS_MAX: usize = 10_000;

/// What an official noted.
#[derive(Debug, Clone, Copy)]
pub struct Note<'a> {
    /// In the official's own words.
    pub text: &'a str,
    /// Settlement, if named.
    pub place: Option<&'a PlaceId>,
    /// Topic, if named.
    pub topic: Option<&'a TopicId>,
}

/// Why a note cannot be taken, as one Russian sentence; `None` if it can.
#[must_use]
pub fn refusal(district: &District, note: &Note<'_>) -> Option<String> {
    if note.text.trim().is_empty() || note.text.chars().count() > TEXT_CHARS_MAX {
        return Some(words::note_length(TEXT_CHARS_MAX));
    }
    let attitude = |id: &&TopicId| {
        let topic = district.lexicon.topic(id.as_str());
        topic.is_none_or(|topic| topic.kind == PackKind::Attitude)
    };
    if let Some(topic) = note.topic.filter(attitude) {
        return Some(words::no_topic(topic));
    }
    let gazetteer = district.lexicon.gazetteer();
    note.place.filter(|place| gazetteer.title(place).is_none()).map(words::no_place)
}

/// Stores a note and answers what was understood. Grouping is left to the caller: the daemon's loop
/// does it by itself.
pub async fn take(
    store: &Store,
    district: &District,
    door: &Door,
    note: Note<'_>,
    now: Timestamp,
) -> Result<CommandReply, StoreError> {
    if let Some(text) = refusal(district, &note) {
        return Ok(CommandReply { done: false, text });
    }
    let commit = assessed(district, door, note, now);
    let text = words::noted(
        commit.post.key.id.as_str(),
        commit.assessment.findings.iter().map(|found| district.topic_title(&found.topic)),
        commit.assessment.places.iter().map(|place| place.title.as_str()),
    );
    let page = PageCommit {
        look: None,
        posts: vec![commit],
        seen: Vec::new(),
        gone: Vec::new(),
        gone_below: Vec::new(),
        dead_letters: Vec::new(),
        now,
    };
    store.commit_page(page).await?;
    Ok(CommandReply { done: true, text })
}

fn assessed(district: &District, door: &Door, note: Note<'_>, now: Timestamp) -> PostCommit {
    let id = format!("note-{}", now.as_microsecond());
    let raw = RawPost {
        kind: RawKind::Post,
        text: door.mask(note.text.trim()),
        published: Some(now),
        edited: None,
        author: Author::Anonymous,
        official: false,
        url: None,
        counts: Counts::default(),
        repost: false,
        id: id.clone(),
        parent: None,
    };
    let given = Given { place: note.place.cloned(), topic: note.topic.cloned() };
    let mut batch = Batch {
        district,
        door,
        source: &source_of(SOURCE.into(), SOURCE.to_owned()),
        parents: BTreeMap::new(),
        given: BTreeMap::from([(PostId(id), given)]),
        stored: BTreeMap::new(),
        now,
    };
    let mut found = assess(&mut batch, vec![raw], &mut Scratch::default());
    // A source of the district lets every text through.
    found.posts.remove(0)
}
