//! Carries out what a person asked, in the daemon or directly when none runs.
//!
//! Place in the flow: behind the socket and the command line. Invariant: the same command does the
//! same in both places; the answer is one Russian sentence.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::mark::{self, Answer};
use super::report::parse_week;
use super::services::Services;
use super::{district::District, report, words};
use crate::cluster::split_id;
use crate::model::{
    Command, CommandKind, CommandReply, PostKey, ProblemEvent, ProblemEventKind, ProblemId,
    TopicKind,
};
use crate::store::{Invite, PersonEnd, SplitOff, Store, StoreError};

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
        CommandKind::Mark { alert, mark, to, channel } => match district {
            None => refused(words::NO_RULES.to_owned()),
            Some(district) => {
                let (to, by) = (to.as_deref(), command.role.as_str());
                let answer = Answer { alert, mark: *mark, to, by, channel: *channel };
                mark::take(store, district, answer, now).await?
            }
        },
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
        CommandKind::CloseProblem { problem } => {
            if store.problems(std::slice::from_ref(problem)).await?.is_empty() {
                refused(words::no_problem(problem))
            } else {
                let kind = ProblemEventKind::Closed { reason: "person".to_owned() };
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
            match store.problems(std::slice::from_ref(problem)).await?.pop() {
                None => refused(words::no_problem(problem)),
                Some(found) if found.problem.kind != TopicKind::Rumour => {
                    refused(words::no_rumour(problem))
                }
                Some(_) => {
                    let kind = ProblemEventKind::Rumour { state: *state, link: link.clone() };
                    append(store, problem, kind, now).await?;
                    done(words::rumour_noted(problem))
                }
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

fn done(text: impl Into<String>) -> CommandReply {
    CommandReply { done: true, text: text.into() }
}

fn refused(text: String) -> CommandReply {
    CommandReply { done: false, text }
}
