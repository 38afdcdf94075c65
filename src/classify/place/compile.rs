//! From the list an analyst edits to the index that texts are read with.
//!
//! Place in the flow: once at start and on each reload. Invariant: a form that two settlements
//! share leads to neither; a settlement's own name beats every nickname, adjective and place
//! elsewhere.

use super::cues::{Sort, district_forms};
use super::latin::latin;
use super::{Candidate, Entry, Gazetteer, Settlement};
use crate::classify::declension::{ALL_CASES, adjective_forms, cases, people_forms};
use crate::config::places::{ElsewhereEntry, LandmarkEntry, PlaceEntry, PlacesFile};
use crate::model::PlaceId;
use crate::text::Tokens;

/// Which of two meanings of one form holds: the smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Name,
    Nickname,
    Adjective,
    Landmark,
    Organisation,
    Elsewhere,
}

/// Words for a kind of landmark in every case and in short.
const KINDS: &[(&str, &str)] = &[
    ("река", "река реки реке реку рекой речка речки речке речку речкой р"),
    ("озеро", "озеро озера озеру озером озере оз"),
    ("станция", "станция станции станцию станцией ст жд вокзал вокзала вокзале"),
    ("остановка", "остановка остановки остановке остановку остановкой"),
    ("разъезд", "разъезд разъезда разъезде разъезду"),
    ("днт", "днт снт дачи дач дачах"),
    ("дорога", "дорога дороги дороге дорогу трасса трассы трассе трассу автодорога тракт"),
    ("гора", "гора горы горе гору"),
];

/// A name of several words is also found without its blanks if it is longer than this.
const HASHTAG_CHARS_MIN: usize = 8;

/// Compiles a checked list.
pub(super) fn compile(file: &PlacesFile) -> Gazetteer {
    let mut builder = Builder::default();
    for entry in &file.place {
        builder.settlement(entry);
    }
    for entry in &file.landmark {
        builder.landmark(entry);
    }
    for entry in &file.organisation {
        let place = builder.known(entry.place.as_ref().map(|place| place.get_ref().as_str()));
        let org = builder.entry(Entry { settlement: place, is_org: true, ..Entry::default() });
        for name in std::iter::once(entry.name.get_ref()).chain(&entry.also) {
            builder.name(&folded(name), org, Rank::Organisation, |_| Sort::Name);
        }
    }
    for entry in &file.elsewhere {
        builder.elsewhere(entry);
    }
    if let Some(district) = &file.district {
        let entry = builder.entry(Entry { district: true, ..Entry::default() });
        builder.gazetteer.district.clone_from(&district.name);
        for name in std::iter::once(&district.name).chain(&district.also) {
            for form in district_forms(&folded(name)) {
                builder.add(&form, entry, Sort::Name, ALL_CASES, Rank::Name);
            }
        }
    }
    builder.finish()
}

#[derive(Default)]
struct Builder {
    gazetteer: Gazetteer,
}

impl Builder {
    fn entry(&mut self, entry: Entry) -> u32 {
        self.gazetteer.entries.push(entry);
        u32::try_from(self.gazetteer.entries.len() - 1).unwrap_or(u32::MAX)
    }

    fn known(&self, id: Option<&str>) -> Option<usize> {
        self.gazetteer.settlements.iter().position(|s| Some(s.id.as_str()) == id && !s.elsewhere)
    }

    fn settlement(&mut self, entry: &PlaceEntry) {
        let settlement = Some(self.gazetteer.settlements.len());
        self.gazetteer.settlements.push(Settlement {
            id: PlaceId(entry.id.get_ref().clone()),
            title: entry.name.get_ref().clone(),
            elsewhere: false,
        });
        let namesake = entry.namesake;
        let own = self.entry(Entry { settlement, namesake, ..Entry::default() });
        let strict: Vec<String> = entry.strict.iter().map(|form| folded(form)).collect();
        let names = std::iter::once(entry.name.get_ref()).chain(&entry.also);
        for (order, name) in names.enumerate() {
            let rank = if order == 0 { Rank::Name } else { Rank::Nickname };
            let cue = entry.cue && !name.contains([' ', '-']);
            self.name(&folded(name), own, rank, |form| {
                if cue {
                    Sort::Cue
                } else if strict.iter().any(|strict| strict == form) {
                    Sort::Strict
                } else {
                    Sort::Name
                }
            });
        }
        let adjective = entry.adjective.as_ref().map(|adjective| adjective.get_ref());
        for adjective in adjective.into_iter().chain(&entry.adjectives) {
            for form in adjective_forms(&folded(adjective)) {
                self.add(&form, own, Sort::Adjective, ALL_CASES, Rank::Adjective);
            }
        }
        for people in &entry.people {
            for form in people_forms(&folded(people)) {
                self.add(&form, own, Sort::People, ALL_CASES, Rank::Adjective);
            }
        }
    }

    fn landmark(&mut self, entry: &LandmarkEntry) {
        let settlement = self.known(entry.place.as_ref().map(|place| place.get_ref().as_str()));
        let own = self.entry(Entry { settlement, ..Entry::default() });
        let kind = folded(entry.kind.get_ref());
        let kinds = KINDS.iter().find(|(name, _)| *name == kind).map_or("", |(_, words)| words);
        for name in std::iter::once(entry.name.get_ref()).chain(&entry.also) {
            for (form, case) in cases(&folded(name)) {
                for word in kinds.split(' ').filter(|word| !word.is_empty()) {
                    let form = format!("{word} {form}");
                    self.add(&form, own, Sort::Name, ALL_CASES, Rank::Landmark);
                }
                if entry.bare || kinds.is_empty() {
                    self.add(&form, own, Sort::Name, case, Rank::Landmark);
                }
            }
        }
    }

    fn elsewhere(&mut self, entry: &ElsewhereEntry) {
        for name in &entry.names {
            let settlement = Some(self.gazetteer.settlements.len());
            self.gazetteer.settlements.push(Settlement {
                id: PlaceId(latin(name)),
                title: name.clone(),
                elsewhere: true,
            });
            let own = self.entry(Entry { settlement, ..Entry::default() });
            let name = folded(name);
            let sort = if entry.cue { Sort::Cue } else { Sort::Name };
            if let Some(adjective) = name.strip_suffix(" район") {
                for form in district_forms(&format!("{adjective} район")) {
                    self.add(&form, own, sort, ALL_CASES, Rank::Elsewhere);
                }
                continue;
            }
            // «Иваново» in the genitive is a surname.
            let like_surname = ["ово", "ево", "ино"].iter().any(|end| name.ends_with(end));
            let base = name.clone();
            self.name(&name, own, Rank::Elsewhere, |form| {
                if like_surname && form != base { Sort::Strict } else { sort }
            });
        }
    }

    /// Adds all case forms of a name.
    fn name(&mut self, name: &str, entry: u32, rank: Rank, sort: impl Fn(&str) -> Sort) {
        for (form, case) in cases(name) {
            self.add(&form, entry, sort(&form), case, rank);
            // «#НоваяБрянь»
            if form.contains(' ') && form.chars().count() > HASHTAG_CHARS_MIN {
                self.add(&form.replace(' ', ""), entry, sort(&form), case, rank);
            }
        }
    }

    fn add(&mut self, form: &str, entry: u32, sort: Sort, cases: u8, rank: Rank) {
        let tokens = Tokens::of(form);
        let mut words = (0..tokens.len()).map(|at| tokens.text(at).into());
        let Some(first): Option<Box<str>> = words.next() else { return };
        let rest: Box<[Box<str>]> = words.collect();
        let settlement = self.gazetteer.entries[entry as usize].settlement;
        let candidates = self.gazetteer.index.entry(&first);
        let Some(known) = candidates.iter_mut().find(|known| known.rest == rest) else {
            candidates.push(Candidate { rest, entry, sort, cases, rank, also: Vec::new() });
            return;
        };
        if known.entry == entry {
            known.cases |= cases;
        } else if rank < known.rank {
            *known = Candidate { rest, entry, sort, cases, rank, also: Vec::new() };
        } else if rank == known.rank
            && rank != Rank::Elsewhere
            && settlement != self.gazetteer.entries[known.entry as usize].settlement
        {
            known.also.push(entry);
        }
    }

    fn finish(mut self) -> Gazetteer {
        for candidates in self.gazetteer.index.values_mut() {
            candidates.sort_by_key(|candidate| std::cmp::Reverse(candidate.rest.len()));
        }
        self.gazetteer
    }
}

impl Gazetteer {
    /// What is wrong with a list that compiles: nicknames of several places, names that no text can
    /// reach. One Russian sentence each, in the order of the file.
    #[must_use]
    pub fn weak_spots(&self) -> Vec<String> {
        let mut ambiguous = Vec::new();
        for (first, candidates) in self.index.iter() {
            for candidate in candidates.iter().filter(|candidate| !candidate.also.is_empty()) {
                let mut titles: Vec<&str> = std::iter::once(candidate.entry)
                    .chain(candidate.also.iter().copied())
                    .filter_map(|entry| self.settlement_of(entry))
                    .map(|settlement| settlement.title.as_str())
                    .collect();
                titles.sort_unstable();
                titles.dedup();
                let form = std::iter::once(first).chain(candidate.rest.iter().map(|word| &**word));
                let form = form.collect::<Vec<_>>().join(" ");
                ambiguous.push(format!(
                    "«{form}» может значить: {}; по этому имени место не определяется",
                    titles.join(", ")
                ));
            }
        }
        ambiguous.sort();
        ambiguous
    }

    pub(super) fn settlement_of(&self, entry: u32) -> Option<&Settlement> {
        self.settlements.get(self.entries.get(entry as usize)?.settlement?)
    }
}

/// Lower case, ё as е, without the dots of abbreviations.
pub(super) fn folded(name: &str) -> String {
    let words: String = name.chars().map(crate::text::fold::lower).collect();
    words.replace(". ", " ").replace('.', " ").trim().to_owned()
}
