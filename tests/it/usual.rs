//! What is unusual in a quiet village and in a loud one, by season, and what a restart may not
//! change.

use std::collections::BTreeMap;

use jiff::civil::{Date, DateTime, date};
use jiff::{Span, ToSpan};
use otklik::cluster::usual::{Burst, Cell, DISTRICT_BUDGET, Heard, History, Usual, UsualRules};
use proptest::prelude::*;

const RULES: UsualRules = UsualRules { budget: DISTRICT_BUDGET, topics: 20, places: 40 };

fn start() -> Date {
    date(2026, 1, 5)
}

/// The instant `hours` after the start.
fn at(hours: i64) -> DateTime {
    start().at(0, 0, 0, 0).checked_add(Span::new().hours(hours)).expect("a valid time")
}

fn post(usual: &mut Usual, topic: &str, place: &str, at: DateTime) -> Option<Burst> {
    usual.observe(topic, place, Heard { at, reaction: false }, &RULES)
}

fn reaction(usual: &mut Usual, topic: &str, place: &str, at: DateTime) -> Option<Burst> {
    usual.observe(topic, place, Heard { at, reaction: true }, &RULES)
}

/// So many days of a district in which five villages write about roads twice a day, and nobody
/// writes about anything else.
fn district(days: i64) -> Usual {
    let mut usual = Usual::default();
    for hour in (0..days * 24).step_by(12) {
        for place in ["a", "b", "c", "d", "e"] {
            post(&mut usual, "roads", place, at(hour));
        }
    }
    usual
}

#[test]
fn three_posts_are_much_for_a_quiet_village_and_usual_for_a_loud_one() {
    let mut usual = district(60);
    let noon = 60 * 24 + 12;
    let bursts = |usual: &mut Usual, place: &str, count: i64| -> Vec<Burst> {
        (0..count).filter_map(|n| post(usual, "roads", place, at(noon + n))).collect()
    };
    let quiet = bursts(&mut usual, "far", 5);
    let [burst] = quiet.as_slice() else { panic!("one burst: {quiet:?}") };
    assert_eq!((burst.count, burst.hours), (3, 2));
    assert!(burst.expected < 0.2 && burst.chance <= burst.level, "{burst:?}");
    assert_eq!(bursts(&mut usual, "a", 3), [], "twice a day is usual there");
    assert_eq!(bursts(&mut usual, "b", 16).len(), 1);
}

#[test]
fn two_posts_are_no_burst_and_reactions_alone_are_none() {
    let mut usual = district(30);
    let noon = 30 * 24 + 12;
    assert_eq!(post(&mut usual, "water", "far", at(noon)), None);
    for n in 0..8 {
        assert_eq!(reaction(&mut usual, "water", "far", at(noon + n)), None, "one thread");
    }
    let second = post(&mut usual, "water", "far", at(noon + 3)).expect("two posts, many agree");
    assert!(second.count >= 4, "{second:?}");
    let mut usual = district(30);
    post(&mut usual, "water", "far", at(noon));
    assert_eq!(post(&mut usual, "water", "far", at(noon)), None, "two may be one family");
}

#[test]
fn a_cell_tells_once_a_week() {
    let mut usual = district(30);
    let days = |usual: &mut Usual, from: i64| -> usize {
        let hours = (0..4).map(|n| 24 * from + n);
        hours.filter(|hour| post(usual, "water", "far", at(*hour)).is_some()).count()
    };
    assert_eq!(days(&mut usual, 31), 1);
    assert_eq!(days(&mut usual, 33), 0, "it goes on");
    assert_eq!(days(&mut usual, 50), 1, "it is another one");
}

#[test]
fn what_past_years_had_in_this_month_is_expected() {
    let winter = |past: i16| -> Option<Burst> {
        let mut usual = Usual::default();
        let first = date(2026 - past, 6, 1);
        let last = date(2026, 11, 3);
        let mut day = first;
        while day < last {
            // Snow from November to March; roads all year.
            let snow = matches!(day.month(), 11 | 12 | 1..=3) && day < date(2026, 11, 1);
            for hour in [3, 9, 15, 21] {
                if snow {
                    post(&mut usual, "snow", "a", day.at(hour, 0, 0, 0));
                }
                post(&mut usual, "roads", "a", day.at(hour, 30, 0, 0));
            }
            day = day.saturating_add(1.day());
        }
        (0..4).find_map(|n| post(&mut usual, "snow", "a", last.at(4 * n, 0, 0, 0)))
    };
    assert!(winter(0).is_some(), "before any");
    assert_eq!(winter(2), None, "after two winters");
}

#[test]
fn what_is_older_than_a_week_is_not_counted() {
    let mut usual = district(30);
    let known = usual.clone();
    for n in 0..9 {
        assert_eq!(post(&mut usual, "water", "far", at(22 * 24 + n)), None);
    }
    let told =
        |usual: &mut Usual| (0..3).find_map(|n| post(usual, "water", "far", at(31 * 24 + n)));
    assert_eq!(told(&mut usual), told(&mut known.clone()));
}

/// What a store keeps of rows: their text.
type Kept = BTreeMap<Cell, String>;

fn keep(kept: &mut Kept, usual: &Usual) {
    for (cell, history) in usual.changed() {
        kept.insert(cell.clone(), serde_json::to_string(history).expect("written"));
    }
}

/// Only the rows that a post of this cell needs, as the pipeline loads them.
fn load(kept: &Kept, topic: &str, place: &str) -> Usual {
    let mut usual = Usual::default();
    for cell in Usual::cells(topic, place) {
        if let Some(text) = kept.get(&cell) {
            let history: History = serde_json::from_str(text).expect("read");
            usual.load(cell, history);
        }
    }
    usual
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_after_each_post_says_the_same(
        posts in prop::collection::vec((0_i64..30, 0_usize..3, 0_usize..3, any::<bool>()), 1..120),
    ) {
        let (mut whole, mut kept) = (Usual::default(), Kept::new());
        let mut hours = 0;
        for (gap, topic, place, reaction) in posts {
            // Some come late: read after younger ones.
            hours += gap - 4;
            let heard = Heard { at: at(hours), reaction };
            let (topic, place) = (["t0", "t1", "t2"][topic], ["", "p1", "p2"][place]);
            let mut part = load(&kept, topic, place);
            let said = whole.observe(topic, place, heard, &RULES);
            prop_assert_eq!(part.observe(topic, place, heard, &RULES), said);
            keep(&mut kept, &part);
        }
        let mut told = Kept::new();
        keep(&mut told, &whole);
        prop_assert_eq!(told, kept);
    }
}
