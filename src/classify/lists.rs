//! Lists that belong to the engine, not to a topic: `keywords/_*.toml`.
//!
//! Place in the flow: read beside the packs, compiled into the same lexicon. Invariant: a list that
//! the folder lacks is the one shipped with the program, so that polarity always works.
//!
//! | file | sections | what a match does |
//! |---|---|---|
//! | `_resolved.toml` | `[[marker]] find, unless, subject, scope` | settles its clause |
//! | | `[[guard]] find` | its clause is never settled |
//! | | `filler = "…"` | words a settling marker may have beside it |
//! | `_negation.toml` | `trouble = "…"` | words that «не» in front of them takes back |
//! | `_signals.toml` | `[[signal]] name, find, unless, amount, times` | a circumstance for `risk` |
//! | `_offers.toml` | `[[offer]] name, find, unless, keep` | problems keep `keep` percent |
//! | `_objects.toml` | `[[object]] name, topics, find, unless` | which object, for `cluster` |
//! | | `[[echo]] find, unless` | a comment that only agrees, for `cluster` |

use crate::config::Fault;
use crate::config::packs::PackFile;
use crate::model::Wording;

use super::fields::{Section, Sheet, Text};
use super::pack::{Spot, is_id};

/// First part of the names of signals that tell objects:
/// `object:<topic>:<topic of its problems>:<name>`.
pub const OBJECT: &str = "object";

/// Name of the signal of a comment that only agrees.
pub const ECHO: &str = "echo";

/// What a match of a list's entry does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// Settles its clause.
    Marker {
        /// Whether it names itself what is settled.
        subject: bool,
        /// Whether it settles the whole sentence.
        sentence: bool,
    },
    /// Keeps its clause from being settled.
    Guard,
    /// A named circumstance.
    Signal {
        /// Name.
        name: Wording,
        /// Whether the number in the match is its amount.
        amount: bool,
        /// What the number is multiplied by.
        times: u32,
    },
    /// Names what within its topics is complained about.
    Object {
        /// Signals it gives, one a topic: `object:<topic>:<first topic>:<name>`.
        names: Vec<Wording>,
        /// Its place in the list: the first that fits is meant.
        rank: u32,
    },
    /// Lowers the scores of problems.
    Offer {
        /// Name, given as a signal.
        name: Wording,
        /// Percent that stays.
        keep: u8,
    },
}

/// An entry of a list as typed.
#[derive(Debug, Clone)]
pub struct EntryDraft {
    /// What it does.
    pub entry: Entry,
    /// What must be there.
    pub find: Text,
    /// What must not be there.
    pub unless: Option<Text>,
    /// Where it stands.
    pub spot: Spot,
}

/// A list as typed.
#[derive(Debug, Clone, Default)]
pub struct ListDraft {
    /// Entries, in file order.
    pub entries: Vec<EntryDraft>,
    /// Words that may stand beside a bare marker.
    pub filler: Option<Text>,
    /// Words that «не» takes back.
    pub trouble: Option<Text>,
}

/// The lists shipped with the program, by file name.
pub const SHIPPED: &[(&str, &str)] = &[
    ("_resolved", include_str!("../../keywords/_resolved.toml")),
    ("_negation", include_str!("../../keywords/_negation.toml")),
    ("_signals", include_str!("../../keywords/_signals.toml")),
    ("_offers", include_str!("../../keywords/_offers.toml")),
    ("_objects", include_str!("../../keywords/_objects.toml")),
];

/// The shipped lists that `files` lack.
#[must_use]
pub fn lacking(files: &[PackFile]) -> Vec<PackFile> {
    let have = |name: &str| files.iter().any(|file| !file.is_local() && file.stem() == name);
    SHIPPED
        .iter()
        .filter(|(name, _)| !have(name))
        .map(|(name, text)| {
            PackFile::new(format!("keywords/{name}.toml"), text.replace("\r\n", "\n"))
        })
        .collect()
}

/// Reads file number `number` as a list.
#[must_use]
pub fn read(file: &PackFile, number: usize) -> (ListDraft, Vec<Fault>) {
    let mut sheet = Sheet::new(file, number);
    let mut draft = ListDraft::default();
    let table = sheet.table();
    let whole = Section::whole(&table);
    match file.stem() {
        "_resolved" => {
            sheet.known(&whole, &["marker", "guard", "filler"]);
            draft.filler = sheet.text(&whole, "filler");
            entries(&mut sheet, &whole, number, &mut draft, "marker");
            entries(&mut sheet, &whole, number, &mut draft, "guard");
        }
        "_negation" => {
            sheet.known(&whole, &["trouble"]);
            draft.trouble = sheet.text(&whole, "trouble");
        }
        "_signals" => {
            sheet.known(&whole, &["signal"]);
            entries(&mut sheet, &whole, number, &mut draft, "signal");
        }
        "_offers" => {
            sheet.known(&whole, &["offer"]);
            entries(&mut sheet, &whole, number, &mut draft, "offer");
        }
        "_objects" => {
            sheet.known(&whole, &["object", "echo"]);
            entries(&mut sheet, &whole, number, &mut draft, "object");
            entries(&mut sheet, &whole, number, &mut draft, "echo");
        }
        name => {
            let known: Vec<&str> = SHIPPED.iter().map(|(name, _)| *name).collect();
            let fix = format!("известны {}; пакеты не начинаются с «_»", known.join(", "));
            sheet.fault(0, format!("неизвестный список «{name}»"), fix);
        }
    }
    (draft, sheet.faults)
}

fn entries(
    sheet: &mut Sheet<'_>,
    whole: &Section<'_>,
    number: usize,
    draft: &mut ListDraft,
    kind: &str,
) {
    let keys: &[&str] = match kind {
        "signal" => &["name", "find", "unless", "amount", "times"],
        "offer" => &["name", "find", "unless", "keep"],
        "object" => &["name", "topics", "find", "unless"],
        "marker" => &["find", "unless", "subject", "scope"],
        _ => &["find", "unless"],
    };
    for (rank, section) in (1..).zip(&sheet.sections(whole, kind)) {
        sheet.known(section, keys);
        sheet.missing(section, "find", kind);
        let topics = topics(sheet, section, kind);
        let name = name(sheet, section, kind);
        let amount = sheet.flag(section, "amount").unwrap_or(false);
        let times = sheet.number(section, "times", 1..=100).map_or(1, u32::from);
        let subject = sheet.flag(section, "subject").unwrap_or(false);
        let sentence = sheet.text(section, "scope").is_some_and(|text| match &*text.value {
            "sentence" => true,
            "clause" => false,
            _ => {
                sheet.fault_in(&text, 0, "неизвестный охват", "бывает clause или sentence");
                false
            }
        });
        let keep = sheet.number(section, "keep", 0..=100).unwrap_or(0);
        let entry = match (kind, name) {
            ("marker", _) => Entry::Marker { subject, sentence },
            ("guard", _) => Entry::Guard,
            ("signal", Some(name)) => Entry::Signal { name: name.into(), amount, times },
            ("offer", Some(name)) => Entry::Offer { name: name.into(), keep },
            ("object", Some(name)) => Entry::Object { names: objects(&topics, &name), rank },
            ("echo", _) => Entry::Signal { name: ECHO.into(), amount: false, times: 1 },
            _ => continue,
        };
        let unless = sheet.text(section, "unless");
        if let Some(find) = sheet.text(section, "find") {
            let spot = Spot { file: number, at: section.at.start };
            draft.entries.push(EntryDraft { entry, find, unless, spot });
        }
    }
}

/// Topics that an object lists.
fn topics(sheet: &mut Sheet<'_>, section: &Section<'_>, kind: &str) -> Vec<String> {
    if kind != "object" {
        return Vec::new();
    }
    sheet.missing(section, "topics", kind);
    let Some(text) = sheet.text(section, "topics") else { return Vec::new() };
    let topics: Vec<String> = text.value.split_whitespace().map(str::to_owned).collect();
    if topics.is_empty() || !topics.iter().all(|topic| is_id(topic)) {
        sheet.fault_in(&text, 0, "неверный список тем", "имена пакетов через пробел");
        return Vec::new();
    }
    topics
}

/// Names of the signals of an object.
fn objects(topics: &[String], name: &str) -> Vec<Wording> {
    let Some(first) = topics.first() else { return Vec::new() };
    topics.iter().map(|topic| format!("{OBJECT}:{topic}:{first}:{name}").into()).collect()
}

fn name(sheet: &mut Sheet<'_>, section: &Section<'_>, kind: &str) -> Option<String> {
    if !matches!(kind, "signal" | "offer" | "object") {
        return None;
    }
    sheet.missing(section, "name", kind);
    let text = sheet.text(section, "name")?;
    if !is_id(&text.value) {
        sheet.fault_in(&text, 0, "неверное имя", "строчные латинские буквы, цифры и «_»");
        return None;
    }
    Some(text.value)
}
