//! `otklik packs diff`: where the packs in use differ from those the program carries, or from an
//! earlier set.
//!
//! Place in the flow: read after an upgrade: what is new in the shipped packs, what was edited
//! here, which overlays lie on rules that are there no more. Invariant: compares meaning, not
//! bytes: a comment or an order of keys is no difference; changes nothing.

use std::collections::BTreeMap;

use clap::Args;
use serde::Serialize;
use toml::{Table, Value};

use crate::config::Need;
use crate::config::packs::{PackFile, read_or_shipped};

use super::{history, sections};
use crate::cli::{Exit, Failure, Globals, Result, open, say, table};

/// Characters of a query that are shown.
const QUERY_CHARS: usize = 110;

/// Arguments of `packs diff`.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// Имена словарей (без них: все)
    #[arg(value_name = "СЛОВАРЬ")]
    packs: Vec<String>,
    /// С чем сравнить: версия из packs history (без ключа: со словарями из программы)
    #[arg(long, value_name = "ВЕРСИЯ")]
    against: Option<String>,
    /// Построчно в JSON
    #[arg(long)]
    json: bool,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Change {
    pack: String,
    /// `added`, `removed`, `changed`, `lost` (an overlay on a rule that is not there).
    change: &'static str,
    /// What: `pack`, `rule:id`, `example`, the name of a field.
    what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
}

/// Runs the command.
pub fn run(args: &DiffArgs, globals: &Globals) -> Result<Exit> {
    let need = if args.against.is_some() { Need::Store } else { Need::Classify };
    let settings = globals.settings_or_shipped(need)?;
    let files = read_or_shipped(&settings.keywords)?;
    let base = match &args.against {
        None => history::shipped(),
        Some(version) => {
            let store = open::store_to_read(&settings)?;
            let named = open::wait(async {
                let entry = history::find(&store, Some(version)).await?;
                Ok(store.rules_files(&entry.version).await?)
            })?;
            crate::config::RuleFiles::of_named(&settings, named).packs?
        }
    };
    let mut changes = compare(&base, &files)?;
    changes.retain(|change| args.packs.is_empty() || args.packs.contains(&change.pack));
    if args.json {
        for change in &changes {
            say!("{}", serde_json::to_string(change).map_err(std::io::Error::from)?)?;
        }
        return Ok(Exit::Done);
    }
    let against = args.against.as_deref().unwrap_or("словарями из программы");
    if changes.is_empty() {
        say!("Отличий от набора нет: {against}.")?;
    }
    for pack in changes.chunk_by(|a, b| a.pack == b.pack) {
        say!("{}", pack[0].pack)?;
        for change in pack {
            say!("  {}", line(change))?;
        }
    }
    Ok(Exit::Done)
}

fn line(change: &Change) -> String {
    let short = |text: &Option<String>| table::start(text.as_deref().unwrap_or("—"), QUERY_CHARS);
    let what = &change.what;
    match change.change {
        "added" => format!("+ {what}: {}", short(&change.after)),
        "removed" => format!("- {what}: {}", short(&change.before)),
        "lost" => format!("! {what}: накладка лежит на правиле, которого больше нет"),
        _ => format!("~ {what}: {} → {}", short(&change.before), short(&change.after)),
    }
}

type Packs<'f> = BTreeMap<(String, bool), (Table, &'f PackFile)>;

fn parse(files: &[PackFile]) -> Result<Packs<'_>> {
    let mut packs = BTreeMap::new();
    for file in files {
        let table = toml::from_str(&file.text).map_err(|_| {
            let text = "не читается как TOML; что не так: otklik packs test";
            Failure::failed(format!("{}: {text}", file.path.display()))
        })?;
        packs.insert((file.stem().to_owned(), file.is_local()), (table, file));
    }
    Ok(packs)
}

/// All differences, by pack.
fn compare(base: &[PackFile], files: &[PackFile]) -> Result<Vec<Change>> {
    let (base, files) = (parse(base)?, parse(files)?);
    let mut names: Vec<&(String, bool)> = base.keys().chain(files.keys()).collect();
    names.sort();
    names.dedup();
    let mut changes = Vec::new();
    for key @ (id, local) in names {
        let pack = if *local { format!("local/{id}") } else { id.clone() };
        let whole = |change, before, after| Change {
            pack: pack.clone(),
            change,
            what: "pack".to_owned(),
            before,
            after,
        };
        let title = |table: &Table| Some(field(table, "title").unwrap_or_else(|| id.clone()));
        match (base.get(key), files.get(key)) {
            (Some((old, _)), Some((new, _))) => tables(&pack, old, new, &mut changes),
            (Some((old, _)), None) => changes.push(whole("removed", title(old), None)),
            (None, Some((new, _))) => changes.push(whole("added", None, title(new))),
            (None, None) => {}
        }
        if *local && let Some((over, _)) = files.get(key) {
            let under = files.get(&(id.clone(), false)).map(|(table, _)| table);
            lost(&pack, over, under, &mut changes);
        }
    }
    Ok(changes)
}

/// Rules of an overlay that only change or switch off what is not there.
fn lost(pack: &str, over: &Table, under: Option<&Table>, out: &mut Vec<Change>) {
    let known: Vec<&str> = under
        .into_iter()
        .flat_map(|table| sections(table, "rule"))
        .filter_map(|rule| rule.get("id").and_then(Value::as_str))
        .collect();
    for rule in sections(over, "rule").filter(|rule| !rule.contains_key("find")) {
        if let Some(id) = rule.get("id").and_then(Value::as_str).filter(|id| !known.contains(id)) {
            let what = format!("rule:{id}");
            let pack = pack.to_owned();
            out.push(Change { pack, change: "lost", what, before: None, after: None });
        }
    }
}

fn tables(pack: &str, old: &Table, new: &Table, out: &mut Vec<Change>) {
    let mut push = |what: String, before: Option<String>, after: Option<String>| {
        let change = match (&before, &after) {
            (None, Some(_)) => "added",
            (Some(_), None) => "removed",
            _ => "changed",
        };
        if before != after {
            out.push(Change { pack: pack.to_owned(), change, what, before, after });
        }
    };
    let lists = ["rule", "example", "marker", "guard", "signal", "offer"];
    let mut keys: Vec<&String> = old.keys().chain(new.keys()).collect();
    keys.sort();
    keys.dedup();
    for key in keys.into_iter().filter(|key| !lists.contains(&key.as_str())) {
        push(key.clone(), field(old, key), field(new, key));
    }
    for list in lists {
        let (before, after) = (named(old, list), named(new, list));
        let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
        names.sort();
        names.dedup();
        for name in names {
            let (one, two) = (before.get(name), after.get(name));
            let what = if list == "rule" { format!("rule:{name}") } else { list.to_owned() };
            match (one, two) {
                // Only the keys that differ are worth reading.
                (Some(one), Some(two)) => {
                    let mut keys: Vec<&String> = one.keys().chain(two.keys()).collect();
                    keys.sort();
                    keys.dedup();
                    for key in keys {
                        push(format!("{what} {key}"), field(one, key), field(two, key));
                    }
                }
                (one, two) => {
                    push(what, one.map(|one| content(one)), two.map(|two| content(two)));
                }
            }
        }
    }
}

/// The tables `[[list]]` by what names them: id, else query, else text.
fn named<'t>(table: &'t Table, list: &str) -> BTreeMap<String, &'t Table> {
    let name = |section: &Table| {
        let keys = ["id", "find", "text"];
        let named = keys.iter().find_map(|key| section.get(*key)).and_then(Value::as_str);
        words(named.unwrap_or_default())
    };
    sections(table, list).map(|section| (name(section), section)).collect()
}

fn content(section: &Table) -> String {
    let keys = ["find", "text"];
    let text = keys.iter().find_map(|key| field(section, key)).unwrap_or_default();
    let no = section.get("is").and_then(Value::as_bool) == Some(false);
    if no { format!("не должно находиться: {text}") } else { text }
}

/// A value as one line; line breaks and indents of a query are no difference.
fn field(table: &Table, key: &str) -> Option<String> {
    table.get(key).map(|value| match value {
        Value::String(text) => words(text),
        other => other.to_string(),
    })
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(base: &[(&str, &str)], files: &[(&str, &str)], expected: &[&str]) {
        let all = |list: &[(&str, &str)]| -> Vec<PackFile> {
            list.iter().map(|(path, text)| PackFile::new(*path, *text)).collect()
        };
        let (base, files) = (all(base), all(files));
        let found = match compare(&base, &files) {
            Ok(found) => found,
            Err(failure) => panic!("{}", failure.text),
        };
        let lines: Vec<String> =
            found.iter().map(|change| format!("{} {}", change.pack, line(change))).collect();
        assert_eq!(lines, expected);
    }

    #[test]
    fn differences_are_named() {
        let shipped = "severity = 3\n[[rule]]\nid = 'a'\nfind = 'вода'\nweight = 50\n\
                       [[rule]]\nfind = 'кран | труба'\n[[example]]\ntext = 'нет воды'\nis = true\n";
        let edited = "# спокойнее\nseverity = 3\n[[rule]]\nid = 'a'\nfind = 'вода'\nweight = 60\n\
                      [[rule]]\nfind = '''\n  кран |\n  труба'''\n\
                      [[example]]\ntext = 'живая вода'\nis = false\n";
        let path = "keywords/water.toml";
        check(&[(path, shipped)], &[(path, shipped)], &[]);
        check(
            &[(path, shipped)],
            &[(path, edited)],
            &[
                "water ~ rule:a weight: 50 → 60",
                "water + example: не должно находиться: живая вода",
                "water - example: нет воды",
            ],
        );
        check(&[(path, shipped)], &[], &["water - pack: water"]);
    }

    #[test]
    fn an_overlay_on_a_rule_that_is_gone_is_named() {
        let under = ("keywords/water.toml", "[[rule]]\nid = 'a'\nfind = 'вода'\n");
        let over = ("keywords/local/water.toml", "[[rule]]\nid = 'old'\ndisabled = true\n");
        check(
            &[under, over],
            &[under, over],
            &["local/water ! rule:old: накладка лежит на правиле, которого больше нет"],
        );
    }
}
