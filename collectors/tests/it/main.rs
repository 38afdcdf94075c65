//! Integration tests of the collectors.

mod ports;
mod rss;
mod telegram;
mod vk;
mod vk_model;
