//! Month keys: the secrets behind seeds and voices, in a file of their own.
//!
//! Place in the flow: the door asks for the key of a post's month. Invariant: keys live in
//! `<store>.keys` (0600), never in the store or a backup; a key is destroyed 7 days after its
//! month; a month that is over gets a key that lives only as long as this process.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};

use crate::clock::Clock;
use crate::model::month_of;

/// How long a key outlives its month.
pub const GRACE_DAYS: i64 = 7;

/// First instant behind `month`.
fn month_end(month: u32) -> Timestamp {
    let year = i16::try_from(month / 100).unwrap_or(i16::MAX);
    let number = i8::try_from(month % 100).unwrap_or(1).clamp(1, 12);
    Date::new(year, number, 1)
        .and_then(|first| first.checked_add(1.month()))
        .and_then(|next| next.to_zoned(TimeZone::UTC))
        .map_or(Timestamp::MAX, |start| start.timestamp())
}

/// Whether the key of `month` must be destroyed by `now`.
fn expired(month: u32, now: Timestamp) -> bool {
    month_end(month).checked_add((GRACE_DAYS * 24).hours()).is_ok_and(|end| end <= now)
}

/// The key file of a store.
pub struct KeyFile {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    keys: Mutex<Keys>,
}

#[derive(Default)]
struct Keys {
    stored: BTreeMap<u32, [u8; 32]>,
    passing: BTreeMap<u32, [u8; 32]>,
}

impl KeyFile {
    /// Where the keys of the store at `store` live: `<store>.keys`.
    #[must_use]
    pub fn path_of(store: &Path) -> PathBuf {
        let mut name = store.as_os_str().to_owned();
        name.push(".keys");
        PathBuf::from(name)
    }

    /// Opens the key file beside `store`, or begins one, and destroys what is due.
    pub fn open(store: &Path, clock: Arc<dyn Clock>) -> std::io::Result<Self> {
        let path = Self::path_of(store);
        let mut stored = BTreeMap::new();
        if path.exists() {
            let mut text = String::new();
            File::open(&path)?.read_to_string(&mut text)?;
            stored = text.lines().filter_map(parse_line).collect();
        }
        let keys = Mutex::new(Keys { stored, passing: BTreeMap::new() });
        let file = Self { path, clock, keys };
        file.destroy_expired()?;
        Ok(file)
    }

    /// Destroys the keys whose time has come; returns how many.
    pub fn destroy_expired(&self) -> std::io::Result<usize> {
        let now = self.clock.now();
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let before = keys.stored.len();
        let old = keys.stored.clone();
        keys.stored.retain(|&month, _| !expired(month, now));
        let destroyed = before - keys.stored.len();
        if destroyed > 0
            && let Err(error) = replace(&self.path, &keys.stored)
        {
            keys.stored = old;
            return Err(error);
        }
        Ok(destroyed)
    }

    /// Months whose keys are in the file.
    #[must_use]
    pub fn months(&self) -> Vec<u32> {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.stored.keys().copied().collect()
    }
}

impl otklik_collectors::MonthKeys for KeyFile {
    fn key(&self, at: Timestamp) -> [u8; 32] {
        let month = month_of(at);
        let now = self.clock.now();
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = keys.stored.get(&month).or_else(|| keys.passing.get(&month)) {
            return *key;
        }
        let mut key = [0; 32];
        getrandom::fill(&mut key).expect("the operating system gives random bytes");
        let near = month <= month_of(now.saturating_add(48.hours()).unwrap_or(now));
        if near && !expired(month, now) {
            keys.stored.insert(month, key);
            if let Err(error) = save(&self.path, &keys.stored) {
                tracing::error!(%error, "month key not saved: voices of this run join no later ones");
            }
        } else {
            keys.passing.insert(month, key);
        }
        key
    }
}

/// Keys that nobody keeps: for texts that are assessed and forgotten.
#[derive(Default)]
pub struct PassingKeys(Mutex<BTreeMap<u32, [u8; 32]>>);

impl otklik_collectors::MonthKeys for PassingKeys {
    fn key(&self, at: Timestamp) -> [u8; 32] {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *keys.entry(month_of(at)).or_insert_with(|| {
            let mut key = [0; 32];
            getrandom::fill(&mut key).expect("the operating system gives random bytes");
            key
        })
    }
}

fn parse_line(line: &str) -> Option<(u32, [u8; 32])> {
    let (month, hex) = line.split_once(' ')?;
    let month = month.parse().ok()?;
    if hex.len() != 64 {
        return None;
    }
    let mut key = [0; 32];
    for (at, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some((month, key))
}

/// Puts the keys that stay in the place of the file, then writes zeros over the old one, which has
/// no name any more. In this order, so that a kill never costs a key that is still needed.
fn replace(path: &Path, keys: &BTreeMap<u32, [u8; 32]>) -> std::io::Result<()> {
    let mut old = OpenOptions::new().write(true).open(path)?;
    let size = usize::try_from(old.metadata()?.len()).unwrap_or(0);
    save(path, keys)?;
    old.write_all(&vec![0; size])?;
    old.sync_all()
}

fn save(path: &Path, keys: &BTreeMap<u32, [u8; 32]>) -> std::io::Result<()> {
    let mut text = String::new();
    for (month, key) in keys {
        text.push_str(&format!("{month} "));
        for byte in key {
            text.push_str(&format!("{byte:02x}"));
        }
        text.push('\n');
    }
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let fresh = PathBuf::from(fresh);
    let mut file = own(OpenOptions::new().write(true).create(true).truncate(true)).open(&fresh)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&fresh, path)?;
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// A file that others may not read, where rights are bits.
#[cfg(unix)]
fn own(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(0o600)
}

#[cfg(not(unix))]
fn own(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SimClock;
    use otklik_collectors::MonthKeys;
    use std::os::unix::fs::PermissionsExt;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a valid instant")
    }

    #[test]
    fn keys_outlive_a_restart_but_not_their_month_by_more_than_seven_days() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = folder.path().join("otklik.db");
        let open =
            |now: &str| KeyFile::open(&store, Arc::new(SimClock::new(at(now)))).expect("keys open");
        let november = at("2026-11-20T10:00:00Z");
        let first = open("2026-11-22T00:00:00Z").key(november);
        let mode = std::fs::metadata(KeyFile::path_of(&store)).expect("a file").permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
        assert_eq!(open("2026-12-07T23:59:59Z").key(november), first);
        let later = open("2026-12-08T00:00:00Z");
        assert_eq!(later.months(), Vec::<u32>::new());
        let passing = later.key(november);
        assert_ne!(passing, first);
        assert_eq!(later.key(november), passing, "steady within one process");
        let text = std::fs::read_to_string(KeyFile::path_of(&store)).expect("a file");
        assert_eq!(text, "", "no key of an ended month in the file");
    }

    #[test]
    fn destroying_a_key_never_touches_the_file_that_holds_the_others() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = folder.path().join("otklik.db");
        let open =
            |now: &str| KeyFile::open(&store, Arc::new(SimClock::new(at(now)))).expect("keys open");
        let keys = open("2026-12-02T00:00:00Z");
        keys.key(at("2026-11-20T10:00:00Z"));
        let december = keys.key(at("2026-12-01T10:00:00Z"));
        // Another name for the old file shows what happens to it.
        let old = folder.path().join("old");
        std::fs::hard_link(KeyFile::path_of(&store), &old).expect("linked");
        let later = open("2026-12-08T00:00:00Z");
        assert_eq!(later.months(), [202_612]);
        assert_eq!(open("2026-12-08T00:00:00Z").key(at("2026-12-02T00:00:00Z")), december);
        let old = std::fs::read(old).expect("read");
        assert!(!old.is_empty() && old.iter().all(|&byte| byte == 0), "its bytes are gone");
    }

    #[test]
    fn future_months_are_not_stored() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = folder.path().join("otklik.db");
        let clock = Arc::new(SimClock::new(at("2026-11-22T00:00:00Z")));
        let keys = KeyFile::open(&store, clock).expect("keys open");
        keys.key(at("2031-01-01T00:00:00Z"));
        assert_eq!(keys.months(), Vec::<u32>::new());
    }
}
