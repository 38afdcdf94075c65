//! That one post cannot keep the others of its page from us.
//!
//! Place in the flow: a test of the way from a page to its commit, over the real stages and the
//! real store.

use std::path::Path;
use std::sync::Arc;

use otklik_collectors::door::Door;
use otklik_collectors::{Author, Counts, MonthKeys, RawKind, RawPost};

use super::*;
use crate::classify::Scratch;
use crate::store::Store;

/// Keys over whose month of 2020 a stage breaks down.
struct Keys;

impl MonthKeys for Keys {
    fn key(&self, at: Timestamp) -> [u8; 32] {
        let year: Timestamp = "2021-01-01T00:00:00Z".parse().expect("an instant");
        assert!(at >= year, "made to break");
        [7; 32]
    }
}

/// One post over which a stage breaks down is a dead letter without a word of it; those beside
/// it, before and behind, are stored, and so is the same post when it no longer breaks.
#[tokio::test]
async fn a_post_that_breaks_a_stage_keeps_no_other_from_us() {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/otklik.toml");
    let settings = crate::config::load_all(&config).expect("shipped");
    let district = District::load_rules(&settings, false).expect("sound rules");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("otklik.db");
    let store = Store::open_play(&path, district.id.clone()).expect("opened");
    let door = Door::new(Arc::new(Keys), []);
    let source = crate::pipeline::import::source_of("club".into(), "import".to_owned());
    let now: Timestamp = "2026-01-12T00:00:00Z".parse().expect("an instant");
    let raw = |id: &str, published: &str| RawPost {
        id: id.to_owned(),
        parent: None,
        kind: RawKind::Post,
        text: door.mask("Онохой, третий день холодные батареи"),
        published: Some(published.parse().expect("an instant")),
        edited: None,
        author: Author::Anonymous,
        official: false,
        url: None,
        counts: Counts::default(),
        repost: false,
    };
    let (good, bad) = ("2026-01-11T00:00:00Z", "2020-01-11T00:00:00Z");
    let mut scratch = Scratch::default();
    for (second, stored, letters) in [(bad, 2, 1), (good, 1, 0)] {
        let posts = vec![raw("1", good), raw("2", second), raw("3", good)];
        let keys: Vec<PostKey> =
            ["1", "2", "3"].map(|id| PostKey { source: source.id.clone(), id: id.into() }).to_vec();
        let mut batch = Batch {
            district: &district,
            door: &door,
            source: &source,
            parents: BTreeMap::new(),
            given: BTreeMap::new(),
            stored: store.fingerprints(&keys).await.expect("read"),
            now,
        };
        let assessed = assess(&mut batch, posts, &mut scratch);
        let dead_letters = dead_letters(&source, Vec::new(), &assessed.broken);
        let told: Vec<_> =
            dead_letters.iter().map(|it| (it.id.as_deref(), it.position.as_str())).collect();
        assert_eq!(told, [(Some("2"), "assess")][..letters]);
        let page = PageCommit {
            look: None,
            posts: assessed.posts,
            seen: assessed.seen,
            gone: Vec::new(),
            gone_below: Vec::new(),
            dead_letters,
            now,
        };
        let outcome = store.commit_page(page).await.expect("stored");
        assert_eq!(outcome.new, stored);
    }
}
