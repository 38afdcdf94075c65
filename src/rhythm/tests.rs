//! Rhythms learned from made-up hours, shares of a quota, odd silences.

use super::plan::{LONGEST, Plan, Purse, Subject, plan};
use super::*;
use crate::model::LookReason;

/// A Monday at noon UTC.
fn noon() -> Timestamp {
    "2026-03-02T12:00:00Z".parse().expect("an instant")
}

/// Four weeks of a page that writes `posts` in each of the `hours` of every day.
fn page(hours: &[i64], posts: u32) -> History {
    let last = hour_of(noon());
    let since = last - HISTORY_HOURS;
    let wrote = |hour: &i64| hours.contains(&hour.rem_euclid(24));
    let hours = (since..last).filter(wrote).map(|hour| (hour, posts)).collect();
    History { since, until: noon(), hours }
}

fn subject(rhythm: &Rhythm, every_secs: i64) -> Subject<'_> {
    Subject { rhythm, every_secs, floor_secs: 60, weight: 1.0 }
}

fn purse(left: Option<f64>) -> Purse {
    let day_ends = "2026-03-02T21:00:00Z".parse().expect("an instant");
    Purse { left, per_day: 400.0, day_ends, cost: 1.0 }
}

fn minutes(plan: &Plan, subject: &Subject<'_>) -> i64 {
    let next = plan.next(subject, noon(), 0.0);
    (next.at.duration_since(noon()).as_secs() + 30) / 60
}

#[test]
fn the_hours_of_a_page_are_learned_and_few_data_are_not_believed() {
    let busy = page(&[10, 11, 12, 13], 4);
    let once = History { hours: vec![(hour_of(noon()) - 100, 1)], ..page(&[], 0) };
    let never = page(&[], 0);
    let rhythms = learn(&[busy, once, never], 0);
    let at = |number: usize, hour: i64| rhythms[number].usual(hour_of(noon()) - 12 + hour);
    assert!(at(0, 11) > 20.0 * at(0, 3), "{} {}", at(0, 11), at(0, 3));
    assert!((rhythms[0].rate - 16.0 / 24.0).abs() < 0.1, "{}", rhythms[0].rate);
    assert!(rhythms[1].rate < 0.02 && rhythms[1].rate > rhythms[2].rate, "{rhythms:?}");
    assert!(rhythms[2].rate >= RATE_MIN);
    assert!(at(1, 11) > at(1, 3), "what all do is the best guess for one of whom little is known");
}

#[test]
fn civil_hours_are_those_of_the_district() {
    let morning_in_irkutsk = page(&[0, 1], 3);
    let rhythm = &learn(&[morning_in_irkutsk], 8 * 3_600)[0];
    assert!(rhythm.hours[8] > 5.0 && rhythm.hours[0] < 0.5, "{:?}", rhythm.hours);
}

#[test]
fn a_burst_counts_and_fades() {
    let mut history = page(&(0..24).collect::<Vec<_>>(), 1);
    let last = hour_of(noon()) - 1;
    history.hours.retain(|(hour, _)| *hour < last);
    history.hours.push((last, 30));
    let rhythm = &learn(&[history], 0)[0];
    let at = |hours: i64| rhythm.expected(noon() + jiff::SignedDuration::from_hours(hours));
    assert!(at(0) > 3.0 * rhythm.rate, "{} of {}", at(0), rhythm.rate);
    assert!(at(12) < 1.1 * rhythm.rate, "{} of {}", at(12), rhythm.rate);
}

#[test]
fn pages_alike_are_looked_at_as_wished() {
    let rhythms = learn(&[page(&(0..24).collect::<Vec<_>>(), 1)], 0);
    let subjects = [subject(&rhythms[0], 900), subject(&rhythms[0], 900)];
    let made = plan(&subjects, &purse(None), noon());
    let next = made.next(&subjects[0], noon(), 0.0);
    assert_eq!((minutes(&made, &subjects[0]), next.why), (15, LookReason::Wished));
    let (early, late) =
        (made.next(&subjects[0], noon(), -1.0).at, made.next(&subjects[0], noon(), 1.0).at);
    assert!(early < next.at && next.at < late, "sources do not walk in step");
    let wishes = [subject(&rhythms[0], 900), subject(&rhythms[0], 3_600)];
    let made = plan(&wishes, &purse(None), noon());
    assert_eq!(
        minutes(&made, &wishes[1]),
        4 * minutes(&made, &wishes[0]),
        "wishes keep their ratio"
    );
}

#[test]
fn intervals_shrink_with_the_root_of_the_rate() {
    let all: Vec<i64> = (0..24).collect();
    let rhythms = learn(&[page(&all, 8), page(&all, 4)], 0);
    let subjects = [subject(&rhythms[0], 900), subject(&rhythms[1], 900)];
    // Half of the 9 hours' 72 wished looks.
    let made = plan(&subjects, &purse(Some(36.0)), noon());
    let wait = |number: usize| {
        made.next(&subjects[number], noon(), 0.0).at.duration_since(noon()).as_secs_f64()
    };
    let ratio = wait(1) / wait(0);
    assert!((ratio - 2.0_f64.sqrt()).abs() < 0.02, "{ratio}");
    let looks = 900.0 / wait(0) + 900.0 / wait(1);
    assert!((0.9..=1.0).contains(&looks), "as many looks as there are, less a reserve: {looks}");
}

#[test]
fn a_short_quota_stretches_and_says_so() {
    let all: Vec<i64> = (0..24).collect();
    let rhythms = learn(&[page(&all, 2)], 0);
    let subjects: Vec<Subject<'_>> = (0..8).map(|_| subject(&rhythms[0], 900)).collect();
    // 8 pages, 9 hours: 288 looks are wished, some 60 are left.
    let made = plan(&subjects, &purse(Some(60.0)), noon());
    let next = made.next(&subjects[0], noon(), 0.0);
    assert_eq!(next.why, LookReason::Quota);
    let looks =
        9.0 * 60.0 * 8.0 / f64::from(u16::try_from(minutes(&made, &subjects[0])).expect("small"));
    assert!(looks > 50.0 && looks <= 60.0, "{looks} looks of 60");
    assert!(made.stretch() > 4.0);
    // Nothing left: not before the new day.
    let made = plan(&subjects, &purse(Some(0.0)), noon());
    let next = made.next(&subjects[0], noon(), 0.0);
    assert!(next.at > purse(None).day_ends, "{next:?}");
    assert!(next.at.duration_since(purse(None).day_ends).as_hours() < 1, "{next:?}");
}

#[test]
fn nobody_waits_longer_than_wished_without_need_and_risk_comes_first() {
    let all: Vec<i64> = (0..24).collect();
    let rhythms = learn(&[page(&all, 20), page(&[3], 1)], 0);
    let mut subjects = [subject(&rhythms[0], 900), subject(&rhythms[1], 900)];
    let made = plan(&subjects, &purse(None), noon());
    assert_eq!(made.next(&subjects[1], noon(), 0.0).why, LookReason::Wished);
    assert_eq!(made.next(&subjects[0], noon(), 0.0).why, LookReason::Busy);
    assert_eq!(minutes(&made, &subjects[1]), 15);
    let short = plan(&subjects, &purse(Some(70.0)), noon());
    let (waits, longest) = (minutes(&short, &subjects[1]), 15.0 * LONGEST * short.stretch());
    assert!(waits > 15 && waits as f64 <= longest + 1.0, "{waits} of {longest}");
    subjects[1].weight = 10_000.0;
    let made = plan(&subjects, &purse(None), noon());
    let next = made.next(&subjects[1], noon(), 0.0);
    assert_eq!(next.why, LookReason::Risk, "{next:?}");
}

#[test]
fn an_odd_silence_is_one_the_page_never_had() {
    let every_day = page(&[9, 10, 11, 12, 18, 19, 20], 3);
    let rhythm = &learn(std::slice::from_ref(&every_day), 0)[0];
    let after = |hours: i64| {
        let now = noon() + jiff::SignedDuration::from_hours(hours);
        odd_silence(rhythm, &every_day, now)
    };
    assert_eq!(after(5), None, "an afternoon");
    let last = Timestamp::from_second((hour_of(noon()) - 1) * 3_600).expect("an instant");
    assert_eq!(after(11), Some(last), "an evening without a word");
    // A page that is often away for days, and one of which little is known.
    let last = hour_of(noon());
    let bursts =
        (0..6).flat_map(|week| (0..4).map(move |hour| (last - 600 + week * 100 + hour, 5)));
    let bursts = History { hours: bursts.collect(), ..page(&[], 0) };
    let few = History { hours: vec![(last - 400, 2), (last - 300, 2)], ..page(&[], 0) };
    for history in [bursts, few] {
        let rhythm = &learn(std::slice::from_ref(&history), 0)[0];
        let now = noon() + jiff::SignedDuration::from_hours(10);
        assert_eq!(odd_silence(rhythm, &history, now), None, "{history:?}");
    }
}
