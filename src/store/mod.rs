//! The store: everything that must survive, behind verbs of the domain.
//!
//! Place in the flow: the pipeline commits what was collected and decided; the command line reads.
//! The only place with SQL. Every verb is one transaction, run on a blocking thread: writers one at
//! a time on one connection, readers beside them on a small pool.
//!
//! Invariants: nobody outside holds a transaction. Every row's key begins with the district. What
//! was collected is committed with its cursor, what was decided with its outbox rows. No verb and
//! no index selects by voice. Attitude reaches [`attitude`] alone, without a post beside it. The
//! writer holds the [`StoreLock`] for as long as it lives.

pub mod agenda;
pub mod alert;
pub mod attitude;
pub mod budget;
pub mod coverage;
pub mod delivery;
pub mod digest;
pub mod enrol;
pub mod erase;
pub mod error;
pub mod export;
pub mod group;
pub mod hold;
pub mod job;
pub mod lease;
pub mod lock;
pub mod mark;
pub mod notice;
pub mod page;
pub mod pause;
pub mod person;
pub mod post;
pub mod problem;
pub mod retention;
pub mod rhythm;
pub mod rollup;
pub mod room;
pub mod rules;
pub mod setting;
pub mod source;
pub mod status;
pub mod tally;
pub mod touch;
pub mod trial;
pub mod version;
pub mod voice;
pub mod work;
pub mod works;

mod blank;
mod column;
mod finding;
mod follow;
mod handover;
mod own;
#[cfg(test)]
pub(crate) mod plan;
mod schema;

pub use agenda::Agenda;
pub use attitude::AttitudeTally;
pub use budget::{BudgetAnswer, BudgetCall};
pub use coverage::WatchedSource;
pub use delivery::{ClaimedDelivery, DeliveryEnd, DeliveryStats, DeliveryTry, StuckMessages};
pub use digest::{DigestSpan, StoredDigest};
pub use enrol::{Enrolled, Invite};
pub use erase::ErasureReceipt;
pub use error::{Result, StoreError};
pub use export::{StoredDelivery, StoredProblem, TimeMark};
pub use group::{GroupCommit, GroupOutcome};
pub use handover::GivenMessage;
pub use job::Job;
pub use lease::FreedLeases;
pub use lock::StoreLock;
pub use mark::{MarkCommit, MarkPlace};
pub use page::{DeadLetter, LookPage, PageCommit, PageOutcome, SeenPost};
pub use pause::{Pause, PauseCause, PauseOf, Probed};
pub use person::{PersonEnd, SplitOff};
pub use post::{
    Assessment, ParentFacts, PostCommit, PostMark, PostState, StoredPost, VoiceMark, WorkMarks,
};
pub use problem::{LoadedProblem, ProblemsWanted, RecentMember};
pub use retention::{RetentionPolicy, RetentionReport};
pub use rhythm::{PostHours, QuotaUse};
pub use room::TelegramRoom;
pub use rules::RulesEntry;
pub use source::{DueSource, LookFacts, SourceRow};
pub use status::StatusCounts;
pub use tally::{Tally, TallyCell};
pub use touch::Touch;
pub use version::OlderTopics;
pub use voice::VoiceCount;
pub use work::{WorkItem, WorkTicket};

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{CachedStatement, Connection, Params, Row, TransactionBehavior};
use tokio::sync::Semaphore;

use crate::model::DistrictId;
use schema::Durability;

/// Readers at work at the same time.
const READERS: usize = 4;

/// Tries of a transaction that found the file busy; each waits for the busy time-out itself.
const TRIES: u32 = 3;

/// The store of one district. Clones share the same connections.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    district: DistrictId,
    path: PathBuf,
    // None: opened for reading.
    writer: Option<Writer>,
    readers: Mutex<Vec<Connection>>,
    turns: Arc<Semaphore>,
    #[cfg(test)]
    asked: plan::Asked,
}

struct Writer {
    conn: Mutex<Connection>,
    _lock: StoreLock,
}

impl Store {
    /// Opens the store at `path` for writing: takes its lock, creates file and folder if need be
    /// (0600, 0700), checks it and brings its schema up to date. Blocks; call it before serving.
    pub fn open(path: &Path, district: DistrictId) -> Result<Self> {
        Self::open_durable(path, district, Durability::Full)
    }

    /// The same for a simulated district: commits survive a kill but not a power cut.
    pub fn open_play(path: &Path, district: DistrictId) -> Result<Self> {
        Self::open_durable(path, district, Durability::Play)
    }

    /// Opens an existing store for reading, beside whoever writes to it. Writing verbs fail.
    pub fn open_read(path: &Path, district: DistrictId) -> Result<Self> {
        let reader = schema::open_reader(path)?;
        Ok(Self::over(path, district, None, vec![reader]))
    }

    fn open_durable(path: &Path, district: DistrictId, durability: Durability) -> Result<Self> {
        schema::create_folder(path)?;
        let lock = StoreLock::take(path)?;
        let conn = Mutex::new(schema::open_writer(path, durability)?);
        Ok(Self::over(path, district, Some(Writer { conn, _lock: lock }), Vec::new()))
    }

    fn over(
        path: &Path,
        district: DistrictId,
        writer: Option<Writer>,
        readers: Vec<Connection>,
    ) -> Self {
        let inner = Inner {
            district,
            path: path.to_path_buf(),
            writer,
            readers: Mutex::new(readers),
            turns: Arc::new(Semaphore::new(READERS)),
            #[cfg(test)]
            asked: plan::Asked::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The district whose rows this store reads and writes.
    #[must_use]
    pub fn district(&self) -> &DistrictId {
        &self.inner.district
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Runs one writing verb as one transaction. `run` may run again, so it must only read its
    /// captures.
    async fn write<T, F>(&self, run: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&Tx<'_>) -> Result<T> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        blocking(move || inner.write(&run)).await
    }

    /// Runs one reading verb on one snapshot of the store.
    async fn read<T, F>(&self, run: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&Tx<'_>) -> Result<T> + Send + 'static,
    {
        let turn = Arc::clone(&self.inner.turns)
            .acquire_owned()
            .await
            .map_err(|closed| StoreError::Failed(closed.into()))?;
        let inner = Arc::clone(&self.inner);
        blocking(move || {
            let _turn = turn;
            inner.read(&run)
        })
        .await
    }

    /// Moves what the log of changes holds into the file and cuts the log.
    async fn checkpoint(&self) -> Result<()> {
        let inner = Arc::clone(&self.inner);
        blocking(move || {
            let conn = held(&inner.writer.as_ref().ok_or(StoreError::ReadOnly)?.conn);
            conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
            Ok(())
        })
        .await
    }
}

impl Inner {
    fn write<T>(&self, run: &dyn Fn(&Tx<'_>) -> Result<T>) -> Result<T> {
        let writer = self.writer.as_ref().ok_or(StoreError::ReadOnly)?;
        let mut conn = held(&writer.conn);
        let mut left = TRIES;
        loop {
            left -= 1;
            match self.transact(&mut conn, TransactionBehavior::Immediate, run) {
                Err(StoreError::Busy(_)) if left > 0 => {}
                end => return end,
            }
        }
    }

    fn read<T>(&self, run: &dyn Fn(&Tx<'_>) -> Result<T>) -> Result<T> {
        let pooled = held(&self.readers).pop();
        let mut conn = match pooled {
            Some(conn) => conn,
            None => schema::open_reader(&self.path)?,
        };
        let end = self.transact(&mut conn, TransactionBehavior::Deferred, run);
        held(&self.readers).push(conn);
        end
    }

    fn transact<T>(
        &self,
        conn: &mut Connection,
        behavior: TransactionBehavior,
        run: &dyn Fn(&Tx<'_>) -> Result<T>,
    ) -> Result<T> {
        let tx = conn.transaction_with_behavior(behavior)?;
        let end = run(&Tx {
            conn: &tx,
            district: self.district.as_str(),
            #[cfg(test)]
            asked: &self.asked,
        })?;
        tx.commit()?;
        Ok(end)
    }
}

/// A connection after a panic is sound: the transaction was rolled back when it was dropped.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn blocking<T: Send + 'static>(
    run: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(run).await {
        Ok(end) => end,
        Err(join) => Err(StoreError::Failed(join.into())),
    }
}

/// A transaction under way, and the district it is about.
struct Tx<'a> {
    conn: &'a Connection,
    district: &'a str,
    #[cfg(test)]
    asked: &'a plan::Asked,
}

impl Tx<'_> {
    fn statement(&self, sql: &str) -> Result<CachedStatement<'_>> {
        #[cfg(test)]
        self.asked.note(sql);
        Ok(self.conn.prepare_cached(sql)?)
    }

    /// Runs a statement; returns how many rows it changed.
    fn exec(&self, sql: &str, params: impl Params) -> Result<usize> {
        Ok(self.statement(sql)?.execute(params)?)
    }

    /// All rows of a query.
    fn rows<T>(
        &self,
        sql: &str,
        params: impl Params,
        row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        let mut statement = self.statement(sql)?;
        let rows = statement.query_map(params, row)?.collect::<rusqlite::Result<Vec<T>>>()?;
        Ok(rows)
    }

    /// The row of a query, if there is one.
    fn row<T>(
        &self,
        sql: &str,
        params: impl Params,
        row: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>> {
        use rusqlite::OptionalExtension;
        Ok(self.statement(sql)?.query_row(params, row).optional()?)
    }

    /// The one number of a query that always has a row.
    fn number(&self, sql: &str, params: impl Params) -> Result<u64> {
        let number = |row: &Row<'_>| row.get::<_, column::Count>(0);
        Ok(self.statement(sql)?.query_row(params, number)?.0)
    }
}
