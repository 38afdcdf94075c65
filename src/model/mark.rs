//! What a receiver answers to an alert: taken, solved, not ours, useful, noise.
//!
//! Place in the flow: a button under the message or `otklik alerts ack` makes it, the store keeps
//! it with what the alert was made of, the rules are judged by it. Invariant: it names the receiver
//! or a role that answered, never the person.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::alert::Channel;
use super::ids::{AlertId, ProblemId, RuleName};

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// Somebody works on it.
    Taken,
    /// It is done: the problem is over until people write again.
    Solved,
    /// It belongs to somebody else.
    NotOurs,
    /// Nobody answered it, and whoever was told is away: another has it now.
    Passed,
    /// It was worth telling.
    Useful,
    /// It was not.
    Noise,
}

impl Mark {
    /// All that a receiver answers, in the order of the buttons.
    pub const ANSWERS: [Mark; 5] =
        [Mark::Taken, Mark::Solved, Mark::NotOurs, Mark::Useful, Mark::Noise];

    /// The word in files and output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Mark::Taken => "taken",
            Mark::Solved => "solved",
            Mark::NotOurs => "not_ours",
            Mark::Passed => "passed",
            Mark::Useful => "useful",
            Mark::Noise => "noise",
        }
    }

    /// The answer of a word.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ANSWERS.into_iter().find(|mark| mark.name() == name)
    }

    /// Whether the receiver who is marked has nothing to do with the alert any more.
    #[must_use]
    pub fn hands_on(self) -> bool {
        matches!(self, Mark::NotOurs | Mark::Passed)
    }

    /// Whether it says what the alert was worth, not what becomes of the problem.
    #[must_use]
    pub fn judges(self) -> bool {
        matches!(self, Mark::Useful | Mark::Noise)
    }
}

/// A rule behind an alert, as it counted when the alert was marked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleShare {
    /// `pack:rule`.
    pub rule: RuleName,
    /// Its weight in the packs in force, 1–100; none if they have it no more.
    pub points: Option<u8>,
    /// Posts of the problem in which it matched.
    pub posts: u32,
}

/// What was said last of what becomes of the problem, out of marks in their order.
pub fn last_said<'a>(
    marks: impl IntoIterator<Item = &'a Marked, IntoIter: DoubleEndedIterator>,
) -> Option<&'a Marked> {
    marks.into_iter().rev().find(|marked| !marked.mark.judges())
}

/// Whether an alert still is a receiver's matter, by its marks in their order: it has not handed it
/// on, or was handed it since. `is_meant`: whether a name that it was handed to means the receiver.
pub fn is_matter_of(marks: &[Marked], receiver: &str, is_meant: impl Fn(&str) -> bool) -> bool {
    let own = |marked: &Marked| marked.by == receiver && !marked.mark.judges();
    let Some(last) = marks.iter().rposition(own) else { return true };
    let since = marks[last + 1..].iter().filter_map(|marked| marked.to.as_deref());
    !marks[last].mark.hands_on() || since.into_iter().any(is_meant)
}

/// A mark with everything that is kept of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// Which alert.
    pub alert: AlertId,
    /// Of which problem.
    pub problem: ProblemId,
    /// Which receiver, or which role at the keyboard.
    pub by: String,
    /// Over which channel; none from the keyboard.
    pub channel: Option<Channel>,
    /// When.
    pub at: Timestamp,
    /// What.
    pub mark: Mark,
    /// To whom it was handed over or passed: a receiver or a department.
    pub to: Option<String>,
    /// Hash of the packs that judged the alert.
    pub lexicon: String,
    /// The rules behind it, by name.
    pub rules: Vec<RuleShare>,
}
