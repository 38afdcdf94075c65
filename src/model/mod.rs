//! The nouns: plain values that every stage reads and returns.
//!
//! Place in the flow: under everything. Invariant: nothing here does I/O, reads a clock or knows
//! SQL, HTTP or TOML; nothing here can hold a person. Attitude towards officials has no value in
//! this module that a post, a problem or an alert could carry (see [`finding::Attitude`]).

pub mod alert;
pub mod button;
pub mod command;
pub mod coverage;
pub mod digest;
pub mod finding;
pub mod follow;
pub mod ids;
pub mod mark;
pub mod post;
pub mod problem;
pub mod risk;
pub mod rollup;
pub mod share;
pub mod silence;
pub mod source;
pub mod wording;
pub mod works;

pub use alert::{
    Alert, AlertFacts, AlertReason, BurstFacts, Channel, Delivery, DeliveryState, QuoteRef,
    SendOutcome, ToldBefore, WouldGo, told_alert,
};
pub use button::{Button, Keyboard, Tap};
pub use command::{Command, CommandKind, CommandReply};
pub use coverage::{
    Completeness, Gap, Hole, HoleCause, HoleState, Ledger, Noted, NotedHole, Stored, Stretch,
};
pub use finding::{
    Attitude, Classified, Finding, Language, Match, PlaceBy, PlaceFinding, Span, TopicKind,
};
pub use follow::{Follow, Matter};
pub use ids::{
    AlertId, DeliveryId, DistrictId, PlaceId, PostId, PostKey, ProblemId, RuleName, SourceId,
    TopicId, month_of,
};
pub use mark::{Mark, Marked, RuleShare, is_matter_of, last_said};
pub use post::{Counts, Post, PostKind};
pub use problem::{
    CloseReason, Membership, Problem, ProblemEvent, ProblemEventKind, ProblemKey, ProblemState,
    RumourState,
};
pub use risk::{Risk, RiskLevel, RiskReason};
pub use rollup::{Absence, Allotment, Outstanding, RollUp, RollUpReason, WaitingAlert};
pub use share::{Recount, Share};
pub use silence::{
    Cause, Held, HeldBy, Hidden, Restraints, SILENCE_DAYS_MAX, Silence, SilenceFacts,
};
pub use source::{
    Health, HealthLine, HealthNews, HealthNotice, HealthState, LookReason, RulesNews, Source,
    SourceKind, SourceScope, UnsentLine,
};
pub use wording::Wording;
pub use works::{Proposal, Works, WorksFacts, WorksState};
