//! A pack file as typed: fields, rules, examples, and everything wrong with one file alone.
//!
//! Place in the flow: `merge` lays overlays over packs, `lexicon` compiles them. Invariant: what
//! leaves this file without a fault keeps the format of DESIGN 6.3.

use std::collections::HashSet;

use crate::config::packs::PackFile;
use crate::config::{Fault, Season};
use crate::model::TopicKind;

use super::fields::{Section, Sheet, Text};
use super::names;

/// Rules a pack may have.
pub const RULES_MAX: usize = 2_000;
/// Points of a rule that names none.
pub const WEIGHT_DEFAULT: u8 = 50;

/// Kind of a pack. Attitude has no [`TopicKind`]: it never becomes a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PackKind {
    /// A service that fails.
    Problem,
    /// A danger to life, health or property.
    Danger,
    /// An unverified claim of danger.
    Rumour,
    /// Resident feedback on officials: counted by week, nothing else.
    Attitude,
}

impl PackKind {
    /// The kind of its findings; `None` for attitude.
    #[must_use]
    pub fn topic(self) -> Option<TopicKind> {
        match self {
            PackKind::Problem => Some(TopicKind::Problem),
            PackKind::Danger => Some(TopicKind::Danger),
            PackKind::Rumour => Some(TopicKind::Rumour),
            PackKind::Attitude => None,
        }
    }

    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "problem" => PackKind::Problem,
            "danger" => PackKind::Danger,
            "rumour" => PackKind::Rumour,
            "attitude" => PackKind::Attitude,
            _ => return None,
        })
    }
}

/// Where something stands: file (by number) and byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    /// Number of the file.
    pub file: usize,
    /// Byte within it.
    pub at: usize,
}

/// A rule as typed.
#[derive(Debug, Clone)]
pub struct RuleDraft {
    /// Its id, if it has one.
    pub id: Option<String>,
    /// What must be there.
    pub find: Option<Text>,
    /// What must not be there.
    pub unless: Option<Text>,
    /// Points.
    pub weight: Option<u8>,
    /// Whether an overlay switches it off.
    pub disabled: bool,
    /// Where it starts.
    pub spot: Spot,
}

/// An example as typed.
#[derive(Debug, Clone)]
pub struct ExampleDraft {
    /// The text.
    pub text: Text,
    /// Whether the pack must match it.
    pub is: bool,
    /// Where its text starts.
    pub spot: Spot,
}

/// A pack or overlay as typed.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Number of its file.
    pub file: usize,
    /// Its id = file name.
    pub id: String,
    /// Title for people.
    pub title: Option<String>,
    /// Kind.
    pub kind: Option<PackKind>,
    /// Severity, 1–5.
    pub severity: Option<u8>,
    /// Default owner.
    pub department: Option<String>,
    /// Season.
    pub season: Option<Season>,
    /// Advice, printed verbatim.
    pub advice: Vec<String>,
    /// Codes for hand-off, by system.
    pub codes: Vec<(String, String)>,
    /// Rules, in file order.
    pub rules: Vec<RuleDraft>,
    /// Examples, in file order.
    pub examples: Vec<ExampleDraft>,
}

const KEYS: &[&str] = &[
    "id",
    "title",
    "kind",
    "severity",
    "department",
    "season",
    "advice",
    "codes",
    "rule",
    "example",
];
const RULE_KEYS: &[&str] = &["id", "find", "unless", "weight", "disabled"];

/// Reads file number `number`. `overlay` files need no more than an id.
#[must_use]
pub fn read(file: &PackFile, number: usize, overlay: bool) -> (Draft, Vec<Fault>) {
    let mut sheet = Sheet::new(file, number);
    let table = sheet.table();
    let whole = Section::whole(&table);
    sheet.known(&whole, KEYS);
    let required: &[&str] =
        if overlay { &["id"] } else { &["id", "title", "kind", "severity", "rule"] };
    if sheet.faults.is_empty() {
        for key in required {
            sheet.missing(&whole, key, "пакет");
        }
    }
    let id = read_id(&mut sheet, &whole, file.stem());
    let kind = sheet.text(&whole, "kind").and_then(|text| {
        let kind = PackKind::parse(&text.value);
        if kind.is_none() {
            let fix = "бывает problem, danger, rumour или attitude";
            sheet.fault_in(&text, 0, format!("неизвестный вид «{}»", text.value), fix);
        }
        kind
    });
    let season = sheet.text(&whole, "season").and_then(|text| {
        let season = Season::parse(&text.value).ok();
        if season.is_none() {
            let fix = "пишите месяц-день..месяц-день: \"09-15..05-15\"";
            sheet.fault_in(&text, 0, format!("непонятный сезон «{}»", text.value), fix);
        }
        season
    });
    let title = plain(&mut sheet, &whole, "title");
    let draft = Draft {
        file: number,
        id,
        title,
        kind,
        severity: sheet.number(&whole, "severity", 1..=5),
        department: plain(&mut sheet, &whole, "department"),
        season,
        advice: read_advice(&mut sheet, &whole),
        codes: read_codes(&mut sheet, &whole),
        rules: read_rules(&mut sheet, &whole, number),
        examples: read_examples(&mut sheet, &whole, number),
    };
    (draft, sheet.faults)
}

fn read_id(sheet: &mut Sheet<'_>, whole: &Section<'_>, stem: &str) -> String {
    if let Some(text) = sheet.text(whole, "id") {
        if !is_id(&text.value) {
            sheet.fault_in(&text, 0, "неверный id", "строчные латинские буквы, цифры и «_»");
        } else if text.value != stem {
            let what = format!("id «{}» не равен имени файла «{stem}»", text.value);
            sheet.fault_in(&text, 0, what, "переименуйте одно из двух");
        }
    }
    stem.to_owned()
}

/// Whether a text may be an id: latin letters, digits, `_` and `-`.
#[must_use]
pub fn is_id(text: &str) -> bool {
    let sign = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    !text.is_empty() && text.len() <= 64 && text.chars().all(sign)
}

/// A text that must say something.
fn plain(sheet: &mut Sheet<'_>, section: &Section<'_>, key: &str) -> Option<String> {
    let text = sheet.text(section, key)?;
    if text.value.trim().is_empty() {
        sheet.fault(text.at.start, format!("«{key}» пусто"), "");
        return None;
    }
    no_names(sheet, &text);
    Some(text.value)
}

fn no_names(sheet: &mut Sheet<'_>, text: &Text) {
    if let Some(found) = names::find(&text.value, &mut sheet.tokens) {
        let what = format!("имя человека: «{}»", &text.value[found.clone()]);
        sheet.fault_in(text, found.start, what, "пакеты ищут проблемы, а не людей: уберите имя");
    }
}

fn read_advice(sheet: &mut Sheet<'_>, whole: &Section<'_>) -> Vec<String> {
    let texts = sheet.texts(whole, "advice");
    for text in &texts {
        no_names(sheet, text);
    }
    texts.into_iter().map(|text| text.value).collect()
}

fn read_codes(sheet: &mut Sheet<'_>, whole: &Section<'_>) -> Vec<(String, String)> {
    sheet.pairs(whole, "codes").into_iter().map(|(name, text)| (name, text.value)).collect()
}

fn read_rules(sheet: &mut Sheet<'_>, whole: &Section<'_>, number: usize) -> Vec<RuleDraft> {
    let sections = sheet.sections(whole, "rule");
    if let Some(extra) = sections.get(RULES_MAX) {
        let text = format!("в пакете больше {RULES_MAX} правил");
        sheet.fault(extra.at.start, text, "разделите его на два");
    }
    let mut rules: Vec<RuleDraft> = Vec::with_capacity(sections.len());
    let mut ids: HashSet<String> = HashSet::with_capacity(sections.len());
    for section in &sections {
        sheet.known(section, RULE_KEYS);
        let id = sheet.text(section, "id").and_then(|text| {
            if !is_id(&text.value) {
                let fix = "строчные латинские буквы, цифры, «-» и «_»";
                sheet.fault_in(&text, 0, "неверный id правила", fix);
            } else if !ids.insert(text.value.clone()) {
                let what = format!("id правила «{}» повторяется", text.value);
                sheet.fault_in(&text, 0, what, "дайте другое имя");
            }
            is_id(&text.value).then_some(text.value)
        });
        let disabled = sheet.flag(section, "disabled").unwrap_or(false);
        let find = sheet.text(section, "find");
        let unless = sheet.text(section, "unless");
        for text in [&find, &unless].into_iter().flatten() {
            no_names(sheet, text);
        }
        if find.is_none() && id.is_none() {
            sheet.missing(section, "find", "правило");
        }
        let weight = sheet.number(section, "weight", 1..=100);
        let spot = Spot { file: number, at: section.at.start };
        rules.push(RuleDraft { id, find, unless, weight, disabled, spot });
    }
    rules
}

fn read_examples(sheet: &mut Sheet<'_>, whole: &Section<'_>, number: usize) -> Vec<ExampleDraft> {
    let mut examples = Vec::new();
    for section in &sheet.sections(whole, "example") {
        sheet.known(section, &["text", "is"]);
        sheet.missing(section, "text", "пример");
        sheet.missing(section, "is", "пример");
        let is = sheet.flag(section, "is");
        let Some(text) = sheet.text(section, "text") else { continue };
        no_names(sheet, &text);
        let spot = Spot { file: number, at: text.at.start };
        if let Some(is) = is {
            examples.push(ExampleDraft { text, is, spot });
        }
    }
    examples
}

#[cfg(test)]
mod tests {
    use super::super::flat::Flat;
    use super::*;

    #[test]
    fn plain_packs_are_read_as_toml_reads_them() {
        let mut packs = 0;
        for (name, text) in crate::config::shipped::keywords() {
            if name.starts_with('_') || !name.ends_with(".toml") {
                continue;
            }
            packs += 1;
            // A key in quotes is left to the TOML reader; all stays at its byte.
            let plain = text.replace("\r\n", "\n");
            let (before, behind) = plain.rsplit_once("\nis = ").expect("a last example");
            let quoted = format!("{before}\n\"is\"={behind}");
            assert!(Flat::of(&plain).is_some() && Flat::of(&quoted).is_none(), "{name}");
            let read = |text: String| {
                let (draft, faults) =
                    read(&PackFile::new(format!("keywords/{name}"), text), 3, false);
                assert!(faults.is_empty(), "{name}: {}", faults[0]);
                format!("{draft:#?}")
            };
            assert_eq!(read(plain.clone()), read(quoted), "{name}");
        }
        assert!(packs > 20, "{packs}");
    }
}
