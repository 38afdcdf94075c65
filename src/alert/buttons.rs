//! Which buttons stand under a message about an alert, or about many.
//!
//! Place in the flow: asked whenever such a message is sent or changed. Invariants: pure; what was
//! answered stands there as a line that says when and which receiver, never who; one message of a
//! conversation has the buttons, the newest.

use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

use super::render::words;
use crate::config::routes::Routes;
use crate::model::{
    Alert, Button, DeliveryId, Keyboard, Mark, Marked, Tap, Works, WorksState, last_said,
};

/// About what these buttons speak.
pub const NOUN: &str = "alert";
/// About what the button under a roll-up speaks: its row in the outbox.
pub const ROLL_UP: &str = "rollup";
/// About what the buttons under a proposal of planned works speak.
pub const WORKS: &str = "works";
/// Accepts planned works.
pub const ACCEPT: &str = "accept";
/// Rejects them.
pub const REJECT: &str = "reject";
/// Asks for the list of those who may be meant by «не наше».
pub const ASK_WHOM: &str = "whom";
/// Goes back from that list.
pub const BACK: &str = "back";
/// A line that only says something.
pub const SEEN: &str = "seen";
/// Begins the choice of a receiver.
pub const TO: &str = "to.";

/// Most characters on a button.
const TITLE_CHARS_MAX: usize = 60;
/// Most receivers to choose from.
const CHOICES_MAX: usize = 24;

/// The buttons under a message to `receiver`. `overtaken`: a later message has them now.
#[must_use]
pub fn under(
    alert: &Alert,
    marks: &[Marked],
    receiver: &str,
    zone: &TimeZone,
    overtaken: bool,
) -> Keyboard {
    let button = |title: &str, word: &str| Button {
        title: words::shorten(title, TITLE_CHARS_MAX),
        tap: Tap::new(NOUN, alert.id.as_str(), word),
    };
    let says = |marked: &&Marked| button(&line(alert, marked, zone), SEEN);
    let state = last_said(marks);
    let judged = marks.iter().rev().find(|marked| marked.mark.judges());
    let mut rows: Keyboard = Vec::new();
    rows.extend(state.iter().map(|marked| vec![says(marked)]));
    rows.extend(judged.iter().map(|marked| vec![says(marked)]));
    if overtaken {
        rows.push(vec![button("↓ Есть новое сообщение ниже", SEEN)]);
        return rows;
    }
    let taken = button("В работу", Mark::Taken.name());
    let solved = button("Решено", Mark::Solved.name());
    let whom = button("Не наше → кому", ASK_WHOM);
    match state.map(|marked| (marked.mark, marked.by == receiver)) {
        Some((Mark::Solved, _)) => {
            rows.push(vec![button("Вернуть в работу", Mark::Taken.name())]);
        }
        Some((Mark::Taken, _)) => rows.push(vec![solved, whom]),
        Some((Mark::NotOurs, true)) => rows.push(vec![taken, solved]),
        _ => {
            rows.push(vec![taken, solved]);
            rows.push(vec![whom]);
        }
    }
    if judged.is_none() {
        let [useful, noise] = [(Mark::Useful, "Полезно"), (Mark::Noise, "Шум")];
        rows.push(vec![button(useful.1, useful.0.name()), button(noise.1, noise.0.name())]);
    }
    rows
}

/// The buttons under a proposal of planned works: what was decided, and what is still asked.
#[must_use]
pub fn proposal(id: &str, works: &[Works], zone: &TimeZone) -> Keyboard {
    let button = |title: String, word| Button {
        title: words::shorten(&title, TITLE_CHARS_MAX),
        tap: Tap::new(WORKS, id, word),
    };
    let mut rows: Keyboard = Vec::new();
    let last = works
        .iter()
        .filter_map(|it| it.decided.as_ref().map(|said| (said, it)))
        .max_by_key(|it| it.0.0);
    if let Some(((at, by), works)) = last {
        let sign = if works.state == WorksState::Rejected { '✖' } else { '✔' };
        let what = words::decided(works.state);
        let clock = words::clock(*at, works.proposed, zone);
        rows.push(vec![button(format!("{sign} {what}, {clock} · {}", words::plain(by)), SEEN)]);
    }
    let open = works.iter().filter(|it| it.state == WorksState::Proposed).count();
    let all = if open > 1 { format!(" все ({open})") } else { String::new() };
    if open > 0 {
        let [accept, reject] = [("Принять", ACCEPT), ("Отклонить", REJECT)];
        rows.push(vec![
            button(format!("{}{all}", accept.0), accept.1),
            button(format!("{}{all}", reject.0), reject.1),
        ]);
    }
    rows
}

/// The button under a roll-up, `open` of whose problems nobody has in work yet.
#[must_use]
pub fn under_roll_up(row: &DeliveryId, open: usize) -> Keyboard {
    let (title, word) = match open {
        0 => ("✔ Всё взято в работу".to_owned(), SEEN),
        _ => (format!("Взять всё в работу ({open})"), Mark::Taken.name()),
    };
    vec![vec![Button { title, tap: Tap::new(ROLL_UP, row.as_str(), word) }]]
}

/// To whom an alert may be handed over: everybody but those who say that it is not theirs.
#[must_use]
pub fn choices(alert: &Alert, routes: &Routes, own: &str) -> Keyboard {
    let button = |title: &str, word: &str| Button {
        title: words::shorten(title, TITLE_CHARS_MAX),
        tap: Tap::new(NOUN, alert.id.as_str(), word),
    };
    let others = routes.receivers.iter().filter(|receiver| receiver.name != own);
    let mut rows: Keyboard = others
        .take(CHOICES_MAX)
        .map(|receiver| {
            let word = format!("{TO}{}", sign(&receiver.name));
            vec![button(&format!("→ {}", words::plain(&receiver.name)), &word)]
        })
        .collect();
    rows.push(vec![button("Не знаю кому", Mark::NotOurs.name()), button("← Назад", BACK)]);
    rows
}

/// The receiver that a choice means.
#[must_use]
pub fn chosen<'a>(routes: &'a Routes, word: &str) -> Option<&'a str> {
    let meant = word.strip_prefix(TO)?;
    let names = routes.receivers.iter().map(|receiver| receiver.name.as_str());
    names.into_iter().find(|name| sign(name) == meant)
}

/// A name in the few letters that a button can carry.
fn sign(name: &str) -> String {
    Sha256::digest(name.as_bytes()).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// «✔ В работе, 14:35 · МЦУ, дежурный»
fn line(alert: &Alert, marked: &Marked, zone: &TimeZone) -> String {
    let what = match marked.mark {
        Mark::Taken => "В работе",
        Mark::Solved => "Решено",
        Mark::NotOurs => "Не наше",
        Mark::Passed => "Передано",
        Mark::Useful => "Полезно",
        Mark::Noise => "Шум",
    };
    let to = marked.to.as_ref().map(|to| format!(" → {}", words::plain(to))).unwrap_or_default();
    let by = words::plain(&marked.by);
    format!("✔ {what}, {} · {by}{to}", words::clock(marked.at, alert.at, zone))
}
