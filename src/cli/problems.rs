//! `otklik problems`: the list, one problem, and what analysts do to problems.
//!
//! Place in the flow: reads beside a running daemon; changes go to it as commands. Invariant: lists
//! and pages of problems name no post but those that an alert may quote, and never a person.

use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use jiff::civil::Date;

use crate::clock::{Clock, SystemClock};
use crate::config::{Need, Settings};
use crate::model::{
    CloseReason, CommandKind, PostId, PostKey, Problem, ProblemEvent, ProblemEventKind, ProblemId,
    ProblemState, RumourState, SourceId,
};
use crate::pipeline::district::District;
use crate::pipeline::{facets, rejoin};
use crate::store::StoredProblem;

use super::table::aligned;
use super::{Exit, Failure, Globals, Result, export, open, say, words};

/// Arguments of `problems`.
#[derive(Debug, Args)]
pub struct ProblemsArgs {
    /// Только те, на которые нет ответа
    #[arg(long)]
    unanswered: bool,
    #[command(subcommand)]
    command: Option<ProblemsCommand>,
}

#[derive(Debug, Subcommand)]
enum ProblemsCommand {
    /// Список (так и без слова list)
    List {
        /// И закрытые тоже
        #[arg(long)]
        all: bool,
        /// Только те, на которые нет ответа
        #[arg(long)]
        unanswered: bool,
        /// Строки JSON
        #[arg(long)]
        json: bool,
    },
    /// Показать проблему: где, сколько, что с ней было
    Show {
        /// Номер проблемы
        #[arg(value_name = "НОМЕР")]
        problem: String,
    },
    /// Закрыть проблему
    Close {
        /// Номер проблемы
        #[arg(value_name = "НОМЕР")]
        problem: String,
    },
    /// Присоединить проблему к другой; это запоминается
    Merge {
        /// Номер проблемы, которая присоединяется
        #[arg(value_name = "НОМЕР")]
        problem: String,
        /// Номер проблемы, которая остаётся
        #[arg(value_name = "К КАКОЙ")]
        into: String,
    },
    /// Выделить публикации в отдельную проблему; это запоминается
    Split {
        /// Номер проблемы
        #[arg(value_name = "НОМЕР")]
        problem: String,
        /// Публикация, как источник/номер (см. otklik export posts); можно несколько раз
        #[arg(long = "post", value_name = "ПУБЛИКАЦИЯ")]
        posts: Vec<String>,
        /// Все публикации, которые называют этот адрес (см. otklik problems show)
        #[arg(long, value_name = "АДРЕС")]
        address: Option<String>,
    },
    /// Отметить, что стало со слухом
    State {
        /// Номер проблемы
        #[arg(value_name = "НОМЕР")]
        problem: String,
        /// Состояние
        #[arg(value_name = "СОСТОЯНИЕ", value_enum)]
        state: RumourWord,
        /// Ссылка на опровержение
        #[arg(long, value_name = "АДРЕС")]
        link: Option<String>,
    },
    /// Собрать проблемы заново из сохранённого и сравнить с теми, что есть
    Replay {
        /// Сравнивать публикации с этого дня, например 2026-11-01
        #[arg(long, value_name = "ДЕНЬ")]
        since: Option<Date>,
        /// Ответ одной строкой JSON
        #[arg(long)]
        json: bool,
    },
}

/// Where a rumour stands, as typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum RumourWord {
    /// Замечен, проверяется
    Seen,
    /// Подтвердился
    CheckedTrue,
    /// Не подтвердился
    CheckedFalse,
    /// Опровергнут официально (укажите --link)
    Refuted,
    /// Затухает
    Fading,
}

impl RumourWord {
    fn state(self) -> RumourState {
        match self {
            RumourWord::Seen => RumourState::Seen,
            RumourWord::CheckedTrue => RumourState::CheckedTrue,
            RumourWord::CheckedFalse => RumourState::CheckedFalse,
            RumourWord::Refuted => RumourState::Refuted,
            RumourWord::Fading => RumourState::Fading,
        }
    }
}

/// Runs `problems`.
pub fn problems(args: ProblemsArgs, globals: &Globals) -> Result<Exit> {
    let settings = globals.settings_or_shipped(Need::Store)?;
    let unanswered = args.unanswered;
    let list = ProblemsCommand::List { all: false, unanswered, json: false };
    match args.command.unwrap_or(list) {
        ProblemsCommand::List { all, unanswered: only, json } => {
            list_problems(&settings, all, only || unanswered, json)
        }
        ProblemsCommand::Show { problem } => show(&settings, &ProblemId(problem)),
        ProblemsCommand::Close { problem } => {
            change(&settings, CommandKind::CloseProblem { problem: ProblemId(problem) })
        }
        ProblemsCommand::Merge { problem, into } => {
            let (problem, into) = (ProblemId(problem), ProblemId(into));
            change(&settings, CommandKind::MergeProblems { problem, into })
        }
        ProblemsCommand::Split { problem, posts, address } => {
            let posts = posts.iter().map(|post| post_key(post)).collect::<Result<Vec<_>>>()?;
            if posts.is_empty() && address.is_none() {
                return Err(Failure::usage("укажите --post или --address: что выделить"));
            }
            let problem = ProblemId(problem);
            change(&settings, CommandKind::SplitProblem { problem, posts, address })
        }
        ProblemsCommand::State { problem, state, link } => {
            if state == RumourWord::Refuted && link.is_none() {
                return Err(Failure::usage("у опровержения нужна ссылка: --link АДРЕС"));
            }
            let (problem, state) = (ProblemId(problem), state.state());
            change(&settings, CommandKind::SetRumour { problem, state, link })
        }
        ProblemsCommand::Replay { since, json } => run_replay(&settings, since, json),
    }
}

fn change(settings: &Settings, kind: CommandKind) -> Result<Exit> {
    open::told(&open::wait(open::change(settings, kind))?)
}

fn post_key(typed: &str) -> Result<PostKey> {
    let Some((source, id)) = typed.split_once('/') else {
        return Err(Failure::usage(format!("«{typed}»: публикация пишется как источник/номер")));
    };
    Ok(PostKey { source: SourceId(source.to_owned()), id: PostId(id.to_owned()) })
}

fn list_problems(settings: &Settings, all: bool, unanswered: bool, json: bool) -> Result<Exit> {
    let district = District::load_rules(settings, false)?;
    let store = open::store_to_read(settings)?;
    let mut states = vec![ProblemState::Open, ProblemState::Reopened, ProblemState::Quiet];
    if all {
        states.push(ProblemState::Closed);
    }
    let mut found = open::wait(async { Ok(store.problems_in(&states, 10_000).await?) })?;
    found.retain(|stored| !unanswered || stored.problem.answered.is_none());
    if json {
        for stored in &found {
            let mut row = export::problem_row(stored);
            row.insert("since".to_owned(), stored.problem.since().to_string().into());
            row.insert("returns".to_owned(), stored.problem.returns.into());
            say!("{}", serde_json::Value::Object(row))?;
        }
        return Ok(Exit::Done);
    }
    let now = SystemClock.now();
    let rows: Vec<Vec<String>> =
        found.iter().map(|stored| row(settings, &district, stored, now)).collect();
    if rows.is_empty() {
        say!("Открытых проблем нет.")?;
    }
    for line in aligned(&rows) {
        say!("{line}")?;
    }
    Ok(Exit::Done)
}

fn row(
    settings: &Settings,
    district: &District,
    stored: &StoredProblem,
    now: Timestamp,
) -> Vec<String> {
    let problem = &stored.problem;
    vec![
        problem.id.to_string(),
        format!("{} {}", words::level_sign(problem.level), words::level(problem.level)),
        district.topic_title(&problem.topic).to_owned(),
        place(district, problem),
        format!("с {}", words::moment(problem.since(), now, &settings.district.timezone)),
        words::voices(stored.voices.voices, stored.voices.at_least),
    ]
}

/// «Онохой, садовая, 5».
fn place(district: &District, problem: &Problem) -> String {
    let title = problem.place.as_ref().map(|place| district.place_title(place).to_owned());
    let parts: Vec<String> = title.into_iter().chain(problem.address.clone()).collect();
    if parts.is_empty() { "—".to_owned() } else { parts.join(", ") }
}

fn show(settings: &Settings, id: &ProblemId) -> Result<Exit> {
    let district = District::load_rules(settings, false)?;
    let store = open::store_to_read(settings)?;
    let (loaded, events, common, past) = open::wait(async {
        let loaded = store.problems(std::slice::from_ref(id)).await?.pop();
        let Some(loaded) = loaded else {
            return Err(Failure::failed(format!("нет проблемы {id}; список: otklik problems")));
        };
        let events = store.problem_events(id).await?;
        let common = facets::facets(&store, &district, id).await?;
        let past = store.same_key(&loaded.problem).await?;
        Ok((loaded, events, common, past))
    })?;
    let problem = &loaded.problem;
    let zone = &settings.district.timezone;
    let now = SystemClock.now();
    say!(
        "{} {}: {}",
        words::level_sign(problem.level),
        district.topic_title(&problem.topic),
        place(&district, problem)
    )?;
    say!("Состояние: {}", state(problem.state))?;
    say!("Публикаций: {}, источников: {}", problem.posts, loaded.sources.len())?;
    say!(
        "Пишут с {} по {}",
        words::moment(problem.opened, now, zone),
        words::moment(problem.last, now, zone)
    )?;
    if let Some(back) = problem.back {
        let posts = words::count(problem.posts_since(), "публикация", "публикации", "публикаций");
        say!("Вернулась {}, с тех пор {posts}", words::moment(back, now, zone))?;
    }
    if let Some(object) = &problem.object {
        say!("Предмет: {object}")?;
    }
    if let Some(rumour) = problem.rumour {
        say!("Слух: {}", rumour_words(rumour))?;
    }
    say!("{}", course(&district, problem, &past))?;
    for reason in &problem.reasons {
        say!("  {:+} {}", reason.points, reason.text)?;
    }
    let kinds = [
        ("организации", &common.organisations),
        ("улицы", &common.streets),
        ("дома", &common.houses),
    ];
    for (kind, names) in kinds.iter().filter(|(_, names)| !names.is_empty()) {
        let names: Vec<String> =
            names.iter().map(|(name, count)| format!("{name} ({count})")).collect();
        say!("Называют чаще, {kind}: {}", names.join(", "))?;
    }
    say!("Что было:")?;
    for event in &events {
        if let Some(text) = told(event) {
            say!("  {}: {text}", words::moment(event.at, now, zone))?;
        }
    }
    Ok(Exit::Done)
}

/// Chronic or acute, and in which months it was there before.
fn course(district: &District, problem: &Problem, past: &[Problem]) -> String {
    let life = district.life(problem, past);
    let course = if life.chronic { "хроническая" } else { "острая" };
    let before = match life.before {
        0 => "прежде не возникала".to_owned(),
        times => format!("прежде возникала, раз: {times}"),
    };
    let season = if life.season {
        ", в эти же месяцы прошлых лет тоже"
    } else {
        ""
    };
    format!("Течение: {course}, возвращалась, раз: {}; {before}{season}", problem.returns)
}

fn state(state: ProblemState) -> &'static str {
    match state {
        ProblemState::Open => "пишут",
        ProblemState::Quiet => "затихла",
        ProblemState::Closed => "закрыта",
        ProblemState::Reopened => "вернулась",
    }
}

fn rumour_words(state: RumourState) -> &'static str {
    match state {
        RumourState::Seen => "замечен, проверяется",
        RumourState::CheckedTrue => "подтвердился",
        RumourState::CheckedFalse => "не подтвердился",
        RumourState::Refuted => "опровергнут",
        RumourState::Fading => "затухает",
    }
}

/// An event in words; growth is left out, it would be the whole page.
fn told(event: &ProblemEvent) -> Option<String> {
    Some(match &event.kind {
        ProblemEventKind::Opened { .. } => "первая публикация".to_owned(),
        ProblemEventKind::Grew { .. } => return None,
        ProblemEventKind::Told { alert, .. } => format!("оповещение {alert}"),
        ProblemEventKind::Reminded { .. } => "напомнили: никто не взял в работу".to_owned(),
        ProblemEventKind::Quieted => "затихла: давно не пишут".to_owned(),
        ProblemEventKind::Closed { reason: CloseReason::Person } => "закрыта человеком".to_owned(),
        ProblemEventKind::Closed { reason: CloseReason::Silence } => {
            "закрыта: месяц не пишут".to_owned()
        }
        ProblemEventKind::Reopened => "вернулась".to_owned(),
        ProblemEventKind::Reinstated => "снова в работе: решена не была".to_owned(),
        ProblemEventKind::Acknowledged { .. } => "взята в работу".to_owned(),
        ProblemEventKind::Answered { .. } => "официальный ответ".to_owned(),
        ProblemEventKind::Judged { mark } if mark == "useful" => "оповещение полезно".to_owned(),
        ProblemEventKind::Judged { mark } if mark == "not_ours" => "не наше".to_owned(),
        ProblemEventKind::Judged { .. } => "оповещение лишнее".to_owned(),
        ProblemEventKind::Released { .. } => "больше не в работе: передана другим".to_owned(),
        ProblemEventKind::Merged { into } => format!("присоединена к {into}"),
        ProblemEventKind::Absorbed { from, share, .. } => {
            format!("публикации из {from}: {}", share.posts)
        }
        ProblemEventKind::Split { new, posts, .. } => {
            format!("выделена {new}, публикаций: {posts}")
        }
        ProblemEventKind::Rumour { state, link } => {
            let link = link.as_ref().map(|link| format!(": {link}")).unwrap_or_default();
            format!("слух {}{link}", rumour_words(*state))
        }
    })
}

fn run_replay(settings: &Settings, since: Option<Date>, json: bool) -> Result<Exit> {
    let district = District::load_rules(settings, false)?;
    let store = open::store_to_read(settings)?;
    let zone = settings.district.timezone.clone();
    let since = match since {
        None => Timestamp::MIN,
        Some(date) => date
            .to_zoned(zone)
            .map_err(|error| Failure::usage(format!("{date}: {error}")))?
            .timestamp(),
    };
    let found = open::wait(async { Ok(rejoin::rejoin(&store, &district, since).await?) })?;
    if json {
        say!(
            "{}",
            serde_json::json!({
                "posts": found.posts,
                "problems": found.problems,
                "without_text": found.without_text,
                "edited": found.edited,
                "by_person": found.by_person,
                "moved": found.moved.len(),
            })
        )?;
        return Ok(Exit::Done);
    }
    say!(
        "Публикаций: {}, проблем: {}. Без текста: {}, правленых: {}, перенесены человеком: {}.",
        found.posts,
        found.problems,
        found.without_text,
        found.edited,
        found.by_person
    )?;
    if found.moved.is_empty() {
        say!("Заново собранные проблемы совпадают с теми, что есть.")?;
    } else {
        say!(
            "Иначе сошлись публикаций: {}. Так бывает, если с тех пор менялись словари или тексты.",
            found.moved.len()
        )?;
    }
    Ok(Exit::Done)
}
