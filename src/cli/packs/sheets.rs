//! `otklik packs export | import --xlsx`: the packs as a workbook, one sheet a pack.
//!
//! Place in the flow: for analysts who live in Excel. Invariants: a workbook passes the same checks
//! as the files, its faults are named by sheet and cell; nothing is written unless all sheets are
//! sound; a sheet that says what its file says leaves the file untouched, byte for byte; comments
//! of rules that stay are kept.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use calamine::{Data, Reader as _, Xlsx, open_workbook};
use clap::Args;
use rust_xlsxwriter::{Format, FormatAlign, Workbook, Worksheet, XlsxError};
use toml::{Table, Value};

use crate::cli::tabular::workbook::{of_book, of_file};
use crate::config::packs::{LOCAL, PackFile, read_or_shipped};
use crate::config::{Fault, Need, RuleFiles, Settings, Severity, save};
use crate::pipeline::district;

use super::draft::{Cell, Draft, Line};
use super::sections;
use crate::cli::{Exit, Failure, Globals, Result, say};

/// First row of each sheet.
const HEAD: [&str; 6] = ["строка", "id", "find или значение", "unless", "weight", "disabled"];
/// What stands in front of the name of an overlay's sheet.
const LOCAL_SHEET: &str = "local.";
/// Largest workbook in bytes.
const WORKBOOK_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Most rows of a sheet.
const ROWS_MAX: usize = 20_000;

/// Arguments of `packs export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Куда записать книгу .xlsx
    #[arg(long, value_name = "ФАЙЛ")]
    xlsx: PathBuf,
}

/// Arguments of `packs import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// Книга .xlsx, сделанная packs export
    #[arg(long, value_name = "ФАЙЛ")]
    xlsx: PathBuf,
    /// Только проверить и сказать, какие файлы изменятся
    #[arg(long)]
    dry_run: bool,
}

/// `packs export --xlsx`.
pub fn export(args: &ExportArgs, globals: &Globals) -> Result<Exit> {
    let settings = globals.settings_or_shipped(Need::Classify)?;
    let files = read_or_shipped(&settings.keywords)?;
    let mut book = Workbook::new();
    let mut count = 0;
    for file in files.iter().filter(|file| !file.is_list()) {
        let table: Table = toml::from_str(&file.text).map_err(|_| {
            let text = "не читается как TOML; что не так: otklik packs test";
            Failure::failed(format!("{}: {text}", file.path.display()))
        })?;
        let sheet = book.add_worksheet();
        write_sheet(sheet, &sheet_name(file), &table).map_err(unwritten)?;
        count += 1;
    }
    book.save(&args.xlsx).map_err(unwritten)?;
    say!("{}: листов {count}", args.xlsx.display())?;
    Ok(Exit::Done)
}

fn unwritten(error: XlsxError) -> Failure {
    Failure::failed(format!("книга не записана: {error}"))
}

fn sheet_name(file: &PackFile) -> String {
    let local = if file.is_local() { LOCAL_SHEET } else { "" };
    format!("{local}{}", file.stem())
}

fn write_sheet(
    sheet: &mut Worksheet,
    name: &str,
    table: &Table,
) -> std::result::Result<(), XlsxError> {
    let wrap = Format::new().set_text_wrap().set_align(FormatAlign::Top);
    let bold = Format::new().set_bold();
    sheet.set_name(name)?;
    sheet.set_freeze_panes(1, 0)?;
    for (column, width) in [14, 22, 80, 40, 8, 10].into_iter().enumerate() {
        sheet.set_column_width(u16::try_from(column).unwrap_or(0), width)?;
    }
    for (column, head) in HEAD.iter().enumerate() {
        sheet.write_with_format(0, u16::try_from(column).unwrap_or(0), *head, &bold)?;
    }
    for (at, line) in Draft::of_table(table).lines.iter().enumerate() {
        let row = u32::try_from(at + 1).unwrap_or(u32::MAX);
        for (column, cell) in line.cells().iter().enumerate() {
            if !cell.is_empty() {
                let column = u16::try_from(column).unwrap_or(0);
                // Texts stay texts: a query that starts with «=» is no formula.
                sheet.write_string_with_format(row, column, cell, &wrap)?;
            }
        }
    }
    Ok(())
}

/// `packs import --xlsx`.
pub fn import(args: &ImportArgs, globals: &Globals) -> Result<Exit> {
    let settings = globals.settings_or_shipped(Need::Classify)?;
    let sheets = read_book(&args.xlsx)?;
    let (drafts, mut faults) = drafts(&settings, sheets);
    let present = read_or_shipped(&settings.keywords)?;
    if faults.is_empty() {
        faults = check(&settings, &drafts, &present);
    }
    if !faults.is_empty() {
        return Err(Failure { exit: Exit::BadConfig, text: faults.join("\n") });
    }
    let mut changed = Vec::new();
    for (path, (_, draft)) in &drafts {
        let old = present.iter().find(|file| file.path == *path);
        let text = match old {
            Some(old) if same(&old.text, draft) => continue,
            Some(old) => draft.laid_over(&old.text).map_err(Failure::failed)?,
            None => draft.text().0,
        };
        changed.push((path, text));
    }
    for (path, text) in changed.iter().filter(|_| !args.dry_run) {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        save::replace(path, text)?;
    }
    for (path, _) in &changed {
        say!("{}", path.display())?;
    }
    let said = if args.dry_run { "Изменились бы" } else { "Изменены" };
    say!("{said} файлы: {}. Листов прочитано: {}, ошибок нет.", changed.len(), drafts.len())?;
    Ok(Exit::Done)
}

/// Whether a file says what the sheet says.
fn same(text: &str, draft: &Draft) -> bool {
    let table: std::result::Result<Table, _> = toml::from_str(text);
    table.is_ok_and(|table| Draft::of_table(&table).values() == draft.values())
}

/// Cells of each sheet, by its name, with the number of their row.
type Book = Vec<(String, Vec<(usize, Vec<String>)>)>;

fn read_book(path: &Path) -> Result<Book> {
    let unreadable =
        |error: String| Failure::failed(format!("{}: книга не читается: {error}", path.display()));
    let size = std::fs::metadata(path).map_err(|error| unreadable(of_file(&error)))?.len();
    if size > WORKBOOK_BYTES_MAX {
        return Err(unreadable(format!("больше {} МиБ", WORKBOOK_BYTES_MAX / 1024 / 1024)));
    }
    let mut book: Xlsx<_> = open_workbook(path).map_err(|error| unreadable(of_book(&error)))?;
    let mut sheets = Vec::new();
    for name in book.sheet_names() {
        let range = book.worksheet_range(&name).map_err(|error| unreadable(of_book(&error)))?;
        let first = range.start().map_or(0, |(row, _)| row as usize);
        let skipped = range.start().map_or(0, |(_, column)| column as usize);
        let rows = range.rows().enumerate().map(|(at, cells)| {
            let blank = std::iter::repeat_n(String::new(), skipped);
            (first + at + 1, blank.chain(cells.iter().map(text_of)).collect())
        });
        sheets.push((name, rows.take(ROWS_MAX).collect()));
    }
    Ok(sheets)
}

fn text_of(cell: &Data) -> String {
    match cell {
        Data::Empty => String::new(),
        // Whole numbers come as fractions.
        Data::Float(number) if number.fract() == 0.0 => format!("{number:.0}"),
        Data::Bool(flag) => if *flag { "да" } else { "нет" }.to_owned(),
        other => other.to_string().trim().to_owned(),
    }
}

/// Drafts by the path of their file, and everything wrong with single cells.
fn drafts(settings: &Settings, sheets: Book) -> (BTreeMap<PathBuf, (String, Draft)>, Vec<String>) {
    let (mut drafts, mut faults) = (BTreeMap::new(), Vec::new());
    for (sheet, rows) in sheets {
        let (folder, id) = match sheet.strip_prefix(LOCAL_SHEET) {
            Some(id) => (settings.keywords.join(LOCAL), id),
            None => (settings.keywords.clone(), sheet.as_str()),
        };
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if id.is_empty() || !id.chars().all(plain) || id.starts_with('_') {
            let fix = "назовите его именем словаря: water, local.water";
            faults.push(format!("лист «{sheet}»: это не имя словаря → {fix}"));
            continue;
        }
        let mut draft = Draft::default();
        for (row, cells) in rows {
            let is_head = row == 1 && cells.first().is_some_and(|cell| cell == HEAD[0]);
            if is_head || cells.iter().all(String::is_empty) {
                continue;
            }
            match Line::of_cells(row, &cells) {
                Ok(line) => draft.lines.push(line),
                Err((cell, text)) => faults.push(format!("лист «{sheet}», {cell}: {text}")),
            }
        }
        drafts.insert(folder.join(format!("{id}.toml")), (sheet.clone(), draft));
    }
    (drafts, faults)
}

/// Compiles the workbook with the files it does not hold; faults come back by sheet and cell.
fn check(
    settings: &Settings,
    drafts: &BTreeMap<PathBuf, (String, Draft)>,
    present: &[PackFile],
) -> Vec<String> {
    let mut places: BTreeMap<&Path, (&str, Vec<Cell>)> = BTreeMap::new();
    let mut files: Vec<PackFile> =
        present.iter().filter(|file| !drafts.contains_key(&file.path)).cloned().collect();
    for (path, (sheet, draft)) in drafts {
        let (text, cells) = draft.text();
        places.insert(path, (sheet, cells));
        files.push(PackFile::new(path, text));
    }
    let compiled = district::lexicon_of(&RuleFiles::read(settings).with_packs(files));
    let faults = compiled.err().unwrap_or_default();
    let bad = faults.iter().filter(|fault| fault.severity == Severity::Error);
    bad.map(|fault| told(fault, &places)).collect()
}

fn told(fault: &Fault, places: &BTreeMap<&Path, (&str, Vec<Cell>)>) -> String {
    let Some((sheet, cells)) = places.get(fault.file.as_path()) else { return fault.to_string() };
    let line = usize::try_from(fault.line).unwrap_or(0);
    let cell = line.checked_sub(1).and_then(|line| cells.get(line));
    let place = cell.map_or(String::new(), |cell| match fault.column.checked_sub(cell.value) {
        Some(sign) if cell.value > 0 => format!(", {cell}, знак {}", sign + 1),
        _ => format!(", {cell}"),
    });
    let fix = if fault.fix.is_empty() { String::new() } else { format!(" → {}", fault.fix) };
    format!("лист «{sheet}»{place}: {}{fix}", fault.text)
}

/// Used by the draft, too: the rules of a table.
pub(super) fn rules(table: &Table) -> impl Iterator<Item = &Table> {
    sections(table, "rule")
}

/// A text of a table.
pub(super) fn text<'t>(table: &'t Table, key: &str) -> Option<&'t str> {
    table.get(key).and_then(Value::as_str)
}
