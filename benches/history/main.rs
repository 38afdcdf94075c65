//! What grouping a post costs after a short and after a long history, over the real store.
//!
//! `cargo bench --bench history [-- POSTS…]` (default 10000, 100000 and 1000000; the first is what
//! the others are held against). The past is what differs, nothing else: the district writes
//! [`DAILY`] posts a day in every case, so that the longest window that a new post looks back over
//! (61 days of own texts and voices) is full after the first 10,000 posts, which are 100 days. They
//! are stored and grouped as in the daemon. A longer history is the same store with years of the
//! same life before its first post, put there by `past.sql`: a million posts are 27 years. Then the
//! very same posts are grouped in each of them, [`WARM`] to warm up and [`TIMED`] that count.
//! A higher rate would fill the windows with more posts: that is load, not history.
//!
//! Problems of a settlement get a post every few days and never end, so after a million posts they
//! have thousands of members each; those of a house end and begin anew. Classification is left out:
//! posts come with their findings. Where the system tells it, the processor's time counts, so that
//! others on the machine do not. The first size is measured twice, first and last.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use otklik::model::{
    Counts, Finding, Language, PlaceBy, PlaceFinding, PlaceId, Post, PostKey, PostKind, Risk,
    RiskLevel, RiskReason, Span, TopicId, TopicKind,
};
use otklik::pipeline::district::District;
use otklik::pipeline::group::{Sending, group_store};
use otklik::sim::Rng;
use otklik::store::{Assessment, PageCommit, PostCommit, Store, VoiceMark, WorkMarks};

/// Posts a day of the made-up district.
const DAILY: usize = 100;
/// Posts that are grouped before the clock runs.
const WARM: usize = 1_000;
/// Posts that are timed.
const TIMED: usize = 4_000;
/// Posts in one page.
const PAGE: usize = 50;
/// Number of the first post: older ones have smaller numbers of as many digits.
const FIRST: usize = 5_000_000;

fn main() -> ExitCode {
    let mut sizes: Vec<usize> =
        std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    if sizes.is_empty() {
        sizes = vec![10_000, 100_000, 1_000_000];
    }
    sizes.sort_unstable();
    let Ok(runtime) = tokio::runtime::Builder::new_multi_thread().enable_all().build() else {
        return ExitCode::FAILURE;
    };
    runtime.block_on(measure(&sizes)).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
}

#[expect(clippy::print_stdout, reason = "this is what the bench is for")]
async fn measure(sizes: &[usize]) -> Option<()> {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/otklik.toml");
    let settings = otklik::config::load_all(&config).ok()?;
    let district = District::load_rules(&settings, false).ok()?;
    let folder = tempfile::tempdir().ok()?;
    let base = folder.path().join("base.db");
    let &shortest = sizes.first()?;
    let present = shortest.div_ceil(PAGE) * PAGE;
    let store = Store::open_play(&base, district.id.clone()).ok()?;
    let mut number = FIRST;
    while number < FIRST + present {
        page(&store, &district, &mut number).await?;
    }
    drop(store);
    rusqlite::Connection::open(&base)
        .and_then(|conn| conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())))
        .ok()?;
    let mut first: Option<f64> = None;
    for &size in sizes.iter().chain([&shortest]) {
        let path = folder.path().join(format!("{size}.db"));
        std::fs::copy(&base, &path).ok()?;
        let times = size.saturating_sub(present) / present;
        if times > 0 {
            live_longer(&path, &base, times, present).ok()?;
        }
        let megabytes = std::fs::metadata(&path).ok()?.len() / 1_000_000;
        let store = Store::open_play(&path, district.id.clone()).ok()?;
        let mut number = FIRST + present;
        while number < FIRST + present + WARM {
            page(&store, &district, &mut number).await?;
        }
        let (mut spent, begun) = (Duration::ZERO, Instant::now());
        while number < FIRST + present + WARM + TIMED {
            spent += page(&store, &district, &mut number).await?;
        }
        #[expect(clippy::cast_precision_loss, reason = "a handful of posts")]
        let each = spent.as_secs_f64() * 1e6 / TIMED as f64;
        let ratio = each / *first.get_or_insert(each);
        println!(
            "{:>9} posts of history, {megabytes} MB: {each:.0} µs a post to group, ratio {ratio:.2} \
             (storing and grouping all took {:.1?})",
            present * (times + 1),
            begun.elapsed()
        );
        drop(store);
        std::fs::remove_file(&path).ok()?;
    }
    Some(())
}

/// Puts `times` spans of `posts` posts before the first post of the store at `path`.
fn live_longer(path: &Path, base: &Path, times: usize, posts: usize) -> rusqlite::Result<()> {
    let conn = rusqlite::Connection::open(path)?;
    conn.execute_batch(
        "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000;
         PRAGMA temp_store = MEMORY;
         CREATE TEMP TABLE past (n INTEGER PRIMARY KEY, micros INTEGER, posts INTEGER);",
    )?;
    let span = SignedDuration::from_secs(i64::try_from(posts * 86_400 / DAILY).unwrap_or(0));
    for n in 1..=i64::try_from(times).unwrap_or(0) {
        let micros = n * i64::try_from(span.as_micros()).unwrap_or(0);
        conn.execute(
            "INSERT INTO past (n, micros, posts) VALUES (?1, ?2, ?3)",
            rusqlite::params![n, micros, i64::try_from(posts).unwrap_or(0)],
        )?;
    }
    conn.execute("ATTACH ?1 AS base", [base.to_string_lossy()])?;
    conn.execute_batch(concat!("BEGIN;", include_str!("past.sql"), "COMMIT;"))?;
    conn.execute_batch("DETACH base; PRAGMA journal_mode = WAL;")
}

/// Stores and groups one page; how long the grouping took.
async fn page(store: &Store, district: &District, number: &mut usize) -> Option<Duration> {
    let posts: Vec<PostCommit> = (*number..*number + PAGE).map(made_up).collect();
    *number += PAGE;
    let now = posts.last().map(|commit| commit.post.published)?;
    let page = PageCommit {
        look: None,
        posts,
        seen: Vec::new(),
        gone: Vec::new(),
        gone_below: Vec::new(),
        dead_letters: Vec::new(),
        now,
    };
    let _stored = store.commit_page(page).await.ok()?;
    let begun = Spent::now();
    let report = group_store(store, district, Sending::Suppressed, || now).await.ok()?;
    assert_eq!(report.posts as usize, PAGE);
    Some(begun.until_now())
}

/// The processor's time of this process, or the wall's where the system does not tell it.
struct Spent {
    ticks: Option<u64>,
    wall: Instant,
}

impl Spent {
    fn now() -> Self {
        Self { ticks: ticks(), wall: Instant::now() }
    }

    fn until_now(&self) -> Duration {
        match (self.ticks, ticks()) {
            (Some(then), Some(now)) => Duration::from_millis(10 * (now - then)),
            _ => self.wall.elapsed(),
        }
    }
}

/// Ticks of 10 ms in user and system mode, all threads, as Linux counts them.
fn ticks() -> Option<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
}

/// A complaint of some topic in some place, at a house now and then; the same for the same number.
fn made_up(number: usize) -> PostCommit {
    const TOPICS: [&str; 10] = [
        "heating",
        "water",
        "electricity",
        "roads",
        "rubbish",
        "housing",
        "snow",
        "lighting",
        "transport",
        "healthcare",
    ];
    let mut rng = Rng::new(number as u64);
    let seconds = i64::try_from((number - FIRST) * 86_400 / DAILY).unwrap_or(0);
    let published = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_400_000_000 + seconds);
    let topic = TopicId::from(*TOPICS.get(rng.below(10)).unwrap_or(&"heating"));
    let housed = rng.chance(0.4);
    let place = PlaceFinding {
        place: Some(PlaceId(format!("village{}", rng.below(40).min(rng.below(40))))),
        title: "Село".to_owned(),
        by: PlaceBy::Text,
        elsewhere: false,
        span: None,
        street: housed.then(|| format!("Улица {}", rng.below(12))),
        house: housed.then(|| (1 + rng.below(40)).to_string()),
        street_start: None,
        street_end: None,
    };
    let words: Vec<String> = (0..14).map(|_| format!("слово{}", rng.below(4_000))).collect();
    // One in ten is a page's own text.
    let own_name = number.is_multiple_of(10);
    let month = published.strftime("%Y%m").to_string().parse().unwrap_or(201_401);
    let reason = RiskReason { reason: "severity".to_owned(), points: 36, text: String::new() };
    let risk = Risk { score: 36, level: RiskLevel::Elevated, reasons: vec![reason] };
    let key = PostKey {
        source: format!("source{}", number % 25).into(),
        id: format!("vk:-1_{number}").into(),
    };
    PostCommit {
        fingerprint: (number as u64).to_be_bytes().to_vec(),
        assessment: Assessment {
            language: Language("ru".into()),
            findings: vec![Finding {
                topic: topic.clone(),
                score: 80,
                kind: TopicKind::Problem,
                matches: Vec::new(),
                clause: Some(Span { start: 0, end: 30 }),
            }],
            places: vec![place],
            risk: risk.clone(),
            lexicon: "bench".to_owned(),
        },
        voices: vec![VoiceMark { topic: topic.clone(), month, voice: rng.bits().to_be_bytes() }],
        attitude: Vec::new(),
        work: Some(WorkMarks {
            ground: true,
            quotable: true,
            risks: BTreeMap::from([(topic, risk)]),
            ..WorkMarks::default()
        }),
        post: Post {
            key,
            platform: "vk".to_owned(),
            kind: PostKind::Post,
            parent: None,
            text: words.join(" "),
            masked: 0,
            published,
            edited: None,
            official: false,
            own_name,
            repost: false,
            url: None,
            counts: Counts::default(),
            place: None,
        },
    }
}
