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
use super::ids::{AlertId, PlaceId, PostKey, ProblemId, TopicId, month_of};
use super::risk::{RiskLevel, RiskReason};
use super::share::{Recount, Share};

/// Where problems of one matter meet: object or topic, settlement, street or house.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProblemKey {
    /// Object within the topic, else the topic.
    pub aspect: String,
    /// Settlement, if known.
    pub place: Option<PlaceId>,
    /// Street or house, where it tells problems apart.
    pub address: Option<String>,
}

impl ProblemKey {
    /// The key of a topic in a settlement.
    #[must_use]
    pub fn of(topic: &TopicId, place: Option<&PlaceId>) -> Self {
        Self { aspect: topic.as_str().to_owned(), place: place.cloned(), address: None }
    }

    /// Whether nothing says where it is.
    #[must_use]
    pub fn is_unplaced(&self) -> bool {
        self.place.is_none() && self.address.is_none()
    }
}

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

/// Why a problem is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CloseReason {
    /// Nobody wrote any more.
    Silence,
    /// A person said so.
    Person,
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
        /// Street or house, where the topic is a matter of one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        address: Option<String>,
        /// Object within the topic, if the posts name one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        object: Option<String>,
    },
    /// A post joined (the first one too).
    Grew {
        /// When the post was published.
        published: Timestamp,
        /// Risk score of the problem after it joined.
        score: u8,
        /// Reasons of that score.
        reasons: Vec<RiskReason>,
        /// Distinct voices of the post's month so far.
        #[serde(default)]
        voices: u32,
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
    /// Nobody took it into work: those who know were reminded, or the next were told.
    Reminded {
        /// Of which alert.
        alert: AlertId,
        /// Which step of the ladder, from 0.
        step: u32,
    },
    /// Nobody wrote for a while.
    Quieted,
    /// Over, because nobody wrote any more or a person said so.
    Closed {
        /// Why.
        reason: CloseReason,
    },
    /// Came back.
    Reopened,
    /// Whoever said that it is over took it into work again.
    Reinstated,
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
    /// Whoever had it in work says that it is not theirs.
    Released {
        /// Which receiver.
        role: String,
    },
    /// A receiver judged the alert.
    Judged {
        /// `useful`, `noise` or `not_ours`.
        mark: String,
    },
    /// A person joined it to another problem, which has its posts now.
    Merged {
        /// Which one lives on.
        into: ProblemId,
    },
    /// A person joined another problem to it: its posts are counted here.
    Absorbed {
        /// Which one.
        from: ProblemId,
        /// What came of it.
        #[serde(flatten)]
        share: Box<Share>,
        /// Counts of both together.
        #[serde(default)]
        recount: Option<Recount>,
    },
    /// A person made part of it a problem of its own.
    Split {
        /// The new problem.
        new: ProblemId,
        /// Posts that went.
        #[serde(default)]
        posts: u32,
        /// Counts of what stayed.
        #[serde(default)]
        recount: Option<Recount>,
    },
    /// An analyst says where a rumour stands.
    Rumour {
        /// Where.
        state: RumourState,
        /// The refutation, for [`RumourState::Refuted`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        link: Option<String>,
    },
}

/// Where a rumour stands, as analysts say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RumourState {
    /// Somebody looks into it.
    Seen,
    /// It is true.
    CheckedTrue,
    /// It is false.
    CheckedFalse,
    /// It is false, and an official text says so.
    Refuted,
    /// Nobody believes it any more.
    Fading,
}

impl RumourState {
    /// All of them, in the order they usually come.
    pub const ALL: [RumourState; 5] = [
        RumourState::Seen,
        RumourState::CheckedTrue,
        RumourState::CheckedFalse,
        RumourState::Refuted,
        RumourState::Fading,
    ];

    /// The word in files and output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            RumourState::Seen => "seen",
            RumourState::CheckedTrue => "checked_true",
            RumourState::CheckedFalse => "checked_false",
            RumourState::Refuted => "refuted",
            RumourState::Fading => "fading",
        }
    }
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
    /// Street or house, where the topic is a matter of one.
    pub address: Option<String>,
    /// Object within the topic, if the posts name one.
    pub object: Option<String>,
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
    /// When it last came back: published time of the post that brought it back.
    pub back: Option<Timestamp>,
    /// Posts that had joined before it last came back.
    pub posts_before: u32,
    /// Distinct voices of its largest month since it opened or last came back, counted before any
    /// of them passed their retention.
    pub voices: u32,
    /// When a person said that it is over. Silence only closes: then it does not matter when the
    /// job ran that says so.
    pub ended: Option<Timestamp>,
    /// The problem that has its posts since a person merged them.
    pub merged: Option<ProblemId>,
    /// Where a rumour stands, as analysts say.
    pub rumour: Option<RumourState>,
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
            address: None,
            object: None,
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
            back: None,
            posts_before: 0,
            voices: 0,
            ended: None,
            merged: None,
            rumour: None,
        }
    }

    /// Whether a body has it in work: taken since somebody was told last. New facts end it.
    #[must_use]
    pub fn in_work(&self) -> bool {
        let told = self.told.map(|(at, ..)| at);
        self.acknowledged.is_some_and(|taken| told.is_none_or(|told| told <= taken))
    }

    /// Whether it waits for somebody: it is not over, and nobody has it in work.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.state != ProblemState::Closed && !self.in_work()
    }

    /// Since when it lasts: since it last came back, else since its first post.
    #[must_use]
    pub fn since(&self) -> Timestamp {
        self.back.unwrap_or(self.opened)
    }

    /// Posts that joined since then.
    #[must_use]
    pub fn posts_since(&self) -> u32 {
        self.posts.saturating_sub(self.posts_before)
    }

    /// Whether its voices belong to more than one month, as far as is known: keys of months do not
    /// join, so their number is a lower bound.
    #[must_use]
    pub fn spans_months(&self) -> bool {
        self.voices > 0 && month_of(self.since()) != month_of(self.last)
    }

    /// The state of a problem that people write about.
    pub(super) fn alive(&self) -> ProblemState {
        if self.returns > 0 { ProblemState::Reopened } else { ProblemState::Open }
    }

    /// What its posts are about, within its place: the object if they name one, else the topic.
    #[must_use]
    pub fn aspect(&self) -> &str {
        self.object.as_deref().unwrap_or(self.topic.as_str())
    }

    /// Folds one more event in.
    pub fn apply(&mut self, event: &ProblemEvent) {
        match &event.kind {
            ProblemEventKind::Opened { address, object, .. } => {
                self.address.clone_from(address);
                self.object.clone_from(object);
            }
            ProblemEventKind::Split { posts, recount, .. } => {
                self.posts = self.posts.saturating_sub(*posts);
                recount.iter().for_each(|counted| self.recount(counted));
            }
            ProblemEventKind::Absorbed { share, recount, .. } => {
                self.join(share);
                recount.iter().for_each(|counted| self.recount(counted));
            }
            ProblemEventKind::Reinstated => (self.state, self.ended) = (self.alive(), None),
            ProblemEventKind::Rumour { state, .. } => self.rumour = Some(*state),
            ProblemEventKind::Grew { published, score, reasons, voices } => {
                self.voices = self.voices.max(*voices);
                self.posts += 1;
                self.opened =
                    if self.posts == 1 { *published } else { self.opened.min(*published) };
                self.last = self.last.max(*published);
                self.score = *score;
                self.level = RiskLevel::of(*score);
                self.reasons.clone_from(reasons);
                // What silence did, a post undoes; what a person said stands.
                if self.ended.is_none() && self.merged.is_none() {
                    self.state = self.alive();
                }
            }
            ProblemEventKind::Told { level, voices, .. } => {
                self.told = Some((event.at, *level, *voices));
                self.alerts += 1;
            }
            ProblemEventKind::Quieted => self.state = ProblemState::Quiet,
            ProblemEventKind::Closed { reason } => {
                self.state = ProblemState::Closed;
                self.ended = (*reason == CloseReason::Person).then_some(event.at);
            }
            ProblemEventKind::Merged { into } => {
                self.state = ProblemState::Closed;
                self.merged = Some(into.clone());
            }
            ProblemEventKind::Reopened => {
                (self.state, self.ended) = (ProblemState::Reopened, None);
                self.returns += 1;
                self.back = Some(event.at);
                self.posts_before = self.posts;
                // What was told, answered and counted belongs to the time before: a return is a
                // fact of its own, as grave as what is written now.
                (self.acknowledged, self.answered, self.told) = (None, None, None);
                (self.score, self.level, self.voices) = (0, RiskLevel::Low, 0);
                self.reasons.clear();
            }
            ProblemEventKind::Acknowledged { .. } => self.acknowledged = Some(event.at),
            ProblemEventKind::Answered { published } => self.answered = Some(*published),
            ProblemEventKind::Released { .. } => self.acknowledged = None,
            ProblemEventKind::Judged { .. } | ProblemEventKind::Reminded { .. } => {}
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
    /// When the post was published.
    pub published: Timestamp,
    /// Whether it repeats another post of the problem: it has no voice of its own.
    pub copy: bool,
    /// Hashes that tell its copies; none for a text that says too little.
    pub sketch: Option<Vec<u8>>,
    /// Street and house that it names.
    pub address: Option<String>,
    /// Its voice for the topic of the problem, with the month of its key; none for a copy and for a
    /// page's own text.
    pub voice: Option<(u32, [u8; 8])>,
    /// Number of its text, if a page wrote it in its own name.
    pub own_text: Option<u64>,
}
