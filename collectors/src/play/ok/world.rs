//! What the local OK holds: groups with topics, photos, films and comments, and made-up people.
//!
//! Place in the flow: changed by tests and the simulated district, read by `methods`. Invariant:
//! topics, comments, photos and films have numbers of their own, given in the order of creation.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

pub use crate::play::life::Life;

/// All groups and people.
#[derive(Default)]
pub struct World {
    /// Groups by number.
    pub groups: BTreeMap<i64, Group>,
    /// Short names of personal pages, with the person's number.
    pub profiles: BTreeMap<String, i64>,
    /// Names of people; unknown people are made up from their number.
    pub names: BTreeMap<i64, String>,
    /// Sends people with their names even when the fields asked for hold none.
    pub chatty: bool,
    numbers: [i64; 4],
}

/// One group.
#[derive(Default, Clone)]
pub struct Group {
    /// Short name.
    pub shortname: String,
    /// Title.
    pub name: String,
    /// Closed: nothing is shown to those outside.
    pub private: bool,
    /// The token's owner is a member: a closed group is shown all the same.
    pub member: bool,
    /// Gone: no method knows it.
    pub deleted: bool,
    /// The owner of the token moderates it, so its discussions are in the owner's list.
    pub moderated: bool,
    /// Topics on top.
    pub pinned: Vec<i64>,
    /// Topics by number.
    pub topics: BTreeMap<i64, Topic>,
    /// Photos and films by type of discussion and number.
    pub others: BTreeMap<(String, i64), Topic>,
    /// Comments by number.
    pub comments: BTreeMap<i64, Comment>,
}

/// A topic, photo or film.
#[derive(Clone)]
pub struct Topic {
    /// Author: a person, or the group's own number.
    pub from: i64,
    /// Dates and texts.
    pub life: Life,
    /// Comments are closed.
    pub closed: bool,
    /// Further fields of the answer, which win over the usual ones.
    pub extra: Map<String, Value>,
}

/// A comment.
#[derive(Clone)]
pub struct Comment {
    /// Author: a person, or a group's number.
    pub from: i64,
    /// What it stands below: type of discussion and number.
    pub under: (String, i64),
    /// Comment it answers.
    pub reply_to: Option<i64>,
    /// Dates and texts.
    pub life: Life,
    /// Further fields of the answer, which win over the usual ones.
    pub extra: Map<String, Value>,
}

/// Types of discussions.
pub const TOPIC: &str = "GROUP_TOPIC";
/// Below a photo.
pub const PHOTO: &str = "GROUP_PHOTO";
/// Below a film.
pub const MOVIE: &str = "GROUP_MOVIE";

/// Where each kind of number begins.
const BASES: [i64; 4] = [150_000_000_000_000, 900_000_000_000, 700_000_000_000, 1_600_000_000_000];

impl World {
    fn number(&mut self, kind: usize) -> i64 {
        self.numbers[kind] += 1;
        BASES[kind] + self.numbers[kind]
    }

    /// Adds an open group that the owner of the token moderates.
    pub fn add_group(&mut self, group: i64, shortname: &str, name: &str) {
        let group_of = Group {
            shortname: shortname.to_owned(),
            name: name.to_owned(),
            moderated: true,
            ..Group::default()
        };
        self.groups.insert(group, group_of);
    }

    /// A group that must exist.
    ///
    /// # Panics
    /// If nobody added it.
    pub fn group(&mut self, group: i64) -> &mut Group {
        self.groups.get_mut(&group).expect("the group was added before")
    }

    /// Writes a topic that appears at `date`; returns its number.
    pub fn topic(&mut self, group: i64, from: i64, date: Timestamp, text: &str) -> i64 {
        let id = self.number(0);
        let topic = Topic { from, life: Life::new(date, text), closed: false, extra: Map::new() };
        self.group(group).topics.insert(id, topic);
        id
    }

    /// Puts up a photo ([`PHOTO`]) or film ([`MOVIE`]) with a caption; returns its number.
    pub fn other(&mut self, group: i64, kind: &str, date: Timestamp, caption: &str) -> i64 {
        let id = self.number(if kind == PHOTO { 1 } else { 2 });
        let life = Life::new(date, caption);
        let other = Topic { from: group, life, closed: false, extra: Map::new() };
        self.group(group).others.insert((kind.to_owned(), id), other);
        id
    }

    /// Writes a comment that appears at `date` below a topic, photo or film; returns its number.
    pub fn comment(
        &mut self,
        group: i64,
        under: (&str, i64),
        from: i64,
        date: Timestamp,
        text: &str,
        reply_to: Option<i64>,
    ) -> i64 {
        let id = self.number(3);
        let comment = Comment {
            from,
            under: (under.0.to_owned(), under.1),
            reply_to,
            life: Life::new(date, text),
            extra: Map::new(),
        };
        self.group(group).comments.insert(id, comment);
        id
    }

    /// Changes a text from `at` on.
    pub fn edit(&mut self, group: i64, id: i64, at: Timestamp, text: &str) {
        if let Some(life) = self.group(group).life(id) {
            life.edit(at, text);
        }
    }

    /// Removes a topic, photo, film or comment at `at`.
    pub fn delete(&mut self, group: i64, id: i64, at: Timestamp) {
        if let Some(life) = self.group(group).life(id) {
            life.turn(at, false);
        }
    }

    /// Brings it back at `at`.
    pub fn restore(&mut self, group: i64, id: i64, at: Timestamp) {
        if let Some(life) = self.group(group).life(id) {
            life.turn(at, true);
        }
    }

    /// Sets a field of the answer about a topic or comment, for example `media`.
    pub fn set(&mut self, group: i64, id: i64, field: &str, value: Value) {
        let group = self.group(group);
        let topic = group.topics.get_mut(&id).map(|topic| &mut topic.extra);
        let extra = topic.or_else(|| group.comments.get_mut(&id).map(|it| &mut it.extra));
        if let Some(extra) = extra {
            extra.insert(field.to_owned(), value);
        }
    }

    /// The name of a person.
    #[must_use]
    pub fn name(&self, id: i64) -> String {
        self.names.get(&id).cloned().unwrap_or_else(|| format!("Имя{id} Фамилия{id}"))
    }
}

impl Group {
    fn life(&mut self, id: i64) -> Option<&mut Life> {
        let topic = self.topics.get_mut(&id).map(|it| &mut it.life);
        let other = self.others.iter_mut().find(|((_, other), _)| *other == id);
        let other = other.map(|(_, it)| &mut it.life);
        let comment = self.comments.get_mut(&id).map(|it| &mut it.life);
        topic.or(other).or(comment)
    }

    /// Topics as the group shows them: those on top, then the newest first.
    #[must_use]
    pub fn shown(&self, now: Timestamp) -> Vec<i64> {
        let mut alive: Vec<(bool, Timestamp, i64)> = self
            .topics
            .iter()
            .filter(|(_, topic)| topic.life.alive(now))
            .map(|(id, topic)| (self.pinned.contains(id), topic.life.date, *id))
            .collect();
        alive.sort_unstable_by(|a, b| b.cmp(a));
        alive.into_iter().map(|(_, _, id)| id).collect()
    }

    /// A living topic, photo or film.
    #[must_use]
    pub fn thing(&self, under: &(String, i64), now: Timestamp) -> Option<&Topic> {
        let found = match under.0.as_str() {
            TOPIC => self.topics.get(&under.1),
            _ => self.others.get(under),
        };
        found.filter(|it| it.life.alive(now))
    }

    /// Living comments below a thing, oldest first.
    #[must_use]
    pub fn living(&self, under: &(String, i64), now: Timestamp) -> Vec<i64> {
        let below = self.comments.iter().filter(|(_, it)| it.under == *under && it.life.alive(now));
        let mut all: Vec<(Timestamp, i64)> = below.map(|(id, it)| (it.life.date, *id)).collect();
        all.sort_unstable();
        all.into_iter().map(|(_, id)| id).collect()
    }

    /// When somebody last wrote below a thing, or when it was put up.
    #[must_use]
    pub fn active(&self, under: &(String, i64), now: Timestamp) -> Option<Timestamp> {
        let own = self.thing(under, now)?.life.date;
        let last = self.living(under, now).last().map(|id| self.comments[id].life.date);
        Some(last.map_or(own, |last| last.max(own)))
    }
}
