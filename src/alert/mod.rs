//! Whether somebody is told now about a problem, who, and in which words.
//!
//! Place in the flow: behind `cluster`; the pipeline stores the alert, a `Told` event and the
//! outbox rows in the transaction of the post that caused them. Invariant: a fact that was told is
//! never told again (that attitude alone is never told is held by `cluster`: it opens no problem),
//! and every yes has a name.

pub mod buttons;
pub mod follow;
pub mod health;
pub mod hold;
pub mod hours;
pub mod quote;
pub mod render;
pub mod rollup;
pub mod route;
pub mod trial;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::config::routes::AlertRules;
use crate::model::{
    Alert, AlertFacts, AlertId, AlertReason, BurstFacts, Channel, Delivery, DeliveryId,
    DeliveryState, PlaceId, Problem, ProblemEventKind, ProblemId, ProblemState, QuoteRef,
    RiskLevel, SilenceFacts, ToldBefore, TopicId, TopicKind, Works, WorksFacts,
};

pub use quote::{QUOTES_SHOWN, QuoteCandidate, choose_quotes};
pub use route::{Roster, RouteFacts, RoutedReceiver, Weighed, route, weigh};

/// So many people bring back a problem that was told, however mildly they write.
const BACK_VOICES: u32 = 2;

/// How much stands behind a problem, counted by the store.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Weight {
    /// Distinct voices (largest month).
    pub voices: u32,
    /// Whether voices span several months.
    pub voices_at_least: bool,
    /// Sources that carry it.
    pub sources: u32,
    /// Whether a post of it also matched a danger topic (matters for rumours).
    pub danger_beside: bool,
    /// Whether its topic and place are written about far more than usual, and how much.
    pub burst: Option<BurstFacts>,
    /// Streets and houses that its posts name, the most frequent first.
    pub addresses: Vec<String>,
}

/// A yes with its reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// Why now.
    pub reason: AlertReason,
    /// Level that will have been told.
    pub level: RiskLevel,
    /// Voices that will have been told.
    pub voices: u32,
    /// When.
    pub at: Timestamp,
}

/// Decides whether to tell about `problem` at `now`. `None`: nothing new enough, or nothing to
/// stand on.
#[must_use]
pub fn decide(
    problem: &Problem,
    weight: &Weight,
    rules: &AlertRules,
    now: Timestamp,
) -> Option<Decision> {
    if problem.state == ProblemState::Closed {
        return None;
    }
    let reason = match problem.told {
        None => first_reason(problem, weight, rules)?,
        Some((_, level, voices)) => next_reason(problem, weight, rules, level, voices)?,
    };
    Some(because(reason, problem, weight, now))
}

/// Nobody was told since it last opened.
fn first_reason(problem: &Problem, weight: &Weight, rules: &AlertRules) -> Option<AlertReason> {
    let rumour = problem.kind == TopicKind::Rumour;
    if rumour && weight.voices < rules.rumour_voices && !weight.danger_beside {
        return None;
    }
    // Who was told of it once expects to hear that it is back: from what would be no news
    // elsewhere, but not from a single mild word.
    let back = problem.level >= RiskLevel::Elevated || weight.voices >= BACK_VOICES;
    if problem.alerts > 0 && problem.returns > 0 && back {
        return Some(AlertReason::Reopened);
    }
    if rumour {
        return Some(AlertReason::RumourSpreads);
    }
    if worth_telling(problem, weight, rules) {
        return Some(AlertReason::NewProblem);
    }
    (weight.burst.is_some() && problem.level >= RiskLevel::Elevated).then_some(AlertReason::Burst)
}

/// Somebody was told at `level` with `voices`.
fn next_reason(
    problem: &Problem,
    weight: &Weight,
    rules: &AlertRules,
    level: RiskLevel,
    voices: u32,
) -> Option<AlertReason> {
    if problem.level > level && worth_telling(problem, weight, rules) {
        return Some(AlertReason::LevelRaised);
    }
    // What chance does not explain is news at twice the voices told, anything else at more.
    let times = if weight.burst.is_some() { 2 } else { rules.burst_times };
    let more = voices.saturating_add(rules.burst_more);
    (weight.voices >= voices.saturating_mul(times).max(more)).then_some(AlertReason::Burst)
}

/// High enough, or elevated with enough people behind it.
fn worth_telling(problem: &Problem, weight: &Weight, rules: &AlertRules) -> bool {
    problem.level >= rules.level
        || (problem.level >= RiskLevel::Elevated && weight.voices >= rules.voices)
}

/// The decision to tell of a problem for this reason, whatever its posts say.
#[must_use]
pub fn because(
    reason: AlertReason,
    problem: &Problem,
    weight: &Weight,
    now: Timestamp,
) -> Decision {
    Decision { reason, level: problem.level, voices: weight.voices, at: now }
}

/// The alert of a decision. `quotes`: at most two are kept; `lexicon`: hash of the packs that
/// judged.
#[must_use]
pub fn alert_of(
    decision: &Decision,
    problem: &Problem,
    weight: &Weight,
    mut quotes: Vec<QuoteRef>,
    lexicon: &str,
) -> Alert {
    quotes.truncate(QUOTES_SHOWN);
    Alert {
        id: alert_id(&problem.id, decision.reason, problem.alerts),
        problem: problem.id.clone(),
        reason: decision.reason,
        at: decision.at,
        facts: AlertFacts {
            topic: problem.topic.clone(),
            kind: problem.kind,
            place: problem.place.clone(),
            score: problem.score,
            level: problem.level,
            reasons: problem.reasons.clone(),
            since: problem.since(),
            posts: problem.posts_since(),
            voices: weight.voices,
            voices_at_least: weight.voices_at_least,
            sources: weight.sources,
            returns: problem.returns,
            first: problem.back.map(|_| problem.opened),
            quotes,
            lexicon: lexicon.to_owned(),
            burst: weight.burst,
            notes: Vec::new(),
            addresses: weight.addresses.clone(),
            before: problem.told.map(|(at, level, voices)| ToldBefore { at, level, voices }),
        },
    }
}

/// The event that remembers an alert in its problem.
#[must_use]
pub fn told(alert: &Alert) -> ProblemEventKind {
    ProblemEventKind::Told {
        alert: alert.id.clone(),
        level: alert.facts.level,
        voices: alert.facts.voices,
    }
}

/// Id of a problem's alert number `order` (from 0): repeats a decision, repeats the id.
#[must_use]
pub fn alert_id(problem: &ProblemId, reason: AlertReason, order: u32) -> AlertId {
    AlertId(format!("a{}", short_hash(&[problem.as_str(), reason.name(), &order.to_string()])))
}

/// Id of the delivery of `subject` (`alert:<id>`, `digest:<week>`) to a receiver, `first` being the
/// first channel tried. A fail-over keeps the row and therefore the id.
#[must_use]
pub fn delivery_id(subject: &str, receiver: &str, first: Channel) -> DeliveryId {
    DeliveryId(format!("d{}", short_hash(&[subject, receiver, first.name()])))
}

/// The outbox rows of `subject`: one a receiver, on its first channel, due when the receiver may be
/// reached.
#[must_use]
pub fn outbox(
    subject: &str,
    receivers: Vec<RoutedReceiver>,
    state: DeliveryState,
) -> Vec<Delivery> {
    receivers
        .into_iter()
        .filter_map(|receiver| {
            let first = receiver.channels.into_iter().next()?;
            Some(Delivery { state, ..outbox_row(subject, &receiver.name, first, receiver.due) })
        })
        .collect()
}

/// The outbox row of `subject` to one receiver on its `first` channel, due at `at`.
#[must_use]
pub fn outbox_row(
    subject: &str,
    receiver: &str,
    (channel, address): (Channel, String),
    at: Timestamp,
) -> Delivery {
    Delivery {
        id: delivery_id(subject, receiver, channel),
        subject: subject.to_owned(),
        receiver: receiver.to_owned(),
        channel,
        address,
        state: DeliveryState::Pending,
        due: at,
        tries: 0,
        copies: 0,
        unreachable_since: None,
        trouble: None,
    }
}

/// Id of a silence made at `now`.
#[must_use]
pub fn silence_id(facts: &SilenceFacts, now: Timestamp) -> String {
    let text = |id: Option<&str>| id.unwrap_or_default().to_owned();
    let parts = [
        text(facts.topic.as_ref().map(TopicId::as_str)),
        text(facts.place.as_ref().map(PlaceId::as_str)),
        text(facts.problem.as_ref().map(ProblemId::as_str)),
        now.to_string(),
    ];
    format!("s{}", short_hash(&parts.each_ref().map(String::as_str)))
}

/// Id of planned works: the same works announced twice are one.
#[must_use]
pub fn works_id(facts: &WorksFacts, begins: Timestamp, until: Timestamp) -> String {
    let place = facts.place.as_ref().map_or("", PlaceId::as_str);
    let (begins, until) = (begins.to_string(), until.to_string());
    format!("w{}", short_hash(&[facts.topic.as_str(), place, &begins, &until]))
}

/// Id of a proposal of several planned works: the same works announced twice are one proposal.
#[must_use]
pub fn proposal_id(works: &[Works]) -> String {
    let ids: Vec<&str> = works.iter().map(|it| it.id.as_str()).collect();
    format!("w{}", short_hash(&ids))
}

/// 12 hex digits over parts that cannot run into each other.
fn short_hash(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}
