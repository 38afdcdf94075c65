//! What is tested where: one module a subject, one binary for all.

#![allow(clippy::unwrap_used, reason = "a test stops at its first surprise")]

mod alert_buttons;
mod alert_decide;
mod alert_render;
mod alert_rollup;
mod bless;
mod boundary;
mod canary;
mod cli;
mod cli_tools;
mod cluster;
mod cluster_refine;
mod config;
mod contract;
mod crash;
mod demo;
mod digest;
mod engine_fuzz;
mod engine_limits;
mod engine_props;
mod handed;
mod hands;
mod hold;
mod joining;
mod kill;
mod ladder;
mod lexicons;
mod live;
mod marks;
mod normalise;
mod notify_contract;
mod notify_ears;
mod notify_email;
mod notify_next;
mod notify_telegram;
mod office;
mod ok_max;
mod outages;
mod packs;
mod patience;
mod payloads;
mod places;
mod polarity;
mod query;
mod reference;
mod rig;
mod routes;
mod rules_history;
mod sending;
mod shipped;
mod store;
mod storm;
mod swap;
mod telegram;
mod tidy;
mod tokens;
mod town;
mod traps;
mod trial;
mod typos;
mod usual;

/// The root of the repository.
pub fn root() -> std::path::PathBuf {
    std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
