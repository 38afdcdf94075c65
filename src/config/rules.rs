//! The files that decide, as one value: packs with their lists and overlays, risk, routes, places.
//!
//! Place in the flow: read before the rules are compiled; a set that was accepted is kept in the
//! store with who and why, so that a bad edit or an upgrade can be taken back. Invariant: nothing
//! is judged here; a set that could be read whole reads back equal from what is kept of it.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::fault::{Fault, read_text};
use super::packs::{LOCAL, PackFile, read_or_shipped};
use super::settings::Settings;

/// What stands in front of the name of a pack.
const KEYWORDS: &str = "keywords/";

/// Files that decide, as they were read.
#[derive(Debug, Clone)]
pub struct RuleFiles {
    /// Packs, lists, overlays; or why they cannot be read.
    pub packs: Result<Vec<PackFile>, Vec<Fault>>,
    /// `risk.toml`; `None` if there is none: what the program has built in.
    pub risk: Result<Option<PackFile>, Fault>,
    /// `routes.toml`.
    pub routes: Result<Option<PackFile>, Fault>,
    /// `places.toml`.
    pub places: Result<Option<PackFile>, Fault>,
}

impl RuleFiles {
    /// Reads everything that the settings name.
    #[must_use]
    pub fn read(settings: &Settings) -> Self {
        Self {
            packs: read_or_shipped(&settings.keywords),
            risk: read_one(&settings.risk_file()),
            routes: read_one(&settings.routes_file()),
            places: read_one(&settings.places_file()),
        }
    }

    /// The set kept under these names, standing where the settings say.
    #[must_use]
    pub fn of_named(settings: &Settings, named: Vec<(String, String)>) -> Self {
        let (mut packs, mut risk, mut routes, mut places) = (Vec::new(), None, None, None);
        for (name, text) in named {
            match name.as_str() {
                "risk.toml" => risk = Some(PackFile::new(settings.risk_file(), text)),
                "routes.toml" => routes = Some(PackFile::new(settings.routes_file(), text)),
                "places.toml" => places = Some(PackFile::new(settings.places_file(), text)),
                name => {
                    let path = settings.keywords.join(name.strip_prefix(KEYWORDS).unwrap_or(name));
                    packs.push(PackFile::new(path, text));
                }
            }
        }
        Self { packs: Ok(packs), risk: Ok(risk), routes: Ok(routes), places: Ok(places) }
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
        for (name, file) in [
            ("risk.toml", &self.risk),
            ("routes.toml", &self.routes),
            ("places.toml", &self.places),
        ] {
            let file = file.as_ref().ok()?;
            named.extend(file.as_ref().map(|file| (name.to_owned(), file.text.clone())));
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
