//! The methods of the local VK, as the schema 5.199 and recorded answers show them.
//!
//! Place in the flow: called by the server after token and limits were checked. Invariant: answers
//! have every field that the true ones have and the traps too: flags now as numbers, now as bools,
//! `count` with replies beside `current_level_count` without, placeholders that hold hardly
//! anything.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::talk::TalkKind;
use super::world::{Comment, Post, Wall, World};
use super::{Refusal, refusal};
use crate::play::Ask;

/// Most elements of one answer.
const PAGE_MAX: i64 = 100;

/// Answers a method.
pub(super) fn answer(
    world: &World,
    ask: &Ask,
    method: &str,
    now: Timestamp,
) -> Result<Value, Refusal> {
    let asked = Asked { world, ask, now };
    match method {
        "wall.get" => asked.wall_get(),
        "wall.getById" => asked.wall_get_by_id(),
        "wall.getComments" => asked.wall_get_comments(),
        "wall.getComment" => asked.wall_get_comment(),
        "utils.resolveScreenName" => Ok(asked.resolve()),
        "utils.getServerTime" => Ok(json!(now.as_second())),
        "groups.getById" => Ok(asked.groups()),
        "users.get" => Ok(asked.users()),
        "board.getTopics" => asked.topics(),
        "board.getComments" => asked.said(TalkKind::Topic),
        "photos.getAllComments" => asked.photo_comments(),
        "photos.getComments" => asked.said(TalkKind::Photo),
        "video.get" => asked.videos(),
        "video.getComments" => asked.said(TalkKind::Video),
        _ => Err(refusal(3, "Unknown method passed")),
    }
}

/// A version as two numbers; `5.81` is older than `5.199`.
pub(super) fn version(text: &str) -> (u32, u32) {
    let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
    (major.parse().unwrap_or(0), minor.parse().unwrap_or(0))
}

pub(super) struct Asked<'a> {
    pub world: &'a World,
    pub ask: &'a Ask,
    pub now: Timestamp,
}

impl<'a> Asked<'a> {
    pub(super) fn int(&self, name: &str, default: i64) -> Result<i64, Refusal> {
        match self.ask.param(name) {
            None | Some("") => Ok(default),
            Some(text) => text.parse().map_err(|_| bad(&format!("{name} should be an integer"))),
        }
    }

    pub(super) fn yes(&self, name: &str) -> bool {
        self.ask.param(name) == Some("1")
    }

    fn since(&self, minor: u32) -> bool {
        version(self.ask.param("v").unwrap_or_default()) >= (5, minor)
    }

    /// Offset and count of a page, the count cut down to what VK gives.
    pub(super) fn window(&self, default: i64) -> Result<(usize, usize), Refusal> {
        let offset = self.int("offset", 0)?;
        let count = self.int("count", default)?;
        if offset < 0 || count < 0 {
            return Err(bad("offset should be positive"));
        }
        let size = |number: i64| usize::try_from(number).unwrap_or(usize::MAX);
        Ok((size(offset), size(count.min(PAGE_MAX))))
    }

    /// A wall that can be read.
    pub(super) fn open(&self, owner: i64) -> Result<&'a Wall, Refusal> {
        let Some(wall) = self.world.walls.get(&owner) else {
            return Err(refusal(15, "Access denied: wall is disabled"));
        };
        match (wall.is_closed, &wall.deactivated) {
            (_, Some(_)) if owner > 0 => Err(refusal(18, "User was deleted or banned")),
            (_, Some(_)) => Err(refusal(15, "Access denied: group is blocked")),
            (0, None) => Ok(wall),
            (_, None) if wall.member => Ok(wall),
            (_, None) if owner > 0 => Err(refusal(30, "This profile is private")),
            _ => Err(refusal(15, "Access denied: this wall available only for community members")),
        }
    }

    fn wall_get(&self) -> Result<Value, Refusal> {
        let owner = match self.ask.param("domain") {
            Some(domain) => match domain.parse::<i64>().ok().or_else(|| self.world.find(domain)) {
                Some(owner) => owner,
                None => return Err(bad("owner_id is undefined")),
            },
            None => self.int("owner_id", 0)?,
        };
        if owner == 0 {
            return Err(bad("owner_id is undefined"));
        }
        let wall = self.open(owner)?;
        let (offset, count) = self.window(20)?;
        let wanted = |id: &i64| {
            let own = wall.posts.get(id).is_some_and(|post| post.from == owner);
            match self.ask.param("filter") {
                Some("owner") => own,
                Some("others") => !own,
                _ => true,
            }
        };
        let shown: Vec<i64> = wall.shown(self.now).into_iter().filter(wanted).collect();
        let page = shown.iter().skip(offset).take(count);
        let posts: Vec<Value> =
            page.clone().map(|id| self.post(owner, wall, *id, &wall.posts[id])).collect();
        let people = page.map(|id| wall.posts[id].from).collect();
        let mut response = json!({ "count": shown.len(), "items": posts });
        self.extend(&mut response, owner, &people);
        if offset + count < shown.len() {
            response["next_from"] = json!((offset + count).to_string());
        }
        Ok(response)
    }

    fn wall_get_by_id(&self) -> Result<Value, Refusal> {
        let Some(posts) = self.ask.param("posts") else { return Err(bad("posts is undefined")) };
        let mut found = Vec::new();
        let mut people = BTreeSet::new();
        let mut owner_shown = 0;
        for name in posts.split(',').take(100) {
            let Some((owner, id)) = name.split_once('_') else { continue };
            let (Ok(owner), Ok(id)) = (owner.parse::<i64>(), id.parse::<i64>()) else { continue };
            let Ok(wall) = self.open(owner) else { continue };
            let Some(post) = wall.posts.get(&id).filter(|post| post.life.alive(self.now)) else {
                continue;
            };
            owner_shown = owner;
            people.insert(post.from);
            found.push(self.post(owner, wall, id, post));
        }
        if !self.since(139) {
            return Ok(Value::Array(found));
        }
        let mut response = json!({ "items": found });
        self.extend(&mut response, owner_shown, &people);
        Ok(response)
    }

    fn wall_get_comments(&self) -> Result<Value, Refusal> {
        let owner = self.int("owner_id", 0)?;
        let post_id = self.int("post_id", 0)?;
        let wall = self.open(owner)?;
        let Some(post) = wall.posts.get(&post_id).filter(|post| post.life.alive(self.now)) else {
            return Err(refusal(15, "Access denied: post was not found check post_id param"));
        };
        if post.closed {
            return Err(refusal(212, "Access to post comments denied"));
        }
        let threads = self.int("thread_items_count", 0)?;
        if !(0..=10).contains(&threads) {
            return Err(bad("thread_items_count should be from 0 to 10"));
        }
        let root = self.int("comment_id", 0)?;
        let (mut offset, count) = self.window(10)?;
        let mut level = match root {
            0 => wall.roots(post_id, self.now),
            _ => wall.replies(root, self.now),
        };
        if self.ask.param("sort") == Some("desc") {
            level.reverse();
        }
        let start = self.int("start_comment_id", 0)?;
        if start != 0 {
            offset += level.iter().position(|id| *id == start).unwrap_or(level.len());
        }
        let page: Vec<i64> = level.iter().copied().skip(offset).take(count).collect();
        let threads = usize::try_from(threads).unwrap_or(0);
        let mut people = BTreeSet::new();
        let items: Vec<Value> = page
            .iter()
            .map(|id| {
                let comment = &wall.comments[id];
                people.insert(comment.from);
                self.comment(owner, wall, *id, comment, (root == 0).then_some(threads))
            })
            .collect();
        let all = if root == 0 { wall.living(post_id, self.now) } else { level.len() };
        let mut response = json!({
            "count": all,
            "items": items,
            "current_level_count": level.len(),
            "can_post": true,
            "show_reply_button": true,
            "groups_can_post": true,
        });
        self.extend(&mut response, owner, &people);
        Ok(response)
    }

    fn wall_get_comment(&self) -> Result<Value, Refusal> {
        let owner = self.int("owner_id", 0)?;
        let id = self.int("comment_id", 0)?;
        let wall = self.open(owner)?;
        match wall.comments.get(&id).filter(|comment| comment.life.alive(self.now)) {
            Some(comment) => Ok(json!({ "items": [self.comment(owner, wall, id, comment, None)] })),
            None => Err(refusal(211, "Access to wall's comment denied")),
        }
    }

    fn post(&self, owner: i64, wall: &Wall, id: i64, post: &Post) -> Value {
        let mut body = json!({
            "inner_type": "wall_wallpost",
            "type": "post",
            "id": id,
            "owner_id": owner,
            "from_id": post.from,
            "date": post.life.date.as_second(),
            "post_type": "post",
            "text": post.life.text(self.now),
            "attachments": [],
            "marked_as_ads": 0,
            "donut": { "is_donut": false },
            "post_source": { "type": "vk" },
            "comments": {
                "can_post": i32::from(!post.closed),
                "can_view": i32::from(!post.closed),
                "count": wall.living(id, self.now),
                "groups_can_post": true,
            },
            "likes": { "can_like": 1, "count": 2, "user_likes": 0, "can_publish": 0 },
            "reposts": { "count": 1, "user_reposted": 0 },
            "views": { "count": 120 },
            "reactions": { "count": 2, "items": [{ "id": 0, "count": 2 }] },
            "hash": "made-up",
            "short_text_rate": 0.8,
        });
        if wall.pinned == Some(id) {
            body["is_pinned"] = json!(1);
        }
        if let Some(at) = post.life.edited(self.now) {
            body["edited"] = json!(at.as_second());
        }
        merged(body, &post.extra)
    }

    /// A comment; `threads` is how many replies a root shows, none for a reply.
    fn comment(
        &self,
        owner: i64,
        wall: &Wall,
        id: i64,
        comment: &Comment,
        threads: Option<usize>,
    ) -> Value {
        let alive = comment.life.alive(self.now);
        let stack: Vec<i64> = comment.root.into_iter().collect();
        let mut body = json!({
            "id": id,
            "date": comment.life.date.as_second(),
            "parents_stack": stack,
        });
        if alive {
            body["from_id"] = json!(comment.from);
            body["owner_id"] = json!(owner);
            body["post_id"] = json!(comment.post);
            body["text"] = json!(self.preview(comment.life.text(self.now)));
            body["is_from_post_author"] = json!(comment.from == owner);
            if self.yes("need_likes") {
                body["likes"] = json!({ "count": 1, "user_likes": 0, "can_like": 1 });
            }
        } else {
            body["deleted"] = json!(true);
        }
        if let Some(to) = comment.reply_to.filter(|_| alive) {
            body["reply_to_comment"] = json!(to);
            body["reply_to_user"] = json!(wall.comments.get(&to).map(|it| it.from));
        }
        if let Some(most) = threads {
            let replies = wall.replies(id, self.now);
            let shown: Vec<Value> = replies
                .iter()
                .take(most)
                .map(|reply| self.comment(owner, wall, *reply, &wall.comments[reply], None))
                .collect();
            body["thread"] = json!({
                "count": replies.len(),
                "items": shown,
                "can_post": true,
                "show_reply_button": true,
                "groups_can_post": true,
            });
        }
        if alive { merged(body, &comment.extra) } else { body }
    }

    fn preview(&self, text: &str) -> String {
        match self.int("preview_length", 0) {
            Ok(length) if length > 0 => {
                let length = usize::try_from(length).unwrap_or(usize::MAX);
                let cut: String = text.chars().take(length).collect();
                if cut.len() < text.len() { format!("{cut}…") } else { cut }
            }
            _ => text.to_owned(),
        }
    }

    /// Adds people and communities with names and pictures, if asked for.
    pub(super) fn extend(&self, response: &mut Value, owner: i64, from: &BTreeSet<i64>) {
        if !self.yes("extended") && !self.world.chatty {
            return;
        }
        let people = from.iter().filter(|id| **id > 0).map(|id| self.person(*id));
        let groups = from.iter().chain([&owner]).filter(|id| **id < 0);
        let groups: BTreeSet<i64> = groups.copied().collect();
        response["profiles"] = people.collect();
        response["groups"] = groups.into_iter().filter_map(|id| self.group(-id)).collect();
    }

    fn person(&self, id: i64) -> Value {
        let (first, last) = self.world.name(id);
        let page = self.world.walls.get(&id);
        let mut body = json!({
            "id": id,
            "first_name": first,
            "last_name": last,
            "screen_name": page.map_or_else(|| format!("id{id}"), |it| it.screen_name.clone()),
            "photo_50": format!("https://example.invalid/avatar-{id}.jpg"),
            "can_access_closed": true,
            "is_closed": page.is_some_and(|it| it.is_closed != 0),
            "followers_count": page.map_or(0, |it| it.members),
        });
        if let Some(state) = page.and_then(|it| it.deactivated.as_ref()) {
            body["deactivated"] = json!(state);
        }
        body
    }

    fn group(&self, id: i64) -> Option<Value> {
        let page = self.world.walls.get(&-id)?;
        let mut body = json!({
            "id": id,
            "name": page.name,
            "screen_name": page.screen_name,
            "is_closed": page.is_closed,
            "type": page.kind,
            "members_count": page.members,
            "photo_50": "https://example.invalid/group.jpg",
        });
        if let Some(state) = &page.deactivated {
            body["deactivated"] = json!(state);
        }
        Some(body)
    }

    fn resolve(&self) -> Value {
        let found = self.ask.param("screen_name").and_then(|name| self.world.find(name));
        let wall = found.and_then(|owner| self.world.walls.get(&owner).map(|wall| (owner, wall)));
        match wall {
            Some((owner, wall)) if wall.deactivated.is_none() => {
                json!({ "type": wall.kind, "object_id": owner.abs() })
            }
            _ => json!([]),
        }
    }

    /// Numbers or short names of a comma-separated parameter, as walls.
    fn named(&self, params: [&str; 2]) -> Vec<i64> {
        let text = params.iter().find_map(|name| self.ask.param(name)).unwrap_or_default();
        let number = |name: &str| name.parse::<i64>().ok();
        text.split(',').filter_map(|name| number(name).or_else(|| self.world.find(name))).collect()
    }

    fn groups(&self) -> Value {
        let ids = self.named(["group_ids", "group_id"]);
        let groups: Vec<Value> = ids.into_iter().filter_map(|id| self.group(id.abs())).collect();
        match self.since(139) {
            true => json!({ "groups": groups, "profiles": [] }),
            false => Value::Array(groups),
        }
    }

    fn users(&self) -> Value {
        let ids = self.named(["user_ids", "user_id"]);
        let known = ids.into_iter().filter(|id| self.world.walls.contains_key(id));
        known.map(|id| self.person(id)).collect()
    }
}

fn merged(mut body: Value, extra: &Map<String, Value>) -> Value {
    if let Value::Object(fields) = &mut body {
        fields.extend(extra.clone());
    }
    body
}

pub(super) fn bad(what: &str) -> Refusal {
    refusal(100, &format!("One of the parameters specified was missing or invalid: {what}"))
}
