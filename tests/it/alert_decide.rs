//! When somebody is told, and that attitude alone never tells anybody.

use jiff::Timestamp;
use otklik::alert::{QuoteCandidate, Weight, alert_of, choose_quotes, decide, delivery_id, told};
use otklik::cluster::{ClusterRules, assign, count_voices};
use otklik::config::routes::AlertRules;
use otklik::model::{
    AlertReason, BurstFacts, Channel, Problem, ProblemEvent, ProblemEventKind, ProblemState,
    QuoteRef, RiskLevel, Span, TopicKind,
};
use proptest::prelude::*;

use crate::cluster::{day, fresh, post, score};

fn now() -> Timestamp {
    day(5.0)
}

fn problem(kind: TopicKind, score: u8) -> Problem {
    let mut problem = Problem::open("p0123456789ab".into(), "heating".into(), kind, None, day(1.0));
    (problem.score, problem.level) = (score, RiskLevel::of(score));
    problem.posts = 1;
    problem
}

fn told_at(mut problem: Problem, level: RiskLevel, voices: u32) -> Problem {
    (problem.told, problem.alerts) = (Some((day(2.0), level, voices)), 1);
    problem
}

fn weight(voices: u32) -> Weight {
    Weight { voices, sources: 1, ..Weight::default() }
}

/// The same where chance does not explain the number of posts.
fn bursting(voices: u32) -> Weight {
    let burst =
        BurstFacts { hours: 1, count: 5, usual_milli: 80, chance_ppb: 900, bound_ppb: 40_000 };
    Weight { burst: Some(burst), ..weight(voices) }
}

#[test]
fn a_burst_tells_of_a_problem_that_is_not_low() {
    check(&problem(TopicKind::Problem, 45), &bursting(2), Some(AlertReason::Burst));
    check(&problem(TopicKind::Problem, 45), &weight(2), None);
    check(&problem(TopicKind::Problem, 20), &bursting(2), None);
    check(&problem(TopicKind::Problem, 70), &bursting(2), Some(AlertReason::NewProblem));
    check(&problem(TopicKind::Rumour, 45), &bursting(2), None);
}

#[track_caller]
fn check(problem: &Problem, weight: &Weight, expected: Option<AlertReason>) {
    let decision = decide(problem, weight, &AlertRules::default(), now());
    assert_eq!(decision.map(|it| it.reason), expected);
}

#[test]
fn a_new_problem_is_told_by_level_or_voices() {
    use AlertReason::NewProblem;
    let of = |score| problem(TopicKind::Problem, score);
    check(&of(60), &weight(1), Some(NewProblem));
    check(&of(59), &weight(2), None);
    check(&of(59), &weight(3), Some(NewProblem));
    check(&of(29), &weight(50), None);
    check(&of(85), &weight(0), Some(NewProblem));
    let mut closed = of(90);
    closed.state = ProblemState::Closed;
    check(&closed, &weight(5), None);
}

#[test]
fn a_told_problem_is_told_again_only_for_a_new_fact() {
    let high = told_at(problem(TopicKind::Problem, 70), RiskLevel::High, 3);
    check(&high, &weight(3), None);
    check(&high, &weight(8), None);
    check(&high, &weight(9), Some(AlertReason::Burst));
    let one = told_at(problem(TopicKind::Problem, 70), RiskLevel::High, 1);
    check(&one, &weight(5), None);
    check(&one, &weight(6), Some(AlertReason::Burst));
    check(&high, &bursting(3), None);
    check(&high, &bursting(7), None);
    check(&high, &bursting(8), Some(AlertReason::Burst));
    let raised = told_at(problem(TopicKind::Problem, 80), RiskLevel::High, 3);
    check(&raised, &weight(3), Some(AlertReason::LevelRaised));
    // It fell and rose again: the level was told.
    check(&told_at(problem(TopicKind::Problem, 65), RiskLevel::Critical, 3), &weight(3), None);
}

#[test]
fn a_return_is_told_to_those_who_knew() {
    let mut back = problem(TopicKind::Problem, 40);
    (back.state, back.returns) = (ProblemState::Reopened, 1);
    check(&back, &weight(1), None);
    back.alerts = 1;
    check(&back, &weight(1), Some(AlertReason::Reopened));
    let mild = Problem { score: 16, level: RiskLevel::Low, ..back.clone() };
    check(&mild, &weight(1), None);
    check(&mild, &weight(2), Some(AlertReason::Reopened));
    check(&told_at(back, RiskLevel::Elevated, 1), &weight(1), None);
}

#[test]
fn a_rumour_needs_three_voices_or_a_danger() {
    let rumour = problem(TopicKind::Rumour, 90);
    check(&rumour, &weight(2), None);
    check(&rumour, &weight(3), Some(AlertReason::RumourSpreads));
    let beside = Weight { danger_beside: true, ..weight(1) };
    check(&rumour, &beside, Some(AlertReason::RumourSpreads));
}

#[test]
fn ids_are_stable_and_distinct() {
    let problem = problem(TopicKind::Problem, 90);
    let decision = decide(&problem, &weight(4), &AlertRules::default(), now()).unwrap();
    let alert = alert_of(&decision, &problem, &weight(4), Vec::new(), "hash");
    let again = alert_of(&decision, &problem, &weight(4), Vec::new(), "hash");
    assert_eq!(alert, again);
    assert!(alert.id.as_str().starts_with('a') && alert.id.as_str().len() == 13);
    let mut later = problem;
    later.apply(&ProblemEvent { at: now(), kind: told(&alert) });
    let second = alert_of(&decision, &later, &weight(4), Vec::new(), "hash");
    assert_ne!(alert.id, second.id);
    let delivery = |name, channel| delivery_id(&format!("alert:{}", alert.id), name, channel);
    assert_ne!(delivery("A", Channel::Email), delivery("B", Channel::Email));
    assert_eq!(delivery("A", Channel::Email), delivery("A", Channel::Email));
}

#[test]
fn quotes_are_the_riskiest_and_no_two_alike() {
    let candidate = |n: u32, risk, words: &str| QuoteCandidate {
        quote: QuoteRef {
            post: post(u8::try_from(n).unwrap(), 0.0, "heating", "").key,
            span: Span { start: 0, end: n },
        },
        risk,
        words: words.to_owned(),
    };
    let all = [
        candidate(1, 20, "Дома холодно"),
        candidate(2, 70, "Батареи ледяные!"),
        candidate(3, 60, "батареи ЛЕДЯНЫЕ"),
        candidate(4, 90, "  "),
    ];
    let ends: Vec<u32> = choose_quotes(&all).iter().map(|it| it.span.end).collect();
    assert_eq!(ends, [2, 1]);
}

#[test]
fn of_equal_risk_the_clause_that_says_more_is_quoted() {
    let candidate = |number: u32, words: &str| QuoteCandidate {
        quote: QuoteRef {
            post: post(1, f64::from(number), "heating", "onohoy").key,
            span: Span { start: 0, end: number },
        },
        risk: 50,
        words: words.to_owned(),
    };
    let all = [
        candidate(1, "Котельная встала"),
        candidate(2, "в квартире второй день нет отопления"),
        candidate(3, "батареи ледяные с ночи, дети мёрзнут"),
        candidate(4, "замерзаем"),
    ];
    let ends: Vec<u32> = choose_quotes(&all).iter().map(|it| it.span.end).collect();
    assert_eq!(ends, [2, 3]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever posts with an attitude match pile up, however risky: nobody is told. One ground is
    /// enough to tell, so the test can fail.
    #[test]
    fn attitude_alone_never_alerts(
        posts in prop::collection::vec((any::<u8>(), 0.0..120.0f64, any::<bool>()), 1..60),
        ground_at in prop::option::of(0usize..60),
    ) {
        let mut open = fresh();
        let rules = ClusterRules::default();
        let mut told_any = false;
        let mut grounded = false;
        for (at, (n, when, rumour)) in posts.iter().enumerate() {
            let mut item = post(*n, *when, "heating", "onohoy");
            item.key.id = format!("{at}").into();
            item.risks.insert("heating".into(), crate::cluster::risk(100));
            item.findings[0].kind =
                if *rumour { TopicKind::Rumour } else { TopicKind::Danger };
            item.ground = ground_at == Some(at);
            grounded |= item.ground;
            for done in assign(&item, &mut open, &rules, &score) {
                prop_assert!(item.ground || done.membership.iter().all(|it| it.quote.is_none()));
                let loaded = open.get(&done.problem).unwrap();
                let weight = Weight {
                    voices: count_voices(&loaded.voices).0,
                    danger_beside: true,
                    ..Weight::default()
                };
                let rules = AlertRules::default();
                let decision = decide(&loaded.problem, &weight, &rules, item.published);
                let reopened = done.events.iter().any(|it| it.kind == ProblemEventKind::Reopened);
                if decision.is_some() {
                    prop_assert!(grounded);
                    prop_assert!(item.ground || !reopened, "a return needs a ground of its own");
                }
                told_any |= decision.is_some();
            }
        }
        prop_assert_eq!(told_any, grounded);
    }
}
