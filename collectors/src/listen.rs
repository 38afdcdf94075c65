//! A small HTTP server for what platforms push to us, behind the operator's proxy.
//!
//! Place in the flow: the root crate opens it where an address is configured and hands every
//! request to the platform's reader. The proxy owns the certificate and the public address; we
//! listen on this machine alone.
//!
//! Invariants: everything a client sends is bounded in size and in time, and so is the number of
//! clients; whoever is refused by his head is answered before a byte of his body is waited for; an
//! answer says nothing but its status; nothing that was sent is logged.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// Most bytes of a body; an update of MAX has some thousand.
pub const BODY_BYTES_MAX: usize = 256 * 1024;
/// Most bytes of a head.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Most open connections: a proxy needs a few.
const CONNECTIONS_MAX: usize = 64;
/// How long accepting rests when the machine has no socket left.
const ACCEPT_REST: Duration = Duration::from_millis(20);

/// How long a client may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// To send a head; also how long an idle connection is kept.
    pub head: Duration,
    /// To send a body, however steadily it drips.
    pub body: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Patience { head: Duration::from_secs(15), body: Duration::from_secs(5) }
    }
}

/// What stands above the body of a POST.
pub struct Head(hyper::HeaderMap);

/// A whole POST.
pub struct Push {
    /// What stands above its body.
    pub head: Head,
    /// Its body.
    pub body: Bytes,
}

impl Head {
    /// First header of this name, if it is plain text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(|value| value.to_str().ok())
    }
}

/// Whoever takes what was pushed.
#[async_trait]
pub trait Taker: Send + Sync + 'static {
    /// Looks at the head alone: the status of a refusal, for which no body is waited.
    fn refuses(&self, head: &Head) -> Option<u16>;

    /// Takes one POST; the HTTP status of the answer.
    async fn take(&self, push: Push) -> u16;
}

/// A running server; stops when dropped, with all its connections.
pub struct Listener {
    /// Where it listens.
    pub addr: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Listens on `addr`; port 0 takes a free one.
///
/// # Errors
/// When the address is taken or not ours.
pub async fn listen(
    addr: SocketAddr,
    patience: Patience,
    taker: Arc<dyn Taker>,
) -> io::Result<Listener> {
    let listener = TcpListener::bind(addr).await?;
    let addr = listener.local_addr()?;
    Ok(Listener { addr, task: tokio::spawn(accept(listener, patience, taker)) })
}

/// Accepts until aborted; the connections end with this task because it owns them.
async fn accept(listener: TcpListener, patience: Patience, taker: Arc<dyn Taker>) {
    let mut open = JoinSet::new();
    loop {
        while open.try_join_next().is_some() {}
        if open.len() >= CONNECTIONS_MAX {
            open.join_next().await;
        }
        match listener.accept().await {
            Ok((stream, _)) => {
                open.spawn(converse(stream, patience, Arc::clone(&taker)));
            }
            Err(_) => tokio::time::sleep(ACCEPT_REST).await,
        }
    }
}

/// Answers the requests of one connection, one after the other.
async fn converse(stream: TcpStream, patience: Patience, taker: Arc<dyn Taker>) {
    let service = service_fn(|request| answer(request, patience, &taker));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience.head)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    // A broken connection is the client's affair.
    served.await.ok();
}

async fn answer(
    request: hyper::Request<Incoming>,
    patience: Patience,
    taker: &Arc<dyn Taker>,
) -> Result<hyper::Response<Empty<Bytes>>, Infallible> {
    let posted = request.method() == hyper::Method::POST;
    let (parts, body) = request.into_parts();
    let head = Head(parts.headers);
    let refused = if posted { taker.refuses(&head) } else { None };
    let announced = hyper::body::Body::size_hint(&body).lower();
    let status = if let Some(status) = refused {
        status
    } else if posted && announced > BODY_BYTES_MAX as u64 {
        413
    } else if posted {
        let whole = Limited::new(body, BODY_BYTES_MAX).collect();
        match tokio::time::timeout(patience.body, whole).await {
            Ok(Ok(body)) => taker.take(Push { head, body: body.to_bytes() }).await,
            Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => 413,
            Ok(Err(_)) => 400,
            Err(_) => 408,
        }
    } else {
        405
    };
    let mut response = hyper::Response::new(Empty::new());
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    if refused.is_some() || matches!(status, 408 | 413) {
        // What is still on its way is nobody's request.
        let close = hyper::header::HeaderValue::from_static("close");
        response.headers_mut().insert(hyper::header::CONNECTION, close);
    }
    Ok(response)
}
