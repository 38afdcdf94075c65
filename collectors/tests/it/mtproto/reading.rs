//! What the account adds to the preview, and how it is read.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use otklik_collectors::play::mtproto::{Fault, PERSON_NAME, Trim, Who};
use otklik_collectors::play::telegram::Dress;
use otklik_collectors::{Author, Class, Facts, HoleCause, RawKind, SourceKind};

use super::{CHANNEL, GROUP, NAME, Stage, days, start};

fn mins(n: i64) -> SignedDuration {
    SignedDuration::from_mins(n)
}

fn comment(stage: &Stage, post: i32, user: i64, at: Timestamp, text: &str) -> i32 {
    let who = Who::User(user);
    stage.play.lock().unwrap().world.comment(CHANNEL, post, at, who, text, None).unwrap()
}

#[tokio::test]
async fn a_closed_preview_is_read_by_the_account_under_the_same_numbers() {
    let mut open = Stage::new();
    let mut closed = Stage::new();
    closed.close_preview();
    for stage in [&mut open, &mut closed] {
        for n in 0..130 {
            stage.post(start() - mins(300 - n), &format!("Запись {n}"));
        }
        // An album is one post under its first number, whoever reads it.
        let dress = Dress { pictures: 3, ..Dress::default() };
        stage.site.lock().unwrap().post_dressed(NAME, start() - mins(100), "Альбом", dress);
        for text in ["Альбом", "", ""] {
            let trim = Trim { album: Some(5), ..Trim::default() };
            let mut play = stage.play.lock().unwrap();
            play.world.post_trimmed(CHANNEL, start() - mins(100), text, trim);
        }
        for n in 0..98 {
            stage.post(start() - mins(98 - n), &format!("После {n}"));
        }
        stage.look().await;
    }
    assert_eq!(open.store.texts(), closed.store.texts());
    assert_eq!(open.store.posts.len(), 130 + 1 + 98);
    assert!(open.asked(0).iter().all(|method| *method != "channels.getMessages"));
    // What one way has read, the other goes on with.
    open.close_preview();
    open.look().await;
    assert!(open.store.delivered.values().all(|times| *times == 1));
}

#[tokio::test]
async fn comments_hang_on_their_post_and_carry_nobody() {
    let mut stage = Stage::new();
    stage.spec.kind = SourceKind::Official;
    let post = stage.post(start() - mins(60), "Отключение воды");
    let first = comment(&stage, post, 777_001, start() - mins(50), "Воды нет третий день");
    {
        let mut play = stage.play.lock().unwrap();
        let who = Who::User(777_002);
        play.world.comment(CHANNEL, post, start() - mins(40), who, "И у нас", Some(first));
        let (at, own) = (start() - mins(30), Who::Channel(CHANNEL));
        play.world.comment(CHANNEL, post, at, own, "Бригада выехала", None);
    }
    let facts = stage.look().await;
    let told: Vec<_> = stage
        .store
        .posts
        .values()
        .map(|p| (p.id.as_str(), p.parent.as_deref(), p.kind, p.text.as_str(), p.official))
        .collect();
    let parent = Some("tg:1700000001_1");
    assert_eq!(
        told,
        [
            ("tg:1700000001_1", None, RawKind::Post, "Отключение воды", true),
            ("tg:1700000002_2", parent, RawKind::Comment, "Воды нет третий день", false),
            ("tg:1700000002_3", parent, RawKind::Comment, "И у нас", false),
            ("tg:1700000002_4", parent, RawKind::Comment, "Бригада выехала", true),
        ]
    );
    let comment = &stage.store.posts["tg:1700000002_2"];
    assert_eq!(comment.url.as_deref(), Some("https://t.me/selo_vestnik/1?comment=2"));
    assert!(matches!(comment.author, Author::Person(_)));
    assert!(matches!(stage.store.posts["tg:1700000002_4"].author, Author::Source));
    let cursor = stage.store.cursor.as_ref().unwrap();
    for secret in [PERSON_NAME, "777001", "777002", "vydumka", "79990000001"] {
        assert!(!cursor.0.contains(secret), "{secret} in the cursor");
    }
    let rooms = format!("{:?}", stage.rooms.0.lock().unwrap());
    assert!(rooms.contains("1700000001") && !rooms.contains("77700"), "{rooms}");
    assert_eq!((facts.comments_closed, facts.coverage.holes.len()), (0, 0));
    let (from, to) = facts.coverage.read.unwrap();
    assert!(from <= start() - days(6) && to >= start(), "{from} {to}");
}

#[tokio::test]
async fn a_quiet_look_asks_for_the_posts_alone() {
    let mut stage = Stage::new();
    for n in 0..30 {
        let post = stage.post(start() - mins(600 - n), "Запись");
        for k in 0..5 {
            comment(&stage, post, 777_001 + k, start() - mins(300 - n), "Да");
        }
    }
    stage.look().await;
    assert_eq!(stage.store.posts.len(), 30 + 150);
    let before = stage.calls();
    stage.world.clock.pass(mins(15));
    stage.look().await;
    assert_eq!(stage.asked(before), ["messages.getHistory"]);
    // One new comment: one page more.
    comment(&stage, 7, 777_009, stage.world.now(), "Новое");
    let before = stage.calls();
    stage.look().await;
    assert_eq!(stage.asked(before), ["messages.getHistory", "messages.getReplies"]);
    assert_eq!(stage.store.posts.len(), 30 + 151);
}

#[tokio::test]
async fn a_burst_of_comments_and_posts_is_not_lost() {
    let mut stage = Stage::new();
    stage.close_preview();
    let post = stage.post(start() - mins(600), "Запись");
    comment(&stage, post, 777_001, start() - mins(500), "Первый");
    stage.look().await;
    for n in 0..350 {
        comment(&stage, post, 777_001 + n % 7, start() + mins(n), &format!("Ещё {n}"));
        stage.post(start() + mins(n), &format!("Новость {n}"));
    }
    // After a month, the burst lies behind the window and is wanted all the same.
    stage.world.clock.set(start() + days(5));
    stage.look().await;
    assert_eq!(stage.store.posts.len(), 2 * 351);
    assert!(stage.store.delivered.values().all(|times| *times == 1));
}

#[tokio::test]
async fn edits_and_deletions_of_comments_are_seen() {
    let mut stage = Stage::new();
    let post = stage.post(start() - mins(600), "Запись");
    let ids: Vec<i32> =
        (0..120).map(|n| comment(&stage, post, 777_001, start() - mins(200 - n), "Да")).collect();
    stage.look().await;
    let now = stage.world.now();
    {
        let mut play = stage.play.lock().unwrap();
        for id in &ids[10..14] {
            play.world.delete(GROUP, *id, now);
        }
        play.world.edit(GROUP, ids[50], now, "Нет воды");
    }
    // One comment more hides one deletion less from the counters, not from the count.
    comment(&stage, post, 777_002, now, "Новое");
    stage.look().await;
    assert_eq!(stage.store.posts.len(), 1 + 117);
    assert_eq!(stage.store.posts[&format!("tg:{GROUP}_{}", ids[50])].text.as_str(), "Нет воды");
    // An edit alone moves no counter: the next day's reading sees it.
    stage.play.lock().unwrap().world.edit(GROUP, ids[60], now, "И света нет");
    stage.world.clock.pass(SignedDuration::from_hours(25));
    stage.look().await;
    assert_eq!(stage.store.posts[&format!("tg:{GROUP}_{}", ids[60])].text.as_str(), "И света нет");
    // The post goes and takes its discussion along.
    let now = stage.world.now();
    stage.play.lock().unwrap().world.delete(CHANNEL, post, now);
    stage.site.lock().unwrap().delete(NAME, i64::from(post), now);
    stage.post(now, "Другая запись");
    stage.look().await;
    assert_eq!(stage.store.texts().into_values().collect::<Vec<_>>(), ["Другая запись"]);
}

#[tokio::test]
async fn a_false_empty_answer_to_a_look_up_takes_no_living_comment() {
    let mut stage = Stage::new();
    let post = stage.post(start() - mins(600), "Запись");
    let ids: Vec<i32> =
        (0..5).map(|n| comment(&stage, post, 777_001, start() - mins(200 - n), "Да")).collect();
    stage.look().await;
    // Both the listing and every look-up come back empty, while the post tells of six comments.
    let last = comment(&stage, post, 777_002, stage.world.now(), "Новое");
    stage.play.lock().unwrap().fail_always("messages.getReplies", Some(Fault::Empty));
    let before = stage.calls();
    stage.look().await;
    let looked_up = stage.asked(before).iter().filter(|m| **m == "messages.getReplies").count();
    assert!(looked_up > 5, "each comment was looked up: {looked_up}");
    assert_eq!(stage.store.posts.len(), 1 + 5);
    // Once the answers are true again, the next look reads what is there.
    stage.play.lock().unwrap().calm();
    stage.world.clock.pass(SignedDuration::from_hours(25));
    stage.look().await;
    assert_eq!(stage.store.posts.len(), 1 + 6);
    // When the post tells of none any more, an empty answer is the truth.
    let now = stage.world.now();
    for id in ids {
        stage.play.lock().unwrap().world.delete(GROUP, id, now);
    }
    stage.look().await;
    assert_eq!(stage.store.posts.len(), 1 + 1);
    stage.play.lock().unwrap().world.delete(GROUP, last, now);
    stage.look().await;
    assert_eq!(stage.store.posts.len(), 1);
}

#[tokio::test]
async fn an_edit_behind_a_reading_that_was_broken_off_is_seen_within_a_day() {
    let mut stage = Stage::new();
    let post = stage.post(start() - mins(600), "Запись");
    let ids: Vec<i32> =
        (0..150).map(|n| comment(&stage, post, 777_001, start() - mins(200 - n), "Да")).collect();
    stage.look().await;
    // A day later the whole thread is read again; after its first page the look breaks off.
    stage.world.clock.pass(SignedDuration::from_hours(25));
    let before = stage.calls();
    while !stage.asked(before).contains(&"messages.getReplies") {
        let page = stage.page().await.unwrap();
        stage.store.commit(page);
    }
    // What that page showed is edited; the look goes on much later.
    let now = stage.world.now();
    stage.play.lock().unwrap().world.edit(GROUP, ids[149], now, "Нет воды");
    stage.world.clock.pass(SignedDuration::from_hours(25));
    stage.look().await;
    stage.look().await;
    assert_eq!(stage.store.posts[&format!("tg:{GROUP}_{}", ids[149])].text.as_str(), "Нет воды");
}

#[tokio::test]
async fn a_public_group_is_read_as_posts_and_answers() {
    let mut stage = Stage::new();
    stage.play.lock().unwrap().world.add_group("selo_chat", 1_700_000_009, "Чат посёлка");
    stage.site.lock().unwrap().add_channel("selo_chat", 1_700_000_009, "Чат посёлка");
    stage.site.lock().unwrap().set_preview("selo_chat", false);
    stage.spec.handle = "@selo_chat".to_owned();
    {
        let mut play = stage.play.lock().unwrap();
        let id = 1_700_000_009;
        let (who, at) = (Who::User(777_001), start() - mins(50));
        let ask = play.world.say(id, at, "Почему нет света?", who, None, Trim::default());
        stage.world.clock.pass(mins(1));
        let pin = Trim { service: true, ..Trim::default() };
        play.world.say(id, at, "", Who::Room, None, pin);
        assert_eq!(ask, 1);
    }
    stage.look().await;
    {
        let mut play = stage.play.lock().unwrap();
        let (who, at) = (Who::User(777_002), stage.world.now());
        play.world.say(1_700_000_009, at, "Авария", who, Some(1), Trim::default());
        play.world.say(1_700_000_009, at, "Объявление", Who::Room, Some(400), Trim::default());
    }
    stage.look().await;
    let told: BTreeMap<_, _> = stage
        .store
        .posts
        .values()
        .map(|p| (p.id.as_str(), (p.kind, p.parent.as_deref(), p.text.as_str())))
        .collect();
    let expected = [
        ("tg:1700000009_1", (RawKind::Post, None, "Почему нет света?")),
        ("tg:1700000009_3", (RawKind::Comment, Some("tg:1700000009_1"), "Авария")),
        // What it answers is not stored: it stands alone.
        ("tg:1700000009_4", (RawKind::Post, None, "Объявление")),
    ];
    assert_eq!(told, BTreeMap::from(expected));
    assert_eq!(stage.asked(0)[0], "contacts.resolveUsername");
    assert!(!stage.asked(1).contains(&"contacts.resolveUsername"), "never looked up twice");
}

#[tokio::test]
async fn people_and_strange_channels_are_refused() {
    let mut stage = Stage::new();
    stage.close_preview();
    stage.spec.handle = "@primer_chelovek".to_owned();
    stage.site.lock().unwrap().add_channel("primer_chelovek", 5, "");
    stage.site.lock().unwrap().set_preview("primer_chelovek", false);
    stage.play.lock().unwrap().account.people.insert("primer_chelovek".to_owned(), 777_005);
    let error = stage.page().await.err().unwrap();
    assert_eq!((error.class, error.code.as_str()), (Class::Refused, "telegram person"));
    // The name of a channel that was read before belongs to another one now.
    let mut stage = Stage::new();
    stage.close_preview();
    stage.store.platform_id = Some("1600000000".to_owned());
    let error = stage.page().await.err().unwrap();
    assert_eq!((error.class, error.code.as_str()), (Class::NeedsPerson, "telegram other"));
}

#[tokio::test]
async fn a_trouble_of_the_account_never_stops_the_preview() {
    let rpc = |code, name: &str| Fault::Rpc(code, name.to_owned());
    let faults = [
        (Fault::Flood(86_400), true),
        (Fault::Drop, true),
        (Fault::Silence, true),
        (Fault::Garbage(vec![1; 40]), true),
        (rpc(400, "CHANNEL_PRIVATE"), true),
        (rpc(401, "AUTH_KEY_UNREGISTERED"), false),
        (rpc(401, "USER_DEACTIVATED_BAN"), false),
    ];
    for (fault, quiet) in faults {
        let mut stage = Stage::new();
        let post = stage.post(start() - mins(60), "Нет воды");
        comment(&stage, post, 777_001, start() - mins(50), "И у нас");
        let methods = ["messages.getHistory", "messages.getReplies"];
        for method in methods {
            stage.play.lock().unwrap().fail_always(method, Some(fault.clone()));
        }
        let mut ended = None;
        for _ in 0..8 {
            match stage.page().await {
                Ok(page) => {
                    let more = page.more;
                    ended = Some(Ok(page.facts.clone()));
                    stage.store.commit(page);
                    if !more {
                        break;
                    }
                }
                Err(error) => ended = Some(Err(error)),
            }
            stage.world.clock.pass(mins(1));
        }
        assert_eq!(stage.store.posts.len(), 1, "{fault:?}");
        match ended.unwrap() {
            Ok(facts) => {
                assert!(quiet, "{fault:?}");
                let holes: Vec<_> = facts.coverage.holes.iter().map(|hole| hole.cause).collect();
                assert_eq!(holes, [HoleCause::CommentsRefused], "{fault:?}");
                assert!(facts.coverage.read.is_some());
            }
            Err(error) => {
                assert!(!quiet && error.class == Class::NeedsPerson, "{fault:?} {}", error.code);
                let soon = stage.world.now() + mins(20);
                assert!(error.until.is_some_and(|until| until < soon), "posts come first");
            }
        }
        // New posts are read all the same, and once the trouble is over the comments come too.
        stage.world.clock.pass(mins(30));
        stage.post(stage.world.now(), "Воду дали");
        let page = stage.page().await.unwrap();
        stage.store.commit(page);
        assert_eq!(stage.store.posts.len(), 2, "{fault:?}");
        stage.play.lock().unwrap().calm();
        stage.world.clock.pass(SignedDuration::from_hours(25));
        stage.look().await;
        assert_eq!(stage.store.posts.len(), 3, "{fault:?}");
        assert_eq!(stage.play.lock().unwrap().broken_waits(), 0, "{fault:?}");
    }
}

#[tokio::test]
async fn a_channel_without_a_discussion_is_not_asked_again_the_same_day() {
    let mut stage = Stage::new();
    stage.play.lock().unwrap().world.add_channel(NAME, CHANNEL, "Вестник посёлка", None);
    stage.post(start(), "Нет воды");
    stage.look().await;
    assert_eq!(stage.asked(0), ["contacts.resolveUsername", "messages.getHistory"]);
    let before = stage.calls();
    stage.world.clock.pass(SignedDuration::from_hours(20));
    stage.look().await;
    assert!(stage.asked(before).is_empty());
    stage.world.clock.pass(SignedDuration::from_hours(5));
    stage.look().await;
    assert_eq!(stage.asked(before), ["messages.getHistory"]);
}

#[tokio::test]
async fn a_new_comment_below_an_old_post_is_met_within_a_day() {
    let mut stage = Stage::new();
    let post = stage.post(start() - days(6), "Будем отключать воду");
    comment(&stage, post, 777_001, start() - days(5), "Понятно");
    stage.look().await;
    // The post leaves the window.
    stage.world.clock.pass(days(10));
    stage.post(stage.world.now(), "Другое");
    stage.look().await;
    comment(&stage, post, 777_002, stage.world.now(), "Воды нет до сих пор");
    let before = stage.calls();
    stage.look().await;
    assert_eq!(stage.asked(before), ["messages.getHistory"], "asked for once a day");
    stage.world.clock.pass(SignedDuration::from_hours(25));
    let before = stage.calls();
    stage.look().await;
    let asked = ["messages.getHistory", "channels.getMessages", "messages.getReplies"];
    assert_eq!(stage.asked(before), asked);
    let texts: Vec<String> = stage.store.texts().into_values().collect();
    assert_eq!(
        texts,
        ["Будем отключать воду", "Другое", "Понятно", "Воды нет до сих пор"],
        "older comments stay"
    );
    // In the end it is forgotten, and from then on every look says so.
    let late = |facts: &Facts| facts.coverage.holes.iter().any(|it| it.cause == HoleCause::Late);
    assert!(!late(&stage.look().await));
    stage.world.clock.pass(days(40));
    let before = stage.calls();
    for _ in 0..2 {
        assert!(late(&stage.look().await));
    }
    assert!(!stage.asked(before).contains(&"channels.getMessages"));
}

#[tokio::test]
async fn a_false_empty_answer_about_counters_forgets_no_thread() {
    let mut stage = Stage::new();
    let post = stage.post(start() - days(6), "Будем отключать воду");
    comment(&stage, post, 777_001, start() - days(5), "Понятно");
    stage.look().await;
    // The post leaves the window; its counter is asked for, and nothing comes back.
    stage.world.clock.pass(days(10));
    stage.post(stage.world.now(), "Другое");
    stage.look().await;
    stage.world.clock.pass(SignedDuration::from_hours(25));
    stage.play.lock().unwrap().fail_always("channels.getMessages", Some(Fault::Empty));
    let before = stage.calls();
    stage.look().await;
    assert_eq!(stage.asked(before), ["messages.getHistory", "channels.getMessages"]);
    // The next day's answer is true: the thread was not forgotten.
    stage.play.lock().unwrap().calm();
    comment(&stage, post, 777_002, stage.world.now(), "Воды нет до сих пор");
    stage.world.clock.pass(SignedDuration::from_hours(25));
    stage.look().await;
    assert_eq!(stage.store.posts.len(), 4);
    // A post that is nowhere any more is asked for no more.
    let now = stage.world.now();
    stage.play.lock().unwrap().world.delete(CHANNEL, post, now);
    for asks in [1, 0] {
        stage.world.clock.pass(SignedDuration::from_hours(25));
        let before = stage.calls();
        stage.look().await;
        let asked = stage.asked(before);
        let counters = asked.iter().filter(|m| **m == "channels.getMessages").count();
        assert_eq!(counters, asks, "{asked:?}");
    }
}

/// A channel without a name is for its members alone, and so it is not for us, though the account
/// be one of them.
#[tokio::test]
async fn a_channel_turned_private_is_left_alone() {
    let mut stage = Stage::new();
    stage.close_preview();
    stage.post(start(), "Нет воды");
    stage.look().await;
    stage.play.lock().unwrap().world.make_private(CHANNEL);
    stage.post(start() + mins(1), "Для своих");
    stage.world.clock.pass(mins(10));
    for _ in 0..2 {
        let before = stage.calls();
        let error = stage.page().await.err().unwrap();
        assert_eq!((error.class, error.code.as_str()), (Class::NoAccess, "telegram private"));
        assert_eq!(stage.asked(before), ["messages.getHistory"]);
        stage.world.clock.pass(days(1));
    }
    stage.play.lock().unwrap().world.rename(CHANNEL, NAME);
    stage.look().await;
    assert_eq!(stage.store.posts.len(), 2);
}

/// More old posts than one request takes are all asked for, each day.
#[tokio::test]
async fn new_comments_below_any_of_many_old_posts_are_met() {
    let mut stage = Stage::new();
    let posts: Vec<i32> =
        (0..200).map(|n| stage.post(start() - days(6) + mins(n), "Объявление")).collect();
    stage.look().await;
    stage.world.clock.pass(days(10));
    stage.post(stage.world.now(), "Другое");
    stage.look().await;
    let late = [posts[0], posts[100], posts[199]];
    let ids: Vec<String> = late
        .iter()
        .map(|post| comment(&stage, *post, 777_002, stage.world.now(), "Воды нет"))
        .map(|id| format!("tg:{GROUP}_{id}"))
        .collect();
    stage.world.clock.pass(SignedDuration::from_hours(25));
    let before = stage.calls();
    stage.look().await;
    for id in ids {
        assert!(stage.store.posts.contains_key(&id), "{id}");
    }
    let asked = stage.asked(before);
    assert_eq!(asked.iter().filter(|method| **method == "channels.getMessages").count(), 3);
    let before = stage.calls();
    stage.look().await;
    assert_eq!(stage.asked(before), ["messages.getHistory"], "once a day");
}
