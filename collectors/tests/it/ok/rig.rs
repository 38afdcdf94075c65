//! An OK collector, a local OK and a source in it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use otklik_collectors::ok::{Odnoklassniki, OkSettings};
use otklik_collectors::play::ok::PlayOk;
use otklik_collectors::{
    Clock, CollectError, Collector, Cursor, Page, Platform, SourceKind, SourceSpec,
};

use crate::looked::Looked;
use crate::ports::TestPorts;

pub const GROUP: i64 = 55_000_000_000_001;
pub const ANNA: i64 = 500_000_000_001;
pub const BORIS: i64 = 500_000_000_002;
pub const MINUTE: i64 = 60;
pub const HOUR: i64 = 3_600;
pub const DAY: i64 = 24 * HOUR;

/// A collector, a local OK and a source in it.
pub struct Rig {
    pub ports: TestPorts,
    pub play: Arc<Mutex<PlayOk>>,
    pub source: SourceSpec,
    pub settings: OkSettings,
}

/// The id of a topic, photo (`photo9…`) or film of the group.
pub fn id(of: impl std::fmt::Display) -> String {
    format!("ok:{GROUP}_{of}")
}

pub fn settings() -> OkSettings {
    OkSettings::new("MADEUPAPPKEY", "MADEUPTOKEN", "MADEUPSECRET")
}

impl Rig {
    pub fn new() -> Self {
        let mut play = PlayOk::new();
        play.world.add_group(GROUP, "village", "Село-пример");
        let source = SourceSpec {
            id: "village".to_owned(),
            platform: Platform::Ok,
            handle: "village".to_owned(),
            kind: SourceKind::Community,
            comments: true,
            platform_id: None,
        };
        let play = Arc::new(Mutex::new(play));
        Rig { ports: TestPorts::new(), play, source, settings: settings() }
    }

    /// The same with the number of the group learned.
    pub fn learned() -> Self {
        let mut rig = Rig::new();
        rig.source.platform_id = Some(GROUP.to_string());
        rig
    }

    pub fn play(&self) -> MutexGuard<'_, PlayOk> {
        self.play.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn reader(&self) -> Odnoklassniki {
        Odnoklassniki::new(self.settings.clone(), self.ports.play(self.play.clone()))
    }

    pub async fn page(&self, cursor: Option<&Cursor>) -> Result<Page, CollectError> {
        let horizon = self.ports.clock.now() - jiff::SignedDuration::from_hours(7 * 24);
        self.reader().page(&self.source, cursor, horizon).await
    }

    pub async fn look(&self, cursor: Option<Cursor>) -> Result<Looked, CollectError> {
        Looked::read(cursor, async |cursor| self.page(cursor).await).await
    }
}
