//! Planned works: read out of official notices, and their announced end.
//!
//! Place in the flow: asked for each post that is grouped, and behind grouping for ends that have
//! passed. Invariants: only a body's own notice proposes works, and only for a topic that the packs
//! know; a proposal holds nothing until a person accepts it; an end is dealt with once, in the
//! transaction of what is told of it.

use std::collections::BTreeMap;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::desk::Desk;
use super::district::District;
use super::{hold, trial};
use crate::alert::{self, route};
use crate::classify::outage::outages;
use crate::model::{
    PlaceBy, PlaceFinding, PlaceId, Post, PostKind, ProblemId, Proposal, Works, WorksFacts,
    WorksState,
};
use crate::store::{GroupOutcome, Store, StoreError, WorkItem};

/// Most works that one notice may propose.
const WORKS_MAX: usize = 20;
/// A problem of which somebody wrote so shortly before the announced end lives on.
const LIVES_MINUTES: i64 = 60;

/// The planned works that a post announces, with the message that asks about all of them.
pub(super) fn proposed(district: &District, post: &WorkItem, now: Timestamp) -> Option<Proposal> {
    if !is_notice(&post.post) {
        return None;
    }
    let published = post.post.published.to_zoned(district.zone.clone()).datetime();
    let mut works: Vec<Works> = Vec::new();
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
            works.push(Works {
                id: alert::works_id(&facts, begins, until),
                state: WorksState::Proposed,
                begins,
                until,
                facts,
                notice: Some(post.post.key.clone()),
                proposal: None,
                proposed: now,
                decided: None,
                ended: None,
            });
        }
    }
    works.truncate(WORKS_MAX);
    let id = match works.as_slice() {
        [] => return None,
        [alone] => alone.id.clone(),
        all => alert::proposal_id(all),
    };
    works.iter_mut().for_each(|it| it.proposal = Some(id.clone()));
    let owner = route::owner(&district.roster(), None, now).into_iter().collect();
    let messages = trial::outbox(district, &format!("works:{id}"), owner, now);
    Some(Proposal { works, messages })
}

/// Deals with works whose announced end has passed: tells of every problem that they held and that
/// lives on behind it. Returns how many messages were queued.
pub(super) async fn end(
    store: &Store,
    district: &District,
    now: Timestamp,
) -> Result<u32, StoreError> {
    let mut queued = 0;
    for works in store.ended_works(now).await? {
        let restraints = hold::restraints(store, district, now).await?;
        let held = restraints.expected.iter().filter(|(_, holder)| *holder == works.id);
        let expected: Vec<ProblemId> = held.map(|(problem, _)| problem.clone()).collect();
        let mut desk = Desk::about(store, district, &expected, restraints, now).await?;
        for id in living(&desk, &expected, &works) {
            desk.decide(&id, None, now, true, None);
        }
        desk.commit.ended.push(works);
        let messages = u32::try_from(desk.commit.deliveries.len()).unwrap_or(u32::MAX);
        match store.commit_group(desk.commit).await? {
            GroupOutcome::Committed => queued += messages,
            // Somebody moved their end: they come again when it passes.
            GroupOutcome::Stale => {}
        }
    }
    Ok(queued)
}

/// Those of the problems that were written about near the end of the works, or behind it.
fn living(desk: &Desk<'_>, expected: &[ProblemId], works: &Works) -> Vec<ProblemId> {
    let lives = SignedDuration::from_mins(LIVES_MINUTES);
    let since = works.until.saturating_sub(lives).unwrap_or(works.until);
    let written = |id: &&ProblemId| desk.open.get(id).is_some_and(|it| it.problem.last >= since);
    expected.iter().filter(written).cloned().collect()
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
