//! Short commands on the store: status, erase, reload.
//!
//! Place in the flow: reads beside a running daemon; changes go to it. Invariant: lists never name
//! a person; what is printed for machines is one JSON object a line.

use clap::Args;

use crate::clock::{Clock, SystemClock};
use crate::config::{Need, Settings};
use crate::daemon::{ears, pushes};
use crate::model::{Channel, CommandKind, DeliveryState, PostId, PostKey, ProblemState, SourceId};
use crate::pipeline::health::RULES_FAULT;
use crate::store::{StatusCounts, StuckMessages};

use super::table::aligned;
use super::{Exit, Failure, Globals, Result, open, say, sources, words};

/// Arguments of `status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Ответ одной строкой JSON
    #[arg(long)]
    json: bool,
}

/// `otklik status`: how the whole is doing, readable at 3 a.m.
pub fn status(args: StatusArgs, globals: &Globals) -> Result<Exit> {
    let settings = globals.settings_or_shipped(Need::Store)?;
    let store = open::store_to_read(&settings)?;
    let (counts, runs, fault) = open::wait(async {
        let ping = open::command(CommandKind::Ping);
        let runs = open::ask_daemon(&settings, &ping).await.is_ok_and(|reply| reply.is_some());
        let fault = store.setting(RULES_FAULT).await?.filter(|fault| runs && !fault.is_empty());
        let mut unheard = Vec::new();
        for channel in Channel::ALL {
            let fault = store.setting(&ears::fault_key(channel)).await?;
            unheard.extend(fault.filter(|fault| runs && !fault.is_empty()));
        }
        let pushes = pushes::fault(&store, SystemClock.now()).await?;
        Ok((store.status(SystemClock.now()).await?, runs, (fault, unheard, pushes)))
    })?;
    let (fault, unheard, pushes) = fault;
    if args.json {
        let mut row = status_json(&counts, runs);
        row["rules_fault"] = serde_json::json!(fault);
        row["unheard"] = serde_json::json!(unheard);
        row["pushes_fault"] = serde_json::json!(pushes);
        say!("{row}")?;
    } else {
        tell_status(&settings, &counts, runs)?;
        if let Some(fault) = fault {
            say!("Изменённые файлы не приняты, действуют прежние правила: {fault}")?;
        }
        for text in unheard {
            say!("Кнопки под оповещениями не работают. {text}")?;
        }
        if let Some(text) = pushes {
            say!("Нужен человек. {text}")?;
        }
    }
    Ok(Exit::Done)
}

fn status_json(counts: &StatusCounts, runs: bool) -> serde_json::Value {
    let sources: Vec<_> = counts
        .sources
        .iter()
        .map(|watched| {
            let row = &watched.row;
            serde_json::json!({
                "source": row.source.id,
                "state": row.health.state,
                "since": row.health.since.to_string(),
                "code": row.health.code,
                "text": row.health.text,
                "last_ok": row.health.last_ok.map(|at| at.to_string()),
                "next": row.health.next.to_string(),
                "every_real_secs": row.interval_secs,
                "completeness": sources::completeness(&watched.completeness),
            })
        })
        .collect();
    let states: serde_json::Map<String, serde_json::Value> = counts
        .deliveries
        .states
        .iter()
        .map(|(state, count)| (state.name().to_owned(), serde_json::json!(count)))
        .collect();
    let stuck: Vec<_> = counts
        .deliveries
        .stuck
        .iter()
        .map(|stuck| {
            let StuckMessages { state, trouble, messages } = stuck;
            serde_json::json!({"state": state, "trouble": trouble, "messages": messages})
        })
        .collect();
    serde_json::json!({
        "running": runs,
        "posts": counts.posts.values().sum::<u64>(),
        "waiting": counts.waiting,
        "problems": counts.problems.values().sum::<u64>(),
        "alerts": counts.alerts,
        "deliveries": states,
        "stuck": stuck,
        "silences": counts.silences.len(),
        "silenced": counts.silences.iter().map(|(_, hid)| u64::from(hid.alerts)).sum::<u64>(),
        "last_stored": counts.last_stored.map(|at| at.to_string()),
        "sources": sources,
        "bytes": counts.bytes,
    })
}

fn tell_status(settings: &Settings, counts: &StatusCounts, runs: bool) -> Result<()> {
    let now = SystemClock.now();
    let zone = &settings.district.timezone;
    let moment = |at: jiff::Timestamp| words::moment(at, now, zone);
    say!("Служба: {}", if runs { "работает" } else { "не запущена (otklik run)" })?;
    let open: u64 = [ProblemState::Open, ProblemState::Reopened]
        .iter()
        .filter_map(|state| counts.problems.get(state))
        .sum();
    say!(
        "Публикаций: {}, ждут разбора: {}. Проблем открыто: {open}. Оповещений: {}.",
        counts.posts.values().sum::<u64>(),
        counts.waiting,
        counts.alerts
    )?;
    match (counts.deliveries.waiting_since, counts.deliveries.stuck.is_empty()) {
        (Some(since), _) => say!("Отправка: есть неотправленное с {}.", moment(since))?,
        (None, true) => say!("Отправка: всё отправлено.")?,
        (None, false) => {}
    }
    for StuckMessages { state, trouble, messages } in &counts.deliveries.stuck {
        match state {
            DeliveryState::Failed => say!("Не доставлено за неделю: {messages}. {trouble}")?,
            _ => say!("Не уходит, пробуем снова: {messages}. {trouble}")?,
        }
    }
    for (silence, hid) in &counts.silences {
        say!(
            "Тишина {} до {}: {} ({}).",
            silence.id,
            moment(silence.end()),
            words::hidden(*hid),
            silence.facts.reason
        )?;
    }
    let mut rows = Vec::new();
    for watched in &counts.sources {
        let row = &watched.row;
        let last = row.health.last_ok.map_or("ни разу".to_owned(), moment);
        let text = row.health.text.clone().unwrap_or_default();
        rows.push(vec![
            row.source.id.to_string(),
            words::health(row.health.state).to_owned(),
            format!("прочитан: {last}"),
            format!("полнота: {}", words::share(&watched.completeness)),
            text,
        ]);
    }
    for line in aligned(&rows) {
        say!("  {line}")?;
    }
    Ok(())
}

/// Arguments of `erase`.
#[derive(Debug, Args)]
pub struct EraseArgs {
    /// Источник
    #[arg(value_name = "ИСТОЧНИК")]
    source: String,
    /// Номер публикации, например vk:-200001_765
    #[arg(value_name = "ПУБЛИКАЦИЯ")]
    post: String,
}

/// `otklik erase`: removes a post everywhere and prints a receipt.
pub fn erase(args: EraseArgs, globals: &Globals) -> Result<Exit> {
    let settings = globals.settings_or_shipped(Need::Store)?;
    let post = PostKey { source: SourceId(args.source), id: PostId(args.post) };
    open::told(&open::wait(open::change(&settings, CommandKind::Erase { post }))?)
}

/// Arguments of `reload`.
#[derive(Debug, Args)]
pub struct ReloadArgs {
    /// Зачем изменены правила: запишется в историю (otklik packs history)
    #[arg(long, value_name = "ТЕКСТ")]
    why: Option<String>,
}

/// `otklik reload`: the daemon reads its reloadable files now.
pub fn reload(args: ReloadArgs, globals: &Globals) -> Result<Exit> {
    let settings = globals.settings_or_shipped(Need::Store)?;
    let reply = open::wait(async {
        let command = open::command(CommandKind::Reload { why: args.why });
        open::ask_daemon(&settings, &command).await
    })?;
    match reply {
        Some(reply) => open::told(&reply),
        None => Err(Failure::failed("служба не запущена: перечитывать некому (otklik run)")),
    }
}
