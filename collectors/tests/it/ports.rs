//! Ports for tests: a clock that jumps, a budget in memory, keys from nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use otklik_collectors::door::Door;
use otklik_collectors::play::{InProcess, Play};
use otklik_collectors::{
    Budget, Busy, Call, Class, Clock, CollectError, MonthKeys, Ports, Reach, Scope, Transport,
};

/// 2026-03-02T00:00:00Z, the first instant of most tests.
pub const START: i64 = 1_772_409_600;

/// So many seconds after [`START`].
pub fn at(secs: i64) -> Timestamp {
    Timestamp::from_second(START + secs).expect("in range")
}

/// A clock of one task: sleeping moves it.
pub struct TestClock(Mutex<Timestamp>);

impl TestClock {
    pub fn advance(&self, secs: i64) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now += SignedDuration::from_secs(secs);
    }
}

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
    async fn sleep_until(&self, at: Timestamp) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = at.max(*now);
    }
    fn busy(&self) -> Busy {
        Busy::uncounted()
    }
}

#[derive(Default)]
struct Spent {
    next: BTreeMap<(String, String), Timestamp>,
    paused: BTreeMap<(String, String, Option<String>), Timestamp>,
    today: BTreeMap<(String, String), (i64, u32)>,
}

/// Spacing, pauses and daily quotas, kept in memory.
pub struct TestBudget {
    clock: Arc<TestClock>,
    spent: Mutex<Spent>,
}

impl TestBudget {
    /// Until when calls of `method` (or all) are forbidden.
    pub fn paused(&self, method: Option<&str>) -> Option<Timestamp> {
        let spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        let of_method = spent.paused.iter().filter(|((_, _, m), _)| m.as_deref() == method);
        of_method.map(|(_, until)| *until).max()
    }
}

#[async_trait]
impl Budget for TestBudget {
    async fn take(&self, call: &Call) -> Result<(), CollectError> {
        let until = {
            let now = self.clock.now();
            let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
            let pair = (call.host.clone(), call.token.clone());
            for method in [None, Some(call.method.clone())] {
                let scope = if method.is_some() { Scope::Method } else { Scope::Token };
                let key = (pair.0.clone(), pair.1.clone(), method);
                let until = spent.paused.get(&key).copied();
                if let Some(until) = until.filter(|until| *until > now) {
                    return Err(CollectError::new(Class::RateLimited, scope, "paused", "Пауза")
                        .until(until));
                }
            }
            let day = (now.as_second() + 3 * 3600).div_euclid(86_400);
            let used = spent.today.entry((pair.1.clone(), call.method.clone())).or_default();
            if used.0 != day {
                *used = (day, 0);
            }
            if call.per_day_max.is_some_and(|most| used.1 >= most) {
                let midnight = Timestamp::from_second((day + 1) * 86_400 - 3 * 3600);
                return Err(CollectError::new(Class::Quota, Scope::Method, "quota", "Запас")
                    .until(midnight.expect("in range")));
            }
            used.1 += 1;
            let next = spent.next.entry(pair).or_insert(now);
            let turn = now.max(*next);
            *next = turn + SignedDuration::from_millis(i64::from(call.spacing_ms));
            turn
        };
        self.clock.sleep_until(until).await;
        Ok(())
    }

    async fn heard(&self, call: &Call, outcome: Result<(), &CollectError>) {
        let Some((reach, until)) = outcome.err().and_then(|it| Some((it.forbids()?, it.until?)))
        else {
            return;
        };
        let method = (reach == Reach::Method).then(|| call.method.clone());
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        spent.paused.insert((call.host.clone(), call.token.clone(), method), until);
    }
}

/// The same key for every month: the number of the month in front of a constant.
pub struct TestKeys;

impl MonthKeys for TestKeys {
    fn key(&self, at: Timestamp) -> [u8; 32] {
        let month = at.to_string().chars().take(7).collect::<String>();
        let mut key = [7; 32];
        key[..month.len()].copy_from_slice(month.as_bytes());
        key
    }
}

/// Ports with the handles to their parts.
#[derive(Clone)]
pub struct TestPorts {
    pub clock: Arc<TestClock>,
    pub budget: Arc<TestBudget>,
}

impl TestPorts {
    /// Begins at [`START`].
    pub fn new() -> Self {
        let clock = Arc::new(TestClock(Mutex::new(at(0))));
        let spent = Mutex::new(Spent::default());
        let budget = Arc::new(TestBudget { clock: clock.clone(), spent });
        TestPorts { clock, budget }
    }

    /// Ports over any transport.
    pub fn over(&self, transport: Arc<dyn Transport>) -> Ports {
        Ports {
            clock: self.clock.clone(),
            budget: self.budget.clone(),
            transport,
            door: Door::new(Arc::new(TestKeys), []),
        }
    }

    /// Ports over a play in process.
    pub fn play(&self, play: Arc<Mutex<dyn Play>>) -> Ports {
        self.over(Arc::new(InProcess::new(play, self.clock.clone())))
    }
}
