//! Puts several plays behind one address, told apart by the beginning of the path.
//!
//! Place in the flow: the demo serves all platforms on one port. Invariant: a play behind a prefix
//! sees the paths it would see on a host of its own.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use crate::play::{Ask, Play, Reply};

/// Several plays by path prefix. The longest prefix that fits answers; none answers 404.
#[derive(Default)]
pub struct PlayRouter {
    mounts: Vec<(String, Arc<Mutex<dyn Play>>)>,
}

impl PlayRouter {
    /// A router that answers 404 to everything.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with `play` behind `prefix`, for example `/vk`.
    #[must_use]
    pub fn mount(mut self, prefix: &str, play: Arc<Mutex<dyn Play>>) -> Self {
        self.mounts.push((prefix.trim_end_matches('/').to_owned(), play));
        self.mounts.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        self
    }
}

impl Play for PlayRouter {
    fn answer(&mut self, ask: &Ask, now: Timestamp) -> Reply {
        let mounted = self.mounts.iter().find_map(|(prefix, play)| {
            let rest = ask.path.strip_prefix(prefix.as_str())?;
            (rest.is_empty() || rest.starts_with('/')).then_some((rest, play))
        });
        let Some((rest, play)) = mounted else {
            return Reply::status(404, "text/plain", "");
        };
        let path = if rest.is_empty() { "/" } else { rest };
        let ask = Ask { path: path.to_owned(), ..ask.clone() };
        play.lock().unwrap_or_else(PoisonError::into_inner).answer(&ask, now)
    }
}
