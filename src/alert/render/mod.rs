//! All words of an alert: subject, text, HTML for mail, HTML for Telegram.
//!
//! Place in the flow: called when a delivery is due, with the texts as they are then: what was
//! erased prints as `[удалено]`. Invariant: foreign text enters through [`words::plain`] and
//! [`words::escape`] only; the three forms say the same; nothing says who wrote.

pub mod health;
pub mod hold;
pub(crate) mod mail;
pub mod notice;
pub mod rollup;
mod telegram;
pub mod trial;
pub mod words;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::{Alert, BurstFacts, RiskReason, TopicKind};

pub use telegram::TELEGRAM_UNITS_MAX;

/// What stands for a text that is no longer there.
pub const ERASED: &str = "[удалено]";

const QUOTE_CHARS_MAX: usize = 200;
const TITLE_CHARS_MAX: usize = 80;
const REASONS_MAX: usize = 4;

/// A quote as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuoteView {
    /// Its words; `None` = erased or deleted since.
    pub words: Option<String>,
    /// Link to the post.
    pub url: Option<String>,
}

/// Everything that rendering needs, names resolved.
#[derive(Debug, Clone)]
pub struct AlertView<'a> {
    /// The alert.
    pub alert: &'a Alert,
    /// Title of the topic, for example «Отопление».
    pub topic: &'a str,
    /// Title of the place, if known.
    pub place: Option<&'a str>,
    /// Name of the district.
    pub district: &'a str,
    /// Zone of the district.
    pub zone: &'a TimeZone,
    /// At most two quotes; more are not shown.
    pub quotes: &'a [QuoteView],
    /// Advice of the pack, printed verbatim.
    pub advice: &'a [String],
    /// Last official answer to the problem.
    pub answered: Option<Timestamp>,
    /// When a body took it into work.
    pub acknowledged: Option<Timestamp>,
    /// What else is known, each a short phrase (other problems of the place).
    pub also: &'a [String],
    /// Why it comes again, if it does.
    pub again: Option<Again>,
}

/// Why an alert is told once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Again {
    /// When.
    pub now: Timestamp,
    /// Whether this reader has not been told before.
    pub new_to_reader: bool,
}

/// An alert in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertText {
    /// One line for a mail's subject.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// A whole HTML page for mail.
    pub html: String,
    /// Telegram messages in order, each whole HTML of at most 4,096 UTF-16 units after parsing.
    pub telegram: Vec<String>,
}

/// Renders an alert in all forms.
#[must_use]
pub fn render(view: &AlertView<'_>) -> AlertText {
    let parts = Parts::of(view);
    AlertText {
        subject: parts.subject.clone(),
        text: text(&parts),
        html: mail::html(&parts),
        telegram: telegram::messages(&parts),
    }
}

/// What is said, as plain lines, before it takes a form.
struct Parts {
    sign: &'static str,
    level: crate::model::RiskLevel,
    subject: String,
    title: String,
    headline: String,
    again: Option<String>,
    facts: Vec<String>,
    quotes: Vec<(String, Option<String>)>,
    why: Vec<String>,
    also: Vec<String>,
    advice: Vec<String>,
    danger: Option<&'static str>,
    number: String,
}

impl Parts {
    fn of(view: &AlertView<'_>) -> Self {
        let facts = &view.alert.facts;
        let topic = words::shorten(&words::plain(view.topic), TITLE_CHARS_MAX);
        let place = view.place.map(|place| words::shorten(&words::plain(place), TITLE_CHARS_MAX));
        let reason = words::reason(view.alert.reason, facts.kind);
        let at = place.as_ref().map_or_else(String::new, |place| format!(", {place}"));
        let district = words::shorten(&words::plain(view.district), TITLE_CHARS_MAX);
        let level = words::level(facts.level);
        let again = view.again.map(|again| again_line(view, again));
        let prefix = if again.is_some() { "Напоминание. " } else { "" };
        Self {
            sign: words::level_sign(facts.level),
            level: facts.level,
            subject: format!("{prefix}{topic}{at}: {reason} (уровень {level})"),
            title: place.map_or_else(
                || format!("{topic}: место не названо"),
                |place| format!("{topic}: {place}"),
            ),
            headline: format!("{}, уровень {level}", words::sentence(reason)),
            again,
            facts: fact_lines(view),
            quotes: quote_lines(view.quotes),
            why: why_lines(&facts.reasons, facts.score),
            also: also_lines(view),
            advice: view.advice.iter().map(|line| words::plain(line)).collect(),
            danger: (facts.kind == TopicKind::Danger)
                .then_some("Это сообщение не заменяет звонок по номеру 112."),
            number: format!("Оповещение {} · {district} · otklik", view.alert.id),
        }
    }
}

/// That nobody took it into work, and for how long.
fn again_line(view: &AlertView<'_>, again: Again) -> String {
    let told = words::moment(view.alert.at, again.now, view.zone);
    let lasts =
        words::lasts(view.alert.at, again.now).map_or(String::new(), |it| format!(" ({it})"));
    match again.new_to_reader {
        true => format!("Вам сообщаем, потому что с {told}{lasts} никто не взял это в работу."),
        false => format!("Сообщили {told}{lasts}, в работу никто не взял."),
    }
}

/// Who writes (only how many), where, since when.
fn fact_lines(view: &AlertView<'_>) -> Vec<String> {
    let facts = &view.alert.facts;
    let sources = words::plural(facts.sources, "источнике", "источниках", "источниках");
    let posts = words::count(facts.posts, "публикация", "публикации", "публикаций");
    let who = words::voices(facts.voices, facts.voices_at_least);
    let mut since = format!("С {}", words::moment(facts.since, view.alert.at, view.zone));
    if let Some(lasts) = words::lasts(facts.since, view.alert.at) {
        since = format!("{since} ({lasts})");
    }
    let mut lines = vec![format!("{who}: {posts} в {} {sources}", facts.sources), since];
    if !facts.addresses.is_empty() {
        let named: Vec<String> = facts.addresses.iter().map(|it| words::address(it)).collect();
        lines.push(format!("Называют: {}", named.join("; ")));
    }
    lines.extend(facts.burst.map(|burst| burst_line(&burst, facts.place.is_some())));
    lines
}

/// «На эту тему здесь за 30 часов 9 публикаций, обычно 1»: of its topic and place, so it may be
/// more than the problem has.
fn burst_line(burst: &BurstFacts, place: bool) -> String {
    let here = if place { " здесь" } else { "" };
    let span = match burst.hours {
        ..=1 => "за час".to_owned(),
        hours => format!("за {}", words::count(hours, "час", "часа", "часов")),
    };
    let posts = words::count(burst.count, "публикация", "публикации", "публикаций");
    let usual = match burst.usual_milli {
        ..950 => "меньше одной".to_owned(),
        milli => milli.saturating_add(500).div_euclid(1000).to_string(),
    };
    format!("На эту тему{here} {span} {posts}, обычно {usual}")
}

/// Quotes in guillemets; what was erased says so and loses its link.
fn quote_lines(quotes: &[QuoteView]) -> Vec<(String, Option<String>)> {
    let shown = quotes.iter().take(super::QUOTES_SHOWN);
    shown
        .map(|quote| match &quote.words {
            None => (ERASED.to_owned(), None),
            Some(text) => {
                let text = words::shorten(&words::plain(text), QUOTE_CHARS_MAX);
                let url = quote.url.as_deref().and_then(words::link).map(str::to_owned);
                (format!("«{text}»"), url)
            }
        })
        .collect()
}

/// The weightiest reasons of the level; reasons that lower it are told too.
fn why_lines(reasons: &[RiskReason], score: u8) -> Vec<String> {
    let mut order: Vec<&RiskReason> = reasons.iter().filter(|it| it.points != 0).collect();
    order.sort_by_key(|reason| std::cmp::Reverse(reason.points.abs()));
    let rest: i32 = order.iter().skip(REASONS_MAX).map(|reason| reason.points).sum();
    let mut lines: Vec<String> = order
        .iter()
        .take(REASONS_MAX)
        .map(|reason| {
            let text = words::shorten(&words::plain(&reason.text), QUOTE_CHARS_MAX);
            format!("{text}: {:+}", reason.points)
        })
        .collect();
    if rest != 0 {
        lines.push(format!("прочее: {rest:+}"));
    }
    if !lines.is_empty() {
        lines.push(format!("всего {score} из 100"));
    }
    lines
}

/// What happened before and beside.
fn also_lines(view: &AlertView<'_>) -> Vec<String> {
    let facts = &view.alert.facts;
    let moment = |at| words::moment(at, view.alert.at, view.zone);
    let mut lines: Vec<String> = facts
        .notes
        .iter()
        .map(|note| words::shorten(&words::plain(note), QUOTE_CHARS_MAX))
        .collect();
    lines.extend(facts.before.map(|before| {
        let voices = words::voices(before.voices, false).to_lowercase();
        let level = words::level(before.level);
        format!("раньше сообщали {}: уровень {level}, {voices}", moment(before.at))
    }));
    if facts.returns > 0 {
        let times = words::count(facts.returns, "раз", "раза", "раз");
        lines.push(match facts.first {
            Some(first) => format!("впервые писали {}, с тех пор вернулась {times}", moment(first)),
            None => format!("проблема возвращалась: {times}"),
        });
    }
    lines.push(match view.answered {
        Some(at) => format!("последний официальный ответ: {}", moment(at)),
        None => "официального ответа в обсуждении пока нет".to_owned(),
    });
    if let Some(at) = view.acknowledged {
        let ended =
            if at < view.alert.at { "; после этого есть новое" } else { "" };
        lines.push(format!("взято в работу: {}{ended}", moment(at)));
    }
    lines.extend(
        view.also.iter().take(5).map(|line| words::shorten(&words::plain(line), QUOTE_CHARS_MAX)),
    );
    lines
}

/// The plain-text form.
fn text(parts: &Parts) -> String {
    let mut lines = vec![parts.title.clone(), parts.headline.clone()];
    lines.extend(parts.again.clone());
    lines.extend(parts.danger.map(str::to_owned));
    lines.push(String::new());
    lines.extend(parts.facts.iter().cloned());
    for (quote, url) in &parts.quotes {
        lines.push(String::new());
        lines.push(quote.clone());
        lines.extend(url.clone());
    }
    for (head, list) in sections(parts) {
        lines.push(String::new());
        lines.push(format!("{head}:"));
        lines.extend(list.iter().map(|line| format!("— {line}")));
    }
    lines.push(String::new());
    lines.push(parts.number.clone());
    lines.push(String::new());
    lines.join("\n")
}

/// The lists of an alert with their headings; empty ones are left out.
fn sections(parts: &Parts) -> Vec<(&'static str, &[String])> {
    let all: [(&'static str, &[String]); 3] = [
        ("Что сделать", &parts.advice),
        ("Что ещё известно", &parts.also),
        ("Почему такой уровень", &parts.why),
    ];
    all.into_iter().filter(|(_, list)| !list.is_empty()).collect()
}
