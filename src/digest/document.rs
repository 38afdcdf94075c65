//! The digest as a Word document: what a head reads on paper.
//!
//! Place in the flow: behind `build`. Invariant: plain paragraphs and tables; every text is cleaned
//! of characters that XML refuses.

use std::io::Cursor;

use docx_rs::{
    AlignmentType, Docx, Paragraph, Run, RunFonts, Table, TableCell, TableRow, WidthType,
};

use super::{CellRow, Digest, ProblemRow, change, render};
use crate::alert::render::words;

/// Most rows of a table on paper; the workbook has all.
const ROWS_MAX: usize = 60;

/// The document as bytes. Fails only if the format refuses it, in Russian.
pub fn document(digest: &Digest) -> Result<Vec<u8>, String> {
    let fonts = RunFonts::new().ascii("Arial").hi_ansi("Arial").cs("Arial");
    let date = digest.made.to_string();
    let mut docx = Docx::new()
        .default_fonts(fonts)
        .default_size(22)
        .created_at(&date)
        .updated_at(&date)
        .add_paragraph(line(&render::subject(digest), 32, true));
    docx = docx.add_table(table(&["", "Неделя", "Раньше", "Разница"], figures(digest)));
    docx = docx.add_paragraph(line("Проблемы недели", 28, true));
    let heads = ["Проблема", "Уровень", "Состояние", "Публикаций", "Голосов", "Ответ"];
    docx = docx.add_table(table(&heads, digest.problems.iter().take(ROWS_MAX).map(row).collect()));
    docx = rest(docx, digest.problems.len());
    docx = docx.add_paragraph(line("По темам и местам", 28, true));
    let heads = ["Тема", "Место", "Неделя", "Раньше", "Разница"];
    docx = docx.add_table(table(&heads, digest.cells.iter().take(ROWS_MAX).map(cell).collect()));
    docx = rest(docx, digest.cells.len());
    if !digest.attitude.is_empty() {
        let title = "Отзывы о работе власти (по району, без текстов и авторов)";
        docx = docx.add_paragraph(line(title, 28, true));
        for (title, count) in &digest.attitude {
            docx = docx.add_paragraph(line(&format!("— {title}: {count}"), 22, false));
        }
    }
    docx = docx.add_paragraph(line("Чего мы не видели", 28, true));
    for unseen in &digest.unseen {
        docx = docx.add_paragraph(line(&unseen.head, 22, false));
        for detail in &unseen.lines {
            docx = docx.add_paragraph(line(&format!("— {detail}"), 22, false));
        }
    }
    let mut bytes = Cursor::new(Vec::new());
    docx.build()
        .pack(&mut bytes)
        .map_err(|error| format!("документ DOCX не получился: {error}"))?;
    Ok(bytes.into_inner())
}

fn figures(digest: &Digest) -> Vec<Vec<String>> {
    let rows = digest.figures.iter().map(|figure| {
        let before = figure.before.map_or_else(String::new, |it| it.to_string());
        let diff = figure.before.map_or_else(String::new, |it| change(figure.now, it));
        vec![figure.what.to_owned(), figure.now.to_string(), before, diff]
    });
    rows.collect()
}

fn row(problem: &ProblemRow) -> Vec<String> {
    vec![
        format!("{}{}, {}", words::sentence(render::kind(problem)), problem.topic, problem.place),
        words::level(problem.level).to_owned(),
        format!("{}, с {}", problem.state, problem.since),
        problem.posts.to_string(),
        problem.voices.clone(),
        render::answer(problem.answered).to_owned(),
    ]
}

fn cell(cell: &CellRow) -> Vec<String> {
    vec![
        cell.topic.clone(),
        cell.place.clone(),
        cell.now.to_string(),
        cell.before.to_string(),
        change(cell.now, cell.before),
    ]
}

fn rest(docx: Docx, all: usize) -> Docx {
    if all <= ROWS_MAX {
        return docx;
    }
    let text = format!("… и ещё {}: в таблице XLSX", all - ROWS_MAX);
    docx.add_paragraph(line(&text, 22, false))
}

fn line(text: &str, size: usize, bold: bool) -> Paragraph {
    let run = Run::new().add_text(words::plain(text)).size(size);
    Paragraph::new().add_run(if bold { run.bold() } else { run })
}

fn table(heads: &[&str], rows: Vec<Vec<String>>) -> Table {
    let cell = |text: &str, bold: bool| {
        let paragraph = line(text, 20, bold).align(AlignmentType::Left);
        TableCell::new().add_paragraph(paragraph)
    };
    let head = TableRow::new(heads.iter().map(|head| cell(head, true)).collect());
    let body =
        rows.iter().map(|row| TableRow::new(row.iter().map(|text| cell(text, false)).collect()));
    Table::new(std::iter::once(head).chain(body).collect()).width(5_000, WidthType::Pct)
}
