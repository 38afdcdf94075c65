//! A simulated outside world for the collectors that read plain web pages.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use otklik_collectors::door::Door;
use otklik_collectors::play::{Ask, InProcess, Play, Reply};
use otklik_collectors::{
    Budget, Busy, Call, Class, Clock, CollectError, MonthKeys, Platform, Ports, Reach, Scope,
    SourceKind, SourceSpec,
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

    fn busy(&self) -> Busy {
        Busy::uncounted()
    }
}

/// Host, token and method (`None`: all methods).
type Paused = (String, String, Option<String>);

/// Keeps spacing by moving the clock, honours pauses, remembers calls.
pub struct SimBudget {
    clock: Arc<SimClock>,
    next: Mutex<BTreeMap<(String, String), Timestamp>>,
    paused: Mutex<BTreeMap<Paused, Timestamp>>,
    pub calls: Mutex<Vec<Call>>,
}

#[async_trait]
impl Budget for SimBudget {
    async fn take(&self, call: &Call) -> Result<(), CollectError> {
        let now = self.clock.now();
        for method in [None, Some(call.method.clone())] {
            let key = (call.host.clone(), call.token.clone(), method);
            let until = self.paused.lock().unwrap().get(&key).copied();
            if let Some(until) = until.filter(|until| *until > now) {
                let error = CollectError::new(Class::RateLimited, Scope::Host, "paused", "Пауза.");
                return Err(error.until(until));
            }
        }
        let mut next = self.next.lock().unwrap();
        let next = next.entry((call.host.clone(), call.token.clone())).or_insert(now);
        let at = now.max(*next);
        self.clock.set(at);
        *next = at + SignedDuration::from_millis(i64::from(call.spacing_ms));
        self.calls.lock().unwrap().push(call.clone());
        Ok(())
    }

    async fn heard(&self, call: &Call, outcome: Result<(), &CollectError>) {
        let Some((reach, until)) = outcome.err().and_then(|it| Some((it.forbids()?, it.until?)))
        else {
            return;
        };
        let method = (reach == Reach::Method).then(|| call.method.clone());
        self.paused.lock().unwrap().insert((call.host.clone(), call.token.clone(), method), until);
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
            next: Mutex::default(),
            paused: Mutex::default(),
            calls: Mutex::new(Vec::new()),
        });
        let ports = Ports {
            clock: clock.clone(),
            budget: budget.clone(),
            transport: Arc::new(InProcess::new(play, clock.clone())),
            door: Door::new(Arc::new(OneKey), ["https://selo.example/rss.xml".to_owned()]),
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
