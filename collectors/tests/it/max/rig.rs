//! A MAX collector, a local MAX and a source in it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use otklik_collectors::max::{Max, MaxSettings};
use otklik_collectors::play::max::PlayMax;
use otklik_collectors::{
    Clock, CollectError, Collector, Cursor, Page, Platform, SourceKind, SourceSpec,
};

use crate::looked::Looked;
use crate::ports::TestPorts;

pub const CHANNEL: i64 = -70_000_000_000_001;
pub const CHAT: i64 = -70_000_000_000_002;
pub const ANNA: i64 = 100_001;
pub const BORIS: i64 = 100_002;
pub const MINUTE: i64 = 60;
pub const HOUR: i64 = 3_600;
pub const DAY: i64 = 24 * HOUR;

/// A collector, a local MAX with a channel and a chat, and a source that is the chat.
pub struct Rig {
    pub ports: TestPorts,
    pub play: Arc<Mutex<PlayMax>>,
    pub source: SourceSpec,
    pub settings: MaxSettings,
    pub max: Max,
}

pub fn source(handle: &str) -> SourceSpec {
    SourceSpec {
        id: "village".to_owned(),
        platform: Platform::Max,
        handle: handle.to_owned(),
        kind: SourceKind::Community,
        comments: true,
        platform_id: None,
    }
}

/// The id of a message of the chat.
pub fn id(mid: &str) -> String {
    format!("max:{CHAT}_{mid}")
}

impl Rig {
    pub fn new() -> Self {
        let mut play = PlayMax::new();
        play.world.add(CHANNEL, "channel", "village");
        play.world.add(CHAT, "chat", "village_chat");
        let play = Arc::new(Mutex::new(play));
        let ports = TestPorts::new();
        let settings = MaxSettings::new("MADEUPTOKEN");
        let max = Max::new(settings.clone(), ports.play(play.clone()));
        Rig { ports, play, source: source(&CHAT.to_string()), settings, max }
    }

    pub fn play(&self) -> MutexGuard<'_, PlayMax> {
        self.play.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As after a restart of the process.
    pub fn restart(&mut self) {
        self.ports.clock.advance(1);
        self.max = Max::new(self.settings.clone(), self.ports.play(self.play.clone()));
    }

    pub async fn page(&self, cursor: Option<&Cursor>) -> Result<Page, CollectError> {
        let horizon = self.ports.clock.now() - jiff::SignedDuration::from_hours(7 * 24);
        self.max.page(&self.source, cursor, horizon).await
    }

    pub async fn look(&self, cursor: Option<Cursor>) -> Result<Looked, CollectError> {
        Looked::read(cursor, async |cursor| self.page(cursor).await).await
    }
}
