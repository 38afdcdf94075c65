//! Carries out what a person asked, in the daemon or directly when none runs.
//!
//! Place in the flow: behind the socket and the command line. Invariant: the same command does the
//! same in both places; the answer is one Russian sentence.

use jiff::Timestamp;

use super::report::parse_week;
use super::services::Services;
use super::{district::District, hold, report, words};
use crate::model::{
    Command, CommandKind, CommandReply, ProblemEvent, ProblemEventKind, ProblemId, Works,
    WorksState,
};
use crate::store::{Store, StoreError};

/// Carries out a command that changes the store alone; `None` for one that only a daemon can do.
pub async fn change_store(
    store: &Store,
    command: &Command,
    now: Timestamp,
) -> Result<Option<CommandReply>, StoreError> {
    Ok(Some(match &command.kind {
        CommandKind::Ping => done(words::ALIVE),
        CommandKind::Erase { post } => done(words::receipt(&store.erase(post, now).await?)),
        CommandKind::Acknowledge { alert } => match store.alert(alert).await? {
            None => refused(words::no_alert(alert)),
            Some(found) => {
                let kind = ProblemEventKind::Acknowledged { role: command.role.clone() };
                append(store, &found.problem, kind, now).await?;
                done(words::taken(alert))
            }
        },
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
                proposed: now,
                ended: None,
            };
            hold::add_works(store, works, now).await?
        }
        CommandKind::DecideWorks { id, state } => {
            hold::decide_works(store, id, *state, now).await?
        }
        CommandKind::CloseProblem { problem } => {
            if store.problems(std::slice::from_ref(problem)).await?.is_empty() {
                refused(words::no_problem(problem))
            } else {
                let kind = ProblemEventKind::Closed { reason: "person".to_owned() };
                append(store, problem, kind, now).await?;
                done(words::closed(problem))
            }
        }
        CommandKind::CollectNow { sources } => {
            let count = store.hasten_sources(sources, now).await?;
            done(words::hastened(count))
        }
        CommandKind::Reload { .. } | CommandKind::SendDigest { .. } | CommandKind::Note { .. } => {
            return Ok(None);
        }
    }))
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
