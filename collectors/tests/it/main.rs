//! Integration tests of the collectors.

mod ports;
mod vk;
mod vk_answers;
mod vk_errors;
mod vk_looks;
mod vk_model;
mod vk_play;
mod vk_rig;
