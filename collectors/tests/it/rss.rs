//! Feeds: what stands in them, however it is written, against sites that lie and break.

mod live;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use encoding_rs::WINDOWS_1251;
use jiff::{SignedDuration, Timestamp};
use otklik_collectors::http::Response;
use otklik_collectors::play::rss::{Dates, Names, PlayFeed, PlayRss, Validators, Wire};
use otklik_collectors::play::{Ask, Fault, Reply, Shared};
use otklik_collectors::rss::Rss;
use otklik_collectors::{
    Author, Class, CollectError, Collector, Cursor, HoleCause, Page, Platform, SourceSpec,
};

use crate::web_ports::{Canned, World, source};

const CMS: &str = include_str!("../../fixtures/rss/cms.xml");
const ATOM: &str = include_str!("../../fixtures/rss/atom.xml");
const RDF: &str = include_str!("../../fixtures/rss/rdf.xml");
const JSON: &str = include_str!("../../fixtures/rss/feed.json");
const GUARD: &str = include_str!("../../fixtures/rss/guard.html");
const URL: &str = "https://selo.example/rss.xml";
const XML: &str = "application/rss+xml";

fn start() -> Timestamp {
    "2026-03-03T10:00:00Z".parse().unwrap()
}

fn hours(n: i64) -> SignedDuration {
    SignedDuration::from_hours(n)
}

async fn read_with(
    bytes: &[u8],
    content_type: &str,
    cursor: Option<&Cursor>,
) -> Result<Page, CollectError> {
    let (bytes, content_type) = (bytes.to_vec(), content_type.to_owned());
    let play = Canned(move |_: &Ask| Reply::ok(&content_type, bytes.clone()));
    let world = World::new(Arc::new(Mutex::new(play)), start());
    let rss = Rss::new(world.ports.clone());
    rss.page(&source(Platform::Rss, URL), cursor, start() - hours(24 * 7)).await
}

async fn read(text: &str) -> Page {
    read_with(text.as_bytes(), XML, None).await.unwrap()
}

fn texts(page: &Page) -> Vec<(&str, String, &str)> {
    page.posts
        .iter()
        .map(|p| {
            let published = p.published.map(|at| at.to_string()).unwrap_or_default();
            (p.text.as_str(), published, p.url.as_deref().unwrap_or_default())
        })
        .collect()
}

fn row<'a>(text: &'a str, at: &str, url: &'a str) -> (&'a str, String, &'a str) {
    (text, at.to_owned(), url)
}

#[tokio::test]
async fn a_sloppy_cms_is_read_entry_by_entry() {
    let page = read(CMS).await;
    let expected = vec![
        row(
            "Хлеб «Сельский» & молоко подорожали\nЦены выросли.\n\nВторой абзац",
            "2026-03-02T07:00:00Z",
            "https://selo.example/news/1?utm_source=rss&utm_medium=feed",
        ),
        row(
            "Котельную починили полностью: тепло вернулось во все дома — так сообщил мастер.",
            "2026-03-02T08:00:00Z",
            "https://selo.example/news/2/",
        ),
        row(
            "Автобус отменён\nРейс в 7:30 отменён.\nСледующий в 9:00",
            "2026-03-02T09:00:00Z",
            "http://www.selo.example/news/3/",
        ),
        row("Без ссылки и номера\nТекст\nс тегами\nбез кавычек", "2026-03-02T10:00:00Z", ""),
        row("Знак и управления", "2026-03-02T11:00:00Z", "https://selo.example/news/6"),
    ];
    assert_eq!(texts(&page), expected);
    assert_eq!(page.facts.unreadable, 1);
    assert!(page.posts.iter().all(|p| matches!(p.author, Author::Source)));
    assert!(page.posts.iter().all(|p| p.id.starts_with("rss:src_") && p.id.len() == 28));
    assert!(!page.more && page.gone.is_empty());
    for word in ["Выдуманный", "petr@selo.example"] {
        assert!(CMS.contains(word) && !page.cursor.0.contains(word));
        assert!(page.posts.iter().all(|p| !p.text.as_str().contains(word)));
    }
}

/// feed-rs 3.0 panics on an e-mail that touches a letter of two bytes and on an endless duration.
#[tokio::test]
async fn what_makes_the_parser_panic_costs_nothing() {
    let duration = "9".repeat(40);
    let feed = format!(
        "<rss version=\"2.0\" xmlns:itunes=\"http://www.itunes.com/dtds/podcast-1.0.dtd\"><channel>\
         <item><title>Первая</title><author>почта—petr@selo.example«</author></item>\
         <item><title>Вторая</title><itunes:duration>{duration}:00:00</itunes:duration></item>\
         <item><title>Третья</title><dc:creator>«a@selo.example»</dc:creator></item>\
         </channel></rss>"
    );
    let page = read(&feed).await;
    let titles: Vec<_> = page.posts.iter().map(|p| p.text.as_str()).collect();
    assert_eq!((titles, page.facts.unreadable), (vec!["Первая", "Вторая", "Третья"], 0));
}

#[tokio::test]
async fn atom_rdf_and_json_are_feeds_too() {
    let page = read(ATOM).await;
    let expected = vec![
        row(
            "Каникулы продлены\nИз-за морозов.",
            "2026-03-02T09:00:00Z",
            "https://selo.example/blog/2026/03/kanikuly",
        ),
        row(
            "Набор в первый класс\nДокументы принимают\n\nс понедельника",
            "2026-03-02T08:00:00Z",
            "https://selo.example/blog/2026/03/nabor",
        ),
    ];
    assert_eq!(texts(&page), expected);
    assert_eq!(page.posts[0].edited, None);
    assert_eq!(page.posts[1].edited.unwrap().to_string(), "2026-03-02T09:30:00Z");
    let page = read(RDF).await;
    let expected = vec![row(
        "Свет отключат\nС девяти до двух",
        "2026-03-02T06:00:00Z",
        "https://selo.example/a",
    )];
    assert_eq!(texts(&page), expected);
    let page = read(JSON).await;
    let expected =
        vec![row("Концерт\nВ субботу", "2026-03-02T06:00:00Z", "https://klub.example/1")];
    assert_eq!(texts(&page), expected);
}

#[tokio::test]
async fn the_same_feed_in_every_encoding_is_the_same() {
    let plain: Vec<_> = texts(&read(CMS).await).iter().map(|t| t.0.to_owned()).collect();
    let declared = CMS.replace("encoding=\"utf-8\"", "encoding=\"windows-1251\"");
    let undeclared = CMS.replace(" encoding=\"utf-8\"", "");
    let cp1251 = |text: &str| WINDOWS_1251.encode(text).0.into_owned();
    let koi8 = encoding_rs::KOI8_R.encode(CMS).0.replace_koi();
    let bom = [b"\xef\xbb\xbf".to_vec(), CMS.as_bytes().to_vec()].concat();
    let cases: [(&str, Vec<u8>, &str); 8] = [
        ("1251 declared", cp1251(&declared), XML),
        ("1251 undeclared", cp1251(&undeclared), XML),
        ("1251 as utf-8", cp1251(CMS), XML),
        ("1251 by header", cp1251(&undeclared), "text/xml; charset=windows-1251"),
        ("utf-8 as 1251", declared.clone().into_bytes(), XML),
        ("utf-8 as 1251 by header", CMS.as_bytes().to_vec(), "text/xml; charset=windows-1251"),
        ("utf-8 with a mark", bom, XML),
        ("koi8 by header", koi8, "text/xml; charset=koi8-r"),
    ];
    for (name, bytes, content_type) in cases {
        let page = read_with(&bytes, content_type, None).await.unwrap();
        let found: Vec<_> = texts(&page).iter().map(|t| t.0.to_owned()).collect();
        if name.starts_with("koi8") {
            assert_eq!(found.len(), plain.len(), "{name}");
            assert_eq!(found[1..3], plain[1..3], "{name}");
        } else {
            assert_eq!(found, plain, "{name}");
        }
    }
}

/// KOI8-R has no prolog of its own in these tests: the claim of UTF-8 goes.
trait Koi {
    fn replace_koi(self) -> Vec<u8>;
}

impl Koi for std::borrow::Cow<'_, [u8]> {
    fn replace_koi(self) -> Vec<u8> {
        let end = self.windows(2).position(|w| w == b"?>").unwrap() + 2;
        self[end..].to_vec()
    }
}

#[tokio::test]
async fn what_is_no_feed_is_named() {
    let check = async |body: &str, class: Class, code: &str| {
        let error = read_with(body.as_bytes(), XML, None).await.err().unwrap();
        assert_eq!((error.class, error.code.as_str()), (class, code), "{body}");
    };
    check(GUARD, Class::NoAccess, "rss guard").await;
    check("<!doctype html><html><body>Главная</body></html>", Class::Malformed, "rss html").await;
    check("", Class::Malformed, "rss empty").await;
    check(" \n ", Class::Malformed, "rss empty").await;
    check("нет", Class::Malformed, "rss body").await;
    check("{\"a\":1}", Class::Malformed, "rss body").await;
    check("<?xml version=\"1.0\"?><urlset></urlset>", Class::Malformed, "rss body").await;
    let statuses = [
        (410, Class::Gone, "http 410"),
        (404, Class::Transient, "http 404"),
        (500, Class::Transient, "http 500"),
        (403, Class::NoAccess, "rss guard"),
    ];
    for (status, class, code) in statuses {
        let play = Canned(move |_: &Ask| Reply::status(status, "text/html", GUARD));
        let world = World::new(Arc::new(Mutex::new(play)), start());
        let spec = source(Platform::Rss, URL);
        let error = Rss::new(world.ports).page(&spec, None, start()).await.err().unwrap();
        assert_eq!((error.class, error.code.as_str()), (class, code));
    }
    for handle in ["selo.example/rss", "ftp://selo.example/rss", "file:///etc/passwd", ""] {
        let (_, _, rss, _) = stage();
        let error = rss.page(&source(Platform::Rss, handle), None, start()).await.err().unwrap();
        assert_eq!(error.class, Class::Refused, "{handle}");
    }
}

#[tokio::test]
async fn a_feed_cut_at_any_byte_loses_and_moves_nothing() {
    for fixture in [CMS, ATOM, RDF] {
        let whole = read(fixture).await;
        let known: BTreeMap<_, _> =
            whole.posts.iter().map(|p| (p.id.clone(), p.text.as_str().to_owned())).collect();
        // A cursor that knows the feed from before.
        let (_, first) = fixture.split_at(0);
        let older = read(&first.replace("Котельную", "Баню")).await;
        let end = fixture.trim_end().len();
        for length in 0..=fixture.len() {
            let cut = &fixture.as_bytes()[..length];
            match read_with(cut, XML, Some(&older.cursor)).await {
                Err(error) => assert_eq!(error.class, Class::Malformed, "{length}"),
                Ok(page) => {
                    assert!(page.gone.is_empty());
                    for post in &page.posts {
                        assert_eq!(known.get(&post.id).unwrap(), post.text.as_str(), "{length}");
                    }
                    if length < end {
                        assert_eq!(page.cursor, older.cursor, "{length}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn whole_entries_of_a_truncated_feed_are_handed_on() {
    let cut = &CMS[..CMS.find("<title>Без ссылки").unwrap()];
    let page = read(cut).await;
    assert_eq!(page.posts.len(), 3);
    assert_eq!(page.facts.unreadable, 1);
    // An entry whose CDATA never ends does not eat the next.
    let open = CMS.replace("<item>]]>", "");
    let page = read(&open).await;
    assert_eq!((page.posts.len(), page.facts.unreadable), (4, 2));
}

fn stage() -> (Shared<PlayRss>, World, Rss, SourceSpec) {
    let play = Arc::new(Mutex::new(PlayRss::new()));
    play.lock().unwrap().add_feed("/rss.xml", "Новости посёлка");
    let world = World::new(play.clone(), start());
    let rss = Rss::new(world.ports.clone());
    (play, world, rss, source(Platform::Rss, URL))
}

fn with_feed<T>(play: &Shared<PlayRss>, change: impl FnOnce(&mut PlayFeed) -> T) -> T {
    change(play.lock().unwrap().feed("/rss.xml").unwrap())
}

fn last_ask(play: &Shared<PlayRss>) -> Ask {
    play.lock().unwrap().plan.log().last().unwrap().1.clone()
}

#[tokio::test]
async fn an_unchanged_feed_is_asked_conditionally_and_fully_once_a_day() {
    for (validators, header) in
        [(Validators::Etag, "if-none-match"), (Validators::Modified, "if-modified-since")]
    {
        let (play, world, rss, spec) = stage();
        with_feed(&play, |feed| {
            feed.validators = validators;
            feed.post(start() - hours(2), "Свет отключат", "Завтра")
        });
        let horizon = start() - hours(24);
        let first = rss.page(&spec, None, horizon).await.unwrap();
        assert_eq!(first.posts.len(), 1);
        assert_eq!(last_ask(&play).header(header), None);
        world.clock.pass(hours(1));
        let second = rss.page(&spec, Some(&first.cursor), horizon).await.unwrap();
        assert!(second.posts.is_empty());
        assert!(last_ask(&play).header(header).is_some(), "{validators:?}");
        world.clock.pass(hours(24));
        let third = rss.page(&spec, Some(&second.cursor), horizon).await.unwrap();
        assert!(third.posts.is_empty(), "the body is the same");
        assert_eq!(last_ask(&play).header(header), None);
    }
}

#[tokio::test]
async fn a_lying_validator_is_believed_for_a_day_at_most() {
    let (play, world, rss, spec) = stage();
    with_feed(&play, |feed| {
        feed.validators = Validators::Lying;
        feed.post(start() - hours(2), "Первая", "текст")
    });
    let horizon = start() - hours(24);
    let mut cursor = rss.page(&spec, None, horizon).await.unwrap().cursor;
    with_feed(&play, |feed| feed.post(start() + hours(1), "Вторая", "текст"));
    let mut found = 0;
    for _ in 0..25 {
        world.clock.pass(hours(1));
        let page = rss.page(&spec, Some(&cursor), horizon).await.unwrap();
        found += page.posts.len();
        cursor = page.cursor;
    }
    assert_eq!(found, 1);
}

#[tokio::test]
async fn an_edited_headline_keeps_its_id() {
    for (names, same) in [(Names::Both, true), (Names::Link, true), (Names::Absent, false)] {
        let (play, world, rss, spec) = stage();
        with_feed(&play, |feed| {
            feed.names = names;
            let number = feed.post(start() - hours(2), "Свет отключат", "Завтра");
            feed.edit(number, start() + hours(30), "Свет НЕ отключат", "Завтра");
        });
        let first = rss.page(&spec, None, start() - hours(24)).await.unwrap();
        // A day later the link carries other tracking.
        world.clock.pass(hours(31));
        let second = rss.page(&spec, Some(&first.cursor), start() - hours(24)).await.unwrap();
        assert_eq!(second.posts.len(), 1);
        assert_eq!(second.posts[0].text.as_str(), "Свет НЕ отключат\nЗавтра");
        assert_eq!(first.posts[0].id == second.posts[0].id, same, "{names:?}");
        let third = rss.page(&spec, Some(&second.cursor), start() - hours(24)).await.unwrap();
        assert!(third.posts.is_empty());
    }
}

#[tokio::test]
async fn every_way_to_write_a_feed_gives_the_same_posts() {
    let expected = [("Хлеб & молоко\nПодорожали вдвое".to_owned(), start() - hours(2))];
    let wires =
        [Wire::Utf8, Wire::Cp1251, Wire::Cp1251Undeclared, Wire::Cp1251AsUtf8, Wire::Utf8AsCp1251];
    for wire in wires {
        for dates in [Dates::Standard, Dates::Msk, Dates::Civil, Dates::Russian, Dates::Absent] {
            for full_text in [false, true] {
                let (play, _, rss, spec) = stage();
                with_feed(&play, |feed| {
                    (feed.wire, feed.dates, feed.full_text) = (wire, dates, full_text);
                    feed.lone_ampersands = true;
                    let body = "<p>Подорожали вдвое</p>";
                    feed.post(start() - hours(2), "Хлеб & молоко", body);
                });
                let page = rss.page(&spec, None, start() - hours(24)).await.unwrap();
                let found = page.posts.iter().map(|p| (p.text.as_str().to_owned(), p.published));
                let expected = expected.iter().map(|(text, at)| {
                    let text = if full_text {
                        // The teaser is longer than this body, so it stays.
                        text.replace("Подорожали вдвое", "Подробности на сайте")
                    } else {
                        text.clone()
                    };
                    (text, Some(*at).filter(|_| dates != Dates::Absent))
                });
                assert!(found.eq(expected), "{wire:?} {dates:?} {full_text}");
            }
        }
    }
}

#[tokio::test]
async fn old_entries_are_left_and_those_since_the_last_look_are_not() {
    let (play, world, rss, spec) = stage();
    with_feed(&play, |feed| {
        feed.post(start() - hours(24 * 30), "Старая", "текст");
        feed.post(start() - hours(1), "Свежая", "текст")
    });
    let first = rss.page(&spec, None, start() - hours(24)).await.unwrap();
    assert_eq!(texts(&first).iter().map(|t| t.0).collect::<Vec<_>>(), ["Свежая\nтекст"]);
    with_feed(&play, |feed| feed.post(start() + hours(1), "В паузе", "текст"));
    world.clock.pass(hours(24 * 20));
    let horizon = world.now() - hours(24 * 7);
    let second = rss.page(&spec, Some(&first.cursor), horizon).await.unwrap();
    assert_eq!(texts(&second).iter().map(|t| t.0).collect::<Vec<_>>(), ["В паузе\nтекст"]);
}

#[tokio::test]
async fn a_feed_emptied_at_once_keeps_what_was_known() {
    let (play, _, rss, spec) = stage();
    let number = with_feed(&play, |feed| feed.post(start() - hours(1), "Запись", "текст"));
    let first = rss.page(&spec, None, start() - hours(24)).await.unwrap();
    with_feed(&play, |feed| feed.remove(number, start()));
    let second = rss.page(&spec, Some(&first.cursor), start() - hours(24)).await.unwrap();
    assert!(second.posts.is_empty() && second.gone.is_empty());
    assert_eq!(second.cursor, first.cursor);
}

#[tokio::test]
async fn the_address_of_a_feed_is_guarded_and_its_limit_honoured() {
    let (play, world, rss, spec) = stage();
    play.lock()
        .unwrap()
        .fail_next(Fault::Status(429, Some("Tue, 03 Mar 2026 11:00:00 GMT".into())));
    let error = rss.page(&spec, None, start()).await.err().unwrap();
    assert_eq!((error.class, error.until), (Class::RateLimited, Some(start() + hours(1))));
    assert_eq!(rss.page(&spec, None, start()).await.err().unwrap().code, "paused");
    let call = world.budget.calls.lock().unwrap()[0].clone();
    assert_eq!((call.host.as_str(), call.method.as_str()), ("selo.example", "feed"));
    assert!(rss.prove().await.is_ok());
}

#[tokio::test]
async fn a_304_refreshes_the_validators_it_names() {
    let answers = Arc::new(Mutex::new(vec![(304, Some("\"b\""), ""), (200, Some("\"a\""), CMS)]));
    let log = Arc::new(Mutex::new(Vec::new()));
    let (queue, asked) = (answers.clone(), log.clone());
    let play = Canned(move |ask: &Ask| {
        asked.lock().unwrap().push(ask.header("if-none-match").map(str::to_owned));
        let (status, etag, body) = queue.lock().unwrap().pop().unwrap_or((304, None, ""));
        let headers = etag.map(|etag| ("etag".to_owned(), etag.to_owned()));
        Reply::Answer(Response {
            status,
            headers: headers.into_iter().collect(),
            body: body.as_bytes().to_vec(),
            path: String::new(),
        })
    });
    let world = World::new(Arc::new(Mutex::new(play)), start());
    let rss = Rss::new(world.ports.clone());
    let mut cursor = None;
    for _ in 0..4 {
        let page = rss.page(&source(Platform::Rss, URL), cursor.as_ref(), start()).await.unwrap();
        cursor = Some(page.cursor);
    }
    let asked = log.lock().unwrap().clone();
    let expected = [None, Some("\"a\""), Some("\"b\""), Some("\"b\"")];
    assert_eq!(asked, expected.map(|e| e.map(str::to_owned)));
}

/// Of a feed that is longer than we read, it is told how much is left.
#[tokio::test]
async fn what_is_left_of_a_very_long_feed_is_told() {
    let item = |n: i64| {
        let date = "Tue, 03 Mar 2026 09:00:00 +0000";
        let link = format!("<link>https://selo.example/{n}</link>");
        format!("<item><title>Новость {n}</title>{link}<pubDate>{date}</pubDate></item>")
    };
    let items: String = (0..2_003).map(item).collect();
    let page = read(&format!("<rss version=\"2.0\"><channel>{items}</channel></rss>")).await;
    assert_eq!(page.posts.len(), 2_000);
    let holes = page.facts.coverage.holes.iter().map(|hole| (hole.cause, hole.posts));
    let left: Vec<_> = holes.filter(|(cause, _)| *cause == HoleCause::TooMany).collect();
    assert_eq!(left, [(HoleCause::TooMany, Some(3))]);
}
