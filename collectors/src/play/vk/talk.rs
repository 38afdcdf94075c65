//! Talk besides the walls of the local VK: the board, photos, videos, and what is said there.
//!
//! Place in the flow: part of the world and of its methods. Invariant: each kind counts its own
//! numbers from 1, so they are the same as numbers of the wall, as VK's may be; photos and videos
//! are given to a user's token alone.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::methods::{Asked, bad};
use super::world::{Life, Wall, World};
use super::{Refusal, refusal};

/// Where people talk besides the wall.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TalkKind {
    /// A topic of the board.
    Topic,
    /// A photo.
    Photo,
    /// A video.
    Video,
}

/// A topic, a photo or a video.
#[derive(Clone)]
pub struct Talk {
    /// Author.
    pub from: i64,
    /// Date and title.
    pub life: Life,
    /// Held at the top of the board.
    pub fixed: bool,
}

/// One thing said.
#[derive(Clone)]
pub struct Said {
    /// Author.
    pub from: i64,
    /// Number of the talk.
    pub talk: i64,
    /// Date and texts.
    pub life: Life,
}

impl World {
    /// Opens a talk at `date`; returns its number.
    pub fn talk(
        &mut self,
        owner: i64,
        kind: TalkKind,
        from: i64,
        date: Timestamp,
        title: &str,
    ) -> i64 {
        let talks = &mut self.wall(owner).talks;
        let last = talks.keys().rev().find(|(it, _)| *it == kind).map_or(0, |(_, id)| *id);
        let life = Life::new(date, title);
        talks.insert((kind, last + 1), Talk { from, life, fixed: false });
        last + 1
    }

    /// Says something in a talk at `date`; returns its number.
    pub fn say(
        &mut self,
        owner: i64,
        kind: TalkKind,
        talk: i64,
        from: i64,
        date: Timestamp,
        text: &str,
    ) -> i64 {
        let said = &mut self.wall(owner).said;
        let last = said.keys().rev().find(|(it, _)| *it == kind).map_or(0, |(_, id)| *id);
        said.insert((kind, last + 1), Said { from, talk, life: Life::new(date, text) });
        last + 1
    }

    /// Changes what was said, from `at` on.
    pub fn edit_said(&mut self, owner: i64, kind: TalkKind, id: i64, at: Timestamp, text: &str) {
        if let Some(said) = self.wall(owner).said.get_mut(&(kind, id)) {
            said.life.versions.push((at, text.to_owned()));
        }
    }

    /// Removes (or brings back) what was said, at `at`.
    pub fn turn_said(&mut self, owner: i64, kind: TalkKind, id: i64, at: Timestamp, alive: bool) {
        if let Some(said) = self.wall(owner).said.get_mut(&(kind, id)) {
            said.life.turns.push((at, alive));
        }
    }

    /// Removes a talk with all that was said in it.
    pub fn close_talk(&mut self, owner: i64, kind: TalkKind, id: i64, at: Timestamp) {
        if let Some(talk) = self.wall(owner).talks.get_mut(&(kind, id)) {
            talk.life.turns.push((at, false));
        }
    }
}

impl Wall {
    /// Living talks of a kind.
    fn open_talks(&self, kind: TalkKind, now: Timestamp) -> Vec<(i64, &Talk)> {
        let talks = self.talks.iter();
        talks
            .filter(|((it, _), talk)| *it == kind && talk.life.alive(now))
            .map(|((_, id), talk)| (*id, talk))
            .collect()
    }

    /// Living things said in a living talk, oldest first.
    #[must_use]
    pub fn heard(&self, kind: TalkKind, talk: i64, now: Timestamp) -> Vec<(i64, &Said)> {
        if !self.talks.get(&(kind, talk)).is_some_and(|talk| talk.life.alive(now)) {
            return Vec::new();
        }
        let said = self.said.iter();
        let mut heard: Vec<(i64, &Said)> = said
            .filter(|((it, _), said)| *it == kind && said.talk == talk && said.life.alive(now))
            .map(|((_, id), said)| (*id, said))
            .collect();
        heard.sort_by_key(|(id, said)| (said.life.date, *id));
        heard
    }

    /// When something was last written in a talk.
    fn moved(&self, kind: TalkKind, id: i64, talk: &Talk, now: Timestamp) -> Timestamp {
        let last = self.heard(kind, id, now).last().map(|(_, said)| said.life.date);
        last.unwrap_or(talk.life.date).max(talk.life.date)
    }
}

impl Asked<'_> {
    fn board(&self) -> Result<(i64, &Wall), Refusal> {
        let group = self.int("group_id", 0)?;
        if group <= 0 {
            return Err(bad("group_id is undefined"));
        }
        Ok((-group, self.open(-group)?))
    }

    /// `board.getTopics`: what is fixed comes first, then the order asked for.
    pub(super) fn topics(&self) -> Result<Value, Refusal> {
        let (_, wall) = self.board()?;
        let (offset, count) = self.window(40)?;
        let asked = self.ask.param("topic_ids").unwrap_or_default();
        let ids: Vec<i64> = asked.split(',').filter_map(|id| id.parse().ok()).collect();
        let mut topics = wall.open_talks(TalkKind::Topic, self.now);
        topics.retain(|(id, _)| ids.is_empty() || ids.contains(id));
        let moved = |id, talk| wall.moved(TalkKind::Topic, id, talk, self.now);
        topics.sort_by_key(|(id, talk)| (!talk.fixed, std::cmp::Reverse((moved(*id, talk), *id))));
        let items: Vec<Value> = topics
            .iter()
            .skip(offset)
            .take(count)
            .map(|(id, talk)| {
                let heard = wall.heard(TalkKind::Topic, *id, self.now);
                json!({
                    "id": id,
                    "title": talk.life.text(self.now),
                    "created": talk.life.date.as_second(),
                    "created_by": talk.from,
                    "updated": moved(*id, talk).as_second(),
                    "updated_by": heard.last().map_or(talk.from, |(_, said)| said.from),
                    "is_closed": 0,
                    "is_fixed": i32::from(talk.fixed),
                    "comments": heard.len(),
                })
            })
            .collect();
        Ok(json!({
            "count": topics.len(),
            "items": items,
            "default_order": 1,
            "can_add_topics": 0,
        }))
    }

    /// `board.getComments`, `photos.getComments`, `video.getComments`.
    pub(super) fn said(&self, kind: TalkKind) -> Result<Value, Refusal> {
        let (owner, wall, name) = match kind {
            TalkKind::Topic => {
                let (owner, wall) = self.board()?;
                (owner, wall, "topic_id")
            }
            TalkKind::Photo => self.owned("photo_id")?,
            TalkKind::Video => self.owned("video_id")?,
        };
        let talk = self.int(name, 0)?;
        if !wall.talks.get(&(kind, talk)).is_some_and(|talk| talk.life.alive(self.now)) {
            return Err(match kind {
                TalkKind::Topic => refusal(15, "Access denied: topic not found"),
                _ => refusal(200, "Access denied"),
            });
        }
        let (offset, count) = self.window(20)?;
        let mut heard = wall.heard(kind, talk, self.now);
        if self.ask.param("sort") == Some("desc") {
            heard.reverse();
        }
        let page = heard.iter().skip(offset).take(count);
        let items: Vec<Value> = page.map(|(id, said)| self.one_said(kind, *id, said)).collect();
        let mut response = json!({ "count": heard.len(), "items": items });
        if kind != TalkKind::Topic {
            response["can_post"] = json!(1);
        }
        let people = heard.iter().map(|(_, said)| said.from).collect();
        self.extend(&mut response, owner, &people);
        Ok(response)
    }

    fn owned(&self, name: &'static str) -> Result<(i64, &Wall, &'static str), Refusal> {
        let owner = self.int("owner_id", 0)?;
        Ok((owner, self.open(owner)?, name))
    }

    fn one_said(&self, kind: TalkKind, id: i64, said: &Said) -> Value {
        let mut body = json!({
            "id": id,
            "from_id": said.from,
            "date": said.life.date.as_second(),
            "text": said.life.text(self.now),
        });
        if self.yes("need_likes") {
            body["likes"] = json!({ "count": 1, "user_likes": 0, "can_like": 1 });
        }
        if kind == TalkKind::Photo {
            body["pid"] = json!(said.talk);
        }
        body
    }

    /// `photos.getAllComments`: below all photos together, the newest first.
    pub(super) fn photo_comments(&self) -> Result<Value, Refusal> {
        let owner = self.int("owner_id", 0)?;
        let wall = self.open(owner)?;
        let (offset, count) = self.window(20)?;
        let photos = wall.open_talks(TalkKind::Photo, self.now);
        let mut heard: Vec<(i64, &Said)> =
            photos.iter().flat_map(|(id, _)| wall.heard(TalkKind::Photo, *id, self.now)).collect();
        heard.sort_by_key(|(id, said)| std::cmp::Reverse((said.life.date, *id)));
        let page = heard.iter().skip(offset).take(count);
        let items: Vec<Value> =
            page.map(|(id, said)| self.one_said(TalkKind::Photo, *id, said)).collect();
        Ok(json!({ "count": heard.len(), "items": items }))
    }

    /// `video.get`: of an owner, the newest first, or by number.
    pub(super) fn videos(&self) -> Result<Value, Refusal> {
        let named = self.ask.param("videos").unwrap_or_default();
        let named: Vec<(i64, i64)> = named
            .split(',')
            .filter_map(|name| name.split_once('_'))
            .filter_map(|(owner, id)| Some((owner.parse().ok()?, id.parse().ok()?)))
            .collect();
        let owner = named.first().map_or(self.int("owner_id", 0)?, |(owner, _)| *owner);
        let wall = self.open(owner)?;
        let (offset, count) = self.window(100)?;
        let mut videos = wall.open_talks(TalkKind::Video, self.now);
        videos.retain(|(id, _)| named.is_empty() || named.contains(&(owner, *id)));
        videos.sort_by_key(|(id, talk)| std::cmp::Reverse((talk.life.date, *id)));
        let items: Vec<Value> = videos
            .iter()
            .skip(offset)
            .take(count)
            .map(|(id, talk)| {
                json!({
                    "id": id,
                    "owner_id": owner,
                    "title": talk.life.text(self.now),
                    "description": "",
                    "duration": 60,
                    "date": talk.life.date.as_second(),
                    "views": 12,
                    "comments": wall.heard(TalkKind::Video, *id, self.now).len(),
                })
            })
            .collect();
        Ok(json!({ "count": videos.len(), "items": items }))
    }
}
