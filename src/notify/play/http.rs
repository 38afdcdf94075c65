//! Reads requests from a loopback socket and writes what a play answers.
//!
//! Place in the flow: under the local servers that speak HTTP. Invariant: one request a connection;
//! what a client can send is bounded; faults happen on the wire, as a real server makes them.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::{Running, Shared};

const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;
const HEAD_BYTES_MAX: u64 = 64 * 1024;

/// A request as it came.
pub(super) struct Ask {
    /// Path with its query.
    pub path: String,
    head: String,
    pub body: Vec<u8>,
}

impl Ask {
    /// GET, POST …
    pub fn method(&self) -> &str {
        self.head.split(' ').next().unwrap_or_default()
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.split("\r\n").find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// What happens on the wire.
pub(super) enum Reply {
    /// An answer: status, further header lines each with its line end, JSON or HTML.
    Say(u16, String, String),
    /// The connection closes without one.
    Close,
    /// Silence.
    Hang,
    /// The question is held until something rings, then asked again; after the time the body is the
    /// answer.
    Later(watch::Receiver<u64>, Duration, String),
}

impl Reply {
    /// An answer without further headers.
    pub fn say(status: u16, body: impl Into<String>) -> Self {
        Reply::Say(status, String::new(), body.into())
    }
}

/// Serves on a free loopback port until the task is dropped.
pub(super) async fn listen<S: Send + 'static>(
    state: &Shared<S>,
    answer: fn(&Ask, &Shared<S>) -> Reply,
) -> io::Result<(SocketAddr, Running)> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let addr = listener.local_addr()?;
    let state = Arc::clone(state);
    let task = tokio::spawn(async move {
        let mut calls = tokio::task::JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let state = Arc::clone(&state);
            calls.spawn(async move {
                drop(serve(stream, &state, answer).await);
            });
            while calls.try_join_next().is_some() {}
        }
    });
    Ok((addr, Running(task)))
}

/// Reads one request, answers it, closes.
async fn serve<S>(
    stream: TcpStream,
    state: &Shared<S>,
    answer: fn(&Ask, &Shared<S>) -> Reply,
) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let left = HEAD_BYTES_MAX.saturating_sub(head.len() as u64);
        if (&mut stream).take(left).read_until(b'\n', &mut head).await? == 0 {
            return Ok(());
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut ask = Ask { path, head, body: Vec::new() };
    let length: usize =
        ask.header("content-length").and_then(|it| it.parse().ok()).unwrap_or_default();
    ask.body.resize(length.min(BODY_BYTES_MAX), 0);
    stream.read_exact(&mut ask.body).await?;
    let reply = loop {
        match answer(&ask, state) {
            Reply::Later(mut bell, wait, empty) => {
                match tokio::time::timeout(wait, bell.changed()).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => break Reply::Close,
                    Err(_) => break Reply::say(200, empty),
                }
            }
            other => break other,
        }
    };
    let (status, headers, text) = match reply {
        Reply::Hang | Reply::Later(..) => return std::future::pending().await,
        Reply::Close => return Ok(()),
        Reply::Say(status, headers, text) => (status, headers, text),
    };
    let mime = if text.starts_with('{') { "application/json" } else { "text/html" };
    let answer = format!(
        "HTTP/1.1 {status} Status\r\ncontent-type: {mime}\r\n{headers}content-length: {}\r\n\
         connection: close\r\n\r\n{text}",
        text.len()
    );
    stream.get_mut().write_all(answer.as_bytes()).await?;
    stream.get_mut().shutdown().await
}
