//! What is tested where: one module a subject, one binary for all.

mod alert_decide;
mod alert_render;
mod bless;
mod cli;
mod cli_tools;
mod cluster;
mod config;
mod digest;
mod engine_props;
mod lexicons;
mod normalise;
mod notify_email;
mod notify_next;
mod notify_telegram;
mod packs;
mod payloads;
mod places;
mod polarity;
mod query;
mod reference;
mod routes;
mod shipped;
mod store;
mod tidy;
mod tokens;

/// The root of the repository.
pub fn root() -> std::path::PathBuf {
    std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
