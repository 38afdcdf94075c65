//! Waits that Telegram orders outlive every restart: a simulated day with fifty of them.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use otklik::clock::{Busy, Clock};
use otklik::model::DistrictId;
use otklik::pipeline::budget::StoredBudget;
use otklik::pipeline::telegram::StoredRooms;
use otklik::store::Store;
use otklik_collectors::door::Door;
use otklik_collectors::play::InProcess;
use otklik_collectors::play::mtproto::{Fault, Near, PlayMtproto, Who};
use otklik_collectors::play::telegram::PlayTelegram;
use otklik_collectors::telegram::{Account, Telegram, TelegramSettings};
use otklik_collectors::{
    Class, Collector, Cursor, MonthKeys, Platform, Ports, SourceKind, SourceSpec,
};

const CHANNEL: i64 = 1_700_000_001;
const RESTARTS: usize = 50;
const DAY_SECS: i64 = 24 * 3600;

/// A clock that sleeping moves.
struct Hours(Mutex<Timestamp>);

impl Hours {
    fn pass(&self, secs: i64) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now += SignedDuration::from_secs(secs);
    }
}

#[async_trait]
impl Clock for Hours {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn sleep_until(&self, at: Timestamp) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = at.max(*now);
    }

    fn busy(&self) -> Busy {
        Busy::uncounted()
    }
}

struct OneKey;

impl MonthKeys for OneKey {
    fn key(&self, _at: Timestamp) -> [u8; 32] {
        [7; 32]
    }
}

/// One life of the program: the store is opened, and with it goes everything else.
fn life(store: &Path, clock: &Arc<Hours>, play: &Arc<Mutex<PlayMtproto>>) -> Telegram {
    let store = Store::open_play(store, DistrictId("district".to_owned())).expect("a store");
    let clock: Arc<dyn Clock> = clock.clone();
    let near = Arc::new(Near::new(play.clone(), Arc::clone(&clock)));
    let account = Account::new(near, Arc::new(StoredRooms(store.clone())));
    let mut site = PlayTelegram::new();
    site.add_channel("selo_vestnik", CHANNEL, "Вестник");
    site.set_preview("selo_vestnik", false);
    let ports = Ports {
        clock: Arc::clone(&clock),
        budget: Arc::new(StoredBudget::new(store, Arc::clone(&clock))),
        transport: Arc::new(InProcess::new(Arc::new(Mutex::new(site)), clock)),
        door: Door::new(Arc::new(OneKey), []),
    };
    Telegram::new(TelegramSettings::default(), Some(Arc::new(account)), ports)
}

/// SplitMix64.
fn roll(state: &mut u64, below: u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) % below
}

#[tokio::test]
async fn no_call_comes_while_a_wait_is_in_force_over_fifty_restarts() {
    let mut dice = 11;
    println!("seed {dice}");
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("otklik.db");
    let start: Timestamp = "2026-03-02T10:00:00Z".parse().expect("an instant");
    let clock = Arc::new(Hours(Mutex::new(start)));
    let play = Arc::new(Mutex::new(PlayMtproto::new()));
    {
        let mut play = play.lock().expect("the play");
        play.world.add_channel("selo_vestnik", CHANNEL, "Вестник", Some(CHANNEL + 1));
        let post = play.world.post(CHANNEL, start, "Запись").max(1);
        play.world.comment(CHANNEL, post, start, Who::User(777_001), "Да", None);
        // Comments are closed to us for the whole day, everything else now and then.
        play.fail_call(2, Fault::Flood(86_399));
    }
    let spec = SourceSpec {
        id: "selo".to_owned(),
        platform: Platform::Telegram,
        handle: "selo_vestnik".to_owned(),
        kind: SourceKind::Community,
        comments: true,
        platform_id: None,
    };
    let (mut cursor, mut waits, mut read): (Option<Cursor>, u32, usize) = (None, 0, 0);
    for restart in 0..RESTARTS {
        let telegram = life(&file, &clock, &play);
        let end = start + SignedDuration::from_secs(DAY_SECS * (restart as i64 + 1) / 50);
        while clock.now() < end {
            let now = clock.now();
            {
                let mut play = play.lock().expect("the play");
                let post = play.world.post(CHANNEL, now, "Ещё запись");
                play.world.comment(CHANNEL, post, now, Who::User(777_002), "Да", None);
                if restart > 0 && roll(&mut dice, 5) == 0 {
                    let secs = [3, 40, 900, 4_000][roll(&mut dice, 4) as usize];
                    play.fail_next(Fault::Flood(secs));
                }
            }
            match telegram.page(&spec, cursor.as_ref(), now - SignedDuration::from_hours(48)).await
            {
                Ok(page) => {
                    read += page.posts.len();
                    cursor = Some(page.cursor);
                }
                Err(error) => {
                    assert_eq!(error.class, Class::RateLimited, "{}", error.code);
                    waits += 1;
                }
            }
            clock.pass(20 + roll(&mut dice, 240) as i64);
        }
    }
    let play = play.lock().expect("the play");
    assert_eq!(play.broken_waits(), 0);
    let replies: Vec<_> =
        play.log().iter().filter(|asked| asked.method == "messages.getReplies").collect();
    assert_eq!(replies.len(), 1, "one call brought the wait of a day, none broke it");
    assert!(waits > 30 && read > 50, "{waits} waits, {read} posts");
    assert!(play.log().len() > 50, "{} calls", play.log().len());
}
