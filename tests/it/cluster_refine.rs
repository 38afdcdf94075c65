//! Joining inside the key: address, object, text, thread; one post in several problems.

use otklik::cluster::{ClusterRules, Newcomer, Object, assign};
use otklik::model::{
    CloseReason, Finding, PlaceBy, PlaceFinding, ProblemEvent, ProblemEventKind, ProblemId,
};
use otklik::text::Sketch;

use super::cluster::{check, day, post, risk, run, score};

/// A post that names a street and a house.
fn housed(n: u8, at: f64, topic: &str, street: &str, house: &str) -> Newcomer {
    let mut item = post(n, at, topic, "onohoy");
    item.places[0].street = Some(street.to_owned());
    item.places[0].house = (!house.is_empty()).then(|| house.to_owned());
    item
}

fn with_object(mut item: Newcomer, topics: &[&str], name: &str) -> Newcomer {
    let object = Object { name: name.to_owned(), topic: topics[0].into() };
    item.objects = topics.iter().map(|topic| ((*topic).into(), object.clone())).collect();
    item
}

fn saying(mut item: Newcomer, text: &str) -> Newcomer {
    item.sketch = Sketch::of(text);
    item
}

fn answering(mut item: Newcomer, thread: &[ProblemId]) -> Newcomer {
    item.thread = thread.to_vec();
    item
}

const LONG: &str = "Уважаемая администрация, третий день во всём доме нет отопления, \
                    дети болеют, в квартире четырнадцать градусов";

#[test]
fn a_house_a_street_and_a_settlement_tell_problems_apart_as_far_as_the_topic_reaches() {
    let entrance = |n, at, house| housed(n, at, "housing", "Садовая", house);
    check(&[entrance(1, 0.0, "5"), entrance(2, 1.0, "7"), entrance(3, 2.0, "5")], "1OG 2OG 1G");
    check(&[entrance(1, 0.0, "5, корпус 2"), entrance(2, 1.0, "5к2")], "1OG 1G");
    check(&[entrance(1, 0.0, "5"), post(2, 1.0, "housing", "onohoy")], "1OG 2OG");
    // A roadway is the street's, whatever house it is at.
    let road = |n, at, street, house| housed(n, at, "roads", street, house);
    check(
        &[road(1, 0.0, "Садовая", "5"), road(2, 1.0, "САДОВАЯ", ""), road(3, 1.0, "Лесная", "5")],
        "1OG 1G 2OG",
    );
    // A boiler house heats many: other houses join while it is fresh, the same house for longer.
    let cold = |n, at, house| housed(n, at, "heating", "Садовая", house);
    check(&[cold(1, 0.0, "5"), cold(2, 1.5, "7"), post(3, 3.0, "heating", "onohoy")], "1OG 1G 1G");
    check(&[cold(1, 0.0, "5"), cold(2, 2.5, "7"), cold(3, 6.0, "5")], "1OG 2OG 1G");
}

#[test]
fn an_object_tells_problems_of_one_house_apart() {
    let dirty = housed(1, 0.0, "housing", "Садовая", "5");
    let dark = with_object(housed(2, 0.1, "housing", "Садовая", "5"), &["housing"], "stair_light");
    let lamp = with_object(
        housed(3, 0.2, "lighting", "Садовая", "5"),
        &["housing", "lighting"],
        "stair_light",
    );
    check(&[dirty, dark, lamp.clone()], "1OG 2OG 2G");
    let (open, all) = run(&[lamp]);
    let problem = &open.get(&all[0][0].problem).unwrap().problem;
    assert_eq!(
        (problem.topic.as_str(), problem.object.as_deref()),
        ("housing", Some("stair_light"))
    );
}

#[test]
fn two_topics_of_one_object_meet_once() {
    let mut both = housed(1, 0.0, "housing", "Садовая", "5");
    both.findings.push(super::cluster::finding("lighting", 70));
    both.risks.insert("lighting".into(), risk(50));
    let both = with_object(both, &["housing", "lighting"], "stair_light");
    let (open, all) = run(&[both]);
    assert_eq!((all[0].len(), open.iter().count()), (1, 1));
}

#[test]
fn two_topics_of_one_object_open_one_problem_where_nothing_tells_the_place() {
    let mut short = post(1, 0.0, "housing", "onohoy");
    short.places.clear();
    short.findings.push(Finding { topic: "lighting".into(), ..short.findings[0].clone() });
    short.risks.insert("lighting".into(), risk(50));
    let (open, all) = run(&[with_object(short, &["housing", "lighting"], "stair_light")]);
    assert_eq!(all[0].len(), 1, "{all:?}");
    assert_eq!(open.get(&all[0][0].problem).unwrap().problem.posts, 1);
}

#[test]
fn a_text_without_a_topic_joins_by_house_and_object_and_opens_nothing() {
    let mut bare = with_object(
        housed(2, 0.5, "housing", "Садовая", "5"),
        &["housing", "vandalism"],
        "housing",
    );
    bare.findings.clear();
    bare.risks.clear();
    check(&[bare.clone()], "-");
    check(&[housed(1, 0.0, "housing", "Садовая", "5"), bare.clone()], "1OG 1G");
    check(&[housed(1, 0.0, "housing", "Садовая", "7"), bare.clone()], "1OG -");
    bare.published = day(9.0);
    check(&[housed(1, 0.0, "housing", "Садовая", "5"), bare], "1OG -");
}

#[test]
fn copies_are_one_voice() {
    let first = saying(post(1, 0.0, "heating", "onohoy"), LONG);
    let copy = saying(post(2, 0.1, "heating", "onohoy"), &format!("{LONG}!! Репост, помогите"));
    let own = saying(post(3, 0.2, "heating", "onohoy"), "Батареи ледяные со вчерашнего вечера");
    let (open, all) = run(&[first, copy, own]);
    let loaded = open.get(&all[0][0].problem).unwrap();
    assert_eq!((loaded.problem.posts, loaded.count_voices().0), (3, 2));
    let copies: Vec<bool> = all.iter().map(|it| it[0].membership.as_ref().unwrap().copy).collect();
    assert_eq!(copies, [false, true, false]);
    assert_eq!(all[1][0].voice, None);
}

#[test]
fn without_a_place_only_the_text_or_the_thread_joins() {
    let lost = |n, at| post(n, at, "heating", "");
    check(&[lost(1, 0.0), lost(2, 0.1)], "1OG 2OG");
    check(&[saying(lost(1, 0.0), LONG), saying(lost(2, 1.0), LONG)], "1OG 1G");
    check(&[saying(lost(1, 0.0), LONG), saying(lost(2, 4.0), LONG)], "1OG 2OG");
    let first = post(1, 0.0, "heating", "onohoy");
    let (_, all) = run(std::slice::from_ref(&first));
    let thread = [all[0][0].problem.clone()];
    check(&[first, answering(lost(2, 1.0), &thread)], "1OG 1G");
}

#[test]
fn a_street_without_a_settlement_is_a_place_of_its_own() {
    let lone = |n, street: &str| {
        let mut item = post(n, 0.1, "housing", "");
        item.places = vec![PlaceFinding {
            place: None,
            title: String::new(),
            by: PlaceBy::Text,
            elsewhere: false,
            span: None,
            street: Some(street.to_owned()),
            house: Some("3".to_owned()),
            street_start: None,
            street_end: None,
        }];
        item
    };
    check(&[lone(1, "Лесная"), lone(2, "Лесная"), lone(3, "Садовая")], "1OG 1G 2OG");
}

#[test]
fn a_comment_that_only_agrees_follows_its_thread() {
    let first = post(1, 0.0, "heating", "onohoy");
    let (open, all) = run(std::slice::from_ref(&first));
    let id = all[0][0].problem.clone();
    let mut plus = answering(post(2, 0.1, "heating", "onohoy"), std::slice::from_ref(&id));
    plus.findings.clear();
    plus.risks.clear();
    plus.echo = true;
    check(&[first.clone(), plus.clone()], "1OG 1G");
    let mut grown = open.clone();
    assign(&plus, &mut grown, &ClusterRules::default(), &score);
    assert_eq!(grown.get(&id).unwrap().count_voices().0, 2, "who agrees is one voice more");
    let parted = Newcomer { barred: vec![id.clone()], ..plus.clone() };
    let back = assign(&parted, &mut open.clone(), &ClusterRules::default(), &score);
    assert_eq!(back, [], "what a person took out stays out");
    let mut astray = plus.clone();
    astray.thread.clear();
    check(&[first.clone(), astray], "1OG -");
    let mut over = open;
    let reason = CloseReason::Person;
    let close = ProblemEvent { at: day(0.05), kind: ProblemEventKind::Closed { reason } };
    over.get_mut(&id).unwrap().problem.apply(&close);
    assert_eq!(assign(&plus, &mut over, &ClusterRules::default(), &score), [], "reopens nothing");
}

#[test]
fn what_is_only_named_joins_in_the_thread_of_a_problem() {
    let first = post(1, 0.0, "heating", "onohoy");
    let (_, all) = run(std::slice::from_ref(&first));
    let mut calm = post(2, 0.1, "heating", "onohoy");
    calm.risks.insert("heating".into(), risk(0));
    check(&[first.clone(), calm.clone()], "1OG -");
    let thread = [all[0][0].problem.clone()];
    check(&[first.clone(), answering(calm.clone(), &thread)], "1OG 1G");
    // Clearly named, it may open without a sign of complaint; faintly named, it may not.
    let mut faint = post(2, 0.1, "heating", "onohoy");
    faint.calm = [("heating".into(), 40)].into();
    check(&[faint.clone()], "1OG");
    faint.findings[0].score = 59;
    check(&[faint], "-");
    // It opens nothing of its own there, and joins at the very house of a problem.
    calm.findings[0].topic = "water".into();
    check(&[first, answering(calm, &thread)], "1OG -");
    let house = housed(1, 0.0, "housing", "Садовая", "5");
    let mut named = housed(2, 0.1, "housing", "Садовая", "5");
    named.risks.clear();
    check(&[named.clone(), house], "- 1OG");
    check(&[housed(1, 0.0, "housing", "Садовая", "5"), named], "1OG 1G");
}

#[test]
fn who_names_house_and_topic_clearly_reports_in_however_few_words() {
    let mut few = housed(1, 0.0, "housing", "Садовая", "5");
    few.risks.insert("housing".into(), risk(0));
    few.calm = [("housing".into(), 22)].into();
    let mut again = few.clone();
    again.key.id = "vk:-1_2".into();
    check(&[few.clone(), again], "1OG 1G");
    let mut elsewhere = few.clone();
    elsewhere.calm = [("housing".into(), 0)].into();
    check(&[elsewhere], "-");
    let mut faint = few.clone();
    faint.findings[0].score = 59;
    check(&[faint], "-");
    // A street, or a settlement, is no house.
    few.places[0].house = None;
    check(&[few], "-");
}

#[test]
fn a_merged_problem_sends_its_posts_on_and_a_split_post_stays_out() {
    let first = post(1, 0.0, "heating", "onohoy");
    let other = post(2, 0.1, "water", "onohoy");
    let (mut open, all) = run(&[first, other]);
    let [from, into] = [0, 1].map(|n: usize| all[n][0].problem.clone());
    let merged = ProblemEventKind::Merged { into: into.clone() };
    open.get_mut(&from)
        .unwrap()
        .problem
        .apply(&otklik::model::ProblemEvent { at: day(0.2), kind: merged });
    let rules = ClusterRules::default();
    let done = assign(&post(3, 1.0, "heating", "onohoy"), &mut open, &rules, &score);
    assert_eq!(done[0].problem, into);
    // Long after the merge, as long as what it was merged into lives.
    for n in 1..=8 {
        assign(&post(3 + n, f64::from(n) * 6.0, "water", "onohoy"), &mut open, &rules, &score);
    }
    let mut late = post(20, 50.0, "heating", "onohoy");
    assert_eq!(assign(&late, &mut open, &rules, &score)[0].problem, into);
    late = post(21, 50.1, "heating", "onohoy");
    late.barred = vec![into.clone()];
    assert_ne!(assign(&late, &mut open, &rules, &score)[0].problem, into);
}

#[test]
fn among_problems_of_a_key_the_words_decide_before_time() {
    let text = "у магазина вторую неделю лежит поваленный тополь, обойти его с коляской нельзя";
    let old = saying(housed(1, 0.0, "greenery", "Садовая", "5"), text);
    let (mut open, all) = run(&[old]);
    let mut apart = saying(housed(2, 1.0, "greenery", "Садовая", "5"), LONG);
    apart.barred = vec![all[0][0].problem.clone()];
    let rules = ClusterRules::default();
    let new = assign(&apart, &mut open, &rules, &score)[0].problem.clone();
    let again = saying(housed(3, 2.0, "greenery", "Садовая", "5"), text);
    assert_eq!(assign(&again, &mut open, &rules, &score)[0].problem, all[0][0].problem);
    let bare = housed(4, 2.1, "greenery", "Садовая", "5");
    let joined = assign(&bare, &mut open, &rules, &score)[0].problem.clone();
    assert!(joined != new, "without words the one with the latest post");
}
