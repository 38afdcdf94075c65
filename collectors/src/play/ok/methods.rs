//! The methods of the local OK, as its documentation and open clients show them.
//!
//! Place in the flow: called by the server after keys, rights and limits were checked. Invariant:
//! no frame around an answer, bare arrays where OK has them, ids as texts or numbers, dates in
//! Moscow time without a zone beside milliseconds, anchors that tell nothing.

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use serde_json::{Map, Value, json};

use super::world::{Comment, Group, TOPIC, Topic, World};
use super::{Paging, Refusal, refusal};
use crate::play::Ask;

/// Answers a method.
pub(super) fn answer(
    world: &World,
    paging: Paging,
    ask: &Ask,
    method: &str,
    now: Timestamp,
) -> Result<Value, Refusal> {
    let asked = Asked { world, paging, ask, now };
    match method {
        "url.getInfo" => asked.url(),
        "group.getInfo" => asked.groups(),
        "mediatopic.getTopics" => asked.topics(),
        "mediatopic.getByIds" => asked.by_ids(),
        "discussions.getList" => asked.list(),
        "discussions.get" => asked.discussion(),
        "discussions.getComments" => asked.comments(),
        _ => Err(refusal(3, "METHOD : Unknown method")),
    }
}

struct Asked<'a> {
    world: &'a World,
    paging: Paging,
    ask: &'a Ask,
    now: Timestamp,
}

/// Where an element stands in a listing: its date in milliseconds and its number.
type Key = (i64, i64);

/// A page of a listing and where it goes on.
struct Listed {
    ids: Vec<usize>,
    anchor: Option<String>,
    more: bool,
}

impl<'a> Asked<'a> {
    fn need(&self, name: &str) -> Result<&'a str, Refusal> {
        let given = self.ask.param(name).filter(|text| !text.is_empty());
        given.ok_or_else(|| refusal(100, &format!("PARAM : Missing required parameter {name}")))
    }

    fn count(&self, most: usize) -> usize {
        let asked = self.ask.param("count").and_then(|text| text.parse().ok());
        asked.unwrap_or(10).clamp(1, most)
    }

    fn id(&self, id: i64) -> Value {
        if self.paging.numbers { json!(id) } else { json!(id.to_string()) }
    }

    /// Cuts a page out of `keys` (dates and numbers), which stand in the order of the listing:
    /// falling, or rising.
    fn page(
        &self,
        keys: &[Key],
        falls: bool,
        most: usize,
        ends: &[&str],
    ) -> Result<Listed, Refusal> {
        let invalid = || refusal(100, "PARAM : Invalid anchor");
        let count = self.count(most);
        let given = self.ask.param("anchor").filter(|anchor| !ends.contains(anchor));
        let start = match given {
            None => 0,
            Some(anchor) => {
                let (key, at) = unveiled(anchor).ok_or_else(invalid)?;
                let age = self.now.as_second() - at;
                if self.paging.anchor_secs.is_some_and(|most| age > most) {
                    return Err(invalid());
                }
                if self.paging.positions {
                    usize::try_from(key.1).map_err(|_| invalid())?
                } else {
                    after(keys, key, falls)
                }
            }
        };
        let ids: Vec<usize> = (start..keys.len()).take(count).collect();
        let end = start + ids.len();
        let more = end < keys.len();
        let key = match (self.paging.positions, ids.last()) {
            (true, _) => i64::try_from(end).ok().map(|end| (0, end)),
            (false, Some(last)) => Some(keys[*last]),
            (false, None) => None,
        };
        let mut anchor = key.map(|key| veiled(key, self.now));
        if self.paging.no_has_more && !more {
            anchor = given.map(str::to_owned);
        }
        Ok(Listed { ids, anchor, more })
    }

    fn onward(&self, body: &mut Value, listed: &Listed) {
        if let Some(anchor) = &listed.anchor {
            body["anchor"] = json!(anchor);
        }
        if !self.paging.no_has_more {
            body["has_more"] = json!(listed.more);
        }
    }

    fn open(&self, group: i64) -> Result<&'a Group, Refusal> {
        let found = self.world.groups.get(&group).filter(|group| !group.deleted);
        let found = found.ok_or_else(|| refusal(160, "PARAM_GROUP_ID : Invalid group id"))?;
        if found.private && !found.member {
            return Err(refusal(456, "GROUP_RESTRICTION : Group is closed"));
        }
        Ok(found)
    }

    fn url(&self) -> Result<Value, Refusal> {
        let url = self.need("url")?;
        let name = url.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let group = self.world.groups.iter().find(|(id, group)| {
            !group.deleted && (group.shortname == name || id.to_string() == name)
        });
        let told = |kind: &str, id: i64| {
            let text = id.to_string();
            json!({ "objectId": id, "objectIdStr": text, "type": kind })
        };
        Ok(match (group, self.world.profiles.get(name)) {
            (Some((id, _)), _) => told("GROUP", *id),
            (None, Some(person)) => told("PROFILE", *person),
            (None, None) => json!({ "type": "UNKNOWN" }),
        })
    }

    fn groups(&self) -> Result<Value, Refusal> {
        let uids = self.need("uids")?;
        self.need("fields")?;
        let found = uids.split(',').filter_map(|uid| {
            let id: i64 = uid.parse().ok()?;
            let group = self.world.groups.get(&id).filter(|group| !group.deleted)?;
            let mut body = json!({ "uid": self.id(id) });
            for field in self.ask.param("fields").unwrap_or_default().split(',') {
                match field {
                    "private" => body["private"] = json!(group.private),
                    "name" => body["name"] = json!(group.name),
                    "shortname" => body["shortname"] = json!(group.shortname),
                    _ => {}
                }
            }
            Some(body)
        });
        Ok(Value::Array(found.collect()))
    }

    fn topics(&self) -> Result<Value, Refusal> {
        let gid = self.need("gid")?.parse().unwrap_or_default();
        let group = self.open(gid)?;
        let shown = group.shown(self.now);
        let date = |id: &i64| group.topics[id].life.date.as_millisecond();
        let keys: Vec<Key> = shown.iter().map(|id| (date(id), *id)).collect();
        let listed = self.page(&keys, true, 50, &[])?;
        let topics: Vec<Value> = listed
            .ids
            .iter()
            .map(|at| self.topic(gid, group, shown[*at], &group.topics[&shown[*at]]))
            .collect();
        let mut body = json!({ "media_topics": topics });
        if topics.is_empty() {
            body = json!({});
        }
        self.onward(&mut body, &listed);
        let people = listed.ids.iter().map(|at| group.topics[&shown[*at]].from);
        self.entities(&mut body, people);
        Ok(body)
    }

    fn by_ids(&self) -> Result<Value, Refusal> {
        let ids: Vec<i64> =
            self.need("topic_ids")?.split(',').filter_map(|id| id.parse().ok()).collect();
        let limit = self.ask.param("media_limit").and_then(|text| text.parse::<u32>().ok());
        if ids.len() > 1 && !limit.is_some_and(|limit| (1..=3).contains(&limit)) {
            return Err(refusal(100, "PARAM : media_limit must be between 1 and 3"));
        }
        let groups = self.world.groups.iter().filter(|(_, it)| !it.private && !it.deleted);
        let mut found = Vec::new();
        for (gid, group) in groups {
            for id in &ids {
                let topic = group.topics.get(id).filter(|topic| topic.life.alive(self.now));
                found.extend(topic.map(|topic| self.topic(*gid, group, *id, topic)));
            }
        }
        if found.is_empty() {
            return Err(refusal(300, "NOT_FOUND : Media topic not found"));
        }
        Ok(json!({ "media_topics": found }))
    }

    fn topic(&self, gid: i64, group: &Group, id: i64, topic: &Topic) -> Value {
        let text = topic.life.text(self.now);
        let kind = if topic.from == gid { "group" } else { "user" };
        let body = json!({
            "id": self.id(id),
            "created_ms": topic.life.date.as_millisecond(),
            "author_ref": format!("{kind}:{}", topic.from),
            "owner_ref": format!("group:{gid}"),
            "has_more": false,
            "media": [{ "type": "text", "text": text, "text_tokens": [{ "text": text }] }],
            "discussion_summary": {
                "discussion_type": TOPIC,
                "discussion_id": self.id(id),
                "comments_count": group.living(&(TOPIC.to_owned(), id), self.now).len(),
            },
            "like_summary": { "count": 5, "self": false },
            "reshare_summary": { "count": 1 },
        });
        merged(body, &topic.extra)
    }

    /// What people talk below in the groups that the owner of the token moderates, by the last
    /// word.
    fn list(&self) -> Result<Value, Refusal> {
        let types: Vec<&str> = self.need("types")?.split(',').collect();
        let mut all: Vec<(Timestamp, i64, i64, &(String, i64))> = Vec::new();
        for (gid, group) in self.world.groups.iter().filter(|(_, it)| it.moderated && !it.deleted) {
            for under in group.others.keys().filter(|under| types.contains(&under.0.as_str())) {
                let talk = !group.living(under, self.now).is_empty();
                if let Some(active) = group.active(under, self.now).filter(|_| talk) {
                    all.push((active, under.1, *gid, under));
                }
            }
        }
        all.sort_unstable();
        all.reverse();
        let keys: Vec<Key> = all.iter().map(|(at, id, ..)| (at.as_millisecond(), *id)).collect();
        let listed = self.page(&keys, true, 100, &[])?;
        let discussions: Vec<Value> = listed
            .ids
            .iter()
            .map(|at| {
                let (_, _, gid, under) = all[*at];
                self.told(gid, &self.world.groups[&gid], under)
            })
            .collect();
        let mut body = json!({ "discussions": discussions });
        self.onward(&mut body, &listed);
        Ok(body)
    }

    fn told(&self, gid: i64, group: &Group, under: &(String, i64)) -> Value {
        let Some(thing) = group.thing(under, self.now) else { return json!({}) };
        let active = group.active(under, self.now).unwrap_or(self.now);
        json!({
            "object_type": under.0,
            "object_id": self.id(under.1),
            "owner_uid": self.id(gid),
            "ref_objects": [{ "type": "GROUP", "id": self.id(gid) }],
            "title": "",
            "message": thing.life.text(self.now),
            "total_comments_count": group.living(under, self.now).len(),
            "new_comments_count": 0,
            "like_count": 2,
            "creation_date": moscow(thing.life.date),
            "creation_date_ms": thing.life.date.as_millisecond(),
            "last_activity_date": moscow(active),
            "last_activity_date_ms": active.as_millisecond(),
        })
    }

    /// The thing that a discussion hangs on, with its group.
    fn under(&self) -> Result<(i64, &'a Group, (String, i64)), Refusal> {
        let kind = self.need("discussionType")?.to_owned();
        let id = self.need("discussionId")?.parse().unwrap_or_default();
        let under = (kind, id);
        let found = self.world.groups.iter().find(|(_, it)| it.thing(&under, self.now).is_some());
        let (gid, _) = found.ok_or_else(|| refusal(300, "NOT_FOUND : Discussion not found"))?;
        Ok((*gid, self.open(*gid)?, under))
    }

    fn discussion(&self) -> Result<Value, Refusal> {
        let (gid, group, under) = self.under()?;
        Ok(json!({ "discussion": self.told(gid, group, &under) }))
    }

    fn comments(&self) -> Result<Value, Refusal> {
        let (_, group, under) = self.under()?;
        if group.thing(&under, self.now).is_some_and(|thing| thing.closed) {
            return Err(refusal(704, "COMMENTS_CLOSED : Comments are closed"));
        }
        let mut living = group.living(&under, self.now);
        let back = match self.ask.param("direction").unwrap_or("FORWARD") {
            "FORWARD" => false,
            "BACKWARD" => true,
            _ => return Err(refusal(100, "PARAM : Invalid direction")),
        };
        if back {
            living.reverse();
        }
        let date = |id: &i64| group.comments[id].life.date.as_millisecond();
        let keys: Vec<Key> = living.iter().map(|id| (date(id), *id)).collect();
        let listed = self.page(&keys, back, 100, &["FIRST", "LAST", "UNREAD"])?;
        let page = listed.ids.iter().map(|at| living[*at]);
        let shown: Vec<&Comment> = page.clone().map(|id| &group.comments[&id]).collect();
        let comments: Vec<Value> = page.map(|id| self.comment(group, id)).collect();
        let mut body = json!({
            "comments": comments,
            "discussionId": under.1.to_string(),
            "discussionType": under.0,
        });
        self.onward(&mut body, &listed);
        self.entities(&mut body, shown.iter().map(|comment| comment.from));
        Ok(body)
    }

    fn comment(&self, group: &Group, id: i64) -> Value {
        let comment = &group.comments[&id];
        let of_group = self.world.groups.get(&comment.from);
        let mut body = json!({
            "id": self.id(id),
            "text": comment.life.text(self.now),
            "date": moscow(comment.life.date),
            "date_ms": comment.life.date.as_millisecond(),
            "author_id": self.id(comment.from),
            "type": "ACTIVE_MESSAGE",
            "like_count": 1,
            "liked_it": false,
            "like_allowed": true,
            "attrs": { "flags": "l" },
        });
        if let Some(author) = of_group {
            body["author_type"] = json!("GROUP");
            body["author_name"] = json!(author.name);
        }
        if let Some(to) = comment.reply_to {
            body["reply_to_comment_id"] = self.id(to);
            let answered = group.comments.get(&to).map(|it| it.from);
            body["reply_to_id"] = answered.map_or(Value::Null, |from| self.id(from));
        }
        merged(body, &comment.extra)
    }

    /// People with their names: a default that disappears when fields are asked for.
    fn entities(&self, body: &mut Value, people: impl Iterator<Item = i64>) {
        if self.ask.param("fields").is_some() && !self.world.chatty {
            return;
        }
        let people = people.filter(|id| !self.world.groups.contains_key(id));
        let users: Vec<Value> = people
            .map(|id| json!({ "uid": id.to_string(), "name": self.world.name(id) }))
            .collect();
        body["entities"] = json!({ "users": users });
    }
}

fn merged(mut body: Value, extra: &Map<String, Value>) -> Value {
    if let Value::Object(fields) = &mut body {
        for (name, value) in extra {
            match value {
                Value::Null => drop(fields.remove(name)),
                value => drop(fields.insert(name.clone(), value.clone())),
            }
        }
    }
    body
}

/// A date as people read it: Moscow time, no zone.
fn moscow(at: Timestamp) -> String {
    let zoned = at.to_zoned(TimeZone::fixed(Offset::constant(3)));
    zoned.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// The place behind an element, which may be gone: then its key tells where it stood.
fn after(keys: &[Key], key: Key, falls: bool) -> usize {
    if let Some(at) = keys.iter().position(|other| other.1 == key.1) {
        return at + 1;
    }
    let before = |other: &Key| if falls { *other > key } else { *other < key };
    keys.iter().rposition(before).map_or(0, |at| at + 1)
}

/// An anchor that tells nothing: numbers in hexadecimal, and the instant it was given.
fn veiled(key: Key, now: Timestamp) -> String {
    format!("QU{:x}Y{:x}Z{:x}", key.0, key.1, now.as_second())
}

fn unveiled(anchor: &str) -> Option<(Key, i64)> {
    let (key, at) = anchor.strip_prefix("QU")?.split_once('Z')?;
    let (date, id) = key.split_once('Y')?;
    let number = |text| i64::from_str_radix(text, 16).ok();
    Some(((number(date)?, number(id)?), number(at)?))
}
