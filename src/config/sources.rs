//! `sources.toml`: what is watched.
//!
//! Place in the flow: read at start and whenever the file changes; the sources go to the store,
//! which keeps their cursors. Invariants: only named public pages; a personal page is accepted as
//! an opinion leader only (the door checks its 10,000 followers); two sources never watch one page.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use toml::Spanned;

use crate::model::{PlaceId, Source, SourceId, SourceKind, SourceScope};

use super::check::{self, Checked};
use super::fault::{Fault, Severity, read_text};
use super::handle;
use super::nearest::nearest;
use super::read::{Reader, Section, Shown, section};
use super::service::{self, ServiceSection};

section! {
    /// Одна открытая страница, которую читает программа. Личная страница годится только как
    /// kind = "leader": от 10 000 подписчиков, это проверяется при чтении. Закрытые группы, личная
    /// переписка и домовые чаты не читаются.
    SourceSection = "source" {
        /// Ваше имя источника: буквы, цифры, «_», «-», «.». Не меняйте: по нему хранится
        /// прочитанное.
        id: String = Shown::Required("\"onohoy-online\"");
        /// Где страница: vk, telegram, rss (ok и max появятся позже).
        platform: String = Shown::Required("\"vk\"");
        /// Имя страницы на платформе или её адрес: onohoy_online, -200001, https://…/rss.xml.
        handle: String = Shown::Required("\"onohoy_online\"");
        /// Что это: official (орган или учреждение), news (новости), community (жители),
        /// leader (известный человек).
        kind: String = Shown::Default("\"community\"");
        /// О чём пишут: district — о районе, region — обо всём регионе (тогда остаётся только то,
        /// где названо наше место).
        scope: String = Shown::Default("\"district\"");
        /// Место, если в тексте место не названо: имя из places.toml.
        place: String = Shown::Example("\"onohoy\"");
        /// Как часто хотелось бы смотреть; квоты платформы могут растянуть этот срок.
        every: String = Shown::Default("\"15m\"");
        /// Читать ли комментарии.
        comments: bool = Shown::Default("true");
        /// За какой срок прочитать страницу в первый раз.
        backfill: String = Shown::Default("\"7d\"");
    }
}

/// Platforms that sources may name.
pub const PLATFORMS: [&str; 5] = ["vk", "telegram", "rss", "ok", "max"];

const KINDS: [(&str, SourceKind); 4] = [
    ("official", SourceKind::Official),
    ("news", SourceKind::News),
    ("community", SourceKind::Community),
    ("leader", SourceKind::Leader),
];

const SCOPES: [(&str, SourceScope); 2] =
    [("district", SourceScope::District), ("region", SourceScope::Region)];

/// The word of `sources.toml` for a kind.
#[must_use]
pub fn kind_name(kind: SourceKind) -> &'static str {
    KINDS.iter().find(|(_, k)| *k == kind).map_or("community", |(name, _)| name)
}

/// The word of `sources.toml` for a scope.
#[must_use]
pub fn scope_name(scope: SourceScope) -> &'static str {
    SCOPES.iter().find(|(_, s)| *s == scope).map_or("district", |(name, _)| name)
}

/// Ids of places that `place` may name; `None` = not known here, nothing is said about them.
pub type KnownPlaces<'a> = Option<&'a BTreeSet<PlaceId>>;

/// The sources of `file`; a missing file is no sources. Errors are all its faults.
pub fn load_sources(file: &Path, places: KnownPlaces<'_>) -> Result<Vec<Source>, Vec<Fault>> {
    let (sources, faults) = examine_sources(file, places);
    if faults.iter().any(|fault| fault.severity == Severity::Error) {
        return Err(faults);
    }
    Ok(sources)
}

/// The sound sources of `file` and everything that can be said about it.
pub fn examine_sources(file: &Path, places: KnownPlaces<'_>) -> (Vec<Source>, Vec<Fault>) {
    if !file.exists() {
        return (Vec::new(), Vec::new());
    }
    match read_text(file) {
        Ok(source) => parse_sources(file, &source, places),
        Err(fault) => (Vec::new(), vec![fault]),
    }
}

/// The same for a text that is not (yet) in the file.
pub fn parse_sources(
    file: &Path,
    source: &str,
    places: KnownPlaces<'_>,
) -> (Vec<Source>, Vec<Fault>) {
    let mut reader = Reader::new(file, source);
    let parsed = reader.parse();
    let root = parsed.get_ref();
    reader.unknown_sections(root, &[SourceSection::ABOUT.path, ServiceSection::ABOUT.path]);
    let services: Vec<ServiceSection> = reader.rows(root);
    service::examine(&mut reader, &services);
    let rows: Vec<SourceSection> = reader.rows(root);
    let mut sources = Vec::new();
    let mut seen = Seen::default();
    for row in &rows {
        let made = one(&mut reader, row, places);
        seen.note(&mut reader, row, made.as_ref());
        sources.extend(made);
    }
    let faults = reader.into_faults().into_iter().map(|(_, fault)| fault).collect();
    (sources, faults)
}

/// One row; nothing if it has an error.
fn one(reader: &mut Reader<'_>, row: &SourceSection, places: KnownPlaces<'_>) -> Option<Source> {
    let id = rule(reader, row.id.as_ref(), check::id);
    let platform = rule(reader, row.platform.as_ref(), platform);
    let kind = rule(reader, row.kind.as_ref(), |text| check::word(text, &KINDS));
    let scope = rule(reader, row.scope.as_ref(), |text| check::word(text, &SCOPES));
    let every = rule(reader, row.every.as_ref(), |text| check::duration(text, 60, 7 * 86_400));
    let backfill =
        rule(reader, row.backfill.as_ref(), |text| check::duration(text, 0, 3_650 * 86_400));
    let place = match &row.place {
        Some(_) => Some(rule(reader, row.place.as_ref(), |text| known_place(text, places))?),
        None => None,
    };
    let typed = row.platform.as_ref().map(|platform| platform.get_ref().as_str());
    let handle = rule(reader, row.handle.as_ref(), |text| match (typed, kind) {
        (Some(platform), Some(kind)) => handle::check(platform, text, kind),
        _ => Ok(text.to_owned()),
    });
    Some(Source {
        id: SourceId(id?),
        platform: platform?,
        handle: handle?,
        kind: kind?,
        scope: scope?,
        place,
        every_secs: every?,
        comments: *row.comments.as_ref()?.get_ref(),
        backfill_secs: backfill?,
    })
}

/// The value after its rule; a broken one is reported and left out.
fn rule<U>(
    reader: &mut Reader<'_>,
    value: Option<&Spanned<String>>,
    rule: impl FnOnce(&str) -> Checked<U>,
) -> Option<U> {
    let value = value?;
    match rule(value.get_ref()) {
        Ok(sound) => Some(sound),
        Err(wrong) => {
            reader.fault(value.span().start, wrong.text, wrong.fix);
            None
        }
    }
}

/// The name of a platform that can be read.
pub fn platform(text: &str) -> Checked<String> {
    match PLATFORMS.iter().find(|name| **name == text) {
        Some(name) => Ok((*name).to_owned()),
        None => {
            let fix = super::wording::suggestion(text, &PLATFORMS);
            check::wrong(format!("неизвестная платформа «{text}»"), fix)
        }
    }
}

fn known_place(text: &str, places: KnownPlaces<'_>) -> Checked<PlaceId> {
    let id = PlaceId(text.to_owned());
    match places {
        Some(known) if !known.contains(&id) => {
            let near = nearest(text, known.iter().map(PlaceId::as_str));
            let fix = match near {
                Some(near) => format!("может быть, \"{near}\"?"),
                None => "возьмите id из places.toml".to_owned(),
            };
            check::wrong(format!("неизвестное место «{text}»"), fix)
        }
        _ => Ok(id),
    }
}

/// Ids and pages met so far, with their lines.
#[derive(Default)]
struct Seen {
    ids: BTreeMap<String, u32>,
    pages: BTreeMap<(String, String), u32>,
}

impl Seen {
    /// Reports what stands twice.
    fn note(&mut self, reader: &mut Reader<'_>, row: &SourceSection, made: Option<&Source>) {
        if let Some(id) = &row.id {
            let line = reader.line(id.span().start);
            match self.ids.get(id.get_ref()) {
                Some(first) => {
                    let text = format!("источник «{}» уже есть в строке {first}", id.get_ref());
                    reader.fault(id.span().start, text, "дайте другое имя");
                }
                None => {
                    self.ids.insert(id.get_ref().clone(), line);
                }
            }
        }
        let (Some(made), Some(handle)) = (made, &row.handle) else { return };
        let line = reader.line(handle.span().start);
        let page = (made.platform.clone(), handle::folded(&made.platform, &made.handle));
        match self.pages.get(&page) {
            Some(first) => {
                let text = format!("эту страницу уже читает источник в строке {first}");
                reader.fault(handle.span().start, text, "оставьте один из двух");
            }
            None => {
                self.pages.insert(page, line);
            }
        }
    }
}
