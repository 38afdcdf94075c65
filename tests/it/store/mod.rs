//! The store, verb by verb: contracts that hold for any engine behind it.
//!
//! Texts, sources and places here are made up. Time is an argument: minute 0 is fixed below.

mod export;
mod group;
mod ledger;
mod open;
mod outbox;
mod page;
mod privacy;
mod rows;
mod sequence;

use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use otklik::model::{
    Counts, DistrictId, Finding, Health, HealthState, Language, LookReason, Match, Noted, PlaceBy,
    PlaceFinding, PlaceId, Post, PostId, PostKey, PostKind, Risk, RiskLevel, RiskReason, Source,
    SourceId, SourceKind, SourceScope, Span, TopicId, TopicKind,
};
use otklik::store::{
    Assessment, LookFacts, LookPage, PageCommit, PageOutcome, PostCommit, Store, VoiceMark,
    WorkMarks,
};
use tempfile::TempDir;

/// A store in a folder of its own.
struct World {
    folder: TempDir,
    store: Store,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&folder.path().join("otklik.db"), district()).expect("opens");
        Self { folder, store }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("otklik.db")
    }

    /// The store as a kill at this instant would leave it, opened anew.
    fn killed(&self) -> World {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["otklik.db", "otklik.db-wal"] {
            let (from, to) = (self.folder.path().join(name), folder.path().join(name));
            if from.exists() {
                std::fs::copy(from, to).expect("copied");
            }
        }
        let store = Store::open(&folder.path().join("otklik.db"), district()).expect("opens");
        World { folder, store }
    }

    /// A bare connection, to see what no verb shows.
    fn raw(&self) -> rusqlite::Connection {
        raw(&self.path())
    }

    fn number(&self, sql: &str) -> i64 {
        self.raw().query_row(sql, [], |row| row.get(0)).expect("a number")
    }

    async fn commit(&self, posts: Vec<PostCommit>, now: Timestamp) -> PageOutcome {
        self.store.commit_page(page(posts, now)).await.expect("committed")
    }
}

fn raw(path: &Path) -> rusqlite::Connection {
    let conn = rusqlite::Connection::open(path).expect("opens");
    conn.busy_timeout(std::time::Duration::from_secs(5)).expect("set");
    conn
}

fn district() -> DistrictId {
    DistrictId::from("lesnoy")
}

/// `minute` minutes behind 2026-01-05 00:00 UTC, a Monday.
fn at(minute: i64) -> Timestamp {
    let start: Timestamp = "2026-01-05T00:00:00Z".parse().expect("an instant");
    start + SignedDuration::from_mins(minute)
}

fn days(days: i64) -> Timestamp {
    at(days * 24 * 60)
}

fn key(id: &str) -> PostKey {
    PostKey { source: SourceId::from("novosti"), id: PostId::from(id) }
}

fn post(id: &str, text: &str, published: Timestamp) -> Post {
    Post {
        key: key(id),
        platform: "vk".to_owned(),
        kind: PostKind::Post,
        parent: None,
        text: text.to_owned(),
        masked: 1,
        published,
        edited: None,
        official: false,
        own_name: false,
        repost: false,
        url: Some(format!("https://vk.example/wall{id}")),
        counts: Counts { views: Some(10), ..Counts::default() },
        place: None,
    }
}

/// An assessed post about heating in a village; `voice` tells its people apart.
fn complaint(id: &str, text: &str, published: Timestamp, voice: u8) -> PostCommit {
    let topic = TopicId::from("heating");
    PostCommit {
        post: post(id, text, published),
        fingerprint: text.as_bytes().to_vec(),
        assessment: Assessment {
            language: Language("ru".into()),
            findings: vec![Finding {
                topic: topic.clone(),
                score: 80,
                kind: TopicKind::Problem,
                matches: vec![Match {
                    rule: "heating:cold".into(),
                    text: text.split(' ').next().unwrap_or_default().into(),
                    span: Span { start: 0, end: 5 },
                }],
                clause: Some(Span { start: 0, end: 9 }),
            }],
            places: vec![place("onohoy", PlaceBy::Text)],
            risk: Risk {
                score: 40,
                level: RiskLevel::Elevated,
                reasons: vec![reason(40, &format!("сказано: «{text}»"))],
            },
            lexicon: "lexicon-1".to_owned(),
        },
        voices: vec![VoiceMark { topic, month: 202_601, voice: [voice; 8] }],
        attitude: Vec::new(),
        work: Some(WorkMarks { ground: true, quotable: true, ..WorkMarks::default() }),
    }
}

/// An assessed post in which nothing was found.
fn chatter(id: &str, text: &str, published: Timestamp) -> PostCommit {
    let mut commit = complaint(id, text, published, 0);
    commit.assessment.findings.clear();
    commit.assessment.places.clear();
    commit.assessment.risk = Risk::none();
    commit.voices.clear();
    commit.work = None;
    commit
}

fn reason(points: i32, text: &str) -> RiskReason {
    RiskReason { reason: "severity".to_owned(), points, text: text.to_owned() }
}

fn place(id: &str, by: PlaceBy) -> PlaceFinding {
    PlaceFinding {
        place: Some(PlaceId::from(id)),
        title: "Онохой".to_owned(),
        by,
        elsewhere: false,
        span: Some(Span { start: 3, end: 9 }),
        street: Some("Советская".to_owned()),
        house: Some("5".to_owned()),
        street_start: Some(10),
        street_end: Some(21),
    }
}

fn page(posts: Vec<PostCommit>, now: Timestamp) -> PageCommit {
    PageCommit {
        look: None,
        posts,
        seen: Vec::new(),
        gone: Vec::new(),
        gone_below: Vec::new(),
        dead_letters: Vec::new(),
        now,
    }
}

fn gone(keys: &[PostKey], now: Timestamp) -> PageCommit {
    PageCommit { gone: keys.to_vec(), ..page(Vec::new(), now) }
}

fn look(lease: &str, cursor: &str) -> LookPage {
    LookPage {
        source: SourceId::from("novosti"),
        lease: lease.to_owned(),
        lease_until: None,
        cursor: cursor.to_owned(),
        platform_id: None,
        facts: LookFacts::default(),
        noted: Noted::default(),
        end: None,
    }
}

fn source(id: &str) -> Source {
    Source {
        id: SourceId::from(id),
        platform: "vk".to_owned(),
        handle: format!("{id}_online"),
        kind: SourceKind::Community,
        scope: SourceScope::District,
        place: Some(PlaceId::from("onohoy")),
        every_secs: 300,
        comments: true,
        backfill_secs: 7 * 24 * 3600,
    }
}

fn health(next: Timestamp) -> Health {
    Health {
        state: HealthState::Ok,
        since: at(0),
        code: None,
        text: None,
        failures: 0,
        last_ok: Some(at(0)),
        next,
        why: LookReason::Wished,
    }
}
