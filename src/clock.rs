//! The only reader of wall time, and its simulated twin.
//!
//! Place in the flow: passed to everything that waits; the pure stages get `now` as an argument
//! instead. Invariant: the simulated clock moves only when every holder of a [`Busy`] sleeps on it,
//! so nothing that is being done ever sees time pass.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use jiff::Timestamp;
pub use otklik_collectors::{Busy, Clock};

/// The real clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

/// Longest single wait on the timer: wall time may jump, so we look again.
const NAP_MAX: Duration = Duration::from_secs(20);

#[async_trait::async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one reader of wall time")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn sleep_until(&self, at: Timestamp) {
        loop {
            let left = at.duration_since(self.now());
            let Ok(left) = Duration::try_from(left) else { return };
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left.min(NAP_MAX)).await;
        }
    }

    fn busy(&self) -> Busy {
        Busy::uncounted()
    }
}

/// A clock that jumps to the next instant somebody waits for, as soon as nobody is working.
///
/// Every task that sleeps on it must hold exactly one [`Busy`] of it.
#[derive(Clone)]
pub struct SimClock(Arc<Mutex<Sim>>);

struct Sim {
    now: Timestamp,
    /// Holders of a `Busy`, asleep or not.
    holders: usize,
    sleepers: BTreeMap<(Timestamp, u64), Sleeper>,
    next_id: u64,
}

struct Sleeper {
    waker: Option<Waker>,
}

impl Sim {
    /// Jumps to the earliest sleeper if every holder sleeps.
    fn settle(&mut self) {
        if self.sleepers.is_empty() || self.holders > self.sleepers.len() {
            return;
        }
        if let Some(((at, _), sleeper)) = self.sleepers.pop_first() {
            self.now = self.now.max(at);
            if let Some(waker) = sleeper.waker {
                waker.wake();
            }
        }
    }
}

impl SimClock {
    /// A clock that starts at `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(Sim { now, holders: 0, sleepers: BTreeMap::new(), next_id: 0 })))
    }

    fn lock(&self) -> MutexGuard<'_, Sim> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One wait on a [`SimClock`]; dropping it before its time makes its task count as working again.
struct Nap {
    clock: SimClock,
    at: Timestamp,
    id: Option<u64>,
}

impl Future for Nap {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let at = self.at;
        let clock = self.clock.clone();
        let mut sim = clock.lock();
        match self.id {
            None if sim.now >= at => Poll::Ready(()),
            None => {
                let id = sim.next_id;
                sim.next_id += 1;
                let waker = Some(context.waker().clone());
                sim.sleepers.insert((at, id), Sleeper { waker });
                self.id = Some(id);
                sim.settle();
                Poll::Pending
            }
            Some(id) => match sim.sleepers.get_mut(&(at, id)) {
                Some(sleeper) => {
                    sleeper.waker = Some(context.waker().clone());
                    Poll::Pending
                }
                None => Poll::Ready(()),
            },
        }
    }
}

impl Drop for Nap {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.clock.lock().sleepers.remove(&(self.at, id));
        }
    }
}

struct Holder(SimClock);

impl Drop for Holder {
    fn drop(&mut self) {
        let mut sim = self.0.lock();
        sim.holders -= 1;
        sim.settle();
    }
}

#[async_trait::async_trait]
impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        self.lock().now
    }

    async fn sleep_until(&self, at: Timestamp) {
        Nap { clock: self.clone(), at, id: None }.await;
    }

    fn busy(&self) -> Busy {
        self.lock().holders += 1;
        Busy::counted(Holder(self.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::ToSpan;

    fn start() -> Timestamp {
        "2026-01-05T00:00:00Z".parse().expect("a valid instant")
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn jumps_only_when_nobody_works() {
        let clock = SimClock::new(start());
        let working = clock.busy();
        let (sender, mut receiver) = tokio::sync::mpsc::channel(4);
        let sleeper = {
            let clock = clock.clone();
            let busy = clock.busy();
            tokio::spawn(async move {
                clock.sleep_until(start() + 1.hour()).await;
                sender.send(clock.now()).await.expect("the test listens");
                drop(busy);
            })
        };
        tokio::task::yield_now().await;
        assert_eq!(clock.now(), start(), "somebody still works");
        drop(working);
        assert_eq!(receiver.recv().await, Some(start() + 1.hour()));
        sleeper.await.expect("the sleeper ends");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_cancelled_wait_works_again() {
        let clock = SimClock::new(start());
        let _busy = clock.busy();
        let (sender, mut receiver) = tokio::sync::mpsc::channel::<Busy>(1);
        let other = clock.busy();
        tokio::spawn(async move { sender.send(other).await });
        tokio::select! {
            _ = receiver.recv() => {}
            () = clock.sleep_until(start() + 1.hour()) => panic!("the other still works"),
        }
        assert_eq!(clock.now(), start());
        clock.sleep_until(start() + 2.hours()).await;
        assert_eq!(clock.now(), start() + 2.hours());
    }
}
