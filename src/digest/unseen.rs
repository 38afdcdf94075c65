//! «Чего мы не видели»: as plain as the findings.
//!
//! Place in the flow: part of `build`. Invariant: the block is always there; with nothing to report
//! it says what was checked.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Titles, Unseen, completeness};
use crate::alert::render::words;
use crate::model::PlaceId;
use crate::model::digest::{DigestCounts, DigestSource};

/// The paragraphs of the block.
pub(super) fn unseen(counts: &DigestCounts, titles: &Titles, near: Timestamp) -> Vec<Unseen> {
    let mut block = Vec::new();
    block.extend(broken(&counts.sources, titles, near));
    block.extend(incomplete(&counts.sources, titles, near));
    block.extend(pictures(counts.pictures_only));
    block.extend(silent_places(counts, titles));
    if block.is_empty() {
        let sources = u32::try_from(counts.sources.len()).unwrap_or(u32::MAX);
        let head = format!(
            "Все источники ({sources}) прочитаны целиком, о каждом населённом пункте кто-то писал."
        );
        block.push(Unseen { head, lines: Vec::new() });
    }
    block
}

/// Sources with trouble.
fn broken(sources: &[DigestSource], titles: &Titles, near: Timestamp) -> Option<Unseen> {
    let lines: Vec<String> = sources
        .iter()
        .filter_map(|source| {
            let trouble = words::plain(source.trouble.as_deref()?);
            let since = match source.last_ok {
                Some(at) => {
                    format!("последний раз прочитан {}", words::moment(at, near, &titles.zone))
                }
                None => "ещё ни разу не прочитан".to_owned(),
            };
            Some(format!(
                "{}: {} ({since})",
                words::plain(&source.id),
                trouble.trim_end_matches('.')
            ))
        })
        .collect();
    let n = u32::try_from(lines.len()).unwrap_or(u32::MAX);
    let verb = words::plural(n, "Не читается", "Не читаются", "Не читаются");
    let noun = words::count(n, "источник", "источника", "источников");
    let head = format!("{verb} {noun} из {}:", sources.len());
    (n > 0).then_some(Unseen { head, lines })
}

/// Sources of which something is known not to have been read, with the share that was.
fn incomplete(sources: &[DigestSource], titles: &Titles, near: Timestamp) -> Option<Unseen> {
    let line = |source: &DigestSource| {
        let told = &source.completeness;
        let reasons = completeness::reasons(told, source.comments, near, &titles.zone);
        let id = words::plain(&source.id);
        let share = completeness::share(told);
        (!reasons.is_empty()).then(|| format!("{id}: полнота {share}; {}", reasons.join("; ")))
    };
    let lines: Vec<String> = sources.iter().filter_map(line).collect();
    let head = "Прочитано не всё (полнота за четыре недели):".to_owned();
    (!lines.is_empty()).then_some(Unseen { head, lines })
}

/// Posts that say what they say in a picture.
fn pictures(n: u32) -> Option<Unseen> {
    let noun = words::count(n, "публикация", "публикации", "публикаций");
    let verb = words::plural(n, "состоит", "состоят", "состоят");
    let head =
        format!("{noun} за четыре недели {verb} только из картинки: текст на ней мы не читаем.");
    (n > 0).then_some(Unseen { head, lines: Vec::new() })
}

/// Settlements that no text of the week named.
fn silent_places(counts: &DigestCounts, titles: &Titles) -> Option<Unseen> {
    let heard: BTreeSet<&PlaceId> = counts.places_heard.iter().collect();
    let mut silent: Vec<String> = titles
        .places
        .iter()
        .filter(|(id, _)| !heard.contains(id))
        .map(|(_, title)| words::plain(title))
        .collect();
    silent.sort();
    let n = u32::try_from(silent.len()).unwrap_or(u32::MAX);
    let of = words::count(n, "населённого пункта", "населённых пунктов", "населённых пунктов");
    let head = format!(
        "Ни слова из {of} и о них (всего в районе {}). Это не значит, что там всё в порядке:",
        titles.places.len()
    );
    (n > 0).then(|| Unseen { head, lines: vec![silent.join(", ")] })
}
