//! Russian words of messages: numbers with nouns, levels, dates, and cleaning of foreign text.
//!
//! Place in the flow: under all renderers (alerts, digest). Invariant: what [`plain`] lets through
//! is one line that cannot reorder, hide or break what stands around it.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::model::{AlertReason, Channel, DeliveryState, RiskLevel, TopicKind, WorksState};

/// The form of a noun behind a number: 1 голос, 2 голоса, 5 голосов.
#[must_use]
pub fn plural<'a>(n: u32, one: &'a str, few: &'a str, many: &'a str) -> &'a str {
    match (n % 10, n % 100) {
        (_, 11..=14) => many,
        (1, _) => one,
        (2..=4, _) => few,
        _ => many,
    }
}

/// Number and noun.
#[must_use]
pub fn count(n: u32, one: &str, few: &str, many: &str) -> String {
    format!("{n} {}", plural(n, one, few, many))
}

/// Voices of a problem with their verb: «Пишет 1 человек», «Пишут не менее 21 человека». Never who.
#[must_use]
pub fn voices(n: u32, at_least: bool) -> String {
    // «Не менее» asks for the genitive, where only 1, 21, 31 … take the singular.
    let genitive = plural(n, "человека", "человек", "человек");
    if n == 0 {
        "Пишут сами сообщества".to_owned()
    } else if at_least {
        format!("Пишут не менее {n} {genitive}")
    } else {
        let verb = plural(n, "Пишет", "Пишут", "Пишут");
        format!("{verb} {n} {}", plural(n, "человек", "человека", "человек"))
    }
}

/// Name of a level.
#[must_use]
pub fn level(level: RiskLevel) -> &'static str {
    match level {
        RiskLevel::Low => "низкий",
        RiskLevel::Elevated => "повышенный",
        RiskLevel::High => "высокий",
        RiskLevel::Critical => "критический",
    }
}

/// Name of a level with the word that the files have for it.
#[must_use]
pub fn level_key(of: RiskLevel) -> String {
    format!("«{}» ({})", level(of), of.name())
}

/// How a channel is called.
#[must_use]
pub fn channel(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "почта",
        Channel::Telegram => "Telegram",
        Channel::Max => "MAX",
        Channel::Vk => "VK",
        Channel::Webhook => "адрес программы",
    }
}

/// What has become of a message.
#[must_use]
pub fn delivery_state(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Pending => "ждёт отправки",
        DeliveryState::Claimed => "отправляется",
        DeliveryState::Sent => "отправлено",
        DeliveryState::Failed => "не доставлено",
        DeliveryState::RolledUp => "вошло в общее сообщение",
        DeliveryState::Suppressed => "не отправляется",
    }
}

/// What was decided about planned works.
#[must_use]
pub fn decided(state: WorksState) -> &'static str {
    match state {
        WorksState::Rejected => "Отклонено",
        _ => "Принято",
    }
}

/// Colour sign of a level for plain-text channels.
#[must_use]
pub fn level_sign(level: RiskLevel) -> &'static str {
    match level {
        RiskLevel::Low => "⚪",
        RiskLevel::Elevated => "🟡",
        RiskLevel::High => "🟠",
        RiskLevel::Critical => "🔴",
    }
}

/// Why somebody is told, as the first line says it.
#[must_use]
pub fn reason(reason: AlertReason, kind: TopicKind) -> &'static str {
    match (reason, kind) {
        (AlertReason::NewProblem, TopicKind::Danger) => "новая опасность",
        (AlertReason::NewProblem, _) => "новая проблема",
        (AlertReason::LevelRaised, _) => "стало серьёзнее",
        (AlertReason::Burst, _) => "пишут намного больше",
        (AlertReason::Reopened, _) => "проблема вернулась",
        (AlertReason::RumourSpreads, _) => "слух расходится",
        (AlertReason::RumourConfirmed, _) => "слух подтвердился",
        (AlertReason::WaitsTooLong, _) => "ответа всё ещё нет",
        (AlertReason::WorksOverdue, _) => "плановые работы не кончились в срок",
    }
}

/// Months as they stand behind a day.
pub const MONTHS: [&str; 12] = [
    "января",
    "февраля",
    "марта",
    "апреля",
    "мая",
    "июня",
    "июля",
    "августа",
    "сентября",
    "октября",
    "ноября",
    "декабря",
];

/// «20 ноября», with the year if it is not the year of `near`.
#[must_use]
pub fn date(date: Date, near: Date) -> String {
    let month = usize::try_from(date.month()).unwrap_or(1).clamp(1, 12) - 1;
    let year = if date.year() == near.year() { String::new() } else { format!(" {}", date.year()) };
    format!("{} {}{year}", date.day(), MONTHS[month])
}

/// «20 ноября, 08:15» in the district's zone, with the year if it is not that of `near`.
#[must_use]
pub fn moment(at: Timestamp, near: Timestamp, zone: &TimeZone) -> String {
    let local = at.to_zoned(zone.clone());
    let near = near.to_zoned(zone.clone()).date();
    format!("{}, {:02}:{:02}", date(local.date(), near), local.hour(), local.minute())
}

/// «Садовая, 5» of an address as it is kept, «садовая, 5».
#[must_use]
pub fn address(kept: &str) -> String {
    let kept = plain(kept);
    let mut letters = kept.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// «17:00» in the district's zone, with the day if it is not that of `near`.
#[must_use]
pub fn clock(at: Timestamp, near: Timestamp, zone: &TimeZone) -> String {
    let (local, near_local) = (at.to_zoned(zone.clone()), near.to_zoned(zone.clone()));
    if local.date() == near_local.date() {
        format!("{:02}:{:02}", local.hour(), local.minute())
    } else {
        moment(at, near, zone)
    }
}

/// «20 ноября» in the district's zone, with the year if it is not that of `near`.
#[must_use]
pub fn day(at: Timestamp, near: Timestamp, zone: &TimeZone) -> String {
    date(at.to_zoned(zone.clone()).date(), near.to_zoned(zone.clone()).date())
}

/// How long something lasts: «уже 3 дня»; nothing for less than a day.
#[must_use]
pub fn lasts(since: Timestamp, now: Timestamp) -> Option<String> {
    let days = u32::try_from(now.duration_since(since).as_hours() / 24).ok()?;
    (days >= 1).then(|| format!("уже {}", count(days, "день", "дня", "дней")))
}

/// Foreign text as one line: control characters and line ends become spaces, invisible and
/// direction marks vanish, runs of spaces shrink to one.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut gap = false;
    for c in text.chars() {
        if c.is_control() || c.is_whitespace() {
            gap = !out.is_empty();
        } else if !is_invisible(c) {
            if gap {
                out.push(' ');
                gap = false;
            }
            out.push(c);
        }
    }
    out
}

/// Characters that change or hide their surroundings. The joiner of emoji stays.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}' | '\u{200C}' | '\u{200E}' | '\u{200F}'
        | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
        | '\u{FFFE}' | '\u{FFFF}' | '\u{E0000}'..='\u{E007F}')
}

/// At most `chars_max` characters of a plain line, cut between words where there are any.
#[must_use]
pub fn shorten(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    let end = text.char_indices().nth(chars_max.saturating_sub(1)).map_or(text.len(), |(at, _)| at);
    let head = &text[..end];
    let word = head.rfind(' ').filter(|at| *at * 2 > head.len());
    let head = head[..word.unwrap_or(end)].trim_end_matches(['\u{200D}', '\u{FE0F}', ' ', ',']);
    format!("{head}…")
}

/// `text` for HTML, in content and in quoted attributes, for mail and for Telegram.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // Telegram knows four named entities only; the number works everywhere.
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

/// The address if it is one that may be linked: http or https, no spaces, no control characters.
#[must_use]
pub fn link(url: &str) -> Option<&str> {
    let scheme = url.starts_with("https://") || url.starts_with("http://");
    let clean = url.len() <= 2_000
        && !url.chars().any(|c| c.is_control() || c.is_whitespace() || is_invisible(c));
    (scheme && clean).then_some(url)
}

/// `text` with its first letter large.
#[must_use]
pub fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
