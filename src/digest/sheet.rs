//! The digest as a workbook.
//!
//! Place in the flow: behind `build`. Invariant: no cell is a formula, and no text cell becomes one
//! when the sheet is saved as CSV and opened again: what begins like a formula begins with an
//! apostrophe.

use jiff::tz::TimeZone;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

use super::{Digest, change, render};
use crate::alert::render::words;

/// Longest text of a cell, in characters (the format's own limit is 32,767 UTF-16 units).
const CELL_CHARS_MAX: usize = 16_000;

/// The workbook as bytes. Fails only if the format refuses a value, in Russian.
pub fn sheet(digest: &Digest) -> Result<Vec<u8>, String> {
    make(digest).map_err(|error| format!("таблица XLSX не получилась: {error}"))
}

fn make(digest: &Digest) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    let made = digest.made.to_zoned(TimeZone::UTC);
    let made = ExcelDateTime::parse_from_str(&made.strftime("%Y-%m-%d").to_string())?;
    // The date of the week, not of the making: the same digest is the same file.
    book.set_properties(&DocProperties::new().set_creation_datetime(&made));
    let bold = Format::new().set_bold();
    let page = fresh(&mut book, "Итоги", &["Показатель", "Неделя", "Раньше", "Разница"], &bold)?;
    for (row, figure) in (1..).zip(&digest.figures) {
        text(page, row, 0, figure.what)?;
        page.write_number(row, 1, figure.now)?;
        if let Some(before) = figure.before {
            page.write_number(row, 2, before)?;
            page.write_number(row, 3, f64::from(figure.now) - f64::from(before))?;
        }
    }
    let heads = ["Тема", "Место", "Неделя", "Раньше", "Разница", "Знак"];
    let page = fresh(&mut book, "Темы и места", &heads, &bold)?;
    for (row, cell) in (1..).zip(&digest.cells) {
        text(page, row, 0, &cell.topic)?;
        text(page, row, 1, &cell.place)?;
        page.write_number(row, 2, cell.now)?;
        page.write_number(row, 3, cell.before)?;
        page.write_number(row, 4, f64::from(cell.now) - f64::from(cell.before))?;
        let sign: String = change(cell.now, cell.before).chars().take(1).collect();
        let word = match sign.as_str() {
            "+" => "больше",
            "=" => "столько же",
            _ => "меньше",
        };
        text(page, row, 5, word)?;
    }
    problems(&mut book, digest, &bold)?;
    if !digest.attitude.is_empty() {
        let heads = ["Отзывы о работе власти, по району", "Неделя"];
        let page = fresh(&mut book, "Отзывы", &heads, &bold)?;
        for (row, (title, count)) in (1..).zip(&digest.attitude) {
            text(page, row, 0, title)?;
            page.write_number(row, 1, *count)?;
        }
    }
    let page = fresh(&mut book, "Чего мы не видели", &["Что", "Подробности"], &bold)?;
    for (row, unseen) in (1..).zip(&digest.unseen) {
        text(page, row, 0, &unseen.head)?;
        text(page, row, 1, &unseen.lines.join("; "))?;
    }
    book.save_to_buffer()
}

fn problems(book: &mut Workbook, digest: &Digest, bold: &Format) -> Result<(), XlsxError> {
    let heads =
        ["Тема", "Место", "Вид", "Уровень", "Состояние", "С", "Публикаций", "Голосов", "Ответ"];
    let page = fresh(book, "Проблемы", &heads, bold)?;
    for (row, problem) in (1..).zip(&digest.problems) {
        let kind = render::kind(problem).trim_end_matches([':', ' ']);
        text(page, row, 0, &problem.topic)?;
        text(page, row, 1, &problem.place)?;
        text(page, row, 2, if kind.is_empty() { "проблема" } else { kind })?;
        text(page, row, 3, words::level(problem.level))?;
        text(page, row, 4, problem.state)?;
        text(page, row, 5, &problem.since)?;
        page.write_number(row, 6, problem.posts)?;
        text(page, row, 7, &problem.voices)?;
        text(page, row, 8, render::answer(problem.answered))?;
    }
    Ok(())
}

/// A sheet with a bold, frozen first row.
fn fresh<'a>(
    book: &'a mut Workbook,
    name: &str,
    heads: &[&str],
    bold: &Format,
) -> Result<&'a mut Worksheet, XlsxError> {
    let page = book.add_worksheet();
    page.set_name(name)?;
    for (column, head) in (0..).zip(heads) {
        page.write_string_with_format(0, column, *head, bold)?;
        page.set_column_width(column, if column < 2 { 36 } else { 14 })?;
    }
    page.set_freeze_panes(1, 0)?;
    Ok(page)
}

fn text(page: &mut Worksheet, row: u32, column: u16, text: &str) -> Result<(), XlsxError> {
    page.write_string(row, column, cell(text))?;
    Ok(())
}

/// The text as a cell of a workbook: no formula, and cut to what a cell holds.
#[must_use]
pub fn cell(text: &str) -> String {
    guard(&words::shorten(text, CELL_CHARS_MAX))
}

/// The text, whole, as a cell that no program takes for a formula.
#[must_use]
pub fn guard(text: &str) -> String {
    let first = text.chars().next();
    let formula = first.is_some_and(|c| "=+-@\t\r\n＝＋－＠−".contains(c));
    if formula { format!("'{text}") } else { text.to_owned() }
}
