//! From settings to readers: one line a platform.
//!
//! Place in the flow: the root crate calls [`build`] at start and when the sources change.
//! Invariant: a platform that is not configured has no reader; asking for one is told to the
//! operator.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::max::{Max, MaxSettings, Webhook};
use crate::ok::{Odnoklassniki, OkSettings};
use crate::rss::Rss;
use crate::telegram::{Account, Telegram, TelegramSettings};
use crate::vk::{Vk, VkSettings};
use crate::{Collector, Platform, Ports};

/// What each platform needs to be read.
pub struct Settings {
    /// VK, if a token is configured.
    pub vk: Option<VkSettings>,
    /// OK, if its keys are configured.
    pub ok: Option<OkSettings>,
    /// MAX, if a bot is configured.
    pub max: Option<MaxSettings>,
    /// What MAX pushes to us, if an address for it is configured.
    pub max_webhook: Option<Arc<Webhook>>,
    /// Telegram's public preview.
    pub telegram: TelegramSettings,
    /// Telegram by an account, if somebody has logged in.
    pub account: Option<Arc<Account>>,
}

/// Builds the readers of all configured platforms.
#[must_use]
pub fn build(settings: Settings, ports: &Ports) -> BTreeMap<Platform, Arc<dyn Collector>> {
    let mut readers: BTreeMap<Platform, Arc<dyn Collector>> = BTreeMap::new();
    if let Some(vk) = settings.vk {
        readers.insert(Platform::Vk, Arc::new(Vk::new(vk, ports.clone())));
    }
    if let Some(ok) = settings.ok {
        readers.insert(Platform::Ok, Arc::new(Odnoklassniki::new(ok, ports.clone())));
    }
    if let Some(max) = settings.max {
        let max = Max::new(max, ports.clone());
        let max = match settings.max_webhook {
            Some(webhook) => max.pushed_to(webhook),
            None => max,
        };
        readers.insert(Platform::Max, Arc::new(max));
    }
    let telegram = Telegram::new(settings.telegram, settings.account, ports.clone());
    readers.insert(Platform::Telegram, Arc::new(telegram));
    readers.insert(Platform::Rss, Arc::new(Rss::new(ports.clone())));
    readers
}
