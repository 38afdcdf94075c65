//! Long Poll of communities we run: faster while it works, never missed when it does not.

use std::sync::Arc;

use jiff::SignedDuration;
use otklik_collectors::http::Http;
use otklik_collectors::play::serve;
use otklik_collectors::play::vk::{Fault, TalkKind, Token};
use otklik_collectors::vk::{OwnCommunity, TokenKind, Vk};
use otklik_collectors::{Clock, Collector, Cursor};

use crate::looked::Looked;
use crate::ports::at;
use crate::vk_rig::{DAY, HOUR, MINUTE, OWNER, Rig};
use crate::wire;

/// A community of our own, with one collector for all its looks as the daemon has.
struct Own {
    rig: Rig,
    vk: Vk,
    cursor: Option<Cursor>,
}

impl Own {
    fn new() -> Self {
        let mut rig = Rig::new();
        rig.source.platform_id = Some(OWNER.to_string());
        let own = OwnCommunity { group: -OWNER, token: Ok("MADEUPOWN".to_owned()) };
        rig.settings.communities = vec![own];
        {
            let mut play = rig.play();
            play.tokens.insert("MADEUPTOKEN".to_owned(), Token::Service);
            play.tokens.insert("MADEUPOWN".to_owned(), Token::Community);
            let post = play.world.post(OWNER, OWNER, at(-HOUR), "пост");
            play.world.comment(OWNER, post, 100_001, at(-HOUR), "комментарий", None);
            play.world.comment(OWNER, post, 100_002, at(-HOUR), "ещё", None);
        }
        let vk = rig.vk();
        Own { rig, vk, cursor: None }
    }

    async fn look(&mut self) -> Looked {
        let horizon = self.rig.ports.clock.now() - jiff::SignedDuration::from_hours(7 * 24);
        let page =
            async |cursor: Option<&Cursor>| self.vk.page(&self.rig.source, cursor, horizon).await;
        let looked = Looked::read(self.cursor.take(), page).await.expect("reads");
        self.cursor.clone_from(&looked.cursor);
        looked
    }

    fn calls(&self, method: &str) -> usize {
        self.rig.play().calls(method)
    }
}

/// While events flow, a quiet look asks the poll alone; a comment, an edit and a removal come at
/// once, without the wall.
#[tokio::test]
async fn events_come_at_once_and_cost_no_wall() {
    let mut own = Own::new();
    assert_eq!(own.look().await.ids().len(), 3);
    let walls = own.calls("wall.get");
    for _ in 0..5 {
        own.rig.ports.clock.advance(MINUTE);
        let looked = own.look().await;
        assert_eq!(looked.ids(), [""; 0]);
        let (from, to) = looked.coverage.read.expect("the end");
        assert!(to > from && (to - from).get_seconds() < HOUR, "since the last walk");
    }
    let now = own.rig.ports.clock.now();
    {
        let mut play = own.rig.play();
        play.world.edit(OWNER, 2, now, "нет воды");
        play.world.delete(OWNER, 3, now);
        play.world.comment(OWNER, 1, 100_003, now, "и света", Some(2));
    }
    own.rig.ports.clock.advance(MINUTE);
    let comments = own.calls("wall.getComments");
    let mut looked = own.look().await;
    looked.gone.dedup();
    assert_eq!(looked.gone, [format!("vk:{OWNER}_3")]);
    assert_eq!(looked.text("vk:-200001_2"), Some("нет воды"));
    assert_eq!(looked.text("vk:-200001_4"), Some("и света"));
    assert_eq!(own.calls("wall.get"), walls, "no walk");
    assert_eq!(own.calls("wall.getComments"), comments, "an event tells its comment whole");
    assert_eq!(own.calls("groups.getLongPollServer"), 1, "the key is kept");
    // The walk finds as many comments as the events told; the fading reading confirms them.
    own.rig.ports.clock.advance(20 * MINUTE);
    own.rig.play().poll.key += 1;
    own.rig.play().poll.forgotten = Some(own.rig.ports.clock.now());
    assert_eq!(own.look().await.gone, [""; 0]);
    assert!(own.calls("wall.get") > walls, "a walk");
    assert_eq!(own.calls("wall.getComments"), comments, "the counts agree");
    own.rig.play().poll.forgotten = None;
    own.rig.ports.clock.advance(40 * MINUTE);
    let looked = own.look().await;
    assert_eq!(looked.gone, [""; 0]);
    assert!(looked.ids().contains(&"vk:-200001_4"), "confirmed");
    assert_eq!(own.calls("wall.getComments"), comments + 1);
}

/// An answer to a comment whose own event was lost: the listing is asked, so that no parent is
/// named that nobody stored.
#[tokio::test]
async fn an_answer_to_an_unknown_comment_is_read_from_the_listing() {
    let mut own = Own::new();
    own.look().await;
    own.rig.ports.clock.advance(MINUTE);
    let now = own.rig.ports.clock.now();
    {
        let mut play = own.rig.play();
        let later = |secs| now + SignedDuration::from_secs(secs);
        play.world.edit(OWNER, 2, now, "исправлено");
        play.world.comment(OWNER, 1, 100_003, later(1), "нет воды", None);
        play.world.comment(OWNER, 1, 100_004, later(2), "и у нас", Some(4));
        play.poll.drops = 2;
    }
    own.rig.ports.clock.advance(MINUTE);
    let looked = own.look().await;
    let place = |id: &str| looked.posts.iter().position(|it| it.id == id).expect("read");
    assert!(place("vk:-200001_4") < place("vk:-200001_5"));
}

/// Removed and brought back between two looks: the last word counts, whichever it was.
#[tokio::test]
async fn a_comment_brought_back_is_not_gone() {
    let mut own = Own::new();
    own.look().await;
    own.rig.ports.clock.advance(MINUTE);
    let now = own.rig.ports.clock.now();
    own.rig.play().world.delete(OWNER, 3, now);
    own.rig.play().world.restore(OWNER, 3, now + SignedDuration::from_secs(1));
    own.rig.play().world.comment(OWNER, 1, 100_003, now, "и сразу стёр", None);
    own.rig.play().world.delete(OWNER, 4, now + SignedDuration::from_secs(1));
    own.rig.ports.clock.advance(MINUTE);
    let horizon = own.rig.ports.clock.now() - SignedDuration::from_hours(7 * 24);
    let page = own.vk.page(&own.rig.source, own.cursor.as_ref(), horizon).await.expect("events");
    let ids: Vec<&str> = page.posts.iter().map(|post| post.id.as_str()).collect();
    assert_eq!(ids, ["vk:-200001_3"]);
    assert_eq!(page.gone, ["vk:-200001_4"]);
}

/// Told and removed before the listing, while the event of the removal was lost.
#[tokio::test]
async fn a_comment_told_and_removed_before_the_listing_is_gone() {
    let mut own = Own::new();
    own.look().await;
    own.rig.ports.clock.advance(MINUTE);
    let now = own.rig.ports.clock.now();
    own.rig.play().world.comment(OWNER, 1, 100_003, now, "и сразу стёр", None);
    own.rig.play().world.delete(OWNER, 4, now + SignedDuration::from_secs(1));
    own.rig.play().poll.drops = 2;
    own.rig.ports.clock.advance(MINUTE);
    let looked = own.look().await;
    assert!(looked.ids().contains(&"vk:-200001_4"), "told by the event");
    own.rig.play().poll.drops = 0;
    own.rig.ports.clock.advance(30 * MINUTE);
    assert_eq!(own.look().await.gone, ["vk:-200001_4"], "two listings without it");
}

/// A removal and a new comment whose events are both lost: the wall counts as before, the fading
/// reading finds out.
#[tokio::test]
async fn lost_events_that_even_out_are_found_by_the_fading_reading() {
    let mut own = Own::new();
    own.look().await;
    own.rig.ports.clock.advance(MINUTE);
    let now = own.rig.ports.clock.now();
    let later = |secs| now + SignedDuration::from_secs(secs);
    {
        let mut play = own.rig.play();
        play.world.comment(OWNER, 1, 100_003, now, "и сразу стёр", None);
        play.world.delete(OWNER, 4, later(1));
        play.world.edit(OWNER, 2, later(2), "исправлено");
        play.world.comment(OWNER, 1, 100_004, later(3), "нет воды", None);
        play.poll.drops = 2;
    }
    own.rig.ports.clock.advance(MINUTE);
    assert_eq!(own.look().await.ids(), ["vk:-200001_2", "vk:-200001_4"]);
    own.rig.play().poll.drops = 0;
    own.rig.ports.clock.advance(35 * MINUTE);
    let looked = own.look().await;
    assert_eq!(looked.gone, ["vk:-200001_4"]);
    assert!(looked.ids().contains(&"vk:-200001_5"), "{:?}", looked.ids());
}

/// Written, answered and removed between two looks: the answer hangs on the post.
#[tokio::test]
async fn an_answer_to_a_comment_removed_at_once_hangs_on_the_post() {
    let mut own = Own::new();
    own.look().await;
    own.rig.ports.clock.advance(MINUTE);
    let now = own.rig.ports.clock.now();
    let later = |secs| now + SignedDuration::from_secs(secs);
    own.rig.play().world.comment(OWNER, 1, 100_003, now, "нет воды", None);
    own.rig.play().world.comment(OWNER, 1, 100_004, later(1), "и у нас", Some(4));
    own.rig.play().world.delete(OWNER, 4, later(2));
    own.rig.ports.clock.advance(MINUTE);
    let horizon = own.rig.ports.clock.now() - SignedDuration::from_hours(7 * 24);
    let page = own.vk.page(&own.rig.source, own.cursor.as_ref(), horizon).await.expect("events");
    let told = page.posts.iter().map(|post| (post.id.as_str(), post.parent.as_deref()));
    assert_eq!(told.collect::<Vec<_>>(), [("vk:-200001_5", Some("vk:-200001_1"))]);
}

/// A comment below a post of long ago, and an answer to it: the events tell of them, the post is
/// looked up, and all three are there.
#[tokio::test]
async fn a_comment_below_an_old_post_comes_by_its_event_with_its_post() {
    let mut own = Own::new();
    let old = own.rig.play().world.post(OWNER, OWNER, at(-60 * DAY), "давно");
    own.look().await;
    own.rig.ports.clock.advance(MINUTE);
    let now = own.rig.ports.clock.now();
    let root = own.rig.play().world.comment(OWNER, old, 100_003, now, "ещё помню", None);
    let answer = own.rig.play().world.comment(OWNER, old, 100_004, now, "и я", Some(root));
    own.rig.play().world.comment(OWNER, 1, 100_003, now, "а я здесь", None);
    own.rig.ports.clock.advance(MINUTE);
    let walls = own.calls("wall.get");
    let looked = own.look().await;
    let id = |number: i64| format!("vk:{OWNER}_{number}");
    for number in [old, root, answer, 7] {
        assert!(looked.ids().contains(&id(number).as_str()), "{number}: {:?}", looked.ids());
    }
    let parent = |number| {
        let post = looked.posts.iter().find(|post| post.id == id(number));
        post.and_then(|post| post.parent.clone())
    };
    assert_eq!((parent(root), parent(answer)), (Some(id(old)), Some(id(root))));
    assert_eq!(own.calls("wall.get"), walls, "no walk");
    // Its removal is told, too.
    let now = own.rig.ports.clock.now();
    own.rig.play().world.delete(OWNER, answer, now);
    own.rig.ports.clock.advance(MINUTE);
    assert!(own.look().await.gone.contains(&id(answer)));
}

/// A board that VK refuses is not asked again at every event below it.
#[tokio::test]
async fn events_do_not_make_us_ask_for_a_refused_board() {
    let mut own = Own::new();
    let topic = own.rig.play().world.talk(OWNER, TalkKind::Topic, 100_001, at(-HOUR), "Вода");
    own.rig.play().faults.insert(5, Fault::Code(15));
    own.look().await;
    let refused = own.rig.play().log[4].clone();
    assert_eq!((refused.method.as_str(), refused.error), ("board.getTopics", Some(15)));
    for _ in 0..3 {
        own.rig.ports.clock.advance(MINUTE);
        let now = own.rig.ports.clock.now();
        own.rig.play().world.say(OWNER, TalkKind::Topic, topic, 100_001, now, "Когда дадут?");
        own.rig.ports.clock.advance(MINUTE);
        own.look().await;
    }
    assert_eq!(own.calls("board.getTopics"), 1);
}

#[tokio::test]
async fn a_new_post_walks_the_wall_and_a_discussion_lists_the_board() {
    let mut own = Own::new();
    own.look().await;
    own.rig.ports.clock.advance(MINUTE);
    let now = own.rig.ports.clock.now();
    own.rig.play().world.post(OWNER, OWNER, now, "авария");
    own.rig.ports.clock.advance(MINUTE);
    assert!(own.look().await.ids().contains(&"vk:-200001_4"));
    own.rig.ports.clock.advance(MINUTE);
    let now = own.rig.ports.clock.now();
    {
        let mut play = own.rig.play();
        let topic = play.world.talk(OWNER, TalkKind::Topic, 100_001, now, "Вода");
        play.world.say(OWNER, TalkKind::Topic, topic, 100_001, now, "Когда дадут?");
    }
    own.rig.ports.clock.advance(MINUTE);
    let walls = own.calls("wall.get");
    assert_eq!(own.look().await.ids(), ["vk:-200001_topic1", "vk:-200001_topic1_1"]);
    assert_eq!(own.calls("wall.get"), walls, "the board alone");
}

/// What VK tells nobody (a post edited or removed) is found by the walk each half hour.
#[tokio::test]
async fn the_wall_is_walked_each_half_hour_all_the_same() {
    let mut own = Own::new();
    own.look().await;
    let now = own.rig.ports.clock.now();
    own.rig.play().world.edit(OWNER, 1, now, "исправлено");
    own.rig.ports.clock.advance(10 * MINUTE);
    assert!(own.look().await.posts.is_empty());
    own.rig.ports.clock.advance(25 * MINUTE);
    let looked = own.look().await;
    assert_eq!(looked.text("vk:-200001_1"), Some("исправлено"));
}

/// Every way in which history is lost ends in a whole look; a key alone is changed and no more.
#[tokio::test]
async fn lost_history_is_closed_by_a_whole_look() {
    for (way, whole) in [("forgotten", true), ("key", false), ("broken", true)] {
        let mut own = Own::new();
        own.look().await;
        own.rig.ports.clock.advance(MINUTE);
        let now = own.rig.ports.clock.now();
        own.rig.play().world.comment(OWNER, 1, 100_004, now, "пока нас не было", None);
        own.rig.ports.clock.advance(MINUTE);
        let walls = own.calls("wall.get");
        {
            let mut play = own.rig.play();
            match way {
                "forgotten" => play.poll.forgotten = Some(at(HOUR)),
                "key" => play.poll.key += 1,
                _ => play.poll.broken = true,
            }
        }
        assert!(own.look().await.ids().contains(&"vk:-200001_4"), "{way}");
        assert_eq!(own.calls("wall.get") > walls, whole, "{way}");
        own.rig.ports.clock.advance(MINUTE);
        let walls = own.calls("wall.get");
        own.rig.play().poll.forgotten = None;
        own.look().await;
        assert_eq!(own.calls("wall.get"), walls, "{way}: events flow again");
    }
}

/// Whatever is wrong with the poll or its token, the wall is read as if there were none.
#[tokio::test]
async fn a_poll_that_fails_stops_nothing() {
    for fault in [
        Fault::Code(5),
        Fault::Code(14),
        Fault::Code(15),
        Fault::Code(27),
        Fault::Code(100),
        Fault::Status(502),
        Fault::Html,
        Fault::Hang,
        Fault::Body(r#"{"response":[]}"#.to_owned()),
        Fault::Body(r#"{"ts":"x","updates":7}"#.to_owned()),
    ] {
        for first in [1, 2] {
            let mut own = Own::new();
            for number in first..first + 6 {
                own.rig.play().faults.insert(number, fault.clone());
            }
            // Only the poll goes wrong: its calls come first.
            own.rig.play().on_call = None;
            let horizon = at(-7 * DAY);
            let page = own.vk.page(&own.rig.source, None, horizon).await.expect("no hints");
            assert!(page.more, "{fault:?}");
            own.rig.play().faults.clear();
            own.cursor = Some(page.cursor);
            assert_eq!(own.look().await.ids().len(), 3, "{fault:?}");
            let asked = own.calls("a_check") + own.calls("groups.getLongPollServer");
            own.rig.ports.clock.advance(10 * MINUTE);
            own.look().await;
            let again = own.calls("a_check") + own.calls("groups.getLongPollServer");
            assert_eq!(asked, again, "{fault:?}: left alone for an hour");
        }
    }
}

/// Neither the community's token nor the key of its poll gets into a cursor or a sentence.
#[tokio::test]
async fn secrets_of_the_poll_stay_in_memory() {
    let mut own = Own::new();
    own.look().await;
    own.rig.ports.clock.advance(MINUTE);
    own.look().await;
    let cursor = own.cursor.clone().expect("a cursor").0;
    let told = format!("{cursor} {:?} {}", own.rig.settings, own.vk.prove().await.expect("fine"));
    for secret in ["MADEUP", "key0", "wh200001"] {
        assert!(!told.contains(secret), "{secret} in {told}");
    }
    assert!(told.contains("события сообщества 200001 приходят сразу"), "{told}");
    own.rig.play().tokens.insert("MADEUPOWN".to_owned(), Token::Service);
    let told = own.vk.prove().await.expect("the wall is read all the same");
    assert!(told.contains("не приходят"), "{told}");
}

/// A community whose key cannot be read costs nothing but its events; that is said by name, in
/// its health and to whoever asks.
#[tokio::test]
async fn a_community_without_its_key_is_read_like_any_other() {
    let mut own = Own::new();
    let trouble = "файл ключа не читается".to_owned();
    own.rig.settings.communities[0].token = Err(trouble);
    let other = OwnCommunity { group: 200_777, token: Ok("MADEUPOWN".to_owned()) };
    own.rig.settings.communities.push(other);
    own.vk = own.rig.vk();
    let page = own.vk.page(&own.rig.source, None, at(-7 * DAY)).await.expect("reads");
    let said =
        "события сообщества 200001 не приходят, читается как обычное: файл ключа не читается";
    assert_eq!(page.facts.notice.as_deref(), Some(said));
    own.cursor = Some(page.cursor);
    assert_eq!(own.look().await.ids().len(), 2, "its comments");
    assert_eq!(own.calls("a_check") + own.calls("groups.getLongPollServer"), 0);
    let told = own.vk.prove().await.expect("the token is good");
    assert!(told.contains(said) && told.contains("события сообщества 200777"), "{told}");
}

/// The poll over a real socket: address, query and answer as they travel.
#[tokio::test]
async fn a_poll_over_a_real_socket() {
    let mut own = Own::new();
    let clock = own.rig.ports.clock.clone();
    let server = serve(own.rig.play.clone(), clock).await.expect("a free port");
    own.rig.play().poll_host = server.url();
    own.rig.settings.api_url = format!("{}/method", server.url());
    let http = Http::new(wire::settings()).expect("settings of the tests");
    own.vk = Vk::new(own.rig.settings.clone(), own.rig.ports.over(Arc::new(http)));
    own.look().await;
    own.rig.ports.clock.advance(MINUTE);
    let now = own.rig.ports.clock.now();
    own.rig.play().world.comment(OWNER, 1, 100_005, now, "по проводу", None);
    own.rig.ports.clock.advance(MINUTE);
    let walls = own.calls("wall.get");
    assert!(own.look().await.ids().contains(&"vk:-200001_4"));
    assert_eq!(own.calls("wall.get"), walls);
}

/// No listing shows an old video because somebody speaks below it; the event does.
#[tokio::test]
async fn a_comment_below_an_old_video_is_read_because_an_event_tells_it() {
    let mut own = Own::new();
    own.rig.settings.token_kind = TokenKind::User;
    own.rig.play().tokens.insert("MADEUPTOKEN".to_owned(), Token::User);
    own.vk = own.rig.vk();
    for n in 0..150 {
        let date = at(-60 * DAY + n * HOUR);
        own.rig.play().world.talk(OWNER, TalkKind::Video, OWNER, date, "Отчёт");
    }
    own.look().await;
    own.rig.ports.clock.advance(HOUR);
    let now = own.rig.ports.clock.now();
    own.rig.play().world.say(OWNER, TalkKind::Video, 7, 100_001, now, "Обещали, а воды нет");
    own.rig.ports.clock.advance(MINUTE);
    let looked = own.look().await;
    let expected = ["vk:-200001_video7", "vk:-200001_video7_1"];
    let videos: Vec<&str> = looked.ids().into_iter().filter(|id| id.contains("video")).collect();
    assert_eq!(videos, expected);
}
