//! Feeds that change, lie and break between looks, and bytes that nobody meant to send.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use otklik_collectors::play::Fault;
use otklik_collectors::play::rss::{Names, Validators, Wire};
use otklik_collectors::{Class, Collector, Cursor};

use super::{ATOM, CMS, GUARD, JSON, RDF, XML, hours, read_with, stage, with_feed};
use crate::web_ports::{Dice, seeds};

#[tokio::test]
async fn no_bytes_bring_the_reader_down() {
    for seed in 0..seeds() {
        let mut dice = Dice(seed);
        let mut bytes = [CMS, ATOM, RDF, JSON, GUARD][dice.roll(5) as usize].as_bytes().to_vec();
        for _ in 0..=dice.roll(20) {
            let place = dice.roll(bytes.len() as u64) as usize;
            match dice.roll(3) {
                0 => bytes[place] = dice.roll(256) as u8,
                1 => drop(bytes.remove(place)),
                _ => {
                    let piece = [&b"<"[..], b"]]>", b"<![CDATA[", b"&", b"<item>", b"\"", b"<!--"];
                    let piece = piece[dice.roll(7) as usize];
                    bytes.splice(place..place, piece.iter().copied());
                }
            }
        }
        match read_with(&bytes, XML, None).await {
            Ok(page) => assert!(page.gone.is_empty(), "seed {seed}"),
            Err(error) => {
                let expected = matches!(error.class, Class::Malformed | Class::NoAccess);
                assert!(expected, "seed {seed}: {error}");
            }
        }
    }
}

/// Entries, edits, removals, faults and crashes between looks; then quiet, a day, and one look.
async fn live(seed: u64) {
    let mut dice = Dice(seed);
    let (play, world, rss, spec) = stage();
    let mut store: BTreeMap<String, String> = BTreeMap::new();
    let mut cursor: Option<Cursor> = None;
    with_feed(&play, |feed| {
        feed.validators =
            [Validators::Etag, Validators::Modified, Validators::Lying, Validators::Absent]
                [dice.roll(4) as usize];
        feed.wire = [Wire::Utf8, Wire::Cp1251AsUtf8, Wire::Utf8AsCp1251][dice.roll(3) as usize];
        feed.names = [Names::Both, Names::Link][dice.roll(2) as usize];
        feed.lone_ampersands = dice.one_in(2);
    });
    let mut count = 0;
    for step in 0..40 {
        let now = world.now();
        for _ in 0..dice.roll(3) {
            let (title, body) =
                (format!("Запись {step} & {count}"), format!("<p>Текст {count}</p>"));
            count += 1;
            with_feed(&play, |feed| match dice.roll(6) {
                0 if count > 3 => feed.edit(dice.roll(count) as usize, now, &title, &body),
                1 if count > 3 => feed.remove(dice.roll(count) as usize, now),
                2 if count > 3 => feed.break_entry(dice.roll(count) as usize, dice.one_in(2)),
                _ => {
                    feed.post(now, &title, &body);
                }
            });
        }
        if dice.one_in(5) {
            let fault = match dice.roll(5) {
                0 => Fault::Status(502, None),
                1 => Fault::Short(dice.roll(3_000) as usize),
                2 => Fault::Cut(10),
                3 => Fault::Body("text/html".to_owned(), GUARD.to_owned()),
                _ => Fault::Hang,
            };
            play.lock().unwrap().fail_next(fault);
        }
        let horizon = world.now() - hours(24 * 7);
        if let Ok(page) = rss.page(&spec, cursor.as_ref(), horizon).await {
            assert!(page.gone.is_empty() && !page.more);
            if !dice.one_in(8) {
                store.extend(page.posts.into_iter().map(|p| (p.id, p.text.into_string())));
                cursor = Some(page.cursor);
            }
        }
        world.clock.pass(SignedDuration::from_mins(dice.roll(300) as i64));
    }
    play.lock().unwrap().plan.calm();
    with_feed(&play, |feed| (0..count as usize).for_each(|n| feed.break_entry(n, false)));
    world.clock.pass(hours(25));
    let horizon = world.now() - hours(24 * 7);
    let page = rss.page(&spec, cursor.as_ref(), horizon).await.unwrap();
    assert_eq!(page.facts.unreadable, 0, "seed {seed}");
    store.extend(page.posts.into_iter().map(|p| (p.id, p.text.into_string())));
    let now = world.now();
    let living = with_feed(&play, |feed| feed.living(now));
    for (_, date, title, body) in living {
        let text = format!("{title}\n{}", body.replace("<p>", "").replace("</p>", ""));
        let held = store.values().filter(|held| **held == text).count();
        assert!(date < horizon || held == 1, "seed {seed}: {held} times {text:?}");
    }
}

#[tokio::test]
async fn every_living_entry_is_delivered_once_with_its_last_text() {
    let seeds = seeds();
    println!("{seeds} seeds");
    for seed in 0..seeds {
        live(seed).await;
    }
}
