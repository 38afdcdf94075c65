//! `otklik import FILE`: posts of a file, assessed as if live, told to nobody.
//!
//! Place in the flow: the file's lines go through the door and the same stages as collected posts,
//! each at its own time. Invariants: every good line is stored, a bad one is named, skipped and
//! counted; a line that is stored unchanged is known, a changed one is an edit; a broken-off import
//! is simply run again.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
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
use super::{Exit, Failure, Globals, Result, open, say, tabular};

/// Source of lines that name none.
const SOURCE: &str = "import";

/// Arguments of `import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// Файл .jsonl, .jsonl.gz, .csv или .xlsx; «-»: строки JSON со стандартного ввода
    #[arg(value_name = "ФАЙЛ")]
    file: PathBuf,
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
    let store = open::store_to_write(&settings)?;
    let mut tally = Tally::default();
    let mut lines = tabular::read(&args.file, &district.zone, &mut |number, text| {
        writeln!(io::stderr().lock(), "строка {number}: {text}")
    })?;
    tally.lines = lines.good.len() as u64 + lines.rejected;
    tally.rejected = lines.rejected;
    let now = SystemClock.now();
    // Stable: lines of one instant keep the order of the file.
    lines.good.sort_by_key(|line| line.published.unwrap_or(now));
    open::wait(store_all(&settings, &district, &store, lines.good, now, &mut tally))?;
    tell(&tally, args.json)?;
    Ok(if tally.rejected > 0 { Exit::Partly } else { Exit::Done })
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
