//! Bots Long Poll of the local VK: what happened in a community, told to who holds its token.
//!
//! Place in the flow: beside the methods; answers `groups.getLongPollServer` and the poll itself.
//! Invariant: the number of an event is its instant in milliseconds, so the events after a number
//! follow from the world alone (those of the present millisecond are told next time); changes of
//! posts are never told, as VK does not tell them.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::methods::bad;
use super::talk::TalkKind;
use super::world::{Life, Wall, World};
use super::{Refusal, refusal};
use crate::play::Ask;

/// What the poll remembers and how it misbehaves.
#[derive(Debug, Clone, Copy, Default)]
pub struct PollPlay {
    /// Number of the present key; another one answers `failed: 2`.
    pub key: u64,
    /// Events up to here are forgotten: whoever asks for them gets `failed: 1`.
    pub forgotten: Option<Timestamp>,
    /// Answers `failed: 3` until a new server is asked for.
    pub broken: bool,
    /// Every so-manieth event is lost on the way; 0 loses none.
    pub drops: usize,
}

/// `groups.getLongPollServer`.
pub(super) fn server(
    poll: &mut PollPlay,
    world: &World,
    ask: &Ask,
    host: &str,
    now: Timestamp,
) -> Result<Value, Refusal> {
    let group = ask.param("group_id").and_then(|id| id.parse::<i64>().ok());
    let Some(group) = group.filter(|group| world.walls.contains_key(&-group)) else {
        return Err(bad("group_id is undefined"));
    };
    poll.broken = false;
    Ok(json!({
        "key": format!("key{}", poll.key),
        "server": format!("{host}/poll/wh{group}"),
        "ts": told_until(now).to_string(),
    }))
}

/// Answers the poll: events after `ts`.
pub(super) fn check(
    poll: &PollPlay,
    world: &World,
    ask: &Ask,
    now: Timestamp,
) -> Result<Value, Refusal> {
    let group = ask.path.rsplit("/wh").next().and_then(|it| it.parse::<i64>().ok());
    let (Some(group), Some(ts)) = (group, ask.param("ts").and_then(|ts| ts.parse::<i64>().ok()))
    else {
        return Err(refusal(100, "One of the parameters specified was missing or invalid"));
    };
    if poll.broken {
        return Ok(json!({ "failed": 3 }));
    }
    if ask.param("key") != Some(&format!("key{}", poll.key)) {
        return Ok(json!({ "failed": 2 }));
    }
    if poll.forgotten.is_some_and(|at| ts < at.as_millisecond()) {
        return Ok(json!({ "failed": 1, "ts": told_until(now) }));
    }
    let mut events = Vec::new();
    if let Some(wall) = world.walls.get(&-group) {
        wall_events(wall, -group, now, &mut events);
        said_events(wall, -group, now, &mut events);
    }
    events.retain(|(at, ..)| *at > ts && *at <= told_until(now));
    events.sort_by_key(|(at, ..)| *at);
    let told = events.iter().enumerate();
    let updates: Vec<Value> = told
        .filter(|(n, _)| poll.drops == 0 || (n + 1) % poll.drops != 0)
        .map(|(_, (at, kind, object))| {
            let id = format!("made-up-{at}");
            json!({
                "type": kind,
                "object": object,
                "group_id": group,
                "event_id": id,
                "v": "5.199",
            })
        })
        .collect();
    Ok(json!({ "ts": told_until(now).to_string(), "updates": updates }))
}

/// The last event that an answer at `now` tells: more may still happen in this millisecond.
fn told_until(now: Timestamp) -> i64 {
    now.as_millisecond() - 1
}

type Event = (i64, String, Value);

/// What happened to one life: (instant, `new`, `edit`, `delete` or `restore`).
fn turns(life: &Life, now: Timestamp) -> Vec<(i64, &'static str)> {
    let edits = life.versions.iter().skip(1).map(|(at, _)| (*at, "edit"));
    let turns =
        life.turns.iter().map(|(at, alive)| (*at, if *alive { "restore" } else { "delete" }));
    let all = [(life.date, "new")].into_iter().chain(edits).chain(turns);
    all.filter(|(at, _)| *at <= now).map(|(at, how)| (at.as_millisecond(), how)).collect()
}

fn wall_events(wall: &Wall, owner: i64, now: Timestamp, events: &mut Vec<Event>) {
    for (id, post) in &wall.posts {
        let object = json!({
            "id": id,
            "owner_id": owner,
            "from_id": post.from,
            "date": post.life.date.as_second(),
            "post_type": "post",
            "text": post.life.text(now),
            "comments": { "count": 0 },
        });
        let new = turns(&post.life, now).into_iter().filter(|(_, how)| *how == "new");
        events.extend(new.map(|(at, _)| (at, "wall_post_new".to_owned(), object.clone())));
    }
    for (id, comment) in &wall.comments {
        for (at, how) in turns(&comment.life, now) {
            let object = match how {
                "delete" => json!({
                    "owner_id": owner,
                    "id": id,
                    "deleter_id": 100_006,
                    "post_id": comment.post,
                }),
                _ => json!({
                    "id": id,
                    "from_id": comment.from,
                    "date": comment.life.date.as_second(),
                    "text": comment.life.text(now),
                    "post_owner_id": owner,
                    "post_id": comment.post,
                    "parents_stack": comment.root.into_iter().collect::<Vec<i64>>(),
                }),
            };
            events.push((at, format!("wall_reply_{how}"), object));
        }
    }
}

fn said_events(wall: &Wall, owner: i64, now: Timestamp, events: &mut Vec<Event>) {
    for ((kind, id), said) in &wall.said {
        let (what, name, holder) = match kind {
            TalkKind::Topic => ("board_post", "topic_id", "topic_owner_id"),
            TalkKind::Photo => ("photo_comment", "photo_id", "photo_owner_id"),
            TalkKind::Video => ("video_comment", "video_id", "video_owner_id"),
        };
        for (at, how) in turns(&said.life, now) {
            let mut object = json!({ "id": id });
            object[name] = json!(said.talk);
            object[holder] = json!(owner);
            if how != "delete" {
                object["from_id"] = json!(said.from);
                object["date"] = json!(said.life.date.as_second());
                object["text"] = json!(said.life.text(now));
            }
            events.push((at, format!("{what}_{how}"), object));
        }
    }
}
