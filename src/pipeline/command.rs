//! Carries out what a person asked, in the daemon or directly when none runs.
//!
//! Place in the flow: behind the socket and the command line. Invariant: the same command does the same
//! in both places; the answer is one Russian sentence.

use jiff::Timestamp;

use super::report::parse_week;
use super::services::Services;
use super::{district::District, report};
use crate::model::{Command, CommandKind, CommandReply, ProblemEvent, ProblemEventKind, ProblemId};
use crate::store::{ErasureReceipt, Store, StoreError};

/// Carries out a command that changes the store alone; `None` for one that only a daemon can do.
pub async fn change_store(
    store: &Store,
    command: &Command,
    now: Timestamp,
) -> Result<Option<CommandReply>, StoreError> {
    Ok(Some(match &command.kind {
        CommandKind::Ping => done("Служба работает"),
        CommandKind::Erase { post } => done(receipt_text(&store.erase(post, now).await?)),
        CommandKind::Acknowledge { alert } => match store.alert(alert).await? {
            None => refused(format!("Нет оповещения {alert}")),
            Some(found) => {
                let kind = ProblemEventKind::Acknowledged { role: command.role.clone() };
                append(store, &found.problem, kind, now).await?;
                done(format!("Оповещение {alert} взято в работу"))
            }
        },
        CommandKind::CloseProblem { problem } => {
            if store.problems(std::slice::from_ref(problem)).await?.is_empty() {
                refused(format!("Нет проблемы {problem}"))
            } else {
                let kind = ProblemEventKind::Closed { reason: "person".to_owned() };
                append(store, problem, kind, now).await?;
                done(format!("Проблема {problem} закрыта"))
            }
        }
        CommandKind::CollectNow { sources } => {
            let count = store.hasten_sources(sources, now).await?;
            done(format!("Источников поставлено в очередь на опрос: {count}"))
        }
        CommandKind::Reload | CommandKind::SendDigest { .. } => return Ok(None),
    }))
}

/// Makes and queues the digest of a week.
pub async fn send_digest(
    services: &Services,
    district: &District,
    week: &str,
) -> Result<CommandReply, StoreError> {
    let Some(week) = parse_week(week) else {
        return Ok(refused("Неделя пишется как 2026-W47".to_owned()));
    };
    let fresh = report::make_digest(services, district, week).await?;
    Ok(if fresh {
        done(format!("Сводка {} составлена и поставлена в очередь", week.name()))
    } else {
        refused(format!("Сводка {} уже была составлена и отправлена", week.name()))
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

/// The receipt of an erasure as a person reads it.
#[must_use]
pub fn receipt_text(receipt: &ErasureReceipt) -> String {
    let removed: Vec<String> =
        receipt.removed.iter().map(|(table, rows)| format!("{table}: {rows}")).collect();
    let removed = if removed.is_empty() {
        "ничего не было".to_owned()
    } else {
        removed.join(", ")
    };
    format!(
        "Публикация удалена {} (хеш ключа {}). Удалено: {removed}",
        receipt.at, receipt.key_hash
    )
}

fn done(text: impl Into<String>) -> CommandReply {
    CommandReply { done: true, text: text.into() }
}

fn refused(text: String) -> CommandReply {
    CommandReply { done: false, text }
}
