//! The problems that a post may join, as loaded, and the counts kept with them.
//!
//! Place in the flow: filled by the pipeline from the store, changed by `assign`. Invariants: holds
//! what [`assign`](super::assign) may look at for the posts in question, or a post would open a
//! second problem; what is kept of a problem has a bound, so a post costs the same after ten years;
//! voices are opaque marks that are only counted.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::key::Subject;
use super::{Newcomer, RECENT_MAX};
use crate::model::{
    DistrictId, PlaceId, PostKey, Problem, ProblemEvent, ProblemEventKind, ProblemId, ProblemKey,
    QuoteRef, SourceId,
};
use crate::text::Sketch;

/// A voice with the month of its key.
pub type VoiceMark = (u32, [u8; 8]);

/// What one of the latest posts of a problem said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trait {
    /// Its sketch, if it says enough and is no copy.
    pub sketch: Option<Sketch>,
    /// Street and house that it names.
    pub address: Option<String>,
    /// Its voice, if it is no copy and no page's own text.
    pub voice: Option<[u8; 8]>,
}

/// A problem with what belongs to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// Its state.
    pub problem: Problem,
    /// Voices since it opened or last came back, by month; at least those of the months that posts
    /// may come from.
    pub voices: BTreeMap<u32, BTreeSet<[u8; 8]>>,
    /// Sources that carry it.
    pub sources: BTreeSet<SourceId>,
    /// Clauses kept for quoting.
    pub quotes: Vec<QuoteRef>,
    /// Hashes of texts that pages wrote in their own name, with their last time.
    pub own_texts: BTreeMap<u64, Timestamp>,
    /// The latest [`RECENT_MAX`] posts.
    pub recent: BTreeMap<(Timestamp, PostKey), Trait>,
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
            own_texts: BTreeMap::new(),
            recent: BTreeMap::new(),
        }
    }

    /// Its key.
    #[must_use]
    pub fn key(&self) -> ProblemKey {
        ProblemKey {
            aspect: self.problem.aspect().to_owned(),
            place: self.problem.place.clone(),
            address: self.problem.address.clone(),
        }
    }

    /// Distinct voices (of the largest month) since it opened or last came back, and whether there
    /// may be more: keys of months do not join, and the oldest voices are not loaded.
    #[must_use]
    pub fn count_voices(&self) -> (u32, bool) {
        let (loaded, months) = count_voices(&self.voices);
        let known = self.problem.voices;
        (known.max(loaded), months || known > loaded || self.problem.spans_months())
    }

    /// It comes back: whoever wrote before that counts no more.
    pub(super) fn come_back(&mut self, event: &ProblemEvent) {
        self.problem.apply(event);
        self.voices.clear();
    }

    /// Sources of the latest posts since it opened or last came back.
    #[must_use]
    pub fn sources_since(&self) -> u32 {
        let latest = self.recent.keys().filter(|(at, _)| *at >= self.problem.since());
        let sources: BTreeSet<&SourceId> = latest.map(|(_, post)| &post.source).collect();
        let all = if self.problem.back.is_some() { sources.len() } else { self.sources.len() };
        u32::try_from(all).unwrap_or(u32::MAX)
    }

    /// Whether all posts of another problem are its own too, as far as the latest are kept.
    #[must_use]
    pub fn has_posts_of(&self, other: &Loaded) -> bool {
        other.problem.posts as usize <= other.recent.len()
            && other.recent.keys().all(|place| self.recent.contains_key(place))
    }

    /// Remembers one more post, and forgets the oldest beyond the bound.
    pub(super) fn remember(&mut self, published: Timestamp, post: &PostKey, said: Trait) {
        self.recent.insert((published, post.clone()), said);
        if self.recent.len() > RECENT_MAX {
            self.recent.pop_first();
        }
    }

    /// Distinct voices of the latest posts between two instants, both counted.
    pub(super) fn voices_between(&self, from: Timestamp, to: Timestamp) -> u32 {
        let latest = self.recent.iter().filter(|((at, _), _)| (from..=to).contains(at));
        let voices: BTreeSet<[u8; 8]> = latest.filter_map(|(_, said)| said.voice).collect();
        u32::try_from(voices.len()).unwrap_or(u32::MAX)
    }

    /// Streets and houses that its latest posts name since it opened or last came back, the most
    /// frequent first, at most so many.
    #[must_use]
    pub fn addresses(&self, most: usize) -> Vec<String> {
        let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
        if let Some(address) = &self.problem.address {
            counts.insert(address, u32::MAX / 2);
        }
        let latest = self.recent.iter().filter(|((at, _), _)| *at >= self.problem.since());
        for address in latest.filter_map(|(_, said)| said.address.as_deref()) {
            *counts.entry(address).or_default() += 1;
        }
        let mut order: Vec<(&str, u32)> = counts.into_iter().collect();
        order.sort_by_key(|(address, count)| (std::cmp::Reverse(*count), *address));
        order.into_iter().take(most).map(|(address, _)| address.to_owned()).collect()
    }

    /// How like its latest posts a text is: the most alike counts.
    pub(super) fn likeness(&self, sketch: &Sketch) -> f64 {
        let told = self.recent.values().filter_map(|said| said.sketch.as_ref());
        told.map(|other| other.likeness(sketch)).fold(0.0, f64::max)
    }

    /// Whether one of its latest posts says the same in the same words.
    pub(super) fn has_copy(&self, sketch: &Sketch) -> bool {
        let mut told = self.recent.values().filter_map(|said| said.sketch.as_ref());
        told.any(|other| other.copies(sketch))
    }

    /// Whether its latest posts name streets or houses, and this is none of them.
    pub(super) fn is_at_others(&self, address: &str) -> bool {
        let mut named = self.recent.values().filter_map(|said| said.address.as_deref()).peekable();
        named.peek().is_some() && !named.any(|other| other == address)
    }
}

/// Problems that posts may join, of one district.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenProblems {
    district: DistrictId,
    by_id: BTreeMap<ProblemId, Loaded>,
    by_key: BTreeMap<ProblemKey, Vec<ProblemId>>,
}

impl OpenProblems {
    /// No problems yet.
    #[must_use]
    pub fn new(district: DistrictId) -> Self {
        Self { district, by_id: BTreeMap::new(), by_key: BTreeMap::new() }
    }

    /// Adds a problem; replaces the one of the same id.
    pub fn load(&mut self, loaded: Loaded) {
        let ids = self.by_key.entry(loaded.key()).or_default();
        if !ids.contains(&loaded.problem.id) {
            ids.push(loaded.problem.id.clone());
        }
        self.by_id.insert(loaded.problem.id.clone(), loaded);
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
    pub(super) fn of_key(&self, key: &ProblemKey) -> impl Iterator<Item = &Loaded> {
        self.by_key.get(key).into_iter().flatten().filter_map(|id| self.by_id.get(id))
    }

    /// The problem that has the posts of this one: itself, unless a person merged it.
    pub(super) fn living<'a>(&'a self, loaded: &'a Loaded) -> &'a Loaded {
        let mut living = loaded;
        // As many steps as there are problems: two merges cannot make a circle, but rows may lie.
        for _ in 0..self.by_id.len() {
            match living.problem.merged.as_ref().and_then(|into| self.by_id.get(into)) {
                Some(next) => living = next,
                None => break,
            }
        }
        living
    }

    /// A person moved posts from one problem to another: what is remembered of them goes over.
    /// `all` holds what both have ever remembered, because a problem keeps its latest posts only.
    pub fn move_posts(
        &mut self,
        from: &ProblemId,
        into: &ProblemId,
        all: &mut BTreeMap<ProblemId, BTreeMap<(Timestamp, PostKey), Trait>>,
        moves: impl Fn(&PostKey) -> bool,
    ) {
        let kept = all.remove(from).unwrap_or_default();
        let (gone, stay): (BTreeMap<_, _>, BTreeMap<_, _>) =
            kept.into_iter().partition(|((_, post), _)| moves(post));
        all.insert(from.clone(), stay);
        all.entry(into.clone()).or_default().extend(gone);
        for id in [from, into] {
            let Some(loaded) = self.by_id.get_mut(id) else { continue };
            let said = all.get(id).into_iter().flatten();
            let latest = said.rev().take(RECENT_MAX);
            loaded.recent = latest.map(|(at, said)| (at.clone(), said.clone())).collect();
        }
    }

    /// Begins a problem with this post as its first.
    pub(super) fn begin(
        &mut self,
        subject: &Subject,
        item: &Newcomer,
    ) -> (ProblemId, ProblemEvent) {
        let Subject { key, topic, kind, .. } = subject;
        let id = problem_id(&self.district, key, &item.key);
        let object = (key.aspect != topic.as_str()).then(|| key.aspect.clone());
        let opened = ProblemEvent {
            at: item.published,
            kind: ProblemEventKind::Opened {
                topic: topic.clone(),
                kind: *kind,
                place: key.place.clone(),
                address: key.address.clone(),
                object,
            },
        };
        let mut problem =
            Problem::open(id.clone(), topic.clone(), *kind, key.place.clone(), item.published);
        problem.apply(&opened);
        self.load(Loaded::new(problem));
        (id, opened)
    }
}

/// Id of the problem that `first` opens: the same for the same post, key and district.
#[must_use]
pub fn problem_id(district: &DistrictId, key: &ProblemKey, first: &PostKey) -> ProblemId {
    let place = key.place.as_ref().map_or("", PlaceId::as_str);
    let mut parts = vec![district.as_str(), key.aspect.as_str(), place];
    parts.extend(key.address.as_deref());
    parts.extend([first.source.as_str(), first.id.as_str()]);
    ProblemId(format!("p{}", hash(&parts)))
}

/// Id of the problem that a person split off `from` with these posts.
#[must_use]
pub fn split_id(from: &ProblemId, posts: &BTreeSet<PostKey>) -> ProblemId {
    let keys = posts.iter().flat_map(|post| [post.source.as_str(), post.id.as_str()]);
    let parts: Vec<&str> = std::iter::once(from.as_str()).chain(keys).collect();
    ProblemId(format!("p{}", hash(&parts)))
}

/// 12 hex digits over parts that cannot run into each other.
fn hash(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// Distinct voices and whether the number is a lower bound: keys of months do not join, so over
/// several months the largest month's number counts.
#[must_use]
pub fn count_voices(voices: &BTreeMap<u32, BTreeSet<[u8; 8]>>) -> (u32, bool) {
    let most = voices.values().map(BTreeSet::len).max().unwrap_or_default();
    let months = voices.values().filter(|month| !month.is_empty()).count();
    (u32::try_from(most).unwrap_or(u32::MAX), months > 1)
}
