//! Reads posts from files people have: JSON lines, CSV, XLSX.
//!
//! Place in the flow: under `import`. Invariants: the kind of a file is its ending; sizes are
//! bounded before anything is unpacked; what a column means is decided once, by its name.

pub mod columns;
pub mod maps;
mod rows;
pub mod workbook;

use std::io::{self, Read as _};
use std::path::Path;

use jiff::tz::TimeZone;

use super::line::PostLine;
use super::{Failure, Result, stream};
use columns::{Columns, Want};
use rows::Rows;

/// Largest table in an old encoding: it is turned into UTF-8 in memory.
const OLD_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Good lines, and how many were not.
#[derive(Debug, Default)]
pub struct Lines {
    /// Lines that may be used, in file order.
    pub good: Vec<PostLine>,
    /// How many were reported and skipped.
    pub rejected: u64,
    /// How the columns of a table were understood.
    pub columns: Option<Columns>,
}

/// Is told number and reason of each line that cannot be used.
pub type Report<'a> = dyn FnMut(usize, &str) -> io::Result<()> + 'a;

/// Reads all posts of `path`; `want` says how the columns of a table are understood.
pub fn read(path: &Path, want: &Want, zone: &TimeZone, report: &mut Report<'_>) -> Result<Lines> {
    let name = path.to_string_lossy().to_lowercase();
    if name.ends_with(".csv") {
        return read_csv(path, want, zone, report);
    }
    if name.ends_with(".xlsx") {
        return workbook::read(path, want, zone, report);
    }
    let json = [".jsonl", ".jsonl.gz", ".json"].iter().any(|end| name.ends_with(end));
    if name != "-" && !json {
        return Err(Failure::usage(format!(
            "{}: неизвестный вид файла; годятся .jsonl, .jsonl.gz, .csv, .xlsx",
            path.display()
        )));
    }
    if *want != Want::Known {
        return Err(Failure::usage("--map нужен таблицам: .csv и .xlsx; у строк JSON поля свои"));
    }
    read_json_lines(path, zone, report)
}

fn unreadable(path: &Path, error: impl std::fmt::Display) -> Failure {
    Failure::failed(format!("{}: файл не читается: {error}", path.display()))
}

fn read_json_lines(path: &Path, zone: &TimeZone, report: &mut Report<'_>) -> Result<Lines> {
    let input = stream::open_input(path).map_err(|error| unreadable(path, error))?;
    let mut input = stream::Lines::new(input);
    let mut lines = Lines::default();
    let mut number = 0;
    while let Some(line) = input.next_line().map_err(|error| unreadable(path, error))? {
        number += 1;
        let line = match line {
            Ok(line) if line.trim().is_empty() => continue,
            Ok(line) => PostLine::parse(&line, zone),
            Err(error) => Err(error.to_string()),
        };
        match line {
            Ok(line) => lines.good.push(line),
            Err(text) => {
                lines.rejected += 1;
                report(number, &text)?;
            }
        }
    }
    Ok(lines)
}

fn read_csv(path: &Path, want: &Want, zone: &TimeZone, report: &mut Report<'_>) -> Result<Lines> {
    let file = std::fs::File::open(path).map_err(|error| unreadable(path, error))?;
    let mut head = Vec::new();
    let looked = io::BufReader::new(file).take(4096).read_to_end(&mut head);
    looked.map_err(|error| unreadable(path, error))?;
    match std::str::from_utf8(&head) {
        // The last letter may be cut in two.
        Err(error) if error.error_len().is_some() => {
            let text = old_text(path)?;
            let head: String = text.chars().take(4096).collect();
            csv_rows(path, &head, text.as_bytes(), want, zone, report)
        }
        _ => {
            let head = String::from_utf8_lossy(&head).into_owned();
            let file = std::fs::File::open(path).map_err(|error| unreadable(path, error))?;
            csv_rows(path, &head, file, want, zone, report)
        }
    }
}

/// A table that a Russian spreadsheet saved as plain «CSV»: windows-1251.
fn old_text(path: &Path) -> Result<String> {
    let size = std::fs::metadata(path).map_err(|error| unreadable(path, error))?.len();
    let no = || unreadable(path, "не UTF-8; сохраните таблицу как «CSV UTF-8»");
    if size > OLD_BYTES_MAX {
        return Err(no());
    }
    let bytes = std::fs::read(path).map_err(|error| unreadable(path, error))?;
    let (text, broken) = encoding_rs::WINDOWS_1251.decode_without_bom_handling(&bytes);
    let foreign = text.chars().filter(|c| !c.is_ascii()).count();
    let russian = text.chars().filter(|c| matches!(c, 'А'..='я' | 'ё' | 'Ё')).count();
    if broken || russian * 10 < foreign * 8 { Err(no()) } else { Ok(text.into_owned()) }
}

/// What parts the cells: the sign that stands most often in the first line that has two of it.
fn delimiter(head: &str) -> u8 {
    let signs = [b'\t', b';', b','];
    let count = |line: &str, sign: u8| line.bytes().filter(|byte| *byte == sign).count();
    let several = |line: &&str| signs.iter().any(|sign| count(line, *sign) >= 2);
    let line = head.lines().find(several).or(head.lines().next()).unwrap_or("");
    signs.into_iter().max_by_key(|sign| count(line, *sign)).unwrap_or(b',')
}

fn csv_rows(
    path: &Path,
    head: &str,
    input: impl io::Read,
    want: &Want,
    zone: &TimeZone,
    report: &mut Report<'_>,
) -> Result<Lines> {
    let delimiter = delimiter(head);
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .has_headers(false)
        .from_reader(input);
    let mut rows = Rows::new(path, want, zone, String::new());
    // Behind a row that ends in CR LF, the reader has not yet counted the LF.
    let pending = u64::from(head.split_once('\n').is_some_and(|(line, _)| line.ends_with('\r')));
    let mut records = reader.records();
    let mut begun = false;
    loop {
        // Where the row begins, as an editor counts lines: a quoted cell may hold several.
        let number = records.reader().position().line() + if begun { pending } else { 0 };
        begun = true;
        let number = usize::try_from(number).unwrap_or(usize::MAX);
        let Some(record) = records.next() else { break };
        let row = match record {
            Ok(record) => Ok(record.iter().take(rows::COLUMNS_MAX).map(str::to_owned).collect()),
            Err(error) if error.is_io_error() => return Err(unreadable(path, error)),
            Err(_) => Err("строка не в кодировке UTF-8".to_owned()),
        };
        rows.take(number, row, report)?;
    }
    rows.finish(report)
}
