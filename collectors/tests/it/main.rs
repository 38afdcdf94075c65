//! Integration tests of the collectors: one module a platform.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod http;
mod mask;
mod ports;
mod retry_after;
mod rss;
mod server;
mod telegram;
mod vk;
mod vk_model;
mod web_ports;
mod wire;
