//! Many alerts as one message: true counts, the gravest by name.
//!
//! Place in the flow: worded when its delivery is due, from the alerts it stands for. Invariant:
//! the counts by topic and place add up to the number in the subject; an alert that is not named
//! is counted, and the message says where all of them are listed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::notice::Notice;
use super::{AlertText, words};
use crate::model::{Alert, ProblemId, RiskLevel, RollUpReason};

/// Most problems named one by one.
const NAMED_MAX: usize = 20;
/// Why something is told once more.
const NOBODY: &str = "никто не взял в работу";
/// Most places named within a topic.
const PLACES_MAX: usize = 4;

/// One of the alerts, names resolved.
#[derive(Debug, Clone, Copy)]
pub struct Rolled<'a> {
    /// The alert.
    pub alert: &'a Alert,
    /// Title of its topic.
    pub topic: &'a str,
    /// Title of its place, if known.
    pub place: Option<&'a str>,
    /// Whether it is told once more: nobody took it into work.
    pub reminds: bool,
}

/// A roll-up, names resolved.
#[derive(Debug, Clone)]
pub struct RollUpView<'a> {
    /// Its subject in the outbox: where to look all of it up.
    pub subject: &'a str,
    /// Why together.
    pub reason: RollUpReason,
    /// When.
    pub at: Timestamp,
    /// All of them, gravest first.
    pub alerts: Vec<Rolled<'a>>,
    /// How many alerts and how many reminders it stands for; more than `alerts` if some are no
    /// longer known.
    pub rows: (usize, usize),
    /// Name of the district.
    pub district: &'a str,
    /// Its zone.
    pub zone: &'a TimeZone,
}

/// The message in all forms.
#[must_use]
pub fn render(view: &RollUpView<'_>) -> AlertText {
    let last = last_of_each(&view.alerts);
    let problems = u32::try_from(last.len()).unwrap_or(u32::MAX);
    let count = words::count(problems, "проблема", "проблемы", "проблем");
    let subject = match view.reason {
        RollUpReason::CatchUp { .. } => format!("После перерыва: {count}"),
        _ if view.rows.0 == 0 => format!("Напоминание: {count}"),
        RollUpReason::Volley | RollUpReason::Budget => format!("Ещё {count}"),
    };
    let topics = by_topic(&last);
    let named = named(view, &last);
    let unnamed = last.len() - named.len();
    let mut lists = vec![("По темам".to_owned(), topics), ("Самые тяжёлые".to_owned(), named)];
    if unnamed > 0 {
        let line = format!("otklik alerts show '{}'", view.subject);
        lists.push((format!("И ещё {unnamed}, все с номерами"), vec![line]));
    }
    Notice {
        subject: format!("{}: {subject}", view.district),
        lead: lead(view),
        lists,
        number: format!("Общее сообщение {} · otklik", view.subject),
    }
    .render()
}

/// All alerts of a roll-up one by one, for `alerts show`.
#[must_use]
pub fn lines(view: &RollUpView<'_>) -> Vec<String> {
    view.alerts.iter().map(line).collect()
}

/// Why they are told together, in one sentence.
fn lead(view: &RollUpView<'_>) -> Vec<String> {
    let moment = |at| words::moment(at, view.at, view.zone);
    let count = counts(view.rows);
    let why = match view.reason {
        RollUpReason::Volley => format!("Оповещений пришло много сразу, поэтому здесь {count}."),
        RollUpReason::Budget => {
            format!("Отдельных сообщений за смену уже достаточно, поэтому здесь {count}.")
        }
        RollUpReason::CatchUp { from, until } => {
            let (from, until) = (moment(from), moment(until));
            format!("Программа не работала с {from} по {until}; за это время: {count}.")
        }
    };
    let lost = (view.rows.0 + view.rows.1).saturating_sub(view.alerts.len());
    let mut lead = vec![why];
    if lost > 0 {
        lead.push(format!("Из них уже удалено: {lost}."));
    }
    lead.push("Показать любое: otklik alerts show НОМЕР.".to_owned());
    lead.push(format!("Взять всё в работу: otklik alerts ack '{}'.", view.subject));
    lead
}

/// «12 оповещений и 3 напоминания».
fn counts((alerts, reminders): (usize, usize)) -> String {
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let alerts = (alerts > 0)
        .then(|| words::count(number(alerts), "оповещение", "оповещения", "оповещений"));
    let reminders = (reminders > 0)
        .then(|| words::count(number(reminders), "напоминание", "напоминания", "напоминаний"));
    let parts: Vec<String> = alerts.into_iter().chain(reminders).collect();
    parts.join(" и ")
}

/// The gravest and latest alert of each problem, gravest first.
fn last_of_each<'a>(alerts: &[Rolled<'a>]) -> Vec<Rolled<'a>> {
    let mut order = alerts.to_vec();
    order.sort_by_key(|it| {
        let facts = &it.alert.facts;
        (std::cmp::Reverse((facts.level, facts.score, it.alert.at)), it.alert.id.clone())
    });
    let mut seen: BTreeSet<&ProblemId> = BTreeSet::new();
    order.into_iter().filter(|it| seen.insert(&it.alert.problem)).collect()
}

/// «Отопление: 30 (Онохой 12, …, ещё 5)», the largest first.
fn by_topic(problems: &[Rolled<'_>]) -> Vec<String> {
    let mut topics: BTreeMap<&str, BTreeMap<&str, u32>> = BTreeMap::new();
    for it in problems {
        let place = it.place.unwrap_or("место не названо");
        *topics.entry(it.topic).or_default().entry(place).or_default() += 1;
    }
    let sum = |places: &BTreeMap<&str, u32>| places.values().sum::<u32>();
    let mut order: Vec<_> = topics.iter().collect();
    order.sort_by_key(|(topic, places)| (std::cmp::Reverse(sum(places)), **topic));
    order
        .iter()
        .map(|(topic, places)| {
            let mut ranked: Vec<_> = places.iter().collect();
            ranked.sort_by_key(|(place, count)| (std::cmp::Reverse(**count), **place));
            let mut parts: Vec<String> = ranked
                .iter()
                .take(PLACES_MAX)
                .map(|(place, count)| format!("{place} {count}"))
                .collect();
            let left: u32 = ranked.iter().skip(PLACES_MAX).map(|(_, count)| **count).sum();
            if left > 0 {
                parts.push(format!("ещё {left}"));
            }
            format!("{topic}: {} ({})", sum(places), parts.join(", "))
        })
        .collect()
}

fn named(view: &RollUpView<'_>, problems: &[Rolled<'_>]) -> Vec<String> {
    let worth =
        |it: &&Rolled<'_>| view.alerts.len() <= NAMED_MAX || it.alert.facts.level > RiskLevel::Low;
    problems.iter().filter(worth).take(NAMED_MAX).map(line).collect()
}

/// «🟠 Отопление, Онохой: стало серьёзнее (уровень высокий). Пишут 5 человек. № a0123…»; told
/// once more: «… никто не взял в работу (…)».
fn line(it: &Rolled<'_>) -> String {
    let facts = &it.alert.facts;
    let place = it.place.map_or_else(String::new, |place| format!(", {place}"));
    format!(
        "{} {}{place}: {} (уровень {}). {}. № {}",
        words::level_sign(facts.level),
        it.topic,
        if it.reminds { NOBODY } else { words::reason(it.alert.reason, facts.kind) },
        words::level(facts.level),
        words::voices(facts.voices, facts.voices_at_least),
        it.alert.id
    )
}
