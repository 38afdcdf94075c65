//! The local VK itself: it must refuse and count as VK does, or the other tests prove nothing.

use otklik_collectors::http::Method;
use otklik_collectors::play::vk::{Fault, PlayVk, Token};
use otklik_collectors::play::{Ask, Play, Reply};
use serde_json::Value;

use crate::ports::at;

const OWNER: i64 = -200_001;

fn ask(method: &str, params: &[(&str, &str)]) -> Ask {
    let mut params: Vec<(String, String)> =
        params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    if !params.iter().any(|(name, _)| name == "v") {
        params.push(("v".to_owned(), "5.199".to_owned()));
    }
    Ask {
        method: Method::Post,
        path: format!("/method/{method}"),
        params,
        headers: vec![("authorization".to_owned(), "Bearer MADEUPTOKEN".to_owned())],
        ..Ask::default()
    }
}

fn json(reply: Reply) -> Value {
    let Reply::Answer(response) = reply else { panic!("no answer: {reply:?}") };
    assert_eq!(response.status, 200);
    serde_json::from_slice(&response.body).expect("JSON")
}

/// One call an hour, so that the pace never matters.
struct Caller(PlayVk, i64);

impl Caller {
    fn new() -> Self {
        let mut play = PlayVk::new();
        play.world.add_community(OWNER, "village", "Село", 3_000);
        Caller(play, 0)
    }
    fn call(&mut self, method: &str, params: &[(&str, &str)]) -> Value {
        self.1 += 3_600;
        json(self.0.answer(&ask(method, params), at(self.1)))
    }
    fn code(&mut self, method: &str, params: &[(&str, &str)]) -> Option<i64> {
        self.call(method, params)["error"]["error_code"].as_i64()
    }
}

#[test]
fn refusals() {
    let wall = ("owner_id", "-200001");
    for (token, method, params, expected) in [
        (Token::Service, "wall.get", vec![wall], None),
        (Token::User, "wall.get", vec![("domain", "village")], None),
        (Token::Service, "wall.get", vec![wall, ("v", "")], Some(8)),
        (Token::Service, "wall.get", vec![wall, ("v", "5.74")], Some(8)),
        (Token::Service, "wall.get", vec![wall, ("v", "5.81")], None),
        (Token::Service, "wall.get", vec![], Some(100)),
        (Token::Service, "wall.get", vec![wall, ("offset", "-1")], Some(100)),
        (Token::Service, "wall.get", vec![("owner_id", "-9")], Some(15)),
        (Token::Service, "Wall.get", vec![wall], Some(3)),
        (Token::Service, "execute", vec![("code", "return 1;")], Some(28)),
        (Token::Service, "wall.getComment", vec![wall, ("comment_id", "2")], Some(15)),
        (Token::User, "wall.getComment", vec![wall, ("comment_id", "2")], None),
        (Token::Community, "wall.get", vec![wall], Some(27)),
        (Token::Community, "wall.getComments", vec![wall, ("post_id", "1")], Some(27)),
        (Token::Community, "groups.getById", vec![("group_id", "200001")], None),
        (Token::Dead, "wall.get", vec![wall], Some(5)),
        (Token::Service, "wall.getComments", vec![wall, ("post_id", "7")], Some(15)),
        (
            Token::Service,
            "wall.getComments",
            vec![wall, ("post_id", "1"), ("thread_items_count", "11")],
            Some(100),
        ),
    ] {
        let mut caller = Caller::new();
        caller.0.tokens.insert("MADEUPTOKEN".to_owned(), token);
        let post = caller.0.world.post(OWNER, OWNER, at(0), "пост");
        caller.0.world.comment(OWNER, post, 100_001, at(0), "комментарий", None);
        assert_eq!(caller.code(method, &params), expected, "{token:?} {method} {params:?}");
    }
}

#[test]
fn six_calls_in_a_second_are_one_too_many() {
    let mut play = Caller::new().0;
    let ms = |ms: i64| at(0) + jiff::SignedDuration::from_millis(ms);
    let code = |play: &mut PlayVk, at| {
        let answer = json(play.answer(&ask("utils.getServerTime", &[]), at));
        answer["error"]["error_code"].as_i64()
    };
    for n in 0..5 {
        assert_eq!(code(&mut play, ms(n * 10)), None, "call {n}");
    }
    assert_eq!(code(&mut play, ms(999)), Some(6));
    assert_eq!(code(&mut play, ms(1_000)), None);
    assert_eq!(play.busiest_second(), 7);
}

#[test]
fn a_wall_has_its_order_and_bounds() {
    let mut caller = Caller::new();
    let world = &mut caller.0.world;
    let pinned = world.post(OWNER, OWNER, at(-1_000_000), "закреплено");
    let late = world.post(OWNER, OWNER, at(50), "отложенный");
    let many: Vec<i64> = (0..150).map(|n| world.post(OWNER, OWNER, at(n / 3), "пост")).collect();
    let future = world.post(OWNER, OWNER, at(86_400 * 9), "ещё не вышел");
    world.pin(OWNER, Some(pinned));
    world.delete(OWNER, many[149], at(60));
    let answer = caller.call("wall.get", &[("owner_id", "-200001"), ("count", "1000")]);
    let ids: Vec<i64> = answer["response"]["items"]
        .as_array()
        .expect("items")
        .iter()
        .filter_map(|post| post["id"].as_i64())
        .collect();
    assert_eq!(ids.len(), 100);
    assert_eq!(&ids[..3], [pinned, late, many[148]], "pinned, then by date");
    assert_eq!(answer["response"]["count"], 151);
    assert_eq!(answer["response"]["items"][0]["is_pinned"], 1);
    assert!(answer["response"].get("profiles").is_none());
    let names = format!("-200001_{future},-200001_{late},-200001_{}", many[149]);
    let answer = caller.call("wall.getById", &[("posts", &names)]);
    assert_eq!(answer["response"]["items"].as_array().map(Vec::len), Some(1));
    let answer = caller.call("wall.getById", &[("posts", &names), ("v", "5.81")]);
    assert_eq!(answer["response"].as_array().map(Vec::len), Some(1), "a bare array of old");
}

#[test]
fn comments_count_in_two_ways() {
    let mut caller = Caller::new();
    let world = &mut caller.0.world;
    let post = world.post(OWNER, OWNER, at(0), "пост");
    let root = world.comment(OWNER, post, 100_001, at(1), "корень", None);
    let replies: Vec<i64> = (0..12)
        .map(|n| world.comment(OWNER, post, 100_002, at(2 + n), "ответ", Some(root)))
        .collect();
    let deep = world.comment(OWNER, post, 100_003, at(20), "ответ на ответ", Some(replies[3]));
    let leaf = world.comment(OWNER, post, 100_003, at(21), "лист", None);
    world.delete(OWNER, root, at(30));
    let params = [("owner_id", "-200001"), ("post_id", "1"), ("thread_items_count", "10")];
    let response = caller.call("wall.getComments", &params)["response"].take();
    assert_eq!((&response["count"], &response["current_level_count"]), (&14.into(), &2.into()));
    let first = &response["items"][0];
    assert_eq!(first["deleted"], true);
    assert!(first.get("from_id").is_none() && first.get("text").is_none());
    assert_eq!(first["thread"]["count"], 13);
    assert_eq!(first["thread"]["items"].as_array().map(Vec::len), Some(10));
    assert_eq!(response["items"][1]["id"], leaf);
    assert!(response["items"][1].get("likes").is_none(), "likes only on request");
    let root_text = root.to_string();
    let params = [("owner_id", "-200001"), ("post_id", "1"), ("comment_id", &root_text)];
    let params = [params.as_slice(), &[("offset", "12")]].concat();
    let response = caller.call("wall.getComments", &params)["response"].take();
    assert_eq!(response["count"], 13);
    assert_eq!(response["items"][0]["id"], deep);
    assert_eq!(response["items"][0]["parents_stack"][0], root);
    assert_eq!(response["items"][0]["reply_to_comment"], replies[3]);
}

#[test]
fn names_answer_and_nothing_answers_with_an_empty_array() {
    let mut caller = Caller::new();
    let mut resolve = |name: &str| caller.call("utils.resolveScreenName", &[("screen_name", name)]);
    assert_eq!(resolve("village")["response"]["object_id"], 200_001);
    assert_eq!(resolve("club200001")["response"]["type"], "group");
    assert_eq!(resolve("nobody")["response"], serde_json::json!([]));
    let answer = caller.call("groups.getById", &[("group_id", "200001")]);
    assert_eq!(answer["response"]["groups"][0]["is_closed"], 0);
}

#[test]
fn faults_come_when_planned() {
    let mut caller = Caller::new();
    for fault in [Fault::Cut(7), Fault::Reset, Fault::Hang, Fault::Status(502), Fault::Code(14)] {
        caller.0.fail_next(fault);
    }
    let ask = ask("utils.getServerTime", &[]);
    let mut answer = || caller.0.answer(&ask, at(0));
    assert!(matches!(answer(), Reply::Cut(response, 7) if response.status == 200));
    assert_eq!(answer(), Reply::Reset);
    assert_eq!(answer(), Reply::Hang);
    assert!(matches!(answer(), Reply::Answer(response) if response.status == 502));
    let captcha = json(answer());
    assert!(captcha["error"]["redirect_uri"].is_string());
    assert!(captcha.to_string().contains("MADEUPTOKEN"), "errors repeat the token, as old ones do");
}
