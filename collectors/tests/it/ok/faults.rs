//! The OK collector against the local OK: the door, limits, retries, keys, rights, people.

use otklik_collectors::play::ok::{Fault, PHOTO, TOPIC};
use otklik_collectors::{Class, Clock, Collector, Scope, SourceKind};

use super::rig::{ANNA, DAY, GROUP, HOUR, MINUTE, Rig, id};
use crate::ports::at;

#[tokio::test]
async fn the_door_lets_open_groups_in_alone() {
    let cases = [
        ("village", None),
        ("https://ok.ru/village", None),
        ("55000000000001", None),
        ("https://ok.ru/group/55000000000001", None),
        ("nobody_here", Some((Class::Gone, "нет"))),
        ("55000000000099", Some((Class::Gone, "нет"))),
        ("closed_club", Some((Class::NoAccess, "Закрытая группа"))),
        ("neighbour", Some((Class::Refused, "Личная страница"))),
        ("https://ok.ru/profile/500000000001", Some((Class::Refused, "Личная страница"))),
        ("одноклассники", Some((Class::Refused, "Не похоже"))),
    ];
    for (handle, expected) in cases {
        let mut rig = Rig::new();
        {
            let mut play = rig.play();
            play.world.add_group(GROUP + 1, "closed_club", "Закрытая");
            play.world.group(GROUP + 1).private = true;
            play.world.profiles.insert("neighbour".to_owned(), ANNA);
        }
        rig.source.handle = handle.to_owned();
        match (rig.page(None).await, expected) {
            (Ok(page), None) => {
                assert_eq!(page.facts.platform_id, Some(GROUP.to_string()), "{handle}");
                assert_eq!(rig.play().calls("mediatopic.getTopics"), 1);
            }
            (Err(error), Some((class, words))) => {
                assert_eq!(error.class, class, "{handle}: {error}");
                assert!(error.text.contains(words), "{handle}: {error}");
                assert_eq!(rig.play().calls("mediatopic.getTopics"), 0, "{handle}");
            }
            (got, expected) => panic!("{handle}: {:?} {expected:?}", got.err()),
        }
    }
}

#[tokio::test]
async fn a_leader_is_no_reason_to_read_a_personal_page() {
    let mut rig = Rig::new();
    rig.play().world.profiles.insert("leader".to_owned(), ANNA);
    rig.source.handle = "leader".to_owned();
    rig.source.kind = SourceKind::Leader;
    assert_eq!(rig.page(None).await.err().map(|error| error.class), Some(Class::Refused));
}

#[tokio::test]
async fn faults_that_pass_are_waited_out_within_the_call() {
    for faults in [
        vec![Fault::Code(1), Fault::Code(2), Fault::Status(502), Fault::Reset],
        vec![Fault::Cut(40), Fault::Status(500)],
        vec![Fault::Html],
        vec![Fault::Short(30)],
        vec![Fault::Hang],
    ] {
        let rig = Rig::learned();
        let topic = rig.play().world.topic(GROUP, GROUP, at(-HOUR), "тема");
        for fault in &faults {
            rig.play().fail_next(fault.clone());
        }
        let looked = rig.look(None).await.expect("waits");
        assert_eq!(looked.ids(), [id(topic)], "{faults:?}");
        assert_eq!(rig.play().log.len(), faults.len() + 2, "{faults:?}");
        assert!(rig.ports.clock.now() >= at(1), "{faults:?}: no time went by");
    }
}

#[tokio::test]
async fn faults_that_stay_are_typed_and_bounded() {
    let cases = [
        (Fault::Code(2), Class::Transient, Scope::Source, 5, None),
        (Fault::Status(502), Class::Transient, Scope::Host, 5, None),
        (Fault::Status(403), Class::Transient, Scope::Host, 5, None),
        (Fault::Status(404), Class::Malformed, Scope::Host, 2, None),
        (Fault::Html, Class::Malformed, Scope::Source, 2, None),
        (Fault::Hang, Class::Transient, Scope::Host, 2, None),
        (Fault::Code(8), Class::RateLimited, Scope::Method, 1, Some(Some("mediatopic.getTopics"))),
        (Fault::Code(11), Class::Quota, Scope::Method, 1, Some(Some("mediatopic.getTopics"))),
        (Fault::Code(102), Class::NeedsPerson, Scope::Token, 1, Some(None)),
        (Fault::Code(104), Class::NeedsPerson, Scope::Token, 1, Some(None)),
        (Fault::Code(10), Class::NeedsPerson, Scope::Source, 1, None),
        (Fault::Code(456), Class::NoAccess, Scope::Source, 1, None),
        (Fault::Code(160), Class::Gone, Scope::Source, 1, None),
        (Fault::Code(424_242), Class::Malformed, Scope::Source, 1, None),
    ];
    for (fault, class, scope, tries, pause) in cases {
        let rig = Rig::learned();
        for _ in 0..9 {
            rig.play().fail_next(fault.clone());
        }
        let error = rig.page(None).await.err().expect("stays");
        let tries_left = if matches!(fault, Fault::Status(403)) { 1 } else { tries };
        assert_eq!((error.class, error.scope), (class, scope), "{fault:?}");
        assert!(rig.play().log.len() <= tries.max(tries_left), "{fault:?}");
        assert!(!error.to_string().contains("MADEUP"), "{error}");
        match pause {
            Some(method) => assert!(rig.ports.budget.paused(method).is_some(), "{fault:?}"),
            None => assert_eq!(rig.ports.budget.paused(None), None, "{fault:?}"),
        }
    }
}

/// The header alone says no, whatever the body is; an HTML page says nothing.
#[tokio::test]
async fn wrong_keys_are_told_apart() {
    for (spoil, code) in [(0, "ok 101"), (1, "ok 104"), (2, "ok 103"), (3, "ok 102")] {
        let mut rig = Rig::learned();
        match spoil {
            0 => rig.settings.application_key = "OTHER".to_owned(),
            1 => rig.settings.session_secret = "OTHER".to_owned(),
            2 => rig.settings.access_token = "OTHER".to_owned(),
            _ => rig.play().expired = true,
        }
        let error = rig.reader().prove().await.expect_err("wrong");
        assert_eq!((error.class, error.code.as_str()), (Class::NeedsPerson, code));
    }
    let rig = Rig::learned();
    assert!(rig.reader().prove().await.is_ok());
    assert_eq!(rig.play().log.len(), 1);
}

#[tokio::test]
async fn a_quota_is_tried_again_in_an_hour() {
    let rig = Rig::learned();
    rig.play().per_day.insert("mediatopic.getTopics".to_owned(), 2);
    let mut cursor = None;
    for _ in 0..2 {
        cursor = rig.look(cursor).await.expect("within the quota").cursor;
    }
    let error = rig.page(cursor.as_ref()).await.err().expect("used up");
    assert_eq!(error.class, Class::Quota);
    let calls = rig.play().log.len();
    assert!(rig.page(cursor.as_ref()).await.is_err());
    assert_eq!(rig.play().log.len(), calls, "nobody asks meanwhile");
    rig.ports.clock.advance(DAY);
    rig.look(cursor).await.expect("a new day");
}

/// After a FLOOD the method rests, and then calls keep twice their distance for an hour.
#[tokio::test]
async fn too_many_calls_slow_us_down() {
    let rig = Rig::learned();
    let reader = rig.reader();
    rig.play().fail_next(Fault::Code(8));
    let page = |cursor| reader.page(&rig.source, cursor, at(-DAY));
    let error = page(None).await.err().expect("blocked");
    assert_eq!(error.class, Class::RateLimited);
    rig.ports.clock.advance(5 * MINUTE);
    let distance = async || {
        let begun = rig.ports.clock.now();
        let first = reader.page(&rig.source, None, at(-DAY)).await.expect("reads");
        reader.page(&rig.source, Some(&first.cursor), at(-DAY)).await.expect("reads");
        (rig.ports.clock.now() - begun).total(jiff::Unit::Millisecond).expect("short")
    };
    let slow = distance().await;
    rig.ports.clock.advance(HOUR);
    let fast = distance().await;
    assert_eq!((slow, fast), (800.0, 400.0));
}

#[tokio::test]
async fn without_the_right_to_comments_topics_are_read_and_it_is_said() {
    let rig = Rig::learned();
    rig.play().rights.remove("VALUABLE_ACCESS");
    let topics: Vec<i64> = (1..=3)
        .map(|hour| {
            let topic = rig.play().world.topic(GROUP, GROUP, at(-hour * HOUR), "тема");
            let mut play = rig.play();
            play.world.comment(GROUP, (TOPIC, topic), ANNA, at(-MINUTE), "комментарий", None);
            topic
        })
        .collect();
    let looked = rig.look(None).await.expect("the look ends");
    assert_eq!((looked.ids().len(), looked.comments_closed), (3, 3));
    assert_eq!(looked.coverage.holes.len(), 3);
    let asked = rig.play().log.len();
    rig.ports.clock.advance(10 * MINUTE);
    let looked = rig.look(looked.cursor).await.expect("reads");
    assert_eq!(looked.comments_closed, 3, "it is said again");
    assert_eq!(rig.play().log.len(), asked + 1, "and not asked for again today");
    rig.play().rights.insert("VALUABLE_ACCESS".to_owned());
    rig.ports.clock.advance(6 * HOUR);
    let looked = rig.look(looked.cursor).await.expect("reads");
    assert_eq!((looked.ids().len(), looked.comments_closed), (6, 0), "{topics:?}");
}

#[tokio::test]
async fn rights_are_told_one_by_one() {
    let mut rig = Rig::new();
    let topic = rig.play().world.topic(GROUP, GROUP, at(-HOUR), "тема");
    rig.play().world.comment(GROUP, (TOPIC, topic), ANNA, at(-MINUTE), "комментарий", None);
    let told = rig.reader().rights(&rig.source).await;
    assert_eq!(told.iter().filter(|it| it.is_ok()).count(), 3);
    rig.source.platform_id = None;
    rig.source.handle = GROUP.to_string();
    rig.play().rights.remove("VALUABLE_ACCESS");
    let told = rig.reader().rights(&rig.source).await;
    let texts: Vec<&str> = told
        .iter()
        .map(|it| match it {
            Ok(text) => text.as_str(),
            Err(error) => error.text.as_str(),
        })
        .collect();
    assert!(texts[0].contains("темы группы читаются"), "{texts:?}");
    for text in &texts[1..] {
        assert!(text.contains("нет права VALUABLE_ACCESS") && text.contains("ok 10"), "{text}");
    }
    rig.play().rights.remove("GROUP_CONTENT");
    let told = rig.reader().rights(&rig.source).await;
    let error = told[0].as_ref().expect_err("no right at all");
    assert!(error.text.contains("GROUP_CONTENT"), "{error}");
}

/// Names, numbers of people and keys occur in nothing that leaves the crate.
#[tokio::test]
async fn people_stay_outside() {
    let rig = Rig::learned();
    {
        let mut play = rig.play();
        let world = &mut play.world;
        world.chatty = true;
        world.names.insert(ANNA, "Планета Канарейкина".to_owned());
        let topic = world.topic(GROUP, ANNA, at(-HOUR), "нет света");
        world.comment(GROUP, (TOPIC, topic), ANNA, at(-MINUTE), "и тепла", None);
        let photo = world.other(GROUP, PHOTO, at(-HOUR), "яма");
        world.comment(GROUP, (PHOTO, photo), ANNA, at(-MINUTE), "и воды", None);
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
    assert!(all.contains("и тепла") && all.contains("и воды"));
    for secret in [&ANNA.to_string(), "Планета", "Канарейкина", "MADEUP"] {
        assert!(!all.contains(secret), "{secret} in {all}");
    }
}
