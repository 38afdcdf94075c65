//! Tells the service manager that we are ready, alive, stopping.
//!
//! Place in the flow: fed by the loop. Invariant: the watchdog is fed only from the loop and only
//! while no task of a kind has been running for too long; a hung daemon is killed and started
//! again.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use jiff::SignedDuration;

/// A task of one kind that runs longer is stuck.
const STUCK_MINUTES: i64 = 20;

/// What the service manager is told.
#[derive(Clone, Copy)]
enum Word {
    Ready,
    Alive,
    Stopping,
}

/// How long the service manager waits for a sign of life.
#[cfg(unix)]
fn patience() -> Option<Duration> {
    sd_notify::watchdog_enabled()
}

#[cfg(unix)]
fn tell(word: Word) -> std::io::Result<()> {
    use sd_notify::NotifyState;
    sd_notify::notify(&[match word {
        Word::Ready => NotifyState::Ready,
        Word::Alive => NotifyState::Watchdog,
        Word::Stopping => NotifyState::Stopping,
    }])
}

/// Elsewhere no service manager listens.
#[cfg(not(unix))]
fn patience() -> Option<Duration> {
    None
}

#[cfg(not(unix))]
fn tell(_: Word) -> std::io::Result<()> {
    Ok(())
}

/// The service manager's ear; deaf when none listens.
pub(super) struct Watchdog {
    speaks: bool,
    every: Option<Duration>,
    fed: Mutex<Option<Instant>>,
}

impl Watchdog {
    /// Says that the daemon is ready.
    pub(super) fn start(speaks: bool) -> Self {
        let every = patience().filter(|_| speaks).map(|limit| limit / 3);
        let watchdog = Self { speaks, every, fed: Mutex::new(None) };
        watchdog.say(Word::Ready);
        watchdog
    }

    fn say(&self, word: Word) {
        if self.speaks
            && let Err(error) = tell(word)
        {
            tracing::warn!(%error, "service manager not told");
        }
    }

    /// Feeds the watchdog if tasks make progress and it is time.
    pub(super) fn feed(&self, ages: &[SignedDuration]) {
        let Some(every) = self.every else { return };
        let stuck = SignedDuration::from_mins(STUCK_MINUTES);
        if ages.iter().any(|age| *age > stuck) {
            tracing::error!("a task is stuck: the watchdog is not fed");
            return;
        }
        let mut fed = self.fed.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if fed.is_none_or(|at| at.elapsed() >= every) {
            self.say(Word::Alive);
            *fed = Some(Instant::now());
        }
    }

    /// Says that the daemon stops.
    pub(super) fn stopping(&self) {
        self.say(Word::Stopping);
    }
}
