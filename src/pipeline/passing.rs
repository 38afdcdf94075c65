//! A budget that lives as long as the command: for `try` and `check --online`.
//!
//! Place in the flow: stands in for the stored budget where nothing may be stored. Invariant: calls
//! with one host and token are spaced as the platform asks; a pause it orders is kept.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use otklik_collectors::{Budget, Call, CollectError, Reach};

use super::budget::{PATIENCE_SECS, paused};
use crate::clock::Clock;

/// Limits in memory. Daily quotas are not counted: a command makes a few calls.
pub struct PassingBudget {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Next turn by host and token.
    turns: BTreeMap<(String, String), Timestamp>,
    /// Ends of pauses by host, token and method (`None`: all methods).
    pauses: BTreeMap<(String, String, Option<String>), Timestamp>,
}

impl PassingBudget {
    /// No call made, no pause ordered.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::default() }
    }
}

impl State {
    /// When the pause of a call ends, if it is paused.
    fn pause_of(&self, call: &Call) -> Option<Timestamp> {
        let key =
            |method: Option<&String>| (call.host.clone(), call.token.clone(), method.cloned());
        let ends = [key(None), key(Some(&call.method))].map(|key| self.pauses.get(&key).copied());
        ends.into_iter().flatten().max()
    }

    /// The turn of a call asked for at `now`; the next call with its host and token comes later.
    fn turn(&mut self, call: &Call, now: Timestamp) -> Timestamp {
        let next = self.turns.entry((call.host.clone(), call.token.clone())).or_insert(now);
        let at = (*next).max(now);
        let spacing = SignedDuration::from_millis(i64::from(call.spacing_ms));
        *next = at.saturating_add(spacing).unwrap_or(at);
        at
    }
}

#[async_trait]
impl Budget for PassingBudget {
    async fn take(&self, call: &Call) -> Result<(), CollectError> {
        let now = self.clock.now();
        let at = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let pause = state.pause_of(call).filter(|until| *until > now);
            match pause {
                Some(until) if until.duration_since(now).as_secs() > PATIENCE_SECS => {
                    return Err(paused(until));
                }
                Some(until) => state.turn(call, until),
                None => state.turn(call, now),
            }
        };
        self.clock.sleep_until(at).await;
        Ok(())
    }

    async fn heard(&self, call: &Call, outcome: Result<(), &CollectError>) {
        let Some((reach, until)) = outcome.err().and_then(|it| Some((it.forbids()?, it.until?)))
        else {
            return;
        };
        let method = (reach == Reach::Method).then(|| call.method.clone());
        let key = (call.host.clone(), call.token.clone(), method);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let end = state.pauses.entry(key).or_insert(until);
        *end = (*end).max(until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(host: &str, method: &str) -> Call {
        Call {
            host: host.to_owned(),
            token: "service".to_owned(),
            fingerprint: String::new(),
            method: method.to_owned(),
            spacing_ms: 220,
            per_day_max: None,
        }
    }

    #[test]
    fn calls_take_turns_by_host_and_pauses_by_method() {
        let now: Timestamp = "2026-03-02T10:00:00Z".parse().expect("an instant");
        let after = |ms: i64| now + SignedDuration::from_millis(ms);
        let mut state = State::default();
        for (host, expected) in [("a", 0), ("a", 220), ("b", 0), ("a", 440)] {
            assert_eq!(state.turn(&call(host, "m"), now), after(expected), "{host}");
        }
        assert_eq!(state.turn(&call("a", "m"), after(9_000)), after(9_000), "long ago");
        let key = |method: Option<&str>| ("a".into(), "service".into(), method.map(str::to_owned));
        state.pauses.insert(key(Some("m")), after(5_000));
        assert_eq!(state.pause_of(&call("a", "m")), Some(after(5_000)));
        assert_eq!(state.pause_of(&call("a", "n")), None);
        state.pauses.insert(key(None), after(7_000));
        assert_eq!(state.pause_of(&call("a", "n")), Some(after(7_000)));
        assert_eq!(state.pause_of(&call("b", "m")), None);
    }
}
