//! The servers around the program, one life after the other, and the rest at the end.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use otklik::clock::{Clock, SystemClock};
use otklik::daemon::socket;
use otklik::model::{Command, CommandKind, DistrictId};
use otklik::notify::play::{LocalBot, LocalSmtp, SmtpFault, SmtpStage};
use otklik::sim::Rng;
use otklik::store::Store;
use otklik_collectors::play::vk::PlayVk;
use otklik_collectors::play::{Server, serve};
use tempfile::TempDir;

use super::check::{self, Outcome};
use super::gates::Gates;
use super::life::{LIFE_MAX, Life, Moment, log_of, until};
use super::town::{self, Addresses, Deed, Writer};

/// Receivers of the town, one with mail and a chat.
const RECEIVERS: i64 = 5;
/// Longest wait for everything to come to rest.
const REST_MAX: Duration = Duration::from_secs(120);

/// A town, the servers that play it, and a configuration.
pub struct Stage {
    pub config: PathBuf,
    pub smtp: LocalSmtp,
    pub bot: LocalBot,
    pub gates: Gates,
    play: Arc<Mutex<PlayVk>>,
    writer: Arc<Mutex<Writer>>,
    keys: Option<String>,
    _vk: Server,
    _folder: TempDir,
}

impl Drop for Stage {
    #[expect(clippy::print_stderr, reason = "the log of what failed is gone with its folder")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(log_of(&self.config)).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            let tail = lines.len().saturating_sub(30);
            eprintln!("{}", lines[tail..].join("\n"));
        }
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Stage {
    /// Opens the servers and writes the configuration; nothing has been written on the walls.
    pub async fn open(deeds: Vec<Deed>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut play = PlayVk::new();
        town::found(&mut play.world);
        let play = Arc::new(Mutex::new(play));
        let vk = serve(play.clone(), Arc::new(SystemClock)).await.expect("a socket");
        let smtp = LocalSmtp::start().await.expect("a socket");
        let bot = LocalBot::start(town::BOT_TOKEN).await.expect("a socket");
        let gates = Gates::open().await;
        let further = Some((gates.sections(), gates.receivers()));
        let addresses =
            Addresses { vk: vk.url(), smtp: smtp.url(), bot: bot.url(), gates: further };
        let config = town::configure(folder.path(), &addresses, "1h");
        let writer = Arc::new(Mutex::new(Writer::past(deeds, SystemClock.now())));
        Self { config, smtp, bot, gates, play, writer, keys: None, _vk: vk, _folder: folder }
    }

    pub fn play(&self) -> MutexGuard<'_, PlayVk> {
        lock(&self.play)
    }

    pub fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    pub fn store(&self) -> PathBuf {
        self.config.with_file_name("store").join("otklik.db")
    }

    /// Writes everything that is left of the script.
    pub fn write_the_rest(&self) {
        let mut writer = lock(&self.writer);
        let left = writer.left();
        writer.write(&mut self.play().world, left);
    }

    /// Asks the daemon to look at its sources now, as soon as it listens.
    pub async fn hasten(&self, life: &Life) -> bool {
        let mut path = self.store().into_os_string();
        path.push(".sock");
        let command = Command {
            actor: "test".to_owned(),
            role: "operator".to_owned(),
            at: self.now(),
            kind: CommandKind::CollectNow { sources: Vec::new() },
        };
        loop {
            match socket::send(path.as_ref(), &command).await {
                Ok(reply) => return reply.done,
                Err(_) if life.ended().is_some() => return false,
                Err(_) => tokio::time::sleep(Duration::from_millis(2)).await,
            }
        }
    }

    /// One life that ends at `moment`, or later if the moment does not come; `left`: lives to
    /// come, this one among them. The town goes on writing before it and during it.
    pub async fn live(&mut self, args: &[&str], moment: Moment, rng: &mut Rng, left: u64) {
        let share = lock(&self.writer).left() / usize::try_from(left).expect("small");
        let at_once = rng.below(share + 1);
        lock(&self.writer).write(&mut self.play().world, at_once);
        let slot = Arc::new(Mutex::new(None));
        let calls = self.hook(share - at_once, moment, &slot);
        let (mails, talks) = (self.smtp.mails().len(), self.smtp.conversations());
        let chats = self.bot.calls() + self.gates.count();
        self.smtp.heal();
        match moment {
            Moment::Accepted => self.smtp.fail(SmtpFault::Hang(SmtpStage::Accepted)),
            Moment::Content => self.smtp.fail(SmtpFault::Hang(SmtpStage::Content)),
            _ => {}
        }
        let life = Life::start(&self.config, args);
        *lock(&slot) = Some(life.clone());
        let come = || match moment {
            Moment::After(delay) => Some(delay),
            Moment::Asked(_) => None,
            Moment::Answered(k, delay) => (calls.load(Ordering::SeqCst) >= k).then_some(delay),
            Moment::Mailing(delay) => (self.smtp.conversations() > talks).then_some(delay),
            Moment::Accepted => (self.smtp.mails().len() > mails).then_some(0),
            Moment::Content => (self.smtp.conversations() > talks).then_some(5),
            Moment::Chatting(delay) => {
                (self.bot.calls() + self.gates.count() > chats).then_some(delay)
            }
        };
        let ended = || life.ended().map(|_| 0);
        let runs = args == ["run"];
        let moments = until(LIFE_MAX, || come().or_else(ended));
        let hasten = async {
            if runs {
                self.hasten(&life).await;
            }
            std::future::pending::<()>().await;
        };
        let delay = tokio::select! { delay = moments => delay, () = hasten => None };
        tokio::time::sleep(Duration::from_millis(delay.unwrap_or_default())).await;
        let asked = matches!(moment, Moment::Asked(_));
        if let Some(status) = life.ended() {
            assert!((asked && status.code().is_none()) || (!runs && status.success()), "{status}");
        }
        life.kill();
        self.play().on_call = None;
        self.keys_stay();
        self.whole();
    }

    /// Looks at a copy of what a kill left, so that the next life still finds it as it was.
    fn whole(&self) {
        let store = self.store();
        let copy = tempfile::tempdir().expect("a folder");
        for end in ["", "-wal"] {
            let mut from = store.clone().into_os_string();
            from.push(end);
            let to = copy.path().join(format!("otklik.db{end}"));
            if PathBuf::from(&from).exists() {
                std::fs::copy(from, to).expect("copied");
            }
        }
        let copy = copy.path().join("otklik.db");
        // Killed before it had a schema, it has nothing to tell yet.
        if check::has_schema(&copy) {
            check::whole(&copy, RECEIVERS);
        }
    }

    /// Lets each call write a little, and kills at the k-th if that is the moment.
    fn hook(
        &self,
        share: usize,
        moment: Moment,
        slot: &Arc<Mutex<Option<Life>>>,
    ) -> Arc<AtomicUsize> {
        let calls = Arc::new(AtomicUsize::new(0));
        let (writer, slot, counted) = (self.writer.clone(), slot.clone(), calls.clone());
        let mut left = share;
        self.play().on_call = Some(Box::new(move |world, _, _| {
            if left > 0 {
                left -= 1;
                lock(&writer).write(world, 1);
            }
            let call = counted.fetch_add(1, Ordering::SeqCst) + 1;
            if moment == Moment::Asked(call)
                && let Some(life) = lock(&slot).as_ref()
            {
                life.kill();
            }
        }));
        calls
    }

    /// Month keys are made once and stay what they are.
    fn keys_stay(&mut self) {
        let mut path = self.store().into_os_string();
        path.push(".keys");
        let found = std::fs::read_to_string(path).ok().filter(|text| !text.is_empty());
        match (&self.keys, found) {
            (Some(keys), found) => assert_eq!(found.as_ref(), Some(keys), "the keys changed"),
            (None, found) => self.keys = found,
        }
    }

    /// Waits until every source has been read to its end after `since` and nothing is left to do.
    async fn rest(&self, store: &Store, since: Timestamp) {
        let start = std::time::Instant::now();
        loop {
            let sources = store.sources().await.expect("read");
            let read = sources.iter().all(|row| row.health.last_ok.is_some_and(|at| at > since));
            let waits = !store.take_work(1).await.expect("read").is_empty();
            let stats = store.delivery_stats(self.now()).await.expect("read");
            if read && !waits && stats.next_due.is_none() {
                return;
            }
            assert!(start.elapsed() < REST_MAX, "no rest: {sources:?} {stats:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Lets a last life come to rest, ends it in peace, and checks everything that must hold.
    pub async fn settle(&mut self, kills: u64) -> Outcome {
        self.smtp.heal();
        self.write_the_rest();
        let life = Life::start(&self.config, &["run"]);
        assert!(self.hasten(&life).await, "the daemon listens");
        let district = DistrictId::from("district");
        let store = Store::open_read(&self.store(), district).expect("opens");
        // The first look may go on with one that was broken off, the second is a whole one.
        for _ in 0..2 {
            let since = self.now();
            assert!(self.hasten(&life).await, "the daemon listens");
            self.rest(&store, since).await;
        }
        let (since, before) = (self.now(), self.play().log.len());
        assert!(self.hasten(&life).await, "the daemon listens");
        self.rest(&store, since).await;
        let calls = self.play().log.len() - before;
        assert!(calls <= town::WALLS.len() * 2, "{calls} calls of a quiet look");
        life.terminate();
        let status = life.wait(Duration::from_secs(5)).await.expect("it stops when told");
        assert_eq!(status.code(), Some(0));
        drop(store);
        self.keys_stay();

        let kills = usize::try_from(kills).expect("small");
        let outcome = check::outcome(&self.config);
        let now = self.now();
        outcome.holds(&self.play().world, now);
        let taken = self.gates.taken();
        check::told(&self.config, &self.smtp.mails(), &self.bot.messages(), &taken, kills);
        let critics = town::critics(&self.play().world, now);
        check::clean(&self.store(), critics, &outcome);
        outcome
    }

    /// VK was never asked faster than it allows, over all lives.
    pub fn limits_kept(&self) {
        let play = self.play();
        assert!(play.busiest_second() <= 5, "{} calls in a second", play.busiest_second());
        let refused: Vec<_> = play.log.iter().filter(|call| call.error == Some(6)).collect();
        assert!(refused.is_empty(), "{refused:?}");
    }
}
