//! A storm of posts, and a program that was away: few messages, and every alert in one of them.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use otklik::model::{AlertId, Channel, CommandKind, DeliveryId, DeliveryState, SendOutcome, Tap};
use otklik::notify::Press;
use otklik::pipeline::command::change_store;
use otklik::pipeline::press::{self, Meaning};
use otklik::pipeline::touch::touch;

use crate::office::{Office, Says, Sent, hours, mins, says};
use crate::rig::Rig;

const ROUTES: &str = "[[receiver]]\nname = \"МЦУ\"\nemail = \"m@b.ru\"\nmin_level = \"low\"\n\
                      [[receiver]]\nname = \"ЕДДС\"\nemail = \"e@b.ru\"\nmin_level = \"high\"\n\
                      kinds = [\"danger\"]\n";
const SEED: u64 = 20_261_122;

/// The next number of a seeded row (a linear congruence: the storm needs no better chance).
fn next(seed: &mut u64, below: u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) % below
}

const VILLAGES: [&str; 40] = [
    "s01", "s02", "s03", "s04", "s05", "s06", "s07", "s08", "s09", "s10", "s11", "s12", "s13",
    "s14", "s15", "s16", "s17", "s18", "s19", "s20", "s21", "s22", "s23", "s24", "s25", "s26",
    "s27", "s28", "s29", "s30", "s31", "s32", "s33", "s34", "s35", "s36", "s37", "s38", "s39",
    "s40",
];

fn villages() -> Rig {
    let rig = Rig::new();
    for id in VILLAGES {
        let name = format!("Лесново{}", id.replace('s', "-"));
        rig.add(
            "config/places.toml",
            &format!("[[place]]\nid = \"{id}\"\nname = \"{name}\"\nkind = \"село\"\n"),
        );
    }
    rig
}

fn post(seed: &mut u64) -> Says {
    let place = VILLAGES[next(seed, 40) as usize];
    let text = match next(seed, 40) {
        0 if place < "s05" => "Горит дом!",
        1..=12 => "Нет отопления третий день, дети мерзнут",
        13..=25 => "Батареи ледяные",
        _ => "Доброе утро, соседи",
    };
    let person = u32::try_from(next(seed, 3_000)).expect("small");
    Says { place: Some(place), ..says(person, text) }
}

/// How many alerts each row of the outbox told: by its own message or in a roll-up.
async fn told(office: &Office, receiver: &str) -> BTreeMap<AlertId, u32> {
    let mut told: BTreeMap<AlertId, u32> = BTreeMap::new();
    for alert in office.store().alerts(None, None, 10_000).await.expect("read") {
        told.insert(alert.id, 0);
    }
    for row in office.store().export_deliveries(None, None, 10_000).await.expect("read") {
        let row = row.delivery;
        if row.receiver != receiver {
            continue;
        }
        match row.subject.strip_prefix("alert:") {
            Some(alert) if row.state == DeliveryState::Sent => {
                *told.entry(alert.into()).or_default() += 1;
            }
            Some(_) => assert_eq!(row.state, DeliveryState::RolledUp, "{row:?}"),
            None => {
                assert_eq!(row.state, DeliveryState::Sent, "{row:?}");
                let found = office.store().roll_up(&row.subject, receiver).await.expect("read");
                for (alert, _) in found.expect("a roll-up").alerts {
                    *told.entry(alert).or_default() += 1;
                }
            }
        }
    }
    told
}

/// So many posts within a minute.
async fn minute(office: &Office, posts: usize) {
    let mut seed = SEED;
    for _ in 0..20 {
        let posts: Vec<Says> = (0..posts / 20).map(|_| post(&mut seed)).collect();
        office.write(&posts).await;
        office.pass(SignedDuration::from_secs(3)).await;
    }
}

/// The same, and what comes of them within a day.
async fn storm(office: &Office, posts: usize) {
    minute(office, posts).await;
    office.pass(hours(24)).await;
}

#[tokio::test]
async fn ten_thousand_posts_in_a_minute_are_a_handful_of_messages() {
    let office = Office::on(villages(), ROUTES, "2026-01-05T02:00:00Z");
    let begun = office.now();
    storm(&office, 10_000).await;
    let alerts = office.store().alerts(None, None, 10_000).await.expect("read");
    assert!(alerts.len() > 47, "the storm is one: {} (seed {SEED})", alerts.len());
    for (receiver, address) in [("МЦУ", "m@b.ru"), ("ЕДДС", "e@b.ru")] {
        let sent = office.to(address);
        assert!(!sent.is_empty() && sent.len() <= 20, "{receiver}: {}", sent.len());
        assert!(sent[0].at.duration_since(begun) <= mins(2), "{receiver}: {}", sent[0].at);
        let all = told(&office, receiver).await;
        let mine = all.values().filter(|times| **times > 0).count();
        assert!(all.values().all(|times| *times <= 1), "{receiver}: told twice (seed {SEED})");
        if receiver == "МЦУ" {
            assert_eq!(mine, alerts.len(), "everything is told once (seed {SEED})");
        }
    }
    let rolled = office.to("m@b.ru").into_iter().find(|sent| sent.message.subject.contains("Ещё"));
    let text = rolled.expect("a roll-up").message.text;
    let counts: u32 = text
        .lines()
        .filter_map(|line| line.strip_prefix("— ")?.split_once(": ")?.1.split(' ').next())
        .filter_map(|count| count.parse::<u32>().ok())
        .sum();
    let said: u32 = text
        .lines()
        .next()
        .and_then(|line| line.split(' ').find_map(|word| word.parse().ok()))
        .expect("a number in the subject");
    assert_eq!(counts, said, "{text}");
    assert!(text.contains("№ a") && text.contains("otklik alerts show"), "{text}");
}

#[tokio::test]
async fn reminders_of_a_storm_are_told_together() {
    let ladder = format!("{ROUTES}[[ladder]]\nafter = \"1h\"\nlevel = \"low\"\n");
    let office = Office::on(villages(), &ladder, "2026-01-05T02:00:00Z");
    storm(&office, 1_000).await;
    let sent = office.to("m@b.ru");
    let critical = sent.iter().filter(|sent| sent.message.subject.contains('🔴')).count();
    assert!(sent.len() <= 24 + critical, "within the budget: {:?}", office.subjects("m@b.ru"));
    let said = |words: &str| sent.iter().filter(|it| it.message.text.contains(words)).count();
    assert!(said("никто не взял в работу") > 0, "{:?}", office.subjects("m@b.ru"));
    assert!(said("напоминани") > 0, "they are counted");
    let (mut rows, mut rolled) = (0, Vec::new());
    for row in office.store().export_deliveries(None, None, 10_000).await.expect("read") {
        let row = row.delivery;
        if row.subject.starts_with("reminder:") {
            rows += usize::from(row.state == DeliveryState::RolledUp);
            let ended = [DeliveryState::Sent, DeliveryState::RolledUp].contains(&row.state);
            assert!(ended, "{row:?}");
        }
        if let Some(found) =
            office.store().roll_up(&row.subject, &row.receiver).await.expect("read")
        {
            rolled.extend(found.reminders.into_iter().map(|(_, row)| row));
        }
    }
    assert!(rows > 10, "{rows} reminders");
    assert_eq!(rolled.len(), rows, "each stands in one message");
    rolled.sort();
    rolled.dedup();
    assert_eq!(rolled.len(), rows, "and in no other");
}

#[tokio::test]
async fn a_chat_that_joined_hears_the_same_and_costs_no_budget() {
    let heard = async |joined: bool| {
        let office = Office::on(villages(), ROUTES, "2026-01-05T02:00:00Z");
        if joined {
            office.join("77", "МЦУ").await;
        }
        storm(&office, 1_000).await;
        (office.subjects("m@b.ru"), office.subjects("77"))
    };
    let (alone, nobody) = heard(false).await;
    let (mail, chat) = heard(true).await;
    assert!(nobody.is_empty() && alone.len() > 3, "{alone:?}");
    assert_eq!(mail, alone);
    assert_eq!(chat, alone);
}

#[tokio::test]
async fn one_press_takes_all_of_a_roll_up_into_work() {
    let ladder = format!("{ROUTES}[[ladder]]\nafter = \"1h\"\nlevel = \"low\"\n");
    let office = Office::on(villages(), &ladder, "2026-01-05T02:00:00Z");
    office.join("77", "МЦУ").await;
    minute(&office, 1_000).await;
    office.pass(mins(5)).await;
    let is_button = |sent: &Sent| {
        let button = sent.message.buttons.iter().flatten().next().cloned();
        button.filter(|button| button.tap.noun == "rollup")
    };
    let button = office.to("77").iter().find_map(is_button).expect("a roll-up");
    let open: usize =
        button.title.split(['(', ')']).nth(1).expect("a number").parse().expect("one");
    assert!(open > 3, "{}", button.title);

    let district = office.services.district.load_full();
    let means = async |address: &str, tap: Tap| {
        let (address, query) = (address.to_owned(), "q".to_owned());
        let press =
            Press { channel: Channel::Telegram, address, tap: tap.text(), query, message: None };
        press::read(&office.services, &district, &press).await.expect("read")
    };
    assert!(matches!(means("78", button.tap.clone()).await, Meaning::Stranger));
    let solved = Tap::new("rollup", &button.tap.id, "solved");
    assert!(matches!(means("77", solved).await, Meaning::Say(_)), "only taking is for all");
    let Meaning::Do(command) = means("77", button.tap.clone()).await else { panic!("a command") };
    let carried = async || {
        let reply = change_store(office.store(), Some(&district), &command, office.now()).await;
        reply.expect("carried out").expect("a command of the store").text
    };
    assert_eq!(carried().await, format!("Взято в работу проблем: {open}"));
    assert_eq!(carried().await, "Всё уже взято в работу");

    let now = office.now();
    let touched = office.store().due_touches(now, 100).await.expect("read");
    let row = touched.iter().find(|it| it.delivery.id.as_str() == button.tap.id);
    assert!(row.is_some(), "the message is to say so");
    assert!(touch(&office.services, &district, &|| true).await.expect("changed") > 0);
    let shown = office.changed("77").iter().rev().find_map(is_button).expect("changed");
    assert_eq!(shown.title, "✔ Всё взято в работу");

    let subject = row.expect("there").delivery.subject.clone();
    let told = office.store().roll_up(&subject, "МЦУ").await.expect("read").expect("a roll-up");
    office.pass(hours(24)).await;
    for row in office.store().export_deliveries(None, None, 10_000).await.expect("read") {
        let again =
            row.delivery.subject.strip_prefix("reminder:").and_then(|it| it.split_once(':'));
        let mine = |(alert, _): &(AlertId, DeliveryId)| again.is_some_and(|it| alert.0 == it.0);
        assert!(!told.alerts.iter().any(mine), "{row:?}");
    }
}

#[tokio::test]
async fn after_an_absence_one_message_catches_up() {
    let office = Office::on(villages(), ROUTES, "2026-01-05T02:00:00Z");
    office.turn().await;
    office.away(hours(5)).await;
    let posts: Vec<Says> = VILLAGES[..9]
        .iter()
        .enumerate()
        .flat_map(|(n, place)| {
            let person = u32::try_from(n).expect("small") * 10;
            (0..4).map(move |more| Says {
                place: Some(place),
                ..says(person + more, "Нет отопления третий день, дети мерзнут")
            })
        })
        .collect();
    office.write(&posts).await;
    assert!(office.to("m@b.ru").is_empty(), "it is collected first");
    office.pass(hours(1)).await;
    let sent = office.to("m@b.ru");
    assert_eq!(sent.len(), 1, "{:?}", office.subjects("m@b.ru"));
    let said = &sent[0].message;
    assert_eq!(said.subject, "Лесной район: После перерыва: 9 проблем");
    let when = "Программа не работала с 5 января, 10:00 по 5 января, 15:00; за это время";
    assert!(said.text.contains(when), "{}", said.text);
    office.write(&[Says { place: Some("s20"), ..says(900, "Горит дом!") }]).await;
    assert_eq!(office.to("m@b.ru").len(), 2, "then all is as ever");
}

#[tokio::test]
async fn a_roll_up_waits_for_the_hours_of_its_receiver() {
    // 10:00 in the district; the volley has gathered when nobody is there any more.
    let routes = "[[receiver]]\nname = \"МЦУ\"\nemail = \"m@b.ru\"\nmin_level = \"low\"\n\
                  hours = \"09:00-10:01\"\n";
    let office = Office::on(villages(), routes, "2026-01-05T02:00:30Z");
    let posts: Vec<Says> = VILLAGES[..9]
        .iter()
        .zip(0..)
        .flat_map(|(place, n)| {
            let cold = "Нет отопления третий день, дети мерзнут";
            (0..4).map(move |more| Says { place: Some(place), ..says(n * 10 + more, cold) })
        })
        .collect();
    office.write(&posts).await;
    let alone = office.to("m@b.ru").len();
    assert!((1..9).contains(&alone), "{alone}");
    office.pass(hours(24)).await;
    let sent = office.to("m@b.ru");
    assert_eq!(sent.len(), alone + 1, "{:?}", office.subjects("m@b.ru"));
    assert_eq!(sent[alone].at.to_string(), "2026-01-06T01:00:00Z");
    assert_eq!(told(&office, "МЦУ").await.values().copied().max(), Some(1));
}

#[tokio::test]
async fn a_roll_up_that_is_handed_over_keeps_what_it_stands_for() {
    let office = Office::on(villages(), ROUTES, "2026-01-05T02:00:00Z");
    let retry =
        SendOutcome::Retry { after_secs: Some(3_600), text: "ящик полон".to_owned() };
    office.answers("m@b.ru", Some(retry));
    let mut seed = SEED;
    let storm: Vec<Says> = (0..400).map(|_| post(&mut seed)).collect();
    office.write(&storm).await;
    office.pass(mins(3)).await;
    let waits = office.store().waiting_of("МЦУ").await.expect("read");
    let roll_up = waits.iter().find(|row| row.subject.starts_with("rollup:")).expect("a roll-up");
    let before = office.store().roll_up(&roll_up.subject, "МЦУ").await.expect("read");
    let (from, to) = ("МЦУ".to_owned(), "ЕДДС".to_owned());
    assert!(office.ask(CommandKind::HandOver { from, to }).await.done);
    let after = office.store().roll_up(&roll_up.subject, "ЕДДС").await.expect("read");
    assert_eq!(after, before, "it stands for the same alerts");
    office.pass(mins(3)).await;
    let rows = office.store().deliveries_of(&roll_up.subject).await.expect("read");
    let states: Vec<_> = rows.iter().map(|row| (row.receiver.as_str(), row.state)).collect();
    assert!(states.contains(&("ЕДДС", DeliveryState::Sent)), "{states:?}");
    assert!(states.contains(&("МЦУ", DeliveryState::Suppressed)), "{states:?}");
}
