//! `otklik packs`: the word lists as a whole: what there is, and whether the examples hold.
//!
//! Place in the flow: the analyst's desk. One subcommand a file; `list` and `test` stand here.
//! Invariants: reads the same files that go live, by the same code; only `import` and `rollback`
//! write, and only what passes every check; a file that is broken does not hide the others.

mod backtest;
mod candidates;
mod diff;
mod draft;
mod history;
mod sheets;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::config::packs::{PackFile, read_or_shipped};
use crate::config::{Fault, Need, Settings, Severity};
use crate::pipeline::district;

use super::{Exit, Failure, Globals, Result, check, say, table};

/// Arguments of `packs`.
#[derive(Debug, Args)]
pub struct PacksArgs {
    #[command(subcommand)]
    command: PacksCommand,
}

#[derive(Debug, Subcommand)]
enum PacksCommand {
    /// Показать все словари
    List(ListArgs),
    /// Проверить примеры: каждый должен находиться или не находиться, как в нём сказано
    Test(TestArgs),
    /// Прогнать сохранённые публикации через изменённые правила: какие оповещения появятся и
    /// пропадут
    Backtest(backtest::BacktestArgs),
    /// Слова, которые отличают подтверждённые публикации темы от остальных
    Candidates(candidates::CandidatesArgs),
    /// Записать словари книгой Excel, лист на словарь
    Export(sheets::ExportArgs),
    /// Принять словари из книги Excel: те же проверки, ошибки по ячейкам
    Import(sheets::ImportArgs),
    /// Чем словари отличаются от поставки или от прежнего набора
    Diff(diff::DiffArgs),
    /// Какие наборы правил действовали: когда, кто принял, зачем
    History(history::HistoryArgs),
    /// Вернуть словари прежнего набора
    Rollback(history::RollbackArgs),
}

/// Arguments of `packs list`.
#[derive(Debug, Args)]
struct ListArgs {
    /// Построчно в JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `packs test`.
#[derive(Debug, Args)]
struct TestArgs {
    /// Имена словарей (без них: все)
    #[arg(value_name = "СЛОВАРЬ")]
    packs: Vec<String>,
    /// Ответ одной строкой JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: PacksArgs, globals: &Globals) -> Result<Exit> {
    let read = || -> Result<(Settings, Vec<PackFile>)> {
        let settings = globals.settings_or_shipped(Need::Classify)?;
        let files = read_or_shipped(&settings.keywords)?;
        Ok((settings, files))
    };
    match args.command {
        PacksCommand::List(args) => list(&args, &read()?.1),
        PacksCommand::Test(args) => {
            let (settings, files) = read()?;
            test(&args, &settings, &files)
        }
        PacksCommand::Backtest(args) => backtest::run(&args, globals),
        PacksCommand::Candidates(args) => candidates::run(&args, globals),
        PacksCommand::Export(args) => sheets::export(&args, globals),
        PacksCommand::Import(args) => sheets::import(&args, globals),
        PacksCommand::Diff(args) => diff::run(&args, globals),
        PacksCommand::History(args) => history::history(&args, globals),
        PacksCommand::Rollback(args) => history::rollback(&args, globals),
    }
}

/// A pack with its overlay, as its files say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct PackRow {
    id: String,
    title: String,
    kind: String,
    severity: u8,
    rules: usize,
    examples: usize,
    /// Files it is made of, the shipped one first.
    files: Vec<String>,
    /// Files that are no TOML.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    broken: Vec<String>,
}

/// Counts of one pack while its files are read.
#[derive(Default)]
struct Draft {
    row: Option<PackRow>,
    named: BTreeSet<String>,
    unnamed: usize,
}

/// All packs with what their files hold, by id.
fn rows(files: &[PackFile]) -> Vec<PackRow> {
    let mut drafts: BTreeMap<&str, Draft> = BTreeMap::new();
    for file in files.iter().filter(|file| !file.is_list()) {
        let draft = drafts.entry(file.stem()).or_default();
        let row = draft.row.get_or_insert_with(|| PackRow {
            id: file.stem().to_owned(),
            title: String::new(),
            kind: String::new(),
            severity: 0,
            rules: 0,
            examples: 0,
            files: Vec::new(),
            broken: Vec::new(),
        });
        let path = file.path.display().to_string();
        row.files.push(path.clone());
        let Ok(typed) = toml::from_str::<toml::Table>(&file.text) else {
            row.broken.push(path);
            continue;
        };
        let word = |key: &str| typed.get(key).and_then(toml::Value::as_str).map(str::to_owned);
        row.title = word("title").unwrap_or(std::mem::take(&mut row.title));
        row.kind = word("kind").unwrap_or(std::mem::take(&mut row.kind));
        let severity = typed.get("severity").and_then(toml::Value::as_integer);
        row.severity = severity.and_then(|it| u8::try_from(it).ok()).unwrap_or(row.severity);
        row.examples += sections(&typed, "example").count();
        for rule in sections(&typed, "rule") {
            let disabled = rule.get("disabled").and_then(toml::Value::as_bool) == Some(true);
            match (rule.get("id").and_then(toml::Value::as_str), disabled) {
                (Some(id), true) => {
                    draft.named.remove(id);
                }
                (Some(id), false) => {
                    draft.named.insert(id.to_owned());
                }
                (None, _) => draft.unnamed += 1,
            }
        }
    }
    let finished = drafts.into_values().filter_map(|draft| {
        let rules = draft.named.len() + draft.unnamed;
        draft.row.map(|row| PackRow { rules, ..row })
    });
    finished.collect()
}

/// The tables `[[key]]`.
fn sections<'t>(table: &'t toml::Table, key: &str) -> impl Iterator<Item = &'t toml::Table> {
    let list = table.get(key).and_then(toml::Value::as_array);
    list.into_iter().flatten().filter_map(toml::Value::as_table)
}

fn list(args: &ListArgs, files: &[PackFile]) -> Result<Exit> {
    let rows = rows(files);
    let broken = rows.iter().flat_map(|row| &row.broken).count();
    if args.json {
        for row in &rows {
            say!("{}", serde_json::to_string(row).map_err(std::io::Error::from)?)?;
        }
    } else {
        let head = ["имя", "название", "вид", "тяжесть", "правил", "примеров", "файл"];
        let mut lines = vec![head.map(str::to_owned).to_vec()];
        lines.extend(rows.iter().map(|row| {
            vec![
                row.id.clone(),
                row.title.clone(),
                row.kind.clone(),
                row.severity.to_string(),
                row.rules.to_string(),
                row.examples.to_string(),
                row.files.join(" + "),
            ]
        }));
        for line in table::aligned(&lines) {
            say!("{line}")?;
        }
        if broken > 0 {
            say!("Не читается файлов: {broken}. Что в них не так: otklik packs test")?;
        }
    }
    Ok(if broken > 0 { Exit::BadConfig } else { Exit::Done })
}

#[derive(Serialize)]
struct TestReport<'a> {
    ok: bool,
    packs: usize,
    rules: usize,
    examples: usize,
    errors: usize,
    faults: Vec<check::Row<'a>>,
}

fn test(args: &TestArgs, settings: &Settings, files: &[PackFile]) -> Result<Exit> {
    let mut rows = rows(files);
    let asked: BTreeSet<&str> = args.packs.iter().map(String::as_str).collect();
    for id in &asked {
        if !rows.iter().any(|row| row.id == **id) {
            let fix = "какие есть: otklik packs list";
            return Err(Failure::usage(format!("нет словаря «{id}» → {fix}")));
        }
    }
    let (found, lost) = match district::load_lexicon(settings) {
        Ok(lexicon) => (lexicon.warnings().to_vec(), Vec::new()),
        Err(faults) => faults.into_iter().partition(|fault| is_asked(&asked, &fault.file)),
    };
    rows.retain(|row| asked.is_empty() || asked.contains(row.id.as_str()));
    let errors = found.iter().filter(|fault| fault.severity == Severity::Error).count();
    let report = TestReport {
        ok: errors == 0,
        packs: rows.len(),
        rules: rows.iter().map(|row| row.rules).sum(),
        examples: rows.iter().map(|row| row.examples).sum(),
        errors,
        faults: found.iter().map(check::Row::from).collect(),
    };
    if args.json {
        say!("{}", serde_json::to_string(&report).map_err(std::io::Error::from)?)?;
    } else {
        for fault in &found {
            say!("{fault}")?;
            if let Some(line) = line_of(files, fault) {
                say!("    {}", table::start(line, 160))?;
            }
        }
        let TestReport { packs, rules, examples, .. } = report;
        let counts = format!("Словарей: {packs}, правил: {rules}, примеров: {examples}.");
        match (errors, lost.len()) {
            (0, 0) => say!("{counts} Все примеры верны.")?,
            (0, lost) => say!("{counts} Все примеры верны; ошибок в других файлах: {lost}.")?,
            (errors, _) => say!("{counts} Ошибок: {errors}.")?,
        }
    }
    Ok(if errors == 0 { Exit::Done } else { Exit::BadConfig })
}

/// Whether a fault of `file` concerns the packs asked for; lists and places concern all.
fn is_asked(asked: &BTreeSet<&str>, file: &Path) -> bool {
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    asked.is_empty() || stem.starts_with('_') || stem == "places" || asked.contains(stem)
}

/// The line that a fault is about.
fn line_of<'f>(files: &'f [PackFile], fault: &Fault) -> Option<&'f str> {
    let file = files.iter().find(|file| file.path == fault.file)?;
    file.text.lines().nth(usize::try_from(fault.line).ok()?.checked_sub(1)?).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlays_are_counted_with_their_packs() {
        let shipped = "id = 'water'\ntitle = 'Вода'\nkind = 'problem'\nseverity = 4\n\
                       [[rule]]\nid = 'a'\nfind = 'x'\n[[rule]]\nid = 'b'\nfind = 'y'\n\
                       [[rule]]\nfind = 'z'\n[[example]]\ntext = 'x'\nis = true\n";
        let local = "id = 'water'\nseverity = 5\n[[rule]]\nid = 'a'\ndisabled = true\n\
                     [[rule]]\nid = 'b'\nweight = 10\n[[rule]]\nid = 'c'\nfind = 'w'\n\
                     [[example]]\ntext = 'w'\nis = true\n";
        let files = [
            PackFile::new("keywords/_resolved.toml", ""),
            PackFile::new("keywords/water.toml", shipped),
            PackFile::new("keywords/local/water.toml", local),
            PackFile::new("keywords/local/wrong.toml", "id = "),
        ];
        let rows = rows(&files);
        let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        assert_eq!(ids, ["water", "wrong"]);
        let water = &rows[0];
        assert_eq!((water.rules, water.examples, water.severity), (3, 2, 5));
        assert_eq!((water.title.as_str(), water.kind.as_str()), ("Вода", "problem"));
        assert_eq!(water.files, ["keywords/water.toml", "keywords/local/water.toml"]);
        assert_eq!(rows[1].broken, ["keywords/local/wrong.toml"]);
    }
}
