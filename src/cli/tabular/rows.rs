//! From the rows of a table to lines.
//!
//! Place in the flow: fed row by row by the readers of CSV and workbooks. Invariants: the columns
//! are understood once, from the first rows; a bad row is reported with its number and the name of
//! its column, skipped, counted; what is kept is bounded.

use std::path::Path;

use jiff::tz::TimeZone;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::columns::{Columns, SAMPLE_ROWS, Want, instant, understand};
use super::{Lines, Report};
use crate::cli::line::PostLine;
use crate::cli::{Failure, Result};

/// Most columns of a table.
pub const COLUMNS_MAX: usize = 256;
/// Longest cell in bytes: what a spreadsheet allows, and some more for CSV.
const CELL_BYTES_MAX: usize = 1024 * 1024;
/// Most bytes of text kept from one table.
const KEPT_BYTES_MAX: usize = 512 * 1024 * 1024;

/// A row, or why it cannot be read.
pub type Row = std::result::Result<Vec<String>, String>;

/// Takes rows, gives lines.
pub struct Rows<'a> {
    want: &'a Want,
    zone: &'a TimeZone,
    /// What stands before what stops the reading.
    file: String,
    /// What stands before a complaint: the sheet of a workbook.
    sheet: String,
    pending: Vec<(usize, Row)>,
    columns: Option<Columns>,
    kept: usize,
    lines: Lines,
}

impl<'a> Rows<'a> {
    pub fn new(path: &Path, want: &'a Want, zone: &'a TimeZone, sheet: String) -> Self {
        Self {
            want,
            zone,
            file: path.display().to_string(),
            sheet,
            pending: Vec::new(),
            columns: None,
            kept: 0,
            lines: Lines::default(),
        }
    }

    /// Takes the next row. `number` is the row's own, as people count it.
    pub fn take(&mut self, number: usize, row: Row, report: &mut Report<'_>) -> Result<()> {
        if self.columns.is_some() {
            return self.line(number, row, report);
        }
        self.pending.push((number, row));
        if self.pending.len() > SAMPLE_ROWS { self.settle(report) } else { Ok(()) }
    }

    /// All lines, once the rows are over.
    pub fn finish(mut self, report: &mut Report<'_>) -> Result<Lines> {
        if self.columns.is_none() {
            self.settle(report)?;
        }
        self.lines.columns = self.columns;
        Ok(self.lines)
    }

    /// Understands the columns, then reads what waited for that.
    fn settle(&mut self, report: &mut Report<'_>) -> Result<()> {
        let pending = std::mem::take(&mut self.pending);
        let seen: Vec<Vec<String>> =
            pending.iter().map(|(_, row)| row.clone().unwrap_or_default()).collect();
        let columns = understand(self.want, &seen, self.zone)
            .map_err(|text| Failure::failed(format!("{}: {}{text}", self.file, self.sheet)))?;
        let head = columns.head;
        self.columns = Some(columns);
        for (number, row) in pending.into_iter().skip(head + 1) {
            self.line(number, row, report)?;
        }
        Ok(())
    }

    fn line(&mut self, number: usize, row: Row, report: &mut Report<'_>) -> Result<()> {
        let line = row.and_then(|row| self.parsed(&row));
        match line {
            Ok(Some(line)) => {
                self.kept += line.text.len() + line.id.len();
                if self.kept > KEPT_BYTES_MAX {
                    let mib = KEPT_BYTES_MAX / 1024 / 1024;
                    let text = format!("{}: текста больше {mib} МиБ", self.file);
                    return Err(Failure::failed(text));
                }
                self.lines.good.push(line);
            }
            Ok(None) => {}
            Err(text) => {
                self.lines.rejected += 1;
                report(number, &format!("{}{text}", self.sheet))?;
            }
        }
        Ok(())
    }

    /// One row as a line; `None` for an empty row.
    fn parsed(&self, row: &[String]) -> std::result::Result<Option<PostLine>, String> {
        let Some(columns) = &self.columns else { return Ok(None) };
        if row.iter().all(|cell| cell.trim().is_empty()) {
            return Ok(None);
        }
        let mut map = Map::new();
        let mut texts: Vec<&str> = Vec::new();
        let mut address = None;
        for ((name, field), cell) in columns.fields.iter().zip(row) {
            let Some(field) = field.as_deref() else { continue };
            let cell = cell.trim();
            if cell.len() > CELL_BYTES_MAX {
                return Err(format!("столбец «{name}»: ячейка длиннее {CELL_BYTES_MAX} байт"));
            }
            if cell.is_empty() {
                continue;
            }
            match field {
                "text" => texts.push(cell),
                "address" => address = Some(cell),
                _ => drop(map.insert(field.to_owned(), value(field, cell, self.zone))),
            }
        }
        if let Some(address) = address {
            map.entry("place").or_insert_with(|| Value::from(address));
        }
        let mut text = texts.join("\n");
        if let Some(address) = address.filter(|address| !text.contains(address)) {
            text.push_str("\nАдрес: ");
            text.push_str(address);
        }
        if !columns.has("id") {
            map.insert("id".to_owned(), Value::from(made_id(&map, &text)));
        }
        map.insert("text".to_owned(), Value::from(text));
        let mut line = PostLine::from_map(&map, self.zone).map_err(|text| named(&text, columns))?;
        line.source = line.source.or_else(|| columns.source.clone());
        line.platform = line.platform.or_else(|| columns.platform.clone());
        Ok(Some(line))
    }
}

/// A cell as the field wants it.
fn value(field: &str, cell: &str, zone: &TimeZone) -> Value {
    match field {
        "views" | "likes" | "reposts" | "comments" => {
            cell.parse::<u64>().map_or_else(|_| Value::from(cell), Value::from)
        }
        "official" => match cell.to_lowercase().as_str() {
            "true" | "1" | "да" => Value::from(true),
            "false" | "0" | "нет" => Value::from(false),
            _ => Value::from(cell),
        },
        "published" | "edited" => {
            instant(cell, zone).map_or_else(|| Value::from(cell), |at| Value::from(at.to_string()))
        }
        _ => Value::from(cell),
    }
}

/// An id for a row of a table without numbers: the same row gets the same one next time. Made of
/// time and text alone, so that it says nothing about who wrote.
fn made_id(map: &Map<String, Value>, text: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(map.get("published").and_then(Value::as_str).unwrap_or("").as_bytes());
    hash.update([0]);
    hash.update(text.as_bytes());
    hash.finalize().iter().take(8).fold("row-".to_owned(), |id, byte| format!("{id}{byte:02x}"))
}

/// A complaint about a field, with the name of its column.
fn named(text: &str, columns: &Columns) -> String {
    let Some((field, rest)) = text.strip_prefix("поле ").and_then(|text| text.split_once(':'))
    else {
        return text.to_owned();
    };
    let of = |(_, own): &&(String, Option<String>)| own.as_deref() == Some(field);
    match columns.fields.iter().find(of) {
        Some((name, _)) if name != field => format!("столбец «{name}» (поле {field}):{rest}"),
        _ => text.to_owned(),
    }
}
