//! The trial: what would have been told to whom, and what to set so that it is bearable.
//!
//! Place in the flow: `tell` asks whether the trial runs; its end is one page to the analysts.
//! Invariants: decisions and rows of a trial are those of earnest, only the way out is another; a
//! suggested threshold is the mildest that keeps to the wished number.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use crate::config::routes::AlertRules;
use crate::model::{RiskLevel, WouldGo};

/// Why a row did not go, as the row says it.
pub const TRIAL: &str = "пробный режим";
/// Most messages a day that a person reads with attention.
pub const DAY_MAX: u32 = 5;
/// Numbers of voices that are tried.
const VOICES: [u32; 8] = [1, 2, 3, 5, 8, 12, 20, 40];

/// The first instant behind the trial, if there is one.
#[must_use]
pub fn end(rules: &AlertRules, zone: &TimeZone) -> Option<Timestamp> {
    let until: Date = rules.trial_until?;
    Some(until.to_datetime(Time::midnight()).to_zoned(zone.clone()).ok()?.timestamp())
}

/// Whether the trial runs at `now`.
#[must_use]
pub fn runs(rules: &AlertRules, zone: &TimeZone, now: Timestamp) -> bool {
    end(rules, zone).is_some_and(|end| now < end)
}

/// What the trial says about one receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialLine {
    /// Who.
    pub receiver: String,
    /// Messages in all.
    pub messages: u32,
    /// Most on one day.
    pub day_max: u32,
    /// Judged noise.
    pub noise: u32,
    /// Thresholds that keep to [`DAY_MAX`] a day: level, voices; nothing if it kept to it.
    pub suggested: Option<(RiskLevel, u32)>,
}

/// What the trial says, receivers by name; `days`: how many it ran.
#[must_use]
pub fn summary(would: &[WouldGo], days: u32, zone: &TimeZone) -> Vec<TrialLine> {
    let mut receivers: BTreeMap<&str, Vec<&WouldGo>> = BTreeMap::new();
    for it in would {
        receivers.entry(it.receiver.as_str()).or_default().push(it);
    }
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    receivers
        .into_iter()
        .map(|(receiver, all)| {
            let mut by_day: BTreeMap<Date, u32> = BTreeMap::new();
            for it in &all {
                *by_day.entry(it.at.to_zoned(zone.clone()).date()).or_default() += 1;
            }
            TrialLine {
                receiver: receiver.to_owned(),
                messages: count(all.len()),
                day_max: by_day.values().copied().max().unwrap_or(0),
                noise: count(all.iter().filter(|it| it.noise).count()),
                suggested: suggest(&all, days),
            }
        })
        .collect()
}

/// The mildest thresholds under which there would have been at most [`DAY_MAX`] messages a day.
fn suggest(all: &[&WouldGo], days: u32) -> Option<(RiskLevel, u32)> {
    let most = (DAY_MAX * days.max(1)) as usize;
    if all.len() <= most {
        return None;
    }
    let kept = |level: RiskLevel, voices: u32| {
        let passes = |it: &&&WouldGo| {
            it.level >= level || (it.level >= RiskLevel::Elevated && it.voices >= voices)
        };
        all.iter().filter(passes).count()
    };
    let tried = [RiskLevel::High, RiskLevel::Critical]
        .into_iter()
        .flat_map(|level| VOICES.map(|voices| (level, voices)));
    tried
        .filter(|(level, voices)| kept(*level, *voices) <= most)
        .max_by_key(|(level, voices)| {
            (kept(*level, *voices), std::cmp::Reverse(*level), std::cmp::Reverse(*voices))
        })
        .or(Some((RiskLevel::Critical, VOICES[VOICES.len() - 1])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn would(receiver: &str, day: i64, level: RiskLevel, voices: u32, noise: bool) -> WouldGo {
        let at = Timestamp::from_second(day * 86_400).expect("an instant");
        WouldGo { receiver: receiver.to_owned(), at, level, voices, noise }
    }

    #[test]
    fn thresholds_are_the_mildest_that_keep_to_five_a_day() {
        let mut all: Vec<WouldGo> = (0..8)
            .flat_map(|n| {
                let voices = n + 1;
                [
                    would("МЦУ", 0, RiskLevel::Elevated, voices, n == 0),
                    would("МЦУ", 1, RiskLevel::High, voices, false),
                ]
            })
            .collect();
        all.push(would("ЕДДС", 1, RiskLevel::Critical, 1, true));
        let lines = summary(&all, 2, &TimeZone::UTC);
        assert_eq!(lines[0].receiver, "ЕДДС");
        assert_eq!((lines[0].messages, lines[0].noise, lines[0].suggested), (1, 1, None));
        let line = &lines[1];
        assert_eq!((line.messages, line.day_max, line.noise), (16, 8, 1));
        // High always and elevated from 8 voices: 9; from 5 voices it would be 12.
        assert_eq!(line.suggested, Some((RiskLevel::High, 8)));
        let few = summary(&all[..6], 2, &TimeZone::UTC);
        assert_eq!(few[0].suggested, None, "three a day are no burden");
    }
}
