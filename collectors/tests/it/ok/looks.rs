//! Looks of the OK collector: comments, long lists, deletions, anchors, resuming.

use std::sync::Arc;

use otklik_collectors::http::Http;
use otklik_collectors::ok::Odnoklassniki;
use otklik_collectors::play::ok::{Fault, PHOTO, TOPIC};
use otklik_collectors::play::serve;
use otklik_collectors::{Class, Clock, Collector, Cursor, HoleCause};

use super::rig::{ANNA, BORIS, DAY, GROUP, HOUR, MINUTE, Rig, id};
use crate::ports::at;
use crate::wire;

#[tokio::test]
async fn closed_comments_are_asked_for_once() {
    let rig = Rig::learned();
    let topic = rig.play().world.topic(GROUP, GROUP, at(-HOUR), "тема");
    rig.play().world.comment(GROUP, (TOPIC, topic), ANNA, at(-MINUTE), "комментарий", None);
    rig.play().world.group(GROUP).topics.get_mut(&topic).expect("there").closed = true;
    let mut cursor = None;
    for _ in 0..3 {
        let looked = rig.look(cursor).await.expect("reads");
        assert_eq!((looked.ids().len(), looked.comments_closed), (1, 1));
        let causes: Vec<HoleCause> = looked.coverage.holes.iter().map(|it| it.cause).collect();
        assert_eq!(causes, [HoleCause::CommentsRefused]);
        cursor = looked.cursor;
        rig.ports.clock.advance(10 * MINUTE);
    }
    assert_eq!(rig.play().calls("discussions.getComments"), 1);
}

#[tokio::test]
async fn comments_nobody_wants_are_not_asked_for() {
    let mut rig = Rig::learned();
    rig.source.comments = false;
    let topic = rig.play().world.topic(GROUP, GROUP, at(-HOUR), "тема");
    rig.play().world.comment(GROUP, (TOPIC, topic), ANNA, at(-MINUTE), "комментарий", None);
    let looked = rig.look(None).await.expect("reads");
    assert_eq!(looked.ids(), [id(topic)]);
    assert_eq!(rig.play().log.len(), 1, "one page of topics and nothing else");
}

#[tokio::test]
async fn the_last_page_says_what_was_read() {
    let rig = Rig::learned();
    rig.play().world.topic(GROUP, GROUP, at(-HOUR), "тема");
    let looked = rig.look(None).await.expect("reads");
    let (from, to) = looked.coverage.read.expect("said");
    assert_eq!((from, to), (at(-7 * DAY), at(0)));
    assert!(looked.coverage.holes.is_empty());
}

/// Comments below topics older than the window are not read, and every look says so.
#[tokio::test]
async fn comments_below_old_topics_are_told_as_unseen() {
    for (age, comments, expected) in [(6, true, 0), (8, true, 1), (8, false, 0)] {
        let mut rig = Rig::learned();
        rig.source.comments = comments;
        let topic = rig.play().world.topic(GROUP, GROUP, at(-age * DAY), "тема");
        rig.play().world.topic(GROUP, GROUP, at(-HOUR), "другая");
        let mut cursor = None;
        for look in 0..3 {
            let now = rig.ports.clock.now();
            rig.play().world.comment(GROUP, (TOPIC, topic), ANNA, now, "воды нет", None);
            let looked = rig.look(cursor).await.expect("reads");
            let late = looked.coverage.holes.iter().filter(|it| it.cause == HoleCause::Late);
            let told: Vec<_> = late.map(|it| (Some((it.from, it.to)), it.posts)).collect();
            assert_eq!(told.len(), expected, "{age} days, comments {comments}, look {look}");
            assert!(told.iter().all(|it| *it == (looked.coverage.read, None)), "{told:?}");
            cursor = looked.cursor;
            rig.ports.clock.advance(HOUR);
        }
    }
}

/// Topics of which OK shows only the first blocks are told by every look until they are whole.
#[tokio::test]
async fn topics_that_are_shown_in_part_are_told() {
    let rig = Rig::learned();
    let long = rig.play().world.topic(GROUP, GROUP, at(-2 * HOUR), "Начало длинной темы");
    rig.play().world.topic(GROUP, GROUP, at(-HOUR), "Короткая");
    let mut cursor = None;
    for (more, expected) in [(true, 1), (true, 1), (false, 0)] {
        rig.play().world.set(GROUP, long, "has_more", more.into());
        let looked = rig.look(cursor).await.expect("reads");
        let holes = looked.coverage.holes.iter().filter(|it| it.cause == HoleCause::Cut);
        let told: Vec<_> = holes.map(|it| (it.from, Some(it.to), it.posts)).collect();
        let to = looked.coverage.read.map(|(_, to)| to);
        assert_eq!(told, [(at(-2 * HOUR), to, Some(1))][..expected]);
        assert!(looked.ids().contains(&id(long).as_str()), "what is given is stored");
        cursor = looked.cursor;
        rig.ports.clock.advance(10 * MINUTE);
    }
}

/// Removals among more comments than can be remembered go unseen: every look says so.
#[tokio::test]
async fn comments_too_many_to_remember_are_told_as_unwatched() {
    let rig = Rig::learned();
    let topic = rig.play().world.topic(GROUP, GROUP, at(-HOUR), "тема");
    rig.play().world.comment(GROUP, (TOPIC, topic), ANNA, at(-HOUR), "комментарий", None);
    let looked = rig.look(None).await.expect("reads");
    assert_eq!(looked.coverage.holes, []);
    // As the cursor of a topic with very many comments has it.
    let cursor = looked.cursor.expect("a cursor").0;
    let mut state: serde_json::Value = serde_json::from_str(&cursor).expect("JSON");
    let things = state["things"].as_object_mut().expect("things");
    let (_, known) = things.iter_mut().next().expect("one");
    known["b"] = true.into();
    rig.ports.clock.advance(10 * MINUTE);
    let looked = rig.look(Some(Cursor(state.to_string()))).await.expect("reads");
    let [hole] = &looked.coverage.holes[..] else { panic!("one hole") };
    let expected = (HoleCause::Unwatched, at(-HOUR), at(10 * MINUTE), Some(1));
    assert_eq!((hole.cause, hole.from, hole.to, hole.posts), expected);
}

/// A long list that only grows is read from its end.
#[tokio::test]
async fn a_topic_with_very_many_comments_is_read_from_its_end_while_it_grows() {
    let rig = Rig::learned();
    let topic = {
        let mut play = rig.play();
        let topic = play.world.topic(GROUP, GROUP, at(-HOUR), "тема");
        for _ in 0..2_500 {
            play.world.comment(GROUP, (TOPIC, topic), ANNA, at(-HOUR), "комментарий", None);
        }
        topic
    };
    let mut looked = rig.look(None).await.expect("reads");
    assert_eq!(looked.ids().len(), 2_501);
    let first = rig.play().calls("discussions.getComments");
    assert_eq!(first, 25);
    for _ in 0..3 {
        rig.ports.clock.advance(5 * MINUTE);
        let now = rig.ports.clock.now();
        let answer = {
            let world = &mut rig.play().world;
            let first = world.comment(GROUP, (TOPIC, topic), ANNA, now, "ещё", None);
            world.comment(GROUP, (TOPIC, topic), BORIS, now, "да", Some(first))
        };
        looked = rig.look(looked.cursor).await.expect("reads");
        let name = id(format!("{topic}_{answer}"));
        assert!(looked.ids().contains(&name.as_str()), "{name}");
    }
    let later = rig.play().calls("discussions.getComments") - first;
    assert_eq!(later, 3, "one call each time");
}

/// More comments than were once remembered: what dies among them is named, and a topic that dies
/// takes along whatever hangs below it.
#[tokio::test]
async fn removals_among_very_many_comments_are_named() {
    let rig = Rig::learned();
    let (topic, comments) = {
        let mut play = rig.play();
        let topic = play.world.topic(GROUP, GROUP, at(-DAY), "тема");
        play.world.topic(GROUP, GROUP, at(-DAY), "другая");
        let mut add = |_| play.world.comment(GROUP, (TOPIC, topic), ANNA, at(-DAY), "к", None);
        (topic, (0..2_500).map(&mut add).collect::<Vec<i64>>())
    };
    let looked = rig.look(None).await.expect("reads");
    assert_eq!((looked.ids().len(), looked.coverage.holes.len()), (2_502, 0));
    let dead: Vec<i64> = comments.iter().copied().step_by(97).collect();
    for id in &dead {
        rig.play().world.delete(GROUP, *id, at(MINUTE));
    }
    rig.ports.clock.advance(2 * HOUR);
    let mut looked = rig.look(looked.cursor).await.expect("reads");
    looked.gone.sort();
    looked.gone.dedup();
    let mut expected: Vec<String> = dead.iter().map(|it| id(format!("{topic}_{it}"))).collect();
    expected.sort();
    assert_eq!(looked.gone, expected);
    rig.play().world.delete(GROUP, topic, rig.ports.clock.now());
    rig.ports.clock.advance(2 * HOUR);
    let looked = rig.look(looked.cursor).await.expect("reads");
    assert_eq!(looked.gone_below, [id(topic)]);
}

/// A deleted comment is gone after two whole listings, which one look makes.
#[tokio::test]
async fn deleted_comments_are_gone_in_one_look() {
    let rig = Rig::learned();
    let (topic, ids) = {
        let mut play = rig.play();
        let topic = play.world.topic(GROUP, GROUP, at(-DAY), "тема");
        let mut add = |to| play.world.comment(GROUP, (TOPIC, topic), ANNA, at(-DAY), "к", to);
        let first = add(None);
        let answer = add(Some(first));
        (topic, [first, answer, add(None)])
    };
    let looked = rig.look(None).await.expect("reads");
    for comment in &ids[..2] {
        rig.play().world.delete(GROUP, *comment, at(MINUTE));
    }
    rig.ports.clock.advance(10 * MINUTE);
    let asked = rig.play().calls("discussions.getComments");
    let looked = rig.look(looked.cursor).await.expect("reads");
    let expected: Vec<String> = ids[..2].iter().map(|it| id(format!("{topic}_{it}"))).collect();
    assert_eq!(looked.gone, expected);
    let play = rig.play();
    assert_eq!(play.calls("discussions.getComments") - asked, 2);
    let ways: Vec<_> = play.log.iter().filter_map(|call| call.param("direction")).collect();
    assert_eq!(ways.last(), Some(&"FORWARD"), "the list of discussions comes last");
    assert!(ways.contains(&"BACKWARD"), "the second listing comes from the other side");
}

/// Old topics prove an answer as well as young ones: the only young topic is gone at one look.
#[tokio::test]
async fn old_topics_prove_that_the_only_young_one_is_gone() {
    let rig = Rig::learned();
    for n in 0..5 {
        rig.play().world.topic(GROUP, GROUP, at(-(20 + n) * DAY), "давно");
    }
    let young = rig.play().world.topic(GROUP, GROUP, at(-HOUR), "тема");
    let mut looked = rig.look(None).await.expect("reads");
    rig.play().world.delete(GROUP, young, at(MINUTE));
    // The answer by id shows nothing at all, not even what the walk has just shown.
    rig.ports.clock.advance(10 * MINUTE);
    rig.play().blank_by_ids = true;
    looked = rig.look(looked.cursor).await.expect("reads");
    assert_eq!(rig.play().log.last().expect("asked").method, "mediatopic.getByIds");
    assert!(looked.gone.is_empty(), "an answer without its proofs was believed");
    rig.play().blank_by_ids = false;
    rig.ports.clock.advance(10 * MINUTE);
    looked = rig.look(looked.cursor).await.expect("reads");
    assert_eq!(looked.gone, [id(young)]);
    let asked = rig.play().log.last().expect("asked").param("topic_ids").map(str::to_owned);
    let asked = asked.expect("by id").split(',').count();
    assert_eq!(asked, 4, "the missed one and three that prove the answer");
}

/// An odd answer proves nothing, and OK counts no comment there any more: the question stays open.
#[tokio::test]
async fn the_last_comment_is_gone_though_its_listing_was_odd_once() {
    let rig = Rig::learned();
    let topic = rig.play().world.topic(GROUP, GROUP, at(-HOUR), "тема");
    let comment = (TOPIC, topic);
    let comment = rig.play().world.comment(GROUP, comment, ANNA, at(-MINUTE), "вопрос", None);
    let mut looked = rig.look(None).await.expect("reads");
    assert_eq!(looked.ids().len(), 2);
    let now = rig.ports.clock.now();
    rig.play().world.delete(GROUP, comment, now);
    let odd = {
        let mut play = rig.play();
        let odd = play.log.len() + 2;
        play.faults.insert(odd, Fault::Body("{\"comments\":[{\"id\":[]}]}".to_owned()));
        odd
    };
    looked = rig.look(looked.cursor).await.expect("reads");
    assert_eq!(rig.play().log[odd - 1].method, "discussions.getComments");
    assert!(looked.gone.is_empty());
    rig.ports.clock.advance(2 * DAY + HOUR);
    looked = rig.look(looked.cursor).await.expect("reads");
    assert_eq!(looked.gone, [id(format!("{topic}_{comment}"))]);
    rig.ports.clock.advance(2 * DAY + HOUR);
    let calls = rig.play().calls("discussions.getComments");
    rig.look(looked.cursor).await.expect("reads");
    assert_eq!(rig.play().calls("discussions.getComments"), calls, "nothing is left to ask");
}

#[tokio::test]
async fn an_old_topic_held_on_top_is_read_while_people_talk_below_it() {
    let rig = Rig::learned();
    let (old, topic) = {
        let mut play = rig.play();
        let old = play.world.topic(GROUP, GROUP, at(-200 * DAY), "Пишите вопросы здесь");
        play.world.group(GROUP).pinned = vec![old];
        play.world.comment(GROUP, (TOPIC, old), ANNA, at(-190 * DAY), "давно", None);
        (old, play.world.topic(GROUP, GROUP, at(-HOUR), "свежая тема"))
    };
    let first = rig.look(None).await.expect("reads");
    let fresh = rig.play().world.comment(GROUP, (TOPIC, old), BORIS, at(MINUTE), "нет воды", None);
    rig.ports.clock.advance(10 * MINUTE);
    let looked = rig.look(first.cursor.clone()).await.expect("reads");
    let expected = [id(old), id(format!("{old}_{fresh}")), id(topic)];
    assert_eq!(looked.ids(), expected, "the old comment is out of the window");
    let looked = rig.look(looked.cursor).await.expect("reads");
    assert_eq!(looked.ids(), [id(topic)], "silence below it: nothing of it is wanted");
}

/// Pages of a first long walk move apart when topics go: what slipped through is found at once,
/// because the next look no longer reaches so far back.
#[tokio::test]
async fn a_long_first_walk_is_made_again_where_pages_may_have_moved_apart() {
    let rig = Rig::learned();
    {
        let mut play = rig.play();
        play.paging.positions = true;
        for n in 0..120 {
            play.world.topic(GROUP, GROUP, at(-n * HOUR), "тема");
        }
        play.on_call = Some(Box::new(|world, number, now| {
            if number == 2 {
                let first = world.groups[&GROUP].shown(now)[..5].to_vec();
                first.into_iter().for_each(|id| world.delete(GROUP, id, now));
            }
        }));
    }
    let looked = rig.look(None).await.expect("reads");
    assert_eq!(looked.ids().len(), 120, "five of them are gone since");
    assert!(rig.play().calls("mediatopic.getTopics") > 3, "walked again");
    rig.ports.clock.advance(10 * MINUTE);
    let asked = rig.play().calls("mediatopic.getTopics");
    let looked = rig.look(looked.cursor).await.expect("reads");
    assert_eq!(looked.gone.len(), 5);
    assert_eq!(rig.play().calls("mediatopic.getTopics") - asked, 3, "once is enough in quiet");
}

/// Anchors that are no longer taken begin the walk or the reading again, but not for ever.
#[tokio::test]
async fn an_anchor_that_expired_begins_the_walk_again() {
    let rig = Rig::learned();
    {
        let mut play = rig.play();
        play.paging.anchor_secs = Some(60);
        for n in 0..60 {
            play.world.topic(GROUP, GROUP, at(-n * MINUTE), "тема");
        }
        let topic = play.world.topic(GROUP, GROUP, at(-2 * HOUR), "горячая");
        for _ in 0..150 {
            play.world.comment(GROUP, (TOPIC, topic), ANNA, at(-HOUR), "комментарий", None);
        }
    }
    let mut cursor = None;
    let mut ids: Vec<String> = Vec::new();
    for page in 0.. {
        let got = rig.page(cursor.as_ref()).await.expect("begins again");
        ids.extend(got.posts.into_iter().map(|post| post.id));
        cursor = Some(got.cursor);
        if !got.more {
            break;
        }
        if page == 0 || page == 4 {
            rig.ports.clock.advance(5 * MINUTE);
        }
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 61 + 150);
    assert!(rig.play().log.iter().any(|call| call.error == Some(100)));
    let rig = Rig::learned();
    for n in 0..60 {
        rig.play().world.topic(GROUP, GROUP, at(-n * MINUTE), "тема");
    }
    rig.play().paging.anchor_secs = Some(-1);
    assert!(rig.look(None).await.is_err(), "anchors that are never taken end the look");
    assert!(rig.play().log.len() < 9);
}

/// Photos and films: their talk is read, a photo that is gone is asked for twice.
#[tokio::test]
async fn talk_below_photos_is_read_and_ends_with_them() {
    let rig = Rig::learned();
    let (photo, comment) = {
        let mut play = rig.play();
        let photo = play.world.other(GROUP, PHOTO, at(-DAY), "Яма у школы");
        (photo, play.world.comment(GROUP, (PHOTO, photo), ANNA, at(-HOUR), "и не одна", None))
    };
    let (of_photo, of_comment) =
        (id(format!("photo{photo}")), id(format!("photo{photo}_{comment}")));
    let looked = rig.look(None).await.expect("reads");
    assert_eq!(looked.ids(), [&of_photo, &of_comment]);
    rig.play().world.delete(GROUP, photo, at(MINUTE));
    rig.ports.clock.advance(10 * MINUTE);
    let looked = rig.look(looked.cursor).await.expect("reads");
    assert!(looked.gone.is_empty(), "one answer is not enough");
    let looked = rig.look(looked.cursor).await.expect("reads");
    assert_eq!(looked.gone, [of_photo, of_comment]);
}

/// Killed after any page, before its cursor was stored: the same ids, no more, no less.
#[tokio::test]
async fn a_look_goes_on_from_any_stored_cursor() {
    let build = || {
        let rig = Rig::learned();
        {
            let mut play = rig.play();
            for n in 0..60 {
                let topic = play.world.topic(GROUP, GROUP, at(-n * HOUR), "тема");
                for _ in 0..(n % 15) / 13 * 120 {
                    play.world.comment(GROUP, (TOPIC, topic), ANNA, at(-MINUTE), "к", None);
                }
            }
        }
        rig
    };
    let whole = build();
    let looked = whole.look(None).await.expect("reads");
    let calls = whole.play().log.len();
    for crash in (1..calls).step_by(3) {
        let rig = build();
        let mut cursor = None;
        let mut ids: Vec<String> = Vec::new();
        for page in 1.. {
            let got = rig.page(cursor.as_ref()).await.expect("reads");
            ids.extend(got.posts.iter().map(|post| post.id.clone()));
            assert!(got.gone.is_empty());
            if page == crash {
                continue; // the cursor of this page never reached the disk
            }
            cursor = Some(got.cursor);
            if !got.more {
                break;
            }
        }
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids, looked.ids(), "crash after page {crash}");
    }
}

#[tokio::test]
async fn a_cursor_of_no_sense_begins_again() {
    let rig = Rig::learned();
    let topic = rig.play().world.topic(GROUP, GROUP, at(-HOUR), "тема");
    let good = rig.look(None).await.expect("reads").cursor.expect("a cursor").0;
    let other = good.replace(&GROUP.to_string(), "7");
    for text in ["", "{}", "[]", "null", &good[..good.len() / 2], &other] {
        let looked = rig.look(Some(Cursor(text.to_owned()))).await.expect("reads");
        assert_eq!(looked.ids(), [id(topic)], "{text}");
        assert!(looked.gone.is_empty(), "{text}");
    }
}

/// After a stop in the middle of comments the newest topics come first, what blocked comes last.
#[tokio::test]
async fn a_look_broken_off_long_ago_asks_for_topics_first() {
    let rig = Rig::learned();
    for _ in 0..3 {
        let topic = rig.play().world.topic(GROUP, GROUP, at(-HOUR), "тема");
        rig.play().world.comment(GROUP, (TOPIC, topic), ANNA, at(-MINUTE), "комментарий", None);
    }
    let first = rig.page(None).await.expect("reads");
    assert!(first.more && rig.reader().under_way(&rig.source, &first.cursor));
    rig.ports.clock.advance(5 * HOUR);
    let fresh = rig.play().world.topic(GROUP, GROUP, at(4 * HOUR), "авария");
    let next = rig.page(Some(&first.cursor)).await.expect("reads");
    assert!(next.posts.iter().any(|post| post.id == id(fresh)));
    let looked = rig.look(Some(next.cursor)).await.expect("reads");
    assert_eq!(looked.ids().len(), 3, "the comments that still waited");
}

/// The same over a socket: the form, the header and the answers as they travel.
#[tokio::test]
async fn a_look_over_a_real_socket() {
    let mut rig = Rig::learned();
    let topic = rig.play().world.topic(GROUP, GROUP, at(-HOUR), "тема & +=%");
    let comment =
        rig.play().world.comment(GROUP, (TOPIC, topic), ANNA, at(-MINUTE), "комментарий", None);
    let server = serve(rig.play.clone(), rig.ports.clock.clone()).await.expect("a free port");
    rig.settings.api_url = server.url();
    let http = Http::new(wire::settings()).expect("settings of the tests");
    let ok = Odnoklassniki::new(rig.settings.clone(), rig.ports.over(Arc::new(http)));
    let mut ids = Vec::new();
    let mut cursor = None;
    loop {
        let page = ok.page(&rig.source, cursor.as_ref(), at(-7 * DAY)).await.expect("reads");
        ids.extend(page.posts.iter().map(|post| post.id.clone()));
        cursor = Some(page.cursor);
        if !page.more {
            break;
        }
    }
    assert_eq!(ids, [id(topic), id(format!("{topic}_{comment}"))]);
    assert!(rig.play().log.iter().all(|call| call.error.is_none()));
    assert!(rig.ports.clock.now() > at(0), "calls keep their distance");
}

/// An account that belongs to the group is shown a closed one all the same: it is asked about once
/// a day and read no more, until it is open to everybody again.
#[tokio::test]
async fn a_group_that_closes_is_left_alone_until_it_opens() {
    let rig = Rig::learned();
    let topic = rig.play().world.topic(GROUP, GROUP, at(-HOUR), "тема");
    let looked = rig.look(None).await.expect("reads");
    rig.play().world.group(GROUP).member = true;
    rig.play().world.group(GROUP).private = true;
    let inside = rig.play().world.topic(GROUP, GROUP, at(HOUR), "для своих");
    let asked = rig.play().log.len();
    for _ in 0..2 {
        rig.ports.clock.advance(DAY + MINUTE);
        let error = rig.page(looked.cursor.as_ref()).await.err().expect("refused");
        assert_eq!((error.class, error.code.as_str()), (Class::NoAccess, "ok closed group"));
        let until = error.until.expect("a time");
        assert_eq!(until.duration_since(rig.ports.clock.now()).as_secs(), DAY);
    }
    assert_eq!(rig.play().log.len() - asked, 2, "group.getInfo once a day");
    rig.play().world.group(GROUP).private = false;
    let looked = rig.look(looked.cursor).await.expect("reads");
    assert_eq!(looked.ids(), [id(topic), id(inside)]);
}
