//! `otklik works`: planned works that were announced or entered by hand.
//!
//! Place in the flow: reads beside a running daemon; what changes goes to it. Invariant: a proposal
//! holds nothing until somebody accepts it here or by a tap.

use clap::{Args, Subcommand};

use crate::alert::render::hold::hidden;
use crate::clock::{Clock, SystemClock};
use crate::config::{Need, Settings};
use crate::model::{CommandKind, Hidden, Works, WorksFacts, WorksState};
use crate::pipeline::district::District;
use crate::pipeline::words::works_state;

use super::silence::{place_named, topic_named};
use super::table::aligned;
use super::until::{begin, instant};
use super::{Exit, Failure, Globals, Result, open, say, words};

/// How far back works that are over are listed, in days.
const LISTED_DAYS: i64 = 7;

/// `otklik works …`
#[derive(Debug, Args)]
pub struct WorksArgs {
    #[command(subcommand)]
    command: Option<WorksCommand>,
}

#[derive(Debug, Subcommand)]
enum WorksCommand {
    /// Список (так и без слова list)
    List {
        /// Строки JSON
        #[arg(long)]
        json: bool,
    },
    /// Записать работы, о которых на страницах не объявили; действуют сразу
    Add(AddArgs),
    /// Принять предложенные: жалобы на это до конца работ не приходят отдельно
    Accept {
        /// Номер работ
        #[arg(value_name = "НОМЕР")]
        id: String,
    },
    /// Отклонить предложенные
    Reject {
        /// Номер работ
        #[arg(value_name = "НОМЕР")]
        id: String,
    },
    /// Закончить раньше срока
    End {
        /// Номер работ
        #[arg(value_name = "НОМЕР")]
        id: String,
    },
}

#[derive(Debug, Args)]
struct AddArgs {
    /// Тема жалоб, которых ждать: короткое имя словаря, например electricity
    #[arg(long, value_name = "ТЕМА")]
    topic: String,
    /// Населённый пункт: имя или короткое имя из places.toml (без ключа — весь район)
    #[arg(long, value_name = "МЕСТО")]
    place: Option<String>,
    /// Улицы, если работы не везде; ключ можно повторять
    #[arg(long, value_name = "УЛИЦА")]
    street: Vec<String>,
    /// Начало: 10:00, "14.03.2026 10:00" (без ключа — сейчас)
    #[arg(long, value_name = "ВРЕМЯ")]
    from: Option<String>,
    /// Объявленный конец: 17:00, "14.03.2026 17:00", 6h
    #[arg(long, value_name = "ВРЕМЯ")]
    to: String,
}

/// Runs the command.
pub fn run(args: WorksArgs, globals: &Globals) -> Result<Exit> {
    let settings = globals.settings_or_shipped(Need::Store)?;
    let decide = |id, state| {
        let kind = CommandKind::DecideWorks { id, state };
        open::told(&open::wait(open::change(&settings, kind))?)
    };
    match args.command.unwrap_or(WorksCommand::List { json: false }) {
        WorksCommand::List { json } => list(&settings, json),
        WorksCommand::Add(args) => add(&settings, args),
        WorksCommand::Accept { id } => decide(id, WorksState::Accepted),
        WorksCommand::Reject { id } => decide(id, WorksState::Rejected),
        WorksCommand::End { id } => decide(id, WorksState::Ended),
    }
}

fn add(settings: &Settings, args: AddArgs) -> Result<Exit> {
    let district = District::load_rules(settings, false)?;
    let now = SystemClock.now();
    let begins = match &args.from {
        Some(text) => begin(text, &district.zone, now)?,
        None => now,
    };
    let until = instant(&args.to, &district.zone, begins)?;
    if until <= begins {
        return Err(Failure::usage("работы кончаются раньше, чем начинаются"));
    }
    let facts = WorksFacts {
        topic: topic_named(&district, &args.topic)?,
        place: args.place.map(|name| place_named(&district, &name)).transpose()?,
        streets: args.street,
    };
    let moment = |at| words::moment(at, now, &district.zone);
    say!("Плановые работы с {} до {}.", moment(begins), moment(until))?;
    let kind = CommandKind::AddWorks { facts, begins, until };
    open::told(&open::wait(open::change(settings, kind))?)
}

fn list(settings: &Settings, json: bool) -> Result<Exit> {
    let district = District::load_rules(settings, false)?;
    let store = open::store_to_read(settings)?;
    let now = SystemClock.now();
    let days = jiff::SignedDuration::from_hours(24 * LISTED_DAYS);
    let since = now.saturating_sub(days).unwrap_or(now);
    let found = open::wait(async { Ok(store.works(since).await?) })?;
    if json {
        for (works, hid) in &found {
            say!("{}", row(works, *hid))?;
        }
        return Ok(Exit::Done);
    }
    if found.is_empty() {
        say!("Плановых работ нет.")?;
    }
    let moment = |at| words::moment(at, now, &district.zone);
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|(works, hid)| {
            let facts = &works.facts;
            let place =
                facts.place.as_ref().map_or("весь район", |id| district.place_title(id));
            vec![
                works.id.clone(),
                works_state(works.state).to_owned(),
                district.topic_title(&facts.topic).to_owned(),
                place.to_owned(),
                facts.streets.join(", "),
                format!("с {} до {}", moment(works.begins), moment(works.until)),
                hidden(*hid),
            ]
        })
        .collect();
    for line in aligned(&rows) {
        say!("{line}")?;
    }
    Ok(Exit::Done)
}

fn row(works: &Works, hidden: Hidden) -> serde_json::Value {
    serde_json::json!({
        "id": works.id,
        "state": works.state.name(),
        "topic": works.facts.topic,
        "place": works.facts.place,
        "streets": works.facts.streets,
        "from": works.begins.to_string(),
        "to": works.until.to_string(),
        "hidden_alerts": hidden.alerts,
        "hidden_problems": hidden.problems,
    })
}
