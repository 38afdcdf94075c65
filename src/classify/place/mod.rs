//! Finds settlements and organisations in a text.
//!
//! Place in the flow: inside `classify`, before the rules (`@место` asks for its hits). Invariant:
//! a name that is also a street, a surname or an ordinary word counts only beside a cue; one wrong
//! village costs more than ten misses.

mod compile;
mod cues;
mod latin;
mod reason;
pub(super) mod table;

use std::ops::Range;

use super::PlaceHit;
use super::street::{self, StreetHit};
use crate::config::places::PlacesFile;
use crate::model::{PlaceBy, PlaceFinding, PlaceId, Span};
use crate::text::tokens::Tokens;
use compile::Rank;
use cues::{Cue, Sort, allowed, is_of_another_region, is_passing};
use table::WordTable;

pub use reason::PlaceReason;

/// Most findings of one text.
const FINDINGS_MAX: usize = 1_000;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Settlement {
    id: PlaceId,
    title: String,
    elsewhere: bool,
}

/// What a name leads to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Entry {
    /// Index of its settlement, if it has one.
    settlement: Option<usize>,
    is_org: bool,
    /// The district as a whole.
    district: bool,
    /// Places of the same name are known elsewhere.
    namesake: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Candidate {
    rest: Box<[Box<str>]>,
    entry: u32,
    sort: Sort,
    /// Cases the form may stand in.
    cases: u8,
    rank: Rank,
    /// Other settlements of the same name: then it leads to none.
    also: Vec<u32>,
}

/// All names and their forms, compiled.
#[derive(Debug, Clone, Default)]
pub struct Gazetteer {
    settlements: Vec<Settlement>,
    entries: Vec<Entry>,
    index: WordTable<Vec<Candidate>>,
    district: String,
    anywhere: bool,
}

impl Gazetteer {
    /// Knows no place.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// Compiles a checked list.
    #[must_use]
    pub fn compile(file: &PlacesFile) -> Self {
        compile::compile(file)
    }

    /// Number of settlements, the ones elsewhere included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.settlements.len()
    }

    /// Whether no settlement is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.settlements.is_empty()
    }

    /// Official name of a settlement of the district.
    #[must_use]
    pub fn title(&self, id: &PlaceId) -> Option<&str> {
        self.settlements.iter().find(|s| s.id == *id).map(|s| s.title.as_str())
    }

    /// Ids and names of the district's settlements, in the order of the file.
    pub fn ours(&self) -> impl Iterator<Item = (&PlaceId, &str)> {
        self.settlements.iter().filter(|s| !s.elsewhere).map(|s| (&s.id, s.title.as_str()))
    }

    /// The settlement that an imported line or a source names, by id or by name in any case form.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<&PlaceId> {
        let own = |s: &&Settlement| s.id.as_str() == name || s.title == name;
        if let Some(settlement) = self.settlements.iter().find(own) {
            return Some(&settlement.id);
        }
        let tokens = Tokens::of(name);
        let mut hits = Vec::new();
        self.find(&tokens, name, &mut hits);
        hits.iter()
            .filter(|hit| !hit.is_org)
            .find_map(|hit| self.settlement_of(hit.entry))
            .map(|settlement| &settlement.id)
    }

    /// The same list with every place counted as ours, so that texts of other districts can be
    /// measured.
    #[must_use]
    pub fn anywhere(mut self) -> Self {
        self.anywhere = true;
        self
    }

    /// Adds to `out` the settlements and organisations that `tokens` name, in text order, without
    /// overlaps, longest first.
    pub fn find(&self, tokens: &Tokens, text: &str, out: &mut Vec<PlaceHit>) {
        self.each(tokens, text, |_| true, |hit, _, _| out.push(hit));
    }

    /// [`Gazetteer::find`] that looks only at tokens which `may` begin a name.
    pub(super) fn find_among(
        &self,
        tokens: &Tokens,
        text: &str,
        may: impl Fn(usize) -> bool,
        out: &mut Vec<PlaceHit>,
    ) {
        self.each(tokens, text, may, |hit, _, _| out.push(hit));
    }

    /// Whether some name begins with this folded word.
    pub(super) fn begins(&self, word: &str) -> bool {
        self.index.get(word).is_some()
    }

    /// Calls `found` with each hit, its candidate and the reason why it counts.
    fn each(
        &self,
        tokens: &Tokens,
        text: &str,
        may: impl Fn(usize) -> bool,
        mut found: impl FnMut(PlaceHit, &Candidate, Cue),
    ) {
        let mut at = 0;
        let mut last_hit = 0;
        while at < tokens.len() {
            if !may(at) {
                at += 1;
                continue;
            }
            let hit = self
                .index
                .get(tokens.text(at))
                .and_then(|known| self.hit(tokens, text, at, known, last_hit));
            let Some((hit, last, candidate, cue)) = hit else {
                at += 1;
                continue;
            };
            let first = std::mem::replace(&mut at, last);
            // A name that several settlements bear keeps its words from meaning anything else.
            if candidate.also.is_empty() {
                last_hit = last;
                if let Some((other, candidate)) = self.shared_noun(tokens, first, candidate) {
                    found(other, candidate, cue);
                }
                found(hit, candidate, cue);
            }
        }
    }

    /// «Новая и Старая Брянь»: the settlement whose noun stands only behind the second adjective.
    fn shared_noun(
        &self,
        tokens: &Tokens,
        at: usize,
        candidate: &Candidate,
    ) -> Option<(PlaceHit, &Candidate)> {
        let first = at.checked_sub(2)?;
        if candidate.rest.len() != 1 || tokens.text(at - 1) != "и" {
            return None;
        }
        let known = self.index.get(tokens.text(first))?;
        let other = known.iter().find(|other| {
            other.rest == candidate.rest && other.also.is_empty() && other.entry != candidate.entry
        })?;
        let token = tokens.list().get(first)?;
        let hit =
            PlaceHit { start: token.start, end: token.end, is_org: false, entry: other.entry };
        Some((hit, other))
    }

    fn hit<'a>(
        &self,
        tokens: &Tokens,
        text: &str,
        at: usize,
        known: &'a [Candidate],
        last_hit: usize,
    ) -> Option<(PlaceHit, usize, &'a Candidate, Cue)> {
        let list = tokens.list();
        known.iter().find_map(|candidate| {
            let last = at + 1 + candidate.rest.len();
            let fits = last <= list.len()
                && candidate
                    .rest
                    .iter()
                    .enumerate()
                    .all(|(n, word)| tokens.text(at + 1 + n) == &**word);
            if !fits {
                return None;
            }
            let form = (candidate.sort, candidate.cases);
            let cue = allowed(tokens, text, (at, last), form, last_hit)?;
            // «Льговская ЦРБ» is not ours.
            if candidate.rank == Rank::Organisation && cues::is_of_another(tokens, at) {
                return None;
            }
            let hit = PlaceHit {
                start: list[at].start,
                end: list.get(last - 1)?.end,
                is_org: self.entries.get(candidate.entry as usize)?.is_org,
                entry: candidate.entry,
            };
            Some((hit, last, candidate, cue))
        })
    }

    /// The streets of a text: each with the span of its bare name and of its houses.
    #[must_use]
    pub fn streets(&self, text: &str) -> Vec<StreetHit> {
        let tokens = Tokens::of(text);
        let mut hits = Vec::new();
        self.find(&tokens, text, &mut hits);
        street::find(text, &tokens, &ranges(&tokens, &hits))
    }

    /// What the hits of [`Gazetteer::find`] mean: settlements in text order, each with the first
    /// house of the first street that stands near it, then further houses and streets, one finding
    /// each.
    #[must_use]
    pub fn findings(&self, tokens: &Tokens, text: &str, hits: &[PlaceHit]) -> Vec<PlaceFinding> {
        self.findings_classed(tokens, text, hits, &street::classes(tokens))
    }

    /// [`Gazetteer::findings`] where it is known what each word is to an address.
    pub(super) fn findings_classed(
        &self,
        tokens: &Tokens,
        text: &str,
        hits: &[PlaceHit],
        classes: &[u32],
    ) -> Vec<PlaceFinding> {
        let ranges = ranges(tokens, hits);
        let streets = street::find_classed(text, tokens, classes, &ranges);
        if hits.is_empty() && streets.is_empty() {
            return Vec::new();
        }
        let mut found: Vec<Found> = Vec::new();
        for (hit, range) in hits.iter().zip(&ranges) {
            let span = tokens.span(hit.start as usize, hit.end as usize);
            if let Some(place) = self.finding(tokens, hit, range, span) {
                let passing = place.elsewhere && is_passing(tokens, range.start);
                let (start, end) = (hit.start as usize, hit.end as usize);
                let entry = self.entries.get(hit.entry as usize);
                let namesake = entry.is_some_and(|entry| entry.namesake);
                found.push(Found { start, end, passing, namesake, place });
            }
        }
        if !self.anywhere {
            doubt_namesakes(&mut found);
        }
        drop_of_regions(text, &mut found);
        if found.iter().any(|found| found.place.place.is_some() && !found.place.elsewhere) {
            // A settlement says more than the district it lies in.
            found.retain(|found| found.place.place.is_some());
        }
        let mut further = Vec::new();
        for street in &streets {
            place_street(text, street, tokens, &mut found, &mut further);
        }
        let places = found.into_iter().map(|found| found.place);
        places.chain(further).take(FINDINGS_MAX).collect()
    }

    /// What a hit says about the place; `None` where no settlement stands behind it.
    fn finding(
        &self,
        tokens: &Tokens,
        hit: &PlaceHit,
        range: &Range<usize>,
        span: Span,
    ) -> Option<PlaceFinding> {
        let entry = self.entries.get(hit.entry as usize)?;
        if entry.district {
            let title = self.district.clone();
            return Some(PlaceFinding { title, span: Some(span), ..nowhere() });
        }
        let settlement = self.settlements.get(entry.settlement?)?;
        let strange = !settlement.elsewhere
            && !hit.is_org
            && is_of_another_region(tokens, range.end, &self.district);
        let place = if strange {
            PlaceId(format!("{}_elsewhere", settlement.id.as_str()))
        } else {
            settlement.id.clone()
        };
        Some(PlaceFinding {
            place: Some(place),
            title: settlement.title.clone(),
            elsewhere: (settlement.elsewhere || strange) && !self.anywhere,
            span: Some(span),
            ..nowhere()
        })
    }

    /// Whether every place that `text` names lies elsewhere and stands there only as a way or an
    /// addressee («звонили в Улан-Удэ»): then the text is still about where it was written.
    #[must_use]
    pub fn only_in_passing(&self, text: &str) -> bool {
        let tokens = Tokens::of(text);
        let mut all = true;
        self.each(
            &tokens,
            text,
            |_| true,
            |hit, _, _| {
                let at = tokens.range(hit.start as usize, hit.end as usize).start;
                let elsewhere = self.settlement_of(hit.entry).is_none_or(|s| s.elsewhere);
                all &= elsewhere && is_passing(&tokens, at);
            },
        );
        all
    }
}

/// A name that villages elsewhere bear too is theirs where the text speaks of elsewhere only.
fn doubt_namesakes(found: &mut Vec<Found>) {
    let ours = found.iter().any(|f| !f.place.elsewhere && !f.namesake);
    let abroad = found.iter().any(|f| f.place.elsewhere && !f.passing);
    if abroad && !ours {
        found.retain(|found| !found.namesake);
    }
}

/// «Кемеровская область, п. Шабур»: a village behind the name of another region is not ours.
fn drop_of_regions(text: &str, found: &mut Vec<Found>) {
    let region = |found: &Found| {
        let title = &found.place.title;
        found.place.elsewhere && ["область", "край", "район"].iter().any(|end| title.ends_with(end))
    };
    let mut region_ends = None;
    found.retain(|found| {
        let close = region_ends.is_some_and(|end: usize| {
            let between = text.get(end..found.start).unwrap_or("");
            between.contains(',') && between.chars().count() <= 14 && !between.contains(". В ")
        });
        if region(found) {
            region_ends = Some(found.end);
        } else if !close {
            region_ends = None;
        }
        found.place.elsewhere || !close
    });
}

/// A settlement on its way to a finding.
struct Found {
    start: usize,
    end: usize,
    passing: bool,
    namesake: bool,
    place: PlaceFinding,
}

fn ranges(tokens: &Tokens, hits: &[PlaceHit]) -> Vec<Range<usize>> {
    hits.iter().map(|hit| tokens.range(hit.start as usize, hit.end as usize)).collect()
}

/// Gives a street and its houses to the settlement they belong to.
fn place_street(
    text: &str,
    street: &StreetHit,
    tokens: &Tokens,
    found: &mut [Found],
    further: &mut Vec<PlaceFinding>,
) {
    let near = near_settlement(found, street.name.start);
    let houses: Vec<Option<&Range<usize>>> = if street.houses.is_empty() {
        vec![None]
    } else {
        street.houses.iter().map(Some).collect()
    };
    for house in houses {
        let behind = house.filter(|house| house.start >= street.name.end);
        let end = behind.map_or(street.name.end, |house| house.end);
        let mut place = match near {
            Some(at) if found[at].place.street.is_none() => found[at].place.clone(),
            Some(at) => PlaceFinding { span: None, ..found[at].place.clone() },
            None => nowhere(),
        };
        place.street = Some(street.street.clone());
        place.house = house.map(|house| text[house.clone()].to_owned());
        let span = tokens.span(street.name.start, end);
        (place.street_start, place.street_end) = (Some(span.start), Some(span.end));
        match near {
            Some(at) if found[at].place.street.is_none() => found[at].place = place,
            _ => further.push(place),
        }
    }
}

/// A finding in the text that names no settlement yet.
pub(super) fn nowhere() -> PlaceFinding {
    PlaceFinding {
        place: None,
        title: String::new(),
        by: PlaceBy::Text,
        elsewhere: false,
        span: None,
        street: None,
        house: None,
        street_start: None,
        street_end: None,
    }
}

/// The settlement a street belongs to: the last one before it, else the first behind it.
fn near_settlement(found: &[Found], street: usize) -> Option<usize> {
    let named = |found: &Found| !found.passing && found.place.place.is_some();
    let before = found.iter().rposition(|found| found.start <= street && named(found));
    before.or_else(|| found.iter().position(named))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> String {
        let gazetteer = Gazetteer::compile(&PlacesFile::built_in());
        let tokens = Tokens::of(text);
        let mut hits = Vec::new();
        gazetteer.find(&tokens, text, &mut hits);
        let names: Vec<String> = gazetteer
            .findings(&tokens, text, &hits)
            .into_iter()
            .filter(|place| place.place.is_some())
            .map(|place| format!("{}{}", if place.elsewhere { "-" } else { "" }, place.title))
            .collect();
        names.join(", ")
    }

    #[test]
    fn settlements_in_all_cases() {
        for (text, expected) in [
            ("В Онохое нет отопления", "Онохой"),
            ("из новой бряни едем", "Новая Брянь"),
            ("онохойская школа закрыта", "Онохой"),
            ("в Усть-Бряни и Старой Бряни", "Усть-Брянь, Старая Брянь"),
            ("под Татарским Ключом горит лес", "Татарский Ключ"),
            ("до Нижних Тальцов не доехать", "Нижние Тальцы"),
            ("дорога в Тальцы", "Нижние Тальцы"),
            ("Нов. Брянь без воды", "Новая Брянь"),
            ("В ЗАИГРАЕВО ХОЛОДНО", "Заиграево"),
            ("в Эрхирике отключили свет", "Эрхирик"),
            ("Мухор-Тала, Мухор-Тале", "Мухор-Тала, Мухор-Тала"),
            ("живу в Старом Онохое", "Старый Онохой"),
            ("из Улан-Удэ в Москву", "-Улан-Удэ, -Москва"),
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
    }

    #[test]
    fn traps() {
        for (text, expected) in [
            ("потерялись ключи от машины", ""),
            ("нашли в ключах брелок", ""),
            ("живу в селе Ключи", "Ключи"),
            ("улица Онохойская вся в ямах", ""),
            ("на Заиграевской улице темно", ""),
            ("по улице Онохойской", ""),
            ("жители Заиграевского района", ""),
            ("учитель Заиграева получила награду", ""),
            ("дорога из Заиграева разбита", "Заиграево"),
            ("победа, мирный, красный, октябрьский, большая площадь", ""),
            ("село солнце", ""),
            ("сходил к врачу", ""),
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
    }
}
