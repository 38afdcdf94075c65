//! Words and guards for lists that people read.
//!
//! Place in the flow: between the commands that read the store and the words of alerts and digests.
//! Invariant: nothing is said here that the alert does not say in the same words.

pub use crate::alert::render::health::state as health;
pub use crate::alert::render::hold::hidden;
pub use crate::alert::render::words::{
    channel, count, day, delivery_state, level, level_key, level_sign, moment, reason, sentence,
    voices,
};
pub use crate::digest::{cell as sheet_cell, document, gaps, guard, share, sheet};
pub use crate::pipeline::words::mark;

/// What is read of Telegram without an account.
pub const PREVIEW_ALONE: &str = "Telegram: без учётной записи читаем только каналы с открытым \
                                 просмотром; группы и комментарии не читаем";
