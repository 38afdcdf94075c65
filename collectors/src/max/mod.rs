//! MAX: channels and open chats in which the administration's bot is an administrator.
//!
//! Place in the flow: one [`Collector`]; `place` finds the chat, `inbox` receives for all sources
//! of the bot, `look` says what to ask next, `call` asks, `adapt` takes people out. Each page is
//! one call of the API.
//!
//! The bot API gives history, edits, removals and what happens; it does not give comments below a
//! channel's posts, which is said in the facts of every whole walk. What happens is pushed to us
//! where the operator has an address for it (`webhook`), and asked for at each look elsewhere.
//!
//! Invariants: the token is sent in a header only; a bad answer changes nothing; nothing is gone
//! without an explicit answer.

pub mod errors;

mod adapt;
mod call;
mod cursor;
mod inbox;
mod look;
mod place;
mod webhook;
mod wire;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use tracing::debug;

pub use self::webhook::{Pushed, SECRET_HEADER, Webhook, unsubscribe};

use self::adapt::Adapter;
use self::call::Api;
use self::cursor::State;
use self::inbox::Inbox;
use self::look::{PAGE, Pass, Step};
use self::place::Place;
use crate::error::{Class, CollectError};
use crate::http::host_of;
use crate::ports::Ports;
use crate::raw::{Cursor, Page, Platform, SourceSpec};
use crate::{ADMIT_SECS, Collector};

/// How MAX is reached.
#[derive(Clone, PartialEq, Eq)]
pub struct MaxSettings {
    /// Address of the API, for example `https://platform-api2.max.ru`.
    pub api_url: String,
    /// Token of the bot.
    pub token: String,
}

impl MaxSettings {
    /// MAX's own address.
    #[must_use]
    pub fn new(token: impl Into<String>) -> Self {
        MaxSettings { api_url: "https://platform-api2.max.ru".to_owned(), token: token.into() }
    }

    fn host(&self) -> String {
        host_of(&self.api_url).unwrap_or_else(|| "max".to_owned())
    }
}

impl fmt::Debug for MaxSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MaxSettings").field("api_url", &self.api_url).field("token", &"…").finish()
    }
}

/// Reads MAX.
pub struct Max {
    settings: MaxSettings,
    host: String,
    ports: Ports,
    inbox: Arc<Inbox>,
    webhook: Option<Arc<Webhook>>,
}

impl Max {
    /// A reader with these settings.
    #[must_use]
    pub fn new(settings: MaxSettings, ports: Ports) -> Self {
        let host = settings.host();
        let opened = i64::try_from(ports.clock.now().as_nanosecond()).unwrap_or(i64::MAX);
        Max { settings, host, ports, inbox: Arc::new(Inbox::new(opened)), webhook: None }
    }

    /// The same with what MAX pushes to us, once somebody listens there.
    #[must_use]
    pub fn pushed_to(mut self, webhook: Arc<Webhook>) -> Self {
        self.inbox = Arc::clone(&webhook.inbox);
        self.webhook = Some(webhook);
        self
    }

    fn api(&self) -> Api<'_> {
        Api { settings: &self.settings, host: &self.host, ports: &self.ports }
    }

    /// The source's memory, with its chat found and admitted: anew every day, because a chat may be
    /// closed later and our bot is told what is said there all the same.
    async fn state(
        &self,
        source: &SourceSpec,
        cursor: Option<&Cursor>,
    ) -> Result<State, CollectError> {
        let same = |state: &State| {
            source.platform_id.as_deref().is_none_or(|id| id.parse() == Ok(state.chat))
        };
        let now = self.ports.clock.now().as_second();
        let known = State::read(cursor, &source.handle).filter(same);
        let fresh = |state: &State| now - state.admitted < ADMIT_SECS;
        if let Some(state) = known.as_ref().filter(|state| fresh(state)) {
            return Ok(state.clone());
        }
        let place = place::find(&self.api(), source).await?;
        let known =
            known.filter(|state| state.chat == place.chat && state.channel == place.channel);
        let mut state = known.unwrap_or_else(|| State::new(&source.handle, place));
        state.admitted = now;
        Ok(state)
    }

    /// What the health of a source says of pushes, if they do not come.
    fn without_pushes(&self) -> Option<String> {
        let webhook = self.webhook.as_ref().filter(|webhook| !webhook.held())?;
        Some(format!(
            "MAX не присылает новости на {} (webhook), они спрашиваются при каждом просмотре",
            webhook.url()
        ))
    }

    /// Whether something was pushed for a source since its look began.
    fn waits(&self, state: &State) -> bool {
        let open = self.webhook.as_ref().is_some_and(|webhook| webhook.is_open());
        let same = state.inbox == self.inbox.name();
        open && same && self.inbox.waits(state.chat, state.taken)
    }

    /// Makes the call of a step and takes its answer.
    async fn make(&self, pass: &mut Pass<'_>, step: Step) -> Result<(), CollectError> {
        let api = self.api();
        let chat = pass.state.chat;
        match step {
            Step::Updates => {
                let pushed = match &self.webhook {
                    Some(webhook) => webhook.holds(&api).await?,
                    None => false,
                };
                if pushed || self.inbox.receive(&api, pass.state.marker).await? {
                    let name = self.inbox.name();
                    let after = if pass.state.inbox == name { pass.state.taken } else { 0 };
                    pass.received(name, &self.inbox.take(chat, after), pushed);
                    pass.state.marker = self.inbox.marker();
                } else {
                    pass.deaf();
                }
            }
            Step::History { from, below } => {
                let mut params = vec![
                    ("chat_id", chat.to_string()),
                    ("count", PAGE.to_string()),
                    // MAX counts time backwards: `from` is the upper bound, `to` the lower one.
                    ("to", from.to_string()),
                ];
                params.extend(below.map(|below| ("from", below.to_string())));
                pass.history(&api.get("messages", "/messages", &params).await?);
            }
            Step::ByNames { missed, proofs } => {
                let names: Vec<&str> = missed.iter().chain(&proofs).map(String::as_str).collect();
                let params = [("message_ids", names.join(","))];
                pass.by_names(&missed, &proofs, &api.get("messages", "/messages", &params).await?);
            }
            Step::Finish => {}
        }
        Ok(())
    }
}

#[async_trait]
impl Collector for Max {
    fn platform(&self) -> Platform {
        Platform::Max
    }

    async fn page(
        &self,
        source: &SourceSpec,
        cursor: Option<&Cursor>,
        horizon: Timestamp,
    ) -> Result<Page, CollectError> {
        let state = self.state(source, cursor).await?;
        let place = Place { chat: state.chat, channel: state.channel };
        let adapter = Adapter { source, place, door: &self.ports.door };
        let mut pass = Pass::begin(state, adapter, self.ports.clock.now(), horizon);
        let step = pass.next();
        self.make(&mut pass, step).await?;
        let ends = pass.next() == Step::Finish;
        let (state, mut draft) = if ends { pass.finish() } else { pass.pause() };
        // What was pushed meanwhile is taken by one more look, at once.
        let more = !ends || self.waits(&state);
        draft.facts.platform_id = Some(place.chat.to_string());
        draft.facts.notice = self.without_pushes();
        debug!(posts = draft.posts.len(), gone = draft.gone.len(), more, "max page read");
        Ok(Page {
            posts: draft.posts,
            gone: draft.gone,
            gone_below: Vec::new(),
            cursor: state.write(),
            more,
            facts: draft.facts,
        })
    }

    fn under_way(&self, source: &SourceSpec, cursor: &Cursor) -> bool {
        State::read(Some(cursor), &source.handle).is_some_and(|state| state.look.is_some())
    }

    async fn prove(&self) -> Result<String, CollectError> {
        self.api().get::<wire::Me>("me", "/me", &[]).await?;
        Ok("MAX: ключ бота принят".to_owned())
    }

    async fn rights(&self, source: &SourceSpec) -> Vec<Result<String, CollectError>> {
        let place = match place::find(&self.api(), source).await {
            Ok(place) => place,
            Err(error) => return vec![Err(error)],
        };
        let mut told = vec![Ok("бот администратор, история читается".to_owned())];
        if place.channel && source.comments {
            let text = "комментарии под записями канала MAX программам не отдаёт, они не читаются";
            told.push(Ok(text.to_owned()));
        }
        if let Some(webhook) = &self.webhook {
            let api = self.api();
            let told_to_us = match webhook::subscribed(&api, webhook.url()).await {
                Ok(true) => Ok("новости MAX сам присылает на ваш адрес (webhook)".to_owned()),
                Ok(false) => Ok(format!(
                    "подписки MAX на {} (webhook) пока нет: её ставит служба, когда запущена; до \
                     тех пор новости спрашиваются при каждом просмотре",
                    webhook.url()
                )),
                Err(error) => Err(error),
            };
            told.push(told_to_us);
            return told;
        }
        let updates = self.inbox.receive(&self.api(), None).await;
        match updates {
            Ok(true) => {}
            Ok(false) => told
                .push(Ok("новости MAX уходят другой программе (webhook): читаем историю целиком"
                    .to_owned())),
            Err(error) if error.class == Class::NeedsPerson => told.push(Err(error)),
            Err(_) => {}
        }
        told
    }
}
