//! Watches the files that analysts and operators edit.
//!
//! Place in the flow: asked by the loop at each turn. Invariants: files are read when they have
//! stopped changing; all of them are read and checked together and used together or not at all.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::{SignedDuration, Timestamp};

use crate::config::rules::TABLES;
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
    /// Who made the last edit, and what it touched.
    edit: (String, String),
    changing: Option<Stamp>,
    next: Timestamp,
}

impl Reload {
    /// Watches the files of `settings`, which were read just now.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let used = stamp(&settings);
        Self { settings, used, edit: Default::default(), changing: None, next: Timestamp::MIN }
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

    /// Who made the edit that was read last (the owner of its newest file), and which files it
    /// touched, as a sentence for the history.
    #[must_use]
    pub fn edit(&self) -> (String, String) {
        self.edit.clone()
    }

    fn read(&mut self, present: Stamp) -> Outcome {
        self.changing = None;
        self.edit = edit_of(&self.used, &present);
        self.used = present;
        District::load(&self.settings, false)
    }
}

/// Most files that are named as touched.
const NAMED_MAX: usize = 6;

fn edit_of(before: &Stamp, present: &Stamp) -> (String, String) {
    let name = |file: &PathBuf| file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let touched: Vec<&PathBuf> = present
        .iter()
        .filter(|(file, about)| before.get(*file) != Some(*about))
        .map(|(file, _)| file)
        .collect();
    let gone = before.keys().filter(|file| !present.contains_key(*file));
    let newest = touched.iter().max_by_key(|file| present.get(**file).map(|about| about.1));
    let actor = newest.map(|file| owner(file)).unwrap_or_else(|| "otklik".to_owned());
    let mut names: Vec<String> = touched.iter().map(|file| name(file)).collect();
    names.extend(gone.map(|file| format!("{} (удалён)", name(file))));
    let more = names.len().saturating_sub(NAMED_MAX);
    names.truncate(NAMED_MAX);
    let more = if more > 0 { format!(" и ещё {more}") } else { String::new() };
    let reason = match names.is_empty() {
        true => "перечитаны без изменений".to_owned(),
        false => format!("правка файлов: {}{more}", names.join(", ")),
    };
    (actor, reason)
}

/// The account that owns a file: whoever saved it last, with most editors.
#[cfg(unix)]
fn owner(file: &Path) -> String {
    use std::os::unix::fs::MetadataExt as _;
    let Ok(about) = std::fs::metadata(file) else { return "?".to_owned() };
    let uid = about.uid().to_string();
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let account = accounts.lines().find(|line| line.split(':').nth(2) == Some(&uid));
    let name = account.and_then(|line| line.split(':').next());
    name.map_or_else(|| format!("uid {uid}"), str::to_owned)
}

/// Elsewhere nobody is named.
#[cfg(not(unix))]
fn owner(_: &Path) -> String {
    "?".to_owned()
}

fn stamp(settings: &Settings) -> Stamp {
    let mut files = vec![settings.sources_file()];
    files.extend(TABLES.map(|table| settings.reloadable(table)));
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
