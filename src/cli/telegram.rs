//! `otklik telegram login`: logs the account in that reads Telegram.
//!
//! Place in the flow: once after `init`, and again when Telegram has ended the login. Invariants:
//! number, code and password are asked for, never taken from arguments, and never shown or kept;
//! the session is written only after Telegram has said yes; a running daemon is not disturbed.

use std::io::{self, BufRead, IsTerminal as _, Write};
use std::path::Path;

use clap::{Args, Subcommand};
use otklik_collectors::telegram::{Login, LoginStep, SessionFile};

use crate::clock::{Clock, SystemClock};
use crate::config::{Need, Secret, Settings};
use crate::pipeline::telegram::{self, Refused};

use super::{Exit, Failure, Globals, Result, open, say};

/// Wrong codes or passwords in a row before the login ends.
const TRIES: u32 = 3;

/// Arguments of `telegram`.
#[derive(Debug, Args)]
pub struct TelegramArgs {
    #[command(subcommand)]
    command: TelegramCommand,
}

#[derive(Debug, Subcommand)]
enum TelegramCommand {
    /// Войти учётной записью: номер, код из Telegram, пароль, если он есть
    Login(LoginArgs),
}

/// Arguments of `telegram login`.
#[derive(Debug, Args)]
struct LoginArgs {
    /// Войти заново, хотя вход уже выполнен
    #[arg(long)]
    again: bool,
}

/// Runs the command.
pub fn run(args: TelegramArgs, globals: &Globals) -> Result<Exit> {
    let TelegramCommand::Login(args) = args.command;
    let settings = globals.settings(Need::Collect)?;
    let place = Place::of(&settings)?;
    // Holding the store keeps a daemon from reading by a session that is being replaced.
    let store = open::store_to_write(&settings)?;
    let stdin = io::stdin();
    let mut person = Person { input: &mut stdin.lock(), terminal: stdin.is_terminal() };
    open::wait(async {
        let Some(session) = log_in(&settings, &place, &args, &mut person).await? else {
            say!("Вход уже выполнен. Войти другой учётной записью: otklik telegram login --again")?;
            return Ok(Exit::Done);
        };
        telegram::write(place.file, &session).map_err(|error| {
            Failure::failed(format!("не удалось записать {}: {error}", place.file.display()))
        })?;
        // Another account opens nothing with what the one before had found.
        store.forget_telegram_rooms().await?;
        say!("Вход выполнен, ключ записан в {} (права 0600).", place.file.display())?;
        say!("Проверить: otklik check --online; затем запустите службу: systemctl start otklik")?;
        Ok(Exit::Done)
    })
}

/// What the configuration says about the account.
struct Place<'a> {
    api_id: i32,
    api_hash: &'a Secret,
    file: &'a Path,
}

impl<'a> Place<'a> {
    fn of(settings: &'a Settings) -> Result<Self> {
        let section = &settings.platforms.telegram;
        match (section.api_id, &section.api_hash, &section.session) {
            (Some(api_id), Some(api_hash), Some(file)) => Ok(Self { api_id, api_hash, file }),
            _ => Err(Failure {
                exit: Exit::BadConfig,
                text: "впишите в [platforms.telegram] api_id, api_hash (их даёт my.telegram.org) \
                       и session — куда записать ключ входа"
                    .to_owned(),
            }),
        }
    }
}

/// Asks Telegram and the person in turn; nothing if the login there is still holds.
async fn log_in(
    settings: &Settings,
    place: &Place<'_>,
    args: &LoginArgs,
    person: &mut Person<'_>,
) -> Result<Option<SessionFile>> {
    let clock = SystemClock;
    let hash = place.api_hash.read().map_err(|error| Failure {
        exit: Exit::BadConfig,
        text: format!("{}: {} → {}", error.key, error.text, error.fix),
    })?;
    let line = telegram::line_settings(settings, place.api_id).map_err(Failure::failed)?;
    let known = match telegram::read(place.file) {
        Ok(known) => known.map(|(_, session)| session),
        Err(Refused::Busy) => return Err(Failure::failed("файл входа занят другой программой")),
        // A broken file is what a new login mends.
        Err(Refused::Told(_)) => None,
    };
    let mut login = Login::new(&line, known.as_ref());
    if !args.again && login.is_done(clock.now()).await.map_err(refused)? {
        return Ok(None);
    }
    let phone = person.ask("Номер телефона учётной записи (+7…)")?;
    let phone: String = phone.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect();
    let mut step = login.phone(&phone, hash.expose(), clock.now()).await.map_err(refused)?;
    let mut wrong = 0;
    loop {
        step = match step {
            LoginStep::Done(session) => return Ok(Some(session)),
            LoginStep::Code => {
                let code = person.ask("Код, который прислал Telegram")?;
                login.code(&code, clock.now()).await.map_err(refused)?
            }
            LoginStep::Password(hint) => {
                let password = person.ask_hidden(&with_hint(hint.as_deref()))?;
                login.password(&password, clock.now()).await.map_err(refused)?
            }
            LoginStep::WrongCode | LoginStep::WrongPassword if wrong + 1 >= TRIES => {
                return Err(Failure::failed("слишком много ошибок; начните вход сначала"));
            }
            LoginStep::WrongCode => {
                wrong += 1;
                let code = person.ask("Код не подошёл. Код ещё раз")?;
                login.code(&code, clock.now()).await.map_err(refused)?
            }
            LoginStep::WrongPassword => {
                wrong += 1;
                let password = person.ask_hidden("Пароль не подошёл. Пароль ещё раз")?;
                login.password(&password, clock.now()).await.map_err(refused)?
            }
        };
    }
}

fn with_hint(hint: Option<&str>) -> String {
    match hint {
        Some(hint) => format!("Облачный пароль (подсказка: {hint}), при вводе не виден"),
        None => "Облачный пароль, при вводе не виден".to_owned(),
    }
}

fn refused(error: otklik_collectors::CollectError) -> Failure {
    Failure::failed(error.text)
}

/// The person who logs in.
struct Person<'a> {
    input: &'a mut dyn BufRead,
    terminal: bool,
}

impl Person<'_> {
    fn ask(&mut self, question: &str) -> Result<String> {
        write!(io::stderr().lock(), "{question}: ")?;
        let mut line = String::new();
        if self.input.read_line(&mut line)? == 0 {
            return Err(Failure::failed("ввод закончился, вход не выполнен"));
        }
        Ok(line.trim().to_owned())
    }

    /// The same without showing what is typed. A pipe shows nothing anyway.
    fn ask_hidden(&mut self, question: &str) -> Result<String> {
        if !self.terminal {
            return self.ask(question);
        }
        write!(io::stderr().lock(), "{question}: ")?;
        Ok(console::Term::stderr().read_secure_line()?)
    }
}
