//! `otklik packs history | rollback`: the sets of rules that went live, and the way back to one.
//!
//! Place in the flow: the daemon keeps every set it accepts; here a person reads the list, and puts
//! the packs of an earlier set back as files. Invariants: a set is put back only if it still passes
//! every check; what it replaces is kept beside; the reason goes into the history.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::clock::{Clock, SystemClock};
use crate::config::packs::PackFile;
use crate::config::{Need, RuleFiles, Settings, rules, save, shipped as carried};
use crate::model::CommandKind;
use crate::pipeline::district;
use crate::store::{RulesEntry, Store};

use crate::cli::{Exit, Failure, Globals, Result, open, say, table};

/// Sets among which a version is looked for.
const ENTRIES: u32 = 1_000;
/// Fewest digits that name a version.
const DIGITS_MIN: usize = 4;

/// Arguments of `packs history`.
#[derive(Debug, Args)]
pub struct HistoryArgs {
    /// Сколько показать
    #[arg(long, value_name = "N", default_value_t = 20, hide_default_value = true)]
    limit: u32,
    /// Построчно в JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `packs rollback`.
#[derive(Debug, Args)]
pub struct RollbackArgs {
    /// Версия из packs history (хватит первых знаков)
    #[arg(value_name = "ВЕРСИЯ")]
    version: String,
    /// Зачем: запишется в историю
    #[arg(long, value_name = "ТЕКСТ")]
    why: String,
}

/// The packs that the program carries.
#[must_use]
pub fn shipped() -> Vec<PackFile> {
    let packs = carried::keywords().filter(|(name, _)| name.ends_with(".toml"));
    packs.map(|(name, text)| PackFile::new(format!("keywords/{name}"), text)).collect()
}

/// The entry that a version's first digits name; without any the one in force.
pub async fn find(store: &Store, version: Option<&str>) -> Result<RulesEntry> {
    let entries = store.rules_history(ENTRIES).await?;
    let Some(version) = version else {
        return entries.into_iter().next().ok_or_else(|| {
            let text = "история правил пуста: её ведёт служба (otklik run)";
            Failure::failed(format!("{text}; сравнить с поставкой: --against shipped"))
        });
    };
    let mut found = entries.into_iter().filter(|entry| entry.version.starts_with(version));
    let first = found.next().filter(|_| version.len() >= DIGITS_MIN);
    let first = first.ok_or_else(|| {
        Failure::usage(format!("версии «{version}» нет → какие есть: otklik packs history"))
    })?;
    match found.find(|other| other.version != first.version) {
        Some(_) => Err(Failure::usage(format!("версий на «{version}» несколько: допишите знаки"))),
        None => Ok(first),
    }
}

/// `packs history`.
pub fn history(args: &HistoryArgs, globals: &Globals) -> Result<Exit> {
    let settings = globals.settings_or_shipped(Need::Store)?;
    let store = open::store_to_read(&settings)?;
    let entries = open::wait(async { Ok(store.rules_history(args.limit).await?) })?;
    if args.json {
        for entry in &entries {
            let RulesEntry { version, at, actor, reason } = entry;
            let at = at.to_string();
            let row = serde_json::json!({
                "version": version, "at": at, "actor": actor, "reason": reason,
            });
            say!("{row}")?;
        }
        return Ok(Exit::Done);
    }
    if entries.is_empty() {
        say!("История пуста: её ведёт служба (otklik run).")?;
        return Ok(Exit::Done);
    }
    let mut rows = vec![["версия", "принята", "кто", "зачем"].map(str::to_owned).to_vec()];
    rows.extend(entries.iter().map(|entry| {
        let at = entry.at.to_zoned(settings.district.timezone.clone());
        let at = at.strftime("%d.%m.%Y %H:%M").to_string();
        vec![entry.version.clone(), at, entry.actor.clone(), entry.reason.clone()]
    }));
    for line in table::aligned(&rows) {
        say!("{line}")?;
    }
    Ok(Exit::Done)
}

/// `packs rollback`.
pub fn rollback(args: &RollbackArgs, globals: &Globals) -> Result<Exit> {
    let settings = globals.settings_or_shipped(Need::Store)?;
    let why = args.why.trim();
    if why.is_empty() {
        return Err(Failure::usage("--why: напишите, зачем возвращается прежний набор"));
    }
    let store = open::store_to_read(&settings)?;
    let (entry, named) = open::wait(async {
        let entry = find(&store, Some(&args.version)).await?;
        let named = store.rules_files(&entry.version).await?;
        Ok((entry, named))
    })?;
    drop(store);
    let packs = RuleFiles::of_named(&settings, named).packs?;
    district::lexicon_of(&RuleFiles::read(&settings).with_packs(packs.clone()))?;
    let (changed, kept) = put_back(&settings.keywords, &packs)?;
    let at = entry.at.to_zoned(settings.district.timezone.clone()).strftime("%d.%m.%Y %H:%M");
    let kept = kept.map(|folder| format!(" Прежние файлы: {}.", folder.display()));
    let said = format!(
        "Словари набора {} от {at} на месте, изменено файлов: {changed}.{}",
        entry.version,
        kept.unwrap_or_default()
    );
    say!("{said}")?;
    tell(&settings, why)
}

/// Tells the daemon, or enters the set itself if none runs.
fn tell(settings: &Settings, why: &str) -> Result<Exit> {
    let command = open::command(CommandKind::Reload { why: Some(why.to_owned()) });
    let reply = open::wait(open::ask_daemon(settings, &command))?;
    if let Some(reply) = reply {
        return open::told(&reply);
    }
    let store = open::store_to_write(settings)?;
    let Some(named) = RuleFiles::read(settings).named() else {
        return Err(Failure::failed("файлы правил не читаются: otklik check"));
    };
    let (version, at) = (rules::version(&named), SystemClock.now());
    let entry = RulesEntry { version, at, actor: command.actor, reason: why.to_owned() };
    open::wait(async { Ok(store.keep_rules(entry, named, true).await?) })?;
    say!("Служба не запущена: правила вступят в силу при её запуске.")?;
    Ok(Exit::Done)
}

/// Makes the folder hold these packs and no others. Files that go or change are moved into a folder
/// of their own, which is returned.
fn put_back(folder: &Path, packs: &[PackFile]) -> Result<(usize, Option<PathBuf>)> {
    std::fs::create_dir_all(folder)?;
    let present = crate::config::packs::read_dir(folder)?;
    let wanted = |path: &Path| packs.iter().find(|pack| pack.path == path);
    let over: Vec<&PackFile> = present
        .iter()
        .filter(|file| wanted(&file.path).is_none_or(|pack| pack.text != file.text))
        .collect();
    let kept = folder.join(SystemClock.now().strftime(".before-%Y%m%d-%H%M%S").to_string());
    for file in &over {
        let inside = file.path.strip_prefix(folder).unwrap_or(&file.path);
        let copy = kept.join(inside);
        if let Some(parent) = copy.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::copy(&file.path, &copy)?;
    }
    let mut changed = 0;
    for pack in packs {
        let same = present.iter().any(|file| file == pack);
        if !same {
            if let Some(parent) = pack.path.parent() {
                std::fs::create_dir_all(parent)?;
            }
            save::replace(&pack.path, &pack.text)?;
            changed += 1;
        }
    }
    for file in present.iter().filter(|file| wanted(&file.path).is_none()) {
        std::fs::remove_file(&file.path)?;
        changed += 1;
    }
    Ok((changed, (!over.is_empty()).then_some(kept)))
}
