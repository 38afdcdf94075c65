//! The MAX collector against the local MAX: the door, limits, retries, tokens, people.

use otklik_collectors::max::errors::{STATUSES, explain};
use otklik_collectors::play::Fault;
use otklik_collectors::{Class, Clock, Collector, Scope};

use super::rig::{ANNA, CHANNEL, CHAT, DAY, HOUR, MINUTE, Rig};
use crate::ports::at;

#[test]
fn every_status_has_a_class_a_sentence_and_a_later_try() {
    use Class::*;
    for (status, own, class, scope, secs) in [
        (400, true, Ours, Scope::Source, HOUR),
        (401, true, NeedsPerson, Scope::Token, HOUR),
        (403, true, NoAccess, Scope::Source, DAY),
        (404, true, Gone, Scope::Source, DAY),
        (405, true, Ours, Scope::Method, 6 * HOUR),
        (429, true, RateLimited, Scope::Host, MINUTE),
        (500, true, Transient, Scope::Host, MINUTE),
        (503, true, Transient, Scope::Host, MINUTE),
        (401, false, Transient, Scope::Host, 15 * MINUTE),
        (302, false, Transient, Scope::Host, 15 * MINUTE),
        (404, false, Malformed, Scope::Host, 15 * MINUTE),
        (502, false, Transient, Scope::Host, MINUTE),
        (418, true, Malformed, Scope::Host, 15 * MINUTE),
    ] {
        let error = explain(status, own, None, at(0));
        assert_eq!((error.class, error.scope), (class, scope), "{status} {own}");
        assert_eq!(error.until, Some(at(secs)), "{status} {own}");
        let until = explain(status, own, Some(at(7)), at(0)).until;
        assert_eq!(until, Some(at(7)), "Retry-After wins");
    }
    for status in STATUSES {
        let error = explain(status, true, None, at(0));
        assert_ne!(error.class, Class::Malformed, "{status}");
        assert!(error.text.chars().any(|char| ('а'..='я').contains(&char)), "{status}");
    }
}

#[tokio::test]
async fn the_door_lets_in_what_the_administration_runs() {
    let cases = [
        ("village", None),
        ("https://max.ru/village", None),
        ("-70000000000002", None),
        ("nobody", Some((Class::Gone, "нет"))),
        ("village_chat", Some((Class::Gone, "нет"))),
        ("-70000000000003", Some((Class::Refused, "Личная переписка"))),
        ("-70000000000004", Some((Class::Refused, "Закрытый чат"))),
        ("-70000000000005", Some((Class::NeedsPerson, "не администратор"))),
        ("-70000000000006", Some((Class::NeedsPerson, "читать все сообщения"))),
        ("-70000000000007", Some((Class::NoAccess, "Бота нет"))),
        ("https://max.ru/join/AbC", Some((Class::Refused, "Не похоже"))),
    ];
    for (handle, expected) in cases {
        let mut rig = Rig::new();
        {
            let mut play = rig.play();
            let world = &mut play.world;
            for (chat, kind) in
                [(3, "dialog"), (4, "chat"), (5, "channel"), (6, "chat"), (7, "chat")]
            {
                world.add(-70_000_000_000_000 - chat, kind, "other");
            }
            world.chat(-70_000_000_000_004).public = false;
            world.chat(-70_000_000_000_005).admin = false;
            world.chat(-70_000_000_000_006).permissions.clear();
            world.chat(-70_000_000_000_007).status = "removed".to_owned();
        }
        rig.source.handle = handle.to_owned();
        match (rig.page(None).await, expected) {
            (Ok(page), None) => assert!(page.facts.platform_id.is_some(), "{handle}"),
            (Err(error), Some((class, words))) => {
                assert_eq!(error.class, class, "{handle}: {error}");
                assert!(error.text.contains(words), "{handle}: {error}");
                assert_eq!(rig.play().calls("/messages"), 0, "{handle}");
            }
            (got, expected) => panic!("{handle}: {:?} {expected:?}", got.err()),
        }
    }
}

#[tokio::test]
async fn faults_that_pass_are_waited_out_within_the_call() {
    let html = || Fault::Body("text/html".to_owned(), "<html></html>".to_owned());
    for faults in [
        vec![Fault::Status(500, None), Fault::Status(503, None), Fault::Reset],
        vec![Fault::Status(429, Some("2".to_owned()))],
        vec![Fault::Cut(20)],
        vec![Fault::Short(20)],
        vec![html()],
        vec![Fault::Hang],
    ] {
        let rig = Rig::new();
        let mid = rig.play().world.message(CHAT, Some(ANNA), at(-HOUR), "сообщение", None);
        for fault in &faults {
            rig.play().fail_next(fault.clone());
        }
        let looked = rig.look(None).await.expect("waits");
        assert_eq!(looked.ids(), [super::rig::id(&mid)], "{faults:?}");
        assert!(rig.ports.clock.now() >= at(1), "{faults:?}: no time went by");
    }
}

#[tokio::test]
async fn a_dead_token_is_asked_with_once_an_hour() {
    let rig = Rig::new();
    rig.play().token = "OTHER".to_owned();
    for _ in 0..3 {
        assert!(rig.page(None).await.is_err());
    }
    assert_eq!(rig.play().log.len(), 1);
    assert!(rig.ports.budget.paused(None).is_some());
    rig.ports.clock.advance(HOUR);
    let error = rig.max.prove().await.expect_err("still dead");
    assert_eq!((error.class, error.code.as_str()), (Class::NeedsPerson, "max 401"));
    assert!(!error.to_string().contains("MADEUP"), "{error}");
}

#[tokio::test]
async fn rights_are_told() {
    let mut rig = Rig::new();
    assert!(rig.max.prove().await.is_ok());
    let told = rig.max.rights(&rig.source).await;
    assert_eq!(told.iter().filter(|it| it.is_ok()).count(), 1);
    rig.source.handle = "village".to_owned();
    rig.play().webhook = true;
    let told = rig.max.rights(&rig.source).await;
    let texts: Vec<&str> = told.iter().flatten().map(String::as_str).collect();
    assert_eq!(texts.len(), 3);
    assert!(texts[1].contains("не читаются") && texts[2].contains("webhook"), "{texts:?}");
    rig.play().world.chat(CHANNEL).admin = false;
    let told = rig.max.rights(&rig.source).await;
    assert!(matches!(told.as_slice(), [Err(error)] if error.class == Class::NeedsPerson));
}

/// Names, numbers of people and the token occur in nothing that leaves the crate.
#[tokio::test]
async fn people_stay_outside() {
    let rig = Rig::new();
    {
        let mut play = rig.play();
        let world = &mut play.world;
        world.names.insert(ANNA, "Канарейкина".to_owned());
        let first = world.message(CHAT, Some(ANNA), at(-HOUR), "нет света", None);
        world.message(CHAT, Some(ANNA), at(-MINUTE), "и тепла", Some(&first));
        world.forward(CHAT, Some(ANNA), at(-MINUTE), ("mid.9", "чужое"));
    }
    let mut all = String::new();
    let mut cursor = None;
    loop {
        let page = rig.page(cursor.as_ref()).await.expect("reads");
        for post in &page.posts {
            all.push_str(&format!("{} {:?} {:?}", post.id, post.parent, post.url));
            all.push_str(&format!("{:?} {:?} {:?}", post.text, post.counts, post.kind));
        }
        all.push_str(&format!("{:?} {:?} {:?}", page.gone, page.facts, page.cursor));
        cursor = Some(page.cursor);
        if !page.more {
            break;
        }
    }
    assert!(all.contains("и тепла") && all.contains("чужое"));
    for secret in [&ANNA.to_string(), "Канарейкина", "MADEUP", "100008", "70000000000099"]
    {
        assert!(!all.contains(secret), "{secret} in {all}");
    }
}
