//! Takes up what is due about problems that were told: reminders, the next on the ladder, an answer
//! that does not come, a rumour that proved true, planned works whose end has passed.
//!
//! Place in the flow: the group task, behind grouping, so that one hand at a time decides about a
//! problem. Invariant: a row and what came of it are one transaction; a row that cannot be carried
//! out (its problem is gone) ends.

use jiff::Timestamp;

use super::desk::{Desk, nothing};
use super::district::District;
use super::{hold, mark, tell, works};
use crate::alert::follow::{Next, next};
use crate::model::{DeliveryState, Follow, ProblemEvent, ProblemEventKind, RiskLevel};
use crate::store::{GroupCommit, GroupOutcome, Store, StoreError};

/// Rows taken up in one round.
const BATCH: u32 = 100;

/// Takes up everything that is due at `now`; returns how many messages were queued.
pub async fn take_up(
    store: &Store,
    district: &District,
    now: Timestamp,
) -> Result<u32, StoreError> {
    let mut queued = works::end(store, district, now).await?;
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
    let Some(problem) = store.problem(&row.problem).await? else {
        commit.followed.push(row);
        return Ok(commit);
    };
    let told = receivers(store, district, &row).await?;
    let first = told.first().map(String::as_str);
    match next(&row, &problem, first, &district.roster(), now) {
        Next::Over => {}
        Next::Later(follow) => commit.follows.push(follow),
        Next::Remind { tell: names, then } => {
            let names = if names.is_empty() { told } else { names };
            if let Some(alert) = &row.alert {
                let urgent = problem.level == RiskLevel::Critical;
                let step = row.step;
                commit.deliveries = tell::reminders(district, alert, &row, &names, urgent, now);
                if !commit.deliveries.is_empty() {
                    let kind = ProblemEventKind::Reminded { alert: alert.clone(), step };
                    commit.events.push((row.problem.clone(), ProblemEvent { at: now, kind }));
                }
            }
            commit.follows.extend(then);
        }
        Next::Tell { reason, then } => {
            let restraints = hold::restraints(store, district, now).await?;
            let mut desk = Desk::about(store, district, &[problem.id], restraints, now).await?;
            desk.tell(&row.problem, reason);
            commit = desk.commit;
            commit.follows.extend(then);
        }
    }
    commit.followed.push(row);
    Ok(commit)
}

/// Receivers that the alert of a row was meant for, but for those who handed it on, in the order of
/// the routes.
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
    let marks = store.marks_of(alert).await?;
    let listed = district.routes.receivers.iter().map(|receiver| receiver.name.clone());
    Ok(listed.filter(|name| got(name) && mark::is_theirs(district, &marks, name)).collect())
}
