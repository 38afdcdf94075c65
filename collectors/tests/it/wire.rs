//! What the tests of the wire share: a still clock, a scripted play, raw listeners.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use otklik_collectors::http::{Http, HttpSettings, Limits, Request, Response};
use otklik_collectors::play::{Ask, Play, Reply};
use otklik_collectors::{Busy, Clock};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A clock that never moves.
pub struct Still;

#[async_trait::async_trait]
impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    async fn sleep_until(&self, _: Timestamp) {}

    fn busy(&self) -> Busy {
        Busy::uncounted()
    }
}

/// A play made of a function; keeps what it was asked.
pub struct Script<F> {
    pub asked: Vec<Ask>,
    reply: F,
}

impl<F: FnMut(&Ask) -> Reply + Send + 'static> Script<F> {
    pub fn new(reply: F) -> Arc<Mutex<Self>> {
        Arc::new(Mutex::new(Self { asked: Vec::new(), reply }))
    }
}

impl<F: FnMut(&Ask) -> Reply + Send> Play for Script<F> {
    fn answer(&mut self, ask: &Ask, _: Timestamp) -> Reply {
        self.asked.push(ask.clone());
        (self.reply)(ask)
    }
}

/// An answer with one header.
pub fn with_header(status: u16, name: &str, value: &str) -> Reply {
    Reply::Answer(Response {
        status,
        headers: vec![(name.to_owned(), value.to_owned())],
        ..Response::default()
    })
}

/// Settings that let tests reach this machine, with bounds of milliseconds.
pub fn settings() -> HttpSettings {
    HttpSettings {
        allow: vec!["127.0.0.1".to_owned()],
        user_agent: "otklik-test".to_owned(),
        limits: Limits {
            total: Duration::from_millis(5_000),
            body_bytes_max: 1024 * 1024,
            ..Limits::default()
        },
        ..HttpSettings::default()
    }
}

pub fn http() -> Http {
    Http::new(settings()).unwrap()
}

/// A guarded GET.
pub fn get(url: &str) -> Request {
    Request { url: url.to_owned(), guarded: true, ..Request::default() }
}

/// A listener that hands each connection, its request head read, to `answer`; gives its address.
pub async fn listen<F, A>(answer: F) -> String
where
    F: Fn(TcpStream) -> A + Send + 'static,
    A: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 4096];
            if stream.read(&mut head).await.is_ok() {
                tokio::spawn(answer(stream));
            }
        }
    });
    format!("{addr}")
}

/// Sends raw bytes and reads what comes back until the server closes.
pub async fn raw(addr: std::net::SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok();
    String::from_utf8_lossy(&answer).into_owned()
}
