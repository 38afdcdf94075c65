//! Telegram by an account, over a true connection to a local server.

mod coverage;
mod errors;
mod line;
mod model;
mod proxy;
mod reading;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use otklik_collectors::play::mtproto::{Near, PlayMtproto};
use otklik_collectors::play::telegram::PlayTelegram;
use otklik_collectors::telegram::{Account, Carrier, Telegram, TelegramSettings};
use otklik_collectors::{
    CollectError, Collector, Cursor, KnownRoom, Page, Platform, RawPost, SessionStore, SourceSpec,
};

use crate::web_ports::{World, source};

pub const CHANNEL: i64 = 1_700_000_001;
pub const GROUP: i64 = 1_700_000_002;
pub const NAME: &str = "selo_vestnik";

pub fn start() -> Timestamp {
    "2026-03-02T10:00:00Z".parse().unwrap()
}

pub fn days(n: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * n)
}

/// Rooms in memory.
#[derive(Default)]
pub struct Rooms(pub Mutex<BTreeMap<String, KnownRoom>>);

#[async_trait]
impl SessionStore for Rooms {
    async fn room(&self, name: &str) -> Option<KnownRoom> {
        self.0.lock().unwrap().get(name).cloned()
    }

    async fn keep_room(&self, room: &KnownRoom) {
        self.0.lock().unwrap().insert(room.name.clone(), room.clone());
    }
}

/// What a store would hold.
#[derive(Default)]
pub struct Store {
    pub posts: BTreeMap<String, RawPost>,
    pub cursor: Option<Cursor>,
    pub platform_id: Option<String>,
    /// How often each post was delivered as new.
    pub delivered: BTreeMap<String, u32>,
}

impl Store {
    pub fn commit(&mut self, page: Page) {
        for post in page.posts {
            *self.delivered.entry(post.id.clone()).or_default() += 1;
            self.posts.insert(post.id.clone(), post);
        }
        for id in page.gone {
            self.posts.remove(&id);
        }
        self.cursor = Some(page.cursor);
        self.platform_id = page.facts.platform_id.or(self.platform_id.take());
    }

    pub fn texts(&self) -> BTreeMap<String, String> {
        self.posts.iter().map(|(id, post)| (id.clone(), post.text.as_str().to_owned())).collect()
    }
}

/// A channel with a discussion, its preview, and an account that reads both.
pub struct Stage {
    pub site: Arc<Mutex<PlayTelegram>>,
    pub play: Arc<Mutex<PlayMtproto>>,
    pub world: World,
    pub rooms: Arc<Rooms>,
    pub telegram: Telegram,
    pub spec: SourceSpec,
    pub store: Store,
}

impl Stage {
    /// With a server in process.
    pub fn new() -> Self {
        let play = Arc::new(Mutex::new(PlayMtproto::new()));
        Self::over_play(play, |play, world| Arc::new(Near::new(play, world.clock.clone())))
    }

    /// With any connection to `play`.
    pub fn over_play(
        play: Arc<Mutex<PlayMtproto>>,
        carrier: impl FnOnce(Arc<Mutex<PlayMtproto>>, &World) -> Arc<dyn Carrier>,
    ) -> Self {
        let mut site = PlayTelegram::new();
        site.add_channel(NAME, CHANNEL, "Вестник посёлка");
        play.lock().unwrap().world.add_channel(NAME, CHANNEL, "Вестник посёлка", Some(GROUP));
        let site = Arc::new(Mutex::new(site));
        let world = World::new(site.clone(), start());
        let rooms = Arc::new(Rooms::default());
        let account = Account::new(carrier(play.clone(), &world), rooms.clone());
        let settings = TelegramSettings::default();
        let telegram = Telegram::new(settings, Some(Arc::new(account)), world.ports.clone());
        let mut spec = source(Platform::Telegram, "t.me/selo_vestnik");
        spec.comments = true;
        Self { site, play, world, rooms, telegram, spec, store: Store::default() }
    }

    /// Publishes on both sides.
    pub fn post(&self, at: Timestamp, text: &str) -> i32 {
        let number = self.play.lock().unwrap().world.post(CHANNEL, at, text);
        let shown = self.site.lock().unwrap().post(NAME, at, text);
        assert_eq!(i64::from(number), shown);
        number
    }

    pub fn close_preview(&self) {
        self.site.lock().unwrap().set_preview(NAME, false);
    }

    pub fn horizon(&self) -> Timestamp {
        self.world.now() - days(7)
    }

    pub async fn page(&mut self) -> Result<Page, CollectError> {
        self.spec.platform_id.clone_from(&self.store.platform_id);
        let horizon = self.horizon();
        self.telegram.page(&self.spec, self.store.cursor.as_ref(), horizon).await
    }

    /// Looks to the end; returns the last page's facts.
    pub async fn look(&mut self) -> otklik_collectors::Facts {
        for _ in 0..2_000 {
            let page = self.page().await.unwrap();
            let (more, facts) = (page.more, page.facts.clone());
            self.store.commit(page);
            if !more {
                return facts;
            }
        }
        panic!("a look without end");
    }

    /// Methods asked of the account's server since `from`.
    pub fn asked(&self, from: usize) -> Vec<&'static str> {
        self.play.lock().unwrap().log()[from..].iter().map(|asked| asked.method).collect()
    }

    pub fn calls(&self) -> usize {
        self.play.lock().unwrap().log().len()
    }
}
