//! Talk besides the wall: discussions, comments of photos and videos.

use otklik_collectors::play::vk::{Fault, TalkKind, Token};
use otklik_collectors::vk::{OwnCommunity, TokenKind};
use otklik_collectors::{Author, Clock, HoleCause, RawKind, SourceKind};

use crate::ports::at;
use crate::vk_rig::{DAY, HOUR, MINUTE, OWNER, Rig};

fn with_topic(rig: &Rig, comments: usize) -> i64 {
    let mut play = rig.play();
    let world = &mut play.world;
    let topic = world.talk(OWNER, TalkKind::Topic, 100_001, at(-2 * HOUR), "Нет воды на Заречной");
    for n in 0..comments {
        let n = i64::try_from(n).expect("few");
        world.say(OWNER, TalkKind::Topic, topic, 100_002 + n, at(-HOUR + n), "И у нас нет");
    }
    topic
}

#[tokio::test]
async fn a_discussion_becomes_a_post_with_comments() {
    let mut rig = Rig::new();
    rig.source.kind = SourceKind::Official;
    with_topic(&rig, 1);
    rig.play().world.say(OWNER, TalkKind::Topic, 1, OWNER, at(-MINUTE), "Передали в службу");
    // A post of the wall with the same number as the topic.
    rig.play().world.post(OWNER, OWNER, at(-HOUR), "пост");
    let looked = rig.look(None).await.expect("reads");
    let posts = &looked.posts;
    let ids: Vec<&str> = posts.iter().map(|post| post.id.as_str()).collect();
    let expected =
        ["vk:-200001_1", "vk:-200001_topic1", "vk:-200001_topic1_1", "vk:-200001_topic1_2"];
    assert_eq!(ids, expected);
    let [_, topic, first, answer] = &posts[..] else { panic!("four") };
    assert_eq!((topic.kind, topic.text.as_str()), (RawKind::Post, "Нет воды на Заречной"));
    assert_eq!(topic.url.as_deref(), Some("https://vk.com/topic-200001_1"));
    assert_eq!(topic.counts.comments, Some(2));
    assert!(matches!(topic.author, Author::Person(_)) && !topic.official);
    assert_eq!(first.kind, RawKind::Comment);
    assert_eq!(first.parent.as_deref(), Some("vk:-200001_topic1"));
    assert_eq!(first.url.as_deref(), Some("https://vk.com/topic-200001_1?post=1"));
    assert_eq!(first.published, Some(at(-HOUR)));
    assert!(answer.official && matches!(answer.author, Author::Source));
}

/// A board costs a call now and then; new comments are read, a quiet one is left alone.
#[tokio::test]
async fn a_quiet_board_is_asked_for_now_and_then() {
    let rig = Rig::new();
    with_topic(&rig, 3);
    let mut looked = rig.look(None).await.expect("reads");
    assert_eq!(looked.ids().len(), 4);
    let calls = |rig: &Rig| {
        let play = rig.play();
        (play.calls("board.getTopics"), play.calls("board.getComments"))
    };
    assert_eq!(calls(&rig), (1, 1));
    for _ in 0..5 {
        rig.ports.clock.advance(5 * MINUTE);
        looked = rig.look(looked.cursor).await.expect("reads");
        assert_eq!(looked.ids(), [""; 0]);
    }
    assert_eq!(calls(&rig), (1, 1), "within the half hour nobody asks");
    rig.ports.clock.advance(5 * MINUTE);
    let now = rig.ports.clock.now();
    rig.play().world.say(OWNER, TalkKind::Topic, 1, 100_009, now, "Дали воду");
    looked = rig.look(looked.cursor).await.expect("reads");
    assert!(looked.ids().contains(&"vk:-200001_topic1_4"), "{:?}", looked.ids());
    assert_eq!(calls(&rig), (2, 2));
}

#[tokio::test]
async fn what_is_removed_from_a_board_is_gone_and_edits_are_read() {
    let rig = Rig::new();
    with_topic(&rig, 4);
    let other = rig.play().world.talk(OWNER, TalkKind::Topic, OWNER, at(-HOUR), "Вопросы главе");
    rig.play().world.say(OWNER, TalkKind::Topic, other, 100_001, at(-HOUR), "Когда ремонт?");
    let looked = rig.look(None).await.expect("reads");
    assert_eq!(looked.ids().len(), 7);
    rig.ports.clock.advance(3 * HOUR);
    let now = rig.ports.clock.now();
    {
        let mut play = rig.play();
        play.world.turn_said(OWNER, TalkKind::Topic, 2, now, false);
        play.world.edit_said(OWNER, TalkKind::Topic, 3, now, "Воду дали");
        play.world.close_talk(OWNER, TalkKind::Topic, other, now);
    }
    let mut looked = rig.look(looked.cursor).await.expect("reads");
    looked.gone.sort_unstable();
    let expected = ["vk:-200001_topic1_2", "vk:-200001_topic2", "vk:-200001_topic2_5"];
    assert_eq!(looked.gone, expected);
    assert_eq!(looked.text("vk:-200001_topic1_3"), Some("Воду дали"));
}

/// A topic of years is read from its end back to the window, not from its begin.
#[tokio::test]
async fn a_long_discussion_is_read_from_its_end() {
    let rig = Rig::new();
    {
        let mut play = rig.play();
        let world = &mut play.world;
        let topic = world.talk(OWNER, TalkKind::Topic, OWNER, at(-900 * DAY), "Вопросы");
        for n in 0..2_000 {
            world.say(OWNER, TalkKind::Topic, topic, 100_001, at((n - 2_000) * 2 * HOUR), "Вопрос");
        }
    }
    let looked = rig.look(None).await.expect("reads");
    assert_eq!(looked.ids().len(), 1 + 84, "the topic and twelve comments a day of seven days");
    assert_eq!(rig.play().calls("board.getComments"), 1);
}

/// In a topic of years a removed comment is noticed too: two listings of the window without it.
#[tokio::test]
async fn what_is_removed_from_a_long_discussion_is_gone() {
    let rig = Rig::new();
    {
        let mut play = rig.play();
        let world = &mut play.world;
        let topic = world.talk(OWNER, TalkKind::Topic, OWNER, at(-900 * DAY), "Вопросы");
        for n in 0..2_000 {
            world.say(OWNER, TalkKind::Topic, topic, 100_001, at((n - 2_000) * 2 * HOUR), "Вопрос");
        }
    }
    let looked = rig.look(None).await.expect("reads");
    rig.ports.clock.advance(2 * HOUR);
    let now = rig.ports.clock.now();
    rig.play().world.turn_said(OWNER, TalkKind::Topic, 1_990, now, false);
    let looked = rig.look(looked.cursor).await.expect("reads");
    assert_eq!(looked.gone, ["vk:-200001_topic1_1990"]);
    assert_eq!(rig.play().calls("board.getComments"), 3, "one reading, and two listings");
    rig.ports.clock.advance(2 * HOUR);
    let looked = rig.look(looked.cursor).await.expect("reads");
    assert_eq!(looked.gone, [""; 0], "what left the window is not gone");
}

/// A board whose last discussion was removed has nothing to prove an answer with: the second
/// listing a day later is believed, as a second empty wall is.
#[tokio::test]
async fn the_last_discussion_is_gone_at_the_second_empty_board() {
    let rig = Rig::new();
    with_topic(&rig, 1);
    let mut looked = rig.look(None).await.expect("reads");
    rig.ports.clock.advance(HOUR);
    let now = rig.ports.clock.now();
    rig.play().world.close_talk(OWNER, TalkKind::Topic, 1, now);
    looked = rig.look(looked.cursor).await.expect("reads");
    assert_eq!(looked.gone, [""; 0], "one empty board may be a fault of VK's");
    rig.ports.clock.advance(DAY);
    looked = rig.look(looked.cursor).await.expect("reads");
    assert_eq!(looked.gone, ["vk:-200001_topic1", "vk:-200001_topic1_1"]);
}

/// More missed talks than one call takes are all asked for in the same look.
#[tokio::test]
async fn any_number_of_missed_talks_is_asked_for() {
    let rig = Rig::new();
    let talk = |text: &str| rig.play().world.talk(OWNER, TalkKind::Topic, OWNER, at(-DAY), text);
    let topics: Vec<i64> = (0..250).map(|_| talk("Вопрос")).collect();
    talk("Остаётся");
    let looked = rig.look(None).await.expect("reads");
    assert_eq!(looked.ids().len(), 251);
    rig.ports.clock.advance(3 * HOUR);
    let now = rig.ports.clock.now();
    for topic in &topics {
        rig.play().world.close_talk(OWNER, TalkKind::Topic, *topic, now);
    }
    // The board is listed once a day where nothing is new.
    rig.ports.clock.advance(DAY);
    let before = rig.play().calls("board.getTopics");
    let looked = rig.look(looked.cursor).await.expect("reads");
    assert_eq!(looked.gone_below.len(), topics.len());
    assert_eq!(rig.play().calls("board.getTopics") - before, 1 + 3);
}

/// One discussion whose page is no answer: the others are read, in this look and in later ones,
/// and it is read when it can be.
#[tokio::test]
async fn a_talk_that_cannot_be_read_holds_up_no_other() {
    let mut rig = Rig::new();
    rig.source.platform_id = Some(OWNER.to_string());
    for n in 0..3 {
        let mut play = rig.play();
        let talk = play.world.talk(OWNER, TalkKind::Topic, 100_001, at(-9 * HOUR + n), "Вода");
        play.world.say(OWNER, TalkKind::Topic, talk, 100_002, at(-8 * HOUR + n), "Нет");
    }
    // The wall, the board, then the newest discussion and its second try.
    let fail = |from: usize| {
        let mut play = rig.play();
        let next = play.log.len() + from;
        play.faults.extend([(next, Fault::Html), (next + 1, Fault::Html)]);
    };
    fail(3);
    let looked = rig.look(None).await.expect("reads");
    let read = ["vk:-200001_topic1_1", "vk:-200001_topic2_2"];
    assert!(read.iter().all(|id| looked.ids().contains(id)), "{:?}", looked.ids());
    assert!(!looked.ids().contains(&"vk:-200001_topic3_3"), "{:?}", looked.ids());
    // Still broken, and something new in another: that one goes first now.
    rig.ports.clock.advance(HOUR);
    let now = rig.ports.clock.now();
    rig.play().world.say(OWNER, TalkKind::Topic, 1, 100_003, now, "Дали");
    fail(4);
    let looked = rig.look(looked.cursor).await.expect("reads");
    assert!(looked.ids().contains(&"vk:-200001_topic1_4"), "{:?}", looked.ids());
    rig.ports.clock.advance(DAY);
    let looked = rig.look(looked.cursor).await.expect("reads");
    assert!(looked.ids().contains(&"vk:-200001_topic3_3"), "{:?}", looked.ids());
}

/// A board where people talked is listed each half hour; where nothing is new, a listing comes to
/// ten pages of the wall.
#[tokio::test]
async fn a_board_without_news_costs_a_tenth_of_the_wall() {
    let rig = Rig::new();
    with_topic(&rig, 3);
    let mut looked = rig.look(None).await.expect("reads");
    let listed = |rig: &Rig| rig.play().calls("board.getTopics");
    for _ in 0..200 {
        rig.ports.clock.advance(15 * MINUTE);
        looked = rig.look(looked.cursor).await.expect("reads");
    }
    let walls = rig.play().calls("wall.get");
    assert!(walls > 200 && listed(&rig) <= walls / 10 + 1, "{} for {walls}", listed(&rig));
    // Somebody speaks: heard within ten looks, and then the board is lively for a while.
    let now = rig.ports.clock.now();
    rig.play().world.say(OWNER, TalkKind::Topic, 1, 100_009, now, "Опять нет воды");
    let mut looks = 0;
    while !looked.ids().contains(&"vk:-200001_topic1_4") {
        rig.ports.clock.advance(15 * MINUTE);
        looked = rig.look(looked.cursor).await.expect("reads");
        looks += 1;
        assert!(looks <= 10, "not heard");
    }
    let before = listed(&rig);
    rig.ports.clock.advance(30 * MINUTE);
    rig.look(looked.cursor).await.expect("reads");
    assert_eq!(listed(&rig), before + 1);
}

/// Whatever happens to the board, the wall is read, and the board is asked again later.
#[tokio::test]
async fn a_board_that_is_refused_stops_nothing() {
    for (fault, later) in [
        (Fault::Code(15), DAY),
        (Fault::Code(3), DAY),
        (Fault::Code(27), DAY),
        (Fault::Code(28), DAY),
        (Fault::Code(100), DAY),
        (Fault::Code(7), DAY),
        (Fault::Code(424_242), DAY),
        (Fault::Code(10), HOUR),
        (Fault::Code(9), 3 * HOUR),
        (Fault::Status(404), HOUR),
        (Fault::Status(502), HOUR),
        (Fault::Html, HOUR),
        (Fault::Hang, HOUR),
        (Fault::Body(r#"{"response":[]}"#.to_owned()), HOUR),
    ] {
        let mut rig = Rig::new();
        rig.source.platform_id = Some(OWNER.to_string());
        with_topic(&rig, 1);
        rig.play().world.post(OWNER, OWNER, at(-HOUR), "пост");
        for number in 2..=6 {
            rig.play().faults.insert(number, fault.clone());
        }
        let looked = rig.look(None).await.expect("the wall is read");
        assert_eq!(looked.ids(), ["vk:-200001_1"], "{fault:?}");
        assert!(looked.coverage.read.is_some(), "{fault:?}");
        assert!(rig.play().log.len() <= 3, "{fault:?}");
        rig.play().faults.clear();
        rig.ports.clock.advance(later - 10 * MINUTE);
        let looked = rig.look(looked.cursor).await.expect("reads");
        assert!(!looked.ids().contains(&"vk:-200001_topic1"), "{fault:?}: too early");
        rig.ports.clock.advance(11 * MINUTE);
        let looked = rig.look(looked.cursor).await.expect("reads");
        assert!(looked.ids().contains(&"vk:-200001_topic1_1"), "{fault:?}");
    }
}

#[tokio::test]
async fn a_captcha_on_the_board_is_a_captcha() {
    let mut rig = Rig::new();
    rig.source.platform_id = Some(OWNER.to_string());
    with_topic(&rig, 1);
    rig.play().faults.insert(2, Fault::Code(14));
    let first = rig.page(None).await.expect("the wall");
    let error = rig.page(Some(&first.cursor)).await.err().expect("a captcha");
    assert_eq!(error.code, "vk 14");
}

/// Comments of photos and videos are a matter of the token: a user's reads them, a service key
/// does not even ask. And they are read in communities of our own alone.
#[tokio::test]
async fn photos_and_videos_of_our_own_with_a_users_token() {
    let (user, service) = ((Token::User, TokenKind::User), (Token::Service, TokenKind::Service));
    for ((token, kind), own) in [(user, true), (service, true), (user, false)] {
        let mut rig = Rig::new();
        rig.settings.token_kind = kind;
        if own {
            let community = OwnCommunity { group: -OWNER, token: Ok("MADEUPOWN".to_owned()) };
            rig.settings.communities.push(community);
            rig.play().tokens.insert("MADEUPOWN".to_owned(), Token::Community);
        }
        rig.play().tokens.insert("MADEUPTOKEN".to_owned(), token);
        {
            let mut play = rig.play();
            let world = &mut play.world;
            let photo = world.talk(OWNER, TalkKind::Photo, OWNER, at(-90 * DAY), "");
            let video = world.talk(OWNER, TalkKind::Video, OWNER, at(-DAY), "Отчёт о ремонте");
            world.say(OWNER, TalkKind::Photo, photo, 100_001, at(-80 * DAY), "давно");
            world.say(OWNER, TalkKind::Photo, photo, 100_001, at(-HOUR), "яма на фото");
            world.say(OWNER, TalkKind::Video, video, 100_002, at(-HOUR), "не отремонтировали");
        }
        let looked = rig.look(None).await.expect("reads");
        if kind == TokenKind::Service || !own {
            assert_eq!(looked.ids(), [""; 0]);
            let play = rig.play();
            assert!(play.log.iter().all(|call| call.error.is_none()), "a call in vain");
            let aside = ["photos.getAllComments", "video.get"];
            assert!(aside.iter().all(|method| play.calls(method) == 0), "asked all the same");
            continue;
        }
        let expected = ["vk:-200001_photo1_2", "vk:-200001_video1", "vk:-200001_video1_1"];
        assert_eq!(looked.ids(), expected);
        // Removed: two whole listings in one look, as on the wall.
        rig.ports.clock.advance(7 * HOUR);
        let now = rig.ports.clock.now();
        rig.play().world.turn_said(OWNER, TalkKind::Photo, 2, now, false);
        rig.play().world.turn_said(OWNER, TalkKind::Video, 1, now, false);
        let mut looked = rig.look(looked.cursor).await.expect("reads");
        looked.gone.sort_unstable();
        assert_eq!(looked.gone, ["vk:-200001_photo1_2", "vk:-200001_video1_1"]);
    }
}

/// A board that is refused after people were seen to talk there: every look says what it lacks.
#[tokio::test]
async fn a_board_refused_after_people_talked_there_is_told() {
    let rig = Rig::new();
    with_topic(&rig, 1);
    rig.play().world.post(OWNER, OWNER, at(-HOUR), "пост");
    let mut looked = rig.look(None).await.expect("reads");
    assert_eq!(looked.coverage.holes, []);
    let asked = rig.play().log.len();
    for number in 2..=6 {
        rig.play().faults.insert(asked + number, Fault::Code(15));
    }
    for _ in 0..2 {
        rig.ports.clock.advance(2 * HOUR);
        looked = rig.look(looked.cursor).await.expect("the wall is read");
        let causes: Vec<HoleCause> = looked.coverage.holes.iter().map(|it| it.cause).collect();
        assert_eq!(causes, [HoleCause::CommentsRefused]);
        rig.play().faults.clear();
    }
    rig.ports.clock.advance(DAY);
    looked = rig.look(looked.cursor).await.expect("reads");
    assert_eq!(looked.coverage.holes, []);
}
