//! Integration tests, one module for each thing that is proven.

mod bless;
mod cli;
mod config;
mod reference;
mod tidy;

/// The root of the repository.
pub fn root() -> std::path::PathBuf {
    std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
