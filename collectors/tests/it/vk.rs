//! The VK collector against the local VK: the door, limits, retries, tokens, people.

use otklik_collectors::play::vk::{Fault, Token};
use otklik_collectors::vk::TokenKind;
use otklik_collectors::{Class, Clock, Collector, Scope, SourceKind};
use serde_json::json;

use crate::ports::at;
use crate::vk_rig::{DAY, HOUR, MINUTE, OWNER, Rig};

#[tokio::test]
async fn the_door_lets_public_pages_in_alone() {
    use SourceKind::{Community, Leader, News};
    let cases = [
        ("village", Community, None),
        ("club200001", News, None),
        ("https://vk.ru/village?from=search", Community, None),
        ("-200001", Community, None),
        ("nobody_here", Community, Some((Class::Gone, "нет"))),
        ("club299999", Community, Some((Class::Gone, "нет"))),
        ("closed_club", Community, Some((Class::NoAccess, "Закрытое сообщество"))),
        ("banned_club", Community, Some((Class::Gone, "нет"))),
        ("-200005", Community, Some((Class::Gone, "удалено"))),
        ("some_app", Community, Some((Class::Refused, "приложение"))),
        ("вк", Community, Some((Class::Refused, "Не похоже"))),
        ("leader", Leader, None),
        ("leader", Community, Some((Class::Refused, "лидера мнений"))),
        ("id100002", News, Some((Class::Refused, "лидера мнений"))),
        ("neighbour", Leader, Some((Class::Refused, "меньше 10 000"))),
        ("hermit", Leader, Some((Class::NoAccess, "закрыта"))),
    ];
    for (handle, kind, expected) in cases {
        let mut rig = Rig::new();
        {
            let mut play = rig.play();
            let world = &mut play.world;
            world.add_community(-200_004, "closed_club", "Закрытое", 10);
            world.wall(-200_004).is_closed = 1;
            world.add_community(-200_005, "banned_club", "Удалённое", 10);
            world.wall(-200_005).deactivated = Some("banned".to_owned());
            world.add_community(-200_006, "some_app", "Игра", 10);
            world.wall(-200_006).kind = "application".to_owned();
            world.add_person_page(100_001, "leader", "Лидер", 10_000);
            world.add_person_page(100_002, "neighbour", "Сосед", 9_999);
            world.add_person_page(100_003, "hermit", "Отшельник", 50_000);
            world.wall(100_003).is_closed = 1;
        }
        rig.source.handle = handle.to_owned();
        rig.source.kind = kind;
        let got = rig.page(None).await;
        match (got, expected) {
            (Ok(page), None) => {
                let owner = if kind == Leader { "100001" } else { "-200001" };
                assert_eq!(page.facts.platform_id.as_deref(), Some(owner), "{handle}");
                assert_eq!(rig.play().calls("wall.get"), 1);
            }
            (Err(error), Some((class, words))) => {
                assert_eq!(error.class, class, "{handle} {kind:?}: {error}");
                assert!(error.text.contains(words), "{handle} {kind:?}: {error}");
                assert_eq!(rig.play().calls("wall.get"), 0, "{handle} {kind:?}");
            }
            (got, expected) => panic!("{handle} {kind:?}: {:?} {expected:?}", got.err()),
        }
    }
}

#[tokio::test]
async fn a_number_once_learned_is_not_asked_for_again() {
    let mut rig = Rig::new();
    rig.play().world.post(OWNER, OWNER, at(-HOUR), "пост");
    let looked = rig.look(None).await.expect("reads");
    rig.source.platform_id = Some(OWNER.to_string());
    rig.look(looked.cursor).await.expect("reads");
    assert_eq!(rig.play().calls("utils.resolveScreenName"), 1);
    assert_eq!(rig.play().calls("groups.getById"), 1);
    // A leader's page does not become a community by changing a word in the settings.
    rig.source.platform_id = Some("100001".to_owned());
    assert_eq!(rig.refused().await.0, Class::Refused);
}

#[tokio::test]
async fn faults_that_pass_are_waited_out_within_the_call() {
    for faults in [
        vec![Fault::Code(6); 4],
        vec![Fault::Code(1), Fault::Code(10), Fault::Status(502), Fault::Reset],
        vec![Fault::Cut(40), Fault::Status(500)],
        vec![Fault::Html],
        vec![Fault::Hang],
    ] {
        let mut rig = Rig::new();
        rig.source.platform_id = Some(OWNER.to_string());
        rig.play().world.post(OWNER, OWNER, at(-HOUR), "пост");
        for fault in &faults {
            rig.play().fail_next(fault.clone());
        }
        let looked = rig.look(None).await.expect("waits");
        assert_eq!(looked.ids(), ["vk:-200001_1"], "{faults:?}");
        let (wall, board) = (faults.len() + 1, 1);
        assert_eq!(rig.play().log.len(), wall + board, "{faults:?}");
        assert!(rig.ports.clock.now() >= at(1), "{faults:?}: no time went by");
    }
}

#[tokio::test]
async fn faults_that_stay_are_typed_and_bounded() {
    let cases = [
        (Fault::Code(6), Class::RateLimited, Scope::Token, 5, Some(None)),
        (Fault::Code(10), Class::Transient, Scope::Source, 5, None),
        (Fault::Status(502), Class::Transient, Scope::Host, 5, None),
        (Fault::Status(302), Class::Transient, Scope::Host, 5, None),
        (Fault::Status(404), Class::Malformed, Scope::Host, 2, None),
        (Fault::Html, Class::Malformed, Scope::Source, 2, None),
        (Fault::Hang, Class::Transient, Scope::Host, 2, None),
        (Fault::Code(9), Class::RateLimited, Scope::Method, 1, Some(Some("wall.get"))),
        (Fault::Code(29), Class::Quota, Scope::Method, 1, Some(Some("wall.get"))),
        (Fault::Code(14), Class::NeedsPerson, Scope::Token, 1, Some(None)),
        (Fault::Code(17), Class::NeedsPerson, Scope::Token, 1, Some(None)),
        (Fault::Code(5), Class::NeedsPerson, Scope::Token, 1, Some(None)),
        (Fault::Code(18), Class::Gone, Scope::Source, 1, None),
        (Fault::Code(15), Class::NoAccess, Scope::Source, 1, None),
        (Fault::Code(424_242), Class::Malformed, Scope::Source, 1, None),
    ];
    for (fault, class, scope, tries, pause) in cases {
        let mut rig = Rig::new();
        rig.source.platform_id = Some(OWNER.to_string());
        for _ in 0..9 {
            rig.play().fail_next(fault.clone());
        }
        let error = rig.page(None).await.err().expect("stays");
        assert_eq!((error.class, error.scope), (class, scope), "{fault:?}");
        assert_eq!(rig.play().log.len(), tries, "{fault:?}");
        assert!(!error.to_string().contains("MADEUP"), "{error}");
        let paused = pause.map(|method| rig.ports.budget.paused(method).is_some());
        assert_ne!(paused, Some(false), "{fault:?} orders a pause");
        if pause.is_none() {
            assert_eq!(rig.ports.budget.paused(None), None, "{fault:?}");
            assert_eq!(rig.ports.budget.paused(Some("wall.get")), None, "{fault:?}");
        }
    }
}

#[tokio::test]
async fn after_a_captcha_nobody_asks_with_this_token() {
    let mut rig = Rig::new();
    rig.source.platform_id = Some(OWNER.to_string());
    rig.play().fail_next(Fault::Code(14));
    assert_eq!(rig.refused().await.0, Class::NeedsPerson);
    rig.ports.clock.advance(5 * HOUR);
    assert_eq!(rig.refused().await.0, Class::RateLimited);
    assert_eq!(rig.play().log.len(), 1);
    rig.ports.clock.advance(HOUR);
    rig.page(None).await.expect("the pause is over");
}

#[tokio::test]
async fn a_daily_quota_of_the_server_waits_for_midnight_of_moscow() {
    let mut rig = Rig::new();
    rig.source.platform_id = Some(OWNER.to_string());
    rig.play().per_day.insert("wall.get".to_owned(), 3);
    let mut cursor = None;
    for _ in 0..3 {
        cursor = rig.look(cursor).await.expect("within the quota").cursor;
    }
    let error = rig.page(cursor.as_ref()).await.err().expect("used up");
    assert_eq!((error.class, error.until), (Class::Quota, Some(at(21 * HOUR))));
    rig.ports.clock.advance(21 * HOUR);
    rig.look(cursor).await.expect("a new day");
}

#[tokio::test]
async fn without_the_right_to_comments_the_wall_is_read_and_it_is_said() {
    let mut rig = Rig::new();
    rig.source.platform_id = Some(OWNER.to_string());
    rig.play().per_day.insert("wall.getComments".to_owned(), 1);
    for hour in 1..=3 {
        let post = rig.play().world.post(OWNER, OWNER, at(-hour * HOUR), "пост");
        rig.play().world.comment(OWNER, post, 100_001, at(-MINUTE), "комментарий", None);
    }
    let looked = rig.look(None).await.expect("the look ends");
    assert_eq!(looked.ids().len(), 4, "three posts and the comment that the quota gave");
    assert_eq!(looked.comments_closed, 2);
    rig.ports.clock.advance(DAY);
    rig.play().per_day.clear();
    let looked = rig.look(looked.cursor).await.expect("reads");
    let comments = ["vk:-200001_2", "vk:-200001_4", "vk:-200001_6"];
    assert!(comments[1..].iter().all(|id| looked.ids().contains(id)), "{:?}", looked.ids());
}

/// Names, avatars, numbers of people and the token occur in nothing that leaves the crate.
#[tokio::test]
async fn people_stay_outside() {
    let rig = Rig::new();
    {
        let mut play = rig.play();
        let world = &mut play.world;
        world.chatty = true;
        world.names.insert(100_777, ("Планета".to_owned(), "Канарейкина".to_owned()));
        let post = world.post(OWNER, OWNER, at(-HOUR), "нет света");
        world.set(OWNER, post, "signer_id", json!(100_777));
        world.set(OWNER, post, "created_by", json!(100_777));
        let other = world.post(OWNER, 100_777, at(-HOUR), "и воды");
        world.comment(OWNER, other, 100_777, at(-MINUTE), "и тепла", None);
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
    assert!(all.contains("и тепла"));
    for secret in ["100777", "Планета", "Канарейкина", "avatar", "MADEUPTOKEN"] {
        assert!(!all.contains(secret), "{secret} in {all}");
    }
}

#[tokio::test]
async fn tokens_are_proven_by_one_call() {
    for (token, kind, expected) in [
        (Token::Service, TokenKind::Service, None),
        (Token::User, TokenKind::User, None),
        (Token::Community, TokenKind::Service, Some((Class::NeedsPerson, "vk 27"))),
        (Token::Dead, TokenKind::Service, Some((Class::NeedsPerson, "vk 5"))),
    ] {
        let mut rig = Rig::new();
        rig.play().tokens.insert("MADEUPTOKEN".to_owned(), token);
        rig.settings.token_kind = kind;
        let proven = rig.vk().prove().await;
        let got = proven.as_ref().err().map(|error| (error.class, error.code.as_str()));
        assert_eq!(got, expected, "{token:?}");
        assert_eq!(rig.play().log.len(), 1);
    }
}

/// Evenly spaced at the pace that the token has: never too fast, and not slower than need be.
#[tokio::test]
async fn calls_keep_the_pace_of_the_token() {
    for (token, kind, most) in
        [(Token::Service, TokenKind::Service, 5), (Token::User, TokenKind::User, 3)]
    {
        let mut rig = Rig::new();
        rig.settings.token_kind = kind;
        rig.play().tokens.insert("MADEUPTOKEN".to_owned(), token);
        for n in 0..60 {
            let post = rig.play().world.post(OWNER, OWNER, at(-n * HOUR), "пост");
            rig.play().world.comment(OWNER, post, 100_001, at(-MINUTE), "комментарий", None);
        }
        let begun = rig.ports.clock.now();
        rig.look(None).await.expect("reads");
        let play = rig.play();
        assert_eq!(play.busiest_second(), most);
        assert!(play.log.iter().all(|call| call.error.is_none()));
        let took = (rig.ports.clock.now() - begun).get_seconds();
        let fastest = i64::try_from(play.log.len() / most).expect("fits");
        assert!(took <= fastest * 12 / 10, "{took} seconds where {fastest} are possible");
    }
}
