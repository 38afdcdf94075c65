//! The files that travel inside the binary: packs and reloadable configuration as shipped.
//!
//! Place in the flow: `init` writes them out; a reader falls back on them where nothing is
//! installed. Invariant: the list is made by `build.rs` from the folders themselves, so a new pack
//! is one file.

include!(concat!(env!("OUT_DIR"), "/shipped.rs"));

/// The text of a shipped file, by its path in the repository: `config/routes.toml`.
#[must_use]
pub fn text(path: &str) -> Option<&'static str> {
    SHIPPED.iter().find(|(name, _)| *name == path).map(|(_, text)| *text)
}

/// The packs and lists: path below `keywords/`, text.
pub fn keywords() -> impl Iterator<Item = (&'static str, &'static str)> {
    SHIPPED.iter().filter_map(|(name, text)| Some((name.strip_prefix("keywords/")?, *text)))
}
