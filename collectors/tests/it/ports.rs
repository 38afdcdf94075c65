//! A simulated outside world for the collectors that read plain web pages.

use std::sync::{Arc, Mutex};
//! Ports for tests: a clock that jumps, a budget in memory, keys from nothing.
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use otklik_collectors::door::Door;
use otklik_collectors::play::{Ask, InProcess, Play, Reply};
use otklik_collectors::{
    Budget, Busy, Call, Class, Clock, CollectError, MonthKeys, Platform, Ports, Scope, SourceKind,
    SourceSpec,
};

/// A clock that stands still until somebody sleeps.
pub struct SimClock(Mutex<Timestamp>);

impl SimClock {
    pub fn set(&self, at: Timestamp) {
        *self.0.lock().unwrap() = at;
    }

    pub fn pass(&self, time: SignedDuration) {
        let mut now = self.0.lock().unwrap();
        *now += time;
use otklik_collectors::play::{InProcess, Play};
    Budget, Busy, Call, Class, Clock, CollectError, MonthKeys, Ports, Scope, Transport,
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
impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    async fn sleep_until(&self, at: Timestamp) {
        let mut now = self.0.lock().unwrap();
        *now = (*now).max(at);
    }

impl Clock for TestClock {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = at.max(*now);
    fn busy(&self) -> Busy {
        Busy::uncounted()
    }
}

/// Keeps spacing by moving the clock, honours pauses, remembers calls.
pub struct SimBudget {
    clock: Arc<SimClock>,
    next: Mutex<Timestamp>,
    paused: Mutex<Option<Timestamp>>,
    pub calls: Mutex<Vec<Call>>,
}

#[async_trait]
impl Budget for SimBudget {
    async fn take(&self, call: &Call) -> Result<(), CollectError> {
        let now = self.clock.now();
        if let Some(until) = self.paused.lock().unwrap().filter(|until| *until > now) {
            let error = CollectError::new(Class::RateLimited, Scope::Host, "paused", "Пауза.");
            return Err(error.until(until));
        }
        let mut next = self.next.lock().unwrap();
        let at = now.max(*next);
        self.clock.set(at);
        *next = at + SignedDuration::from_millis(i64::from(call.spacing_ms));
        self.calls.lock().unwrap().push(call.clone());
        Ok(())
    }

    async fn pause(&self, _host: &str, _token: &str, _method: Option<&str>, until: Timestamp) {
        *self.paused.lock().unwrap() = Some(until);
    }
}

struct OneKey;

impl MonthKeys for OneKey {
    fn key(&self, _at: Timestamp) -> [u8; 32] {
        [7; 32]
    }
}

/// A world around one play.
pub struct World {
    pub clock: Arc<SimClock>,
    pub budget: Arc<SimBudget>,
    pub ports: Ports,
}

impl World {
    pub fn new(play: Arc<Mutex<dyn Play>>, now: Timestamp) -> Self {
        let clock = Arc::new(SimClock(Mutex::new(now)));
        let budget = Arc::new(SimBudget {
            clock: clock.clone(),
            next: Mutex::new(now),
            paused: Mutex::new(None),
            calls: Mutex::new(Vec::new()),
        });
        let ports = Ports {
            clock: clock.clone(),
            budget: budget.clone(),
            transport: Arc::new(InProcess::new(play, clock.clone())),
            door: Door::new(Arc::new(OneKey), []),
        };
        Self { clock, budget, ports }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// A play that answers by a function.
pub struct Canned<F>(pub F);

impl<F: FnMut(&Ask) -> Reply + Send> Play for Canned<F> {
    fn answer(&mut self, ask: &Ask, _now: Timestamp) -> Reply {
        (self.0)(ask)
    }
}

pub fn source(platform: Platform, handle: &str) -> SourceSpec {
    SourceSpec {
        id: "src".to_owned(),
        platform,
        handle: handle.to_owned(),
        kind: SourceKind::Community,
        comments: false,
        platform_id: None,
    }
}

/// SplitMix64: small, seeded, the same everywhere.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below.max(1)
    }

    pub fn one_in(&mut self, n: u64) -> bool {
        self.roll(n) == 0
    }
}

/// How many seeds the model tests run.
pub fn seeds() -> u64 {
    std::env::var("OTKLIK_SEEDS").ok().and_then(|v| v.parse().ok()).unwrap_or(200)
}
#[derive(Default)]
struct Spent {
    next: BTreeMap<(String, String), Timestamp>,
    paused: BTreeMap<(String, String, Option<String>), Timestamp>,
    today: BTreeMap<(String, String), (i64, u32)>,
/// Spacing, pauses and daily quotas, kept in memory.
pub struct TestBudget {
    clock: Arc<TestClock>,
    spent: Mutex<Spent>,
impl TestBudget {
    /// Until when calls of `method` (or all) are forbidden.
    pub fn paused(&self, method: Option<&str>) -> Option<Timestamp> {
        let spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        let of_method = spent.paused.iter().filter(|((_, _, m), _)| m.as_deref() == method);
        of_method.map(|(_, until)| *until).max()
impl Budget for TestBudget {
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
            if call.per_day_max.is_some_and(|most| used.1 >= most) {
                let midnight = Timestamp::from_second((day + 1) * 86_400 - 3 * 3600);
                return Err(CollectError::new(Class::Quota, Scope::Method, "quota", "Запас")
                    .until(midnight.expect("in range")));
            used.1 += 1;
            let next = spent.next.entry(pair).or_insert(now);
            let turn = now.max(*next);
            *next = turn + SignedDuration::from_millis(i64::from(call.spacing_ms));
            turn
        self.clock.sleep_until(until).await;
    async fn pause(&self, host: &str, token: &str, method: Option<&str>, until: Timestamp) {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (host.to_owned(), token.to_owned(), method.map(str::to_owned));
        spent.paused.insert(key, until);
/// The same key for every month: the number of the month in front of a constant.
pub struct TestKeys;
impl MonthKeys for TestKeys {
    fn key(&self, at: Timestamp) -> [u8; 32] {
        let month = at.to_string().chars().take(7).collect::<String>();
        let mut key = [7; 32];
        key[..month.len()].copy_from_slice(month.as_bytes());
        key
/// Ports with the handles to their parts.
#[derive(Clone)]
pub struct TestPorts {
    pub clock: Arc<TestClock>,
    pub budget: Arc<TestBudget>,
impl TestPorts {
    /// Begins at [`START`].
    pub fn new() -> Self {
        let clock = Arc::new(TestClock(Mutex::new(at(0))));
        let spent = Mutex::new(Spent::default());
        let budget = Arc::new(TestBudget { clock: clock.clone(), spent });
        TestPorts { clock, budget }
    /// Ports over any transport.
    pub fn over(&self, transport: Arc<dyn Transport>) -> Ports {
        Ports {
            clock: self.clock.clone(),
            budget: self.budget.clone(),
            transport,
            door: Door::new(Arc::new(TestKeys), []),
    /// Ports over a play in process.
    pub fn play(&self, play: Arc<Mutex<dyn Play>>) -> Ports {
        self.over(Arc::new(InProcess::new(play, self.clock.clone())))
