//! The weekly digest in all its forms.

use std::collections::BTreeMap;
use std::io::Cursor;

use calamine::{Data, Reader, Xlsx};
use jiff::Timestamp;
use jiff::civil::date;
use jiff::tz::TimeZone;
use otklik::digest::{Titles, build, document, guard, html, sheet, subject, telegram, text};
use otklik::model::digest::{CellCount, DigestCounts, DigestProblem, DigestSource, Week};
use otklik::model::{Completeness, PlaceId, ProblemState, RiskLevel, Stored, TopicId, TopicKind};
use otklik::notify::play::parsed_units;

use crate::payloads::hostile;

fn titles() -> Titles {
    let topics = [("heating", "Отопление"), ("fire", "Пожар"), ("anger", "Недовольство")];
    let places = [("onohoy", "Онохой"), ("chelutay", "Челутай"), ("erhirik", "Эрхирик")];
    Titles {
        district: "Заиграевский район".into(),
        zone: TimeZone::get("Asia/Irkutsk").unwrap(),
        topics: topics.map(|(id, title)| (TopicId::from(id), title.to_owned())).into(),
        places: places.map(|(id, title)| (PlaceId::from(id), title.to_owned())).into(),
    }
}

fn problem(id: &str, topic: &str, kind: TopicKind, level: RiskLevel) -> DigestProblem {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    DigestProblem {
        id: id.into(),
        topic: topic.into(),
        kind,
        place: Some("onohoy".into()),
        level,
        state: ProblemState::Open,
        opened: at("2026-11-17T01:00:00Z"),
        since: at("2026-11-17T01:00:00Z"),
        last: at("2026-11-19T01:00:00Z"),
        posts: 4,
        voices: 3,
        voices_at_least: false,
        answered: false,
    }
}

fn counts() -> DigestCounts {
    let cell = |place: Option<&str>, posts, before| CellCount {
        topic: "heating".into(),
        place: place.map(PlaceId::from),
        posts,
        before,
    };
    let mut old = problem("p2", "heating", TopicKind::Problem, RiskLevel::Critical);
    old.opened = "2025-11-01T01:00:00Z".parse().unwrap();
    old.since = old.opened;
    (old.answered, old.voices_at_least) = (true, true);
    DigestCounts {
        read: (120, 100),
        matched: (14, 20),
        cells: vec![cell(None, 2, 2), cell(Some("onohoy"), 12, 5), cell(Some("chelutay"), 0, 13)],
        problems: vec![
            old,
            problem("p1", "fire", TopicKind::Danger, RiskLevel::Elevated),
            problem("p3", "heating", TopicKind::Problem, RiskLevel::High),
        ],
        alerts: 2,
        attitude: vec![("anger".into(), 6), ("anger2".into(), 4)],
        sources: vec![
            DigestSource {
                id: "onohoy-club".into(),
                trouble: Some("Страница закрыта.".into()),
                last_ok: Some("2026-11-18T00:00:00Z".parse().unwrap()),
                completeness: Completeness::default(),
                comments: true,
            },
            DigestSource {
                id: "news".into(),
                trouble: None,
                last_ok: None,
                completeness: Completeness {
                    share: Some(973),
                    stored: Stored { posts: 108, unreadable: 3, ..Stored::default() },
                    ..Completeness::default()
                },
                comments: true,
            },
        ],
        places_heard: vec!["onohoy".into()],
        pictures_only: 2,
    }
}

fn week() -> Week {
    Week::of(date(2026, 11, 18))
}

#[test]
fn the_text_says_everything() {
    let digest = build(week(), &counts(), &titles());
    let expected = "Недельная сводка, Заиграевский район: 16–22 ноября 2026

Прочитано публикаций и комментариев: 120 (неделей раньше 100, +20)
Из них о проблемах: 14 (неделей раньше 20, −6)
Проблем за неделю: 3
Новых проблем: 2
Опасностей: 1
Без официального ответа: 2
Отправлено оповещений: 2

ПРОБЛЕМЫ НЕДЕЛИ
— 🟡 опасность: Пожар, Онохой: уровень повышенный, пишут, с 17 ноября, 4 публикации, голосов: 3, \
ответа нет
— 🔴 Отопление, Онохой: уровень критический, пишут, с 1 ноября 2025, 4 публикации, голосов: \
не менее 3, ответ есть
— 🟠 Отопление, Онохой: уровень высокий, пишут, с 17 ноября, 4 публикации, голосов: 3, ответа нет

ПО ТЕМАМ И МЕСТАМ (НЕДЕЛЯ, НЕДЕЛЕЙ РАНЬШЕ, РАЗНИЦА)
— Отопление, Онохой: 12, 5, +7
— Отопление, место не названо: 2, 2, =
— Отопление, Челутай: 0, 13, −13

ОТЗЫВЫ О РАБОТЕ ВЛАСТИ (ПО РАЙОНУ, БЕЗ ТЕКСТОВ И АВТОРОВ)
— Недовольство: 6

ЧЕГО МЫ НЕ ВИДЕЛИ
Не читается 1 источник из 2:
— onohoy-club: Страница закрыта (последний раз прочитан 18 ноября, 08:00)
Прочитано не всё (полнота за четыре недели):
— news: полнота 97,3 %; не разобрано: 3
2 публикации за четыре недели состоят только из картинки: текст на ней мы не читаем.
Ни слова из 2 населённых пунктов и о них (всего в районе 3). Это не значит, что там всё в порядке:
— Челутай, Эрхирик

2026-W47 · otklik
";
    assert_eq!(text(&digest), expected);
    assert_eq!(subject(&digest), "Недельная сводка, Заиграевский район: 16–22 ноября 2026");
}

#[test]
fn weeks_have_readable_names() {
    let period = |y, m, d| build(Week::of(date(y, m, d)), &counts(), &titles()).period;
    assert_eq!(period(2026, 12, 1), "30 ноября – 6 декабря 2026");
    assert_eq!(period(2027, 1, 1), "28 декабря 2026 – 3 января 2027");
}

#[test]
fn the_block_of_the_unseen_is_never_empty() {
    let mut counts = counts();
    counts
        .sources
        .iter_mut()
        .for_each(|it| (it.trouble, it.completeness) = (None, Completeness::default()));
    counts.places_heard = titles().places.into_keys().collect();
    counts.pictures_only = 0;
    let digest = build(week(), &counts, &titles());
    assert_eq!(digest.unseen.len(), 1);
    assert!(digest.unseen[0].head.starts_with("Все источники (2)"));
}

#[test]
fn html_and_telegram_are_safe_and_complete() {
    let digest = build(week(), &counts(), &titles());
    let page = html(&digest);
    for needed in ["Чего мы не видели", "Челутай, Эрхирик", "опасность", "prefers-color-scheme"]
    {
        assert!(page.to_lowercase().contains(&needed.to_lowercase()), "{needed}");
    }
    assert!(!page.contains("http") && !page.contains("<img") && !page.contains("<a "));
    assert!(parsed_units(&telegram(&digest)).unwrap() <= 4_096);
    let tags = |page: &str| page.matches('<').count();
    let expected = tags(&page);
    for payload in hostile() {
        let mut titles = titles();
        titles.district.clone_from(&payload);
        titles.topics = BTreeMap::from([("heating".into(), payload.clone())]);
        titles.places.insert("onohoy".into(), payload.clone());
        let mut counts = counts();
        counts.sources[0].trouble = Some(payload.clone());
        let digest = build(week(), &counts, &titles);
        assert_eq!(tags(&html(&digest)), expected, "{payload:?}");
        let units =
            parsed_units(&telegram(&digest)).unwrap_or_else(|it| panic!("{payload:?} {it}"));
        assert!(units <= 4_096, "{units} {payload:?}");
        assert!(!subject(&digest).chars().any(char::is_control));
    }
}

/// All cells of a workbook.
fn cells(bytes: Vec<u8>) -> Vec<(String, Data)> {
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).unwrap();
    let names = book.sheet_names();
    let mut all = Vec::new();
    for name in names {
        let formulas = book.worksheet_formula(&name).unwrap();
        assert!(formulas.cells().all(|(_, _, formula)| formula.is_empty()));
        let range = book.worksheet_range(&name).unwrap();
        all.extend(range.cells().map(|(_, _, cell)| (name.clone(), cell.clone())));
    }
    all
}

#[test]
fn the_workbook_reads_back_without_formulas() {
    let digest = build(week(), &counts(), &titles());
    let bytes = sheet(&digest).unwrap();
    assert_eq!(bytes, sheet(&digest).unwrap(), "the same digest is the same file");
    let all = cells(bytes);
    let has = |page: &str, cell: &Data| all.iter().any(|(name, it)| name == page && it == cell);
    assert!(has("Итоги", &Data::Float(120.0)));
    assert!(has("Темы и места", &Data::Float(-13.0)));
    assert!(has("Проблемы", &Data::String("не менее 3".into())));
    assert!(has("Чего мы не видели", &Data::String("Челутай, Эрхирик".into())));
    let (counts, titles) = hostile_week();
    let all = cells(sheet(&build(week(), &counts, &titles)).unwrap());
    assert!(all.len() > hostile().len());
    for (_, cell) in all {
        if let Data::String(text) = cell {
            assert!(!text.starts_with(['=', '+', '-', '@', '\t', '\r', '＝']), "{text:?}");
        }
    }
    assert_eq!([guard("=1"), guard("тема"), guard("")], ["'=1", "тема", ""]);
}

#[test]
fn the_document_reads_back() {
    let digest = build(week(), &counts(), &titles());
    let bytes = document(&digest).unwrap();
    let json = docx_rs::read_docx(&bytes).unwrap().json();
    for needed in ["Недельная сводка", "Челутай, Эрхирик", "Чего мы не видели", "не менее 3"]
    {
        assert!(json.contains(needed), "{needed}");
    }
    let (counts, titles) = hostile_week();
    let bytes = document(&build(week(), &counts, &titles)).unwrap();
    docx_rs::read_docx(&bytes).unwrap();
}

/// A week in which every hostile text is a topic's title.
fn hostile_week() -> (DigestCounts, Titles) {
    let (mut counts, mut titles) = (counts(), titles());
    for (n, payload) in hostile().into_iter().enumerate() {
        let topic = TopicId::from(format!("t{n}"));
        counts.cells.push(CellCount { topic: topic.clone(), place: None, posts: 1, before: 0 });
        let id = format!("q{n}");
        counts.problems.push(problem(&id, topic.as_str(), TopicKind::Problem, RiskLevel::Low));
        counts.attitude.push((topic.clone(), 9));
        titles.topics.insert(topic, payload);
    }
    (counts, titles)
}

#[test]
fn few_attitude_voices_are_never_shown() {
    let digest = build(week(), &counts(), &titles());
    assert_eq!(digest.attitude, [("Недовольство".to_owned(), 6)]);
}
