//! What bodies are told about silences and planned works.
//!
//! Place in the flow: worded when a delivery is due. Invariant: every message says what was held,
//! how much, and what to type to change it.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::notice::Notice;
use super::{AlertText, words};
use crate::model::{Hidden, Silence, Works};

/// Most hidden problems named.
const NAMED_MAX: usize = 20;

/// Names behind the ids of a silence or of works.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// Title of the topic, if one is named.
    pub topic: Option<&'a str>,
    /// Title of the settlement, if one is named.
    pub place: Option<&'a str>,
    /// Name of the district.
    pub district: &'a str,
    /// Its zone.
    pub zone: &'a TimeZone,
}

/// «Отопление, Онохой», «все темы, Онохой», «проблема p01…».
#[must_use]
pub fn about(silence: &Silence, names: &Names<'_>) -> String {
    if let Some(problem) = &silence.facts.problem {
        return format!("проблема {problem}");
    }
    let topic = names.topic.unwrap_or("все темы");
    format!("{topic}, {}", names.place.unwrap_or("весь район"))
}

/// «скрыто 5 оповещений о 2 проблемах» or «ничего не скрыто».
#[must_use]
pub fn hidden(hidden: Hidden) -> String {
    if hidden.alerts == 0 {
        return "ничего не скрыто".to_owned();
    }
    format!(
        "скрыто {} о {}",
        words::count(hidden.alerts, "оповещение", "оповещения", "оповещений"),
        words::count(hidden.problems, "проблеме", "проблемах", "проблемах")
    )
}

/// A silence ends soon, or (`over`) is over. `lines`: what it hid.
#[must_use]
pub fn silence(
    silence: &Silence,
    hid: Hidden,
    lines: &[String],
    over: bool,
    names: &Names<'_>,
    at: Timestamp,
) -> AlertText {
    let about = about(silence, names);
    let end = words::moment(silence.end(), at, names.zone);
    let news = if over {
        "тишина закончилась"
    } else {
        "тишина скоро закончится"
    };
    let mut lead = vec![
        format!("{}: {end}. Причина: {}.", words::sentence(news), silence.facts.reason),
        format!("За время тишины {}.", hidden(hid)),
    ];
    if !over {
        let id = &silence.id;
        lead.push(format!("Снять раньше: otklik silence end {id}. Продлить — завести новую."));
    }
    let mut shown: Vec<String> = lines.iter().take(NAMED_MAX).cloned().collect();
    if lines.len() > NAMED_MAX {
        shown.push(format!("ещё {}: otklik alerts", lines.len() - NAMED_MAX));
    }
    Notice {
        subject: format!("{}: {news} — {about}", names.district),
        lead,
        lists: vec![("Скрыто".to_owned(), shown)],
        number: format!("Тишина {} · otklik", silence.id),
    }
    .render()
}

/// Planned works read out of a notice, for somebody to say yes. `url`: the notice.
#[must_use]
pub fn works(works: &Works, url: Option<&str>, names: &Names<'_>, at: Timestamp) -> AlertText {
    let moment = |when| words::moment(when, at, names.zone);
    let topic = names.topic.unwrap_or("тема не названа");
    let place = names.place.unwrap_or("весь район");
    let streets = match works.facts.streets.as_slice() {
        [] => "вся территория".to_owned(),
        streets => format!("улицы: {}", streets.join(", ")),
    };
    let id = &works.id;
    let mut lead = vec![
        format!("{topic}: {place}, {streets}."),
        format!("С {} до {}.", moment(works.begins), moment(works.until)),
    ];
    lead.extend(url.and_then(words::link).map(str::to_owned));
    let lists = vec![(
        "Что сделать".to_owned(),
        vec![
            format!(
                "принять: otklik works accept {id} — жалобы на это до конца работ не приходят \
                 отдельно, а если работы не кончатся вовремя, придёт оповещение"
            ),
            format!("отклонить: otklik works reject {id}"),
        ],
    )];
    Notice {
        subject: format!("{}: похоже на плановые работы — {topic}, {place}", names.district),
        lead,
        lists,
        number: format!("Плановые работы {id} · otklik"),
    }
    .render()
}
