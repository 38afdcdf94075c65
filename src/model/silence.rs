//! Silences, and alerts that were held back with a reason.
//!
//! Place in the flow: a person makes a [`Silence`], `alert::hold` reads it, the store keeps one
//! [`Held`] for each alert that did not go. Invariant: a silence holds messages, never collecting
//! and never deciding; it has an owner, a reason and an end.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::ids::{AlertId, PlaceId, ProblemId, TopicId};
use super::problem::Problem;
use super::works::Works;

/// Longest silence in days.
pub const SILENCE_DAYS_MAX: i64 = 30;

/// What a silence is about: all that is named must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SilenceFacts {
    /// Topic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<TopicId>,
    /// Settlement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<PlaceId>,
    /// One problem.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<ProblemId>,
    /// Why.
    pub reason: String,
    /// Receiver who answers for it and is reminded; the first body, if none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Role of whoever made it, never a name. A command has a `role` of its own beside it.
    #[serde(rename = "made_by", alias = "role")]
    pub role: String,
}

/// A silence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silence {
    /// `s` and 12 hex digits.
    pub id: String,
    /// From when.
    pub begins: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// What, why and whose.
    pub facts: SilenceFacts,
    /// When its owner was reminded of its end.
    pub reminded: Option<Timestamp>,
    /// When a person ended it early.
    pub ended: Option<Timestamp>,
    /// When its owner was told that it is over.
    pub told: Option<Timestamp>,
}

impl Silence {
    /// Whether it holds at `now`.
    #[must_use]
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.begins <= now && now < self.end()
    }

    /// When it ends or ended.
    #[must_use]
    pub fn end(&self) -> Timestamp {
        self.ended.map_or(self.until, |ended| ended.min(self.until))
    }

    /// Whether it is about this problem.
    #[must_use]
    pub fn covers(&self, problem: &Problem) -> bool {
        let facts = &self.facts;
        facts.topic.as_ref().is_none_or(|topic| *topic == problem.topic)
            && facts.place.as_ref().is_none_or(|place| problem.place.as_ref() == Some(place))
            && facts.problem.as_ref().is_none_or(|id| *id == problem.id)
    }

    /// When its owner is reminded: a day before the end, or the last tenth of a short one.
    #[must_use]
    pub fn reminds(&self) -> Timestamp {
        let tenth = self.until.duration_since(self.begins) / 10;
        let before = tenth.min(SignedDuration::from_hours(24));
        self.until.saturating_sub(before).unwrap_or(self.until)
    }
}

/// What may hold alerts back at an instant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restraints {
    /// Silences that are not over.
    pub silences: Vec<Silence>,
    /// Works that were accepted and are not long over.
    pub works: Vec<Works>,
    /// Told problems that others may follow from.
    pub causes: Vec<Cause>,
    /// Problems of which an alert was held by works, with their works, and that nobody was told
    /// of since.
    pub expected: Vec<(ProblemId, String)>,
}

/// A problem that somebody was told of and that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Which.
    pub problem: ProblemId,
    /// Its topic.
    pub topic: TopicId,
    /// Its settlement.
    pub place: Option<PlaceId>,
    /// When it was told last.
    pub told: Timestamp,
}

/// What holds an alert back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldBy {
    /// A person's silence.
    Silence,
    /// Planned works that were announced.
    Works,
    /// A problem that this one follows from.
    Cause,
}

impl HeldBy {
    /// The word in files and output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            HeldBy::Silence => "silence",
            HeldBy::Works => "works",
            HeldBy::Cause => "cause",
        }
    }
}

/// An alert that was decided and did not go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Which.
    pub alert: AlertId,
    /// Of which problem.
    pub problem: ProblemId,
    /// What holds it.
    pub by: HeldBy,
    /// Which one: id of the silence, the works or the problem that causes it.
    pub holder: String,
    /// When.
    pub at: Timestamp,
    /// Why, as the log, the list and the outbox row say it.
    pub text: String,
}

/// How much something hid.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hidden {
    /// Alerts.
    pub alerts: u32,
    /// Problems that they were about.
    pub problems: u32,
}
