//! Settlements of the district: sentences with the places a reader of the district would name.
//!
//! The tables are written from the map and the language, not from the matcher: each row is a text
//! and the places it is about, `-` before a place that is elsewhere. Measured together: pairs of
//! text and place.

mod addresses;
mod resolved;
mod settlements;
mod traps;

use std::collections::BTreeSet;

use otklik::classify::Gazetteer;
use otklik::config::places::PlacesFile;
use otklik::text::Tokens;

/// Ids and sentences, written before the finder was read.
const SENTENCES: &str = include_str!("sentences.tsv");

/// A text and the places it names, `; ` between them.
type Row = (&'static str, &'static str);

fn gazetteer() -> Gazetteer {
    Gazetteer::compile(&PlacesFile::built_in())
}

/// Titles of the places found, `-` before one elsewhere.
fn found(gazetteer: &Gazetteer, text: &str) -> BTreeSet<String> {
    let tokens = Tokens::of(text);
    let mut hits = Vec::new();
    gazetteer.find(&tokens, text, &mut hits);
    gazetteer
        .findings(&tokens, text, &hits)
        .into_iter()
        .filter(|place| place.place.is_some())
        .map(|place| format!("{}{}", if place.elsewhere { "-" } else { "" }, place.title))
        .collect()
}

#[test]
fn settlements_are_found_right_in_97_of_100() {
    let gazetteer = gazetteer();
    let (mut right, mut extra, mut missed) = (0_u32, 0_u32, 0_u32);
    let mut wrong = Vec::new();
    let rows: Vec<&Row> = settlements::ROWS.iter().chain(traps::ROWS).collect();
    assert!(rows.len() >= 300, "{} sentences", rows.len());
    for (text, expected) in rows {
        let expected: BTreeSet<String> =
            expected.split("; ").filter(|name| !name.is_empty()).map(str::to_owned).collect();
        let found = found(&gazetteer, text);
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        right += count(found.intersection(&expected).count());
        extra += count(found.difference(&expected).count());
        missed += count(expected.difference(&found).count());
        if found != expected {
            wrong.push(format!("{text}: {found:?}, не {expected:?}"));
        }
    }
    let f1 = f64::from(2 * right) / f64::from(2 * right + extra + missed);
    assert!(
        f1 >= 0.97,
        "F1 {f1:.3}, верно {right}, лишних {extra}, пропущено {missed}\n{}",
        wrong.join("\n")
    );
    // A wrong village costs more than a missed one.
    assert!(extra * 100 <= right, "лишних {extra} при {right} верных\n{}", wrong.join("\n"));
}

/// Ids of the district's settlements that a text names.
fn ids(gazetteer: &Gazetteer, text: &str) -> BTreeSet<String> {
    let tokens = Tokens::of(text);
    let mut hits = Vec::new();
    gazetteer.find(&tokens, text, &mut hits);
    let findings = gazetteer.findings(&tokens, text, &hits).into_iter();
    let ours = findings.filter(|place| !place.elsewhere).filter_map(|place| place.place);
    ours.map(|id| id.0).collect()
}

#[test]
fn sentences_written_without_the_finder_are_read_right_in_97_of_100() {
    let gazetteer = gazetteer();
    let (mut right, mut extra, mut missed, mut sentences) = (0_u32, 0_u32, 0_u32, 0_u32);
    let mut wrong = Vec::new();
    for line in SENTENCES.lines().filter(|line| !line.starts_with('#')) {
        let (expected, text) = line.split_once('\t').expect("places, a tab, a sentence");
        let expected: BTreeSet<String> =
            expected.split(',').filter(|id| *id != "-").map(str::to_owned).collect();
        let found = ids(&gazetteer, text);
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        sentences += 1;
        right += count(found.intersection(&expected).count());
        extra += count(found.difference(&expected).count());
        missed += count(expected.difference(&found).count());
        if found != expected {
            wrong.push(format!("{text}: {found:?}, не {expected:?}"));
        }
    }
    assert!(sentences >= 300, "{sentences}");
    let f1 = f64::from(2 * right) / f64::from(2 * right + extra + missed);
    let wrong = wrong.join("\n");
    assert!(f1 >= 0.97, "F1 {f1:.3}: {right} верно, {extra} лишних, {missed} мимо\n{wrong}");
    assert!(extra * 100 <= right, "{extra} лишних при {right} верных\n{wrong}");
}

#[test]
fn every_settlement_stands_in_the_table() {
    let gazetteer = gazetteer();
    for (_, title) in gazetteer.ours() {
        let rows = settlements::ROWS.iter().chain(traps::ROWS);
        let count =
            rows.filter(|(_, expected)| expected.split("; ").any(|name| name == title)).count();
        assert!(count >= 3, "{title}: {count}");
    }
}

#[test]
fn every_name_and_id_leads_to_its_place() {
    let gazetteer = gazetteer();
    for (id, title) in gazetteer.ours() {
        assert_eq!(gazetteer.by_name(id.as_str()), Some(id));
        assert_eq!(gazetteer.by_name(title), Some(id), "{title}");
    }
}

#[test]
fn anywhere_makes_every_place_ours() {
    let gazetteer = gazetteer().anywhere();
    assert_eq!(found(&gazetteer, "пожар в Москве"), BTreeSet::from(["Москва".to_owned()]));
}

#[test]
fn a_nickname_of_two_places_leads_to_neither_and_is_reported() {
    let source = "[[place]]\nid = \"a\"\nname = \"Новая Брянь\"\nalso = [\"Брянь\"]\n\
                  [[place]]\nid = \"b\"\nname = \"Старая Брянь\"\nalso = [\"Брянь\"]\n";
    let file = PlacesFile::parse(std::path::Path::new("places.toml"), source).expect("no faults");
    let gazetteer = Gazetteer::compile(&file);
    assert_eq!(found(&gazetteer, "в Брянь не проехать"), BTreeSet::new());
    assert_eq!(found(&gazetteer, "в Старую Брянь"), BTreeSet::from(["Старая Брянь".to_owned()]));
    let spots = gazetteer.weak_spots();
    assert_eq!(
        spots.first().map(String::as_str),
        Some(
            "«бряни» может значить: Новая Брянь, Старая Брянь; по этому имени место не определяется"
        )
    );
}

#[test]
fn the_shipped_list_is_reachable() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_otklik"))
        .args(["places", "check", "--json"])
        .current_dir(crate::root())
        .output()
        .expect("the binary runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    for kind in ["unreachable", "ambiguous", "duplicate"] {
        assert!(!said.contains(kind), "{said}");
    }
}
