//! The files that decide, as one value: packs with their lists and overlays, and the tables beside
//! them: calendar, duty, places, risk, routes.
//!
//! Place in the flow: read before the rules are compiled; a set that was accepted is kept in the
//! store with who and why, so that a bad edit or an upgrade can be taken back. Invariant: nothing
//! is judged here; a set that could be read whole reads back equal from what is kept of it.

use std::collections::BTreeMap;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::fault::{Fault, read_text};
use super::packs::{LOCAL, PackFile, read_or_shipped};
use super::settings::Settings;

/// What stands in front of the name of a pack.
const KEYWORDS: &str = "keywords/";

/// The tables that decide beside the packs, by name.
pub const TABLES: [&str; 5] =
    ["calendar.toml", "duty.toml", "places.toml", "risk.toml", "routes.toml"];

/// A file as it was read; `None` if there is none: what the program has built in holds.
pub type TableFile = Result<Option<PackFile>, Fault>;

/// Files that decide, as they were read.
#[derive(Debug, Clone)]
pub struct RuleFiles {
    /// Packs, lists, overlays; or why they cannot be read.
    pub packs: Result<Vec<PackFile>, Vec<Fault>>,
    /// The tables that are there, by name (see [`TABLES`]); or why one cannot be read.
    tables: BTreeMap<&'static str, TableFile>,
}

impl RuleFiles {
    /// Reads everything that the settings name.
    #[must_use]
    pub fn read(settings: &Settings) -> Self {
        let tables = TABLES.map(|name| (name, read_one(&settings.reloadable(name))));
        Self { packs: read_or_shipped(&settings.keywords), tables: tables.into() }
    }

    /// One of [`TABLES`]; `Ok(None)` for any other name.
    pub fn table(&self, name: &str) -> TableFile {
        self.tables.get(name).cloned().unwrap_or(Ok(None))
    }

    /// The set kept under these names, standing where the settings say.
    #[must_use]
    pub fn of_named(settings: &Settings, named: Vec<(String, String)>) -> Self {
        let (mut packs, mut tables) = (Vec::new(), BTreeMap::new());
        for (name, text) in named {
            if let Some(table) = TABLES.into_iter().find(|table| *table == name) {
                tables.insert(table, Ok(Some(PackFile::new(settings.reloadable(table), text))));
            } else {
                let path = settings.keywords.join(name.strip_prefix(KEYWORDS).unwrap_or(&name));
                packs.push(PackFile::new(path, text));
            }
        }
        Self { packs: Ok(packs), tables }
    }

    /// The same files with the packs of another set.
    #[must_use]
    pub fn with_packs(mut self, packs: Vec<PackFile>) -> Self {
        self.packs = Ok(packs);
        self
    }

    /// Name and text of each file: `keywords/water.toml`, `keywords/local/water.toml`, `risk.toml`.
    /// `None` if some file cannot be read.
    #[must_use]
    pub fn named(&self) -> Option<Vec<(String, String)>> {
        let packs = self.packs.as_ref().ok()?;
        let mut named: Vec<(String, String)> =
            packs.iter().map(|pack| (name_of(pack), pack.text.clone())).collect();
        for (name, file) in &self.tables {
            let file = file.as_ref().ok()?;
            named.extend(file.as_ref().map(|file| ((*name).to_owned(), file.text.clone())));
        }
        named.sort();
        Some(named)
    }
}

/// The name under which a file of the `keywords/` folder is kept.
#[must_use]
pub fn name_of(pack: &PackFile) -> String {
    let local = if pack.is_local() { format!("{LOCAL}/") } else { String::new() };
    format!("{KEYWORDS}{local}{}.toml", pack.stem())
}

/// 16 hex digits over names and texts: the version of a set.
#[must_use]
pub fn version(named: &[(String, String)]) -> String {
    let mut sha = Sha256::new();
    for (name, text) in named {
        sha.update(format!("{name}\0{}\0", text.len()).as_bytes());
        sha.update(text.as_bytes());
    }
    sha.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn read_one(file: &Path) -> Result<Option<PackFile>, Fault> {
    if !file.exists() {
        return Ok(None);
    }
    Ok(Some(PackFile::new(file, read_text(file)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_reads_back_equal() {
        let settings = super::super::builtin(Path::new("there/otklik.toml"));
        let named: Vec<(String, String)> = ["keywords/local/water.toml", "keywords/water.toml"]
            .into_iter()
            .chain(["places.toml", "risk.toml"])
            .map(|name| (name.to_owned(), format!("# {name}")))
            .collect();
        let files = RuleFiles::of_named(&settings, named.clone());
        assert_eq!(files.named(), Some(named.clone()));
        let packs = files.packs.as_ref().expect("packs");
        assert!(packs[0].is_local() && !packs[1].is_local());
        assert_ne!(version(&named), version(&named[1..]));
    }
}
