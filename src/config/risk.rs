//! `risk.toml`: the named parts of a risk with their points.
//!
//! Place in the flow: read at start and when the file changes, handed to `risk` as a value.
//! Invariant: a loaded table gives more points for more people, sources and days, never fewer; it
//! has no place for views, likes, followers or attitude: such a key is unknown and refused.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use super::fault::{Fault, parse_toml};
use super::season::Season;

/// Most points that one part may give or take.
const POINTS_MOST: i32 = 100;

const SHIPPED: &str = include_str!("../../config/risk.toml");

/// Points by severity 1–5.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeverityPart {
    /// Russian name.
    pub title: String,
    /// Points for severity 1, 2, 3, 4, 5.
    pub points: [i32; 5],
    /// What it has to do with an information risk.
    pub why: String,
}

/// A part that is there or not.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlainPart {
    /// Russian name.
    pub title: String,
    /// Points; negative lowers.
    pub points: i32,
    /// What it has to do with an information risk.
    pub why: String,
}

/// Points for a finding of few points.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeakPart {
    /// Russian name.
    pub title: String,
    /// A finding with fewer points than this is weak.
    pub below: u8,
    /// Points for severity 1, 2, 3, 4, 5, negative.
    pub points: [i32; 5],
    /// What it has to do with an information risk.
    pub why: String,
}

/// Frost by the calendar.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrostPart {
    /// Russian name.
    pub title: String,
    /// When frost is to be expected.
    pub from_to: Season,
    /// Topics it matters for.
    pub topics: Vec<String>,
    /// Points.
    pub points: i32,
    /// What it has to do with an information risk.
    pub why: String,
}

/// A circumstance that the text names.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Circumstance {
    /// Name of the part, unique.
    pub id: Spanned<String>,
    /// Name of the signal that classification gives.
    pub signal: String,
    /// Russian name.
    pub title: String,
    /// Topics it matters for; empty means all.
    #[serde(default)]
    pub topics: Vec<String>,
    /// Counts where the text does not give the signal, and for problems only: a danger or a rumour
    /// says itself that something is wrong, unless it is hardly named.
    #[serde(default)]
    pub absent: bool,
    /// Points for the signal.
    pub points: Spanned<i32>,
    /// Points for each unit of its amount above the first.
    #[serde(default)]
    pub per_amount: i32,
    /// Bound of the sum, in either direction; 100 if absent.
    pub most: Option<i32>,
    /// What it has to do with an information risk.
    pub why: String,
}

impl Circumstance {
    /// Points for a signal with this amount.
    #[must_use]
    pub fn points_for(&self, amount: u32) -> i32 {
        let further = i32::try_from(amount.saturating_sub(1)).unwrap_or(i32::MAX);
        let sum = self.points.get_ref().saturating_add(self.per_amount.saturating_mul(further));
        let most = self.most.unwrap_or(POINTS_MOST).saturating_abs();
        sum.clamp(-most, most)
    }

    /// Whether it matters for a topic.
    #[must_use]
    pub fn concerns(&self, topic: &str) -> bool {
        self.topics.is_empty() || self.topics.iter().any(|named| named == topic)
    }
}

/// Points that grow with a number.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepsPart {
    /// Russian name.
    pub title: String,
    /// From which number on, how many points; both grow.
    pub steps: Spanned<Vec<(u32, i32)>>,
    /// What it has to do with an information risk.
    pub why: String,
}

impl StepsPart {
    /// Points for `number`; 0 below the first step.
    #[must_use]
    pub fn points_for(&self, number: u32) -> i32 {
        let steps = self.steps.get_ref();
        steps.iter().rev().find(|(from, _)| number >= *from).map_or(0, |(_, points)| *points)
    }
}

/// A part that gives nothing.
fn no_steps() -> StepsPart {
    StepsPart { title: String::new(), steps: Spanned::new(0..0, Vec::new()), why: String::new() }
}

/// A part without points of its own: what the scale cuts off.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoundPart {
    /// Russian name.
    pub title: String,
}

/// The whole table.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RiskRules {
    /// Severity of the topic.
    pub severity: SeverityPart,
    /// The topic is a danger.
    pub danger: PlainPart,
    /// The topic is a rumour.
    pub rumour: PlainPart,
    /// The finding is weak.
    pub weak: WeakPart,
    /// The date lies in the topic's season.
    pub in_season: PlainPart,
    /// The topic has a season and the date lies outside.
    pub out_of_season: PlainPart,
    /// Frost by the calendar.
    pub frost: FrostPart,
    /// Circumstances that the text names, in the order of output.
    #[serde(rename = "circumstance", default)]
    pub circumstances: Vec<Circumstance>,
    /// The text is about another district.
    pub elsewhere: PlainPart,
    /// A body speaks.
    pub official: PlainPart,
    /// Taken over from another page.
    pub repost: PlainPart,
    /// Distinct people of a problem.
    pub voices: StepsPart,
    /// Distinct people of a problem within six hours. A table written before it was known has none.
    #[serde(default = "no_steps")]
    pub growth: StepsPart,
    /// Distinct sources of a problem.
    pub sources: StepsPart,
    /// Days without an answer.
    pub waiting: StepsPart,
    /// How often it came back.
    pub returns: StepsPart,
    /// Cut at 100.
    pub cap: BoundPart,
    /// Cut at 0.
    pub floor: BoundPart,
}

impl RiskRules {
    /// Reads the text of a `risk.toml`; gives all faults at once.
    pub fn parse(file: &Path, source: &str) -> Result<Self, Vec<Fault>> {
        let rules: Self = parse_toml(file, source).map_err(|fault| vec![fault])?;
        let faults = rules.faults(file, source);
        if faults.is_empty() { Ok(rules) } else { Err(faults) }
    }

    /// The table that ships with the program: what holds when the file is missing.
    #[must_use]
    pub fn shipped() -> Self {
        Self::parse(Path::new("config/risk.toml"), SHIPPED)
            .expect("the shipped risk.toml is sound: a test reads it")
    }

    fn faults(&self, file: &Path, source: &str) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut ids = BTreeSet::new();
        for part in &self.circumstances {
            let id = part.id.get_ref();
            if !ids.insert(id.as_str()) {
                let text = format!("слагаемое «{id}» описано дважды");
                let fix = "оставьте одно или дайте другое имя";
                faults.push(Fault::at(file, source, part.id.span().start, text, fix));
            }
            if part.points.get_ref().abs() > POINTS_MOST {
                let at = part.points.span().start;
                faults.push(Fault::at(file, source, at, "баллы вне границ −100…100", ""));
            }
        }
        for part in [&self.voices, &self.growth, &self.sources, &self.waiting, &self.returns] {
            let rising = part.steps.get_ref().windows(2).all(|two| {
                let [(from, points), (next_from, next_points)] = two else { return true };
                from < next_from && points <= next_points
            });
            let within = part.steps.get_ref().iter().all(|(_, p)| (0..=POINTS_MOST).contains(p));
            if !rising || !within {
                let text = format!("ступени «{}» должны расти: и числа, и баллы", part.title);
                let fix = "например [[2, 2], [5, 5]], баллы от 0 до 100";
                faults.push(Fault::at(file, source, part.steps.span().start, text, fix));
            }
        }
        if !self.severity.points.is_sorted() || self.severity.points.iter().any(|p| *p < 0) {
            let text = "баллы тяжести (severity.points) должны расти от 1 к 5";
            faults.push(Fault::whole(file, text, "например [10, 22, 32, 42, 56]"));
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The shipped table with one text replaced, and what `check` says of it.
    fn faults_after(from: &str, to: &str) -> Vec<String> {
        assert!(SHIPPED.contains(from), "the shipped table has «{from}»");
        let source = SHIPPED.replacen(from, to, 1);
        match RiskRules::parse(Path::new("risk.toml"), &source) {
            Ok(_) => Vec::new(),
            Err(faults) => faults.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn the_shipped_table_is_sound() {
        let rules = RiskRules::shipped();
        assert!(rules.circumstances.len() >= 8);
        assert!(rules.elsewhere.points < 0 && rules.official.points < 0);
    }

    #[test]
    fn fame_and_attitude_have_no_place() {
        for key in ["views", "likes", "followers", "attitude"] {
            let table = format!("[{key}]\ntitle = \"x\"\npoints = 5\nwhy = \"x\"\n\n[cap]");
            assert_eq!(faults_after("[cap]", &table).len(), 1, "{key}");
        }
    }

    #[test]
    fn faults_name_the_line() {
        let check = |from: &str, to: &str, expected: &str| {
            let faults = faults_after(from, to);
            assert_eq!(faults.len(), 1, "{faults:?}");
            assert!(faults[0].contains(expected), "{faults:?}");
        };
        check("steps = [[2, 2], [3, 5]", "steps = [[2, 2], [3, 1]", "должны расти");
        check("id = \"children\"", "id = \"danger_to_life\"", "описано дважды");
        check("points = 16", "points = 160", "баллы вне границ");
        check("[10, 22, 32, 42, 56]", "[10, 22, 32, 20, 56]", "severity.points");
        let line = SHIPPED.lines().position(|line| line.starts_with("from_to")).unwrap() + 1;
        let place = format!("risk.toml:{line}:");
        check("from_to = \"11-10..03-20\"", "from_to = \"зима\"", &place);
    }

    #[test]
    fn amounts_and_steps_grow_up_to_their_bound() {
        let rules = RiskRules::shipped();
        let days = rules.circumstances.iter().find(|part| part.signal == "days").unwrap();
        let by_days: Vec<_> = [0, 1, 3, 30, u32::MAX].map(|n| days.points_for(n)).into();
        assert_eq!(by_days, [2, 2, 4, 6, 6]);
        let by_voices: Vec<_> = [0, 1, 2, 4, 7, 1000].map(|n| rules.voices.points_for(n)).into();
        assert_eq!(by_voices, [0, 0, 2, 5, 9, 18]);
    }
}
