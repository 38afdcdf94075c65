//! Looks of the VK collector: comments, threads, deletions, resuming.

use std::sync::Arc;

use otklik_collectors::http::Http;
use otklik_collectors::play::serve;
use otklik_collectors::vk::Vk;
use otklik_collectors::{Class, Clock, Collector, Cursor};

use crate::ports::at;
use crate::vk_rig::{DAY, HOUR, MINUTE, OWNER, Rig};
use crate::wire;

#[tokio::test]
async fn closed_comments_are_asked_for_once() {
    let rig = Rig::new();
    let post = rig.play().world.post(OWNER, OWNER, at(-HOUR), "пост");
    rig.play().world.comment(OWNER, post, 100_001, at(-MINUTE), "комментарий", None);
    rig.play().world.wall(OWNER).posts.get_mut(&post).expect("there").closed = true;
    let mut cursor = None;
    for _ in 0..3 {
        let looked = rig.look(cursor).await.expect("reads");
        assert_eq!((looked.ids(), looked.comments_closed), (vec!["vk:-200001_1"], 1));
        cursor = looked.cursor;
        rig.ports.clock.advance(10 * MINUTE);
    }
    assert_eq!(rig.play().calls("wall.getComments"), 1);
}

#[tokio::test]
async fn comments_nobody_wants_are_not_asked_for() {
    let mut rig = Rig::new();
    rig.source.comments = false;
    let post = rig.play().world.post(OWNER, OWNER, at(-HOUR), "пост");
    rig.play().world.comment(OWNER, post, 100_001, at(-MINUTE), "комментарий", None);
    let looked = rig.look(None).await.expect("reads");
    assert_eq!(looked.ids(), ["vk:-200001_1"]);
    assert_eq!(rig.play().calls("wall.getComments"), 0);
}

/// Replies under old roots change no root; a long thread is listed on its own, and only when it
/// grew.
#[tokio::test]
async fn threads_are_read_whole_and_again_only_when_they_change() {
    let rig = Rig::new();
    let (post, roots) = {
        let mut play = rig.play();
        let world = &mut play.world;
        let post = world.post(OWNER, OWNER, at(-DAY), "пост");
        let roots: Vec<i64> =
            (0..3).map(|_| world.comment(OWNER, post, 100_001, at(-DAY), "корень", None)).collect();
        for (root, replies) in roots.iter().zip([150, 30, 4]) {
            for _ in 0..replies {
                world.comment(OWNER, post, 100_002, at(-DAY), "ответ", Some(*root));
            }
        }
        (post, roots)
    };
    let looked = rig.look(None).await.expect("reads");
    assert_eq!(looked.ids().len(), 1 + 3 + 150 + 30 + 4);
    assert_eq!(rig.play().calls("wall.getComments"), 1 + 2 + 1);
    let deep = rig.play().world.comment(OWNER, post, 100_003, at(0), "новый", Some(roots[1]));
    rig.ports.clock.advance(10 * MINUTE);
    let looked = rig.look(looked.cursor).await.expect("reads");
    assert!(looked.ids().contains(&format!("vk:{OWNER}_{deep}").as_str()));
    assert_eq!(rig.play().calls("wall.getComments"), 4 + 2, "the roots and the grown thread");
}

#[tokio::test]
async fn a_post_with_very_many_comments_is_read_from_its_end_while_it_grows() {
    let rig = Rig::new();
    let post = {
        let mut play = rig.play();
        let post = play.world.post(OWNER, OWNER, at(-HOUR), "пост");
        for _ in 0..1_000 {
            play.world.comment(OWNER, post, 100_001, at(-HOUR), "корень", None);
        }
        post
    };
    let mut looked = rig.look(None).await.expect("reads");
    assert_eq!(looked.ids().len(), 1_001);
    let first = rig.play().calls("wall.getComments");
    for _ in 0..3 {
        rig.ports.clock.advance(5 * MINUTE);
        let now = rig.ports.clock.now();
        let id = rig.play().world.comment(OWNER, post, 100_001, now, "ещё", None);
        looked = rig.look(looked.cursor).await.expect("reads");
        assert!(looked.ids().contains(&format!("vk:{OWNER}_{id}").as_str()));
    }
    let later = rig.play().calls("wall.getComments") - first;
    assert!(later <= 6, "{later} calls for three comments, {first} for the first thousand");
}

/// A deleted comment is gone after two whole listings, which one look makes.
#[tokio::test]
async fn deleted_comments_are_gone_in_one_look() {
    let rig = Rig::new();
    let ids = {
        let mut play = rig.play();
        let post = play.world.post(OWNER, OWNER, at(-DAY), "пост");
        let mut add = |to| play.world.comment(OWNER, post, 100_001, at(-DAY), "текст", to);
        let (leaf, root) = (add(None), add(None));
        let (reply, other) = (add(Some(root)), add(Some(root)));
        [leaf, root, reply, other]
    };
    let looked = rig.look(None).await.expect("reads");
    for id in &ids[..3] {
        rig.play().world.delete(OWNER, *id, at(MINUTE));
    }
    rig.ports.clock.advance(10 * MINUTE);
    let mut looked = rig.look(looked.cursor).await.expect("reads");
    looked.gone.sort_unstable();
    looked.gone.dedup();
    let expected: Vec<String> = ids[..3].iter().map(|id| format!("vk:{OWNER}_{id}")).collect();
    assert_eq!(looked.gone, expected);
}

#[tokio::test]
async fn an_old_pinned_post_is_read_while_people_talk_below_it() {
    let rig = Rig::new();
    let (old, post) = {
        let mut play = rig.play();
        let old = play.world.post(OWNER, OWNER, at(-200 * DAY), "Пишите вопросы здесь");
        play.world.pin(OWNER, Some(old));
        play.world.comment(OWNER, old, 100_001, at(-190 * DAY), "давно", None);
        (old, play.world.post(OWNER, OWNER, at(-HOUR), "свежий пост"))
    };
    let first = rig.look(None).await.expect("reads");
    let fresh = rig.play().world.comment(OWNER, old, 100_002, at(MINUTE), "нет воды", None);
    rig.ports.clock.advance(10 * MINUTE);
    let looked = rig.look(first.cursor.clone()).await.expect("reads");
    let id = |id| format!("vk:{OWNER}_{id}");
    let mut expected = [id(old), id(post), id(fresh)];
    expected.sort_unstable();
    assert_eq!(looked.ids(), expected, "the old comment is out of the window");
    let looked = rig.look(looked.cursor).await.expect("reads");
    assert_eq!(looked.ids(), [id(post)], "silence below it: nothing of it is wanted");
}

/// Killed after any page, before its cursor was stored: the same ids, no more, no less.
#[tokio::test]
async fn a_look_goes_on_from_any_stored_cursor() {
    let build = || {
        let rig = Rig::new();
        {
            let mut play = rig.play();
            for n in 0..105 {
                let post = play.world.post(OWNER, OWNER, at(-n * HOUR), "пост");
                for _ in 0..(n % 15) / 12 * 14 {
                    play.world.comment(OWNER, post, 100_001, at(-MINUTE), "к", Some(post + 1));
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
    let mut rig = Rig::new();
    rig.play().world.post(OWNER, OWNER, at(-HOUR), "пост");
    rig.source.platform_id = Some(OWNER.to_string());
    let good = rig.look(None).await.expect("reads").cursor.expect("a cursor").0;
    for text in ["", "{}", "[]", "null", &good[..good.len() / 2], &good.replace("-200001", "-7")] {
        let looked = rig.look(Some(Cursor(text.to_owned()))).await.expect("reads");
        assert_eq!(looked.ids(), ["vk:-200001_1"], "{text}");
        assert!(looked.gone.is_empty(), "{text}");
    }
}

/// After a stop in the middle of comments the newest posts come first, what blocked comes last.
#[tokio::test]
async fn a_look_broken_off_long_ago_asks_for_the_wall_first() {
    let mut rig = Rig::new();
    rig.source.platform_id = Some(OWNER.to_string());
    for _ in 0..3 {
        let post = rig.play().world.post(OWNER, OWNER, at(-HOUR), "пост");
        rig.play().world.comment(OWNER, post, 100_001, at(-MINUTE), "комментарий", None);
    }
    let first = rig.page(None).await.expect("reads");
    assert!(first.more);
    rig.ports.clock.advance(5 * HOUR);
    let fresh = rig.play().world.post(OWNER, OWNER, at(4 * HOUR), "авария");
    let next = rig.page(Some(&first.cursor)).await.expect("reads");
    assert!(next.posts.iter().any(|post| post.id == format!("vk:{OWNER}_{fresh}")));
    let looked = rig.look(Some(next.cursor)).await.expect("reads");
    assert_eq!(looked.ids().len(), 3, "the comments that still waited");
}

/// The same over a socket: the form, the header and the answers as they travel.
#[tokio::test]
async fn a_look_over_a_real_socket() {
    let mut rig = Rig::new();
    let post = rig.play().world.post(OWNER, OWNER, at(-HOUR), "пост & <br>");
    rig.play().world.comment(OWNER, post, 100_001, at(-MINUTE), "комментарий", None);
    let server = serve(rig.play.clone(), rig.ports.clock.clone()).await.expect("a free port");
    rig.settings.api_url = format!("{}/method", server.url());
    let http = Http::new(wire::settings()).expect("settings of the tests");
    let vk = Vk::new(rig.settings.clone(), rig.ports.over(Arc::new(http)));
    let mut ids = Vec::new();
    let mut cursor = None;
    loop {
        let page = vk.page(&rig.source, cursor.as_ref(), at(-7 * DAY)).await.expect("reads");
        ids.extend(page.posts.iter().map(|post| post.id.clone()));
        cursor = Some(page.cursor);
        if !page.more {
            break;
        }
    }
    assert_eq!(ids, ["vk:-200001_1", "vk:-200001_2"]);
    assert!(rig.play().log.iter().all(|call| call.error.is_none()));
}

/// More comments than were once remembered: what dies among them is named, and a post that dies
/// takes along whatever hangs below it.
#[tokio::test]
async fn removals_among_very_many_comments_are_named() {
    let rig = Rig::new();
    let (post, comments) = {
        let mut play = rig.play();
        let world = &mut play.world;
        let post = world.post(OWNER, OWNER, at(-DAY), "пост");
        let mut add = |to| world.comment(OWNER, post, 100_001, at(-DAY), "к", to);
        let root = add(None);
        let mut comments: Vec<i64> = (0..1_100).map(|_| add(Some(root))).collect();
        comments.extend((0..1_400).map(|_| add(None)));
        (post, comments)
    };
    let looked = rig.look(None).await.expect("reads");
    assert_eq!(looked.ids().len(), 2_502);
    assert_eq!(looked.coverage.holes, []);
    let dead: Vec<i64> = comments.iter().copied().step_by(97).collect();
    for id in &dead {
        rig.play().world.delete(OWNER, *id, at(MINUTE));
    }
    rig.ports.clock.advance(2 * HOUR);
    let mut looked = rig.look(looked.cursor).await.expect("reads");
    looked.gone.sort();
    looked.gone.dedup();
    let mut expected: Vec<String> = dead.iter().map(|id| format!("vk:{OWNER}_{id}")).collect();
    expected.sort();
    assert_eq!(looked.gone, expected);
    assert_eq!(looked.gone_below, [""; 0]);
    rig.play().world.post(OWNER, OWNER, rig.ports.clock.now(), "другой");
    rig.play().world.delete(OWNER, post, rig.ports.clock.now());
    rig.ports.clock.advance(2 * HOUR);
    let looked = rig.look(looked.cursor).await.expect("reads");
    assert_eq!(looked.gone_below, [format!("vk:{OWNER}_{post}")]);
}

/// A token that belongs to a member is shown a closed page all the same: that page is asked about
/// once a day and read no more, until it is open to everybody again.
#[tokio::test]
async fn a_community_that_closes_is_left_alone_until_it_opens() {
    let rig = Rig::new();
    rig.play().world.post(OWNER, OWNER, at(-HOUR), "пост");
    let looked = rig.look(None).await.expect("reads");
    rig.play().world.wall(OWNER).member = true;
    rig.play().world.wall(OWNER).is_closed = 1;
    rig.play().world.post(OWNER, OWNER, at(HOUR), "для своих");
    let asked = rig.play().log.len();
    for _ in 0..2 {
        rig.ports.clock.advance(DAY + MINUTE);
        let error = rig.page(looked.cursor.as_ref()).await.err().expect("refused");
        assert_eq!((error.class, error.code.as_str()), (Class::NoAccess, "vk closed community"));
        let until = error.until.expect("a time");
        assert_eq!(until.duration_since(rig.ports.clock.now()).as_secs(), DAY);
    }
    let calls: Vec<String> = rig.play().log[asked..].iter().map(|it| it.method.clone()).collect();
    assert_eq!(calls, ["groups.getById"; 2]);
    rig.play().world.wall(OWNER).is_closed = 0;
    let looked = rig.look(looked.cursor).await.expect("reads");
    assert_eq!(looked.ids(), ["vk:-200001_1", "vk:-200001_2"]);
}

/// Without events: a comment below a post that left the window is seen by its number of comments,
/// at no cost where a page of the wall shows the post anyway, and within a day where none does.
#[tokio::test]
async fn a_comment_below_an_old_post_is_met_within_a_day() {
    let rig = Rig::new();
    let old = rig.play().world.post(OWNER, OWNER, at(-6 * DAY), "завтра отключение воды");
    rig.play().world.comment(OWNER, old, 100_001, at(-5 * DAY), "понятно", None);
    for n in 0..150 {
        rig.play().world.post(OWNER, OWNER, at(-5 * DAY + n * MINUTE), "другое");
    }
    let mut cursor = rig.look(None).await.expect("reads").cursor;
    // It leaves the window, and the pages of the wall end above it.
    rig.ports.clock.advance(3 * DAY);
    for _ in 0..150 {
        let now = rig.ports.clock.now();
        rig.play().world.post(OWNER, OWNER, now, "новое");
    }
    cursor = rig.look(cursor).await.expect("reads").cursor;
    rig.ports.clock.advance(HOUR);
    let now = rig.ports.clock.now();
    let late = rig.play().world.comment(OWNER, old, 100_002, now, "воды нет до сих пор", None);
    rig.ports.clock.advance(DAY);
    let asked = rig.play().log.len();
    let looked = rig.look(cursor).await.expect("reads");
    let (old, late) = (format!("vk:{OWNER}_{old}"), format!("vk:{OWNER}_{late}"));
    let told: Vec<&str> = looked.ids().into_iter().filter(|id| *id == old || *id == late).collect();
    assert_eq!(told.len(), 2, "the post comes with its comment");
    let lookups = rig.play().log[asked..].iter().filter(|it| it.method == "wall.getById").count();
    assert!(lookups <= 2, "{lookups} look-ups");
    // A quiet look asks for none of them; and what is removed there is gone within two days.
    let asked = rig.play().log.len();
    let looked = rig.look(looked.cursor).await.expect("reads");
    assert!(rig.play().log[asked..].iter().all(|call| call.method == "wall.get"));
    let number = late.rsplit('_').next().and_then(|it| it.parse().ok()).expect("a number");
    rig.play().world.delete(OWNER, number, rig.ports.clock.now());
    rig.ports.clock.advance(DAY + HOUR);
    let looked = rig.look(looked.cursor).await.expect("reads");
    assert!(looked.gone.contains(&late), "{:?}", looked.gone);
    // And so is the post itself.
    let number = old.rsplit('_').next().and_then(|it| it.parse().ok()).expect("a number");
    rig.play().world.delete(OWNER, number, rig.ports.clock.now());
    rig.ports.clock.advance(DAY + HOUR);
    let looked = rig.look(looked.cursor).await.expect("reads");
    assert_eq!(looked.gone_below, [old]);
}

/// It leaves the window on the very page that shows what came below it last.
#[tokio::test]
async fn a_comment_below_a_post_that_is_unpinned_is_read_with_the_page_that_counts_it() {
    let rig = Rig::new();
    let old = rig.play().world.post(OWNER, OWNER, at(-6 * DAY), "завтра отключение воды");
    rig.play().world.comment(OWNER, old, 100_001, at(-5 * DAY), "понятно", None);
    rig.play().world.post(OWNER, OWNER, at(-HOUR), "другое");
    rig.play().world.pin(OWNER, Some(old));
    let looked = rig.look(None).await.expect("reads");
    rig.ports.clock.advance(3 * DAY);
    let now = rig.ports.clock.now();
    let late = rig.play().world.comment(OWNER, old, 100_002, now, "воды нет до сих пор", None);
    rig.play().world.pin(OWNER, None);
    let looked = rig.look(looked.cursor).await.expect("reads");
    let late = format!("vk:{OWNER}_{late}");
    assert!(looked.ids().contains(&late.as_str()), "{:?}", looked.ids());
}
