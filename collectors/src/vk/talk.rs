//! Talk besides the wall: discussions, and comments below photos and videos.
//!
//! Place in the flow: the last part of a [`Pass`], after the wall and its comments. Pure like
//! `look`. A *side* is listed from its newest talk back to the horizon; the comments of a talk are
//! read like those of a post (`reading`) when their number changed or the last reading has faded.
//!
//! Invariants: a side that is refused or fails never stops the wall, and is asked again a day (an
//! hour) later; a talk that cannot be read holds up no other; a side where nothing is new costs a
//! tenth of what the wall does, or a listing a day; a talk is gone only when it was asked for by
//! number in an answer that proved itself.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::cursor::{Aside, Known, Reading, Turn, Walk};
use super::ids::Ids;
use super::look::{BY_ID, PAGE, PROOFS, Pass, Step, advance};
use super::wire::{self, Odd};

/// A side is listed at most so often, and where nothing was new at least so often (seconds).
const LIVELY_SECS: i64 = 1_800;
const QUIET_SECS: i64 = 24 * 3_600;
/// Where nothing was new, so many pages of the wall come to each page of the side.
const WALLS_A_PAGE: u64 = 10;
/// So many talks of a side that cannot be read in one look end it.
const OFF_MAX: u32 = 3;
/// How long a side is left alone after a fault, and after a refusal.
pub(super) const FAULT_SECS: i64 = 3_600;
pub(super) const REFUSED_SECS: i64 = 24 * 3_600;
/// So many talks in a row that are older than the window end the listing.
const OLD_RUN: u64 = 10;
/// A talk with more comments than this is read from its newest back to the horizon.
const LONG: u64 = 300;

/// Where people talk besides the wall.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    /// Discussions («Обсуждения»).
    Board,
    /// Comments below photos.
    Photos,
    /// Comments below videos.
    Videos,
}

impl Side {
    /// All sides in the order they are read.
    pub(super) const ALL: [Side; 3] = [Side::Board, Side::Photos, Side::Videos];

    /// The word in ids and addresses.
    pub(super) fn word(self) -> &'static str {
        match self {
            Side::Board => "topic",
            Side::Photos => "photo",
            Side::Videos => "video",
        }
    }
}

/// One talk: a topic of the board, a photo, a video.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spot {
    pub side: Side,
    pub number: i64,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Side {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Side::ALL.into_iter().find(|side| side.word() == text).ok_or_else(|| "a side".to_owned())
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.side.word(), self.number)
    }
}

impl FromStr for Spot {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let spot = |side: Side| {
            let number = text.strip_prefix(side.word())?.parse().ok()?;
            Some(Spot { side, number })
        };
        Side::ALL.into_iter().find_map(spot).ok_or_else(|| "a talk".to_owned())
    }
}

/// Written as text, so that they can be keys of a JSON object.
macro_rules! as_text {
    ($($name:ty),*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

as_text!(Side, Spot);

/// A page of a side's listing.
pub(super) struct Listing {
    pub count: u64,
    pub items: Vec<Odd<wire::Talk>>,
}

impl<T: Into<wire::Talk>> From<wire::Talks<T>> for Listing {
    fn from(talks: wire::Talks<T>) -> Self {
        let items = talks.items.into_iter().map(|item| match item {
            Odd::Good(talk) => Odd::Good(talk.into()),
            Odd::Bad(odd) => Odd::Bad(odd),
        });
        Listing { count: talks.count, items: items.collect() }
    }
}

impl Pass<'_> {
    /// The next call for what is besides the wall; none when all of it is read.
    pub(super) fn next_aside(&mut self) -> Option<Step> {
        loop {
            if let Some(aside) = &self.look.aside {
                let side = aside.side;
                if !aside.walk.done {
                    return Some(Step::Aside { side, offset: aside.walk.offset });
                }
                let missed = self.missed_talks();
                if !missed.is_empty() {
                    return Some(Step::AsideById { side, missed, proofs: self.talk_proofs() });
                }
                let (lively, pages) = (aside.lively, u64::from(aside.walk.pages));
                let asked = aside.asked.0.len().div_ceil(BY_ID - PROOFS) as u64;
                self.close_aside(side, lively, pages + asked);
                continue;
            }
            let due = |side: &&Side| self.side_due(**side);
            let side = *self.sides.iter().find(due)?;
            self.look.aside = Some(Aside::of(side));
            self.look.talks_off = 0;
        }
    }

    fn side_due(&self, side: Side) -> bool {
        self.state.turns.get(&side).is_none_or(|turn| {
            let weighed = self.now >= turn.soonest && self.state.walls >= turn.walls;
            weighed || self.now >= turn.latest
        })
    }

    /// The listing of a side is over and took so many `pages`.
    fn close_aside(&mut self, side: Side, lively: bool, pages: u64) {
        let soonest = self.now + LIVELY_SECS;
        let turn = match lively {
            true => Turn { soonest, latest: soonest, walls: 0 },
            false => {
                let walls = self.state.walls + WALLS_A_PAGE * pages;
                Turn { soonest, latest: self.now + QUIET_SECS, walls }
            }
        };
        self.state.turns.insert(side, turn);
        self.look.aside = None;
        let oldest = self.look.horizon;
        self.state.talks.retain(|spot, known| spot.side != side || known.date >= oldest);
    }

    /// A side is not given to us: the look goes on without it.
    pub(super) fn aside_refused(&mut self, side: Side, next: i64) {
        self.look.talk_queue.retain(|spot| spot.side != side);
        if let Some(reading) =
            self.look.reading.take_if(|it| it.talk.is_some_and(|spot| spot.side == side))
            && let Some(known) = self.known_of(&reading)
        {
            known.remember(&reading);
        }
        self.state.turns.insert(side, Turn { soonest: next, latest: next, walls: 0 });
        self.look.aside = None;
    }

    /// Something happened on a side: it is listed in this look, unless it is refused.
    pub(super) fn hasten(&mut self, side: Side) {
        let now = self.now;
        self.state.turns.retain(|it, turn| *it != side || turn.refused(now));
    }

    /// The talk to be read next. Those that broke off last time wait until all of the side is
    /// listed and the others are read.
    pub(super) fn next_talk(&mut self) -> Option<Spot> {
        let off = |spot: &Spot| self.state.talks.get(spot).is_some_and(|known| known.off);
        let sound = self.look.talk_queue.iter().position(|spot| !off(spot));
        let listed = self.look.aside.as_ref().is_none_or(|aside| aside.walk.done);
        let at = sound.or(listed.then_some(0))?;
        self.look.talk_queue.remove(at)
    }

    /// What is said in the talk at hand cannot be had: on with the others. False if that happened
    /// too often in this look.
    pub(super) fn put_off(&mut self) -> bool {
        let Some(reading) = self.look.reading.take() else { return false };
        self.draft.facts.unreadable += 1;
        self.look.talks_off += 1;
        if let Some(known) = self.known_of(&reading) {
            known.remember(&reading);
            known.off = true;
        }
        self.look.talks_off < OFF_MAX
    }

    /// Takes a page of a side's listing.
    pub(super) fn aside(&mut self, listing: Listing) {
        let Some(mut aside) = self.look.aside.take() else { return };
        let length = listing.items.len() as u64;
        let mut page = Ids::default();
        for item in listing.items {
            let talk = match item {
                Odd::Good(talk) if self.ours(talk.owner_id) => talk,
                Odd::Good(foreign) => {
                    // A video of somebody else that the community shows: not ours to read.
                    page.0.insert(foreign.id);
                    continue;
                }
                Odd::Bad(odd) => {
                    self.draft.facts.spoil(None, &odd.to_string(), "talks");
                    let number = wire::number(&odd);
                    page.0.extend(number);
                    aside.seen.0.extend(number);
                    continue;
                }
            };
            // A page of photo comments is a page of comments: several may stand below one photo.
            let listed = talk.comment.unwrap_or(talk.id);
            if !talk.is_fixed && page.0.insert(listed) && !aside.walk.last.0.contains(&listed) {
                let old = talk.moved() < self.look.horizon;
                aside.walk.old = if old { aside.walk.old + 1 } else { 0 };
            }
            page.0.insert(listed);
            self.talk(&talk, &mut aside);
        }
        let torn = advance(&mut aside.walk, page, length, listing.count, true);
        if torn {
            self.torn_below(self.look.horizon, 1);
        }
        aside.walk.done |= aside.walk.old >= OLD_RUN && aside.walk.slips == 0;
        self.look.aside = Some(aside);
    }

    /// Takes one talk: hands it over if it is of the window, queues it if it is to be read.
    fn talk(&mut self, talk: &wire::Talk, aside: &mut Aside) {
        let spot = Spot { side: aside.side, number: talk.id };
        let moved = talk.moved();
        let first = aside.seen.0.insert(talk.id);
        if moved < self.look.horizon && !self.state.talks.contains_key(&spot) {
            return;
        }
        let known = self.state.talks.entry(spot).or_default();
        // What was last said may be removed: the talk stays ours until its newest date is too old.
        known.date = known.date.max(moved);
        known.missed = false;
        match talk.comment {
            // The newest comment stands for the number of comments, which nobody tells.
            Some(newest) => {
                let newest = u64::try_from(newest).unwrap_or_default();
                known.count = if first { newest } else { known.count.max(newest) };
            }
            None => known.count = talk.comments.unwrap_or(known.count),
        }
        let waits = self.look.talk_queue.contains(&spot)
            || self.look.reading.as_ref().is_some_and(|reading| reading.talk == Some(spot));
        aside.lively |= !known.off && known.read_count != Some(known.count);
        let due = self.state.talks.get(&spot).is_some_and(|known| self.is_due(known));
        if due && !waits {
            self.look.talk_queue.push_back(spot);
        }
        if due || talk.date >= self.look.horizon {
            self.draft.posts.extend(self.adapter.talk(spot, talk));
        }
    }

    /// Known talks of the window that the listing did not show and nobody asked for yet: as many as
    /// one call takes, the others by the next.
    fn missed_talks(&self) -> Vec<i64> {
        let Some(aside) = &self.look.aside else { return Vec::new() };
        let known = self.state.talks.iter().filter(|(spot, known)| {
            spot.side == aside.side
                && !aside.seen.0.contains(&spot.number)
                && !aside.asked.0.contains(&spot.number)
                && known.date >= self.look.horizon
                && (spot.side != Side::Photos || !known.all().is_empty())
        });
        known.map(|(spot, _)| spot.number).take(BY_ID - PROOFS).collect()
    }

    fn talk_proofs(&self) -> Vec<i64> {
        let seen = self.look.aside.iter().flat_map(|aside| aside.seen.0.iter().rev());
        seen.copied().take(PROOFS).collect()
    }

    /// Takes an answer about talks asked for by number. Photos cannot be asked for: the comments
    /// of those that the listing no longer shows are read once more.
    pub(super) fn aside_by_id(&mut self, missed: &[i64], proofs: &[i64], answer: Option<Listing>) {
        let Some(mut aside) = self.look.aside.take() else { return };
        aside.asked.0.extend(missed);
        let side = aside.side;
        let Some(answer) = answer else {
            let again = missed.iter().map(|number| Spot { side, number: *number });
            self.look.talk_queue.extend(again);
            self.look.aside = Some(aside);
            return;
        };
        let mut shown: BTreeMap<i64, Option<wire::Talk>> = BTreeMap::new();
        let mut sound = true;
        for item in answer.items {
            match item {
                Odd::Good(talk) if self.ours(talk.owner_id) => {
                    shown.insert(talk.id, Some(talk));
                }
                Odd::Good(_) => sound = false,
                Odd::Bad(odd) => {
                    sound = false;
                    shown.extend(wire::number(&odd).map(|number| (number, None)));
                }
            }
        }
        let proven = sound && proofs.iter().any(|number| shown.contains_key(number));
        for number in missed {
            match shown.get(number) {
                Some(Some(talk)) => self.talk(talk, &mut aside),
                Some(None) => {}
                None => self.talk_missing(Spot { side, number: *number }, proven, proofs),
            }
        }
        self.look.aside = Some(aside);
    }

    /// An empty listing has nothing to prove an answer with: it takes two looks.
    fn talk_missing(&mut self, spot: Spot, proven: bool, proofs: &[i64]) {
        let Some(known) = self.state.talks.get_mut(&spot) else { return };
        let believed = proven || (proofs.is_empty() && known.missed);
        if !believed {
            known.missed |= proofs.is_empty();
            return;
        }
        let comments = known.all();
        self.state.talks.remove(&spot);
        self.look.talk_queue.retain(|it| *it != spot);
        self.draft.gone.push(self.adapter.talk_id(spot));
        self.draft.gone_below.push(self.adapter.talk_id(spot));
        let below = comments.iter().map(|id| self.adapter.said_id(spot, *id));
        self.draft.gone.extend(below);
    }

    /// Begins to read what is said in a talk.
    pub(super) fn open_talk(&mut self, spot: Spot) {
        let Some(known) = self.state.talks.get(&spot) else { return };
        let backwards = spot.side != Side::Photos && known.count > LONG;
        self.look.reading = Some(Reading {
            post: spot.number,
            talk: Some(spot),
            expected: known.count,
            thorough: known.thorough(self.now),
            tail_only: backwards,
            backwards,
            roots: Walk::default(),
            ..Reading::default()
        });
    }

    /// What is known of the post or talk that is being read.
    pub(super) fn known_of(&mut self, reading: &Reading) -> Option<&mut Known> {
        match reading.talk {
            None => self.state.posts.get_mut(&reading.post),
            Some(spot) => self.state.talks.get_mut(&spot),
        }
    }
}

impl Turn {
    /// Whether the side was refused: only then both times are one, and far.
    pub(super) fn refused(self, now: i64) -> bool {
        self.soonest == self.latest && self.latest - now > LIVELY_SECS
    }
}

impl wire::Talk {
    /// When something last happened here.
    fn moved(&self) -> i64 {
        self.updated.unwrap_or(self.date)
    }
}

/// How a page of a side is asked for: method and parameters.
pub(super) fn listing(side: Side, owner: i64, offset: u64) -> (&'static str, Params) {
    let page = [("offset", offset.to_string()), ("count", PAGE.to_string())];
    let (method, own) = match side {
        Side::Board => {
            ("board.getTopics", vec![("group_id", (-owner).to_string()), ("order", "1".to_owned())])
        }
        Side::Photos => (
            "photos.getAllComments",
            vec![("owner_id", owner.to_string()), ("need_likes", "0".to_owned())],
        ),
        Side::Videos => ("video.get", vec![("owner_id", owner.to_string())]),
    };
    (method, own.into_iter().chain(page).collect())
}

/// How talks are asked for by number; photos cannot be.
pub(super) fn by_number(side: Side, owner: i64, all: &[i64]) -> Option<(&'static str, Params)> {
    let join = |write: &dyn Fn(&i64) -> String| all.iter().map(write).collect::<Vec<_>>().join(",");
    match side {
        Side::Board => {
            let topics = join(&|number| number.to_string());
            let params = vec![
                ("group_id", (-owner).to_string()),
                ("topic_ids", topics),
                ("count", BY_ID.to_string()),
            ];
            Some(("board.getTopics", params))
        }
        Side::Photos => None,
        Side::Videos => {
            let videos = join(&|number| format!("{owner}_{number}"));
            Some(("video.get", vec![("videos", videos), ("count", BY_ID.to_string())]))
        }
    }
}

/// How what is said in a talk is asked for.
pub(super) fn said(spot: Spot, owner: i64, offset: u64, backwards: bool) -> (&'static str, Params) {
    let number = spot.number.to_string();
    let (method, mut params) = match spot.side {
        Side::Board => {
            ("board.getComments", vec![("group_id", (-owner).to_string()), ("topic_id", number)])
        }
        Side::Photos => {
            ("photos.getComments", vec![("owner_id", owner.to_string()), ("photo_id", number)])
        }
        Side::Videos => {
            ("video.getComments", vec![("owner_id", owner.to_string()), ("video_id", number)])
        }
    };
    params.extend([
        ("offset", offset.to_string()),
        ("count", PAGE.to_string()),
        ("sort", if backwards { "desc" } else { "asc" }.to_owned()),
        ("need_likes", "1".to_owned()),
        ("extended", "0".to_owned()),
    ]);
    (method, params)
}

/// Parameters of a call.
pub(super) type Params = Vec<(&'static str, String)>;

/// Whether a method reads what is besides the wall.
pub(super) fn is_aside(method: &str) -> bool {
    ["board.", "photos.", "video."].iter().any(|prefix| method.starts_with(prefix))
}
