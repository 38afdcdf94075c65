//! `otklik add TEXT`: notes a complaint that came by telephone or at the reception.
//!
//! Place in the flow: the official's words go to the daemon if one runs, else straight to the
//! store. Invariants: the text is masked before it leaves this process; nothing about who called is
//! asked or kept.

use std::io::{self, Read as _};
use std::sync::Arc;

use clap::Args;
use otklik_collectors::door::Door;

use crate::clock::{Clock, SystemClock};
use crate::config::{Need, Settings};
use crate::model::{CommandKind, CommandReply, PlaceId, TopicId};
use crate::pipeline::district::District;
use crate::pipeline::group::{Sending, group_store};
use crate::pipeline::keys::{KeyFile, PassingKeys};
use crate::pipeline::note::{self, Note};

use super::{Exit, Failure, Globals, Result, open, say};

/// Longest text read from the standard input, in bytes.
const TEXT_BYTES_MAX: u64 = 64 * 1024;

/// Arguments of `add`.
#[derive(Debug, Args)]
pub struct AddArgs {
    /// О чём сообщили, своими словами; «-»: со стандартного ввода
    #[arg(value_name = "ТЕКСТ", required = true, num_args = 1..)]
    text: Vec<String>,
    /// Населённый пункт, если он не назван в тексте: имя или короткое имя из places.toml
    #[arg(long, value_name = "МЕСТО")]
    place: Option<String>,
    /// Тема, если она известна: короткое имя словаря, например heating
    #[arg(long, value_name = "ТЕМА")]
    topic: Option<String>,
    /// Ответ одной строкой JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: AddArgs, globals: &Globals) -> Result<Exit> {
    let settings = globals.settings_or_shipped(Need::Store)?;
    let district = District::load_rules(&settings, false)?;
    let text = match args.text.as_slice() {
        [dash] if dash == "-" => read_stdin()?,
        words => words.join(" "),
    };
    let place = args.place.as_deref().map(|name| place_named(&district, name)).transpose()?;
    let topic = args.topic.as_deref().map(TopicId::from);
    let masking = Door::new(Arc::new(PassingKeys::default()), []);
    let text = masking.mask(&text).as_str().to_owned();
    let asked = Note { text: &text, place: place.as_ref(), topic: topic.as_ref() };
    if let Some(refused) = note::refusal(&district, &asked) {
        return Err(Failure::usage(refused));
    }
    let reply = open::wait(async {
        let kind =
            CommandKind::Note { text: text.clone(), place: place.clone(), topic: topic.clone() };
        match open::ask_daemon(&settings, &open::command(kind)).await? {
            Some(reply) => Ok(reply),
            None => store_directly(&settings, &district, asked).await,
        }
    })?;
    if args.json {
        say!("{}", serde_json::to_string(&reply).map_err(io::Error::from)?)?;
        return Ok(if reply.done { Exit::Done } else { Exit::Failed });
    }
    open::told(&reply)
}

/// Without a daemon: alerts are decided and wait for the next one.
async fn store_directly(
    settings: &Settings,
    district: &District,
    asked: Note<'_>,
) -> Result<CommandReply> {
    let store = open::store_to_write(settings)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let keys = KeyFile::open(&settings.store, Arc::clone(&clock)).map_err(|error| {
        Failure::failed(format!("файл месячных ключей не открывается: {error}"))
    })?;
    let door = Door::new(Arc::new(keys), []);
    let reply = note::take(&store, district, &door, asked, clock.now()).await?;
    group_store(&store, district, Sending::Live, || clock.now()).await?;
    Ok(reply)
}

fn place_named(district: &District, name: &str) -> Result<PlaceId> {
    let gazetteer = district.lexicon.gazetteer();
    let ours = gazetteer.by_name(name).filter(|id| gazetteer.ours().any(|(own, _)| own == *id));
    ours.cloned().ok_or_else(|| {
        Failure::usage(format!("места «{name}» нет среди мест района (places.toml)"))
    })
}

fn read_stdin() -> Result<String> {
    let mut text = String::new();
    let read = io::stdin().lock().take(TEXT_BYTES_MAX + 1).read_to_string(&mut text);
    let size = read.map_err(|_| Failure::failed("текст не в кодировке UTF-8"))?;
    if size as u64 > TEXT_BYTES_MAX {
        return Err(Failure::failed("текст слишком длинный"));
    }
    Ok(text)
}
