//! `places.toml`: the settlements of the district and the places that are elsewhere.
//!
//! Place in the flow: read at start and on reload, compiled into the gazetteer of `classify`.
//! Invariant: ids are unique and never reused; a missing file means the list built into the
//! program.

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
    /// Rural or urban administration it belongs to.
    #[serde(default)]
    pub administration: String,
    /// Number of residents, rounded.
    pub population: Option<u32>,
    /// Latitude in degrees.
    pub lat: Option<f64>,
    /// Longitude in degrees.
    pub lon: Option<f64>,
    /// Adjective in the masculine nominative.
    pub adjective: Option<Spanned<String>>,
    /// Other adjectives, in the masculine nominative.
    #[serde(default)]
    pub adjectives: Vec<String>,
    /// What its residents are called, in the plural.
    #[serde(default)]
    pub people: Vec<String>,
    /// Whether other districts have a place of this name.
    #[serde(default)]
    pub namesake: bool,
    /// Where the entry comes from.
    #[serde(default)]
    pub source: String,
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
    /// Whether the names are also ordinary words, first names or surnames and need a cue.
    #[serde(default)]
    pub cue: bool,
}

/// The district as a whole, as typed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DistrictEntry {
    /// Official name.
    pub name: String,
    /// Other names and abbreviations.
    #[serde(default)]
    pub also: Vec<String>,
}

/// A river, lake, station, road or garden community, as typed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LandmarkEntry {
    /// Name without the type word.
    pub name: Spanned<String>,
    /// Type word: река, озеро, станция, остановка, разъезд, днт, дорога, гора.
    pub kind: Spanned<String>,
    /// Other names.
    #[serde(default)]
    pub also: Vec<String>,
    /// Settlement it stands for, if it stands for one.
    pub place: Option<Spanned<String>>,
    /// Whether the name counts without the type word.
    #[serde(default)]
    pub bare: bool,
    /// Where the entry comes from.
    #[serde(default)]
    pub source: String,
    /// What should be checked on the spot.
    #[serde(default)]
    pub unsure: String,
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
    /// Where the entry comes from.
    #[serde(default)]
    pub source: String,
    /// What should be checked on the spot.
    #[serde(default)]
    pub unsure: String,
}

/// The whole file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlacesFile {
    /// The district as a whole.
    pub district: Option<DistrictEntry>,
    /// Settlements of the district.
    #[serde(default)]
    pub place: Vec<PlaceEntry>,
    /// Rivers, lakes, stations, roads, garden communities.
    #[serde(default)]
    pub landmark: Vec<LandmarkEntry>,
    /// Organisations.
    #[serde(default)]
    pub organisation: Vec<OrganisationEntry>,
    /// Places outside it.
    #[serde(default)]
    pub elsewhere: Vec<ElsewhereEntry>,
}

impl PlaceEntry {
    /// Whether the coordinates are lacking or somewhere in Russia.
    fn lies_in_russia(&self) -> bool {
        match (self.lat, self.lon) {
            (None, None) => true,
            (Some(lat), Some(lon)) => (41.0..=82.0).contains(&lat) && (19.0..=180.0).contains(&lon),
            _ => false,
        }
    }
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
            if !entry.lies_in_russia() {
                faults.push(at(
                    &entry.id,
                    format!("у места «{id}» неверные координаты"),
                    "укажите lat и lon в градусах или не указывайте их вовсе",
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
        faults.extend(self.check_references(file, source, &ids));
        faults
    }

    /// Organisations and landmarks must stand in a settlement that is listed.
    fn check_references(&self, file: &Path, source: &str, ids: &BTreeSet<String>) -> Vec<Fault> {
        let landmarks = self.landmark.iter().filter_map(|entry| entry.place.as_ref());
        let organisations = self.organisation.iter().filter_map(|entry| entry.place.as_ref());
        organisations
            .chain(landmarks)
            .filter(|place| !ids.contains(place.get_ref()))
            .map(|place| {
                let text = format!("нет места с id «{}»", place.get_ref());
                let fix = "впишите id одного из [[place]]";
                Fault::at(file, source, place.span().start, text, fix)
            })
            .collect()
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
                "p.toml:2:6: id места «Onohoy» должен состоять из строчных латинских букв, цифр \
                    и _ → например onohoy",
                "p.toml:4:13: прилагательное должно стоять в мужском роде → например «онохойский»",
                "p.toml:7:8: имя «онохой» есть у двух мест → уточните одно из имён, иначе текст \
                    нельзя отнести ни к одному",
                "p.toml:9:6: место «b» описано дважды → оставьте одно описание",
                "p.toml:10:8: у места нет имени → впишите официальное имя",
            ]
        );
    }
}
