//! `places.toml`: the settlements of the district and the places that are elsewhere.
//!
//! Place in the flow: read at start and on reload, compiled into the gazetteer of `classify`.
//! Invariant: ids are unique and never reused; a missing file means the list built into the program.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use super::fault::{Fault, parse_toml};

/// The list shipped with the program.
pub const BUILT_IN: &str = include_str!("../../config/places.toml");

/// One settlement, as typed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlaceEntry {
    /// Short Latin name; never changes.
    pub id: Spanned<String>,
    /// Official name without the type word.
    pub name: Spanned<String>,
    /// Type word: село, посёлок, улус.
    #[serde(default)]
    pub kind: String,
    /// Other names: nicknames, old names, frequent misspellings.
    #[serde(default)]
    pub also: Vec<String>,
    /// Adjective in the masculine nominative.
    pub adjective: Option<Spanned<String>>,
    /// Whether the name is also an ordinary word and needs a cue beside it.
    #[serde(default)]
    pub cue: bool,
    /// Forms that need a cue beside them.
    #[serde(default)]
    pub strict: Vec<String>,
    /// What should be checked on the spot.
    #[serde(default)]
    pub unsure: String,
}

/// Places outside the district, as typed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ElsewhereEntry {
    /// Their names.
    pub names: Vec<String>,
}

/// An organisation people name instead of a place, as typed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrganisationEntry {
    /// Name as people write it.
    pub name: Spanned<String>,
    /// Other names.
    #[serde(default)]
    pub also: Vec<String>,
    /// Settlement it stands in, if it stands in one.
    pub place: Option<Spanned<String>>,
}

/// The whole file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlacesFile {
    /// Settlements of the district.
    #[serde(default)]
    pub place: Vec<PlaceEntry>,
    /// Organisations.
    #[serde(default)]
    pub organisation: Vec<OrganisationEntry>,
    /// Places outside it.
    #[serde(default)]
    pub elsewhere: Vec<ElsewhereEntry>,
}

impl PlacesFile {
    /// The list built into the program.
    #[must_use]
    pub fn built_in() -> Self {
        toml::from_str(BUILT_IN).expect("the shipped list is held by a test")
    }

    /// Parses and checks the content of `file`; returns every fault found.
    pub fn parse(file: &Path, source: &str) -> Result<Self, Vec<Fault>> {
        let places: Self = parse_toml(file, source).map_err(|fault| vec![fault])?;
        let faults = places.check(file, source);
        if faults.is_empty() { Ok(places) } else { Err(faults) }
    }

    fn check(&self, file: &Path, source: &str) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut ids = BTreeSet::new();
        let mut names = BTreeSet::new();
        for entry in &self.place {
            let id = entry.id.get_ref();
            let at = |spanned: &Spanned<String>, text: String, fix: &str| {
                Fault::at(file, source, spanned.span().start, text, fix)
            };
            if id.is_empty()
                || !id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            {
                faults.push(at(
                    &entry.id,
                    format!("id места «{id}» должен состоять из строчных латинских букв, цифр и _"),
                    "например onohoy",
                ));
            }
            if !ids.insert(id.clone()) {
                faults.push(at(
                    &entry.id,
                    format!("место «{id}» описано дважды"),
                    "оставьте одно описание",
                ));
            }
            let name = entry.name.get_ref();
            if !name.chars().any(char::is_alphabetic) {
                faults.push(at(
                    &entry.name,
                    "у места нет имени".to_owned(),
                    "впишите официальное имя",
                ));
            }
            if !names.insert(name.to_lowercase()) {
                faults.push(at(
                    &entry.name,
                    format!("имя «{name}» есть у двух мест"),
                    "уточните одно из имён, иначе текст нельзя отнести ни к одному",
                ));
            }
            if let Some(adjective) = &entry.adjective
                && !["ий", "ый", "ой"].iter().any(|end| adjective.get_ref().ends_with(end))
            {
                faults.push(at(
                    adjective,
                    "прилагательное должно стоять в мужском роде".to_owned(),
                    "например «онохойский»",
                ));
            }
        }
        for place in self.organisation.iter().filter_map(|entry| entry.place.as_ref()) {
            if !ids.contains(place.get_ref()) {
                faults.push(Fault::at(
                    file,
                    source,
                    place.span().start,
                    format!("нет места с id «{}»", place.get_ref()),
                    "впишите id одного из [[place]]",
                ));
            }
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_list_has_no_faults() {
        let places = PlacesFile::parse(Path::new("config/places.toml"), BUILT_IN);
        assert_eq!(places.map(|p| p.place.len() > 20), Ok(true));
    }

    #[test]
    fn faults_are_told_all_at_once() {
        let source = "[[place]]\nid = \"Onohoy\"\nname = \"Онохой\"\nadjective = \"онохойская\"\n\
                      [[place]]\nid = \"b\"\nname = \"онохой\"\n[[place]]\nid = \"b\"\nname = \"\"\n";
        let faults = PlacesFile::parse(Path::new("p.toml"), source).expect_err("faults");
        let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "p.toml:2:6: id места «Onohoy» должен состоять из строчных латинских букв, цифр и _ → например onohoy",
                "p.toml:4:13: прилагательное должно стоять в мужском роде → например «онохойский»",
                "p.toml:7:8: имя «онохой» есть у двух мест → уточните одно из имён, иначе текст нельзя отнести ни к одному",
                "p.toml:9:6: место «b» описано дважды → оставьте одно описание",
                "p.toml:10:8: у места нет имени → впишите официальное имя",
            ]
        );
    }
}
