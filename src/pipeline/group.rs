//! From assessed posts to problems, alerts and outbox rows.
//!
//! Place in the flow: assign → decide → route for each waiting post in (published, source, id)
//! order; a batch is one transaction. Invariants: posts are taken one by one, so the size of a
//! batch changes nothing; a decision is stored with its outbox rows.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::desk::Desk;
use super::district::District;
use super::hold;
use super::services::Services;
use super::tallies::{changed_tallies, load_usual};
use crate::cluster::{
    CANDIDATES_MAX, Loaded, MEMORY_DAYS, Newcomer, Object, OpenProblems, RECENT_MAX, Trait,
};
use crate::model::{Post, ProblemId, ProblemKey};
use crate::risk;
use crate::store::{
    Assessment, GroupCommit, GroupOutcome, LoadedProblem, ProblemsWanted, Store, StoreError,
    WorkItem, WorkMarks,
};
use crate::text::{Sketch, fingerprint};

/// Most posts in one transaction.
const BATCH: u32 = 200;
/// Tries of a batch whose posts changed meanwhile.
const TRIES: u32 = 5;

/// How decisions are carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sending {
    /// `now` is the clock's; alerts go to the outbox.
    Live,
    /// `now` is each post's own time; deliveries are stored as suppressed (import).
    Suppressed,
}

/// What grouping did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GroupReport {
    /// Posts grouped.
    pub posts: u32,
    /// Problems opened.
    pub opened: u32,
    /// Alerts decided.
    pub alerts: u32,
}

/// Groups everything that waits.
pub async fn group(
    services: &Services,
    district: &District,
    sending: Sending,
) -> Result<GroupReport, StoreError> {
    group_store(&services.store, district, sending, || services.clock.now()).await
}

/// The same over a bare store; `now` is asked once a batch.
pub async fn group_store(
    store: &Store,
    district: &District,
    sending: Sending,
    now: impl Fn() -> Timestamp,
) -> Result<GroupReport, StoreError> {
    let mut report = GroupReport::default();
    let mut stale = 0;
    loop {
        let work = store.take_work(BATCH).await?;
        if work.is_empty() || stale >= TRIES {
            return Ok(report);
        }
        let (commit, batch) = decide_batch(store, district, work, sending, now()).await?;
        match store.commit_group(commit).await? {
            GroupOutcome::Committed => {
                report.posts += batch.posts;
                report.opened += batch.opened;
                report.alerts += batch.alerts;
                stale = 0;
            }
            GroupOutcome::Stale => stale += 1,
        }
    }
}

async fn decide_batch(
    store: &Store,
    district: &District,
    work: Vec<WorkItem>,
    sending: Sending,
    now: Timestamp,
) -> Result<(GroupCommit, GroupReport), StoreError> {
    let newcomers: Vec<Newcomer> = work.iter().map(|item| newcomer(item, district)).collect();
    let open = load_open(store, district, &newcomers).await?;
    let usual = load_usual(store, district, &newcomers, &open).await?;
    let mut desk = Desk::new(district, open, usual, sending, now);
    if sending == Sending::Live {
        desk.restraints = hold::restraints(store, district, now).await?;
    }
    desk.read_quotes(store).await?;
    for (item, newcomer) in work.into_iter().zip(newcomers) {
        desk.take(item, newcomer);
    }
    desk.commit.tallies = changed_tallies(&desk.usual);
    Ok((desk.commit, desk.report))
}

/// Loads every problem that the posts may touch, and of each what they may ask for.
async fn load_open(
    store: &Store,
    district: &District,
    newcomers: &[Newcomer],
) -> Result<OpenProblems, StoreError> {
    let rules = &district.cluster;
    let mut keys: BTreeSet<ProblemKey> = BTreeSet::new();
    let mut ids: BTreeSet<ProblemId> = BTreeSet::new();
    let mut first = Timestamp::MAX;
    for item in newcomers {
        first = first.min(item.published);
        ids.extend(item.member_of.iter().chain(&item.thread).cloned());
        keys.extend(item.keys(rules));
    }
    let back = |days: u32| {
        let span = SignedDuration::from_hours(24 * i64::from(days));
        first.saturating_sub(span).unwrap_or(Timestamp::MIN)
    };
    let wanted = ProblemsWanted {
        keys: keys.into_iter().collect(),
        since: back(rules.reopen_days + 1),
        each_max: CANDIDATES_MAX,
        ids: ids.into_iter().collect(),
        // Voices are asked for by month, own texts by their memory.
        horizon: back(MEMORY_DAYS.max(31) + 1),
        recent_max: RECENT_MAX,
    };
    let mut open = OpenProblems::new(district.id.clone());
    for loaded in store.wanted_problems(wanted).await? {
        open.load(loaded_problem(loaded));
    }
    Ok(open)
}

/// These problems as grouping sees them.
pub(super) async fn load_problems(
    store: &Store,
    district: &District,
    ids: &[ProblemId],
) -> Result<OpenProblems, StoreError> {
    let mut open = OpenProblems::new(district.id.clone());
    for loaded in store.problems(ids).await? {
        open.load(loaded_problem(loaded));
    }
    Ok(open)
}

fn loaded_problem(stored: LoadedProblem) -> Loaded {
    let recent = stored.recent.into_iter().map(|member| {
        let sketch = member.sketch.as_deref().map(Sketch::from_bytes);
        (
            (member.published, member.post),
            Trait { sketch, address: member.address, voice: member.voice },
        )
    });
    let own_texts = stored.own_texts.iter().map(|(bytes, at)| (text_hash(bytes), *at));
    Loaded {
        voices: stored.voices,
        sources: stored.sources,
        quotes: stored.quotes,
        own_texts: own_texts.collect(),
        recent: recent.collect(),
        problem: stored.problem,
    }
}

/// The number of a stored fingerprint (big-endian, as `assess` writes it).
fn text_hash(fingerprint: &[u8]) -> u64 {
    fingerprint.iter().take(8).fold(0, |hash, &byte| hash << 8 | u64::from(byte))
}

/// A waiting post as `cluster` sees it.
pub(super) fn newcomer(item: &WorkItem, district: &District) -> Newcomer {
    let voices = item.voices.iter().map(|it| (it.topic.clone(), (it.month, it.voice)));
    Newcomer {
        voices: voices.collect(),
        text_hash: text_hash(&item.fingerprint),
        thread: item.parent_joined.clone(),
        member_of: item.joined.clone(),
        barred: item.parted.clone(),
        ..newcomer_of(&item.post, &item.assessment, &item.marks, district)
    }
}

/// A stored post as it looks for its problems for the first time, without voices and thread.
pub(super) fn newcomer_of(
    post: &Post,
    assessment: &Assessment,
    marks: &WorkMarks,
    district: &District,
) -> Newcomer {
    let rules = &district.risk;
    let calm = marks.risks.iter().filter(|(_, risk)| risk::is_calm(risk, rules));
    let objects = marks.objects.iter().map(|(topic, (name, first))| {
        (topic.clone(), Object { name: name.clone(), topic: first.clone() })
    });
    Newcomer {
        key: post.key.clone(),
        published: post.published,
        findings: assessment.findings.clone(),
        places: assessment.places.clone(),
        risks: marks.risks.clone(),
        calm: calm.map(|(it, risk)| (it.clone(), risk::if_complained(risk, rules))).collect(),
        objects: objects.collect(),
        echo: marks.echo,
        sketch: Sketch::of(&post.text),
        voices: BTreeMap::new(),
        own_name: post.own_name,
        official: post.official,
        ground: marks.ground,
        quotable: marks.quotable,
        text_hash: fingerprint(&post.text),
        thread: Vec::new(),
        member_of: Vec::new(),
        barred: Vec::new(),
    }
}
