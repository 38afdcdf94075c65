//! Telegram's public preview: pages read trap by trap.

mod live;

use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use otklik_collectors::play::{Ask, Reply};
use otklik_collectors::telegram::{Telegram, TelegramSettings};
use otklik_collectors::{Author, Class, CollectError, Collector, HoleCause, Page, Platform};

use crate::web_ports::{Canned, World, source};

const HTML: &str = "text/html; charset=utf-8";
const TRAPS: &str = include_str!("../../fixtures/telegram/traps.html");
const END: &str = include_str!("../../fixtures/telegram/end_of_history.html");
const EMBED: &str = include_str!("../../fixtures/telegram/embed.html");
const NOT_FOUND: &str = include_str!("../../fixtures/telegram/embed_not_found.html");
const CLOSED: &str = include_str!("../../fixtures/telegram/landing_closed.html");
const MISSING: &str = include_str!("../../fixtures/telegram/landing_missing.html");

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn start() -> Timestamp {
    at("2026-03-02T10:00:00Z")
}

fn days(n: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * n)
}

/// A collector that gets fixtures: a listing, its older page, an embed.
fn canned(listing: &str, older: &str, embed: &str) -> (World, Telegram) {
    let [listing, older, embed] = [listing, older, embed].map(str::to_owned);
    let play = Canned(move |ask: &Ask| {
        let page = match (ask.param("embed"), ask.param("before")) {
            (Some(_), _) => &embed,
            (_, Some(_)) => &older,
            _ => &listing,
        };
        Reply::ok(HTML, page.as_bytes())
    });
    let world = World::new(Arc::new(Mutex::new(play)), start());
    let telegram = Telegram::new(TelegramSettings::default(), None, world.ports.clone());
    (world, telegram)
}

async fn first_page(listing: &str, embed: &str) -> Result<Page, CollectError> {
    let (_, telegram) = canned(listing, END, embed);
    let spec = source(Platform::Telegram, "@selo_vestnik");
    telegram.page(&spec, None, start() - days(7)).await
}

#[tokio::test]
async fn every_trap_of_a_page_is_passed() {
    let page = first_page(TRAPS, EMBED).await.unwrap();
    let told: Vec<_> = page
        .posts
        .iter()
        .map(|p| {
            let published = p.published.map(|at| at.to_string()).unwrap_or_default();
            let counts = (p.counts.views, p.counts.likes);
            (p.id.as_str(), p.text.as_str(), published, counts, p.repost)
        })
        .collect();
    let row = |id, text, hour: &str, counts, repost| {
        (id, text, format!("2026-03-01T{hour}Z"), counts, repost)
    };
    let expected = vec![
        row(
            "tg:1700000001_31",
            "Воду дали\n\nНапор пока слабый, смотрите график >>.",
            "08:55:25",
            (Some(57_800), Some(1_384)),
            false,
        ),
        row(
            "tg:1700000001_32",
            "❗️ 🔥 Дым над посёлком.\nПожарные выехали",
            "10:07:23",
            (Some(119), None),
            false,
        ),
        row(
            "tg:1700000001_33",
            "Дорогу на станцию перекроют 5 < 6 часов",
            "11:00:00",
            (Some(2_810_000), None),
            true,
        ),
        row("tg:1700000001_35", "", "12:00:00", (None, None), false),
        row(
            "tg:1700000001_38",
            "Во сколько у вас отключают свет?",
            "13:00:00",
            (None, None),
            false,
        ),
    ];
    assert_eq!(told, expected);
    assert!(page.posts.iter().all(|p| matches!(p.author, Author::Source) && p.parent.is_none()));
    assert_eq!(page.posts[0].url.as_deref(), Some("https://t.me/selo_vestnik/31"));
    assert_eq!(page.facts.platform_id.as_deref(), Some("1700000001"));
    assert_eq!((page.facts.pictures_only, page.facts.unreadable), (1, 1));
    assert!(page.more && page.gone.is_empty());
    // What could not be read lies between its neighbours.
    let holes: Vec<_> = page.facts.coverage.holes.iter().map(|h| (h.cause, h.posts)).collect();
    assert_eq!(holes, [(HoleCause::Unreadable, Some(1))]);
    // Signer and forward origin stay behind.
    for word in ["Выдуманный", "oblast_glavnoe", "Главное в области"] {
        assert!(TRAPS.contains(word));
        assert!(!page.cursor.0.contains(word));
        assert!(page.posts.iter().all(|p| !p.text.as_str().contains(word)));
    }
}

#[tokio::test]
async fn an_answer_that_is_no_channel_page_is_named() {
    let check = async |listing: &str, embed: &str, class: Class, code: &str| {
        let error = first_page(listing, embed).await.err().unwrap();
        assert_eq!((error.class, error.code.as_str()), (class, code));
    };
    check(CLOSED, EMBED, Class::NoAccess, "telegram closed").await;
    check(MISSING, EMBED, Class::Gone, "telegram missing").await;
    check("<html><body>502</body></html>", EMBED, Class::Malformed, "telegram page").await;
    check("", EMBED, Class::Malformed, "telegram page").await;
    check(EMBED, EMBED, Class::Malformed, "telegram page").await;
    let mixed = TRAPS.replace("selo_vestnik/33\"", "gorod_vestnik/33\"");
    check(&mixed, EMBED, Class::Malformed, "telegram page").await;
    // Without the channel's number nothing is stored.
    check(TRAPS, NOT_FOUND, Class::Malformed, "telegram number").await;
    check(TRAPS, &EMBED.replace("data-peer=", "data-other="), Class::Malformed, "telegram number")
        .await;
}

#[tokio::test]
async fn a_server_that_repeats_the_newest_page_is_caught() {
    let (_, telegram) = canned(TRAPS, TRAPS, EMBED);
    let spec = source(Platform::Telegram, "selo_vestnik");
    let page = telegram.page(&spec, None, start() - days(7)).await.unwrap();
    let error = telegram.page(&spec, Some(&page.cursor), start() - days(7)).await.err().unwrap();
    assert_eq!(error.class, Class::Malformed);
}

#[tokio::test]
async fn a_page_cut_at_any_byte_changes_nothing() {
    let end = |page: &str| page.find("</html>").unwrap() + "</html>".len();
    for (page, place) in [(TRAPS, 0), (END, 1), (EMBED, 2)] {
        for length in 0..page.len() {
            if !page.is_char_boundary(length) {
                continue;
            }
            let mut pages = [TRAPS, END, EMBED];
            pages[place] = &page[..length];
            let (_, telegram) = canned(pages[0], pages[1], pages[2]);
            let spec = source(Platform::Telegram, "selo_vestnik");
            let horizon = start() - days(7);
            let first = telegram.page(&spec, None, horizon).await;
            let answer = match (&first, place) {
                (Ok(first), 1) => telegram.page(&spec, Some(&first.cursor), horizon).await,
                _ => first,
            };
            // After the closing tag nothing is missing but a comment.
            assert_eq!(answer.is_ok(), length >= end(page), "{place} {length}");
            assert!(answer.map_or(true, |page| page.gone.is_empty()));
        }
    }
}

#[tokio::test]
async fn the_preview_is_proven_by_one_call() {
    let (_, telegram) = canned(TRAPS, END, EMBED);
    assert!(telegram.prove().await.is_ok());
    let (_, telegram) = canned("<html></html>", END, EMBED);
    assert_eq!(telegram.prove().await.err().unwrap().class, Class::Malformed);
}
