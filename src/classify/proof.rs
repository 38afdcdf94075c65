//! Runs the examples of the packs: a pack goes live only if it does what its examples say.
//!
//! Place in the flow: last step of compiling a lexicon. Invariant: every example of every judged
//! pack is run, by the same `classify` that runs on posts.

use crate::config::Fault;
use crate::config::packs::PackFile;
use crate::model::Classified;

use super::lexicon::Lexicon;
use super::pack::{Draft, PackKind};
use super::{Scratch, classify};

/// What was found in an example instead of its own pack.
fn instead(found: &Classified) -> String {
    let topics = found.findings.iter().filter_map(|finding| {
        let first = finding.matches.first()?;
        Some(format!("{} («{}»)", finding.topic, first.text))
    });
    let topics: Vec<String> = topics.take(3).collect();
    match topics.is_empty() {
        true => String::new(),
        false => format!(", нашлось другое: {}", topics.join(", ")),
    }
}

/// The faults of all examples of `packs`.
#[must_use]
pub fn examples<'p>(
    lexicon: &Lexicon,
    packs: impl Iterator<Item = &'p Draft>,
    files: &[PackFile],
    scratch: &mut Scratch,
) -> Vec<Fault> {
    let mut faults = Vec::new();
    for pack in packs {
        for example in &pack.examples {
            let file = &files[example.spot.file];
            let found = classify(&example.text.value, lexicon, scratch);
            let topic = found.findings.iter().find(|f| f.topic.as_str() == pack.id);
            let view = found.attitude.iter().find(|a| a.pack.as_str() == pack.id);
            let matches = topic.map(|f| &f.matches).or(view.map(|a| &a.matches));
            let mut fault =
                |text: String, fix: &str| faults.push(example.text.fault(file, 0, text, fix));
            match (example.is, matches) {
                (true, None) => {
                    let settled = scratch.cancelled(lexicon);
                    let text = match settled.first() {
                        Some(rule) => format!("пример не найден: {rule} снято как решённое"),
                        None => format!("пример не найден ни одним правилом{}", instead(&found)),
                    };
                    fault(text, "поправьте правило или пример");
                }
                (false, Some(matches)) => {
                    let words: Vec<String> = matches
                        .iter()
                        .map(|found| format!("{} («{}»)", found.rule, found.text))
                        .collect();
                    let text =
                        format!("пример не должен находиться, но найден: {}", words.join(", "));
                    fault(text, "уточните правило или добавьте unless");
                }
                _ => {}
            }
            if example.is
                && pack.kind != Some(PackKind::Attitude)
                && let Some(view) = found.attitude.first()
            {
                let text = format!("пример подходит и пакету отношения «{}»", view.pack);
                fault(text, "пакет о проблеме не может искать отношение к власти");
            }
        }
    }
    faults
}
