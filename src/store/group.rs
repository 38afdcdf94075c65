//! What grouping decided, committed whole: events, memberships, alerts and their outbox rows.
//!
//! Place in the flow: the second and last transaction of a post's way to an alert. Invariants:
//! decided is committed with its outbox rows; a decision made on a text that has changed meanwhile
//! is refused whole and made again, so nothing is grouped twice and no quote points into another
//! text.

use jiff::Timestamp;
use rusqlite::params;

use super::column::At;
use super::error::Result;
use super::tally::{self, Tally};
use super::work::{self, WorkTicket};
use super::{Store, Tx, alert, delivery, follow, hold, problem, works};
use crate::model::{
    Alert, AlertReason, Delivery, Follow, Held, Membership, ProblemEvent, ProblemId, Proposal,
    Works,
};

/// Decisions about some waiting posts.
#[derive(Debug, Clone)]
pub struct GroupCommit {
    /// Posts that wait no longer.
    pub done: Vec<WorkTicket>,
    /// Events, in order.
    pub events: Vec<(ProblemId, ProblemEvent)>,
    /// Which post joined which problem.
    pub memberships: Vec<Membership>,
    /// Decisions to tell somebody.
    pub alerts: Vec<Alert>,
    /// Their messages.
    pub deliveries: Vec<Delivery>,
    /// Counts of the past that changed.
    pub tallies: Vec<Tally>,
    /// Rows taken up, as they were read: they go, unless `follows` puts them back.
    pub followed: Vec<Follow>,
    /// What must be looked at again. A ladder begins anew; a wait that is under way stays.
    pub follows: Vec<Follow>,
    /// Why some of them do not go.
    pub held: Vec<Held>,
    /// Planned works read out of notices.
    pub proposals: Vec<Proposal>,
    /// Planned works whose announced end was dealt with, as they were read.
    pub ended: Vec<Works>,
    /// The present instant.
    pub now: Timestamp,
}

/// Whether a group commit took place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a stale commit stored nothing: take the work again"]
pub enum GroupOutcome {
    /// All of it is stored.
    Committed,
    /// Nothing of it is: a post was edited, removed or grouped, or a row was taken up meanwhile.
    /// Take the work again.
    Stale,
}

impl Store {
    /// Stores what grouping decided, in one transaction. Alerts and deliveries that are known by
    /// their id already stay as they are.
    pub async fn commit_group(&self, group: GroupCommit) -> Result<GroupOutcome> {
        self.write(move |tx| commit(tx, &group)).await
    }
}

fn commit(tx: &Tx<'_>, group: &GroupCommit) -> Result<GroupOutcome> {
    for ticket in &group.done {
        if !work::waits(tx, ticket)? {
            return Ok(GroupOutcome::Stale);
        }
    }
    for row in &group.followed {
        if !follow::stands(tx, row)? {
            return Ok(GroupOutcome::Stale);
        }
    }
    for ended in &group.ended {
        if !works::awaits_end(tx, ended)? {
            return Ok(GroupOutcome::Stale);
        }
    }
    for ended in &group.ended {
        works::finish(tx, ended, group.now)?;
    }
    for row in &group.followed {
        follow::end(tx, row)?;
    }
    for ticket in &group.done {
        work::finish(tx, &ticket.post)?;
    }
    problem::append(tx, &group.events)?;
    for membership in &group.memberships {
        join(tx, membership)?;
    }
    for decided in &group.alerts {
        alert::insert(tx, decided)?;
        if decided.reason == AlertReason::WorksOverdue {
            hold::told_overdue(tx, &decided.problem, group.now)?;
        }
    }
    for held in &group.held {
        hold::keep(tx, held)?;
    }
    for proposal in &group.proposals {
        works::propose(tx, proposal, group.now)?;
    }
    for changed in &group.tallies {
        tally::write(tx, changed)?;
    }
    for message in &group.deliveries {
        delivery::insert(tx, message, group.now)?;
    }
    for row in &group.follows {
        follow::keep(tx, row)?;
    }
    Ok(GroupOutcome::Committed)
}

fn join(tx: &Tx<'_>, membership: &Membership) -> Result<()> {
    let (month, voice) = membership.voice.unzip();
    tx.exec(
        "INSERT INTO membership (district, problem, source, post, main, quote_start, quote_end,
             published, copy, sketch, address, month, voice, own_text)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
         ON CONFLICT (district, source, post, problem) DO UPDATE SET main = excluded.main,
             quote_start = excluded.quote_start, quote_end = excluded.quote_end,
             copy = excluded.copy, sketch = excluded.sketch, address = excluded.address,
             month = excluded.month, voice = excluded.voice, own_text = excluded.own_text",
        params![
            tx.district,
            membership.problem.as_str(),
            membership.post.source.as_str(),
            membership.post.id.as_str(),
            membership.primary,
            membership.quote.map(|quote| quote.start),
            membership.quote.map(|quote| quote.end),
            At(membership.published),
            membership.copy,
            membership.sketch,
            membership.address,
            month,
            voice,
            membership.own_text.map(u64::to_be_bytes),
        ],
    )?;
    tx.exec(
        "INSERT INTO problem_source (district, problem, source) VALUES (?1, ?2, ?3)
         ON CONFLICT (district, problem, source) DO NOTHING",
        params![tx.district, membership.problem.as_str(), membership.post.source.as_str()],
    )?;
    Ok(())
}
