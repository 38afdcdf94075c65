//! A button under a message, and what its press carries back.
//!
//! Place in the flow: `alert` decides which buttons stand under a message, `notify` shows them, a
//! press brings the same words back. Invariant: what a button carries is at most 64 bytes of plain
//! letters and is read as a question, never believed: who may ask is decided by the chat.

/// Most bytes that a button can carry (Telegram's bound, the tightest).
const TAP_BYTES_MAX: usize = 64;

/// A button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Button {
    /// What stands on it.
    pub title: String,
    /// What its press carries.
    pub tap: Tap,
}

/// Rows of buttons.
pub type Keyboard = Vec<Vec<Button>>;

/// What a press carries: about what (`alert`), which one, and what is said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tap {
    /// Kind of thing.
    pub noun: String,
    /// Its id.
    pub id: String,
    /// What is said.
    pub word: String,
}

impl Tap {
    /// A tap of its parts.
    #[must_use]
    pub fn new(noun: &str, id: &str, word: &str) -> Self {
        Self { noun: noun.to_owned(), id: id.to_owned(), word: word.to_owned() }
    }

    /// Reads what came back; nothing unless it has the form of what was sent.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        let mut parts = text.split(':');
        let (noun, id, word) = (parts.next()?, parts.next()?, parts.next()?);
        let whole = parts.next().is_none() && text.len() <= TAP_BYTES_MAX;
        let good = |part: &str| !part.is_empty() && part.chars().all(plain);
        (whole && good(noun) && good(id) && good(word)).then(|| Self::new(noun, id, word))
    }

    /// As a button carries it.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}:{}:{}", self.noun, self.id, self.word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_sent_is_read() {
        let tap = Tap::new("alert", "a0123456789ab", "to.1a2b3c4d");
        assert_eq!(Tap::read(&tap.text()), Some(tap));
        let long = format!("alert:{}:taken", "a".repeat(60));
        for bad in ["", ":", "a:b", "a:b:c:d", "a::c", "a:б:c", "a:b c:d", "a:b:c\n", &long] {
            assert_eq!(Tap::read(bad), None, "{bad:?}");
        }
    }
}
