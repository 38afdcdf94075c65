//! A town with its pages: local VK, t.me, feeds, mail and bot servers, and a live daemon that reads them.
//!
//! Place in the flow: used by the tests of the live daemon and of the boundary. Invariant: real sockets and
//! real time; every wait is for an event and ends with a failure that shows the daemon's log.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Child;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use otklik::clock::{Clock, SystemClock};
use otklik::model::{Command, CommandKind, CommandReply};
use otklik::notify::play::{LocalBot, LocalSmtp};
use otklik_collectors::play::rss::PlayRss;
use otklik_collectors::play::telegram::PlayTelegram;
use otklik_collectors::play::vk::{PlayVk, Token};
use otklik_collectors::play::{Server, serve};

use crate::rig::{Ended, Rig};

pub const VK_TOKEN: &str = "CANARYvkTOKEN0123456789";
pub const BOT_TOKEN: &str = "700700:CANARYbotTOKEN0123456789";
pub const SMTP_PASSWORD: &str = "CANARYsmtpPASSWORD0123456789";

/// Number of the community, and its name.
pub const OWNER: i64 = -200_001;
pub const CHANNEL: &str = "lesnoy_kanal";

pub struct Town {
    pub rig: Rig,
    pub vk: Arc<Mutex<PlayVk>>,
    pub telegram: Arc<Mutex<PlayTelegram>>,
    pub rss: Arc<Mutex<PlayRss>>,
    pub smtp: LocalSmtp,
    pub bot: LocalBot,
    pub feed: String,
    _servers: [Server; 3],
    pub runtime: tokio::runtime::Runtime,
}

/// The play behind its lock.
pub fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

pub fn minutes_ago(minutes: i64) -> Timestamp {
    SystemClock.now() - SignedDuration::from_mins(minutes)
}

impl Town {
    /// Three pages, one of each platform, and one receiver of each channel.
    pub fn new() -> Self {
        let rig = Rig::new();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let mut vk = PlayVk::new();
        vk.tokens.insert(VK_TOKEN.to_owned(), Token::Service);
        vk.world.add_community(OWNER, "lesnoy", "Лесной", 3_000);
        let vk = Arc::new(Mutex::new(vk));
        let mut telegram = PlayTelegram::new();
        telegram.add_channel(CHANNEL, 1_700_000_001, "Лесной канал");
        let telegram = Arc::new(Mutex::new(telegram));
        let mut rss = PlayRss::new();
        rss.add_feed("/rss.xml", "Лесные новости");
        let rss = Arc::new(Mutex::new(rss));
        let (servers, smtp, bot) = runtime.block_on(async {
            let clock: Arc<dyn Clock> = Arc::new(SystemClock);
            let servers = [
                serve(vk.clone(), clock.clone()).await.expect("a socket"),
                serve(telegram.clone(), clock.clone()).await.expect("a socket"),
                serve(rss.clone(), clock.clone()).await.expect("a socket"),
            ];
            let smtp = LocalSmtp::start().await.expect("a socket");
            smtp.want_login("otklik", SMTP_PASSWORD);
            (servers, smtp, LocalBot::start(BOT_TOKEN).await.expect("a socket"))
        });
        let feed = format!("{}/rss.xml", servers[2].url());
        let town = Self { rig, vk, telegram, rss, smtp, bot, feed, _servers: servers, runtime };
        town.configure();
        town
    }

    fn configure(&self) {
        let rig = &self.rig;
        for (name, secret) in
            [("config/vk", VK_TOKEN), ("config/bot", BOT_TOKEN), ("config/smtp", SMTP_PASSWORD)]
        {
            let path = rig.write(name, secret);
            let own = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(path, own).expect("set");
        }
        let [vk, telegram, _] = &self._servers;
        let mail = self.smtp.url().replace("smtp://", "smtp://otklik@");
        rig.add(
            "config/otklik.toml",
            &format!(
                "[platforms.vk]\napi_url = \"{}/method\"\ntoken = {{ file = \"vk\" }}\n\
                 [platforms.telegram]\npreview_url = \"{}\"\n\
                 [smtp]\nurl = \"{mail}\"\nfrom = \"Отклик <otklik@example.org>\"\n\
                 password = {{ file = \"smtp\" }}\n\
                 [telegram_bot]\napi_url = \"{}\"\ntoken = {{ file = \"bot\" }}\n",
                vk.url(),
                telegram.url(),
                self.bot.url()
            ),
        );
        rig.write(
            "config/routes.toml",
            "[[receiver]]\nname = \"Дежурный\"\nemail = \"d@example.org\"\nmin_level = \"low\"\n\
             digest = true\n[[receiver]]\nname = \"Чат\"\ntelegram_chat = -1001\n\
             min_level = \"low\"\n",
        );
        rig.write("config/sources.toml", &self.sources());
    }

    /// The list of the three pages.
    pub fn sources(&self) -> String {
        format!(
            "[[source]]\nid = \"vk-lesnoy\"\nplatform = \"vk\"\nhandle = \"lesnoy\"\nevery = \"1m\"\n\
             [[source]]\nid = \"tg-lesnoy\"\nplatform = \"telegram\"\nhandle = \"{CHANNEL}\"\n\
             every = \"1m\"\n[[source]]\nid = \"rss-lesnoy\"\nplatform = \"rss\"\n\
             handle = \"{}\"\nkind = \"news\"\nevery = \"1m\"\n",
            self.feed
        )
    }

    /// A resident writes on the wall, some minutes ago; returns the id of the post.
    pub fn writes(&self, person: i64, minutes: i64, text: &str) -> String {
        let number = lock(&self.vk).world.post(OWNER, person, minutes_ago(minutes), text);
        format!("vk:{OWNER}_{number}")
    }

    /// Starts the daemon and waits until it says that it is ready.
    pub fn start(&self) -> Daemon<'_> {
        Daemon::start(self, "info")
    }
}

/// A daemon that runs.
pub struct Daemon<'a> {
    town: &'a Town,
    child: Child,
    heard: Heard,
}

/// What the service manager was told.
type Heard = Arc<Mutex<Vec<String>>>;

/// Listens to what the daemon tells the service manager, until it says that it stops. Read all the while,
/// as the service manager does: a full socket would hold the daemon.
fn listen(path: &Path) -> Heard {
    let ear = UnixDatagram::bind(path).expect("a socket");
    let heard = Heard::default();
    let shared = Arc::clone(&heard);
    std::thread::spawn(move || {
        let mut bytes = [0; 256];
        while let Ok(size) = ear.recv(&mut bytes) {
            let text = String::from_utf8_lossy(&bytes[..size]).into_owned();
            let last = text.contains("STOPPING=1");
            lock(&shared).extend(text.lines().map(str::to_owned));
            if last {
                return;
            }
        }
    });
    heard
}

impl<'a> Daemon<'a> {
    /// With everything in the log that `filter` lets through.
    pub fn start(town: &'a Town, filter: &str) -> Self {
        Self::start_in(town, filter, None)
    }

    /// The same in a runtime folder, as the service manager gives one.
    pub fn start_in(town: &'a Town, filter: &str, runtime: Option<&Path>) -> Self {
        let path = town.rig.path("notify");
        if path.exists() {
            std::fs::remove_file(&path).expect("removed");
        }
        let heard = listen(&path);
        let log = std::fs::File::create(town.rig.path("log")).expect("a file");
        let mut command = town.rig.command(&["run"]);
        command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "3000000");
        command.env("OTKLIK_LOG", filter).stderr(log).stdout(std::process::Stdio::null());
        if let Some(folder) = runtime {
            command.env("RUNTIME_DIRECTORY", folder);
        }
        let child = command.spawn().expect("the daemon starts");
        let mut daemon = Self { town, child, heard };
        daemon.wait_to_hear("READY=1");
        daemon
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.town.rig.path("log")).unwrap_or_default()
    }

    /// Waits until the service manager has been told `word`.
    #[track_caller]
    pub fn wait_to_hear(&mut self, word: &str) {
        let began = Instant::now();
        loop {
            if lock(&self.heard).iter().any(|line| line == word) {
                return;
            }
            crate::rig::pause(10);
            let ended = self.child.try_wait().expect("asked");
            assert!(ended.is_none(), "it ended ({ended:?}): {}", self.log());
            assert!(
                began.elapsed() < PATIENCE,
                "{word} not heard: {:?}, {}",
                lock(&self.heard),
                self.log()
            );
        }
    }

    /// Forgets what was heard.
    pub fn deaf(&mut self) {
        lock(&self.heard).clear();
    }

    /// Waits until `seen` gives something.
    #[track_caller]
    pub fn wait_for<T>(&mut self, what: &str, mut seen: impl FnMut() -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(found) = seen() {
                return found;
            }
            assert!(began.elapsed() < PATIENCE, "not seen: {what}\n{}", self.log());
            crate::rig::pause(50);
        }
    }

    /// Asks over the socket.
    pub fn ask(&self, kind: CommandKind) -> CommandReply {
        let command = Command {
            actor: "test".to_owned(),
            role: "operator".to_owned(),
            at: SystemClock.now(),
            kind,
        };
        let path = self.town.rig.path("store/otklik.db.sock");
        self.town
            .runtime
            .block_on(otklik::daemon::socket::send(&path, &command))
            .expect("the daemon answers")
    }

    /// Lets the daemon look at everything again and waits until each page has answered or failed.
    #[track_caller]
    pub fn look_again(&mut self) {
        let asked = SystemClock.now();
        let reply = self.ask(CommandKind::CollectNow { sources: Vec::new() });
        assert!(reply.done, "{reply:?}");
        let rig = &self.town.rig;
        let began = Instant::now();
        loop {
            let next = times(rig);
            // Whatever came of it, the next look is not due at once.
            if next.iter().all(|at| at.duration_since(asked).as_secs() > 20) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "no second look: {next:?}\n{}", self.log());
            crate::rig::pause(50);
        }
    }

    /// Asks it to stop and waits; returns how it ended.
    pub fn stop(mut self) -> (Option<i32>, String) {
        signal(&self.child, "TERM");
        let began = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("asked") {
                break status;
            }
            assert!(began.elapsed() < PATIENCE, "it does not stop: {}", self.log());
            crate::rig::pause(20);
        };
        self.wait_for_stopping();
        (status.code(), self.log())
    }

    #[track_caller]
    fn wait_for_stopping(&self) {
        let began = Instant::now();
        while !lock(&self.heard).iter().any(|line| line == "STOPPING=1") {
            assert!(began.elapsed() < PATIENCE, "it did not say that it stops");
            crate::rig::pause(10);
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Daemon<'_> {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            drop(self.child.kill());
            drop(self.child.wait());
        }
        if std::thread::panicking() {
            drop(writeln!(std::io::stderr(), "{}", self.log()));
        }
    }
}

/// When each source is next due: moves with every look, good or bad.
fn times(rig: &Rig) -> Vec<Timestamp> {
    let status = status(rig);
    let rows = status["sources"].as_array().expect("sources");
    let next = rows.iter().filter_map(|row| row["next"].as_str());
    next.map(|at| at.parse().expect("an instant")).collect()
}

/// `status --json`.
#[track_caller]
pub fn status(rig: &Rig) -> serde_json::Value {
    rig.run(&["status", "--json"]).rows(0).remove(0)
}

/// The health row of a source.
#[track_caller]
pub fn health(rig: &Rig, source: &str) -> serde_json::Value {
    let status = status(rig);
    let rows = status["sources"].as_array().expect("sources").clone();
    rows.into_iter().find(|row| row["source"] == source).expect("a health row")
}

pub fn signal(child: &Child, name: &str) {
    let sent = std::process::Command::new("kill")
        .args([&format!("-{name}"), &child.id().to_string()])
        .status();
    assert!(sent.is_ok_and(|status| status.success()));
}

/// Longest wait for anything.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Runs the binary and asserts that it is done.
#[track_caller]
pub fn done(rig: &Rig, args: &[&str]) -> Ended {
    let ended = rig.run(args);
    assert_eq!(ended.code, 0, "{args:?}: {ended:?}");
    ended
}
