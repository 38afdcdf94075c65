//! What bodies are told about silences and planned works.
//!
//! Place in the flow: worded when a delivery is due. Invariant: every message says what was held,
//! how much, and what to type to change it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::notice::Notice;
use super::{AlertText, words};
use crate::model::{Hidden, Silence, Works, WorksState};

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

/// Planned works read out of one notice, for somebody to say yes. `url`: the notice.
#[must_use]
pub fn works(
    id: &str,
    works: &[(&Works, Names<'_>)],
    url: Option<&str>,
    at: Timestamp,
) -> AlertText {
    let mut lead: Vec<String> = Vec::new();
    let mut lists: Vec<(String, Vec<String>)> = Vec::new();
    match works {
        [(alone, names)] => lead.extend(one_works(alone, names, at)),
        many => {
            let lines = many.iter().map(|(it, names)| one_works(it, names, at).join(" "));
            lists.push(("Что и где".to_owned(), lines.collect()));
        }
    }
    lead.extend(url.and_then(words::link).map(str::to_owned));
    let open = works.iter().filter(|(it, _)| it.state == WorksState::Proposed).count();
    if open > 0 {
        let all = if open > 1 { " все" } else { "" };
        let to_do = vec![
            format!(
                "принять{all}: otklik works accept {id} — жалобы на это до конца работ не \
                 приходят отдельно, а если работы не кончатся вовремя, придёт оповещение"
            ),
            format!("отклонить{all}: otklik works reject {id}"),
        ];
        lists.push(("Что сделать".to_owned(), to_do));
    }
    let district = works.first().map_or("", |(_, names)| names.district);
    Notice {
        subject: format!("{district}: похоже на плановые работы — {}", what_and_where(works)),
        lead,
        lists,
        number: format!("Плановые работы {id} · otklik"),
    }
    .render()
}

/// «Отопление: Онохой, улицы: Гагарина.», «С 14 марта, 12:00 до 17:00.», and what was decided.
fn one_works(works: &Works, names: &Names<'_>, at: Timestamp) -> Vec<String> {
    let moment = |when| words::moment(when, at, names.zone);
    let streets = match works.facts.streets.as_slice() {
        [] => "вся территория".to_owned(),
        streets => format!("улицы: {}", streets.join(", ")),
    };
    let (topic, place) = (topic(names), names.place.unwrap_or("весь район"));
    let mut said = vec![
        format!("{topic}: {place}, {streets}."),
        format!("С {} до {}.", moment(works.begins), moment(works.until)),
    ];
    if let Some((when, by)) = &works.decided {
        let what = words::decided(works.state);
        said.push(format!("{what} {}: {}.", moment(*when), words::plain(by)));
    }
    said
}

/// «Отопление, Онохой», «Отопление, Вода: 5 мест» or «Отопление, Вода: весь район».
fn what_and_where(works: &[(&Works, Names<'_>)]) -> String {
    if let [(_, names)] = works {
        return format!("{}, {}", topic(names), names.place.unwrap_or("весь район"));
    }
    let topics: BTreeSet<&str> = works.iter().map(|(_, names)| topic(names)).collect();
    let places: BTreeSet<&str> = works.iter().filter_map(|(_, names)| names.place).collect();
    let topics: Vec<&str> = topics.into_iter().collect();
    let places = match u32::try_from(places.len()).unwrap_or(u32::MAX) {
        0 => "весь район".to_owned(),
        some => words::count(some, "место", "места", "мест"),
    };
    format!("{}: {places}", topics.join(", "))
}

fn topic<'a>(names: &Names<'a>) -> &'a str {
    names.topic.unwrap_or("тема не названа")
}
