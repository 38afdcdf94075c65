//! Reads the files of a `keywords/` folder, packs, lists and local overlays.
//!
//! Place in the flow: `classify` compiles what this reads. Invariant: nothing is judged here; files
//! come in a repeatable order, and a file that cannot be read is a fault, not a hole.

use std::path::{Path, PathBuf};

use super::fault::{Fault, read_text};
use super::shipped;

/// Folder of the customer's own packs and overlays within `keywords/`.
pub const LOCAL: &str = "local";

/// One file of a `keywords/` folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackFile {
    /// Path, as the user would name it.
    pub path: PathBuf,
    /// Content with `\n` line ends, without BOM.
    pub text: String,
}

impl PackFile {
    /// A file from memory.
    pub fn new(path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into() }
    }

    /// File name without `.toml`.
    #[must_use]
    pub fn stem(&self) -> &str {
        self.path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default()
    }

    /// Whether it stands in the folder of overlays.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.path.parent().and_then(Path::file_name).is_some_and(|folder| folder == LOCAL)
    }

    /// Whether it is a list (`_*.toml`), not a pack.
    #[must_use]
    pub fn is_list(&self) -> bool {
        self.stem().starts_with('_')
    }
}

/// All `*.toml` files of `folder` and of `folder/local`, shipped ones first, each sorted by name.
/// Errors: every folder or file that cannot be read.
pub fn read_dir(folder: &Path) -> Result<Vec<PackFile>, Vec<Fault>> {
    let (mut files, mut faults) = (Vec::new(), Vec::new());
    let local = folder.join(LOCAL);
    let folders = [Some(folder), local.is_dir().then_some(local.as_path())];
    for folder in folders.into_iter().flatten() {
        match toml_files(folder) {
            Ok(paths) => {
                for path in paths {
                    match read_text(&path) {
                        Ok(text) => files.push(PackFile { path, text }),
                        Err(fault) => faults.push(fault),
                    }
                }
            }
            Err(fault) => faults.push(fault),
        }
    }
    if faults.is_empty() { Ok(files) } else { Err(faults) }
}

/// The files of `folder`; without such a folder the shipped ones.
pub fn read_or_shipped(folder: &Path) -> Result<Vec<PackFile>, Vec<Fault>> {
    if folder.exists() {
        return read_dir(folder);
    }
    let packs = shipped::keywords().filter(|(name, _)| name.ends_with(".toml"));
    Ok(packs.map(|(name, text)| PackFile::new(format!("keywords/{name}"), text)).collect())
}

fn toml_files(folder: &Path) -> Result<Vec<PathBuf>, Fault> {
    let unreadable = |error: std::io::Error| {
        let text = match error.kind() {
            std::io::ErrorKind::NotFound => "папка не найдена".to_owned(),
            _ => format!("папка не читается ({error})"),
        };
        Fault::whole(folder, text, "укажите папку с пакетами: [keywords] path")
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_file() && path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}
