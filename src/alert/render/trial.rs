//! The page at the end of a trial, and the line in front of every message of it.
//!
//! Place in the flow: worded when a delivery is due. Invariant: the numbers are those of the rows
//! that the trial left behind.

use super::notice::Notice;
use super::{AlertText, mail, words};
use crate::alert::trial::{DAY_MAX, TrialLine};
use crate::model::Channel;

/// «Пробный режим: отправил бы → МЦУ (почта), Отдел ЖКХ (Telegram)».
#[must_use]
pub fn head(receivers: &[(String, Channel)]) -> String {
    let names: Vec<String> =
        receivers.iter().map(|(name, by)| format!("{name} ({})", words::channel(*by))).collect();
    match names.as_slice() {
        [] => "Пробный режим: не отправил бы никому".to_owned(),
        names => format!("Пробный режим: отправил бы → {}", names.join(", ")),
    }
}

/// A message with a line in front of it, in all forms.
#[must_use]
pub fn headed(mut text: AlertText, head: &str) -> AlertText {
    let head = words::plain(head);
    let bold = format!("<b>{}</b>", words::escape(&head));
    text.subject = format!("[пробный режим] {}", text.subject);
    text.text = format!("{head}\n\n{}", text.text);
    let front = format!("{}<p>{bold}</p>\n", mail::BODY);
    text.html = text.html.replacen(mail::BODY, &front, 1);
    match text.telegram.first_mut() {
        Some(first) if first.encode_utf16().count() + bold.len() < super::TELEGRAM_UNITS_MAX => {
            *first = format!("{bold}\n{first}");
        }
        _ => text.telegram.insert(0, bold),
    }
    text
}

/// What the trial has shown.
#[must_use]
pub fn page(lines: &[TrialLine], days: u32, district: &str, until: &str) -> AlertText {
    let told: Vec<String> = lines.iter().map(|line| one(line, days)).collect();
    let suggested: Vec<String> = lines.iter().filter_map(suggestion).collect();
    let mut lead = vec![format!(
        "Пробный режим закончился {until}; он шёл {}. С этой минуты оповещения уходят получателям.",
        words::count(days, "день", "дня", "дней")
    )];
    if told.is_empty() {
        lead.push("За это время не ушло бы ни одного сообщения.".to_owned());
    }
    Notice {
        subject: format!("{district}: итоги пробного режима"),
        lead,
        lists: vec![
            ("Сколько ушло бы".to_owned(), told),
            (format!("Чтобы было не больше {DAY_MAX} в день, в routes.toml"), suggested),
        ],
        number: format!("Итоги пробного режима {until} · otklik"),
    }
    .render()
}

fn one(line: &TrialLine, days: u32) -> String {
    let tenths = line.messages * 10 / days.max(1);
    format!(
        "{}: {}, в среднем {},{} в день, больше всего за день {}; отмечено как шум: {}",
        line.receiver,
        words::count(line.messages, "сообщение", "сообщения", "сообщений"),
        tenths / 10,
        tenths % 10,
        line.day_max,
        line.noise
    )
}

fn suggestion(line: &TrialLine) -> Option<String> {
    let (level, voices) = line.suggested?;
    Some(format!("{}: level = \"{}\", voices = {voices}", line.receiver, level.name()))
}
