//! Paging through everything, also while it grows.

use std::collections::BTreeSet;

use otklik::store::{PostMark, Store, TimeMark};

use super::group::{decision, delivery};
use super::{World, at, chatter, complaint, district};

#[tokio::test]
async fn posts_come_by_time_source_and_id_page_by_page() {
    let world = World::new();
    let mut other = chatter("1", "Другой источник", at(1));
    other.post.key.source = "afisha".into();
    let posts = vec![
        chatter("10", "в", at(1)),
        chatter("9", "а", at(2)),
        chatter("2", "б", at(1)),
        other,
        chatter("3", "г", at(0)),
    ];
    world.commit(posts, at(9)).await;
    for limit in [1, 2, 3, 10] {
        let mut seen = Vec::new();
        let mut mark: Option<PostMark> = None;
        loop {
            let page =
                world.store.export_posts(Some(at(1)), mark.as_ref(), limit).await.expect("read");
            let Some(last) = page.last() else { break };
            mark = Some(PostMark { published: last.post.published, key: last.post.key.clone() });
            seen.extend(page.into_iter().map(|row| row.post.key.to_string()));
        }
        let expected = ["afisha/1", "novosti/10", "novosti/2", "novosti/9"];
        assert_eq!(seen, expected, "pages of {limit}");
    }
}

#[tokio::test]
async fn a_reader_sees_every_old_post_once_while_a_writer_adds() {
    let world = World::new();
    let batch = |from: i64| {
        (from..from + 50).map(|n| chatter(&format!("{n}"), "текст", at(n % 7))).collect()
    };
    world.commit(batch(0), at(9)).await;
    let reader = Store::open_read(&world.path(), district()).expect("opens");
    let read = async {
        let (mut seen, mut mark) = (Vec::new(), None);
        loop {
            let page = reader.export_posts(None, mark.as_ref(), 7).await.expect("read");
            let Some(last) = page.last() else { return seen };
            mark = Some(PostMark { published: last.post.published, key: last.post.key.clone() });
            seen.extend(page.into_iter().map(|row| row.post.key.id.0));
        }
    };
    let write = async {
        for from in [100, 200, 300] {
            world.commit(batch(from), at(9)).await;
        }
    };
    let (seen, ()) = tokio::join!(read, write);
    let distinct: BTreeSet<&String> = seen.iter().collect();
    assert_eq!(distinct.len(), seen.len(), "doubled");
    assert!((0..50).all(|n| distinct.contains(&n.to_string())), "lost");
}

#[tokio::test]
async fn problems_alerts_and_messages_have_pages_too() {
    let world = World::new();
    world.commit(vec![complaint("1", "Холодно дома", at(1), 1)], at(1)).await;
    let outcome = world.store.commit_group(decision(at(2))).await.expect("committed");
    assert_eq!(outcome, otklik::store::GroupOutcome::Committed);
    world.store.queue_deliveries(&[delivery("d0", at(1))], at(3)).await.expect("queued");
    let store = &world.store;
    let problems = store.export_problems(None, None, 10).await.expect("read");
    assert_eq!(problems.len(), 1);
    let behind = TimeMark { at: problems[0].problem.opened, id: problems[0].problem.id.0.clone() };
    assert!(store.export_problems(None, Some(&behind), 10).await.expect("read").is_empty());
    assert!(store.export_problems(Some(at(5)), None, 10).await.expect("read").is_empty());
    assert_eq!(store.alerts(Some(at(2)), None, 10).await.expect("read").len(), 1);
    assert!(store.alerts(Some(at(3)), None, 10).await.expect("read").is_empty());
    let first = store.export_deliveries(None, None, 1).await.expect("read").remove(0);
    assert_eq!(first.delivery.id.0, "d1");
    let mark = TimeMark { at: first.created, id: first.delivery.id.0 };
    let rest = store.export_deliveries(None, Some(&mark), 10).await.expect("read");
    assert_eq!(rest.iter().map(|row| row.delivery.id.as_str()).collect::<Vec<_>>(), ["d0"]);
}
