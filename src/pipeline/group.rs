//! From assessed posts to problems, alerts and outbox rows.
//!
//! Place in the flow: assign → decide → route for each waiting post in (published, source, id)
//! order; a batch is one transaction. Invariants: posts are taken one by one, so the size of a
//! batch changes nothing; a decision is stored with its outbox rows; a post from the past is judged
//! at its own time and told to nobody.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::district::District;
use super::services::Services;
use super::spread::score_problem;
use super::tallies::{burst_facts, changed_tallies, load_usual, local_time, usual_rules};
use super::{hold, tell, works};
use crate::alert::hold::{Cause, Restraints, overdue};
use crate::alert::{self, QuoteCandidate, Weight};
use crate::cluster::usual::{Heard, Usual, UsualRules};
use crate::cluster::{
    self, CANDIDATES_MAX, Loaded, MEMORY_DAYS, Newcomer, Object, OpenProblems, ProblemFacts,
    RECENT_MAX, Trait,
};
use crate::model::{
    BurstFacts, Held, HeldBy, Membership, PlaceId, Post, PostKey, Problem, ProblemId, ProblemKey,
    QuoteRef, Risk, TopicKind,
};
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
/// A post older than this when it is grouped is the past: decided, never sent.
const PAST_HOURS: i64 = 48;
/// What was written so shortly before the first look at a source is its present, not its past.
const PRESENT_HOURS: i64 = 2;

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

/// A commit without a decision.
pub(super) fn nothing(now: Timestamp) -> GroupCommit {
    GroupCommit {
        tallies: Vec::new(),
        done: Vec::new(),
        events: Vec::new(),
        memberships: Vec::new(),
        alerts: Vec::new(),
        deliveries: Vec::new(),
        followed: Vec::new(),
        follows: Vec::new(),
        held: Vec::new(),
        works: Vec::new(),
        now,
    }
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

/// One batch on its way to a commit.
pub(super) struct Desk<'a> {
    district: &'a District,
    sending: Sending,
    now: Timestamp,
    pub(super) open: OpenProblems,
    /// Words of clauses that may be quoted, by post and start.
    pub(super) words: BTreeMap<(PostKey, u32), String>,
    /// Rumours that stand beside a danger in some post of this batch.
    dangers: BTreeSet<ProblemId>,
    usual: Usual,
    usual_rules: UsualRules,
    /// Problems that posts of this batch joined, the main one first.
    joined: BTreeMap<PostKey, Vec<ProblemId>>,
    /// What may hold alerts back now.
    pub(super) restraints: Restraints,
    pub(super) report: GroupReport,
    pub(super) commit: GroupCommit,
}

impl<'a> Desk<'a> {
    /// A desk with the problems that may be joined, and nothing decided yet.
    pub(super) fn new(
        district: &'a District,
        open: OpenProblems,
        usual: Usual,
        sending: Sending,
        now: Timestamp,
    ) -> Self {
        Self {
            district,
            sending,
            now,
            open,
            words: BTreeMap::new(),
            dangers: BTreeSet::new(),
            usual,
            usual_rules: usual_rules(district),
            joined: BTreeMap::new(),
            restraints: Restraints::default(),
            report: GroupReport::default(),
            commit: nothing(now),
        }
    }

    /// Reads the words of every clause that may be quoted.
    pub(super) async fn read_quotes(&mut self, store: &Store) -> Result<(), StoreError> {
        let quotes: Vec<QuoteRef> =
            self.open.iter().flat_map(|loaded| loaded.quotes.iter().cloned()).collect();
        let words = store.quotes_text(&quotes).await?;
        for (quote, words) in quotes.into_iter().zip(words) {
            self.words.insert((quote.post, quote.span.start), words.unwrap_or_default());
        }
        Ok(())
    }

    pub(super) fn take(&mut self, item: WorkItem, mut newcomer: Newcomer) {
        // What it answers may have joined in this very batch.
        if let Some(parent) = &item.post.parent {
            let parent = PostKey { source: item.post.key.source.clone(), id: parent.clone() };
            let fresh = self.joined.get(&parent).into_iter().flatten();
            let fresh: Vec<_> = fresh.filter(|id| !newcomer.thread.contains(id)).cloned().collect();
            newcomer.thread.extend(fresh);
        }
        self.remember_words(&item);
        // A post with an attitude is a count: its danger is no ground for a rumour either.
        let danger = item.marks.ground
            && item.assessment.findings.iter().any(|f| f.kind == TopicKind::Danger);
        let rules = self.district;
        let score = |facts: &ProblemFacts<'_>| score_problem(rules, facts);
        let assignments =
            cluster::assign(&newcomer, &mut self.open, &self.district.cluster, &score);
        let mut ids: Vec<ProblemId> = assignments
            .iter()
            .filter(|it| it.membership.is_some())
            .map(|it| it.problem.clone())
            .collect();
        // The main one first, as the store tells them.
        if let Some(others) = ids.get_mut(1..) {
            others.sort();
        }
        self.joined.insert(item.post.key.clone(), ids);
        let past = SignedDuration::from_hours(PAST_HOURS);
        let (now, tell) = match self.sending {
            Sending::Suppressed => (item.post.published, false),
            Sending::Live => {
                let fresh = self.now.duration_since(item.post.published) <= past;
                (self.now, fresh && !is_backfill(&item))
            }
        };
        if tell {
            self.commit.works.extend(works::proposed(self.district, &item, now));
        }
        for assignment in assignments {
            let id = assignment.problem;
            let opened = assignment
                .events
                .iter()
                .any(|event| matches!(event.kind, crate::model::ProblemEventKind::Opened { .. }));
            self.report.opened += u32::from(opened);
            self.commit.events.extend(assignment.events.into_iter().map(|e| (id.clone(), e)));
            let reaction = newcomer.thread.contains(&id);
            let burst = assignment.membership.as_ref().and_then(|it| self.observe(it, reaction));
            self.commit.memberships.extend(assignment.membership);
            if danger {
                self.dangers.insert(id.clone());
            }
            self.decide(&id, burst, now, tell);
        }
        self.report.posts += 1;
        self.commit.done.push(item.ticket);
    }

    /// Counts a post of a problem; says whether its topic and place are written about far more than
    /// usual. A copy is no count; `reaction`: it stands below another post of the problem.
    fn observe(&mut self, membership: &Membership, reaction: bool) -> Option<BurstFacts> {
        let problem = &self.open.get(&membership.problem)?.problem;
        if membership.copy {
            return None;
        }
        let place = problem.place.as_ref().map_or("", PlaceId::as_str);
        let heard = Heard { at: local_time(membership.published, self.district), reaction };
        let burst = self.usual.observe(problem.topic.as_str(), place, heard, &self.usual_rules)?;
        Some(burst_facts(&burst))
    }

    fn remember_words(&mut self, item: &WorkItem) {
        for clause in item.assessment.findings.iter().filter_map(|finding| finding.clause) {
            let length = clause.end.saturating_sub(clause.start) as usize;
            let words = item.post.text.chars().skip(clause.start as usize).take(length).collect();
            self.words.insert((item.post.key.clone(), clause.start), words);
        }
    }

    pub(super) fn decide(
        &mut self,
        id: &ProblemId,
        burst: Option<BurstFacts>,
        now: Timestamp,
        live: bool,
    ) {
        let Some(loaded) = self.open.get(id) else { return };
        let (voices, voices_at_least) = loaded.count_voices();
        let weight = Weight {
            voices,
            voices_at_least,
            sources: u32::try_from(loaded.sources.len()).unwrap_or(u32::MAX),
            danger_beside: self.dangers.contains(id),
            burst,
        };
        let late = live && overdue(id, &self.restraints, now).is_some();
        let rules = &self.district.routes.alert;
        let decided = match late {
            true => Some(alert::overdue(&loaded.problem, &weight, now)),
            false => alert::decide(&loaded.problem, &weight, rules, now),
        };
        let Some(decision) = decided else { return };
        let candidates: Vec<QuoteCandidate> = loaded
            .quotes
            .iter()
            .map(|quote| QuoteCandidate {
                words: self
                    .words
                    .get(&(quote.post.clone(), quote.span.start))
                    .cloned()
                    .unwrap_or_default(),
                quote: quote.clone(),
                risk: 0,
            })
            .collect();
        let quotes = alert::choose_quotes(&candidates);
        let restraints = live.then_some(&self.restraints);
        let told =
            tell::tell(self.district, &loaded.problem, &weight, &decision, quotes, restraints);
        if live {
            let problem = loaded.problem.clone();
            self.restrain(&problem, told.held.as_ref(), now);
        }
        if let Some(loaded) = self.open.get_mut(id) {
            loaded.problem.apply(&told.event);
        }
        self.commit.deliveries.extend(told.deliveries);
        self.commit.follows.extend(told.follows);
        self.commit.held.extend(told.held);
        self.commit.events.push((id.clone(), told.event));
        self.commit.alerts.push(told.alert);
        self.report.alerts += 1;
    }
}

impl Desk<'_> {
    /// Remembers what a decision means for the rest of the batch.
    fn restrain(&mut self, problem: &Problem, held: Option<&Held>, now: Timestamp) {
        let Some(held) = held else {
            self.restraints.expected.retain(|(expected, _)| *expected != problem.id);
            self.restraints.causes.retain(|cause| cause.problem != problem.id);
            self.restraints.causes.push(Cause {
                problem: problem.id.clone(),
                topic: problem.topic.clone(),
                place: problem.place.clone(),
                told: now,
            });
            return;
        };
        if held.by == HeldBy::Works {
            self.restraints.expected.push((problem.id.clone(), held.holder.clone()));
        }
    }
}

/// Whether a post had been there long before anybody looked at its source: a new source tells
/// nobody about its past.
fn is_backfill(item: &WorkItem) -> bool {
    let present = SignedDuration::from_hours(PRESENT_HOURS);
    let begin = item.first_look.and_then(|first| first.saturating_sub(present).ok());
    begin.is_some_and(|begin| item.post.published < begin)
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
    let calm = |risk: &Risk| risk::is_calm(risk, &district.risk);
    let risks = marks.risks.iter();
    let objects = marks.objects.iter().map(|(topic, (name, first))| {
        (topic.clone(), Object { name: name.clone(), topic: first.clone() })
    });
    Newcomer {
        key: post.key.clone(),
        published: post.published,
        findings: assessment.findings.clone(),
        places: assessment.places.clone(),
        risks: marks.risks.clone(),
        calm: risks.filter(|(_, risk)| calm(risk)).map(|(topic, _)| topic.clone()).collect(),
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
