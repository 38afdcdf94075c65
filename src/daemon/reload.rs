//! Watches the files that analysts and operators edit.
//!
//! Place in the flow: asked by the loop at each turn. Invariants: files are read when they have
//! stopped changing; all of them are read and checked together and used together or not at all.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::{SignedDuration, Timestamp};

use crate::config::{Fault, Settings};
use crate::pipeline::district::District;

/// New rules, or why there are none.
pub type Outcome = Result<District, Vec<Fault>>;

/// Size and time of each watched file.
type Stamp = BTreeMap<PathBuf, (u64, SystemTime)>;

/// How often files are looked at.
const LOOK_SECS: i64 = 1;

/// The watched files.
pub struct Reload {
    settings: Settings,
    used: Stamp,
    changing: Option<Stamp>,
    next: Timestamp,
}

impl Reload {
    /// Watches the files of `settings`, which were read just now.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let used = stamp(&settings);
        Self { settings, used, changing: None, next: Timestamp::MIN }
    }

    /// New rules, if files changed and have been still since the last look.
    pub fn look(&mut self, now: Timestamp) -> Option<Outcome> {
        if now < self.next {
            return None;
        }
        self.next = now.saturating_add(SignedDuration::from_secs(LOOK_SECS)).unwrap_or(now);
        let present = stamp(&self.settings);
        if present == self.used {
            self.changing = None;
            return None;
        }
        if self.changing.as_ref() != Some(&present) {
            self.changing = Some(present);
            return None;
        }
        Some(self.read(present))
    }

    /// Reads the files now, changed or not.
    pub fn now(&mut self, _now: Timestamp) -> Outcome {
        let present = stamp(&self.settings);
        self.read(present)
    }

    fn read(&mut self, present: Stamp) -> Outcome {
        self.changing = None;
        self.used = present;
        District::load(&self.settings, false)
    }
}

fn stamp(settings: &Settings) -> Stamp {
    let mut files = vec![
        settings.sources_file(),
        settings.routes_file(),
        settings.risk_file(),
        settings.places_file(),
    ];
    for folder in [settings.keywords.clone(), settings.keywords.join("local")] {
        files.extend(toml_files(&folder));
    }
    files
        .into_iter()
        .filter_map(|file| {
            let about = std::fs::metadata(&file).ok()?;
            Some((file, (about.len(), about.modified().ok()?)))
        })
        .collect()
}

fn toml_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|end| end == "toml"))
        .collect()
}
