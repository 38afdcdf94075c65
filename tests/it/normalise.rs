//! From what came through the door to a post.

use std::sync::Arc;

use jiff::Timestamp;
use otklik::model::{PostKind, Source, SourceId, SourceKind, SourceScope};
use otklik::text::normalise;
use otklik_collectors::door::Door;
use otklik_collectors::{Author, MonthKeys, RawKind, RawPost};

struct Keys;

impl MonthKeys for Keys {
    fn key(&self, _: Timestamp) -> [u8; 32] {
        [7; 32]
    }
}

fn source() -> Source {
    Source {
        id: SourceId::from("village"),
        platform: "vk".to_owned(),
        handle: "village_page".to_owned(),
        kind: SourceKind::Community,
        scope: SourceScope::District,
        place: Some("onohoy".into()),
        every_secs: 600,
        comments: true,
        backfill_secs: 0,
    }
}

#[test]
fn a_post_keeps_what_may_be_kept() {
    let door = Door::new(Arc::new(Keys), Vec::new());
    let seen: Timestamp = "2026-01-15T08:00:00Z".parse().expect("a time");
    let raw = RawPost {
        id: "vk:-1_2".to_owned(),
        parent: Some("vk:-1_1".to_owned()),
        kind: RawKind::Comment,
        text: door.mask("Нет\r\nво\u{200B}ды\0"),
        published: None,
        edited: None,
        author: Author::Source,
        official: false,
        url: Some("https://vk.com/wall-1_2".to_owned()),
        counts: otklik_collectors::raw::Counts { views: Some(5), ..Default::default() },
        repost: true,
    };
    let (post, author) = normalise(raw, &source(), seen);
    assert_eq!(post.key.to_string(), "village/vk:-1_2");
    assert_eq!(post.text, "Нет\nводы");
    assert_eq!((post.published, post.kind), (seen, PostKind::Comment));
    assert_eq!(post.parent.as_ref().map(|id| id.as_str()), Some("vk:-1_1"));
    assert_eq!((post.own_name, post.repost, post.masked), (true, true, 0));
    assert_eq!((post.counts.views, post.counts.likes), (Some(5), None));
    assert_eq!(post.place.as_ref().map(|id| id.as_str()), Some("onohoy"));
    assert!(matches!(author, Author::Source));
}
