//! The attention of a receiver: volleys, the budget of a shift, what comes after a break.

use jiff::{SignedDuration, Timestamp};
use otklik::alert::rollup::{CATCH_UP_MINUTES, absence, allot};
use otklik::config::routes::AlertRules;
use otklik::model::{Absence, Channel, Outstanding, RiskLevel, WaitingAlert};
use proptest::prelude::*;

fn at(secs: i64) -> Timestamp {
    let start: Timestamp = "2026-01-05T00:00:00Z".parse().expect("an instant");
    start + SignedDuration::from_secs(secs)
}

fn secs(at_: Timestamp) -> i64 {
    at_.duration_since(at(0)).as_secs()
}

/// A message that left: when, how many alerts it told, why together.
type Left = (i64, usize, Option<&'static str>);

/// The outbox of one receiver without a store: it does what the decision says.
struct Outbox {
    rules: AlertRules,
    absence: Option<Absence>,
    outstanding: Outstanding,
    due: Vec<Timestamp>,
    shown: Vec<Left>,
    /// When each told alert had been decided and was told.
    waits: Vec<(RiskLevel, i64, i64)>,
    sent: Vec<Timestamp>,
}

impl Outbox {
    fn new(rules: AlertRules, absence: Option<Absence>) -> Self {
        Self {
            rules,
            absence,
            outstanding: Outstanding { receiver: "МЦУ".to_owned(), ..Outstanding::default() },
            due: Vec::new(),
            shown: Vec::new(),
            waits: Vec::new(),
            sent: Vec::new(),
        }
    }

    fn put(&mut self, number: usize, level: RiskLevel, now: Timestamp) {
        self.outstanding.waiting.push(WaitingAlert {
            delivery: format!("d{number:05}").into(),
            alert: format!("a{number:05}").into(),
            reminds: false,
            level,
            since: now,
            gathers: false,
            channel: Channel::Email,
            address: "a@b.ru".to_owned(),
        });
        self.due.push(now);
    }

    /// Everything that leaves at `now`, one message after the other.
    fn turn(&mut self, now: Timestamp) {
        while self.due.iter().any(|due| *due <= now) {
            let shift = SignedDuration::from_hours(i64::from(self.rules.shift_hours));
            let left = self.sent.iter().filter(|sent| **sent > now - shift).copied();
            self.outstanding.left = left.collect();
            let said = allot(&self.outstanding, &self.rules, self.absence.as_ref(), &|at| at, now);
            if let Some((ids, until)) = &said.gather {
                assert!(*until > now);
                for (it, due) in self.outstanding.waiting.iter_mut().zip(&mut self.due) {
                    if ids.contains(&it.delivery) {
                        (it.gathers, *due) = (true, *until);
                    }
                }
            }
            if let Some((row, roll_up)) = &said.roll_up {
                assert_eq!((row.receiver.as_str(), roll_up.at), ("МЦУ", now));
                self.shown.push((secs(now), roll_up.alerts.len(), Some(roll_up.reason.name())));
                self.outstanding.rolled = Some(now);
                self.sent.push(now);
                for (alert, _) in &roll_up.alerts {
                    let place = self.outstanding.waiting.iter().position(|it| it.alert == *alert);
                    self.leaves(place.expect("it waited"), now);
                }
                continue;
            }
            if let Some(place) = self.due.iter().position(|due| *due <= now) {
                self.shown.push((secs(now), 1, None));
                self.sent.push(now);
                self.leaves(place, now);
            }
        }
    }

    fn leaves(&mut self, place: usize, now: Timestamp) {
        let it = self.outstanding.waiting.remove(place);
        self.due.remove(place);
        self.waits.push((it.level, secs(it.since), secs(now)));
    }
}

/// Lets alerts come and everything leave; returns the outbox in the end.
fn live(rules: AlertRules, absence: Option<Absence>, come: &[(i64, RiskLevel)]) -> Outbox {
    let mut outbox = Outbox::new(rules, absence);
    let mut come: Vec<_> = come.iter().copied().enumerate().collect();
    come.sort_by_key(|(_, (when, _))| *when);
    let mut come = come.into_iter().peekable();
    for _ in 0..100_000 {
        let next = come.peek().map(|(_, (when, _))| at(*when));
        let Some(now) = next.into_iter().chain(outbox.due.iter().copied()).min() else { break };
        while let Some((number, (_, level))) = come.next_if(|(_, (when, _))| at(*when) <= now) {
            outbox.put(number, level, now);
        }
        outbox.turn(now);
    }
    outbox
}

#[track_caller]
fn check(come: &[(i64, RiskLevel)], expected: &[Left]) {
    assert_eq!(live(AlertRules::default(), None, come).shown, expected);
}

use RiskLevel::{Critical, Elevated, High};

#[test]
fn a_few_alerts_go_alone_and_a_volley_goes_together() {
    check(&[(0, High), (5, Elevated), (9, High)], &[(0, 1, None), (5, 1, None), (9, 1, None)]);
    let five = [(0, High), (1, High), (2, High), (3, High), (4, High)];
    let volley = (63, 2, Some("volley"));
    check(&five, &[(0, 1, None), (1, 1, None), (2, 1, None), volley]);
    // The gravest of those that come at once go alone.
    let outbox = live(
        AlertRules::default(),
        None,
        &[(0, Elevated), (0, Elevated), (0, High), (0, High), (0, High)],
    );
    assert!(outbox.waits[..3].iter().all(|(level, ..)| *level == High), "{:?}", outbox.waits);
    // A lone one that waited for company goes as it is.
    check(&five[..4], &[(0, 1, None), (1, 1, None), (2, 1, None), (63, 1, None)]);
}

#[test]
fn what_is_critical_passes_and_counts() {
    let come = [(0, High), (1, High), (2, High), (3, Critical), (4, High), (5, High)];
    let expected =
        [(0, 1, None), (1, 1, None), (2, 1, None), (3, 1, None), (64, 2, Some("volley"))];
    check(&come, &expected);
}

#[test]
fn a_shift_has_a_budget_and_its_end_is_for_roll_ups() {
    // One every five minutes for a whole shift, then silence.
    let come: Vec<_> = (0..96).map(|n| (n * 300, High)).collect();
    let outbox = live(AlertRules::default(), None, &come);
    let alone = outbox.shown.iter().filter(|(_, _, why)| why.is_none()).count();
    assert_eq!(alone, 9, "three of twelve are kept for roll-ups: {:?}", outbox.shown);
    let told: usize = outbox.shown.iter().map(|(_, count, _)| count).sum();
    assert_eq!(told, 96);
    let first = outbox.shown.iter().find(|(_, _, why)| *why == Some("budget")).expect("one");
    assert_eq!(first.0, 8 * 300 + 2 * 3600, "three messages are spread over the shift");
    let within = outbox.shown.iter().filter(|(at, ..)| *at < 8 * 3600).count();
    assert!(within <= 12, "{:?}", outbox.shown);
}

#[test]
fn after_a_break_there_is_one_message_and_what_is_critical() {
    assert_eq!(absence(at(0), at(2 * 3600)), None);
    let away = absence(at(-5 * 3600), at(0)).expect("five hours");
    assert_eq!(secs(away.told), CATCH_UP_MINUTES * 60);
    let mut come: Vec<_> = (0..40).map(|n| (n * 10, High)).collect();
    come.push((100, Critical));
    come.push((3_000, High));
    let outbox = live(AlertRules::default(), Some(away), &come);
    let expected = [(100, 1, None), (900, 40, Some("catch_up")), (3_000, 1, None)];
    assert_eq!(outbox.shown, expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Whatever comes: nothing vanishes, nothing is told twice, no shift holds more than the
    /// budget unless by what is critical, and what is critical is told within minutes.
    #[test]
    fn nothing_vanishes_and_nobody_drowns(
        come in prop::collection::vec((0_i64..60_000, 0_u8..20), 1..300),
        budget in 2_u32..20,
        away in any::<bool>(),
    ) {
        let come: Vec<_> = come
            .into_iter()
            .map(|(when, n)| (when, match n { 0 => Critical, 1..=9 => High, _ => Elevated }))
            .collect();
        let rules = AlertRules { budget, ..AlertRules::default() };
        let absence = away.then(|| absence(at(-9_000), at(0)).expect("away"));
        let outbox = live(rules, absence, &come);
        prop_assert_eq!(outbox.waits.len(), come.len(), "everything is told once");
        let told: usize = outbox.shown.iter().map(|(_, count, _)| count).sum();
        prop_assert_eq!(told, come.len(), "counts add up");
        let critical = come.iter().filter(|(_, level)| *level == Critical).count();
        for (begin, ..) in &outbox.shown {
            let within = |at: &i64| (*begin..begin + 8 * 3600).contains(at);
            let shift = outbox.shown.iter().filter(|(at, ..)| within(at)).count();
            prop_assert!(shift <= budget as usize + critical + usize::from(away), "{shift}");
        }
        for (level, came, told) in &outbox.waits {
            let most = if *level == Critical { 11 * 60 } else { 8 * 3600 * 3 };
            prop_assert!(told - came <= most, "{level:?} waited {} s", told - came);
        }
        let first = outbox.shown[0].0 - outbox.waits.iter().map(|(_, came, _)| *came).min().unwrap();
        prop_assert!(away || first <= 120);
    }
}
