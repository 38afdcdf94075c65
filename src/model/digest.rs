//! The weekly digest as values.
//!
//! Place in the flow: the store counts, `digest::build` arranges, `digest::render` writes.
//! Invariant: no quote, no link to a single post, no per-source output for leaders.

use jiff::Timestamp;
use jiff::civil::Date;

use super::coverage::Completeness;
use super::finding::TopicKind;
use super::ids::{PlaceId, ProblemId, TopicId};
use super::problem::ProblemState;
use super::risk::RiskLevel;

/// An ISO week in the district's zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Week {
    /// Monday.
    pub monday: Date,
}

impl Week {
    /// The week that `date` lies in.
    #[must_use]
    pub fn of(date: Date) -> Self {
        Self { monday: date.iso_week_date().weekday_monday() }
    }

    /// ISO name, for example `2026-W47`.
    #[must_use]
    pub fn name(self) -> String {
        let iso = self.monday.iso_week_date();
        format!("{:04}-W{:02}", iso.year(), iso.week())
    }
}

trait MondayOf {
    fn weekday_monday(self) -> Date;
}

impl MondayOf for jiff::civil::ISOWeekDate {
    fn weekday_monday(self) -> Date {
        jiff::civil::ISOWeekDate::new(self.year(), self.week(), jiff::civil::Weekday::Monday)
            .map_or_else(|_| self.date(), |monday| monday.date())
    }
}

/// Counts of one topic in one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellCount {
    /// Topic.
    pub topic: TopicId,
    /// Place, if known.
    pub place: Option<PlaceId>,
    /// Posts with the topic in this week.
    pub posts: u32,
    /// Posts with the topic in the week before.
    pub before: u32,
}

/// A problem as the digest tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestProblem {
    /// Id.
    pub id: ProblemId,
    /// Topic.
    pub topic: TopicId,
    /// Kind of the topic.
    pub kind: TopicKind,
    /// Place.
    pub place: Option<PlaceId>,
    /// Level.
    pub level: RiskLevel,
    /// State.
    pub state: ProblemState,
    /// First post.
    pub opened: Timestamp,
    /// First post since it last came back, if it did.
    pub since: Timestamp,
    /// Last post.
    pub last: Timestamp,
    /// Posts.
    pub posts: u32,
    /// Voices.
    pub voices: u32,
    /// Whether voices span several months («не менее»).
    pub voices_at_least: bool,
    /// Whether a body answered.
    pub answered: bool,
}

/// A source as the digest tells it: health only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestSource {
    /// Operator's name of the source.
    pub id: String,
    /// Russian sentence about its trouble, if any.
    pub trouble: Option<String>,
    /// Last look that ended well.
    pub last_ok: Option<Timestamp>,
    /// What was read and what was not.
    pub completeness: Completeness,
    /// Whether comments are wanted.
    pub comments: bool,
}

/// Everything the store counts for one digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestCounts {
    /// Posts and comments read in the week, and in the week before.
    pub read: (u32, u32),
    /// Posts read in the week that matched a topic, and before.
    pub matched: (u32, u32),
    /// Topic × place.
    pub cells: Vec<CellCount>,
    /// Problems alive in the week.
    pub problems: Vec<DigestProblem>,
    /// Alerts decided in the week.
    pub alerts: u32,
    /// Attitude packs and their counts, only those that at least 5 voices share.
    pub attitude: Vec<(TopicId, u32)>,
    /// Sources.
    pub sources: Vec<DigestSource>,
    /// Settlements that any text of the week named.
    pub places_heard: Vec<PlaceId>,
    /// Picture-only posts of the sources' frames (four weeks).
    pub pictures_only: u32,
}
