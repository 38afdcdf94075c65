//! `otklik import FILE`: posts of a file, assessed as if live, told to nobody.
//!
//! Place in the flow: the file's lines go through the door and the same stages as collected posts,
//! each at its own time. Invariants: every good line is stored, a bad one is named, skipped and
//! counted; a line that is stored unchanged is known, a changed one is an edit; a broken-off import
//! is simply run again.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use otklik_collectors::door::Door;
use otklik_collectors::{Author, RawKind, RawPost};

use crate::clock::{Clock, SystemClock};
use crate::config::{Need, Settings};
use crate::pipeline::district::District;
use crate::pipeline::import::{BATCH, Imported, import_batch};
use crate::pipeline::keys::KeyFile;
use crate::store::{PageOutcome, Store};

use super::line::PostLine;
use super::tabular::columns::{Columns, Want};
use super::tabular::maps::{ColumnMap, is_name};
use super::{Exit, Failure, Globals, Result, open, say, tabular};

/// Source of lines that name none.
const SOURCE: &str = "import";

/// Arguments of `import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// Файл .jsonl, .jsonl.gz, .csv или .xlsx; «-»: строки JSON со стандартного ввода
    #[arg(value_name = "ФАЙЛ")]
    file: PathBuf,
    /// Столбцы незнакомой таблицы: auto — предложить, показать и запомнить; ИМЯ — как запомнено
    #[arg(long, value_name = "auto|ИМЯ")]
    map: Option<String>,
    /// Под каким именем запомнить предложенные столбцы (без ключа: по имени файла)
    #[arg(long, value_name = "ИМЯ", requires = "map")]
    save: Option<String>,
    /// Только показать столбцы и проверить строки; ничего не сохранять
    #[arg(long)]
    dry_run: bool,
    /// Считать своим любое место: для текстов других районов
    #[arg(long)]
    anywhere: bool,
    /// Итог одной строкой JSON
    #[arg(long)]
    json: bool,
}

/// What an import did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
struct Tally {
    lines: u64,
    rejected: u64,
    new: u32,
    edited: u32,
    known: u32,
    erased: u32,
    problems: u32,
    alerts: u32,
}

/// Runs the command.
pub fn run(args: ImportArgs, globals: &Globals) -> Result<Exit> {
    let settings = globals.settings_or_shipped(Need::Store)?;
    let district = District::load_rules(&settings, args.anywhere)?;
    if !args.file.exists() && args.file.as_os_str() != "-" {
        return Err(Failure::failed(format!("файла {} нет", args.file.display())));
    }
    let config = globals.config_file();
    let name = map_name(&args)?;
    let want = match args.map.as_deref() {
        None => Want::Known,
        Some("auto") => Want::Auto(name.clone()),
        Some(saved) => Want::Saved(ColumnMap::load(&config, saved)?),
    };
    let store = if args.dry_run { None } else { Some(open::store_to_write(&settings)?) };
    let mut tally = Tally::default();
    let mut lines = tabular::read(&args.file, &want, &district.zone, &mut |number, text| {
        writeln!(io::stderr().lock(), "строка {number}: {text}")
    })?;
    tally.lines = lines.good.len() as u64 + lines.rejected;
    tally.rejected = lines.rejected;
    if let (Want::Auto(_), Some(columns)) = (&want, &lines.columns) {
        show(columns)?;
        if !args.dry_run {
            keep(&config, &name, columns)?;
        }
    }
    let now = SystemClock.now();
    // Stable: lines of one instant keep the order of the file.
    lines.good.sort_by_key(|line| line.published.unwrap_or(now));
    if let Some(store) = &store {
        open::wait(store_all(&settings, &district, store, lines.good, now, &mut tally))?;
    }
    tell(&tally, args.json)?;
    Ok(if tally.rejected > 0 { Exit::Partly } else { Exit::Done })
}

/// The name under which a proposal is kept: as given, else made of the file's name.
fn map_name(args: &ImportArgs) -> Result<String> {
    if args.save.is_some() && args.map.as_deref() != Some("auto") {
        return Err(Failure::usage("--save запоминает предложенные столбцы: нужен --map auto"));
    }
    if let Some(name) = &args.save {
        return if is_name(name) {
            Ok(name.clone())
        } else {
            Err(Failure::usage(format!("--save {name}: годятся буквы, цифры, «-» и «_»")))
        };
    }
    let stem = args.file.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
    let name: String =
        stem.chars().take(60).map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
    let name = name.trim_matches('-');
    Ok(if is_name(name) { name.to_owned() } else { "table".to_owned() })
}

/// Shows how the columns are understood; on the error output, beside the complaints about rows.
fn show(columns: &Columns) -> Result<()> {
    let mut out = io::stderr().lock();
    writeln!(out, "Столбцы (имена в строке {}):", columns.head + 1)?;
    for note in &columns.notes {
        writeln!(out, "{note}")?;
    }
    if !columns.has("id") {
        writeln!(out, "  номера нет: он составлен из времени и текста")?;
    }
    if !columns.has("published") {
        writeln!(out, "  времени нет: строки считаются написанными сейчас")?;
    }
    Ok(())
}

/// Keeps the proposal; a folder that cannot be written to stops no import.
fn keep(config: &Path, name: &str, columns: &Columns) -> Result<()> {
    let told = match ColumnMap::save(config, name, columns) {
        Ok(Some(file)) => format!(
            "Запомнено: {}. В следующий раз: otklik import ФАЙЛ --map {name}",
            file.display()
        ),
        Ok(None) => format!(
            "Карта столбцов «{name}» уже есть и отличается, она не изменена; другое имя: --save ИМЯ"
        ),
        Err(failure) => failure.text,
    };
    Ok(writeln!(io::stderr().lock(), "{told}")?)
}

fn tell(tally: &Tally, json: bool) -> Result<()> {
    if json {
        say!("{}", serde_json::to_string(tally).map_err(io::Error::from)?)?;
        return Ok(());
    }
    say!(
        "Строк: {}. Новых: {}, изменённых: {}, известных: {}, отвергнуто: {}. \
         Новых проблем: {}. Оповещений было бы: {} (при загрузке они не отправляются).",
        tally.lines,
        tally.new,
        tally.edited,
        tally.known,
        tally.rejected,
        tally.problems,
        tally.alerts
    )?;
    if tally.erased > 0 {
        say!("Не приняты, потому что были удалены по требованию: {}.", tally.erased)?;
    }
    Ok(())
}

async fn store_all(
    settings: &Settings,
    district: &District,
    store: &Store,
    lines: Vec<PostLine>,
    now: Timestamp,
    tally: &mut Tally,
) -> Result<()> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let keys = KeyFile::open(&settings.store, clock).map_err(|error| {
        Failure::failed(format!("файл месячных ключей не открывается: {error}"))
    })?;
    let door = Door::new(Arc::new(keys), []);
    let bar = progress(lines.len());
    let mut scratch = Default::default();
    let mut lines = lines.into_iter().peekable();
    while lines.peek().is_some() {
        let batch: Vec<Imported> =
            lines.by_ref().take(BATCH).map(|line| imported(line, district, &door, now)).collect();
        let count = batch.len();
        let (outcome, grouped) =
            import_batch(store, district, &door, batch, now, &mut scratch).await?;
        add(tally, &outcome);
        tally.problems += grouped.opened;
        tally.alerts += grouped.alerts;
        bar.inc(count as u64);
    }
    bar.finish_and_clear();
    Ok(())
}

fn add(tally: &mut Tally, outcome: &PageOutcome) {
    tally.new += outcome.new;
    tally.edited += outcome.edited + outcome.revived;
    tally.known += outcome.known;
    tally.erased += outcome.erased;
}

fn progress(lines: usize) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(lines as u64);
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} строк, осталось {eta}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// Lets a line through the door.
fn imported(line: PostLine, district: &District, door: &Door, now: Timestamp) -> Imported {
    let named = |name: &Option<String>| name.clone().unwrap_or_else(|| SOURCE.to_owned());
    let gazetteer = district.lexicon.gazetteer();
    Imported {
        source: named(&line.source).into(),
        platform: named(&line.platform),
        place: line.place.as_deref().and_then(|name| gazetteer.by_name(name)).cloned(),
        raw: raw_of(line, door, now),
    }
}

fn raw_of(line: PostLine, door: &Door, now: Timestamp) -> RawPost {
    let published = line.published.unwrap_or(now);
    RawPost {
        kind: if line.comment { RawKind::Comment } else { RawKind::Post },
        text: door.mask(&line.text),
        published: Some(published),
        edited: line.edited,
        author: match line.author {
            Some(author) => Author::Person(door.seed(&author, published)),
            None => Author::Anonymous,
        },
        official: line.official,
        url: line.url,
        counts: line.counts,
        repost: false,
        id: line.id,
        parent: line.parent,
    }
}
