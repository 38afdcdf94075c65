//! Integration tests of the collectors.

mod ports;
mod vk;
mod vk_model;
