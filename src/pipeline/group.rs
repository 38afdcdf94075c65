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
use super::tell;
use crate::alert::{self, QuoteCandidate, Weight};
use crate::cluster::{
    self, CANDIDATES_MAX, Loaded, MEMORY_DAYS, Newcomer, Object, OpenProblems, ProblemFacts,
    RECENT_MAX, Trait,
};
use crate::model::{
    PostKey, ProblemId, ProblemKey, QuoteRef, Risk, RiskLevel, RiskReason, TopicKind,
};
use crate::risk::{self, ProblemSpread};
use crate::store::{
    GroupCommit, GroupOutcome, LoadedProblem, ProblemsWanted, Store, StoreError, WorkItem,
};
use crate::text::Sketch;

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
    let mut desk = Desk::new(district, open, sending, now);
    let quotes: Vec<QuoteRef> =
        desk.open.iter().flat_map(|loaded| loaded.quotes.iter().cloned()).collect();
    let words = store.quotes_text(&quotes).await?;
    for (quote, words) in quotes.into_iter().zip(words) {
        desk.words.insert((quote.post, quote.span.start), words.unwrap_or_default());
    }
    for (item, newcomer) in work.into_iter().zip(&newcomers) {
        desk.take(item, newcomer);
    }
    Ok((desk.commit, desk.report))
}

/// A commit without a decision.
pub(super) fn nothing(now: Timestamp) -> GroupCommit {
    GroupCommit {
        done: Vec::new(),
        events: Vec::new(),
        memberships: Vec::new(),
        alerts: Vec::new(),
        deliveries: Vec::new(),
        followed: Vec::new(),
        follows: Vec::new(),
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

fn loaded_problem(stored: LoadedProblem) -> Loaded {
    let recent = stored.recent.into_iter().map(|member| {
        let sketch = member.sketch.as_deref().map(Sketch::from_bytes);
        ((member.published, member.post), Trait { sketch, address: member.address })
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
    pub(super) report: GroupReport,
    pub(super) commit: GroupCommit,
}

impl<'a> Desk<'a> {
    /// A desk with the problems that may be joined, and nothing decided yet.
    pub(super) fn new(
        district: &'a District,
        open: OpenProblems,
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
            report: GroupReport::default(),
            commit: nothing(now),
        }
    }

    pub(super) fn take(&mut self, item: WorkItem, newcomer: &Newcomer) {
        self.remember_words(&item);
        // A post with an attitude is a count: its danger is no ground for a rumour either.
        let danger = item.marks.ground
            && item.assessment.findings.iter().any(|f| f.kind == TopicKind::Danger);
        let rules = self.district;
        let score = |facts: &ProblemFacts<'_>| score_problem(rules, facts);
        let assignments = cluster::assign(newcomer, &mut self.open, &self.district.cluster, &score);
        let past = SignedDuration::from_hours(PAST_HOURS);
        let (now, tell) = match self.sending {
            Sending::Suppressed => (item.post.published, false),
            Sending::Live => {
                let fresh = self.now.duration_since(item.post.published) <= past;
                (self.now, fresh && !is_backfill(&item))
            }
        };
        for assignment in assignments {
            let id = assignment.problem;
            let opened = assignment
                .events
                .iter()
                .any(|event| matches!(event.kind, crate::model::ProblemEventKind::Opened { .. }));
            self.report.opened += u32::from(opened);
            self.commit.events.extend(assignment.events.into_iter().map(|e| (id.clone(), e)));
            self.commit.memberships.extend(assignment.membership);
            if danger {
                self.dangers.insert(id.clone());
            }
            self.decide(&id, now, tell);
        }
        self.report.posts += 1;
        self.commit.done.push(item.ticket);
    }

    fn remember_words(&mut self, item: &WorkItem) {
        for clause in item.assessment.findings.iter().filter_map(|finding| finding.clause) {
            let length = clause.end.saturating_sub(clause.start) as usize;
            let words = item.post.text.chars().skip(clause.start as usize).take(length).collect();
            self.words.insert((item.post.key.clone(), clause.start), words);
        }
    }

    fn decide(&mut self, id: &ProblemId, now: Timestamp, live: bool) {
        let Some(loaded) = self.open.get(id) else { return };
        let (voices, voices_at_least) = loaded.count_voices();
        let weight = Weight {
            voices,
            voices_at_least,
            sources: u32::try_from(loaded.sources.len()).unwrap_or(u32::MAX),
            danger_beside: self.dangers.contains(id),
        };
        let rules = &self.district.routes.alert;
        let Some(decision) = alert::decide(&loaded.problem, &weight, rules, now) else { return };
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
        let told = tell::tell(self.district, &loaded.problem, &weight, &decision, quotes, live);
        if let Some(loaded) = self.open.get_mut(id) {
            loaded.problem.apply(&told.event);
        }
        self.commit.deliveries.extend(told.deliveries);
        self.commit.follows.extend(told.follows);
        self.commit.events.push((id.clone(), told.event));
        self.commit.alerts.push(told.alert);
        self.report.alerts += 1;
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
    let calm = |risk: &Risk| risk::is_calm(risk, &district.risk);
    let risks = item.marks.risks.iter();
    let voices = item.voices.iter().map(|it| (it.topic.clone(), (it.month, it.voice)));
    let objects = item.marks.objects.iter().map(|(topic, (name, first))| {
        (topic.clone(), Object { name: name.clone(), topic: first.clone() })
    });
    Newcomer {
        key: item.post.key.clone(),
        published: item.post.published,
        findings: item.assessment.findings.clone(),
        places: item.assessment.places.clone(),
        risks: item.marks.risks.clone(),
        calm: risks.filter(|(_, risk)| calm(risk)).map(|(topic, _)| topic.clone()).collect(),
        objects: objects.collect(),
        echo: item.marks.echo,
        sketch: Sketch::of(&item.post.text),
        voices: voices.collect(),
        own_name: item.post.own_name,
        official: item.post.official,
        ground: item.marks.ground,
        quotable: item.marks.quotable,
        text_hash: text_hash(&item.fingerprint),
        thread: item.parent_joined.clone(),
        member_of: item.joined.clone(),
        barred: item.parted.clone(),
    }
}

/// Parts that `risk::score_problem` adds to the gravest post; taken off to find that post's risk
/// again.
const SPREAD_PARTS: [&str; 6] = ["voices", "sources", "waiting", "returns", "cap", "floor"];

/// Risk of a problem after a post joined: the gravest post's, with what spread and waiting add.
fn score_problem(district: &District, facts: &ProblemFacts<'_>) -> Risk {
    let before = without_spread(facts.before);
    let gravest = match facts.post {
        Some(post) if post.score >= before.score => without_spread(post),
        _ => before,
    };
    let waiting = facts.answered.map_or(facts.lasts.as_hours() / 24, |_| 0);
    let spread = ProblemSpread {
        voices: facts.voices,
        sources: facts.sources,
        waiting_days: u32::try_from(waiting).unwrap_or(0),
        returns: facts.returns,
    };
    risk::score_problem(&gravest, &spread, &district.risk)
}

fn without_spread(risk: &Risk) -> Risk {
    let reasons: Vec<RiskReason> = risk
        .reasons
        .iter()
        .filter(|reason| !SPREAD_PARTS.contains(&reason.reason.as_str()))
        .cloned()
        .collect();
    let sum = reasons.iter().map(|reason| reason.points).sum::<i32>().clamp(0, 100);
    let score = u8::try_from(sum).unwrap_or(100);
    Risk { score, level: RiskLevel::of(score), reasons }
}
