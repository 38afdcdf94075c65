//! The problems that a post may join, as loaded, and the counts kept with them.
//!
//! Place in the flow: filled by the pipeline from the store, changed by `assign`. Invariant: holds
//! every problem of the keys in question whose last post is not older than the reopening time, or a
//! post would open a second problem; voices are opaque marks that are only counted.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::Newcomer;
use crate::model::{
    DistrictId, PlaceId, PostKey, Problem, ProblemId, QuoteRef, SourceId, TopicId, TopicKind,
};

/// A voice with the month of its key.
pub type VoiceMark = (u32, [u8; 8]);

/// A problem with what belongs to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// Its state.
    pub problem: Problem,
    /// Voices by month.
    pub voices: BTreeMap<u32, BTreeSet<[u8; 8]>>,
    /// Sources that carry it.
    pub sources: BTreeSet<SourceId>,
    /// Clauses kept for quoting.
    pub quotes: Vec<QuoteRef>,
    /// Hashes of texts that pages wrote in their own name.
    pub own_texts: BTreeSet<u64>,
}

impl Loaded {
    /// A problem that nobody has written about yet.
    #[must_use]
    pub fn new(problem: Problem) -> Self {
        Self {
            problem,
            voices: BTreeMap::new(),
            sources: BTreeSet::new(),
            quotes: Vec::new(),
            own_texts: BTreeSet::new(),
        }
    }
}

type Key = (TopicId, Option<PlaceId>);

/// Problems that posts may join, of one district.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenProblems {
    district: DistrictId,
    by_id: BTreeMap<ProblemId, Loaded>,
    by_key: BTreeMap<Key, Vec<ProblemId>>,
}

impl OpenProblems {
    /// No problems yet.
    #[must_use]
    pub fn new(district: DistrictId) -> Self {
        Self { district, by_id: BTreeMap::new(), by_key: BTreeMap::new() }
    }

    /// Adds a problem; replaces the one of the same id.
    pub fn load(&mut self, loaded: Loaded) {
        let problem = &loaded.problem;
        let ids = self.by_key.entry((problem.topic.clone(), problem.place.clone())).or_default();
        if !ids.contains(&problem.id) {
            ids.push(problem.id.clone());
        }
        self.by_id.insert(problem.id.clone(), loaded);
    }

    /// The problem of this id.
    #[must_use]
    pub fn get(&self, id: &ProblemId) -> Option<&Loaded> {
        self.by_id.get(id)
    }

    /// The problem of this id, to change.
    pub fn get_mut(&mut self, id: &ProblemId) -> Option<&mut Loaded> {
        self.by_id.get_mut(id)
    }

    /// All problems, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Loaded> {
        self.by_id.values()
    }

    /// Problems of one key.
    pub(super) fn of_key(
        &self,
        topic: &TopicId,
        place: Option<&PlaceId>,
    ) -> impl Iterator<Item = &Loaded> {
        let ids = self.by_key.get(&(topic.clone(), place.cloned()));
        ids.into_iter().flatten().filter_map(|id| self.by_id.get(id))
    }

    /// Whether this problem is here and has this key.
    pub(super) fn has_key(&self, id: &ProblemId, topic: &TopicId, place: Option<&PlaceId>) -> bool {
        self.by_id.get(id).is_some_and(|loaded| {
            loaded.problem.topic == *topic && loaded.problem.place.as_ref() == place
        })
    }

    /// Begins a problem with this post as its first.
    pub(super) fn begin(
        &mut self,
        topic: &TopicId,
        kind: TopicKind,
        place: Option<&PlaceId>,
        item: &Newcomer,
    ) -> ProblemId {
        let id = problem_id(&self.district, topic, place, &item.key);
        let problem =
            Problem::open(id.clone(), topic.clone(), kind, place.cloned(), item.published);
        self.load(Loaded::new(problem));
        id
    }
}

/// Id of the problem that `first` opens: the same for the same post, key and district.
#[must_use]
pub fn problem_id(
    district: &DistrictId,
    topic: &TopicId,
    place: Option<&PlaceId>,
    first: &PostKey,
) -> ProblemId {
    let place = place.map_or("", PlaceId::as_str);
    let parts =
        [district.as_str(), topic.as_str(), place, first.source.as_str(), first.id.as_str()];
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let hex: String = hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    ProblemId(format!("p{hex}"))
}

/// Distinct voices and whether the number is a lower bound: keys of months do not join, so over
/// several months the largest month's number counts.
#[must_use]
pub fn count_voices(voices: &BTreeMap<u32, BTreeSet<[u8; 8]>>) -> (u32, bool) {
    let most = voices.values().map(BTreeSet::len).max().unwrap_or_default();
    let months = voices.values().filter(|month| !month.is_empty()).count();
    (u32::try_from(most).unwrap_or(u32::MAX), months > 1)
}
