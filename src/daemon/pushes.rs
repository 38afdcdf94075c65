//! Hearing what platforms push to us: today MAX, behind the operator's web server.
//!
//! Place in the flow: beside the loop. What was pushed waits in the reader's memory; the source it
//! belongs to is made due, and the look does the rest.
//!
//! Invariants: MAX is thanked only when it is committed that the source is to be looked at; if the
//! process ends before the look, the look walks the history, so nothing that was thanked for is
//! lost and nothing about people is stored here; what is pushed without the secret changes nothing;
//! an address that cannot be taken back is named until it is.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use otklik_collectors::Platform;
use otklik_collectors::listen::{Head, Listener, Patience, Push, Taker, listen};
use otklik_collectors::max::{Pushed, SECRET_HEADER, Webhook, unsubscribe};
use tokio::sync::{Mutex, mpsc};

use super::Event;
use crate::model::SourceId;
use crate::pipeline::services::{self, Services};
use crate::pipeline::words;
use crate::store::{SourceRow, Store, StoreError};

/// The address that MAX was told by us, so that it can be taken back when it is no longer ours.
const TOLD: &str = "max:webhook";
/// By which bot's key, as a name that tells nothing about it.
const TOLD_BY: &str = "max:webhook:by";
/// What is wrong with what MAX pushes: until when that holds at most, a space, one sentence; empty
/// if nothing is.
const FAULT: &str = "max:webhook:fault";
/// MAX ends a subscription that was refused for eight hours; a day is enough for certain.
const GIVES_UP_HOURS: i64 = 24;
/// How long what comes for one chat is gathered before it is looked at.
const GATHER_SECS: i64 = 5;

/// Takes back an address that is no longer configured and listens where one is.
pub(super) async fn start(
    services: &Arc<Services>,
    wake: &mpsc::Sender<Event>,
) -> Result<Option<Listener>, StoreError> {
    let store = &services.store;
    let told = store.setting(TOLD).await?.filter(|url| !url.is_empty());
    let by = store.setting(TOLD_BY).await?.filter(|by| !by.is_empty());
    let webhook = services.max_webhook.clone();
    let same_url = |url: &String| webhook.as_ref().is_some_and(|it| it.url() == url);
    let same_key = |by: &String| webhook.as_ref().is_some_and(|it| it.fingerprint() == *by);
    // With another key the secret is another: what MAX pushes with the old one would be refused.
    let other_key = by.is_some_and(|by| !same_key(&by));
    let (again, old): (Vec<String>, Vec<String>) = told.into_iter().partition(same_url);
    if old.is_empty() {
        store.keep_setting(FAULT, "").await?;
    }
    for old in old {
        tokio::spawn(take_back(Arc::clone(services), old));
    }
    let configured = services.settings.platforms.max.as_ref().and_then(|max| max.webhook.as_ref());
    let (Some(webhook), Some(configured)) = (webhook, configured) else { return Ok(None) };
    let hand = Hand {
        services: Arc::clone(services),
        webhook: Arc::clone(&webhook),
        wake: wake.clone(),
        due: Mutex::default(),
    };
    match listen(configured.listen, Patience::default(), Arc::new(hand)).await {
        Ok(listener) => {
            tracing::info!(addr = %listener.addr, "listening to what max pushes");
            match again.into_iter().find(|_| other_key) {
                // The old subscription would pass for ours.
                Some(old) => {
                    tokio::spawn(renew(Arc::clone(services), webhook, old, wake.clone()));
                }
                None => open(store, &webhook).await?,
            }
            Ok(Some(listener))
        }
        Err(error) => {
            tracing::error!(%error, "nobody can listen to what max pushes, updates are asked for");
            // A subscription that leads nowhere would keep them from us.
            tokio::spawn(take_back(Arc::clone(services), webhook.url().to_owned()));
            Ok(None)
        }
    }
}

/// Lets looks subscribe; what MAX is told then is known to the next start.
async fn open(store: &Store, webhook: &Webhook) -> Result<(), StoreError> {
    store.keep_setting(TOLD, webhook.url()).await?;
    store.keep_setting(TOLD_BY, &webhook.fingerprint()).await?;
    webhook.open();
    Ok(())
}

/// Ends the subscription that another key made, then opens. A look makes the new one, and none may
/// be due for long.
async fn renew(
    services: Arc<Services>,
    webhook: Arc<Webhook>,
    old: String,
    wake: mpsc::Sender<Event>,
) {
    take_back(Arc::clone(&services), old).await;
    let store = &services.store;
    let opened = match open(store, &webhook).await {
        Ok(()) => hasten(store, |_| true, services.clock.now()).await.map(drop),
        Err(error) => Err(error),
    };
    match opened {
        // A full queue means that the loop will turn anyway.
        Ok(()) => drop(wake.try_send(Event::Page)),
        Err(error) => tracing::error!(%error, "updates of max are asked for until the next start"),
    }
}

/// Plans a look at those of the listed sources in MAX that `are_meant`; whether there is one.
async fn hasten(
    store: &Store,
    are_meant: impl Fn(&SourceRow) -> bool,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let rows = store.sources().await?.into_iter();
    let ours = rows.filter(|row| row.listed && row.source.platform == Platform::Max.name());
    let ids: Vec<SourceId> = ours.filter(are_meant).map(|row| row.source.id).collect();
    if !ids.is_empty() {
        store.hasten_sources(&ids, at).await?;
    }
    Ok(!ids.is_empty())
}

/// What a person has to know of what MAX pushes, if there is anything.
///
/// # Errors
/// When the store cannot be read.
pub async fn fault(store: &Store, now: Timestamp) -> Result<Option<String>, StoreError> {
    let kept = store.setting(FAULT).await?.unwrap_or_default();
    let Some((until, text)) = kept.split_once(' ') else { return Ok(None) };
    let holds = until.parse().is_ok_and(|until: Timestamp| now < until);
    Ok(holds.then(|| text.to_owned()))
}

/// Keeps a fault; one that is told again ends when it would have ended.
async fn keep_fault(services: &Services, fault: Option<(Timestamp, String)>) {
    let store = &services.store;
    let kept = match fault {
        None => store.keep_setting(FAULT, "").await,
        Some((until, text)) => match store.setting(FAULT).await {
            Ok(Some(known)) if known.split_once(' ').is_some_and(|(_, it)| it == text) => Ok(()),
            _ => store.keep_setting(FAULT, &format!("{until} {text}")).await,
        },
    };
    if let Err(error) = kept {
        tracing::error!(%error, "what is wrong with pushes is not stored");
    }
}

/// Ends a subscription to `url`; what cannot be ended now is told and tried at the next start.
async fn take_back(services: Arc<Services>, url: String) {
    let store = &services.store;
    let fault = match services::max_settings(&services.settings) {
        Ok(Some(max)) => match unsubscribe(&max, &services.ports(), &url).await {
            Ok(()) => {
                let kept = store.setting(TOLD).await;
                if kept.is_ok_and(|kept| kept.as_deref() == Some(&url)) {
                    store.keep_setting(TOLD, "").await.ok();
                }
                None
            }
            Err(error) => {
                tracing::warn!(code = %error.code, "max still pushes to an old address");
                Some((Timestamp::MAX, words::pushes_stay(&url, &error.text)))
            }
        },
        // Only the bot's key ends it; MAX gives up by itself after hours of refusals.
        Ok(None) | Err(_) => {
            tracing::error!(%url, "max still pushes to an old address, its key is not configured");
            let day = SignedDuration::from_hours(GIVES_UP_HOURS);
            let until = services.clock.now().saturating_add(day).unwrap_or(Timestamp::MAX);
            Some((until, words::pushes_orphaned(&url)))
        }
    };
    keep_fault(&services, fault).await;
}

/// Takes every push.
struct Hand {
    services: Arc<Services>,
    webhook: Arc<Webhook>,
    wake: mpsc::Sender<Event>,
    /// Until when what comes for a chat is gathered for a look that is planned already.
    due: Mutex<BTreeMap<i64, Timestamp>>,
}

#[async_trait]
impl Taker for Hand {
    fn refuses(&self, head: &Head) -> Option<u16> {
        (!self.webhook.knows(head.header(SECRET_HEADER))).then_some(403)
    }

    async fn take(&self, push: Push) -> u16 {
        match self.webhook.take(push.head.header(SECRET_HEADER), &push.body) {
            Pushed::Nothing => 200,
            Pushed::Unreadable => 400,
            Pushed::Refused => 403,
            Pushed::News(chat) => match self.hasten(chat).await {
                Ok(()) => 200,
                Err(error) => {
                    tracing::error!(%error, "what max pushed waits for its next try");
                    503
                }
            },
        }
    }
}

impl Hand {
    /// Plans a look at the sources of a chat.
    async fn hasten(&self, chat: i64) -> Result<(), StoreError> {
        let mut planned = self.due.lock().await;
        let now = self.services.clock.now();
        planned.retain(|_, at| *at > now);
        if planned.contains_key(&chat) {
            return Ok(());
        }
        let at = now.saturating_add(SignedDuration::from_secs(GATHER_SECS)).unwrap_or(now);
        let number = chat.to_string();
        let of_chat = |row: &SourceRow| row.platform_id.as_deref() == Some(&number);
        if !hasten(&self.services.store, of_chat, at).await? {
            return Ok(());
        }
        planned.insert(chat, at);
        // A full queue means that the loop will turn anyway.
        drop(self.wake.try_send(Event::Page));
        Ok(())
    }
}
