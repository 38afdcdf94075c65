//! Finds settlements and organisations in a text.
//!
//! Place in the flow: inside `classify`, before the rules (`@место` asks for its hits). Invariant: a name that is also a
//! street, a surname or an ordinary word counts only beside a cue; one wrong village costs more than
//! ten misses.

use std::collections::HashMap;

use super::declension::{adjective_forms, forms};
use super::{PlaceHit, street};
use crate::config::places::PlacesFile;
use crate::model::{PlaceBy, PlaceFinding, PlaceId, Span};
use crate::text::points::Points;
use crate::text::tokens::{CAPITAL, Tokens};

/// What a name leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    /// A settlement, by index.
    Place(usize),
    /// An organisation, by index.
    Organisation(usize),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Settlement {
    id: PlaceId,
    title: String,
    elsewhere: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Organisation {
    place: Option<PlaceId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Name,
    /// Needs a preposition or type word before it.
    Strict,
    /// Needs that and a capital letter.
    Cue,
    Adjective,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Candidate {
    rest: Vec<String>,
    target: Target,
    sort: Sort,
}

/// All names and their forms, compiled.
#[derive(Debug, Clone, Default)]
pub struct Gazetteer {
    settlements: Vec<Settlement>,
    organisations: Vec<Organisation>,
    index: HashMap<String, Vec<Candidate>>,
    anywhere: bool,
}

/// Words that announce a settlement.
const TYPE_WORDS: &[&str] = &[
    "село",
    "села",
    "селе",
    "селу",
    "селом",
    "с",
    "поселок",
    "поселка",
    "поселке",
    "поселку",
    "поселком",
    "п",
    "пос",
    "пгт",
    "улус",
    "улуса",
    "улусе",
    "деревня",
    "деревни",
    "деревне",
    "деревню",
    "станция",
    "станции",
    "станцию",
    "ст",
    "город",
    "города",
    "городе",
    "г",
];

const PREPOSITIONS: &[&str] = &[
    "в",
    "во",
    "из",
    "на",
    "до",
    "от",
    "под",
    "за",
    "около",
    "возле",
    "у",
    "по",
    "через",
    "между",
    "к",
    "ко",
    "над",
    "рядом",
];

pub(super) const STREET_WORDS: &[&str] = &[
    "ул",
    "улица",
    "улицы",
    "улице",
    "улицу",
    "улицей",
    "пер",
    "переулок",
    "переулка",
    "переулке",
    "переулку",
    "проспект",
    "проспекта",
    "проспекте",
    "проспекту",
    "пр-т",
    "шоссе",
    "тракт",
    "тракта",
    "тракту",
    "тракте",
    "бульвар",
    "бульвара",
    "бульваре",
    "бульвару",
    "микрорайон",
    "микрорайона",
    "микрорайоне",
    "мкр",
    "мкрн",
    "набережная",
    "набережной",
];

impl Gazetteer {
    /// Knows no place.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// Compiles a checked list.
    #[must_use]
    pub fn compile(file: &PlacesFile) -> Self {
        let mut gazetteer = Self::default();
        for entry in &file.place {
            let name = entry.name.get_ref();
            let target = Target::Place(gazetteer.settlements.len());
            gazetteer.settlements.push(Settlement {
                id: PlaceId(entry.id.get_ref().clone()),
                title: name.clone(),
                elsewhere: false,
            });
            let strict: Vec<String> = entry.strict.iter().map(|form| folded(form)).collect();
            for (order, name) in std::iter::once(name).chain(&entry.also).enumerate() {
                let cue = entry.cue && order == 0;
                for form in forms(&folded(name)) {
                    let sort = if cue {
                        Sort::Cue
                    } else if strict.contains(&form) {
                        Sort::Strict
                    } else {
                        Sort::Name
                    };
                    gazetteer.add(&form, target, sort);
                }
            }
            if let Some(adjective) = &entry.adjective {
                for form in adjective_forms(&folded(adjective.get_ref())) {
                    gazetteer.add(&form, target, Sort::Adjective);
                }
            }
        }
        for name in file.elsewhere.iter().flat_map(|entry| &entry.names) {
            let target = Target::Place(gazetteer.settlements.len());
            gazetteer.settlements.push(Settlement {
                id: PlaceId(latin(name)),
                title: name.clone(),
                elsewhere: true,
            });
            for form in forms(&folded(name)) {
                gazetteer.add(&form, target, Sort::Name);
            }
        }
        for entry in &file.organisation {
            let target = Target::Organisation(gazetteer.organisations.len());
            let place = entry.place.as_ref().map(|place| PlaceId(place.get_ref().clone()));
            gazetteer.organisations.push(Organisation { place });
            for name in std::iter::once(entry.name.get_ref()).chain(&entry.also) {
                for form in forms(&folded(name)) {
                    gazetteer.add(&form, target, Sort::Name);
                }
            }
        }
        for candidates in gazetteer.index.values_mut() {
            candidates.sort_by_key(|candidate| std::cmp::Reverse(candidate.rest.len()));
        }
        gazetteer
    }

    fn add(&mut self, form: &str, target: Target, sort: Sort) {
        let tokens = Tokens::of(form);
        let mut words = (0..tokens.len()).map(|at| tokens.text(at).to_owned());
        let Some(first) = words.next() else { return };
        let candidate = Candidate { rest: words.collect(), target, sort };
        let candidates = self.index.entry(first).or_default();
        if !candidates.iter().any(|c| c.rest == candidate.rest) {
            candidates.push(candidate);
        }
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
        if let Some(settlement) = self.settlements.iter().find(|s| s.id.as_str() == name) {
            return Some(&settlement.id);
        }
        let tokens = Tokens::of(name);
        let mut hits = Vec::new();
        self.find(&tokens, name, &mut hits);
        hits.iter()
            .find(|hit| !hit.is_org)
            .and_then(|hit| self.settlements.get(hit.entry as usize))
            .map(|settlement| &settlement.id)
    }

    /// The same list with every place counted as ours, so that texts of other districts can be measured.
    #[must_use]
    pub fn anywhere(mut self) -> Self {
        self.anywhere = true;
        self
    }

    /// Adds to `out` the settlements and organisations that `tokens` name, in text order, without
    /// overlaps, longest first.
    pub fn find(&self, tokens: &Tokens, _text: &str, out: &mut Vec<PlaceHit>) {
        let mut at = 0;
        while at < tokens.len() {
            match self.hit(tokens, at) {
                Some((hit, last)) => {
                    at = last;
                    out.push(hit);
                }
                None => at += 1,
            }
        }
    }

    fn hit(&self, tokens: &Tokens, at: usize) -> Option<(PlaceHit, usize)> {
        let candidates = self.index.get(tokens.text(at))?;
        let list = tokens.list();
        candidates.iter().find_map(|candidate| {
            let last = at + 1 + candidate.rest.len();
            let fits = last <= list.len()
                && candidate
                    .rest
                    .iter()
                    .enumerate()
                    .all(|(n, word)| tokens.text(at + 1 + n) == word)
                && allowed(tokens, at, last, candidate.sort);
            let (is_org, entry) = match candidate.target {
                Target::Place(entry) => (false, entry),
                Target::Organisation(entry) => (true, entry),
            };
            let hit = PlaceHit {
                start: list[at].start,
                end: list.get(last.checked_sub(1)?)?.end,
                is_org,
                entry: u32::try_from(entry).ok()?,
            };
            fits.then_some((hit, last))
        })
    }

    /// What the hits of [`Gazetteer::find`] mean: settlements in text order, each with the first street
    /// that stands near it, then further and lone streets.
    #[must_use]
    pub fn findings(&self, tokens: &Tokens, text: &str, hits: &[PlaceHit]) -> Vec<PlaceFinding> {
        let ranges: Vec<std::ops::Range<usize>> =
            hits.iter().map(|hit| tokens.range(hit.start as usize, hit.end as usize)).collect();
        let streets = street::find(text, tokens, &ranges);
        let mut points = Points::new(text);
        let mut found: Vec<(usize, PlaceFinding)> = Vec::new();
        for hit in hits {
            let span = points.span(hit.start as usize, hit.end as usize);
            found.extend(self.finding(hit, span).map(|place| (hit.start as usize, place)));
        }
        let mut points = Points::new(text);
        let mut further = Vec::new();
        for street in streets {
            let span = points.span(street.start, street.end);
            let near = near_settlement(&found, street.start);
            let mut place = match near {
                Some(at) if found[at].1.street.is_none() => found[at].1.clone(),
                Some(at) => PlaceFinding { span: None, ..found[at].1.clone() },
                None => nowhere(),
            };
            place.street = Some(street.street);
            place.house = street.house;
            (place.street_start, place.street_end) = (Some(span.start), Some(span.end));
            match near {
                Some(at) if found[at].1.street.is_none() => found[at].1 = place,
                _ => further.push(place),
            }
        }
        found.into_iter().map(|(_, place)| place).chain(further).collect()
    }

    /// What a hit says about the place; `None` for an organisation whose settlement is not known.
    fn finding(&self, hit: &PlaceHit, span: Span) -> Option<PlaceFinding> {
        let entry = hit.entry as usize;
        let settlement = if hit.is_org {
            let id = self.organisations.get(entry)?.place.as_ref()?;
            self.settlements.iter().find(|s| s.id == *id)?
        } else {
            self.settlements.get(entry)?
        };
        Some(PlaceFinding {
            place: Some(settlement.id.clone()),
            title: settlement.title.clone(),
            elsewhere: settlement.elsewhere && !self.anywhere,
            span: Some(span),
            ..nowhere()
        })
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
fn near_settlement(found: &[(usize, PlaceFinding)], street: usize) -> Option<usize> {
    let before = found.iter().rposition(|(start, _)| *start <= street);
    before.or((!found.is_empty()).then_some(0))
}

/// Whether a name may count where it stands.
fn allowed(tokens: &Tokens, at: usize, last: usize, sort: Sort) -> bool {
    let before = if at > 0 { tokens.text(at - 1) } else { "" };
    let after = tokens.text(last);
    // «улица Онохойская», «по Онохойской улице», «переулок Илькинский»: a street, not the village.
    if STREET_WORDS.contains(&before) {
        return false;
    }
    let announced = TYPE_WORDS.contains(&before) || PREPOSITIONS.contains(&before);
    match sort {
        Sort::Name => true,
        Sort::Strict => announced,
        Sort::Cue => announced && tokens.list()[at].is(CAPITAL),
        // «Заиграевский район» is the whole district, «Онохойская улица» a street.
        Sort::Adjective => {
            !after.starts_with("район")
                && after != "рн"
                && after != "р"
                && !STREET_WORDS.contains(&after)
        }
    }
}

/// Lower case, ё as е, without the dots of abbreviations.
fn folded(name: &str) -> String {
    name.to_lowercase().replace('ё', "е").replace(". ", " ").replace('.', " ").trim().to_owned()
}

/// An id for a place that the file gives none: its name in Latin letters.
fn latin(name: &str) -> String {
    const TABLE: &[(&str, &str)] = &[
        ("щ", "sch"),
        ("ж", "zh"),
        ("х", "h"),
        ("ц", "ts"),
        ("ч", "ch"),
        ("ш", "sh"),
        ("ю", "yu"),
        ("я", "ya"),
        ("а", "a"),
        ("б", "b"),
        ("в", "v"),
        ("г", "g"),
        ("д", "d"),
        ("е", "e"),
        ("з", "z"),
        ("и", "i"),
        ("й", "y"),
        ("к", "k"),
        ("л", "l"),
        ("м", "m"),
        ("н", "n"),
        ("о", "o"),
        ("п", "p"),
        ("р", "r"),
        ("с", "s"),
        ("т", "t"),
        ("у", "u"),
        ("ф", "f"),
        ("ъ", ""),
        ("ы", "y"),
        ("ь", ""),
        ("э", "e"),
        (" ", "_"),
        ("-", "_"),
    ];
    let mut id = folded(name);
    for (russian, latin) in TABLE {
        id = id.replace(russian, latin);
    }
    id
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
