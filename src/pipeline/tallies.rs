//! The counts of the past between the store and the statistics.
//!
//! Place in the flow: grouping loads them with its problems and stores them with its decisions.
//! Invariant: a row that a post may touch is loaded before it, so no history is overwritten.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::DateTime;

use super::district::District;
use crate::cluster::usual::{Burst, DISTRICT_BUDGET, History, Usual, UsualRules};
use crate::cluster::{Newcomer, OpenProblems};
use crate::model::{BurstFacts, PlaceId};
use crate::store::{Store, StoreError, Tally, TallyCell};

/// What the bound of bursts is made for.
pub(super) fn usual_rules(district: &District) -> UsualRules {
    UsualRules {
        budget: DISTRICT_BUDGET,
        topics: district.lexicon.topics().len(),
        places: district.lexicon.gazetteer().ours().count(),
    }
}

/// Civil time of a post in the district.
pub(super) fn local_time(at: Timestamp, district: &District) -> DateTime {
    at.to_zoned(district.zone.clone()).datetime()
}

/// The counts that the posts may ask for.
pub(super) async fn load_usual(
    store: &Store,
    district: &District,
    newcomers: &[Newcomer],
    open: &OpenProblems,
) -> Result<Usual, StoreError> {
    let named = newcomers.iter().flat_map(|item| item.cells(&district.cluster));
    let met = open.iter().map(|loaded| {
        let place = loaded.problem.place.as_ref().map_or("", PlaceId::as_str);
        (loaded.problem.topic.as_str().to_owned(), place.to_owned())
    });
    let cells = named.chain(met);
    let cells: BTreeSet<TallyCell> =
        cells.flat_map(|(topic, place)| Usual::cells(&topic, &place)).collect();
    let mut usual = Usual::default();
    load_rows(&mut usual, store.tallies(cells.into_iter().collect()).await?);
    Ok(usual)
}

/// A row that cannot be read is a cell without history.
fn load_rows(usual: &mut Usual, rows: BTreeMap<TallyCell, String>) {
    for (cell, history) in rows {
        if let Ok(history) = serde_json::from_str(&history) {
            usual.load(cell, history);
        }
    }
}

/// The rows to be stored.
pub(super) fn changed_tallies(usual: &Usual) -> Vec<Tally> {
    let tally = |(cell, history): (&TallyCell, &History)| {
        let day = history.day;
        let history = serde_json::to_string(history).ok()?;
        Some(Tally { cell: cell.clone(), day, history })
    };
    usual.changed().filter_map(tally).collect()
}

/// The numbers of a burst as an alert keeps them.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "casts of f64 saturate"
)]
pub(super) fn burst_facts(burst: &Burst) -> BurstFacts {
    BurstFacts {
        hours: burst.hours,
        count: burst.count,
        usual_milli: (burst.expected * 1e3).round() as u32,
        chance_ppb: (burst.chance * 1e9).round() as u32,
        bound_ppb: (burst.level * 1e9).round() as u32,
    }
}
