//! That nothing on a new post's way into its problems walks over the past.
//!
//! Place in the flow: a test of [`super::import`] and [`super::group`] over the real store: posts,
//! comments, official answers, texts of pages, edits, removals and alerts are stored and grouped,
//! and every statement that was asked is held against the plan that the database makes for it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use otklik_collectors::door::Door;
use otklik_collectors::{Author, Counts, RawKind, RawPost};

use super::assess::{Batch, assess};
use super::district::District;
use super::group::{Sending, group_store};
use super::import::source_of;
use super::keys::KeyFile;
use crate::classify::Scratch;
use crate::clock::{Clock, SimClock};
use crate::model::PostKey;
use crate::store::{PageCommit, Store};

/// Hours since the start, id, what it answers, who writes, text.
type Line = (i64, &'static str, Option<&'static str>, Who, &'static str);

#[derive(Clone, Copy)]
enum Who {
    Person(u8),
    Page,
    Body,
}

const LINES: [Line; 10] = [
    (0, "1", None, Who::Person(1), "Онохой, третий день холодные батареи, дети мёрзнут"),
    (1, "2", Some("1"), Who::Person(2), "у нас тоже"),
    (2, "3", None, Who::Page, "Онохой, жители жалуются: нет отопления, батареи холодные"),
    (3, "4", None, Who::Page, "Онохой, жители жалуются: нет отопления, батареи холодные"),
    (4, "5", None, Who::Person(3), "Онохой, Гагарина 12, батареи ледяные, когда дадут тепло?"),
    (5, "6", Some("1"), Who::Body, "Бригада на месте, тепло дадим к вечеру"),
    (6, "7", None, Who::Person(4), "Онохой, прорвало трубу отопления, кипяток, есть пострадавшие"),
    (7, "8", None, Who::Person(5), "Онохой, в школе холодно, занятия отменили, батареи ледяные"),
    (8, "9", None, Who::Person(6), "Не вывозят мусор третью неделю, контейнеры переполнены, вонь"),
    (9, "1", None, Who::Person(1), "Онохой, четвёртый день холодные батареи, дети болеют"),
];

fn start() -> Timestamp {
    "2026-01-12T00:00:00Z".parse().expect("a valid instant")
}

fn raw(line: &Line, door: &Door) -> RawPost {
    let (hours, id, parent, who, text) = *line;
    let published = start() + SignedDuration::from_hours(hours);
    RawPost {
        id: id.to_owned(),
        parent: parent.map(str::to_owned),
        kind: if parent.is_some() { RawKind::Comment } else { RawKind::Post },
        text: door.mask(text),
        published: Some(published),
        edited: None,
        author: match who {
            Who::Person(n) => Author::Person(door.seed(&n.to_string(), published)),
            Who::Page | Who::Body => Author::Source,
        },
        official: matches!(who, Who::Body),
        url: None,
        counts: Counts::default(),
        repost: false,
    }
}

#[tokio::test]
async fn no_grouping_query_scans_a_table() {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/otklik.toml");
    let settings = crate::config::load_all(&config).expect("shipped");
    let district = District::load_rules(&settings, false).expect("sound rules");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("otklik.db");
    let store = Store::open_play(&path, district.id.clone()).expect("opened");
    let clock: Arc<dyn Clock> = Arc::new(SimClock::new(start()));
    let door = Door::new(Arc::new(KeyFile::open(&path, clock).expect("a key file")), []);
    let source = source_of("club".into(), "import".to_owned());
    let key = |id: &str| PostKey { source: source.id.clone(), id: id.into() };
    store.forget_asked();
    let (mut opened, mut alerts) = (0, 0);
    for line in &LINES {
        let now = start() + SignedDuration::from_hours(line.0);
        let asked: Vec<PostKey> = line.2.map(key).into_iter().collect();
        let mut batch = Batch {
            district: &district,
            door: &door,
            source: &source,
            parents: store.places_of(&asked).await.expect("read"),
            given: BTreeMap::new(),
            stored: store.fingerprints(&[key(line.1)]).await.expect("read"),
            now,
        };
        let found = assess(&mut batch, vec![raw(line, &door)], &mut Scratch::default());
        let page = PageCommit {
            look: None,
            posts: found.posts,
            seen: found.seen,
            gone: if line.0 == 9 { vec![key("5")] } else { Vec::new() },
            gone_below: Vec::new(),
            dead_letters: Vec::new(),
            now,
        };
        let _stored = store.commit_page(page).await.expect("stored");
        let report = group_store(&store, &district, Sending::Live, || now).await.expect("grouped");
        opened += report.opened;
        alerts += report.alerts;
    }
    assert!(opened >= 2 && alerts >= 1, "{opened} opened, {alerts} alerts");
    let (asked, mut wide) = store.wide_statements().await.expect("explained");
    assert!(asked >= 40, "{asked} statements");
    // Words that are gone go out of every event that cites them: an edit or a removal may cost as
    // much as its problem has events.
    wide.retain(|fault| !fault.contains("SELECT seq, event FROM problem_event"));
    assert_eq!(wide, Vec::<String>::new());
}
