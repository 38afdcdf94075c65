//! `otklik receivers`: who is told, over which channels; inviting a chat, forgetting one, proving
//! that what is sent arrives.
//!
//! Place in the flow: reads beside a running daemon; what changes goes to it; `test` sends by
//! itself. Invariants: a code is made here, printed once and kept nowhere as it is; no address that
//! may hold a key is printed.

use clap::{Args, Subcommand, ValueEnum};

use crate::clock::{Clock, SystemClock};
use crate::config::routes::{self, KnownNames, Receiver, Routes};
use crate::config::{Need, Settings};
use crate::model::{Channel, CommandKind, SendOutcome};
use crate::notify::Message;
use crate::pipeline::enrol::{CODE_CHARS, code};
use crate::pipeline::services;
use crate::store::Enrolled;

use super::table::aligned;
use super::{Exit, Failure, Globals, Result, open, say, words};

/// `otklik receivers …`
#[derive(Debug, Args)]
pub struct ReceiversArgs {
    #[command(subcommand)]
    command: Option<ReceiversCommand>,
}

#[derive(Debug, Subcommand)]
enum ReceiversCommand {
    /// Кому сообщаем и куда (так и без слова list)
    List {
        /// Строки JSON
        #[arg(long)]
        json: bool,
    },
    /// Код, которым получатель сам подключает свой чат к боту: на сутки, на один чат
    Invite {
        /// Имя получателя из routes.toml
        #[arg(value_name = "ИМЯ")]
        name: String,
    },
    /// Отключить чаты, подключённые по приглашению
    Forget {
        /// Имя получателя
        #[arg(value_name = "ИМЯ")]
        name: String,
        /// Канал
        #[arg(value_enum, value_name = "КАНАЛ")]
        channel: BotChannel,
    },
    /// Отправить пробное сообщение по каждому каналу и сказать, что принято, а что нет и почему
    Test {
        /// Имя получателя (без него: всем)
        #[arg(value_name = "ИМЯ")]
        name: Option<String>,
    },
}

/// A channel that can be joined by invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum BotChannel {
    /// Telegram
    Telegram,
    /// MAX
    Max,
}

impl From<BotChannel> for Channel {
    fn from(channel: BotChannel) -> Self {
        match channel {
            BotChannel::Telegram => Channel::Telegram,
            BotChannel::Max => Channel::Max,
        }
    }
}

/// Runs `receivers`.
pub fn run(args: ReceiversArgs, globals: &Globals) -> Result<Exit> {
    let settings = globals.settings(Need::All)?;
    match args.command.unwrap_or(ReceiversCommand::List { json: false }) {
        ReceiversCommand::List { json } => list(&settings, json),
        ReceiversCommand::Invite { name } => invite(&settings, &name),
        ReceiversCommand::Forget { name, channel } => {
            let kind = CommandKind::Forget { receiver: name, channel: channel.into() };
            open::told(&open::wait(open::change(&settings, kind))?)
        }
        ReceiversCommand::Test { name } => test(&settings, name.as_deref()),
    }
}

/// The receivers of the file; nobody without a file.
fn routes_of(settings: &Settings) -> Result<Routes> {
    let file = settings.routes_file();
    if !file.exists() {
        return Ok(Routes::default());
    }
    let text = std::fs::read_to_string(&file)
        .map_err(|error| Failure::failed(format!("{}: {error}", file.display())))?;
    Ok(routes::parse(&file, &text, &KnownNames::default())?.0)
}

/// The chats that receivers joined; none before there is a store.
fn enrolled(settings: &Settings) -> Result<Vec<Enrolled>> {
    if !settings.store.exists() {
        return Ok(Vec::new());
    }
    let store = open::store_to_read(settings)?;
    open::wait(async { Ok(store.enrolled().await?) })
}

fn find<'a>(routes: &'a Routes, name: &str) -> Result<&'a Receiver> {
    let found = routes.receivers.iter().find(|receiver| receiver.name == name);
    found.ok_or_else(|| {
        let names: Vec<String> =
            routes.receivers.iter().map(|receiver| format!("«{}»", receiver.name)).collect();
        let names = if names.is_empty() { "никого".to_owned() } else { names.join(", ") };
        Failure::failed(format!("нет получателя «{name}»; в routes.toml есть: {names}"))
    })
}

fn list(settings: &Settings, json: bool) -> Result<Exit> {
    let (routes, joined) = (routes_of(settings)?, enrolled(settings)?);
    let now = SystemClock.now();
    let mut rows = Vec::new();
    for receiver in &routes.receivers {
        for (channel, address) in &receiver.channels {
            rows.push((receiver.name.clone(), *channel, shown(*channel, address), None));
        }
    }
    for chat in &joined {
        let since = words::day(chat.since, now, &settings.district.timezone);
        let known = routes.receivers.iter().any(|receiver| receiver.name == chat.receiver);
        let gone =
            if known { "" } else { "; такого получателя нет в routes.toml" };
        let text = format!("чат по приглашению, с {since}{gone}");
        rows.push((chat.receiver.clone(), chat.channel, text, Some(chat.since)));
    }
    // Stable: what the file says stays before what was joined.
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    if json {
        for (receiver, channel, _, since) in rows {
            let since = since.map(|at| at.to_string());
            let row = serde_json::json!({
                "receiver": receiver, "channel": channel, "joined": since
            });
            say!("{row}")?;
        }
        return Ok(Exit::Done);
    }
    if rows.is_empty() {
        say!("Получателей нет: впишите их в {}.", settings.routes_file().display())?;
    }
    let rows: Vec<Vec<String>> = rows
        .into_iter()
        .map(|(receiver, channel, text, _)| vec![receiver, channel.name().to_owned(), text])
        .collect();
    for line in aligned(&rows) {
        say!("{line}")?;
    }
    Ok(Exit::Done)
}

/// An address as it may be shown: a webhook's may hold a key.
fn shown(channel: Channel, address: &str) -> String {
    match channel {
        Channel::Webhook => "адрес в routes.toml".to_owned(),
        _ => address.to_owned(),
    }
}

fn invite(settings: &Settings, name: &str) -> Result<Exit> {
    let routes = routes_of(settings)?;
    find(&routes, name)?;
    let notifiers = services::notifiers(settings)?;
    let bots: Vec<Channel> = notifiers.ears().map(|(channel, _)| channel).collect();
    if bots.is_empty() {
        let why = notifiers.deaf().next().map_or(
            "подключаться некуда: настройте [telegram_bot] или [max_bot] в otklik.toml",
            |(_, text)| text,
        );
        return Err(Failure::failed(why));
    }
    let (mut letters, mut salt) = ([0; CODE_CHARS], [0; 16]);
    for bytes in [&mut letters[..], &mut salt[..]] {
        getrandom::fill(bytes)
            .map_err(|error| Failure::failed(format!("нет случайных чисел: {error}")))?;
    }
    let code = code(letters);
    let salt: String = salt.iter().map(|byte| format!("{byte:02x}")).collect();
    let kind = CommandKind::Invite { receiver: name.to_owned(), salt, code: code.clone() };
    let (reply, runs, handles) = open::wait(async {
        let ping = open::command(CommandKind::Ping);
        let runs = open::ask_daemon(settings, &ping).await?.is_some();
        let reply = open::change(settings, kind).await?;
        let mut handles = Vec::new();
        for channel in bots {
            let handle = match notifiers.of(channel) {
                Some(notifier) => notifier.handle().await,
                None => None,
            };
            handles.push((channel, handle));
        }
        Ok((reply, runs, handles))
    })?;
    let told = open::told(&reply)?;
    let (left, right) = code.split_at(CODE_CHARS / 2);
    for (channel, handle) in handles {
        let bot = handle.unwrap_or_else(|| "оповещений".to_owned());
        let whose = if channel == Channel::Max { "MAX" } else { "Telegram" };
        say!("{whose}: напишите боту {bot}: /start {left}-{right}")?;
    }
    say!("В группе — то же самое, когда бот в неё добавлен.")?;
    if !runs {
        say!("Служба не запущена: бот ответит, когда она заработает (otklik run).")?;
    }
    Ok(told)
}

fn test(settings: &Settings, name: Option<&str>) -> Result<Exit> {
    let (routes, joined) = (routes_of(settings)?, enrolled(settings)?);
    let wanted: Vec<&Receiver> = match name {
        Some(name) => vec![find(&routes, name)?],
        None => routes.receivers.iter().collect(),
    };
    if wanted.is_empty() {
        return Err(Failure::failed("в routes.toml нет получателей: проверять некого"));
    }
    let notifiers = services::notifiers(settings)?;
    let (now, district) = (SystemClock.now(), &settings.district.name);
    open::wait(async {
        let mut failed = false;
        for receiver in wanted {
            let chats = joined.iter().filter(|chat| chat.receiver == receiver.name);
            let chats = chats.map(|chat| (chat.channel, chat.address.clone()));
            for (number, (channel, address)) in
                (1..).zip(receiver.channels.iter().cloned().chain(chats))
            {
                let text = format!(
                    "ПРОВЕРКА\n\nЭто проверка связи: «Отклик», {district}. Сообщение для \
                     получателя «{}». Отвечать и делать ничего не нужно.",
                    receiver.name
                );
                let id = format!("test.{}.{number}", now.as_microsecond());
                let message = Message::plain(&id, now, text);
                let outcome = notifiers.send(channel, &message, &address).await;
                failed |= !matches!(outcome, SendOutcome::Sent { .. });
                say!("{}, {}: {}", receiver.name, channel.name(), ended(&outcome))?;
            }
        }
        Ok(if failed { Exit::Failed } else { Exit::Done })
    })
}

/// How a try ended, as the operator reads it.
fn ended(outcome: &SendOutcome) -> String {
    match outcome {
        SendOutcome::Sent { .. } => "принято".to_owned(),
        SendOutcome::Moved { address } => {
            format!("не принято: группа стала супергруппой, её новый номер {address}")
        }
        SendOutcome::Retry { text, .. }
        | SendOutcome::Unreachable { text }
        | SendOutcome::Lost { text }
        | SendOutcome::Unset { text }
        | SendOutcome::Refused { text } => format!("не принято: {text}"),
    }
}
