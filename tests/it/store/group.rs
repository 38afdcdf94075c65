//! Grouping: one commit for events, memberships, alerts and outbox rows; the row equals the fold.

use jiff::Timestamp;
use otklik::model::{
    Alert, AlertFacts, AlertId, AlertReason, Channel, CloseReason, Delivery, DeliveryId,
    DeliveryState, Membership, PlaceId, PostKey, Problem, ProblemEvent, ProblemEventKind,
    ProblemId, ProblemKey, ProblemState, QuoteRef, Recount, RiskLevel, RumourState, Span, TopicId,
    TopicKind, Works, WorksFacts, WorksState,
};
use otklik::store::{GroupCommit, GroupOutcome, ProblemsWanted, StoreError, WorkTicket};
use proptest::prelude::*;

use super::{World, at, chatter, complaint, days, key, reason};

pub fn problem() -> ProblemId {
    ProblemId::from("p0123456789ab")
}

/// Problems of heating there whose last post is not older.
fn wanted(place: Option<&str>, since: Timestamp) -> ProblemsWanted {
    let place = place.map(PlaceId::from);
    ProblemsWanted {
        keys: vec![ProblemKey::of(&"heating".into(), place.as_ref())],
        since,
        each_max: 9,
        ids: Vec::new(),
        horizon: Timestamp::MIN,
        recent_max: 9,
    }
}

pub fn event(at: Timestamp, kind: ProblemEventKind) -> (ProblemId, ProblemEvent) {
    (problem(), ProblemEvent { at, kind })
}

pub fn opened(when: Timestamp) -> (ProblemId, ProblemEvent) {
    event(
        when,
        ProblemEventKind::Opened {
            topic: TopicId::from("heating"),
            kind: TopicKind::Problem,
            place: Some(PlaceId::from("onohoy")),
            address: None,
            object: None,
        },
    )
}

pub fn grew(when: Timestamp, words: &str) -> (ProblemId, ProblemEvent) {
    let reasons = vec![reason(40, &format!("сказано: «{words}»"))];
    event(when, ProblemEventKind::Grew { published: when, score: 40, reasons, voices: 1 })
}

/// A member of the problem with a voice of its own.
pub fn member(post: PostKey) -> Membership {
    let voice = post.id.as_str().parse().map_or(0, |number: u8| number);
    Membership {
        problem: problem(),
        post,
        primary: true,
        quote: Some(Span { start: 0, end: 7 }),
        published: at(1),
        copy: false,
        sketch: None,
        address: None,
        voice: Some((202_601, [voice; 8])),
        own_text: None,
    }
}

pub fn alert(post: PostKey, when: Timestamp) -> Alert {
    let text = "сказано: «Холодно дома»";
    Alert {
        id: AlertId::from("a0123456789ab"),
        problem: problem(),
        reason: AlertReason::NewProblem,
        at: when,
        facts: AlertFacts {
            topic: TopicId::from("heating"),
            kind: TopicKind::Problem,
            place: Some(PlaceId::from("onohoy")),
            score: 40,
            level: RiskLevel::Elevated,
            reasons: vec![reason(40, text)],
            since: when,
            posts: 1,
            voices: 1,
            voices_at_least: false,
            sources: 1,
            returns: 0,
            first: None,
            addresses: Vec::new(),
            before: None,
            quotes: vec![QuoteRef { post, span: Span { start: 0, end: 7 } }],
            lexicon: "lexicon-1".to_owned(),
            burst: None,
            notes: Vec::new(),
        },
    }
}

pub fn delivery(id: &str, due: Timestamp) -> Delivery {
    Delivery {
        id: DeliveryId::from(id),
        subject: "alert:a0123456789ab".to_owned(),
        receiver: "ЕДДС".to_owned(),
        channel: Channel::Email,
        address: "duty@example.org".to_owned(),
        state: DeliveryState::Pending,
        due,
        tries: 0,
        copies: 0,
        unreachable_since: None,
        trouble: None,
    }
}

/// Post 1 grouped into a problem, with an alert that quotes it and one message.
pub fn decision(when: Timestamp) -> GroupCommit {
    GroupCommit {
        tallies: Vec::new(),
        done: vec![WorkTicket { post: key("1"), version: 1 }],
        events: vec![opened(when), grew(when, "Холодно дома")],
        memberships: vec![member(key("1"))],
        alerts: vec![alert(key("1"), when)],
        deliveries: vec![delivery("d1", when)],
        followed: Vec::new(),
        follows: Vec::new(),
        held: Vec::new(),
        proposals: Vec::new(),
        ended: Vec::new(),
        now: when,
    }
}

async fn group(world: &World, commit: GroupCommit) -> GroupOutcome {
    world.store.commit_group(commit).await.expect("committed")
}

#[tokio::test]
async fn a_decision_is_stored_with_its_outbox_row_and_its_work_is_done() {
    let world = World::new();
    world.commit(vec![complaint("1", "Холодно дома", at(1), 1)], at(1)).await;
    assert_eq!(group(&world, decision(at(2))).await, GroupOutcome::Committed);
    let world = world.killed();
    assert!(world.store.take_work(10).await.expect("read").is_empty());
    let loaded = world.store.wanted_problems(wanted(Some("onohoy"), at(0))).await.expect("read");
    let [loaded] = loaded.as_slice() else { panic!("one problem") };
    assert_eq!((loaded.problem.posts, loaded.problem.score), (1, 40));
    assert_eq!(loaded.voices.get(&202_601).map(|voices| voices.len()), Some(1));
    assert_eq!(loaded.sources.len(), 1);
    assert_eq!(loaded.quotes, alert(key("1"), at(2)).facts.quotes);
    let stored = world.store.alert(&"a0123456789ab".into()).await.expect("read");
    assert_eq!(stored, Some(alert(key("1"), at(2))));
    let words = world.store.quotes_text(&loaded.quotes).await.expect("read");
    assert_eq!(words, [Some("Холодно".to_owned())]);
    let post = world.store.post(&key("1")).await.expect("read").expect("there");
    assert_eq!((post.problems, post.main_problem), (vec![problem()], Some(problem())));
    assert_eq!(
        world.store.deliveries_of("alert:a0123456789ab").await.expect("read"),
        [delivery("d1", at(2))]
    );
}

#[tokio::test]
async fn a_decision_on_a_text_that_changed_is_refused_whole() {
    let world = World::new();
    world.commit(vec![complaint("1", "Холодно дома", at(1), 1)], at(1)).await;
    world.commit(vec![complaint("1", "Тепло дали, спасибо", at(1), 1)], at(2)).await;
    assert_eq!(group(&world, decision(at(3))).await, GroupOutcome::Stale);
    assert_eq!(world.number("SELECT COUNT(*) FROM problem"), 0);
    assert_eq!(world.number("SELECT COUNT(*) FROM delivery"), 0);
    let mut fresh = decision(at(3));
    fresh.done[0].version = 2;
    assert_eq!(group(&world, fresh.clone()).await, GroupOutcome::Committed);
    assert_eq!(group(&world, fresh).await, GroupOutcome::Stale, "the same again is no news");
    assert_eq!(world.number("SELECT COUNT(*) FROM problem_event"), 2);
}

#[tokio::test]
async fn known_alerts_and_messages_stay_as_they_are() {
    let world = World::new();
    world.commit(vec![complaint("1", "Холодно дома", at(1), 1)], at(1)).await;
    assert_eq!(group(&world, decision(at(2))).await, GroupOutcome::Committed);
    let mut again = decision(at(5));
    again.done.clear();
    again.events = vec![grew(at(5), "Холодно дома")];
    again.deliveries[0].address = "other@example.org".to_owned();
    assert_eq!(group(&world, again).await, GroupOutcome::Committed);
    let stored = world.store.alert(&"a0123456789ab".into()).await.expect("read").expect("there");
    assert_eq!(stored.at, at(2));
    let messages = world.store.deliveries_of("alert:a0123456789ab").await.expect("read");
    assert_eq!(messages, [delivery("d1", at(2))]);
}

#[tokio::test]
async fn the_end_of_works_is_told_once_and_not_where_it_was_moved() {
    let world = World::new();
    let store = &world.store;
    let works = Works {
        id: "w0123456789ab".to_owned(),
        state: WorksState::Accepted,
        begins: at(1),
        until: at(5),
        facts: WorksFacts { topic: "heating".into(), place: None, streets: Vec::new() },
        notice: None,
        proposed: at(1),
        proposal: None,
        decided: None,
        ended: None,
    };
    assert!(store.add_works(&works).await.expect("added"));
    assert_eq!(store.agenda(at(2)).await.expect("read").follow, Some(at(5)));
    let told = |works: &Works, id: &str| GroupCommit {
        done: Vec::new(),
        events: Vec::new(),
        memberships: Vec::new(),
        alerts: Vec::new(),
        deliveries: vec![delivery(id, at(9))],
        ended: vec![works.clone()],
        ..decision(at(9))
    };
    let read = store.ended_works(at(9)).await.expect("read").remove(0);
    assert_eq!(store.end_works(&works.id, at(4)).await.expect("moved"), 1);
    assert_eq!(group(&world, told(&read, "d1")).await, GroupOutcome::Stale);
    let read = store.ended_works(at(9)).await.expect("read").remove(0);
    assert_eq!(group(&world, told(&read, "d2")).await, GroupOutcome::Committed);
    assert_eq!(group(&world, told(&read, "d3")).await, GroupOutcome::Stale);
    assert_eq!(world.number("SELECT COUNT(*) FROM delivery"), 1);
    assert_eq!(store.agenda(at(9)).await.expect("read").follow, None);
}

#[tokio::test]
async fn an_event_of_an_unknown_problem_stores_nothing() {
    let world = World::new();
    let mut broken = decision(at(2));
    broken.done.clear();
    broken.events.push((ProblemId::from("p-none"), grew(at(2), "x").1));
    let refused = world.store.commit_group(broken).await;
    assert!(matches!(refused, Err(StoreError::Unknown(_))), "{refused:?}");
    assert_eq!(world.number("SELECT COUNT(*) FROM problem"), 0);
}

#[tokio::test]
async fn work_comes_in_order_with_what_the_thread_joined() {
    let world = World::new();
    let mut comment = complaint("0", "И у нас холодно", at(3), 2);
    comment.post.parent = Some("1".into());
    let posts = vec![complaint("2", "Холодно тут", at(2), 3), comment];
    world.commit(vec![complaint("1", "Холодно дома", at(1), 1)], at(4)).await;
    assert_eq!(group(&world, decision(at(4))).await, GroupOutcome::Committed);
    world.commit(posts, at(5)).await;
    world.commit(vec![complaint("1", "Холодно дома и в школе", at(1), 1)], at(6)).await;
    let work = world.store.take_work(10).await.expect("read");
    let order: Vec<_> = work.iter().map(|item| item.post.key.id.as_str()).collect();
    assert_eq!(order, ["1", "2", "0"]);
    assert_eq!(work[0].joined, [problem()], "an edit knows where it was counted");
    assert_eq!(work[2].parent_joined, [problem()]);
    assert_eq!(world.store.take_work(1).await.expect("read").len(), 1);
}

#[tokio::test]
async fn problems_are_found_by_topic_place_and_age() {
    let world = World::new();
    world.commit(vec![complaint("1", "Холодно дома", at(1), 1)], at(1)).await;
    assert_eq!(group(&world, decision(at(2))).await, GroupOutcome::Committed);
    let check = async |place: Option<&str>, since: Timestamp, expected: usize| {
        let found = world.store.wanted_problems(wanted(place, since)).await.expect("read");
        assert_eq!(found.len(), expected, "{place:?} since {since}");
    };
    check(Some("onohoy"), days(9), 0).await;
    check(Some("onohoy"), at(2), 1).await;
    check(Some("chelutay"), at(0), 0).await;
    check(None, at(0), 0).await;
    let quiet = world.store.quiet_problems(at(3), at(0)).await.expect("read");
    assert_eq!(quiet.iter().map(|problem| &problem.id).collect::<Vec<_>>(), [&problem()]);
    assert!(world.store.quiet_problems(at(2), at(0)).await.expect("read").is_empty());
    let close = ProblemEventKind::Closed { reason: CloseReason::Person };
    world.store.append_events(&[event(at(9), close)]).await.expect("appended");
    check(Some("onohoy"), at(2), 1).await;
    check(Some("onohoy"), at(3), 0).await;
    assert_eq!(world.store.problems(&[problem()]).await.expect("read").len(), 1);
}

#[tokio::test]
async fn voices_of_several_months_count_as_the_largest() {
    let world = World::new();
    let mut february = complaint("4", "Холодно опять", at(4), 1);
    february.voices[0].month = 202_602;
    let posts = vec![
        complaint("1", "Холодно дома", at(1), 1),
        complaint("2", "Холодно тут", at(2), 2),
        complaint("3", "Холодно и там", at(3), 1),
        february,
        chatter("5", "С добрым утром", at(5)),
    ];
    world.commit(posts, at(5)).await;
    let mut commit = decision(at(6));
    commit.memberships = ["1", "2", "3", "4", "5"].map(|id| member(key(id))).to_vec();
    let voices =
        [(1, 1), (1, 2), (1, 1), (2, 1)].map(|(month, voice)| (202_600 + month, [voice; 8]));
    let voices = voices.into_iter().map(Some).chain([None]);
    for (member, voice) in commit.memberships.iter_mut().zip(voices) {
        member.voice = voice;
    }
    assert_eq!(group(&world, commit).await, GroupOutcome::Committed);
    let stored = world.store.export_problems(None, None, 10).await.expect("read").remove(0);
    assert_eq!((stored.voices.voices, stored.voices.at_least), (2, true));
}

#[tokio::test]
async fn copies_of_a_pages_own_text_are_told_by_their_fingerprint() {
    let world = World::new();
    let own = |id: &str| {
        let mut commit = complaint(id, "Холодно дома", at(1), 1);
        commit.post.own_name = true;
        commit
    };
    world.commit(vec![own("1"), own("2"), complaint("3", "Холодно тут", at(1), 1)], at(1)).await;
    let mut commit = decision(at(6));
    commit.memberships = ["1", "2", "3"].map(|id| member(key(id))).to_vec();
    for own in &mut commit.memberships[..2] {
        (own.voice, own.own_text) = (None, Some(7));
    }
    assert_eq!(group(&world, commit).await, GroupOutcome::Committed);
    let loaded = world.store.problems(&[problem()]).await.expect("read").remove(0);
    let expected = 7_u64.to_be_bytes().to_vec();
    assert_eq!(loaded.own_texts.into_iter().collect::<Vec<_>>(), [(expected, at(1))]);
}

fn kind() -> impl Strategy<Value = ProblemEventKind> {
    let reasons = || prop::collection::vec((-20..60_i32).prop_map(|p| reason(p, "текст")), 0..3);
    prop_oneof![
        4 => (0..9_000_i64, 0..=100_u8, reasons()).prop_map(
            |(minute, score, reasons)| ProblemEventKind::Grew {
                published: at(minute),
                score,
                reasons,
                voices: score.into(),
            }
        ),
        1 => (0..50_u32).prop_map(|voices| ProblemEventKind::Told {
            alert: AlertId::from("a1"),
            level: RiskLevel::High,
            voices
        }),
        1 => Just(ProblemEventKind::Quieted),
        1 => Just(ProblemEventKind::Closed { reason: CloseReason::Silence }),
        1 => Just(ProblemEventKind::Reopened),
        1 => Just(ProblemEventKind::Acknowledged { role: "duty".to_owned() }),
        1 => (0..9_000_i64)
            .prop_map(|minute| ProblemEventKind::Answered { published: at(minute) }),
        1 => Just(ProblemEventKind::Judged { mark: "useful".to_owned() }),
        1 => Just(ProblemEventKind::Merged { into: ProblemId::from("p2") }),
        1 => (0..9_000_i64, 0..9_u32).prop_map(|(minute, posts)| ProblemEventKind::Split {
            new: ProblemId::from("p3"),
            posts,
            recount: Some(Recount {
                opened: at(minute),
                last: at(minute + 9),
                before: posts,
                voices: posts,
            }),
        }),
        1 => (0..9_000_i64, 0..9_u32, prop::bool::ANY).prop_map(|(minute, posts, over)| {
            let problem = Problem {
                last: at(minute + 9),
                voices: posts,
                state: if over { ProblemState::Closed } else { ProblemState::Quiet },
                ended: over.then_some(at(minute + 9)),
                back: over.then_some(at(minute + 3)),
                ..Problem::open(
                    "p4".into(), "heating".into(), TopicKind::Problem, None, at(minute),
                )
            };
            let share = Box::new(problem.share(posts));
            ProblemEventKind::Absorbed { from: problem.id, share, recount: None }
        }),
        1 => prop::sample::select(RumourState::ALL.to_vec())
            .prop_map(|state| ProblemEventKind::Rumour { state, link: None }),
    ]
}

fn folded(events: &[(ProblemId, ProblemEvent)]) -> Problem {
    let place = Some(PlaceId::from("onohoy"));
    let mut state =
        Problem::open(problem(), "heating".into(), TopicKind::Problem, place, events[0].1.at);
    events.iter().for_each(|(_, event)| state.apply(event));
    state
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..<_>::default() })]

    /// However the events are cut into transactions, the row is their fold and the list is whole.
    #[test]
    fn the_row_equals_the_fold_of_its_events(
        kinds in prop::collection::vec((0..9_000_i64, kind()), 1..30),
        cut in 1..30_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let world = World::new();
            let mut events = vec![opened(at(7))];
            events.extend(kinds.into_iter().map(|(minute, kind)| event(at(minute), kind)));
            for part in events.chunks(cut) {
                world.store.append_events(part).await.expect("appended");
            }
            let row = world.store.problems(&[problem()]).await.expect("read").remove(0).problem;
            prop_assert_eq!(&row, &folded(&events));
            let listed = world.store.problem_events(&problem()).await.expect("read");
            let expected: Vec<_> = events.into_iter().map(|(_, event)| event).collect();
            prop_assert_eq!(listed, expected);
            Ok(())
        })?;
    }
}
