//! A problem: one matter in one place, told by its events.
//!
//! Place in the flow: `cluster::assign` makes events from findings, the store appends them,
//! everything else reads the state. Invariant: the state is a fold of the events
//! ([`Problem::apply`]); the row in the store is only a copy of that fold. No event names a post's
//! author, and a post that carries an attitude joins a problem that others opened, as a count: its
//! [`Membership`] has no quote and its event looks like any other. So every problem has a ground,
//! and nothing stored tells which post carried what.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::finding::{Span, TopicKind};
use super::ids::{AlertId, PlaceId, PostKey, ProblemId, TopicId};
use super::risk::{RiskLevel, RiskReason};

/// Whether a problem is alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProblemState {
    /// People write about it.
    Open,
    /// Nobody has written for a while.
    Quiet,
    /// Over.
    Closed,
    /// Was over, came back.
    Reopened,
}

impl ProblemState {
    /// The word in files and output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ProblemState::Open => "open",
            ProblemState::Quiet => "quiet",
            ProblemState::Closed => "closed",
            ProblemState::Reopened => "reopened",
        }
    }
}

/// What happened to a problem. Further kinds (promised, fixed, returned) come with answers and
/// deadlines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum ProblemEventKind {
    /// The first post opened it.
    Opened {
        /// Topic.
        topic: TopicId,
        /// Kind of the topic.
        kind: TopicKind,
        /// Place, if known.
        place: Option<PlaceId>,
    },
    /// A post joined (the first one too).
    Grew {
        /// When the post was published.
        published: Timestamp,
        /// Risk score of the problem after it joined.
        score: u8,
        /// Reasons of that score.
        reasons: Vec<RiskReason>,
    },
    /// Somebody was told.
    Told {
        /// Which alert.
        alert: AlertId,
        /// Level told.
        level: RiskLevel,
        /// Voices told.
        voices: u32,
    },
    /// Nobody wrote for a while.
    Quieted,
    /// Over, because nobody wrote any more or a person said so.
    Closed {
        /// `silence` or `person`.
        reason: String,
    },
    /// Came back.
    Reopened,
    /// A body took it into work.
    Acknowledged {
        /// Role of the person, never a name.
        role: String,
    },
    /// A body answered in the thread or a person noted an answer.
    Answered {
        /// When.
        published: Timestamp,
    },
    /// A receiver judged the alert.
    Judged {
        /// `useful` or `noise`.
        mark: String,
    },
    /// Joined to another problem.
    Merged {
        /// Which one lives on.
        into: ProblemId,
    },
    /// Part of it became a problem of its own.
    Split {
        /// The new problem.
        new: ProblemId,
    },
}

/// One event of a problem.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProblemEvent {
    /// When it happened, in the problem's time (for imported posts, their own time).
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub kind: ProblemEventKind,
}

/// State of a problem: a fold of its events.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// Stable id.
    pub id: ProblemId,
    /// Topic.
    pub topic: TopicId,
    /// Kind of the topic.
    pub kind: TopicKind,
    /// Place, if known.
    pub place: Option<PlaceId>,
    /// State.
    pub state: ProblemState,
    /// Risk score, 0–100.
    pub score: u8,
    /// Level of the score.
    pub level: RiskLevel,
    /// Reasons of the score.
    pub reasons: Vec<RiskReason>,
    /// Published time of its first post.
    pub opened: Timestamp,
    /// Published time of its last post.
    pub last: Timestamp,
    /// Posts that joined.
    pub posts: u32,
    /// Last time somebody was told since it last opened: when, level, voices then.
    pub told: Option<(Timestamp, RiskLevel, u32)>,
    /// How many alerts were made of it.
    pub alerts: u32,
    /// When a body took it into work.
    pub acknowledged: Option<Timestamp>,
    /// Last official answer.
    pub answered: Option<Timestamp>,
    /// How many times it came back.
    pub returns: u32,
}

impl Problem {
    /// The problem that an `Opened` event at `at` begins.
    #[must_use]
    pub fn open(
        id: ProblemId,
        topic: TopicId,
        kind: TopicKind,
        place: Option<PlaceId>,
        at: Timestamp,
    ) -> Self {
        Self {
            id,
            topic,
            kind,
            place,
            state: ProblemState::Open,
            score: 0,
            level: RiskLevel::Low,
            reasons: Vec::new(),
            opened: at,
            last: at,
            posts: 0,
            told: None,
            alerts: 0,
            acknowledged: None,
            answered: None,
            returns: 0,
        }
    }

    /// Folds one more event in.
    pub fn apply(&mut self, event: &ProblemEvent) {
        match &event.kind {
            ProblemEventKind::Opened { .. } | ProblemEventKind::Split { .. } => {}
            ProblemEventKind::Grew { published, score, reasons } => {
                self.posts += 1;
                self.opened =
                    if self.posts == 1 { *published } else { self.opened.min(*published) };
                self.last = self.last.max(*published);
                self.score = *score;
                self.level = RiskLevel::of(*score);
                self.reasons.clone_from(reasons);
                if self.state == ProblemState::Quiet {
                    self.state =
                        if self.returns > 0 { ProblemState::Reopened } else { ProblemState::Open };
                }
            }
            ProblemEventKind::Told { level, voices, .. } => {
                self.told = Some((event.at, *level, *voices));
                self.alerts += 1;
            }
            ProblemEventKind::Quieted => self.state = ProblemState::Quiet,
            ProblemEventKind::Closed { .. } | ProblemEventKind::Merged { .. } => {
                self.state = ProblemState::Closed;
            }
            ProblemEventKind::Reopened => {
                self.state = ProblemState::Reopened;
                self.returns += 1;
                self.acknowledged = None;
                // What was told belongs to the time before: a return is a fact of its own.
                self.told = None;
            }
            ProblemEventKind::Acknowledged { .. } => self.acknowledged = Some(event.at),
            ProblemEventKind::Answered { published } => self.answered = Some(*published),
            ProblemEventKind::Judged { .. } => {}
        }
    }
}

/// A post's place in a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// Problem.
    pub problem: ProblemId,
    /// Post.
    pub post: PostKey,
    /// Whether this is the post's main problem.
    pub primary: bool,
    /// The clause an alert may quote. Set for a few chosen posts of a problem; absence says
    /// nothing.
    pub quote: Option<Span>,
}
