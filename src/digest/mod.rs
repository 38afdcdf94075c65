//! The weekly digest: one page on what hurts, where, whether it gets better, and what was not seen.
//!
//! Place in the flow: the store counts, [`build`] arranges and names, `render`, [`sheet()`] and
//! [`document()`] make bytes. Invariant: no quote, no link, no words of a single post; of a source
//! nothing but its health; attitude only as counts that at least five voices share.

mod completeness;
mod document;
mod render;
mod sheet;
mod unseen;

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::ToSpan;
use jiff::tz::TimeZone;

use crate::alert::render::words;
use crate::model::digest::{DigestCounts, DigestProblem, Week};
use crate::model::{PlaceId, ProblemState, RiskLevel, TopicId, TopicKind};

pub use completeness::{reasons as gaps, share};
pub use document::document;
pub use render::{html, subject, telegram, text};
pub use sheet::{cell, guard, sheet};

/// Names and zone for the digest.
#[derive(Debug, Clone)]
pub struct Titles {
    /// Name of the district.
    pub district: String,
    /// Zone of the district.
    pub zone: TimeZone,
    /// Titles of topics and of attitude packs.
    pub topics: BTreeMap<TopicId, String>,
    /// Titles of all settlements of the district: who of them is silent is told.
    pub places: BTreeMap<PlaceId, String>,
}

impl Titles {
    fn topic(&self, id: &TopicId) -> String {
        self.topics.get(id).map_or_else(|| id.to_string(), |title| words::plain(title))
    }

    fn place(&self, id: Option<&PlaceId>) -> String {
        match id {
            None => "место не названо".to_owned(),
            Some(id) => self.places.get(id).map_or_else(|| id.to_string(), |it| words::plain(it)),
        }
    }
}

/// A number against the week before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// What is counted.
    pub what: &'static str,
    /// This week.
    pub now: u32,
    /// The week before, where it is known.
    pub before: Option<u32>,
}

/// Posts on a topic in a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellRow {
    /// Title of the topic.
    pub topic: String,
    /// Title of the place.
    pub place: String,
    /// This week.
    pub now: u32,
    /// The week before.
    pub before: u32,
}

/// A problem of the week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProblemRow {
    /// Title of the topic.
    pub topic: String,
    /// Title of the place.
    pub place: String,
    /// Whether it is a danger.
    pub danger: bool,
    /// Whether it is a rumour.
    pub rumour: bool,
    /// Level.
    pub level: RiskLevel,
    /// State in words.
    pub state: &'static str,
    /// Since when, in words.
    pub since: String,
    /// Posts so far.
    pub posts: u32,
    /// Voices in words.
    pub voices: String,
    /// Whether a body answered.
    pub answered: bool,
}

/// One paragraph of «Чего мы не видели».
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unseen {
    /// What was not seen, a whole sentence.
    pub head: String,
    /// Details, one a line.
    pub lines: Vec<String>,
}

/// The digest, arranged and named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// ISO name of the week.
    pub week: String,
    /// The week in words: «16–22 ноября 2026».
    pub period: String,
    /// Name of the district.
    pub district: String,
    /// Monday of the week, midnight in the zone: the documents' date.
    pub made: Timestamp,
    /// Headline numbers.
    pub figures: Vec<Figure>,
    /// Topic × place, most posts first.
    pub cells: Vec<CellRow>,
    /// Problems: dangers first, then by level, unanswered before answered.
    pub problems: Vec<ProblemRow>,
    /// Attitude towards the authorities, district-wide counts.
    pub attitude: Vec<(String, u32)>,
    /// What was not seen; never empty.
    pub unseen: Vec<Unseen>,
}

/// Fewest voices behind an attitude count that is shown.
const ATTITUDE_LEAST: u32 = 5;

/// Arranges one week's counts.
#[must_use]
pub fn build(week: Week, counts: &DigestCounts, titles: &Titles) -> Digest {
    let start = week.monday.to_zoned(titles.zone.clone());
    let made = start.map_or(Timestamp::UNIX_EPOCH, |start| start.timestamp());
    let mut cells: Vec<CellRow> = counts
        .cells
        .iter()
        .filter(|cell| cell.posts > 0 || cell.before > 0)
        .map(|cell| CellRow {
            topic: titles.topic(&cell.topic),
            place: titles.place(cell.place.as_ref()),
            now: cell.posts,
            before: cell.before,
        })
        .collect();
    cells.sort_by(|a, b| {
        (b.now, b.before, &a.topic, &a.place).cmp(&(a.now, a.before, &b.topic, &b.place))
    });
    let shared = counts.attitude.iter().filter(|(_, count)| *count >= ATTITUDE_LEAST);
    Digest {
        week: week.name(),
        period: period(week),
        district: words::plain(&titles.district),
        made,
        figures: figures(counts, made),
        cells,
        problems: problems(counts, titles, made),
        attitude: shared.map(|(pack, count)| (titles.topic(pack), *count)).collect(),
        unseen: unseen::unseen(counts, titles, made),
    }
}

/// «16–22 ноября 2026», «30 ноября – 6 декабря 2026».
fn period(week: Week) -> String {
    let monday = week.monday;
    let sunday = monday.saturating_add(6.days());
    let year = sunday.year();
    if monday.year() != year {
        return format!("{} – {} {year}", words::date(monday, sunday), words::date(sunday, sunday));
    }
    if monday.month() == sunday.month() {
        return format!("{}–{} {year}", monday.day(), words::date(sunday, sunday));
    }
    format!("{} – {} {year}", words::date(monday, sunday), words::date(sunday, sunday))
}

fn figures(counts: &DigestCounts, start: Timestamp) -> Vec<Figure> {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let of = |test: &dyn Fn(&DigestProblem) -> bool| {
        number(counts.problems.iter().filter(|problem| test(problem)).count())
    };
    let figure = |what, now, before| Figure { what, now, before };
    vec![
        figure("Прочитано публикаций и комментариев", counts.read.0, Some(counts.read.1)),
        figure("Из них о проблемах", counts.matched.0, Some(counts.matched.1)),
        figure("Проблем за неделю", number(counts.problems.len()), None),
        figure("Новых проблем", of(&|problem| problem.opened >= start), None),
        figure("Опасностей", of(&|problem| problem.kind == TopicKind::Danger), None),
        figure("Без официального ответа", of(&|problem| !problem.answered), None),
        figure("Отправлено оповещений", counts.alerts, None),
    ]
}

fn problems(counts: &DigestCounts, titles: &Titles, near: Timestamp) -> Vec<ProblemRow> {
    let mut order: Vec<&DigestProblem> = counts.problems.iter().collect();
    order.sort_by(|a, b| {
        let danger = |it: &DigestProblem| it.kind != TopicKind::Danger;
        danger(a)
            .cmp(&danger(b))
            .then_with(|| b.level.cmp(&a.level))
            .then_with(|| a.answered.cmp(&b.answered))
            .then_with(|| b.posts.cmp(&a.posts))
            .then_with(|| a.id.cmp(&b.id))
    });
    order
        .into_iter()
        .map(|problem| ProblemRow {
            topic: titles.topic(&problem.topic),
            place: titles.place(problem.place.as_ref()),
            danger: problem.kind == TopicKind::Danger,
            rumour: problem.kind == TopicKind::Rumour,
            level: problem.level,
            state: state(problem.state),
            since: words::day(problem.since, near, &titles.zone),
            posts: problem.posts,
            voices: voices(problem.voices, problem.voices_at_least),
            answered: problem.answered,
        })
        .collect()
}

fn state(state: ProblemState) -> &'static str {
    match state {
        ProblemState::Open => "пишут",
        ProblemState::Quiet => "затихла",
        ProblemState::Closed => "закрыта",
        ProblemState::Reopened => "вернулась",
    }
}

fn voices(n: u32, at_least: bool) -> String {
    if at_least { format!("не менее {n}") } else { n.to_string() }
}

/// The change in words: «+3», «−2», «=».
fn change(now: u32, before: u32) -> String {
    match now.cmp(&before) {
        std::cmp::Ordering::Greater => format!("+{}", now - before),
        std::cmp::Ordering::Less => format!("−{}", before - now),
        std::cmp::Ordering::Equal => "=".to_owned(),
    }
}
