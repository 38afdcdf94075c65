//! Carries out what a person asked, in the daemon or directly when none runs.
//!
//! Place in the flow: behind the socket and the command line. Invariant: the same command does the
//! same in both places; the answer is one Russian sentence.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::desk::nothing;
use super::handover;
use super::mark::{self, Answer};
use super::report::parse_week;
use super::services::Services;
use super::{district::District, hold, report, words};
use crate::cluster::split_id;
use crate::model::{
    CloseReason, Command, CommandKind, CommandReply, Follow, Matter, PostKey, ProblemEvent,
    ProblemEventKind, ProblemId, RumourState, TopicKind, Works, WorksState,
};
use crate::store::{GroupOutcome, Invite, PersonEnd, SplitOff, Store, StoreError};

/// How long an invitation is good.
const INVITE_LASTS: SignedDuration = SignedDuration::from_hours(24);

/// Carries out a command that changes the store alone; `None` for one that only a daemon can do.
/// `district`: the rules in force, without which no alert is answered.
pub async fn change_store(
    store: &Store,
    district: Option<&District>,
    command: &Command,
    now: Timestamp,
) -> Result<Option<CommandReply>, StoreError> {
    Ok(Some(match &command.kind {
        CommandKind::Ping => done(words::ALIVE),
        CommandKind::Erase { post } => done(words::receipt(&store.erase(post, now).await?)),
        CommandKind::Mark { .. } | CommandKind::TakeAll { .. } | CommandKind::HandOver { .. } => {
            match district {
                None => refused(words::NO_RULES.to_owned()),
                Some(district) => return answer(store, district, command, now).await,
            }
        }
        CommandKind::Invite { receiver, salt, code } => {
            let until = now.saturating_add(INVITE_LASTS).unwrap_or(now);
            store.invite(Invite::new(receiver, code, salt.as_bytes(), until), now).await?;
            done(words::invited(receiver))
        }
        CommandKind::Forget { receiver, channel } => {
            let count = store.forget_addresses(receiver, *channel).await?;
            let text = words::forgotten(receiver, count);
            if count == 0 { refused(text) } else { done(text) }
        }
        CommandKind::AddSilence { .. }
        | CommandKind::EndSilence { .. }
        | CommandKind::AddWorks { .. }
        | CommandKind::DecideWorks { .. } => return restrain(store, command, now).await,
        CommandKind::CloseProblem { problem } => {
            if store.problem(problem).await?.is_none() {
                refused(words::no_problem(problem))
            } else {
                let kind = ProblemEventKind::Closed { reason: CloseReason::Person };
                append(store, problem, kind, now).await?;
                done(words::closed(problem))
            }
        }
        CommandKind::MergeProblems { problem, into } => {
            moved(store.merge_problems(problem, into, now).await?)
        }
        CommandKind::SplitProblem { problem, posts, address } => {
            let mut posts: BTreeSet<PostKey> = posts.iter().cloned().collect();
            if let Some(address) = address {
                posts.extend(store.members_at(problem, address).await?);
            }
            let new = split_id(problem, &posts);
            let split = SplitOff { from: problem.clone(), posts, new, at: now };
            moved(store.split_problem(split).await?)
        }
        CommandKind::SetRumour { problem, state, link } => {
            set_rumour(store, problem, *state, link.clone(), now).await?
        }
        CommandKind::CollectNow { sources } => {
            store.budget_probe_now(now).await?;
            let count = store.hasten_sources(sources, now).await?;
            done(words::hastened(count))
        }
        CommandKind::Reload { .. } | CommandKind::SendDigest { .. } | CommandKind::Note { .. } => {
            return Ok(None);
        }
    }))
}

/// Silences and planned works; `None` for other commands.
async fn restrain(
    store: &Store,
    command: &Command,
    now: Timestamp,
) -> Result<Option<CommandReply>, StoreError> {
    Ok(Some(match &command.kind {
        CommandKind::AddSilence { facts, until } => {
            hold::add_silence(store, facts, *until, now).await?
        }
        CommandKind::EndSilence { id } => hold::end_silence(store, id, now).await?,
        CommandKind::AddWorks { facts, begins, until } => {
            let works = Works {
                id: String::new(),
                state: WorksState::Accepted,
                begins: *begins,
                until: *until,
                facts: facts.clone(),
                notice: None,
                proposal: None,
                proposed: now,
                decided: None,
                ended: None,
            };
            hold::add_works(store, works, &command.role, now).await?
        }
        CommandKind::DecideWorks { id, state } => {
            hold::decide_works(store, id, *state, &command.role, now).await?
        }
        _ => return Ok(None),
    }))
}

/// What a receiver answers, for which the rules in force are asked; `None` for other commands.
async fn answer(
    store: &Store,
    district: &District,
    command: &Command,
    now: Timestamp,
) -> Result<Option<CommandReply>, StoreError> {
    let by = command.role.as_str();
    Ok(Some(match &command.kind {
        CommandKind::Mark { alert, mark, to, channel } => {
            let answer = Answer { alert, mark: *mark, to: to.as_deref(), by, channel: *channel };
            mark::take(store, district, answer, now).await?
        }
        CommandKind::TakeAll { roll_up, channel } => {
            mark::take_all(store, district, roll_up, (by, *channel), now).await?
        }
        CommandKind::HandOver { from, to } => {
            handover::hand_over(store, district, from, to, now).await?
        }
        _ => return Ok(None),
    }))
}

/// Keeps what an analyst found out about a rumour.
async fn set_rumour(
    store: &Store,
    problem: &ProblemId,
    state: RumourState,
    link: Option<String>,
    now: Timestamp,
) -> Result<CommandReply, StoreError> {
    let Some(found) = store.problem(problem).await? else {
        return Ok(refused(words::no_problem(problem)));
    };
    if found.kind != TopicKind::Rumour {
        return Ok(refused(words::no_rumour(problem)));
    }
    let mut commit = nothing(now);
    let kind = ProblemEventKind::Rumour { state, link };
    commit.events.push((problem.clone(), ProblemEvent { at: now, kind }));
    if state == RumourState::CheckedTrue {
        commit.follows.push(confirmed(problem, now));
    }
    Ok(match store.commit_group(commit).await? {
        GroupOutcome::Committed => done(words::rumour_noted(problem)),
        GroupOutcome::Stale => refused(words::no_problem(problem)),
    })
}

/// That it is true is told at once.
fn confirmed(problem: &ProblemId, now: Timestamp) -> Follow {
    let (matter, problem) = (Matter::Rumour, problem.clone());
    Follow { problem, matter, alert: None, step: 0, since: now, due: now }
}

/// Makes and queues the digest of a week.
pub async fn send_digest(
    services: &Services,
    district: &District,
    week: &str,
) -> Result<CommandReply, StoreError> {
    let Some(week) = parse_week(week) else {
        return Ok(refused(words::WEEK_FORM.to_owned()));
    };
    let fresh = report::make_digest(services, district, week).await?;
    Ok(if fresh {
        done(words::digest_queued(&week.name()))
    } else {
        refused(words::digest_known(&week.name()))
    })
}

fn moved(end: PersonEnd) -> CommandReply {
    match end {
        PersonEnd::Moved(posts) => done(words::moved(posts)),
        PersonEnd::Unknown(problem) => refused(words::no_problem(problem)),
        PersonEnd::Same => refused(words::SAME_PROBLEM.to_owned()),
        PersonEnd::Nothing => refused(words::NOTHING_TO_SPLIT.to_owned()),
    }
}

async fn append(
    store: &Store,
    problem: &ProblemId,
    kind: ProblemEventKind,
    now: Timestamp,
) -> Result<(), StoreError> {
    store.append_events(&[(problem.clone(), ProblemEvent { at: now, kind })]).await
}

pub(super) fn done(text: impl Into<String>) -> CommandReply {
    CommandReply { done: true, text: text.into() }
}

pub(super) fn refused(text: String) -> CommandReply {
    CommandReply { done: false, text }
}
