//! What MAX pushes to an address of ours, instead of being asked for it.
//!
//! Place in the flow: the root crate listens behind the operator's proxy and hands every request
//! to [`Webhook::take`]; looks take what was pushed out of the same [`Inbox`] as what was asked
//! for. Before a look, now and then, the subscription is proven and set anew where MAX has dropped
//! it; while it cannot be had, updates are asked for.
//!
//! Invariants: a push is believed only with our secret; even then it is a hint alone: which message
//! to ask for by name. So pushes that come late, twice or in another order do no harm, and nothing
//! about people has to be stored before MAX is thanked.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde_json::json;
use sha2::{Digest, Sha256};
use tracing::{info, warn};

use super::call::Api;
use super::inbox::{Inbox, TYPES};
use super::wire;
use super::{MaxSettings, call};
use crate::error::{Class, CollectError, Scope};
use crate::http::Method;
use crate::ports::{Call, Ports};

/// The header in which MAX hands the secret back, in lower case.
pub const SECRET_HEADER: &str = "x-max-bot-api-secret";
/// How often (seconds) the subscription is proven, and a refused one tried again.
const PROVE_SECS: i64 = 600;

/// Our side of a subscription; one for the whole process, shared by every reader of MAX.
pub struct Webhook {
    url: String,
    secret: String,
    pub(super) inbox: Arc<Inbox>,
    /// Somebody listens: without that a subscription would only swallow what happens.
    open: AtomicBool,
    /// When the subscription was last looked at, Unix seconds, and whether it was there.
    proven: Mutex<(i64, bool)>,
    /// Held by the one who looks.
    looking: tokio::sync::Mutex<()>,
}

/// What a push was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// Something happened in the chat or channel of this number: its source is to be looked at.
    News(i64),
    /// Nothing that changes what is stored.
    Nothing,
    /// No update of MAX.
    Unreadable,
    /// Not sent by MAX: the secret is missing or wrong.
    Refused,
}

impl Webhook {
    /// A subscription of this bot to `url`, the public address that leads to our listener; `now`
    /// names what is received from here on. The secret follows from the bot's key, so that it is
    /// the same after a restart and nobody has to keep it.
    ///
    /// # Panics
    /// Never: a key of any length is one.
    #[must_use]
    pub fn new(settings: &MaxSettings, url: impl Into<String>, now: Timestamp) -> Self {
        let url = url.into();
        let mut mac = Hmac::<Sha256>::new_from_slice(settings.token.as_bytes())
            .expect("HMAC takes a key of any length");
        mac.update(b"otklik max webhook ");
        mac.update(url.as_bytes());
        let secret = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let name = i64::try_from(now.as_nanosecond()).unwrap_or(i64::MAX);
        Webhook {
            url,
            secret,
            inbox: Arc::new(Inbox::new(name)),
            open: AtomicBool::new(false),
            proven: Mutex::default(),
            looking: tokio::sync::Mutex::new(()),
        }
    }

    /// The address that MAX is told.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What tells this bot's key from one put in its place later.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        Call::fingerprint(&[&self.secret])
    }

    /// From now on somebody listens, and looks may subscribe.
    pub fn open(&self) {
        self.open.store(true, Ordering::Relaxed);
    }

    /// Whether MAX pushed to us when that was last proven.
    pub(super) fn held(&self) -> bool {
        self.is_open() && self.proven().1
    }

    pub(super) fn is_open(&self) -> bool {
        self.open.load(Ordering::Relaxed)
    }

    /// Whether MAX sent this, by the value of [`SECRET_HEADER`]: known before a body is read.
    #[must_use]
    pub fn knows(&self, secret: Option<&str>) -> bool {
        secret.is_some_and(|secret| same(secret, &self.secret))
    }

    /// Takes one push: the value of [`SECRET_HEADER`] and the body. What it told stays in memory
    /// until a look has stored it; if the process ends before, the next look walks the history.
    pub fn take(&self, secret: Option<&str>, body: &[u8]) -> Pushed {
        if !self.knows(secret) {
            return Pushed::Refused;
        }
        let Ok(update) = serde_json::from_slice::<wire::Update>(body) else {
            return match serde_json::from_slice::<wire::Push>(body) {
                // Of a kind, or in a form, that came after this was written.
                Ok(_) => Pushed::Nothing,
                Err(_) => Pushed::Unreadable,
            };
        };
        if !TYPES.split(',').any(|kind| kind == update.update_type) {
            return Pushed::Nothing;
        }
        self.inbox.pushed(update).map_or(Pushed::Nothing, Pushed::News)
    }

    fn proven(&self) -> MutexGuard<'_, (i64, bool)> {
        self.proven.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether MAX pushes to us now. Looks at the subscription when that was long ago, and sets it
    /// anew if it is gone. False if it is not to be had: then updates are asked for.
    pub(super) async fn holds(&self, api: &Api<'_>) -> Result<bool, CollectError> {
        if !self.is_open() {
            return Ok(false);
        }
        let now = api.ports.clock.now().as_second();
        let (at, held) = *self.proven();
        let Ok(_guard) = self.looking.try_lock() else { return Ok(held) };
        if at != 0 && (0..PROVE_SECS).contains(&(now - at)) {
            return Ok(held);
        }
        let there = match subscribed(api, &self.url).await {
            Ok(there) => there,
            Err(error) if refused(&error) => false,
            // What was proven a while ago is better than to look at nothing.
            Err(_) if held => return Ok(true),
            Err(error) => return Err(error),
        };
        let holds = there || self.subscribe(api).await?;
        let first = at == 0;
        if holds != (held || (there && first)) || (holds && !there) {
            self.inbox.renew(api.ports.clock.now());
        }
        *self.proven() = (now, holds);
        Ok(holds)
    }

    async fn subscribe(&self, api: &Api<'_>) -> Result<bool, CollectError> {
        let types: Vec<&str> = TYPES.split(',').collect();
        let body = json!({ "url": self.url, "update_types": types, "secret": self.secret });
        let name = call::Name("subscriptions", "/subscriptions");
        match api.send::<wire::Done>(Method::Post, name, &[], Some(body.to_string())).await {
            Ok(done) if done.success => {
                info!("max pushes updates from now on");
                Ok(true)
            }
            Ok(_) => Ok(false),
            Err(error) if refused(&error) => {
                warn!(code = %error.code, "max takes no webhook, updates are asked for");
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}

/// Ends the subscription of a bot to `url`, so that updates can be asked for again.
///
/// # Errors
/// When MAX does not take it back; no subscription at all is no error.
pub async fn unsubscribe(
    settings: &MaxSettings,
    ports: &Ports,
    url: &str,
) -> Result<(), CollectError> {
    let host = settings.host();
    let api = Api { settings, host: &host, ports };
    let name = call::Name("subscriptions", "/subscriptions");
    let params = [("url", url.to_owned())];
    match api.send::<wire::Done>(Method::Delete, name, &params, None).await {
        Ok(_) => Ok(()),
        Err(error) if error.class == Class::Gone => Ok(()),
        Err(error) => Err(error),
    }
}

/// Whether the bot has a subscription to `url`.
pub(super) async fn subscribed(api: &Api<'_>, url: &str) -> Result<bool, CollectError> {
    let found: wire::Subscriptions = api.get("subscriptions", "/subscriptions", &[]).await?;
    Ok(found.subscriptions.iter().any(|it| matches!(it, wire::Odd::Good(it) if it.url == url)))
}

/// Whether MAX says no to webhooks alone, not to us.
fn refused(error: &CollectError) -> bool {
    matches!(error.class, Class::Ours | Class::NoAccess | Class::Gone)
        || (error.scope == Scope::Method && error.class != Class::RateLimited)
}

/// Whether two texts are the same; how long it takes tells nothing of where they differ, because
/// what is compared are digests, all of them whole.
fn same(given: &str, expected: &str) -> bool {
    let (given, expected) = (Sha256::digest(given), Sha256::digest(expected));
    given.iter().zip(expected.iter()).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
}
