//! The local OK itself: it must refuse and page as OK does, or the other tests prove nothing.

use otklik_collectors::http::{Method, Response};
use otklik_collectors::ok::signature;
use otklik_collectors::play::ok::{Fault, PlayOk, TOPIC};
use otklik_collectors::play::{Ask, Play, Reply};
use serde_json::Value;

use super::rig::{ANNA, GROUP};
use crate::ports::at;

/// One call a minute, so that the pace never matters.
struct Caller(PlayOk, i64);

impl Caller {
    fn new() -> Self {
        let mut play = PlayOk::new();
        play.world.add_group(GROUP, "village", "Село-пример");
        Caller(play, 0)
    }

    fn reply(&mut self, method: &str, params: &[(&str, &str)], sign: bool) -> Response {
        self.1 += 60;
        let ours = [("application_key", "MADEUPAPPKEY"), ("method", method)];
        let all = ours.iter().filter(|(name, _)| !params.iter().any(|(it, _)| it == name));
        let mut params: Vec<(String, String)> = all
            .chain(params)
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let sig = if sign { signature(&params, "MADEUPSECRET") } else { "0".repeat(32) };
        params.push(("sig".to_owned(), sig));
        if !params.iter().any(|(name, _)| name == "access_token") {
            params.push(("access_token".to_owned(), "MADEUPTOKEN".to_owned()));
        }
        let path = "/fb.do".to_owned();
        let ask = Ask { method: Method::Post, path, params, ..Ask::default() };
        match self.0.answer(&ask, at(self.1)) {
            Reply::Answer(response) => response,
            other => panic!("no answer: {other:?}"),
        }
    }

    fn call(&mut self, method: &str, params: &[(&str, &str)]) -> Value {
        let response = self.reply(method, params, true);
        assert_eq!(response.status, 200);
        serde_json::from_slice(&response.body).expect("JSON")
    }
}

#[test]
fn refusals_come_in_the_body_and_in_the_header() {
    let gid = GROUP.to_string();
    let gid = ("gid", gid.as_str());
    for (method, params, expected) in [
        ("mediatopic.getTopics", vec![gid], None),
        ("mediatopic.getTopics", vec![], Some(100)),
        ("mediatopic.getTopics", vec![("gid", "7")], Some(160)),
        ("mediatopic.getTopics", vec![gid, ("anchor", "?")], Some(100)),
        ("mediatopic.getTopics", vec![gid, ("application_key", "")], Some(101)),
        ("mediatopic.getTopics", vec![gid, ("application_key", "OTHER")], Some(101)),
        ("mediatopic.getTopics", vec![gid, ("access_token", "OTHER")], Some(103)),
        ("mediatopic.getTopics", vec![gid, ("format", "json")], None),
        ("mediatopic.getByIds", vec![("topic_ids", "1,2")], Some(100)),
        ("mediatopic.getByIds", vec![("topic_ids", "1")], Some(300)),
        ("group.getInfo", vec![("uids", "1")], Some(100)),
        (
            "discussions.getComments",
            vec![("discussionId", "7"), ("discussionType", TOPIC)],
            Some(300),
        ),
        ("stream.get", vec![], Some(3)),
    ] {
        let mut caller = Caller::new();
        let response = caller.reply(method, &params, true);
        let header = response.header("invocation-error").map(str::to_owned);
        assert_eq!(header, expected.map(|code: i64| code.to_string()), "{method} {params:?}");
        let body: Value = serde_json::from_slice(&response.body).expect("JSON");
        assert_eq!(body["error_code"].as_i64(), expected, "{method} {params:?}");
    }
    let mut caller = Caller::new();
    let unsigned = caller.reply("mediatopic.getTopics", &[gid], false);
    assert_eq!(unsigned.header("invocation-error"), Some("104"));
    caller.0.expired = true;
    let expired = caller.reply("mediatopic.getTopics", &[gid], true);
    assert_eq!(expired.header("invocation-error"), Some("102"));
}

#[test]
fn pages_follow_each_other_by_place_or_by_element() {
    for positions in [false, true] {
        let mut caller = Caller::new();
        caller.0.paging.positions = positions;
        let ids: Vec<i64> =
            (0..7).map(|n| caller.0.world.topic(GROUP, GROUP, at(n), "тема")).collect();
        caller.0.world.group(GROUP).pinned = vec![ids[0]];
        let gid = GROUP.to_string();
        let numbers = |body: &Value| -> Vec<i64> {
            let topics = body["media_topics"].as_array().cloned().unwrap_or_default();
            topics.iter().filter_map(|it| it["id"].as_str()?.parse().ok()).collect()
        };
        let first = caller.call("mediatopic.getTopics", &[("gid", &gid), ("count", "3")]);
        assert_eq!(numbers(&first), [ids[0], ids[6], ids[5]], "the one on top comes first");
        assert_eq!(first["has_more"], true);
        caller.0.world.delete(GROUP, ids[6], at(0));
        let anchor = first["anchor"].as_str().expect("an anchor");
        let params = [("gid", gid.as_str()), ("count", "3"), ("anchor", anchor)];
        let second = caller.call("mediatopic.getTopics", &params);
        let expected = if positions { [3, 2, 1] } else { [4, 3, 2] };
        assert_eq!(numbers(&second), expected.map(|n: usize| ids[n]), "positions: {positions}");
    }
}

#[test]
fn comments_run_both_ways_and_empty_lists_have_no_key() {
    let mut caller = Caller::new();
    let gid = GROUP.to_string();
    let empty = caller.call("mediatopic.getTopics", &[("gid", &gid)]);
    assert!(empty.get("media_topics").is_none(), "{empty}");
    let topic = caller.0.world.topic(GROUP, GROUP, at(0), "тема");
    let mut add = |from| {
        let world = &mut caller.0.world;
        world.comment(GROUP, (TOPIC, topic), from, at(1), "комментарий", None).to_string()
    };
    let (first, second) = (add(ANNA), add(GROUP));
    let topic = topic.to_string();
    let params = [("discussionId", topic.as_str()), ("discussionType", TOPIC)];
    let forward = caller.call("discussions.getComments", &params);
    assert_eq!(forward["comments"][0]["id"], first);
    assert_eq!(forward["comments"][0]["date"], "2026-03-02 03:00:01", "Moscow time, no zone");
    assert_eq!(forward["comments"][1]["author_type"], "GROUP");
    assert!(forward["entities"]["users"][0]["name"].is_string(), "names, unless fields are given");
    let back = [params[0], params[1], ("direction", "BACKWARD"), ("fields", "comment.*")];
    let back = caller.call("discussions.getComments", &back);
    assert_eq!(back["comments"][0]["id"], second);
    assert!(back.get("entities").is_none());
}

#[test]
fn faults_come_when_planned() {
    let mut caller = Caller::new();
    for fault in [Fault::Short(7), Fault::Status(502), Fault::Html, Fault::Code(8)] {
        caller.0.fail_next(fault);
    }
    let gid = GROUP.to_string();
    let mut next = || caller.reply("mediatopic.getTopics", &[("gid", &gid)], true);
    assert_eq!(next().body.len(), 7);
    assert_eq!(next().status, 502);
    assert!(next().header("content-type").is_some_and(|it| it.starts_with("text/html")));
    assert_eq!(next().header("invocation-error"), Some("8"));
}
