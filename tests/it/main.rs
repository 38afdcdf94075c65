//! What is tested where: one module a subject, one binary for all.

mod bless;
mod cli;
mod config;
mod reference;
mod tokens;

/// The root of the repository.
pub fn root() -> std::path::PathBuf {
    std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
