//! Fair turns: which of the due sources are looked at now.
//!
//! Place in the flow: asked by the tasks before they claim. Invariants: the longest due goes first;
//! no lane (a platform's API, or one site) takes so many places that a lane which hangs could hold
//! up the others; a place comes free whatever becomes of the look that had it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::model::{Source, SourceId};

/// Looks side by side on one platform's API, and on one site.
const LANE_MAX: usize = 4;
const SITE_MAX: usize = 1;

/// Places taken in each lane.
#[derive(Clone, Default)]
pub(super) struct Turns(Arc<Mutex<BTreeMap<String, usize>>>);

/// A place in a lane; free again when dropped.
pub(super) struct Place {
    turns: Turns,
    lane: String,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut lanes = self.turns.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = lanes.get_mut(&self.lane) {
            *taken = taken.saturating_sub(1);
        }
    }
}

impl Turns {
    /// Takes up to `places` places for sources of `due` (longest due first); those whose lane is
    /// full wait, others pass them.
    pub(super) fn choose(
        &self,
        due: &[SourceId],
        sources: &[Source],
        places: usize,
    ) -> Vec<(SourceId, Place)> {
        let mut lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut chosen = Vec::new();
        for id in due {
            if chosen.len() == places {
                break;
            }
            let Some(source) = sources.iter().find(|source| source.id == *id) else { continue };
            let (lane, most) = lane_of(source);
            let taken = lanes.entry(lane.clone()).or_default();
            if *taken < most {
                *taken += 1;
                chosen.push((id.clone(), Place { turns: self.clone(), lane }));
            }
        }
        chosen
    }
}

/// The lane of a source, and how many looks may go on in it.
fn lane_of(source: &Source) -> (String, usize) {
    if source.platform != "rss" {
        return (source.platform.clone(), LANE_MAX);
    }
    let address = source.handle.split_once("://").map_or(source.handle.as_str(), |(_, rest)| rest);
    let host = address.split(['/', '?']).next().unwrap_or(address);
    (format!("rss {}", host.to_lowercase()), SITE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{SourceKind, SourceScope};

    fn source(id: &str, platform: &str, handle: &str) -> Source {
        Source {
            id: SourceId(id.to_owned()),
            platform: platform.to_owned(),
            handle: handle.to_owned(),
            kind: SourceKind::Community,
            scope: SourceScope::District,
            place: None,
            every_secs: 900,
            comments: true,
            backfill_secs: 0,
        }
    }

    #[test]
    fn a_lane_that_is_full_lets_others_pass() {
        let mut sources: Vec<Source> =
            (0..9).map(|n| source(&format!("vk{n}"), "vk", &format!("c{n}"))).collect();
        for (id, site) in [("a", "https://one.example/rss"), ("b", "http://ONE.example/news")] {
            sources.push(source(id, "rss", site));
        }
        sources.push(source("tg", "telegram", "kanal"));
        let due: Vec<SourceId> = sources.iter().map(|source| source.id.clone()).collect();
        let turns = Turns::default();
        let mut first = turns.choose(&due, &sources, 8);
        let names = |chosen: &[(SourceId, Place)]| -> Vec<String> {
            chosen.iter().map(|(id, _)| id.0.clone()).collect()
        };
        assert_eq!(names(&first), ["vk0", "vk1", "vk2", "vk3", "a", "tg"]);
        // All of them hang: nothing more of these lanes; one of them ends.
        assert!(turns.choose(&due[4..], &sources, 2).iter().all(|(id, _)| id.0 == "tg"));
        drop(first.remove(1));
        assert_eq!(names(&turns.choose(&due[4..], &sources, 1)), ["vk4"]);
    }
}
