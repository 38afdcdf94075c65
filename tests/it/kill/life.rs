//! One life of the real program as a child process, and the moments at which it dies.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use otklik::sim::Rng;

/// Longest life before it is ended whatever it waits for.
pub const LIFE_MAX: Duration = Duration::from_millis(2_500);

/// A running otklik; killed when dropped.
#[derive(Clone)]
pub struct Life(Arc<Mutex<Child>>);

impl Life {
    /// Starts `otklik <args>` with its log appended to `otklik.log` beside the configuration.
    pub fn start(config: &Path, args: &[&str]) -> Self {
        let log = log_of(config);
        let out = |file: &File| Stdio::from(file.try_clone().expect("a handle"));
        let log = OpenOptions::new().create(true).append(true).open(log).expect("a log");
        let child = Command::new(env!("CARGO_BIN_EXE_otklik"))
            .args(args)
            .arg("--config")
            .arg(config)
            .stdin(Stdio::null())
            .stdout(out(&log))
            .stderr(out(&log))
            .spawn()
            .expect("the binary runs");
        Self(Arc::new(Mutex::new(child)))
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Number of the process.
    pub fn pid(&self) -> u32 {
        self.child().id()
    }

    /// Kills it (SIGKILL) and waits until it is gone; how it ended, if it had ended before.
    pub fn kill(&self) {
        let mut child = self.child();
        child.kill().expect("killed or gone");
        child.wait().expect("gone");
    }

    /// How it ended, once it has.
    pub fn ended(&self) -> Option<ExitStatus> {
        self.child().try_wait().expect("asked")
    }

    /// Waits for its end.
    pub async fn wait(&self, limit: Duration) -> Option<ExitStatus> {
        until(limit, || self.ended()).await
    }

    /// Asks it to stop (SIGTERM).
    pub fn terminate(&self) {
        let pid = self.pid().to_string();
        let told = Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs");
        assert!(told.success());
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        if Arc::strong_count(&self.0) == 1 {
            self.kill();
        }
    }
}

/// Where the log of a configuration's lives is.
pub fn log_of(config: &Path) -> PathBuf {
    config.with_file_name("otklik.log")
}

/// Asks each millisecond until there is an answer; none within `limit`.
pub async fn until<T>(limit: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if start.elapsed() > limit {
            return None;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// When a life ends. Delays are in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// So long after the start.
    After(u64),
    /// When VK has its k-th request and has not answered.
    Asked(usize),
    /// So long after VK answered its k-th request.
    Answered(usize, u64),
    /// So long after a mail conversation began.
    Mailing(u64),
    /// When the mail server has accepted a mail and has not said so.
    Accepted,
    /// When the mail server waits for a content that it lets hang.
    Content,
    /// So long after the bot was called.
    Chatting(u64),
}

impl Moment {
    /// Any moment, as often in the middle of a call as between them.
    pub fn any(rng: &mut Rng) -> Self {
        let delay = |rng: &mut Rng, most: usize| u64::try_from(rng.below(most)).expect("small");
        match rng.below(12) {
            0 | 1 => Moment::After(delay(rng, 1_000)),
            2 | 3 => Moment::Asked(1 + rng.below(6)),
            // The commits of a page lie here.
            4..8 => Moment::Answered(1 + rng.below(8), delay(rng, 20)),
            8 => Moment::Mailing(delay(rng, 30)),
            9 => Moment::Accepted,
            10 => Moment::Content,
            _ => Moment::Chatting(delay(rng, 30)),
        }
    }

    /// A moment of a life that sends nothing.
    pub fn of_collecting(rng: &mut Rng) -> Self {
        loop {
            let moment = Self::any(rng);
            if matches!(moment, Moment::After(_) | Moment::Asked(_) | Moment::Answered(..)) {
                return moment;
            }
        }
    }
}
