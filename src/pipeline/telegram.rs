//! The account that reads Telegram: its session file, the rooms it has found, its connection.
//!
//! Place in the flow: opened once with the services and shared by all readers after it; the command
//! line writes the file. Invariants: the file is 0600, replaced whole and never backed up; one
//! process at a time uses it; whatever is wrong with it leaves the preview working and is told.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use otklik_collectors::telegram::{Account, Line, LineSettings, Proxy, SessionFile};
use otklik_collectors::{KnownRoom, SessionStore};

use super::words;
use crate::clock::Clock;
use crate::config::Settings;
use crate::store::{Store, TelegramRoom};

/// Largest session file.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// Whether Telegram is read by an account.
pub enum Entry {
    /// Nobody asked for it: no api_id or no session file is configured.
    Off,
    /// Configured, but nobody has logged in yet.
    LoggedOut,
    /// Another process reads by it now.
    Busy,
    /// It cannot be used; one Russian sentence.
    Unusable(String),
    /// It reads.
    Ready(Session),
}

/// An account in use; its file stays locked for as long as this lives.
pub struct Session {
    /// The account.
    pub account: Arc<Account>,
    _file: File,
}

impl Entry {
    /// The account, if it can be used.
    #[must_use]
    pub fn account(&self) -> Option<Arc<Account>> {
        match self {
            Entry::Ready(session) => Some(Arc::clone(&session.account)),
            _ => None,
        }
    }

    /// What the operator should know; nothing where all is well or nobody asked for it.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        match self {
            Entry::Off | Entry::Ready(_) => None,
            Entry::LoggedOut => Some(words::LOGGED_OUT.to_owned()),
            Entry::Busy => Some(words::SESSION_BUSY.to_owned()),
            Entry::Unusable(text) => Some(text.clone()),
        }
    }
}

/// Opens what is configured.
#[must_use]
pub fn open(settings: &Settings, clock: &Arc<dyn Clock>, rooms: Arc<dyn SessionStore>) -> Entry {
    let telegram = &settings.platforms.telegram;
    let (Some(api_id), Some(path)) = (telegram.api_id, &telegram.session) else {
        return Entry::Off;
    };
    let line = match line_settings(settings, api_id) {
        Ok(line) => line,
        Err(text) => return Entry::Unusable(text),
    };
    let (file, session) = match read(path) {
        Ok(Some(read)) => read,
        Ok(None) => return Entry::LoggedOut,
        Err(Refused::Busy) => return Entry::Busy,
        Err(Refused::Told(text)) => return Entry::Unusable(text),
    };
    let line = Line::new(line, &session, Arc::clone(clock));
    let account = Arc::new(Account::new(Arc::new(line), rooms));
    Entry::Ready(Session { account, _file: file })
}

/// How to connect, as configured.
pub fn line_settings(settings: &Settings, api_id: i32) -> Result<LineSettings, String> {
    let place = settings.platforms.telegram.dc_address.as_deref();
    let proxy = match settings.network.proxy.as_deref() {
        None => None,
        // Going round a proxy that the operator set would be worse than not to read.
        Some(proxy) => Some(Proxy::parse(proxy).ok_or_else(|| words::NO_PROXY.to_owned())?),
    };
    let address = place.map(address).transpose()?;
    Ok(LineSettings { proxy, ..LineSettings::new(api_id, address) })
}

fn address(place: &str) -> Result<SocketAddr, String> {
    let found = place.to_socket_addrs().ok().and_then(|mut found| found.next());
    found.ok_or_else(|| words::no_address(place))
}

/// Why a session file is not used.
pub enum Refused {
    /// Another process holds it.
    Busy,
    /// One Russian sentence.
    Told(String),
}

/// Reads and locks the session file; nothing if there is none.
pub fn read(path: &Path) -> Result<Option<(File, SessionFile)>, Refused> {
    let told = |error: std::io::Error| Refused::Told(words::session_unread(path, &error));
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(told(error)),
    };
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(Refused::Busy),
        Err(TryLockError::Error(error)) => return Err(told(error)),
    }
    let known = file.metadata().map_err(told)?;
    if is_open(&known) {
        return Err(Refused::Told(words::session_open(path)));
    }
    let mut bytes = Vec::new();
    (&mut file).take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(told)?;
    match SessionFile::read(&bytes) {
        Some(session) => Ok(Some((file, session))),
        None => Err(Refused::Told(words::session_broken(path))),
    }
}

/// Writes the session file, whole or not at all.
pub fn write(path: &Path, session: &SessionFile) -> std::io::Result<()> {
    let beside = beside(path);
    // A rest of a login that was killed must not lend its rights to the new file.
    match std::fs::remove_file(&beside) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = own(OpenOptions::new().write(true).create_new(true)).open(&beside)?;
    file.write_all(&session.write())?;
    file.sync_all()?;
    std::fs::rename(&beside, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Whether others may read a file, where rights are bits.
#[cfg(unix)]
fn is_open(known: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    known.permissions().mode() & 0o077 != 0
}

#[cfg(unix)]
fn own(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(0o600)
}

/// Elsewhere rights are the folder's.
#[cfg(not(unix))]
fn is_open(_: &std::fs::Metadata) -> bool {
    false
}

#[cfg(not(unix))]
fn own(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

/// Rooms in the store.
pub struct StoredRooms(pub Store);

#[async_trait]
impl SessionStore for StoredRooms {
    async fn room(&self, name: &str) -> Option<KnownRoom> {
        let found = self.0.telegram_room(name).await;
        let found = found.unwrap_or_else(|error| {
            tracing::error!(%error, "a room of Telegram not read");
            None
        })?;
        Some(KnownRoom {
            name: found.name,
            id: found.id,
            hash: found.hash,
            channel: found.channel,
            found: found.found,
        })
    }

    async fn keep_room(&self, room: &KnownRoom) {
        let kept = TelegramRoom {
            name: room.name.clone(),
            id: room.id,
            hash: room.hash,
            channel: room.channel,
            found: room.found,
        };
        if let Err(error) = self.0.keep_telegram_room(&kept).await {
            tracing::error!(%error, "a room of Telegram not kept");
        }
    }
}

/// Rooms that are forgotten with the command.
#[derive(Default)]
pub struct PassingRooms(Mutex<BTreeMap<String, KnownRoom>>);

#[async_trait]
impl SessionStore for PassingRooms {
    async fn room(&self, name: &str) -> Option<KnownRoom> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    async fn keep_room(&self, room: &KnownRoom) {
        let mut rooms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rooms.insert(room.name.clone(), room.clone());
    }
}
