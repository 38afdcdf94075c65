//! The digest as text, as mail HTML and as a short Telegram message.
//!
//! Place in the flow: behind `build`. Invariant: all forms say the same numbers; what a form leaves
//! out for length it counts.

use super::{CellRow, Digest, ProblemRow, change};
use crate::alert::render::mail;
use crate::alert::render::words::{self, escape};

/// Most rows of a table in a mail; the workbook has all.
const ROWS_MAX: usize = 40;
/// Most problems in the Telegram form.
const TELEGRAM_PROBLEMS_MAX: usize = 12;

/// The mail's subject.
#[must_use]
pub fn subject(digest: &Digest) -> String {
    format!("Недельная сводка, {}: {}", digest.district, digest.period)
}

/// Plain text.
#[must_use]
pub fn text(digest: &Digest) -> String {
    let mut lines = vec![subject(digest), String::new()];
    for figure in &digest.figures {
        let before = figure.before.map_or_else(String::new, |before| against(figure.now, before));
        lines.push(format!("{}: {}{before}", figure.what, figure.now));
    }
    head(&mut lines, "Проблемы недели");
    for problem in digest.problems.iter().take(ROWS_MAX) {
        lines.push(format!("— {}", problem_line(problem)));
    }
    rest(&mut lines, digest.problems.len(), "За неделю проблем не найдено.");
    head(&mut lines, "По темам и местам (неделя, неделей раньше, разница)");
    for cell in digest.cells.iter().take(ROWS_MAX) {
        let (now, before) = (cell.now, cell.before);
        let diff = change(now, before);
        lines.push(format!("— {}, {}: {now}, {before}, {diff}", cell.topic, cell.place));
    }
    rest(&mut lines, digest.cells.len(), "Публикаций о проблемах не было.");
    if !digest.attitude.is_empty() {
        head(&mut lines, "Отзывы о работе власти (по району, без текстов и авторов)");
        let rows = digest.attitude.iter();
        lines.extend(rows.map(|(title, count)| format!("— {title}: {count}")));
    }
    head(&mut lines, "Чего мы не видели");
    for unseen in &digest.unseen {
        lines.push(unseen.head.clone());
        lines.extend(unseen.lines.iter().map(|line| format!("— {line}")));
    }
    lines.push(String::new());
    lines.push(format!("{} · otklik", digest.week));
    lines.push(String::new());
    lines.join("\n")
}

fn head(lines: &mut Vec<String>, title: &str) {
    lines.push(String::new());
    lines.push(title.to_uppercase());
}

fn rest(lines: &mut Vec<String>, all: usize, none: &str) {
    if all == 0 {
        lines.push(none.to_owned());
    } else if all > ROWS_MAX {
        lines.push(more(all));
    }
}

fn more(all: usize) -> String {
    format!("… и ещё {}: в таблице XLSX", all.saturating_sub(ROWS_MAX))
}

fn against(now: u32, before: u32) -> String {
    format!(" (неделей раньше {before}, {})", change(now, before))
}

/// A problem in one line.
fn problem_line(problem: &ProblemRow) -> String {
    let sign = words::level_sign(problem.level);
    let kind = kind(problem);
    let posts = words::count(problem.posts, "публикация", "публикации", "публикаций");
    format!(
        "{sign} {kind}{}, {}: уровень {}, {}, с {}, {posts}, голосов: {}, {}",
        problem.topic,
        problem.place,
        words::level(problem.level),
        problem.state,
        problem.since,
        problem.voices,
        answer(problem.answered),
    )
}

/// The word before a danger or a rumour.
pub(super) fn kind(problem: &ProblemRow) -> &'static str {
    match (problem.danger, problem.rumour) {
        (true, _) => "опасность: ",
        (_, true) => "слух: ",
        _ => "",
    }
}

/// Whether a body answered.
pub(super) fn answer(answered: bool) -> &'static str {
    if answered { "ответ есть" } else { "ответа нет" }
}

/// A mail page.
#[must_use]
pub fn html(digest: &Digest) -> String {
    let mut body = format!(
        "<h1 style=\"font-size:22px;line-height:1.25;margin:0 0 12px\">{}</h1>\n",
        escape(&subject(digest))
    );
    let figures = digest.figures.iter().map(|figure| {
        let before = figure.before.map_or_else(String::new, |it| it.to_string());
        let diff = figure.before.map_or_else(String::new, |it| change(figure.now, it));
        vec![figure.what.to_owned(), figure.now.to_string(), before, diff]
    });
    body.push_str(&table(&["", "Неделя", "Раньше", "Разница"], figures.collect()));
    body.push_str(&title("Проблемы недели"));
    body.push_str(&problems_html(digest));
    body.push_str(&title("По темам и местам"));
    let cells = digest.cells.iter().take(ROWS_MAX).map(cell_row).collect();
    body.push_str(&table(&["Тема", "Место", "Неделя", "Раньше", "Разница"], cells));
    if digest.cells.len() > ROWS_MAX {
        body.push_str(&format!("<p>{}</p>\n", more(digest.cells.len())));
    }
    if !digest.attitude.is_empty() {
        body.push_str(&title("Отзывы о работе власти (по району, без текстов и авторов)"));
        let rows = digest.attitude.iter().map(|(title, n)| vec![title.clone(), n.to_string()]);
        body.push_str(&table(&["", "Неделя"], rows.collect()));
    }
    body.push_str(&title("Чего мы не видели"));
    for unseen in &digest.unseen {
        body.push_str(&format!("<p style=\"margin:8px 0 4px\">{}</p>\n", escape(&unseen.head)));
        if !unseen.lines.is_empty() {
            let lines = unseen.lines.iter().map(|line| format!("<li>{}</li>\n", escape(line)));
            let list: String = lines.collect();
            body.push_str(&format!("<ul style=\"margin:0;padding-left:20px\">\n{list}</ul>\n"));
        }
    }
    mail::page(&subject(digest), &body, &format!("{} · otklik", digest.week))
}

fn cell_row(cell: &CellRow) -> Vec<String> {
    let numbers = [cell.now.to_string(), cell.before.to_string(), change(cell.now, cell.before)];
    [cell.topic.clone(), cell.place.clone()].into_iter().chain(numbers).collect()
}

fn problems_html(digest: &Digest) -> String {
    if digest.problems.is_empty() {
        return "<p>За неделю проблем не найдено.</p>\n".to_owned();
    }
    let mut out = String::new();
    for problem in digest.problems.iter().take(ROWS_MAX) {
        let (back, ink) = mail::badge(problem.level);
        let posts = words::count(problem.posts, "публикация", "публикации", "публикаций");
        out.push_str(&format!(
            "<p style=\"margin:0 0 10px\"><span style=\"background:{back};color:{ink};\
             padding:2px 6px\">{}</span> <b>{}{}, {}</b><br>\n{}, с {}; {posts}, голосов: {}; \
             <b>{}</b></p>\n",
            words::level(problem.level),
            words::sentence(kind(problem)),
            escape(&problem.topic),
            escape(&problem.place),
            problem.state,
            escape(&problem.since),
            escape(&problem.voices),
            answer(problem.answered),
        ));
    }
    if digest.problems.len() > ROWS_MAX {
        out.push_str(&format!("<p>{}</p>\n", more(digest.problems.len())));
    }
    out
}

fn title(text: &str) -> String {
    format!("<h2 style=\"font-size:18px;margin:24px 0 8px\">{}</h2>\n", escape(text))
}

/// A table; the columns behind the words are numbers and stand right.
fn table(heads: &[&str], rows: Vec<Vec<String>>) -> String {
    if rows.is_empty() {
        return "<p>Нет.</p>\n".to_owned();
    }
    let style = "border-bottom:1px solid #d5dae0;padding:4px 6px";
    let cell = |tag: &str, text: &str| {
        let number = text.chars().all(|c| c.is_ascii_digit() || "+−=".contains(c));
        let align = if number { "right" } else { "left" };
        format!(
            "<{tag} class=\"cell\" align=\"{align}\" style=\"{style}\">{}</{tag}>",
            escape(text)
        )
    };
    let head: String = heads.iter().map(|head| cell("th", head)).collect();
    let rows: String = rows
        .iter()
        .map(|row| {
            let cells: String = row.iter().map(|text| cell("td", text)).collect();
            format!("<tr>{cells}</tr>\n")
        })
        .collect();
    format!(
        "<table width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" \
         style=\"border-collapse:collapse;font-size:15px\">\n<tr>{head}</tr>\n{rows}</table>\n"
    )
}

/// One Telegram message: numbers, the first problems, what was not seen; the mail has the rest.
#[must_use]
pub fn telegram(digest: &Digest) -> String {
    let mut lines = vec![format!("<b>{}</b>", escape(&words::shorten(&subject(digest), 200)))];
    for figure in &digest.figures {
        let before = figure.before.map_or_else(String::new, |it| against(figure.now, it));
        lines.push(format!("{}: {}{before}", figure.what, figure.now));
    }
    lines.push(String::new());
    for problem in digest.problems.iter().take(TELEGRAM_PROBLEMS_MAX) {
        lines.push(escape(&words::shorten(&problem_line(problem), 160)));
    }
    let left = digest.problems.len().saturating_sub(TELEGRAM_PROBLEMS_MAX);
    if left > 0 {
        lines.push(format!("… и ещё проблем: {left}"));
    }
    lines.push(String::new());
    lines.push("<b>Чего мы не видели</b>".to_owned());
    for unseen in &digest.unseen {
        let head = words::shorten(unseen.head.trim_end_matches(':'), 160);
        lines.push(format!("— {}", escape(&head)));
    }
    lines.join("\n")
}
