//! A notice to the operator in words: which sources are in trouble, which are well again.
//!
//! Place in the flow: rendered when its delivery is due. Invariant: sources and what to do, never a
//! text of anybody; a network that is down is one sentence.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::mail::page;
use super::{AlertText, words};
use crate::model::{HealthLine, HealthNews, HealthNotice, HealthState, RulesNews, UnsentLine};

/// Most sources named in one message; the rest is counted.
const LINES_MAX: usize = 30;
/// Longest line, in characters.
const LINE_CHARS_MAX: usize = 300;

/// The state of a source in a word or two.
#[must_use]
pub fn state(state: HealthState) -> &'static str {
    match state {
        HealthState::Ok => "читается",
        HealthState::Slow => "сбои",
        HealthState::Paused => "пауза",
        HealthState::NeedsPerson => "нужен человек",
        HealthState::Gone => "недоступен",
        HealthState::Silent => "молчит",
    }
}

/// The notice in all forms.
#[must_use]
pub fn render_health(notice: &HealthNotice, district: &str, zone: &TimeZone) -> AlertText {
    let lines = lines(notice, zone);
    let subject = format!("{}, {}: {}", what(notice), words::plain(district), head(notice));
    let number = format!("Состояние службы · otklik · {}", notice.at);
    let text = format!(
        "{subject}\n\n{}\n\nВсё состояние: otklik status, otklik sources\n{number}\n",
        lines.iter().map(|line| format!("— {line}")).collect::<Vec<_>>().join("\n")
    );
    let items: String =
        lines.iter().map(|line| format!("<li>{}</li>\n", words::escape(line))).collect();
    let body = format!(
        "<h1 style=\"font-size:20px\">{}</h1>\n<ul>\n{items}</ul>\n",
        words::escape(&subject)
    );
    AlertText {
        html: page(&subject, &body, &number),
        telegram: telegram(&subject, &lines),
        text,
        subject,
    }
}

/// What it is about in a word.
fn what(notice: &HealthNotice) -> &'static str {
    match (notice.lines.is_empty(), notice.unsent.is_empty()) {
        (true, true) => "Правила",
        (true, false) => "Отправка",
        (false, true) => "Источники",
        (false, false) => "Источники и отправка",
    }
}

fn head(notice: &HealthNotice) -> String {
    let messages: u32 = notice.unsent.iter().map(|line| line.messages).sum();
    if messages > 0 {
        return format!(
            "не {} {}",
            words::plural(messages, "доставлено", "доставлены", "доставлено"),
            words::count(messages, "сообщение", "сообщения", "сообщений")
        );
    }
    if notice.network {
        return "сеть не работает".to_owned();
    }
    if notice.lines.is_empty() {
        return match notice.rules {
            Some(RulesNews::Bad(_)) => "правка не принята, действуют прежние".to_owned(),
            _ => "исправлено".to_owned(),
        };
    }
    let troubled = notice.lines.iter().filter(|line| line.news != HealthNews::Over).count();
    match u32::try_from(troubled).unwrap_or(u32::MAX) {
        0 => "снова читаются".to_owned(),
        n => format!(
            "{} {}",
            words::plural(
                n,
                "не читается как надо",
                "не читаются как надо",
                "не читаются как надо"
            ),
            words::count(n, "источник", "источника", "источников")
        ),
    }
}

fn lines(notice: &HealthNotice, zone: &TimeZone) -> Vec<String> {
    let mut lines: Vec<String> = notice.rules.iter().map(rules).collect();
    lines.extend(notice.unsent.iter().map(|line| unsent(line, notice.at, zone)));
    lines.extend(source_lines(notice, zone));
    lines
}

/// The files that people edit.
fn rules(news: &RulesNews) -> String {
    let said = match news {
        RulesNews::Bad(fault) => {
            format!("Правка правил не принята, действуют прежние. {fault}. Проверить: otklik check")
        }
        RulesNews::Good => "Правила исправлены и действуют".to_owned(),
    };
    words::shorten(&words::plain(&said), LINE_CHARS_MAX)
}

/// A receiver that could not be reached.
fn unsent(line: &UnsentLine, at: Timestamp, zone: &TimeZone) -> String {
    let messages = words::count(line.messages, "сообщение", "сообщения", "сообщений");
    let lost = words::plural(line.messages, "доставлено", "доставлены", "доставлено");
    let since = words::moment(line.since, at, zone);
    let text = line.text.as_deref().unwrap_or_default().trim_end_matches('.');
    let said = format!(
        "{}: не {lost} {messages}, первое от {since}. {text}. Что это было: otklik alerts",
        line.receiver
    );
    words::shorten(&words::plain(&said), LINE_CHARS_MAX)
}

fn source_lines(notice: &HealthNotice, zone: &TimeZone) -> Vec<String> {
    if notice.network {
        let since = notice.lines.iter().map(|line| line.since).min().unwrap_or(notice.at);
        return vec![format!(
            "Ни один источник не отвечает с {}: похоже, не работает наша сеть или прокси. \
             Проверьте связь; ничего не потеряно, после восстановления всё будет дочитано",
            words::moment(since, notice.at, zone)
        )];
    }
    let mut lines: Vec<String> = notice
        .lines
        .iter()
        .take(LINES_MAX)
        .map(|line| words::shorten(&words::plain(&one(line, notice.at, zone)), LINE_CHARS_MAX))
        .collect();
    let left = notice.lines.len().saturating_sub(LINES_MAX);
    if left > 0 {
        lines.push(format!("… и ещё источников: {left}"));
    }
    lines
}

fn one(line: &HealthLine, at: Timestamp, zone: &TimeZone) -> String {
    if line.news == HealthNews::Over {
        return format!("{}: снова читается", line.source);
    }
    let again = if line.news == HealthNews::Still { "по-прежнему " } else { "" };
    let since = words::moment(line.since, at, zone);
    let read = match line.last_ok {
        _ if line.state == HealthState::Silent => String::new(),
        Some(last) => format!(" Последний раз прочитан {}.", words::moment(last, at, zone)),
        None => " Ещё ни разу не прочитан.".to_owned(),
    };
    let text = line.text.as_deref().unwrap_or_default().trim_end_matches('.');
    format!("{}: {again}{} с {since}. {text}.{read}", line.source, state(line.state))
}

/// Messages of whole lines, each short enough.
fn telegram(subject: &str, lines: &[String]) -> Vec<String> {
    let mut messages = vec![format!("<b>{}</b>", words::escape(subject))];
    for line in lines {
        let line = words::escape(line);
        match messages.last_mut() {
            Some(last) if last.encode_utf16().count() + line.len() < 3_500 => {
                last.push_str("\n— ");
                last.push_str(&line);
            }
            _ => messages.push(format!("— {line}")),
        }
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SourceId;

    fn notice(network: bool, news: HealthNews) -> HealthNotice {
        let at: Timestamp = "2026-03-02T10:00:00Z".parse().expect("an instant");
        let line = HealthLine {
            source: SourceId("vk-lesnoy".to_owned()),
            news,
            state: HealthState::NeedsPerson,
            since: at,
            text: Some("Ключ VK <больше> не действует.".to_owned()),
            last_ok: None,
        };
        HealthNotice { at, network, lines: vec![line], unsent: Vec::new(), rules: None }
    }

    #[test]
    fn the_three_forms_say_what_to_do() {
        let said = render_health(&notice(false, HealthNews::Still), "Лесной район", &TimeZone::UTC);
        assert_eq!(said.subject, "Источники, Лесной район: не читается как надо 1 источник");
        let line = "vk-lesnoy: по-прежнему нужен человек с 2 марта, 10:00. Ключ VK <больше> не \
                    действует. Ещё ни разу не прочитан.";
        assert!(said.text.contains(line), "{}", said.text);
        assert!(
            said.html.contains("&lt;больше&gt;") && said.telegram[0].contains("&lt;больше&gt;")
        );
        let over = render_health(&notice(false, HealthNews::Over), "Лесной район", &TimeZone::UTC);
        assert!(over.text.contains("vk-lesnoy: снова читается"), "{}", over.text);
        let down =
            render_health(&notice(true, HealthNews::Trouble), "Лесной район", &TimeZone::UTC);
        assert!(!down.text.contains("vk-lesnoy") && down.text.contains("сеть"), "{}", down.text);
    }

    #[test]
    fn what_was_not_delivered_is_counted_by_receiver() {
        let mut notice = notice(false, HealthNews::Still);
        notice.unsent.push(UnsentLine {
            receiver: "Отдел ЖКХ".to_owned(),
            messages: 3,
            since: notice.at,
            until: notice.at,
            text: Some("Получатель заблокировал бота (403)".to_owned()),
        });
        let said = render_health(&notice, "Лесной район", &TimeZone::UTC);
        assert_eq!(said.subject, "Источники и отправка, Лесной район: не доставлены 3 сообщения");
        let line = "Отдел ЖКХ: не доставлены 3 сообщения, первое от 2 марта, 10:00. Получатель \
                    заблокировал бота (403). Что это было: otklik alerts";
        assert!(said.text.contains(line) && said.text.contains("vk-lesnoy"), "{}", said.text);
        notice.lines.clear();
        let alone = render_health(&notice, "Лесной район", &TimeZone::UTC);
        assert!(alone.subject.starts_with("Отправка, Лесной район"), "{}", alone.subject);
    }

    #[test]
    fn a_bad_edit_names_its_place_and_a_mended_one_says_so() {
        let mut notice = notice(false, HealthNews::Trouble);
        notice.rules = Some(RulesNews::Bad("fire.toml:7:31: нет кавычки".to_owned()));
        let zone = TimeZone::UTC;
        let both = render_health(&notice, "Лесной район", &zone);
        assert!(both.subject.starts_with("Источники, Лесной район:"), "{}", both.subject);
        assert!(both.text.contains("действуют прежние. fire.toml:7:31: нет кавычки. Проверить"));
        notice.lines.clear();
        let bad = render_health(&notice, "Лесной район", &zone);
        assert_eq!(bad.subject, "Правила, Лесной район: правка не принята, действуют прежние");
        notice.rules = Some(RulesNews::Good);
        let good = render_health(&notice, "Лесной район", &zone);
        assert_eq!(good.subject, "Правила, Лесной район: исправлено");
        assert!(good.text.contains("— Правила исправлены и действуют"), "{}", good.text);
    }
}
