//! What the posts of a problem have in common: the organisations, streets and houses they name.
//!
//! Place in the flow: `otklik problems show`; reads, changes nothing. One boiler house or one road
//! is often the cause behind many addresses. Invariant: counts alone; a copy counts for nothing, a
//! post once for each name, and what one post alone names is common to nobody.

use std::collections::{BTreeMap, BTreeSet};

use super::district::District;
use crate::classify::PlaceHit;
use crate::model::ProblemId;
use crate::store::{Store, StoreError};
use crate::text::Tokens;

/// Posts that are looked at, the latest.
const POSTS_MAX: u32 = 300;

/// Names of each kind that are told.
const NAMES_MAX: usize = 5;

/// A name with the number of posts that name it, most often first.
pub type Named = Vec<(String, u32)>;

/// Names that several posts of a problem share.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facets {
    /// Organisations of the district's list, as written.
    pub organisations: Named,
    /// Streets.
    pub streets: Named,
    /// Houses.
    pub houses: Named,
}

/// Looks through the latest posts of a problem.
pub async fn facets(
    store: &Store,
    district: &District,
    id: &ProblemId,
) -> Result<Facets, StoreError> {
    let said = store.members_said(id, POSTS_MAX).await?;
    let mut organisations: BTreeMap<u32, (String, u32)> = BTreeMap::new();
    let (mut streets, mut houses) = (BTreeMap::new(), BTreeMap::new());
    for (text, address) in said {
        for (entry, words) in organisations_of(&text, district) {
            organisations.entry(entry).or_insert((words, 0)).1 += 1;
        }
        let Some(address) = address else { continue };
        let (street, house) = address.split_once(", ").unwrap_or((address.as_str(), ""));
        *streets.entry(street.to_owned()).or_insert(0) += 1;
        if !house.is_empty() {
            *houses.entry(address).or_insert(0) += 1;
        }
    }
    Ok(Facets {
        organisations: shared(organisations.into_values()),
        streets: shared(streets),
        houses: shared(houses),
    })
}

/// Organisations that a text names, each once, with its words.
fn organisations_of(text: &str, district: &District) -> BTreeMap<u32, String> {
    let mut hits: Vec<PlaceHit> = Vec::new();
    district.lexicon.gazetteer().find(&Tokens::of(text), text, &mut hits);
    let organisations = hits.iter().filter(|hit| hit.is_org);
    let words = |hit: &PlaceHit| text.get(hit.start as usize..hit.end as usize);
    organisations.filter_map(|hit| Some((hit.entry, words(hit)?.to_owned()))).collect()
}

fn shared(names: impl IntoIterator<Item = (String, u32)>) -> Named {
    let mut names: Named = names.into_iter().filter(|(_, count)| *count > 1).collect();
    names.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let mut told = BTreeSet::new();
    names.retain(|(name, _)| told.insert(name.clone()));
    names.truncate(NAMES_MAX);
    names
}
