//! What can go wrong with a source, typed by what to do next.
//!
//! Place in the flow: every platform maps its answers to a [`CollectError`]; the pipeline turns it
//! into a health row and a next-try time. Invariant: the sentence is Russian, for the operator, and
//! repeats neither secrets nor addresses nor what the platform sent.

use std::fmt;

use jiff::Timestamp;

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Try again soon: network, 5xx, time-out.
    Transient,
    /// The platform asked to slow down; not a failure.
    RateLimited,
    /// Daily quota of a method is used up; go on tomorrow.
    Quota,
    /// Nothing helps but a person: token, captcha, validation.
    NeedsPerson,
    /// This source does not let us read; look again daily.
    NoAccess,
    /// The source no longer exists under this name.
    Gone,
    /// The answer makes no sense; nothing of it was used.
    Malformed,
    /// The address is not allowed for sources (private network, odd scheme).
    Refused,
    /// Our own fault: a bug or a wrong setting.
    Ours,
}

impl Class {
    /// The word stored and shown.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Class::Transient => "transient",
            Class::RateLimited => "rate_limited",
            Class::Quota => "quota",
            Class::NeedsPerson => "needs_person",
            Class::NoAccess => "no_access",
            Class::Gone => "gone",
            Class::Malformed => "malformed",
            Class::Refused => "refused",
            Class::Ours => "ours",
        }
    }
}

/// How far the trouble reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// This source only.
    Source,
    /// Everything read with this token.
    Token,
    /// One method of the platform.
    Method,
    /// Everything on this host.
    Host,
}

/// A look that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectError {
    /// What to do next.
    pub class: Class,
    /// How far it reaches.
    pub scope: Scope,
    /// Code for logs and tests, for example `vk 14`, `http 502`, `timeout`.
    pub code: String,
    /// One Russian sentence: what happened and what to do.
    pub text: String,
    /// Not before this instant, if the platform or the budget named one.
    pub until: Option<Timestamp>,
}

impl CollectError {
    /// An error of `class` that reaches `scope`.
    pub fn new(
        class: Class,
        scope: Scope,
        code: impl Into<String>,
        text: impl Into<String>,
    ) -> Self {
        Self { class, scope, code: code.into(), text: text.into(), until: None }
    }

    /// The same with a time before which trying again is useless.
    #[must_use]
    pub fn until(mut self, until: Timestamp) -> Self {
        self.until = Some(until);
        self
    }
}

impl fmt::Display for CollectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.text, self.code)
    }
}

impl std::error::Error for CollectError {}
