//! The door: turns author ids into seeds and masks people in texts.
//!
//! Place in the flow: inside every platform's `adapt`, before anything leaves this crate.
//! Invariant: a [`Seed`] cannot be stored, printed, compared or serialised; the only thing that can
//! be made of it is a [`Voice`] for one topic. A [`Masked`] text can only be made by the door.

mod chain;
mod cues;
mod flats;
mod handles;
mod links;
mod mask;
mod name_tables;
mod names;
mod numbers;
mod papers;
mod tokens;

use std::collections::BTreeSet;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

use crate::ports::MonthKeys;
use crate::raw::Author;

pub use mask::{Mask, Masked};

/// A keyed hash of an author, good for one month: HMAC-SHA-256(key of the month, author).
///
/// Deliberately without `Debug`, `PartialEq`, `Serialize`: it lives between the door and
/// classification.
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

/// Makes seeds and masks texts.
#[derive(Clone)]
pub struct Door {
    keys: Arc<dyn MonthKeys>,
    handles: Arc<handles::Handles>,
    services: Arc<BTreeSet<String>>,
}

impl Door {
    /// A door over month keys. `handles` are the configured sources' names and addresses in any
    /// spelling (`zaigraevo_online`, `-200001`, `https://vk.com/public200001`, `t.me/zaigraevo`, a
    /// feed's address): mentions of and links to them stay readable, for a feed those to its whole
    /// site.
    pub fn new(keys: Arc<dyn MonthKeys>, handles: impl IntoIterator<Item = String>) -> Self {
        let handles = Arc::new(handles::Handles::new(handles));
        Self { keys, handles, services: Arc::default() }
    }

    /// The same door, which knows service accounts of bodies by their names (`vk:-200002`).
    #[must_use]
    pub fn with_services(self, services: BTreeSet<String>) -> Self {
        Self { services: Arc::new(services), ..self }
    }

    /// Who a named author is to us: a listed service account, else a person that is counted and
    /// never known. `author` as for [`Door::seed`].
    #[must_use]
    pub fn author(&self, author: &str, published: Timestamp) -> Author {
        match self.services.contains(author) {
            true => Author::Service,
            false => Author::Person(self.seed(author, published)),
        }
    }

    /// The seed of an author. `author` must be unique over platforms, for example `vk:100001`.
    #[must_use]
    pub fn seed(&self, author: &str, published: Timestamp) -> Seed {
        Seed(hmac(&self.keys.key(published), author.as_bytes()))
    }

    /// Masks people in a text: mentions, links and accounts of no configured source, phones, e-mail
    /// addresses, cards, documents, number plates, flats, and surnames with a first name or
    /// initials (streets, monuments and bodies named after people excepted). A masked text stays as
    /// it is.
    #[must_use]
    pub fn mask(&self, text: &str) -> Masked {
        mask::mask(text, &self.handles)
    }
}
