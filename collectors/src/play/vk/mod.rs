//! A local VK: walls, comments with threads, tokens, limits and faults of the true API.
//!
//! Place in the flow: outside it; model tests, the simulated district and the demo ask it instead
//! of VK. Invariants: answers depend on the world, the request and `now` alone; what is dated after
//! `now` does not exist yet, so a whole story may be planned ahead; errors come with HTTP 200 as
//! VK's do and repeat the request's parameters, the token too.

mod methods;
mod poll;
mod talk;
mod world;

pub use poll::PollPlay;
pub use talk::{Said, Talk, TalkKind};
pub use world::{Comment, Life, Post, Wall, World};

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde_json::{Value, json};

pub use super::log::Logged;
use super::log::{busiest, second_before};
use super::{Ask, Play, Reply};

/// What a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token {
    /// Service key of a small application: 5 calls a second, no `execute`, no `wall.getComment`.
    Service,
    /// Token of a user: 3 calls a second.
    User,
    /// Token of a community: 20 calls a second, no walls.
    Community,
    /// Revoked.
    Dead,
}

impl Token {
    /// Calls a second.
    #[must_use]
    pub fn per_second(self) -> usize {
        match self {
            Token::Service => 5,
            Token::User | Token::Dead => 3,
            Token::Community => 20,
        }
    }
}

/// Something that goes wrong with one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// An error of the API with this code, HTTP 200.
    Code(i64),
    /// Another HTTP status with a page of HTML.
    Status(u16),
    /// HTML with HTTP 200, as a proxy or a ban page answers.
    Html,
    /// This text instead of the answer, HTTP 200.
    Body(String),
    /// The answer is announced whole and cut after so many bytes.
    Cut(usize),
    /// The connection is closed.
    Reset,
    /// No answer ever comes.
    Hang,
}

/// What goes wrong with `execute`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExecutePlay {
    /// It is refused with this code.
    pub refused: Option<i64>,
    /// Answers longer than so many bytes end with error 13.
    pub bytes_max: Option<usize>,
    /// Of the calls inside, each of this number fails with error 10.
    pub fails_each: Option<usize>,
    /// Calls inside so far.
    pub calls: usize,
}

/// What happens in the world just before a call is answered: the world, the number of the call,
/// now.
pub type OnCall = Box<dyn FnMut(&mut World, usize, Timestamp) + Send>;

/// The server.
pub struct PlayVk {
    /// Walls and people.
    pub world: World,
    /// Known tokens; while empty, any token is a service key.
    pub tokens: BTreeMap<String, Token>,
    /// Calls a day by method; more answer with error 29.
    pub per_day: BTreeMap<String, u32>,
    /// What goes wrong, by number of the call.
    pub faults: BTreeMap<usize, Fault>,
    /// What goes wrong with `execute`.
    pub execute: ExecutePlay,
    /// The Long Poll of communities whose token somebody holds.
    pub poll: PollPlay,
    /// Where the poll is told to be; empty: at the host that was asked.
    pub poll_host: String,
    /// Hook before each call.
    pub on_call: Option<OnCall>,
    /// All calls so far.
    pub log: Vec<Logged>,
    recent: BTreeMap<String, VecDeque<Timestamp>>,
    today: BTreeMap<(String, String), (i64, u32)>,
}

impl Default for PlayVk {
    fn default() -> Self {
        Self::new()
    }
}

/// An error of the API.
pub(super) struct Refusal {
    pub code: i64,
    pub message: String,
}

pub(super) fn refusal(code: i64, message: &str) -> Refusal {
    Refusal { code, message: message.to_owned() }
}

impl PlayVk {
    /// An empty VK with VK's limits.
    #[must_use]
    pub fn new() -> Self {
        PlayVk {
            world: World::default(),
            tokens: BTreeMap::new(),
            per_day: BTreeMap::from([("wall.get".to_owned(), 5_000)]),
            faults: BTreeMap::new(),
            execute: ExecutePlay::default(),
            poll: PollPlay::default(),
            poll_host: String::new(),
            on_call: None,
            log: Vec::new(),
            recent: BTreeMap::new(),
            today: BTreeMap::new(),
        }
    }

    /// Lets the next call that has no fault yet go wrong.
    pub fn fail_next(&mut self, fault: Fault) {
        let mut number = self.log.len() + 1;
        while self.faults.contains_key(&number) {
            number += 1;
        }
        self.faults.insert(number, fault);
    }

    /// Calls of a method so far.
    #[must_use]
    pub fn calls(&self, method: &str) -> usize {
        self.log.iter().filter(|call| call.method == method).count()
    }

    /// The most calls of the API, the Long Poll of communities apart, that fell into one second,
    /// both ends included.
    #[must_use]
    pub fn busiest_second(&self) -> usize {
        let poll = ["a_check", "groups.getLongPollServer"];
        let calls = self.log.iter().filter(|call| !poll.contains(&call.method.as_str()));
        busiest(calls.map(|call| call.at))
    }

    fn token(&self, name: &str) -> Result<Token, Refusal> {
        let dead = || refusal(5, "User authorization failed: invalid access_token (4).");
        match self.tokens.get(name) {
            Some(Token::Dead) => Err(dead()),
            Some(token) => Ok(*token),
            None if self.tokens.is_empty() => Ok(Token::Service),
            None => Err(dead()),
        }
    }

    fn admit(&mut self, ask: &Ask, method: &str, now: Timestamp) -> Result<Token, Refusal> {
        let header = ask.header("authorization").and_then(|it| it.strip_prefix("Bearer "));
        let Some(name) = header.or_else(|| ask.param("access_token")).filter(|it| !it.is_empty())
        else {
            return Err(refusal(5, "User authorization failed: no access_token passed."));
        };
        version(ask)?;
        let token = self.token(name)?;
        let recent = self.recent.entry(name.to_owned()).or_default();
        while recent.front().is_some_and(|at| second_before(now) >= *at) {
            recent.pop_front();
        }
        if recent.len() >= token.per_second() {
            return Err(refusal(6, "Too many requests per second"));
        }
        recent.push_back(now);
        let walls =
            ["wall.", "board.", "photos.", "video."].iter().any(|it| method.starts_with(it));
        match token {
            Token::Community if walls => {
                return Err(refusal(
                    27,
                    "Group authorization failed: method is unavailable with group auth.",
                ));
            }
            Token::Service | Token::User if method == "groups.getLongPollServer" => {
                return Err(refusal(15, "Access denied: no access to call this method"));
            }
            Token::Service if method == "execute" => {
                return Err(refusal(
                    28,
                    "Application authorization failed: method is unavailable with service token.",
                ));
            }
            Token::Service
                if method == "wall.getComment"
                    || method.starts_with("photos.")
                    || method.starts_with("video.") =>
            {
                return Err(refusal(15, "Access denied: no access to call this method"));
            }
            _ => {}
        }
        if let Some(most) = self.per_day.get(method) {
            let day = (now.as_second() + 3 * 3600).div_euclid(86_400);
            let used = self.today.entry((name.to_owned(), method.to_owned())).or_default();
            if used.0 != day {
                *used = (day, 0);
            }
            if used.1 >= *most {
                return Err(refusal(29, "Rate limit reached"));
            }
            used.1 += 1;
        }
        Ok(token)
    }

    fn respond(&mut self, ask: &Ask, method: &str, now: Timestamp) -> Result<Value, Refusal> {
        self.admit(ask, method, now)?;
        if method == "execute" {
            return self.execute(ask, now);
        }
        if method == "groups.getLongPollServer" {
            let host = match self.poll_host.as_str() {
                "" => "https://lp.vk.ru".to_owned(),
                host => host.to_owned(),
            };
            return poll::server(&mut self.poll, &self.world, ask, &host, now);
        }
        methods::answer(&self.world, ask, method, now)
    }
}

impl PlayVk {
    /// Runs a script that is a list of calls, the only kind this VK understands. Between two calls
    /// the world goes on.
    fn execute(&mut self, ask: &Ask, now: Timestamp) -> Result<Value, Refusal> {
        if let Some(code) = self.execute.refused {
            return Err(refusal(code, "Planned"));
        }
        let code = ask.param("code").unwrap_or_default();
        let calls = script(code).ok_or_else(|| refusal(12, "Unable to compile code"))?;
        if calls.len() > 25 {
            return Err(refusal(13, "Runtime error: too many API calls"));
        }
        let (mut answers, mut errors) = (Vec::new(), Vec::new());
        for (at, (method, mut params)) in calls.into_iter().enumerate() {
            if at > 0
                && let Some(mut hook) = self.on_call.take()
            {
                hook(&mut self.world, self.log.len() + 1, now);
                self.on_call = Some(hook);
            }
            params.push(("v".to_owned(), ask.param("v").unwrap_or_default().to_owned()));
            let inner = Ask { params, ..ask.clone() };
            self.execute.calls += 1;
            let calls = self.execute.calls;
            let fails = self.execute.fails_each.is_some_and(|n| calls.is_multiple_of(n));
            let given = match fails {
                true => Err(refusal(10, "Internal server error")),
                false => methods::answer(&self.world, &inner, &method, now),
            };
            answers.push(given.unwrap_or_else(|refusal| {
                errors.push(json!({
                    "method": method,
                    "error_code": refusal.code,
                    "error_msg": refusal.message,
                }));
                Value::Bool(false)
            }));
        }
        let body = json!({ "response": answers, "execute_errors": errors });
        if self.execute.bytes_max.is_some_and(|most| body.to_string().len() > most) {
            return Err(refusal(13, "Runtime error: response size is too big"));
        }
        Ok(body)
    }
}

/// Method and parameters of one call of a script.
type Inner = (String, Vec<(String, String)>);

/// The calls of `return [API.method({…}),…];`; none if it is anything else.
fn script(code: &str) -> Option<Vec<Inner>> {
    let mut rest = code.strip_prefix("return [")?.strip_suffix("];")?;
    let mut calls = Vec::new();
    while !rest.is_empty() {
        let (method, tail) = rest.strip_prefix("API.")?.split_once('(')?;
        let (params, tail) = tail.split_once(')')?;
        let Ok(Value::Object(params)) = serde_json::from_str(params) else { return None };
        let text = |value: Value| match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        let params = params.into_iter().map(|(name, value)| (name, text(value))).collect();
        calls.push((method.to_owned(), params));
        rest = tail.strip_prefix(',').unwrap_or(tail);
    }
    Some(calls)
}

impl Play for PlayVk {
    fn answer(&mut self, ask: &Ask, now: Timestamp) -> Reply {
        let number = self.log.len() + 1;
        let polled = ask.path.contains("/poll/");
        let method = match polled {
            true => "a_check".to_owned(),
            false => ask.path.rsplit('/').next().unwrap_or_default().to_owned(),
        };
        if let Some(mut hook) = self.on_call.take() {
            hook(&mut self.world, number, now);
            self.on_call = Some(hook);
        }
        let fault = self.faults.remove(&number);
        let given = match &fault {
            Some(Fault::Code(code)) => Err(refusal(*code, "Planned")),
            _ if polled => poll::check(&self.poll, &self.world, ask, now),
            _ => self.respond(ask, &method, now),
        };
        let params = ask.params.iter().filter(|(name, _)| name != "access_token");
        let error = given.as_ref().err().map(|refusal| refusal.code);
        self.log.push(Logged { number, method, params: params.cloned().collect(), at: now, error });
        let body = match given {
            Ok(events) if polled => events,
            // It has its own frame: what failed inside stands beside the response.
            Ok(executed) if executed.get("execute_errors").is_some() => executed,
            Ok(response) => json!({ "response": response }),
            Err(refusal) => json!({ "error": error_body(&refusal, ask) }),
        };
        let reply = Reply::ok("application/json; charset=utf-8", body.to_string());
        let html = "<html><body><h1>Bad gateway</h1></body></html>";
        match (fault, reply) {
            (Some(Fault::Status(status)), _) => Reply::status(status, "text/html", html),
            (Some(Fault::Html), _) => Reply::ok("text/html", html),
            (Some(Fault::Body(body)), _) => Reply::ok("application/json", body),
            (Some(Fault::Cut(bytes)), Reply::Answer(response)) => Reply::Cut(response, bytes),
            (Some(Fault::Reset), _) => Reply::Reset,
            (Some(Fault::Hang), _) => Reply::Hang,
            (_, reply) => reply,
        }
    }
}

fn version(ask: &Ask) -> Result<(), Refusal> {
    let Some(given) = ask.param("v") else {
        return Err(refusal(8, "Invalid request: v (version) is required"));
    };
    if methods::version(given) < (5, 81) {
        return Err(refusal(8, "Invalid request: versions below 5.81 are deprecated"));
    }
    Ok(())
}

/// The body of an error. Like old recordings of VK it repeats the token among the parameters.
fn error_body(refusal: &Refusal, ask: &Ask) -> Value {
    let mut params: Vec<Value> =
        ask.params.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
    if let Some(token) = ask.header("authorization") {
        params.push(json!({ "key": "access_token", "value": token.trim_start_matches("Bearer ") }));
    }
    let mut body = json!({
        "error_code": refusal.code,
        "error_msg": refusal.message,
        "request_params": params,
    });
    let page = "https://id.vk.com/not_robot_captcha?session_token=MADE_UP&variant=popup";
    let extra = match refusal.code {
        14 => json!({
            "captcha_sid": "100500",
            "captcha_img": "https://api.vk.com/captcha.php?sid=100500",
            "captcha_ts": 1.5e9,
            "captcha_attempt": 1,
            "is_sound_captcha_available": true,
            "redirect_uri": page,
        }),
        17 => json!({ "redirect_uri": "https://id.vk.com/validate?hash=MADE_UP" }),
        _ => json!({}),
    };
    if let (Value::Object(body), Value::Object(extra)) = (&mut body, extra) {
        body.extend(extra);
    }
    body
}
