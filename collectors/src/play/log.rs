//! What a play remembers of its calls, and how crowded they were.
//!
//! Place in the flow: kept by the plays, read by tests. Invariant: no token is remembered.

use std::collections::VecDeque;

use jiff::Timestamp;

/// One call as it was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Number of the call, from 1.
    pub number: usize,
    /// Method.
    pub method: String,
    /// Parameters without the token.
    pub params: Vec<(String, String)>,
    /// When.
    pub at: Timestamp,
    /// Code of the error, if the answer was one.
    pub error: Option<i64>,
}

impl Logged {
    /// First parameter of this name.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

/// The most of these instants, which ascend, that fell into one second, both ends included.
pub(super) fn busiest(calls: impl Iterator<Item = Timestamp>) -> usize {
    let mut window = VecDeque::new();
    let mut most = 0;
    for call in calls {
        window.push_back(call);
        while window.front().is_some_and(|at| second_before(call) > *at) {
            window.pop_front();
        }
        most = most.max(window.len());
    }
    most
}

pub(super) fn second_before(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond() - 1_000).unwrap_or(at)
}
