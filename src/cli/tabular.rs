//! Reads posts from files people have: JSON lines, CSV, XLSX.
//!
//! Place in the flow: under `import`. Invariants: the kind of a file is its ending; a table's first
//! row names the columns; sizes are bounded before a workbook is unpacked.

use std::io::{self, Read as _};
use std::path::Path;

use calamine::{Data, Reader as _, Xlsx, open_workbook};
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use super::line::PostLine;
use super::{Failure, Result, stream};

/// Largest workbook file in bytes.
const WORKBOOK_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Largest unpacked size of a workbook in bytes, as its directory says.
const UNPACKED_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// Most rows of a table.
const ROWS_MAX: usize = 1_048_576;

/// Good lines, and how many were not.
#[derive(Debug, Default)]
pub struct Lines {
    /// Lines that may be used, in file order.
    pub good: Vec<PostLine>,
    /// How many were reported and skipped.
    pub rejected: u64,
}

/// Column names people use, and the field each means. The field's own name always works.
const COLUMNS: &[(&str, &str)] = &[
    ("номер", "id"),
    ("ид", "id"),
    ("текст", "text"),
    ("сообщение", "text"),
    ("дата", "published"),
    ("опубликовано", "published"),
    ("изменено", "edited"),
    ("автор", "author"),
    ("ссылка", "url"),
    ("источник", "source"),
    ("площадка", "platform"),
    ("место", "place"),
    ("вид", "kind"),
    ("ответ на", "parent"),
    ("просмотры", "views"),
    ("лайки", "likes"),
    ("репосты", "reposts"),
    ("комментарии", "comments"),
];

/// Reads all posts of `path`. `report` is told number and reason of each line that cannot be used.
pub fn read(
    path: &Path,
    zone: &TimeZone,
    report: &mut dyn FnMut(usize, &str) -> io::Result<()>,
) -> Result<Lines> {
    let name = path.to_string_lossy().to_lowercase();
    if name.ends_with(".csv") {
        read_csv(path, zone, report)
    } else if name.ends_with(".xlsx") {
        read_xlsx(path, zone, report)
    } else if name == "-"
        || name.ends_with(".jsonl")
        || name.ends_with(".jsonl.gz")
        || name.ends_with(".json")
    {
        read_json_lines(path, zone, report)
    } else {
        Err(Failure::usage(format!(
            "{}: неизвестный вид файла; годятся .jsonl, .jsonl.gz, .csv, .xlsx",
            path.display()
        )))
    }
}

fn unreadable(path: &Path, error: impl std::fmt::Display) -> Failure {
    Failure::failed(format!("{}: файл не читается: {error}", path.display()))
}

fn take(
    lines: &mut Lines,
    number: usize,
    line: std::result::Result<PostLine, String>,
    report: &mut dyn FnMut(usize, &str) -> io::Result<()>,
) -> Result<()> {
    match line {
        Ok(line) => lines.good.push(line),
        Err(text) => {
            lines.rejected += 1;
            report(number, &text)?;
        }
    }
    Ok(())
}

fn read_json_lines(
    path: &Path,
    zone: &TimeZone,
    report: &mut dyn FnMut(usize, &str) -> io::Result<()>,
) -> Result<Lines> {
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
        take(&mut lines, number, line, report)?;
    }
    Ok(lines)
}

/// The fields that the header row names; `None` for columns we do not know.
fn fields(path: &Path, header: impl Iterator<Item = String>) -> Result<Vec<Option<String>>> {
    const OWN: &[&str] = &[
        "id",
        "text",
        "platform",
        "source",
        "parent",
        "kind",
        "published",
        "edited",
        "author",
        "official",
        "url",
        "views",
        "likes",
        "reposts",
        "comments",
        "place",
    ];
    let fields: Vec<Option<String>> = header
        .map(|name| {
            let name = name.trim().trim_start_matches('\u{FEFF}').to_lowercase();
            let meant = COLUMNS.iter().find(|(column, _)| *column == name).map(|(_, field)| *field);
            let own = OWN.contains(&name.as_str()).then_some(name.as_str());
            own.or(meant).map(str::to_owned)
        })
        .collect();
    for needed in ["id", "text"] {
        if !fields.iter().flatten().any(|field| field == needed) {
            return Err(Failure::failed(format!(
                "{}: в первой строке таблицы нет столбца «{needed}»; назовите так столбец с {}",
                path.display(),
                if needed == "id" { "номером сообщения" } else { "текстом" },
            )));
        }
    }
    Ok(fields)
}

/// One row as the fields of a line; empty cells are absent.
fn row_line(
    fields: &[Option<String>],
    cells: impl Iterator<Item = String>,
    zone: &TimeZone,
) -> std::result::Result<PostLine, String> {
    let mut map = Map::new();
    for (field, cell) in fields.iter().zip(cells) {
        let Some(field) = field else { continue };
        let cell = cell.trim();
        if cell.is_empty() && field != "text" {
            continue;
        }
        let value = match field.as_str() {
            "views" | "likes" | "reposts" | "comments" => match cell.parse::<u64>() {
                Ok(number) => Value::from(number),
                Err(_) => Value::from(cell),
            },
            "official" => match cell.to_lowercase().as_str() {
                "true" | "1" | "да" => Value::from(true),
                "false" | "0" | "нет" => Value::from(false),
                _ => Value::from(cell),
            },
            _ => Value::from(cell),
        };
        map.insert(field.clone(), value);
    }
    if !map.contains_key("text") {
        map.insert("text".to_owned(), Value::from(""));
    }
    PostLine::from_map(&map, zone)
}

fn read_csv(
    path: &Path,
    zone: &TimeZone,
    report: &mut dyn FnMut(usize, &str) -> io::Result<()>,
) -> Result<Lines> {
    let mut head = String::new();
    let file = std::fs::File::open(path).map_err(|error| unreadable(path, error))?;
    io::BufReader::new(file)
        .take(4096)
        .read_to_string(&mut head)
        .or_else(|error| if head.is_empty() { Err(error) } else { Ok(0) })
        .map_err(|_| unreadable(path, "не UTF-8; сохраните таблицу как «CSV UTF-8»"))?;
    let first = head.lines().next().unwrap_or("");
    let delimiter =
        if first.matches(';').count() > first.matches(',').count() { b';' } else { b',' };
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .from_path(path)
        .map_err(|error| unreadable(path, error))?;
    let header = reader.headers().map_err(|error| unreadable(path, error))?.clone();
    let fields = fields(path, header.iter().map(str::to_owned))?;
    let mut lines = Lines::default();
    // Behind a row that ends in CR LF, the reader has not yet counted the LF.
    let pending = u64::from(head.split_once('\n').is_some_and(|(line, _)| line.ends_with('\r')));
    let mut records = reader.records();
    loop {
        // Where the row begins, as an editor counts lines: a quoted cell may hold several.
        let number = records.reader().position().line() + pending;
        let number = usize::try_from(number).unwrap_or(usize::MAX);
        let Some(record) = records.next() else { break };
        let line = match record {
            Ok(record) => row_line(&fields, record.iter().map(str::to_owned), zone),
            Err(error) if error.is_io_error() => return Err(unreadable(path, error)),
            Err(_) => Err("строка не в кодировке UTF-8".to_owned()),
        };
        take(&mut lines, number, line, report)?;
    }
    Ok(lines)
}

fn read_xlsx(
    path: &Path,
    zone: &TimeZone,
    report: &mut dyn FnMut(usize, &str) -> io::Result<()>,
) -> Result<Lines> {
    let size = std::fs::metadata(path).map_err(|error| unreadable(path, error))?.len();
    if size > WORKBOOK_BYTES_MAX {
        let text = format!("больше {} МиБ", WORKBOOK_BYTES_MAX / 1024 / 1024);
        return Err(unreadable(path, text));
    }
    if unpacked_bytes(path).map_err(|error| unreadable(path, error))? > UNPACKED_BYTES_MAX {
        return Err(unreadable(path, "распакованная таблица слишком велика"));
    }
    let mut book: Xlsx<_> = open_workbook(path).map_err(|error| unreadable(path, error))?;
    let sheet = book
        .worksheet_range_at(0)
        .ok_or_else(|| unreadable(path, "в книге нет листов"))?
        .map_err(|error| unreadable(path, error))?;
    let mut rows = sheet.rows();
    let header = rows.next().ok_or_else(|| unreadable(path, "лист пуст"))?;
    let fields = fields(path, header.iter().map(cell_text))?;
    let mut lines = Lines::default();
    for (row, cells) in rows.enumerate().take(ROWS_MAX) {
        let line = row_line(&fields, cells.iter().map(cell_text), zone);
        take(&mut lines, row + 2, line, report)?;
    }
    Ok(lines)
}

fn cell_text(cell: &Data) -> String {
    match cell {
        Data::Float(number) if number.fract() == 0.0 && number.abs() < 9e15 => {
            format!("{number:.0}")
        }
        Data::DateTime(time) if time.is_datetime() => {
            let (year, month, day, hour, minute, second, _) = time.to_ymd_hms_milli();
            format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
        }
        other => other.to_string(),
    }
}

/// Sum of the unpacked sizes that the directory of a ZIP file names.
fn unpacked_bytes(path: &Path) -> io::Result<u64> {
    const ENTRY: [u8; 4] = *b"PK\x01\x02";
    let bytes = std::fs::read(path)?;
    let mut sum = 0_u64;
    for at in bytes.windows(4).enumerate().filter(|(_, four)| *four == ENTRY).map(|(at, _)| at) {
        let size: Option<[u8; 4]> =
            bytes.get(at + 24..at + 28).and_then(|four| four.try_into().ok());
        sum += size.map_or(0, |size| u64::from(u32::from_le_bytes(size)));
    }
    Ok(sum)
}
