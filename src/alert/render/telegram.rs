//! An alert as Telegram messages.
//!
//! Place in the flow: one of the forms of `render`. Invariant: every message is whole HTML of the
//! few tags Telegram knows and at most 4,096 UTF-16 units after parsing; nothing is lost: what does
//! not fit goes into a further message, cut in the plain text before it becomes HTML.

use super::{Parts, sections, words};

/// Longest message, in UTF-16 units after entity parsing.
pub const TELEGRAM_UNITS_MAX: usize = 4_096;

/// A line: plain text that becomes one kind of HTML.
enum Line {
    Bold(String),
    Plain(String),
    Italic(String),
    Linked(String, String),
    Empty,
}

/// All messages of an alert, in order.
pub(super) fn messages(parts: &Parts) -> Vec<String> {
    let mut lines = vec![
        Line::Bold(format!("{} {}", parts.sign, parts.title)),
        Line::Plain(parts.headline.clone()),
    ];
    lines.extend(parts.again.clone().map(Line::Plain));
    lines.extend(parts.danger.map(|text| Line::Bold(text.to_owned())));
    lines.extend(parts.facts.iter().cloned().map(Line::Plain));
    for (quote, url) in &parts.quotes {
        lines.push(Line::Empty);
        lines.push(match url {
            Some(url) => Line::Linked(quote.clone(), url.clone()),
            None => Line::Italic(quote.clone()),
        });
    }
    for (head, list) in sections(parts) {
        lines.push(Line::Empty);
        lines.push(Line::Bold(format!("{head}:")));
        lines.extend(list.iter().map(|line| Line::Plain(format!("— {line}"))));
    }
    lines.push(Line::Empty);
    lines.push(Line::Italic(parts.number.clone()));
    pack(lines)
}

/// Fills messages line by line; a line longer than a message is cut into several.
fn pack(lines: Vec<Line>) -> Vec<String> {
    let mut messages = Vec::new();
    let mut message = String::new();
    let mut units = 0;
    for line in lines.into_iter().flat_map(cut) {
        let (length, html) = (line.units(), line.html());
        if units + length + 1 > TELEGRAM_UNITS_MAX {
            messages.push(std::mem::take(&mut message));
            units = 0;
        }
        if units > 0 {
            message.push('\n');
            units += 1;
        } else if length == 0 {
            continue;
        }
        message.push_str(&html);
        units += length;
    }
    messages.push(message);
    // An edge of empty lines would count, but not show.
    let trimmed = messages.into_iter().map(|message| message.trim_end_matches('\n').to_owned());
    trimmed.filter(|message| !message.is_empty()).collect()
}

/// The line in pieces that fit a message each.
fn cut(line: Line) -> Vec<Line> {
    if line.units() < TELEGRAM_UNITS_MAX {
        return vec![line];
    }
    let (text, make): (String, fn(String) -> Line) = match line {
        Line::Bold(text) => (text, Line::Bold),
        Line::Italic(text) => (text, Line::Italic),
        Line::Plain(text) | Line::Linked(text, _) => (text, Line::Plain),
        Line::Empty => (String::new(), Line::Plain),
    };
    let mut pieces = vec![String::new()];
    let mut units = 0;
    for c in text.chars() {
        if units + c.len_utf16() >= TELEGRAM_UNITS_MAX {
            pieces.push(String::new());
            units = 0;
        }
        units += c.len_utf16();
        if let Some(piece) = pieces.last_mut() {
            piece.push(c);
        }
    }
    pieces.into_iter().map(make).collect()
}

impl Line {
    /// Length after parsing, in UTF-16 units.
    fn units(&self) -> usize {
        match self {
            Line::Bold(text) | Line::Plain(text) | Line::Italic(text) | Line::Linked(text, _) => {
                text.encode_utf16().count()
            }
            Line::Empty => 0,
        }
    }

    fn html(&self) -> String {
        match self {
            Line::Bold(text) => format!("<b>{}</b>", words::escape(text)),
            Line::Plain(text) => words::escape(text),
            Line::Italic(text) => format!("<i>{}</i>", words::escape(text)),
            Line::Linked(text, url) => {
                format!("<a href=\"{}\">{}</a>", words::escape(url), words::escape(text))
            }
            Line::Empty => String::new(),
        }
    }
}
