//! Opening: schema, migrations, the lock, files that are not ours, and what the schema may not
//! have.

use std::os::unix::fs::PermissionsExt;

use otklik::store::{Store, StoreError, StoreLock};

use super::{World, at, complaint, days, district, key, raw};

/// Every statement that made the schema, as SQLite keeps it.
fn schema_of(conn: &rusqlite::Connection) -> String {
    let mut statement = conn
        .prepare(
            "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite%'
             ORDER BY type DESC, tbl_name, name",
        )
        .expect("prepared");
    let parts = statement.query_map([], |row| row.get::<_, String>(0)).expect("rows");
    let mut schema = String::new();
    for part in parts {
        schema.push_str(&part.expect("a statement"));
        schema.push_str(";\n\n");
    }
    schema
}

#[test]
fn migrating_an_empty_file_gives_the_checked_in_schema() {
    let world = World::new();
    let schema = schema_of(&world.raw());
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/schema.sql");
    if std::env::var_os("OTKLIK_BLESS").is_some() {
        std::fs::write(file, &schema).expect("written");
    }
    let expected = std::fs::read_to_string(file).expect("read");
    assert_eq!(schema, expected, "set OTKLIK_BLESS=1 to accept the new schema");
}

#[test]
fn every_table_is_strict_and_every_key_begins_with_the_district() {
    let world = World::new();
    let conn = world.raw();
    let mut tables = conn
        .prepare("SELECT name, strict FROM pragma_table_list WHERE schema = 'main'")
        .expect("sql");
    let tables: Vec<(String, bool)> = tables
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .and_then(Iterator::collect)
        .expect("tables");
    let ours: Vec<_> = tables.iter().filter(|(name, _)| !name.starts_with("sqlite_")).collect();
    assert!(ours.len() > 20, "{ours:?}");
    for (table, strict) in ours {
        assert!(strict, "{table} is not STRICT");
        let first: String = conn
            .query_row("SELECT name FROM pragma_table_info(?1) WHERE pk = 1", [table], |row| {
                row.get(0)
            })
            .expect("a key");
        assert_eq!(first, "district", "{table}");
    }
}

/// The columns of every index, the key's own ones too, in order.
fn indexes(conn: &rusqlite::Connection) -> Vec<(String, String, Vec<String>)> {
    let mut lists = conn
        .prepare(
            "SELECT tables.name, lists.name FROM pragma_table_list tables
             JOIN pragma_index_list(tables.name) lists WHERE tables.schema = 'main'",
        )
        .expect("sql");
    let names: Vec<(String, String)> = lists
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .and_then(Iterator::collect)
        .expect("indexes");
    names
        .into_iter()
        .map(|(table, index)| {
            let columns = conn
                .prepare("SELECT name FROM pragma_index_info(?1) ORDER BY seqno")
                .and_then(|mut info| {
                    info.query_map([&index], |row| row.get::<_, String>(0))?.collect()
                })
                .expect("columns");
            (table, index, columns)
        })
        .collect()
}

#[test]
fn no_index_leads_from_a_voice_to_posts() {
    let world = World::new();
    let conn = world.raw();
    let all = indexes(&conn);
    assert!(all.iter().any(|(table, ..)| table == "post"), "{all:?}");
    for (table, index, columns) in all {
        let place = columns.iter().position(|column| column == "voice");
        match table.as_str() {
            // No post is in this table, and the voice comes last: it only tells doubles apart.
            "attitude_voice" => assert_eq!(place, Some(columns.len() - 1), "{index}"),
            _ => assert_eq!(place, None, "{table}: {index}"),
        }
    }
    let attitude: i64 = conn
        .query_row(
            "SELECT COUNT(*) FROM pragma_table_info('attitude_voice')
             WHERE name IN ('source', 'post', 'id', 'published')",
            [],
            |row| row.get(0),
        )
        .expect("a number");
    assert_eq!(attitude, 0);
}

#[test]
fn files_are_for_their_owner_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("deep").join("otklik.db");
    let _store = Store::open(&path, district()).expect("opens");
    for (name, mode) in [("otklik.db", 0o600), ("otklik.db-wal", 0o600), ("otklik.db.lock", 0o600)]
    {
        let found = path.with_file_name(name).metadata().expect(name).permissions().mode();
        assert_eq!(found & 0o777, mode, "{name}");
    }
    let found = path.parent().expect("a folder").metadata().expect("there").permissions().mode();
    assert_eq!(found & 0o777, 0o700);
}

#[tokio::test]
async fn a_second_writer_is_told_who_holds_the_store() {
    let world = World::new();
    match Store::open(&world.path(), district()) {
        Err(StoreError::Locked { pid, .. }) => assert_eq!(pid, Some(std::process::id())),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("two writers"),
    }
    let error = StoreLock::take(&world.path()).expect_err("still held").to_string();
    assert!(error.contains(&format!("pid {}", std::process::id())), "{error}");
    let World { folder, store } = world;
    drop(store);
    // A child that another test begins holds what is open here until it runs its own program.
    let path = folder.path().join("otklik.db");
    let free = (0..400).any(|_| {
        let opened = Store::open(&path, district()).is_ok();
        if !opened {
            crate::rig::pause(5);
        }
        opened
    });
    assert!(free, "free again");
}

#[tokio::test]
async fn readers_work_beside_a_writer_and_cannot_write() {
    let world = World::new();
    let reader = Store::open_read(&world.path(), district()).expect("opens");
    world.commit(vec![complaint("1", "Холодно дома", at(1), 1)], at(2)).await;
    assert!(reader.post(&key("1")).await.expect("read").is_some());
    let refused = reader.keep_setting("a", "b").await;
    assert!(matches!(refused, Err(StoreError::ReadOnly)), "{refused:?}");
    // Another writing process holds the file: readers go on with what was there.
    let other = world.raw();
    other.execute_batch("BEGIN IMMEDIATE; DELETE FROM post").expect("begun");
    assert!(reader.post(&key("1")).await.expect("read").is_some());
    other.execute_batch("ROLLBACK").expect("rolled back");
}

#[test]
fn a_file_that_is_not_ours_is_named_as_such() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = folder.path().join("none.db");
    assert!(matches!(
        Store::open_read(&missing, district()),
        Err(StoreError::Missing(path)) if path == missing
    ));
    let text = folder.path().join("text.db");
    std::fs::write(&text, "не база, а записка ".repeat(100)).expect("written");
    assert!(matches!(Store::open(&text, district()), Err(StoreError::Foreign(_))));
    let other = folder.path().join("other.db");
    raw(&other).execute_batch("CREATE TABLE one (id INTEGER)").expect("made");
    assert!(matches!(Store::open(&other, district()), Err(StoreError::Foreign(_))));
}

#[test]
fn a_newer_schema_is_refused_and_an_older_one_is_not_read() {
    let World { folder, store } = World::new();
    drop(store);
    let path = folder.path().join("otklik.db");
    let conn = raw(&path);
    let known: u32 =
        conn.pragma_query_value(None, "user_version", |row| row.get(0)).expect("version");
    conn.pragma_update(None, "user_version", 99).expect("set");
    match Store::open(&path, district()) {
        Err(StoreError::Newer { found: 99, known: ours }) => assert_eq!(ours, known),
        other => panic!("{:?}", other.err()),
    }
    conn.pragma_update(None, "user_version", 0).expect("set");
    assert!(matches!(Store::open_read(&path, district()), Err(StoreError::Older { found: 0, .. })));
}

#[tokio::test]
async fn a_damaged_file_is_noticed_at_start() {
    let World { folder, store } = World::new();
    let posts = (0..200).map(|n| complaint(&n.to_string(), "Холодно в доме", days(1), 1)).collect();
    store.commit_page(super::page(posts, days(1))).await.expect("committed");
    drop(store);
    let path = folder.path().join("otklik.db");
    let mut bytes = std::fs::read(&path).expect("read");
    let middle = bytes.len() / 2;
    for byte in &mut bytes[middle..middle + 4096] {
        *byte = 0x5A;
    }
    std::fs::write(&path, bytes).expect("written");
    match Store::open(&path, district()) {
        Err(error @ StoreError::Corrupt(_)) => {
            assert!(error.to_string().contains("повреждён"), "{error}");
        }
        other => panic!("{:?}", other.err()),
    }
}
