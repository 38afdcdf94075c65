//! The gap ledger as rows: committed with its page, kept over a kill, forgotten with the address.

use otklik::model::{HoleCause, HoleState, Noted, NotedHole, SourceId, Stretch};
use otklik::store::{PageCommit, StoreError};

use super::{World, at, chatter, days, health, look, page, source};

fn noted(read: Option<(i64, i64)>, holes: &[(i64, i64, Option<u32>)]) -> Noted {
    let stretch = |(from, to)| Stretch::new(days(from), days(to));
    let holes = holes.iter().map(|(from, to, posts)| NotedHole {
        stretch: stretch((*from, *to)),
        cause: HoleCause::PageMissed,
        posts: *posts,
    });
    Noted { read: read.map(stretch), holes: holes.collect() }
}

/// A page of a look; the last one ends it.
fn commit(lease: &str, noted: Noted, last: bool, day: i64) -> PageCommit {
    let mut look = look(lease, &format!("c{day}"));
    look.noted = noted;
    look.end =
        last.then(|| otklik::model::Health { last_ok: Some(days(day)), ..health(days(day + 1)) });
    PageCommit { look: Some(look), ..page(Vec::new(), days(day)) }
}

#[tokio::test]
async fn a_hole_is_noted_queued_and_back_filled_over_kills() {
    let world = World::new();
    let id = SourceId::from("novosti");
    world.store.sync_sources(&[source("novosti")], at(0)).await.expect("synced");
    let due = world.store.claim_source(&id, days(7), "one", days(8)).await;
    let due = due.expect("asked").expect("free");
    assert_eq!((due.began, due.read_until, due.owed), (days(7), None, None));
    let first = noted(None, &[(2, 3, Some(4))]);
    world.store.commit_page(commit("one", first, false, 7)).await.expect("committed");
    let world = world.killed();
    world.store.free_leases().await.expect("freed");
    let due = world.store.claim_source(&id, days(8), "two", days(9)).await;
    assert_eq!(due.expect("asked").expect("free").began, days(7), "the same look goes on");
    world.store.commit_page(commit("two", noted(Some((0, 7)), &[]), true, 8)).await.expect("done");
    let ledger = world.store.ledger(&id).await.expect("read");
    assert_eq!(ledger.owed(), Some(days(2)), "its own look does not close it");

    let watched = |world: &World, day: i64| {
        let store = world.store.clone();
        async move { store.watched(days(day)).await.expect("read").remove(0) }
    };
    world
        .commit((0..6).map(|n| chatter(&n.to_string(), "С добрым утром", at(n))).collect(), days(8))
        .await;
    let told = watched(&world, 7).await;
    assert_eq!(told.completeness.share, Some(600), "six of ten: {told:?}");
    assert_eq!(told.completeness.stored.posts, 6);
    let due = world.store.claim_source(&id, days(9), "three", days(10)).await;
    let due = due.expect("asked").expect("free");
    assert_eq!((due.began, due.read_until, due.owed), (days(9), Some(days(7)), Some(days(2))));
    world
        .store
        .commit_page(commit("three", noted(Some((2, 9)), &[]), true, 9))
        .await
        .expect("done");
    let world = world.killed();
    let ledger = world.store.ledger(&id).await.expect("read");
    assert_eq!(ledger.holes.len(), 1);
    assert_eq!(ledger.holes[0].state, HoleState::BackFilled);
    assert_eq!(ledger.read, [Stretch::new(days(0), days(9))]);
    assert_eq!(watched(&world, 9).await.completeness.share, Some(1_000));
    assert_eq!(watched(&world, 9).await.row.interval_secs, Some(86_400));
}

#[tokio::test]
async fn a_page_that_is_not_committed_leaves_no_trace_in_the_ledger() {
    let world = World::new();
    let id = SourceId::from("novosti");
    world.store.sync_sources(&[source("novosti")], at(0)).await.expect("synced");
    let page = commit("nobody", noted(Some((0, 7)), &[(1, 2, None)]), true, 7);
    let late = world.store.commit_page(page).await;
    assert!(matches!(late, Err(StoreError::LeaseLost)), "{late:?}");
    assert_eq!(world.store.ledger(&id).await.expect("read"), otklik::model::Ledger::default());
}

#[tokio::test]
async fn another_address_begins_another_ledger() {
    let world = World::new();
    let id = SourceId::from("novosti");
    world.store.sync_sources(&[source("novosti")], at(0)).await.expect("synced");
    world.store.claim_source(&id, days(7), "one", days(8)).await.expect("asked").expect("free");
    let page = commit("one", noted(Some((0, 7)), &[(1, 2, None)]), true, 7);
    world.store.commit_page(page).await.expect("committed");
    let mut moved = source("novosti");
    moved.handle = "drugoe".to_owned();
    world.store.sync_sources(&[moved], days(8)).await.expect("synced");
    assert_eq!(world.store.ledger(&id).await.expect("read"), otklik::model::Ledger::default());
    assert_eq!(world.number("SELECT COUNT(*) FROM hole"), 0);
}

#[tokio::test]
async fn turns_are_kept_by_the_longest_due() {
    let world = World::new();
    let store = &world.store;
    store.sync_sources(&[source("a"), source("b")], at(0)).await.expect("synced");
    let a = SourceId::from("a");
    store.claim_source(&a, at(1), "one", at(5)).await.expect("asked").expect("free");
    store.yield_look(&a, "one", at(2)).await.expect("held");
    assert_eq!(store.due_sources(at(2), 9).await.expect("read"), ["b".into(), "a".into()]);
    let late = store.yield_look(&a, "one", at(3)).await;
    assert!(matches!(late, Err(StoreError::LeaseLost)), "{late:?}");
    let due = store.claim_source(&a, at(4), "two", at(9)).await.expect("asked").expect("free");
    assert_eq!(due.began, at(1), "the look that was broken off goes on");
}

#[tokio::test]
async fn a_look_asked_for_while_one_is_under_way_follows_it() {
    let world = World::new();
    let id = SourceId::from("novosti");
    world.store.sync_sources(&[source("novosti")], at(0)).await.expect("synced");
    world.store.claim_source(&id, days(7), "one", days(10)).await.expect("asked").expect("free");
    assert_eq!(world.store.hasten_sources(&[], days(8)).await.expect("asked"), 1);
    world.store.commit_page(commit("one", noted(None, &[]), true, 9)).await.expect("done");
    assert_eq!(world.store.due_sources(days(9), 9).await.expect("read"), ["novosti".into()]);
    world.store.claim_source(&id, days(9), "two", days(11)).await.expect("asked").expect("free");
    world.store.commit_page(commit("two", noted(None, &[]), true, 9)).await.expect("done");
    assert!(world.store.due_sources(days(9), 9).await.expect("read").is_empty(), "once is enough");
}
