//! A risk: score, level and the reasons that sum to the score.
//!
//! Place in the flow: made by `risk`, kept with the post and the problem, printed everywhere.
//! Invariant: the points of the reasons sum to the score; levels are fixed (DESIGN 6.2).

use serde::{Deserialize, Serialize};

/// Level of a risk. Bounds are fixed: below 30, 30–59, 60–79, 80 and above.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RiskLevel {
    /// Below 30.
    Low,
    /// 30–59.
    Elevated,
    /// 60–79.
    High,
    /// 80 and above.
    Critical,
}

impl RiskLevel {
    /// All levels, lowest first.
    pub const ALL: [RiskLevel; 4] =
        [RiskLevel::Low, RiskLevel::Elevated, RiskLevel::High, RiskLevel::Critical];

    /// The level of a score.
    #[must_use]
    pub fn of(score: u8) -> Self {
        match score {
            0..30 => RiskLevel::Low,
            30..60 => RiskLevel::Elevated,
            60..80 => RiskLevel::High,
            _ => RiskLevel::Critical,
        }
    }

    /// The word in files and output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            RiskLevel::Low => "low",
            RiskLevel::Elevated => "elevated",
            RiskLevel::High => "high",
            RiskLevel::Critical => "critical",
        }
    }
}

/// One named part of a score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RiskReason {
    /// Name of the part, a key of `risk.toml`.
    pub reason: String,
    /// Points it gave; negative parts lower the score.
    pub points: i32,
    /// The same in Russian, with the words that caused it.
    pub text: String,
}

/// A score with its reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Risk {
    /// 0–100.
    pub score: u8,
    /// Level of the score.
    pub level: RiskLevel,
    /// Parts; their points sum to the score.
    pub reasons: Vec<RiskReason>,
}

impl Risk {
    /// No risk: score 0, level low, no reasons.
    #[must_use]
    pub fn none() -> Self {
        Self { score: 0, level: RiskLevel::Low, reasons: Vec::new() }
    }
}
