//! A platform that is down for hours: what that costs, and how soon everybody is read again.

use std::sync::Mutex;

use jiff::SignedDuration;
use otklik::clock::{Clock, SimClock};
use otklik::model::{Health, HealthState, LookReason};
use otklik::pipeline::collect::sick;
use otklik_collectors::http::Response;
use otklik_collectors::play::vk;
use otklik_collectors::{Class, CollectError, Scope};

use super::{TIMEOUT, Village};
use crate::town::lock;

/// How VK fails.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Way {
    /// Nobody takes the connection.
    Refused,
    /// Something in front of it answers.
    BadGateway,
    /// Something in front of it names the seconds to keep away.
    Busy(i64),
    /// A sign-in page answers in its place.
    Portal,
    /// It takes the request and says nothing.
    Hangs,
    /// It answers that it failed inside.
    Inside,
}

/// Whether VK is down, and how often it was asked meanwhile.
#[derive(Debug, Default)]
pub(super) struct Outage {
    pub way: Option<Way>,
    pub asked: Vec<jiff::Timestamp>,
    /// When it is over, if that is known.
    pub ends: Option<jiff::Timestamp>,
}

/// What a request meets that VK does not answer; nothing while it is well.
pub(super) async fn meet(
    outage: &Mutex<Outage>,
    clock: &SimClock,
) -> Option<Result<Response, CollectError>> {
    let way = {
        let mut outage = lock(outage);
        let way = outage.way.filter(|_| outage.ends.is_none_or(|ends| clock.now() < ends))?;
        outage.asked.push(clock.now());
        way
    };
    let lost =
        |code: &str| Err(CollectError::new(Class::Transient, Scope::Host, code, "Нет связи"));
    let answer = |status: u16, headers| Ok(Response { status, headers, ..Response::default() });
    Some(match way {
        Way::Refused => lost("connect"),
        Way::BadGateway => answer(502, Vec::new()),
        Way::Busy(secs) => answer(503, vec![("retry-after".to_owned(), secs.to_string())]),
        Way::Portal => {
            let body = b"<html><body>Sign in</body></html>".to_vec();
            Ok(Response { status: 200, body, ..Response::default() })
        }
        Way::Inside => {
            let body =
                br#"{"error":{"error_code":10,"error_msg":"Internal server error"}}"#.to_vec();
            Ok(Response { status: 200, body, ..Response::default() })
        }
        Way::Hangs => {
            clock.sleep_until(clock.now() + TIMEOUT).await;
            lost("timeout")
        }
    })
}

const TAKEN: &str = "SELECT SUM(taken) FROM budget WHERE host = '127.0.0.1:7001'";

impl Village {
    fn fail(&self, way: Option<Way>) {
        *lock(&self.vk_out) = Outage { way, ..Outage::default() };
    }

    fn asked(&self) -> Vec<jiff::Timestamp> {
        lock(&self.vk_out).asked.clone()
    }

    /// Sources that no look has read to its end since so many minutes.
    fn unread_for(&self, minutes: i64) -> Vec<String> {
        let since = self.now() - SignedDuration::from_mins(minutes);
        self.rows(&format!(
            "SELECT source FROM source_state WHERE last_ok IS NULL OR last_ok < {}",
            since.as_microsecond()
        ))
    }
}

/// Twelve hours without VK cost a few calls of its daily quota, none that never left us, and all is
/// read again soon after; the channel is read all the while.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_does_not_spend_the_quota() {
    for way in [Way::BadGateway, Way::Refused, Way::Portal, Way::Hangs, Way::Inside] {
        let village = Village::new(6);
        village.live(40).await;
        assert_eq!(village.unread_for(40), [""; 0]);
        village.fail(Some(way));
        let before = village.number(TAKEN);
        village.live(30).await;
        let asked = village.asked();
        let soon = |at: &&jiff::Timestamp| at.duration_since(asked[0]).as_secs() < 180;
        let first = asked.iter().filter(soon).count();
        // That a platform failed inside is believed later than that it does not answer.
        let late = if way == Way::Inside { 15 } else { 0 };
        assert!((2..=15 + late).contains(&first), "{way:?}: {first} calls in three minutes");
        for _ in 0..6 {
            // A restart forgets nothing of it.
            village.live(120).await;
        }
        let asked = village.asked();
        assert!((30..=60 + late).contains(&asked.len()), "{way:?}: {} calls", asked.len());
        let longest = asked.windows(2).map(|pair| pair[1].duration_since(pair[0])).max();
        assert!(longest.is_some_and(|it| it <= SignedDuration::from_mins(23)), "{longest:?}");
        let spent = village.number(TAKEN) - before;
        match way {
            Way::Refused => assert_eq!(spent, 0, "nobody can have counted them"),
            // A new day began meanwhile or did not.
            Way::Inside => assert!(spent <= 75, "{way:?}: {spent} of the quota"),
            _ => assert!(spent <= 60, "{way:?}: {spent} of the quota"),
        }
        let unread = village.unread_for(60);
        assert!(unread.len() == 6 && !unread.iter().any(|id| id.contains("tg")), "{unread:?}");
        village.fail(None);
        village.live(24).await;
        assert_eq!(village.unread_for(24), [""; 0], "{way:?}: read again when it is back");
        assert_eq!(village.number("SELECT COUNT(*) FROM pause"), 0);
    }
}

/// A server that names the time when it wants to be asked again is left alone by everybody until
/// then, whoever of them it said that to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retry_after_of_a_503_is_kept_for_all_and_over_restarts() {
    let village = Village::new(6);
    village.live(40).await;
    village.fail(Some(Way::Busy(7_200)));
    for _ in 0..5 {
        village.live(50).await;
    }
    let asked = village.asked();
    let first = asked.iter().filter(|at| at.duration_since(asked[0]).as_secs() < 60).count();
    assert!((1..=4).contains(&first), "those that were under way: {asked:?}");
    let early = |at: &jiff::Timestamp| (60..7_200).contains(&at.duration_since(asked[0]).as_secs());
    assert!(!asked.iter().any(early), "{asked:?}");
    assert!(asked.len() > first, "asked again when the time has come: {asked:?}");
}

/// What a pass by hand comes to.
async fn pass(village: &Village) -> Vec<Option<String>> {
    let services = village.services();
    services.store.free_leases().await.expect("freed");
    let sources = services.district.load().sources.clone();
    services.store.sync_sources(&sources, village.now()).await.expect("synced");
    let report = otklik::pipeline::pass(&services, &[], "once", &|_, _| {}).await;
    report.expect("passed").looks.into_iter().map(|(_, look)| look.trouble).collect()
}

/// By hand a short wait is waited for; a long one is told, with when to come again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pass_by_hand_honours_retry_after() {
    let village = Village::new(3);
    village.fail(Some(Way::Busy(40)));
    let back = village.now() + SignedDuration::from_secs(30);
    lock(&village.vk_out).ends = Some(back);
    assert_eq!(pass(&village).await, [None, None, None, None]);
    assert_eq!(village.asked().len(), 1, "one is told, the others wait as well");
    village.fail(Some(Way::Busy(3_600)));
    let troubles = pass(&village).await;
    let again = |trouble: &&Option<String>| {
        trouble.as_ref().is_some_and(|text| text.contains("Повторите не раньше"))
    };
    assert_eq!(troubles.iter().filter(again).count(), 3, "{troubles:?}");
    assert_eq!(village.asked().len(), 1);
    let troubles = pass(&village).await;
    assert_eq!(troubles.iter().filter(again).count(), 3, "{troubles:?}");
    assert_eq!(village.asked().len(), 1, "a second pass asks nobody");
}

const WALLS_IN_NEED: &str =
    "SELECT COUNT(*) FROM source_state WHERE health = 'needs_person' AND code = 'vk 14'";

/// All sources of a token say that a person is needed, not only the one that was told so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_keeps_its_class() {
    let village = Village::new(6);
    village.live(40).await;
    lock(&village.vk).fail_next(vk::Fault::Code(14));
    for _ in 0..3 {
        village.live(40).await;
        assert_eq!(village.number(WALLS_IN_NEED), 6, "{:?}", village.unread_for(0));
    }
    let said = village.rows("SELECT DISTINCT trouble FROM source_state WHERE code = 'vk 14'");
    assert!(said.len() == 1 && said[0].contains("не робот"), "{said:?}");
}

/// A pause of ours belongs to the key that was refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_key_lifts_the_pause_of_the_old_one() {
    let village = Village::new(3);
    village.live(40).await;
    lock(&village.vk).fail_next(vk::Fault::Code(14));
    village.live(30).await;
    assert_eq!(village.number(WALLS_IN_NEED), 3);
    lock(&village.vk).tokens.insert("ANOTHERMADEUP".to_owned(), vk::Token::Service);
    village.rig.write("config/vk", "ANOTHERMADEUP");
    village.live(2).await;
    // Whether the channel's turn came within these minutes as well is its own rhythm's.
    let unread = village.unread_for(10);
    assert!(unread.iter().all(|source| source == "Text(\"tg\")"), "{unread:?}");
    assert_eq!(village.number(WALLS_IN_NEED), 0);
}

/// Who has passed a captcha and starts a pass is believed, once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pass_by_hand_tries_once_whether_a_captcha_is_passed() {
    let village = Village::new(3);
    village.live(40).await;
    lock(&village.vk).fail_next(vk::Fault::Code(14));
    village.live(30).await;
    lock(&village.vk).fail_next(vk::Fault::Code(14));
    let before = lock(&village.vk).log.len();
    let troubles = pass(&village).await;
    let needed = |it: &&Option<String>| it.as_ref().is_some_and(|it| it.contains("не робот"));
    assert_eq!(troubles.iter().filter(needed).count(), 3, "{troubles:?}");
    assert_eq!(lock(&village.vk).log.len() - before, 1, "one call for all of them");
    assert_eq!(pass(&village).await, [None, None, None, None]);
    assert_eq!(village.number(WALLS_IN_NEED), 0);
}

/// The same minute after each failure is no wait that grows; a longer time that is named is kept.
#[test]
fn waits_grow_whatever_time_an_error_names() {
    let now: jiff::Timestamp = "2026-03-02T01:00:00Z".parse().expect("an instant");
    let mut health = Health {
        state: HealthState::Ok,
        since: now,
        code: None,
        text: None,
        failures: 0,
        last_ok: None,
        next: now,
        why: LookReason::Wished,
    };
    let wait = |health: &Health| health.next.duration_since(now).as_secs();
    let minute = now + SignedDuration::from_mins(1);
    let error = CollectError::new(Class::Transient, Scope::Host, "http 502", "Нет связи");
    for expected in [60, 120, 240, 480, 960, 1_200, 1_200] {
        health = sick(&health, &error.clone().until(minute), now);
        assert_eq!(wait(&health), expected);
    }
    let hours = now + SignedDuration::from_hours(50);
    assert_eq!(wait(&sick(&health, &error.clone().asked(Some(hours)), now)), 180_000);
    // Whoever waits without a call is asked again when the one that tries is known to have failed.
    let held = CollectError { held: true, ..error.until(minute) };
    assert_eq!(wait(&sick(&health, &held, now)), 60);
}
