//! Faults that a play shows instead of, or on top of, its proper answer.
//!
//! Place in the flow: inside the plays of plain web servers. Invariant: each planned fault happens
//! once, and the log holds every request in order, answered or not.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;

use crate::http::Response;
use crate::play::{Ask, Reply};

/// What goes wrong with one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// An HTTP error with an HTML page and perhaps a `Retry-After`.
    Status(u16, Option<String>),
    /// The proper answer, of which this many bytes arrive before the connection breaks.
    Cut(usize),
    /// The proper answer cut short by the server itself: a whole 200 with this many bytes.
    Short(usize),
    /// A 200 with this content type and body instead.
    Body(String, String),
    /// The connection closes without an answer.
    Reset,
    /// Nothing ever comes.
    Hang,
}

/// Planned faults and the log of requests.
#[derive(Debug, Default)]
pub struct Plan {
    next: VecDeque<Fault>,
    at: BTreeMap<usize, Fault>,
    log: Vec<(Timestamp, Ask)>,
}

impl Plan {
    /// Lets one of the coming requests fail: the first that has no fault yet.
    pub fn fail_next(&mut self, fault: Fault) {
        self.next.push_back(fault);
    }

    /// Lets the request with this number fail (the first request ever has number 0).
    pub fn fail_call(&mut self, number: usize, fault: Fault) {
        self.at.insert(number, fault);
    }

    /// Forgets the faults that have not happened.
    pub fn calm(&mut self) {
        self.next.clear();
        self.at.clear();
    }

    /// All requests so far.
    #[must_use]
    pub fn log(&self) -> &[(Timestamp, Ask)] {
        &self.log
    }

    /// Notes a request and spoils its proper answer if a fault is due.
    pub fn apply(&mut self, ask: &Ask, now: Timestamp, proper: Reply) -> Reply {
        let number = self.log.len();
        self.log.push((now, ask.clone()));
        let Some(fault) = self.at.remove(&number).or_else(|| self.next.pop_front()) else {
            return proper;
        };
        fault.spoil(proper)
    }
}

impl Fault {
    /// What is seen of a proper answer with this fault.
    #[must_use]
    pub fn spoil(self, proper: Reply) -> Reply {
        let answer = match proper {
            Reply::Answer(response) => response,
            _ => Response::default(),
        };
        match self {
            Fault::Status(status, retry_after) => error_page(status, retry_after),
            Fault::Cut(bytes) => Reply::Cut(answer, bytes),
            Fault::Short(bytes) => {
                let mut answer = answer;
                answer.body.truncate(bytes);
                Reply::Answer(answer)
            }
            Fault::Body(content_type, body) => Reply::ok(&content_type, body),
            Fault::Reset => Reply::Reset,
            Fault::Hang => Reply::Hang,
        }
    }
}

fn error_page(status: u16, retry_after: Option<String>) -> Reply {
    let page = format!("<html><body><h1>{status}</h1><hr>nginx</body></html>\n");
    let mut reply = Reply::status(status, "text/html; charset=utf-8", page);
    if let (Reply::Answer(response), Some(value)) = (&mut reply, retry_after) {
        response.headers.push(("retry-after".to_owned(), value));
    }
    reply
}
