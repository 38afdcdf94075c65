//! Planned works: an announced outage in a place, from one instant to another.
//!
//! Place in the flow: read out of an official notice as a proposal, accepted by a person, asked by
//! `alert::hold`. Invariant: a proposal holds nothing; only what a person accepted does.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::alert::Delivery;
use super::ids::{PlaceId, PostKey, TopicId};

/// Where planned works stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorksState {
    /// Read out of a notice; nobody has said yes.
    Proposed,
    /// In force from its beginning to its end.
    Accepted,
    /// Not ours, or read wrongly.
    Rejected,
    /// Over, before its end or at it.
    Ended,
}

impl WorksState {
    /// The word in files and output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            WorksState::Proposed => "proposed",
            WorksState::Accepted => "accepted",
            WorksState::Rejected => "rejected",
            WorksState::Ended => "ended",
        }
    }
}

/// What is not delivered, where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WorksFacts {
    /// Topic of the complaints to be expected.
    pub topic: TopicId,
    /// Settlement; none = the whole district.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<PlaceId>,
    /// Streets, if named: those of others are not expected to complain, but may.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub streets: Vec<String>,
}

/// Planned works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Works {
    /// `w` and 12 hex digits, made of facts and times: the same notice twice is one.
    pub id: String,
    /// Where they stand.
    pub state: WorksState,
    /// First instant.
    pub begins: Timestamp,
    /// Announced end.
    pub until: Timestamp,
    /// What and where.
    pub facts: WorksFacts,
    /// The notice, if they come from one that is still there.
    pub notice: Option<PostKey>,
    /// Under which id they were proposed: that of all works of their notice, or their own. None if
    /// a person entered them.
    pub proposal: Option<String>,
    /// When they were proposed or entered.
    pub proposed: Timestamp,
    /// When which receiver accepted or rejected them.
    pub decided: Option<(Timestamp, String)>,
    /// When a person ended them, or when their end was dealt with.
    pub ended: Option<Timestamp>,
}

/// All works of one notice, with the messages that ask whether to accept them.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// The works, in the order of their topics and places.
    pub works: Vec<Works>,
    /// Sent only if one of them is new.
    pub messages: Vec<Delivery>,
}
