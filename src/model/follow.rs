//! What must be looked at again about a problem, and when.
//!
//! Place in the flow: an alert begins it, the store keeps it as a row with its time, the group task
//! takes it up when it is due. Invariant: at most one of each matter a problem.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::{AlertId, ProblemId};

/// Why a problem is looked at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Matter {
    /// Whether somebody has taken the last alert into work.
    Ladder,
    /// Whether an official answer has come.
    Waiting,
    /// What an analyst said of a rumour.
    Rumour,
}

impl Matter {
    /// All of them.
    pub const ALL: [Matter; 3] = [Matter::Ladder, Matter::Waiting, Matter::Rumour];

    /// The word in the store and in logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Matter::Ladder => "ladder",
            Matter::Waiting => "waiting",
            Matter::Rumour => "rumour",
        }
    }
}

/// A problem that is looked at again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Follow {
    /// Which problem.
    pub problem: ProblemId,
    /// Why.
    pub matter: Matter,
    /// The alert that began it, if one did.
    pub alert: Option<AlertId>,
    /// Steps done before.
    pub step: u32,
    /// Since when the matter stands.
    pub since: Timestamp,
    /// When it is looked at next.
    pub due: Timestamp,
}
