//! Takes up what is due about problems that were told: reminders, the next on the ladder, an answer
//! that does not come, a rumour that proved true.
//!
//! Place in the flow: the group task, behind grouping, so that one hand at a time decides about a
//! problem. Invariant: a row and what came of it are one transaction; a row that cannot be carried
//! out (its problem is gone) ends.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::district::District;
use super::group::nothing;
use super::tell;
use crate::alert::follow::{Next, next};
use crate::alert::{self, Decision, QuoteCandidate, Weight};
use crate::model::{
    AlertReason, DeliveryState, Follow, Problem, ProblemEvent, ProblemEventKind, QuoteRef,
    RiskLevel,
};
use crate::store::{GroupCommit, GroupOutcome, LoadedProblem, Store, StoreError};

/// Rows taken up in one round.
const BATCH: u32 = 100;

/// Takes up everything that is due at `now`; returns how many messages were queued.
pub async fn take_up(
    store: &Store,
    district: &District,
    now: Timestamp,
) -> Result<u32, StoreError> {
    let mut queued = 0;
    loop {
        let due = store.due_follows(now, BATCH).await?;
        if due.is_empty() {
            return Ok(queued);
        }
        for row in due {
            let commit = carry_out(store, district, row, now).await?;
            let messages = u32::try_from(commit.deliveries.len()).unwrap_or(u32::MAX);
            match store.commit_group(commit).await? {
                GroupOutcome::Committed => queued += messages,
                // Somebody moved the row meanwhile: it is read again.
                GroupOutcome::Stale => {}
            }
        }
    }
}

async fn carry_out(
    store: &Store,
    district: &District,
    row: Follow,
    now: Timestamp,
) -> Result<GroupCommit, StoreError> {
    let mut commit = nothing(now);
    commit.followed.push(row.clone());
    let Some(loaded) = store.problems(std::slice::from_ref(&row.problem)).await?.pop() else {
        return Ok(commit);
    };
    let problem = &loaded.problem;
    let told = receivers(store, district, &row).await?;
    let first = told.first().map(String::as_str);
    match next(&row, problem, first, &district.roster(), now) {
        Next::Over => {}
        Next::Later(follow) => commit.follows.push(follow),
        Next::Remind { tell: names, then } => {
            let names = if names.is_empty() { told } else { names };
            if let Some(alert) = &row.alert {
                let urgent = problem.level == RiskLevel::Critical;
                let step = row.step;
                commit.deliveries = tell::reminders(district, alert, step, &names, urgent, now);
                let kind = ProblemEventKind::Reminded { alert: alert.clone(), step };
                commit.events.push((row.problem.clone(), ProblemEvent { at: now, kind }));
            }
            commit.follows.extend(then);
        }
        Next::Tell { reason, then } => {
            commit.follows.extend(then);
            tell_now(store, district, &loaded, reason, &mut commit).await?;
        }
    }
    Ok(commit)
}

/// Receivers that the alert of a row was meant for, in the order of the routes.
async fn receivers(
    store: &Store,
    district: &District,
    row: &Follow,
) -> Result<Vec<String>, StoreError> {
    let Some(alert) = &row.alert else { return Ok(Vec::new()) };
    let rows = store.deliveries_of(&format!("alert:{alert}")).await?;
    let got = |name: &str| {
        rows.iter().any(|row| row.receiver == name && row.state != DeliveryState::Suppressed)
    };
    let listed = district.routes.receivers.iter().map(|receiver| receiver.name.clone());
    Ok(listed.filter(|name| got(name)).collect())
}

/// An alert of its own.
async fn tell_now(
    store: &Store,
    district: &District,
    loaded: &LoadedProblem,
    reason: AlertReason,
    commit: &mut GroupCommit,
) -> Result<(), StoreError> {
    let problem: &Problem = &loaded.problem;
    let months = loaded.voices.values().map(BTreeSet::len).filter(|voices| *voices > 0);
    let largest = months.clone().max().and_then(|most| u32::try_from(most).ok()).unwrap_or(0);
    let weight = Weight {
        voices: largest.max(loaded.voices_kept).max(problem.voices),
        voices_at_least: months.count() > 1 || loaded.voices_kept > 0,
        sources: u32::try_from(loaded.sources.len()).unwrap_or(u32::MAX),
        danger_beside: false,
    };
    let words = store.quotes_text(&loaded.quotes).await?;
    let candidates: Vec<QuoteCandidate> = loaded
        .quotes
        .iter()
        .zip(words)
        .map(|(quote, words)| QuoteCandidate {
            quote: quote.clone(),
            risk: 0,
            words: words.unwrap_or_default(),
        })
        .collect();
    let quotes: Vec<QuoteRef> = alert::choose_quotes(&candidates);
    let (level, voices, at) = (problem.level, weight.voices, commit.now);
    let decision = Decision { reason, level, voices, at };
    let told = tell::tell(district, problem, &weight, &decision, quotes, true);
    commit.events.push((problem.id.clone(), told.event));
    commit.deliveries.extend(told.deliveries);
    commit.follows.extend(told.follows);
    commit.alerts.push(told.alert);
    Ok(())
}
