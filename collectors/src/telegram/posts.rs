//! Reads the posts of a source: by the preview first, by the account where the preview is closed.
//!
//! Place in the flow: one half of [`super::Telegram`]; [`super::comments`] is the other. Invariant:
//! both ways give the same numbers and move the same place, so a look may go on by either.

use jiff::{SignedDuration, Timestamp};

use super::message::{Listing, Message};
use super::place::Place;
use super::preview::{Answer, Embed};
use super::walk::{Change, Step};
use super::{
    Telegram, adapt, closed, embed_path, emptied, missing, nonsense, other_channel, preview,
    unknown_number,
};
use crate::error::{Class, CollectError};
use crate::hash::fingerprint;
use crate::ports::KnownRoom;
use crate::raw::{Facts, Hole, HoleCause, Page, RawPost, SourceSpec};

/// How many posts are tried for the channel's number before giving up for this time.
const NUMBER_TRIES: usize = 3;
/// How often a channel that shows nothing known is asked for its number.
const PROVE: SignedDuration = SignedDuration::from_hours(24);
/// How long a closed preview is left alone when the account can read instead.
const CLOSED: SignedDuration = SignedDuration::from_hours(24);

/// A source and the look at it.
pub(super) struct Look<'a> {
    pub source: &'a SourceSpec,
    pub name: &'a str,
    pub horizon: Timestamp,
}

impl Telegram {
    /// One page of posts, and whether the account read it.
    pub(super) async fn posts(
        &self,
        look: &Look<'_>,
        mut place: Place,
    ) -> Result<(Page, Place), CollectError> {
        let now = self.ports.clock.now();
        let account = self.account.is_some();
        if !(account && place.is_closed(now)) {
            let tried = self.by_preview(look, place.clone()).await;
            match tried {
                Err(error) if account && falls_back(&error) => {
                    let shut = error.code == "telegram closed";
                    if shut {
                        place.closed_until = (now + CLOSED).as_second();
                    }
                    let by_account = self.by_account(look, place).await;
                    // A preview that fails for a moment is the trouble to tell, a closed one not.
                    return if shut { by_account } else { by_account.map_err(|_| error) };
                }
                other => return other,
            }
        }
        self.by_account(look, place).await
    }

    async fn by_preview(
        &self,
        look: &Look<'_>,
        mut place: Place,
    ) -> Result<(Page, Place), CollectError> {
        place.rolled = false;
        match place.posts.step(self.ports.clock.now()) {
            Step::List(before) => self.list(look, place, before).await,
            Step::Ask(id) => self.ask_embed(look, place, id).await,
        }
    }

    /// Reads one page of the preview's listing.
    async fn list(
        &self,
        look: &Look<'_>,
        mut place: Place,
        before: Option<i64>,
    ) -> Result<(Page, Place), CollectError> {
        let query = before.map(|id| format!("?before={id}")).unwrap_or_default();
        let response = self.get(&format!("/s/{}{query}", look.name)).await?;
        let listing = match preview::read_listing(&response.body) {
            Answer::Listing(listing) => listing,
            Answer::Closed => return Err(closed(self.account.is_some())),
            Answer::Missing => return Err(missing()),
            Answer::Nonsense => return Err(nonsense()),
        };
        self.check(&place, &listing, before)?;
        let masked: Vec<_> =
            listing.messages.iter().map(|m| self.ports.door.mask(&m.text)).collect();
        let texts: Vec<_> = masked.iter().map(|text| fingerprint(&[text.as_str()])).collect();
        let now = self.ports.clock.now().as_second();
        // A name that was given up may belong to another channel by now: what shows nothing known
        // is asked for its number, where nothing is known to compare with once a day.
        let strange = !place.posts.recognises(&listing, &texts)
            && (place.posts.known() > 0 || now - place.proven >= PROVE.as_secs());
        let suspicious = before.is_none() && (strange || place.posts.fell_back(&listing));
        if place.posts.channel.is_none() || suspicious {
            let number = self.number(look.name, &listing).await?;
            match (&place.posts.channel, &number) {
                (Some(known), Some(found)) if known != found => return Err(other_channel()),
                (None, _) => place.posts.channel = number,
                _ => {}
            }
            place.proven = now;
        }
        Ok(self.take(look, place, &listing, true))
    }

    /// Whether a listing may be the answer to what was asked.
    fn check(
        &self,
        place: &Place,
        listing: &Listing,
        before: Option<i64>,
    ) -> Result<(), CollectError> {
        // A server that ignores `before` would lead us round in a circle.
        if before.is_some_and(|before| listing.ids().any(|id| id >= before)) {
            return Err(nonsense());
        }
        let empty = before.is_none() && listing.ids().next().is_none();
        if empty && place.posts.knows_messages() { Err(emptied()) } else { Ok(()) }
    }

    /// The channel's number, from the embed of one of its newest posts. `None`: no post to ask.
    async fn number(&self, name: &str, listing: &Listing) -> Result<Option<String>, CollectError> {
        let posts = listing.messages.iter().rev().filter(|message| !message.service);
        let mut asked = false;
        for message in posts.take(NUMBER_TRIES) {
            asked = true;
            let response = self.get(&embed_path(name, message.id)).await?;
            if let Embed::Post(Some(number)) = preview::read_embed(&response.body, message.id) {
                return Ok(Some(number));
            }
        }
        if asked { Err(unknown_number()) } else { Ok(None) }
    }

    /// Asks the preview for one message that a listing missed.
    async fn ask_embed(
        &self,
        look: &Look<'_>,
        mut place: Place,
        id: i64,
    ) -> Result<(Page, Place), CollectError> {
        let response = self.get(&embed_path(look.name, id)).await?;
        let there = match preview::read_embed(&response.body, id) {
            Embed::Post(Some(number))
                if place.posts.channel.as_ref().is_some_and(|known| *known != number) =>
            {
                return Err(other_channel());
            }
            Embed::Post(_) => Some(true),
            Embed::NotFound => Some(false),
            Embed::Unclear => None,
            Embed::Nonsense => return Err(nonsense()),
        };
        let change = place.posts.answered(id, there, self.ports.clock.now());
        Ok((page(&place, &change), place))
    }

    async fn by_account(
        &self,
        look: &Look<'_>,
        mut place: Place,
    ) -> Result<(Page, Place), CollectError> {
        let Some(account) = &self.account else { return Err(closed(false)) };
        let room = self.room(look, &mut place).await?;
        match place.posts.step(self.ports.clock.now()) {
            Step::List(before) => {
                let listing = account.history(&self.ports, &room, before).await?;
                self.check(&place, &listing, before)?;
                if before.is_none() {
                    place.rolled = true;
                    place.talk.open_roll();
                }
                let (mut page, mut place) = self.take(look, place, &listing, room.channel);
                if place.rolled && room.channel && look.source.comments {
                    let now = self.ports.clock.now();
                    place.talk.roll(&listing, look.horizon, now);
                    page.cursor = place.write();
                }
                Ok((page, place))
            }
            Step::Ask(_) => {
                let ids = place.posts.asks().to_vec();
                let answers = account.ask(&self.ports, &room, &ids).await?;
                let now = self.ports.clock.now();
                let mut change = Change::default();
                for id in ids {
                    let answered = place.posts.answered(id, answers.get(&id).copied(), now);
                    change.gone.extend(answered.gone);
                }
                Ok((page(&place, &change), place))
            }
        }
    }

    /// The room behind the source's name, the same as ever.
    pub(super) async fn room(
        &self,
        look: &Look<'_>,
        place: &mut Place,
    ) -> Result<KnownRoom, CollectError> {
        let Some(account) = &self.account else { return Err(closed(false)) };
        let room = account.find(&self.ports, look.name).await?;
        let number = room.id.to_string();
        match &place.posts.channel {
            Some(known) if *known != number => Err(other_channel()),
            _ => {
                place.posts.channel = Some(number);
                Ok(room)
            }
        }
    }

    /// Takes a listing into the place and makes the page of it.
    fn take(
        &self,
        look: &Look<'_>,
        mut place: Place,
        listing: &Listing,
        channel: bool,
    ) -> (Page, Place) {
        let masked: Vec<_> =
            listing.messages.iter().map(|m| self.ports.door.mask(&m.text)).collect();
        let texts: Vec<_> = masked.iter().map(|text| fingerprint(&[text.as_str()])).collect();
        let now = self.ports.clock.now();
        let change = place.posts.list(listing, &texts, look.horizon, now);
        let mut page = page(&place, &change);
        let room = place.posts.channel.as_deref().unwrap_or(look.name);
        for id in &listing.unread {
            page.facts.spoil(Some(adapt::post_id(room, *id)), "", "messages");
        }
        page.facts.unreadable += listing.unreadable;
        page.facts.coverage.holes.extend(unreadable(listing, look.horizon, now));
        let number = place.posts.channel.clone().unwrap_or_default();
        for (message, text) in listing.messages.iter().zip(masked) {
            if change.deliver.contains(&message.id) {
                count_blind_spots(&mut page.facts, message);
                // The preview shows no comments at all.
                let unseen = look.source.comments && channel && self.account.is_none();
                page.facts.comments_closed += u32::from(unseen);
                let post = match channel {
                    true => adapt::post(look, &number, message, text),
                    false => {
                        let known = message.reply_to.filter(|id| place.posts.knows(*id));
                        adapt::said(&self.ports, look, &number, message, known, text)
                    }
                };
                page.posts.push(post);
            }
        }
        (page, place)
    }
}

/// Whether the account may try what the preview did not give.
fn falls_back(error: &CollectError) -> bool {
    match error.class {
        Class::NoAccess | Class::Transient | Class::RateLimited => true,
        Class::Malformed => error.code == "telegram page",
        _ => false,
    }
}

/// A page without posts that tells what is gone and where to go on.
fn page(place: &Place, change: &Change) -> Page {
    let number = place.posts.channel.clone().unwrap_or_default();
    Page {
        posts: Vec::<RawPost>::new(),
        gone: change.gone.iter().map(|&id| adapt::post_id(&number, id)).collect(),
        gone_below: Vec::new(),
        cursor: place.write(),
        more: place.more(),
        facts: Facts { platform_id: place.posts.channel.clone(), ..Facts::default() },
    }
}

/// What nobody can classify in a delivered message.
pub(super) fn count_blind_spots(facts: &mut Facts, message: &Message) {
    facts.pictures_only += u32::from(message.text.is_empty());
}

/// Messages that are there and could not be read, placed between their neighbours.
fn unreadable(listing: &Listing, horizon: Timestamp, now: Timestamp) -> Option<Hole> {
    let number = listing.unread.len() as u32 + listing.unreadable;
    if number == 0 {
        return None;
    }
    let times = |keep: &dyn Fn(i64) -> bool| -> Vec<Timestamp> {
        let kept = listing.messages.iter().filter(|message| keep(message.id));
        kept.filter_map(|message| message.published).collect()
    };
    let lowest = listing.unread.iter().min().copied().unwrap_or(i64::MIN);
    let highest = listing.unread.iter().max().copied().unwrap_or(i64::MAX);
    let from = times(&|id| id < lowest).into_iter().max().unwrap_or(horizon);
    let to = times(&|id| id > highest).into_iter().min().unwrap_or(now);
    Some(Hole { from, to, cause: HoleCause::Unreadable, posts: Some(number) })
}
