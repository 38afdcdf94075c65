//! Hearing what platforms push to us: today MAX, behind the operator's web server.
//!
//! Place in the flow: beside the loop. What was pushed waits in the reader's memory; the source it
//! belongs to is made due, and the look does the rest.
//!
//! Invariants: MAX is thanked only when it is committed that the source is to be looked at; if the
//! process ends before the look, the look walks the history, so nothing that was thanked for is
//! lost and nothing about people is stored here; what is pushed without the secret changes nothing.

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
use crate::store::StoreError;

/// The address that MAX was told by us, so that it can be taken back when it is no longer ours.
const TOLD: &str = "max:webhook";
/// How long what comes for one chat is gathered before it is looked at.
const GATHER_SECS: i64 = 5;

/// Takes back an address that is no longer configured and listens where one is.
pub(super) async fn start(
    services: &Arc<Services>,
    wake: &mpsc::Sender<Event>,
) -> Result<Option<Listener>, StoreError> {
    let store = &services.store;
    let told = store.setting(TOLD).await?.filter(|url| !url.is_empty());
    let webhook = services.max_webhook.clone();
    let same = |url: &String| webhook.as_ref().is_some_and(|it| it.url() == url);
    if let Some(old) = told.filter(|url| !same(url)) {
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
            store.keep_setting(TOLD, webhook.url()).await?;
            webhook.open();
            tracing::info!(addr = %listener.addr, "listening to what max pushes");
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

/// Ends a subscription to `url`; what cannot be ended now is tried at the next start.
async fn take_back(services: Arc<Services>, url: String) {
    let Ok(Some(max)) = services::max_settings(&services.settings) else {
        // Only the bot's key ends it; MAX gives up by itself after hours of refusals.
        tracing::error!(%url, "max still pushes to an old address, and its key is no longer \
            configured: keep [platforms.max] token for one more start, or wait until max gives up");
        return;
    };
    match unsubscribe(&max, &services.ports(), &url).await {
        Ok(()) => {
            let kept = services.store.setting(TOLD).await;
            if kept.is_ok_and(|kept| kept.as_deref() == Some(&url)) {
                services.store.keep_setting(TOLD, "").await.ok();
            }
        }
        Err(error) => tracing::warn!(code = %error.code, "max still pushes to an old address"),
    }
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
        let rows = self.services.store.sources().await?;
        let of_chat = rows.into_iter().filter(|row| {
            row.listed
                && row.source.platform == Platform::Max.name()
                && row.platform_id.as_deref() == Some(&number)
        });
        let ids: Vec<SourceId> = of_chat.map(|row| row.source.id).collect();
        if ids.is_empty() {
            return Ok(());
        }
        self.services.store.hasten_sources(&ids, at).await?;
        planned.insert(chat, at);
        // A full queue means that the loop will turn anyway.
        drop(self.wake.try_send(Event::Page));
        Ok(())
    }
}
