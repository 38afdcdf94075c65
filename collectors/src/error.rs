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

    /// The class of a stored word.
    #[must_use]
    pub fn named(name: &str) -> Option<Class> {
        use Class::{
            Gone, Malformed, NeedsPerson, NoAccess, Ours, Quota, RateLimited, Refused, Transient,
        };
        let all =
            [Transient, RateLimited, Quota, NeedsPerson, NoAccess, Gone, Malformed, Refused, Ours];
        all.into_iter().find(|class| class.name() == name)
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

/// Whom a failed call forbids further calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Those of this method with this token.
    Method,
    /// All with this token.
    Token,
    /// All on this host.
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
    /// Whether the platform itself named that instant, as `Retry-After` does; else it is our guess.
    pub asked: bool,
    /// Whether the platform says that it failed inside. One such answer may be owed to what was
    /// asked for; many in a row, whatever is asked for, are an outage.
    pub inside: bool,
    /// Whether no call was made: until that instant everybody is held back for what another call
    /// has met.
    pub held: bool,
}

impl CollectError {
    /// An error of `class` that reaches `scope`.
    pub fn new(
        class: Class,
        scope: Scope,
        code: impl Into<String>,
        text: impl Into<String>,
    ) -> Self {
        let (code, text) = (code.into(), text.into());
        let (asked, inside, held) = (false, false, false);
        Self { class, scope, code, text, until: None, asked, inside, held }
    }

    /// The same as an answer of a platform that failed inside, if `inside`.
    #[must_use]
    pub fn inside(self, inside: bool) -> Self {
        Self { inside, ..self }
    }

    /// The same with a time before which trying again is useless.
    #[must_use]
    pub fn until(mut self, until: Timestamp) -> Self {
        self.until = Some(until);
        self
    }

    /// The same with the instant that the platform named; nothing changes where it named none.
    #[must_use]
    pub fn asked(mut self, until: Option<Timestamp>) -> Self {
        self.asked = until.is_some();
        self.until = until.or(self.until);
        self
    }

    /// Whether the host itself may be in trouble: it cannot be reached, or what answers is not it.
    /// One such call may be bad luck, several without an answer between are an outage.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        // A sign-in page of somebody in between, which meets whatever source is asked for.
        let stranger = self.class == Class::Malformed && self.code.ends_with(" not json");
        let host = self.scope == Scope::Host;
        stranger || (host && matches!(self.class, Class::Transient | Class::Malformed))
    }

    /// Whether the request certainly never left us, so that nobody can have counted it.
    #[must_use]
    pub fn never_sent(&self) -> bool {
        matches!(self.code.as_str(), "dns" | "connect" | "connect_timeout")
    }

    /// Whether a whole time-out was waited for.
    #[must_use]
    pub fn timed_out(&self) -> bool {
        matches!(self.code.as_str(), "timeout" | "connect_timeout")
    }

    /// Whom it forbids further calls until [`CollectError::until`].
    #[must_use]
    pub fn forbids(&self) -> Option<Reach> {
        use Class::{Malformed, NeedsPerson, Ours, Quota, RateLimited, Transient};
        self.until?;
        match (self.class, self.scope) {
            (RateLimited | Quota | NeedsPerson | Ours, Scope::Method) => Some(Reach::Method),
            (RateLimited | NeedsPerson | Ours, Scope::Token) => Some(Reach::Token),
            (RateLimited, Scope::Host) => Some(Reach::Host),
            // A server that names a time means everybody who asks it.
            (Transient | Malformed, _) if self.asked => Some(Reach::Host),
            _ => None,
        }
    }
}

impl fmt::Display for CollectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.text, self.code)
    }
}

impl std::error::Error for CollectError {}
