//! Packs at the limits of the format: what is within them works, what is beyond is named.

use otklik::classify::query::DEPTH_MAX;
use otklik::classify::{Gazetteer, Lexicon, query};
use otklik::config::Fault;
use otklik::config::packs::PackFile;

use crate::lexicons::{EXAMPLES, matches, probe};

fn pack(id: &str, rules: usize) -> PackFile {
    let mut text = format!(
        "id = \"{id}\"\ntitle = \"Проба\"\nkind = \"problem\"\nseverity = 3\n\
         [[rule]]\nfind = 'зюзябра'\n"
    );
    for number in 1..rules {
        text.push_str(&format!("[[rule]]\nfind = '!д{number}'\n"));
    }
    text.push_str(EXAMPLES);
    PackFile::new(format!("keywords/{id}.toml"), text)
}

fn faults(files: Vec<PackFile>) -> Vec<Fault> {
    Lexicon::compile(files, Gazetteer::empty()).err().unwrap_or_default()
}

#[test]
fn a_pack_has_two_thousand_rules_and_no_more() {
    assert_eq!(faults(vec![pack("probe", 2_000)]), []);
    let found = faults(vec![pack("probe", 2_001)]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].text.as_str(), found[0].line), ("в пакете больше 2000 правил", 4_005));
}

#[test]
fn all_packs_have_a_hundred_thousand_rules_and_no_more() {
    let packs = (0..51).map(|number| pack(&format!("probe_{number}"), 1_961)).collect();
    let found = faults(packs);
    let text = "правил во всех пакетах больше 100000";
    assert!(found.iter().any(|fault| fault.text == text && fault.line > 0), "{:?}", found.first());
}

#[test]
fn all_packs_have_half_a_million_words_and_no_more() {
    let many = ["!я"; 4_999].join("|");
    let rules = |count: usize| {
        let rule = |number| format!("[[rule]]\nid = \"r{number}\"\nfind = '\"вода ({many})\"'\n");
        let mut file = pack("probe", 1);
        file.text.push_str(&(0..count).map(rule).collect::<String>());
        faults(vec![file])
    };
    let found = rules(101);
    assert_eq!(found.len(), 1, "{:?}", found.first());
    assert_eq!(found[0].text, "слов во всех пакетах больше 500000");
}

#[test]
fn brackets_as_deep_as_they_may_be() {
    let nested = |deep: usize| format!("{}вода{}", "(яма | ".repeat(deep), ")".repeat(deep));
    assert_eq!(matches(&probe(&nested(DEPTH_MAX), ""), "нет воды").len(), 1);
    let fault = query::parse(&nested(DEPTH_MAX + 1)).expect_err("too deep");
    assert_eq!(fault.text, "скобки вложены глубже 16 раз");
    let open = "(".repeat(50_000);
    assert!(query::parse(&open).is_err(), "no stack is used up");
}

#[test]
fn a_regular_expression_of_512_signs_is_run_in_linear_time() {
    // Backtracking would never end: (а|аа)* … б over many а.
    let nasty = format!("/{}б/", "(?:а|аа)*".repeat(56));
    assert!(nasty.chars().count() <= 514);
    let lexicon = probe(&nasty, "");
    assert!(matches(&lexicon, &"а ".repeat(3_000)).is_empty());
    assert_eq!(matches(&lexicon, "аааб").len(), 1);
    for (regex, text) in [
        ("/(?:(?:а{1,99}){1,99}){1,99}/", "регулярное выражение слишком велико"),
        ("/а*/", "регулярное выражение подходит к пустому тексту"),
    ] {
        assert_eq!(query::parse(regex).expect_err(regex).text, text);
    }
}
