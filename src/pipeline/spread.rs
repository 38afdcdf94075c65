//! The risk of a problem after a post joined.
//!
//! Place in the flow: handed to `cluster::assign`, which knows the problem and asks for its score.
//! Invariant: the gravest post's own risk is found again whatever spread had added to it before.

use super::district::District;
use crate::cluster::ProblemFacts;
use crate::model::{Risk, RiskLevel, RiskReason};
use crate::risk::{self, ProblemSpread};

/// Parts that `risk::score_problem` adds to the gravest post; taken off to find that post's risk
/// again.
const SPREAD_PARTS: [&str; 7] =
    ["voices", "growth", "sources", "waiting", "returns", "cap", "floor"];

/// Risk of a problem after a post joined: the gravest post's, with what spread and waiting add.
pub(super) fn score_problem(district: &District, facts: &ProblemFacts<'_>) -> Risk {
    let before = without_spread(facts.before);
    let gravest = match facts.post {
        Some(post) if post.score >= before.score => without_spread(post),
        _ => before,
    };
    let waiting = facts.answered.map_or(facts.lasts.as_hours() / 24, |_| 0);
    let spread = ProblemSpread {
        voices: facts.voices,
        lately: facts.lately,
        sources: facts.sources,
        waiting_days: u32::try_from(waiting).unwrap_or(0),
        returns: facts.returns,
    };
    risk::score_problem(&gravest, &spread, &district.risk)
}

fn without_spread(risk: &Risk) -> Risk {
    let reasons: Vec<RiskReason> = risk
        .reasons
        .iter()
        .filter(|reason| !SPREAD_PARTS.contains(&reason.reason.as_str()))
        .cloned()
        .collect();
    let sum = reasons.iter().map(|reason| reason.points).sum::<i32>().clamp(0, 100);
    let score = u8::try_from(sum).unwrap_or(100);
    Risk { score, level: RiskLevel::of(score), reasons }
}
