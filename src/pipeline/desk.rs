//! Decides about problems: what the posts of a batch change, and what is told of it.
//!
//! Place in the flow: grouping hands it waiting posts one by one; what is due without a post (a
//! reminder, a confirmed rumour, an announced end) is told here too. Invariants: posts are taken in
//! their order and leave nothing but the commit; a post from the past is judged at its own time and
//! told to nobody.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::district::District;
use super::group::{GroupReport, Sending, load_problems};
use super::spread::score_problem;
use super::tallies::{burst_facts, local_time, usual_rules};
use super::{tell, words, works};
use crate::alert::hold::overdue;
use crate::alert::{self, Decision, QuoteCandidate, Weight, because};
use crate::cluster::usual::{Heard, Usual, UsualRules};
use crate::cluster::{self, Loaded, Newcomer, OpenProblems, ProblemFacts};
use crate::model::{
    Alert, AlertReason, BurstFacts, Cause, Held, HeldBy, Membership, PlaceId, PostKey, Problem,
    ProblemEventKind, ProblemId, QuoteRef, Restraints, TopicKind,
};
use crate::store::{GroupCommit, Store, StoreError, WorkItem};

/// Most streets and houses told of a problem.
const ADDRESSES_MAX: usize = 3;
/// A post older than this when it is grouped is the past: decided, never sent.
const PAST_HOURS: i64 = 48;
/// What was written so shortly before the first look at a source is its present, not its past.
const PRESENT_HOURS: i64 = 2;

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
        proposals: Vec::new(),
        ended: Vec::new(),
        now,
    }
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
    pub(super) usual: Usual,
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

    /// A desk about these problems, where no post came.
    pub(super) async fn about(
        store: &Store,
        district: &'a District,
        ids: &[ProblemId],
        restraints: Restraints,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let open = load_problems(store, district, ids).await?;
        let mut desk = Self::new(district, open, Usual::default(), Sending::Live, now);
        desk.restraints = restraints;
        desk.read_quotes(store).await?;
        Ok(desk)
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
            self.commit.proposals.extend(works::proposed(self.district, &item, now));
        }
        let mut main: Option<ProblemId> = None;
        for assignment in assignments {
            let id = assignment.problem;
            let opened = assignment
                .events
                .iter()
                .any(|event| matches!(event.kind, ProblemEventKind::Opened { .. }));
            self.report.opened += u32::from(opened);
            self.commit.events.extend(assignment.events.into_iter().map(|e| (id.clone(), e)));
            let reaction = newcomer.thread.contains(&id);
            let burst = assignment.membership.as_ref().and_then(|it| self.observe(it, reaction));
            self.commit.memberships.extend(assignment.membership);
            if danger {
                self.dangers.insert(id.clone());
            }
            self.decide(&id, burst, now, tell, main.as_ref());
            main.get_or_insert(id);
        }
        self.report.posts += 1;
        self.commit.done.push(item.ticket);
    }

    /// The alert of this batch about `main` whose message is the message about `other` too: nobody
    /// was told of the other, all its posts are about both, it is no graver and no danger beside a
    /// mere problem, and whoever would be told of it is told of `main`.
    fn says_both(&self, main: &ProblemId, other: &ProblemId) -> Option<usize> {
        let (main, other) = (self.open.get(main)?, self.open.get(other)?);
        let danger = |loaded: &Loaded| loaded.problem.kind == TopicKind::Danger;
        let fresh = other.problem.told.is_none() && other.problem.returns == 0;
        if !fresh || !main.has_posts_of(other) || (danger(other) && !danger(main)) {
            return None;
        }
        let of_main = |alert: &Alert| alert.problem == main.problem.id;
        let place = self.commit.alerts.iter().rposition(of_main)?;
        let alert = &self.commit.alerts[place];
        let level = other.problem.level;
        if alert.facts.level < level || self.commit.held.iter().any(|it| it.alert == alert.id) {
            return None;
        }
        let subject = format!("alert:{}", alert.id);
        let rows = self.commit.deliveries.iter().filter(|row| row.subject == subject);
        let told: BTreeSet<&str> = rows.map(|row| row.receiver.as_str()).collect();
        let meant = tell::receivers(self.district, &other.problem, level, self.now);
        meant.iter().all(|it| told.contains(it.name.as_str())).then_some(place)
    }

    /// Counts a post of a problem; says whether its topic and place are written about far more than
    /// usual. A copy is no count; `reaction`: it stands below another post of the problem.
    fn observe(&mut self, membership: &Membership, reaction: bool) -> Option<BurstFacts> {
        let problem = &self.open.get(&membership.problem)?.problem;
        // A date that lies ahead would make everything before it the past.
        let ahead = membership.published.duration_since(self.now) > SignedDuration::from_hours(24);
        if membership.copy || ahead {
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

    /// Decides whether a problem is to be told; `main`: the first that the same post is about.
    pub(super) fn decide(
        &mut self,
        id: &ProblemId,
        burst: Option<BurstFacts>,
        now: Timestamp,
        live: bool,
        main: Option<&ProblemId>,
    ) {
        let Some(loaded) = self.open.get(id) else { return };
        let weight = self.weigh(loaded, burst);
        let late = live && overdue(id, &self.restraints, now).is_some();
        let rules = &self.district.routes.alert;
        let decided = match late {
            true => Some(because(AlertReason::WorksOverdue, &loaded.problem, &weight, now)),
            false => alert::decide(&loaded.problem, &weight, rules, now),
        };
        let Some(decision) = decided else { return };
        match main.filter(|_| live && !late).and_then(|main| self.says_both(main, id)) {
            Some(place) => {
                let note = words::beside(self.district.topic_title(&loaded.problem.topic));
                self.commit.alerts[place].facts.notes.push(note);
            }
            None => self.carry_out(id, &weight, &decision, live),
        }
    }

    /// Tells of a problem for a reason that lies outside its posts.
    pub(super) fn tell(&mut self, id: &ProblemId, reason: AlertReason) {
        let Some(loaded) = self.open.get(id) else { return };
        let weight = self.weigh(loaded, None);
        let decision = because(reason, &loaded.problem, &weight, self.now);
        self.carry_out(id, &weight, &decision, true);
    }

    fn weigh(&self, loaded: &Loaded, burst: Option<BurstFacts>) -> Weight {
        let (voices, voices_at_least) = loaded.count_voices();
        Weight {
            voices,
            voices_at_least,
            sources: loaded.sources_since(),
            danger_beside: self.dangers.contains(&loaded.problem.id),
            burst,
            addresses: loaded.addresses(ADDRESSES_MAX),
        }
    }

    fn carry_out(&mut self, id: &ProblemId, weight: &Weight, decision: &Decision, live: bool) {
        let Some(loaded) = self.open.get(id) else { return };
        let words = |quote: &QuoteRef| self.words.get(&(quote.post.clone(), quote.span.start));
        let candidates: Vec<QuoteCandidate> = loaded
            .quotes
            .iter()
            .map(|quote| QuoteCandidate {
                words: words(quote).cloned().unwrap_or_default(),
                quote: quote.clone(),
                risk: 0,
            })
            .collect();
        let quotes = alert::choose_quotes(&candidates);
        let restraints = live.then_some(&self.restraints);
        let told = tell::tell(self.district, &loaded.problem, weight, decision, quotes, restraints);
        if live {
            let problem = loaded.problem.clone();
            self.restrain(&problem, told.held.as_ref(), decision.at);
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
