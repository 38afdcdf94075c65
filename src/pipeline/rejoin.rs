//! Problems joined once more from what is stored, and compared with those that are there.
//!
//! Place in the flow: `otklik problems replay`; reads, changes nothing. What a post says (findings,
//! places) is taken as stored; how it may join (complaint, object, echo, ground) is judged from its
//! text by the present packs, because those marks die with the work they were made for. Posts come
//! in the order in which they were stored, and what people did (closing, merging, splitting) at its
//! time. Of an edited post the older texts are gone: what they joined is known from where it is.
//! Invariant: with the packs that judged the posts, and their texts still there, the result equals
//! the live one.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::assess::{is_echo, marks_of};
use super::district::District;
use super::group::newcomer_of;
use super::spread::score_problem;
use crate::classify::{Scratch, classify};
use crate::cluster::{self, Loaded, Newcomer, Object, OpenProblems, ProblemFacts, Trait};
use crate::model::{
    Classified, CloseReason, Finding, PlaceBy, PlaceFinding, PostKey, Problem, ProblemEvent,
    ProblemEventKind, ProblemId, TopicId,
};
use crate::store::{OlderTopics, PostMark, PostState, Store, StoreError, StoredPost, WorkMarks};

/// Posts read at once.
const PAGE: u32 = 2_000;

/// A post that the replay puts elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Which.
    pub post: PostKey,
    /// Its problems as they are.
    pub live: BTreeSet<ProblemId>,
    /// Its problems in the replay.
    pub replayed: BTreeSet<ProblemId>,
}

/// What joining again found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rejoined {
    /// Posts compared.
    pub posts: u32,
    /// Problems that opened in the replay since then.
    pub problems: u32,
    /// Posts whose text is gone: how they may join is known from where they are.
    pub without_text: u32,
    /// Posts among them whose text was another one before.
    pub edited: u32,
    /// Posts among them that a person took out of a problem.
    pub by_person: u32,
    /// Posts that the replay puts elsewhere.
    pub moved: Vec<Moved>,
}

/// Replays everything stored and compares the posts published since then.
pub async fn rejoin(
    store: &Store,
    district: &District,
    since: Timestamp,
) -> Result<Rejoined, StoreError> {
    let posts = all_posts(store).await?;
    let older = store.older_topics().await?;
    let problems: BTreeMap<ProblemId, Problem> = all_problems(store).await?;
    let mut hands = by_hand(store, problems.keys()).await?.into_iter().peekable();
    let parted = store.parted_posts().await?;
    let mut stage = Stage {
        district,
        open: OpenProblems::new(district.id.clone()),
        said: BTreeMap::new(),
        joined: BTreeMap::new(),
        parted: &parted,
        scratch: Scratch::default(),
        found: Rejoined::default(),
    };
    for Turn { at, post, topics } in in_order(&posts, &older) {
        while let Some((id, event)) = hands.next_if(|(_, event)| event.at < at) {
            stage.hand(&id, &event);
        }
        match topics {
            None => stage.take(post, at),
            Some(topics) => stage.seat(post, topics, &problems),
        }
    }
    for (id, event) in hands {
        stage.hand(&id, &event);
    }
    let taken: BTreeSet<&PostKey> = parted.iter().map(|(post, ..)| post).collect();
    for post in posts.iter().filter(|post| post.post.published >= since) {
        stage.compare(post);
        stage.found.by_person += u32::from(taken.contains(&post.post.key));
        stage.found.edited += u32::from(older.contains_key(&post.post.key));
    }
    let opened = stage.open.iter().filter(|loaded| loaded.problem.opened >= since);
    stage.found.problems = u32::try_from(opened.count()).unwrap_or(u32::MAX);
    Ok(stage.found)
}

/// A text that reached the store.
struct Turn<'a> {
    at: Timestamp,
    post: &'a StoredPost,
    /// Topics of a text that is gone; nothing for the text that is there.
    topics: Option<&'a BTreeSet<TopicId>>,
}

/// All texts, in the order in which they reached the store.
fn in_order<'a>(posts: &'a [StoredPost], older: &'a OlderTopics) -> Vec<Turn<'a>> {
    let mut turns: Vec<Turn<'a>> = Vec::new();
    for post in posts {
        let mut at = post.stored;
        for (replaced, topics) in older.get(&post.post.key).into_iter().flatten() {
            turns.push(Turn { at, post, topics: Some(topics) });
            at = *replaced;
        }
        turns.push(Turn { at, post, topics: None });
    }
    turns.sort_by(|a, b| {
        let order = |turn: &Turn<'_>| (turn.at, turn.post.post.published);
        order(a).cmp(&order(b)).then_with(|| a.post.post.key.cmp(&b.post.post.key))
    });
    turns
}

/// All posts.
async fn all_posts(store: &Store) -> Result<Vec<StoredPost>, StoreError> {
    let mut posts: Vec<StoredPost> = Vec::new();
    let mut mark: Option<PostMark> = None;
    loop {
        let page = store.export_posts(None, mark.as_ref(), PAGE).await?;
        let Some(last) = page.last() else { break };
        mark = Some(PostMark { published: last.post.published, key: last.post.key.clone() });
        posts.extend(page);
    }
    Ok(posts)
}

/// All problems, by id.
async fn all_problems(store: &Store) -> Result<BTreeMap<ProblemId, Problem>, StoreError> {
    let all = store.export_problems(None, None, u32::MAX).await?;
    Ok(all.into_iter().map(|stored| (stored.problem.id.clone(), stored.problem)).collect())
}

/// What people did to problems, by time.
async fn by_hand(
    store: &Store,
    problems: impl Iterator<Item = &ProblemId>,
) -> Result<Vec<(ProblemId, ProblemEvent)>, StoreError> {
    let mut events = Vec::new();
    for id in problems {
        for event in store.problem_events(id).await? {
            let by_person = match &event.kind {
                ProblemEventKind::Closed { reason } => *reason == CloseReason::Person,
                ProblemEventKind::Reinstated
                | ProblemEventKind::Merged { .. }
                | ProblemEventKind::Absorbed { .. }
                | ProblemEventKind::Split { .. } => true,
                _ => false,
            };
            if by_person {
                events.push((id.clone(), event));
            }
        }
    }
    // A split makes the problem that the next event fills.
    let second = |event: &ProblemEvent| matches!(event.kind, ProblemEventKind::Absorbed { .. });
    events.sort_by(|a, b| {
        let order = |it: &(ProblemId, ProblemEvent)| (it.1.at, second(&it.1));
        order(a).cmp(&order(b)).then_with(|| a.0.cmp(&b.0))
    });
    Ok(events)
}

/// A replay under way.
struct Stage<'a> {
    district: &'a District,
    open: OpenProblems,
    /// What every post of every problem said.
    said: BTreeMap<ProblemId, BTreeMap<(Timestamp, PostKey), Trait>>,
    joined: BTreeMap<PostKey, Vec<ProblemId>>,
    /// Posts that people took out, of which problem and when.
    parted: &'a [(PostKey, ProblemId, Timestamp)],
    scratch: Scratch,
    found: Rejoined,
}

impl Stage<'_> {
    /// Does again what a person did to a problem.
    fn hand(&mut self, id: &ProblemId, event: &ProblemEvent) {
        match &event.kind {
            ProblemEventKind::Merged { into } => self.relocate(id, into, &|_| true),
            ProblemEventKind::Split { new, .. } => {
                let mine = |it: &&(PostKey, ProblemId, Timestamp)| (&it.1, it.2) == (id, event.at);
                let posts: BTreeSet<PostKey> =
                    self.parted.iter().filter(mine).map(|it| it.0.clone()).collect();
                self.begin_split(id, new);
                self.relocate(id, new, &|post| posts.contains(post));
            }
            _ => {}
        }
        if let Some(loaded) = self.open.get_mut(id) {
            loaded.problem.apply(event);
        }
    }

    /// A problem like `from`, without posts.
    fn begin_split(&mut self, from: &ProblemId, new: &ProblemId) {
        let Some(from) = self.open.get(from).map(|loaded| &loaded.problem) else { return };
        let place = from.place.clone();
        let (topic, kind) = (from.topic.clone(), from.kind);
        let mut problem = Problem::open(new.clone(), topic, kind, place, Timestamp::MIN);
        // The event that fills it says since when.
        problem.opened = Timestamp::MAX;
        problem.address.clone_from(&from.address);
        problem.object.clone_from(&from.object);
        self.open.load(Loaded::new(problem));
    }

    /// Moves posts from one problem to another.
    fn relocate(&mut self, from: &ProblemId, into: &ProblemId, moves: &dyn Fn(&PostKey) -> bool) {
        self.open.move_posts(from, into, &mut self.said, moves);
        for (_, ids) in self.joined.iter_mut().filter(|(post, _)| moves(post)) {
            let Some(place) = ids.iter().position(|id| id == from) else { continue };
            ids[place].clone_from(into);
            let mut met = BTreeSet::new();
            ids.retain(|id| met.insert(id.clone()));
            if let Some(others) = ids.get_mut(1..) {
                others.sort();
            }
        }
    }

    /// Takes the text that is there, at the time when it reached the store.
    fn take(&mut self, stored: &StoredPost, at: Timestamp) {
        let marks = self.marks(stored);
        let post = &stored.post;
        let parent = post
            .parent
            .as_ref()
            .map(|id| PostKey { source: post.key.source.clone(), id: id.clone() });
        let mut item = newcomer_of(post, &stored.assessment, &marks, self.district);
        item.thread = parent.and_then(|key| self.joined.get(&key).cloned()).unwrap_or_default();
        item.member_of = self.joined.get(&post.key).cloned().unwrap_or_default();
        let barred = self.parted.iter().filter(|(key, _, when)| *key == post.key && *when < at);
        item.barred = barred.map(|(_, problem, _)| problem.clone()).collect();
        self.assign(&item);
    }

    /// Takes a text of these topics that is gone: it joins what the post is in.
    fn seat(
        &mut self,
        stored: &StoredPost,
        topics: &BTreeSet<TopicId>,
        problems: &BTreeMap<ProblemId, Problem>,
    ) {
        let present: BTreeSet<&TopicId> =
            stored.assessment.findings.iter().map(|finding| &finding.topic).collect();
        let marks = self.marks(stored);
        for problem in stored.problems.iter().filter_map(|id| problems.get(id)) {
            if !topics.contains(&problem.topic) && present.contains(&problem.topic) {
                continue;
            }
            let item = newcomer_of(&stored.post, &stored.assessment, &marks, self.district);
            self.assign(&Newcomer {
                member_of: self.joined.get(&item.key).cloned().unwrap_or_default(),
                findings: vec![finding_of(problem)],
                places: vec![place_of(problem)],
                risks: [(problem.topic.clone(), stored.assessment.risk.clone())].into(),
                calm: BTreeMap::new(),
                objects: object_of(problem).into_iter().collect(),
                echo: false,
                ground: true,
                ..item
            });
        }
    }

    fn assign(&mut self, item: &Newcomer) {
        let district = self.district;
        let score = |facts: &ProblemFacts<'_>| score_problem(district, facts);
        let done = cluster::assign(item, &mut self.open, &district.cluster, &score);
        let mut ids = self.joined.get(&item.key).cloned().unwrap_or_default();
        for done in done.into_iter().filter(|it| it.membership.is_some()) {
            let place = (item.published, item.key.clone());
            let loaded = self.open.get(&done.problem);
            let said = loaded.and_then(|loaded| loaded.recent.get(&place)).cloned();
            let all = self.said.entry(done.problem.clone()).or_default();
            all.insert(place, said.unwrap_or_default());
            ids.push(done.problem);
        }
        if let Some(others) = ids.get_mut(1..) {
            others.sort();
        }
        if !ids.is_empty() {
            self.joined.insert(item.key.clone(), ids);
        }
    }

    fn marks(&mut self, stored: &StoredPost) -> WorkMarks {
        let StoredPost { post, state, assessment, problems, .. } = stored;
        if *state != PostState::Live {
            let topics = assessment.findings.iter().map(|finding| finding.topic.clone());
            return WorkMarks {
                ground: !problems.is_empty() && !post.official,
                risks: topics.map(|topic| (topic, assessment.risk.clone())).collect(),
                ..WorkMarks::default()
            };
        }
        let said = classify(&post.text, &self.district.lexicon, &mut self.scratch);
        let classified = Classified { findings: assessment.findings.clone(), ..said };
        let echo = post.parent.is_some() && is_echo(post, &classified);
        marks_of(self.district, post, &classified, &assessment.places, echo)
    }

    fn compare(&mut self, stored: &StoredPost) {
        self.found.posts += 1;
        self.found.without_text += u32::from(stored.state != PostState::Live);
        let live: BTreeSet<ProblemId> = stored.problems.iter().cloned().collect();
        let post = stored.post.key.clone();
        let replayed = self.joined.get(&post).into_iter().flatten().cloned().collect();
        if live != replayed {
            self.found.moved.push(Moved { post, live, replayed });
        }
    }
}

/// A finding that leads to this problem.
fn finding_of(problem: &Problem) -> Finding {
    let (topic, kind) = (problem.topic.clone(), problem.kind);
    Finding { topic, score: 100, kind, matches: Vec::new(), clause: None }
}

/// A place that leads to this problem.
fn place_of(problem: &Problem) -> PlaceFinding {
    let (street, house) = match problem.address.as_deref().map(|it| it.split_once(", ")) {
        Some(Some((street, house))) => (Some(street.to_owned()), Some(house.to_owned())),
        _ => (problem.address.clone(), None),
    };
    PlaceFinding {
        place: problem.place.clone(),
        title: String::new(),
        by: PlaceBy::Text,
        elsewhere: false,
        span: None,
        street,
        house,
        street_start: None,
        street_end: None,
    }
}

/// The object that this problem is about.
fn object_of(problem: &Problem) -> Option<(TopicId, Object)> {
    let topic = problem.topic.clone();
    let name = problem.object.clone()?;
    Some((topic.clone(), Object { name, topic }))
}
