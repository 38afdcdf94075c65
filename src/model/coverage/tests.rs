//! The ledger against a plain model: an array of hours, each read or not.

use proptest::prelude::*;

use super::*;

fn hour(hour: i64) -> Timestamp {
    let start: Timestamp = "2026-03-02T00:00:00Z".parse().expect("an instant");
    start + SignedDuration::from_hours(hour)
}

fn stretch(from: i64, to: i64) -> Stretch {
    Stretch::new(hour(from), hour(to))
}

fn hole(from: i64, to: i64, cause: HoleCause, posts: Option<u32>) -> NotedHole {
    NotedHole { stretch: stretch(from, to), cause, posts }
}

fn look(from: i64, to: i64, holes: &[NotedHole]) -> Noted {
    Noted { read: Some(stretch(from, to)), holes: holes.to_vec() }
}

fn stored(posts: u64) -> Stored {
    Stored { posts, ..Stored::default() }
}

/// Looks once an hour; `None` before there was one.
fn share(ledger: &Ledger, posts: u64, now: i64) -> Option<u16> {
    ledger.completeness(3_600, &stored(posts), hour(now)).share
}

#[test]
fn looks_that_touch_are_whole() {
    let mut ledger = Ledger::default();
    assert_eq!(share(&ledger, 9, 0), None);
    ledger.note(&look(0, 100, &[]), hour(100));
    ledger.note(&look(50, 110, &[]), hour(110));
    assert_eq!(ledger.read, [stretch(0, 110)]);
    assert_eq!(share(&ledger, 9, 110), Some(1_000));
    assert_eq!(share(&ledger, 9, 112), Some(1_000), "the next look is not overdue yet");
    assert_eq!(share(&ledger, 9, 222), Some(500), "110 of 220 hours: two hours are patience");
}

#[test]
fn an_absence_is_seen_and_back_filled() {
    let mut ledger = Ledger::default();
    ledger.note(&look(0, 100, &[]), hour(100));
    ledger.note(&look(150, 200, &[]), hour(200));
    let told = ledger.completeness(3_600, &stored(0), hour(200));
    assert_eq!((told.share, told.not_looked_secs), (Some(750), 50 * 3_600));
    ledger.note(&look(90, 201, &[]), hour(201));
    assert_eq!(share(&ledger, 0, 201), Some(1_000));
}

#[test]
fn a_hole_is_queued_closed_by_a_later_look_and_never_by_its_own() {
    let mut ledger = Ledger::default();
    let missed = hole(40, 50, HoleCause::PageMissed, None);
    ledger.note(&Noted { read: None, holes: vec![missed] }, hour(99));
    ledger.note(&look(0, 100, &[]), hour(100));
    assert_eq!(ledger.owed(), Some(hour(40)));
    assert_eq!(share(&ledger, 0, 100), Some(900));
    ledger.note(&look(45, 101, &[]), hour(101));
    assert_eq!(ledger.owed(), Some(hour(40)), "its begin was not reached");
    assert_eq!(share(&ledger, 0, 101), Some(950));
    ledger.note(&look(30, 102, &[]), hour(102));
    assert_eq!((ledger.owed(), share(&ledger, 0, 102)), (None, Some(1_000)));
    let told = ledger.completeness(3_600, &stored(0), hour(102));
    assert_eq!(
        told.gap(HoleCause::PageMissed).map(|gap| (gap.open, gap.back_filled)),
        Some((0, 1))
    );
}

#[test]
fn what_is_never_given_is_explained_after_some_looks() {
    let mut ledger = Ledger::default();
    ledger.note(&look(0, 100, &[hole(40, 50, HoleCause::PageMissed, Some(7))]), hour(100));
    assert_eq!(share(&ledger, 93, 100), Some(930), "seven posts of a hundred");
    for now in 101..=103 {
        assert_eq!(ledger.owed(), Some(hour(40)), "{now}");
        let again = hole(40, 50, HoleCause::PageMissed, Some(7));
        ledger.note(&look(0, now, &[again]), hour(now));
    }
    assert_eq!(ledger.owed(), None);
    assert_eq!(ledger.holes.len(), 1, "{:?}", ledger.holes);
    assert_eq!(ledger.holes[0].state, HoleState::Explained);
    assert_eq!(share(&ledger, 93, 103), Some(930), "explained is not read");
}

#[test]
fn a_window_that_slides_leaves_one_hole() {
    let mut ledger = Ledger::default();
    for now in 168..300 {
        let refused = hole(now - 168, now, HoleCause::CommentsRefused, Some(5));
        ledger.note(&look(now - 168, now, &[refused]), hour(now));
    }
    assert_eq!(ledger.holes.len(), 1, "{:?}", ledger.holes);
    assert_eq!(ledger.holes[0].stretch, stretch(0, 299));
    let told = ledger.completeness(3_600, &stored(95), hour(299));
    assert_eq!((told.share, told.unread()), (Some(950), 5), "its time was read, five were not");
}

#[test]
fn pictures_and_unreadable_elements_count_and_removed_numbers_do_not() {
    let mut ledger = Ledger::default();
    ledger.note(&look(0, 100, &[hole(10, 20, HoleCause::Numbers, Some(50))]), hour(100));
    let counted = Stored { posts: 90, pictures_only: 15, unreadable: 10, comments_closed: 3 };
    let told = ledger.completeness(3_600, &counted, hour(100));
    assert_eq!(told.share, Some(750));
    assert_eq!(told.gap(HoleCause::Numbers).and_then(|gap| gap.posts), Some(50));
}

#[test]
fn history_that_is_not_given_counts_as_dark_while_it_is_in_the_frame() {
    let mut ledger = Ledger::default();
    ledger.note(&look(50, 100, &[hole(0, 50, HoleCause::HistoryEnds, None)]), hour(100));
    assert_eq!(share(&ledger, 10, 100), Some(500));
    assert_eq!(ledger.owed(), None, "there is nothing to go back for");
    let days = 24 * (WINDOW_DAYS + 3);
    ledger.note(&look(99, days, &[]), hour(days));
    assert_eq!(share(&ledger, 10, days), Some(1_000));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// An hour is dark in the ledger if and only if no look read it, or the last look that could
    /// have read it noted a hole there.
    #[test]
    fn the_ledger_agrees_with_a_plain_array(
        looks in prop::collection::vec(
            (0_i64..300, 1_i64..200, prop::collection::vec((0_i64..300, 1_i64..40), 0..3)), 1..12)
    ) {
        let mut ledger = Ledger::default();
        let mut model = [false; 512];
        let now = hour(500);
        for (from, length, holes) in &looks {
            let read = stretch(*from, from + length);
            let inside = holes.iter().map(|(from, length)| stretch(*from, from + length));
            let inside: Vec<Stretch> = inside.filter_map(|it| it.within(read)).collect();
            let noted = inside.iter().map(|stretch| NotedHole {
                stretch: *stretch, cause: HoleCause::PageMissed, posts: None,
            });
            ledger.note(&Noted { read: Some(read), holes: noted.collect() }, now);
            for (number, dark) in (0..).zip(model.iter_mut()) {
                let here = stretch(number, number + 1);
                if read.covers(here) {
                    *dark = !inside.iter().any(|hole| hole.covers(here));
                }
            }
            prop_assert!(ledger.read.windows(2).all(|two| two[0].to < two[1].from));
        }
        let first = ledger.frame(3_600, now).expect("a look").from;
        let told = ledger.completeness(3_600, &stored(0), now);
        let begin = usize::try_from(first.duration_since(hour(0)).as_hours()).expect("small");
        let dark = model[begin..498].iter().filter(|read| !**read).count() as u64 * 3_600;
        prop_assert_eq!(told.dark_secs, dark, "{:?}", ledger);
    }
}
