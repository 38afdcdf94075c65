//! `otklik sources`: what is watched, and a new page to watch.
//!
//! Place in the flow: edits `sources.toml`, which the daemon reads again by itself; [`list`] shows
//! it with what the store knows.
//! Invariant: an edit adds lines at the end and changes none, and is made only if the whole file is
//! sound after it.

use std::path::Path;

use clap::{Args, Subcommand, ValueEnum};

use crate::config::check::{self, Checked};
use crate::config::handle::{self, Recognised};
use crate::config::reference::quoted;
use crate::config::sources::{kind_name, parse_sources, platform, scope_name};
use crate::config::{Fault, Need, Severity, fault, save};
use crate::model::{Source, SourceKind, SourceScope};

use super::{Exit, Failure, Globals, Result, say};

mod list;

pub(super) use list::completeness;

/// Arguments of `sources`.
#[derive(Debug, Args)]
pub struct SourcesArgs {
    /// Построчно в JSON
    #[arg(long)]
    json: bool,
    #[command(subcommand)]
    command: Option<SourcesCommand>,
}

#[derive(Debug, Subcommand)]
enum SourcesCommand {
    /// Добавить страницу в sources.toml
    Add(AddArgs),
    /// Показать, что читается, как часто и насколько полно (так и без слова list)
    List(ListArgs),
}

/// Arguments of `sources add`.
#[derive(Debug, Args)]
struct AddArgs {
    /// Адрес страницы или её имя (тогда нужен --platform)
    #[arg(value_name = "АДРЕС", allow_hyphen_values = true)]
    page: String,
    /// Имя источника (без ключа: из адреса)
    #[arg(long, value_name = "ИМЯ")]
    id: Option<String>,
    /// Платформа, если дано только имя страницы: vk, telegram, rss
    #[arg(long, value_name = "ПЛАТФОРМА")]
    platform: Option<String>,
    /// Что это: official, news, community, leader (без ключа: community)
    #[arg(long, value_name = "ВИД", value_enum)]
    kind: Option<Kind>,
    /// О чём пишут: district или region (без ключа: district)
    #[arg(long, value_name = "ОХВАТ", value_enum)]
    scope: Option<Scope>,
    /// Место, если в тексте оно не названо: имя из places.toml
    #[arg(long, value_name = "МЕСТО")]
    place: Option<String>,
    /// Как часто смотреть: 15m, 1h (без ключа: 15m)
    #[arg(long, value_name = "СРОК")]
    every: Option<String>,
}

/// Arguments of `sources list`.
#[derive(Debug, Args)]
struct ListArgs {
    /// Построчно в JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    Official,
    News,
    Community,
    Leader,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Scope {
    District,
    Region,
}

impl From<Kind> for SourceKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Official => SourceKind::Official,
            Kind::News => SourceKind::News,
            Kind::Community => SourceKind::Community,
            Kind::Leader => SourceKind::Leader,
        }
    }
}

impl From<Scope> for SourceScope {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::District => SourceScope::District,
            Scope::Region => SourceScope::Region,
        }
    }
}

/// Runs the command.
pub fn run(args: SourcesArgs, globals: &Globals) -> Result<Exit> {
    match args.command {
        Some(SourcesCommand::Add(args)) => {
            add(&args, &globals.settings(Need::District)?.sources_file())
        }
        Some(SourcesCommand::List(list)) => list::list(args.json || list.json, globals),
        None => list::list(args.json, globals),
    }
}

fn add(args: &AddArgs, file: &Path) -> Result<Exit> {
    let text =
        if file.exists() { fault::read_text(file).map_err(|f| vec![f])? } else { String::new() };
    let (present, faults) = parse_sources(file, &text, None);
    if faults.iter().any(|fault| fault.severity == Severity::Error) {
        return Err(faults.into());
    }
    let found = page(args)?;
    let kind = args.kind.map_or(SourceKind::Community, SourceKind::from);
    let handle = sound(handle::check(found.platform, &found.handle, kind))?;
    let folded = handle::folded(found.platform, &handle);
    if let Some(twin) = present.iter().find(|source| {
        source.platform == found.platform
            && handle::folded(&source.platform, &source.handle) == folded
    }) {
        return Err(Failure::failed(format!("эту страницу уже читает источник «{}»", twin.id)));
    }
    let id = id(args, &found, &handle, &present)?;
    let section = section(args, &id, found.platform, &handle, kind);
    let glue = if text.is_empty() || text.ends_with("\n\n") {
        ""
    } else if text.ends_with('\n') {
        "\n"
    } else {
        "\n\n"
    };
    let edited = format!("{text}{glue}{section}");
    let (_, faults) = parse_sources(file, &edited, None);
    if let Some(fault) = faults.iter().find(|fault| fault.severity == Severity::Error) {
        return Err(Failure::usage(without_place(fault)));
    }
    save::replace(file, &edited).map_err(|error| {
        Failure::failed(format!("не удалось записать {}: {error}", file.display()))
    })?;
    say!("добавлен источник «{id}» ({}: {handle}) в {}", found.platform, file.display())?;
    Ok(Exit::Done)
}

/// A fault in lines that were never written has no place.
fn without_place(fault: &Fault) -> String {
    format!("{} → {}", fault.text, fault.fix)
}

fn sound<T>(value: Checked<T>) -> Result<T> {
    value.map_err(|wrong| Failure::usage(format!("{} → {}", wrong.text, wrong.fix)))
}

/// Which page is meant.
fn page(args: &AddArgs) -> Result<Recognised> {
    let Some(typed) = &args.platform else {
        let found = sound(handle::recognise(&args.page))?;
        sound(platform(found.platform))?;
        return Ok(found);
    };
    let name = sound(platform(typed))?;
    let platform = ["vk", "telegram", "rss"].into_iter().find(|known| *known == name);
    let platform =
        platform.ok_or_else(|| Failure::usage(format!("неизвестная платформа «{name}»")))?;
    Ok(Recognised { platform, handle: args.page.clone() })
}

/// The id that was typed, else one made from the page.
fn id(args: &AddArgs, found: &Recognised, handle: &str, present: &[Source]) -> Result<String> {
    let taken = |id: &str| present.iter().any(|source| source.id.as_str() == id);
    if let Some(id) = &args.id {
        let id = sound(check::id(id))?;
        return match taken(&id) {
            true => Err(Failure::failed(format!("источник «{id}» уже есть → дайте другое имя"))),
            false => Ok(id),
        };
    }
    let name = match found.platform {
        "rss" => {
            let host = handle.split("://").nth(1).unwrap_or(handle);
            let host = host.split(['/', ':', '?']).next().unwrap_or(host);
            host.strip_prefix("www.").unwrap_or(host).to_lowercase()
        }
        platform if handle.starts_with('-') => format!("{platform}{handle}"),
        _ => handle.to_lowercase(),
    };
    let second = format!("{}-{name}", found.platform);
    let numbered = (2..).map(|number| format!("{name}-{number}"));
    [name.clone(), second]
        .into_iter()
        .chain(numbered)
        .find(|id| !taken(id))
        .ok_or_else(|| Failure::usage("не хватает --id"))
}

/// The lines of the new source.
fn section(args: &AddArgs, id: &str, platform: &str, handle: &str, kind: SourceKind) -> String {
    let mut lines = vec![
        "[[source]]".to_owned(),
        format!("id = {}", quoted(id)),
        format!("platform = {}", quoted(platform)),
        format!("handle = {}", quoted(handle)),
        format!("kind = {}", quoted(kind_name(kind))),
    ];
    if let Some(scope) = args.scope {
        lines.push(format!("scope = {}", quoted(scope_name(scope.into()))));
    }
    if let Some(place) = &args.place {
        lines.push(format!("place = {}", quoted(place)));
    }
    if let Some(every) = &args.every {
        lines.push(format!("every = {}", quoted(every)));
    }
    lines.push(String::new());
    lines.join("\n")
}
