//! Who is told what: `config/routes.toml`, resolved.
//!
//! Place in the flow: read at start and again when the file changes; `alert::decide` reads its
//! rules, `alert::route` its receivers. Invariant: a receiver here has at least one channel, a
//! unique name and addresses that cannot break a header or a request; a file with an error changes
//! nothing.

mod file;

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::calendar::DayHours;
use crate::model::{Channel, PlaceId, RiskLevel, TopicId, TopicKind};

pub use file::parse;

/// When a problem is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertRules {
    /// A new problem is told from this level on.
    pub level: RiskLevel,
    /// An elevated problem is told from this number of voices on.
    pub voices: u32,
    /// A rumour is told from this number of voices on.
    pub rumour_voices: u32,
    /// A burst is this many times the voices told before …
    pub burst_times: u32,
    /// … and at least so many more.
    pub burst_more: u32,
    /// A problem that was told and has no official answer for so long is told again, then after
    /// three and nine times as long; `None` = never.
    pub waiting: Option<SignedDuration>,
    /// Most messages about problems to one receiver within a shift.
    pub budget: u32,
    /// Most messages about problems that go alone to one receiver within a minute.
    pub volley: u32,
    /// Length of a shift in hours; any so many hours in a row count as one.
    pub shift_hours: u32,
    /// Until when (that day not included) alerts go to analysts only.
    pub trial_until: Option<Date>,
}

impl Default for AlertRules {
    fn default() -> Self {
        Self {
            level: RiskLevel::High,
            voices: 3,
            rumour_voices: 3,
            burst_times: 3,
            burst_more: 5,
            waiting: Some(SignedDuration::from_hours(72)),
            budget: 12,
            volley: 3,
            shift_hours: 8,
            trial_until: None,
        }
    }
}

/// When messages may come; critical ones come at any time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Hours {
    /// At any time.
    #[default]
    Always,
    /// Working hours of `calendar.toml`.
    Work,
    /// The same hours every day.
    Daily(DayHours),
}

/// What happens when nobody has taken an alert into work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LadderStep {
    /// From this level on.
    pub level: RiskLevel,
    /// How long after the alert or the step before, in open hours of the receiver told first.
    pub after: SignedDuration,
    /// Receivers that are told; empty = those who were told before, as a reminder.
    pub tell: Vec<String>,
}

/// Somebody who is told: a body or a duty, with the ways to reach it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receiver {
    /// Unique name.
    pub name: String,
    /// Channels with addresses, in the order they are tried.
    pub channels: Vec<(Channel, String)>,
    /// Least level told.
    pub min_level: RiskLevel,
    /// Only these kinds of topics; empty = all.
    pub kinds: BTreeSet<TopicKind>,
    /// Only these topics; empty = all.
    pub topics: BTreeSet<TopicId>,
    /// Only these departments; empty = all. Departments that name the receiver are among them.
    pub departments: BTreeSet<String>,
    /// Only these places; empty = all.
    pub places: BTreeSet<PlaceId>,
    /// Only problems of these objects (`keywords/_objects.toml`); empty = all.
    pub objects: BTreeSet<String>,
    /// When messages may come.
    pub hours: Hours,
    /// Zone of those hours, if it is not the district's.
    pub zone: Option<TimeZone>,
    /// Whether the weekly digest goes there.
    pub digest: bool,
    /// Whether news about sources in trouble and edits that cannot be used goes there.
    pub operator: bool,
    /// Whether it gets what others would get while the trial runs.
    pub analyst: bool,
}

/// All of `routes.toml`. The default is what holds without the file: nobody is told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Routes {
    /// When a problem is told.
    pub alert: AlertRules,
    /// Who is told.
    pub receivers: Vec<Receiver>,
    /// What happens when nobody takes an alert into work, in order.
    pub ladder: Vec<LadderStep>,
    /// Department → names of its receivers.
    pub departments: BTreeMap<String, Vec<String>>,
    /// What follows from what.
    pub inhibits: Vec<Inhibit>,
}

/// Problems that follow from another one in the same place: while the cause is told and open, an
/// effect is told in its conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inhibit {
    /// Topic of the cause.
    pub cause: TopicId,
    /// Topics of its effects.
    pub effects: BTreeSet<TopicId>,
    /// How long behind the cause's last message, in hours.
    pub hours: u32,
}

/// Names that routes may refer to; `None` = not checked now.
#[derive(Debug, Clone, Default)]
pub struct KnownNames {
    /// Topics of all packs.
    pub topics: Option<BTreeSet<String>>,
    /// Settlements.
    pub places: Option<BTreeSet<String>>,
    /// Objects within topics.
    pub objects: Option<BTreeSet<String>>,
    /// Whether a receiver that does not exist is an error (`run`, `check`), not a warning.
    pub receivers: bool,
}
