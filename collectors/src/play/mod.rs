//! Local servers that play the platforms: true protocol, true faults, made-up pages.
//!
//! Place in the flow: outside it. Tests, the simulated district and the demo run the collectors
//! against these. Invariant: a play knows its platform's protocol as documented, never the
//! collector that asks it.

pub mod max;
pub mod mtproto;
pub mod ok;
pub mod rss;
pub mod telegram;
pub mod vk;

mod life;
mod log;
mod plan;
mod router;
mod server;

pub use plan::{Fault, Plan};
pub use router::PlayRouter;
pub use server::{Server, serve, serve_on};

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;

use crate::error::{Class, CollectError, Scope};
use crate::http::{Method, Request, Response};
use crate::ports::{Clock, Transport};

/// A request as a platform sees it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ask {
    /// GET, POST or DELETE.
    pub method: Method,
    /// Path without query, for example `/method/wall.get`.
    pub path: String,
    /// Parameters of query and form together, decoded.
    pub params: Vec<(String, String)>,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body, if it is no form.
    pub body: String,
}

impl Ask {
    /// First parameter of this name.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// First header of this (lower-case) name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// What a platform does with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Answers properly (any status).
    Answer(Response),
    /// Announces the whole body, sends only this many bytes of it, and closes.
    Cut(Response, usize),
    /// Closes without an answer.
    Reset,
    /// Never answers.
    Hang,
}

impl Reply {
    /// A 200 with a body of this content type.
    #[must_use]
    pub fn ok(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Reply::status(200, content_type, body)
    }

    /// An answer of any status.
    #[must_use]
    pub fn status(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Reply::Answer(Response {
            status,
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            body: body.into(),
            path: String::new(),
        })
    }
}

/// A platform that can be asked.
pub trait Play: Send {
    /// Answers one request at the instant `now`.
    fn answer(&mut self, ask: &Ask, now: Timestamp) -> Reply;
}

/// A play shared between the test that changes it and the transport that asks it.
pub type Shared<P> = Arc<Mutex<P>>;

/// Asks a play without sockets: the transport of model tests.
pub struct InProcess {
    play: Arc<Mutex<dyn Play>>,
    clock: Arc<dyn Clock>,
}

impl InProcess {
    /// A transport to `play`; `clock` tells the play the time.
    pub fn new(play: Arc<Mutex<dyn Play>>, clock: Arc<dyn Clock>) -> Self {
        Self { play, clock }
    }
}

#[async_trait]
impl Transport for InProcess {
    async fn send(&self, request: Request) -> Result<Response, CollectError> {
        let transient = |code: &str| {
            CollectError::new(Class::Transient, Scope::Host, code, "Сервер не ответил как следует")
        };
        let url = url::Url::parse(&request.url)
            .map_err(|_| CollectError::new(Class::Ours, Scope::Source, "url", "Неверный адрес"))?;
        let mut params: Vec<(String, String)> =
            url.query_pairs().map(|(k, v)| (k.into_owned(), v.into_owned())).collect();
        params.extend(request.form.iter().cloned());
        let ask = Ask {
            method: request.method,
            path: url.path().to_owned(),
            params,
            headers: request.headers.clone(),
            body: request.json.clone().unwrap_or_default(),
        };
        let now = self.clock.now();
        let reply = self.play.lock().unwrap_or_else(PoisonError::into_inner).answer(&ask, now);
        match reply {
            Reply::Answer(mut response) => {
                if response.path.is_empty() {
                    response.path = match url.query() {
                        Some(query) => format!("{}?{query}", url.path()),
                        None => url.path().to_owned(),
                    };
                }
                Ok(response)
            }
            Reply::Cut(..) => Err(transient("cut")),
            Reply::Reset => Err(transient("reset")),
            Reply::Hang => Err(transient("timeout")),
        }
    }
}
