//! What a problem brings along when its posts go over to another one.
//!
//! Place in the flow: made when a person merges or splits, kept in the event, folded in by
//! `Problem::apply`. Invariants: two lives that do not meet, the earlier of them over, are one
//! problem that came back; lives that meet are one life, as alive as the livelier of them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::problem::{Problem, ProblemState};
use super::risk::{RiskLevel, RiskReason};

/// What came from another problem.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// Posts that came.
    pub posts: u32,
    /// First of them.
    pub opened: Timestamp,
    /// Last of them.
    pub last: Timestamp,
    /// Whether the problem that they came from was alive.
    #[serde(default = "open")]
    pub state: ProblemState,
    /// When a person said that it was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// Its score.
    pub score: u8,
    /// Reasons of that score.
    pub reasons: Vec<RiskReason>,
    /// Voices of its largest month.
    pub voices: u32,
    /// Alerts that were made of it.
    #[serde(default)]
    pub alerts: u32,
    /// When, at which level and with how many voices it was told last.
    #[serde(default)]
    pub told: Option<(Timestamp, RiskLevel, u32)>,
    /// When a body took it into work.
    #[serde(default)]
    pub acknowledged: Option<Timestamp>,
    /// When a body last answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered: Option<Timestamp>,
    /// How many times it came back.
    #[serde(default)]
    pub returns: u32,
    /// When it last came back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back: Option<Timestamp>,
}

/// Counts of a problem whose members have changed hands, made anew from the members.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recount {
    /// First of its posts.
    pub opened: Timestamp,
    /// Last of its posts.
    pub last: Timestamp,
    /// Posts published before it last came back.
    pub before: u32,
    /// Voices of its largest month since it opened or last came back.
    pub voices: u32,
}

fn open() -> ProblemState {
    ProblemState::Open
}

impl Problem {
    /// What it brings along with so many of its posts.
    #[must_use]
    pub fn share(&self, posts: u32) -> Share {
        Share {
            posts,
            opened: self.opened,
            last: self.last,
            state: self.state,
            ended: self.ended,
            score: self.score,
            reasons: self.reasons.clone(),
            voices: self.voices,
            alerts: self.alerts,
            told: self.told,
            acknowledged: self.acknowledged,
            answered: self.answered,
            returns: self.returns,
            back: self.back,
        }
    }

    /// Folds in what came from another problem.
    pub(super) fn join(&mut self, came: &Share) {
        self.alerts += came.alerts;
        let empty = self.posts == 0;
        if empty {
            self.succeed(came);
        } else if self.state == ProblemState::Closed && self.last < came.opened {
            self.back = Some(came.back.unwrap_or(came.opened));
            self.returns += came.returns + 1;
            self.posts_before = self.posts;
            self.succeed(came);
        } else if came.state == ProblemState::Closed && came.last < self.opened {
            self.back = Some(self.since());
            self.returns += came.returns + 1;
            self.posts_before += came.posts;
        } else {
            self.live_with(came);
        }
        self.opened = if empty { came.opened } else { self.opened.min(came.opened) };
        self.last = if empty { came.last } else { self.last.max(came.last) };
        self.posts += came.posts;
        if matches!(self.state, ProblemState::Open | ProblemState::Reopened) {
            self.state = self.alive();
        }
    }

    /// From now on it is what came: that is the later life.
    fn succeed(&mut self, came: &Share) {
        (self.state, self.ended) = (came.state, came.ended);
        (self.told, self.acknowledged, self.answered) =
            (came.told, came.acknowledged, came.answered);
        (self.score, self.level, self.voices) =
            (came.score, RiskLevel::of(came.score), came.voices);
        self.reasons.clone_from(&came.reasons);
    }

    /// Two lives at one time: who was told of the other one was told of this one.
    fn live_with(&mut self, came: &Share) {
        if self.back.is_some() || came.back.is_some() {
            self.back = Some(self.since().min(came.back.unwrap_or(came.opened)));
        }
        self.returns = self.returns.max(came.returns);
        if liveliness(came.state) > liveliness(self.state) {
            self.state = came.state;
        }
        let over = self.state == ProblemState::Closed;
        self.ended = self.ended.max(came.ended).filter(|_| over);
        self.told = self.told.max(came.told);
        self.acknowledged = self.acknowledged.max(came.acknowledged);
        self.answered = self.answered.max(came.answered);
        self.voices = self.voices.max(came.voices);
        if came.score > self.score {
            (self.score, self.level) = (came.score, RiskLevel::of(came.score));
            self.reasons.clone_from(&came.reasons);
        }
    }

    /// Puts the counts right after posts went or came.
    pub(super) fn recount(&mut self, counted: &Recount) {
        (self.opened, self.last) = (counted.opened, counted.last);
        (self.posts_before, self.voices) = (counted.before, counted.voices);
    }
}

fn liveliness(state: ProblemState) -> u8 {
    match state {
        ProblemState::Closed => 0,
        ProblemState::Quiet => 1,
        ProblemState::Open | ProblemState::Reopened => 2,
    }
}
