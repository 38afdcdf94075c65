//! The outbox: claims, leases, copies that may have left, tries.

use jiff::Timestamp;
use otklik::model::{Channel, DeliveryId, DeliveryState};
use otklik::store::{DeliveryEnd, FreedLeases, GroupOutcome, StoreError};

use super::group::{decision, delivery, problem};
use super::{World, at, complaint, source};

async fn queue(world: &World, ids: &[(&str, Timestamp)]) {
    let messages: Vec<_> = ids.iter().map(|(id, due)| delivery(id, *due)).collect();
    world.store.queue_deliveries(&messages, at(0)).await.expect("queued");
}

async fn claim(world: &World, now: Timestamp, lease: &str, until: Timestamp) -> Vec<String> {
    let claimed = world.store.claim_deliveries(now, lease, until, 10).await.expect("claimed");
    assert!(claimed.iter().all(|claim| claim.delivery.state == DeliveryState::Claimed));
    claimed.into_iter().map(|claim| claim.delivery.id.0).collect()
}

fn end(state: DeliveryState, due: Timestamp, may_have_left: bool) -> DeliveryEnd {
    DeliveryEnd {
        state,
        due,
        channel: Channel::Email,
        address: "duty@example.org".to_owned(),
        tries: 1,
        unreachable_since: None,
        trouble: None,
        receipt: None,
        may_have_left,
    }
}

async fn finish(world: &World, id: &str, lease: &str, end: DeliveryEnd) -> Result<(), StoreError> {
    world.store.finish_delivery(&DeliveryId::from(id), lease, end, at(1)).await
}

async fn copies(world: &World, id: &str) -> (DeliveryState, u32) {
    let all = world.store.export_deliveries(None, None, 100).await.expect("read");
    let row = all.into_iter().find(|row| row.delivery.id.0 == id).expect("there").delivery;
    (row.state, row.copies)
}

#[tokio::test]
async fn due_messages_are_claimed_once_and_in_order() {
    let world = World::new();
    queue(&world, &[("d1", at(2)), ("d2", at(1)), ("d3", at(9))]).await;
    assert_eq!(claim(&world, at(5), "one", at(6)).await, ["d2", "d1"]);
    assert!(claim(&world, at(5), "two", at(6)).await.is_empty());
    finish(&world, "d1", "one", end(DeliveryState::Sent, at(5), true)).await.expect("held");
    assert_eq!(copies(&world, "d1").await, (DeliveryState::Sent, 1));
    assert_eq!(claim(&world, at(9), "two", at(10)).await, ["d2", "d3"], "d2's worker died");
}

#[tokio::test]
async fn a_worker_that_died_counts_as_a_copy_that_may_have_left() {
    let world = World::new();
    queue(&world, &[("d1", at(0))]).await;
    assert_eq!(claim(&world, at(1), "one", at(2)).await, ["d1"]);
    let world = world.killed();
    assert_eq!(claim(&world, at(2), "two", at(3)).await, ["d1"]);
    assert_eq!(copies(&world, "d1").await, (DeliveryState::Claimed, 1));
    // The first one was not dead, only slow: it must not overwrite what the second one does.
    let late = finish(&world, "d1", "one", end(DeliveryState::Failed, at(2), false)).await;
    assert!(matches!(late, Err(StoreError::LeaseLost)), "{late:?}");
    assert_eq!(world.number("SELECT COUNT(*) FROM delivery_try"), 0);
    finish(&world, "d1", "two", end(DeliveryState::Sent, at(2), true)).await.expect("held");
    assert_eq!(copies(&world, "d1").await, (DeliveryState::Sent, 2));
    let again = finish(&world, "d1", "two", end(DeliveryState::Sent, at(2), true)).await;
    assert!(matches!(again, Err(StoreError::LeaseLost)), "{again:?}");
}

#[tokio::test]
async fn what_the_dead_held_is_free_at_once() {
    let world = World::new();
    queue(&world, &[("d1", at(0)), ("d2", at(0))]).await;
    let claimed = world.store.claim_deliveries(at(1), "one", at(60), 1).await.expect("claimed");
    assert_eq!(claimed.len(), 1);
    world.store.sync_sources(&[source("novosti"), source("still")], at(0)).await.expect("known");
    let look = world.store.claim_source(&"novosti".into(), at(1), "one", at(60)).await;
    assert!(look.expect("asked").is_some());
    world.store.plan_job("digest", at(0), false).await.expect("known");
    assert_eq!(world.store.claim_jobs(at(1), "one", at(60)).await.expect("claimed").len(), 1);

    let world = world.killed();
    assert_eq!(world.store.next_source_due().await.expect("read"), Some(at(0)), "the other one");
    assert_eq!(world.store.next_job_due().await.expect("read"), Some(at(60)));
    let freed = world.store.free_leases().await.expect("freed");
    assert_eq!((freed.deliveries, freed.jobs), (1, 1));
    assert_eq!(freed.sources, ["novosti".into()]);
    assert_eq!(world.store.free_leases().await.expect("freed"), FreedLeases::default());

    assert_eq!(claim(&world, at(1), "two", at(9)).await, ["d1", "d2"]);
    assert_eq!(copies(&world, "d1").await, (DeliveryState::Claimed, 1), "it was being sent");
    assert_eq!(copies(&world, "d2").await, (DeliveryState::Claimed, 0), "it was not");
    let due = world.store.claim_due_sources(at(1), "two", at(9), 9).await.expect("claimed");
    assert_eq!(due.len(), 2);
    assert_eq!(world.store.claim_jobs(at(1), "two", at(9)).await.expect("claimed").len(), 1);
}

#[tokio::test]
async fn a_message_moves_to_the_next_channel_and_its_tries_are_kept() {
    let world = World::new();
    queue(&world, &[("d1", at(0))]).await;
    claim(&world, at(1), "one", at(2)).await;
    let next = DeliveryEnd {
        channel: Channel::Telegram,
        address: "-1001".to_owned(),
        tries: 0,
        unreachable_since: None,
        trouble: Some("почтовый сервер не отвечает".to_owned()),
        ..end(DeliveryState::Pending, at(4), false)
    };
    finish(&world, "d1", "one", next).await.expect("held");
    assert!(claim(&world, at(3), "two", at(9)).await.is_empty(), "not due yet");
    let claimed = world.store.claim_deliveries(at(4), "two", at(9), 10).await.expect("claimed");
    let message = &claimed[0].delivery;
    assert_eq!((message.channel, message.address.as_str()), (Channel::Telegram, "-1001"));
    assert_eq!((message.copies, claimed[0].created), (0, at(0)));
    let tried: String = world
        .raw()
        .query_row("SELECT channel FROM delivery_try", [], |row| row.get(0))
        .expect("one try");
    assert_eq!(tried, "email", "the try names the channel it was made on");
}

#[tokio::test]
async fn stats_say_since_when_something_waits() {
    let world = World::new();
    queue(&world, &[("d1", at(2)), ("d2", at(7))]).await;
    let stats = world.store.delivery_stats(at(1)).await.expect("read");
    assert_eq!((stats.waiting_since, stats.next_due), (None, Some(at(2))));
    let stats = world.store.delivery_stats(at(3)).await.expect("read");
    assert_eq!((stats.waiting_since, stats.next_due), (Some(at(0)), Some(at(2))));
    assert_eq!(stats.states.get(&DeliveryState::Pending), Some(&2));
    let mut muted = delivery("d3", at(0));
    muted.state = DeliveryState::Suppressed;
    world.store.queue_deliveries(&[muted], at(0)).await.expect("queued");
    assert_eq!(claim(&world, at(9), "one", at(10)).await, ["d1", "d2"], "never the suppressed one");
}

#[tokio::test]
async fn one_problem_is_one_conversation_for_each_receiver() {
    let world = World::new();
    world.commit(vec![complaint("1", "Холодно дома", at(1), 1)], at(1)).await;
    let outcome = world.store.commit_group(decision(at(2))).await.expect("committed");
    assert_eq!(outcome, GroupOutcome::Committed);
    let problem = problem();
    let mut next = delivery("d2", at(4));
    let begun = |next: otklik::model::Delivery| {
        let (store, problem) = (&world.store, &problem);
        async move { store.conversation(problem, &next).await.expect("read") }
    };
    assert_eq!(begun(next.clone()).await, None, "nothing has left yet");
    claim(&world, at(3), "one", at(5)).await;
    let sent =
        DeliveryEnd { receipt: Some("41".to_owned()), ..end(DeliveryState::Sent, at(3), true) };
    finish(&world, "d1", "one", sent).await.expect("held");
    assert_eq!(begun(delivery("d1", at(4))).await, None, "the first answers nobody");
    let first = begun(next.clone()).await.expect("the first message");
    assert_eq!((first.first.as_str(), first.receipt.as_deref()), ("d1", Some("41")));
    next.address = "other@example.org".to_owned();
    let first = begun(next.clone()).await.expect("the first message");
    assert_eq!(first.receipt, None, "its number means nothing at another address");
    next.receiver = "МЦУ".to_owned();
    assert_eq!(begun(next).await, None, "every receiver has a conversation of its own");
}
