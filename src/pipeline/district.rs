//! A district's rules in force, as one value.
//!
//! Place in the flow: read from the reloadable files, passed to every stage. Invariant: all files
//! are read and checked together; what cannot be used is reported whole and changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::tz::TimeZone;

use super::words;
use crate::alert::Roster;
use crate::classify::{Gazetteer, Lexicon};
use crate::cluster::{self, ClusterRules, Life};
use crate::config::calendar::Calendar;
use crate::config::duty::Duties;
use crate::config::places::PlacesFile;
use crate::config::risk::RiskRules;
use crate::config::routes::{self, KnownNames, Routes};
use crate::config::rules::TableFile;
use crate::config::{self, Fault, RuleFiles, Settings, Severity};
use crate::model::{DistrictId, PlaceId, Problem, Source, TopicId};
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
    /// Who holds a post when.
    pub duties: Duties,
    /// When people work.
    pub calendar: Calendar,
    /// What is read.
    pub sources: Vec<Source>,
    /// Service accounts of bodies, by the names the door knows them by.
    pub services: BTreeSet<String>,
    /// The files that the rules were made of.
    pub files: RuleFiles,
}

impl District {
    /// Reads everything. `anywhere`: every place counts as ours.
    pub fn load(settings: &Settings, anywhere: bool) -> Result<Self, Vec<Fault>> {
        let (district, faults) = Self::examine(settings, anywhere, Strictness::Lenient);
        finish(district, faults)
    }

    /// Reads what classification needs: packs, places, risk; no sources. Routes are taken along if
    /// they are sound: a command that sends nothing is not stopped by them.
    pub fn load_rules(settings: &Settings, anywhere: bool) -> Result<Self, Vec<Fault>> {
        Self::of_files(RuleFiles::read(settings), settings, anywhere)
    }

    /// The same of files that are in hand: an edit before it goes live, a set kept in the store.
    pub fn of_files(
        files: RuleFiles,
        settings: &Settings,
        anywhere: bool,
    ) -> Result<Self, Vec<Fault>> {
        let (district, faults) = rules(files, settings, anywhere, Strictness::Unconcerned);
        finish(district, faults)
    }

    /// Everything, with rules of files that are in hand.
    pub fn with_files(files: RuleFiles, settings: &Settings) -> Result<Self, Vec<Fault>> {
        let (district, faults) = with_sources(files, settings, false, Strictness::Lenient);
        finish(district, faults)
    }

    /// Reads everything and says all that is wrong, warnings included; a district only if the packs
    /// are sound. Where another file is broken, what is built in stands in its place.
    #[must_use]
    pub fn examine(
        settings: &Settings,
        anywhere: bool,
        strictness: Strictness,
    ) -> (Option<Self>, Vec<Fault>) {
        with_sources(RuleFiles::read(settings), settings, anywhere, strictness)
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

    /// Who is told, and when people work.
    #[must_use]
    pub fn roster(&self) -> Roster<'_> {
        let Self { routes, duties, calendar, zone, .. } = self;
        Roster { routes, duties, calendar, zone }
    }

    /// Title of a topic; its id if no pack has it any more.
    #[must_use]
    pub fn topic_title<'a>(&'a self, topic: &'a TopicId) -> &'a str {
        self.lexicon.topic(topic.as_str()).map_or(topic.as_str(), |known| known.title.as_str())
    }

    /// How a problem behaves over time; `past` are problems of its key.
    #[must_use]
    pub fn life(&self, problem: &Problem, past: &[Problem]) -> Life {
        cluster::life(problem, past, &self.zone)
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

/// How much a fault of `routes.toml` matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strictness {
    /// Not at all, the file may be unreadable: nobody will be told anything.
    Unconcerned,
    /// A receiver or department that nobody knows is a warning.
    Lenient,
    /// It is an error, as `run` and `check` see it.
    Strict,
}

/// The rules, and the sources that are read by them.
fn with_sources(
    files: RuleFiles,
    settings: &Settings,
    anywhere: bool,
    strictness: Strictness,
) -> (Option<District>, Vec<Fault>) {
    let (mut district, mut faults) = rules(files, settings, anywhere, strictness);
    let places: Option<BTreeSet<PlaceId>> = district
        .as_ref()
        .map(|district| district.lexicon.gazetteer().ours().map(|(id, _)| id.clone()).collect());
    let (sources, found) = config::examine_sources(&settings.sources_file(), places.as_ref());
    faults.extend(found);
    if let Some(district) = district.as_mut() {
        district.sources = sources;
        district.services = config::load_services(&settings.sources_file());
    }
    (district, faults)
}

/// Packs, places, risk and routes, with everything that is wrong with them.
fn rules(
    files: RuleFiles,
    settings: &Settings,
    anywhere: bool,
    strictness: Strictness,
) -> (Option<District>, Vec<Fault>) {
    let mut faults = Vec::new();
    let gazetteer = gazetteer(&files, anywhere, &mut faults);
    let known_places = gazetteer.ours().map(|(id, _)| id.0.clone()).collect();
    let lexicon = take(&mut faults, compile(&files, gazetteer));
    faults.extend(lexicon.iter().flat_map(|lexicon| lexicon.warnings().to_vec()));
    let risk =
        parse_or(&mut faults, &files.table("risk.toml"), RiskRules::parse, RiskRules::shipped);
    let known = KnownNames {
        topics: lexicon.as_ref().map(|lexicon| {
            lexicon.topics().iter().map(|topic| topic.id.as_str().to_owned()).collect()
        }),
        places: Some(known_places),
        objects: lexicon.as_ref().map(Lexicon::objects),
        receivers: strictness == Strictness::Strict,
    };
    let file = settings.routes_file();
    let mut warnings = Vec::new();
    let parsed = |file: &Path, source: &str| routes::parse(file, source, &known);
    let mut broken = Vec::new();
    let (routes, found) =
        parse_or(&mut broken, &files.table("routes.toml"), parsed, Default::default);
    let calendar = files.table("calendar.toml");
    let calendar = parse_or(&mut broken, &calendar, Calendar::parse, Calendar::default);
    let receivers = routes.receivers.iter().map(|receiver| receiver.name.as_str()).collect();
    let parsed = |file: &Path, source: &str| Duties::parse(file, source, &receivers);
    let duties = parse_or(&mut broken, &files.table("duty.toml"), parsed, Duties::default);
    if strictness == Strictness::Unconcerned {
        broken = broken.into_iter().map(Fault::warning).collect();
    }
    faults.extend(broken);
    warnings.extend(found);
    if let (Some(lexicon), Ok(Some(_))) = (&lexicon, &files.table("routes.toml")) {
        let unknown = unknown_departments(lexicon, &routes, &file);
        warnings.extend(unknown.into_iter().map(|fault| match strictness {
            Strictness::Strict => fault,
            Strictness::Lenient | Strictness::Unconcerned => fault.warning(),
        }));
    }
    faults.extend(warnings);
    let district = lexicon.map(|lexicon| District {
        id: settings.district.id.clone(),
        name: settings.district.name.clone(),
        zone: settings.district.timezone.clone(),
        lexicon,
        risk,
        cluster: ClusterRules::default(),
        routes,
        duties,
        calendar,
        sources: Vec::new(),
        services: BTreeSet::new(),
        files,
    });
    (district, faults)
}

/// Departments that packs name and `routes.toml` does not.
fn unknown_departments(lexicon: &Lexicon, routes: &Routes, file: &Path) -> Vec<Fault> {
    let mut packs: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for topic in lexicon.topics() {
        if let Some(department) = topic.department.as_deref()
            && !routes.departments.contains_key(department)
        {
            packs.entry(department).or_default().push(topic.id.as_str());
        }
    }
    let fault = |(department, packs): (&str, Vec<&str>)| {
        let text = words::no_department(department, &packs.join(", "));
        Fault::whole(file, text, words::department_fix(department))
    };
    packs.into_iter().map(fault).collect()
}

/// Places of `places.toml`. `anywhere`: every place counts as ours.
fn gazetteer(files: &RuleFiles, anywhere: bool, faults: &mut Vec<Fault>) -> Gazetteer {
    let places =
        parse_or(faults, &files.table("places.toml"), PlacesFile::parse, PlacesFile::built_in);
    let gazetteer = Gazetteer::compile(&places);
    if anywhere { gazetteer.anywhere() } else { gazetteer }
}

/// The packs alone, compiled over the known places, with their examples run.
pub fn load_lexicon(settings: &Settings) -> Result<Lexicon, Vec<Fault>> {
    lexicon_of(&RuleFiles::read(settings))
}

/// The same of files that are in hand.
pub fn lexicon_of(files: &RuleFiles) -> Result<Lexicon, Vec<Fault>> {
    let mut faults = Vec::new();
    let gazetteer = gazetteer(files, false, &mut faults);
    let lexicon = take(&mut faults, compile(files, gazetteer));
    lexicon.filter(|_| !is_broken(&faults)).ok_or(faults)
}

fn compile(files: &RuleFiles, gazetteer: Gazetteer) -> Result<Lexicon, Vec<Fault>> {
    Lexicon::compile(files.packs.clone()?, gazetteer)
}

/// Reads one of the files; a missing one means what the program has built in.
fn parse_or<T>(
    faults: &mut Vec<Fault>,
    file: &TableFile,
    parse: impl Fn(&Path, &str) -> Result<T, Vec<Fault>>,
    built_in: impl Fn() -> T,
) -> T {
    let parsed = match file {
        Ok(None) => return built_in(),
        Ok(Some(file)) => parse(&file.path, &file.text),
        Err(fault) => Err(vec![fault.clone()]),
    };
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
        Some(district) if !is_broken(&faults) => Ok(district),
        _ => Err(faults),
    }
}

fn is_broken(faults: &[Fault]) -> bool {
    faults.iter().any(|fault| fault.severity == Severity::Error)
}
