//! Integration tests of the collectors: one module a platform.

#![allow(clippy::unwrap_used, reason = "a test stops at its first surprise")]

mod chance;
mod http;
mod looked;
mod mask;
mod max;
mod mtproto;
mod ok;
mod ports;
mod retry_after;
mod rss;
mod server;
mod telegram;
mod vk;
mod vk_answers;
mod vk_coverage;
mod vk_errors;
mod vk_execute;
mod vk_looks;
mod vk_model;
mod vk_play;
mod vk_poll;
mod vk_rig;
mod vk_talk;
mod web_ports;
mod wire;
