//! Integration tests of the collectors.

mod ports;
mod rss;
mod telegram;
