//! Planned works read out of official notices.
//!
//! Place in the flow: asked for each post that is grouped. Invariants: only a body's own notice
//! proposes works, and only for a topic that the packs know; a proposal holds nothing until a
//! person accepts it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::district::District;
use crate::alert::{self, route};
use crate::classify::outage::outages;
use crate::model::{
    Delivery, DeliveryState, PlaceBy, PlaceFinding, PlaceId, Post, PostKind, Works, WorksFacts,
    WorksState,
};
use crate::store::WorkItem;

/// Most works that one notice may propose.
const WORKS_MAX: usize = 20;

/// The planned works that a post announces, each with the message that proposes it.
pub(super) fn proposed(
    district: &District,
    post: &WorkItem,
    now: Timestamp,
) -> Vec<(Works, Vec<Delivery>)> {
    if !is_notice(&post.post) {
        return Vec::new();
    }
    let published = post.post.published.to_zoned(district.zone.clone()).datetime();
    let mut found = Vec::new();
    for outage in outages(&post.post.text, published) {
        if district.lexicon.topic(outage.topic).is_none() {
            continue;
        }
        let (Some(begins), Some(until)) =
            (instant(district, outage.from), instant(district, outage.until))
        else {
            continue;
        };
        for (place, streets) in places(&post.assessment.places) {
            let facts = WorksFacts { topic: outage.topic.into(), place, streets };
            let works = Works {
                id: alert::works_id(&facts, begins, until),
                state: WorksState::Proposed,
                begins,
                until,
                facts,
                notice: Some(post.post.key.clone()),
                proposed: now,
                ended: None,
            };
            let owner = route::owner(&district.routes, None, now).into_iter().collect();
            let subject = format!("works:{}", works.id);
            let messages = alert::outbox(&subject, owner, DeliveryState::Pending);
            found.push((works, messages));
        }
    }
    found.truncate(WORKS_MAX);
    found
}

/// Whether a body speaks, in a post of its own.
pub(super) fn is_notice(post: &Post) -> bool {
    post.official && post.kind == PostKind::Post
}

/// Whether a post announces planned works: it is looked at though no pack finds a complaint.
pub(super) fn announces(post: &Post, zone: &TimeZone) -> bool {
    let published = || post.published.to_zoned(zone.clone()).datetime();
    is_notice(post) && !outages(&post.text, published()).is_empty()
}

/// Settlements of ours that the notice names, with their streets; the whole district if none.
fn places(found: &[PlaceFinding]) -> BTreeMap<Option<PlaceId>, Vec<String>> {
    let mut places: BTreeMap<Option<PlaceId>, Vec<String>> = BTreeMap::new();
    let ours = found.iter().filter(|place| !place.elsewhere && place.by != PlaceBy::District);
    for place in ours.filter(|place| place.place.is_some()) {
        let streets = places.entry(place.place.clone()).or_default();
        streets.extend(place.street.clone().filter(|street| !streets.contains(street)));
    }
    if places.is_empty() {
        places.insert(None, Vec::new());
    }
    places
}

fn instant(district: &District, at: DateTime) -> Option<Timestamp> {
    Some(at.to_zoned(district.zone.clone()).ok()?.timestamp())
}
