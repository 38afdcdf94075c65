//! A source and its health.
//!
//! Place in the flow: config names sources, the store keeps their cursor, next look and health.
//! Invariant: trouble is state that says since when, why, and when we try again.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::{PlaceId, SourceId};

/// What kind of page a source is (same words as in `sources.toml`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// Page of a body or institution.
    Official,
    /// News community, channel or site.
    News,
    /// Residents' community.
    Community,
    /// Opinion leader's page; output for it is health only.
    Leader,
}

/// How far a source reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceScope {
    /// About the district: a text without a place is the district's.
    District,
    /// About the region: a text without one of our places is neither stored nor a problem.
    Region,
}

/// One watched place on a platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The operator's name for it.
    pub id: SourceId,
    /// `vk`, `telegram`, `rss`, … or any string for imported lines.
    pub platform: String,
    /// Name on the platform.
    pub handle: String,
    /// Kind of page.
    pub kind: SourceKind,
    /// How far it reaches.
    pub scope: SourceScope,
    /// Place of texts that name none.
    pub place: Option<PlaceId>,
    /// Wished seconds between two looks.
    pub every_secs: i64,
    /// Whether comments are read.
    pub comments: bool,
    /// How far back the first look goes, in seconds.
    pub backfill_secs: i64,
}

/// How a source is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthState {
    /// Read as wished.
    Ok,
    /// Read, with failures lately.
    Slow,
    /// Waits until an instant: rate limit, quota.
    Paused,
    /// Only a person can help: token, captcha, rights.
    NeedsPerson,
    /// Not there under this name, or closed.
    Gone,
    /// Read as wished, but nobody has written for longer than its own rhythm explains.
    Silent,
}

impl HealthState {
    /// Whether the last look ended well.
    #[must_use]
    pub fn is_read(self) -> bool {
        matches!(self, HealthState::Ok | HealthState::Silent)
    }
}

/// Why the next look is when it is.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum LookReason {
    /// As often as wished.
    #[default]
    Wished,
    /// Sooner: people write much there now.
    Busy,
    /// Later: hardly anybody writes there now.
    Quiet,
    /// Sooner: a grave problem is open there.
    Risk,
    /// Later: the platform's daily quota does not allow more.
    Quota,
    /// After a failure or a pause that the platform ordered.
    Trouble,
}

/// Why a source stands in a notice to the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthNews {
    /// A trouble that was not told yet.
    Trouble,
    /// It goes on for another day.
    Still,
    /// It is over.
    Over,
}

/// One source in a notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthLine {
    /// Which.
    pub source: SourceId,
    /// Why it is told.
    pub news: HealthNews,
    /// Its state.
    pub state: HealthState,
    /// Since when.
    pub since: Timestamp,
    /// What happened and what to do, in Russian.
    pub text: Option<String>,
    /// Last look that ended well.
    pub last_ok: Option<Timestamp>,
}

/// Messages to one receiver that no channel took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnsentLine {
    /// Receiver's name in routes.toml.
    pub receiver: String,
    /// How many.
    pub messages: u32,
    /// When the first of them was decided.
    pub since: Timestamp,
    /// When the last of them was given up.
    pub until: Timestamp,
    /// What went wrong with the last, in Russian.
    pub text: Option<String>,
}

/// What the operator is told about the files that people edit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RulesNews {
    /// They are not used: file, line, column and what is wrong.
    Bad(String),
    /// They are used again.
    Good,
}

/// What the operator is told about sources, sending and files at one instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthNotice {
    /// When it was decided.
    pub at: Timestamp,
    /// Nothing answers: our own network is down.
    pub network: bool,
    /// Sources, by id.
    pub lines: Vec<HealthLine>,
    /// Receivers that could not be reached, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unsent: Vec<UnsentLine>,
    /// Files that people edit, if there is news of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<RulesNews>,
}

/// Health of one source, as shown and told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Health {
    /// State.
    pub state: HealthState,
    /// Since when it is in this state.
    pub since: Timestamp,
    /// Code of the last failure (`vk 14`, `http 502`), if any.
    pub code: Option<String>,
    /// Russian sentence for the operator, if there is trouble.
    pub text: Option<String>,
    /// Failures in a row.
    pub failures: u32,
    /// Last look that ended well.
    pub last_ok: Option<Timestamp>,
    /// When we look next.
    pub next: Timestamp,
    /// Why then.
    pub why: LookReason,
}
