//! «Чего мы не видели»: as plain as the findings.
//!
//! Place in the flow: part of `build`. Invariant: the block is always there; with nothing to report
//! it says what was checked.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Titles, Unseen};
use crate::alert::render::words;
use crate::model::PlaceId;
use crate::model::digest::{DigestCounts, DigestSource};

/// The paragraphs of the block.
pub(super) fn unseen(counts: &DigestCounts, titles: &Titles, near: Timestamp) -> Vec<Unseen> {
    let mut block = Vec::new();
    block.extend(broken(&counts.sources, titles, near));
    block.extend(unread(&counts.sources));
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

/// Posts and comments that are known to be there and could not be read.
fn unread(sources: &[DigestSource]) -> Option<Unseen> {
    let with: Vec<&DigestSource> = sources.iter().filter(|source| source.unread > 0).collect();
    let sum = with.iter().fold(0u32, |sum, source| sum.saturating_add(source.unread));
    let verb = words::plural(sum, "Не прочитана", "Не прочитаны", "Не прочитано");
    let noun = words::count(sum, "публикация", "публикации", "публикаций");
    let head = format!("{verb} {noun} (закрытые комментарии, нечитаемое содержимое):");
    let lines = with
        .iter()
        .map(|source| format!("{}: {}", words::plain(&source.id), source.unread))
        .collect();
    (sum > 0).then_some(Unseen { head, lines })
}

/// Posts that say what they say in a picture.
fn pictures(n: u32) -> Option<Unseen> {
    let noun = words::count(n, "публикация", "публикации", "публикаций");
    let verb = words::plural(n, "состоит", "состоят", "состоят");
    let head = format!("{} {verb} только из картинки: текст на ней мы не читаем.", noun);
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
