//! The daemon in this process, on a simulated clock, dropped in the middle of its work again and
//! again.
//!
//! The town and the platform are those of `kill`, without sockets; a drop strikes before or behind
//! any call or message, or while it hangs. `OTKLIK_SEEDS` says how many runs, `OTKLIK_SEED` the
//! first seed.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp, ToSpan};
use otklik::clock::{Clock, SimClock};
use otklik::config::{self, Settings};
use otklik::daemon::{self, Control};
use otklik::model::{Channel, DeliveryState, SendOutcome};
use otklik::notify::{Email, EmailSettings, Message, Notifier, Notifiers};
use otklik::pipeline::district::District;
use otklik::pipeline::services::Services;
use otklik::sim::Rng;
use otklik::store::{Store, StoredDelivery};
use otklik_collectors::http::{Request, Response};
use otklik_collectors::play::InProcess;
use otklik_collectors::play::vk::{Fault, PlayVk};
use otklik_collectors::{CollectError, Transport};
use tempfile::TempDir;
use tokio::sync::{Notify, watch};

use crate::kill::check::{self, Outcome};
use crate::kill::number;
use crate::kill::town::{self, Addresses, Writer};

/// Deeds of the town, and minutes between two of them.
const DEEDS: usize = 24;
const STEP_MINUTES: i64 = 4;
/// How long the story is watched, with an hour of rest at its end.
const HOURS: i64 = 3;

fn start() -> Timestamp {
    "2026-11-10T02:00:00Z".parse().expect("an instant")
}

/// Counts everything that goes out and comes back, and strikes at the one that was chosen.
#[derive(Default)]
struct Gate {
    passed: AtomicUsize,
    strikes_at: AtomicUsize,
    hangs: bool,
    struck: Notify,
}

impl Gate {
    async fn pass(&self) {
        let passed = self.passed.fetch_add(1, Ordering::SeqCst) + 1;
        if passed == self.strikes_at.load(Ordering::SeqCst) {
            self.struck.notify_one();
            if self.hangs {
                std::future::pending::<()>().await;
            }
        }
    }
}

/// VK without a socket.
struct Way {
    inner: InProcess,
    gate: Arc<Gate>,
}

#[async_trait]
impl Transport for Way {
    async fn send(&self, request: Request) -> Result<Response, CollectError> {
        self.gate.pass().await;
        let answer = self.inner.send(request).await;
        self.gate.pass().await;
        answer
    }
}

/// What a channel accepted: delivery and address.
type Accepted = Arc<Mutex<Vec<(String, String)>>>;

/// A channel that accepts everything.
struct Desk {
    accepted: Accepted,
    gate: Arc<Gate>,
}

#[async_trait]
impl Notifier for Desk {
    async fn send(&self, message: &Message, address: &str) -> SendOutcome {
        self.gate.pass().await;
        let copy = (message.id.0.clone(), address.to_owned());
        self.accepted.lock().unwrap_or_else(PoisonError::into_inner).push(copy);
        self.gate.pass().await;
        SendOutcome::Sent { receipt: None }
    }

    async fn prove(&self) -> Result<String, String> {
        Ok("принимает всё".to_owned())
    }
}

/// A town, its platform and its store, over many lives of the daemon.
struct Drill {
    clock: SimClock,
    play: Arc<Mutex<PlayVk>>,
    accepted: Accepted,
    settings: Settings,
    store: Store,
    /// A mail notifier of its own, if the desk shall not take mails.
    email: Option<Arc<dyn Notifier>>,
    _folder: TempDir,
}

impl Drill {
    fn open(seed: u64) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let nowhere = || "http://localhost:9".to_owned();
        let addresses = Addresses {
            vk: nowhere(),
            smtp: "smtp://localhost:9".to_owned(),
            bot: nowhere(),
            gates: None,
        };
        let file = town::configure(folder.path(), &addresses, "15m");
        let settings = config::load_all(&file).expect("sound settings");
        let store = Store::open_play(&settings.store, settings.district.id.clone());
        let mut play = PlayVk::new();
        town::found(&mut play.world);
        let step = SignedDuration::from_mins(STEP_MINUTES);
        let mut writer = Writer::new(town::script(&mut Rng::new(seed), DEEDS), start(), step);
        writer.write(&mut play.world, DEEDS);
        Self {
            clock: SimClock::new(start()),
            play: Arc::new(Mutex::new(play)),
            accepted: Accepted::default(),
            settings,
            store: store.expect("opens"),
            email: None,
            _folder: folder,
        }
    }

    fn path(&self) -> &Path {
        &self.settings.store
    }

    fn services(&self, gate: &Arc<Gate>) -> Services {
        let clock: Arc<dyn Clock> = Arc::new(self.clock.clone());
        let inner = InProcess::new(self.play.clone(), Arc::clone(&clock));
        let desk: Arc<dyn Notifier> =
            Arc::new(Desk { accepted: self.accepted.clone(), gate: gate.clone() });
        let notifiers = Notifiers::default()
            .with(Channel::Email, self.email.clone().unwrap_or_else(|| desk.clone()))
            .with(Channel::Telegram, desk);
        let district = District::load(&self.settings, false).expect("sound rules");
        let way = Arc::new(Way { inner, gate: gate.clone() });
        let store = self.store.clone();
        Services::join(self.settings.clone(), clock, store, district, way, notifiers)
            .expect("joined")
    }

    /// One life of the daemon, until `end` or until the gate strikes; true if it struck.
    async fn live(&self, gate: &Arc<Gate>, end: Timestamp) -> bool {
        let services = Arc::new(self.services(gate));
        let (stop, stopped) = watch::channel(false);
        let control = Control::alone(stopped, SignedDuration::from_mins(30));
        let mut run = Box::pin(daemon::run(services, control));
        let mut watched = Box::pin(async {
            let busy = self.clock.busy();
            self.clock.sleep_until(end).await;
            stop.send_replace(true);
            drop(busy);
        });
        let mut over = false;
        loop {
            tokio::select! {
                biased;
                () = gate.struck.notified() => {
                    // The watch goes first: were it alone on the clock, time would run to its end.
                    drop(watched);
                    drop(run);
                    return true;
                }
                // The daemon first, for the same reason.
                ended = &mut run => {
                    ended.expect("the store is sound");
                    return false;
                }
                () = &mut watched, if !over => over = true,
            }
        }
    }

    /// Lives until the story is over; `kills` of them end in the middle. Returns how many did.
    async fn tell(&self, rng: &mut Rng, kills: usize) -> usize {
        let end = start() + HOURS.hours();
        let mut struck = 0;
        loop {
            let mut gate = Gate { hangs: rng.chance(0.5), ..Gate::default() };
            if struck < kills {
                gate.strikes_at = AtomicUsize::new(1 + rng.below(30));
            }
            if !self.live(&Arc::new(gate), end).await {
                return struck;
            }
            struck += 1;
        }
    }

    async fn deliveries(&self) -> Vec<StoredDelivery> {
        self.store.export_deliveries(None, None, 1_000).await.expect("read")
    }

    async fn outcome(&self) -> Outcome {
        let posts = self.store.export_posts(None, None, 1_000).await.expect("read");
        let problems = self.store.export_problems(None, None, 1_000).await.expect("read");
        let alerts = self.store.alerts(None, None, 1_000).await.expect("read");
        let deliveries = self.deliveries().await;
        Outcome {
            posts: posts
                .into_iter()
                .map(|row| (row.post.key.id.0, row.post.text))
                .filter(|(_, text)| !text.is_empty())
                .collect(),
            problems: problems
                .into_iter()
                .map(|row| {
                    let problem = row.problem;
                    let place = problem.place.map(|place| place.0).unwrap_or_default();
                    let (posts, voices) = (problem.posts.into(), row.voices.voices.into());
                    let level = problem.level.name().to_owned();
                    (problem.id.0, (problem.topic.into(), place, posts, voices, level))
                })
                .collect(),
            alerts: alerts
                .into_iter()
                .map(|alert| (alert.id.0, alert.problem.0, alert.reason.name().to_owned()))
                .collect(),
            deliveries: deliveries
                .into_iter()
                .map(|row| {
                    let alert = row.delivery.subject.trim_start_matches("alert:").to_owned();
                    (alert, row.delivery.receiver)
                })
                .collect(),
        }
    }

    /// Everything that must hold when the story is over.
    async fn check(&self, kills: usize) -> Outcome {
        let outcome = self.outcome().await;
        let now = self.clock.now();
        let accepted = self.accepted.lock().unwrap_or_else(PoisonError::into_inner).clone();
        {
            let play = self.play.lock().unwrap_or_else(PoisonError::into_inner);
            outcome.holds(&play.world, now);
            assert!(play.busiest_second() <= 5, "{} calls in a second", play.busiest_second());
            check::clean(self.path(), town::critics(&play.world, now), &outcome);
        }
        let mut left: BTreeMap<&str, u32> = BTreeMap::new();
        for (id, _) in &accepted {
            *left.entry(id).or_default() += 1;
        }
        let mut more = 0;
        for row in self.deliveries().await {
            let delivery = row.delivery;
            let copies = left.remove(delivery.id.as_str()).unwrap_or_default();
            assert_eq!(delivery.state, DeliveryState::Sent, "{delivery:?}");
            assert!((1..=delivery.copies).contains(&copies), "{copies} left: {delivery:?}");
            more += delivery.copies as usize - 1;
        }
        assert!(left.is_empty(), "messages that nobody decided: {left:?}");
        assert!(more <= kills, "{more} copies counted after {kills} kills");
        outcome
    }
}

/// Channels of a drill.
const CHANNELS: usize = 2;

#[tokio::test]
async fn dropped_anywhere_nothing_is_lost_or_doubled() {
    let (first, seeds) = (number("OTKLIK_SEED", 1), number("OTKLIK_SEEDS", 40));
    let towns = 4;
    let mut undisturbed: BTreeMap<u64, Outcome> = BTreeMap::new();
    for town in 0..towns {
        let drill = Drill::open(town);
        drill.tell(&mut Rng::new(0), 0).await;
        undisturbed.insert(town, drill.check(0).await);
    }
    for seed in first..first + seeds {
        let _told = Told(seed);
        let mut rng = Rng::new(seed ^ 0x6472_6f70);
        let drill = Drill::open(seed % towns);
        disturb(&drill, &mut rng);
        let kills = 1 + rng.below(6);
        let struck = drill.tell(&mut rng, kills).await;
        // Each channel has at most one message on its way.
        assert_eq!(drill.check(struck * CHANNELS).await, undisturbed[&(seed % towns)]);
    }
}

/// Some calls go wrong, as they do.
fn disturb(drill: &Drill, rng: &mut Rng) {
    let mut play = drill.play.lock().unwrap_or_else(PoisonError::into_inner);
    for _ in 0..rng.below(6) {
        let call = 1 + rng.below(60);
        let fault = match rng.below(6) {
            0 => Fault::Status(502),
            1 => Fault::Html,
            2 => Fault::Body("{\"response\":{\"count\":0,\"items\":[]}}".to_owned()),
            3 => Fault::Cut(rng.below(400)),
            4 => Fault::Code(10),
            _ => Fault::Reset,
        };
        play.faults.insert(call, fault);
    }
}

/// Names the seed of a run that panics.
struct Told(u64);

impl Drop for Told {
    #[expect(clippy::print_stderr, reason = "a seed that is not printed cannot be replayed")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("OTKLIK_SEEDS=1 OTKLIK_SEED={}", self.0);
        }
    }
}

/// A port at which nobody listens.
fn closed_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a socket");
    listener.local_addr().expect("an address").port()
}

#[tokio::test]
async fn a_mail_server_out_of_reach_for_two_minutes_costs_its_turn_over_a_crash_too() {
    let mut drill = Drill::open(0);
    let url = format!("smtp://127.0.0.1:{}", closed_port());
    let settings =
        EmailSettings { url: &url, from: "otklik@example.org", password: None, ca_pem: None };
    drill.email = Some(Arc::new(Email::new(&settings).expect("sound")));
    // The daemon dies a minute after it first found nobody there.
    let first = async {
        loop {
            if let Some(row) =
                drill.deliveries().await.iter().find_map(|row| row.delivery.unreachable_since)
            {
                return row;
            }
            tokio::task::yield_now().await;
        }
    };
    let gate = Arc::new(Gate::default());
    let end = start() + HOURS.hours();
    let since = tokio::select! {
        since = first => since,
        _ = drill.live(&gate, end) => panic!("the mail server was never missed"),
    };
    assert!(!drill.live(&gate, end).await);
    let rows = drill.deliveries().await;
    let duty: Vec<_> = rows.iter().filter(|row| row.delivery.receiver == "Дежурный").collect();
    assert!(duty.len() >= 3 && rows.len() == 2 * duty.len(), "{rows:?}");
    for row in &duty {
        let delivery = &row.delivery;
        assert_eq!((delivery.channel, delivery.state), (Channel::Telegram, DeliveryState::Sent));
    }
    let tries = tries(drill.path());
    let moved =
        tries.iter().filter(|(_, _, channel, state)| channel == "telegram" && state == "sent");
    for (id, at, ..) in moved.filter(|(id, ..)| duty.iter().any(|row| row.delivery.id.0 == *id)) {
        let began = tries.iter().find(|(other, ..)| other == id).expect("a first try").1;
        let waited = at.duration_since(began).as_secs();
        assert!((120..=125).contains(&waited), "{id} waited {waited} s");
    }
    assert!(tries.iter().any(|(_, at, ..)| *at == since), "the crash did not start the clock anew");
}

/// For forty minutes the store refuses rows of one table: whatever stands in the same commit must
/// not be there either, or something is missing in the end. A commit that was two would show here,
/// because no kill is quick enough to strike between them.
#[tokio::test]
async fn half_a_commit_is_none() {
    let drill = Drill::open(0);
    drill.tell(&mut Rng::new(0), 0).await;
    let undisturbed = drill.check(0).await;
    for table in [
        "post",
        "finding",
        "voice",
        "attitude_voice",
        "work",
        "problem",
        "problem_event",
        "membership",
        "alert",
        "delivery",
        "delivery_try",
    ] {
        let drill = Drill::open(0);
        let order = |sql: &str| {
            let conn = rusqlite::Connection::open(drill.path()).expect("opens");
            conn.execute_batch(sql).expect("done");
        };
        order(&format!(
            "CREATE TRIGGER planned BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'planned'); END"
        ));
        let gate = Arc::new(Gate::default());
        assert!(!drill.live(&gate, start() + 40.minutes()).await);
        check::whole(drill.path(), 2);
        order("DROP TRIGGER planned");
        assert!(!drill.live(&gate, start() + HOURS.hours()).await);
        // A message that cannot be noted as sent goes out again, each time under the same name.
        let copies = if table == "delivery_try" { usize::MAX } else { 0 };
        assert_eq!(drill.check(copies).await, undisturbed, "{table}");
    }
}

/// A channel that panics at its first message.
struct Stumbles {
    desk: Desk,
    stumbled: AtomicBool,
}

#[async_trait]
impl Notifier for Stumbles {
    async fn send(&self, message: &Message, address: &str) -> SendOutcome {
        assert!(self.stumbled.swap(true, Ordering::SeqCst), "planned: the first message");
        self.desk.send(message, address).await
    }

    async fn prove(&self) -> Result<String, String> {
        self.desk.prove().await
    }
}

#[tokio::test]
async fn a_task_that_panics_is_taken_up_again() {
    let mut drill = Drill::open(0);
    let gate = Arc::new(Gate::default());
    let desk = Desk { accepted: drill.accepted.clone(), gate: gate.clone() };
    drill.email = Some(Arc::new(Stumbles { desk, stumbled: AtomicBool::new(false) }));
    assert!(!drill.live(&gate, start() + HOURS.hours()).await);
    drill.check(1).await;
}

/// All tries in order: delivery, when, channel, state.
fn tries(store: &Path) -> Vec<(String, Timestamp, String, String)> {
    let conn = rusqlite::Connection::open(store).expect("opens");
    let mut rows = conn
        .prepare("SELECT delivery, at, channel, state FROM delivery_try ORDER BY delivery, seq")
        .expect("a query");
    let rows = rows.query_map([], |row| {
        let at = Timestamp::from_microsecond(row.get(1)?).expect("an instant");
        Ok((row.get(0)?, at, row.get(2)?, row.get(3)?))
    });
    rows.expect("rows").collect::<Result<_, _>>().expect("rows")
}
