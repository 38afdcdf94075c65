//! What the operator is told about the state of sources and of our own sending, and why now.
//!
//! Place in the flow: a fixed job reads all states, decides here, and puts one message into the
//! outbox. Invariants: a trouble is told once and then once a day until it is over; when nothing
//! answers at all, that is one trouble of our own network, not one of each source; whoever was told
//! of a trouble hears that it is over.

use jiff::{SignedDuration, Timestamp};

use crate::model::{
    Health, HealthLine, HealthNews, HealthNotice, HealthState, RulesNews, SourceId, UnsentLine,
};

/// Failures in a row, and how long they last, before «сбои» are worth a message.
const SLOW_FAILURES: u32 = 3;
const SLOW_HOURS: i64 = 1;
/// How long a pause ordered by the platform may last before it is told.
const PAUSED_HOURS: i64 = 6;
/// A trouble that goes on is told again after so many hours.
const AGAIN_HOURS: i64 = 24;
/// Failures in a row of every source before the network is called down.
const NETWORK_FAILURES: u32 = 2;
/// Codes of failures that our own network may be the cause of.
const NETWORK: [&str; 6] = ["dns", "connect", "connect_timeout", "timeout", "cut", "reset"];

/// A source and what the operator was told of it last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Which.
    pub source: SourceId,
    /// How it is doing.
    pub health: Health,
    /// The trouble told last, and when, if it has not been called over.
    pub told: Option<(HealthState, Timestamp)>,
}

/// What to tell at `now`; nothing if there is no news. `unsent`: messages given up since that was
/// told last.
#[must_use]
pub fn decide_health(
    sources: &[Told],
    unsent: Vec<UnsentLine>,
    now: Timestamp,
) -> Option<HealthNotice> {
    let network = network_is_down(sources);
    let lines: Vec<HealthLine> =
        sources.iter().filter_map(|source| line(source, network, now)).collect();
    let news = !lines.is_empty() || !unsent.is_empty();
    let network = network && !lines.is_empty();
    news.then_some(HealthNotice { at: now, network, lines, unsent, rules: None })
}

/// What to tell of the files that people edit: `fault` is what is wrong with them now, `told` what
/// was told last; empty where nothing is. A fault is told once, another one anew.
#[must_use]
pub fn decide_rules(fault: &str, told: &str) -> Option<RulesNews> {
    (fault != told).then(|| match fault {
        "" => RulesNews::Good,
        fault => RulesNews::Bad(fault.to_owned()),
    })
}

/// A notice with news of the rules; they alone are worth one.
#[must_use]
pub fn with_rules(
    notice: Option<HealthNotice>,
    rules: Option<RulesNews>,
    now: Timestamp,
) -> Option<HealthNotice> {
    if rules.is_none() {
        return notice;
    }
    let none = HealthNotice {
        at: now,
        network: false,
        lines: Vec::new(),
        unsent: Vec::new(),
        rules: None,
    };
    Some(HealthNotice { rules, ..notice.unwrap_or(none) })
}

/// Whether every source fails for want of a network: at least two, none excepted.
fn network_is_down(sources: &[Told]) -> bool {
    let fails = |source: &Told| {
        let code = source.health.code.as_deref();
        source.health.failures >= NETWORK_FAILURES
            && code.is_some_and(|code| NETWORK.contains(&code))
    };
    sources.len() >= 2 && sources.iter().all(fails)
}

fn line(source: &Told, network: bool, now: Timestamp) -> Option<HealthLine> {
    let health = &source.health;
    let past =
        |since: Timestamp, hours| now.duration_since(since) >= SignedDuration::from_hours(hours);
    let worth = match health.state {
        HealthState::Ok => false,
        HealthState::Slow => {
            network || (health.failures >= SLOW_FAILURES && past(health.since, SLOW_HOURS))
        }
        HealthState::Paused => past(health.since, PAUSED_HOURS),
        HealthState::NeedsPerson | HealthState::Gone | HealthState::Silent => true,
    };
    let news = match source.told {
        Some(_) if health.state == HealthState::Ok => HealthNews::Over,
        Some((state, at)) if state == health.state && worth => {
            past(at, AGAIN_HOURS).then_some(HealthNews::Still)?
        }
        _ if worth => HealthNews::Trouble,
        _ => return None,
    };
    Some(HealthLine {
        source: source.source.clone(),
        news,
        state: health.state,
        since: health.since,
        text: health.text.clone(),
        last_ok: health.last_ok,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::LookReason;

    fn hour(hour: i64) -> Timestamp {
        let start: Timestamp = "2026-03-02T00:00:00Z".parse().expect("an instant");
        start + SignedDuration::from_hours(hour)
    }

    fn told(state: HealthState, code: &str, failures: u32) -> Told {
        let health = Health {
            state,
            since: hour(0),
            code: (state != HealthState::Ok).then(|| code.to_owned()),
            text: None,
            failures,
            last_ok: None,
            next: hour(9),
            why: LookReason::Trouble,
        };
        Told { source: SourceId("a".to_owned()), health, told: None }
    }

    fn news(source: &Told, at: i64) -> Option<HealthNews> {
        decide_health(std::slice::from_ref(source), Vec::new(), hour(at))
            .map(|notice| notice.lines[0].news)
    }

    #[test]
    fn a_trouble_is_told_once_then_daily_then_over() {
        let mut source = told(HealthState::NeedsPerson, "vk 5", 1);
        assert_eq!(news(&source, 0), Some(HealthNews::Trouble));
        source.told = Some((HealthState::NeedsPerson, hour(0)));
        assert_eq!(news(&source, 23), None);
        assert_eq!(news(&source, 24), Some(HealthNews::Still));
        source.health.state = HealthState::Gone;
        assert_eq!(news(&source, 25), Some(HealthNews::Trouble), "another trouble");
        source.health.state = HealthState::Ok;
        assert_eq!(news(&source, 26), Some(HealthNews::Over));
        source.told = None;
        assert_eq!(news(&source, 27), None);
    }

    #[test]
    fn hiccups_and_short_pauses_are_nobodys_business() {
        assert_eq!(news(&told(HealthState::Ok, "", 0), 50), None);
        assert_eq!(news(&told(HealthState::Slow, "http 502", 2), 5), None);
        assert_eq!(news(&told(HealthState::Slow, "http 502", 3), 0), None);
        assert_eq!(news(&told(HealthState::Slow, "http 502", 3), 1), Some(HealthNews::Trouble));
        assert_eq!(news(&told(HealthState::Paused, "vk 29", 0), 5), None);
        assert_eq!(news(&told(HealthState::Paused, "vk 29", 0), 6), Some(HealthNews::Trouble));
        assert_eq!(news(&told(HealthState::Silent, "silent", 0), 0), Some(HealthNews::Trouble));
    }

    #[test]
    fn a_network_that_is_down_is_one_trouble() {
        let down: Vec<Told> = ["dns", "connect", "timeout"]
            .iter()
            .map(|code| told(HealthState::Slow, code, 2))
            .collect();
        let notice = decide_health(&down, Vec::new(), hour(0)).expect("told");
        assert!(notice.network);
        assert_eq!(notice.lines.len(), 3, "each is known to be told");
        let mut one_answers = down.clone();
        one_answers[1] = told(HealthState::Ok, "", 0);
        assert_eq!(
            decide_health(&one_answers, Vec::new(), hour(0)),
            None,
            "no reason to call it the network"
        );
        let mut after = down;
        after.iter_mut().for_each(|source| source.told = Some((HealthState::Slow, hour(0))));
        assert_eq!(decide_health(&after, Vec::new(), hour(5)), None);
    }

    #[test]
    fn a_bad_file_is_told_once_then_another_fault_then_that_all_is_well() {
        let (quote, bracket) = ("fire.toml:7:31: нет кавычки", "fire.toml:7:9: нет скобки");
        let bad = |text: &str| Some(RulesNews::Bad(text.to_owned()));
        for (fault, told, expected) in [
            ("", "", None),
            (quote, "", bad(quote)),
            (quote, quote, None),
            (bracket, quote, bad(bracket)),
            ("", bracket, Some(RulesNews::Good)),
        ] {
            let news = decide_rules(fault, told);
            assert_eq!(news, expected, "{fault} after {told}");
            let notice = with_rules(None, news.clone(), hour(0));
            assert_eq!(notice.and_then(|notice| notice.rules), news);
        }
    }
}
