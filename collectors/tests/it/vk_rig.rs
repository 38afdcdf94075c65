//! A VK collector, a local VK and a source in it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use otklik_collectors::play::vk::PlayVk;
use otklik_collectors::vk::{Vk, VkSettings};
use otklik_collectors::{
    Class, Clock, CollectError, Collector, Cursor, Page, Platform, Scope, SourceKind, SourceSpec,
};

use crate::looked::Looked;
use crate::ports::TestPorts;

pub const OWNER: i64 = -200_001;
pub const MINUTE: i64 = 60;
pub const HOUR: i64 = 3_600;
pub const DAY: i64 = 24 * HOUR;

/// A collector, a local VK and a source in it.
pub struct Rig {
    pub ports: TestPorts,
    pub play: Arc<Mutex<PlayVk>>,
    pub source: SourceSpec,
    pub settings: VkSettings,
}

impl Rig {
    pub fn new() -> Self {
        let mut play = PlayVk::new();
        play.world.add_community(OWNER, "village", "Село", 3_000);
        let source = SourceSpec {
            id: "village".to_owned(),
            platform: Platform::Vk,
            handle: "village".to_owned(),
            kind: SourceKind::Community,
            comments: true,
            platform_id: None,
        };
        let settings = VkSettings::new("MADEUPTOKEN");
        Rig { ports: TestPorts::new(), play: Arc::new(Mutex::new(play)), source, settings }
    }

    pub fn play(&self) -> MutexGuard<'_, PlayVk> {
        self.play.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn vk(&self) -> Vk {
        Vk::new(self.settings.clone(), self.ports.play(self.play.clone()))
    }

    pub async fn page(&self, cursor: Option<&Cursor>) -> Result<Page, CollectError> {
        let horizon = self.ports.clock.now() - jiff::SignedDuration::from_hours(7 * 24);
        self.vk().page(&self.source, cursor, horizon).await
    }

    pub async fn look(&self, cursor: Option<Cursor>) -> Result<Looked, CollectError> {
        Looked::read(cursor, async |cursor| self.page(cursor).await).await
    }

    pub async fn refused(&self) -> (Class, Scope, String) {
        let error = self.page(None).await.err().expect("refused");
        (error.class, error.scope, error.text)
    }
}
