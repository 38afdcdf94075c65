//! A local OK: groups, topics, discussions, signed requests, limits and faults of the true API.
//!
//! Place in the flow: outside it; model tests and the simulated district ask it instead of OK.
//! Invariants: answers depend on the world, the request and `now` alone; errors come with HTTP 200,
//! the header `Invocation-Error` and no frame, as OK's do; success has no frame either.

mod methods;
mod world;

pub use world::{Comment, Group, Life, MOVIE, PHOTO, TOPIC, Topic, World};

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::Timestamp;
use serde_json::{Value, json};

pub use super::log::Logged;
use super::log::{busiest, second_before};
use super::{Ask, Play, Reply};

/// Something that goes wrong with one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// An error of the API with this code, HTTP 200.
    Code(i64),
    /// Another HTTP status with a page of HTML.
    Status(u16),
    /// HTML with HTTP 200, as the token service answers.
    Html,
    /// This text instead of the answer, HTTP 200.
    Body(String),
    /// The answer cut short by the server itself: a whole 200 with so many bytes.
    Short(usize),
    /// The answer is announced whole and cut after so many bytes.
    Cut(usize),
    /// The connection is closed.
    Reset,
    /// No answer ever comes.
    Hang,
}

/// What happens in the world just before a call is answered: the world, the number of the call,
/// now.
pub type OnCall = Box<dyn FnMut(&mut World, usize, Timestamp) + Send>;

/// How the server pages; OK documents none of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Paging {
    /// An anchor is a position, so pages move apart when something before it comes or goes;
    /// otherwise it is the last element shown.
    pub positions: bool,
    /// `has_more` is left out; the last page repeats the anchor it was asked with.
    pub no_has_more: bool,
    /// Ids are numbers, not texts.
    pub numbers: bool,
    /// Anchors are no longer taken so many seconds after they were given.
    pub anchor_secs: Option<i64>,
}

/// The server.
pub struct PlayOk {
    /// Groups and people.
    pub world: World,
    /// The application's public key.
    pub application_key: String,
    /// The token that is taken.
    pub access_token: String,
    /// Its secret.
    pub session_secret: String,
    /// The token has expired.
    pub expired: bool,
    /// Rights that the application has.
    pub rights: BTreeSet<String>,
    /// How pages follow each other.
    pub paging: Paging,
    /// Answers about topics by id show none of them while a group has a few living ones: with none
    /// that the walk can have shown, nobody could tell such an answer from a true one.
    pub blank_by_ids: bool,
    /// Calls a second; more answer with error 8.
    pub per_second: usize,
    /// Calls a day by method; more answer with error 11.
    pub per_day: BTreeMap<String, u32>,
    /// What goes wrong, by number of the call.
    pub faults: BTreeMap<usize, Fault>,
    /// Hook before each call.
    pub on_call: Option<OnCall>,
    /// All calls so far.
    pub log: Vec<Logged>,
    recent: VecDeque<Timestamp>,
    today: BTreeMap<String, (i64, u32)>,
}

impl Default for PlayOk {
    fn default() -> Self {
        Self::new()
    }
}

/// An error of the API.
pub(super) struct Refusal {
    code: i64,
    message: String,
}

pub(super) fn refusal(code: i64, message: &str) -> Refusal {
    Refusal { code, message: message.to_owned() }
}

impl PlayOk {
    /// An empty OK with keys `MADEUPAPPKEY`, `MADEUPTOKEN`, `MADEUPSECRET` and all rights.
    #[must_use]
    pub fn new() -> Self {
        let rights = ["VALUABLE_ACCESS", "GROUP_CONTENT"];
        PlayOk {
            world: World::default(),
            application_key: "MADEUPAPPKEY".to_owned(),
            access_token: "MADEUPTOKEN".to_owned(),
            session_secret: "MADEUPSECRET".to_owned(),
            expired: false,
            rights: rights.map(str::to_owned).into(),
            paging: Paging::default(),
            blank_by_ids: false,
            per_second: 3,
            per_day: BTreeMap::new(),
            faults: BTreeMap::new(),
            on_call: None,
            log: Vec::new(),
            recent: VecDeque::new(),
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

    /// The most calls that fell into one second, both ends included.
    #[must_use]
    pub fn busiest_second(&self) -> usize {
        busiest(self.log.iter().map(|call| call.at))
    }

    fn admit(&mut self, ask: &Ask, method: &str, now: Timestamp) -> Result<(), Refusal> {
        match ask.param("application_key") {
            None | Some("") => return Err(refusal(101, "PARAM_API_KEY : No application key")),
            Some(key) if key != self.application_key => {
                return Err(refusal(101, "PARAM_API_KEY : Application not exist"));
            }
            Some(_) => {}
        }
        if ask.param("sig") != Some(&self.signature(&ask.params)) {
            return Err(refusal(104, "PARAM_SIGNATURE : Invalid signature"));
        }
        match ask.param("access_token") {
            None => return Err(refusal(453, "AUTH_REQUIRED : Session is required")),
            Some(token) if token != self.access_token => {
                return Err(refusal(103, "PARAM_SESSION_KEY : Invalid session key"));
            }
            Some(_) if self.expired => {
                return Err(refusal(102, "PARAM_SESSION_EXPIRED : Session expired"));
            }
            Some(_) => {}
        }
        while self.recent.front().is_some_and(|at| second_before(now) >= *at) {
            self.recent.pop_front();
        }
        if self.recent.len() >= self.per_second {
            return Err(refusal(8, "FLOOD_BLOCKED : Too many calls"));
        }
        self.recent.push_back(now);
        let right = match method.split('.').next() {
            Some("mediatopic" | "group") => "GROUP_CONTENT",
            _ => "VALUABLE_ACCESS",
        };
        if !self.rights.contains(right) {
            return Err(refusal(10, "PERMISSION_DENIED : Application has no permission"));
        }
        if let Some(most) = self.per_day.get(method) {
            let day = (now.as_second() + 3 * 3600).div_euclid(86_400);
            let used = self.today.entry(method.to_owned()).or_default();
            if used.0 != day {
                *used = (day, 0);
            }
            if used.1 >= *most {
                return Err(refusal(11, "LIMIT_REACHED : Method call limit reached"));
            }
            used.1 += 1;
        }
        Ok(())
    }

    /// The signature that fits: written apart from the collector's, so that a fault in one shows.
    fn signature(&self, params: &[(String, String)]) -> String {
        let unsigned = ["sig", "access_token", "session_key"];
        let sorted: BTreeMap<&str, &str> = params
            .iter()
            .filter(|(name, _)| !unsigned.contains(&name.as_str()))
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let mut text = String::new();
        for (name, value) in sorted {
            text.push_str(&format!("{name}={value}"));
        }
        text.push_str(&self.session_secret);
        format!("{:x}", md5::compute(text))
    }

    fn respond(&mut self, ask: &Ask, method: &str, now: Timestamp) -> Result<Value, Refusal> {
        self.admit(ask, method, now)?;
        let few = |group: &Group| group.shown(now).len() > 3;
        let blank = self.blank_by_ids && self.world.groups.values().any(few);
        if blank && method == "mediatopic.getByIds" {
            return Ok(json!({ "media_topics": [] }));
        }
        methods::answer(&self.world, self.paging, ask, method, now)
    }
}

impl Play for PlayOk {
    fn answer(&mut self, ask: &Ask, now: Timestamp) -> Reply {
        let html = "<html><head><title>Apache Tomcat/7.0.57 - Error report</title></head></html>";
        if ask.path != "/fb.do" {
            return Reply::status(404, "text/html;charset=utf-8", html);
        }
        let number = self.log.len() + 1;
        let method = ask.param("method").unwrap_or_default().to_owned();
        if let Some(mut hook) = self.on_call.take() {
            hook(&mut self.world, number, now);
            self.on_call = Some(hook);
        }
        let fault = self.faults.remove(&number);
        let given = match &fault {
            Some(Fault::Code(code)) => Err(refusal(*code, "PLANNED : planned")),
            _ => self.respond(ask, &method, now),
        };
        let params = ask.params.iter().filter(|(name, _)| name != "access_token");
        let error = given.as_ref().err().map(|refusal| refusal.code);
        self.log.push(Logged { number, method, params: params.cloned().collect(), at: now, error });
        let kind = "application/json;charset=utf-8";
        let mut reply = match &given {
            Ok(payload) => Reply::ok(kind, payload.to_string()),
            Err(refusal) => Reply::ok(
                kind,
                json!({
                    "error_code": refusal.code,
                    "error_msg": refusal.message,
                    "error_data": null,
                })
                .to_string(),
            ),
        };
        if let (Err(refusal), Reply::Answer(response)) = (&given, &mut reply) {
            let header = ("invocation-error".to_owned(), refusal.code.to_string());
            response.headers.push(header);
        }
        match (fault, reply) {
            (Some(Fault::Status(status)), _) => Reply::status(status, "text/html", html),
            (Some(Fault::Html), _) => Reply::ok("text/html;charset=utf-8", html),
            (Some(Fault::Body(body)), _) => Reply::ok(kind, body),
            (Some(Fault::Short(bytes)), Reply::Answer(mut response)) => {
                response.body.truncate(bytes);
                Reply::Answer(response)
            }
            (Some(Fault::Cut(bytes)), Reply::Answer(response)) => Reply::Cut(response, bytes),
            (Some(Fault::Reset), _) => Reply::Reset,
            (Some(Fault::Hang), _) => Reply::Hang,
            (_, reply) => reply,
        }
    }
}
