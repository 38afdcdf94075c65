//! Sources that waited for a person, and the key that the person has changed.
//!
//! Place in the flow: at each start of the daemon and each time that files go live. Invariants: of
//! keys a short name is kept that tells nothing about them; what a platform ordered is not
//! shortened, the look asks the budget like any other.

use otklik_collectors::{Call, Platform};

use super::services::{self, Services};
use crate::model::{HealthState, SourceId};
use crate::store::StoreError;

/// Makes the sources due that wait for a person, where the keys of their platform are others than
/// last time.
pub async fn renew(services: &Services) -> Result<(), StoreError> {
    let store = &services.store;
    for (platform, keys) in keys(services) {
        let setting = format!("keys:{platform}");
        if store.setting(&setting).await?.as_ref() == Some(&keys) {
            continue;
        }
        let rows = store.sources().await?.into_iter();
        let waiting = rows.filter(|row| {
            row.listed
                && row.source.platform == platform.name()
                && row.health.state == HealthState::NeedsPerson
        });
        let ids: Vec<SourceId> = waiting.map(|row| row.source.id).collect();
        if !ids.is_empty() {
            tracing::info!(%platform, sources = ids.len(), "new keys, sources are tried again");
            store.hasten_sources(&ids, services.clock.now()).await?;
        }
        store.keep_setting(&setting, &keys).await?;
    }
    Ok(())
}

/// The name of each platform's keys; nothing of those that are not configured or cannot be read.
fn keys(services: &Services) -> Vec<(Platform, String)> {
    let settings = &services.settings;
    let mut named = Vec::new();
    if let Ok(Some(vk)) = services::vk_settings(settings) {
        let own = vk.communities.iter().map(|own| own.token.as_deref().unwrap_or_default());
        let keys: Vec<&str> =
            [vk.token.as_str(), vk.version.as_str()].into_iter().chain(own).collect();
        named.push((Platform::Vk, Call::fingerprint(&keys)));
    }
    if let Ok(Some(ok)) = services::ok_settings(settings) {
        let keys = [&ok.application_key, &ok.access_token, &ok.session_secret];
        named.push((Platform::Ok, Call::fingerprint(&keys.map(String::as_str))));
    }
    if let Ok(Some(max)) = services::max_settings(settings) {
        named.push((Platform::Max, Call::fingerprint(&[&max.token])));
    }
    named
}
