//! What a look of the VK collector says about its own completeness.

use otklik_collectors::play::vk::{Fault, Token};
use otklik_collectors::vk::OwnCommunity;
use otklik_collectors::{Clock, Cursor, Hole, HoleCause};
use serde_json::json;

use crate::looked::Looked;
use crate::ports::at;
use crate::vk_rig::{DAY, HOUR, MINUTE, OWNER, Rig};

fn holes(looked: &Looked, cause: HoleCause) -> Vec<Hole> {
    let holes = looked.coverage.holes.iter().filter(|hole| hole.cause == cause);
    holes.cloned().collect()
}

#[tokio::test]
async fn a_whole_look_read_from_the_horizon_to_its_begin() {
    let rig = Rig::new();
    for hour in 1..=5 {
        let post = rig.play().world.post(OWNER, OWNER, at(-hour * HOUR), "пост");
        rig.play().world.comment(OWNER, post, 100_001, at(-MINUTE), "комментарий", None);
    }
    let mut cursor = None;
    for look in 0..3 {
        let begun = rig.ports.clock.now();
        let looked = rig.look(cursor).await.expect("reads");
        let (from, to) = looked.coverage.read.expect("the look came to its end");
        assert_eq!((to - from).get_seconds(), 7 * DAY, "look {look}");
        assert!(to.duration_since(begun).as_secs().abs() < MINUTE, "look {look}: {to}");
        assert_eq!(looked.coverage.holes, [], "look {look}");
        cursor = looked.cursor;
        rig.ports.clock.advance(10 * MINUTE);
    }
}

/// Posts put off are older by number than by date. A number below the window's oldest post is of no
/// interest until that post leaves; VK is not asked a second time for what it said then.
#[tokio::test]
async fn no_number_is_asked_for_twice_when_the_oldest_post_leaves() {
    let rig = Rig::new();
    {
        let mut play = rig.play();
        play.world.post(OWNER, OWNER, at(-7 * DAY + 2 * HOUR), "старый");
        play.world.post(OWNER, OWNER, at(-DAY), "отложенный");
        let removed = play.world.post(OWNER, OWNER, at(-6 * DAY), "убранный");
        play.world.delete(OWNER, removed, at(-5 * DAY));
        play.world.post(OWNER, OWNER, at(-7 * DAY + 12 * HOUR), "не такой старый");
        play.world.post(OWNER, OWNER, at(-HOUR), "новый");
    }
    let mut cursor = None;
    for _ in 0..4 {
        cursor = rig.look(cursor).await.expect("reads").cursor;
        assert_eq!(rig.play().calls("wall.getById"), 1);
        rig.ports.clock.advance(5 * HOUR);
    }
}

/// An old post that is held at the top is shown by every page: its number is no riddle, whether it
/// was in the window once or not.
#[tokio::test]
async fn the_number_of_an_old_pinned_post_is_not_asked_for() {
    let rig = Rig::new();
    {
        let mut play = rig.play();
        play.world.post(OWNER, OWNER, at(-6 * DAY), "первый");
        let pinned = play.world.post(OWNER, OWNER, at(-30 * DAY), "телефоны служб");
        play.world.post(OWNER, OWNER, at(-HOUR), "новый");
        play.world.pin(OWNER, Some(pinned));
    }
    let mut cursor = None;
    for _ in 0..3 {
        cursor = rig.look(cursor).await.expect("reads").cursor;
        assert_eq!(rig.play().calls("wall.getById"), 0);
        rig.ports.clock.advance(2 * HOUR);
    }
}

/// What was said late below a post that leaves the window is no number that was jumped over.
#[tokio::test]
async fn no_number_below_a_post_that_left_is_asked_for() {
    let rig = Rig::new();
    {
        let mut play = rig.play();
        let old = play.world.post(OWNER, OWNER, at(-7 * DAY + 2 * HOUR), "старый");
        play.world.post(OWNER, OWNER, at(-2 * DAY), "средний");
        play.world.comment(OWNER, old, 100_001, at(-DAY), "поздно", None);
        play.world.post(OWNER, OWNER, at(-HOUR), "новый");
    }
    let mut cursor = None;
    for _ in 0..3 {
        cursor = rig.look(cursor).await.expect("reads").cursor;
        assert_eq!(rig.play().calls("wall.getById"), 0);
        rig.ports.clock.advance(5 * HOUR);
    }
}

#[tokio::test]
async fn a_look_broken_off_says_nothing() {
    let rig = Rig::new();
    let post = rig.play().world.post(OWNER, OWNER, at(-HOUR), "пост");
    rig.play().world.comment(OWNER, post, 100_001, at(-MINUTE), "комментарий", None);
    let first = rig.page(None).await.expect("reads");
    assert!(first.more && first.facts.coverage.read.is_none());
    rig.play().fail_next(Fault::Code(14));
    assert!(rig.page(Some(&first.cursor)).await.is_err());
}

/// So many posts at once that no page touches the one before: the look ends, says where the hole
/// is, and the next look closes it.
#[tokio::test]
async fn pages_that_moved_apart_for_good_are_a_hole_until_the_next_look() {
    let rig = Rig::new();
    for n in 0..350 {
        rig.play().world.post(OWNER, OWNER, at(-DAY - n * MINUTE), "пост");
    }
    rig.play().on_call = Some(Box::new(|world, number, now| {
        if (4..=9).contains(&number) {
            for _ in 0..260 {
                world.post(OWNER, OWNER, now, "лавина");
            }
        }
    }));
    let looked = rig.look(None).await;
    let first = looked.expect("the look ends all the same");
    let missed = holes(&first, HoleCause::PageMissed);
    assert!(!missed.is_empty() && missed[0].from <= missed[0].to, "{:?}", first.coverage);
    assert_eq!(missed[0].posts, None);
    rig.play().on_call = None;
    rig.ports.clock.advance(HOUR);
    let looked = rig.look(first.cursor).await.expect("reads");
    assert_eq!(holes(&looked, HoleCause::PageMissed), []);
}

/// Numbers that the wall jumps over are asked for once; those that VK does not show are a hole
/// between the posts around them, told by every look as long as they are in the window.
#[tokio::test]
async fn numbers_nobody_gave_us_are_proven_by_a_look_up() {
    let rig = Rig::new();
    let ids: Vec<i64> =
        (1..=6).rev().map(|n| rig.play().world.post(OWNER, OWNER, at(-n * HOUR), "пост")).collect();
    for removed in [ids[1], ids[2], ids[4]] {
        rig.play().world.delete(OWNER, removed, at(-MINUTE));
    }
    let mut cursor = None;
    for look in 0..3 {
        let looked = rig.look(cursor).await.expect("reads");
        let told: Vec<_> = holes(&looked, HoleCause::Numbers)
            .iter()
            .map(|hole| (hole.from, hole.to, hole.posts))
            .collect();
        let expected = [(at(-6 * HOUR), at(-HOUR), Some(3))];
        assert_eq!(told, expected, "look {look}: stretches that touch are one");
        assert_eq!(rig.play().calls("wall.getById"), 1, "look {look}");
        assert!(looked.gone.is_empty(), "nobody held them");
        cursor = looked.cursor;
        rig.ports.clock.advance(2 * HOUR);
    }
    // Brought back, it is no longer missing; what we held and saw removed never is.
    rig.play().world.restore(OWNER, ids[1], rig.ports.clock.now());
    rig.play().world.restore(OWNER, ids[2], rig.ports.clock.now());
    rig.play().world.delete(OWNER, ids[3], rig.ports.clock.now());
    let looked = rig.look(cursor).await.expect("reads");
    assert_eq!(looked.gone, [format!("vk:{OWNER}_{}", ids[3])]);
    let told = holes(&looked, HoleCause::Numbers);
    assert_eq!(told.iter().filter_map(|hole| hole.posts).collect::<Vec<_>>(), [1]);
}

/// More jumped numbers than one look asks for are no loss: the next looks ask for the rest, and what
/// the wall hid among them is read.
#[tokio::test]
async fn numbers_left_by_one_look_are_asked_for_by_the_next() {
    let rig = Rig::new();
    let hidden = {
        let mut play = rig.play();
        play.world.post(OWNER, OWNER, at(-3 * HOUR), "пост");
        let hidden = play.world.post(OWNER, OWNER, at(-2 * HOUR), "скрытый");
        play.world.wall(OWNER).unlisted.insert(hidden);
        for _ in 0..2_300 {
            let removed = play.world.post(OWNER, OWNER, at(-2 * HOUR), "убранный");
            play.world.delete(OWNER, removed, at(-HOUR));
        }
        play.world.post(OWNER, OWNER, at(-HOUR), "новый");
        hidden
    };
    let mut cursor = None;
    for (look, (lookups, numbers, posts)) in
        [(10, 970, 2), (20, 1_940, 2), (24, 2_300, 3), (25, 2_300, 3)].into_iter().enumerate()
    {
        let looked = rig.look(cursor).await.expect("reads");
        let told: Vec<_> =
            holes(&looked, HoleCause::Numbers).iter().map(|hole| hole.posts).collect();
        assert_eq!(told, [Some(numbers)], "look {look}");
        assert_eq!(rig.play().calls("wall.getById"), lookups, "look {look}");
        let shown = looked.ids().contains(&format!("vk:{OWNER}_{hidden}").as_str());
        assert_eq!(shown, posts == 3, "look {look}");
        cursor = looked.cursor;
        rig.ports.clock.advance(HOUR + MINUTE);
    }
}

/// A post that the wall does not list and the look-up shows is read, not missing.
#[tokio::test]
async fn a_post_that_the_wall_hides_is_found_by_its_number() {
    let rig = Rig::new();
    let ids: Vec<i64> =
        (1..=3).rev().map(|n| rig.play().world.post(OWNER, OWNER, at(-n * HOUR), "пост")).collect();
    rig.play().world.wall(OWNER).unlisted.insert(ids[1]);
    let looked = rig.look(None).await.expect("reads");
    assert_eq!(looked.ids().len(), 3);
    assert_eq!(looked.coverage.holes, []);
}

/// An answer without the posts that are known to live proves nothing.
#[tokio::test]
async fn an_unproven_look_up_is_no_hole() {
    let rig = Rig::new();
    let ids: Vec<i64> =
        (1..=3).rev().map(|n| rig.play().world.post(OWNER, OWNER, at(-n * HOUR), "пост")).collect();
    rig.play().world.delete(OWNER, ids[1], at(-MINUTE));
    let first = rig.page(None).await.expect("reads");
    rig.play().fail_next(Fault::Body(r#"{"response":{"items":[]}}"#.to_owned()));
    let looked = rig.look(Some(first.cursor)).await.expect("reads");
    assert!(looked.coverage.read.is_some());
    assert_eq!(looked.coverage.holes, []);
    assert_eq!(rig.play().calls("wall.getById"), 1, "once a look is enough");
}

#[tokio::test]
async fn comments_not_given_to_us_are_counted() {
    let mut rig = Rig::new();
    rig.source.platform_id = Some(OWNER.to_string());
    let mut ids = Vec::new();
    for hour in [3, 2, 1] {
        let post = rig.play().world.post(OWNER, OWNER, at(-hour * HOUR), "пост");
        for _ in 0..4 {
            rig.play().world.comment(OWNER, post, 100_001, at(-MINUTE), "комментарий", None);
        }
        ids.push(post);
    }
    rig.play().world.wall(OWNER).posts.get_mut(&ids[0]).expect("there").closed = true;
    let mut cursor = None;
    for look in 0..2 {
        let looked = rig.look(cursor).await.expect("reads");
        let [hole] = &holes(&looked, HoleCause::CommentsRefused)[..] else { panic!("look {look}") };
        assert_eq!((hole.from, hole.posts), (at(-3 * HOUR), Some(4)), "look {look}");
        assert_eq!(holes(&looked, HoleCause::Numbers), [], "their numbers are no jump");
        cursor = looked.cursor;
        rig.ports.clock.advance(10 * MINUTE);
    }
    // The quota of the method: everything that waits is told.
    rig.play().per_day.insert("wall.getComments".to_owned(), 0);
    for post in &ids {
        rig.play().world.comment(OWNER, *post, 100_001, rig.ports.clock.now(), "ещё", None);
    }
    let looked = rig.look(cursor).await.expect("reads");
    let posts = holes(&looked, HoleCause::CommentsRefused).iter().filter_map(|it| it.posts).sum();
    assert_eq!(Some(5 + 1 + 1), Some::<u32>(posts));
}

/// Posts older than a month, or older than the window when we came, are not watched: what is said
/// there goes unseen, and every look says so, unless nobody wants it or events tell it.
#[tokio::test]
async fn comments_below_posts_too_old_to_be_watched_are_told_as_unseen() {
    let rig = Rig::new();
    let posts = |days: i64, number: i64| {
        for n in 0..number {
            let now = rig.ports.clock.now();
            let date = now - jiff::SignedDuration::from_secs(days * DAY + n * MINUTE);
            rig.play().world.post(OWNER, OWNER, date, "пост");
        }
    };
    let late = async |cursor: Option<Cursor>| {
        let looked = rig.look(cursor).await.expect("reads");
        let holes = holes(&looked, HoleCause::Late);
        let told: Vec<_> = holes.iter().map(|it| (Some((it.from, it.to)), it.posts)).collect();
        assert!(told.iter().all(|it| *it == (looked.coverage.read, None)), "{told:?}");
        (told.len(), looked.cursor)
    };
    posts(6, 40);
    let (told, cursor) = late(None).await;
    assert_eq!(told, 0);
    // They leave the window and are remembered, though no page of the wall shows them now.
    rig.ports.clock.advance(10 * DAY);
    posts(0, 150);
    let (told, cursor) = late(cursor).await;
    assert_eq!(told, 0);
    // After a month they are let go.
    rig.ports.clock.advance(14 * DAY);
    posts(0, 150);
    let (told, cursor) = late(cursor).await;
    assert_eq!(told, 0);
    rig.ports.clock.advance(2 * DAY);
    let (told, cursor) = late(cursor).await;
    assert_eq!(told, 1);
    assert_eq!(late(cursor).await.0, 1);
    // What was there before we came was never remembered.
    assert_eq!(late(None).await.0, 1);
    for (comments, own, expected) in [(true, false, 1), (false, false, 0), (true, true, 0)] {
        let mut rig = Rig { source: rig.source.clone(), ..Rig::new() };
        rig.source.comments = comments;
        for n in 0..150 {
            rig.play().world.post(OWNER, OWNER, at(-20 * DAY - n * MINUTE), "давно");
        }
        if own {
            rig.play().tokens.insert("MADEUPTOKEN".to_owned(), Token::Service);
            rig.play().tokens.insert("MADEUPOWN".to_owned(), Token::Community);
            let own = OwnCommunity { group: -OWNER, token: Ok("MADEUPOWN".to_owned()) };
            rig.settings.communities = vec![own];
        }
        let looked = rig.look(None).await.expect("reads");
        let told = holes(&looked, HoleCause::Late).len();
        assert_eq!(told, expected, "comments {comments}, own {own}");
    }
}

/// Unreadable elements are a hole of every look, the quiet ones too.
#[tokio::test]
async fn elements_that_cannot_be_read_are_a_hole() {
    let rig = Rig::new();
    let (odd, talk) = {
        let mut play = rig.play();
        let odd = play.world.post(OWNER, OWNER, at(-2 * HOUR), "пост");
        play.world.set(OWNER, odd, "date", json!("вчера"));
        let talk = play.world.post(OWNER, OWNER, at(-HOUR), "пост");
        let comment = play.world.comment(OWNER, talk, 100_001, at(-MINUTE), "к", None);
        play.world.set(OWNER, comment, "from_id", json!({}));
        (odd, talk)
    };
    let mut cursor = None;
    for look in 0..3 {
        let looked = rig.look(cursor).await.expect("reads");
        assert_eq!(looked.ids(), [format!("vk:{OWNER}_{talk}")], "look {look}");
        let [hole] = &holes(&looked, HoleCause::Unreadable)[..] else { panic!("look {look}") };
        assert_eq!(hole.posts, Some(2), "look {look}: post {odd} and a comment");
        cursor = looked.cursor;
        rig.ports.clock.advance(5 * MINUTE);
    }
}

/// Removals among more comments than can be remembered go unseen: every look says so.
#[tokio::test]
async fn comments_too_many_to_remember_are_told_as_unwatched() {
    let rig = Rig::new();
    let post = rig.play().world.post(OWNER, OWNER, at(-HOUR), "пост");
    rig.play().world.comment(OWNER, post, 100_001, at(-HOUR), "комментарий", None);
    let looked = rig.look(None).await.expect("reads");
    assert_eq!(holes(&looked, HoleCause::Unwatched), []);
    // As the cursor of a post with a hundred thousand comments has it.
    let cursor = looked.cursor.expect("a cursor").0;
    let mut state: serde_json::Value = serde_json::from_str(&cursor).expect("JSON");
    state["posts"][post.to_string()]["b"] = true.into();
    rig.ports.clock.advance(10 * MINUTE);
    let looked = rig.look(Some(Cursor(state.to_string()))).await.expect("reads");
    let [hole] = &holes(&looked, HoleCause::Unwatched)[..] else { panic!("one hole") };
    assert_eq!((hole.from, hole.to, hole.posts), (at(-HOUR), at(10 * MINUTE), Some(1)));
}
