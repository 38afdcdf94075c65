//! What must hold when everything has come to rest, and what two runs have in common.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use jiff::Timestamp;
use otklik::notify::play::{BotMessage, GateMessage, Mail};
use otklik_collectors::play::vk::World;
use serde_json::Value;

use super::town::{WALLS, living, people};

/// What an undisturbed run would have made too.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    pub posts: BTreeMap<String, String>,
    /// Problem by id: topic, place, posts, voices, level.
    pub problems: BTreeMap<String, (String, String, u64, u64, String)>,
    pub alerts: BTreeSet<(String, String, String)>,
    /// Alert, receiver.
    pub deliveries: BTreeSet<(String, String)>,
}

/// Runs `otklik export` beside whoever writes.
pub fn export(config: &Path, what: &str) -> Vec<Value> {
    let output = Command::new(env!("CARGO_BIN_EXE_otklik"))
        .args(["export", what, "--config"])
        .arg(config)
        .output()
        .expect("the binary runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(output.status.success(), "export: {}", String::from_utf8_lossy(&output.stderr));
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn text(row: &Value, name: &str) -> String {
    row[name].as_str().unwrap_or_default().to_owned()
}

/// Exports everything; nothing may be there twice.
pub fn outcome(config: &Path) -> Outcome {
    let mut posts = BTreeMap::new();
    for row in export(config, "posts") {
        let id = text(&row, "id");
        assert!(posts.insert(id.clone(), text(&row, "text")).is_none(), "{id} twice");
    }
    // Whether a post that is gone was seen before depends on who looked when.
    posts.retain(|_, text| !text.is_empty());
    let mut problems = BTreeMap::new();
    for row in export(config, "problems") {
        let number = |name: &str| row[name].as_u64().expect("a number");
        let about = (
            text(&row, "topic"),
            text(&row, "place"),
            number("posts"),
            number("voices"),
            text(&row, "level"),
        );
        assert!(problems.insert(text(&row, "id"), about).is_none(), "a problem twice");
    }
    let alerts = export(config, "alerts")
        .iter()
        .map(|row| (text(row, "id"), text(row, "problem"), text(row, "reason")))
        .collect();
    let deliveries = export(config, "deliveries")
        .iter()
        .map(|row| (text(row, "alert"), text(row, "receiver")))
        .collect();
    Outcome { posts, problems, alerts, deliveries }
}

impl Outcome {
    /// Every living post and comment is stored with its text, every problem is there once and
    /// counts every person once.
    pub fn holds(&self, world: &World, now: Timestamp) {
        let living = living(world, now);
        for (id, text) in &living {
            assert_eq!(self.posts.get(id), Some(text), "{id}");
        }
        for (id, text) in &self.posts {
            assert!(living.contains_key(id), "{id} lives on: {text}");
        }
        let count = |wall: usize, word| people(world, WALLS[wall].0, now, word).len();
        let mut expected = BTreeSet::from([
            ("heating", WALLS[0].2, count(0, "батареи")),
            ("heating", WALLS[1].2, count(1, "батареи")),
            ("smoke", WALLS[0].2, count(0, "Горит")),
        ]);
        for (id, (topic, place, _, voices, _)) in &self.problems {
            let found = (topic.as_str(), place.as_str(), usize::try_from(*voices).expect("small"));
            assert!(expected.remove(&found), "{id} {found:?} is not one of {expected:?}");
        }
        assert!(expected.is_empty(), "no problem for {expected:?}");
    }
}

/// Every alert reached every receiver; copies carry the same name and are no more than `kills`: a
/// kill may leave one message a channel in doubt, most leave none.
pub fn told(
    config: &Path,
    mails: &[Mail],
    chats: &[BotMessage],
    gates: &[(&str, Vec<GateMessage>)],
    kills: usize,
) {
    let rows = export(config, "deliveries");
    let mut by_channel: BTreeMap<String, usize> = BTreeMap::new();
    let mut counted = 0;
    for row in &rows {
        assert_eq!(row["state"], "sent", "{row}");
        *by_channel.entry(text(row, "channel")).or_default() += 1;
        counted += row["copies"].as_u64().expect("a number");
    }
    let mut ids: BTreeMap<String, usize> = BTreeMap::new();
    for mail in mails {
        *ids.entry(mail.header("Message-ID").expect("an id")).or_default() += 1;
    }
    let queued = |channel: &str| by_channel.get(channel).copied().unwrap_or_default();
    assert_eq!(ids.len(), queued("email"), "one Message-ID an alert");
    let mut words: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for chat in chats {
        *words.entry((&chat.chat, &chat.text)).or_default() += 1;
    }
    assert!(chats.len() >= queued("telegram"), "every alert reached the chat");
    let mut left = mails.len() + chats.len();
    for (channel, messages) in gates {
        // VK itself drops a copy by its `random_id`; the others show it.
        let copies: BTreeSet<_> = messages.iter().filter_map(|it| it.copy.as_ref()).collect();
        let named = if copies.is_empty() { messages.len() } else { copies.len() };
        assert!(named >= queued(channel), "{channel}: every alert arrived");
        assert!(copies.is_empty() || copies.len() == queued(channel), "{channel}: one name each");
        left += messages.len();
    }
    let extra = left - rows.len();
    assert!(extra <= kills, "{extra} copies of {} after {kills} kills", rows.len());
    let counted = usize::try_from(counted).expect("small");
    assert!(counted >= left, "{left} left, {counted} counted");
    assert!(counted <= rows.len() + kills, "{counted} counted of {} and {kills}", rows.len());
}

/// Whether the program lived long enough to make its tables.
pub fn has_schema(store: &Path) -> bool {
    let conn = rusqlite::Connection::open(store).expect("opens");
    let tables = "SELECT COUNT(*) FROM sqlite_master WHERE name = 'problem_event'";
    conn.query_row(tables, [], |row| row.get::<_, i64>(0)).expect("readable") == 1
}

/// What is committed together is there together, at any moment; every alert is for all
/// `receivers`.
pub fn whole(store: &Path, receivers: i64) {
    let conn = rusqlite::Connection::open(store).expect("opens");
    let number = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, i64>(0)).expect(sql);
    let alerts = number("SELECT COUNT(*) FROM alert");
    let told = number("SELECT COUNT(*) FROM problem_event WHERE event LIKE '%told%'");
    let deliveries = number("SELECT COUNT(*) FROM delivery");
    assert_eq!((told, deliveries), (alerts, receivers * alerts), "of {alerts} alerts");
    let joined = number("SELECT COALESCE(SUM(posts), 0) FROM problem");
    assert_eq!(number("SELECT COUNT(*) FROM membership"), joined, "members and their count");
    let blind = r#"SELECT COUNT(*) FROM source WHERE cursor LIKE '%"posts":{"%'
         AND NOT EXISTS (SELECT 1 FROM post WHERE post.source = source.id)"#;
    assert_eq!(number(blind), 0, "a cursor without its posts");
    let unfound = "SELECT COUNT(*) FROM post WHERE text LIKE '%батареи%' AND NOT EXISTS
         (SELECT 1 FROM finding WHERE finding.source = post.source AND finding.post = post.id)";
    assert_eq!(number(unfound), 0, "a post without its findings");
    let forgotten = "SELECT COUNT(*) FROM finding WHERE NOT EXISTS
         (SELECT 1 FROM work WHERE work.source = finding.source AND work.post = finding.post)
         AND NOT EXISTS (SELECT 1 FROM membership
             WHERE membership.source = finding.source AND membership.post = finding.post)";
    assert_eq!(number(forgotten), 0, "a finding that neither waits nor belongs anywhere");
}

/// Nothing is left lying about in the store.
pub fn clean(store: &Path, critics: usize, outcome: &Outcome) {
    let conn = rusqlite::Connection::open(store).expect("opens");
    let number = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, i64>(0)).expect(sql);
    let sound: String =
        conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("checked");
    assert_eq!(sound, "ok");
    assert_eq!(number("SELECT COUNT(*) FROM work"), 0, "nothing waits to be grouped");
    for table in ["source_state", "delivery", "job"] {
        let held = format!("SELECT COUNT(*) FROM {table} WHERE lease IS NOT NULL");
        assert_eq!(number(&held), 0, "{table} is held by nobody");
    }
    assert_eq!(number("SELECT COUNT(*) FROM attitude_voice"), critics as i64);
    assert_eq!(number("SELECT COUNT(*) FROM voice"), number("SELECT COUNT(*) FROM finding"));
    let joined: u64 = outcome.problems.values().map(|(_, _, posts, _, _)| posts).sum();
    let members = number("SELECT COUNT(*) FROM membership");
    assert_eq!(u64::try_from(members).expect("positive"), joined, "each member counted once");
    assert_eq!(
        number(
            "SELECT COUNT(*) FROM voice LEFT JOIN post ON post.source = voice.source AND
            post.id = voice.post WHERE post.id IS NULL"
        ),
        0,
        "no voice without its post"
    );
    let told = number("SELECT COUNT(*) FROM problem_event WHERE event LIKE '%told%'");
    assert_eq!(told, outcome.alerts.len() as i64, "each alert is remembered once");
}
