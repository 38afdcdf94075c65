//! The command socket where there are such sockets.
//!
//! Place in the flow: beside the loop. The command line sends one JSON line ([`Command`]), the loop
//! answers with one ([`CommandReply`]). Invariant: bounded in size, time and number of connections;
//! the socket belongs to the daemon's account alone (0600), so whoever may write to it may also
//! write the store.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::Asked;
use crate::model::{Command, CommandReply};

/// Longest command or answer in bytes.
const LINE_BYTES_MAX: u64 = 64 * 1024;
/// Longest wait for a line.
const LINE_SECS_MAX: u64 = 10;
/// Longest wait for the daemon to carry a command out.
const REPLY_SECS_MAX: u64 = 120;
/// Most connections at once.
const CONNECTIONS_MAX: usize = 16;

/// A listening socket; its file goes when it is dropped.
pub struct Socket {
    path: PathBuf,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.task.abort();
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::debug!(%error, "command socket was gone already");
        }
    }
}

/// Listens at `path` (a stale file there is replaced: the caller holds the store's lock) and hands
/// commands to `asked`.
pub fn listen(path: &Path, asked: mpsc::Sender<Asked>) -> std::io::Result<Socket> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    if path.exists() {
        std::fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let task = tokio::spawn(async move {
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            let Ok((stream, _)) = listener.accept().await else { continue };
            let asked = asked.clone();
            tokio::spawn(async move {
                if let Err(error) = serve(stream, asked).await {
                    tracing::debug!(%error, "command connection ended early");
                }
                drop(place);
            });
        }
    });
    Ok(Socket { path: path.to_path_buf(), task })
}

async fn read_line(stream: &mut UnixStream) -> std::io::Result<String> {
    let mut line = String::new();
    let mut reader = BufReader::new(stream.take(LINE_BYTES_MAX));
    let limit = Duration::from_secs(LINE_SECS_MAX);
    tokio::time::timeout(limit, reader.read_line(&mut line))
        .await
        .map_err(|_| std::io::Error::from(std::io::ErrorKind::TimedOut))??;
    Ok(line)
}

async fn serve(mut stream: UnixStream, asked: mpsc::Sender<Asked>) -> std::io::Result<()> {
    let line = read_line(&mut stream).await?;
    let reply = match serde_json::from_str::<Command>(&line) {
        Ok(command) => carry_out(command, &asked).await,
        Err(_) => {
            CommandReply { done: false, text: "Команда не разобрана".to_owned() }
        }
    };
    let mut answer = serde_json::to_string(&reply)?;
    answer.push('\n');
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

async fn carry_out(command: Command, asked: &mpsc::Sender<Asked>) -> CommandReply {
    let refused = |text: &str| CommandReply { done: false, text: text.to_owned() };
    let (reply, answer) = oneshot::channel();
    if asked.send(Asked { command, reply }).await.is_err() {
        return refused("Служба останавливается, повторите позже");
    }
    match tokio::time::timeout(Duration::from_secs(REPLY_SECS_MAX), answer).await {
        Ok(Ok(reply)) => reply,
        Ok(Err(_)) => refused("Служба остановилась, не выполнив команду"),
        Err(_) => refused("Служба не ответила за две минуты; команда могла выполниться"),
    }
}

/// Sends one command to the daemon that listens at `path` and returns its answer.
pub async fn send(path: &Path, command: &Command) -> std::io::Result<CommandReply> {
    converse(UnixStream::connect(path).await?, command).await
}

/// The same if it is process `pid` that listens there; anybody else is as good as nobody.
pub async fn send_to(path: &Path, pid: u32, command: &Command) -> std::io::Result<CommandReply> {
    let stream = UnixStream::connect(path).await?;
    let listener = stream.peer_cred()?.pid().and_then(|pid| u32::try_from(pid).ok());
    if listener != Some(pid) {
        return Err(std::io::ErrorKind::NotFound.into());
    }
    converse(stream, command).await
}

async fn converse(mut stream: UnixStream, command: &Command) -> std::io::Result<CommandReply> {
    let mut line = serde_json::to_string(command)?;
    line.push('\n');
    stream.write_all(line.as_bytes()).await?;
    let mut reader = BufReader::new(stream.take(LINE_BYTES_MAX));
    let mut answer = String::new();
    let limit = Duration::from_secs(REPLY_SECS_MAX + LINE_SECS_MAX);
    tokio::time::timeout(limit, reader.read_line(&mut answer))
        .await
        .map_err(|_| std::io::Error::from(std::io::ErrorKind::TimedOut))??;
    Ok(serde_json::from_str(&answer)?)
}
