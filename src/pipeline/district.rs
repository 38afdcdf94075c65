//! A district's rules in force, as one value.
//!
//! Place in the flow: read from the reloadable files, passed to every stage. Invariant: all files are read
//! and checked together; what cannot be used is reported whole and changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::tz::TimeZone;

use crate::classify::{Gazetteer, Lexicon};
use crate::cluster::ClusterRules;
use crate::config::places::PlacesFile;
use crate::config::risk::RiskRules;
use crate::config::routes::{self, KnownNames, Routes};
use crate::config::{self, Fault, Settings, Severity, fault};
use crate::model::{DistrictId, PlaceId, Source, TopicId};
use crate::risk::TopicFacts;

/// Everything that decides, for one district.
pub struct District {
    /// Id: first part of every key in the store.
    pub id: DistrictId,
    /// Name as people write it.
    pub name: String,
    /// Civil time.
    pub zone: TimeZone,
    /// All packs and places, compiled.
    pub lexicon: Lexicon,
    /// The risk table.
    pub risk: RiskRules,
    /// How posts join problems.
    pub cluster: ClusterRules,
    /// Who is told what.
    pub routes: Routes,
    /// What is read.
    pub sources: Vec<Source>,
}

impl District {
    /// Reads everything. `anywhere`: every place counts as ours.
    pub fn load(settings: &Settings, anywhere: bool) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut district = take(&mut faults, Self::load_rules(settings, anywhere));
        let places: Option<BTreeSet<PlaceId>> = district
            .as_ref()
            .map(|district| district.lexicon.gazetteer().ours().map(|(id, _)| id.clone()).collect());
        let file = settings.sources_file();
        let sources = take(&mut faults, config::load_sources(&file, places.as_ref()));
        if let (Some(district), Some(sources)) = (district.as_mut(), sources) {
            district.sources = sources;
        }
        finish(district, faults)
    }

    /// Reads what classification needs: packs, places, risk, routes; no sources.
    pub fn load_rules(settings: &Settings, anywhere: bool) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let places =
            read_or(&mut faults, &settings.places_file(), PlacesFile::parse, PlacesFile::built_in);
        let gazetteer = Gazetteer::compile(&places);
        let gazetteer = if anywhere { gazetteer.anywhere() } else { gazetteer };
        let known_places = gazetteer.ours().map(|(id, _)| id.0.clone()).collect();
        let lexicon = take(&mut faults, load_packs(&settings.keywords, gazetteer));
        let risk =
            read_or(&mut faults, &settings.risk_file(), RiskRules::parse, RiskRules::shipped);
        let known = KnownNames {
            topics: lexicon
                .as_ref()
                .map(|lexicon| lexicon.topics().iter().map(|topic| topic.id.0.clone()).collect()),
            places: Some(known_places),
        };
        let routes = read_or(
            &mut faults,
            &settings.routes_file(),
            |file, source| routes::parse(file, source, &known).map(|(routes, _)| routes),
            Routes::default,
        );
        let district = lexicon.map(|lexicon| Self {
            id: settings.district.id.clone(),
            name: settings.district.name.clone(),
            zone: settings.district.timezone.clone(),
            lexicon,
            risk,
            cluster: ClusterRules::default(),
            routes,
            sources: Vec::new(),
        });
        finish(district, faults)
    }

    /// What the risk table asks about a topic.
    #[must_use]
    pub fn topic_facts(&self, topic: &TopicId) -> Option<TopicFacts> {
        let known = self.lexicon.topic(topic.as_str())?;
        Some(TopicFacts {
            title: known.title.clone(),
            severity: known.severity,
            season: known.season,
        })
    }

    /// Title of a topic; its id if no pack has it any more.
    #[must_use]
    pub fn topic_title<'a>(&'a self, topic: &'a TopicId) -> &'a str {
        self.lexicon.topic(topic.as_str()).map_or(topic.as_str(), |known| known.title.as_str())
    }

    /// Title of a settlement; its id if the list has it no more.
    #[must_use]
    pub fn place_title<'a>(&'a self, place: &'a PlaceId) -> &'a str {
        self.lexicon.gazetteer().title(place).unwrap_or(place.as_str())
    }

    /// Titles of all topics and attitude packs.
    #[must_use]
    pub fn topic_titles(&self) -> BTreeMap<TopicId, String> {
        self.lexicon.topics().iter().map(|topic| (topic.id.clone(), topic.title.clone())).collect()
    }
}

fn load_packs(folder: &Path, gazetteer: Gazetteer) -> Result<Lexicon, Vec<Fault>> {
    let files = config::packs::read_dir(folder)?;
    Lexicon::compile(files, gazetteer)
}

/// Reads a reloadable file; a missing one means what the program has built in.
fn read_or<T>(
    faults: &mut Vec<Fault>,
    file: &Path,
    parse: impl Fn(&Path, &str) -> Result<T, Vec<Fault>>,
    built_in: impl Fn() -> T,
) -> T {
    if !file.exists() {
        return built_in();
    }
    let parsed =
        fault::read_text(file).map_err(|fault| vec![fault]).and_then(|source| parse(file, &source));
    take(faults, parsed).unwrap_or_else(built_in)
}

fn take<T>(faults: &mut Vec<Fault>, outcome: Result<T, Vec<Fault>>) -> Option<T> {
    match outcome {
        Ok(value) => Some(value),
        Err(more) => {
            faults.extend(more);
            None
        }
    }
}

fn finish(district: Option<District>, faults: Vec<Fault>) -> Result<District, Vec<Fault>> {
    match district {
        Some(district) if !faults.iter().any(|f| f.severity == Severity::Error) => Ok(district),
        _ => Err(faults),
    }
}
