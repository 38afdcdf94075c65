//! What a person may ask of the running daemon.
//!
//! Place in the flow: the command line (later the console) sends it over the socket; the daemon's
//! loop carries it out; without a daemon the command line does so directly. Invariant: a command
//! says who asked by role, and is answered by one sentence.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::alert::Channel;
use super::ids::{AlertId, PlaceId, PostKey, ProblemId, SourceId, TopicId};
use super::mark::Mark;
use super::problem::RumourState;
use super::silence::SilenceFacts;
use super::works::{WorksFacts, WorksState};

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum CommandKind {
    /// Is anybody there?
    Ping,
    /// Read packs, sources, routes, risk, places again now.
    Reload {
        /// Why they were changed, for the history.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// Look at these sources now (all, if empty).
    CollectNow {
        /// Which.
        sources: Vec<SourceId>,
    },
    /// Remove a post everywhere.
    Erase {
        /// Which.
        post: PostKey,
    },
    /// Answer an alert.
    Mark {
        /// Which.
        alert: AlertId,
        /// What.
        mark: Mark,
        /// To whom it belongs, for [`Mark::NotOurs`]: a receiver or a department.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
        /// Over which channel a button was pressed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        channel: Option<Channel>,
    },
    /// Take everything that a roll-up told into work.
    TakeAll {
        /// Its subject in the outbox.
        roll_up: String,
        /// Over which channel a button was pressed: then only what this receiver was told counts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        channel: Option<Channel>,
    },
    /// Invite a receiver to join a chat of its own.
    Invite {
        /// Which.
        receiver: String,
        /// Random bytes, in hex.
        salt: String,
        /// The code that the person will send to the bot.
        code: String,
    },
    /// Forget the chats that a receiver joined on a channel.
    Forget {
        /// Which.
        receiver: String,
        /// Where.
        channel: Channel,
    },
    /// Hold messages back, for a reason and a time.
    AddSilence {
        /// About what, and why.
        #[serde(flatten)]
        facts: SilenceFacts,
        /// Until when.
        until: Timestamp,
    },
    /// End a silence early.
    EndSilence {
        /// Which.
        id: String,
    },
    /// Enter planned works that nobody announced on a page.
    AddWorks {
        /// What and where.
        #[serde(flatten)]
        facts: WorksFacts,
        /// First instant.
        begins: Timestamp,
        /// Announced end.
        until: Timestamp,
    },
    /// Accept, reject or end planned works.
    DecideWorks {
        /// Which.
        id: String,
        /// Where they stand from now on.
        state: WorksState,
    },
    /// Close a problem.
    CloseProblem {
        /// Which.
        problem: ProblemId,
    },
    /// Join a problem to another one.
    MergeProblems {
        /// Which.
        problem: ProblemId,
        /// To which.
        into: ProblemId,
    },
    /// Make some posts of a problem a problem of their own.
    SplitProblem {
        /// Which.
        problem: ProblemId,
        /// These posts …
        posts: Vec<PostKey>,
        /// … and all that name this street or house.
        address: Option<String>,
    },
    /// Say where a rumour stands.
    SetRumour {
        /// Which.
        problem: ProblemId,
        /// Where.
        state: RumourState,
        /// The refutation.
        link: Option<String>,
    },
    /// Note a complaint that came by telephone or at the reception.
    Note {
        /// In the official's own words, masked.
        text: String,
        /// Settlement, if named.
        place: Option<PlaceId>,
        /// Topic, if named.
        topic: Option<TopicId>,
    },
    /// Give the open work of a receiver to another one.
    HandOver {
        /// Whose.
        from: String,
        /// To whom.
        to: String,
    },
    /// Make and send the digest of an ISO week now.
    SendDigest {
        /// `2026-W47`.
        week: String,
    },
}

/// A command with its sender.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// Who, as the operating system names the account.
    pub actor: String,
    /// In which role: `operator`, `analyst`, `duty`.
    pub role: String,
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub kind: CommandKind,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandReply {
    /// Whether it was done.
    pub done: bool,
    /// One Russian sentence.
    pub text: String,
}
