//! Integration tests of the collectors: one module a platform.
//! Integration tests of the collectors.
#![allow(
    clippy::unwrap_used,
    reason = "clippy.toml allows it in test functions, not in what they call"
)]

mod ports;
mod rss;
mod telegram;
mod vk;
mod vk_model;
mod web_ports;
