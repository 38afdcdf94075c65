//! Alerts and reminders told together: what waits for a receiver, and the one message that stands
//! for many.
//!
//! Place in the flow: the store shows what is [`Outstanding`], `alert::rollup` answers with an
//! [`Allotment`], the store carries it out in the transaction that claims. Invariant: an alert that
//! is rolled up stands in exactly one [`RollUp`], so the counts add up.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::alert::{Channel, Delivery};
use super::ids::{AlertId, DeliveryId};
use super::risk::RiskLevel;

/// A message of an alert, or a reminder of one, that nobody has tried to send yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingAlert {
    /// Its row.
    pub delivery: DeliveryId,
    /// What it tells.
    pub alert: AlertId,
    /// Whether it only reminds of it.
    pub reminds: bool,
    /// Level told.
    pub level: RiskLevel,
    /// When it was put into the outbox.
    pub since: Timestamp,
    /// Whether it waits to be told together with others.
    pub gathers: bool,
    /// First channel of the receiver.
    pub channel: Channel,
    /// Address on it.
    pub address: String,
}

/// What waits for one receiver, and what it got lately.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outstanding {
    /// Who.
    pub receiver: String,
    /// What is due or gathers, by (since, row).
    pub waiting: Vec<WaitingAlert>,
    /// When each message of the running shift left (or began to leave), in order.
    pub left: Vec<Timestamp>,
    /// When alerts were last told together.
    pub rolled: Option<Timestamp>,
}

/// What becomes of what waits. Alerts that are named nowhere go as they are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Allotment {
    /// Rows that gather until the instant.
    pub gather: Option<(Vec<DeliveryId>, Timestamp)>,
    /// The message that stands for many, with its row.
    pub roll_up: Option<(Delivery, RollUp)>,
}

/// Why alerts are told together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum RollUpReason {
    /// Many came within a minute.
    Volley,
    /// The receiver has had its messages of this shift.
    Budget,
    /// The program did not run.
    CatchUp {
        /// Last sign of life.
        from: Timestamp,
        /// When it ran again.
        until: Timestamp,
    },
}

impl RollUpReason {
    /// The word in files and output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            RollUpReason::Volley => "volley",
            RollUpReason::Budget => "budget",
            RollUpReason::CatchUp { .. } => "catch_up",
        }
    }
}

/// Alerts told together to one receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollUp {
    /// Why.
    pub reason: RollUpReason,
    /// When.
    pub at: Timestamp,
    /// What is told, and the rows it stands for; one a row.
    pub alerts: Vec<(AlertId, DeliveryId)>,
    /// What is told once more because nobody took it into work, and the rows.
    #[serde(default)]
    pub reminders: Vec<(AlertId, DeliveryId)>,
}

impl RollUp {
    /// Rows it stands for.
    pub fn rows(&self) -> impl Iterator<Item = &DeliveryId> {
        self.alerts.iter().chain(&self.reminders).map(|(_, row)| row)
    }
}

/// A time without the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absence {
    /// Last sign of life.
    pub from: Timestamp,
    /// When it ran again.
    pub until: Timestamp,
    /// When what came meanwhile has been collected and is told.
    pub told: Timestamp,
}
