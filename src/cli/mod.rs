//! The command line: arguments, exit codes, one file a command.
//!
//! Place in the flow: the outermost layer; `main` calls [`start`]. Invariants: every command is a
//! `run(args, globals) -> Result<Exit>` that prints what was asked to the standard output and
//! nothing else there; everything a person reads here is Russian.

mod add;
mod alerts;
mod assessed;
mod classify;
mod collect;
mod demo;
mod digest;
mod duty;
pub mod exit;
mod export;
mod import;
pub mod line;
mod logging;
mod open;
mod problems;
mod run;
mod small;
mod stream;
mod tabular;

mod check;
mod evaluate;
mod explain;
mod init;
mod packs;
mod paint;
mod places;
mod receivers;
mod russian;
mod silence;
mod sources;
mod table;
mod telegram;
mod try_page;
mod until;
mod words;
mod works;

use std::ffi::OsString;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::config::{self, Need, Settings};

pub use exit::{Exit, Failure, Result};

/// Where the configuration is if nobody says: in a checkout, then installed.
const CONFIG_FILES: [&str; 2] = ["config/otklik.toml", "/etc/otklik/otklik.toml"];

/// Отклик: находит в открытых публикациях проблемы жителей района и сообщает тем, кто их решает
#[derive(Debug, Parser)]
#[command(
    name = "otklik",
    version,
    arg_required_else_help = true,
    after_help = "\
Коды завершения: 0 готово, 1 не удалось, 2 ошибка в командной строке, 3 готово, но часть
строк отвергнута, 75 хранилище занято службой, 78 ошибка в настройке."
)]
struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: CommandLine,
}

/// What every command understands.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Globals {
    /// Файл настройки (без ключа: config/otklik.toml, затем /etc/otklik/otklik.toml)
    #[arg(long, global = true, value_name = "ФАЙЛ", display_order = 990)]
    pub config: Option<PathBuf>,
    /// Файл хранилища (без ключа: как сказано в настройке)
    #[arg(long, global = true, value_name = "ФАЙЛ", display_order = 991)]
    pub store: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum CommandLine {
    /// Создать рабочую настройку: вопросами или ключами
    Init(init::InitArgs),
    /// Проверить настройку и показать все ошибки сразу
    Check(check::CheckArgs),
    /// Объяснить оценку текста: слово, правило, место, риск
    Explain(explain::ExplainArgs),
    /// Измерить словари на размеченном файле
    Evaluate(evaluate::EvaluateArgs),
    /// Словари: что есть и верны ли примеры
    Packs(packs::PacksArgs),
    /// Места: проверить список населённых пунктов
    Places(places::PlacesArgs),
    /// Источники: что читать
    Sources(sources::SourcesArgs),
    /// Учётная запись, которой читается Telegram
    Telegram(telegram::TelegramArgs),
    /// Прочитать одну страницу источника и показать, как она будет оценена; ничего не сохраняется
    Try(try_page::TryArgs),
    /// Служба: читает источники, находит проблемы, оповещает
    Run(run::RunArgs),
    /// Как дела: служба, источники, отправка
    Status(small::StatusArgs),
    /// Один проход по источникам сейчас, без отправки
    Collect(collect::CollectArgs),
    /// Записать жалобу, о которой сообщили по телефону или на приёме
    Add(add::AddArgs),
    /// Загрузить публикации из файла
    Import(import::ImportArgs),
    /// Выгрузить публикации, проблемы, оповещения, отправку
    Export(export::ExportArgs),
    /// Определить темы, места и риск строк JSON, ничего не сохраняя
    Classify(classify::ClassifyArgs),
    /// Проблемы
    Problems(problems::ProblemsArgs),
    /// Оповещения
    Alerts(alerts::AlertsArgs),
    /// Дежурства: кто дежурит сейчас и дальше
    Duty(duty::DutyArgs),
    /// Тишина: не сообщать о теме, месте или проблеме до срока
    Silence(silence::SilenceArgs),
    /// Плановые работы: предложенные по объявлениям и записанные
    Works(works::WorksArgs),
    /// Получатели: кому сообщаем, приглашения и проверка связи
    Receivers(receivers::ReceiversArgs),
    /// Недельная сводка
    Digest(digest::DigestArgs),
    /// Удалить публикацию отовсюду
    Erase(small::EraseArgs),
    /// Велеть службе перечитать правила
    Reload(small::ReloadArgs),
    /// Показ: четыре недели вымышленного района за минуту, без ключей и без сети
    Demo(demo::DemoArgs),
}

impl Globals {
    /// The file of the configuration; a folder stands for its `otklik.toml`.
    #[must_use]
    pub fn config_file(&self) -> PathBuf {
        match &self.config {
            Some(folder) if folder.is_dir() => folder.join("otklik.toml"),
            Some(file) => file.clone(),
            None => {
                let [checkout, installed] = CONFIG_FILES;
                let found = if Path::new(checkout).exists() { checkout } else { installed };
                PathBuf::from(found)
            }
        }
    }

    /// The configuration as far as a command needs it, with `--store` applied.
    pub fn settings(&self, need: Need) -> Result<Settings> {
        let mut settings = config::load(&self.config_file(), need)?;
        if let Some(store) = &self.store {
            settings.store.clone_from(store);
        }
        Ok(settings)
    }

    /// The same before anybody configured anything: without a file what was shipped holds.
    pub fn settings_or_shipped(&self, need: Need) -> Result<Settings> {
        let file = self.config_file();
        if self.config.is_some() || file.exists() {
            return self.settings(need);
        }
        let mut settings = config::builtin(&file);
        if let Some(store) = &self.store {
            settings.store.clone_from(store);
        }
        Ok(settings)
    }
}

/// Reads the arguments, runs the command, prints why it failed.
pub fn start(args: impl IntoIterator<Item = OsString>) -> Exit {
    let outcome = match russian::russian(Cli::command()).try_get_matches_from(args) {
        Ok(matches) => Cli::from_arg_matches(&matches).map_err(refused).and_then(run),
        Err(error) => Err(refused(error)),
    };
    match outcome {
        Ok(exit) => exit,
        Err(failure) => {
            if !failure.text.is_empty() {
                // Nobody is left to tell if the error output is closed.
                drop(writeln!(std::io::stderr().lock(), "{}", failure.text));
            }
            failure.exit
        }
    }
}

fn run(cli: Cli) -> Result<Exit> {
    let globals = cli.globals;
    match cli.command {
        CommandLine::Init(args) => init::run(args, &globals),
        CommandLine::Check(args) => check::run(args, &globals),
        CommandLine::Evaluate(args) => evaluate::run(args, &globals),
        CommandLine::Explain(args) => explain::run(args, &globals),
        CommandLine::Packs(args) => packs::run(args, &globals),
        CommandLine::Places(args) => places::run(args, &globals),
        CommandLine::Sources(args) => sources::run(args, &globals),
        CommandLine::Telegram(args) => telegram::run(args, &globals),
        CommandLine::Try(args) => try_page::run(args, &globals),
        CommandLine::Run(args) => run::run(args, &globals),
        CommandLine::Status(args) => small::status(args, &globals),
        CommandLine::Collect(args) => collect::run(args, &globals),
        CommandLine::Add(args) => add::run(args, &globals),
        CommandLine::Import(args) => import::run(args, &globals),
        CommandLine::Export(args) => export::run(args, &globals),
        CommandLine::Classify(args) => classify::run(args, &globals),
        CommandLine::Problems(args) => problems::problems(args, &globals),
        CommandLine::Alerts(args) => alerts::run(args, &globals),
        CommandLine::Duty(args) => duty::run(args, &globals),
        CommandLine::Receivers(args) => receivers::run(args, &globals),
        CommandLine::Digest(args) => digest::run(args, &globals),
        CommandLine::Erase(args) => small::erase(args, &globals),
        CommandLine::Reload(args) => small::reload(args, &globals),
        CommandLine::Silence(args) => silence::run(args, &globals),
        CommandLine::Works(args) => works::run(args, &globals),
        CommandLine::Demo(args) => demo::run(args, &globals),
    }
}

/// What clap says instead of arguments: help, version, or an error.
fn refused(error: clap::Error) -> Failure {
    let rendered = error.render();
    let (exit, text) = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => (Exit::Done, None),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            (Exit::Usage, Some(rendered.to_string()))
        }
        _ => (Exit::Usage, Some(russian::explain(&error))),
    };
    match text {
        Some(text) => Failure { exit, text: text.trim_end().to_owned() },
        None => {
            let mut out = std::io::stdout().lock();
            let shown = if out.is_terminal() {
                write!(out, "{}", rendered.ansi())
            } else {
                write!(out, "{rendered}")
            };
            match shown.and_then(|()| out.flush()) {
                Ok(()) => Failure { exit, text: String::new() },
                Err(error) => error.into(),
            }
        }
    }
}

/// Prints one line to the standard output; a closed pipe ends the command quietly.
macro_rules! say {
    ($($arg:tt)*) => {{
        use std::io::Write as _;
        writeln!(std::io::stdout().lock(), $($arg)*)
    }};
}
pub(crate) use say;
