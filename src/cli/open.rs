//! What several commands need: a runtime, the store, the running daemon.
//!
//! Place in the flow: between a command and the pipeline. Invariants: reads open the store
//! query-only and work beside a daemon; a change goes to the daemon if one holds the store, and is
//! made directly if not.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::clock::{Clock, SystemClock};
use crate::config::{Fault, Settings};
use crate::daemon::socket;
use crate::model::{Command, CommandKind, CommandReply};
use crate::pipeline::command::change_store;
use crate::pipeline::district::District;
use crate::store::{Store, StoreError, StoreLock};

use super::{Exit, Failure, Result};

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let exit = match &error {
            StoreError::Locked { .. } => Exit::Held,
            _ => Exit::Failed,
        };
        Self { exit, text: error.to_string() }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        vec![fault].into()
    }
}

/// Runs a command's asynchronous part.
pub fn wait<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work)
}

/// Opens the store for writing; exit 75 with the way out if a daemon holds it.
pub fn store_to_write(settings: &Settings) -> Result<Store> {
    match Store::open(&settings.store, settings.district.id.clone()) {
        Err(locked @ StoreError::Locked { .. }) => Err(Failure {
            exit: Exit::Held,
            text: format!(
                "{locked}. Остановите службу (systemctl stop otklik) и повторите, \
                 или укажите другое хранилище: --store ФАЙЛ"
            ),
        }),
        opened => Ok(opened?),
    }
}

/// Opens the store for reading, beside whoever writes to it.
pub fn store_to_read(settings: &Settings) -> Result<Store> {
    Ok(Store::open_read(&settings.store, settings.district.id.clone())?)
}

/// Where a daemon of this store listens: in the runtime folder, else beside the store.
#[must_use]
pub fn socket_path(settings: &Settings) -> PathBuf {
    match std::env::var_os("RUNTIME_DIRECTORY") {
        Some(folder) => PathBuf::from(folder).join("otklik.sock"),
        None => beside_store(settings),
    }
}

fn beside_store(settings: &Settings) -> PathBuf {
    let mut name = settings.store.as_os_str().to_owned();
    name.push(".sock");
    PathBuf::from(name)
}

/// The runtime folder of an installed service, as seen by somebody whom it did not start.
const INSTALLED_SOCKET: &str = "/run/otklik/otklik.sock";

/// A command of the person at the keyboard.
#[must_use]
pub fn command(kind: CommandKind) -> Command {
    let actor = std::env::var("USER").unwrap_or_else(|_| "unknown".to_owned());
    Command { actor, role: "operator".to_owned(), at: SystemClock.now(), kind }
}

/// Asks the daemon that holds this store; `None` if nobody does. A daemon in a runtime folder may
/// hold another store: it is asked only if it is the process that signed this store's lock.
pub async fn ask_daemon(settings: &Settings, command: &Command) -> Result<Option<CommandReply>> {
    let beside = beside_store(settings);
    let mut places = vec![(beside.clone(), None)];
    let alive = |pid: &u32| Path::new("/proc").join(pid.to_string()).exists();
    if let Some(pid) = StoreLock::holder(&settings.store).filter(alive) {
        let runtime = [socket_path(settings), PathBuf::from(INSTALLED_SOCKET)];
        places.extend(runtime.into_iter().filter(|path| *path != beside).map(|at| (at, Some(pid))));
    }
    for (path, pid) in places {
        let answer = match pid {
            None => socket::send(&path, command).await,
            Some(pid) => socket::send_to(&path, pid, command).await,
        };
        match answer.map_err(|error| (error.kind(), error)) {
            Ok(reply) => return Ok(Some(reply)),
            Err((ErrorKind::NotFound | ErrorKind::ConnectionRefused, _)) => {}
            Err((ErrorKind::PermissionDenied, _)) => {
                return Err(Failure::failed(
                    "нет права обратиться к службе: запустите команду от её имени, \
                     например sudo -u otklik otklik …",
                ));
            }
            Err((_, error)) => {
                return Err(Failure::failed(format!("служба не ответила: {error}")));
            }
        }
    }
    Ok(None)
}

/// Makes a change: through the daemon if one runs, else directly. Prints its answer.
pub async fn change(settings: &Settings, kind: CommandKind) -> Result<CommandReply> {
    let command = command(kind);
    if let Some(reply) = ask_daemon(settings, &command).await? {
        return Ok(reply);
    }
    let store = store_to_write(settings)?;
    let district = match command.kind {
        CommandKind::Mark { .. } | CommandKind::HandOver { .. } => {
            Some(District::load_rules(settings, false)?)
        }
        _ => None,
    };
    let reply = change_store(&store, district.as_ref(), &command, SystemClock.now()).await?;
    reply.ok_or_else(|| Failure::failed("служба не запущена, выполнить это без неё нельзя"))
}

/// Exit code of an answer; a refusal is told on the error output.
pub fn told(reply: &CommandReply) -> Result<Exit> {
    if reply.done {
        super::say!("{}", reply.text)?;
        Ok(Exit::Done)
    } else {
        Err(Failure::failed(reply.text.clone()))
    }
}
