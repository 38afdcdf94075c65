//! A few words of a text, as written.
//!
//! Place in the flow: in every match and signal that classification makes. Invariant: short words
//! stand in place, so that a text that matches many rules costs no memory of its own for each.

use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Serialize};

/// Bytes that stand in place: two long Russian words.
const SHORT_MAX: usize = 54;

/// Wording of a text; reads like a `str`.
#[derive(Clone)]
pub struct Wording(Kept);

#[derive(Clone)]
enum Kept {
    Short(u8, [u8; SHORT_MAX]),
    Long(Box<str>),
}

impl Wording {
    /// The words as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Kept::Short(..) => str::from_utf8(self.bytes()).unwrap_or_default(),
            Kept::Long(text) => text,
        }
    }

    /// The bytes of the words, which compare as their letters do.
    fn bytes(&self) -> &[u8] {
        match &self.0 {
            Kept::Short(length, bytes) => bytes.get(..usize::from(*length)).unwrap_or_default(),
            Kept::Long(text) => text.as_bytes(),
        }
    }
}

impl From<&str> for Wording {
    #[inline]
    fn from(text: &str) -> Self {
        let mut bytes = [0; SHORT_MAX];
        match (bytes.get_mut(..text.len()), u8::try_from(text.len())) {
            (Some(own), Ok(length)) => {
                own.copy_from_slice(text.as_bytes());
                Self(Kept::Short(length, bytes))
            }
            _ => Self(Kept::Long(text.into())),
        }
    }
}

impl Default for Wording {
    fn default() -> Self {
        Self::from("")
    }
}

impl From<String> for Wording {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl FromIterator<char> for Wording {
    fn from_iter<T: IntoIterator<Item = char>>(chars: T) -> Self {
        chars.into_iter().collect::<String>().into()
    }
}

impl Deref for Wording {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq for Wording {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for Wording {}

impl PartialEq<str> for Wording {
    fn eq(&self, other: &str) -> bool {
        self.bytes() == other.as_bytes()
    }
}

impl PartialEq<&str> for Wording {
    fn eq(&self, other: &&str) -> bool {
        self.bytes() == other.as_bytes()
    }
}

impl PartialEq<String> for Wording {
    fn eq(&self, other: &String) -> bool {
        self.bytes() == other.as_bytes()
    }
}

impl PartialOrd for Wording {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Wording {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.bytes().cmp(other.bytes())
    }
}

impl fmt::Debug for Wording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Wording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), f)
    }
}

impl Serialize for Wording {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Wording {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_any_length_stay_as_they_are() {
        for length in [0, 1, 26, 27, 28, 200] {
            let text = "я".repeat(length);
            let words = Wording::from(text.as_str());
            assert_eq!(words, text.as_str(), "{length}");
            assert_eq!(format!("{words:?} {words}"), format!("{text:?} {text}"));
            assert_eq!(words.clone(), Wording::from(text));
        }
        let (short, long) = (Wording::from("а"), Wording::from("аа"));
        assert!(short < long);
    }
}
