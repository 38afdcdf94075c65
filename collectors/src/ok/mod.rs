//! OK (Odnoklassniki): topics of groups, talk below photos and films, comments.
//!
//! Place in the flow: one [`Collector`]; `place` finds the group, `look`, `listing` and `reading`
//! say what to ask next, `call` asks, `adapt` takes people out. Each page is one call of the API.
//!
//! How a look goes: pages of topics from the newest back to the horizon; the photos and films that
//! people talk below; after each page the comments of what changed its number of comments, or whose
//! last reading has faded; at last, by id, what the window should hold and the walk did not show. A
//! quiet look makes the calls of the two lists alone.
//!
//! Invariants: keys travel in the body of a request only; a bad answer changes nothing; nothing is
//! gone without an explicit answer or two whole listings.

pub mod errors;

mod adapt;
mod call;
mod cursor;
mod ids;
mod listing;
mod look;
mod place;
mod reading;
mod rights;
mod sign;
mod wire;

use std::fmt;
use std::sync::atomic::AtomicI64;

use async_trait::async_trait;
use jiff::Timestamp;
use tracing::debug;

pub use self::sign::signature;

use self::adapt::Adapter;
use self::call::{Api, Fault};
use self::cursor::State;
use self::look::{Pass, Step};
use self::reading::Refusal;
use crate::error::{Class, CollectError, Scope};
use crate::http::host_of;
use crate::ports::Ports;
use crate::raw::{Cursor, Page, Platform, SourceSpec};
use crate::{ADMIT_SECS, Collector};

/// OK's code of a request that it finds fault with, an old anchor for example.
const BAD_PARAM: i64 = 100;
/// How OK is reached. All three keys stand in one window of the application's settings.
#[derive(Clone, PartialEq, Eq)]
pub struct OkSettings {
    /// Address of the API, for example `https://api.ok.ru/fb.do`; `/fb.do` may be left out.
    pub api_url: String,
    /// The application's public key.
    pub application_key: String,
    /// The eternal token of the application's owner.
    pub access_token: String,
    /// The secret that belongs to the token, with which requests are signed.
    pub session_secret: String,
}

impl OkSettings {
    /// OK's own address.
    #[must_use]
    pub fn new(
        application_key: impl Into<String>,
        access_token: impl Into<String>,
        session_secret: impl Into<String>,
    ) -> Self {
        OkSettings {
            api_url: "https://api.ok.ru/fb.do".to_owned(),
            application_key: application_key.into(),
            access_token: access_token.into(),
            session_secret: session_secret.into(),
        }
    }
}

impl fmt::Debug for OkSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OkSettings")
            .field("api_url", &self.api_url)
            .field("application_key", &"…")
            .field("access_token", &"…")
            .field("session_secret", &"…")
            .finish()
    }
}

/// Reads OK.
pub struct Odnoklassniki {
    settings: OkSettings,
    host: String,
    ports: Ports,
    slow_until: AtomicI64,
}

impl Odnoklassniki {
    /// A reader with these settings.
    #[must_use]
    pub fn new(settings: OkSettings, ports: Ports) -> Self {
        let host = host_of(&settings.api_url).unwrap_or_else(|| "ok".to_owned());
        Odnoklassniki { settings, host, ports, slow_until: AtomicI64::new(0) }
    }

    fn api(&self) -> Api<'_> {
        Api {
            settings: &self.settings,
            host: &self.host,
            ports: &self.ports,
            slow_until: &self.slow_until,
        }
    }

    /// The source's memory, with its group found and admitted. A group may be closed later, and be
    /// shown to our account all the same: so it is admitted anew every day.
    async fn state(
        &self,
        source: &SourceSpec,
        cursor: Option<&Cursor>,
    ) -> Result<State, CollectError> {
        let state = State::read(cursor, &source.handle);
        let learned = source.platform_id.as_deref().and_then(|id| id.parse::<i64>().ok());
        let now = self.ports.clock.now().as_second();
        let group = match (learned, &state) {
            (Some(group), _) => group,
            (None, Some(state)) => state.group,
            (None, None) => place::find(&self.api(), source).await?,
        };
        let same = state.filter(|state| state.group == group);
        // Where nothing is remembered, the number was learned when it was admitted.
        let mut state = same.unwrap_or_else(|| State::new(&source.handle, group, now));
        if now - state.admitted >= ADMIT_SECS {
            place::admit(&self.api(), group).await?;
            state.admitted = now;
        }
        Ok(state)
    }

    /// Makes the call of a step and takes its answer.
    async fn make(&self, pass: &mut Pass<'_>, step: Step) -> Result<(), CollectError> {
        let api = self.api();
        let group = pass.state.group;
        match step {
            Step::Topics { anchor } => {
                let params = topics_params(group, anchor.as_deref());
                match api.call("mediatopic.getTopics", &params).await {
                    Ok(answer) => pass.topics(answer),
                    Err(fault) if fault.code == Some(BAD_PARAM) && pass.walk_again(true) => {}
                    Err(fault) => return Err(fault.error),
                }
            }
            Step::Discussions { anchor } => {
                let params = list_params(anchor.as_deref());
                match api.call("discussions.getList", &params).await {
                    Ok(answer) => pass.discussions(answer),
                    Err(fault) if fault.code == Some(BAD_PARAM) && pass.walk_again(false) => {}
                    Err(fault) if refuses(&fault) => pass.no_list(),
                    Err(fault) if limits(&fault) => pass.look.photos.done = true,
                    Err(fault) => return Err(fault.error),
                }
            }
            Step::ByIds { missed, proofs } => {
                let params = by_id_params(&missed, &proofs);
                match api.call("mediatopic.getByIds", &params).await {
                    Ok(answer) => pass.by_ids(&missed, &proofs, answer),
                    Err(fault) if fault.error.class == Class::Gone && fault.code.is_some() => {
                        pass.no_such_topics(&missed);
                    }
                    Err(fault) if refuses(&fault) => pass.not_told(&missed),
                    Err(fault) => return Err(fault.error),
                }
            }
            Step::Discussion { thing } => {
                let params = [
                    ("discussionId", thing.id.to_string()),
                    ("discussionType", thing.kind.object_type().to_owned()),
                    ("fields", "discussion.*".to_owned()),
                ];
                match api.call::<wire::OneDiscussion>("discussions.get", &params).await {
                    Ok(answer) => pass.discussion(thing, &answer.discussion),
                    Err(fault) if fault.code.is_some() && refuses(&fault) => {
                        pass.no_discussion(thing, fault.error.class == Class::Gone);
                    }
                    Err(fault) => return Err(fault.error),
                }
            }
            Step::Comments { thing, anchor, back } => {
                let params = comment_params(thing, anchor.as_deref(), back);
                match api.call("discussions.getComments", &params).await {
                    Ok(answer) => pass.comments(answer),
                    Err(fault) if fault.code == Some(BAD_PARAM) && pass.read_again() => {}
                    Err(fault) => refused(pass, fault)?,
                }
            }
            Step::Finish => {}
        }
        Ok(())
    }
}

#[async_trait]
impl Collector for Odnoklassniki {
    fn platform(&self) -> Platform {
        Platform::Ok
    }

    async fn page(
        &self,
        source: &SourceSpec,
        cursor: Option<&Cursor>,
        horizon: Timestamp,
    ) -> Result<Page, CollectError> {
        let state = self.state(source, cursor).await?;
        let group = state.group;
        let adapter = Adapter { source, group, door: &self.ports.door };
        let mut pass = Pass::begin(state, adapter, self.ports.clock.now(), horizon);
        let step = pass.next();
        self.make(&mut pass, step).await?;
        let more = pass.next() != Step::Finish;
        let (state, mut draft) = if more { pass.pause() } else { pass.finish() };
        draft.facts.platform_id = Some(group.to_string());
        debug!(posts = draft.posts.len(), gone = draft.gone.len(), more, "ok page read");
        Ok(Page {
            posts: draft.posts,
            gone: draft.gone,
            gone_below: draft.gone_below,
            cursor: state.write(),
            more,
            facts: draft.facts,
        })
    }

    fn under_way(&self, source: &SourceSpec, cursor: &Cursor) -> bool {
        State::read(Some(cursor), &source.handle).is_some_and(|state| state.look.is_some())
    }

    async fn prove(&self) -> Result<String, CollectError> {
        // A page of OK's own; what it is does not matter, only that the keys may ask.
        let params = [("url", "https://ok.ru/apiok".to_owned())];
        self.api().call::<wire::UrlInfo>("url.getInfo", &params).await?;
        Ok("ОК: ключи приняты, подпись верна".to_owned())
    }

    async fn rights(&self, source: &SourceSpec) -> Vec<Result<String, CollectError>> {
        rights::examine(&self.api(), source).await
    }
}

fn topics_params(group: i64, anchor: Option<&str>) -> Vec<(&'static str, String)> {
    let mut params = vec![
        ("gid", group.to_string()),
        ("filter", "GROUP_TOPICS".to_owned()),
        ("count", listing::PAGE.to_string()),
        ("direction", "FORWARD".to_owned()),
        ("fields", "media_topic.*".to_owned()),
    ];
    params.extend(anchor.map(|anchor| ("anchor", anchor.to_owned())));
    params
}

fn by_id_params(missed: &[i64], proofs: &[i64]) -> Vec<(&'static str, String)> {
    let ids: Vec<String> = missed.iter().chain(proofs).map(i64::to_string).collect();
    vec![
        ("topic_ids", ids.join(",")),
        ("media_limit", "3".to_owned()),
        ("fields", "media_topic.*".to_owned()),
    ]
}

fn list_params(anchor: Option<&str>) -> Vec<(&'static str, String)> {
    let mut params = vec![
        ("types", "GROUP_PHOTO,GROUP_MOVIE".to_owned()),
        ("count", listing::PAGE.to_string()),
        ("direction", "FORWARD".to_owned()),
        ("fields", "discussion.*".to_owned()),
    ];
    params.extend(anchor.map(|anchor| ("anchor", anchor.to_owned())));
    params
}

/// A page of comments; the first one begins at the end that the direction leads away from.
fn comment_params(
    thing: ids::Thing,
    anchor: Option<&str>,
    back: bool,
) -> Vec<(&'static str, String)> {
    let (direction, end) = if back { ("BACKWARD", "LAST") } else { ("FORWARD", "FIRST") };
    vec![
        ("discussionId", thing.id.to_string()),
        ("discussionType", thing.kind.object_type().to_owned()),
        ("direction", direction.to_owned()),
        ("anchor", anchor.unwrap_or(end).to_owned()),
        ("count", reading::PAGE.to_string()),
        ("fields", "comment.*".to_owned()),
        ("mark_as_read", "false".to_owned()),
    ]
}

/// Whether OK itself says that this is not for us, or not there.
fn refuses(fault: &Fault) -> bool {
    let ours = matches!(fault.error.class, Class::NoAccess | Class::Gone | Class::NeedsPerson);
    fault.code.is_some() && ours && fault.error.scope == Scope::Source
}

/// Whether only this method has to rest.
fn limits(fault: &Fault) -> bool {
    matches!(fault.error.class, Class::Quota | Class::RateLimited | Class::Ours)
        && fault.error.scope == Scope::Method
}

/// Decides whether a refusal concerns this thing alone, comments as a whole, or everything.
fn refused(pass: &mut Pass<'_>, fault: Fault) -> Result<(), CollectError> {
    let error = &fault.error;
    match (error.class, error.scope) {
        (Class::NoAccess, Scope::Source) if matches!(fault.code, Some(702..=706)) => {
            pass.refused(Refusal::Closed);
        }
        (Class::NoAccess | Class::Gone, Scope::Source) if fault.code.is_some() => {
            pass.refused(Refusal::Denied);
        }
        (Class::Ours, Scope::Source) if fault.code.is_some() => pass.refused(Refusal::Odd),
        (Class::NeedsPerson, Scope::Source) => pass.mute(look::REFUSED_SECS),
        _ if limits(&fault) => pass.mute(0),
        _ => return Err(fault.error),
    }
    Ok(())
}
