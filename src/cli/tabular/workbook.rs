//! Reads the rows of a workbook.
//!
//! Place in the flow: under `import`, for `.xlsx`. Invariants: nothing is unpacked before its true
//! size is known to be bounded, whatever the file says of itself; cells come one by one, so a sheet
//! whose last cell stands a billion cells away costs nothing.

use std::io;
use std::path::Path;

use calamine::{DataRef, Reader as _, Xlsx, XlsxError, open_workbook};
use jiff::tz::TimeZone;

use super::columns::Want;
use super::rows::{COLUMNS_MAX, Rows};
use super::{Lines, Report, unreadable};
use crate::cli::Result;

/// Largest workbook file in bytes.
const WORKBOOK_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Largest unpacked size of a workbook in bytes.
const UNPACKED_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Most parts of a workbook.
const PARTS_MAX: usize = 4_096;
/// Most rows and most filled cells of a sheet.
const ROWS_MAX: u32 = 1_048_576;
const CELLS_MAX: u64 = 20_000_000;

/// What is said of a file that is no workbook, or no longer one.
const BROKEN: &str =
    "это не книга Excel или она повреждена; сохраните её заново как «Книга Excel (.xlsx)»";

/// Why a workbook cannot be read.
pub fn of_book(error: &XlsxError) -> String {
    match error {
        XlsxError::Io(error) => of_file(error),
        XlsxError::Password => "книга закрыта паролем; снимите его в Excel".to_owned(),
        _ => BROKEN.to_owned(),
    }
}

/// Why the file of a workbook cannot be read.
pub fn of_file(error: &io::Error) -> String {
    let said = error.to_string();
    let ours = said.chars().next().is_some_and(|c| !c.is_ascii());
    match error.kind() {
        io::ErrorKind::NotFound => "файл не найден".to_owned(),
        io::ErrorKind::PermissionDenied => "нет права читать файл".to_owned(),
        _ if ours => said,
        _ => BROKEN.to_owned(),
    }
}

/// Reads the wanted sheet of the workbook at `path`.
pub fn read(path: &Path, want: &Want, zone: &TimeZone, report: &mut Report<'_>) -> Result<Lines> {
    let broken = |error: &dyn std::fmt::Display| unreadable(path, error);
    let size = std::fs::metadata(path).map_err(|error| broken(&of_file(&error)))?.len();
    if size > WORKBOOK_BYTES_MAX {
        let text = format!("больше {} МиБ", WORKBOOK_BYTES_MAX / 1024 / 1024);
        return Err(broken(&text));
    }
    examine(path).map_err(|error| broken(&of_file(&error)))?;
    let mut book: Xlsx<_> = open_workbook(path).map_err(|error| broken(&of_book(&error)))?;
    let sheets = book.sheet_names();
    let sheet = match want {
        Want::Saved(map) if map.sheet.is_some() => map.sheet.clone().unwrap_or_default(),
        _ => sheets.first().cloned().ok_or_else(|| broken(&"в книге нет листов"))?,
    };
    if !sheets.contains(&sheet) {
        let text = format!("листа «{sheet}» нет; есть: {}", sheets.join(", "));
        return Err(broken(&text));
    }
    let several = if sheets.len() > 1 { format!("лист «{sheet}»: ") } else { String::new() };
    let mut rows = Rows::new(path, want, zone, several);
    let mut cells =
        book.worksheet_cells_reader(&sheet).map_err(|error| broken(&of_book(&error)))?;
    let mut row: Vec<String> = Vec::new();
    let (mut at, mut count) = (0_u32, 0_u64);
    let number = |at: u32| usize::try_from(at).unwrap_or(usize::MAX).saturating_add(1);
    loop {
        let cell = cells.next_cell().map_err(|error| broken(&of_book(&error)))?;
        let next = cell.as_ref().map(calamine::Cell::get_position);
        if next.is_none_or(|(line, _)| line != at) && !row.is_empty() {
            rows.take(number(at), Ok(std::mem::take(&mut row)), report)?;
        }
        let (Some(cell), Some((line, column))) = (cell, next) else { break };
        at = line;
        count += 1;
        if at >= ROWS_MAX || count > CELLS_MAX {
            return Err(broken(&"лист слишком велик"));
        }
        let column = usize::try_from(column).unwrap_or(usize::MAX);
        if column < COLUMNS_MAX {
            if row.len() <= column {
                row.resize(column + 1, String::new());
            }
            row[column] = text_of(cell.get_value());
        }
    }
    rows.finish(report)
}

fn text_of(cell: &DataRef<'_>) -> String {
    match cell {
        DataRef::Float(number) if number.fract() == 0.0 && number.abs() < 9e15 => {
            format!("{number:.0}")
        }
        DataRef::DateTime(time) if time.is_datetime() => {
            let (year, month, day, hour, minute, second, _) = time.to_ymd_hms_milli();
            format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
        }
        DataRef::Empty => String::new(),
        DataRef::SharedString(text) => (*text).to_owned(),
        other => calamine::Data::from(other.clone()).to_string(),
    }
}

/// Unpacks every part of a ZIP file to nowhere, counting: its own directory may lie.
fn examine(path: &Path) -> io::Result<()> {
    let large = || io::Error::other("распакованная таблица слишком велика");
    let mut archive = zip::ZipArchive::new(std::fs::File::open(path)?)?;
    if archive.len() > PARTS_MAX {
        return Err(large());
    }
    let mut left = UNPACKED_BYTES_MAX;
    for part in 0..archive.len() {
        let part = archive.by_index(part)?;
        let unpacked = io::copy(&mut io::Read::take(part, left + 1), &mut io::sink())?;
        left = left.checked_sub(unpacked).ok_or_else(large)?;
    }
    Ok(())
}
