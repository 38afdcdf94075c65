//! One problem, once: joining, returning, ageing, and independence of batches.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use otklik::cluster::{
    Assignment, ClusterRules, Loaded, Newcomer, Object, OpenProblems, ProblemFacts, RECENT_MAX,
    Trait, age, assign, count_voices,
};
use otklik::model::{
    CloseReason, Finding, PlaceBy, PlaceFinding, PostKey, Problem, ProblemEvent, ProblemEventKind,
    ProblemId, ProblemState, QuoteRef, Risk, RiskLevel, RiskReason, SourceId, Span, TopicId,
    TopicKind,
};
use otklik::text::Sketch;
use proptest::prelude::*;

pub fn day(n: f64) -> Timestamp {
    let start: Timestamp = "2026-09-01T00:00:00Z".parse().unwrap();
    start + SignedDuration::from_secs((n * 86_400.0) as i64)
}

pub fn finding(topic: &str, score: u8) -> Finding {
    Finding {
        topic: topic.into(),
        score,
        kind: TopicKind::Problem,
        matches: Vec::new(),
        clause: Some(Span { start: 0, end: 5 }),
    }
}

fn place(id: &str, elsewhere: bool) -> PlaceFinding {
    PlaceFinding {
        place: (!id.is_empty()).then(|| id.into()),
        title: id.to_owned(),
        by: PlaceBy::Text,
        elsewhere,
        span: None,
        street: None,
        house: None,
        street_start: None,
        street_end: None,
    }
}

/// A risk of this score.
pub fn risk(score: u8) -> Risk {
    Risk { score, level: RiskLevel::of(score), reasons: Vec::new() }
}

/// A resident's post on day `at` with a voice of its own.
pub fn post(n: u8, at: f64, topic: &str, place_id: &str) -> Newcomer {
    Newcomer {
        key: otklik::model::PostKey { source: "club".into(), id: format!("vk:-1_{n}").into() },
        published: day(at),
        findings: vec![finding(topic, 80)],
        places: vec![place(place_id, false)],
        risks: BTreeMap::from([(TopicId::from(topic), risk(50))]),
        voices: BTreeMap::from([(TopicId::from(topic), (202_609, [n; 8]))]),
        own_name: false,
        official: false,
        ground: true,
        quotable: true,
        text_hash: u64::from(n),
        calm: BTreeMap::new(),
        objects: BTreeMap::new(),
        echo: false,
        sketch: Sketch::default(),
        thread: Vec::new(),
        member_of: Vec::new(),
        barred: Vec::new(),
    }
}

/// Score: the highest ground's, and two points for each voice.
pub fn score(facts: &ProblemFacts<'_>) -> Risk {
    let carried =
        facts.before.reasons.iter().find(|it| it.reason == "post").map_or(0, |it| it.points);
    let top = facts.post.map_or(0, |risk| i32::from(risk.score)).max(carried);
    let voices = i32::try_from(facts.voices).unwrap() * 2;
    let reason = |name: &str, points| RiskReason { reason: name.into(), points, text: name.into() };
    let score = u8::try_from((top + voices).min(100)).unwrap();
    let reasons = vec![reason("post", top), reason("voices", i32::from(score) - top)];
    Risk { score, level: RiskLevel::of(score), reasons }
}

pub fn fresh() -> OpenProblems {
    OpenProblems::new("zaigraevo".into())
}

pub fn run(posts: &[Newcomer]) -> (OpenProblems, Vec<Vec<Assignment>>) {
    let mut open = fresh();
    let rules = ClusterRules::default();
    let all = posts.iter().map(|post| assign(post, &mut open, &rules, &score)).collect();
    (open, all)
}

/// Events of one assignment in short: O opened, R reopened, G grew, A answered.
fn letters(assignment: &Assignment) -> String {
    let letter = |event: &ProblemEvent| match event.kind {
        ProblemEventKind::Opened { .. } => 'O',
        ProblemEventKind::Reopened => 'R',
        ProblemEventKind::Grew { .. } => 'G',
        ProblemEventKind::Answered { .. } => 'A',
        _ => '?',
    };
    assignment.events.iter().map(letter).collect()
}

/// Posts in order → for each: number of its problem in order of opening, and event letters.
#[track_caller]
pub fn check(posts: &[Newcomer], expected: &str) {
    let (_, all) = run(posts);
    let mut known: Vec<ProblemId> = Vec::new();
    let mut told = Vec::new();
    for assignments in &all {
        let one: Vec<String> = assignments
            .iter()
            .map(|assignment| {
                if !known.contains(&assignment.problem) {
                    known.push(assignment.problem.clone());
                }
                let n = known.iter().position(|id| *id == assignment.problem).unwrap() + 1;
                format!("{n}{}", letters(assignment))
            })
            .collect();
        told.push(if one.is_empty() { "-".to_owned() } else { one.join("+") });
    }
    assert_eq!(told.join(" "), expected);
}

#[test]
fn a_post_joins_by_topic_place_and_time() {
    let heat = |n, at| post(n, at, "heating", "onohoy");
    check(&[heat(1, 0.0), heat(2, 3.0), heat(3, 10.0)], "1OG 1G 1G");
    check(&[heat(1, 0.0), heat(2, 7.0), heat(3, 14.1)], "1OG 1G 1RG");
    check(&[heat(1, 0.0), heat(2, 8.0), heat(3, 38.0), heat(4, 69.0)], "1OG 1RG 1RG 2OG");
    check(&[heat(1, 0.0), post(2, 1.0, "water", "onohoy")], "1OG 2OG");
    check(&[heat(1, 0.0), post(2, 1.0, "heating", "chelutay")], "1OG 2OG");
    check(&[heat(1, 0.0), post(2, 1.0, "heating", "")], "1OG 2OG");
    // Read late: before the first post by less, then by more than the quiet time.
    check(&[heat(1, 20.0), heat(2, 14.0), heat(3, 5.0)], "1OG 1G 2OG");
    // Two problems of one key: the nearer one takes it.
    check(&[heat(1, 0.0), heat(2, 40.0), heat(3, 2.0), heat(4, 41.0)], "1OG 2OG 1G 2G");
}

#[test]
fn bounds_of_topics_and_places_hold() {
    let mut many = post(1, 0.0, "heating", "onohoy");
    many.findings = vec![
        finding("a", 41),
        finding("b", 90),
        finding("c", 39),
        finding("d", 90),
        finding("e", 50),
        finding("f", 45),
    ];
    many.risks = ["a", "b", "c", "d", "e", "f"].map(|id| (id.into(), risk(50))).into();
    many.places = ["x", "x", "y", "z", "w"].map(|id| place(id, false)).to_vec();
    many.places.insert(0, place("far", true));
    let (_, all) = run(std::slice::from_ref(&many));
    assert_eq!(all[0].len(), 9, "three topics in three places");
    let primary: Vec<bool> =
        all[0].iter().map(|it| it.membership.as_ref().unwrap().primary).collect();
    assert_eq!(primary.iter().filter(|it| **it).count(), 1);
    assert!(primary[0], "the best topic in the first place is the main one");
    let ProblemEventKind::Opened { topic, place, .. } = &all[0][0].events[0].kind else { panic!() };
    assert_eq!((topic.as_str(), place.as_ref().unwrap().as_str()), ("b", "x"));
    let mut far = post(2, 0.0, "heating", "");
    far.places[0].elsewhere = true;
    check(&[far], "-");
    let mut weak = post(3, 0.0, "heating", "onohoy");
    weak.findings[0].score = 39;
    check(&[weak], "-");
}

#[test]
fn official_texts_only_answer() {
    let first = post(1, 0.0, "heating", "onohoy");
    let (open, all) = run(std::slice::from_ref(&first));
    let id = all[0][0].problem.clone();
    let mut answer = post(2, 1.0, "heating", "onohoy");
    answer.official = true;
    answer.ground = false;
    check(&[first.clone(), answer.clone()], "1OG -");
    answer.thread = vec![id.clone(), id.clone(), "p000000000000".into()];
    check(&[first.clone(), answer.clone()], "1OG 1A");
    let mut open = open;
    let rules = ClusterRules::default();
    let before = open.get(&id).unwrap().clone();
    let done = assign(&answer, &mut open, &rules, &score);
    assert!(done[0].membership.is_none() && done[0].voice.is_none());
    let after = open.get(&id).unwrap();
    assert_eq!(after.problem.answered, Some(day(1.0)));
    assert_eq!((after.problem.posts, &after.voices), (before.problem.posts, &before.voices));
    assert!(assign(&answer, &mut open, &rules, &score).is_empty(), "the same answer is not news");
}

#[test]
fn a_pages_own_text_counts_once_and_for_no_voice() {
    let mut own = post(1, 0.0, "heating", "onohoy");
    own.own_name = true;
    own.text_hash = 77;
    let mut copy = own.clone();
    copy.key.id = "vk:-1_2".into();
    copy.key.source = "other".into();
    let (open, all) = run(&[own.clone(), copy]);
    assert_eq!([letters(&all[0][0]), letters(&all[1][0])], ["OG", ""]);
    assert!(all[1][0].membership.is_some(), "the copy still belongs to the problem");
    let loaded = open.get(&all[0][0].problem).unwrap();
    assert_eq!(count_voices(&loaded.voices), (0, false));
    assert_eq!((loaded.problem.posts, loaded.sources.len()), (1, 2));
    let mut another = own;
    another.key.id = "vk:-1_3".into();
    another.text_hash = 78;
    another.published = day(0.5);
    let mut open = open;
    assign(&another, &mut open, &ClusterRules::default(), &score);
    assert_eq!(open.get(&all[0][0].problem).unwrap().problem.posts, 2);
}

#[test]
fn a_post_that_is_no_ground_opens_nothing_and_joins_as_a_count() {
    let mut angry = post(1, 0.0, "heating", "onohoy");
    angry.ground = false;
    angry.risks.insert("heating".into(), risk(95));
    let mut later = angry.clone();
    later.key = post(3, 0.2, "heating", "onohoy").key;
    later.voices = post(3, 0.2, "heating", "onohoy").voices;
    later.published = day(0.2);
    let (open, all) = run(&[angry, post(2, 0.1, "heating", "onohoy"), later]);
    assert_eq!(all[0], []);
    assert_eq!(letters(&all[2][0]), "G");
    assert_eq!(all[2][0].membership.as_ref().unwrap().quote, None);
    let loaded = open.get(&all[2][0].problem).unwrap();
    assert_eq!((loaded.problem.posts, count_voices(&loaded.voices)), (2, (2, false)));
    assert!(loaded.problem.score < 90, "its own risk does not count: {}", loaded.problem.score);
}

#[test]
fn a_topic_that_is_only_named_joins_nothing() {
    let mut concert = post(1, 0.0, "culture_sport", "onohoy");
    concert.risks.insert("culture_sport".into(), risk(0));
    check(&[concert, post(2, 0.1, "culture_sport", "onohoy")], "- 1OG");
}

#[test]
fn each_topic_of_a_post_weighs_for_itself() {
    let mut both = post(1, 0.0, "fire", "onohoy");
    both.findings.push(finding("stray_dogs", 60));
    both.risks = BTreeMap::from([("fire".into(), risk(90)), ("stray_dogs".into(), risk(30))]);
    let (open, all) = run(std::slice::from_ref(&both));
    let scores: Vec<u8> =
        all[0].iter().map(|it| open.get(&it.problem).unwrap().problem.score).collect();
    assert_eq!(scores, [92, 30]); // two points for the voice in `fire`
}

#[test]
fn the_first_five_grounds_keep_a_quote() {
    let posts: Vec<Newcomer> =
        (1..=8).map(|n| post(n, f64::from(n), "heating", "onohoy")).collect();
    let (_, all) = run(&posts);
    let quoted = |it: &Vec<Assignment>| it[0].membership.as_ref().unwrap().quote.is_some();
    assert_eq!(all.iter().filter(|it| quoted(it)).count(), 5);
}

#[test]
fn an_edit_is_counted_once() {
    let first = post(1, 0.0, "heating", "onohoy");
    let (mut open, all) = run(std::slice::from_ref(&first));
    let mut edited = first;
    edited.member_of = vec![all[0][0].problem.clone()];
    edited.findings.push(finding("water", 60));
    edited.risks.insert("water".into(), risk(50));
    let again = assign(&edited, &mut open, &ClusterRules::default(), &score);
    assert_eq!(again.iter().map(letters).collect::<Vec<_>>(), ["", "OG"]);
    assert!(again[0].membership.is_none());
    assert_eq!(open.get(&all[0][0].problem).unwrap().problem.posts, 1);
}

#[test]
fn a_return_starts_afresh() {
    let before: Vec<_> =
        (1..6).map(|n| post(10 + n, 0.01 * n as f64, "heating", "onohoy")).collect();
    let (mut open, all) = run(&before);
    let id = all[0][0].problem.clone();
    assert_eq!(open.get(&id).unwrap().count_voices(), (5, false));
    let told = ProblemEventKind::Told { alert: "a1".into(), level: RiskLevel::High, voices: 1 };
    let problem = &mut open.get_mut(&id).unwrap().problem;
    problem.apply(&ProblemEvent { at: day(0.1), kind: told });
    problem.apply(&ProblemEvent {
        at: day(1.0),
        kind: ProblemEventKind::Closed { reason: CloseReason::Person },
    });
    let mut angry = post(2, 2.0, "heating", "onohoy");
    angry.ground = false;
    assert_eq!(assign(&angry, &mut open, &ClusterRules::default(), &score), []);
    let calm = post(3, 2.1, "heating", "onohoy");
    let done = assign(&calm, &mut open, &ClusterRules::default(), &score);
    assert_eq!(letters(&done[0]), "RG", "a person closed it, a later post reopens it");
    let problem = &open.get(&id).unwrap().problem;
    assert_eq!((problem.state, problem.returns), (ProblemState::Reopened, 1));
    assert_eq!((problem.told, problem.alerts), (None, 1));
    // What is told of it is what is written now, not what was written before.
    assert_eq!((problem.since(), problem.posts_since(), problem.posts), (day(2.1), 1, 6));
    assert_eq!(problem.voices, 1);
    let loaded = open.get(&id).unwrap();
    assert_eq!((loaded.count_voices(), loaded.sources_since()), ((1, false), 1));
}

#[test]
fn a_return_counts_everybody_of_its_month_and_nobody_before() {
    let say = |n: u8, days: f64| post(n, days + 0.001 * f64::from(n), "heating", "onohoy");
    let before = (1..=60).map(|n| say(n, 0.0));
    let since = (61..=160).map(|n| say(n, 9.0));
    let posts: Vec<_> = before.chain(since).collect();
    for cut in [0, 120] {
        let cuts: Vec<bool> = (0..posts.len()).map(|n| n == cut).collect();
        let (open, all) = feed(&posts, &cuts);
        let loaded = open.get(&all[0][0].problem).unwrap();
        assert_eq!(loaded.problem.returns, 1);
        assert_eq!(loaded.count_voices(), (100, false), "read again before post {cut}");
    }
}

#[test]
fn a_job_that_runs_late_changes_no_problem() {
    let close = |reason| ProblemEvent { at: day(50.0), kind: ProblemEventKind::Closed { reason } };
    for (reason, expected, state) in [
        (CloseReason::Silence, "G", ProblemState::Open),
        (CloseReason::Person, "RG", ProblemState::Reopened),
    ] {
        let first = post(1, 0.0, "heating", "onohoy");
        let (mut open, all) = run(std::slice::from_ref(&first));
        let id = all[0][0].problem.clone();
        open.get_mut(&id).unwrap().problem.apply(&close(reason));
        // Written two days after the first, read when the problem was closed.
        let late = post(2, 2.0, "heating", "onohoy");
        let done = assign(&late, &mut open, &ClusterRules::default(), &score);
        assert_eq!((letters(&done[0]).as_str(), &done[0].problem), (expected, &id));
        assert_eq!(open.get(&id).unwrap().problem.state, state, "{reason:?}");
    }
}

#[test]
fn silence_quiets_then_closes() {
    let rules = ClusterRules::default();
    let mut problem =
        Problem::open("p1".into(), "heating".into(), TopicKind::Problem, None, day(0.0));
    let mut check = |now: f64, expected: Option<ProblemEventKind>| {
        let found = age(&problem, day(now), &rules);
        assert_eq!(found, expected, "day {now}");
        if let Some(kind) = found {
            problem.apply(&ProblemEvent { at: day(now), kind });
        }
    };
    check(7.0, None);
    check(7.1, Some(ProblemEventKind::Quieted));
    check(20.0, None);
    check(30.1, Some(ProblemEventKind::Closed { reason: CloseReason::Silence }));
    check(99.0, None);
}

/// What a store keeps: exactly what assignments say.
#[derive(Default)]
struct Kept {
    events: BTreeMap<ProblemId, Vec<ProblemEvent>>,
    voices: BTreeMap<ProblemId, BTreeMap<u32, BTreeSet<[u8; 8]>>>,
    sources: BTreeMap<ProblemId, BTreeSet<SourceId>>,
    quotes: BTreeMap<ProblemId, Vec<QuoteRef>>,
    own: BTreeMap<ProblemId, BTreeMap<u64, Timestamp>>,
    recent: BTreeMap<ProblemId, BTreeMap<(Timestamp, PostKey), Trait>>,
}

impl Kept {
    fn keep(&mut self, item: &Newcomer, assignments: &[Assignment]) {
        for it in assignments {
            let id = &it.problem;
            self.events.entry(id.clone()).or_default().extend(it.events.iter().cloned());
            if it.events.iter().any(|event| event.kind == ProblemEventKind::Reopened) {
                self.voices.remove(id);
            }
            if let Some((month, voice)) = it.voice {
                let months = self.voices.entry(id.clone()).or_default();
                months.entry(month).or_default().insert(voice);
            }
            if item.own_name && it.membership.is_some() {
                let texts = self.own.entry(id.clone()).or_default();
                let last = texts.entry(item.text_hash).or_insert(item.published);
                *last = item.published.max(*last);
            }
            if let Some(membership) = &it.membership {
                self.sources.entry(id.clone()).or_default().insert(item.key.source.clone());
                let post = membership.post.clone();
                let ProblemEventKind::Opened { topic, .. } = &self.events[id][0].kind else {
                    panic!("a problem is opened first")
                };
                let heard = !membership.copy && !item.own_name;
                let said = Trait {
                    sketch: membership.sketch.as_deref().map(Sketch::from_bytes),
                    address: membership.address.clone(),
                    voice: item.voices.get(topic).filter(|_| heard).map(|(_, voice)| *voice),
                };
                let recent = self.recent.entry(id.clone()).or_default();
                recent.insert((membership.published, membership.post.clone()), said);
                if recent.len() > RECENT_MAX {
                    recent.pop_first();
                }
                let quote = membership.quote.map(|span| QuoteRef { post, span });
                self.quotes.entry(id.clone()).or_default().extend(quote);
            }
        }
    }

    fn load(&self) -> OpenProblems {
        let mut open = fresh();
        for (id, events) in &self.events {
            let ProblemEventKind::Opened { topic, kind, place, .. } = &events[0].kind else {
                panic!()
            };
            let mut problem =
                Problem::open(id.clone(), topic.clone(), *kind, place.clone(), events[0].at);
            for event in events {
                problem.apply(event);
            }
            let mut loaded = Loaded::new(problem);
            loaded.voices = self.voices.get(id).cloned().unwrap_or_default();
            loaded.sources = self.sources.get(id).cloned().unwrap_or_default();
            loaded.quotes = self.quotes.get(id).cloned().unwrap_or_default();
            loaded.own_texts = self.own.get(id).cloned().unwrap_or_default();
            loaded.recent = self.recent.get(id).cloned().unwrap_or_default();
            open.load(loaded);
        }
        open
    }
}

/// Feeds posts, forgetting everything but what was stored wherever `cuts` says so.
pub fn feed(posts: &[Newcomer], cuts: &[bool]) -> (OpenProblems, Vec<Vec<Assignment>>) {
    let rules = ClusterRules::default();
    let mut kept = Kept::default();
    let mut open = fresh();
    let mut all = Vec::new();
    for (post, cut) in posts.iter().zip(cuts.iter().chain(std::iter::repeat(&false))) {
        if *cut {
            open = kept.load();
        }
        let assignments = assign(post, &mut open, &rules, &score);
        kept.keep(post, &assignments);
        all.push(assignments);
    }
    (kept.load(), all)
}

/// Texts with words enough to be told apart.
const LONG: [&str; 3] = [
    "третий день нет тепла во всём подъезде, дети болеют, управляющая компания молчит",
    "третий день нет тепла во всём подъезде, дети болеют, управляющая компания молчит, репост",
    "возле остановки разлили масло, машины скользят, вчера чуть не сбили школьника на переходе",
];

fn any_post() -> impl Strategy<Value = Newcomer> {
    let topic = prop::sample::select(vec!["heating", "water"]);
    let place = prop::sample::select(vec!["onohoy", ""]);
    let flags = any::<[bool; 8]>();
    (any::<u8>(), 0.0..90.0f64, topic, place, flags, 0u8..6).prop_map(
        |(n, at, topic, place, [own, official, ground, second, housed, lit, long, echo], voice)| {
            let mut item = post(n, at, topic, place);
            item.key.id = format!("vk:-1_{n}_{at}").into();
            item.own_name = own;
            item.official = official && own;
            item.ground = ground && !item.official;
            item.text_hash = u64::from(n % 4);
            item.voices = BTreeMap::from([(topic.into(), (u32::from(voice / 3), [voice; 8]))]);
            if second {
                item.findings.push(finding("roads", 50));
            }
            if housed {
                item.places[0].street = Some("Садовая".to_owned());
                item.places[0].house = Some((n % 3).to_string());
            }
            if lit {
                let object = Object { name: "light".into(), topic: "housing".into() };
                item.objects = ["heating", "housing"].map(|it| (it.into(), object.clone())).into();
            }
            if long {
                item.sketch = Sketch::of(LONG[usize::from(n % 3)]);
            }
            if echo {
                item.findings.clear();
                item.echo = lit;
            }
            item
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn batches_and_restarts_change_nothing(
        posts in prop::collection::vec(any_post(), 1..40),
        cuts in prop::collection::vec(any::<bool>(), 40),
    ) {
        let whole = feed(&posts, &[]);
        prop_assert_eq!(&feed(&posts, &cuts), &whole);
        prop_assert_eq!(&feed(&posts, &[true; 40]), &whole);
    }

    #[test]
    fn every_problem_is_opened_once_and_counts_its_posts(
        posts in prop::collection::vec(any_post(), 1..40),
    ) {
        let (open, all) = feed(&posts, &[]);
        let flat = || all.iter().flatten();
        let events = || flat().flat_map(|it| it.events.iter().map(|e| (&it.problem, e)));
        let opened = events().filter(|(_, e)| matches!(e.kind, ProblemEventKind::Opened { .. }));
        let ids: Vec<&ProblemId> = opened.map(|(id, _)| id).collect();
        let distinct: BTreeSet<&ProblemId> = ids.iter().copied().collect();
        prop_assert_eq!(ids.len(), distinct.len());
        for loaded in open.iter() {
            let grew = events().filter(|(id, e)| {
                **id == loaded.problem.id && matches!(e.kind, ProblemEventKind::Grew { .. })
            });
            prop_assert_eq!(grew.count(), loaded.problem.posts as usize);
        }
    }
}
