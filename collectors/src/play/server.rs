//! Puts a play on a loopback socket.
//!
//! Place in the flow: smoke tests, the demo, kill tests. Invariant: faults happen on the wire as a
//! real server makes them: an announced length that never comes, a closed socket, silence.
//! Everything a client can send is bounded.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::http::{Method, Response};
use crate::play::{Ask, Play, Reply};
use crate::ports::Clock;

/// Most bytes of a request's head and of its body.
const HEAD_MAX: usize = 64 * 1024;
const BODY_MAX: usize = 1024 * 1024;
/// Most headers of a request, and most open connections.
const HEADERS_MAX: usize = 64;
const CONNECTIONS_MAX: usize = 256;
/// How long accepting rests when the machine has no socket left.
const ACCEPT_REST: Duration = Duration::from_millis(20);

/// A running server; stops when dropped, with all its connections.
pub struct Server {
    /// Where it listens.
    pub addr: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    /// Its address as a prefix of links, for example `http://127.0.0.1:40001`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves `play` on 127.0.0.1, port 0; `clock` tells the play the time.
///
/// # Errors
/// When no socket can be opened.
pub async fn serve(play: Arc<Mutex<dyn Play>>, clock: Arc<dyn Clock>) -> io::Result<Server> {
    serve_on(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), play, clock).await
}

/// Serves `play` on `addr`; port 0 takes a free one.
///
/// # Errors
/// When the address is taken or not ours.
pub async fn serve_on(
    addr: SocketAddr,
    play: Arc<Mutex<dyn Play>>,
    clock: Arc<dyn Clock>,
) -> io::Result<Server> {
    let listener = TcpListener::bind(addr).await?;
    let addr = listener.local_addr()?;
    let task = tokio::spawn(accept(listener, play, clock));
    Ok(Server { addr, task })
}

/// Accepts until aborted; the connections end with this task because it owns them.
async fn accept(listener: TcpListener, play: Arc<Mutex<dyn Play>>, clock: Arc<dyn Clock>) {
    let mut open = JoinSet::new();
    loop {
        while open.try_join_next().is_some() {}
        if open.len() >= CONNECTIONS_MAX {
            open.join_next().await;
        }
        match listener.accept().await {
            Ok((stream, _)) => {
                let (play, clock) = (play.clone(), clock.clone());
                open.spawn(async move {
                    // A broken connection is the client's affair.
                    converse(stream, &play, &*clock).await.ok();
                });
            }
            Err(_) => tokio::time::sleep(ACCEPT_REST).await,
        }
    }
}

/// Answers the requests of one connection, one after the other.
async fn converse(
    mut stream: TcpStream,
    play: &Arc<Mutex<dyn Play>>,
    clock: &dyn Clock,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::new();
    loop {
        let Some((ask, keep)) = read_ask(&mut stream, &mut buffer).await? else { return Ok(()) };
        let reply = match ask {
            Ok(ask) => {
                let now = clock.now();
                play.lock().unwrap_or_else(PoisonError::into_inner).answer(&ask, now)
            }
            Err(status) => Reply::status(status, "text/plain", ""),
        };
        match reply {
            Reply::Answer(response) => {
                stream.write_all(&head(&response, keep)).await?;
                stream.write_all(&response.body).await?;
            }
            Reply::Cut(response, bytes) => {
                stream.write_all(&head(&response, false)).await?;
                stream.write_all(&response.body[..bytes.min(response.body.len())]).await?;
                return stream.shutdown().await;
            }
            Reply::Reset => return stream.set_zero_linger(),
            Reply::Hang => {
                // Silence until the client gives up.
                let mut ignored = [0; 1024];
                while stream.read(&mut ignored).await? > 0 {}
                return Ok(());
            }
        }
        if !keep {
            return stream.shutdown().await;
        }
    }
}

/// What was read: a request or the status that refuses it, and whether the connection goes on.
type Heard = (Result<Ask, u16>, bool);

/// Reads one request; none when the client has closed. What follows it stays in `buffer`.
async fn read_ask(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<Option<Heard>> {
    let (head_len, mut ask, body_len, keep) = loop {
        match parse(buffer) {
            Ok(Some(parsed)) => break parsed,
            Ok(None) if buffer.len() <= HEAD_MAX => {}
            Ok(None) => return Ok(Some((Err(431), false))),
            Err(status) => return Ok(Some((Err(status), false))),
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    };
    while buffer.len() < head_len + body_len {
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
    let rest = buffer.split_off(head_len + body_len);
    let body = buffer.split_off(head_len);
    *buffer = rest;
    if ask
        .header("content-type")
        .is_some_and(|t| t.starts_with("application/x-www-form-urlencoded"))
    {
        ask.params.extend(url::form_urlencoded::parse(&body).into_owned());
    } else {
        ask.body = String::from_utf8_lossy(&body).into_owned();
    }
    Ok(Some((Ok(ask), keep)))
}

/// Length of the head, the request so far, length of the body, whether the connection goes on.
type Parsed = (usize, Ask, usize, bool);

/// Reads a head; `None` while it is not complete, a status if it is refused.
fn parse(buffer: &[u8]) -> Result<Option<Parsed>, u16> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    let head_len = match request.parse(buffer) {
        Ok(httparse::Status::Complete(len)) => len,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) => return Err(400),
    };
    let method = match request.method {
        Some("GET") => Method::Get,
        Some("POST") => Method::Post,
        Some("DELETE") => Method::Delete,
        _ => return Err(405),
    };
    let (path, query) = request
        .path
        .unwrap_or("/")
        .split_once('?')
        .map_or_else(|| (request.path.unwrap_or("/"), ""), |(path, query)| (path, query));
    let headers: Vec<(String, String)> = request
        .headers
        .iter()
        .map(|h| (h.name.to_ascii_lowercase(), String::from_utf8_lossy(h.value).into_owned()))
        .collect();
    let ask = Ask {
        method,
        path: path.to_owned(),
        params: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers,
        body: String::new(),
    };
    if ask.header("transfer-encoding").is_some() {
        return Err(411);
    }
    let body_len = match ask.header("content-length").map(str::parse::<usize>) {
        None => 0,
        Some(Ok(len)) if len <= BODY_MAX => len,
        Some(Ok(_)) => return Err(413),
        Some(Err(_)) => return Err(400),
    };
    let keep = !ask.header("connection").is_some_and(|c| c.eq_ignore_ascii_case("close"))
        && request.version == Some(1);
    Ok(Some((head_len, ask, body_len, keep)))
}

/// Status line and headers; the length is always the whole body's.
fn head(response: &Response, keep: bool) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {} -\r\n", response.status);
    for (name, value) in &response.headers {
        let ours = ["content-length", "transfer-encoding", "connection"].contains(&name.as_str());
        let broken = value.contains(['\r', '\n']) || name.contains(['\r', '\n', ':']);
        if !ours && !broken {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    let connection = if keep { "keep-alive" } else { "close" };
    head.push_str(&format!(
        "content-length: {}\r\nconnection: {connection}\r\n\r\n",
        response.body.len()
    ));
    head.into_bytes()
}
