//! A chat joins a receiver by a code that was sent to the bot.
//!
//! Place in the flow: what an ear hears as text ends here. Invariants: only a code opens anything;
//! wrong codes silence a chat for an hour; who wrote is not known here, and a chat that joined
//! nothing is kept nowhere but in memory.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::district::District;
use super::services::Services;
use super::words;
use crate::model::Channel;
use crate::notify::Said;
use crate::store::StoreError;

/// Letters and digits of a code: none that is taken for another.
const LETTERS: &[u8] = b"23456789ABCDEFGHJKMNPQRSTUVWXYZ";
/// Length of a code.
pub const CODE_CHARS: usize = 8;
/// Wrong codes before a chat is not answered any more.
const GUESSES_MAX: u32 = 5;
/// For how long.
const SILENCE: SignedDuration = SignedDuration::from_hours(1);
/// Most chats whose guesses are counted; beyond, everybody unknown waits.
const CHATS_MAX: usize = 10_000;

/// A code of random bytes, one for each letter.
#[must_use]
pub fn code(random: [u8; CODE_CHARS]) -> String {
    random.iter().map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])).collect()
}

/// The code in a text: `K7M4-Q2XA`, `/start k7m4q2xa`, `/start@bot K7M4 Q2XA`.
#[must_use]
pub fn code_in(words: &str) -> Option<String> {
    let mut parts = words.split_whitespace().peekable();
    if parts.peek().is_some_and(|first| first.starts_with('/') || first.starts_with('@')) {
        parts.next();
    }
    let rest: String = parts.collect();
    let code: String = rest.chars().filter(|c| *c != '-').map(|c| c.to_ascii_uppercase()).collect();
    let good = |c: char| u8::try_from(c).is_ok_and(|byte| LETTERS.contains(&byte));
    (code.len() == CODE_CHARS && code.chars().all(good)).then_some(code)
}

/// Wrong codes by chat, in memory alone.
#[derive(Debug, Default)]
pub struct Guesses(BTreeMap<(Channel, String), (u32, Timestamp)>);

impl Guesses {
    /// Whether the chat may try now.
    fn may(&mut self, chat: &(Channel, String), now: Timestamp) -> bool {
        self.0.retain(|_, (_, last)| now.duration_since(*last) < SILENCE);
        match self.0.get(chat) {
            Some((wrong, _)) => *wrong < GUESSES_MAX,
            None => self.0.len() < CHATS_MAX,
        }
    }

    fn wrong(&mut self, chat: (Channel, String), now: Timestamp) {
        let entry = self.0.entry(chat).or_insert((0, now));
        *entry = (entry.0 + 1, now);
    }
}

/// Reads what was written to the bot. Returns what to answer there; silence if nothing.
pub async fn hear(
    services: &Services,
    district: &District,
    guesses: &mut Guesses,
    said: &Said,
) -> Result<Option<String>, StoreError> {
    let now = services.clock.now();
    let chat = (said.channel, said.address.clone());
    let Some(code) = code_in(&said.words) else {
        let asks = said.private && said.words.starts_with("/start");
        return Ok((asks && guesses.may(&chat, now)).then(|| words::SEND_CODE.to_owned()));
    };
    if !guesses.may(&chat, now) {
        return Ok(None);
    }
    let joined = services.store.enrol(&code, said.channel, &said.address, now).await?;
    let Some(receiver) = joined else {
        guesses.wrong(chat, now);
        tracing::warn!(channel = said.channel.name(), "a wrong code was sent to the bot");
        // In a group an ordinary word may look like a code: nobody is disturbed.
        return Ok(said.private.then(|| words::WRONG_CODE.to_owned()));
    };
    tracing::info!(channel = said.channel.name(), %receiver, "a chat joined a receiver");
    let known = district.routes.receivers.iter().any(|it| it.name == receiver);
    Ok(Some(words::joined(&receiver, known)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        let code = code([0, 1, 2, 3, 40, 50, 60, 255]);
        assert_eq!(code.len(), CODE_CHARS);
        let (left, right) = code.split_at(4);
        for typed in [
            code.clone(),
            code.to_lowercase(),
            format!("{left}-{right}"),
            format!("/start {left} {right}"),
            format!("/start@otklik_bot {code}"),
            format!("@otklik_bot {code}"),
        ] {
            assert_eq!(code_in(&typed), Some(code.clone()), "{typed}");
        }
        for other in ["", "/start", "добрый день", "K7M4", "K7M4Q2XA9", "ILO0ILO0", "/start x"]
        {
            assert_eq!(code_in(other), None, "{other}");
        }
    }

    #[test]
    fn five_wrong_codes_silence_a_chat_for_an_hour() {
        let mut guesses = Guesses::default();
        let chat = |name: &str| (Channel::Telegram, name.to_owned());
        let start: Timestamp = "2026-11-20T02:30:00Z".parse().expect("an instant");
        for _ in 0..GUESSES_MAX {
            assert!(guesses.may(&chat("1"), start));
            guesses.wrong(chat("1"), start);
        }
        assert!(!guesses.may(&chat("1"), start) && guesses.may(&chat("2"), start));
        let later = start + SILENCE;
        assert!(guesses.may(&chat("1"), later));
    }
}
