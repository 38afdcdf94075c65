//! Words of an alert: golden texts, grammar, erased quotes, hostile texts.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use otklik::alert::render::{AlertText, AlertView, QuoteView, TELEGRAM_UNITS_MAX, render, words};
use otklik::model::{Alert, AlertFacts, AlertReason, BurstFacts, RiskLevel, RiskReason, TopicKind};
use otklik::notify::play::parsed_units;

use crate::payloads::hostile;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn alert() -> Alert {
    let reason = |points, text: &str| RiskReason { reason: "r".into(), points, text: text.into() };
    Alert {
        id: "a0123456789ab".into(),
        problem: "p0123456789ab".into(),
        reason: AlertReason::NewProblem,
        at: at("2026-11-20T02:30:00Z"),
        facts: AlertFacts {
            topic: "heating".into(),
            kind: TopicKind::Problem,
            place: Some("onohoy".into()),
            score: 72,
            level: RiskLevel::High,
            reasons: vec![reason(34, "тяжёлая тема"), reason(40, "мороз"), reason(-2, "вопрос")],
            since: at("2026-11-18T00:15:00Z"),
            posts: 6,
            voices: 4,
            voices_at_least: false,
            sources: 2,
            returns: 0,
            first: None,
            addresses: Vec::new(),
            before: None,
            quotes: Vec::new(),
            lexicon: "hash".into(),
            burst: None,
            notes: Vec::new(),
        },
    }
}

struct Case {
    alert: Alert,
    topic: String,
    place: Option<String>,
    quotes: Vec<QuoteView>,
    advice: Vec<String>,
    also: Vec<String>,
    answered: Option<Timestamp>,
}

impl Case {
    fn new() -> Self {
        Case {
            alert: alert(),
            topic: "Отопление".into(),
            place: Some("Онохой".into()),
            quotes: vec![
                QuoteView {
                    words: Some("батареи  ледяные\nтретий день".into()),
                    url: Some("https://vk.example/wall-1_2".into()),
                },
                QuoteView { words: None, url: Some("https://vk.example/wall-1_3".into()) },
            ],
            advice: vec!["Запросить у котельной график".into()],
            also: vec!["Вода, Онохой: 2 публикации".into()],
            answered: None,
        }
    }

    fn render(&self) -> AlertText {
        let zone = TimeZone::get("Asia/Irkutsk").unwrap();
        render(&AlertView {
            alert: &self.alert,
            topic: &self.topic,
            place: self.place.as_deref(),
            district: "Заиграевский район",
            zone: &zone,
            quotes: &self.quotes,
            advice: &self.advice,
            answered: self.answered,
            acknowledged: None,
            also: &self.also,
            again: None,
        })
    }
}

#[test]
fn a_burst_says_how_many_are_usual() {
    let mut case = Case::new();
    let mut said = |hours, count, usual_milli| {
        let (chance_ppb, bound_ppb) = (20_000, 90_000);
        case.alert.facts.burst =
            Some(BurstFacts { hours, count, usual_milli, chance_ppb, bound_ppb });
        case.render()
    };
    let line = "На эту тему здесь за 7 часов 9 публикаций, обычно 1";
    let done = said(7, 9, 1_204);
    for form in [&done.text, &done.html, &done.telegram[0]] {
        assert!(form.contains(line), "{form}");
    }
    let line = "На эту тему здесь за час 3 публикации, обычно меньше одной\n";
    assert!(said(1, 3, 940).text.contains(line));
    let mut case = Case::new();
    assert!(!case.render().text.contains("обычно"), "nothing unusual");
    case.alert.facts.place = None;
    let (chance_ppb, bound_ppb) = (20_000, 90_000);
    case.alert.facts.burst =
        Some(BurstFacts { hours: 22, count: 21, usual_milli: 2_500, chance_ppb, bound_ppb });
    let line = "На эту тему за 22 часа 21 публикация, обычно 3\n";
    assert!(case.render().text.contains(line));
}

#[test]
fn an_alert_says_everything_in_order() {
    let done = Case::new().render();
    assert_eq!(done.subject, "Отопление, Онохой: новая проблема (уровень высокий)");
    let expected = "Отопление: Онохой
Новая проблема, уровень высокий

Пишут 4 человека: 6 публикаций в 2 источниках
С 18 ноября, 08:15 (уже 2 дня)

«батареи ледяные третий день»
https://vk.example/wall-1_2

[удалено]

Что сделать:
— Запросить у котельной график

Что ещё известно:
— официального ответа в обсуждении пока нет
— Вода, Онохой: 2 публикации

Почему такой уровень:
— мороз: +40
— тяжёлая тема: +34
— вопрос: -2
— всего 72 из 100

Оповещение a0123456789ab · Заиграевский район · otklik
";
    assert_eq!(done.text, expected);
    let telegram = "<b>🟠 Отопление: Онохой</b>
Новая проблема, уровень высокий
Пишут 4 человека: 6 публикаций в 2 источниках
С 18 ноября, 08:15 (уже 2 дня)

<a href=\"https://vk.example/wall-1_2\">«батареи ледяные третий день»</a>

<i>[удалено]</i>

<b>Что сделать:</b>
— Запросить у котельной график

<b>Что ещё известно:</b>
— официального ответа в обсуждении пока нет
— Вода, Онохой: 2 публикации

<b>Почему такой уровень:</b>
— мороз: +40
— тяжёлая тема: +34
— вопрос: -2
— всего 72 из 100

<i>Оповещение a0123456789ab · Заиграевский район · otklik</i>";
    assert_eq!(done.telegram, [telegram]);
    assert!(!done.text.contains("wall-1_3") && !done.html.contains("wall-1_3"), "erased = no link");
    for needed in ["color-scheme", "prefers-color-scheme: dark", "Онохой", "[удалено]", "</html>"]
    {
        assert!(done.html.contains(needed), "{needed}");
    }
    for remote in ["<img", "<script", "<link", "url(", "@import", "src="] {
        assert!(!done.html.contains(remote), "{remote}");
    }
}

#[test]
fn dangers_and_unknown_places_say_so() {
    let mut case = Case::new();
    case.alert.facts.kind = TopicKind::Danger;
    case.place = None;
    let done = case.render();
    assert_eq!(done.subject, "Отопление: новая опасность (уровень высокий)");
    for form in [&done.text, &done.html, &done.telegram[0]] {
        assert!(form.contains("не заменяет звонок по номеру 112"));
        assert!(form.contains("место не названо"));
    }
    assert!(!Case::new().render().text.contains("112"));
}

#[test]
fn numbers_agree_with_nouns() {
    let check = |n, at_least, expected: &str| assert_eq!(words::voices(n, at_least), expected);
    check(0, false, "Пишут сами сообщества");
    check(1, false, "Пишет 1 человек");
    check(2, false, "Пишут 2 человека");
    check(5, false, "Пишут 5 человек");
    check(11, false, "Пишут 11 человек");
    check(21, false, "Пишет 21 человек");
    check(112, false, "Пишут 112 человек");
    check(2, true, "Пишут не менее 2 человек");
    check(21, true, "Пишут не менее 21 человека");
    check(11, true, "Пишут не менее 11 человек");
    let day = |n| words::count(n, "день", "дня", "дней");
    assert_eq!([day(1), day(3), day(14), day(101)], ["1 день", "3 дня", "14 дней", "101 день"]);
    let zone = TimeZone::get("Asia/Irkutsk").unwrap();
    let moment = |text| words::moment(at(text), at("2026-11-20T02:30:00Z"), &zone);
    assert_eq!(moment("2026-11-19T17:05:00Z"), "20 ноября, 01:05");
    assert_eq!(moment("2025-12-31T15:59:00Z"), "31 декабря 2025, 23:59");
}

#[test]
fn nothing_long_is_lost_in_telegram() {
    let mut case = Case::new();
    case.advice = (0..60).map(|n| format!("совет {n} {}", "длинное слово ".repeat(20))).collect();
    case.advice.push("ы😀".repeat(5_000));
    let done = case.render();
    assert!(done.telegram.len() > 3);
    for message in &done.telegram {
        let units = parsed_units(message).unwrap();
        assert!(units > 0 && units <= TELEGRAM_UNITS_MAX, "{units}");
    }
    let all = done.telegram.concat();
    for n in 0..60 {
        assert!(all.contains(&format!("совет {n} ")), "{n}");
    }
    assert_eq!(all.matches('😀').count(), 5_000);
    assert!(all.contains("a0123456789ab"));
}

/// The tags of a page, without what stands between them and without link targets.
fn skeleton(html: &str) -> Vec<String> {
    let style_end = html.find("</style>").unwrap();
    let tags = html[style_end..].split('<').skip(1);
    tags.map(|tag| {
        let tag = tag.split('>').next().unwrap();
        tag.split(" href=").next().unwrap().to_owned()
    })
    .collect()
}

#[test]
fn hostile_texts_break_nothing() {
    let benign = |case: &mut Case, text: &str| {
        case.topic = text.to_owned();
        case.place = Some(text.to_owned());
        case.quotes[0] = QuoteView { words: Some(text.to_owned()), url: None };
        case.advice = vec![text.to_owned()];
        case.also = vec![text.to_owned()];
        case.alert.facts.reasons[0].text = text.to_owned();
    };
    let mut case = Case::new();
    benign(&mut case, "слово");
    let expected = skeleton(&case.render().html);
    for payload in hostile() {
        benign(&mut case, &payload);
        let done = case.render();
        assert_eq!(skeleton(&done.html), expected, "{payload:?}");
        for message in &done.telegram {
            let units = parsed_units(message).unwrap_or_else(|why| panic!("{payload:?}: {why}"));
            assert!(units <= TELEGRAM_UNITS_MAX);
        }
        assert!(!done.subject.chars().any(char::is_control), "{payload:?}");
        for form in [&done.subject, &done.text, &done.html, &done.telegram.concat()] {
            let bad =
                |c: char| matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\0');
            assert!(!form.contains(bad), "{payload:?}");
        }
    }
}

#[test]
fn only_plain_web_links_are_linked() {
    for bad in [
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://x",
        "HTTPS//x",
        "https://x y",
        "//x",
        "https://x\r\ny",
        "https://x/\u{202E}y",
        "",
    ] {
        assert_eq!(words::link(bad), None, "{bad:?}");
    }
    let mut case = Case::new();
    case.quotes[0].url = Some("https://x/\"><script>alert(1)</script>".into());
    let done = case.render();
    assert!(!done.html.contains("<script>"));
    parsed_units(&done.telegram[0]).unwrap();
}

#[test]
fn cutting_keeps_whole_words_and_marks() {
    assert_eq!(words::shorten("раз два три четыре", 12), "раз два…");
    assert_eq!(words::shorten("раз", 3), "раз");
    assert_eq!(words::shorten(&"ы".repeat(50), 10), format!("{}…", "ы".repeat(9)));
    assert_eq!(words::plain("  а\r\n\tб \u{200B}в\u{202E} "), "а б в");
}
