//! Words and guards for lists that people read.
//!
//! Place in the flow: between the commands that read the store and the words of alerts and digests.
//! Invariant: nothing is said here that the alert does not say in the same words.

pub use crate::alert::render::words::{
    count, day, level, level_sign, moment, reason, sentence, voices,
};
use crate::model::HealthState;

/// The state of a source in a word or two.
#[must_use]
pub fn health(state: HealthState) -> &'static str {
    match state {
        HealthState::Ok => "читается",
        HealthState::Slow => "сбои",
        HealthState::Paused => "пауза",
        HealthState::NeedsPerson => "нужен человек",
        HealthState::Gone => "недоступен",
        HealthState::Silent => "молчит",
    }
}

pub use crate::digest::{cell as sheet_cell, document, gaps, guard, share, sheet};
