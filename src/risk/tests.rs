//! Cases of [`super`]: inputs → score, level and reasons; and what must hold for all of them.

use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::model::{Attitude, Language, Span};

fn facts(title: &str, severity: u8, season: Option<&str>) -> TopicFacts {
    let season = season.map(|text| Season::parse(text).unwrap());
    TopicFacts { title: title.to_owned(), severity, season }
}

fn packs(topic: &TopicId) -> Option<TopicFacts> {
    Some(match topic.as_str() {
        "heating" => facts("Отопление", 4, Some("09-15..05-15")),
        "roads" => facts("Дороги", 3, None),
        "stray_dogs" => facts("Бродячие собаки", 4, None),
        "lighting" => facts("Уличное освещение", 3, None),
        "vandalism" => facts("Надписи и порча", 1, None),
        "accident" => facts("Авария и угроза жизни", 5, None),
        "flood_ice" => facts("Паводок и лёд", 5, Some("03-15..09-30")),
        "rumour" => facts("Слухи", 3, None),
        _ => return None,
    })
}

fn finding(topic: &str, score: u8) -> Finding {
    let kind = match topic {
        "accident" | "flood_ice" => TopicKind::Danger,
        "rumour" => TopicKind::Rumour,
        _ => TopicKind::Problem,
    };
    Finding { topic: topic.into(), score, kind, matches: Vec::new(), clause: None }
}

fn signal(name: &str, amount: u32) -> Signal {
    Signal { name: name.into(), amount, text: "слова".into(), span: Span { start: 0, end: 5 } }
}

/// A text in which somebody complains.
fn text(findings: &[(&str, u8)], signals: &[(&str, u32)]) -> Classified {
    let mut complaint = calm(findings, signals);
    complaint.signals.push(signal("complaint", 1));
    complaint
}

/// A text that names its topics and complains of nothing.
fn calm(findings: &[(&str, u8)], signals: &[(&str, u32)]) -> Classified {
    Classified {
        language: Language("ru".into()),
        findings: findings.iter().map(|(topic, score)| finding(topic, *score)).collect(),
        places: Vec::new(),
        signals: signals.iter().map(|(name, amount)| signal(name, *amount)).collect(),
        attitude: Vec::new(),
    }
}

fn winter() -> RiskContext {
    RiskContext::on(date(2026, 1, 20))
}

fn names(risk: &Risk) -> Vec<&str> {
    risk.reasons.iter().map(|reason| reason.reason.as_str()).collect()
}

#[test]
fn what_people_write_gets_the_level_they_expect() {
    let rules = RiskRules::shipped();
    let check = |what: &str, classified: Classified, context: RiskContext, level: RiskLevel| {
        let risk = score(&classified, &packs, &context, &rules);
        assert_eq!(risk.level, level, "{what}: {risk:?}");
    };
    let cold = text(&[("heating", 90)], &[("days", 3), ("children", 1)]);
    check("third day cold, children freeze", cold.clone(), winter(), RiskLevel::High);
    let burst = text(&[("accident", 85)], &[("danger_to_life", 1)]);
    check("a burst with danger to life", burst.clone(), winter(), RiskLevel::Critical);
    check("potholes", text(&[("roads", 75)], &[]), winter(), RiskLevel::Elevated);
    check("one stray dog", text(&[("stray_dogs", 85)], &[]), winter(), RiskLevel::Elevated);
    check("an old lamp", text(&[("lighting", 40)], &[]), winter(), RiskLevel::Low);
    check("writing on a wall", text(&[("vandalism", 85)], &[]), winter(), RiskLevel::Low);
    check("heating in July", text(&[("heating", 90)], &[]), july(), RiskLevel::Elevated);
    let elsewhere = RiskContext { elsewhere: true, ..winter() };
    check("a burst far away", burst, elsewhere, RiskLevel::Elevated);
    let official = RiskContext { official: true, ..winter() };
    check("a body writes about heating", cold, official, RiskLevel::Elevated);
    let news = text(&[("accident", 85)], &[("news_report", 1)]);
    check("the newspaper tells of an accident", news, winter(), RiskLevel::Elevated);
}

fn july() -> RiskContext {
    RiskContext::on(date(2026, 7, 1))
}

#[test]
fn reasons_carry_names_points_and_words() {
    let rules = RiskRules::shipped();
    let cold = text(&[("heating", 90)], &[("days", 3), ("children", 1), ("children", 1)]);
    let risk = score(&cold, &packs, &winter(), &rules);
    assert_eq!(names(&risk), ["severity", "in_season", "frost", "children", "days"]);
    assert_eq!(risk.reasons[0].text, "тяжесть темы: Отопление");
    assert_eq!(risk.reasons[3].text, "дети: «слова»");
    assert_eq!(risk.score, 42 + 6 + 4 + 4 + 4);
}

#[test]
fn a_danger_is_as_grave_in_season_as_ever_and_doubtful_outside() {
    let rules = RiskRules::shipped();
    let flood = text(&[("flood_ice", 85)], &[]);
    let risk = |context| score(&flood, &packs, &context, &rules);
    assert_eq!(names(&risk(july())), ["severity", "danger"]);
    assert_eq!(names(&risk(winter())), ["severity", "danger", "out_of_season"]);
}

#[test]
fn the_gravest_topic_counts_and_others_add_nothing() {
    let rules = RiskRules::shipped();
    let both = text(&[("vandalism", 95), ("heating", 60)], &[]);
    let alone = text(&[("heating", 60)], &[]);
    let risk = |classified| score(classified, &packs, &winter(), &rules);
    assert_eq!(risk(&both), risk(&alone));
}

#[test]
fn beside_a_weak_finding_a_circumstance_only_lowers() {
    let rules = RiskRules::shipped();
    let weak = text(&[("roads", 25)], &[("danger_to_life", 1), ("resolved", 1)]);
    let risk = score(&weak, &packs, &winter(), &rules);
    assert_eq!(names(&risk), ["severity", "weak", "resolved"]);
}

#[test]
fn nothing_found_is_no_risk() {
    let rules = RiskRules::shipped();
    let signals = [("danger_to_life", 1), ("children", 1)];
    assert_eq!(score(&text(&[], &signals), &packs, &winter(), &rules), Risk::none());
    let unknown = text(&[("gone", 90)], &signals);
    assert_eq!(score(&unknown, &packs, &winter(), &rules), Risk::none());
    let many = ProblemSpread { voices: 50, lately: 20, sources: 9, waiting_days: 99, returns: 9 };
    assert_eq!(score_problem(&Risk::none(), &many, &rules), Risk::none());
}

#[test]
fn spread_waiting_and_returns_raise_a_problem() {
    let rules = RiskRules::shipped();
    let post = score(&text(&[("roads", 75)], &[]), &packs, &winter(), &rules);
    let spread = ProblemSpread { voices: 6, lately: 4, sources: 3, waiting_days: 12, returns: 1 };
    let risk = score_problem(&post, &spread, &rules);
    assert_eq!(names(&risk), ["severity", "voices", "growth", "sources", "waiting", "returns"]);
    assert_eq!(risk.score, 32 + 9 + 2 + 4 + 8 + 4);
    assert_eq!(risk.reasons[1].text, "пишут разные люди: 6");
    let one = ProblemSpread { voices: 1, sources: 1, ..ProblemSpread::default() };
    assert_eq!(score_problem(&post, &one, &rules), post);
}

#[test]
fn the_scale_ends_at_0_and_100_by_a_named_reason() {
    let rules = RiskRules::shipped();
    let signals = [("danger_to_life", 1), ("children", 1), ("days", 9), ("bedridden", 1)];
    let worst = score(&text(&[("accident", 95)], &signals), &packs, &winter(), &rules);
    assert_eq!((worst.score, *names(&worst).last().unwrap()), (100, "cap"));
    let more = ProblemSpread { voices: 30, ..ProblemSpread::default() };
    let problem = score_problem(&worst, &more, &rules);
    assert_eq!(problem.score, 100);
    assert_eq!(names(&problem).iter().filter(|name| **name == "cap").count(), 1);
    let least = RiskContext { elsewhere: true, official: true, ..winter() };
    let risk = score(&text(&[("vandalism", 30)], &[("ad", 1)]), &packs, &least, &rules);
    assert_eq!((risk.score, *names(&risk).last().unwrap()), (0, "floor"));
}

#[test]
fn attitude_changes_nothing() {
    let rules = RiskRules::shipped();
    let calm = text(&[("heating", 90)], &[("days", 3)]);
    let mut angry = calm.clone();
    let pack = TopicId::from("attitude");
    angry.attitude.push(Attitude { pack, score: 95, matches: Vec::new() });
    let risk = |classified| score(classified, &packs, &winter(), &rules);
    assert_eq!(risk(&calm), risk(&angry));
    let mut only = text(&[], &[]);
    only.attitude.clone_from(&angry.attitude);
    assert_eq!(risk(&only), Risk::none());
}

const TOPICS: [&str; 8] =
    ["flood_ice", "heating", "roads", "stray_dogs", "lighting", "vandalism", "accident", "rumour"];
const SIGNALS: [&str; 9] = [
    "danger_to_life",
    "children",
    "bedridden",
    "hospital",
    "days",
    "repeated",
    "resolved",
    "advert",
    "news_report",
];

proptest! {
    #[test]
    fn points_always_sum_to_the_score_and_more_people_never_lower_it(
        topics in prop::collection::vec((0..TOPICS.len(), 0_u8..=100), 0..4),
        named in prop::collection::vec((0..SIGNALS.len(), 0_u32..400), 0..6),
        flags in any::<(bool, bool, bool)>(),
        day in 0_i32..365,
        spread in (0_u32..60, 0_u32..30, 0_u32..9, 0_u32..90, 0_u32..9),
    ) {
        let rules = RiskRules::shipped();
        let topics: Vec<_> = topics.iter().map(|(topic, score)| (TOPICS[*topic], *score)).collect();
        let named: Vec<_> = named.iter().map(|(name, amount)| (SIGNALS[*name], *amount)).collect();
        let (elsewhere, official, repost) = flags;
        let on = date(2026, 1, 1).checked_add(jiff::Span::new().days(day)).unwrap();
        let context = RiskContext { date: on, elsewhere, official, repost };
        let post = score(&text(&topics, &named), &packs, &context, &rules);
        let (voices, lately, sources, waiting_days, returns) = spread;
        let spread = ProblemSpread { voices, lately, sources, waiting_days, returns };
        let problem = score_problem(&post, &spread, &rules);
        for risk in [&post, &problem] {
            let sum: i32 = risk.reasons.iter().map(|reason| reason.points).sum();
            prop_assert_eq!(sum, i32::from(risk.score));
            prop_assert_eq!(risk.level, RiskLevel::of(risk.score));
        }
        prop_assert!(problem.score >= post.score || post.score == 0);
        let more = [
            ProblemSpread { voices: voices + 1, ..spread },
            ProblemSpread { lately: lately + 1, ..spread },
            ProblemSpread { sources: sources + 1, ..spread },
            ProblemSpread { waiting_days: waiting_days + 1, ..spread },
            ProblemSpread { returns: returns + 1, ..spread },
        ];
        for spread in &more {
            prop_assert!(score_problem(&post, spread, &rules).score >= problem.score);
        }
    }
}

#[test]
fn what_nobody_complains_of_is_no_problem_however_many_speak_of_it() {
    let rules = RiskRules::shipped();
    let of = |classified: &Classified| score(classified, &packs, &winter(), &rules);
    let (concert, complaint) = (calm(&[("roads", 85)], &[]), text(&[("roads", 85)], &[]));
    assert_eq!(of(&concert).score + 26, of(&complaint).score);
    assert!(is_calm(&of(&concert), &rules) && !is_calm(&of(&complaint), &rules));
    let many = ProblemSpread { voices: 50, lately: 9, sources: 5, waiting_days: 9, returns: 2 };
    assert_eq!(score_problem(&of(&concert), &many, &rules), of(&concert));
    let burst = calm(&[("accident", 85)], &[]);
    assert!(!is_calm(&of(&burst), &rules), "a danger says itself that something is wrong");
    let hint = calm(&[("accident", 30)], &[]);
    assert!(is_calm(&of(&hint), &rules), "unless it is hardly named");
}
