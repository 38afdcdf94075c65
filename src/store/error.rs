//! What can go wrong with the store, typed by what to do next.
//!
//! Place in the flow: every verb returns it; the command line prints the sentence and picks the
//! exit code, the log gets the chain. Invariant: neither repeats a stored text.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;

/// The result of a verb.
pub type Result<T> = std::result::Result<T, StoreError>;

/// A verb that failed. Nothing of it was stored.
#[derive(Debug)]
pub enum StoreError {
    /// Another process writes to this store; exit code 75.
    Locked {
        /// Its process id, if it left one.
        pid: Option<u32>,
        /// Its host, if it left one.
        host: Option<String>,
    },
    /// There is no store at this path yet.
    Missing(PathBuf),
    /// The file at this path is no store of ours.
    Foreign(PathBuf),
    /// A newer program made the store.
    Newer {
        /// Version of the schema in the file.
        found: u32,
        /// Newest version this program knows.
        known: u32,
    },
    /// The store waits for an upgrade that a reader must not do.
    Older {
        /// Version of the schema in the file.
        found: u32,
        /// Version this program reads.
        known: u32,
    },
    /// Somebody held the file for longer than we wait.
    Busy(rusqlite::Error),
    /// No space left, or a quota reached.
    Full(Box<dyn Error + Send + Sync>),
    /// The file is damaged.
    Corrupt(Box<dyn Error + Send + Sync>),
    /// The account may not read or write the file.
    Denied(Box<dyn Error + Send + Sync>),
    /// A writing verb on a store opened for reading.
    ReadOnly,
    /// The lease ran out and somebody else took over; what was done must not be stored.
    LeaseLost,
    /// A verb named something the store does not have.
    Unknown(String),
    /// Anything else: a bug or a failing disk.
    Failed(Box<dyn Error + Send + Sync>),
}

impl StoreError {
    /// Whether the same verb may succeed later without anybody's help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, StoreError::Busy(_) | StoreError::Full(_))
    }

    pub(super) fn damaged(text: &str) -> Self {
        StoreError::Corrupt(text.into())
    }

    pub(super) fn from_io(error: std::io::Error) -> Self {
        use std::io::ErrorKind;
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreError::Full(error.into()),
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                StoreError::Denied(error.into())
            }
            _ => StoreError::Failed(error.into()),
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Locked { pid, host } => {
                write!(f, "хранилище занято другим процессом otklik")?;
                if let Some(pid) = pid {
                    write!(f, " (pid {pid}")?;
                    if let Some(host) = host {
                        write!(f, " на {host}")?;
                    }
                    write!(f, ")")?;
                }
                write!(f, "; остановите его или повторите команду позже")
            }
            StoreError::Missing(path) => write!(
                f,
                "хранилища {} ещё нет: его создаёт otklik run, import или collect",
                path.display()
            ),
            StoreError::Foreign(path) => write!(
                f,
                "файл {} — не хранилище otklik; укажите другой путь в [store] path",
                path.display()
            ),
            StoreError::Newer { found, known } => write!(
                f,
                "хранилище создано более новой программой (схема {found}, эта знает до {known}); \
                 обновите otklik или восстановите прежнюю копию"
            ),
            StoreError::Older { found, known } => write!(
                f,
                "хранилище старее программы (схема {found}, нужна {known}); \
                 запустите otklik run: он обновит его"
            ),
            StoreError::Busy(_) => {
                write!(f, "хранилище занято слишком долго; повторите команду")
            }
            StoreError::Full(_) => {
                write!(f, "на диске нет места для хранилища; освободите место, работа продолжится")
            }
            StoreError::Corrupt(_) => {
                write!(f, "файл хранилища повреждён; восстановите копию: otklik restore")
            }
            StoreError::Denied(_) => write!(
                f,
                "нет прав на файл хранилища или его папку; \
                 проверьте, от чьего имени запущена команда"
            ),
            StoreError::ReadOnly => write!(f, "хранилище открыто только для чтения"),
            StoreError::LeaseLost => {
                write!(f, "работа заняла больше отведённого времени, её взял другой исполнитель")
            }
            StoreError::Unknown(what) => write!(f, "в хранилище нет такой записи: {what}"),
            StoreError::Failed(_) => {
                write!(f, "хранилище не ответило как должно; подробности в журнале")
            }
        }
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            StoreError::Busy(error) => Some(error),
            StoreError::Full(error)
            | StoreError::Corrupt(error)
            | StoreError::Denied(error)
            | StoreError::Failed(error) => Some(error.as_ref()),
            _ => None,
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as Code;
        if let rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::InvalidColumnType(..) = error
        {
            return StoreError::Corrupt(error.into());
        }
        match error.sqlite_error_code() {
            Some(Code::DatabaseBusy | Code::DatabaseLocked) => StoreError::Busy(error),
            Some(Code::DiskFull) => StoreError::Full(error.into()),
            Some(Code::DatabaseCorrupt | Code::NotADatabase) => StoreError::Corrupt(error.into()),
            Some(Code::ReadOnly | Code::PermissionDenied | Code::CannotOpen) => {
                StoreError::Denied(error.into())
            }
            _ => StoreError::Failed(error.into()),
        }
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        StoreError::Failed(error.into())
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::StoreError;

    fn failure(run: impl FnOnce() -> rusqlite::Result<()>) -> StoreError {
        run().expect_err("fails").into()
    }

    #[test]
    fn a_full_disk_is_told_from_everything_else() {
        let conn = Connection::open_in_memory().expect("opens");
        let full = failure(|| {
            conn.execute_batch(
                "PRAGMA max_page_count = 3; CREATE TABLE one (body BLOB);
                 INSERT INTO one VALUES (zeroblob(100000));",
            )
        });
        assert!(matches!(full, StoreError::Full(_)), "{full:?}");
        assert!(full.is_transient() && full.to_string().contains("нет места"), "{full}");
        let other = failure(|| conn.execute_batch("SELECT * FROM nowhere"));
        assert!(matches!(other, StoreError::Failed(_)) && !other.is_transient(), "{other:?}");
    }

    #[test]
    fn a_value_that_does_not_read_back_is_damage() {
        let conn = Connection::open_in_memory().expect("opens");
        let damage = failure(|| {
            conn.query_row("SELECT 'tomorrow'", [], |row| {
                row.get::<_, super::super::column::At>(0).map(drop)
            })
        });
        assert!(matches!(damage, StoreError::Corrupt(_)), "{damage:?}");
    }
}
