//! Channels and groups as Telegram's own server keeps them, and what a reader may see of them.
//!
//! Place in the flow: inside [`super::PlayMtproto`]. Invariants: numbers only grow within a room; a
//! window is cut out of what is visible at the instant it is asked for; a comment lives in the
//! linked group, below the copy of the post that Telegram puts there.

use std::collections::BTreeMap;

use jiff::Timestamp;

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// The room in its own name.
    Room,
    /// A person.
    User(i64),
    /// Another channel.
    Channel(i64),
}

/// What a message shows besides its text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trim {
    /// Parts of one album share a number.
    pub album: Option<i64>,
    /// Whether it only tells that something happened.
    pub service: bool,
    /// Whether it was taken over from elsewhere, with the name that Telegram tells.
    pub forwarded: Option<String>,
    /// The signer's name.
    pub signed: Option<String>,
    /// Views.
    pub views: Option<i32>,
    /// Reactions, all kinds together.
    pub reactions: Option<i32>,
    /// A poll with this question instead of a text.
    pub poll: Option<String>,
}

#[derive(Debug, Clone)]
pub(super) struct Said {
    pub date: Timestamp,
    versions: Vec<(Timestamp, String)>,
    deleted: Option<Timestamp>,
    pub from: Who,
    pub reply_to: Option<i32>,
    /// The copy of the post below which it stands.
    pub top: Option<i32>,
    /// The post of which it is the copy.
    pub copy_of: Option<i32>,
    pub trim: Trim,
}

impl Said {
    fn visible(&self, now: Timestamp) -> bool {
        self.date <= now && self.deleted.is_none_or(|at| at > now)
    }

    /// The text and, if it was edited, when.
    pub(super) fn version(&self, now: Timestamp) -> (&str, Option<Timestamp>) {
        let index = self.versions.iter().rposition(|(at, _)| *at <= now).unwrap_or(0);
        let (at, text) = &self.versions[index];
        (text, (index > 0).then_some(*at))
    }
}

/// A channel or group.
#[derive(Debug, Clone)]
pub(super) struct Room {
    pub id: i64,
    pub hash: i64,
    pub name: Option<String>,
    pub title: String,
    pub broadcast: bool,
    pub linked: Option<i64>,
    pub closed: bool,
    pub joined: bool,
    messages: BTreeMap<i32, Said>,
    next: i32,
}

/// Which part of a room's messages is asked for.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Window {
    pub offset_id: i32,
    pub add_offset: i32,
    pub limit: i32,
    pub max_id: i32,
    pub min_id: i32,
}

/// Everything the server knows.
#[derive(Debug, Default)]
pub struct World {
    rooms: BTreeMap<i64, Room>,
}

impl World {
    /// Opens a channel and, if `group` is given, its discussion group without a name.
    pub fn add_channel(&mut self, name: &str, id: i64, title: &str, group: Option<i64>) {
        self.add(id, Some(name), title, true, group);
        if let Some(group) = group {
            self.add(group, None, &format!("{title}: обсуждение"), false, Some(id));
        }
    }

    /// Opens a public group.
    pub fn add_group(&mut self, name: &str, id: i64, title: &str) {
        self.add(id, Some(name), title, false, None);
    }

    fn add(
        &mut self,
        id: i64,
        name: Option<&str>,
        title: &str,
        broadcast: bool,
        linked: Option<i64>,
    ) {
        let room = Room {
            id,
            // Any number will do; a wrong one is refused.
            hash: id.wrapping_mul(0x5851_F42D_4C95_7F2D) | 1,
            name: name.map(str::to_owned),
            title: title.to_owned(),
            broadcast,
            linked,
            closed: false,
            joined: false,
            messages: BTreeMap::new(),
            next: 1,
        };
        self.rooms.insert(id, room);
    }

    /// Closes a room to everybody outside, or opens it again.
    pub fn close(&mut self, id: i64, closed: bool) {
        if let Some(room) = self.rooms.get_mut(&id) {
            room.closed = closed;
        }
    }

    /// Takes a room's name away, so that only members find it; the account is one of them.
    pub fn make_private(&mut self, id: i64) {
        if let Some(room) = self.rooms.get_mut(&id) {
            (room.name, room.joined) = (None, true);
        }
    }

    /// Gives a room another name.
    pub fn rename(&mut self, id: i64, name: &str) {
        if let Some(room) = self.rooms.get_mut(&id) {
            room.name = Some(name.to_owned());
        }
    }

    /// Publishes in a channel in its own name; the linked group gets its copy.
    pub fn post(&mut self, id: i64, at: Timestamp, text: &str) -> i32 {
        self.post_trimmed(id, at, text, Trim::default())
    }

    /// The same with more than a text.
    pub fn post_trimmed(&mut self, id: i64, at: Timestamp, text: &str, trim: Trim) -> i32 {
        let service = trim.service;
        let number = self.say(id, at, text, Who::Room, None, trim);
        let group = self.rooms.get(&id).and_then(|room| room.linked.filter(|_| room.broadcast));
        if let (Some(group), false) = (group, service) {
            let copy = self.say(group, at, text, Who::Channel(id), None, Trim::default());
            if let Some(said) = self.said_mut(group, copy) {
                said.copy_of = Some(number);
            }
        }
        number
    }

    /// Writes in a group.
    pub fn say(
        &mut self,
        id: i64,
        at: Timestamp,
        text: &str,
        from: Who,
        reply_to: Option<i32>,
        trim: Trim,
    ) -> i32 {
        let Some(room) = self.rooms.get_mut(&id) else { return 0 };
        let number = room.next;
        room.next += 1;
        // Telegram dates a message when it takes it in: dates do not fall.
        let date = room.messages.values().next_back().map_or(at, |last| last.date.max(at));
        let said = Said {
            date,
            versions: vec![(date, text.to_owned())],
            deleted: None,
            from,
            reply_to,
            top: None,
            copy_of: None,
            trim,
        };
        room.messages.insert(number, said);
        number
    }

    /// Comments on a channel's post, or answers the comment `reply_to`. Returns the number in the
    /// group, nothing if there is no discussion.
    pub fn comment(
        &mut self,
        channel: i64,
        post: i32,
        at: Timestamp,
        from: Who,
        text: &str,
        reply_to: Option<i32>,
    ) -> Option<i32> {
        let (group, copy) = self.discussion(channel, post)?;
        let number =
            self.say(group, at, text, from, Some(reply_to.unwrap_or(copy)), Trim::default());
        self.said_mut(group, number)?.top = Some(copy);
        Some(number)
    }

    /// Changes a text from `at` on.
    pub fn edit(&mut self, id: i64, number: i32, at: Timestamp, text: &str) {
        if let Some(said) = self.said_mut(id, number) {
            let place = said.versions.partition_point(|(since, _)| *since <= at);
            said.versions.insert(place, (at, text.to_owned()));
        }
    }

    /// Deletes a message from `at` on.
    pub fn delete(&mut self, id: i64, number: i32, at: Timestamp) {
        if let Some(said) = self.said_mut(id, number) {
            said.deleted = Some(at);
        }
    }

    /// Posts of a room that can be seen at `now`: number, date, text; service messages left out.
    #[must_use]
    pub fn living(&self, id: i64, now: Timestamp) -> Vec<(i32, Timestamp, String)> {
        let Some(room) = self.rooms.get(&id) else { return Vec::new() };
        let visible = room.messages.iter().filter(|(_, said)| said.visible(now));
        visible
            .filter(|(_, said)| !said.trim.service && said.copy_of.is_none())
            .map(|(number, said)| (*number, said.date, said.version(now).0.to_owned()))
            .collect()
    }

    /// Comments of a post that can be seen at `now`.
    #[must_use]
    pub fn comments(
        &self,
        channel: i64,
        post: i32,
        now: Timestamp,
    ) -> Vec<(i32, Timestamp, String)> {
        let Some((group, _)) = self.open_discussion(channel, post, now) else { return Vec::new() };
        let thread = self.thread(channel, post, now).unwrap_or_default();
        let room = &self.rooms[&group];
        let text = |number: &i32| {
            let said = &room.messages[number];
            (*number, said.date, said.version(now).0.to_owned())
        };
        thread.iter().map(text).collect()
    }

    pub(super) fn room(&self, id: i64) -> Option<&Room> {
        self.rooms.get(&id)
    }

    pub(super) fn named(&self, name: &str) -> Option<&Room> {
        let name = name.to_lowercase();
        self.rooms.values().find(|room| room.name.as_deref() == Some(name.as_str()))
    }

    /// The group and the number of the post's copy there.
    fn discussion(&self, channel: i64, post: i32) -> Option<(i64, i32)> {
        let group = self.rooms.get(&channel)?.linked?;
        let copies = &self.rooms.get(&group)?.messages;
        let copy = copies.iter().find(|(_, said)| said.copy_of == Some(post));
        copy.map(|(number, _)| (group, *number))
    }

    /// The same, if post and copy can be seen.
    pub(super) fn open_discussion(
        &self,
        channel: i64,
        post: i32,
        now: Timestamp,
    ) -> Option<(i64, i32)> {
        let there = self.rooms.get(&channel)?.messages.get(&post)?.visible(now);
        self.discussion(channel, post).filter(|_| there)
    }

    /// Numbers of the living comments below a post, ascending.
    pub(super) fn thread(&self, channel: i64, post: i32, now: Timestamp) -> Option<Vec<i32>> {
        let (group, copy) = self.open_discussion(channel, post, now)?;
        let messages = self.rooms.get(&group)?.messages.iter();
        let below = messages.filter(|(_, said)| said.top == Some(copy) && said.visible(now));
        Some(below.map(|(number, _)| *number).collect())
    }

    fn said_mut(&mut self, id: i64, number: i32) -> Option<&mut Said> {
        self.rooms.get_mut(&id)?.messages.get_mut(&number)
    }
}

impl Room {
    pub(super) fn said(&self, number: i32, now: Timestamp) -> Option<&Said> {
        self.messages.get(&number).filter(|said| said.visible(now))
    }

    /// Numbers of all visible messages, ascending.
    pub(super) fn visible(&self, now: Timestamp) -> Vec<i32> {
        self.messages.iter().filter(|(_, said)| said.visible(now)).map(|(n, _)| *n).collect()
    }
}

impl Window {
    /// The window's numbers, newest first, out of `numbers` (ascending): begin at the first number
    /// below `offset_id`, move by `add_offset`, take `limit`, then leave out what `max_id` and
    /// `min_id` exclude.
    pub(super) fn cut(self, numbers: &[i32]) -> Vec<i32> {
        let newest: Vec<i32> = numbers.iter().rev().copied().collect();
        let start = match self.offset_id {
            0 => 0,
            id => newest.iter().position(|&number| number < id).unwrap_or(newest.len()),
        };
        let start = start as i64 + i64::from(self.add_offset);
        let end = start + i64::from(self.limit.clamp(1, 100));
        let clip = |at: i64| usize::try_from(at.max(0)).unwrap_or(0).min(newest.len());
        newest[clip(start)..clip(end).max(clip(start))]
            .iter()
            .copied()
            .filter(|&number| self.max_id == 0 || number < self.max_id)
            .filter(|&number| number > self.min_id)
            .collect()
    }
}
