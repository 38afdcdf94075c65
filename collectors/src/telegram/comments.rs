//! Reads the comments of a channel by the account.
//!
//! Place in the flow: after the posts of a look, one half of [`super::Telegram`]. Invariants: a
//! trouble here never keeps posts from being read; comments that were not read are told as a hole.

use jiff::{SignedDuration, Timestamp};

use super::account::{Account, Comments};
use super::place::Place;
use super::posts::{Look, count_blind_spots};
use super::talk::{Talk, TalkStep};
use super::walk::{Change, Step};
use super::{Telegram, adapt, nonsense};
use crate::error::{Class, CollectError};
use crate::hash::fingerprint;
use crate::ports::KnownRoom;
use crate::raw::{Facts, Hole, HoleCause, Page, RawPost};

/// When a look is tried again that only lacked its comments because a person is needed.
const AGAIN: SignedDuration = SignedDuration::from_mins(15);

impl Telegram {
    /// One page of comments.
    pub(super) async fn comments(
        &self,
        look: &Look<'_>,
        place: Place,
    ) -> Result<Page, CollectError> {
        let Some(account) = &self.account else { return Ok(self.without(look, place)) };
        match self.talk(account, look, place.clone()).await {
            Ok(page) => Ok(page),
            Err(error) if error.class == Class::NeedsPerson => {
                let at = self.ports.clock.now() + AGAIN;
                Err(error.until(at))
            }
            Err(error) if error.class == Class::Transient && !account.is_dark() => Err(error),
            Err(error) => {
                tracing::warn!(source = %look.source.id, code = %error.code, "comments not read");
                Ok(self.without(look, place))
            }
        }
    }

    /// Ends the look without its comments and says so.
    pub(super) fn without(&self, look: &Look<'_>, mut place: Place) -> Page {
        place.talk.end();
        let mut page = empty(&place);
        page.facts.coverage.holes.push(Hole {
            from: look.horizon,
            to: self.ports.clock.now().max(look.horizon),
            cause: HoleCause::CommentsRefused,
            posts: None,
        });
        page
    }

    async fn talk(
        &self,
        account: &Account,
        look: &Look<'_>,
        mut place: Place,
    ) -> Result<Page, CollectError> {
        let room = self.room(look, &mut place).await?;
        if !room.channel {
            place.talk.end();
            return Ok(empty(&place));
        }
        let now = self.ports.clock.now();
        match place.talk.step(now) {
            TalkStep::Roll(before) => {
                let listing = account.history(&self.ports, &room, before).await?;
                if before.is_some_and(|before| listing.ids().any(|id| id >= before)) {
                    return Err(nonsense());
                }
                place.talk.roll(&listing, look.horizon, self.ports.clock.now());
                Ok(self.went_on(place))
            }
            TalkStep::Counters(posts) => {
                let told = account.counters(&self.ports, &room, &posts).await?;
                place.talk.counted(&posts, &told, self.ports.clock.now());
                Ok(self.went_on(place))
            }
            TalkStep::Thread(post, step) => {
                self.thread(account, look, place, (&room, post), step).await
            }
            TalkStep::Done => Ok(self.went_on(place)),
        }
    }

    async fn thread(
        &self,
        account: &Account,
        look: &Look<'_>,
        mut place: Place,
        (room, post): (&KnownRoom, i64),
        step: Step,
    ) -> Result<Page, CollectError> {
        let below = match step {
            Step::List(before) => before,
            // The window that begins just above a comment shows it first, if it is there.
            Step::Ask(id) => Some(id + 1),
        };
        let told = account.comments(&self.ports, room, post, below).await?;
        let group = place.talk.group;
        let comment_id = |id| adapt::post_id(&group.unwrap_or_default().to_string(), id);
        let Some(told) = told else {
            let gone = place.talk.gone(post);
            let channel = place.posts.channel.clone().unwrap_or_default();
            let mut page = self.went_on(place);
            page.gone_below = gone.iter().map(|_| adapt::post_id(&channel, post)).collect();
            page.gone = gone.into_iter().flatten().map(comment_id).collect();
            return Ok(page);
        };
        if below.is_some_and(|below| told.listing.ids().any(|id| id >= below)) {
            return Err(nonsense());
        }
        match (place.talk.group, told.group) {
            // Another group has been linked since: what is remembered belongs to the old one.
            (Some(known), Some(found)) if known != found => {
                place.talk = Talk::default();
                place.talk.begin(false);
                return Ok(self.went_on(place));
            }
            (None, found) => place.talk.group = found,
            _ => {}
        }
        let now = self.ports.clock.now();
        let change = match step {
            Step::List(_) => return Ok(self.take_comments(look, place, post, &told)),
            Step::Ask(id) => {
                let there = told.listing.ids().any(|found| found == id);
                place.talk.answered(post, told.count, id, there, now)
            }
        };
        let mut page = self.went_on(place);
        page.gone = change.gone.into_iter().map(comment_id).collect();
        Ok(page)
    }

    fn take_comments(&self, look: &Look<'_>, mut place: Place, post: i64, told: &Comments) -> Page {
        let listing = &told.listing;
        let masked: Vec<_> =
            listing.messages.iter().map(|m| self.ports.door.mask(&m.text)).collect();
        let texts: Vec<_> = masked.iter().map(|text| fingerprint(&[text.as_str()])).collect();
        let now = self.ports.clock.now();
        let change: Change =
            place.talk.list(post, told.count, listing, &texts, Timestamp::MIN, now);
        let channel = place.posts.channel.clone().unwrap_or_default();
        let group = place.talk.group.unwrap_or_default().to_string();
        let mut facts = Facts::default();
        let mut posts: Vec<RawPost> = Vec::new();
        for (message, text) in listing.messages.iter().zip(masked) {
            if change.deliver.contains(&message.id) {
                count_blind_spots(&mut facts, message);
                let below = (channel.as_str(), post);
                posts.push(adapt::comment(&self.ports, look, below, &group, message, text));
            }
        }
        let mut page = self.went_on(place);
        page.posts = posts;
        page.gone = change.gone.iter().map(|&id| adapt::post_id(&group, id)).collect();
        page.facts.pictures_only = facts.pictures_only;
        page
    }

    /// A page that goes on, or ends the look when nothing is left to ask.
    fn went_on(&self, mut place: Place) -> Page {
        let mut ahead = place.clone();
        if ahead.talk.step(self.ports.clock.now()) == TalkStep::Done {
            place.talk.end();
        }
        empty(&place)
    }
}

fn empty(place: &Place) -> Page {
    let mut facts = Facts { platform_id: place.posts.channel.clone(), ..Facts::default() };
    if !place.more() {
        facts.coverage.read = place.posts.covered();
        facts.coverage.holes = place.unwatched();
        facts.coverage.holes.extend(place.late());
    }
    Page {
        posts: Vec::new(),
        gone: Vec::new(),
        gone_below: Vec::new(),
        cursor: place.write(),
        more: place.more(),
        facts,
    }
}
