//! `otklik alerts`: what was told, in words and by whom it was received; where a text would go.
//!
//! Place in the flow: reads beside a running daemon; what changes goes to it. Invariants: lists
//! never name a person; `route-test` answers by the code that routes, and stores nothing.

mod show;

use std::collections::BTreeMap;
use std::sync::Arc;

use clap::{Args, Subcommand, ValueEnum};
use otklik_collectors::door::Door;

use crate::alert::{RouteFacts, weigh};
use crate::classify::Scratch;
use crate::clock::{Clock, SystemClock};
use crate::config::{Need, Settings};
use crate::model::{AlertId, CommandKind, Held, Mark, TopicKind};
use crate::pipeline::district::{District, Strictness};
use crate::pipeline::keys::PassingKeys;

use super::assessed::assess_line;
use super::line::PostLine;
use super::table::aligned;
use super::{Exit, Globals, Result, export, open, say, words};

/// `otklik alerts …`
#[derive(Debug, Args)]
pub struct AlertsArgs {
    #[command(subcommand)]
    command: Option<AlertsCommand>,
}

#[derive(Debug, Subcommand)]
enum AlertsCommand {
    /// Список (так и без слова list)
    List {
        /// Строки JSON
        #[arg(long)]
        json: bool,
    },
    /// Показать оповещение словами и его отправку
    Show {
        /// Номер оповещения
        #[arg(value_name = "НОМЕР")]
        alert: String,
    },
    /// Кому и почему ушло бы оповещение о таком тексте; ничего не сохраняется и не отправляется
    RouteTest {
        /// Текст
        #[arg(value_name = "ТЕКСТ", required = true, num_args = 1..)]
        text: Vec<String>,
        /// Считать своим любое место: для текстов других районов
        #[arg(long)]
        anywhere: bool,
    },
    /// Ответить на оповещение: то же, что кнопки под сообщением
    Ack {
        /// Номер оповещения; номер общего сообщения берёт в работу всё, что в нём
        #[arg(value_name = "НОМЕР")]
        alert: String,
        /// Ответ
        #[arg(long, value_enum, value_name = "ОТВЕТ", default_value = "taken")]
        mark: MarkWord,
        /// Кому передать, вместе с --mark not-ours: получатель или отдел из routes.toml
        #[arg(long, value_name = "КОМУ")]
        to: Option<String>,
    },
}

/// What may be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum MarkWord {
    /// Взято в работу
    Taken,
    /// Решено: проблема закрывается, новые жалобы откроют её снова
    Solved,
    /// Не наше
    NotOurs,
    /// Полезное оповещение
    Useful,
    /// Шум: сообщать об этом не стоило
    Noise,
}

impl From<MarkWord> for Mark {
    fn from(word: MarkWord) -> Self {
        match word {
            MarkWord::Taken => Mark::Taken,
            MarkWord::Solved => Mark::Solved,
            MarkWord::NotOurs => Mark::NotOurs,
            MarkWord::Useful => Mark::Useful,
            MarkWord::Noise => Mark::Noise,
        }
    }
}

/// Runs `alerts`.
pub fn run(args: AlertsArgs, globals: &Globals) -> Result<Exit> {
    let stored = || globals.settings_or_shipped(Need::Store);
    match args.command.unwrap_or(AlertsCommand::List { json: false }) {
        AlertsCommand::RouteTest { text, anywhere } => {
            let settings = globals.settings_or_shipped(Need::Classify)?;
            route_test(&settings, &text.join(" "), anywhere)
        }
        AlertsCommand::Ack { alert, mark, to } => {
            let kind = match (mark, to) {
                (MarkWord::Taken, None) if alert.contains(':') => {
                    CommandKind::TakeAll { roll_up: alert, channel: None }
                }
                (mark, to) => {
                    let (alert, mark) = (AlertId(alert), mark.into());
                    CommandKind::Mark { alert, mark, to, channel: None }
                }
            };
            open::told(&open::wait(open::change(&stored()?, kind))?)
        }
        AlertsCommand::Show { alert } => show::show(&stored()?, &AlertId(alert)),
        AlertsCommand::List { json } => list_alerts(&stored()?, json),
    }
}

/// Says for each topic of the text who would be told and why, and who would not.
fn route_test(settings: &Settings, text: &str, anywhere: bool) -> Result<Exit> {
    let (district, faults) = District::examine(settings, anywhere, Strictness::Lenient);
    let Some(district) = district else { return Err(faults.into()) };
    let door = Door::new(Arc::new(PassingKeys::default()), []);
    let line =
        PostLine { id: "route-test".to_owned(), text: text.to_owned(), ..PostLine::default() };
    let now = SystemClock.now();
    let assessed = assess_line(&line, &district, &door, now, &mut Scratch::default());
    let place = assessed.places.iter().find(|found| !found.elsewhere);
    let place = place.and_then(|found| found.place.as_ref());
    let level = assessed.risk.level;
    let named = place.map_or("место не названо", |place| district.place_title(place));
    say!("Риск {} из 100, уровень {}. {named}.", assessed.risk.score, words::level(level))?;
    if level < district.routes.alert.level {
        say!(
            "Такая публикация одна оповещения не вызовет: сообщаем с уровня {} или от {} человек.",
            words::level_key(district.routes.alert.level),
            district.routes.alert.voices
        )?;
    }
    let mut topics = 0;
    for found in &assessed.topics {
        let topic = found.topic.clone();
        let kind = match found.kind {
            "problem" => TopicKind::Problem,
            "danger" => TopicKind::Danger,
            "rumour" => TopicKind::Rumour,
            _ => continue,
        };
        topics += 1;
        let known = district.lexicon.topic(topic.as_str());
        let department = known.and_then(|topic| topic.department.as_deref());
        say!(
            "\n{} ({topic}), отдел {}",
            district.topic_title(&topic),
            department.unwrap_or("не назначен")
        )?;
        let object = assessed.objects.get(&topic).map(|(name, _)| name.as_str());
        let facts = RouteFacts { topic: &topic, kind, department, level, place, object };
        let mut rows = Vec::new();
        for weighed in weigh(&facts, &district.roster(), now) {
            let channels: Vec<&str> =
                weighed.receiver.channels.iter().map(|it| words::channel(it.0)).collect();
            rows.push(vec![
                if weighed.told { "  →" } else { "  ·" }.to_owned(),
                weighed.receiver.name.clone(),
                channels.join(", "),
                weighed.because,
            ]);
        }
        if rows.is_empty() {
            say!("  в routes.toml нет получателей")?;
        }
        for line in aligned(&rows) {
            say!("{line}")?;
        }
    }
    if topics == 0 {
        say!("Тем нет: сообщать не о чем. Почему так: otklik explain")?;
    }
    Ok(Exit::Done)
}

fn list_alerts(settings: &Settings, json: bool) -> Result<Exit> {
    let district = District::load_rules(settings, false)?;
    let store = open::store_to_read(settings)?;
    let (found, held) = open::wait(async {
        let held = store.held_since(jiff::Timestamp::MIN).await?;
        Ok((store.alerts(None, None, 10_000).await?, held))
    })?;
    let held: BTreeMap<AlertId, Held> =
        held.into_iter().map(|held| (held.alert.clone(), held)).collect();
    let now = SystemClock.now();
    let mut rows = Vec::new();
    for alert in &found {
        if json {
            let mut row = export::alert_row(alert);
            if let Some(held) = held.get(&alert.id) {
                row.insert("held_by".to_owned(), serde_json::json!(held.by.name()));
                row.insert("held".to_owned(), serde_json::json!(held.text));
            }
            say!("{}", serde_json::Value::Object(row))?;
            continue;
        }
        let facts = &alert.facts;
        let place = facts.place.as_ref().map_or("—", |place| district.place_title(place));
        rows.push(vec![
            alert.id.to_string(),
            words::moment(alert.at, now, &settings.district.timezone),
            words::level(facts.level).to_owned(),
            district.topic_title(&facts.topic).to_owned(),
            place.to_owned(),
            words::reason(alert.reason, facts.kind).to_owned(),
            held.get(&alert.id).map_or_else(String::new, |held| format!("не ушло: {}", held.text)),
        ]);
    }
    if !json && rows.is_empty() {
        say!("Оповещений нет.")?;
    }
    for line in aligned(&rows) {
        say!("{line}")?;
    }
    Ok(Exit::Done)
}
