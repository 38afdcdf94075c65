//! What a look says that it did not read, or does not watch.

use jiff::SignedDuration;
use otklik_collectors::HoleCause;
use otklik_collectors::play::mtproto::Who;

use super::{CHANNEL, Stage, days, start};

fn mins(n: i64) -> SignedDuration {
    SignedDuration::from_mins(n)
}

/// Posts that were old at the first look are never watched, and it is said at once.
#[tokio::test]
async fn comments_below_posts_from_before_the_first_look_are_told_as_unseen() {
    for (age, expected) in [(days(6), 0), (days(20), 1)] {
        let mut stage = Stage::new();
        stage.post(start() - age, "Будем отключать воду");
        stage.post(start() - mins(5), "Другое");
        let facts = stage.look().await;
        let late = facts.coverage.holes.iter().filter(|hole| hole.cause == HoleCause::Late);
        let told: Vec<_> = late.map(|hole| (Some((hole.from, hole.to)), hole.posts)).collect();
        assert_eq!(told.len(), expected, "{age}");
        assert!(told.iter().all(|hole| *hole == (facts.coverage.read, None)), "{told:?}");
    }
}

/// Removals among more comments than can be remembered go unseen: every look says so.
#[tokio::test]
async fn comments_too_many_to_remember_are_told_as_unwatched() {
    let mut stage = Stage::new();
    let post = stage.post(start() - mins(60), "Нет воды");
    {
        let mut play = stage.play.lock().unwrap();
        let (at, who) = (start() - mins(50), Who::User(777_001));
        play.world.comment(CHANNEL, post, at, who, "И у нас", None).unwrap();
    }
    let facts = stage.look().await;
    assert_eq!(facts.coverage.holes, []);
    // As the cursor of a channel with very many comments has it.
    let cursor = stage.store.cursor.as_mut().unwrap();
    let mut place: serde_json::Value = serde_json::from_str(&cursor.0).unwrap();
    place["talk"]["threads"][post.to_string()]["forgotten"] = true.into();
    cursor.0 = place.to_string();
    stage.world.clock.pass(mins(10));
    let facts = stage.look().await;
    let [hole] = &facts.coverage.holes[..] else { panic!("{:?}", facts.coverage.holes) };
    let to = facts.coverage.read.map(|(_, to)| to);
    assert_eq!((hole.cause, hole.from), (HoleCause::Unwatched, start() - mins(60)));
    assert_eq!((Some(hole.to), hole.posts), (to, Some(1)));
}
