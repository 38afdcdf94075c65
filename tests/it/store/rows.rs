//! Sources, budgets, jobs, settings, digests and the status: small rows that steer everything else.

use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use otklik::clock::Clock;
use otklik::model::{Health, HealthState, ProblemState, SourceId, TopicId};
use otklik::pipeline::budget::StoredBudget;
use otklik::store::{
    AttitudeTally, BudgetAnswer, BudgetCall, DigestSpan, GroupOutcome, Pause, PauseCause, PauseOf,
    Store, StoreError, StoredDigest,
};
use otklik_collectors::{Budget, Busy, Call, Class, CollectError, Scope};

use super::group::{decision, delivery};
use super::{World, at, chatter, complaint, days, health, source};
use crate::town::lock;

#[tokio::test]
async fn sources_are_due_by_time_and_only_while_listed() {
    let world = World::new();
    let store = &world.store;
    store.sync_sources(&[source("a"), source("b")], at(0)).await.expect("synced");
    let claimed = store.claim_due_sources(at(0), "one", at(5), 10).await.expect("claimed");
    assert_eq!(claimed.iter().map(|due| due.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(claimed[0].cursor, None);
    let mut slow = health(at(30));
    (slow.state, slow.failures) = (HealthState::Slow, 2);
    (slow.code, slow.text) = (Some("http 502".to_owned()), Some("площадка не отвечает".to_owned()));
    store.finish_look(&SourceId::from("a"), "one", &slow).await.expect("held");
    store.finish_look(&SourceId::from("b"), "one", &health(at(20))).await.expect("held");
    assert!(store.due_sources(at(19), 10).await.expect("read").is_empty());
    assert_eq!(store.next_source_due().await.expect("read"), Some(at(20)));
    assert_eq!(store.due_sources(at(30), 10).await.expect("read"), ["b".into(), "a".into()]);
    assert_eq!(store.sources().await.expect("read")[0].health, slow);
    store.sync_sources(&[source("a")], at(31)).await.expect("synced");
    assert_eq!(store.due_sources(at(31), 10).await.expect("read"), ["a".into()]);
    assert_eq!(store.claim_source(&"b".into(), at(31), "x", at(32)).await.expect("asked"), None);
    assert_eq!(store.hasten_sources(&[], at(1)).await.expect("done"), 1);
    assert_eq!(store.next_source_due().await.expect("read"), Some(at(1)));
}

#[tokio::test]
async fn hastening_never_postpones() {
    let world = World::new();
    let store = &world.store;
    store.sync_sources(&[source("club")], at(3)).await.expect("synced");
    store.hasten_sources(&[], at(9)).await.expect("done");
    assert_eq!(store.next_source_due().await.expect("read"), Some(at(3)));
    // Asked for during a look: it is kept while the look is broken off and fails.
    let id = SourceId::from("club");
    store.claim_source(&id, at(3), "one", at(20)).await.expect("asked").expect("free");
    store.hasten_sources(&[], at(8)).await.expect("done");
    store.hasten_sources(&[], at(5)).await.expect("done");
    store.yield_look(&id, "one", at(6)).await.expect("held");
    store.claim_source(&id, at(6), "two", at(20)).await.expect("asked").expect("free");
    let failed = Health { state: HealthState::Slow, last_ok: None, ..health(at(30)) };
    store.finish_look(&id, "two", &failed).await.expect("held");
    assert_eq!(store.next_source_due().await.expect("read"), Some(at(30)));
    store.claim_source(&id, at(30), "three", at(40)).await.expect("asked").expect("free");
    let ended = Health { last_ok: Some(at(31)), ..health(at(60)) };
    store.finish_look(&id, "three", &ended).await.expect("held");
    assert_eq!(store.next_source_due().await.expect("read"), Some(at(8)), "the latest asked for");
}

#[tokio::test]
async fn a_source_with_a_new_address_starts_over() {
    let world = World::new();
    let store = &world.store;
    let id = SourceId::from("novosti");
    store.sync_sources(&[source("novosti")], at(0)).await.expect("synced");
    store.claim_source(&id, at(0), "one", at(5)).await.expect("claimed").expect("free");
    let mut page = super::page(Vec::new(), at(1));
    page.look = Some(super::look("one", "c1"));
    store.commit_page(page).await.expect("committed");
    store.sync_sources(&[source("novosti")], at(1)).await.expect("synced");
    assert_eq!(store.sources().await.expect("read")[0].cursor.as_deref(), Some("c1"));
    let mut moved = source("novosti");
    moved.handle = "drugoe".to_owned();
    store.sync_sources(&[moved], at(2)).await.expect("synced");
    assert_eq!(store.sources().await.expect("read")[0].cursor, None);
}

fn call(method: &str, per_day_max: Option<u32>) -> BudgetCall {
    BudgetCall {
        host: "api.example".to_owned(),
        token: "service".to_owned(),
        fingerprint: "one".to_owned(),
        method: method.to_owned(),
        spacing_ms: 60_000,
        per_day_max,
        day: 20_260_105,
    }
}

/// A pause that the platform ordered.
fn ordered(of: PauseOf, until: Timestamp) -> Pause {
    let [class, code, text] = ["rate_limited", "vk 9", "Ждём"].map(str::to_owned);
    Pause { of, until, cause: PauseCause { class, code, text } }
}

#[tokio::test]
async fn budgets_space_count_and_pause_over_restarts() {
    let world = World::new();
    let take = async |world: &World, call: BudgetCall, now: Timestamp, expected: BudgetAnswer| {
        let answer = world.store.budget_take(call.clone(), now).await.expect("asked");
        assert_eq!(answer, expected, "{call:?} at {now}");
    };
    take(&world, call("wall.get", None), at(0), BudgetAnswer::At(at(0))).await;
    take(&world, call("wall.getComments", Some(2)), at(0), BudgetAnswer::At(at(1))).await;
    let world = world.killed();
    take(&world, call("wall.getComments", Some(2)), at(0), BudgetAnswer::At(at(2))).await;
    take(&world, call("wall.getComments", Some(2)), at(9), BudgetAnswer::Spent).await;
    let tomorrow = BudgetCall { day: 20_260_106, ..call("wall.getComments", Some(2)) };
    take(&world, tomorrow, at(9), BudgetAnswer::At(at(9))).await;
    let pause = async |of: PauseOf, until: Timestamp| {
        let pause = ordered(of, until);
        let kept = world.store.budget_pause(call("wall.get", None), pause, true, at(25)).await;
        kept.expect("kept");
    };
    let paused = |of, until| BudgetAnswer::Paused(ordered(of, until));
    pause(PauseOf::Method, at(30)).await;
    pause(PauseOf::Method, at(20)).await;
    let method = paused(PauseOf::Method, at(30));
    take(&world, call("wall.get", None), at(25), method).await;
    take(&world, call("users.get", None), at(25), BudgetAnswer::At(at(25))).await;
    pause(PauseOf::Token, at(40)).await;
    take(&world, call("users.get", None), at(27), paused(PauseOf::Token, at(40))).await;
    take(&world, call("users.get", None), at(40), BudgetAnswer::At(at(40))).await;
    let other = BudgetCall { token: "user".to_owned(), ..call("wall.get", None) };
    take(&world, other, at(25), BudgetAnswer::At(at(25))).await;
}

/// A clock that was years ahead and is set right must not leave us asleep for years.
#[tokio::test]
async fn a_clock_that_is_set_back_leaves_no_pause_of_ours_and_no_far_turn() {
    let world = World::new();
    let store = &world.store;
    let asked = |now| store.budget_take(call("wall.get", None), now);
    assert_eq!(asked(days(900)).await.expect("asked"), BudgetAnswer::At(days(900)));
    let [class, code, text] = ["needs_person", "vk 14", "Пройдите проверку"].map(str::to_owned);
    let cause = PauseCause { class, code, text };
    let pause = |until| Pause { of: PauseOf::Token, until, cause: cause.clone() };
    let keep = |until, now| store.budget_pause(call("wall.get", None), pause(until), false, now);
    keep(days(901), days(900)).await.expect("kept");
    assert_eq!(asked(at(1)).await.expect("asked"), BudgetAnswer::Probe(at(1)));
    // What is met now counts, though the stale one ends later.
    keep(at(60), at(2)).await.expect("kept");
    assert_eq!(asked(at(3)).await.expect("asked"), BudgetAnswer::Paused(pause(at(60))));
    assert_eq!(asked(at(60)).await.expect("asked"), BudgetAnswer::Probe(at(60)));
    let other = asked(at(60)).await.expect("asked");
    assert!(matches!(other, BudgetAnswer::Paused(_)), "one tries: {other:?}");
    store.free_leases().await.expect("freed");
    let after = asked(at(61)).await.expect("asked");
    assert_eq!(after, BudgetAnswer::Probe(at(61)), "the one that tried ended with its process");
}

/// The same as the collectors ask.
fn asked(method: &str) -> Call {
    let BudgetCall { host, token, fingerprint, method, spacing_ms, per_day_max, .. } =
        call(method, None);
    Call { host, token, fingerprint, method, spacing_ms, per_day_max }
}

/// A clock on which a captcha comes while a call waits for its turn.
struct Meanwhile {
    store: Store,
    now: Mutex<Timestamp>,
}

#[async_trait::async_trait]
impl Clock for Meanwhile {
    fn now(&self) -> Timestamp {
        *lock(&self.now)
    }

    async fn sleep_until(&self, at: Timestamp) {
        let pause = ordered(PauseOf::Token, at + LONG);
        let paused = self.store.budget_pause(call("wall.get", None), pause, true, at).await;
        paused.expect("kept");
        *lock(&self.now) = at;
    }

    fn busy(&self) -> Busy {
        Busy::uncounted()
    }
}

const LONG: SignedDuration = SignedDuration::from_hours(6);

#[tokio::test]
async fn a_pause_that_comes_while_a_call_waits_for_its_turn_stops_it() {
    let world = World::new();
    let first = world.store.budget_take(call("wall.get", None), at(0)).await.expect("asked");
    assert_eq!(first, BudgetAnswer::At(at(0)));
    let clock = Meanwhile { store: world.store.clone(), now: Mutex::new(at(0)) };
    let budget = StoredBudget::new(world.store.clone(), Arc::new(clock));
    let refused = budget.take(&asked("wall.get")).await;
    let refused = refused.expect_err("it is not made");
    assert_eq!((refused.class, refused.until), (Class::RateLimited, Some(at(1) + LONG)));
    let taken = world.number("SELECT taken FROM budget WHERE method = 'wall.get'");
    assert_eq!(taken, 1, "a call that is not made costs nothing");
}

/// A clock whose waits take no time.
struct Hands(Mutex<Timestamp>);

#[async_trait::async_trait]
impl Clock for Hands {
    fn now(&self) -> Timestamp {
        *lock(&self.0)
    }

    async fn sleep_until(&self, at: Timestamp) {
        let mut now = lock(&self.0);
        *now = at.max(*now);
    }

    fn busy(&self) -> Busy {
        Busy::uncounted()
    }
}

/// What never left us is given back to the day it was counted in, which at midnight (Moscow's) is
/// not the day in which that is heard.
#[tokio::test]
async fn a_refused_call_is_given_back_to_the_day_it_was_counted_in() {
    let instant = |text: &str| text.parse::<Timestamp>().expect("an instant");
    let lost = CollectError::new(Class::Transient, Scope::Host, "connect", "Нет связи");
    let taken = |world: &World, day: u32| {
        world.number(&format!(
            "SELECT COALESCE(SUM(taken), -1) FROM budget WHERE method = 'wall.get' AND day = {day}"
        ))
    };
    let call = asked("wall.get");
    for second in [false, true] {
        let world = World::new();
        let clock = Arc::new(Hands(Mutex::new(instant("2026-01-05T20:59:30Z"))));
        let budget = StoredBudget::new(world.store.clone(), clock.clone());
        budget.take(&call).await.expect("counted");
        assert_eq!(taken(&world, 20_260_105), 1);
        *lock(&clock.0) = instant("2026-01-05T21:00:10Z");
        if second {
            budget.take(&call).await.expect("counted");
            assert_eq!(taken(&world, 20_260_106), 1);
        }
        budget.heard(&call, Err(&lost)).await;
        let (day, left) = if second { (20_260_106, 1) } else { (20_260_105, 0) };
        assert_eq!(taken(&world, day), left, "second {second}");
        if second {
            budget.heard(&call, Err(&lost)).await;
            assert_eq!(taken(&world, day), 0);
        }
    }
}

/// A platform that fails inside stops nobody by what it says of one page; when it says so of all,
/// one tries for all.
#[tokio::test]
async fn only_many_inner_failures_in_a_row_are_an_outage() {
    let world = World::new();
    let now: Timestamp = "2026-01-05T10:00:00Z".parse().expect("an instant");
    let clock = Arc::new(Hands(Mutex::new(now)));
    let budget = StoredBudget::new(world.store.clone(), clock);
    let inside = CollectError::new(Class::Transient, Scope::Source, "vk 10", "VK не справился");
    let inside = inside.inside(true);
    let own = CollectError { inside: false, ..inside.clone() };
    let pauses = || world.number("SELECT COUNT(*) FROM pause WHERE token = ''");
    // One sick page asked for again and again, any other answer between.
    for _ in 0..10 {
        for _ in 0..14 {
            budget.heard(&asked("wall.get"), Err(&inside)).await;
        }
        assert_eq!(pauses(), 0);
        budget.heard(&asked("wall.getComments"), Ok(())).await;
    }
    for _ in 0..40 {
        budget.heard(&asked("wall.get"), Err(&own)).await;
    }
    assert_eq!(pauses(), 0, "a trouble of one page alone");
    for _ in 0..15 {
        assert_eq!(pauses(), 0);
        budget.heard(&asked("wall.get"), Err(&inside)).await;
    }
    assert_eq!(pauses(), 1);
    let held = budget.take(&asked("wall.get")).await.expect_err("others wait");
    assert!(held.held && held.code == "vk 10", "{held}");
}

#[tokio::test]
async fn a_job_is_run_by_one_and_comes_back_when_its_runner_dies() {
    let world = World::new();
    let store = &world.store;
    store.plan_job("digest", at(5), false).await.expect("planned");
    store.plan_job("digest", at(1), false).await.expect("planned");
    assert_eq!(store.next_job_due().await.expect("read"), Some(at(5)));
    assert!(store.claim_jobs(at(4), "one", at(9)).await.expect("asked").is_empty());
    assert_eq!(store.due_jobs(at(5)).await.expect("read").len(), 1);
    assert_eq!(store.claim_jobs(at(5), "one", at(9)).await.expect("claimed").len(), 1);
    assert!(store.claim_jobs(at(6), "two", at(9)).await.expect("asked").is_empty());
    assert_eq!(store.claim_jobs(at(9), "two", at(12)).await.expect("claimed").len(), 1);
    let late = store.finish_job("digest", "one", at(100)).await;
    assert!(matches!(late, Err(StoreError::LeaseLost)), "{late:?}");
    store.finish_job("digest", "two", at(50)).await.expect("held");
    assert_eq!(store.next_job_due().await.expect("read"), Some(at(50)));
    store.plan_job("digest", at(40), true).await.expect("planned anew");
    assert_eq!(store.next_job_due().await.expect("read"), Some(at(40)));
}

#[tokio::test]
async fn settings_are_kept() {
    let world = World::new();
    assert_eq!(world.store.setting("lexicon").await.expect("read"), None);
    world.store.keep_setting("lexicon", "one").await.expect("kept");
    world.store.keep_setting("lexicon", "two").await.expect("kept");
    assert_eq!(
        world.killed().store.setting("lexicon").await.expect("read").as_deref(),
        Some("two")
    );
}

fn span() -> DigestSpan {
    DigestSpan { week: "2026-W03".to_owned(), before: days(0), from: days(7), to: days(14) }
}

#[tokio::test]
async fn a_week_is_counted_against_the_week_before() {
    let world = World::new();
    world.store.sync_sources(&[source("novosti")], days(0)).await.expect("synced");
    let mut lone = complaint("4", "Холодно где-то", days(9), 4);
    lone.assessment.places.clear();
    let mut elsewhere = complaint("5", "Холодно в городе", days(9), 5);
    elsewhere.assessment.places[0].elsewhere = true;
    let posts = vec![
        complaint("1", "Холодно дома", days(8), 1),
        complaint("2", "Холодно в школе", days(9), 2),
        complaint("3", "Холодно было", days(3), 3),
        lone,
        elsewhere,
        chatter("6", "С добрым утром", days(10)),
        chatter("7", "Поздно", days(14)),
    ];
    world.commit(posts, days(14)).await;
    let mut commit = decision(days(8));
    commit.done.clear();
    let outcome = world.store.commit_group(commit).await.expect("committed");
    assert_eq!(outcome, GroupOutcome::Committed);
    let counts = world.store.digest_counts(&span(), days(14)).await.expect("counted");
    assert_eq!((counts.read, counts.matched, counts.alerts), ((5, 1), (4, 1), 1));
    let cells: Vec<_> = counts
        .cells
        .iter()
        .map(|cell| {
            let place = cell.place.as_ref().map(|place| place.as_str().to_owned());
            (cell.topic.as_str(), place, cell.posts, cell.before)
        })
        .collect();
    let onohoy = Some("onohoy".to_owned());
    assert_eq!(cells, [("heating", onohoy, 2, 1), ("heating", None, 1, 0)]);
    assert_eq!(counts.places_heard, ["onohoy".into()]);
    assert_eq!(counts.problems.len(), 1);
    assert_eq!((counts.problems[0].state, counts.problems[0].voices), (ProblemState::Open, 1));
    assert_eq!(counts.sources.len(), 1);
    assert!(counts.attitude.is_empty());
}

#[tokio::test]
async fn attitude_shows_from_five_voices_on_and_outlives_them_as_a_number() {
    let world = World::new();
    let tally = |id: u8, pack: &str| {
        let mut commit = chatter(&format!("{pack}{id}"), "текст", days(8));
        let week = "2026-W03".to_owned();
        commit.attitude = vec![AttitudeTally::new(TopicId::from(pack), week, [id; 8])];
        commit
    };
    let mut posts: Vec<_> = (0..6).map(|id| tally(id, "officials")).collect();
    posts.extend((0..4).map(|id| tally(id, "authorities")));
    world.commit(posts, days(8)).await;
    let shown = [(TopicId::from("officials"), 6)];
    let counts = world.store.digest_counts(&span(), days(14)).await.expect("counted");
    assert_eq!(counts.attitude, shown);
    assert_eq!(world.store.close_attitude_weeks("2026-W03").await.expect("closed"), 0);
    assert_eq!(world.store.close_attitude_weeks("2026-W04").await.expect("closed"), 10);
    assert_eq!(world.number("SELECT COUNT(*) FROM attitude_voice"), 0);
    // A post of that week that is read late cannot be told from those that were counted.
    world.commit(vec![tally(9, "officials")], days(20)).await;
    assert_eq!(world.number("SELECT COUNT(*) FROM attitude_voice"), 0);
    let counts = world.store.digest_counts(&span(), days(14)).await.expect("counted");
    assert_eq!(counts.attitude, shown);
}

#[tokio::test]
async fn a_digest_is_made_once_a_week() {
    let world = World::new();
    let digest = |text: &str| StoredDigest {
        week: "2026-W03".to_owned(),
        made: days(14),
        text: text.to_owned(),
        html: format!("<p>{text}</p>"),
    };
    let store = &world.store;
    assert!(store.commit_digest(digest("раз"), vec![delivery("d1", days(14))]).await.expect("ok"));
    assert!(!store.commit_digest(digest("два"), vec![delivery("d2", days(14))]).await.expect("ok"));
    let kept = world.killed();
    assert_eq!(kept.store.digest("2026-W03").await.expect("read"), Some(digest("раз")));
    assert_eq!(kept.store.export_deliveries(None, None, 10).await.expect("read").len(), 1);
}

#[tokio::test]
async fn status_counts_everything_in_one_look() {
    let world = World::new();
    world.store.sync_sources(&[source("novosti")], at(0)).await.expect("synced");
    world.commit(vec![complaint("1", "Холодно дома", at(1), 1)], at(4)).await;
    world.commit(vec![complaint("2", "Холодно тут", at(2), 2)], at(3)).await;
    let outcome = world.store.commit_group(decision(at(2))).await.expect("committed");
    assert_eq!(outcome, GroupOutcome::Committed);
    let status = world.store.status(at(9)).await.expect("read");
    assert_eq!(status.posts.values().sum::<u64>(), 2);
    assert_eq!((status.waiting, status.alerts, status.dead_letters, status.erased), (1, 1, 0, 0));
    assert_eq!(status.problems.get(&ProblemState::Open), Some(&1));
    assert_eq!(status.deliveries.waiting_since, Some(at(2)));
    assert_eq!(status.last_stored, Some(at(4)));
    assert_eq!(status.sources.len(), 1);
    assert!(status.schema >= 1 && status.bytes > 4096);
}

#[tokio::test]
async fn a_look_asked_for_while_one_ends_is_not_forgotten() {
    let world = World::new();
    let store = &world.store;
    store.sync_sources(&[source("club")], at(0)).await.expect("synced");
    let id = SourceId::from("club");
    let due = async || store.due_sources(at(9), 9).await.expect("read").len();
    for (asked, expected) in [(3, 1), (1, 0)] {
        store.claim_source(&id, at(1), "one", at(8)).await.expect("asked").expect("free");
        store.hasten_sources(&[], at(asked)).await.expect("done");
        // The look took its last page at minute 2 and is written down only now.
        let ended = Health { last_ok: Some(at(2)), ..health(at(60)) };
        store.finish_look(&id, "one", &ended).await.expect("done");
        assert_eq!(due().await, expected, "asked for at minute {asked}");
    }
}
