//! The one connection to Telegram, made anew whenever it breaks.
//!
//! Place in the flow: carries serialized requests for [`super::Account`]. Invariants: no request
//! waits without end; whatever happens inside the connection library (it may panic on an odd
//! answer, or wait for ever while connecting) ends in a [`Trouble`] and a fresh start after a
//! growing pause; nobody else in the program notices.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use grammers_client::sender::{
    ConnectionParams, InvocationError, NoRetries, SenderPool, SenderPoolFatHandle,
};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::errors::Trouble;
use super::session::{Ours, SessionFile};
use super::tunnel::Proxy;
use crate::ports::Clock;

/// Longest pause between two attempts to connect.
const PAUSE_SECS_MAX: i64 = 300;
/// A connection that has just died takes its calls along for some milliseconds more: they are
/// repeated after this rest of the socket, so often.
const REST: Duration = Duration::from_millis(50);
const RESTS_MAX: u32 = 5;

/// Carries one request to Telegram and its answer back, both serialized.
#[async_trait]
pub trait Carrier: Send + Sync {
    /// Sends and waits, within a bound of time.
    async fn carry(&self, request: Vec<u8>) -> Result<Vec<u8>, Trouble>;
}

/// How to connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineSettings {
    /// Number of the application.
    pub api_id: i32,
    /// Where to connect instead of Telegram's own addresses.
    pub dc_address: Option<SocketAddr>,
    /// The operator's proxy, if there is one: nothing goes round it.
    pub proxy: Option<Proxy>,
    /// Longest wait for one answer, connecting included.
    pub patience: Duration,
}

impl LineSettings {
    /// The usual bounds.
    #[must_use]
    pub fn new(api_id: i32, dc_address: Option<SocketAddr>) -> Self {
        Self { api_id, dc_address, proxy: None, patience: Duration::from_secs(30) }
    }
}

/// The connection.
pub struct Line {
    settings: LineSettings,
    session: Arc<Ours>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: Option<Running>,
    /// How many attempts in a row brought nothing.
    failures: u32,
    /// No attempt before this instant.
    again: Option<Timestamp>,
    /// How often the library was started.
    starts: u64,
}

struct Running {
    handle: SenderPoolFatHandle,
    task: JoinHandle<()>,
    start: u64,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What an attempt came to.
enum Came {
    Answer(Vec<u8>),
    /// Telegram's own word: the connection is good.
    Refusal(Trouble),
    /// The connection is bad; the library may go on with a new one.
    Broken(Trouble),
    /// The library itself is of no use any more.
    Stuck(Trouble),
}

impl Line {
    /// A connection with this session; it is made when the first request comes.
    #[must_use]
    pub fn new(settings: LineSettings, session: &SessionFile, clock: Arc<dyn Clock>) -> Self {
        let session = Ours::new(Some(session), settings.dc_address, false);
        let session = Arc::new(session.through(settings.proxy.as_ref()));
        Self { settings, session, clock, state: Mutex::default() }
    }

    /// The running library, started if need be.
    async fn running(&self) -> Result<(SenderPoolFatHandle, u64), Trouble> {
        let mut state = self.state.lock().await;
        let now = self.clock.now();
        if let Some(again) = state.again.filter(|again| *again > now) {
            return Err(Trouble::Down(again));
        }
        if let Some(running) = &state.running
            && !running.task.is_finished()
        {
            return Ok((running.handle.clone(), running.start));
        }
        if state.running.take().is_some() {
            tracing::warn!("the connection to Telegram ended by itself, starting it again");
        }
        let (handle, task) = start(&self.session, &self.settings);
        state.starts += 1;
        let start = state.starts;
        state.running = Some(Running { handle: handle.clone(), task, start });
        Ok((handle, start))
    }

    async fn attempt(&self, handle: &SenderPoolFatHandle, request: &[u8]) -> Came {
        let Ok(centre) = grammers_client::session::Session::home_dc_id(&*self.session);
        for rest in 0.. {
            let call = handle.thin.raw_invoke_in_dc(centre, request.to_vec());
            let error = match timeout(self.settings.patience, call).await {
                Ok(Ok(answer)) => return Came::Answer(answer),
                Ok(Err(error)) => error,
                Err(_) => return Came::Stuck(Trouble::Timeout),
            };
            match error {
                InvocationError::Dropped(_) if rest < RESTS_MAX => tokio::time::sleep(REST).await,
                InvocationError::Dropped(_) => return Came::Stuck(Trouble::Network),
                other => return sort(other),
            }
        }
        Came::Stuck(Trouble::Network)
    }

    async fn worked(&self) {
        let mut state = self.state.lock().await;
        (state.failures, state.again) = (0, None);
    }

    /// Notes a failure; `stuck` ends the library that was started as number `start`.
    async fn failed(&self, start: u64, stuck: bool) {
        let mut state = self.state.lock().await;
        if stuck && state.running.as_ref().is_some_and(|running| running.start == start) {
            state.running = None;
        }
        state.failures = state.failures.saturating_add(1);
        let pause = (1_i64 << state.failures.min(10)).min(PAUSE_SECS_MAX);
        state.again = Some(self.clock.now() + SignedDuration::from_secs(pause));
    }
}

#[async_trait]
impl Carrier for Line {
    async fn carry(&self, request: Vec<u8>) -> Result<Vec<u8>, Trouble> {
        // A connection may have died unnoticed since the last request: once is no failure.
        for last in [false, true] {
            let (handle, start) = self.running().await?;
            let trouble = match self.attempt(&handle, &request).await {
                Came::Answer(answer) => {
                    self.worked().await;
                    return Ok(answer);
                }
                Came::Refusal(trouble) => {
                    self.worked().await;
                    return Err(trouble);
                }
                Came::Broken(_) if !last => continue,
                Came::Broken(trouble) => {
                    self.failed(start, false).await;
                    trouble
                }
                Came::Stuck(trouble) => {
                    self.failed(start, true).await;
                    trouble
                }
            };
            return Err(trouble);
        }
        Err(Trouble::Network)
    }
}

/// Starts the connection library beside us; a panic in it ends its own task alone.
pub(super) fn start(
    session: &Arc<Ours>,
    settings: &LineSettings,
) -> (SenderPoolFatHandle, JoinHandle<()>) {
    // Nothing about this machine is told: the library's own words would name its system.
    let params = ConnectionParams {
        device_model: "otklik".to_owned(),
        system_version: "1".to_owned(),
        app_version: env!("CARGO_PKG_VERSION").to_owned(),
        system_lang_code: "ru".to_owned(),
        lang_code: "ru".to_owned(),
        retry_policy: Box::new(NoRetries),
        // Behind a proxy the library is given addresses of this machine, of four numbers.
        use_ipv6: settings.proxy.is_none() && settings.dc_address.is_some_and(|at| at.is_ipv6()),
        ..ConnectionParams::default()
    };
    let pool = SenderPool::with_configuration(Arc::clone(session), settings.api_id, params);
    // Updates are not wanted: they could bring private messages. The channel closes here.
    drop(pool.updates);
    (pool.handle, tokio::spawn(pool.runner.run()))
}

/// What the library's error means for the connection.
fn sort(error: InvocationError) -> Came {
    use grammers_mtproto::transport::Error;
    match error {
        InvocationError::Rpc(rpc) => Came::Refusal(Trouble::Rpc(rpc.code, rpc.name, rpc.value)),
        InvocationError::Deserialize(_) => Came::Refusal(Trouble::Garbled),
        InvocationError::Transport(Error::BadStatus { status: 404 })
        | InvocationError::Authentication(_) => Came::Broken(Trouble::Key),
        InvocationError::Transport(Error::BadStatus { status: 429 }) => {
            Came::Broken(Trouble::Crowded)
        }
        InvocationError::Session(_) | InvocationError::InvalidDc => Came::Stuck(Trouble::Key),
        _ => Came::Broken(Trouble::Network),
    }
}
