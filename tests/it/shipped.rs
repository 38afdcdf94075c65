//! The shipped packs: they compile, their examples hold, and they keep the promises of the project.

use std::path::Path;

use otklik::classify::{Gazetteer, Lexicon, PackKind, Scratch, classify};
use otklik::config::{RiskRules, packs};
use otklik::model::{RiskLevel, TopicId};
use otklik::risk::{RiskContext, TopicFacts, score};

/// Ids other programs rely on (DESIGN 6.3).
const CIVIC: &[&str] = &[
    "roads",
    "snow",
    "transport",
    "rubbish",
    "water",
    "heating",
    "electricity",
    "lighting",
    "gas",
    "housing",
    "landscaping",
    "greenery",
    "stray_dogs",
    "healthcare",
    "schools",
    "social",
    "ecology",
    "construction",
    "trade",
    "vandalism",
    "culture_sport",
    "communications",
    "labour",
    "gov_services",
];

fn shipped() -> Lexicon {
    let files = packs::read_dir(Path::new("keywords")).expect("the folder is read");
    match Lexicon::compile(files, Gazetteer::default()) {
        Ok(lexicon) => lexicon,
        Err(faults) => {
            let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
            panic!("{}", faults.join("\n"))
        }
    }
}

#[test]
fn shipped_packs_compile_and_their_examples_hold() {
    let lexicon = shipped();
    let warnings: Vec<String> = lexicon.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(warnings, Vec::<String>::new());
    for id in CIVIC {
        let topic = lexicon.topic(id).unwrap_or_else(|| panic!("no pack {id}"));
        assert_eq!(topic.kind, PackKind::Problem, "{id}");
    }
    for topic in lexicon.topics() {
        assert!((2..=3).contains(&topic.advice.len()), "{}: advice", topic.id);
        assert!(topic.department.is_some(), "{}: department", topic.id);
    }
}

#[test]
fn every_circumstance_of_the_risk_table_is_named_by_a_list() {
    let lists = ["_signals", "_offers"].map(|name| {
        std::fs::read_to_string(format!("keywords/{name}.toml")).expect("the list is read")
    });
    for part in RiskRules::shipped().circumstances {
        let named = format!("name = \"{}\"", part.signal);
        // The engine itself says when all that was found is settled.
        let known = part.signal == "resolved" || lists.iter().any(|list| list.contains(&named));
        assert!(known, "no list names «{}»", part.signal);
    }
}

#[test]
fn every_part_of_the_risk_table_is_explained() {
    let rules = RiskRules::shipped();
    let page = std::fs::read_to_string("docs/ru/risk.md").expect("the page is read");
    let table: Vec<&str> = page.lines().filter(|line| line.starts_with('|')).collect();
    let source = std::fs::read_to_string("config/risk.toml").expect("the table is read");
    let titles = source.lines().filter_map(|line| line.strip_prefix("title = \""));
    let titles: Vec<&str> = titles.map(|title| title.trim_end_matches('"')).collect();
    assert!(titles.len() > rules.circumstances.len() + 10);
    for title in titles.iter().filter(|title| !title.ends_with("граница шкалы")) {
        let named = |line: &&&str| line.contains(title);
        assert_eq!(table.iter().filter(named).count(), 1, "docs/ru/risk.md: «{title}»");
    }
}

#[test]
fn what_people_write_gets_its_topic_and_level() {
    let lexicon = shipped();
    let rules = RiskRules::shipped();
    let facts = |id: &TopicId| {
        let topic = lexicon.topic(id.as_str())?;
        let (title, severity, season) = (topic.title.clone(), topic.severity, topic.season);
        Some(TopicFacts { title, severity, season })
    };
    let context = RiskContext::on(jiff::civil::date(2026, 1, 20));
    let mut scratch = Scratch::new();
    let mut check = |text: &str, topic: &str, level: RiskLevel| {
        let found = classify(text, &lexicon, &mut scratch);
        let first = found.findings.first().map_or("", |finding| finding.topic.as_str());
        let risk = score(&found, &facts, &context, &rules);
        assert_eq!((first, risk.level), (topic, level), "{text}\n{found:?}\n{risk:?}");
    };
    use RiskLevel::{Critical, Elevated, High, Low};
    check("Третий день батареи ледяные, дети мёрзнут, Онохой", "heating", High);
    check("Когда дадут отопление на Рабочей? В квартире холодно", "heating", High);
    check("Горит дом на Лесной в Ильке, в доме дети!", "fire", Critical);
    check("Прорвало теплотрассу, кипяток хлещет на улицу, есть пострадавшие", "accident", Critical);
    check("У школы в Новой Брянке открыт люк", "street_hazard", High);
    // A lid that one drives over is the road's matter; one that is not shut is a trap.
    check("Люк у клуба просел и гремит под колёсами", "roads", Elevated);
    check("У школы в Ильке открыт люк, крышка рядом", "street_hazard", High);
    // Cold water is no cold, and little of it is not none.
    check("В квартире слабый напор холодной воды, помогите", "water", Elevated);
    check("Третий день сидим без холодной воды", "water", High);
    check("На въезде в Эрхирик яма на яме", "roads", Elevated);
    check("Бабушка одна, дров на два дня, мороз под сорок, Мухор-Тала", "fuel", High);
    check("Волки у Мухор-Талы зарезали телёнка, боимся за детей", "predators", High);
    check("Скорую ждали три часа, человек умер", "healthcare", High);
    check("Когда скосят траву у клуба?", "greenery", Low);
    check("В Шабуре бегает бродячая собака", "stray_dogs", Elevated);
    check("Стая собак бросается на детей у школы в Челутае", "stray_dogs", High);
    check("Мусор не вывозят вторую неделю", "rubbish", Low);
    check("На заборе опять надписи, некрасиво", "vandalism", Low);
    check(
        "С праздником, дорогие земляки! Концерт отменять не будем, ждём всех",
        "culture_sport",
        Low,
    );
    check("Всем хорошего дня и тёплого вечера", "", Low);
}
