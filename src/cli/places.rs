//! `otklik places`: the list of settlements and what is weak in it.
//!
//! Place in the flow: the analyst's desk. Invariant: reads the same file that goes live, by the
//! same code; changes nothing.

use std::path::Path;

use clap::{Args, Subcommand};

use crate::classify::{Gazetteer, PlaceReason};
use crate::config::places::PlacesFile;
use crate::config::{Need, Settings};
use crate::model::PlaceId;

use super::{Exit, Failure, Globals, Result, say};

/// Arguments of `places`.
#[derive(Debug, Args)]
pub struct PlacesArgs {
    #[command(subcommand)]
    command: PlacesCommand,
}

#[derive(Debug, Subcommand)]
enum PlacesCommand {
    /// Проверить список мест: повторы, двойные прозвища, имена, которых не найдёт ни один текст
    Check(CheckArgs),
}

/// Arguments of `places check`.
#[derive(Debug, Args)]
struct CheckArgs {
    /// Построчно в JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: PlacesArgs, globals: &Globals) -> Result<Exit> {
    let PlacesCommand::Check(args) = args.command;
    let settings = globals.settings_or_shipped(Need::Classify)?;
    let file = read(&settings)?;
    let gazetteer = Gazetteer::compile(&file);
    let remarks = remarks(&file, &gazetteer);
    for remark in &remarks {
        if args.json {
            say!("{}", serde_json::json!({ "kind": remark.kind, "text": remark.text }))?;
        } else {
            say!("{}: {}", remark.title(), remark.text)?;
        }
    }
    if !args.json {
        let (ours, all) = (gazetteer.ours().count(), gazetteer.len());
        say!("Мест района: {ours}, вне района: {}, замечаний: {}", all - ours, remarks.len())?;
    }
    let broken = remarks.iter().any(|remark| remark.kind == "unreachable");
    Ok(if broken { Exit::Failed } else { Exit::Done })
}

/// The list as it would go live; all its faults if it would not.
fn read(settings: &Settings) -> Result<PlacesFile> {
    let path = settings.places_file();
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(PlacesFile::built_in());
        }
        Err(error) => return Err(error.into()),
    };
    PlacesFile::parse(Path::new(&path), &text).map_err(Failure::from)
}

struct Remark {
    kind: &'static str,
    text: String,
}

impl Remark {
    fn title(&self) -> &'static str {
        match self.kind {
            "unreachable" => "не найти",
            "ambiguous" => "двойное имя",
            "duplicate" => "повтор",
            _ => "уточнить",
        }
    }
}

/// What an analyst should look at: names that lead nowhere first, then shared and repeated ones,
/// then what the file itself calls unsure.
fn remarks(file: &PlacesFile, gazetteer: &Gazetteer) -> Vec<Remark> {
    let mut remarks = Vec::new();
    for entry in &file.place {
        let id = entry.id.get_ref();
        for name in std::iter::once(entry.name.get_ref()).chain(&entry.also) {
            if let Some(other) = leads_astray(gazetteer, id, name) {
                let text = format!("имя «{name}» ({id}) {other}");
                remarks.push(Remark { kind: "unreachable", text });
            }
        }
    }
    for entry in &file.landmark {
        let kind = entry.kind.get_ref();
        for name in std::iter::once(entry.name.get_ref()).chain(&entry.also) {
            let place = entry.place.as_ref().map(|place| place.get_ref().as_str());
            if let Some(other) = misled(gazetteer, place, &format!("{kind} {name}")) {
                let text = format!("{kind} «{name}» {other}");
                remarks.push(Remark { kind: "unreachable", text });
            }
        }
    }
    for entry in &file.organisation {
        for name in std::iter::once(entry.name.get_ref()).chain(&entry.also) {
            let place = entry.place.as_ref().map(|place| place.get_ref().as_str());
            if let Some(other) = misled(gazetteer, place, name) {
                let text = format!("организация «{name}» {other}");
                remarks.push(Remark { kind: "unreachable", text });
            }
        }
    }
    let ambiguous = gazetteer.weak_spots().into_iter();
    remarks.extend(ambiguous.map(|text| Remark { kind: "ambiguous", text }));
    remarks.extend(duplicates(file));
    for entry in file.place.iter().filter(|entry| !entry.unsure.is_empty()) {
        let text = format!("{}: {}", entry.name.get_ref(), entry.unsure);
        remarks.push(Remark { kind: "unsure", text });
    }
    remarks
}

/// Where a name leads in a plain sentence if not to its own settlement.
fn leads_astray(gazetteer: &Gazetteer, id: &str, name: &str) -> Option<String> {
    let reasons = gazetteer.reasons(&format!("Село {name}"));
    let whole = |reason: &&PlaceReason| reason.text.chars().count() + 2 >= name.chars().count();
    match reasons.iter().find(whole).map(|reason| (&reason.place, &reason.title)) {
        Some((Some(place), _)) if *place == PlaceId::from(id) => None,
        Some((Some(_), title)) => Some(format!("ведёт в другое место: {title}")),
        _ => Some("не найдётся ни в одном тексте".to_owned()),
    }
}

/// Where a landmark or an organisation leads if not to the settlement it names, or nowhere if none.
fn misled(gazetteer: &Gazetteer, place: Option<&str>, text: &str) -> Option<String> {
    let reasons = gazetteer.reasons(text);
    let Some(reason) = reasons.first().filter(|reason| reason.span.start == 0) else {
        return Some("не найдётся ни в одном тексте".to_owned());
    };
    let found = reason.place.as_ref().map(PlaceId::as_str);
    (found != place).then(|| format!("ведёт в другое место: {}", reason.title))
}

/// Names written twice.
fn duplicates(file: &PlacesFile) -> Vec<Remark> {
    let mut seen = std::collections::BTreeMap::<String, String>::new();
    let mut remarks = Vec::new();
    let ours = file.place.iter().flat_map(|entry| {
        let names = std::iter::once(entry.name.get_ref()).chain(&entry.also);
        names.map(|name| (name.clone(), entry.name.get_ref().clone()))
    });
    let landmarks = file.landmark.iter().flat_map(|entry| {
        let kind = entry.kind.get_ref();
        let names = std::iter::once(entry.name.get_ref()).chain(&entry.also);
        names.map(move |name| (format!("{kind} {name}"), kind.clone()))
    });
    let organisations = file.organisation.iter().flat_map(|entry| {
        let names = std::iter::once(entry.name.get_ref()).chain(&entry.also);
        names.map(|name| (name.clone(), entry.name.get_ref().clone()))
    });
    let elsewhere = file.elsewhere.iter().flat_map(|entry| &entry.names);
    let elsewhere = elsewhere.map(|name| (name.clone(), "вне района".to_owned()));
    for (name, owner) in ours.chain(landmarks).chain(organisations).chain(elsewhere) {
        let key = name.to_lowercase().replace('ё', "е");
        if let Some(other) = seen.insert(key, owner.clone()) {
            let text = format!("имя «{name}» стоит дважды: {other}, {owner}");
            remarks.push(Remark { kind: "duplicate", text });
        }
    }
    remarks
}
