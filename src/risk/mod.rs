//! How grave a post or a problem is: named parts with points, from the table in `risk.toml`.
//!
//! Place in the flow: after `classify`, before `cluster` and `alert`; pure. Invariants: the points
//! of the reasons sum to the score; more voices, sources or days never lower it; views, likes,
//! followers and attitude are not among the inputs.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use jiff::civil::Date;

use crate::config::risk::{RiskRules, StepsPart};
use crate::config::season::Season;
use crate::model::finding::Signal;
use crate::model::{Classified, Finding, Risk, RiskLevel, RiskReason, TopicId, TopicKind};

/// What a pack says about its topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicFacts {
    /// Russian title.
    pub title: String,
    /// 1–5; anything else counts as the nearest of them.
    pub severity: u8,
    /// When the topic is in season, if it has one.
    pub season: Option<Season>,
}

/// What is known about the post beside its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RiskContext {
    /// Date of the post in the district's zone.
    pub date: Date,
    /// Whether every place the text names lies outside the district.
    pub elsewhere: bool,
    /// Whether a body speaks.
    pub official: bool,
    /// Whether the text was taken over from another page.
    pub repost: bool,
}

impl RiskContext {
    /// A resident's own words on `date`, about our district.
    #[must_use]
    pub fn on(date: Date) -> Self {
        Self { date, elsewhere: false, official: false, repost: false }
    }
}

/// What is known about a problem beside its gravest post.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProblemSpread {
    /// Distinct voices (the largest month's number).
    pub voices: u32,
    /// Distinct voices of the last six hours.
    pub lately: u32,
    /// Distinct sources.
    pub sources: u32,
    /// Full days since it opened or came back without an answer; 0 once answered.
    pub waiting_days: u32,
    /// How often it came back after it was over.
    pub returns: u32,
}

/// Risk of one post: that of its gravest topic. No topic, no risk.
///
/// `topics` knows the packs; a finding whose topic it does not know counts for nothing. Among
/// equally grave topics the first finding wins.
pub fn score(
    classified: &Classified,
    topics: &dyn Fn(&TopicId) -> Option<TopicFacts>,
    context: &RiskContext,
    rules: &RiskRules,
) -> Risk {
    let mut gravest = Risk::none();
    for finding in &classified.findings {
        let Some(facts) = topics(&finding.topic) else { continue };
        let risk = score_finding(finding, &facts, &classified.signals, context, rules);
        if gravest.reasons.is_empty() || risk.score > gravest.score {
            gravest = risk;
        }
    }
    gravest
}

/// Risk of one topic of a post.
#[must_use]
pub fn score_finding(
    finding: &Finding,
    facts: &TopicFacts,
    signals: &[Signal],
    context: &RiskContext,
    rules: &RiskRules,
) -> Risk {
    let mut parts = Parts::default();
    let step = usize::from(facts.severity.clamp(1, 5) - 1);
    let severity = format!("{}: {}", rules.severity.title, facts.title);
    parts.add("severity", rules.severity.points[step], severity);
    match finding.kind {
        TopicKind::Problem => {}
        TopicKind::Danger => parts.add("danger", rules.danger.points, &rules.danger.title),
        TopicKind::Rumour => parts.add("rumour", rules.rumour.points, &rules.rumour.title),
    }
    let weak = finding.score < rules.weak.below;
    if weak {
        parts.add("weak", rules.weak.points[step], &rules.weak.title);
    }
    match facts.season.map(|season| season.contains(context.date)) {
        // A flood in spring is no graver for being in season; a failing boiler in winter is.
        Some(true) if finding.kind == TopicKind::Problem => {
            parts.add("in_season", rules.in_season.points, &rules.in_season.title);
        }
        Some(false) => {
            parts.add("out_of_season", rules.out_of_season.points, &rules.out_of_season.title);
        }
        Some(true) | None => {}
    }
    let topic = finding.topic.as_str();
    if rules.frost.from_to.contains(context.date) && rules.frost.topics.iter().any(|t| t == topic) {
        parts.add("frost", rules.frost.points, &rules.frost.title);
    }
    add_circumstances(&mut parts, finding, weak, signals, rules);
    let whole = [
        ("elsewhere", context.elsewhere, &rules.elsewhere),
        ("official", context.official, &rules.official),
        ("repost", context.repost, &rules.repost),
    ];
    for (name, applies, part) in whole {
        if applies {
            parts.add(name, part.points, &part.title);
        }
    }
    parts.into_risk(rules)
}

/// Risk of a problem: its gravest post's risk, and what spread, waiting and returning add to it.
#[must_use]
pub fn score_problem(gravest_post: &Risk, spread: &ProblemSpread, rules: &RiskRules) -> Risk {
    if gravest_post.reasons.is_empty() {
        return Risk::none();
    }
    // The bounds are set anew: what the scale cut off must not hide what spread adds or takes.
    let kept = |reason: &&RiskReason| reason.reason != "cap" && reason.reason != "floor";
    let mut parts = Parts { reasons: gravest_post.reasons.iter().filter(kept).cloned().collect() };
    let grown: [(&str, u32, &StepsPart); 5] = [
        ("voices", spread.voices, &rules.voices),
        ("growth", spread.lately, &rules.growth),
        ("sources", spread.sources, &rules.sources),
        ("waiting", spread.waiting_days, &rules.waiting),
        ("returns", spread.returns, &rules.returns),
    ];
    // Many may talk about what nobody complains of: that is no spread.
    let grown = if is_calm(gravest_post, rules) { &grown[..0] } else { &grown[..] };
    for &(name, number, part) in grown {
        let points = part.points_for(number);
        if points > 0 {
            parts.add(name, points, format!("{}: {number}", part.title));
        }
    }
    parts.into_risk(rules)
}

/// Whether this risk lacks the sign that makes a problem of a topic: a complaint.
#[must_use]
pub fn is_calm(risk: &Risk, rules: &RiskRules) -> bool {
    let mut absent = rules.circumstances.iter().filter(|part| part.absent);
    absent.any(|part| risk.reasons.iter().any(|it| it.reason == *part.id.get_ref()))
}

/// Points that a risk would have if its text complained of something.
#[must_use]
pub fn if_complained(risk: &Risk, rules: &RiskRules) -> u8 {
    let lacking = |reason: &RiskReason| {
        let mut absent = rules.circumstances.iter().filter(|part| part.absent);
        absent.any(|part| reason.reason == *part.id.get_ref())
    };
    let bound = |reason: &RiskReason| reason.reason == "cap" || reason.reason == "floor";
    let counted = risk.reasons.iter().filter(|reason| !lacking(reason) && !bound(reason));
    let sum = counted.map(|reason| reason.points).sum::<i32>().clamp(0, 100);
    u8::try_from(sum).unwrap_or(100)
}

/// Adds each circumstance once, with the largest amount that the text gives for its signal.
/// Beside a weak finding only those count that lower: a danger named in the text may not be its
/// own.
fn add_circumstances(
    parts: &mut Parts,
    finding: &Finding,
    weak: bool,
    signals: &[Signal],
    rules: &RiskRules,
) {
    for part in &rules.circumstances {
        if !part.concerns(finding.topic.as_str()) {
            continue;
        }
        let mut named: Vec<&Signal> = signals.iter().filter(|s| s.name == part.signal).collect();
        if part.absent {
            // A danger says itself that something is wrong, unless it is hardly named.
            if named.is_empty() && (finding.kind == TopicKind::Problem || weak) {
                parts.add(part.id.get_ref(), *part.points.get_ref(), &part.title);
            }
            continue;
        }
        named.sort_by_key(|signal| (signal.span.start, signal.span.end));
        let Some(amount) = named.iter().map(|signal| signal.amount).max() else { continue };
        let points = part.points_for(amount);
        if weak && points > 0 {
            continue;
        }
        // The same words twice tell the reader nothing new.
        let words: BTreeSet<&str> = named.iter().take(3).map(|s| s.text.as_str()).collect();
        let words: Vec<&str> = words.into_iter().collect();
        let text = format!("{}: «{}»", part.title, words.join("», «"));
        parts.add(part.id.get_ref(), points, text);
    }
}

/// Reasons in the making.
#[derive(Debug, Default)]
struct Parts {
    reasons: Vec<RiskReason>,
}

impl Parts {
    fn add(&mut self, reason: &str, points: i32, text: impl Into<String>) {
        if points != 0 {
            self.reasons.push(RiskReason { reason: reason.to_owned(), points, text: text.into() });
        }
    }

    /// Cuts the sum to 0–100 by a reason of its own, so that the points always sum to the score.
    fn into_risk(mut self, rules: &RiskRules) -> Risk {
        let sum = self.reasons.iter().fold(0_i32, |sum, r| sum.saturating_add(r.points));
        let score = sum.clamp(0, 100);
        if sum > score {
            self.add("cap", score - sum, &rules.cap.title);
        } else if sum < score {
            self.add("floor", score - sum, &rules.floor.title);
        }
        let score = u8::try_from(score).unwrap_or(100);
        Risk { score, level: RiskLevel::of(score), reasons: self.reasons }
    }
}
