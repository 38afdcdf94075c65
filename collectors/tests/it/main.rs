//! Integration tests of the collectors: one module a platform.

mod mask;
mod ports;
mod rss;
mod telegram;
mod vk;
mod vk_model;
mod web_ports;
