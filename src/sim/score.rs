//! Counts what the daemon found against what was planted.
//!
//! Place in the flow: behind a drill; the demo prints it, tests assert it. Invariant: pure; a
//! problem is found or not by topic, place and time alone, never by a look at texts.

use std::collections::BTreeMap;

use jiff::{Timestamp, ToSpan};
use serde::Serialize;

use super::{Planted, Story};
use crate::model::{
    Alert, AlertReason, Channel, DeliveryState, PlaceId, ProblemEventKind, ProblemId, RiskLevel,
    TopicId,
};
use crate::pipeline::services::Services;
use crate::store::{StoreError, StoredDelivery, StoredProblem};

/// How long after the last text a problem may open and still be the planted one, in hours.
const LATE_HOURS: i64 = 24;
/// How long after the last text an alert may still be about it, in hours.
const ANSWER_HOURS: i64 = 96;
/// Most rows of one kind that a story can make.
const ROWS_MAX: u32 = 100_000;

/// Everything the daemon left in its store, as far as it is counted.
#[derive(Debug, Clone, Default)]
pub struct Traces {
    /// Problems by time.
    pub problems: Vec<StoredProblem>,
    /// The highest score each problem ever had.
    pub peaks: BTreeMap<ProblemId, u8>,
    /// Alerts by time.
    pub alerts: Vec<Alert>,
    /// Messages by time.
    pub deliveries: Vec<StoredDelivery>,
}

impl Traces {
    /// Reads them.
    pub async fn read(services: &Services) -> Result<Self, StoreError> {
        let store = &services.store;
        let problems = store.export_problems(None, None, ROWS_MAX).await?;
        let mut peaks = BTreeMap::new();
        for stored in &problems {
            let id = &stored.problem.id;
            let scores =
                store.problem_events(id).await?.into_iter().filter_map(|event| match event.kind {
                    ProblemEventKind::Grew { score, .. } => Some(score),
                    _ => None,
                });
            peaks.insert(id.clone(), scores.max().unwrap_or_default());
        }
        Ok(Self {
            problems,
            peaks,
            alerts: store.alerts(None, None, ROWS_MAX).await?,
            deliveries: store.export_deliveries(None, None, ROWS_MAX).await?,
        })
    }

    /// The highest level that a problem ever had.
    #[must_use]
    pub fn peak(&self, id: &ProblemId) -> RiskLevel {
        RiskLevel::of(self.peaks.get(id).copied().unwrap_or_default())
    }

    fn first_alert(&self, problems: &[&StoredProblem]) -> Option<&Alert> {
        let about = |alert: &&Alert| problems.iter().any(|it| it.problem.id == alert.problem);
        self.alerts.iter().filter(about).min_by_key(|alert| alert.at)
    }

    /// Who was sent an alert: receiver and channel.
    fn told(&self, alert: &Alert) -> Vec<(String, Channel)> {
        let subject = format!("alert:{}", alert.id);
        self.deliveries
            .iter()
            .map(|stored| &stored.delivery)
            .filter(|it| it.subject == subject && it.state == DeliveryState::Sent)
            .map(|it| (it.receiver.clone(), it.channel))
            .collect()
    }
}

/// One planted problem and what became of it.
#[derive(Debug, Clone)]
pub struct Answered {
    /// What was planted.
    pub planted: Planted,
    /// The problem that opened for it.
    pub problem: Option<StoredProblem>,
    /// Whether it opened for the right settlement.
    pub place_right: bool,
    /// The first alert about it.
    pub alert: Option<Alert>,
    /// Who was sent that alert.
    pub told: Vec<(String, Channel)>,
}

impl Answered {
    /// When the first alert was decided; if there was none, when the problem opened.
    #[must_use]
    pub fn known(&self) -> Option<Timestamp> {
        let opened = self.problem.as_ref().map(|stored| stored.problem.opened);
        self.alert.as_ref().map(|alert| alert.at).or(opened)
    }

    /// Minutes from the first text to [`Answered::known`].
    #[must_use]
    pub fn delay_minutes(&self) -> Option<i64> {
        let known = self.known()?;
        Some((known.as_second() - self.planted.begins.as_second()).max(0) / 60)
    }
}

/// How a drill went.
#[derive(Debug, Clone)]
pub struct Score {
    /// Planted problems, in order.
    pub answered: Vec<Answered>,
    /// Other problems that ever reached the elevated level.
    pub others: Vec<StoredProblem>,
    /// Messages that reached receivers: alerts and digests, mails and chats together.
    pub messages: usize,
}

/// The contract of the demo's last line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Totals {
    /// Planted problems.
    pub planted: usize,
    /// Of them, opened.
    pub found: usize,
    /// Other problems at elevated or above.
    #[serde(rename = "false")]
    pub others: usize,
    /// Found, with the right settlement.
    pub place_right: usize,
    /// Messages that reached receivers.
    pub messages: usize,
    /// Median of the minutes from a problem's first text to the first alert about it.
    pub median_delay_minutes: Option<f64>,
}

impl Score {
    /// Counts `traces` of `story`; `messages` reached receivers.
    #[must_use]
    pub fn of(story: &Story, traces: &Traces, messages: usize) -> Self {
        let answered: Vec<Answered> =
            story.planted.iter().map(|planted| answer(planted, traces)).collect();
        let others = traces.problems.iter().filter(|stored| {
            traces.peak(&stored.problem.id) >= RiskLevel::Elevated
                && !story.planted.iter().any(|planted| belongs(stored, planted))
        });
        Self { answered, others: others.cloned().collect(), messages }
    }

    /// The numbers.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let count = |test: &dyn Fn(&Answered) -> bool| {
            self.answered.iter().filter(|answered| test(answered)).count()
        };
        Totals {
            planted: self.answered.len(),
            found: count(&|it| it.problem.is_some()),
            others: self.others.len(),
            place_right: count(&|it| it.place_right),
            messages: self.messages,
            median_delay_minutes: median(
                self.answered.iter().filter_map(Answered::delay_minutes).collect(),
            ),
        }
    }
}

/// One message of an alert, and what it was about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// When it was decided.
    pub at: Timestamp,
    /// Receiver.
    pub receiver: String,
    /// Channel.
    pub channel: Channel,
    /// Why.
    pub reason: AlertReason,
    /// Topic, place and level told.
    pub about: (TopicId, Option<PlaceId>, RiskLevel),
    /// The planted problem it is about, if it is about one.
    pub planted: Option<&'static str>,
}

/// Every message of an alert that reached its receiver, by time. It is about what was planted by
/// topic, place and the time of the alert: small talk may have opened its problem before.
#[must_use]
pub fn listed(story: &Story, traces: &Traces) -> Vec<Listed> {
    let mut listed = Vec::new();
    for alert in &traces.alerts {
        let planted = story.planted.iter().find(|planted| is_about(alert, planted));
        let planted = planted.map(|planted| planted.title);
        for (receiver, channel) in traces.told(alert) {
            let facts = &alert.facts;
            let about = (facts.topic.clone(), facts.place.clone(), facts.level);
            let (at, reason) = (alert.at, alert.reason);
            listed.push(Listed { at, receiver, channel, reason, about, planted });
        }
    }
    listed
}

/// Whether an alert tells of what was planted: while it lasts, and for some days that somebody
/// waits for an answer.
fn is_about(alert: &Alert, planted: &Planted) -> bool {
    let place = alert.facts.place.as_ref().map_or(planted.place, PlaceId::as_str);
    let last = planted.ends.saturating_add(ANSWER_HOURS.hours()).unwrap_or(Timestamp::MAX);
    planted.topics.contains(&alert.facts.topic.as_str())
        && place == planted.place
        && (planted.begins..=last).contains(&alert.at)
}

/// Planted problems with an open problem that was ever high or critical, and nobody was told.
#[must_use]
pub fn untold(story: &Story, traces: &Traces) -> Vec<&'static str> {
    let told = |id: &ProblemId| traces.alerts.iter().any(|alert| alert.problem == *id);
    let missed = |planted: &&Planted| {
        let grave: Vec<_> = traces
            .problems
            .iter()
            .filter(|it| belongs(it, planted) && traces.peak(&it.problem.id) >= RiskLevel::High)
            .collect();
        !grave.is_empty() && !grave.iter().any(|stored| told(&stored.problem.id))
    };
    story.planted.iter().filter(missed).map(|planted| planted.title).collect()
}

/// Whether a problem is about what was planted: topic, time, and no other settlement.
fn belongs(stored: &StoredProblem, planted: &Planted) -> bool {
    let problem = &stored.problem;
    let place = problem.place.as_ref().map_or(planted.place, PlaceId::as_str);
    let last = planted.ends.saturating_add(LATE_HOURS.hours()).unwrap_or(Timestamp::MAX);
    planted.topics.contains(&problem.topic.as_str())
        && place == planted.place
        && (planted.begins..=last).contains(&problem.opened)
}

fn answer(planted: &Planted, traces: &Traces) -> Answered {
    let mut found: Vec<&StoredProblem> =
        traces.problems.iter().filter(|stored| belongs(stored, planted)).collect();
    // The settlement's own problem before a district-wide one, the best topic first.
    found.sort_by_key(|stored| {
        let topic = stored.problem.topic.as_str();
        let rank = planted.topics.iter().position(|it| *it == topic);
        (stored.problem.place.is_none(), rank, stored.problem.opened)
    });
    let alert = traces.first_alert(&found).cloned();
    Answered {
        place_right: found.iter().any(|stored| stored.problem.place.is_some()),
        problem: found.first().map(|stored| (*stored).clone()),
        told: alert.as_ref().map(|alert| traces.told(alert)).unwrap_or_default(),
        alert,
        planted: planted.clone(),
    }
}

/// The middle of some numbers, of an even number of them the mean of the middle two.
fn median(mut numbers: Vec<i64>) -> Option<f64> {
    numbers.sort_unstable();
    let upper = numbers.get(numbers.len() / 2)?;
    let lower = numbers.get((numbers.len() - 1) / 2)?;
    #[expect(clippy::cast_precision_loss, reason = "minutes of some weeks")]
    let middle = (lower + upper) as f64 / 2.0;
    Some(middle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Problem, TopicId, TopicKind};
    use crate::store::VoiceCount;

    fn at(hours: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + hours.hours()
    }

    fn story() -> Story {
        let planted = Planted {
            title: "нет тепла",
            topics: &["heating", "housing"],
            place: "onohoy",
            begins: at(10),
            ends: at(20),
        };
        Story {
            start: at(0),
            end: at(100),
            pages: Vec::new(),
            posts: Vec::new(),
            planted: vec![planted],
        }
    }

    fn traces(problems: &[(&str, Option<&str>, i64, u8)]) -> Traces {
        let mut traces = Traces::default();
        for (number, (topic, place, opened, peak)) in problems.iter().enumerate() {
            let id = ProblemId(format!("p{number}"));
            let topic = TopicId::from(*topic);
            let place = place.map(|place| PlaceId(place.to_owned()));
            let problem = Problem::open(id.clone(), topic, TopicKind::Problem, place, at(*opened));
            traces.problems.push(StoredProblem { problem, voices: VoiceCount::default() });
            traces.peaks.insert(id, *peak);
        }
        traces
    }

    #[test]
    fn found_by_topic_place_and_time() {
        // (found, place right, false) of what opened: topic, place, hour, highest score.
        let check = |problems: &[(&str, Option<&str>, i64, u8)],
                     expected: (usize, usize, usize)| {
            let totals = Score::of(&story(), &traces(problems), 0).totals();
            assert_eq!((totals.found, totals.place_right, totals.others), expected, "{problems:?}");
        };
        check(&[], (0, 0, 0));
        check(&[("heating", Some("onohoy"), 10, 60)], (1, 1, 0));
        check(&[("heating", None, 11, 60)], (1, 0, 0));
        check(&[("heating", None, 11, 60), ("housing", Some("onohoy"), 12, 40)], (1, 1, 0));
        check(&[("heating", Some("ilka"), 11, 60)], (0, 0, 1));
        check(&[("water", Some("onohoy"), 11, 60)], (0, 0, 1));
        check(&[("water", Some("onohoy"), 11, 29)], (0, 0, 0));
        check(&[("heating", Some("onohoy"), 9, 30)], (0, 0, 1));
        check(&[("heating", Some("onohoy"), 44, 30)], (1, 1, 0));
        check(&[("heating", Some("onohoy"), 45, 30)], (0, 0, 1));
    }

    #[test]
    fn the_median_is_the_middle() {
        for (numbers, expected) in [
            (vec![], None),
            (vec![7], Some(7.0)),
            (vec![30, 10], Some(20.0)),
            (vec![9, 1, 5], Some(5.0)),
            (vec![1, 2, 3, 6], Some(2.5)),
        ] {
            assert_eq!(median(numbers.clone()), expected, "{numbers:?}");
        }
    }
}
