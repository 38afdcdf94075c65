//! `otklik silence`: holds messages back, for a reason and a time.
//!
//! Place in the flow: reads beside a running daemon; what changes goes to it. Invariant: a silence
//! names a topic, a place or a problem that exists, and somebody who answers for it.

use clap::{Args, Subcommand};

use crate::alert::render::hold::{Names, about, hidden};
use crate::clock::{Clock, SystemClock};
use crate::config::{Need, Settings};
use crate::model::{CommandKind, Hidden, PlaceId, ProblemId, Silence, SilenceFacts, TopicId};
use crate::pipeline::district::District;

use super::table::aligned;
use super::until::instant;
use super::{Exit, Failure, Globals, Result, open, say, words};

/// `otklik silence …`
#[derive(Debug, Args)]
pub struct SilenceArgs {
    #[command(subcommand)]
    command: SilenceCommand,
}

#[derive(Debug, Subcommand)]
enum SilenceCommand {
    /// Не сообщать о теме, месте или проблеме до срока; критическое проходит
    Add(AddArgs),
    /// Действующие тишины и сколько они скрыли
    List {
        /// И закончившиеся тоже
        #[arg(long)]
        all: bool,
        /// Строки JSON
        #[arg(long)]
        json: bool,
    },
    /// Снять раньше срока
    End {
        /// Номер тишины
        #[arg(value_name = "НОМЕР")]
        id: String,
    },
}

#[derive(Debug, Args)]
struct AddArgs {
    /// Тема: короткое имя словаря, например heating
    #[arg(long, value_name = "ТЕМА")]
    topic: Option<String>,
    /// Населённый пункт: имя или короткое имя из places.toml
    #[arg(long, value_name = "МЕСТО")]
    place: Option<String>,
    /// Номер проблемы
    #[arg(long, value_name = "НОМЕР", conflicts_with_all = ["topic", "place"])]
    problem: Option<String>,
    /// До какого времени, не дольше 30 дней: 6h, 3d, 18:00, "14.03.2026 18:00"
    #[arg(long, value_name = "ВРЕМЯ")]
    until: String,
    /// Почему
    #[arg(long, value_name = "ТЕКСТ")]
    reason: String,
    /// Кто отвечает: имя получателя; ему придут напоминание и итог (без ключа — первому из тех,
    /// кто получает сводку)
    #[arg(long, value_name = "ПОЛУЧАТЕЛЬ")]
    owner: Option<String>,
}

/// Runs the command.
pub fn run(args: SilenceArgs, globals: &Globals) -> Result<Exit> {
    let settings = globals.settings_or_shipped(Need::Store)?;
    match args.command {
        SilenceCommand::Add(args) => add(&settings, args),
        SilenceCommand::List { all, json } => list(&settings, all, json),
        SilenceCommand::End { id } => {
            let kind = CommandKind::EndSilence { id };
            open::told(&open::wait(open::change(&settings, kind))?)
        }
    }
}

fn add(settings: &Settings, args: AddArgs) -> Result<Exit> {
    let district = District::load_rules(settings, false)?;
    let until = instant(&args.until, &district.zone, SystemClock.now())?;
    let topic = args.topic.map(|name| topic_named(&district, &name)).transpose()?;
    let place = args.place.map(|name| place_named(&district, &name)).transpose()?;
    let owner = args.owner.filter(|name| !name.trim().is_empty());
    if let Some(name) = &owner
        && !district.routes.receivers.iter().any(|receiver| receiver.name == *name)
    {
        return Err(Failure::usage(format!("нет получателя «{name}» в routes.toml")));
    }
    let facts = SilenceFacts {
        topic,
        place,
        problem: args.problem.map(ProblemId),
        reason: args.reason,
        owner,
        role: "operator".to_owned(),
    };
    let kind = CommandKind::AddSilence { facts, until };
    open::told(&open::wait(open::change(settings, kind))?)
}

/// A topic that some pack has.
pub(super) fn topic_named(district: &District, name: &str) -> Result<TopicId> {
    match district.lexicon.topic(name) {
        Some(topic) => Ok(topic.id.clone()),
        None => Err(Failure::usage(format!("нет темы «{name}» (otklik packs list)"))),
    }
}

/// A settlement of ours by its name.
pub(super) fn place_named(district: &District, name: &str) -> Result<PlaceId> {
    let gazetteer = district.lexicon.gazetteer();
    let ours = gazetteer.by_name(name).filter(|id| gazetteer.ours().any(|(own, _)| own == *id));
    ours.cloned().ok_or_else(|| {
        Failure::usage(format!("места «{name}» нет среди мест района (places.toml)"))
    })
}

fn list(settings: &Settings, all: bool, json: bool) -> Result<Exit> {
    let district = District::load_rules(settings, false)?;
    let store = open::store_to_read(settings)?;
    let now = SystemClock.now();
    let active = (!all).then_some(now);
    let found = open::wait(async { Ok(store.silences(active).await?) })?;
    if json {
        for (silence, hid) in &found {
            say!("{}", row(silence, *hid))?;
        }
        return Ok(Exit::Done);
    }
    if found.is_empty() {
        say!("Действующих тишин нет.")?;
    }
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|(silence, hid)| {
            let facts = &silence.facts;
            let names = Names {
                topic: facts.topic.as_ref().map(|topic| district.topic_title(topic)),
                place: facts.place.as_ref().map(|place| district.place_title(place)),
                district: &district.name,
                zone: &district.zone,
            };
            vec![
                silence.id.clone(),
                about(silence, &names),
                format!("до {}", words::moment(silence.end(), now, &district.zone)),
                hidden(*hid),
                facts.reason.clone(),
            ]
        })
        .collect();
    for line in aligned(&rows) {
        say!("{line}")?;
    }
    Ok(Exit::Done)
}

fn row(silence: &Silence, hidden: Hidden) -> serde_json::Value {
    let facts = &silence.facts;
    serde_json::json!({
        "id": silence.id,
        "topic": facts.topic,
        "place": facts.place,
        "problem": facts.problem,
        "reason": facts.reason,
        "owner": facts.owner,
        "role": facts.role,
        "begins": silence.begins.to_string(),
        "until": silence.end().to_string(),
        "hidden_alerts": hidden.alerts,
        "hidden_problems": hidden.problems,
    })
}
