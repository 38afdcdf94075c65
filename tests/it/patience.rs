//! A daemon on a simulated clock: what platforms order is kept over restarts, a network of our own
//! that is down harms nothing and is told once, nobody waits for a long thread, a new source tells
//! no past.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use otklik::clock::{Clock, SimClock};
use otklik::config;
use otklik::daemon::{self, Control};
use otklik::notify::Notifiers;
use otklik::pipeline::district::District;
use otklik::pipeline::services::Services;
use otklik::store::Store;
use otklik_collectors::http::{Request, Response};
use otklik_collectors::play::telegram::PlayTelegram;
use otklik_collectors::play::vk::PlayVk;
use otklik_collectors::play::{Fault, InProcess, vk};
use otklik_collectors::{Class, CollectError, Scope, Transport};
use tokio::sync::watch;

mod outage;
mod stored;

use outage::Outage;

use crate::rig::Rig;
use crate::town::lock;

const CHANNEL: &str = "lesnoy_kanal";
/// Who answers, as budgets name them.
const VK: &str = "127.0.0.1:7001";
const TELEGRAM: &str = "127.0.0.1:7002";

/// Leads to the play that is meant, or nowhere while the network is down.
struct Switch {
    vk: InProcess,
    telegram: InProcess,
    down: Arc<AtomicBool>,
    hung: Arc<AtomicUsize>,
    vk_out: Arc<Mutex<Outage>>,
    clock: SimClock,
}

/// A site that takes every request and answers none.
const HANGS: &str = "visit.example";
/// How long a request is waited for.
const TIMEOUT: SignedDuration = SignedDuration::from_secs(60);

#[async_trait]
impl Transport for Switch {
    async fn send(&self, request: Request) -> Result<Response, CollectError> {
        if self.down.load(Ordering::SeqCst) {
            let text = "Сервер не принимает соединение";
            return Err(CollectError::new(Class::Transient, Scope::Host, "connect", text));
        }
        if request.url.contains(HANGS) {
            self.hung.fetch_add(1, Ordering::SeqCst);
            self.clock.sleep_until(self.clock.now() + TIMEOUT).await;
            let text = "Сервер не ответил вовремя";
            return Err(CollectError::new(Class::Transient, Scope::Host, "timeout", text));
        }
        if !request.url.contains(":7001/") {
            return self.telegram.send(request).await;
        }
        match outage::meet(&self.vk_out, &self.clock).await {
            Some(met) => met,
            None => self.vk.send(request).await,
        }
    }
}

/// Walls and a channel on a clock of their own.
struct Village {
    rig: Rig,
    clock: SimClock,
    vk: Arc<Mutex<PlayVk>>,
    telegram: Arc<Mutex<PlayTelegram>>,
    down: Arc<AtomicBool>,
    hung: Arc<AtomicUsize>,
    vk_out: Arc<Mutex<Outage>>,
}

fn owner(number: i64) -> i64 {
    -200_001 - number
}

impl Village {
    fn new(walls: i64) -> Self {
        let rig = Rig::new();
        let start: Timestamp = "2026-03-02T01:00:00Z".parse().expect("an instant");
        let clock = SimClock::new(start);
        let (mut vk, mut telegram) = (PlayVk::new(), PlayTelegram::new());
        telegram.add_channel(CHANNEL, 1_700_000_001, "Лесной канал");
        telegram.post(CHANNEL, start - SignedDuration::from_hours(5), "Доброе утро");
        rig.add(
            "config/otklik.toml",
            "[platforms.vk]\napi_url = \"http://127.0.0.1:7001/method\"\ntoken = { file = \"vk\" }\n\
             [platforms.telegram]\npreview_url = \"http://127.0.0.1:7002\"\n",
        );
        rig.write("config/vk", "MADEUPTOKEN");
        rig.write(
            "config/routes.toml",
            "[[receiver]]\nname = \"Дежурный\"\nemail = \"d@example.org\"\nmin_level = \"low\"\n\
             operator = true\n",
        );
        let mut sources = format!(
            "[[source]]\nid = \"tg\"\nplatform = \"telegram\"\nhandle = \"{CHANNEL}\"\n\
             every = \"15m\"\n"
        );
        for number in 0..walls {
            // Not «wall1»: that is the address of a person's wall.
            let name = format!("stena{number}");
            vk.world.add_community(owner(number), &name, "Стена", 3_000);
            vk.world.post(owner(number), 100_001, start - SignedDuration::from_hours(4), "Привет");
            sources.push_str(&format!(
                "[[source]]\nid = \"{name}\"\nplatform = \"vk\"\nhandle = \"{name}\"\n\
                 every = \"15m\"\n"
            ));
        }
        rig.write("config/sources.toml", &sources);
        Self {
            rig,
            clock,
            vk: Arc::new(Mutex::new(vk)),
            telegram: Arc::new(Mutex::new(telegram)),
            down: Arc::default(),
            hung: Arc::default(),
            vk_out: Arc::default(),
        }
    }

    fn add_source(&self, rows: &str) {
        let path = self.rig.path("config/sources.toml");
        let before = std::fs::read_to_string(path).expect("written");
        self.rig.write("config/sources.toml", &format!("{before}{rows}"));
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn services(&self) -> Arc<Services> {
        let settings = config::load_all(&self.rig.path("config/otklik.toml")).expect("sound");
        let district =
            District::load(&settings, false).unwrap_or_else(|faults| panic!("{faults:?}"));
        let store = Store::open_play(&settings.store, settings.district.id.clone()).expect("opens");
        let clock: Arc<dyn Clock> = Arc::new(self.clock.clone());
        let transport = Switch {
            vk: InProcess::new(self.vk.clone(), clock.clone()),
            telegram: InProcess::new(self.telegram.clone(), clock.clone()),
            down: self.down.clone(),
            hung: self.hung.clone(),
            vk_out: self.vk_out.clone(),
            clock: self.clock.clone(),
        };
        let joined = Services::join(
            settings,
            clock,
            store,
            district,
            Arc::new(transport),
            Notifiers::default(),
        );
        Arc::new(joined.unwrap_or_else(|fault| panic!("{fault}")))
    }

    /// A daemon that runs for some minutes and is stopped.
    async fn live(&self, minutes: i64) {
        let services = self.services();
        let (stop, stopped) = watch::channel(false);
        let until = self.now() + SignedDuration::from_mins(minutes);
        let busy = self.clock.busy();
        let watch = async {
            self.clock.sleep_until(until).await;
            stop.send_replace(true);
            drop(busy);
        };
        let tick = SignedDuration::from_hours(24);
        let control = Control::alone(stopped, tick);
        // The daemon first: were the watch alone at work, time would run to its end at once.
        let (ended, ()) = tokio::join!(daemon::run(services, control), watch);
        ended.expect("it ends in peace");
    }

    /// Rows of the store as text, columns joined by a bar.
    fn rows(&self, sql: &str) -> Vec<String> {
        let conn = rusqlite::Connection::open(self.rig.path("store/otklik.db")).expect("opens");
        let mut statement = conn.prepare(sql).expect("prepared");
        let columns = statement.column_count();
        let found = statement.query_map([], |row| {
            let cell = |column| {
                row.get::<_, rusqlite::types::Value>(column).map(|value| format!("{value:?}"))
            };
            Ok((0..columns).map(cell).collect::<Result<Vec<_>, _>>()?.join("|"))
        });
        found.expect("asked").map(|row| row.expect("a row")).collect()
    }

    /// Sources that are due at `now` and that nobody looks at, with the instant since when.
    fn waiting(&self, now: Timestamp) -> Vec<(String, Timestamp)> {
        let conn = rusqlite::Connection::open(self.rig.path("store/otklik.db")).expect("opens");
        let sql =
            "SELECT source, next_due FROM source_state WHERE next_due <= ?1 AND lease IS NULL";
        let mut statement = conn.prepare(sql).expect("prepared");
        let found = statement.query_map([now.as_microsecond()], |row| {
            let due = Timestamp::from_microsecond(row.get(1)?).expect("an instant");
            Ok((row.get(0)?, due))
        });
        found.expect("asked").map(|row| row.expect("a row")).collect()
    }

    fn number(&self, sql: &str) -> i64 {
        let conn = rusqlite::Connection::open(self.rig.path("store/otklik.db")).expect("opens");
        conn.query_row(sql, [], |row| row.get(0)).expect("a number")
    }
}

/// A pause that a platform ordered, as it was found in the store at `seen`.
#[derive(Debug, Clone, PartialEq)]
struct Pause {
    host: String,
    method: String,
    seen: Timestamp,
    until: Timestamp,
}

fn pauses(village: &Village) -> Vec<Pause> {
    let conn = rusqlite::Connection::open(village.rig.path("store/otklik.db")).expect("opens");
    let now = village.now();
    let mut statement =
        conn.prepare("SELECT host, method, until FROM pause WHERE until > ?1").expect("prepared");
    let found = statement.query_map([now.as_microsecond()], |row| {
        let until: i64 = row.get(2)?;
        let until = Timestamp::from_microsecond(until).expect("an instant");
        Ok(Pause { host: row.get(0)?, method: row.get(1)?, seen: now, until })
    });
    found.expect("asked").map(|row| row.expect("a row")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_with_fifty_restarts_respects_every_pause() {
    let village = Village::new(3);
    let mut ordered: Vec<Pause> = Vec::new();
    for life in 0..50 {
        match life {
            4 | 25 => lock(&village.vk).fail_next(vk::Fault::Code(9)),
            14 => lock(&village.vk).fail_next(vk::Fault::Code(14)),
            36 => lock(&village.vk).fail_next(vk::Fault::Code(29)),
            2 | 18 => {
                let wait = Some("7200".to_owned());
                lock(&village.telegram).fail_next(Fault::Status(429, wait));
            }
            30 => {
                let wait = Some("86400".to_owned());
                lock(&village.telegram).fail_next(Fault::Status(429, wait));
            }
            _ => {}
        }
        village.live(29).await;
        ordered.extend(pauses(&village));
    }
    let vk: Vec<(String, Timestamp)> =
        lock(&village.vk).log.iter().map(|call| (call.method.clone(), call.at)).collect();
    let telegram: Vec<Timestamp> =
        lock(&village.telegram).plan.log().iter().map(|(at, _)| *at).collect();
    assert!(ordered.len() > 20 && vk.len() > 40 && telegram.len() > 10, "{ordered:?}");
    for pause in &ordered {
        let within = |at: Timestamp| pause.seen < at && at < pause.until;
        let broken = match pause.host.as_str() {
            TELEGRAM => telegram.iter().filter(|at| within(**at)).count(),
            _ => vk
                .iter()
                .filter(|(method, at)| {
                    within(*at) && (pause.method.is_empty() || pause.method == *method)
                })
                .count(),
        };
        assert_eq!(broken, 0, "calls within {pause:?}");
    }
    for host in [VK, TELEGRAM] {
        let of = ordered.iter().filter(|pause| pause.host == host);
        let spans: std::collections::BTreeSet<Timestamp> = of.map(|pause| pause.until).collect();
        assert!(spans.len() >= 3, "{host} was paused {spans:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_own_network_moves_no_cursor_and_is_told_once() {
    let village = Village::new(3);
    village.live(40).await;
    let cursors = "SELECT id, cursor FROM source ORDER BY id";
    let kept = [
        cursors,
        "SELECT source, id, text, state, version FROM post ORDER BY source, id",
        "SELECT * FROM coverage ORDER BY source, from_at",
        "SELECT source, last_ok FROM source_state ORDER BY source",
    ];
    let before = kept.map(|sql| village.rows(sql));
    assert_eq!(before[1].len(), 4, "{:?}", before[1]);
    village.down.store(true, Ordering::SeqCst);
    for _ in 0..4 {
        village.live(45).await;
    }
    assert_eq!(kept.map(|sql| village.rows(sql)), before);
    let slow = "SELECT COUNT(*) FROM source_state WHERE health = 'slow' AND code = 'connect'";
    assert_eq!(village.number(slow), 4);
    let notices = "SELECT facts FROM notice ORDER BY at";
    let told = village.rows(notices);
    assert_eq!(told.len(), 1, "four sources, four restarts, one notice: {told:?}");
    assert!(told[0].contains("\\\"network\\\":true"), "{told:?}");
    assert_eq!(village.number("SELECT COUNT(*) FROM delivery WHERE subject LIKE 'health:%'"), 1);
    // A day of it: told once more. Then all is well, and what was written meanwhile is read.
    village.live(24 * 60).await;
    assert_eq!(village.rows(notices).len(), 2);
    let at = village.now() - SignedDuration::from_hours(3);
    lock(&village.vk).world.post(owner(0), 100_002, at, "Пока не было сети");
    village.down.store(false, Ordering::SeqCst);
    village.live(60).await;
    assert_eq!(village.number("SELECT COUNT(*) FROM post"), 5);
    let told = village.rows(notices);
    assert!(told.len() >= 3, "{told:?}");
    assert!(told[2..].iter().all(|facts| facts.contains("over")), "{told:?}");
}

/// How many comments the long threads of [`long_threads`] have together: 100,000 as the promise
/// says it take a minute unoptimised, so that the suite makes do with fewer.
fn long() -> i64 {
    std::env::var("OTKLIK_LONG_THREAD").ok().and_then(|it| it.parse().ok()).unwrap_or(8_400)
}

/// As many long threads as VK has places: each alone could hold one for as long as it takes.
const THREADS: i64 = 4;
/// Pages after which a look makes room for others.
const TURN_PAGES: usize = 20;

fn long_threads(village: &Village, comments: i64) {
    let mut vk = lock(&village.vk);
    let start = village.now() - SignedDuration::from_hours(3);
    for wall in 0..THREADS {
        let post = vk.world.post(owner(wall), 100_001, start, "Обсуждаем");
        for number in 0..comments / THREADS {
            let at = start + SignedDuration::from_millis(100 * number);
            vk.world.comment(owner(wall), post, 100_002, at, "И я так думаю", None);
        }
    }
}

/// Lets the daemon live for some minutes and asks every second which sources wait for their turn.
/// Returns the longest that the channel, or a wall from the given number on, has waited.
async fn longest_wait(village: &Village, minutes: i64, from_wall: i64) -> SignedDuration {
    let ours: std::collections::BTreeSet<String> =
        (from_wall..WALLS).map(|wall| format!("stena{wall}")).chain(["tg".to_owned()]).collect();
    let (busy, end) = (village.clock.busy(), village.now() + SignedDuration::from_mins(minutes));
    let watch = async {
        let mut longest = SignedDuration::ZERO;
        while village.now() < end {
            village.clock.sleep_until(village.now() + SignedDuration::from_secs(1)).await;
            let now = village.now();
            for (source, due) in village.waiting(now) {
                if ours.contains(&source) {
                    longest = longest.max(now.duration_since(due));
                }
            }
        }
        drop(busy);
        longest
    };
    let ((), longest) = tokio::join!(village.live(minutes), watch);
    longest
}

const WALLS: i64 = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hanging_server_and_long_threads_delay_nobody_by_more_than_a_turn() {
    let calm = longest_wait(&Village::new(WALLS), 20, 0).await;

    let village = Village::new(WALLS);
    // More feeds of one server that never answers than there are places for looks.
    for number in 0..9 {
        village.add_source(&format!(
            "[[source]]\nid = \"a_feed{number}\"\nplatform = \"rss\"\n\
             handle = \"https://{HANGS}/{number}.xml\"\nevery = \"15m\"\n"
        ));
    }
    let comments = long();
    long_threads(&village, comments);
    // Long enough for everybody's second look, while the feeds still wait for one another.
    let minutes = 20 + comments / 10_000;
    let longest = longest_wait(&village, minutes, THREADS).await;

    let stored = "SELECT COUNT(*) FROM post WHERE parent IS NOT NULL";
    assert_eq!(village.number(stored), comments, "the threads are whole");
    let hung = village.hung.load(Ordering::SeqCst);
    assert!(hung >= 3, "{hung} requests hung");
    let (mut calls, mut turn) = (0, SignedDuration::ZERO);
    for wall in 0..THREADS {
        let play = lock(&village.vk);
        let owner = owner(wall).to_string();
        let of_thread = |call: &&vk::Logged| {
            call.method == "wall.getComments" && call.param("owner_id") == Some(owner.as_str())
        };
        let at: Vec<Timestamp> = play.log.iter().filter(of_thread).map(|call| call.at).collect();
        calls += at.len();
        // The turn that others wait for is the first: later ones make way for whoever is due.
        turn = turn.max(at[TURN_PAGES - 1].duration_since(at[0]));
    }
    assert!(calls as i64 >= comments / 100, "{calls} calls for the threads");
    println!("calm {calm:?}, a turn {turn:?}, longest wait {longest:?}, {calls} calls");
    assert!(turn <= SignedDuration::from_secs(30), "a turn of {turn:?}");
    let slack = SignedDuration::from_secs(2);
    assert!(longest <= calm + turn + slack, "waited {longest:?}, calm {calm:?}, turn {turn:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_source_tells_nobody_about_its_past() {
    let village = Village::new(1);
    {
        let mut vk = lock(&village.vk);
        let ago = |hours: i64| village.now() - SignedDuration::from_hours(hours);
        vk.world.post(owner(0), 100_001, ago(30), "В Кедрово горит дом");
        vk.world.post(owner(0), 100_002, ago(1), "В Соснягино горит дом");
    }
    village.live(5).await;
    assert_eq!(village.number("SELECT COUNT(*) FROM alert"), 2, "both are decided");
    let states = village.rows(
        "SELECT delivery.state = 'suppressed', problem.place FROM delivery
         JOIN alert ON delivery.subject = 'alert:' || alert.id
         JOIN problem ON problem.id = alert.problem ORDER BY problem.place",
    );
    let expected = ["Integer(1)|Text(\"kedrovo\")", "Integer(0)|Text(\"sosnyagino\")"];
    assert_eq!(states, expected);
    // What comes later is told whatever its age within two days.
    let at = village.now() - SignedDuration::from_mins(1);
    lock(&village.vk).world.post(owner(0), 100_003, at, "В Кедрово горит дом опять, новый пожар");
    village.live(60).await;
    assert!(village.number("SELECT COUNT(*) FROM post") >= 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn check_and_sources_say_how_often_and_how_completely() {
    let village = Village::new(60);
    let rig = &village.rig;
    let said = rig.run(&["check"]).out;
    let forecast = "vk: источников 60, вызовов wall.get в сутки 5760, норма 5000: в среднем будем \
                    смотреть реже желаемого в 1,2 раза";
    assert!(said.contains(forecast), "{said}");
    assert!(said.contains("telegram: источников 1, просмотров в сутки 96; суточной нормы нет"));
    village.live(45).await;
    let rows = rig.run(&["sources", "--json"]).rows(0);
    let wall = rows.iter().find(|row| row["id"] == "stena7").expect("a row");
    assert_eq!((wall["every"].as_str(), wall["state"].as_str()), (Some("15m"), Some("ok")));
    let real = wall["every_real_secs"].as_i64().expect("two looks");
    assert!((400..2_400).contains(&real), "{wall}");
    // The command looks at the last four weeks of its own clock, the village lives in another
    // month: there completeness counts nothing, at the village's time it counts the greeting.
    assert!(wall["why"].is_string() && wall["completeness"]["stored"] == 0, "{wall}");
    let watched = village.services().store.watched(village.now()).await.expect("read");
    let told = watched.iter().find(|it| it.row.source.id.as_str() == "stena7").expect("watched");
    assert_eq!((told.completeness.stored.posts, told.completeness.gaps.len()), (1, 0));
    let shown = rig.run(&["sources"]);
    assert_eq!(shown.code, 0, "{shown:?}");
    assert!(shown.out.contains("полнота") && shown.out.contains("читается"), "{}", shown.out);
    let quota: i64 = village.number("SELECT MAX(taken) FROM budget WHERE method = 'wall.get'");
    assert!((60..400).contains(&quota), "{quota} calls in three quarters of an hour");
}
