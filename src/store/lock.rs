//! The lock of the store: one process writes, the next one is told who.
//!
//! Place in the flow: taken by [`super::Store::open`], held as long as the store is. Invariant: the
//! kernel frees it when its holder dies, however it dies; the lock file itself is never removed.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::error::{Result, StoreError};
use super::own;

/// The right to write, held until dropped.
#[derive(Debug)]
pub struct StoreLock {
    // Held for its lock, which ends when the file is closed.
    _file: File,
}

impl StoreLock {
    /// The process that last took the lock of the store at `store`, whether it still lives or not.
    #[must_use]
    pub fn holder(store: &Path) -> Option<u32> {
        let owner = std::fs::read_to_string(path_beside(store)).ok()?;
        owner.lines().next()?.parse().ok()
    }

    /// Takes the lock of the store at `store`, or says who holds it ([`StoreError::Locked`]).
    pub fn take(store: &Path) -> Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = own::file(&mut options).open(path_beside(store));
        let mut file = file.map_err(StoreError::from_io)?;
        match file.try_lock() {
            Ok(()) => {
                sign(&mut file).map_err(StoreError::from_io)?;
                Ok(Self { _file: file })
            }
            Err(TryLockError::WouldBlock) => {
                let mut owner = String::new();
                // An unreadable owner is still an owner: the lock itself is the fact.
                file.read_to_string(&mut owner).map_err(StoreError::from_io)?;
                Err(locked_by(&owner))
            }
            Err(TryLockError::Error(error)) => Err(StoreError::from_io(error)),
        }
    }
}

/// `<store>.lock`.
fn path_beside(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

fn sign(file: &mut File) -> std::io::Result<()> {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}\n{}", std::process::id(), host.trim())?;
    file.flush()
}

fn locked_by(owner: &str) -> StoreError {
    let mut lines = owner.lines();
    let pid = lines.next().and_then(|line| line.parse().ok());
    let host = lines.next().filter(|line| !line.is_empty()).map(str::to_owned);
    StoreError::Locked { pid, host }
}
