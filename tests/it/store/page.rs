//! Pages: what is new, known, edited, gone and back, under a lease, once and for all.

use otklik::model::{Counts, PlaceBy, PostKind, SourceId};
use otklik::store::{
    AttitudeTally, DeadLetter, LookFacts, PageCommit, PageOutcome, ParentFacts, PostState,
    SeenPost, StoreError,
};

use super::{World, at, chatter, complaint, gone, health, key, look, page, place, source};

#[tokio::test]
async fn what_was_committed_reads_back_equal() {
    let world = World::new();
    let commit = complaint("1", "Холодно дома", at(1), 1);
    let (post, assessment) = (commit.post.clone(), commit.assessment.clone());
    world.commit(vec![commit], at(5)).await;
    let stored = world.store.post(&key("1")).await.expect("read").expect("there");
    assert_eq!(stored.post, post);
    assert_eq!(stored.assessment, assessment);
    assert_eq!((stored.state, stored.stored), (PostState::Live, at(5)));
    assert_eq!(world.store.post(&key("2")).await.expect("read"), None);
    let places = world.store.places_of(&[key("1"), key("2")]).await.expect("read");
    let parent = ParentFacts {
        places: vec![place("onohoy", PlaceBy::Text)],
        topics: vec!["heating".into()],
    };
    assert_eq!(places.into_iter().collect::<Vec<_>>(), [(key("1"), parent)]);
}

#[tokio::test]
async fn the_same_page_twice_changes_nothing() {
    let world = World::new();
    let posts =
        || vec![complaint("1", "Холодно дома", at(1), 1), chatter("2", "С добрым утром", at(2))];
    let first = world.commit(posts(), at(5)).await;
    assert_eq!(first, PageOutcome { new: 2, ..PageOutcome::default() });
    let before = world.store.export_posts(None, None, 10).await.expect("read");
    let second = world.commit(posts(), at(6)).await;
    assert_eq!(second, PageOutcome { known: 2, ..PageOutcome::default() });
    assert_eq!(world.store.export_posts(None, None, 10).await.expect("read"), before);
    assert_eq!(world.number("SELECT COUNT(*) FROM voice"), 1);
    assert_eq!(world.number("SELECT COUNT(*) FROM work"), 1);
}

#[tokio::test]
async fn counters_of_a_known_post_are_refreshed_and_absent_is_not_zero() {
    let world = World::new();
    world.commit(vec![chatter("1", "С добрым утром", at(1))], at(1)).await;
    let mut again = chatter("1", "С добрым утром", at(1));
    (again.post.counts.views, again.post.counts.likes) = (None, Some(3));
    world.commit(vec![again], at(2)).await;
    let counts = world.store.post(&key("1")).await.expect("read").expect("there").post.counts;
    assert_eq!((counts.views, counts.likes, counts.comments), (Some(10), Some(3), None));
}

#[tokio::test]
async fn an_edit_replaces_the_text_and_keeps_the_older_version_without_words() {
    let world = World::new();
    world.commit(vec![complaint("1", "Холодно дома", at(1), 1)], at(1)).await;
    let outcome = world.commit(vec![complaint("1", "Тепло дали", at(1), 2)], at(9)).await;
    assert_eq!(outcome, PageOutcome { edited: 1, ..PageOutcome::default() });
    let stored = world.store.post(&key("1")).await.expect("read").expect("there");
    assert_eq!(stored.post.text, "Тепло дали");
    assert_eq!(stored.assessment.findings[0].matches[0].text, "Тепло");
    assert_eq!(stored.stored, at(1), "retention counts from the first storage");
    let (version, assessment): (u32, String) = world
        .raw()
        .query_row("SELECT version, assessment FROM post_version", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .expect("one version");
    assert_eq!(version, 1);
    assert!(assessment.contains("heating:cold") && assessment.contains("onohoy"), "{assessment}");
    assert!(!assessment.contains("олодно") && !assessment.contains("Советская"), "{assessment}");
    let work = world.store.take_work(10).await.expect("read");
    assert_eq!(work.iter().map(|item| item.ticket.version).collect::<Vec<_>>(), [2]);
    assert!(work[0].voices[0].voice == [2; 8]);
}

#[tokio::test]
async fn an_answer_from_a_cache_does_not_undo_an_edit() {
    let world = World::new();
    let mut newer = chatter("1", "Вода есть", at(1));
    newer.post.edited = Some(at(8));
    let mut older = chatter("1", "Воды нет", at(1));
    older.post.edited = Some(at(4));
    world.commit(vec![newer], at(9)).await;
    let outcome = world.commit(vec![older], at(10)).await;
    assert_eq!(outcome.known, 1);
    let stored = world.store.post(&key("1")).await.expect("read").expect("there");
    assert_eq!(stored.post.text, "Вода есть");
}

/// A post whose talk ended with it takes along whatever hangs below it, and nothing else.
#[tokio::test]
async fn whatever_hangs_below_a_gone_post_goes_with_it() {
    let world = World::new();
    let below = |id: &str, parent: &str| {
        let mut commit = complaint(id, "Холодно дома", at(2), 1);
        commit.post.kind = PostKind::Comment;
        commit.post.parent = Some(parent.into());
        commit
    };
    let mut posts = vec![complaint("1", "Холодно", at(1), 1), complaint("2", "Темно", at(1), 1)];
    posts.extend([below("1_1", "1"), below("1_2", "1_1"), below("1_3", "1_2"), below("2_1", "2")]);
    // A ring of parents, which no platform should give, ends all the same.
    posts.extend([below("9_1", "9_2"), below("9_2", "9_1")]);
    world.commit(posts, at(5)).await;
    // A link of the chain that is gone already holds the rest.
    world.store.commit_page(gone(&[key("1_1")], at(6))).await.expect("committed");
    let tops = vec![key("1"), key("9_1"), key("unknown")];
    let ended = PageCommit { gone_below: tops, ..gone(&[key("1")], at(7)) };
    let outcome = world.store.commit_page(ended).await.expect("committed");
    assert_eq!(outcome, PageOutcome { gone: 5, ..PageOutcome::default() });
    let state = async |id: &str| world.store.post(&key(id)).await.expect("read").expect("in").state;
    for id in ["1", "1_1", "1_2", "1_3", "9_1", "9_2"] {
        assert_eq!(state(id).await, PostState::Gone, "{id}");
    }
    for id in ["2", "2_1"] {
        assert_eq!(state(id).await, PostState::Live, "{id}");
    }
}

#[tokio::test]
async fn a_gone_post_loses_its_words_and_revives_when_seen_again() {
    let world = World::new();
    world.commit(vec![complaint("1", "Холодно дома", at(1), 1)], at(1)).await;
    let page = || gone(&[key("1"), key("unknown")], at(2));
    let outcome = world.store.commit_page(page()).await.expect("committed");
    assert_eq!(outcome, PageOutcome { gone: 1, ..PageOutcome::default() });
    let again = world.store.commit_page(page()).await.expect("committed");
    assert_eq!(again, PageOutcome::default());
    let stored = world.store.post(&key("1")).await.expect("read").expect("the row stays");
    assert_eq!((stored.state, stored.post.text.as_str()), (PostState::Gone, ""));
    assert_eq!(stored.post.url, None);
    let found = &stored.assessment.findings[0];
    assert_eq!((found.score, found.matches[0].text.as_str(), found.clause), (80, "", None));
    assert_eq!(stored.assessment.places[0].street, None);
    assert!(world.store.take_work(10).await.expect("read").is_empty());

    let outcome = world.commit(vec![complaint("1", "Холодно дома", at(1), 1)], at(3)).await;
    assert_eq!(outcome, PageOutcome { revived: 1, ..PageOutcome::default() });
    let stored = world.store.post(&key("1")).await.expect("read").expect("there");
    assert_eq!((stored.state, stored.post.text.as_str()), (PostState::Live, "Холодно дома"));
    assert_eq!(world.store.take_work(10).await.expect("read").len(), 1, "it was never grouped");
}

#[tokio::test]
async fn a_page_moves_the_cursor_only_under_its_lease() {
    let world = World::new();
    let id = SourceId::from("novosti");
    world.store.sync_sources(&[source("novosti")], at(0)).await.expect("synced");
    let commit = |lease: &str, cursor: &str, post: &str| PageCommit {
        look: Some(look(lease, cursor)),
        ..page(vec![chatter(post, "С добрым утром", at(1))], at(2))
    };
    world.store.claim_source(&id, at(0), "one", at(5)).await.expect("claimed").expect("free");
    let busy = world.store.claim_source(&id, at(1), "two", at(6)).await.expect("asked");
    assert_eq!(busy, None, "held by another");
    world.store.commit_page(commit("one", "c1", "1")).await.expect("committed");
    // The lease runs out, somebody else takes over; the first one comes back late.
    world.store.claim_source(&id, at(5), "two", at(9)).await.expect("claimed").expect("free");
    let late = world.store.commit_page(commit("one", "c2", "2")).await;
    assert!(matches!(late, Err(StoreError::LeaseLost)), "{late:?}");
    assert_eq!(world.store.post(&key("2")).await.expect("read"), None, "nothing of it is stored");
    let mut last = commit("two", "c3", "3");
    if let Some(look) = &mut last.look {
        look.platform_id = Some("200001".to_owned());
        look.facts = LookFacts { pictures_only: 2, comments_closed: 1, unreadable: 0 };
        look.end = Some(health(at(60)));
    }
    world.store.commit_page(last).await.expect("committed");
    let row = world.store.sources().await.expect("read").remove(0);
    assert_eq!(row.cursor.as_deref(), Some("c3"));
    assert_eq!(row.platform_id.as_deref(), Some("200001"));
    assert_eq!((row.facts.pictures_only, row.health.next), (2, at(60)));
    let end = world.store.finish_look(&id, "two", &health(at(70))).await;
    assert!(matches!(end, Err(StoreError::LeaseLost)), "the look is over: {end:?}");
}

#[tokio::test]
async fn a_kill_leaves_whole_pages_only() {
    let world = World::new();
    world.commit(vec![complaint("1", "Холодно дома", at(1), 1)], at(1)).await;
    let killed = world.killed();
    assert_eq!(killed.store.take_work(10).await.expect("read").len(), 1);
    let again = killed.commit(vec![complaint("1", "Холодно дома", at(1), 1)], at(2)).await;
    assert_eq!(again.known, 1);
    // A page that fails at its end (its lease is unknown) leaves nothing of its beginning.
    let mut broken = page(vec![chatter("2", "С добрым утром", at(1))], at(3));
    broken.look = Some(look("nobody", "c1"));
    assert!(world.store.commit_page(broken).await.is_err());
    assert_eq!(world.killed().number("SELECT COUNT(*) FROM post"), 1);
}

#[tokio::test]
async fn attitude_is_counted_once_and_only_on_first_sight() {
    let world = World::new();
    let tally =
        |voice: u8| AttitudeTally::new("officials".into(), "2026-W02".to_owned(), [voice; 8]);
    let commit = |id: &str, text: &str, voice: u8| {
        let mut commit = chatter(id, text, at(1));
        commit.attitude = vec![tally(voice)];
        commit
    };
    world.commit(vec![commit("1", "a", 1), commit("2", "b", 1), commit("3", "c", 2)], at(2)).await;
    world.commit(vec![commit("1", "a", 7), commit("2", "b, правка", 8)], at(3)).await;
    assert_eq!(world.number("SELECT COUNT(*) FROM attitude_voice"), 2);
}

#[tokio::test]
async fn what_cannot_be_read_is_kept_as_a_hash_and_counted() {
    let world = World::new();
    let letter = DeadLetter {
        source: SourceId::from("novosti"),
        id: Some("7".to_owned()),
        hash: vec![1, 2, 3],
        position: "items[3].text".to_owned(),
    };
    for minute in [1, 2] {
        let mut commit = page(Vec::new(), at(minute));
        commit.dead_letters = vec![letter.clone()];
        world.store.commit_page(commit).await.expect("committed");
    }
    assert_eq!(world.number("SELECT times FROM dead_letter"), 2);
}

#[tokio::test]
async fn a_page_in_its_own_name_has_no_voice() {
    let world = World::new();
    let mut own = complaint("1", "Холодно дома", at(1), 1);
    own.post.own_name = true;
    world.commit(vec![own], at(1)).await;
    assert_eq!(world.number("SELECT COUNT(*) FROM voice"), 0);
}

#[tokio::test]
async fn a_seen_post_only_refreshes_its_counters() {
    let world = World::new();
    world.commit(vec![complaint("1", "Холодно дома", at(1), 1)], at(1)).await;
    let known = world.store.fingerprints(&[key("1"), key("2")]).await.expect("read");
    assert_eq!(known.keys().cloned().collect::<Vec<_>>(), [key("1")]);
    let seen = |id: &str, fingerprint: Vec<u8>| SeenPost {
        key: key(id),
        fingerprint,
        counts: Counts { views: Some(7), ..Counts::default() },
    };
    let page = PageCommit {
        seen: vec![
            seen("1", known[&key("1")].clone()),
            seen("1", b"another text".to_vec()),
            seen("2", b"never stored".to_vec()),
        ],
        ..page(Vec::new(), at(2))
    };
    let outcome = world.store.commit_page(page).await.expect("committed");
    assert_eq!((outcome.known, outcome.new, outcome.edited), (1, 0, 0));
    let post = world.store.post(&key("1")).await.expect("read").expect("stored");
    assert_eq!(post.post.counts.views, Some(7));
    assert_eq!(post.post.text, "Холодно дома");
}
