//! VK: walls of communities and their comments, read by a service or user token.
//!
//! Place in the flow: one [`Collector`]; `place` finds the wall, `look` and `reading` say what to
//! ask next, `call` asks, `adapt` takes people out. Each page is one call of the API.
//!
//! How a look goes: pages of the wall from the newest post back to the horizon, overlapping by a
//! tenth; after each of them the comments of those posts whose number of comments changed, or whose
//! last reading has faded; then the posts of the window that the walk did not show, and numbers
//! that it jumped over, by number; now and then older posts, by number, for what is said below them
//! late (`late`); at last, now and then, the talk besides the wall (`talk`):
//! discussions, and with a user's token, in communities we run ourselves, comments of photos and
//! videos. A quiet look makes the calls of the wall alone. With a user's token the comments of
//! several posts come by one call (`execute`).
//!
//! Invariants: the token is sent in a header only; a bad answer changes nothing; nothing is gone
//! without an explicit answer.

pub mod errors;

mod adapt;
mod call;
mod coverage;
mod cursor;
mod execute;
mod ids;
mod late;
mod look;
mod place;
mod poll;
mod reading;
mod talk;
mod wire;

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;
use tracing::{debug, info};

pub use self::call::WALL_GET_PER_DAY;

use self::adapt::Adapter;
use self::call::{Api, Fault};
use self::cursor::State;
use self::execute::Batch;
use self::look::{PAGE, Pass, Step};
use self::poll::Poller;
use self::reading::Refusal;
use self::talk::{Listing, Side};
use crate::error::{Class, CollectError, Scope};
use crate::http::host_of;
use crate::ports::Ports;
use crate::raw::{Cursor, Page, Platform, SourceSpec};
use crate::{ADMIT_SECS, Collector};

/// What kind of token reads VK.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TokenKind {
    /// Service key of an application: 5 calls a second.
    #[default]
    Service,
    /// Token of a user: 3 calls a second.
    User,
}

impl TokenKind {
    /// The word used in settings and budgets.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            TokenKind::Service => "service",
            TokenKind::User => "user",
        }
    }

    /// Least time between two calls. A little more than a fifth (a third) of a second: of evenly
    /// spaced calls six (four) must not fall into one second of VK's even when the network delays
    /// the first of them by 100 (80) milliseconds.
    #[must_use]
    pub fn spacing_ms(self) -> u32 {
        match self {
            TokenKind::Service => 220,
            TokenKind::User => 360,
        }
    }
}

/// How VK is reached.
#[derive(Clone, PartialEq, Eq)]
pub struct VkSettings {
    /// Prefix before `/wall.get`, for example `https://api.vk.ru/method`.
    pub api_url: String,
    /// Service key or user token.
    pub token: String,
    /// Version of the API.
    pub version: String,
    /// What the token is.
    pub token_kind: TokenKind,
    /// Communities we run ourselves, with their own tokens: the Long Poll tells what changed there.
    pub communities: Vec<OwnCommunity>,
}

/// A community we run ourselves.
#[derive(Clone, PartialEq, Eq)]
pub struct OwnCommunity {
    /// Its number, positive.
    pub group: i64,
    /// Its token, with the right to manage the community; or why there is none, in Russian.
    pub token: Result<String, String>,
}

impl OwnCommunity {
    /// Least time between two calls, in milliseconds: 20 calls a second, with room for a network
    /// that delays one of them.
    const SPACING_MS: u32 = 60;
}

impl VkSettings {
    /// VK's own address and the version this was written for.
    #[must_use]
    pub fn new(token: impl Into<String>) -> Self {
        VkSettings {
            api_url: "https://api.vk.ru/method".to_owned(),
            token: token.into(),
            version: "5.199".to_owned(),
            token_kind: TokenKind::Service,
            communities: Vec::new(),
        }
    }
}

impl fmt::Debug for VkSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VkSettings")
            .field("api_url", &self.api_url)
            .field("token", &"…")
            .field("version", &self.version)
            .field("token_kind", &self.token_kind)
            .field("communities", &self.communities.len())
            .finish()
    }
}

/// Reads VK.
pub struct Vk {
    settings: VkSettings,
    host: String,
    ports: Ports,
    poller: Poller,
    batch: Batch,
}

impl Vk {
    /// A reader with these settings.
    #[must_use]
    pub fn new(settings: VkSettings, ports: Ports) -> Self {
        let host = host_of(&settings.api_url).unwrap_or_else(|| "vk".to_owned());
        Vk { settings, host, ports, poller: Poller::default(), batch: Batch::default() }
    }

    fn api(&self) -> Api<'_> {
        Api {
            settings: &self.settings,
            token: &self.settings.token,
            name: self.settings.token_kind.name().to_owned(),
            spacing_ms: self.settings.token_kind.spacing_ms(),
            host: &self.host,
            ports: &self.ports,
        }
    }

    /// The API as the community itself sees it, if we run it.
    fn own(&self, owner: i64) -> Option<Api<'_>> {
        let own = self.settings.communities.iter().find(|own| -own.group == owner)?;
        let token = own.token.as_ref().ok()?;
        let name = format!("community{}", own.group);
        let spacing_ms = OwnCommunity::SPACING_MS;
        Some(Api { token, name, spacing_ms, ..self.api() })
    }

    /// What the health of a source says of its events, if they do not come.
    fn without_events(&self, owner: i64) -> Option<String> {
        let own = self.settings.communities.iter().find(|own| -own.group == owner)?;
        let trouble = own.token.as_ref().err()?;
        Some(no_events(own.group, trouble))
    }

    /// The source's memory, with its wall found and admitted. A page may be closed later, and be
    /// shown to our token all the same: so it is admitted anew every day.
    async fn state(
        &self,
        source: &SourceSpec,
        cursor: Option<&Cursor>,
    ) -> Result<State, CollectError> {
        let state = State::read(cursor, &source.handle);
        let learned = source.platform_id.as_deref().and_then(|id| id.parse::<i64>().ok());
        let now = self.ports.clock.now().as_second();
        let owner = match (learned, &state) {
            (Some(owner), _) => owner,
            (None, Some(state)) => state.owner,
            (None, None) => place::find(&self.api(), source).await?,
        };
        place::admit_kind(source, owner)?;
        let same = state.filter(|state| state.owner == owner);
        // Where nothing is remembered, the number was learned when it was admitted.
        let mut state = same.unwrap_or_else(|| State::new(&source.handle, owner, now));
        if now - state.admitted >= ADMIT_SECS {
            place::admit(&self.api(), owner).await?;
            state.admitted = now;
        }
        Ok(state)
    }

    /// Makes the call of a step and takes its answer.
    async fn make(&self, pass: &mut Pass<'_>, step: Step) -> Result<(), CollectError> {
        let owner = pass.state.owner;
        let api = self.api();
        match step {
            Step::Hints => self.make_hints(pass).await,
            Step::Wall { offset } => {
                let answer = api.call("wall.get", &wall_params(owner, offset)).await?;
                pass.wall(answer);
            }
            Step::ById { missed, jumps, proofs } => {
                let params = by_id_params(owner, missed.iter().chain(&jumps).chain(&proofs));
                let answer = api.call("wall.getById", &params).await?;
                pass.by_id(&missed, &jumps, &proofs, answer);
            }
            Step::Older { posts, proofs } => {
                let params = by_id_params(owner, posts.iter().chain(&proofs));
                let answer = api.call("wall.getById", &params).await?;
                pass.older(&posts, &proofs, answer);
            }
            Step::Roots { .. } if self.executed(pass).await? => {}
            Step::Roots { post, offset } => {
                let params = comment_params(owner, post, None, offset);
                match api.call("wall.getComments", &params).await {
                    Ok(answer) => pass.roots(answer),
                    Err(fault) => refused(pass, None, fault)?,
                }
            }
            Step::Thread { post, root, offset } => {
                let params = comment_params(owner, post, Some(root), offset);
                match api.call("wall.getComments", &params).await {
                    Ok(answer) => pass.thread(answer),
                    Err(fault) => refused(pass, Some(root), fault)?,
                }
            }
            Step::Aside { .. } | Step::AsideById { .. } | Step::Said { .. } => {
                self.make_aside(pass, step).await?;
            }
            Step::Finish => {}
        }
        Ok(())
    }

    /// Asks what happened in a community of our own. Whatever goes wrong here, the wall tells.
    async fn make_hints(&self, pass: &mut Pass<'_>) {
        let owner = pass.state.owner;
        let Some(api) = self.own(owner) else { return };
        match self.poller.ask(&api, -owner, pass.state.ts).await {
            Ok(hints) => pass.hints(hints),
            Err(Fault { error, .. }) => {
                info!(code = %error.code, "vk long poll failed, the wall is listed instead");
                pass.no_hints(&error);
            }
        }
    }

    /// What may be read besides the wall of this source. Photos and videos are often a person's
    /// own, so what is said below them is read in communities we run ourselves alone.
    fn sides(&self, source: &SourceSpec, owner: i64) -> &'static [Side] {
        match self.settings.token_kind {
            _ if owner > 0 || !source.comments => &[],
            TokenKind::User if self.own(owner).is_some() => &Side::ALL,
            TokenKind::Service | TokenKind::User => &[Side::Board],
        }
    }

    /// Makes the call of a step besides the wall; a refusal there stops nothing else.
    async fn make_aside(&self, pass: &mut Pass<'_>, step: Step) -> Result<(), CollectError> {
        let owner = pass.state.owner;
        let (side, outcome) = match step {
            Step::Aside { side, offset } => {
                let (method, params) = talk::listing(side, owner, offset);
                let answer = self.talks(side, method, &params).await;
                (side, answer.map(|listing| pass.aside(listing)))
            }
            Step::AsideById { side, missed, proofs } => {
                let all: Vec<i64> = missed.iter().chain(&proofs).copied().collect();
                let answer = match talk::by_number(side, owner, &all) {
                    Some((method, params)) => self.talks(side, method, &params).await.map(Some),
                    None => Ok(None),
                };
                (side, answer.map(|listing| pass.aside_by_id(&missed, &proofs, listing)))
            }
            Step::Said { spot, offset, backwards } => {
                let (method, params) = talk::said(spot, owner, offset, backwards);
                match self.api().call(method, &params).await {
                    Ok(answer) => pass.roots(answer),
                    Err(fault) if fault.error.class == Class::NoAccess => {
                        pass.refused(None, Refusal::Denied);
                    }
                    // The trouble is this talk's, as far as anybody can tell.
                    Err(fault) if fault.error.scope == Scope::Source && pass.put_off() => {}
                    Err(fault) => return self.leave(pass, spot.side, fault),
                }
                return Ok(());
            }
            _ => return Ok(()),
        };
        outcome.or_else(|fault| self.leave(pass, side, fault))
    }

    /// A side failed: the look goes on without it, unless the trouble is the token's.
    fn leave(&self, pass: &mut Pass<'_>, side: Side, fault: Fault) -> Result<(), CollectError> {
        let error = fault.error;
        let secs = match (error.class, error.scope) {
            (Class::NeedsPerson, _) | (Class::RateLimited, Scope::Token | Scope::Host) => {
                return Err(error);
            }
            (Class::NoAccess | Class::Gone | Class::Ours, _) => talk::REFUSED_SECS,
            _ => talk::FAULT_SECS,
        };
        info!(side = side.word(), code = %error.code, "vk does not give this side");
        let asked = error.until.map_or(0, Timestamp::as_second);
        pass.aside_refused(side, asked.max(pass.now + secs));
        Ok(())
    }

    /// A page of talks.
    async fn talks(
        &self,
        side: Side,
        method: &str,
        params: &[(&str, String)],
    ) -> Result<Listing, Fault> {
        let api = self.api();
        Ok(match side {
            Side::Board => api.call::<wire::Talks<wire::Topic>>(method, params).await?.into(),
            Side::Photos => {
                api.call::<wire::Talks<wire::PhotoComment>>(method, params).await?.into()
            }
            Side::Videos => api.call::<wire::Talks<wire::Video>>(method, params).await?.into(),
        })
    }
}

#[async_trait]
impl Collector for Vk {
    fn platform(&self) -> Platform {
        Platform::Vk
    }

    async fn page(
        &self,
        source: &SourceSpec,
        cursor: Option<&Cursor>,
        horizon: Timestamp,
    ) -> Result<Page, CollectError> {
        let state = self.state(source, cursor).await?;
        let owner = state.owner;
        let adapter = Adapter { source, owner, door: &self.ports.door };
        let sides = self.sides(source, owner);
        let mut pass = Pass::begin(state, adapter, sides, self.ports.clock.now(), horizon);
        pass.own = self.own(owner).is_some();
        let step = pass.next();
        self.make(&mut pass, step).await?;
        let more = pass.next() != Step::Finish;
        let (state, mut draft) = if more { pass.pause() } else { pass.finish() };
        draft.facts.platform_id = Some(owner.to_string());
        draft.facts.notice = self.without_events(owner);
        debug!(posts = draft.posts.len(), gone = draft.gone.len(), more, "vk page read");
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
        // Community 1 is VK's own and always there; whether it may be read does not matter, only
        // that the token may ask.
        let params = [("owner_id", "-1".to_owned()), ("count", "1".to_owned())];
        match self.api().call::<wire::Wall>("wall.get", &params).await {
            Ok(_) => {}
            Err(Fault { code: Some(_), error, .. })
                if error.scope == Scope::Source
                    && matches!(error.class, Class::NoAccess | Class::Gone) => {}
            Err(fault) => return Err(fault.error),
        }
        let read = match self.settings.token_kind {
            TokenKind::Service => {
                "VK: сервисный ключ принят, стены и обсуждения открытых сообществ читаются; \
                 комментарии к фото и видео своих сообществ он не даёт, для них нужен ключ \
                 пользователя"
            }
            TokenKind::User => {
                "VK: ключ пользователя принят, стены и обсуждения открытых сообществ читаются, \
                 в своих сообществах и комментарии к фото и видео"
            }
        };
        let mut text = read.to_owned();
        for own in &self.settings.communities {
            let Some(api) = self.own(-own.group) else {
                let trouble = own.token.as_ref().err().map(String::as_str);
                text.push_str(&format!("; {}", no_events(own.group, trouble.unwrap_or_default())));
                continue;
            };
            let params = [("group_id", own.group.to_string())];
            let asked = api.call::<wire::PollServer>("groups.getLongPollServer", &params).await;
            let group = own.group;
            match asked {
                Ok(_) => text.push_str(&format!("; события сообщества {group} приходят сразу")),
                Err(fault) => {
                    text.push_str(&format!("; {}", no_events(group, &fault.error.text)));
                }
            }
        }
        Ok(text)
    }
}

fn no_events(group: i64, trouble: &str) -> String {
    format!("события сообщества {group} не приходят, читается как обычное: {trouble}")
}

fn wall_params(owner: i64, offset: u64) -> Vec<(&'static str, String)> {
    vec![
        ("owner_id", owner.to_string()),
        ("offset", offset.to_string()),
        ("count", PAGE.to_string()),
        ("extended", "0".to_owned()),
    ]
}

fn by_id_params<'i>(owner: i64, ids: impl Iterator<Item = &'i i64>) -> [(&'static str, String); 1] {
    let posts: Vec<String> = ids.map(|id| format!("{owner}_{id}")).collect();
    [("posts", posts.join(","))]
}

fn comment_params(
    owner: i64,
    post: i64,
    root: Option<i64>,
    offset: u64,
) -> Vec<(&'static str, String)> {
    let mut params = vec![
        ("owner_id", owner.to_string()),
        ("post_id", post.to_string()),
        ("offset", offset.to_string()),
        ("count", PAGE.to_string()),
        ("sort", "asc".to_owned()),
        ("need_likes", "1".to_owned()),
        ("preview_length", "0".to_owned()),
        ("extended", "0".to_owned()),
    ];
    match root {
        Some(root) => params.push(("comment_id", root.to_string())),
        None => params.push(("thread_items_count", "10".to_owned())),
    }
    params
}

/// Decides whether a refusal concerns this post alone, comments as a whole, or everything.
fn refused(pass: &mut Pass<'_>, root: Option<i64>, fault: Fault) -> Result<(), CollectError> {
    let error = fault.error;
    match (error.class, error.scope) {
        (Class::NoAccess, Scope::Source) if matches!(fault.code, Some(211..=213)) => {
            pass.refused(root, Refusal::Closed);
        }
        (Class::NoAccess | Class::Gone, Scope::Source) if fault.code.is_some() => {
            pass.refused(root, Refusal::Denied);
        }
        (Class::Ours, Scope::Source) if fault.code.is_some() => pass.refused(root, Refusal::Odd),
        (Class::Quota | Class::RateLimited, Scope::Method) => pass.mute(),
        _ => return Err(error),
    }
    Ok(())
}
