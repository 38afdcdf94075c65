//! Opening a file as a store: connections, migrations, checks.
//!
//! Place in the flow: used by [`super::Store::open`] and [`super::Store::open_read`] only.
//! Invariant: a landed migration never changes; each runs in one transaction together with its
//! version number, so a kill leaves the old schema or the new one.

use std::fs::{DirBuilder, OpenOptions};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::error::{Result, StoreError};
use super::own;

/// "otkl": marks the file as ours.
const APPLICATION_ID: i32 = 0x6F74_6B6C;

/// How long a connection waits for another one.
const BUSY_WAIT: Duration = Duration::from_secs(5);

/// Statements kept prepared on each connection.
const STATEMENTS: usize = 160;

/// Bytes to which the write-ahead log is cut after a checkpoint.
const WAL_BYTES_MAX: i64 = 32 * 1024 * 1024;

/// All migrations, oldest first; the number of a migration is its place in this list.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_start.sql"),
    include_str!("migrations/0002_coverage.sql"),
    include_str!("migrations/0003_telegram.sql"),
    include_str!("migrations/0004_rules.sql"),
    include_str!("migrations/0005_problems.sql"),
    include_str!("migrations/0006_follow.sql"),
    include_str!("migrations/0007_marks.sql"),
    include_str!("migrations/0008_reach.sql"),
    include_str!("migrations/0009_quiet.sql"),
    include_str!("migrations/0010_windows.sql"),
    include_str!("migrations/0011_returns.sql"),
    include_str!("migrations/0012_lives.sql"),
    include_str!("migrations/0013_proposals.sql"),
    include_str!("migrations/0014_pauses.sql"),
];

/// How hard a commit is pressed to disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Durability {
    /// Every commit survives a power cut.
    Full,
    /// Commits survive a kill, not a power cut: for stores of a simulated district.
    Play,
}

/// Creates the file (0600) if it is not there and opens the writer.
pub(super) fn open_writer(path: &Path, durability: Durability) -> Result<Connection> {
    create_file(path)?;
    let mut conn = connect(path)?;
    let fresh = conn
        .query_row("SELECT COUNT(*) FROM sqlite_master", [], |row| row.get::<_, i64>(0))
        .map_err(|error| unreadable(error, path))?
        == 0;
    if fresh {
        conn.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    let found = version(&conn, path)?;
    if !fresh {
        sanity(&conn)?;
    }
    conn.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    let synchronous = match durability {
        Durability::Full => "FULL",
        Durability::Play => "OFF",
    };
    conn.pragma_update(None, "synchronous", synchronous)?;
    conn.pragma_update_and_check(None, "journal_size_limit", WAL_BYTES_MAX, |_| Ok(()))?;
    // What is erased must be gone from the file, not only from the tables.
    conn.pragma_update_and_check(None, "secure_delete", "ON", |_| Ok(()))?;
    migrate(&mut conn, found, MIGRATIONS)?;
    weigh_indexes(&mut conn)?;
    Ok(conn)
}

/// Opens a connection that cannot change anything.
pub(super) fn open_reader(path: &Path) -> Result<Connection> {
    if !path.exists() {
        return Err(StoreError::Missing(path.to_path_buf()));
    }
    let conn = connect(path)?;
    let found = version(&conn, path)?;
    if found < latest(MIGRATIONS) {
        return Err(StoreError::Older { found, known: latest(MIGRATIONS) });
    }
    conn.pragma_update(None, "query_only", "ON")?;
    Ok(conn)
}

/// Creates the folder of the store (0700) if it is not there.
pub(super) fn create_folder(path: &Path) -> Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        own::folder(DirBuilder::new().recursive(true))
            .create(folder)
            .map_err(StoreError::from_io)?;
    }
    Ok(())
}

fn create_file(path: &Path) -> Result<()> {
    // SQLite gives its side files the mode of the main one.
    own::file(OpenOptions::new().append(true).create(true))
        .open(path)
        .map(drop)
        .map_err(StoreError::from_io)
}

fn connect(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(BUSY_WAIT)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    conn.pragma_update(None, "foreign_keys", "ON")?;
    Ok(conn)
}

/// The schema version of the file, if it is ours and not from the future.
fn version(conn: &Connection, path: &Path) -> Result<u32> {
    let number = |name: &str| conn.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let application = number("application_id").map_err(|error| unreadable(error, path))?;
    if application != APPLICATION_ID {
        return Err(StoreError::Foreign(path.to_path_buf()));
    }
    let found = u32::try_from(number("user_version")?).unwrap_or(u32::MAX);
    if found > latest(MIGRATIONS) {
        return Err(StoreError::Newer { found, known: latest(MIGRATIONS) });
    }
    Ok(found)
}

/// The first read of a file shows whether it is a database at all.
fn unreadable(error: rusqlite::Error, path: &Path) -> StoreError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => StoreError::Foreign(path.to_path_buf()),
        _ => StoreError::from(error),
    }
}

fn sanity(conn: &Connection) -> Result<()> {
    let answer: String =
        conn.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(StoreError::from)?;
    if answer == "ok" { Ok(()) } else { Err(StoreError::damaged(&answer)) }
}

fn latest(migrations: &[&str]) -> u32 {
    u32::try_from(migrations.len()).unwrap_or(u32::MAX)
}

fn migrate(conn: &mut Connection, found: u32, migrations: &[&str]) -> Result<()> {
    for (number, script) in (1_u32..).zip(migrations) {
        if number <= found {
            continue;
        }
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute_batch(script)?;
        tx.pragma_update(None, "user_version", number)?;
        tx.commit()?;
    }
    Ok(())
}

/// Rows that the planner is told a table has, and an index over some of its rows.
const ROWS_TOLD: f64 = 1e6;
const ROWS_TOLD_PARTIAL: f64 = 1e4;

/// Tells the planner that the district picks no rows out. Every index begins with it, and a planner
/// that knows nothing takes a first column for one that leaves ten rows: it then walks over a whole
/// table rather than use the index made for the question. The numbers are made up and the same for
/// every store, so that no plan depends on what is stored.
fn weigh_indexes(conn: &mut Connection) -> Result<()> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let wanted = weights(&tx)?;
    let there = "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'sqlite_stat1'";
    if tx.query_row(there, [], |row| row.get::<_, i64>(0))? == 0 {
        // Makes the table of weights; the job table is always small.
        tx.execute_batch("ANALYZE job")?;
    }
    let known: Vec<(String, String, String)> = tx
        .prepare("SELECT tbl, idx, stat FROM sqlite_stat1 WHERE idx IS NOT NULL ORDER BY tbl, idx")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<rusqlite::Result<_>>()?;
    if known != wanted {
        tx.execute("DELETE FROM sqlite_stat1", [])?;
        for (table, index, weight) in wanted {
            let row = (table, index, weight);
            tx.execute("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?1, ?2, ?3)", row)?;
        }
    }
    tx.commit()?;
    conn.execute_batch("ANALYZE sqlite_schema")?;
    Ok(())
}

/// Table, index and weights of each index: rows in all, and rows that share its first one, two …
/// columns, fading evenly to one row.
fn weights(conn: &Connection) -> Result<Vec<(String, String, String)>> {
    let mut indexes = conn.prepare(
        "SELECT tables.name, lists.name, lists.partial,
             (SELECT COUNT(*) FROM pragma_index_info(lists.name))
         FROM pragma_table_list tables JOIN pragma_index_list(tables.name) lists
         WHERE tables.schema = 'main' AND tables.name NOT LIKE 'sqlite%'
         ORDER BY tables.name, lists.name",
    )?;
    let weights = indexes.query_map([], |row| {
        let (partial, columns) = (row.get::<_, bool>(2)?, row.get::<_, i32>(3)?);
        let rows = if partial { ROWS_TOLD_PARTIAL } else { ROWS_TOLD };
        let fade =
            |column: i32| rows.powf(1.0 - f64::from(column) / f64::from((columns - 1).max(1)));
        let told: Vec<String> = std::iter::once(rows)
            .chain((0..columns).map(fade))
            .map(|rows| format!("{rows:.0}"))
            .collect();
        Ok((row.get(0)?, row.get(1)?, told.join(" ")))
    })?;
    Ok(weights.collect::<rusqlite::Result<_>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables(conn: &Connection) -> Vec<String> {
        conn.prepare("SELECT name FROM sqlite_master ORDER BY name")
            .and_then(|mut names| names.query_map([], |row| row.get(0))?.collect())
            .expect("names")
    }

    #[test]
    fn members_take_voice_and_own_text_along_to_their_place_in_time() {
        type Member = (i64, Option<i64>, Option<Vec<u8>>, Option<Vec<u8>>);
        let mut conn = Connection::open_in_memory().expect("open");
        migrate(&mut conn, 0, &MIGRATIONS[..9]).expect("migrated");
        let post = |id: i64, own_name: i64| {
            format!(
                "INSERT INTO post VALUES ('d', 's', '{id}', 'vk', 'post', NULL, '', 'live', 1,
                     x'0{id}', 0, {id}, NULL, 9, 0, {own_name}, 0, NULL, NULL, NULL, NULL, NULL,
                     NULL, 'ru', 0, '[]', '');
                 INSERT INTO membership VALUES ('d', 'p', 's', '{id}', 1, NULL, NULL, {id}, 0,
                     NULL, NULL);
                 INSERT INTO voice VALUES ('d', 's', '{id}', 'water', 202601, x'0{id}');
                 INSERT INTO voice VALUES ('d', 's', '{id}', 'roads', 202601, x'FF');"
            )
        };
        let problem = "INSERT INTO problem (district, id, topic, kind, state, score, reasons,
                opened, last, posts, alerts, returns, events, voices_kept)
            VALUES ('d', 'p', 'water', 'problem', 'open', 0, '[]', 1, 2, 2, 0, 0, 0, 0);";
        conn.execute_batch(&[problem.to_owned(), post(1, 0), post(2, 1)].concat()).expect("filled");
        conn.execute("DELETE FROM voice WHERE post = '2'", []).expect("a page has no voice");
        migrate(&mut conn, 9, MIGRATIONS).expect("migrated");
        let members: Vec<Member> = conn
            .prepare("SELECT published, month, voice, own_text FROM membership ORDER BY published")
            .and_then(|mut rows| {
                rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
                    .collect()
            })
            .expect("read");
        let expected = [(1, Some(202_601), Some(vec![1]), None), (2, None, None, Some(vec![2]))];
        assert_eq!(members, expected);
        let source: String = conn
            .query_row("SELECT source FROM problem_source WHERE problem = 'p'", [], |row| {
                row.get(0)
            })
            .expect("a source");
        assert_eq!(source, "s");
    }

    #[test]
    fn a_broken_migration_leaves_the_schema_before_it() {
        let mut conn = Connection::open_in_memory().expect("open");
        let good = "CREATE TABLE one (id INTEGER NOT NULL) STRICT;";
        let bad = "CREATE TABLE two (id INTEGER NOT NULL) STRICT; CREATE TABLE one (id INTEGER);";
        assert!(migrate(&mut conn, 0, &[good, bad]).is_err());
        assert_eq!(tables(&conn), ["one"]);
        let version: u32 =
            conn.pragma_query_value(None, "user_version", |row| row.get(0)).expect("version");
        assert_eq!(version, 1);
        migrate(&mut conn, 1, &[good, "CREATE TABLE two (id INTEGER NOT NULL) STRICT;"])
            .expect("the mended migration runs");
        assert_eq!(tables(&conn), ["one", "two"]);
    }
}
