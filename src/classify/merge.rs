//! Lays the customer's overlays over the shipped packs.
//!
//! Place in the flow: between `pack` and `lexicon`. Invariant: an overlay adds, reweights, rewrites
//! or switches off rules by id and adds examples; it never changes what kind of pack it lies on.

use crate::config::Fault;
use crate::config::packs::PackFile;

use super::pack::{Draft, RuleDraft};

/// Examples of each sort that a pack must have.
const EXAMPLES_MIN: usize = 2;

/// Packs with overlays applied, sorted by id. Faults of the whole are added to `faults`.
#[must_use]
pub fn merge(
    shipped: Vec<Draft>,
    local: Vec<Draft>,
    files: &[PackFile],
    faults: &mut Vec<Fault>,
) -> Vec<Draft> {
    let mut packs = shipped;
    for draft in local {
        match packs.iter_mut().find(|pack| pack.id == draft.id) {
            Some(pack) => lay(pack, draft, files, faults),
            None => {
                require(&draft, files, faults);
                packs.push(draft);
            }
        }
    }
    packs.sort_by(|one, two| one.id.cmp(&two.id));
    for pack in &mut packs {
        pack.rules.retain(|rule| !rule.disabled);
        complete(pack, files, faults);
    }
    packs
}

/// A local file that lies on nothing must be a whole pack.
fn require(draft: &Draft, files: &[PackFile], faults: &mut Vec<Fault>) {
    let file = &files[draft.file];
    for (present, key) in [
        (draft.title.is_some(), "title"),
        (draft.kind.is_some(), "kind"),
        (draft.severity.is_some(), "severity"),
        (!draft.rules.is_empty(), "rule"),
    ] {
        if !present {
            let text = format!("пакет: нет обязательного «{key}»");
            let fix = format!("пакета «{}», на который лёг бы этот файл, нет", draft.id);
            faults.push(Fault::at(&file.path, &file.text, 0, text, fix));
        }
    }
}

fn lay(pack: &mut Draft, over: Draft, files: &[PackFile], faults: &mut Vec<Fault>) {
    let file = &files[over.file];
    if over.kind.is_some() && over.kind != pack.kind {
        let text = "накладка не меняет вид пакета";
        faults.push(Fault::at(&file.path, &file.text, 0, text, "уберите «kind»"));
    }
    pack.title = over.title.or(pack.title.take());
    pack.severity = over.severity.or(pack.severity);
    pack.department = over.department.or(pack.department.take());
    pack.season = over.season.or(pack.season);
    if !over.advice.is_empty() {
        pack.advice = over.advice;
    }
    for (system, code) in over.codes {
        pack.codes.retain(|(known, _)| *known != system);
        pack.codes.push((system, code));
    }
    for rule in over.rules {
        let known = pack.rules.iter_mut().find(|known| rule.id.is_some() && known.id == rule.id);
        match known {
            Some(known) => rewrite(known, rule),
            None if rule.find.is_some() && !rule.disabled => pack.rules.push(rule),
            None => {
                let id = rule.id.clone().unwrap_or_default();
                let known: Vec<&str> =
                    pack.rules.iter().filter_map(|rule| rule.id.as_deref()).collect();
                let text = format!("в пакете «{}» нет правила «{id}»", pack.id);
                let fix = format!("есть: {}", known.join(", "));
                faults.push(Fault::at(&file.path, &file.text, rule.spot.at, text, fix));
            }
        }
    }
    pack.examples.extend(over.examples);
}

fn rewrite(known: &mut RuleDraft, over: RuleDraft) {
    if over.find.is_some() {
        known.find = over.find;
        known.spot = over.spot;
    }
    known.unless = over.unless.or(known.unless.take());
    known.weight = over.weight.or(known.weight);
    known.disabled = over.disabled;
}

fn complete(pack: &Draft, files: &[PackFile], faults: &mut Vec<Fault>) {
    let file = &files[pack.file];
    for rule in &pack.rules {
        if rule.find.is_none() && rule.id.is_some() {
            let file = &files[rule.spot.file];
            let text = "правило: нет обязательного «find»";
            faults.push(Fault::at(&file.path, &file.text, rule.spot.at, text, ""));
        }
    }
    for (is, what) in [(true, "is = true"), (false, "is = false")] {
        let count = pack.examples.iter().filter(|example| example.is == is).count();
        if count < EXAMPLES_MIN {
            let text = format!("примеров {what} нужно не меньше {EXAMPLES_MIN}, есть {count}");
            faults.push(Fault::at(&file.path, &file.text, 0, text, "допишите [[example]]"));
        }
    }
}
