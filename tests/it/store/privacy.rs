//! What must be gone is gone: erasure down to the bytes of the file, retention by class, edits.

use otklik::model::{ProblemEventKind, ProblemId};
use otklik::store::{
    GroupOutcome, PageOutcome, PostState, RetentionPolicy, RetentionReport, Store, WorkTicket,
};

use super::group::{decision, event, grew, member, problem};
use super::{World, at, chatter, complaint, days, gone, key};

/// Every byte of the store's files.
fn bytes(world: &World) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(world.folder.path()).expect("listed") {
        let path = entry.expect("an entry").path();
        // The shared-memory index holds page numbers only and cannot be read while it is in use.
        if !path.to_string_lossy().ends_with("-shm") {
            all.extend(std::fs::read(path).expect("read"));
        }
    }
    all
}

fn holds(haystack: &[u8], needle: &str) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle.as_bytes())
}

/// A store with one grouped post, quoted in an alert, and a neighbour that stays.
async fn grouped(text: &str) -> World {
    let world = World::new();
    let mut first = complaint("1", text, at(1), 1);
    first.post.url = Some("https://vk.example/wall-secret".to_owned());
    let mut comment = chatter("11", "Согласна", at(3));
    comment.post.parent = Some("1".into());
    world.commit(vec![first, complaint("2", "Холодно рядом", at(2), 2), comment], at(3)).await;
    let mut commit = decision(at(4));
    commit.done.push(WorkTicket { post: key("2"), version: 1 });
    let mut second = grew(at(2), text);
    if let ProblemEventKind::Grew { voices, .. } = &mut second.1.kind {
        *voices = 2;
    }
    commit.events = vec![super::group::opened(at(1)), grew(at(1), text), second];
    commit.memberships.push(member(key("2")));
    commit.alerts[0].facts.reasons[0].text = format!("сказано: «{text}»");
    let outcome = world.store.commit_group(commit).await.expect("committed");
    assert_eq!(outcome, GroupOutcome::Committed);
    world
}

#[tokio::test]
async fn an_erased_post_leaves_no_byte_and_a_receipt() {
    let text = "Холодно дома, батареи-чугунины остыли";
    let world = grouped(text).await;
    let before = bytes(&world);
    for word in [text, "wall-secret", "чугунины"] {
        assert!(holds(&before, word), "{word} was never there");
    }
    let events = world.store.problem_events(&problem()).await.expect("read");
    let receipt = world.store.erase(&key("1"), at(9)).await.expect("erased");
    let counts: Vec<_> =
        receipt.removed.iter().map(|(table, rows)| (table.as_str(), *rows)).collect();
    let expected = [
        ("alert", 1),
        ("comment", 1),
        ("finding", 1),
        ("membership", 1),
        ("place_finding", 1),
        ("post", 1),
        ("voice", 1),
    ];
    assert_eq!(counts, expected);
    assert_eq!((receipt.at, receipt.key_hash.len()), (at(9), 64));
    let after = bytes(&world);
    for word in [text, "wall-secret", "чугунины", "батареи"] {
        assert!(!holds(&after, word), "{word} is still there");
    }
    assert!(holds(&after, "Холодно рядом"), "the neighbour stays");

    let loaded = world.store.problems(&[problem()]).await.expect("read").remove(0);
    assert_eq!(loaded.problem.posts, 2, "counts stay");
    let kept = world.store.problem_events(&problem()).await.expect("read");
    assert_eq!(kept.len(), events.len(), "events stay");
    let reasons = |event: &otklik::model::ProblemEvent| match &event.kind {
        ProblemEventKind::Grew { reasons, .. } => reasons[0].points,
        _ => 0,
    };
    assert_eq!(
        kept.iter().map(reasons).collect::<Vec<_>>(),
        events.iter().map(reasons).collect::<Vec<_>>()
    );
    let alert = world.store.alert(&"a0123456789ab".into()).await.expect("read").expect("there");
    assert_eq!(alert.facts.reasons[0].text, "[удалено]");
    let words = world.store.quotes_text(&alert.facts.quotes).await.expect("read");
    assert_eq!(words, [None], "replay prints that it is gone");
}

#[tokio::test]
async fn an_erased_post_does_not_come_back() {
    let world = grouped("Холодно дома").await;
    let first = world.store.erase(&key("1"), at(9)).await.expect("erased");
    let world = world.killed();
    let again = world.commit(vec![complaint("1", "Холодно дома", at(1), 1)], at(10)).await;
    assert_eq!(again, PageOutcome { erased: 1, ..PageOutcome::default() });
    assert_eq!(world.store.post(&key("1")).await.expect("read"), None);
    let second = world.store.erase(&key("1"), at(11)).await.expect("erased");
    assert_eq!(second, first, "the first receipt stands");
    assert_eq!(world.store.erasures().await.expect("read"), [first]);
    // A post can be refused before it was ever read.
    let early = world.store.erase(&key("77"), at(12)).await.expect("noted");
    assert!(early.removed.is_empty());
    let outcome = world.commit(vec![chatter("77", "текст", at(1))], at(13)).await;
    assert_eq!(outcome.erased, 1);
}

#[tokio::test]
async fn a_gone_post_takes_its_words_out_of_problem_and_alert() {
    let world = grouped("Холодно дома").await;
    let outcome = world.store.commit_page(gone(&[key("1")], at(5))).await.expect("committed");
    assert_eq!(outcome.gone, 1);
    let loaded = world.store.problems(&[problem()]).await.expect("read").remove(0);
    assert_eq!(loaded.problem.posts, 2, "the counter stays");
    assert_eq!(loaded.voices.values().map(|month| month.len()).sum::<usize>(), 2);
    assert_eq!(loaded.problem.reasons[0].text, "[удалено]");
    assert_eq!(loaded.quotes.len(), 1, "only the neighbour may be quoted");
    let alert = world.store.alert(&"a0123456789ab".into()).await.expect("read").expect("there");
    let words = world.store.quotes_text(&alert.facts.quotes).await.expect("read");
    assert_eq!(words, [None]);
    assert_eq!(world.number("SELECT COUNT(*) FROM problem_event WHERE event LIKE '%олодно%'"), 0);
}

#[tokio::test]
async fn an_edit_takes_back_quotes_and_words_that_are_no_longer_there() {
    let world = grouped("Холодно дома").await;
    let outcome = world.commit(vec![complaint("1", "Пирожки с капустой", at(1), 1)], at(5)).await;
    assert_eq!(outcome.edited, 1);
    let alert = world.store.alert(&"a0123456789ab".into()).await.expect("read").expect("there");
    let words = world.store.quotes_text(&alert.facts.quotes).await.expect("read");
    assert_eq!(words, [None], "a span must not cut words out of another text");
    let url = world.store.quotes_url(&alert.facts.quotes).await.expect("read");
    assert_eq!(url, [None]);
    assert_eq!(world.number("SELECT COUNT(*) FROM problem_event WHERE event LIKE '%дома%'"), 0);
}

fn policy() -> RetentionPolicy {
    RetentionPolicy {
        unmatched_text_days: 10,
        matched_text_days: 20,
        textless_post_days: 30,
        version_days: 15,
        voice_days: 40,
        delivery_days: 50,
        dead_letter_days: 5,
    }
}

#[tokio::test]
async fn every_class_is_kept_as_long_as_its_policy_says() {
    let world = grouped("Холодно дома").await;
    let old = chatter("3", "Очень старая запись", days(-900));
    world.commit(vec![old], days(1)).await;
    world.commit(vec![complaint("2", "Холодно рядом, правка", at(2), 2)], days(1)).await;
    let run = async |day: i64| world.store.retention(&policy(), days(day)).await.expect("run");
    let none = RetentionReport::default();
    assert_eq!(run(9).await, none, "counted from storage, not from publication");
    // Days 0–1: posts 1 and 2 joined a problem, 11 and 3 did not.
    assert_eq!(run(12).await, RetentionReport { texts: 2, ..none });
    let state =
        async |id: &str| world.store.post(&key(id)).await.expect("read").map(|stored| stored.state);
    assert_eq!(
        (state("3").await, state("1").await),
        (Some(PostState::Expired), Some(PostState::Live))
    );
    assert_eq!(run(12).await, none);
    assert_eq!(run(17).await, RetentionReport { versions: 1, ..none });
    assert_eq!(run(22).await, RetentionReport { texts: 2, ..none });
    assert_eq!(state("1").await, Some(PostState::Expired));
    assert_eq!(run(32).await, RetentionReport { posts: 2, ..none });
    assert_eq!((state("3").await, state("1").await), (None, Some(PostState::Expired)));
    // January's voices: 40 days behind 31 January.
    assert_eq!(run(65).await, none);
    assert_eq!(run(67).await, RetentionReport { voices: 2, ..none });
    let stored = world.store.export_problems(None, None, 10).await.expect("read").remove(0);
    assert_eq!((stored.voices.voices, stored.voices.at_least), (2, true), "the number stays");
    assert_eq!(stored.problem.posts, 2);
    assert_eq!(run(400).await, none, "a message that waits is never dropped");
    world.raw().execute("UPDATE delivery SET state = 'sent'", []).expect("set");
    assert_eq!(run(400).await, RetentionReport { deliveries: 1, ..none });
}

/// What a comment hangs on is there: a parent that leaves is named no more.
#[tokio::test]
async fn a_post_that_leaves_is_named_by_no_comment() {
    let world = World::new();
    let parent = async |id: &str| {
        let stored = world.store.post(&key(id)).await.expect("read").expect("there");
        stored.post.parent.map(|parent| parent.0)
    };
    let mut comment = chatter("11", "Согласна", at(3));
    comment.post.parent = Some("1".into());
    world.commit(vec![chatter("1", "Пост", at(1))], at(3)).await;
    world.commit(vec![comment], days(25)).await;
    world.store.retention(&policy(), days(12)).await.expect("run");
    assert_eq!(parent("11").await.as_deref(), Some("1"), "a post without words is a post");
    let report = world.store.retention(&policy(), days(32)).await.expect("run");
    assert_eq!((report.posts, parent("11").await), (1, None));
}

#[tokio::test]
async fn an_expired_post_that_is_seen_again_stays_without_words() {
    let world = World::new();
    world.commit(vec![chatter("1", "Старое", at(1))], at(1)).await;
    world.store.retention(&policy(), days(11)).await.expect("run");
    let outcome = world.commit(vec![chatter("1", "Старое", at(1))], days(12)).await;
    assert_eq!(outcome.known, 1);
    let stored = world.store.post(&key("1")).await.expect("read").expect("there");
    assert_eq!(stored.post.text, "");
}

#[tokio::test]
async fn marks_of_an_attitude_die_with_the_work_row() {
    let world = World::new();
    let mut commit = complaint("1", "Холодно дома", at(1), 1);
    commit.work = Some(otklik::store::WorkMarks::default());
    world.commit(vec![commit], at(1)).await;
    let mut decided = decision(at(2));
    decided.alerts.clear();
    let outcome = world.store.commit_group(decided).await.expect("committed");
    assert_eq!(outcome, GroupOutcome::Committed);
    let conn = world.raw();
    let columns: i64 = conn
        .query_row(
            "SELECT COUNT(*) FROM pragma_table_list tables
             JOIN pragma_table_info(tables.name) columns
             WHERE columns.name IN ('ground', 'quotable') AND tables.name <> 'work'",
            [],
            |row| row.get(0),
        )
        .expect("a number");
    assert_eq!((columns, world.number("SELECT COUNT(*) FROM work")), (0, 0));
}

#[tokio::test]
async fn districts_do_not_see_each_other() {
    let World { folder, store } = grouped("Холодно дома").await;
    drop(store);
    let path = folder.path().join("otklik.db");
    let other = Store::open(&path, "stepnoy".into()).expect("opens");
    assert_eq!(other.post(&key("1")).await.expect("read"), None);
    assert!(other.export_problems(None, None, 10).await.expect("read").is_empty());
    assert!(other.claim_deliveries(days(9), "one", days(10), 10).await.expect("asked").is_empty());
    other.erase(&key("1"), at(9)).await.expect("noted");
    let refused = other.append_events(&[event(at(9), ProblemEventKind::Quieted)]).await;
    assert!(refused.is_err(), "{:?}", ProblemId::from("p"));
    drop(other);
    let first = Store::open(&path, super::district()).expect("opens");
    assert!(first.post(&key("1")).await.expect("read").is_some());
}
