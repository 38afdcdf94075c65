//! What a collector needs from outside, as small traits: time, budget, month keys, a way to send
//! requests.
//!
//! Place in the flow: the root crate implements them over the wall clock, the store and the key
//! file; tests and the simulated district bring their own. Invariant: no trait here knows what it
//! is used for.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::door::Door;
use crate::error::CollectError;
use crate::http::{Request, Response};

/// Wall time and waiting. Everything that waits, except socket time-outs, waits here.
#[async_trait]
pub trait Clock: Send + Sync + 'static {
    /// The present instant.
    fn now(&self) -> Timestamp;

    /// Returns at `at` or later; at once if `at` has passed. A task that sleeps must hold exactly
    /// one [`Busy`] of this clock (see [`Clock::busy`]) if it holds any.
    async fn sleep_until(&self, at: Timestamp);

    /// Marks work in progress. A simulated clock jumps only when every holder is asleep in
    /// [`Clock::sleep_until`]; the real clock ignores it.
    fn busy(&self) -> Busy;
}

/// Work in progress, see [`Clock::busy`]. Ends when dropped; may be moved through a channel.
#[must_use = "work is in progress only while this value lives"]
pub struct Busy(#[allow(dead_code, reason = "held for its drop")] Option<Box<dyn Send + Sync>>);

impl Busy {
    /// A mark that nobody counts (the real clock).
    pub fn uncounted() -> Self {
        Busy(None)
    }

    /// A mark whose end is the drop of `guard`.
    pub fn counted(guard: impl Send + Sync + 'static) -> Self {
        Busy(Some(Box::new(guard)))
    }
}

/// One call to a platform that wants to be counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Host that answers, for example `api.vk.ru`.
    pub host: String,
    /// Which token pays, as a name that tells nothing about it (`service`, `none`).
    pub token: String,
    /// What tells this token and its settings from those put in their place later, see
    /// [`Call::fingerprint`]; empty where nothing pays.
    pub fingerprint: String,
    /// Method with a quota of its own, for example `wall.get`.
    pub method: String,
    /// Least time between two calls with the same host and token, in milliseconds.
    pub spacing_ms: u32,
    /// Most calls of this method a day, where the platform says so.
    pub per_day_max: Option<u32>,
}

impl Call {
    /// A short name for `secrets` that tells nothing about them.
    #[must_use]
    pub fn fingerprint(secrets: &[&str]) -> String {
        let mut name = crate::hash::fingerprint(secrets);
        name.truncate(8);
        name
    }
}

/// Stored limits: spacing, daily quotas, and pauses that a platform ordered.
#[async_trait]
pub trait Budget: Send + Sync {
    /// Waits for this call's turn and counts it. Fails with a class of `RateLimited` or `Quota` and
    /// a time when the pause or quota reaches further than a call should wait.
    async fn take(&self, call: &Call) -> Result<(), CollectError>;

    /// Hears what became of a call that was taken: an answer, or why there was none. A call that
    /// never left us is not counted after all; what forbids further calls
    /// ([`CollectError::forbids`]) is kept over restarts.
    async fn heard(&self, call: &Call, outcome: Result<(), &CollectError>);
}

/// Secret keys, one for each calendar month, from which author seeds are made.
pub trait MonthKeys: Send + Sync {
    /// The key of the month in which `at` lies (months of UTC). Never fails: a month whose key was
    /// destroyed gets a fresh one that lives as long as this process.
    fn key(&self, at: Timestamp) -> [u8; 32];
}

/// Sends one request. The real one is [`crate::http::Http`]; tests play a platform in process.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends and reads the whole answer, within bounds of time and size. Any HTTP status is an
    /// answer, not an error. Error texts never contain the address or a header.
    async fn send(&self, request: Request) -> Result<Response, CollectError>;
}

/// A channel or group that was found under its name, and what opens it for our account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownRoom {
    /// The name it was found under, in lower case.
    pub name: String,
    /// Its number without `-100`.
    pub id: i64,
    /// What Telegram wants to see with the number; another account has another.
    pub hash: i64,
    /// Whether it is a channel; a group otherwise.
    pub channel: bool,
    /// When it was looked up.
    pub found: Timestamp,
}

/// What reading Telegram by an account keeps between runs: public channels and groups, no person.
#[async_trait]
pub trait SessionStore: Send + Sync {
    /// The room that was found under this name.
    async fn room(&self, name: &str) -> Option<KnownRoom>;

    /// Keeps a room, in the place of the one known under its name.
    async fn keep_room(&self, room: &KnownRoom);
}

/// Everything a collector needs from outside.
#[derive(Clone)]
pub struct Ports {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Limits.
    pub budget: Arc<dyn Budget>,
    /// The way out.
    pub transport: Arc<dyn Transport>,
    /// The only maker of authors and texts.
    pub door: Door,
}
